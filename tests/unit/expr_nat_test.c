// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* expr_nat_test.c - what rules give flows: snat, dnat, masquerade */
#include "../lib/expr_rows.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define EXAMPLE "snat to 192.0.2.1-192.0.2.9:1024-65535, dnat to [2001:db8::1]:80"

static const struct accept_row accepted[] = {
	{ "ip saddr 10.0.0.0/8 snat to 192.0.2.1", NULL },
	{ "snat to 192.0.2.1", NULL },
	{ "snat ip to 192.0.2.1 accept", "snat to 192.0.2.1 accept" },
	{ "meta nfproto ipv4 snat to 192.0.2.1", "snat to 192.0.2.1" },
	{ "snat to 192.0.2.1-192.0.2.9 persistent", NULL },
	{ "snat to 192.0.2.1-192.0.2.1", "snat to 192.0.2.1" },
	{ "tcp dport 80 snat to 192.0.2.1:1024-65535", NULL },
	{ "meta l4proto { tcp, udp } ip saddr 10.0.0.1 snat to 192.0.2.1-192.0.2.9:7 persistent drop",
	  "ip saddr 10.0.0.1 ip protocol { tcp, udp } snat to 192.0.2.1-192.0.2.9:7 persistent drop" },
	{ "ip daddr 192.0.2.1 tcp dport 80 dnat to 10.0.0.80:8080", NULL },
	{ "ip daddr 192.0.2.1 udp dport 53 dnat ip to 10.0.0.53:53-54 accept",
	  "ip daddr 192.0.2.1 udp dport 53 dnat to 10.0.0.53:53-54 accept" },
	{ "ip6 saddr fd00::/8 snat to 2001:db8::1", NULL },
	{ "ip6 saddr fd00::/8 snat ip6 to 2001:DB8::1-2001:db8::ffff",
	  "ip6 saddr fd00::/8 snat to 2001:db8::1-2001:db8::ffff" },
	{ "ip6 daddr 2001:db8::1 tcp dport 80 dnat to [fd00::80]:8080", NULL },
	{ "ip6 daddr 2001:db8::1 tcp dport 80 dnat to [fd00::80]-[fd00::90]:8080-8081 persistent", NULL },
	{ "ip6 daddr 2001:db8::1 dnat to [fd00::80]", "ip6 daddr 2001:db8::1 dnat to fd00::80" },
	{ "ip saddr 10.0.0.0/24 snat ip prefix to 192.0.2.0/24", NULL },
	{ "ip saddr 10.0.0.0/24 snat prefix to 192.0.2.0/24",
	  "ip saddr 10.0.0.0/24 snat ip prefix to 192.0.2.0/24" },
	{ "ip6 saddr fd01:203:405::/48 snat ip6 prefix to 2001:db8:1::/48", NULL },
	{ "ip6 daddr 2001:db8:1::/48 dnat ip6 prefix to fd01:203:405::/48 accept", NULL },
	{ "masquerade", NULL },
	{ "ip saddr 10.0.0.0/8 masquerade accept", NULL },
	{ "meta l4proto tcp masquerade to :1024-65535",
	  "meta l4proto tcp masquerade to :1024-65535" },
	{ "ip daddr 192.0.2.1 dnat to 10.0.0.80 masquerade accept", NULL },
	{ "ct state new ct mark set 1 snat to 192.0.2.1 log accept",
	  "ct state new ct mark set 0x1 snat to 192.0.2.1 log accept" },
};

