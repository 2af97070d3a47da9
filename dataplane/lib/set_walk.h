/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * set_walk.h - is a key in an image (lib/set.h)? One text for the data path and for user space
 *
 * Whoever includes it first defines what a set is, shunt_set_ref, and shunt_set_at(set, index): a
 * line, or NULL behind the end.
 * Counts are arithmetic: a branch that depends on random values costs more than a line.
 */
#ifndef SHUNT_LIB_SET_WALK_H
#define SHUNT_LIB_SET_WALK_H

#include <stdbool.h>
#include <stddef.h>

#include <shunt/lib/set.h>

#define SHUNT_SET_MIX		0x9e3779b97f4a7c15ULL	/* 2^64 / golden ratio: Fibonacci hashing */
#define SHUNT_SET_TOP		0x8000000000000000ULL

/* An index that the verifier does not know: it must not follow each value of it */
#define shunt_set_opaque(x)	asm volatile("" : "+r"(x))

static __always_inline __u64 shunt_set_mix(__u64 hash, __u64 value)
{
	hash = (hash ^ value) * SHUNT_SET_MIX;
	return hash ^ hash >> 32;
}

/* What the set has for a key */
static __always_inline void shunt_set_pack(const struct shunt_set_hash *head,
					   const struct shunt_set_key *key,
					   struct shunt_set_key *ret_key)
{
	*ret_key = *key;
	if (head->packed)
		*ret_key = (struct shunt_set_key){
			.pair = { key->word[0] | (__u64)key->word[1] << head->shift[1] |
				  (__u64)key->word[2] << head->shift[2] |
				  (__u64)key->word[3] << head->shift[3] |
				  (__u64)key->word[4] << head->shift[4] },
		};
}

/* The line, from 0, that a key's hash names; here and below: packed */
static __always_inline __u32 shunt_set_hash_line(const struct shunt_set_hash *head,
						 const struct shunt_set_key *key)
{
	__u64 hash = shunt_set_mix(head->seed, key->pair[0]);

	if (head->places <= 4)
		hash = shunt_set_mix(hash, key->pair[1]);
	if (head->places <= 2)
		hash = shunt_set_mix(shunt_set_mix(hash, key->pair[2]), key->pair[3]);
	if (head->places == 1)
		hash = shunt_set_mix(hash, key->pair[4]);
	return (hash & 0xffffffffU) * head->lines >> 32;
}

/* Bits of @tops where a lane of @diff is 0; others may be set above such a lane */
static __always_inline __u64 shunt_set_zero(__u64 diff, __u64 ones, __u64 tops)
{
	return (diff - ones) & ~diff & tops;
}

/* Is the key in one of the line's places? */
static __always_inline bool shunt_set_in_line(const struct shunt_set_line *line, __u32 places,
					      const struct shunt_set_key *key)
{
	const __u64 *pair = key->pair, *wide = line->wide;
	__u64 found = 0;

	if (places >= 8) {
		__u64 ones = places == 8 ? 1 : 0x0000000100000001ULL;
		__u64 tops = places == 8 ? SHUNT_SET_TOP : 0x8000000080000000ULL;
		__u64 value = places == 8 ? pair[0] : key->word[0] * ones;

		found |= shunt_set_zero(wide[0] ^ value, ones, tops);
		found |= shunt_set_zero(wide[1] ^ value, ones, tops);
		found |= shunt_set_zero(wide[2] ^ value, ones, tops);
		found |= shunt_set_zero(wide[3] ^ value, ones, tops);
		found |= shunt_set_zero(wide[4] ^ value, ones, tops);
		found |= shunt_set_zero(wide[5] ^ value, ones, tops);
		found |= shunt_set_zero(wide[6] ^ value, ones, tops);
		found |= shunt_set_zero(wide[7] ^ value, ones, tops);
		return found;
	}
	if (places == 4) {
		found |= shunt_set_zero((wide[0] ^ pair[0]) | (wide[1] ^ pair[1]), 1,
					SHUNT_SET_TOP);
		found |= shunt_set_zero((wide[2] ^ pair[0]) | (wide[3] ^ pair[1]), 1,
					SHUNT_SET_TOP);
		found |= shunt_set_zero((wide[4] ^ pair[0]) | (wide[5] ^ pair[1]), 1,
					SHUNT_SET_TOP);
		found |= shunt_set_zero((wide[6] ^ pair[0]) | (wide[7] ^ pair[1]), 1,
					SHUNT_SET_TOP);
		return found;
	}
	found = (wide[0] ^ pair[0]) | (wide[1] ^ pair[1]) | (wide[2] ^ pair[2]) |
		(wide[3] ^ pair[3]);
	if (places == 1)
		return !(found | (wide[4] ^ pair[4]));
	return !found || !((wide[4] ^ pair[0]) | (wide[5] ^ pair[1]) | (wide[6] ^ pair[2]) |
			   (wide[7] ^ pair[3]));
}

