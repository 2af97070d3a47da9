// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* tally.bpf.c - a module with state of its own: packets by protocol, and in all */
#include <shunt/module.h>

SHUNT_MODULE("tally", SHUNT_HOOK_ANY, SHUNT_DEPTH_L3, "packets by protocol");
SHUNT_EDGE(next);

struct tally_count {
	__u64	packets;
	__u32	colour;		/* nobody here writes it */
};

SHUNT_TABLE(tally_proto, HASH, __u32, struct tally_count, 16);
SHUNT_TABLE(tally_sum, PERCPU_ARRAY, __u32, struct tally_count, 1);

SHUNT_NODE(ctx, pkt)
{
	struct tally_count first = { .packets = 1 }, *count;
	__u32 key = pkt->proto, zero = 0;

	count = bpf_map_lookup_elem(&tally_proto, &key);
	if (count)
		__sync_fetch_and_add(&count->packets, 1);
	else
		bpf_map_update_elem(&tally_proto, &key, &first, BPF_NOEXIST);
	count = bpf_map_lookup_elem(&tally_sum, &zero);
	if (count)
		count->packets++;
	return SHUNT_GO(next);
}
