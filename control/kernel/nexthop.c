// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * nexthop.c - the way to each of many addresses, as the kernel's routes and neighbours have it
 *
 * DOC: A target is an address with its route; what the route leads to is a neighbour, which targets
 * share. An event of a route puts those targets in doubt that its prefix covers, one of a link those
 * behind it, one that names no prefix all of them. Routes also go, come back and change without
 * an event (a link that goes down takes IPv4 routes with it): so each tick doubts a few more,
 * and all once in ROUND_S.
 */
#include <stdlib.h>
#include <string.h>

#include <net/if.h>

#include <linux/if_ether.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#include <base/arena.h>
#include <base/log.h>
#include <kernel/netlink_link.h>
#include <kernel/nexthop.h>
#include <kernel/nexthop_msg.h>

#define WORK_MAX	256		/* of one nexthop_work(): some 5 ms */
#define ROUND_S		60
#define USE_S		16		/* between two looks at a neighbour that answers */
#define USE_LOST_S	4		/* at one that does not */
#define NOBODY		UINT32_MAX

struct target {
	struct shunt_addr addr;
	struct nexthop_route route;
	uint32_t neigh;			/* NOBODY: its route leads to none */
	bool doubtful;
};

struct neigh {
	struct nexthop_neigh neigh;
	uint32_t next;			/* of the same hash */
	bool doubtful;
};

struct nexthops {
	struct nexthop_sock sock;
	struct link_table links;
	struct target *target;		/* by address */
	unsigned int n_targets, n_doubtful;
	unsigned int at;		/* nothing is in doubt before */
	struct neigh *neigh;
	unsigned int n_neighs, size;
	unsigned int n_doubtful_neighs, neigh_at;	/* as those of targets */
	uint32_t *bucket;
	unsigned int n_buckets;		/* a power of two, or 0 */
	unsigned int ticks;
	bool changed;
};

#define NEXTHOP_STATE_NAME(id, name, help) name,
static const char *const state_names[] = { NEXTHOP_STATES(NEXTHOP_STATE_NAME) };

const char *nexthop_state_name(enum nexthop_state state)
{
	return state_names[state];
}

/* ---- neighbours -------------------------------------------------------------------------- */

static uint32_t *neigh_bucket(const struct nexthops *nexthops, uint32_t ifindex,
			      const struct shunt_addr *addr)
{
	uint64_t hash = addr->half[0] * 0x9e3779b97f4a7c15 ^ addr->half[1] ^ ifindex;

	hash *= 0xff51afd7ed558ccd;
	return &nexthops->bucket[hash >> 32 & (nexthops->n_buckets - 1)];
}

static uint32_t neigh_find(const struct nexthops *nexthops, uint32_t ifindex,
			   const struct shunt_addr *addr)
{
	uint32_t at;

	if (!nexthops->n_buckets)
		return NOBODY;
	at = *neigh_bucket(nexthops, ifindex, addr);
	while (at != NOBODY && (nexthops->neigh[at].neigh.ifindex != ifindex ||
				memcmp(&nexthops->neigh[at].neigh.addr, addr, sizeof(*addr))))
		at = nexthops->neigh[at].next;
	return at;
}

static void neigh_grow(struct nexthops *nexthops)
{
	unsigned int i;
	uint32_t *bucket;

	nexthops->size = nexthops->size ? 2 * nexthops->size : 64;
	nexthops->n_buckets = nexthops->size;
	nexthops->neigh = realloc(nexthops->neigh, nexthops->size * sizeof(*nexthops->neigh));
	free(nexthops->bucket);
	nexthops->bucket = malloc(nexthops->n_buckets * sizeof(*nexthops->bucket));
	if (!nexthops->neigh || !nexthops->bucket)
		arena_no_memory();
	memset(nexthops->bucket, 0xff, nexthops->n_buckets * sizeof(*nexthops->bucket));
	for (i = 0; i < nexthops->n_neighs; i++) {
		struct neigh *neigh = &nexthops->neigh[i];

		bucket = neigh_bucket(nexthops, neigh->neigh.ifindex, &neigh->neigh.addr);
		neigh->next = *bucket;
		*bucket = i;
	}
}

static uint32_t neigh_add(struct nexthops *nexthops, const struct nexthop_neigh *neigh)
{
	uint32_t *bucket;

	if (nexthops->n_neighs == nexthops->size)
		neigh_grow(nexthops);
	bucket = neigh_bucket(nexthops, neigh->ifindex, &neigh->addr);
	nexthops->neigh[nexthops->n_neighs] = (struct neigh){ *neigh, *bucket, false };
	*bucket = nexthops->n_neighs;
	return nexthops->n_neighs++;
}

