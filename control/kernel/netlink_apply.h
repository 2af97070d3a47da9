/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* netlink_apply.h - rtnetlink messages into the mirror; for kernel/netlink.c alone */
#ifndef KERNEL_NETLINK_APPLY_H
#define KERNEL_NETLINK_APPLY_H

#include <stdbool.h>

#include <linux/netlink.h>

#include <mirror/addr.h>
#include <mirror/link.h>

/* What messages are applied to */
struct mirror {
	struct link_table links;
	struct addr_table addrs;
};

/**
 * netlink_apply() - Apply one message, of a dump or an event
 * @ret_changed: Set to true if something is different now; left alone otherwise
 * Return: 0, also for a message of another kind; -EBADMSG: it is malformed
 */
int netlink_apply(struct mirror *mirror, struct nlmsghdr *msg, bool *ret_changed);

#endif
