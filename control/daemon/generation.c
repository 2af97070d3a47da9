// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* generation.c - one configuration with its contracts and its plan, in one arena */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <daemon/generation.h>
#include <kernel/object.h>

struct generation *generation_new(void)
{
	struct generation *generation = calloc(1, sizeof(*generation));

	if (!generation)
		abort();
	generation->diags.arena = &generation->arena;
	generation->comment = "";
	return generation;
}

void generation_free(struct generation *generation)
{
	if (!generation)
		return;
	plan_fini(&generation->plan);
	arena_fini(&generation->arena);
	arena_fini(&generation->attach_arena);
	free(generation);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

unsigned int generation_module_names(const char *module_dir, struct arena *arena,
				     const char ***ret_name)
{
	const char **name = NULL;
	struct dirent *entry;
	unsigned int i, n = 0, kept = 0;
	DIR *dir = opendir(module_dir);
	char *dot;

	while (dir && (entry = readdir(dir))) {
		dot = strchr(entry->d_name, '.');
		if (dot && dot != entry->d_name &&
		    (!strcmp(dot, ".xdp.o") || !strcmp(dot, ".tc.o")))
			*arena_push(arena, name, n) = arena_strndup(arena, entry->d_name,
								    dot - entry->d_name);
	}
	if (dir)
		closedir(dir);
	if (n)
		qsort(name, n, sizeof(*name), by_name);
	for (i = 0; i < n; i++)
		if (!kept || strcmp(name[kept - 1], name[i]))
			name[kept++] = name[i];
	*ret_name = name;
	return kept;
}

/* Why a node has no module, and which one may be meant */
static void generation_no_module(struct generation *generation, const struct config_node *node,
				 const char *module_dir, const struct err *err)
{
	struct arena *arena = &generation->arena;
	const char **name;
	struct diag *diag;
	unsigned int n;

	diag = diags_add(&generation->diags, tree_path(tree_get(node->tree, "module"), arena),
			 "bad_module", "%s", err->text);
	if (err->code != -ENOENT || strchr(node->module, '/'))
		return;
	n = generation_module_names(module_dir, arena, &name);
	diag_suggest(&generation->diags, diag, node->module, name, n);
}

/* The contract of each module that a node names, once */
static void generation_modules(struct generation *generation, const char *module_dir)
{
	const struct config *config = &generation->config;
	struct module_set *set = &generation->modules;
	struct arena *arena = &generation->arena;
	struct module *module = arena_new(arena, struct module);
	char root[PATH_MAX];
	struct err err = {};
	unsigned int i;

	snprintf(root, sizeof(root), "%s/../root", module_dir);
	if (object_inspect(root, module_dir, arena, module, &err) < 0)
		diags_add(&generation->diags, "", "bad_module", "%s", err.text);
	*arena_push(arena, set->ref, set->n) = (struct module_ref) { MODULE_ROOT, module };
	for (i = 0; i < config->n_nodes; i++) {
		const struct config_node *node = &config->node[i];

		if (module_find(set, node->module))
			continue;
		module = arena_new(arena, struct module);
		if (object_inspect(node->module, module_dir, arena, module, &err) < 0) {
			generation_no_module(generation, node, module_dir, &err);
			continue;
		}
		*arena_push(arena, set->ref, set->n) = (struct module_ref) { node->module, module };
	}
}

/* A fresh tag for each rendering that hands over or takes; both ends of a boundary have the same */
static void generation_tags(struct plan *plan)
{
	const struct plan_graph *producer;
	struct plan_graph *graph;
	unsigned int i;

	for (i = 0; i < plan->n_graphs; i++) {
		graph = &plan->graph[i];
		while (graph->boundary && !graph->handoff_tag)
			if (getrandom(&graph->handoff_tag, sizeof(graph->handoff_tag), 0) < 0)
				abort();
	}
	for (i = 0; i < plan->n_graphs; i++) {
		graph = &plan->graph[i];
		if (!graph->producer)
			continue;
		producer = plan_graph_find(plan, graph->producer, SHUNT_HOOK_XDP);
		graph->handoff_tag = producer ? producer->handoff_tag : 0;
	}
}

int generation_build(struct generation *generation, const char *module_dir,
		     const struct link_table *links, const struct plan *running)
{
	int r;

	r = config_from_tree(generation->tree, &generation->diags, &generation->config);
	if (r < 0)
		return r;
	generation_modules(generation, module_dir);
	if (generation->diags.total)
		return -EINVAL;
	r = plan_compile(&generation->config, &generation->modules, links, running,
			 generation->number, &generation->diags, &generation->plan);
	if (r < 0)
		return r;
	generation_tags(&generation->plan);
	return 0;
}

void generation_reattach(struct generation *generation, const struct link_table *links)
{
	struct plan *plan = &generation->plan;

	arena_fini(&generation->attach_arena);
	plan->n_attach = plan_attachments(&generation->config, plan, links,
					  &generation->attach_arena, &plan->attach);
}
