// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * methods_conn.c - flows: list, count, delete, watch
 *
 * DOC: A table may hold millions, so one call walks for STEP_NS at most, and answers how far it
 * came: 'cursor', which the next call begins at. What comes and goes between two
 * calls may be missed, or seen twice if the table's size changes.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <daemon/flow.h>
#include <daemon/methods.h>

#define STEP_NS		5000000		/* a call; others wait so long */
#define STEP_SLOTS	1024		/* between two looks at the clock */
#define LIST_MAX	4096		/* flows in one answer */

struct walk {
	struct daemon *daemon;
	struct arena arena;		/* of the filter */
	struct expr_rule filter;
	uint64_t cursor;
	uint64_t limit;			/* flows that match */
	bool done;
};

typedef void (*walk_fn)(struct walk *walk, const struct flow *flow, const struct conn *conn,
			void *arg);

static int walk_begin(struct daemon *daemon, const struct rpc_call *call, struct walk *walk,
		      struct rpc_error *error)
{
	*walk = (struct walk){ .daemon = daemon, .limit = UINT64_MAX };
	if (rpc_cursor(call, &walk->cursor, error) < 0)
		return -1;
	if (flow_filter(daemon, call, &walk->arena, &walk->filter, error) < 0) {
		arena_fini(&walk->arena);
		return -1;
	}
	return 0;
}

static void walk_step(struct walk *walk, walk_fn fn, void *arg)
{
	const struct flows *flows = install_flows(walk->daemon->install);
	uint64_t end = uv_hrtime() + STEP_NS, n = 0;
	struct conn conn;
	struct flow flow;
	int r;

	while (n < walk->limit && uv_hrtime() < end) {
		r = flows_next(flows, &walk->cursor, STEP_SLOTS, &flow);
		if (r < 0) {
			walk->done = true;
			return;
		}
		if (!r)
			continue;
		flow_to_conn(&flow, &conn);
		if (!conn_filter_match(&walk->filter, &conn))
			continue;
		fn(walk, &flow, &conn, arg);
		n++;
	}
}

static void walk_end(struct walk *walk, struct jsonw *w)
{
	if (walk->done)
		jsonw_null(w, "cursor");
	else
		jsonw_fmt(w, "cursor", "%" PRIu64, walk->cursor);
	arena_fini(&walk->arena);
}

/* ---- list, show ---------------------------------------------------------------------------- */

struct list {
	struct jsonw *w;
	bool details;
};

static void list_one(struct walk *walk, const struct flow *flow, const struct conn *conn,
		     void *arg)
{
	const struct list *list = arg;

	jsonw_object(list->w, NULL);
	flow_write(walk->daemon, flow, conn, true, list->details, list->w);
	jsonw_object_end(list->w);
}

static int list(struct daemon *daemon, const struct rpc_call *call, bool details, struct jsonw *w,
		struct rpc_error *error)
{
	json_int_t limit = rpc_number_or(call, "limit", LIST_MAX);
	struct list list = { w, details };
	struct walk walk;

	if (!limit)
		return rpc_fail(error, RPC_BAD_PARAMS, "'limit' is 1 or more");
	if (walk_begin(daemon, call, &walk, error) < 0)
		return -1;
	walk.limit = limit < LIST_MAX ? limit : LIST_MAX;
	jsonw_array(w, "flows");
	walk_step(&walk, list_one, &list);
	jsonw_array_end(w);
	walk_end(&walk, w);
	return 0;
}

METHOD(conn_list)
{
	return list(daemon, call, false, w, error);
}

METHOD(conn_show)
{
	return list(daemon, call, true, w, error);
}

/* ---- count --------------------------------------------------------------------------------- */

struct counts {
	uint32_t n[256][CONNTRACK_STATE_MAX];	/* by protocol and state */
};

static void count_one(struct walk *walk, const struct flow *flow, const struct conn *conn,
		      void *arg)
{
	struct counts *counts = arg;

	if (conn->state < CONNTRACK_STATE_MAX)
		counts->n[conn->proto][conn->state]++;
}

