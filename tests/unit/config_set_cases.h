/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* config_set_cases.h - findings about sets, maps and chains; the notation is config_cases.h's */
#ifndef CONFIG_SET_CASES_H
#define CONFIG_SET_CASES_H

#include "config_cases.h"

#define SET(members) V "sets: { x: { " members " } }\n"
#define MAP(members) V "maps: { x: { " members " } }\n"
#define CHAINS(members) \
	V "nodes:\n  a:\n    module: filter\n    chains: { " members " }\n    rules:\n"
#define HINT_DYNAMIC " [add 'dynamic: true' or a 'timeout']"
#define HINT_STATE " [its elements are state: they come by 'shunt set add' and by rules]"
#define HINT_DOTS " [values have a dot between them, with blanks: '192.0.2.1 . 80']"
#define HINT_VERDICT \
	" [accept, drop, drop(NAME), reject, synproxy, goto NAME, jump NAME or return]"
#define HINT_TIME " [days to milliseconds: 1d2h3m4s, 500ms]"

static const struct config_case set_cases[] = {
	/* types */
	{ "type: a part that is none",
	  SET("type: ip . prot . ip"),
	  "/sets/x/type@5+4 bad_value: the type of a set is " TYPES ", not 'prot'"
	  " [did you mean 'port'?]\n" },
	{ "type: an empty part",
	  SET("type: \"ip .\""),
	  "/sets/x/type@4+0 bad_value: the type of a set is " TYPES ", not ''" HINT_TYPE "\n" },
	{ "type: six parts",
	  SET("type: port . port . port . port . port . port"),
	  "/sets/x/type too_many: the type of a set has at most 5 parts\n" },
	{ "type: both families",
	  SET("type: ip . port . ip6"),
	  "/sets/x/type bad_value: no packet has both an 'ip' and an 'ip6' address\n" },
	{ "type: more than a key holds",
	  SET("type: ip6 . ip6 . port . ether"),
	  "/sets/x/type too_long: an element of a set has at most 40 bytes, of this type 44"
	  " [ip6 takes 16, ether 8, all else 4]\n" },
	{ "type: interfaces in a static set",
	  SET("type: ip . iif"),
	  "/sets/x/type not_dynamic: only a dynamic set has 'iif' in its type"
	  " [interfaces come and go: name them in the rule]\n" },

	/* elements */
	{ "elements: too few values",
	  SET("type: ip . port, elements: [10.0.0.1]"),
	  "/sets/x/elements/0@0+8 expected: an element has 2 values: ip . port" HINT_DOTS "\n" },
	{ "elements: too many values",
	  SET("type: ip . port, elements: [10.0.0.1 . 80 . 81]"),
	  "/sets/x/elements/0@0+18 expected: an element has 2 values: ip . port" HINT_DOTS "\n" },
	{ "elements: a dot without blanks",
	  SET("type: ip . port, elements: [10.0.0.1.80]"),
	  "/sets/x/elements/0@0+11 expected: an element has 2 values: ip . port" HINT_DOTS "\n" },
	{ "elements: the second value is wrong",
	  SET("type: ip . port . proto, elements: [10.0.0.1 . 80000 . tcp]"),
	  "/sets/x/elements/0@11+5 bad_value: ...\n" },
	{ "elements: as text, with the place in it",
	  V "sets:\n  x:\n    type: ip\n    elements: |\n      10.0.0.1 # one\n      # none\n\n"
	  "      10.0.0.300\n      10.0.0.2\n      10.0.0.1/8\n",
	  "/sets/x/elements:4:1+10 bad_value: ...\n"
	  "/sets/x/elements:6:1+10 bad_value: ...\n" },
	{ "elements: a word that is far too long",
	  SET("type: ip, elements: [" C43 C43 C43 "]"),
	  "/sets/x/elements/0@0+129 bad_value: 'cccccccccccccccccccccccccccccccccccccccc...'"
	  " is no value\n" },
	{ "elements: 'file' is not for the daemon",
	  SET("type: ip, file: bad.txt"),
	  "/sets/x/file not_read: 'file' is read by the command 'shunt' alone"
	  " [give its text as 'elements']\n" },

	{ "elements: in both places",
	  SET("type: ip, file: bad.txt, elements: [10.0.0.1]"),
	  "/sets/x/file! twice: a set has 'elements' or a 'file', not both\n" },

	/* dynamic sets */
	{ "dynamic: elements",
	  SET("type: ip, dynamic: true, elements: [10.0.0.1]"),
	  "/sets/x/elements! dynamic: a dynamic set has no 'elements'" HINT_STATE "\n" },
	{ "dynamic: a file, and a timeout",
	  SET("type: ip, timeout: 10m, file: bad.txt"),
	  "/sets/x/file! dynamic: a dynamic set has no 'file'" HINT_STATE "\n" },
	{ "dynamic: false, and a timeout",
	  SET("type: ip, dynamic: false, timeout: 10m"),
	  "/sets/x/dynamic bad_value: a set with a 'timeout' is dynamic\n" },
	{ "dynamic: no truth value",
	  SET("type: ip, dynamic: yes"),
	  "/sets/x/dynamic bad_value: 'dynamic' is 'true' or 'false', not 'yes'\n" },
	{ "dynamic: no time",
	  SET("type: ip, timeout: 10"),
	  "/sets/x/timeout bad_value: the timeout of a set is a time up to 3650d, not '10'"
	  HINT_TIME "\n" },
	{ "dynamic: no time at all",
	  SET("type: ip, timeout: 0s"),
	  "/sets/x/timeout bad_value: the timeout of a set is a time up to 3650d, not '0s'"
	  HINT_TIME "\n" },
	{ "dynamic: too long a time",
	  SET("type: ip, timeout: 3650d1s"),
	  "/sets/x/timeout bad_value: the timeout of a set is a time up to 3650d, not '3650d1s'"
	  HINT_TIME "\n" },
	{ "dynamic: a time of 2^64 seconds",
	  SET("type: ip, timeout: 18446744073709551617s"),
	  "/sets/x/timeout bad_value: the timeout of a set is a time up to 3650d, not"
	  " '18446744073709551617s'" HINT_TIME "\n" },
	{ "dynamic: no room",
	  SET("type: ip, dynamic: true, size: 0"),
	  "/sets/x/size bad_value: a set has room for one at least\n" },
	{ "dynamic: too much room",
	  SET("type: ip, dynamic: true, size: 4194305"),
	  "/sets/x/size bad_value: the size of a set is a number from 0 to 4194304,"
	  " not '4194305'\n" },
	{ "static: size and counters",
	  SET("type: ip, size: 10, counters: true, elements: [10.0.0.1]"),
	  "/sets/x/size not_dynamic: only a dynamic set has 'size'" HINT_DYNAMIC "\n"
	  "/sets/x/counters not_dynamic: only a dynamic set has 'counters'" HINT_DYNAMIC "\n" },

	/* maps */
	{ "map: no type",
	  MAP("elements: { 10.0.0.1: drop }"),
	  "/maps/x missing_key: map 'x' lacks 'type'\n" },
	{ "map: unknown type",
	  MAP("type: mac"),
	  "/maps/x/type bad_value: the type of a map is " TYPES ", not 'mac'" HINT_TYPE "\n" },
	{ "map: interfaces",
	  MAP("type: iif, elements: { eth0: accept }"),
	  "/maps/x/type not_dynamic: a map has no 'iif' in its type"
	  " [interfaces come and go: name them in the rule]\n" },
	{ "map: elements a list",
	  MAP("type: ip, elements: [10.0.0.1]"),
	  "/maps/x/elements wrong_kind: 'elements' must be a map, not a list\n" },
	{ "map: a name that rules cannot spell",
	  V "maps: { X: { type: ip } }\n",
	  "/maps/X! bad_name: 'X' is no name for a map " HINT_SET "\n" },
	{ "map: a wrong element and a wrong verdict",
	  MAP("type: ip, elements: { 10.0.0.256: accept, 10.0.0.0/8: acept }"),
	  "/maps/x/elements/10.0.0.256!@0+10 bad_value: ...\n"
	  "/maps/x/elements/10.0.0.0~18@0+5 unknown_keyword: ...\n" },
	{ "map: more than a verdict",
	  MAP("type: ip, elements: { 10.0.0.1: tcp dport 80 accept }"),
	  "/maps/x/elements/10.0.0.1 bad_value: 'tcp dport 80 accept' is more than a verdict"
	  HINT_VERDICT "\n" },
	{ "map: a verdict with a comment",
	  MAP("type: ip, elements: { 10.0.0.1: 'accept comment \"x\"' }"),
	  "/maps/x/elements/10.0.0.1 bad_value: 'accept comment \"x\"' is more than a verdict"
	  HINT_VERDICT "\n" },
	{ "map: a verdict that is a list",
	  MAP("type: ip, elements: { 10.0.0.1: [accept] }"),
	  "/maps/x/elements/10.0.0.1 wrong_kind: a verdict must be a single value, not a list\n" },
	{ "map: a reason that is a slip",
	  MAP("type: ip, elements: { 10.0.0.1: drop(polic) }"),
	  "/maps/x/elements/10.0.0.1@5+5 no_such_reason: no drop reason 'polic'"
	  " [did you mean 'policy'?]\n" },
	{ "map: overlap, in the order of the file",
	  MAP("type: ip, elements: { 10.1.0.0/16: accept, 10.0.0.0/8: drop }"),
	  "/maps/x/elements/10.0.0.0~18! overlap: '10.1.0.0/16' and '10.0.0.0/8' overlap,"
	  " with different verdicts\n" },
	{ "map: overlap with one before the one before",
	  MAP("type: port, elements: { 1-100: accept, 2-3: accept, 50: drop }"),
	  "/maps/x/elements/50! overlap: '1-100' and '50' overlap, with different verdicts\n" },
	{ "map: one value, written twice",
	  MAP("type: port, elements: { 80: drop(a), 0x50: drop(b) }"),
	  "/maps/x/elements/0x50! overlap: '80' and '0x50' overlap, with different verdicts\n" },
	{ "map: overlap of tuples, not of their first values alone",
	  MAP("type: ip . port, elements: { 10.0.0.0/8 . 80: accept, 10.0.0.1 . 81: drop, "
	      "10.0.0.2 . 70-80: goto web }"),
	  "/maps/x/elements/10.0.0.2 . 70-80! overlap: '10.0.0.0/8 . 80' and '10.0.0.2 . 70-80'"
	  " overlap, with different verdicts\n" },
	{ "map: taken for a set",
	  MAP("type: ip") GUARD "ip saddr @x drop\n",
	  "/nodes/guard/rules/0@9+2 no_such_set: no set 'x' [it is a map: maps go behind 'vmap']\n" },

	/* sets and maps in rules */
	{ "rule: a set of tuples, in another order",
	  SET("type: port . ip") GUARD "ip saddr . tcp dport @x drop\n",
	  "/nodes/guard/rules/0@21+2 set_type: set 'x' is of type port . ip,"
	  " here one of type ip . port is needed\n" },
	{ "rule: a set of tuples that is not there",
	  SET("type: ip . port") GUARD "ip saddr . tcp dport @y drop\n",
	  "/nodes/guard/rules/0@21+2 no_such_set: no set 'y'\n" },
	{ "rule: either address, either port",
	  SET("type: ip . port") GUARD "ip daddr . tcp sport @x ip saddr . tcp dport @z drop\n",
	  "/nodes/guard/rules/0@45+2 no_such_set: no set 'z'\n" },
	{ "rule: add to a static set",
	  SET("type: ip") GUARD "add @x { ip saddr }\n",
	  "/nodes/guard/rules/0@4+2 not_dynamic: set 'x' is not dynamic: rules cannot add to it"
	  " [give the set 'dynamic: true' or a 'timeout']\n" },
	{ "rule: add what the set does not hold",
	  SET("type: ip, timeout: 1m") GUARD "add @x { ip saddr . tcp dport }\n",
	  "/nodes/guard/rules/0@4+2 set_type: set 'x' is of type ip,"
	  " here one of type ip . port is needed\n" },
	{ "rule: add to a set that is not there",
	  SET("type: ip, timeout: 1m") GUARD "add @xx { ip saddr }\n",
	  "/nodes/guard/rules/0@4+3 no_such_set: no set 'xx' [did you mean 'x'?]\n" },
	{ "rule: no map",
	  MAP("type: ip") GUARD "ip saddr vmap @y\n",
	  "/nodes/guard/rules/0@14+2 no_such_map: no map 'y'\n" },
	{ "rule: a map of another type",
	  MAP("type: ip") GUARD "tcp dport vmap @x\n",
	  "/nodes/guard/rules/0@15+2 set_type: map 'x' is of type ip,"
	  " here one of type port is needed\n" },
	{ "rule: a map in a section of a wrong kind is not missed",
	  V "maps: [x]\n" GUARD "ip saddr vmap @x\n",
	  "/maps wrong_kind: 'maps' must be a map, not a list\n" },
	{ "rule: a reason in a vmap that is a slip",
	  V GUARD "'tcp dport vmap { 22 : drop(polic), 23 : accept }'\n",
	  "/nodes/guard/rules/0@27+5 no_such_reason: no drop reason 'polic'"
	  " [did you mean 'policy'?]\n" },
	{ "rule: a tuple where one value is needed",
	  SET("type: ip . port") GUARD "ip saddr @x drop\n",
	  "/nodes/guard/rules/0@9+2 set_type: set 'x' is of type ip . port,"
	  " here one of type ip is needed\n" },

	/* chains */
	{ "chain: a name that rules cannot spell",
	  V "nodes: { a: { module: filter, chains: { Web: [] } } }\n",
	  "/nodes/a/chains/Web! bad_name: 'Web' is no name for a chain " HINT_SET "\n" },
	{ "chain: no list",
	  V "nodes: { a: { module: filter, chains: { web: drop } } }\n",
	  "/nodes/a/chains/web wrong_kind: a chain must be a list, not a single value\n" },
	{ "chain: a rule that is none",
	  V "nodes: { a: { module: filter, chains: { web: [accept, acept] } } }\n",
	  "/nodes/a/chains/web/1@0+5 unknown_keyword: ...\n" },
	{ "chain: sets are looked for",
	  V "nodes: { a: { module: filter, chains: { web: [ip saddr @x drop] } } }\n",
	  "/nodes/a/chains/web/0@9+2 no_such_set: no set 'x'\n" },

	/* jumps */
	{ "jump: no such chain",
	  CHAINS("web: [accept]") "      - tcp dport 80 jump wed\n",
	  "/nodes/a/rules/0@18+3 no_such_chain: node 'a' has no chain 'wed'"
	  " [did you mean 'web'?]\n" },
	{ "jump: the chain of another node",
	  V "nodes: { b: { module: filter, chains: { web: [] } }, "
	  "a: { module: filter, rules: [jump web] } }\n",
	  "/nodes/a/rules/0@5+3 no_such_chain: node 'a' has no chain 'web'\n" },
	{ "jump: a name that is a part of the word",
	  CHAINS("ump: [jump ump]"),
	  "/nodes/a/chains/ump/0@5+3 cycle: chains jump in a circle: ump -> ump\n" },
	{ "jump: by a vmap",
	  CHAINS("web: [accept]") "      - 'tcp dport vmap { 80 : jump web, 81 : jump mail }'\n",
	  "/nodes/a/rules/0@42+4 no_such_chain: node 'a' has no chain 'mail'\n" },
	{ "jump: by a map, once",
	  V "maps: { m: { type: port, elements: { 80: jump web, 81: jump mail } } }\n"
	  "nodes: { a: { module: filter, chains: { web: [] },"
	  " rules: [tcp dport vmap @m, udp dport vmap @m] } }\n",
	  "/nodes/a/rules/0@15+2 no_such_chain: map 'm' jumps to 'mail':"
	  " node 'a' has no such chain\n" },
	{ "jump: chains of a wrong kind are not missed",
	  V "nodes: { a: { module: filter, chains: [web], rules: [jump web] } }\n",
	  "/nodes/a/chains wrong_kind: 'chains' must be a map, not a list\n" },
	{ "jump: to itself",
	  CHAINS("web: [tcp dport 80 jump web]"),
	  "/nodes/a/chains/web/0@18+3 cycle: chains jump in a circle: web -> web\n" },
	{ "jump: in a circle, not from where it begins",
	  CHAINS("a: [jump b], b: [accept, tcp dport 1 jump c], c: [jump d], d: [jump b]"),
	  "/nodes/a/chains/d/0@5+1 cycle: chains jump in a circle: b -> c -> d -> b\n" },
	{ "jump: in a circle by a map",
	  V "maps: { m: { type: port, elements: { 80: jump b } } }\n"
	  "nodes: { a: { module: filter, chains: { b: [tcp dport vmap @m] } } }\n",
	  "/nodes/a/chains/b/0@15+2 cycle: chains jump in a circle: b -> b\n" },
	{ "jump: nine deep",
	  CHAINS("a1: [jump a2], a2: [jump a3], a3: [jump a4], a4: [jump a5], a5: [jump a6],"
		 " a6: [jump a7], a7: [jump a8], a8: [jump a9], a9: [accept]"),
	  "/nodes/a/chains/a8/0@5+2 too_deep: jumps are nested deeper than 8 chains:"
	  " a1 -> a2 -> a3 -> a4 -> a5 -> a6 -> a7 -> a8 -> a9\n" },
	{ "jump: nine deep, known from the end",
	  CHAINS("i: [jump h], h: [jump g], g: [jump f], f: [jump e], e: [jump d], d: [jump c],"
		 " c: [jump b], b: [jump a], a: [accept]"),
	  "/nodes/a/chains/i/0@5+1 too_deep: jumps are nested deeper than 8 chains:"
	  " i -> h -> ...\n" },
};

#endif
