// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * classify_sets_test.c - large sets of 5-tuple rules: the classifier finds what a scan finds
 *
 * Generated sets, and the published ones in $SHUNT_CLASSBENCH or ../shared/classbench. The image
 * is built from a row a rule and is walked by lib/classify.h in a program of its own and by
 * classifier_find(): without the filter around it, which classbench_test.c has.
 * $TEST_SEED repeats a run, $TEST_COUNT is the number of packets for a set (100 000); $ALL adds the
 * sets of 100 000 rules.
 */
#include "../lib/unit.h"

#include <stdio.h>
#include <string.h>

#include "../lib/classgen.h"
#include "../lib/classscan.h"
#include "../lib/classsets.h"
#include "../lib/classify.h"
#include "../lib/objtest.h"

#define FIND_SHARE	8		/* one of so many packets is asked of classifier_find(), too */

static uint64_t seed;

static unsigned long packets(void)
{
	const char *given = getenv("TEST_COUNT");

	return given ? strtoul(given, NULL, 0) : 100000;
}

/* ---- rules and packets as the classifier has them ---- */
static void set_address(unsigned int family, const uint32_t *word, uint64_t *ret)
{
	if (family == 4) {
		ret[1] = word[0];
		return;
	}
	ret[0] = (uint64_t)word[0] << 32 | word[1];
	ret[1] = (uint64_t)word[2] << 32 | word[3];
}

static void add_meta(struct classifier_row *row, uint32_t value, uint32_t mask)
{
	row->meta |= value;
	row->meta_mask |= mask;
}

static void set_flags(unsigned int family, const struct classbench_rule *rule,
		      struct classifier_row *row)
{
	if (!rule->flags_mask)
		return;
	add_meta(row, CLASSIFIER_L4, CLASSIFIER_L4);
	if (classbench_is_icmp(family, rule->proto))
		row->sport_first = row->sport_last = rule->flags;
	else
		add_meta(row, rule->flags << CLASSIFIER_TCP_SHIFT,
			 rule->flags_mask << CLASSIFIER_TCP_SHIFT);
}

static void set_row(unsigned int family, const struct classbench_rule *rule, size_t i,
		    struct classifier_row *row)
{
	row->family = family;
	set_address(family, rule->saddr, row->saddr);
	set_address(family, rule->daddr, row->daddr);
	row->slen = rule->slen;
	row->dlen = rule->dlen;
	row->edge = i % 2;
	row->sport_first = rule->sport_first;
	row->sport_last = rule->sport_last;
	row->dport_first = rule->dport_first;
	row->dport_last = rule->dport_last;
	row->prio = (i + 1) * CLASSIFIER_PRIO_GAP;
	row->ref = i;
	add_meta(row, CLASSIFIER_IP, CLASSIFIER_IP);
	add_meta(row, rule->proto, rule->proto_mask);
	if (rule->sport_first || rule->sport_last != 65535 || rule->dport_first ||
	    rule->dport_last != 65535)
		add_meta(row, CLASSIFIER_L4, CLASSIFIER_L4);
	set_flags(family, rule, row);
}

static void set_key(unsigned int family, const struct classbench_packet *packet, uint32_t *key)
{
	bool icmp = classbench_is_icmp(family, packet->proto);
	unsigned int words = family == 4 ? 1 : 4;

	memcpy(key, packet->saddr, 4 * words);
	memcpy(key + words, packet->daddr, 4 * words);
	key += 2 * words;
	key[0] = (uint32_t)(icmp ? packet->flags : packet->sport) << 16 | packet->dport;
	key[1] = packet->proto | CLASSIFIER_IP;
	if (icmp || classbench_has_ports(packet->proto))
		key[1] |= CLASSIFIER_L4;
	if (packet->proto == 6)
		key[1] |= packet->flags << CLASSIFIER_TCP_SHIFT;
}

/* ---- one set ---- */
struct run {
	struct classbench_set set;
	struct classscan *scan;
	struct classifier classifier;
	struct classify program;
	uint64_t random, held;
};

static void build(struct run *run)
{
	struct classifier_rows rows = { calloc(run->set.n, sizeof(*rows.row)), run->set.n };
	const struct classifier_limits limits = { 0 };
	struct classifier_blame blame;
	size_t i;
	int r;

	for (i = 0; i < rows.n; i++)
		set_row(run->set.family, &run->set.rule[i], i, &rows.row[i]);
	r = classifier_build(&rows, rows.n, NULL, &limits, &run->classifier, &blame);
	if (r < 0)
		fail_msg("build: %s: %s", strerror(-r), blame.text);
	free(rows.row);
}

static void check(const struct run *run, const char *who, size_t wanted, uint32_t prio,
		  uint32_t ref)
{
	char text[CLASSBENCH_TEXT] = "none";

	if (wanted == CLASSBENCH_NONE ? prio == CLASSIFIER_NONE :
	    ref == wanted && (prio & 1) == wanted % 2 && prio != CLASSIFIER_NONE)
		return;
	if (wanted != CLASSBENCH_NONE)
		classbench_text(&run->set, wanted, "", text, sizeof(text));
	fail_msg("%s finds rule %d, prio %#x; rule %zd holds it: %s", who,
		 prio == CLASSIFIER_NONE ? 0 : (int)ref + 1, prio, wanted + 1, text);
}

/* As many packets as the program's table takes */
static void run_some(struct run *run, unsigned int n)
{
	static size_t wanted[CLASSIFY_KEYS];
	struct classbench_packet packet;
	uint32_t key[CLASSIFIER_WORDS6], ref = 0, prio;
	unsigned int i;

	for (i = 0; i < n; i++) {
		classgen_packet(&run->set, CLASSGEN_MIXED, &run->random, &packet);
		wanted[i] = classscan_find(run->scan, &packet);
		run->held += wanted[i] != CLASSBENCH_NONE;
		set_key(run->set.family, &packet, key);
		classify_set_key(&run->program, i, run->set.family, key);
		if (i % FIND_SHARE)
			continue;
		prio = classifier_find(run->classifier.image, &run->classifier.shape,
				       run->set.family, key, 0, &ref);
		check(run, "classifier_find()", wanted[i], prio, ref);
	}
	classify_run(&run->program, n);
	for (i = 0; i < n; i++)
		check(run, "the program", wanted[i], run->program.key[i].prio,
		      run->program.key[i].ref);
}

static void test_set(void **state)
{
	const struct classsets_row *row = *state;
	struct run run = { .random = seed };
	struct classify_conf conf = { 0 };
	unsigned long left = packets(), n;

	classsets_get(row, seed, &run.set);
	run.scan = classscan_new(&run.set);
	build(&run);
	conf.family6 = run.set.family == 6;
	classify_load(&run.program, objtest_built("tests/lib/classify.xdp.o"), &run.classifier,
		      &conf);
	for (; left; left -= n) {
		n = left < CLASSIFY_KEYS ? left : CLASSIFY_KEYS;
		run_some(&run, n);
	}
	print_message("# %s: %zu rules, %lu packets, %.0f %% held by a rule; %zu bytes, at most %u "
		      "steps\n", row->name, run.set.n, packets(), 100.0 * run.held / packets(),
		      run.classifier.size, run.classifier.cost[conf.family6].steps);
	assert_true(run.held > packets() / 4);
	classify_unload(&run.program);
	classifier_fini(&run.classifier);
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
