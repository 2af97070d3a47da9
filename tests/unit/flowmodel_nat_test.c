// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* flowmodel_nat_test.c - the model's translations: the RFCs' own examples, and what it does not let be */
#include "../lib/unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "../lib/flowmodel_nat.h"
#include "../lib/pkt.h"

static struct flowmodel model;
static struct flownat nat;

static void addr_of(const char *text, uint8_t *ret)
{
	assert_int_equal(inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, ret), 1);
}

static struct flownat_rule rule_of(enum flownat_kind kind, const char *first, const char *last)
{
	struct flownat_rule rule = { .kind = kind, .version = strchr(first, ':') ? 6 : 4 };

	addr_of(first, rule.first);
	addr_of(last, rule.last);
	return rule;
}

static struct model_packet parsed(const struct pkt_hdr *hdrs, struct pkt *p)
{
	struct model_packet packet;

	pkt_build(p, hdrs);
	model_parse(p->data, p->len, &packet);
	assert_null(packet.malformed);
	return packet;
}

static int setup(void **state)
{
	flowmodel_init(&model, 1000);
	memset(&nat, 0, sizeof(nat));
	return 0;
}

static int teardown(void **state)
{
	flowmodel_fini(&model);
	flownat_fini(&nat);
	return 0;
}

/* What becomes of a datagram by a rule of the source, where the product has made @got of it */
static enum flownat_end begin(const struct pkt_hdr *hdrs, const struct flownat_rule *snat,
			      const struct pkt_hdr *got, struct flowmodel_key *ret_outside,
			      const char **ret_why)
{
	struct pkt p, q;
	struct model_packet packet = parsed(hdrs, &p), made;
	struct flowmodel_outcome out;
	struct flowmodel_flow *flow;
	struct flowmodel_key key;
	enum flownat_end end;

	*ret_why = NULL;
	flowmodel_track(&model, 0, &packet, &out);
	if (got) {
		made = parsed(got, &q);
		flowmodel_key(&made, 0, &key);
	}
	end = flownat_begin(&nat, &model, &packet, &out.key, NULL, snat, got ? &key : NULL,
			    ret_outside, ret_why);
	if (end == FLOWNAT_TRANSLATED && got && !*ret_why) {
		flow = flowmodel_commit(&model, &packet, &out, 0, 0);
		assert_non_null(flow);
		flownat_keep(flow, ret_outside);
	}
	return end;
}

/* RFC 6296 2.4, and what 3.5 says of words of ones and of no interface id */
static void test_prefix(void **state)
{
	static const struct { const char *to, *was, *now; unsigned int len; } row[] = {
		{ "2001:db8:1::", "fd01:203:405:1::1234", "2001:db8:1:d550::1234", 48 },
		{ "2001:db8:1::", "fd01:203:405:ffff::1234", NULL, 48 },
		{ "2001:db8:1:ff00::", "fd01:203:405:6701::", NULL, 56 },
		{ "fd01:203:405:6700::", "2001:db8:1:d501:ffff::1", NULL, 56 },
	};
	struct flownat_rule rule;
	struct flowmodel_key outside;
	const char *why;
	uint8_t want[16];
	unsigned int i, sum;

	for (i = 0; i < 4; i++) {
		rule = rule_of(FLOWNAT_PREFIX, row[i].to, row[i].to);
		rule.len = row[i].len;
		if (i == 1 || i == 2) {
			assert_int_equal(begin(UDP6(row[i].was, "2001:db8::9", 1000, 53), &rule, NULL,
					       &outside, &why), FLOWNAT_EXHAUSTED);
			continue;
		}
		assert_int_equal(begin(UDP6(row[i].was, "2001:db8::9", 1000, 53), &rule,
				       UDP6("::", "2001:db8::9", 1000, 53), &outside, &why),
				 FLOWNAT_TRANSLATED);
		if (row[i].now) {
			addr_of(row[i].now, want);
			assert_memory_equal(outside.end[0].addr, want, 16);
		}
		addr_of(row[i].was, want);
		sum = pkt_sum(outside.end[0].addr, 16, 0);
		assert_int_equal(pkt_checksum(want, 16, 0), pkt_checksum(NULL, 0, sum));
	}
	assert_int_equal(outside.end[0].addr[8] << 8 | outside.end[0].addr[9], 0xffff);
}

#define OUT4	"203.0.113.1"
#define TO4	"198.51.100.7"

/* A port stays while it is free; else it may be any of its class that is, and no other */
static void test_ports(void **state)
{
	struct flownat_rule rule = rule_of(FLOWNAT_RANGE, OUT4, OUT4);
	struct flowmodel_key outside;
	const char *why;

	begin(UDP4("10.0.0.1", TO4, 4000, 53), &rule, UDP4(OUT4, TO4, 4000, 53), &outside, &why);
	assert_null(why);
	begin(UDP4("10.0.0.2", TO4, 4000, 53), &rule, UDP4(OUT4, TO4, 4000, 53), &outside, &why);
	assert_string_equal(why, "a source port that is another flow's");
	begin(UDP4("10.0.0.2", TO4, 4000, 53), &rule, UDP4(OUT4, TO4, 1023, 53), &outside, &why);
	assert_string_equal(why, "a source port outside of what it may be");
	begin(UDP4("10.0.0.2", TO4, 4001, 53), &rule, UDP4(OUT4, TO4, 5000, 53), &outside, &why);
	assert_int_equal(outside.end[0].port, 4001);	/* it is free, so it is to stay */
	begin(UDP4("10.0.0.2", TO4, 4000, 53), &rule, UDP4(OUT4, TO4, 1024, 53), &outside, &why);
	assert_null(why);
	assert_int_equal(outside.end[0].port, 1024);
	assert_int_equal(begin(UDP4("10.0.0.3", TO4, 4000, 53), &rule, NULL, &outside, &why),
			 FLOWNAT_TRANSLATED);		/* nothing is exhausted */
}

