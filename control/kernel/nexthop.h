/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * nexthop.h - the way to each of many addresses, as the kernel's routes and neighbours have it
 *
 * DOC: The kernel is asked for each address' route and for the neighbour that it leads to; events
 * say whose answer may be another by now. Neighbours that are in use are kept fresh as a
 * packet of the kernel's own would: packets that a program sends are not seen by it.
 */
#ifndef KERNEL_NEXTHOP_H
#define KERNEL_NEXTHOP_H

#include <stdbool.h>
#include <stdint.h>

#include <base/err.h>
#include <shunt/packet.h>

/* X(identifier, name, help) */
#define NEXTHOP_STATES(X)						\
	X(READY, "ready", "interface and MAC addresses are known")	\
	X(NO_ROUTE, "no_route", "no route leads there")			\
	X(NO_NEIGH, "no_neigh", "the next hop does not answer")		\
	X(LINK, "link", "its interface is not one that programs can send by") \
	X(LOCAL, "local", "it is an address of this machine")		\
	X(TUNNEL, "tunnel", "the kernel encapsulates what goes there")
#define NEXTHOP_STATE_ENUM(id, name, help) NEXTHOP_##id,
enum nexthop_state { NEXTHOP_STATES(NEXTHOP_STATE_ENUM) NEXTHOP_STATE_MAX };

struct nexthop_way {
	enum nexthop_state state;
	uint32_t ifindex;		/* 0: none; all below only where READY, but src */
	uint16_t vlan;			/* frames get a tag of this VLAN, and go by the device below; 0: none */
	uint32_t mtu;			/* bytes, from the IP header on */
	uint8_t dmac[6], smac[6];
	struct shunt_addr src;		/* that the kernel would send from; zero: none */
};

struct nexthops;

/* In the namespace of the caller. Return: 0 or -errno */
int nexthop_new(struct nexthops **ret_nexthops, struct err *err);
void nexthop_free(struct nexthops *nexthops);

int nexthop_fd(const struct nexthops *nexthops);	/* becomes readable: nexthop_process() */

/* The addresses that matter, IPv4 as ::ffff:a.b.c.d, in any order; of those that stay all is known already */
void nexthop_want(struct nexthops *nexthops, const struct shunt_addr *addr, unsigned int n);

/**
 * nexthop_process() - Take in events; never blocks
 * @ret_changed: some way may be another
 * Return: 0; -errno: what was lost is made up for by nexthop_work()
 */
int nexthop_process(struct nexthops *nexthops, bool *ret_changed);

/**
 * nexthop_work() - Ask again for ways that are in doubt, some hundreds at most
 * Return: whether there are more
 */
bool nexthop_work(struct nexthops *nexthops, bool *ret_changed);

/* Once a second: keep neighbours fresh, and have an eye on routes that changed without an event */
void nexthop_tick(struct nexthops *nexthops);

/* Return: false: it is not wanted, and nothing is known */
bool nexthop_find(const struct nexthops *nexthops, const struct shunt_addr *addr,
		  struct nexthop_way *ret_way);

const char *nexthop_state_name(enum nexthop_state state);

#endif
