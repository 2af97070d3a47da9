// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * lb_way.c - the next hop of each backend, into the programs' table
 *
 * DOC: A way changes in place: RESOLVED is taken away, and once no program goes by what it read before,
 * the rest is written, and RESOLVED put back. Meanwhile the kernel forwards. One grace period, in a thread,
 * is for all ways that were taken away before it began: its round. Those taken away later have the
 * next one.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <base/arena.h>
#include <base/log.h>
#include <daemon/lb.h>
#include <kernel/grace.h>

#define WAIT_MS		100		/* for neighbours of new backends */
#define TICK_MS		1000
#define PUT_MS		5

static bool needs_way(const struct plan_backend *backend)
{
	return backend->forward != LB_NAT;	/* node 'nat' leaves it to whoever is behind */
}

static unsigned int add_addrs(const struct plan_lb *plan, struct shunt_addr *addr)
{
	unsigned int i, n = 0;

	for (i = 0; plan && i < plan->n_backends; i++)
		if (needs_way(plan->backend[i]))
			addr[n++] = plan->backend[i]->entry.addr;
	return n;
}

static void work_all(struct lb *lb)
{
	unsigned int i;
	bool changed;

	/* A bound: what the kernel does not answer stays in doubt */
	for (i = 0; i < LB_BACKENDS / 64 && nexthop_work(lb->nexthops, &changed); i++)
		;
}

static bool misses_any(const struct lb *lb, const struct shunt_addr *addr, unsigned int n)
{
	struct nexthop_way way;
	unsigned int i;

	for (i = 0; i < n; i++)
		if (nexthop_find(lb->nexthops, &addr[i], &way) && way.state == NEXTHOP_NO_NEIGH)
			return true;
	return false;
}

/* The first packets would find no neighbour yet; one that does not answer at all holds up nobody */
static void wait_for(struct lb *lb, const struct shunt_addr *addr, unsigned int n)
{
	struct pollfd poll_fd = { .fd = nexthop_fd(lb->nexthops), .events = POLLIN };
	uint64_t end_ms = lb_now_ms() + WAIT_MS, now_ms;
	bool changed;

	while (misses_any(lb, addr, n) && (now_ms = lb_now_ms()) < end_ms) {
		if (poll(&poll_fd, 1, end_ms - now_ms) > 0)
			nexthop_process(lb->nexthops, &changed);
	}
}

void lb_ways_want(struct lb *lb, const struct plan_lb *a, const struct plan_lb *b)
{
	unsigned int n = 1 + (a ? a->n_backends : 0) + (b ? b->n_backends : 0), i, fresh = 0;
	struct shunt_addr *addr, *new;
	struct nexthop_way way;

	if (!lb->nexthops)
		return;
	addr = calloc(n, sizeof(*addr));
	new = calloc(n, sizeof(*new));
	if (!addr || !new)
		arena_no_memory();
	n = add_addrs(a, addr);
	n += add_addrs(b, addr + n);
	for (i = 0; i < n; i++)
		if (!nexthop_find(lb->nexthops, &addr[i], &way))
			new[fresh++] = addr[i];
	nexthop_want(lb->nexthops, addr, n);
	work_all(lb);
	wait_for(lb, new, fresh);
	free(addr);
	free(new);
}

static bool is_zero(const struct shunt_addr *addr)
{
	return !addr->half[0] && !addr->half[1];
}

void lb_way_fill(const struct lb *lb, const struct plan_backend *backend, struct lb_backend *entry)
{
	struct nexthop_way way = {};

	if (needs_way(backend))
		nexthop_find(lb->nexthops, &backend->entry.addr, &way);
	entry->src = is_zero(&backend->entry.src) ? way.src : backend->entry.src;
	entry->mtu = way.mtu && way.mtu < UINT16_MAX ? way.mtu : UINT16_MAX;
	entry->ifindex = way.ifindex;
	entry->vlan = way.vlan;
	memcpy(entry->dmac, way.dmac, sizeof(entry->dmac));
	memcpy(entry->smac, way.smac, sizeof(entry->smac));
	entry->flags &= ~LB_RESOLVED;
	if (way.ifindex && way.state == NEXTHOP_READY)
		entry->flags |= LB_RESOLVED;
}

enum nexthop_state lb_way_state(const struct lb *lb, const struct plan_backend *backend)
{
	struct nexthop_way way = { .state = NEXTHOP_NO_ROUTE };

	nexthop_find(lb->nexthops, &backend->entry.addr, &way);
	return way.state;
}

static bool ways_differ(const struct lb_backend *a, const struct lb_backend *b)
{
	return memcmp(&a->src, &b->src, sizeof(a->src)) || a->ifindex != b->ifindex ||
	       a->vlan != b->vlan || a->mtu != b->mtu || memcmp(a->dmac, b->dmac, sizeof(a->dmac)) ||
	       memcmp(a->smac, b->smac, sizeof(a->smac));
}

static void set_flags(struct lb_backend *entry, uint8_t flags)
{
	__atomic_store_n(&entry->flags, flags, __ATOMIC_RELEASE);
}

