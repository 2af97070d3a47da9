/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* ct_count_world.h - rules that count flows, and the tables in which it is counted */
#ifndef TESTS_CT_COUNT_WORLD_H
#define TESTS_CT_COUNT_WORLD_H

#include "../lib/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>

#include <kernel/flows.h>

#include "../../dataplane/lib/conntrack_limit.h"
#include "../../dataplane/lib/conntrack_state.h"
#include "../lib/pkt.h"
#include "../lib/rig.h"

static struct rig *rig;
static struct rig_outcome out;

/* Of the flow table in use */
static struct conntrack_conf *conf;
static struct conntrack_counted_bucket *counted;
static struct conntrack_limits *limits[2];
static uint8_t *flows[2];
static const size_t entry_bytes[2] = {
	sizeof(struct conntrack_flow4), sizeof(struct conntrack_flow6),
};

static void *count_table(const char *name)
{
	struct object_map maps[FLOWS_MAPS];
	unsigned int n = flows_maps(rig->shared.flows, maps);
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	void *at;

	while (n-- && strcmp(maps[n].name, name))
		;
	assert_int_equal(bpf_obj_get_info_by_fd(maps[n].fd, &info, &len), 0);
	at = mmap(NULL, (size_t)info.max_entries * info.value_size, PROT_READ | PROT_WRITE,
		  MAP_SHARED, maps[n].fd, 0);
	assert_ptr_not_equal(at, MAP_FAILED);
	return at;
}

static void count_map(void)
{
	conf = count_table("ct_conf");
	counted = count_table("ct_counted");
	limits[0] = count_table("ct_limits4");
	limits[1] = count_table("ct_limits6");
	flows[0] = count_table("ct_flows4");
	flows[1] = count_table("ct_flows6");
}

/* @rules: ';' between them; @begin: module that begins flows; 'ask' is a chain with a limit, 'no' drops */
static void count_open(uint32_t hook, const char *conntrack, const char *rules, const char *begin)
{
	char yaml[2048], list[1024] = "", *at = list;

	while (*rules) {
		size_t len = strcspn(rules, ";");

		at += sprintf(at, "      - '%.*s'\n", (int)len, rules);
		rules += len + strspn(rules + len, "; ");
	}
	snprintf(yaml, sizeof(yaml), "conntrack: { %s, flows6: 20 }\n"
		 "nodes:\n  ct: { module: conntrack }\n  begin: { module: %s }\n"
		 "  guard:\n    module: filter\n    rules:\n%s"
		 "    chains: { ask: [ ct count over 20 drop ], no: [ drop ] }\n"
		 "graphs:\n  g: [ct, guard, begin]\n", conntrack, begin, list);
	rig = rig_new(yaml, hook);
	count_map();
}

static void count_close(void)
{
	rig_free(rig);
	rig = NULL;
}

/* Return: whether it passed */
static bool count_send(const struct pkt_hdr *hdrs)
{
	struct pkt p;
	int r;

	pkt_build(&p, hdrs);
	r = rig_run(rig, p.data, p.len, &out);
	if (r < 0)
		fail_msg("test run: %s", strerror(-r));
	if (out.fault[0])
		fail_msg("%s", out.fault);
	return out.verdict == RIG_PASS;
}

static bool count_syn(const char *src, uint16_t sport, uint16_t dport)
{
	return count_send(TCP4(src, "192.0.2.1", sport, dport, PKT_SYN));
}

static inline bool count_syn6(const char *src, uint16_t sport, uint16_t dport)
{
	return count_send(TCP6(src, "2001:db8::1", sport, dport, PKT_SYN));
}

/* What is counted by an address; NULL: by none. Of all limits */
static unsigned int count_of(const char *text)
{
	struct flows_counted entry;
	struct shunt_addr addr = { 0 };
	uint32_t cursor = 0;
	unsigned int n = 0;

	if (text && strchr(text, ':')) {
		assert_int_equal(inet_pton(AF_INET6, text, &addr), 1);
	} else if (text) {
		addr.v4_prefix[2] = htonl(0xffff);
		assert_int_equal(inet_pton(AF_INET, text, &addr.v4), 1);
	}
	while (flows_counted_next(rig->shared.flows, &cursor, UINT32_MAX, &entry) > 0)
		if (!memcmp(&entry.addr, &addr, sizeof(addr)))
			n += entry.flows;
	return n;
}

static struct conntrack_flow *count_entry(int family, uint32_t slot)
{
	return (struct conntrack_flow *)(flows[family] + slot * entry_bytes[family]);
}

static unsigned int count_flows(void)
{
	unsigned int n = 0, family;
	uint32_t slot;
	uint64_t life;

	for (family = 0; family < 2; family++)
		for (slot = 0; slot < conf->buckets[family] * CONNTRACK_WAYS; slot++) {
			life = count_entry(family, slot)->life;
			n += conntrack_life_state(life) &&
			     !(conntrack_life_flags(life) & CONNTRACK_PEER);
		}
	return n;
}

/*
 * Each count is the number of references to it, and only flows have references.
 * Return: how many there are
 */
static unsigned int count_check(void)
{
	uint32_t entries = conf->counted * CONNTRACK_COUNTED_WAYS, slot, i, ref;
	unsigned int *want = calloc(entries, sizeof(*want)), n = 0, family;
	uint64_t word;

	for (family = 0; family < 2; family++)
		for (slot = 0; slot < conf->buckets[family] * CONNTRACK_WAYS; slot++)
			for (i = 0; i < SHUNT_CT_LIMITS; i++) {
				ref = limits[family][slot].ref[i];
				if (!ref)
					continue;
				assert_int_not_equal(
					conntrack_life_state(count_entry(family, slot)->life), 0);
				want[ref & 0xffffff]++;
				word = counted[conntrack_ref_bucket(ref)].way[conntrack_ref_way(ref)].word;
				assert_int_equal(word >> 32, ref >> CONNTRACK_REF_GEN_SHIFT);
				n++;
			}
	for (i = 0; i < entries; i++)
		if (i % CONNTRACK_COUNTED_WAYS)
			assert_int_equal((uint32_t)counted[i / CONNTRACK_COUNTED_WAYS]
						 .way[i % CONNTRACK_COUNTED_WAYS].word, want[i]);
	free(want);
	return n;
}

/* Take out so many flows, as 'conn del' does */
static inline void count_remove(unsigned int n)
{
	uint64_t cursor = 0;
	struct flow flow;
	int r;

	while (n && (r = flows_next(rig->shared.flows, &cursor, 100000, &flow)) >= 0)
		if (r > 0 && flows_remove(rig->shared.flows, &flow) == 0)
			n--;
	assert_int_equal(n, 0);
}

/* All of IPv4 are over */
static inline void count_expire(void)
{
	struct conntrack_flow *flow;
	uint32_t slot;

	for (slot = 0; slot < conf->buckets[0] * CONNTRACK_WAYS; slot++) {
		flow = count_entry(0, slot);
		if (conntrack_life_state(flow->life))
			flow->life = (flow->life & ~0xffffffffULL) |
				     (((struct conntrack_flow4 *)flow)->since - 1);
	}
}

static inline uint64_t count_stat(enum conntrack_stat stat)
{
	return flows_stat(rig->shared.flows, stat);
}

#endif
