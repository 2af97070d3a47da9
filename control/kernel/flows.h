/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * flows.h - the flow table of all graphs (lib/conntrack.h), mapped
 *
 * DOC: Programs and this file change it at the same time, by the same rules. It is
 * made for the first plan that has a node that needs it, and pinned. Another size makes a new one
 * beside it: flows are brought over when it is made, once more just before programs change over,
 * and at last what the old one got in between.
 */
#ifndef KERNEL_FLOWS_H
#define KERNEL_FLOWS_H

#include <stdbool.h>
#include <stdint.h>

#include <base/err.h>
#include <compile/plan.h>
#include <kernel/object.h>

#include "../../dataplane/lib/conntrack.h"

#define FLOWS_FAMILIES	2		/* 0: IPv4, 1: IPv6 */
#define FLOWS_MAPS	CONNTRACK_TABLE_MAX

struct flows;

/* What a walk over the table shows of a flow. Copied: it may be gone by now */
struct flow {
	unsigned int family;		/* 0: flow4, 1: flow6 */
	uint32_t slot;
	union {
		struct conntrack_flow4 flow4;
		struct conntrack_flow6 flow6;
		struct conntrack_flow flow;	/* what both begin with */
	};
	struct conntrack_counts counts;	/* 0 where they are off */
	uint32_t expires_s;		/* from now */
	uint32_t age_s;
};

/* Adopt what is pinned under @bpffs; without pins nothing is there yet. Return: 0 or -errno */
int flows_open(const char *bpffs, struct flows **ret_flows, struct err *err);
void flows_close(struct flows *flows);

/**
 * flows_reserve() - Have the table that a plan wants, before its programs are loaded
 * @want:	NULL: the plan has no node that needs it; what is there stays
 * Return: 0; -ENOMEM, ... : what was there is untouched
 */
int flows_reserve(struct flows *flows, const struct plan_conntrack *want, struct err *err);
/* Just before programs change over to a new one: what has changed in the old one since */
void flows_refresh(struct flows *flows);
/* Once no program uses the old one: put the new one in its place, with the flows of the old one */
void flows_settle(struct flows *flows);
void flows_abandon(struct flows *flows);	/* the new one is not to be */
/* Nothing tracks flows any more: the table goes, with all flows */
void flows_drop(struct flows *flows);
/* Whether a table that is as the plan wants it is there, in use or about to be */
bool flows_fits(const struct flows *flows, const struct plan_conntrack *want);
/* Timeouts and flags of the plan in force */
void flows_configure(struct flows *flows, const struct plan_conntrack *want);
void flows_watch(struct flows *flows, bool watched);
/*
 * Whom to tell of flows that flows_remove() and flows_sweep() take out: programs tell of the others.
 * @flow: NULL: flows_drop() takes the table, with all that are in it
 */
typedef void (*flows_gone_fn)(void *arg, const struct flow *flow);
void flows_on_gone(struct flows *flows, flows_gone_fn fn, void *arg);

/* The tables for a program, as object_load() takes them; all optional. Return: how many */
unsigned int flows_maps(const struct flows *flows, struct object_map ret_map[FLOWS_MAPS]);
int flows_events_fd(const struct flows *flows);		/* ring buffer; -1: no table yet */

/**
 * flows_next() - Walk over the flows that are there, in order of family and slot
 * Second entries of translated flows are left out.
 * @cursor:	0 at first; kept by the caller
 * @max_slots:	How far to look at most in this call
 * Return: 1: *ret_flow is one; 0: none in @max_slots, go on; -ENOENT: that was the end
 */
int flows_next(const struct flows *flows, uint64_t *cursor, uint32_t max_slots,
	       struct flow *ret_flow);

/*
 * Remove a flow that flows_next() showed, with its second entry, whatever packets have made of it
 * since. Return: 0; -ENOENT: it is gone
 */
int flows_remove(struct flows *flows, const struct flow *flow);

/**
 * flows_sweep() - Remove flows whose life is over, from where the last call ended
 * @slots:	How many to look at
 * Return: how many went
 */
unsigned int flows_sweep(struct flows *flows, uint32_t slots);

/* What a limit counts by: itself (address all 0) or a prefix */
struct flows_counted {
	uint32_t limit;			/* plan_limit.id; that of a rule that is gone counts on, too */
	uint32_t most;			/* as the last packet that asked had it */
	struct shunt_addr addr;
	uint32_t flows;
};

/* Walk over what limits count, as flows_next() */
int flows_counted_next(const struct flows *flows, uint32_t *cursor, uint32_t max_entries,
		       struct flows_counted *ret_counted);

/* How many slots there are, of both families; 0: no table */
uint64_t flows_slots(const struct flows *flows);
uint64_t flows_stat(const struct flows *flows, enum conntrack_stat stat);
/*
 * Slots that are taken: flows, second entries of translated ones, and those whose life is over but
 * that were not swept yet. Slots there are, and bytes that the tables take
 */
void flows_size(const struct flows *flows, unsigned int family, uint64_t *ret_taken,
		uint64_t *ret_slots, uint64_t *ret_bytes);

#endif