static void write_counts(const struct counts *counts, struct jsonw *w)
{
	unsigned int proto, state;
	char buf[4];

	jsonw_array(w, "counts");
	for (proto = 0; proto < 256; proto++)
		for (state = 0; state < CONNTRACK_STATE_MAX; state++) {
			if (!counts->n[proto][state])
				continue;
			jsonw_object(w, NULL);
			jsonw_str(w, "protocol", conn_proto_name(proto, buf));
			jsonw_str(w, "state", conn_state_name(state));
			jsonw_u64(w, "flows", counts->n[proto][state]);
			jsonw_object_end(w);
		}
	jsonw_array_end(w);
}

METHOD(conn_count)
{
	struct counts *counts;
	struct walk walk;

	if (walk_begin(daemon, call, &walk, error) < 0)
		return -1;
	counts = calloc(1, sizeof(*counts));
	if (!counts)
		arena_no_memory();
	walk_step(&walk, count_one, counts);
	write_counts(counts, w);
	free(counts);
	walk_end(&walk, w);
	return 0;
}

/* ---- del ----------------------------------------------------------------------------------- */

static void del_one(struct walk *walk, const struct flow *flow, const struct conn *conn, void *arg)
{
	uint64_t *deleted = arg;

	*deleted += flows_remove(install_flows(walk->daemon->install), flow) == 0;
}

METHOD(conn_del)
{
	const char *filter = rpc_text_or(call, "filter", NULL);
	uint64_t deleted = 0;
	struct walk walk;

	if (!filter == !rpc_flag(call, "all"))
		return rpc_fail(error, RPC_BAD_PARAMS, "'%s' wants either 'filter' or 'all'",
				call->method);
	if (walk_begin(daemon, call, &walk, error) < 0)
		return -1;
	if (filter && !walk.filter.n && !walk.filter.n_concats &&
	    walk.filter.families == (EXPR_FAMILY_4 | EXPR_FAMILY_6)) {
		arena_fini(&walk.arena);
		return rpc_fail(error, SHUNT_CLIENT_USAGE,
				"'%s': an empty filter is of all flows: say 'all'", call->method);
	}
	walk_step(&walk, del_one, &deleted);
	jsonw_u64(w, "deleted", deleted);
	walk_end(&walk, w);
	return 0;
}

/* ---- stats, watch -------------------------------------------------------------------------- */

#define STAT(id, name, help) [CONNTRACK_STAT_##id] = { name, help },
static const struct {
	const char *name, *help;
} stats[] = { CONNTRACK_STATS(STAT) };

METHOD(conn_stats)
{
	struct flows *flows = install_flows(daemon->install);
	struct expr_rule all;
	struct arena arena = {};
	unsigned int i;
	int r;

	r = flow_filter(daemon, call, &arena, &all, error);
	arena_fini(&arena);
	if (r < 0)
		return r;
	flow_write_status(daemon, w);
	jsonw_array(w, "stats");
	for (i = 0; i < CONNTRACK_STAT_MAX; i++) {
		jsonw_object(w, NULL);
		jsonw_str(w, "stat", stats[i].name);
		jsonw_u64(w, "count", flows_stat(flows, i));
		jsonw_str(w, "help", stats[i].help);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
	return 0;
}

METHOD(conn_watch)
{
	struct expr_rule filter;
	struct arena arena = {};
	struct err err = {};

	if (!call->peer->stream)
		return rpc_fail(error, RPC_NO_METHOD, "'%s' needs a connection of its own",
				call->method);
	if (flow_filter(daemon, call, &arena, &filter, error) < 0) {
		arena_fini(&arena);
		return -1;
	}
	if (flow_watch_add(daemon, call->peer->stream, &arena, &filter, &err) < 0)
		return rpc_fail_err(error, SHUNT_CLIENT_REFUSED, &err);
	return 0;
}
