/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * conntrack_window.h - are a segment's sequence numbers such as the connection can have?
 *
 * DOC: G. van Rooij, 'Real stateful TCP packet filtering in IP Filter' (2000). Of each end is known
 * the highest number sent (end), the highest that the other one has let it send (max_end), and
 * the largest window that it has announced. A segment must begin within what
 * was let (I), end not more than a window before what was sent (II), acknowledge nothing
 * that was not sent (III), and nothing that is older than a window or 66000 bytes (IV). For a reset
 * that is RFC 5961 3, as far as it shows in the middle.
 *
 * Each field has one writer, the direction it is about: no locks. Of a flow whose beginning was
 * not seen the scales are not known: its segments are not judged.
 */
#ifndef SHUNT_LIB_CONNTRACK_WINDOW_H
#define SHUNT_LIB_CONNTRACK_WINDOW_H

#include <shunt/lib/conntrack_l4.h>

#define CONNTRACK_ACK_SLACK	66000	/* IV: at least so much; one window without scale, and some */
#define CONNTRACK_SCALE_NONE	15	/* the first SYN had no such option */
#define CONNTRACK_SCALE_MAX	14	/* RFC 7323 2.3 */
#define CONNTRACK_OPT_SCALE	3
#define CONNTRACK_OPTS_MAX	40
#define CONNTRACK_OPTS_END	0x1000

CONNTRACK_ARRAY(ct_seqs4, struct conntrack_seqs);
CONNTRACK_ARRAY(ct_seqs6, struct conntrack_seqs);

struct conntrack_tcp {
	__u32	seq, end;	/* end: behind data, SYN and FIN */
	__u32	ack;
	__u32	window;		/* as in the header */
	__u32	scale;		/* of a SYN; SCALE_NONE: it has no option */
	__u32	bits;
};

static __always_inline struct conntrack_seqs *conntrack_seqs(const bool six, __u32 slot)
{
	return six ? bpf_map_lookup_elem(&ct_seqs6, &slot) : bpf_map_lookup_elem(&ct_seqs4, &slot);
}

static __always_inline bool conntrack_before(__u32 a, __u32 b)
{
	return (__s32)(a - b) < 0;
}

struct conntrack_opts {
	__u8	byte[CONNTRACK_OPTS_MAX];
};

/*
 * One option of a SYN, at @at of @all (RFC 7323 2.2); what is cut short or has no length ends them, as it
 * does for the ends. Return: where the next one is; or OPTS_END + the scale. Global: so the
 * verifier has forgotten what @at was
 */
__noinline int conntrack_opt(const struct conntrack_opts *opts, __u64 at, __u64 all)
{
	__u32 kind, len;

	if (!opts)
		return CONNTRACK_OPTS_END + CONNTRACK_SCALE_NONE;
	barrier_var(at);
	if (at > CONNTRACK_OPTS_MAX - 3 || at + 3 > all)
		return CONNTRACK_OPTS_END + CONNTRACK_SCALE_NONE;
	kind = opts->byte[at];
	len = opts->byte[at + 1];
	if (kind == 1)
		return at + 1;
	if (!kind || len < 2)
		return CONNTRACK_OPTS_END + CONNTRACK_SCALE_NONE;
	if (kind == CONNTRACK_OPT_SCALE && len == 3) {
		len = opts->byte[at + 2];
		return CONNTRACK_OPTS_END + (len < CONNTRACK_SCALE_MAX ? len : CONNTRACK_SCALE_MAX);
	}
	return at + len;
}

static __always_inline __u32 conntrack_tcp_scale(shunt_ctx *ctx, __u32 off, __u64 len)
{
	struct conntrack_opts opts = {};
	int at = 0, i;

	if (!len || shunt_load_some(ctx, off, opts.byte, len, sizeof(opts)) < 0)
		return CONNTRACK_SCALE_NONE;
#pragma clang loop unroll(disable)
	for (i = 0; i < CONNTRACK_OPTS_MAX && at < CONNTRACK_OPTS_END; i++)
		at = conntrack_opt(&opts, at, len);
	return at < CONNTRACK_OPTS_END ? CONNTRACK_SCALE_NONE : at - CONNTRACK_OPTS_END;
}

