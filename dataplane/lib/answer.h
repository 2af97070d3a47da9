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
#include <shunt/lib/l2.h>
#include <shunt/lib/parse.h>

#define ANSWER_MIN	60		/* bytes of a frame: not every driver pads */
#define ANSWER_TTL	64

struct answer_l2 {
	union {
		__u8	byte[L2_ROOM];
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

	return l2_load(ctx, len, pkt->eth_type, l2->byte) < 0 ? -1 : (int)len;
}

static __always_inline void answer_l2_turn(struct answer_l2 *l2)
{
	__u8 mac[ETH_ALEN];

	__builtin_memcpy(mac, l2->eth.h_dest, ETH_ALEN);
	__builtin_memcpy(l2->eth.h_dest, l2->eth.h_source, ETH_ALEN);
	__builtin_memcpy(l2->eth.h_source, mac, ETH_ALEN);
}

/* @len: of the whole packet */
static __always_inline void answer_ip4(struct iphdr *ip, const struct shunt_addr *saddr,
				       const struct shunt_addr *daddr, __u8 proto, __u8 tos,
				       __u8 ttl, __u16 len)
{
	__be32 word[sizeof(*ip) / 4] = {
		bpf_htonl(4 << 28 | sizeof(*ip) / 4 << 24 | tos << 16 | len),
		bpf_htonl(0x4000),
		bpf_htonl((__u32)ttl << 24 | proto << 16),
		saddr->v4,
		daddr->v4,
	};

	__builtin_memcpy(ip, word, sizeof(*ip));
	ip->check = shunt_sum_fold(shunt_sum_words(word, sizeof(*ip) / 4, 0));
}

/* @len: behind this header */
static __always_inline void answer_ip6(struct ipv6hdr *ip6, const struct shunt_addr *saddr,
				       const struct shunt_addr *daddr, __u8 proto, __u8 tos,
				       __u8 ttl, __u16 len)
{
	__be32 word[2] = {
		bpf_htonl(6 << 28 | tos << 20),
		bpf_htonl((__u32)len << 16 | proto << 8 | ttl),
	};

	__builtin_memcpy(ip6, word, sizeof(word));
	__builtin_memcpy(&ip6->saddr, saddr, sizeof(ip6->saddr));
	__builtin_memcpy(&ip6->daddr, daddr, sizeof(ip6->daddr));
}

/* ---- the frame ---- */

/*
 * Length, Ethernet header and tags of what the frame becomes; the rest is for the caller to write
 * @ip_len:	Bytes from the IP header on; grows by what pads the frame
 * Return: as answer_write()
 */
static __always_inline int answer_fit(shunt_ctx *ctx, struct shunt_packet *pkt,
				      struct answer_l2 *l2, __u32 l2_len, __u32 *ip_len)
{
	int moved;

	if (l2_len + *ip_len < ANSWER_MIN)
		*ip_len = ANSWER_MIN - l2_len;
	moved = shunt_resize(ctx, l2_len + *ip_len);
	if (moved < 0 || l2_store(ctx, l2_len, l2->byte) < 0)
		return -1;
	pkt->len = l2_len + *ip_len;
	return moved;
}

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
	int moved = answer_fit(ctx, pkt, l2, l2_len, &ip_len);

	if (moved < 0 || shunt_store_some(ctx, l2_len, ip, ip_len, max) < 0)
		return -1;
	return moved;
}

#endif
