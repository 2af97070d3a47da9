// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * conn_peer.bpf.c - the same flows in a kernel hash: one lookup a packet, nothing parsed
 *
 * Key and value are as long as those of an IPv4 entry of the flow table.
 */
#include <shunt/lib/ctx.h>

const volatile __u32 peer_adds;		/* bring each packet's key in */
const volatile __u32 peer_at = 26;	/* of the addresses, in the frame */

struct peer_key {
	__u32	word[4];
};

struct peer_value {
	__u64	word[6];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct peer_key);
	__type(value, struct peer_value);
} conn_peer SEC(".maps");

SEC(SHUNT_SECTION)
int bench_conn_peer(shunt_ctx *ctx)
{
	void *data = (void *)(long)ctx->data;
	struct peer_key key = { .word = { 0, 0, 0, 17 } };
	struct peer_value none = {}, *value;

	if (data + 60 > (void *)(long)ctx->data_end || peer_at > 48)
		return SHUNT_VERDICT_DROP;
	__builtin_memcpy(key.word, data + peer_at, 12);
	if (peer_adds)
		bpf_map_update_elem(&conn_peer, &key, &none, BPF_ANY);
	value = bpf_map_lookup_elem(&conn_peer, &key);
	return value && !value->word[0] ? SHUNT_VERDICT_PASS : SHUNT_VERDICT_DROP;
}

char shunt_license[] SEC("license") = "Dual BSD/GPL";
