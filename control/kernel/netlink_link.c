// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* netlink_link.c - messages of links: the interface, its kind, what it is as a member of another */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#include <kernel/netlink_attr.h>
#include <kernel/netlink_link.h>
#include <mirror/mirror.h>

static struct nla_policy link_policy[IFLA_MAX + 1] = {
	[IFLA_IFNAME]		= { .type = NLA_STRING, .maxlen = IFNAMSIZ },
	[IFLA_MTU]		= { .type = NLA_U32 },
	[IFLA_MASTER]		= { .type = NLA_U32 },
	[IFLA_LINK]		= { .type = NLA_U32 },
	[IFLA_LINK_NETNSID]	= { .type = NLA_U32 },
	[IFLA_NUM_RX_QUEUES]	= { .type = NLA_U32 },
	[IFLA_NUM_TX_QUEUES]	= { .type = NLA_U32 },
	[IFLA_OPERSTATE]	= { .type = NLA_U8 },
	[IFLA_LINKINFO]		= { .type = NLA_NESTED },
	[IFLA_XDP]		= { .type = NLA_NESTED },
	[IFLA_PROTINFO]		= { .type = NLA_NESTED },
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
	[IFLA_INFO_DATA]	= { .type = NLA_NESTED },
	[IFLA_INFO_SLAVE_KIND]	= { .type = NLA_STRING },
	[IFLA_INFO_SLAVE_DATA]	= { .type = NLA_NESTED },
};

static struct nla_policy vlan_policy[IFLA_VLAN_MAX + 1] = {
	[IFLA_VLAN_ID]		= { .type = NLA_U16 },
	[IFLA_VLAN_PROTOCOL]	= { .type = NLA_U16 },
};

/* ---- the interface ----------------------------------------------------------------------- */
static int parse_tag(struct nlattr *data, struct link *link)
{
	struct nlattr *tb[IFLA_VLAN_MAX + 1];

	if (nla_parse_nested(tb, IFLA_VLAN_MAX, data, vlan_policy) < 0)
		return -EBADMSG;
	link->vlan = attr_u16(tb[IFLA_VLAN_ID]);
	link->vlan_protocol = ntohs(attr_u16(tb[IFLA_VLAN_PROTOCOL]));
	return 0;
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
	link->xdp_mode = attr_u8(tb[IFLA_XDP_ATTACHED]);
	for (unsigned int i = 0; i < sizeof(by_mode) / sizeof(by_mode[0]); i++)
		if (!link->xdp_prog)
			link->xdp_prog = attr_u32(tb[by_mode[i]]);
	return 0;
}

/* All of @ret_link is written, holes included: links are compared as bytes. @info: of IFLA_LINKINFO */
static int parse_link(struct nlmsghdr *msg, struct link *ret_link, struct nlattr *tb[],
		      struct nlattr *info[])
{
	const struct ifinfomsg *head = nlmsg_data(msg);

	if (nlmsg_parse(msg, sizeof(*head), tb, IFLA_MAX, link_policy) < 0)
		return -EBADMSG;
	memset(info, 0, (IFLA_INFO_MAX + 1) * sizeof(*info));
	if (tb[IFLA_LINKINFO] &&
	    nla_parse_nested(info, IFLA_INFO_MAX, tb[IFLA_LINKINFO], info_policy) < 0)
		return -EBADMSG;
	memset(ret_link, 0, sizeof(*ret_link));
	ret_link->ifindex = head->ifi_index;
	ret_link->flags = head->ifi_flags;
	if (tb[IFLA_IFNAME])
		nla_strlcpy(ret_link->name, tb[IFLA_IFNAME], sizeof(ret_link->name));
	if (info[IFLA_INFO_KIND])
		nla_strlcpy(ret_link->kind, info[IFLA_INFO_KIND], sizeof(ret_link->kind));
	attr_mac(tb[IFLA_ADDRESS], ret_link->mac);
	ret_link->mtu = attr_u32(tb[IFLA_MTU]);
	ret_link->master = attr_u32(tb[IFLA_MASTER]);
	ret_link->peer = attr_u32(tb[IFLA_LINK]);
	ret_link->peer_netns = tb[IFLA_LINK_NETNSID] ? (int32_t)attr_u32(tb[IFLA_LINK_NETNSID]) : -1;
	ret_link->rx_queues = attr_u32(tb[IFLA_NUM_RX_QUEUES]);
	ret_link->tx_queues = attr_u32(tb[IFLA_NUM_TX_QUEUES]);
	ret_link->operstate = attr_u8(tb[IFLA_OPERSTATE]);
	if (!strcmp(ret_link->kind, "vlan") && info[IFLA_INFO_DATA] &&
	    parse_tag(info[IFLA_INFO_DATA], ret_link) < 0)
		return -EBADMSG;
	return parse_xdp(tb[IFLA_XDP], ret_link);
}

