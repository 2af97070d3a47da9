// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* nattag.bpf.c - translations of a new flow by a packet's type of service, as rules would say them */
#include <shunt/module.h>

SHUNT_MODULE("nattag", SHUNT_HOOK_ANY, SHUNT_DEPTH_L3, "translations by TOS: 4 bits DNAT, 4 SNAT");
SHUNT_EDGE(next);

SHUNT_NODE(ctx, pkt)
{
	__u32 snat = pkt->tos & 15, dnat = pkt->tos >> 4;

	pkt->snat = snat;
	pkt->dnat = dnat ? dnat + 16 : 0;
	return SHUNT_GO(next);
}
