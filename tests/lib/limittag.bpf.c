// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* limittag.bpf.c - references of limits that no rule has just asked for, ahead of 'commit' */
#include <shunt/module.h>

SHUNT_MODULE("limittag", SHUNT_HOOK_ANY, SHUNT_DEPTH_L2, "who is to count a new flow, for tests");
SHUNT_EDGE(next);
SHUNT_CONFIG(__u32, first, 0, "reference");
SHUNT_CONFIG(__u32, second, 0, "reference");

SHUNT_NODE(ctx, pkt)
{
	pkt->ct_limit[0] = first;
	pkt->ct_limit[1] = second;
	return SHUNT_GO(next);
}
