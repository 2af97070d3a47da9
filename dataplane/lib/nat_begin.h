/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* nat_begin.h - the flow that a packet begins, with its ends as they are outside */
#ifndef SHUNT_LIB_NAT_BEGIN_H
#define SHUNT_LIB_NAT_BEGIN_H

#include <shunt/lib/nat_pick.h>
#include <shunt/lib/conntrack_quote.h>

/* What differs outside: CONNTRACK_SNAT, CONNTRACK_DNAT. An ICMP id is the source's */
static __always_inline __u32 nat_flags(const struct nat_room *room, const struct shunt_packet *pkt)
{
	__u32 flags = 0;

	if (!conntrack_same_addr(&room->to.saddr, &pkt->saddr) || room->to.sport != room->l4.sport)
		flags |= CONNTRACK_SNAT;
	if (!conntrack_same_addr(&room->to.daddr, &pkt->daddr) ||
	    (!room->l4.kind && room->to.dport != room->l4.dport))
		flags |= CONNTRACK_DNAT;
	return flags;
}

static __always_inline void nat_fill(const bool six, const struct nat_room *room)
{
	struct conntrack_flow4 *flow4;
	struct conntrack_flow6 *flow6;

	if (six) {
		flow6 = conntrack_entry6(room->spot.slot);
		if (!flow6)
			return;
		flow6->flow.other = room->peer.slot + 1;
		flow6->nat_addr[0] = room->to.saddr;
		flow6->nat_addr[1] = room->to.daddr;
		flow6->nat_port[0] = room->to.sport;
		flow6->nat_port[1] = room->to.dport;
	} else {
		flow4 = conntrack_entry4(room->spot.slot);
		if (!flow4)
			return;
		flow4->flow.other = room->peer.slot + 1;
		flow4->nat_addr[0] = room->to.saddr.v4;
		flow4->nat_addr[1] = room->to.daddr.v4;
		flow4->nat_port[0] = room->to.sport;
		flow4->nat_port[1] = room->to.dport;
	}
}

/* The flow, under the packet's key. @nat: CONNTRACK_SNAT, ...; 0: it has no second entry */
static __always_inline int nat_flow(const bool six, shunt_ctx *ctx, struct shunt_packet *pkt,
				    const struct conntrack_conf *conf, struct nat_room *room,
				    bool second, __u32 nat)
{
	__u32 flags = conntrack_first_flags(pkt, room->state, second) | nat, now = conntrack_now();
	__u64 life;
	int r;

	room->spot.hash = conntrack_hash(six, &room->key, conf);
	r = conntrack_may_begin(pkt, conf);
	if (r)
		return r;
	r = six ? conntrack_claim6(&room->key.key6, &room->spot) :
		  conntrack_claim4(&room->key.key4, &room->spot);
	if (r) {
		conntrack_not_begun(pkt, conf);
		return r;
	}
	conntrack_fill(six, &room->key, pkt, room->spot.slot, now);
	if (nat)
		nat_fill(six, room);
	conntrack_first_packet(six, ctx, pkt, conf, room->spot.slot);
	now += conntrack_timeout(conf, pkt->ct_policy, room->state);
	life = conntrack_life(0, now, room->state, flags);
	r = six ? conntrack_publish6(&room->key.key6, &room->spot, life) :
		  conntrack_publish4(&room->key.key4, &room->spot, life);
	if (!r)
		conntrack_event(six, conf, room->spot.slot, room->spot.life, CONNTRACK_EVENT_NEW);
	return r;
}

/* Both entries lead to each other. Return: 0; -EAGAIN: the second one had to give way meanwhile */
static __always_inline int nat_join(const bool six, const struct nat_room *room)
{
	struct conntrack_flow *peer = conntrack_entry(six, room->peer.slot);

	if (!peer || conntrack_read(&peer->life) != room->peer.life) {
		conntrack_remove(six, room->spot.slot, room->spot.life);
		return -EAGAIN;
	}
	*(volatile __u32 *)&peer->other = room->spot.slot + 1;
	return 0;
}

