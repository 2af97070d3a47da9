// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* config_conntrack_test.c - section 'conntrack': what is refused and how, what is read */
#include "config_world.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

#define CT(members) V "conntrack: { " members " }\n"
#define HINT_TIME " [days to milliseconds: 1d2h3m4s, 500ms]"
#define HINT_KEYS " [its keys are 'flows', 'flows6', 'full', 'pickup', 'window', 'counters'," \
	" 'timeouts', 'policies']"
#define HINT_STATES " [there are tcp-syn-sent, tcp-syn-sent2, tcp-syn-recv, tcp-established," \
	" tcp-unacked, tcp-fin-wait, tcp-close-wait, tcp-last-ack, tcp-time-wait, tcp-close," \
	" udp-unreplied, udp-replied, sctp-opening, sctp-established, sctp-closing, icmp," \
	" other-unreplied, other-replied]"
#define HINT_NONE " [the table is only there where a graph has a node that needs it]"

static const struct config_case cases[] = {
	{ "section: a list",
	  V "conntrack: [1]\n",
	  "/conntrack wrong_kind: 'conntrack' must be a map, not a list\n" },
	{ "section: misspelt",
	  V "contrack: { flows: 1 }\n",
	  "/contrack! unknown_key: unknown key 'contrack' in the configuration"
	  " [did you mean 'conntrack'?]\n" },
	{ "key: misspelt",
	  CT("counter: true"),
	  "/conntrack/counter! unknown_key: unknown key 'counter' in 'conntrack'"
	  " [did you mean 'counters'?]\n" },
	{ "key: like none",
	  CT("buckets: 1"),
	  "/conntrack/buckets! unknown_key: unknown key 'buckets' in 'conntrack'" HINT_KEYS "\n" },
	{ "flows: none",
	  CT("flows: 0"),
	  "/conntrack/flows bad_value: 'flows' is 1 at least" HINT_NONE "\n" },
	{ "flows: too many",
	  CT("flows6: 10000001"),
	  "/conntrack/flows6 bad_value: 'flows6' is a number from 0 to 10000000, not '10000001'\n" },
	{ "full: another word",
	  CT("full: stateles"),
	  "/conntrack/full bad_value: 'full' is 'drop' or 'stateless', not 'stateles'"
	  " [did you mean 'stateless'?]\n" },
	{ "truth values: others",
	  CT("pickup: yes, window: 1, counters: on"),
	  "/conntrack/pickup bad_value: 'pickup' is 'true' or 'false', not 'yes'\n"
	  "/conntrack/window bad_value: 'window' is 'true' or 'false', not '1'\n"
	  "/conntrack/counters bad_value: 'counters' is 'true' or 'false', not 'on'\n" },
	{ "timeouts: a misspelt one",
	  CT("timeouts: { tcp-establised: 1h }"),
	  "/conntrack/timeouts/tcp-establised! no_such_timeout: no timeout 'tcp-establised'"
	  " [did you mean 'tcp-established'?]\n" },
	{ "timeouts: one that no state has",
	  CT("timeouts: { none: 1h }"),
	  "/conntrack/timeouts/none! no_such_timeout: no timeout 'none'" HINT_STATES "\n" },
	{ "timeouts: no time",
	  CT("timeouts: { icmp: 30 }"),
	  "/conntrack/timeouts/icmp bad_value: timeout 'icmp' is a time up to 3650d, not '30'"
	  HINT_TIME "\n" },
	{ "timeouts: a list",
	  CT("timeouts: { icmp: [30s] }"),
	  "/conntrack/timeouts/icmp wrong_kind: timeout 'icmp' must be a single value, not a list\n" },
	{ "timeouts: too short",
	  CT("timeouts: { icmp: 99ms }"),
	  "/conntrack/timeouts/icmp bad_value: timeout 'icmp' is from 100ms to 20d, not '99ms'\n" },
	{ "timeouts: too long",
	  CT("timeouts: { tcp-established: 20d1ms }"),
	  "/conntrack/timeouts/tcp-established bad_value:"
	  " timeout 'tcp-established' is from 100ms to 20d, not '20d1ms'\n" },
	{ "policies: a name that no rule can spell",
	  CT("policies: { Short: { icmp: 1s } }"),
	  "/conntrack/policies/Short! bad_name: 'Short' is no name for a policy"
	  " [rules must be able to spell it: a lower-case letter, then a-z, 0-9, '_' and '-']\n" },
	{ "policies: what is in them",
	  CT("policies: { short: 10s, long: { udp: 1h } }"),
	  "/conntrack/policies/short wrong_kind: policy 'short' must be a map, not a single value\n"
	  "/conntrack/policies/long/udp! no_such_timeout: no timeout 'udp'..." "\n" },
	{ "policies: sixteen",
	  CT("policies: { a: {}, b: {}, c: {}, d: {}, e: {}, f: {}, g: {}, h: {}, i: {}, j: {}, k: {},"
	     " l: {}, m: {}, n: {}, o: {}, p: {} }"),
	  "/conntrack/policies! too_many: 'policies' has at most 15 of them, this one 16\n" },
};

