// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * mirror.c - the kernel's tables as values, all together
 *
 * DOC: Without a word the kernel removes: IPv4 routes whose last link went down, lost its last address,
 * came to another VRF or is gone, and (before Linux 6.6) those of a source address that is gone; next hop
 * objects whose link went down or has no carrier, and the routes of one that is gone.
 * tests/packet/mirror_test.c has each of them.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/rtnetlink.h>

#include <base/arena.h>
#include <mirror/mirror.h>

#define CLASS_NAME(id, name, what) name,
static const char *const class_names[] = { MIRROR_CLASSES(CLASS_NAME) };

#define ITEM_NAME(id, name, class, type, table) name,
static const char *const item_names[] = { "link", "addr", MIRROR_ITEMS(ITEM_NAME) };

#define ITEM_CLASS(id, name, class, type, table) MIRROR_##class,
static const enum mirror_class item_classes[] = {
	MIRROR_LINK, MIRROR_ADDR, MIRROR_ITEMS(ITEM_CLASS)
};

const char *mirror_class_name(enum mirror_class class)
{
	return class_names[class];
}

const char *mirror_item_name(enum mirror_item item)
{
	return item_names[item];
}

enum mirror_class mirror_item_class(enum mirror_item item)
{
	return item_classes[item];
}

#define ITEM_TABLE(id, name, class, type, table)	\
	case MIRROR_ITEM_##id:				\
		return (struct hash *)&mirror->table;

const struct hash *mirror_table(const struct mirror *mirror, enum mirror_item item)
{
	switch (item) {
	MIRROR_ITEMS(ITEM_TABLE)
	default:
		return NULL;
	}
}

static struct hash *own_table(struct mirror *mirror, enum mirror_item item)
{
	return (struct hash *)mirror_table(mirror, item);
}

/* ---- beginning and end ------------------------------------------------------------------- */
static void tell(struct mirror *mirror, enum mirror_item item, const void *entry, bool gone)
{
	mirror->changes[item]++;
	if (mirror->changed)
		mirror->changed(mirror->arg, mirror, item, entry, gone);
}

static void note_lost(struct mirror *mirror, uint32_t id)
{
	mirror->lost = reallocarray(mirror->lost, mirror->n_lost + 1, sizeof(*mirror->lost));
	if (!mirror->lost)
		arena_no_memory();
	mirror->lost[mirror->n_lost++] = id;
}

static void hash_changed(void *arg, const void *entry, bool gone)
{
	struct mirror_hook *hook = arg;

	if (hook->item == MIRROR_ITEM_NEXTHOP && gone)
		note_lost(hook->mirror, ((const struct nhobj *)entry)->id);
	tell(hook->mirror, hook->item, entry, gone);
}

void mirror_init(struct mirror *mirror)
{
	*mirror = (struct mirror){
		.kinds = KIND_TABLE, .ports = KIND_PORT_TABLE, .netconfs = NETCONF_TABLE,
		.neighs = NEIGH_TABLE, .fdbs = FDB_TABLE, .remotes = FDB_REMOTE_TABLE,
		.vlans = VLAN_TABLE, .mdbs = MDB_TABLE, .routers = MDB_ROUTER_TABLE,
		.policies = POLICY_TABLE, .nhobjs = NHOBJ_TABLE, .routes = ROUTE_TABLE,
		.dumping = -1,
	};
	for (enum mirror_item item = MIRROR_ITEM_ADDR + 1; item < MIRROR_ITEM_MAX; item++) {
		struct hash *hash = own_table(mirror, item);

		mirror->hook[item] = (struct mirror_hook){ mirror, item };
		hash->changed = hash_changed;
		hash->arg = &mirror->hook[item];
	}
}

void mirror_fini(struct mirror *mirror)
{
	link_table_fini(&mirror->links);
	link_table_fini(&mirror->fresh_links);
	addr_table_fini(&mirror->addrs);
	addr_table_fini(&mirror->fresh_addrs);
	nhobj_table_fini(&mirror->nhobjs);
	route_table_fini(&mirror->routes);
	for (enum mirror_item item = MIRROR_ITEM_ADDR + 1; item < MIRROR_ITEM_MAX; item++)
		hash_fini(own_table(mirror, item));
	free(mirror->lost);
	mirror->lost = NULL;
	mirror->n_lost = 0;
}

