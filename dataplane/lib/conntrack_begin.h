/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* conntrack_begin.h - the flow that a packet begins */
#ifndef SHUNT_LIB_CONNTRACK_BEGIN_H
#define SHUNT_LIB_CONNTRACK_BEGIN_H

#include <shunt/lib/conntrack_insert.h>
#include <shunt/lib/conntrack_l4.h>
#include <shunt/lib/conntrack_window.h>

/* What module 'synproxy' knows of it */
static __always_inline void conntrack_fill_proxied(const struct shunt_packet *pkt,
						   struct conntrack_flow *flow, __u32 *ts_delta)
{
	if (!(pkt->ct_flags & SHUNT_CT_PROXIED))
		return;
	flow->proxy = CONNTRACK_PROXY_WAITING;
	flow->delta = pkt->ct_delta;
	flow->scale = pkt->ct_scale;
	flow->up = pkt->ct_up;
	*ts_delta = pkt->ct_ts_delta;
}

/* All of the entry but its life. What is of the module that begins it stays 0 */
static __always_inline void conntrack_fill(const bool six, const union conntrack_key *key,
					   const struct shunt_packet *pkt, __u32 slot, __u32 now)
{
	struct conntrack_flow4 *flow4;
	struct conntrack_flow6 *flow6;

	if (six) {
		flow6 = conntrack_entry6(slot);
		if (!flow6)
			return;
		__builtin_memset(&flow6->flow.mark, 0, sizeof(*flow6) - sizeof(__u64));
		flow6->flow.mark = pkt->ct_mark;
		flow6->flow.policy = pkt->ct_policy;
		flow6->key = key->key6;
		flow6->since = now;
		conntrack_fill_proxied(pkt, &flow6->flow, &flow6->ts_delta);
	} else {
		flow4 = conntrack_entry4(slot);
		if (!flow4)
			return;
		__builtin_memset(&flow4->flow.mark, 0, sizeof(*flow4) - sizeof(__u64));
		flow4->flow.mark = pkt->ct_mark;
		flow4->flow.policy = pkt->ct_policy;
		flow4->key = key->key4;
		flow4->since = now;
		conntrack_fill_proxied(pkt, &flow4->flow, &flow4->ts_delta);
	}
}

/*
 * A flow that rules limit is counted before it is there, so that there are never more
 * Return: 0; -EDQUOT: one more than a limit lets be; -EAGAIN: races lost
 */
static __always_inline int conntrack_may_begin(const struct shunt_packet *pkt,
					       const struct conntrack_conf *conf)
{
	return conf->flags & CONNTRACK_LIMIT && pkt->ct_limit[0] ? conntrack_count_in() : 0;
}

static __always_inline void conntrack_not_begun(const struct shunt_packet *pkt,
						const struct conntrack_conf *conf)
{
	if (conf->flags & CONNTRACK_LIMIT && pkt->ct_limit[0])
		conntrack_count_back(SHUNT_CT_LIMITS);
}

/* Flags of a new flow's life. @second: its first packet comes from the key's end 1 */
static __always_inline __u32 conntrack_first_flags(const struct shunt_packet *pkt, __u32 state,
						   bool second)
{
	__u32 flags = second ? CONNTRACK_SECOND : 0;

	if (pkt->ct_flags & SHUNT_CT_PROXIED)
		flags |= CONNTRACK_PROXIED;
	if (state != CONNTRACK_TCP_UNACKED)
		return flags;
	if (pkt->tcp_flags & CONNTRACK_TCP_BIT_FIN)
		flags |= CONNTRACK_FIN_ORIG;
	return flags | CONNTRACK_PICKED_UP;
}

/* What its first packet leaves beside the entry */
static __always_inline void conntrack_first_packet(const bool six, shunt_ctx *ctx,
						   const struct shunt_packet *pkt,
						   const struct conntrack_conf *conf, __u32 slot)
{
	struct conntrack_counts *counts = conntrack_counts(six, slot);

	if (counts && conf->flags & CONNTRACK_COUNT)
		*counts = (struct conntrack_counts){ .packets = { 1, 0 }, .bytes = { pkt->len, 0 } };
	if (conf->flags & CONNTRACK_LIMIT && pkt->ct_limit[0])
		conntrack_count_keep(six, pkt, slot);
	if (conf->flags & CONNTRACK_WINDOW && pkt->proto == IPPROTO_TCP)
		(six ? conntrack_window6(ctx, slot, CONNTRACK_NONE, false) :
		       conntrack_window4(ctx, slot, CONNTRACK_NONE, false));
}

/**
 * conntrack_begin() - A flow for a packet that is NEW and has none
 * @l4:	By conntrack_l4()
 * Sets pkt->flow and ct_mark.
 * Return: 0; -EINVAL: such a packet begins none; -ENOSPC: no room; -EDQUOT: one more than a rule
 *	   lets be; -EAGAIN: races lost too often
 */
static __always_inline int conntrack_begin(const bool six, shunt_ctx *ctx, struct shunt_packet *pkt,
					   const struct conntrack_conf *conf,
					   const struct conntrack_l4 *l4)
{
	__u32 state = conntrack_begins(pkt, l4, conf->flags), now = conntrack_now(), flags;
	struct conntrack_spot spot = {};
	union conntrack_key key = {};
	struct conntrack_flow *flow;
	bool second;
	int r;

	if (!state)
		return -EINVAL;
	second = conntrack_key(six, &key, &pkt->saddr, &pkt->daddr, l4, pkt->ct_zone);
	flags = conntrack_first_flags(pkt, state, second);
	spot.hash = conntrack_hash(six, &key, conf);
	r = conntrack_may_begin(pkt, conf);
	if (r)
		return r;
	r = six ? conntrack_claim6(&key.key6, &spot) : conntrack_claim4(&key.key4, &spot);
	if (r)
		conntrack_not_begun(pkt, conf);
	if (!r) {
		conntrack_fill(six, &key, pkt, spot.slot, now);
		conntrack_first_packet(six, ctx, pkt, conf, spot.slot);
		now += conntrack_timeout(conf, pkt->ct_policy, state);
		r = six ? conntrack_publish6(&key.key6, &spot,
					     conntrack_life(0, now, state, flags)) :
			  conntrack_publish4(&key.key4, &spot,
					     conntrack_life(0, now, state, flags));
		if (!r)
			conntrack_event(six, conf, spot.slot, spot.life, CONNTRACK_EVENT_NEW);
	}
	if (r == -EEXIST) {
		conntrack_stat(CONNTRACK_STAT_CLASH);
		flow = conntrack_entry(six, spot.slot);
		if (flow)
			pkt->ct_mark = flow->mark;
		r = 0;
	}
	if (!r)
		pkt->flow = spot.slot + 1;
	return r;
}

#endif
