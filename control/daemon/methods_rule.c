// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * methods_rule.c - rules: list, and edits of the running configuration, each a transaction
 *
 * DOC: A rule's id is the hash of its text. Of equal rules of one node the first has the bare
 * hash, the others ".2", ".3" ...: in order of the node's own rules, then of its chains by name.
 */
#include <stdlib.h>
#include <string.h>

#include <daemon/edit.h>
#include <daemon/methods.h>

#define ID_SIZE		24

/* List 0 of a node are its own rules, list i those of chain i - 1 */
struct rule_list {
	const char *chain;		/* NULL: the node's own */
	const struct config_rule *rule;
	unsigned int n;
};

static struct rule_list list_of(const struct config_node *node, unsigned int list)
{
	const struct config_chain *chain;

	if (!list)
		return (struct rule_list){ NULL, node->rule, node->n_rules };
	chain = &node->chain[list - 1];
	return (struct rule_list){ chain->name, chain->rule, chain->n_rules };
}

struct rule_place {
	unsigned int list, index;
};

static void print_id(uint32_t id, unsigned int nth, char *ret_id)
{
	if (nth > 1)
		snprintf(ret_id, ID_SIZE, "%08x.%u", id, nth);
	else
		snprintf(ret_id, ID_SIZE, "%08x", id);
}

/* The id of one rule */
static void id_of(const struct config_node *node, struct rule_place place, char *ret_id)
{
	uint32_t id = list_of(node, place.list).rule[place.index].expr.id;
	unsigned int list, i, nth = 1;

	for (list = 0; list <= place.list; list++) {
		struct rule_list rules = list_of(node, list);

		for (i = 0; i < (list < place.list ? rules.n : place.index); i++)
			nth += rules.rule[i].expr.id == id;
	}
	print_id(id, nth, ret_id);
}

/* Return: whether there is one of that id */
static bool find_id(const struct config_node *node, const char *text, struct rule_place *ret_place)
{
	unsigned int list, i, seen = 0, nth = 1;
	char again[ID_SIZE], *end;
	uint32_t id = strtoul(text, &end, 16);

	if (*end == '.')
		nth = strtoul(end + 1, NULL, 10);
	print_id(id, nth, again);
	if (strcmp(again, text))
		return false;
	for (list = 0; list <= node->n_chains; list++) {
		struct rule_list rules = list_of(node, list);

		for (i = 0; i < rules.n; i++)
			if (rules.rule[i].expr.id == id && ++seen == nth) {
				*ret_place = (struct rule_place){ list, i };
				return true;
			}
	}
	return false;
}

static int called_rule(const struct config_node *node, const char *id, struct rule_place *ret_place,
		       struct rpc_error *error)
{
	if (find_id(node, id, ret_place))
		return 0;
	return rpc_fail(error, SHUNT_CLIENT_USAGE,
			"node '%s' has no rule '%s': see 'shunt rule list %s'", node->name, id,
			node->name);
}

/* ---- list ---------------------------------------------------------------------------------- */

/* Over all graphs and hooks that the node is in; of a node in no graph nothing is known */
static void write_hits(struct daemon *daemon, const struct plan_filter *filter, unsigned int n,
		       struct jsonw *w)
{
	struct filter_hits hits = {};

	if (filter && n < filter->n_rules)
		install_hits(daemon->install, filter->rule[n].hit, &hits);
	jsonw_u64(w, "packets", hits.packets);
	jsonw_u64(w, "bytes", hits.bytes);
	if (hits.last)
		jsonw_i64(w, "last_s", time(NULL) - install_age_s(daemon->install, hits.last));
	else
		jsonw_null(w, "last_s");
}

struct numbered {
	uint32_t id;
	unsigned int order, nth;
};

