/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * mirror.h - the kernel's tables as values, all together; kernel/netlink fills them
 *
 * DOC: Tables are dumped and watched by classes. A dump is compared by mark and sweep: mirror_begin(), then
 * all messages, then mirror_end(), which removes what was not told of, if the dump is to be believed.
 * What the kernel does without a word is done here as well, at the event that it goes with.
 */
#ifndef MIRROR_MIRROR_H
#define MIRROR_MIRROR_H

#include <mirror/addr.h>
#include <mirror/fdb.h>
#include <mirror/kind.h>
#include <mirror/link.h>
#include <mirror/mdb.h>
#include <mirror/neigh.h>
#include <mirror/netconf.h>
#include <mirror/nhobj.h>
#include <mirror/policy.h>
#include <mirror/route.h>
#include <mirror/vlan.h>

/* X(identifier, name, what), in the order in which they are dumped */
#define MIRROR_CLASSES(X)						\
	X(LINK, "link", "interfaces, what kind they are, ports")	\
	X(ADDR, "addr", "their IP addresses")				\
	X(NETCONF, "netconf", "forwarding, rp_filter")			\
	X(NEIGH, "neigh", "neighbours")					\
	X(FDB, "fdb", "MAC addresses of bridges and VXLAN devices")	\
	X(VLAN, "vlan", "VLANs of bridges' ports")			\
	X(MDB, "mdb", "multicast groups of bridges")			\
	X(RULE, "rule", "policy routing")				\
	X(NEXTHOP, "nexthop", "next hop objects")			\
	X(ROUTE, "route", "routes")
#define MIRROR_CLASS_ENUM(id, name, what) MIRROR_##id,
enum mirror_class { MIRROR_CLASSES(MIRROR_CLASS_ENUM) MIRROR_CLASS_MAX };
#define MIRROR_BIT(id) (1u << MIRROR_##id)
#define MIRROR_ALWAYS (MIRROR_BIT(LINK) | MIRROR_BIT(ADDR))
#define MIRROR_ALL ((1u << MIRROR_CLASS_MAX) - 1)

/* What classes consist of. X(identifier, name of one, class, type, table in struct mirror) */
#define MIRROR_ITEMS(X)							\
	X(KIND, "kind", LINK, struct kind, kinds)			\
	X(PORT, "port", LINK, struct kind_port, ports)			\
	X(NETCONF, "netconf", NETCONF, struct netconf, netconfs)	\
	X(NEIGH, "neigh", NEIGH, struct neigh, neighs)			\
	X(FDB, "fdb", FDB, struct fdb, fdbs)				\
	X(REMOTE, "remote", FDB, struct fdb_remote, remotes)		\
	X(VLAN, "vlan", VLAN, struct vlan, vlans)			\
	X(MDB, "mdb", MDB, struct mdb, mdbs)				\
	X(ROUTER, "router", MDB, struct mdb_router, routers)		\
	X(RULE, "rule", RULE, struct policy, policies)			\
	X(NEXTHOP, "nexthop", NEXTHOP, struct nhobj, nhobjs.hash)	\
	X(BUCKET, "bucket", NEXTHOP, struct nhobj_bucket, nhobjs.buckets) \
	X(ROUTE, "route", ROUTE, struct route, routes.hash)
#define MIRROR_ITEM_ENUM(id, name, class, type, table) MIRROR_ITEM_##id,
enum mirror_item {
	MIRROR_ITEM_LINK, MIRROR_ITEM_ADDR,	/* struct link, struct addr: tables of their own */
	MIRROR_ITEMS(MIRROR_ITEM_ENUM) MIRROR_ITEM_MAX
};

struct mirror;
/*
 * @entry: as it is now, or was; borrowed, in its place in its table
 * @gone: it is about to be removed
 */
typedef void mirror_fn(void *arg, const struct mirror *mirror, enum mirror_item item,
		       const void *entry, bool gone);

struct mirror_hook {
	struct mirror *mirror;
	enum mirror_item item;
};

/* Where it is it stays: tables point to it */
struct mirror {
	struct link_table links;
	struct addr_table addrs;
	struct hash kinds, ports, netconfs, neighs, fdbs, remotes, vlans, mdbs, routers, policies;
	struct nhobj_table nhobjs;
	struct route_table routes;

	uint64_t changes[MIRROR_ITEM_MAX];
	uint32_t doubt;			/* classes that are to be dumped again; the reader clears it */
	int dumping;			/* class, -1: none */
	struct link_table fresh_links;
	struct addr_table fresh_addrs;
	uint32_t *lost;			/* next hop objects that went, whose routes are to follow */
	uint32_t n_lost, order;
	struct mirror_hook hook[MIRROR_ITEM_MAX];
	mirror_fn *changed;		/* or NULL */
	void *arg;
};

void mirror_init(struct mirror *mirror);
void mirror_fini(struct mirror *mirror);

const char *mirror_class_name(enum mirror_class class);
const char *mirror_item_name(enum mirror_item item);
enum mirror_class mirror_item_class(enum mirror_item item);
/* NULL: LINK and ADDR, which are no hashes */
const struct hash *mirror_table(const struct mirror *mirror, enum mirror_item item);
uint64_t mirror_entries(const struct mirror *mirror, enum mirror_class class);
size_t mirror_bytes(const struct mirror *mirror, enum mirror_class class);

/* What follows is a dump of @class */
void mirror_begin(struct mirror *mirror, enum mirror_class class);
/* @whole: what was not told of is gone. Return: how many went */
uint32_t mirror_end(struct mirror *mirror, bool whole);

/* As events and dumps say it; of @link kind and port are told separately */
void mirror_set_link(struct mirror *mirror, const struct link *link);
void mirror_del_link(struct mirror *mirror, uint32_t ifindex);
void mirror_set_addr(struct mirror *mirror, const struct addr *addr);
void mirror_del_addr(struct mirror *mirror, const struct addr *addr);
void mirror_del_nhobj(struct mirror *mirror, uint32_t id);

#endif
