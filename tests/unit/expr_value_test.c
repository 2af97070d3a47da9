// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* expr_value_test.c - intervals against bitmaps, prefixes, and random elements there and back */
#include "../lib/unit.h"

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

/* ---- the model: a bitmap ------------------------------------------------------------------ */

struct bitmap {
	unsigned int n;
	bool bit[65536];
};

static void bitmap_add(struct bitmap *map, const struct expr_interval *interval, unsigned int n)
{
	unsigned int i;
	uint64_t v;

	for (i = 0; i < n; i++)
		for (v = interval[i].first.lo; v <= interval[i].last.lo; v++)
			map->bit[v] = true;
}

/* The intervals hold what the bitmap holds, and are sorted, apart and not adjacent */
static void assert_bitmap(const struct bitmap *map, const struct expr_interval *interval,
			  unsigned int n)
{
	static struct bitmap got;
	unsigned int i;

	memset(&got, 0, sizeof(got));
	bitmap_add(&got, interval, n);
	assert_memory_equal(got.bit, map->bit, map->n);
	for (i = 0; i < n; i++) {
		assert_true(interval[i].first.lo <= interval[i].last.lo);
		assert_true(interval[i].last.lo < map->n);
		if (i)
			assert_true(interval[i].first.lo > interval[i - 1].last.lo + 1);
	}
}

static unsigned int random_intervals(struct expr_interval *interval, unsigned int max,
				     unsigned int bits)
{
	unsigned int i, n = below(max + 1);

	for (i = 0; i < n; i++) {
		uint64_t a = below(3) ? below(1u << bits) : random_bits(bits);
		uint64_t b = below(3) ? a + below(6) : random_bits(bits);

		if (b >= 1u << bits)
			b = (1u << bits) - 1;
		interval[i].first = (struct expr_value){ .lo = a < b ? a : b };
		interval[i].last = (struct expr_value){ .lo = a < b ? b : a };
	}
	return n;
}

static void check_algebra(enum expr_field field)
{
	static struct bitmap a_map, b_map, want;
	struct expr_interval a[12], b[12], *got;
	unsigned int bits = expr_field_bits(field), n_a, n_b, n, i;

	a_map.n = b_map.n = want.n = 1u << bits;
	memset(a_map.bit, 0, a_map.n);
	memset(b_map.bit, 0, b_map.n);
	n_a = random_intervals(a, N(a), bits);
	n_b = random_intervals(b, N(b), bits);
	bitmap_add(&a_map, a, n_a);
	bitmap_add(&b_map, b, n_b);

	n_a = expr_merge(a, n_a);
	assert_bitmap(&a_map, a, n_a);
	n_b = expr_merge(b, n_b);
	assert_bitmap(&b_map, b, n_b);

	for (i = 0; i < want.n; i++)
		want.bit[i] = !a_map.bit[i];
	n = expr_complement(&arena, field, a, n_a, &got);
	assert_bitmap(&want, got, n);

	for (i = 0; i < want.n; i++)
		want.bit[i] = a_map.bit[i] && b_map.bit[i];
	n = expr_intersect(&arena, a, n_a, b, n_b, &got);
	assert_bitmap(&want, got, n);
}

static void test_algebra_8_bit(void **state)
{
	unsigned int i;

	for (i = 0; i < 20000; i++)
		check_algebra(EXPR_PROTO);
}

static void test_algebra_16_bit(void **state)
{
	unsigned int i;

	for (i = 0; i < 300; i++)
		check_algebra(EXPR_DPORT);
}

/* ---- 128 bit ------------------------------------------------------------------------------ */

static struct expr_value v128(uint64_t hi, uint64_t lo)
{
	return (struct expr_value){ hi, lo };
}

static void assert_interval(const struct expr_interval *got, struct expr_value first,
			    struct expr_value last)
{
	assert_true(got->first.hi == first.hi && got->first.lo == first.lo);
	assert_true(got->last.hi == last.hi && got->last.lo == last.lo);
}

