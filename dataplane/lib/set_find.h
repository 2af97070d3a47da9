/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * set_find.h - tables of sets, and what a program asks of them
 *
 * Inner maps are described without BTF: Linux 6.1 refuses one that has it beside a template that
 * has not, and the other way round. control/kernel/sets.c makes all of them.
 */
#ifndef SHUNT_LIB_SET_FIND_H
#define SHUNT_LIB_SET_FIND_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define shunt_set_at(set_, index_)					\
	({								\
		__u32 index__ = (index_);				\
									\
		bpf_map_lookup_elem(set_, &index__);			\
	})

#include <shunt/lib/set_walk.h>

struct shunt_set_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, SHUNT_SET_LINE);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, SHUNT_SETS_MAX);
	__uint(key_size, sizeof(__u32));
	__array(values, struct shunt_set_inner);
} shunt_sets SEC(".maps");

struct shunt_dset_inner {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(key_size, sizeof(struct shunt_set_key));
	__uint(value_size, sizeof(struct shunt_set_value));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, SHUNT_SETS_MAX);
	__uint(key_size, sizeof(__u32));
	__array(values, struct shunt_dset_inner);
} shunt_dsets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SHUNT_SETS_MAX);
	__type(key, __u32);
	__type(value, struct shunt_dset_conf);
} shunt_dset_conf SEC(".maps");

/* Elements that did not fit, by slot */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SHUNT_SETS_MAX);
	__type(key, __u32);
	__type(value, __u64);
} shunt_dset_full SEC(".maps");

/**
 * shunt_set_has() - Is a key in a static set?
 * @slot:	Of shunt_sets; an empty one is an empty set
 * @key:	All of it: unused words are 0
 */
static __always_inline bool shunt_set_has(__u32 slot, const struct shunt_set_key *key)
{
	void *set = bpf_map_lookup_elem(&shunt_sets, &slot);

	return set && shunt_set_walk(set, key);
}

/**
 * shunt_dset_has() - Is a key in a dynamic set?
 * An expired element is not, whether or not it has been collected.
 * @now_ns:	CLOCK_MONOTONIC
 * @len:	Bytes of the packet, where the set counts
 */
static __always_inline bool shunt_dset_has(__u32 slot, const struct shunt_set_key *key,
					   __u64 now_ns, __u32 len)
{
	void *set = bpf_map_lookup_elem(&shunt_dsets, &slot);
	struct shunt_dset_conf *conf;
	struct shunt_set_value *value;

	if (!set)
		return false;
	value = bpf_map_lookup_elem(set, key);
	if (!value)
		return false;
	if (value->expires_ns && value->expires_ns <= now_ns)
		return false;
	conf = bpf_map_lookup_elem(&shunt_dset_conf, &slot);
	if (conf && conf->counts) {
		__sync_fetch_and_add(&value->packets, 1);
		__sync_fetch_and_add(&value->bytes, len);
	}
	return true;
}

static __always_inline void shunt_dset_count_full(__u32 slot)
{
	__u64 *full = bpf_map_lookup_elem(&shunt_dset_full, &slot);

	if (full)
		(*full)++;
}

/**
 * shunt_dset_add() - Put a key into a dynamic set
 * An element that is there stays as it is; an expired one starts anew.
 * @timeout_ns:	How long it lives; 0: as long as the set says
 * @update:	An element that is there lives on from now
 * Return: 0; else -errno, counted in shunt_dset_full: no room (or no such set)
 */
static __always_inline long shunt_dset_add(__u32 slot, const struct shunt_set_key *key,
					   __u64 timeout_ns, bool update, __u64 now_ns)
{
	struct shunt_dset_conf *conf = bpf_map_lookup_elem(&shunt_dset_conf, &slot);
	void *set = bpf_map_lookup_elem(&shunt_dsets, &slot);
	struct shunt_set_value fresh = {}, *value;
	bool expired;
	long r = -2;	/* ENOENT */

	if (!set || !conf)
		goto full;
	if (!timeout_ns)
		timeout_ns = conf->timeout_ns;
	fresh.expires_ns = timeout_ns ? now_ns + timeout_ns : 0;
	fresh.timeout_ns = timeout_ns;
	value = bpf_map_lookup_elem(set, key);
	if (!value) {
		r = bpf_map_update_elem(set, key, &fresh, BPF_NOEXIST);
		if (!r || r == -17)	/* EEXIST: another CPU was first */
			return 0;
		goto full;
	}
	expired = value->expires_ns && value->expires_ns <= now_ns;
	if (expired)
		value->packets = value->bytes = 0;
	if (expired || update) {
		value->timeout_ns = timeout_ns;
		value->expires_ns = fresh.expires_ns;
	}
	return 0;
full:
	shunt_dset_count_full(slot);
	return r;
}

#endif
