// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* methods_edit.c - rules and sets: edits of the running configuration, each a transaction */
#include <stdlib.h>
#include <string.h>

#include <daemon/methods.h>

/* A copy of the running tree to edit */
static struct generation *edit_begin(struct daemon *daemon)
{
	struct generation *next = generation_new();

	next->tree = tree_copy(&next->arena, daemon->running->tree);
	return next;
}

static int edit_apply(struct daemon *daemon, const struct rpc_call *call, struct generation *next,
		      struct jsonw *w, struct rpc_error *error)
{
	struct change change = { .next = next, .comment = rpc_text_or(call, "comment", "") };

	return change_apply(daemon, call->peer, &change, w, error);
}

static const struct config_set *edit_set(struct daemon *daemon, const char *name,
					 struct rpc_error *error)
{
	const struct config *config = &daemon->running->config;
	const struct config_set *set = config_set_find(config, name);

	if (!set)
		method_unknown(error, "set", name, config->set, config->n_sets,
			       sizeof(*config->set));
	return set;
}

/* The stable id: a repeated rule gets .2, .3 ... */
static void rule_id(const struct config_node *node, unsigned int index, char *ret_id, size_t size)
{
	unsigned int i, nth = 1;

	for (i = 0; i < index; i++)
		nth += node->rule[i].expr.id == node->rule[index].expr.id;
	if (nth > 1)
		snprintf(ret_id, size, "%08x.%u", node->rule[index].expr.id, nth);
	else
		snprintf(ret_id, size, "%08x", node->rule[index].expr.id);
}

/* Over all graphs and hooks that the node is in */
static uint64_t rule_packets(const struct daemon *daemon, const char *name, unsigned int index)
{
	const struct plan *plan = &daemon->running->plan;
	uint64_t sum = 0;
	unsigned int i, j;

	for (i = 0; i < plan->n_graphs; i++)
		for (j = 0; j < plan->graph[i].n_nodes; j++) {
			const struct plan_node *node = &plan->graph[i].node[j];

			if (!strcmp(node->name, name) && index < node->n_rules)
				sum += install_counter(daemon->install, node->rule[index].counter);
		}
	return sum;
}

