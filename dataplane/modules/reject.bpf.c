// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * reject.bpf.c - answer a packet with a TCP reset or an ICMP error, and drop it
 * reads: L3, L4, pkt->reject   tables: reject_bucket, reject_room   cost: only of what is rejected
 *
 * DOC: The answer is built in a room of this CPU, then the frame gets its length and
 * its bytes; tags stay where they are. What must not be answered (RFC 1122 3.2.2,
 * RFC 4443 2.4 e, RFC 9293 3.10.7.1) leaves by 'silent', and so does a frame of several
 * segments: its checksum is still to be completed, at a place that the answer does not have.
 * Its sender tries again with one segment.
 */
#include <shunt/module.h>
#include <shunt/lib/answer.h>
#include <shunt/lib/bucket.h>

SHUNT_MODULE("reject", SHUNT_HOOK_ANY, SHUNT_DEPTH_L4,
	     "answers by TCP reset or ICMP unreachable, and drops");
SHUNT_EDGE(sent, SHUNT_FAIL_CLOSED, SHUNT_TARGET_TX);
SHUNT_EDGE(over, SHUNT_FAIL_CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_RATE);
SHUNT_EDGE(silent, SHUNT_FAIL_CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_POLICY);

SHUNT_CONFIG(__u64, rate_pps, 1000, "answers per second, 1 to 1000000000");
SHUNT_CONFIG(__u64, burst_pkts, 100, "answers that may go out at once, above the rate");

#define NSEC_PER_SEC	1000000000ULL
#define BURST_MAX	0xffffffffULL
#define IP4_MAX		576		/* RFC 1812 4.3.2.3 */
#define IP6_MAX		1280		/* RFC 4443 2.4 c */
#define QUOTE4		(sizeof(struct iphdr) + sizeof(struct shunt_icmp_hdr))
#define QUOTE6		(sizeof(struct ipv6hdr) + sizeof(struct shunt_icmp_hdr))
#define TOS_CONTROL	0xc0		/* of ICMP errors: RFC 1812 4.3.2.5 */
#define TCP_FIN		0x01
#define TCP_SYN		0x02
#define TCP_RST		0x04
#define TCP_ACK		0x10
#define NO_CODE		(-1)

/* ICMP types that ask or answer, and are no errors */
#define ICMP_QUERIES	(1 << 0 | 1 << 8 | 0x3f << 13)
#define ICMP6_ERRORS	127		/* the last of them */
#define ICMP6_REDIRECT	137

struct reject_bucket {
	__u64	due;			/* lib/bucket.h: of all answers */
};

struct reject_room {
	struct answer_l2 l2;
	union {
		__u8	ip[IP6_MAX];	/* zero behind the answer */
		__u64	word[IP6_MAX / 8];
	};
};

SHUNT_TABLE(reject_bucket, ARRAY, __u32, struct reject_bucket, 1);
SHUNT_TABLE(reject_room, PERCPU_ARRAY, __u32, struct reject_room, 1);

#define REJECT_CODE4(id, name, code4, code6) [SHUNT_REJECT_##id] = code4,
#define REJECT_CODE6(id, name, code4, code6) [SHUNT_REJECT_##id] = code6,
static const volatile __s8 reject_code4[SHUNT_REJECT_MAX] = { SHUNT_REJECTS(REJECT_CODE4) };
static const volatile __s8 reject_code6[SHUNT_REJECT_MAX] = { SHUNT_REJECTS(REJECT_CODE6) };

/* ---- what may be answered ---- */

static __always_inline bool reject_is_icmp_error(const struct shunt_packet *pkt)
{
	if (pkt->l3 == 4)
		return pkt->proto == IPPROTO_ICMP &&
		       (pkt->icmp_type > 18 || !(ICMP_QUERIES >> pkt->icmp_type & 1));
	return pkt->proto == IPPROTO_ICMPV6 &&
	       (pkt->icmp_type <= ICMP6_ERRORS || pkt->icmp_type == ICMP6_REDIRECT);
}

