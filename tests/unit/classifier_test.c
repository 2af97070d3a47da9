// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* classifier_test.c - an image finds what a linear scan finds; views; limits; blame */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../lib/rows.h"
#include "../lib/unit.h"

static uint64_t seed;

/* ---- what tests share ---- */
static struct classifier build_ext(const struct classifier_rows *rows, unsigned int rules,
				   const struct classifier_ext *ext)
{
	struct classifier_blame blame = { 0 };
	struct classifier classifier;

	if (classifier_build(rows, rules, ext, NULL, &classifier, &blame) < 0)
		fail_msg("%s", blame.text);
	return classifier;
}

static struct classifier build(const struct classifier_rows *rows, unsigned int rules)
{
	return build_ext(rows, rules, NULL);
}

/* Keys by the thousand: the image and the linear scan agree, behind any rule */
static void agree(const struct classifier *classifier, const struct classifier_rows *truth,
		  const bool *gone, unsigned int n)
{
	uint32_t key[CLASSIFIER_WORDS6], want, got, want_ref, got_ref, floor;
	unsigned int family;

	while (n--) {
		family = rows_key(&seed, truth, key);
		floor = unit_random(&seed) >> 62 || !truth->n ? 0 :
			truth->row[unit_random(&seed) % truth->n].prio;
		want_ref = got_ref = 0;
		want = rows_find(truth, family, key, floor, gone, &want_ref);
		got = classifier_find(classifier->image, &classifier->shape, family, key, floor,
				      &got_ref);
		if (got != want || got_ref != want_ref)
			fail_msg("family %u, floor %x: prio %x ref %u, not prio %x ref %u", family,
				 floor, got, got_ref, want, want_ref);
	}
}

static uint32_t find4(const struct classifier *classifier, uint32_t saddr, uint32_t daddr,
		      uint32_t ports, uint32_t meta)
{
	const uint32_t key[CLASSIFIER_WORDS4] = { saddr, daddr, ports, meta };
	uint32_t ref;

	return classifier_find(classifier->image, &classifier->shape, 4, key, 0, &ref);
}

static struct classifier_row any_row(unsigned int rule)
{
	return (struct classifier_row){
		.family = 4, .sport_last = 65535, .dport_last = 65535, .edge = rule % 2,
		.prio = (rule + 1) * CLASSIFIER_PRIO_GAP, .ref = rule,
	};
}

static uint32_t prio(unsigned int rule)
{
	return (rule + 1) * CLASSIFIER_PRIO_GAP << CLASSIFIER_EDGE_BITS | rule % 2;
}

/* ---- sets against the linear scan ---- */
static const unsigned int sizes[] = { 0, 1, 2, 15, 16, 17, 60, 300, 2000 };

static void random_sets(unsigned int families)
{
	struct classifier_rows rows;
	struct classifier classifier;
	enum rows_kind kind;
	unsigned int i;

	for (kind = 0; kind < ROWS_KINDS; kind++) {
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			rows_random(&seed, kind, families, sizes[i], &rows);
			classifier = build(&rows, sizes[i]);
			agree(&classifier, &rows, NULL, 1000);
			classifier_fini(&classifier);
			rows_fini(&rows);
		}
	}
}

static void test_random_ip4(void **state)
{
	random_sets(4);
}

static void test_random_ip6(void **state)
{
	random_sets(6);
}

static void test_random_both(void **state)
{
	random_sets(10);
}

static void test_large(void **state)
{
	struct classifier_rows rows;
	struct classifier classifier;

	rows_random(&seed, ROWS_NESTED, 10, 20000, &rows);
	classifier = build(&rows, 20000);
	agree(&classifier, &rows, NULL, 300);
	assert_true(classifier.size < 8 << 20);
	classifier_fini(&classifier);
	rows_fini(&rows);
}

static void test_no_rows(void **state)
{
	const struct classifier_rows none = { NULL, 0 };
	struct classifier classifier = build(&none, 0);

	assert_int_equal(find4(&classifier, 1, 2, 3, CLASSIFIER_IP), CLASSIFIER_NONE);
	assert_int_equal(classifier.cost[0].steps, 0);
	assert_int_equal(classifier.size % 8, 0);
	classifier_fini(&classifier);
}

