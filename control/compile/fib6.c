// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * fib6.c - entries of IPv6 tables, from the prefixes
 *
 * DOC: A prefix has an entry of its own, and one at each length at which the search tree turns to
 * longer ones on its way: 'below' counts for how many prefixes an entry does that. An entry's hop
 * is that of the longest prefix that covers it. A new prefix hence changes those entries below it
 * that no prefix in between covers: they are the ones on the ways to the topmost prefixes below.
 *
 * Insertion goes from the longest entry to the shortest, so that nobody is led to what is not
 * there; removal the same way, which leaves entries for a moment that lead to nothing: their hop
 * is right. The hop of ::/0 is not in entries (it would be in all of them): 0 says that nothing
 * else covers it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <compile/fib_walk.h>

#define LINES_FIRST	256	/* a page */
#define PAGE_LINES	256
#define LINES_MAX	(1U << 23)
#define RETIRED		UINT32_MAX	/* fib6_region.below: was removed, may still be read */

/* Where an entry lies */
struct place {
	uint32_t number;	/* of the region's entries */
	__u64 *key, *word;
};

struct table6 {
	struct fib *fib;
	struct fib_table *table;
	struct fib6 *six;
	const struct fib_trie *trie;
};

static struct table6 table6_of(struct fib *fib, uint32_t number)
{
	return (struct table6){ fib, &fib->store->table[number], &fib->table[number].six,
				&fib->table[number].trie[1] };
}

static struct fib6_head *head_of(const struct table6 *t)
{
	return (struct fib6_head *)fib_pool_line(&t->fib->pool, t->six->head);
}

static unsigned int entries_of_line(bool wide)
{
	return wide ? 2 : 4;
}

static __u64 *line_of(const struct fib_pool *pool, const struct fib6_region *region,
			 uint32_t line)
{
	return pool->page[region->first + line / PAGE_LINES]->line[line % PAGE_LINES];
}

static struct place place_of(const struct fib_pool *pool, const struct fib6_region *region,
			     bool wide, uint32_t number)
{
	__u64 *line = line_of(pool, region, number / entries_of_line(wide));
	__u64 *key = line + (wide ? number % 2 * 4 : number % 4 * 2);

	return (struct place){ number, key, key + (wide ? 2 : 1) };
}

/* ---- regions ---- */

static uint32_t pages_of(uint32_t lines)
{
	return (lines + PAGE_LINES - 1) / PAGE_LINES;
}

static int region_new(struct fib *fib, bool wide, uint32_t lines, struct fib6_region *ret_region)
{
	struct fib6_region region = { .lines = lines, .pages = pages_of(lines) };
	int r;

	if (lines > LINES_MAX)
		return -ENOSPC;
	region.below = calloc((size_t)lines * entries_of_line(wide), sizeof(*region.below));
	if (!region.below)
		return -ENOMEM;
	r = fib_pool_get_pages(&fib->pool, region.pages, &region.first);
	if (r < 0) {
		free(region.below);
		return r;
	}
	*ret_region = region;
	return 0;
}

static void region_retire(struct fib *fib, struct fib6_region *region)
{
	if (region->first)
		fib_pool_put_pages(&fib->pool, region->first, region->pages);
	free(region->below);
	free(region->retired.at);
	*region = (struct fib6_region){ 0 };
}

/*
 * The entry of a key. @free: where it could be if it is not there; lines on the way are marked.
 * Return: 1: it is there; 0; -ENOSPC: not there, and no room
 */
static int region_find(const struct fib_pool *pool, struct fib6_region *region, uint64_t seed,
		       const struct fib6_key *key, bool make, struct place *ret_place)
{
	bool wide = key->len > 64, found = false;
	unsigned int each = entries_of_line(wide), chain, i;
	uint32_t line = fib6_hash(seed, key->high, key->low, key->len);
	__u64 *first;

	for (chain = 0; chain < FIB6_CHAIN; chain++, line++) {
		line &= region->lines - 1;
		for (i = 0; i < each; i++) {
			struct place place = place_of(pool, region, wide, line * each + i);

			if (FIB6_LEN(*place.word) == key->len && place.key[0] == key->high &&
			    (!wide || place.key[1] == key->low)) {
				*ret_place = place;
				return 1;
			}
			if (!found && !FIB6_LEN(*place.word) &&
			    region->below[place.number] != RETIRED) {
				*ret_place = place;
				found = true;
			}
		}
		first = line_of(pool, region, line) + (wide ? 2 : 1);
		if (*first & FIB6_MORE)
			continue;
		if (found || !make)
			return 0;
		fib_put(first, *first | FIB6_MORE);
	}
	return found ? 0 : -ENOSPC;
}