static __always_inline int reject_code(const struct shunt_packet *pkt)
{
	__u32 which = pkt->reject;

	if (which >= SHUNT_REJECT_MAX)
		return NO_CODE;
	return pkt->l3 == 4 ? reject_code4[which] : reject_code6[which];
}

static __always_inline bool reject_may(shunt_ctx *ctx, const struct shunt_packet *pkt)
{
	if (!answer_may(ctx, pkt))
		return false;
	if (pkt->reject == SHUNT_REJECT_TCP_RESET)	/* a fragment does not tell its length */
		return pkt->proto == IPPROTO_TCP && pkt->flags & SHUNT_PKT_L4 && !pkt->frag &&
		       !(pkt->tcp_flags & TCP_RST);
	return !reject_is_icmp_error(pkt) && reject_code(pkt) != NO_CODE;
}

static __always_inline bool reject_within(struct shunt_packet *pkt)
{
	__u64 step = (NSEC_PER_SEC << SHUNT_BUCKET_STEP_BITS) / (rate_pps ?: 1);
	__u32 zero = 0;
	struct reject_bucket *bucket = bpf_map_lookup_elem(&reject_bucket, &zero);

	return bucket && shunt_bucket_take(&bucket->due, 1, step,
					   burst_pkts < BURST_MAX ? burst_pkts : BURST_MAX,
					   shunt_now_ns(pkt));
}

/* ---- the answer, behind the Ethernet header ---- */

/* RFC 9293 3.10.7.1: what is acknowledged says where the reset is awaited */
static __always_inline int reject_tcp(shunt_ctx *ctx, const struct shunt_packet *pkt,
				      struct tcphdr *answer)
{
	struct tcphdr buf, *tcp = shunt_header(ctx, pkt->l4_off, sizeof(*tcp), &buf);
	__u32 len;

	if (!tcp)
		return -1;
	answer->source = pkt->dport;
	answer->dest = pkt->sport;
	answer->doff = sizeof(*answer) / 4;
	answer->rst = 1;
	if (pkt->tcp_flags & TCP_ACK) {
		answer->seq = tcp->ack_seq;
	} else {
		len = pkt->l4_len - tcp->doff * 4;
		len += !!(pkt->tcp_flags & TCP_SYN) + !!(pkt->tcp_flags & TCP_FIN);
		answer->ack = 1;
		answer->ack_seq = bpf_htonl(bpf_ntohl(tcp->seq) + len);
	}
	answer->check = shunt_sum_fold(shunt_sum(answer, sizeof(*answer),
						 answer_pseudo(pkt, IPPROTO_TCP, sizeof(*answer))));
	return 0;
}

/* Bytes of the packet that the error quotes, put behind its header. Return: how many */
static __always_inline int reject_quote(shunt_ctx *ctx, const struct shunt_packet *pkt, void *to,
					__u32 max)
{
	__u32 len = pkt->l4_off - pkt->l3_off + pkt->l4_len;

	if (len > max)
		len = max;
	return shunt_load_some(ctx, pkt->l3_off, to, len, max) < 0 ? -1 : (int)len;
}

static __always_inline int reject_icmp4(shunt_ctx *ctx, const struct shunt_packet *pkt,
					struct reject_room *room)
{
	struct shunt_icmp_hdr *icmp = (void *)room->ip + sizeof(struct iphdr);
	int quoted = reject_quote(ctx, pkt, room->ip + QUOTE4, IP4_MAX - QUOTE4);
	__u32 sum;

	if (quoted < 0)
		return -1;
	icmp->type = 3;
	icmp->code = reject_code(pkt);
	sum = shunt_sum(icmp, SHUNT_SUM_MAX, 0);
	sum = shunt_sum((void *)icmp + SHUNT_SUM_MAX,
			IP4_MAX - sizeof(struct iphdr) - SHUNT_SUM_MAX, sum);
	icmp->checksum = shunt_sum_fold(sum);
	answer_ip4((struct iphdr *)room->ip, &pkt->daddr, &pkt->saddr, IPPROTO_ICMP, TOS_CONTROL,
		   ANSWER_TTL, QUOTE4 + quoted);
	return QUOTE4 + quoted;
}

