// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* classify_test.c - the walk in BPF finds what a linear scan finds: sets, views, extensions */
#include <stdio.h>
#include <string.h>

#include "../lib/classify.h"
#include "../lib/objtest.h"
#include "../lib/rows.h"
#include "../lib/unit.h"

static uint64_t seed;

/* @above: prio that rows must be above */
static struct classify load(const struct classifier *classifier, unsigned int family,
			    uint32_t above)
{
	const struct classify_conf conf = { .family6 = family == 6, .above = above };
	struct classify loaded;

	classify_load(&loaded, objtest_built("tests/lib/classify.xdp.o"), classifier, &conf);
	return loaded;
}

/* @holds[]: extension i's condition holds; rows with those that do not, do not count */
static uint32_t truth(const struct classifier_rows *rows, unsigned int family, const uint32_t *key,
		      uint32_t above, const bool *holds, uint32_t *ret_ref)
{
	uint32_t prio;

	for (;;) {
		prio = rows_find(rows, family, key, above, NULL, ret_ref);
		if (prio == CLASSIFIER_NONE || !(*ret_ref & CLASSIFIER_EXT) ||
		    holds[*ret_ref & ~CLASSIFIER_EXT])
			return prio;
		above = prio >> CLASSIFIER_EDGE_BITS;
	}
}

static void agree(const struct classify *loaded, const struct classifier_rows *rows,
		  unsigned int family, uint32_t above, const bool *holds, unsigned int n)
{
	unsigned int i;
	uint32_t (*key)[CLASSIFIER_WORDS6] = calloc(n, sizeof(*key)), prio, ref;

	for (i = 0; i < n; i++) {
		while (rows_key(&seed, rows, key[i]) != family && rows->n)
			;
		classify_set_key(loaded, i, family, key[i]);
	}
	classify_run(loaded, n);
	for (i = 0; i < n; i++) {
		ref = 0;
		prio = truth(rows, family, key[i], above, holds, &ref);
		if (loaded->key[i].prio != prio ||
		    (prio != CLASSIFIER_NONE && loaded->key[i].ref != ref))
			fail_msg("IPv%u: prio %x ref %x, not prio %x ref %x", family,
				 loaded->key[i].prio, loaded->key[i].ref, prio, ref);
	}
	free(key);
}

static struct classifier build(const struct classifier_rows *rows, unsigned int rules,
			       const struct classifier_ext *ext)
{
	struct classifier_blame blame = { 0 };
	struct classifier classifier;

	if (classifier_build(rows, rules, ext, NULL, &classifier, &blame) < 0)
		fail_msg("%s", blame.text);
	return classifier;
}

/* ---- sets ---- */
static void sets(unsigned int family)
{
	static const unsigned int sizes[] = { 0, 1, 10, 16, 17, 200, 3000 };
	struct classifier_rows rows;
	struct classifier classifier;
	struct classify loaded;
	enum rows_kind kind;
	unsigned int i;

	for (kind = 0; kind < ROWS_KINDS; kind++) {
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			rows_random(&seed, kind, family, sizes[i], &rows);
			classifier = build(&rows, sizes[i], NULL);
			loaded = load(&classifier, family, 0);
			agree(&loaded, &rows, sizes[i] ? family : 4, 0, NULL, 2000);
			classify_unload(&loaded);
			classifier_fini(&classifier);
			rows_fini(&rows);
		}
	}
}

static void test_ip4(void **state)
{
	sets(4);
}

static void test_ip6(void **state)
{
	sets(6);
}

/* Behind a rule */
static void test_above(void **state)
{
	struct classifier_rows rows;
	struct classifier classifier;
	struct classify loaded;
	uint32_t above;
	unsigned int i;

	rows_random(&seed, ROWS_NESTED, 4, 500, &rows);
	classifier = build(&rows, 500, NULL);
	for (i = 0; i < 10; i++) {
		above = rows.row[unit_random(&seed) % rows.n].prio;
		loaded = load(&classifier, 4, above);
		agree(&loaded, &rows, 4, above, NULL, 500);
		classify_unload(&loaded);
	}
	classifier_fini(&classifier);
	rows_fini(&rows);
}

/* Rows that nothing tells apart fill the residual: the last one, behind all others */
static void test_residual_end(void **state)
{
	enum { N = 300 };
	struct classifier_row row[N] = { 0 };
	const struct classifier_rows rows = { row, N };
	struct classifier classifier;
	struct classify loaded;
	unsigned int family, i;

	for (family = 4; family <= 6; family += 2) {
		for (i = 0; i < N; i++)
			row[i] = (struct classifier_row){
				.family = family, .sport_last = 65535, .dport_last = 65535,
				.prio = (i + 1) * CLASSIFIER_PRIO_GAP, .ref = i,
			};
		classifier = build(&rows, N, NULL);
		assert_true(classifier.shape.family[family == 6].words > 1);
		loaded = load(&classifier, family, row[N - 2].prio);
		agree(&loaded, &rows, family, row[N - 2].prio, NULL, 10);
		classify_unload(&loaded);
		classifier_fini(&classifier);
	}
}

