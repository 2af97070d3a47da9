/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* way.h - where a route leads: values that many routes share, each kept once and known by its number */
#ifndef MIRROR_WAY_H
#define MIRROR_WAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <shunt/packet.h>

/*
 * Whether a hop is alive the kernel does not tell of in events; it follows from its link: RTNH_F_DEAD where
 * that is down (or, IPv4, lost its last address), RTNH_F_LINKDOWN where it is without a carrier.
 */
struct way_hop {
	struct shunt_addr gateway;	/* IPv4 as ::ffff:a.b.c.d; zero: on the link */
	uint32_t ifindex;
	uint16_t encap;			/* LWTUNNEL_ENCAP_*; 0: none */
	uint16_t weight;		/* 1 to 65535 */
	uint8_t family;			/* of the gateway: AF_INET, AF_INET6; 0: none */
	uint8_t flags;			/* RTNH_F_ONLINK, RTNH_F_PERVASIVE */
	uint8_t pad[6];
};

/* Holes are zero */
struct way {
	struct shunt_addr prefsrc;	/* zero: none */
	struct shunt_addr src;		/* sources that it is for; IPv6 alone */
	uint32_t nh_id;			/* next hop object (mirror/nhobj.h) that says the hops; 0: none */
	uint32_t mtu;			/* bytes, RTAX_MTU; 0: the link's */
	uint32_t flags;			/* RTM_F_OFFLOAD, RTM_F_TRAP */
	uint8_t type;			/* RTN_* */
	uint8_t protocol;		/* RTPROT_* */
	uint8_t scope;			/* RT_SCOPE_* */
	uint8_t src_len;		/* bits; 0: any source */
	uint8_t mtu_locked;
	uint8_t pad;
	uint16_t n_hops;		/* 0: nh_id says them, or there are none */
	struct way_hop hop[];		/* IPv6: by ifindex and gateway; IPv4: in the kernel's order */
};

struct way_slot {
	struct way *way;		/* NULL: number is free */
	uint32_t users;
	uint32_t next;			/* of the same bucket, or the next free one */
};

/* Zero-initialised is empty. A number stays with its content while it has users, then is given again */
struct way_table {
	struct way_slot *slot;
	uint32_t *bucket;		/* number + 1; 0: none */
	uint32_t n, size, used, n_buckets;	/* used: slots that have a way */
	uint32_t free;			/* number + 1; 0: none */
	size_t bytes;			/* of the ways themselves */
};

void way_table_fini(struct way_table *table);
/* The number of what equals @way, which is copied if it is new; counts a user */
uint32_t way_get(struct way_table *table, const struct way *way);
/* Return: false: there is none, nothing is counted */
bool way_find(const struct way_table *table, const struct way *way, uint32_t *ret_number);
void way_hold(struct way_table *table, uint32_t number);
void way_put(struct way_table *table, uint32_t number);
static inline const struct way *way_at(const struct way_table *table, uint32_t number)
{
	return table->slot[number].way;
}
static inline size_t way_bytes(const struct way *way)
{
	return sizeof(*way) + way->n_hops * sizeof(way->hop[0]);
}

#endif
