/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* netconf.h - the kernel's switches of each interface and family, as far as forwarding asks them */
#ifndef MIRROR_NETCONF_H
#define MIRROR_NETCONF_H

#include <mirror/hash.h>

/* Without holes. 'all' and 'default' are entries as well */
struct netconf {
	int32_t ifindex;		/* NETCONFA_IFINDEX_ALL, NETCONFA_IFINDEX_DEFAULT */
	uint32_t family;		/* AF_INET, AF_INET6; what is above is the key */
	uint8_t forwarding;
	uint8_t rp_filter;		/* IPv4: 0 none, 1 strict, 2 loose; in force is the highest of it and 'all' */
	uint8_t mc_forwarding;
	uint8_t ignore_linkdown;	/* routes without a carrier do not count */
};

#define NETCONF_TABLE HASH(struct netconf, forwarding)

#endif
