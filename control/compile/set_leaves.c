// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * set_leaves.c - the leaves of a part (dataplane/lib/set.h)
 *
 * DOC: Intervals become items of one lane or two, which stay in one leaf. Leaves are filled one
 * after the other; one ends before an item whose step differs from the step of the last value
 * before it, so that a key's step tells the one leaf that may have it. A part with too many leaves,
 * or with items that its lanes cannot tell apart, is not for this form.
 */
#include <errno.h>
#include <stdlib.h>

#include <compile/set_parts.h>

#define LEAVES_MAX	(SHUNT_SET_STEPS + 1)
#define FREE_LANE	(1ULL << 63)

struct item {
	uint64_t first, last;		/* in units of a lane's value */
	uint64_t lane, second;
	bool is_long;			/* @second is the rest; else the interval's end, or 0 */
};

/* The part under way */
struct leaves {
	bool narrow;			/* lanes of 32 bits */
	unsigned int bits;		/* of a lane's value, */
	unsigned int code_bits;		/* of what stands below it */
	unsigned int open;		/* that says: up to the next lane */
	unsigned int more;		/* by so many bits a value is moved up to a lane's */
	unsigned int lanes;		/* of a line */
	struct item item[LEAVES_MAX * 16];
	unsigned int n_items;
	unsigned int start[LEAVES_MAX + 1];	/* first item of each leaf */
	unsigned int n_leaves;
};

bool set_leaves_suit(unsigned int shift, bool wide)
{
	return shift <= (wide ? SHUNT_SET_WIDE_BITS : SHUNT_SET_LEAF_BITS);
}

unsigned int set_leaves_lanes(unsigned int shift, bool wide)
{
	return !wide && shift <= SHUNT_SET_NARROW_BITS ? 16 : 8;
}

static void leaves_init(struct leaves *leaves, unsigned int shift, bool wide)
{
	leaves->narrow = set_leaves_lanes(shift, wide) == 16;
	leaves->bits = leaves->narrow ? SHUNT_SET_NARROW_BITS : SHUNT_SET_LEAF_BITS;
	leaves->code_bits = leaves->narrow ? 5 : 6;
	leaves->open = leaves->narrow ? SHUNT_SET_NARROW_OPEN : SHUNT_SET_LEAF_OPEN;
	leaves->more = leaves->bits - shift;
	leaves->lanes = set_leaves_lanes(shift, wide);
	leaves->n_items = 0;
}

static struct item *item_add(struct leaves *leaves, uint64_t first, unsigned int code)
{
	struct item *item;

	if (leaves->n_items == LEAVES_MAX * leaves->lanes)
		return NULL;
	item = &leaves->item[leaves->n_items++];
	*item = (struct item){ .first = first, .last = first };
	item->lane = first << leaves->code_bits | code;
	return item;
}

/* [first, last] of values in lanes. Return: false: no room */
static bool add_narrow(struct leaves *leaves, uint64_t first, uint64_t last)
{
	uint64_t size = last - first + 1;
	struct item *item;

	if (!(size & (size - 1)) && !(first & (size - 1))) {
		item = item_add(leaves, first, __builtin_ctzll(size));
	} else {
		item = item_add(leaves, first, leaves->open);
		if (item)
			item->second = last << leaves->code_bits;
	}
	if (item)
		item->last = last;
	return item;
}

/* A prefix that ends below what a lane holds */
static bool add_long(struct leaves *leaves, uint128_t first, unsigned int host)
{
	unsigned int rest = 64 - leaves->more;
	struct item *item = item_add(leaves, first >> rest, 0);

	if (!item)
		return false;
	item->is_long = true;
	item->second = FREE_LANE | ((uint64_t)first & ((1ULL << rest) - 1)) << 6 | host;
	return true;
}

static bool add_wide(struct leaves *leaves, uint128_t first, uint128_t last)
{
	unsigned int rest = 64 - leaves->more, host;
	uint128_t below = ((uint128_t)1 << rest) - 1;

	if (!(first & below) && !(~last & below))
		return add_narrow(leaves, first >> rest, last >> rest);
	for (;; first += (uint128_t)1 << host) {
		host = first ? set_trailing_zeros(first) : 127;
		while ((first | (((uint128_t)1 << host) - 1)) > last)
			host--;
		if (host < rest ? !add_long(leaves, first, host) :
				  !add_narrow(leaves, first >> rest,
					      (first | (((uint128_t)1 << host) - 1)) >> rest))
			return false;
		if ((first | (((uint128_t)1 << host) - 1)) == last)
			return true;
	}
}

