/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * conntrack_table.h - the flow table for programs: find, take out, tell
 *
 * DOC: How it works is said in conntrack.h. Functions with @six are inlined and take it as a
 * constant: key6, flow6 and so on, else key4. Those of a family are global: the verifier looks at
 * each once, whoever calls it, else paths would multiply.
 */
#ifndef SHUNT_LIB_CONNTRACK_TABLE_H
#define SHUNT_LIB_CONNTRACK_TABLE_H

#include <linux/errno.h>

#include <shunt/lib/ctx.h>
#include <shunt/lib/conntrack_counted.h>
#include <shunt/lib/conntrack_hash.h>
#include <shunt/lib/conntrack_state.h>

#define CONNTRACK_TRIES		4	/* lost races before a packet gives up */

#define CONNTRACK_ARRAY(name_, value_)					\
	struct {							\
		__uint(type, BPF_MAP_TYPE_ARRAY);			\
		__uint(max_entries, 1);	/* the control plane's business */ \
		__uint(map_flags, BPF_F_MMAPABLE);			\
		__type(key, __u32);					\
		__type(value, value_);					\
	} name_ SEC(".maps")

CONNTRACK_ARRAY(ct_conf, struct conntrack_conf);
CONNTRACK_ARRAY(ct_stats, struct conntrack_stats);
CONNTRACK_ARRAY(ct_tags4, __u64);
CONNTRACK_ARRAY(ct_tags6, __u64);
CONNTRACK_ARRAY(ct_flows4, struct conntrack_flow4);
CONNTRACK_ARRAY(ct_flows6, struct conntrack_flow6);
CONNTRACK_ARRAY(ct_counts4, struct conntrack_counts);
CONNTRACK_ARRAY(ct_counts6, struct conntrack_counts);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ct_events SEC(".maps");

struct conntrack_hit {
	__u64	life;		/* of the flow */
	__u32	slot;		/* of the flow, not of its second entry */
	__u32	second;		/* end 1 of the key that was looked for is the originator */
};

#define conntrack_read(at)	(*(volatile __u64 *)(at))

static __always_inline __u32 conntrack_now(void)
{
	return bpf_jiffies64();
}

static __always_inline struct conntrack_conf *conntrack_conf(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&ct_conf, &zero);
}

static __always_inline __u32 conntrack_timeout(const struct conntrack_conf *conf, __u32 policy,
					       __u32 state)
{
	__u32 at = (policy % CONNTRACK_POLICIES) * 32 + state % 32;

	barrier_var(at);
	return at < CONNTRACK_POLICIES * 32 ? *(&conf->timeout[0][0] + at) : 0;
}

static __always_inline void conntrack_stat(enum conntrack_stat stat)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct conntrack_stats *stats = bpf_map_lookup_elem(&ct_stats, &cpu);

	if (stats)
		stats->n[stat]++;
}

static __always_inline __u64 *conntrack_word(const bool six, __u32 bucket)
{
	return six ? bpf_map_lookup_elem(&ct_tags6, &bucket) :
		     bpf_map_lookup_elem(&ct_tags4, &bucket);
}

static __always_inline struct conntrack_flow4 *conntrack_entry4(__u32 slot)
{
	return bpf_map_lookup_elem(&ct_flows4, &slot);
}

static __always_inline struct conntrack_flow6 *conntrack_entry6(__u32 slot)
{
	return bpf_map_lookup_elem(&ct_flows6, &slot);
}

static __always_inline struct conntrack_flow *conntrack_entry(const bool six, __u32 slot)
{
	if (six)
		return (struct conntrack_flow *)conntrack_entry6(slot);
	return (struct conntrack_flow *)conntrack_entry4(slot);
}

static __always_inline struct conntrack_counts *conntrack_counts(const bool six, __u32 slot)
{
	return six ? bpf_map_lookup_elem(&ct_counts6, &slot) :
		     bpf_map_lookup_elem(&ct_counts4, &slot);
}

