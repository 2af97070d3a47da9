// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* netlink_policy.c - messages of rules and next hop objects */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/fib_rules.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#include <kernel/netlink_attr.h>
#include <kernel/netlink_route.h>

/* ---- rules ------------------------------------------------------------------------------- */
static struct nla_policy rule_policy[FRA_MAX + 1] = {
	[FRA_IIFNAME]			= { .type = NLA_STRING, .maxlen = IFNAMSIZ },
	[FRA_OIFNAME]			= { .type = NLA_STRING, .maxlen = IFNAMSIZ },
	[FRA_GOTO]			= { .type = NLA_U32 },
	[FRA_PRIORITY]			= { .type = NLA_U32 },
	[FRA_FWMARK]			= { .type = NLA_U32 },
	[FRA_FWMASK]			= { .type = NLA_U32 },
	[FRA_TUN_ID]			= { .type = NLA_U64 },
	[FRA_SUPPRESS_IFGROUP]		= { .type = NLA_U32 },
	[FRA_SUPPRESS_PREFIXLEN]	= { .type = NLA_U32 },
	[FRA_TABLE]			= { .type = NLA_U32 },
	[FRA_L3MDEV]			= { .type = NLA_U8 },
	[FRA_UID_RANGE]			= { .minlen = sizeof(struct fib_rule_uid_range) },
	[FRA_PROTOCOL]			= { .type = NLA_U8 },
	[FRA_IP_PROTO]			= { .type = NLA_U8 },
	[FRA_SPORT_RANGE]		= { .minlen = sizeof(struct fib_rule_port_range) },
	[FRA_DPORT_RANGE]		= { .minlen = sizeof(struct fib_rule_port_range) },
};

static struct policy_range parse_range(struct nlattr *attr)
{
	const struct fib_rule_port_range *range = attr ? nla_data(attr) : NULL;

	return range ? (struct policy_range){ range->start, range->end } : (struct policy_range){};
}

static void parse_rule(const struct fib_rule_hdr *head, struct nlattr *tb[], struct policy *policy)
{
	const struct fib_rule_uid_range *uids = tb[FRA_UID_RANGE] ? nla_data(tb[FRA_UID_RANGE]) :
								     NULL;

	policy->priority = attr_u32(tb[FRA_PRIORITY]);
	policy->table = tb[FRA_TABLE] ? attr_u32(tb[FRA_TABLE]) : head->table;
	policy->go_to = attr_u32(tb[FRA_GOTO]);
	policy->fwmark = attr_u32(tb[FRA_FWMARK]);
	policy->fwmask = attr_u32(tb[FRA_FWMASK]);
	policy->uid_first = uids ? uids->start : UINT32_MAX;
	policy->uid_last = uids ? uids->end : UINT32_MAX;
	policy->suppress_ifgroup = tb[FRA_SUPPRESS_IFGROUP] ?
				   attr_u32(tb[FRA_SUPPRESS_IFGROUP]) : UINT32_MAX;
	policy->suppress_prefix_len = tb[FRA_SUPPRESS_PREFIXLEN] ?
				      (int32_t)attr_u32(tb[FRA_SUPPRESS_PREFIXLEN]) : -1;
	policy->sport = parse_range(tb[FRA_SPORT_RANGE]);
	policy->dport = parse_range(tb[FRA_DPORT_RANGE]);
	if (tb[FRA_IIFNAME])
		nla_strlcpy(policy->iif, tb[FRA_IIFNAME], sizeof(policy->iif));
	if (tb[FRA_OIFNAME])
		nla_strlcpy(policy->oif, tb[FRA_OIFNAME], sizeof(policy->oif));
	policy->tunnel = tb[FRA_TUN_ID] ? nla_get_u64(tb[FRA_TUN_ID]) : 0;
	policy->family = head->family;
	policy->from_len = head->src_len;
	policy->to_len = head->dst_len;
	policy->tos = head->tos;
	policy->action = head->action;
	policy->ipproto = attr_u8(tb[FRA_IP_PROTO]);
	policy->l3mdev = attr_u8(tb[FRA_L3MDEV]);
	policy->protocol = attr_u8(tb[FRA_PROTOCOL]);
	policy->flags = head->flags & FIB_RULE_INVERT;
}

