// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* ct_count_test.c - 'ct count': which flows a limit counts, and that each leaves the count once */
#include "ct_count_world.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

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

/* ---- between the question and the flow ---- */

/* Return: the edge by which the packet of a new flow left, where both counts are as given then */
static const char *begin_with(uint64_t word1, uint32_t most1, uint64_t word2, uint32_t most2,
			      uint32_t counts1, uint32_t counts2)
{
	static uint16_t sport;
	struct conntrack_counted *way = counted[0].way;

	way[1] = (struct conntrack_counted){ .word = word1, .limit = 7, .most = most1 };
	way[2] = (struct conntrack_counted){ .word = word2, .limit = 8, .most = most2 };
	count_syn("10.0.0.1", ++sport, 22);
	assert_int_equal((uint32_t)way[1].word, counts1);
	assert_int_equal((uint32_t)way[2].word, counts2);
	return out.left;
}

/* Others have taken the last place, or the entry, since the rule was asked */
static void looked_again(uint32_t hook)
{
	const uint64_t gen = CONNTRACK_COUNTED_GEN_ONE;
	char yaml[1024];

	snprintf(yaml, sizeof(yaml), "conntrack: { flows: 100, flows6: 20, full: stateless }\n"
		 "nodes:\n  ct: { module: conntrack }\n  begin: { module: commit }\n"
		 "  guard: { module: filter, rules: [ tcp dport 1 ct count 1 accept ] }\n"
		 "  tag: { module: \"%s\", config: { first: %u, second: %u } }\n"
		 "graphs:\n  g: [ct, guard, tag, begin]\n", rig_built("tests/lib/limittag"),
		 conntrack_ref(0, 1, gen), conntrack_ref(0, 2, gen));
	rig = rig_new(yaml, hook);
	count_map();
	assert_string_equal(begin_with(gen | 1, 2, gen, 1, 2, 1), "begin.next");
	assert_string_equal(begin_with(gen | 2, 2, gen, 1, 2, 0), "begin.limited");
	assert_string_equal(out.reason, "ct_limit");
	assert_string_equal(begin_with(gen | 1, 2, gen | 1, 1, 1, 1), "begin.limited");
	assert_int_equal(count_stat(CONNTRACK_STAT_LIMITED), 2);
	/* What became another key's raises nothing, and what is not counted does not pass */
	assert_string_equal(begin_with(2 * gen, 2, gen, 1, 0, 0), "begin.refused");
	assert_string_equal(begin_with(gen, 2, gen | CONNTRACK_COUNTED_CLAIMED, 1, 0, 0),
			    "begin.refused");
	assert_int_equal(count_stat(CONNTRACK_STAT_BUSY), 2);
	assert_int_equal(count_flows(), 1);
	count_close();
}

/* ---- races ---- */
#define RACE_MOST	5
#define RACE_SOURCES	4
#define RACE_TURNS	40000

static atomic_bool race_over;

/* Two CPUs begin flows of the same few sources, with ports of their own */
static void *race_begin(void *arg)
{
	unsigned int cpu = (uintptr_t)arg, i;
	uint64_t random = cpu + 1;
	cpu_set_t set;
	struct pkt p;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		return "no such CPU";
	for (i = 0; i < RACE_TURNS; i++) {
		unsigned int source = unit_random(&random) % RACE_SOURCES;
		char src[16];
		LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = 1);

		snprintf(src, sizeof(src), "10.0.0.%u", source + 1);
		pkt_build(&p, TCP4(src, "192.0.2.1", 1 + unit_random(&random) % 30000 + 30000 * cpu,
				   22, PKT_SYN));
		opts.data_in = p.data;
		opts.data_size_in = p.len;
		if (bpf_prog_test_run_opts(rig->root_fd, &opts) < 0)
			return "test run";
	}
	return NULL;
}

/* No count is ever above what the rule lets be. Flows are taken out meanwhile */
static void *race_watch(void *arg)
{
	uint64_t cursor = 0;
	struct flow flow;
	uint32_t i;

	while (!atomic_load(&race_over)) {
		for (i = 0; i < conf->counted * CONNTRACK_COUNTED_WAYS; i++)
			if (i % CONNTRACK_COUNTED_WAYS &&
			    (uint32_t)conntrack_counted_word(
				&counted[i / CONNTRACK_COUNTED_WAYS]
					.way[i % CONNTRACK_COUNTED_WAYS]) > RACE_MOST)
				return "more than the rule lets be";
		if (flows_next(rig->shared.flows, &cursor, 1000, &flow) > 0)
			flows_remove(rig->shared.flows, &flow);
		else
			cursor = 0;
	}
	return NULL;
}

static void raced(uint32_t hook)
{
	pthread_t thread[3];
	unsigned int i, of = 0;
	void *fault;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		skip();
	count_open(hook, "flows: 12", "ct count over 5 per saddr drop", "commit");
	atomic_store(&race_over, false);
	assert_int_equal(pthread_create(&thread[2], NULL, race_watch, NULL), 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, race_begin, (void *)(uintptr_t)i),
				 0);
	for (i = 0; i < 3; i++) {
		if (i == 2)
			atomic_store(&race_over, true);
		pthread_join(thread[i], &fault);
		if (fault)
			fail_msg("%s", (char *)fault);
	}
	for (i = 0; i < RACE_SOURCES; i++) {
		char src[16];

		snprintf(src, sizeof(src), "10.0.0.%u", i + 1);
		assert_true(count_of(src) <= RACE_MOST);
		of += count_of(src);
	}
	assert_int_equal(count_check(), of);
	assert_int_equal(count_flows(), of);
	print_message("# %s: %llu flows, %llu of them were one too many where they began\n",
		      module_hook_name(hook),
		      (unsigned long long)count_stat(CONNTRACK_STAT_NEW),
		      (unsigned long long)count_stat(CONNTRACK_STAT_LIMITED));
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
EACH_HOOK(translated) EACH_HOOK(looked_again) EACH_HOOK(raced)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_over), cmocka_unit_test(test_below),
		cmocka_unit_test(test_by_source), cmocka_unit_test(test_by_target),
		cmocka_unit_test(test_edges), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_several), cmocka_unit_test(test_expired),
		cmocka_unit_test(test_anew), cmocka_unit_test(test_carried),
		cmocka_unit_test(test_translated), cmocka_unit_test(test_looked_again),
		cmocka_unit_test(test_raced),
	};

	return unit_main(tests, N(tests));
}
