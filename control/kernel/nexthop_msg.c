// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * nexthop_msg.c - rtnetlink as nexthop.c talks it: requests, answers, events
 *
 * DOC: Two sockets as in netlink.c: what is asked for comes on one, events on the other.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <base/arena.h>
#include <kernel/netlink_attr.h>
#include <kernel/nexthop_msg.h>

#define DATAGRAMS_MAX	4096		/* of one call: the loop has other work too */

#define NUD_USABLE	(NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)

/* ---- sockets ----------------------------------------------------------------------------- */
static int join(struct nexthop_sock *sock, struct err *err)
{
	static const int group[] = {
		RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
		RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
		RTNLGRP_NEXTHOP,
	};
	unsigned int i;
	int r;

	for (i = 0; i < sizeof(group) / sizeof(group[0]); i++) {
		r = netlink_sock_join(&sock->event, group[i]);
		if (r < 0)
			return err_set(err, r, "subscribe to events of routes and neighbours");
	}
	return 0;
}

int nexthop_sock_open(struct nexthop_sock *sock, struct err *err)
{
	int r;

	sock->ask.fd = -1;
	r = netlink_sock_open_events(&sock->event, err);
	if (r == 0)
		r = join(sock, err);
	if (r == 0)
		r = netlink_sock_open_requests(&sock->ask, err);
	return r;
}

void nexthop_sock_close(struct nexthop_sock *sock)
{
	netlink_sock_close(&sock->event);
	netlink_sock_close(&sock->ask);
}

int nexthop_sock_fd(const struct nexthop_sock *sock)
{
	return sock->event.fd;
}

/* ---- addresses --------------------------------------------------------------------------- */
static unsigned int addr_len(const struct shunt_addr *addr)
{
	return nexthop_is_4(addr) ? 4 : 16;
}

static const void *addr_bytes(const struct shunt_addr *addr)
{
	return nexthop_is_4(addr) ? (const void *)&addr->v4 : addr;
}

/* ---- messages ---------------------------------------------------------------------------- */
static bool parse_neigh(struct nlmsghdr *msg, struct nexthop_neigh *ret_neigh)
{
	const struct ndmsg *info = nlmsg_data(msg);
	struct nlattr *tb[NDA_MAX + 1];

	if (nlmsg_parse(msg, sizeof(*info), tb, NDA_MAX, NULL) < 0 ||
	    info->ndm_flags & NTF_PROXY ||
	    !attr_addr(info->ndm_family, tb[NDA_DST], &ret_neigh->addr))
		return false;
	ret_neigh->ifindex = info->ndm_ifindex;
	ret_neigh->valid = msg->nlmsg_type == RTM_NEWNEIGH && info->ndm_state & NUD_USABLE &&
			   tb[NDA_LLADDR] && nla_len(tb[NDA_LLADDR]) == sizeof(ret_neigh->mac);
	if (ret_neigh->valid)
		memcpy(ret_neigh->mac, nla_data(tb[NDA_LLADDR]), sizeof(ret_neigh->mac));
	return true;
}

/* A gateway of the other family is in RTA_VIA */
static bool parse_via(int family, struct nlattr *tb[], struct shunt_addr *ret_via)
{
	const struct rtvia *via;

	if (tb[RTA_GATEWAY])
		return attr_addr(family, tb[RTA_GATEWAY], ret_via);
	if (!tb[RTA_VIA] || nla_len(tb[RTA_VIA]) < (int)sizeof(*via))
		return false;
	via = nla_data(tb[RTA_VIA]);
	return attr_addr_read(via->rtvia_family, via->rtvia_addr,
			 nla_len(tb[RTA_VIA]) - sizeof(*via), ret_via);
}

static uint32_t parse_mtu(struct nlattr *metrics)
{
	struct nlattr *tb[RTAX_MAX + 1];

	if (!metrics || nla_parse_nested(tb, RTAX_MAX, metrics, NULL) < 0 || !tb[RTAX_MTU] ||
	    nla_len(tb[RTAX_MTU]) < 4)
		return 0;
	return nla_get_u32(tb[RTAX_MTU]);
}

