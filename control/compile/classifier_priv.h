/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* classifier_priv.h - what the files of the classifier share */
#ifndef COMPILE_CLASSIFIER_PRIV_H
#define COMPILE_CLASSIFIER_PRIV_H

#include <base/arena.h>

#include "classifier.h"

/* A row as its tree sees it: bits of the key's words that it knows, and intervals of ports */
struct classifier_box {
	uint64_t value[CLASSIFIER_KEY6], mask[CLASSIFIER_KEY6];
	uint16_t first[2], last[2];	/* sport, dport */
	uint32_t row;			/* index in the rows of the build */
	uint32_t copies;		/* of it in its tree; bounds memory */
	bool evicted;			/* to the residual */
};

struct classifier_leaf {
	uint32_t base, n;
};

/* The slowest way through a tree */
struct classifier_way {
	unsigned int steps;
	uint32_t box;			/* one of the rows at its end */
};

/* One family's way from rows to nodes, leaves and residual. Indices of boxes are by prio */
struct classifier_build {
	const struct classifier_row *row;	/* of both families */
	unsigned int family;			/* 4 or 6 */
	unsigned int words;			/* of the key; the last one is ports << 32 | meta */
	struct arena arena;
	struct classifier_box *box;
	size_t n_boxes;
	uint64_t *node;
	size_t n_nodes;
	uint32_t *leaf_row;			/* boxes of the leaves, one leaf after the other */
	size_t n_leaf_rows;
	struct classifier_leaf *leaf;		/* each once */
	size_t n_leaves;
	uint32_t *leaf_table;			/* open hash of them: index + 1 */
	unsigned int leaf_table_bits;
	uint32_t *residual;			/* boxes */
	size_t n_residual;
	uint64_t *vector;			/* of the residual */
	size_t bytes_max;			/* of nodes and leaves */
	unsigned int copies_max;		/* of a row, in the tree that grows */
	bool full;				/* above bytes_max: no node is cut any more */
	struct classifier_way slowest[CLASSIFIER_TREES_MAX];
	struct classifier_family shape;
};

/* ---- classifier_box.c: forms of a row ---- */
void classifier_box_init(struct classifier_box *box, const struct classifier_row *row,
			 uint32_t index);
void classifier_row4_pack(const struct classifier_row *row, struct classifier_row4 *ret);
void classifier_row6_pack(const struct classifier_row *row, struct classifier_row6 *ret);
static inline size_t classifier_row_size(unsigned int family)
{
	return family == 4 ? sizeof(struct classifier_row4) : sizeof(struct classifier_row6);
}

/* ---- classifier_split.c: which rows share a tree ---- */
struct classifier_split {
	__u64 mask[CLASSIFIER_KEY6];
};

/*
 * The mask under which most of the rows @list would be found quickly.
 * Return: share of the rows that would, 0 to 1
 */
double classifier_split_best(const struct classifier_build *build, const uint32_t *list, size_t n,
			     struct classifier_split *ret_split);
bool classifier_split_takes(const struct classifier_split *split,
			    const struct classifier_box *box);
uint64_t classifier_split_hash(const __u64 *mask, const uint64_t *key, unsigned int words);

/* ---- classifier_tree.c, classifier_cut.c ---- */
/* What the rows of a node have in common by the cuts above it */
struct classifier_region {
	uint64_t cut[CLASSIFIER_KEY6];	/* bits that were looked at */
	uint16_t first[2], last[2];	/* of ports */
};

struct classifier_window_cut {
	uint8_t word, shift, bits;
	int8_t port;			/* 0, 1; -1: bits alone */
};

/* Children of a window that a row is in: for (c = first; c != CLASSIFIER_NONE; c = next) */
struct classifier_children {
	uint32_t first, last;		/* an interval, of a port */
	uint32_t value, wild;		/* or all that differ from value in bits of wild alone */
	bool interval;
};

struct classifier_children classifier_cut_children(const struct classifier_box *box,
						   const struct classifier_window_cut *window,
						   const struct classifier_region *region);
uint32_t classifier_children_n(const struct classifier_children *in);
uint32_t classifier_children_first(const struct classifier_children *in);
uint32_t classifier_children_next(const struct classifier_children *in, uint32_t c);

/* The window that tells the rows @list apart best. Return: whether there is any */
bool classifier_cut_best(const struct classifier_build *build, const uint32_t *list, size_t n,
			 const struct classifier_region *region,
			 struct classifier_window_cut *ret_window);

/* Rows @list, by prio, as the next tree; those that it cannot hold are in build->residual then */
void classifier_tree_add(struct classifier_build *build, const struct classifier_split *split,
			 const uint32_t *list, size_t n);

/* ---- classifier_residual.c ---- */
void classifier_residual_sort(struct classifier_build *build);
/* build->residual to vectors. Return: 0; -E2BIG: too many */
int classifier_residual_build(struct classifier_build *build);

/* ---- classifier_find.c ---- */
/* As classifier_find(), of the key's words as trees have them; *steps: nodes and rows read */
uint32_t classifier_walk(const void *image, const struct classifier_shape *shape,
			 unsigned int family, const uint64_t *key, uint32_t floor,
			 uint32_t *ret_ref, unsigned int *steps);

/* ---- classifier_cost.c ---- */
void classifier_cost(const struct classifier_build *build, const void *image,
		     const struct classifier_shape *shape, struct classifier_cost *ret_cost);

#endif
