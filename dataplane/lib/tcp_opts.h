/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* tcp_opts.h - what a TCP segment says in its options (RFC 9293 3.1, RFC 7323, RFC 2018) */
#ifndef SHUNT_LIB_TCP_OPTS_H
#define SHUNT_LIB_TCP_OPTS_H

#include <shunt/lib/parse.h>

#define TCP_OPTS_MAX		40
#define TCP_OPTS_END		0x1000
#define TCP_SCALE_NONE		15		/* no such option */
#define TCP_SCALE_MAX		14		/* RFC 7323 2.3 */

#define TCP_OPT_MSS		2
#define TCP_OPT_SCALE		3
#define TCP_OPT_SACK_OK		4
#define TCP_OPT_SACK		5
#define TCP_OPT_TS		8

/* The way that most segments have their timestamps (RFC 7323 appendix A) */
#define TCP_OPTS_TS_LEN		12
#define TCP_OPTS_TS		0x0101080aU

/* The way that Linux has them in a SYN: segment size; SACK and timestamps; scale */
#define TCP_OPTS_SYN_LEN	20
#define TCP_OPTS_SYN_MSS	0x02040000U	/* word 0 */
#define TCP_OPTS_SYN_TS		0x0402080aU	/* word 1 */
#define TCP_OPTS_SYN_SCALE	0x01030300U	/* word 4 */

struct tcp_segment {
	struct tcphdr hdr;
	union {
		__u8	opt[TCP_OPTS_MAX + 4];	/* zero behind the last one */
		__be32	opt_word[11];
	};
};

/* Places are behind kind and length, from the first option on; 0: there is no such option */
struct tcp_said {
	__u32	tsval, tsecr;
	__u8	scale;		/* of a SYN; TCP_SCALE_NONE */
	__u8	sack_ok;
	__u8	ts_at;
	__u8	sack_at, sack_len;
	__u8	mss_at;
	__u8	pad[2];
};

/* One option, at @at. Return: where the next one is. Global: the verifier forgets what @at was */
__noinline int tcp_opt(const struct tcp_segment *seg, struct tcp_said *said, __u64 at)
{
	__u32 kind, len, end;

	if (!seg || !said)
		return TCP_OPTS_END;
	end = seg->hdr.doff * 4 - sizeof(seg->hdr);
	barrier_var(at);
	if (at >= TCP_OPTS_MAX || at >= end)
		return TCP_OPTS_END;
	kind = seg->opt[at];
	if (kind <= 1)
		return kind ? at + 1 : TCP_OPTS_END;
	len = seg->opt[at + 1];
	if (len < 2 || at + len > end)
		return TCP_OPTS_END;
	if (kind == TCP_OPT_SCALE && len == 3) {
		said->scale = seg->opt[at + 2];
		if (said->scale > TCP_SCALE_MAX)
			said->scale = TCP_SCALE_MAX;
	} else if (kind == TCP_OPT_SACK_OK && len == 2) {
		said->sack_ok = 1;
	} else if (kind == TCP_OPT_MSS && len == 4) {
		said->mss_at = at + 2;
	} else if (kind == TCP_OPT_TS && len == 10) {
		said->ts_at = at + 2;
	} else if (kind == TCP_OPT_SACK) {
		said->sack_at = at + 2;
		said->sack_len = len - 2;
	}
	return at + len;
}

static __always_inline __u32 tcp_word_at(const struct tcp_segment *seg, __u64 at)
{
	__be32 word;

	barrier_var(at);
	if (at > TCP_OPTS_MAX - sizeof(word))
		return 0;
	__builtin_memcpy(&word, &seg->opt[at], sizeof(word));
	return bpf_ntohl(word);
}

/* @len: constant. Return: false: it is not in the linear part */
static __always_inline bool tcp_segment_copy(shunt_ctx *ctx, __u64 off, struct tcp_segment *seg,
					     __u32 len)
{
	void *data = (void *)(long)ctx->data;

	barrier_var(off);
	if (off > SHUNT_HEADERS_END || data + off + len > (void *)(long)ctx->data_end)
		return false;
	__builtin_memcpy(seg, data + off, len);
	return true;
}

/* A header with its options, the two usual lengths without a call. Return: 0 or negative */
static __always_inline int tcp_segment_load(shunt_ctx *ctx, const struct shunt_packet *pkt,
					    struct tcp_segment *seg)
{
	struct tcphdr buf, *tcp = shunt_header(ctx, pkt->l4_off, sizeof(*tcp), &buf);
	__u32 i;

	if (!tcp)
		return -1;
#pragma unroll
	for (i = 0; i < sizeof(*seg) / sizeof(__u64); i++)
		*((volatile __u64 *)seg + i) = 0;
	if (tcp->doff * 4 == sizeof(*tcp) + TCP_OPTS_SYN_LEN &&
	    tcp_segment_copy(ctx, pkt->l4_off, seg, sizeof(*tcp) + TCP_OPTS_SYN_LEN))
		return 0;
	if (tcp->doff * 4 == sizeof(*tcp) + TCP_OPTS_TS_LEN &&
	    tcp_segment_copy(ctx, pkt->l4_off, seg, sizeof(*tcp) + TCP_OPTS_TS_LEN))
		return 0;
	return shunt_load_some(ctx, pkt->l4_off, seg, tcp->doff * 4,
			       sizeof(seg->hdr) + TCP_OPTS_MAX);
}

static __always_inline bool tcp_is_usual_syn(const struct tcp_segment *seg)
{
	return seg->hdr.doff * 4 == sizeof(seg->hdr) + TCP_OPTS_SYN_LEN &&
	       (seg->opt_word[0] & bpf_htonl(0xffff0000)) == bpf_htonl(TCP_OPTS_SYN_MSS) &&
	       seg->opt_word[1] == bpf_htonl(TCP_OPTS_SYN_TS) &&
	       (seg->opt_word[4] & bpf_htonl(0xffffff00)) == bpf_htonl(TCP_OPTS_SYN_SCALE);
}

static __always_inline void tcp_said_read(const struct tcp_segment *seg, struct tcp_said *said)
{
	int at = 0, i;

	*said = (struct tcp_said){ .scale = TCP_SCALE_NONE };
	if (seg->hdr.doff * 4 == sizeof(seg->hdr) + TCP_OPTS_TS_LEN &&
	    seg->opt_word[0] == bpf_htonl(TCP_OPTS_TS)) {
		said->ts_at = 4;
	} else if (tcp_is_usual_syn(seg)) {
		said->mss_at = 2;
		said->sack_ok = 1;
		said->ts_at = 8;
		said->scale = seg->opt[TCP_OPTS_SYN_LEN - 1];
		if (said->scale > TCP_SCALE_MAX)
			said->scale = TCP_SCALE_MAX;
	} else {
#pragma clang loop unroll(disable)
		for (i = 0; i < TCP_OPTS_MAX && at < TCP_OPTS_END; i++)
			at = tcp_opt(seg, said, at);
	}
	if (said->ts_at) {
		said->tsval = tcp_word_at(seg, said->ts_at);
		said->tsecr = tcp_word_at(seg, said->ts_at + 4);
	}
}

#endif
