// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* compile_test.c - what compile finds wrong, what it keeps, and indices by name */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <compile/compile.h>

#include "../lib/unit.h"
#include "contracts.h"

/* ---- findings ----------------------------------------------------------------------------- */

#define AT_XDP		"  - { dev: eth0, hook: xdp, graph: g }\n"
#define ONE_OF(name, module) "  " name ": { module: " module " }\n"
#define ONE(module)	"  n: { module: " module " }\n"
#define VALUE(value)	"  n: { module: maze, config: { " value " } }\n"
#define RULES(rules)	"  n: { module: filter, rules: [ " rules " ] }\n"
#define VALUE_GRAPH	"  g: { entry: n, edges: { n: { odd: pass, next: pass } } }\n"
#define CHAIN		"  g: [n]\n"
#define NINE_EDGES	"\"drop(rate)\", \"drop(miss)\", \"drop(meta)\", \"drop(no_port)\", " \
			"\"drop(internal)\", \"drop(eth_short)\", \"drop(vlan_depth)\", " \
			"\"drop(ip4_short)\", \"drop(ip4_ihl)\""

#define RANGE(n)	" r" n ": { address: 10.0.0.9, proto: tcp, port: " n "00-" n "01 },"
#define PORT(n)		" p" n ": { address: 10.0.0.0/24, proto: tcp, port: " n "00 },"
#define SIXTEEN(what)	what("10") what("11") what("12") what("13") what("14") what("15") \
			what("16") what("17") what("18") what("19") what("20") what("21") \
			what("22") what("23") what("24") what("25")

struct finding {
	const char *name;
	const char *nodes, *graphs, *attach;	/* attach NULL: AT_XDP */
	const char *code, *path, *message;	/* message: a part of it */
	const char *hint;			/* a part of it; NULL: any */
};

