/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* vlan.h - the VLANs of bridges' ports as a value: one entry for each port and VLAN, ranges unfolded */
#ifndef MIRROR_VLAN_H
#define MIRROR_VLAN_H

#include <mirror/hash.h>

/* Without holes. A port that is a member of all of them has 4 094 of these */
struct vlan {
	uint32_t ifindex;		/* port, or the bridge itself */
	uint16_t pad;
	uint16_t vid;			/* what is above is the key, too */
	uint16_t flags;			/* BRIDGE_VLAN_INFO_*: PVID, UNTAGGED, BRENTRY */
	uint16_t state;			/* BR_STATE_* */
	uint32_t tunnel;		/* VXLAN's VNI; 0: none */
};

#define VLAN_TABLE HASH(struct vlan, flags)

/* A new PVID takes its place from another, of which the kernel says nothing. Return: false: nothing is different now */
bool vlan_set(struct hash *vlans, const struct vlan *vlan);
uint32_t vlan_del_link(struct hash *vlans, uint32_t ifindex);

#endif