static void doubt_neigh(struct nexthops *nexthops, struct neigh *neigh)
{
	nexthops->n_doubtful_neighs += !neigh->doubtful;
	neigh->doubtful = true;
	nexthops->neigh_at = 0;
}

/* Those that no target is behind any more go */
static void neigh_sweep(struct nexthops *nexthops)
{
	struct neigh *old = nexthops->neigh;
	unsigned int i;

	nexthops->neigh = NULL;
	nexthops->n_neighs = nexthops->size = nexthops->n_buckets = 0;
	nexthops->n_doubtful_neighs = 0;
	for (i = 0; i < nexthops->n_targets; i++) {
		struct target *target = &nexthops->target[i];
		const struct nexthop_neigh *neigh;
		uint32_t at;

		if (target->neigh == NOBODY)
			continue;
		neigh = &old[target->neigh].neigh;
		at = neigh_find(nexthops, neigh->ifindex, &neigh->addr);
		if (at == NOBODY)
			at = neigh_add(nexthops, neigh);
		if (old[target->neigh].doubtful)
			doubt_neigh(nexthops, &nexthops->neigh[at]);
		target->neigh = at;
	}
	free(old);
}

static void neigh_set(struct nexthops *nexthops, const struct nexthop_neigh *now)
{
	uint32_t at = neigh_find(nexthops, now->ifindex, &now->addr);
	struct nexthop_neigh *neigh;

	if (at == NOBODY)
		return;
	neigh = &nexthops->neigh[at].neigh;
	if (neigh->valid == now->valid &&
	    (!now->valid || !memcmp(neigh->mac, now->mac, sizeof(now->mac))))
		return;
	neigh->valid = now->valid;
	memcpy(neigh->mac, now->mac, sizeof(now->mac));
	nexthops->changed = true;
}

static void neigh_ask(struct nexthops *nexthops, const struct nexthop_neigh *neigh)
{
	struct nexthop_neigh now = *neigh;

	if (nexthop_ask_neigh(&nexthops->sock, &now) < 0)
		now.valid = false;
	if (!now.valid)
		nexthop_use_neigh(&nexthops->sock, &now);
	neigh_set(nexthops, &now);
}

/* ---- targets ----------------------------------------------------------------------------- */

static void doubt(struct nexthops *nexthops, struct target *target)
{
	if (target->doubtful)
		return;
	target->doubtful = true;
	nexthops->n_doubtful++;
	if (target < nexthops->target + nexthops->at)
		nexthops->at = target - nexthops->target;
}

static void doubt_all(struct nexthops *nexthops)
{
	unsigned int i;

	for (i = 0; i < nexthops->n_targets; i++)
		doubt(nexthops, &nexthops->target[i]);
}

static bool covers(const struct shunt_addr *prefix, unsigned int len,
		   const struct shunt_addr *addr)
{
	unsigned int i;

	for (i = 0; i < 4 && len; i++) {
		unsigned int bits = len < 32 ? len : 32;
		uint32_t differ = __builtin_bswap32(prefix->word[i] ^ addr->word[i]);

		if (differ >> (32 - bits))
			return false;
		len -= bits;
	}
	return true;
}

static void doubt_prefix(struct nexthops *nexthops, const struct shunt_addr *prefix,
			 unsigned int len)
{
	unsigned int i;

	for (i = 0; i < nexthops->n_targets; i++)
		if (covers(prefix, len, &nexthops->target[i].addr))
			doubt(nexthops, &nexthops->target[i]);
}

static bool links_differ(const struct link *a, const struct link *b)
{
	return a->flags != b->flags || a->mtu != b->mtu || a->master != b->master ||
	       memcmp(a->mac, b->mac, sizeof(a->mac));
}

/* One that came or changed its state may have routes that nobody told of */
static void take_link(struct nexthops *nexthops, struct nlmsghdr *msg)
{
	const struct ifinfomsg *info = nlmsg_data(msg);
	const struct link *link;
	struct link old = {};
	bool changed = false;

	if (nlmsg_datalen(msg) < (int)sizeof(*info))
		return;
	link = link_find(&nexthops->links, info->ifi_index);
	if (link)
		old = *link;
	if (netlink_link_update(&nexthops->links, msg, &changed) < 0 || !changed)
		return;
	link = link_find(&nexthops->links, info->ifi_index);
	if (link && link->ifindex == old.ifindex && !links_differ(&old, link))
		return;
	doubt_all(nexthops);
	nexthops->changed = true;
}