/* One row that holds everything: what is no IP, too; with the IP bit it does not */
static void test_one_row(void **state)
{
	struct classifier_row row = any_row(0);
	const struct classifier_rows rows = { &row, 1 };
	struct classifier classifier = build(&rows, 1);

	assert_int_equal(find4(&classifier, ~0, ~0, ~0, CLASSIFIER_META), prio(0));
	assert_int_equal(find4(&classifier, 0, 0, 0, 0), prio(0));
	assert_int_equal(classifier.shape.family[0].list, 1);
	classifier_fini(&classifier);
	row.meta = row.meta_mask = CLASSIFIER_IP;
	classifier = build(&rows, 1);
	assert_int_equal(find4(&classifier, 0, 0, 0, 0), CLASSIFIER_NONE);
	assert_int_equal(find4(&classifier, 0, 0, 0, CLASSIFIER_IP), prio(0));
	classifier_fini(&classifier);
}

/* A later fragment has no ports: a row that asks for some goes by it, though they are 0 */
static void test_no_l4(void **state)
{
	struct classifier_row row[2] = { any_row(0), any_row(1) };
	const struct classifier_rows rows = { row, 2 };
	const uint32_t later = CLASSIFIER_IP | 17 | 2 << CLASSIFIER_FRAG_SHIFT;
	struct classifier classifier;

	row[0].dport_last = 99;
	row[0].meta = row[0].meta_mask = CLASSIFIER_L4;
	classifier = build(&rows, 2);
	assert_int_equal(find4(&classifier, 1, 2, 0, later), prio(1));
	assert_int_equal(find4(&classifier, 1, 2, 0, later | CLASSIFIER_L4), prio(0));
	assert_int_equal(find4(&classifier, 1, 2, 100, later | CLASSIFIER_L4), prio(1));
	classifier_fini(&classifier);
}

/* Equal boxes overflow a leaf: the first decides, and behind each the next one */
static void test_duplicates(void **state)
{
	enum { N = 1000 };
	struct classifier_row row[N];
	const struct classifier_rows rows = { row, N };
	const uint32_t key[CLASSIFIER_WORDS4] = { 0x0a000001 };
	struct classifier classifier;
	uint32_t i, ref;

	for (i = 0; i < N; i++) {
		row[i] = any_row(i);
		row[i].saddr[1] = 0x0a000000;
		row[i].slen = 8;
	}
	classifier = build(&rows, N);
	assert_int_equal(classifier.cost[0].residual,
			 N - classifier.cost[0].trees * CLASSIFIER_LEAF_MAX);
	for (i = 0; i < N; i++) {
		assert_int_equal(classifier_find(classifier.image, &classifier.shape, 4, key,
						 i * CLASSIFIER_PRIO_GAP, &ref), prio(i));
		assert_int_equal(ref, i);
	}
	assert_int_equal(classifier_find(classifier.image, &classifier.shape, 4, key,
					 N * CLASSIFIER_PRIO_GAP, &ref), CLASSIFIER_NONE);
	classifier_fini(&classifier);
}

static void test_deterministic(void **state)
{
	struct classifier one, two;
	struct classifier_rows rows;

	rows_random(&seed, ROWS_NESTED, 10, 3000, &rows);
	one = build(&rows, 3000);
	two = build(&rows, 3000);
	assert_int_equal(one.size, two.size);
	assert_memory_equal(one.image, two.image, one.size);
	assert_memory_equal(&one.shape, &two.shape, sizeof(one.shape));
	classifier_fini(&one);
	classifier_fini(&two);
	rows_fini(&rows);
}

/* ---- views ---- */
/* Some rules go, some come in between: what is found is what a scan of the new rows finds */
struct change {
	struct classifier_rows add, truth;
	bool *gone;
	uint32_t gone_list[100];
	unsigned int n_gone;
};

static int row_cmp(const void *a, const void *b)
{
	const struct classifier_row *x = a, *y = b;

	return x->prio < y->prio ? -1 : x->prio > y->prio;
}

static void change_make(const struct classifier_rows *base, unsigned int rules, unsigned int n_add,
			struct change *ret)
{
	unsigned int i;

