// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* answer.bpf.c - say what a packet is to be answered with, as a rule does */
#include <shunt/module.h>

SHUNT_MODULE("answer", SHUNT_HOOK_ANY, SHUNT_DEPTH_L2, "names the answer that 'reject' sends");
SHUNT_EDGE(next);
SHUNT_CONFIG(__u8, which, 0, "SHUNT_REJECT_*");

SHUNT_NODE(ctx, pkt)
{
	pkt->reject = which;
	return SHUNT_GO(next);
}
