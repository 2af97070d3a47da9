/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * lb_tables.h - the tables of load balancers (dataplane/lib/lb.h), shared by all nodes
 *
 * DOC: They are there while the plan has services. What changes its size with a plan (remembered
 * flows, counters) is made anew beside what is in use, and takes its place behind the commit.
 */
#ifndef KERNEL_LB_TABLES_H
#define KERNEL_LB_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include <base/err.h>
#include <compile/plan.h>
#include <kernel/object.h>

struct lb_tables;

/* Adopt what is pinned; makes none. @bpffs: kept. Return: 0 or -errno */
int lb_tables_open(const char *bpffs, struct lb_tables **ret_tables, struct err *err);
void lb_tables_close(struct lb_tables *tables);

/* As shared_reserve(), shared_refresh(), shared_settle(), shared_abandon(); @plan: NULL: no services */
int lb_tables_reserve(struct lb_tables *tables, const struct plan_lb *plan, struct err *err);
void lb_tables_refresh(struct lb_tables *tables);
void lb_tables_settle(struct lb_tables *tables, const struct plan_lb *plan);
void lb_tables_abandon(struct lb_tables *tables);
bool lb_tables_fit(const struct lb_tables *tables, const struct plan_lb *plan);
bool lb_tables_exist(const struct lb_tables *tables);

unsigned int lb_tables_maps(const struct lb_tables *tables,
			    struct object_map ret_map[LB_TABLE_MAX]);

/* ---- elements: only while lb_tables_exist() ---- */

/* lb_backends as programs have it, by number */
struct lb_backend *lb_tables_backends(const struct lb_tables *tables);

int lb_tables_put_service(const struct lb_tables *tables, const struct plan_service *service,
			  struct err *err);
/* What is behind a number, be it in use or not. Return: 0 or -errno */
int lb_tables_service(const struct lb_tables *tables, uint32_t number,
		      struct lb_service *ret_entry);
int lb_tables_put_ranges(const struct lb_tables *tables, const struct plan_ranges *ranges,
			 struct err *err);
/* What lb_tables_put_keys() is to write */
enum lb_keys { LB_KEYS_NEW, LB_KEYS_ALL };

/*
 * Bring lb_vips, lb_nets and lb_quic up to a plan. NEW: keys that are not there yet; what is there stays
 * as it is. ALL: changed ones too, and what the plan does not have goes. Return: 0 or -errno
 */
int lb_tables_put_keys(const struct lb_tables *tables, const struct plan_lb *plan,
		       enum lb_keys which, struct err *err);

/* ---- rings: of LB_SERVICES ---- */

/* A ring that is there, as programs have it; NULL: there is none of so many slots */
uint32_t *lb_tables_ring(const struct lb_tables *tables, uint32_t number, uint32_t slots);
/* Of the map that is there now: no later one in this boot has it. Return: 0 or -errno */
int lb_tables_ring_id(const struct lb_tables *tables, uint32_t number, uint32_t *ret_id);
/* One with all slots 0, behind no number yet. Return: fd or -errno */
int lb_tables_make_ring(uint32_t slots, uint32_t **ret_word, struct err *err);
/* Rings in their places; the descriptors are closed. fd -1: none any more. Return: 0 or -errno */
int lb_tables_put_rings(const struct lb_tables *tables, const uint32_t *number, int *fd,
			unsigned int n, struct err *err);
void lb_tables_unmap_ring(uint32_t *word, uint32_t slots);

/* ---- flows and counters ---- */

/* Numbers that are about to be others' */
struct lb_reused {
	bool backend[LB_BACKENDS], service[LB_SERVICES];
};

/* What is remembered with one of them is forgotten: flows, fragments' datagrams. Return: how many */
unsigned int lb_tables_forget(const struct lb_tables *tables, const struct lb_reused *reused);

struct lb_occupancy {
	uint64_t room, used;
	uint64_t fresh;			/* of those: seen in the last minute */
};
void lb_tables_occupancy(const struct lb_tables *tables, struct lb_occupancy *ret_occupancy);
/**
 * lb_tables_remembered() - The backend that a flow is remembered to have
 * @key:	lb_flow_key()
 * @ret_age:	Since it was seen last, in ticks of lb_flows: older than the service's 'drain' is forgotten
 * Return: number; 0: none
 */
uint32_t lb_tables_remembered(const struct lb_tables *tables, uint64_t key, uint32_t *ret_age);

void lb_tables_count(const struct lb_tables *tables, uint32_t counter, struct lb_counts *ret_counts,
		     struct lb_drops *ret_drops);
/* Of an index that was handed out anew */
void lb_tables_zero(const struct lb_tables *tables, uint32_t counter);

#endif
