/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * seq_shift.h - a segment of a connection whose two ends count from different numbers
 *
 * DOC: What one end sends is in its own numbers, what it acknowledges in those that it was given:
 * so of one direction numbers and timestamps change, of the other acknowledgements, selective
 * ones, and timestamps that go back. Windows are scaled by what either end was told.
 */
#ifndef SHUNT_LIB_SEQ_SHIFT_H
#define SHUNT_LIB_SEQ_SHIFT_H

#include <shunt/lib/rewrite.h>
#include <shunt/lib/tcp_opts.h>

#define SEQ_TCP_ACK	0x10
#define SEQ_TCP_SYN	0x02
#define SEQ_WINDOW_MAX	0xffff

/* What is added */
struct seq_shift {
	__u32	seq, ack, tsval, tsecr;
	__s32	scale;			/* shift of the window, to the left */
};

struct seq_room {
	struct tcp_segment was, now;
	struct tcp_said said;
};

SHUNT_TABLE(seq_room, PERCPU_ARRAY, __u32, struct seq_room, 1);

/* Of the TCP header: from the sequence number to the window, and where options change */
struct seq_words {
	__be32	seq, ack;
	__be16	bits, window;
};

/* The options that change, as they will be. len 0: none */
struct seq_opts {
	__u32	len;			/* from the first option on; TCP_OPTS_TS_LEN: 'ts' is all */
	__be32	ts[2];
};

static __always_inline __be32 seq_plus(__be32 word, __u32 by)
{
	return bpf_htonl(bpf_ntohl(word) + by);
}

static __always_inline __u32 seq_diff(__u32 was, __u32 now)
{
	return shunt_sum_narrow((__u64)(__u32)~was + now);
}

static __always_inline __u32 seq_window(__u32 window, __s32 scale)
{
	__u64 wide = window;

	if (scale < 0)
		return window >> (-scale & 15);
	wide <<= scale & 15;
	return wide > SEQ_WINDOW_MAX ? SEQ_WINDOW_MAX : wide;
}

static __always_inline void seq_put(struct tcp_segment *seg, __u64 at, __u32 by)
{
	__be32 word;

	barrier_var(at);
	if (at > TCP_OPTS_MAX - sizeof(word))
		return;
	__builtin_memcpy(&word, &seg->opt[at], sizeof(word));
	word = seq_plus(word, by);
	__builtin_memcpy(&seg->opt[at], &word, sizeof(word));
}

/* Options in whatever order: into the room. Return: their length, or negative */
static __always_inline int seq_opts_any(shunt_ctx *ctx, const struct shunt_packet *pkt,
					const struct seq_shift *by, __u32 *diff)
{
	__u32 zero = 0, i;
	struct seq_room *room = bpf_map_lookup_elem(&seq_room, &zero);

	if (!room || tcp_segment_load(ctx, pkt, &room->was) < 0)
		return -1;
	tcp_said_read(&room->was, &room->said);
	room->now = room->was;
	if (room->said.ts_at) {
		seq_put(&room->now, room->said.ts_at, by->tsval);
		seq_put(&room->now, room->said.ts_at + 4, by->tsecr);
	}
#pragma clang loop unroll(disable)
	for (i = 0; i < TCP_OPTS_MAX / 4 && room->said.sack_at; i++)
		if (i * 4 + 4 <= room->said.sack_len)
			seq_put(&room->now, room->said.sack_at + i * 4, by->ack);
	*diff = rewrite_add(*diff, bpf_csum_diff((void *)room->was.opt_word, TCP_OPTS_MAX,
						 (void *)room->now.opt_word, TCP_OPTS_MAX, 0));
	return room->was.hdr.doff * 4 - sizeof(struct tcphdr);
}

/* Return: 0 or negative. @diff: grows */
static __always_inline int seq_opts_load(shunt_ctx *ctx, const struct shunt_packet *pkt,
					 const struct seq_shift *by, __u32 len,
					 struct seq_opts *opts, __u32 *diff)
{
	__be32 buf[3], *at;
	int r;

	opts->len = 0;
	if (!len)
		return 0;
	if (len == TCP_OPTS_TS_LEN) {
		at = shunt_header(ctx, pkt->l4_off + sizeof(struct tcphdr), sizeof(buf), buf);
		if (!at)
			return -1;
		if (at[0] == bpf_htonl(TCP_OPTS_TS)) {
			opts->ts[0] = seq_plus(at[1], by->tsval);
			opts->ts[1] = seq_plus(at[2], by->tsecr);
			*diff = rewrite_add(*diff, seq_diff(at[1], opts->ts[0]));
			*diff = rewrite_add(*diff, seq_diff(at[2], opts->ts[1]));
			opts->len = len;
			return 0;
		}
	}
	r = seq_opts_any(ctx, pkt, by, diff);
	if (r < 0)
		return r;
	opts->len = TCP_OPTS_MAX + r;
	return 0;
}

