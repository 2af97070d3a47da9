// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* expr_action_test.c - concatenations, maps, statements and verdicts */
#include "../lib/expr_rows.h"

#include <shunt/packet.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define KEYS "addresses, ports, protocol, MACs, VLAN id, interface, marks, flow state, zone and direction can"

static const struct accept_row accepted[] = {
	/* concatenations */
	{ "ip saddr . tcp dport { 10.0.0.1 . 80, 10.0.0.0/8 . 1024-65535 } accept", NULL },
	{ "ip saddr . tcp dport 10.0.0.1 . 80 accept",
	  "ip saddr . tcp dport { 10.0.0.1 . 80 } accept" },
	{ "ip saddr.tcp dport{10.0.0.1 .80} accept",
	  "ip saddr . tcp dport { 10.0.0.1 . 80 } accept" },
	{ "ip6 saddr . ip6 daddr . udp dport @trio accept", NULL },
	{ "ip saddr . meta l4proto != @pairs accept", "ip saddr . ip protocol != @pairs accept" },
	{ "ip saddr . tcp dport @a ip saddr . tcp dport @a accept",
	  "ip saddr . tcp dport @a accept" },
	{ "meta l4proto . th dport { udp . 53, 6 . 853 } accept",
	  "meta l4proto . th dport { udp . 53, tcp . 853 } accept" },
	{ "ether saddr . vlan id . iif { 02:00:00:00:00:01 . 5 . \"eth*\" } accept",
	  "ether saddr . vlan id . iifname { 02:00:00:00:00:01 . 5 . \"eth*\" } accept" },
	{ "meta mark . ip daddr { 1-2 . 10.0.0.1 } accept",
	  "meta mark . ip daddr { 0x1-0x2 . 10.0.0.1 } accept" },
	/* maps */
	{ "tcp dport vmap { 22 : accept, 80-90 : goto web }", NULL },
	{ "tcp dport vmap { 22: drop(closed), 23:return } comment \"x\"",
	  "tcp dport vmap { 22 : drop(closed), 23 : return } comment \"x\"" },
	{ "ip saddr vmap @map", NULL },
	{ "ip6 saddr vmap { ::1 : accept, 2001:db8::/32 : jump docs }", NULL },
	{ "ip saddr . tcp dport vmap { 10.0.0.1 . 80 : accept, 10.0.0.1 . 81 : drop }", NULL },
	{ "ip saddr . tcp dport vmap @map", NULL },
	{ "icmp type vmap { 8 : accept, echo-reply : accept }",
	  "icmp type vmap { echo-request : accept, echo-reply : accept }" },
	{ "iif vmap { eth0 : accept, \"w*\" : jump wan }",
	  "iifname vmap { \"eth0\" : accept, \"w*\" : jump wan }" },
	{ "ip saddr 10.0.0.0/8 log tcp dport vmap { 1 : drop }", NULL },
	{ "meta l4proto vmap { tcp : jump tcp_rules, udp : jump udp_rules }", NULL },
	{ "frag vmap { first : accept, later : drop }", NULL },
	/* statements */
	{ "counter name web accept", "counter name \"web\" accept" },
	{ "tcp dport 80 counter name \"web\"", NULL },
	{ "log accept", NULL },
	{ "log prefix \"in: \" every 100 drop", NULL },
	{ "log every 1 drop", "log drop" },
	{ "limit rate 10/second accept", NULL },
	{ "limit rate over 10 packets / second drop", "limit rate over 10/second drop" },
	{ "limit rate 5/minute burst 5 packets accept", "limit rate 5/minute accept" },
	{ "limit rate 5/hour burst 6 packets accept", NULL },
	{ "limit rate 2048 kbytes/second burst 1024 bytes accept",
	  "limit rate 2 mbytes/second burst 1 kbytes accept" },
	{ "limit rate over 1000 bytes/day drop", NULL },
	{ "limit rate 10/second per saddr accept", NULL },
	{ "limit rate 10/second per saddr/32,/64 accept", "limit rate 10/second per saddr accept" },
	{ "limit rate 10/second per daddr/24 accept", NULL },
	{ "limit rate 10/second per saddr , / 48 accept",
	  "limit rate 10/second per saddr/32,/48 accept" },
	{ "limit rate over 1 mbytes/second burst 4 mbytes per saddr/24,/56 drop", NULL },
	{ "quota 10 mbytes accept", NULL },
	{ "quota until 1024 mbytes accept", "quota 1 gbytes accept" },
	{ "quota over 1000 bytes drop", NULL },
	{ "ct count 10 accept", NULL },
	{ "ct state new ct  count over 20 drop", "ct state new ct count over 20 drop" },
	{ "ct count over 0 drop", NULL },
	{ "tcp dport 22 ct count over 3 per saddr drop", NULL },
	{ "ct count over 3 per saddr/32,/64 drop", "ct count over 3 per saddr drop" },
	{ "ct count 4294967295 per daddr/24 log accept", NULL },
	{ "ct count over 3 per saddr,/56 log prefix \"many\" drop",
	  "ct count over 3 per saddr/32,/56 log prefix \"many\" drop" },
	{ "meta mark set 16", "meta mark set 0x10" },
	{ "meta mark set 0 accept", "meta mark set 0x0 accept" },
	{ "meta mark set mark and 0xff00 xor 0x1 accept", NULL },
	{ "meta mark set meta mark & 0xff00 ^ 1 accept",
	  "meta mark set mark and 0xff00 xor 0x1 accept" },
	{ "mark set mark xor 3", "meta mark set mark xor 0x3" },
	{ "meta mark set mark or 0x3", "meta mark set mark and 0xfffffffc xor 0x3" },
	{ "meta mark set meta mark & 0xf0 | 0x1", "meta mark set mark and 0xf0 xor 0x1" },
	{ "meta mark set mark and 0xf", NULL },
	{ "meta mark set mark and 0 xor 7", "meta mark set 0x7" },
	{ "add @seen { ip saddr }", NULL },
	{ "add @seen { ip saddr timeout 10m } drop", NULL },
	{ "update @seen { ip saddr . tcp dport timeout 90m } drop",
	  "update @seen { ip saddr . tcp dport timeout 1h30m } drop" },
	{ "add @seen{meta l4proto . th dport timeout 1d2h3m4s5ms}",
	  "add @seen { meta l4proto . th dport timeout 1d2h3m4s5ms }" },
	{ "limit rate over 5/second add @bad { ip6 saddr } log drop", NULL },
	{ "counter name a counter name b counter name a",
	  "counter name \"a\" counter name \"b\" counter name \"a\"" },
	/* verdicts */
	{ "return", NULL },
	{ "jump checks", NULL },
	{ "ip saddr 10.0.0.0/8 jump inside comment \"c\"", NULL },
	{ "log comment \"no verdict\"", NULL },
	{ "goto reject", NULL },
	{ "reject", NULL },
	{ "reject with icmpx port-unreachable", "reject" },
	{ "reject with icmp port-unreachable", "meta nfproto ipv4 reject" },
	{ "ip saddr 10.0.0.1 reject with icmp type port-unreachable", "ip saddr 10.0.0.1 reject" },
	{ "reject with tcp reset", NULL },
	{ "meta l4proto tcp reject with tcp reset", "reject with tcp reset" },
	{ "ip protocol tcp reject with tcp reset", "meta nfproto ipv4 reject with tcp reset" },
	{ "tcp dport 25 reject with tcp reset", NULL },
	{ "synproxy", NULL },
	{ "meta l4proto tcp goto synproxy", "synproxy" },
	{ "tcp dport { 80, 443 } synproxy comment \"c\"", NULL },
	{ "ip saddr 10.0.0.0/8 synproxy", NULL },
	{ "tcp dport vmap { 80 : synproxy, 81 : drop }", NULL },
	{ "reject with icmp host-unreachable", NULL },
	{ "reject with icmp net-prohibited", NULL },
	{ "reject with icmpv6 addr-unreachable", NULL },
	{ "reject with icmpv6 type policy-fail", "reject with icmpv6 policy-fail" },
	{ "reject with icmpx host-unreachable", NULL },
	{ "reject with icmpx no-route", NULL },
	{ "reject with icmpx admin-prohibited", NULL },
	{ "ip saddr 10.0.0.1 reject with icmpx no-route",
	  "ip saddr 10.0.0.1 reject with icmp net-unreachable" },
	{ "ip6 saddr ::1 reject with icmpx host-unreachable",
	  "ip6 saddr ::1 reject with icmpv6 addr-unreachable" },
	{ "ip6 saddr ::1 reject with icmpx no-route", "ip6 saddr ::1 reject with icmpv6 no-route" },
};

