/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * conntrack_limit.h - how many flows there are of what a rule limits: programs and user space alike
 *
 * DOC: 'ct count over 10 per saddr' is a limit; what it counts by, itself or a prefix of an
 * address, has an entry in table ct_counted. A packet that asks finds or makes the entry, and takes
 * a reference to it along (shunt_packet.ct_limit). Who begins its flow raises the count, unless
 * it is at its most, and leaves the references beside the flow (ct_limits4, ct_limits6); who takes
 * the flow out exchanges them for 0, and lowers what they name. So what is not
 * 0 there is counted, and nothing is lowered twice.
 *
 * A key's hash chooses two buckets of seven entries. An entry whose count is 0 may become another
 * key's; its generation grows then, and a reference has it: one that is out of date raises
 * nothing. An entry that is counted stays what it is.
 *
 * No locks. Two CPUs must not make two entries of one key. An entry is claimed by
 * compare-and-swap of its word, gets its key, and stays claimed until the first bucket's number of
 * claims has been moved on, from what it was when the key was not found: who finds it moved
 * gives the entry back, and looks again. The first bucket is the key's, so all who want one key
 * meet there, and who finds one that is claimed looks again.
 */
#ifndef SHUNT_LIB_CONNTRACK_LIMIT_H
#define SHUNT_LIB_CONNTRACK_LIMIT_H

#include <linux/errno.h>

#include "conntrack_hash.h"

#define CONNTRACK_COUNTED_WAYS		8	/* of a bucket; the first is no entry */
#define CONNTRACK_COUNTED_BUCKETS	(1U << 21)	/* at most: a reference has 24 bits */

/* A loop that the verifier is to see as one */
#ifdef __clang__
#define CONNTRACK_ROLLED	_Pragma("clang loop unroll(disable)")
#else
#define CONNTRACK_ROLLED
#endif

/* ---- word of an entry: count 0-31, generation 32-39, claimed 40 ---- */
#define CONNTRACK_COUNTED_GEN_SHIFT	32
#define CONNTRACK_COUNTED_GEN_ONE	(1ULL << CONNTRACK_COUNTED_GEN_SHIFT)
#define CONNTRACK_COUNTED_GEN		(0xffULL << CONNTRACK_COUNTED_GEN_SHIFT)
#define CONNTRACK_COUNTED_CLAIMED	(1ULL << 40)

struct conntrack_counted {
	__u64	word;		/* of the first in a bucket: how often one was claimed */
	__u32	limit;		/* of the plan; 0: nothing was here yet */
	__u32	most;		/* flows that the rule lets be, as the last packet that asked had it */
	struct shunt_addr addr;	/* all 0: the limit counts all */
};

struct conntrack_counted_bucket {
	struct conntrack_counted way[CONNTRACK_COUNTED_WAYS];
};

_Static_assert(sizeof(struct conntrack_counted_bucket) == 256, "ABI");

/* ---- references: bucket and way 0-23, generation 24-31; never 0, since way 0 is none ---- */
#define CONNTRACK_REF_GEN_SHIFT	24

static inline __attribute__((always_inline)) __u32 conntrack_ref(__u32 bucket, __u32 way, __u64 word)
{
	return (word >> CONNTRACK_COUNTED_GEN_SHIFT & 0xff) << CONNTRACK_REF_GEN_SHIFT |
	       bucket * CONNTRACK_COUNTED_WAYS | way;
}

static inline __attribute__((always_inline)) __u32 conntrack_ref_bucket(__u32 ref)
{
	return (ref & ((1U << CONNTRACK_REF_GEN_SHIFT) - 1)) / CONNTRACK_COUNTED_WAYS;
}

static inline __attribute__((always_inline)) __u32 conntrack_ref_way(__u32 ref)
{
	return ref % CONNTRACK_COUNTED_WAYS;
}

/* ---- a key and its buckets ---- */

/* What a packet is counted by, where, and what was found */
struct conntrack_counting {
	struct conntrack_key6 key;	/* addr[0]: prefix; addr[1].word[0]: limit */
	__u32	most;
	__u32	bucket[2];
	__u32	way;			/* of the entry; its bucket: bucket[second] */
	__u32	second;
	__u64	word;			/* of the entry */
};

static inline __attribute__((always_inline)) void
conntrack_counting_place(struct conntrack_counting *counting, const __u64 seed[2], __u32 buckets)
{
	__u64 hash = conntrack_hash6(&counting->key, seed[0], seed[1]);

	counting->bucket[0] = conntrack_first_bucket(hash, buckets);
	counting->bucket[1] = conntrack_second_bucket(hash, counting->bucket[0], buckets);
}

static inline __attribute__((always_inline)) __u64
conntrack_counted_word(const struct conntrack_counted *counted)
{
	return *(const volatile __u64 *)&counted->word;
}

static inline __attribute__((always_inline)) _Bool
conntrack_counted_is(const struct conntrack_counted *counted, const struct conntrack_key6 *key)
{
	return counted->limit == key->addr[1].word[0] &&
	       counted->addr.half[0] == key->addr[0].half[0] &&
	       counted->addr.half[1] == key->addr[0].half[1];
}

/* ---- find or make ---- */

/*
 * The word is read on either side of the key: what was another's meanwhile is not it
 * Return: 0; -ENOENT; -EAGAIN: somebody is about to make it
 */
