/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * conntrack_hash.h - where in the flow table a key lies: programs and user space alike
 *
 * DOC: The hash is NH of Black, Halevi, Krawczyk, Krovetz, Rogaway, 'UMAC: Fast and Secure
 * Message Authentication' (1999): words are added to words of the seed in pairs, pairs are
 * multiplied, products are added. Two keys, whatever they are, have the same sum for one seed in 2^32:
 * who chooses addresses and ports, but does not know the seed, cannot choose a bucket.
 * A sum's bits are not all alike; xor-shift and multiplication, a bijection, make them so.
 *
 * First bucket: high bits of the low half, by multiplication and shift (Lemire, 'Fast Random Integer
 * Generation in an Interval', 2019). Tag: its lowest 8 bits. Second bucket: the high half,
 * whose lowest 8 bits choose the slot that the flow has if it was free when it came.
 *
 * A bucket's word is searched for a tag in all bytes at once: no branch, no loop. Slot 'way' is
 * byte 'way', the lowest is 0; the highest is not a slot.
 */
#ifndef SHUNT_LIB_CONNTRACK_HASH_H
#define SHUNT_LIB_CONNTRACK_HASH_H

#include "conntrack.h"

#define CONNTRACK_HASH_MIX	0x9e3779b97f4a7c15ULL	/* 2^64 / golden ratio */
#define CONNTRACK_TAG_BITS	8
#define CONNTRACK_SPILL_SHIFT	(CONNTRACK_WAYS * CONNTRACK_TAG_BITS)
#define CONNTRACK_SPILL_MAX	255		/* and not known */
#define CONNTRACK_WAY_HIGH	0x0080808080808080ULL	/* the highest bit of each slot's byte */
#define CONNTRACK_WAY_ONE	0x0001010101010101ULL
#define CONNTRACK_WAY_LOW	0x007f7f7f7f7f7f7fULL

static inline __attribute__((always_inline)) __u64 conntrack_hash_end(__u64 sum)
{
	sum ^= sum >> 32;
	sum *= CONNTRACK_HASH_MIX;
	sum ^= sum >> 29;
	sum *= CONNTRACK_HASH_MIX;
	return sum ^ sum >> 32;
}

/* Both words of a pair of 32 bits, plus a pair of the seed; sums of 32 bits */
static inline __attribute__((always_inline)) __u64 conntrack_hash_pair(__u32 a, __u32 b, __u64 seed)
{
	return (__u64)(__u32)(a + (__u32)seed) * (__u32)(b + (__u32)(seed >> 32));
}

static inline __attribute__((always_inline)) __u64
conntrack_hash4(const struct conntrack_key4 *key, __u64 seed0, __u64 seed1)
{
	__u32 w[4];

	__builtin_memcpy(w, key, sizeof(w));
	return conntrack_hash_end(conntrack_hash_pair(w[0], w[2], seed0) +
				  conntrack_hash_pair(w[1], w[3], seed1));
}

/* More seed than there is: the further pairs have it multiplied, which keeps them apart */
static inline __attribute__((always_inline)) __u64
conntrack_hash6(const struct conntrack_key6 *key, __u64 seed0, __u64 seed1)
{
	__u64 seed2 = (seed0 ^ seed1 >> 32) * CONNTRACK_HASH_MIX;
	__u64 seed3 = (seed1 ^ seed0 >> 32) * CONNTRACK_HASH_MIX;
	__u64 seed4 = (seed2 ^ seed3 >> 29) * CONNTRACK_HASH_MIX;
	__u32 w[10];

	__builtin_memcpy(w, key, sizeof(w));
	return conntrack_hash_end(conntrack_hash_pair(w[0], w[1], seed0) +
				  conntrack_hash_pair(w[2], w[3], seed1) +
				  conntrack_hash_pair(w[4], w[5], seed2) +
				  conntrack_hash_pair(w[6], w[7], seed3) +
				  conntrack_hash_pair(w[8], w[9], seed4));
}

static inline __attribute__((always_inline)) __u32
conntrack_first_bucket(__u64 hash, __u32 buckets)
{
	return (__u64)(__u32)hash * buckets >> 32;
}

/* Another one than @first, if there are two */
static inline __attribute__((always_inline)) __u32
conntrack_second_bucket(__u64 hash, __u32 first, __u32 buckets)
{
	__u32 second = first + 1 + (__u32)((hash >> 32) * (buckets - 1) >> 32);

	return second >= buckets ? second - buckets : second;
}

static inline __attribute__((always_inline)) __u64 conntrack_tag(__u64 hash)
{
	__u64 tag = hash & 0xff;

	return tag ? tag : 1;		/* 0: the slot is free */
}

/* The slot that is looked at first, and taken first, in either bucket */
static inline __attribute__((always_inline)) __u32 conntrack_way(__u64 hash)
{
	return (hash >> 32 & 0xff) * CONNTRACK_WAYS >> 8;
}

/* The highest bit of each slot's byte that is 0; exact, hence without borrows between bytes */
static inline __attribute__((always_inline)) __u64 conntrack_word_free(__u64 word)
{
	return ~(((word & CONNTRACK_WAY_LOW) + CONNTRACK_WAY_LOW) | word) & CONNTRACK_WAY_HIGH;
}

/* The same of each slot that has @tag */
static inline __attribute__((always_inline)) __u64 conntrack_word_find(__u64 word, __u64 tag)
{
	return conntrack_word_free(word ^ tag * CONNTRACK_WAY_ONE);
}

/* Number of slots in a mask as above */
static inline __attribute__((always_inline)) __u32 conntrack_word_count(__u64 mask)
{
	return (mask >> 7) * CONNTRACK_WAY_ONE >> 48 & 0xff;
}

/* The lowest slot of a mask as above, which has one: the bits below it, counted by bytes */
static inline __attribute__((always_inline)) __u32 conntrack_word_way(__u64 mask)
{
	return conntrack_word_count((mask - 1) & ~mask & CONNTRACK_WAY_HIGH);
}

/* The slot to take, of a mask of free ones: that which is looked at first, if it is one of them */
static inline __attribute__((always_inline)) __u32 conntrack_word_choose(__u64 mask, __u32 way)
{
	return mask & 0x80ULL << way * CONNTRACK_TAG_BITS ? way : conntrack_word_way(mask);
}

static inline __attribute__((always_inline)) __u64 conntrack_word_get(__u64 word, __u32 way)
{
	return word >> way * CONNTRACK_TAG_BITS & 0xff;
}

/* @word with @tag, or 0, in slot @way */
static inline __attribute__((always_inline)) __u64
conntrack_word_put(__u64 word, __u32 way, __u64 tag)
{
	__u32 shift = way * CONNTRACK_TAG_BITS;

	return (word & ~(0xffULL << shift)) | tag << shift;
}

static inline __attribute__((always_inline)) __u32 conntrack_word_spilled(__u64 word)
{
	return word >> CONNTRACK_SPILL_SHIFT;
}

/*
 * @word with one more flow that spilled, or one less; where the number is not known, it stays so.
 * Never below 0: who takes out a flow may be faster than who counts it in
 */
static inline __attribute__((always_inline)) __u64 conntrack_word_spill(__u64 word, __s64 by)
{
	if (conntrack_word_spilled(word) == CONNTRACK_SPILL_MAX ||
	    (by < 0 && !conntrack_word_spilled(word)))
		return word;
	return word + ((__u64)by << CONNTRACK_SPILL_SHIFT);
}

/*
 * Ends in a key's order: is the source the second one? Numbers in host order, address first.
 * Equal ends are in order.
 */
static inline __attribute__((always_inline)) __u32 conntrack_host32(__be32 value)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap32(value);
#else
	return value;
#endif
}

static inline __attribute__((always_inline)) __u32 conntrack_host16(__be16 value)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap16(value);
#else
	return value;
#endif
}

static inline __attribute__((always_inline)) _Bool
conntrack_is_second4(__be32 saddr, __be16 sport, __be32 daddr, __be16 dport)
{
	__u64 source = (__u64)conntrack_host32(saddr) << 16 | conntrack_host16(sport);
	__u64 target = (__u64)conntrack_host32(daddr) << 16 | conntrack_host16(dport);

	return source > target;
}

static inline __attribute__((always_inline)) _Bool
conntrack_is_second6(const struct shunt_addr *saddr, __be16 sport,
		     const struct shunt_addr *daddr, __be16 dport)
{
	for (int i = 0; i < 4; i++) {
		__u32 source = conntrack_host32(saddr->word[i]);
		__u32 target = conntrack_host32(daddr->word[i]);

		if (source != target)
			return source > target;
	}
	return conntrack_host16(sport) > conntrack_host16(dport);
}

#endif