static __always_inline bool shunt_set_has_hash(shunt_set_ref set, const struct shunt_set_hash *head,
					       const struct shunt_set_key *given)
{
	struct shunt_set_key packed, *key = &packed;
	__u32 index, last, i;

	shunt_set_pack(head, given, key);
	if (key->word[0] == head->unused)
		return false;
	index = shunt_set_hash_line(head, key) + 1;
	for (i = 0; i < SHUNT_SET_PROBES_MAX && i < head->probes; i++) {
		const struct shunt_set_line *line = shunt_set_at(set, index + i);

		if (!line)
			return false;
		if (shunt_set_in_line(line, head->places, key))
			return true;
		last = 16 - 16 / head->places;		/* places fill up in order */
		shunt_set_opaque(last);
		if (line->word[last & 15] == head->unused)
			return false;
	}
	return false;
}

static __always_inline bool shunt_set_has_bit(shunt_set_ref set, const struct shunt_set_bits *head,
					      const struct shunt_set_key *key)
{
	__u32 bit = key->word[0] - head->first;
	const struct shunt_set_line *line;
	__u32 word;

	if (bit >= head->n)
		return false;
	line = shunt_set_at(set, 1 + (bit >> 9));
	word = bit >> 5;
	shunt_set_opaque(word);
	return line && line->word[word & 15] >> (bit & 31) & 1;
}

/* How many of a line's lanes are <= @value; they fill up with lanes of the highest bit alone */
static __always_inline __u32 shunt_set_count_lanes(const struct shunt_set_line *line, __u32 width,
						   __u64 ones, __u64 value)
{
	__u32 down = width - 1;
	__u64 sum;

	value = value * ones + (ones << down);	/* a borrow ends at each lane's highest bit */
	sum = (value - line->wide[0]) >> down & ones;
	sum += (value - line->wide[1]) >> down & ones;
	sum += (value - line->wide[2]) >> down & ones;
	sum += (value - line->wide[3]) >> down & ones;
	sum += (value - line->wide[4]) >> down & ones;
	sum += (value - line->wide[5]) >> down & ones;
	sum += (value - line->wide[6]) >> down & ones;
	sum += (value - line->wide[7]) >> down & ones;
	return sum * ones >> (63 - down);
}

/* 1: (high, low) < (than_high, than_low), as the borrow of a subtraction */
static __always_inline __u32 shunt_set_less(__u64 high, __u64 low, __u64 than_high, __u64 than_low)
{
	__u64 borrow = ((~low & than_low) | (~(low ^ than_low) & (low - than_low))) >> 63;

	return ((~high & than_high) |
		(~(high ^ than_high) & (high - than_high - borrow))) >> 63;
}

/* The same of ends at full length, which are stored one below: < for <= */
static __always_inline __u32 shunt_set_count_wide(const struct shunt_set_line *line,
						  __u64 high, __u64 low)
{
	const __u64 *end = line->wide;

	return shunt_set_less(end[0], end[1], high, low) +
	       shunt_set_less(end[2], end[3], high, low) +
	       shunt_set_less(end[4], end[5], high, low) +
	       shunt_set_less(end[6], end[7], high, low);
}

/* Number @index of the line's words: it was counted, hence the verifier does not know it */
static __always_inline __u64 shunt_set_lane(const struct shunt_set_line *line, __u32 index)
{
	shunt_set_opaque(index);
	return line->wide[index & 7];
}

