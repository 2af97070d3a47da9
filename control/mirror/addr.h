/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* addr.h - the interfaces' IP addresses as a value; kernel/netlink fills it */
#ifndef MIRROR_ADDR_H
#define MIRROR_ADDR_H

#include <stdbool.h>
#include <stdint.h>

#include <shunt/packet.h>

/* Holes are zero: addresses are compared as bytes, in the order of the members */
struct addr {
	uint32_t ifindex;
	struct shunt_addr addr;		/* the interface's own; IPv4 as ::ffff:a.b.c.d */
	uint8_t family;			/* AF_INET, AF_INET6 */
	uint8_t prefix_len;		/* bits, of the family */
	uint8_t scope;			/* RT_SCOPE_* */
	uint8_t pad;
	uint32_t flags;			/* IFA_F_* */
	int32_t order;			/* by addr_set(): the kernel's, among those of one rank */
};

struct addr_table {
	struct addr *addr;		/* by ifindex, address, prefix length, ascending */
	unsigned int n, size;
	int32_t first, last;		/* orders that were given out */
	bool dumping;			/* addresses come in the kernel's order */
};

void addr_table_fini(struct addr_table *table);
/*
 * Of one rank are addresses of one interface, family and scope, the secondary ones for themselves.
 * An address is told from others by ifindex, address and prefix length. One that is new gets its order: the
 * kernel appends IPv4 ones, also when a secondary one is promoted, and puts IPv6 ones ahead of the others.
 * Return: false: nothing is different now
 */
bool addr_set(struct addr_table *table, const struct addr *addr);
bool addr_del(struct addr_table *table, const struct addr *addr);
/* The same addresses, in the same order; which numbers say so is of no account */
bool addr_table_equal(const struct addr_table *a, const struct addr_table *b);
bool addr_del_link(struct addr_table *table, uint32_t ifindex);	/* all of an interface */

#endif