/* The ends outside, but for what the flow table says of the source port. Return: 0 or -errno */
static __always_inline int nat_ends(const bool six, const struct shunt_packet *pkt,
				    const struct conntrack_conf *conf, struct nat_room *room)
{
	const struct nat_rule *rule;
	int r = 0;

	room->to.saddr = pkt->saddr;
	room->to.daddr = pkt->daddr;
	room->to.sport = room->l4.sport;
	room->to.dport = room->l4.dport;
	room->hash = nat_hash(&pkt->saddr, conf->seed[1], conf->seed[0]);
	if (pkt->dnat) {
		rule = nat_rule_at(pkt->dnat);
		if (!rule)
			return -EINVAL;
		r = nat_pick(six, pkt, conf, rule, room, &room->to.daddr);
		if (!r && nat_has_ports(room->l4.proto))
			room->to.dport = nat_target_port(room, rule);
	}
	rule = nat_rule_at(pkt->snat);
	if (!r && pkt->snat)
		r = rule ? nat_pick(six, pkt, conf, rule, room, &room->to.saddr) : -EINVAL;
	room->pool = !nat_has_ports(room->l4.proto) && !room->l4.kind;
	nat_port_class(room, rule);
	return r;
}

/* Return: 0: room->peer holds the replies' key */
static __always_inline int nat_search(const bool six)
{
	__u32 i;
	int r = -EEXIST;

#pragma clang loop unroll(disable)
	for (i = 0; i <= NAT_TRIES && r == -EEXIST; i++)
		r = six ? nat_try6(i) : nat_try4(i);
	return r == -EEXIST ? -EADDRNOTAVAIL : r;
}

/* A flow of this key is there meanwhile: it is the packet's */
static __always_inline void nat_take(const bool six, struct shunt_packet *pkt,
				     const struct conntrack_spot *spot)
{
	struct conntrack_flow *flow = conntrack_entry(six, spot->slot);

	conntrack_stat(CONNTRACK_STAT_CLASH);
	if (flow)
		pkt->ct_mark = flow->mark;
	if (conntrack_life_flags(spot->life) & (CONNTRACK_SNAT | CONNTRACK_DNAT))
		pkt->ct_flags |= SHUNT_CT_NAT;
}

/* Does it want another end? Then its replies have a key of their own */
static __always_inline bool nat_wanted(const struct nat_room *room, const struct shunt_packet *pkt)
{
	return nat_flags(room, pkt) || (!room->pool && !nat_port_may_stay(room));
}

/**
 * nat_begin() - A flow for a packet that is NEW and has none, translated as the packet says
 * Sets pkt->flow, ct_mark, ct_flags.
 * Return: 0; -EADDRNOTAVAIL: no address or port is free; else as conntrack_begin()
 */
static __always_inline int nat_begin(const bool six, shunt_ctx *ctx, struct shunt_packet *pkt,
				     const struct conntrack_conf *conf, struct nat_room *room)
{
	__u32 nat = 0;
	bool second;
	int r;

	room->l4 = (struct conntrack_l4){};
	if (conntrack_l4(ctx, pkt, &room->l4) != CONNTRACK_CLASS_FLOW)
		return -EINVAL;
	room->outside = room->l4;
	room->state = conntrack_begins(pkt, &room->l4, conf->flags);
	if (!room->state)
		return -EINVAL;
	second = conntrack_key(six, &room->key, &pkt->saddr, &pkt->daddr, &room->l4, pkt->ct_zone);
	if (pkt->dnat || pkt->snat) {
		if (pkt->ext_headers & SHUNT_EXT_RT)
			return -EINVAL;		/* lib/rewrite.h */
		r = nat_ends(six, pkt, conf, room);
		if (!r && nat_wanted(room, pkt)) {
			r = nat_search(six);
			nat = nat_flags(room, pkt);
		}
		if (r)
			return r;
	}
	r = nat_flow(six, ctx, pkt, conf, room, second, nat);
	if (r && nat)
		conntrack_remove(six, room->peer.slot, room->peer.life);
	if (!r && nat) {
		pkt->ct_flags |= SHUNT_CT_NAT;
		r = nat_join(six, room);
	}
	if (r == -EEXIST) {
		nat_take(six, pkt, &room->spot);
		r = 0;
	}
	if (!r)
		pkt->flow = room->spot.slot + 1;
	return r;
}

#endif
