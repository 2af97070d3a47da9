// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * fib_test.c - forwarding tables say what a scan of all prefixes says, after each of many changes
 *
 * Prefixes come from a few neighbourhoods, so that they nest; a batch is followed by random
 * look-ups, near them and anywhere, and by fib_verify(). $TEST_SEED repeats a run.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <compile/fib_walk.h>

#include "../lib/unit.h"

#define TABLES	3
#define ROUTES	4000		/* of each family and table, at most */
#define FEW	600
#define OPS	120000
#define BATCH	50
#define LOOKUPS	60

typedef unsigned __int128 u128;

static uint64_t seed;
static unsigned int limit;	/* of routes */
static bool crowded;		/* all IPv4 routes are in 10.0.0.0/8 */

static uint64_t below(uint64_t n)
{
	return unit_random(&seed) % n;
}

static u128 random128(void)
{
	u128 high = unit_random(&seed);

	return high << 64 | unit_random(&seed);
}

static u128 mask_of(unsigned int len)
{
	return len ? ~(u128)0 << (128 - len) : 0;
}

/* ---- the scan ---- */

struct plain {
	u128 prefix;
	unsigned int len;
	uint32_t hop;
};

static struct {
	struct plain route[ROUTES];
	unsigned int n;
} plain[2][TABLES];

static uint32_t scan(unsigned int six, unsigned int table, u128 addr)
{
	int best_len = -1;
	uint32_t best = 0;
	unsigned int i;

	for (i = 0; i < plain[six][table].n; i++) {
		const struct plain *route = &plain[six][table].route[i];

		if ((addr & mask_of(route->len)) == route->prefix && (int)route->len > best_len) {
			best_len = route->len;
			best = route->hop;
		}
	}
	return best;
}

static struct plain *plain_find(unsigned int six, unsigned int table, u128 prefix,
				unsigned int len)
{
	unsigned int i;

	for (i = 0; i < plain[six][table].n; i++)
		if (plain[six][table].route[i].prefix == prefix &&
		    plain[six][table].route[i].len == len)
			return &plain[six][table].route[i];
	return NULL;
}

/* ---- the tables ---- */

static struct fib_store *store;
static struct fib *fib;

static int start(void **state)
{
	seed = unit_seed();
	limit = FEW;
	crowded = false;
	memset(plain, 0, sizeof(plain));
	assert_int_equal(fib_store_new(TABLES, &store), 0);
	assert_int_equal(fib_new(store, unit_random(&seed), &fib), 0);
	return 0;
}

static int stop(void **state)
{
	fib_free(fib);
	fib_store_free(store);
	return 0;
}

static struct fib_route route_of(unsigned int six, unsigned int table, u128 prefix,
				 unsigned int len, uint32_t hop)
{
	return (struct fib_route){ .table = table, .hop = hop, .family = six ? 6 : 4, .len = len,
				   .high = prefix >> 64, .low = prefix };
}

/* An address in one of a few neighbourhoods: prefixes of it nest with others */
static u128 nearby(unsigned int six)
{
	static const u128 four[] = { 0x0a000000, 0x0a010000, 0xc0a80100, 0xffffff00, 0 };
	unsigned int keep = below(six ? 129 : 33);
	u128 base = six ? (u128)0x20010db800000000 << 64 : four[below(5)] << 96;
	u128 addr = base ^ (random128() & ~mask_of(keep));

	if (!six && crowded)
		return (u128)(0x0a000000 | below(1 << 24)) << 96;
	if (six && below(2))	/* few bits that differ: at lengths that tables have */
		addr = base ^ (u128)below(8) << 80 ^ (u128)below(4) << 64 ^ below(8);
	if (!six && below(2))
		addr = base ^ (u128)below(1 << 14) << 96;
	return six ? addr : addr & mask_of(32);
}