static const struct finding findings[] = {
	/* translations */
	{ .name = "a translation that no node does", RULES("snat to 192.0.2.1"), CHAIN, NULL,
	  "no_nat", "/nodes/n/rules/0",
	  "graph 'g' has no node of module 'nat', which would do that" },
	{ .name = "masquerade at xdp", RULES("masquerade") "  m: { module: nat }\n", "  g: [n, m]\n",
	  NULL, "bad_hook", "/nodes/n/rules/0", "graph 'g' at hook 'xdp' cannot masquerade" },
	{ .name = "masquerade at tc-ingress", RULES("drop, masquerade") "  m: { module: nat }\n",
	  "  g: [n, m]\n", "  - { dev: eth0, hook: tc-ingress, graph: g }\n", "bad_hook",
	  "/nodes/n/rules/1", "graph 'g' at hook 'tc-ingress' cannot masquerade" },
	/* services */
	{ .name = "services of a module that takes none",
	  "  n: { module: count, services: { www: { address: 10.0.0.9 } } }\n", CHAIN, NULL,
	  "no_services", "/nodes/n/services", "module 'count' takes no services" },
	{ .name = "a seed of a module that takes none", "  n: { module: count, seed: 5 }\n", CHAIN,
	  NULL, "no_services", "/nodes/n/seed", "module 'count' takes no seed" },
	{ .name = "services by NAT that no node does",
	  "  n: { module: lb, services: { www: { address: 10.0.0.9, forward: nat } } }\n", CHAIN,
	  NULL, "no_nat", "/nodes/n",
	  "graph 'g' has no node of module 'nat', which would do what services of node 'n' say" },
	{ .name = "services of one address with 17 ranges",
	  "  n: { module: lb, services: {" SIXTEEN(RANGE) " last: { address: 10.0.0.9, proto: tcp,"
	  " port: 60000-60001 } } }\n", CHAIN, NULL, "too_many_ranges", "/nodes/n/services/last",
	  "service 'last' and others have more than 16 ranges of ports of one address and protocol" },
	{ .name = "services of a prefix with 17 ports",
	  "  n: { module: lb, services: {" SIXTEEN(PORT) " last: { address: 10.0.0.0/25,"
	  " proto: tcp, port: 60000 } } }\n", CHAIN, NULL, "too_many_ranges",
	  "/nodes/n/services/last", "more than 16 ranges of ports of one prefix" },
	/* zones */
	{ .name = "a zone without who looks there", RULES("ct zone set 5"), CHAIN, NULL,
	  "no_conntrack", "/nodes/n/rules/0",
	  "graph 'g' has no node of module 'conntrack' behind the rule, which would look there",
	  "'ct zone set' says where the next node 'conntrack' is to look" },
	{ .name = "a zone behind who has looked", RULES("drop, ct zone set 5") "  c: { module: conntrack }\n",
	  "  g: [c, n]\n", NULL, "no_conntrack", "/nodes/n/rules/1",
	  "graph 'g' has a node of module 'conntrack' ahead of the rule, which has looked by then" },
	{ .name = "a zone between two who look", RULES("ct zone set 5")
	  "  c: { module: conntrack }\n  d: { module: conntrack }\n",
	  "  g: [c, n, d]\n", NULL, "no_conntrack", "/nodes/n/rules/0",
	  "graph 'g' has a node of module 'conntrack' ahead of the rule" },
	/* limits of connections */
	{ .name = "a limit that no node counts", RULES("drop, ct count over 20 drop") ONE_OF("c", "conntrack"),
	  "  g: [c, n]\n", NULL, "no_commit", "/nodes/n/rules/1",
	  "graph 'g' has no node of module 'commit' or 'nat', which would count flows" },
	/* proxied connections */
	{ .name = "synproxy without a node", RULES("tcp dport 80 synproxy"), CHAIN, NULL,
	  "unbound_edge", "/nodes/n/rules/0",
	  "edge 'synproxy' of node 'n' is bound nowhere in graph 'g'",
	  "it leads to the node of module 'synproxy' by itself, if there is one" },
	{ .name = "synproxy, and two nodes",
	  RULES("tcp dport 80 synproxy") ONE_OF("p", "synproxy") ONE_OF("q", "synproxy"),
	  "  g: { entry: n, edges: { n: { accept: pass } } }\n", NULL, "unbound_edge",
	  "/nodes/n/rules/0", "edge 'synproxy' of node 'n' is bound nowhere in graph 'g'" },
	{ .name = "established connections pass by the proxy",
	  RULES("tcp dport 80 synproxy") ONE_OF("p", "synproxy") ONE_OF("c", "conntrack"),
	  "  g:\n    entry: c\n    edges:\n      c: { next: n, invalid: n, established: pass }\n"
	  "      n: { accept: pass, synproxy: p }\n      p: { next: pass }\n", NULL, "no_synproxy", "/nodes/c",
	  "edge 'established' of node 'c' leads to no node of module 'synproxy' in graph 'g'",
	  "packets of connections that such a node has opened need it" },
	{ .name = "a graph of the servers' side without a proxy",
	  ONE_OF("p", "synproxy") ONE_OF("c", "conntrack") ONE_OF("m", "count"),
	  "  g: [c, m]\n", NULL, "no_synproxy", "/nodes/c",
	  "edge 'established' of node 'c' leads to no node of module 'synproxy' in graph 'g'" },
	{ .name = "what clients send back is dropped",
	  RULES("tcp dport 80 synproxy") ONE_OF("p", "synproxy") ONE_OF("c", "conntrack"),
	  "  g:\n    entry: c\n    edges:\n      c: { next: n, established: p }\n"
	  "      n: { accept: pass }\n      p: { next: pass }\n", AT_XDP "conntrack: { pickup: false }\n", "no_synproxy", "/nodes/c",
	  "edge 'invalid' of node 'c' leads to no node of module 'synproxy' in graph 'g'",
	  "what a client sends back is of no flow yet: bind it as 'next' is, or set 'pickup'" },
	/* config values */
	{ .name = "unknown value, one is near",
	  "  n: { module: limit, config: { rate_pp: 1 } }\n", CHAIN,
	  NULL, "unknown_config", "/nodes/n/config/rate_pp", "module 'limit' has no config value",
	  "did you mean 'rate_pps'?" },
	{ .name = "unknown value, none is near", VALUE("zebra: 1"), VALUE_GRAPH, NULL,
	  "unknown_config", "/nodes/n/config/zebra", "'zebra'" },
	{ .name = "unknown value, module has none",
	  "  n: { module: count, config: { a: 1 } }\n", CHAIN,
	  NULL, "unknown_config", "/nodes/n/config/a", "'count'", "it has none" },
	{ .name = "a reserved value is no suggestion",
	  "  n: { module: filter, config: { row4: 1 } }\n",
	  CHAIN, NULL, "unknown_config", "/nodes/n/config/row4", "'row4'", "it has none" },
	{ .name = "reserved: rounds", "  n: { module: filter, config: { rounds: 1 } }\n", CHAIN, NULL,
	  "reserved_config", "/nodes/n/config/rounds", "cannot be set: (from the rules)" },
	{ .name = "reserved: fallback",
	  "  n: { module: filter, config: { fallback: 1 } }\n", CHAIN, NULL,
	  "reserved_config", "/nodes/n/config/fallback", "cannot be set: (from 'default')" },
	{ .name = "reserved: any module's", VALUE("inner: 1"), VALUE_GRAPH, NULL,
	  "reserved_config", "/nodes/n/config/inner", "(from the moon)" },
	{ .name = "above what its help says", VALUE("tenths: 11"), VALUE_GRAPH, NULL, "out_of_range",
	  "/nodes/n/config/tenths", "'11' does not fit 'tenths' of module 'maze' (__u8)", "1 to 10" },
	{ .name = "below what its help says", VALUE("tenths: 0"), VALUE_GRAPH, NULL, "out_of_range",
	  "/nodes/n/config/tenths", "'0' does not fit", "1 to 10" },
	{ .name = "byte: 256", VALUE("byte: 256"), VALUE_GRAPH, NULL, "out_of_range",
	  "/nodes/n/config/byte", "'256' does not fit 'byte' of module 'maze' (__u8)" },
	{ .name = "byte: -1", VALUE("byte: -1"), VALUE_GRAPH, NULL, "out_of_range",
	  "/nodes/n/config/byte", "'-1' does not fit" },
	{ .name = "bool: 2", VALUE("flag: 2"), VALUE_GRAPH, NULL, "out_of_range",
	  "/nodes/n/config/flag", "'2' does not fit" },
	{ .name = "s16: 32768", VALUE("small: 32768"), VALUE_GRAPH, NULL, "out_of_range",
	  "/nodes/n/config/small", "'32768'" },
	{ .name = "s16: -32769", VALUE("small: -32769"), VALUE_GRAPH, NULL, "out_of_range",
	  "/nodes/n/config/small", "'-32769'" },
	{ .name = "u32: 2^32", VALUE("word: 4294967296"), VALUE_GRAPH, NULL, "out_of_range",
	  "/nodes/n/config/word", "'4294967296'" },
	{ .name = "u32: 4Gi", VALUE("word: 4Gi"), VALUE_GRAPH, NULL, "out_of_range",
	  "/nodes/n/config/word", "'4Gi'" },
	{ .name = "s64: 2^63",
	  VALUE("number: 9223372036854775808"), VALUE_GRAPH, NULL, "out_of_range",
	  "/nodes/n/config/number", "(__s64)" },
	{ .name = "s64: -2^63 - 1", VALUE("number: -9223372036854775809"), VALUE_GRAPH, NULL,
	  "out_of_range", "/nodes/n/config/number", "(__s64)" },
	{ .name = "above 64 bits", VALUE("number: 99999999999999999999"), VALUE_GRAPH, NULL,
	  "out_of_range", "/nodes/n/config/number", "(__s64)" },
	{ .name = "above 64 bits by suffix", VALUE("number: 99999999999G"), VALUE_GRAPH, NULL,
	  "out_of_range", "/nodes/n/config/number", "(__s64)" },
	{ .name = "a word for a number", VALUE("word: many"), VALUE_GRAPH, NULL, "bad_value",
	  "/nodes/n/config/word", "'word' of module 'maze' is a number (__u32), not 'many'",
	  "0x hex" },
	{ .name = "empty for a number", VALUE("word: \"\""), VALUE_GRAPH, NULL, "bad_value",
	  "/nodes/n/config/word", "not ''" },
	{ .name = "letters behind a number", VALUE("word: 12x"), VALUE_GRAPH, NULL, "bad_value",
	  "/nodes/n/config/word", "'12x'" },
	{ .name = "a leading zero", VALUE("word: 010"), VALUE_GRAPH, NULL, "bad_value",
	  "/nodes/n/config/word", "'010'" },
	{ .name = "0x alone", VALUE("word: 0x"), VALUE_GRAPH, NULL, "bad_value",
	  "/nodes/n/config/word", "'0x'" },
	{ .name = "hex with a suffix", VALUE("word: 0x10k"), VALUE_GRAPH, NULL, "bad_value",
	  "/nodes/n/config/word", "'0x10k'" },
	{ .name = "true for a word", VALUE("word: true"), VALUE_GRAPH, NULL, "bad_value",
	  "/nodes/n/config/word", "'true'" },
	{ .name = "blank in a number", VALUE("word: 1 k"), VALUE_GRAPH, NULL, "bad_value",
	  "/nodes/n/config/word", "'1 k'" },
	{ .name = "two signs", VALUE("number: --1"), VALUE_GRAPH, NULL, "bad_value",
	  "/nodes/n/config/number", "'--1'" },
	{ .name = "a suffix alone", VALUE("number: k"), VALUE_GRAPH, NULL, "bad_value",
	  "/nodes/n/config/number", "'k'" },
	{ .name = "no room for the NUL", VALUE("label: 12345678"), VALUE_GRAPH, NULL, "bad_value",
	  "/nodes/n/config/label", "the text for 'label' has 8 bytes, 7 at most" },

	{ .name = "a list for a number", VALUE("word: [1, 2]"), VALUE_GRAPH, NULL, "bad_value",
	  "/nodes/n/config/word", "is one value (__u32), not a list" },
	{ .name = "a list for a text", VALUE("label: [a]"), VALUE_GRAPH, NULL, "bad_value",
	  "/nodes/n/config/label", "is one value (char[8]), not a list" },
	{ .name = "no prefix", VALUE("nets: [10.0.0.1, ten]"), VALUE_GRAPH, NULL, "bad_value",
	  "/nodes/n/config/nets/1", "'nets': 'ten' is no address or prefix" },
	{ .name = "a prefix too long", VALUE("nets: 10.0.0.0/33"), VALUE_GRAPH, NULL, "bad_value",
	  "/nodes/n/config/nets", "'10.0.0.0/33' is no address or prefix" },
	{ .name = "a prefix with bits behind", VALUE("nets: [\"fd00::1/64\"]"), VALUE_GRAPH, NULL,
	  "bad_value", "/nodes/n/config/nets/0", "'fd00::1/64' has bits behind its prefix" },
	{ .name = "nobody in a list", VALUE("nets: [\"::\"]"), VALUE_GRAPH, NULL, "bad_value",
	  "/nodes/n/config/nets/0", "'::' is nobody's address" },
	{ .name = "a list too long", VALUE("nets: [\"1::\", \"2::\", \"3::\", \"4::\"]"), VALUE_GRAPH,
	  NULL, "out_of_range", "/nodes/n/config/nets", "has 4 elements, 3 at most" },

	/* rules */
	{ .name = "module takes no rules", "  n: { module: count, rules: [ drop ] }\n", CHAIN, NULL,
	  "no_rules", "/nodes/n/rules", "module 'count' takes no rules" },
	{ .name = "module takes no default", "  n: { module: count, default: drop }\n", CHAIN, NULL,
	  "no_rules", "/nodes/n/default", "module 'count' takes no default edge" },
	{ .name = "nine edges by rules",
	  RULES(NINE_EDGES), CHAIN, NULL, "too_many_edges", "/nodes/n",
	  "name 9 edges that module 'filter' does not declare, 8 at most", "'drop(ip4_ihl)'" },
	{ .name = "goto in a chain",
	  RULES("\"udp dport 53 goto odd\""), CHAIN, NULL, "unbound_edge",
	  "/nodes/n/rules/0", "edge 'odd' of node 'n' is bound nowhere in graph 'g'",
	  "use the long form" },
	{ .name = "default in a chain", "  n: { module: filter, default: odd }\n", CHAIN, NULL,
	  "unbound_edge", "/nodes/n/default", "edge 'odd' of node 'n' is bound nowhere",
	  "use the long form" },
	{ .name = "goto in the long form", RULES("drop, \"udp dport 53 goto odd\""),
	  "  g: { entry: n, edges: { n: { accept: pass } } }\n", NULL, "unbound_edge",
	  "/nodes/n/rules/1", "edge 'odd'", "bind it under /graphs/g/edges/n" },
	{ .name = "rows that nothing tells apart",
	  RULES("\"ip6 saddr @b ip6 daddr @b drop\", accept"), CHAIN, NULL,
	  "rules_too_large", "/nodes/n/rules/0", "overlap so much" },

	/* edges */
	{ .name = "unbound in the long form",
	  ONE("filter"), "  g: { entry: n }\n", NULL, "unbound_edge",
	  "/graphs/g/edges/n",
	  "edge 'accept' of node 'n' leads nowhere: bind it under /graphs/g/edges/n" },
	{ .name = "unbound, of another node", ONE("limit") "  m: { module: count }\n",
	  "  g: { entry: n, edges: { n: { next: m } } }\n", NULL, "unbound_edge",
	  "/graphs/g/edges/m", "edge 'next' of node 'm'" },
	{ .name = "no default at all, in a chain", ONE("maze"), CHAIN, NULL, "unbound_edge",
	  "/graphs/g/edges/n", "edge 'odd' of node 'n' leads nowhere" },
	{ .name = "misspelt edge", ONE("limit"),
	  "  g: { entry: n, edges: { n: { next: pass, ovr: pass } } }\n", NULL, "no_such_edge",
	  "/graphs/g/edges/n/ovr", "node 'n' has no edge 'ovr': module 'limit' does not declare it",
	  "did you mean 'over'?" },
	{ .name = "no rule goes there", RULES("\"udp dport 53 goto odds\""),
	  "  g: { entry: n, edges: { n: { accept: pass, odds: pass, odd: pass } } }\n", NULL,
	  "no_such_edge", "/graphs/g/edges/n/odd", "and no rule goes to it",
	  "did you mean 'odds'?" },
	{ .name = "three open edges of two", ONE("open"),
	  "  g: { entry: n, edges: { n: { next: pass, a: pass, b: tx, c: drop } } }\n", NULL,
	  "too_many_edges", "/graphs/g/edges/n/c", "takes 2 edges that it does not declare" },
	{ .name = "nothing leads on in a chain", ONE("mirrored") "  m: { module: count }\n",
	  "  g: [n, m]\n", "  - { dev: eth0, hook: tc-ingress, graph: g }\n", "unreachable_node",
	  "/graphs/g/1", "no edge of node 'n' leads on to node 'm'" },
	{ .name = "an unattached graph is checked too", ONE("maze"), CHAIN, "", "unbound_edge",
	  "/graphs/g/edges/n", "edge 'odd'" },

	/* hooks */
	{ .name = "hook that the module lacks",
	  ONE("mirrored"), CHAIN, NULL, "no_such_hook", "/attach/0",
	  "graph 'g' cannot be at xdp on 'eth0': module 'mirrored' of node 'n'" },
	{ .name = "the same of a later node",
	  ONE("count") "  m: { module: mirrored }\n", "  g: [n, m]\n",
	  "  - { dev: eth0, hook: tc-egress, graph: g }\n" AT_XDP, "no_such_hook", "/attach/1",
	  "module 'mirrored' of node 'm'" },

	/* boundaries */
	{ .name = "boundary not from xdp", ONE("count"),
	  "  g: { entry: n, edges: { n: { next: boundary(h) } } }\n  h: [n]\n",
	  "  - { dev: eth0, hook: tc-ingress, graph: g }\n", "bad_boundary",
	  "/graphs/g/edges/n/next", "so it can be at xdp only, not at tc-ingress on 'eth0'" },
	{ .name = "boundary to a graph that is nowhere", ONE("count"),
	  "  g: { entry: n, edges: { n: { next: boundary(h) } } }\n  h: [n]\n", NULL,
	  "bad_boundary", "/graphs/g/edges/n/next", "'h': that one is not at tc-ingress on 'eth0'",
	  "attach: { dev: \"eth0\", hook: tc-ingress, graph: h }" },
	{ .name = "boundary to tc-egress", ONE("count"),
	  "  g: { entry: n, edges: { n: { next: boundary(h) } } }\n  h: [n]\n",
	  AT_XDP "  - { dev: eth0, hook: tc-egress, graph: h }\n", "bad_boundary",
	  "/graphs/g/edges/n/next", "not at tc-ingress on 'eth0'" },
	{ .name = "boundary on one of two interfaces", ONE("count"),
	  "  g: { entry: n, edges: { n: { next: boundary(h) } } }\n  h: [n]\n",
	  AT_XDP "  - { dev: \"eth*\", hook: xdp, graph: g }\n"
	  "  - { dev: eth0, hook: tc-ingress, graph: h }\n", "bad_boundary",
	  "/graphs/g/edges/n/next", "not at tc-ingress on 'eth*'" },
	{ .name = "two boundaries in a graph", ONE("limit"),
	  "  g: { entry: n, edges: { n: { next: boundary(h), over: boundary(i) } } }\n"
	  "  h: [n]\n  i: [n]\n",
	  AT_XDP "  - { dev: eth0, hook: tc-ingress, graph: h }\n", "two_boundaries",
	  "/graphs/g/edges/n/over", "graph 'g' has a boundary to 'h' already" },
	{ .name = "two boundaries to a graph", ONE("count"),
	  "  g: { entry: n, edges: { n: { next: boundary(h) } } }\n"
	  "  f: { entry: n, edges: { n: { next: boundary(h) } } }\n  h: [n]\n",
	  AT_XDP "  - { dev: eth1, hook: xdp, graph: f }\n"
	  "  - { dev: eth0, hook: tc-ingress, graph: h }\n"
	  "  - { dev: eth1, hook: tc-ingress, graph: h }\n", "two_producers",
	  "/graphs/g/edges/n/next", "graphs 'f' and 'g'" },
	{ .name = "a module that nobody inspected", ONE("ghost"), CHAIN, NULL, "no_such_module",
	  "/nodes/n", "no module 'ghost'" },
};