#define NAME "a name is a letter, then up to 30 of a-z, 0-9, '_' and '-'"
#define TIMES "days to milliseconds: 1d2h3m4s, 500ms"

static const struct refuse_row refused[] = {
	{ "ip saddr . tcp flags @a drop", "bad_value", 11, 9,
	  "'tcp flags' cannot be part of a concatenation",
	  KEYS },
	{ "ip ttl . tcp dport @a drop", "bad_value", 0, 6,
	  "'ip ttl' cannot be part of a concatenation",
	  KEYS },
	{ "ip saddr . ip saddr @a drop", "bad_value", 11, 8,
	  "the field is in the concatenation already", NULL },
	{ "ip saddr . ip6 saddr @a drop", "never_matches", 11, 9,
	  "'ip6 saddr' can never match: it contradicts 'ip saddr' (character 1)", NULL },
	{ "ip saddr . @a drop", "expected", 11, 1, "expected a field behind '.'", NULL },
	{ "ip saddr . 10.0.0.1 drop", "unknown_keyword", 11, 2, "unknown field '10'",
	  "fields stand first, then the values: a . b { 1 . 2 }" },
	{ "ip saddr . tcp dport { 10.0.0.1.80 } drop", "bad_value", 23, 11,
	  "'10.0.0.1.80' is not an IPv4 address", NULL },
	{ "ip saddr . tcp dport { 10.0.0.1 } drop", "expected", 32, 1, "expected '.' and a port",
	  "blanks stand around the '.' between values" },
	{ "ip saddr . tcp dport { 10.0.0.1 . 80 . 1 } drop", "expected", 37, 1,
	  "expected ',' or '}'", NULL },
	{ "ip saddr . tcp dport != { 10.0.0.1 . 80 } drop", "expected", 24, 1,
	  "expected '@' and the name of a set",
	  "'!=' of concatenations takes a set of the configuration" },
	{ "ip saddr . tcp dport @a ip saddr . tcp dport != @a drop", "never_matches", 24, 26,
	  "'ip saddr . tcp dport != @a' can never match: it contradicts 'ip saddr . tcp dport @a' (character 1)",
	  NULL },
	{ "tcp dport 22 ip saddr . tcp dport { 10.0.0.1 . 80 } drop", "never_matches", 13, 38,
	  "'ip saddr . tcp dport { 10.0.0.1 . 80 }' can never match: it contradicts 'tcp dport 22' (character 1)",
	  NULL },
	{ "ip saddr . ip daddr . meta l4proto . th sport . th dport . vlan id @a drop",
	  "too_many", 59, 4, "a concatenation has at most 5 fields", NULL },
	{ "tcp dport vmap { 22 : accept, 20-30 : drop }", "bad_value", 30, 5,
	  "'20-30' overlaps with element 1", NULL },
	{ "tcp dport vmap { 22 accept }", "expected", 20, 1, "expected ':' and a verdict",
	  "blanks stand around the ':'" },
	{ "tcp dport vmap { 22 : acept }", "bad_value", 22, 5, "'acept' is not a verdict",
	  "did you mean 'accept'?" },
	{ "tcp dport vmap { 22 : reject }", "bad_value", 22, 6,
	  "a map's verdict cannot be 'reject'", "'jump' to a chain that rejects" },
	{ "tcp dport vmap { 22 : accept } drop", "expected", 31, 1,
	  "expected 'comment' or the end of the rule", NULL },
	{ "tcp dport vmap 22", "expected", 15, 1,
	  "expected '{' or '@' and the name of a map", NULL },
	{ "tcp flags vmap { syn : drop }", "bad_value", 0, 9,
	  "'tcp flags' has no values to map", NULL },
	{ "ip ttl vmap @map", "bad_value", 0, 6, "'ip ttl' cannot be part of a map's key",
	  KEYS },
	{ "tcp dport 22 tcp dport vmap { 80 : drop }", "never_matches", 13, 28,
	  "'tcp dport vmap { 80 : drop }' can never match: it contradicts 'tcp dport 22' (character 1)",
	  NULL },
	{ "log ip saddr 10.0.0.1 drop", "expected", 4, 8,
	  "expected a statement, a verdict or 'vmap'", "matches stand before statements" },
	{ "log @th,0,8 1 drop", "expected", 4, 1, "expected a statement, a verdict or 'vmap'",
	  "matches stand before statements" },
	{ "accept log", "expected", 7, 1, "expected 'comment' or the end of the rule",
	  "the verdict is last" },
	{ "tcp dport 22 comment \"x\"", "expected", 13, 1,
	  "expected a match, a statement or a verdict",
	  "a rule ends with 'accept', 'drop', 'reject', 'synproxy', 'goto EDGE', 'jump CHAIN' or 'return'" },
	{ "counter packets 0 bytes 0 drop", "unknown_keyword", 0, 7, "unknown keyword 'counter'",
	  "every rule counts: leave it out, or share one: counter name NAME" },
	{ "counter name Web", "bad_name", 13, 3, "'Web' is not the name of a counter", NAME },
	{ "counter name \"web", "expected", 17, 0, "expected '\"' behind the name", NULL },
	{ "log level warn drop", "unknown_keyword", 4, 5, "unknown keyword 'level'", NULL },
	{ "log prefix x drop", "expected", 11, 1, "expected a prefix in double quotes", NULL },
	{ "log every 0 drop", "bad_value", 10, 1,
	  "'0' is not a number of packets: 1 to 4294967295", NULL },
	{ "limit 5/second drop", "expected", 6, 1, "expected 'rate'", "limit rate 10/second" },
	{ "limit rate 0/second drop", "bad_value", 11, 1,
	  "'0' is not a number: 1 to 1099511627776", NULL },
	{ "limit rate 5 drop", "expected", 13, 1, "expected '/' and a unit of time",
	  "limit rate 10/second" },
	{ "limit rate 5/week drop", "expected", 13, 1,
	  "expected 'second', 'minute', 'hour' or 'day'", NULL },
	{ "limit rate 2000000 mbytes/second drop", "bad_value", 11, 14,
	  "'2000000 mbytes' is too much", NULL },
	{ "limit rate 5/second burst 5 drop", "expected", 28, 1, "expected 'packets'",
	  "a burst is in the unit of its rate" },
	{ "limit rate 5 kbytes/second burst 5 packets drop", "expected", 35, 1,
	  "expected 'bytes', 'kbytes' or 'mbytes'", "a burst is in the unit of its rate" },
	{ "limit rate 5/second per ip drop", "expected", 24, 1,
	  "expected 'saddr' or 'daddr'", NULL },
	{ "limit rate 5/second per saddr/48 drop", "bad_value", 30, 2,
	  "'48' is not a prefix length: 1 to 32", NULL },
	{ "limit rate 5/second per saddr/24,48 drop", "expected", 33, 1,
	  "expected '/' and a prefix length", "per saddr/24,/48" },
	{ "ct count drop", "bad_value", 9, 4,
	  "'drop' is not a number of connections: 0 to 4294967295", NULL },
	{ "ct count over 4294967296 drop", "bad_value", 14, 10,
	  "'4294967296' is not a number of connections: 0 to 4294967295", NULL },
	{ "ct count 5 per ip drop", "expected", 15, 1, "expected 'saddr' or 'daddr'", NULL },
	{ "ct count 5 per saddr/33 drop", "bad_value", 21, 2,
	  "'33' is not a prefix length: 1 to 32", NULL },
	{ "ct count 5 ct state new drop", "expected", 11, 8,
	  "expected a statement, a verdict or 'vmap'", "matches stand before statements" },
	{ "quota 5 drop", "expected", 8, 1,
	  "expected 'bytes', 'kbytes', 'mbytes' or 'gbytes'", NULL },
	{ "quota over 99999999999 gbytes drop", "bad_value", 11, 18,
	  "'99999999999 gbytes' is too much", NULL },
	{ "meta mark set drop", "bad_value", 14, 4, "'drop' is not a mark: 0 to 4294967295", NULL },
	{ "meta mark set mark drop", "expected", 19, 1, "expected 'and', 'xor' or 'or'",
	  "mark and 0xff00 xor 0x1" },
	{ "meta mark set mark xor 0", "bad_value", 0, 24, "the mark stays as it is", NULL },
	{ "add seen { ip saddr }", "expected", 4, 1, "expected '@' and the name of a set",
	  "add @seen { ip saddr }" },
	{ "add @seen ip saddr", "expected", 10, 1, "expected '{'", "add @seen { ip saddr }" },
	{ "add @seen { 10.0.0.1 }", "expected", 12, 1,
	  "expected a field", "add @seen { ip saddr }" },
	{ "add @seen { tcp flags }", "bad_value", 12, 9,
	  "'tcp flags' cannot be part of a concatenation",
	  KEYS },
	{ "add @seen { ip saddr timeout 5 }", "bad_value", 29, 1, "'5' is not a time", TIMES },
	{ "add @seen { ip saddr timeout 1m2h }", "bad_value", 29, 4,
	  "'1m2h' is not a time", TIMES },
	{ "add @seen { ip saddr timeout 0s }", "bad_value", 29, 2, "'0s' is not a time", TIMES },
	{ "add @seen { ip saddr timeout 4000d }", "bad_value", 29, 5, "'4000d' is more than 3650d",
	  TIMES },
	{ "add @seen { ip saddr, ip daddr }", "expected", 20, 1,
	  "expected '.', 'timeout' or '}'", NULL },
	{ "udp dport 1 add @seen { tcp dport }", "never_matches", 24, 9,
	  "'tcp dport' can never match: it contradicts 'udp dport' (character 1)", NULL },
	{ "jump Checks", "bad_name", 5, 6, "'Checks' is not the name of a chain", NAME },
	{ "jump", "expected", 4, 0, "expected the name of a chain", NULL },
	{ "return 5", "expected", 7, 1, "expected 'comment' or the end of the rule", NULL },
	{ "continue", "unknown_keyword", 0, 8, "unknown keyword 'continue'",
	  "a rule with a statement and without a verdict goes on by itself" },
	{ "reject with", "expected", 11, 0,
	  "expected 'tcp reset', 'icmp', 'icmpv6' or 'icmpx'", NULL },
	{ "reject with tcp rst", "expected", 16, 1, "expected 'reset'", NULL },
	{ "reject with icmp no-route", "bad_value", 17, 8, "'no-route' is not an answer",
	  "port-unreachable, net-unreachable, host-unreachable, prot-unreachable, net-prohibited, host-prohibited, admin-prohibited" },
	{ "reject with icmpv6 host-unreachable", "bad_value", 19, 16,
	  "'host-unreachable' is not an answer", "did you mean 'port-unreachable'?" },
	{ "reject with icmpx", "expected", 17, 0, "expected an answer",
	  "port-unreachable, host-unreachable, admin-prohibited, no-route" },
	{ "udp dport 1 synproxy", "never_matches", 12, 8,
	  "'synproxy' can never match: it contradicts 'udp dport' (character 1)", NULL },
	{ "udp dport 1 reject with tcp reset", "never_matches", 12, 21,
	  "'reject with tcp reset' can never match: it contradicts 'udp dport' (character 1)",
	  NULL },
	{ "ip6 saddr ::1 reject with icmp host-unreachable", "never_matches", 14, 33,
	  "'reject with icmp host-unreachable' can never match: it contradicts 'ip6 saddr' (character 1)",
	  NULL },
};

