// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* netlink_apply.c - rtnetlink messages into the mirror */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <kernel/netlink_apply.h>

static struct nla_policy link_policy[IFLA_MAX + 1] = {
	[IFLA_IFNAME]		= { .type = NLA_STRING, .maxlen = IFNAMSIZ },
	[IFLA_MTU]		= { .type = NLA_U32 },
	[IFLA_MASTER]		= { .type = NLA_U32 },
	[IFLA_LINK]		= { .type = NLA_U32 },
	[IFLA_LINK_NETNSID]	= { .type = NLA_U32 },
	[IFLA_NUM_RX_QUEUES]	= { .type = NLA_U32 },
	[IFLA_NUM_TX_QUEUES]	= { .type = NLA_U32 },
	[IFLA_LINKINFO]		= { .type = NLA_NESTED },
	[IFLA_XDP]		= { .type = NLA_NESTED },
};

static struct nla_policy xdp_policy[IFLA_XDP_MAX + 1] = {
	[IFLA_XDP_ATTACHED]	= { .type = NLA_U8 },
	[IFLA_XDP_PROG_ID]	= { .type = NLA_U32 },
	[IFLA_XDP_DRV_PROG_ID]	= { .type = NLA_U32 },
	[IFLA_XDP_SKB_PROG_ID]	= { .type = NLA_U32 },
	[IFLA_XDP_HW_PROG_ID]	= { .type = NLA_U32 },
};

static struct nla_policy info_policy[IFLA_INFO_MAX + 1] = {
	[IFLA_INFO_KIND]	= { .type = NLA_STRING },
};

static uint32_t get_u32(struct nlattr *attr)
{
	return attr ? nla_get_u32(attr) : 0;
}

static int parse_xdp(struct nlattr *attr, struct link *link)
{
	static const int by_mode[] = { IFLA_XDP_PROG_ID, IFLA_XDP_DRV_PROG_ID,
				       IFLA_XDP_SKB_PROG_ID, IFLA_XDP_HW_PROG_ID };
	struct nlattr *tb[IFLA_XDP_MAX + 1];

	if (!attr)
		return 0;
	if (nla_parse_nested(tb, IFLA_XDP_MAX, attr, xdp_policy) < 0)
		return -EBADMSG;
	if (tb[IFLA_XDP_ATTACHED])
		link->xdp_mode = nla_get_u8(tb[IFLA_XDP_ATTACHED]);
	for (unsigned int i = 0; i < sizeof(by_mode) / sizeof(by_mode[0]); i++)
		if (!link->xdp_prog)
			link->xdp_prog = get_u32(tb[by_mode[i]]);
	return 0;
}

static int parse_kind(struct nlattr *attr, struct link *link)
{
	struct nlattr *tb[IFLA_INFO_MAX + 1];

	if (!attr)
		return 0;
	if (nla_parse_nested(tb, IFLA_INFO_MAX, attr, info_policy) < 0)
		return -EBADMSG;
	if (tb[IFLA_INFO_KIND])
		nla_strlcpy(link->kind, tb[IFLA_INFO_KIND], sizeof(link->kind));
	return 0;
}

/* All of @ret_link is written, holes included: links are compared as bytes */
static int parse_link(struct nlmsghdr *msg, struct link *ret_link)
{
	const struct ifinfomsg *info = nlmsg_data(msg);
	struct nlattr *tb[IFLA_MAX + 1];

	if (nlmsg_parse(msg, sizeof(*info), tb, IFLA_MAX, link_policy) < 0)
		return -EBADMSG;
	memset(ret_link, 0, sizeof(*ret_link));
	ret_link->ifindex = info->ifi_index;
	ret_link->flags = info->ifi_flags;
	if (tb[IFLA_IFNAME])
		nla_strlcpy(ret_link->name, tb[IFLA_IFNAME], sizeof(ret_link->name));
	if (tb[IFLA_ADDRESS] && nla_len(tb[IFLA_ADDRESS]) == sizeof(ret_link->mac))
		memcpy(ret_link->mac, nla_data(tb[IFLA_ADDRESS]), sizeof(ret_link->mac));
	ret_link->mtu = get_u32(tb[IFLA_MTU]);
	ret_link->master = get_u32(tb[IFLA_MASTER]);
	ret_link->peer = get_u32(tb[IFLA_LINK]);
	ret_link->peer_netns = tb[IFLA_LINK_NETNSID] ? (int32_t)get_u32(tb[IFLA_LINK_NETNSID]) : -1;
	ret_link->rx_queues = get_u32(tb[IFLA_NUM_RX_QUEUES]);
	ret_link->tx_queues = get_u32(tb[IFLA_NUM_TX_QUEUES]);
	if (parse_kind(tb[IFLA_LINKINFO], ret_link) < 0 || parse_xdp(tb[IFLA_XDP], ret_link) < 0)
		return -EBADMSG;
	return 0;
}

/*
 * A bridge tells of its ports in the same group, family AF_BRIDGE: its "deleted
 * link" is a port that left, not a link that is gone.
 */
static int apply_link(struct mirror *mirror, struct nlmsghdr *msg, bool *ret_changed)
{
	const struct ifinfomsg *info = nlmsg_data(msg);
	const struct link *old;
	struct link link;
	int r;

	if (nlmsg_datalen(msg) < (int)sizeof(*info))
		return -EBADMSG;
	if (info->ifi_family != AF_UNSPEC)
		return 0;
	if (msg->nlmsg_type == RTM_DELLINK) {
		*ret_changed |= link_del(&mirror->links, info->ifi_index);
		*ret_changed |= addr_del_link(&mirror->addrs, info->ifi_index);
		return 0;
	}
	r = parse_link(msg, &link);
	if (r < 0)
		return r;
	old = link_find(&mirror->links, link.ifindex);
	if (old && !memcmp(old, &link, sizeof(link)))
		return 0;
	link_set(&mirror->links, &link);
	*ret_changed = true;
	return 0;
}

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
	ret_addr->flags = tb[IFA_FLAGS] ? nla_get_u32(tb[IFA_FLAGS]) : info->ifa_flags;
	if (own && info->ifa_family == AF_INET && nla_len(own) == 4) {
		ret_addr->addr.v4_prefix[2] = htonl(0xffff);
		memcpy(&ret_addr->addr.v4, nla_data(own), 4);
	} else if (own && info->ifa_family == AF_INET6 && nla_len(own) == 16) {
		memcpy(&ret_addr->addr, nla_data(own), 16);
	} else {
		return -EBADMSG;
	}
	return 0;
}

static int apply_addr(struct mirror *mirror, struct nlmsghdr *msg, bool *ret_changed)
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
	*ret_changed |= msg->nlmsg_type == RTM_DELADDR ? addr_del(&mirror->addrs, &addr) :
							 addr_set(&mirror->addrs, &addr);
	return 0;
}

int netlink_apply(struct mirror *mirror, struct nlmsghdr *msg, bool *ret_changed)
{
	switch (msg->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return apply_link(mirror, msg, ret_changed);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return apply_addr(mirror, msg, ret_changed);
	default:
		return 0;
	}
}
