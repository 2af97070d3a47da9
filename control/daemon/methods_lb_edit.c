// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * methods_lb_edit.c - backends that come, go, drain, weigh more or less; and ones that are down
 *
 * DOC: What the configuration says of a backend is changed there, as a transaction like any other.
 * Whether it is down is not part of it.
 */
#include <stdlib.h>
#include <string.h>

#include <daemon/methods_lb.h>

#define WEIGHT_MAX	65535

/* The list of a service's backends in a tree to edit; where there is none, it is made */
static struct tree *backends_tree(struct generation *next, const struct plan_service *service)
{
	struct tree *node = tree_get(tree_get(next->tree, "nodes"), service->node);
	struct tree *in = tree_get(tree_get(node, "services"), service->name);
	struct tree *list = tree_get(in, "backends");

	if (!list || list->kind != TREE_LIST)
		list = tree_set(&next->arena, in, "backends", tree_new_list(&next->arena));
	return list;
}

static struct tree *backend_tree(struct generation *next, const struct plan_service *service,
				 unsigned int owner)
{
	return backends_tree(next, service)->child[owner];
}

static void set_text(struct generation *next, struct tree *map, const char *key, const char *text)
{
	tree_set(&next->arena, map, key,
		 tree_new_scalar(&next->arena, arena_strdup(&next->arena, text)));
}

static void set_number(struct generation *next, struct tree *map, const char *key,
		       json_int_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, number);
	set_text(next, map, key, text);
}

/* Parameter 'weight'. Return: 0; -1: it is none */
static int called_weight(const struct rpc_call *call, json_int_t *ret_weight,
			 struct rpc_error *error)
{
	*ret_weight = rpc_number_or(call, "weight", -1);
	if (*ret_weight < 0 || *ret_weight > WEIGHT_MAX)
		return rpc_fail(error, RPC_BAD_PARAMS, "'weight' is 0 to %d", WEIGHT_MAX);
	return 0;
}

METHOD(lb_backend_add)
{
	struct lb_run *run = lb_called_service(daemon, call, error);
	json_t *id = json_object_get(call->params, "id");
	char addr[LB_ADDR_SIZE];
	struct generation *next;
	struct tree *backend, *list;
	json_int_t weight = 1;
	struct lb_end end;
	const char *text;

	if (!run || rpc_text(call, "backend", &text, error) < 0)
		return -1;
	if (!lb_end_read(text, &end))
		return rpc_fail(error, SHUNT_CLIENT_USAGE,
				"'%s' is no backend: an address, or ADDRESS:PORT", text);
	if (json_object_get(call->params, "weight") && called_weight(call, &weight, error) < 0)
		return -1;
	next = method_edit(daemon);
	backend = tree_new_map(&next->arena);
	lb_end_print(&end.addr, end.l3, 0, addr);
	set_text(next, backend, "address", addr);
	if (end.port)
		set_number(next, backend, "port", end.port);
	if (weight != 1)
		set_number(next, backend, "weight", weight);
	if (json_is_integer(id))
		set_number(next, backend, "id", json_integer_value(id));
	list = backends_tree(next, run->service);
	tree_append(&next->arena, list, backend);
	return method_commit(daemon, call, next, w, error);
}

METHOD(lb_backend_del)
{
	struct lb_run *run = lb_called_service(daemon, call, error);
	struct generation *next;
	struct tree *backends;
	unsigned int owner;

	if (!run || lb_called_backend(run, call, &owner, error) < 0)
		return -1;
	next = method_edit(daemon);
	backends = backends_tree(next, run->service);
	tree_del(backends, backends->child[owner]);
	return method_commit(daemon, call, next, w, error);
}

METHOD(lb_backend_weight)
{
	struct lb_run *run = lb_called_service(daemon, call, error);
	struct generation *next;
	unsigned int owner;
	json_int_t weight;

	if (!run || lb_called_backend(run, call, &owner, error) < 0 ||
	    called_weight(call, &weight, error) < 0)
		return -1;
	next = method_edit(daemon);
	set_number(next, backend_tree(next, run->service, owner), "weight", weight);
	return method_commit(daemon, call, next, w, error);
}

METHOD(lb_backend_drain)
{
	struct lb_run *run = lb_called_service(daemon, call, error);
	struct generation *next;
	unsigned int owner;

	if (!run || lb_called_backend(run, call, &owner, error) < 0)
		return -1;
	next = method_edit(daemon);
	set_text(next, backend_tree(next, run->service, owner), "state", "drain");
	return method_commit(daemon, call, next, w, error);
}

/* Result: 'was' and 'state', up or down */
static int set_down(struct daemon *daemon, struct lb_run *run, unsigned int owner, bool down,
		    struct jsonw *w, struct rpc_error *error)
{
	const struct lb_verdict verdict = { .run = run, .owner = owner, .down = down };
	bool was = !run->health[owner].lives;
	struct err err = {};

	if (lb_set_down(daemon->lb, &verdict, 1, &err) < 0)
		return rpc_fail_err(error, SHUNT_CLIENT_REFUSED, &err);
	jsonw_str(w, "was", was ? "down" : "up");
	jsonw_str(w, "state", down ? "down" : "up");
	return 0;
}

METHOD(lb_backend_down)
{
	struct lb_run *run = lb_called_service(daemon, call, error);
	unsigned int owner;

	if (!run || lb_called_backend(run, call, &owner, error) < 0)
		return -1;
	return set_down(daemon, run, owner, true, w, error);
}

/* One that drains, too, serves again: that is a change of the configuration */
METHOD(lb_backend_up)
{
	struct lb_run *run = lb_called_service(daemon, call, error);
	struct generation *next;
	struct tree *backend;
	unsigned int owner;

	if (!run || lb_called_backend(run, call, &owner, error) < 0 ||
	    set_down(daemon, run, owner, false, w, error) < 0)
		return -1;
	if (!run->service->owner[owner].config->drains)
		return 0;
	next = method_edit(daemon);
	backend = backend_tree(next, run->service, owner);
	tree_del(backend, tree_get(backend, "state"));
	return method_commit(daemon, call, next, w, error);
}
