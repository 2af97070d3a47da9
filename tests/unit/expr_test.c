// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* expr_test.c - rules that are read: their canonical text, and what they hold */
#include "../lib/unit.h"

#include <stdio.h>
#include <string.h>

#include <model/expr.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

struct accept_case {
	const char *text;
	const char *canonical;
};

#define SAME(text) { text, text }

static const struct accept_case cases[] = {
	SAME("accept"),
	SAME("drop"),
	{ "  drop  ", "drop" },
	SAME("drop(policy)"),
	{ "drop ( too_many )", "drop(too_many)" },
	SAME("goto web"),
	{ "goto accept", "accept" },
	{ "goto drop", "drop" },
	SAME("goto no_backend comment \"why\""),
	SAME("drop comment \"Grüße, it's \\ fine\""),
	SAME("drop comment \"\""),
	SAME("ip saddr 10.0.0.0/8 tcp dport { 22, 80-90 } tcp flags & (syn|ack) == syn drop comment \"why\""),
	SAME("ip saddr 10.1.2.3 accept"),
	{ "ip saddr 10.1.2.3/32 accept", "ip saddr 10.1.2.3 accept" },
	{ "ip saddr == 10.1.2.3 accept", "ip saddr 10.1.2.3 accept" },
	SAME("ip saddr != 10.0.0.0/8 accept"),
	{ "ip daddr { 10.0.0.0/8, 11.0.0.0/8 } drop", "ip daddr 10.0.0.0/7 drop" },
	{ "ip daddr { 10.0.0.5, 10.0.0.1-10.0.0.4 } drop", "ip daddr 10.0.0.1-10.0.0.5 drop" },
	{ "ip daddr 10.0.0.0-10.0.0.255 drop", "ip daddr 10.0.0.0/24 drop" },
	{ "ip daddr 10.0.0.1 - 10.0.0.9 drop", "ip daddr 10.0.0.1-10.0.0.9 drop" },
	{ "ip daddr 10.0.0.1- 10.0.0.9 drop", "ip daddr 10.0.0.1-10.0.0.9 drop" },
	{ "ip daddr 10.0.0.1 -10.0.0.9 drop", "ip daddr 10.0.0.1-10.0.0.9 drop" },
	SAME("ip saddr 0.0.0.0/0 drop"),
	SAME("ip saddr @bad drop"),
	SAME("ip saddr != @bad drop"),
	{ "ip saddr == @bad ip saddr @bad drop", "ip saddr @bad drop" },
	{ "ip saddr @b ip saddr @a ip saddr 10.0.0.0/8 drop",
	  "ip saddr 10.0.0.0/8 ip saddr @a ip saddr @b drop" },
	SAME("ip protocol tcp drop"),
	{ "ip protocol 6 drop", "ip protocol tcp drop" },
	SAME("ip protocol { tcp, udp } drop"),
	SAME("ip protocol != tcp drop"),
	{ "ip protocol ipip drop", "ip protocol ipencap drop" },
	{ "ip protocol 4 drop", "ip protocol ipencap drop" },
	{ "ip6 nexthdr ipv6-icmp drop", "ip6 nexthdr icmpv6 drop" },
	SAME("ip6 nexthdr icmpv6 drop"),
	SAME("ip6 saddr 2001:db8::/32 drop"),
	{ "ip6 saddr 2001:0DB8:0::1 drop", "ip6 saddr 2001:db8::1 drop" },
	SAME("ip6 daddr ::/0 drop"),
	SAME("ip6 daddr ::ffff:10.0.0.1 drop"),
	{ "ip6 daddr != { fe80::/10, ff00::/8 } drop",
	  "ip6 daddr { ::-fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff, fec0::/10 } drop" },
	SAME("ip6 saddr ::1-::5 drop"),
	SAME("meta l4proto tcp drop"),
	{ "meta l4proto { 1-2, 6 } drop", "meta l4proto { icmp, igmp, tcp } drop" },
	SAME("meta l4proto 0-255 drop"),
	SAME("meta l4proto 200-210 drop"),
	{ "meta l4proto tcp-udp drop", "meta l4proto 6-17 drop" },
	{ "meta l4proto tcp tcp dport 22 drop", "tcp dport 22 drop" },
	{ "meta l4proto tcp th dport 22 drop", "tcp dport 22 drop" },
	SAME("meta l4proto { tcp, udp } th dport 53 drop"),
	{ "meta l4proto { tcp, udp, sctp } th dport 53 drop", "th dport 53 drop" },
	SAME("meta l4proto @protos th dport 53 drop"),
	{ "meta l4proto != tcp th dport 53 drop", "meta l4proto { udp, sctp } th dport 53 drop" },
	SAME("meta nfproto ipv4 drop"),
	SAME("meta nfproto ipv6 drop"),
	{ "meta nfproto != ipv6 drop", "meta nfproto ipv4 drop" },
	{ "meta nfproto == ipv6 tcp dport 1 drop", "meta nfproto ipv6 tcp dport 1 drop" },
	{ "meta nfproto ipv4 ip saddr 10.0.0.1 drop", "ip saddr 10.0.0.1 drop" },
	{ "meta nfproto ipv4 meta l4proto udp drop", "ip protocol udp drop" },
	{ "ip6 nexthdr tcp tcp dport 22 drop", "meta nfproto ipv6 tcp dport 22 drop" },
	SAME("tcp dport 22 drop"),
	{ "tcp dport 0x16 drop", "tcp dport 22 drop" },
	{ "tcp dport {22,23,24} drop", "tcp dport 22-24 drop" },
	{ "tcp dport { 1-5, 3-9, 10 } drop", "tcp dport 1-10 drop" },
	SAME("tcp dport != 22 drop"),
	SAME("tcp dport != { 22, 80 } drop"),
	{ "tcp dport { 0-21, 23-65535 } drop", "tcp dport != 22 drop" },
	SAME("tcp dport 1024-65535 drop"),
	{ "tcp dport != 0-1023 drop", "tcp dport 1024-65535 drop" },
	SAME("tcp dport 0-65535 drop"),
	SAME("tcp sport 1 tcp dport 2 drop"),
	{ "tcp dport 2 tcp sport 1 drop", "tcp sport 1 tcp dport 2 drop" },
	{ "tcp dport 1-100 tcp dport 50-200 drop", "tcp dport 50-100 drop" },
	{ "tcp dport 1-100 tcp dport != 50 drop", "tcp dport { 1-49, 51-100 } drop" },
	SAME("udp sport 53 drop"),
	SAME("sctp dport 5060 drop"),
	SAME("th sport 7 drop"),
	SAME("th dport @ports drop"),
	SAME("tcp flags syn drop"),
	{ "tcp flags syn,ack drop", "tcp flags syn|ack drop" },
	SAME("tcp flags syn|ack drop"),
	{ "tcp flags ( syn | ack ) drop", "tcp flags syn|ack drop" },
	SAME("tcp flags == syn drop"),
	SAME("tcp flags != syn drop"),
	SAME("tcp flags == syn|ack drop"),
	{ "tcp flags == 0x12 drop", "tcp flags == syn|ack drop" },
	SAME("tcp flags == 0 drop"),
	SAME("tcp flags != 0 drop"),
	SAME("tcp flags & (syn|ack) == syn drop"),
	{ "tcp flags & (syn | ack) != syn drop", "tcp flags & (syn|ack) != syn drop" },
	SAME("tcp flags & syn == syn drop"),
	SAME("tcp flags & syn == 0 drop"),
	{ "tcp flags & syn != 0 drop", "tcp flags syn drop" },
	SAME("tcp flags & syn != syn drop"),
	{ "tcp flags & (fin|syn|rst|psh|ack|urg|ecn|cwr) == syn drop", "tcp flags == syn drop" },
	{ "tcp flags syn / syn,ack drop", "tcp flags & (syn|ack) == syn drop" },
	{ "tcp flags != syn / syn,ack drop", "tcp flags & (syn|ack) != syn drop" },
	{ "tcp flags ! fin,rst drop", "tcp flags & (fin|rst) == 0 drop" },
	{ "tcp flags & (fin|syn) == (fin|syn) drop", "tcp flags & (fin|syn) == fin|syn drop" },
	{ "tcp flags syn tcp flags ! ack drop", "tcp flags syn tcp flags & ack == 0 drop" },
	{ "tcp flags syn tcp flags syn drop", "tcp flags syn drop" },
	{ "tcp flags syn tcp dport 22 ip saddr 10.0.0.1 drop",
	  "ip saddr 10.0.0.1 tcp dport 22 tcp flags syn drop" },
	SAME("icmp type echo-request accept"),
	{ "icmp type { echo-request, echo-reply } accept",
	  "icmp type { echo-reply, echo-request } accept" },
	{ "icmp type 8 accept", "icmp type echo-request accept" },
	{ "icmp type 3 icmp code frag-needed accept",
	  "icmp type destination-unreachable icmp code frag-needed accept" },
	{ "icmp type destination-unreachable icmp code 4 accept",
	  "icmp type destination-unreachable icmp code frag-needed accept" },
	SAME("icmp type != echo-request drop"),
	{ "icmp type 3-5 drop",
	  "icmp type { destination-unreachable, source-quench, redirect } drop" },
	SAME("icmp type 100-120 drop"),
	SAME("icmpv6 type nd-neighbor-solicit accept"),
	SAME("icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept"),
	SAME("icmpv6 type packet-too-big accept"),
	SAME("icmpv6 code no-route drop"),
	{ "icmpv6 type mld-listener-reduction drop", "icmpv6 type mld-listener-done drop" },
	{ "ip protocol icmp icmp type 8 drop", "icmp type echo-request drop" },
	{ "ip6 saddr fe80::/10 icmpv6 type 134 drop",
	  "ip6 saddr fe80::/10 icmpv6 type nd-router-advert drop" },
	SAME("frag none drop"),
	SAME("frag { first, later } drop"),
	{ "frag != none drop", "frag { first, later } drop" },
	SAME("frag != first drop"),
	{ "frag later ip saddr 10.0.0.0/8 drop", "ip saddr 10.0.0.0/8 frag later drop" },
	{ "frag first tcp dport 80 drop", "tcp dport 80 frag first drop" },
	{ "ip saddr 10.0.0.0/8\ttcp dport 22 drop", "ip saddr 10.0.0.0/8 tcp dport 22 drop" },
};

