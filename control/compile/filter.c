// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * filter.c - a filter node's rules as its programs have them: lowered, built, with indices
 *
 * DOC: The same in whatever graphs the node is, so made once. Where the running
 * plan has an image of the same content, it goes on; where it was built from the
 * same rows, it is not even built again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <compile/compile.h>
#include <compile/lower.h>

struct filter_maker {
	struct compile *c;
	const struct node *node;
	const struct config_rule *translates, *masquerades, *counts;	/* the first that does */
	struct plan_limit *limit;
	unsigned int n_limits;
};

/* ---- names -------------------------------------------------------------------------------- */

static int name_edge(void *arg, const char *edge, const char *reason)
{
	const struct filter_maker *maker = arg;
	char name[2 * SHUNT_NAME_MAX + 8];

	if (!reason)
		return node_edge_index(maker->node, edge);
	snprintf(name, sizeof(name), "%s(%s)", edge, reason);
	return node_edge_index(maker->node, name);
}

static uint32_t name_index(struct filter_maker *maker, enum slots_space space, const char *what,
			   const char *name)
{
	const struct config_node *config = maker->node->config;
	char full[2 * SHUNT_NAME_MAX + 16], *end;

	end = stpcpy(stpcpy(full, what), " ");
	stpcpy(stpcpy(end, config->name), name);
	return compile_take(maker->c, config->tree, space, 1, full);
}

static uint32_t name_hit(void *arg, const char *name)
{
	return name_index(arg, SLOTS_HIT, "hit", name);
}

static uint32_t name_state(void *arg, const char *name)
{
	return name_index(arg, SLOTS_STATE, "state", name);
}

static int name_set(void *arg, const char *set, bool *ret_dynamic)
{
	const struct filter_maker *maker = arg;
	const struct plan_set *plan = set_plan(maker->c, set);

	if (!plan)
		return -1;
	*ret_dynamic = plan->dynamic;
	return plan->slot;
}

static uint32_t name_policy(void *arg, const char *policy)
{
	const struct filter_maker *maker = arg;

	return conntrack_policy(maker->c, policy);
}

static uint32_t name_nat(void *arg, const struct config_rule *rule,
			 const struct expr_statement *statement)
{
	struct filter_maker *maker = arg;

	if (!maker->translates)
		maker->translates = rule;
	if (!maker->masquerades && statement->kind == EXPR_MASQUERADE)
		maker->masquerades = rule;
	return nat_number(maker->c, rule->tree, statement);
}

/*
 * By what the rule says, but for the number: it goes on counting when that alone changes, and
 * whatever other rules do
 */
static uint32_t limit_id(struct filter_maker *maker, const struct config_rule *rule,
			 unsigned int statement)
{
	const char *node = maker->node->config->name;
	struct expr_rule said = rule->expr;
	struct buf text = {};
	uint64_t hash;

	said.statement = arena_new_n(maker->c->arena, struct expr_statement, said.n_statements);
	memcpy(said.statement, rule->expr.statement, said.n_statements * sizeof(*said.statement));
	said.statement[statement].amount = 0;
	expr_print(&said, &text);
	hash = key_bytes(key_bytes(KEY_START, node, strlen(node) + 1), text.data, text.len);
	buf_fini(&text);
	hash = key_bytes(hash, &statement, sizeof(statement));
	return (hash ^ hash >> 32) & UINT32_MAX ?: 1;
}

static uint32_t name_limit(void *arg, const struct config_rule *rule, unsigned int statement)
{
	struct filter_maker *maker = arg;
	struct plan_limit limit = {
		.rule = rule->expr.id, .index = statement,
		.statement = &rule->expr.statement[statement],
	};
	unsigned int i;

	for (i = 0; i < maker->n_limits; i++)
		if (maker->limit[i].rule == limit.rule && maker->limit[i].index == statement)
			return maker->limit[i].id;
	limit.id = limit_id(maker, rule, statement);
	for (i = 0; i < maker->n_limits; i++)	/* of a rule that differs in its number alone */
		if (maker->limit[i].id == limit.id) {
			limit.id = limit.id + 1 ?: 1;
			i = -1;
		}
	if (!maker->counts)
		maker->counts = rule;
	*arena_push(maker->c->arena, maker->limit, maker->n_limits) = limit;
	return limit.id;
}