static __always_inline int conntrack_tcp_read(shunt_ctx *ctx, const struct shunt_packet *pkt,
					 struct conntrack_tcp *ret)
{
	struct tcphdr buf, *tcp = shunt_header(ctx, pkt->l4_off, sizeof(*tcp), &buf);
	__u32 hdr_len;

	if (!tcp)
		return -EINVAL;
	hdr_len = tcp->doff * 4;
	ret->bits = pkt->tcp_flags;
	ret->seq = bpf_ntohl(tcp->seq);
	ret->ack = bpf_ntohl(tcp->ack_seq);
	ret->window = bpf_ntohs(tcp->window);
	ret->end = ret->seq + pkt->l4_len - hdr_len + !!(ret->bits & CONNTRACK_TCP_BIT_SYN) +
		   !!(ret->bits & CONNTRACK_TCP_BIT_FIN);
	ret->scale = CONNTRACK_SCALE_NONE;
	if (ret->bits & CONNTRACK_TCP_BIT_SYN)
		ret->scale = conntrack_tcp_scale(ctx, pkt->l4_off + sizeof(*tcp),
						 hdr_len - sizeof(*tcp));
	return 0;
}

/* What the originator's SYN says */
static __always_inline void conntrack_window_open(struct conntrack_seqs *seqs,
						  const struct conntrack_tcp *tcp)
{
	*seqs = (struct conntrack_seqs){
		.end = { tcp->end, 0 }, .max_end = { tcp->end, 0 },
		.window = { tcp->window ?: 1, 0 }, .scale = { tcp->scale, 0 },
	};
}

/* The first segment of the other end that begins it: SYN+ACK, or a SYN of its own */
static __always_inline void conntrack_window_answer(struct conntrack_seqs *seqs,
						    const struct conntrack_tcp *tcp)
{
	bool scaled = seqs->scale[0] != CONNTRACK_SCALE_NONE && tcp->scale != CONNTRACK_SCALE_NONE;

	seqs->scale[1] = scaled ? tcp->scale : 0;
	if (!scaled)
		seqs->scale[0] = 0;
	seqs->end[1] = tcp->end;
	seqs->window[1] = tcp->window ?: 1;
	seqs->max_end[1] = tcp->end + seqs->window[0];
}

/* @from: who sends; constant */
static __always_inline bool conntrack_window_holds(const struct conntrack_seqs *seqs,
						   const __u32 from,
						   const struct conntrack_tcp *tcp, __u32 ack)
{
	const __u32 to = !from;
	__u32 slack = seqs->window[from] > CONNTRACK_ACK_SLACK ? seqs->window[from] :
		      CONNTRACK_ACK_SLACK;

	return !conntrack_before(seqs->max_end[from], tcp->seq) &&		/* I */
	       !conntrack_before(tcp->end, seqs->end[from] - seqs->window[to]) &&	/* II */
	       !conntrack_before(seqs->end[to], ack) &&				/* III */
	       !conntrack_before(ack, seqs->end[to] - slack);			/* IV */
}

static __always_inline void conntrack_window_move(struct conntrack_seqs *seqs, const __u32 from,
						  const struct conntrack_tcp *tcp, __u32 ack)
{
	const __u32 to = !from;
	__u32 window = tcp->window, scale = seqs->scale[from];

	if (!(tcp->bits & CONNTRACK_TCP_BIT_SYN) && scale <= CONNTRACK_SCALE_MAX)
		window <<= scale;
	if (conntrack_before(seqs->end[from], tcp->end))
		seqs->end[from] = tcp->end;
	if (tcp->bits & CONNTRACK_TCP_BIT_RST)
		return;
	if (window > seqs->window[from])
		seqs->window[from] = window;
	if (conntrack_before(seqs->max_end[to], ack + (window ?: 1)))
		seqs->max_end[to] = ack + (window ?: 1);
}

