/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * netlink.h - rtnetlink: fills the mirror and keeps it
 *
 * DOC: Two sockets, one for events and one for dumps; subscribed before the
 * dump. An overrun or an interrupted dump leads to another full dump, by mark
 * and sweep: nothing is deleted on doubt. Links and addresses are always
 * mirrored, other classes as somebody wants them.
 */
#ifndef KERNEL_NETLINK_H
#define KERNEL_NETLINK_H

#include <stdbool.h>
#include <stdint.h>

#include <base/err.h>
#include <mirror/mirror.h>

struct netlink;

/* In the namespace of the caller; links and addresses are there then. Return: 0 or -errno */
int netlink_new(struct netlink **ret_netlink, struct err *err);
void netlink_free(struct netlink *netlink);

int netlink_fd(const struct netlink *netlink);		/* becomes readable: netlink_process() */
const struct mirror *netlink_mirror(const struct netlink *netlink);
const struct link_table *netlink_links(const struct netlink *netlink);
const struct addr_table *netlink_addrs(const struct netlink *netlink);

/*
 * @changed: Told of each entry that is another now
 * @synced: Told of each class that was dumped whole, so that it is as the kernel has it; or NULL
 */
void netlink_watch(struct netlink *netlink, mirror_fn *changed,
		   void (*synced)(void *arg, enum mirror_class class), void *arg);

/**
 * netlink_want() - Which classes to mirror
 * @classes: 1 << enum mirror_class; links and addresses need not be said; with routes come next hop objects
 * Those that are new are dumped by netlink_process(); those that nobody wants any more are emptied.
 * Return: 0 or -errno: subscribed to none that is new
 */
int netlink_want(struct netlink *netlink, uint32_t classes, struct err *err);

/* All of them, now, however long it takes. Return: 0 or -errno: nothing was removed, stats.stale is true */
int netlink_resync(struct netlink *netlink, struct err *err);
/* The same by netlink_process(), in slices */
void netlink_doubt(struct netlink *netlink, uint32_t classes);

/**
 * netlink_process() - Go on with a dump, or take in what the event socket has; some 15 ms at most
 * On ENOBUFS it resyncs by itself.
 * @ret_changed: some link or address is different now
 */
int netlink_process(struct netlink *netlink, bool *ret_changed, struct err *err);

/* When to call netlink_process() though there is no event. Return: ms; -1: not at all */
int netlink_wait_ms(const struct netlink *netlink);

/* Once a second: compare with the kernel what was not compared for long */
void netlink_tick(struct netlink *netlink);

struct netlink_class_stats {
	uint64_t events, changes;	/* messages; entries that were different by one or by a dump */
	uint64_t resyncs, interrupted;	/* dumps that ended, attempts that the kernel said lack some */
	uint64_t repaired;		/* entries that a dump had otherwise than events said, but the first */
	uint64_t stale_ms;		/* since when, CLOCK_MONOTONIC; 0: is not */
	uint64_t changed_ms;		/* last change, CLOCK_MONOTONIC; 0: never */
	uint32_t sync_ms;		/* what the last dump took */
};

struct netlink_stats {
	uint64_t events, overruns, resyncs, interrupted;
	uint32_t classes;		/* that are mirrored */
	bool stale;			/* a class is, or was not dumped yet: netlink_wait_ms() */
};
void netlink_stats(const struct netlink *netlink, struct netlink_stats *ret_stats);
void netlink_class_stats(const struct netlink *netlink, enum mirror_class class,
			 struct netlink_class_stats *ret_stats);

#endif
