// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * config_rule.c - rules of a node and of its chains, and what they refer to
 *
 * DOC: Chains are named first, so that rules may jump to any of them. What jumps
 * where is noted while rules are read, once for each pair of chains; from that,
 * a walk of at most CONFIG_CHAIN_DEPTH_MAX levels finds cycles and what is too deep.
 */
#include <stdlib.h>
#include <string.h>

#include <model/config_read.h>

/* Part of a rule's text */
struct span {
	int offset, len;
};

/* A jump, and the rule that it was first seen in */
struct jump {
	unsigned int to;
	const struct tree *tree;
	struct span span;
};

struct jumps {
	struct jump *v;
	unsigned int n;
};

struct rules {
	struct config_reader *r;
	struct config_node *node;
	bool chains_unknown;
	unsigned int n_rules;		/* of all lists */
	/* List under way: the node's own rules, then chain 0, 1, ... */
	unsigned int list;
	struct jumps *jumps;		/* by chain */
	unsigned int *seen_chain;	/* the last list with a jump to it, plus 1 */
	unsigned int *seen_map;		/* the last list with a vmap of it, plus 1 */
	unsigned int *height;		/* of chains, in chains; 0: not known */
	unsigned int way[CONFIG_CHAIN_DEPTH_MAX + 1];
	unsigned int depth;
};

/* ---- names --------------------------------------------------------------------------------- */

/* Where '@name' stands, behind @from */
static struct span find_at_name(const struct tree *tree, struct span from, const char *name)
{
	const char *at = strchr(tree->text + from.offset, '@');

	return at ? (struct span){ at - tree->text, 1 + strlen(name) } : from;
}

static struct diag *span_error(struct config_reader *r, const struct tree *tree, struct span span,
			       const char *code, const char *text)
{
	struct diag *diag = config_read_error(r, tree, code, "%s", text);

	diag->offset = span.offset;
	diag->len = span.len;
	return diag;
}

void config_rule_check_reason(struct config_reader *r, const struct tree *tree,
			      const struct expr_verdict *verdict)
{
	const char *at;

	if (!verdict->reason)
		return;
	at = strstr(tree->text + verdict->offset + verdict->len, verdict->reason);
	config_read_reason(r, tree, verdict->reason, at ? at - tree->text : verdict->offset);
}

static const char *type_text(struct config_reader *r, const enum expr_field *field, unsigned int n)
{
	struct buf text = { 0 };
	const char *copy;

	config_type_print(field, n, &text);
	copy = arena_strdup(r->arena, text.data);
	buf_fini(&text);
	return copy;
}

/* '@name' in a rule: what it has to be */
struct reference {
	const struct tree *tree;	/* of the rule */
	const char *noun;		/* "set", "map" */
	const char *name;
	const enum expr_field *field;
	unsigned int n_fields;
	struct span span;		/* of what it is part of */
};

static struct diag *reference_error(struct config_reader *r, const struct reference *ref,
				    const char *code, const char *text)
{
	return span_error(r, ref->tree, find_at_name(ref->tree, ref->span, ref->name), code,
			  text);
}

/* Finds values that are not of the type of the set or map */
static void check_type(struct config_reader *r, const struct reference *ref,
		       const enum expr_field *field, unsigned int n_fields)
{
	enum expr_field wanted[EXPR_CONCAT_MAX];
	unsigned int i;

	for (i = 0; i < ref->n_fields; i++) {
		wanted[i] = config_type_field(ref->field[i]);
		if (wanted[i] != EXPR_FIELD_MAX)
			continue;
		reference_error(r, ref, "set_type",
				arena_printf(r->arena, "'%s' cannot be matched against a %s",
					     expr_field_name(ref->field[i]), ref->noun));
		return;
	}
	if (!n_fields || (n_fields == ref->n_fields &&
			  !memcmp(wanted, field, n_fields * sizeof(*field))))
		return;
	reference_error(r, ref, "set_type",
			arena_printf(r->arena, "%s '%s' is of type %s, here one of type %s is needed",
				     ref->noun, ref->name, type_text(r, field, n_fields),
				     type_text(r, wanted, ref->n_fields)));
}

