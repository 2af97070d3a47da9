// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * classifier_residual.c - rows that no tree holds: bit vectors chosen by windows of the key
 *
 * DOC: After Lakshman, Stiliadis (SIGCOMM 1998): for every value of a window a
 * vector with a bit for each row that such a packet may match; the conjunction of one
 * vector of each window is what must be compared, lowest prio first. Rows are compared
 * whole: windows are whatever tells most rows apart, not all of the key.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "classifier_priv.h"

#define SAMPLES		256	/* packets that windows are judged by */
#define VALUES		256	/* of a window */
#define FIELDS_MAX	48	/* windows to choose from */
#define GAIN_MIN	0.75	/* what a window must leave of the candidates, at most */

struct field {
	struct classifier_window window;
	int port;			/* 0, 1; -1: bits alone */
};

/* Every half byte of the addresses, both halves of the ports, protocol, flags */
static unsigned int fields(const struct classifier_build *build, struct field *ret_field)
{
	unsigned int last = build->words - 1, n = 0, w, shift;

	for (w = 0; w < last; w++)
		for (shift = 0; shift <= 56; shift += build->family == 4 ? 4 : 8)
			ret_field[n++] = (struct field){ { w, shift }, -1 };
	for (shift = 32; shift <= 56; shift += 8)
		ret_field[n++] = (struct field){ { last, shift }, shift < 48 };
	ret_field[n++] = (struct field){ { last, 0 }, -1 };
	ret_field[n++] = (struct field){ { last, 16 }, -1 };
	return n;
}

static bool port_may(const struct classifier_box *box, const struct field *field, uint32_t value)
{
	uint32_t first = box->first[field->port], last = box->last[field->port];

	if (field->window.shift % 16 == 8)
		return value >= first >> 8 && value <= last >> 8;
	if (last - first >= VALUES - 1)
		return true;
	return (value - first) % VALUES <= last - first;
}

/* May a packet with this value in the window match the row? */
static bool box_may(const struct classifier_box *box, const struct field *field, uint32_t value)
{
	const struct classifier_window *window = &field->window;
	uint64_t differ;

	if (field->port >= 0)
		return port_may(box, field, value);
	differ = box->value[window->word] >> window->shift ^ value;
	return !(differ & box->mask[window->word] >> window->shift & (VALUES - 1));
}

static void vectors(const struct classifier_build *build, const struct field *field,
		    uint64_t *ret_vector)
{
	uint32_t words = build->shape.words, value;
	size_t i;

	memset(ret_vector, 0, sizeof(*ret_vector) * VALUES * words);
	for (i = 0; i < build->n_residual; i++)
		for (value = 0; value < VALUES; value++)
			if (box_may(&build->box[build->residual[i]], field, value))
				ret_vector[value * words + i / 64] |= 1ULL << i % 64;
}

/* A packet that the row matches; bits that it does not know are anything */
static void sample(const struct classifier_build *build, const struct classifier_box *box,
		   uint64_t *state, uint64_t *ret_key)
{
	unsigned int last = build->words - 1, i;
	uint64_t port[2];

	for (i = 0; i < build->words; i++) {
		*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
		ret_key[i] = box->value[i] | (~box->mask[i] & (*state >> 32 | *state << 32));
	}
	for (i = 0; i < 2; i++) {
		*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
		port[i] = box->first[i] + (*state >> 33) % (box->last[i] - box->first[i] + 1u);
	}
	ret_key[last] = (ret_key[last] & 0xffffffff) | port[0] << 48 | port[1] << 32;
}

struct choice {
	struct field field[FIELDS_MAX];
	unsigned int n_fields;
	uint64_t key[SAMPLES][CLASSIFIER_KEY6];
	uint64_t *left;			/* of each sample: rows that may match still */
	uint64_t *vector;		/* of the field that is judged */
	uint64_t *best;			/* of the best one so far */
};

