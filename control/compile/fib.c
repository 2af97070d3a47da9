// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* fib.c - forwarding tables: routes in, and what programs find */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <compile/fib_walk.h>

typedef unsigned __int128 u128;

/* ---- a store of plain memory ---- */

static void heap_remove(void *data, uint32_t first, uint32_t n, struct fib_page **page)
{
	while (n--)
		free(page[n]);
}

static int heap_add(void *data, uint32_t first, uint32_t n, struct fib_page **ret_page)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		ret_page[i] = calloc(1, sizeof(**ret_page));
		if (!ret_page[i]) {
			heap_remove(data, first, i, ret_page);
			return -ENOMEM;
		}
	}
	return 0;
}

int fib_store_new(uint32_t n_tables, struct fib_store **ret_store)
{
	struct fib_store *store = calloc(1, sizeof(*store));

	if (!store)
		return -ENOMEM;
	*store = (struct fib_store){
		.add = heap_add, .remove = heap_remove, .n_tables = n_tables,
		.table = calloc(n_tables, sizeof(*store->table)),
	};
	if (!store->table) {
		free(store);
		return -ENOMEM;
	}
	*ret_store = store;
	return 0;
}

void fib_store_free(struct fib_store *store)
{
	if (store)
		free(store->table);
	free(store);
}

/* ---- tables ---- */

int fib_new(struct fib_store *store, uint64_t seed, struct fib **ret_fib)
{
	struct fib *fib = calloc(1, sizeof(*fib));
	int r = -ENOMEM;

	if (!fib)
		return r;
	fib->store = store;
	fib->seed = seed;
	fib->table = calloc(store->n_tables, sizeof(*fib->table));
	if (fib->table)
		r = fib_pool_init(&fib->pool, store);
	if (r < 0)
		fib_free(fib);
	else
		*ret_fib = fib;
	return r;
}

void fib_free(struct fib *fib)
{
	uint32_t i;

	if (!fib)
		return;
	for (i = 0; fib->table && i < fib->store->n_tables; i++) {
		fib6_fini(fib, &fib->table[i].six);
		fib_trie_fini(&fib->table[i].trie[0]);
		fib_trie_fini(&fib->table[i].trie[1]);
	}
	fib_pool_fini(&fib->pool);
	free(fib->table);
	free(fib);
}

/* ---- changes ---- */

static int route_check(const struct fib *fib, const struct fib_route *route, struct err *err)
{
	unsigned int bits = route->family == 6 ? 128 : 32;
	uint64_t high = 0, low = 0;

	if (route->family != 4 && route->family != 6)
		return err_set(err, -EINVAL, "route of family %u: neither 4 nor 6", route->family);
	if (route->table >= fib->store->n_tables)
		return err_set(err, -EINVAL, "route in table %u: there are %u", route->table,
			       fib->store->n_tables);
	if (route->len > bits)
		return err_set(err, -EINVAL, "route of length %u: IPv%u has %u bits", route->len,
			       route->family, bits);
	high = route->len < 64 ? route->high & UINT64_MAX >> route->len : 0;
	low = route->len <= 64 ? route->low :
	      route->len < 128 ? route->low & UINT64_MAX >> (route->len - 64) : 0;
	if (high || low || (bits == 32 && (uint32_t)route->high))
		return err_set(err, -EINVAL, "route of length %u: bits are set behind it",
			       route->len);
	return 0;
}

static int change_failed(struct fib *fib, int r, struct err *err)
{
	fib->broken = true;
	return err_set(err, r, "no room for a route in the forwarding tables");
}

/* @more: 1: a route more; -1: one less; 0: another hop */
static int render4(struct fib *fib, const struct fib_route *route, int more)
{
	if (route->len > 8)
		fib->table[route->table].below8[route->high >> 56] += more;
	if (!fib->loading)
		return fib4_render(fib, route->table, route->high >> 32, route->len);
	fib->table[route->table].stale = true;
	return 0;
}

int fib_set(struct fib *fib, const struct fib_route *route, struct err *err)
{
	uint32_t old = 0;
	int r;

	r = route_check(fib, route, err);
	if (r < 0)
		return r;
	if (!route->hop || route->hop > FIB_HOP_MAX)
		return err_set(err, -EINVAL, "route to hop %u: 1 to %u", route->hop, FIB_HOP_MAX);
	r = fib_trie_set(fib_trie_of(fib, route), route->high, route->low, route->len, route->hop,
			 &old);
	if (r == 0 && old != route->hop)
		r = route->family == 4 ? render4(fib, route, !old) : fib6_insert(fib, route, old);
	return r < 0 ? change_failed(fib, r, err) : 0;
}

int fib_del(struct fib *fib, const struct fib_route *route, struct err *err)
{
	int r;

	r = route_check(fib, route, err);
	if (r < 0)
		return r;
	if (!fib_trie_del(fib_trie_of(fib, route), route->high, route->low, route->len))
		return err_set(err, -ENOENT, "no such route of length %u", route->len);
	r = route->family == 4 ? render4(fib, route, -1) : fib6_remove(fib, route);
	return r < 0 ? change_failed(fib, r, err) : 0;
}

uint32_t fib_get(const struct fib *fib, const struct fib_route *route)
{
	if (route_check(fib, route, NULL) < 0)
		return 0;
	return fib_trie_get(fib_trie_of(fib, route), route->high, route->low, route->len);
}

