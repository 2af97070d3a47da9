// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * conntrack.c - the flow table that the plan's graphs need
 *
 * DOC: A policy keeps its number for as long as configurations name it (slots.c): flows that are
 * in the table say it. Rows of numbers that no policy has are as the usual one, for flows
 * whose policy is gone.
 */
#include <string.h>

#include <compile/compile.h>

#include "../../dataplane/lib/conntrack_limit.h"

#define LIMITS_STEP	64		/* so that a limit more mostly changes no table */
#define EDGE_LIMITED	"limited"	/* of modules that begin flows, and count them */

#define TABLE_NAME(id, name) name,
static const char *const tables[] = { CONNTRACK_TABLES(TABLE_NAME) };

bool conntrack_table_is(const char *name)
{
	unsigned int i;

	for (i = 0; i < CONNTRACK_TABLE_MAX; i++)
		if (!strcmp(tables[i], name))
			return true;
	return false;
}

uint32_t conntrack_policy(struct compile *c, const char *name)
{
	const struct config_policy *policy = config_policy_find(c->config, name);
	uint32_t number;

	if (!policy)
		return 0;
	if (slots_share(&c->slots, SLOTS_POLICY, arena_printf(c->arena, "policy %s", name),
			&number) < 0)
		compile_find(c, policy->tree, "too_many",
			     "no number is left for policy '%s': flows may still have those of the running configuration",
			     name)->key = 1;
	return number;
}

static bool has_table(const struct plan_node *node, const char *name)
{
	unsigned int i;

	for (i = 0; i < node->n_tables; i++)
		if (!strcmp(node->table[i].table->name, name))
			return true;
	return false;
}

/* Only who tracks flows makes the table; who just looks into it does not */
static bool is_wanted(const struct plan *plan)
{
	unsigned int i, k;

	for (i = 0; i < plan->n_graphs; i++)
		for (k = 0; k < plan->graph[i].n_nodes; k++)
			if (has_table(&plan->graph[i].node[k], tables[CONNTRACK_TABLE_TAGS4]))
				return true;
	return false;
}

static void set_timeouts(struct plan_conntrack *plan, unsigned int number,
			 const uint64_t *timeout_ms)
{
	unsigned int state;

	for (state = 0; state < CONNTRACK_STATE_MAX; state++)
		plan->timeout_ms[number][state] = timeout_ms[state];
}

/* ---- limits of connections ---------------------------------------------------------------- */

/* Each flow may be counted by an address of its own in each of them that goes by addresses */
static void plan_limits(const struct plan *plan, struct plan_conntrack *conntrack)
{
	uint64_t n = 0, by_address = 0, entries, buckets;
	unsigned int i, k;

	for (i = 0; i < plan->n_filters; i++) {
		n += plan->filter[i].n_limits;
		for (k = 0; k < plan->filter[i].n_limits; k++)
			by_address += plan->filter[i].limit[k].statement->per != EXPR_PER_RULE;
	}
	if (!n)
		return;
	if (by_address > SHUNT_CT_LIMITS)
		by_address = SHUNT_CT_LIMITS;
	entries = by_address * ((uint64_t)conntrack->flows[0] + conntrack->flows[1]);
	entries += (n + LIMITS_STEP - 1) / LIMITS_STEP * LIMITS_STEP;
	entries = entries * CONNTRACK_ROOM / 3;
	buckets = entries / (CONNTRACK_COUNTED_WAYS - 1) + 1;
	conntrack->counted = buckets < CONNTRACK_COUNTED_BUCKETS ? buckets :
								   CONNTRACK_COUNTED_BUCKETS;
	conntrack->flags |= CONNTRACK_LIMIT;
}

static bool begins_flows(const struct plan_node *node)
{
	unsigned int i;

	for (i = 0; i < node->module->n_edges; i++)
		if (!strcmp(node->module->edge[i].name, EDGE_LIMITED))
			return true;
	return false;
}

void conntrack_check(struct compile *c, const struct shape *shape, const struct plan_graph *graph)
{
	const struct plan_filter *filter;
	bool begins = false;
	unsigned int i;

	for (i = 0; i < graph->n_nodes; i++)
		begins |= begins_flows(&graph->node[i]);
	for (i = 0; i < graph->n_nodes && !begins; i++) {
		filter = graph->node[i].filter;
		if (filter && filter->counts)
			compile_find(c, filter->counts->tree, "no_commit",
				     "graph '%s' has no node of module 'commit' or 'nat', which would count flows",
				     shape->config->name);
	}
}

/* ------------------------------------------------------------------------------------------- */

