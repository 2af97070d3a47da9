// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* expr_field_test.c - matches beyond addresses and ports: headers, frames, marks, bytes */
#include "../lib/expr_rows.h"

#include <shunt/packet.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

static const struct accept_row accepted[] = {
	{ "ip length 0-100 drop", NULL },
	{ "ip6 length != 40 drop", NULL },
	{ "ip length > 1500 drop", "ip length 1501-65535 drop" },
	{ "ip length >= 1500 drop", "ip length 1500-65535 drop" },
	{ "ip length < 100 drop", "ip length 0-99 drop" },
	{ "ip length <= 100 drop", "ip length 0-100 drop" },
	{ "tcp dport > 1023 drop", "tcp dport 1024-65535 drop" },
	{ "ip saddr < 10.0.0.0 drop", "ip saddr 0.0.0.0-9.255.255.255 drop" },
	{ "ip6 saddr >= ff00:: drop", "ip6 saddr ff00::/8 drop" },
	{ "ip dscp ef accept", NULL },
	{ "ip dscp 46 accept", "ip dscp ef accept" },
	{ "ip6 dscp { cs0, af11, 0x3e } accept", "ip6 dscp { cs0, af11, 62 } accept" },
	{ "ip6 dscp { cs0, 63 } accept", "ip6 dscp != 1-62 accept" },
	{ "ip dscp be accept", "ip dscp cs0 accept" },
	{ "ip dscp cs1-cs3 accept", "ip dscp 8-24 accept" },
	{ "ip dscp != cs0 accept", "ip dscp 1-63 accept" },
	{ "ip ttl 1 drop", NULL },
	{ "ip6 hoplimit != 255 drop", "ip6 hoplimit 0-254 drop" },
	{ "ip ttl 5 ip saddr 10.0.0.1 drop", "ip saddr 10.0.0.1 ip ttl 5 drop" },
	{ "exthdr hbh exists drop", NULL },
	{ "exthdr rt == exists drop", "exthdr rt exists drop" },
	{ "exthdr frag != exists drop", "exthdr frag missing drop" },
	{ "exthdr ah missing exthdr dst exists drop", "exthdr dst exists exthdr ah missing drop" },
	{ "exthdr hbh exists exthdr hbh exists drop", "exthdr hbh exists drop" },
	{ "meta nfproto ipv6 exthdr hbh exists drop", "exthdr hbh exists drop" },
	{ "ether saddr 02:00:00:00:00:01 accept", NULL },
	{ "ether daddr FF:ff:ff:ff:ff:ff drop", "ether daddr ff:ff:ff:ff:ff:ff drop" },
	{ "ether saddr { 2:0:0:0:0:2, 2:0:0:0:0:1 } drop",
	  "ether saddr 02:00:00:00:00:01-02:00:00:00:00:02 drop" },
	{ "ether saddr != @stations drop", NULL },
	{ "ether type arp accept", NULL },
	{ "ether type 0x86DD accept", "ether type ip6 accept" },
	{ "ether type { ip, ip6, arp } accept", "ether type { ip, arp, ip6 } accept" },
	{ "ether type != 0x88cc drop", NULL },
	{ "ether type vlan drop", "vlan id 0-4095 drop" },
	{ "ether type vlan vlan id 5 drop", "vlan id 5 drop" },
	{ "ether type 0x8100 ether type ip drop", "ether type ip vlan id 0-4095 drop" },
	{ "ether type ip tcp dport 22 drop", "tcp dport 22 ether type ip drop" },
	{ "vlan id 10 vlan pcp 7 drop", NULL },
	{ "vlan id { 10, 20-29 } drop", NULL },
	{ "vlan pcp > 4 drop", "vlan pcp 5-7 drop" },
	{ "iif eth0 drop", "iifname \"eth0\" drop" },
	{ "meta iifname \"eth0\" drop", "iifname \"eth0\" drop" },
	{ "meta iif != eth0.100 drop", "iifname != \"eth0.100\" drop" },
	{ "iifname { \"wan*\", eth1, eth0, wan0 } drop",
	  "iifname { \"eth0\", \"eth1\", \"wan*\" } drop" },
	{ "iifname eth* iifname != eth0 drop", "iifname \"eth*\" iifname != \"eth0\" drop" },
	{ "iifname eth0 iif eth0 drop", "iifname \"eth0\" drop" },
	{ "iifname abcdefghijklmno drop", "iifname \"abcdefghijklmno\" drop" },
	{ "meta mark 5 drop", "meta mark 0x5 drop" },
	{ "mark 0x10-0x1f drop", "meta mark 0x10-0x1f drop" },
	{ "meta mark != { 1, 2, 9 } drop", "meta mark != { 0x1-0x2, 0x9 } drop" },
	{ "meta mark @marks drop", NULL },
	{ "meta mark and 0xff == 5 drop", "meta mark & 0xff == 0x5 drop" },
	{ "meta mark & 0xff != { 1, 3-4 } drop", "meta mark & 0xff != { 0x1, 0x3-0x4 } drop" },
	{ "meta mark & 0xffffffff == 1 drop", "meta mark 0x1 drop" },
	{ "meta mark & 0xf0 == 0x10 meta mark & 0xf == 1 drop",
	  "meta mark & 0xf == 0x1 meta mark & 0xf0 == 0x10 drop" },
	{ "@th,16,16 53 drop", "@th,16,16 0x35 drop" },
	{ "@nh,0,8 & 0xf0 == 0x40 drop", NULL },
	{ "@ll,0,48 0x020000000001 drop", "@ll,0,48 0x20000000001 drop" },
	{ "@nh,64,8 != 1 drop", "@nh,64,8 != 0x1 drop" },
	{ "@nh,64,8 >= 0xf0 drop", "@nh,64,8 0xf0-0xff drop" },
	{ "@nh,128,64 { 1, 0xffffffffffffffff } drop",
	  "@nh,128,64 { 0x1, 0xffffffffffffffff } drop" },
	{ "@th,0,8 & 0xff == 1 drop", "@th,0,8 0x1 drop" },
	{ "@th,64,16 1 @ll,0,8 2 tcp dport 1 drop", "tcp dport 1 @ll,0,8 0x2 @th,64,16 0x1 drop" },
};

