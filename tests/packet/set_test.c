// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * set_test.c - static sets in the kernel: lib/set_find.h run by BPF_PROG_TEST_RUN
 *
 * They answer as a scan of their elements does; while slots are exchanged, every run answers for
 * one set or for the other as far as a key lets tell.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/membarrier.h>

#include <base/file.h>
#include <compile/set.h>
#include <kernel/dset.h>
#include <kernel/pins.h>

#include "set_world.h"

#define N(array)	(sizeof(array) / sizeof((array)[0]))

typedef unsigned __int128 u128;

static uint64_t seed;

static void install(const struct set_spec *spec, uint32_t slot)
{
	struct set_image image;
	struct err err = { 0 };
	int fd;

	ok(set_build(spec, &image, &err), &err);
	fd = sets_create(sets, spec->name, image.line, image.n_lines, &err);
	ok(fd, &err);
	set_image_fini(&image);
	put(SETS_STATIC, slot, fd);
}

static u128 number(struct expr_value value)
{
	return (u128)value.hi << 64 | value.lo;
}

static bool scan(const struct set_spec *spec, const struct expr_value *value)
{
	const struct expr_interval *at = spec->tuple;
	unsigned int f;
	size_t i;

	for (i = 0; i < spec->n; i++, at += spec->n_fields) {
		for (f = 0; f < spec->n_fields; f++)
			if (number(value[f]) < number(at[f].first) ||
			    number(value[f]) > number(at[f].last))
				break;
		if (f == spec->n_fields)
			return true;
	}
	return false;
}

/* First and last values and their neighbours of as many elements as there are questions */
static void check(const struct set_spec *spec)
{
	struct expr_value value[SETS_QUESTIONS][EXPR_CONCAT_MAX];
	unsigned int q, f, at;

	install(spec, SLOT);
	asked->n = SETS_QUESTIONS;
	for (q = 0; q < SETS_QUESTIONS; q++) {
		size_t i = unit_random(&seed) % spec->n;
		unsigned int odd = unit_random(&seed) % spec->n_fields;

		asked->question[q] = (struct sets_question){ .answer = -99 };
		for (f = 0, at = 0; f < spec->n_fields; f++) {
			const struct expr_interval *in = &spec->tuple[i * spec->n_fields + f];
			unsigned int bits = expr_field_bits(spec->field[f]);

			value[q][f] = q & 1 ? in->first : in->last;
			if (f == odd)
				value[q][f].lo += (int)(unit_random(&seed) % 5) - 2;
			if (bits < 64)
				value[q][f].lo &= (1ULL << bits) - 1;
			at = set_key_add(&asked->question[q].key, at, spec->field[f], value[q][f]);
		}
	}
	run(SETS_HAS);
	for (q = 0; q < SETS_QUESTIONS; q++)
		if (asked->question[q].answer != scan(spec, value[q]))
			fail_msg("%s of %zu: %016lx:%016lx: answer %lld", spec->name, spec->n,
				 value[q][0].hi, value[q][0].lo,
				 (long long)asked->question[q].answer);
}

#define TUPLES_MAX 12000

static struct expr_interval tuple[TUPLES_MAX];

static u128 random128(void)
{
	return (u128)unit_random(&seed) << 64 | unit_random(&seed);
}

static void put_interval(struct expr_interval *interval, unsigned int bits, u128 value,
			 unsigned int host)
{
	u128 mask = host < 128 ? ((u128)1 << host) - 1 : ~(u128)0;

	if (bits < 128)
		value &= ((u128)1 << bits) - 1;
	interval->first = (struct expr_value){ (value & ~mask) >> 64, value & ~mask };
	interval->last = (struct expr_value){ (value | mask) >> 64, value | mask };
}