/* ---- rules and counters, for lists -------------------------------------------------------- */

static void list_rule(struct filter_maker *maker, const struct config_rule *rule,
		      const char *chain, struct plan_rule *ret_rule)
{
	char name[LOWER_HIT_NAME];

	lower_hit_name(rule->expr.id, name);
	*ret_rule = (struct plan_rule){
		.id = rule->expr.id, .expr = &rule->expr, .chain = chain,
		.hit = name_hit(maker, name),
	};
}

static void list_rules(struct filter_maker *maker, struct plan_filter *filter)
{
	const struct config_node *config = maker->node->config;
	unsigned int i, k, n = config->n_rules;

	for (i = 0; i < config->n_chains; i++)
		n += config->chain[i].n_rules;
	filter->rule = arena_new_n(maker->c->arena, struct plan_rule, n + PLAN_SPARE);
	filter->gone = arena_new_n(maker->c->arena, uint32_t, PLAN_SPARE);
	for (i = 0; i < config->n_rules; i++)
		list_rule(maker, &config->rule[i], NULL, &filter->rule[filter->n_rules++]);
	filter->n_own = filter->n_rules;
	for (i = 0; i < config->n_chains; i++)
		for (k = 0; k < config->chain[i].n_rules; k++)
			list_rule(maker, &config->chain[i].rule[k], config->chain[i].name,
				  &filter->rule[filter->n_rules++]);
}

/* First and last prio of each of the node's own rules */
static void list_prios(const struct lowered *lowered, struct plan_filter *filter)
{
	struct plan_rule *rule;
	unsigned int i;

	for (i = 0; i < lowered->n_places; i++) {
		rule = &filter->rule[lowered->place[i].top];
		rule->last_prio = (i + 1) * CLASSIFIER_PRIO_GAP;
		if (!rule->prio)
			rule->prio = rule->last_prio;
	}
}

static void list_counters(struct filter_maker *maker, struct plan_filter *filter)
{
	const struct config_node *config = maker->node->config;
	char prefix[SHUNT_NAME_MAX + 8];
	const struct plan_slot *slot;
	unsigned int i;

	snprintf(prefix, sizeof(prefix), "hit %s$", config->name);
	for (i = 0; i < maker->c->slots.n; i++) {
		slot = maker->c->slots.slot[i];
		if (strncmp(slot->name, prefix, strlen(prefix)))
			continue;
		*arena_push(maker->c->arena, filter->counter, filter->n_counters) =
			(struct plan_counter){ slot->name + strlen(prefix), slot->index };
	}
}

/* ---- the image ---------------------------------------------------------------------------- */

static uint64_t hash_rows(const struct lowered *lowered)
{
	uint64_t hash = key_bytes(KEY_START, lowered->ext, lowered->n_ext * sizeof(*lowered->ext));

	hash = key_bytes(hash, lowered->rows.row, lowered->rows.n * sizeof(*lowered->rows.row));
	return hash ? hash : 1;		/* 0: not known */
}

static void too_large(struct filter_maker *maker, const struct lowered *lowered,
		      const struct classifier_blame *blame)
{
	const struct config_node *config = maker->node->config;
	const struct lower_place *place = NULL;
	struct compile *c = maker->c;
	uint32_t prio;

	if (blame->n) {
		prio = lowered->rows.row[blame->row[0]].prio;
		place = &lowered->place[prio / CLASSIFIER_PRIO_GAP - 1];
	}
	compile_find(c, place && place->rule ? place->rule->tree : config->tree, "rules_too_large",
		     "the rules of node '%s' take more memory than they may: %s", config->name,
		     arena_strdup(c->arena, blame->text));
}

