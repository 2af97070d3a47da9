// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * fib_test.c - forwarding tables in the kernel: lib/fib_find.h run by BPF_PROG_TEST_RUN
 *
 * Programs find what the routes say, after each batch of many random changes; and while one thread
 * changes a table, those that run find the hop of before or of behind a change, never another,
 * never none.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>

#include <compile/fib.h>
#include <kernel/fib_tables.h>
#include <kernel/grace.h>

#include "../lib/unit.h"

#include "../lib/fib.h"
#include "../lib/objtest.h"

#define TABLES	2
#define ROUTES	3000
#define BATCHES	40
#define CHANGES	3000	/* of a batch: BATCHES * CHANGES are more than 10^5 */
#define RUNS	300	/* of programs beside changes */

static uint64_t seed;
static struct fib_tables *tables;
static struct fib_store store;
static struct fib *fib;
static struct object_loaded loaded;
static struct fib_asked *asked;

static int setup(void **state)
{
	struct object_map map[FIB_TABLES_MAPS];
	struct err err = { 0 };

	seed = unit_seed();
	if (fib_tables_new(TABLES, &tables, &err) < 0)
		goto fail;
	store = (struct fib_store){
		.add = fib_tables_add, .remove = fib_tables_remove, .data = tables,
		.table = fib_tables_memory(tables), .n_tables = TABLES,
	};
	fib_tables_maps(tables, map);
	if (fib_new(&store, unit_random(&seed), &fib) < 0 ||
	    object_load(objtest_built("tests/lib/fib.xdp.o"), "fib", NULL, 0, map, FIB_TABLES_MAPS,
			unit_folder(), &loaded, &err) < 0)
		goto fail;
	asked = mmap(NULL, sizeof(*asked), PROT_READ | PROT_WRITE, MAP_SHARED,
		     object_loaded_map(&loaded, "fib_asked"), 0);
	return asked == MAP_FAILED ? -1 : 0;
fail:
	print_error("%s\n", err.text);
	return -1;
}

static int teardown(void **state)
{
	munmap(asked, sizeof(*asked));
	object_loaded_fini(&loaded);
	fib_free(fib);
	fib_tables_free(tables);
	return 0;
}

static void run(void)
{
	uint8_t packet[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet));

	assert_int_equal(bpf_prog_test_run_opts(loaded.prog_fd, &opts), 0);
}

static uint64_t below(uint64_t n)
{
	return unit_random(&seed) % n;
}

/* ---- many changes, then questions ---- */

static struct fib_route route[2][ROUTES];	/* what is in the tables; hop 0: it is not */

static void cut(struct fib_route *r)
{
	if (r->family == 4)
		r->high &= 0xffffffff00000000ULL;
	r->high &= r->len == 0 ? 0 : r->len < 64 ? ~0ULL << (64 - r->len) : ~0ULL;
	r->low &= r->len <= 64 ? 0 : ~0ULL << (128 - r->len);
}

/* Under 10.0.0.0/11 and 2001:db8::/32, so that they nest */
static struct fib_route prefix(unsigned int six)
{
	static const uint8_t len6[] = { 32, 36, 40, 44, 47, 48, 56, 60, 64, 96, 127, 128 };
	struct fib_route r = {
		.table = below(TABLES), .family = six ? 6 : 4,
		.len = six ? len6[below(12)] : 12 + below(21),
		.high = six ? 0x20010db800000000ULL | below(16) << 28 | below(64) << 16 | below(4) :
			      0x0a00000000000000ULL | (unit_random(&seed) & 0x001fffff00000000ULL),
		.low = six ? below(4) << 32 | below(16) : 0,
	};

	cut(&r);
	return r;
}

static void change(unsigned int six)
{
	struct fib_route *at = &route[six][below(ROUTES)], fresh;
	struct err err = { 0 };

	if (at->hop && below(3) == 0) {
		assert_int_equal(fib_del(fib, at, &err), 0);
		at->hop = 0;
		return;
	}
	if (!at->hop) {
		fresh = prefix(six);
		if (fib_get(fib, &fresh))
			return;		/* another one of ours */
		*at = fresh;
	}
	at->hop = 1 + below(1000);
	assert_int_equal(fib_set(fib, at, &err), 0);
}

/* The hop that a list of routes gives */
static uint32_t scan(const struct fib_question *q)
{
	struct fib_route wanted;
	uint32_t hop = 0;
	int len = -1;
	size_t i;

	for (i = 0; i < ROUTES; i++) {
		const struct fib_route *r = &route[q->family == 6][i];

		if (!r->hop || r->table != q->table || r->len <= len)
			continue;
		wanted = *r;
		wanted.high = q->high;
		wanted.low = q->low;
		cut(&wanted);
		if (wanted.high == r->high && wanted.low == r->low) {
			len = r->len;
			hop = r->hop;
		}
	}
	return hop;
}

