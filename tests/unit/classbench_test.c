// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* classbench_test.c - what the tests of large rule sets stand on: sets, packets, the scan */
#include "../lib/unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <model/expr.h>

#include "../lib/classgen.h"
#include "../lib/classscan.h"
#include "../lib/model.h"

#define RULES	1500
#define PACKETS	3000

static uint64_t seed;

static bool same(const struct classbench_set *a, const struct classbench_set *b)
{
	return a->family == b->family && a->n == b->n &&
	       !memcmp(a->rule, b->rule, a->n * sizeof(a->rule[0]));
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct classbench_rule));
}

/* By kind and family: *state is 2 * kind + (family 6) */
static void draw(void **state, size_t n, struct classbench_set *set)
{
	int which = *(const int *)*state;

	classgen_set(which / 2, which % 2 ? 6 : 4, n, seed, set);
}

static void test_set(void **state)
{
	struct classbench_set set, again, other;
	size_t i, any = 0;

	draw(state, RULES, &set);
	draw(state, RULES, &again);
	seed++;
	draw(state, RULES, &other);
	seed--;
	assert_true(same(&set, &again));
	assert_false(same(&set, &other));
	for (i = 0; i < set.n; i++)
		any += !set.rule[i].slen && !set.rule[i].dlen;
	assert_true(any < RULES / 50);
	qsort(set.rule, set.n, sizeof(set.rule[0]), compare);
	for (i = 1; i < set.n; i++)
		assert_true(compare(&set.rule[i - 1], &set.rule[i]) < 0);
	classbench_fini(&set);
	classbench_fini(&again);
	classbench_fini(&other);
}

static void test_file(void **state)
{
	struct classbench_set set, again;
	char path[128];
	FILE *file;

	draw(state, RULES, &set);
	snprintf(path, sizeof(path), "%s/set", unit_folder());
	file = fopen(path, "w");
	assert_non_null(file);
	classbench_write(&set, file);
	fclose(file);
	classbench_read(path, &again);
	assert_true(same(&set, &again));
	unlink(path);
	classbench_fini(&set);
	classbench_fini(&again);
}

/* The product reads each rule, none of them twice, and with the set's family */
static void test_text(void **state)
{
	struct classbench_set set;
	char text[CLASSBENCH_TEXT];
	size_t i;

	draw(state, RULES, &set);
	for (i = 0; i < set.n; i++) {
		struct arena arena = { 0 };
		struct diags diags = { .arena = &arena };
		struct expr_rule rule;

		classbench_text(&set, i, classbench_verdict(i), text, sizeof(text));
		if (expr_parse(text, "", &diags, &rule) < 0)
			fail_msg("'%s': %s", text, diags.v[0].message);
		assert_int_equal(rule.families, set.family == 4 ? EXPR_FAMILY_4 : EXPR_FAMILY_6);
		assert_string_equal(rule.verdict.edge, i % 2 ? "drop" : "accept");
		arena_fini(&arena);
	}
	classbench_fini(&set);
}

