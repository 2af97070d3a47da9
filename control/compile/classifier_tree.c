// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * classifier_tree.c - rows to a tree: roots by hash, cuts below them, leaves
 *
 * DOC: A bucket of more rows than a leaf wants is cut, as in HiCuts (Gupta, McKeown,
 * 1999). A row that would be in too many children goes to the residual instead; so do
 * rows of a leaf that holds too many and cannot be cut. This bounds memory and
 * steps. Leaves of equal rows are one.
 */
#include <stdlib.h>
#include <string.h>

#include "classifier_priv.h"

#define LEAF_WANTED	8	/* rows: a level more is a cache line more */
#define CACHE_LINE	64	/* a row of IPv6, two of IPv4: a leaf of several begins one */
#define COPIES_MIN	256	/* of a row, for the largest tree */
#define COPIES_MAX	512	/* for small ones */

static void *memory(size_t n, size_t size)
{
	void *p = malloc(n ? n * size : 1);

	if (!p)
		arena_no_memory();
	return p;
}

static void evict(struct classifier_build *build, uint32_t box)
{
	build->box[box].evicted = true;
	*arena_push(&build->arena, build->residual, build->n_residual) = box;
}

/* ---- leaves ---- */
static uint64_t leaf_hash(const uint32_t *list, size_t n)
{
	uint64_t hash = 0;

	while (n--)
		hash = (hash + *list++ + 1) * CLASSIFIER_HASH0;
	return hash;
}

static void leaf_table_grow(struct classifier_build *build)
{
	unsigned int bits = build->leaf_table_bits ? build->leaf_table_bits + 2 : 10;
	uint32_t *table = arena_new_n(&build->arena, uint32_t, (size_t)1 << bits);
	size_t i, at;

	for (i = 0; i < build->n_leaves; i++) {
		at = leaf_hash(&build->leaf_row[build->leaf[i].base], build->leaf[i].n) >>
		     (64 - bits);
		while (table[at])
			at = (at + 1) & ((1u << bits) - 1);
		table[at] = i + 1;
	}
	build->leaf_table = table;
	build->leaf_table_bits = bits;
}

/* The leaf that has these rows already, or a new one. Return: index of its first row */
static uint32_t leaf_place(struct classifier_build *build, const uint32_t *list, size_t n)
{
	struct classifier_leaf *leaf;
	size_t i, at;

	if (!build->leaf_table_bits || build->n_leaves >= 1u << (build->leaf_table_bits - 1))
		leaf_table_grow(build);
	for (at = leaf_hash(list, n) >> (64 - build->leaf_table_bits); build->leaf_table[at];
	     at = (at + 1) & ((1u << build->leaf_table_bits) - 1)) {
		leaf = &build->leaf[build->leaf_table[at] - 1];
		if (leaf->n == n && !memcmp(&build->leaf_row[leaf->base], list, n * sizeof(*list)))
			return leaf->base;
	}
	if (n > 1 && build->n_leaf_rows * classifier_row_size(build->family) % CACHE_LINE)
		*arena_push(&build->arena, build->leaf_row, build->n_leaf_rows) = list[0];
	leaf = arena_push(&build->arena, build->leaf, build->n_leaves);
	*leaf = (struct classifier_leaf){ build->n_leaf_rows, n };
	build->leaf_table[at] = build->n_leaves;
	for (i = 0; i < n; i++)
		*arena_push(&build->arena, build->leaf_row, build->n_leaf_rows) = list[i];
	return leaf->base;
}

static uint64_t leaf_build(struct classifier_build *build, const uint32_t *list, size_t n,
			   unsigned int depth)
{
	struct classifier_tree *tree = &build->shape.tree[build->shape.trees];
	struct classifier_way *slowest = &build->slowest[build->shape.trees];
	uint32_t kept[CLASSIFIER_LEAF_MAX];
	size_t i, n_kept = 0;
	uint64_t prio;

	for (i = 0; i < n; i++) {
		if (build->box[list[i]].evicted)
			continue;
		if (n_kept == CLASSIFIER_LEAF_MAX)
			evict(build, list[i]);
		else
			kept[n_kept++] = list[i];
	}
	if (depth > tree->depth)
		tree->depth = depth;
	if (!n_kept)
		return CLASSIFIER_LEAF;
	if (n_kept > tree->leaf)
		tree->leaf = n_kept;
	if (depth + n_kept > slowest->steps)
		*slowest = (struct classifier_way){ depth + n_kept, kept[0] };
	prio = build->row[build->box[kept[0]].row].prio / CLASSIFIER_PRIO_GAP;
	return CLASSIFIER_LEAF | prio << CLASSIFIER_PRIO_AT |
	       (uint64_t)n_kept << CLASSIFIER_COUNT_SHIFT |
	       (uint64_t)leaf_place(build, kept, n_kept) << CLASSIFIER_BASE_SHIFT;
}

