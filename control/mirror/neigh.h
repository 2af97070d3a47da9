/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * neigh.h - the kernel's neighbours as a value: those that it would send to now
 *
 * DOC: The kernel tells of few of the moves between REACHABLE, STALE, DELAY and PROBE, and makes entries in
 * NONE, INCOMPLETE and NOARP without a word. So the first four are one state here, and entries without a
 * MAC address that is known are none. Proxy entries are not here: it is the kernel that answers for them.
 */
#ifndef MIRROR_NEIGH_H
#define MIRROR_NEIGH_H

#include <shunt/packet.h>

#include <mirror/hash.h>

/* Without holes */
struct neigh {
	struct shunt_addr addr;		/* IPv4 as ::ffff:a.b.c.d */
	uint32_t ifindex;		/* what is above is the key, too */
	uint8_t mac[6];
	uint8_t state;			/* NUD_REACHABLE (found by the kernel), NUD_PERMANENT, NUD_NOARP */
	uint8_t flags;			/* NTF_ROUTER, NTF_EXT_LEARNED */
	uint32_t family;		/* AF_INET, AF_INET6 */
};

#define NEIGH_TABLE HASH(struct neigh, mac)	/* use hash_find(), hash_set(), hash_del() */

/* All of an interface, those of @family (0: both). Return: how many */
uint32_t neigh_del_link(struct hash *neighs, uint32_t ifindex, uint8_t family);

#endif
