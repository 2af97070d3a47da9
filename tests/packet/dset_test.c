// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* dset_test.c - dynamic sets in the kernel: elements, their times, how many have room */
#include <errno.h>
#include <string.h>

#include <base/file.h>
#include <kernel/dset.h>

#include "set_world.h"

#define N(array)	(sizeof(array) / sizeof((array)[0]))
#define SECOND_NS	1000000000ULL

static void dynamic(uint32_t entries, uint64_t timeout_ns, bool counts)
{
	struct shunt_dset_conf conf = { .timeout_ns = timeout_ns, .counts = counts };
	struct err err = { 0 };
	unsigned int i;
	int fd;

	ok(dset_configure(sets, SLOT, &conf, &err), &err);
	fd = dset_create("dyn", entries, &err);
	ok(fd, &err);
	put(SETS_DYNAMIC, SLOT, fd);
	for (i = 0; i < SETS_QUESTIONS; i++)
		asked->question[i] = (struct sets_question){ .key.word = { i, 7 }, .answer = -99 };
	asked->now_ns = 100 * SECOND_NS;
	asked->timeout_ns = asked->update = asked->len = 0;
	asked->n = 1;
}

static int64_t ask(enum sets_what what, uint64_t now_s)
{
	asked->now_ns = now_s * SECOND_NS;
	asked->question[0].answer = -99;
	run(what);
	return asked->question[0].answer;
}

static struct shunt_set_value element(void)
{
	struct shunt_set_value value;
	int fd = sets_dynamic(sets, SLOT);

	assert_int_equal(bpf_map_lookup_elem(fd, &asked->question[0].key, &value), 0);
	fd_close(fd);
	return value;
}

static void test_times(void **state)
{
	dynamic(16, 10 * SECOND_NS, false);
	assert_int_equal(ask(SETS_DHAS, 100), 0);
	assert_int_equal(ask(SETS_ADD, 100), 0);	/* the set's timeout: until 110 */
	assert_int_equal(ask(SETS_DHAS, 109), 1);
	assert_int_equal(ask(SETS_ADD, 105), 0);	/* add: as it was */
	assert_int_equal(ask(SETS_DHAS, 110), 0);
	asked->timeout_ns = 20 * SECOND_NS;
	assert_int_equal(ask(SETS_ADD, 111), 0);	/* expired: anew, until 131 */
	assert_int_equal(ask(SETS_DHAS, 130), 1);
	asked->update = 1;
	assert_int_equal(ask(SETS_ADD, 125), 0);	/* until 145 */
	assert_int_equal(ask(SETS_DHAS, 144), 1);
	assert_int_equal(ask(SETS_DHAS, 145), 0);
	assert_int_equal(element().timeout_ns, 20 * SECOND_NS);
	assert_int_equal(element().expires_ns, 145 * SECOND_NS);
	dynamic(16, 0, false);
	assert_int_equal(ask(SETS_ADD, 100), 0);	/* no timeout at all */
	assert_int_equal(ask(SETS_DHAS, 1000000), 1);
	assert_int_equal(element().expires_ns, 0);
	assert_int_equal(element().packets, 0);
}

static void test_counts(void **state)
{
	dynamic(16, 10 * SECOND_NS, true);
	asked->len = 60;
	assert_int_equal(ask(SETS_DHAS, 100), 0);
	assert_int_equal(ask(SETS_ADD, 100), 0);
	assert_int_equal(ask(SETS_DHAS, 101), 1);
	assert_int_equal(ask(SETS_DHAS, 102), 1);
	assert_int_equal(ask(SETS_DHAS, 110), 0);	/* expired: not counted */
	assert_int_equal(element().packets, 2);
	assert_int_equal(element().bytes, 120);
	assert_int_equal(ask(SETS_ADD, 111), 0);
	assert_int_equal(element().packets, 0);
}

static void test_full(void **state)
{
	uint64_t before = sets_full(sets, SLOT);
	unsigned int i, added = 0;

	dynamic(100, 0, false);
	asked->n = 150;
	run(SETS_ADD);
	for (i = 0; i < 150; i++) {
		if (asked->question[i].answer)
			assert_int_equal(asked->question[i].answer, -E2BIG);
		added += !asked->question[i].answer;
	}
	assert_int_equal(added, 100);
	assert_int_equal(sets_full(sets, SLOT) - before, 50);
	run(SETS_ADD);					/* again: those that are there are fine */
	assert_int_equal(sets_full(sets, SLOT) - before, 100);
	run(SETS_DHAS);
	for (i = added = 0; i < 150; i++)
		added += asked->question[i].answer == 1;
	assert_int_equal(added, 100);
	put(SETS_DYNAMIC, SLOT, -1);
	before = sets_full(sets, SLOT);
	asked->n = 1;
	assert_int_equal(ask(SETS_ADD, 100), -ENOENT);
	assert_int_equal(sets_full(sets, SLOT), before + 1);
}