uint64_t mirror_entries(const struct mirror *mirror, enum mirror_class class)
{
	uint64_t n = 0;

	if (class == MIRROR_LINK)
		return mirror->links.n;
	if (class == MIRROR_ADDR)
		return mirror->addrs.n;
	for (enum mirror_item item = MIRROR_ITEM_ADDR + 1; item < MIRROR_ITEM_MAX; item++)
		if (item_classes[item] == class)
			n += mirror_table(mirror, item)->n;
	return n;
}

size_t mirror_bytes(const struct mirror *mirror, enum mirror_class class)
{
	const struct way_table *ways = &mirror->routes.ways;
	size_t bytes = 0;

	for (enum mirror_item item = MIRROR_ITEM_ADDR + 1; item < MIRROR_ITEM_MAX; item++)
		if (item_classes[item] == class)
			bytes += hash_bytes(mirror_table(mirror, item));
	if (class == MIRROR_LINK)
		bytes += mirror->links.size * sizeof(struct link);
	if (class == MIRROR_ADDR)
		bytes += mirror->addrs.size * sizeof(struct addr);
	if (class == MIRROR_ROUTE)
		bytes += ways->bytes + ways->size * sizeof(struct way_slot) +
			 ways->n_buckets * sizeof(uint32_t);
	return bytes;
}

/* ---- what goes without a word ------------------------------------------------------------ */
struct dead {
	const struct mirror *mirror;
	uint32_t ifindex;		/* that it is about */
	uint8_t family;
	bool gone;			/* the interface itself, or its last IPv4 address */
	bool removed;			/* the interface itself */
};

static bool hop_is_dead(const struct dead *dead, const struct way_hop *hop)
{
	const struct link *link;

	if (hop->ifindex == dead->ifindex)
		return true;
	link = link_find(&dead->mirror->links, hop->ifindex);
	return !link || !(link->flags & IFF_UP);
}

/* Of several hops one that is left keeps the route; but none if an interface of its is gone for good */
static bool is_dead(const struct way *way, void *arg)
{
	const struct dead *dead = arg;
	unsigned int i, n = 0;
	bool concerned = false;

	if (!dead->gone && dead->family == AF_INET && way->type == RTN_LOCAL &&
	    way->scope == RT_SCOPE_HOST)
		return false;
	for (i = 0; i < way->n_hops; i++) {
		concerned |= way->hop[i].ifindex == dead->ifindex;
		n += hop_is_dead(dead, &way->hop[i]);
	}
	return concerned && (n == way->n_hops || dead->removed);
}

static void purge_routes(struct mirror *mirror, uint32_t ifindex, uint8_t family, bool gone,
			 bool removed)
{
	struct dead dead = { mirror, ifindex, family, gone, removed };

	route_purge(&mirror->routes, is_dead, &dead, family);
}

static bool is_lost(const struct way *way, void *arg)
{
	const struct mirror *mirror = arg;

	for (uint32_t i = 0; way->nh_id && i < mirror->n_lost; i++)
		if (mirror->lost[i] == way->nh_id)
			return true;
	return false;
}

static void purge_lost(struct mirror *mirror)
{
	if (mirror->n_lost)
		route_purge(&mirror->routes, is_lost, mirror, 0);
	mirror->n_lost = 0;
}

static bool has_source(const struct way *way, void *arg)
{
	return !memcmp(&way->prefsrc, arg, sizeof(way->prefsrc));
}

/* ---- links ------------------------------------------------------------------------------- */
static bool has_carrier(const struct link *link)
{
	return link->flags & (IFF_RUNNING | 1 << 16);	/* IFF_LOWER_UP, which net/if.h lacks */
}

static void link_lost(struct mirror *mirror, const struct link *link, bool was_up, bool had_carrier)
{
	bool up = link->flags & IFF_UP;

	if ((was_up && !up) || (had_carrier && !has_carrier(link)))
		nhobj_del_link(&mirror->nhobjs, link->ifindex);
	purge_lost(mirror);
	if (was_up && !up) {
		purge_routes(mirror, link->ifindex, AF_INET, false, false);
		purge_routes(mirror, link->ifindex, AF_INET6, false, false);
	}
}

static bool is_vrf(const struct mirror *mirror, uint32_t ifindex)
{
	const struct kind *kind = hash_find(&mirror->kinds, &ifindex);

	return kind && kind->type == KIND_VRF;
}

