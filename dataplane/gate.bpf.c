// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * gate.bpf.c - the program that is attached to an interface, for good
 *
 * It knows nothing but the slot of its graph: a commit writes that slot, and
 * every packet after it takes the new generation whole. Everything else,
 * struct shunt_packet included, may change from one generation to the next.
 */
#include <shunt/lib/ctx.h>

/* Set by the control plane before load */
const volatile __u32 shunt_gate_slot;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, SHUNT_GRAPHS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} shunt_entry SEC(".maps");

/* By slot: packets that found no graph behind their gate */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SHUNT_GRAPHS_MAX);
	__type(key, __u32);
	__type(value, __u64);
} shunt_gate_miss SEC(".maps");

SEC(SHUNT_SECTION)
int shunt_gate(shunt_ctx *ctx)
{
	__u32 slot = shunt_gate_slot;
	__u64 *misses;

	bpf_tail_call(ctx, &shunt_entry, slot);
	misses = bpf_map_lookup_elem(&shunt_gate_miss, &slot);
	if (misses)
		(*misses)++;
	return SHUNT_VERDICT_DROP;
}

char shunt_license[] SEC("license") = "Dual BSD/GPL";
