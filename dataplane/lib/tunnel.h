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
#include <shunt/lib/frame.h>
#include <shunt/lib/l2.h>
#include <shunt/lib/parse.h>

#define TUNNEL_TTL	64
#define TUNNEL_PORTS	0xc000		/* source ports from here on: RFC 6335's dynamic ones */
#define TUNNEL_DF	0x4000

struct tunnel {
	struct shunt_addr saddr, daddr;
	__u32	macs[3];		/* destination, source: as a frame begins */
	__u32	hash;			/* of the flow */
	__be16	port;			/* UDP; 0: IP in IP */
	__u8	l3;			/* of the outer header */
	__u8	resolved;		/* the frame gets these MACs */
	__be16	id;			/* inner IPv4: identification, DF */
	__be16	frag_off;
};

static __always_inline __be16 tunnel_eth_type(const bool six)
{
	return six ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
}

static __always_inline __u8 tunnel_proto(const struct shunt_packet *pkt,
					 const struct tunnel *tunnel)
{
	if (tunnel->port)
		return IPPROTO_UDP;
	return pkt->l3 == 4 ? IPPROTO_IPIP : IPPROTO_IPV6;
}

/* ---- headers, as words. @len: of what is behind them ---- */

static __always_inline void tunnel_ip4(const struct shunt_packet *pkt, const struct tunnel *tunnel,
				       __u32 len, __u32 *to)
{
	__u32 first = frame_word(frame_half(0x45, pkt->tos), bpf_htons(sizeof(struct iphdr) + len));
	__u32 second = frame_word(tunnel->id, tunnel->frag_off);
	__u16 third = frame_half(TUNNEL_TTL, tunnel_proto(pkt, tunnel));
	__u64 sum = (__u64)first + second + frame_word(third, 0) + tunnel->saddr.v4 +
		    tunnel->daddr.v4;

	sum = (__u32)sum + (sum >> 32);
	to[0] = first;
	to[1] = second;
	to[2] = frame_word(third, shunt_sum_fold((__u32)sum + (sum >> 32)));
	to[3] = tunnel->saddr.v4;
	to[4] = tunnel->daddr.v4;
}

static __always_inline void tunnel_ip6(const struct shunt_packet *pkt, const struct tunnel *tunnel,
				       __u32 len, __u32 *to)
{
	__u32 i;

	to[0] = bpf_htonl(0x60000000 | (__u32)pkt->tos << 20 | (tunnel->hash & 0xfffff));
	to[1] = frame_word(bpf_htons(len), frame_half(tunnel_proto(pkt, tunnel), TUNNEL_TTL));
#pragma clang loop unroll(full)
	for (i = 0; i < 4; i++) {
		to[2 + i] = tunnel->saddr.word[i];
		to[6 + i] = tunnel->daddr.word[i];
	}
}

static __always_inline void tunnel_udp(const struct tunnel *tunnel, __u32 len, __u32 *to)
{
	to[0] = frame_word(bpf_htons(TUNNEL_PORTS | (tunnel->hash & 0x3fff)), tunnel->port);
	to[1] = frame_word(bpf_htons(len), 0);
}

static __always_inline void tunnel_ip(const bool six, const struct shunt_packet *pkt,
				      const struct tunnel *tunnel, __u32 len, __u32 *to)
{
	if (six)
		tunnel_ip6(pkt, tunnel, len, to);
	else
		tunnel_ip4(pkt, tunnel, len, to);
}

static __always_inline __u32 tunnel_overhead(__u32 l3, bool udp)
{
	return (l3 == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) +
	       (udp ? sizeof(struct udphdr) : 0);
}

/* ---- into the packet ---- */

/* Room is made: all of it and Ethernet's lie in one piece. @len: behind the outer IP header */
static __always_inline int tunnel_write(const bool six, shunt_ctx *ctx,
					const struct shunt_packet *pkt,
					const struct tunnel *tunnel, __u32 len)
{
	const __u32 ip_len = six ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	__u32 *frame = frame_at(ctx, 0, ETH_HLEN + ip_len), *udp;

	if (!frame)
		return -1;
	frame[0] = tunnel->macs[0];
	frame[1] = tunnel->macs[1];
	frame[2] = tunnel->macs[2];
	*(__be16 *)(frame + 3) = tunnel_eth_type(six);
	tunnel_ip(six, pkt, tunnel, len, (void *)frame + ETH_HLEN);
	if (!tunnel->port)
		return 0;
	udp = frame_at(ctx, ETH_HLEN + ip_len, sizeof(struct udphdr));
	if (!udp)
		return -1;
	tunnel_udp(tunnel, len, udp);
	return 0;
}

