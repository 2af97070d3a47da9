// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * limit.bpf.c - let through at most so many packets a second, in all or for each source prefix
 * reads: L3 saddr   tables: limit_bucket   cost: one lookup, one clock read, one atomic
 *
 * DOC: The virtual scheduling form of the generic cell rate algorithm (ITU-T
 * I.371, annex A): a bucket is one 64-bit time, changed by compare-and-swap, so
 * that CPUs need no lock and a rate holds over all of them.
 */
#include <shunt/module.h>

SHUNT_MODULE("limit", SHUNT_HOOK_ANY, SHUNT_DEPTH_L3, "packet rate, in all or per source prefix");
SHUNT_EDGE(next);
SHUNT_EDGE(over, SHUNT_FAIL_CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_RATE);

SHUNT_CONFIG(__u64, rate_pps, 1000, "packets per second, 1 to 1000000000");
SHUNT_CONFIG(__u64, burst_pkts, 100, "packets that may come at once, above the rate");
SHUNT_CONFIG(__u8, prefix4, 32, "IPv4: bits of the source that share a bucket; 0: all sources share one");
SHUNT_CONFIG(__u8, prefix6, 64, "IPv6: the same, 0 to 128");

#define NSEC_PER_SEC	1000000000ULL
#define BURST_MAX	(1ULL << 32)	/* at a packet a second it is still no overflow */
#define TRIES		8	/* lost races before a packet counts as over */

struct limit_key {
	struct shunt_addr prefix;
	__u32	l3;			/* 4 or 6; 0: not IP, one bucket for all */
};

struct limit_bucket {
	__u64	due_ns;			/* CLOCK_MONOTONIC: when the next packet is due, on time */
};

SHUNT_TABLE(limit_bucket, LRU_HASH, struct limit_key, struct limit_bucket, 65536);

static __always_inline __be32 limit_mask(__u32 word, __u32 bits)
{
	__u32 from = word * 32;

	if (bits <= from)
		return 0;
	if (bits >= from + 32)
		return ~0U;
	return bpf_htonl(~0U << (from + 32 - bits));
}

static __always_inline void limit_key_set(struct limit_key *key, const struct shunt_packet *pkt)
{
	key->l3 = pkt->l3;
	if (pkt->l3 == 4) {
		key->prefix.v4_prefix[2] = pkt->saddr.v4_prefix[2];
		key->prefix.v4 = pkt->saddr.v4 & limit_mask(0, prefix4);
	} else if (pkt->l3 == 6) {
		key->prefix.word[0] = pkt->saddr.word[0] & limit_mask(0, prefix6);
		key->prefix.word[1] = pkt->saddr.word[1] & limit_mask(1, prefix6);
		key->prefix.word[2] = pkt->saddr.word[2] & limit_mask(2, prefix6);
		key->prefix.word[3] = pkt->saddr.word[3] & limit_mask(3, prefix6);
	}
}

static __always_inline bool limit_take(struct limit_bucket *bucket, __u64 now)
{
	__u64 burst = burst_pkts < BURST_MAX ? burst_pkts : BURST_MAX;
	__u64 step = NSEC_PER_SEC / (rate_pps ?: 1), slack = step * burst;
	__u64 due, start;
	int i;

	for (i = 0; i < TRIES; i++) {
		due = *(volatile __u64 *)&bucket->due_ns;
		start = due > now ? due : now;
		if (start - now > slack)
			return false;
		if (__sync_val_compare_and_swap(&bucket->due_ns, due, start + step) == due)
			return true;
	}
	return false;
}

SHUNT_NODE(ctx, pkt)
{
	struct limit_key key = {};
	struct limit_bucket fresh = {}, *bucket;

	limit_key_set(&key, pkt);
	bucket = bpf_map_lookup_elem(&limit_bucket, &key);
	if (!bucket) {
		bpf_map_update_elem(&limit_bucket, &key, &fresh, BPF_NOEXIST);
		bucket = bpf_map_lookup_elem(&limit_bucket, &key);
	}
	if (!bucket)		/* no room, and nothing to evict */
		return SHUNT_GO(over);
	return limit_take(bucket, shunt_now_ns(pkt)) ? SHUNT_GO(next) : SHUNT_GO(over);
}
