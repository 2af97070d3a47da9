/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* config_graph_cases.h - configurations that are refused: graphs, edges, attachments */
#ifndef CONFIG_GRAPH_CASES_H
#define CONFIG_GRAPH_CASES_H

#include "config_cases.h"

#define GRAPH(text) NODES "graphs:\n  g: " text "\n"
#define EDGES(text) GRAPH("{ entry: guard, edges: { guard: { " text " } } }")
#define ATTACH(text) NODES "graphs: { g: [guard] }\nattach:\n  - { " text " }\n"

#define ACCEPT "/graphs/g/edges/guard/accept"
#define LEADS "edge 'accept' of node 'guard' leads to "

#define HINT_TARGET \
	"[a target is a node, pass, drop, drop(REASON), tx, forward, redirect(INTERFACE) or boundary(GRAPH)]"
#define HINT_DEV "[a name has 1 to 15 characters, without '/', ':' and blanks; or a glob: 'veth*']"
#define HINT_GLOB "[a glob has up to 63 characters, without '/', ':' and blanks]"

static const struct config_case graph_cases[] = {
	{ "graph: a scalar",
	  GRAPH("guard"),
	  "/graphs/g wrong_kind: "
	  "a graph must be a list of nodes, or a map with 'entry' and 'edges'"
	  " [write '[guard]']\n" },
	{ "graph: a scalar of no node",
	  GRAPH("guards"),
	  "/graphs/g wrong_kind: "
	  "a graph must be a list of nodes, or a map with 'entry' and 'edges'\n" },
	{ "graph: empty",
	  GRAPH(""),
	  "/graphs/g empty_graph: graph 'g' is empty"
	  " [a graph is a list of nodes, or a map with 'entry' and 'edges']\n" },
	{ "graph: an empty list",
	  GRAPH("[]"),
	  "/graphs/g empty_graph: graph 'g' is empty"
	  " [a graph is a list of nodes, or a map with 'entry' and 'edges']\n" },
	{ "graph: name",
	  NODES "graphs: { g/h: [a] }\n",
	  "/graphs/g~1h! bad_name: 'g/h' is no name for a graph"
	  " " HINT_NAME "\n" },
	{ "chain: unknown node, near",
	  GRAPH("[guard, gaurd]"),
	  "/graphs/g/1 no_such_node: no node 'gaurd' [did you mean 'guard'?]\n" },
	{ "chain: unknown node, not near",
	  GRAPH("[guard, firewall]"),
	  "/graphs/g/1 no_such_node: no node 'firewall'\n" },
	{ "chain: a target",
	  GRAPH("[guard, pass]"),
	  "/graphs/g/1 bad_chain: 'pass' is not a node"
	  " [a chain is of nodes only: targets stand in the long form, with 'entry' and 'edges']\n" },
	{ "chain: an item is a map",
	  GRAPH("[guard, { b: next }]"),
	  "/graphs/g/1 wrong_kind: "
	  "an item of a chain must be a single value, not a map\n" },
	{ "chain: cycle",
	  GRAPH("[a, guard, b, guard]"),
	  "/graphs/g/3 cycle: graph 'g' has a cycle: guard -> b -> guard\n" },
	{ "chain: cycle of one",
	  GRAPH("[a, a]"),
	  "/graphs/g/1 cycle: graph 'g' has a cycle: a -> a\n" },
	{ "graph: no entry",
	  GRAPH("{ edges: { guard: { accept: pass } } }"),
	  "/graphs/g missing_key: graph 'g' lacks 'entry'\n" },
	{ "graph: unknown key",
	  GRAPH("{ entry: guard, edgs: { guard: { accept: pass } } }"),
	  "/graphs/g/edgs! unknown_key: unknown key 'edgs' in graph 'g'"
	  " [did you mean 'edges'?]\n" },
	{ "graph: entry unknown",
	  GRAPH("{ entry: gard }"),
	  "/graphs/g/entry no_such_node: no node 'gard' [did you mean 'guard'?]\n" },
	{ "graph: entry a list",
	  GRAPH("{ entry: [guard] }"),
	  "/graphs/g/entry wrong_kind: 'entry' must be a single value, not a list\n" },
	{ "graph: comment of two lines",
	  GRAPH("{ entry: guard, comment: \"a\\nb\" }"),
	  "/graphs/g/comment bad_value: "
	  "a comment is one line, without control characters\n" },
	{ "graph: edges a list",
	  GRAPH("{ entry: guard, edges: [a] }"),
	  "/graphs/g/edges wrong_kind: 'edges' must be a map, not a list\n" },
	{ "graph: edges of an unknown node",
	  GRAPH("{ entry: guard, edges: { gaurd: { accept: pass } } }"),
	  "/graphs/g/edges/gaurd! no_such_node: no node 'gaurd'"
	  " [did you mean 'guard'?]\n" },
	{ "graph: a node's edges a scalar",
	  GRAPH("{ entry: guard, edges: { guard: a } }"),
	  "/graphs/g/edges/guard wrong_kind: "
	  "what a node's edges lead to must be a map, not a single value\n" },
	{ "edge: target a list",
	  EDGES("accept: [a]"),
	  ACCEPT " wrong_kind: "
	  "the target of an edge must be a single value, not a list\n" },
	{ "edge: name",
	  EDGES("'a b': pass"),
	  "/graphs/g/edges/guard/a b! bad_name: 'a b' is no name for an edge"
	  " " HINT_NAME "\n" },
	{ "edge: to nowhere, near",
	  EDGES("accept: gurd"),
	  ACCEPT " no_such_node: "
	  LEADS "'gurd': no such node"
	  " [did you mean 'guard'?]\n" },
	{ "edge: to nowhere, near a terminal",
	  EDGES("accept: pas"),
	  ACCEPT " no_such_node: "
	  LEADS "'pas': no such node"
	  " [did you mean 'pass'?]\n" },
	{ "edge: to nowhere, not near",
	  EDGES("accept: firewall"),
	  ACCEPT " no_such_node: "
	  LEADS "'firewall': no such node"
	  " " HINT_TARGET "\n" },
	{ "edge: empty target",
	  EDGES("accept: ''"),
	  ACCEPT " no_such_node: "
	  LEADS "'': no such node"
	  " " HINT_TARGET "\n" },
	{ "edge: unknown reason",
	  EDGES("accept: drop(polcy)"),
	  "/graphs/g/edges/guard/accept@5+5 no_such_reason: no drop reason 'polcy'"
	  " [did you mean 'policy'?]\n" },
	{ "edge: a reason that no rule could spell",
	  EDGES("accept: drop(Not today)"),
	  "/graphs/g/edges/guard/accept@5+9 no_such_reason: no drop reason 'Not today'"
	  " [a letter first, then letters, digits, '-' and '_'; 'drop' alone is drop(policy)]\n" },
	{ "edge: empty reason",
	  EDGES("accept: drop()"),
	  "/graphs/g/edges/guard/accept@5+0 no_such_reason: no drop reason ''"
	  " [a letter first, then letters, digits, '-' and '_'; 'drop' alone is drop(policy)]\n" },
	{ "edge: parenthesis missing",
	  EDGES("accept: drop(rate"),
	  ACCEPT " no_such_node: "
	  LEADS "'drop(rate': no such target"
	  " " HINT_TARGET "\n" },
	{ "edge: text behind the parenthesis",
	  EDGES("accept: drop(rate)x"),
	  ACCEPT " no_such_node: "
	  LEADS "'drop(rate)x': no such target"
	  " " HINT_TARGET "\n" },
	{ "edge: pass takes no argument",
	  EDGES("accept: pass(1)"),
	  ACCEPT " no_such_node: "
	  LEADS "'pass(1)': no such target"
	  " " HINT_TARGET "\n" },
	{ "edge: unknown target with parentheses",
	  EDGES("accept: redir(eth0)"),
	  ACCEPT " no_such_node: "
	  LEADS "'redir(eth0)': no such target"
	  " " HINT_TARGET "\n" },
	{ "edge: redirect lacks its interface",
	  EDGES("accept: redirect"),
	  ACCEPT " bad_target: "
	  LEADS "'redirect': it lacks an argument"
	  " [write 'redirect(interface)']\n" },
	{ "edge: redirect to a bad name",
	  EDGES("accept: redirect(a/b)"),
	  ACCEPT " bad_dev: "
	  LEADS "'redirect(a/b)': no name of an interface\n" },
	{ "edge: redirect to a long name",
	  EDGES("accept: redirect(abcdefghijklmnop)"),
	  ACCEPT " bad_dev: "
	  LEADS "'redirect(abcdefghijklmnop)': no name of an interface\n" },
	{ "edge: redirect to a glob",
	  EDGES("accept: redirect(eth*)"),
	  ACCEPT " bad_dev: "
	  LEADS "'redirect(eth*)': no name of an interface\n" },
	{ "edge: boundary lacks its graph",
	  EDGES("accept: boundary"),
	  ACCEPT " bad_target: "
	  LEADS "'boundary': it lacks an argument"
	  " [write 'boundary(graph)']\n" },
	{ "edge: boundary to itself",
	  EDGES("accept: boundary(g)"),
	  ACCEPT " boundary_to_itself: "
	  LEADS "'boundary(g)': that is this graph\n" },
	{ "edge: boundary to no graph",
	  NODES "graphs: { tc-in: [a], "
	  "g: { entry: guard, edges: { guard: { accept: boundary(tc-im) } } } }\n",
	  ACCEPT " no_such_graph: "
	  LEADS "'boundary(tc-im)': no such graph"
	  " [did you mean 'tc-in'?]\n" },
	{ "edge: 'node' is no target",
	  EDGES("accept: node"),
	  ACCEPT " no_such_node: "
	  LEADS "'node': no such node"
	  " " HINT_TARGET "\n" },
	{ "edge: 'unbound' is no target",
	  EDGES("accept: unbound"),
	  ACCEPT " no_such_node: "
	  LEADS "'unbound': no such node"
	  " " HINT_TARGET "\n" },
	{ "shape: unreachable",
	  EDGES("accept: pass }, a: { next: b"),
	  "/graphs/g/edges/a! unreachable: "
	  "node 'a' cannot be reached from the entry 'guard'\n" },
	{ "shape: a missing edge makes nothing unreachable",
	  EDGES("accept: aa }, a: { next: pass"),
	  ACCEPT " no_such_node: "
	  LEADS "'aa': no such node"
	  " [did you mean 'a'?]\n" },
	{ "shape: cycle",
	  EDGES("accept: a }, a: { next: b }, b: { next: a"),
	  "/graphs/g/edges/b/next cycle: graph 'g' has a cycle: a -> b -> a\n" },
	{ "shape: cycle to the entry",
	  EDGES("accept: a }, a: { next: guard"),
	  "/graphs/g/edges/a/next cycle: "
	  "graph 'g' has a cycle: guard -> a -> guard\n" },
	{ "shape: cycle of one",
	  GRAPH("{ entry: a, edges: { a: { next: a } } }"),
	  "/graphs/g/edges/a/next cycle: graph 'g' has a cycle: a -> a\n" },
	{ "attach: a scalar",
	  NODES "attach: [eth0]\n",
	  "/attach/0 wrong_kind: an attachment must be a map, not a single value\n" },
	{ "attach: empty map",
	  NODES "attach: [ {} ]\n",
	  "/attach/0 missing_key: an attachment lacks 'dev'\n"
	  "/attach/0 missing_key: an attachment lacks 'hook'\n"
	  "/attach/0 missing_key: an attachment lacks 'graph'\n" },
	{ "attach: unknown key",
	  ATTACH("device: eth0, hook: xdp, graph: g"),
	  "/attach/0/device! unknown_key: unknown key 'device' in an attachment"
	  " [its keys are 'dev', 'hook', 'graph', 'mode', 'share', 'priority']\n"
	  "/attach/0 missing_key: an attachment lacks 'dev'\n" },
	{ "attach: dev too long",
	  ATTACH("dev: abcdefghijklmnop, hook: xdp, graph: g"),
	  "/attach/0/dev bad_dev: "
	  "'abcdefghijklmnop' is no name or glob of interfaces"
	  " " HINT_DEV "\n" },
	{ "attach: dev with a slash",
	  ATTACH("dev: a/b, hook: xdp, graph: g"),
	  "/attach/0/dev bad_dev: 'a/b' is no name or glob of interfaces"
	  " " HINT_DEV "\n" },
	{ "attach: dev with a blank",
	  ATTACH("dev: a b, hook: xdp, graph: g"),
	  "/attach/0/dev bad_dev: 'a b' is no name or glob of interfaces"
	  " " HINT_DEV "\n" },
	{ "attach: dev with a colon",
	  ATTACH("dev: 'eth0:1', hook: xdp, graph: g"),
	  "/attach/0/dev bad_dev: 'eth0:1' is no name or glob of interfaces"
	  " " HINT_DEV "\n" },
	{ "attach: dev '..'",
	  ATTACH("dev: .., hook: xdp, graph: g"),
	  "/attach/0/dev bad_dev: '..' is no name or glob of interfaces"
	  " " HINT_DEV "\n" },
	{ "attach: dev empty",
	  ATTACH("dev: '', hook: xdp, graph: g"),
	  "/attach/0/dev bad_dev: '' is no name or glob of interfaces"
	  " " HINT_DEV "\n" },
	{ "attach: glob with a slash",
	  ATTACH("dev: 'eth/*', hook: xdp, graph: g"),
	  "/attach/0/dev bad_dev: 'eth/*' is no name or glob of interfaces"
	  " " HINT_GLOB "\n" },
	{ "attach: glob with an open bracket",
	  ATTACH("dev: 'eth[0-9', hook: xdp, graph: g"),
	  "/attach/0/dev bad_dev: 'eth[0-9' is no name or glob of interfaces"
	  " ['[' needs a ']']\n" },
	{ "attach: glob too long",
	  ATTACH("dev: '" C43 C20 "*', hook: xdp, graph: g"),
	  "/attach/0/dev bad_dev: "
	  "'" C43 C17 "' is no name or glob of interfaces"
	  " " HINT_GLOB "\n" },
	{ "attach: unknown hook",
	  ATTACH("dev: eth0, hook: tc-ingres, graph: g"),
	  "/attach/0/hook bad_value: "
	  "a hook is 'xdp', 'tc-ingress' or 'tc-egress', not 'tc-ingres'"
	  " [did you mean 'tc-ingress'?]\n" },
	{ "attach: unknown graph, near",
	  ATTACH("dev: eth0, hook: xdp, graph: G"),
	  "/attach/0/graph no_such_graph: no graph 'G' [did you mean 'g'?]\n" },
	{ "attach: unknown graph, not near",
	  ATTACH("dev: eth0, hook: xdp, graph: edge"),
	  "/attach/0/graph no_such_graph: no graph 'edge'\n" },
	{ "attach: unknown mode",
	  ATTACH("dev: eth0, hook: xdp, graph: g, mode: natve"),
	  "/attach/0/mode bad_value: "
	  "'mode' is 'native', 'generic' or 'auto', not 'natve'"
	  " [did you mean 'native'?]\n" },
	{ "attach: mode at tc",
	  ATTACH("dev: eth0, hook: tc-ingress, graph: g, mode: native"),
	  "/attach/0/mode! not_at_hook: 'mode' is for hook xdp only\n" },
	{ "attach: share at tc",
	  ATTACH("dev: eth0, hook: tc-egress, graph: g, share: true, priority: 3"),
	  "/attach/0/share! not_at_hook: 'share' is for hook xdp only\n"
	  "/attach/0/priority! not_at_hook: 'priority' is for hook xdp only\n" },
	{ "attach: share no truth value",
	  ATTACH("dev: eth0, hook: xdp, graph: g, share: yes"),
	  "/attach/0/share bad_value: 'share' is 'false' or 'true', not 'yes'\n" },
	{ "attach: priority too high",
	  ATTACH("dev: eth0, hook: xdp, graph: g, priority: 1000"),
	  "/attach/0/priority bad_value: "
	  "'priority' is a number from 0 to 999, not '1000'\n" },
	{ "attach: priority negative",
	  ATTACH("dev: eth0, hook: xdp, graph: g, priority: -1"),
	  "/attach/0/priority bad_value: "
	  "'priority' is a number from 0 to 999, not '-1'\n" },
	{ "attach: priority no number",
	  ATTACH("dev: eth0, hook: xdp, graph: g, priority: 5x"),
	  "/attach/0/priority bad_value: "
	  "'priority' is a number from 0 to 999, not '5x'\n" },
	{ "attach: priority empty",
	  ATTACH("dev: eth0, hook: xdp, graph: g, priority: ''"),
	  "/attach/0/priority bad_value: "
	  "'priority' is a number from 0 to 999, not ''\n" },
	{ "attach: twice",
	  NODES "graphs: { g: [guard], h: [a] }\n"
	  "attach:\n"
	  "  - { dev: eth0, hook: xdp, graph: g }\n"
	  "  - { dev: eth0, hook: tc-egress, graph: g }\n"
	  "  - { dev: eth0, hook: xdp, graph: h }\n",
	  "/attach/2 attached_twice: 'eth0' has a graph at hook xdp already\n" },
};

#endif
