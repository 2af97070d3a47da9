/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * filter_ext.h - conditions and statements of rules (filter_rule.h), and what rules count
 *
 * DOC: Two functions that the verifier checks once each, whatever calls them:
 * filter_ext_holds() while the classifier looks for the rule, filter_ext_run() once it
 * has found one. Both find the packet's context by themselves. What a packet does not have
 * is not looked at: a condition on it fails, negated or not.
 *
 * The module that includes it has table 'filter_image' and rodata 'shape' and 'trial'.
 */
#ifndef SHUNT_FILTER_EXT_H
#define SHUNT_FILTER_EXT_H

#include <shunt/event.h>
#include <shunt/lib/bucket.h>
#include <shunt/lib/classifier.h>
#include <shunt/lib/parse.h>
#include <shunt/lib/set_find.h>
#include <shunt/module.h>

#include "filter_rule.h"
#include "filter_flow.h"
#include "filter_limit.h"

#define FILTER_KEY_ROOM		16	/* words to build a key in: a power of two */
#define FILTER_RESUME_SHIFT	4	/* of filter_ext_run()'s answer */

SHUNT_CONFIG(__u32, hits_room, 1, "room of table filter_hits (from the rules)");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);		/* (possible CPUs + 1) * hits_room */
	__type(key, __u32);
	__type(value, struct filter_hits);
} filter_hits SEC(".maps");

SHUNT_TABLE(filter_state, ARRAY, __u32, struct filter_state, 1);
SHUNT_TABLE(filter_buckets, LRU_HASH, struct filter_bucket_key, struct filter_bucket, 65536);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);	/* bytes */
} shunt_events SEC(".maps");

/* The one place that knows where extensions are */
static __always_inline const struct filter_ext *filter_ext_at(__u32 index)
{
	__u64 off = index;
	__u32 zero = 0;
	void *image;

	if (!shape.exts || off >= shape.exts + 2 * CLASSIFIER_VIEW_EXTS)
		return NULL;
	off = off * sizeof(struct filter_ext) + shape.ext_off;
	image = bpf_map_lookup_elem(&filter_image, &zero);
	return image ? image + off : NULL;
}

/* ---- hits ---- */

/* Count the packet. LOWER_NO_HIT and other indices that there are not: nothing */
static __always_inline void filter_hit(const struct shunt_packet *pkt, __u32 index)
{
	__u32 at = bpf_get_smp_processor_id() * hits_room + index;
	struct filter_hits *hits;

	if (index >= hits_room)
		return;
	hits = bpf_map_lookup_elem(&filter_hits, &at);
	if (!hits)
		return;
	hits->packets++;
	hits->bytes += pkt->len;
	hits->last = bpf_jiffies64();
}

/* ---- what a packet has ---- */

static __always_inline __u64 filter_mac(const __u8 *mac)
{
	return (__u64)mac[0] << 40 | (__u64)mac[1] << 32 | (__u64)mac[2] << 24 |
	       mac[3] << 16 | mac[4] << 8 | mac[5];
}

static __always_inline bool filter_ether(shunt_ctx *ctx, bool source, __u64 *ret_value)
{
	struct ethhdr buf, *eth = shunt_header(ctx, 0, sizeof(*eth), &buf);

	if (!eth)
		return false;
	*ret_value = filter_mac(source ? eth->h_source : eth->h_dest);
	return true;
}

static __always_inline bool filter_has_ports(const struct shunt_packet *pkt)
{
	return pkt->flags & SHUNT_PKT_L4 && (pkt->proto == IPPROTO_TCP ||
	       pkt->proto == IPPROTO_UDP || pkt->proto == IPPROTO_SCTP);
}

/* The IP packet's end, from the Ethernet header: what lies behind is padding */
static __always_inline __u32 filter_end(const struct shunt_packet *pkt)
{
	return pkt->l3 ? pkt->l4_off + pkt->l4_len : pkt->len;
}

/* ip length: of all; ip6 length: behind the header */
static __always_inline __u64 filter_length(const struct shunt_packet *pkt)
{
	return filter_end(pkt) - pkt->l3_off - (pkt->l3 == 6 ? sizeof(struct ipv6hdr) : 0);
}