static struct arena arena;
static struct diags diags = { .arena = &arena };

static int teardown(void **state)
{
	arena_fini(&arena);
	return 0;
}

static struct expr_rule read_rule(const char *text)
{
	struct expr_rule rule = {0};

	if (expr_parse(text, "", &diags, &rule) < 0)
		fail_msg("'%s': %s", text, diags.v[0].message);
	return rule;
}

static void test_concat(void **state)
{
	struct expr_rule rule =
		read_rule("ip saddr . tcp dport { 10.0.0.0/8 . 80-90, 1.2.3.4 . 7 } "
			  "iif . vlan id @x drop");
	const struct expr_concat *concat = &rule.concat[0];

	assert_int_equal(rule.families, EXPR_FAMILY_4);
	assert_int_equal(rule.n, 1);		/* the protocol */
	assert_int_equal(rule.match[0].field, EXPR_PROTO);
	assert_int_equal(rule.n_concats, 2);
	assert_int_equal(concat->n_fields, 2);
	assert_int_equal(concat->field[0], EXPR_IP_SADDR);
	assert_int_equal(concat->field[1], EXPR_DPORT);
	assert_int_equal(concat->n_tuples, 2);
	assert_int_equal(concat->tuple[0].last.lo, 0x0affffff);
	assert_int_equal(concat->tuple[1].first.lo, 80);
	assert_int_equal(concat->tuple[2].first.lo, 0x01020304);
	assert_int_equal(concat->tuple[3].last.lo, 7);
	assert_null(concat->set);
	assert_string_equal(rule.concat[1].set, "x");
}

