// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* conn_test.c - a flow of the flow table: its ends, as JSON, and what filters say of it */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <model/conn.h>

#include "../lib/unit.h"

#define LIFE(state, flags)						\
	((uint64_t)CONNTRACK_##state << CONNTRACK_STATE_SHIFT |		\
	 (uint64_t)(flags) << CONNTRACK_FLAGS_SHIFT | 0x77ull << CONNTRACK_GEN_SHIFT | 0x12345678)

/* 10.0.0.9:4000 asks 10.0.0.2:80; the key's lesser end is the one that is asked */
static struct conntrack_flow4 tcp_flow(uint16_t flags)
{
	return (struct conntrack_flow4){
		.flow = { .life = LIFE(TCP_ESTABLISHED, CONNTRACK_SECOND | flags), .mark = 0x15,
			  .policy = 2 },
		.key = { .addr = { inet_addr("10.0.0.2"), inet_addr("10.0.0.9") },
			 .port = { htons(80), htons(4000) }, .proto = IPPROTO_TCP, .zone = 7 },
		.nat_addr = { inet_addr("203.0.113.1"), inet_addr("192.0.2.80") },
		.nat_port = { htons(61000), htons(8080) },
	};
}

static struct conn tcp_conn(uint16_t flags)
{
	const struct conntrack_flow4 flow = tcp_flow(flags);
	struct conn conn;

	conn_from_flow4(&flow, &conn);
	return conn;
}

/* fd00::1 pings 2001:db8::5 */
static struct conn ping_conn(void)
{
	struct conntrack_flow6 flow = {
		.flow = { .life = LIFE(ICMP, 0) },
		.key = { .port = { htons(77), htons(77) }, .proto = IPPROTO_ICMPV6,
			 .kind = CONNTRACK_KIND_ECHO | CONNTRACK_KIND_SECOND },
	};
	struct conn conn;

	flow.flow.life |= (uint64_t)CONNTRACK_SECOND << CONNTRACK_FLAGS_SHIFT;
	inet_pton(AF_INET6, "2001:db8::5", &flow.key.addr[0]);
	inet_pton(AF_INET6, "fd00::1", &flow.key.addr[1]);
	conn_from_flow6(&flow, &conn);
	return conn;
}

/* ---- as JSON ------------------------------------------------------------------------------- */

static void check(const struct conn *conn, const struct conn_about *about, const char *wanted)
{
	struct buf text = {};
	struct jsonw w;

	jsonw_init(&w, &text, false);
	jsonw_object(&w, NULL);
	conn_write(conn, about, &w);
	jsonw_object_end(&w);
	assert_string_equal(text.data, wanted);
	buf_fini(&text);
}

#define TCP_ENDS "\"family\":4,\"protocol\":\"tcp\",\"saddr\":\"10.0.0.9\",\"daddr\":\"10.0.0.2\"," \
		 "\"sport\":4000,\"dport\":80,\"state\":\"tcp-established\","

static void test_json(void **state)
{
	const struct conntrack_counts counts = { { 10, 18446744073709551615u }, { 840, 600 } };
	const struct conn_about about = {
		.counts = &counts, .has_times = true, .expires_s = 431999, .age_s = 3,
		.details = true, .policy = "short", .slot = 21,
	}, none = {};
	struct conn conn = tcp_conn(CONNTRACK_REPLIED | CONNTRACK_ASSURED);

	check(&conn, &none, "{" TCP_ENDS "\"replied\":true,\"assured\":true,\"mark\":21,"
	      "\"zone\":7,\"nat\":null}");
	check(&conn, &about, "{" TCP_ENDS "\"replied\":true,\"assured\":true,\"mark\":21,"
	      "\"zone\":7,\"nat\":null,\"expires_s\":431999,\"age_s\":3,"
	      "\"original\":{\"packets\":10,\"bytes\":840},"
	      "\"reply\":{\"packets\":18446744073709551615,\"bytes\":600},"
	      "\"flags\":[\"replied\",\"assured\"],\"policy\":\"short\",\"slot\":21}");
	conn = ping_conn();
	check(&conn, &none, "{\"family\":6,\"protocol\":\"icmpv6\",\"query\":\"echo\","
	      "\"saddr\":\"fd00::1\",\"daddr\":\"2001:db8::5\",\"id\":77,\"state\":\"icmp\","
	      "\"replied\":false,\"assured\":false,\"mark\":0,\"zone\":0,\"nat\":null}");
	conn.proto = 253;
	conn.kind = 0;
	conn.state = CONNTRACK_OTHER_REPLIED;
	check(&conn, &none, "{\"family\":6,\"protocol\":\"253\",\"saddr\":\"fd00::1\","
	      "\"daddr\":\"2001:db8::5\",\"state\":\"other-replied\","
	      "\"replied\":false,\"assured\":false,\"mark\":0,\"zone\":0,\"nat\":null}");
}