/* The primary lanes of a leaf of 64-bit lanes that are <= @value; all others have the highest bit */
static __always_inline __u32 shunt_set_count_leaf(const struct shunt_set_line *line, __u64 value)
{
	const __u64 *lane = line->wide;
	__u64 above;

	above = ((value - lane[0]) | lane[0]) >> 63;
	above += ((value - lane[1]) | lane[1]) >> 63;
	above += ((value - lane[2]) | lane[2]) >> 63;
	above += ((value - lane[3]) | lane[3]) >> 63;
	above += ((value - lane[4]) | lane[4]) >> 63;
	above += ((value - lane[5]) | lane[5]) >> 63;
	above += ((value - lane[6]) | lane[6]) >> 63;
	above += ((value - lane[7]) | lane[7]) >> 63;
	return 8 - above;
}

/* The leaf of a part that values with this step lie in; NULL: there is no such line */
static __always_inline const struct shunt_set_line *
shunt_set_leaf(shunt_set_ref set, __u32 part, __u64 step)
{
	__u32 line = part >> SHUNT_SET_PART_LINE;
	const struct shunt_set_line *steps;

	if (part >> SHUNT_SET_PART_LEVELS & 1) {
		steps = shunt_set_at(set, line);
		if (!steps)
			return NULL;
		line += 1 + shunt_set_count_lanes(steps, 16, 0x0001000100010001ULL, step);
	}
	return shunt_set_at(set, line);
}

/* @value: relative to the part */
static __always_inline bool shunt_set_in_narrow_leaves(shunt_set_ref set, __u32 shift, __u32 part,
						       __u64 value)
{
	const struct shunt_set_line *leaf;
	__u32 count, lane;

	value <<= SHUNT_SET_NARROW_BITS - shift;
	leaf = shunt_set_leaf(set, part, value >> (SHUNT_SET_NARROW_BITS - SHUNT_SET_STEP_BITS));
	if (!leaf)
		return false;
	count = shunt_set_count_lanes(leaf, 32, 0x0000000100000001ULL, value << 5 | 31);
	if (!count)
		return false;
	count--;
	shunt_set_opaque(count);
	lane = leaf->word[count & 15];
	return !((value - (lane >> 5)) >> (lane & 31));
}

/* @value: relative to the part, @low: what the cut leaves of the key below it */
static __always_inline bool shunt_set_in_leaves(shunt_set_ref set, __u32 shift, __u32 part,
						__u64 value, __u64 low)
{
	__u32 more = SHUNT_SET_LEAF_BITS - shift, count, code;
	const struct shunt_set_line *leaf;
	__u64 lane;

	value = value << more | low >> 1 >> (63 - more);
	leaf = shunt_set_leaf(set, part, value >> (SHUNT_SET_LEAF_BITS - SHUNT_SET_STEP_BITS));
	if (!leaf)
		return false;
	count = shunt_set_count_leaf(leaf, value << 6 | 63);
	if (!count)
		return false;
	lane = shunt_set_lane(leaf, count - 1);
	value -= lane >> 6;
	code = lane & 63;
	if (code < SHUNT_SET_LEAF_LONG)
		return !(value >> code);
	lane = shunt_set_lane(leaf, code & 7);
	low = (low << more >> more) ^ (lane << 1 >> 7);
	return !(value | low >> (lane & 63));
}

/* SHUNT_SET_TREE, SHUNT_SET_PREFIXES; @value: relative to the part */
static __always_inline bool shunt_set_in_tree(shunt_set_ref set, const struct shunt_set_node *node,
					      __u32 part, __u64 value)
{
	__u32 levels = part >> SHUNT_SET_PART_LEVELS & 15, line = part >> SHUNT_SET_PART_LINE;
	bool prefixes = (part & SHUNT_SET_PART_FORM) == SHUNT_SET_PREFIXES;
	__u64 wanted = prefixes ? value << 6 | 63 : value, prefix;
	__u32 count = 0, at = 0, fan = 512 / node->width + 1, i;
	const struct shunt_set_line *ends = NULL;

	for (i = 0; i < SHUNT_SET_LEVELS_MAX && i < levels; i++) {
		ends = shunt_set_at(set, line + at);
		if (!ends)
			return false;
		count = shunt_set_count_lanes(ends, node->width, node->ones, wanted);
		at = at * fan + 1 + count;
	}
	if (!prefixes)
		return (count + (part >> SHUNT_SET_PART_STATE)) & 1;
	if (!ends || !count)
		return false;
	prefix = shunt_set_lane(ends, count - 1);
	return !((value - (prefix >> 6)) >> (prefix & 63));
}

