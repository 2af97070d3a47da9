/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * lb_ring.h - a ring over its changes: who owns a slot, and who keeps the flows that were there
 *
 * DOC: A slot that gets another owner is in transition: its former owners are in the ring's history,
 * each until the drain time after it was replaced. Of those, the first that lives keeps the
 * flows that are not remembered: LB_KEEP. Flows that begin meanwhile are remembered, so the word says
 * 'keep' even where the owner itself keeps them, for as long as others may have some: A, B, A.
 * One that dies leaves all histories: its flows go to whoever is next. A slot without history is not
 * in transition.
 */
#ifndef COMPILE_LB_RING_H
#define COMPILE_LB_RING_H

#include <stdbool.h>
#include <stdint.h>

#include <compile/plan.h>

/* A former owner of a slot */
struct lb_past {
	uint32_t slot;
	uint16_t owner;
	uint16_t pad;
	uint64_t since_ms;		/* when it was replaced */
};

/* Of one ring: by slot, of a slot oldest first */
struct lb_history {
	struct lb_past *past;		/* malloc()ed */
	unsigned int n;
};

void lb_history_fini(struct lb_history *history);

/**
 * lb_ring_plan() - The history that a ring has next: other owners, somebody died, time went by
 * To be noted before the ring follows: of what it says too much, nothing is wrong.
 * @word:	By slot, LB_SLOT(): as the ring is
 * @history:	The same
 * @owner:	By slot: who is to own it, 0: nobody; NULL: as it is
 * @lives:	By backend's number
 * @now_ms:	Of a clock that does not go back
 * @drain_ms:	0 (or tracking: never): no slot is ever in transition
 */
void lb_ring_plan(const uint32_t *word, uint32_t slots, const struct lb_history *history,
		  const uint16_t *owner, const bool *lives, uint64_t now_ms, uint64_t drain_ms,
		  struct lb_history *ret_next);
/**
 * lb_ring_store() - Then the ring follows
 * @word:	Each is read once and stored at most once, whole, so that it may be the ring's map itself
 * @history:	lb_ring_plan()'s, for the same @owner
 * Return: how many words changed
 */
unsigned int lb_ring_store(uint32_t *word, uint32_t slots, const struct lb_history *history,
			   const uint16_t *owner);
/* Both; @history is changed with the ring */
unsigned int lb_ring_change(uint32_t *word, uint32_t slots, struct lb_history *history,
			    const uint16_t *owner, const bool *lives, uint64_t now_ms,
			    uint64_t drain_ms);

/**
 * lb_history_adopt() - What a history that was noted says of a ring that was found
 * The ring wins: a slot that is not in transition has no past, and who keeps is the first of it. Others
 * that were noted stay, each for its own time: where the note is ahead, it may have forgotten an earlier
 * time of who keeps, which the ring still goes by.
 * @history:	As noted; empty: nothing was
 */
void lb_history_adopt(struct lb_history *history, const uint32_t *word, uint32_t slots,
		      uint64_t now_ms);

/* When lb_ring_change() will have something to do by time alone; UINT64_MAX: nothing is in transition */
uint64_t lb_history_next(const struct lb_history *history, uint64_t drain_ms);

/* What is known of a backend of a service but not said by the configuration */
struct lb_health {
	bool lives;
	uint8_t tenths;			/* of its weight, by slow start: 1 to 10 */
};

/**
 * lb_ring_owners() - The owners that a service's ring is to have
 * Of those that live, by weight; if none does, what 'down' says: nobody, or ('last') as if all lived.
 * @health:	By place in service->owner
 * @ret_owner:	By slot
 */
void lb_ring_owners(const struct plan_service *service, const struct lb_health *health,
		    uint16_t *ret_owner);

#endif