void mirror_set_link(struct mirror *mirror, const struct link *link)
{
	bool was_up, had_carrier, other_vrf;
	const struct link *old;

	if (mirror->dumping == MIRROR_LINK) {
		link_set(&mirror->fresh_links, link);
		return;
	}
	old = link_find(&mirror->links, link->ifindex);
	if (old && !memcmp(old, link, sizeof(*link)))
		return;
	was_up = old && old->flags & IFF_UP;
	had_carrier = old && has_carrier(old);
	other_vrf = old && old->master != link->master &&
		    (is_vrf(mirror, old->master) || is_vrf(mirror, link->master));
	link_set(&mirror->links, link);
	tell(mirror, MIRROR_ITEM_LINK, link_find(&mirror->links, link->ifindex), false);
	link_lost(mirror, link, was_up, had_carrier);
	if (other_vrf)
		purge_routes(mirror, link->ifindex, AF_INET, true, false);
}

static void del_netconf(struct mirror *mirror, uint32_t ifindex)
{
	struct netconf key = { .ifindex = ifindex };

	key.family = AF_INET;
	hash_del(&mirror->netconfs, &key);
	key.family = AF_INET6;
	hash_del(&mirror->netconfs, &key);
}

/* With all that is of it */
static void purge_link(struct mirror *mirror, uint32_t ifindex)
{
	hash_del(&mirror->kinds, &ifindex);
	hash_del(&mirror->ports, &ifindex);
	del_netconf(mirror, ifindex);
	neigh_del_link(&mirror->neighs, ifindex, 0);
	fdb_del_link(&mirror->fdbs, ifindex);
	fdb_remote_del_link(&mirror->remotes, ifindex);
	vlan_del_link(&mirror->vlans, ifindex);
	mdb_del_link(&mirror->mdbs, ifindex);
	mdb_router_del_link(&mirror->routers, ifindex);
	nhobj_del_link(&mirror->nhobjs, ifindex);
	purge_lost(mirror);
	purge_routes(mirror, ifindex, AF_INET, true, true);
	purge_routes(mirror, ifindex, AF_INET6, true, true);
}

static void del_addrs(struct mirror *mirror, uint32_t ifindex)
{
	for (unsigned int i = mirror->addrs.n; i--;)
		if (mirror->addrs.addr[i].ifindex == ifindex)
			tell(mirror, MIRROR_ITEM_ADDR, &mirror->addrs.addr[i], true);
	addr_del_link(&mirror->addrs, ifindex);
}

void mirror_del_link(struct mirror *mirror, uint32_t ifindex)
{
	const struct link *link = link_find(&mirror->links, ifindex);

	del_addrs(mirror, ifindex);
	if (link) {
		tell(mirror, MIRROR_ITEM_LINK, link, true);
		link_del(&mirror->links, ifindex);
	}
	purge_link(mirror, ifindex);
}

/* ---- addresses --------------------------------------------------------------------------- */
static const struct addr *find_addr(const struct addr_table *addrs, const struct addr *addr)
{
	for (unsigned int i = 0; i < addrs->n; i++)
		if (addrs->addr[i].ifindex == addr->ifindex &&
		    addrs->addr[i].prefix_len == addr->prefix_len &&
		    !memcmp(&addrs->addr[i].addr, &addr->addr, sizeof(addr->addr)))
			return &addrs->addr[i];
	return NULL;
}

void mirror_set_addr(struct mirror *mirror, const struct addr *addr)
{
	if (mirror->dumping == MIRROR_ADDR)
		addr_set(&mirror->fresh_addrs, addr);
	else if (addr_set(&mirror->addrs, addr))
		tell(mirror, MIRROR_ITEM_ADDR, find_addr(&mirror->addrs, addr), false);
}

/* An IPv6 route only loses its source, in silence */
static void doubt_source(struct mirror *mirror, const struct addr *addr)
{
	const struct way_table *ways = &mirror->routes.ways;

	for (uint32_t i = 0; i < ways->n; i++)
		if (ways->slot[i].way && has_source(ways->slot[i].way, (void *)&addr->addr))
			mirror->doubt |= MIRROR_BIT(ROUTE);
}

