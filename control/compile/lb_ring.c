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

/* What is only the owner's own past is no transition */
static void drop_own(struct change *change, unsigned int first, uint16_t owner)
{
	struct lb_history *history = &change->history;

	if (history->n == first + 1 && history->past[first].owner == owner)
		history->n = first;
}

/* @past: @n of the slot's */
static void slot_plan(struct change *change, uint32_t slot, const struct lb_past *past,
		      unsigned int n, uint16_t before, uint16_t owner)
{
	struct lb_past left = { .slot = slot, .owner = before, .since_ms = change->now_ms };
	unsigned int i, first = change->history.n;

	for (i = 0; i < n; i++)
		past_add(change, first, &past[i]);
	if (before != owner)
		past_add(change, first, &left);
	drop_own(change, first, owner);
}

/* Those of a slot, from *at on. Return: how many */
static unsigned int slot_past(const struct lb_history *history, uint32_t slot, unsigned int *at,
			      const struct lb_past **ret_past)
{
	unsigned int first = *at;

	while (*at < history->n && history->past[*at].slot == slot)
		(*at)++;
	*ret_past = history->past + first;
	return *at - first;
}

void lb_ring_plan(const uint32_t *word, uint32_t slots, const struct lb_history *history,
		  const uint16_t *owner, const bool *lives, uint64_t now_ms, uint64_t drain_ms,
		  struct lb_history *ret_next)
{
	struct change change = { .lives = lives, .now_ms = now_ms, .drain_ms = drain_ms };
	const struct lb_past *past;
	unsigned int at = 0, n;
	uint16_t before;
	uint32_t slot;

	for (slot = 0; slot < slots; slot++) {
		before = LB_OWNER(__atomic_load_n(&word[slot], __ATOMIC_RELAXED));
		n = slot_past(history, slot, &at, &past);
		if (n || (owner && owner[slot] != before))
			slot_plan(&change, slot, past, n, before, owner ? owner[slot] : before);
	}
	*ret_next = change.history;
}

unsigned int lb_ring_store(uint32_t *word, uint32_t slots, const struct lb_history *history,
			   const uint16_t *owner)
{
	unsigned int at = 0, changed = 0;
	const struct lb_past *past;
	uint32_t slot, before, after;
	uint16_t keep;

	for (slot = 0; slot < slots; slot++) {
		before = __atomic_load_n(&word[slot], __ATOMIC_RELAXED);
		keep = slot_past(history, slot, &at, &past) ? past->owner : 0;
		after = LB_SLOT(owner ? owner[slot] : LB_OWNER(before), keep);
		if (after == before)
			continue;
		__atomic_store_n(&word[slot], after, __ATOMIC_RELAXED);
		changed++;
	}
	return changed;
}

unsigned int lb_ring_change(uint32_t *word, uint32_t slots, struct lb_history *history,
			    const uint16_t *owner, const bool *lives, uint64_t now_ms,
			    uint64_t drain_ms)
{
	struct lb_history next;

	lb_ring_plan(word, slots, history, owner, lives, now_ms, drain_ms, &next);
	lb_history_fini(history);
	*history = next;
	return lb_ring_store(word, slots, history, owner);
}

/* @past: @n of the slot's, as noted */
static void slot_adopt(struct change *change, uint32_t slot, const struct lb_past *past,
		       unsigned int n, uint16_t keep)
{
	struct lb_past first = { .slot = slot, .owner = keep, .since_ms = change->now_ms };
	unsigned int i;

	if (!n || past->owner != keep)
		past_push(change, &first);
	for (i = 0; i < n; i++)
		past_push(change, &past[i]);
}

void lb_history_adopt(struct lb_history *history, const uint32_t *word, uint32_t slots,
		      uint64_t now_ms)
{
	struct change change = { .now_ms = now_ms };
	const struct lb_past *past;
	unsigned int at = 0, n;
	uint32_t slot;

	for (slot = 0; slot < slots; slot++) {
		n = slot_past(history, slot, &at, &past);
		if (LB_KEEP(word[slot]))
			slot_adopt(&change, slot, past, n, LB_KEEP(word[slot]));
	}
	lb_history_fini(history);
	*history = change.history;
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
