// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * filter_test.c - from rules to the edge that a packet leaves by, at XDP and at TC
 *
 *	TEST_EVERY=n	only each n-th case: programs take a second to load where there is no KVM
 */
#include "../lib/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/buf.h>

#include "../lib/rig.h"
#include "filter_cases.h"

#define HOOKS	2

static const uint32_t hooks[HOOKS] = { SHUNT_HOOK_XDP, SHUNT_HOOK_TC_INGRESS };
static const char *const open_edges[] = { "odd", "even" };
static struct rig *rigs[HOOKS];
static struct rig_outcome out;

static const char sets[] =
	"sets:\n"
	"  nets: { type: ip, elements: [10.2.0.0/16, 172.16.0.1-172.16.0.9] }\n"
	"  wide: { type: ip, elements: [10.0.0.0/8] }\n"
	"  none: { type: ip }\n"
	"  six: { type: ip6, elements: [\"2001:db8:1::/48\"] }\n"
	"  dns: { type: port, elements: [53, 853] }\n"
	"  tunnels: { type: proto, elements: [gre, 4] }\n";

static void yaml_rules(struct buf *yaml, const char *rules)
{
	const char *end;

	for (; *rules; rules = *end ? end + 1 : end) {
		end = strchrnul(rules, '\n');
		buf_printf(yaml, "      - '%.*s'\n", (int)(end - rules), rules);
	}
}

/* A filter 'guard' alone; the open edges that its rules name all pass */
static void load(const char *rules, const char *fallback, const char *config)
{
	struct buf yaml = { 0 };
	unsigned int i;

	buf_printf(&yaml, "%snodes:\n  guard:\n    module: filter\n", sets);
	if (fallback)
		buf_printf(&yaml, "    default: %s\n", fallback);
	if (config)
		buf_printf(&yaml, "    config: { %s }\n", config);
	buf_str(&yaml, "    rules:\n");
	yaml_rules(&yaml, rules);
	buf_str(&yaml, "graphs:\n  g:\n    entry: guard\n    edges:\n      guard:\n"
		"        accept: pass\n");
	for (i = 0; i < 2; i++)
		if (strstr(rules, open_edges[i]) || (fallback && !strcmp(fallback, open_edges[i])))
			buf_printf(&yaml, "        %s: pass\n", open_edges[i]);
	for (i = 0; i < HOOKS; i++) {
		rig_free(rigs[i]);
		rigs[i] = rig_new(yaml.data, hooks[i]);
	}
	buf_fini(&yaml);
}

static void check(int hook, const struct pkt *p, const char *edge, unsigned int rule)
{
	char want[64];
	int r = rig_run(rigs[hook], p->data, p->len, &out);

	if (r < 0)
		fail_msg("test run: %s", strerror(-r));
	if (out.fault[0])
		fail_msg("%s", out.fault);
	snprintf(want, sizeof(want), "guard.%s", edge);
	if (strcmp(out.left, want) || out.rule != rule)
		fail_msg("at %s left by %s, rule %u; wanted %s, rule %u (reason %s)",
			 module_hook_name(hooks[hook]), out.left, out.rule, want, rule,
			 out.reason ? out.reason : "none");
}

static void check_both(const struct pkt *p, const char *edge, unsigned int rule)
{
	int hook;

	for (hook = 0; hook < HOOKS; hook++)
		check(hook, p, edge, rule);
}

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static void test_case(void **state)
{
	static const struct filter_case *loaded;
	const struct filter_case *c = *state;
	const char *reason = c->edge;
	struct pkt p;

	if (!rigs[0] || !loaded || !same(loaded->rules, c->rules) ||
	    !same(loaded->fallback, c->fallback) || !same(loaded->config, c->config))
		load(c->rules, c->fallback, c->config);
	loaded = c;
	pkt_build(&p, c->in);
	check_both(&p, c->edge, c->rule);
	if (!strncmp(reason, "drop", 4)) {
		assert_int_equal(out.verdict, RIG_DROP);
		assert_string_equal(out.reason, !strcmp(reason, "drop") ? "policy" :
				    !strcmp(reason, "drop(rate)") ? "rate" : "meta");
	} else {
		assert_int_equal(out.verdict, RIG_PASS);
	}
}

/* ---- many rows ---- */
static void udp_to(struct pkt *p, unsigned int port, bool six)
{
	if (six)
		pkt_build(p, UDP6(A6, B6, 9, port));
	else
		pkt_build(p, UDP4(A4, B4, 9, port));
}

