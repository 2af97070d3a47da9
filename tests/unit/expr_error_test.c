// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* expr_error_test.c - rules that are refused: where, and how it is told */
#include "../lib/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <model/expr.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

#define LAST "a rule ends with 'accept', 'drop', 'reject', 'synproxy', 'goto EDGE', 'jump CHAIN' or 'return'"

struct refuse_case {
	const char *text;
	const char *code;
	int offset, len;
	const char *message;
	const char *hint;		/* NULL: none */
};

static const struct refuse_case cases[] = {
	{ "tcp dport 022 drop", "bad_value", 10, 3, "'022' is not a port",
	  "a port is a number from 0 to 65535, without leading zeros" },
	{ "", "expected", 0, 0, "expected a match, a statement or a verdict", LAST },
	{ "   ", "expected", 3, 0, "expected a match, a statement or a verdict", LAST },
	{ "ip", "expected", 2, 0, "expected a field of 'ip'",
	  "'ip' has 'saddr', 'daddr', 'protocol', 'length', 'dscp', 'ttl'" },
	{ "ip saddr", "expected", 8, 0, "expected an IPv4 address", NULL },
	{ "ip saddr 10.0.0.1", "expected", 17, 0,
	  "expected a match, a statement or a verdict", LAST },
	{ "ip saddr drop", "bad_value", 9, 4, "'drop' is not an IPv4 address", NULL },
	{ "ip sadr 10.0.0.1 drop", "unknown_field", 3, 4, "unknown field 'ip sadr'",
	  "did you mean 'saddr'?" },
	{ "ipp saddr 10.0.0.1 drop", "unknown_keyword", 0, 3, "unknown keyword 'ipp'",
	  "did you mean 'ip'?" },
	{ "saddr 10.0.0.1 drop", "unknown_keyword", 0, 5, "unknown keyword 'saddr'",
	  "did you mean 'ip saddr'?" },
	{ "udp sprot { 19, 53 } drop", "unknown_field", 4, 5, "unknown field 'udp sprot'",
	  "did you mean 'sport'?" },
	{ "dropp", "unknown_keyword", 0, 5, "unknown keyword 'dropp'",
	  "did you mean 'drop'?" },
	{ "acept", "unknown_keyword", 0, 5, "unknown keyword 'acept'",
	  "did you mean 'accept'?" },
	{ "drop accept", "expected", 5, 1, "expected 'comment' or the end of the rule", NULL },
	{ "drop tcp dport 22", "expected", 5, 1,
	  "expected 'comment' or the end of the rule", "the verdict is last" },
	{ "drop coment \"x\"", "expected", 5, 1,
	  "expected 'comment' or the end of the rule", NULL },
	{ "drop comment x", "expected", 13, 1, "expected a comment in double quotes", NULL },
	{ "drop comment \"x", "expected", 15, 0,
	  "expected '\"' at the end of the comment", NULL },
	{ "drop comment \"x\" y", "expected", 17, 1, "expected the end of the rule", NULL },
	{ "drop(", "expected", 5, 0, "expected the name of a reason", NULL },
	{ "drop()", "expected", 5, 1, "expected the name of a reason", NULL },
	{ "drop(a", "expected", 6, 0, "expected ')'", NULL },
	{ "drop(Abc)", "bad_name", 5, 3, "'Abc' is not the name of a reason",
	  "a name is a letter, then up to 30 of a-z, 0-9, '_' and '-'" },
	{ "goto", "expected", 4, 0, "expected the name of an edge", NULL },
	{ "goto 9x", "bad_name", 5, 2, "'9x' is not the name of an edge",
	  "a name is a letter, then up to 30 of a-z, 0-9, '_' and '-'" },
	{ "goto UP", "bad_name", 5, 2, "'UP' is not the name of an edge",
	  "a name is a letter, then up to 30 of a-z, 0-9, '_' and '-'" },
	{ "goto abcdefghijklmnopqrstuvwxyzabcdefg", "bad_name", 5, 33,
	  "'abcdefghijklmnopqrstuvwxyzabcdefg' is not the name of an edge",
	  "a name is a letter, then up to 30 of a-z, 0-9, '_' and '-'" },
	{ "counter drop", "unknown_keyword", 0, 7, "unknown keyword 'counter'",
	  "every rule counts: leave it out, or share one: counter name NAME" },
	{ "tcp dport = 22 drop", "expected", 10, 1, "expected a value",
	  "did you mean '=='?" },
	{ "tcp flags > 2 drop", "expected", 10, 1, "expected a value",
	  "'<' and '>' stand before numbers only" },
	{ "tcp dport < @web drop", "expected", 12, 1, "expected a value",
	  "'<' and '>' stand before numbers only" },
	{ "tcp dport < 1-2 drop", "bad_value", 0, 15,
	  "'<' and '>' stand before one value, not a list or range", NULL },
	{ "tcp dport > 65535 drop", "never_matches", 0, 17,
	  "'tcp dport > 65535' can never match: it leaves no value", NULL },
	{ "ip ttl < 0 drop", "never_matches", 0, 10,
	  "'ip ttl < 0' can never match: it leaves no value", NULL },
	{ "tcp dport ssh drop", "bad_value", 10, 3, "'ssh' is not a port",
	  "a port is a number from 0 to 65535" },
	{ "tcp dport 70000 drop", "bad_value", 10, 5, "'70000' is not a port: 0 to 65535", NULL },
	{ "tcp dport { 22, 70000 } drop", "bad_value", 16, 5,
	  "'70000' is not a port: 0 to 65535", NULL },
	{ "tcp dport 1-70000 drop", "bad_value", 12, 5,
	  "'70000' is not a port: 0 to 65535", NULL },
	{ "tcp dport 90-80 drop", "bad_value", 10, 5, "'90-80' begins above its end", NULL },
	{ "tcp dport 99999999999999999999999 drop", "bad_value", 10, 23,
	  "'99999999999999999999999' is not a port: 0 to 65535", NULL },
	{ "tcp dport -5 drop", "expected", 10, 0, "expected a port", NULL },
	{ "tcp dport 5- drop", "bad_value", 13, 4, "'drop' is not a port",
	  "a port is a number from 0 to 65535" },
	{ "tcp dport 1-2-3 drop", "bad_value", 12, 3, "'2-3' is not a port",
	  "a port is a number from 0 to 65535" },
	{ "tcp dport { } drop", "expected", 12, 1, "expected a port", NULL },
	{ "tcp dport { 22 drop", "expected", 15, 1, "expected ',' or '}'", NULL },
	{ "tcp dport { 22, } drop", "expected", 16, 1, "expected a port", NULL },
	{ "tcp dport { 22 23 } drop", "expected", 15, 1, "expected ',' or '}'", NULL },
	{ "tcp dport { @a } drop", "expected", 12, 1, "expected a port",
	  "a set stands alone, without braces" },
	{ "tcp dport 22, 23 drop", "expected", 12, 1,
	  "expected a match, a statement or a verdict", "lists have braces: { a, b }" },
	{ "tcp dport @ drop", "expected", 12, 1,
	  "expected the name of a set right behind '@'", NULL },
	{ "tcp dport @9 drop", "bad_name", 11, 1, "'9' is not the name of a set",
	  "a name is a letter, then up to 30 of a-z, 0-9, '_' and '-'" },
	{ "tcp dport != 0-65535 drop", "never_matches", 0, 20,
	  "'tcp dport != 0-65535' can never match: it leaves no value", NULL },
	{ "tcp dport 22 tcp dport 23 drop", "never_matches", 13, 12,
	  "'tcp dport 23' can never match: it contradicts 'tcp dport 22' (character 1)", NULL },
	{ "tcp dport 22 tcp dport != 22 drop", "never_matches", 13, 15,
	  "'tcp dport != 22' can never match: it contradicts 'tcp dport 22' (character 1)",
	  NULL },
	{ "tcp dport 1 udp sport 2 drop", "never_matches", 12, 9,
	  "'udp sport' can never match: it contradicts 'tcp dport' (character 1)", NULL },
	{ "tcp dport 1 icmp type 8 drop", "never_matches", 12, 9,
	  "'icmp type' can never match: it contradicts 'tcp dport' (character 1)", NULL },
	{ "th dport 53 meta l4proto udp tcp flags syn drop", "never_matches", 29, 9,
	  "'tcp flags' can never match: it contradicts 'meta l4proto udp' (character 13)", NULL },
	{ "th dport 1 meta l4proto icmp drop", "never_matches", 11, 17,
	  "'meta l4proto icmp' can never match: it contradicts 'th dport' (character 1)", NULL },
	{ "ip saddr @a ip saddr != @a drop", "never_matches", 12, 14,
	  "'ip saddr != @a' can never match: it contradicts 'ip saddr @a' (character 1)", NULL },
	{ "ip saddr 10.0.0.1 ip6 daddr ::1 drop", "never_matches", 18, 9,
	  "'ip6 daddr' can never match: it contradicts 'ip saddr' (character 1)", NULL },
	{ "ip saddr 10.0.0.1 icmpv6 type 1 drop", "never_matches", 18, 11,
	  "'icmpv6 type' can never match: it contradicts 'ip saddr' (character 1)", NULL },
	{ "meta nfproto ipv6 icmp type 8 drop", "never_matches", 18, 9,
	  "'icmp type' can never match: it contradicts 'meta nfproto ipv6' (character 1)", NULL },
	{ "meta nfproto ipv4 meta nfproto ipv6 drop", "never_matches", 18, 17,
	  "'meta nfproto ipv6' can never match: it contradicts 'meta nfproto ipv4' (character 1)",
	  NULL },
	{ "meta nfproto ipv5 drop", "bad_value", 13, 4, "'ipv5' is not 'ipv4' or 'ipv6'",
	  "did you mean 'ipv4'?" },
	{ "meta nfproto drop", "bad_value", 13, 4, "'drop' is not 'ipv4' or 'ipv6'", NULL },
	{ "meta cpu 5 drop", "unknown_field", 5, 3, "unknown field 'meta cpu'",
	  "'meta' has 'l4proto', 'nfproto', 'mark', 'iif', 'iifname'" },
	{ "ip saddr 2001:db8::1 drop", "bad_value", 9, 11,
	  "'2001:db8::1' is an IPv6 address, not an IPv4 address",
	  "IPv6 addresses go with 'ip6 saddr'" },
	{ "ip6 saddr 10.0.0.1 drop", "bad_value", 10, 8,
	  "'10.0.0.1' is an IPv4 address, not an IPv6 address",
	  "IPv4 addresses go with 'ip saddr'" },
	{ "ip saddr 10.0.0.1/8 drop", "bad_value", 9, 10,
	  "'10.0.0.1/8' has bits set behind the prefix", "the network is 10.0.0.0/8" },
	{ "ip6 saddr 2001:db8::1/32 drop", "bad_value", 10, 14,
	  "'2001:db8::1/32' has bits set behind the prefix", "the network is 2001:db8::/32" },
	{ "ip saddr 10.0.0.0/33 drop", "bad_value", 9, 11,
	  "'33' is not a prefix length: 0 to 32", NULL },
	{ "ip saddr 10.0.0.0/ drop", "bad_value", 9, 9,
	  "'' is not a prefix length: 0 to 32", NULL },
	{ "ip saddr 10/8 drop", "bad_value", 9, 4, "'10' is not an IPv4 address", NULL },
	{ "ip saddr 300.0.0.1 drop", "bad_value", 9, 9,
	  "'300.0.0.1' is not an IPv4 address", NULL },
	{ "ip saddr 10.0.0.9-10.0.0.1 drop", "bad_value", 9, 17,
	  "'10.0.0.9-10.0.0.1' begins above its end", NULL },
	{ "ip saddr 10.0.0.0/8-11.0.0.0/8 drop", "bad_value", 9, 10,
	  "'10.0.0.0/8' is not an IPv4 address", NULL },
	{ "ip saddr 10.0.0.1-::1 drop", "bad_value", 18, 3,
	  "'::1' is an IPv6 address, not an IPv4 address", "IPv6 addresses go with 'ip6 saddr'" },
	{ "ip saddr fe80::1%eth0 drop", "bad_value", 9, 12,
	  "'fe80::1%eth0' is not an IPv4 address", NULL },
	{ "ip saddr example.org drop", "bad_value", 9, 11,
	  "'example.org' is not an IPv4 address", NULL },
	{ "meta l4proto tpc drop", "bad_value", 13, 3, "'tpc' is not a protocol",
	  "did you mean 'tcp'?" },
	{ "meta l4proto 256 drop", "bad_value", 13, 3,
	  "'256' is not a protocol: 0 to 255", NULL },
	{ "icmp type echo-requst drop", "bad_value", 10, 11,
	  "'echo-requst' is not an ICMP type", "did you mean 'echo-request'?" },
	{ "icmp type nd-redirect drop", "bad_value", 10, 11,
	  "'nd-redirect' is not an ICMP type", "did you mean 'redirect'?" },
	{ "icmp type 300 drop", "bad_value", 10, 3, "'300' is not an ICMP type: 0 to 255", NULL },
	{ "icmp type 1-300 drop", "bad_value", 12, 3,
	  "'300' is not an ICMP type: 0 to 255", NULL },
	{ "icmpv6 type packet-to-big drop", "bad_value", 12, 13,
	  "'packet-to-big' is not an ICMP type", "did you mean 'packet-too-big'?" },
	{ "frag 1 drop", "bad_value", 5, 1, "'1' is not a fragment state",
	  "none, first or later" },
	{ "frag non drop", "bad_value", 5, 3, "'non' is not a fragment state",
	  "did you mean 'none'?" },
	{ "frag first-later drop", "bad_value", 5, 11,
	  "'first-later' is not a fragment state", "none, first or later" },
	{ "frag later tcp dport 80 drop", "never_matches", 11, 12,
	  "'tcp dport 80' can never match: it contradicts 'frag later' (character 1)", NULL },
	{ "tcp flags later drop", "bad_value", 10, 5, "'later' is not a TCP flag",
	  "fin, syn, rst, psh, ack, urg, ecn, cwr, or a number up to 0xff" },
	{ "tcp flags syn|akc drop", "bad_value", 14, 3, "'akc' is not a TCP flag",
	  "did you mean 'ack'?" },
	{ "tcp flags { syn, ack } drop", "expected", 10, 1, "expected a TCP flag",
	  "write 'syn|ack' for any of them, '& (syn|ack) == syn' for a mask" },
	{ "tcp flags & (syn|ack) drop", "expected", 22, 1, "expected '==' or '!='", NULL },
	{ "tcp flags & syn|ack == syn drop", "expected", 12, 7,
	  "expected parentheses around the flags of a mask", "write & (syn|ack) == syn" },
	{ "tcp flags & (syn|ack == syn drop", "expected", 21, 1, "expected '|' or ')'", NULL },
	{ "tcp flags & 0 == 0 drop", "bad_value", 12, 1, "no flag to look at", NULL },
	{ "tcp flags 0 drop", "bad_value", 10, 1, "no flag to look at",
	  "'tcp flags == 0' has none set" },
	{ "tcp flags & syn == ack drop", "bad_value", 19, 3,
	  "'ack' has flags that the mask 'syn' has not", NULL },
	{ "tcp flags ack / syn drop", "bad_value", 10, 3,
	  "'ack' has flags that the mask 'syn' has not", NULL },
	{ "tcp flags 0x100 drop", "bad_value", 10, 5, "'0x100' is not a TCP flag",
	  "fin, syn, rst, psh, ack, urg, ecn, cwr, or a number up to 0xff" },
	{ "tcp flags syn tcp flags ! syn drop", "never_matches", 14, 15,
	  "'tcp flags ! syn' can never match: it contradicts 'tcp flags syn' (character 1)",
	  NULL },
	{ "tcp flags == syn tcp flags == ack drop", "never_matches", 17, 16,
	  "'tcp flags == ack' can never match: it contradicts 'tcp flags == syn' (character 1)",
	  NULL },
	{ "tcp flags syn udp dport 1 drop", "never_matches", 14, 9,
	  "'udp dport' can never match: it contradicts 'tcp flags' (character 1)", NULL },
	{ "drop comment \"tab\t\"", "bad_value", 17, 1,
	  "a comment has no control characters", NULL },
	{ "ip saddr 10.0.0.1; drop", "expected", 17, 1,
	  "expected a match, a statement or a verdict", NULL },
};