static void test_exhausted(void **state)
{
	struct flownat_rule rule = rule_of(FLOWNAT_RANGE, OUT4, OUT4);
	struct flowmodel_key outside;
	const char *why;

	rule.ports = true;
	rule.port_first = 2000;
	rule.port_last = 2001;
	begin(UDP4("10.0.0.1", TO4, 4000, 53), &rule, UDP4(OUT4, TO4, 2001, 53), &outside, &why);
	assert_null(why);
	assert_int_equal(begin(UDP4("10.0.0.2", TO4, 4000, 53), &rule, NULL, &outside, &why),
			 FLOWNAT_TRANSLATED);
	begin(UDP4("10.0.0.2", TO4, 4000, 53), &rule, UDP4(OUT4, TO4, 2000, 53), &outside, &why);
	assert_null(why);
	assert_int_equal(begin(UDP4("10.0.0.3", TO4, 4000, 53), &rule, NULL, &outside, &why),
			 FLOWNAT_EXHAUSTED);
	model.now += 30 * 1000;		/* the others end */
	assert_int_equal(begin(UDP4("10.0.0.3", TO4, 4000, 53), &rule, NULL, &outside, &why),
			 FLOWNAT_TRANSLATED);
}

/* What a hash gave once, it gives again */
static void test_habit(void **state)
{
	struct flownat_rule rule = rule_of(FLOWNAT_RANGE, OUT4, "203.0.113.4");
	struct flowmodel_key outside;
	const char *why;
	uint8_t first[16] = { 0 };

	addr_of("203.0.113.3", first);
	begin(UDP4("10.0.0.1", TO4, 1, 53), &rule, UDP4("203.0.113.5", TO4, 1, 53), &outside, &why);
	assert_string_equal(why, "an address outside the range");
	begin(UDP4("10.0.0.1", TO4, 1, 53), &rule, UDP4("203.0.113.3", TO4, 1, 53), &outside, &why);
	assert_null(why);
	begin(UDP4("10.0.0.1", TO4, 2, 53), &rule, UDP4("203.0.113.4", TO4, 2, 53), &outside, &why);
	assert_memory_equal(outside.end[0].addr, first, 16);
}

static void rewritten(const struct pkt_hdr *in, const struct pkt_hdr *want, bool devices)
{
	struct pkt p, q, got;
	struct model_packet packet = parsed(in, &p);
	struct flowmodel_outcome out;
	char text[256];

	flowmodel_track(&model, 0, &packet, &out);
	assert_non_null(out.flow);
	got = p;
	flownat_rewrite(&out, &packet, devices, got.data);
	pkt_build(&q, want);
	if (pkt_diff(&q, got.data, got.len, text, sizeof(text)))
		fail_msg("%s", text);
}

/* Sums that are right stay right, both ways, and in what an error quotes */
static void test_rewrite(void **state)
{
	struct flownat_rule rule = rule_of(FLOWNAT_RANGE, OUT4, OUT4);
	struct flowmodel_key outside;
	const char *why;

	rule.ports = true;
	rule.port_first = rule.port_last = 2000;
	begin(UDP4("10.0.0.1", TO4, 4000, 53), &rule, UDP4(OUT4, TO4, 2000, 53), &outside, &why);
	rewritten(UDP4("10.0.0.1", TO4, 4000, 53, RAW("abc")), UDP4(OUT4, TO4, 2000, 53, RAW("abc")),
		  true);
	rewritten(UDP4(TO4, OUT4, 53, 2000), UDP4(TO4, "10.0.0.1", 53, 4000), true);
	rewritten(PKT(ETH(), IP4(.src = TO4, .dst = OUT4), UDP(.sport = 53, .dport = 2000,
							       .check = PKT_ZERO)),
		  PKT(ETH(), IP4(.src = TO4, .dst = "10.0.0.1"), UDP(.sport = 53, .dport = 4000,
								    .check = PKT_ZERO)), true);
	rewritten(PKT(ETH(), IP4(.src = "192.0.2.1", .dst = OUT4), ICMP(.type = 3, .code = 3),
		      L3(UDP4(OUT4, TO4, 2000, 53))),
		  PKT(ETH(), IP4(.src = "192.0.2.1", .dst = "10.0.0.1"), ICMP(.type = 3, .code = 3),
		      L3(UDP4("10.0.0.1", TO4, 4000, 53))), true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_prefix, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ports, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exhausted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_habit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rewrite, setup, teardown),
	};

	return unit_main(tests, sizeof(tests) / sizeof(*tests));
}
