/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* netlink_class.h - how each class of the mirror is asked for, and where its events come */
#ifndef KERNEL_NETLINK_CLASS_H
#define KERNEL_NETLINK_CLASS_H

#include <mirror/mirror.h>

#define NETLINK_STEPS_MAX	2
#define NETLINK_GROUPS_MAX	3

/* Requests that are sent one after another: the first byte of each head is the family */
struct netlink_class {
	struct { int type, head_bytes, family; } step[NETLINK_STEPS_MAX];	/* type 0: none */
	int group[NETLINK_GROUPS_MAX];		/* RTNLGRP_*; 0: none */
};

extern const struct netlink_class netlink_classes[MIRROR_CLASS_MAX];

#endif