/* Return: whether the packet has it */
static __always_inline bool filter_value(shunt_ctx *ctx, const struct shunt_packet *pkt,
					 __u32 field, __u64 *ret_value)
{
	switch (field) {
	case FILTER_LENGTH:
		*ret_value = filter_length(pkt);
		return pkt->l3;
	case FILTER_DSCP:
		*ret_value = pkt->tos >> 2;
		return pkt->l3;
	case FILTER_TTL:
		*ret_value = pkt->ttl;
		return pkt->l3;
	case FILTER_EXTHDR:
		*ret_value = pkt->ext_headers;
		return pkt->l3 == 6;
	case FILTER_ETHER_SADDR:
	case FILTER_ETHER_DADDR:
		return filter_ether(ctx, field == FILTER_ETHER_SADDR, ret_value);
	case FILTER_ETHER_TYPE:
		*ret_value = bpf_ntohs(pkt->eth_type);
		return true;
	case FILTER_VLAN_ID:
		*ret_value = pkt->vlan_tci[0] & 0xfff;
		return pkt->vlans;
	case FILTER_VLAN_PCP:
		*ret_value = pkt->vlan_tci[0] >> 13;
		return pkt->vlans;
	case FILTER_IIF:
		*ret_value = pkt->ifindex;
		return true;
	case FILTER_MARK:
		*ret_value = pkt->mark;
		return true;
	case FILTER_PROTO:
		*ret_value = pkt->proto;
		return pkt->l3;
	case FILTER_SPORT:
		*ret_value = bpf_ntohs(pkt->sport);
		return filter_has_ports(pkt);
	case FILTER_DPORT:
		*ret_value = bpf_ntohs(pkt->dport);
		return filter_has_ports(pkt);
	case FILTER_TCP_FLAGS:
		*ret_value = pkt->tcp_flags;
		return pkt->flags & SHUNT_PKT_L4 && pkt->proto == IPPROTO_TCP;
	case FILTER_CT_MARK:
		*ret_value = pkt->ct_mark;
		return true;
	case FILTER_CT_ZONE:
		*ret_value = pkt->ct_zone;
		return true;
	case FILTER_CT_DIRECTION:
		*ret_value = pkt->ct_flags & SHUNT_CT_REPLY;
		return filter_has_flow(pkt);
	default:
		return false;
	}
}

/* Offset of what a condition's offsets count from. Return: whether the packet has it */
static __always_inline bool filter_base(const struct shunt_packet *pkt, __u32 base, __u32 *ret_off)
{
	switch (base) {
	case FILTER_BASE_LL:
		*ret_off = 0;
		return true;
	case FILTER_BASE_NH:
		*ret_off = pkt->l3_off;
		return true;
	case FILTER_BASE_TH:
		*ret_off = pkt->l4_off;
		return pkt->l3 && pkt->frag != SHUNT_FRAG_LATER;
	default:
		return false;
	}
}

static __always_inline bool filter_payload(shunt_ctx *ctx, const struct shunt_packet *pkt,
					   const struct filter_cond *cond, __u64 *ret_value)
{
	__u64 end = cond->base == FILTER_BASE_LL ? pkt->len : filter_end(pkt), off;
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	__u32 base = 0, len = cond->len;
	__be64 word = 0;

	if (!filter_base(pkt, cond->base, &base))
		return false;
	off = (__u64)base + cond->off;
	if (len < 1 || len > sizeof(word) || off + len > end)
		return false;
	barrier_var(off);
	if (off <= SHUNT_HEADERS_END && data + off + sizeof(word) <= data_end)
		word = *(__be64 *)(data + off);
	else if (shunt_load_some(ctx, off, &word, len, sizeof(word)) < 0)
		return false;
	*ret_value = bpf_be64_to_cpu(word) >> (64 - 8 * len);
	return true;
}

/* ---- keys of sets ---- */

/* By enum filter_key_part. Read before the part is looked at, so that the verifier knows no sum */
static const volatile __u8 filter_key_words[16] = {
	[FILTER_KEY_SADDR4] = 1, [FILTER_KEY_DADDR4] = 1, [FILTER_KEY_SADDR6] = 4,
	[FILTER_KEY_DADDR6] = 4, [FILTER_KEY_PROTO] = 1, [FILTER_KEY_SPORT] = 1,
	[FILTER_KEY_DPORT] = 1, [FILTER_KEY_ETHER_SADDR] = 2, [FILTER_KEY_ETHER_DADDR] = 2,
	[FILTER_KEY_MARK] = 1, [FILTER_KEY_VLAN_ID] = 1, [FILTER_KEY_IIF] = 1,
	[FILTER_KEY_CT_MARK] = 1,
};

union filter_key {
	struct shunt_set_key key;
	__u32	word[FILTER_KEY_ROOM];
};