static const struct refuse_row refused[] = {
	{ "ip length 70000 drop", "bad_value", 10, 5, "'70000' is not a length: 0 to 65535", NULL },
	{ "ip dscp 64 drop", "bad_value", 8, 2, "'64' is not a DSCP: 0 to 63", NULL },
	{ "ip dscp ex drop", "bad_value", 8, 2, "'ex' is not a DSCP", "did you mean 'ef'?" },
	{ "ip ttl 5 ip6 hoplimit 5 drop", "never_matches", 9, 12,
	  "'ip6 hoplimit' can never match: it contradicts 'ip ttl' (character 1)", NULL },
	{ "exthdr mh exists drop", "bad_value", 7, 2,
	  "'mh' is not 'hbh', 'dst', 'rt', 'frag' or 'ah'", "did you mean 'ah'?" },
	{ "exthdr hbh drop", "bad_value", 11, 4, "'drop' is not 'exists' or 'missing'", NULL },
	{ "exthdr hbh exists exthdr hbh missing drop", "never_matches", 18, 18,
	  "'exthdr hbh missing' can never match: it contradicts 'exthdr hbh exists' (character 1)",
	  NULL },
	{ "ip saddr 10.0.0.1 exthdr hbh exists drop", "never_matches", 18, 6,
	  "'exthdr' can never match: it contradicts 'ip saddr' (character 1)", NULL },
	{ "ether saddr 02:00 drop", "bad_value", 12, 5, "'02:00' is not a MAC address",
	  "six bytes: 02:00:00:00:00:01" },
	{ "ether saddr 02:00:00:00:00:00/24 drop", "bad_value", 12, 20,
	  "'02:00:00:00:00:00/24' is not a MAC address", "six bytes: 02:00:00:00:00:01" },
	{ "ether type { ip, vlan } drop", "bad_value", 0, 23,
	  "'vlan' stands alone: the type is that behind the tags",
	  "'vlan id 0-4095' are the tagged frames" },
	{ "ether type != vlan drop", "bad_value", 0, 18,
	  "'vlan' stands alone: the type is that behind the tags",
	  "'vlan id 0-4095' are the tagged frames" },
	{ "ether type arp tcp dport 22 drop", "never_matches", 15, 9,
	  "'tcp dport' can never match: it contradicts 'ether type arp' (character 1)", NULL },
	{ "ip saddr 10.0.0.1 ether type ip6 drop", "never_matches", 18, 14,
	  "'ether type ip6' can never match: it contradicts 'ip saddr' (character 1)", NULL },
	{ "vlan id 4096 drop", "bad_value", 8, 4, "'4096' is not a VLAN id: 0 to 4095", NULL },
	{ "vlan pcp 8 drop", "bad_value", 9, 1, "'8' is not a VLAN priority: 0 to 7", NULL },
	{ "iif @ports drop", "expected", 4, 1, "expected the name of an interface",
	  "interfaces are listed in the rule: { \"eth0\", \"eth1\" }" },
	{ "iif * drop", "bad_value", 4, 1, "'*' is not an interface's name",
	  "leave the match out: every packet has an interface" },
	{ "iif \"e*0\" drop", "bad_value", 5, 3, "'e*0' is not an interface's name",
	  "'*' stands at the end only" },
	{ "iif abcdefghijklmnop drop", "bad_value", 4, 16,
	  "'abcdefghijklmnop' is not an interface's name", "it has 1 to 15 characters" },
	{ "iif \"eth0 drop", "expected", 14, 0, "expected '\"' at the end of the name", NULL },
	{ "iifname eth0 iifname eth1 drop", "never_matches", 13, 12,
	  "'iifname eth1' can never match: it contradicts 'iifname eth0' (character 1)", NULL },
	{ "iifname { eth0, eth1 } iifname != eth* drop", "never_matches", 23, 15,
	  "'iifname != eth*' can never match: it contradicts 'iifname { eth0, eth1 }' (character 1)",
	  NULL },
	{ "meta mark 0x100000000 drop", "bad_value", 10, 11,
	  "'0x100000000' is not a mark: 0 to 4294967295", NULL },
	{ "meta mark & 0 == 0 drop", "bad_value", 12, 1,
	  "'0' is not a mask: 1 to 4294967295", NULL },
	{ "meta mark & 0xff 5 drop", "expected", 17, 1, "expected '==' or '!='", NULL },
	{ "meta mark & 0xf == 0x10 drop", "bad_value", 19, 4,
	  "'0x10' has bits that the mask 0xf has not", NULL },
	{ "meta mark & 0xf == @m drop", "expected", 19, 1, "expected a mark",
	  "a set is asked for whole fields only" },
	{ "meta mark & 1 == 1 meta mark 2 drop", "never_matches", 19, 11,
	  "'meta mark 2' can never match: it contradicts 'meta mark & 1 == 1' (character 1)",
	  NULL },
	{ "meta mark & 1 == 1 meta mark & 1 != 1 drop", "never_matches", 19, 18,
	  "'meta mark & 1 != 1' can never match: it contradicts 'meta mark & 1 == 1' (character 1)",
	  NULL },
	{ "@xh,0,8 1 drop", "bad_value", 1, 2, "'xh' is not 'll', 'nh' or 'th'",
	  "did you mean 'nh'?" },
	{ "@th 0,8 1 drop", "expected", 4, 1, "expected ','",
	  "'@nh,64,8' are 8 bits, 64 bits into the IP header" },
	{ "@th,4,8 1 drop", "bad_value", 4, 1, "an offset is in bits, and whole bytes",
	  "take the bytes around it, and a mask: @nh,0,8 & 0xf0 == 0x40" },
	{ "@th,0,4 1 drop", "bad_value", 6, 1, "'4' is not a length: 8 to 64", NULL },
	{ "@th,0,128 1 drop", "bad_value", 6, 3, "'128' is not a length: 8 to 64", NULL },
	{ "@th,65536,8 1 drop", "bad_value", 4, 5, "'65536' is not an offset: 0 to 65528", NULL },
	{ "@th,0,8 256 drop", "bad_value", 8, 3, "'256' has more than 8 bits", NULL },
	{ "@th,0,8 @s drop", "expected", 8, 1, "expected a number",
	  "a set is asked for whole fields only" },
	{ "frag later @th,0,8 1 drop", "never_matches", 11, 9,
	  "'@th,0,8 1' can never match: it contradicts 'frag later' (character 1)", NULL },
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

static void test_headers_are_one_match(void **state)
{
	struct expr_rule rule = read_rule("exthdr hbh exists exthdr ah missing drop");

	assert_int_equal(rule.families, EXPR_FAMILY_6);
	assert_int_equal(rule.n, 1);
	assert_int_equal(rule.match[0].field, EXPR_EXTHDR);
	assert_int_equal(rule.match[0].mask, SHUNT_EXT_HBH | SHUNT_EXT_AH);
	assert_int_equal(rule.match[0].value, SHUNT_EXT_HBH);
}

static void test_names(void **state)
{
	struct expr_rule rule = read_rule("iifname != { wan, \"eth*\" } drop");

	assert_int_equal(rule.n, 1);
	assert_int_equal(rule.match[0].field, EXPR_IIF);
	assert_true(rule.match[0].negated);
	assert_int_equal(rule.match[0].n_names, 2);
	assert_string_equal(rule.match[0].name[0], "eth*");
	assert_string_equal(rule.match[0].name[1], "wan");
}

static void test_mask(void **state)
{
	struct expr_rule rule = read_rule("meta mark & 0xff00 != 0x1200 drop");

	assert_int_equal(rule.families, EXPR_FAMILY_4 | EXPR_FAMILY_6);
	assert_int_equal(rule.match[0].field_mask, 0xff00);
	assert_true(rule.match[0].negated);
	assert_int_equal(rule.match[0].n, 1);
	assert_int_equal(rule.match[0].interval[0].first.lo, 0x1200);
}

static void test_payload(void **state)
{
	struct expr_rule rule = read_rule("@nh,128,16 != 7 drop");
	const struct expr_match *match = &rule.match[0];

	assert_int_equal(match->field, EXPR_PAYLOAD);
	assert_int_equal(match->base, EXPR_BASE_NH);
	assert_int_equal(match->at, 16);
	assert_int_equal(match->bytes, 2);
	assert_int_equal(match->n, 2);		/* the rest of 16 bits */
	assert_int_equal(match->interval[0].last.lo, 6);
	assert_int_equal(match->interval[1].first.lo, 8);
	assert_int_equal(match->interval[1].last.lo, 0xffff);
	assert_int_equal(match->field_mask, 0);
	assert_false(match->negated);
}

/* Family by what an answer or a type says, and by nothing */
static void test_families(void **state)
{
	assert_int_equal(read_rule("ip dscp 1 drop").families, EXPR_FAMILY_4);
	assert_int_equal(read_rule("ip6 length 1 drop").families, EXPR_FAMILY_6);
	assert_int_equal(read_rule("ether type ip drop").families, EXPR_FAMILY_4 | EXPR_FAMILY_6);
	assert_int_equal(read_rule("@th,0,8 1 drop").families, EXPR_FAMILY_4 | EXPR_FAMILY_6);
}

static void test_too_many_matches(void **state)
{
	struct expr_rule rule;
	struct buf text = {0};
	unsigned int i;

	for (i = 0; i < 33; i++)
		buf_printf(&text, "ip saddr @s%u ", i);
	buf_str(&text, "drop");
	assert_int_equal(expr_parse(text.data, "", &diags, &rule), -EINVAL);
	assert_string_equal(diags.v[0].code, "too_many");
	diags.n = diags.total = 0;
	assert_int_equal(expr_parse(text.data + strlen("ip saddr @s0 "), "", &diags, &rule), 0);
	assert_int_equal(rule.n, 32);
	buf_fini(&text);
}

#define WHOLE(f) cmocka_unit_test_teardown(f, teardown)

int main(void)
{
	static const struct CMUnitTest whole[] = {
		WHOLE(test_headers_are_one_match),
		WHOLE(test_names),
		WHOLE(test_mask),
		WHOLE(test_payload),
		WHOLE(test_families),
		WHOLE(test_too_many_matches),
	};

	return expr_rows_main(accepted, N(accepted), refused, N(refused), whole, N(whole));
}
