// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* neigh.c - the kernel's neighbours as a value */
#include <mirror/neigh.h>

uint32_t neigh_del_link(struct hash *neighs, uint32_t ifindex, uint8_t family)
{
	uint32_t n = neighs->n;

	for (uint32_t i = neighs->n; i--;) {
		const struct neigh *neigh = hash_at(neighs, i);

		if (neigh->ifindex == ifindex && (!family || neigh->family == family))
			hash_del_at(neighs, i);
	}
	return n - neighs->n;
}
