// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * set_ranges.c - images of kind RANGES (dataplane/lib/set.h): nodes, parts, trees of ends
 *
 * DOC: A node's only choice is the size of its parts. Each size that may do is tried by counting:
 * bytes that it takes times the square of the lines that an end is found behind. Parts with more
 * ends than two levels of lines hold become nodes while there may be more of them above each
 * other, so that clusters within clusters stay cheap; then trees of any depth.
 */
#include <errno.h>
#include <string.h>

#include <compile/set_parts.h>

#define TREE_LEVELS	2	/* of a part that is not cut again */
#define WIDE_ENDS	4	/* in a line */
#define SHIFTS_FINER	3	/* sizes tried: from 2^3 parts an end */
#define SHIFTS_COARSER	6	/* to one part for 2^6 ends */

struct ranges {
	struct set_lines *lines;
	const uint64_t *high, *low;
};

/* Ends [from, to) and how a node cuts them */
struct cut {
	const uint64_t *key;		/* the half that it cuts by */
	size_t from, to;
	uint64_t base;
	unsigned int shift, width;
	bool low;
};

static unsigned int tree_levels(size_t n, unsigned int ends)
{
	unsigned int levels = 1;

	for (n = (n + ends - 1) / ends; n > 1; n = (n + ends) / (ends + 1))
		levels++;
	return levels;
}

/* Lines of a tree: all but the last level are whole */
static size_t tree_lines(size_t n, unsigned int ends, unsigned int levels)
{
	size_t lines = (n + ends - 1) / ends, level = 1;

	while (--levels) {
		lines += level;
		level *= ends + 1;
	}
	return lines;
}

static unsigned int lane_width(unsigned int shift)
{
	return shift < 16 ? 16 : shift < 32 ? 32 : 64;
}

static uint64_t lane_ones(unsigned int width)
{
	return width == 16 ? 0x0001000100010001ULL : width == 32 ? 0x0000000100000001ULL : 1;
}

static uint64_t size_mask(unsigned int shift)
{
	return (1ULL << shift) - 1;
}

static void cut_set_shift(struct cut *cut, unsigned int shift)
{
	cut->shift = shift;
	cut->width = lane_width(shift);
	cut->base = cut->key[cut->from] & ~size_mask(shift);
}

static uint64_t cut_part(const struct cut *cut, size_t i)
{
	return (cut->key[i] - cut->base) >> cut->shift;
}

/* Does a part begin with this end? Then the part's state says it */
static bool end_is_first(const struct ranges *ranges, const struct cut *cut, size_t i)
{
	return !(cut->key[i] & size_mask(cut->shift)) &&
	       (cut->low || !ranges->low || !ranges->low[i]);
}

/* Ends [from, to) of one part: does one lie inside a high half? */
static bool ends_are_wide(const struct ranges *ranges, const struct cut *cut, size_t from,
			  size_t to)
{
	if (cut->low || !ranges->low)
		return false;
	for (; from < to; from++)
		if (ranges->low[from])
			return true;
	return false;
}

static double cut_cost(const struct ranges *ranges, const struct cut *cut)
{
	double bytes = (cut_part(cut, cut->to - 1) + 1) * sizeof(uint32_t) + SHUNT_SET_LINE;
	double n = cut->to - cut->from, seen = n;
	size_t i = cut->from, end;

	while (i < cut->to) {
		uint64_t part = cut_part(cut, i);
		unsigned int ends, levels;

		for (end = i + 1; end < cut->to && cut_part(cut, end) == part; end++)
			;
		i += end_is_first(ranges, cut, i);
		if (i == end)
			continue;
		ends = ends_are_wide(ranges, cut, i, end) ? WIDE_ENDS : 512 / cut->width;
		levels = tree_levels(end - i, ends);
		bytes += tree_lines(end - i, ends, levels) * SHUNT_SET_LINE;
		seen += (double)levels * (end - i);
		i = end;
	}
	return bytes * (seen / n) * (seen / n);
}