/* ---- nodes ---- */
/* Leaves without rows, until they are something else */
static uint32_t nodes_new(struct classifier_build *build, size_t n)
{
	size_t base = build->n_nodes;

	while (n--)
		*arena_push(&build->arena, build->node, build->n_nodes) = CLASSIFIER_LEAF;
	return base;
}

static bool build_full(struct classifier_build *build, size_t more_nodes)
{
	size_t nodes = build->n_nodes + more_nodes, rows = build->n_leaf_rows;

	build->full |= nodes > CLASSIFIER_BASE_MASK || rows > CLASSIFIER_BASE_MASK ||
		       nodes * sizeof(*build->node) + rows * classifier_row_size(build->family) >
		       build->bytes_max;
	return build->full;
}

static void region_cut(struct classifier_region *region,
		       const struct classifier_window_cut *window, uint32_t child)
{
	uint32_t mask = (1u << window->bits) - 1;

	region->cut[window->word] |= (uint64_t)mask << window->shift;
	if (window->port < 0)
		return;
	region->first[window->port] |= child << window->shift % 16;
	region->last[window->port] &= ~((mask - child) << window->shift % 16);
}

static uint64_t node_build(struct classifier_build *build, const uint32_t *list, size_t n,
			   const struct classifier_region *region, unsigned int depth);

/* Rows that this cut would give too many copies in their tree go */
static void evict_copies(struct classifier_build *build, const uint32_t *list, size_t n,
			 const struct classifier_window_cut *window,
			 const struct classifier_region *region)
{
	struct classifier_children in;
	struct classifier_box *box;
	uint32_t more;
	size_t i;

	for (i = 0; i < n; i++) {
		box = &build->box[list[i]];
		if (box->evicted)
			continue;
		in = classifier_cut_children(box, window, region);
		more = classifier_children_n(&in) - 1;
		if (box->copies + more > build->copies_max)
			evict(build, list[i]);
		else
			box->copies += more;
	}
}

/* Rows by child. Return: all of them; child c's are from ret_start[c] to ret_start[c + 1] */
static uint32_t *deal(const struct classifier_build *build, const uint32_t *list, size_t n,
		      const struct classifier_window_cut *window,
		      const struct classifier_region *region, uint32_t *ret_start)
{
	uint32_t size = 1u << window->bits, c, *dealt = NULL;
	struct classifier_children in;
	int pass;
	size_t i;

	memset(ret_start, 0, (size + 2) * sizeof(*ret_start));
	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < n; i++) {
			const struct classifier_box *box = &build->box[list[i]];

			if (box->evicted)
				continue;
			in = classifier_cut_children(box, window, region);
			for (c = classifier_children_first(&in); c != CLASSIFIER_NONE;
			     c = classifier_children_next(&in, c)) {
				if (pass)
					dealt[ret_start[c + 1]++] = list[i];
				else
					ret_start[c + 2]++;
			}
		}
		if (pass)
			break;
		for (c = 0; c < size; c++)
			ret_start[c + 2] += ret_start[c + 1];
		dealt = memory(ret_start[size + 1], sizeof(*dealt));
	}
	return dealt;
}

static uint64_t node_cut(struct classifier_build *build, const uint32_t *list, size_t n,
			 const struct classifier_region *region, unsigned int depth,
			 const struct classifier_window_cut *window)
{
	uint32_t start[(1 << CLASSIFIER_BITS_MAX) + 2], size = 1u << window->bits, base, c, *dealt;
	struct classifier_region child;
	uint64_t node;

	evict_copies(build, list, n, window, region);
	dealt = deal(build, list, n, window, region, start);
	base = nodes_new(build, size);
	for (c = 0; c < size; c++) {
		if (start[c] == start[c + 1])
			continue;
		child = *region;
		region_cut(&child, window, c);
		node = node_build(build, dealt + start[c], start[c + 1] - start[c], &child,
				  depth + 1);
		build->node[base + c] = node;
	}
	free(dealt);
	return (uint64_t)window->word << CLASSIFIER_WORD_AT |
	       (uint64_t)(size - 1) << CLASSIFIER_WINDOW_AT |
	       (uint64_t)window->shift << CLASSIFIER_SHIFT_AT |
	       (uint64_t)base << CLASSIFIER_BASE_SHIFT;
}

