/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * conntrack_state.h - what a packet does to the state of its flow: functions without a table
 *
 * DOC: The TCP table is RFC 9293 3.3.2 as seen from between the ends. A segment that a live
 * connection only answers by an acknowledgement (RFC 5961 4: a SYN; a SYN+ACK; an
 * ACK in reply to a SYN) says nothing of the state: such steps are STAY, the endpoint judges.
 * Against the direction of the first packet a SYN is no such segment, unless the
 * beginning was not seen: it would open a connection inwards under cover of an old one.
 */
#ifndef SHUNT_LIB_CONNTRACK_STATE_H
#define SHUNT_LIB_CONNTRACK_STATE_H

#include "conntrack.h"

#define CONNTRACK_INLINE	static inline __attribute__((always_inline))

/* ---- life ---- */
#define CONNTRACK_GEN_ONE	(1ULL << CONNTRACK_GEN_SHIFT)
#define CONNTRACK_GEN_BITS	(0xffULL << CONNTRACK_GEN_SHIFT)

CONNTRACK_INLINE __u32 conntrack_life_state(__u64 life)
{
	return life >> CONNTRACK_STATE_SHIFT & 0xff;
}

CONNTRACK_INLINE __u32 conntrack_life_flags(__u64 life)
{
	return life >> CONNTRACK_FLAGS_SHIFT & 0xffff;
}

CONNTRACK_INLINE _Bool conntrack_life_over(__u64 life, __u32 now)
{
	return (__s32)((__u32)life - now) < 0;
}

/* @same: a life with the generation to keep */
CONNTRACK_INLINE __u64 conntrack_life(__u64 same, __u32 expires, __u32 state, __u32 flags)
{
	return (same & CONNTRACK_GEN_BITS) | (__u64)flags << CONNTRACK_FLAGS_SHIFT |
	       (__u64)state << CONNTRACK_STATE_SHIFT | expires;
}

CONNTRACK_INLINE _Bool conntrack_life_claimed(__u64 life)
{
	return conntrack_life_flags(life) & CONNTRACK_CLAIMED;
}

/* ---- steps ---- */
enum conntrack_verdict {
	CONNTRACK_GO,		/* state and flags are these, life is renewed */
	CONNTRACK_STAY,		/* nothing changes, the packet is the flow's */
	CONNTRACK_BAD,		/* the packet cannot be the flow's; nothing changes */
	CONNTRACK_ANEW,		/* the flow is over, the packet begins another one */
};

/* A verdict with what follows from it, in one register: flags 0-15, state 16-23, verdict 24-31 */
CONNTRACK_INLINE __u32 conntrack_step(enum conntrack_verdict verdict, __u32 state, __u32 flags)
{
	return verdict << 24 | state << 16 | flags;
}

CONNTRACK_INLINE __u32 conntrack_step_verdict(__u32 step)
{
	return step >> 24;
}

CONNTRACK_INLINE __u32 conntrack_step_state(__u32 step)
{
	return step >> 16 & 0xff;
}

CONNTRACK_INLINE __u32 conntrack_step_flags(__u32 step)
{
	return step & 0xffff;
}

/* ---- TCP ---- */
#define CONNTRACK_TCP_BIT_FIN	0x01
#define CONNTRACK_TCP_BIT_SYN	0x02
#define CONNTRACK_TCP_BIT_RST	0x04
#define CONNTRACK_TCP_BIT_ACK	0x10
#define CONNTRACK_TCP_BIT_URG	0x20

enum conntrack_segment {
	CONNTRACK_SEG_BAD, CONNTRACK_SEG_SYN, CONNTRACK_SEG_SYNACK, CONNTRACK_SEG_FIN,
	CONNTRACK_SEG_ACK, CONNTRACK_SEG_RST,
};