static void addr_lost(struct mirror *mirror, const struct addr *addr)
{
	bool same = false, others = false;

	for (unsigned int i = 0; i < mirror->addrs.n; i++) {
		const struct addr *other = &mirror->addrs.addr[i];

		same |= !memcmp(&other->addr, &addr->addr, sizeof(addr->addr));
		others |= other->ifindex == addr->ifindex && other->family == addr->family;
	}
	if (addr->family != AF_INET || same)
		doubt_source(mirror, addr);
	else
		route_purge(&mirror->routes, has_source, (void *)&addr->addr, AF_INET);
	if (addr->family == AF_INET && !others)
		purge_routes(mirror, addr->ifindex, AF_INET, true, false);
}

void mirror_del_addr(struct mirror *mirror, const struct addr *addr)
{
	const struct addr *old = find_addr(&mirror->addrs, addr);

	if (old)
		tell(mirror, MIRROR_ITEM_ADDR, old, true);
	if (addr_del(&mirror->addrs, addr))
		addr_lost(mirror, addr);
}

void mirror_del_nhobj(struct mirror *mirror, uint32_t id)
{
	if (!nhobj_del(&mirror->nhobjs, id))
		note_lost(mirror, id);
	purge_lost(mirror);
}

/* ---- dumps ------------------------------------------------------------------------------- */
void mirror_begin(struct mirror *mirror, enum mirror_class class)
{
	mirror->dumping = class;
	for (enum mirror_item item = MIRROR_ITEM_ADDR + 1; item < MIRROR_ITEM_MAX; item++)
		if (item_classes[item] == class)
			hash_mark(own_table(mirror, item));
	link_table_fini(&mirror->fresh_links);
	addr_table_fini(&mirror->fresh_addrs);
	mirror->fresh_addrs.dumping = true;
}

static uint32_t end_links(struct mirror *mirror, bool whole)
{
	uint32_t n = 0;

	for (unsigned int i = mirror->links.n; whole && i--;) {
		uint32_t ifindex = mirror->links.link[i].ifindex;

		if (link_find(&mirror->fresh_links, ifindex))
			continue;
		mirror_del_link(mirror, ifindex);
		n++;
	}
	for (unsigned int i = 0; i < mirror->fresh_links.n; i++)
		mirror_set_link(mirror, &mirror->fresh_links.link[i]);
	link_table_fini(&mirror->fresh_links);
	return n;
}

/* The order is the dump's where that is whole */
static uint32_t end_addrs(struct mirror *mirror, bool whole)
{
	struct addr_table *fresh = &mirror->fresh_addrs;
	uint32_t n = 0;

	for (unsigned int i = mirror->addrs.n; whole && i--;) {
		struct addr addr = mirror->addrs.addr[i];

		if (find_addr(fresh, &addr))
			continue;
		mirror_del_addr(mirror, &addr);
		n++;
	}
	for (unsigned int i = 0; i < fresh->n; i++)
		mirror_set_addr(mirror, &fresh->addr[i]);
	if (whole) {
		if (!addr_table_equal(&mirror->addrs, fresh))
			mirror->changes[MIRROR_ITEM_ADDR]++;
		addr_table_fini(&mirror->addrs);
		mirror->addrs = *fresh;
		mirror->addrs.dumping = false;
		*fresh = (struct addr_table){};
	}
	addr_table_fini(fresh);
	return n;
}

static uint32_t sweep(struct mirror *mirror, enum mirror_class class, bool whole)
{
	uint32_t n = 0;

	for (enum mirror_item item = MIRROR_ITEM_ADDR + 1; item < MIRROR_ITEM_MAX; item++) {
		if (item_classes[item] != class)
			continue;
		if (!whole)
			hash_unmark(own_table(mirror, item));
		else if (item == MIRROR_ITEM_ROUTE)
			n += route_sweep(&mirror->routes);
		else if (item == MIRROR_ITEM_NEXTHOP)
			n += nhobj_sweep(&mirror->nhobjs);
		else
			n += hash_sweep(own_table(mirror, item));
	}
	return n;
}

uint32_t mirror_end(struct mirror *mirror, bool whole)
{
	int class = mirror->dumping;
	uint32_t n;

	mirror->dumping = -1;
	n = sweep(mirror, class, whole);
	if (class == MIRROR_LINK)
		n += end_links(mirror, whole);
	if (class == MIRROR_ADDR)
		n += end_addrs(mirror, whole);
	purge_lost(mirror);
	return n;
}
