// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * lb.c - load balancers with every change of what runs
 *
 * DOC: What no packet can see is written while a change is prepared: new elements, new rings. Then, in the
 * order that keeps every packet right: new addresses, the programs, changed and gone addresses;
 * backends that live, rings, backends that live no more; and what nobody looks at any more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <base/arena.h>
#include <base/log.h>
#include <daemon/lb.h>
#include <kernel/grace.h>

#define RINGS_AT_ONCE	256		/* descriptors that are open while rings are made */
#define TIMER_MIN_MS	10

void lb_new(struct daemon *daemon, struct lb **ret_lb)
{
	struct lb *lb = calloc(1, sizeof(*lb));

	if (!lb)
		arena_no_memory();
	lb->daemon = daemon;
	lb->tables = install_lb(daemon->install);
	uv_timer_init(&daemon->loop, &lb->ring_timer);
	lb->ring_timer.data = lb;
	lb_load_down(lb);
	*ret_lb = lb;
}

static void runs_free(struct lb_run *run, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (run[i].word)
			lb_tables_unmap_ring(run[i].word, run[i].service->entry.slots);
		lb_run_fini(&run[i]);
	}
	free(run);
}

void lb_free(struct lb *lb)
{
	if (!lb)
		return;
	runs_free(lb->run, lb->n_run);
	runs_free(lb->next, lb->n_next);
	lb_ways_stop(lb);
	nexthop_free(lb->nexthops);
	lb_free_down(lb);
	free(lb);
}

/* ---- elements ----------------------------------------------------------------------------- */

/* Numbers that the plan before has */
struct known {
	bool start;			/* there is none: what the tables have already goes on */
	bool backend[LB_BACKENDS], service[LB_SERVICES], ranges[LB_RANGES_MAX], counter[LB_COUNTS];
};

static struct known *known_of(const struct plan_lb *plan)
{
	struct known *known = calloc(1, sizeof(*known));
	unsigned int i;

	if (!known)
		arena_no_memory();
	known->start = !plan;
	for (i = 0; plan && i < plan->n_backends; i++) {
		known->backend[plan->backend[i]->number] = true;
		known->counter[plan->backend[i]->entry.counter] = true;
	}
	for (i = 0; plan && i < plan->n_services; i++) {
		known->service[plan->service[i].number] = true;
		known->counter[plan->service[i].entry.counter] = true;
	}
	for (i = 0; plan && i < plan->n_ranges; i++)
		known->ranges[plan->ranges[i].number] = true;
	return known;
}

static bool is_alike(const struct lb_backend *a, const struct lb_backend *b)
{
	return !memcmp(&a->addr, &b->addr, sizeof(a->addr)) && a->l3 == b->l3 &&
	       a->nat == b->nat && a->counter == b->counter;
}

/* Whether its number is to be what it is for the programs that run */
static bool goes_on(const struct plan_backend *backend, const struct known *known,
		    const struct lb_backend *there)
{
	return known->backend[backend->number] ||
	       (known->start && is_alike(there, &backend->entry));
}

static bool backend_is_reused(const struct plan_backend *backend, const struct known *known,
			      const struct lb_backend *there)
{
	return there->l3 && !goes_on(backend, known, there);
}

static bool service_is_reused(const struct lb *lb, const struct plan_service *service,
			      const struct known *known)
{
	struct lb_service there;

	if (known->service[service->number] ||
	    lb_tables_service(lb->tables, service->number, &there) < 0 || !there.slots)
		return false;
	return !known->start || memcmp(&there, &service->entry, sizeof(there));
}

/* Flows and datagrams may be remembered with numbers that were others' before */
static void forget_reused(struct lb *lb, const struct plan_lb *plan, const struct known *known)
{
	const struct lb_backend *there = lb_tables_backends(lb->tables);
	static struct lb_reused reused;
	unsigned int i, n = 0;
	uint32_t number;

	memset(&reused, 0, sizeof(reused));
	for (i = 0; i < plan->n_backends; i++) {
		number = plan->backend[i]->number;
		reused.backend[number] = backend_is_reused(plan->backend[i], known, &there[number]);
		n += reused.backend[number];
	}
	for (i = 0; i < plan->n_services; i++) {
		number = plan->service[i].number;
		reused.service[number] = service_is_reused(lb, &plan->service[i], known);
		n += reused.service[number];
	}
	if (!n)
		return;
	grace_wait();		/* a program may be about to remember one still */
	lb_tables_forget(lb->tables, &reused);
}

/* Nobody looks at a new one yet */
static void prepare_backends(struct lb *lb, const struct plan_lb *plan, const struct known *known)
{
	struct lb_backend *entry = lb_tables_backends(lb->tables);
	unsigned int i;

	for (i = 0; i < plan->n_backends; i++) {
		const struct plan_backend *backend = plan->backend[i];
		struct lb_backend *to = &entry[backend->number];

		if (goes_on(backend, known, to))
			continue;
		*to = backend->entry;
		lb_way_fill(lb, backend, to);
	}
}

