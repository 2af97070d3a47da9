// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* compare_text.c - entries of the mirror as text */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <linux/if_ether.h>
#include <linux/rtnetlink.h>

#include <mirror/compare.h>

struct text {
	const struct mirror *mirror;
	char *at;
	size_t left;
	bool key_only;
};

static void add(struct text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *text, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text->at, text->left, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n >= text->left)
		n = text->left ? text->left - 1 : 0;
	text->at += n;
	text->left -= n;
}

static void add_addr(struct text *text, const char *before, const struct shunt_addr *addr)
{
	bool four = !addr->v4_prefix[0] && !addr->v4_prefix[1] &&
		    addr->v4_prefix[2] == htonl(0xffff);
	char name[INET6_ADDRSTRLEN];

	inet_ntop(four ? AF_INET : AF_INET6, four ? (const void *)&addr->v4 : addr, name,
		  sizeof(name));
	add(text, "%s%s", before, name);
}

static bool is_zero(const struct shunt_addr *addr)
{
	static const struct shunt_addr zero;

	return !memcmp(addr, &zero, sizeof(zero));
}

static void add_mac(struct text *text, const uint8_t mac[6])
{
	add(text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

static void add_dev(struct text *text, const char *before, uint32_t ifindex)
{
	const struct link *link = link_find(&text->mirror->links, ifindex);

	if (link)
		add(text, "%s%s", before, link->name);
	else
		add(text, "%s#%u", before, ifindex);
}

/* Members that have no word of their own: told as bytes, so that two that differ do not look alike */
static void add_bytes(struct text *text, const void *from, size_t bytes)
{
	const uint8_t *at = from;

	add(text, " ");
	while (bytes--)
		add(text, "%02x", *at++);
}

/* ---- of each kind ------------------------------------------------------------------------ */
static void text_of_LINK(struct text *text, const void *entry)
{
	const struct link *link = entry;

	add(text, "%s", link->name);
	if (text->key_only)
		return;
	add(text, " kind '%s' ", link->kind);
	add_mac(text, link->mac);
	add(text, " mtu %u flags %#x operstate %u queues %u/%u", link->mtu, link->flags,
	    link->operstate, link->rx_queues, link->tx_queues);
	if (link->master)
		add_dev(text, " master ", link->master);
	if (link->peer)
		add(text, " peer #%u netns %d", link->peer, link->peer_netns);
	if (link->xdp_prog)
		add(text, " xdp %u mode %u", link->xdp_prog, link->xdp_mode);
}

static void text_of_ADDR(struct text *text, const void *entry)
{
	const struct addr *addr = entry;

	add_addr(text, "", &addr->addr);
	add(text, "/%u", addr->prefix_len);
	add_dev(text, " dev ", addr->ifindex);
	if (!text->key_only)
		add(text, " scope %u flags %#x order %d", addr->scope, addr->flags, addr->order);
}

static void text_of_KIND(struct text *text, const void *entry)
{
	const struct kind *kind = entry;

	add_dev(text, "", kind->ifindex);
	if (!text->key_only)
		add_bytes(text, &kind->type, sizeof(*kind) - offsetof(struct kind, type));
}

static void text_of_PORT(struct text *text, const void *entry)
{
	const struct kind_port *port = entry;

	add_dev(text, "", port->ifindex);
	if (text->key_only)
		return;
	add_dev(text, " master ", port->master);
	add(text, " state %u flags %#x router %u mii %u", port->state, port->flags,
	    port->mcast_router, port->mii);
	if (port->backup_port)
		add_dev(text, " backup ", port->backup_port);
	if (port->vrf_table)
		add(text, " table %u", port->vrf_table);
}

static void text_of_NETCONF(struct text *text, const void *entry)
{
	const struct netconf *netconf = entry;

	add(text, netconf->family == AF_INET ? "ipv4 " : "ipv6 ");
	if (netconf->ifindex < 0)
		add(text, netconf->ifindex == -1 ? "all" : "default");
	else
		add_dev(text, "", netconf->ifindex);
	if (!text->key_only)
		add(text, " forwarding %u rp_filter %u mc_forwarding %u ignore_linkdown %u",
		    netconf->forwarding, netconf->rp_filter, netconf->mc_forwarding,
		    netconf->ignore_linkdown);
}

static void text_of_NEIGH(struct text *text, const void *entry)
{
	const struct neigh *neigh = entry;

	add_addr(text, "", &neigh->addr);
	add_dev(text, " dev ", neigh->ifindex);
	if (text->key_only)
		return;
	add(text, " lladdr ");
	add_mac(text, neigh->mac);
	add(text, " state %#x flags %#x", neigh->state, neigh->flags);
}

static void text_of_FDB(struct text *text, const void *entry)
{
	const struct fdb *fdb = entry;

	add_mac(text, fdb->mac);
	add_dev(text, " master ", fdb->bridge);
	if (fdb->vid)
		add(text, " vlan %u", fdb->vid);
	if (text->key_only)
		return;
	add_dev(text, " dev ", fdb->port);
	add(text, " state %#x flags %#x ext %#x", fdb->state, fdb->flags, fdb->ext_flags);
}

static void add_to(struct text *text, const struct fdb_to *to)
{
	if (!is_zero(&to->dst))
		add_addr(text, " dst ", &to->dst);
	if (to->vni)
		add(text, " vni %u", to->vni);
	if (to->port)
		add(text, " port %u", to->port);
	if (to->via)
		add_dev(text, " via ", to->via);
}

static void text_of_REMOTE(struct text *text, const void *entry)
{
	const struct fdb_remote *remote = entry;

	add_mac(text, remote->mac);
	add_dev(text, " dev ", remote->ifindex);
	if (remote->src_vni)
		add(text, " src_vni %u", remote->src_vni);
	add_to(text, text->key_only ? &remote->each : &remote->to);
	if (text->key_only)
		return;
	if (remote->nh_id)
		add(text, " nhid %u", remote->nh_id);
	add(text, " state %#x flags %#x", remote->state, remote->flags);
}

static void text_of_VLAN(struct text *text, const void *entry)
{
	const struct vlan *vlan = entry;

	add_dev(text, "", vlan->ifindex);
	add(text, " vlan %u", vlan->vid);
	if (!text->key_only)
		add(text, " flags %#x state %u tunnel %u", vlan->flags, vlan->state, vlan->tunnel);
}

static void text_of_MDB(struct text *text, const void *entry)
{
	const struct mdb *mdb = entry;

	if (mdb->protocol)
		add_addr(text, "", &mdb->group);
	else
		add_mac(text, (const uint8_t *)&mdb->group);
	if (!is_zero(&mdb->source))
		add_addr(text, " from ", &mdb->source);
	add_dev(text, " dev ", mdb->bridge);
	add_dev(text, " port ", mdb->port);
	if (mdb->vid)
		add(text, " vlan %u", mdb->vid);
	if (!text->key_only)
		add(text, " state %u flags %#x mode %u", mdb->state, mdb->flags, mdb->mode);
}

static void text_of_ROUTER(struct text *text, const void *entry)
{
	const struct mdb_router *router = entry;

	add_dev(text, "dev ", router->bridge);
	add_dev(text, " port ", router->port);
	if (router->vid)
		add(text, " vlan %u", router->vid);
}

static void text_of_RULE(struct text *text, const void *entry)
{
	const struct policy *policy = entry;

	add(text, "%s %u:", policy->family == AF_INET ? "ipv4" : "ipv6", policy->priority);
	add_addr(text, " from ", &policy->from);
	add(text, "/%u", policy->from_len);
	add_addr(text, " to ", &policy->to);
	add(text, "/%u", policy->to_len);
	if (policy->iif[0])
		add(text, " iif %s", policy->iif);
	if (policy->oif[0])
		add(text, " oif %s", policy->oif);
	if (policy->fwmark || policy->fwmask)
		add(text, " fwmark %#x/%#x", policy->fwmark, policy->fwmask);
	add(text, " action %u table %u%s", policy->action, policy->table,
	    policy->l3mdev ? " l3mdev" : "");
}

static void text_of_NEXTHOP(struct text *text, const void *entry)
{
	const struct nhobj *nhobj = entry;
	uint32_t i;

	add(text, "id %u", nhobj->id);
	if (text->key_only)
		return;
	add(text, " kind %u family %u proto %u scope %u flags %#x", nhobj->kind, nhobj->family,
	    nhobj->protocol, nhobj->scope, nhobj->flags);
	if (nhobj->gateway_family)
		add_addr(text, " via ", &nhobj->gateway);
	if (nhobj->ifindex)
		add_dev(text, " dev ", nhobj->ifindex);
	if (nhobj->n_buckets)
		add(text, " buckets %u idle %u unbalanced %u", nhobj->n_buckets, nhobj->idle_s,
		    nhobj->unbalanced_s);
	for (i = 0; i < nhobj->n_members; i++)
		add(text, "%s%u,%u", i ? "/" : " group ", nhobj->member[i].id,
		    nhobj->member[i].weight);
	if (nhobj->fdb)
		add(text, " fdb");
}

static void text_of_BUCKET(struct text *text, const void *entry)
{
	const struct nhobj_bucket *bucket = entry;

	add(text, "id %u index %u", bucket->group, bucket->index);
	if (!text->key_only)
		add(text, " nhid %u", bucket->nh_id);
}

static void add_hop(struct text *text, const struct way_hop *hop)
{
	if (hop->family)
		add_addr(text, " via ", &hop->gateway);
	if (hop->ifindex)
		add_dev(text, " dev ", hop->ifindex);
	if (hop->weight != 1)
		add(text, " weight %u", hop->weight);
	if (hop->flags)
		add(text, " flags %#x", hop->flags);
	if (hop->encap)
		add(text, " encap %u", hop->encap);
}

static void add_way(struct text *text, const struct way *way)
{
	unsigned int i;

	add(text, " type %u proto %u scope %u", way->type, way->protocol, way->scope);
	if (way->flags)
		add(text, " flags %#x", way->flags);
	if (!is_zero(&way->prefsrc))
		add_addr(text, " src ", &way->prefsrc);
	if (way->src_len) {
		add_addr(text, " from ", &way->src);
		add(text, "/%u", way->src_len);
	}
	if (way->mtu)
		add(text, " mtu %s%u", way->mtu_locked ? "lock " : "", way->mtu);
	if (way->nh_id)
		add(text, " nhid %u", way->nh_id);
	for (i = 0; i < way->n_hops; i++) {
		if (way->n_hops > 1)
			add(text, " nexthop");
		add_hop(text, &way->hop[i]);
	}
}

static void text_of_ROUTE(struct text *text, const void *entry)
{
	const struct route *route = entry;

	add_addr(text, "", &route->prefix);
	add(text, "/%u table %u metric %u", route->len, route->table, route->priority);
	if (route->tos)
		add(text, " tos %#x", route->tos);
	if (route->ifindex)
		add_dev(text, " dev ", route->ifindex);
	if (route->alt)
		add(text, " alternative %u", route->alt);
	if (!text->key_only)
		add_way(text, route_way(&text->mirror->routes, route));
}

#define ITEM_TEXT(id, name, class, type, table) [MIRROR_ITEM_##id] = text_of_##id,

void compare_text(const struct mirror *mirror, enum mirror_item item, const void *entry,
		  bool key_only, char *ret_text, size_t size)
{
	static void (*const of[])(struct text *text, const void *entry) = {
		[MIRROR_ITEM_LINK] = text_of_LINK, [MIRROR_ITEM_ADDR] = text_of_ADDR,
		MIRROR_ITEMS(ITEM_TEXT)
	};
	struct text text = { mirror, ret_text, size, key_only };

	ret_text[0] = '\0';
	of[item](&text, entry);
}
