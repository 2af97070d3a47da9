// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* config_attach.c - which graph an interface gets */
#include <stdlib.h>
#include <string.h>

#include <model/config_read.h>
#include <model/module.h>

static const char *const mode_names[] = {
	[CONFIG_MODE_NATIVE] = "native", [CONFIG_MODE_GENERIC] = "generic",
	[CONFIG_MODE_AUTO] = "auto", NULL,
};
static const char *const bool_names[] = { "false", "true", NULL };

enum { ATTACH_DEV, ATTACH_HOOK, ATTACH_GRAPH, ATTACH_MODE, ATTACH_SHARE, ATTACH_PRIORITY,
       ATTACH_MAX };
static const struct config_key attach_keys[] = {
	[ATTACH_DEV] = { "dev", TREE_SCALAR, true },
	[ATTACH_HOOK] = { "hook", TREE_SCALAR, true },
	[ATTACH_GRAPH] = { "graph", TREE_SCALAR, true },
	[ATTACH_MODE] = { "mode", TREE_SCALAR, false },
	[ATTACH_SHARE] = { "share", TREE_SCALAR, false },
	[ATTACH_PRIORITY] = { "priority", TREE_SCALAR, false },
	[ATTACH_MAX] = { 0 },
};

static void read_dev(struct config_reader *r, const struct tree *tree, struct config_attach *attach)
{
	bool glob = strpbrk(tree->text, "*?[") != NULL;
	const char *hint = NULL, *open = strchr(tree->text, '[');

	if (!glob && !config_is_dev(tree->text))
		hint = "a name has 1 to 15 characters, without '/', ':' and blanks; or a glob: 'veth*'";
	else if (glob && (tree->len > CONFIG_GLOB_MAX || !config_is_dev_text(tree->text)))
		hint = "a glob has up to 63 characters, without '/', ':' and blanks";
	else if (open && !strchr(open, ']'))
		hint = "'[' needs a ']'";
	if (hint)
		config_read_error(r, tree, "bad_dev", "'%.60s' is no name or glob of interfaces",
				  tree->text)->hint = hint;
	attach->dev = tree->text;
}

static void read_hook(struct config_reader *r, const struct tree *tree,
		      struct config_attach *attach)
{
	const char *names[] = {
		module_hook_name(SHUNT_HOOK_XDP), module_hook_name(SHUNT_HOOK_TC_INGRESS),
		module_hook_name(SHUNT_HOOK_TC_EGRESS), NULL,
	};
	int i = config_read_word(r, tree, "a hook", names);

	if (i >= 0)
		attach->hook = module_hook_from_name(names[i]);
}

static void read_attach_graph(struct config_reader *r, const struct tree *tree,
			      struct config_attach *attach)
{
	struct diag *diag;

	attach->graph = tree->text;
	if (r->graphs_unknown || config_graph_find(r->config, tree->text))
		return;
	diag = config_read_error(r, tree, "no_such_graph", "no graph '%.60s'", tree->text);
	config_read_suggest_name(r, diag, tree->text, r->config->graph, r->config->n_graphs,
				 sizeof(*r->config->graph));
}

/* mode, share and priority are about XDP */
static void read_xdp_options(struct config_reader *r, struct tree **value,
			     struct config_attach *attach)
{
	int i, number;

	for (i = ATTACH_MODE; i <= ATTACH_PRIORITY; i++)
		if (value[i] && attach->hook && attach->hook != SHUNT_HOOK_XDP)
			config_read_error(r, value[i], "not_at_hook", "'%s' is for hook xdp only",
					  attach_keys[i].name)->key = 1;
	attach->mode = CONFIG_MODE_NATIVE;
	attach->priority = 50;
	if (value[ATTACH_MODE]) {
		number = config_read_word(r, value[ATTACH_MODE], "'mode'", mode_names);
		if (number >= 0)
			attach->mode = number;
	}
	if (value[ATTACH_SHARE])
		attach->share =
			config_read_word(r, value[ATTACH_SHARE], "'share'", bool_names) == 1;
	if (value[ATTACH_PRIORITY])
		config_read_number(r, value[ATTACH_PRIORITY], "'priority'", 999, &attach->priority);
}

static void read_attachment(struct config_reader *r, const struct tree *tree,
			    struct config_attach *attach)
{
	struct tree *value[ATTACH_MAX];

	attach->tree = tree;
	if (config_read_keys(r, tree, "an attachment", attach_keys, value) < 0)
		return;
	if (value[ATTACH_DEV])
		read_dev(r, value[ATTACH_DEV], attach);
	if (value[ATTACH_HOOK])
		read_hook(r, value[ATTACH_HOOK], attach);
	if (value[ATTACH_GRAPH])
		read_attach_graph(r, value[ATTACH_GRAPH], attach);
	read_xdp_options(r, value, attach);
}

static int compare_attach(const void *a, const void *b)
{
	const struct config_attach *x = *(const struct config_attach *const *)a;
	const struct config_attach *y = *(const struct config_attach *const *)b;
	int order = strcmp(x->dev, y->dev);

	if (order)
		return order;
	if (x->hook != y->hook)
		return x->hook < y->hook ? -1 : 1;
	return x->tree->index < y->tree->index ? -1 : x->tree->index > y->tree->index;
}

static void check_twice(struct config_reader *r)
{
	const struct config *config = r->config;
	const struct config_attach **sorted;
	unsigned int i, n = 0;

	sorted = arena_new_n(r->arena, const struct config_attach *, config->n_attach);
	for (i = 0; i < config->n_attach; i++)
		if (config->attach[i].dev && config->attach[i].hook)
			sorted[n++] = &config->attach[i];
	qsort(sorted, n, sizeof(*sorted), compare_attach);
	for (i = 1; i < n; i++)
		if (!strcmp(sorted[i - 1]->dev, sorted[i]->dev) &&
		    sorted[i - 1]->hook == sorted[i]->hook)
			config_read_error(r, sorted[i]->tree, "attached_twice",
					  "'%.60s' has a graph at hook %s already", sorted[i]->dev,
					  module_hook_name(sorted[i]->hook));
}

void config_attach_read_all(struct config_reader *r, const struct tree *section)
{
	struct config *config = r->config;
	size_t i;

	config->n_attach = section->n;
	config->attach = arena_new_n(r->arena, struct config_attach, section->n);
	for (i = 0; i < section->n; i++)
		read_attachment(r, section->child[i], &config->attach[i]);
	check_twice(r);
}