static const char sets[] =
	"sets:\n"
	"  a: { type: ip, elements: [10.0.0.1-10.0.0.254, 10.0.1.1-10.0.1.254, "
	"10.0.2.1-10.0.2.254, 10.0.3.1-10.0.3.254, 10.0.4.1-10.0.4.254] }\n"
	"  p: { type: port, elements: [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, "
	"33, 35, 37, 39, 41, 43, 45, 47, 49, 51, 53, 55, 57, 59, 61, 63, 65, 67, 69, 71, 73, 75, "
	"77, 79, 81, 83, 85, 87, 89, 91, 93, 95, 97, 99, 101, 103, 105, 107, 109, 111, 113, "
	"115, 117] }\n"
	"  b: { type: ip6, elements: [\"::1-::ffff:ffff:ffff:fffe\"] }\n";

static int compile_parts(const char *nodes, const char *graphs, const char *attach,
			 const struct plan *running, struct diags *diags, struct plan *ret_plan)
{
	struct buf text = {0};
	int r;

	buf_printf(&text, "version: 1\n%snodes:\n%sgraphs:\n%sattach:\n%s", sets, nodes, graphs,
		   attach);
	r = compile_text(text.data, text.len, running, 2, diags, ret_plan);
	buf_fini(&text);
	return r;
}