void fib_load_begin(struct fib *fib)
{
	fib->loading = true;
}

/* After a failure nothing of what programs read is relied on but that it can be given back */
static int table_rebuild(struct fib *fib, uint32_t number)
{
	fib->table[number].stale = true;
	return fib6_rebuild(fib, number);
}

int fib_load_end(struct fib *fib, struct err *err)
{
	bool rebuild = fib->broken;
	uint32_t i;
	int r = 0;

	fib->loading = false;
	for (i = 0; r == 0 && i < fib->store->n_tables; i++) {
		if (rebuild)
			r = table_rebuild(fib, i);
		if (r == 0 && fib->table[i].stale)
			r = fib4_render(fib, i, 0, 0);
		if (r == 0)
			fib->table[i].stale = false;
	}
	if (r < 0)
		return change_failed(fib, r, err);
	fib->broken = false;
	return 0;
}

bool fib_is_broken(const struct fib *fib)
{
	return fib->broken;
}

void fib_reuse(struct fib *fib)
{
	uint32_t i;

	for (i = 0; i < fib->store->n_tables; i++)
		fib6_reuse(fib, &fib->table[i].six);
	fib_pool_reuse(&fib->pool);
}

/* ---- questions ---- */

uint32_t fib_find(const struct fib *fib, unsigned int family, uint32_t table, uint64_t high,
		  uint64_t low)
{
	return family == 4 ? fib4_find(fib, table, high >> 32) : fib6_find(fib, table, high, low);
}

static int walk_below(const struct fib_trie *trie, uint32_t number, struct fib_route *route,
		      int (*each)(const struct fib_route *route, void *data), void *data)
{
	const struct fib_trie_node *node = &trie->node[number];
	int r = 0, i;

	if (node->hop) {
		route->high = node->high;
		route->low = node->low;
		route->len = node->len;
		route->hop = node->hop;
		r = each(route, data);
	}
	for (i = 0; r == 0 && i < 2; i++)
		if (node->child[i])
			r = walk_below(trie, node->child[i], route, each, data);
	return r;
}

int fib_walk(const struct fib *fib, unsigned int family, uint32_t table,
	     int (*each)(const struct fib_route *route, void *data), void *data)
{
	struct fib_route route = { .table = table, .family = family };
	const struct fib_trie *trie;

	if (table >= fib->store->n_tables)
		return 0;
	trie = &fib->table[table].trie[family == 6];
	return trie->root ? walk_below(trie, trie->root, &route, each, data) : 0;
}

struct verify {
	const struct fib *fib;
	size_t differ;
	struct fib_route *first;
};

static void verify_at(struct verify *verify, const struct fib_route *route, uint64_t high,
		      uint64_t low)
{
	bool six = route->family == 6;
	uint32_t want = fib_trie_best(fib_trie_of(verify->fib, route), high, six ? low : 0,
				      six ? 128 : 32);

	if (fib_find(verify->fib, route->family, route->table, high, low) == want)
		return;
	if (!verify->differ++ && verify->first)
		*verify->first = (struct fib_route){
			.table = route->table, .family = route->family, .hop = want,
			.len = six ? 128 : 32, .high = high, .low = low,
		};
}

static int verify_route(const struct fib_route *route, void *data)
{
	u128 one = route->family == 6 ? 1 : (u128)1 << 96;
	u128 first = (u128)route->high << 64 | route->low;
	u128 last = first | (route->len ? ((u128)1 << (128 - route->len)) - 1 : ~(u128)0);
	u128 at[] = { first - one, first, last, last + 1 };
	unsigned int i;

	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		verify_at(data, route, at[i] >> 64, at[i]);
	return 0;
}

size_t fib_verify(const struct fib *fib, struct fib_route *ret_first)
{
	struct verify verify = { .fib = fib, .first = ret_first };
	struct fib_route any = { 0 };
	uint32_t table;

	for (table = 0; table < fib->store->n_tables; table++)
		for (any.family = 4; any.family <= 6; any.family += 2) {
			any.table = table;
			verify_at(&verify, &any, 0, 0);
			fib_walk(fib, any.family, table, verify_route, &verify);
		}
	return verify.differ;
}

void fib_measure(const struct fib *fib, struct fib_size *ret_size)
{
	const struct fib_pool *pool = &fib->pool;
	struct fib_size size = { .pages = pool->n_pages,
				 .used = pool->used_pages * FIB_PAGE_BYTES };
	size_t i, wide;

	for (i = 0; i < FIB_POOL_SIZES; i++) {
		size.used += pool->used[i] << (i + 3);
		size.retired += pool->retired[i].n << (i + 3);
	}
	for (i = 0; i < pool->retired_pages.n; i += 2)
		size.retired += (size_t)pool->retired_pages.at[i + 1] * FIB_PAGE_BYTES;
	for (i = 0; i < fib->store->n_tables; i++) {
		const struct fib_owned *table = &fib->table[i];

		size.routes4 += table->trie[0].n_routes;
		size.routes6 += table->trie[1].n_routes;
		size.here_bytes += ((size_t)table->trie[0].room + table->trie[1].room) *
				   sizeof(struct fib_trie_node);
		for (wide = 0; wide < 2; wide++)
			size.here_bytes += (size_t)table->six.region[wide].lines *
					   (wide ? 2 : 4) * sizeof(uint32_t);
	}
	*ret_size = size;
}
