// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * feed.bpf.c - put the next frame of a table in place of the one given, go on to a program
 *
 * BPF_PROG_TEST_RUN repeats one frame; this makes it as many as the table has.
 */
#include <shunt/lib/ctx.h>

#include "feed.h"

const volatile __u32 feed_mask = 0;	/* frames less 1, a power of 2 less 1 */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FEED_FRAMES);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct feed_frame);
} feed_frames SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} feed_to SEC(".maps");

__u32 feed_next;	/* one CPU feeds */

SEC(SHUNT_SECTION)
int bench_feed(shunt_ctx *ctx)
{
	struct feed_frame *to = (void *)(long)ctx->data, *frame;
	__u32 at = feed_next++ & feed_mask, i;

	frame = bpf_map_lookup_elem(&feed_frames, &at);
	if (!frame || (void *)(to + 1) > (void *)(long)ctx->data_end)
		return SHUNT_VERDICT_DROP;
#pragma clang loop unroll(full)
	for (i = 0; i < FEED_BYTES / 8; i++)
		to->word[i] = frame->word[i];
	bpf_tail_call(ctx, &feed_to, 0);
	return SHUNT_VERDICT_DROP;
}

char shunt_license[] SEC("license") = "Dual BSD/GPL";
