// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * nexthop_msg.c - rtnetlink as nexthop.c talks it: requests, answers, events
 *
 * DOC: Two sockets as in netlink.c: what is asked for comes on one, events on the other. The
 * kernel answers a request before sendto() returns, so that reading blocks for nothing.
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
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include <base/arena.h>
#include <kernel/nexthop_msg.h>

#define EVENT_BYTES	(8 << 20)	/* wanted of the event socket; the kernel doubles it */
#define MESSAGE_BYTES	(64 << 10)
#define DATAGRAMS_MAX	4096		/* of one call: the loop has other work too */

#define NUD_USABLE	(NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)

/* ---- sockets ----------------------------------------------------------------------------- */
static int sock_new(struct nl_sock **ret_sock, struct err *err)
{
	struct nl_sock *sock = nl_socket_alloc();
	int r;

	if (!sock)
		arena_no_memory();
	r = nl_connect(sock, NETLINK_ROUTE);
	if (r < 0) {
		nl_socket_free(sock);
		return err_set(err, -ENOTCONN, "netlink socket: %s.", nl_geterror(r));
	}
	*ret_sock = sock;
	return 0;
}

static int open_event(struct nexthop_sock *sock, struct err *err)
{
	int bytes = EVENT_BYTES, fd, r;

	r = sock_new(&sock->event, err);
	if (r < 0)
		return r;
	fd = nl_socket_get_fd(sock->event);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	r = nl_socket_add_memberships(sock->event, RTNLGRP_LINK, RTNLGRP_NEIGH,
				      RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE,
				      RTNLGRP_IPV6_RULE, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
				      RTNLGRP_NEXTHOP, 0);
	if (r < 0)
		return err_set(err, -EPERM, "subscribe to events of routes and neighbours: %s.",
			       nl_geterror(r));
	return 0;
}

int nexthop_sock_open(struct nexthop_sock *sock, struct err *err)
{
	int on = 1, r;

	sock->buffer = malloc(MESSAGE_BYTES);
	if (!sock->buffer)
		arena_no_memory();
	r = open_event(sock, err);
	if (r == 0)
		r = sock_new(&sock->ask, err);
	if (r == 0 && setsockopt(nl_socket_get_fd(sock->ask), SOL_NETLINK, NETLINK_GET_STRICT_CHK,
				 &on, sizeof(on)) < 0)
		r = err_set(err, -errno, "strict netlink checking");
	return r;
}

void nexthop_sock_close(struct nexthop_sock *sock)
{
	nl_socket_free(sock->event);
	nl_socket_free(sock->ask);
	free(sock->buffer);
}

int nexthop_sock_fd(const struct nexthop_sock *sock)
{
	return nl_socket_get_fd(sock->event);
}

