// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* expr_text_test.c - elements of a set from text: what is read, and where errors are */
#include "../lib/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <model/expr_text.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

static struct arena arena;
static struct diags diags;

static int setup(void **state)
{
	diags = (struct diags){ .arena = &arena };
	return 0;
}

static int teardown(void **state)
{
	arena_fini(&arena);
	return 0;
}

/* In memory of just that size: what is read behind it is found out */
static int read_text(const char *text, const enum expr_field *field, unsigned int n_fields,
		     bool timeouts, struct expr_elements *ret)
{
	size_t len = strlen(text);
	char *copy = malloc(len ? len : 1);
	int r;

	memcpy(copy, text, len);
	r = expr_elements_text(copy, len, field, n_fields, timeouts, &diags, ret);
	free(copy);
	return r;
}

static void assert_range(const struct expr_interval *interval, uint64_t first, uint64_t last)
{
	assert_int_equal(interval->first.hi, 0);
	assert_int_equal(interval->first.lo, first);
	assert_int_equal(interval->last.hi, 0);
	assert_int_equal(interval->last.lo, last);
}

static void test_lines(void **state)
{
	static const char text[] = "# a list\r\n"
				   "\n"
				   "  10.0.1.0/24  # the upper half\r\n"
				   "10.0.0.0 - 10.0.0.255\n"
				   "\t\n"
				   "9.9.9.9";
	enum expr_field field = EXPR_IP_SADDR;
	struct expr_elements elements;

	assert_int_equal(read_text(text, &field, 1, false, &elements), 0);
	assert_int_equal(elements.n, 2);
	assert_range(&elements.interval[0], 0x09090909, 0x09090909);
	assert_range(&elements.interval[1], 0x0a000000, 0x0a0001ff);
	assert_null(elements.timeout_ns);
	assert_int_equal(diags.total, 0);
}

static void test_nothing(void **state)
{
	static const char *const texts[] = { "", "\n\n", "# only\n#comments", "   " };
	enum expr_field field = EXPR_DPORT;
	struct expr_elements elements;
	unsigned int i;

	for (i = 0; i < N(texts); i++) {
		assert_int_equal(read_text(texts[i], &field, 1, true, &elements), 0);
		assert_int_equal(elements.n, 0);
	}
}

static void test_fields(void **state)
{
	static const struct {
		const char *text;
		enum expr_field field;
		uint64_t first, last;
	} rows[] = {
		{ "80-90", EXPR_DPORT, 80, 90 },
		{ "tcp", EXPR_PROTO, 6, 6 },
		{ "02:00:00:00:00:0A", EXPR_ETHER_SADDR, 0x02000000000a, 0x02000000000a },
		{ "2:0:0:0:0:1-02:00:00:00:00:ff", EXPR_ETHER_DADDR, 0x020000000001,
		  0x0200000000ff },
		{ "0xdead0000-0xdeadffff", EXPR_MARK, 0xdead0000, 0xdeadffff },
		{ "4095", EXPR_VLAN_ID, 4095, 4095 },
		{ "::7", EXPR_IP6_DADDR, 7, 7 },
	};
	struct expr_elements elements;
	unsigned int i;

	for (i = 0; i < N(rows); i++) {
		assert_int_equal(read_text(rows[i].text, &rows[i].field, 1, false, &elements), 0);
		assert_int_equal(elements.n, 1);
		assert_range(elements.interval, rows[i].first, rows[i].last);
	}
}

/* As they are written, in their order: two of them may be equal */
static void test_concatenations(void **state)
{
	static const enum expr_field field[] = { EXPR_IP_SADDR, EXPR_DPORT, EXPR_PROTO };
	struct expr_elements elements;

	assert_int_equal(read_text("10.0.0.9 . 80-90 . tcp\n10.0.0.0/8\t.\t53 . 17 # dns\n", field,
				   3, false, &elements), 0);
	assert_int_equal(elements.n, 2);
	assert_range(&elements.interval[0], 0x0a000009, 0x0a000009);
	assert_range(&elements.interval[1], 80, 90);
	assert_range(&elements.interval[2], 6, 6);
	assert_range(&elements.interval[3], 0x0a000000, 0x0affffff);
	assert_range(&elements.interval[4], 53, 53);
	assert_range(&elements.interval[5], 17, 17);
}

static void test_timeouts(void **state)
{
	static const enum expr_field field[] = { EXPR_PROTO, EXPR_DPORT };
	struct expr_elements elements;

	assert_int_equal(read_text("9\n7 timeout 1m30s # soon\n8 timeout 5ms\n", &field[1], 1, true,
				   &elements), 0);
	assert_int_equal(elements.n, 3);
	assert_range(&elements.interval[0], 9, 9);	/* not sorted: they differ in their time */
	assert_int_equal(elements.timeout_ns[0], 0);
	assert_int_equal(elements.timeout_ns[1], 90000000000);
	assert_int_equal(elements.timeout_ns[2], 5000000);
	assert_int_equal(read_text("tcp . 8 timeout 1d", field, 2, true, &elements), 0);
	assert_int_equal(elements.timeout_ns[0], 86400000000000);
}