/* Rows to compare, over all samples */
static uint64_t judge(const struct choice *choice, const struct classifier_window *window,
		      const uint64_t *vector, uint32_t words)
{
	uint64_t sum = 0;
	uint32_t i, w, value;

	for (i = 0; i < SAMPLES; i++) {
		value = choice->key[i][window->word] >> window->shift & (VALUES - 1);
		for (w = 0; w < words; w++)
			sum += __builtin_popcountll(choice->left[i * words + w] &
						    vector[value * words + w]);
	}
	return sum;
}

/* The window that leaves fewest rows to compare. Return: how many, of all samples */
static uint64_t choose(const struct classifier_build *build, struct choice *choice,
		       uint64_t before, struct classifier_window *ret_window)
{
	uint32_t words = build->shape.words;
	uint64_t best = before, left;
	unsigned int f;

	for (f = 0; f < choice->n_fields; f++) {
		vectors(build, &choice->field[f], choice->vector);
		left = judge(choice, &choice->field[f].window, choice->vector, words);
		if (left >= best)
			continue;
		best = left;
		*ret_window = choice->field[f].window;
		memcpy(choice->best, choice->vector, sizeof(*choice->best) * VALUES * words);
	}
	return best;
}

static void narrow(struct choice *choice, const struct classifier_window *window, uint32_t words)
{
	uint32_t i, w, value;

	for (i = 0; i < SAMPLES; i++) {
		value = choice->key[i][window->word] >> window->shift & (VALUES - 1);
		for (w = 0; w < words; w++)
			choice->left[i * words + w] &= choice->best[value * words + w];
	}
}

static void choose_all(struct classifier_build *build, struct choice *choice)
{
	struct classifier_family *shape = &build->shape;
	size_t size = (size_t)VALUES * shape->words;
	uint64_t state = 1, before, left;
	struct classifier_window window;
	size_t i;

	for (i = 0; i < SAMPLES; i++)
		sample(build, &build->box[build->residual[i % build->n_residual]], &state,
		       choice->key[i]);
	for (i = 0; i < build->n_residual; i++)
		choice->left[i / 64] |= 1ULL << i % 64;
	for (i = 1; i < SAMPLES; i++)
		memcpy(choice->left + i * shape->words, choice->left,
		       shape->words * sizeof(*choice->left));
	before = (uint64_t)SAMPLES * build->n_residual;
	while (shape->windows < CLASSIFIER_WINDOWS_MAX) {
		left = choose(build, choice, before, &window);
		if (left >= before * (shape->windows ? GAIN_MIN : 1))
			break;
		narrow(choice, &window, shape->words);
		memcpy(build->vector + shape->windows * size, choice->best,
		       size * sizeof(*choice->best));
		shape->window[shape->windows++] = window;
		before = left;
	}
}

static int index_cmp(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

void classifier_residual_sort(struct classifier_build *build)
{
	if (build->n_residual)
		qsort(build->residual, build->n_residual, sizeof(*build->residual), index_cmp);
}

int classifier_residual_build(struct classifier_build *build)
{
	struct classifier_family *shape = &build->shape;
	struct choice *choice;
	size_t size;

	if (!build->n_residual)
		return 0;
	if (build->n_residual > CLASSIFIER_RESIDUAL_MAX)
		return -E2BIG;
	classifier_residual_sort(build);
	shape->residual = build->n_residual;
	shape->residual_prio = build->row[build->box[build->residual[0]].row].prio <<
			       CLASSIFIER_EDGE_BITS;
	shape->words = (build->n_residual + 63) / 64;
	size = (size_t)VALUES * shape->words;
	choice = arena_new(&build->arena, struct choice);
	choice->n_fields = fields(build, choice->field);
	choice->left = arena_new_n(&build->arena, uint64_t, (size_t)SAMPLES * shape->words);
	choice->vector = arena_new_n(&build->arena, uint64_t, size);
	choice->best = arena_new_n(&build->arena, uint64_t, size);
	build->vector = arena_new_n(&build->arena, uint64_t, size * CLASSIFIER_WINDOWS_MAX);
	choose_all(build, choice);
	return 0;
}
