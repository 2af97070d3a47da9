/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * parse.h - the root's parser
 *
 * DOC: Bounded, once for each packet, as deep as the graph's modules declare.
 * Every length is checked against the frame and against the layer around it;
 * what does not hold is a drop with a reason, never "no match". Bytes behind
 * the IP packet (Ethernet padding) are no part of it.
 */
#ifndef SHUNT_LIB_PARSE_H
#define SHUNT_LIB_PARSE_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <shunt/module.h>

#define SHUNT_EXT_HEADERS_MAX	8	/* of an IPv6 packet; RFC 8504 lets a node bound them */
#define SHUNT_ETH_P_QINQ1	0x9100	/* QinQ before 802.1ad */

struct shunt_vlan_hdr {
	__be16	tci;
	__be16	eth_type;
};

struct shunt_ext_hdr {		/* also fits the first 8 bytes of a routing or fragment header */
	__u8	next;
	__u8	len;		/* 8-byte units after the first 8; AH: 4-byte units less 2 */
	__u8	routing_type;
	__u8	segments_left;
	__be32	id;
};

struct shunt_frag_hdr {
	__u8	next;
	__u8	reserved;
	__be16	frag_off;	/* 13 bits in 8-byte units, 2 reserved, more-fragments */
	__be32	id;
};

static __always_inline bool shunt_is_vlan(__be16 eth_type)
{
	return eth_type == bpf_htons(ETH_P_8021Q) || eth_type == bpf_htons(ETH_P_8021AD) ||
	       eth_type == bpf_htons(SHUNT_ETH_P_QINQ1);
}

static __always_inline void shunt_vlan_add(struct shunt_packet *pkt, __be16 tpid, __u16 tci)
{
	__u32 i = pkt->vlans & 1;

	pkt->vlan_tpid[i] = tpid;
	pkt->vlan_tci[i] = tci;
	pkt->vlans++;
}

/* One tag in the frame, if there is one */
static __always_inline int shunt_parse_tag(shunt_ctx *ctx, struct shunt_packet *pkt)
{
	struct shunt_vlan_hdr buf, *vlan;

	vlan = shunt_header(ctx, pkt->l3_off, sizeof(*vlan), &buf);
	if (!vlan)
		return SHUNT_DROP(SHUNT_REASON_ETH_SHORT);
	shunt_vlan_add(pkt, pkt->eth_type, bpf_ntohs(vlan->tci));
	pkt->eth_type = vlan->eth_type;
	pkt->l3_off += sizeof(*vlan);
	return 0;
}

static __always_inline int shunt_parse_eth(shunt_ctx *ctx, struct shunt_packet *pkt)
{
	struct ethhdr buf, *eth = shunt_header(ctx, 0, sizeof(*eth), &buf);
	__be16 tpid;
	__u16 tci;
	int r;

	if (!eth)
		return SHUNT_DROP(SHUNT_REASON_ETH_SHORT);
	pkt->eth_type = eth->h_proto;
	pkt->l3_off = sizeof(*eth);
	if (shunt_ctx_vlan(ctx, &tpid, &tci)) {
		shunt_vlan_add(pkt, tpid, tci);
		pkt->flags |= SHUNT_PKT_VLAN_META;
	}
	if (!shunt_is_vlan(pkt->eth_type))
		return 0;
	r = shunt_parse_tag(ctx, pkt);
	if (r)
		return r;
	if (!shunt_is_vlan(pkt->eth_type))
		return 0;
	if (pkt->vlans == 2)
		return SHUNT_DROP(SHUNT_REASON_VLAN_DEPTH);
	r = shunt_parse_tag(ctx, pkt);
	if (r)
		return r;
	return shunt_is_vlan(pkt->eth_type) ? SHUNT_DROP(SHUNT_REASON_VLAN_DEPTH) : 0;
}

