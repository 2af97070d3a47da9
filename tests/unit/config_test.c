// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* config_test.c - configurations: what is refused and how, what is read, limits, the reference */
#include "../lib/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <base/file.h>
#include <model/config_read.h>
#include <model/module.h>

#include "config_graph_cases.h"
#include "config_world.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define REFERENCE "docs/configuration.md"

/* ---- good ones ----------------------------------------------------------------------------- */

static const char *const good[] = {
	V,
	V "settings: {}\nsets: {}\nnodes: {}\ngraphs: {}\nattach: []\n",
	V "sets: ''\nnodes: \"\"\n",
	V "settings:\nsets:\nnodes:\ngraphs:\nattach:\n",
	"version: '1'\n",
	V "sets: { x: { type: ip }, y9: { type: ip6, elements: [] }, z-_: { type: port, elements: } }\n",
	V "sets: { x: { type: proto, elements: [tcp, 17, 1-5], comment: '' } }\n",
	V "nodes: { a: { module: count, config: , rules: } }\n",
	V "nodes: { a: { module: /opt/x/gate.o }, B_-9: { module: ./gate.xdp.o }, 7: { module: x } }\n",
	V "nodes: { a: { module: count, rules: [tcp dport 22 drop(rate)], default: drop } }\n",
	V "nodes: { a: { module: filter, rules: [drop, drop, goto odd], comment: \"no \\u00e4\" } }\n",
	RULES_SETS "ip saddr @hosts ip daddr != @hosts tcp dport @ports tcp sport @ports drop\n",
	RULES_SETS "tcp dport 22 drop(spoofed)\n", EDGES("accept: drop(not-today)"),
	RULES_SETS "ip6 saddr @hosts6 ip6 daddr @hosts6 accept\n",
	RULES_SETS "meta l4proto @protos goto odd\n      - ip protocol != @protos drop\n",
	GRAPH("[a]"), GRAPH("[a, b, guard]"), GRAPH("{ entry: a }"), GRAPH("{ entry: a, edges: }"),
	GRAPH("{ entry: a, edges: { a: {} }, comment: x }"), GRAPH("{ entry: a, edges: { a: } }"),
	EDGES("accept: a, drop: a, x: b, y: b"),
	EDGES("accept: pass, drop: drop, p: tx, q: redirect(eth0.1), r: drop(ip6_rh0)"),
	GRAPH("{ entry: a, edges: { a: { x: b, y: guard }, b: { next: guard }, guard: { accept: tx } } }"),
	NODES "graphs: { t: [a, b], g: { entry: guard, edges: { guard: { accept: boundary(t) } } } }\n",
	ATTACH("dev: abcdefghijklmno, hook: tc-ingress, graph: g"),
	ATTACH("dev: 'veth[0-9]?*', hook: xdp, graph: g, mode: generic, share: false, priority: 0"),
	ATTACH("dev: eth0, hook: xdp, graph: g, mode: auto, share: true, priority: 999"),
	NODES "graphs: { g: [a] }\nattach:\n  - { dev: e, hook: xdp, graph: g }\n"
	      "  - { dev: e, hook: tc-egress, graph: g }\n  - { dev: e, hook: tc-ingress, graph: g }\n",
};

static void test_good(void **state)
{
	struct buf json = { 0 };
	struct tree *again;
	struct world w;
	unsigned int i;
	char *got;

	for (i = 0; i < N(good); i++) {
		world_read(&w, good[i]);
		got = findings(&w.diags);
		if (w.r)
			fail_msg("%s\nis refused: %s", good[i], got);
		assert_string_equal(got, "");
		/* what the command accepts, the daemon accepts: it reads JSON */
		tree_to_json(w.tree, &json);
		assert_int_equal(tree_from_json(json.data, json.len, &w.diags, &again), 0);
		assert_int_equal(config_from_tree(again, &w.diags, &w.config), 0);
		buf_fini(&json);
		free(got);
		world_fini(&w);
	}
}

