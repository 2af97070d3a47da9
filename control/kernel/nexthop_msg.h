/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* nexthop_msg.h - rtnetlink as nexthop.c talks it: requests, answers, events */
#ifndef KERNEL_NEXTHOP_MSG_H
#define KERNEL_NEXTHOP_MSG_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/netlink.h>

#include <base/err.h>
#include <kernel/netlink_sock.h>
#include <shunt/packet.h>

struct nexthop_sock {
	struct netlink_sock event, ask;
};

enum nexthop_route_kind {
	NEXTHOP_ROUTE_NONE,		/* no route, or one that refuses */
	NEXTHOP_ROUTE_LOCAL,		/* an address of this machine */
	NEXTHOP_ROUTE_TUNNEL,		/* the kernel encapsulates, or MPLS */
	NEXTHOP_ROUTE_LINK,		/* 'via' is on the link of 'ifindex' */
};

struct nexthop_route {
	enum nexthop_route_kind kind;
	uint32_t ifindex;
	uint32_t mtu;			/* of the route; 0: the link's */
	struct shunt_addr via;		/* gateway, or the address itself; IPv4 as ::ffff:a.b.c.d */
	struct shunt_addr src;		/* that the kernel would send from; zero: none */
};

struct nexthop_neigh {
	uint32_t ifindex;
	struct shunt_addr addr;
	uint8_t mac[6];
	bool valid;			/* the kernel would send there now */
};

/* What an event says */
enum nexthop_what {
	NEXTHOP_EVENT_NONE,
	NEXTHOP_EVENT_LINK,		/* the message is for netlink_link_update() */
	NEXTHOP_EVENT_NEIGH,
	NEXTHOP_EVENT_ROUTE,		/* of one prefix */
	NEXTHOP_EVENT_ROUTES,		/* of any: rules, next hop objects, addresses */
};

struct nexthop_event {
	enum nexthop_what what;
	struct nlmsghdr *msg;
	struct nexthop_neigh neigh;
	struct shunt_addr prefix;
	unsigned int prefix_len;	/* bits; IPv4: 96 + its own */
};

int nexthop_sock_open(struct nexthop_sock *sock, struct err *err);
void nexthop_sock_close(struct nexthop_sock *sock);
int nexthop_sock_fd(const struct nexthop_sock *sock);

/*
 * Events that are there. Return: 0; -ENOBUFS: some were lost, after what there was went to @fn; -errno
 */
int nexthop_sock_events(struct nexthop_sock *sock,
			void (*fn)(const struct nexthop_event *event, void *arg), void *arg);

/* All links, each to @fn as an event. Return: 0 or -errno */
int nexthop_ask_links(struct nexthop_sock *sock,
		      void (*fn)(const struct nexthop_event *event, void *arg), void *arg);
/* Return: 0; -errno: of the socket; that there is no route is an answer */
int nexthop_ask_route(struct nexthop_sock *sock, const struct shunt_addr *addr,
		      struct nexthop_route *ret_route);
/* @neigh: has ifindex and addr; not there: not valid. Return: 0 or -errno */
int nexthop_ask_neigh(struct nexthop_sock *sock, struct nexthop_neigh *neigh);
/* As if the kernel had a packet for it: made and looked for, or looked at again. Return: 0 or -errno */
int nexthop_use_neigh(struct nexthop_sock *sock, const struct nexthop_neigh *neigh);

static inline bool nexthop_is_4(const struct shunt_addr *addr)
{
	return !addr->v4_prefix[0] && !addr->v4_prefix[1] &&
	       addr->v4_prefix[2] == __builtin_bswap32(0xffff);
}

#endif
