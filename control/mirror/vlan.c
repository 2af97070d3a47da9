// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* vlan.c - the VLANs of bridges' ports as a value */
#include <linux/if_bridge.h>

#include <mirror/vlan.h>

#define VID_MAX	4094

static void drop_pvid(struct hash *vlans, uint32_t ifindex, uint16_t but)
{
	struct vlan key = { .ifindex = ifindex };

	for (key.vid = 1; key.vid <= VID_MAX; key.vid++) {
		const struct vlan *vlan = key.vid == but ? NULL : hash_find(vlans, &key);
		struct vlan other;

		if (!vlan || !(vlan->flags & BRIDGE_VLAN_INFO_PVID))
			continue;
		other = *vlan;
		other.flags &= ~BRIDGE_VLAN_INFO_PVID;
		hash_set(vlans, &other);
		return;
	}
}

bool vlan_set(struct hash *vlans, const struct vlan *vlan)
{
	const struct vlan *old = hash_find(vlans, vlan);

	if (vlan->flags & BRIDGE_VLAN_INFO_PVID && !vlans->mark &&
	    !(old && old->flags & BRIDGE_VLAN_INFO_PVID))
		drop_pvid(vlans, vlan->ifindex, vlan->vid);
	return hash_set(vlans, vlan);
}

uint32_t vlan_del_link(struct hash *vlans, uint32_t ifindex)
{
	uint32_t n = vlans->n;

	for (uint32_t i = vlans->n; i--;)
		if (((const struct vlan *)hash_at(vlans, i))->ifindex == ifindex)
			hash_del_at(vlans, i);
	return n - vlans->n;
}
