// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * classifier.c - build the classifier's image from boxes
 *
 * DOC: Each family on its own: a list if it is short, else trees, one split of the
 * rows after the other, then the residual. Nothing is left out, not even a row that
 * another hides: a view may take any rule away. Then all is laid out as one image.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classifier_priv.h"

#define SHARE_MIN	0.001	/* of all rows, for a tree of its own */
#define IMAGE_BYTES	(64ULL << 20)	/* limit, when none is given */
#define RULE_BYTES	4096

/* ---- rows to trees ---- */
static void build_init(struct classifier_build *build, const struct classifier_rows *rows,
		       unsigned int family, size_t bytes_max)
{
	size_t i;

	memset(build, 0, sizeof(*build));
	build->row = rows->row;
	build->family = family;
	build->words = family == 4 ? CLASSIFIER_KEY4 : CLASSIFIER_KEY6;
	build->bytes_max = bytes_max;
	build->shape.residual_prio = CLASSIFIER_NONE;
	for (i = 0; i < rows->n; i++)
		build->n_boxes += rows->row[i].family == family;
	build->box = arena_new_n(&build->arena, struct classifier_box, build->n_boxes + 1);
	build->n_boxes = 0;
	for (i = 0; i < rows->n; i++)
		if (rows->row[i].family == family)
			classifier_box_init(&build->box[build->n_boxes++], &rows->row[i], i);
}

static void build_list(struct classifier_build *build)
{
	uint32_t i;

	for (i = 0; i < build->n_boxes; i++)
		*arena_push(&build->arena, build->leaf_row, build->n_leaf_rows) = i;
	build->shape.list = build->n_boxes;
}

/* The rows that a split does not take stay in @left. Return: number of those that it takes */
static size_t take(const struct classifier_build *build, const struct classifier_split *split,
		   uint32_t *left, size_t *n_left, uint32_t *ret_taken)
{
	size_t i, kept = 0, taken = 0;

	for (i = 0; i < *n_left; i++) {
		if (classifier_split_takes(split, &build->box[left[i]]))
			ret_taken[taken++] = left[i];
		else
			left[kept++] = left[i];
	}
	*n_left = kept;
	return taken;
}

/*
 * What trees have put out gets a tree of its own, where few rows may have more copies; and what
 * that one has put out, as long as this helps. Return: number of rows to go on with
 */
static size_t again(struct classifier_build *build, size_t *n_before, uint32_t *ret_left)
{
	size_t n = build->n_residual, i;

	if (n > *n_before / 2 || build->shape.trees == CLASSIFIER_TREES_MAX)
		return 0;
	*n_before = n;
	classifier_residual_sort(build);
	for (i = 0; i < n; i++) {
		ret_left[i] = build->residual[i];
		build->box[ret_left[i]].evicted = false;
		build->box[ret_left[i]].copies = 1;
	}
	build->n_residual = 0;
	return n;
}

static void build_trees(struct classifier_build *build)
{
	uint32_t *left = arena_new_n(&build->arena, uint32_t, build->n_boxes);
	uint32_t *taken = arena_new_n(&build->arena, uint32_t, build->n_boxes);
	size_t n_left = build->n_boxes, n_again = 2 * n_left, n_taken, i;
	struct classifier_split split;

	for (i = 0; i < n_left; i++)
		left[i] = i;
	while (n_left) {
		memset(&split, 0, sizeof(split));	/* takes all */
		if (build->shape.trees < CLASSIFIER_TREES_MAX - 1 &&
		    n_left > CLASSIFIER_LEAF_MAX &&
		    classifier_split_best(build, left, n_left, &split) * n_left <
		    SHARE_MIN * build->n_boxes)
			memset(&split, 0, sizeof(split));
		n_taken = take(build, &split, left, &n_left, taken);
		classifier_tree_add(build, &split, taken, n_taken);
		if (!n_left)
			n_left = again(build, &n_again, left);
	}
}

/* Best prio first: what has matched makes the rest needless */
static void build_order(struct classifier_build *build)
{
	unsigned int i, j;

	for (i = 1; i < build->shape.trees; i++) {
		struct classifier_tree tree = build->shape.tree[i];
		struct classifier_way way = build->slowest[i];

		for (j = i; j && build->shape.tree[j - 1].prio > tree.prio; j--) {
			build->shape.tree[j] = build->shape.tree[j - 1];
			build->slowest[j] = build->slowest[j - 1];
		}
		build->shape.tree[j] = tree;
		build->slowest[j] = way;
	}
}

