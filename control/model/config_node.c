// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* config_node.c - sets, nodes and their rules */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <model/config_read.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static const char *const set_types[] = { "ip", "ip6", "port", "proto", NULL };
static const enum expr_field set_fields[] = {
	EXPR_IP_SADDR, EXPR_IP6_SADDR, EXPR_DPORT, EXPR_PROTO,
};

enum { SET_TYPE, SET_ELEMENTS, SET_COMMENT, SET_MAX };
static const struct config_key set_keys[] = {
	[SET_TYPE] = { "type", TREE_SCALAR, true },
	[SET_ELEMENTS] = { "elements", TREE_LIST, false },
	[SET_COMMENT] = { "comment", TREE_SCALAR, false },
	[SET_MAX] = { 0 },
};

enum { NODE_MODULE, NODE_CONFIG, NODE_RULES, NODE_DEFAULT, NODE_COMMENT, NODE_MAX };
static const struct config_key node_keys[] = {
	[NODE_MODULE] = { "module", TREE_SCALAR, true },
	[NODE_CONFIG] = { "config", TREE_MAP, false },
	[NODE_RULES] = { "rules", TREE_LIST, false },
	[NODE_DEFAULT] = { "default", TREE_SCALAR, false },
	[NODE_COMMENT] = { "comment", TREE_SCALAR, false },
	[NODE_MAX] = { 0 },
};

/* Path of a list's items: findings copy it, so that good items cost no memory */
struct item_path {
	struct buf buf;
	size_t prefix;
};

static void item_path_init(struct item_path *path, struct config_reader *r, const struct tree *list)
{
	*path = (struct item_path){ 0 };
	buf_printf(&path->buf, "%s/", tree_path(list, r->arena));
	path->prefix = path->buf.len;
}

static const char *item_path_of(struct item_path *path, size_t i)
{
	path->buf.len = path->prefix;
	buf_printf(&path->buf, "%zu", i);
	return path->buf.data;
}

static bool is_within(struct config_reader *r, const struct tree *list, size_t max,
		      const char *what, const char *items)
{
	if (list->n <= max)
		return true;
	config_read_error(r, list, "too_many", "%s has at most %zu %s, this one %zu", what, max,
			  items, list->n)->key = 1;
	return false;
}

static void read_comment(struct config_reader *r, const struct tree *tree)
{
	if (tree)
		config_read_line(r, tree, "a comment", CONFIG_COMMENT_MAX);
}

/* ---- sets ---------------------------------------------------------------------------------- */

static void read_elements(struct config_reader *r, const struct tree *list, struct config_set *set)
{
	struct item_path path;
	size_t i;

	if (!is_within(r, list, CONFIG_ELEMENTS_MAX, "a set", "elements"))
		return;
	item_path_init(&path, r, list);
	set->tuple = arena_new_n(r->arena, struct expr_interval, list->n);
	for (i = 0; i < list->n; i++) {
		const struct tree *item = list->child[i];

		if (!config_read_is(r, item, TREE_SCALAR, "an element"))
			continue;
		if (item->multiline)
			config_read_error(r, item, "multiline", "an element is one line");
		else if (!expr_element(item->text, set->field[0], item_path_of(&path, i), 0, r->diags,
				       &set->tuple[set->n]))
			set->n++;
	}
	set->n = expr_merge(set->tuple, set->n);
	buf_fini(&path.buf);
}