/* RFC 9293 3.10.7: all but SYN and RST acknowledge; these two come without URG or FIN */
CONNTRACK_INLINE enum conntrack_segment conntrack_segment(__u8 bits)
{
	if (bits & CONNTRACK_TCP_BIT_RST)
		return bits & (CONNTRACK_TCP_BIT_FIN | CONNTRACK_TCP_BIT_SYN |
			       CONNTRACK_TCP_BIT_URG) ? CONNTRACK_SEG_BAD : CONNTRACK_SEG_RST;
	if (bits & CONNTRACK_TCP_BIT_SYN) {
		if (bits & CONNTRACK_TCP_BIT_FIN)
			return CONNTRACK_SEG_BAD;
		if (!(bits & CONNTRACK_TCP_BIT_ACK))
			return CONNTRACK_SEG_SYN;
		return bits & CONNTRACK_TCP_BIT_URG ? CONNTRACK_SEG_BAD : CONNTRACK_SEG_SYNACK;
	}
	if (!(bits & CONNTRACK_TCP_BIT_ACK))
		return CONNTRACK_SEG_BAD;
	return bits & CONNTRACK_TCP_BIT_FIN ? CONNTRACK_SEG_FIN : CONNTRACK_SEG_ACK;
}

/* State of the flow that a segment may begin; NONE: it may not */
CONNTRACK_INLINE __u32 conntrack_tcp_begin(__u8 bits, _Bool pickup)
{
	enum conntrack_segment segment = conntrack_segment(bits);

	if (segment == CONNTRACK_SEG_SYN)
		return CONNTRACK_TCP_SYN_SENT;
	if (pickup && (segment == CONNTRACK_SEG_ACK || segment == CONNTRACK_SEG_FIN))
		return CONNTRACK_TCP_UNACKED;
	return CONNTRACK_NONE;
}

/* The beginning was seen, and @reply goes against it; else which end began is a guess */
CONNTRACK_INLINE _Bool conntrack_tcp_inwards(__u32 flags, _Bool reply)
{
	return reply && !(flags & CONNTRACK_PICKED_UP);
}

CONNTRACK_INLINE __u32 conntrack_tcp_syn(__u32 state, __u32 flags, _Bool reply)
{
	switch (state) {
	case CONNTRACK_TCP_SYN_SENT:
		if (reply)
			state = CONNTRACK_TCP_SYN_SENT2;
		return conntrack_step(CONNTRACK_GO, state, flags);
	case CONNTRACK_TCP_SYN_SENT2:
		return conntrack_step(CONNTRACK_GO, state, flags);
	case CONNTRACK_TCP_UNACKED:
	case CONNTRACK_TCP_TIME_WAIT:
	case CONNTRACK_TCP_CLOSE:
		return conntrack_step(CONNTRACK_ANEW, state, flags);
	default:
		return conntrack_step(conntrack_tcp_inwards(flags, reply) ? CONNTRACK_BAD :
				      CONNTRACK_STAY, state, flags);
	}
}

CONNTRACK_INLINE __u32 conntrack_tcp_synack(__u32 state, __u32 flags, _Bool reply)
{
	switch (state) {
	case CONNTRACK_TCP_SYN_SENT:
		if (!reply)
			return conntrack_step(CONNTRACK_BAD, state, flags);
		if (flags & CONNTRACK_PROXIED)	/* the originator has said its last word */
			return conntrack_step(CONNTRACK_GO, CONNTRACK_TCP_ESTABLISHED,
					      flags | CONNTRACK_ASSURED);
		return conntrack_step(CONNTRACK_GO, CONNTRACK_TCP_SYN_RECV, flags);
	case CONNTRACK_TCP_SYN_SENT2:
	case CONNTRACK_TCP_SYN_RECV:	/* again, or of the other end that opens, too */
		return conntrack_step(CONNTRACK_GO, CONNTRACK_TCP_SYN_RECV, flags);
	default:
		return conntrack_step(reply || flags & CONNTRACK_PICKED_UP ? CONNTRACK_STAY :
				      CONNTRACK_BAD, state, flags);
	}
}