/* ---- what kind --------------------------------------------------------------------------- */
static struct nla_policy bridge_policy[IFLA_BR_MAX + 1] = {
	[IFLA_BR_AGEING_TIME]		= { .type = NLA_U32 },
	[IFLA_BR_STP_STATE]		= { .type = NLA_U32 },
	[IFLA_BR_VLAN_FILTERING]	= { .type = NLA_U8 },
	[IFLA_BR_VLAN_PROTOCOL]		= { .type = NLA_U16 },
	[IFLA_BR_GROUP_FWD_MASK]	= { .type = NLA_U16 },
	[IFLA_BR_MCAST_SNOOPING]	= { .type = NLA_U8 },
	[IFLA_BR_VLAN_DEFAULT_PVID]	= { .type = NLA_U16 },
	[IFLA_BR_MULTI_BOOLOPT]		= { .minlen = sizeof(struct br_boolopt_multi) },
};

static int parse_bridge(struct nlattr *data, struct kind *kind)
{
	struct kind_bridge *bridge = &kind->bridge;
	const struct br_boolopt_multi *options;
	struct nlattr *tb[IFLA_BR_MAX + 1];

	if (nla_parse_nested(tb, IFLA_BR_MAX, data, bridge_policy) < 0)
		return -EBADMSG;
	bridge->ageing_time = attr_u32(tb[IFLA_BR_AGEING_TIME]);
	bridge->stp_state = attr_u32(tb[IFLA_BR_STP_STATE]);
	bridge->vlan_filtering = attr_u8(tb[IFLA_BR_VLAN_FILTERING]);
	bridge->vlan_protocol = ntohs(attr_u16(tb[IFLA_BR_VLAN_PROTOCOL]));
	bridge->group_fwd_mask = attr_u16(tb[IFLA_BR_GROUP_FWD_MASK]);
	bridge->mcast_snooping = attr_u8(tb[IFLA_BR_MCAST_SNOOPING]);
	bridge->default_pvid = attr_u16(tb[IFLA_BR_VLAN_DEFAULT_PVID]);
	if (tb[IFLA_BR_MULTI_BOOLOPT]) {
		options = nla_data(tb[IFLA_BR_MULTI_BOOLOPT]);
		bridge->options = options->optval & options->optmask;
	}
	return 0;
}

static int parse_vlan(struct nlattr *data, struct kind *kind)
{
	struct nlattr *tb[IFLA_VLAN_MAX + 1];

	if (nla_parse_nested(tb, IFLA_VLAN_MAX, data, vlan_policy) < 0)
		return -EBADMSG;
	kind->vlan.id = attr_u16(tb[IFLA_VLAN_ID]);
	kind->vlan.protocol = ntohs(attr_u16(tb[IFLA_VLAN_PROTOCOL]));
	return 0;
}

