// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * print.c - a plan as text: one line a fact, in the plan's order
 *
 * DOC: A graph that is kept is one line; what is new or changed is shown whole;
 * what the running plan has and the new one has not comes last of its kind.
 */
#include <stdio.h>
#include <string.h>

#include <compile/compile.h>
#include <model/prefix.h>

#define PRINT_RULES_MAX 1000

struct printer {
	struct buf *out;
	const struct plan *running;	/* NULL: nothing runs */
	char where[3 * SHUNT_NAME_MAX];	/* "edge-in@xdp/guard" */
};

/* ---- nodes -------------------------------------------------------------------------------- */

/* Return: 1: @before has this table, it goes on; -1: it has one of other types or size; 0: none */
static int compare_state(const struct plan_node *before, const struct plan_table *table)
{
	unsigned int i;

	for (i = 0; i < before->n_tables; i++) {
		const struct plan_table *old = &before->table[i];

		if (old->kind != PLAN_STATE || strcmp(old->table->name, table->table->name))
			continue;
		return old->table->schema == table->table->schema ? 1 : -1;
	}
	return 0;
}

static bool state_is_lost(const struct plan *running, const struct plan_node *node,
			  const struct plan_table *table)
{
	unsigned int i, j;
	bool lost = false;
	int same;

	for (i = 0; running && i < running->n_graphs; i++)
		for (j = 0; j < running->graph[i].n_nodes; j++) {
			if (strcmp(running->graph[i].node[j].name, node->name))
				continue;
			same = compare_state(&running->graph[i].node[j], table);
			if (same > 0)
				return false;
			lost = lost || same < 0;
		}
	return lost;
}

static void print_table(struct printer *p, const struct plan_node *node,
			const struct plan_table *table)
{
	if (table->kind == PLAN_STATE)
		buf_printf(p->out, "table %s %s: state%s\n", p->where, table->table->name,
			   state_is_lost(p->running, node, table) ?
			   ", starts empty: its types or size changed, what is in it is lost" : "");
}

static int64_t value_signed(const struct plan_value *value)
{
	switch (value->size) {
	case 1:
		return *(const int8_t *)value->data;
	case 2:
		return *(const int16_t *)value->data;
	case 4:
		return *(const int32_t *)value->data;
	default:
		return *(const int64_t *)value->data;
	}
}

static uint64_t value_unsigned(const struct plan_value *value)
{
	switch (value->size) {
	case 1:
		return *(const uint8_t *)value->data;
	case 2:
		return *(const uint16_t *)value->data;
	case 4:
		return *(const uint32_t *)value->data;
	default:
		return *(const uint64_t *)value->data;
	}
}

static void print_prefixes(struct printer *p, const struct plan_value *value)
{
	const struct shunt_prefix *prefix = value->data;
	static const struct shunt_prefix none;
	unsigned int i;

	for (i = 0; i < value->size / sizeof(*prefix); i++) {
		if (!memcmp(&prefix[i], &none, sizeof(none)))
			break;
		buf_str(p->out, i ? ", " : "");
		prefix_print(&prefix[i], p->out);
	}
	buf_char(p->out, '\n');
}

static void print_value(struct printer *p, const struct module *module,
			const struct plan_value *value)
{
	const struct module_config *config = module_config_find(module, value->name);

	if (!config)
		return;			/* the shape of its filter */
	buf_printf(p->out, "config %s %s: ", p->where, value->name);
	if (config->is_string)
		buf_printf(p->out, "\"%s\"\n", (const char *)value->data);
	else if (config->is_prefixes)
		print_prefixes(p, value);
	else if (config->is_signed)
		buf_printf(p->out, "%lld\n", (long long)value_signed(value));
	else
		buf_printf(p->out, "%llu\n", (unsigned long long)value_unsigned(value));
}

static void print_edge(struct printer *p, const struct plan_edge *edge)
{
	static const char *const fail[] = {
		[SHUNT_FAIL_CLOSED] = "closed", [SHUNT_FAIL_OPEN] = "open",
	};

	buf_printf(p->out, "edge %s.%s: %s, arg %u, fail %s, counter %u\n", p->where, edge->name,
		   edge->target, edge->rodata.arg,
		   edge->rodata.fail <= SHUNT_FAIL_OPEN ? fail[edge->rodata.fail] : "?",
		   edge->rodata.counter);
}

