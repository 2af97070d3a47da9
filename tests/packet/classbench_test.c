// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * classbench_test.c - large sets of 5-tuple rules: the filter finds the rule that a scan finds
 *
 * Generated sets, and the published ones in $SHUNT_CLASSBENCH or ../shared/classbench. Even rules
 * accept, odd ones drop, what no rule holds is dropped. The verdict is compared for each packet,
 * the rule by the rules' counters at the end.
 * $TEST_SEED repeats a run, $TEST_COUNT is the number of packets for a set (20 000); $ALL adds the
 * sets of 100 000 rules.
 */
#include "../lib/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "../lib/classgen.h"
#include "../lib/classscan.h"
#include "../lib/classsets.h"
#include "../lib/rig.h"

#define PLAIN_CHECKS	200	/* packets whose scan is compared with one without lists */
#define TC_SHARE	10	/* one of so many packets runs at TC, too */

struct run {
	struct classbench_set set;
	struct classscan *scan;
	struct rig *xdp, *tc;
	uint64_t *wanted, *wanted_tc;	/* packets by rule */
	uint64_t state, held, accepted;
};

static uint64_t seed;

static unsigned long packets(void)
{
	const char *given = getenv("TEST_COUNT");

	return given ? strtoul(given, NULL, 0) : 20000;
}

/* ---- one packet ---- */
static bool accepted(const struct rig *rig, const uint8_t *frame, size_t len)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = 1, .data_in = frame, .data_size_in = len);

	if (bpf_prog_test_run_opts(rig->root_fd, &opts) < 0)
		fail_msg("test run: %s", strerror(errno));
	if (rig->hook == SHUNT_HOOK_XDP) {
		assert_true(opts.retval == XDP_PASS || opts.retval == XDP_DROP);
		return opts.retval == XDP_PASS;
	}
	assert_true((int)opts.retval == TC_ACT_UNSPEC || opts.retval == TC_ACT_SHOT);
	return opts.retval != TC_ACT_SHOT;
}

static void differ(const struct run *run, const struct rig *rig, const uint8_t *frame, size_t len,
		   size_t wanted, bool accept)
{
	char text[CLASSBENCH_TEXT] = "none";
	size_t i;

	if (wanted != CLASSBENCH_NONE)
		classbench_text(&run->set, wanted, "", text, sizeof(text));
	for (i = 0; i < len; i++)
		print_error("%02x%s", frame[i], i % 16 == 15 ? "\n" : " ");
	fail_msg("%s %s the packet; rule %zd holds it: %s", module_hook_name(rig->hook),
		 accept ? "accepts" : "drops", wanted + 1, text);
}

static void run_packet(struct run *run, const struct rig *rig, uint64_t *count,
		       const struct classbench_packet *packet, size_t wanted)
{
	bool accept = wanted != CLASSBENCH_NONE && wanted % 2 == 0;
	uint8_t frame[CLASSBENCH_FRAME];
	size_t len = classbench_frame(packet, run->set.family, frame);

	if (accepted(rig, frame, len) != accept)
		differ(run, rig, frame, len, wanted, !accept);
	if (wanted != CLASSBENCH_NONE)
		count[wanted]++;
}

/* The rules' own counters: each packet was the right rule's. Rules of the same text share one */
static void compare_counters(const struct run *run, const struct rig *rig, const uint64_t *wanted)
{
	const struct plan_filter *filter = rig_node(rig, "guard")->filter;
	uint64_t *by_hit = calloc(rig->plan.hits_room, sizeof(*by_hit)), got;
	char text[CLASSBENCH_TEXT];
	size_t i;

	for (i = 0; i < run->set.n; i++)
		by_hit[filter->rule[i].hit] += wanted[i];
	for (i = 0; i < run->set.n; i++) {
		got = rig_rule(rig, "guard", i);
		if (got == by_hit[filter->rule[i].hit])
			continue;
		classbench_text(&run->set, i, "", text, sizeof(text));
		fail_msg("%s: rule %zu counted %llu packets, wanted %llu: %s",
			 module_hook_name(rig->hook), i + 1, (unsigned long long)got,
			 (unsigned long long)by_hit[filter->rule[i].hit], text);
	}
	free(by_hit);
}

static void run_set(struct run *run, unsigned long count)
{
	struct classbench_packet packet;
	unsigned long i;
	size_t wanted;

	for (i = 0; i < count; i++) {
		classgen_packet(&run->set, CLASSGEN_MIXED, &run->state, &packet);
		wanted = classscan_find(run->scan, &packet);
		if (i < PLAIN_CHECKS)
			assert_int_equal(wanted, classbench_find(&run->set, &packet));
		run_packet(run, run->xdp, run->wanted, &packet, wanted);
		if (i % TC_SHARE == 0)
			run_packet(run, run->tc, run->wanted_tc, &packet, wanted);
		run->held += wanted != CLASSBENCH_NONE;
		run->accepted += wanted != CLASSBENCH_NONE && wanted % 2 == 0;
	}
	compare_counters(run, run->xdp, run->wanted);
	compare_counters(run, run->tc, run->wanted_tc);
}

/* ---- one set ---- */
static void test_set(void **state)
{
	const struct classsets_row *row = *state;
	struct run run = { .state = seed };
	unsigned long count = packets();
	char *yaml;

	classsets_get(row, seed, &run.set);
	run.scan = classscan_new(&run.set);
	run.wanted = calloc(run.set.n, sizeof(*run.wanted));
	run.wanted_tc = calloc(run.set.n, sizeof(*run.wanted_tc));
	yaml = classbench_yaml(&run.set);
	run.xdp = rig_new(yaml, SHUNT_HOOK_XDP);
	run.tc = rig_new(yaml, SHUNT_HOOK_TC_INGRESS);
	run_set(&run, count);
	print_message("# %s: %zu rules, %lu packets, %.0f %% held by a rule, %.0f %% accepted\n",
		      row->name, run.set.n, count, 100.0 * run.held / count,
		      100.0 * run.accepted / count);
	/* Packets that all go the same way prove little */
	assert_true(run.held > count / 4);
	assert_true(run.accepted > count / 100 && run.accepted < count / 100 * 99);
	rig_free(run.xdp);
	rig_free(run.tc);
	free(yaml);
	free(run.wanted);
	free(run.wanted_tc);
	classscan_free(run.scan);
	classbench_fini(&run.set);
}

int main(void)
{
	static struct classsets_row rows[CLASSSETS_MAX];
	static struct CMUnitTest tests[CLASSSETS_MAX];
	size_t n = classsets_list(rows), i;

	for (i = 0; i < n; i++)
		tests[i] = unit_row(rows[i].name, test_set, &rows[i]);
	seed = unit_seed();
	return unit_main(tests, n);
}
