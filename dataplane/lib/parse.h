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
#define IP4_OPTIONS_MAX		40
#define IP6_FRAG_MASK		0xfff8	/* of frag_off: the offset in bytes */
#define IP6_FRAG_MORE		0x0001

struct shunt_vlan_hdr {
	__be16	tci;
	__be16	eth_type;
};

struct shunt_ext_hdr {		/* the first 8 bytes of any IPv6 extension header */
	__u8	next;
	__u8	len;		/* 8-byte units after the first 8; AH: 4-byte units less 2 */
	union {
		__be16	frag_off;	/* fragment: 13 bits of 8-byte units, 2 reserved, more */
		__u8	routing_type;
	};
	__be32	id;
};

struct shunt_sctp_hdr {
	__be16	source;
	__be16	dest;
	__be32	tag;
	__be32	checksum;
};

struct shunt_icmp_hdr {		/* ICMPv6's too */
	__u8	type;
	__u8	code;
	__be16	checksum;
	__be32	rest;
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
static __always_inline int shunt_parse_ip4_options(shunt_ctx *ctx, struct shunt_packet *pkt,
						   __u32 len)
{
	__u8 opt[IP4_OPTIONS_MAX] = {};
	__u32 i, skip = 0;

	barrier_var(len);	/* it cannot be more, but the verifier does not know that */
	if (len > sizeof(opt) || shunt_load(ctx, pkt->l3_off + sizeof(struct iphdr), opt, len) < 0)
		return SHUNT_DROP(SHUNT_REASON_IP4_SHORT);
	for (i = 0; i < sizeof(opt) && i < len; i++) {
		if (skip) {
			skip--;
			continue;
		}
		if (opt[i] == IPOPT_END)
			return 0;
		if (opt[i] == IPOPT_NOOP)
			continue;
		pkt->flags |= SHUNT_PKT_IP_OPTIONS;
		if (i + 1 >= sizeof(opt) || opt[i + 1] < 2 || opt[i + 1] > len - i)
			return SHUNT_DROP(SHUNT_REASON_IP4_OPT);
		if (opt[i] == IPOPT_LSRR || opt[i] == IPOPT_SSRR)
			return SHUNT_DROP(SHUNT_REASON_IP4_OPT);
		skip = opt[i + 1] - 1;
	}
	return 0;
}

/* A header is cut off: of a first fragment, the fault is that it does not hold it (RFC 7112) */
static __always_inline int shunt_cut(const struct shunt_packet *pkt, __u32 reason)
{
	if (pkt->frag == SHUNT_FRAG_FIRST)
		reason = pkt->l3 == 4 ? SHUNT_REASON_IP4_FRAG : SHUNT_REASON_IP6_FRAG;
	return SHUNT_DROP(reason);
}

/*
 * RFC 1858, RFC 3128: a first fragment holds the whole L4 header (checked by
 * L4's parser), a later one starts behind any L4 header, and the datagram, its
 * header included, ends at 65535.
 */
static __always_inline int shunt_parse_ip4_frag(struct shunt_packet *pkt, __u16 frag_off)
{
	__u32 offset = (frag_off & 0x1fff) * 8;

	if (!(frag_off & 0x3fff))
		return 0;
	if (offset + pkt->l4_off - pkt->l3_off + pkt->l4_len > 65535)
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
	pkt->saddr.v4_prefix[2] = pkt->daddr.v4_prefix[2] = bpf_htonl(0xffff);
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

/*
 * RFC 8200 4.5: the payload put together again has 65535 bytes at most, headers in front of the
 * fragment header included. pkt->l4_off and pkt->l4_len are already behind that one.
 */
static __always_inline int shunt_parse_ip6_frag(struct shunt_packet *pkt, __u16 frag_off)
{
	__u32 before = pkt->l4_off - pkt->l3_off - sizeof(struct ipv6hdr) -
		       sizeof(struct shunt_ext_hdr);
	__u32 offset = frag_off & IP6_FRAG_MASK;

	if (!offset && !(frag_off & IP6_FRAG_MORE))
		return 0;	/* atomic (RFC 6946): a whole datagram */
	if (before + offset + pkt->l4_len > 65535 ||
	    (frag_off & IP6_FRAG_MORE && pkt->l4_len % 8))
		return SHUNT_DROP(SHUNT_REASON_IP6_FRAG);
	pkt->frag = offset ? SHUNT_FRAG_LATER : SHUNT_FRAG_FIRST;
	return 0;
}

static __always_inline bool shunt_is_ext_header(__u8 proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_DSTOPTS || proto == IPPROTO_ROUTING ||
	       proto == IPPROTO_FRAGMENT || proto == IPPROTO_AH;
}

/* Bit of pkt->ext_headers; @proto is one of the above */
static __always_inline __u8 shunt_ext_header_bit(__u8 proto)
{
	switch (proto) {
	case IPPROTO_HOPOPTS:
		return SHUNT_EXT_HBH;
	case IPPROTO_DSTOPTS:
		return SHUNT_EXT_DST;
	case IPPROTO_ROUTING:
		return SHUNT_EXT_RT;
	case IPPROTO_FRAGMENT:
		return SHUNT_EXT_FRAG;
	default:
		return SHUNT_EXT_AH;
	}
}

/* Moves pkt->l4_off and l4_len over the extension headers; leaves pkt->proto at what follows */
static __always_inline int shunt_parse_ip6_chain(shunt_ctx *ctx, struct shunt_packet *pkt)
{
	struct shunt_ext_hdr buf, *ext;
	bool had_frag = false;
	__u32 len;
	int i, r;

	for (i = 0; i <= SHUNT_EXT_HEADERS_MAX; i++) {
		if (!shunt_is_ext_header(pkt->proto))
			return 0;
		if (i == SHUNT_EXT_HEADERS_MAX)
			break;
		if (pkt->proto == IPPROTO_HOPOPTS && i)
			return SHUNT_DROP(SHUNT_REASON_IP6_EXT_ORDER);
		pkt->flags |= SHUNT_PKT_EXT_HEADERS;
		ext = pkt->l4_len < sizeof(*ext) ? NULL :
		      shunt_header(ctx, pkt->l4_off, sizeof(*ext), &buf);
		if (!ext)
			return shunt_cut(pkt, SHUNT_REASON_IP6_EXT_SHORT);
		len = pkt->proto == IPPROTO_AH ? (ext->len + 2) * 4 : (ext->len + 1) * 8;
		if (pkt->proto == IPPROTO_FRAGMENT)
			len = sizeof(*ext);
		if (len > pkt->l4_len)
			return shunt_cut(pkt, SHUNT_REASON_IP6_EXT_SHORT);
		pkt->l4_off += len;
		pkt->l4_len -= len;
		pkt->ext_headers |= shunt_ext_header_bit(pkt->proto);
		if (pkt->proto == IPPROTO_ROUTING && ext->routing_type == 0)
			return SHUNT_DROP(SHUNT_REASON_IP6_RH0);
		if (pkt->proto == IPPROTO_FRAGMENT) {
			if (had_frag)
				return SHUNT_DROP(SHUNT_REASON_IP6_FRAG_TWICE);
			had_frag = true;
			r = shunt_parse_ip6_frag(pkt, bpf_ntohs(ext->frag_off));
			if (r)
				return r;
		}
		pkt->proto = ext->next;
		if (pkt->frag == SHUNT_FRAG_LATER)
			return 0;	/* the rest of the chain was in the first fragment */
	}
	return SHUNT_DROP(SHUNT_REASON_IP6_EXT_MANY);
}

static __always_inline int shunt_parse_ip6(shunt_ctx *ctx, struct shunt_packet *pkt)
{
	struct ipv6hdr buf, *ip6 = shunt_header(ctx, pkt->l3_off, sizeof(*ip6), &buf);
	__u32 room;

	if (!ip6)
		return SHUNT_DROP(SHUNT_REASON_IP6_SHORT);
	if (ip6->version != 6)
		return SHUNT_DROP(SHUNT_REASON_IP6_VERSION);
	room = pkt->len - pkt->l3_off - sizeof(*ip6);
	pkt->l3 = 6;
	pkt->proto = ip6->nexthdr;
	pkt->ttl = ip6->hop_limit;
	pkt->tos = ip6->priority << 4 | ip6->flow_lbl[0] >> 4;
	__builtin_memcpy(&pkt->saddr, &ip6->saddr, sizeof(pkt->saddr));
	__builtin_memcpy(&pkt->daddr, &ip6->daddr, sizeof(pkt->daddr));
	pkt->l4_off = pkt->l3_off + sizeof(*ip6);
	pkt->l4_len = bpf_ntohs(ip6->payload_len);
	if (!pkt->l4_len && shunt_ctx_is_gso(ctx))
		pkt->l4_len = room;	/* RFC 2675: BIG TCP's hop-by-hop header follows */
	if (pkt->l4_len > room)
		return SHUNT_DROP(SHUNT_REASON_IP6_LEN);
	return shunt_parse_ip6_chain(ctx, pkt);
}

/* Combinations that no stack sends: none, SYN with FIN or RST, FIN+PSH+URG without ACK */
static __always_inline bool shunt_tcp_flags_bad(__u8 flags)
{
	if (!(flags & 0x3f))
		return true;
	if (flags & 0x02 && flags & 0x05)
		return true;
	return (flags & 0x3f) == 0x29;
}

static __always_inline int shunt_parse_tcp(shunt_ctx *ctx, struct shunt_packet *pkt)
{
	struct tcphdr buf, *tcp = shunt_header(ctx, pkt->l4_off, sizeof(*tcp), &buf);

	if (!tcp || pkt->l4_len < sizeof(*tcp))
		return shunt_cut(pkt, SHUNT_REASON_TCP_SHORT);
	if (tcp->doff < 5)
		return SHUNT_DROP(SHUNT_REASON_TCP_DOFF);
	if (tcp->doff * 4u > pkt->l4_len)
		return shunt_cut(pkt, SHUNT_REASON_TCP_DOFF);
	pkt->tcp_flags = ((__u8 *)tcp)[13];
	if (shunt_tcp_flags_bad(pkt->tcp_flags))
		return SHUNT_DROP(SHUNT_REASON_TCP_FLAGS);
	pkt->sport = tcp->source;
	pkt->dport = tcp->dest;
	return 0;
}

static __always_inline int shunt_parse_udp(shunt_ctx *ctx, struct shunt_packet *pkt)
{
	struct udphdr buf, *udp = shunt_header(ctx, pkt->l4_off, sizeof(*udp), &buf);
	__u32 len;

	if (!udp || pkt->l4_len < sizeof(*udp))
		return shunt_cut(pkt, SHUNT_REASON_UDP_SHORT);
	len = bpf_ntohs(udp->len);
	if (len < sizeof(*udp) || (!pkt->frag && len > pkt->l4_len))
		return SHUNT_DROP(SHUNT_REASON_UDP_LEN);
	pkt->sport = udp->source;
	pkt->dport = udp->dest;
	return 0;
}

static __always_inline int shunt_parse_sctp(shunt_ctx *ctx, struct shunt_packet *pkt)
{
	struct shunt_sctp_hdr buf, *sctp = shunt_header(ctx, pkt->l4_off, sizeof(*sctp), &buf);

	if (!sctp || pkt->l4_len < sizeof(*sctp))
		return shunt_cut(pkt, SHUNT_REASON_SCTP_SHORT);
	pkt->sport = sctp->source;
	pkt->dport = sctp->dest;
	return 0;
}

static __always_inline int shunt_parse_icmp(shunt_ctx *ctx, struct shunt_packet *pkt)
{
	struct shunt_icmp_hdr buf, *icmp = shunt_header(ctx, pkt->l4_off, sizeof(*icmp), &buf);

	if (!icmp || pkt->l4_len < sizeof(*icmp))
		return shunt_cut(pkt, SHUNT_REASON_ICMP_SHORT);
	pkt->icmp_type = icmp->type;
	pkt->icmp_code = icmp->code;
	return 0;
}

static __always_inline int shunt_parse_l4(shunt_ctx *ctx, struct shunt_packet *pkt)
{
	int r;

	if (pkt->proto == IPPROTO_TCP)
		r = shunt_parse_tcp(ctx, pkt);
	else if (pkt->proto == IPPROTO_UDP)
		r = shunt_parse_udp(ctx, pkt);
	else if (pkt->proto == IPPROTO_SCTP)
		r = shunt_parse_sctp(ctx, pkt);
	else if (pkt->proto == (pkt->l3 == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		r = shunt_parse_icmp(ctx, pkt);
	else
		return 0;
	if (!r)
		pkt->flags |= SHUNT_PKT_L4;
	return r;
}

/**
 * shunt_parse() - Fill a cleared packet context
 * @depth:	SHUNT_DEPTH_*
 * Return: 0, or SHUNT_DROP(reason)
 */
static __always_inline int shunt_parse(shunt_ctx *ctx, struct shunt_packet *pkt, __u32 depth)
{
	int r;

	r = shunt_parse_eth(ctx, pkt);
	if (r || depth < SHUNT_DEPTH_L3)
		return r;
	if (pkt->eth_type == bpf_htons(ETH_P_IP))
		r = shunt_parse_ip4(ctx, pkt);
	else if (pkt->eth_type == bpf_htons(ETH_P_IPV6))
		r = shunt_parse_ip6(ctx, pkt);
	else
		return 0;
	if (r || depth < SHUNT_DEPTH_L4 || pkt->frag == SHUNT_FRAG_LATER)
		return r;
	return shunt_parse_l4(ctx, pkt);
}

#endif
