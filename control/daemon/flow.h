/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* flow.h - flows of the kernel's table: asked for, written, watched */
#ifndef DAEMON_FLOW_H
#define DAEMON_FLOW_H

#include <daemon/daemon.h>
#include <kernel/flows.h>
#include <model/conn.h>

struct flow_watch;

void flow_to_conn(const struct flow *flow, struct conn *ret_conn);
/* Members of an object. @times: when it ends and began; @details: as struct conn_about */
void flow_write(struct daemon *daemon, const struct flow *flow, const struct conn *conn, bool times,
		bool details, struct jsonw *w);

/* Member 'flows' of the status: room and memory by family; null: no table */
void flow_write_status(struct daemon *daemon, struct jsonw *w);

/**
 * flow_filter() - The filter of a call, all flows if it has none; and that there is a table
 * @arena:	Takes the filter
 * Return: 0; -1: @error is filled
 */
int flow_filter(struct daemon *daemon, const struct rpc_call *call, struct arena *arena,
		struct expr_rule *ret_filter, struct rpc_error *error);

/**
 * flow_watch_add() - Tell a client of flows that come, change and go, as notifications
 * @filter:	Of these alone, borrowed from @arena; the arena is taken, even on failure
 * Return: 0 or -errno
 */
int flow_watch_add(struct daemon *daemon, struct stream *stream, struct arena *arena,
		   const struct expr_rule *filter, struct err *err);
/* At the daemon's end, before the table is closed; NULL is fine */
void flow_watch_free(struct flow_watch *watch);

#endif
