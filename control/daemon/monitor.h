/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* monitor.h - who reads what rules log; the ring buffer is read only while somebody does */
#ifndef DAEMON_MONITOR_H
#define DAEMON_MONITOR_H

#include <base/err.h>

struct daemon;
struct monitor;
struct stream;

/**
 * monitor_add() - Tell a client each event, as a notification
 * @node:	Of this node alone; NULL: of all
 * Return: 0 or -errno
 */
int monitor_add(struct daemon *daemon, struct stream *stream, const char *node, struct err *err);
/* At the daemon's end; NULL is fine */
void monitor_free(struct monitor *monitor);

#endif