	memset(ret, 0, sizeof(*ret));
	rows_random(&seed, ROWS_NESTED, 10, n_add, &ret->add);
	for (i = 0; i < ret->add.n; i++) {
		ret->add.row[i].prio = 1 + unit_random(&seed) % (rules * CLASSIFIER_PRIO_GAP);
		if (ret->add.row[i].prio % CLASSIFIER_PRIO_GAP == 0)
			ret->add.row[i].prio++;
		ret->add.row[i].ref = 1000000 + ret->add.row[i].prio;
	}
	qsort(ret->add.row, ret->add.n, sizeof(*ret->add.row), row_cmp);
	ret->gone = calloc(rules, sizeof(*ret->gone));
	for (i = 0; i < rules && ret->n_gone < 100; i++)
		if (unit_random(&seed) % 4 == 0)
			ret->gone[ret->gone_list[ret->n_gone++] = i] = true;
	ret->truth.row = calloc(base->n + ret->add.n, sizeof(*ret->truth.row));
	for (i = 0; i < base->n; i++)
		if (!ret->gone[base->row[i].prio / CLASSIFIER_PRIO_GAP - 1])
			ret->truth.row[ret->truth.n++] = base->row[i];
	memcpy(ret->truth.row + ret->truth.n, ret->add.row,
	       ret->add.n * sizeof(*ret->truth.row));
	ret->truth.n += ret->add.n;
	qsort(ret->truth.row, ret->truth.n, sizeof(*ret->truth.row), row_cmp);
}

static void change_free(struct change *change)
{
	rows_fini(&change->add);
	rows_fini(&change->truth);
	free(change->gone);
}

static void test_views(void **state)
{
	static const unsigned int rules[] = { 3, 16, 200, 2000 };
	struct classifier_rows base;
	struct classifier classifier;
	struct change change;
	unsigned int i, view;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		rows_random(&seed, i, 10, rules[i], &base);
		classifier = build(&base, rules[i]);
		for (view = 1; view <= 2; view++) {
			change_make(&base, rules[i], 5 + 15 * view, &change);
			assert_int_equal(classifier_view(classifier.image, &classifier.shape,
							 view % 2, &change.add, NULL,
							 change.gone_list, change.n_gone), 0);
			classifier_switch(classifier.image, view % 2);
			assert_int_equal(classifier_in_force(classifier.image), view % 2);
			agree(&classifier, &change.truth, NULL, 1000);
			change_free(&change);
		}
		classifier_fini(&classifier);
		rows_fini(&base);
	}
}

/* A view that is written does not touch the one in force */
static void test_view_apart(void **state)
{
	struct classifier_row row = any_row(0);
	const struct classifier_rows rows = { &row, 1 }, none = { NULL, 0 };
	const uint32_t gone[] = { 0 };
	struct classifier classifier = build(&rows, 1);

	assert_int_equal(classifier_view(classifier.image, &classifier.shape, 1, &none, NULL, gone,
					 1), 0);
	assert_int_equal(find4(&classifier, 1, 2, 3, 0), prio(0));
	classifier_switch(classifier.image, 1);
	assert_int_equal(find4(&classifier, 1, 2, 3, 0), CLASSIFIER_NONE);
	classifier_switch(classifier.image, 0);
	assert_int_equal(find4(&classifier, 1, 2, 3, 0), prio(0));
	classifier_fini(&classifier);
}

static void test_view_limits(void **state)
{
	struct classifier_row row[CLASSIFIER_VIEW_ROWS + 1];
	struct classifier_rows rows = { row, CLASSIFIER_VIEW_ROWS + 1 };
	const struct classifier_rows none = { NULL, 0 };
	const uint32_t gone[] = { 1 };
	struct classifier classifier = build(&none, 1);
	unsigned int i;

	for (i = 0; i < CLASSIFIER_VIEW_ROWS + 1; i++) {
		row[i] = any_row(0);
		row[i].prio = i + 1;
		row[i].daddr[1] = i;
		row[i].dlen = 32;
	}
	assert_int_equal(classifier_view(classifier.image, &classifier.shape, 1, &rows, NULL, NULL,
					 0), -ENOSPC);
	assert_int_equal(classifier_view(classifier.image, &classifier.shape, 1, &none, NULL, gone,
					 1), -EINVAL);
	rows.n--;
	assert_int_equal(classifier_view(classifier.image, &classifier.shape, 1, &rows, NULL, NULL,
					 0), 0);
	classifier_switch(classifier.image, 1);
	assert_int_equal(find4(&classifier, 1, CLASSIFIER_VIEW_ROWS - 1, 3, 0),
			 CLASSIFIER_VIEW_ROWS << CLASSIFIER_EDGE_BITS);
	assert_int_equal(find4(&classifier, 1, CLASSIFIER_VIEW_ROWS, 3, 0), CLASSIFIER_NONE);
	classifier_fini(&classifier);
}

