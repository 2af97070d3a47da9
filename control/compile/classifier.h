/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* classifier.h - build the classifier's image from boxes (dataplane/lib/classifier.h). Pure */
#ifndef COMPILE_CLASSIFIER_H
#define COMPILE_CLASSIFIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/buf.h>

#include "../../dataplane/lib/classifier.h"

/* A box, host order. Rows of one rule have one prio and never contradict each other */
struct classifier_row {
	uint64_t saddr[2], daddr[2];	/* masked; high half first; IPv4: low 32 bits of [1] */
	uint8_t family;			/* 4 or 6 */
	uint8_t slen, dlen;		/* prefix lengths: to 32, to 128 */
	uint8_t edge;
	uint16_t sport_first, sport_last;
	uint16_t dport_first, dport_last;
	uint32_t meta, meta_mask;	/* of CLASSIFIER_META; meta within the mask */
	uint32_t prio;			/* below 1 << 28; of base rule i: (i + 1) * PRIO_GAP */
	uint32_t ref;
};

struct classifier_rows {
	struct classifier_row *row;	/* by prio */
	size_t n;
};

struct classifier_ext {			/* extensions, opaque here */
	const void *data;
	size_t size;			/* bytes of one; a multiple of 8 */
	unsigned int n;
};

struct classifier_cost {		/* of one family */
	unsigned int rows, trees, depth, residual;
	unsigned int steps;		/* worst case: nodes and rows read for a packet */
	double mean_steps;		/* over the regions' shares of the rows */
	size_t bytes;
	struct {			/* where the worst case is */
		uint64_t saddr[2], daddr[2];
		uint8_t slen, dlen;
		unsigned int steps;
	} slowest;
};

struct classifier {
	uint8_t *image;			/* heap */
	size_t size;
	struct classifier_shape shape;	/* rodata of the programs that walk it */
	struct classifier_cost cost[2];	/* IPv4 and what is no IP; IPv6 */
	unsigned int rules;		/* room of the views' tombstones */
};

struct classifier_limits {
	size_t bytes_max;		/* of the image; 0: 64 MiB + 4 KiB a rule */
};

/* Why a set cannot be built: the rules that take most, by the index of their first row */
struct classifier_blame {
	char text[256];
	size_t row[3];
	unsigned int n;
};

/**
 * classifier_build() - Rows to an image
 * Deterministic: equal rows, equal image. At most 16 rows of a family get the cheapest form, a
 * list.
 * @rules:	Number of rules of the base: every prio is below (rules + 1) * CLASSIFIER_PRIO_GAP
 * @ret:	classifier_fini() releases it; untouched on failure
 * Return: 0; -E2BIG: above the limits, blame tells; -ENOMEM
 */
int classifier_build(const struct classifier_rows *rows, unsigned int rules,
		     const struct classifier_ext *ext, const struct classifier_limits *limits,
		     struct classifier *ret, struct classifier_blame *ret_blame);
void classifier_fini(struct classifier *classifier);

/**
 * classifier_view() - Write a view of an image: what came and what went since it was built
 * Not the one in force. The difference is to the base, not to the other view.
 * @image:	The running image (its map), of @shape
 * @view:	0 or 1
 * @add:	Rows with a prio between those of the base; ref's extensions counted from
 *		classifier_view_ext()
 * @gone:	Base rules that no longer count, ascending
 * Any rule may go: the image has the rows that others hide, too.
 * Return: 0; -ENOSPC: more than a view holds; -EINVAL: no such base rule
 */
int classifier_view(void *image, const struct classifier_shape *shape, unsigned int view,
		    const struct classifier_rows *add, const struct classifier_ext *ext,
		    const uint32_t *gone, unsigned int n_gone);
/* Index of a view's first extension */
uint32_t classifier_view_ext(const struct classifier_shape *shape, unsigned int view);
/* Put a view in force: one store */
void classifier_switch(void *image, unsigned int view);
unsigned int classifier_in_force(const void *image);

/*
 * What a packet's key matches: the walk of lib/classify.h in C, for tests.
 * Return: the row's prio (edge included), CLASSIFIER_NONE: none; above prio @floor (without edge)
 */
uint32_t classifier_find(const void *image, const struct classifier_shape *shape,
			 unsigned int family, const uint32_t *key, uint32_t floor,
			 uint32_t *ret_ref);

#endif