static void test_errors(void **state)
{
	static const enum expr_field field[] = { EXPR_IP_SADDR, EXPR_DPORT };
	static const struct {
		const char *text;
		unsigned int n_fields;
		bool timeouts;
		int line, column, len;
		const char *message;
	} rows[] = {
		{ "10.0.0.1\n\n  300.0.0.1\n", 1, false, 3, 3, 9,
		  "'300.0.0.1' is not an IPv4 address" },
		{ "10.0.0.1/8", 1, false, 1, 1, 10, "'10.0.0.1/8' has bits set behind the prefix" },
		{ "10.0.0.1-10.0.0.x # why", 1, false, 1, 10, 8,
		  "'10.0.0.x' is not an IPv4 address" },
		{ "10.0.0.1 . 80", 1, false, 1, 1, 13, "'10.0.0.1 . 80' is not an IPv4 address" },
		{ "10.0.0.1", 2, false, 1, 1, 8, "expected 2 values with ' . ' between them" },
		{ "10.0.0.1.80", 2, false, 1, 1, 11, "expected 2 values with ' . ' between them" },
		{ "10.0.0.1 . 70000", 2, false, 1, 12, 5, "'70000' is not a port: 0 to 65535" },
		{ "10.0.0.1 .", 2, false, 1, 11, 0, "expected a port" },
		{ "10.0.0.1 . 1 . 2", 2, false, 1, 12, 5, "'1 . 2' is not a port" },
		{ "10.0.0.1 timeout 5s", 1, false, 1, 10, 10,
		  "elements of this set have no timeouts" },
		{ "10.0.0.1 timeout 5", 1, true, 1, 18, 1, "not a time" },
		{ "10.0.0.1 timeout", 1, true, 1, 17, 0, "not a time" },
		{ "10.0.0.1 timeout 5s x", 1, true, 1, 18, 4, "not a time" },
		{ "timeout 5s", 1, true, 1, 1, 10, "'timeout 5s' is not an IPv4 address" },
		{ "10.0.0.1, 10.0.0.2", 1, true, 1, 1, 18,
		  "'10.0.0.1, 10.0.0.2' is not an IPv4 address" },
	};
	struct expr_elements elements, before;
	unsigned int i;

	memset(&before, 0xa5, sizeof(before));
	for (i = 0; i < N(rows); i++) {
		elements = before;
		diags.n = diags.total = 0;
		assert_int_equal(read_text(rows[i].text, field, rows[i].n_fields, rows[i].timeouts,
					   &elements), -EINVAL);
		assert_memory_equal(&elements, &before, sizeof(elements));
		assert_int_equal(diags.n, 1);
		assert_string_equal(diags.v[0].message, rows[i].message);
		assert_int_equal(diags.v[0].line, rows[i].line);
		assert_int_equal(diags.v[0].column, rows[i].column);
		assert_int_equal(diags.v[0].len, rows[i].len);
		assert_int_equal(diags.v[0].offset, -1);
	}
}

/* A file of something else is not read to its end */
static void test_many_errors(void **state)
{
	enum expr_field field = EXPR_IP_SADDR;
	struct expr_elements elements;
	struct buf text = {0};
	unsigned int i;

	for (i = 0; i < 1000; i++)
		buf_str(&text, "no address\n");
	assert_int_equal(read_text(text.data, &field, 1, false, &elements), -EINVAL);
	assert_int_equal(diags.n, DIAGS_MAX);
	assert_int_equal(diags.total, DIAGS_MAX);
	assert_int_equal(diags.v[DIAGS_MAX - 1].line, DIAGS_MAX);
	buf_fini(&text);
}

/* Enough of them to be sorted by digits */
static void test_random_prefixes(void **state)
{
	static struct expr_interval want[5000];
	enum expr_field field = EXPR_IP_DADDR;
	uint64_t random = unit_seed();
	struct expr_elements elements;
	struct buf text = {0};
	unsigned int i, k, n = 0;

	for (i = 0; i < N(want); i++) {
		uint64_t bits = unit_random(&random);
		unsigned int host = bits % 12;
		uint64_t first = (bits >> 40 & 0xfffff) << 12 & ~((1ull << host) - 1);

		want[i] = (struct expr_interval){
			{ 0, first }, { 0, first | ((1ull << host) - 1) },
		};
		expr_element_print(&want[i], field, &text);
		buf_char(&text, '\n');
	}
	assert_int_equal(read_text(text.data, &field, 1, false, &elements), 0);
	for (i = 1; i < elements.n; i++)
		assert_true(elements.interval[i - 1].last.lo + 1 < elements.interval[i].first.lo);
	for (i = 0; i < N(want); i++) {
		for (k = 0; k < elements.n && elements.interval[k].last.lo < want[i].last.lo; k++)
			;
		n += k < elements.n && elements.interval[k].first.lo <= want[i].first.lo;
	}
	assert_int_equal(n, N(want));		/* nothing is lost */
	for (k = 0; k < elements.n; k++) {	/* and nothing is new: its ends were written */
		for (i = n = 0; i < N(want); i++)
			n |= (want[i].first.lo == elements.interval[k].first.lo ? 1 : 0) |
			     (want[i].last.lo == elements.interval[k].last.lo ? 2 : 0);
		assert_int_equal(n, 3);
	}
	buf_fini(&text);
}

#define WITH_DIAGS(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DIAGS(test_lines),
		WITH_DIAGS(test_nothing),
		WITH_DIAGS(test_fields),
		WITH_DIAGS(test_concatenations),
		WITH_DIAGS(test_timeouts),
		WITH_DIAGS(test_errors),
		WITH_DIAGS(test_many_errors),
		WITH_DIAGS(test_random_prefixes),
	};

	return unit_main(tests, N(tests));
}