static void place_write(const struct place *place, const struct fib6_key *key, uint64_t word)
{
	place->key[0] = key->high;
	if (key->len > 64)
		place->key[1] = key->low;
	fib_put(place->word, (*place->word & FIB6_MORE) | word);
}

/* Entries of one region into a larger one. Return: 0; -ENOSPC: not large enough either */
static int region_copy(const struct fib_pool *pool, bool wide, uint64_t seed,
		       const struct fib6_region *from, struct fib6_region *to)
{
	uint32_t n = from->lines * entries_of_line(wide), i;

	for (i = 0; i < n; i++) {
		struct place old = place_of(pool, from, wide, i), place;
		struct fib6_key key = { old.key[0], wide ? old.key[1] : 0, FIB6_LEN(*old.word) };

		if (!key.len)
			continue;
		if (region_find(pool, to, seed, &key, true, &place) != 0)
			return -ENOSPC;
		place_write(&place, &key, *old.word & ~(uint64_t)FIB6_MORE);
		to->below[place.number] = from->below[i];
		to->used++;
	}
	return 0;
}

/* A new head, with @region in place of the one that there is; -errno: nothing has changed */
static int head_exchange(struct table6 *t, bool wide, const struct fib6_region *region)
{
	struct fib6_region old = t->six->region[wide];
	uint32_t leaf, old_head = t->six->head;
	struct fib6_head head = { .seed = t->fib->seed };
	int r;

	r = fib_pool_get(&t->fib->pool, FIB_POOL_LINE, &leaf);
	if (r < 0)
		return r;
	if (old_head)
		head = *head_of(t);
	head.region[wide] = FIB6_REGION(region->first, region->lines);
	t->six->head = leaf >> 4;
	memcpy(head_of(t), &head, sizeof(head));
	fib_put(&t->table->six, t->six->head);
	t->six->region[wide] = *region;
	region_retire(t->fib, &old);
	if (old_head)
		fib_pool_put(&t->fib->pool, FIB_POOL_LINE, old_head << 4);
	return 0;
}

static int region_grow(struct table6 *t, bool wide)
{
	struct fib6_region *old = &t->six->region[wide], fresh;
	uint32_t lines = old->lines ? old->lines * 2 : LINES_FIRST;
	int r;

	for (;; lines *= 2) {
		r = region_new(t->fib, wide, lines, &fresh);
		if (r < 0)
			return r;
		r = region_copy(&t->fib->pool, wide, t->fib->seed, old, &fresh);
		if (r == 0)
			r = head_exchange(t, wide, &fresh);
		if (r == 0)
			return 0;
		region_retire(t->fib, &fresh);
		if (r != -ENOSPC)
			return r;
	}
}

/* ---- entries ---- */

static bool entry_find(struct table6 *t, const struct fib6_key *key, struct place *ret_place)
{
	struct fib6_region *region = &t->six->region[key->len > 64];

	return region->first && region_find(&t->fib->pool, region, t->fib->seed, key, false,
					    ret_place) == 1;
}

/* There, or room for it. Return: 1: there; 0: not; -errno */
static int entry_make(struct table6 *t, const struct fib6_key *key, struct place *ret_place)
{
	bool wide = key->len > 64;
	struct fib6_region *region = &t->six->region[wide];
	int r;

	if (entry_find(t, key, ret_place))
		return 1;
	while (true) {
		if (region->first &&	/* lines are full sooner than the table is */
		    region->used < region->lines * entries_of_line(wide) / 8 * 5) {
			r = region_find(&t->fib->pool, region, t->fib->seed, key, true, ret_place);
			if (r >= 0)
				return r;
		}
		r = region_grow(t, wide);
		if (r < 0)
			return r;
	}
}

