/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * link.h - talk to the daemon from the loop: what to check, and what came of it
 *
 * DOC: One request at a time. Verdicts go first, all that have come together in one 'lb.health';
 * else 'lb.checks' asks twice a second whether the list is another. When the daemon is gone, we connect
 * again each second; whoever answers then is told every verdict.
 */
#ifndef HEALTH_LINK_H
#define HEALTH_LINK_H

#include <uv.h>

#include <jansson.h>

struct link;

struct link_ops {
	void (*checks)(void *data, json_t *checks);	/* the list is another */
	void (*connected)(void *data);			/* tell all that you know */
};

struct link *link_new(uv_loop_t *loop, const char *path, const struct link_ops *ops, void *data);
void link_free(struct link *link);

/* One element of 'results' of 'lb.health'; takes the reference */
void link_report(struct link *link, json_t *result);

#endif