static void print_node(struct printer *p, const struct plan_graph *graph,
		       const struct plan_node *node)
{
	unsigned int i;

	snprintf(p->where, sizeof(p->where), "%s@%s/%s", graph->name,
		 module_hook_name(graph->hook), node->name);
	buf_printf(p->out, "node %s: slot %u, module %s, miss counter %u\n", p->where, node->slot,
		   node->module->name, node->miss_counter);
	for (i = 0; i < node->n_edges; i++)
		print_edge(p, &node->edge[i]);
	for (i = 0; i < node->n_values; i++)
		print_value(p, node->module, &node->value[i]);
	for (i = 0; i < node->n_tables; i++)
		print_table(p, node, &node->table[i]);
}

/* ---- filters and sets --------------------------------------------------------------------- */

static void print_rule(struct printer *p, const struct plan_filter *filter,
		       const struct plan_rule *rule)
{
	buf_printf(p->out, "rule %s%s%s#%08x: hit %u, ", filter->node, rule->chain ? "/" : "",
		   rule->chain ? rule->chain : "", rule->id, rule->hit);
	expr_print(rule->expr, p->out);
	buf_char(p->out, '\n');
}

/* A filter of many rules is told in one line: its rules would be megabytes */
static void print_filter(struct printer *p, const struct plan_filter *filter)
{
	const struct plan_filter *before = p->running ? plan_filter_find(p->running, filter->node) :
							NULL;
	unsigned int i;

	if (before && before->hash == filter->hash) {
		buf_printf(p->out, "filter %s: kept, %u rules\n", filter->node, filter->n_rules);
		return;
	}
	buf_printf(p->out, "filter %s: %u rules, rows %u IPv4, %u IPv6, %u extensions, %zu bytes\n",
		   filter->node, filter->n_rules, filter->n_rows[0], filter->n_rows[1],
		   filter->n_exts, filter->classifier.size);
	for (i = 0; i < filter->n_rules && filter->n_rules <= PRINT_RULES_MAX; i++)
		print_rule(p, filter, &filter->rule[i]);
}

static void print_set(struct printer *p, const struct plan_set *set)
{
	if (set->dynamic)
		buf_printf(p->out, "set %s: dynamic, slot %u, %u elements at most\n", set->name,
			   set->slot, set->size);
	else
		buf_printf(p->out, "set %s: %s, slot %u, %zu bytes\n", set->name,
			   set->image.kind ? set->image.kind : "kept",
			   set->slot, set->image.n_lines * SHUNT_SET_LINE);
}

/* ---- flow table --------------------------------------------------------------------------- */

#define STATE_NAME(id, name, seconds) name,
static const char *const state_names[] = { CONNTRACK_STATES(STATE_NAME) };

/* Only what a policy has otherwise than the usual one; of that, all */
static void print_timeouts(struct printer *p, const struct plan_conntrack *conntrack,
			   unsigned int number)
{
	const uint32_t *timeout_ms = conntrack->timeout_ms[number];
	unsigned int state;

	for (state = CONNTRACK_NONE + 1; state < CONNTRACK_STATE_MAX; state++)
		if (!number || timeout_ms[state] != conntrack->timeout_ms[0][state])
			buf_printf(p->out, ", %s %u ms", state_names[state], timeout_ms[state]);
	buf_char(p->out, '\n');
}

static void print_conntrack(struct printer *p, const struct plan *plan)
{
	const struct plan_conntrack *conntrack = plan->conntrack;
	unsigned int i;

	if (!conntrack) {
		if (p->running && p->running->conntrack)
			buf_str(p->out, "conntrack: removed, with all flows\n");
		return;
	}
	buf_printf(p->out, "conntrack: %u IPv4 flows, %u IPv6%s%s%s%s%s\n", conntrack->flows[0],
		   conntrack->flows[1], conntrack->flags & CONNTRACK_COUNT ? ", counters" : "",
		   conntrack->flags & CONNTRACK_WINDOW ? ", window" : "",
		   conntrack->flags & CONNTRACK_PICKUP ? ", pickup" : "",
		   conntrack->flags & CONNTRACK_LIMIT ? ", limits" : "",
		   conntrack->flags & CONNTRACK_STATELESS ? ", full: stateless" : ", full: drop");
	buf_str(p->out, "conntrack timeouts");
	print_timeouts(p, conntrack, 0);
	for (i = 1; i < CONNTRACK_POLICIES; i++) {
		if (!conntrack->policy[i])
			continue;
		buf_printf(p->out, "conntrack policy %s: number %u", conntrack->policy[i], i);
		print_timeouts(p, conntrack, i);
	}
}