/* @ret_route: kind NONE, and 'via' the address that was asked for */
static void parse_route(struct nlmsghdr *msg, struct nexthop_route *ret_route)
{
	const struct rtmsg *info = nlmsg_data(msg);
	struct nlattr *tb[RTA_MAX + 1];

	if (nlmsg_parse(msg, sizeof(*info), tb, RTA_MAX, NULL) < 0)
		return;
	if (info->rtm_type == RTN_LOCAL)
		ret_route->kind = NEXTHOP_ROUTE_LOCAL;
	if (info->rtm_type != RTN_UNICAST || !tb[RTA_OIF] || nla_len(tb[RTA_OIF]) < 4)
		return;
	ret_route->kind = tb[RTA_ENCAP] || tb[RTA_NEWDST] ?
			  NEXTHOP_ROUTE_TUNNEL : NEXTHOP_ROUTE_LINK;
	ret_route->ifindex = nla_get_u32(tb[RTA_OIF]);
	ret_route->mtu = parse_mtu(tb[RTA_METRICS]);
	parse_via(info->rtm_family, tb, &ret_route->via);
	attr_addr(info->rtm_family, tb[RTA_PREFSRC], &ret_route->src);
}

static bool parse_prefix(struct nlmsghdr *msg, struct nexthop_event *event)
{
	const struct rtmsg *info = nlmsg_data(msg);
	struct nlattr *tb[RTA_MAX + 1];

	if (nlmsg_parse(msg, sizeof(*info), tb, RTA_MAX, NULL) < 0 || info->rtm_flags & RTM_F_CLONED)
		return false;
	if (info->rtm_family != AF_INET && info->rtm_family != AF_INET6)
		return false;
	if (!attr_addr(info->rtm_family, tb[RTA_DST], &event->prefix))
		event->prefix = (struct shunt_addr){
			.v4_prefix = { 0, 0, info->rtm_family == AF_INET ? htonl(0xffff) : 0 },
		};
	event->prefix_len = info->rtm_dst_len + (info->rtm_family == AF_INET ? 96 : 0);
	return true;
}

static enum nexthop_what parse_event(struct nlmsghdr *msg, struct nexthop_event *event)
{
	switch (msg->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return NEXTHOP_EVENT_LINK;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		return parse_neigh(msg, &event->neigh) ? NEXTHOP_EVENT_NEIGH : NEXTHOP_EVENT_NONE;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return parse_prefix(msg, event) ? NEXTHOP_EVENT_ROUTE : NEXTHOP_EVENT_NONE;
	case RTM_NEWRULE:
	case RTM_DELRULE:
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return NEXTHOP_EVENT_ROUTES;
	default:
		return NEXTHOP_EVENT_NONE;
	}
}

static void tell(struct nlmsghdr *msg, void (*fn)(const struct nexthop_event *event, void *arg),
		 void *arg)
{
	struct nexthop_event event = { .msg = msg };

	event.what = parse_event(msg, &event);
	if (event.what)
		fn(&event, arg);
}

int nexthop_sock_events(struct nexthop_sock *sock,
			void (*fn)(const struct nexthop_event *event, void *arg), void *arg)
{
	struct nlmsghdr *msg;
	int i, n;

	for (i = 0; i < DATAGRAMS_MAX; i++) {
		n = netlink_sock_receive(&sock->event, MSG_DONTWAIT);
		if (n == -EAGAIN)
			return 0;
		if (n < 0)
			return n == -EMSGSIZE ? -ENOBUFS : n;
		msg = (struct nlmsghdr *)sock->event.buffer;
		for (; nlmsg_ok(msg, n); msg = nlmsg_next(msg, &n))
			tell(msg, fn, arg);
	}
	return 0;
}