static const struct refuse_row refused[] = {
	{ "snat 192.0.2.1", "expected", 5, 1, "expected 'to' or 'prefix to'", EXAMPLE },
	{ "snat to", "expected", 7, 0, "expected an address", EXAMPLE },
	{ "snat to nowhere", "bad_value", 8, 7, "'nowhere' is not an address or range", EXAMPLE },
	{ "snat to 192.0.2.256", "bad_value", 8, 11, "'192.0.2.256' is not an address or range", EXAMPLE },
	{ "snat to 192.0.2.9-192.0.2.1", "bad_value", 8, 19, "the range is reversed", NULL },
	{ "snat to 2001:db8::-2001:db8::1:0:0:1", "bad_value", 8, 28,
	  "the range has more than 4294967296 addresses", NULL },
	{ "snat ip6 to 192.0.2.1", "bad_value", 12, 9, "'192.0.2.1' is not an address or range", EXAMPLE },
	{ "snat ip to 2001:db8::1", "bad_value", 11, 11, "'2001:db8::1' is not an address or range", EXAMPLE },
	{ "ip6 saddr fd00::1 snat to 192.0.2.1", "never_matches", 26, 9,
	  "'192.0.2.1' can never match: it contradicts 'ip6 saddr' (character 1)", NULL },
	{ "snat to 192.0.2.1:80", "no_ports", 8, 12, "ports need a match that leaves TCP and UDP alone",
	  "meta l4proto { tcp, udp } snat to 192.0.2.1:1024-65535" },
	{ "sctp dport 80 dnat to 192.0.2.1:80", "no_ports", 22, 12,
	  "ports need a match that leaves TCP and UDP alone",
	  "meta l4proto { tcp, udp } snat to 192.0.2.1:1024-65535" },
	{ "meta l4proto { tcp, sctp } dnat to 192.0.2.1:80", "no_ports", 35, 12,
	  "ports need a match that leaves TCP and UDP alone",
	  "meta l4proto { tcp, udp } snat to 192.0.2.1:1024-65535" },
	{ "tcp dport 80 dnat to 10.0.0.1:90-80", "bad_value", 21, 14,
	  "the range of ports is reversed", NULL },
	{ "tcp dport 80 dnat to 10.0.0.1:0", "bad_value", 21, 10,
	  "'10.0.0.1:0' is not a port or range of ports", EXAMPLE },
	{ "tcp dport 80 dnat to 10.0.0.1:65536", "bad_value", 21, 14,
	  "'10.0.0.1:65536' is not a port or range of ports", EXAMPLE },
	{ "tcp dport 80 dnat to [fd00::1:80", "bad_value", 21, 11,
	  "'[fd00::1:80' is not an address or range", EXAMPLE },
	{ "tcp dport 80 dnat to [fd00::1]80", "bad_value", 21, 11,
	  "'[fd00::1]80' is not an address or range", EXAMPLE },
	{ "snat ip6 prefix to 2001:db8::/65", "bad_value", 19, 13,
	  "'2001:db8::/65' is not an IPv6 prefix of up to 64 bits", EXAMPLE },
	{ "snat ip prefix to 192.0.2.1/24", "bad_value", 18, 12,
	  "'192.0.2.1/24' has bits behind its prefix", NULL },
	{ "snat ip prefix to 192.0.2.1", "bad_value", 18, 9, "'192.0.2.1' is not a prefix", EXAMPLE },
	{ "snat ip6 prefix to 192.0.2.0/24", "bad_value", 19, 12, "'192.0.2.0/24' is not a prefix", EXAMPLE },
	{ "masquerade to 80", "bad_value", 14, 2,
	  "'80' is not ':' and a port or range of ports", EXAMPLE },
	{ "masquerade to :80", "no_ports", 14, 3, "ports need a match that leaves TCP and UDP alone",
	  "meta l4proto { tcp, udp } snat to 192.0.2.1:1024-65535" },
	{ "snat to 192.0.2.1 tcp dport 80", "expected", 18, 9,
	  "expected a statement, a verdict or 'vmap'", "matches stand before statements" },
	{ "masquarade", "unknown_keyword", 0, 10, "unknown keyword 'masquarade'",
	  "did you mean 'masquerade'?" },
};

static struct arena arena;
static struct diags diags = { .arena = &arena };

static int teardown(void **state)
{
	arena_fini(&arena);
	return 0;
}

static const struct expr_nat *read_nat(const char *text, unsigned int families)
{
	struct expr_rule rule;

	if (expr_parse(text, "", &diags, &rule) < 0)
		fail_msg("'%s': %s", text, diags.v[0].message);
	assert_int_equal(rule.n_statements, 1);
	assert_int_equal(rule.families, families);
	return rule.statement[0].nat;
}

static void test_values(void **state)
{
	const struct expr_nat *nat;

	nat = read_nat("tcp dport 1 snat to 192.0.2.1-192.0.2.9:7-9 persistent", EXPR_FAMILY_4);
	assert_int_equal(nat->first.lo, 0xc0000201);
	assert_int_equal(nat->last.lo, 0xc0000209);
	assert_true(nat->ports && nat->persistent && !nat->prefix);
	assert_int_equal(nat->port_first, 7);
	assert_int_equal(nat->port_last, 9);
	nat = read_nat("dnat to 2001:db8::1", EXPR_FAMILY_6);
	assert_true(nat->first.hi == 0x20010db800000000 && nat->first.lo == 1);
	assert_true(nat->last.hi == nat->first.hi && nat->last.lo == 1);
	assert_false(nat->ports || nat->persistent);
	nat = read_nat("snat ip6 prefix to 2001:db8:1::/48", EXPR_FAMILY_6);
	assert_true(nat->prefix && nat->len == 48);
	nat = read_nat("masquerade", EXPR_FAMILY_4 | EXPR_FAMILY_6);
	assert_int_equal(nat->families, EXPR_FAMILY_4 | EXPR_FAMILY_6);
}

int main(void)
{
	static const struct CMUnitTest whole[] = {
		cmocka_unit_test_teardown(test_values, teardown),
	};

	return expr_rows_main(accepted, N(accepted), refused, N(refused), whole, N(whole));
}