static __always_inline bool conntrack_window_of(struct conntrack_seqs *seqs, const __u32 from,
						const struct conntrack_tcp *tcp)
{
	__u32 ack = tcp->ack;

	/* There are stacks whose resets say that they acknowledge 0 */
	if (!(tcp->bits & CONNTRACK_TCP_BIT_ACK) || (tcp->bits & CONNTRACK_TCP_BIT_RST && !ack))
		ack = seqs->end[!from];
	if (!conntrack_window_holds(seqs, from, tcp, ack))
		return false;
	conntrack_window_move(seqs, from, tcp, ack);
	return true;
}

/* What the originator of a proxied flow acknowledges, as the server counts */
static __always_inline __u32 conntrack_window_acked(const bool six, __u32 slot, __u32 ack)
{
	const struct conntrack_flow *flow = conntrack_entry(six, slot);

	return flow && flow->proxy == CONNTRACK_PROXY_OPEN ? ack - flow->delta : ack;
}

/* In states of the opening, where one end's numbers are not known yet */
static __always_inline bool conntrack_window_opening(struct conntrack_seqs *seqs, bool reply,
						     const struct conntrack_tcp *tcp)
{
	if (!reply) {
		if (tcp->bits & CONNTRACK_TCP_BIT_SYN)
			conntrack_window_open(seqs, tcp);
		return true;
	}
	if (tcp->bits & CONNTRACK_TCP_BIT_ACK && tcp->ack != seqs->end[0])
		return false;	/* RFC 9293 3.10.7.3 */
	if (!(tcp->bits & CONNTRACK_TCP_BIT_SYN))
		return tcp->bits & CONNTRACK_TCP_BIT_ACK;	/* a reset that acknowledges */
	conntrack_window_answer(seqs, tcp);
	if (tcp->bits & CONNTRACK_TCP_BIT_ACK)
		seqs->max_end[0] = tcp->ack + (tcp->window ?: 1);
	return true;
}

static __always_inline bool conntrack_window(const bool six, shunt_ctx *ctx,
					     const struct shunt_packet *pkt, __u32 slot,
					     __u32 state, bool reply)
{
	struct conntrack_seqs *seqs = conntrack_seqs(six, slot);
	struct conntrack_tcp tcp = {};

	if (!seqs)
		return true;
	if (conntrack_tcp_read(ctx, pkt, &tcp) < 0)
		return false;
	if (!reply)
		tcp.ack = conntrack_window_acked(six, slot, tcp.ack);
	if (state == CONNTRACK_NONE)
		conntrack_window_open(seqs, &tcp);
	if (state == CONNTRACK_NONE || state == CONNTRACK_TCP_SYN_SENT)
		return conntrack_window_opening(seqs, reply, &tcp);
	return reply ? conntrack_window_of(seqs, 1, &tcp) : conntrack_window_of(seqs, 0, &tcp);
}

/**
 * conntrack_window4() - Judge a segment by its numbers, and learn from it
 * @state:	Of the flow, before it; CONNTRACK_NONE: it is new, and this its first one
 * Return: whether it may be
 */
__noinline int conntrack_window4(shunt_ctx *ctx, __u32 slot, __u32 state, __u32 reply)
{
	struct shunt_cpu *cpu = shunt_this_cpu();

	return cpu && conntrack_window(false, ctx, &cpu->pkt, slot, state, reply);
}

__noinline int conntrack_window6(shunt_ctx *ctx, __u32 slot, __u32 state, __u32 reply)
{
	struct shunt_cpu *cpu = shunt_this_cpu();

	return cpu && conntrack_window(true, ctx, &cpu->pkt, slot, state, reply);
}

#endif