static const struct config_set *check_set(struct config_reader *r, const struct reference *ref)
{
	const struct config_set *set = config_set_find(r->config, ref->name);
	struct diag *diag;

	if (set || r->sets_unknown) {
		check_type(r, ref, set ? set->field : NULL, set ? set->n_fields : 0);
		return set;
	}
	diag = reference_error(r, ref, "no_such_set",
			       arena_printf(r->arena, "no set '%s'", ref->name));
	if (config_map_find(r->config, ref->name))
		diag->hint = "it is a map: maps go behind 'vmap'";
	else
		config_read_suggest_name(r, diag, ref->name, r->config->set, r->config->n_sets,
					 sizeof(*r->config->set));
	return NULL;
}

static const struct config_map *check_map(struct config_reader *r, const struct reference *ref)
{
	const struct config_map *map = config_map_find(r->config, ref->name);
	struct diag *diag;

	if (map || r->maps_unknown) {
		check_type(r, ref, map ? map->field : NULL, map ? map->n_fields : 0);
		return map;
	}
	diag = reference_error(r, ref, "no_such_map",
			       arena_printf(r->arena, "no map '%s'", ref->name));
	config_read_suggest_name(r, diag, ref->name, r->config->map, r->config->n_maps,
				 sizeof(*r->config->map));
	return NULL;
}

static void check_add(struct config_reader *r, const struct tree *tree,
		      const struct expr_statement *add)
{
	struct reference ref = {
		tree, "set", add->name, add->field, add->n_fields,
		{ add->offset, add->len },
	};
	const struct config_set *set = check_set(r, &ref);

	if (set && set->n_fields && !set->dynamic)
		reference_error(r, &ref, "not_dynamic",
				arena_printf(r->arena, "set '%s' is not dynamic: rules cannot add to it",
					     add->name))->hint =
			"give the set 'dynamic: true' or a 'timeout'";
}

static void check_policy(struct config_reader *r, const struct tree *tree,
			 const struct expr_statement *set)
{
	const struct config_conntrack *conntrack = &r->config->conntrack;
	struct span span = { set->offset, set->len };
	struct diag *diag;

	if (r->policies_unknown || config_policy_find(r->config, set->name))
		return;
	diag = span_error(r, tree, span, "no_such_policy",
			  arena_printf(r->arena, "section 'conntrack' has no policy '%s'",
				       set->name));
	config_read_suggest_name(r, diag, set->name, conntrack->policy, conntrack->n_policies,
				 sizeof(*conntrack->policy));
}

/* ---- jumps --------------------------------------------------------------------------------- */

/* Return: whether there is a chain of that name */
static bool add_jump(struct rules *rules, const struct tree *tree, const char *name,
		     struct span span)
{
	const struct config_chain *chain = config_chain_find(rules->node, name);
	struct jumps *jumps;
	unsigned int to;

	if (!chain)
		return false;
	to = chain - rules->node->chain;
	if (!rules->list || rules->seen_chain[to] == rules->list + 1)
		return true;
	rules->seen_chain[to] = rules->list + 1;
	jumps = &rules->jumps[rules->list - 1];
	*arena_push(rules->r->arena, jumps->v, jumps->n) = (struct jump){ to, tree, span };
	return true;
}

static void check_verdict(struct rules *rules, const struct tree *tree,
			  const struct expr_verdict *verdict)
{
	const struct config_node *node = rules->node;
	struct span span = { verdict->offset, verdict->len };
	struct diag *diag;

	config_rule_check_reason(rules->r, tree, verdict);
	if (verdict->kind == EXPR_REJECT && !rules->r->rejects)
		rules->r->rejects = tree;
	if (verdict->kind != EXPR_JUMP || rules->chains_unknown)
		return;
	if (add_jump(rules, tree, verdict->chain, span))
		return;
	diag = span_error(rules->r, tree, span, "no_such_chain",
			  arena_printf(rules->r->arena, "node '%s' has no chain '%s'", node->name,
				       verdict->chain));
	config_read_suggest_name(rules->r, diag, verdict->chain, node->chain, node->n_chains,
				 sizeof(*node->chain));
}

