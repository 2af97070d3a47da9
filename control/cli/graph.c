// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* graph.c - graphs and nodes, with what went along each edge */
#include <string.h>

#include <cli/commands.h>

struct widths {
	int edge, target, line, number;
};

static int max(int a, int b)
{
	return a > b ? a : b;
}

static int length(struct cli *cli, const json_t *object, const char *key)
{
	return strlen(print_cell(cli, object, key));
}

/* So that all counters of a graph stand in one column */
static struct widths measure(struct cli *cli, const json_t *nodes)
{
	const json_t *node, *edges, *edge;
	struct widths w = {};
	size_t i, j;

	json_array_foreach(nodes, i, node) {
		/* "name (module)", two columns further left than the edges */
		w.line = max(w.line, length(cli, node, "name") + length(cli, node, "module") + 1);
		w.number = max(w.number, length(cli, node, "packets"));
		edges = json_object_get(node, "edges");
		json_array_foreach(edges, j, edge) {
			w.edge = max(w.edge, length(cli, edge, "name"));
			w.target = max(w.target, length(cli, edge, "target"));
			w.number = max(w.number, length(cli, edge, "packets"));
		}
	}
	w.line = max(w.line, w.edge + 4 + w.target);
	return w;
}

static void put_edges(struct cli *cli, const json_t *edges, const struct widths *w, int indent)
{
	const json_t *edge;
	size_t i;

	json_array_foreach(edges, i, edge)
		buf_printf(&cli->out, "%*s%-*s -> %-*s  %*s\n", indent, "",
			   w->edge, print_cell(cli, edge, "name"),
			   w->line - w->edge - 4, print_cell(cli, edge, "target"),
			   w->number, print_cell(cli, edge, "packets"));
}

static void put_node(struct cli *cli, const json_t *node, const struct widths *w)
{
	const char *name = arena_printf(&cli->arena, "%s (%s)", print_cell(cli, node, "name"),
					print_cell(cli, node, "module"));

	buf_printf(&cli->out, "  %-*s  %*s in\n", w->line + 2, name, w->number,
		   print_cell(cli, node, "packets"));
	put_edges(cli, json_object_get(node, "edges"), w, 4);
	if (print_number(node, "misses"))
		buf_printf(&cli->out, "    %-*s  %*s\n", w->line,
			   print_colored(cli, PRINT_RED, "tail calls missed"), w->number,
			   print_cell(cli, node, "misses"));
}

static int render_graphs(struct cli *cli, const json_t *result)
{
	const json_t *graphs = json_object_get(result, "graphs"), *graph, *nodes, *node;
	struct widths w;
	size_t i, j;

	json_array_foreach(graphs, i, graph) {
		nodes = json_object_get(graph, "nodes");
		w = measure(cli, nodes);
		buf_printf(&cli->out, "%sgraph %s at %s (generation %s, %s packets)\n",
			   i ? "\n" : "", print_cell(cli, graph, "name"),
			   print_cell(cli, graph, "hook"), print_cell(cli, graph, "generation"),
			   print_cell(cli, graph, "packets"));
		json_array_foreach(nodes, j, node)
			put_node(cli, node, &w);
	}
	return CLI_OK;
}

static bool is_node(struct cli *cli, const json_t *nodes, const char *name)
{
	const json_t *node;
	size_t i;

	json_array_foreach(nodes, i, node)
		if (!strcmp(print_cell(cli, node, "name"), name))
			return true;
	return false;
}

/* Names hold nothing that must be escaped; a path in redirect() might */
static const char *escaped(struct cli *cli, const char *text)
{
	struct buf out = {};
	const char *copy;

	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_char(&out, '\\');
		buf_char(&out, *text);
	}
	copy = arena_strdup(&cli->arena, out.data ? out.data : "");
	buf_fini(&out);
	return copy;
}

static void put_dot_node(struct cli *cli, size_t graph, const json_t *nodes, const json_t *node)
{
	const json_t *edges = json_object_get(node, "edges"), *edge;
	const char *name = print_cell(cli, node, "name"), *target;
	size_t i;

	buf_printf(&cli->out, "\t\t\"%zu.%s\" [label=\"%s\\n%s\\n%s\"];\n", graph, name, name,
		   print_cell(cli, node, "module"), print_cell(cli, node, "packets"));
	json_array_foreach(edges, i, edge) {
		target = escaped(cli, print_cell(cli, edge, "target"));
		if (!is_node(cli, nodes, target))
			buf_printf(&cli->out, "\t\t\"%zu.%s\" [label=\"%s\", shape=plain];\n",
				   graph, target, target);
		buf_printf(&cli->out, "\t\t\"%zu.%s\" -> \"%zu.%s\" [label=\"%s\\n%s\"];\n",
			   graph, name, graph, target, print_cell(cli, edge, "name"),
			   print_cell(cli, edge, "packets"));
	}
}

