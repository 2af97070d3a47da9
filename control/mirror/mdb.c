// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* mdb.c - bridges' multicast groups and router ports as values */
#include <mirror/mdb.h>

uint32_t mdb_del_link(struct hash *mdbs, uint32_t ifindex)
{
	uint32_t n = mdbs->n;

	for (uint32_t i = mdbs->n; i--;) {
		const struct mdb *mdb = hash_at(mdbs, i);

		if (mdb->bridge == ifindex || mdb->port == ifindex)
			hash_del_at(mdbs, i);
	}
	return n - mdbs->n;
}

uint32_t mdb_router_del_link(struct hash *routers, uint32_t ifindex)
{
	uint32_t n = routers->n;

	for (uint32_t i = routers->n; i--;) {
		const struct mdb_router *router = hash_at(routers, i);

		if (router->bridge == ifindex || router->port == ifindex)
			hash_del_at(routers, i);
	}
	return n - routers->n;
}