/* The text's place, and the rule as it was */
static void refuse(struct diags *diags, const char *text)
{
	struct expr_rule rule, before;

	memset(&rule, 0xa5, sizeof(rule));
	memset(&before, 0xa5, sizeof(before));
	assert_int_equal(expr_parse(text, "/nodes/guard/rules/2", diags, &rule), -EINVAL);
	assert_memory_equal(&rule, &before, sizeof(rule));
}

static void test_case(void **state)
{
	const struct refuse_case *row = *state;
	struct arena arena = {0};
	struct diags diags = { .arena = &arena };

	refuse(&diags, row->text);
	assert_int_equal(diags.n, 1);
	assert_string_equal(diags.v[0].message, row->message);
	assert_string_equal(diags.v[0].code, row->code);
	assert_int_equal(diags.v[0].offset, row->offset);
	assert_int_equal(diags.v[0].len, row->len);
	assert_string_equal(diags.v[0].path, "/nodes/guard/rules/2");
	assert_string_equal(diags.v[0].hint ? diags.v[0].hint : "", row->hint ? row->hint : "");
	arena_fini(&arena);
}

static const char *first_code(const char *text)
{
	static char code[32];
	struct arena arena = {0};
	struct diags diags = { .arena = &arena };

	refuse(&diags, text);
	snprintf(code, sizeof(code), "%s", diags.v[0].code);
	arena_fini(&arena);
	return code;
}

