// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * set_ranges.c - images of kind RANGES (dataplane/lib/set.h): nodes, parts, trees of ends
 *
 * DOC: A node's only choice is the size of its parts. Each size that may do is tried by counting:
 * bytes that it takes times the square of the lines that an end is found behind; a line of steps
 * counts for none, as it stays near. A part is one line of ends, else leaves, else a tree of two
 * levels. What is none of these becomes a node while there may be more of them above each
 * other, so that clusters within clusters stay cheap; then a tree of any depth.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <compile/set_parts.h>

#define TREE_LEVELS	2	/* of a part that is not cut again */
#define WIDE_ENDS	4	/* in a line */
#define SHIFTS_FINER	3	/* sizes tried: from 2^3 parts an end */
#define SHIFTS_COARSER	10	/* to one part for 2^10 ends */
#define PART_ENDS_MAX	1200	/* more do not fit into leaves */
#define SAMPLES		16
#define SAMPLE_ENDS	8192	/* in a row */

/* A prefix of one part, relative to it, in units of the cut's key or, wide, of all 128 bits */
struct prefix {
	uint128_t first;
	unsigned int host;		/* bits that are open */
};

struct ranges {
	struct set_lines *lines;
	const uint64_t *high, *low;
	bool prefixes;			/* most intervals are */
	struct prefix *prefix;		/* scratch: of the part under way */
	size_t n_prefixes, size;
	struct set_part part;		/* the same, as intervals */
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

static bool cut_may_have_prefixes(const struct cut *cut)
{
	return cut->width == 64 && cut->shift <= SHUNT_SET_PREFIX_SHIFT;
}

/* Lines if ends [from, to) of one part are leaves; 0: they cannot be */
static size_t leaves_lines(const struct ranges *ranges, const struct cut *cut, size_t from,
			   size_t to, bool wide)
{
	unsigned int room = set_leaves_lanes(cut->shift, wide);
	size_t lanes = ranges->prefixes ? (to - from + 1) / 2 : to - from, leaves, i;

	if (!set_leaves_suit(cut->shift, wide))
		return 0;
	for (i = from; wide && i + 1 < to; i += 2)
		lanes += ranges->low[i] || ranges->low[i + 1];
	leaves = (lanes + room - 1) / room;
	return leaves > SHUNT_SET_STEPS ? 0 : leaves + (leaves > 1);
}

/* Lines of the parts that ends [i, to) lie in; @levels: the sum over ends of those above them */
static size_t cut_lines(const struct ranges *ranges, const struct cut *cut, size_t i, size_t to,
			size_t *levels)
{
	bool prefixes = ranges->prefixes && cut_may_have_prefixes(cut);
	size_t lines = 0, end, lanes, leaves;
	bool wide;

	while (i < to) {
		uint64_t part = cut_part(cut, i);
		unsigned int ends, each;

		for (end = i + 1; end < to && cut_part(cut, end) == part; end++)
			;
		i += end_is_first(ranges, cut, i);
		if (i == end)
			continue;
		wide = ends_are_wide(ranges, cut, i, end);
		ends = wide ? WIDE_ENDS : 512 / cut->width;
		lanes = prefixes ? (end - i + 1) / 2 : end - i;
		each = tree_levels(lanes, ends);
		leaves = leaves_lines(ranges, cut, i, end, wide);
		if (each > 1 && leaves) {
			lines += leaves;
			each = 1;
		} else {
			lines += tree_lines(lanes, ends, each);
		}
		*levels += each * (end - i);
		i = end;
	}
	return lines;
}

/* Of many ends, some samples tell */
static double cut_cost(const struct ranges *ranges, const struct cut *cut)
{
	size_t n = cut->to - cut->from, seen = 0, levels = 0, lines = 0, at = cut->from;
	size_t step = n > SAMPLES * SAMPLE_ENDS ? n / SAMPLES : n;
	size_t sample = n > SAMPLES * SAMPLE_ENDS ? SAMPLE_ENDS : n;
	double bytes, depth;

	for (; at + sample <= cut->to; at += step) {
		lines += cut_lines(ranges, cut, at, at + sample, &levels);
		seen += sample;
	}
	depth = 1 + (double)levels / seen;
	bytes = (double)lines * SHUNT_SET_LINE * n / seen + SHUNT_SET_LINE +
		(cut_part(cut, cut->to - 1) + 1) * sizeof(uint32_t);
	return bytes * depth * depth;
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
	struct ranges *ranges;
	const struct cut *cut;
	size_t from, to;		/* of the ends or, in forms with prefixes, of those */
	unsigned int ends;
	enum shunt_set_form form;
};

/* End @end as number @i of a line; behind the last one, what is never counted */
static void tree_put(const struct tree *tree, struct shunt_set_line *line, unsigned int i,
		     size_t end)
{
	const struct ranges *ranges = tree->ranges;
	const struct cut *cut = tree->cut;
	bool none = end >= tree->to;
	uint128_t wide = 0;

	switch (tree->form) {
	case SHUNT_SET_TREE:
		line_put(line, cut->width, i, none ? 1ULL << (cut->width - 1) :
						     cut->key[end] & size_mask(cut->shift));
		return;
	case SHUNT_SET_PREFIXES:
		line->wide[i] = none ? 1ULL << 63 : (uint64_t)ranges->prefix[end].first << 6 |
						    ranges->prefix[end].host;
		return;
	case SHUNT_SET_WIDE:
		if (!none)
			wide = ((uint128_t)ranges->high[end] << 64 | ranges->low[end]) - 1;
		break;
	default:
		if (!none)
			wide = ranges->prefix[end].first << 7 | ranges->prefix[end].host;
	}
	line->wide[2 * i] = none ? UINT64_MAX : wide >> 64;
	line->wide[2 * i + 1] = none ? UINT64_MAX : wide;
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
	return tree->form | state << SHUNT_SET_PART_STATE | levels << SHUNT_SET_PART_LEVELS |
	       first << SHUNT_SET_PART_LINE;
}

/* ---- prefixes ---- */

/* The prefixes of [first, last]. Return: false: more than @max in all, or no memory */
static bool prefixes_add(struct ranges *ranges, uint128_t first, uint128_t last, size_t max)
{
	unsigned int host;

	for (;; first += (uint128_t)1 << host) {
		host = set_trailing_zeros(first);
		while (host == 128 || (first | (((uint128_t)1 << host) - 1)) > last)
			host--;
		if (ranges->n_prefixes == max || ranges->n_prefixes == ranges->size)
			return false;
		ranges->prefix[ranges->n_prefixes++] = (struct prefix){ first, host };
		if ((first | (((uint128_t)1 << host) - 1)) == last)
			return true;
	}
}

/* End @i relative to its part */
static uint128_t end_in_part(const struct ranges *ranges, const struct cut *cut, bool wide,
			     size_t i)
{
	uint128_t end = cut->key[i] & size_mask(cut->shift);

	return wide ? end << 64 | ranges->low[i] : end;
}

static bool prefixes_room(struct ranges *ranges, size_t n)
{
	struct prefix *prefix;

	if (n <= ranges->size)
		return true;
	prefix = realloc(ranges->prefix, 2 * n * sizeof(*prefix));
	if (!prefix)
		return false;
	ranges->prefix = prefix;
	ranges->size = 2 * n;
	return true;
}

/* A part as prefixes, if they are fewer than its ends. Return: whether they are */
static bool part_prefixes(struct ranges *ranges, const struct cut *cut, bool wide, size_t from,
			  size_t to, unsigned int state)
{
	uint128_t first = 0, behind = (uint128_t)1 << (cut->shift + 64 * wide);
	size_t max = to - from - 1;

	ranges->n_prefixes = 0;
	if (!cut_may_have_prefixes(cut) || !prefixes_room(ranges, max))
		return false;
	for (; from < to; from++, state ^= 1) {
		uint128_t end = end_in_part(ranges, cut, wide, from);

		if (!state)
			first = end;
		else if (!prefixes_add(ranges, first, end - 1, max))
			return false;
	}
	return !state || prefixes_add(ranges, first, behind - 1, max);
}

/* Return: as set_leaves_build() */
static int part_leaves(struct ranges *ranges, const struct cut *cut, bool wide, size_t from,
		       size_t to, unsigned int state, uint32_t *ret_word)
{
	uint128_t first = 0, behind = (uint128_t)1 << (cut->shift + 64 * wide);
	struct set_part *part = &ranges->part;

	if (!set_leaves_suit(cut->shift, wide) || to - from > PART_ENDS_MAX)
		return -ENOSPC;
	part->shift = cut->shift;
	part->wide = wide;
	part->n = 0;
	for (; from < to; from++, state ^= 1) {
		uint128_t end = end_in_part(ranges, cut, wide, from);

		if (!state)
			first = end;
		else
			part->interval[part->n++] = (struct set_part_interval){ first, end - 1 };
	}
	if (state)
		part->interval[part->n++] = (struct set_part_interval){ first, behind - 1 };
	return set_leaves_build(ranges->lines, part, ret_word);
}

static int node_build(struct ranges *ranges, uint32_t at, size_t from, size_t to,
		      unsigned int state, unsigned int depth);

/* Ends [from, to), at least one, are those of one part. Return: its word, 0 if there is no room */
static uint32_t part_build(struct ranges *ranges, const struct cut *cut, size_t from,
			   size_t to, unsigned int state, unsigned int depth)
{
	struct tree tree = { .ranges = ranges, .cut = cut, .from = from, .to = to };
	bool wide = ends_are_wide(ranges, cut, from, to);
	uint32_t at, word;
	int r;

	tree.form = wide ? SHUNT_SET_WIDE : SHUNT_SET_TREE;
	tree.ends = wide ? WIDE_ENDS : 512 / cut->width;
	if (to - from > tree.ends) {
		r = part_leaves(ranges, cut, wide, from, to, state, &word);
		if (r != -ENOSPC)
			return r < 0 ? 0 : word;
	}
	if (part_prefixes(ranges, cut, wide, from, to, state)) {
		tree.form = wide ? SHUNT_SET_WIDE_PREFIXES : SHUNT_SET_PREFIXES;
		tree.from = 0;
		tree.to = ranges->n_prefixes;
	}
	if (tree_levels(tree.to - tree.from, tree.ends) <= TREE_LEVELS || cut->width == 16 ||
	    depth + 1 == SHUNT_SET_NODES_MAX)
		return tree_build(&tree, state);
	at = set_lines_add(ranges->lines, 1);
	if (!at || node_build(ranges, at, from, to, state, depth + 1) < 0)
		return 0;
	return SHUNT_SET_NODE | at << SHUNT_SET_PART_LINE;
}

static int parts_build(struct ranges *ranges, const struct cut *cut, uint32_t parts,
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
		word = SHUNT_SET_EVEN | state << SHUNT_SET_PART_STATE;
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
static int node_build(struct ranges *ranges, uint32_t at, size_t from, size_t to,
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
	lines->line[parts].word[0] = SHUNT_SET_EVEN | 1 << SHUNT_SET_PART_STATE;
	set_lines_head(lines, 0)->node = (struct shunt_set_node){
		.ones = lane_ones(16), .parts = parts, .width = 16, .before = 1, .after = 1,
	};
	return 0;
}

/* Are most intervals prefixes? */
static bool are_prefixes(const struct ranges *ranges, size_t n)
{
	size_t i, are = 0;

	for (i = 0; i + 1 < n; i += 2) {
		uint128_t first = ranges->high[i], behind = ranges->high[i + 1];

		if (ranges->low) {
			first = first << 64 | ranges->low[i];
			behind = behind << 64 | ranges->low[i + 1];
		}
		are += !((behind - first) & (behind - first - 1)) &&
		       !(first & (behind - first - 1));
	}
	return are >= n / 2 - n / 16;
}

int set_ranges_build(struct set_lines *lines, const uint64_t *high, const uint64_t *low, size_t n)
{
	struct ranges ranges = { .lines = lines, .high = high, .low = low };
	bool zero = !high[0] && (!low || !low[0]);	/* an end that is before every value */
	int r;

	if (zero && n == 1)
		return all_build(lines);
	ranges.part.interval = malloc((PART_ENDS_MAX + 1) * sizeof(*ranges.part.interval));
	if (!ranges.part.interval)
		return -ENOMEM;
	ranges.prefixes = are_prefixes(&ranges, n);
	r = node_build(&ranges, 0, zero, n, zero, 0);
	free(ranges.prefix);
	free(ranges.part.interval);
	return r;
}
