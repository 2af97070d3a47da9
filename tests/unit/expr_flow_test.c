// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* expr_flow_test.c - what rules ask of a packet's flow, and do to it */
#include "../lib/expr_rows.h"

#include <shunt/packet.h>

#include "../../dataplane/lib/conntrack.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

#define KEYS	"addresses, ports, protocol, MACs, VLAN id, interface, marks, flow state, zone and direction can"
#define STATES	"none, new, established, related, invalid or untracked"
#define ENDS(way) \
	"'ct " way "' has 'ip saddr', 'ip daddr', 'ip6 saddr', 'ip6 daddr', 'proto-src', 'proto-dst'"

static const struct accept_row accepted[] = {
	{ "ct state established accept", NULL },
	{ "ct state == new accept", "ct state new accept" },
	{ "ct state established,related accept", "ct state { established, related } accept" },
	{ "ct state related , established accept", "ct state { established, related } accept" },
	{ "ct state {new,new} accept", "ct state new accept" },
	{ "ct state != invalid accept", NULL },
	{ "ct state != new,related accept", "ct state != { new, related } accept" },
	{ "ct state { none, new, established, related, invalid } accept", NULL },
	{ "ct state != none drop", "ct state { new, established, related, invalid, untracked } drop" },
	{ "ct state new ct state != established drop", "ct state new drop" },
	{ "tcp dport 22 ct state new ip saddr 10.0.0.1 drop",
	  "ip saddr 10.0.0.1 tcp dport 22 ct state new drop" },
	{ "ct state new frag none ip ttl 1 drop", "frag none ct state new ip ttl 1 drop" },
	{ "ct mark 5 accept", "ct mark 0x5 accept" },
	{ "ct mark { 1, 2-7 } accept", "ct mark 0x1-0x7 accept" },
	{ "ct mark and 0xff == 0x5 accept", "ct mark & 0xff == 0x5 accept" },
	{ "ct mark & 0xff != { 1, 3 } accept", "ct mark & 0xff != { 0x1, 0x3 } accept" },
	{ "ct mark @marks accept", NULL },
	{ "mark 1 ct mark 2 accept", "meta mark 0x1 ct mark 0x2 accept" },
	{ "ct zone 7 accept", NULL },
	{ "ct zone > 7 accept", "ct zone 8-65535 accept" },
	{ "ct direction reply accept", NULL },
	{ "ct direction != reply accept", "ct direction original accept" },
	{ "ct original ip saddr 10.0.0.0/8 accept", NULL },
	{ "ct original  ip  daddr != 10.0.0.1 accept", "ct original ip daddr != 10.0.0.1 accept" },
	{ "ct reply ip6 saddr { 2001:db8::/32, fd00::1-fd00::5 } accept", NULL },
	{ "ct reply ip6 daddr ::1 ct reply proto-dst 80-90 accept", NULL },
	{ "meta nfproto ipv4 ct original ip saddr 10.0.0.1 accept",
	  "ct original ip saddr 10.0.0.1 accept" },
	{ "meta nfproto ipv4 ct original proto-src 1 accept", NULL },
	{ "ct original proto-dst { 22, 80 } ct reply proto-src 8022 accept", NULL },
	/* concatenations and maps */
	{ "ct state . tcp dport { new . 22, established . 1024-65535 } accept", NULL },
	{ "ct mark . ct zone . ip saddr { 1 . 2 . 10.0.0.1 } accept",
	  "ct mark . ct zone . ip saddr { 0x1 . 2 . 10.0.0.1 } accept" },
	{ "ct direction . ct state { reply . new } accept", NULL },
	{ "ct mark . ip daddr @pairs accept", NULL },
	{ "ct state vmap { established: accept, related : accept, invalid: drop }",
	  "ct state vmap { established : accept, related : accept, invalid : drop }" },
	{ "ct mark vmap { 1-2 : jump web, 3 : drop }", "ct mark vmap { 0x1-0x2 : jump web, 0x3 : drop }" },
	{ "ct mark vmap @marks", NULL },
	{ "ct state . ct direction vmap { new . original : accept }", NULL },
	/* statements */
	{ "ct mark set 5", "ct mark set 0x5" },
	{ "ct mark set mark accept", NULL },
	{ "ct mark set meta mark and 0xff accept", "ct mark set mark and 0xff accept" },
	{ "ct mark set ct mark or 0x10", "ct mark set ct mark and 0xffffffef xor 0x10" },
	{ "ct mark set ct mark & 0xff ^ 1", "ct mark set ct mark and 0xff xor 0x1" },
	{ "meta mark set ct mark", NULL },
	{ "mark set ct mark and 0xff xor 0x1", "meta mark set ct mark and 0xff xor 0x1" },
	{ "ct mark set mark and 0 xor 7", "ct mark set 0x7" },
	{ "meta mark set ct mark and 0", "meta mark set 0x0" },
	{ "ct state new ct mark 0 ct mark set 1 ct timeout set short accept",
	  "ct state new ct mark 0x0 ct mark set 0x1 ct timeout set \"short\" accept" },
	{ "ct timeout set \"short\"", NULL },
	{ "udp dport 53 notrack", NULL },
	{ "udp dport 53 notrack accept", NULL },
	{ "add @seen { ct mark } drop", NULL },
	{ "ct zone set 7", NULL },
	{ "udp dport 53 ct zone set 0 accept", NULL },
	{ "ct zone 3 ct zone set 65535", NULL },
	/* status */
	{ "ct status snat accept", NULL },
	{ "ct status dnat,snat accept", "ct status snat|dnat accept" },
	{ "ct status (seen-reply | assured|confirmed) accept",
	  "ct status seen-reply|assured|confirmed accept" },
	{ "ct status 0x20 accept", "ct status dnat accept" },
	{ "ct status ! snat,dnat accept", "ct status & (snat|dnat) == 0 accept" },
	{ "ct status & assured == 0 accept", NULL },
	{ "ct status & assured == assured accept", NULL },
	{ "ct status & (snat|dnat) == snat accept", NULL },
	{ "ct status & (snat|dnat) != snat accept", NULL },
	{ "ct status snat / snat,dnat accept", "ct status & (snat|dnat) == snat accept" },
	{ "ct status != snat / snat,dnat accept", "ct status & (snat|dnat) != snat accept" },
	{ "ct status snat ct status snat accept", "ct status snat accept" },
	{ "ct status assured ct direction reply accept", "ct direction reply ct status assured accept" },
};