static void test_merge_128_bit_carries(void **state)
{
	struct expr_interval v[] = {
		{ v128(1, 0), v128(1, 5) },		/* right behind the next one */
		{ v128(0, 7), v128(0, UINT64_MAX) },
		{ v128(1, 7), v128(1, 7) },		/* one value apart */
		{ v128(UINT64_MAX, UINT64_MAX), v128(UINT64_MAX, UINT64_MAX) },
		{ v128(0, 0), v128(0, 0) },		/* not adjacent to the greatest */
	};

	assert_int_equal(expr_merge(v, N(v)), 4);
	assert_interval(&v[0], v128(0, 0), v128(0, 0));
	assert_interval(&v[1], v128(0, 7), v128(1, 5));
	assert_interval(&v[2], v128(1, 7), v128(1, 7));
	assert_interval(&v[3], v128(UINT64_MAX, UINT64_MAX), v128(UINT64_MAX, UINT64_MAX));
}

static void test_complement_128_bit(void **state)
{
	struct expr_interval v[] = {
		{ v128(0, UINT64_MAX), v128(0, UINT64_MAX) },
		{ v128(5, 0), v128(UINT64_MAX, UINT64_MAX) },
	};
	struct expr_interval *got, *back;

	assert_int_equal(expr_complement(&arena, EXPR_IP6_SADDR, v, 2, &got), 2);
	assert_interval(&got[0], v128(0, 0), v128(0, UINT64_MAX - 1));
	assert_interval(&got[1], v128(1, 0), v128(4, UINT64_MAX));
	assert_int_equal(expr_complement(&arena, EXPR_IP6_SADDR, got, 2, &back), 2);
	assert_interval(&back[0], v[0].first, v[0].last);
	assert_interval(&back[1], v[1].first, v[1].last);

	assert_int_equal(expr_complement(&arena, EXPR_IP6_SADDR, NULL, 0, &got), 1);
	assert_interval(&got[0], v128(0, 0), v128(UINT64_MAX, UINT64_MAX));
	assert_int_equal(expr_complement(&arena, EXPR_IP6_SADDR, got, 1, &back), 0);
}

/* ---- prefixes ----------------------------------------------------------------------------- */

static unsigned __int128 wide(struct expr_value v)
{
	return (unsigned __int128)v.hi << 64 | v.lo;
}

/* Each begins where the one before ended, is aligned, and the last one ends the interval */
static unsigned int check_prefixes(enum expr_field field, const struct expr_interval *interval)
{
	unsigned int bits = expr_field_bits(field), n, i;
	unsigned __int128 next = wide(interval->first);
	struct expr_value *prefix;
	uint8_t *len;

	n = expr_prefixes(&arena, field, interval, &prefix, &len);
	assert_in_range(n, 1, 2 * bits - 2);
	for (i = 0; i < n; i++) {
		unsigned __int128 host = 0;

		assert_true(len[i] <= bits);
		if (len[i] < bits)
			host = (((unsigned __int128)1 << (bits - len[i] - 1)) << 1) - 1;
		assert_true(wide(prefix[i]) == next);
		assert_true((wide(prefix[i]) & host) == 0);
		next = wide(prefix[i]) + host + 1;
	}
	assert_true(next - 1 == wide(interval->last));
	return n;
}

static void test_prefixes_8_bit(void **state)
{
	struct expr_interval interval = {0};
	unsigned int first, last;

	for (first = 0; first < 256; first++) {
		for (last = first; last < 256; last++) {
			interval.first.lo = first;
			interval.last.lo = last;
			check_prefixes(EXPR_PROTO, &interval);
		}
		arena_fini(&arena);
	}
}

static void check_random_prefixes(enum expr_field field)
{
	unsigned int i, bits = expr_field_bits(field);

	for (i = 0; i < 20000; i++) {
		struct expr_value a = { bits > 64 ? random_bits(64) : 0, random_bits(bits) };
		struct expr_value b = { bits > 64 ? random_bits(64) : 0, random_bits(bits) };
		struct expr_interval interval = { a, b };

		if (wide(a) > wide(b))
			interval = (struct expr_interval){ b, a };
		check_prefixes(field, &interval);
		if (i % 1000 == 0)
			arena_fini(&arena);
	}
}

