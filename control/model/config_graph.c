// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * config_graph.c - graphs: nodes in a row, or nodes and edges
 *
 * DOC: A graph's shape is checked by one depth-first walk from its entry: a node
 * met again on the way is a cycle, one not met is unreachable, the depth is the
 * longest way in nodes. Edges that the configuration leaves to a module's
 * defaults lead out of the graph, or are the compiler's finding.
 */
#include <stdlib.h>
#include <string.h>

#include <model/config_read.h>

enum { GRAPH_ENTRY, GRAPH_EDGES, GRAPH_COMMENT, GRAPH_MAX };
static const struct config_key graph_keys[] = {
	[GRAPH_ENTRY] = { "entry", TREE_SCALAR, true },
	[GRAPH_EDGES] = { "edges", TREE_MAP, false },
	[GRAPH_COMMENT] = { "comment", TREE_SCALAR, false },
	[GRAPH_MAX] = { 0 },
};

#define TARGET_NAME(id, name) [SHUNT_TARGET_##id] = name,
static const char *const target_names[] = { SHUNT_TARGETS(TARGET_NAME) };

static const char target_hint[] =
	"a target is a node, pass, drop, drop(REASON), tx, forward, redirect(INTERFACE) or boundary(GRAPH)";

/* What an argument in parentheses is; NULL: the target takes none */
static const char *const target_args[SHUNT_TARGET_MAX] = {
	[SHUNT_TARGET_DROP] = "reason",
	[SHUNT_TARGET_REDIRECT] = "interface",
	[SHUNT_TARGET_BOUNDARY] = "graph",
};

/* Nodes of one graph by number, for the walk */
struct walk {
	struct config_reader *r;
	const struct config_graph *graph;
	const char *name[SHUNT_NODES_MAX];
	unsigned int n;
	unsigned int depth[SHUNT_NODES_MAX];	/* nodes to the farthest end; 0: not known yet */
	unsigned int way[SHUNT_NODES_MAX];	/* nodes from the entry to here */
	unsigned int n_way;
};

/* ---- nodes and targets --------------------------------------------------------------------- */

static bool is_node(struct config_reader *r, const char *name)
{
	return r->nodes_unknown || config_node_find(r->config, name);
}

static void suggest_node(struct config_reader *r, struct diag *diag, const char *name)
{
	config_read_suggest_name(r, diag, name, r->config->node, r->config->n_nodes,
				 sizeof(*r->config->node));
}

/* A reference to a node, by a scalar */
static bool read_node_name(struct config_reader *r, const struct tree *tree, const char *what)
{
	struct diag *diag;

	if (!config_read_is(r, tree, TREE_SCALAR, what))
		return false;
	if (is_node(r, tree->text))
		return true;
	diag = config_read_error(r, tree, "no_such_node", "no node '%.60s'", tree->text);
	suggest_node(r, diag, tree->text);
	return false;
}

static struct diag *target_error(struct config_reader *r, const struct tree *tree,
				 const char *node, const char *code, const char *text)
{
	return config_read_error(r, tree, code, "edge '%.60s' of node '%.60s' leads to '%.60s': %s",
				 tree->key, node, tree->text, text);
}

/* The names that an edge may lead to, and the nearest of them */
static void suggest_target(struct config_reader *r, struct diag *diag, const char *word)
{
	suggest_node(r, diag, word);
	if (!diag->hint)
		config_read_suggest(r, diag, word, &target_names[SHUNT_TARGET_PASS],
				    SHUNT_TARGET_MAX - SHUNT_TARGET_PASS, target_hint);
}

static bool check_graph_arg(struct config_reader *r, const struct config_graph *graph,
			    const char *node, const struct tree *tree, const char *arg)
{
	struct diag *diag;

	if (!strcmp(graph->name, arg)) {
		target_error(r, tree, node, "boundary_to_itself", "that is this graph");
		return false;
	}
	if (r->graphs_unknown || config_graph_find(r->config, arg))
		return true;
	diag = target_error(r, tree, node, "no_such_graph", "no such graph");
	config_read_suggest_name(r, diag, arg, r->config->graph, r->config->n_graphs,
				 sizeof(*r->config->graph));
	return false;
}