static void check_vmap_set(struct rules *rules, const struct tree *tree,
			   const struct expr_concat *key)
{
	struct reference ref = {
		tree, "map", key->set, key->field, key->n_fields,
		{ key->offset, key->len },
	};
	const struct config_map *map = check_map(rules->r, &ref);
	const struct config *config = rules->r->config;
	struct span span = find_at_name(tree, ref.span, key->set);
	unsigned int i;

	if (!map || rules->seen_map[map - config->map] == rules->list + 1)
		return;
	rules->seen_map[map - config->map] = rules->list + 1;
	for (i = 0; i < map->n; i++) {
		const char *chain = map->verdict[i].chain;

		if (map->verdict[i].kind == EXPR_JUMP && !rules->chains_unknown &&
		    !add_jump(rules, tree, chain, span))
			reference_error(rules->r, &ref, "no_such_chain",
					arena_printf(rules->r->arena,
						     "map '%s' jumps to '%s': node '%s' has no such chain",
						     key->set, chain, rules->node->name));
	}
}

/* ---- a rule -------------------------------------------------------------------------------- */

static void check_rule(struct rules *rules, const struct config_rule *rule)
{
	const struct expr_rule *expr = &rule->expr;
	struct config_reader *r = rules->r;
	unsigned int i;

	for (i = 0; i < expr->n; i++) {
		const struct expr_match *m = &expr->match[i];

		if (m->set)
			check_set(r, &(struct reference){ rule->tree, "set", m->set, &m->field, 1,
							  { m->offset, m->len } });
	}
	for (i = 0; i < expr->n_concats; i++) {
		const struct expr_concat *c = &expr->concat[i];

		if (c->set)
			check_set(r, &(struct reference){ rule->tree, "set", c->set, c->field,
							  c->n_fields, { c->offset, c->len } });
	}
	for (i = 0; i < expr->n_statements; i++) {
		if (expr->statement[i].kind == EXPR_ADD)
			check_add(r, rule->tree, &expr->statement[i]);
		else if (expr->statement[i].kind == EXPR_SET_POLICY)
			check_policy(r, rule->tree, &expr->statement[i]);
	}
	if (!expr->vmap)
		check_verdict(rules, rule->tree, &expr->verdict);
	else if (expr->vmap->key.set)
		check_vmap_set(rules, rule->tree, &expr->vmap->key);
	for (i = 0; expr->vmap && !expr->vmap->key.set && i < expr->vmap->key.n_tuples; i++)
		check_verdict(rules, rule->tree, &expr->vmap->verdict[i]);
}

/* Return: false: the node has too many, and there is a finding */
static bool count_rules(struct rules *rules, const struct tree *list)
{
	rules->n_rules += list->n;
	if (rules->n_rules <= CONFIG_RULES_MAX)
		return true;
	config_read_error(rules->r, list, "too_many",
			  "a node has at most %u rules with those of its chains, this one %u",
			  CONFIG_RULES_MAX, rules->n_rules)->key = 1;
	return false;
}

static void read_list(struct rules *rules, const struct tree *list, struct config_rule **ret_rule,
		      unsigned int *n)
{
	struct config_reader *r = rules->r;
	struct config_item_path path;
	size_t i;

	if (!count_rules(rules, list))
		return;
	config_item_path_init(&path, r, list);
	*ret_rule = arena_new_n(r->arena, struct config_rule,
				(r->skims ? 0 : list->n) + CONFIG_RULES_SPARE);
	for (i = 0; i < list->n; i++) {
		struct config_rule *rule = &(*ret_rule)[*n];	/* there is always a spare one */
		const struct tree *item = list->child[i];

		rule->tree = item;
		if (item->kind != TREE_SCALAR) {
			config_read_is(r, item, TREE_SCALAR, "a rule");
		} else if (item->multiline) {
			config_read_error(r, item, "multiline", "a rule is one line")->hint =
				"long lists of values belong into a set";
		} else if (!r->skims && !expr_parse(item->text, config_item_path(&path, i), r->diags,
				       &rule->expr)) {
			check_rule(rules, rule);
			(*n)++;
		}
	}
	buf_fini(&path.buf);
}

/* ---- chains -------------------------------------------------------------------------------- */

