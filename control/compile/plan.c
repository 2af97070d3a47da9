// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* plan.c - configuration, contracts and mirror to a plan, step by step */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <compile/compile.h>

#define HITS_ROOM_MIN	1024
#define STATE_ROOM_MIN	64

const struct plan_graph *plan_graph_find(const struct plan *plan, const char *name, uint32_t hook)
{
	unsigned int i;

	for (i = 0; i < plan->n_graphs; i++)
		if (plan->graph[i].hook == hook && !strcmp(plan->graph[i].name, name))
			return &plan->graph[i];
	return NULL;
}

const struct plan_filter *plan_filter_find(const struct plan *plan, const char *node)
{
	unsigned int i;

	for (i = 0; i < plan->n_filters; i++)
		if (!strcmp(plan->filter[i].node, node))
			return &plan->filter[i];
	return NULL;
}

const struct plan_set *plan_set_find(const struct plan *plan, const char *name)
{
	unsigned int i;

	for (i = 0; i < plan->n_sets; i++)
		if (!strcmp(plan->set[i].name, name))
			return &plan->set[i];
	return NULL;
}

const struct plan_node *plan_node_find(const struct plan *plan, const char *node)
{
	unsigned int i, k;

	for (i = 0; i < plan->n_graphs; i++)
		for (k = 0; k < plan->graph[i].n_nodes; k++)
			if (!strcmp(plan->graph[i].node[k].name, node))
				return &plan->graph[i].node[k];
	return NULL;
}

void plan_fini(struct plan *plan)
{
	unsigned int i;

	for (i = 0; i < plan->n_filters; i++) {
		free(plan->filter[i].classifier.image);
		plan->filter[i].classifier.image = NULL;
	}
	for (i = 0; i < plan->n_sets; i++) {
		free(plan->set[i].image.line);
		plan->set[i].image.line = NULL;
	}
}

static struct plan_graph *find_graph(struct plan *plan, const char *name, uint32_t hook)
{
	return (struct plan_graph *)plan_graph_find(plan, name, hook);
}

static void read_nodes(struct compile *c)
{
	unsigned int i;

	c->node = arena_new_n(c->arena, struct node, c->config->n_nodes);
	for (i = 0; i < c->config->n_nodes; i++)
		node_read(c, &c->config->node[i], &c->node[i]);
}

static void resolve_graphs(struct compile *c)
{
	unsigned int i;

	c->shape = arena_new_n(c->arena, struct shape, c->config->n_graphs);
	for (i = 0; i < c->config->n_graphs; i++) {
		graph_resolve(c, &c->config->graph[i], &c->shape[i]);
		attach_check(c, &c->shape[i]);
	}
}

static bool is_producer(const struct compile *c, const struct shape *shape)
{
	return shape->boundary && attach_hooks(c->config, shape->config->name) & SHUNT_HOOK_XDP;
}

/* TC expects one tag, so that one graph at XDP may write it */
static void check_producers(struct compile *c)
{
	unsigned int i, k;

	for (i = 0; i < c->config->n_graphs; i++) {
		const struct shape_edge *edge = c->shape[i].boundary;

		for (k = 0; k < i && is_producer(c, &c->shape[i]); k++)
			if (is_producer(c, &c->shape[k]) &&
			    !strcmp(c->shape[k].boundary->target.name, edge->target.name))
				compile_find(c, edge->tree, "two_producers",
					     "graphs '%s' and '%s' both have a boundary to '%s': only one may",
					     c->shape[k].config->name, c->shape[i].config->name,
					     edge->target.name);
	}
}

/* Powers of two, so that a table seldom grows; what is there does not shrink */
static uint32_t room(const struct slots *slots, enum slots_space space, uint32_t least)
{
	uint32_t end = slots_end(slots, space);

	while (least < end)
		least *= 2;
	return least;
}

static void reserve_room(struct compile *c)
{
	const struct plan *running = c->running;
	struct plan *plan = c->plan;

	plan->hits_room = room(&c->slots, SLOTS_HIT,
			       running && running->hits_room ? running->hits_room : HITS_ROOM_MIN);
	plan->state_room = room(&c->slots, SLOTS_STATE,
				running && running->state_room ? running->state_room :
				STATE_ROOM_MIN);
	*c->hits_room = plan->hits_room;
	plan->hits_end = slots_end(&c->slots, SLOTS_HIT);
}

