/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * filter_limit.h - 'ct count': whether a packet's flow would be one too many
 *
 * DOC: Who asks leaves in the packet's context what is to count its flow; the node that begins the
 * flow counts (lib/conntrack_limit.h). So only flows that rules have let be are counted, and
 * a flow that is in the table is within, whatever the count.
 *
 * The module that includes it has rodata 'trial'.
 */
#ifndef SHUNT_FILTER_LIMIT_H
#define SHUNT_FILTER_LIMIT_H

#include <shunt/lib/conntrack_limit.h>
#include <shunt/module.h>

#include "filter_flow.h"

#define FILTER_COUNT_TRIES	8	/* somebody else was faster */

SHUNT_CONFIG(__u8, limits, 0, "1: rules count flows (from the rules)");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct conntrack_conf);
} ct_conf SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct conntrack_stats);
} ct_stats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct conntrack_counted_bucket);
} ct_counted SEC(".maps");

/* The verifier looks at it once, not once a try. Return: as conntrack_counted_get() */
__noinline int filter_counted_get(struct conntrack_counting *counting)
{
	struct conntrack_counted_bucket *first, *second;
	__u32 at;

	if (!counting)
		return -ENOSPC;
	at = counting->bucket[0];
	first = bpf_map_lookup_elem(&ct_counted, &at);
	at = counting->bucket[1];
	second = bpf_map_lookup_elem(&ct_counted, &at);
	if (!first || !second)
		return -ENOSPC;
	return conntrack_counted_get(first, second, !trial, counting);
}

static __always_inline void filter_count_full(void)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct conntrack_stats *stats = bpf_map_lookup_elem(&ct_stats, &cpu);

	if (stats)
		stats->n[CONNTRACK_STAT_LIMIT_FULL]++;
}

/* The flow is to be counted there, too; once. Return: false: by no more than others already do */
static __always_inline bool filter_count_note(struct shunt_packet *pkt, __u32 ref)
{
	__u32 i;

#pragma clang loop unroll(full)
	for (i = 0; i < SHUNT_CT_LIMITS; i++) {
		if (!pkt->ct_limit[i])
			pkt->ct_limit[i] = ref;
		if (pkt->ct_limit[i] == ref)
			return true;
	}
	return false;
}

static __always_inline int filter_count_new(struct shunt_packet *pkt, struct conntrack_conf *conf,
					    struct conntrack_counting *counting)
{
	int r = -EAGAIN, i;
	__u32 bucket;

	conntrack_counting_place(counting, conf->seed, conf->counted);
#pragma clang loop unroll(disable)
	for (i = 0; i < FILTER_COUNT_TRIES && r == -EAGAIN; i++)
		r = filter_counted_get(counting);
	if (r == -ENOENT)
		return 1;		/* nothing counts yet, and a trial does not begin to */
	if (r == 0 && (__u32)counting->word >= counting->most)
		return 0;
	bucket = counting->bucket[0];
	if (counting->second)		/* an index would be a variable one into the stack */
		bucket = counting->bucket[1];
	if (r == 0 && filter_count_note(pkt, conntrack_ref(bucket, counting->way, counting->word)))
		return 1;
	filter_count_full();
	return 0;
}

/*
 * @per:	FILTER_PER_* 0-7, prefix lengths 8-15 (IPv4), 16-23
 * Return: 1: there is room for the packet's flow, or it is there; 0: it would be one too many; -1: the
 *	   packet has none, and begins none
 */
__noinline int filter_count(__u32 limit, __u32 most, __u32 per)
{
	struct conntrack_counting counting = {};
	struct shunt_cpu *cpu = shunt_this_cpu();
	struct conntrack_conf *conf;
	__u32 zero = 0;

	if (!limits || !cpu || !filter_has_flow(&cpu->pkt))
		return -1;
	if (cpu->pkt.ct_state != SHUNT_CT_NEW || cpu->pkt.flow)
		return 1;
	conf = bpf_map_lookup_elem(&ct_conf, &zero);
	if (!conf || !most || (!conf->counted && !trial))
		return 0;
	counting.most = most;
	counting.key.addr[1].word[0] = limit;
	if ((per & 0xff) != FILTER_PER_RULE)
		shunt_prefix((per & 0xff) == FILTER_PER_SADDR ? &cpu->pkt.saddr : &cpu->pkt.daddr,
			     cpu->pkt.l3, per >> 8 & 0xff, per >> 16 & 0xff, &counting.key.addr[0]);
	return filter_count_new(&cpu->pkt, conf, &counting);
}

static __always_inline bool filter_count_holds(const struct filter_stmt *stmt)
{
	int within = filter_count(stmt->index, stmt->burst,
				  stmt->per | stmt->len4 << 8 | stmt->len6 << 16);

	return (within >= 0 && within != stmt->negated) != stmt->bytes;
}

#endif
