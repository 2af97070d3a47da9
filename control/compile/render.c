// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* render.c - a resolved graph at one hook: slots, rodata, tables and counters */
#include <stdarg.h>
#include <string.h>

#include <compile/compile.h>

struct renderer {
	struct compile *c;
	const struct shape *shape;
	const char *name;		/* "edge-in@xdp" */
};

#define REASON_NAME(id, name, help) name,
static const char *const reason_names[] = { SHUNT_REASONS(REASON_NAME) };

static const struct {
	const char *code, *what;
} spaces[] = {
	[SLOTS_COUNTER]		= { "too_many_counters", "counters" },
	[SLOTS_GRAPH_XDP]	= { "too_many_graphs", "graphs at xdp" },
	[SLOTS_GRAPH_TC]	= { "too_many_graphs", "graphs at tc-ingress and tc-egress" },
	[SLOTS_PORT]		= { "too_many_ports", "ports" },
	[SLOTS_HIT]		= { "too_many_rules", "rules and named counters" },
	[SLOTS_STATE]		= { "too_many_limits", "limits, quotas and logs" },
	[SLOTS_SET]		= { "too_many_sets", "sets that rules look up" },
	[SLOTS_DSET]		= { "too_many_sets", "dynamic sets" },
	[SLOTS_LB_NODE]		= { "too_many_nodes", "nodes with services" },
	[SLOTS_LB_SERVICE]	= { "too_many_services", "services" },
	[SLOTS_LB_RING]		= { "too_many_services", "services" },
	[SLOTS_LB_RANGES]	= { "too_many_ranges", "lists of port ranges" },
	[SLOTS_LB_BACKEND]	= { "too_many_backends", "backends" },
	[SLOTS_LB_COUNT]	= { "too_many_backends", "services and backends" },
};

uint32_t compile_take(struct compile *c, const struct tree *tree, enum slots_space space,
		      uint32_t n, const char *name)
{
	uint32_t index;
	int r;

	if (n == 1 && space >= SLOTS_HIT)
		r = slots_share(&c->slots, space, name, &index);
	else
		r = slots_take(&c->slots, space, name, n, &index);
	if (r == 0 || c->full[space])
		return index;
	c->full[space] = true;
	compile_find(c, tree, spaces[space].code,
		     "too many %s, %u at most: none is left for '%s'", spaces[space].what,
		     slots_limit(space), strchr(name, ' ') + 1)->hint =
		c->running ? "what the running generation leaves is free after the next apply" : NULL;
	return 0;
}