static int build_image(struct filter_maker *maker, const struct lowered *lowered,
		       struct plan_filter *filter)
{
	struct classifier_ext ext = { lowered->ext, sizeof(*lowered->ext), lowered->n_ext };
	struct classifier_blame blame = {};
	int r;

	r = classifier_build(&lowered->rows, lowered->n_places, &ext, NULL, &filter->classifier,
			     &blame);
	if (r < 0) {
		too_large(maker, lowered, &blame);
		return r;
	}
	filter->hash = key_bytes(key_bytes(KEY_START, filter->classifier.image,
					   filter->classifier.size),
				 &filter->classifier.shape, sizeof(filter->classifier.shape));
	return 0;
}

/* What the running image has that is the same goes on */
static int make_image(struct filter_maker *maker, const struct lowered *lowered,
		      struct plan_filter *filter)
{
	const struct plan *running = maker->c->running;
	const struct plan_filter *before;
	int r = 0;

	before = running ? plan_filter_find(running, filter->node) : NULL;
	filter->rows_hash = hash_rows(lowered);
	filter->generation = maker->c->plan->generation;
	if (before && before->hash && before->rows_hash == filter->rows_hash) {
		filter->classifier = before->classifier;
		filter->classifier.image = NULL;
		filter->hash = before->hash;
	} else {
		r = build_image(maker, lowered, filter);
	}
	if (r == 0 && before && before->hash == filter->hash) {
		filter->generation = before->generation;
		free(filter->classifier.image);
		filter->classifier.image = NULL;
	}
	return r;
}

const struct plan_filter *filter_plan(struct compile *c, const struct node *node)
{
	struct filter_maker maker = { .c = c, .node = node };
	const struct lower_names names = {
		.edge = name_edge, .hit = name_hit, .state = name_state, .set = name_set,
		.policy = name_policy, .nat = name_nat, .limit = name_limit,
		.links = c->links, .arg = &maker,
	};
	struct plan *plan = c->plan;
	struct lowered lowered = {};
	struct plan_filter *filter;
	unsigned int i;

	filter = (struct plan_filter *)plan_filter_find(plan, node->config->name);
	if (filter)
		return filter;
	filter = &plan->filter[plan->n_filters];
	*filter = (struct plan_filter){ .node = node->config->name };
	if (lower_rules(c->config, node->config, &names, c->arena, c->diags, &lowered) < 0)
		return NULL;
	if (make_image(&maker, &lowered, filter) < 0)
		return NULL;
	plan->n_filters++;
	filter->rounds = lowered.rounds;
	filter->n_exts = lowered.n_ext;
	filter->uses_links = lowered.uses_links;
	filter->uses_flows = lowered.uses_flows;
	filter->translates = maker.translates;
	filter->masquerades = maker.masquerades;
	filter->zones = lowered.zones;
	filter->counts = maker.counts;
	filter->limit = maker.limit;
	filter->n_limits = maker.n_limits;
	filter->uses_limits = maker.n_limits > 0;
	for (i = 0; i < lowered.n_places; i++) {
		filter->n_rows[0] += lowered.place[i].rows[0];
		filter->n_rows[1] += lowered.place[i].rows[1];
	}
	list_rules(&maker, filter);
	list_prios(&lowered, filter);
	list_counters(&maker, filter);
	return filter;
}

unsigned int filter_values(struct compile *c, const struct plan_filter *filter,
			   struct plan_value *ret_value)
{
	const struct classifier_shape *shape = &filter->classifier.shape;

	ret_value[0] = (struct plan_value){ "shape", shape, sizeof(*shape) };
	ret_value[1] = (struct plan_value){ "rounds", &filter->rounds,
					    sizeof(filter->rounds) };
	ret_value[2] = (struct plan_value){ "hits_room", c->hits_room, sizeof(uint32_t) };
	ret_value[3] = (struct plan_value){ "flows", &filter->uses_flows,
					    sizeof(filter->uses_flows) };
	ret_value[4] = (struct plan_value){ "limits", &filter->uses_limits,
					    sizeof(filter->uses_limits) };
	return FILTER_VALUES;
}