/* In no frame: those who ask for a set have taken most of the stack */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, union filter_key);
} filter_key SEC(".maps");

static __always_inline union filter_key *filter_key_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&filter_key, &zero);
}

static __always_inline void filter_key_put(union filter_key *key, __u64 at, __u32 word)
{
	barrier_var(at);
	at &= FILTER_KEY_ROOM - 1;
	barrier_var(at);
	key->word[at] = word;
}

static __always_inline void filter_key_put6(union filter_key *key, __u32 at,
					    const struct shunt_addr *addr)
{
	filter_key_put(key, at, bpf_ntohl(addr->word[0]));
	filter_key_put(key, at + 1, bpf_ntohl(addr->word[1]));
	filter_key_put(key, at + 2, bpf_ntohl(addr->word[2]));
	filter_key_put(key, at + 3, bpf_ntohl(addr->word[3]));
}

static __always_inline bool filter_key_mac(shunt_ctx *ctx, bool source, union filter_key *key,
					   __u32 at)
{
	__u64 mac;

	if (!filter_ether(ctx, source, &mac))
		return false;
	filter_key_put(key, at, mac >> 32);
	filter_key_put(key, at + 1, mac);
	return true;
}

/* What is one word, as a field */
static __always_inline bool filter_key_field(shunt_ctx *ctx, const struct shunt_packet *pkt,
					     __u32 field, union filter_key *key, __u32 at)
{
	__u64 value;

	if (!filter_value(ctx, pkt, field, &value))
		return false;
	filter_key_put(key, at, value);
	return true;
}

static __always_inline bool filter_key_part(shunt_ctx *ctx, const struct shunt_packet *pkt,
					    __u32 part, union filter_key *key, __u32 at)
{
	switch (part) {
	case FILTER_KEY_SADDR4:
		filter_key_put(key, at, bpf_ntohl(pkt->saddr.v4));
		return pkt->l3 == 4;
	case FILTER_KEY_DADDR4:
		filter_key_put(key, at, bpf_ntohl(pkt->daddr.v4));
		return pkt->l3 == 4;
	case FILTER_KEY_SADDR6:
		filter_key_put6(key, at, &pkt->saddr);
		return pkt->l3 == 6;
	case FILTER_KEY_DADDR6:
		filter_key_put6(key, at, &pkt->daddr);
		return pkt->l3 == 6;
	case FILTER_KEY_PROTO:
		return filter_key_field(ctx, pkt, FILTER_PROTO, key, at);
	case FILTER_KEY_SPORT:
		return filter_key_field(ctx, pkt, FILTER_SPORT, key, at);
	case FILTER_KEY_DPORT:
		return filter_key_field(ctx, pkt, FILTER_DPORT, key, at);
	case FILTER_KEY_ETHER_SADDR:
		return filter_key_mac(ctx, true, key, at);
	case FILTER_KEY_ETHER_DADDR:
		return filter_key_mac(ctx, false, key, at);
	case FILTER_KEY_MARK:
		return filter_key_field(ctx, pkt, FILTER_MARK, key, at);
	case FILTER_KEY_VLAN_ID:
		return filter_key_field(ctx, pkt, FILTER_VLAN_ID, key, at);
	case FILTER_KEY_IIF:
		return filter_key_field(ctx, pkt, FILTER_IIF, key, at);
	case FILTER_KEY_CT_MARK:
		return filter_key_field(ctx, pkt, FILTER_CT_MARK, key, at);
	default:
		return false;
	}
}

/*
 * @parts: enum filter_key_part, a byte each, the first in the lowest
 * Return: whether the packet has all of them
 */
static __always_inline bool filter_key_build(shunt_ctx *ctx, const struct shunt_packet *pkt,
					     __u64 parts, union filter_key *key)
{
	__u32 at = 0, next, part, i;

	__builtin_memset(key, 0, sizeof(*key));
#pragma clang loop unroll(disable)
	for (i = 0; i < FILTER_KEY_PARTS; i++) {
		part = parts & 15;
		if (part == FILTER_KEY_END)
			break;
		next = at + filter_key_words[part];
		if (!filter_key_part(ctx, pkt, part, key, at))
			return false;
		at = next;
		parts >>= 8;
	}
	return true;
}

/*
 * Functions of their own: the verifier looks at a key and at a set once, not once a condition
 * Return: 1, 0; -1: the packet has no such key
 */