static __always_inline int reject_icmp6(shunt_ctx *ctx, const struct shunt_packet *pkt,
					struct reject_room *room)
{
	struct shunt_icmp_hdr *icmp = (void *)room->ip + sizeof(struct ipv6hdr);
	int quoted = reject_quote(ctx, pkt, room->ip + QUOTE6, IP6_MAX - QUOTE6);
	__u32 len, sum;

	if (quoted < 0)
		return -1;
	icmp->type = 1;
	icmp->code = reject_code(pkt);
	len = sizeof(*icmp) + quoted;
	sum = answer_pseudo(pkt, IPPROTO_ICMPV6, len);
	sum = shunt_sum(icmp, SHUNT_SUM_MAX, sum);
	sum = shunt_sum((void *)icmp + SHUNT_SUM_MAX, SHUNT_SUM_MAX, sum);
	sum = shunt_sum((void *)icmp + 2 * SHUNT_SUM_MAX,
			IP6_MAX - sizeof(struct ipv6hdr) - 2 * SHUNT_SUM_MAX, sum);
	icmp->checksum = shunt_sum_fold(sum);
	answer_ip6((struct ipv6hdr *)room->ip, &pkt->daddr, &pkt->saddr, IPPROTO_ICMPV6, 0,
		   ANSWER_TTL, len);
	return QUOTE6 + quoted;
}

/* Return: length of the answer's IP packet, or negative */
static __always_inline int reject_build(shunt_ctx *ctx, const struct shunt_packet *pkt,
					struct reject_room *room)
{
	if (pkt->reject != SHUNT_REJECT_TCP_RESET)
		return pkt->l3 == 4 ? reject_icmp4(ctx, pkt, room) : reject_icmp6(ctx, pkt, room);
	if (pkt->l3 == 4) {
		answer_ip4((struct iphdr *)room->ip, &pkt->daddr, &pkt->saddr, IPPROTO_TCP, 0,
			   ANSWER_TTL, sizeof(struct iphdr) + sizeof(struct tcphdr));
		if (reject_tcp(ctx, pkt, (void *)room->ip + sizeof(struct iphdr)) < 0)
			return -1;
		return sizeof(struct iphdr) + sizeof(struct tcphdr);
	}
	answer_ip6((struct ipv6hdr *)room->ip, &pkt->daddr, &pkt->saddr, IPPROTO_TCP, 0, ANSWER_TTL,
		   sizeof(struct tcphdr));
	if (reject_tcp(ctx, pkt, (void *)room->ip + sizeof(struct ipv6hdr)) < 0)
		return -1;
	return sizeof(struct ipv6hdr) + sizeof(struct tcphdr);
}

/* ---- the frame ---- */

/* The frame becomes the answer. Return: 0, or negative: it cannot */
static __always_inline int reject_answer(shunt_ctx *ctx, struct shunt_packet *pkt)
{
	__u32 zero = 0;
	struct reject_room *room = bpf_map_lookup_elem(&reject_room, &zero);
	int l2_len, ip_len, i;

	if (!room)
		return -1;
#pragma clang loop unroll(disable)
	for (i = 0; i < IP6_MAX / 8; i++)	/* volatile: else it becomes a call of memset() */
		*(volatile __u64 *)&room->word[i] = 0;
	l2_len = answer_l2_load(ctx, pkt, &room->l2);
	ip_len = reject_build(ctx, pkt, room);
	if (l2_len < 0 || ip_len < 0)
		return -1;
	answer_l2_turn(&room->l2);
	return answer_write(ctx, pkt, &room->l2, l2_len, room->ip, ip_len, IP6_MAX);
}

SHUNT_NODE(ctx, pkt)
{
	if (!reject_may(ctx, pkt))
		return SHUNT_GO(silent);
	if (!reject_within(pkt))
		return SHUNT_GO(over);
	return reject_answer(ctx, pkt) < 0 ? SHUNT_GO(silent) : SHUNT_GO(sent);
}
