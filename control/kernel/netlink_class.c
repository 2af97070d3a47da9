// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* netlink_class.c - how each class of the mirror is asked for, and where its events come */
#include <sys/socket.h>

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/neighbour.h>
#include <linux/netconf.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>

#include <kernel/netlink_class.h>

const struct netlink_class netlink_classes[MIRROR_CLASS_MAX] = {
	[MIRROR_LINK] = { { { RTM_GETLINK, sizeof(struct ifinfomsg), AF_UNSPEC } },
			  { RTNLGRP_LINK } },
	[MIRROR_ADDR] = { { { RTM_GETADDR, sizeof(struct ifaddrmsg), AF_UNSPEC } },
			  { RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR } },
	[MIRROR_NETCONF] = { { { RTM_GETNETCONF, sizeof(struct netconfmsg), AF_INET },
			       { RTM_GETNETCONF, sizeof(struct netconfmsg), AF_INET6 } },
			     { RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF } },
	[MIRROR_NEIGH] = { { { RTM_GETNEIGH, sizeof(struct ndmsg), AF_INET },
			     { RTM_GETNEIGH, sizeof(struct ndmsg), AF_INET6 } },
			   { RTNLGRP_NEIGH } },
	[MIRROR_FDB] = { { { RTM_GETNEIGH, sizeof(struct ndmsg), AF_BRIDGE } },
			 { RTNLGRP_NEIGH } },
	[MIRROR_VLAN] = { { { RTM_GETVLAN, sizeof(struct br_vlan_msg), AF_BRIDGE } },
			  { RTNLGRP_BRVLAN } },
	[MIRROR_MDB] = { { { RTM_GETMDB, sizeof(struct br_port_msg), AF_BRIDGE } },
			 { RTNLGRP_MDB } },
	[MIRROR_RULE] = { { { RTM_GETRULE, sizeof(struct fib_rule_hdr), AF_INET },
			    { RTM_GETRULE, sizeof(struct fib_rule_hdr), AF_INET6 } },
			  { RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE } },
	[MIRROR_NEXTHOP] = { { { RTM_GETNEXTHOP, sizeof(struct nhmsg), AF_UNSPEC },
			       { RTM_GETNEXTHOPBUCKET, sizeof(struct nhmsg), AF_UNSPEC } },
			     { RTNLGRP_NEXTHOP } },
	[MIRROR_ROUTE] = { { { RTM_GETROUTE, sizeof(struct rtmsg), AF_INET },
			     { RTM_GETROUTE, sizeof(struct rtmsg), AF_INET6 } },
			   { RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE } },
};