static __always_inline __u64 conntrack_hash(const bool six, const void *key,
					    const struct conntrack_conf *conf)
{
	return six ? conntrack_hash6(key, conf->seed[0], conf->seed[1]) :
		     conntrack_hash4(key, conf->seed[0], conf->seed[1]);
}

/* Both families' keys lie behind the common part, in whole words */
static __always_inline bool conntrack_is(const bool six, const struct conntrack_flow *flow,
					 const void *key)
{
	const __u64 *a = (const __u64 *)(flow + 1), *b = key;

	if (!six)
		return a[0] == b[0] && a[1] == b[1];
	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3] && a[4] == b[4];
}

/* ---- events ---- */
static __always_inline void conntrack_event_fill(const bool six, struct conntrack_event *event,
						 const struct conntrack_flow *flow, __u64 life,
						 __u32 slot, __u32 kind)
{
	struct conntrack_counts *counts = conntrack_counts(six, slot);

	event->size = sizeof(*event);
	event->kind = kind;
	event->l3 = six ? 6 : 4;
	event->pad = 0;
	event->slot = slot;
	event->pad2 = 0;
	__builtin_memset(&event->counts, 0, sizeof(event->counts));
	if (counts)
		event->counts = *counts;
	if (six) {
		event->flow6 = *(const struct conntrack_flow6 *)flow;
		event->flow6.flow.life = life;
	} else {
		__builtin_memset(&event->flow6, 0, sizeof(event->flow6));
		event->flow4 = *(const struct conntrack_flow4 *)flow;
		event->flow4.flow.life = life;
	}
}

static __always_inline void conntrack_event_send(const bool six, __u32 slot, __u64 life, __u32 kind)
{
	struct conntrack_flow *flow = conntrack_entry(six, slot);
	struct conntrack_event *event;

	if (!flow)
		return;
	event = bpf_ringbuf_reserve(&ct_events, sizeof(*event), 0);
	if (!event) {
		conntrack_stat(CONNTRACK_STAT_LOST);
		return;
	}
	conntrack_event_fill(six, event, flow, life, slot, kind);
	bpf_ringbuf_submit(event, 0);
}

__noinline int conntrack_event4(__u32 slot, __u64 life, __u32 kind)
{
	conntrack_event_send(false, slot, life, kind);
	return 0;
}

__noinline int conntrack_event6(__u32 slot, __u64 life, __u32 kind)
{
	conntrack_event_send(true, slot, life, kind);
	return 0;
}

/**
 * conntrack_event() - Tell who watches of a flow
 * @life:	As it is to be shown; that in the table may have gone on
 */
static __always_inline void conntrack_event(const bool six, const struct conntrack_conf *conf,
					    __u32 slot, __u64 life, enum conntrack_event_kind kind)
{
	if (!(conf->flags & CONNTRACK_WATCHED))
		return;
	if (six)
		conntrack_event6(slot, life, kind);
	else
		conntrack_event4(slot, life, kind);
}

/* ---- find ---- */

/*
 * The flow of an entry that is there. Return: its life, or 0: the entry has none.
 * @slot: the entry's; becomes the flow's
 */
static __always_inline __u64 conntrack_flow_of(const bool six, struct conntrack_flow **entry,
					       __u64 life, __u32 *slot)
{
	__u32 peer = *slot + 1;

	if (!(conntrack_life_flags(life) & CONNTRACK_PEER))
		return life;
	*slot = (*entry)->other - 1;
	*entry = conntrack_entry(six, *slot);
	if (!*entry || (*entry)->other != peer)
		return 0;
	life = conntrack_read(&(*entry)->life);
	return conntrack_life_flags(life) & CONNTRACK_PEER ? 0 : life;
}

static __always_inline bool conntrack_there(__u64 life, __u32 now)
{
	return conntrack_life_state(life) && !conntrack_life_over(life, now);
}

/*
 * One slot. Life is read on either side of the key: what was another flow meanwhile is not it
 * @flow:	Its entry
 * Return: the flow's entry; NULL: the key has none there
 */
