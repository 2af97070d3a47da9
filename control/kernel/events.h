/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* events.h - ring buffer 'shunt_events': what rules log, for who reads it */
#ifndef KERNEL_EVENTS_H
#define KERNEL_EVENTS_H

#include <base/err.h>
#include <shunt/event.h>

struct events;

typedef void (*events_handler)(void *arg, const struct shunt_event *event);

/**
 * events_open() - Read the ring buffer that is pinned in @bpffs
 * @handle:	Called by events_take(), for each event; those of another layout are left out
 * Return: 0; -ENOENT: no program logs; or -errno
 */
int events_open(const char *bpffs, events_handler handle, void *arg, struct events **ret_events,
		struct err *err);
void events_close(struct events *events);	/* NULL is fine */
int events_fd(const struct events *events);	/* readable while there are events */

/* All that are there now. Return: 0 or -errno */
int events_take(struct events *events);
/* Throw away what came while nobody read */
int events_skip(struct events *events);

/* Events that found no room, ever; costs a system call a CPU */
uint64_t events_lost(const char *bpffs);

#endif