static void write_rules(struct daemon *daemon, const struct config_node *node, struct jsonw *w)
{
	struct buf text = {};
	unsigned int i;
	char id[24];

	for (i = 0; i < node->n_rules; i++) {
		buf_clear(&text);
		expr_print(&node->rule[i].expr, &text);
		rule_id(node, i, id, sizeof(id));
		jsonw_object(w, NULL);
		jsonw_str(w, "node", node->name);
		jsonw_u64(w, "index", i);
		jsonw_str(w, "id", id);
		jsonw_str(w, "rule", text.data);
		jsonw_u64(w, "packets", rule_packets(daemon, node->name, i));
		jsonw_object_end(w);
	}
	buf_fini(&text);
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

METHOD(rule_add)
{
	struct tree *node_tree, *rules;
	const char *name, *rule;
	struct generation *next;
	char id[24] = "";
	json_int_t index;
	int r;

	if (rpc_text(call, "node", &name, error) < 0 || rpc_text(call, "rule", &rule, error) < 0 ||
	    !method_node(daemon, name, error))
		return -1;
	next = edit_begin(daemon);
	node_tree = tree_get(tree_get(next->tree, "nodes"), name);
	rules = tree_get(node_tree, "rules");
	if (!rules)
		rules = tree_set(&next->arena, node_tree, "rules", tree_new_list(&next->arena));
	index = rpc_number_or(call, "index", rules->n);
	if (index < 0 || index > (json_int_t)rules->n) {
		generation_free(next);
		return rpc_fail(error, SHUNT_CLIENT_USAGE,
				"node '%s' has %zu rules: index 0 to %zu", name, rules->n,
				rules->n);
	}
	tree_insert(&next->arena, rules, tree_new_scalar(&next->arena, rule), index);
	r = edit_apply(daemon, call, next, w, error);
	if (r == 0) {
		rule_id(config_node_find(&daemon->running->config, name), index, id, sizeof(id));
		jsonw_str(w, "id", id);
	}
	return r;
}

METHOD(rule_del)
{
	const struct config_node *node;
	const char *name, *wanted;
	struct generation *next;
	struct tree *rules;
	unsigned int i;
	char id[24];

	if (rpc_text(call, "node", &name, error) < 0 || rpc_text(call, "id", &wanted, error) < 0)
		return -1;
	node = method_node(daemon, name, error);
	if (!node)
		return -1;
	for (i = 0; i < node->n_rules; i++) {
		rule_id(node, i, id, sizeof(id));
		if (strcmp(id, wanted))
			continue;
		next = edit_begin(daemon);
		rules = tree_get(tree_get(tree_get(next->tree, "nodes"), name), "rules");
		tree_del(rules, rules->child[i]);
		return edit_apply(daemon, call, next, w, error);
	}
	return rpc_fail(error, SHUNT_CLIENT_USAGE,
			"node '%s' has no rule '%s': see 'shunt rule list %s'", name, wanted, name);
}

static const char *set_type(enum expr_field field)
{
	switch (field) {
	case EXPR_IP_SADDR:
		return "ip";
	case EXPR_IP6_SADDR:
		return "ip6";
	case EXPR_DPORT:
		return "port";
	default:
		return "proto";
	}
}

METHOD(set_list)
{
	const struct config *config = &daemon->running->config;
	const char *name = rpc_text_or(call, "set", NULL);
	struct buf text = {};
	unsigned int i, j;

	if (name && !edit_set(daemon, name, error))
		return -1;
	jsonw_array(w, "sets");
	for (i = 0; i < config->n_sets; i++) {
		if (name && strcmp(name, config->set[i].name))
			continue;
		jsonw_object(w, NULL);
		jsonw_str(w, "set", config->set[i].name);
		jsonw_str(w, "type", set_type(config->set[i].field[0]));
		jsonw_array(w, "elements");
		for (j = 0; j < config->set[i].n; j++) {
			buf_clear(&text);
			expr_element_print(&config->set[i].tuple[j], config->set[i].field[0],
					   &text);
			jsonw_str(w, NULL, text.data);
		}
		jsonw_array_end(w);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
	buf_fini(&text);
	return 0;
}

/* Elements are equal when they stand for the same values, however written */
static struct tree *element_find(const struct tree *elements, const char *text,
				 enum expr_field field, struct diags *diags)
{
	struct expr_interval wanted, have;
	struct diags ignored = { .arena = diags->arena };
	size_t i;

	if (expr_element(text, field, "", 0, diags, &wanted) < 0)
		return NULL;
	for (i = 0; elements && i < elements->n; i++)
		if (expr_element(elements->child[i]->text, field, "", 0, &ignored, &have) == 0 &&
		    !memcmp(&wanted, &have, sizeof(have)))
			return elements->child[i];
	return NULL;
}

static int set_edit_one(struct generation *next, const struct config_set *set,
			struct tree *elements, const char *word, bool add, struct rpc_error *error)
{
	struct tree *found = element_find(elements, word, set->field[0], &next->diags);

	if (next->diags.total)
		return rpc_fail(error, SHUNT_CLIENT_INVALID, "'%s': %s", word,
				next->diags.v[0].message);
	if (add && found)
		return rpc_fail(error, SHUNT_CLIENT_USAGE, "'%s' is in set '%s' already", word,
				set->name);
	if (!add && !found)
		return rpc_fail(error, SHUNT_CLIENT_USAGE, "'%s' is no element of set '%s'", word,
				set->name);
	if (add)
		tree_append(&next->arena, elements, tree_new_scalar(&next->arena, word));
	else
		tree_del(elements, found);
	return 0;
}

static int set_edit(struct daemon *daemon, const struct rpc_call *call, bool add, struct jsonw *w,
		    struct rpc_error *error)
{
	struct tree *elements, *tree;
	const struct config_set *set;
	struct generation *next;
	const char *name, **word;
	unsigned int i, n;
	int r = 0;

	if (rpc_text(call, "set", &name, error) < 0)
		return -1;
	set = edit_set(daemon, name, error);
	if (!set)
		return -1;
	if (rpc_words(call, "elements", &word, &n, error) < 0)
		return -1;
	next = edit_begin(daemon);
	tree = tree_get(tree_get(next->tree, "sets"), name);
	elements = tree_get(tree, "elements");
	if (!elements)
		elements = tree_set(&next->arena, tree, "elements", tree_new_list(&next->arena));
	for (i = 0; r == 0 && i < n; i++)
		r = set_edit_one(next, set, elements, word[i], add, error);
	free(word);
	if (r < 0) {
		generation_free(next);
		return r;
	}
	return edit_apply(daemon, call, next, w, error);
}

METHOD(set_add)
{
	return set_edit(daemon, call, true, w, error);
}

METHOD(set_del)
{
	return set_edit(daemon, call, false, w, error);
}
