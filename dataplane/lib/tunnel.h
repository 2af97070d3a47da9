/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * tunnel.h - outer headers in front of an IP packet
 *
 * DOC: IP in IP (RFC 2003, RFC 2473, RFC 4213), and the same behind UDP: GUE variant 1, which has
 * no header of its own (draft-ietf-intarea-gue). UDP's checksum is 0 in IPv4, and in IPv6 as RFC
 * 6935 and RFC 6936 let a tunnel have it: what is inside has checksums of its own.
 *
 * DSCP and ECN are copied (RFC 6040 4.1, RFC 2983 uniform), so is "don't fragment" (RFC 2003
 * 3.1); around IPv6 it is set. The flow's hash is IPv6's flow label (RFC 6438) and UDP's source
 * port.
 */
#ifndef SHUNT_LIB_TUNNEL_H
#define SHUNT_LIB_TUNNEL_H

#include <shunt/lib/checksum.h>
#include <shunt/lib/ip4_sum.h>
#include <shunt/lib/l2.h>
#include <shunt/lib/parse.h>

#define TUNNEL_TTL	64
#define TUNNEL_PORTS	0xc000		/* source ports from here on: RFC 6335's dynamic ones */
#define TUNNEL_DF	0x4000

struct tunnel {
	struct shunt_addr saddr, daddr;
	__u8	dmac[ETH_ALEN], smac[ETH_ALEN];
	__u32	hash;			/* of the flow */
	__be16	port;			/* UDP; 0: IP in IP */
	__u8	l3;			/* of the outer header */
	__u8	resolved;		/* the frame gets dmac and smac */
	__be16	id;			/* inner IPv4: identification, DF */
	__be16	frag_off;
};

/* Ethernet header and tags, with the addresses and the protocol that the frame is to have */
static __always_inline int tunnel_l2_load(shunt_ctx *ctx, const struct shunt_packet *pkt,
					  const struct tunnel *tunnel, __u8 *l2)
{
	__be16 eth_type = tunnel->l3 == 4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);

	if (l2_load(ctx, pkt->l3_off, eth_type, l2) < 0)
		return -1;
	if (tunnel->resolved) {
		__builtin_memcpy(l2, tunnel->dmac, ETH_ALEN);
		__builtin_memcpy(l2 + ETH_ALEN, tunnel->smac, ETH_ALEN);
	}
	return 0;
}

static __always_inline __u8 tunnel_proto(const struct shunt_packet *pkt,
					 const struct tunnel *tunnel)
{
	if (tunnel->port)
		return IPPROTO_UDP;
	return pkt->l3 == 4 ? IPPROTO_IPIP : IPPROTO_IPV6;
}

static __always_inline int tunnel_ip4(shunt_ctx *ctx, const struct shunt_packet *pkt,
				      const struct tunnel *tunnel, __u32 len)
{
	struct iphdr ip = {
		.version = 4, .ihl = sizeof(ip) / 4, .tos = pkt->tos,
		.tot_len = bpf_htons(sizeof(ip) + len), .id = tunnel->id,
		.frag_off = tunnel->frag_off, .ttl = TUNNEL_TTL,
		.protocol = tunnel_proto(pkt, tunnel),
		.saddr = tunnel->saddr.v4, .daddr = tunnel->daddr.v4,
	};

	ip.check = ip4_sum_words(&ip, sizeof(ip) / 4);
	return shunt_patch(ctx, pkt->l3_off, &ip, sizeof(ip));
}

static __always_inline int tunnel_ip6(shunt_ctx *ctx, const struct shunt_packet *pkt,
				      const struct tunnel *tunnel, __u32 len)
{
	struct ipv6hdr ip = {
		.version = 6, .priority = pkt->tos >> 4, .payload_len = bpf_htons(len),
		.nexthdr = tunnel_proto(pkt, tunnel), .hop_limit = TUNNEL_TTL,
	};

	ip.flow_lbl[0] = pkt->tos << 4 | (tunnel->hash >> 16 & 0xf);
	ip.flow_lbl[1] = tunnel->hash >> 8;
	ip.flow_lbl[2] = tunnel->hash;
	__builtin_memcpy(&ip.saddr, &tunnel->saddr, sizeof(ip.saddr));
	__builtin_memcpy(&ip.daddr, &tunnel->daddr, sizeof(ip.daddr));
	if (SHUNT_SUMS_BY_KERNEL)
		shunt_summed(ctx, shunt_sum(&ip, sizeof(ip), 0));
	return shunt_patch(ctx, pkt->l3_off, &ip, sizeof(ip));
}

static __always_inline int tunnel_udp(shunt_ctx *ctx, const struct tunnel *tunnel, __u32 off,
				      __u32 len)
{
	struct udphdr udp = {
		.source = bpf_htons(TUNNEL_PORTS | (tunnel->hash & 0x3fff)),
		.dest = tunnel->port, .len = bpf_htons(len),
	};

	if (SHUNT_SUMS_BY_KERNEL)
		shunt_summed(ctx, shunt_sum(&udp, sizeof(udp), 0));
	return shunt_patch(ctx, off, &udp, sizeof(udp));
}

static __always_inline __u32 tunnel_overhead(__u32 l3, bool udp)
{
	return (l3 == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) +
	       (udp ? sizeof(struct udphdr) : 0);
}

static __always_inline int tunnel_push_as(const bool six, shunt_ctx *ctx, struct shunt_packet *pkt,
					  const struct tunnel *tunnel)
{
	__u32 inner = pkt->l4_off - pkt->l3_off + pkt->l4_len, off = pkt->l3_off;
	__u32 udp_len = tunnel->port ? sizeof(struct udphdr) : 0, more;
	bool fixed = pkt->proto == IPPROTO_UDP && shunt_ctx_is_gso(ctx);
	__u8 l2[L2_ROOM] = {};

	more = (six ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) + udp_len;
	if (inner + more > 65535 || tunnel_l2_load(ctx, pkt, tunnel, l2) < 0 ||
	    shunt_push(ctx, more, six, udp_len, fixed) || l2_store(ctx, pkt->l3_off, l2) < 0)
		return -1;
	if ((six ? tunnel_ip6(ctx, pkt, tunnel, inner + udp_len) :
		   tunnel_ip4(ctx, pkt, tunnel, inner + udp_len)) < 0)
		return -1;
	off += six ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	if (udp_len && tunnel_udp(ctx, tunnel, off, inner + udp_len) < 0)
		return -1;
	pkt->len += more;
	return 0;
}

/**
 * tunnel_push4() - Put outer IPv4 headers in front of the packet under way
 * The context goes on to say what the inner packet was; its offsets hold no more.
 * Return: 0; negative: there is no room, or the packet gets too long
 */
__noinline int tunnel_push4(shunt_ctx *ctx, const struct tunnel *tunnel)
{
	struct shunt_cpu *cpu = shunt_this_cpu();

	return cpu && tunnel ? tunnel_push_as(false, ctx, &cpu->pkt, tunnel) : -1;
}

/* The same of IPv6 */
__noinline int tunnel_push6(shunt_ctx *ctx, const struct tunnel *tunnel)
{
	struct shunt_cpu *cpu = shunt_this_cpu();

	return cpu && tunnel ? tunnel_push_as(true, ctx, &cpu->pkt, tunnel) : -1;
}

#endif
