// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * commit.bpf.c - bring the flow of a new packet into the table
 * reads: what module 'conntrack' found   tables: ct_*   cost: of new flows only
 */
#include <shunt/module.h>
#include <shunt/lib/conntrack_begin.h>

SHUNT_MODULE("commit", SHUNT_HOOK_ANY, SHUNT_DEPTH_L4, "the flow of a new packet, into the table");
SHUNT_EDGE(next);
SHUNT_EDGE(refused, SHUNT_FAIL_CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_NO_FLOW);
SHUNT_EDGE(limited, SHUNT_FAIL_CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_CT_LIMIT);

SHUNT_NODE(ctx, pkt)
{
	struct conntrack_conf *conf = conntrack_conf();
	struct conntrack_l4 l4 = {};
	int r;

	if (pkt->ct_state != SHUNT_CT_NEW || pkt->flow || !pkt->l3)
		return SHUNT_GO(next);
	if (!conf)
		return SHUNT_DROP(SHUNT_REASON_INTERNAL);
	if (conntrack_l4(ctx, pkt, &l4) != CONNTRACK_CLASS_FLOW)
		return SHUNT_GO(refused);
	r = pkt->l3 == 4 ? conntrack_begin(false, ctx, pkt, conf, &l4) :
			   conntrack_begin(true, ctx, pkt, conf, &l4);
	if (!r)
		return SHUNT_GO(next);
	if (r == -EDQUOT) {
		conntrack_stat(CONNTRACK_STAT_LIMITED);
		return SHUNT_GO(limited);
	}
	conntrack_stat(r == -EAGAIN ? CONNTRACK_STAT_BUSY : CONNTRACK_STAT_FULL);
	if (!(conf->flags & CONNTRACK_STATELESS) || pkt->ct_limit[0])
		return SHUNT_GO(refused);
	pkt->ct_state = SHUNT_CT_UNTRACKED;
	return SHUNT_GO(next);
}