/* A name is a number, its first byte the greatest */
static void test_names_in_tuples(void **state)
{
	struct expr_rule rule = read_rule("iif . vlan id { \"e*\" . 1, ab . 2 } drop");
	const struct expr_interval *tuple = rule.concat[0].tuple;

	assert_int_equal(tuple[0].first.hi, 0x6500000000000000);
	assert_int_equal(tuple[0].first.lo, 0);
	assert_int_equal(tuple[0].last.hi, 0x65ffffffffffffff);
	assert_int_equal(tuple[0].last.lo, UINT64_MAX);
	assert_int_equal(tuple[2].first.hi, 0x6162000000000000);
	assert_int_equal(tuple[2].last.hi, 0x6162000000000000);
}

static void test_vmap(void **state)
{
	const char *text = "log tcp dport vmap { 22 : drop(closed), 80 : goto web, 81 : jump c }";
	struct expr_rule rule = read_rule(text);

	assert_non_null(rule.vmap);
	assert_int_equal(rule.verdict.kind, EXPR_CONTINUE);
	assert_int_equal(rule.vmap->key.n_fields, 1);
	assert_int_equal(rule.vmap->key.n_tuples, 3);
	assert_int_equal(rule.vmap->key.offset, 4);
	assert_int_equal(rule.vmap->key.len, strlen(text) - 4);
	assert_int_equal(rule.vmap->verdict[0].kind, EXPR_LEAVE);
	assert_string_equal(rule.vmap->verdict[0].edge, "drop");
	assert_string_equal(rule.vmap->verdict[0].reason, "closed");
	assert_string_equal(rule.vmap->verdict[1].edge, "web");
	assert_int_equal(rule.vmap->verdict[1].offset, strstr(text, "web") - text);
	assert_int_equal(rule.vmap->verdict[2].kind, EXPR_JUMP);
	assert_string_equal(rule.vmap->verdict[2].chain, "c");
	assert_string_equal(read_rule("ip saddr vmap @m").vmap->key.set, "m");
}

