/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * route.h - the kernel's routes as a value
 *
 * DOC: What the kernel tells routes of one prefix apart by is in the key, up to 'alt': it also keeps several
 * that differ in where they lead alone ('ip route append'; default routes of two routers), in an order, of
 * which it takes the first. They are numbered, without a gap. IPv6 routes that need no gateway are told
 * apart by their interface instead: each interface has its fe80::/64. Of several hops of one route a way
 * has them all, whichever way the kernel came to know of them.
 */
#ifndef MIRROR_ROUTE_H
#define MIRROR_ROUTE_H

#include <mirror/hash.h>
#include <mirror/way.h>

/* Without holes */
struct route {
	struct shunt_addr prefix;	/* IPv4 as ::ffff:a.b.c.d */
	uint32_t table;			/* RT_TABLE_* or any number */
	uint32_t priority;		/* metric; the lowest is taken */
	uint32_t ifindex;		/* IPv6 without a gateway; else 0 */
	uint8_t family;			/* AF_INET, AF_INET6 */
	uint8_t len;			/* bits, of the family */
	uint8_t tos;			/* IPv4; 0: any */
	uint8_t pad;
	uint16_t alt;			/* the first is 0 */
	uint16_t pad2;
	uint32_t way;			/* number in route_table.ways; what is above is the key */
};
_Static_assert(sizeof(struct route) == 40, "a million of these");

struct route_table {
	struct hash hash;		/* of struct route; hash.changed tells of each, its way still there */
	struct way_table ways;
};
#define ROUTE_TABLE { .hash = HASH(struct route, way) }

/* What the kernel says that it did. While the table is marked (hash_mark()) routes come from a dump, in order */
enum route_how {
	ROUTE_NEW,			/* there was none of its key (IPv4), or it is one more (IPv6) */
	ROUTE_REPLACE,			/* in place of the first */
	ROUTE_APPEND,			/* behind the others */
	ROUTE_PREPEND,			/* ahead of the others */
};

void route_table_fini(struct route_table *table);
/* @key: alt and way are not read. Return: whether something is different now */
bool route_set(struct route_table *table, const struct route *key, const struct way *way,
	       enum route_how how);
/* The one that leads there; IPv6: or takes some hops of it away. @ret_doubt: there was none such, but others */
bool route_del(struct route_table *table, const struct route *key, const struct way *way,
	       bool *ret_doubt);
static inline const struct route *route_find(const struct route_table *table, const struct route *key)
{
	return hash_find(&table->hash, key);
}
static inline const struct way *route_way(const struct route_table *table, const struct route *route)
{
	return way_at(&table->ways, route->way);
}
uint32_t route_sweep(struct route_table *table);	/* for hash_sweep(): ways lose their users */

/*
 * Remove all routes whose way @match says is gone. Ways are asked once each, routes walked only if one is
 * gone. Return: how many
 */
uint32_t route_purge(struct route_table *table, bool (*match)(const struct way *way, void *arg),
		     void *arg, uint8_t family /* 0: both */);

#endif