static inline __attribute__((always_inline)) int
conntrack_counted_find_in(struct conntrack_counted_bucket *bucket,
			  struct conntrack_counting *counting)
{
	struct conntrack_counted *counted;
	__u32 way;

	CONNTRACK_ROLLED
	for (way = 1; way < CONNTRACK_COUNTED_WAYS; way++) {
		counted = &bucket->way[way];
		counting->word = conntrack_counted_word(counted);
		if (!conntrack_counted_is(counted, &counting->key))
			continue;
		if (counting->word & CONNTRACK_COUNTED_CLAIMED)
			return -EAGAIN;
		if ((conntrack_counted_word(counted) ^ counting->word) >> 32)
			continue;
		counting->way = way;
		if (counted->most != counting->most)
			counted->most = counting->most;
		return 0;
	}
	return -ENOENT;
}

/* One that nothing was in, else one that counts nothing. Return: its way; 0: all count */
static inline __attribute__((always_inline)) __u32
conntrack_counted_free(const struct conntrack_counted_bucket *bucket, __u64 *ret_word)
{
	const struct conntrack_counted *counted;
	__u32 way, best = 0;
	__u64 word;

	CONNTRACK_ROLLED
	for (way = 1; way < CONNTRACK_COUNTED_WAYS; way++) {
		counted = &bucket->way[way];
		word = conntrack_counted_word(counted);
		if (word & ~CONNTRACK_COUNTED_GEN || (best && counted->limit))
			continue;
		best = way;
		*ret_word = word;
		if (!counted->limit)
			break;
	}
	return best;
}

/* Return: 0: it is the key's; -EAGAIN: somebody was faster */
static inline __attribute__((always_inline)) int
conntrack_counted_make(struct conntrack_counted *counted, __u64 *claims, __u64 seen,
		       struct conntrack_counting *counting)
{
	__u64 word = (counting->word + CONNTRACK_COUNTED_GEN_ONE) & CONNTRACK_COUNTED_GEN;

	if (__sync_val_compare_and_swap(&counted->word, counting->word,
					word | CONNTRACK_COUNTED_CLAIMED) != counting->word)
		return -EAGAIN;
	counted->addr.half[0] = counting->key.addr[0].half[0];
	counted->addr.half[1] = counting->key.addr[0].half[1];
	counted->most = counting->most;
	counted->limit = counting->key.addr[1].word[0];
	if (__sync_val_compare_and_swap(claims, seen, seen + 1) != seen) {
		counted->limit = 0;
		word = (word + CONNTRACK_COUNTED_GEN_ONE) & CONNTRACK_COUNTED_GEN;
		__sync_lock_test_and_set(&counted->word, word);
		return -EAGAIN;
	}
	__sync_lock_test_and_set(&counted->word, word);
	counting->word = word;
	return 0;
}

/**
 * conntrack_counted_get() - The entry of a key, made if there is none
 * @first:	Bucket counting->bucket[0]
 * @second:	counting->bucket[1]
 * @make:	Else only look
 * Return: 0; -ENOENT: only looked; -ENOSPC: all entries count others; -EAGAIN: somebody was faster
 */
static inline __attribute__((always_inline)) int
conntrack_counted_get(struct conntrack_counted_bucket *first,
		      struct conntrack_counted_bucket *second, const _Bool make,
		      struct conntrack_counting *counting)
{
	__u64 seen = conntrack_counted_word(&first->way[0]);
	int r;

	counting->second = 0;
	r = conntrack_counted_find_in(first, counting);
	if (r != -ENOENT)
		return r;
	counting->second = 1;
	r = conntrack_counted_find_in(second, counting);
	if (r != -ENOENT || !make)
		return r;
	counting->second = 0;
	counting->way = conntrack_counted_free(first, &counting->word);
	if (!counting->way) {
		counting->second = 1;
		counting->way = conntrack_counted_free(second, &counting->word);
	}
	counting->way %= CONNTRACK_COUNTED_WAYS;
	if (!counting->way)
		return -ENOSPC;
	return conntrack_counted_make(counting->second ? &second->way[counting->way] :
							 &first->way[counting->way],
				      &first->way[0].word, seen, counting);
}

/* ---- count ---- */

/* Return: 0; -EDQUOT: it is at its most; -ESTALE: it is another key's by now; -EAGAIN: a lost race */
static inline __attribute__((always_inline)) int
conntrack_counted_raise(struct conntrack_counted *counted, __u32 ref, const _Bool always)
{
	__u64 word = conntrack_counted_word(counted);

	if ((word >> CONNTRACK_COUNTED_GEN_SHIFT & 0xff) != ref >> CONNTRACK_REF_GEN_SHIFT ||
	    word & CONNTRACK_COUNTED_CLAIMED)
		return -ESTALE;
	if (!always && (__u32)word >= counted->most)
		return -EDQUOT;
	return __sync_val_compare_and_swap(&counted->word, word, word + 1) == word ? 0 : -EAGAIN;
}

/* Who holds a reference that was raised keeps the entry from becoming another's */
static inline __attribute__((always_inline)) void
conntrack_counted_lower(struct conntrack_counted *counted)
{
	__sync_fetch_and_sub(&counted->word, 1);
}

#endif
