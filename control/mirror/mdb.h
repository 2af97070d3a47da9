/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* mdb.h - bridges' multicast groups and router ports as values */
#ifndef MIRROR_MDB_H
#define MIRROR_MDB_H

#include <shunt/packet.h>

#include <mirror/hash.h>

/* Without holes */
struct mdb {
	struct shunt_addr group;	/* IPv4 as ::ffff:a.b.c.d; a MAC address: its first bytes */
	struct shunt_addr source;	/* zero: any */
	uint32_t bridge, port;		/* ifindex; the bridge's own: the machine itself listens */
	uint16_t vid;			/* 0: none */
	uint16_t protocol;		/* ETH_P_IP, ETH_P_IPV6; 0: a MAC address. What is above is the key */
	uint8_t state;			/* MDB_TEMPORARY, MDB_PERMANENT */
	uint8_t flags;			/* MDB_FLAGS_* */
	uint8_t mode;			/* MCAST_INCLUDE, MCAST_EXCLUDE; 0: not said */
	uint8_t pad;
};

/* A port behind which a multicast router is */
struct mdb_router {
	uint32_t bridge, port;
	uint32_t vid;			/* 0: of all VLANs */
	uint32_t pad;			/* what is above is the key, and all there is */
};

#define MDB_TABLE HASH(struct mdb, state)
#define MDB_ROUTER_TABLE HASH(struct mdb_router, pad)

uint32_t mdb_del_link(struct hash *mdbs, uint32_t ifindex);
uint32_t mdb_router_del_link(struct hash *routers, uint32_t ifindex);

#endif
