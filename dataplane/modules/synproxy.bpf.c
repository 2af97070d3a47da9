// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * synproxy.bpf.c - only who answers a cookie gets to a server
 * reads: L4, what module 'conntrack' found   tables: ct_*
 * cost: of a new connection a cookie made or checked; of its packets two lines of the flow's entry
 *
 * DOC: A SYN without a flow is answered at once, and leaves no trace (RFC 4987 3.6). The
 * acknowledgement that comes back with a right cookie becomes the SYN for the server, and leaves by
 * 'next', where 'commit' or 'nat' begins the flow: PROXIED, WAITING. The client may not send
 * yet: it was given no window. When the server answers, the difference of its numbers to those
 * that the client was given is known, the server's SYN+ACK becomes the client's window, and the flow is
 * OPEN. From then on numbers are shifted in packets of the flow, either way.
 *
 * The server wants an acknowledgement of its SYN+ACK, too. At TC a packet can be two; at XDP the
 * client's next segment is it, or the SYN+ACK that the server repeats when none comes.
 */
#include <shunt/module.h>
#include <shunt/lib/conntrack_table.h>
#include <shunt/lib/seq_shift.h>
#include <shunt/lib/syncookie.h>
#include <shunt/lib/synproxy.h>

SHUNT_MODULE("synproxy", SHUNT_HOOK_ANY, SHUNT_DEPTH_L4,
	     "answers SYNs by cookies; opens connections for who sends them back");
SHUNT_EDGE(next);
SHUNT_EDGE(reply, SHUNT_FAIL_CLOSED, SHUNT_TARGET_TX);
SHUNT_EDGE(refused, SHUNT_FAIL_CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_BAD_COOKIE);
SHUNT_CONFIG(__u16, mss, 1460, "segment size that IPv4 clients are told: that of the servers");
SHUNT_CONFIG(__u16, mss6, 1440, "the same for IPv6");
SHUNT_CONFIG(__u8, wscale, 7, "window scale that clients are told, 0 to 14");
SHUNT_CONFIG(bool, timestamps, true, "servers have timestamps; without them no scale and no SACK");
SHUNT_CONFIG(bool, sack, true, "servers have selective acknowledgements");

#define TCP_FIN		0x01
#define TCP_SYN		0x02
#define TCP_RST		0x04
#define TCP_ACK		0x10
#define TCP_ECE		0x40
#define TCP_CWR		0x80
#define OPENING		(TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK)
#define TOS_NO_ECN	0xfc
#define FIRST_WINDOW	4096	/* bytes that a server may send before the client has said more */
#define UNSCALED_MAX	0xffff

/* The word of a flow's entry that changes as a whole */
union proxy {
	struct {
		__u32	delta;
		__u8	policy;
		__u8	proxy;
		__s8	scale;
		__u8	up;
	};
	__u64	word;
};

struct proxy_at {
	__u64	*word;
	__u32	*ts_delta;
};

static __always_inline bool proxy_find(const struct shunt_packet *pkt, struct proxy_at *at)
{
	struct conntrack_flow4 *flow4;
	struct conntrack_flow6 *flow6;

	if (pkt->l3 == 4) {
		flow4 = conntrack_entry4(pkt->flow - 1);
		if (!flow4)
			return false;
		at->word = (void *)flow4 + offsetof(struct conntrack_flow, delta);
		at->ts_delta = &flow4->ts_delta;
	} else {
		flow6 = conntrack_entry6(pkt->flow - 1);
		if (!flow6)
			return false;
		at->word = (void *)flow6 + offsetof(struct conntrack_flow, delta);
		at->ts_delta = &flow6->ts_delta;
	}
	return true;
}

static __always_inline bool proxy_swap(struct proxy_at *at, union proxy was, union proxy next)
{
	return __sync_val_compare_and_swap(at->word, was.word, next.word) == was.word;
}

/* ---- a SYN: the cookie ---- */

