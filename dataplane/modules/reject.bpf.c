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
#include <shunt/lib/answer_icmp.h>
#include <shunt/lib/bucket.h>

SHUNT_MODULE("reject", SHUNT_HOOK_ANY, SHUNT_DEPTH_L4,
	     "answers by TCP reset or ICMP unreachable, and drops");
SHUNT_EDGE(sent, SHUNT_FAIL_CLOSED, SHUNT_TARGET_TX);
SHUNT_EDGE(over, SHUNT_FAIL_CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_RATE);
SHUNT_EDGE(silent, SHUNT_FAIL_CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_POLICY);

SHUNT_CONFIG(__u64, rate_pps, 1000, "answers per second, 1 to 1000000000");
SHUNT_CONFIG(__u64, burst_pkts, 100, "answers that may go out at once, above the rate");

#define TCP_FIN		0x01
#define TCP_SYN		0x02
#define TCP_RST		0x04
#define TCP_ACK		0x10
#define NO_CODE		(-1)

struct reject_bucket {
	__u64	due;			/* lib/bucket.h: of all answers */
};

SHUNT_TABLE(reject_bucket, ARRAY, __u32, struct reject_bucket, 1);
SHUNT_TABLE(reject_room, PERCPU_ARRAY, __u32, struct answer_room, 1);

#define REJECT_CODE4(id, name, code4, code6) [SHUNT_REJECT_##id] = code4,
#define REJECT_CODE6(id, name, code4, code6) [SHUNT_REJECT_##id] = code6,
static const volatile __s8 reject_code4[SHUNT_REJECT_MAX] = { SHUNT_REJECTS(REJECT_CODE4) };
static const volatile __s8 reject_code6[SHUNT_REJECT_MAX] = { SHUNT_REJECTS(REJECT_CODE6) };

/* ---- what may be answered ---- */

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
	return !answer_is_icmp_error(pkt) && reject_code(pkt) != NO_CODE;
}

static __always_inline bool reject_within(struct shunt_packet *pkt)
{
	__u32 zero = 0;
	struct reject_bucket *bucket = bpf_map_lookup_elem(&reject_bucket, &zero);

	return bucket && shunt_bucket_one(&bucket->due, rate_pps, burst_pkts, shunt_now_ns(pkt));
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
						 shunt_sum_pseudo(pkt, IPPROTO_TCP, sizeof(*answer))));
	return 0;
}

/* Return: length of the answer's IP packet, or negative */
static __always_inline int reject_build(shunt_ctx *ctx, const struct shunt_packet *pkt,
					struct answer_room *room)
{
	if (pkt->reject != SHUNT_REJECT_TCP_RESET)
		return answer_icmp(ctx, pkt, room, pkt->l3 == 4 ? 3 : 1, reject_code(pkt), 0);
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
	struct answer_room *room = bpf_map_lookup_elem(&reject_room, &zero);

	if (!room)
		return -1;
	answer_clear(room);
	return answer_send(ctx, pkt, room, reject_build(ctx, pkt, room));
}

SHUNT_NODE(ctx, pkt)
{
	if (!reject_may(ctx, pkt))
		return SHUNT_GO(silent);
	if (!reject_within(pkt))
		return SHUNT_GO(over);
	return reject_answer(ctx, pkt) < 0 ? SHUNT_GO(silent) : SHUNT_GO(sent);
}