void conntrack_plan(struct compile *c)
{
	const struct config_conntrack *config = &c->config->conntrack;
	struct plan_conntrack *plan;
	uint32_t number;
	unsigned int i;

	if (!is_wanted(c->plan))
		return;
	plan = arena_new(c->arena, struct plan_conntrack);
	*plan = (struct plan_conntrack){
		.flows = { config->flows[0], config->flows[1] },
		.flags = (config->counters ? CONNTRACK_COUNT : 0) |
			 (config->window ? CONNTRACK_WINDOW : 0) |
			 (config->pickup ? CONNTRACK_PICKUP : 0) |
			 (config->stateless ? CONNTRACK_STATELESS : 0),
	};
	for (i = 0; i < CONNTRACK_POLICIES; i++)
		set_timeouts(plan, i, config->timeout_ms);
	for (i = 0; i < config->n_policies; i++) {
		number = conntrack_policy(c, config->policy[i].name);
		plan->policy[number] = number ? config->policy[i].name : NULL;
		set_timeouts(plan, number, number ? config->policy[i].timeout_ms :
						    config->timeout_ms);
	}
	plan_limits(c->plan, plan);
	c->plan->conntrack = plan;
}

static bool uses_table(const struct plan_graph *graph)
{
	unsigned int i, k;

	for (i = 0; i < graph->n_nodes; i++)
		for (k = 0; k < graph->node[i].n_tables; k++)
			if (conntrack_table_is(graph->node[i].table[k].table->name))
				return true;
	return false;
}

/* Programs have the tables in them: tables of another shape need other programs */
uint64_t conntrack_key(const struct plan_conntrack *conntrack, const struct plan_graph *graph,
		       uint64_t key)
{
	uint32_t shape[4] = {};

	if (!uses_table(graph))
		return key;
	if (conntrack) {
		memcpy(shape, conntrack->flows, sizeof(conntrack->flows));
		shape[2] = conntrack->flags & CONNTRACK_SHAPE;
		shape[3] = conntrack->counted;
	}
	return key_bytes(key, shape, sizeof(shape));
}

/* ---- rules that set a zone ----------------------------------------------------------------- */

/* Looks flows up, and asks what zone a rule has set */
static bool tracks(const struct shape_node *node)
{
	return node->node->module && !strcmp(node->node->module->name, "conntrack");
}

static bool reach(const struct shape *shape, const struct shape_node *from, bool *reached)
{
	bool more = false;
	unsigned int i, k;

	for (i = 0; i < shape->n_nodes; i++)
		for (k = 0; k < from->n_edges && !reached[i]; k++)
			if (from->edge[k].target.kind == SHUNT_TARGET_NODE &&
			    !strcmp(from->edge[k].target.name, shape->node[i].node->config->name))
				more = reached[i] = true;
	return more;
}

/* From what is reached on, not past nodes that track */
static void reach_all(const struct shape *shape, bool *reached)
{
	bool more = true;
	unsigned int i;

	while (more)
		for (i = 0, more = false; i < shape->n_nodes; i++)
			if (reached[i] && !tracks(&shape->node[i]))
				more |= reach(shape, &shape->node[i], reached);
}

/* Of rules at node @i. Return: what is wrong; NULL: nothing */
static const char *zone_fault(struct compile *c, const struct shape *shape, unsigned int i)
{
	bool *reached = arena_new_n(c->arena, bool, shape->n_nodes);
	unsigned int k;

	reached[0] = true;		/* the entry */
	reach_all(shape, reached);
	if (!reached[i])
		return "has a node of module 'conntrack' ahead of the rule, which has looked by then";
	memset(reached, 0, shape->n_nodes * sizeof(*reached));
	reached[i] = true;
	reach_all(shape, reached);
	for (k = 0; k < shape->n_nodes; k++)
		if (reached[k] && tracks(&shape->node[k]))
			return NULL;
	return "has no node of module 'conntrack' behind the rule, which would look there";
}

void conntrack_check_zones(struct compile *c, const struct shape *shape,
			   const struct plan_graph *graph)
{
	const struct plan_filter *filter;
	const char *fault;
	unsigned int i;

	for (i = 0; i < graph->n_nodes; i++) {
		filter = graph->node[i].filter;
		if (!filter || !filter->zones)
			continue;
		fault = zone_fault(c, shape, i);
		if (fault)
			compile_find(c, filter->zones->tree, "no_conntrack", "graph '%s' %s",
				     shape->config->name, fault)->hint =
				"'ct zone set' says where the next node 'conntrack' is to look";
	}
}