static int setup(void **state)
{
	struct diags *diags = calloc(1, sizeof(*diags));

	diags->arena = calloc(1, sizeof(*diags->arena));
	*state = diags;
	return 0;
}

static int teardown(void **state)
{
	struct diags *diags = *state;

	arena_fini(diags->arena);
	free(diags->arena);
	free(diags);
	return 0;
}

static struct expr_rule parse(struct diags *diags, const char *text)
{
	struct expr_rule rule = {0};
	int r;

	r = expr_parse(text, "/rules/0", diags, &rule);
	if (r < 0)
		fail_msg("'%s': %s", text, diags->v[0].message);
	return rule;
}

static void test_case(void **state)
{
	const struct accept_case *row = *state;
	struct arena arena = {0};
	struct diags diags = { .arena = &arena };
	struct buf once = {0}, twice = {0};
	struct expr_rule rule, again;

	rule = parse(&diags, row->text);
	expr_print(&rule, &once);
	assert_string_equal(once.data, row->canonical);
	again = parse(&diags, once.data);
	expr_print(&again, &twice);
	assert_string_equal(twice.data, once.data);
	assert_int_equal(again.id, rule.id);
	assert_int_equal(diags.total, 0);
	buf_fini(&once);
	buf_fini(&twice);
	arena_fini(&arena);
}

