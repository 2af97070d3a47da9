// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* fib_trie.c - the prefixes of one table, in order */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <compile/fib_trie.h>

#define NODES_FIRST	64

static unsigned int bit_of(uint64_t high, uint64_t low, unsigned int at)
{
	return at < 64 ? high >> (63 - at) & 1 : low >> (127 - at) & 1;
}

/* How many bits two keys have in common, @max at most */
static unsigned int common(uint64_t high, uint64_t low, const struct fib_trie_node *node,
			   unsigned int max)
{
	unsigned int n;

	if (high != node->high)
		n = __builtin_clzll(high ^ node->high);
	else
		n = low != node->low ? 64 + __builtin_clzll(low ^ node->low) : 128;
	return n < max ? n : max;
}

static bool covers(const struct fib_trie_node *node, uint64_t high, uint64_t low, unsigned int len)
{
	return node->len <= len && common(high, low, node, node->len) == node->len;
}

static uint32_t node_new(struct fib_trie *trie, uint64_t high, uint64_t low, unsigned int len,
			 uint32_t hop)
{
	uint32_t number = trie->unused;

	if (number)
		trie->unused = trie->node[number].child[0];
	else
		number = trie->n++;
	trie->node[number] = (struct fib_trie_node){
		.high = len == 0 ? 0 : len < 64 ? high & ~0ULL << (64 - len) : high,
		.low = len <= 64 ? 0 : low & ~0ULL << (128 - len),
		.len = len, .hop = hop,
	};
	return number;
}

static void node_free(struct fib_trie *trie, uint32_t number)
{
	trie->node[number].child[0] = trie->unused;
	trie->unused = number;
}

/* Room for the two nodes that an insertion needs at most; number 0 stays empty */
static int grow(struct fib_trie *trie)
{
	uint32_t room = trie->room ? trie->room * 2 : NODES_FIRST;
	struct fib_trie_node *node;

	if (trie->n + 2 <= trie->room)
		return 0;
	node = realloc(trie->node, (size_t)room * sizeof(*node));
	if (!node)
		return -ENOMEM;
	trie->node = node;
	trie->room = room;
	trie->n += !trie->n;
	return 0;
}

void fib_trie_fini(struct fib_trie *trie)
{
	free(trie->node);
	*trie = (struct fib_trie){ 0 };
}

int fib_trie_set(struct fib_trie *trie, uint64_t high, uint64_t low, unsigned int len, uint32_t hop,
		 uint32_t *ret_old)
{
	uint32_t *link = &trie->root, fresh, fork;
	struct fib_trie_node *node;
	unsigned int n;

	if (grow(trie) < 0)
		return -ENOMEM;
	while (*link && covers(&trie->node[*link], high, low, len) &&
	       trie->node[*link].len < len)
		link = &trie->node[*link].child[bit_of(high, low, trie->node[*link].len)];
	node = &trie->node[*link];
	if (*link && node->len == len && covers(node, high, low, len)) {
		*ret_old = node->hop;
		node->hop = hop;
		trie->n_routes += !*ret_old;
		return 0;
	}
	fresh = node_new(trie, high, low, len, hop);
	if (*link) {
		n = common(high, low, node, node->len < len ? node->len : len);
		if (n == len) {		/* above what is there */
			trie->node[fresh].child[bit_of(node->high, node->low, n)] = *link;
		} else {
			fork = node_new(trie, high, low, n, 0);
			trie->node[fork].child[bit_of(high, low, n)] = fresh;
			trie->node[fork].child[!bit_of(high, low, n)] = *link;
			fresh = fork;
		}
	}
	*link = fresh;
	trie->n_routes++;
	*ret_old = 0;
	return 0;
}

/* A node that is no prefix and has not two children goes; its child takes its place */
static void shrink(struct fib_trie *trie, uint32_t *link)
{
	struct fib_trie_node *node = &trie->node[*link];
	uint32_t number = *link;

	if (node->hop || (node->child[0] && node->child[1]))
		return;
	*link = node->child[0] | node->child[1];
	node_free(trie, number);
}

uint32_t fib_trie_del(struct fib_trie *trie, uint64_t high, uint64_t low, unsigned int len)
{
	uint32_t *link = &trie->root, *above = NULL, old;
	struct fib_trie_node *node;

	while (*link && covers(&trie->node[*link], high, low, len) &&
	       trie->node[*link].len < len) {
		above = link;
		link = &trie->node[*link].child[bit_of(high, low, trie->node[*link].len)];
	}
	node = &trie->node[*link];
	if (!*link || node->len != len || !covers(node, high, low, len) || !node->hop)
		return 0;
	old = node->hop;
	node->hop = 0;
	trie->n_routes--;
	shrink(trie, link);
	if (above)
		shrink(trie, above);
	return old;
}

uint32_t fib_trie_below(const struct fib_trie *trie, uint64_t high, uint64_t low, unsigned int len)
{
	uint32_t at = trie->root;

	while (at && trie->node[at].len < len) {
		if (!covers(&trie->node[at], high, low, len))
			return 0;
		at = trie->node[at].child[bit_of(high, low, trie->node[at].len)];
	}
	return at && common(high, low, &trie->node[at], len) == len ? at : 0;
}

uint32_t fib_trie_get(const struct fib_trie *trie, uint64_t high, uint64_t low, unsigned int len)
{
	uint32_t at = fib_trie_below(trie, high, low, len);

	return at && trie->node[at].len == len ? trie->node[at].hop : 0;
}

unsigned int fib_trie_above(const struct fib_trie *trie, uint64_t high, uint64_t low,
			    unsigned int len, uint32_t ret_node[129])
{
	uint32_t at = trie->root;
	unsigned int n = 0;

	while (at && covers(&trie->node[at], high, low, len)) {
		if (trie->node[at].hop)
			ret_node[n++] = at;
		if (trie->node[at].len == len)
			break;
		at = trie->node[at].child[bit_of(high, low, trie->node[at].len)];
	}
	return n;
}

uint32_t fib_trie_best(const struct fib_trie *trie, uint64_t high, uint64_t low, unsigned int len)
{
	uint32_t at = trie->root, best = 0;

	while (at && covers(&trie->node[at], high, low, len)) {
		if (trie->node[at].hop)
			best = trie->node[at].hop;
		if (trie->node[at].len == len)
			break;
		at = trie->node[at].child[bit_of(high, low, trie->node[at].len)];
	}
	return best;
}
