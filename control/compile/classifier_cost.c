// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* classifier_cost.c - what an image costs: memory; steps: nodes, vectors, rows that are read */
#include "classifier_priv.h"

#define SAMPLES		4096	/* packets of the mean */

/* The corner of a row's box where the addresses are lowest or highest, the ports in the middle */
static void corner(const struct classifier_build *build, const struct classifier_box *box,
		   unsigned int i, uint64_t *ret_key)
{
	unsigned int last = build->words - 1, w;

	for (w = 0; w < build->words; w++)
		ret_key[w] = box->value[w] | (i & 1 && w != last ? ~box->mask[w] : 0);
	ret_key[last] = (ret_key[last] & 0xffffffff) |
			(uint64_t)((box->first[0] + box->last[0]) / 2) << 48 |
			(uint64_t)((box->first[1] + box->last[1]) / 2) << 32;
}

static double mean_steps(const struct classifier_build *build, const void *image,
			 const struct classifier_shape *shape)
{
	size_t step = (build->n_boxes + SAMPLES - 1) / SAMPLES, i, n = 0;
	uint64_t key[CLASSIFIER_KEY6];
	unsigned int steps;
	double sum = 0;
	uint32_t ref;

	for (i = 0; i < build->n_boxes; i += step) {
		corner(build, &build->box[i], n++, key);
		classifier_walk(image, shape, build->family, key, 0, &ref, &steps);
		sum += steps;
	}
	return n ? sum / n : 0;
}

void classifier_cost(const struct classifier_build *build, const void *image,
		     const struct classifier_shape *shape, struct classifier_cost *ret_cost)
{
	const struct classifier_family *family = &shape->family[build->family == 6];
	struct classifier_cost cost = {
		.rows = build->n_boxes, .trees = family->trees, .residual = family->residual,
		.bytes = family->nodes * sizeof(uint64_t) +
			 (size_t)family->words * family->windows * 256 * sizeof(uint64_t) +
			 (size_t)(family->rows + family->residual) *
			 classifier_row_size(build->family),
	};
	const struct classifier_way *slowest = NULL;
	const struct classifier_row *row;
	unsigned int i;

	cost.steps = family->list + family->words * family->windows + family->residual;
	for (i = 0; i < family->trees; i++) {
		cost.steps += build->slowest[i].steps;
		if (family->tree[i].depth > cost.depth)
			cost.depth = family->tree[i].depth;
		if (!slowest || build->slowest[i].steps > slowest->steps)
			slowest = &build->slowest[i];
	}
	if (build->n_boxes) {
		row = &build->row[build->box[slowest ? slowest->box : 0].row];
		cost.slowest.saddr[0] = row->saddr[0];
		cost.slowest.saddr[1] = row->saddr[1];
		cost.slowest.daddr[0] = row->daddr[0];
		cost.slowest.daddr[1] = row->daddr[1];
		cost.slowest.slen = row->slen;
		cost.slowest.dlen = row->dlen;
		cost.slowest.steps = slowest ? slowest->steps : family->list;
	}
	cost.mean_steps = mean_steps(build, image, shape);
	*ret_cost = cost;
}