static __always_inline struct conntrack_flow *
conntrack_find_entry(const bool six, const void *key, struct conntrack_flow *flow, __u32 slot,
		     __u32 now, struct conntrack_hit *ret)
{
	__u64 life;

	life = conntrack_read(&flow->life);
	if (!conntrack_life_state(life) || !conntrack_is(six, flow, key) ||
	    (conntrack_read(&flow->life) ^ life) & CONNTRACK_GEN_BITS)
		return NULL;
	ret->second = conntrack_life_flags(life) & CONNTRACK_SECOND;
	life = conntrack_flow_of(six, &flow, life, &slot);
	if (!conntrack_there(life, now))
		return NULL;
	ret->life = life;
	ret->slot = slot;
	return flow;
}

static __always_inline struct conntrack_flow *conntrack_find_at(const bool six, const void *key,
								__u32 slot, __u32 now,
								struct conntrack_hit *ret)
{
	struct conntrack_flow *flow = conntrack_entry(six, slot);

	return flow ? conntrack_find_entry(six, key, flow, slot, now, ret) : NULL;
}

static __always_inline bool conntrack_find_in(const bool six, const void *key, __u32 bucket,
					      __u64 word, __u64 hash, __u32 now,
					      struct conntrack_hit *ret)
{
	__u64 mask = conntrack_word_find(word, conntrack_tag(hash));
	__u32 i;

#pragma clang loop unroll(disable)
	for (i = 0; i < CONNTRACK_WAYS && mask; i++, mask &= mask - 1) {
		if (conntrack_find_at(six, key, bucket * CONNTRACK_WAYS + conntrack_word_way(mask),
				      now, ret))
			return true;
	}
	return false;
}

/* One bucket, in a function of its own: it is many ways for the verifier, and looked at once */
__noinline int conntrack_find_in4(const struct conntrack_key4 *key, __u64 hash, __u32 bucket,
				  __u64 word, struct conntrack_hit *ret)
{
	return key && ret && conntrack_find_in(false, key, bucket, word, hash, conntrack_now(), ret);
}

__noinline int conntrack_find_in6(const struct conntrack_key6 *key, __u64 hash, __u32 bucket,
				  __u64 word, struct conntrack_hit *ret)
{
	return key && ret && conntrack_find_in(true, key, bucket, word, hash, conntrack_now(), ret);
}

static __always_inline bool conntrack_again(const bool six, const void *key, __u64 hash,
					    __u32 bucket, __u64 word, struct conntrack_hit *ret)
{
	if (!conntrack_word_find(word, conntrack_tag(hash)))
		return false;
	return six ? conntrack_find_in6(key, hash, bucket, word, ret) :
		     conntrack_find_in4(key, hash, bucket, word, ret);
}

/**
 * conntrack_find() - The flow of a key, through its second entry, too
 * @six:	Constant: key6, else key4
 * Return: whether there is one
 *
 * The first look is at the slot that the hash names. Where that is does not depend on the word,
 * so the CPU can fetch both lines at a time; from a mask it would have to wait for the first.
 */
static __always_inline bool conntrack_find(const bool six, const void *key,
					   const struct conntrack_conf *conf, __u32 now,
					   struct conntrack_hit *ret)
{
	__u64 hash = conntrack_hash(six, key, conf), *at, word;
	__u32 buckets = conf->buckets[six];
	__u32 bucket = conntrack_first_bucket(hash, buckets), way = conntrack_way(hash);

	at = conntrack_word(six, bucket);
	if (!at)
		return false;
	word = conntrack_read(at);
	if (conntrack_word_get(word, way) == conntrack_tag(hash) &&
	    conntrack_find_at(six, key, bucket * CONNTRACK_WAYS + way, now, ret))
		return true;
	if (conntrack_word_find(word, conntrack_tag(hash)) &&
	    conntrack_again(six, key, hash, bucket, word, ret))
		return true;
	if (!conntrack_word_spilled(conntrack_read(at)))
		return false;
	bucket = conntrack_second_bucket(hash, bucket, buckets);
	at = conntrack_word(six, bucket);
	return at && conntrack_again(six, key, hash, bucket, conntrack_read(at), ret);
}

/* ---- take out ---- */