__noinline int filter_set_has(shunt_ctx *ctx, __u64 parts, __u32 slot, __u32 dynamic)
{
	struct shunt_cpu *cpu = shunt_this_cpu();
	union filter_key *key = filter_key_get();

	if (!cpu || !key || !filter_key_build(ctx, &cpu->pkt, parts, key))
		return -1;
	if (dynamic)
		return shunt_dset_has(slot, &key->key, shunt_now_ns(&cpu->pkt), cpu->pkt.len);
	return shunt_set_has(slot, &key->key);
}

__noinline int filter_set_add(shunt_ctx *ctx, __u64 parts, __u32 slot, __u64 timeout_ns,
			      __u32 update)
{
	struct shunt_cpu *cpu = shunt_this_cpu();
	union filter_key *key = filter_key_get();

	if (!cpu || !key || !filter_key_build(ctx, &cpu->pkt, parts, key))
		return -1;
	return shunt_dset_add(slot, &key->key, timeout_ns, update, shunt_now_ns(&cpu->pkt));
}

/* ---- conditions ---- */

/* Eight bytes that lie at a multiple of four, the first one lowest */
static __always_inline __u64 filter_parts(const __u8 *part)
{
	const __u32 *word = (const __u32 *)part;

	return __builtin_bswap32(bpf_htonl(word[0])) |
	       (__u64)__builtin_bswap32(bpf_htonl(word[1])) << 32;
}

static __always_inline bool filter_set_holds(shunt_ctx *ctx, const struct filter_cond *cond)
{
	int has = filter_set_has(ctx, filter_parts(cond->part), cond->slot, cond->dynamic);

	return has >= 0 && has != cond->negated;
}

static __always_inline bool filter_cond_holds(shunt_ctx *ctx, struct shunt_packet *pkt,
					      const struct filter_cond *cond)
{
	__u64 value = 0;
	bool within;

	if (cond->kind == FILTER_COND_SET)
		return filter_set_holds(ctx, cond);
	if (cond->kind == FILTER_COND_FLOW)
		return filter_flow_holds(cond);
	if (cond->kind == FILTER_COND_RANGE) {
		if (!filter_value(ctx, pkt, cond->field, &value))
			return false;
	} else if (cond->kind == FILTER_COND_PAYLOAD) {
		if (!filter_payload(ctx, pkt, cond, &value))
			return false;
	} else {
		return false;
	}
	value &= cond->mask;
	within = value >= cond->first && value <= cond->last;
	return within != cond->negated;
}

/**
 * filter_ext_holds() - Whether all conditions of an extension hold for the packet under way
 * Return: 1 or 0
 */
__noinline int filter_ext_holds(shunt_ctx *ctx, __u32 index)
{
	const struct filter_ext *ext = filter_ext_at(index);
	struct shunt_cpu *cpu = shunt_this_cpu();
	__u32 i;

	if (!ext || !cpu)
		return 0;
#pragma clang loop unroll(disable)
	for (i = 0; i < FILTER_CONDS_MAX; i++) {
		if (i >= ext->n_conds)
			break;
		if (!filter_cond_holds(ctx, &cpu->pkt, &ext->cond[i]))
			return 0;
	}
	return 1;
}

/* ---- statements ---- */

static __always_inline __u64 *filter_bucket(const struct shunt_packet *pkt,
					    const struct filter_stmt *stmt)
{
	const struct shunt_addr *addr = stmt->per == FILTER_PER_SADDR ? &pkt->saddr : &pkt->daddr;
	struct filter_bucket_key key = { .state = stmt->index, .l3 = pkt->l3 };
	struct filter_bucket fresh = {}, *bucket;

	shunt_prefix(addr, pkt->l3, stmt->len4, stmt->len6, &key.prefix);
	bucket = bpf_map_lookup_elem(&filter_buckets, &key);
	if (!bucket) {
		bpf_map_update_elem(&filter_buckets, &key, &fresh, BPF_NOEXIST);
		bucket = bpf_map_lookup_elem(&filter_buckets, &key);
	}
	return bucket ? &bucket->due : NULL;
}

static __always_inline __u64 *filter_state_of(const struct filter_stmt *stmt)
{
	__u32 index = stmt->index;
	struct filter_state *state = bpf_map_lookup_elem(&filter_state, &index);

	return state ? &state->value : NULL;
}

