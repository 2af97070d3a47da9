// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * classify.bpf.c - lib/classify.h on keys from a table: what came of each goes into another
 *
 * A run takes the next key (element 0 of 'cursor'). An extension's condition holds if its first
 * byte says so.
 */
#include <shunt/abi.h>
#include <shunt/packet.h>
#include <shunt/lib/ctx.h>

#define KEYS	16384

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(value_size, 4096);	/* set before load */
	__uint(key_size, 4);
	__uint(map_flags, BPF_F_MMAPABLE);
} image_map SEC(".maps");

int holds(shunt_ctx *ctx, __u32 index);
static __always_inline const void *image_get(void);
#define CLASSIFY_SHAPE			shape
#define CLASSIFY_IMAGE()		image_get()
#define CLASSIFY_HOLDS(ctx, index)	holds(ctx, index)
#include <shunt/lib/classifier.h>
const volatile struct classifier_shape shape = {};
#include <shunt/lib/classify.h>

static __always_inline const void *image_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&image_map, &zero);
}

const volatile struct {
	__u32	family6;
	__u32	above;
	__u32	idle;			/* take the key alone */
} conf = {};

struct test_key {
	struct classify_key key;
	__u32 prio, ref;		/* found */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KEYS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct test_key);
} keys SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u32[2]);	/* next key, their number less 1 (of a power of 2) */
} cursor SEC(".maps");

__noinline int holds(shunt_ctx *ctx, __u32 index)
{
	__u32 zero = 0;
	const __u8 *image = bpf_map_lookup_elem(&image_map, &zero);
	__u64 i = index;

	if (!image || !ctx)
		return 0;
	barrier_var(i);
	if (i >= shape.exts + 2 * CLASSIFIER_VIEW_EXTS)
		return 0;
	return image[shape.ext_off + i * 8];
}

SEC(SHUNT_SECTION)
int classify_test(shunt_ctx *ctx)
{
	struct classify_found found = { CLASSIFIER_NONE, 0 };
	struct test_key *test;
	__u32 zero = 0, at, *next;
	const void *image;

	next = bpf_map_lookup_elem(&cursor, &zero);
	image = bpf_map_lookup_elem(&image_map, &zero);
	if (!next || !image)
		return -1;
	at = next[0]++ & next[1];
	test = bpf_map_lookup_elem(&keys, &at);
	if (!test)
		return -1;
	if (!conf.idle) {
		if (conf.family6)
			found = classify(ctx, image, 1, &test->key, conf.above);
		else
			found = classify(ctx, image, 0, &test->key, conf.above);
	}
	test->prio = found.prio;
	test->ref = found.ref;
	return 0;
}

char shunt_license[] SEC("license") = "Dual BSD/GPL";