static void test_text_too_long(void **state)
{
	char text[4200];

	memset(text, ' ', sizeof(text));
	strcpy(text + 4092, "drop");		/* 4096 bytes: the most */
	{
		struct arena arena = {0};
		struct diags diags = { .arena = &arena };
		struct expr_rule rule;

		assert_int_equal(expr_parse(text, "", &diags, &rule), 0);
		arena_fini(&arena);
	}
	text[4092] = ' ';
	strcpy(text + 4093, "drop");
	assert_string_equal(first_code(text), "too_long");
}

/* It would be read, but what 'shunt export' prints for it would not */
static void test_canonical_too_long(void **state)
{
	struct buf text = {0};
	unsigned int port;

	buf_str(&text, "tcp dport {1");
	for (port = 11001; text.len < 4080; port += 2)
		buf_printf(&text, ",%u", port);
	buf_str(&text, "}drop");
	assert_true(text.len <= 4096);
	assert_string_equal(first_code(text.data), "too_long");
	buf_fini(&text);
}

static void test_comment_too_long(void **state)
{
	char text[256];

	snprintf(text, sizeof(text), "drop comment \"%0129d\"", 1);
	assert_string_equal(first_code(text), "too_long");
}

/* A long word is named by its beginning, not whole */
static void test_long_words_are_cut(void **state)
{
	static const char *const before[] = { "", "ip ", "ip saddr ", "tcp dport ", "meta l4proto ",
					      "tcp flags ", "meta nfproto ", "goto ", "drop(",
					      "ip saddr @" };
	char text[2100], word[2049];
	unsigned int i;

	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	for (i = 0; i < N(before); i++) {
		struct arena arena = {0};
		struct diags diags = { .arena = &arena };

		snprintf(text, sizeof(text), "%s%s drop", before[i], word);
		refuse(&diags, text);
		assert_int_equal(diags.v[0].offset, strlen(before[i]));
		assert_int_equal(diags.v[0].len, strlen(word));
		assert_true(strlen(diags.v[0].message) < 200);
		arena_fini(&arena);
	}
}