static __always_inline int seq_opts_store(shunt_ctx *ctx, const struct shunt_packet *pkt,
					  struct seq_opts *opts)
{
	__u32 off = pkt->l4_off + sizeof(struct tcphdr), zero = 0;
	struct seq_room *room;

	if (!opts->len)
		return 0;
	if (opts->len <= TCP_OPTS_MAX)
		return shunt_patch(ctx, off + sizeof(__be32), opts->ts, sizeof(opts->ts));
	room = bpf_map_lookup_elem(&seq_room, &zero);
	return room ? shunt_store_some(ctx, off, room->now.opt, opts->len - TCP_OPTS_MAX,
				       TCP_OPTS_MAX) : -1;
}

/**
 * seq_shift_packet() - Other numbers for the TCP segment under way, and the checksum that follows
 * Return: 0; negative: it could not be written, and is not to go on
 */
__noinline int seq_shift_packet(shunt_ctx *ctx, const struct seq_shift *by)
{
	const __u32 off = offsetof(struct tcphdr, seq);
	struct shunt_cpu *cpu = shunt_this_cpu();
	struct rewrite_diff diff = {};
	struct seq_words was, now;
	struct seq_opts opts = {};
	struct tcphdr buf, *tcp;
	bool acks;

	if (!cpu || !by)
		return -1;
	tcp = shunt_header(ctx, cpu->pkt.l4_off, sizeof(*tcp), &buf);
	if (!tcp)
		return -1;
	__builtin_memcpy(&was, (void *)tcp + off, sizeof(was));
	acks = cpu->pkt.tcp_flags & SEQ_TCP_ACK;
	now = was;
	now.seq = seq_plus(was.seq, by->seq);
	if (acks)
		now.ack = seq_plus(was.ack, by->ack);
	if (by->scale && !(cpu->pkt.tcp_flags & SEQ_TCP_SYN))
		now.window = bpf_htons(seq_window(bpf_ntohs(was.window), by->scale));
	diff.data = rewrite_add(seq_diff(was.seq, now.seq), seq_diff(was.ack, now.ack));
	diff.data = rewrite_add(diff.data, (__u16)~was.window + now.window);
	if (acks && seq_opts_load(ctx, &cpu->pkt, by, tcp->doff * 4 - sizeof(*tcp), &opts,
				  &diff.data) < 0)
		return -1;
	/* The checksum first: to tell what it is, the packet may have to be added up */
	if (rewrite_l4_check(ctx, &cpu->pkt, diff) < 0 ||
	    shunt_patch(ctx, cpu->pkt.l4_off + off, &now, sizeof(now)) < 0)
		return -1;
	return seq_opts_store(ctx, &cpu->pkt, &opts);
}

/* ---- what an ICMP error quotes ---- */

static __always_inline int seq_shift_quote(shunt_ctx *ctx, const struct shunt_packet *pkt, __u32 by)
{
	struct rewrite_quote quote = { .off = pkt->l4_off + sizeof(struct shunt_icmp_hdr),
				       .end = pkt->l4_off + pkt->l4_len };
	struct rewrite_diff diff = {};
	struct rewrite ends = {};
	__be32 buf, *seq, now;

	if ((pkt->l3 == 4 ? rewrite_quote_ip4(ctx, &quote, &ends) :
			    rewrite_quote_ip6(ctx, &quote, &ends)) < 0)
		return -1;
	quote.l4_off += offsetof(struct tcphdr, seq);
	seq = shunt_header(ctx, quote.l4_off, sizeof(*seq), &buf);
	if (!seq)
		return -1;
	now = seq_plus(*seq, by);
	diff.data = seq_diff(*seq, now);
	if (shunt_store(ctx, quote.l4_off, &now, sizeof(now)) < 0)
		return -1;
	quote.l4_off -= offsetof(struct tcphdr, seq);
	if (rewrite_quote_check(ctx, pkt->l3, &quote, diff.data, &diff.data) < 0)
		return -1;
	return rewrite_l4_check(ctx, pkt, diff);
}

/* The same of the segment that the ICMP error under way quotes: its own number, all that 8 bytes have */
__noinline int seq_shift_quoted(shunt_ctx *ctx, __u32 by)
{
	struct shunt_cpu *cpu = shunt_this_cpu();

	return cpu ? seq_shift_quote(ctx, &cpu->pkt, by) : -1;
}

#endif
