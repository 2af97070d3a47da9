/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * fib_walk.h - the hop of an address (lib/fib.h). One text for the data path and for user space
 *
 * Whoever includes it first defines fib_ref, what the tables are; fib_page_at(fib, number): a
 * page, or NULL; fib_table_at(fib, number): a table, or NULL; and FIB_FUNCTION, how a function
 * begins that is called.
 */
#ifndef SHUNT_LIB_FIB_WALK_H
#define SHUNT_LIB_FIB_WALK_H

#include <stdbool.h>
#include <stddef.h>

#include <shunt/lib/fib.h>

/* What the writer may change meanwhile is read once */
#define fib_once(x)	(*(const volatile __typeof__(x) *)&(x))

/* By length, from 1 on: FIB6_SHORTER(), FIB6_LONGER() */
static const __u16 fib6_tree[128] = {
	0x0000, 0x0301, 0x0000, 0x0602, 0x0000, 0x0705, 0x0000, 0x0c04,
	0x0000, 0x0b09, 0x0000, 0x0e0a, 0x0000, 0x0f0d, 0x0000, 0x1408,
	0x0000, 0x1311, 0x0000, 0x1612, 0x0000, 0x1715, 0x0000, 0x1c10,
	0x0000, 0x1b19, 0x0000, 0x1e1a, 0x0000, 0x1f1d, 0x0000, 0x2418,
	0x0000, 0x2321, 0x0000, 0x2622, 0x0000, 0x2725, 0x0000, 0x2c20,
	0x0000, 0x2b29, 0x0000, 0x2e2a, 0x0000, 0x2f2d, 0x0000, 0x4028,
	0x0000, 0x3331, 0x0000, 0x3632, 0x0000, 0x3735, 0x0000, 0x3c34,
	0x0000, 0x3b39, 0x0000, 0x3e3a, 0x0000, 0x3f3d, 0x0000, 0x8038,
	0x0000, 0x4341, 0x0000, 0x4642, 0x0000, 0x4745, 0x0000, 0x4c44,
	0x0000, 0x4b49, 0x0000, 0x4e4a, 0x0000, 0x4f4d, 0x0000, 0x5848,
	0x0000, 0x5351, 0x0000, 0x5652, 0x0000, 0x5755, 0x0000, 0x5c54,
	0x0000, 0x5b59, 0x0000, 0x5e5a, 0x0000, 0x5f5d, 0x0000, 0x7050,
	0x0000, 0x6361, 0x0000, 0x6662, 0x0000, 0x6765, 0x0000, 0x6c64,
	0x0000, 0x6b69, 0x0000, 0x6e6a, 0x0000, 0x6f6d, 0x0000, 0x7868,
	0x0000, 0x7371, 0x0000, 0x7672, 0x0000, 0x7775, 0x0000, 0x7c74,
	0x0000, 0x7b79, 0x0000, 0x7e7a, 0x0000, 0x7f7d, 0x0000, 0x0060,
};

#define fib6_next(len)	(fib6_tree[((len) - 1) & 127])

static __always_inline __u32 fib_leaf(fib_ref fib, __u32 at)
{
	const struct fib_page *page = fib_page_at(fib, FIB_LEAF_PAGE(at));

	return page ? fib_once(page->leaf[FIB_LEAF_INDEX(at)]) : 0;
}

/* The value of slot @slot of a word. Without the branch, by masks, it took half as long again */
static __always_inline __u32 fib_slot(fib_ref fib, __u64 word, __u32 slot)
{
	__u32 bitmap = FIB_BITMAP(word);

	if (!bitmap)
		return FIB_BASE(word);
	return fib_leaf(fib, FIB_BASE(word) + __builtin_popcount(bitmap & ((2U << slot) - 1)));
}

/**
 * fib4_find() - The hop of an IPv4 address
 * @addr:	Host order
 * Return: its number; 0: no route
 */
static __always_inline __u32 fib4_find(fib_ref fib, __u32 number, __u32 addr)
{
	const struct fib_table *table = fib_table_at(fib, number);
	const struct fib_page *page;
	__u32 value, at;

	if (!table)
		return 0;
	value = fib_once(table->root[addr >> 24]);
	if (!(value & FIB_REF))
		return value;
	at = value & ~(FIB_REF | FIB_FLAT);
	if (value & FIB_FLAT) {
		value = fib_leaf(fib, at * FIB_PAGE_LEAVES + (addr >> 8 & 0xffff));
	} else {
		page = fib_page_at(fib, at);
		if (!page)
			return 0;
		value = fib_slot(fib, fib_once(page->word[addr >> 13 & 2047]), addr >> 8 & 31);
	}
	if (!(value & FIB_REF))
		return value;
	at = value & ~FIB_REF;
	page = fib_page_at(fib, FIB_LINE_PAGE(at));
	if (!page)
		return 0;
	return fib_slot(fib, fib_once(page->line[FIB_LINE_INDEX(at)][addr >> 5 & 7]), addr & 31);
}