static void take_event(const struct nexthop_event *event, void *arg)
{
	struct nexthops *nexthops = arg;

	switch (event->what) {
	case NEXTHOP_EVENT_LINK:
		take_link(nexthops, event->msg);
		break;
	case NEXTHOP_EVENT_NEIGH:
		neigh_set(nexthops, &event->neigh);
		break;
	case NEXTHOP_EVENT_ROUTE:
		doubt_prefix(nexthops, &event->prefix, event->prefix_len);
		break;
	case NEXTHOP_EVENT_ROUTES:
		doubt_all(nexthops);
		break;
	case NEXTHOP_EVENT_NONE:
		break;
	}
}

/* The neighbour that a route leads to; a new one is asked for */
static uint32_t route_neigh(struct nexthops *nexthops, const struct nexthop_route *route)
{
	struct nexthop_neigh neigh = { .ifindex = route->ifindex, .addr = route->via };
	uint32_t at;

	if (route->kind != NEXTHOP_ROUTE_LINK)
		return NOBODY;
	at = neigh_find(nexthops, neigh.ifindex, &neigh.addr);
	if (at != NOBODY)
		return at;
	at = neigh_add(nexthops, &neigh);
	neigh_ask(nexthops, &neigh);
	return at;
}

/* Return: 0 or -errno: it stays in doubt */
static int settle(struct nexthops *nexthops, struct target *target)
{
	struct nexthop_route route;
	int r;

	r = nexthop_ask_route(&nexthops->sock, &target->addr, &route);
	if (r < 0)
		return r;
	target->doubtful = false;
	nexthops->n_doubtful--;
	if (!memcmp(&route, &target->route, sizeof(route)))
		return 0;
	target->route = route;
	target->neigh = route_neigh(nexthops, &route);
	nexthops->changed = true;
	return 0;
}

/* ---- public ------------------------------------------------------------------------------ */

int nexthop_new(struct nexthops **ret_nexthops, struct err *err)
{
	struct nexthops *nexthops = calloc(1, sizeof(*nexthops));
	int r;

	if (!nexthops)
		arena_no_memory();
	r = nexthop_sock_open(&nexthops->sock, err);
	if (r == 0) {
		r = nexthop_ask_links(&nexthops->sock, take_event, nexthops);
		if (r < 0)
			err_set(err, r, "ask for links");
	}
	if (r < 0) {
		nexthop_free(nexthops);
		return r;
	}
	*ret_nexthops = nexthops;
	return 0;
}

void nexthop_free(struct nexthops *nexthops)
{
	if (!nexthops)
		return;
	nexthop_sock_close(&nexthops->sock);
	link_table_fini(&nexthops->links);
	free(nexthops->target);
	free(nexthops->neigh);
	free(nexthops->bucket);
	free(nexthops);
}

int nexthop_fd(const struct nexthops *nexthops)
{
	return nexthop_sock_fd(&nexthops->sock);
}

static int by_addr(const void *a, const void *b)
{
	return memcmp(&((const struct target *)a)->addr, &((const struct target *)b)->addr,
		      sizeof(struct shunt_addr));
}

static struct target *target_find(const struct nexthops *nexthops, const struct shunt_addr *addr)
{
	struct target key = { .addr = *addr };

	if (!nexthops->n_targets)
		return NULL;
	return bsearch(&key, nexthops->target, nexthops->n_targets, sizeof(key), by_addr);
}

void nexthop_want(struct nexthops *nexthops, const struct shunt_addr *addr, unsigned int n)
{
	struct target *target = calloc(n + 1, sizeof(*target)), *known;
	unsigned int i, kept = 0;

	if (!target)
		arena_no_memory();
	for (i = 0; i < n; i++)
		target[i] = (struct target){ .addr = addr[i], .neigh = NOBODY, .doubtful = true };
	qsort(target, n, sizeof(*target), by_addr);
	for (i = 0; i < n; i++)
		if (!kept || by_addr(&target[kept - 1], &target[i]))
			target[kept++] = target[i];
	nexthops->n_doubtful = 0;
	for (i = 0; i < kept; i++) {
		known = target_find(nexthops, &target[i].addr);
		if (known)
			target[i] = *known;
		nexthops->n_doubtful += target[i].doubtful;
	}
	free(nexthops->target);
	nexthops->target = target;
	nexthops->n_targets = kept;
	nexthops->at = 0;
	neigh_sweep(nexthops);
}

static void take_changed(struct nexthops *nexthops, bool *ret_changed)
{
	*ret_changed = nexthops->changed;
	nexthops->changed = false;
}

int nexthop_process(struct nexthops *nexthops, bool *ret_changed)
{
	unsigned int i;
	int r;

	r = nexthop_sock_events(&nexthops->sock, take_event, nexthops);
	if (r < 0) {		/* what was lost may be anything */
		nexthop_ask_links(&nexthops->sock, take_event, nexthops);
		for (i = 0; i < nexthops->n_neighs; i++)
			doubt_neigh(nexthops, &nexthops->neigh[i]);
		doubt_all(nexthops);
	}
	take_changed(nexthops, ret_changed);
	return r;
}

