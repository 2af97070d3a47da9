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

#include <shunt/lib/set.h>

/* First page of each static set; 0: none */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SHUNT_SETS_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} shunt_sets SEC(".maps");

struct shunt_set_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct shunt_set_page));
};

/* Pages of a set follow each other */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, SHUNT_SET_PAGES_MAX);
	__uint(key_size, sizeof(__u32));
	__array(values, struct shunt_set_inner);
} shunt_set_pages SEC(".maps");

typedef __u32 shunt_set_ref;	/* first page */

/* Line of a set; NULL: there is no such page */
static __always_inline const void *shunt_set_at(shunt_set_ref first, __u32 index)
{
	/* index / 496, exact below 2^25 */
	__u32 page = (__u64)(index >> 4) * ((1ULL << 32) / 31 + 1) >> 32, number = first + page;
	const struct shunt_set_page *lines;
	__u32 zero = 0;
	void *inner;

	inner = bpf_map_lookup_elem(&shunt_set_pages, &number);
	if (!inner)
		return NULL;
	lines = bpf_map_lookup_elem(inner, &zero);
	if (!lines)
		return NULL;
	index -= page * SHUNT_SET_PAGE_LINES;
	barrier_var(index);		/* Linux 6.1 must see the bound on what is added */
	if (index >= SHUNT_SET_PAGE_LINES)
		return NULL;
	return &lines->line[index];
}

#include <shunt/lib/set_walk.h>

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
 * @slot:	Of shunt_sets; one without a set is an empty set
 * @key:	All of it: unused words are 0
 */
static __always_inline bool shunt_set_has(__u32 slot, const struct shunt_set_key *key)
{
	const volatile __u64 *first = bpf_map_lookup_elem(&shunt_sets, &slot);
	shunt_set_ref set = first ? *first : 0;		/* once */

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
	struct shunt_set_key copy = *key;	/* see shunt_dset_add() */
	struct shunt_dset_conf *conf;
	struct shunt_set_value *value;

	if (!set)
		return false;
	value = bpf_map_lookup_elem(set, &copy);
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
	struct shunt_set_key copy = *key;	/* Linux 6.1: no map key from a function's argument */
	bool expired;
	long r = -2;	/* ENOENT */

	if (!set || !conf)
		goto full;
	if (!timeout_ns)
		timeout_ns = conf->timeout_ns;
	fresh.expires_ns = timeout_ns ? now_ns + timeout_ns : 0;
	fresh.timeout_ns = timeout_ns;
	value = bpf_map_lookup_elem(set, &copy);
	if (!value) {
		r = bpf_map_update_elem(set, &copy, &fresh, BPF_NOEXIST);
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
