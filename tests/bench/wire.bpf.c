// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* wire.bpf.c - ends of a measured wire: send back, forward without looking, or count and drop */
#include <shunt/lib/ctx.h>

#define WIRE_SEND	0	/* live frames of BPF_PROG_TEST_RUN leave by the interface given */
#define WIRE_FORWARD	1	/* to port 0: the floor of forwarding */
#define WIRE_SINK	2

const volatile __u32 wire_role;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} wire_total SEC(".maps");

SEC(SHUNT_SECTION)
int bench_wire(shunt_ctx *ctx)
{
	__u32 zero = 0;
	__u64 *total;

	if (wire_role == WIRE_SEND)
		return shunt_tx(ctx);
	if (wire_role == WIRE_FORWARD)
		return shunt_redirect(ctx, 0);
	total = bpf_map_lookup_elem(&wire_total, &zero);
	if (total)
		(*total)++;
	return SHUNT_VERDICT_DROP;
}

char shunt_license[] SEC("license") = "Dual BSD/GPL";