static struct nla_policy vxlan_policy[IFLA_VXLAN_MAX + 1] = {
	[IFLA_VXLAN_ID]			= { .type = NLA_U32 },
	[IFLA_VXLAN_LINK]		= { .type = NLA_U32 },
	[IFLA_VXLAN_LOCAL]		= { .minlen = 4 },
	[IFLA_VXLAN_LOCAL6]		= { .minlen = 16 },
	[IFLA_VXLAN_LEARNING]		= { .type = NLA_U8 },
	[IFLA_VXLAN_PORT]		= { .type = NLA_U16 },
	[IFLA_VXLAN_COLLECT_METADATA]	= { .type = NLA_U8 },
};

static int parse_vxlan(struct nlattr *data, struct kind *kind)
{
	struct kind_vxlan *vxlan = &kind->vxlan;
	struct nlattr *tb[IFLA_VXLAN_MAX + 1];

	if (nla_parse_nested(tb, IFLA_VXLAN_MAX, data, vxlan_policy) < 0)
		return -EBADMSG;
	vxlan->id = attr_u32(tb[IFLA_VXLAN_ID]);
	vxlan->lower = attr_u32(tb[IFLA_VXLAN_LINK]);
	vxlan->learning = attr_u8(tb[IFLA_VXLAN_LEARNING]);
	vxlan->port = ntohs(attr_u16(tb[IFLA_VXLAN_PORT]));
	vxlan->collect_metadata = attr_u8(tb[IFLA_VXLAN_COLLECT_METADATA]);
	if (!attr_addr(AF_INET, tb[IFLA_VXLAN_LOCAL], &vxlan->local))
		attr_addr(AF_INET6, tb[IFLA_VXLAN_LOCAL6], &vxlan->local);
	return 0;
}

static struct nla_policy bond_policy[IFLA_BOND_MAX + 1] = {
	[IFLA_BOND_MODE]		= { .type = NLA_U8 },
	[IFLA_BOND_ACTIVE_SLAVE]	= { .type = NLA_U32 },
	[IFLA_BOND_XMIT_HASH_POLICY]	= { .type = NLA_U8 },
};

static int parse_bond(struct nlattr *data, struct kind *kind)
{
	struct nlattr *tb[IFLA_BOND_MAX + 1];

	if (nla_parse_nested(tb, IFLA_BOND_MAX, data, bond_policy) < 0)
		return -EBADMSG;
	kind->bond.mode = attr_u8(tb[IFLA_BOND_MODE]);
	kind->bond.active_slave = attr_u32(tb[IFLA_BOND_ACTIVE_SLAVE]);
	kind->bond.xmit_policy = attr_u8(tb[IFLA_BOND_XMIT_HASH_POLICY]);
	return 0;
}

/* Kinds of one number: @size bytes of attribute @type */
static int parse_number(struct nlattr *data, int type, int size, uint32_t *ret_number)
{
	struct nlattr *attr = nla_find(nla_data(data), nla_len(data), type);

	if (!attr)
		return 0;
	if (nla_len(attr) < size)
		return -EBADMSG;
	*ret_number = size == 1 ? nla_get_u8(attr) : nla_get_u32(attr);
	return 0;
}

static int parse_vrf(struct nlattr *data, struct kind *kind)
{
	return parse_number(data, IFLA_VRF_TABLE, 4, &kind->vrf_table);
}

static int parse_macvlan(struct nlattr *data, struct kind *kind)
{
	return parse_number(data, IFLA_MACVLAN_MODE, 4, &kind->macvlan_mode);
}

static int parse_tun(struct nlattr *data, struct kind *kind)
{
	return parse_number(data, IFLA_TUN_TYPE, 1, &kind->tun_type);
}

static const struct kind_parser {
	const char *name;
	enum kind_type type;
	int (*parse)(struct nlattr *data, struct kind *kind);
} kind_parsers[] = {
	{ "bridge", KIND_BRIDGE, parse_bridge },
	{ "vlan", KIND_VLAN, parse_vlan },
	{ "vxlan", KIND_VXLAN, parse_vxlan },
	{ "vrf", KIND_VRF, parse_vrf },
	{ "bond", KIND_BOND, parse_bond },
	{ "macvlan", KIND_MACVLAN, parse_macvlan },
	{ "macvtap", KIND_MACVLAN, parse_macvlan },
	{ "tun", KIND_TUN, parse_tun },
};