/* Bits of our timestamp */
static __always_inline __u32 said_bits(const struct shunt_packet *pkt,
				       const struct synproxy_room *room)
{
	__u32 size = room->said.mss_at ? tcp_word_at(&room->seg, room->said.mss_at) >> 16 : 0;
	__u32 bits = room->said.scale | syncookie_mss_index(pkt->l3, size) << SYNCOOKIE_MSS_SHIFT;

	if (sack && room->said.sack_ok)
		bits |= SYNCOOKIE_SACK;
	if ((pkt->tcp_flags & (TCP_ECE | TCP_CWR)) == (TCP_ECE | TCP_CWR))
		bits |= SYNCOOKIE_ECN;
	return bits;
}

static __always_inline void cookie_say(struct shunt_packet *pkt, struct synproxy_room *room,
				       __u32 cookie)
{
	struct conntrack_conf *conf = conntrack_conf();
	bool ts = timestamps && room->said.ts_at;
	__u32 bits;

	room->out = (struct synproxy_out){
		.seq = cookie, .ack = bpf_ntohl(room->seg.hdr.seq) + 1,
		.mss = pkt->l3 == 4 ? mss : mss6, .bits = TCP_SYN | TCP_ACK,
		.scale = room->said.scale == TCP_SCALE_NONE ? TCP_SCALE_NONE :
			 wscale > TCP_SCALE_MAX ? TCP_SCALE_MAX : wscale,
		.sack = sack && room->said.sack_ok, .ts = ts, .ttl = ANSWER_TTL, .back = 1,
	};
	if (!ts)
		return;
	bits = said_bits(pkt, room);
	room->out.tsval = syncookie_stamp(bpf_jiffies64(), conf ? conf->second : 0, bits);
	room->out.tsecr = room->said.tsval;
	if (bits & SYNCOOKIE_ECN)
		room->out.bits |= TCP_ECE;
}

__noinline int proxy_syn(shunt_ctx *ctx)
{
	struct synproxy_room *room = synproxy_room_here();
	struct shunt_cpu *cpu = shunt_this_cpu();
	__s64 cookie;

	if (!room || !cpu || synproxy_load(ctx) < 0)
		return SHUNT_GO(refused);
	if (timestamps && room->said.ts_at)
		cookie = syncookie_make_stamped(&cpu->pkt, &room->seg);
	else
		cookie = syncookie_make(&cpu->pkt, &room->seg, room->seg.hdr.doff * 4);
	if (cookie < 0)
		return SHUNT_GO(refused);
	cookie_say(&cpu->pkt, room, cookie);
	return synproxy_write(ctx) < 0 ? SHUNT_GO(refused) : SHUNT_GO(reply);
}

/* ---- what comes back: the SYN for the server ---- */

/*
 * The number of the client's SYN: one ahead of its acknowledgement, or, of a probe into the window
 * that it has not been given, the probe's own. In room->seg from then on. Return: whether the cookie holds
 */
static __always_inline bool cookie_check(const struct shunt_packet *pkt, struct synproxy_room *room)
{
	struct tcphdr tcp = room->seg.hdr;
	bool holds = syncookie_holds(pkt, &tcp);

	if (!holds) {
		tcp.seq = seq_plus(tcp.seq, 1);
		holds = syncookie_holds(pkt, &tcp);
	}
	room->seg.hdr.seq = seq_plus(tcp.seq, -1);
	return holds;
}

/* Our timestamp, if it is one: else the cookie is all that there is */
static __always_inline __u32 said_back(const struct tcp_said *said)
{
	return timestamps && said->ts_at ? said->tsecr : 0;
}