static int by_id(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static int by_order(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	return x->order < y->order ? -1 : x->order > y->order;
}

/* Of all rules in order: which of the equal ones each is. The caller frees */
static struct numbered *number_rules(const struct config_node *node)
{
	unsigned int list, i, n = node->n_rules;
	struct numbered *rule;

	for (i = 0; i < node->n_chains; i++)
		n += node->chain[i].n_rules;
	rule = calloc(n + 1, sizeof(*rule));
	if (!rule)
		abort();
	for (n = 0, list = 0; list <= node->n_chains; list++) {
		struct rule_list rules = list_of(node, list);

		for (i = 0; i < rules.n; i++, n++)
			rule[n] = (struct numbered){ rules.rule[i].expr.id, n, 1 };
	}
	qsort(rule, n, sizeof(*rule), by_id);
	for (i = 1; i < n; i++)
		if (rule[i].id == rule[i - 1].id)
			rule[i].nth = rule[i - 1].nth + 1;
	qsort(rule, n, sizeof(*rule), by_order);
	return rule;
}

static void write_rules(struct daemon *daemon, const struct config_node *node, struct jsonw *w)
{
	const struct plan_filter *filter = plan_filter_find(&daemon->running->plan, node->name);
	struct numbered *number = number_rules(node);
	unsigned int list, i, n = 0;
	struct buf text = {};
	char id[ID_SIZE];

	for (list = 0; list <= node->n_chains; list++) {
		struct rule_list rules = list_of(node, list);

		for (i = 0; i < rules.n; i++, n++) {
			buf_clear(&text);
			expr_print(&rules.rule[i].expr, &text);
			print_id(number[n].id, number[n].nth, id);
			jsonw_object(w, NULL);
			jsonw_str(w, "node", node->name);
			jsonw_str(w, "chain", rules.chain);
			jsonw_u64(w, "index", i);
			jsonw_str(w, "id", id);
			jsonw_str(w, "rule", text.data);
			write_hits(daemon, filter, n, w);
			jsonw_object_end(w);
		}
	}
	buf_fini(&text);
	free(number);
}

METHOD(rule_list)
{
	const struct config_node *node;
	const char *name;

	if (rpc_text(call, "node", &name, error) < 0)
		return -1;
	node = method_node(daemon, name, error);
	if (!node)
		return -1;
	jsonw_array(w, "rules");
	write_rules(daemon, node, w);
	jsonw_array_end(w);
	jsonw_str(w, "default", node->fallback ? node->fallback : "accept");
	return 0;
}

/* ---- edits --------------------------------------------------------------------------------- */

static struct tree *node_tree(const struct generation *next, const char *node)
{
	return tree_get(tree_get(next->tree, "nodes"), node);
}

/* A list of rules in a tree to edit; where 'rules:' is empty or not there, it is made */
static struct tree *list_tree(struct generation *next, const struct config_node *node,
			      unsigned int list)
{
	struct tree *parent = node_tree(next, node->name), *rules;
	const char *key = "rules";

	if (list) {
		parent = tree_get(parent, "chains");
		key = node->chain[list - 1].name;
	}
	rules = tree_get(parent, key);
	if (!rules || rules->kind != TREE_LIST)
		rules = tree_set(&next->arena, parent, key, tree_new_list(&next->arena));
	return rules;
}

/* Parameters node and chain */
static int called_list(struct daemon *daemon, const struct rpc_call *call,
		       const struct config_node **ret_node, unsigned int *ret_list,
		       struct rpc_error *error)
{
	const char *name, *chain = rpc_text_or(call, "chain", NULL);
	const struct config_chain *found;
	const struct config_node *node;

	if (rpc_text(call, "node", &name, error) < 0)
		return -1;
	node = method_node(daemon, name, error);
	if (!node)
		return -1;
	found = chain ? config_chain_find(node, chain) : NULL;
	if (chain && !found)
		return method_unknown(error, "chain", chain, node->chain, node->n_chains,
				      sizeof(*node->chain));
	*ret_node = node;
	*ret_list = found ? 1 + (found - node->chain) : 0;
	return 0;
}

/*
 * A few of the node's own rules: in the running generation itself, where that can be.
 * Return: as edit_rules(); @place: where the rule stands whose id is told; NULL: none
 */
static int edit_own(struct daemon *daemon, const struct rpc_call *call,
		    const struct config_node *node, const struct rule_edit *edit, unsigned int n,
		    const struct rule_place *place, struct jsonw *w, struct rpc_error *error)
{
	char id[ID_SIZE];
	int r;

	r = edit_rules(daemon, call->peer, edit, n, rpc_text_or(call, "comment", ""), w, error);
	if (r || !place)
		return r;
	id_of(node, *place, id);
	jsonw_str(w, "id", id);
	return 0;
}

/* The change, and then the id of the rule that stands at @place */
static int commit_rule(struct daemon *daemon, const struct rpc_call *call, struct generation *next,
		       const char *name, struct rule_place place, struct jsonw *w,
		       struct rpc_error *error)
{
	char id[ID_SIZE];
	int r;

	r = method_commit(daemon, call, next, w, error);
	if (r < 0)
		return r;
	id_of(config_node_find(&daemon->running->config, name), place, id);
	jsonw_str(w, "id", id);
	return 0;
}

/* @index: -1: behind all */
static int put_rule(struct daemon *daemon, const struct rpc_call *call,
		    const struct config_node *node, unsigned int list, json_int_t index,
		    struct jsonw *w, struct rpc_error *error)
{
	const char *rule, *name = node->name;
	struct rule_place place = { .list = list };
	struct generation *next;
	struct tree *rules;
	int r;

	if (rpc_text(call, "rule", &rule, error) < 0)
		return -1;
	place.index = index < 0 || index > node->n_rules ? node->n_rules : index;
	if (!list && index <= (json_int_t)node->n_rules) {
		const struct rule_edit edit = { name, place.index, rule };

		r = edit_own(daemon, call, node, &edit, 1, &place, w, error);
		if (r != EDIT_FULL)
			return r;
	}
	next = method_edit(daemon);
	name = arena_strdup(&next->arena, name);
	rules = list_tree(next, node, list);
	place.index = index < 0 ? (json_int_t)rules->n : index;
	if (place.index > rules->n) {
		r = rpc_fail(error, SHUNT_CLIENT_USAGE, "%s '%s' has %zu rules: index 0 to %zu",
			     list ? "chain" : "node", list ? node->chain[list - 1].name : name,
			     rules->n, rules->n);
		generation_free(next);
		return r;
	}
	tree_insert(&next->arena, rules, tree_new_scalar(&next->arena, rule), place.index);
	return commit_rule(daemon, call, next, name, place, w, error);
}

METHOD(rule_add)
{
	const struct config_node *node;
	unsigned int list;

	if (called_list(daemon, call, &node, &list, error) < 0)
		return -1;
	return put_rule(daemon, call, node, list, rpc_number_or(call, "index", -1), w, error);
}

METHOD(rule_insert)
{
	const char *before = rpc_text_or(call, "before", NULL);
	json_int_t index = rpc_number_or(call, "index", -1);
	const struct config_node *node;
	struct rule_place place;
	unsigned int list;

	if (called_list(daemon, call, &node, &list, error) < 0)
		return -1;
	if (!before == (index < 0))
		return rpc_fail(error, RPC_BAD_PARAMS, "'%s' wants either 'index' or 'before'",
				call->method);
	if (!before)
		return put_rule(daemon, call, node, list, index, w, error);
	if (called_rule(node, before, &place, error) < 0)
		return -1;
	if (list && list != place.list)
		return rpc_fail(error, SHUNT_CLIENT_USAGE, "rule '%s' is not in chain '%s'", before,
				node->chain[list - 1].name);
	return put_rule(daemon, call, node, place.list, place.index, w, error);
}

METHOD(rule_replace)
{
	const struct config_node *node;
	const char *name, *id, *rule;
	struct generation *next;
	struct rule_place place;
	struct tree *rules;

	if (rpc_text(call, "node", &name, error) < 0 || rpc_text(call, "id", &id, error) < 0 ||
	    rpc_text(call, "rule", &rule, error) < 0)
		return -1;
	node = method_node(daemon, name, error);
	if (!node || called_rule(node, id, &place, error) < 0)
		return -1;
	if (!place.list) {
		const struct rule_edit edit[] = {
			{ node->name, place.index, NULL }, { node->name, place.index, rule },
		};
		int r = edit_own(daemon, call, node, edit, 2, &place, w, error);

		if (r != EDIT_FULL)
			return r;
	}
	next = method_edit(daemon);
	rules = list_tree(next, node, place.list);
	tree_del(rules, rules->child[place.index]);
	tree_insert(&next->arena, rules, tree_new_scalar(&next->arena, rule), place.index);
	return commit_rule(daemon, call, next, name, place, w, error);
}

METHOD(rule_del)
{
	const struct config_node *node;
	struct generation *next;
	struct rule_place place;
	const char *name, *id;
	struct tree *rules;

	if (rpc_text(call, "node", &name, error) < 0 || rpc_text(call, "id", &id, error) < 0)
		return -1;
	node = method_node(daemon, name, error);
	if (!node || called_rule(node, id, &place, error) < 0)
		return -1;
	if (!place.list) {
		const struct rule_edit edit = { node->name, place.index, NULL };
		int r = edit_own(daemon, call, node, &edit, 1, NULL, w, error);

		if (r != EDIT_FULL)
			return r;
	}
	next = method_edit(daemon);
	rules = list_tree(next, node, place.list);
	tree_del(rules, rules->child[place.index]);
	return method_commit(daemon, call, next, w, error);
}
