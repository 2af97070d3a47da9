/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * pins.h - our folder in a bpffs
 *
 *	entry_xdp entry_tc	gates' program arrays, a slot for each graph
 *	miss_xdp miss_tc	packets that found a slot empty
 *	ports_xdp ports_tc	targets of redirect()
 *	cpu			packet contexts and counters
 *	hits			what rules and named counters counted (hits.h)
 *	state			limits, quotas and logs of rules
 *	events			what rules log (events.h)
 *	sets set_pages		static sets (sets.h)
 *	dsets dset_conf dset_full	dynamic ones
 *	ct/			the flow table (flows.h): pins by its tables' names
 *	ct_new/			one of another size, until the commit is through; ct_old/: one that goes
 *	lb/			load balancers (lb_tables.h): pins by their tables' names
 *	lb_new/			those of another size, until the commit is through
 *	link/			attachments (attach.h)
 *	graph/NAME@HOOK@GEN/	one rendering: 'next' (program array), 'root'
 *	table/NODE:TABLE:HASH	tables that outlive a generation
 *	image/NODE@GEN		a filter's rules (images.h)
 *	trial/			tables of a packet that is tried, while it is (trial.h)
 */
#ifndef KERNEL_PINS_H
#define KERNEL_PINS_H


#include <base/err.h>

#define PINS_PATH_MAX 512

/**
 * pins_open() - Make the folder, mounting a bpffs on it when it is in none
 * Refused when somebody else owns it, or may write it.
 * Return: 0 or -errno
 */
int pins_open(const char *dir, struct err *err);

int pins_mkdir(const char *path, struct err *err);
int pins_pin(int fd, const char *path, struct err *err);
int pins_get(const char *path);		/* new fd, or -errno; -ENOENT */
int pins_remove(const char *path);	/* a pin, or a folder and all in it; absent is fine */

/* Call fn for each name in a folder; absent folder: none. fn may remove it. */
int pins_each(const char *path, int (*fn)(const char *name, void *arg), void *arg);

#endif