static bool check_arg(struct config_reader *r, const struct config_graph *graph, const char *node,
		      const struct tree *tree, const struct config_target *target)
{
	unsigned int before = r->diags->total;

	switch (target->kind) {
	case SHUNT_TARGET_DROP:
		config_read_reason(r, tree, target->name, strchr(tree->text, '(') - tree->text + 1);
		break;
	case SHUNT_TARGET_REDIRECT:
		if (!config_is_dev(target->name) || strpbrk(target->name, "*?[]()"))
			target_error(r, tree, node, "bad_dev", "no name of an interface");
		break;
	case SHUNT_TARGET_BOUNDARY:
		check_graph_arg(r, graph, node, tree, target->name);
		break;
	default:
		break;
	}
	return r->diags->total == before;
}

/* "drop(rate)" into kind and argument. Return: false: no target, or none with such parentheses */
static bool split_target(struct config_reader *r, const char *text,
			 struct config_target *ret_target)
{
	const char *open = strchr(text, '(');
	size_t len = open ? (size_t)(open - text) : strlen(text), arg_len;
	unsigned int kind;

	for (kind = SHUNT_TARGET_PASS; kind < SHUNT_TARGET_MAX; kind++)
		if (strlen(target_names[kind]) == len && !memcmp(target_names[kind], text, len))
			break;
	if (kind == SHUNT_TARGET_MAX)
		return false;
	*ret_target = (struct config_target){ .kind = kind };
	if (!open)
		return true;
	arg_len = strcspn(++open, ")");
	if (!target_args[kind] || open[arg_len] != ')' || open[arg_len + 1])
		return false;
	ret_target->name = arena_strndup(r->arena, open, arg_len);
	return true;
}

static bool read_target(struct config_reader *r, const struct config_graph *graph,
			const char *node, const struct tree *tree, struct config_target *ret_target)
{
	struct config_target target = { 0 };
	struct diag *diag;

	if (!config_read_is(r, tree, TREE_SCALAR, "the target of an edge"))
		return false;
	if (!split_target(r, tree->text, &target)) {
		target = (struct config_target){ SHUNT_TARGET_NODE, tree->text };
		if (is_node(r, tree->text))
			goto out;
		diag = target_error(r, tree, node, "no_such_node",
				    strchr(tree->text, '(') ? "no such target" : "no such node");
		suggest_target(r, diag, tree->text);
		return false;
	}
	if (target.name && !check_arg(r, graph, node, tree, &target))
		return false;
	if (!target.name && target_args[target.kind] && target.kind != SHUNT_TARGET_DROP) {
		target_error(r, tree, node, "bad_target", "it lacks an argument")->hint =
			arena_printf(r->arena, "write '%s(%s)'", target_names[target.kind],
				     target_args[target.kind]);
		return false;
	}
out:
	*ret_target = target;
	return true;
}

/* ---- shape --------------------------------------------------------------------------------- */

/* The number of a node, given at first sight; SHUNT_NODES_MAX: there are too many */
static unsigned int walk_number(struct walk *walk, const char *name)
{
	unsigned int i;

	for (i = 0; i < walk->n; i++)
		if (!strcmp(walk->name[i], name))
			return i;
	if (i < SHUNT_NODES_MAX)
		walk->name[walk->n++] = name;
	return i;
}

static bool on_way(const struct walk *walk, unsigned int number, unsigned int *ret_at)
{
	unsigned int i;

	for (i = 0; i < walk->n_way; i++) {
		if (walk->way[i] == number) {
			*ret_at = i;
			return true;
		}
	}
	return false;
}

static void find_cycle(struct walk *walk, unsigned int at, const struct tree *tree)
{
	struct buf text = { 0 };
	unsigned int i;

	for (i = at; i < walk->n_way; i++)
		buf_printf(&text, "%s -> ", walk->name[walk->way[i]]);
	config_read_error(walk->r, tree, "cycle", "graph '%s' has a cycle: %s%s",
			  walk->graph->name, text.data, walk->name[walk->way[at]]);
	buf_fini(&text);
}