static void test_prefixes_v4(void **state)
{
	struct expr_interval worst = { { 0, 1 }, { 0, 0xfffffffe } };
	struct expr_interval all = { { 0, 0 }, { 0, 0xffffffff } };

	assert_int_equal(check_prefixes(EXPR_IP_SADDR, &worst), 62);
	assert_int_equal(check_prefixes(EXPR_IP_SADDR, &all), 1);
	check_random_prefixes(EXPR_IP_SADDR);
}

static void test_prefixes_v6(void **state)
{
	struct expr_interval worst = { { 0, 1 }, { UINT64_MAX, UINT64_MAX - 1 } };
	struct expr_interval all = { { 0, 0 }, { UINT64_MAX, UINT64_MAX } };

	assert_int_equal(check_prefixes(EXPR_IP6_DADDR, &worst), 254);
	assert_int_equal(check_prefixes(EXPR_IP6_DADDR, &all), 1);
	check_random_prefixes(EXPR_IP6_DADDR);
}

/* ---- there and back ----------------------------------------------------------------------- */

static void test_elements_there_and_back(void **state)
{
	static const enum expr_field fields[] = {
		EXPR_IP_SADDR, EXPR_IP6_SADDR, EXPR_DPORT, EXPR_PROTO, EXPR_ICMP_CODE,
	};
	struct diags diags = { .arena = &arena };
	struct buf out = {0};
	unsigned int i;

	for (i = 0; i < 20000; i++) {
		enum expr_field field = fields[below(N(fields))];
		unsigned int bits = expr_field_bits(field);
		struct expr_value a = { bits > 64 ? random_bits(64) : 0, random_bits(bits) };
		struct expr_value b = { bits > 64 ? random_bits(64) : 0, random_bits(bits) };
		struct expr_interval interval = { a, b }, again;

		if (wide(a) > wide(b))
			interval = (struct expr_interval){ b, a };
		buf_clear(&out);
		expr_element_print(&interval, field, &out);
		if (expr_element(out.data, field, "", 0, &diags, &again) < 0)
			fail_msg("'%s': %s", out.data, diags.v[0].message);
		assert_interval(&again, interval.first, interval.last);
	}
	buf_fini(&out);
}

/* A list of ports as somebody might write it, and the bitmap of what it should let through */
static void test_lists_against_bitmap(void **state)
{
	static struct bitmap want;
	struct buf text = {0};
	unsigned int i, k;

	want.n = sizeof(want.bit);
	for (i = 0; i < 500; i++) {
		struct diags diags = { .arena = &arena };
		struct expr_interval list[16];
		unsigned int n = random_intervals(list, N(list) - 1, 16);
		bool negated = below(2);
		struct expr_rule rule;

		if (!n)
			list[n++] = (struct expr_interval){ { 0, 80 }, { 0, 80 } };
		memset(want.bit, 0, want.n);
		bitmap_add(&want, list, n);
		if (negated)
			for (k = 0; k < want.n; k++)
				want.bit[k] = !want.bit[k];
		buf_clear(&text);
		buf_printf(&text, "udp sport %s{ ", negated ? "!= " : "");
		for (k = 0; k < n; k++)
			buf_printf(&text, "%s%u-%u", k ? "," : "", (unsigned int)list[k].first.lo,
				   (unsigned int)list[k].last.lo);
		buf_str(&text, " } drop");
		if (expr_parse(text.data, "", &diags, &rule) == 0) {
			assert_int_equal(rule.n, 2);
			assert_bitmap(&want, rule.match[1].interval, rule.match[1].n);
		} else {		/* only if nothing is left */
			assert_string_equal(diags.v[0].code, "never_matches");
			assert_null(memchr(want.bit, true, want.n));
		}
		arena_fini(&arena);
	}
	buf_fini(&text);
}

#define SEEDED(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SEEDED(test_algebra_8_bit),
		SEEDED(test_algebra_16_bit),
		SEEDED(test_merge_128_bit_carries),
		SEEDED(test_complement_128_bit),
		SEEDED(test_prefixes_8_bit),
		SEEDED(test_prefixes_v4),
		SEEDED(test_prefixes_v6),
		SEEDED(test_elements_there_and_back),
		SEEDED(test_lists_against_bitmap),
	};

	seed = unit_seed();
	return unit_main(tests, N(tests));
}
