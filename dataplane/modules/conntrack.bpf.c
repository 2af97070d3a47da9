// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * conntrack.bpf.c - find a packet's flow: new, established, related or invalid
 * reads: L4   tables: ct_*   cost: a hash, mostly two cache lines; a write once in a while
 *
 * It brings no flow into the table: module 'commit' does, behind the rules.
 */
#include <shunt/module.h>
#include <shunt/lib/conntrack_fast.h>

SHUNT_MODULE("conntrack", SHUNT_HOOK_ANY, SHUNT_DEPTH_L4, "state of a packet's flow");
SHUNT_EDGE(next);
SHUNT_EDGE(established);
SHUNT_EDGE(related);
SHUNT_EDGE(invalid, SHUNT_FAIL_CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_CT_INVALID);
SHUNT_CONFIG(__u16, zone, 0, "flows of another zone are others, whatever their addresses");

static __always_inline enum conntrack_class classify(shunt_ctx *ctx, struct shunt_packet *pkt,
						     union conntrack_l4_word *ret)
{
	if (!pkt->frag)
		return conntrack_l4(ctx, pkt, &ret->l4);
	ret->word = pkt->l3 == 4 ? conntrack_frag4(ctx, pkt->ct_zone) :
				   conntrack_frag6(ctx, pkt->ct_zone);
	return ret->l4.pad;
}

static __always_inline int invalid(struct shunt_packet *pkt)
{
	pkt->ct_state = SHUNT_CT_INVALID;
	conntrack_stat(CONNTRACK_STAT_INVALID);
	return SHUNT_GO(invalid);
}

static __always_inline int error(shunt_ctx *ctx, struct shunt_packet *pkt)
{
	if (!(pkt->l3 == 4 ? conntrack_related4(ctx) : conntrack_related6(ctx)))
		return invalid(pkt);
	conntrack_stat(CONNTRACK_STAT_RELATED);
	return SHUNT_GO(related);
}

static __always_inline enum shunt_ct_state fast(struct shunt_packet *pkt)
{
	if (pkt->frag || (pkt->proto != IPPROTO_TCP && pkt->proto != IPPROTO_UDP))
		return SHUNT_CT_NONE;
	return pkt->l3 == 4 ? conntrack_fast(false, pkt) : conntrack_fast(true, pkt);
}

SHUNT_NODE(ctx, pkt)
{
	union conntrack_l4_word l4 = {};
	enum shunt_ct_state found;

	if (pkt->ct_state == SHUNT_CT_UNTRACKED)
		return SHUNT_GO(next);
	if (!(pkt->ct_flags & SHUNT_CT_ZONED))
		pkt->ct_zone = zone;
	pkt->flow = 0;
	pkt->ct_flags = 0;
	pkt->ct_state = SHUNT_CT_NONE;
	if (!pkt->l3)
		return SHUNT_GO(next);
	found = fast(pkt);
	if (found == SHUNT_CT_ESTABLISHED)
		return SHUNT_GO(established);
	if (found == SHUNT_CT_NEW) {
		pkt->ct_state = SHUNT_CT_NEW;
		return SHUNT_GO(next);
	}
	switch (classify(ctx, pkt, &l4)) {
	case CONNTRACK_CLASS_FLOW:
		break;
	case CONNTRACK_CLASS_ERROR:
		return error(ctx, pkt);
	case CONNTRACK_CLASS_FREE:
		pkt->ct_state = SHUNT_CT_UNTRACKED;
		return SHUNT_GO(next);
	default:
		return invalid(pkt);
	}
	if (pkt->l3 == 4)
		conntrack_track4(ctx, l4.word);
	else
		conntrack_track6(ctx, l4.word);
	if (pkt->ct_state == SHUNT_CT_ESTABLISHED)
		return SHUNT_GO(established);
	return pkt->ct_state == SHUNT_CT_NEW ? SHUNT_GO(next) : invalid(pkt);
}
