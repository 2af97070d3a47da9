// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* netlink_bridge.c - messages of bridges' and VXLAN devices' tables */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#include <kernel/netlink_attr.h>
#include <kernel/netlink_bridge.h>

#define FDB_FLAGS	(NTF_STICKY | NTF_EXT_LEARNED | NTF_OFFLOADED | NTF_ROUTER)
#define EXT_LOCKED	(1 << 1)	/* NTF_EXT_LOCKED, since Linux 6.2 */
#define VID_MAX		4094

static struct nla_policy fdb_policy[NDA_MAX + 1] = {
	[NDA_VLAN]	= { .type = NLA_U16 },
	[NDA_MASTER]	= { .type = NLA_U32 },
	[NDA_VNI]	= { .type = NLA_U32 },
	[NDA_SRC_VNI]	= { .type = NLA_U32 },
	[NDA_IFINDEX]	= { .type = NLA_U32 },
	[NDA_PORT]	= { .type = NLA_U16 },
	[NDA_NH_ID]	= { .type = NLA_U32 },
	[NDA_FLAGS_EXT]	= { .type = NLA_U32 },
};

/* What expired and was not collected yet is as what was learnt: that it expires is not told */
static uint16_t fdb_state(uint16_t state)
{
	return state & NUD_PERMANENT ? NUD_PERMANENT : state & NUD_NOARP ? NUD_NOARP : NUD_REACHABLE;
}

/* Of a unicast address there is one destination: the last that is told of. Others have an entry for each */
static int apply_remote(struct mirror *mirror, struct nlmsghdr *msg, struct nlattr *tb[])
{
	const struct ndmsg *head = nlmsg_data(msg);
	struct fdb_remote remote;

	memset(&remote, 0, sizeof(remote));
	remote.ifindex = head->ndm_ifindex;
	remote.src_vni = attr_u32(tb[NDA_SRC_VNI]);
	if (!attr_mac(tb[NDA_LLADDR], remote.mac) ||
	    (tb[NDA_DST] && !attr_addr_any(tb[NDA_DST], &remote.to.dst)))
		return -EBADMSG;
	remote.to.vni = attr_u32(tb[NDA_VNI]);
	remote.to.via = attr_u32(tb[NDA_IFINDEX]);
	remote.to.port = ntohs(attr_u16(tb[NDA_PORT]));
	if (fdb_remote_has_many(remote.mac))
		remote.each = remote.to;
	remote.nh_id = attr_u32(tb[NDA_NH_ID]);
	remote.state = fdb_state(head->ndm_state);
	remote.flags = head->ndm_flags & FDB_FLAGS;
	if (msg->nlmsg_type == RTM_DELNEIGH)
		hash_del(&mirror->remotes, &remote);
	else
		hash_set(&mirror->remotes, &remote);
	return 0;
}

/*
 * 'self' is of a device's own: of VXLAN with an age, else the addresses that a card lets in. The latter is
 * also told behind each change of VXLAN's by a command, without a destination, and says nothing.
 */
int netlink_fdb_apply(struct mirror *mirror, struct nlmsghdr *msg)
{
	const struct ndmsg *head = nlmsg_data(msg);
	struct nlattr *tb[NDA_MAX + 1];
	struct fdb fdb = {};

	if (nlmsg_parse(msg, sizeof(*head), tb, NDA_MAX, fdb_policy) < 0)
		return -EBADMSG;
	if (!tb[NDA_MASTER] || head->ndm_flags & NTF_SELF)
		return tb[NDA_CACHEINFO] && head->ndm_flags & NTF_SELF ?
			apply_remote(mirror, msg, tb) : 0;
	fdb.bridge = attr_u32(tb[NDA_MASTER]);
	fdb.port = head->ndm_ifindex;
	fdb.vid = attr_u16(tb[NDA_VLAN]);
	if (!attr_mac(tb[NDA_LLADDR], fdb.mac))
		return -EBADMSG;
	fdb.state = fdb_state(head->ndm_state);
	fdb.flags = head->ndm_flags & FDB_FLAGS;
	fdb.ext_flags = attr_u32(tb[NDA_FLAGS_EXT]) & EXT_LOCKED;
	if (msg->nlmsg_type == RTM_DELNEIGH)
		hash_del(&mirror->fdbs, &fdb);
	else
		hash_set(&mirror->fdbs, &fdb);
	return 0;
}

