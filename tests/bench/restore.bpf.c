// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * restore.bpf.c - the frame as it was, in bytes and length, then on to a program
 *
 * BPF_PROG_TEST_RUN feeds a program its own output. So what changes a frame is measured with the
 * same one each time; the floor is this in front of an empty program.
 */
#include <shunt/lib/ctx.h>

#include "restore.h"

const volatile __u32 restore_len = 64;	/* of the frame: 8 to RESTORE_MAX */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct restore_frame);
} restore_frame SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} restore_to SEC(".maps");

SEC(SHUNT_SECTION)
int bench_restore(shunt_ctx *ctx)
{
	struct restore_frame *frame;
	__u32 zero = 0, i;
	void *to;

	frame = bpf_map_lookup_elem(&restore_frame, &zero);
	if (!frame || shunt_resize(ctx, restore_len))
		return SHUNT_VERDICT_DROP;
	to = (void *)(long)ctx->data;
	if (to + restore_len > (void *)(long)ctx->data_end)
		return SHUNT_VERDICT_DROP;
	/* Words, so that what reads them finds them whole; the last one is written over in part */
#pragma clang loop unroll(full)
	for (i = 0; i < RESTORE_MAX / 8; i++)
		if (restore_len >= (i + 1) * 8)
			*(__u64 *)(to + i * 8) = frame->word[i];
	if (restore_len >= 8 && restore_len <= RESTORE_MAX)
		*(__u64 *)(to + restore_len - 8) = *(__u64 *)((void *)frame + restore_len - 8);
	bpf_tail_call(ctx, &restore_to, 0);
	return SHUNT_VERDICT_DROP;
}

char shunt_license[] SEC("license") = "Dual BSD/GPL";