static void test_kinds(void **state)
{
	static const struct {
		const char *name;
		unsigned int n, n_fields;
		enum expr_field field[EXPR_CONCAT_MAX];
		unsigned int host_min, host_max;	/* bits that an interval leaves open */
		u128 above;				/* values lie close together from here on */
		unsigned int spread;			/* in so many bits */
	} rows[] = {
		{ "ports", 100, 1, { EXPR_DPORT }, 0, 3, 0, 16 },
		{ "hosts", 5000, 1, { EXPR_IP_SADDR }, 0, 0, 0, 32 },
		{ "few prefixes", 9, 1, { EXPR_IP_SADDR }, 0, 16, 0, 32 },
		{ "prefixes", 3000, 1, { EXPR_IP_SADDR }, 0, 12, 0, 32 },
		{ "close prefixes", 4000, 1, { EXPR_IP_SADDR }, 0, 2, 0x0a000000, 18 },
		{ "all", 1, 1, { EXPR_IP_SADDR }, 32, 32, 0, 32 },
		{ "prefixes 6", 4000, 1, { EXPR_IP6_SADDR }, 64, 96, 0, 128 },
		{ "mixed 6", 4000, 1, { EXPR_IP6_SADDR }, 0, 96, 0, 128 },
		{ "long 6", 4000, 1, { EXPR_IP6_SADDR }, 0, 76, (u128)0x20010db8 << 96, 84 },
		{ "one /64", 4000, 1, { EXPR_IP6_SADDR }, 0, 20, (u128)0xfd << 120, 64 },
		{ "hosts 6", 4000, 1, { EXPR_IP6_SADDR }, 0, 0, 0, 128 },
		{ "all 6", 1, 1, { EXPR_IP6_SADDR }, 128, 128, 0, 128 },
		{ "two", 4000, 2, { EXPR_IP_SADDR, EXPR_DPORT }, 0, 0, 0, 9 },
		{ "three", 4000, 3, { EXPR_IP_SADDR, EXPR_DPORT, EXPR_PROTO }, 0, 0, 0, 7 },
		{ "ether vlan", 4000, 2, { EXPR_ETHER_SADDR, EXPR_VLAN_ID }, 0, 0, 0, 8 },
		{ "five", 2000, 5, { EXPR_IP_SADDR, EXPR_IP_DADDR, EXPR_SPORT, EXPR_DPORT,
				     EXPR_PROTO }, 0, 0, 0, 5 },
		{ "ip6 port", 4000, 2, { EXPR_IP6_SADDR, EXPR_DPORT }, 0, 0, 0, 8 },
		{ "ip6 ip6 port proto", 2000, 4, { EXPR_IP6_SADDR, EXPR_IP6_DADDR, EXPR_DPORT,
						   EXPR_PROTO }, 0, 0, 0, 5 },
	};
	unsigned int r, i;

	for (r = 0; r < N(rows); r++) {
		struct set_spec spec = {
			.name = rows[r].name, .n_fields = rows[r].n_fields, .tuple = tuple,
			.n = rows[r].n,
		};

		memcpy(spec.field, rows[r].field, sizeof(spec.field));
		for (i = 0; i < spec.n * spec.n_fields; i++)
			put_interval(&tuple[i], expr_field_bits(spec.field[i % spec.n_fields]),
				     rows[r].above + (random128() >> (128 - rows[r].spread)),
				     rows[r].host_min + unit_random(&seed) %
				     (rows[r].host_max - rows[r].host_min + 1));
		check(&spec);
	}
}

static void test_no_set(void **state)
{
	struct set_spec spec = { .name = "none", .field = { EXPR_IP_SADDR }, .n_fields = 1 };

	asked->n = 1;
	asked->question[0] = (struct sets_question){ .answer = -99 };
	put(SETS_STATIC, SLOT, -1);
	run(SETS_HAS);
	assert_int_equal(asked->question[0].answer, 0);
	asked->question[0].answer = -99;
	install(&spec, SLOT);
	run(SETS_HAS);
	assert_int_equal(asked->question[0].answer, 0);
}

static void test_hash(void **state)
{
	struct set_spec spec = {
		.name = "a", .field = { EXPR_IP_SADDR }, .n_fields = 1, .tuple = tuple, .n = 1,
	};
	struct set_image image;
	uint64_t hash = 0;

	put_interval(&tuple[0], 32, 0x0a000000, 8);
	assert_int_equal(set_build(&spec, &image, NULL), 0);
	install(&spec, 3);
	assert_int_equal(sets_hash(sets, 3, &hash), 0);
	assert_true(hash && hash == image.hash);
	assert_int_equal(sets_hash(sets, 4, &hash), -ENOENT);
	set_image_fini(&image);
}

/* ---- exchange ---- */

static unsigned int pages_used(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < N(sets->used); i++)
		n += __builtin_popcountll(sets->used[i]);
	return n;
}