static void entry_new(struct table6 *t, const struct place *place, const struct fib6_key *key,
		      uint64_t word, uint32_t below)
{
	bool wide = key->len > 64;
	__u64 *lengths = &head_of(t)->lengths[wide];

	t->six->region[wide].used++;
	t->six->region[wide].below[place->number] = below;
	place_write(place, key, word);
	fib_put(lengths, *lengths | 1ULL << ((key->len - 1) & 63));
}

static void entry_remove(struct table6 *t, const struct place *place, const struct fib6_key *key)
{
	struct fib6_region *region = &t->six->region[key->len > 64];

	fib_put(place->word, *place->word & FIB6_MORE);
	region->below[place->number] = RETIRED;
	fib_list_push(&region->retired, place->number);
}

static void entry_set(const struct place *place, uint32_t hop, uint64_t set, uint64_t clear)
{
	uint64_t word = ((*place->word & 0xffffffff & ~clear) | set) | (uint64_t)hop << 32;

	if (word != *place->word)
		fib_put(place->word, word);
}

/* ---- ways through the tree ---- */

/* Lengths at which the way to @len turns to longer ones. Return: how many */
static unsigned int way_to(unsigned int len, uint8_t ret_len[FIB6_PROBES])
{
	unsigned int at = FIB6_ROOT, n = 0;

	while (at != len) {
		if (at < len)
			ret_len[n++] = at;
		at = at < len ? FIB6_LONGER(fib6_next(at)) : FIB6_SHORTER(fib6_next(at));
	}
	return n;
}

/* A topmost prefix below another of length @len: entries that lead to it get that one's hop */
static void way_inherit(struct table6 *t, const struct fib_trie_node *node, unsigned int len,
			uint32_t hop)
{
	uint8_t way[FIB6_PROBES];
	unsigned int n = way_to(node->len, way);
	struct fib6_key key;
	struct place place;

	while (n-- && way[n] > len) {
		fib6_cut(&key, node->high, node->low, way[n]);
		if (entry_find(t, &key, &place))
			entry_set(&place, hop, 0, 0);
	}
}

static void inherit(struct table6 *t, uint32_t number, unsigned int len, uint32_t hop)
{
	const struct fib_trie_node *node = &t->trie->node[number];
	unsigned int i;

	if (node->hop && node->len > len) {
		way_inherit(t, node, len, hop);
		return;
	}
	for (i = 0; i < 2; i++)
		if (node->child[i])
			inherit(t, node->child[i], len, hop);
}

/* Hop of the longest of these prefixes, not longer than @len, but of no ::/0 */
static uint32_t best_of(const struct table6 *t, const uint32_t *above, unsigned int n,
			unsigned int len)
{
	while (n-- && t->trie->node[above[n]].len)
		if (t->trie->node[above[n]].len <= len)
			return t->trie->node[above[n]].hop;
	return 0;
}

/* The entries that lead to a prefix, from the longest on */
static int way_make(struct table6 *t, const struct fib_route *route)
{
	uint32_t above[129];
	unsigned int n_above = fib_trie_above(t->trie, route->high, route->low, route->len, above);
	uint8_t way[FIB6_PROBES];
	unsigned int n = way_to(route->len, way);
	struct place place;
	struct fib6_key key;
	uint32_t hop;
	int r;

	while (n--) {
		fib6_cut(&key, route->high, route->low, way[n]);
		hop = best_of(t, above, n_above, way[n]);
		r = entry_make(t, &key, &place);
		if (r < 0)
			return r;
		if (r == 0) {
			entry_new(t, &place, &key, FIB6_ENTRY(hop, key.len, FIB6_DEEPER), 1);
			continue;
		}
		t->six->region[key.len > 64].below[place.number]++;
		entry_set(&place, FIB6_HOP(*place.word), FIB6_DEEPER, 0);
	}
	return 0;
}

