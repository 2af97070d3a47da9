// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* netlink_route.c - messages of routes */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#include <kernel/netlink_attr.h>
#include <kernel/netlink_route.h>

#define HOPS_MAX	1024	/* the kernel's messages of one route hold some hundreds */
#define HOP_FLAGS	(RTNH_F_ONLINK | RTNH_F_PERVASIVE)
#define ROUTE_FLAGS	(RTM_F_OFFLOAD | RTM_F_TRAP)

static struct nla_policy route_policy[RTA_MAX + 1] = {
	[RTA_OIF]		= { .type = NLA_U32 },
	[RTA_PRIORITY]		= { .type = NLA_U32 },
	[RTA_TABLE]		= { .type = NLA_U32 },
	[RTA_NH_ID]		= { .type = NLA_U32 },
	[RTA_ENCAP_TYPE]	= { .type = NLA_U16 },
	[RTA_METRICS]		= { .type = NLA_NESTED },
	[RTA_VIA]		= { .minlen = sizeof(struct rtvia) },
};

/* With room for HOPS_MAX */
union way_room {
	struct way way;
	char bytes[sizeof(struct way) + HOPS_MAX * sizeof(struct way_hop)];
};

/* ---- where it leads ---------------------------------------------------------------------- */
/* Gateway, or none, in @tb. A gateway of the other family is in RTA_VIA */
static int parse_gateway(int family, struct nlattr *tb[], struct way_hop *hop)
{
	const struct rtvia *via;

	hop->encap = attr_u16(tb[RTA_ENCAP_TYPE]);
	if (tb[RTA_GATEWAY]) {
		hop->family = family;
		return attr_addr(family, tb[RTA_GATEWAY], &hop->gateway) ? 0 : -EBADMSG;
	}
	if (!tb[RTA_VIA])
		return 0;
	via = nla_data(tb[RTA_VIA]);
	hop->family = via->rtvia_family;
	return attr_addr_read(via->rtvia_family, via->rtvia_addr,
			      nla_len(tb[RTA_VIA]) - sizeof(*via), &hop->gateway) ? 0 : -EBADMSG;
}

static int parse_hop(int family, const struct rtnexthop *next, struct way_hop *hop)
{
	struct nlattr *tb[RTA_MAX + 1] = {};
	int len = next->rtnh_len - RTNH_LENGTH(0);

	if (len > 0 && nla_parse(tb, RTA_MAX, (struct nlattr *)RTNH_DATA(next), len,
				 route_policy) < 0)
		return -EBADMSG;
	hop->ifindex = next->rtnh_ifindex;
	hop->weight = next->rtnh_hops + 1;
	hop->flags = next->rtnh_flags & HOP_FLAGS;
	return parse_gateway(family, tb, hop);
}

static int compare_hops(const void *a, const void *b)
{
	const struct way_hop *x = a, *y = b;
	int r;

	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	r = memcmp(&x->gateway, &y->gateway, sizeof(x->gateway));
	return r ? r : memcmp(x, y, sizeof(*x));
}

static int parse_multipath(int family, struct nlattr *attr, struct way *way)
{
	const struct rtnexthop *next = nla_data(attr);
	int rest = nla_len(attr);

	while (rest >= (int)sizeof(*next) && RTNH_OK(next, rest)) {
		if (way->n_hops == HOPS_MAX || parse_hop(family, next, &way->hop[way->n_hops]) < 0)
			return -EBADMSG;
		way->n_hops++;
		rest -= NLA_ALIGN(next->rtnh_len);
		next = RTNH_NEXT(next);
	}
	return rest > 0 ? -EBADMSG : 0;
}

static bool refuses(const struct way *way)
{
	return way->type == RTN_BLACKHOLE || way->type == RTN_UNREACHABLE ||
	       way->type == RTN_PROHIBIT || way->type == RTN_THROW;
}

/* With an object the kernel says its hops as well, for those who do not know objects */
static int parse_hops(const struct rtmsg *head, struct nlattr *tb[], struct way *way)
{
	if (way->nh_id || refuses(way))
		return 0;
	if (tb[RTA_MULTIPATH]) {
		if (parse_multipath(head->rtm_family, tb[RTA_MULTIPATH], way) < 0)
			return -EBADMSG;
	} else if (tb[RTA_OIF] || tb[RTA_GATEWAY] || tb[RTA_VIA]) {
		if (parse_gateway(head->rtm_family, tb, &way->hop[0]) < 0)
			return -EBADMSG;
		way->hop[0].ifindex = attr_u32(tb[RTA_OIF]);
		way->hop[0].weight = 1;
		way->hop[0].flags = head->rtm_flags & HOP_FLAGS;
		way->n_hops = 1;
	}
	if (head->rtm_family == AF_INET6)	/* a message has them from where the change was */
		qsort(way->hop, way->n_hops, sizeof(way->hop[0]), compare_hops);
	return 0;
}