static const char everything[] =
	"version: 1\n"
	"sets:\n"
	"  web: { type: port, elements: [443, 80-90, 85-100, 101] }\n"
	"  bad: { type: ip, elements: [10.0.0.0/8] }\n"
	"nodes:\n"
	"  slow: { module: limit, config: { rate_pps: 2000, burst_pkts: 4000 } }\n"
	"  guard:\n"
	"    module: filter\n"
	"    default: drop\n"
	"    rules:\n"
	"      - ip saddr @bad drop(rate)\n"
	"      - tcp dport @web goto odd\n"
	"graphs:\n"
	"  short: [guard, slow]\n"
	"  long:\n"
	"    entry: guard\n"
	"    edges:\n"
	"      guard: { accept: slow, odd: redirect(eth1), drop: drop, x: boundary(short) }\n"
	"      slow: { over: drop(rate), next: tx }\n"
	"attach:\n"
	"  - { dev: eth0, hook: xdp, graph: long, mode: auto, share: true, priority: 7 }\n"
	"  - { dev: veth*, hook: tc-egress, graph: short }\n";

static void test_sections(void **state)
{
	const struct config_node *node;
	const struct config_set *set;
	struct world w;

	world_read(&w, everything);
	assert_int_equal(w.r, 0);
	assert_ptr_equal(w.config.tree, w.tree);
	assert_int_equal(w.config.n_sets, 2);
	set = config_set_find(&w.config, "web");
	assert_int_equal(set->field[0], EXPR_DPORT);
	assert_int_equal(set->n, 2);			/* 80-101, 443 */
	assert_int_equal(set->tuple[0].first.lo, 80);
	assert_int_equal(set->tuple[0].last.lo, 101);
	assert_ptr_equal(set->tree, tree_at(w.tree, "/sets/web", NULL));
	node = config_node_find(&w.config, "guard");
	assert_string_equal(node->module, "filter");
	assert_string_equal(node->fallback, "drop");
	assert_int_equal(node->n_rules, 2);
	assert_string_equal(node->rule[0].expr.verdict.reason, "rate");
	assert_string_equal(node->rule[1].expr.verdict.edge, "odd");
	assert_ptr_equal(node->rule[1].tree, tree_at(w.tree, "/nodes/guard/rules/1", NULL));
	node = config_node_find(&w.config, "slow");
	assert_null(node->fallback);
	assert_int_equal(node->n_values, 2);
	assert_string_equal(node->value[1].name, "burst_pkts");
	assert_string_equal(node->value[1].text, "4000");
	assert_null(config_node_find(&w.config, "slo"));
	assert_null(config_set_find(&w.config, "guard"));
	assert_null(config_graph_find(&w.config, ""));
	world_fini(&w);
}

static const struct config_target *edge_find(const struct config_graph *graph, const char *node,
					     const char *edge)
{
	unsigned int i;

	for (i = 0; i < graph->n_edges; i++)
		if (!strcmp(graph->edge[i].node, node) && !strcmp(graph->edge[i].edge, edge))
			return &graph->edge[i].target;
	return NULL;
}

static void test_graphs(void **state)
{
	static const struct { const char *node, *edge, *target; } edges[] = {
		{ "guard", "accept", "slow" }, { "guard", "odd", "redirect(eth1)" },
		{ "guard", "drop", "drop" }, { "guard", "x", "boundary(short)" },
		{ "slow", "over", "drop(rate)" }, { "slow", "next", "tx" },
	};
	const struct config_graph *graph;
	struct buf text = { 0 };
	struct world w;
	unsigned int i;

	world_read(&w, everything);
	graph = config_graph_find(&w.config, "short");
	assert_int_equal(graph->n_chain, 2);
	assert_string_equal(graph->chain[1], "slow");
	assert_string_equal(graph->entry, "guard");
	graph = config_graph_find(&w.config, "long");
	assert_null(graph->chain);
	assert_string_equal(graph->entry, "guard");
	assert_int_equal(graph->n_edges, N(edges));
	for (i = 0; i < N(edges); i++) {
		buf_clear(&text);
		config_target_print(edge_find(graph, edges[i].node, edges[i].edge), &text);
		assert_string_equal(text.data, edges[i].target);
	}
	assert_null(edge_find(graph, "slow", "accept"));
	assert_int_equal(w.config.n_attach, 2);
	assert_int_equal(w.config.attach[0].hook, SHUNT_HOOK_XDP);
	assert_int_equal(w.config.attach[0].mode, CONFIG_MODE_AUTO);
	assert_true(w.config.attach[0].share);
	assert_int_equal(w.config.attach[0].priority, 7);
	assert_string_equal(w.config.attach[1].dev, "veth*");
	assert_int_equal(w.config.attach[1].hook, SHUNT_HOOK_TC_EGRESS);
	assert_int_equal(w.config.attach[1].mode, CONFIG_MODE_NATIVE);
	assert_false(w.config.attach[1].share);
	assert_int_equal(w.config.attach[1].priority, 50);
	buf_fini(&text);
	world_fini(&w);
}

