// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * mac_allow.bpf.c - in one VLAN, let through only the sources of one vendor
 * reads: VLAN tags, source MAC   tables: mac_seen   cost: one lookup
 *
 * Stands for somebody else's module: built out of the tree, from the installed headers alone.
 */
#include <linux/if_ether.h>

#include <shunt/module.h>

SHUNT_MODULE("mac_allow", SHUNT_HOOK_ANY, SHUNT_DEPTH_L2 | SHUNT_NEEDS_VLAN,
	     "one vendor's sources in one VLAN");
SHUNT_EDGE(next);
SHUNT_EDGE(stranger, SHUNT_FAIL_CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_POLICY);

SHUNT_CONFIG(__u16, vlan, 1, "VLAN that is guarded");
SHUNT_CONFIG(__u32, vendor, 0x020000, "first three bytes of the source, as a number");

struct mac {
	__u8	byte[ETH_ALEN];
};

struct seen {
	__u64	packets;
};

SHUNT_TABLE(mac_seen, LRU_HASH, struct mac, struct seen, 1024);

static __always_inline void remember(const __u8 *source)
{
	struct seen *seen, first = { .packets = 1 };
	struct mac mac;

	__builtin_memcpy(mac.byte, source, ETH_ALEN);
	seen = bpf_map_lookup_elem(&mac_seen, &mac);
	if (seen)
		__sync_fetch_and_add(&seen->packets, 1);
	else
		bpf_map_update_elem(&mac_seen, &mac, &first, BPF_ANY);
}

static __always_inline __u32 vendor_of(const __u8 *source)
{
	return source[0] << 16 | source[1] << 8 | source[2];
}

SHUNT_NODE(ctx, pkt)
{
	struct ethhdr buf, *eth;

	if (!pkt->vlans || (pkt->vlan_tci[0] & 0xfff) != vlan)
		return SHUNT_GO(next);
	eth = shunt_header(ctx, 0, sizeof(*eth), &buf);
	if (!eth)
		return SHUNT_DROP(SHUNT_REASON_ETH_SHORT);
	remember(eth->h_source);
	return vendor_of(eth->h_source) == vendor ? SHUNT_GO(next) : SHUNT_GO(stranger);
}
