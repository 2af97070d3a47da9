// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * expr_interval.c - the algebra of intervals: merge, complement, intersect, prefixes
 *
 * DOC: Sets come with a million elements. What is in order already is not
 * sorted; many values of 32 bits or less are sorted by their digits, three
 * passes over keys of 8 bytes, instead of by comparing pairs.
 */
#include <stdlib.h>
#include <string.h>

#include <model/expr_value.h>

#define RADIX_MIN	512		/* fewer are sorted sooner by comparing */
#define DIGIT_BITS	11		/* three of them: 32 bits */
#define DIGIT_VALUES	(1u << DIGIT_BITS)

static int interval_cmp(const void *a, const void *b)
{
	return value_cmp(((const struct expr_interval *)a)->first,
			 ((const struct expr_interval *)b)->first);
}

static bool is_sorted(const struct expr_interval *interval, unsigned int n)
{
	unsigned int i;

	for (i = 1; i < n; i++)
		if (value_cmp(interval[i - 1].first, interval[i].first) > 0)
			return false;
	return true;
}

static bool is_narrow(const struct expr_interval *interval, unsigned int n)
{
	uint64_t any = 0;
	unsigned int i;

	for (i = 0; i < n; i++)
		any |= interval[i].last.hi | interval[i].last.lo >> 32;
	return !any;
}

/* One digit's pass: keys keep their order where the digit is the same */
static void sort_digit(const uint64_t *from, uint64_t *to, unsigned int n, unsigned int shift)
{
	unsigned int at[DIGIT_VALUES] = { 0 }, i, sum = 0, count;

	for (i = 0; i < n; i++)
		at[from[i] >> shift & (DIGIT_VALUES - 1)]++;
	for (i = 0; i < DIGIT_VALUES; i++) {
		count = at[i];
		at[i] = sum;
		sum += count;
	}
	for (i = 0; i < n; i++)
		to[at[from[i] >> shift & (DIGIT_VALUES - 1)]++] = from[i];
}

/* By the first value; values have 32 bits at most: a key holds the first above the last */
static void sort_narrow(struct expr_interval *interval, unsigned int n)
{
	uint64_t *key = malloc(2 * sizeof(*key) * n), *spare = key + n;
	unsigned int i;

	if (!key)
		arena_no_memory();
	for (i = 0; i < n; i++)
		key[i] = interval[i].first.lo << 32 | interval[i].last.lo;
	sort_digit(key, spare, n, 32);
	sort_digit(spare, key, n, 32 + DIGIT_BITS);
	sort_digit(key, spare, n, 32 + 2 * DIGIT_BITS);
	for (i = 0; i < n; i++) {
		interval[i].first.lo = spare[i] >> 32;
		interval[i].last.lo = spare[i] & UINT32_MAX;
	}
	free(key);
}

static void sort(struct expr_interval *interval, unsigned int n)
{
	if (is_sorted(interval, n))
		return;
	if (n >= RADIX_MIN && is_narrow(interval, n))
		sort_narrow(interval, n);
	else
		qsort(interval, n, sizeof(*interval), interval_cmp);
}

unsigned int expr_merge(struct expr_interval *interval, unsigned int n)
{
	unsigned int i, used = 0;

	if (n < 2)
		return n;
	sort(interval, n);
	for (i = 0; i < n; i++) {
		struct expr_interval *last = used ? &interval[used - 1] : NULL;

		/* compared one below: the value behind the last of all would wrap to 0 */
		if (last && (value_cmp(interval[i].first, last->last) <= 0 ||
			     !value_cmp(value_prev(interval[i].first), last->last))) {
			if (value_cmp(interval[i].last, last->last) > 0)
				last->last = interval[i].last;
			continue;
		}
		interval[used++] = interval[i];
	}
	return used;
}

unsigned int expr_complement(struct arena *arena, enum expr_field field,
			     const struct expr_interval *interval, unsigned int n,
			     struct expr_interval **ret_interval)
{
	struct expr_interval *gap = arena_new_n(arena, struct expr_interval, n + 1);
	struct expr_value from = {0}, end = expr_field_last(field);
	unsigned int i, used = 0;

	*ret_interval = gap;
	for (i = 0; i < n; i++) {
		if (value_cmp(from, interval[i].first) < 0)
			gap[used++] = (struct expr_interval){ from, value_prev(interval[i].first) };
		if (value_cmp(interval[i].last, end) >= 0)
			return used;
		from = value_next(interval[i].last);
	}
	gap[used++] = (struct expr_interval){ from, end };
	return used;
}

unsigned int expr_intersect(struct arena *arena, const struct expr_interval *a, unsigned int n_a,
			    const struct expr_interval *b, unsigned int n_b,
			    struct expr_interval **ret_interval)
{
	struct expr_interval *both = arena_new_n(arena, struct expr_interval, n_a + n_b);
	unsigned int i = 0, j = 0, used = 0;

	while (i < n_a && j < n_b) {
		struct expr_value first = a[i].first, last = a[i].last;

		if (value_cmp(b[j].first, first) > 0)
			first = b[j].first;
		if (value_cmp(b[j].last, last) < 0)
			last = b[j].last;
		if (value_cmp(first, last) <= 0)
			both[used++] = (struct expr_interval){ first, last };
		if (value_cmp(a[i].last, b[j].last) < 0)
			i++;
		else
			j++;
	}
	*ret_interval = both;
	return used;
}

bool expr_interval_equal(const struct expr_interval *a, unsigned int n_a,
			 const struct expr_interval *b, unsigned int n_b)
{
	return n_a == n_b && (!n_a || !memcmp(a, b, n_a * sizeof(*a)));
}

unsigned int expr_prefixes(struct arena *arena, enum expr_field field,
			   const struct expr_interval *interval,
			   struct expr_value **ret_prefix, uint8_t **ret_len)
{
	unsigned int bits = expr_field_bits(field), n = 0, pass, host;
	struct expr_value from, end;

	/* counted first: a rule rarely has many, and the arena does not give back */
	for (pass = 0; pass < 2; pass++) {
		if (pass) {
			*ret_prefix = arena_new_n(arena, struct expr_value, n);
			*ret_len = arena_new_n(arena, uint8_t, n);
		}
		for (from = interval->first, n = 0;; from = value_next(end)) {
			host = prefix_host_bits(from, interval->last, bits);
			if (pass) {
				(*ret_prefix)[n] = from;
				(*ret_len)[n] = bits - host;
			}
			n++;
			end = value_or(from, value_ones(host));
			if (!value_cmp(end, interval->last))
				break;
		}
	}
	return n;
}
