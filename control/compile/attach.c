// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* attach.c - which graph goes to which interface and hook */
#include <fnmatch.h>
#include <string.h>

#include <compile/compile.h>

const uint32_t compile_hooks[COMPILE_HOOKS] = {
	SHUNT_HOOK_XDP, SHUNT_HOOK_TC_INGRESS, SHUNT_HOOK_TC_EGRESS,
};

uint32_t attach_hooks(const struct config *config, const char *graph)
{
	uint32_t hooks = 0;
	unsigned int i;

	for (i = 0; i < config->n_attach; i++)
		if (!strcmp(config->attach[i].graph, graph))
			hooks |= config->attach[i].hook;
	return hooks;
}

static const struct config_attach *find_attach(const struct config *config, const char *graph,
					       uint32_t hook, const char *dev)
{
	unsigned int i;

	for (i = 0; i < config->n_attach; i++)
		if (!strcmp(config->attach[i].graph, graph) && config->attach[i].hook == hook &&
		    (!dev || !strcmp(config->attach[i].dev, dev)))
			return &config->attach[i];
	return NULL;
}

static void check_hook(struct compile *c, const struct shape *shape,
		       const struct config_attach *attach)
{
	unsigned int i;

	for (i = 0; i < shape->n_nodes; i++) {
		const struct node *node = shape->node[i].node;

		if (!node->module || node->module->hooks & attach->hook)
			continue;
		compile_find(c, attach->tree, "no_such_hook",
			     "graph '%s' cannot be at %s on '%s': module '%s' of node '%s' is not made for it",
			     shape->config->name, module_hook_name(attach->hook), attach->dev,
			     node->module->name, node->config->name);
	}
}

/* What the XDP side hands over must be expected on all of its interfaces */
static void check_boundary(struct compile *c, const struct shape *shape,
			   const struct config_attach *attach)
{
	const struct shape_edge *edge = shape->boundary;

	if (attach->hook != SHUNT_HOOK_XDP)
		compile_find(c, edge->tree, "bad_boundary",
			     "graph '%s' has a boundary to '%s', so it can be at xdp only, not at %s on '%s'",
			     shape->config->name, edge->target.name,
			     module_hook_name(attach->hook), attach->dev);
	else if (!find_attach(c->config, edge->target.name, SHUNT_HOOK_TC_INGRESS, attach->dev))
		compile_find(c, edge->tree, "bad_boundary",
			     "boundary from graph '%s' to '%s': that one is not at tc-ingress on '%s'",
			     shape->config->name, edge->target.name, attach->dev)->hint =
			arena_printf(c->arena, "attach: { dev: \"%s\", hook: tc-ingress, graph: %s }",
				     attach->dev, edge->target.name);
}

void attach_check(struct compile *c, const struct shape *shape)
{
	const struct config *config = c->config;
	uint32_t seen = 0;
	unsigned int i;

	for (i = 0; i < config->n_attach; i++) {
		const struct config_attach *attach = &config->attach[i];

		if (strcmp(attach->graph, shape->config->name))
			continue;
		if (!(seen & attach->hook))
			check_hook(c, shape, attach);
		if (shape->boundary && (attach->hook == SHUNT_HOOK_XDP || !(seen & attach->hook)))
			check_boundary(c, shape, attach);
		seen |= attach->hook;
	}
}

/* An exact name beats a glob; of globs, the first in the file counts */
static const struct config_attach *match_link(const struct config *config,
					      const struct link *link, uint32_t hook)
{
	const struct config_attach *glob = NULL;
	unsigned int i;

	for (i = 0; i < config->n_attach; i++) {
		const struct config_attach *attach = &config->attach[i];

		if (attach->hook != hook)
			continue;
		if (!strcmp(attach->dev, link->name))
			return attach;
		if (!glob && !fnmatch(attach->dev, link->name, 0))
			glob = attach;
	}
	return glob;
}

static void add_attach(const struct plan *plan, const struct config *from,
		       const struct config_attach *config, const struct link *link,
		       struct arena *arena, struct plan_attach **attach, unsigned int *n)
{
	const struct plan_graph *graph = plan_graph_find(plan, config->graph, config->hook);
	struct plan_attach *to;

	if (!graph)			/* not with the configuration that @plan is made from */
		return;
	to = arena_push(arena, *attach, *n);
	*to = (struct plan_attach){
		.ifindex = link->ifindex,
		.hook = config->hook,
		.graph = graph - plan->graph,
		.mode = config->mode,
		.share = config->share,
		.priority = config->priority,
		.place = config - from->attach,
	};
	memcpy(to->ifname, link->name, sizeof(to->ifname));
}

unsigned int plan_attachments(const struct config *config, const struct plan *plan,
			      const struct link_table *links, struct arena *arena,
			      struct plan_attach **ret_attach)
{
	struct plan_attach *attach = NULL;
	const struct config_attach *match;
	unsigned int i, k, n = 0;

	for (i = 0; i < links->n; i++) {
		for (k = 0; k < COMPILE_HOOKS; k++) {
			match = match_link(config, &links->link[i], compile_hooks[k]);
			if (match)
				add_attach(plan, config, match, &links->link[i], arena,
					   &attach, &n);
		}
	}
	*ret_attach = attach;
	return n;
}