/* RFC 791 3.1, RFC 7126: lengths must add up; source routing is refused */
static __always_inline int shunt_parse_ip4_options(shunt_ctx *ctx, struct shunt_packet *pkt, __u32 len)
{
	__u32 off = 0;
	__u8 opt[2];
	int i;

	for (i = 0; i < 40 && off < len; i++) {
		opt[1] = 0;
		if (shunt_load(ctx, pkt->l3_off + sizeof(struct iphdr) + off, opt,
			       len - off > 1 ? 2 : 1) < 0)
			return SHUNT_DROP(SHUNT_REASON_IP4_SHORT);
		if (opt[0] == IPOPT_END)
			return 0;
		if (opt[0] == IPOPT_NOOP) {
			off++;
			continue;
		}
		pkt->flags |= SHUNT_PKT_IP_OPTIONS;
		if (opt[1] < 2 || opt[1] > len - off)
			return SHUNT_DROP(SHUNT_REASON_IP4_OPT);
		if (opt[0] == IPOPT_LSRR || opt[0] == IPOPT_SSRR)
			return SHUNT_DROP(SHUNT_REASON_IP4_OPT);
		off += opt[1];
	}
	return 0;
}

/*
 * RFC 1858, RFC 3128: a first fragment holds the whole L4 header (checked by
 * L4's parser), a later one starts behind any L4 header, none ends past 65535.
 */
static __always_inline int shunt_parse_ip4_frag(struct shunt_packet *pkt, __u16 frag_off)
{
	__u32 offset = (frag_off & 0x1fff) * 8;

	if (!(frag_off & 0x3fff))
		return 0;
	if (offset + pkt->l4_len > 65535)
		return SHUNT_DROP(SHUNT_REASON_IP4_FRAG);
	if (!offset) {
		pkt->frag = SHUNT_FRAG_FIRST;
		return 0;
	}
	if (pkt->proto == IPPROTO_TCP && offset < sizeof(struct tcphdr))
		return SHUNT_DROP(SHUNT_REASON_IP4_FRAG);
	pkt->frag = SHUNT_FRAG_LATER;
	return 0;
}

static __always_inline int shunt_parse_ip4(shunt_ctx *ctx, struct shunt_packet *pkt)
{
	struct iphdr buf, *ip = shunt_header(ctx, pkt->l3_off, sizeof(*ip), &buf);
	__u32 room = pkt->len - pkt->l3_off, hdr_len, tot_len;
	__u16 frag_off;
	int r;

	if (!ip)
		return SHUNT_DROP(SHUNT_REASON_IP4_SHORT);
	if (ip->version != 4)
		return SHUNT_DROP(SHUNT_REASON_IP4_VERSION);
	hdr_len = ip->ihl * 4;
	tot_len = bpf_ntohs(ip->tot_len);
	if (!tot_len && shunt_ctx_is_gso(ctx))
		tot_len = room;
	if (hdr_len < sizeof(*ip) || hdr_len > tot_len)
		return SHUNT_DROP(SHUNT_REASON_IP4_IHL);
	if (tot_len > room)
		return SHUNT_DROP(SHUNT_REASON_IP4_LEN);
	pkt->l3 = 4;
	pkt->proto = ip->protocol;
	pkt->ttl = ip->ttl;
	pkt->tos = ip->tos;
	pkt->saddr.v4 = ip->saddr;
	pkt->daddr.v4 = ip->daddr;
	pkt->l4_off = pkt->l3_off + hdr_len;
	pkt->l4_len = tot_len - hdr_len;
	frag_off = bpf_ntohs(ip->frag_off);
	if (hdr_len > sizeof(*ip)) {
		r = shunt_parse_ip4_options(ctx, pkt, hdr_len - sizeof(*ip));
		if (r)
			return r;
	}
	return shunt_parse_ip4_frag(pkt, frag_off);
}

/* RFC 8200 4.5, RFC 7112 */
static __always_inline int shunt_parse_ip6_frag(struct shunt_packet *pkt,
						const struct shunt_frag_hdr *hdr, __u32 rest)
{
	__u16 frag_off = bpf_ntohs(hdr->frag_off);
	__u32 offset = frag_off & 0xfff8;

	if (pkt->frag || pkt->flags & SHUNT_PKT_HANDOFF << 8)
		return SHUNT_DROP(SHUNT_REASON_IP6_FRAG_TWICE);
	if (!(frag_off & 0xfff9))
		return 0;	/* atomic (RFC 6946): a whole datagram */
	if (offset + rest > 65535 || (frag_off & 1 && rest % 8))
		return SHUNT_DROP(SHUNT_REASON_IP6_FRAG);
	pkt->frag = offset ? SHUNT_FRAG_LATER : SHUNT_FRAG_FIRST;
	return 0;
}