static unsigned int length(unsigned int six)
{
	static const uint8_t usual[] = { 0,  8,	 16, 24,  32,  19, 20, 32,
					 48, 64, 128, 127, 44, 56, 65 };

	unsigned int len = below(2) ? usual[six ? below(15) : below(7)] : below(six ? 129 : 33);

	return len < 12 && below(30) ? len + 12 : len;	/* a short one is much work */
}

/* One change to both. Addresses whose hop it changes lie at @ret_addr */
static void change(unsigned int six, unsigned int table, u128 *ret_addr)
{
	unsigned int len = length(six), n = plain[six][table].n;
	u128 addr = nearby(six), prefix;
	struct fib_route route;
	struct plain *there;
	struct err err = { 0 };

	if (n && below(3) == 0) {	/* one that is there */
		there = &plain[six][table].route[below(n)];
		len = there->len;
		addr = there->prefix;
	}
	prefix = addr & mask_of(len);
	*ret_addr = prefix;
	there = plain_find(six, table, prefix, len);
	if (n == limit || below(n > limit / 2 ? 2 : 3) == 0) {
		route = route_of(six, table, prefix, len, 0);
		assert_int_equal(fib_get(fib, &route), there ? there->hop : 0);
		assert_int_equal(fib_del(fib, &route, &err), there ? 0 : -ENOENT);
		if (there)
			*there = plain[six][table].route[--plain[six][table].n];
		return;
	}
	route = route_of(six, table, prefix, len, 1 + below(below(4) ? 6 : FIB_HOP_MAX));
	assert_int_equal(fib_set(fib, &route, &err), 0);
	if (!there) {
		there = &plain[six][table].route[plain[six][table].n++];
		*there = (struct plain){ .prefix = prefix, .len = len };
	}
	there->hop = route.hop;
}

static void same(unsigned int six, unsigned int table, u128 addr)
{
	uint32_t want, found;

	if (!six)
		addr &= mask_of(32);
	want = scan(six, table, addr);
	found = fib_find(fib, six ? 6 : 4, table, addr >> 64, addr);
	if (found != want)
		fail_msg("seed %llu: IPv%u, table %u, %016llx %016llx: hop %u, the scan says %u",
			 (unsigned long long)seed, six ? 6 : 4, table,
			 (unsigned long long)(addr >> 64), (unsigned long long)addr, found, want);
}

/* Beside the last changes, near the prefixes, anywhere */
static void ask(unsigned int six, unsigned int table, u128 last)
{
	u128 unit = six ? 1 : (u128)1 << 96;
	unsigned int i;

	same(six, table, last);
	same(six, table, last - unit);
	for (i = 0; i < LOOKUPS; i++)
		same(six, table, i % 3 == 0 ? random128() : i % 3 == 1 ? nearby(six) :
				 last ^ (random128() & ~mask_of(below(six ? 129 : 33))));
}

static void test_random(void **state)
{
	struct fib_route first = { 0 };
	unsigned int op, six, table;
	u128 last = 0;

	for (op = 0; op < OPS; op++) {
		six = below(2);
		table = below(TABLES);
		change(six, table, &last);
		if (op % BATCH == 0)
			ask(six, table, last);
		if (op % 7 == 0)
			fib_reuse(fib);
		if (op % 5000 == 0 && fib_verify(fib, &first))
			fail_msg("seed %llu: op %u, IPv%u", (unsigned long long)seed, op,
				 first.family);
	}
	assert_int_equal(fib_verify(fib, &first), 0);
}

/* What is loaded at once is what one by one would have been */
static void test_load(void **state)
{
	u128 last = 0;
	unsigned int op, round, i;

	for (round = 0; round < 6; round++) {
		fib_load_begin(fib);
		for (op = 0; op < 300; op++)
			change(op & 1, below(TABLES), &last);
		assert_int_equal(fib_load_end(fib, NULL), 0);
		for (i = 0; i < TABLES * 2; i++)
			ask(i & 1, i / 2, last);
		assert_int_equal(fib_verify(fib, NULL), 0);
		fib_reuse(fib);
	}
}

