// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * classifier_split.c - which rows share a tree
 *
 * DOC: A tree's root is a hash of bits that all its rows know, as in tuple space
 * search (Srinivasan, Suri, Varghese, SIGCOMM 1999) with relaxed tuples (Daly et
 * al., TupleMerge, 2019): thresholds of the prefix lengths, and fields that are
 * exact or not. What shares a bucket is told apart by cuts below it, hence few
 * trees do. Greedy: the mask that finds most of the rows that are left, a row
 * counting for less the more rows are in its bucket.
 */
#include <stdlib.h>
#include <string.h>

#include "classifier_priv.h"

#define SAMPLE		8192	/* rows that candidates are judged by */
#define COUNT_BITS	16
#define BUCKET_GOOD	2	/* rows of a bucket that need no cut */
#define BUCKET_MAX	256	/* more are as bad */
#define LEVEL_PRICE	0.5	/* of a doubling of the bucket, in roots */

/* Fields behind the addresses that may be in a mask, and sets of them that are tried */
enum { KNOWS_PROTO = 1, KNOWS_DPORT = 2, KNOWS_SPORT = 4 };
static const uint8_t tried[] = {
	0, KNOWS_PROTO, KNOWS_DPORT, KNOWS_PROTO | KNOWS_DPORT, KNOWS_PROTO | KNOWS_SPORT,
};

static const uint8_t lens4[] = { 0, 8, 12, 16, 20, 24, 28, 32 };
static const uint8_t lens6[] = { 0, 16, 24, 32, 40, 48, 56, 64, 96, 128 };

uint64_t classifier_split_hash(const __u64 *mask, const uint64_t *key, unsigned int words)
{
	static const uint64_t factor[CLASSIFIER_KEY6] = {
		CLASSIFIER_HASH0, CLASSIFIER_HASH1, CLASSIFIER_HASH2, CLASSIFIER_HASH3,
		CLASSIFIER_HASH4,
	};
	uint64_t hash = 0;
	unsigned int i;

	for (i = 0; i < words; i++)
		hash += (key[i] & mask[i]) * factor[i];
	return hash;
}

bool classifier_split_takes(const struct classifier_split *split,
			    const struct classifier_box *box)
{
	unsigned int i;

	for (i = 0; i < CLASSIFIER_KEY6; i++)
		if (split->mask[i] & ~box->mask[i])
			return false;
	return true;
}

static uint64_t high_bits(unsigned int n)
{
	return n ? ~0ULL << (64 - n) : 0;
}

static void split_make(const struct classifier_build *build, unsigned int slen, unsigned int dlen,
		       unsigned int knows, struct classifier_split *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (build->family == 4) {
		ret->mask[0] = high_bits(slen) | high_bits(dlen) >> 32;
	} else {
		ret->mask[0] = high_bits(slen < 64 ? slen : 64);
		ret->mask[1] = high_bits(slen > 64 ? slen - 64 : 0);
		ret->mask[2] = high_bits(dlen < 64 ? dlen : 64);
		ret->mask[3] = high_bits(dlen > 64 ? dlen - 64 : 0);
	}
	ret->mask[build->words - 1] = (knows & KNOWS_PROTO ? CLASSIFIER_PROTO : 0) |
				      (knows & KNOWS_DPORT ? 0xffffULL << 32 : 0) |
				      (knows & KNOWS_SPORT ? 0xffffULL << 48 : 0);
}

/* What a row counts for that shares its bucket with so many: less for each doubling */
static void worths(double *ret_worth)
{
	unsigned int i, level;

	for (i = 0; i <= BUCKET_MAX; i++) {
		level = i > BUCKET_GOOD ? 31 - __builtin_clz(i / BUCKET_GOOD) : 0;
		ret_worth[i] = 1 / (1 + LEVEL_PRICE * level);
	}
}

/* Room that the judging of one candidate takes */
struct judge {
	double worth[BUCKET_MAX + 1];
	uint16_t count[1 << COUNT_BITS];
	uint16_t bucket[SAMPLE];
};

static double split_judge(const struct classifier_build *build, const uint32_t *list, size_t n,
			  const struct classifier_split *split, struct judge *judge)
{
	size_t step = (n + SAMPLE - 1) / SAMPLE, i, taken = 0, seen = 0, rows;
	double sum = 0;

	for (i = 0; i < n; i += step) {
		const struct classifier_box *box = &build->box[list[i]];

		seen++;
		if (!classifier_split_takes(split, box))
			continue;
		judge->bucket[taken] = classifier_split_hash(split->mask, box->value,
							     build->words) >> (64 - COUNT_BITS);
		judge->count[judge->bucket[taken++]]++;
	}
	for (i = 0; i < taken; i++) {
		rows = 1 + (judge->count[judge->bucket[i]] - 1) * step;
		sum += judge->worth[rows < BUCKET_MAX ? rows : BUCKET_MAX];
	}
	for (i = 0; i < taken; i++)
		judge->count[judge->bucket[i]] = 0;
	return sum / seen;
}

double classifier_split_best(const struct classifier_build *build, const uint32_t *list, size_t n,
			     struct classifier_split *ret_split)
{
	const uint8_t *lens = build->family == 4 ? lens4 : lens6;
	unsigned int n_lens = build->family == 4 ? sizeof(lens4) : sizeof(lens6), s, d, k;
	struct judge *judge = calloc(1, sizeof(*judge));
	struct classifier_split split;
	double best = 0, sum;

	if (!judge)
		arena_no_memory();
	worths(judge->worth);
	for (s = 0; s < n_lens; s++) {
		for (d = 0; d < n_lens; d++) {
			for (k = 0; k < sizeof(tried); k++) {
				split_make(build, lens[s], lens[d], tried[k], &split);
				sum = split_judge(build, list, n, &split, judge);
				if (sum <= best)
					continue;
				best = sum;
				*ret_split = split;
			}
		}
	}
	free(judge);
	return best;
}
