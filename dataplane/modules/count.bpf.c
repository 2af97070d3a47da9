// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * count.bpf.c - count packets and bytes
 * reads: len   tables: count_total   cost: one lookup
 */
#include <shunt/module.h>

SHUNT_MODULE("count", SHUNT_HOOK_ANY, SHUNT_DEPTH_L2, "packets and bytes");
SHUNT_EDGE(next);

struct count_total {
	__u64	packets;
	__u64	bytes;		/* from the Ethernet header, without FCS */
};

SHUNT_TABLE(count_total, PERCPU_ARRAY, __u32, struct count_total, 1);

SHUNT_NODE(ctx, pkt)
{
	__u32 zero = 0;
	struct count_total *total = bpf_map_lookup_elem(&count_total, &zero);

	if (total) {
		total->packets++;
		total->bytes += pkt->len;
	}
	return SHUNT_GO(next);
}
