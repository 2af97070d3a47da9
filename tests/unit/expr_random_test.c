// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* expr_random_test.c - random rules there and back: the canonical text is the rule */
#include "../lib/unit.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <model/expr.h>
#include <model/expr_field.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t seed;		/* of the run; each test begins with it */
static uint64_t random_state;
static struct arena arena;

static int setup(void **state)
{
	random_state = seed;
	return 0;
}

static int teardown(void **state)
{
	arena_fini(&arena);
	return 0;
}

static unsigned int below(unsigned int n)
{
	return (unit_random(&random_state) >> 16) % n;
}

/* Few bits are set, or few are clear: edges of intervals are where errors are */
static uint64_t random_bits(unsigned int bits)
{
	uint64_t v = unit_random(&random_state);

	switch (below(4)) {
	case 0:
		v = 0;
		break;
	case 1:
		v = UINT64_MAX;
		break;
	case 2:
		v = UINT64_MAX << below(64);
		break;
	}
	v ^= below(2) ? 1ull << below(bits < 64 ? bits : 64) : 0;
	return bits < 64 ? v & ((1ull << bits) - 1) : v;
}

static void add_op(struct buf *text)
{
	static const char *const ops[] = { "", "", "", "== ", "!= " };

	buf_str(text, ops[below(N(ops))]);
}

static void add_element(struct buf *text, enum expr_field field)
{
	static const char *const names[] = { "tcp", "udp", "icmp", "ipv6-icmp", "gre", "ipip" };
	unsigned int bits = expr_field_bits(field);
	struct expr_interval interval = {0};

	if (field == EXPR_PROTO && below(2)) {
		buf_str(text, names[below(N(names))]);
		return;
	}
	if (bits > 64) {
		interval.first.hi = random_bits(63);
		interval.last.hi = interval.first.hi + below(2);
	}
	interval.first.lo = random_bits(bits < 64 ? bits : 63);
	if (field == EXPR_ETHER_TYPE)
		interval.first.lo &= 0x7fff;	/* no tag: that one stands alone */
	interval.last.lo = interval.first.lo;
	if (below(2) && interval.last.lo < expr_field_last(field).lo)
		interval.last.lo++;
	expr_element_print(&interval, field, text);
}

static void add_values(struct buf *text, enum expr_field field)
{
	static const char *const frag[] = { "none", "first", "later", "{none,first}" };
	unsigned int n = below(4);

	add_op(text);
	static const char *const states[] = {
		"new", "established,related", "{ invalid, untracked }", "none",
	};

	if (field == EXPR_FRAG) {
		buf_str(text, frag[below(N(frag))]);
		return;
	}
	if (field == EXPR_CT_STATE) {
		buf_str(text, states[below(N(states))]);
		return;
	}
	if (field == EXPR_CT_DIRECTION) {
		buf_str(text, below(2) ? "reply" : "{ original }");
		return;
	}
	if (n == 0) {
		buf_printf(text, "@set_%u", below(3));
	} else if (n == 1) {
		add_element(text, field);
	} else {
		for (n = below(6), buf_char(text, '{'); n; n--) {
			add_element(text, field);
			buf_str(text, below(2) ? "," : " , ");
		}
		add_element(text, field);
		buf_char(text, '}');
	}
}

static void add_flags(struct buf *text)
{
	static const char *const some[] = {
		"syn", "& (syn|ack) == syn", "== syn|ack", "!= 0x3f", "! rst,fin",
		"!= syn / syn,rst", "fin|psh|urg", "& ack != 0", "& ecn == ecn", "== 0",
	};

	buf_str(text, some[below(N(some))]);
}

/* What is written in ways of its own. Return: false: values, as for the others */
static bool add_special(struct buf *text, enum expr_field field)
{
	static const char *const headers[] = { "hbh", "dst", "rt", "frag", "ah" };
	static const char *const names[] = {
		"eth0", "\"eth1\"", "!= eth*", "{ lo, \"eth*\", eth1 }", "!= { wan, lo }", "w*",
	};

	static const char *const statuses[] = {
		"snat", "assured,dnat", "! confirmed", "& (snat|dnat) != dnat", "& seen-reply == 0",
		"snat / snat,dnat",
	};

	switch (field) {
	case EXPR_FIELD_MAX:
		buf_str(text, below(2) ? "ipv4" : "ipv6");
		return true;
	case EXPR_CT_STATUS:
		buf_str(text, statuses[below(N(statuses))]);
		return true;
	case EXPR_TCP_FLAGS:
		add_flags(text);
		return true;
	case EXPR_EXTHDR:
		buf_printf(text, "%s %s", headers[below(N(headers))],
			   below(2) ? "exists" : "!= exists");
		return true;
	case EXPR_IIF:
		buf_str(text, names[below(N(names))]);
		return true;
	case EXPR_MARK:
	case EXPR_CT_MARK:
		if (below(2))
			return false;
		buf_printf(text, "%s 0x%x %s 0x%x", below(2) ? "&" : "and", 1 + below(7),
			   below(2) ? "==" : "!=", 0);
		return true;
	default:
		return false;
	}
}

