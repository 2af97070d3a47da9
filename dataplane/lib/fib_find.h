/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * fib_find.h - forwarding tables as maps
 *
 * Inner maps are described without BTF, as lib/set_find.h's. Whoever makes the maps gives
 * 'fib_tables' as many entries as there are tables.
 */
#ifndef SHUNT_LIB_FIB_FIND_H
#define SHUNT_LIB_FIB_FIND_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include <shunt/lib/fib.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct fib_table);
} fib_tables SEC(".maps");

struct fib_page_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct fib_page));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, FIB_PAGES_MAX);
	__uint(key_size, sizeof(__u32));
	__array(values, struct fib_page_inner);
} fib_pages SEC(".maps");

/* The maps are all there is to name: programs pass anything */
typedef __u32 fib_ref;

static __always_inline const struct fib_page *fib_page_at(fib_ref fib, __u32 number)
{
	void *inner = bpf_map_lookup_elem(&fib_pages, &number);
	__u32 zero = 0;

	return inner ? bpf_map_lookup_elem(inner, &zero) : NULL;
}

static __always_inline const struct fib_table *fib_table_at(fib_ref fib, __u32 number)
{
	return bpf_map_lookup_elem(&fib_tables, &number);
}

#define FIB_FUNCTION	__noinline
#include <shunt/lib/fib_walk.h>

#endif
