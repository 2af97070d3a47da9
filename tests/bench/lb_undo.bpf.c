// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * lb_undo.bpf.c - draw a flow, call a program as a tail; take off what the last round put in front
 *
 * BPF_PROG_TEST_RUN feeds a program its own output. So each round first takes off the outer
 * headers of the round before, and writes Ethernet and IP header anew. The floor does the same
 * without a program: it puts as many bytes in front, which the next round takes off.
 *
 * What is written lies as the program reads it: Ethernet, then words of four bytes from the IP
 * header on, each stored once. A word that is read right after it was stored in pieces has to wait
 * for the cache, which no packet from a device has to.
 */
#include <shunt/lib/ctx.h>

#include <linux/if_ether.h>

const volatile __u32 undo_bytes = 0;	/* of outer headers */
const volatile __u32 undo_len = 60;	/* of the frame as it is given */
const volatile __u32 undo_n = 1;	/* flows; 0: a new one each time */
const volatile __u32 undo_services = 1;	/* IPv4: destinations, drawn among them */
const volatile __u32 undo_six = 0;
const volatile __u32 undo_floor = 0;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} undo_to SEC(".maps");

struct undo_head {			/* the frame's first bytes */
	__u8	byte[64];
};

#define UNDO_WORDS	11		/* IPv6, ports */
#define UNDO_END	(ETH_HLEN + 4 * UNDO_WORDS)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct undo_head);
} undo_heads SEC(".maps");

__u32 undo_state = 1;			/* one CPU draws */

static __always_inline __u32 undo_random(__u32 below)
{
	__u32 x = undo_state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	undo_state = x;
	return (__u64)x * below >> 32;
}

static __always_inline __u32 undo_draw(void)
{
	if (undo_n == 1)
		return 0;
	return undo_n ? undo_random(undo_n) : undo_state++;
}

static __always_inline __u32 undo_word(const struct undo_head *head, __u32 i)
{
	return *(const __u16 *)&head->byte[ETH_HLEN + 4 * i] |
	       (__u32)*(const __u16 *)&head->byte[ETH_HLEN + 4 * i + 2] << 16;
}

static __always_inline void undo_write(void *data, const struct undo_head *head, __u32 flow)
{
	__u32 *word = data + ETH_HLEN, i, to, sum;

	*(__u64 *)data = *(const __u64 *)&head->byte[0];
	*(__u32 *)(data + 8) = *(const __u32 *)&head->byte[8];
	*(__u16 *)(data + 12) = *(const __u16 *)&head->byte[12];
	if (undo_six) {
#pragma clang loop unroll(full)
		for (i = 0; i < UNDO_WORDS; i++)	/* source address, its low word */
			word[i] = i == 5 ? bpf_htonl(flow) : undo_word(head, i);
		return;
	}
	/*
	 * The low halves of both addresses, and what makes up for them: the identification. What a
	 * flow has above 16 bits is in its source port
	 */
	to = undo_services > 1 ? bpf_htons(undo_random(undo_services)) : 0;
	sum = (flow & 0xffff) + to;
	word[0] = undo_word(head, 0);
	word[1] = (undo_word(head, 1) & 0xffff0000) | (__u16)~(sum + (sum >> 16));
	word[2] = undo_word(head, 2);
	word[3] = (undo_word(head, 3) & 0xffff) | flow << 16;
	word[4] = undo_word(head, 4) | to << 16;
	*(__u16 *)&word[5] = 1024 + (flow >> 16);
}

SEC(SHUNT_SECTION)
int bench_undo(shunt_ctx *ctx)
{
	struct undo_head *head;
	__u32 zero = 0, flow = undo_draw();
	void *data;

#ifdef SHUNT_XDP
	if (undo_bytes && shunt_frame_len(ctx) > undo_len &&
	    bpf_xdp_adjust_head(ctx, undo_bytes))
		return SHUNT_VERDICT_DROP;
#endif
	head = bpf_map_lookup_elem(&undo_heads, &zero);
	data = (void *)(long)ctx->data;
	if (!head || data + UNDO_END > (void *)(long)ctx->data_end)
		return SHUNT_VERDICT_DROP;
	undo_write(data, head, flow);
#ifdef SHUNT_XDP
	if (undo_floor && undo_bytes && bpf_xdp_adjust_head(ctx, -(int)undo_bytes))
		return SHUNT_VERDICT_DROP;
#endif
	if (undo_floor)
		return shunt_tx(ctx);
	bpf_tail_call(ctx, &undo_to, 0);
	return SHUNT_VERDICT_DROP;
}

char shunt_license[] SEC("license") = "Dual BSD/GPL";