static void print_findings(const struct diags *diags)
{
	unsigned int i;

	for (i = 0; i < diags->n; i++)
		print_error("%s: %s: %s (%s)\n", diags->v[i].path, diags->v[i].code,
			    diags->v[i].message, diags->v[i].hint ? diags->v[i].hint : "");
}

static bool is_finding(const struct diag *diag, const struct finding *wanted)
{
	return !strcmp(diag->code, wanted->code) && !strcmp(diag->path, wanted->path) &&
	       strstr(diag->message, wanted->message) &&
	       (!wanted->hint || (diag->hint && strstr(diag->hint, wanted->hint)));
}

static void test_finding(void **state)
{
	const struct finding *wanted = *state;
	struct arena arena = {0};
	struct diags diags = { .arena = &arena };
	struct plan plan = { .generation = 99 };
	int r;

	r = compile_parts(wanted->nodes, wanted->graphs, wanted->attach ? wanted->attach : AT_XDP,
			  NULL, &diags, &plan);
	if (r != -EINVAL || diags.total != 1 || !is_finding(&diags.v[0], wanted)) {
		print_error("returned %d; findings:\n", r);
		print_findings(&diags);
		fail();
	}
	assert_int_equal(plan.generation, 99);	/* untouched */
	arena_fini(&arena);
}

