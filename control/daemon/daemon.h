/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* daemon.h - what shuntd holds, and what it does */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <time.h>

#include <uv.h>

#include <daemon/generation.h>
#include <daemon/rpc.h>
#include <daemon/store.h>
#include <kernel/dset.h>
#include <kernel/install.h>
#include <kernel/netlink.h>

struct flow_watch;
struct lb;
struct monitor;

/* Where the search for expired elements is */
struct collect {
	uv_timer_t timer;
	unsigned int set;		/* in the running plan */
	struct dset_cursor cursor;
};

struct daemon {
	const char *run_dir;		/* sockets, lock, verifier logs, bpffs */
	const char *state_dir;		/* generations */
	const char *bpf_dir;		/* gate, root and modules/ */
	const char *bpffs;		/* pins */
	char *module_dir;
	time_t started;
	struct store store;
	struct install *install;	/* NULL: offline */
	struct netlink *netlink;
	struct lb *lb;			/* NULL: offline */
	struct monitor *monitor;	/* NULL: nobody ever read events */
	struct flow_watch *flow_watch;	/* NULL: nobody ever watched flows */
	struct generation *running;	/* never NULL, but offline; number 0: nothing applied yet */
	const char *stuck;		/* why the running one could not be taken up; or NULL */
	uint32_t last_number;		/* highest ever given */
	uv_loop_t loop;
	uv_poll_t mirror_poll;
	uv_timer_t sync_timer, sync_tick;	/* sync.c */
	uv_timer_t retry_timer;		/* failed attachments */
	uv_timer_t confirm_timer;
	struct collect collect;
	struct store_pending pending;	/* generation 0: none */
};

/* change.c - the transaction */

/* What a change is to do; the rest comes from the caller's credentials */
struct change {
	struct generation *next;	/* has its tree; the change owns it, whatever comes of it */
	unsigned int confirm_s;		/* 0: at once */
	bool back;			/* a rollback, allowed while a confirmation is waited for */
	uint32_t from;			/* generation that it goes back to; 0: the empty one */
	const char *comment;
	bool dry_run;
};

/**
 * change_apply() - Build, load, commit, answer
 * Return: 0 with the result's members written; -1 with @error filled and what ran still running
 */
int change_apply(struct daemon *daemon, const struct rpc_peer *peer, const struct change *change,
		 struct jsonw *w, struct rpc_error *error);
/* Generation @number again. Same return */
int change_rollback(struct daemon *daemon, const struct rpc_peer *peer, uint32_t number,
		    const char *comment, bool dry_run, struct jsonw *w, struct rpc_error *error);
/* The answer to a change by a view (edit.c): the same members */
void change_write_edit(struct daemon *daemon, const struct plan_filter *filter,
		       const struct install_report *report, struct jsonw *w);
/* The pending one stays */
void change_confirm(struct daemon *daemon);
/* At a start: take up what ran, finish what was begun, re-arm a deadline. Return: 0 or -errno */
int change_recover(struct daemon *daemon, struct err *err);
/* The mirror changed: attach, detach */
void change_reconcile(struct daemon *daemon);

/* collect.c - expired elements of dynamic sets, and flows */
void collect_start(struct daemon *daemon);

/* nat.c - 'masquerade' takes what the mirror has now */
void nat_sync(struct daemon *daemon);

/* status.c - facts */
void status_write(struct daemon *daemon, struct jsonw *w);
/* What works otherwise than wanted; items of an array */
unsigned int status_degraded(struct daemon *daemon, struct jsonw *w, const char *key);
void status_graphs(struct daemon *daemon, const char *name, struct jsonw *w);
void status_nodes(struct daemon *daemon, const char *name, struct jsonw *w);
void status_drops(struct daemon *daemon, struct jsonw *w);

#endif
