// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * set_test.c - images of sets answer as a scan of their elements does
 *
 * Sets of every kind and many shapes are built; asked is for each element's first and last value,
 * the values around them, and random ones. The scan compares intervals as 128-bit numbers.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <compile/set.h>

#include "../lib/unit.h"

#define N(array)	(sizeof(array) / sizeof((array)[0]))
#define ELEMENTS_MAX	4000
#define ASKED_MAX	1500	/* elements of a set whose surroundings are asked for */

typedef unsigned __int128 u128;

static uint64_t seed;

static uint64_t below(uint64_t n)
{
	return unit_random(&seed) % n;
}

/* ---- sets ---- */

struct world {
	struct set_spec spec;
	struct expr_interval tuple[ELEMENTS_MAX * EXPR_CONCAT_MAX];
	struct set_image image;
};

static struct world world;

static u128 number(struct expr_value value)
{
	return (u128)value.hi << 64 | value.lo;
}

static struct expr_value value_of(u128 number)
{
	return (struct expr_value){ number >> 64, number };
}

static u128 last_of(enum expr_field field)
{
	unsigned int bits = expr_field_bits(field);

	return bits == 128 ? ~(u128)0 : ((u128)1 << bits) - 1;
}

static void start(enum expr_field field)
{
	world.spec = (struct set_spec){
		.name = "s", .field = { field }, .n_fields = 1, .tuple = world.tuple,
	};
}

static void add(u128 first, u128 last)
{
	assert_true(world.spec.n < ELEMENTS_MAX);
	world.tuple[world.spec.n++] = (struct expr_interval){ value_of(first), value_of(last) };
}

static void add_prefix(u128 value, unsigned int len)
{
	u128 all = last_of(world.spec.field[0]);
	u128 host = len < expr_field_bits(world.spec.field[0]) ? all >> len : 0;

	value &= all;
	add(value & ~host, value | host);
}

static bool scan(const struct expr_value *value)
{
	unsigned int f;
	size_t i;

	for (i = 0; i < world.spec.n; i++) {
		const struct expr_interval *tuple = &world.tuple[i * world.spec.n_fields];

		for (f = 0; f < world.spec.n_fields; f++)
			if (number(value[f]) < number(tuple[f].first) ||
			    number(value[f]) > number(tuple[f].last))
				break;
		if (f == world.spec.n_fields)
			return true;
	}
	return false;
}

static void ask_tuple(const struct expr_value *value)
{
	struct shunt_set_key key = { 0 };
	unsigned int f, at = 0;
	bool is = scan(value);

	for (f = 0; f < world.spec.n_fields; f++)
		at = set_key_add(&key, at, world.spec.field[f], value[f]);
	if (set_has(&world.image, &key) != is)
		fail_msg("%s of %zu elements: %016lx:%016lx is%s in it, the image differs",
			 world.image.kind, world.spec.n, value[0].hi, value[0].lo,
			 is ? "" : " not");
}

static void ask(u128 n)
{
	struct expr_value value = value_of(n & last_of(world.spec.field[0]));

	ask_tuple(&value);
}

static u128 random128(void)
{
	return (u128)unit_random(&seed) << 64 | unit_random(&seed);
}

static void build(const char *kind)
{
	struct err err = { 0 };

	if (set_build(&world.spec, &world.image, &err) < 0)
		fail_msg("%s", err.text);
	if (kind)
		assert_string_equal(world.image.kind, kind);
}

/* Of one field */
static void check(const char *kind)
{
	size_t i, step = world.spec.n / ASKED_MAX + 1;
	int off;

	build(kind);
	for (i = 0; i < world.spec.n; i += step)
		for (off = -2; off <= 2; off++) {
			ask(number(world.tuple[i].first) + off);
			ask(number(world.tuple[i].last) + off);
		}
	ask(0);
	ask(~(u128)0);
	for (i = 0; i < 200; i++)
		ask(random128());
	set_image_fini(&world.image);
}

/* ---- tests ---- */

