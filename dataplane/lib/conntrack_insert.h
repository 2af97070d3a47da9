/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * conntrack_insert.h - bring a flow into the table
 *
 * DOC: A module that begins flows does
 *
 *	struct conntrack_spot spot = { .hash = conntrack_hash4(&key, conf->seed[0], conf->seed[1]) };
 *
 *	r = conntrack_claim4(&key, &spot);		// 0: spot.slot is ours, nobody sees it yet
 *	if (r < 0)
 *		return r;				// -EEXIST: spot.slot is the flow that is there
 *	entry = conntrack_entry4(spot.slot);		// fill all of it but 'life'
 *	r = conntrack_publish4(&key, &spot, conntrack_life(0, expires, state, flags));
 *
 * and one whose packets are translated does two such rounds: first for the entry under the key
 * of the replies, with flag PEER, 'other' 0, an expiry some seconds away and any state: it keeps
 * the key for us, and is no flow. Then for the flow, with 'other' the peer's slot + 1. At last the
 * peer's 'other' becomes the flow's slot + 1. If the second round fails:
 * conntrack_remove4(the peer's slot, spot.life of the first round). SECOND of each entry is about
 * its own key: end 1 of it is the originator. conntrack_find() then finds the flow
 * under both keys, and who takes out one of the two takes out the other.
 */
#ifndef SHUNT_LIB_CONNTRACK_INSERT_H
#define SHUNT_LIB_CONNTRACK_INSERT_H

#include <shunt/lib/conntrack_table.h>

/* A place in the table, and what was seen there */
struct conntrack_spot {
	__u64	hash;		/* of the key, by the caller */
	__u64	life;		/* of the entry */
	__u64	word;		/* of the bucket, as it was when the key was not there */
	__u64	first_word;	/* of the first bucket, likewise */
	__u32	slot;
	__u32	spilled;	/* in the second bucket */
};

/* ---- make room ---- */

/* How dear a flow is, to who needs its place; less is given up first */
enum conntrack_worth { CONNTRACK_WORTH_OVER, CONNTRACK_WORTH_UNREPLIED, CONNTRACK_WORTH_KEPT };

static __always_inline enum conntrack_worth conntrack_worth(__u64 life, __u32 now)
{
	if (conntrack_life_over(life, now))
		return CONNTRACK_WORTH_OVER;
	return conntrack_life_flags(life) & (CONNTRACK_REPLIED | CONNTRACK_ASSURED) ?
	       CONNTRACK_WORTH_KEPT : CONNTRACK_WORTH_UNREPLIED;
}

/* Worth of what is in a slot. @ret: the flow that goes if this one has to */
static __always_inline int conntrack_worth_of(const bool six, __u32 slot, struct conntrack_hit *ret)
{
	struct conntrack_flow *flow = conntrack_entry(six, slot);
	__u64 own;

	if (!flow || !ret)
		return CONNTRACK_WORTH_KEPT;
	own = conntrack_read(&flow->life);
	if (!conntrack_life_state(own))
		return CONNTRACK_WORTH_KEPT;	/* somebody is at it */
	ret->slot = slot;
	ret->life = conntrack_flow_of(six, &flow, own, &ret->slot);
	if (!conntrack_life_state(ret->life)) {	/* second entry without a flow, not yet or not any more */
		ret->life = own;
		ret->slot = slot;
	}
	return conntrack_worth(ret->life, conntrack_now());
}

__noinline int conntrack_worth4(__u32 slot, struct conntrack_hit *ret)
{
	return conntrack_worth_of(false, slot, ret);
}

__noinline int conntrack_worth6(__u32 slot, struct conntrack_hit *ret)
{
	return conntrack_worth_of(true, slot, ret);
}

/* The flow to give up in two full buckets: of the least dear, the one that ends first */
static __always_inline int conntrack_victim(const bool six, __u32 first, __u32 second,
					    struct conntrack_hit *ret)
{
	int least = CONNTRACK_WORTH_KEPT, worth;
	struct conntrack_hit hit = {};
	__u32 i, slot;

#pragma clang loop unroll(disable)
	for (i = 0; i < 2 * CONNTRACK_WAYS; i++) {
		slot = i < CONNTRACK_WAYS ? first * CONNTRACK_WAYS + i :
		       (second - 1) * CONNTRACK_WAYS + i;
		worth = six ? conntrack_worth6(slot, &hit) : conntrack_worth4(slot, &hit);
		if (worth > least || worth == CONNTRACK_WORTH_KEPT)
			continue;
		if (worth == least && (__s32)((__u32)hit.life - (__u32)ret->life) >= 0)
			continue;
		least = worth;
		*ret = hit;
	}
	return least;
}

/* Make room. Return: 0: look again; -ENOSPC: all are to stay */
static __always_inline int conntrack_evict(const bool six, __u32 first, __u32 second)
{
	struct conntrack_hit hit = {};
	int worth = conntrack_victim(six, first, second, &hit);

	if (worth == CONNTRACK_WORTH_KEPT)
		return -ENOSPC;
	if (conntrack_remove(six, hit.slot, hit.life) &&
	    !(conntrack_life_flags(hit.life) & CONNTRACK_PEER))
		conntrack_stat(worth == CONNTRACK_WORTH_OVER ? CONNTRACK_STAT_REUSED :
			       CONNTRACK_STAT_EVICTED);
	return 0;
}

__noinline int conntrack_evict4(__u32 first, __u32 second)
{
	return conntrack_evict(false, first, second);
}

__noinline int conntrack_evict6(__u32 first, __u32 second)
{
	return conntrack_evict(true, first, second);
}

/* ---- claim ---- */

/* A free slot of a bucket becomes ours. Return: false: all that are free are being filled */
static __always_inline bool conntrack_claim_in(const bool six, __u32 bucket, __u64 word,
					       struct conntrack_spot *spot)
{
	__u64 mask = conntrack_word_free(word), life, claim;
	struct conntrack_flow *flow;
	__u32 slot, way, i;

#pragma clang loop unroll(disable)
	for (i = 0; i < CONNTRACK_WAYS && mask; i++) {
		way = conntrack_word_choose(mask, conntrack_way(spot->hash));
		mask &= ~(0x80ULL << way * CONNTRACK_TAG_BITS);
		slot = bucket * CONNTRACK_WAYS + way;
		flow = conntrack_entry(six, slot);
		if (!flow)
			continue;
		life = conntrack_read(&flow->life);
		if (conntrack_life_state(life) || conntrack_life_claimed(life))
			continue;
		claim = conntrack_life(life + CONNTRACK_GEN_ONE, 0, CONNTRACK_NONE,
				       CONNTRACK_CLAIMED);
		if (__sync_val_compare_and_swap(&flow->life, life, claim) != life)
			continue;
		spot->life = claim;
		spot->slot = slot;
		spot->word = word;
		return true;
	}
	return false;
}

/* One round of claim. Return: as claim; -EAGAIN: somebody was faster, or there is room now */
static __always_inline int conntrack_claim_once(const bool six, const void *key,
						struct conntrack_spot *spot,
						const struct conntrack_conf *conf)
{
	__u32 first = conntrack_first_bucket(spot->hash, conf->buckets[six]);
	__u32 second = conntrack_second_bucket(spot->hash, first, conf->buckets[six]);
	__u64 *at = conntrack_word(six, first), *at2 = conntrack_word(six, second), word, word2 = 0;
	__u32 free, free2 = 0;
	struct conntrack_hit hit = {};

	if (!at || !at2)
		return -ENOSPC;
	word = conntrack_read(at);
	free = conntrack_word_count(conntrack_word_free(word));
	if (conntrack_word_spilled(word) || free < CONNTRACK_WAYS - CONNTRACK_CROWDED) {
		word2 = conntrack_read(at2);	/* mostly of no use, and a cold line */
		free2 = conntrack_word_count(conntrack_word_free(word2));
	}
	if (conntrack_again(six, key, spot->hash, first, word, &hit) ||
	    (conntrack_word_spilled(word) &&
	     conntrack_again(six, key, spot->hash, second, word2, &hit))) {
		spot->slot = hit.slot;
		spot->life = hit.life;
		return -EEXIST;
	}
	if (!free && !free2)
		return (six ? conntrack_evict6(first, second) :
			      conntrack_evict4(first, second)) ?: -EAGAIN;
	spot->spilled = free < CONNTRACK_WAYS - CONNTRACK_CROWDED && free < free2;
	spot->first_word = word;
	return conntrack_claim_in(six, spot->spilled ? second : first,
				  spot->spilled ? word2 : word, spot) ? 0 : -EAGAIN;
}

static __always_inline int conntrack_claim(const bool six, const void *key,
					   struct conntrack_spot *spot)
{
	struct conntrack_conf *conf = conntrack_conf();
	int i, r;

	if (!conf)
		return -ENOSPC;
#pragma clang loop unroll(disable)
	for (i = 0; i < CONNTRACK_TRIES; i++) {
		r = conntrack_claim_once(six, key, spot, conf);
		if (r != -EAGAIN)
			return r;
	}
	return -EAGAIN;
}

/**
 * conntrack_claim4() - A place for a new flow
 * @spot:	'hash' is set; the rest becomes what conntrack_publish4() needs
 * Return: 0: the entry spot->slot is ours to fill; -EEXIST: spot->slot is the flow of this key;
 *	   -ENOSPC: no room, and none that may be given up; -EAGAIN: races lost too often
 */
__noinline int conntrack_claim4(const struct conntrack_key4 *key,
				       struct conntrack_spot *spot)
{
	return key && spot ? conntrack_claim(false, key, spot) : -EINVAL;
}

__noinline int conntrack_claim6(const struct conntrack_key6 *key,
				       struct conntrack_spot *spot)
{
	return key && spot ? conntrack_claim(true, key, spot) : -EINVAL;
}

/* ---- publish ---- */

/* Another flow of this key came between. @word: as the first bucket is now */
static __always_inline bool conntrack_clash(const bool six, const void *key, __u64 word,
					    struct conntrack_spot *spot, __u32 buckets)
{
	__u32 first = conntrack_first_bucket(spot->hash, buckets);
	__u32 second = conntrack_second_bucket(spot->hash, first, buckets);
	struct conntrack_hit hit = {};
	__u64 *at = conntrack_word(six, second), word2;

	if (!conntrack_again(six, key, spot->hash, first, word, &hit)) {
		if (!at)
			return false;
		word2 = conntrack_read(at);
		if (spot->spilled)	/* our tag may be there, and would hide the other one */
			word2 = conntrack_word_put(word2, spot->slot - second * CONNTRACK_WAYS, 0);
		if (!conntrack_again(six, key, spot->hash, second, word2, &hit))
			return false;
	}
	spot->slot = hit.slot;
	spot->life = hit.life;
	return true;
}

/* The tag into its bucket's word. Return: 0; -EEXIST; -EAGAIN */
static __always_inline int conntrack_tag_in(const bool six, const void *key,
					    struct conntrack_spot *spot, __u32 buckets)
{
	__u32 bucket = spot->slot / CONNTRACK_WAYS;
	__u32 first = conntrack_first_bucket(spot->hash, buckets);
	__u64 *at = conntrack_word(six, bucket), *at1 = conntrack_word(six, first), word, next;
	int i;

	if (!at || !at1)
		return -EAGAIN;
#pragma clang loop unroll(disable)
	for (i = 0; i < CONNTRACK_TRIES; i++) {
		next = conntrack_word_put(spot->word, spot->slot - bucket * CONNTRACK_WAYS,
					  conntrack_tag(spot->hash));
		word = __sync_val_compare_and_swap(at, spot->word, next);
		if (word == spot->word)
			return 0;
		spot->word = word;
		spot->first_word = conntrack_read(at1);
		if (conntrack_clash(six, key, spot->spilled ? spot->first_word : word, spot,
				    buckets))
			return -EEXIST;
	}
	return -EAGAIN;
}

/* One more that spilled, in the first bucket's word. Return: 0; -EEXIST; -EAGAIN */
static __always_inline int conntrack_spill_in(const bool six, const void *key,
					      struct conntrack_spot *spot, __u32 buckets)
{
	__u32 first = conntrack_first_bucket(spot->hash, buckets);
	__u64 *at = conntrack_word(six, first), word;
	int i;

	if (!at)
		return -EAGAIN;
#pragma clang loop unroll(disable)
	for (i = 0; i < CONNTRACK_TRIES; i++) {
		word = __sync_val_compare_and_swap(at, spot->first_word,
						   conntrack_word_spill(spot->first_word, 1));
		if (word == spot->first_word)
			return 0;
		spot->first_word = word;
		if (conntrack_clash(six, key, word, spot, buckets))
			return -EEXIST;
	}
	return -EAGAIN;
}

static __always_inline int conntrack_publish(const bool six, const void *key,
					     struct conntrack_spot *spot, __u64 bits)
{
	struct conntrack_conf *conf = conntrack_conf();
	struct conntrack_flow *flow = conntrack_entry(six, spot->slot);
	__u32 slot = spot->slot;
	__u64 life, claim = spot->life, *at;
	bool tagged = false;
	int r;

	if (!conf || !flow)
		return -EAGAIN;
	life = (claim & CONNTRACK_GEN_BITS) | bits;
	if (spot->spilled)
		life |= (__u64)CONNTRACK_SPILLED << CONNTRACK_FLAGS_SHIFT;
	spot->life = life;
	__sync_lock_test_and_set(&flow->life, life);	/* behind all that was filled in */
	r = conntrack_tag_in(six, key, spot, conf->buckets[six]);
	if (!r && spot->spilled) {
		tagged = true;
		r = conntrack_spill_in(six, key, spot, conf->buckets[six]);
	}
	if (!r) {
		if (!(conntrack_life_flags(life) & CONNTRACK_PEER))
			conntrack_stat(CONNTRACK_STAT_NEW);
		return 0;
	}
	/* Ours goes: with its tag still set the slot is neither found nor free */
	if (__sync_val_compare_and_swap(&flow->life, life, claim) != life) {
		conntrack_stat(CONNTRACK_STAT_NEW);	/* it was evicted, and counted as gone */
		return r;
	}
	conntrack_uncount(six, conf, slot);
	at = conntrack_word(six, slot / CONNTRACK_WAYS);
	if (tagged && at)
		conntrack_word_change(at, slot % CONNTRACK_WAYS, true, 0);
	__sync_lock_test_and_set(&flow->life, claim & CONNTRACK_GEN_BITS);
	return r;
}

/**
 * conntrack_publish4() - What was claimed and filled becomes a flow
 * @bits:	conntrack_life(0, expires, state, flags), without SPILLED
 * Return: 0: spot->life is its life; -EEXIST: another one of this key is there meanwhile,
 *	   spot->slot; -EAGAIN: races lost too often. Then the claim is given back.
 */
__noinline int conntrack_publish4(const struct conntrack_key4 *key,
					 struct conntrack_spot *spot, __u64 bits)
{
	return key && spot ? conntrack_publish(false, key, spot, bits) : -EINVAL;
}

__noinline int conntrack_publish6(const struct conntrack_key6 *key,
					 struct conntrack_spot *spot, __u64 bits)
{
	return key && spot ? conntrack_publish(true, key, spot, bits) : -EINVAL;
}

#endif