static uint64_t node_build(struct classifier_build *build, const uint32_t *list, size_t n,
			   const struct classifier_region *region, unsigned int depth)
{
	struct classifier_window_cut window;

	if (n <= LEAF_WANTED || depth == CLASSIFIER_DEPTH_MAX ||
	    build_full(build, 1 << CLASSIFIER_BITS_MAX) ||
	    !classifier_cut_best(build, list, n, region, &window))
		return leaf_build(build, list, n, depth);
	return node_cut(build, list, n, region, depth, &window);
}

/* ---- roots ---- */
struct rooted {
	uint64_t hash;
	uint32_t box;
};

static int rooted_cmp(const void *a, const void *b)
{
	const struct rooted *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->box < y->box ? -1 : x->box > y->box;
}

static int index_cmp(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void root_build(struct classifier_build *build, const struct rooted *rooted, size_t n)
{
	const struct classifier_tree *tree = &build->shape.tree[build->shape.trees];
	struct classifier_region region = { .last = { 0xffff, 0xffff } };
	uint32_t *list = memory(n, sizeof(*list));
	uint64_t bloom = 0, node;
	size_t i;

	for (i = 0; i < n; i++) {
		list[i] = rooted[i].box;
		bloom |= 1ULL << (rooted[i].hash >> tree->bloom_shift &
				  ((1 << CLASSIFIER_BLOOM_BITS) - 1));
	}
	if (rooted[0].hash == rooted[n - 1].hash)	/* they differ in other bits alone */
		memcpy(region.cut, tree->mask, sizeof(region.cut));
	else
		qsort(list, n, sizeof(*list), index_cmp);
	node = node_build(build, list, n, &region, 1);
	build->node[tree->roots_off + (rooted[0].hash >> tree->shift)] = node | bloom;
	free(list);
}

/* A table of as many roots as there are hashes, about */
static void roots_new(struct classifier_build *build, const struct rooted *rooted, size_t n)
{
	struct classifier_tree *tree = &build->shape.tree[build->shape.trees];
	unsigned int bits = 1;
	size_t i, hashes = 0;

	for (i = 0; i < n; i++)
		hashes += !i || rooted[i].hash != rooted[i - 1].hash;
	while ((size_t)1 << bits < hashes)
		bits++;
	tree->shift = 64 - bits;
	tree->bloom_shift = tree->shift - CLASSIFIER_BLOOM_BITS;
	tree->roots_off = nodes_new(build, (size_t)1 << bits);
}

void classifier_tree_add(struct classifier_build *build, const struct classifier_split *split,
			 const uint32_t *list, size_t n)
{
	struct classifier_tree *tree = &build->shape.tree[build->shape.trees];
	struct rooted *rooted = memory(n, sizeof(*rooted));
	size_t i, j;

	memset(tree, 0, sizeof(*tree));
	memcpy(tree->mask, split->mask, sizeof(tree->mask));
	build->copies_max = 2 * build->n_boxes / n;
	if (build->copies_max < COPIES_MIN)
		build->copies_max = COPIES_MIN;
	if (build->copies_max > COPIES_MAX)
		build->copies_max = COPIES_MAX;
	tree->prio = build->row[build->box[list[0]].row].prio << CLASSIFIER_EDGE_BITS;
	for (i = 0; i < n; i++)
		rooted[i] = (struct rooted){
			classifier_split_hash(tree->mask, build->box[list[i]].value, build->words),
			list[i],
		};
	qsort(rooted, n, sizeof(*rooted), rooted_cmp);
	roots_new(build, rooted, n);
	for (i = 0; i < n; i = j) {
		for (j = i; j < n && rooted[j].hash >> tree->shift ==
		     rooted[i].hash >> tree->shift; j++)
			;
		root_build(build, rooted + i, j - i);
	}
	build->shape.trees++;
	free(rooted);
}