/* Recursion is as deep as the graph has nodes, SHUNT_NODES_MAX. Return: false: found a cycle */
static bool walk_from(struct walk *walk, unsigned int number)
{
	const struct config_graph *graph = walk->graph;
	unsigned int i, at, next, deepest = 0;

	if (walk->depth[number])
		return true;
	walk->way[walk->n_way++] = number;
	for (i = 0; i < graph->n_edges; i++) {
		const struct config_edge *edge = &graph->edge[i];

		if (edge->target.kind != SHUNT_TARGET_NODE ||
		    strcmp(edge->node, walk->name[number]))
			continue;
		next = walk_number(walk, edge->target.name);
		if (on_way(walk, next, &at)) {
			find_cycle(walk, at, edge->tree);
			return false;
		}
		if (!walk_from(walk, next))
			return false;
		if (walk->depth[next] > deepest)
			deepest = walk->depth[next];
	}
	walk->n_way--;
	walk->depth[number] = deepest + 1;
	return true;
}

static void check_depth(struct config_reader *r, const struct config_graph *graph, size_t depth)
{
	if (depth > SHUNT_DEPTH_MAX)
		config_read_error(r, graph->tree, "too_deep",
				  "graph '%s' is %zu nodes deep, at most %d are possible",
				  graph->name, depth, SHUNT_DEPTH_MAX)->key = 1;
}

static void check_shape(struct config_reader *r, const struct config_graph *graph,
			const struct tree *edges)
{
	struct walk walk = { .r = r, .graph = graph };
	unsigned int entry = walk_number(&walk, graph->entry), number, i;

	for (i = 0; i < graph->n_edges; i++) {
		number = walk_number(&walk, graph->edge[i].node);
		if (number < SHUNT_NODES_MAX && graph->edge[i].target.kind == SHUNT_TARGET_NODE)
			number = walk_number(&walk, graph->edge[i].target.name);
		if (number == SHUNT_NODES_MAX) {
			config_read_error(r, graph->tree, "too_many",
					  "graph '%s' has more than %d nodes", graph->name,
					  SHUNT_NODES_MAX)->key = 1;
			return;
		}
	}
	if (!walk_from(&walk, entry))
		return;
	check_depth(r, graph, walk.depth[entry]);
	for (i = 0; edges && i < edges->n; i++) {
		number = walk_number(&walk, edges->child[i]->key);
		if (number == SHUNT_NODES_MAX || !walk.depth[number])
			config_read_error(r, edges->child[i], "unreachable",
					  "node '%s' cannot be reached from the entry '%s'",
					  edges->child[i]->key, graph->entry)->key = 1;
	}
}

/* ---- the two forms ------------------------------------------------------------------------- */

static void chain_cycle(struct config_reader *r, const struct config_graph *graph,
			const struct tree *list, size_t first, size_t again)
{
	struct buf text = { 0 };
	size_t i;

	for (i = first; i < again; i++)
		buf_printf(&text, "%s -> ", list->child[i]->text);
	config_read_error(r, list->child[again], "cycle", "graph '%s' has a cycle: %s%s",
			  graph->name, text.data, list->child[again]->text);
	buf_fini(&text);
}

static void read_chain(struct config_reader *r, const struct tree *list, struct config_graph *graph)
{
	size_t i, j;
	bool good = true;

	if (list->n > SHUNT_DEPTH_MAX) {
		check_depth(r, graph, list->n);
		return;
	}
	graph->chain = arena_new_n(r->arena, const char *, list->n);
	for (i = 0; i < list->n; i++) {
		const struct tree *item = list->child[i];

		if (item->kind == TREE_SCALAR && config_is_target(item->text)) {
			config_read_error(r, item, "bad_chain", "'%s' is not a node", item->text)->hint =
				"a chain is of nodes only: targets stand in the long form, with 'entry' and 'edges'";
			good = false;
		} else if (!read_node_name(r, item, "an item of a chain")) {
			good = false;
		} else {
			graph->chain[graph->n_chain++] = item->text;
		}
	}
	for (i = 1; good && i < list->n; i++)
		for (j = 0; good && j < i; j++)
			if (!strcmp(graph->chain[i], graph->chain[j])) {
				chain_cycle(r, graph, list, j, i);
				good = false;
			}
	if (list->n)
		graph->entry = graph->chain[0];
}

static void read_edges_of(struct config_reader *r, const struct tree *map,
			  struct config_graph *graph)
{
	struct config_edge edge;
	struct diag *diag;
	size_t i;