static const struct refuse_row refused[] = {
	{ "ct", "expected", 2, 0, "expected a field of 'ct'",
	  "'ct' has 'state', 'mark', 'zone', 'direction', 'status', 'original', 'reply'" },
	{ "ct stat new accept", "unknown_field", 3, 4, "unknown field 'ct stat'",
	  "did you mean 'state'?" },
	{ "state new accept", "unknown_keyword", 0, 5, "unknown keyword 'state'",
	  "did you mean 'ct state'?" },
	{ "ct state accept", "bad_value", 9, 6, "'accept' is not a flow state", STATES },
	{ "ct state establishd accept", "bad_value", 9, 10, "'establishd' is not a flow state",
	  "did you mean 'established'?" },
	{ "ct state 2 accept", "bad_value", 9, 1, "'2' is not a flow state", STATES },
	{ "ct state new-related accept", "bad_value", 9, 11, "'new-related' is not a flow state",
	  STATES },
	{ "ct state new, accept", "bad_value", 14, 6, "'accept' is not a flow state", STATES },
	{ "ct state > new accept", "expected", 9, 1, "expected a value",
	  "'<' and '>' stand before numbers only" },
	{ "ct state @states accept", "expected", 9, 1, "expected a flow state",
	  "no set has flow states" },
	{ "ct state new ct state established accept", "never_matches", 13, 20,
	  "'ct state established' can never match: it contradicts 'ct state new' (character 1)",
	  NULL },
	{ "ct state new,new,new,new,new,new,new,new,new accept", "expected", 41, 1,
	  "expected fewer states", "each is named once" },
	{ "ct mark 0x100000000 accept", "bad_value", 8, 11,
	  "'0x100000000' is not a mark: 0 to 4294967295", NULL },
	{ "ct zone 65536 accept", "bad_value", 8, 5, "'65536' is not a zone: 0 to 65535", NULL },
	{ "ct direction both accept", "bad_value", 13, 4, "'both' is not a direction",
	  "original or reply" },
	{ "ct original saddr 10.0.0.1 accept", "unknown_field", 12, 5,
	  "unknown field 'ct original saddr'", ENDS("original") },
	{ "ct reply ip dport 1 accept", "unknown_field", 9, 8, "unknown field 'ct reply ip dport'",
	  ENDS("reply") },
	{ "ct reply", "expected", 8, 0, "expected a field of 'ct reply'", ENDS("reply") },
	{ "ct original ip saddr ::1 accept", "bad_value", 21, 3,
	  "'::1' is an IPv6 address, not an IPv4 address",
	  "IPv6 addresses go with 'ct original ip6 saddr'" },
	{ "ct reply ip6 daddr 10.0.0.1 accept", "bad_value", 19, 8,
	  "'10.0.0.1' is an IPv4 address, not an IPv6 address",
	  "IPv4 addresses go with 'ct reply ip daddr'" },
	{ "ip saddr 10.0.0.1 ct original ip6 saddr ::1 accept", "never_matches", 18, 21,
	  "'ct original ip6 saddr' can never match: it contradicts 'ip saddr' (character 1)", NULL },
	{ "ct original ip saddr . tcp dport { 10.0.0.1 . 1 } accept", "bad_value", 0, 20,
	  "'ct original ip saddr' cannot be part of a concatenation",
	  KEYS },
	{ "ct reply proto-src vmap { 1 : accept }", "bad_value", 0, 18,
	  "'ct reply proto-src' cannot be part of a map's key",
	  KEYS },
	{ "ct mark set", "expected", 11, 0, "expected a mark", NULL },
	{ "ct mark set ct", "expected", 14, 0, "expected 'mark'", NULL },
	{ "ct mark set ct mark accept", "expected", 20, 1, "expected 'and', 'xor' or 'or'",
	  "mark and 0xff00 xor 0x1" },
	{ "ct mark set ct mark xor 0 accept", "bad_value", 0, 25, "the mark stays as it is", NULL },
	{ "ct timeout short accept", "expected", 11, 1, "expected 'set'", "ct timeout set NAME" },
	{ "ct timeout set 5s accept", "bad_name", 15, 2, "'5s' is not the name of a timeout policy",
	  "a name is a letter, then up to 30 of a-z, 0-9, '_' and '-'" },
	{ "ct zone set accept", "bad_value", 12, 6, "'accept' is not a zone: 0 to 65535", NULL },
	{ "ct zone set 65536", "bad_value", 12, 5, "'65536' is not a zone: 0 to 65535", NULL },
	{ "ct status", "expected", 9, 0, "expected a flow's status", NULL },
	{ "ct status dnta accept", "bad_value", 10, 4, "'dnta' is not a flow's status",
	  "did you mean 'dnat'?" },
	{ "ct status expected accept", "bad_value", 10, 8, "'expected' is not a flow's status",
	  "seen-reply, assured, confirmed, snat or dnat" },
	{ "ct status 1 accept", "bad_value", 10, 1, "'1' is not a flow's status",
	  "seen-reply, assured, confirmed, snat or dnat" },
	{ "ct status 0 accept", "bad_value", 10, 1, "no flag to look at", NULL },
	{ "ct status { snat, dnat } accept", "expected", 10, 1, "expected a flow's status",
	  "write 'snat|dnat' for any of them, '& (snat|dnat) == snat' for a mask" },
	{ "ct status == snat accept", "bad_value", 0, 17,
	  "in Linux a flow has other bits besides: take a mask",
	  "ct status & (snat|dnat) == snat" },
	{ "ct status != snat accept", "bad_value", 0, 17,
	  "in Linux a flow has other bits besides: take a mask",
	  "ct status & (snat|dnat) == snat" },
	{ "ct status & snat|dnat == snat accept", "expected", 12, 9,
	  "expected parentheses around the flags of a mask", "write & (snat|dnat) == snat" },
	{ "ct status & snat == dnat accept", "bad_value", 20, 4,
	  "'dnat' has flags that the mask 'snat' has not", NULL },
	{ "ct status snat ct status ! snat accept", "never_matches", 15, 16,
	  "'ct status ! snat' can never match: it contradicts 'ct status snat' (character 1)", NULL },
	{ "ct status & assured == assured ct status & (assured|snat) == snat accept", "never_matches",
	  31, 34,
	  "'ct status & (assured|snat) == snat' can never match: it contradicts "
	  "'ct status & assured == assured' (character 1)", NULL },
	{ "ct status . ip saddr { snat . 10.0.0.1 } accept", "bad_value", 0, 9,
	  "'ct status' cannot be part of a concatenation", KEYS },
	{ "ct status vmap { snat : accept }", "bad_value", 0, 9, "'ct status' has no values to map",
	  NULL },
	{ "log ct state new accept", "expected", 4, 8, "expected a statement, a verdict or 'vmap'",
	  "matches stand before statements" },
	{ "notrak accept", "unknown_keyword", 0, 6, "unknown keyword 'notrak'",
	  "did you mean 'notrack'?" },
};