/* Findings beyond those that are kept must not be written anywhere */
static void test_many_findings(void **state)
{
	struct arena arena = {0};
	struct diags diags = { .arena = &arena };
	unsigned int i;

	for (i = 0; i < DIAGS_MAX + 50; i++)
		refuse(&diags, cases[i].text);
	assert_int_equal(diags.n, DIAGS_MAX);
	assert_int_equal(diags.total, DIAGS_MAX + 50);
	arena_fini(&arena);
}

static void test_element(void **state)
{
	static const struct {
		const char *text;
		enum expr_field field;
		int offset;
		const char *message;
	} rows[] = {
		{ "", EXPR_DPORT, 7, "expected a port" },
		{ "65536", EXPR_DPORT, 7, "'65536' is not a port: 0 to 65535" },
		{ "1-x", EXPR_DPORT, 9, "'x' is not a port" },
		{ "2-1", EXPR_DPORT, 7, "'2-1' begins above its end" },
		{ "10.0.0.1/8", EXPR_IP_SADDR, 7, "'10.0.0.1/8' has bits set behind the prefix" },
		{ "::1", EXPR_IP_SADDR, 7, "'::1' is an IPv6 address, not an IPv4 address" },
		{ "10.0.0.1", EXPR_IP6_SADDR, 7,
		  "'10.0.0.1' is an IPv4 address, not an IPv6 address" },
		{ "10.0.0.1 x", EXPR_IP_SADDR, 7, "'10.0.0.1 x' is not an IPv4 address" },
		{ "tcpp", EXPR_PROTO, 7, "'tcpp' is not a protocol" },
	};
	struct expr_interval interval, before;
	unsigned int i;

	memset(&before, 0xa5, sizeof(before));
	for (i = 0; i < N(rows); i++) {
		struct arena arena = {0};
		struct diags diags = { .arena = &arena };

		interval = before;
		assert_int_equal(expr_element(rows[i].text, rows[i].field, "/sets/a/1", 7, &diags,
					      &interval), -EINVAL);
		assert_memory_equal(&interval, &before, sizeof(interval));
		assert_int_equal(diags.n, 1);
		assert_string_equal(diags.v[0].message, rows[i].message);
		assert_int_equal(diags.v[0].offset, rows[i].offset);
		arena_fini(&arena);
	}
}