/* Extensions of the base, and of each view, have places of their own */
static void test_extensions(void **state)
{
	const uint64_t base[2] = { 1, 2 }, added[2] = { 3, 4 };
	const struct classifier_ext ext = { base, 8, 2 }, more = { added, 8, 2 };
	const struct classifier_rows none = { NULL, 0 };
	struct classifier classifier = build_ext(&none, 0, &ext);
	const uint64_t *at = (const void *)(classifier.image + classifier.shape.ext_off);
	uint32_t index = classifier_view_ext(&classifier.shape, 1);

	assert_memory_equal(at, base, sizeof(base));
	assert_int_equal(classifier_view(classifier.image, &classifier.shape, 1, &none, &more, NULL,
					 0), 0);
	assert_memory_equal(at, base, sizeof(base));
	assert_memory_equal(at + index, added, sizeof(added));
	assert_true(index >= classifier_view_ext(&classifier.shape, 0) + CLASSIFIER_VIEW_EXTS);
	classifier_fini(&classifier);
}

/* ---- limits ---- */
/* More rows than the residual takes, and nothing tells them apart */
static void test_overlap(void **state)
{
	unsigned int n = CLASSIFIER_RESIDUAL_MAX + CLASSIFIER_TREES_MAX * CLASSIFIER_LEAF_MAX + 1;
	struct classifier_row *row = calloc(n, sizeof(*row));
	struct classifier_rows rows = { row, n };
	struct classifier classifier = { .rules = 77 };
	struct classifier_blame blame = { 0 };
	unsigned int i;

	for (i = 0; i < n; i++)
		row[i] = any_row(i);
	assert_int_equal(classifier_build(&rows, n, NULL, NULL, &classifier, &blame), -E2BIG);
	assert_int_equal(classifier.rules, 77);
	assert_non_null(strstr(blame.text, "overlap"));
	assert_int_equal(blame.n, 3);
	assert_true(blame.row[0] % CLASSIFIER_LEAF_MAX == 0 && blame.row[0] < n);
	rows.n = CLASSIFIER_RESIDUAL_MAX;
	classifier = build(&rows, n);
	classifier_fini(&classifier);
	free(row);
}

/* The rows that are copied into most leaves are the ones to blame */
static void test_memory(void **state)
{
	const struct classifier_limits limits = { .bytes_max = 1 << 20 };
	struct classifier_blame blame = { 0 };
	struct classifier classifier;
	struct classifier_rows rows;

	rows_random(&seed, ROWS_NESTED, 4, 40000, &rows);
	assert_int_equal(classifier_build(&rows, 40000, NULL, &limits, &classifier, &blame),
			 -E2BIG);
	assert_non_null(strstr(blame.text, "1 MiB"));
	assert_int_equal(blame.n, 3);
	assert_true(blame.row[0] < rows.n && blame.row[1] < rows.n && blame.row[2] < rows.n);
	assert_int_not_equal(blame.row[0], blame.row[1]);
	rows_fini(&rows);
}

/* The cost is an upper bound, and of what is there */
static void test_cost(void **state)
{
	const struct classifier_cost *cost;
	struct classifier classifier;
	struct classifier_rows rows;

	rows_random(&seed, ROWS_NESTED, 4, 3000, &rows);
	classifier = build(&rows, 3000);
	cost = &classifier.cost[0];
	assert_int_equal(cost->rows, rows.n);
	assert_int_equal(cost->trees, classifier.shape.family[0].trees);
	assert_true(cost->mean_steps >= 2 && cost->mean_steps <= cost->steps);
	assert_true(cost->slowest.steps >= cost->depth && cost->slowest.steps <= cost->steps);
	assert_true(cost->bytes < classifier.size);
	assert_int_equal(classifier.cost[1].rows, 0);
	assert_int_equal(classifier.cost[1].steps, 0);
	classifier_fini(&classifier);
	rows_fini(&rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_ip4),
		cmocka_unit_test(test_random_ip6),
		cmocka_unit_test(test_random_both),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_no_rows),
		cmocka_unit_test(test_one_row),
		cmocka_unit_test(test_no_l4),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_deterministic),
		cmocka_unit_test(test_views),
		cmocka_unit_test(test_view_apart),
		cmocka_unit_test(test_view_limits),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_cost),
	};

	seed = unit_seed();
	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