static void test_rule_place(void **state)
{
	struct arena arena = {0};
	struct diags diags = { .arena = &arena };
	struct plan plan;

	assert_int_equal(compile_parts(RULES("\"udp dport 53 goto odd\""), CHAIN, AT_XDP, NULL,
				       &diags, &plan), -EINVAL);
	assert_int_equal(diags.v[0].offset, strlen("udp dport 53 goto "));
	assert_int_equal(diags.v[0].len, 3);
	arena_fini(&arena);
}

/* Counters are what is used up first: 30 and some for each graph at each hook */
static void test_counters_run_out(void **state)
{
	struct buf graphs = {0}, attach = {0};
	struct arena arena = {0};
	struct diags diags = { .arena = &arena };
	struct plan plan = {0};
	unsigned int i;

	for (i = 0; i < 250; i++) {
		buf_printf(&graphs, "  g%u: [n]\n", i);
		buf_printf(&attach, "  - { dev: e%u, hook: xdp, graph: g%u }\n", i, i);
	}
	assert_int_equal(compile_parts(ONE("count"), graphs.data, attach.data, NULL, &diags,
				       &plan), -EINVAL);
	assert_int_equal(diags.total, 1);
	assert_string_equal(diags.v[0].code, "too_many_counters");
	assert_non_null(strstr(diags.v[0].message, "too many counters, 8171 at most"));
	buf_fini(&graphs);
	buf_fini(&attach);
	arena_fini(&arena);
}

