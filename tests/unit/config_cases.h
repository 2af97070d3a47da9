/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * config_cases.h - configurations that are refused, and every finding: sections, sets, nodes, rules
 *
 * A finding is a line: path, '!' if the key is meant, '@' offset '+' length if a
 * part is, code, message, hint in brackets. "..." at the end: the rest is
 * another part's text, tested there.
 */
#ifndef CONFIG_CASES_H
#define CONFIG_CASES_H

struct config_case {
	const char *name;
	const char *yaml;
	const char *findings;
};

#define C20 "cccccccccccccccccccc"
#define C17 "ccccccccccccccccc"
#define C43 C20 C20 "ccc"

#define V "version: 1\n"
#define NODES V "nodes: { a: { module: count }, b: { module: count }, guard: { module: filter } }\n"
#define GUARD "nodes:\n  guard:\n    module: filter\n    rules:\n      - "
#define RULES V GUARD
#define RULES_SETS V \
	"sets: { hosts: { type: ip }, hosts6: { type: ip6 }, " \
	"ports: { type: port }, protos: { type: proto } }\n" GUARD
#define HINT_NAME "[a name is a letter or digit, then letters, digits, '_' and '-']"
#define TYPES "'ip', 'ip6', 'port', 'proto', 'ether', 'mark', 'vlan' or 'iif'"
#define HINT_TYPE " [several with dots between them: 'ip . port . proto']"
#define HINT_SET \
	"[rules must be able to spell it: a lower-case letter, then a-z, 0-9, '_' and '-']"

