/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* answer_icmp.h - ICMP errors about the packet under way */
#ifndef SHUNT_LIB_ANSWER_ICMP_H
#define SHUNT_LIB_ANSWER_ICMP_H

#include <shunt/lib/answer.h>

#define ANSWER_IP4_MAX	576		/* RFC 1812 4.3.2.3 */
#define ANSWER_IP6_MAX	1280		/* RFC 4443 2.4 c */
#define ANSWER_QUOTE4	(sizeof(struct iphdr) + sizeof(struct shunt_icmp_hdr))
#define ANSWER_QUOTE6	(sizeof(struct ipv6hdr) + sizeof(struct shunt_icmp_hdr))
#define ANSWER_TOS	0xc0		/* of ICMP errors: RFC 1812 4.3.2.5 */

/* ICMP types that ask or answer, and are no errors */
#define ANSWER_QUERIES	(1 << 0 | 1 << 8 | 0x3f << 13)
#define ANSWER_ERRORS6	127		/* the last of them */
#define ANSWER_REDIRECT6 137

struct answer_room {			/* of this CPU: no stack holds it */
	struct answer_l2 l2;
	union {
		__u8	ip[ANSWER_IP6_MAX];	/* zero behind the answer */
		__u64	word[ANSWER_IP6_MAX / 8];
	};
};

/* About which there must be no error (RFC 1122 3.2.2, RFC 4443 2.4 e) */
static __always_inline bool answer_is_icmp_error(const struct shunt_packet *pkt)
{
	if (pkt->l3 == 4)
		return pkt->proto == IPPROTO_ICMP &&
		       (pkt->icmp_type > 18 || !(ANSWER_QUERIES >> pkt->icmp_type & 1));
	return pkt->proto == IPPROTO_ICMPV6 &&
	       (pkt->icmp_type <= ANSWER_ERRORS6 || pkt->icmp_type == ANSWER_REDIRECT6);
}

static __always_inline void answer_clear(struct answer_room *room)
{
	int i;

#pragma clang loop unroll(disable)
	for (i = 0; i < ANSWER_IP6_MAX / 8; i++)	/* volatile: else it becomes a call of memset() */
		*(volatile __u64 *)&room->word[i] = 0;
}

/* Bytes of the packet that the error quotes, put behind its header. Return: how many */
static __always_inline int answer_quote(shunt_ctx *ctx, const struct shunt_packet *pkt, void *to,
					__u32 max)
{
	__u32 len = pkt->l4_off - pkt->l3_off + pkt->l4_len;

	if (len > max)
		len = max;
	return shunt_load_some(ctx, pkt->l3_off, to, len, max) < 0 ? -1 : (int)len;
}

static __always_inline int answer_icmp4(shunt_ctx *ctx, const struct shunt_packet *pkt,
					struct answer_room *room, __u8 type, __u8 code, __be32 rest)
{
	struct shunt_icmp_hdr *icmp = (void *)room->ip + sizeof(struct iphdr);
	int quoted = answer_quote(ctx, pkt, room->ip + ANSWER_QUOTE4,
				  ANSWER_IP4_MAX - ANSWER_QUOTE4);
	__u32 sum;

	if (quoted < 0)
		return -1;
	icmp->type = type;
	icmp->code = code;
	icmp->rest = rest;
	sum = shunt_sum(icmp, SHUNT_SUM_MAX, 0);
	sum = shunt_sum((void *)icmp + SHUNT_SUM_MAX,
			ANSWER_IP4_MAX - sizeof(struct iphdr) - SHUNT_SUM_MAX, sum);
	icmp->checksum = shunt_sum_fold(sum);
	answer_ip4((struct iphdr *)room->ip, &pkt->daddr, &pkt->saddr, IPPROTO_ICMP, ANSWER_TOS,
		   ANSWER_TTL, ANSWER_QUOTE4 + quoted);
	return ANSWER_QUOTE4 + quoted;
}

static __always_inline int answer_icmp6(shunt_ctx *ctx, const struct shunt_packet *pkt,
					struct answer_room *room, __u8 type, __u8 code, __be32 rest)
{
	struct shunt_icmp_hdr *icmp = (void *)room->ip + sizeof(struct ipv6hdr);
	int quoted = answer_quote(ctx, pkt, room->ip + ANSWER_QUOTE6,
				  ANSWER_IP6_MAX - ANSWER_QUOTE6);
	__u32 len, sum;

	if (quoted < 0)
		return -1;
	icmp->type = type;
	icmp->code = code;
	icmp->rest = rest;
	len = sizeof(*icmp) + quoted;
	sum = shunt_sum_pseudo(pkt, IPPROTO_ICMPV6, len);
	sum = shunt_sum(icmp, SHUNT_SUM_MAX, sum);
	sum = shunt_sum((void *)icmp + SHUNT_SUM_MAX, SHUNT_SUM_MAX, sum);
	sum = shunt_sum((void *)icmp + 2 * SHUNT_SUM_MAX,
			ANSWER_IP6_MAX - sizeof(struct ipv6hdr) - 2 * SHUNT_SUM_MAX, sum);
	icmp->checksum = shunt_sum_fold(sum);
	answer_ip6((struct ipv6hdr *)room->ip, &pkt->daddr, &pkt->saddr, IPPROTO_ICMPV6, 0,
		   ANSWER_TTL, len);
	return ANSWER_QUOTE6 + quoted;
}

/**
 * answer_icmp() - An error of the packet's family, from its destination to its source
 * @room:	Cleared
 * Return: length of the IP packet, which is in @room; negative: it cannot
 */
static __always_inline int answer_icmp(shunt_ctx *ctx, const struct shunt_packet *pkt,
				       struct answer_room *room, __u8 type, __u8 code, __be32 rest)
{
	return pkt->l3 == 4 ? answer_icmp4(ctx, pkt, room, type, code, rest) :
			      answer_icmp6(ctx, pkt, room, type, code, rest);
}

/* The frame becomes what is in @room, back to where it came from. As answer_write() */
static __always_inline int answer_send(shunt_ctx *ctx, struct shunt_packet *pkt,
				       struct answer_room *room, int ip_len)
{
	int l2_len = answer_l2_load(ctx, pkt, &room->l2);

	if (l2_len < 0 || ip_len < 0)
		return -1;
	answer_l2_turn(&room->l2);
	return answer_write(ctx, pkt, &room->l2, l2_len, room->ip, ip_len, ANSWER_IP6_MAX);
}

#endif