static __always_inline bool filter_limit(struct shunt_packet *pkt, const struct filter_stmt *stmt)
{
	__u64 *bucket = stmt->per == FILTER_PER_RULE ? filter_state_of(stmt) :
						       filter_bucket(pkt, stmt);
	bool within = false;		/* no room for a bucket, and nothing to evict: over */

	if (bucket)
		within = shunt_bucket_take(bucket, stmt->bytes ? pkt->len : 1, stmt->step,
					   stmt->burst, shunt_now_ns(pkt));
	return within != stmt->negated;
}

/* What is over is no longer added: a quota that is used up costs no atomic */
static __always_inline bool filter_quota(const struct shunt_packet *pkt,
					 const struct filter_stmt *stmt)
{
	__u64 *used = filter_state_of(stmt);
	bool within = false;

	if (used && *(volatile __u64 *)used <= stmt->step)
		within = __sync_fetch_and_add(used, pkt->len) + pkt->len <= stmt->step;
	return within != stmt->negated;
}

static __always_inline bool filter_log_picks(const struct filter_stmt *stmt)
{
	__u64 *seen;

	if (stmt->step <= 1)
		return true;
	seen = filter_state_of(stmt);
	return seen && __sync_fetch_and_add(seen, 1) % stmt->step == 0;
}

static __always_inline void filter_log(shunt_ctx *ctx, struct shunt_packet *pkt,
				       const struct filter_ext *ext,
				       const struct filter_stmt *stmt, __u32 i)
{
	__u32 len = pkt->len < SHUNT_EVENT_BYTES ? pkt->len : SHUNT_EVENT_BYTES;
	struct shunt_event *event;

	if (!filter_log_picks(stmt))
		return;
	shunt_now_ns(pkt);
	event = bpf_ringbuf_reserve(&shunt_events, sizeof(*event), 0);
	if (!event) {
		filter_hit(pkt, FILTER_HITS_LOST);
		return;
	}
	event->size = sizeof(*event);
	event->node = shunt_node_conf.miss_counter;
	event->rule = ext->id;
	event->state = stmt->index;
	event->statement = i;
	event->pad = 0;
	event->pkt = *pkt;
	if (shunt_load_some(ctx, 0, event->data, len, SHUNT_EVENT_BYTES) < 0)
		len = 0;
	event->captured = len;
	bpf_ringbuf_submit(event, 0);
}

/* Return: whether the rule goes on */
static __always_inline bool filter_stmt_run(shunt_ctx *ctx, struct shunt_packet *pkt,
					    const struct filter_ext *ext,
					    const struct filter_stmt *stmt, __u32 i)
{
	switch (stmt->kind) {
	case FILTER_STMT_COUNT:
		filter_hit(pkt, stmt->index);
		return true;
	case FILTER_STMT_MARK:
		filter_mark(pkt, stmt);
		return true;
	case FILTER_STMT_LOG:
		filter_log(ctx, pkt, ext, stmt, i);
		return true;
	case FILTER_STMT_LIMIT:
		return filter_limit(pkt, stmt);
	case FILTER_STMT_QUOTA:
		return filter_quota(pkt, stmt);
	case FILTER_STMT_CT_COUNT:
		return filter_count_holds(stmt);
	case FILTER_STMT_ADD:
		if (trial)
			return true;
		filter_set_add(ctx, filter_parts(stmt->part), stmt->index, stmt->timeout_ns,
			       stmt->negated);
		return true;
	default:
		filter_flow_note(pkt, stmt);
		return true;
	}
}

/**
 * filter_ext_run() - An extension's statements in order, for the packet under way
 * The rule's hit is counted when none of them ended it.
 * Return: FILTER_LEAVE; FILTER_NEXT, also where a limit or quota ended the rule; or
 *	   FILTER_RESUME | first prio to look at << FILTER_RESUME_SHIFT
 */
__noinline int filter_ext_run(shunt_ctx *ctx, __u32 index)
{
	const struct filter_ext *ext = filter_ext_at(index);
	struct shunt_cpu *cpu = shunt_this_cpu();
	__u32 i;

	if (!ext || !cpu)
		return FILTER_NEXT;
#pragma clang loop unroll(disable)
	for (i = 0; i < FILTER_STMTS_MAX; i++) {
		if (i >= ext->n_stmts)
			break;
		if (!filter_stmt_run(ctx, &cpu->pkt, ext, &ext->stmt[i], i))
			return FILTER_NEXT;
	}
	filter_hit(&cpu->pkt, ext->hit);
	if (ext->verdict == FILTER_RESUME)
		return FILTER_RESUME | ext->resume << FILTER_RESUME_SHIFT;
	return ext->verdict;
}

#endif
