// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * forger.bpf.c - somebody else's metadata, shaped as a hand-off
 * At XDP: puts it in front of each frame, and sends that to forger_port. At TC: counts what arrives.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include <shunt/abi.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} forger_port SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} forger_seen SEC(".maps");

#define FORGER_TAG	0x1234567812345678ull
#define FORGER_MARK	4711

#ifdef SHUNT_XDP
SEC("xdp")
int forger(struct xdp_md *ctx)
{
	struct shunt_handoff *handoff;
	__u32 key = 0, *port = bpf_map_lookup_elem(&forger_port, &key);

	if (!port || bpf_xdp_adjust_meta(ctx, -(int)sizeof(*handoff)))
		return XDP_DROP;
	handoff = (void *)(long)ctx->data_meta;
	if ((void *)(handoff + 1) > (void *)(long)ctx->data)
		return XDP_DROP;
	*handoff = (struct shunt_handoff) {
		.tag = FORGER_TAG,
		.len = sizeof(*handoff),
		.mark = FORGER_MARK,
		.user = { FORGER_MARK },
	};
	return bpf_redirect(*port, 0);
}
#else
SEC("tc")
int forger(struct __sk_buff *ctx)
{
	struct shunt_handoff *handoff = (void *)(long)ctx->data_meta;
	__u32 key = 0, *seen = bpf_map_lookup_elem(&forger_seen, &key);

	if (seen && (void *)(handoff + 1) <= (void *)(long)ctx->data && handoff->mark == FORGER_MARK)
		__sync_fetch_and_add(seen, 1);
	return TC_ACT_SHOT;
}
#endif

char forger_license[] SEC("license") = "Dual BSD/GPL";