/* What a rule can spell behind '@' (expr.c) is less than what a name may be */
static void read_set_name(struct config_reader *r, const struct tree *tree)
{
	static const char other[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	struct diag *diag;

	if (!config_read_name_key(r, tree, "a set") ||
	    (islower((unsigned char)tree->key[0]) && !strpbrk(tree->key, other)))
		return;
	diag = config_read_error(r, tree, "bad_name", "'%s' is no name for a set", tree->key);
	diag->key = 1;
	diag->hint = "rules must be able to spell it: a lower-case letter, then a-z, 0-9, '_' and '-'";
}

static void read_set(struct config_reader *r, const struct tree *tree, struct config_set *set)
{
	struct tree *value[SET_MAX];
	int type = -1;

	read_set_name(r, tree);
	set->name = tree->key;
	set->tree = tree;
	set->field[0] = EXPR_FIELD_MAX;
	set->n_fields = 1;
	if (config_read_keys(r, tree, arena_printf(r->arena, "set '%.32s'", tree->key), set_keys,
			     value) < 0)
		return;
	if (value[SET_TYPE])
		type = config_read_word(r, value[SET_TYPE], "the type of a set", set_types);
	if (type >= 0)
		set->field[0] = set_fields[type];
	if (type >= 0 && value[SET_ELEMENTS])
		read_elements(r, value[SET_ELEMENTS], set);
	read_comment(r, value[SET_COMMENT]);
}

/* ---- nodes --------------------------------------------------------------------------------- */

/* The kind of set that a field can be matched against; EXPR_FIELD_MAX: none */
static enum expr_field set_field_of(enum expr_field field)
{
	switch (field) {
	case EXPR_IP_SADDR:
	case EXPR_IP_DADDR:
		return EXPR_IP_SADDR;
	case EXPR_IP6_SADDR:
	case EXPR_IP6_DADDR:
		return EXPR_IP6_SADDR;
	case EXPR_SPORT:
	case EXPR_DPORT:
		return EXPR_DPORT;
	case EXPR_PROTO:
		return EXPR_PROTO;
	default:
		return EXPR_FIELD_MAX;
	}
}

static const char *type_of_field(enum expr_field field)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(set_fields); i++)
		if (set_fields[i] == field)
			return set_types[i];
	return NULL;
}

/* A finding about '@name' */
static struct diag *set_error(struct config_reader *r, const struct tree *tree,
			      const struct expr_match *match, const char *code, const char *text)
{
	const char *at = memchr(tree->text + match->offset, '@', match->len);
	struct diag *diag = config_read_error(r, tree, code, "%s", text);

	diag->offset = at ? at - tree->text : match->offset;
	diag->len = at ? (int)strlen(match->set) + 1 : match->len;
	return diag;
}

static void check_set(struct config_reader *r, const struct tree *tree,
		      const struct expr_match *match)
{
	const struct config_set *set = config_set_find(r->config, match->set);
	enum expr_field wanted = set_field_of(match->field);
	struct diag *diag;

	if (wanted == EXPR_FIELD_MAX) {
		set_error(r, tree, match, "set_type",
			  arena_printf(r->arena, "'%s' cannot be matched against a set",
				       expr_field_name(match->field)));
	} else if (!set && !r->sets_unknown) {
		diag = set_error(r, tree, match, "no_such_set",
				 arena_printf(r->arena, "no set '%s'", match->set));
		config_read_suggest_name(r, diag, match->set, r->config->set, r->config->n_sets,
					 sizeof(*r->config->set));
	} else if (set && set->field[0] != EXPR_FIELD_MAX && set->field[0] != wanted) {
		set_error(r, tree, match, "set_type",
			  arena_printf(r->arena, "set '%s' is of type %s, here one of type %s is needed",
				       match->set, type_of_field(set->field[0]),
				       type_of_field(wanted)));
	}
}

static void check_rule(struct config_reader *r, const struct config_rule *rule)
{
	const struct expr_rule *expr = &rule->expr;
	const char *reason;
	unsigned int i;

	for (i = 0; i < expr->n; i++)
		if (expr->match[i].set)
			check_set(r, rule->tree, &expr->match[i]);
	if (!expr->verdict.reason)
		return;
	reason = strstr(rule->tree->text + expr->verdict.offset + expr->verdict.len, expr->verdict.reason);
	config_read_reason(r, rule->tree, expr->verdict.reason,
			   reason ? reason - rule->tree->text : expr->verdict.offset);
}