static void test_extremes(void **state)
{
	static const enum expr_field fields[] = {
		EXPR_IP_SADDR, EXPR_IP6_DADDR, EXPR_DPORT, EXPR_PROTO, EXPR_ETHER_SADDR, EXPR_MARK,
	};
	unsigned int f;

	for (f = 0; f < N(fields); f++) {
		u128 last = last_of(fields[f]);

		start(fields[f]);
		check("none");
		add(0, last);
		check(NULL);
		start(fields[f]);
		add(0, 0);
		check(NULL);
		add(last, last);
		check(NULL);
		start(fields[f]);
		add(last, last);
		check(NULL);
		start(fields[f]);
		add(1, last);
		check(NULL);
		start(fields[f]);
		add(0, last - 1);
		check(NULL);
		start(fields[f]);
		add(last / 2, last / 2 + 1);
		add(last / 2 + 3, last - 5);
		check(NULL);
	}
}

static void test_kinds(void **state)
{
	unsigned int i;

	start(EXPR_DPORT);
	add(22, 22);
	add(80, 90);
	check("bits");
	start(EXPR_IP_SADDR);
	for (i = 0; i < 1000; i++)
		add_prefix(random128(), 32);
	check("hash");
	for (i = 0; i < 1000; i++)
		add_prefix(random128(), 24);
	check("ranges");
	start(EXPR_IP6_SADDR);
	for (i = 0; i < 1000; i++)
		add_prefix(random128(), 128);
	check("hash");
	start(EXPR_ETHER_SADDR);
	for (i = 0; i < 1000; i++)
		add_prefix(random128(), 48);
	check("hash");
}

/* Neither sorted nor merged: doubles, overlaps, neighbours */
static void test_unsorted(void **state)
{
	start(EXPR_IP_SADDR);
	add_prefix(0x0a000000, 8);
	add_prefix(0x0a010000, 16);
	add_prefix(0x09000000, 8);
	add_prefix(0x0b000000, 8);
	add_prefix(0x0b000000, 8);
	add(0xc0000201, 0xc0000204);
	add(0xc0000205, 0xc0000209);
	add(0xc0000203, 0xc0000207);
	check("ranges");
	start(EXPR_IP_SADDR);
	add(0xc0000201, 0xc0000201);
	add(0x01000000, 0x01000000);
	add(0xc0000201, 0xc0000201);
	check("hash");
}

/* Prefixes of @min to @max bits below one of @n random tops of @top bits */
static void random_prefixes(unsigned int n, unsigned int tops, unsigned int top,
			    unsigned int min, unsigned int max)
{
	u128 roof[16];
	unsigned int i;

	for (i = 0; i < tops; i++)
		roof[i] = random128() & ~(~(u128)0 >> top);
	for (i = 0; i < n; i++) {
		u128 value = roof[below(tops)] | (top ? random128() >> top : random128());

		if (expr_field_bits(world.spec.field[0]) == 32)
			value >>= 96;
		add_prefix(value, min + below(max - min + 1));
	}
}

/* Lengths, how close together, and how many: each decides which parts, trees and nodes there are */
static void test_prefixes(void **state)
{
	static const unsigned int sizes[] = { 1, 2, 7, 33, 150, 1200, 4000 };
	unsigned int size, round;

	for (size = 0; size < N(sizes); size++)
		for (round = 0; round < 8; round++) {
			start(EXPR_IP_SADDR);
			random_prefixes(sizes[size], 1 + below(4), below(17), 17 + below(8), 32);
			check(NULL);
			start(EXPR_IP6_SADDR);
			random_prefixes(sizes[size], 1 + below(16), below(33), 33 + below(31), 64);
			check(NULL);
			start(EXPR_IP6_SADDR);
			random_prefixes(sizes[size], 1 + below(16), below(110), 111, 128);
			check(NULL);
			start(EXPR_IP6_SADDR);
			random_prefixes(sizes[size], 1 + below(3), 16, 32 + below(80), 128);
			check(NULL);
		}
}

/* At each scale a cluster and, in it, a smaller one: more nodes than there may be */
static void test_clusters(void **state)
{
	unsigned int scale, i;
	u128 base = 0;

	start(EXPR_IP6_SADDR);
	for (scale = 0; scale < 40; scale++) {
		for (i = 0; i < 100; i++)
			add_prefix(base | (random128() & (~(u128)0 >> 3 * scale)),
				   3 * scale + 8 > 128 ? 128 : 3 * scale + 8);
		base |= (u128)below(8) << (125 - 3 * scale);
	}
	check("ranges");
	start(EXPR_IP6_SADDR);		/* all in one /64, most of them in one /112 */
	for (i = 0; i < 3000; i++)
		add_prefix(((u128)0x20010db800000000 << 64) + (i < 2900 ? below(65536) :
							      unit_random(&seed)), 128 - i % 2);
	check("ranges");
	start(EXPR_IP_SADDR);		/* every other address: each line full */
	for (i = 0; i < 4000; i++)
		add(0x0a000000 + 4 * i, 0x0a000001 + 4 * i);
	check(NULL);
	for (i = 0; i < 4000; i++)
		world.tuple[i].last.lo += 65536;
	check(NULL);
}

