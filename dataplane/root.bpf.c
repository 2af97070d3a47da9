// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * root.bpf.c - a generation's first program: clear the context, parse, enter the graph
 * One for each graph and hook; reached from the gate through the entry array.
 */
#include <shunt/module.h>
#include <shunt/lib/parse.h>

SHUNT_MODULE("root", SHUNT_HOOK_ANY, SHUNT_DEPTH_L2, "parses the packet; in front of every graph");
SHUNT_EDGE(next);
SHUNT_CONFIG(__u32, depth, SHUNT_DEPTH_L4, "deepest layer that the graph's modules need");

SHUNT_NODE(ctx, pkt)
{
	int r;

	__builtin_memset(pkt, 0, sizeof(*pkt));
	pkt->generation = shunt_node_conf.generation;
	pkt->ifindex = shunt_ctx_ifindex(ctx);
	pkt->len = shunt_frame_len(ctx);
	shunt_handoff_get(ctx, pkt, shunt_node_conf.handoff_tag);
	r = shunt_parse(ctx, pkt, depth);
	if (r)
		return r;
	return SHUNT_GO(next);
}
