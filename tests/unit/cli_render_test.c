// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* cli_render_test.c - control/cli: what the daemon answers, as text */
#include "cli_fake.h"

#define FILTER	\
	"{\"node\":\"guard\",\"rules\":10000,\"extensions\":12,\"image_bytes\":1258291," \
	"\"view_rows\":3,\"families\":[{\"family\":4,\"rows\":11000,\"trees\":4,\"depth\":5," \
	"\"residual\":100,\"steps\":14,\"mean_steps\":6.24,\"bytes\":1048576," \
	"\"slowest\":\"10.0.0.0/8 -> any: 14 steps\"},{\"family\":6,\"rows\":0,\"trees\":0," \
	"\"depth\":0,\"residual\":0,\"steps\":0,\"mean_steps\":0.0,\"bytes\":0,\"slowest\":null}]}"

/* One command line, the answer to it, and all that is printed */
static const struct render_case {
	const char *name;
	const char *words[FAKE_ARGS];
	const char *method, *result;
	const char *want;
	int status;
} cases[] = {
	{ "status: one screen", { "status" }, "status",
	  "{\"schema\":1,\"version\":\"0.1.0\",\"generation\":8,\"time\":1763999880,"
	  "\"comment\":\"open ssh\",\"confirm_by\":1764000090,\"uptime_s\":12,\"graphs\":[{"
	  "\"name\":\"edge-in\","
	  "\"hook\":\"xdp\",\"generation\":8,\"nodes\":2,\"depth\":\"L4\",\"packets"
	  "\":18446744073709551615,"
	  "\"dropped\":7}],\"attachments\":[{\"dev\":\"eth1\",\"ifindex\":5,\"hook\":\"xdp\","
	  "\"graph\":\"edge-in\","
	  "\"mode\":\"native\",\"wanted\":\"native\",\"how\":\"link\",\"program\":17,\"why"
	  "\":null,\"error\":null,"
	  "\"warnings\":[]},{\"dev\":\"eth2\",\"hook\":\"xdp\",\"graph\":\"edge-in\",\"mode\":"
	  "\"generic\","
	  "\"wanted\":\"native\",\"how\":\"link\",\"program\":18,\"warnings\":[\"rx\\u001bslow"
	  "\",\"b\"]},"
	  "{\"dev\":\"eth3\",\"hook\":\"xdp\",\"graph\":\"edge-in\",\"mode\":null,\"wanted\":"
	  "\"native\","
	  "\"how\":null,\"program\":null,\"error\":\"busy\",\"warnings\":[]}],\"waiting\":["
	  "\"veth*\",\"wan0\"],"
	  "\"ports\":[],\"mirror\":{\"stale\":true},\"misses\":3,\"warnings\":[\"eth3: not "
	  "attached: busy\"]}",
	  "generation 8, 2 min old, \"open ssh\" (shuntd 0.1.0, up 12 s)\n"
	  "not confirmed: goes back in 90 s unless 'shunt confirm' comes first\n"
	  "\n"
	  "DEV   HOOK  GRAPH    PROGRAM  HOW   MODE\n"
	  "eth1  xdp   edge-in       17  link  native\n"
	  "eth2  xdp   edge-in       18  link  generic (wanted native)\n"
	  "eth3  xdp   edge-in        -  -     not attached\n"
	  "\n"
	  "GRAPH    HOOK  GENERATION  NODES  DEPTH               PACKETS  DROPPED\n"
	  "edge-in  xdp            8      2  L4     18446744073709551615        7\n"
	  "\n"
	  "no such interface yet: veth*, wan0\n"
	  "\n"
	  "warning: eth3: not attached: busy\n"
	  "warning: eth2: rx?slow\n"
	  "warning: eth2: b\n"
	  "warning: the kernel's links may have changed unseen: a resync is due\n"
	  "warning: 3 tail calls found no program (each took its edge's fail policy)\n", 0 },
	{ "status: nothing configured", { "status" }, "status",
	  "{\"version\":\"0.1.0\",\"generation\":0,\"time\":0,\"comment\":\"\",\"confirm_by\":null,"
	  "\"uptime_s\":7200,\"graphs\":[],\"attachments\":[],\"waiting\":[],\"misses\":0,"
	  "\"warnings\":[]}",
	  "generation 0 (shuntd 0.1.0, up 2 h)\n", 0 },
	{ "--json: as it came, numbers too", { "status", "-j" }, "status",
	  "{\"n\": 18446744073709551615, \"x\":1.50}",
	  "{\"n\": 18446744073709551615, \"x\":1.50}\n", 0 },
	{ "--pretty: indented, else as it came", { "-p", "status" }, "status",
	  "{\"n\":18446744073709551615,\"s\":\"a, {\\\"b\\\": []}\",\"e\":{},\"f\":[ ],\"l\":[1,"
	  "[2]]}",
	  "{\n  \"n\": 18446744073709551615,\n  \"s\": \"a, {\\\"b\\\": []}\",\n  \"e\": {},\n"
	  "  \"f\": [],\n  \"l\": [\n    1,\n    [\n      2\n    ]\n  ]\n}\n", 0 },
	{ "graph show: counters in a column", { "graph", "show" }, "graph.show",
	  "{\"graphs\":[{\"name\":\"edge-in\",\"hook\":\"xdp\",\"generation\":8,\"packets\":100,"
	  "\"nodes\":["
	  "{\"name\":\"guard\",\"module\":\"filter\",\"packets\":93,\"misses\":2,\"edges\":["
	  "{\"name\":\"accept\",\"target\":\"meter\",\"packets\":80},"
	  "{\"name\":\"drop\",\"target\":\"drop(policy)\",\"packets\":13}]},"
	  "{\"name\":\"a-very-long-name-of-a-node\",\"module\":\"count\",\"packets\":80,\"misses"
	  "\":0,"
	  "\"edges\":[{\"name\":\"next\",\"target\":\"pass\",\"packets\":80}]}]},"
	  "{\"name\":\"b\",\"hook\":\"tc-ingress\",\"generation\":1,\"packets\":0,\"nodes\":[]}]}",
	  "graph edge-in at xdp (generation 8, 100 packets)\n"
	  "  guard (filter)                      93 in\n"
	  "    accept -> meter                   80\n"
	  "    drop   -> drop(policy)            13\n"
	  "    tail calls missed                  2\n"
	  "  a-very-long-name-of-a-node (count)  80 in\n"
	  "    next   -> pass                    80\n"
	  "\n"
	  "graph b at tc-ingress (generation 1, 0 packets)\n", 0 },
	{ "graph show --dot", { "graph", "show", "edge-in", "--dot" }, "graph.show",
	  "{\"graphs\":[{\"name\":\"edge-in\",\"hook\":\"xdp\",\"packets\":100,\"nodes\":["
	  "{\"name\":\"guard\",\"module\":\"filter\",\"packets\":93,\"edges\":["
	  "{\"name\":\"accept\",\"target\":\"meter\",\"packets\":80},"
	  "{\"name\":\"drop\",\"target\":\"drop(policy)\",\"packets\":13}]},"
	  "{\"name\":\"meter\",\"module\":\"count\",\"packets\":80,\"edges\":[]}]}]}",
	  "digraph shunt {\n\trankdir=LR;\n\tnode [shape=box];\n\tsubgraph cluster_0 {\n"
	  "\t\tlabel=\"edge-in at xdp: 100\";\n"
	  "\t\t\"0.guard\" [label=\"guard\\nfilter\\n93\"];\n"
	  "\t\t\"0.guard\" -> \"0.meter\" [label=\"accept\\n80\"];\n"
	  "\t\t\"0.drop(policy)\" [label=\"drop(policy)\", shape=plain];\n"
	  "\t\t\"0.guard\" -> \"0.drop(policy)\" [label=\"drop\\n13\"];\n"
	  "\t\t\"0.meter\" [label=\"meter\\ncount\\n80\"];\n\t}\n}\n", 0 },
	{ "node show", { "node", "show", "slow" }, "node.show",
	  "{\"nodes\":[{\"name\":\"slow\",\"module\":\"limit\",\"path\":[\"/l/limit.xdp.o\","
	  "\"/l/limit.tc.o\"],"
	  "\"help\":\"packet rate\",\"config\":[{\"name\":\"rate_pps\",\"type\":\"__u64\","
	  "\"value\":\"2000\","
	  "\"default\":\"1000\",\"help\":\"per second\"}],\"tables\":[\"limit_bucket\"],\"rules"
	  "\":0,"
	  "\"in\":[{\"graph\":\"edge-in\",\"hook\":\"xdp\",\"packets\":5,\"edges\":["
	  "{\"name\":\"next\",\"target\":\"pass\",\"packets\":3},"
	  "{\"name\":\"over\",\"target\":\"drop(rate)\",\"packets\":2}]}]}]}",
	  "node slow (limit): packet rate\n"
	  "  object  /l/limit.xdp.o\n"
	  "          /l/limit.tc.o\n"
	  "  config  rate_pps = 2000 (default 1000): per second\n"
	  "  tables  limit_bucket\n"
	  "  in      edge-in at xdp: 5 packets\n"
	  "            next -> pass        3\n"
	  "            over -> drop(rate)  2\n", 0 },
	{ "rule list", { "rule", "list", "guard" }, "rule.list",
	  "{\"rules\":[{\"index\":0,\"id\":\"0a\",\"rule\":\"tcp dport 23 drop\",\"packets\":9}],"
	  "\"default\":\"accept\"}",
	  "INDEX  ID  RULE\n    0  0a  tcp dport 23 drop\ndefault: accept\n", 0 },
	{ "rule list -s", { "rule", "list", "guard", "-s" }, "rule.list",
	  "{\"rules\":[{\"chain\":null,\"index\":0,\"id\":\"0a\",\"rule\":\"tcp dport 23 drop\","
	  "\"packets\":9,\"bytes\":540,\"last_s\":1763999997},"
	  "{\"chain\":null,\"index\":1,\"id\":\"0b\",\"rule\":\"drop\",\"packets\":0,\"bytes\":0,"
	  "\"last_s\":null},{\"index\":2,\"id\":\"0c\",\"rule\":\"drop\"}],\"default\":\"accept\"}",
	  "INDEX  ID  PACKETS  BYTES  LAST     RULE\n"
	  "    0  0a        9    540  3 s ago  tcp dport 23 drop\n"
	  "    1  0b        0      0  never    drop\n"
	  "    2  0c        -      -  -        drop\ndefault: accept\n", 0 },
	{ "rule list: chains", { "rule", "list", "guard" }, "rule.list",
	  "{\"rules\":[{\"chain\":null,\"index\":0,\"id\":\"0a\",\"rule\":\"jump web\"},"
	  "{\"chain\":\"web\",\"index\":0,\"id\":\"0b\",\"rule\":\"drop\"}],\"default\":\"drop\"}",
	  "CHAIN  INDEX  ID  RULE\n-          0  0a  jump web\nweb        0  0b  drop\n"
	  "default: drop\n", 0 },
	{ "rule test", { "rule", "test", "guard", "x" }, "rule.test",
	  "{\"verdict\":\"drop\",\"edge\":\"drop\",\"reason\":\"spoofed\",\"path\":["
	  "{\"index\":2,\"id\":\"0a\",\"rule\":\"jump web\"},"
	  "{\"chain\":\"web\",\"id\":\"0b\",\"rule\":\"drop(spoofed)\"}]}",
	  "drop(spoofed)\n  rule 2 0a: jump web\n  rule web 0b: drop(spoofed)\n", 0 },
	{ "rule test: the default", { "rule", "test", "guard", "x" }, "rule.test",
	  "{\"verdict\":\"accept\",\"edge\":\"accept\",\"reason\":null,\"path\":[]}",
	  "accept\n  no rule matches: the default\n", 0 },
	{ "set list", { "set", "list" }, "set.list",
	  "{\"sets\":[{\"set\":\"blocked\",\"type\":\"ip\",\"kind\":\"ranges\",\"elements\":1000000,"
	  "\"memory_bytes\":12582912},{\"set\":\"seen\",\"type\":\"ip . port\",\"kind\":\"dynamic\","
	  "\"elements\":3,\"memory_bytes\":812,\"timeout\":\"10m\"}]}",
	  "SET      TYPE       KIND     ELEMENTS  MEMORY  TIMEOUT\n"
	  "blocked  ip         ranges    1000000  12 MiB  -\n"
	  "seen     ip . port  dynamic         3   812 B  10m\n", 0 },
	{ "set list SET", { "set", "list", "blocked" }, "set.list",
	  "{\"sets\":[{\"set\":\"blocked\",\"type\":\"ip\",\"elements\":2,"
	  "\"text\":\"10.0.0.1\\n10.0.0.2\\n\"}]}",
	  "10.0.0.1\n10.0.0.2\n", 0 },
	{ "set list SET: dynamic", { "set", "list", "seen" }, "set.list",
	  "{\"sets\":[{\"set\":\"seen\",\"list\":[{\"element\":\"10.0.0.1\",\"timeout_ms\":600000,"
	  "\"expires_ms\":552000,\"packets\":3,\"bytes\":180},"
	  "{\"element\":\"10.0.0.2\",\"timeout_ms\":0}]}]}",
	  "10.0.0.1 timeout 10m # expires in 9m12s\n10.0.0.2\n", 0 },
	{ "set list SET -s: dynamic", { "set", "list", "seen", "-s" }, "set.list",
	  "{\"sets\":[{\"set\":\"seen\",\"list\":[{\"element\":\"10.0.0.1\",\"timeout_ms\":600000,"
	  "\"expires_ms\":552000,\"packets\":3,\"bytes\":180},"
	  "{\"element\":\"10.0.0.2\",\"timeout_ms\":0,\"packets\":0,\"bytes\":0}]}]}",
	  "10.0.0.1 timeout 10m # expires in 9m12s packets 3 bytes 180\n"
	  "10.0.0.2 # packets 0 bytes 0\n", 0 },
	{ "set add: to a dynamic set", { "set", "add", "seen", "10.0.0.1" }, "set.add",
	  "{\"set\":\"seen\",\"added\":1,\"deleted\":0}", "set seen: 1 added, 0 deleted\n", 0 },
	{ "filter show", { "filter", "show", "guard" }, "filter.show", FILTER,
	  "filter guard: 10000 rules, 12 with more than a box, 1.2 MiB; 3 rows came since it was built"
	  "\n\nFAMILY   ROWS  STEPS   MEMORY\n"
	  "IPv4    11000     14  1.0 MiB\n"
	  "IPv6        0      0      0 B\n", 0 },
	{ "filter show --cost", { "filter", "show", "guard", "--cost" }, "filter.show", FILTER,
	  "filter guard: 10000 rules, 12 with more than a box, 1.2 MiB; 3 rows came since it was built"
	  "\n\nFAMILY   ROWS  TREES  DEPTH  RESIDUAL  STEPS  MEAN   MEMORY  SLOWEST\n"
	  "IPv4    11000      4      5       100     14   6.2  1.0 MiB  10.0.0.0/8 -> any: 14 steps\n"
	  "IPv6        0      0      0         0      0   0.0      0 B  -\n", 0 },
	{ "filter limits: what is full first", { "filter", "limits" }, "filter.limits",
	  "{\"counts\":[{\"node\":\"guard\",\"id\":\"00000001\",\"limit\":\"ct count over 9\","
	  "\"prefix\":null,\"flows\":4,\"full\":false},{\"node\":\"guard\",\"id\":\"00000002\","
	  "\"limit\":\"ct count over 3 per saddr\",\"prefix\":\"10.0.0.1/32\",\"flows\":3,"
	  "\"full\":true}],\"limited\":0,\"limit_full\":2,\"cursor\":null}",
	  "NODE   ID        PREFIX       FLOWS  FULL  LIMIT\n"
	  "guard  00000002  10.0.0.1/32      3  yes   ct count over 3 per saddr\n"
	  "guard  00000001  -                4  no    ct count over 9\n"
	  "\n2 packets found no room to be counted in\n", 0 },
	{ "drop show", { "drop", "show" }, "drop.show",
	  "{\"drops\":[{\"graph\":\"edge-in\",\"hook\":\"xdp\",\"node\":\"guard\",\"edge\":"
	  "\"drop\","
	  "\"reason\":\"policy\",\"help\":\"a rule said so\",\"packets\":13},{\"graph\":"
	  "\"edge-in\","
	  "\"hook\":\"xdp\",\"node\":null,\"edge\":null,\"reason\":\"ip4_len\",\"help\":\"short"
	  "\",\"packets\":7}]}",
	  "PACKETS  REASON   GRAPH    HOOK  NODE   EDGE  MEANING\n"
	  "     13  policy   edge-in  xdp   guard  drop  a rule said so\n"
	  "      7  ip4_len  edge-in  xdp   -      -     short\n", 0 },
	{ "drop show: nothing", { "drop", "show" }, "drop.show", "{\"drops\":[]}",
	  "nothing was dropped\n", 0 },
	{ "diff: coloured", { "diff", "FILE", "--color=always" }, "diff",
	  "{\"differences\":3,\"lines\":[\"+ /a: 1\",\"- /b: 2\",\"~ /c: 3 -> 4\"]}",
	  "\033[32m+ /a: 1\033[0m\n\033[31m- /b: 2\033[0m\n\033[33m~ /c: 3 -> 4\033[0m\n", 1 },
	{ "diff: equal", { "diff", "FILE" }, "diff", "{\"differences\":0,\"lines\":[]}", "", 0 },
	{ "diff -j: the status stays", { "diff", "FILE", "-j" }, "diff",
	  "{\"differences\":1,\"lines\":[\"+ /a: 1\"]}",
	  "{\"differences\":1,\"lines\":[\"+ /a: 1\"]}\n", 1 },
	{ "apply: degraded, to be confirmed", { "apply", "FILE", "--confirm", "2m" }, "apply",
	  "{\"generation\":8,\"changed\":true,\"plan\":\"…\",\"rendered\":1,\"kept\":2,"
	  "\"attached\":1,"
	  "\"replaced\":0,\"detached\":0,\"load_us\":5120,\"commit_us\":61,\"grace_us\":1302000,"
	  "\"confirm_by\":1764000120,\"warnings\":[\"eth0: generic\"]}",
	  "generation 8: 1 rendered, 2 kept, 1 attached\n"
	  "loaded in 5.1 ms, committed in 61 us, grace period 1.3 s\n"
	  "not confirmed: goes back at 2025-11-24 16:02:00 (in 2 min) unless 'shunt confirm' "
	  "comes first\n"
	  "warning: eth0: generic\n", 6 },
	{ "apply -j: the status stays", { "apply", "FILE", "-j" }, "apply",
	  "{\"generation\":8,\"changed\":true,\"warnings\":[\"w\"]}",
	  "{\"generation\":8,\"changed\":true,\"warnings\":[\"w\"]}\n", 6 },
	{ "apply -q: warnings alone", { "apply", "FILE", "-q" }, "apply",
	  "{\"generation\":8,\"changed\":true,\"confirm_by\":5,\"warnings\":[\"w\"]}",
	  "warning: w\n", 6 },
	{ "apply: no difference", { "apply", "FILE" }, "apply",
	  "{\"generation\":7,\"changed\":false,\"plan\":\"\",\"confirm_by\":null,\"warnings\":[]}",
	  "no difference: generation 7 stays\n", 0 },
	{ "apply -n: the plan", { "apply", "FILE", "-n" }, "apply",
	  "{\"generation\":8,\"changed\":true,\"plan\":\"a\\nb\\n\",\"confirm_by\":null,"
	  "\"warnings\":[]}",
	  "would be generation 8; nothing was done\na\nb\n", 0 },
	{ "history", { "history" }, "history",
	  "{\"generations\":[{\"generation\":10,\"time\":1764000000,\"uid\":0,\"user\":\"root\","
	  "\"comment\":\"\","
	  "\"running\":true,\"pending\":false,\"from\":8},{\"generation\":9,\"time\":1763999990,"
	  "\"uid\":12,"
	  "\"user\":null,\"comment\":\"c\",\"running\":false,\"pending\":false,\"from\":null}]}",
	  "GENERATION  TIME                 USER  STATE          COMMENT\n"
	  "        10  2025-11-24 16:00:00  root  running, as 8  -\n"
	  "         9  2025-11-24 15:59:50  12    -              c\n", 0 },
	{ "export: YAML", { "export" }, "export",
	  "{\"generation\":8,\"config\":{\"version\":\"1\",\"nodes\":{\"m\":{\"module\":\"count"
	  "\"}}}}",
	  "version: 1\nnodes:\n  m:\n    module: count\n", 0 },
	{ "export -j: the configuration alone", { "export", "-j" }, "export",
	  "{\"generation\":8,\"config\":{\"version\":\"1\"}}", "{\"version\":\"1\"}\n", 0 },
	{ "table show: words that 'table set' takes", { "table", "show", "n", "t" }, "table.show",
	  "{\"table\":{},\"elements\":[{\"key\":{\"prefix\":\"10.0.0.1\",\"in\":{\"l3\":4}},"
	  "\"value\":"
	  "{\"n\":18446744073709551615,\"i\":-5}},{\"key\":7,\"value\":\"x\"}],\"more\":true}",
	  "prefix=10.0.0.1 in.l3=4 value n=18446744073709551615 i=-5\n7 value x\n"
	  "warning: there are more elements than are shown\n", 0 },
	{ "feature", { "feature" }, "feature",
	  "{\"features\":[{\"name\":\"tcx\",\"value\":\"yes\",\"why\":\"because\"}]}",
	  "FEATURE  VALUE  WHY\ntcx      yes    because\n", 0 },
	{ "completion of a node's name", { "__complete", "rule", "list", "g" }, "export",
	  "{\"config\":{\"nodes\":{\"guard\":{},\"meter\":{}},\"graphs\":{\"gone\":{}}}}", "guard\n", 0 },
	{ "completion of a rule's id", { "__complete", "rule", "del", "guard", "" }, "rule.list",
	  "{\"rules\":[{\"id\":\"0a\"},{\"id\":\"0b.2\"}]}", "0a\n0b.2\n", 0 },
	{ "completion of elements: none", { "__complete", "set", "add", "s", "10", "" }, "export",
	  "{\"config\":{\"sets\":{\"s\":{}}}}", "", 0 },
	{ "completion of a generation", { "__complete", "rollback", "--to", "" }, "history",
	  "{\"generations\":[{\"generation\":10},{\"generation\":9}]}", "10\n9\n", 0 },
	{ "module inspect", { "module", "inspect", "limit" }, "module.inspect",
	  "{\"module\":{\"name\":\"limit\",\"help\":\"rate\",\"abi\":1,\"paths\":[\"/l.o\",null],"
	  "\"hooks\":[\"xdp\",\"tc-ingress\"],\"depth\":\"L3\",\"open_edges\":2,\"edges\":[{\"name\":"
	  "\"next\","
	  "\"fail\":\"closed\",\"target\":null}],\"config\":[],\"tables\":[]}}",
	  "module limit: rate\n  hooks   xdp, tc-ingress\n  depth   L3\n  abi     1\n  object  "
	  "/l.o\n"
	  "  edges   2 more may be named\n\nEDGE  FAIL    TARGET\nnext  closed  -\n", 0 },
};

static void test_render(void **state)
{
	const struct render_case *row = *state;
	const struct fake_answer answers[] = {
		{ .method = row->method, .result = row->result },
		{ .method = "version", .result = "{\"version\":\"0.1.0\"}" }, {}
	};
	struct fake fake = { .answers = answers };
	const char *words[FAKE_ARGS];
	int i;

	for (i = 0; i < FAKE_ARGS; i++)
		words[i] = row->words[i] && !strcmp(row->words[i], "FILE") ?
			fake_file("a.yaml", "version: 1\n") : row->words[i];
	fake_run(&fake, words);
	assert_string_equal(fake.out, row->want);
	assert_string_equal(fake.err, "");
	assert_int_equal(fake.status, row->status);
	fake_fini(&fake);
}

int main(void)
{
	struct CMUnitTest tests[sizeof(cases) / sizeof(cases[0])];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tests[i] = unit_row(cases[i].name, test_render, &cases[i]);
	return unit_main(tests, i);
}
