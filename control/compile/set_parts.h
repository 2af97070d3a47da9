/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* set_parts.h - what set.c builds an image with */
#ifndef COMPILE_SET_PARTS_H
#define COMPILE_SET_PARTS_H

#include <compile/set.h>

typedef unsigned __int128 uint128_t;

/* Lines of an image under way; line 0 is there from the start */
struct set_lines {
	struct shunt_set_line *line;	/* moves as it grows */
	size_t n, size;
};

/* Room for @n lines, all 0. Return: index of the first; 0: no memory, or too many lines */
uint32_t set_lines_add(struct set_lines *lines, size_t n);

static inline struct shunt_set_head *set_lines_head(struct set_lines *lines, uint32_t at)
{
	return (struct shunt_set_head *)&lines->line[at];
}

/**
 * set_hash_build() - Kind HASH; how keys are packed, the head knows already
 * @key:	@n of them; doubles are fine
 * Return: 0 or -ENOMEM; -ENOSPC: no word 0 is left for free places
 */
int set_hash_build(struct set_lines *lines, const struct shunt_set_key *key, size_t n,
		   unsigned int words);

/**
 * set_ranges_build() - Kind RANGES
 * @high:	Ends, sorted, no two equal: the first value of an interval, the one behind it, ...
 * @low:	Low halves; NULL: all are 0
 * @n:		More than 0
 * Return: 0 or -ENOMEM
 */
int set_ranges_build(struct set_lines *lines, const uint64_t *high, const uint64_t *low, size_t n);

/* What lies in one part of a node, in order */
struct set_part {
	unsigned int shift;		/* log2 of its size */
	bool wide;			/* values go on in the low half */
	struct set_part_interval {
		uint128_t first, last;	/* relative to the part */
	} *interval;
	size_t n;
};

/* May a part of this size be leaves at all? */
bool set_leaves_suit(unsigned int shift, bool wide);

/* Lanes of a leaf: a prefix takes one, or two where it is long */
unsigned int set_leaves_lanes(unsigned int shift, bool wide);

/**
 * set_leaves_build() - A part as leaves
 * Return: 0; -ENOSPC: it does not suit them; -ENOMEM
 */
int set_leaves_build(struct set_lines *lines, const struct set_part *part, uint32_t *ret_word);

static inline unsigned int set_trailing_zeros(uint128_t value)
{
	return (uint64_t)value ? __builtin_ctzll(value) :
	       value >> 64 ? 64 + __builtin_ctzll(value >> 64) : 128;
}

#endif