static const struct config_case section_cases[] = {
	{ "empty file",
	  "",
	  " missing_key: the configuration lacks 'version'\n" },
	{ "top: a list",
	  "- version: 1\n",
	  " wrong_kind: the configuration must be a map, not a list\n" },
	{ "top: a scalar",
	  "version\n",
	  " wrong_kind: the configuration must be a map, not a single value\n" },
	{ "top: no version",
	  "nodes: { a: { module: count } }\n",
	  " missing_key: the configuration lacks 'version'\n" },
	{ "top: another version",
	  "version: 2\n",
	  "/version bad_version: version '2' is not known"
	  " [this shunt reads version 1]\n" },
	{ "top: version with a dot",
	  "version: 1.0\n",
	  "/version bad_version: version '1.0' is not known"
	  " [this shunt reads version 1]\n" },
	{ "top: version a list",
	  "version: [1]\n",
	  "/version wrong_kind: 'version' must be a single value, not a list\n" },
	{ "top: misspelt version is one finding",
	  "verson: 1\n",
	  "/verson! unknown_key: unknown key 'verson' in the configuration"
	  " [did you mean 'version'?]\n" },
	{ "top: unknown key, near",
	  V "node: { a: { module: count } }\n",
	  "/node! unknown_key: unknown key 'node' in the configuration"
	  " [did you mean 'nodes'?]\n" },
	{ "top: unknown key, not near",
	  V "interfaces: {}\n",
	  "/interfaces! unknown_key: unknown key 'interfaces' in the configuration"
	  " [its keys are 'version', 'settings', 'conntrack', 'lb', 'sets', 'maps', 'nodes', 'graphs',"
	  " 'attach']\n" },
	{ "top: misspelt section is not missed by others",
	  V "nods: { a: { module: count } }\n" "graphs: { g: [a] }\n",
	  "/nods! unknown_key: unknown key 'nods' in the configuration"
	  " [did you mean 'nodes'?]\n" },
	{ "top: section of a wrong kind is not missed by others",
	  V "nodes: [a]\n" "graphs: { g: [a] }\n" "attach: [ { dev: v, hook: xdp, graph: g } ]\n",
	  "/nodes wrong_kind: 'nodes' must be a map, not a list\n" },
	{ "top: graphs of a wrong kind are not missed by others",
	  NODES "graphs: [a]\n" "attach: [ { dev: v, hook: xdp, graph: g } ]\n",
	  "/graphs wrong_kind: 'graphs' must be a map, not a list\n" },
	{ "top: sets of a wrong kind are not missed by rules",
	  V "sets: [x]\n" "nodes: { g: { module: filter, rules: [ip saddr @x drop] } }\n",
	  "/sets wrong_kind: 'sets' must be a map, not a list\n" },
	{ "top: attach a map",
	  V "attach: { dev: v }\n",
	  "/attach wrong_kind: 'attach' must be a list, not a map\n" },
	{ "top: settings has no keys yet",
	  V "settings: { mtu: 1500 }\n",
	  "/settings/mtu! unknown_key: unknown key 'mtu' in 'settings'\n" },
	{ "top: settings a list",
	  V "settings: []\n",
	  "/settings wrong_kind: 'settings' must be a map, not a list\n" },
	{ "set: a list",
	  V "sets: { x: [10.0.0.1] }\n",
	  "/sets/x wrong_kind: set 'x' must be a map, not a list\n" },
	{ "set: no type",
	  V "sets: { x: { elements: [10.0.0.1] } }\n",
	  "/sets/x missing_key: set 'x' lacks 'type'\n" },
	{ "set: empty",
	  V "sets: { x: }\n",
	  "/sets/x missing_key: set 'x' lacks 'type'\n" },
	{ "set: unknown type, near",
	  V "sets: { x: { type: ipv6 } }\n",
	  "/sets/x/type bad_value: "
	  "the type of a set is " TYPES ", not 'ipv6'"
	  " [did you mean 'ip6'?]\n" },
	{ "set: unknown type, not near",
	  V "sets: { x: { type: mac } }\n",
	  "/sets/x/type bad_value: "
	  "the type of a set is " TYPES ", not 'mac'" HINT_TYPE "\n" },
	{ "set: unknown key",
	  V "sets: { x: { type: ip, element: [10.0.0.1] } }\n",
	  "/sets/x/element! unknown_key: unknown key 'element' in set 'x'"
	  " [did you mean 'elements'?]\n" },
	{ "set: elements a map",
	  V "sets: { x: { type: ip, elements: { a: b } } }\n",
	  "/sets/x/elements wrong_kind: 'elements' must be a list, not a map\n" },
	{ "set: element a list",
	  V "sets: { x: { type: ip, elements: [[10.0.0.1]] } }\n",
	  "/sets/x/elements/0 wrong_kind: "
	  "an element must be a single value, not a list\n" },
	{ "set: element of another family",
	  V "sets: { x: { type: ip, elements: [10.0.0.1, \"2001:db8::1\"] } }\n",
	  "/sets/x/elements/1@0+11 bad_value: ...\n" },
	{ "set: port beyond",
	  V "sets: { x: { type: port, elements: [80, 65536] } }\n",
	  "/sets/x/elements/1@0+5 bad_value: ...\n" },
	{ "set: unknown protocol",
	  V "sets: { x: { type: proto, elements: [tcpp] } }\n",
	  "/sets/x/elements/0@0+4 bad_value: ...\n" },
	{ "set: element over two lines",
	  V "sets:\n" "  x:\n" "    type: port\n" "    elements:\n" "      - 80\n" "        81\n",
	  "/sets/x/elements/0 multiline: an element is one line\n" },
	{ "set: elements of an unknown type are not read",
	  V "sets: { x: { type: mac, elements: [zz] } }\n",
	  "/sets/x/type bad_value: "
	  "the type of a set is " TYPES ", not 'mac'" HINT_TYPE "\n" },
	{ "set: a name that rules cannot spell",
	  V "sets: { Hosts: { type: ip } }\n",
	  "/sets/Hosts! bad_name: 'Hosts' is no name for a set"
	  " " HINT_SET "\n" },
	{ "set: a name with a digit in front",
	  V "sets: { 9x: { type: ip } }\n",
	  "/sets/9x! bad_name: '9x' is no name for a set"
	  " " HINT_SET "\n" },
	{ "set: a name with a dot",
	  V "sets: { a.b: { type: ip } }\n",
	  "/sets/a.b! bad_name: 'a.b' is no name for a set"
	  " " HINT_NAME "\n" },
	{ "set: comment of two lines",
	  V "sets: { x: { type: ip, comment: \"a\\nb\" } }\n",
	  "/sets/x/comment bad_value: "
	  "a comment is one line, without control characters\n" },
	{ "set: comment too long",
	  V "sets: { x: { type: ip, comment: " C43 C43 C43 " } }\n",
	  "/sets/x/comment too_long: a comment has at most 128 bytes, this one 129\n" },
	{ "node: a scalar",
	  V "nodes: { a: filter }\n",
	  "/nodes/a wrong_kind: node 'a' must be a map, not a single value\n" },
	{ "node: empty",
	  V "nodes: { a: }\n",
	  "/nodes/a missing_key: node 'a' lacks 'module'\n" },
	{ "node: no module",
	  V "nodes: { a: { comment: x } }\n",
	  "/nodes/a missing_key: node 'a' lacks 'module'\n" },
	{ "node: misspelt key is one finding",
	  V "nodes: { a: { modul: filter } }\n",
	  "/nodes/a/modul! unknown_key: unknown key 'modul' in node 'a'"
	  " [did you mean 'module'?]\n" },
	{ "node: unknown key, not near",
	  V "nodes: { a: { module: filter, priority: 3 } }\n",
	  "/nodes/a/priority! unknown_key: unknown key 'priority' in node 'a'"
	  " [its keys are 'module', 'config', 'rules', 'chains', 'default', 'source', 'source6', 'seed',"
	  " 'services', 'comment']\n" },
	{ "node: module a map",
	  V "nodes: { a: { module: { name: filter } } }\n",
	  "/nodes/a/module wrong_kind: 'module' must be a single value, not a map\n" },
	{ "node: module empty",
	  V "nodes: { a: { module: '' } }\n",
	  "/nodes/a/module bad_name: '' is no name for a module"
	  " " HINT_NAME "\n" },
	{ "node: module with a blank",
	  V "nodes: { a: { module: my filter } }\n",
	  "/nodes/a/module bad_name: 'my filter' is no name for a module"
	  " " HINT_NAME "\n" },
	{ "node: module's path with a control character",
	  V "nodes: { a: { module: \"/tmp/\\x01.o\" } }\n",
	  "/nodes/a/module bad_value: "
	  "the path of a module is one line, without control characters\n" },
	{ "node: config a list",
	  V "nodes: { a: { module: limit, config: [1] } }\n",
	  "/nodes/a/config wrong_kind: 'config' must be a map, not a list\n" },
	{ "node: config value a map",
	  V "nodes: { a: { module: limit, config: { rate_pps: { x: 1 } } } }\n",
	  "/nodes/a/config/rate_pps wrong_kind: "
	  "a config value must be a single value, not a map\n" },
	{ "node: config value a list of lists",
	  V "nodes: { a: { module: limit, config: { rate_pps: [1, [2]] } } }\n",
	  "/nodes/a/config/rate_pps/1 wrong_kind: "
	  "an element of a config value must be a single value, not a list\n" },
	{ "node: rules a scalar",
	  V "nodes: { a: { module: filter, rules: drop } }\n",
	  "/nodes/a/rules wrong_kind: 'rules' must be a list, not a single value\n" },
	{ "node: default with a reason",
	  V "nodes: { a: { module: filter, default: drop(rate) } }\n",
	  "/nodes/a/default bad_value: 'default' is an edge, not 'drop(rate)'"
	  " [an edge's target is set under 'graphs']\n" },
	{ "node: default no name",
	  V "nodes: { a: { module: filter, default: 'go on' } }\n",
	  "/nodes/a/default bad_name: 'go on' is no name for an edge"
	  " " HINT_NAME "\n" },
	{ "node: default a list",
	  V "nodes: { a: { module: filter, default: [accept] } }\n",
	  "/nodes/a/default wrong_kind: "
	  "'default' must be a single value, not a list\n" },
	{ "node: comment a map",
	  V "nodes: { a: { module: count, comment: {} } }\n",
	  "/nodes/a/comment wrong_kind: "
	  "'comment' must be a single value, not a map\n" },
	{ "node: name too long",
	  V "nodes: { aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: { module: count } }\n",
	  "/nodes/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa! bad_name: "
	  "the name of a node has at most 31 characters, this one 32"
	  " " HINT_NAME "\n" },
	{ "node: name with a blank",
	  V "nodes: { 'a b': { module: count } }\n",
	  "/nodes/a b! bad_name: 'a b' is no name for a node"
	  " " HINT_NAME "\n" },
	{ "node: name with a slash",
	  V "nodes: { a/b: { module: count } }\n",
	  "/nodes/a~1b! bad_name: 'a/b' is no name for a node"
	  " " HINT_NAME "\n" },
	{ "node: name with a dot",
	  V "nodes: { a.b: { module: count } }\n",
	  "/nodes/a.b! bad_name: 'a.b' is no name for a node"
	  " " HINT_NAME "\n" },
	{ "node: name with a dash in front",
	  V "nodes: { -a: { module: count } }\n",
	  "/nodes/-a! bad_name: '-a' is no name for a node"
	  " " HINT_NAME "\n" },
	{ "node: empty name",
	  V "nodes: { '': { module: count } }\n",
	  "/nodes/! bad_name: '' is no name for a node"
	  " " HINT_NAME "\n" },
	{ "node: name with a letter beyond ASCII",
	  V "nodes: { zähler: { module: count } }\n",
	  "/nodes/zähler! bad_name: 'zähler' is no name for a node"
	  " " HINT_NAME "\n" },
	{ "node: name of a terminal",
	  V "nodes: { pass: { module: count } }\n",
	  "/nodes/pass! reserved_name: "
	  "a node cannot be called 'pass': that is a target of edges\n" },
	{ "node: name 'node'",
	  V "nodes: { node: { module: count } }\n",
	  "/nodes/node! reserved_name: "
	  "a node cannot be called 'node': that is a target of edges\n" },
	{ "node: a badly named one is not missed by graphs",
	  V "nodes: { a.b: { module: count } }\n" "graphs: { g: [a.b] }\n",
	  "/nodes/a.b! bad_name: 'a.b' is no name for a node"
	  " " HINT_NAME "\n" },
	{ "rule: a map",
	  RULES "{ ip: saddr }\n",
	  "/nodes/guard/rules/0 wrong_kind: "
	  "a rule must be a single value, not a map\n" },
	{ "rule: folded",
	  RULES ">\n" "        tcp dport 22\n" "        drop\n",
	  "/nodes/guard/rules/0 multiline: a rule is one line"
	  " [long lists of values belong into a set]\n" },
	{ "rule: over two lines",
	  RULES "tcp dport 22\n" "        drop\n",
	  "/nodes/guard/rules/0 multiline: a rule is one line"
	  " [long lists of values belong into a set]\n" },
	{ "rule: empty",
	  RULES "''\n",
	  "/nodes/guard/rules/0@0+0 expected: ...\n" },
	{ "rule: unknown field",
	  RULES "tcp dprt 22 drop\n",
	  "/nodes/guard/rules/0@4+4 unknown_field: ...\n" },
	{ "rule: unknown policy, near",
	  V "conntrack: { policies: { short: { icmp: 1s } } }\n" GUARD
	  "tcp dport 1 ct timeout set shrt accept\n",
	  "/nodes/guard/rules/0@12+19 no_such_policy: section 'conntrack' has no policy 'shrt'"
	  " [did you mean 'short'?]\n" },
	{ "rule: unknown policy without any",
	  RULES "ct timeout set short accept\n",
	  "/nodes/guard/rules/0@0+20 no_such_policy: section 'conntrack' has no policy 'short'\n" },
	{ "rule: policy where the section is wrong: not told",
	  V "conntrack: 5\n" GUARD "ct timeout set short accept\n",
	  "/conntrack wrong_kind: 'conntrack' must be a map, not a single value\n" },
	{ "rule: flow state is in no set",
	  RULES_SETS "ct original ip saddr @hosts drop\n",
	  "/nodes/guard/rules/0@21+6 set_type: "
	  "'ct original ip saddr' cannot be matched against a set\n" },
	{ "rule: unknown set, near",
	  RULES_SETS "ip saddr @host drop\n",
	  "/nodes/guard/rules/0@9+5 no_such_set: no set 'host'"
	  " [did you mean 'hosts'?]\n" },
	{ "rule: unknown set, not near",
	  RULES_SETS "ip saddr @blocked drop\n",
	  "/nodes/guard/rules/0@9+8 no_such_set: no set 'blocked'\n" },
	{ "rule: unknown set without any",
	  RULES "ip saddr @blocked drop\n",
	  "/nodes/guard/rules/0@9+8 no_such_set: no set 'blocked'\n" },
	{ "rule: ip6 set for ip",
	  RULES_SETS "ip daddr @hosts6 drop\n",
	  "/nodes/guard/rules/0@9+7 set_type: "
	  "set 'hosts6' is of type ip6, here one of type ip is needed\n" },
	{ "rule: ip set for ip6",
	  RULES_SETS "ip6 saddr @hosts drop\n",
	  "/nodes/guard/rules/0@10+6 set_type: "
	  "set 'hosts' is of type ip, here one of type ip6 is needed\n" },
	{ "rule: port set for ip",
	  RULES_SETS "ip saddr != @ports drop\n",
	  "/nodes/guard/rules/0@12+6 set_type: "
	  "set 'ports' is of type port, here one of type ip is needed\n" },
	{ "rule: ip set for ports",
	  RULES_SETS "tcp dport @hosts drop\n",
	  "/nodes/guard/rules/0@10+6 set_type: "
	  "set 'hosts' is of type ip, here one of type port is needed\n" },
	{ "rule: port set for protocols",
	  RULES_SETS "meta l4proto @ports drop\n",
	  "/nodes/guard/rules/0@13+6 set_type: "
	  "set 'ports' is of type port, here one of type proto is needed\n" },
	{ "rule: no set fits",
	  RULES_SETS "icmp type @ports drop\n",
	  "/nodes/guard/rules/0@10+6 set_type: "
	  "'icmp type' cannot be matched against a set\n" },
	{ "rule: two sets are two findings",
	  RULES_SETS "ip saddr @ports tcp dport @hosts drop\n",
	  "/nodes/guard/rules/0@9+6 set_type: "
	  "set 'ports' is of type port, here one of type ip is needed\n"
	  "/nodes/guard/rules/0@26+6 set_type: "
	  "set 'hosts' is of type ip, here one of type port is needed\n" },
	{ "rule: set of an unknown type is one finding",
	  V "sets: { x: { type: ipx } }\n"
	  "nodes:\n"
	  "  guard:\n"
	  "    module: filter\n"
	  "    rules:\n"
	  "      - ip saddr @x drop\n",
	  "/sets/x/type bad_value: "
	  "the type of a set is " TYPES ", not 'ipx'"
	  " [did you mean 'ip'?]\n" },
	{ "rule: unknown reason, near",
	  RULES "tcp dport 22 drop(polcy)\n",
	  "/nodes/guard/rules/0@18+5 no_such_reason: no drop reason 'polcy'"
	  " [did you mean 'policy'?]\n" },
	{ "rule: the other rules are read",
	  RULES "tcp dprt 1 drop\n" "      - tcp dport 22 drop\n" "      - udp sprt 1 drop\n",
	  "/nodes/guard/rules/0@4+4 unknown_field: ...\n"
	  "/nodes/guard/rules/2@4+4 unknown_field: ...\n" },
};

#endif
