// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * flow.bpf.c - make the frame one of another flow, go on to a program
 *
 * A word of an address tells the flow. It is worked out, not read from a table: that
 * would take the room in the caches which the flows are to have.
 */
#include <shunt/lib/ctx.h>

const volatile __u32 flow_at = 26;	/* of the word, in the frame */
const volatile __u32 flow_n = 1;	/* flows; 0: a new one for each packet */
const volatile __u32 flow_random = 1;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} flow_to SEC(".maps");

__u64 flow_state = 88172645463325252ULL;	/* xorshift64: G. Marsaglia, 2003 */
__u32 flow_next;				/* one CPU sends */

static __always_inline __u32 flow_draw(void)
{
	if (!flow_n)
		return flow_next++;
	if (!flow_random)
		return flow_next++ % flow_n;
	flow_state ^= flow_state << 13;
	flow_state ^= flow_state >> 7;
	flow_state ^= flow_state << 17;
	return (flow_state >> 32) * flow_n >> 32;
}

SEC(SHUNT_SECTION)
int bench_flow(shunt_ctx *ctx)
{
	void *data = (void *)(long)ctx->data;

	if (data + 60 > (void *)(long)ctx->data_end || flow_at > 56)
		return SHUNT_VERDICT_DROP;
	*(__u32 *)(data + flow_at) = bpf_htonl(0x0b000000 + flow_draw());
	bpf_tail_call(ctx, &flow_to, 0);
	return SHUNT_VERDICT_DROP;
}

char shunt_license[] SEC("license") = "Dual BSD/GPL";
