// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* ct_count_test.c - 'ct count': which flows a limit counts, and that each leaves the count once */
#include "ct_count_world.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const uint32_t hooks[] = { SHUNT_HOOK_XDP, SHUNT_HOOK_TC_INGRESS, SHUNT_HOOK_TC_EGRESS };

/* ---- what is counted ---- */

/* The rule drops what is one too many; a flow that is there goes on */
static void over(uint32_t hook)
{
	count_open(hook, "flows: 100", "tcp dport 22 ct count over 3 drop", "commit");
	assert_true(count_syn("10.0.0.1", 1, 22));
	assert_true(count_syn("10.0.0.1", 2, 22));
	assert_true(count_syn6("fd00::1", 3, 22));
	assert_false(count_syn("10.0.0.2", 4, 22));
	assert_string_equal(out.left, "guard.drop");
	assert_true(count_syn("10.0.0.1", 1, 22));	/* sent again */
	assert_true(count_syn("10.0.0.1", 9, 80));	/* does not ask */
	assert_int_equal(count_of(NULL), 3);
	assert_int_equal(count_check(), 3);
	count_remove(4);
	assert_int_equal(count_check(), 0);
	assert_int_equal(count_of(NULL), 0);
	assert_true(count_syn("10.0.0.2", 5, 22));
	assert_int_equal(count_check(), 1);
	count_close();
}

/* Holds while there is room, and for what is in the table: then the next rule is not asked */
static void below(uint32_t hook)
{
	count_open(hook, "flows: 100", "ct count 2 accept; drop", "commit");
	assert_true(count_syn("10.0.0.1", 1, 22));
	assert_true(count_syn("10.0.0.1", 2, 22));
	assert_false(count_syn("10.0.0.1", 3, 22));
	assert_true(count_syn("10.0.0.1", 2, 22));
	assert_int_equal(out.rule, 1);
	assert_int_equal(count_check(), 2);
	count_close();
}

static void by_source(uint32_t hook)
{
	count_open(hook, "flows: 100", "ct count over 2 per saddr/24,/56 drop", "commit");
	assert_true(count_syn("10.0.0.1", 1, 22));
	assert_true(count_syn("10.0.0.255", 2, 22));
	assert_false(count_syn("10.0.0.3", 3, 22));
	assert_true(count_syn("10.0.1.3", 3, 22));
	assert_true(count_syn6("2001:db8:0:100::1", 1, 22));
	assert_true(count_syn6("2001:db8:0:1ff::1", 1, 22));
	assert_false(count_syn6("2001:db8:0:180::1", 1, 22));
	assert_true(count_syn6("2001:db8:0:200::1", 1, 22));
	assert_int_equal(count_of("10.0.0.0"), 2);
	assert_int_equal(count_of("10.0.1.0"), 1);
	assert_int_equal(count_of("2001:db8:0:100::"), 2);
	assert_int_equal(count_check(), 6);
	count_close();
}

static void by_target(uint32_t hook)
{
	count_open(hook, "flows: 100", "ct count over 1 per daddr drop", "commit");
	assert_true(count_syn("10.0.0.1", 1, 22));
	assert_false(count_syn("10.0.0.9", 2, 22));
	assert_int_equal(count_of("192.0.2.1"), 1);
	count_close();
}

/* Who lets none be lets none be; who has no flow is asked in vain, 'over' or not */
static void edges(uint32_t hook)
{
	count_open(hook, "flows: 100", "ct count over 0 drop", "commit");
	assert_false(count_syn("10.0.0.1", 1, 22));
	count_close();
	count_open(hook, "flows: 100", "notrack; ct count over 0 drop; ct count 9 drop", "commit");
	assert_true(count_syn("10.0.0.1", 1, 22));
	assert_int_equal(count_check(), 0);
	count_close();
	count_open(hook, "flows: 100", "notrack; ct count 9 jump no; ct count over 0 jump no",
		   "commit");
	assert_true(count_syn("10.0.0.1", 1, 22));
	count_close();
}

/* What other rules or the table refuse is not counted */
static void refused(uint32_t hook)
{
	unsigned int i, n = 0;

	count_open(hook, "flows: 100", "ct count over 9 drop; tcp dport 23 drop", "commit");
	assert_false(count_syn("10.0.0.1", 1, 23));
	assert_int_equal(count_check(), 0);
	count_close();
	count_open(hook, "flows: 3", "ct count over 100 drop", "commit");
	for (i = 0; i < 40; i++) {
		count_syn("10.0.0.1", i + 1, 22);
		n = count_check();
		assert_int_equal(n, count_flows());
	}
	assert_true(n > 3 && count_stat(CONNTRACK_STAT_EVICTED) > 0);
	count_close();
}