static void test_statements(void **state)
{
	struct expr_rule rule =
		read_rule("counter name a log prefix \"p\" every 7 quota over 2 kbytes "
			  "meta mark set mark and 6 xor 1 "
			  "limit rate over 3 kbytes/minute burst 9 bytes per daddr/8,/9 "
			  "update @s { ip saddr . udp dport timeout 5s } drop");
	const struct expr_statement *s = rule.statement;

	assert_int_equal(rule.n_statements, 6);
	assert_int_equal(s[0].kind, EXPR_COUNT);
	assert_string_equal(s[0].name, "a");
	assert_int_equal(s[0].offset, 0);
	assert_int_equal(s[0].len, strlen("counter name a"));
	assert_int_equal(s[1].kind, EXPR_LOG);
	assert_string_equal(s[1].name, "p");
	assert_int_equal(s[1].amount, 7);
	assert_true(s[2].kind == EXPR_QUOTA && s[2].over && s[2].amount == 2048);
	assert_true(s[3].kind == EXPR_SET_MARK && s[3].mark_mask == 6 && s[3].mark == 1);
	assert_true(s[4].kind == EXPR_LIMIT && s[4].over && s[4].bytes);
	assert_int_equal(s[4].amount, 3072);
	assert_int_equal(s[4].interval_ns, 60000000000);
	assert_int_equal(s[4].burst, 9);
	assert_true(s[4].per == EXPR_PER_DADDR && s[4].len4 == 8 && s[4].len6 == 9);
	assert_true(s[5].kind == EXPR_ADD && s[5].update && s[5].n_fields == 2);
	assert_string_equal(s[5].name, "s");
	assert_int_equal(s[5].field[1], EXPR_DPORT);
	assert_int_equal(s[5].timeout_ns, 5000000000);
	assert_int_equal(rule.families, EXPR_FAMILY_4);
	assert_int_equal(rule.match[0].field, EXPR_PROTO);	/* what is added implies it */
}

