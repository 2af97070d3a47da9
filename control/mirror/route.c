// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* route.c - the kernel's routes as a value */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <base/arena.h>
#include <mirror/route.h>

#define ALTS_MAX	UINT16_MAX

void route_table_fini(struct route_table *table)
{
	hash_fini(&table->hash);
	way_table_fini(&table->ways);
}

static const struct route *find_alt(const struct route_table *table, const struct route *key,
				    unsigned int alt)
{
	struct route wanted = *key;

	wanted.alt = alt;
	return hash_find(&table->hash, &wanted);
}

static unsigned int count_alts(const struct route_table *table, const struct route *key)
{
	unsigned int n = 0;

	while (n < ALTS_MAX && find_alt(table, key, n))
		n++;
	return n;
}

/* The table's user of @way, that was counted already, is from now on alternative @alt */
static bool put(struct route_table *table, const struct route *key, unsigned int alt, uint32_t way)
{
	const struct route *old = find_alt(table, key, alt);
	struct route route = *key;
	uint32_t old_way = old ? old->way : 0;
	bool had = old, changed;

	route.alt = alt;
	route.way = way;
	changed = hash_set(&table->hash, &route);
	if (had)
		way_put(&table->ways, old_way);
	return changed;
}

/* The last one: others were moved before */
static void drop(struct route_table *table, const struct route *key, unsigned int alt)
{
	const struct route *old = find_alt(table, key, alt);
	uint32_t way = old->way;
	struct route gone = *key;

	gone.alt = alt;
	hash_del(&table->hash, &gone);
	way_put(&table->ways, way);
}

static void remove_alt(struct route_table *table, const struct route *key, unsigned int alt,
		       unsigned int n)
{
	for (; alt + 1 < n; alt++) {
		uint32_t way = find_alt(table, key, alt + 1)->way;

		way_hold(&table->ways, way);
		put(table, key, alt, way);
	}
	drop(table, key, n - 1);
}

static void prepend(struct route_table *table, const struct route *key, uint32_t way, unsigned int n)
{
	for (; n; n--) {
		uint32_t moved = find_alt(table, key, n - 1)->way;

		way_hold(&table->ways, moved);
		put(table, key, n, moved);
	}
	put(table, key, 0, way);
}

/* A dump has the alternatives in order: the first that it has not told of yet is this */
static bool set_dumped(struct route_table *table, const struct route *key, uint32_t way)
{
	const struct route *route;
	unsigned int alt = 0;

	for (; alt < ALTS_MAX; alt++) {
		route = find_alt(table, key, alt);
		if (!route || !hash_marked(&table->hash, route))
			break;
		if (route->way != way)
			continue;
		way_put(&table->ways, way);	/* told of twice */
		return false;
	}
	return put(table, key, alt, way);
}

static bool shares_hop(const struct way *a, const struct way *b)
{
	unsigned int i, k;

	if (a->src_len != b->src_len || memcmp(&a->src, &b->src, sizeof(a->src)))
		return false;
	for (i = 0; i < a->n_hops; i++)
		for (k = 0; k < b->n_hops; k++)
			if (!memcmp(&a->hop[i], &b->hop[k], offsetof(struct way_hop, encap)))
				return true;
	return false;
}

/* IPv6: one more hop of a route makes it another, of the same place. Return: @n: of none */
static unsigned int find_sibling(const struct route_table *table, const struct route *key,
				 const struct way *way, unsigned int n)
{
	unsigned int alt;

	for (alt = 0; alt < n; alt++)
		if (shares_hop(route_way(table, find_alt(table, key, alt)), way))
			return alt;
	return n;
}

/*
 * Each hop has metrics and so on of its own. A dump says those of the oldest, a message of one more hop those
 * of that hop: what we have stays.
 */
static bool put_sibling(struct route_table *table, const struct route *key, unsigned int alt,
			uint32_t number)
{
	const struct way *way = way_at(&table->ways, number), *old;
	struct way *merged;

	old = route_way(table, find_alt(table, key, alt));
	if (old->n_hops == way->n_hops || !memcmp(old, way, offsetof(struct way, n_hops)))
		return put(table, key, alt, number);
	merged = malloc(way_bytes(way));
	if (!merged)
		arena_no_memory();
	memcpy(merged, way, way_bytes(way));
	memcpy(merged, old, offsetof(struct way, n_hops));
	way_put(&table->ways, number);
	number = way_get(&table->ways, merged);
	free(merged);
	return put(table, key, alt, number);
}

static bool set_sibling(struct route_table *table, const struct route *key, uint32_t number,
			unsigned int n)
{
	unsigned int alt = find_sibling(table, key, way_at(&table->ways, number), n);

	return alt < n ? put_sibling(table, key, alt, number) : put(table, key, n, number);
}

