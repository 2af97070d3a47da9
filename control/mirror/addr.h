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
};

struct addr_table {
	struct addr *addr;		/* by ifindex, address, prefix length, ascending */
	unsigned int n, size;
};

void addr_table_fini(struct addr_table *table);
/* An address is told from others by ifindex, address and prefix length. Return: false: nothing is different now */
bool addr_set(struct addr_table *table, const struct addr *addr);
bool addr_del(struct addr_table *table, const struct addr *addr);
bool addr_del_link(struct addr_table *table, uint32_t ifindex);	/* all of an interface */

#endif
