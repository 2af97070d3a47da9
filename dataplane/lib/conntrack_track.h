/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * conntrack_track.h - a packet and its flow: what the one does to the other
 *
 * DOC: A packet of a flow that goes on writes nothing of it, but for its expiry once in a
 * while: when it would move by a 64th of the timeout. Of many flows in turn nearly every packet would
 * write else, and wait for a line that has just come from memory.
 */
#ifndef SHUNT_LIB_CONNTRACK_TRACK_H
#define SHUNT_LIB_CONNTRACK_TRACK_H

#include <shunt/lib/conntrack_frag.h>
#include <shunt/lib/conntrack_quote.h>
#include <shunt/lib/conntrack_window.h>

static __always_inline void conntrack_count(const bool six, __u32 slot, bool reply, __u32 bytes)
{
	struct conntrack_counts *counts = conntrack_counts(six, slot);

	if (!counts)
		return;
	__sync_fetch_and_add(reply ? &counts->packets[1] : &counts->packets[0], 1);
	__sync_fetch_and_add(reply ? &counts->bytes[1] : &counts->bytes[0], bytes);
}

/* ---- a packet of a flow ---- */

/* The flow as its packet finds and leaves it */
struct conntrack_visit {
	struct conntrack_hit hit;
	__u32	now;
	__u8	reply;
	__u8	chunk;
	__u8	pad[2];
};

/* A function of its own: its many ways, times the tries of who loses a race, were too many for 6.1 */
__noinline int conntrack_step_of(__u64 life, __u32 reply, __u32 tcp_bits, __u32 chunk)
{
	return conntrack_answered(conntrack_advance(life, !!reply, tcp_bits, chunk), life, !!reply);
}

static __always_inline bool conntrack_window_bad(const bool six, shunt_ctx *ctx,
						 const struct shunt_packet *pkt,
						 const struct conntrack_conf *conf,
						 const struct conntrack_visit *visit)
{
	__u32 state = conntrack_life_state(visit->hit.life);

	if (!(conf->flags & CONNTRACK_WINDOW) || pkt->proto != IPPROTO_TCP ||
	    conntrack_life_flags(visit->hit.life) & CONNTRACK_PICKED_UP)
		return false;
	if (six ? conntrack_window6(ctx, visit->hit.slot, state, visit->reply) :
		  conntrack_window4(ctx, visit->hit.slot, state, visit->reply))
		return false;
	conntrack_stat(CONNTRACK_STAT_WINDOW);
	return true;
}

/* Least that an expiry moves by, if it alone would be written */
static __always_inline __u32 conntrack_least(__u32 timeout)
{
	return timeout / 64;
}

/* There is nothing to write: the same as conntrack_renew() finds, without a call */
static __always_inline bool conntrack_is_fresh(const struct shunt_packet *pkt,
					       const struct conntrack_conf *conf,
					       const struct conntrack_flow *flow,
					       const struct conntrack_visit *visit)
{
	__u64 life = visit->hit.life;
	__u32 timeout;

	if (!conntrack_goes_on(life, pkt->tcp_flags))
		return false;
	timeout = conntrack_timeout(conf, flow->policy, conntrack_life_state(life));
	return visit->now + timeout - (__u32)life < conntrack_least(timeout);
}

/*
 * Life as it is to be after a step. Who lost the race for it looks at the step again; lost too often,
 * the packet is the flow's all the same: the one that was faster renewed it.
 */
static __always_inline enum conntrack_verdict
conntrack_renew(const bool six, const struct shunt_packet *pkt, const struct conntrack_conf *conf,
		struct conntrack_flow *flow, struct conntrack_visit *visit)
{
	__u64 was, next;
	__u32 step, timeout, i;

#pragma clang loop unroll(disable)
	for (i = 0; i < CONNTRACK_TRIES; i++) {
		was = visit->hit.life;
		step = conntrack_step_of(was, visit->reply, pkt->tcp_flags, visit->chunk);
		if (conntrack_step_verdict(step) != CONNTRACK_GO)
			return conntrack_step_verdict(step);
		timeout = conntrack_timeout(conf, flow->policy, conntrack_step_state(step));
		next = conntrack_life(was, visit->now + timeout, conntrack_step_state(step),
				      conntrack_step_flags(step));
		if (!((was ^ next) >> 32) && (__u32)next - (__u32)was < conntrack_least(timeout))
			return CONNTRACK_GO;
		visit->hit.life = __sync_val_compare_and_swap(&flow->life, was, next);
		if (visit->hit.life == was) {
			visit->hit.life = next;
			if ((was ^ next) >> 32)
				conntrack_event(six, conf, visit->hit.slot, next,
						CONNTRACK_EVENT_UPDATE);
			return CONNTRACK_GO;
		}
		if ((visit->hit.life ^ was) & CONNTRACK_GEN_BITS ||
		    !conntrack_life_state(visit->hit.life)) {
			visit->hit.life = was;	/* gone meanwhile: it was the flow's when it came */
			return CONNTRACK_STAY;
		}
	}
	conntrack_stat(CONNTRACK_STAT_BUSY);
	return CONNTRACK_STAY;
}

