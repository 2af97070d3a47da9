/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * conntrack_quote.h - the packet that an ICMP error quotes
 *
 * RFC 792: its header and 8 bytes, so ports but not all of TCP. RFC 4443 3: as much as fits.
 */
#ifndef SHUNT_LIB_CONNTRACK_QUOTE_H
#define SHUNT_LIB_CONNTRACK_QUOTE_H

#include <shunt/lib/conntrack_chain.h>
#include <shunt/lib/conntrack_l4.h>

#define CONNTRACK_QUOTED_L4	8	/* bytes of it that there must be */

struct conntrack_quote {
	struct conntrack_l4 l4;
	struct shunt_addr saddr, daddr;
};

/* Ports or id, from the L4 header at @off */
static __always_inline int conntrack_quote_l4(shunt_ctx *ctx, __u32 l3, __u32 off, __u32 end,
					      struct conntrack_quote *quote)
{
	struct shunt_icmp_hdr buf, *hdr;	/* of TCP and others the first 8 bytes, too */

	hdr = off + CONNTRACK_QUOTED_L4 > end ? NULL :
	      shunt_header(ctx, off, CONNTRACK_QUOTED_L4, &buf);
	if (!hdr)
		return -EINVAL;
	if (quote->l4.proto == IPPROTO_TCP || quote->l4.proto == IPPROTO_UDP ||
	    quote->l4.proto == IPPROTO_SCTP) {
		quote->l4.sport = *(__be16 *)hdr;
		quote->l4.dport = hdr->checksum;	/* where ICMP has its checksum */
	} else if (conntrack_is_icmp(l3, quote->l4.proto)) {
		quote->l4.kind = conntrack_query(l3, hdr->type);
		if (!quote->l4.kind)
			return -EINVAL;
		quote->l4.sport = quote->l4.dport = hdr->rest;
	}
	return 0;
}

static __always_inline int conntrack_quote_ip4(shunt_ctx *ctx, __u32 off, __u32 end,
					       struct conntrack_quote *quote)
{
	struct iphdr buf, *ip;

	ip = off + sizeof(*ip) > end ? NULL : shunt_header(ctx, off, sizeof(*ip), &buf);
	if (!ip || ip->version != 4 || ip->ihl < sizeof(*ip) / 4 ||
	    ip->frag_off & bpf_htons(0x1fff))
		return -EINVAL;
	quote->l4.proto = ip->protocol;
	quote->saddr.v4_prefix[2] = quote->daddr.v4_prefix[2] = bpf_htonl(0xffff);
	quote->saddr.v4 = ip->saddr;
	quote->daddr.v4 = ip->daddr;
	return conntrack_quote_l4(ctx, 4, off + ip->ihl * 4, end, quote);
}

static __always_inline int conntrack_quote_ip6(shunt_ctx *ctx, __u32 off, __u32 end,
					       struct conntrack_quote *quote)
{
	struct ipv6hdr buf, *ip6;
	struct conntrack_chain chain = {};

	ip6 = off + sizeof(*ip6) > end ? NULL : shunt_header(ctx, off, sizeof(*ip6), &buf);
	if (!ip6 || ip6->version != 6)
		return -EINVAL;
	__builtin_memcpy(&quote->saddr, &ip6->saddr, sizeof(quote->saddr));
	__builtin_memcpy(&quote->daddr, &ip6->daddr, sizeof(quote->daddr));
	chain.off = off + sizeof(*ip6);
	chain.end = end;
	chain.proto = ip6->nexthdr;
	if (conntrack_chain_walk(ctx, &chain) < 0 || chain.frag_off & IP6_FRAG_MASK)
		return -EINVAL;
	quote->l4.proto = chain.proto;
	return conntrack_quote_l4(ctx, 6, chain.off, end, quote);
}

static __always_inline bool conntrack_same_addr(const struct shunt_addr *a,
						const struct shunt_addr *b)
{
	return a->half[0] == b->half[0] && a->half[1] == b->half[1];
}

/**
 * conntrack_quote() - The flow of the packet that an error quotes
 * It must go to who sent that packet: an error for somebody else is no answer to it.
 * @reply:	Whether the quoted packet went in the direction of replies
 * Return: whether there is such a flow
 */
static __always_inline bool conntrack_quote(const bool six, shunt_ctx *ctx,
					    const struct shunt_packet *pkt,
					    struct conntrack_hit *hit, bool *reply)
{
	__u32 off = pkt->l4_off + sizeof(struct shunt_icmp_hdr);
	__u32 end = pkt->l4_off + pkt->l4_len;
	struct conntrack_conf *conf = conntrack_conf();
	struct conntrack_quote quote = {};
	union conntrack_key key = {};
	bool second;

	if (!conf || (six ? conntrack_quote_ip6(ctx, off, end, &quote) :
			    conntrack_quote_ip4(ctx, off, end, &quote)) < 0)
		return false;
	if (!conntrack_same_addr(&quote.saddr, &pkt->daddr))
		return false;
	second = conntrack_key(six, &key, &quote.saddr, &quote.daddr, &quote.l4, pkt->ct_zone);
	if (!conntrack_find(six, &key, conf, conntrack_now(), hit))
		return false;
	*reply = second != !!hit->second;
	return true;
}

/* The packet context as the error leaves it. Return: whether it is RELATED */
static __always_inline bool conntrack_related(const bool six, shunt_ctx *ctx,
					      struct shunt_packet *pkt)
{
	struct conntrack_hit hit = {};
	struct conntrack_flow *flow;
	bool reply;

	if (!conntrack_quote(six, ctx, pkt, &hit, &reply))
		return false;
	flow = conntrack_entry(six, hit.slot);
	if (!flow)
		return false;
	pkt->flow = hit.slot + 1;
	pkt->ct_mark = flow->mark;
	pkt->ct_flags = SHUNT_CT_QUOTED | (reply ? 0 : SHUNT_CT_REPLY);
	if (conntrack_life_flags(hit.life) & (CONNTRACK_SNAT | CONNTRACK_DNAT))
		pkt->ct_flags |= SHUNT_CT_NAT;
	if (conntrack_life_flags(hit.life) & CONNTRACK_PROXIED)
		pkt->ct_flags |= SHUNT_CT_PROXIED;
	pkt->ct_state = SHUNT_CT_RELATED;
	return true;
}

__noinline int conntrack_related4(shunt_ctx *ctx)
{
	struct shunt_cpu *cpu = shunt_this_cpu();

	return cpu && conntrack_related(false, ctx, &cpu->pkt);
}

__noinline int conntrack_related6(shunt_ctx *ctx)
{
	struct shunt_cpu *cpu = shunt_this_cpu();

	return cpu && conntrack_related(true, ctx, &cpu->pkt);
}

#endif
