/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * fdb.h - the kernel's forwarding databases as values: bridges' and VXLAN devices'
 *
 * DOC: Of a bridge's entry only the port, and how it came there, are kept: the kernel does not tell of ages
 * (an entry that expired but was not collected yet is as any other). Addresses that a network card lets in
 * ('self' without a destination) are no forwarding entries.
 */
#ifndef MIRROR_FDB_H
#define MIRROR_FDB_H

#include <shunt/packet.h>

#include <mirror/hash.h>

/* Without holes */
struct fdb {
	uint32_t bridge;		/* ifindex */
	uint16_t vid;			/* 0: none */
	uint8_t mac[6];			/* what is above is the key */
	uint32_t port;			/* ifindex; the bridge's own: an address of the bridge */
	uint16_t state;			/* NUD_PERMANENT: local; NUD_NOARP: static; NUD_REACHABLE: learnt */
	uint8_t flags;			/* NTF_STICKY, NTF_EXT_LEARNED, NTF_OFFLOADED */
	uint8_t pad;
	uint32_t ext_flags;		/* NTF_EXT_LOCKED */
};

/* Where a VXLAN device sends a MAC address */
struct fdb_to {
	struct shunt_addr dst;		/* IPv4 as ::ffff:a.b.c.d; zero: none (nh_id, or a default) */
	uint32_t vni;			/* 0: the device's */
	uint32_t via;			/* ifindex; 0: by route */
	uint32_t port;			/* 0: the device's */
	uint32_t pad;
};

/* Without holes. The zero address and multicast ones have an entry for each destination */
struct fdb_remote {
	uint32_t ifindex;
	uint32_t src_vni;		/* of a device for many VNIs; 0: the device's */
	uint8_t mac[6];
	uint16_t pad;
	struct fdb_to each;		/* zero, or as 'to' below where there may be several */
	uint32_t pad2;			/* what is above is the key */
	struct fdb_to to;
	uint32_t nh_id;			/* group of fdb next hops; 0: none */
	uint16_t state;			/* NUD_PERMANENT, NUD_NOARP, NUD_REACHABLE */
	uint8_t flags;			/* NTF_EXT_LEARNED, NTF_OFFLOADED, NTF_ROUTER */
	uint8_t pad3;
};

#define FDB_TABLE HASH(struct fdb, port)
#define FDB_REMOTE_TABLE HASH(struct fdb_remote, to)

bool fdb_remote_has_many(const uint8_t mac[6]);
/* @ifindex: bridge, port, or VXLAN device. Return: how many */
uint32_t fdb_del_link(struct hash *fdbs, uint32_t ifindex);
uint32_t fdb_remote_del_link(struct hash *remotes, uint32_t ifindex);

#endif