/* Each beginning of a rule is refused with its place inside the text, or is a rule itself */
static void test_truncated(void **state)
{
	static const char whole[] = "ip saddr != { 10.0.0.0/8, 192.0.2.1-192.0.2.9 } ip daddr @web "
				    "tcp sport 1024-65535 tcp dport != 22 "
				    "tcp flags & (syn|ack) == syn "
				    "frag none drop(odd) comment \"why not\"";
	unsigned int len, n_rules = 0;
	char text[sizeof(whole)];

	for (len = 0; len < sizeof(whole); len++) {
		struct arena arena = {0};
		struct diags diags = { .arena = &arena };
		struct expr_rule rule;

		memcpy(text, whole, len);
		text[len] = '\0';
		if (expr_parse(text, "", &diags, &rule) == 0) {
			n_rules++;
		} else {
			assert_int_equal(diags.n, 1);
			assert_in_range(diags.v[0].offset, 0, len);
			assert_in_range(diags.v[0].len, 0, len - diags.v[0].offset);
		}
		arena_fini(&arena);
	}
	assert_int_equal(n_rules, 4);	/* up to drop, to (odd), to the blank behind it, whole */
}

int main(void)
{
	static const struct CMUnitTest whole[] = {
		cmocka_unit_test(test_text_too_long),
		cmocka_unit_test(test_canonical_too_long),
		cmocka_unit_test(test_comment_too_long),
		cmocka_unit_test(test_long_words_are_cut),
		cmocka_unit_test(test_many_findings),
		cmocka_unit_test(test_element),
		cmocka_unit_test(test_truncated),
	};
	struct CMUnitTest tests[N(cases) + N(whole)];
	static char names[N(cases)][128];
	unsigned int i;

	for (i = 0; i < N(cases); i++) {
		snprintf(names[i], sizeof(names[i]), "refuses: %s", cases[i].text);
		tests[i] = unit_row(names[i], test_case, &cases[i]);
	}
	memcpy(tests + N(cases), whole, sizeof(whole));
	return unit_main(tests, N(tests));
}