static void assert_lo(const struct expr_match *match, enum expr_field field, unsigned int i,
		      uint64_t first, uint64_t last)
{
	assert_int_equal(match->field, field);
	assert_true(i < match->n);
	assert_true(match->interval[i].first.hi == 0 && match->interval[i].last.hi == 0);
	assert_int_equal(match->interval[i].first.lo, first);
	assert_int_equal(match->interval[i].last.lo, last);
}

static void test_holds_everything(void **state)
{
	const char *text = "ip saddr 10.0.0.0/8 tcp dport { 80-90, 22 } goto web comment \"x\"";
	struct expr_rule rule = parse(*state, text);

	assert_int_equal(rule.families, EXPR_FAMILY_4);
	assert_int_equal(rule.n, 3);
	assert_lo(&rule.match[0], EXPR_IP_SADDR, 0, 0x0a000000, 0x0affffff);
	assert_int_equal(rule.match[0].offset, 0);
	assert_int_equal(rule.match[0].len, strlen("ip saddr 10.0.0.0/8"));
	assert_lo(&rule.match[1], EXPR_PROTO, 0, 6, 6);
	assert_int_equal(rule.match[1].offset, 20);
	assert_int_equal(rule.match[1].len, strlen("tcp dport"));
	assert_lo(&rule.match[2], EXPR_DPORT, 0, 22, 22);
	assert_lo(&rule.match[2], EXPR_DPORT, 1, 80, 90);
	assert_int_equal(rule.match[2].n, 2);
	assert_int_equal(rule.match[2].offset, 20);
	assert_int_equal(rule.match[2].len, strlen("tcp dport { 80-90, 22 }"));
	assert_string_equal(rule.verdict.edge, "web");
	assert_int_equal(rule.verdict.offset, strstr(text, "web") - text);
	assert_int_equal(rule.verdict.len, 3);
	assert_string_equal(rule.comment, "x");
	assert_null(rule.verdict.reason);
}

