/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * lb_flow.h - flows that are remembered: where to find one, whom to forget for it
 *
 * DOC: No locks: a flow is one word. It is found by its tag, and has gone by itself once it was not
 * seen for the drain time. A new one takes a free place of its bucket, or that which was not seen
 * for the longest time. Who loses a race against another new flow tries the next place.
 *
 * CPUs do not agree on the tick when it changes: one that another CPU saw a tick later is as new
 * as can be.
 */
#ifndef SHUNT_LIB_LB_FLOW_H
#define SHUNT_LIB_LB_FLOW_H

#include <shunt/lib/lb_find.h>
#include <shunt/lib/lb_hash.h>

#define LB_AGE_GONE	0x10000		/* more than any age */
#define LB_AGE_SAME	0x20000

static __always_inline __u16 lb_tick(void)
{
	return bpf_ktime_get_coarse_ns() >> LB_TICK_SHIFT;
}

static __always_inline struct lb_bucket *lb_flow_at(__u64 key)
{
	__u32 at = lb_flow_bucket(key, lb_buckets);

	return bpf_map_lookup_elem(&lb_flows, &at);
}

static __always_inline __u64 lb_flow_read(const struct lb_bucket *bucket, __u32 way)
{
	return *(const volatile __u64 *)&bucket->word[way];
}

/* In ticks, one more than there were; above the drain time + 1: it has gone */
static __always_inline __u32 lb_flow_age(__u64 word, __u16 tick)
{
	return (__u16)(tick + 1 - (__u16)word);
}

/* Return: the backend that a flow is remembered with; 0: it is not */
static __always_inline __u32 lb_flow_find(struct lb_bucket *bucket, __u32 tag, __u16 tick,
					  __u32 drain)
{
	__u64 word = 0;
	__u32 i;

#pragma clang loop unroll(full)
	for (i = 0; i < LB_WAYS; i++) {
		word = lb_flow_read(bucket, i);
		if (word >> 32 != tag || !word || lb_flow_age(word, tick) > drain + 1)
			continue;
		if ((__u16)word != tick)	/* whoever changed it meanwhile knows better */
			__sync_val_compare_and_swap(&bucket->word[i], word,
						    (word & ~0xffffULL) | tick);
		return word >> 16 & 0xffff;
	}
	return 0;
}

/*
 * 1: @a is less than @b, both below 2^63; else 0. By sums: no CPU can foresee which place of
 * a bucket it will be, and to the verifier eight comparisons are 2^8 cases. (To find a flow they
 * are not worth it: there the place is guessed, and worked with while the bucket is on its way.)
 */
static __always_inline __u64 lb_flow_less(__u64 a, __u64 b)
{
	__u64 diff = a - b;

	barrier_var(diff);	/* else the compiler compares */
	return diff >> 63;
}

/* 1: @word is a flow with this tag; free places have no backend */
static __always_inline __u64 lb_flow_is(__u64 word, __u32 tag)
{
	return lb_flow_less((word >> 32) ^ tag, 1) & lb_flow_less(0, (__u32)word);
}

/* What a place is worth for a new flow, and which it is */
static __always_inline __u64 lb_flow_worth(__u64 word, __u32 tag, __u16 tick, __u32 drain,
					   __u32 way)
{
	__u64 age = lb_flow_age(word, tick);
	__u64 gone = lb_flow_less((__u64)drain + 1, age) | lb_flow_less((__u32)word, 1);

	age += gone * LB_AGE_GONE + lb_flow_is(word, tag) * LB_AGE_SAME;
	return age * LB_WAYS + way;
}

static __always_inline __u64 lb_flow_best(const struct lb_bucket *bucket, __u32 tag, __u16 tick,
					  __u32 drain)
{
	__u64 best = 0, worth;
	__u32 i;

#pragma clang loop unroll(full)
	for (i = 0; i < LB_WAYS; i++) {
		worth = lb_flow_worth(lb_flow_read(bucket, i), tag, tick, drain, i);
		best ^= (best ^ worth) & (0 - lb_flow_less(best, worth));
	}
	return best;
}

/* Return: whether it is in. @ret_best: of the place that it took, or lost to another new flow */
static __always_inline bool lb_flow_try(struct lb_bucket *bucket, __u32 tag, __u32 backend,
					__u16 tick, __u32 drain, __u64 *ret_best)
{
	__u64 best = lb_flow_best(bucket, tag, tick, drain), was;
	__u32 way = best % LB_WAYS;

	*ret_best = best;
	was = lb_flow_read(bucket, way);
	return lb_flow_worth(was, tag, tick, drain, way) == best &&
	       __sync_val_compare_and_swap(&bucket->word[way], was,
					   LB_FLOW(tag, backend, tick)) == was;
}

/* Three times at most. Return: whether another flow was forgotten for it */
static __always_inline bool lb_flow_put(struct lb_bucket *bucket, __u32 tag, __u32 backend,
					__u16 tick, __u32 drain)
{
	__u64 best;

	if (!lb_flow_try(bucket, tag, backend, tick, drain, &best) &&
	    !lb_flow_try(bucket, tag, backend, tick, drain, &best))
		lb_flow_try(bucket, tag, backend, tick, drain, &best);
	return best / LB_WAYS < LB_AGE_GONE;
}

#endif
