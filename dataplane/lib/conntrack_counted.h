/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* conntrack_counted.h - limits of flows for programs: count a flow in and out (conntrack_limit.h) */
#ifndef SHUNT_LIB_CONNTRACK_COUNTED_H
#define SHUNT_LIB_CONNTRACK_COUNTED_H

#include <shunt/lib/ctx.h>
#include <shunt/lib/conntrack_limit.h>

#define CONNTRACK_COUNTED_TRIES	16	/* lost races before a packet gives up */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);		/* the control plane's business */
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct conntrack_counted_bucket);
} ct_counted SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct conntrack_limits);
} ct_limits4 SEC(".maps"), ct_limits6 SEC(".maps");

static __always_inline struct conntrack_counted *conntrack_counted_at(__u32 ref)
{
	__u32 at = conntrack_ref_bucket(ref);
	struct conntrack_counted_bucket *bucket = bpf_map_lookup_elem(&ct_counted, &at);

	return bucket ? &bucket->way[conntrack_ref_way(ref)] : NULL;
}

static __always_inline struct conntrack_limits *conntrack_limits_at(const bool six, __u32 slot)
{
	return six ? bpf_map_lookup_elem(&ct_limits6, &slot) :
		     bpf_map_lookup_elem(&ct_limits4, &slot);
}

static __always_inline void conntrack_count_down(__u32 ref)
{
	struct conntrack_counted *counted = conntrack_counted_at(ref);

	if (counted)
		conntrack_counted_lower(counted);
}

static __always_inline int conntrack_count_up(__u32 ref)
{
	struct conntrack_counted *counted = conntrack_counted_at(ref);
	int i, r = -EAGAIN;

	if (!counted)
		return -ESTALE;
#pragma clang loop unroll(disable)
	for (i = 0; i < CONNTRACK_COUNTED_TRIES && r == -EAGAIN; i++)
		r = conntrack_counted_raise(counted, ref, false);
	return r;
}

/* The first @n references of the packet are not its flow's after all. Return: 0 */
__noinline int conntrack_count_back(__u32 n)
{
	struct shunt_cpu *cpu = shunt_this_cpu();
	__u32 i;

	if (!cpu)
		return 0;
#pragma clang loop unroll(disable)
	for (i = 0; i < SHUNT_CT_LIMITS; i++)
		if (i < n && cpu->pkt.ct_limit[i])
			conntrack_count_down(cpu->pkt.ct_limit[i]);
	return 0;
}

/**
 * conntrack_count_in() - Count the flow that the packet is about to begin
 * Return: 0; -EDQUOT: a limit lets no more be; -EAGAIN: a race was lost. Then nothing is counted
 */
__noinline int conntrack_count_in(void)
{
	struct shunt_cpu *cpu = shunt_this_cpu();
	int r = 0;
	__u32 i;

	if (!cpu)
		return -EAGAIN;
#pragma clang loop unroll(disable)
	for (i = 0; i < SHUNT_CT_LIMITS && cpu->pkt.ct_limit[i]; i++) {
		r = conntrack_count_up(cpu->pkt.ct_limit[i]);
		if (r)
			break;
	}
	if (!r)
		return 0;
	conntrack_count_back(i);
	return r == -EDQUOT ? r : -EAGAIN;
}

/* Leave what counts a flow beside it, before it is there for others */
static __always_inline void conntrack_count_keep(const bool six, const struct shunt_packet *pkt,
						 __u32 slot)
{
	struct conntrack_limits *limits = conntrack_limits_at(six, slot);

	if (!limits)
		return;
	limits->ref[0] = pkt->ct_limit[0];
	limits->ref[1] = pkt->ct_limit[1];
	limits->ref[2] = pkt->ct_limit[2];
	limits->ref[3] = pkt->ct_limit[3];
}
_Static_assert(SHUNT_CT_LIMITS == 4, "conntrack_count_keep()");

static __always_inline int conntrack_count_out(const bool six, __u32 slot)
{
	struct conntrack_limits *limits = conntrack_limits_at(six, slot);
	__u32 i, ref;

	if (!limits)
		return 0;
#pragma clang loop unroll(disable)
	for (i = 0; i < SHUNT_CT_LIMITS; i++) {
		if (!*(volatile __u32 *)&limits->ref[i])
			continue;
		ref = __sync_lock_test_and_set(&limits->ref[i], 0);
		if (ref)
			conntrack_count_down(ref);
	}
	return 0;
}

/* The flow of a slot is gone; its tag is not yet, so that no other one is there. Return: 0 */
__noinline int conntrack_count_out4(__u32 slot)
{
	return conntrack_count_out(false, slot);
}

__noinline int conntrack_count_out6(__u32 slot)
{
	return conntrack_count_out(true, slot);
}

#endif