static uint32_t take(struct renderer *r, enum slots_space space, uint32_t n, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static uint32_t take(struct renderer *r, enum slots_space space, uint32_t n, const char *fmt, ...)
{
	const char *name;
	va_list args;

	va_start(args, fmt);
	name = arena_vprintf(r->c->arena, fmt, args);
	va_end(args);
	return compile_take(r->c, r->shape->config->tree, space, n, name);
}

/* ---- edges -------------------------------------------------------------------------------- */

static uint32_t node_slot(const struct renderer *r, const char *name)
{
	unsigned int i;

	for (i = 0; i < r->shape->n_nodes; i++)
		if (!strcmp(r->shape->node[i].node->config->name, name))
			break;
	return i;
}

static uint32_t port_index(struct renderer *r, const char *name)
{
	struct compile *c = r->c;
	const struct link *link;
	struct plan_port *port;
	unsigned int i;

	for (i = 0; i < c->plan->n_ports; i++)
		if (!strcmp(c->plan->port[i].name, name))
			return c->plan->port[i].port;
	link = link_find_name(c->links, name);
	port = arena_push(c->arena, c->plan->port, c->plan->n_ports);
	*port = (struct plan_port){
		.name = name,
		.port = take(r, SLOTS_PORT, 1, "port %s", name),
		.ifindex = link ? link->ifindex : 0,
	};
	return port->port;
}

/* A reason that the list does not have is counted as policy; its name stays in the plan */
static enum shunt_reason reason_index(const char *name)
{
	unsigned int i;

	for (i = 0; i < SHUNT_REASON_MAX; i++)
		if (!strcmp(reason_names[i], name))
			return i;
	return SHUNT_REASON_POLICY;
}

static uint32_t edge_arg(struct renderer *r, const struct plan_edge *edge,
			 const struct config_target *target)
{
	switch (target->kind) {
	case SHUNT_TARGET_NODE:
		return node_slot(r, target->name);
	case SHUNT_TARGET_DROP:
		return reason_index(edge->reason);
	case SHUNT_TARGET_REDIRECT:
		return port_index(r, target->name);
	default:
		return 0;
	}
}

static const char *target_text(struct arena *arena, const struct config_target *target)
{
	struct buf buf = {0};
	char *text;

	config_target_print(target, &buf);
	text = arena_strdup(arena, buf.data ? buf.data : "");
	buf_fini(&buf);
	return text;
}

static void render_edge(struct renderer *r, const struct shape_edge *shape, const char *node,
			struct plan_edge *edge)
{
	const struct config_target *target = &shape->target;

	*edge = (struct plan_edge){
		.name = shape->name,
		.target = target_text(r->c->arena, target),
	};
	if (target->kind == SHUNT_TARGET_DROP)
		edge->reason = target->name ? target->name : reason_names[SHUNT_REASON_POLICY];
	edge->rodata = (struct shunt_edge){
		.target = target->kind,
		.arg = edge_arg(r, edge, target),
		.counter = take(r, SLOTS_COUNTER, 1, "counter %s/%s.%s", r->name, node,
				shape->name),
		.fail = shape->fail,
	};
}

/* ---- tables ------------------------------------------------------------------------------- */

static enum plan_table_kind table_kind(const char *name)
{
	static const char *const shared[] = {
		"filter_hits", "filter_state", "nat_rules", "nat_addrs",
	};
	unsigned int i;

	if (!strcmp(name, FILTER_IMAGE))
		return PLAN_IMAGE;
	if (conntrack_table_is(name) || lb_table_is(name))
		return PLAN_SHARED;
	for (i = 0; i < sizeof(shared) / sizeof(shared[0]); i++)
		if (!strcmp(name, shared[i]))
			return PLAN_SHARED;
	return PLAN_STATE;
}

static void render_tables(struct renderer *r, const struct node *node, struct plan_node *to)
{
	const struct module *module = node->module;
	unsigned int i;

	to->table = arena_new_n(r->c->arena, struct plan_table, module->n_tables);
	to->n_tables = module->n_tables;
	for (i = 0; i < module->n_tables; i++)
		to->table[i] = (struct plan_table){ &module->table[i],
						    table_kind(module->table[i].name) };
}

/* Rules that do not look into the flow table: its size is nothing to this node */
static void leave_out_flows(struct plan_node *to)
{
	unsigned int i, n = 0;

	for (i = 0; i < to->n_tables; i++)
		if (!conntrack_table_is(to->table[i].table->name))
			to->table[n++] = to->table[i];
	to->n_tables = n;
}

/* What rules make of the node: its values are of the configuration and of the filter */
static void render_filter(struct renderer *r, const struct node *node, struct plan_node *to)
{
	struct plan_value *value = arena_new_n(r->c->arena, struct plan_value,
					       node->n_values + FILTER_VALUES);

	to->filter = filter_plan(r->c, node);
	if (!to->filter)
		return;			/* findings tell */
	if (!to->filter->uses_flows)
		leave_out_flows(to);
	memcpy(value, node->value, node->n_values * sizeof(*value));
	to->n_values += filter_values(r->c, to->filter, &value[node->n_values]);
	to->value = value;
}

static void render_balancer(struct renderer *r, const struct node *node, struct plan_node *to)
{
	struct plan_value *value = arena_new_n(r->c->arena, struct plan_value,
					       node->n_values + LB_VALUES);

	to->balancer = lb_plan(r->c, node);
	if (node->n_values)
		memcpy(value, node->value, node->n_values * sizeof(*value));
	to->n_values += lb_values(r->c, to->balancer, &value[node->n_values]);
	to->value = value;
}

/* ---- nodes -------------------------------------------------------------------------------- */

static void render_node(struct renderer *r, uint32_t slot, struct plan_node *to)
{
	const struct shape_node *shape = &r->shape->node[slot];
	const struct node *node = shape->node;
	unsigned int i;

	*to = (struct plan_node){
		.name = node->config->name,
		.module = node->module,
		.slot = slot,
		.value = node->value,
		.n_values = node->n_values,
		.n_edges = shape->n_edges,
	};
	to->edge = arena_new_n(r->c->arena, struct plan_edge, to->n_edges);
	for (i = 0; i < to->n_edges; i++)
		render_edge(r, &shape->edge[i], to->name, &to->edge[i]);
	to->miss_counter = take(r, SLOTS_COUNTER, 1, "counter %s/%s.miss", r->name, to->name);
	render_tables(r, node, to);
	if (node->is_filter)
		render_filter(r, node, to);
	if (node->is_balancer)
		render_balancer(r, node, to);
}

static uint32_t graph_depth(const struct shape *shape)
{
	uint32_t depth = SHUNT_DEPTH_L2;
	unsigned int i;

	for (i = 0; i < shape->n_nodes; i++)
		if ((shape->node[i].node->module->depth & SHUNT_DEPTH_MASK) > depth)
			depth = shape->node[i].node->module->depth & SHUNT_DEPTH_MASK;
	return depth;
}

void render_graph(struct compile *c, const struct shape *shape, uint32_t hook,
		  struct plan_graph *ret_graph)
{
	struct renderer r = {
		.c = c, .shape = shape,
		.name = arena_printf(c->arena, "%s@%s", shape->config->name,
				     module_hook_name(hook)),
	};
	struct plan_graph *graph = ret_graph;
	unsigned int i;

	*graph = (struct plan_graph){
		.name = shape->config->name,
		.hook = hook,
		.slot = take(&r, hook == SHUNT_HOOK_XDP ? SLOTS_GRAPH_XDP : SLOTS_GRAPH_TC, 1,
			     "graph %s", r.name),
		.depth = graph_depth(shape),
		.boundary = shape->boundary ? shape->boundary->target.name : NULL,
		.n_nodes = shape->n_nodes,
	};
	graph->entry_counter = take(&r, SLOTS_COUNTER, 1, "counter %s/.entry", r.name);
	graph->miss_counter = take(&r, SLOTS_COUNTER, 1, "counter %s/.miss", r.name);
	graph->reason_counter = take(&r, SLOTS_COUNTER, SHUNT_REASON_MAX, "counter %s/.reasons",
				     r.name);
	graph->drop_counter = take(&r, SLOTS_COUNTER, SHUNT_REASON_MAX, "counter %s/.drops",
				   r.name);
	graph->node = arena_new_n(c->arena, struct plan_node, graph->n_nodes);
	for (i = 0; i < graph->n_nodes; i++)
		render_node(&r, i, &graph->node[i]);
	nat_check(c, shape, graph);
	conntrack_check_zones(c, shape, graph);
	conntrack_check(c, shape, graph);
	synproxy_check(c, shape);
}