/* ---- requests ---------------------------------------------------------------------------- */
/* Up to its acknowledgement. Return: 0; -errno: of the socket, or what the kernel answered */
static int ask(struct nexthop_sock *sock, struct nl_msg *msg, netlink_sock_fn *fn, void *arg)
{
	int r = netlink_sock_send(&sock->ask, msg);

	if (r < 0)
		return -EIO;
	r = netlink_sock_answer(&sock->ask, fn, arg, NULL);
	return r == -EMSGSIZE ? -ENOBUFS : r;
}

static void put_addr(struct nl_msg *msg, int type, const struct shunt_addr *addr)
{
	if (nla_put(msg, type, addr_len(addr), addr_bytes(addr)) < 0)
		arena_no_memory();
}

struct links_arg {
	void (*fn)(const struct nexthop_event *event, void *arg);
	void *arg;
};

static int take_link(struct nlmsghdr *msg, void *arg)
{
	struct links_arg *to = arg;

	tell(msg, to->fn, to->arg);
	return 0;
}

int nexthop_ask_links(struct nexthop_sock *sock,
		      void (*fn)(const struct nexthop_event *event, void *arg), void *arg)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct links_arg to = { fn, arg };
	struct nl_msg *msg = netlink_sock_request(RTM_GETLINK, NLM_F_DUMP, &info, sizeof(info));

	if (nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) < 0)
		arena_no_memory();
	return ask(sock, msg, take_link, &to);
}

static int take_route(struct nlmsghdr *msg, void *arg)
{
	if (msg->nlmsg_type == RTM_NEWROUTE)
		parse_route(msg, arg);
	return 0;
}

int nexthop_ask_route(struct nexthop_sock *sock, const struct shunt_addr *addr,
		      struct nexthop_route *ret_route)
{
	struct rtmsg info = {
		.rtm_family = nexthop_is_4(addr) ? AF_INET : AF_INET6,
		.rtm_dst_len = addr_len(addr) * 8,
	};
	struct nl_msg *msg = netlink_sock_request(RTM_GETROUTE, NLM_F_ACK, &info, sizeof(info));
	int r;

	memset(ret_route, 0, sizeof(*ret_route));	/* holes too: routes are compared as bytes */
	ret_route->via = *addr;
	put_addr(msg, RTA_DST, addr);
	r = ask(sock, msg, take_route, ret_route);
	return r == -EIO || r == -ENOBUFS || r == -EPROTO ? r : 0;
}

static int take_neigh(struct nlmsghdr *msg, void *arg)
{
	struct nexthop_neigh *neigh = arg, found;

	if (msg->nlmsg_type == RTM_NEWNEIGH && parse_neigh(msg, &found))
		*neigh = found;
	return 0;
}

static struct nl_msg *neigh_request(int type, int flags, const struct nexthop_neigh *neigh,
				    unsigned int neigh_flags)
{
	struct ndmsg info = {
		.ndm_family = nexthop_is_4(&neigh->addr) ? AF_INET : AF_INET6,
		.ndm_ifindex = neigh->ifindex,
		.ndm_flags = neigh_flags,
	};
	struct nl_msg *msg = netlink_sock_request(type, flags, &info, sizeof(info));

	put_addr(msg, NDA_DST, &neigh->addr);
	return msg;
}

int nexthop_ask_neigh(struct nexthop_sock *sock, struct nexthop_neigh *neigh)
{
	int r;

	neigh->valid = false;
	r = ask(sock, neigh_request(RTM_GETNEIGH, NLM_F_ACK, neigh, 0), take_neigh, neigh);
	return r == -ENOENT || r == -ENODEV ? 0 : r;
}

static int take_nothing(struct nlmsghdr *msg, void *arg)
{
	return 0;
}

int nexthop_use_neigh(struct nexthop_sock *sock, const struct nexthop_neigh *neigh)
{
	struct nl_msg *msg = neigh_request(RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE,
					   neigh, NTF_USE);

	return ask(sock, msg, take_nothing, NULL);
}