static struct arena arena;
static struct diags diags = { .arena = &arena };

static struct expr_rule read_rule(const char *text)
{
	struct expr_rule rule;

	if (expr_parse(text, "", &diags, &rule) < 0)
		fail_msg("'%s': %s", text, diags.v[0].message);
	return rule;
}

static int teardown(void **state)
{
	arena_fini(&arena);
	return 0;
}

static void test_matches(void **state)
{
	struct expr_rule rule = read_rule("ct state established,related ct reply ip6 saddr ::1 "
					  "ct original proto-dst 80 accept");

	assert_int_equal(rule.n, 3);
	assert_int_equal(rule.families, EXPR_FAMILY_6);
	assert_int_equal(rule.match[0].field, EXPR_CT_STATE);
	assert_int_equal(rule.match[0].n, 1);
	assert_int_equal(rule.match[0].interval[0].first.lo, SHUNT_CT_ESTABLISHED);
	assert_int_equal(rule.match[0].interval[0].last.lo, SHUNT_CT_RELATED);
	assert_int_equal(rule.match[1].field, EXPR_CT_DPORT);
	assert_int_equal(rule.match[1].interval[0].last.lo, 80);
	assert_int_equal(rule.match[2].field, EXPR_CT_REPLY_IP6_SADDR);
	rule = read_rule("ct status ! snat,assured accept");
	assert_int_equal(rule.match[0].field, EXPR_CT_STATUS);
	assert_int_equal(rule.match[0].field_mask, CONNTRACK_STATUS_SNAT | CONNTRACK_STATUS_ASSURED);
	assert_true(rule.match[0].n == 1 && !rule.match[0].negated &&
		    !rule.match[0].interval[0].last.lo);
	rule = read_rule("ct state != new accept");
	assert_int_equal(rule.families, EXPR_FAMILY_4 | EXPR_FAMILY_6);
	assert_int_equal(rule.match[0].n, 2);
	assert_int_equal(rule.match[0].interval[1].last.lo, SHUNT_CT_UNTRACKED);
}

