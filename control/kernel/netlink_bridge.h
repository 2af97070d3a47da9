/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* netlink_bridge.h - messages of bridges' and VXLAN devices' tables: 0, or -EBADMSG and the mirror as it was */
#ifndef KERNEL_NETLINK_BRIDGE_H
#define KERNEL_NETLINK_BRIDGE_H

#include <linux/netlink.h>

#include <mirror/mirror.h>

int netlink_fdb_apply(struct mirror *mirror, struct nlmsghdr *msg);
int netlink_vlan_apply(struct mirror *mirror, struct nlmsghdr *msg);
int netlink_mdb_apply(struct mirror *mirror, struct nlmsghdr *msg);

#endif