static void test_no_match_is_all(void **state)
{
	struct expr_rule rule = parse(*state, "drop(odd)");

	assert_int_equal(rule.n, 0);
	assert_int_equal(rule.families, EXPR_FAMILY_4 | EXPR_FAMILY_6);
	assert_string_equal(rule.verdict.edge, "drop");
	assert_string_equal(rule.verdict.reason, "odd");
	assert_int_equal(rule.verdict.len, 4);
	assert_null(rule.comment);
}

static void test_th_implies_protocols(void **state)
{
	struct expr_rule rule = parse(*state, "th dport 53 accept");

	assert_int_equal(rule.n, 2);
	assert_int_equal(rule.match[0].n, 3);
	assert_lo(&rule.match[0], EXPR_PROTO, 0, 6, 6);
	assert_lo(&rule.match[0], EXPR_PROTO, 1, 17, 17);
	assert_lo(&rule.match[0], EXPR_PROTO, 2, 132, 132);
}

static void test_icmp_implies_family(void **state)
{
	struct expr_rule v4 = parse(*state, "icmp type echo-request accept");
	struct expr_rule v6 = parse(*state, "icmpv6 type echo-request accept");

	assert_int_equal(v4.families, EXPR_FAMILY_4);
	assert_lo(&v4.match[0], EXPR_PROTO, 0, 1, 1);
	assert_lo(&v4.match[1], EXPR_ICMP_TYPE, 0, 8, 8);
	assert_int_equal(v6.families, EXPR_FAMILY_6);
	assert_lo(&v6.match[0], EXPR_PROTO, 0, 58, 58);
	assert_lo(&v6.match[1], EXPR_ICMP_TYPE, 0, 128, 128);
}

static void test_negation_is_complement(void **state)
{
	struct expr_rule rule = parse(*state, "tcp dport != { 0-21, 80 } drop");

	assert_int_equal(rule.match[1].n, 2);
	assert_lo(&rule.match[1], EXPR_DPORT, 0, 22, 79);
	assert_lo(&rule.match[1], EXPR_DPORT, 1, 81, 65535);
	assert_false(rule.match[1].negated);
}

