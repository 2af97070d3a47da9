// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* fields.bpf.c - a module with a table for each kind of field that a reader may meet */
#include <shunt/module.h>

SHUNT_MODULE_OPEN("fields", SHUNT_HOOK_ANY, SHUNT_DEPTH_L3, 2, "tables and constants of all kinds");
SHUNT_EDGE(next);
SHUNT_EDGE(other, SHUNT_FAIL_OPEN, SHUNT_TARGET_DROP, SHUNT_REASON_POLICY);

SHUNT_CONFIG(__s16, offset, -7, "a signed number");
SHUNT_CONFIG(__u64, big, 18446744073709551615ULL, "the largest number");
SHUNT_CONFIG(char, label[16], "eth0", "a text");
SHUNT_CONFIG(bool, enabled, true, "a switch");
SHUNT_CONFIG(struct shunt_prefix, nets[4], {}, "a list");

enum field_state { FIELD_DOWN = 0, FIELD_UP = 1, FIELD_BROKEN = 7 };

struct field_key {
	struct shunt_addr addr;
	__be16	port;
	__u8	proto;
	__u8	pad;
};

struct field_inner {
	__u32	ticks;
	__be32	mask;
};

struct field_value {
	__s8	s8;
	__u8	u8;
	__s16	s16;
	__u16	u16;
	__s32	s32;
	__u32	u32;
	__s64	s64;
	__u64	u64;
	__uint128_t u128;
	enum field_state state;
	bool	on;
	__u8	mac[6];
	char	name[16];
	__u32	low : 4;
	__u32	middle : 20;
	struct field_inner inner;
	struct field_inner many[2];
	struct shunt_addr via;
	union {
		__u32	word;
		__u8	byte[4];
	};
	__u32	row[2][2];
};

struct field_sum {
	__u64	packets;
	__s32	delta;
	__be16	port;
	char	label[6];
};

struct field_prefix {
	__u32	prefixlen;
	__be32	addr;
};

struct field_holder {
	__u64	count;
	void	*where;
};

SHUNT_TABLE(field_hash, HASH, struct field_key, struct field_value, 256);
SHUNT_TABLE(field_array, ARRAY, __u32, __u64, 8);
SHUNT_TABLE(field_sums, PERCPU_HASH, __u32, struct field_sum, 64);
SHUNT_TABLE(field_slots, PERCPU_ARRAY, __u32, __u64, 4);
SHUNT_TABLE(field_addrs, HASH, struct shunt_addr, bool, 64);
SHUNT_TABLE(field_ptr, HASH, __u32, struct field_holder, 4);
SHUNT_TABLE(field_churn, LRU_HASH, __u32, __u32, 4096);

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 64);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct field_prefix);
	__type(value, __u32);
} field_routes SEC(".maps");

SHUNT_NODE(ctx, pkt)
{
	struct field_key key = { .addr = pkt->saddr, .port = pkt->dport, .proto = pkt->proto };
	struct field_value *value = bpf_map_lookup_elem(&field_hash, &key);

	if (value && enabled && label[0] && !nets[0].addr.word[0])
		value->u64 += big + offset;
	return value ? SHUNT_GO(next) : SHUNT_GO_OPEN(0);
}