/* Return: bytes; 0: from somebody else, to be ignored; -EAGAIN; -ENOBUFS; -errno */
static int receive(struct nexthop_sock *sock, struct nl_sock *from, int flags)
{
	struct iovec iov = { .iov_base = sock->buffer, .iov_len = MESSAGE_BYTES };
	struct sockaddr_nl sender = {};
	struct msghdr msg = { .msg_name = &sender, .msg_namelen = sizeof(sender),
			      .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	do {
		n = recvmsg(nl_socket_get_fd(from), &msg, flags);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (msg.msg_flags & MSG_TRUNC)
		return -ENOBUFS;
	return sender.nl_pid ? 0 : n;
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

/* Return: false: neither IPv4 nor IPv6 */
static bool addr_read(int family, const void *bytes, unsigned int len, struct shunt_addr *ret_addr)
{
	*ret_addr = (struct shunt_addr){};
	if (family == AF_INET && len >= 4) {
		ret_addr->v4_prefix[2] = htonl(0xffff);
		memcpy(&ret_addr->v4, bytes, 4);
		return true;
	}
	if (family == AF_INET6 && len >= 16) {
		memcpy(ret_addr, bytes, 16);
		return true;
	}
	return false;
}

static bool addr_attr(int family, struct nlattr *attr, struct shunt_addr *ret_addr)
{
	return attr && addr_read(family, nla_data(attr), nla_len(attr), ret_addr);
}

/* ---- messages ---------------------------------------------------------------------------- */
static bool parse_neigh(struct nlmsghdr *msg, struct nexthop_neigh *ret_neigh)
{
	const struct ndmsg *info = nlmsg_data(msg);
	struct nlattr *tb[NDA_MAX + 1];

	if (nlmsg_parse(msg, sizeof(*info), tb, NDA_MAX, NULL) < 0 ||
	    info->ndm_flags & NTF_PROXY ||
	    !addr_attr(info->ndm_family, tb[NDA_DST], &ret_neigh->addr))
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
		return addr_attr(family, tb[RTA_GATEWAY], ret_via);
	if (!tb[RTA_VIA] || nla_len(tb[RTA_VIA]) < (int)sizeof(*via))
		return false;
	via = nla_data(tb[RTA_VIA]);
	return addr_read(via->rtvia_family, via->rtvia_addr,
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
	addr_attr(info->rtm_family, tb[RTA_PREFSRC], &ret_route->src);
}

static bool parse_prefix(struct nlmsghdr *msg, struct nexthop_event *event)
{
	const struct rtmsg *info = nlmsg_data(msg);
	struct nlattr *tb[RTA_MAX + 1];

	if (nlmsg_parse(msg, sizeof(*info), tb, RTA_MAX, NULL) < 0 || info->rtm_flags & RTM_F_CLONED)
		return false;
	if (info->rtm_family != AF_INET && info->rtm_family != AF_INET6)
		return false;
	if (!addr_attr(info->rtm_family, tb[RTA_DST], &event->prefix))
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
		n = receive(sock, sock->event, MSG_DONTWAIT);
		if (n == -EAGAIN)
			return 0;
		if (n < 0)
			return n;
		msg = (struct nlmsghdr *)sock->buffer;
		for (; nlmsg_ok(msg, n); msg = nlmsg_next(msg, &n))
			tell(msg, fn, arg);
	}
	return 0;
}

/* ---- requests ---------------------------------------------------------------------------- */
static int send_request(struct nexthop_sock *sock, struct nl_msg *msg)
{
	int r;

	nlmsg_hdr(msg)->nlmsg_seq = ++sock->seq;
	nlmsg_hdr(msg)->nlmsg_pid = nl_socket_get_local_port(sock->ask);
	r = nl_send(sock->ask, msg);
	nlmsg_free(msg);
	return r < 0 ? -EIO : 0;
}

static int message_error(struct nlmsghdr *msg)
{
	int code = 0;

	if (nlmsg_datalen(msg) >= (int)sizeof(code))
		memcpy(&code, nlmsg_data(msg), sizeof(code));
	return code > 0 ? -EPROTO : code;
}

/* Up to its acknowledgement. Return: 0; -errno: of the socket, or what the kernel answered */
static int take_answer(struct nexthop_sock *sock,
		       void (*fn)(struct nlmsghdr *msg, void *arg), void *arg)
{
	struct nlmsghdr *msg;
	int n;

	for (;;) {
		n = receive(sock, sock->ask, 0);
		if (n < 0)
			return n;
		msg = (struct nlmsghdr *)sock->buffer;
		for (; nlmsg_ok(msg, n); msg = nlmsg_next(msg, &n)) {
			if (msg->nlmsg_seq != sock->seq)
				continue;
			if (msg->nlmsg_type == NLMSG_ERROR || msg->nlmsg_type == NLMSG_DONE)
				return message_error(msg);
			fn(msg, arg);
		}
	}
}

static struct nl_msg *request(int type, int flags, const void *head, size_t len)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);

	if (!msg || nlmsg_append(msg, (void *)head, len, NLMSG_ALIGNTO) < 0)
		arena_no_memory();
	return msg;
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

static void take_link(struct nlmsghdr *msg, void *arg)
{
	struct links_arg *to = arg;

	tell(msg, to->fn, to->arg);
}

int nexthop_ask_links(struct nexthop_sock *sock,
		      void (*fn)(const struct nexthop_event *event, void *arg), void *arg)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct links_arg to = { fn, arg };
	struct nl_msg *msg = request(RTM_GETLINK, NLM_F_DUMP, &info, sizeof(info));
	int r;

	if (nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) < 0)
		arena_no_memory();
	r = send_request(sock, msg);
	return r < 0 ? r : take_answer(sock, take_link, &to);
}

static void take_route(struct nlmsghdr *msg, void *arg)
{
	if (msg->nlmsg_type == RTM_NEWROUTE)
		parse_route(msg, arg);
}

int nexthop_ask_route(struct nexthop_sock *sock, const struct shunt_addr *addr,
		      struct nexthop_route *ret_route)
{
	struct rtmsg info = {
		.rtm_family = nexthop_is_4(addr) ? AF_INET : AF_INET6,
		.rtm_dst_len = addr_len(addr) * 8,
	};
	struct nl_msg *msg = request(RTM_GETROUTE, NLM_F_ACK, &info, sizeof(info));
	int r;

	memset(ret_route, 0, sizeof(*ret_route));	/* holes too: routes are compared as bytes */
	ret_route->via = *addr;
	put_addr(msg, RTA_DST, addr);
	r = send_request(sock, msg);
	if (r < 0)
		return r;
	r = take_answer(sock, take_route, ret_route);
	return r == -EIO || r == -ENOBUFS || r == -EPROTO ? r : 0;
}

static void take_neigh(struct nlmsghdr *msg, void *arg)
{
	struct nexthop_neigh *neigh = arg, found;

	if (msg->nlmsg_type == RTM_NEWNEIGH && parse_neigh(msg, &found))
		*neigh = found;
}

static struct nl_msg *neigh_request(int type, int flags, const struct nexthop_neigh *neigh,
				    unsigned int neigh_flags)
{
	struct ndmsg info = {
		.ndm_family = nexthop_is_4(&neigh->addr) ? AF_INET : AF_INET6,
		.ndm_ifindex = neigh->ifindex,
		.ndm_flags = neigh_flags,
	};
	struct nl_msg *msg = request(type, flags, &info, sizeof(info));

	put_addr(msg, NDA_DST, &neigh->addr);
	return msg;
}

int nexthop_ask_neigh(struct nexthop_sock *sock, struct nexthop_neigh *neigh)
{
	int r;

	neigh->valid = false;
	r = send_request(sock, neigh_request(RTM_GETNEIGH, NLM_F_ACK, neigh, 0));
	if (r < 0)
		return r;
	r = take_answer(sock, take_neigh, neigh);
	return r == -ENOENT || r == -ENODEV ? 0 : r;
}

static void take_nothing(struct nlmsghdr *msg, void *arg)
{
}

int nexthop_use_neigh(struct nexthop_sock *sock, const struct nexthop_neigh *neigh)
{
	int r;

	r = send_request(sock, neigh_request(RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE,
					     neigh, NTF_USE));
	return r < 0 ? r : take_answer(sock, take_nothing, NULL);
}
