/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* netlink_link.h - messages of links */
#ifndef KERNEL_NETLINK_LINK_H
#define KERNEL_NETLINK_LINK_H

#include <stdbool.h>

#include <linux/netlink.h>

#include <mirror/link.h>

struct mirror;

/**
 * netlink_link_update() - For those who want links alone: apply one message
 * @ret_changed: Set to true if something is different now; left alone otherwise
 * Return: 0, also for a bridge's message of a port; -EBADMSG: it is malformed
 */
int netlink_link_update(struct link_table *links, struct nlmsghdr *msg, bool *ret_changed);

/* The link, what kind it is, and what it is as a member of another. Same return */
int netlink_link_apply(struct mirror *mirror, struct nlmsghdr *msg);

#endif
