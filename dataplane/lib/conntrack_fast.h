/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * conntrack_fast.h - a packet of a flow that goes on, and one that has no flow: the short way
 *
 * DOC: Nearly all packets are TCP or UDP of an established flow in its first bucket, and change
 * nothing of it but, once in a while, its expiry; of the others most have no flow yet. These are
 * told here, in the node's own function: a call and its return cost as much as twenty instructions
 * where returns are guarded (SRSO), and a key that is on no stack is hashed without waiting for its
 * parts to be stored. All else goes the way of conntrack_track.h, which starts from the beginning.
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
	if (expires - (__u32)life < conntrack_least(timeout))
		return true;
	return __sync_val_compare_and_swap(&flow->life, life,
					   conntrack_life(life, expires, state,
							  conntrack_life_flags(life))) == life;
}

/* Where a key may be; 'entry' NULL: it is in no bucket */
struct conntrack_place {
	struct conntrack_flow *entry;
	__u32	slot;
};

/* Of a key that no tag of the first bucket is of: whether it is in the second one neither */
static __always_inline bool conntrack_not_spilled(const bool six, const struct conntrack_conf *conf,
						  __u64 hash, __u32 bucket, __u64 word)
{
	__u64 *at;

	if (!conntrack_word_spilled(word))
		return true;
	at = conntrack_word(six, conntrack_second_bucket(hash, bucket, conf->buckets[six]));
	return at && !conntrack_word_find(conntrack_read(at), conntrack_tag(hash));
}

/*
 * Module 'commit' will take this entry, whose line is in no cache: so it comes while other things
 * are done. Mostly it is the one that the hash names, and the CPU begins before it has the word.
 */
static __always_inline void conntrack_fetch_free(const bool six, const struct conntrack_flow *named,
						 __u64 word, __u32 bucket, __u32 way)
{
	if (conntrack_word_get(word, way))
		named = conntrack_entry(six, bucket * CONNTRACK_WAYS +
					conntrack_word_way(conntrack_word_free(word)));
	if (named)
		conntrack_read(&named->life);
}

/*
 * The slot of the first bucket whose tag is the key's; the one that the hash names before others
 * Return: false: it takes more than this to tell
 */
static __always_inline bool conntrack_fast_find(const bool six, const union conntrack_key *key,
						const struct conntrack_conf *conf,
						struct conntrack_place *ret)
{
	__u64 hash = conntrack_hash(six, key, conf), *at, word, mask;
	__u32 bucket = conntrack_first_bucket(hash, conf->buckets[six]), way = conntrack_way(hash);

	ret->slot = bucket * CONNTRACK_WAYS + way;
	ret->entry = conntrack_entry(six, ret->slot);
	at = conntrack_word(six, bucket);
	if (!at || !ret->entry)
		return false;
	word = conntrack_read(at);
	if (conntrack_word_get(word, way) == conntrack_tag(hash))
		return true;
	mask = conntrack_word_find(word, conntrack_tag(hash));
	if (mask) {
		ret->slot = bucket * CONNTRACK_WAYS + conntrack_word_way(mask);
		ret->entry = conntrack_entry(six, ret->slot);
		return ret->entry;
	}
	if (!conntrack_not_spilled(six, conf, hash, bucket, word))
		return false;
	conntrack_fetch_free(six, ret->entry, word, bucket, way);
	ret->entry = NULL;
	return true;
}

/**
 * conntrack_fast() - A TCP or UDP packet that is no fragment
 * Return: SHUNT_CT_ESTABLISHED, and all is set that conntrack_track() would; SHUNT_CT_NEW;
 *	   SHUNT_CT_NONE: nothing was found out, nothing is changed
 */
static __always_inline enum shunt_ct_state conntrack_fast(const bool six, struct shunt_packet *pkt)
{
	const struct conntrack_l4 l4 = {
		.sport = pkt->sport, .dport = pkt->dport, .proto = pkt->proto,
	};
	struct conntrack_visit visit = { .now = conntrack_now() };
	struct conntrack_conf *conf = conntrack_conf();
	struct conntrack_place place;
	struct conntrack_flow *flow;
	union conntrack_key key;
	bool second;

	if (!conf)
		return SHUNT_CT_NONE;
	second = conntrack_key(six, &key, &pkt->saddr, &pkt->daddr, &l4, pkt->ct_zone);
	if (!conntrack_fast_find(six, &key, conf, &place))
		return SHUNT_CT_NONE;
	if (!place.entry)
		return conntrack_begins(pkt, &l4, conf->flags) ? SHUNT_CT_NEW : SHUNT_CT_NONE;
	if (conf->flags & CONNTRACK_WINDOW)
		return SHUNT_CT_NONE;
	flow = conntrack_find_entry(six, &key, place.entry, place.slot, visit.now, &visit.hit);
	if (!flow || !conntrack_goes_on(visit.hit.life, pkt->tcp_flags) ||
	    !conntrack_fast_renew(conf, flow, &visit))
		return SHUNT_CT_NONE;
	visit.reply = second != !!visit.hit.second;
	conntrack_mark_packet(pkt, flow, &visit.hit, visit.reply);
	if (conf->flags & CONNTRACK_COUNT)
		conntrack_count(six, visit.hit.slot, visit.reply, pkt->len);
	return SHUNT_CT_ESTABLISHED;
}

#endif