/* ---- extensions ---- */
/* A third of the rows asks one of 300 extensions, half of which do not hold */
static void extensions(enum rows_kind kind, unsigned int family, unsigned int rules)
{
	enum { N = 300 };
	uint64_t data[N] = { 0 };
	const struct classifier_ext ext = { data, sizeof(data[0]), N };
	struct classifier_rows rows;
	struct classifier classifier;
	struct classify loaded;
	bool holds[N];
	uint32_t i;

	for (i = 0; i < N; i++)
		data[i] = holds[i] = unit_random(&seed) >> 63;
	rows_random(&seed, kind, family, rules, &rows);
	for (i = 0; i < rows.n; i++)
		if (rows.row[i].prio / CLASSIFIER_PRIO_GAP % 3 == 0)
			rows.row[i].ref = CLASSIFIER_EXT |
					  rows.row[i].prio / CLASSIFIER_PRIO_GAP % N;
	classifier = build(&rows, rules, &ext);
	loaded = load(&classifier, family, 0);
	agree(&loaded, &rows, family, 0, holds, 3000);
	classify_unload(&loaded);
	classifier_fini(&classifier);
	rows_fini(&rows);
}

static void test_extensions(void **state)
{
	enum rows_kind kind;

	for (kind = 0; kind < ROWS_KINDS; kind++) {
		extensions(kind, 4, 12);
		extensions(kind, 4, 1000);
		extensions(kind, 6, 1000);
	}
}

/* ---- views ---- */
static int row_cmp(const void *a, const void *b)
{
	const struct classifier_row *x = a, *y = b;

	return x->prio < y->prio ? -1 : x->prio > y->prio;
}

/* @n_add rules come, those of @gone[] go; the truth is a scan of what is left */
static struct classifier_rows change(const struct classify *loaded,
				     const struct classifier *classifier,
				     const struct classifier_rows *base, unsigned int family,
				     unsigned int n_add, const uint32_t *gone, unsigned int n_gone)
{
	unsigned int view = !classifier_in_force(loaded->image), i, j;
	struct classifier_rows add, truth;

	rows_random(&seed, ROWS_NESTED, family, n_add, &add);
	for (i = 0; i < add.n; i++) {
		add.row[i].prio = unit_random(&seed) %
				  (classifier->rules * CLASSIFIER_PRIO_GAP) | 1;
		add.row[i].ref = 1000000 + add.row[i].prio;
	}
	qsort(add.row, add.n, sizeof(*add.row), row_cmp);
	assert_int_equal(classifier_view(loaded->image, &classifier->shape, view, &add, NULL, gone,
					 n_gone), 0);
	classifier_switch(loaded->image, view);
	truth.row = calloc(base->n + add.n, sizeof(*truth.row));
	memcpy(truth.row, add.row, add.n * sizeof(*add.row));
	truth.n = add.n;
	for (i = 0; i < base->n; i++) {
		for (j = 0; j < n_gone; j++)
			if (base->row[i].prio / CLASSIFIER_PRIO_GAP - 1 == gone[j])
				break;
		if (j == n_gone)
			truth.row[truth.n++] = base->row[i];
	}
	qsort(truth.row, truth.n, sizeof(*truth.row), row_cmp);
	rows_fini(&add);
	return truth;
}

static void views(unsigned int family)
{
	static const unsigned int adds[] = { 1, 7, 8, 9, 30 };
	struct classifier_rows rows, truth;
	struct classifier classifier;
	struct classify loaded;
	uint32_t gone[40];
	unsigned int i, j;

	rows_random(&seed, ROWS_NESTED, family, 400, &rows);
	classifier = build(&rows, 400, NULL);
	loaded = load(&classifier, family, 0);
	for (i = 0; i < 5; i++) {
		for (j = 0; j < 40; j++)
			gone[j] = 10 * j + i;
		truth = change(&loaded, &classifier, &rows, family, adds[i], gone, 40);
		agree(&loaded, &truth, family, 0, NULL, 2000);
		rows_fini(&truth);
	}
	truth = change(&loaded, &classifier, &rows, family, 0, NULL, 0);
	agree(&loaded, &rows, family, 0, NULL, 2000);
	rows_fini(&truth);
	classify_unload(&loaded);
	classifier_fini(&classifier);
	rows_fini(&rows);
}

static void test_views(void **state)
{
	views(4);
	views(6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ip4),
		cmocka_unit_test(test_ip6),
		cmocka_unit_test(test_above),
		cmocka_unit_test(test_residual_end),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_views),
	};

	seed = unit_seed();
	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
