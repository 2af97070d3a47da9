/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* netlink_route.h - messages of routes, rules and next hop objects: 0, or -EBADMSG and the mirror as it was */
#ifndef KERNEL_NETLINK_ROUTE_H
#define KERNEL_NETLINK_ROUTE_H

#include <linux/netlink.h>

#include <mirror/mirror.h>

int netlink_route_apply(struct mirror *mirror, struct nlmsghdr *msg);
int netlink_rule_apply(struct mirror *mirror, struct nlmsghdr *msg);
int netlink_nexthop_apply(struct mirror *mirror, struct nlmsghdr *msg);
int netlink_bucket_apply(struct mirror *mirror, struct nlmsghdr *msg);

#endif
