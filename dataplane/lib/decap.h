/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * decap.h - outer headers that are taken off: what is inside, and what it inherits
 *
 * DOC: IP in IP (RFC 2003, RFC 2473, RFC 4213), and GUE (draft-ietf-intarea-gue): variant 1, whose
 * first bits are those of the inner IP header, and variant 0 without options.
 */
#ifndef SHUNT_LIB_DECAP_H
#define SHUNT_LIB_DECAP_H

#include <shunt/lib/checksum.h>
#include <shunt/lib/l2.h>

#define DECAP_ECN_MASK	3
#define DECAP_NOT_ECT	0
#define DECAP_ECT1	1
#define DECAP_ECT0	2
#define DECAP_CE	3

struct decap {
	__u32	off;			/* of the inner packet */
	__u32	len;			/* bytes from there to the end of the outer one */
	__u32	l3;			/* of the inner one: 4, 6; 0: malformed */
	__u32	tos;			/* of the inner one */
};

struct decap_gue {			/* variant 0 */
	__u8	kind;			/* version, control, length of options; here all 0 */
	__u8	proto;
	__u16	flags;
};

static __always_inline __u32 decap_l3_of(__u8 proto)
{
	return proto == IPPROTO_IPIP ? 4 : proto == IPPROTO_IPV6 ? 6 : 0;
}

/* What is behind UDP. Leaves @decap->l3 0 if that is malformed, or more than can be read here */
static __always_inline void decap_gue(shunt_ctx *ctx, const struct shunt_packet *pkt,
				      struct decap *decap)
{
	struct {
		struct udphdr udp;
		struct decap_gue gue;
	} buf, *at = shunt_header(ctx, pkt->l4_off, sizeof(*at), &buf);
	__u32 len;

	if (!at)
		return;
	len = bpf_ntohs(at->udp.len);
	if (len > pkt->l4_len || len < sizeof(*at))
		return;
	decap->off = pkt->l4_off + sizeof(at->udp);
	decap->len = len - sizeof(at->udp);
	if (at->gue.kind >> 6 == 1) {
		decap->l3 = at->gue.kind >> 4;
		return;
	}
	if (at->gue.kind || at->gue.flags)
		return;
	decap->off += sizeof(at->gue);
	decap->len -= sizeof(at->gue);
	decap->l3 = decap_l3_of(at->gue.proto);
}

/* Lengths and version of what is inside. Return: whether they are right */
static __always_inline bool decap_ip4_fits(shunt_ctx *ctx, struct decap *decap)
{
	struct iphdr buf, *ip = shunt_header(ctx, decap->off, sizeof(*ip), &buf);
	__u32 len;

	if (!ip || decap->len < sizeof(*ip) || ip->version != 4)
		return false;
	len = bpf_ntohs(ip->tot_len);
	if (!len && shunt_ctx_is_gso(ctx))
		len = decap->len;
	decap->tos = ip->tos;
	return ip->ihl * 4 >= sizeof(*ip) && ip->ihl * 4 <= len && len <= decap->len;
}

static __always_inline bool decap_ip6_fits(shunt_ctx *ctx, struct decap *decap)
{
	struct ipv6hdr buf, *ip6 = shunt_header(ctx, decap->off, sizeof(*ip6), &buf);

	if (!ip6 || decap->len < sizeof(*ip6) || ip6->version != 6)
		return false;
	decap->tos = (ip6->priority << 4 | ip6->flow_lbl[0] >> 4) & 0xff;
	return bpf_ntohs(ip6->payload_len) <= decap->len - sizeof(*ip6);
}

static __always_inline bool decap_fits(shunt_ctx *ctx, struct decap *decap)
{
	if (decap->l3 == 4)
		return decap_ip4_fits(ctx, decap);
	return decap->l3 == 6 && decap_ip6_fits(ctx, decap);
}

/* RFC 6040 4.2. Return: what the inner packet is to have; negative: it is to be dropped */
static __always_inline int decap_ecn(__u32 outer, __u32 inner)
{
	if (outer == DECAP_CE)
		return inner == DECAP_NOT_ECT ? -1 : DECAP_CE;
	return outer == DECAP_ECT1 && inner == DECAP_ECT0 ? DECAP_ECT1 : (int)inner;
}

/* Another ECN field for the packet inside, of IPv4 with the header's checksum (RFC 1624) */
static __always_inline int decap_ecn_set(shunt_ctx *ctx, const struct decap *decap, __u32 ecn)
{
	__u32 diff = ecn - (decap->tos & DECAP_ECN_MASK), sum;
	__u16 word, check;

	if (shunt_load(ctx, decap->off, &word, sizeof(word)) < 0)
		return -1;
	if (decap->l3 == 6) {		/* bits 4 and 5 of byte 1 */
		diff = bpf_htons(bpf_ntohs(word) + (diff << 4));
		if (SHUNT_SUMS_BY_KERNEL)
			shunt_summed(ctx, (__u16)~word + diff);
		word = diff;
		return shunt_patch(ctx, decap->off, &word, sizeof(word));
	}
	if (shunt_load(ctx, decap->off + offsetof(struct iphdr, check), &check, sizeof(check)) < 0)
		return -1;
	sum = (__u16)~check + (__u16)~word;
	word = bpf_htons(bpf_ntohs(word) + diff);
	check = shunt_sum_fold(sum + word);
	if (shunt_patch(ctx, decap->off + offsetof(struct iphdr, check), &check, sizeof(check)) < 0)
		return -1;
	return shunt_patch(ctx, decap->off, &word, sizeof(word));
}

/* The outer headers go, Ethernet header and tags move up. Return: 0 or negative */
static __always_inline int decap_pull(shunt_ctx *ctx, const struct shunt_packet *pkt,
				      const struct decap *decap)
{
	__be16 eth_type = decap->l3 == 4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	__u32 l2_len = pkt->l3_off;
	__u8 l2[L2_ROOM] = {};

	if (l2_load(ctx, l2_len, eth_type, l2) < 0 ||
	    shunt_pull(ctx, decap->off - l2_len, decap->l3 == 6, pkt->l3 == 6) < 0)
		return -1;
	return l2_store(ctx, l2_len, l2);
}

#endif
