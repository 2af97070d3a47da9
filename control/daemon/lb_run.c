// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* lb_run.c - one service as it runs: its ring, who owned it before, who starts slowly */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <base/arena.h>
#include <daemon/lb.h>

#define STEPS	10			/* of a slow start */

static void *zeroed(size_t n, size_t size)
{
	void *memory = calloc(n + 1, size);

	if (!memory)
		arena_no_memory();
	return memory;
}

uint64_t lb_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

/* Its place in another run of the service; n_owners there: it has none */
static unsigned int place_in(const struct lb_run *run, const struct plan_backend *backend)
{
	const struct plan_service *service = run->service;
	unsigned int i;

	for (i = 0; i < service->n_owners; i++)
		if (service->owner[i].backend->number == backend->number)
			break;
	return i;
}

static bool is_effective(const struct lb_run *run, unsigned int owner)
{
	return run->health[owner].lives && run->service->owner[owner].weight;
}

static bool any_effective(const struct lb_run *run)
{
	unsigned int i;

	for (i = 0; i < run->service->n_owners; i++)
		if (is_effective(run, i))
			return true;
	return false;
}

/* Tenths of its weight at a time; the slow start is over where that is all of them */
static void slow_step(struct lb_run *run, unsigned int owner, uint64_t now_ms)
{
	uint64_t slow_ms = run->service->slow_start_ms, since_ms = now_ms - run->up_ms[owner];

	run->health[owner].tenths = STEPS;
	if (!run->up_ms[owner])
		return;
	if (slow_ms && since_ms < slow_ms)
		run->health[owner].tenths = 1 + since_ms * (STEPS - 1) / slow_ms;
	if (run->health[owner].tenths >= STEPS)
		run->up_ms[owner] = 0;
}

bool lb_run_slows(const struct lb_run *run, unsigned int owner)
{
	return run->up_ms[owner] && run->health[owner].lives;
}

/* One that comes to a service which others carry begins slowly */
static void init_owner(struct lb *lb, struct lb_run *run, unsigned int i, bool others,
		       uint64_t now_ms)
{
	const struct plan_owner *owner = &run->service->owner[i];
	const struct lb_run *before = run->before;
	unsigned int was = before ? place_in(before, owner->backend) : 0;

	run->health[i].lives = !lb_is_down(lb, run->service, owner->config);
	if (before && was < before->service->n_owners)
		run->up_ms[i] = before->up_ms[was];
	if (others && run->service->slow_start_ms && is_effective(run, i) &&
	    (was == before->service->n_owners || !is_effective(before, was)))
		run->up_ms[i] = now_ms;
	slow_step(run, i, now_ms);
}

void lb_run_init(struct lb *lb, struct lb_run *run, const struct plan_service *service,
		 struct lb_run *before, uint64_t now_ms)
{
	bool others = before && any_effective(before);
	unsigned int i;

	*run = (struct lb_run){
		.service = service, .before = before, .next_ms = UINT64_MAX, .fd = -1,
		.health = zeroed(service->n_owners, sizeof(*run->health)),
		.up_ms = zeroed(service->n_owners, sizeof(*run->up_ms)),
	};
	for (i = 0; i < service->n_owners; i++)
		init_owner(lb, run, i, others, now_ms);
}

void lb_run_fini(struct lb_run *run)
{
	free(run->health);
	free(run->up_ms);
	lb_history_fini(&run->history);
}

/* The next step of a slow start, or the end of a transition */
static uint64_t next_ms(const struct lb_run *run, uint64_t now_ms)
{
	uint64_t next = lb_history_next(&run->history, run->service->drain_ms), step;
	unsigned int i;

	for (i = 0; i < run->service->n_owners; i++) {
		if (!lb_run_slows(run, i))
			continue;
		step = run->up_ms[i] + (run->health[i].tenths * run->service->slow_start_ms +
					STEPS - 2) / (STEPS - 1);
		next = step < next ? step : next;
	}
	return next;
}

/* @lives: by number, false where this has not set it */
static void set_lives(const struct lb_run *run, bool *lives, bool clear)
{
	const struct plan_service *service = run->service;
	unsigned int i;

	for (i = 0; i < service->n_owners; i++)
		lives[service->owner[i].backend->number] = !clear && run->health[i].lives;
}

