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

#define LB_FLOW_TRIES	3
#define LB_AGE_GONE	0x10000		/* older than any */
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

/* In ticks, one more than there were; LB_AGE_GONE: nobody is there */
static __always_inline __u32 lb_flow_age(__u64 word, __u16 tick, __u32 drain)
{
	__u16 age = tick + 1 - (__u16)word;

	return !word || age > drain + 1 ? LB_AGE_GONE : age;
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
		if (word >> 32 != tag || lb_flow_age(word, tick, drain) == LB_AGE_GONE)
			continue;
		if ((__u16)word != tick)	/* whoever changed it meanwhile knows better */
			__sync_val_compare_and_swap(&bucket->word[i], word,
						    (word & ~0xffffULL) | tick);
		return word >> 16 & 0xffff;
	}
	return 0;
}

/*
 * What a place is worth for a new flow, and which it is. A function of its own: the verifier knows
 * nothing of what it returns, and hence has one case where it would have one for each place
 */
__noinline __u32 lb_flow_worth(__u64 word, __u32 tag, __u32 tick, __u32 drain_way)
{
	__u32 age = lb_flow_age(word, tick, drain_way / LB_WAYS);

	if (word && word >> 32 == tag)
		age = LB_AGE_SAME;
	return age * LB_WAYS + drain_way % LB_WAYS;
}

/* Return: whether another flow was forgotten for it */
static __always_inline bool lb_flow_put(struct lb_bucket *bucket, __u32 tag, __u32 backend,
					__u16 tick, __u32 drain)
{
	__u32 i, try, worth, best = 0;
	__u64 was;

	drain = drain < 0xffff ? drain : 0xffff;
#pragma clang loop unroll(disable)
	for (try = 0; try < LB_FLOW_TRIES; try++) {
		best = 0;
#pragma clang loop unroll(disable)
		for (i = 0; i < LB_WAYS; i++) {
			worth = lb_flow_worth(lb_flow_read(bucket, i), tag, tick,
					      drain * LB_WAYS + i);
			best = worth > best ? worth : best;
		}
		i = best % LB_WAYS;
		barrier_var(i);
		if (i >= LB_WAYS)
			break;
		was = lb_flow_read(bucket, i);
		if (lb_flow_worth(was, tag, tick, drain * LB_WAYS + i) == best &&
		    __sync_val_compare_and_swap(&bucket->word[i], was,
						LB_FLOW(tag, backend, tick)) == was)
			break;
	}
	return best / LB_WAYS < LB_AGE_GONE;
}

#endif
