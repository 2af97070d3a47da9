// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* compare.c - what two mirrors have otherwise */
#include <string.h>

#include <mirror/compare.h>

static bool routes_equal(const struct mirror *ours, const struct route *a,
			 const struct mirror *theirs, const struct route *b)
{
	const struct way *x = route_way(&ours->routes, a), *y = route_way(&theirs->routes, b);

	return x->n_hops == y->n_hops && !memcmp(x, y, way_bytes(x));
}

static bool are_equal(const struct mirror *ours, const struct mirror *theirs,
		      enum mirror_item item, const void *a, const void *b)
{
	switch (item) {
	case MIRROR_ITEM_NEXTHOP:
		return nhobj_equal(a, b);
	case MIRROR_ITEM_ROUTE:
		return routes_equal(ours, a, theirs, b);
	case MIRROR_ITEM_RULE:		/* all but the number that says the order is the key */
		return true;
	default:
		return !memcmp(a, b, mirror_table(ours, item)->entry_bytes);
	}
}

static void compare_tables(const struct mirror *ours, const struct mirror *theirs,
			   enum mirror_item item, compare_fn *fn, void *arg)
{
	const struct hash *a = mirror_table(ours, item), *b = mirror_table(theirs, item);

	for (uint32_t i = 0; i < a->n; i++) {
		const void *entry = hash_at(a, i), *other = hash_find(b, entry);

		if (!other || !are_equal(ours, theirs, item, entry, other))
			fn(arg, item, entry, other);
	}
	for (uint32_t i = 0; i < b->n; i++)
		if (!hash_find(a, hash_at(b, i)))
			fn(arg, item, NULL, hash_at(b, i));
}

/* Of programs the kernel does not tell: one that is attached by a link makes no event */
static bool links_equal(const struct link *a, const struct link *b)
{
	struct link other = *b;

	other.xdp_prog = a->xdp_prog;
	other.xdp_mode = a->xdp_mode;
	return !memcmp(a, &other, sizeof(other));
}

static void compare_links(const struct link_table *ours, const struct link_table *theirs,
			  compare_fn *fn, void *arg)
{
	for (unsigned int i = 0; i < ours->n; i++) {
		const struct link *link = &ours->link[i], *other = link_find(theirs, link->ifindex);

		if (!other || !links_equal(link, other))
			fn(arg, MIRROR_ITEM_LINK, link, other);
	}
	for (unsigned int i = 0; i < theirs->n; i++)
		if (!link_find(ours, theirs->link[i].ifindex))
			fn(arg, MIRROR_ITEM_LINK, NULL, &theirs->link[i]);
}

static bool same_addr(const struct addr *a, const struct addr *b)
{
	return a->ifindex == b->ifindex && a->prefix_len == b->prefix_len &&
	       !memcmp(&a->addr, &b->addr, sizeof(a->addr));
}

static const struct addr *find_addr(const struct addr_table *addrs, const struct addr *addr)
{
	for (unsigned int i = 0; i < addrs->n; i++)
		if (same_addr(&addrs->addr[i], addr))
			return &addrs->addr[i];
	return NULL;
}

static void compare_addrs(const struct addr_table *ours, const struct addr_table *theirs,
			  compare_fn *fn, void *arg)
{
	bool any = false;

	for (unsigned int i = 0; i < ours->n; i++) {
		const struct addr *addr = &ours->addr[i], *other = find_addr(theirs, addr);

		if (other && addr->flags == other->flags && addr->scope == other->scope)
			continue;
		fn(arg, MIRROR_ITEM_ADDR, addr, other);
		any = true;
	}
	for (unsigned int i = 0; i < theirs->n; i++) {
		if (find_addr(ours, &theirs->addr[i]))
			continue;
		fn(arg, MIRROR_ITEM_ADDR, NULL, &theirs->addr[i]);
		any = true;
	}
	if (!any && ours->n && !addr_table_equal(ours, theirs))	/* their order */
		fn(arg, MIRROR_ITEM_ADDR, &ours->addr[0], &theirs->addr[0]);
}

void compare_mirrors(const struct mirror *ours, const struct mirror *theirs, uint32_t classes,
		     compare_fn *fn, void *arg)
{
	if (classes & MIRROR_BIT(LINK))
		compare_links(&ours->links, &theirs->links, fn, arg);
	if (classes & MIRROR_BIT(ADDR))
		compare_addrs(&ours->addrs, &theirs->addrs, fn, arg);
	for (enum mirror_item item = MIRROR_ITEM_ADDR + 1; item < MIRROR_ITEM_MAX; item++)
		if (classes >> mirror_item_class(item) & 1)
			compare_tables(ours, theirs, item, fn, arg);
}