static int build_family(struct classifier_build *build)
{
	if (build->n_boxes <= CLASSIFIER_LIST_MAX) {
		build_list(build);
	} else {
		build_trees(build);
		build_order(build);
	}
	build->shape.nodes = build->n_nodes;
	build->shape.rows = build->n_leaf_rows;
	return build->full ? -E2BIG : classifier_residual_build(build);
}

/* ---- trees to bytes ---- */
static void rows_write(const struct classifier_build *build, const uint32_t *box, size_t n,
		       uint8_t *at)
{
	size_t i;

	for (i = 0; i < n; i++, at += classifier_row_size(build->family)) {
		const struct classifier_row *row = &build->row[build->box[box[i]].row];

		if (build->family == 4)
			classifier_row4_pack(row, (struct classifier_row4 *)at);
		else
			classifier_row6_pack(row, (struct classifier_row6 *)at);
	}
}

/* Offsets of a family's parts from @at. Return: where the next begins; rows are 64-byte aligned */
static uint64_t family_place(struct classifier_family *shape, unsigned int family, uint64_t at)
{
	size_t row_size = classifier_row_size(family);
	unsigned int i;

	at = (at + 63) & ~63ULL;
	shape->rows_off = at;
	at += (shape->rows + CLASSIFIER_LEAF_MAX) * row_size;
	shape->nodes_off = at;
	for (i = 0; i < shape->trees; i++)	/* from an index of nodes */
		shape->tree[i].roots_off = at + shape->tree[i].roots_off * sizeof(uint64_t);
	at += shape->nodes * sizeof(uint64_t);
	at = (at + 63) & ~63ULL;
	shape->residual_off = at;
	at += shape->residual * row_size;
	shape->vectors_off = at;
	at += (uint64_t)shape->windows * 256 * shape->words * sizeof(uint64_t);
	shape->prios_off = at;
	return at + shape->words * sizeof(uint32_t);
}

static void family_write(const struct classifier_build *build, uint8_t *image)
{
	const struct classifier_family *shape = &build->shape;
	uint32_t *prio = (uint32_t *)(image + shape->prios_off), i;

	rows_write(build, build->leaf_row, build->n_leaf_rows, image + shape->rows_off);
	rows_write(build, build->residual, build->n_residual, image + shape->residual_off);
	if (build->n_nodes)
		memcpy(image + shape->nodes_off, build->node, build->n_nodes * sizeof(uint64_t));
	if (shape->windows)
		memcpy(image + shape->vectors_off, build->vector,
		       (size_t)shape->windows * 256 * shape->words * sizeof(uint64_t));
	for (i = 0; i < shape->words; i++)
		prio[i] = build->row[build->box[build->residual[64 * i]].row].prio <<
			  CLASSIFIER_EDGE_BITS;
}

static uint64_t shape_place(struct classifier_shape *shape, struct classifier_build *build)
{
	uint64_t at = sizeof(struct classifier_head);
	unsigned int i;

	shape->view_off = at;
	shape->gone_mask = 63;
	while (shape->gone_mask < shape->rules)
		shape->gone_mask = 2 * shape->gone_mask + 1;
	shape->view_size = CLASSIFIER_VIEW_GONE + (shape->gone_mask + 1) / 8;
	at += 2 * shape->view_size;
	shape->ext_off = at;
	if (shape->ext_size)
		at += (uint64_t)(shape->exts + 2 * CLASSIFIER_VIEW_EXTS) * shape->ext_size;
	for (i = 0; i < 2; i++) {
		at = family_place(&build[i].shape, build[i].family, at);
		shape->family[i] = build[i].shape;
	}
	return at;
}

static void image_write(const struct classifier_shape *shape, const struct classifier_build *build,
			const struct classifier_ext *ext, uint8_t *image)
{
	if (shape->exts)
		memcpy(image + shape->ext_off, ext->data, (size_t)shape->exts * shape->ext_size);
	((struct classifier_head *)image)->none = ~0ULL;
	family_write(&build[0], image);
	family_write(&build[1], image);
}

