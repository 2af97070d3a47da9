/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* flow_events.h - ring buffer 'ct_events': flows that come, change and go, for who reads it */
#ifndef KERNEL_FLOW_EVENTS_H
#define KERNEL_FLOW_EVENTS_H

#include <stdbool.h>

#include <base/err.h>
#include <kernel/flows.h>

struct flow_events;

typedef void (*flow_events_fn)(void *arg, enum conntrack_event_kind kind, const struct flow *flow);

/**
 * flow_events_open() - Read the ring buffer of a flow table
 * @fd:		From flows_events_fd(); the buffer stays readable when the table goes
 * @handle:	Called by flow_events_take(), for each event; those of another layout are left out
 * Return: 0 or -errno
 */
int flow_events_open(int fd, flow_events_fn handle, void *arg, struct flow_events **ret_events,
		     struct err *err);
void flow_events_close(struct flow_events *events);	/* NULL is fine */
int flow_events_fd(const struct flow_events *events);	/* readable while there are events */
/* Whether @fd is the same buffer */
bool flow_events_are_of(const struct flow_events *events, int fd);

/* All that are there now. Return: 0 or -errno */
int flow_events_take(struct flow_events *events);
/* Throw away what came while nobody read */
int flow_events_skip(struct flow_events *events);

#endif
