// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* probe_test.c - packets that are described: what they come with besides their bytes */
#include "../lib/unit.h"

#include <errno.h>
#include <string.h>

#include <daemon/probe.h>
#include <shunt/packet.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

struct given_case {
	const char *text;
	struct filter_given given;	/* mark, ct_mark, zone, state, flags, status */
};

static const struct given_case cases[] = {
	{ "tcp dport 22", { 0, 0, 0, SHUNT_CT_NONE, 0, 0, {} } },
	{ "meta mark 5 tcp dport 22", { 5, 0, 0, SHUNT_CT_NONE, 0, 0, {} } },
	{ "ct state new tcp dport 22", { 0, 0, 0, SHUNT_CT_NEW, 0, 0, {} } },
	{ "ct state { related, established } ct mark 0x10-0x20", { 0, 16, 0, SHUNT_CT_ESTABLISHED, 0, 0, {} } },
	{ "ct direction reply ct zone 7", { 0, 0, 7, SHUNT_CT_ESTABLISHED, SHUNT_CT_REPLY, 0, {} } },
	{ "ct direction original", { 0, 0, 0, SHUNT_CT_ESTABLISHED, 0, 0, {} } },
	{ "ct state related ct direction reply", { 0, 0, 0, SHUNT_CT_RELATED, SHUNT_CT_REPLY, 0, {} } },
	{ "ct status snat", { 0, 0, 0, SHUNT_CT_ESTABLISHED, 0, 0x10, {} } },
	{ "ct status ! snat ct state new", { 0, 0, 0, SHUNT_CT_NEW, 0, 0, {} } },
	{ "ct status & (assured|snat|dnat) == snat|dnat",
	  { 0, 0, 0, SHUNT_CT_ESTABLISHED, 0, 0x30, {} } },
	{ "ct status & (assured|snat) != snat", { 0, 0, 0, SHUNT_CT_ESTABLISHED, 0, 4, {} } },
	{ "ct state untracked mark 1 ct mark 2", { 1, 2, 0, SHUNT_CT_UNTRACKED, 0, 0, {} } },
};

static void test_given(void **state)
{
	const struct given_case *c = *state;
	struct arena arena = {0};
	struct diags diags = { .arena = &arena };
	struct err err = {};
	struct probe probe;

	assert_int_equal(probe_build(c->text, &diags, &probe, &err), 0);
	assert_memory_equal(&probe.given, &c->given, sizeof(c->given));
	assert_int_equal(probe.len, 60);
	arena_fini(&arena);
}

static const struct {
	const char *text, *message;
} refused[] = {
	{ "ct original ip saddr 10.0.0.1",
	  "a packet that is tried is in no flow table: its flow's ends are its own" },
	{ "ct mark & 0xff == 1", "a packet has a mark, not bits of one" },
	{ "meta mark & 0xff != 1", "a packet has a mark, not bits of one" },
	{ "@nh,0,8 1", "a packet comes with the bytes of its headers: give it in hexadecimal" },
	{ "ct mark @marks", "a packet has values, not sets" },
};

static void test_refused(void **state)
{
	struct probe probe;
	unsigned int i;

	for (i = 0; i < N(refused); i++) {
		struct arena arena = {0};
		struct diags diags = { .arena = &arena };
		struct err err = {};

		assert_int_equal(probe_build(refused[i].text, &diags, &probe, &err), -EINVAL);
		assert_string_equal(err.text, refused[i].message);
		arena_fini(&arena);
	}
}

int main(void)
{
	struct CMUnitTest tests[N(cases) + 1];
	unsigned int i;

	for (i = 0; i < N(cases); i++)
		tests[i] = unit_row(cases[i].text, test_given, &cases[i]);
	tests[i] = (struct CMUnitTest)cmocka_unit_test(test_refused);
	return unit_main(tests, N(tests));
}