/*
 * Leaves: lines just full and one more, steps that tell neighbours apart and such that do not,
 * prefixes as long as a lane holds and longer, intervals that are none
 */
static void test_leaves(void **state)
{
	u128 top = (u128)0x20010db8 << 96;
	unsigned int n, i, len, gap;

	for (n = 1; n < 610; n += n < 40 ? 3 : 190) {
		for (gap = 8; gap < 20; gap += 3) {		/* the end of the range, too */
			start(EXPR_IP_SADDR);
			for (i = 0; i < n; i++)
				add_prefix(UINT32_MAX - (i << gap), 32 - below(gap / 2));
			check(NULL);
			start(EXPR_IP_SADDR);
			for (i = 0; i < n; i++)
				add((i << gap) + 3, (i << gap) + 3 + below(200));
			check(NULL);
		}
		start(EXPR_IP_SADDR);				/* two far apart, the rest in a heap */
		add_prefix(0x01000000, 24);
		for (i = 0; i < n; i++)
			add_prefix(0x50000000 + 2 * i, 32);
		add_prefix(0xf0000000, 24);
		check(NULL);
		for (len = 50; len <= 128; len += 13) {
			start(EXPR_IP6_SADDR);
			for (i = 0; i < n; i++)
				add_prefix(top | (random128() >> 32), i % 3 ? 56 : len);
			check(NULL);
			start(EXPR_IP6_SADDR);
			for (i = 0; i < n; i++)		/* many of one /64 */
				add_prefix(top | (u128)(i / 5) << 64 | random128() >> 70, len);
			check(NULL);
			start(EXPR_IP6_SADDR);
			for (i = 0; i < n; i++)		/* lanes would be equal */
				add_prefix(top | (u128)(i / 2) << 76 | i % 2 << 12, len);
			check(NULL);
		}
		start(EXPR_IP6_SADDR);
		for (i = 0; i < n; i++) {
			u128 first = top | (u128)i << 76 | random128() >> 64;

			add(first, first + below(1000));
		}
		check(NULL);
	}
}

static void test_tuples(void **state)
{
	static const struct {
		bool packed;
		unsigned int n_fields;
		enum expr_field field[EXPR_CONCAT_MAX];
	} shapes[] = {
		{ false, 2, { EXPR_IP_SADDR, EXPR_DPORT } },	/* two words as they are */
		{ false, 2, { EXPR_DPORT, EXPR_PROTO } },
		{ true, 4, { EXPR_IP_SADDR, EXPR_SPORT, EXPR_PROTO, EXPR_PROTO } },	/* 64 bits */
		{ false, 3, { EXPR_IP_SADDR, EXPR_IP_DADDR, EXPR_PROTO } },
		{ true, 3, { EXPR_IP_DADDR, EXPR_DPORT, EXPR_PROTO } },
		{ true, 5, { EXPR_PROTO, EXPR_SPORT, EXPR_DPORT, EXPR_VLAN_ID, EXPR_PROTO } },
		{ false, 5, { EXPR_IP_SADDR, EXPR_IP_DADDR, EXPR_SPORT, EXPR_DPORT,
			     EXPR_PROTO } },
		{ false, 2, { EXPR_IP6_SADDR, EXPR_DPORT } },
		{ false, 3, { EXPR_IP6_SADDR, EXPR_IP6_DADDR, EXPR_PROTO } },
		{ false, 4, { EXPR_IP6_SADDR, EXPR_IP6_DADDR, EXPR_DPORT, EXPR_PROTO } },
		{ true, 2, { EXPR_ETHER_SADDR, EXPR_VLAN_ID } },
		{ true, 2, { EXPR_DPORT, EXPR_ETHER_DADDR } },
	};
	struct expr_value value[EXPR_CONCAT_MAX];
	unsigned int s, f, i;

	for (s = 0; s < N(shapes); s++) {
		world.spec.n_fields = shapes[s].n_fields;
		memcpy(world.spec.field, shapes[s].field, sizeof(shapes[s].field));
		world.spec.n = 2500;		/* few values of each field: tuples differ in one */
		for (i = 0; i < world.spec.n * world.spec.n_fields; i++) {
			u128 last = last_of(world.spec.field[i % world.spec.n_fields]);
			u128 n = below(2) ? below(60) : last - below(60);

			world.tuple[i].first = world.tuple[i].last = value_of(n & last);
		}
		build("hash");
		assert_int_equal(((const struct shunt_set_head *)world.image.line)->by_hash.packed,
				 shapes[s].packed);
		for (i = 0; i < world.spec.n; i++) {
			for (f = 0; f < world.spec.n_fields; f++)
				value[f] = world.tuple[i * world.spec.n_fields + f].first;
			ask_tuple(value);
			value[below(world.spec.n_fields)].lo ^= 1 << below(6);
			ask_tuple(value);
		}
		set_image_fini(&world.image);
	}
}