static void read_rules(struct config_reader *r, const struct tree *list, struct config_node *node)
{
	struct item_path path;
	size_t i;

	if (!is_within(r, list, CONFIG_RULES_MAX, "a node", "rules"))
		return;
	item_path_init(&path, r, list);
	node->rule = arena_new_n(r->arena, struct config_rule, list->n);
	for (i = 0; i < list->n; i++) {
		struct config_rule *rule = &node->rule[node->n_rules];
		const struct tree *item = list->child[i];

		rule->tree = item;
		if (item->kind != TREE_SCALAR) {
			config_read_is(r, item, TREE_SCALAR, "a rule");
		} else if (item->multiline) {
			config_read_error(r, item, "multiline", "a rule is one line")->hint =
				"long lists of values belong into a set";
		} else if (!expr_parse(item->text, item_path_of(&path, i), r->diags, &rule->expr)) {
			check_rule(r, rule);
			node->n_rules++;
		}
	}
	buf_fini(&path.buf);
}

static void read_values(struct config_reader *r, const struct tree *map, struct config_node *node)
{
	size_t i;

	node->value = arena_new_n(r->arena, struct config_value, map->n);
	for (i = 0; i < map->n; i++) {
		const struct tree *member = map->child[i];

		if (!config_read_is(r, member, TREE_SCALAR, "a config value"))
			continue;
		node->value[node->n_values++] = (struct config_value){
			.name = member->key, .text = member->text, .tree = member,
		};
	}
}

static void read_module(struct config_reader *r, const struct tree *tree, struct config_node *node)
{
	if (strchr(tree->text, '/') ?
	    config_read_line(r, tree, "the path of a module", CONFIG_PATH_MAX) :
	    config_read_name(r, tree, "a module"))
		node->module = tree->text;
}

static void read_default(struct config_reader *r, const struct tree *tree, struct config_node *node)
{
	if (strchr(tree->text, '('))
		config_read_error(r, tree, "bad_value", "'default' is an edge, not '%.60s'",
				  tree->text)->hint = "an edge's target is set under 'graphs'";
	else if (config_read_name(r, tree, "an edge"))
		node->fallback = tree->text;
}

static void check_node_name(struct config_reader *r, const struct tree *tree)
{
	if (config_read_name_key(r, tree, "a node") && config_is_target(tree->key))
		config_read_error(r, tree, "reserved_name",
				  "a node cannot be called '%s': that is a target of edges",
				  tree->key)->key = 1;
}

static void read_node(struct config_reader *r, const struct tree *tree, struct config_node *node)
{
	struct tree *value[NODE_MAX];

	check_node_name(r, tree);
	node->name = tree->key;
	node->tree = tree;
	if (config_read_keys(r, tree, arena_printf(r->arena, "node '%.32s'", tree->key), node_keys,
			     value) < 0)
		return;
	if (value[NODE_MODULE])
		read_module(r, value[NODE_MODULE], node);
	if (value[NODE_CONFIG])
		read_values(r, value[NODE_CONFIG], node);
	if (value[NODE_RULES])
		read_rules(r, value[NODE_RULES], node);
	if (value[NODE_DEFAULT])
		read_default(r, value[NODE_DEFAULT], node);
	read_comment(r, value[NODE_COMMENT]);
}

/* ---- sections ------------------------------------------------------------------------------ */

void config_node_read_sets(struct config_reader *r, const struct tree *section)
{
	struct config *config = r->config;
	size_t i;

	config->n_sets = section->n;
	config->set = arena_new_n(r->arena, struct config_set, section->n);
	for (i = 0; i < section->n; i++)
		read_set(r, section->child[i], &config->set[i]);
	qsort(config->set, config->n_sets, sizeof(*config->set), config_compare_names);
}

void config_node_read_all(struct config_reader *r, const struct tree *section)
{
	struct config *config = r->config;
	size_t i;

	config->n_nodes = section->n;
	config->node = arena_new_n(r->arena, struct config_node, section->n);
	for (i = 0; i < section->n; i++)
		read_node(r, section->child[i], &config->node[i]);
	qsort(config->node, config->n_nodes, sizeof(*config->node), config_compare_names);
}
