// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* methods.c - the API's methods but those of tables and modules; and the table of all */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <daemon/daemon.h>
#include <daemon/methods.h>
#include <kernel/traps.h>

_Static_assert(!offsetof(struct config_node, name) && !offsetof(struct config_graph, name) &&
	       !offsetof(struct config_set, name) && !offsetof(struct config_chain, name),
	       "method_unknown()");

int method_unknown(struct rpc_error *error, const char *what, const char *name, const void *items,
		   unsigned int n, size_t size)
{
	const char **known = calloc(n + 1, sizeof(*known));
	unsigned int i;

	if (!known)
		abort();
	for (i = 0; i < n; i++)
		known[i] = *(const char *const *)((const char *)items + i * size);
	rpc_fail(error, SHUNT_CLIENT_USAGE, "no %s '%s'%s", what, name,
		 suggest_text(name, known, n).text);
	free(known);
	return -1;
}

const struct config_node *method_node(struct daemon *daemon, const char *name,
				      struct rpc_error *error)
{
	const struct config *config = &daemon->running->config;
	const struct config_node *node = config_node_find(config, name);

	if (!node)
		method_unknown(error, "node", name, config->node, config->n_nodes,
			       sizeof(*config->node));
	return node;
}

struct generation *method_edit(struct daemon *daemon)
{
	struct generation *next = generation_new();

	next->tree = tree_copy(&next->arena, daemon->running->tree);
	return next;
}

int method_commit(struct daemon *daemon, const struct rpc_call *call, struct generation *next,
		  struct jsonw *w, struct rpc_error *error)
{
	struct change change = { .next = next, .comment = rpc_text_or(call, "comment", "") };

	return change_apply(daemon, call->peer, &change, w, error);
}

/* CONFIG parameter to a tree in the arena of a new generation */
static int method_config(const struct rpc_call *call, struct generation **ret_generation,
			 struct rpc_error *error)
{
	json_t *config = json_object_get(call->params, "config");
	struct generation *generation;

	if (!json_is_object(config))
		return rpc_fail(error, RPC_BAD_PARAMS, "'%s' wants 'config', an object",
				call->method);
	generation = generation_new();
	if (tree_from_value(config, &generation->diags, &generation->tree) < 0) {
		rpc_fail_diags(error, &generation->diags);
		generation_free(generation);
		return -1;
	}
	*ret_generation = generation;
	return 0;
}

static int method_version(struct daemon *daemon, const struct rpc_call *call, struct jsonw *w,
			  struct rpc_error *error)
{
	jsonw_str(w, "version", SHUNT_VERSION);
	jsonw_u64(w, "abi", SHUNT_ABI_VERSION);
	return 0;
}

static int method_check(struct daemon *daemon, const struct rpc_call *call, struct jsonw *w,
			struct rpc_error *error)
{
	static const struct diags none;
	struct link_table no_links = {};
	struct generation *generation;

	if (method_config(call, &generation, error) < 0)
		return -1;
	generation_build(generation, daemon->module_dir,
			 daemon->netlink ? netlink_links(daemon->netlink) : &no_links, NULL);
	rpc_findings(w, "errors", &generation->diags);
	rpc_findings(w, "warnings", &none);
	generation_free(generation);
	return 0;
}

static void write_lines(struct jsonw *w, const char *key, char *text)
{
	char *line, *rest = text;

	jsonw_array(w, key);
	while (rest && (line = strsep(&rest, "\n")))
		if (*line)
			jsonw_str(w, NULL, line);
	jsonw_array_end(w);
}

static int method_diff(struct daemon *daemon, const struct rpc_call *call, struct jsonw *w,
		       struct rpc_error *error)
{
	const struct plan *running = &daemon->running->plan;
	struct buf lines = {}, plan = {};
	struct generation *next;
	int r;