	if (!is_node(r, map->key)) {
		diag = config_read_error(r, map, "no_such_node", "no node '%.60s'", map->key);
		diag->key = 1;
		suggest_node(r, diag, map->key);
		return;
	}
	if (config_read_is_empty(map) ||
	    !config_read_is(r, map, TREE_MAP, "what a node's edges lead to"))
		return;
	if (map->n > SHUNT_EDGES_MAX) {
		config_read_error(r, map, "too_many", "a node has at most %d edges, this one %zu",
				  SHUNT_EDGES_MAX, map->n)->key = 1;
		return;
	}
	for (i = 0; i < map->n; i++) {
		edge = (struct config_edge){ .node = map->key, .edge = map->child[i]->key,
					     .tree = map->child[i] };
		if (config_read_name_key(r, map->child[i], "an edge") &&
		    read_target(r, graph, map->key, map->child[i], &edge.target))
			*arena_push(r->arena, graph->edge, graph->n_edges) = edge;
	}
}

static void read_long(struct config_reader *r, const struct tree *tree, struct config_graph *graph)
{
	struct tree *value[GRAPH_MAX];
	unsigned int before = r->diags->total;
	size_t i;

	if (config_read_keys(r, tree, arena_printf(r->arena, "graph '%.32s'", graph->name),
			     graph_keys, value) < 0)
		return;
	if (value[GRAPH_COMMENT])
		config_read_line(r, value[GRAPH_COMMENT], "a comment", CONFIG_COMMENT_MAX);
	if (value[GRAPH_ENTRY] && read_node_name(r, value[GRAPH_ENTRY], "'entry'"))
		graph->entry = value[GRAPH_ENTRY]->text;
	for (i = 0; value[GRAPH_EDGES] && i < value[GRAPH_EDGES]->n; i++)
		read_edges_of(r, value[GRAPH_EDGES]->child[i], graph);
	/* with an edge missing, what it led to would look unreachable */
	if (r->diags->total == before && graph->entry)
		check_shape(r, graph, value[GRAPH_EDGES]);
}

static void read_graph(struct config_reader *r, struct config_graph *graph)
{
	const struct tree *tree = graph->tree;

	config_read_name_key(r, tree, "a graph");
	if (config_read_is_empty(tree) || (tree->kind == TREE_LIST && !tree->n))
		config_read_error(r, tree, "empty_graph", "graph '%.60s' is empty", tree->key)->hint =
			"a graph is a list of nodes, or a map with 'entry' and 'edges'";
	else if (tree->kind == TREE_LIST)
		read_chain(r, tree, graph);
	else if (tree->kind == TREE_MAP)
		read_long(r, tree, graph);
	else
		config_read_error(r, tree, "wrong_kind",
				  "a graph must be a list of nodes, or a map with 'entry' and 'edges'")->hint =
			is_node(r, tree->text) ? arena_printf(r->arena, "write '[%.60s]'", tree->text) : NULL;
}

void config_graph_read_all(struct config_reader *r, const struct tree *section)
{
	struct config *config = r->config;
	size_t i;

	if (section->n > SHUNT_GRAPHS_MAX) {
		config_read_error(r, section, "too_many", "at most %d graphs, here are %zu",
				  SHUNT_GRAPHS_MAX, section->n)->key = 1;
		r->graphs_unknown = true;
		return;
	}
	config->n_graphs = section->n;
	config->graph = arena_new_n(r->arena, struct config_graph, section->n);
	for (i = 0; i < section->n; i++)
		config->graph[i] = (struct config_graph){ .name = section->child[i]->key,
							  .tree = section->child[i] };
	/* boundaries name graphs, so all names come first */
	qsort(config->graph, config->n_graphs, sizeof(*config->graph), config_compare_names);
	for (i = 0; i < section->n; i++)
		read_graph(r, (struct config_graph *)
			   config_graph_find(config, section->child[i]->key));
}

/* ---- lookup -------------------------------------------------------------------------------- */

void config_target_print(const struct config_target *target, struct buf *out)
{
	if (target->kind == SHUNT_TARGET_NODE)
		buf_str(out, target->name);
	else if (target->name)
		buf_printf(out, "%s(%s)", target_names[target->kind], target->name);
	else
		buf_str(out, target_names[target->kind]);
}