/* What comes before the server's answer: a proxied originator is past its opening */
CONNTRACK_INLINE __u32 conntrack_tcp_early(__u32 state, __u32 flags, _Bool reply)
{
	return conntrack_step(!reply && flags & CONNTRACK_PROXIED ? CONNTRACK_STAY : CONNTRACK_BAD,
			      state, flags);
}

CONNTRACK_INLINE __u32 conntrack_tcp_fin(__u32 state, __u32 flags, _Bool reply)
{
	const __u32 both = CONNTRACK_FIN_ORIG | CONNTRACK_FIN_REPLY;

	switch (state) {
	case CONNTRACK_TCP_SYN_SENT:
	case CONNTRACK_TCP_SYN_SENT2:
		return conntrack_tcp_early(state, flags, reply);
	case CONNTRACK_TCP_TIME_WAIT:
	case CONNTRACK_TCP_CLOSE:
		return conntrack_step(CONNTRACK_GO, state, flags);
	}
	flags |= reply ? CONNTRACK_FIN_REPLY : CONNTRACK_FIN_ORIG;
	if ((flags & both) == both)
		state = CONNTRACK_TCP_LAST_ACK;
	else if (state != CONNTRACK_TCP_CLOSE_WAIT)	/* there it is one sent again */
		state = CONNTRACK_TCP_FIN_WAIT;
	return conntrack_step(CONNTRACK_GO, state, flags);
}

CONNTRACK_INLINE __u32 conntrack_tcp_ack(__u32 state, __u32 flags, _Bool reply)
{
	switch (state) {
	case CONNTRACK_TCP_SYN_SENT:
	case CONNTRACK_TCP_SYN_SENT2:
		return reply ? conntrack_step(CONNTRACK_STAY, state, flags) :
			       conntrack_tcp_early(state, flags, reply);
	case CONNTRACK_TCP_SYN_RECV:
		if (!reply) {
			state = CONNTRACK_TCP_ESTABLISHED;
			flags |= CONNTRACK_ASSURED;
		}
		break;
	case CONNTRACK_TCP_UNACKED:
		if (reply) {
			state = flags & CONNTRACK_FIN_ORIG ? CONNTRACK_TCP_CLOSE_WAIT :
				CONNTRACK_TCP_ESTABLISHED;
			flags |= CONNTRACK_ASSURED;
		}
		break;
	case CONNTRACK_TCP_FIN_WAIT:
		if (flags & (reply ? CONNTRACK_FIN_ORIG : CONNTRACK_FIN_REPLY))
			state = CONNTRACK_TCP_CLOSE_WAIT;
		break;
	case CONNTRACK_TCP_LAST_ACK:
		state = CONNTRACK_TCP_TIME_WAIT;
		break;
	}
	return conntrack_step(CONNTRACK_GO, state, flags);
}

CONNTRACK_INLINE __u32 conntrack_tcp(__u32 state, __u32 flags, _Bool reply, __u8 bits)
{
	switch (conntrack_segment(bits)) {
	case CONNTRACK_SEG_SYN:
		return conntrack_tcp_syn(state, flags, reply);
	case CONNTRACK_SEG_SYNACK:
		return conntrack_tcp_synack(state, flags, reply);
	case CONNTRACK_SEG_FIN:
		return conntrack_tcp_fin(state, flags, reply);
	case CONNTRACK_SEG_ACK:
		return conntrack_tcp_ack(state, flags, reply);
	case CONNTRACK_SEG_RST:
		return conntrack_step(CONNTRACK_GO, CONNTRACK_TCP_CLOSE, flags);
	default:
		return conntrack_step(CONNTRACK_BAD, state, flags);
	}
}

/* ---- SCTP: RFC 9260 4, by the first chunk. Verification tags are the ends' business ---- */
#define CONNTRACK_CHUNK_INIT	1
#define CONNTRACK_CHUNK_ABORT	6
#define CONNTRACK_CHUNK_COOKIE_ACK 11
#define CONNTRACK_CHUNK_DONE	14	/* shutdown complete */

