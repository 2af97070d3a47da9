// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * config_diff.c - what differs between two configurations
 *
 * DOC: Members of maps are compared by key. Items of lists are aligned by a longest
 * common subsequence: J. Hunt, T. Szymanski, "A fast algorithm for computing
 * longest common subsequences", CACM 20(5), 1977. It takes O((n + r) log n) for r
 * pairs of equal items; in sets and rules nearly all items differ, so r is about n.
 * A list with many equal items keeps r small by looking at the nearest of
 * them only; the result is right then, but may be longer than it could be.
 * Between two aligned items, maps and lists are compared in their order, and
 * scalars are taken out and put in.
 *
 * Of text with several lines (the elements of a set) it is told how many lines came and
 * went: a line counts without its comment and the blanks around it, wherever it stands.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <base/utf8.h>
#include <model/config.h>

#define NEAR	32		/* equal items looked at, in each direction */
#define NONE	SIZE_MAX

struct differ {
	struct buf *out;
	struct arena arena;	/* of paths */
	unsigned int n;
};

static void compare(struct differ *d, const struct tree *a, const struct tree *b);

static void *new_array(size_t n, size_t size)
{
	void *array = calloc(n + 1, size);

	if (!array)
		arena_no_memory();
	return array;
}

/* ---- lines --------------------------------------------------------------------------------- */

/* The line is one, and steers no terminal, whatever is in the text */
static void put_text(struct differ *d, const char *text, size_t len)
{
	uint32_t c;
	size_t n;

	if (!len)
		buf_str(d->out, "''");
	for (; len; text += n, len -= n) {
		n = utf8_next(text, len, &c);
		if (!n || c < 0x20 || (c >= 0x7f && c < 0xa0)) {
			n = n ? n : 1;
			c = n > 1 ? c : (unsigned char)*text;
			buf_printf(d->out, "\\x%02x", c);
		} else {
			buf_add(d->out, text, n);
		}
	}
}

static void put_place(struct differ *d, char sign, const struct tree *tree)
{
	const char *path = tree_path(tree, &d->arena);

	buf_char(d->out, sign);
	buf_char(d->out, ' ');
	put_text(d, *path ? path : "/", *path ? strlen(path) : 1);
	buf_str(d->out, ": ");
	d->n++;
}

/* ---- text of several lines ----------------------------------------------------------------- */

static bool is_lines(const struct tree *tree)
{
	return tree->kind == TREE_SCALAR && memchr(tree->text, '\n', tree->len);
}

static uint64_t hash_bytes(uint64_t hash, const char *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)data[i]) * 0x100000001b3ull;	/* FNV-1a */
	return hash;
}

/* Lines, or items of a list, by their hashes */
struct lines {
	uint64_t *hash;
	size_t n, size;
};

static void lines_add(struct lines *lines, const char *text, const char *end)
{
	const char *comment = memchr(text, '#', end - text);

	if (comment)
		end = comment;
	while (text < end && isspace((unsigned char)*text))
		text++;
	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	if (text == end)
		return;
	if (lines->n == lines->size) {
		lines->size = lines->size ? 2 * lines->size : 64;
		lines->hash = realloc(lines->hash, lines->size * sizeof(*lines->hash));
		if (!lines->hash)
			arena_no_memory();
	}
	lines->hash[lines->n++] = hash_bytes(0xcbf29ce484222325ull, text, end - text);
}

