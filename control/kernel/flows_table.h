/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * flows_table.h - one flow table, mapped; for flows*.c and its tests only
 *
 * DOC: Entries are brought in and taken out by the steps that lib/conntrack.h lays down, since
 * programs do the same at the same time.
 */
#ifndef KERNEL_FLOWS_TABLE_H
#define KERNEL_FLOWS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/err.h>
#include <compile/plan.h>

#include "../../dataplane/lib/conntrack_hash.h"
#include "../../dataplane/lib/conntrack_limit.h"
#include "../../dataplane/lib/conntrack_state.h"

#define FLOWS_BUCKETS_MIN	2	/* so that a flow has two */

/* A family's */
struct flows_part {
	bool six;
	uint32_t buckets;
	size_t entry_bytes;
	uint64_t *word;			/* by bucket */
	uint8_t *entry;			/* by slot */
	struct conntrack_counts *counts;	/* by slot; NULL: off */
	struct conntrack_seqs *seqs;
	struct conntrack_limits *limits;	/* by slot; NULL: no rule counts */
	struct conntrack_counted_bucket *counted;	/* of both families */
	const struct conntrack_conf *conf;
};

struct flows_table {
	int fd[CONNTRACK_TABLE_MAX];
	void *map[CONNTRACK_TABLE_MAX];
	size_t bytes[CONNTRACK_TABLE_MAX];	/* that are mapped */
	bool borrowed;			/* what does not depend on the size is another table's */
	unsigned int cpus;
	struct flows_part part[2];	/* IPv4, IPv6 */
	struct conntrack_conf *conf;
	struct conntrack_stats *stats;	/* by CPU, and one more: ours */
};

/* ---- flows_table.c: maps and pins ---- */

uint32_t flows_buckets(uint32_t flows);

/**
 * flows_table_create() - An empty table, with seeds of its own
 * @old:	Whose statistics, events and fragments it shares; NULL: it gets its own
 */
int flows_table_create(const struct plan_conntrack *want, const struct flows_table *old,
		       struct flows_table *ret_table, struct err *err);
/* What is pinned in @dir. Return: 0; -ENOENT: not all of it is there; -EPROTO: another layout */
int flows_table_adopt(const char *dir, struct flows_table *ret_table, struct err *err);
int flows_table_pin(const struct flows_table *table, const char *dir, struct err *err);
void flows_table_close(struct flows_table *table);
/* Whether it has the size and the parts that a plan wants */
bool flows_table_fits(const struct flows_table *table, const struct plan_conntrack *want);
void flows_table_configure(struct flows_table *table, const struct plan_conntrack *want);

/* ---- flows_entry.c: entries ---- */

static inline uint32_t flows_part_slots(const struct flows_part *part)
{
	return part->buckets * CONNTRACK_WAYS;
}

static inline struct conntrack_flow *flows_entry(const struct flows_part *part, uint32_t slot)
{
	return (struct conntrack_flow *)(part->entry + slot * part->entry_bytes);
}

static inline uint64_t flows_life(const struct conntrack_flow *flow)
{
	return __atomic_load_n(&flow->life, __ATOMIC_ACQUIRE);
}

static inline uint64_t flows_word(const struct flows_part *part, uint32_t bucket)
{
	return __atomic_load_n(&part->word[bucket], __ATOMIC_ACQUIRE);
}

/* Whether a flow lives there, or the second entry of one */
static inline bool flows_is_there(uint64_t life, uint32_t now)
{
	return conntrack_life_state(life) && !conntrack_life_over(life, now);
}

/* Copy an entry that is one flow from first to last byte. Return: its life; 0: there is none */
uint64_t flows_copy(const struct flows_part *part, uint32_t slot, void *ret_entry);

/* The slot of a key, second entries as well. Return: 0; -ENOENT */
int flows_find(const struct flows_part *part, const void *key, uint32_t now, uint32_t *ret_slot);

/* What belongs to a flow that is brought in, but is not in its entry */
struct flows_beside {
	const struct conntrack_seqs *seqs;	/* NULL: none are known yet */
	struct conntrack_limits limits;	/* raised; 0 once they are the entry's */
};

/**
 * flows_insert() - Bring in an entry
 * @entry:	struct conntrack_flow4 or 6; SPILLED and generation of its life are ours
 * @beside:	NULL: nothing
 * Nobody is evicted for it.
 * Return: 0; -EEXIST: *ret_slot has its key; -ENOSPC; -EAGAIN: races lost too often
 */
int flows_insert(const struct flows_part *part, const void *entry, struct flows_beside *beside,
		 uint32_t now, uint32_t *ret_slot);

/*
 * Take out an entry whose life was @life, with its second one. Return: false: it changed since, or is
 * only about to be there
 */
bool flows_take(const struct flows_part *part, uint32_t slot, uint64_t life);

/* An entry that somebody left half done: free it if its life still is @life */
void flows_mend(const struct flows_part *part, uint32_t slot, uint64_t life);

/* ---- flows_limit.c: what rules count ---- */

/* The slot's flow is gone, its tag is not yet: it is counted no more */
void flows_uncount(const struct flows_part *part, uint32_t slot);
/* References that no entry has */
void flows_lower(const struct flows_part *part, const struct conntrack_limits *limits);
/*
 * What counts a flow of @from's slot counts it in @to, whatever the rules let be
 * Return: how many found no room
 */
unsigned int flows_carry_limits(const struct flows_part *from, uint32_t slot,
				const struct flows_part *to, struct conntrack_limits *ret_limits);

/* ---- flows_carry.c: from one table to another ---- */

/* Of a slot of the old table: what was carried */
struct flows_carried {
	uint64_t life;			/* 0: nothing */
	uint32_t slot;			/* in the new one, + 1; 0: it had no room */
	uint32_t mark;
};

/**
 * flows_carry() - Bring the flows of @from into @to, or what changed of them since the last call
 * Programs may work with both.
 * @carried:	By slot, all 0 at first
 * @last:	No program works with @from any more: counters are added
 * Return: how many found no room
 */
uint32_t flows_carry(const struct flows_part *from, const struct flows_part *to,
		     struct flows_carried *carried, uint32_t now, bool last);

#endif
