// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* methods_table.c - modules and tables */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <base/file.h>
#include <base/log.h>
#include <daemon/methods.h>
#include <kernel/object.h>
#include <kernel/table.h>

#define ELEMENTS_MAX 10000	/* of a table in one answer */

METHOD(module_list)
{
	struct arena arena = {};
	struct module module;
	struct err err = {};
	const char **name;
	unsigned int i, n;

	n = generation_module_names(daemon->module_dir, &arena, &name);
	jsonw_array(w, "modules");
	for (i = 0; i < n; i++)
		if (object_inspect(name[i], daemon->module_dir, &arena, &module, &err) == 0)
			module_to_json(&module, w, NULL);
		else
			log_warn("leaving out of the list: %s", err.text);
	jsonw_array_end(w);
	arena_fini(&arena);
	return 0;
}

METHOD(module_inspect)
{
	struct arena arena = {};
	struct module module;
	struct err err = {};
	const char *name;
	int r;

	if (rpc_text(call, "module", &name, error) < 0)
		return -1;
	if (call->peer->read_only && strchr(name, '/'))
		return rpc_fail(error, SHUNT_CLIENT_USAGE,
				"module '%s' is a path: not read for the read-only socket", name);
	r = object_inspect(name, daemon->module_dir, &arena, &module, &err);
	if (r == 0)
		module_to_json(&module, w, "module");
	arena_fini(&arena);
	return r < 0 ? rpc_fail_err(error, SHUNT_CLIENT_INVALID, &err) : 0;
}

/* The node as rendered somewhere: state tables are shared by all its places */
static const struct plan_node *node_rendered(struct daemon *daemon, const char *name,
					     struct rpc_error *error)
{
	const struct plan *plan = &daemon->running->plan;
	unsigned int i, j;

	for (i = 0; i < plan->n_graphs; i++)
		for (j = 0; j < plan->graph[i].n_nodes; j++)
			if (!strcmp(plan->graph[i].node[j].name, name))
				return &plan->graph[i].node[j];
	if (method_node(daemon, name, error))
		rpc_fail(error, SHUNT_CLIENT_USAGE, "node '%s' is in no graph that is attached",
			 name);
	return NULL;
}

#define PART_NS		5000000		/* a call; others wait so long */
#define PART_MAX	4096

struct open_table {
	struct table *table;
	int fd;
	bool shared;			/* of flows or translations */
};

/* Types of a table that programs share are in the module's object file */
static int table_open_of(const struct plan_node *node, const char *name, struct open_table *table,
			 struct err *err)
{
	const struct module *module = node->module;

	if (!table->shared)
		return table_open(table->fd, &table->table, err);
	return table_open_as(table->fd, module->path[0] ? module->path[0] : module->path[1], name,
			     &table->table, err);
}

static int open_table(struct daemon *daemon, const struct rpc_call *call,
		      struct open_table *ret_table, struct rpc_error *error)
{
	const struct plan_node *node;
	const char *name, *table;
	struct err err = {};
	int r;

	if (rpc_text(call, "node", &name, error) < 0 || rpc_text(call, "table", &table, error) < 0)
		return -1;
	node = node_rendered(daemon, name, error);
	if (!node)
		return -1;
	ret_table->fd = install_table(daemon->install, node, table, &ret_table->shared, &err);
	if (ret_table->fd < 0)
		return rpc_fail_err(error, SHUNT_CLIENT_USAGE, &err);
	r = table_open_of(node, table, ret_table, &err);
	if (r < 0) {
		fd_close(ret_table->fd);
		return rpc_fail_err(error, SHUNT_CLIENT_REFUSED, &err);
	}
	return 0;
}

static void close_table(struct open_table *table)
{
	table_free(table->table);
	fd_close(table->fd);
}

static int describe_tables(struct daemon *daemon, const char *name, struct jsonw *w,
			   struct rpc_error *error)
{
	const struct plan_node *node = node_rendered(daemon, name, error);
	struct open_table table;
	unsigned int i;

	if (!node)
		return -1;
	jsonw_array(w, "tables");
	for (i = 0; i < node->n_tables; i++) {
		const char *table_name = node->table[i].table->name;

		table.fd = install_table(daemon->install, node, table_name, &table.shared, NULL);
		if (table.fd < 0)
			continue;
		if (table_open_of(node, table_name, &table, NULL) == 0) {
			table_describe(table.table, w, NULL);
			table_free(table.table);
		}
		fd_close(table.fd);
	}
	jsonw_array_end(w);
	return 0;
}