/* ---- why not ---- */
static int blame_cmp(const void *a, const void *b)
{
	const struct classifier_box *x = *(struct classifier_box *const *)a;
	const struct classifier_box *y = *(struct classifier_box *const *)b;

	if (x->copies != y->copies)
		return x->copies > y->copies ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

/* The rows that were copied most; of a residual that is too large, the first ones */
static void blame_rows(const struct classifier_build *build, struct classifier_blame *ret_blame)
{
	const struct classifier_box **box;
	uint32_t prio = 0;
	size_t n = 0, i;

	box = malloc(build->n_boxes * sizeof(*box));
	if (!box)
		arena_no_memory();
	for (i = 0; i < build->n_boxes; i++)
		if (build->full || build->box[i].evicted)
			box[n++] = &build->box[i];
	qsort(box, n, sizeof(*box), blame_cmp);
	for (i = 0; i < n && ret_blame->n < 3; i++) {
		if (ret_blame->n && build->row[box[i]->row].prio == prio)
			continue;
		prio = build->row[box[i]->row].prio;
		ret_blame->row[ret_blame->n++] = box[i]->row;
	}
	free(box);
}

static void blame(const struct classifier_build *build, uint64_t bytes_max,
		  struct classifier_blame *ret_blame)
{
	memset(ret_blame, 0, sizeof(*ret_blame));
	if (!build->full && build->n_residual > CLASSIFIER_RESIDUAL_MAX)
		snprintf(ret_blame->text, sizeof(ret_blame->text),
			 "%zu rows overlap so much that addresses, ports and protocol do not tell "
			 "them apart (at most %d may): a set would be one row",
			 build->n_residual, CLASSIFIER_RESIDUAL_MAX);
	else
		snprintf(ret_blame->text, sizeof(ret_blame->text),
			 "more than %llu MiB of memory for %zu IPv%u rows: those that overlap many "
			 "others are copied most",
			 (unsigned long long)bytes_max >> 20, build->n_boxes, build->family);
	blame_rows(build, ret_blame);
}

/* ---- the whole ---- */
static int image_new(struct classifier_build *build, const struct classifier_ext *ext,
		     uint64_t size, struct classifier *classifier)
{
	size = (size + 7) & ~7ULL;
	classifier->image = calloc(1, size);
	if (!classifier->image)
		return -ENOMEM;
	classifier->size = size;
	classifier->shape.size = size;
	image_write(&classifier->shape, build, ext, classifier->image);
	classifier_cost(&build[0], classifier->image, &classifier->shape, &classifier->cost[0]);
	classifier_cost(&build[1], classifier->image, &classifier->shape, &classifier->cost[1]);
	return 0;
}

int classifier_build(const struct classifier_rows *rows, unsigned int rules,
		     const struct classifier_ext *ext, const struct classifier_limits *limits,
		     struct classifier *ret, struct classifier_blame *ret_blame)
{
	uint64_t bytes_max = limits && limits->bytes_max ? limits->bytes_max :
			     IMAGE_BYTES + (uint64_t)rules * RULE_BYTES, size;
	struct classifier classifier = {
		.rules = rules,
		.shape = { .rules = rules, .ext_size = ext ? ext->size : 0,
			   .exts = ext ? ext->n : 0 },
	};
	struct classifier_build build[2];
	int r = 0, i;

	if (bytes_max > CLASSIFIER_BYTES_MAX)
		bytes_max = CLASSIFIER_BYTES_MAX;
	for (i = 0; i < 2; i++)
		build_init(&build[i], rows, i ? 6 : 4, bytes_max);
	for (i = 0; i < 2 && r == 0; i++) {
		r = build_family(&build[i]);
		if (r < 0)
			blame(&build[i], bytes_max, ret_blame);
	}
	if (r < 0)
		goto out;
	size = shape_place(&classifier.shape, build);
	if (size > bytes_max) {
		i = build[1].n_boxes > build[0].n_boxes;
		build[i].full = true;
		blame(&build[i], bytes_max, ret_blame);
		r = -E2BIG;
		goto out;
	}
	r = image_new(build, ext, size, &classifier);
	if (r == 0)
		*ret = classifier;
out:
	arena_fini(&build[0].arena);
	arena_fini(&build[1].arena);
	return r;
}

void classifier_fini(struct classifier *classifier)
{
	free(classifier->image);
	memset(classifier, 0, sizeof(*classifier));
}