/* ---- what is kept ------------------------------------------------------------------------- */

struct keep {
	const char *name;
	const char *before_nodes, *nodes;
	const char *before_graphs, *graphs;	/* NULL: CHAIN; graphs NULL: as before */
	const char *attach;			/* NULL: AT_XDP */
	bool kept;				/* graph 'g' */
};

static const struct keep keeps[] = {
	{ .name = "nothing changed", RULES("accept"), RULES("accept"), .kept = true },
	{ .name = "a comment",
	  RULES("\"accept comment \\\"a\\\"\""), RULES("\"accept comment \\\"b\\\"\""),
	  .kept = true },
	{ .name = "another spelling", RULES("\"tcp dport { 80, 22 } drop\""),
	  RULES("\"tcp dport { 22, 80-80 } drop\""), .kept = true },
	{ .name = "an explicit default edge",
	  RULES("drop"), "  n: { module: filter, default: accept, "
	  "rules: [ drop ] }\n", .kept = true },
	{ .name = "order of config values",
	  "  n: { module: limit, config: { prefix4: 8, rate_pps: 9 } }\n",
	  "  n: { module: limit, config: { rate_pps: 9, prefix4: 8 } }\n", .kept = true },
	{ .name = "another attachment", RULES("accept"), RULES("accept"), NULL, NULL,
	  "  - { dev: eth1, hook: xdp, graph: g }\n", .kept = true },
	{ .name = "another graph",
	  RULES("accept"), RULES("accept") "  m: { module: count }\n", CHAIN,
	  CHAIN "  h: [m]\n", AT_XDP "  - { dev: eth1, hook: xdp, graph: h }\n", .kept = true },
	{ .name = "a config value", "  n: { module: limit }\n",
	  "  n: { module: limit, config: { prefix4: 8 } }\n" },
	{ .name = "a rule", RULES("accept"), RULES("accept, drop") },
	{ .name = "order of rules", RULES("\"udp dport 1 drop\", \"udp dport 2 drop\""),
	  RULES("\"udp dport 2 drop\", \"udp dport 1 drop\"") },
	{ .name = "the default edge", RULES("accept"), "  n: { module: filter, default: drop, "
	  "rules: [ accept ] }\n" },
	{ .name = "a drop's reason", RULES("\"drop(rate)\""), RULES("\"drop(miss)\"") },
	{ .name = "an edge",
	  ONE("count"), ONE("count"), "  g: { entry: n, edges: { n: { next: pass } } }\n",
	  "  g: { entry: n, edges: { n: { next: tx } } }\n" },
	{ .name = "a port", ONE("count"), ONE("count"),
	  "  g: { entry: n, edges: { n: { next: redirect(eth0) } } }\n",
	  "  g: { entry: n, edges: { n: { next: redirect(eth1) } } }\n" },
	{ .name = "a module", ONE("count"), ONE("open") },
	{ .name = "a boundary's other side", ONE("count") "  m: { module: limit }\n",
	  ONE("count") "  m: { module: limit, config: { rate_pps: 3 } }\n",
	  "  g: { entry: n, edges: { n: { next: boundary(h) } } }\n  h: [m]\n", NULL,
	  AT_XDP "  - { dev: eth0, hook: tc-ingress, graph: h }\n" },
};