/* Those of flows may be large: in parts */
static int dump(const struct open_table *table, uint64_t cursor, struct jsonw *w, struct err *err)
{
	bool more = false;
	int r;

	if (!table->shared || !table_is_array(table->table)) {
		r = table_dump(table->table, ELEMENTS_MAX, false, w, "elements", &more, err);
		jsonw_bool(w, "more", more);
		jsonw_null(w, "cursor");
		return r;
	}
	r = table_dump_part(table->table, &cursor, PART_MAX, PART_NS, w, "elements", &more, err);
	jsonw_bool(w, "more", false);
	if (more)
		jsonw_fmt(w, "cursor", "%" PRIu64, cursor);
	else
		jsonw_null(w, "cursor");
	return r;
}

METHOD(table_show)
{
	struct open_table table;
	struct err err = {};
	const char *name;
	uint64_t cursor;
	int r;

	if (rpc_text(call, "node", &name, error) < 0 || rpc_cursor(call, &cursor, error) < 0)
		return -1;
	if (!json_object_get(call->params, "table"))
		return describe_tables(daemon, name, w, error);
	if (open_table(daemon, call, &table, error) < 0)
		return -1;
	table_describe(table.table, w, "table");
	r = dump(&table, cursor, w, &err);
	close_table(&table);
	return r < 0 ? rpc_fail_err(error, SHUNT_CLIENT_REFUSED, &err) : 0;
}

/* One element's key and new value, as words */
struct words {
	const char **key, **value;
	unsigned int n_key, n_value;
};

typedef int (*table_op)(const struct table *table, const struct words *words, struct jsonw *w,
			struct err *err);

static int op_get(const struct table *table, const struct words *words, struct jsonw *w,
		  struct err *err)
{
	return table_get(table, words->key, words->n_key, w, "element", err);
}

static int op_set(const struct table *table, const struct words *words, struct jsonw *w,
		  struct err *err)
{
	return table_set(table, words->key, words->n_key, words->value, words->n_value, err);
}

static int op_del(const struct table *table, const struct words *words, struct jsonw *w,
		  struct err *err)
{
	return table_del(table, words->key, words->n_key, err);
}

static int words_read(const struct rpc_call *call, bool value, struct words *ret_words,
		      struct rpc_error *error)
{
	if (rpc_words(call, "key", &ret_words->key, &ret_words->n_key, error) < 0)
		return -1;
	if (!value)
		return 0;
	return rpc_words(call, "value", &ret_words->value, &ret_words->n_value, error);
}

/* What is kept true elsewhere is changed there */
static int refuse_write(const struct rpc_call *call, struct rpc_error *error)
{
	static const struct {
		const char *table, *where;
	} by[] = {
		{ "ct_conf", "section 'conntrack' of the configuration says what is in it" },
		{ "nat_rules", "rules say what is in it: 'shunt rule'" },
		{ "nat_addrs", "it follows the interfaces' addresses: 'ip addr'" },
		{ "ct_", "'shunt conn del' deletes flows, rules set marks" },
	};
	const char *table = rpc_text_or(call, "table", "");
	unsigned int i;

	for (i = 0; strncmp(by[i].table, table, strlen(by[i].table)) &&
	     i < sizeof(by) / sizeof(by[0]) - 1; i++)
		;
	return rpc_fail(error, SHUNT_CLIENT_USAGE, "table '%s' is not written to by hand: %s", table,
			by[i].where);
}

static int table_do(struct daemon *daemon, const struct rpc_call *call, bool value, table_op op,
		    struct jsonw *w, struct rpc_error *error)
{
	struct words words = {};
	struct open_table table;
	struct err err = {};
	int r;

	r = words_read(call, value, &words, error);
	if (r == 0)
		r = open_table(daemon, call, &table, error);
	if (r < 0)
		goto out;
	if (table.shared && op != op_get) {
		r = refuse_write(call, error);
		close_table(&table);
		goto out;
	}
	r = op(table.table, &words, w, &err);
	close_table(&table);
	if (r == -EINVAL || r == -ENOENT)	/* a bad word, or no such element: the caller's */
		r = rpc_fail_err(error, SHUNT_CLIENT_USAGE, &err);
	else if (r < 0)
		r = rpc_fail_err(error, SHUNT_CLIENT_REFUSED, &err);
out:
	free(words.key);
	free(words.value);
	return r;
}

METHOD(table_get)
{
	return table_do(daemon, call, false, op_get, w, error);
}

METHOD(table_set)
{
	return table_do(daemon, call, true, op_set, w, error);
}

METHOD(table_del)
{
	return table_do(daemon, call, false, op_del, w, error);
}
