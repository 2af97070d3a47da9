/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* link.h - the kernel's interfaces as a value; kernel/netlink fills it */
#ifndef MIRROR_LINK_H
#define MIRROR_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include <net/if.h>

struct link {
	uint32_t ifindex;
	char name[IFNAMSIZ];
	char kind[16];			/* "veth", "bridge", ...; "": none */
	uint8_t mac[6];
	uint32_t mtu;			/* bytes */
	uint32_t flags;			/* IFF_* */
	uint32_t master;		/* ifindex or 0 */
	uint32_t peer;			/* veth's other end, or lower device (IFLA_LINK); 0: none */
	int32_t peer_netns;		/* where the other end is (IFLA_LINK_NETNSID); -1: here */
	uint32_t rx_queues, tx_queues;
	uint32_t xdp_prog;		/* id of an attached XDP program; 0: none */
	uint8_t xdp_mode;		/* XDP_ATTACHED_* of if_link.h */
	uint8_t operstate;		/* IF_OPER_* */
	uint16_t vlan, vlan_protocol;	/* of kind "vlan": its id, ETH_P_*; else 0 */
};

struct link_table {
	struct link *link;		/* by ifindex, ascending */
	unsigned int n, size;
};

void link_table_fini(struct link_table *table);
const struct link *link_find(const struct link_table *table, uint32_t ifindex);
const struct link *link_find_name(const struct link_table *table, const char *name);
void link_set(struct link_table *table, const struct link *link);	/* add or replace */
bool link_del(struct link_table *table, uint32_t ifindex);		/* false: was not there */

#endif