/* ---- VLANs ------------------------------------------------------------------------------- */
static struct nla_policy vlan_policy[BRIDGE_VLANDB_ENTRY_MAX + 1] = {
	[BRIDGE_VLANDB_ENTRY_INFO]		= { .minlen = sizeof(struct bridge_vlan_info) },
	[BRIDGE_VLANDB_ENTRY_RANGE]		= { .type = NLA_U16 },
	[BRIDGE_VLANDB_ENTRY_STATE]		= { .type = NLA_U8 },
	[BRIDGE_VLANDB_ENTRY_TUNNEL_INFO]	= { .type = NLA_NESTED },
};

static int parse_tunnel(struct nlattr *attr, uint32_t *ret_vni)
{
	struct nlattr *id;

	*ret_vni = 0;
	if (!attr)
		return 0;
	id = nla_find(nla_data(attr), nla_len(attr), BRIDGE_VLANDB_TINFO_ID);
	if (id && nla_len(id) < 4)
		return -EBADMSG;
	*ret_vni = attr_u32(id);
	return 0;
}

/* @ret_vlan: the first of a range, whose tunnels go up with it */
static int parse_vlan(struct nlattr *attr, struct vlan *ret_vlan, uint16_t *ret_last)
{
	struct nlattr *tb[BRIDGE_VLANDB_ENTRY_MAX + 1];
	const struct bridge_vlan_info *info;

	if (nla_parse_nested(tb, BRIDGE_VLANDB_ENTRY_MAX, attr, vlan_policy) < 0 ||
	    !tb[BRIDGE_VLANDB_ENTRY_INFO] ||
	    parse_tunnel(tb[BRIDGE_VLANDB_ENTRY_TUNNEL_INFO], &ret_vlan->tunnel) < 0)
		return -EBADMSG;
	info = nla_data(tb[BRIDGE_VLANDB_ENTRY_INFO]);
	ret_vlan->vid = info->vid;
	ret_vlan->flags = info->flags & (BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED |
					 BRIDGE_VLAN_INFO_BRENTRY);
	ret_vlan->state = tb[BRIDGE_VLANDB_ENTRY_STATE] ?
			  attr_u8(tb[BRIDGE_VLANDB_ENTRY_STATE]) : BR_STATE_FORWARDING;
	*ret_last = tb[BRIDGE_VLANDB_ENTRY_RANGE] ? attr_u16(tb[BRIDGE_VLANDB_ENTRY_RANGE]) :
						    info->vid;
	return *ret_last > VID_MAX || *ret_last < info->vid ? -EBADMSG : 0;
}

static int apply_vlans(struct mirror *mirror, struct nlmsghdr *msg, bool check_only)
{
	const struct br_vlan_msg *head = nlmsg_data(msg);
	struct nlattr *attr;
	int rest;

	nlmsg_for_each_attr(attr, msg, sizeof(*head), rest) {
		struct vlan vlan = { .ifindex = head->ifindex };
		uint16_t last;

		if (nla_type(attr) != BRIDGE_VLANDB_ENTRY)
			continue;
		if (parse_vlan(attr, &vlan, &last) < 0)
			return -EBADMSG;
		for (; !check_only && vlan.vid <= last; vlan.vid++) {
			if (msg->nlmsg_type == RTM_DELVLAN)
				hash_del(&mirror->vlans, &vlan);
			else
				vlan_set(&mirror->vlans, &vlan);
			vlan.tunnel += !!vlan.tunnel;
		}
	}
	return 0;
}

int netlink_vlan_apply(struct mirror *mirror, struct nlmsghdr *msg)
{
	int r;

	if (nlmsg_datalen(msg) < (int)sizeof(struct br_vlan_msg))
		return -EBADMSG;
	r = apply_vlans(mirror, msg, true);
	return r < 0 ? r : apply_vlans(mirror, msg, false);
}

/* ---- multicast --------------------------------------------------------------------------- */
static int parse_mdb(struct nlattr *attr, struct mdb *ret_mdb)
{
	const struct br_mdb_entry *entry = nla_data(attr);
	struct nlattr *tb[MDBA_MDB_EATTR_MAX + 1] = {};
	int head = NLA_ALIGN(sizeof(*entry));

	if (nla_len(attr) < (int)sizeof(*entry))
		return -EBADMSG;
	if (nla_len(attr) > head &&
	    nla_parse(tb, MDBA_MDB_EATTR_MAX, nla_data(attr) + head, nla_len(attr) - head, NULL) < 0)
		return -EBADMSG;
	ret_mdb->port = entry->ifindex;
	ret_mdb->vid = entry->vid;
	ret_mdb->state = entry->state;
	ret_mdb->flags = entry->flags;
	ret_mdb->protocol = ntohs(entry->addr.proto);
	if (ret_mdb->protocol == ETH_P_IP)
		attr_addr_read(AF_INET, &entry->addr.u.ip4, 4, &ret_mdb->group);
	else if (ret_mdb->protocol == ETH_P_IPV6)
		attr_addr_read(AF_INET6, &entry->addr.u.ip6, 16, &ret_mdb->group);
	else
		memcpy(&ret_mdb->group, entry->addr.u.mac_addr, ETH_ALEN);
	attr_addr_any(tb[MDBA_MDB_EATTR_SOURCE], &ret_mdb->source);
	if (tb[MDBA_MDB_EATTR_GROUP_MODE] && nla_len(tb[MDBA_MDB_EATTR_GROUP_MODE]) < 1)
		return -EBADMSG;
	ret_mdb->mode = attr_u8(tb[MDBA_MDB_EATTR_GROUP_MODE]);
	return 0;
}