static void ask(void)
{
	unsigned int i;

	asked->n = FIB_QUESTIONS;
	for (i = 0; i < FIB_QUESTIONS; i++) {
		struct fib_route r = prefix(i & 1);

		if (i & 2)	/* somewhere below a prefix that is there, or was */
			r = route[i & 1][below(ROUTES)];
		if (i & 4)
			r.high |= unit_random(&seed) >> (r.len < 63 ? r.len : 63);
		asked->question[i] = (struct fib_question){
			.table = r.table, .family = i & 1 ? 6 : 4, .hop = -1,
			.high = i & 1 ? r.high : r.high & 0xffffffff00000000ULL, .low = r.low,
		};
	}
	run();
	for (i = 0; i < FIB_QUESTIONS; i++) {
		const struct fib_question *q = &asked->question[i];

		if (q->hop != scan(q))
			fail_msg("seed %llu: IPv%u, table %u, %016llx %016llx: hop %u, not %u",
				 (unsigned long long)seed, q->family, q->table,
				 (unsigned long long)q->high, (unsigned long long)q->low, q->hop,
				 scan(q));
	}
}

static void test_changes(void **state)
{
	unsigned int batch, i;

	for (batch = 0; batch < BATCHES; batch++) {
		for (i = 0; i < CHANGES; i++)
			change(i & 1);
		grace_wait();
		fib_reuse(fib);
		ask();
	}
	assert_int_equal(fib_verify(fib, NULL), 0);
}

/* ---- changes beside running programs ---- */

static atomic_bool stop;

/* More specific prefixes come and go around the addresses that are asked for */
static void *churn(void *arg)
{
	static const uint8_t len4[] = { 12, 17, 20, 23, 24, 25, 28, 32 };
	static const uint8_t len6[] = { 33, 40, 47, 48, 52, 64, 65, 96, 128 };
	struct fib_route r = { 0 };
	unsigned int i;

	for (i = 0; !stop; i++) {
		r.family = i & 1 ? 6 : 4;
		r.len = i & 1 ? len6[i / 2 % 9] : len4[i / 2 % 8];
		r.high = i & 1 ? 0x20010db800010000ULL | i / 2 % 4 : 0xc0a8010000000000ULL |
								     (uint64_t)(i % 256) << 32;
		r.low = i & 1 ? i / 2 % 4 : 0;
		cut(&r);
		r.hop = 2;
		if (i & 8 ? fib_del(fib, &r, NULL) : fib_set(fib, &r, NULL)) {
			/* not there: another round's */
		}
		if (i % 64 == 63) {
			grace_wait();
			fib_reuse(fib);
		}
	}
	return NULL;
}

/* All have hop 1 by a short prefix, or 2 by a longer one: 0, or any other, is a miss */
static void test_running(void **state)
{
	struct fib_route any[2] = {
		{ .hop = 1, .family = 4, .len = 8, .high = 0xc0ULL << 56 },
		{ .hop = 1, .family = 6, .len = 32, .high = 0x20010db800000000ULL },
	};
	unsigned int runs = 0, i, seen[3] = { 0 };
	pthread_t thread;

	for (i = 0; i < 2; i++)
		assert_int_equal(fib_set(fib, &any[i], NULL), 0);
	for (i = 0; i < FIB_QUESTIONS; i++)
		asked->question[i] = (struct fib_question){
			.family = i & 1 ? 6 : 4,
			.high = i & 1 ? 0x20010db800010000ULL | i / 2 % 4 :
					0xc0a8010000000000ULL | (uint64_t)(i / 2 % 256) << 32,
			.low = i & 1 ? i / 2 % 4 : 0,
		};
	asked->n = FIB_QUESTIONS;
	stop = false;
	assert_int_equal(pthread_create(&thread, NULL, churn, NULL), 0);
	while (runs++ < RUNS || !seen[1] || !seen[2]) {
		run();
		for (i = 0; i < FIB_QUESTIONS; i++) {
			uint32_t hop = asked->question[i].hop;

			seen[hop == 1 || hop == 2 ? hop : 0]++;
		}
		if (seen[0])
			break;
	}
	stop = true;
	pthread_join(thread, NULL);
	assert_int_equal(seen[0], 0);
	assert_int_equal(fib_verify(fib, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_running, setup, teardown),
	};

	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