static void test_exchange_many(void **state)
{
	struct sets_change change[4];
	struct err err = { 0 };
	struct shunt_set_head line = { .lines = 1 };
	unsigned int used = pages_used() + 3;
	uint64_t hash, i;
	int r;

	for (i = 0; i < N(change); i++) {
		line.hash = 100 + i;
		change[i] = (struct sets_change){
			.table = i == 3 ? SETS_DYNAMIC : SETS_STATIC, .slot = 20 + i,
			.set = i == 3 ? dset_create("d", 8, &err) :
				       sets_create(sets, "x", &line, 1, &err),
		};
		ok(change[i].set, &err);
	}
	ok(sets_exchange(sets, change, N(change), &err), &err);
	for (i = 0; i < 3; i++) {
		assert_int_equal(change[i].old, -1);
		assert_int_equal(sets_hash(sets, 20 + i, &hash), 0);
		assert_int_equal(hash, 100 + i);
	}
	sets_drop(sets, change, N(change));
	assert_int_equal(sets_hash(sets, 21, &hash), 0);

	/* a dynamic set that is none, the second of two: all is as before */
	for (i = 0; i < 4; i++) {
		line.hash = 200 + i;
		change[i] = (struct sets_change){
			.table = i < 2 ? SETS_STATIC : SETS_DYNAMIC, .slot = 20 + i,
			.set = i == 3 ? dup(sets->fd[SETS_CONF]) :
			       i == 2 ? dset_create("d", 8, &err) :
				       sets_create(sets, "x", &line, 1, &err),
		};
	}
	assert_int_equal(sets_exchange(sets, change, 4, &err), -EINVAL);
	assert_string_equal(err.text, "exchange dynamic sets: Invalid argument");
	for (i = 0; i < 2; i++) {
		assert_int_equal(sets_hash(sets, 20 + i, &hash), 0);
		assert_int_equal(hash, 100 + i);
	}
	assert_int_equal(sets_dynamic(sets, 22), -ENOENT);
	r = sets_dynamic(sets, 23);
	assert_true(r >= 0);
	fd_close(r);
	sets_drop(sets, change, 4);
	assert_int_equal(pages_used(), used);

	/* reverted by the caller, a slot that was empty, and one that is emptied */
	line.hash = 300;
	change[0] = (struct sets_change){ .slot = 30 };
	change[0].set = sets_create(sets, "x", &line, 1, &err);
	change[1] = (struct sets_change){ .slot = 20, .set = -1 };
	ok(sets_exchange(sets, change, 2, &err), &err);
	assert_int_equal(sets_hash(sets, 30, &hash), 0);
	assert_int_equal(sets_hash(sets, 20, &hash), -ENOENT);
	sets_revert(sets, change, 2);
	sets_drop(sets, change, 2);
	assert_int_equal(sets_hash(sets, 30, &hash), -ENOENT);
	assert_int_equal(sets_hash(sets, 20, &hash), 0);
	assert_int_equal(hash, 100);
	assert_int_equal(pages_used(), used);
}

/* More pages than are filled at once; freed, they are found again */
static void test_pages(void **state)
{
	static uint8_t line[600 * sizeof(struct shunt_set_page)];
	unsigned int used = pages_used(), i;
	struct shunt_set_head *head = (struct shunt_set_head *)line;
	struct sets_change change;
	struct err err = { 0 };
	int first = 0;

	/* a bit in the last line: the key that asks for it crosses all pages */
	head->kind = SHUNT_SET_BITS;
	head->words = 1;
	head->lines = sizeof(line) / SHUNT_SET_LINE;
	head->by_bit.n = (head->lines - 1) * 512;
	for (i = 1; i < head->lines; i++)
		((struct shunt_set_line *)line)[i].word[0] = 1 << i % 32;
	for (i = 0; i < 3; i++) {
		change = (struct sets_change){ .table = SETS_STATIC, .slot = SLOT };
		change.set = sets_create(sets, "big", line, head->lines, &err);
		ok(change.set, &err);
		if (!i)
			first = change.set;
		ok(sets_exchange(sets, &change, 1, &err), &err);
		sets_drop(sets, &change, 1);
		assert_int_equal(pages_used(), used + 600);
	}
	assert_int_equal(sets->slot[SLOT], first);	/* after one elsewhere */
	asked->n = SETS_QUESTIONS;
	for (i = 0; i < SETS_QUESTIONS; i++) {
		uint32_t at = unit_random(&seed) % (head->lines - 1) + 1;
		uint32_t bit = i & 1 ? at % 32 : (at + 1) % 32;

		asked->question[i].key = (struct shunt_set_key){ .word = { (at - 1) * 512 + bit } };
	}
	run(SETS_HAS);
	for (i = 0; i < SETS_QUESTIONS; i++)
		assert_int_equal(asked->question[i].answer, i & 1);
	assert_int_equal(sets_create(sets, "x", line, SHUNT_SET_LINES_MAX, &err), -ENOSPC);
	put(SETS_STATIC, SLOT, -1);
	assert_int_equal(pages_used(), used);
}

static atomic_bool stop;
static atomic_int rounds;

/* One image, the other, and again */
static void *exchanger(void *arg)
{
	struct set_image *image = arg;
	struct err err = { 0 };
	unsigned int i;

	for (i = 1; !stop; i++) {
		struct sets_change change = { .table = SETS_STATIC, .slot = SLOT };

		change.set = sets_create(sets, "x", image[i & 1].line, image[i & 1].n_lines, &err);
		if (change.set < 0 || sets_exchange(sets, &change, 1, &err) < 0)
			return "exchange failed";
		if (syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0)
			return "no grace period";
		sets_drop(sets, &change, 1);
		rounds++;
	}
	return NULL;
}