static void test_usual(void **state)
{
	struct world w;

	world_read(&w, V);
	assert_int_equal(w.r, 0);
	assert_int_equal(w.config.conntrack.flows[0], 131072);
	assert_int_equal(w.config.conntrack.flows[1], 32768);
	assert_true(w.config.conntrack.pickup);
	assert_false(w.config.conntrack.stateless);
	assert_false(w.config.conntrack.window);
	assert_false(w.config.conntrack.counters);
	assert_int_equal(w.config.conntrack.timeout_ms[CONNTRACK_TCP_ESTABLISHED],
			 5ull * 86400 * 1000);
	assert_int_equal(w.config.conntrack.timeout_ms[CONNTRACK_OTHER_REPLIED], 600000);
	assert_int_equal(w.config.conntrack.n_policies, 0);
	world_fini(&w);
}

static void test_all(void **state)
{
	const struct config_policy *policy;
	struct world w;

	world_read(&w, V "conntrack:\n"
		   "  policies: { slow: { udp-replied: 1h30m }, quick: { udp-replied: 10s }, bare: }\n"
		   "  timeouts: { tcp-established: 20d, icmp: 100ms }\n"
		   "  flows: 10000000\n  flows6: 1\n  full: stateless\n  pickup: false\n"
		   "  window: true\n  counters: true\n");
	assert_int_equal(w.r, 0);
	assert_int_equal(w.config.conntrack.flows[0], 10000000);
	assert_int_equal(w.config.conntrack.flows[1], 1);
	assert_true(w.config.conntrack.stateless);
	assert_false(w.config.conntrack.pickup);
	assert_true(w.config.conntrack.window);
	assert_true(w.config.conntrack.counters);
	assert_int_equal(w.config.conntrack.timeout_ms[CONNTRACK_ICMP], 100);
	assert_int_equal(w.config.conntrack.n_policies, 3);
	assert_string_equal(w.config.conntrack.policy[0].name, "bare");
	policy = config_policy_find(&w.config, "slow");
	assert_int_equal(policy->timeout_ms[CONNTRACK_UDP_REPLIED], 5400000);
	/* what it does not say is as the usual ones are */
	assert_int_equal(policy->timeout_ms[CONNTRACK_TCP_ESTABLISHED], 20ull * 86400 * 1000);
	assert_int_equal(policy->timeout_ms[CONNTRACK_ICMP], 100);
	assert_null(config_policy_find(&w.config, "slower"));
	world_fini(&w);
}

static void test_diff(void **state)
{
	struct buf out = { 0 };
	struct world a, b;

	world_read(&a, CT("flows: 1000, timeouts: { icmp: 1s }"));
	world_read(&b, CT("flows: 2000, counters: true"));
	assert_int_equal(config_diff(a.tree, b.tree, &out), 3);
	assert_string_equal(out.data, "~ /conntrack/flows: 1000 -> 2000\n"
			    "+ /conntrack/counters: true\n- /conntrack/timeouts/icmp: 1s\n");
	buf_fini(&out);
	world_fini(&a);
	world_fini(&b);
}

int main(void)
{
	static struct CMUnitTest tests[N(cases) + 3];
	size_t i, n = 0;

	for (i = 0; i < N(cases); i++)
		tests[n++] = unit_row(cases[i].name, test_refused, &cases[i]);
	tests[n++] = unit_row("what is usual", test_usual, NULL);
	tests[n++] = unit_row("all keys", test_all, NULL);
	tests[n++] = unit_row("differences", test_diff, NULL);
	return unit_main(tests, n);
}