static int compare_hashes(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Of a text, or of a list's items */
static struct lines lines_of(const struct tree *tree)
{
	const char *text = tree->text, *end = text + tree->len, *next;
	struct lines lines = { 0 };
	size_t i;

	for (i = 0; i < tree->n; i++)
		lines_add(&lines, tree->child[i]->text, tree->child[i]->text + tree->child[i]->len);
	for (; tree->kind == TREE_SCALAR && text < end; text = next + 1) {
		next = memchr(text, '\n', end - text);
		next = next ? next : end;
		lines_add(&lines, text, next);
	}
	if (lines.n)
		qsort(lines.hash, lines.n, sizeof(*lines.hash), compare_hashes);
	return lines;
}

static bool is_list_of_text(const struct tree *tree)
{
	size_t i;

	for (i = 0; i < tree->n; i++)
		if (tree->child[i]->kind != TREE_SCALAR)
			return false;
	return tree->kind == TREE_LIST;
}

static void put_summary(struct differ *d, char sign, const struct tree *tree)
{
	struct lines lines = lines_of(tree);

	put_place(d, sign, tree);
	buf_printf(d->out, "(%zu elements)\n", lines.n);
	free(lines.hash);
}

static void compare_lines(struct differ *d, const struct tree *a, const struct tree *b)
{
	struct lines x = lines_of(a), y = lines_of(b);
	size_t i = 0, k = 0, gone = 0, came = 0;

	while (i < x.n || k < y.n) {
		if (k == y.n || (i < x.n && x.hash[i] < y.hash[k])) {
			gone++;
			i++;
		} else if (i == x.n || x.hash[i] > y.hash[k]) {
			came++;
			k++;
		} else {
			i++;
			k++;
		}
	}
	put_place(d, '~', b);
	if (came)
		buf_printf(d->out, "+%zu ", came);
	if (gone)
		buf_printf(d->out, "-%zu ", gone);
	buf_printf(d->out, "(%zu elements%s)\n", y.n, came || gone ? "" : ", written otherwise");
	free(x.hash);
	free(y.hash);
}

/* ---- trees --------------------------------------------------------------------------------- */

/* All of a tree is new, or gone */
static void put_tree(struct differ *d, char sign, const struct tree *tree)
{
	size_t i;

	for (i = 0; i < tree->n; i++)
		put_tree(d, sign, tree->child[i]);
	if (tree->n)
		return;
	if (is_lines(tree)) {
		put_summary(d, sign, tree);
		return;
	}
	put_place(d, sign, tree);
	if (tree->kind == TREE_SCALAR)
		put_text(d, tree->text, tree->len);
	else
		buf_str(d->out, tree->kind == TREE_MAP ? "{}" : "[]");
	buf_char(d->out, '\n');
}

/* ---- maps ---------------------------------------------------------------------------------- */

static int compare_key(const void *key, const void *member)
{
	return strcmp(key, (*(const struct tree *const *)member)->key);
}

static const struct tree *find(const struct tree **sorted, size_t n, const char *key)
{
	const struct tree **at = bsearch(key, sorted, n, sizeof(*sorted), compare_key);

	return at ? *at : NULL;
}

static void compare_maps(struct differ *d, const struct tree *a, const struct tree *b)
{
	const struct tree **in_a = tree_sorted(a), **in_b = tree_sorted(b), *old;
	size_t i;

	for (i = 0; i < b->n; i++) {
		old = find(in_a, a->n, b->child[i]->key);
		if (old)
			compare(d, old, b->child[i]);
		else
			put_tree(d, '+', b->child[i]);
	}
	for (i = 0; i < a->n; i++)
		if (!find(in_b, b->n, a->child[i]->key))
			put_tree(d, '-', a->child[i]);
	free(in_a);
	free(in_b);
}

/* ---- lists --------------------------------------------------------------------------------- */

/* Equal trees have equal hashes: members are summed up, their order does not count */
static uint64_t hash_tree(const struct tree *tree)
{
	uint64_t hash = 0xcbf29ce484222325ull + tree->kind, child;
	size_t i;

	if (tree->kind == TREE_SCALAR)
		return hash_bytes(hash, tree->text, tree->len);
	for (i = 0; i < tree->n; i++) {
		child = hash_tree(tree->child[i]);
		if (tree->kind == TREE_MAP)
			hash += hash_bytes(child, tree->child[i]->key, strlen(tree->child[i]->key));
		else
			hash = hash_bytes(hash, (char *)&child, sizeof(child));
	}
	return hash;
}

struct item {
	uint64_t hash;
	size_t index;
};

static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* A pair of equal items, and the pair before it in the longest subsequence that ends with it */
struct pair {
	size_t a, b, before;
};

/* Items [a_from, a_to) and [b_from, b_to) of two lists */
struct range {
	const struct tree *a, *b;
	size_t a_from, a_to, b_from, b_to;
};

struct lcs {
	const struct range *range;
	struct item *item;		/* of b, sorted */
	size_t n_items;
	struct pair *pair;
	size_t n_pairs, max_pairs;
	size_t *last;			/* by length: the pair whose item of b is the earliest */
	size_t length;
};

static size_t add_pair(struct lcs *lcs, struct pair pair)
{
	if (lcs->n_pairs == lcs->max_pairs) {
		lcs->max_pairs = lcs->max_pairs ? 2 * lcs->max_pairs : 64;
		lcs->pair = realloc(lcs->pair, lcs->max_pairs * sizeof(*lcs->pair));
		if (!lcs->pair)
			arena_no_memory();
	}
	lcs->pair[lcs->n_pairs] = pair;
	return lcs->n_pairs++;
}

/* How many of the subsequences found so far end before item @b */
static size_t shorter_than(const struct lcs *lcs, size_t b)
{
	size_t low = 0, high = lcs->length, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (lcs->pair[lcs->last[middle]].b < b)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Where items with this hash, not before @index, begin */
static size_t first_item(const struct lcs *lcs, uint64_t hash, size_t index)
{
	size_t low = 0, high = lcs->n_items, middle;
	struct item wanted = { hash, index };

	while (low < high) {
		middle = (low + high) / 2;
		if (compare_items(&lcs->item[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Later items of b first, so that one item of a is used once */
static void add_item(struct lcs *lcs, size_t a)
{
	const struct tree *tree = lcs->range->a->child[a];
	uint64_t hash = hash_tree(tree);
	size_t middle, first, last, at;

	middle = first_item(lcs, hash, lcs->range->b_from + (a - lcs->range->a_from));
	for (last = middle; last < lcs->n_items && last < middle + NEAR; last++)
		if (lcs->item[last].hash != hash)
			break;
	for (first = middle; first > 0 && first + NEAR > middle; first--)
		if (lcs->item[first - 1].hash != hash)
			break;
	while (last > first) {
		size_t b = lcs->item[--last].index;

		if (!tree_equal(tree, lcs->range->b->child[b]))
			continue;
		at = shorter_than(lcs, b);
		lcs->last[at] = add_pair(lcs, (struct pair){ a, b, at ? lcs->last[at - 1] : NONE });
		if (at == lcs->length)
			lcs->length++;
	}
}

/* ret_match: by item of a, from a_from: its equal in b, or NONE */
static void align(const struct range *range, size_t *ret_match)
{
	size_t n = range->a_to - range->a_from, i, p;
	struct lcs lcs = { .range = range, .n_items = range->b_to - range->b_from };

	lcs.item = new_array(lcs.n_items, sizeof(*lcs.item));
	lcs.last = new_array(n, sizeof(*lcs.last));
	for (i = 0; i < lcs.n_items; i++)
		lcs.item[i] = (struct item){ hash_tree(range->b->child[range->b_from + i]),
					     range->b_from + i };
	qsort(lcs.item, lcs.n_items, sizeof(*lcs.item), compare_items);
	for (i = 0; i < n; i++)
		ret_match[i] = NONE;
	for (i = range->a_from; i < range->a_to; i++)
		add_item(&lcs, i);
	for (p = lcs.length ? lcs.last[lcs.length - 1] : NONE; p != NONE; p = lcs.pair[p].before)
		ret_match[lcs.pair[p].a - range->a_from] = lcs.pair[p].b;
	free(lcs.pair);
	free(lcs.last);
	free(lcs.item);
}

/* Nothing in these ranges is equal */
static void compare_gap(struct differ *d, struct range gap)
{
	for (; gap.a_from < gap.a_to && gap.b_from < gap.b_to; gap.a_from++, gap.b_from++) {
		const struct tree *a = gap.a->child[gap.a_from], *b = gap.b->child[gap.b_from];

		if (a->kind != b->kind || a->kind == TREE_SCALAR)
			break;
		compare(d, a, b);
	}
	for (; gap.a_from < gap.a_to; gap.a_from++)
		put_tree(d, '-', gap.a->child[gap.a_from]);
	for (; gap.b_from < gap.b_to; gap.b_from++)
		put_tree(d, '+', gap.b->child[gap.b_from]);
}

static void compare_lists(struct differ *d, const struct tree *a, const struct tree *b)
{
	struct range range = { a, b, 0, a->n, 0, b->n }, gap;
	size_t *match, i;

	while (range.a_from < range.a_to && range.b_from < range.b_to &&
	       tree_equal(a->child[range.a_from], b->child[range.b_from])) {
		range.a_from++;
		range.b_from++;
	}
	while (range.a_from < range.a_to && range.b_from < range.b_to &&
	       tree_equal(a->child[range.a_to - 1], b->child[range.b_to - 1])) {
		range.a_to--;
		range.b_to--;
	}
	match = new_array(range.a_to - range.a_from, sizeof(*match));
	align(&range, match);
	gap = range;
	for (i = range.a_from; i < range.a_to; i++) {
		if (match[i - range.a_from] == NONE)
			continue;
		gap.a_to = i;
		gap.b_to = match[i - range.a_from];
		compare_gap(d, gap);
		gap.a_from = gap.a_to + 1;
		gap.b_from = gap.b_to + 1;
	}
	gap.a_to = range.a_to;
	gap.b_to = range.b_to;
	compare_gap(d, gap);
	free(match);
}

static void compare_scalars(struct differ *d, const struct tree *a, const struct tree *b)
{
	if (tree_equal(a, b))
		return;
	put_place(d, '~', b);
	put_text(d, a->text, a->len);
	buf_str(d->out, " -> ");
	put_text(d, b->text, b->len);
	buf_char(d->out, '\n');
}

static void compare(struct differ *d, const struct tree *a, const struct tree *b)
{
	if ((is_lines(a) && is_list_of_text(b)) || (is_lines(b) && is_list_of_text(a)) ||
	    (a->kind == b->kind && !tree_equal(a, b) && (is_lines(a) || is_lines(b)))) {
		compare_lines(d, a, b);
	} else if (a->kind != b->kind) {
		put_tree(d, '-', a);
		put_tree(d, '+', b);
	} else if (a->kind == TREE_MAP) {
		compare_maps(d, a, b);
	} else if (a->kind == TREE_LIST) {
		compare_lists(d, a, b);
	} else {
		compare_scalars(d, a, b);
	}
}

unsigned int config_diff(const struct tree *a, const struct tree *b, struct buf *out)
{
	struct differ d = { .out = out };

	compare(&d, a, b);
	arena_fini(&d.arena);
	return d.n;
}
