// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * fib4.c - words, lines and leaves of IPv4 tables, from the prefixes
 *
 * DOC: Each word that a change may touch is made anew from the trie: values of its 32 slots, and
 * of the 256 addresses of those that have longer prefixes. Where only values differ they are
 * stored in place; else leaves are written elsewhere, and the word goes over to them by one store.
 * What has not changed is not written, and nothing is given back before the word that named it has
 * gone over.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <compile/fib_priv.h>

#define WORDS		2048	/* of a root page */
#define WORD_LEN	19	/* of the prefix that a word stands for */
#define LINE_SLOTS	256
#define FLAT_FROM	1024	/* routes in a /8 from which on it has leaves: 256 KiB */
#define FLAT_LEAST	512	/* below which it has words again */

/* A change: words and lines outside of it are as they were */
struct range {
	struct fib *fib;
	const struct fib_trie *trie;
	uint32_t first, last;
};

static uint64_t high_of(uint32_t addr)
{
	return (uint64_t)addr << 32;
}

static uint32_t addr_of(const struct fib_trie_node *node)
{
	return node->high >> 32;
}

/* ---- words ---- */

static unsigned int leaves_size(uint32_t bitmap)
{
	unsigned int n = __builtin_popcount(bitmap) + 1, size = 0;

	while ((2U << size) < n)
		size++;
	return size;
}

static void word_read(const struct fib_pool *pool, uint64_t word, uint32_t ret_value[FIB_SLOTS])
{
	uint32_t base = FIB_BASE(word), bitmap = FIB_BITMAP(word);
	const uint32_t *leaf = bitmap ? fib_pool_leaf(pool, base) : &base;
	unsigned int i;

	for (i = 0; i < FIB_SLOTS; i++) {
		leaf += bitmap >> i & 1;
		ret_value[i] = *leaf;
	}
}

static void word_retire(struct fib_pool *pool, uint64_t word)
{
	if (FIB_BITMAP(word))
		fib_pool_put(pool, leaves_size(FIB_BITMAP(word)), FIB_BASE(word));
}

/* Let a word have these values */
static int word_put(struct fib_pool *pool, __u64 *at, const uint32_t value[FIB_SLOTS])
{
	uint32_t bitmap = 0, base = value[0], leaf[FIB_SLOTS] = { value[0] }, *there;
	uint64_t old = *at;
	unsigned int n = 1, i;
	int r;

	for (i = 1; i < FIB_SLOTS; i++)
		if (value[i] != value[i - 1]) {
			bitmap |= 1U << i;
			leaf[n++] = value[i];
		}
	if (bitmap && bitmap == FIB_BITMAP(old)) {
		there = fib_pool_leaf(pool, FIB_BASE(old));
		for (i = 0; i < n; i++)
			if (there[i] != leaf[i])
				fib_put(&there[i], leaf[i]);
		return 0;
	}
	if (bitmap) {
		r = fib_pool_get(pool, leaves_size(bitmap), &base);
		if (r < 0)
			return r;
		memcpy(fib_pool_leaf(pool, base), leaf, n * sizeof(*leaf));
	}
	if (old != FIB_WORD(bitmap, base))
		fib_put(at, FIB_WORD(bitmap, base));
	word_retire(pool, old);
	return 0;
}

/* ---- lines: the 256 addresses of a /24 ---- */

static void line_retire(struct fib_pool *pool, uint32_t value)
{
	__u64 *word = fib_pool_line(pool, value & ~FIB_REF);
	unsigned int i;

	for (i = 0; i < LINE_SLOTS / FIB_SLOTS; i++)
		word_retire(pool, word[i]);
	fib_pool_put(pool, FIB_POOL_LINE, (value & ~FIB_REF) << 4);
}

/* Values of @shift bits each, from @base on; shorter prefixes come before longer ones */
static void fill(const struct fib_trie *trie, uint32_t node_number, uint32_t base,
		 unsigned int shift, uint32_t *value, uint32_t *ret_deep)
{
	const struct fib_trie_node *node = &trie->node[node_number];
	uint32_t at = (addr_of(node) - base) >> shift, n, i;

	if (node->hop && node->len > 32 - shift) {
		*ret_deep |= 1U << at;
	} else if (node->hop) {
		n = 1U << (32 - shift - node->len);
		for (i = 0; i < n; i++)
			value[at + i] = node->hop;
	}
	for (i = 0; i < 2; i++)
		if (node->child[i])
			fill(trie, node->child[i], base, shift, value, ret_deep);
}

