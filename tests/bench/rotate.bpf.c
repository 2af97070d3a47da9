// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* rotate.bpf.c - send one frame after the other out of a table, each in place of the frame given */
#include <shunt/lib/ctx.h>

#include "rotate.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ROTATE_FRAMES);
	__type(key, __u32);
	__type(value, struct rotate_frame);
} rotate_frames SEC(".maps");

__u32 rotate_next;	/* one CPU sends */

SEC(SHUNT_SECTION)
int bench_rotate(shunt_ctx *ctx)
{
	struct rotate_frame *to = (void *)(long)ctx->data, *frame;
	__u32 at = rotate_next++ % ROTATE_FRAMES, i;

	frame = bpf_map_lookup_elem(&rotate_frames, &at);
	if (!frame || (void *)(to + 1) > (void *)(long)ctx->data_end)
		return SHUNT_VERDICT_DROP;
	for (i = 0; i < sizeof(frame->word) / sizeof(frame->word[0]); i++)
		to->word[i] = frame->word[i];
	return shunt_tx(ctx);
}

char shunt_license[] SEC("license") = "Dual BSD/GPL";