/* Of rules that are alike one that goes may leave another: they are asked for again then */
int netlink_rule_apply(struct mirror *mirror, struct nlmsghdr *msg)
{
	const struct fib_rule_hdr *head = nlmsg_data(msg);
	struct nlattr *tb[FRA_MAX + 1];
	const struct policy *old;
	struct policy policy;

	if (nlmsg_parse(msg, sizeof(*head), tb, FRA_MAX, rule_policy) < 0)
		return -EBADMSG;
	if (head->family != AF_INET && head->family != AF_INET6)
		return 0;
	memset(&policy, 0, sizeof(policy));
	if (!attr_prefix(head->family, head->src_len, tb[FRA_SRC], &policy.from) ||
	    !attr_prefix(head->family, head->dst_len, tb[FRA_DST], &policy.to))
		return -EBADMSG;
	parse_rule(head, tb, &policy);
	if (msg->nlmsg_type == RTM_DELRULE) {
		hash_del(&mirror->policies, &policy);
		mirror->doubt |= MIRROR_BIT(RULE);
		return 0;
	}
	old = hash_find(&mirror->policies, &policy);
	policy.order = old ? old->order : ++mirror->order;
	hash_set(&mirror->policies, &policy);
	return 0;
}

/* ---- next hop objects -------------------------------------------------------------------- */
static struct nla_policy nexthop_policy[NHA_MAX + 1] = {
	[NHA_ID]		= { .type = NLA_U32 },
	[NHA_GROUP_TYPE]	= { .type = NLA_U16 },
	[NHA_OIF]		= { .type = NLA_U32 },
	[NHA_ENCAP_TYPE]	= { .type = NLA_U16 },
	[NHA_RES_GROUP]		= { .type = NLA_NESTED },
	[NHA_RES_BUCKET]	= { .type = NLA_NESTED },
};

static struct nla_policy resilient_policy[NHA_RES_GROUP_MAX + 1] = {
	[NHA_RES_GROUP_BUCKETS]			= { .type = NLA_U16 },
	[NHA_RES_GROUP_IDLE_TIMER]		= { .type = NLA_U32 },
	[NHA_RES_GROUP_UNBALANCED_TIMER]	= { .type = NLA_U32 },
};

static int parse_resilient(struct nlattr *attr, struct nhobj *nhobj)
{
	struct nlattr *tb[NHA_RES_GROUP_MAX + 1];

	nhobj->kind = NHOBJ_RESILIENT;
	if (!attr || nla_parse_nested(tb, NHA_RES_GROUP_MAX, attr, resilient_policy) < 0)
		return -EBADMSG;
	nhobj->n_buckets = attr_u16(tb[NHA_RES_GROUP_BUCKETS]);
	nhobj->idle_s = attr_u32(tb[NHA_RES_GROUP_IDLE_TIMER]) / 100;
	nhobj->unbalanced_s = attr_u32(tb[NHA_RES_GROUP_UNBALANCED_TIMER]) / 100;
	return 0;
}

#define MEMBERS_MAX	8192	/* what an attribute holds */

static int parse_group(struct nlattr *tb[], struct nhobj *nhobj, struct nhobj_member *member)
{
	const uint8_t *group = nla_data(tb[NHA_GROUP]);
	uint16_t type = attr_u16(tb[NHA_GROUP_TYPE]);
	unsigned int i, n = nla_len(tb[NHA_GROUP]) / sizeof(struct nexthop_grp);

	if (!n || n > MEMBERS_MAX || nla_len(tb[NHA_GROUP]) % sizeof(struct nexthop_grp))
		return -EBADMSG;
	for (i = 0; i < n; i++, group += sizeof(struct nexthop_grp)) {
		memcpy(&member[i].id, group, sizeof(member[i].id));
		member[i].weight = (group[4] | group[5] << 8) + 1; /* [5]: since Linux 6.13, else 0 */
	}
	nhobj->member = member;
	nhobj->n_members = n;
	nhobj->kind = type == NEXTHOP_GRP_TYPE_MPATH ? NHOBJ_GROUP : NHOBJ_OTHER;
	return type == NEXTHOP_GRP_TYPE_RES ? parse_resilient(tb[NHA_RES_GROUP], nhobj) : 0;
}