static void test_commands(void **state)
{
	struct shunt_set_key key = { .word = { 0, 7 } };
	struct shunt_set_value value;
	struct err err = { 0 };
	uint64_t now_s;
	int fd;

	dynamic(2, 0, true);
	fd = sets_dynamic(sets, SLOT);
	ok(fd, &err);
	now_s = dset_now_ns() / SECOND_NS;
	assert_int_equal(dset_get(fd, &key, &value), -ENOENT);
	ok(dset_add(fd, &key, 1000 * SECOND_NS, &err), &err);
	assert_int_equal(ask(SETS_DHAS, now_s), 1);
	assert_int_equal(ask(SETS_DHAS, now_s + 1002), 0);
	ok(dset_add(fd, &key, 0, &err), &err);			/* stays, with its count */
	assert_int_equal(ask(SETS_DHAS, now_s + 1002), 1);
	assert_int_equal(dset_get(fd, &key, &value), 0);
	assert_int_equal(value.packets, 2);
	assert_int_equal(value.expires_ns, 0);
	key.word[0] = 1;
	ok(dset_add(fd, &key, 0, &err), &err);
	key.word[0] = 2;
	assert_int_equal(dset_add(fd, &key, 0, &err), -E2BIG);
	assert_int_equal(dset_del(fd, &key), -ENOENT);
	key.word[0] = 0;
	assert_int_equal(dset_del(fd, &key), 0);
	assert_int_equal(ask(SETS_DHAS, now_s), 0);
	fd_close(fd);
}

static void fill(int fd, unsigned int n, uint64_t timeout_ns)
{
	struct err err = { 0 };
	unsigned int i;

	for (i = 0; i < n; i++) {
		struct shunt_set_key key = { .word = { i, 9 } };

		ok(dset_add(fd, &key, timeout_ns && i % 3 == 0 ? timeout_ns : 0, &err), &err);
	}
}

/* All elements once each, by more than one call */
static unsigned int read_all(int fd, unsigned int batch)
{
	struct dset_element element[512];
	static bool seen[20000];
	struct dset_cursor cursor = { 0 };
	unsigned int n = 0;
	int r, i;

	memset(seen, 0, sizeof(seen));
	while (!cursor.done) {
		r = dset_read(fd, &cursor, element, batch);
		assert_true(r >= 0);
		for (i = 0; i < r; i++) {
			assert_true(element[i].key.word[0] < N(seen));
			assert_false(seen[element[i].key.word[0]]);
			seen[element[i].key.word[0]] = true;
		}
		n += r;
	}
	assert_int_equal(dset_read(fd, &cursor, element, batch), 0);
	return n;
}

static void test_read_collect(void **state)
{
	struct dset_cursor cursor = { 0 };
	struct err err = { 0 };
	int fd = dset_create("d", 20000, &err), deleted = 0, r, calls = 0;

	ok(fd, &err);
	assert_int_equal(read_all(fd, 100), 0);
	fill(fd, 15000, 1);			/* 5000 of them for a nanosecond */
	assert_int_equal(read_all(fd, 500), 15000);
	while (!cursor.done) {
		r = dset_collect(fd, &cursor);
		assert_true(r >= 0);
		deleted += r;
		calls++;
	}
	assert_true(calls > 3);
	assert_int_equal(deleted, 5000);
	assert_int_equal(read_all(fd, 512), 10000);
	fd_close(fd);
}

static void test_load(void **state)
{
	static struct dset_element element[9000];
	struct shunt_set_value value;
	struct err err = { 0 };
	int fd = dset_create("d", N(element) - 1, &err);
	unsigned int i;

	for (i = 0; i < N(element); i++) {
		element[i].key.word[0] = i;
		element[i].value = (struct shunt_set_value){ .timeout_ns = i, .packets = 2 * i };
	}
	ok(dset_load(fd, element, N(element) - 1, &err), &err);
	assert_int_equal(read_all(fd, 512), N(element) - 1);
	for (i = 0; i < N(element) - 1; i++) {
		assert_int_equal(dset_get(fd, &element[i].key, &value), 0);
		assert_int_equal(value.timeout_ns, i);
		assert_int_equal(value.packets, 2 * i);
	}
	assert_int_equal(dset_load(fd, element, N(element), &err), -E2BIG);
	assert_string_equal(err.text, "load a dynamic set: Argument list too long");
	fd_close(fd);
}

static void test_resize(void **state)
{
	struct err err = { 0 };
	int from = dset_create("d", 10000, &err), to = dset_create("d", 7000, &err);
	int small = dset_create("d", 6000, &err);
	struct shunt_set_key key = { .word = { 1, 9 } };
	struct shunt_set_value value;

	fill(from, 10000, 1);
	ok(dset_add(to, &key, 1000 * SECOND_NS, &err), &err);	/* newer than what is copied */
	ok(dset_copy(from, to, &err), &err);
	assert_int_equal(read_all(to, 512), 6666);		/* what has expired stays behind */
	assert_int_equal(dset_get(to, &key, &value), 0);
	assert_int_equal(value.timeout_ns, 1000 * SECOND_NS);
	assert_int_equal(dset_copy(from, small, &err), -E2BIG);
	assert_string_equal(err.text, "copy a dynamic set: Argument list too long");
	fd_close(from);
	fd_close(to);
	fd_close(small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_times, setup, teardown),
		cmocka_unit_test_setup_teardown(test_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_commands, setup, teardown),
		cmocka_unit_test(test_read_collect),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_resize),
	};

	return unit_main(tests, N(tests));
}
