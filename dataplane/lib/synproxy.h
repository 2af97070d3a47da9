/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * synproxy.h - segments that module 'synproxy' makes itself
 *
 * DOC: A segment is loaded into the room of this CPU, what is to be sent is said in struct
 * synproxy_out, and the frame is written anew from that. A checksum that was left to the device
 * stays so: its place is where the TCP header was.
 */
#ifndef SHUNT_LIB_SYNPROXY_H
#define SHUNT_LIB_SYNPROXY_H

#include <shunt/lib/answer.h>
#include <shunt/lib/rewrite.h>
#include <shunt/lib/tcp_opts.h>

#define SYNPROXY_OPTS_MSS	4
#define SYNPROXY_OPTS_TS	16
#define SYNPROXY_OPTS_SCALE	20
#define SYNPROXY_BITS_SYN	0x02
#define SYNPROXY_BITS_RST	0x04

/* Written by words: a checksum that reads its bytes together would wait for them */
struct synproxy_tcp {
	union {
		struct tcphdr hdr;
		__be32	word[5];
	};
	__be32	opt[SYNPROXY_OPTS_SCALE / 4];
};

/* What goes out. Host order */
struct synproxy_out {
	__u32	seq, ack;
	__u32	tsval, tsecr;
	__u16	window, mss;
	__u8	bits;
	__u8	scale;			/* of a SYN; TCP_SCALE_NONE */
	__u8	sack;			/* of a SYN */
	__u8	ts;			/* timestamps; without them a SYN has neither of the two above */
	__u8	ttl, tos;
	__u8	back;			/* to who sent the packet */
	__u8	pad;
};

struct synproxy_room {
	struct answer_l2 l2;
	struct tcp_segment seg;		/* as it came */
	struct tcp_said said;
	struct synproxy_out out;
	__u32	l2_len;
	__u32	partial;		/* its checksum waits for the device */
	union {
		struct {
			struct iphdr ip4;
			struct synproxy_tcp tcp4;
		};
		struct {
			struct ipv6hdr ip6;
			struct synproxy_tcp tcp6;
		};
		__u64	word[11];
		__be32	half[22];	/* what is written at once */
	};
};

SHUNT_TABLE(synproxy_room, PERCPU_ARRAY, __u32, struct synproxy_room, 1);

static __always_inline struct synproxy_room *synproxy_room_here(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&synproxy_room, &zero);
}

/* The segment under way into the room. Return: 0 or negative */
__noinline int synproxy_load(shunt_ctx *ctx)
{
	struct synproxy_room *room = synproxy_room_here();
	struct shunt_cpu *cpu = shunt_this_cpu();
	int len;

	if (!room || !cpu || !answer_may(ctx, &cpu->pkt) ||
	    tcp_segment_load(ctx, &cpu->pkt, &room->seg) < 0)
		return -1;
	tcp_said_read(&room->seg, &room->said);
	len = answer_l2_load(ctx, &cpu->pkt, &room->l2);
	if (len < 0)
		return -1;
	room->l2_len = len;
	/* At TC of what came: it may become two. At XDP few want to know */
	room->partial = SHUNT_SUMS_BY_KERNEL && rewrite_is_partial(ctx, room->seg.hdr.check);
	return 0;
}

/* Return: bytes of the TCP header */
static __always_inline __u32 synproxy_tcp_fill(struct synproxy_tcp *tcp,
					       const struct shunt_packet *pkt,
					       const struct synproxy_out *out)
{
	__u32 len = sizeof(tcp->hdr);

	if (out->bits & SYNPROXY_BITS_SYN) {
		tcp->opt[0] = bpf_htonl(TCP_OPT_MSS << 24 | 4 << 16 | out->mss);
		len += SYNPROXY_OPTS_MSS;
		if (out->ts) {
			tcp->opt[1] = bpf_htonl((out->sack ? TCP_OPT_SACK_OK << 24 | 2 << 16 :
						 0x0101 << 16) | TCP_OPT_TS << 8 | 10);
			tcp->opt[2] = bpf_htonl(out->tsval);
			tcp->opt[3] = bpf_htonl(out->tsecr);
			len = sizeof(tcp->hdr) + SYNPROXY_OPTS_TS;
		}
		if (out->ts && out->scale != TCP_SCALE_NONE) {
			tcp->opt[4] = bpf_htonl(1 << 24 | TCP_OPT_SCALE << 16 | 3 << 8 | out->scale);
			len = sizeof(tcp->hdr) + SYNPROXY_OPTS_SCALE;
		}
	} else if (out->ts) {
		tcp->opt[0] = bpf_htonl(TCP_OPTS_TS);
		tcp->opt[1] = bpf_htonl(out->tsval);
		tcp->opt[2] = bpf_htonl(out->tsecr);
		len += TCP_OPTS_TS_LEN;
	}
	tcp->word[0] = bpf_htonl((__u32)bpf_ntohs(out->back ? pkt->dport : pkt->sport) << 16 |
				 bpf_ntohs(out->back ? pkt->sport : pkt->dport));
	tcp->word[1] = bpf_htonl(out->seq);
	tcp->word[2] = bpf_htonl(out->ack);
	tcp->word[3] = bpf_htonl(len / 4 << 28 | out->bits << 16 | out->window);
	return len;
}

