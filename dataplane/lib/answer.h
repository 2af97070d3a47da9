/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * answer.h - a frame that becomes another one: headers built in a room of this CPU, then written
 *
 * DOC: For packets without much behind their headers, which a node makes itself. Ethernet header
 * and tags stay, with or without their addresses exchanged; extension headers and options go.
 */
#ifndef SHUNT_LIB_ANSWER_H
#define SHUNT_LIB_ANSWER_H

#include <shunt/lib/checksum.h>
#include <shunt/lib/parse.h>

#define ANSWER_L2_MAX	22		/* Ethernet and two tags */
#define ANSWER_MIN	60		/* bytes of a frame: not every driver pads */
#define ANSWER_TTL	64

struct answer_l2 {
	union {
		__u8	byte[24];
		struct ethhdr eth;
	};
};

/* ---- whom may be answered ---- */

/* One host's address: not 0/8, 127/8, multicast, reserved, broadcast */
static __always_inline bool answer_is_host4(__be32 addr)
{
	__u32 first = bpf_ntohl(addr) >> 24;

	return first && first != 127 && first < 224;
}

/* Not ::, ::1, multicast */
static __always_inline bool answer_is_host6(const struct shunt_addr *addr)
{
	if (!addr->half[0] && bpf_be64_to_cpu(addr->half[1]) <= 1)
		return false;
	return (bpf_ntohl(addr->word[0]) >> 24) != 0xff;
}

/* From one host to one host, all of it in this frame (RFC 1122 3.2.2, RFC 4443 2.4 e) */
static __always_inline bool answer_may(shunt_ctx *ctx, const struct shunt_packet *pkt)
{
	struct ethhdr buf, *eth = shunt_header(ctx, 0, sizeof(*eth), &buf);

	if (!eth || eth->h_dest[0] & 1 || eth->h_source[0] & 1)
		return false;
	if (pkt->frag == SHUNT_FRAG_LATER || shunt_ctx_is_gso(ctx))
		return false;
	if (pkt->l3 == 4)
		return answer_is_host4(pkt->saddr.v4) && answer_is_host4(pkt->daddr.v4);
	return pkt->l3 == 6 && answer_is_host6(&pkt->saddr) && answer_is_host6(&pkt->daddr);
}

/* ---- headers ---- */

/* Ethernet header and tags as they are. Return: their length, or negative */
static __always_inline int answer_l2_load(shunt_ctx *ctx, const struct shunt_packet *pkt,
					  struct answer_l2 *l2)
{
	__u32 len = pkt->l3_off;

	return shunt_load_some(ctx, 0, l2->byte, len, ANSWER_L2_MAX) < 0 ? -1 : (int)len;
}

static __always_inline void answer_l2_turn(struct answer_l2 *l2)
{
	__u8 mac[ETH_ALEN];

	__builtin_memcpy(mac, l2->eth.h_dest, ETH_ALEN);
	__builtin_memcpy(l2->eth.h_dest, l2->eth.h_source, ETH_ALEN);
	__builtin_memcpy(l2->eth.h_source, mac, ETH_ALEN);
}

/* @ip: zero. @len: of the whole packet */
static __always_inline void answer_ip4(struct iphdr *ip, const struct shunt_addr *saddr,
				       const struct shunt_addr *daddr, __u8 proto, __u8 tos,
				       __u8 ttl, __u16 len)
{
	ip->version = 4;
	ip->ihl = sizeof(*ip) / 4;
	ip->tos = tos;
	ip->tot_len = bpf_htons(len);
	ip->frag_off = bpf_htons(0x4000);
	ip->ttl = ttl;
	ip->protocol = proto;
	ip->saddr = saddr->v4;
	ip->daddr = daddr->v4;
	ip->check = shunt_sum_fold(shunt_sum(ip, sizeof(*ip), 0));
}

/* @len: behind this header */
static __always_inline void answer_ip6(struct ipv6hdr *ip6, const struct shunt_addr *saddr,
				       const struct shunt_addr *daddr, __u8 proto, __u8 tos,
				       __u8 ttl, __u16 len)
{
	ip6->version = 6;
	ip6->priority = tos >> 4;
	ip6->flow_lbl[0] = tos << 4;
	ip6->payload_len = bpf_htons(len);
	ip6->nexthdr = proto;
	ip6->hop_limit = ttl;
	__builtin_memcpy(&ip6->saddr, saddr, sizeof(ip6->saddr));
	__builtin_memcpy(&ip6->daddr, daddr, sizeof(ip6->daddr));
}

/* The same whichever of the two is the source */
static __always_inline __u32 answer_pseudo(const struct shunt_packet *pkt, __u8 proto, __u32 len)
{
	if (pkt->l3 == 4) {
		struct shunt_pseudo4 pseudo = { .saddr = pkt->saddr.v4, .daddr = pkt->daddr.v4,
						.proto = proto, .len = bpf_htons(len) };

		return shunt_sum(&pseudo, sizeof(pseudo), 0);
	} else {
		struct shunt_pseudo6 pseudo = { .saddr = pkt->saddr, .daddr = pkt->daddr,
						.len = bpf_htonl(len), .proto = bpf_htonl(proto) };

		return shunt_sum(&pseudo, sizeof(pseudo), 0);
	}
}

/* ---- the frame ---- */

/**
 * answer_write() - The frame becomes these headers
 * @ip:		From the IP header on, zero behind @ip_len
 * @max:	Constant: bytes of @ip
 * Return: 0; 1: the same, and what was in the frame begins elsewhere now; negative: it cannot
 */
static __always_inline int answer_write(shunt_ctx *ctx, struct shunt_packet *pkt,
					struct answer_l2 *l2, __u32 l2_len, void *ip, __u32 ip_len,
					__u32 max)
{
	int moved;

	if (l2_len + ip_len < ANSWER_MIN)
		ip_len = ANSWER_MIN - l2_len;
	moved = shunt_resize(ctx, l2_len + ip_len);
	if (moved < 0)
		return -1;
	if (shunt_store_some(ctx, 0, l2->byte, l2_len, ANSWER_L2_MAX) < 0 ||
	    shunt_store_some(ctx, l2_len, ip, ip_len, max) < 0)
		return -1;
	pkt->len = l2_len + ip_len;
	return moved;
}

#endif