/* What marks free places is no element either */
static void test_free_places(void **state)
{
	struct shunt_set_head head;
	unsigned int i;

	start(EXPR_MARK);
	for (i = 0; i < 3000; i++)
		add(UINT32_MAX - 64 * i, UINT32_MAX - 64 * i);
	check("hash");
	build("hash");
	memcpy(&head, world.image.line, sizeof(head));
	ask(head.by_hash.unused);
	set_image_fini(&world.image);
	assert_false(scan(&(struct expr_value){ 0, head.by_hash.unused }));
}

static void test_hash(void **state)
{
	struct set_image a, b;
	unsigned int i;

	start(EXPR_IP_SADDR);
	for (i = 0; i < 100; i++)
		add_prefix(random128(), 24);
	assert_int_equal(set_build(&world.spec, &a, NULL), 0);
	assert_int_equal(set_build(&world.spec, &b, NULL), 0);
	assert_true(a.hash && a.hash == b.hash);
	set_image_fini(&b);
	world.tuple[50].last.lo ^= 0x80;
	assert_int_equal(set_build(&world.spec, &b, NULL), 0);
	assert_true(a.hash != b.hash);
	set_image_fini(&a);
	set_image_fini(&b);
}

static void refused(int code, const char *text)
{
	struct set_image image = { .kind = "untouched" };
	struct err err = { 0 };

	assert_int_equal(set_build(&world.spec, &image, &err), code);
	assert_string_equal(err.text, text);
	assert_string_equal(image.kind, "untouched");
}

static void test_refused(void **state)
{
	start(EXPR_IP_SADDR);
	world.spec.n = SHUNT_SET_ELEMENTS_MAX + 1;
	refused(-E2BIG, "set 's': 4194305 elements, 4194304 at most: Argument list too long");
	start(EXPR_IP_SADDR);
	add(1, 1);
	add(80, 81);
	world.spec.field[1] = EXPR_DPORT;
	world.spec.n_fields = 2;
	world.spec.n = 1;
	refused(-EINVAL, "set 's': a range in a concatenation: Invalid argument");
	world.spec.field[0] = world.spec.field[1] = world.spec.field[2] = EXPR_IP6_SADDR;
	world.spec.n_fields = 3;
	refused(-EINVAL, "set 's': its fields together are too wide: Invalid argument");
}

/* A million: it takes its time only here */
static void test_memory(void **state)
{
	static struct expr_interval tuple[300000];
	struct set_image image;
	uint64_t value = 0;
	unsigned int i;

	start(EXPR_IP_SADDR);
	world.spec.tuple = tuple;
	world.spec.n = N(tuple);
	for (i = 0; i < N(tuple); i++) {
		value += 2 + below(14000);
		tuple[i].first.lo = value;
		value += below(256);
		tuple[i].last.lo = value;
	}
	assert_int_equal(set_build(&world.spec, &image, NULL), 0);
	assert_string_equal(image.kind, "ranges");
	if (image.n_lines * SHUNT_SET_LINE > 9 * N(tuple))
		fail_msg("%zu bytes an element", image.n_lines * SHUNT_SET_LINE / N(tuple));
	set_image_fini(&image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_unsorted),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_clusters),
		cmocka_unit_test(test_leaves),
		cmocka_unit_test(test_tuples),
		cmocka_unit_test(test_free_places),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_memory),
	};

	seed = unit_seed();
	return unit_main(tests, N(tests));
}
