// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * collect.c - expired elements of dynamic sets go, and flows whose life is over
 *
 * DOC: The data path takes what is over for nothing, so this is about room alone. A few
 * batches of a set a tick, one set after the other, and a piece of the flow table: the daemon
 * stays there for everybody else.
 */
#include <base/file.h>
#include <daemon/daemon.h>
#include <kernel/dset.h>
#include <kernel/flows.h>

#define TICK_MS		125
#define BATCHES		4		/* a tick */
#define ROUND_TICKS	80		/* 10 s, in which all slots of the flow table are looked at */
#define SLOTS_MIN	1024		/* a tick */
#define SLOTS_MAX	32768		/* 1 ms: a round of a table of millions takes longer */

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

static void collect_sets(struct daemon *daemon)
{
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

static void collect_flows(struct daemon *daemon)
{
	struct flows *flows = install_flows(daemon->install);
	uint64_t slots = flows_slots(flows) / ROUND_TICKS + 1;

	if (slots < SLOTS_MIN)
		slots = SLOTS_MIN;
	flows_sweep(flows, slots < SLOTS_MAX ? slots : SLOTS_MAX);
}

static void collect_tick(uv_timer_t *timer)
{
	struct daemon *daemon = timer->data;

	collect_sets(daemon);
	collect_flows(daemon);
}

void collect_start(struct daemon *daemon)
{
	uv_timer_init(&daemon->loop, &daemon->collect.timer);
	daemon->collect.timer.data = daemon;
	uv_timer_start(&daemon->collect.timer, collect_tick, TICK_MS, TICK_MS);
}