/* *value: what the line inherits; becomes its name. @old: the slot's value so far */
static int line_render(const struct range *range, uint32_t addr, uint32_t old, uint32_t *value)
{
	struct fib_pool *pool = &range->fib->pool;
	uint32_t values[LINE_SLOTS], leaf, deep = 0, node, i;
	__u64 *word;
	int r = 0;

	for (i = 0; i < LINE_SLOTS; i++)
		values[i] = *value;
	node = fib_trie_below(range->trie, high_of(addr), 0, 24);
	fill(range->trie, node, addr, 0, values, &deep);
	if (!(old & FIB_REF)) {
		r = fib_pool_get(pool, FIB_POOL_LINE, &leaf);
		if (r < 0)
			return r;
		old = FIB_REF | leaf >> 4;
	}
	*value = old;
	word = fib_pool_line(pool, old & ~FIB_REF);
	for (i = 0; r == 0 && i < LINE_SLOTS / FIB_SLOTS; i++)
		r = word_put(pool, &word[i], values + i * FIB_SLOTS);
	return r;
}

/* ---- a /19 ---- */

/* What 32 slots are to say. @old: what they say */
static int values_render(const struct range *range, uint32_t addr, uint32_t node,
			 const uint32_t old[FIB_SLOTS], uint32_t value[FIB_SLOTS])
{
	uint32_t inherited = fib_trie_best(range->trie, high_of(addr), 0, WORD_LEN), deep = 0, i;
	int r;

	for (i = 0; i < FIB_SLOTS; i++)
		value[i] = inherited;
	if (node)
		fill(range->trie, node, addr, 8, value, &deep);
	for (i = 0; i < FIB_SLOTS; i++) {
		uint32_t slot = addr + (i << 8);

		if (!(deep >> i & 1))
			continue;
		if (old[i] & FIB_REF && (slot + 255 < range->first || slot > range->last)) {
			value[i] = old[i];
			continue;
		}
		r = line_render(range, slot, old[i], &value[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The lines that are no longer named */
static void values_retire(struct fib_pool *pool, const uint32_t old[FIB_SLOTS],
			  const uint32_t value[FIB_SLOTS])
{
	uint32_t i;

	for (i = 0; i < FIB_SLOTS; i++)
		if (old[i] & FIB_REF && (!value || value[i] != old[i]))
			line_retire(pool, old[i]);
}

static int word_render(const struct range *range, __u64 *at, uint32_t addr)
{
	struct fib_pool *pool = &range->fib->pool;
	uint32_t old[FIB_SLOTS], value[FIB_SLOTS];
	uint32_t node = fib_trie_below(range->trie, high_of(addr), 0, WORD_LEN);
	int r;

	if (!node && !FIB_BITMAP(*at) && !(FIB_BASE(*at) & FIB_REF)) {
		fib_put(at, FIB_WORD(0, fib_trie_best(range->trie, high_of(addr), 0, WORD_LEN)));
		return 0;
	}
	word_read(pool, *at, old);
	r = values_render(range, addr, node, old, value);
	if (r == 0)
		r = word_put(pool, at, value);
	if (r == 0)
		values_retire(pool, old, value);
	return r;
}

/* ---- a /8: a page of words, or a leaf for each /24 ---- */

static bool is_flat(uint32_t root)
{
	return root & FIB_REF && root & FIB_FLAT;
}

static uint32_t page_number(uint32_t root)
{
	return root & ~(FIB_REF | FIB_FLAT);
}

/* The 32 leaves of word @word */
static uint32_t *flat_leaves(const struct fib_pool *pool, uint32_t root, uint32_t word)
{
	return fib_pool_leaf(pool, page_number(root) * FIB_PAGE_LEAVES + word * FIB_SLOTS);
}

static int flat_render(const struct range *range, uint32_t root, uint32_t word, uint32_t addr)
{
	struct fib_pool *pool = &range->fib->pool;
	uint32_t *leaf = flat_leaves(pool, root, word), old[FIB_SLOTS], value[FIB_SLOTS], i;
	uint32_t node = fib_trie_below(range->trie, high_of(addr), 0, WORD_LEN);
	int r;

	memcpy(old, leaf, sizeof(old));
	r = values_render(range, addr, node, old, value);
	if (r < 0)
		return r;
	for (i = 0; i < FIB_SLOTS; i++)
		if (value[i] != old[i])
			fib_put(&leaf[i], value[i]);
	values_retire(pool, old, value);
	return 0;
}

/* Words, or leaves of words, from @first to @last, which lie in this /8 */
static int words_render(const struct range *range, uint32_t root, uint32_t first, uint32_t last)
{
	struct fib_page *page = range->fib->pool.page[page_number(root)];
	uint32_t addr = first & 0xff000000, i;
	int r = 0;

	for (i = (first - addr) >> 13; r == 0 && i <= (last - addr) >> 13; i++)
		r = is_flat(root) ? flat_render(range, root, i, addr + (i << 13)) :
				    word_render(range, &page->word[i], addr + (i << 13));
	return r;
}

static void root_retire(struct fib_pool *pool, uint32_t root)
{
	uint32_t value[FIB_SLOTS], i;

	if (!(root & FIB_REF))
		return;
	for (i = 0; i < WORDS; i++) {
		if (is_flat(root)) {
			values_retire(pool, flat_leaves(pool, root, i), NULL);
			continue;
		}
		word_read(pool, pool->page[page_number(root)]->word[i], value);
		values_retire(pool, value, NULL);
		word_retire(pool, pool->page[page_number(root)]->word[i]);
	}
	fib_pool_put_pages(pool, page_number(root), is_flat(root) ? FIB_FLAT_PAGES : 1);
}

/* All of a /8 elsewhere */
static int root_build(const struct range *range, uint32_t addr, bool flat, uint32_t *ret_root)
{
	struct fib_pool *pool = &range->fib->pool;
	uint32_t root;
	int r;

	r = fib_pool_get_pages(pool, flat ? FIB_FLAT_PAGES : 1, &root);
	if (r < 0)
		return r;
	root |= FIB_REF | (flat ? FIB_FLAT : 0);
	r = words_render(range, root, addr, addr | 0xffffff);
	if (r < 0)
		root_retire(pool, root);
	else
		*ret_root = root;
	return r;
}

/* Are there prefixes longer than /8? */
static bool is_deep(const struct fib_trie *trie, uint32_t addr)
{
	uint32_t node = fib_trie_below(trie, high_of(addr), 0, 8);

	return node && (trie->node[node].len > 8 || trie->node[node].child[0] ||
			trie->node[node].child[1]);
}

static int root_render(const struct range *range, uint32_t *at, uint32_t addr, uint32_t routes)
{
	uint32_t old = *at, root, last = addr | 0xffffff;
	bool flat = routes >= (is_flat(old) ? FLAT_LEAST : FLAT_FROM);
	int r = 0;

	if (!is_deep(range->trie, addr)) {
		root = fib_trie_best(range->trie, high_of(addr), 0, 8);
	} else if (old & FIB_REF && flat == is_flat(old)) {
		return words_render(range, old, range->first > addr ? range->first : addr,
				    range->last < last ? range->last : last);
	} else {
		r = root_build(range, addr, flat, &root);
	}
	if (r < 0)
		return r;
	fib_put(at, root);
	root_retire(&range->fib->pool, old);
	return 0;
}

int fib4_render(struct fib *fib, uint32_t table, uint32_t addr, unsigned int len)
{
	struct range range = {
		.fib = fib, .trie = &fib->table[table].trie[0],
		.first = addr, .last = addr | (len == 32 ? 0 : UINT32_MAX >> len),
	};
	uint32_t i;
	int r = 0;

	for (i = range.first >> 24; r == 0 && i <= range.last >> 24; i++)
		r = root_render(&range, &fib->store->table[table].root[i], i << 24,
				fib->table[table].below8[i]);
	return r;
}
