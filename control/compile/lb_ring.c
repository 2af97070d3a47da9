// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* lb_ring.c - a ring over its changes: who owns a slot, and who keeps the flows that were there */
#include <stdlib.h>
#include <string.h>

#include <base/arena.h>
#include <compile/lb_ring.h>
#include <compile/maglev.h>

struct change {
	const bool *lives;
	uint64_t now_ms, drain_ms;
	struct lb_history history;	/* as it is to be; room for 'size' */
	unsigned int size;
};

void lb_history_fini(struct lb_history *history)
{
	free(history->past);
	*history = (struct lb_history){};
}

static void past_push(struct change *change, const struct lb_past *past)
{
	struct lb_history *history = &change->history;

	if (history->n == change->size) {
		change->size = change->size ? 2 * change->size : 64;
		history->past = realloc(history->past, change->size * sizeof(*past));
		if (!history->past)
			arena_no_memory();
	}
	history->past[history->n++] = *past;
}

/* One that lives and was replaced within the drain time; of two alike in a row the later is enough */
static void past_add(struct change *change, unsigned int first, const struct lb_past *past)
{
	struct lb_history *history = &change->history;

	if (!past->owner || !change->lives[past->owner] ||
	    change->now_ms - past->since_ms >= change->drain_ms)
		return;
	if (history->n > first && history->past[history->n - 1].owner == past->owner)
		history->past[history->n - 1] = *past;
	else
		past_push(change, past);
}

/* Whose flows are not remembered. What is only the owner's own past is no transition */
static uint16_t keep_of(struct change *change, unsigned int first, uint16_t owner)
{
	struct lb_history *history = &change->history;

	if (history->n == first + 1 && history->past[first].owner == owner)
		history->n = first;
	return history->n > first ? history->past[first].owner : 0;
}

/* @past: @n of the slot's */
static uint32_t slot_change(struct change *change, uint32_t slot, const struct lb_past *past,
			    unsigned int n, uint16_t before, uint16_t owner)
{
	struct lb_past left = { .slot = slot, .owner = before, .since_ms = change->now_ms };
	unsigned int i, first = change->history.n;

	for (i = 0; i < n; i++)
		past_add(change, first, &past[i]);
	if (before != owner)
		past_add(change, first, &left);
	return LB_SLOT(owner, keep_of(change, first, owner));
}

unsigned int lb_ring_change(uint32_t *word, uint32_t slots, struct lb_history *history,
			    const uint16_t *owner, const bool *lives, uint64_t now_ms,
			    uint64_t drain_ms)
{
	struct change change = { .lives = lives, .now_ms = now_ms, .drain_ms = drain_ms };
	unsigned int i = 0, first, changed = 0;
	uint32_t slot, before, after;

	for (slot = 0; slot < slots; slot++) {
		before = __atomic_load_n(&word[slot], __ATOMIC_RELAXED);
		for (first = i; i < history->n && history->past[i].slot == slot; )
			i++;
		after = slot_change(&change, slot, &history->past[first], i - first,
				    LB_OWNER(before), owner ? owner[slot] : LB_OWNER(before));
		if (after == before)
			continue;
		__atomic_store_n(&word[slot], after, __ATOMIC_RELAXED);
		changed++;
	}
	lb_history_fini(history);
	*history = change.history;
	return changed;
}

uint64_t lb_history_next(const struct lb_history *history, uint64_t drain_ms)
{
	uint64_t next_ms = UINT64_MAX;
	unsigned int i;

	for (i = 0; i < history->n; i++)
		if (history->past[i].since_ms + drain_ms < next_ms)
			next_ms = history->past[i].since_ms + drain_ms;
	return next_ms;
}

static bool any_lives(const struct plan_service *service, const struct lb_health *health)
{
	unsigned int i;

	for (i = 0; i < service->n_owners; i++)
		if (health[i].lives)
			return true;
	return false;
}

void lb_ring_owners(const struct plan_service *service, const struct lb_health *health,
		    uint16_t *ret_owner)
{
	bool as_if = service->entry.down == LB_DOWN_LAST && !any_lives(service, health);
	struct maglev_member *member = calloc(service->n_owners + 1, sizeof(*member));
	const struct plan_owner *owner;
	unsigned int i;

	if (!member)
		arena_no_memory();
	for (i = 0; i < service->n_owners; i++) {
		owner = &service->owner[i];
		member[i] = (struct maglev_member){
			.addr = owner->backend->entry.addr, .port = owner->backend->port,
			.owner = owner->backend->number,
			.weight = as_if ? owner->weight :
				  health[i].lives ? owner->weight * health[i].tenths : 0,
		};
	}
	maglev_build(member, service->n_owners, service->ring_seed, service->entry.slots,
		     ret_owner);
	free(member);
}