void lb_run_update(const struct lb *lb, struct lb_run *run, bool whole, uint64_t now_ms)
{
	const struct plan_service *service = run->service;
	static bool lives[LB_BACKENDS];
	struct lb_history next;
	uint16_t *owner = NULL;
	unsigned int i;

	for (i = 0; i < service->n_owners; i++) {
		uint8_t tenths = run->health[i].tenths;

		slow_step(run, i, now_ms);
		whole |= run->health[i].tenths != tenths;
	}
	if (whole) {
		owner = zeroed(service->entry.slots, sizeof(*owner));
		lb_ring_owners(service, run->health, owner);
	}
	set_lives(run, lives, false);
	lb_ring_plan(run->word, service->entry.slots, &run->history, owner, lives, now_ms,
		     service->drain_ms, &next);
	set_lives(run, lives, true);
	if (whole || !next.n)
		lb_noted_write(lb, run, &next);
	lb_ring_store(run->word, service->entry.slots, &next, owner);
	free(owner);
	lb_history_fini(&run->history);
	run->history = next;
	run->next_ms = next_ms(run, now_ms);
}

void lb_run_fill(struct lb_run *run)
{
	uint16_t *owner = zeroed(run->service->entry.slots, sizeof(*owner));
	uint32_t slot;

	lb_ring_owners(run->service, run->health, owner);
	for (slot = 0; slot < run->service->entry.slots; slot++)
		run->word[slot] = LB_SLOT(owner[slot], 0);
	free(owner);
}

bool lb_run_is_same(const struct lb_run *run)
{
	const struct plan_service *now = run->service, *was = run->before->service;
	unsigned int i;

	if (now->n_owners != was->n_owners || now->ring_seed != was->ring_seed ||
	    now->drain_ms != was->drain_ms || now->entry.down != was->entry.down)
		return false;
	for (i = 0; i < now->n_owners; i++)
		if (now->owner[i].backend->number != was->owner[i].backend->number ||
		    now->owner[i].weight != was->owner[i].weight ||
		    run->health[i].lives != run->before->health[i].lives ||
		    run->health[i].tenths != run->before->health[i].tenths)
			return false;
	return true;
}

/* Owners that have slots. Return: how many */
static unsigned int count_holders(const struct lb_run *run, bool *ret_holds)
{
	static bool holds[LB_BACKENDS];
	unsigned int i, n = 0;
	uint32_t slot;

	memset(holds, 0, sizeof(holds));
	for (slot = 0; slot < run->service->entry.slots; slot++)
		holds[LB_OWNER(run->word[slot])] = true;
	for (i = 0; i < run->service->n_owners; i++) {
		ret_holds[i] = holds[run->service->owner[i].backend->number];
		n += ret_holds[i];
	}
	return n;
}

/* As noted; who came to the service but not into the ring yet, as the daemon ended, begins now */
static void adopt_slow(struct lb_run *run, const struct lb_note *note, uint64_t now_ms)
{
	bool *holds = zeroed(run->service->n_owners, sizeof(*holds));
	bool others = run->service->slow_start_ms && count_holders(run, holds);
	unsigned int i, k;

	for (i = 0; i < run->service->n_owners; i++) {
		if (others && !holds[i] && is_effective(run, i))
			run->up_ms[i] = now_ms;
		for (k = 0; k < note->n_slow; k++)
			if (note->slow[k].backend == run->service->owner[i].backend->number)
				run->up_ms[i] = note->slow[k].since_ms;
		slow_step(run, i, now_ms);
	}
	free(holds);
}

void lb_run_adopt(const struct lb *lb, struct lb_run *run, uint64_t now_ms)
{
	struct lb_note note = {};

	lb_noted_read(lb, run, now_ms, &note);
	adopt_slow(run, &note, now_ms);
	run->history = note.history;
	note.history = (struct lb_history){};
	lb_note_fini(&note);
	lb_history_adopt(&run->history, run->word, run->service->entry.slots, now_ms);
}