static int render_dot(struct cli *cli, const json_t *result)
{
	const json_t *graphs = json_object_get(result, "graphs"), *graph, *nodes, *node;
	size_t i, j;

	buf_str(&cli->out, "digraph shunt {\n\trankdir=LR;\n\tnode [shape=box];\n");
	json_array_foreach(graphs, i, graph) {
		nodes = json_object_get(graph, "nodes");
		buf_printf(&cli->out, "\tsubgraph cluster_%zu {\n\t\tlabel=\"%s at %s: %s\";\n", i,
			   print_cell(cli, graph, "name"), print_cell(cli, graph, "hook"),
			   print_cell(cli, graph, "packets"));
		json_array_foreach(nodes, j, node)
			put_dot_node(cli, i, nodes, node);
		buf_str(&cli->out, "\t}\n");
	}
	buf_str(&cli->out, "}\n");
	return CLI_OK;
}

static int cmd_graph_show(struct cli *cli, int argc, char **argv)
{
	json_t *params = argc ? json_pack("{s:s}", "graph", argv[0]) : NULL;

	return call_show(cli, "graph.show", params, NULL,
			 cli_has(cli, OPT_DOT) ? render_dot : render_graphs);
}

static void put_list(struct cli *cli, const char *label, const json_t *list)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		buf_printf(&cli->out, "  %-7s %s\n", i ? "" : label, print_scalar(cli, item));
}

static void put_config(struct cli *cli, const json_t *list)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		buf_printf(&cli->out, "  %-7s %s = %s (default %s): %s\n", i ? "" : "config",
			   print_cell(cli, item, "name"), print_cell(cli, item, "value"),
			   print_cell(cli, item, "default"), print_cell(cli, item, "help"));
}

static void put_uses(struct cli *cli, const json_t *list)
{
	const json_t *item, *edges;
	struct widths w;
	size_t i;

	json_array_foreach(list, i, item) {
		json_t *alone = json_pack("[O]", item);

		edges = json_object_get(item, "edges");
		w = measure(cli, alone);
		w.line = w.edge + 4 + w.target;
		buf_printf(&cli->out, "  %-7s %s at %s: %s packets\n", i ? "" : "in",
			   print_cell(cli, item, "graph"), print_cell(cli, item, "hook"),
			   print_cell(cli, item, "packets"));
		put_edges(cli, edges, &w, 12);
		json_decref(alone);
	}
}

static int render_nodes(struct cli *cli, const json_t *result)
{
	const json_t *nodes = json_object_get(result, "nodes"), *node;
	size_t i;

	json_array_foreach(nodes, i, node) {
		buf_printf(&cli->out, "%snode %s (%s): %s\n", i ? "\n" : "",
			   print_cell(cli, node, "name"), print_cell(cli, node, "module"),
			   print_cell(cli, node, "help"));
		put_list(cli, "object", json_object_get(node, "path"));
		put_config(cli, json_object_get(node, "config"));
		if (print_number(node, "rules"))
			buf_printf(&cli->out, "  %-7s %s\n", "rules",
				   print_cell(cli, node, "rules"));
		put_list(cli, "tables", json_object_get(node, "tables"));
		put_uses(cli, json_object_get(node, "in"));
	}
	return CLI_OK;
}

static int cmd_node_show(struct cli *cli, int argc, char **argv)
{
	json_t *params = argc ? json_pack("{s:s}", "node", argv[0]) : NULL;

	return call_show(cli, "node.show", params, NULL, render_nodes);
}

const struct cli_cmd graph_commands[] = {
	{ "graph show", "[GRAPH]", 0, 1, OPT(DOT) | OPT(WATCH),
	  "Graphs: nodes, edges, and the packets of each",
	  .example = "shunt graph show edge-in --dot | dot -Tsvg > edge-in.svg",
	  .run = cmd_graph_show },
	{ "node show", "[NODE]", 0, 1, OPT(WATCH), "Nodes: module, config, tables, where they run",
	  .example = "shunt node show guard", .run = cmd_node_show },
	{}
};