/* One that waits for the device has the pseudo header's alone */
static __always_inline void synproxy_sum(struct synproxy_tcp *tcp, const struct shunt_packet *pkt,
					 __u32 len, bool partial)
{
	__u32 sum = shunt_sum_pseudo(pkt, IPPROTO_TCP, len);

	if (!partial)
		sum = shunt_sum_words((void *)tcp, sizeof(*tcp) / 4, sum);
	tcp->word[4] = 0;
	tcp->hdr.check = partial ? ~shunt_sum_fold(sum) : shunt_sum_fold(sum);
}

/* Headers into the room. Return: bytes from the IP header on */
static __always_inline __u32 synproxy_build(struct synproxy_room *room,
					    const struct shunt_packet *pkt, bool partial)
{
	const struct shunt_addr *saddr = room->out.back ? &pkt->daddr : &pkt->saddr;
	const struct shunt_addr *daddr = room->out.back ? &pkt->saddr : &pkt->daddr;
	__u32 len, i;

#pragma unroll
	for (i = 0; i < sizeof(room->word) / sizeof(room->word[0]); i++)
		*(volatile __u64 *)&room->word[i] = 0;
	if (pkt->l3 == 4) {
		len = synproxy_tcp_fill(&room->tcp4, pkt, &room->out);
		synproxy_sum(&room->tcp4, pkt, len, partial);
		answer_ip4(&room->ip4, saddr, daddr, IPPROTO_TCP, room->out.tos, room->out.ttl,
			   sizeof(room->ip4) + len);
		return sizeof(room->ip4) + len;
	}
	len = synproxy_tcp_fill(&room->tcp6, pkt, &room->out);
	synproxy_sum(&room->tcp6, pkt, len, partial);
	answer_ip6(&room->ip6, saddr, daddr, IPPROTO_TCP, room->out.tos, room->out.ttl, len);
	return sizeof(room->ip6) + len;
}

/* The context of a packet that goes on, and is another one now */
static __always_inline void synproxy_is_now(struct shunt_packet *pkt, __u32 l4_off, __u32 len,
					    const struct synproxy_out *out)
{
	pkt->l4_off = l4_off;
	pkt->l4_len = len;
	pkt->tcp_flags = out->bits;
	pkt->tos = out->tos;
	pkt->flags &= ~(SHUNT_PKT_IP_OPTIONS | SHUNT_PKT_EXT_HEADERS);
	pkt->ext_headers = 0;
}

/*
 * Whether the checksum is to wait, too: at XDP not of a frame that goes straight out. Return: 0, 1;
 * negative: it would be looked for where it is not
 */
static __always_inline int synproxy_partial(shunt_ctx *ctx, const struct synproxy_room *room,
					    const struct shunt_packet *pkt)
{
	__u32 ip_len = pkt->l3 == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);

	if (SHUNT_SUMS_BY_KERNEL ? !room->partial :
	    room->out.back || !rewrite_is_partial(ctx, room->seg.hdr.check))
		return 0;
	if (pkt->l4_off != pkt->l3_off + ip_len)
		return SHUNT_SUMS_BY_KERNEL ? -1 : 0;
	return 1;
}

/* From the IP header on. @n: words, constant. Return: false: they are not in the linear part */
static __always_inline bool synproxy_copy(shunt_ctx *ctx, __u64 off,
					  const struct synproxy_room *room, __u32 n)
{
	volatile __be32 *to;
	__u32 i;

	barrier_var(off);
	if (!SHUNT_WRITES_FRAME || off > L2_MAX)
		return false;
	to = (void *)(long)ctx->data + off;
	if ((void *)(to + n) > (void *)(long)ctx->data_end)
		return false;
#pragma clang loop unroll(full)
	for (i = 0; i < n; i++)
		to[i] = *(volatile const __be32 *)&room->half[i];
	return true;
}

#define SYNPROXY_WORDS4	((sizeof(struct iphdr) + sizeof(struct synproxy_tcp)) / 4)
#define SYNPROXY_WORDS6	((sizeof(struct ipv6hdr) + sizeof(struct synproxy_tcp)) / 4)

/* Frames with all options are mostly as long as they were; of them no call writes the headers */
static __always_inline int synproxy_store(shunt_ctx *ctx, struct synproxy_room *room, __u32 len)
{
	if (len == SYNPROXY_WORDS4 * 4 && synproxy_copy(ctx, room->l2_len, room, SYNPROXY_WORDS4))
		return 0;
	if (len == SYNPROXY_WORDS6 * 4 && synproxy_copy(ctx, room->l2_len, room, SYNPROXY_WORDS6))
		return 0;
	return shunt_store_some(ctx, room->l2_len, room->word, len, sizeof(room->word));
}

/* The frame becomes what room->out says. Return: 0; negative: it cannot */
__noinline int synproxy_write(shunt_ctx *ctx)
{
	struct synproxy_room *room = synproxy_room_here();
	struct shunt_cpu *cpu = shunt_this_cpu();
	__u32 ip_len, l3_len, len;
	int partial;

	if (!room || !cpu)
		return -1;
	partial = synproxy_partial(ctx, room, &cpu->pkt);
	if (partial < 0)
		return -1;
	ip_len = synproxy_build(room, &cpu->pkt, partial);
	if (room->out.back)
		answer_l2_turn(&room->l2);
	len = ip_len;
	if (answer_fit(ctx, &cpu->pkt, &room->l2, room->l2_len, &len) < 0 ||
	    synproxy_store(ctx, room, len) < 0)
		return -1;
	l3_len = cpu->pkt.l3 == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	if (room->out.back)
		answer_l2_turn(&room->l2);
	else
		synproxy_is_now(&cpu->pkt, room->l2_len + l3_len, ip_len - l3_len, &room->out);
	return 0;
}

#endif