/* n rules, rule i on port i: each finds its own, a port above none */
static void check_rules(unsigned int n, const char *verdict, const char *edge)
{
	struct buf rules = { 0 };
	struct pkt p;
	unsigned int i;

	for (i = 1; i <= n; i++)
		buf_printf(&rules, "%sudp dport %u %s", i > 1 ? "\n" : "", i, verdict);
	load(rules.data, NULL, NULL);
	for (i = 1; i <= n; i++) {
		udp_to(&p, i, false);
		check_both(&p, edge, i);
		udp_to(&p, i, true);
		check_both(&p, edge, i);
	}
	udp_to(&p, n + 1, false);
	check_both(&p, "accept", 0);
	udp_to(&p, n + 1, true);
	check_both(&p, "accept", 0);
	udp_to(&p, 0, false);		/* what a row that is not in use must not match */
	check_both(&p, "accept", 0);
	buf_fini(&rules);
}

static void test_chunks(void **state)
{
	static const unsigned int rows[] = { 1, 15, 16, 17, 31, 32, 33, 48 };
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_rules(rows[i], "drop", "drop");
}

static void test_300(void **state)
{
	check_rules(300, "goto odd", "odd");
}

/* Rule i takes ports up to 1000 - i, so the last one that holds a port is hidden by the first */
static void test_order(void **state)
{
	struct buf rules = { 0 };
	struct pkt p;
	unsigned int i;

	for (i = 1; i <= 300; i++)
		buf_printf(&rules, "%sudp dport %u-1000 drop", i > 1 ? "\n" : "", 1001 - i * 3);
	load(rules.data, NULL, NULL);
	for (i = 101; i <= 1000; i += 7) {
		udp_to(&p, i, false);
		check_both(&p, "drop", (1001 - i + 2) / 3);
	}
	buf_fini(&rules);
}

/* One rule, 4096 rows: the last address is in the last row */
static void test_full_table(void **state)
{
	struct buf rules = { 0 };
	struct pkt p;
	char addr[32];
	unsigned int i;

	buf_str(&rules, "ip saddr { ");
	for (i = 0; i < 64; i++)
		buf_printf(&rules, "%s10.0.%u.1", i ? ", " : "", 2 * i);
	buf_str(&rules, " } udp dport { ");
	for (i = 0; i < 64; i++)
		buf_printf(&rules, "%s%u", i ? ", " : "", 2 * i + 2);
	buf_str(&rules, " } drop");
	load(rules.data, NULL, NULL);
	for (i = 0; i < 64; i++) {
		snprintf(addr, sizeof(addr), "10.0.%u.1", 2 * i);
		pkt_build(&p, UDP4(addr, B4, 9, 2 * (63 - i) + 2));
		check_both(&p, "drop", 1);
		pkt_build(&p, UDP4(addr, B4, 9, 2 * i + 3));
		check_both(&p, "accept", 0);
	}
	buf_fini(&rules);
}

/* The same rule twice: the first counts, and one counter is not two */
static void test_same_rule_twice(void **state)
{
	struct pkt p;

	load("udp dport 7 drop\nudp dport 8 accept\nudp dport 7 drop", NULL, NULL);
	udp_to(&p, 7, false);
	check_both(&p, "drop", 1);
	udp_to(&p, 8, false);
	check_both(&p, "accept", 2);
}

int main(void)
{
	static struct CMUnitTest tests[N_FILTER_CASES + 5];
	const char *every = getenv("TEST_EVERY");
	size_t n = 0, i;
	int r;

	for (i = 0; i < N_FILTER_CASES; i += every ? strtoul(every, NULL, 10) ?: 1 : 1)
		tests[n++] = unit_row(filter_cases[i].name, test_case, &filter_cases[i]);
	tests[n++] = unit_row("rows at the edges of chunks", test_chunks, NULL);
	tests[n++] = unit_row("300 rules, each found and counted", test_300, NULL);
	tests[n++] = unit_row("300 rules, the first match wins", test_order, NULL);
	tests[n++] = unit_row("4096 rows", test_full_table, NULL);
	tests[n++] = unit_row("the same rule twice", test_same_rule_twice, NULL);
	r = unit_main(tests, n);
	rig_free(rigs[0]);
	rig_free(rigs[1]);
	return r;
}