static __always_inline void open_say(const struct shunt_packet *pkt, struct synproxy_room *room)
{
	__u32 stamp = said_back(&room->said), scale = stamp & SYNCOOKIE_SCALE, index, window;

	if (stamp) {
		index = stamp >> SYNCOOKIE_MSS_SHIFT & 3;
	} else {
		room->seg.hdr.doff = sizeof(room->seg.hdr) / 4;
		index = syncookie_said_mss(pkt, &room->seg,
					   bpf_ntohl(room->seg.hdr.ack_seq) - 1);
		scale = TCP_SCALE_NONE;
	}
	window = bpf_ntohs(room->seg.hdr.window);
	if (scale != TCP_SCALE_NONE)
		window <<= scale;
	room->out = (struct synproxy_out){
		.seq = bpf_ntohl(room->seg.hdr.seq), .mss = syncookie_mss(pkt->l3, index),
		.window = window > UNSCALED_MAX ? UNSCALED_MAX : window, .bits = TCP_SYN,
		.scale = scale, .sack = !!(stamp & SYNCOOKIE_SACK), .ts = !!stamp,
		.tsval = room->said.tsval, .ttl = pkt->ttl, .tos = pkt->tos & TOS_NO_ECN,
	};
	if (stamp & SYNCOOKIE_ECN)
		room->out.bits |= TCP_ECE | TCP_CWR;
}

/* Into the context, for who begins the flow */
static __always_inline void open_flow(struct shunt_packet *pkt, const struct synproxy_room *room)
{
	bool scaled = room->out.scale != TCP_SCALE_NONE;

	pkt->ct_state = SHUNT_CT_NEW;
	pkt->ct_flags |= SHUNT_CT_PROXIED;
	pkt->ct_delta = bpf_ntohl(room->seg.hdr.ack_seq) - 1;
	pkt->ct_ts_delta = said_back(&room->said);
	pkt->ct_scale = !scaled ? 0 : wscale > TCP_SCALE_MAX ? TCP_SCALE_MAX : wscale;
	pkt->ct_up = scaled ? room->out.scale : 0;
}

/*
 * A flow that waits already: the SYN may have been lost. Its client may have begun anew, too.
 * Return: false: the server has answered meanwhile
 */
static __always_inline bool open_again(const struct shunt_packet *pkt)
{
	union proxy was, next;
	struct proxy_at at;

	if (!proxy_find(pkt, &at))
		return false;
	was.word = conntrack_read(at.word);
	if (was.proxy != CONNTRACK_PROXY_WAITING)
		return false;
	next.word = was.word;
	next.delta = pkt->ct_delta;
	next.scale = pkt->ct_scale;
	next.up = pkt->ct_up;
	if (next.word != was.word && !proxy_swap(&at, was, next))
		return false;
	if (*at.ts_delta != pkt->ct_ts_delta)
		*at.ts_delta = pkt->ct_ts_delta;
	return true;
}

__noinline int proxy_open(shunt_ctx *ctx)
{
	struct synproxy_room *room = synproxy_room_here();
	struct shunt_cpu *cpu = shunt_this_cpu();

	if (!room || !cpu || synproxy_load(ctx) < 0)
		return SHUNT_GO(refused);
	if (!cookie_check(&cpu->pkt, room)) {
		conntrack_stat(CONNTRACK_STAT_BAD_COOKIE);
		return SHUNT_GO(refused);
	}
	open_say(&cpu->pkt, room);
	open_flow(&cpu->pkt, room);
	if (cpu->pkt.flow && !open_again(&cpu->pkt))
		return SHUNT_GO(refused);
	return synproxy_write(ctx) < 0 ? SHUNT_GO(refused) : SHUNT_GO(next);
}

/* ---- the server's SYN+ACK ---- */

/* Differences, from the first answer. Return: 0; negative: somebody is at it */
static __always_inline int answer_learn(const struct synproxy_room *room, struct proxy_at *at,
					union proxy *state)
{
	__s32 told = state->scale, is = room->said.scale;
	union proxy next = *state;