static int prepare_services(struct lb *lb, const struct plan_lb *plan, const struct known *known,
			    struct err *err)
{
	unsigned int i;
	int r = 0;

	for (i = 0; r == 0 && i < plan->n_ranges; i++)
		if (!known->ranges[plan->ranges[i].number])
			r = lb_tables_put_ranges(lb->tables, &plan->ranges[i], err);
	for (i = 0; r == 0 && i < plan->n_services; i++)
		if (!known->service[plan->service[i].number])
			r = lb_tables_put_service(lb->tables, &plan->service[i], err);
	return r;
}

static void zero_counters(struct lb *lb, const struct plan_lb *plan, const struct known *known)
{
	unsigned int i;

	for (i = 0; i < plan->n_backends; i++)
		if (!known->counter[plan->backend[i]->entry.counter])
			lb_tables_zero(lb->tables, plan->backend[i]->entry.counter);
	for (i = 0; i < plan->n_services; i++)
		if (!known->counter[plan->service[i].entry.counter])
			lb_tables_zero(lb->tables, plan->service[i].entry.counter);
}

/* ---- rings -------------------------------------------------------------------------------- */

/* Runs by their ring's number */
static void index_runs(const struct lb *lb, struct lb_run *ret_by_ring[LB_SERVICES])
{
	unsigned int i;

	memset(ret_by_ring, 0, sizeof(*ret_by_ring) * LB_SERVICES);
	for (i = 0; i < lb->n_run; i++)
		ret_by_ring[lb->run[i].service->entry.ring] = &lb->run[i];
}

/* A ring for a run that has none. @adopt: one that is in the kernel goes on */
static int ring_make(struct lb *lb, struct lb_run *run, bool adopt, uint64_t now_ms,
		     struct err *err)
{
	const struct lb_service *entry = &run->service->entry;

	if (adopt)
		run->word = lb_tables_ring(lb->tables, entry->ring, entry->slots);
	if (run->word) {
		lb_run_adopt(lb, run, now_ms);
		run->next_ms = 0;
		return 0;
	}
	run->fd = lb_tables_make_ring(entry->slots, &run->word, err);
	if (run->fd < 0)
		return run->fd;
	lb_run_fill(run);
	return 0;
}

/* New rings among @run[0..n-1] into their places */
static int rings_put(struct lb *lb, struct lb_run *run, unsigned int n, struct err *err)
{
	uint32_t number[RINGS_AT_ONCE];
	int fd[RINGS_AT_ONCE];
	unsigned int i, k = 0;

	for (i = 0; i < n; i++) {
		if (run[i].fd < 0)
			continue;
		number[k] = run[i].service->entry.ring;
		fd[k++] = run[i].fd;
		run[i].fd = -1;
	}
	return k ? lb_tables_put_rings(lb->tables, number, fd, k, err) : 0;
}

static int prepare_rings(struct lb *lb, const struct plan_lb *plan, bool adopt, struct err *err)
{
	static struct lb_run *by_ring[LB_SERVICES];
	uint64_t now_ms = lb_now_ms();
	unsigned int done = 0;
	int r = 0, later;

	index_runs(lb, by_ring);
	lb->next = calloc(plan->n_services + 1, sizeof(*lb->next));
	if (!lb->next)
		arena_no_memory();
	while (r == 0 && lb->n_next < plan->n_services) {
		const struct plan_service *service = &plan->service[lb->n_next];
		struct lb_run *before = by_ring[service->entry.ring];
		struct lb_run *run = &lb->next[lb->n_next++];

		lb_run_init(lb, run, service, before, now_ms);
		if (!before)
			r = ring_make(lb, run, adopt, now_ms, err);
		if (r == 0 && lb->n_next % RINGS_AT_ONCE == 0) {
			r = rings_put(lb, lb->next + done, RINGS_AT_ONCE, err);
			done = lb->n_next;
		}
	}
	later = rings_put(lb, lb->next + done, lb->n_next - done, r < 0 ? NULL : err);
	return r < 0 ? r : later;
}

/* Rings of @run that have not gone over to others; a packet may be at it by an address that it knew */
static void rings_drop(struct lb *lb, struct lb_run *run, unsigned int n)
{
	uint32_t number[RINGS_AT_ONCE];
	int fd[RINGS_AT_ONCE];
	unsigned int i, k = 0;
	struct err err = {};
	bool waited = false;

	for (i = 0; i < n; i++) {
		if (run[i].word) {
			lb_noted_remove(lb, &run[i]);
			number[k] = run[i].service->entry.ring;
			fd[k++] = -1;
		}
		if (!k || (k < RINGS_AT_ONCE && i + 1 < n))
			continue;
		if (!waited)
			grace_wait();
		waited = true;
		if (lb_tables_put_rings(lb->tables, number, fd, k, &err) < 0)
			log_warn("%s", err.text);
		k = 0;
	}
}