static bool has(const struct route_table *table, const struct route *key, uint32_t way,
		unsigned int n)
{
	unsigned int alt;

	for (alt = 0; alt < n; alt++)
		if (find_alt(table, key, alt)->way == way)
			return true;
	return false;
}

bool route_set(struct route_table *table, const struct route *key, const struct way *way,
	       enum route_how how)
{
	uint32_t number = way_get(&table->ways, way);
	unsigned int n;

	if (table->hash.mark)
		return set_dumped(table, key, number);
	n = count_alts(table, key);
	if (n == ALTS_MAX || (has(table, key, number, n) && (how != ROUTE_NEW || n == 1 ||
							      key->family == AF_INET6))) {
		way_put(&table->ways, number);
		return false;
	}
	if (how == ROUTE_REPLACE)
		return put(table, key, 0, number);
	if (key->family == AF_INET6)
		return set_sibling(table, key, number, n);
	switch (how) {
	case ROUTE_APPEND:
		return put(table, key, n, number);
	case ROUTE_PREPEND:
		prepend(table, key, number, n);
		return true;
	default:		/* the first of its key: others went without a word */
		while (n > 1)
			drop(table, key, --n);
		return put(table, key, 0, number);
	}
}

/* What stays of @old without the hops of @less. Return: hops that stay */
static unsigned int without(const struct way *old, const struct way *less, struct way *ret_way)
{
	unsigned int i, k, n = 0;

	*ret_way = *old;
	for (i = 0; i < old->n_hops; i++) {
		for (k = 0; k < less->n_hops; k++)
			if (!memcmp(&old->hop[i], &less->hop[k], offsetof(struct way_hop, encap)))
				break;
		if (k == less->n_hops)
			ret_way->hop[n++] = old->hop[i];
	}
	ret_way->n_hops = n;
	return n;
}

static bool del_hops(struct route_table *table, const struct route *key, const struct way *way,
		     unsigned int alt, unsigned int n, bool *ret_doubt)
{
	const struct way *old = route_way(table, find_alt(table, key, alt));
	struct way *rest = malloc(way_bytes(old));

	if (!rest)
		arena_no_memory();
	*ret_doubt = old->mtu || way->mtu;	/* which hop had which */
	if (without(old, way, rest))
		put(table, key, alt, way_get(&table->ways, rest));
	else
		remove_alt(table, key, alt, n);
	free(rest);
	return true;
}

bool route_del(struct route_table *table, const struct route *key, const struct way *way,
	       bool *ret_doubt)
{
	unsigned int n = count_alts(table, key), alt = n;
	uint32_t number;

	if (!n)
		return false;
	if (way_find(&table->ways, way, &number))
		for (alt = 0; alt < n && find_alt(table, key, alt)->way != number; alt++)
			;
	if (alt == n && key->family == AF_INET6)
		alt = find_sibling(table, key, way, n);
	else if (alt < n)
		goto found;
	if (alt < n)
		return del_hops(table, key, way, alt, n, ret_doubt);
	*ret_doubt = true;
	return false;
found:
	remove_alt(table, key, alt, n);
	return true;
}

/* A dump marks alternatives from the first on: without those that it does not mark there is no gap */
static void del_at(struct route_table *table, uint32_t i)
{
	uint32_t way = ((const struct route *)hash_at(&table->hash, i))->way;

	hash_del_at(&table->hash, i);
	way_put(&table->ways, way);
}

uint32_t route_sweep(struct route_table *table)
{
	uint32_t n = table->hash.n;

	if (!table->hash.mark)
		return 0;
	for (uint32_t i = table->hash.n; i--;)
		if (!table->hash.mark[i])
			del_at(table, i);
	hash_unmark(&table->hash);
	return n - table->hash.n;
}

static bool *ask_ways(struct route_table *table, bool (*match)(const struct way *way, void *arg),
		      void *arg)
{
	bool *gone = calloc(table->ways.n + 1, sizeof(*gone)), any = false;

	if (!gone)
		arena_no_memory();
	for (uint32_t i = 0; i < table->ways.n; i++) {
		gone[i] = table->ways.slot[i].way && match(table->ways.slot[i].way, arg);
		any |= gone[i];
	}
	if (any)
		return gone;
	free(gone);
	return NULL;
}

uint32_t route_purge(struct route_table *table, bool (*match)(const struct way *way, void *arg),
		     void *arg, uint8_t family)
{
	bool *gone = ask_ways(table, match, arg);
	uint32_t n = table->hash.n, i = n;

	while (gone && i) {
		const struct route *route = hash_at(&table->hash, --i);
		struct route key = *route;

		if (!gone[route->way] || (family && route->family != family))
			continue;
		remove_alt(table, &key, key.alt, count_alts(table, &key));
		i = i < table->hash.n ? i + 1 : table->hash.n;	/* another may be here now */
	}
	free(gone);
	return n - table->hash.n;
}
