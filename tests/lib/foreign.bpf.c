// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* foreign.bpf.c - somebody else's program: counts what it sees and lets it pass */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} foreign_seen SEC(".maps");

#ifdef SHUNT_XDP
SEC("xdp")
int foreign(struct xdp_md *ctx)
#else
SEC("tc")
int foreign(struct __sk_buff *ctx)
#endif
{
	__u32 key = 0;
	__u64 *seen = bpf_map_lookup_elem(&foreign_seen, &key);

	if (seen)
		(*seen)++;
#ifdef SHUNT_XDP
	return XDP_PASS;
#else
	return TC_ACT_UNSPEC;
#endif
}

char foreign_license[] SEC("license") = "Dual BSD/GPL";