static void test_nat(void **state)
{
	const struct conn_about none = {};
	struct conn conn = tcp_conn(CONNTRACK_SNAT);

	check(&conn, &none, "{" TCP_ENDS "\"replied\":false,\"assured\":false,\"mark\":21,"
	      "\"zone\":7,\"nat\":{\"saddr\":\"203.0.113.1\",\"daddr\":\"10.0.0.2\","
	      "\"sport\":61000,\"dport\":80}}");
	conn = tcp_conn(CONNTRACK_DNAT);
	check(&conn, &none, "{" TCP_ENDS "\"replied\":false,\"assured\":false,\"mark\":21,"
	      "\"zone\":7,\"nat\":{\"saddr\":\"10.0.0.9\",\"daddr\":\"192.0.2.80\","
	      "\"sport\":4000,\"dport\":8080}}");
}

static void test_names(void **state)
{
	assert_string_equal(conn_state_name(CONNTRACK_NONE), "none");
	assert_string_equal(conn_state_name(CONNTRACK_OTHER_REPLIED), "other-replied");
	assert_string_equal(conn_state_name(CONNTRACK_STATE_MAX), "?");
}

/* ---- filters ------------------------------------------------------------------------------- */

static bool holds(const char *text, const struct conn *conn)
{
	struct arena arena = {};
	struct diags diags = { .arena = &arena };
	struct expr_rule rule;
	bool r;

	if (conn_filter_parse(text, "/filter", &diags, &rule) < 0)
		fail_msg("'%s': %s", text, diags.v[0].message);
	r = conn_filter_match(&rule, conn);
	arena_fini(&arena);
	return r;
}

static const struct {
	const char *text;
	bool tcp, ping;			/* which of the two it holds for */
} cases[] = {
	{ "", true, true },
	{ "  ", true, true },
	{ "meta nfproto ipv4", true, false },
	{ "meta nfproto ipv6", false, true },
	{ "meta l4proto tcp", true, false },
	{ "meta l4proto { tcp, icmpv6 }", true, true },
	{ "ip protocol != tcp", false, false },
	{ "ip6 nexthdr icmpv6", false, true },
	{ "ip saddr 10.0.0.9", true, false },
	{ "ip saddr 10.0.0.2", false, false },
	{ "ip daddr 10.0.0.0/30", true, false },
	{ "ip saddr != 10.0.0.0/8", false, false },
	{ "ip6 saddr fd00::1", false, true },
	{ "ip6 saddr fd00::/16 ip6 daddr 2001:db8::5", false, true },
	{ "ip6 daddr fd00::/16", false, false },
	{ "tcp sport 4000 tcp dport 80", true, false },
	{ "tcp dport 4000", false, false },
	{ "tcp dport < 80", false, false },
	{ "tcp dport { 22, 70-90 }", true, false },
	{ "udp dport 80", false, false },
	{ "th dport 80", true, false },
	{ "ct state established", true, false },
	{ "ct state new", false, true },
	{ "ct state new,established", true, true },
	{ "ct state != new", true, false },
	{ "ct state { established, related }", true, false },
	{ "ct mark 0x15", true, false },
	{ "ct mark != 0x15", false, true },
	{ "ct mark & 0xf == 5", true, false },
	{ "ct mark & 0xf0 != 0", true, false },
	{ "ct zone 7", true, false },
	{ "ct status seen-reply", true, false },
	{ "ct status ! seen-reply", false, true },
	{ "ct status confirmed", true, true },
	{ "ct status snat|assured", false, false },
	{ "ct zone 0-6", false, true },
	{ "ct original ip saddr 10.0.0.9", true, false },
	{ "ct original proto-dst 80", true, false },
	{ "ct reply proto-src 80 ct reply proto-dst 4000", true, false },
	{ "ct reply ip saddr 10.0.0.2", true, false },
	{ "ct reply ip saddr 10.0.0.9", false, false },
	{ "ct reply ip6 daddr fd00::1", false, true },
	{ "ct original ip6 daddr 2001:db8::5", false, true },
	{ "ct original proto-src 77", false, true },
	{ "ip saddr . tcp dport { 10.0.0.1 . 80, 10.0.0.9 . 80-90 }", true, false },
	{ "ip saddr . tcp dport { 10.0.0.9 . 79 }", false, false },
};

static void test_match(void **state)
{
	const struct conn tcp = tcp_conn(CONNTRACK_REPLIED), ping = ping_conn();
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (holds(cases[i].text, &tcp) != cases[i].tcp)
			fail_msg("'%s' of the TCP flow: not %d", cases[i].text, cases[i].tcp);
		if (holds(cases[i].text, &ping) != cases[i].ping)
			fail_msg("'%s' of the ping: not %d", cases[i].text, cases[i].ping);
	}
}