/* type 0: none of them */
static int parse_kind(const struct link *link, struct nlattr *data, struct kind *ret_kind)
{
	memset(ret_kind, 0, sizeof(*ret_kind));
	ret_kind->ifindex = link->ifindex;
	for (unsigned int i = 0; data && i < sizeof(kind_parsers) / sizeof(kind_parsers[0]); i++) {
		if (strcmp(link->kind, kind_parsers[i].name))
			continue;
		ret_kind->type = kind_parsers[i].type;
		return kind_parsers[i].parse(data, ret_kind);
	}
	return 0;
}

/* ---- as a member ------------------------------------------------------------------------- */
static const int port_flags[] = {	/* in the order of KIND_PORT_FLAGS */
	IFLA_BRPORT_MODE, IFLA_BRPORT_GUARD, IFLA_BRPORT_PROTECT, IFLA_BRPORT_FAST_LEAVE,
	IFLA_BRPORT_LEARNING, IFLA_BRPORT_UNICAST_FLOOD, IFLA_BRPORT_MCAST_FLOOD,
	IFLA_BRPORT_BCAST_FLOOD, IFLA_BRPORT_PROXYARP, IFLA_BRPORT_NEIGH_SUPPRESS,
	IFLA_BRPORT_VLAN_TUNNEL, IFLA_BRPORT_ISOLATED, IFLA_BRPORT_LOCKED,
};
_Static_assert(sizeof(port_flags) / sizeof(port_flags[0]) == KIND_PORT_FLAG_MAX, "one each");

static int parse_bridge_port(struct nlattr *data, struct kind_port *port)
{
	struct nlattr *tb[IFLA_BRPORT_MAX + 1];
	unsigned int i;

	if (nla_parse_nested(tb, IFLA_BRPORT_MAX, data, NULL) < 0)
		return -EBADMSG;
	for (i = 0; i < KIND_PORT_FLAG_MAX; i++) {
		if (tb[port_flags[i]] && nla_len(tb[port_flags[i]]) < 1)
			return -EBADMSG;
		port->flags |= (uint32_t)!!attr_u8(tb[port_flags[i]]) << i;
	}
	if ((tb[IFLA_BRPORT_STATE] && nla_len(tb[IFLA_BRPORT_STATE]) < 1) ||
	    (tb[IFLA_BRPORT_MULTICAST_ROUTER] &&
	     nla_len(tb[IFLA_BRPORT_MULTICAST_ROUTER]) < 1) ||
	    (tb[IFLA_BRPORT_BACKUP_PORT] && nla_len(tb[IFLA_BRPORT_BACKUP_PORT]) < 4))
		return -EBADMSG;
	port->type = KIND_PORT_BRIDGE;
	port->state = attr_u8(tb[IFLA_BRPORT_STATE]);
	port->mcast_router = attr_u8(tb[IFLA_BRPORT_MULTICAST_ROUTER]);
	port->backup_port = attr_u32(tb[IFLA_BRPORT_BACKUP_PORT]);
	return 0;
}

static int parse_bond_slave(struct nlattr *data, struct kind_port *port)
{
	uint32_t state = 0, mii = 0;

	if (parse_number(data, IFLA_BOND_SLAVE_STATE, 1, &state) < 0 ||
	    parse_number(data, IFLA_BOND_SLAVE_MII_STATUS, 1, &mii) < 0)
		return -EBADMSG;
	port->type = KIND_PORT_BOND;
	port->state = state;
	port->mii = mii;
	return 0;
}