/* "a -> b -> a", from a level of the way on */
static const char *way_text(const struct rules *rules, unsigned int from, unsigned int last)
{
	struct buf text = { 0 };
	const char *copy;

	for (; from < rules->depth; from++)
		buf_printf(&text, "%s -> ", rules->node->chain[rules->way[from]].name);
	buf_str(&text, rules->node->chain[last].name);
	copy = arena_strdup(rules->r->arena, text.data);
	buf_fini(&text);
	return copy;
}

static bool visit(struct rules *rules, unsigned int chain);

/* Return: false: there is a finding, and no more are looked for */
static bool visit_jump(struct rules *rules, const struct jump *jump)
{
	unsigned int height = rules->height[jump->to], i;

	for (i = 0; i < rules->depth; i++) {
		if (rules->way[i] != jump->to)
			continue;
		span_error(rules->r, jump->tree, jump->span, "cycle",
			   arena_printf(rules->r->arena, "chains jump in a circle: %s",
					way_text(rules, i, jump->to)));
		return false;
	}
	if (rules->depth + (height ? height : 1) > CONFIG_CHAIN_DEPTH_MAX) {
		span_error(rules->r, jump->tree, jump->span, "too_deep",
			   arena_printf(rules->r->arena, "jumps are nested deeper than %d chains: %s%s",
					CONFIG_CHAIN_DEPTH_MAX, way_text(rules, 0, jump->to),
					height > 1 ? " -> ..." : ""));
		return false;
	}
	return height || visit(rules, jump->to);
}

static bool visit(struct rules *rules, unsigned int chain)
{
	const struct jumps *jumps = &rules->jumps[chain];
	unsigned int i, height = 1;

	rules->way[rules->depth++] = chain;
	for (i = 0; i < jumps->n; i++) {
		if (!visit_jump(rules, &jumps->v[i]))
			return false;
		if (rules->height[jumps->v[i].to] >= height)
			height = rules->height[jumps->v[i].to] + 1;
	}
	rules->depth--;
	rules->height[chain] = height;
	return true;
}

static void name_chains(struct config_reader *r, const struct tree *section,
			struct config_node *node)
{
	size_t i;

	node->n_chains = section->n;
	node->chain = arena_new_n(r->arena, struct config_chain, section->n);
	for (i = 0; i < section->n; i++) {
		config_read_at_name(r, section->child[i], "a chain");
		node->chain[i].name = section->child[i]->key;
		node->chain[i].tree = section->child[i];
	}
	qsort(node->chain, node->n_chains, sizeof(*node->chain), config_compare_names);
}

static void read_chains(struct rules *rules)
{
	struct config_node *node = rules->node;
	unsigned int i;

	for (i = 0; i < node->n_chains; i++) {
		struct config_chain *chain = &node->chain[i];

		rules->list = 1 + i;
		if (!config_read_is_empty(chain->tree) &&
		    config_read_is(rules->r, chain->tree, TREE_LIST, "a chain"))
			read_list(rules, chain->tree, &chain->rule, &chain->n_rules);
	}
	for (i = 0; i < node->n_chains; i++)
		if (!rules->height[i] && !visit(rules, i))
			return;
}

static void *new_array(size_t n, size_t size)
{
	void *array = calloc(n + 1, size);

	if (!array)
		arena_no_memory();
	return array;
}

void config_rule_read(struct config_reader *r, const struct tree *list,
		      const struct tree *chains, bool chains_unknown, struct config_node *node)
{
	struct rules rules = { .r = r, .node = node, .chains_unknown = chains_unknown };

	if (chains)
		name_chains(r, chains, node);
	rules.jumps = new_array(node->n_chains, sizeof(*rules.jumps));
	rules.seen_chain = new_array(node->n_chains, sizeof(*rules.seen_chain));
	rules.height = new_array(node->n_chains, sizeof(*rules.height));
	rules.seen_map = new_array(r->config->n_maps, sizeof(*rules.seen_map));
	if (list)
		read_list(&rules, list, &node->rule, &node->n_rules);
	read_chains(&rules);
	free(rules.seen_map);
	free(rules.height);
	free(rules.seen_chain);
	free(rules.jumps);
}
