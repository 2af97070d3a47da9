/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* nat.h - translations: what the control plane and module 'nat' agree on */
#ifndef SHUNT_LIB_NAT_H
#define SHUNT_LIB_NAT_H

#include <shunt/packet.h>

#define NAT_RULES	4096		/* of all graphs */
#define NAT_LINKS	1024		/* interfaces with addresses */
#define NAT_TRIES	32		/* ports that a new flow tries besides its own */

enum nat_kind {
	NAT_NONE,
	NAT_RANGE,	/* an address from 'first' to 'last' */
	NAT_PREFIX,	/* prefix 'first' of 'len' bits, the rest stays; IPv6: RFC 6296 */
	NAT_MASQUERADE,	/* that of the interface which the packet leaves by: table 'nat_addrs' */
};

#define NAT_PERSISTENT	0x1		/* flags: a source gets the same address, wherever to */
#define NAT_PORTS	0x2		/* ports from port_first to port_last */

/* Table 'nat_rules', by number - 1: that which shunt_packet.snat and dnat have */
struct nat_rule {
	__u8	kind;
	__u8	l3;			/* 4, 6; MASQUERADE: 0 */
	__u8	flags;
	__u8	len;
	__u16	port_first, port_last;	/* host order */
	struct shunt_addr first, last;	/* less than 2^32 apart */
};

/* Table 'nat_addrs', by ifindex. All zero: it has none of that family */
struct nat_addrs {
	struct shunt_addr addr4, addr6;
};

_Static_assert(sizeof(struct nat_rule) == 40, "ABI");
_Static_assert(sizeof(struct nat_addrs) == 32, "ABI");

#endif