static void add_concat(struct buf *text)
{
	static const char *const some[] = {
		"ip saddr . tcp dport { 10.0.0.1 . 80, 10.0.0.0/8 . 1024-65535 }",
		"ip6 daddr . meta l4proto @pairs", "ether saddr . vlan id != @stations",
		"meta mark . iif . udp sport 0x5 . eth* . 53",
		"meta l4proto . th dport { tcp . 22, udp . 53, 17 . 0x50 }",
		"ct state . ct mark { new . 1, related . 2-3 }", "ct zone . ip saddr 5 . 10.0.0.1",
	};

	buf_str(text, some[below(N(some))]);
}

static void add_statement(struct buf *text)
{
	static const char *const some[] = {
		"counter name \"web\"", "log", "log prefix \"a b\" every 100", "quota 5 gbytes",
		"limit rate 10/second", "ct count 20", "ct count over 7 per daddr/24,/56",
		"ct count over 0 per saddr",
		"limit rate over 5 mbytes/minute burst 7 kbytes per saddr/24",
		"limit rate 1/day burst 9 packets per daddr/32,/48", "meta mark set 5",
		"meta mark set meta mark & 0xff ^ 3", "mark set mark or 0x10",
		"quota over 1023 bytes", "notrack", "ct mark set mark", "ct timeout set slow",
		"ct mark set ct mark or 0x10", "meta mark set ct mark & 0xff", "ct mark set 9",
		"ct zone set 9",
		"add @seen { ip saddr timeout 90m }", "update @seen { ip6 saddr . tcp dport }",
		"add @seen { udp sport . meta l4proto timeout 1d2h3m4s500ms }",
	};

	buf_str(text, some[below(N(some))]);
}

static void add_end(struct buf *text)
{
	static const char *const ends[] = {
		"accept", "drop", "drop(odd)", "goto web", "goto accept", "drop comment \"a b\"",
		"goto no_backend comment \"\"", "reject", "reject with tcp reset", "return",
		"reject with icmp host-unreachable", "reject with icmpv6 type no-route",
		"reject with icmpx no-route", "reject with icmpx host-unreachable", "jump checks",
		"tcp dport vmap { 22 : accept, 80-90 : goto web }", "icmp type vmap { 8: return }",
		"ip saddr . udp dport vmap @map", "ct state vmap { new : jump checks, invalid : drop }",
		"iifname vmap { eth0 : accept, \"w*\" : jump wan }",
		"log", "log comment \"no verdict\"",
	};

	buf_str(text, ends[below(N(ends))]);
}

static void random_rule(struct buf *text)
{
	unsigned int n_keys, n;

	for (n_keys = 0; expr_keys[n_keys].group; n_keys++)
		;
	buf_clear(text);
	for (n = below(5); n; n--) {
		const struct expr_key *key = &expr_keys[below(n_keys)];

		if (key->field == EXPR_FIELD_MORE)
			key = &expr_flow_keys[below(12)];
		buf_printf(text, "%s %s ", key->group, key->name ? key->name : "");
		if (!add_special(text, key->field))
			add_values(text, key->field);
		buf_char(text, ' ');
	}
	if (!below(8)) {
		add_concat(text);
		buf_char(text, ' ');
	}
	for (n = below(3); n; n--) {
		add_statement(text);
		buf_char(text, ' ');
	}
	add_end(text);
}

static bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static void assert_concats_equal(const struct expr_concat *a, const struct expr_concat *b)
{
	assert_int_equal(a->n_fields, b->n_fields);
	assert_memory_equal(a->field, b->field, a->n_fields * sizeof(*a->field));
	assert_true(text_equal(a->set, b->set));
	assert_int_equal(a->negated, b->negated);
	assert_true(expr_interval_equal(a->tuple, a->n_tuples * a->n_fields, b->tuple,
					b->n_tuples * b->n_fields));
}

/* All but where it stands */
static void assert_statements_equal(const struct expr_statement *a, const struct expr_statement *b)
{
	struct expr_statement x = *a, y = *b;

	assert_true(text_equal(a->name, b->name));
	x.name = y.name = NULL;
	x.offset = y.offset = x.len = y.len = 0;
	assert_memory_equal(&x, &y, sizeof(x));
}