	if (state->proxy != CONNTRACK_PROXY_WAITING)
		return state->proxy == CONNTRACK_PROXY_OPEN ? 0 : -1;
	next.proxy = CONNTRACK_PROXY_LEARNING;
	if (!proxy_swap(at, *state, next))
		return -1;
	if (*at->ts_delta)
		*at->ts_delta = room->said.ts_at ? *at->ts_delta - room->said.tsval : 0;
	next.delta -= bpf_ntohl(room->seg.hdr.seq);
	next.scale = (is == TCP_SCALE_NONE ? 0 : is) - told;
	if (is == TCP_SCALE_NONE)
		next.up |= CONNTRACK_PROXY_UNSCALE;
	next.proxy = CONNTRACK_PROXY_OPEN;
	__sync_lock_test_and_set(at->word, next.word);	/* behind ts_delta */
	*state = next;
	return 0;
}

/* The server's acknowledgement */
static __always_inline void answer_server(struct synproxy_room *room, const union proxy *state)
{
	__u32 window = FIRST_WINDOW;

	if (!(state->up & CONNTRACK_PROXY_UNSCALE))
		window >>= state->up & 15;
	room->out = (struct synproxy_out){
		.seq = bpf_ntohl(room->seg.hdr.ack_seq), .ack = bpf_ntohl(room->seg.hdr.seq) + 1,
		.tsval = room->said.tsecr, .tsecr = room->said.tsval, .ts = !!room->said.ts_at,
		.window = window ?: 1, .bits = TCP_ACK, .ttl = ANSWER_TTL, .back = 1,
	};
}

/* The client's window. A SYN+ACK's is not scaled, the client takes it as if it were */
static __always_inline void answer_client(const struct shunt_packet *pkt,
					  struct synproxy_room *room, const union proxy *state,
					  __u32 ts_delta)
{
	__s32 told = (room->said.scale == TCP_SCALE_NONE ? 0 : room->said.scale) - state->scale;

	room->out = (struct synproxy_out){
		.seq = bpf_ntohl(room->seg.hdr.seq) + 1 + state->delta,
		.ack = bpf_ntohl(room->seg.hdr.ack_seq),
		.tsval = room->said.tsval + ts_delta, .tsecr = room->said.tsecr,
		.ts = !!room->said.ts_at, .window = bpf_ntohs(room->seg.hdr.window) >> (told & 15),
		.bits = TCP_ACK, .ttl = pkt->ttl, .tos = pkt->tos & TOS_NO_ECN,
	};
}

__noinline int proxy_answer(shunt_ctx *ctx)
{
	struct synproxy_room *room = synproxy_room_here();
	struct shunt_cpu *cpu = shunt_this_cpu();
	bool inwards = shunt_node_conf.hook == SHUNT_HOOK_TC_EGRESS;
	union proxy state;
	struct proxy_at at;
	bool again;

	if (!room || !cpu || synproxy_load(ctx) < 0 || !proxy_find(&cpu->pkt, &at))
		return SHUNT_GO(refused);
	state.word = conntrack_read(at.word);
	again = state.proxy == CONNTRACK_PROXY_OPEN;
	if (answer_learn(room, &at, &state) < 0)
		return SHUNT_GO(refused);
	if (SHUNT_CLONES || again) {
		answer_server(room, &state);
		if (synproxy_write(ctx) < 0)
			return SHUNT_GO(refused);
		if (!SHUNT_CLONES)
			return SHUNT_GO(reply);
		shunt_clone_tx(ctx, inwards);
	}
	answer_client(&cpu->pkt, room, &state, *at.ts_delta);
	return synproxy_write(ctx) < 0 ? SHUNT_GO(refused) : SHUNT_GO(next);
}

/* ---- a flow's other packets ---- */

/* The server refuses: its reset has no number of its own yet, the client's check wants one */
static __always_inline int proxy_reset(shunt_ctx *ctx, const struct shunt_packet *pkt,
				       const union proxy *state)
{
	struct tcphdr buf, *tcp = shunt_header(ctx, pkt->l4_off, sizeof(*tcp), &buf);
	struct seq_shift by = {};

	if (!tcp)
		return SHUNT_GO(refused);
	by.seq = state->delta + 1 - bpf_ntohl(tcp->seq);
	return seq_shift_packet(ctx, &by) < 0 ? SHUNT_DROP(SHUNT_REASON_INTERNAL) : SHUNT_GO(next);
}