/* Replies come from and go to the ends as they are outside */
static void test_match_nat(void **state)
{
	const struct conn snat = tcp_conn(CONNTRACK_SNAT), dnat = tcp_conn(CONNTRACK_DNAT);

	assert_true(holds("ct reply ip daddr 203.0.113.1 ct reply proto-dst 61000", &snat));
	assert_true(holds("ct reply ip saddr 10.0.0.2 ip saddr 10.0.0.9", &snat));
	assert_true(holds("ct reply ip saddr 192.0.2.80 ct reply proto-src 8080", &dnat));
	assert_true(holds("ct reply ip daddr 10.0.0.9 tcp dport 80", &dnat));
	assert_true(holds("ct status snat", &snat) && !holds("ct status dnat", &snat));
	assert_true(holds("ct status dnat", &dnat) && !holds("ct status snat", &dnat));
	assert_true(holds("ct status & (snat|dnat) == snat", &snat));
	assert_false(holds("ct reply ip saddr 10.0.0.2", &dnat));
}

static const struct {
	const char *text, *message, *hint;
	int offset, len;
} bad[] = {
	{ "tcp dport 80 tcp flags syn", "a flow has no 'tcp flags'",
	  "packets have that, flows do not", 13, 13 },
	{ "icmp type echo-request", "a flow has no 'icmp type'",
	  "packets have that, flows do not", 0, 22 },
	{ "meta mark 5", "a flow has no 'meta mark'",
	  "packets have that mark; the flow's is 'ct mark'", 0, 11 },
	{ "ip ttl 5", "a flow has no 'ip ttl'", "packets have that, flows do not", 0, 8 },
	{ "iifname eth0", "a flow has no 'iifname'", "packets have that, flows do not", 0, 12 },
	{ "@th,0,16 5", "a flow has no 'payload'", "packets have that, flows do not", 0, 10 },
	{ "ct direction reply", "a flow has no 'ct direction'",
	  "packets have a direction; 'ct original' and 'ct reply' are the flow's ends", 0, 18 },
	{ "ip saddr . meta mark { 10.0.0.1 . 5 }", "a flow has no 'meta mark'",
	  "packets have that mark; the flow's is 'ct mark'", 0, 37 },
	{ "tcp dport @web", "set '@web' is not looked into for flows",
	  "write its elements as a list: { a, b }", 0, 14 },
	{ "ip saddr . tcp dport @web", "set '@web' is not looked into for flows",
	  "write its elements as a list: { a, b }", 0, 25 },
	{ "ct state invalid", "no flow has that state",
	  "a flow is 'new', or 'established' once it is answered", 0, 16 },
	{ "tcp dport 80 accept", "expected a match",
	  "there are no statements and no verdict here", 13, 6 },
	{ "counter name x", "expected a match",
	  "there are no statements and no verdict here", 0, 7 },
	{ "ct mark set 5", "expected a match",
	  "there are no statements and no verdict here", 0, 13 },
	{ "ct zone set 5", "expected a match",
	  "there are no statements and no verdict here", 0, 13 },
	{ "tcp dport vmap { 80 : drop }", "expected a match",
	  "there are no statements and no verdict here", 0, 28 },
	{ "tpc dport 80", "unknown keyword 'tpc'", "did you mean 'tcp'?", 0, 3 },
	{ "tcp dport", "expected a port", NULL, 9, 0 },
	{ "tcp dport 80 udp dport 80",
	  "'udp dport' can never match: it contradicts 'tcp dport' (character 1)", NULL, 13, 9 },
	{ "ip saddr 10.0.0.1, 10.0.0.2", "expected a match", "lists have braces: { a, b }",
	  17, 1 },
};

static void test_refused(void **state)
{
	struct expr_rule rule = { .n = 99 };
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena arena = {};
		struct diags diags = { .arena = &arena };

		if (conn_filter_parse(bad[i].text, "/filter", &diags, &rule) != -EINVAL ||
		    diags.n != 1 || rule.n != 99)
			fail_msg("'%s' is taken", bad[i].text);
		assert_string_equal(diags.v[0].path, "/filter");
		assert_string_equal(diags.v[0].message, bad[i].message);
		assert_string_equal(diags.v[0].hint ?: "", bad[i].hint ?: "");
		assert_int_equal(diags.v[0].offset, bad[i].offset);
		assert_int_equal(diags.v[0].len, bad[i].len);
		arena_fini(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json), cmocka_unit_test(test_nat),
		cmocka_unit_test(test_names), cmocka_unit_test(test_match),
		cmocka_unit_test(test_match_nat), cmocka_unit_test(test_refused),
	};

	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
