/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* netlink_apply.h - rtnetlink messages into the mirror; for kernel/netlink.c alone */
#ifndef KERNEL_NETLINK_APPLY_H
#define KERNEL_NETLINK_APPLY_H

#include <linux/netlink.h>

#include <mirror/mirror.h>

/* The class of a message's table; MIRROR_CLASS_MAX: of none that is mirrored */
enum mirror_class netlink_class(struct nlmsghdr *msg);

/* One message, of a dump or an event. Return: 0, also for one of another kind; -EBADMSG: it is malformed */
int netlink_apply(struct mirror *mirror, struct nlmsghdr *msg);

#endif