static void test_keep(void **state)
{
	const struct keep *keep = *state;
	const char *before = keep->before_graphs ? keep->before_graphs : CHAIN;
	const char *now = keep->graphs ? keep->graphs : before;
	struct arena arena = {0};
	struct diags diags = { .arena = &arena };
	struct plan running, plan;
	const struct plan_graph *old, *new;
	bool pair = strstr(before, "boundary") != NULL;

	assert_int_equal(compile_parts(keep->before_nodes, before,
				       pair ? keep->attach : AT_XDP, NULL, &diags, &running), 0);
	running.graph[0].handoff_tag = 77;
	running.graph[0].generation = 1;
	assert_int_equal(compile_parts(keep->nodes, now, keep->attach ? keep->attach : AT_XDP,
				       &running, &diags, &plan), 0);
	old = plan_graph_find(&running, "g", SHUNT_HOOK_XDP);
	new = plan_graph_find(&plan, "g", SHUNT_HOOK_XDP);
	assert_int_equal(new->kept, keep->kept);
	assert_int_equal(new->generation, keep->kept ? 1 : 2);
	assert_int_equal(new->handoff_tag, keep->kept ? 77 : 0);
	assert_int_equal(new->slot, old->slot);
	assert_int_equal(new->entry_counter, old->entry_counter);
	if (pair)
		assert_false(plan_graph_find(&plan, "h", SHUNT_HOOK_TC_INGRESS)->kept);
	plan_fini(&running);
	plan_fini(&plan);
	arena_fini(&arena);
}

static void test_object_changed(void **state)
{
	struct arena arena = {0};
	struct diags diags = { .arena = &arena };
	struct module *count = (struct module *)module_find(&(struct module_set){
		contracts().ref, N(contract) }, "count");
	struct plan running, plan;

	assert_int_equal(compile_parts(ONE("count"), CHAIN, AT_XDP, NULL, &diags, &running), 0);
	count->hash[1]++;		/* of TC: not what runs here */
	assert_int_equal(compile_parts(ONE("count"), CHAIN, AT_XDP, &running, &diags, &plan), 0);
	assert_true(plan.graph[0].kept);
	count->hash[0]++;
	assert_int_equal(compile_parts(ONE("count"), CHAIN, AT_XDP, &running, &diags, &plan), 0);
	assert_false(plan.graph[0].kept);
	count->hash[0] = count->hash[1] = 0;
	plan_fini(&running);
	plan_fini(&plan);
	arena_fini(&arena);
}