/* Return: how many were asked for */
static unsigned int work_neighs(struct nexthops *nexthops)
{
	unsigned int done = 0;
	struct neigh *neigh;

	while (nexthops->n_doubtful_neighs && nexthops->neigh_at < nexthops->n_neighs &&
	       done < WORK_MAX) {
		neigh = &nexthops->neigh[nexthops->neigh_at++];
		if (!neigh->doubtful)
			continue;
		done++;
		neigh->doubtful = false;
		nexthops->n_doubtful_neighs--;
		neigh_ask(nexthops, &neigh->neigh);
	}
	return done;
}

bool nexthop_work(struct nexthops *nexthops, bool *ret_changed)
{
	unsigned int done = work_neighs(nexthops);
	struct target *target;

	for (; nexthops->at < nexthops->n_targets && done < WORK_MAX; nexthops->at++) {
		target = &nexthops->target[nexthops->at];
		if (!target->doubtful)
			continue;
		done++;
		if (settle(nexthops, target) < 0)
			break;
	}
	if (nexthops->at == nexthops->n_targets)
		nexthops->at = 0;
	if (nexthops->n_neighs > 2 * nexthops->n_targets + 64)
		neigh_sweep(nexthops);
	take_changed(nexthops, ret_changed);
	return nexthops->n_doubtful || nexthops->n_doubtful_neighs;
}

void nexthop_tick(struct nexthops *nexthops)
{
	unsigned int i, tick = nexthops->ticks++;

	for (i = 0; i < nexthops->n_neighs; i++) {
		const struct nexthop_neigh *neigh = &nexthops->neigh[i].neigh;

		if ((tick + i) % (neigh->valid ? USE_S : USE_LOST_S) == 0)
			nexthop_use_neigh(&nexthops->sock, neigh);
	}
	for (i = tick % ROUND_S; i < nexthops->n_targets; i += ROUND_S)
		doubt(nexthops, &nexthops->target[i]);
}

/* What has ndo_xdp_xmit, as far as can be told: elsewhere a redirected frame is lost */
static bool link_sends(const struct link *link)
{
	const unsigned int never = IFF_LOOPBACK | IFF_NOARP | IFF_POINTOPOINT;

	if (!(link->flags & IFF_UP) || link->flags & never)
		return false;
	return !*link->kind || !strcmp(link->kind, "veth") || !strcmp(link->kind, "bond");
}

/* What frames go out by: of a VLAN's device the one below. NULL: none that can */
static const struct link *link_out(const struct nexthops *nexthops, const struct link *link)
{
	const struct link *below = link;

	if (link && !strcmp(link->kind, "vlan"))
		below = link->flags & IFF_UP && link->vlan && link->peer_netns < 0 &&
				link->vlan_protocol == ETH_P_8021Q ?
			link_find(&nexthops->links, link->peer) : NULL;
	return below && link_sends(below) ? below : NULL;
}

static enum nexthop_state way_state(const struct target *target, const struct link *out,
				    const struct nexthop_neigh *neigh)
{
	switch (target->route.kind) {
	case NEXTHOP_ROUTE_NONE:
		return NEXTHOP_NO_ROUTE;
	case NEXTHOP_ROUTE_LOCAL:
		return NEXTHOP_LOCAL;
	case NEXTHOP_ROUTE_TUNNEL:
		return NEXTHOP_TUNNEL;
	case NEXTHOP_ROUTE_LINK:
		break;
	}
	if (!out)
		return NEXTHOP_LINK;
	return neigh && neigh->valid ? NEXTHOP_READY : NEXTHOP_NO_NEIGH;
}

bool nexthop_find(const struct nexthops *nexthops, const struct shunt_addr *addr,
		  struct nexthop_way *ret_way)
{
	const struct target *target = target_find(nexthops, addr);
	const struct nexthop_neigh *neigh;
	const struct link *link, *out;

	if (!target)
		return false;
	neigh = target->neigh == NOBODY ? NULL : &nexthops->neigh[target->neigh].neigh;
	link = link_find(&nexthops->links, target->route.ifindex);
	out = link_out(nexthops, link);
	*ret_way = (struct nexthop_way){
		.state = way_state(target, out, neigh), .src = target->route.src,
	};
	if (ret_way->state != NEXTHOP_READY)
		return true;
	ret_way->ifindex = out->ifindex;
	ret_way->vlan = link->vlan;
	ret_way->mtu = target->route.mtu ? target->route.mtu : link->mtu;
	memcpy(ret_way->dmac, neigh->mac, sizeof(ret_way->dmac));
	memcpy(ret_way->smac, link->mac, sizeof(ret_way->smac));
	return true;
}
