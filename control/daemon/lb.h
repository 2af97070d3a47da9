/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * lb.h - load balancers as they run: rings over their changes, backends' health, ways to them
 *
 * DOC: The plan says what services and backends there are. What is not in it, because it comes and goes
 * by itself, is here: which backend lives, who owned a slot before, how far a slow start is, where the next
 * hop is. Rings outlive the daemon in the kernel. What their words do not say is noted before they change:
 * which backends are down, earlier owners of slots with their time, slow starts. So a start goes on
 * with all of it, wherever the daemon ended; only where the note is lost, a slot's earliest owner is all
 * that is known, and its drain time begins anew.
 */
#ifndef DAEMON_LB_H
#define DAEMON_LB_H

#include <compile/lb_note.h>
#include <daemon/daemon.h>
#include <kernel/lb_tables.h>
#include <kernel/nexthop.h>

/* A service of the running plan, or of the one that is about to be */
struct lb_run {
	const struct plan_service *service;
	uint32_t *word;			/* the ring, as programs have it */
	struct lb_history history;
	struct lb_health *health;	/* by owner */
	uint64_t *up_ms;		/* by owner: when its slow start began; 0: it has its full weight */
	uint64_t next_ms;		/* when time alone changes something; UINT64_MAX: never */
	bool is_noted;			/* there is a file of it */
	struct lb_run *before;		/* while a change is under way: its ring goes on */
	int fd;				/* the same: of a new ring; -1 */
};

/* One that is down by command */
struct lb_outage {
	char *node, *service;
	struct shunt_addr addr;
	uint16_t port;
};

struct lb_grace;

struct lb {
	struct daemon *daemon;
	struct lb_tables *tables;	/* install's */
	const struct plan_lb *plan;	/* what runs; NULL: no services */
	struct nexthops *nexthops;	/* NULL: no services yet */
	uv_poll_t poll;
	uv_timer_t ring_timer, tick_timer, work_timer, put_timer;
	struct lb_grace *grace;		/* under way for ways that change; NULL: none */
	uint32_t way_round, way_settled;	/* lb_way.c */
	struct lb_run *run, *next;	/* by service of the running plan; of the one prepared */
	unsigned int n_run, n_next;
	struct lb_outage *down;
	unsigned int n_down;
};

/* ---- lb.c: with every change of what runs ---- */

void lb_new(struct daemon *daemon, struct lb **ret_lb);
void lb_free(struct lb *lb);

/**
 * lb_prepare() - All that the services of a plan need and no packet can see yet
 * Behind install_load(). @before: NULL: a start. Return: 0; -errno: lb_abort() is to follow
 */
int lb_prepare(struct lb *lb, const struct plan *next, const struct plan *before, struct err *err);
/* Just before the slots are written: services that are new have their addresses. Same return */
int lb_begin(struct lb *lb, const struct plan *next, struct err *err);
void lb_abort(struct lb *lb, const struct plan *running);
/* Behind install_commit(): the plan's services are what runs; nothing can fail */
void lb_commit(struct lb *lb, const struct plan *next);
/* Look again when time alone changes something */
void lb_arm(struct lb *lb);

/* ---- lb_run.c: one service ---- */

/* @before: the same service as it runs, or NULL */
void lb_run_init(struct lb *lb, struct lb_run *run, const struct plan_service *service,
		 struct lb_run *before, uint64_t now_ms);
void lb_run_fini(struct lb_run *run);
/* Owners as health has them; note, ring and history follow. @whole: else by time alone */
void lb_run_update(const struct lb *lb, struct lb_run *run, bool whole, uint64_t now_ms);
/* A new ring, which nobody has seen */
void lb_run_fill(struct lb_run *run);
/* Whether owners and their weights are those of the run before */
bool lb_run_is_same(const struct lb_run *run);
/* A ring that was found in the kernel: history and slow starts go on */
void lb_run_adopt(const struct lb *lb, struct lb_run *run, uint64_t now_ms);
bool lb_run_slows(const struct lb_run *run, unsigned int owner);

uint64_t lb_now_ms(void);

/* ---- lb_noted.c: the note beside a ring ---- */

/* @next: the history that the ring is about to have */
void lb_noted_write(const struct lb *lb, struct lb_run *run, const struct lb_history *next);
void lb_noted_remove(const struct lb *lb, struct lb_run *run);
/* Return: whether there is one of that very ring */
bool lb_noted_read(const struct lb *lb, struct lb_run *run, uint64_t now_ms,
		   struct lb_note *ret_note);

/* ---- lb_health.c: which backends live ---- */

bool lb_is_down(const struct lb *lb, const struct plan_service *service,
		const struct config_backend *backend);
struct lb_verdict {
	struct lb_run *run;		/* of a running service */
	unsigned int owner;
	bool down;
};
/**
 * lb_set_down() - Backends of running services are down, or up again
 * Noted for the next start, in one go. Return: how many were not so before; -errno: it is not noted,
 * and all are as before
 */
int lb_set_down(struct lb *lb, const struct lb_verdict *verdict, unsigned int n, struct err *err);
void lb_load_down(struct lb *lb);
void lb_free_down(struct lb *lb);
/* Flag LB_LIVES of all backends that live in some service, of rings that run */
void lb_flag_living(struct lb *lb, bool also_clear);

/* ---- lb_way.c: next hops ---- */

/* Ways to the backends of both, either may be NULL; those not known yet are waited for a moment */
void lb_ways_want(struct lb *lb, const struct plan_lb *a, const struct plan_lb *b);
/* What the kernel says of the way, in place of what @entry has */
void lb_way_fill(const struct lb *lb, const struct plan_backend *backend,
		 struct lb_backend *entry);
/* Bring lb_backends up to what is known now; what programs go by still follows, by the loop */
void lb_ways_put(struct lb *lb);
enum nexthop_state lb_way_state(const struct lb *lb, const struct plan_backend *backend);
void lb_ways_start(struct lb *lb);
void lb_ways_stop(struct lb *lb);

#endif