static __always_inline int proxy_waiting(shunt_ctx *ctx, const struct shunt_packet *pkt,
					 const union proxy *state)
{
	if (pkt->ct_flags & SHUNT_CT_REPLY)
		return pkt->tcp_flags & TCP_RST ? proxy_reset(ctx, pkt, state) : SHUNT_GO(refused);
	if (pkt->tcp_flags & TCP_RST)
		return SHUNT_GO(refused);
	if (!(pkt->tcp_flags & TCP_SYN))
		return proxy_open(ctx);
	return (pkt->tcp_flags & OPENING) == TCP_SYN ? proxy_syn(ctx) : SHUNT_GO(refused);
}

static __always_inline int proxy_shift(shunt_ctx *ctx, const struct shunt_packet *pkt,
				       const union proxy *state, __u32 ts_delta)
{
	struct seq_shift by = {};

	if (pkt->ct_flags & SHUNT_CT_REPLY) {
		by.seq = state->delta;
		by.tsval = ts_delta;
		by.scale = state->scale;
	} else {
		by.ack = -state->delta;
		by.tsecr = -ts_delta;
		by.scale = state->up & CONNTRACK_PROXY_UNSCALE ? state->up & 15 : 0;
	}
	return seq_shift_packet(ctx, &by) < 0 ? SHUNT_DROP(SHUNT_REASON_INTERNAL) : SHUNT_GO(next);
}

/* Only what the server has sent is quoted with other numbers than it knows */
static __always_inline int proxy_quoted(shunt_ctx *ctx, const struct shunt_packet *pkt,
					const union proxy *state)
{
	if (pkt->ct_flags & SHUNT_CT_REPLY || state->proxy != CONNTRACK_PROXY_OPEN)
		return SHUNT_GO(next);
	return seq_shift_quoted(ctx, -state->delta) < 0 ? SHUNT_DROP(SHUNT_REASON_INTERNAL) :
							  SHUNT_GO(next);
}

static __always_inline int proxied(shunt_ctx *ctx, struct shunt_packet *pkt)
{
	union proxy state;
	struct proxy_at at;

	if (!proxy_find(pkt, &at))
		return SHUNT_GO(next);
	state.word = conntrack_read(at.word);
	if (pkt->ct_flags & SHUNT_CT_QUOTED)
		return proxy_quoted(ctx, pkt, &state);
	if (!(pkt->flags & SHUNT_PKT_L4))	/* a later fragment has no numbers */
		return SHUNT_GO(next);
	if (pkt->ct_flags & SHUNT_CT_REPLY && !pkt->frag &&
	    (pkt->tcp_flags & OPENING) == (TCP_SYN | TCP_ACK))
		return proxy_answer(ctx);
	if (state.proxy == CONNTRACK_PROXY_OPEN)
		return proxy_shift(ctx, pkt, &state, *at.ts_delta);
	return pkt->frag ? SHUNT_GO(refused) : proxy_waiting(ctx, pkt, &state);
}

SHUNT_NODE(ctx, pkt)
{
	if (pkt->flow && pkt->l3)
		return pkt->ct_flags & SHUNT_CT_PROXIED ? proxied(ctx, pkt) : SHUNT_GO(next);
	if (!pkt->l3 || pkt->proto != IPPROTO_TCP || pkt->ct_state == SHUNT_CT_UNTRACKED)
		return SHUNT_GO(next);
	if (!(pkt->flags & SHUNT_PKT_L4) || pkt->frag)
		return SHUNT_GO(refused);
	if ((pkt->tcp_flags & OPENING) == TCP_SYN)
		return proxy_syn(ctx);
	if ((pkt->tcp_flags & (TCP_SYN | TCP_RST | TCP_ACK)) == TCP_ACK)
		return proxy_open(ctx);
	return SHUNT_GO(refused);
}