static void print_nat(struct printer *p, const struct plan *plan)
{
	unsigned int i;

	for (i = 0; i < plan->n_nat; i++)
		buf_printf(p->out, "nat %u: %s\n", plan->nat[i].number, plan->nat[i].text);
}

/* ---- graphs, attachments, ports ----------------------------------------------------------- */

static void print_graph(struct printer *p, const struct plan_graph *graph,
			const struct plan *running)
{
	const char *hook = module_hook_name(graph->hook);
	bool is_new = !running || !plan_graph_find(running, graph->name, graph->hook);
	unsigned int i;

	if (graph->kept) {
		buf_printf(p->out, "graph %s@%s: kept from generation %u\n", graph->name, hook,
			   graph->generation);
		return;
	}
	buf_printf(p->out, "graph %s@%s: %s, slot %u, depth L%u\n", graph->name, hook,
		   is_new ? "new" : "changed", graph->slot, graph->depth);
	buf_printf(p->out,
		   "graph %s@%s: counters entry %u, miss %u, reasons from %u, drops from %u\n",
		   graph->name, hook, graph->entry_counter, graph->miss_counter,
		   graph->reason_counter, graph->drop_counter);
	if (graph->boundary)
		buf_printf(p->out, "boundary %s@%s: to %s@tc-ingress\n", graph->name, hook,
			   graph->boundary);
	if (graph->producer)
		buf_printf(p->out, "boundary %s@%s: from %s@xdp\n", graph->name, hook,
			   graph->producer);
	for (i = 0; i < graph->n_nodes; i++)
		print_node(p, graph, &graph->node[i]);
}

static void print_graphs(struct printer *p, const struct plan *plan, const struct plan *running)
{
	unsigned int i;

	for (i = 0; i < plan->n_graphs; i++)
		print_graph(p, &plan->graph[i], running);
	for (i = 0; running && i < running->n_graphs; i++)
		if (!plan_graph_find(plan, running->graph[i].name, running->graph[i].hook))
			buf_printf(p->out, "graph %s@%s: removed\n", running->graph[i].name,
				   module_hook_name(running->graph[i].hook));
}

static bool has_attach(const struct plan *plan, const struct plan_attach *attach)
{
	unsigned int i;

	for (i = 0; i < plan->n_attach; i++)
		if (plan->attach[i].ifindex == attach->ifindex &&
		    plan->attach[i].hook == attach->hook)
			return true;
	return false;
}

static void print_attach(struct printer *p, const struct plan *plan,
			 const struct plan_attach *attach)
{
	static const char *const mode[] = {
		[CONFIG_MODE_NATIVE] = "native", [CONFIG_MODE_GENERIC] = "generic",
		[CONFIG_MODE_AUTO] = "auto",
	};

	buf_printf(p->out, "attach %s@%s: ifindex %u, graph %s", attach->ifname,
		   module_hook_name(attach->hook), attach->ifindex,
		   plan->graph[attach->graph].name);
	if (attach->hook == SHUNT_HOOK_XDP)
		buf_printf(p->out, ", mode %s", mode[attach->mode]);
	if (attach->share)
		buf_printf(p->out, ", shared with priority %d", attach->priority);
	buf_char(p->out, '\n');
}

static void print_attachments(struct printer *p, const struct plan *plan,
			      const struct plan *running)
{
	unsigned int i;

	for (i = 0; i < plan->n_attach; i++)
		print_attach(p, plan, &plan->attach[i]);
	for (i = 0; running && i < running->n_attach; i++)
		if (!has_attach(plan, &running->attach[i]))
			buf_printf(p->out, "attach %s@%s: removed\n", running->attach[i].ifname,
				   module_hook_name(running->attach[i].hook));
}

void plan_print(const struct plan *plan, const struct plan *running, struct buf *out)
{
	struct printer p = { .out = out, .running = running };
	unsigned int i;

	buf_printf(out, "generation %u\n", plan->generation);
	for (i = 0; i < plan->n_filters; i++)
		print_filter(&p, &plan->filter[i]);
	for (i = 0; i < plan->n_sets; i++)
		print_set(&p, &plan->set[i]);
	print_conntrack(&p, plan);
	print_nat(&p, plan);
	lb_print(plan, running, out);
	print_graphs(&p, plan, running);
	print_attachments(&p, plan, running);
	for (i = 0; i < plan->n_ports; i++) {
		buf_printf(out, "port %s: index %u, ", plan->port[i].name, plan->port[i].port);
		if (plan->port[i].ifindex)
			buf_printf(out, "ifindex %u\n", plan->port[i].ifindex);
		else
			buf_str(out, "not there\n");
	}
}
