// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* netlink_apply.c - rtnetlink messages into the mirror; of addresses, neighbours and netconf here */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#include <kernel/netlink_apply.h>
#include <kernel/netlink_attr.h>
#include <kernel/netlink_bridge.h>
#include <kernel/netlink_link.h>
#include <kernel/netlink_route.h>

#define NUD_FOUND	(NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE)

/* ---- addresses --------------------------------------------------------------------------- */
static struct nla_policy addr_policy[IFA_MAX + 1] = {
	[IFA_FLAGS]		= { .type = NLA_U32 },
};

/* IFA_LOCAL is the interface's own address where there is a peer's; IPv6 has IFA_ADDRESS alone then */
static int parse_addr(struct nlmsghdr *msg, struct addr *ret_addr)
{
	const struct ifaddrmsg *info = nlmsg_data(msg);
	struct nlattr *tb[IFA_MAX + 1], *own;

	if (nlmsg_parse(msg, sizeof(*info), tb, IFA_MAX, addr_policy) < 0)
		return -EBADMSG;
	own = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS];
	memset(ret_addr, 0, sizeof(*ret_addr));
	ret_addr->ifindex = info->ifa_index;
	ret_addr->family = info->ifa_family;
	ret_addr->prefix_len = info->ifa_prefixlen;
	ret_addr->scope = info->ifa_scope;
	ret_addr->flags = tb[IFA_FLAGS] ? attr_u32(tb[IFA_FLAGS]) : info->ifa_flags;
	return attr_addr_any(own, &ret_addr->addr) == info->ifa_family ? 0 : -EBADMSG;
}

/* Not in use yet, or never: the kernel tells of one when it is sure that nobody else has it */
static bool is_tentative(const struct addr *addr)
{
	return addr->flags & IFA_F_TENTATIVE && !(addr->flags & IFA_F_OPTIMISTIC);
}

static int apply_addr(struct mirror *mirror, struct nlmsghdr *msg)
{
	const struct ifaddrmsg *info = nlmsg_data(msg);
	struct addr addr;
	int r;

	if (nlmsg_datalen(msg) < (int)sizeof(*info))
		return -EBADMSG;
	if (info->ifa_family != AF_INET && info->ifa_family != AF_INET6)
		return 0;
	r = parse_addr(msg, &addr);
	if (r < 0)
		return r;
	if (msg->nlmsg_type == RTM_DELADDR || is_tentative(&addr))
		mirror_del_addr(mirror, &addr);
	else
		mirror_set_addr(mirror, &addr);
	return 0;
}

/* ---- neighbours -------------------------------------------------------------------------- */
static struct nla_policy neigh_policy[NDA_MAX + 1] = {
	[NDA_PROTOCOL]	= { .type = NLA_U8 },
};

/* 0: it is none. The kernel makes its own NOARP entries without a word; of others it says who did */
static uint8_t neigh_state(const struct ndmsg *head, struct nlattr *tb[])
{
	if (head->ndm_state & NUD_PERMANENT)
		return NUD_PERMANENT;
	if (head->ndm_state & NUD_NOARP)
		return head->ndm_flags & NTF_EXT_LEARNED || attr_u8(tb[NDA_PROTOCOL]) ?
		       NUD_NOARP : 0;
	return head->ndm_state & NUD_FOUND ? NUD_REACHABLE : 0;
}

static int apply_neigh(struct mirror *mirror, struct nlmsghdr *msg)
{
	const struct ndmsg *head = nlmsg_data(msg);
	struct nlattr *tb[NDA_MAX + 1];
	struct neigh neigh;

	if (nlmsg_parse(msg, sizeof(*head), tb, NDA_MAX, neigh_policy) < 0)
		return -EBADMSG;
	if (head->ndm_flags & NTF_PROXY)
		return 0;
	memset(&neigh, 0, sizeof(neigh));
	if (!attr_addr(head->ndm_family, tb[NDA_DST], &neigh.addr))
		return -EBADMSG;
	neigh.ifindex = head->ndm_ifindex;
	neigh.family = head->ndm_family;
	neigh.flags = head->ndm_flags & (NTF_ROUTER | NTF_EXT_LEARNED);
	neigh.state = neigh_state(head, tb);
	if (msg->nlmsg_type == RTM_DELNEIGH || !neigh.state ||
	    !attr_mac(tb[NDA_LLADDR], neigh.mac))
		hash_del(&mirror->neighs, &neigh);
	else
		hash_set(&mirror->neighs, &neigh);
	return 0;
}

/* ---- netconf ----------------------------------------------------------------------------- */
static struct nla_policy netconf_policy[NETCONFA_MAX + 1] = {
	[NETCONFA_IFINDEX]			= { .type = NLA_U32 },
	[NETCONFA_FORWARDING]			= { .type = NLA_U32 },
	[NETCONFA_RP_FILTER]			= { .type = NLA_U32 },
	[NETCONFA_MC_FORWARDING]		= { .type = NLA_U32 },
	[NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN]	= { .type = NLA_U32 },
};