/* What is exported is read again, from both notations, without a difference */
static void test_round_trip(void **state)
{
	struct buf yaml = { 0 }, json = { 0 }, lines = { 0 };
	struct world w;
	struct tree *again = NULL;
	struct config config;

	world_read(&w, everything);
	tree_to_yaml(w.tree, &yaml);
	tree_to_json(w.tree, &json);
	assert_int_equal(tree_from_yaml(yaml.data, yaml.len, &w.diags, &again), 0);
	assert_int_equal(config_from_tree(again, &w.diags, &config), 0);
	assert_int_equal(config_diff(w.tree, again, &lines), 0);
	assert_int_equal(tree_from_json(json.data, json.len, &w.diags, &again), 0);
	assert_int_equal(config_from_tree(again, &w.diags, &config), 0);
	assert_int_equal(config_diff(w.tree, again, &lines), 0);
	buf_fini(&yaml);
	buf_fini(&json);
	buf_fini(&lines);
	world_fini(&w);
}

/* ---- limits -------------------------------------------------------------------------------- */

static void repeat(struct buf *out, const char *format, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		buf_printf(out, "%.*s%u%s", (int)strcspn(format, "#"), format, i,
			   strchr(format, '#') + 1);
	}
}

struct limit_case {
	const char *name;
	unsigned int n;			/* still good; n + 1 is not */
	const char *before, *item, *after;
	const char *finding;		/* at n + 1 */
};

static const struct limit_case limits[] = {
	{ "limit: rules of a node", 250000, RULES "drop\n", "      - drop\n", "",
	  "/nodes/guard/rules! too_many: a node has at most 250000 rules"
	  " with those of its chains, this one 250001\n" },
	{ "limit: elements of a map", 65536,
	  V "maps:\n  x:\n    type: port\n    elements:\n", "      #: drop\n", "",
	  "/maps/x/elements! too_many: a map has at most 65536 elements, this one 65537\n" },
	{ "limit: graphs", SHUNT_GRAPHS_MAX, NODES "graphs:\n", "  g#: [a]\n", "",
	  "/graphs! too_many: at most 256 graphs, here are 257\n" },
	{ "limit: nodes of a chain", SHUNT_DEPTH_MAX, "{nodes}graphs:\n  g: [", "n#, ", "]\n",
	  "/graphs/g! too_deep: graph 'g' is 31 nodes deep, at most 30 are possible\n" },
	{ "limit: depth of the long form", SHUNT_DEPTH_MAX - 1,
	  "{nodes}graphs:\n  g:\n    entry: n0\n    edges:\n", "      n#: { next: n+ }\n", "",
	  "/graphs/g! too_deep: graph 'g' is 31 nodes deep, at most 30 are possible\n" },
	{ "limit: edges of a node", SHUNT_EDGES_MAX, "{nodes}graphs:\n  g:\n    entry: n0\n    edges:\n"
	  "      n0:\n", "        e#: pass\n", "",
	  "/graphs/g/edges/n0! too_many: a node has at most 16 edges, this one 17\n" },
	{ "limit: attachments have none", 3000, NODES "graphs: { g: [a] }\nattach:\n",
	  "  - { dev: e#, hook: xdp, graph: g }\n", "", NULL },
};

/* In an item '#' is its number and '+' the next; before it "{nodes}" makes nodes n0 to n299 */
static char *limit_text(const struct limit_case *row, unsigned int n)
{
	struct buf out = { 0 };
	const char *c;
	unsigned int i;

	if (!strncmp(row->before, "{nodes}", 7)) {
		buf_str(&out, V "nodes:\n");
		repeat(&out, "  n#: { module: count }\n", 300);
		buf_str(&out, row->before + 7);
	} else {
		buf_str(&out, row->before);
	}
	for (i = 0; i < n; i++) {
		if (!strpbrk(row->item, "#+")) {
			buf_str(&out, row->item);
			continue;
		}
		for (c = row->item; *c; c++) {
			if (*c == '#' || *c == '+')
				buf_printf(&out, "%u", *c == '+' ? i + 1 : i);
			else
				buf_char(&out, *c);
		}
	}
	buf_str(&out, row->after);
	return buf_take(&out);
}

