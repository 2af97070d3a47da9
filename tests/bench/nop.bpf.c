// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * nop.bpf.c - a node that does nothing: what is left is the hop
 * reads: nothing   tables: none   cost: one hop
 */
#include <shunt/module.h>

SHUNT_MODULE("nop", SHUNT_HOOK_ANY, SHUNT_DEPTH_L2, "nothing; to measure a hop");
SHUNT_EDGE(next);

SHUNT_NODE(ctx, pkt)
{
	return SHUNT_GO(next);
}