static void render_graphs(struct compile *c)
{
	struct plan *plan = c->plan;
	unsigned int i, k;
	uint32_t hooks;

	plan->filter = arena_new_n(c->arena, struct plan_filter, c->config->n_nodes);
	plan->set = arena_new_n(c->arena, struct plan_set, c->config->n_sets);
	c->hits_room = arena_new(c->arena, uint32_t);

	for (i = 0; i < c->config->n_graphs; i++) {
		hooks = attach_hooks(c->config, c->config->graph[i].name);
		for (k = 0; k < COMPILE_HOOKS; k++) {
			struct plan_graph graph;

			if (!(hooks & compile_hooks[k]))
				continue;
			render_graph(c, &c->shape[i], compile_hooks[k], &graph);
			*arena_push(c->arena, plan->graph, plan->n_graphs) = graph;
		}
	}
	conntrack_plan(c);
	lb_plan_rest(c);
	reserve_room(c);
}

static void name_producers(struct plan *plan)
{
	struct plan_graph *consumer;
	unsigned int i;

	for (i = 0; i < plan->n_graphs; i++) {
		if (!plan->graph[i].boundary)
			continue;
		consumer = find_graph(plan, plan->graph[i].boundary, SHUNT_HOOK_TC_INGRESS);
		if (consumer)
			consumer->producer = plan->graph[i].name;
	}
}

/* Both sides of a boundary are rendered with one new tag, or neither is */
static void keep_pairs(struct plan *plan)
{
	struct plan_graph *graph, *consumer;
	unsigned int i;

	for (i = 0; i < plan->n_graphs; i++) {
		graph = &plan->graph[i];
		consumer = graph->boundary ?
			   find_graph(plan, graph->boundary, SHUNT_HOOK_TC_INGRESS) : NULL;
		if (consumer)
			graph->kept = consumer->kept = graph->kept && consumer->kept;
	}
}

static void keep_graphs(struct plan *plan, const struct module *root, const struct plan *running)
{
	const struct plan_graph *before;
	struct plan_graph *graph;
	unsigned int i;

	for (i = 0; i < plan->n_graphs; i++) {
		graph = &plan->graph[i];
		graph->key = conntrack_key(plan->conntrack, graph, key_graph(graph, root));
		before = running ? plan_graph_find(running, graph->name, graph->hook) : NULL;
		graph->kept = before && before->key == graph->key;
	}
	keep_pairs(plan);
	for (i = 0; i < plan->n_graphs; i++) {
		graph = &plan->graph[i];
		graph->generation = plan->generation;
		if (!graph->kept)
			continue;
		before = plan_graph_find(running, graph->name, graph->hook);
		graph->generation = before->generation;
		graph->handoff_tag = before->handoff_tag;
	}
}

int plan_compile(const struct config *config, const struct module_set *modules,
		 const struct link_table *links, const struct plan *running,
		 uint32_t generation, struct diags *diags, struct plan *ret_plan)
{
	struct plan plan = { .generation = generation, .arena = diags->arena };
	struct compile c = {
		.config = config, .modules = modules, .links = links, .running = running,
		.arena = diags->arena, .diags = diags, .plan = &plan,
	};
	unsigned int total = diags->total;

	read_nodes(&c);
	resolve_graphs(&c);
	check_producers(&c);
	if (diags->total > total)
		return -EINVAL;
	slots_init(&c.slots, c.arena, running);
	render_graphs(&c);
	if (diags->total > total) {
		plan_fini(&plan);
		return -EINVAL;
	}
	plan.slot = slots_list(&c.slots);
	plan.n_slots = c.slots.n;
	name_producers(&plan);
	keep_graphs(&plan, module_find(modules, MODULE_ROOT), running);
	plan.n_attach = plan_attachments(config, &plan, links, c.arena, &plan.attach);
	*ret_plan = plan;
	return 0;
}
