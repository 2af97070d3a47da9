/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* shared.h - tables that the programs of all graphs share, pinned for as long as shunt runs */
#ifndef KERNEL_SHARED_H
#define KERNEL_SHARED_H

#include <stdbool.h>
#include <stdint.h>

#include <base/err.h>
#include <compile/plan.h>
#include <kernel/counters.h>
#include <kernel/flows.h>
#include <kernel/gates.h>
#include <kernel/hits.h>
#include <kernel/lb_tables.h>
#include <kernel/object.h>
#include <kernel/sets.h>

#define SHARED_MAPS	(7 + SETS_TABLES + FLOWS_MAPS + LB_TABLE_MAX)

struct shared {
	char *bpffs;
	struct counters counters;	/* shunt_cpu */
	int ports_fd[GATES_KINDS];	/* shunt_ports */
	struct sets *sets;
	struct flows *flows;
	struct lb_tables *lb;
	int events_fd;			/* shunt_events: ring buffer */
	int nat_rules_fd, nat_addrs_fd;	/* lib/nat.h */
	struct hits hits, more_hits;	/* 'more': made for a plan that needs more room; fd -1: none */
	int state_fd, more_state_fd;	/* filter_state: limits and quotas */
	uint32_t state_room, more_state_room;
};

/* Nothing is open */
void shared_init(struct shared *shared);
/* Adopt pins or make them; after a failure it is to be closed. Return: 0 or -errno */
int shared_open(struct shared *shared, const char *bpffs, struct err *err);
void shared_close(struct shared *shared);

/**
 * shared_reserve() - Room for so many indices in the renderings to come, and their flow table
 * Where it grows, new tables are made beside those in use. shared_refresh(), just before programs
 * change over, brings over what has changed since; shared_settle() puts them in their place, with
 * what was counted, once nothing runs with the old ones; shared_abandon() drops them.
 */
int shared_reserve(struct shared *shared, const struct plan *plan, struct err *err);
void shared_refresh(struct shared *shared);
void shared_settle(struct shared *shared, const struct plan *plan);
void shared_abandon(struct shared *shared);

/* Whether the flow table, and those of load balancers, that a plan's programs were loaded with are there */
bool shared_has_flows(const struct shared *shared, const struct plan *plan);
/* After a start that finds all of a plan's programs running: those are in use */
void shared_take_up_flows(struct shared *shared, const struct plan *plan);

/**
 * shared_set() - See that a set's slot holds it, before the first program looks there
 * A static one whose image is in the plan is filled in; a dynamic one that is there keeps its
 * elements. Return: 0 or -errno
 */
int shared_set(const struct shared *shared, const struct plan_set *set, struct err *err);
/* Whether it does */
bool shared_has_set(const struct shared *shared, const struct plan_set *set);
/* A static set's slot gets another image: one store. Return: 0 or -errno */
int shared_exchange_set(const struct shared *shared, const struct plan_set *set,
			struct sets_change *ret_change, struct err *err);
/* Behind a grace period: what was there goes */
void shared_drop_set(const struct shared *shared, struct sets_change *change);
/* Empty the slots that no set of @plan has */
void shared_sweep_sets(const struct shared *shared, const struct plan *plan);

/* Only of an index that no loaded program uses */
void shared_state_zero(struct shared *shared, uint32_t index);

/**
 * shared_table_open() - A table of a node that people may look at
 * @ret_shared:	It is the flow table's, or one of translations: not the node's own, and without types
 * Return: new fd; -ENOENT: none of that name
 */
int shared_table_open(const struct shared *shared, const struct plan_node *node, const char *table,
		      bool *ret_shared, struct err *err);

/* The tables for a program of this kind, as object_load() takes them. Return: how many */
unsigned int shared_maps(const struct shared *shared, enum gates_kind kind,
			 struct object_map ret_map[SHARED_MAPS]);

#endif