/* ---- indices by name ---------------------------------------------------------------------- */

static uint32_t taken(struct slots *slots, enum slots_space space, const char *name, uint32_t n)
{
	uint32_t index;

	assert_int_equal(slots_take(slots, space, name, n, &index), 0);
	return index;
}

static void test_slots(void **state)
{
	struct arena arena = {0};
	struct slots slots;
	struct plan first = {0}, second = {0};

	slots_init(&slots, &arena, NULL);
	assert_int_equal(taken(&slots, SLOTS_COUNTER, "counter a", 1), 1);
	assert_int_equal(taken(&slots, SLOTS_COUNTER, "counter b", 3), 2);
	assert_int_equal(taken(&slots, SLOTS_COUNTER, "counter c", 1), 5);
	assert_int_equal(taken(&slots, SLOTS_COUNTER, "counter c", 1), 6);
	assert_int_equal(taken(&slots, SLOTS_GRAPH_XDP, "graph g@xdp", 1), 0);
	assert_int_equal(taken(&slots, SLOTS_GRAPH_TC, "graph g@tc-ingress", 1), 0);
	assert_int_equal(taken(&slots, SLOTS_PORT, "port e", 1), 0);
	first.slot = slots_list(&slots);
	first.n_slots = slots.n;
	assert_int_equal(first.n_slots, 7);
	assert_string_equal(first.slot[3].name, "counter c.2");

	/* b is left, but its counters are not handed out yet; c.2 goes with its twin */
	slots_init(&slots, &arena, &first);
	assert_int_equal(taken(&slots, SLOTS_COUNTER, "counter new", 1), 7);
	assert_int_equal(taken(&slots, SLOTS_COUNTER, "counter c", 1), 5);
	assert_int_equal(taken(&slots, SLOTS_COUNTER, "counter a", 1), 1);
	assert_int_equal(taken(&slots, SLOTS_GRAPH_TC, "graph h@tc-egress", 1), 1);
	second.slot = slots_list(&slots);
	second.n_slots = slots.n;

	/* now they are: a run that fits goes into the gap, a longer one behind */
	slots_init(&slots, &arena, &second);
	assert_int_equal(taken(&slots, SLOTS_COUNTER, "counter long", 4), 8);
	assert_int_equal(taken(&slots, SLOTS_COUNTER, "counter fits", 3), 2);
	assert_int_equal(taken(&slots, SLOTS_COUNTER, "counter b", 1), 6);
	assert_int_equal(taken(&slots, SLOTS_COUNTER, "counter new", 2), 12);	/* grew */
	arena_fini(&arena);
}

static void test_slots_limits(void **state)
{
	static const uint32_t limit[SLOTS_SPACES] = {
		SHUNT_COUNTERS_MAX - 1, SHUNT_GRAPHS_MAX, SHUNT_GRAPHS_MAX, SHUNT_PORTS_MAX,
		(1 << 20) - 1, 1 << 16, SHUNT_SETS_MAX, SHUNT_SETS_MAX, CONNTRACK_POLICIES - 1,
		NAT_RULES, LB_NODES, LB_SERVICES, LB_SERVICES, LB_RANGES_MAX, LB_BACKENDS - 1, LB_COUNTS,
	};
	struct arena arena = {0};
	struct slots slots;
	uint32_t i, space, index;

	slots_init(&slots, &arena, NULL);
	for (space = 0; space < SLOTS_SPACES; space++) {
		assert_int_equal(slots_limit(space), limit[space]);
		for (i = 0; i < limit[space] / 256; i++)
			taken(&slots, space, arena_printf(&arena, "%u %u", space, i), 256);
		for (i = 0; i < limit[space] % 256; i++)
			taken(&slots, space, arena_printf(&arena, "%u one %u", space, i), 1);
		index = 5;
		assert_int_equal(slots_take(&slots, space, "one more", 1, &index), -ENOSPC);
		assert_int_equal(index, 0);
	}
	arena_fini(&arena);
}

int main(void)
{
	struct CMUnitTest tests[N(findings) + N(keeps) + 5];
	size_t i, n = 0;

	for (i = 0; i < N(findings); i++)
		tests[n++] = unit_row(findings[i].name, test_finding, &findings[i]);
	for (i = 0; i < N(keeps); i++)
		tests[n++] = unit_row(keeps[i].name, test_keep, &keeps[i]);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_rule_place);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_counters_run_out);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_object_changed);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_slots);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_slots_limits);
	return unit_main(tests, n);
}
