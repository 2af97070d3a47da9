// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* flowtag.bpf.c - what a packet's type of service says, in front of and behind 'conntrack' */
#include <shunt/module.h>

#include "flowtag.h"

SHUNT_MODULE("flowtag", SHUNT_HOOK_ANY, SHUNT_DEPTH_L3, "zone, mark and policy by TOS");
SHUNT_EDGE(next);
SHUNT_EDGE(other);
SHUNT_EDGE(refused, SHUNT_FAIL_CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_POLICY);
SHUNT_CONFIG(__u8, behind, 0, "1: behind conntrack, 0: in front of it");

SHUNT_NODE(ctx, pkt)
{
	if (!behind) {
		if (pkt->tos & FLOWTAG_NOTRACK)
			pkt->ct_state = SHUNT_CT_UNTRACKED;
		return pkt->tos & FLOWTAG_ZONE ? SHUNT_GO(other) : SHUNT_GO(next);
	}
	if (pkt->tos & FLOWTAG_REFUSED)
		return SHUNT_GO(refused);
	if (pkt->ct_state == SHUNT_CT_NEW && !pkt->flow) {
		pkt->ct_mark = FLOWTAG_MARK(pkt->tos);
		pkt->ct_policy = FLOWTAG_POLICY(pkt->tos);
	}
	return SHUNT_GO(next);
}