/* The same wherever it lies. Ethernet header and tags are in @l2 */
static __always_inline int tunnel_store(const bool six, shunt_ctx *ctx,
					const struct shunt_packet *pkt,
					const struct tunnel *tunnel, __u32 len, __u8 *l2)
{
	const __u32 ip_len = six ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	__u32 ip[sizeof(struct ipv6hdr) / 4], udp[sizeof(struct udphdr) / 4];

	if (tunnel->resolved)
		__builtin_memcpy(l2, tunnel->macs, sizeof(tunnel->macs));
	tunnel_ip(six, pkt, tunnel, len, ip);
	/* What a device has summed up gets what does not sum up to nothing, as IPv4's header does */
	if (SHUNT_SUMS_BY_KERNEL && six)
		shunt_summed(ctx, shunt_sum(ip, ip_len, 0));
	if (l2_store(ctx, pkt->l3_off, l2) < 0 || shunt_patch(ctx, pkt->l3_off, ip, ip_len) < 0)
		return -1;
	if (!tunnel->port)
		return 0;
	tunnel_udp(tunnel, len, udp);
	if (SHUNT_SUMS_BY_KERNEL)
		shunt_summed(ctx, shunt_sum(udp, sizeof(udp), 0));
	return shunt_patch(ctx, pkt->l3_off + ip_len, udp, sizeof(udp));
}

/* Return: length of what is to be behind the outer IP header; negative: the packet gets too long */
static __always_inline int tunnel_room(shunt_ctx *ctx, struct shunt_packet *pkt, const bool six,
				       const struct tunnel *tunnel)
{
	__u32 len = pkt->l4_off - pkt->l3_off + pkt->l4_len;
	__u32 more = tunnel_overhead(six ? 6 : 4, tunnel->port);
	bool fixed = pkt->proto == IPPROTO_UDP && shunt_ctx_is_gso(ctx);

	if (len + more > 65535 || shunt_push(ctx, more, six, tunnel->port, fixed))
		return -1;
	pkt->len += more;
	return tunnel->port ? len + sizeof(struct udphdr) : len;
}

static __always_inline int tunnel_push_as(const bool six, shunt_ctx *ctx, struct shunt_packet *pkt,
					  const struct tunnel *tunnel)
{
	__u8 l2[L2_ROOM] = {};
	int len;

	if (l2_load(ctx, pkt->l3_off, tunnel_eth_type(six), l2) < 0)
		return -1;
	len = tunnel_room(ctx, pkt, six, tunnel);
	return len < 0 ? len : tunnel_store(six, ctx, pkt, tunnel, len, l2);
}

/**
 * tunnel_push() - Put outer headers in front of the packet under way
 * The context goes on to say what the inner packet was; its offsets hold no more.
 * Return: 0; negative: there is no room, or the packet gets too long
 */
static __always_inline int tunnel_push(shunt_ctx *ctx, struct shunt_packet *pkt,
				       const struct tunnel *tunnel)
{
	return tunnel->l3 == 4 ? tunnel_push_as(false, ctx, pkt, tunnel) :
				 tunnel_push_as(true, ctx, pkt, tunnel);
}

/* Whether tunnel_push_plain() will do: nothing of the old Ethernet header is to be kept */
static __always_inline bool tunnel_is_plain(const struct shunt_packet *pkt, bool resolved)
{
	return SHUNT_WRITES_FRAME && pkt->l3_off == ETH_HLEN && resolved;
}

static __always_inline int tunnel_push_plain_as(const bool six, shunt_ctx *ctx,
						struct shunt_packet *pkt,
						const struct tunnel *tunnel)
{
	int len = tunnel_room(ctx, pkt, six, tunnel);

	return len < 0 ? len : tunnel_write(six, ctx, pkt, tunnel, len);
}

static __always_inline int tunnel_push_plain(shunt_ctx *ctx, struct shunt_packet *pkt,
					     const struct tunnel *tunnel)
{
	return tunnel->l3 == 4 ? tunnel_push_plain_as(false, ctx, pkt, tunnel) :
				 tunnel_push_plain_as(true, ctx, pkt, tunnel);
}

#endif