static void test_set_stays_a_name(void **state)
{
	struct expr_rule rule = parse(*state, "ip6 saddr != @bad ip6 saddr fe80::/10 drop");

	assert_int_equal(rule.n, 2);
	assert_null(rule.match[0].set);
	assert_int_equal(rule.match[0].interval[0].first.hi, 0xfe80000000000000);
	assert_int_equal(rule.match[0].interval[0].last.hi, 0xfebfffffffffffff);
	assert_int_equal(rule.match[0].interval[0].last.lo, UINT64_MAX);
	assert_string_equal(rule.match[1].set, "bad");
	assert_true(rule.match[1].negated);
	assert_int_equal(rule.match[1].n, 0);
}

/* What each way to write flags lets through, against nft's meaning of it */
static void test_flags(void **state)
{
	enum { FIN = 1, SYN = 2, ACK = 16 };
	static const struct {
		const char *text;
		uint8_t mask, value;
		bool negated;
	} rows[] = {
		{ "tcp flags syn drop", SYN, 0, true },
		{ "tcp flags fin,syn drop", FIN | SYN, 0, true },
		{ "tcp flags ! fin,syn drop", FIN | SYN, 0, false },
		{ "tcp flags == syn drop", 0xff, SYN, false },
		{ "tcp flags != syn drop", 0xff, SYN, true },
		{ "tcp flags & (syn|ack) == syn drop", SYN | ACK, SYN, false },
		{ "tcp flags & (syn|ack) != syn drop", SYN | ACK, SYN, true },
		{ "tcp flags syn / syn,ack drop", SYN | ACK, SYN, false },
		{ "tcp flags & 0x12 == 0x2 drop", SYN | ACK, SYN, false },
	};
	unsigned int i;

	for (i = 0; i < N(rows); i++) {
		struct expr_rule rule = parse(*state, rows[i].text);

		assert_int_equal(rule.n, 2);
		assert_lo(&rule.match[0], EXPR_PROTO, 0, 6, 6);
		assert_int_equal(rule.match[1].field, EXPR_TCP_FLAGS);
		assert_int_equal(rule.match[1].mask, rows[i].mask);
		assert_int_equal(rule.match[1].value, rows[i].value);
		assert_int_equal(rule.match[1].negated, rows[i].negated);
	}
}

/* The id follows the meaning: not the comment, nor how it was written */
static void test_id(void **state)
{
	uint32_t id = parse(*state, "tcp dport { 22, 80 } ip saddr 10.0.0.1 drop").id;

	assert_int_equal(parse(*state, "drop").id, 0xa9a58d8c);	/* FNV-1a 32 of "drop" */
	assert_int_equal(parse(*state, "ip saddr 10.0.0.1/32 meta l4proto tcp th dport {80,22} "
				       "drop comment \"why\"").id, id);
	assert_int_not_equal(parse(*state, "tcp dport { 22, 81 } ip saddr 10.0.0.1 drop").id, id);
	assert_int_not_equal(parse(*state, "tcp dport { 22, 80 } ip saddr 10.0.0.1 accept").id, id);
	assert_int_not_equal(parse(*state, "drop(a)").id, parse(*state, "drop").id);
}

/* A match drawn in from two places gives both of them */
static void test_same_field_intersects(void **state)
{
	struct expr_rule rule = parse(*state, "tcp dport 1-100 tcp dport { 50-60, 99-200 } drop");

	assert_int_equal(rule.n, 2);
	assert_int_equal(rule.match[1].n, 2);
	assert_lo(&rule.match[1], EXPR_DPORT, 0, 50, 60);
	assert_lo(&rule.match[1], EXPR_DPORT, 1, 99, 100);
}