/* ---- IPv6 ---- */

static __always_inline __u64 fib6_hash(__u64 seed, __u64 high, __u64 low, __u32 len)
{
	__u64 hash = (high ^ seed) * 0x9e3779b97f4a7c15ULL;

	hash = ((hash ^ hash >> 32) + low + len) * 0xd6e8feb86659fd93ULL;
	return hash ^ hash >> 32;
}

/* All bits where @diff is 0, else none: a branch for each would be a state for the verifier */
static __always_inline __u64 fib6_same(__u64 diff)
{
	return ((diff | -diff) >> 63) - 1;
}

static __always_inline __u64 fib6_pick(__u64 word, __u64 diff, __u32 len)
{
	return word & fib6_same(diff | (FIB6_LEN(word) ^ len));
}

/* What is looked for: cut to its length */
struct fib6_key {
	__u64	high, low;
	__u32	len;
};

static __always_inline void fib6_cut(struct fib6_key *key, __u64 high, __u64 low, __u32 len)
{
	key->high = len > 64 ? high : high & ~0ULL << (64 - len);
	key->low = len > 64 ? low & ~0ULL << (128 - len) : 0;
	key->len = len;
}

/* The entry's word in this line; 0: it is not here */
static __always_inline __u64 fib6_in_line(const __u64 *line, const struct fib6_key *key)
{
	__u64 found;

	if (key->len > 64) {
		found = fib6_pick(fib_once(line[2]), (line[0] ^ key->high) | (line[1] ^ key->low),
				  key->len);
		return found | fib6_pick(fib_once(line[6]),
					 (line[4] ^ key->high) | (line[5] ^ key->low), key->len);
	}
	found = fib6_pick(fib_once(line[1]), line[0] ^ key->high, key->len);
	found |= fib6_pick(fib_once(line[3]), line[2] ^ key->high, key->len);
	found |= fib6_pick(fib_once(line[5]), line[4] ^ key->high, key->len);
	return found | fib6_pick(fib_once(line[7]), line[6] ^ key->high, key->len);
}

/*
 * The word of the entry of an address cut to @len; 0: there is none. Called, not inlined: one loop
 * in another is more than what Linux 6.1 verifies.
 */
FIB_FUNCTION __u64 fib6_entry(fib_ref fib, const struct fib6_head *head, __u64 high, __u64 low,
			      __u32 len)
{
	struct fib6_key key;
	__u64 region, found;
	__u32 at, i;

	if (!head)
		return 0;
	region = head->region[len > 64];
	if (!FIB6_FIRST(region))
		return 0;
	fib6_cut(&key, high, low, len);
	at = fib6_hash(head->seed, key.high, key.low, len);
	for (i = 0; i < FIB6_CHAIN; i++, at++) {
		__u32 line = at & FIB6_LINE_MASK(region);
		const struct fib_page *page = fib_page_at(fib, FIB6_FIRST(region) +
							       FIB_LINE_PAGE(line));
		const __u64 *words;

		if (!page)
			return 0;
		words = page->line[FIB_LINE_INDEX(line)];
		found = fib6_in_line(words, &key);
		if (found || !(words[len > 64 ? 2 : 1] & FIB6_MORE))
			return found;
	}
	return 0;
}

/**
 * fib6_find() - The hop of an IPv6 address
 * @high, @low:	Host order
 * Return: its number; 0: no route
 */
static __always_inline __u32 fib6_find(fib_ref fib, __u32 number, __u64 high, __u64 low)
{
	const struct fib_table *table = fib_table_at(fib, number);
	const struct fib6_head *head;
	const struct fib_page *page;
	__u32 best, len, at, i;

	if (!table)
		return 0;
	best = fib_once(table->any6);
	at = fib_once(table->six);
	page = at ? fib_page_at(fib, FIB_LINE_PAGE(at)) : NULL;
	if (!page)
		return best;
	head = (const void *)page->line[FIB_LINE_INDEX(at)];
	len = FIB6_ROOT;
	for (i = 0; i < FIB6_PROBES && len; i++) {
		__u64 word = 0;

		if (fib_once(head->lengths[len > 64]) >> ((len - 1) & 63) & 1)
			word = fib6_entry(fib, head, high, low, len);
		if (FIB6_HOP(word))
			best = FIB6_HOP(word);
		if (word && !(word & FIB6_DEEPER))
			break;
		len = word ? FIB6_LONGER(fib6_next(len)) : FIB6_SHORTER(fib6_next(len));
	}
	return best;
}

#endif
