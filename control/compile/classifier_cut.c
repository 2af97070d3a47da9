// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * classifier_cut.c - which bits tell the rows of a node apart
 *
 * DOC: Windows of any adjacent bits of a field, as in ByteCuts (Daly, Torng, 2018):
 * a leaf compares rows whole, hence bits may be skipped. A window of a port begins right
 * below the bits that were cut already, for an interval is told apart by its high bits
 * first. Each place and two widths are judged by the rows that a packet of one of
 * these rows would find in its child, and by copies.
 */
#include <stdlib.h>
#include <string.h>

#include "classifier_priv.h"

#define SAMPLE		256	/* rows that windows are judged by */
#define MAX_PRICE	0.2	/* of a row of the largest child */
#define COPY_PRICE	0.0625	/* of a copy of each row, per row */
#define COPY_ROWS	64	/* not more, in large nodes */

/* Places where windows may lie; none leaves an address's half or a port */
struct field {
	uint8_t word, shift, width;
	int8_t port;
};

static const struct field fields4[] = {
	{ 0, 32, 32, -1 }, { 0, 0, 32, -1 }, { 1, 48, 16, 0 }, { 1, 32, 16, 1 }, { 1, 0, 8, -1 },
	{ 1, 8, 4, -1 }, { 1, 16, 8, -1 },
};

static const struct field fields6[] = {
	{ 0, 0, 64, -1 }, { 1, 0, 64, -1 }, { 2, 0, 64, -1 }, { 3, 0, 64, -1 }, { 4, 48, 16, 0 },
	{ 4, 32, 16, 1 }, { 4, 0, 8, -1 }, { 4, 8, 4, -1 }, { 4, 16, 8, -1 },
};

/* ---- the children that a row is in ---- */
struct classifier_children classifier_cut_children(const struct classifier_box *box,
						   const struct classifier_window_cut *window,
						   const struct classifier_region *region)
{
	uint32_t mask = (1u << window->bits) - 1, first, last, shift;
	struct classifier_children in = { .interval = window->port >= 0 };

	if (!in.interval) {
		in.value = box->value[window->word] >> window->shift & mask;
		in.wild = ~(box->mask[window->word] >> window->shift) & mask;
		return in;
	}
	first = box->first[window->port];
	last = box->last[window->port];
	if (first < region->first[window->port])
		first = region->first[window->port];
	if (last > region->last[window->port])
		last = region->last[window->port];
	shift = window->shift % 16;
	in.first = first >> shift & mask;
	in.last = last >> shift & mask;
	return in;
}

uint32_t classifier_children_n(const struct classifier_children *in)
{
	return in->interval ? in->last - in->first + 1 : 1u << __builtin_popcount(in->wild);
}

uint32_t classifier_children_first(const struct classifier_children *in)
{
	return in->interval ? in->first : in->value;
}

uint32_t classifier_children_next(const struct classifier_children *in, uint32_t c)
{
	if (in->interval)
		return c < in->last ? c + 1 : CLASSIFIER_NONE;
	c = ((c | ~in->wild) + 1) & in->wild;	/* the next subset of the open bits */
	return c ? c | in->value : CLASSIFIER_NONE;
}

/* ---- which window ---- */
struct judge {
	double share[1 << CLASSIFIER_BITS_MAX];	/* packets, if each row had one */
	uint32_t count[1 << CLASSIFIER_BITS_MAX];
	uint64_t differ[CLASSIFIER_KEY6];	/* bits that do not tell all rows the same */
};

static double window_judge(const struct classifier_build *build, const uint32_t *list, size_t n,
			   const struct classifier_window_cut *window,
			   const struct classifier_region *region, struct judge *judge)
{
	uint32_t size = 1u << window->bits, c, n_in, max = 0;
	size_t step = (n + SAMPLE - 1) / SAMPLE, i;
	double copies = 0, mean = 0, seen = 0;
	struct classifier_children in;

	memset(judge->count, 0, size * sizeof(judge->count[0]));
	memset(judge->share, 0, size * sizeof(judge->share[0]));
	for (i = 0; i < n; i += step) {
		in = classifier_cut_children(&build->box[list[i]], window, region);
		n_in = classifier_children_n(&in);
		copies += n_in;
		seen++;
		for (c = classifier_children_first(&in); c != CLASSIFIER_NONE;
		     c = classifier_children_next(&in, c)) {
			judge->count[c]++;
			judge->share[c] += 1.0 / n_in;
		}
	}
	for (c = 0; c < size; c++) {
		mean += judge->count[c] * judge->share[c];
		if (judge->count[c] > max)
			max = judge->count[c];
	}
	return (mean / seen + MAX_PRICE * max) * step +
	       COPY_PRICE * copies / seen * (n < COPY_ROWS ? n : COPY_ROWS);
}

/* The window of @bits bits whose highest is bit @top of the field, if it may be cut */
static bool window_at(const struct field *field, unsigned int top, unsigned int bits,
		      const struct classifier_region *region, struct classifier_window_cut *ret)
{
	uint64_t cut = region->cut[field->word] >> field->shift, mask, above;

	if (bits > top + 1)
		return false;
	*ret = (struct classifier_window_cut){
		.word = field->word, .shift = field->shift + top + 1 - bits, .bits = bits,
		.port = field->port,
	};
	mask = ((1ULL << bits) - 1) << (top + 1 - bits);
	if (cut & mask)
		return false;
	if (field->port < 0)
		return true;
	above = 0xffff & ~((2ULL << top) - 1);
	return (cut & above) == above;
}

static void judge_differ(const struct classifier_build *build, const uint32_t *list, size_t n,
			 struct judge *judge)
{
	const struct classifier_box *first = &build->box[list[0]];
	unsigned int w;
	size_t i;

	memset(judge->differ, 0, sizeof(judge->differ));
	for (i = 1; i < n; i++) {
		const struct classifier_box *box = &build->box[list[i]];

		for (w = 0; w < build->words; w++)
			judge->differ[w] |= (box->value[w] ^ first->value[w]) |
					    (box->mask[w] ^ first->mask[w]);
	}
}

bool classifier_cut_best(const struct classifier_build *build, const uint32_t *list, size_t n,
			 const struct classifier_region *region,
			 struct classifier_window_cut *ret_window)
{
	const struct field *field = build->family == 4 ? fields4 : fields6, *end;
	unsigned int most = 64 - __builtin_clzll(n / 2), few, top, i;
	struct classifier_window_cut window;
	double best = n, score;
	struct judge judge;
	bool found = false;

	judge_differ(build, list, n, &judge);
	if (most > CLASSIFIER_BITS_MAX)
		most = CLASSIFIER_BITS_MAX;
	few = (most + 1) / 2;
	end = field + (build->family == 4 ? sizeof(fields4) : sizeof(fields6)) / sizeof(*field);
	for (; field < end; field++) {
		for (top = 0; top < field->width; top++) {
			if (field->port < 0 &&
			    !(judge.differ[field->word] >> (field->shift + top) & 1))
				continue;
			for (i = 0; i < 2; i++) {
				if (!window_at(field, top, i ? most : few, region, &window))
					continue;
				score = window_judge(build, list, n, &window, region, &judge);
				if (score >= best)
					continue;
				best = score;
				*ret_window = window;
				found = true;
			}
		}
	}
	return found;
}