/* ---- a change ----------------------------------------------------------------------------- */

static int need_nexthops(struct lb *lb, struct err *err)
{
	int r;

	if (lb->nexthops)
		return 0;
	r = nexthop_new(&lb->nexthops, err);
	if (r == 0)
		lb_ways_start(lb);
	return r;
}

int lb_prepare(struct lb *lb, const struct plan *next, const struct plan *before, struct err *err)
{
	const struct plan_lb *plan = next->lb;
	struct known *known;
	int r;

	if (!plan)
		return 0;
	r = need_nexthops(lb, err);
	if (r < 0)
		return r;
	lb_ways_want(lb, lb->plan, plan);
	known = known_of(before ? before->lb : NULL);
	forget_reused(lb, plan, known);
	prepare_backends(lb, plan, known);
	if (before)
		zero_counters(lb, plan, known);
	r = prepare_services(lb, plan, known, err);
	if (r == 0)
		r = prepare_rings(lb, plan, !before, err);
	free(known);
	return r;
}

int lb_begin(struct lb *lb, const struct plan *next, struct err *err)
{
	return next->lb ? lb_tables_put_keys(lb->tables, next->lb, LB_KEYS_NEW, err) : 0;
}

void lb_abort(struct lb *lb, const struct plan *running)
{
	struct err err = {};

	if (running->lb && lb_tables_put_keys(lb->tables, running->lb, LB_KEYS_ALL, &err) < 0)
		log_error("%s", err.text);
	if (lb_tables_exist(lb->tables))
		rings_drop(lb, lb->next, lb->n_next);
	runs_free(lb->next, lb->n_next);
	lb->next = NULL;
	lb->n_next = 0;
	if (!running->lb)
		lb_tables_settle(lb->tables, NULL);
	lb_ways_want(lb, running->lb, NULL);
}

/* What goes on goes over from the run before. Return: whether the ring is to be looked at */
static bool take_over(struct lb_run *run)
{
	struct lb_run *before = run->before;
	bool same;

	if (!before)
		return !run->next_ms;	/* a new one is as it is to be, one that was found is not */
	same = lb_run_is_same(run);
	run->word = before->word;
	run->history = before->history;
	run->next_ms = before->next_ms;
	run->is_noted = before->is_noted;
	before->word = NULL;
	before->history = (struct lb_history){};
	run->before = NULL;
	return !same;
}

static void commit_rings(struct lb *lb)
{
	uint64_t now_ms = lb_now_ms();
	unsigned int i;
	bool *look = calloc(lb->n_run + 1, sizeof(*look));

	if (!look)
		arena_no_memory();
	for (i = 0; i < lb->n_run; i++)
		look[i] = take_over(&lb->run[i]);
	lb_flag_living(lb, false);
	for (i = 0; i < lb->n_run; i++)
		if (look[i])
			lb_run_update(lb, &lb->run[i], true, now_ms);
	lb_flag_living(lb, true);
	free(look);
}

/* Of rings that went with their tables */
static void forget_notes(const struct lb *lb, struct lb_run *run, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		lb_noted_remove(lb, &run[i]);
}

void lb_commit(struct lb *lb, const struct plan *next)
{
	struct lb_run *old = lb->run;
	unsigned int n_old = lb->n_run;
	struct err err = {};

	lb->plan = next->lb;
	lb->run = lb->next;
	lb->n_run = lb->n_next;
	lb->next = NULL;
	lb->n_next = 0;
	if (lb->plan) {
		if (lb_tables_put_keys(lb->tables, lb->plan, LB_KEYS_ALL, &err) < 0)
			log_error("%s", err.text);
		commit_rings(lb);
		rings_drop(lb, old, n_old);
	} else {
		forget_notes(lb, old, n_old);
	}
	runs_free(old, n_old);
	lb_ways_want(lb, lb->plan, NULL);
	lb_ways_put(lb);
	lb_arm(lb);
}

/* ---- time --------------------------------------------------------------------------------- */

static void time_went_by(uv_timer_t *timer)
{
	struct lb *lb = timer->data;
	uint64_t now_ms = lb_now_ms();
	unsigned int i;

	for (i = 0; i < lb->n_run; i++)
		if (lb->run[i].next_ms <= now_ms)
			lb_run_update(lb, &lb->run[i], false, now_ms);
	lb_arm(lb);
}

void lb_arm(struct lb *lb)
{
	uint64_t next_ms = UINT64_MAX, now_ms = lb_now_ms();
	unsigned int i;

	for (i = 0; i < lb->n_run; i++)
		if (lb->run[i].next_ms < next_ms)
			next_ms = lb->run[i].next_ms;
	if (next_ms == UINT64_MAX)
		uv_timer_stop(&lb->ring_timer);
	else
		uv_timer_start(&lb->ring_timer, time_went_by,
			       next_ms > now_ms + TIMER_MIN_MS ? next_ms - now_ms : TIMER_MIN_MS,
			       0);
}