static void test_limit(void **state)
{
	const struct limit_case *row = *state;
	unsigned int first = strstr(row->before, "- drop") ? 1 : 0;	/* an item is there already */
	struct world w;
	char *text, *got;

	text = limit_text(row, row->n - first);
	world_read(&w, text);
	got = findings(&w.diags);
	assert_string_equal(got, "");
	free(got);
	free(text);
	world_fini(&w);
	if (!row->finding)
		return;
	text = limit_text(row, row->n - first + 1);
	world_read(&w, text);
	got = findings(&w.diags);
	assert_string_equal(got, row->finding);
	free(got);
	free(text);
	world_fini(&w);
}

/* A fan of many nodes is flat, and yet full */
static void test_nodes_of_a_graph(void **state)
{
	unsigned int n, i;
	struct world w;
	char *got;

	for (n = SHUNT_NODES_MAX; n <= SHUNT_NODES_MAX + 1; n++) {
		struct buf out = { 0 };

		buf_str(&out, V "nodes:\n");
		repeat(&out, "  n#: { module: count }\n", n);
		buf_str(&out, "graphs:\n  g:\n    entry: n0\n    edges:\n");
		for (i = 0; i * 15 + 1 < n; i++) {	/* n0 to n1..n15, n1 to n16..n30, ... */
			unsigned int k;

			buf_printf(&out, "      n%u: { ", i);
			for (k = i * 15 + 1; k <= i * 15 + 15 && k < n; k++)
				buf_printf(&out, "e%u: n%u, ", k - i * 15, k);
			buf_str(&out, "}\n");
		}
		world_read(&w, out.data);
		got = findings(&w.diags);
		assert_string_equal(got, n == SHUNT_NODES_MAX ? "" :
				    "/graphs/g! too_many: graph 'g' has more than 256 nodes\n");
		free(got);
		buf_fini(&out);
		world_fini(&w);
	}
}

/* 29 rows of 8 nodes, each leads to all of the next row: 8^28 ways, yet each is walked once */
static void test_ways(void **state)
{
	struct buf out = { 0 };
	unsigned int i, k;
	struct world w;

	buf_str(&out, V "nodes:\n");
	repeat(&out, "  n#: { module: count }\n", 29 * 8);
	buf_str(&out, "graphs:\n  g:\n    entry: n0\n    edges:\n");
	for (i = 0; i < 28 * 8; i++) {
		if (i > 0 && i < 8)
			continue;	/* of the first row the entry alone */
		buf_printf(&out, "      n%u: { ", i);
		for (k = 0; k < 8; k++)
			buf_printf(&out, "e%u: n%u, ", k, (i / 8 + 1) * 8 + k);
		buf_str(&out, "}\n");
	}
	world_read(&w, out.data);
	assert_int_equal(w.r, 0);
	buf_fini(&out);
	world_fini(&w);
}

static void test_many_findings(void **state)
{
	struct buf out = { 0 };
	struct world w;

	buf_str(&out, V "nodes:\n");
	repeat(&out, "  n#: { modul: count }\n", 500);
	world_read(&w, out.data);
	assert_int_equal(w.diags.n, DIAGS_MAX);
	assert_int_equal(w.diags.total, 500);
	buf_fini(&out);
	world_fini(&w);
}

static void test_names(void **state)
{
	struct world w;

	world_read(&w, V "nodes: { " C20 "ccccccccccc: { module: " C20 "ccccccccccc } }\n");
	assert_int_equal(w.r, 0);
	world_fini(&w);
}

/* ---- the reference ------------------------------------------------------------------------- */

static char *read_reference(void)
{
	struct err err = { 0 };
	char *text;
	size_t len;

	if (file_read(REFERENCE, 1 << 20, &text, &len, &err) < 0)
		fail_msg("run this in the top folder: %s", err.text);
	return text;
}

#define REASON(id, name, help) { name, help },
static const struct { const char *name, *help; } reasons[] = { SHUNT_REASONS(REASON) };

