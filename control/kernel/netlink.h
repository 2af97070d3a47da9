/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * netlink.h - rtnetlink: fills the mirror and keeps it (libnl)
 *
 * DOC: Two sockets, one for events and one for dumps; subscribed before the
 * dump. An overrun or an interrupted dump leads to another full dump, by mark
 * and sweep: nothing is deleted on doubt.
 */
#ifndef KERNEL_NETLINK_H
#define KERNEL_NETLINK_H

#include <stdbool.h>
#include <stdint.h>

#include <base/err.h>
#include <mirror/addr.h>
#include <mirror/link.h>

struct netlink;

/* In the namespace of the caller. Return: 0 or -errno */
int netlink_new(struct netlink **ret_netlink, struct err *err);
void netlink_free(struct netlink *netlink);

int netlink_fd(const struct netlink *netlink);		/* becomes readable: netlink_process() */
const struct link_table *netlink_links(const struct netlink *netlink);
const struct addr_table *netlink_addrs(const struct netlink *netlink);

/* Full dump into the tables. Return: 0 or -errno: the tables are as they were, stats.stale is true */
int netlink_resync(struct netlink *netlink, struct err *err);

/**
 * netlink_process() - Take in what the event socket has, never blocking
 * On ENOBUFS it resyncs by itself.
 * @ret_changed: something in the table is different now
 */
int netlink_process(struct netlink *netlink, bool *ret_changed, struct err *err);

struct netlink_stats {
	uint64_t events, overruns, resyncs, interrupted;
	bool stale;			/* the last resync failed: try again by timer */
};
void netlink_stats(const struct netlink *netlink, struct netlink_stats *ret_stats);

#endif