CONNTRACK_INLINE __u32 conntrack_sctp(__u32 state, __u32 flags, _Bool reply, __u8 chunk)
{
	if (chunk == CONNTRACK_CHUNK_INIT && state == CONNTRACK_SCTP_CLOSING)
		return conntrack_step(CONNTRACK_ANEW, state, flags);
	if (chunk == CONNTRACK_CHUNK_ABORT || chunk == CONNTRACK_CHUNK_DONE)
		return conntrack_step(CONNTRACK_GO, CONNTRACK_SCTP_CLOSING, flags);
	if (chunk == CONNTRACK_CHUNK_COOKIE_ACK && state == CONNTRACK_SCTP_OPENING &&
	    (reply || flags & CONNTRACK_REPLIED))
		return conntrack_step(CONNTRACK_GO, CONNTRACK_SCTP_ESTABLISHED,
				      flags | CONNTRACK_ASSURED);
	return conntrack_step(CONNTRACK_GO, state, flags);
}

/* ---- the rest ---- */
CONNTRACK_INLINE __u32 conntrack_udp(__u32 flags, _Bool reply)
{
	if (!reply && flags & CONNTRACK_REPLIED)
		flags |= CONNTRACK_ASSURED;
	return conntrack_step(CONNTRACK_GO, reply || flags & CONNTRACK_REPLIED ?
			      CONNTRACK_UDP_REPLIED : CONNTRACK_UDP_UNREPLIED, flags);
}

/* Which protocol it is shows in the state of the flow */
CONNTRACK_INLINE __u32 conntrack_advance(__u64 life, _Bool reply, __u8 tcp_bits, __u8 chunk)
{
	__u32 state = conntrack_life_state(life), flags = conntrack_life_flags(life), step;

	if (state <= CONNTRACK_TCP_CLOSE)
		step = conntrack_tcp(state, flags, reply, tcp_bits);
	else if (state <= CONNTRACK_UDP_REPLIED)
		step = conntrack_udp(flags, reply);
	else if (state <= CONNTRACK_SCTP_CLOSING)
		step = conntrack_sctp(state, flags, reply, chunk);
	else if (state == CONNTRACK_OTHER_UNREPLIED && reply)
		step = conntrack_step(CONNTRACK_GO, CONNTRACK_OTHER_REPLIED, flags);
	else
		step = conntrack_step(CONNTRACK_GO, state, flags);
	if (reply && conntrack_step_verdict(step) == CONNTRACK_GO)
		step |= CONNTRACK_REPLIED;
	return step;
}

/* What most packets are: of a flow that goes on, where a step changes nothing but the expiry */
CONNTRACK_INLINE _Bool conntrack_goes_on(__u64 life, __u8 tcp_bits)
{
	__u32 state = conntrack_life_state(life), flags = conntrack_life_flags(life);

	if (state == CONNTRACK_TCP_ESTABLISHED)
		return flags & CONNTRACK_REPLIED && conntrack_segment(tcp_bits) == CONNTRACK_SEG_ACK;
	return state == CONNTRACK_UDP_REPLIED && flags & CONNTRACK_REPLIED &&
	       flags & CONNTRACK_ASSURED;
}

/*
 * The first answer is one, too, if it says nothing of the state: what the originator makes of a
 * challenge, its reset (RFC 9293 3.5.1), is of an established flow then
 */
CONNTRACK_INLINE __u32 conntrack_answered(__u32 step, __u64 life, _Bool reply)
{
	__u32 flags = conntrack_life_flags(life);

	if (!reply || flags & CONNTRACK_REPLIED || conntrack_step_verdict(step) != CONNTRACK_STAY)
		return step;
	return conntrack_step(CONNTRACK_GO, conntrack_life_state(life), flags | CONNTRACK_REPLIED);
}

#endif