/*
 * Two images of other sizes and parts take turns while questions run. What both sets hold must
 * always be found, what neither holds never: a lookup that followed one image's lines in the other
 * would miss. What is in one alone must be seen both ways, or there was no exchange.
 */
/* Questions: in both, in neither, in the first alone. Counts the last ones: yes, no */
static void ask_under_way(unsigned int n[2])
{
	unsigned int q;
	int answer;

	asked->n = 3000;
	for (q = 0; q < asked->n; q++) {
		uint32_t value = 0x0a000000 + (q / 3 << 9);

		if (q % 3 == 1)
			value += 0x100;		/* between two /24s */
		if (q % 3 == 2)
			value = 0x20000000 + ((1000 + q / 3) << 9);
		asked->question[q] = (struct sets_question){ { .word = { value } }, -99 };
	}
	run(SETS_HAS);
	for (q = 0; q < asked->n; q++) {
		answer = asked->question[q].answer;
		if (q % 3 == 2)
			n[!answer]++;
		else if (answer != (q % 3 == 0))
			fail_msg("round %d, question %u: %d", rounds, q, answer);
	}
}

static void test_exchange_under_way(void **state)
{
	static struct expr_interval even[3000], odd[2000];
	struct set_spec spec[2] = {
		{ "a", { EXPR_IP_SADDR }, 1, even, N(even) },
		{ "b", { EXPR_IP_SADDR }, 1, odd, N(odd) },
	};
	struct set_image image[2];
	unsigned int i, pass, n[2] = { 0 };
	time_t end = time(NULL) + 30;
	pthread_t thread;
	void *failed;

	/* the first 1000 are common, every other /24; the rest is of the one or of the other */
	for (i = 0; i < N(even); i++)
		put_interval(&even[i], 32, (i < 1000 ? 0x0a000000 : 0x20000000) + (i << 9), 8);
	for (i = 0; i < N(odd); i++)
		put_interval(&odd[i], 32, (i < 1000 ? 0x0a000000 : 0x40000000) + (i << 9),
			     i < 1000 ? 8 : 4);
	for (i = 0; i < 2; i++)
		assert_int_equal(set_build(&spec[i], &image[i], NULL), 0);
	put(SETS_STATIC, SLOT, sets_create(sets, "a", image[0].line, image[0].n_lines, NULL));
	stop = false;
	rounds = 0;
	assert_int_equal(pthread_create(&thread, NULL, exchanger, image), 0);
	/* A busy machine has few exchanges in many questions: 30 s at most */
	for (pass = 0; time(NULL) < end && (pass < 200 || rounds < 100 || !n[0] || !n[1]); pass++)
		ask_under_way(n);
	stop = true;
	pthread_join(thread, &failed);
	for (i = 0; i < 2; i++)
		set_image_fini(&image[i]);
	if (failed)
		fail_msg("%s", (char *)failed);
	if (rounds < 10 || !n[0] || !n[1])
		fail_msg("%d rounds; %u times the one, %u the other", rounds, n[0], n[1]);
}

static void test_pins(void **state)
{
	struct sets *other;
	struct err err = { 0 };
	char dir[256];
	struct shunt_set_head line = { .lines = 1 };
	struct sets_change change = { .table = SETS_STATIC, .slot = 1 };
	uint32_t id[2] = { 0 };
	uint64_t hash = 0;
	int lost;

	snprintf(dir, sizeof(dir), "%s/bpf", unit_folder());
	ok(pins_open(dir, &err), &err);
	ok(sets_open(dir, &other, &err), &err);
	line.hash = 42;
	change.set = sets_create(other, "x", &line, 1, &err);
	ok(sets_exchange(other, &change, 1, &err), &err);
	sets_drop(other, &change, 1);
	lost = sets_create(other, "lost", &line, 1, &err);
	ok(lost, &err);
	assert_int_equal(bpf_map_lookup_elem(other->fd[SETS_PAGES], &lost, &id[0]), 0);
	sets_close(other);
	ok(sets_open(dir, &other, &err), &err);		/* as after a start */
	ok(sets_hash(other, 1, &hash), &err);
	assert_int_equal(hash, 42);
	assert_int_equal(other->used[0], 3);	/* none, and the set's; not what was in no slot */
	assert_int_equal(bpf_map_lookup_elem(other->fd[SETS_PAGES], &lost, &id[1]), 0);
	assert_int_not_equal(id[0], id[1]);	/* its memory went */
	change.set = sets_create(other, "y", &line, 1, &err);
	ok(sets_exchange(other, &change, 1, &err), &err);
	assert_true(change.old >= 0);
	sets_drop(other, &change, 1);
	sets_close(other);
	umount2(dir, MNT_DETACH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kinds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_set, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hash, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exchange_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exchange_under_way, setup, teardown),
		cmocka_unit_test(test_pins),
	};

	seed = unit_seed();
	return unit_main(tests, N(tests));
}