/* Is (high, low), not below a prefix's first value, in it? That is shifted, its size below */
static __always_inline bool shunt_set_in_prefix(__u64 high, __u64 low, __u64 prefix_high,
						__u64 prefix_low)
{
	__u64 first_low = prefix_high << 57 | prefix_low >> 7;
	__u32 host = prefix_low & 127;

	high -= prefix_high >> 7;
	if (host >= 64)			/* first_low is 0 */
		return !(high >> (host & 63));
	return !(high | (low - first_low) >> host);
}

/* SHUNT_SET_WIDE, SHUNT_SET_WIDE_PREFIXES; @value: high half relative to the part */
static __always_inline bool shunt_set_in_wide(shunt_set_ref set, __u32 part, __u64 high, __u64 low,
					      __u64 value)
{
	__u32 levels = part >> SHUNT_SET_PART_LEVELS & 15, line = part >> SHUNT_SET_PART_LINE;
	bool prefixes = (part & SHUNT_SET_PART_FORM) == SHUNT_SET_WIDE_PREFIXES;
	__u64 wanted_high = prefixes ? value << 7 | low >> 57 : high;
	__u64 wanted_low = prefixes ? low << 7 | 127 : low;	/* above each that begins there */
	const struct shunt_set_line *ends = NULL;
	__u32 count = 0, at = 0, i;

	for (i = 0; i < SHUNT_SET_LEVELS_MAX && i < levels; i++) {
		ends = shunt_set_at(set, line + at);
		if (!ends)
			return false;
		count = shunt_set_count_wide(ends, wanted_high, wanted_low);
		at = at * 5 + 1 + count;
	}
	if (!prefixes)
		return (count + (part >> SHUNT_SET_PART_STATE)) & 1;
	if (!ends || !count)
		return false;
	return shunt_set_in_prefix(value, low, shunt_set_lane(ends, 2 * count - 2),
				   shunt_set_lane(ends, 2 * count - 1));
}

static __always_inline bool shunt_set_has_range(shunt_set_ref set,
						const struct shunt_set_head *head,
						const struct shunt_set_key *key)
{
	__u64 high = key->word[0], low = (__u64)key->word[2] << 32 | key->word[3], value;
	__u32 part, index, i;

	if (head->words > 1)
		high = high << 32 | key->word[1];
	for (i = 0; i < SHUNT_SET_NODES_MAX; i++) {
		const struct shunt_set_node *node = &head->node;
		const struct shunt_set_line *line;

		value = high;
		if (node->low) {
			if (high != node->high)
				return high < node->high ? node->before : node->after;
			value = low;
		}
		if (value < node->base)
			return node->before;
		value -= node->base;
		if (value > node->span)
			return node->after;
		index = value >> node->shift;
		line = shunt_set_at(set, node->parts + (index >> 4));
		if (!line)
			return false;
		shunt_set_opaque(index);
		part = line->word[index & 15];
		value &= (1ULL << node->shift) - 1;
		switch (part & SHUNT_SET_PART_FORM) {
		case SHUNT_SET_EVEN:
			return part >> SHUNT_SET_PART_STATE & 1;
		case SHUNT_SET_LEAVES:
			if (part >> SHUNT_SET_PART_STATE & 1)
				return shunt_set_in_narrow_leaves(set, node->shift, part, value);
			return shunt_set_in_leaves(set, node->shift, part, value,
						   node->low ? 0 : low);
		case SHUNT_SET_TREE:
		case SHUNT_SET_PREFIXES:
			return shunt_set_in_tree(set, node, part, value);
		case SHUNT_SET_WIDE:
		case SHUNT_SET_WIDE_PREFIXES:
			return shunt_set_in_wide(set, part, high, low, value);
		}
		head = shunt_set_at(set, part >> SHUNT_SET_PART_LINE);
		if (!head)
			return false;
	}
	return false;
}

/* Is the key in the image? */
static __always_inline bool shunt_set_walk(shunt_set_ref set, const struct shunt_set_key *key)
{
	const struct shunt_set_head *head = shunt_set_at(set, 0);

	if (!head)
		return false;
	switch (head->kind) {
	case SHUNT_SET_RANGES:
		return shunt_set_has_range(set, head, key);
	case SHUNT_SET_HASH:
		return shunt_set_has_hash(set, &head->by_hash, key);
	case SHUNT_SET_BITS:
		return shunt_set_has_bit(set, &head->by_bit, key);
	}
	return false;
}

#endif