/* All that was inserted and removed again leaves nothing that is used */
static void test_empty(void **state)
{
	struct fib_size size;
	unsigned int op, six, table;
	u128 last;

	for (op = 0; op < 4000; op++)
		change(op & 1, below(TABLES), &last);
	for (six = 0; six < 2; six++)
		for (table = 0; table < TABLES; table++)
			while (plain[six][table].n) {
				struct plain *last_one =
					&plain[six][table].route[--plain[six][table].n];
				struct fib_route route = route_of(six, table, last_one->prefix,
								  last_one->len, 0);

				assert_int_equal(fib_del(fib, &route, NULL), 0);
			}
	fib_reuse(fib);
	fib_measure(fib, &size);
	assert_int_equal(size.routes4 + size.routes6, 0);
	assert_int_equal(size.retired, 0);
	assert_int_equal(size.used, 0);
	assert_int_equal(fib_verify(fib, NULL), 0);
}

static void test_refused(void **state)
{
	static const struct {
		struct fib_route route;
		const char *text;
	} row[] = {
		{ { .family = 5, .hop = 1 }, "family 5" },
		{ { .family = 4, .hop = 1, .table = TABLES }, "table 3: there are 3" },
		{ { .family = 4, .hop = 1, .len = 33 }, "length 33" },
		{ { .family = 6, .hop = 1, .len = 129 }, "length 129" },
		{ { .family = 4, .hop = 0 }, "hop 0" },
		{ { .family = 4, .hop = FIB_HOP_MAX + 1U }, "hop 2147483648" },
		{ { .family = 4, .hop = 1, .len = 8, .high = 0x0a00000100000000 }, "behind" },
		{ { .family = 4, .hop = 1, .len = 32, .high = 1 }, "behind" },
		{ { .family = 6, .hop = 1, .len = 64, .low = 1 }, "behind" },
		{ { .family = 6, .hop = 1, .len = 127, .low = 1 }, "behind" },
	};
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		err = (struct err){ 0 };
		assert_int_equal(fib_set(fib, &row[i].route, &err), -EINVAL);
		if (!strstr(err.text, row[i].text))
			fail_msg("row %zu: '%s' instead of '%s'", i, err.text, row[i].text);
	}
	assert_int_equal(fib_del(fib, &(struct fib_route){ .family = 4 }, NULL), -ENOENT);
	assert_false(fib_is_broken(fib));
}

/* A store that has so many pages and no more */
static uint32_t pages_left;
static int (*plain_add)(void *data, uint32_t first, uint32_t n, struct fib_page **ret_page);

static int short_add(void *data, uint32_t first, uint32_t n, struct fib_page **ret_page)
{
	if (n > pages_left)
		return -ENOMEM;
	pages_left -= n;
	return plain_add(data, first, n, ret_page);
}

/* Many routes in a /8, and few again: it has leaves for all /24s meanwhile */
static void test_crowded(void **state)
{
	struct fib_size most, size;
	unsigned int op;
	u128 last = 0;

	limit = ROUTES;
	crowded = true;
	for (op = 0; op < 9000; op++) {
		change(0, 0, &last);
		if (op % 100 == 0)
			ask(0, 0, last);
		if (op % 9 == 0)
			fib_reuse(fib);
	}
	assert_true(plain[0][0].n > 1500);
	assert_int_equal(fib_verify(fib, NULL), 0);
	fib_measure(fib, &most);
	assert_true(most.used >= FIB_FLAT_PAGES * FIB_PAGE_BYTES);
	while (plain[0][0].n > 100) {
		struct plain *there = &plain[0][0].route[--plain[0][0].n];
		struct fib_route route = route_of(0, 0, there->prefix, there->len, 0);

		assert_int_equal(fib_del(fib, &route, NULL), 0);
		if (plain[0][0].n % 50 == 0)
			ask(0, 0, there->prefix);
	}
	assert_int_equal(fib_verify(fib, NULL), 0);
	fib_measure(fib, &size);
	assert_true(size.used < FIB_FLAT_PAGES * FIB_PAGE_BYTES);
}

