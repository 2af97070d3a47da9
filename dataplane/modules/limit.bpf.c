// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * limit.bpf.c - let through at most so many packets a second, in all or for each source prefix
 * reads: L3 saddr   tables: limit_bucket   cost: one lookup, one clock read, one atomic
 */
#include <shunt/module.h>
#include <shunt/lib/bucket.h>

SHUNT_MODULE("limit", SHUNT_HOOK_ANY, SHUNT_DEPTH_L3, "packet rate, in all or per source prefix");
SHUNT_EDGE(next);
SHUNT_EDGE(over, SHUNT_FAIL_CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_RATE);

SHUNT_CONFIG(__u64, rate_pps, 1000, "packets per second, 1 to 1000000000");
SHUNT_CONFIG(__u64, burst_pkts, 100, "packets that may come at once, above the rate");
SHUNT_CONFIG(__u8, prefix4, 32, "IPv4: bits of the source that share a bucket; 0: all sources share one");
SHUNT_CONFIG(__u8, prefix6, 64, "IPv6: the same, 0 to 128");

#define NSEC_PER_SEC	1000000000ULL
#define BURST_MAX	0xffffffffULL

struct limit_key {
	struct shunt_addr prefix;
	__u32	l3;			/* 4 or 6; 0: not IP, one bucket for all */
};

struct limit_bucket {
	__u64	due;			/* lib/bucket.h: when the next packet is due, on time */
};

SHUNT_TABLE(limit_bucket, LRU_HASH, struct limit_key, struct limit_bucket, 65536);

static __always_inline bool limit_take(struct limit_bucket *bucket, __u64 now)
{
	__u64 step = (NSEC_PER_SEC << SHUNT_BUCKET_STEP_BITS) / (rate_pps ?: 1);

	return shunt_bucket_take(&bucket->due, 1, step,
				 burst_pkts < BURST_MAX ? burst_pkts : BURST_MAX, now);
}

SHUNT_NODE(ctx, pkt)
{
	struct limit_key key = {};
	struct limit_bucket fresh = {}, *bucket;

	key.l3 = pkt->l3;
	shunt_prefix(&pkt->saddr, pkt->l3, prefix4, prefix6, &key.prefix);
	bucket = bpf_map_lookup_elem(&limit_bucket, &key);
	if (!bucket) {
		bpf_map_update_elem(&limit_bucket, &key, &fresh, BPF_NOEXIST);
		bucket = bpf_map_lookup_elem(&limit_bucket, &key);
	}
	if (!bucket)		/* no room, and nothing to evict */
		return SHUNT_GO(over);
	return limit_take(bucket, shunt_now_ns(pkt)) ? SHUNT_GO(next) : SHUNT_GO(over);
}