	if (method_config(call, &next, error) < 0)
		return -1;
	next->number = daemon->last_number + 1;
	r = generation_build(next, daemon->module_dir, netlink_links(daemon->netlink), running);
	if (r < 0) {
		rpc_fail_diags(error, &next->diags);
	} else {
		jsonw_u64(w, "differences", config_diff(daemon->running->tree, next->tree, &lines));
		write_lines(w, "lines", lines.data);
		plan_print(&next->plan, running, &plan);
		jsonw_str(w, "plan", plan.data ? plan.data : "");
	}
	buf_fini(&lines);
	buf_fini(&plan);
	generation_free(next);
	return r < 0 ? -1 : 0;
}

static int method_apply(struct daemon *daemon, const struct rpc_call *call, struct jsonw *w,
			struct rpc_error *error)
{
	struct change change = {
		.confirm_s = rpc_number_or(call, "confirm_s", 0),
		.comment = rpc_text_or(call, "comment", ""),
		.dry_run = rpc_flag(call, "dry_run"),
	};

	if (rpc_number_or(call, "confirm_s", 0) < 0 || rpc_number_or(call, "confirm_s", 0) > 86400)
		return rpc_fail(error, RPC_BAD_PARAMS, "'confirm_s' is 0 to 86400");
	if (method_config(call, &change.next, error) < 0)
		return -1;
	return change_apply(daemon, call->peer, &change, w, error);
}

static int method_confirm(struct daemon *daemon, const struct rpc_call *call, struct jsonw *w,
			  struct rpc_error *error)
{
	if (!daemon->pending.generation)
		return rpc_fail(error, SHUNT_CLIENT_USAGE, "nothing waits to be confirmed");
	jsonw_u64(w, "generation", daemon->pending.generation);
	change_confirm(daemon);
	return 0;
}

/* The @steps-th generation before the running one */
static int method_step_back(struct daemon *daemon, json_int_t steps, uint32_t *ret_number,
			    struct rpc_error *error)
{
	unsigned int i, n;
	uint32_t *number;
	int r = -1;

	if (daemon->pending.generation && steps == 1) {
		*ret_number = daemon->pending.back_to;
		return 0;
	}
	n = store_list(&daemon->store, &number);
	for (i = 0; i < n && r < 0; i++)
		if (number[i] < daemon->running->number && --steps == 0) {
			*ret_number = number[i];
			r = 0;
		}
	free(number);
	if (r < 0)
		return rpc_fail(error, SHUNT_CLIENT_USAGE, "there is no generation so far back: "
				"see 'shunt history'");
	return 0;
}

static int method_rollback(struct daemon *daemon, const struct rpc_call *call, struct jsonw *w,
			   struct rpc_error *error)
{
	json_int_t steps = rpc_number_or(call, "steps", 1);
	uint32_t number = rpc_number_or(call, "to", 0);

	if (!json_is_integer(json_object_get(call->params, "to")) &&
	    method_step_back(daemon, steps, &number, error) < 0)
		return -1;
	return change_rollback(daemon, call->peer, number, rpc_text_or(call, "comment", ""),
			       rpc_flag(call, "dry_run"), w, error);
}

static int method_history(struct daemon *daemon, const struct rpc_call *call, struct jsonw *w,
			  struct rpc_error *error)
{
	struct generation *generation;
	unsigned int i, n;
	uint32_t *number;

	n = store_list(&daemon->store, &number);
	jsonw_array(w, "generations");
	for (i = 0; i < n; i++) {
		generation = generation_new();
		if (store_load_header(&daemon->store, number[i], generation, NULL) == 0)
			method_write_generation(w, generation, number[i] == daemon->running->number,
						number[i] == daemon->pending.generation);
		generation_free(generation);
	}
	jsonw_array_end(w);
	free(number);
	return 0;
}

static int method_export(struct daemon *daemon, const struct rpc_call *call, struct jsonw *w,
			 struct rpc_error *error)
{
	uint32_t number = rpc_number_or(call, "generation", daemon->running->number);
	struct generation *old = generation_new();
	struct buf text = {};
	struct err err = {};
	int r = 0;