/* @word's byte @way becomes @tag, and its count of flows that spilled @by more */
static __always_inline void conntrack_word_change(__u64 *at, __u32 way, bool clear, __s64 by)
{
	__u64 word, next;
	int i;

	/* Nobody else changes this byte, and counts must add up: it is not given up early */
#pragma clang loop unroll(disable)
	for (i = 0; i < 16; i++) {
		word = conntrack_read(at);
		next = clear ? conntrack_word_put(word, way, 0) : conntrack_word_spill(word, by);
		if (__sync_val_compare_and_swap(at, word, next) == word)
			return;
	}
	conntrack_stat(CONNTRACK_STAT_BUSY);
}

/* What is left to do for who has taken an entry's life: its tag, and the count if it spilled */
static __always_inline void conntrack_clear(const bool six, struct conntrack_flow *flow,
					    __u32 slot, __u64 life,
					    const struct conntrack_conf *conf)
{
	__u32 bucket = slot / CONNTRACK_WAYS;
	__u64 *at;

	if (conntrack_life_flags(life) & CONNTRACK_SPILLED) {
		at = conntrack_word(six, conntrack_first_bucket(conntrack_hash(six, flow + 1, conf),
								conf->buckets[six]));
		if (at)
			conntrack_word_change(at, 0, false, -1);
	}
	at = conntrack_word(six, bucket);
	if (at)
		conntrack_word_change(at, slot - bucket * CONNTRACK_WAYS, true, 0);
}

static __always_inline bool conntrack_take(struct conntrack_flow *flow, __u64 life)
{
	return __sync_val_compare_and_swap(&flow->life, life, life & CONNTRACK_GEN_BITS) == life;
}

/* The second entry of a flow that is gone, if it still is that flow's */
static __always_inline void conntrack_remove_peer(const bool six, __u32 slot, __u32 other,
						  const struct conntrack_conf *conf)
{
	struct conntrack_flow *peer = conntrack_entry(six, other - 1);
	__u64 life;

	if (!peer)
		return;
	life = conntrack_read(&peer->life);
	if (!(conntrack_life_flags(life) & CONNTRACK_PEER) || peer->other != slot + 1)
		return;
	if (conntrack_take(peer, life))
		conntrack_clear(six, peer, other - 1, life, conf);
}

/* Who has taken a flow, or gives up its own, counts it out while its tag keeps the slot */
static __always_inline void conntrack_uncount(const bool six, const struct conntrack_conf *conf,
					      __u32 slot)
{
	if (!(conf->flags & CONNTRACK_LIMIT))
		return;
	if (six)
		conntrack_count_out6(slot);
	else
		conntrack_count_out4(slot);
}

static __always_inline bool conntrack_remove_at(const bool six, __u32 slot, __u64 life)
{
	struct conntrack_conf *conf = conntrack_conf();
	struct conntrack_flow *flow = conntrack_entry(six, slot);
	__u32 other;

	if (!conf || !flow)
		return false;
	other = flow->other;
	if (!conntrack_take(flow, life))
		return false;
	if (!(conntrack_life_flags(life) & CONNTRACK_PEER)) {
		conntrack_event(six, conf, slot, life, CONNTRACK_EVENT_DESTROY);
		conntrack_stat(CONNTRACK_STAT_GONE);
		conntrack_uncount(six, conf, slot);
		if (other)
			conntrack_remove_peer(six, slot, other, conf);
	}
	conntrack_clear(six, flow, slot, life, conf);
	return true;
}

/**
 * conntrack_remove4() - Take out a flow, with its second entry
 * @slot:	The flow's; of a second entry only if it has no flow
 * @life:	As it was seen
 * Return: 0: it has changed since; 1: it is gone
 */
__noinline int conntrack_remove4(__u32 slot, __u64 life)
{
	return conntrack_remove_at(false, slot, life);
}

__noinline int conntrack_remove6(__u32 slot, __u64 life)
{
	return conntrack_remove_at(true, slot, life);
}

static __always_inline bool conntrack_remove(const bool six, __u32 slot, __u64 life)
{
	return six ? conntrack_remove6(slot, life) : conntrack_remove4(slot, life);
}

#endif
