// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * collect.c - expired elements of dynamic sets go
 *
 * DOC: The data path takes an expired element for none, so this is about room alone. A few
 * batches a tick, one set after the other: the daemon stays there for everybody else.
 */
#include <base/file.h>
#include <daemon/daemon.h>
#include <kernel/dset.h>

#define TICK_MS		250
#define BATCHES		8		/* a tick */

/* The next dynamic set behind number @set; wraps. NULL: there is none */
static const struct plan_set *collect_next(const struct plan *plan, unsigned int *set)
{
	unsigned int i;

	for (i = 0; i < plan->n_sets; i++) {
		*set = (*set + 1) % plan->n_sets;
		if (plan->set[*set].dynamic)
			return &plan->set[*set];
	}
	return NULL;
}

static void collect_tick(uv_timer_t *timer)
{
	struct daemon *daemon = timer->data;
	struct collect *collect = &daemon->collect;
	const struct plan *plan = &daemon->running->plan;
	const struct plan_set *set;
	int i, fd;

	if (collect->cursor.done || collect->set >= plan->n_sets ||
	    !plan->set[collect->set].dynamic) {
		collect->cursor = (struct dset_cursor) {};
		set = collect_next(plan, &collect->set);
	} else {
		set = &plan->set[collect->set];
	}
	if (!set)
		return;
	fd = install_set(daemon->install, set);
	for (i = 0; fd >= 0 && i < BATCHES && !collect->cursor.done; i++)
		if (dset_collect(fd, &collect->cursor) < 0)
			collect->cursor.done = true;
	fd_close(fd < 0 ? -1 : fd);
}

void collect_start(struct daemon *daemon)
{
	uv_timer_init(&daemon->loop, &daemon->collect.timer);
	daemon->collect.timer.data = daemon;
	uv_timer_start(&daemon->collect.timer, collect_tick, TICK_MS, TICK_MS);
}