static unsigned int bits_of(uint64_t value)
{
	return value ? 64 - __builtin_clzll(value) : 0;
}

static void cut_choose(const struct ranges *ranges, struct cut *cut)
{
	int bits = bits_of(cut->key[cut->to - 1] - cut->key[cut->from]);
	int middle = bits - (int)bits_of(cut->to - cut->from);
	int shift = middle - SHIFTS_FINER, last = middle + SHIFTS_COARSER, best = -1;
	double cost, least = 0;

	if (last > 63)
		last = 63;
	if (last < 0)
		last = 0;
	if (shift > last)
		shift = last;
	if (shift < 0)
		shift = 0;
	for (; shift <= last; shift++) {
		cut_set_shift(cut, shift);
		cost = cut_cost(ranges, cut);
		if (best < 0 || cost < least) {
			best = shift;
			least = cost;
		}
	}
	cut_set_shift(cut, best);
}

static void line_put(struct shunt_set_line *line, unsigned int width, unsigned int i,
		     uint64_t value)
{
	if (width == 16)
		line->half[i] = value;
	else if (width == 32)
		line->word[i] = value;
	else
		line->wide[i] = value;
}

/* Ends [from, to) of one part, as lines of so many */
struct tree {
	const struct ranges *ranges;
	const struct cut *cut;
	size_t from, to;
	unsigned int ends;
	bool wide;
};

/* End @end as number @i of a line; behind the last one, what is never counted */
static void tree_put(const struct tree *tree, struct shunt_set_line *line, unsigned int i,
		     size_t end)
{
	const struct ranges *ranges = tree->ranges;
	const struct cut *cut = tree->cut;
	bool none = end >= tree->to;

	if (tree->wide) {
		line->wide[2 * i] = none ? UINT64_MAX : ranges->high[end] - !ranges->low[end];
		line->wide[2 * i + 1] = none ? UINT64_MAX : ranges->low[end] - 1;
		return;
	}
	line_put(line, cut->width, i,
		 none ? 1ULL << (cut->width - 1) : cut->key[end] & size_mask(cut->shift));
}

/* A level: lines @line_step ends apart; in a line, ends @first, @first + @step, ... of those */
static void tree_put_level(const struct tree *tree, uint32_t at, size_t n_lines, size_t line_step,
			   size_t first, size_t step)
{
	struct shunt_set_line *line = &tree->ranges->lines->line[at];
	unsigned int i;
	size_t q;

	for (q = 0; q < n_lines; q++)
		for (i = 0; i < tree->ends; i++)
			tree_put(tree, &line[q], i, tree->from + q * line_step + first + i * step);
}

/* Return: the part's word, 0 if there is no room */
static uint32_t tree_build(const struct tree *tree, unsigned int state)
{
	unsigned int levels = tree_levels(tree->to - tree->from, tree->ends), level;
	size_t n_lines = 1, child = tree->ends;		/* ends behind a child */
	uint32_t first, at;

	first = set_lines_add(tree->ranges->lines,
			      tree_lines(tree->to - tree->from, tree->ends, levels));
	if (!first)
		return 0;
	for (level = 2; level < levels; level++)
		child *= tree->ends + 1;
	at = first;
	for (level = 1; level < levels; level++) {	/* the first end of all children but one */
		tree_put_level(tree, at, n_lines, (tree->ends + 1) * child, child, child);
		at += n_lines;
		n_lines *= tree->ends + 1;
		child /= tree->ends + 1;
	}
	n_lines = (tree->to - tree->from + tree->ends - 1) / tree->ends;
	tree_put_level(tree, at, n_lines, tree->ends, 0, 1);
	return (tree->wide ? SHUNT_SET_WIDE : SHUNT_SET_TREE) | state * SHUNT_SET_PART_STATE |
	       levels << SHUNT_SET_PART_LEVELS | first << SHUNT_SET_PART_LINE;
}

