// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * filter.bpf.c - a verdict by rules: addresses, ports, protocol, flags, sets and much more
 * reads: L2 to L4   tables: filter_image, filter_hits   cost: near constant, see docs/performance.md
 *
 * DOC: The classifier (lib/classify.h) finds the first rule that matches. A plain
 * one counts and names the edge. One with statements runs them; where it then
 * goes on, the classifier is asked again, for what comes behind it.
 *
 * What is no IP matches rules that ask for nothing of IP; ARP leaves by accept
 * before any rule unless the configuration says otherwise: IPv4 cannot do
 * without. Malformed packets do not get here: the root drops them.
 */
#include <linux/if_ether.h>

#include <shunt/module.h>
#include <shunt/lib/classifier.h>

#include "filter_rule.h"

SHUNT_MODULE_OPEN("filter", SHUNT_HOOK_ANY, SHUNT_DEPTH_L4, 8,
		  "rules by address, port, protocol, flags, sets, rates and more");
SHUNT_EDGE(accept);
SHUNT_EDGE(drop, SHUNT_FAIL_CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_POLICY);

SHUNT_CONFIG(__u8, pass_arp, 1, "1: ARP leaves by accept, whatever the rules say; 0: as other non-IP frames");
SHUNT_CONFIG(__u32, fallback, 0, "edge where no rule matches (from 'default')");
SHUNT_CONFIG(__u32, rounds, 1, "how often the classifier is asked at most (from the rules)");

/* Of the image; set by the control plane */
const volatile struct classifier_shape shape = {};
/* 1: a packet that is no traffic: it changes no set */
const volatile __u8 trial = 0;
const volatile struct filter_given given = {};

/* Made by the control plane, as large as the rules need; modules share no image */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct classifier_head));
} filter_image SEC(".maps");

#include "filter_ext.h"

static __always_inline const void *filter_image_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&filter_image, &zero);
}

#define CLASSIFY_SHAPE			shape
#define CLASSIFY_IMAGE()		filter_image_get()
#define CLASSIFY_HOLDS(ctx, index)	filter_ext_holds(ctx, index)
#include <shunt/lib/classify.h>

#define FILTER_NONE	(~0ULL)
#define FILTER_RARE	(~0ULL - 1)	/* no row's either: its prio is CLASSIFIER_NONE */

/* A walk that classify_rare() goes on with */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct classify);
} filter_rest SEC(".maps");

static __always_inline struct classify *filter_rest_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&filter_rest, &zero);
}

/* A packet on its way through the rules */
struct filter_way {
	shunt_ctx *ctx;
	struct shunt_packet *pkt;
	__u32	edge;
	/* Rules up to this priority are behind it. Bounds of what is not at a multiple of eight
	 * are none that the verifier keeps: with them, that of Linux 6.18 takes a quarter longer */
	__u32	floor;
};

/*
 * A chain of calls has 512 bytes of stack, and conditions on sets are at its end: each family has
 * a frame of its own, which is gone before what is rare is looked at and before statements run.
 * Return: the row; FILTER_RARE: classify_rare() is to go on
 */
static __noinline __u64 filter_find4(const struct filter_way *way, const void *image)
{
	struct classify walk, *rest;

	classify_key4(way->pkt, &walk.key);
	if (!classify_most(way->ctx, image, 0, way->floor, &walk))
		return walk.found;
	rest = filter_rest_get();
	if (!rest)
		return walk.found;
	*rest = walk;
	return FILTER_RARE;
}

static __noinline __u64 filter_find6(const struct filter_way *way, const void *image)
{
	struct classify walk, *rest;

	classify_key6(way->pkt, &walk.key);
	if (!classify_most(way->ctx, image, 1, way->floor, &walk))
		return walk.found;
	rest = filter_rest_get();
	if (!rest)
		return walk.found;
	*rest = walk;
	return FILTER_RARE;
}

static __always_inline __u64 filter_rare(const struct filter_way *way)
{
	struct classify *rest = filter_rest_get();

	if (!rest)
		return FILTER_NONE;
	classify_rare(way->ctx, way->pkt->l3 == 6, rest);
	return rest->found;
}

static __always_inline __u64 filter_find(const struct filter_way *way)
{
	const void *image = filter_image_get();
	__u64 found;

	if (!image)
		return FILTER_NONE;
	found = way->pkt->l3 == 6 ? filter_find6(way, image) : filter_find4(way, image);
	return found == FILTER_RARE ? filter_rare(way) : found;
}

/* Return: whether the rules are done with the packet: it has its edge */
static __always_inline bool filter_step(struct filter_way *way)
{
	__u64 row = filter_find(way);
	struct classify_found found = { .prio = row >> 32, .ref = row };
	__u32 verdict;

	if (found.prio == CLASSIFIER_NONE) {
		way->edge = fallback;
		return true;
	}
	way->edge = found.prio & ((1 << CLASSIFIER_EDGE_BITS) - 1);
	if (!shape.exts || !(found.ref & CLASSIFIER_EXT)) {
		filter_hit(way->pkt, found.ref);
		return true;
	}
	verdict = filter_ext_run(way->ctx, found.ref & ~CLASSIFIER_EXT);
	if (verdict == FILTER_LEAVE)
		return true;
	if (verdict == FILTER_NEXT)
		way->floor = found.prio >> CLASSIFIER_EDGE_BITS;
	else
		way->floor = (verdict >> FILTER_RESUME_SHIFT) - 1;
	way->edge = fallback;
	return false;
}

static long filter_again(__u32 i, void *arg)
{
	return filter_step(arg);
}

/*
 * 0, though not to the verifier. That of Linux 6.1 goes through a bpf_loop()'s callback once, so
 * what the stack holds ahead of the loop is what every round finds there: from a floor known to be
 * 0 it concludes that there is none, and takes out the code that skips what is behind the packet.
 */
static __always_inline __u32 filter_no_floor(const struct shunt_packet *pkt)
{
	const volatile __u32 *len = &pkt->len;
	__u32 once = *len;

	return once - *len;
}

static __always_inline void filter_give(struct shunt_packet *pkt)
{
	pkt->mark = given.mark;
	pkt->ct_mark = given.ct_mark;
	pkt->ct_zone = given.ct_zone;
	pkt->ct_state = given.ct_state;
	pkt->ct_flags = given.ct_flags;
}

SHUNT_NODE(ctx, pkt)
{
	struct filter_way way = { .ctx = ctx, .pkt = pkt, .edge = fallback };

	if (trial)
		filter_give(pkt);
	if (pass_arp && pkt->eth_type == bpf_htons(ETH_P_ARP))
		return SHUNT_GO(accept);
	if (rounds > 1) {
		way.floor = filter_no_floor(pkt);
		bpf_loop(rounds, filter_again, &way, 0);
	} else {
		filter_step(&way);
	}
	return way.edge;
}