static uint64_t step_of(const struct leaves *leaves, uint64_t value)
{
	return value >> (leaves->bits - SHUNT_SET_STEP_BITS);
}

/* Which items make a leaf. Return: false: this form cannot hold them */
static bool leaves_divide(struct leaves *leaves)
{
	const struct item *item = leaves->item;
	unsigned int i, used = 0, may_end = 0, first = 0;

	leaves->n_leaves = 0;
	for (i = 0; i < leaves->n_items; i++) {
		unsigned int lanes = item[i].second ? 2 : 1;

		if (i && item[i].first <= item[i - 1].last)
			return false;
		if (i && step_of(leaves, item[i].first) > step_of(leaves, item[i - 1].last))
			may_end = i;
		if (used + lanes > leaves->lanes) {
			if (may_end <= first || leaves->n_leaves == LEAVES_MAX - 1)
				return false;
			leaves->start[leaves->n_leaves++] = first;
			first = i = may_end;
			lanes = item[i].second ? 2 : 1;
			used = 0;
		}
		used += lanes;
	}
	leaves->start[leaves->n_leaves++] = first;
	leaves->start[leaves->n_leaves] = leaves->n_items;
	return true;
}

static void leaf_put(const struct leaves *leaves, struct shunt_set_line *line, unsigned int leaf)
{
	unsigned int i, at = 0, end = 8;

	if (leaves->narrow) {
		for (i = leaves->start[leaf]; i < leaves->start[leaf + 1]; i++) {
			line->word[at++] = leaves->item[i].lane;
			if (leaves->item[i].second)
				line->word[at++] = leaves->item[i].second;
		}
		while (at < 16)
			line->word[at++] = 1U << 31;
		return;
	}
	for (i = leaves->start[leaf]; i < leaves->start[leaf + 1]; i++) {
		const struct item *item = &leaves->item[i];

		line->wide[at] = item->lane;
		if (item->is_long) {
			line->wide[--end] = item->second;
			line->wide[at] |= SHUNT_SET_LEAF_LONG + end - 4;
		} else if (item->second) {
			line->wide[++at] = item->second;
		}
		at++;
	}
	while (at < end)
		line->wide[at++] = FREE_LANE;
}

static bool leaves_fill(struct leaves *leaves, const struct set_part *part)
{
	const struct set_part_interval *in = part->interval, *end = in + part->n;
	uint64_t first, behind;

	for (; in < end; in++) {
		first = in->first << leaves->more;
		behind = (in->last + 1) << leaves->more;
		if (part->wide ? !add_wide(leaves, in->first, in->last) :
				 !add_narrow(leaves, first, behind - 1))
			return false;
	}
	return true;
}

int set_leaves_build(struct set_lines *lines, const struct set_part *part, uint32_t *ret_word)
{
	struct leaves leaves;
	struct shunt_set_line *line;
	unsigned int i, steps;
	uint32_t first;

	if (!set_leaves_suit(part->shift, part->wide))
		return -ENOSPC;
	leaves_init(&leaves, part->shift, part->wide);
	if (!leaves_fill(&leaves, part) || !leaves_divide(&leaves))
		return -ENOSPC;
	steps = leaves.n_leaves > 1;
	first = set_lines_add(lines, steps + leaves.n_leaves);
	if (!first)
		return -ENOMEM;
	line = &lines->line[first];
	for (i = 0; steps && i < SHUNT_SET_STEPS; i++)
		line->half[i] = i + 1 < leaves.n_leaves ?
			step_of(&leaves, leaves.item[leaves.start[i + 1]].first) : 1 << 15;
	for (i = 0; i < leaves.n_leaves; i++)
		leaf_put(&leaves, &line[steps + i], i);
	*ret_word = SHUNT_SET_LEAVES | leaves.narrow << SHUNT_SET_PART_STATE |
		    steps << SHUNT_SET_PART_LEVELS | first << SHUNT_SET_PART_LINE;
	return 0;
}