static void way_remove(struct table6 *t, const struct fib_route *route)
{
	uint8_t way[FIB6_PROBES];
	unsigned int n = way_to(route->len, way);
	struct place place;
	struct fib6_key key;

	while (n--) {
		fib6_cut(&key, route->high, route->low, way[n]);
		if (!entry_find(t, &key, &place) ||
		    --t->six->region[key.len > 64].below[place.number])
			continue;
		if (*place.word & FIB6_ROUTE)
			entry_set(&place, FIB6_HOP(*place.word), 0, FIB6_DEEPER);
		else
			entry_remove(t, &place, &key);
	}
}

/* ---- changes ---- */

int fib6_insert(struct fib *fib, const struct fib_route *route, bool replace)
{
	struct table6 t = table6_of(fib, route->table);
	struct place place;
	struct fib6_key key;
	uint32_t node;
	int r;

	if (!route->len) {
		fib_put(&t.table->any6, route->hop);
		return 0;
	}
	fib6_cut(&key, route->high, route->low, route->len);
	r = entry_make(&t, &key, &place);
	if (r < 0)
		return r;
	if (r == 0)
		entry_new(&t, &place, &key, FIB6_ENTRY(route->hop, key.len, FIB6_ROUTE), 0);
	else
		entry_set(&place, route->hop, FIB6_ROUTE, 0);
	node = fib_trie_below(t.trie, route->high, route->low, route->len);
	inherit(&t, node, route->len, route->hop);
	return replace ? 0 : way_make(&t, route);
}

int fib6_remove(struct fib *fib, const struct fib_route *route)
{
	struct table6 t = table6_of(fib, route->table);
	uint32_t above[129], hop, node;
	struct place place;
	struct fib6_key key;
	unsigned int n;

	if (!route->len) {
		fib_put(&t.table->any6, 0);
		return 0;
	}
	n = fib_trie_above(t.trie, route->high, route->low, route->len, above);
	hop = best_of(&t, above, n, route->len);
	fib6_cut(&key, route->high, route->low, route->len);
	if (entry_find(&t, &key, &place)) {
		if (t.six->region[key.len > 64].below[place.number])
			entry_set(&place, hop, 0, FIB6_ROUTE);
		else
			entry_remove(&t, &place, &key);
	}
	node = fib_trie_below(t.trie, route->high, route->low, route->len);
	if (node)
		inherit(&t, node, route->len, hop);
	way_remove(&t, route);
	if (t.trie->n_routes == !!t.table->any6) {
		fib_put(&t.table->six, 0);
		fib6_fini(fib, t.six);
	}
	return 0;
}

void fib6_reuse(struct fib *fib, struct fib6 *six)
{
	unsigned int wide;
	size_t i;

	for (wide = 0; wide < 2; wide++) {
		struct fib6_region *region = &six->region[wide];

		for (i = 0; i < region->retired.n; i++)
			region->below[region->retired.at[i]] = 0;
		region->used -= region->retired.n;
		region->retired.n = 0;
	}
}

void fib6_fini(struct fib *fib, struct fib6 *six)
{
	unsigned int wide;

	for (wide = 0; wide < 2; wide++)
		region_retire(fib, &six->region[wide]);
	if (six->head)
		fib_pool_put(&fib->pool, FIB_POOL_LINE, six->head << 4);
	six->head = 0;
}

static int rebuild_below(struct fib *fib, struct fib_route *route, uint32_t number)
{
	const struct fib_trie_node *node = &fib->table[route->table].trie[1].node[number];
	int r = 0, i;

	route->high = node->high;
	route->low = node->low;
	route->len = node->len;
	route->hop = node->hop;
	if (node->hop)
		r = fib6_insert(fib, route, false);
	for (i = 0; r == 0 && i < 2; i++)
		if (node->child[i])
			r = rebuild_below(fib, route, node->child[i]);
	return r;
}

int fib6_rebuild(struct fib *fib, uint32_t table)
{
	struct fib_owned *owned = &fib->table[table];
	struct fib_route route = { .table = table, .family = 6 };

	fib_put(&fib->store->table[table].six, 0);
	fib6_fini(fib, &owned->six);
	return owned->trie[1].root ? rebuild_below(fib, &route, owned->trie[1].root) : 0;
}
