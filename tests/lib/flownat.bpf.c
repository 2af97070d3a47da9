// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* flownat.bpf.c - translations of a new flow by the number in a packet's type of service (flowtag.h) */
#include <shunt/module.h>

#include "flowtag.h"

SHUNT_MODULE("flownat", SHUNT_HOOK_ANY, SHUNT_DEPTH_L3, "translations by TOS: 5 bits, a number");
SHUNT_EDGE(next);
SHUNT_CONFIG(__u32, snats, 0, "a bit for each number: whether it has another source");
SHUNT_CONFIG(__u32, dnats, 0, "the same of the target");

SHUNT_NODE(ctx, pkt)
{
	__u32 number = FLOWTAG_NAT(pkt->tos), six = pkt->l3 == 6;

	pkt->snat = snats >> number & 1 ? FLOWTAG_RULE(number, six, 0) : 0;
	pkt->dnat = dnats >> number & 1 ? FLOWTAG_RULE(number, six, 1) : 0;
	return SHUNT_GO(next);
}