static int node_build(const struct ranges *ranges, uint32_t at, size_t from, size_t to,
		      unsigned int state, unsigned int depth);

/* Ends [from, to), at least one, are those of one part. Return: its word, 0 if there is no room */
static uint32_t part_build(const struct ranges *ranges, const struct cut *cut, size_t from,
			   size_t to, unsigned int state, unsigned int depth)
{
	struct tree tree = { .ranges = ranges, .cut = cut, .from = from, .to = to };
	uint32_t at;

	tree.wide = ends_are_wide(ranges, cut, from, to);
	tree.ends = tree.wide ? WIDE_ENDS : 512 / cut->width;
	if (tree_levels(to - from, tree.ends) <= TREE_LEVELS || cut->width == 16 ||
	    depth + 1 == SHUNT_SET_NODES_MAX)
		return tree_build(&tree, state);
	at = set_lines_add(ranges->lines, 1);
	if (!at || node_build(ranges, at, from, to, state, depth + 1) < 0)
		return 0;
	return SHUNT_SET_NODE | at << SHUNT_SET_PART_LINE;
}

static int parts_build(const struct ranges *ranges, const struct cut *cut, uint32_t parts,
		       unsigned int state, unsigned int depth)
{
	size_t i = cut->from, end, n = cut_part(cut, cut->to - 1) + 1, part;
	uint32_t word;

	for (part = 0; part < n; part++) {
		for (end = i; end < cut->to && cut_part(cut, end) == part; end++)
			;
		if (i < end && end_is_first(ranges, cut, i)) {
			state ^= 1;
			i++;
		}
		word = SHUNT_SET_EVEN | state * SHUNT_SET_PART_STATE;
		if (i < end) {
			word = part_build(ranges, cut, i, end, state, depth);
			if (!word)
				return -ENOMEM;
		}
		ranges->lines->line[parts + part / 16].word[part % 16] = word;
		state ^= (end - i) & 1;
		i = end;
	}
	return 0;
}

/* Line @at becomes the node of ends [from, to) */
static int node_build(const struct ranges *ranges, uint32_t at, size_t from, size_t to,
		      unsigned int state, unsigned int depth)
{
	struct cut cut = { .from = from, .to = to };
	uint64_t n_parts;
	uint32_t parts;

	cut.low = ranges->low && ranges->high[from] == ranges->high[to - 1];
	cut.key = cut.low ? ranges->low : ranges->high;
	cut_choose(ranges, &cut);
	n_parts = cut_part(&cut, to - 1) + 1;
	parts = set_lines_add(ranges->lines, (n_parts + 15) / 16);
	if (!parts)
		return -ENOMEM;
	set_lines_head(ranges->lines, at)->node = (struct shunt_set_node){
		.high = ranges->high[from], .base = cut.base,
		.span = cut.key[to - 1] - cut.base, .ones = lane_ones(cut.width),
		.parts = parts, .shift = cut.shift, .width = cut.width, .low = cut.low,
		.before = state, .after = state ^ ((to - from) & 1),
	};
	return parts_build(ranges, &cut, parts, state, depth);
}

/* Every value: a node of one part */
static int all_build(struct set_lines *lines)
{
	uint32_t parts = set_lines_add(lines, 1);

	if (!parts)
		return -ENOMEM;
	lines->line[parts].word[0] = SHUNT_SET_EVEN | SHUNT_SET_PART_STATE;
	set_lines_head(lines, 0)->node = (struct shunt_set_node){
		.ones = lane_ones(16), .parts = parts, .width = 16,
	};
	return 0;
}

int set_ranges_build(struct set_lines *lines, const uint64_t *high, const uint64_t *low, size_t n)
{
	const struct ranges ranges = { lines, high, low };
	bool zero = !high[0] && (!low || !low[0]);	/* an end that is before every value */

	if (zero && n == 1)
		return all_build(lines);
	return node_build(&ranges, 0, zero, n, zero, 0);
}