static uint32_t word(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

/* The model of the parser, which knows nothing of these packets, reads what was meant */
static void check_frame(const struct classbench_packet *packet, unsigned int family)
{
	bool icmp = classbench_is_icmp(family, packet->proto);
	uint8_t frame[CLASSBENCH_FRAME];
	struct model_packet read;
	unsigned int i;

	model_parse(frame, classbench_frame(packet, family, frame), &read);
	if (read.malformed)
		fail_msg("protocol %u: %s", packet->proto, read.malformed);
	assert_int_equal(read.version, family);
	for (i = 0; i < (family == 4 ? 1 : 4); i++) {
		assert_int_equal(word(read.saddr + 4 * i), packet->saddr[i]);
		assert_int_equal(word(read.daddr + 4 * i), packet->daddr[i]);
	}
	assert_int_equal(read.proto, packet->proto);
	assert_int_equal(read.sport, packet->sport);
	assert_int_equal(read.dport, packet->dport);
	assert_int_equal(icmp ? read.icmp_type : read.flags, packet->flags);
}

static void test_packets(void **state)
{
	unsigned int kind, held[CLASSGEN_MIXED] = { 0 };
	struct classbench_packet packet;
	struct classbench_set set;
	struct classscan *scan;
	uint64_t random = seed;
	size_t i, found;

	draw(state, RULES, &set);
	scan = classscan_new(&set);
	for (kind = 0; kind < CLASSGEN_MIXED; kind++) {
		for (i = 0; i < PACKETS; i++) {
			classgen_packet(&set, kind, &random, &packet);
			check_frame(&packet, set.family);
			found = classscan_find(scan, &packet);
			assert_int_equal(found, classbench_find(&set, &packet));
			held[kind] += found != CLASSBENCH_NONE;
		}
	}
	assert_int_equal(held[CLASSGEN_IN], PACKETS);
	assert_int_equal(held[CLASSGEN_SKEWED], PACKETS);
	assert_in_range(held[CLASSGEN_EDGE], PACKETS / 10, PACKETS - 1);
	assert_in_range(held[CLASSGEN_ANY], 0, PACKETS - 1);
	classscan_free(scan);
	classbench_fini(&set);
}

/* Flags are TCP's flags in the high byte, ICMP's type, and nothing of UDP */
static void test_flags(void **state)
{
	static const char lines[] =
		"@10.0.0.0/8\t0.0.0.0/0\t0 : 65535\t80 : 80\t0x06/0xFF\t0x0200/0x1200\t\n"
		"@10.0.0.1/24 192.0.2.1/32 0 : 65535 0 : 65535 0x01/0xFF 0x0d00/0xff00\n"
		"@0.0.0.0/0 0.0.0.0/0 53 : 53 1024 : 65535 0x11/0xFF 0x0200/0x1200\n"
		"@0.0.0.0/0 0.0.0.0/0 0 : 65535 0 : 65535 0x00/0x00\n";
	static const char *const wanted[] = {
		"ip saddr 10.0.0.0/8 tcp dport 80 tcp flags & 0x12 == 0x2 drop",
		"ip saddr 10.0.0.0/24 ip daddr 192.0.2.1 meta l4proto 1 icmp type 13 drop",
		"meta nfproto ipv4 udp sport 53 udp dport 1024-65535 drop",
		"meta nfproto ipv4 drop",
	};
	struct classbench_set set;
	char path[128], text[CLASSBENCH_TEXT];
	FILE *file;
	size_t i;

	snprintf(path, sizeof(path), "%s/flags", unit_folder());
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(lines, file);
	fclose(file);
	classbench_read(path, &set);
	assert_int_equal(set.n, 4);
	for (i = 0; i < set.n; i++) {
		classbench_text(&set, i, "drop", text, sizeof(text));
		assert_string_equal(text, wanted[i]);
	}
	classbench_fini(&set);
}

int main(void)
{
	static const struct {
		const char *name;
		CMUnitTestFunction run;
	} kinds[] = {
		{ "set", test_set }, { "file", test_file }, { "text", test_text },
		{ "packets", test_packets },
	};
	static const int which[2 * CLASSGEN_KINDS] = { 0, 1, 2, 3, 4, 5 };
	static char names[32][32];
	struct CMUnitTest tests[32];
	unsigned int i, j, n = 0;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (j = 0; j < 2 * CLASSGEN_KINDS; j++, n++) {
			snprintf(names[n], sizeof(names[n]), "%s: %s ipv%u", kinds[i].name,
				 classgen_name[j / 2], j % 2 ? 6 : 4);
			tests[n] = unit_row(names[n], kinds[i].run, &which[j]);
		}
	}
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_flags);
	seed = unit_seed();
	return unit_main(tests, n);
}