/* type 0: of none that matter */
static int parse_port(const struct link *link, struct nlattr *info[], struct kind_port *ret_port)
{
	struct nlattr *data = info[IFLA_INFO_SLAVE_DATA];
	const char *kind;

	memset(ret_port, 0, sizeof(*ret_port));
	ret_port->ifindex = link->ifindex;
	ret_port->master = link->master;
	if (!link->master || !data || !info[IFLA_INFO_SLAVE_KIND])
		return 0;
	kind = nla_get_string(info[IFLA_INFO_SLAVE_KIND]);
	if (!strcmp(kind, "bridge"))
		return parse_bridge_port(data, ret_port);
	if (!strcmp(kind, "bond"))
		return parse_bond_slave(data, ret_port);
	if (!strcmp(kind, "vrf")) {
		ret_port->type = KIND_PORT_VRF;
		return parse_number(data, IFLA_VRF_PORT_TABLE, 4, &ret_port->vrf_table);
	}
	return 0;
}

/* A bridge tells of a port in its own family: all that the port's own message says of it, and no more */
static int apply_bridge_port(struct mirror *mirror, struct nlmsghdr *msg)
{
	const struct ifinfomsg *head = nlmsg_data(msg);
	struct kind_port port = { .ifindex = head->ifi_index };
	struct nlattr *tb[IFLA_MAX + 1];

	if (nlmsg_parse(msg, sizeof(*head), tb, IFLA_MAX, link_policy) < 0)
		return -EBADMSG;
	port.master = attr_u32(tb[IFLA_MASTER]);
	if (msg->nlmsg_type == RTM_DELLINK) {
		const struct kind_port *old = hash_find(&mirror->ports, &port);

		if (old && old->type == KIND_PORT_BRIDGE)
			hash_del(&mirror->ports, &port);
		return 0;
	}
	if (!tb[IFLA_PROTINFO] || !port.master)
		return 0;
	if (parse_bridge_port(tb[IFLA_PROTINFO], &port) < 0)
		return -EBADMSG;
	hash_set(&mirror->ports, &port);
	return 0;
}

/* ---- messages ---------------------------------------------------------------------------- */
int netlink_link_update(struct link_table *links, struct nlmsghdr *msg, bool *ret_changed)
{
	struct nlattr *tb[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1];
	const struct ifinfomsg *head = nlmsg_data(msg);
	const struct link *old;
	struct link link;

	if (nlmsg_datalen(msg) < (int)sizeof(*head))
		return -EBADMSG;
	if (head->ifi_family != AF_UNSPEC)
		return 0;
	if (msg->nlmsg_type == RTM_DELLINK) {
		*ret_changed |= link_del(links, head->ifi_index);
		return 0;
	}
	if (parse_link(msg, &link, tb, info) < 0)
		return -EBADMSG;
	old = link_find(links, link.ifindex);
	if (old && !memcmp(old, &link, sizeof(link)))
		return 0;
	link_set(links, &link);
	*ret_changed = true;
	return 0;
}

/*
 * A bridge tells of its ports in the same group, family AF_BRIDGE: its "deleted
 * link" is a port that left, not a link that is gone.
 */
int netlink_link_apply(struct mirror *mirror, struct nlmsghdr *msg)
{
	struct nlattr *tb[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1];
	const struct ifinfomsg *head = nlmsg_data(msg);
	struct kind_port port;
	struct kind kind;
	struct link link;

	if (nlmsg_datalen(msg) < (int)sizeof(*head))
		return -EBADMSG;
	if (head->ifi_family == AF_BRIDGE)
		return apply_bridge_port(mirror, msg);
	if (head->ifi_family != AF_UNSPEC)
		return 0;
	if (msg->nlmsg_type == RTM_DELLINK) {
		mirror_del_link(mirror, head->ifi_index);
		return 0;
	}
	if (parse_link(msg, &link, tb, info) < 0 ||
	    parse_kind(&link, info[IFLA_INFO_DATA], &kind) < 0 ||
	    parse_port(&link, info, &port) < 0)
		return -EBADMSG;
	if (kind.type)
		hash_set(&mirror->kinds, &kind);
	if (port.type)
		hash_set(&mirror->ports, &port);
	else
		hash_del(&mirror->ports, &port);
	mirror_set_link(mirror, &link);
	return 0;
}
