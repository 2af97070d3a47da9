// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * torn.bpf.c - does a packet see one generation from its root to its last node?
 * reads: generation   tables: torn_total   cost: one lookup in the last instance
 *
 * Several instances stand in a chain. Each compares the root's stamp with the
 * generation that it was rendered in, and hands on in user[] what it found; those
 * with 'last' count. The others leave no trace but there.
 */
#include <shunt/module.h>

SHUNT_MODULE("torn", SHUNT_HOOK_ANY, SHUNT_DEPTH_L2, "packets of mixed generations");
SHUNT_EDGE(next);
SHUNT_CONFIG(__u32, last, 0, "count here");

#define TORN_SEEN	0	/* user[]: instances passed */
#define TORN_MIXED	1	/* of them, with another generation than the root's */

struct torn_total {
	__u64	packets;
	__u64	torn;
	__u64	nodes;		/* instances passed, of all packets */
};

SHUNT_TABLE(torn_total, PERCPU_ARRAY, __u32, struct torn_total, 1);

SHUNT_NODE(ctx, pkt)
{
	struct torn_total *total;
	__u32 zero = 0;

	pkt->user[TORN_SEEN]++;
	if (pkt->generation != shunt_node_conf.generation)
		pkt->user[TORN_MIXED]++;
	if (!last)
		return SHUNT_GO(next);
	total = bpf_map_lookup_elem(&torn_total, &zero);
	if (total) {
		total->packets++;
		total->nodes += pkt->user[TORN_SEEN];
		if (pkt->user[TORN_MIXED])
			total->torn++;
	}
	return SHUNT_GO(next);
}
