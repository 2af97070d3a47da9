// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* fdb.c - the kernel's forwarding databases as values */
#include <string.h>

#include <mirror/fdb.h>

_Static_assert(sizeof(struct fdb) == 24, "without holes");

bool fdb_remote_has_many(const uint8_t mac[6])
{
	static const uint8_t zero[6];

	return mac[0] & 1 || !memcmp(mac, zero, sizeof(zero));
}

uint32_t fdb_del_link(struct hash *fdbs, uint32_t ifindex)
{
	uint32_t n = fdbs->n;

	for (uint32_t i = fdbs->n; i--;) {
		const struct fdb *fdb = hash_at(fdbs, i);

		if (fdb->bridge == ifindex || fdb->port == ifindex)
			hash_del_at(fdbs, i);
	}
	return n - fdbs->n;
}

uint32_t fdb_remote_del_link(struct hash *remotes, uint32_t ifindex)
{
	uint32_t n = remotes->n;

	for (uint32_t i = remotes->n; i--;)
		if (((const struct fdb_remote *)hash_at(remotes, i))->ifindex == ifindex)
			hash_del_at(remotes, i);
	return n - remotes->n;
}