static void assert_rules_equal(const struct expr_rule *a, const struct expr_rule *b)
{
	unsigned int i;

	assert_int_equal(a->families, b->families);
	assert_int_equal(a->n, b->n);
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->verdict.kind, b->verdict.kind);
	assert_int_equal(a->verdict.reject, b->verdict.reject);
	assert_true(text_equal(a->verdict.chain, b->verdict.chain));
	assert_true(text_equal(a->verdict.edge, b->verdict.edge));
	assert_true(text_equal(a->verdict.reason, b->verdict.reason));
	assert_true(text_equal(a->comment, b->comment));
	for (i = 0; i < a->n; i++) {
		const struct expr_match *x = &a->match[i], *y = &b->match[i];

		assert_int_equal(x->field, y->field);
		assert_true(text_equal(x->set, y->set));
		assert_int_equal(x->negated, y->negated);
		assert_int_equal(x->mask, y->mask);
		assert_int_equal(x->value, y->value);
		assert_true(x->field_mask == y->field_mask && x->n_names == y->n_names);
		assert_true(expr_interval_equal(x->interval, x->n, y->interval, y->n));
		assert_true(x->n || x->set || x->n_names || x->field == EXPR_TCP_FLAGS ||
			    x->field == EXPR_EXTHDR);
	}
	assert_int_equal(a->n_concats, b->n_concats);
	for (i = 0; i < a->n_concats; i++)
		assert_concats_equal(&a->concat[i], &b->concat[i]);
	assert_int_equal(a->n_statements, b->n_statements);
	for (i = 0; i < a->n_statements; i++)
		assert_statements_equal(&a->statement[i], &b->statement[i]);
	assert_int_equal(!a->vmap, !b->vmap);
	if (a->vmap)
		assert_concats_equal(&a->vmap->key, &b->vmap->key);
}

static void test_rules_there_and_back(void **state)
{
	struct buf text = {0}, once = {0}, twice = {0};
	unsigned int i, n_rules = 0;

	for (i = 0; i < 30000; i++) {
		struct diags diags = { .arena = &arena };
		struct expr_rule rule, again;

		random_rule(&text);
		if (expr_parse(text.data, "", &diags, &rule) == 0) {
			n_rules++;
			buf_clear(&once);
			expr_print(&rule, &once);
			if (expr_parse(once.data, "", &diags, &again) < 0)
				fail_msg("'%s' -> '%s': %s", text.data, once.data,
					 diags.v[0].message);
			assert_rules_equal(&rule, &again);
			buf_clear(&twice);
			expr_print(&again, &twice);
			assert_string_equal(once.data, twice.data);
		} else if (strcmp(diags.v[0].code, "never_matches")) {
			fail_msg("'%s': %s", text.data, diags.v[0].message);
		}
		arena_fini(&arena);
	}
	assert_true(n_rules > 5000);
	buf_fini(&text);
	buf_fini(&once);
	buf_fini(&twice);
}

/* Addresses are printed by hand: as inet_ntop() does it */
static void check_address(uint64_t hi, uint64_t lo)
{
	struct expr_interval interval = { { hi, lo }, { hi, lo } };
	uint64_t half[2] = { htobe64(hi), htobe64(lo) };
	uint32_t ip4 = htonl(lo);
	char want[INET6_ADDRSTRLEN];
	struct buf got = {0};

	expr_element_print(&interval, EXPR_IP6_SADDR, &got);
	assert_string_equal(got.data, inet_ntop(AF_INET6, half, want, sizeof(want)));
	buf_clear(&got);
	interval = (struct expr_interval){ { 0, (uint32_t)lo }, { 0, (uint32_t)lo } };
	expr_element_print(&interval, EXPR_IP_SADDR, &got);
	assert_string_equal(got.data, inet_ntop(AF_INET, &ip4, want, sizeof(want)));
	buf_fini(&got);
}

static void test_addresses_print_as_ever(void **state)
{
	unsigned int i, k;

	check_address(0, 0);
	check_address(0, 0xffff0a000001);
	check_address(0, 0x0a000001);
	check_address(0, 1);
	for (i = 0; i < 65536; i++) {		/* each pattern of words that are zero */
		uint64_t half[2] = { 0, 0 };

		for (k = 0; k < 8; k++)
			if (i >> k & 1)
				half[k / 4] |= (i >> 8 & 1 << k ? 0xffffull : 1 + below(0xfffe)) <<
					       (48 - 16 * (k % 4));
		check_address(half[0], half[1]);
	}
}

#define SEEDED(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SEEDED(test_rules_there_and_back),
		SEEDED(test_addresses_print_as_ever),
	};

	seed = unit_seed();
	return unit_main(tests, N(tests));
}