static void way_set(struct lb_backend *entry, const struct lb_backend *want)
{
	entry->src = want->src;
	entry->ifindex = want->ifindex;
	entry->vlan = want->vlan;
	entry->mtu = want->mtu;
	memcpy(entry->dmac, want->dmac, sizeof(entry->dmac));
	memcpy(entry->smac, want->smac, sizeof(entry->smac));
	set_flags(entry, (entry->flags & ~LB_RESOLVED) | (want->flags & LB_RESOLVED));
}

/* Since when programs may still go by what an element had, in rounds; 0: never */
static uint32_t cleared[LB_BACKENDS];

/* Return: whether the rest of it has to wait until no program goes by it any more */
static bool way_follow(struct lb *lb, const struct plan_backend *backend, struct lb_backend *entry)
{
	uint32_t *since = &cleared[backend->number];
	struct lb_backend want = *entry;

	lb_way_fill(lb, backend, &want);
	if (!ways_differ(entry, &want) && (entry->flags ^ want.flags) == 0)
		return false;
	if (entry->flags & LB_RESOLVED) {
		set_flags(entry, entry->flags & ~LB_RESOLVED);
		*since = lb->way_round;
	}
	if (*since > lb->way_settled)
		return true;
	way_set(entry, &want);
	return false;
}

/* Outlives the balancer if it has to: a thread cannot be told to stop */
struct lb_grace {
	uv_work_t work;
	struct lb *lb;			/* NULL: nobody waits for it any more */
	uint32_t round;
};

static void grace_run(uv_work_t *work)
{
	grace_wait();
}

static void grace_over(uv_work_t *work, int status)
{
	struct lb_grace *grace = work->data;
	struct lb *lb = grace->lb;

	if (lb) {
		lb->grace = NULL;
		lb->way_settled = grace->round;
		lb_ways_put(lb);
	}
	free(grace);
}

/* For all that was cleared so far; what is cleared from now on is for the next one */
static void grace_ask(struct lb *lb)
{
	struct lb_grace *grace;

	if (lb->grace)
		return;
	grace = calloc(1, sizeof(*grace));
	if (!grace)
		arena_no_memory();
	*grace = (struct lb_grace){ .work.data = grace, .lb = lb, .round = lb->way_round++ };
	lb->grace = grace;
	if (uv_queue_work(&lb->daemon->loop, &grace->work, grace_run, grace_over) < 0) {
		grace_wait();
		grace_over(&grace->work, 0);
	}
}

void lb_ways_put(struct lb *lb)
{
	const struct plan_lb *plan = lb->plan;
	struct lb_backend *backends;
	bool waits = false;
	unsigned int i;

	if (!plan || !lb_tables_exist(lb->tables))
		return;
	backends = lb_tables_backends(lb->tables);
	for (i = 0; i < plan->n_backends; i++)
		waits |= way_follow(lb, plan->backend[i], &backends[plan->backend[i]->number]);
	if (waits)
		grace_ask(lb);
}

/* ---- events -------------------------------------------------------------------------------- */

static void put(uv_timer_t *timer)
{
	lb_ways_put(timer->data);
}

/* A storm of events is one look at all backends now and then, not one for each of them */
static void put_soon(struct lb *lb)
{
	if (!uv_is_active((uv_handle_t *)&lb->put_timer))
		uv_timer_start(&lb->put_timer, put, PUT_MS, 0);
}

static void work(uv_timer_t *timer)
{
	struct lb *lb = timer->data;
	bool changed;

	if (nexthop_work(lb->nexthops, &changed))
		uv_timer_start(&lb->work_timer, work, 1, 0);
	if (changed)
		put_soon(lb);
}

static void readable(uv_poll_t *poll, int status, int events)
{
	struct lb *lb = poll->data;
	bool changed;

	if (nexthop_process(lb->nexthops, &changed) < 0)
		log_warn("events of routes and neighbours were lost: asking again");
	if (changed)
		put_soon(lb);
	if (!uv_is_active((uv_handle_t *)&lb->work_timer))
		uv_timer_start(&lb->work_timer, work, 1, 0);
}

static void tick(uv_timer_t *timer)
{
	struct lb *lb = timer->data;

	nexthop_tick(lb->nexthops);
	work(&lb->work_timer);
}

void lb_ways_start(struct lb *lb)
{
	uv_poll_init(&lb->daemon->loop, &lb->poll, nexthop_fd(lb->nexthops));
	uv_timer_init(&lb->daemon->loop, &lb->tick_timer);
	uv_timer_init(&lb->daemon->loop, &lb->work_timer);
	uv_timer_init(&lb->daemon->loop, &lb->put_timer);
	lb->way_round = 1;
	lb->put_timer.data = lb->poll.data = lb->tick_timer.data = lb->work_timer.data = lb;
	uv_poll_start(&lb->poll, UV_READABLE, readable);
	uv_timer_start(&lb->tick_timer, tick, TICK_MS, TICK_MS);
}

void lb_ways_stop(struct lb *lb)
{
	if (lb->grace)
		lb->grace->lb = NULL;
}
