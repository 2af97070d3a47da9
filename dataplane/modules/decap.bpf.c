// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * decap.bpf.c - tunnels that end here: outer headers go, and what was inside goes on
 * reads: L3, L4   tables: none   cost: of others' packets a comparison; else the copy of
 * the Ethernet header, and parsing again
 *
 * DOC: Behind 'next' all is as if the inner packet had come in: the context is that which the root
 * would have made of it. What is no tunnel, or not to one of 'addresses', leaves by 'plain' as it
 * came. A tunnel's packet that is malformed is dropped: the kernel would have to refuse it, too. What
 * an outer fragment has inside is not known: 'fragment'.
 */
#include <shunt/module.h>
#include <shunt/lib/decap.h>
#include <shunt/lib/ip4_sum.h>
#include <shunt/lib/prefix.h>

SHUNT_MODULE("decap", SHUNT_HOOK_ANY, SHUNT_DEPTH_L4,
	     "takes outer headers off: IP in IP, GUE");
SHUNT_EDGE(next);
SHUNT_EDGE(plain);
SHUNT_EDGE(fragment, SHUNT_FAIL_CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_TUNNEL_FRAG);

#define DECAP_LIST	16

SHUNT_CONFIG(struct shunt_prefix, addresses[DECAP_LIST], {}, "tunnels to these end here");
SHUNT_CONFIG(struct shunt_prefix, sources[DECAP_LIST], {}, "who may send them; none: anybody");
SHUNT_CONFIG(__u16, gue_port, 6080, "UDP port of GUE; 0: none");
SHUNT_CONFIG(bool, ipip, true, "protocols 4 and 41");

/* Not where it is an endpoint of IPsec's or of segment routing: the kernel's business */
static __always_inline bool decap_is_tunnel(const struct shunt_packet *pkt)
{
	if (pkt->ext_headers & (SHUNT_EXT_AH | SHUNT_EXT_RT))
		return false;
	if (pkt->l3 && ipip && decap_l3_of(pkt->proto))
		return true;
	return gue_port && pkt->proto == IPPROTO_UDP && pkt->flags & SHUNT_PKT_L4 &&
	       pkt->dport == bpf_htons(gue_port);
}

/* What must hold of the outer headers. Return: 0, a drop, or an edge that is not 0 */
static __always_inline int decap_outer(shunt_ctx *ctx, const struct shunt_packet *pkt)
{
	if (!prefix_is_last(&sources[0]) && !prefix_has(sources, DECAP_LIST, &pkt->saddr))
		return SHUNT_DROP(SHUNT_REASON_TUNNEL_SOURCE);
	if (!ip4_sum_holds(ctx, pkt))
		return SHUNT_DROP(SHUNT_REASON_IP4_SUM);
	return pkt->frag ? SHUNT_GO(fragment) : 0;
}

/* The packet under way is the inner one: what the root would do. Return: 0 or a drop */
__noinline int decap_again(shunt_ctx *ctx)
{
	struct shunt_cpu *cpu = shunt_this_cpu();
	struct shunt_packet *pkt;
	__u32 mark, user[3];
	__u64 now_ns;
	__u16 flags;

	if (!cpu)
		return SHUNT_DROP(SHUNT_REASON_INTERNAL);
	pkt = &cpu->pkt;
	mark = pkt->mark;
	__builtin_memcpy(user, pkt->user, sizeof(user));
	now_ns = pkt->now_ns;
	flags = pkt->flags & SHUNT_PKT_HANDOFF;
	__builtin_memset(pkt, 0, sizeof(*pkt));
	pkt->generation = shunt_node_conf.generation;
	pkt->ifindex = shunt_ctx_ifindex(ctx);
	pkt->len = shunt_frame_len(ctx);
	pkt->mark = mark;
	__builtin_memcpy(pkt->user, user, sizeof(user));
	pkt->now_ns = now_ns;
	pkt->flags = flags;
	return shunt_parse(ctx, pkt, SHUNT_DEPTH_L4);
}

SHUNT_NODE(ctx, pkt)
{
	struct decap decap = {};
	int r, ecn;

	if (!decap_is_tunnel(pkt) || !prefix_has(addresses, DECAP_LIST, &pkt->daddr))
		return SHUNT_GO(plain);
	r = decap_outer(ctx, pkt);
	if (r)
		return r;
	if (pkt->proto == IPPROTO_UDP) {
		decap_gue(ctx, pkt, &decap);
	} else {
		decap.off = pkt->l4_off;
		decap.len = pkt->l4_len;
		decap.l3 = decap_l3_of(pkt->proto);
	}
	if (!decap_fits(ctx, &decap))
		return SHUNT_DROP(SHUNT_REASON_TUNNEL);
	ecn = decap_ecn(pkt->tos & DECAP_ECN_MASK, decap.tos & DECAP_ECN_MASK);
	if (ecn < 0)
		return SHUNT_DROP(SHUNT_REASON_TUNNEL_ECN);
	if (ecn != (decap.tos & DECAP_ECN_MASK) && decap_ecn_set(ctx, &decap, ecn) < 0)
		return SHUNT_DROP(SHUNT_REASON_INTERNAL);
	if (decap_pull(ctx, pkt, &decap) < 0)
		return SHUNT_DROP(SHUNT_REASON_INTERNAL);
	r = decap_again(ctx);
	return r ? r : SHUNT_GO(next);
}