static int parse_nexthop(const struct nhmsg *head, struct nlattr *tb[], struct nhobj *nhobj,
			 struct nhobj_member *member)
{
	nhobj->kind = tb[NHA_BLACKHOLE] ? NHOBJ_BLACKHOLE : NHOBJ_HOP;
	nhobj->family = head->nh_family;
	nhobj->protocol = head->nh_protocol;
	nhobj->scope = head->nh_scope;
	nhobj->flags = head->nh_flags & RTNH_F_ONLINK;
	nhobj->fdb = !!tb[NHA_FDB];
	nhobj->ifindex = attr_u32(tb[NHA_OIF]);
	nhobj->encap = attr_u16(tb[NHA_ENCAP_TYPE]);
	if (tb[NHA_GROUP])
		return parse_group(tb, nhobj, member);
	if (!tb[NHA_GATEWAY])
		return 0;
	nhobj->gateway_family = attr_addr_any(tb[NHA_GATEWAY], &nhobj->gateway);
	return nhobj->gateway_family ? 0 : -EBADMSG;
}

/* Which bucket has which member no event says of a group that is made or changed */
int netlink_nexthop_apply(struct mirror *mirror, struct nlmsghdr *msg)
{
	static struct nhobj_member member[MEMBERS_MAX];
	const struct nhmsg *head = nlmsg_data(msg);
	struct nlattr *tb[NHA_MAX + 1];
	struct nhobj nhobj;

	if (nlmsg_parse(msg, sizeof(*head), tb, NHA_MAX, nexthop_policy) < 0 || !tb[NHA_ID])
		return -EBADMSG;
	memset(&nhobj, 0, sizeof(nhobj));
	nhobj.id = attr_u32(tb[NHA_ID]);
	if (msg->nlmsg_type == RTM_DELNEXTHOP) {
		mirror_del_nhobj(mirror, nhobj.id);
		return 0;
	}
	if (parse_nexthop(head, tb, &nhobj, member) < 0)
		return -EBADMSG;
	nhobj_set(&mirror->nhobjs, &nhobj);
	if (nhobj.kind == NHOBJ_RESILIENT && mirror->dumping < 0)
		mirror->doubt |= MIRROR_BIT(NEXTHOP);
	return 0;
}

static struct nla_policy bucket_policy[NHA_RES_BUCKET_MAX + 1] = {
	[NHA_RES_BUCKET_INDEX]	= { .type = NLA_U16 },
	[NHA_RES_BUCKET_NH_ID]	= { .type = NLA_U32 },
};

int netlink_bucket_apply(struct mirror *mirror, struct nlmsghdr *msg)
{
	struct nlattr *tb[NHA_MAX + 1], *in[NHA_RES_BUCKET_MAX + 1];
	struct nhobj_bucket bucket = {};

	if (nlmsg_parse(msg, sizeof(struct nhmsg), tb, NHA_MAX, nexthop_policy) < 0 ||
	    !tb[NHA_ID] || !tb[NHA_RES_BUCKET] ||
	    nla_parse_nested(in, NHA_RES_BUCKET_MAX, tb[NHA_RES_BUCKET], bucket_policy) < 0 ||
	    !in[NHA_RES_BUCKET_INDEX] || !in[NHA_RES_BUCKET_NH_ID])
		return -EBADMSG;
	bucket.group = attr_u32(tb[NHA_ID]);
	bucket.index = attr_u16(in[NHA_RES_BUCKET_INDEX]);
	bucket.nh_id = attr_u32(in[NHA_RES_BUCKET_NH_ID]);
	if (msg->nlmsg_type == RTM_DELNEXTHOPBUCKET)
		hash_del(&mirror->nhobjs.buckets, &bucket);
	else
		hash_set(&mirror->nhobjs.buckets, &bucket);
	return 0;
}