static void test_element(void **state)
{
	static const struct {
		const char *text;
		enum expr_field field;
		uint64_t first, last;
		const char *printed;		/* NULL: the same */
	} rows[] = {
		{ "10.0.0.0/8", EXPR_IP_SADDR, 0x0a000000, 0x0affffff, NULL },
		{ "10.0.0.1", EXPR_IP_DADDR, 0x0a000001, 0x0a000001, NULL },
		{ "10.0.0.1 - 10.0.0.2", EXPR_IP_SADDR, 0x0a000001, 0x0a000002,
		  "10.0.0.1-10.0.0.2" },
		{ "10.0.0.0-10.0.0.1", EXPR_IP_SADDR, 0x0a000000, 0x0a000001, "10.0.0.0/31" },
		{ "0.0.0.0/0", EXPR_IP_SADDR, 0, 0xffffffff, NULL },
		{ "::1-::7", EXPR_IP6_SADDR, 1, 7, NULL },
		{ "::/126", EXPR_IP6_SADDR, 0, 3, NULL },
		{ "80", EXPR_DPORT, 80, 80, NULL },
		{ " 80 ", EXPR_DPORT, 80, 80, "80" },
		{ "0x50-90", EXPR_SPORT, 80, 90, "80-90" },
		{ "tcp", EXPR_PROTO, 6, 6, NULL },
		{ "253", EXPR_PROTO, 253, 253, NULL },
		{ "8", EXPR_ICMP_TYPE, 8, 8, NULL },
		{ "later", EXPR_FRAG, 2, 2, NULL },
	};
	struct expr_interval interval;
	struct buf out = {0};
	unsigned int i;

	for (i = 0; i < N(rows); i++) {
		assert_int_equal(expr_element(rows[i].text, rows[i].field, "/sets/a/0", 0, *state,
					      &interval), 0);
		assert_int_equal(interval.first.hi, 0);
		assert_int_equal(interval.first.lo, rows[i].first);
		assert_int_equal(interval.last.lo, rows[i].last);
		buf_clear(&out);
		expr_element_print(&interval, rows[i].field, &out);
		assert_string_equal(out.data, rows[i].printed ? rows[i].printed : rows[i].text);
	}
	buf_fini(&out);
}

static void test_fields_have_names(void **state)
{
	unsigned int i;

	for (i = 0; i < EXPR_FIELD_MAX; i++) {
		assert_non_null(expr_field_name(i));
		assert_int_not_equal(expr_field_bits(i), 0);
	}
	assert_string_equal(expr_field_name(EXPR_IP6_DADDR), "ip6 daddr");
	assert_int_equal(expr_field_bits(EXPR_IP6_DADDR), 128);
	assert_int_equal(expr_field_bits(EXPR_IP_DADDR), 32);
	assert_int_equal(expr_field_bits(EXPR_DPORT), 16);
	assert_int_equal(expr_field_bits(EXPR_PROTO), 8);
}

#define WITH_DIAGS(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	static const struct CMUnitTest whole[] = {
		WITH_DIAGS(test_holds_everything),
		WITH_DIAGS(test_no_match_is_all),
		WITH_DIAGS(test_th_implies_protocols),
		WITH_DIAGS(test_icmp_implies_family),
		WITH_DIAGS(test_negation_is_complement),
		WITH_DIAGS(test_set_stays_a_name),
		WITH_DIAGS(test_flags),
		WITH_DIAGS(test_id),
		WITH_DIAGS(test_same_field_intersects),
		WITH_DIAGS(test_element),
		WITH_DIAGS(test_fields_have_names),
	};
	struct CMUnitTest tests[N(cases) + N(whole)];
	static char names[N(cases)][128];
	unsigned int i;

	for (i = 0; i < N(cases); i++) {
		snprintf(names[i], sizeof(names[i]), "reads: %s", cases[i].text);
		tests[i] = unit_row(names[i], test_case, &cases[i]);
	}
	memcpy(tests + N(cases), whole, sizeof(whole));
	return unit_main(tests, N(tests));
}
