// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * nat.c - what rules give flows, by number
 *
 * DOC: One that is said alike in several rules is one. It keeps its number for as long as
 * configurations say it (slots.c), so its element of 'nat_rules' never changes under a program.
 */
#include <arpa/inet.h>
#include <string.h>

#include <base/buf.h>
#include <compile/compile.h>

static struct shunt_addr nat_addr(struct expr_value value, bool six)
{
	struct shunt_addr addr = { .v4_prefix = { 0, 0, htonl(0xffff) }, .v4 = htonl(value.lo) };

	if (!six)
		return addr;
	addr.word[0] = htonl(value.hi >> 32);
	addr.word[1] = htonl(value.hi);
	addr.word[2] = htonl(value.lo >> 32);
	addr.word[3] = htonl(value.lo);
	return addr;
}

static struct nat_rule nat_rule(const struct expr_statement *statement)
{
	const struct expr_nat *nat = statement->nat;
	bool six = nat->families == EXPR_FAMILY_6;
	struct nat_rule rule = {
		.flags = (nat->persistent ? NAT_PERSISTENT : 0) | (nat->ports ? NAT_PORTS : 0),
		.len = nat->len, .port_first = nat->port_first, .port_last = nat->port_last,
	};

	if (statement->kind == EXPR_MASQUERADE) {
		rule.kind = NAT_MASQUERADE;
		return rule;
	}
	rule.kind = nat->prefix ? NAT_PREFIX : NAT_RANGE;
	rule.l3 = six ? 6 : 4;
	rule.first = nat_addr(nat->first, six);
	rule.last = nat_addr(nat->last, six);
	return rule;
}

/* Of SNAT and DNAT alike: what differs is who asks */
static const char *nat_text(struct compile *c, const struct expr_statement *statement)
{
	struct buf buf = {};
	const char *text;

	expr_nat_print(statement, &buf);
	text = arena_strdup(c->arena, buf.data);
	buf_fini(&buf);
	return text;
}

uint32_t nat_number(struct compile *c, const struct tree *tree,
		    const struct expr_statement *statement)
{
	const char *text = nat_text(c, statement);
	struct plan *plan = c->plan;
	uint32_t number;
	unsigned int i;

	if (slots_share(&c->slots, SLOTS_NAT, arena_printf(c->arena, "nat %s", text),
			&number) < 0) {
		if (!c->full[SLOTS_NAT])
			compile_find(c, tree, "too_many",
				     "more than %d different translations, with those of the running configuration",
				     NAT_RULES);
		c->full[SLOTS_NAT] = true;
		return 0;
	}
	for (i = 0; i < plan->n_nat; i++)
		if (plan->nat[i].number == number)
			return number;
	*arena_push(c->arena, plan->nat, plan->n_nat) = (struct plan_nat){
		.text = text, .number = number, .rule = nat_rule(statement),
	};
	return number;
}

static bool has_table(const struct plan_graph *graph, const char *name)
{
	unsigned int i, k;

	for (i = 0; i < graph->n_nodes; i++)
		for (k = 0; k < graph->node[i].n_tables; k++)
			if (!strcmp(graph->node[i].table[k].table->name, name))
				return true;
	return false;
}

static void check_balancer(struct compile *c, const struct shape *shape,
			   const struct shape_node *node, const struct plan_balancer *balancer)
{
	if (balancer && balancer->translates)
		compile_find(c, node->node->config->tree, "no_nat",
			     "graph '%s' has no node of module 'nat', which would do what services of node '%s' say",
			     shape->config->name, balancer->node);
}

void nat_check(struct compile *c, const struct shape *shape, const struct plan_graph *graph)
{
	bool translates = has_table(graph, "nat_rules");
	const struct plan_filter *filter;
	unsigned int i;

	for (i = 0; i < graph->n_nodes; i++) {
		filter = graph->node[i].filter;
		if (!translates)
			check_balancer(c, shape, &shape->node[i], graph->node[i].balancer);
		if (!filter || !filter->translates)
			continue;
		if (!translates)
			compile_find(c, filter->translates->tree, "no_nat",
				     "graph '%s' has no node of module 'nat', which would do that",
				     shape->config->name);
		if (filter->masquerades && graph->hook != SHUNT_HOOK_TC_EGRESS)
			compile_find(c, filter->masquerades->tree, "bad_hook",
				     "graph '%s' at hook '%s' cannot masquerade: by which interface a packet leaves is known at 'tc-egress' alone",
				     shape->config->name, module_hook_name(graph->hook));
	}
}