static void test_reference_reasons(void **state)
{
	char *text = read_reference(), *row;
	unsigned int i;

	for (i = 0; i < N(reasons); i++) {
		assert_true(asprintf(&row, "| `%s` | %s |", reasons[i].name, reasons[i].help) > 0);
		if (!strstr(text, row))
			fail_msg("%s lacks the row\n%s", REFERENCE, row);
		free(row);
	}
	free(text);
}

/* Whole files, which begin with their version, are read */
static void test_reference_examples(void **state)
{
	char *text = read_reference(), *start = text, *end, *got;
	unsigned int n = 0;
	struct world w;

	while ((start = strstr(start, "```yaml\n"))) {
		start += strlen("```yaml\n");
		end = strstr(start, "```");
		assert_non_null(end);
		*end = '\0';
		if (!strncmp(start, "version:", 8)) {
			n++;
			world_read(&w, start);
			got = findings(&w.diags);
			if (w.r)
				fail_msg("an example of %s is refused:\n%s%s", REFERENCE, got, start);
			free(got);
			world_fini(&w);
		}
		start = end + 3;
	}
	assert_true(n >= 5);
	free(text);
}

/* Rules are left unread, all around them is not */
static void test_skim(void **state)
{
	static const struct {
		const char *yaml;
		bool good;
	} rows[] = {
		{ "version: 1\nnodes: { g: { module: filter, rules: [ drop, nonsense ] } }\n", true },
		{ "version: 1\nnodes: { g: { module: filter, rules: [ ip saddr @no drop ],"
		  " chains: { c: [ jump no ] } } }\n", true },
		{ "version: 1\nnodes: { g: { module: filter, rules: [ [ drop ] ] } }\n", false },
		{ "version: 1\nnodes: { g: { module: filter, rules: [ \"a\n b\" ] } }\n", false },
		{ "version: 1\nnodes: { g: { module: filter, rule: [ drop ] } }\n", false },
		{ "version: 1\nnodes: { g: { modul: filter, rules: [ drop ] } }\n", false },
		{ "version: 1\nsets: { s: { type: ip, elements: [ x ] } }\n", false },
		{ "version: 2\n", false },
	};
	size_t i;

	for (i = 0; i < N(rows); i++) {
		struct arena arena = { 0 };
		struct diags diags = { .arena = &arena };
		struct tree *tree;

		assert_int_equal(tree_from_yaml(rows[i].yaml, strlen(rows[i].yaml), &diags, &tree),
				 0);
		if (config_skim(tree) != rows[i].good)
			fail_msg("%s: not %s", rows[i].yaml, rows[i].good ? "good" : "refused");
		arena_fini(&arena);
	}
}

#define FIXED_TESTS 11

int main(void)
{
	static struct CMUnitTest tests[N(section_cases) + N(graph_cases) + N(limits) + FIXED_TESTS];
	size_t i, n = 0;

	for (i = 0; i < N(section_cases); i++)
		tests[n++] = unit_row(section_cases[i].name, test_refused, &section_cases[i]);
	for (i = 0; i < N(graph_cases); i++)
		tests[n++] = unit_row(graph_cases[i].name, test_refused, &graph_cases[i]);
	for (i = 0; i < N(limits); i++)
		tests[n++] = unit_row(limits[i].name, test_limit, &limits[i]);
	tests[n++] = unit_row("limit: nodes of a graph", test_nodes_of_a_graph, NULL);
	tests[n++] = unit_row("limit: names of 31 characters", test_names, NULL);
	tests[n++] = unit_row("limit: findings beyond 20 are counted", test_many_findings, NULL);
	tests[n++] = unit_row("shape: many ways, few nodes", test_ways, NULL);
	tests[n++] = unit_row("good ones", test_good, NULL);
	tests[n++] = unit_row("skimmed: all but the rules", test_skim, NULL);
	tests[n++] = unit_row("sets and nodes are read", test_sections, NULL);
	tests[n++] = unit_row("graphs and attachments are read", test_graphs, NULL);
	tests[n++] = unit_row("printed and read again", test_round_trip, NULL);
	tests[n++] = unit_row("reference: every drop reason", test_reference_reasons, NULL);
	tests[n++] = unit_row("reference: examples are good", test_reference_examples, NULL);
	return unit_main(tests, n);
}