static void test_statements(void **state)
{
	struct expr_rule rule = read_rule("ct mark set mark and 6 meta mark set ct mark xor 1 "
					  "ct mark set 9 ct timeout set short notrack");
	const struct expr_statement *s = rule.statement;

	assert_int_equal(rule.n_statements, 5);
	assert_true(s[0].kind == EXPR_SET_CT_MARK && s[0].crossed && s[0].mark_mask == 6 &&
		    !s[0].mark);
	assert_true(s[1].kind == EXPR_SET_MARK && s[1].crossed && s[1].mark_mask == UINT32_MAX &&
		    s[1].mark == 1);
	assert_true(s[2].kind == EXPR_SET_CT_MARK && !s[2].crossed && !s[2].mark_mask &&
		    s[2].mark == 9);
	assert_int_equal(s[3].kind, EXPR_SET_POLICY);
	assert_string_equal(s[3].name, "short");
	assert_int_equal(s[3].len, 20);
	assert_int_equal(s[4].kind, EXPR_NOTRACK);
	s = read_rule("ct zone set 300 accept").statement;
	assert_true(s->kind == EXPR_SET_ZONE && s->amount == 300 && s->len == 15);
}

int main(void)
{
	static const struct CMUnitTest whole[] = {
		cmocka_unit_test_teardown(test_matches, teardown),
		cmocka_unit_test_teardown(test_statements, teardown),
	};

	return expr_rows_main(accepted, N(accepted), refused, N(refused), whole, N(whole));
}