/* A flow is counted by four limits at most; the same one counts it once, however often it is asked */
static void several(uint32_t hook)
{
	count_open(hook, "flows: 100", "jump ask; jump ask; ct count over 9 per saddr drop; "
		   "ct count over 1 per daddr drop", "commit");
	assert_true(count_syn("10.0.0.1", 1, 22));
	assert_int_equal(count_check(), 3);
	assert_false(count_syn("10.0.0.1", 2, 22));
	assert_int_equal(count_check(), 3);
	count_remove(1);
	assert_int_equal(count_check(), 0);
	count_close();
	count_open(hook, "flows: 100", "ct count over 1 drop; ct count over 2 drop; "
		   "ct count over 3 drop; ct count over 4 drop; ct count over 5 drop", "commit");
	assert_false(count_syn("10.0.0.1", 1, 22));
	assert_int_equal(count_stat(CONNTRACK_STAT_LIMIT_FULL), 1);
	assert_int_equal(count_check(), 0);
	count_close();
}

/* ---- every way out ---- */

/* A flow whose life is over: its place is another's, or it is swept */
static void expired(uint32_t hook)
{
	unsigned int i;

	count_open(hook, "flows: 3", "ct count over 100 per saddr drop", "commit");
	for (i = 0; i < 40; i++) {
		count_syn("10.0.0.1", i + 1, 22);
		count_expire();
		assert_int_equal(count_check(), count_flows());
	}
	assert_true(count_stat(CONNTRACK_STAT_REUSED) > 0);
	flows_sweep(rig->shared.flows, 1000);
	assert_int_equal(count_check(), 0);
	assert_int_equal(count_of("10.0.0.1"), 0);
	count_close();
}

/* A SYN behind a reset begins another flow, which asks again */
static void anew(uint32_t hook)
{
	count_open(hook, "flows: 100", "ct count over 1 drop", "commit");
	assert_true(count_syn("10.0.0.1", 1, 22));
	count_send(TCP4("10.0.0.1", "192.0.2.1", 1, 22, PKT_RST));
	assert_int_equal(count_check(), 1);
	assert_false(count_syn("10.0.0.1", 2, 22));
	assert_true(count_syn("10.0.0.1", 1, 22));
	assert_int_equal(count_check(), 1);
	assert_int_equal(count_flows(), 1);
	count_close();
}

static void reserve(uint32_t flows4, uint32_t flags, uint32_t room)
{
	struct plan_conntrack want = *rig->plan.conntrack;
	struct err err = { 0 };

	want.flows[0] = flows4;
	want.flags = flags;
	want.counted = room;
	if (flows_reserve(rig->shared.flows, &want, &err) < 0)
		fail_msg("%s", err.text);
}

/* Another size: what is carried over is counted there, what has gone meanwhile is not */
static void carried(uint32_t hook)
{
	const struct plan_conntrack *plan;

	count_open(hook, "flows: 100", "ct count over 5 per saddr drop", "commit");
	plan = rig->plan.conntrack;
	assert_true(count_syn("10.0.0.1", 1, 22));
	assert_true(count_syn("10.0.0.1", 2, 22));
	assert_true(count_syn6("fd00::1", 3, 22));
	reserve(500, plan->flags, 77);
	count_remove(1);
	assert_true(count_syn("10.0.0.2", 4, 22));
	flows_refresh(rig->shared.flows);
	assert_true(count_syn("10.0.0.2", 5, 22));
	flows_settle(rig->shared.flows);
	count_map();
	assert_int_equal(conf->counted, 77);
	assert_int_equal(count_check(), 4);
	assert_int_equal(count_of("10.0.0.1"), 1);
	assert_int_equal(count_of("10.0.0.2"), 2);
	assert_int_equal(count_of("fd00::"), 1);
	count_remove(4);
	assert_int_equal(count_check(), 0);
	reserve(500, plan->flags & ~CONNTRACK_LIMIT, 0);
	flows_settle(rig->shared.flows);
	assert_int_equal(count_of("10.0.0.1"), 0);
	count_close();
}

/* With a second entry: gone with either, refused with both */
static void translated(uint32_t hook)
{
	if (hook != SHUNT_HOOK_TC_EGRESS)
		return;
	count_open(hook, "flows: 100", "ct count over 2 drop; ip saddr 10.0.0.0/8 snat to 203.0.113.1",
		   "nat");
	assert_true(count_syn("10.0.0.1", 1, 22));
	assert_true(count_syn("10.0.0.2", 1, 22));
	assert_false(count_syn("10.0.0.3", 1, 22));
	assert_int_equal(count_check(), 2);
	count_remove(2);
	assert_int_equal(count_check(), 0);
	count_close();
}

#define EACH_HOOK(name)							\
	static void test_##name(void **state)				\
	{								\
		for (unsigned int i = 0; i < N(hooks); i++)		\
			name(hooks[i]);					\
	}
EACH_HOOK(over) EACH_HOOK(below) EACH_HOOK(by_source) EACH_HOOK(by_target) EACH_HOOK(edges)
EACH_HOOK(refused) EACH_HOOK(several) EACH_HOOK(expired) EACH_HOOK(anew) EACH_HOOK(carried)
EACH_HOOK(translated)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_over), cmocka_unit_test(test_below),
		cmocka_unit_test(test_by_source), cmocka_unit_test(test_by_target),
		cmocka_unit_test(test_edges), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_several), cmocka_unit_test(test_expired),
		cmocka_unit_test(test_anew), cmocka_unit_test(test_carried),
		cmocka_unit_test(test_translated),
	};

	return unit_main(tests, N(tests));
}