static __always_inline enum conntrack_verdict
conntrack_visit(const bool six, shunt_ctx *ctx, const struct shunt_packet *pkt,
		const struct conntrack_conf *conf, struct conntrack_flow *flow,
		struct conntrack_visit *visit)
{
	__u32 step;

	if (pkt->frag == SHUNT_FRAG_LATER)	/* it has no header that could say anything */
		return CONNTRACK_STAY;
	if (conf->flags & CONNTRACK_WINDOW) {
		/*
		 * As if it had been answered: what changes nothing but that is let by for the ends
		 * to judge, whatever its numbers (RFC 9293 3.5.1: of an old connection)
		 */
		step = conntrack_step_of(visit->hit.life |
					 (__u64)CONNTRACK_REPLIED << CONNTRACK_FLAGS_SHIFT,
					 visit->reply, pkt->tcp_flags, visit->chunk);
		if (conntrack_step_verdict(step) == CONNTRACK_GO &&
		    conntrack_window_bad(six, ctx, pkt, conf, visit))
			return CONNTRACK_BAD;
	}
	if (conntrack_is_fresh(pkt, conf, flow, visit))
		return CONNTRACK_GO;
	return conntrack_renew(six, pkt, conf, flow, visit);
}

static __always_inline void conntrack_mark_packet(struct shunt_packet *pkt,
						  const struct conntrack_flow *flow,
						  const struct conntrack_hit *hit, bool reply)
{
	__u32 flags = conntrack_life_flags(hit->life);

	pkt->flow = hit->slot + 1;
	pkt->ct_mark = flow->mark;
	pkt->ct_flags = (reply ? SHUNT_CT_REPLY : 0) |
			(flags & (CONNTRACK_SNAT | CONNTRACK_DNAT) ? SHUNT_CT_NAT : 0) |
			(flags & CONNTRACK_PROXIED ? SHUNT_CT_PROXIED : 0);
	pkt->ct_state = reply || flags & CONNTRACK_REPLIED ? SHUNT_CT_ESTABLISHED : SHUNT_CT_NEW;
}

/**
 * conntrack_track() - Find a packet's flow, and take it a step on
 * Sets pkt->flow, ct_mark, ct_flags, ct_state.
 */
static __always_inline void conntrack_track(const bool six, shunt_ctx *ctx,
					    struct shunt_packet *pkt,
					    const struct conntrack_conf *conf,
					    const struct conntrack_l4 *l4)
{
	struct conntrack_visit visit = { .now = conntrack_now(), .chunk = l4->chunk };
	enum conntrack_verdict verdict = CONNTRACK_ANEW;
	union conntrack_key key = {};
	struct conntrack_flow *flow;
	bool second;

	second = conntrack_key(six, &key, &pkt->saddr, &pkt->daddr, l4, pkt->ct_zone);
	if (conntrack_find(six, &key, conf, visit.now, &visit.hit)) {
		flow = conntrack_entry(six, visit.hit.slot);
		if (!flow)
			return;
		visit.reply = second != !!visit.hit.second;
		verdict = conntrack_visit(six, ctx, pkt, conf, flow, &visit);
		if (verdict == CONNTRACK_ANEW)
			conntrack_remove(six, visit.hit.slot, visit.hit.life);
	}
	if (verdict == CONNTRACK_ANEW) {
		pkt->ct_state = conntrack_begins(pkt, l4, conf->flags) ? SHUNT_CT_NEW :
				SHUNT_CT_INVALID;
		return;
	}
	if (verdict == CONNTRACK_BAD) {
		pkt->ct_state = SHUNT_CT_INVALID;
		return;
	}
	conntrack_mark_packet(pkt, flow, &visit.hit, visit.reply);
	if (conf->flags & CONNTRACK_COUNT)
		conntrack_count(six, visit.hit.slot, visit.reply, pkt->len);
}

static __always_inline int conntrack_track_of(const bool six, shunt_ctx *ctx, __u64 word)
{
	union conntrack_l4_word l4 = { .word = word };
	struct conntrack_conf *conf = conntrack_conf();
	struct shunt_cpu *cpu = shunt_this_cpu();

	if (cpu && conf)
		conntrack_track(six, ctx, &cpu->pkt, conf, &l4.l4);
	return 0;
}

/* @l4: union conntrack_l4_word; the verifier forgets by which way it came */
__noinline int conntrack_track4(shunt_ctx *ctx, __u64 l4)
{
	return conntrack_track_of(false, ctx, l4);
}

__noinline int conntrack_track6(shunt_ctx *ctx, __u64 l4)
{
	return conntrack_track_of(true, ctx, l4);
}

#endif
