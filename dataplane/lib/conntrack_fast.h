/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * conntrack_fast.h - a packet of a flow that goes on: the short way to it
 *
 * DOC: Nearly all packets are TCP or UDP of an established flow in its first bucket, and change
 * nothing of it but, once in a while, its expiry. These are told here, in the node's own function:
 * a call and its return cost as much as twenty instructions where returns are guarded
 * (SRSO), and a key that is on no stack is hashed without waiting for its parts to be
 * stored. All others go the way of conntrack_track.h, which starts from the beginning.
 */
#ifndef SHUNT_LIB_CONNTRACK_FAST_H
#define SHUNT_LIB_CONNTRACK_FAST_H

#include <shunt/lib/conntrack_track.h>

/* The flow lives on. Return: false: somebody else has changed its life meanwhile */
static __always_inline bool conntrack_fast_renew(const struct conntrack_conf *conf,
						 struct conntrack_flow *flow,
						 const struct conntrack_visit *visit)
{
	__u64 life = visit->hit.life;
	__u32 state = conntrack_life_state(life);
	__u32 timeout = conntrack_timeout(conf, flow->policy, state), expires;

	expires = visit->now + timeout;
	if (expires - (__u32)life < conntrack_least(conf, timeout))
		return true;
	return __sync_val_compare_and_swap(&flow->life, life,
					   conntrack_life(life, expires, state,
							  conntrack_life_flags(life))) == life;
}

/* The slot of the first bucket whose tag is the key's; the one that the hash names before others */
static __always_inline struct conntrack_flow *
conntrack_fast_find(const bool six, const union conntrack_key *key,
		    const struct conntrack_conf *conf, struct conntrack_visit *visit)
{
	__u64 hash = conntrack_hash(six, key, conf), *at, word, mask;
	__u32 bucket = conntrack_first_bucket(hash, conf->buckets[six]), way = conntrack_way(hash);

	at = conntrack_word(six, bucket);
	if (!at)
		return NULL;
	word = conntrack_read(at);
	if (conntrack_word_get(word, way) != conntrack_tag(hash)) {
		mask = conntrack_word_find(word, conntrack_tag(hash));
		if (!mask)
			return NULL;
		way = conntrack_word_way(mask);
	}
	return conntrack_find_at(six, key, bucket * CONNTRACK_WAYS + way, visit->now, &visit->hit);
}

/**
 * conntrack_fast() - A TCP or UDP packet that is no fragment
 * Sets what conntrack_track() would.
 * Return: false: nothing was found out, nothing is changed
 */
static __always_inline bool conntrack_fast(const bool six, struct shunt_packet *pkt)
{
	const struct conntrack_l4 l4 = {
		.sport = pkt->sport, .dport = pkt->dport, .proto = pkt->proto,
	};
	struct conntrack_visit visit = { .now = conntrack_now() };
	struct conntrack_conf *conf = conntrack_conf();
	struct conntrack_flow *flow;
	union conntrack_key key;
	bool second;

	if (!conf || conf->flags & CONNTRACK_WINDOW)
		return false;
	second = conntrack_key(six, &key, &pkt->saddr, &pkt->daddr, &l4, pkt->ct_zone);
	flow = conntrack_fast_find(six, &key, conf, &visit);
	if (!flow || !conntrack_goes_on(visit.hit.life, pkt->tcp_flags) ||
	    !conntrack_fast_renew(conf, flow, &visit))
		return false;
	visit.reply = second != !!visit.hit.second;
	conntrack_mark_packet(pkt, flow, &visit.hit, visit.reply);
	if (conf->flags & CONNTRACK_COUNT)
		conntrack_count(six, visit.hit.slot, visit.reply, pkt->len);
	return true;
}

#endif