static void set_switch(struct nlattr *attr, uint8_t *value)
{
	if (attr)
		*value = nla_get_u32(attr);
}

/* An event has what changed alone */
static int apply_netconf(struct mirror *mirror, struct nlmsghdr *msg)
{
	const struct netconfmsg *head = nlmsg_data(msg);
	struct nlattr *tb[NETCONFA_MAX + 1];
	const struct netconf *old;
	struct netconf netconf;

	if (nlmsg_parse(msg, sizeof(*head), tb, NETCONFA_MAX, netconf_policy) < 0)
		return -EBADMSG;
	if (head->ncm_family != AF_INET && head->ncm_family != AF_INET6)
		return 0;
	if (!tb[NETCONFA_IFINDEX])
		return -EBADMSG;
	memset(&netconf, 0, sizeof(netconf));
	netconf.ifindex = attr_u32(tb[NETCONFA_IFINDEX]);
	netconf.family = head->ncm_family;
	if (msg->nlmsg_type == RTM_DELNETCONF) {
		hash_del(&mirror->netconfs, &netconf);
		return 0;
	}
	old = hash_find(&mirror->netconfs, &netconf);
	if (old)
		netconf = *old;
	set_switch(tb[NETCONFA_FORWARDING], &netconf.forwarding);
	set_switch(tb[NETCONFA_RP_FILTER], &netconf.rp_filter);
	set_switch(tb[NETCONFA_MC_FORWARDING], &netconf.mc_forwarding);
	set_switch(tb[NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN], &netconf.ignore_linkdown);
	hash_set(&mirror->netconfs, &netconf);
	return 0;
}

/* ---- messages ---------------------------------------------------------------------------- */
static const struct message {
	uint16_t first, last;		/* types */
	enum mirror_class class;
	int (*apply)(struct mirror *mirror, struct nlmsghdr *msg);
} messages[] = {
	{ RTM_NEWLINK, RTM_DELLINK, MIRROR_LINK, netlink_link_apply },
	{ RTM_NEWADDR, RTM_DELADDR, MIRROR_ADDR, apply_addr },
	{ RTM_NEWNETCONF, RTM_DELNETCONF, MIRROR_NETCONF, apply_netconf },
	{ RTM_NEWNEIGH, RTM_DELNEIGH, MIRROR_NEIGH, apply_neigh },	/* or FDB */
	{ RTM_NEWVLAN, RTM_DELVLAN, MIRROR_VLAN, netlink_vlan_apply },
	{ RTM_NEWMDB, RTM_DELMDB, MIRROR_MDB, netlink_mdb_apply },
	{ RTM_GETMDB, RTM_GETMDB, MIRROR_MDB, netlink_mdb_apply },	/* so a dump calls its own */
	{ RTM_NEWRULE, RTM_DELRULE, MIRROR_RULE, netlink_rule_apply },
	{ RTM_NEWNEXTHOP, RTM_DELNEXTHOP, MIRROR_NEXTHOP, netlink_nexthop_apply },
	{ RTM_NEWNEXTHOPBUCKET, RTM_DELNEXTHOPBUCKET, MIRROR_NEXTHOP, netlink_bucket_apply },
	{ RTM_NEWROUTE, RTM_DELROUTE, MIRROR_ROUTE, netlink_route_apply },
};

static const struct message *find(const struct nlmsghdr *msg)
{
	for (unsigned int i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		if (msg->nlmsg_type == messages[i].first || msg->nlmsg_type == messages[i].last)
			return &messages[i];
	return NULL;
}

/* The first byte of every message behind its head is the family */
static int family(struct nlmsghdr *msg)
{
	return nlmsg_datalen(msg) > 0 ? *(const uint8_t *)nlmsg_data(msg) : AF_UNSPEC;
}

enum mirror_class netlink_class(struct nlmsghdr *msg)
{
	const struct message *message = find(msg);

	if (!message)
		return MIRROR_CLASS_MAX;
	if (message->class != MIRROR_NEIGH)
		return message->class;
	switch (family(msg)) {
	case AF_BRIDGE:
		return MIRROR_FDB;
	case AF_INET:
	case AF_INET6:
		return MIRROR_NEIGH;
	default:
		return MIRROR_CLASS_MAX;
	}
}

int netlink_apply(struct mirror *mirror, struct nlmsghdr *msg)
{
	const struct message *message = find(msg);

	switch (netlink_class(msg)) {
	case MIRROR_CLASS_MAX:
		return 0;
	case MIRROR_FDB:
		return netlink_fdb_apply(mirror, msg);
	default:
		return message->apply(mirror, msg);
	}
}