static int parse_metrics(struct nlattr *attr, struct way *way)
{
	struct nlattr *tb[RTAX_MAX + 1];

	if (!attr)
		return 0;
	if (nla_parse_nested(tb, RTAX_MAX, attr, NULL) < 0 ||
	    (tb[RTAX_MTU] && nla_len(tb[RTAX_MTU]) < 4) ||
	    (tb[RTAX_LOCK] && nla_len(tb[RTAX_LOCK]) < 4))
		return -EBADMSG;
	way->mtu = attr_u32(tb[RTAX_MTU]);
	way->mtu_locked = attr_u32(tb[RTAX_LOCK]) >> RTAX_MTU & 1;
	return 0;
}

static int parse_way(const struct rtmsg *head, struct nlattr *tb[], struct way *way)
{
	way->type = head->rtm_type;
	way->protocol = head->rtm_protocol;
	way->scope = head->rtm_scope;
	way->flags = head->rtm_flags & ROUTE_FLAGS;
	way->nh_id = attr_u32(tb[RTA_NH_ID]);
	way->src_len = head->rtm_src_len;
	if (way->src_len && !attr_prefix(head->rtm_family, way->src_len, tb[RTA_SRC], &way->src))
		return -EBADMSG;
	if (tb[RTA_PREFSRC] && !attr_addr(head->rtm_family, tb[RTA_PREFSRC], &way->prefsrc))
		return -EBADMSG;
	if (parse_metrics(tb[RTA_METRICS], way) < 0)
		return -EBADMSG;
	return parse_hops(head, tb, way);
}

/* ---- the route --------------------------------------------------------------------------- */
static int parse_route(struct nlmsghdr *msg, struct route *ret_route, struct way *way)
{
	const struct rtmsg *head = nlmsg_data(msg);
	struct nlattr *tb[RTA_MAX + 1];

	if (nlmsg_parse(msg, sizeof(*head), tb, RTA_MAX, route_policy) < 0 ||
	    !attr_prefix(head->rtm_family, head->rtm_dst_len, tb[RTA_DST], &ret_route->prefix) ||
	    parse_way(head, tb, way) < 0)
		return -EBADMSG;
	ret_route->table = tb[RTA_TABLE] ? attr_u32(tb[RTA_TABLE]) : head->rtm_table;
	ret_route->priority = attr_u32(tb[RTA_PRIORITY]);
	ret_route->family = head->rtm_family;
	ret_route->len = head->rtm_dst_len;
	ret_route->tos = head->rtm_family == AF_INET ? head->rtm_tos : 0;
	if (head->rtm_family == AF_INET6 && way->n_hops == 1 && !way->hop[0].family)
		ret_route->ifindex = way->hop[0].ifindex;
	return 0;
}

static enum route_how how(const struct nlmsghdr *msg)
{
	if (msg->nlmsg_flags & NLM_F_REPLACE)
		return ROUTE_REPLACE;
	if (msg->nlmsg_flags & NLM_F_APPEND)
		return ROUTE_APPEND;
	return msg->nlmsg_flags & NLM_F_EXCL ? ROUTE_NEW : ROUTE_PREPEND;
}

int netlink_route_apply(struct mirror *mirror, struct nlmsghdr *msg)
{
	const struct rtmsg *head = nlmsg_data(msg);
	static union way_room room;
	struct route route = {};
	bool doubt = false;

	if (nlmsg_datalen(msg) < (int)sizeof(*head))
		return -EBADMSG;
	if ((head->rtm_family != AF_INET && head->rtm_family != AF_INET6) ||
	    head->rtm_flags & RTM_F_CLONED)
		return 0;
	memset(&room.way, 0, way_bytes(&room.way));	/* and what the last one had of hops */
	if (parse_route(msg, &route, &room.way) < 0) {
		memset(&room, 0, sizeof(room));
		return -EBADMSG;
	}
	if (msg->nlmsg_type == RTM_DELROUTE)
		route_del(&mirror->routes, &route, &room.way, &doubt);
	else
		route_set(&mirror->routes, &route, &room.way, how(msg));
	if (doubt)
		mirror->doubt |= MIRROR_BIT(ROUTE);
	return 0;
}