	if (number != daemon->running->number)
		r = store_load(&daemon->store, number, old, &err);
	if (r == 0) {
		jsonw_u64(w, "generation", number);
		tree_to_json(old->tree ? old->tree : daemon->running->tree, &text);
		jsonw_raw(w, "config", text.data);
	}
	buf_fini(&text);
	generation_free(old);
	return r < 0 ? rpc_fail(error, SHUNT_CLIENT_USAGE, "no generation %u: see 'shunt history'",
				number) : 0;
}

static int method_status(struct daemon *daemon, const struct rpc_call *call, struct jsonw *w,
			 struct rpc_error *error)
{
	status_write(daemon, w);
	return 0;
}

static int method_graph_show(struct daemon *daemon, const struct rpc_call *call, struct jsonw *w,
			     struct rpc_error *error)
{
	const struct config *config = &daemon->running->config;
	const char *name = rpc_text_or(call, "graph", NULL);

	if (name && !config_graph_find(config, name))
		return method_unknown(error, "graph", name, config->graph, config->n_graphs,
				      sizeof(*config->graph));
	status_graphs(daemon, name, w);
	return 0;
}

static int method_node_show(struct daemon *daemon, const struct rpc_call *call, struct jsonw *w,
			    struct rpc_error *error)
{
	const char *name = rpc_text_or(call, "node", NULL);

	if (name && !method_node(daemon, name, error))
		return -1;
	status_nodes(daemon, name, w);
	return 0;
}

static int method_drop_show(struct daemon *daemon, const struct rpc_call *call, struct jsonw *w,
			    struct rpc_error *error)
{
	status_drops(daemon, w);
	return 0;
}

static int method_detach(struct daemon *daemon, const struct rpc_call *call, struct jsonw *w,
			 struct rpc_error *error)
{
	const char *dev = rpc_text_or(call, "dev", NULL), *hook = rpc_text_or(call, "hook", NULL);
	const struct link *link = NULL;
	uint32_t hooks = SHUNT_HOOK_ANY;
	struct err err = {};
	int r;

	if (!dev == !rpc_flag(call, "all"))
		return rpc_fail(error, RPC_BAD_PARAMS, "'detach' wants either 'dev' or 'all'");
	if (hook && !(hooks = module_hook_from_name(hook)))
		return rpc_fail(error, SHUNT_CLIENT_USAGE,
				"no hook '%s': xdp, tc-ingress or tc-egress", hook);
	if (dev && !(link = link_find_name(netlink_links(daemon->netlink), dev)))
		return rpc_fail(error, SHUNT_CLIENT_USAGE, "no interface '%s'", dev);
	r = install_detach(daemon->install, link ? link->ifindex : 0, hooks, &err);
	if (r < 0)
		return rpc_fail_err(error, SHUNT_CLIENT_REFUSED, &err);
	jsonw_i64(w, "detached", r);
	return 0;
}

static int method_feature(struct daemon *daemon, const struct rpc_call *call, struct jsonw *w,
			  struct rpc_error *error)
{
	const char *dev = rpc_text_or(call, "dev", NULL);
	const struct link *link = NULL;

	if (dev && !(link = link_find_name(netlink_links(daemon->netlink), dev)))
		return rpc_fail(error, SHUNT_CLIENT_USAGE, "no interface '%s'", dev);
	jsonw_array(w, "features");
	traps_features(link, w);
	jsonw_array_end(w);
	return 0;
}

