/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * slots.h - indices by name: counters, entries of graphs, ports, rules' hits, sets
 *
 * DOC: A name keeps its index for as long as plan after plan has it. A new name
 * takes the lowest index that is free in the running plan and in the new one,
 * so that no index changes its meaning in one commit: programs of both
 * generations run at the same moment. What the new plan leaves is free for
 * the one after it.
 */
#ifndef COMPILE_SLOTS_H
#define COMPILE_SLOTS_H

#include <compile/plan.h>

enum slots_space {
	SLOTS_COUNTER,			/* 1 to SHUNT_COUNTERS_MAX - 1; 0 is none */
	SLOTS_GRAPH_XDP,
	SLOTS_GRAPH_TC,
	SLOTS_PORT,
	SLOTS_HIT,			/* of 'filter_hits'; 0 is none */
	SLOTS_STATE,			/* of 'filter_state' */
	SLOTS_SET,			/* of 'shunt_sets' */
	SLOTS_DSET,			/* of 'shunt_dsets' */
	SLOTS_POLICY,			/* rows of conntrack_conf.timeout; 0: the usual one */
	SLOTS_NAT,			/* of 'nat_rules', + 1 */
	SLOTS_LB_NODE,
	SLOTS_LB_SERVICE,		/* of 'lb_services' */
	SLOTS_LB_RING,			/* of 'lb_rings' */
	SLOTS_LB_RANGES,		/* of 'lb_ranges' */
	SLOTS_LB_BACKEND,		/* of 'lb_backends'; 0 is none */
	SLOTS_LB_COUNT,			/* of a CPU in 'lb_counts' */
	SLOTS_SPACES
};

struct slots_entry {
	const struct plan_slot *slot;	/* NULL: free */
	uint32_t hash;			/* of its name: a name is gone to only if that is equal */
};

struct slots_table {
	struct slots_entry *entry;
	unsigned int n, size;		/* size: a power of two, or 0 */
};

struct slots {
	struct arena *arena;
	bool *used[SLOTS_SPACES];	/* in either plan */
	uint32_t from[SLOTS_SPACES];	/* nothing is free below */
	uint32_t end[SLOTS_SPACES];	/* nothing was taken from here on */
	struct slots_table running, taken;
	struct plan_slot **slot;	/* of the new plan, in order */
	unsigned int n;
};

/* @running: may be NULL; must outlive the slots */
void slots_init(struct slots *slots, struct arena *arena, const struct plan *running);

/**
 * slots_take() - The index for a name of the new plan
 * @name:	Kept. Taken already: it gets ".2" behind it, or ".3"
 * @n:		How many consecutive ones
 * Return: 0; -ENOSPC: the space is full; *ret_index is 0 then
 */
int slots_take(struct slots *slots, enum slots_space space, const char *name, uint32_t n,
	       uint32_t *ret_index);

/* The same, but one that is taken already is shared; one index; the name is copied */
int slots_share(struct slots *slots, enum slots_space space, const char *name,
		uint32_t *ret_index);

/* All that were taken, in order, as an array in the arena */
struct plan_slot *slots_list(const struct slots *slots);

/* One above the highest index that was taken */
uint32_t slots_end(const struct slots *slots, enum slots_space space);

uint32_t slots_limit(enum slots_space space);	/* how many there can be */

#endif