/*
 * A program that read a word before some changes reads its leaf behind them, as long as no grace
 * period has passed: it finds the hop of some moment in between
 */
static void test_late(void **state)
{
	static const u128 addr = (u128)0x0a000000 << 96;
	struct fib_route wide = route_of(0, 0, addr, 12, FIB_HOP_MAX), r;
	uint64_t word;
	uint32_t seen[64], found;
	unsigned int round, i, n;

	assert_int_equal(fib_set(fib, &wide, NULL), 0);
	for (round = 0; round < 2000; round++) {
		word = fib->pool.page[store->table[0].root[10] & ~FIB_REF]->word[0];
		seen[0] = fib_find(fib, 4, 0, addr >> 64, 0);
		for (n = 1; n < 20; n++) {
			r = route_of(0, 0, (u128)(0x0a000000 + below(64) * 256) << 96, 24,
				     1 + below(1000000));
			if (below(3) || fib_del(fib, &r, NULL) < 0)
				assert_int_equal(fib_set(fib, &r, NULL), 0);
			seen[n] = fib_find(fib, 4, 0, addr >> 64, 0);
		}
		found = fib_slot(fib, word, 0);
		for (i = 0; i < n && seen[i] != found; i++)
			;
		if (i == n)
			fail_msg("round %u: hop %u was never the address's", round, found);
		fib_reuse(fib);
	}
}

/* Without room a change fails and says so; loaded again with room, all is right */
static void test_no_room(void **state)
{
	unsigned int six, i;
	struct fib_route route;
	struct err err = { 0 };
	int r;

	plain_add = store->add;
	store->add = short_add;
	for (six = 0; six < 2; six++) {
		pages_left = 6;
		for (i = 0, r = 0; r == 0 && i < 100000; i++) {
			route = route_of(six, 0, (random128() >> 3 & mask_of(six ? 48 : 28)),
					 six ? 48 : 28, 1 + i);
			r = fib_set(fib, &route, &err);
		}
		assert_int_equal(r, -ENOMEM);
		assert_true(fib_is_broken(fib));
		assert_non_null(strstr(err.text, "no room"));
		pages_left = 100000;
		fib_load_begin(fib);
		assert_int_equal(fib_load_end(fib, &err), 0);
		assert_false(fib_is_broken(fib));
		assert_int_equal(fib_verify(fib, NULL), 0);
	}
}

static int count(const struct fib_route *route, void *data)
{
	struct plain *there = plain_find(route->family == 6, route->table,
					 (u128)route->high << 64 | route->low, route->len);

	assert_non_null(there);
	assert_int_equal(there->hop, route->hop);
	return ++*(unsigned int *)data == 100000;
}

static void test_walk(void **state)
{
	unsigned int op, n, six, table;
	u128 last;

	for (op = 0; op < 2000; op++)
		change(op & 1, below(TABLES), &last);
	for (six = 0; six < 2; six++)
		for (table = 0; table < TABLES; table++) {
			n = 0;
			assert_int_equal(fib_walk(fib, six ? 6 : 4, table, count, &n), 0);
			assert_int_equal(n, plain[six][table].n);
		}
	n = 99999;
	assert_int_equal(fib_walk(fib, 4, 0, count, &n), 1);	/* ends where it is told to */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_random, start, stop),
		cmocka_unit_test_setup_teardown(test_load, start, stop),
		cmocka_unit_test_setup_teardown(test_empty, start, stop),
		cmocka_unit_test_setup_teardown(test_crowded, start, stop),
		cmocka_unit_test_setup_teardown(test_late, start, stop),
		cmocka_unit_test_setup_teardown(test_refused, start, stop),
		cmocka_unit_test_setup_teardown(test_no_room, start, stop),
		cmocka_unit_test_setup_teardown(test_walk, start, stop),
	};

	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
