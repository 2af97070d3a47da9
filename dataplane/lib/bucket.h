/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * bucket.h - token buckets without a lock
 *
 * DOC: The virtual scheduling form of the generic cell rate algorithm (ITU-T
 * I.371, annex A): a bucket is one 64-bit time, that at which the next token is due,
 * moved by compare-and-swap, so that CPUs need no lock and a rate holds over all of them.
 * 0 is a full bucket.
 *
 * The time is in ns where a token takes long, which never wraps; where it takes little, in
 * 1/256 ns, which does every 833 days: what lies too far ahead is from before. Bit 0 tells
 * which, so that a bucket whose rate changes is a full one, not one that is due next year.
 */
#ifndef SHUNT_LIB_BUCKET_H
#define SHUNT_LIB_BUCKET_H

#include <shunt/module.h>

#define SHUNT_BUCKET_STEP_BITS	16		/* a step is in 1/65536 ns */
#define SHUNT_BUCKET_FINE	(1ULL << 24)	/* a token takes less than 256 ns */
#define SHUNT_BUCKET_FINE_BITS	8
#define SHUNT_BUCKET_FOREVER	(1ULL << 62)	/* 146 years */
#define SHUNT_BUCKET_TOKENS_MAX	(1U << 20)	/* at once: no packet has more bytes */
#define SHUNT_BUCKET_TRIES	8		/* lost races before a packet counts as over */

/* Tokens (below 1 << 32) to time, in ns << @shift */
static __always_inline __u64 shunt_bucket_time(__u64 tokens, __u64 step, __u32 shift)
{
	if (step < 1ULL << 31)
		return tokens * step >> (SHUNT_BUCKET_STEP_BITS - shift);
	step >>= SHUNT_BUCKET_STEP_BITS;	/* @shift is 0 */
	if (step >= 1ULL << 31 && tokens > SHUNT_BUCKET_FOREVER / step)
		return SHUNT_BUCKET_FOREVER;
	return tokens * step;
}

/**
 * shunt_bucket_take() - Take tokens, unless the bucket is empty
 * @bucket:	In a table; 8 bytes aligned
 * @tokens:	1, or bytes of the packet; at most SHUNT_BUCKET_TOKENS_MAX. A bucket that is not
 *		empty gives them, however many: no packet is too large for ever
 * @step:	Time between tokens, in 1/65536 ns
 * @burst:	Tokens beyond the rate that may be taken at once; below 1 << 32
 * Return: whether they were taken
 */
static __always_inline bool shunt_bucket_take(__u64 *bucket, __u64 tokens, __u64 step, __u64 burst,
					      __u64 now_ns)
{
	bool fine = step < SHUNT_BUCKET_FINE;
	__u32 shift = fine ? SHUNT_BUCKET_FINE_BITS : 0;
	__u64 cost = (shunt_bucket_time(tokens, step, shift) + 1) & ~1ULL;
	__u64 slack = shunt_bucket_time(burst, step, shift);
	__u64 far = fine ? slack + shunt_bucket_time(SHUNT_BUCKET_TOKENS_MAX, step, shift) : ~0ULL;
	__u64 now = (now_ns << shift) & ~1ULL, was, ahead;
	int i;

	for (i = 0; i < SHUNT_BUCKET_TRIES; i++) {
		was = *(volatile __u64 *)bucket;
		ahead = (was & ~1ULL) - now;
		if ((was & 1) != fine || (__s64)ahead < 0 || ahead > far)
			ahead = 0;
		if (ahead > slack)
			return false;
		if (__sync_val_compare_and_swap(bucket, was, (now + ahead + cost) | fine) == was)
			return true;
	}
	return false;
}

#define SHUNT_BUCKET_NSEC_PER_SEC	1000000000ULL
#define SHUNT_BUCKET_BURST_MAX		0xffffffffULL

/* One token of a bucket that gets @rate of them a second */
static __always_inline bool shunt_bucket_one(__u64 *bucket, __u64 rate, __u64 burst, __u64 now_ns)
{
	__u64 step = (SHUNT_BUCKET_NSEC_PER_SEC << SHUNT_BUCKET_STEP_BITS) / (rate ?: 1);

	if (burst > SHUNT_BUCKET_BURST_MAX)
		burst = SHUNT_BUCKET_BURST_MAX;
	return shunt_bucket_take(bucket, 1, step, burst, now_ns);
}

static __always_inline __be32 shunt_prefix_mask(__u32 word, __u32 bits)
{
	__u32 from = word * 32;

	if (bits <= from)
		return 0;
	if (bits >= from + 32)
		return ~0U;
	return bpf_htonl(~0U << (from + 32 - bits));
}

/* An address's prefix, of @len4 or @len6 bits; of what is no IP: none, zeroes */
static __always_inline void shunt_prefix(const struct shunt_addr *addr, __u32 l3, __u32 len4,
					 __u32 len6, struct shunt_addr *ret)
{
	*ret = (struct shunt_addr){};
	if (l3 == 4) {
		ret->v4_prefix[2] = addr->v4_prefix[2];
		ret->v4 = addr->v4 & shunt_prefix_mask(0, len4);
	} else if (l3 == 6) {
		ret->word[0] = addr->word[0] & shunt_prefix_mask(0, len6);
		ret->word[1] = addr->word[1] & shunt_prefix_mask(1, len6);
		ret->word[2] = addr->word[2] & shunt_prefix_mask(2, len6);
		ret->word[3] = addr->word[3] & shunt_prefix_mask(3, len6);
	}
}

#endif