static void test_count(void **state)
{
	const struct expr_statement *s = read_rule("ct count over 7 per daddr/8,/9 drop").statement;

	assert_true(s->kind == EXPR_CT_COUNT && s->over && s->amount == 7);
	assert_true(s->per == EXPR_PER_DADDR && s->len4 == 8 && s->len6 == 9);
	assert_int_equal(s->len, strlen("ct count over 7 per daddr/8,/9"));
	s = read_rule("ct count 7").statement;
	assert_true(s->kind == EXPR_CT_COUNT && !s->over && s->per == EXPR_PER_RULE);
}

static void test_limit_defaults(void **state)
{
	struct expr_rule rule = read_rule("limit rate 1/second log");

	assert_int_equal(rule.statement[0].burst, 0);
	assert_int_equal(rule.statement[0].per, EXPR_PER_RULE);
	assert_false(rule.statement[0].over || rule.statement[0].bytes);
	assert_int_equal(rule.statement[1].amount, 1);
	assert_null(rule.statement[1].name);
	assert_int_equal(rule.verdict.kind, EXPR_CONTINUE);
}

static void test_verdicts(void **state)
{
	struct expr_rule rule = read_rule("reject with tcp reset");

	assert_int_equal(rule.verdict.kind, EXPR_REJECT);
	assert_int_equal(rule.verdict.reject, SHUNT_REJECT_TCP_RESET);
	assert_string_equal(rule.verdict.edge, "reject");
	assert_int_equal(rule.match[0].interval[0].first.lo, 6);
	rule = read_rule("reject with icmp admin-prohibited");
	assert_int_equal(rule.verdict.reject, SHUNT_REJECT_ADMIN_PROHIBITED);
	assert_int_equal(rule.families, EXPR_FAMILY_4);
	assert_int_equal(read_rule("reject").verdict.reject, SHUNT_REJECT_PORT);
	assert_int_equal(read_rule("ip saddr 1.2.3.4 reject with icmpx no-route").verdict.reject,
			 SHUNT_REJECT_NET);
	rule = read_rule("synproxy");
	assert_int_equal(rule.verdict.kind, EXPR_LEAVE);
	assert_string_equal(rule.verdict.edge, "synproxy");
	assert_int_equal(rule.match[0].interval[0].first.lo, 6);
	rule = read_rule("jump c");
	assert_int_equal(rule.verdict.kind, EXPR_JUMP);
	assert_string_equal(rule.verdict.chain, "c");
	assert_int_equal(read_rule("return").verdict.kind, EXPR_RETURN);
}

static void test_too_many_statements(void **state)
{
	struct expr_rule rule;
	struct buf text = {0};
	unsigned int i;

	for (i = 0; i < 17; i++)
		buf_str(&text, "log ");
	assert_int_equal(expr_parse(text.data, "", &diags, &rule), -EINVAL);
	assert_string_equal(diags.v[0].code, "too_many");
	diags.n = diags.total = 0;
	assert_int_equal(read_rule(text.data + 4).n_statements, 16);
	buf_fini(&text);
}

#define WHOLE(f) cmocka_unit_test_teardown(f, teardown)

int main(void)
{
	static const struct CMUnitTest whole[] = {
		WHOLE(test_concat),
		WHOLE(test_names_in_tuples),
		WHOLE(test_vmap),
		WHOLE(test_statements),
		WHOLE(test_count), WHOLE(test_limit_defaults),
		WHOLE(test_verdicts),
		WHOLE(test_too_many_statements),
	};

	return expr_rows_main(accepted, N(accepted), refused, N(refused), whole, N(whole));
}