/* @mirror: NULL: look whether it is whole, and no more */
static int apply_entry(struct mirror *mirror, struct nlmsghdr *msg, struct nlattr *entry)
{
	const struct br_port_msg *head = nlmsg_data(msg);
	struct nlattr *attr;
	int rest;

	nla_for_each_nested(attr, entry, rest) {
		struct mdb mdb = { .bridge = head->ifindex };

		if (nla_type(attr) != MDBA_MDB_ENTRY_INFO)
			continue;
		if (parse_mdb(attr, &mdb) < 0)
			return -EBADMSG;
		if (!mirror)
			continue;
		if (msg->nlmsg_type == RTM_DELMDB)
			hash_del(&mirror->mdbs, &mdb);
		else
			hash_set(&mirror->mdbs, &mdb);
	}
	return 0;
}

static int apply_entries(struct mirror *mirror, struct nlmsghdr *msg, struct nlattr *list)
{
	struct nlattr *entry;
	int rest, r;

	nla_for_each_nested(entry, list, rest) {
		if (nla_type(entry) != MDBA_MDB_ENTRY)
			continue;
		r = apply_entry(mirror, msg, entry);
		if (r < 0)
			return r;
	}
	return 0;
}

static int parse_router(struct nlattr *attr, struct mdb_router *ret_router)
{
	struct nlattr *tb[MDBA_ROUTER_PATTR_MAX + 1] = {};
	int head = NLA_ALIGN(sizeof(ret_router->port));

	if (nla_len(attr) < head)
		return -EBADMSG;
	memcpy(&ret_router->port, nla_data(attr), sizeof(ret_router->port));
	if (nla_len(attr) > head &&
	    nla_parse(tb, MDBA_ROUTER_PATTR_MAX, nla_data(attr) + head, nla_len(attr) - head,
		      NULL) < 0)
		return -EBADMSG;
	if (tb[MDBA_ROUTER_PATTR_VID] && nla_len(tb[MDBA_ROUTER_PATTR_VID]) < 2)
		return -EBADMSG;
	ret_router->vid = attr_u16(tb[MDBA_ROUTER_PATTR_VID]);
	return 0;
}

/* An event of a router port names the port alone: of what type is not kept */
static int apply_routers(struct mirror *mirror, struct nlmsghdr *msg, struct nlattr *list)
{
	const struct br_port_msg *head = nlmsg_data(msg);
	struct nlattr *attr;
	int rest;

	nla_for_each_nested(attr, list, rest) {
		struct mdb_router router = { .bridge = head->ifindex };

		if (nla_type(attr) != MDBA_ROUTER_PORT)
			continue;
		if (parse_router(attr, &router) < 0)
			return -EBADMSG;
		if (!mirror)
			continue;
		if (msg->nlmsg_type == RTM_DELMDB)
			hash_del(&mirror->routers, &router);
		else
			hash_set(&mirror->routers, &router);
	}
	return 0;
}

static int apply_mdb(struct mirror *mirror, struct nlmsghdr *msg, struct nlattr *tb[])
{
	int r = 0;

	if (tb[MDBA_MDB])
		r = apply_entries(mirror, msg, tb[MDBA_MDB]);
	if (r == 0 && tb[MDBA_ROUTER])
		r = apply_routers(mirror, msg, tb[MDBA_ROUTER]);
	return r;
}

int netlink_mdb_apply(struct mirror *mirror, struct nlmsghdr *msg)
{
	struct nlattr *tb[MDBA_MAX + 1];
	int r;

	if (nlmsg_parse(msg, sizeof(struct br_port_msg), tb, MDBA_MAX, NULL) < 0)
		return -EBADMSG;
	r = apply_mdb(NULL, msg, tb);
	return r < 0 ? r : apply_mdb(mirror, msg, tb);
}