const struct rpc_method rpc_methods[] = {
	{ "version", RPC_READ | RPC_OFFLINE, method_version, {} },
	{ "check", RPC_READ | RPC_OFFLINE, method_check, { "config" } },
	{ "diff", RPC_READ, method_diff, { "config" } },
	{ "apply", 0, method_apply, { "config", "comment", "confirm_s", "dry_run" } },
	{ "confirm", 0, method_confirm, {} },
	{ "rollback", 0, method_rollback, { "to", "steps", "comment", "dry_run" } },
	{ "history", RPC_READ, method_history, {} },
	{ "export", RPC_READ, method_export, { "generation" } },
	{ "status", RPC_READ, method_status, {} },
	{ "graph.show", RPC_READ, method_graph_show, { "graph" } },
	{ "node.show", RPC_READ, method_node_show, { "node" } },
	{ "rule.list", RPC_READ, method_rule_list, { "node" } },
	{ "rule.add", 0, method_rule_add, { "node", "rule", "index", "chain", "comment" } },
	{ "rule.insert", 0, method_rule_insert,
	  { "node", "rule", "index", "before", "chain", "comment" } },
	{ "rule.replace", 0, method_rule_replace, { "node", "id", "rule", "comment" } },
	{ "rule.del", 0, method_rule_del, { "node", "id", "comment" } },
	{ "rule.test", 0, method_rule_test, { "node", "packet" } },
	{ "filter.show", RPC_READ, method_filter_show, { "node" } },
	{ "filter.limits", RPC_READ, method_filter_limits, { "node", "cursor" } },
	{ "set.list", RPC_READ, method_set_list, { "set" } },
	{ "set.add", 0, method_set_add, { "set", "elements", "timeout", "comment" } },
	{ "set.del", 0, method_set_del, { "set", "elements", "comment" } },
	{ "set.flush", 0, method_set_flush, { "set", "comment" } },
	{ "set.load", 0, method_set_load, { "set", "text", "add", "comment" } },
	{ "module.list", RPC_READ | RPC_OFFLINE, method_module_list, {} },
	{ "module.inspect", RPC_READ | RPC_OFFLINE, method_module_inspect, { "module" } },
	{ "table.show", RPC_READ, method_table_show, { "node", "table", "cursor" } },
	{ "table.get", RPC_READ, method_table_get, { "node", "table", "key" } },
	{ "table.set", 0, method_table_set, { "node", "table", "key", "value" } },
	{ "table.del", 0, method_table_del, { "node", "table", "key" } },
	{ "conn.list", RPC_READ, method_conn_list, { "filter", "limit", "cursor" } },
	{ "conn.show", RPC_READ, method_conn_show, { "filter", "limit", "cursor" } },
	{ "conn.count", RPC_READ, method_conn_count, { "filter", "cursor" } },
	{ "conn.del", 0, method_conn_del, { "filter", "all", "cursor" } },
	{ "conn.stats", RPC_READ, method_conn_stats, {} },
	{ "conn.watch", 0, method_conn_watch, { "filter" } },
	{ "nat.show", RPC_READ, method_nat_show, { "cursor" } },
	{ "sync.show", RPC_READ, method_sync_show, {} },
	{ "sync.resync", 0, method_sync_resync, {} },
	{ "sync.verify", 0, method_sync_verify, {} },
	{ "lb.show", RPC_READ, method_lb_show, { "node" } },
	{ "lb.service", RPC_READ, method_lb_service, { "service" } },
	{ "lb.where", RPC_READ, method_lb_where, { "client", "service", "proto" } },
	{ "lb.conn", RPC_READ, method_lb_conn, {} },
	{ "lb.backend.add", 0, method_lb_backend_add,
	  { "service", "backend", "weight", "id", "comment" } },
	{ "lb.backend.del", 0, method_lb_backend_del, { "service", "backend", "comment" } },
	{ "lb.backend.weight", 0, method_lb_backend_weight,
	  { "service", "backend", "weight", "comment" } },
	{ "lb.backend.drain", 0, method_lb_backend_drain, { "service", "backend", "comment" } },
	{ "lb.backend.up", 0, method_lb_backend_up, { "service", "backend", "comment" } },
	{ "lb.backend.down", 0, method_lb_backend_down, { "service", "backend" } },
	{ "lb.checks", RPC_READ, method_lb_checks, { "version" } },
	{ "lb.health", 0, method_lb_health, { "results" } },
	{ "drop.show", RPC_READ, method_drop_show, {} },
	{ "monitor", 0, method_monitor, { "node" } },
	{ "detach", 0, method_detach, { "dev", "all", "hook" } },
	{ "feature", RPC_READ, method_feature, { "dev" } },
	{}
};
