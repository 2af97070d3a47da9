// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* expr_field.c - the fields that a rule may name, and the names of their values */
#include <netinet/in.h>

#include <shunt/packet.h>

#include <model/expr_field.h>

#include "../../dataplane/lib/conntrack.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* Sizes told by the compiler: a word is compared only with those of its length */
#define KEY(group, name, field, families, proto) \
	{ group, name, sizeof(group) - 1, sizeof(name) - 1, field, families, proto }
#define KEY_ALONE(group, field, families) \
	{ group, NULL, sizeof(group) - 1, 0, field, families, EXPR_PROTO_ANY }

const struct expr_key expr_keys[] = {
	KEY("ip", "saddr", EXPR_IP_SADDR, EXPR_FAMILY_4, EXPR_PROTO_ANY),
	KEY("ip", "daddr", EXPR_IP_DADDR, EXPR_FAMILY_4, EXPR_PROTO_ANY),
	KEY("ip", "protocol", EXPR_PROTO, EXPR_FAMILY_4, EXPR_PROTO_ANY),
	KEY("ip", "length", EXPR_LENGTH, EXPR_FAMILY_4, EXPR_PROTO_ANY),
	KEY("ip", "dscp", EXPR_DSCP, EXPR_FAMILY_4, EXPR_PROTO_ANY),
	KEY("ip", "ttl", EXPR_TTL, EXPR_FAMILY_4, EXPR_PROTO_ANY),
	KEY("ip6", "saddr", EXPR_IP6_SADDR, EXPR_FAMILY_6, EXPR_PROTO_ANY),
	KEY("ip6", "daddr", EXPR_IP6_DADDR, EXPR_FAMILY_6, EXPR_PROTO_ANY),
	KEY("ip6", "nexthdr", EXPR_PROTO, EXPR_FAMILY_6, EXPR_PROTO_ANY),
	KEY("ip6", "length", EXPR_LENGTH, EXPR_FAMILY_6, EXPR_PROTO_ANY),
	KEY("ip6", "dscp", EXPR_DSCP, EXPR_FAMILY_6, EXPR_PROTO_ANY),
	KEY("ip6", "hoplimit", EXPR_TTL, EXPR_FAMILY_6, EXPR_PROTO_ANY),
	KEY("tcp", "sport", EXPR_SPORT, EXPR_FAMILY_ANY, IPPROTO_TCP),
	KEY("tcp", "dport", EXPR_DPORT, EXPR_FAMILY_ANY, IPPROTO_TCP),
	KEY("tcp", "flags", EXPR_TCP_FLAGS, EXPR_FAMILY_ANY, IPPROTO_TCP),
	KEY("udp", "sport", EXPR_SPORT, EXPR_FAMILY_ANY, IPPROTO_UDP),
	KEY("udp", "dport", EXPR_DPORT, EXPR_FAMILY_ANY, IPPROTO_UDP),
	KEY("sctp", "sport", EXPR_SPORT, EXPR_FAMILY_ANY, IPPROTO_SCTP),
	KEY("sctp", "dport", EXPR_DPORT, EXPR_FAMILY_ANY, IPPROTO_SCTP),
	KEY("th", "sport", EXPR_SPORT, EXPR_FAMILY_ANY, EXPR_PROTO_PORTS),
	KEY("th", "dport", EXPR_DPORT, EXPR_FAMILY_ANY, EXPR_PROTO_PORTS),
	KEY("meta", "l4proto", EXPR_PROTO, EXPR_FAMILY_ANY, EXPR_PROTO_ANY),
	KEY("meta", "nfproto", EXPR_FIELD_MAX, EXPR_FAMILY_ANY, EXPR_PROTO_ANY),
	KEY("meta", "mark", EXPR_MARK, EXPR_FAMILY_ANY, EXPR_PROTO_ANY),
	KEY("meta", "iif", EXPR_IIF, EXPR_FAMILY_ANY, EXPR_PROTO_ANY),
	KEY("meta", "iifname", EXPR_IIF, EXPR_FAMILY_ANY, EXPR_PROTO_ANY),
	KEY("icmp", "type", EXPR_ICMP_TYPE, EXPR_FAMILY_4, IPPROTO_ICMP),
	KEY("icmp", "code", EXPR_ICMP_CODE, EXPR_FAMILY_4, IPPROTO_ICMP),
	KEY("icmpv6", "type", EXPR_ICMP_TYPE, EXPR_FAMILY_6, IPPROTO_ICMPV6),
	KEY("icmpv6", "code", EXPR_ICMP_CODE, EXPR_FAMILY_6, IPPROTO_ICMPV6),
	KEY("ct", "state", EXPR_CT_STATE, EXPR_FAMILY_ANY, EXPR_PROTO_ANY),
	KEY("ct", "mark", EXPR_CT_MARK, EXPR_FAMILY_ANY, EXPR_PROTO_ANY),
	KEY("ct", "zone", EXPR_CT_ZONE, EXPR_FAMILY_ANY, EXPR_PROTO_ANY),
	KEY("ct", "direction", EXPR_CT_DIRECTION, EXPR_FAMILY_ANY, EXPR_PROTO_ANY),
	KEY("ct", "status", EXPR_CT_STATUS, EXPR_FAMILY_ANY, EXPR_PROTO_ANY),
	KEY("ct", "original", EXPR_FIELD_MORE, EXPR_FAMILY_ANY, EXPR_PROTO_ANY),
	KEY("ct", "reply", EXPR_FIELD_MORE, EXPR_FAMILY_ANY, EXPR_PROTO_ANY),
	KEY_ALONE("frag", EXPR_FRAG, EXPR_FAMILY_ANY),
	KEY_ALONE("exthdr", EXPR_EXTHDR, EXPR_FAMILY_6),
	KEY("ether", "saddr", EXPR_ETHER_SADDR, EXPR_FAMILY_ANY, EXPR_PROTO_ANY),
	KEY("ether", "daddr", EXPR_ETHER_DADDR, EXPR_FAMILY_ANY, EXPR_PROTO_ANY),
	KEY("ether", "type", EXPR_ETHER_TYPE, EXPR_FAMILY_ANY, EXPR_PROTO_ANY),
	KEY("vlan", "id", EXPR_VLAN_ID, EXPR_FAMILY_ANY, EXPR_PROTO_ANY),
	KEY("vlan", "pcp", EXPR_VLAN_PCP, EXPR_FAMILY_ANY, EXPR_PROTO_ANY),
	KEY_ALONE("iif", EXPR_IIF, EXPR_FAMILY_ANY),
	KEY_ALONE("iifname", EXPR_IIF, EXPR_FAMILY_ANY),
	KEY_ALONE("mark", EXPR_MARK, EXPR_FAMILY_ANY),
	{ .field = EXPR_FIELD_MAX, .proto = EXPR_PROTO_ANY },
};

#define FLOW_KEYS(group, way)						\
	KEY(group, "ip saddr", EXPR_CT_##way##IP_SADDR, EXPR_FAMILY_4, EXPR_PROTO_ANY),	\
	KEY(group, "ip daddr", EXPR_CT_##way##IP_DADDR, EXPR_FAMILY_4, EXPR_PROTO_ANY),	\
	KEY(group, "ip6 saddr", EXPR_CT_##way##IP6_SADDR, EXPR_FAMILY_6, EXPR_PROTO_ANY), \
	KEY(group, "ip6 daddr", EXPR_CT_##way##IP6_DADDR, EXPR_FAMILY_6, EXPR_PROTO_ANY), \
	KEY(group, "proto-src", EXPR_CT_##way##SPORT, EXPR_FAMILY_ANY, EXPR_PROTO_ANY),	\
	KEY(group, "proto-dst", EXPR_CT_##way##DPORT, EXPR_FAMILY_ANY, EXPR_PROTO_ANY)

const struct expr_key expr_flow_keys[] = {
	FLOW_KEYS("ct original", ), FLOW_KEYS("ct reply", REPLY_),
	{ .field = EXPR_FIELD_MAX, .proto = EXPR_PROTO_ANY },
};

const char *const expr_flag_names[8] = { "fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr" };

const char *const expr_status_names[8] = {
#define STATUS_NAME(id, name, bit) [bit] = name,
	CONNTRACK_STATUSES(STATUS_NAME)
#undef STATUS_NAME
};

/*
 * Names of /etc/protocols, so that a printed rule means the same to nft.
 * 'ipip' is the exception: that file has it as 94, which nobody sends; Linux
 * (IPPROTO_IPIP, ip-link(8)) means 4. It is read as 4 and never printed.
 */
static const struct expr_name proto_names[] = {
	{ "hopopt", 0 }, { "icmp", 1 }, { "igmp", 2 }, { "ipencap", 4 }, { "ipip", 4 },
	{ "tcp", 6 }, { "udp", 17 }, { "dccp", 33 }, { "ipv6", 41 }, { "ipv6-route", 43 },
	{ "ipv6-frag", 44 }, { "rsvp", 46 }, { "gre", 47 }, { "esp", 50 }, { "ah", 51 },
	{ "icmpv6", 58 }, { "ipv6-icmp", 58 }, { "ipv6-nonxt", 59 }, { "ipv6-opts", 60 },
	{ "eigrp", 88 }, { "ospf", 89 }, { "etherip", 97 }, { "pim", 103 }, { "ipcomp", 108 },
	{ "comp", 108 }, { "vrrp", 112 }, { "l2tp", 115 }, { "sctp", 132 }, { "udplite", 136 },
	{ "mpls-in-ip", 137 }, { "hip", 139 },
};

static const struct expr_name icmp_types[] = {
	{ "echo-reply", 0 }, { "destination-unreachable", 3 }, { "source-quench", 4 },
	{ "redirect", 5 }, { "echo-request", 8 }, { "router-advertisement", 9 },
	{ "router-solicitation", 10 }, { "time-exceeded", 11 }, { "parameter-problem", 12 },
	{ "timestamp-request", 13 }, { "timestamp-reply", 14 }, { "info-request", 15 },
	{ "info-reply", 16 }, { "address-mask-request", 17 }, { "address-mask-reply", 18 },
};

static const struct expr_name icmp_codes[] = {
	{ "net-unreachable", 0 }, { "host-unreachable", 1 }, { "prot-unreachable", 2 },
	{ "port-unreachable", 3 }, { "frag-needed", 4 }, { "net-prohibited", 9 },
	{ "host-prohibited", 10 }, { "admin-prohibited", 13 },
};

static const struct expr_name icmpv6_types[] = {
	{ "destination-unreachable", 1 }, { "packet-too-big", 2 }, { "time-exceeded", 3 },
	{ "parameter-problem", 4 }, { "echo-request", 128 }, { "echo-reply", 129 },
	{ "mld-listener-query", 130 }, { "mld-listener-report", 131 },
	{ "mld-listener-done", 132 }, { "mld-listener-reduction", 132 },
	{ "nd-router-solicit", 133 }, { "nd-router-advert", 134 },
	{ "nd-neighbor-solicit", 135 }, { "nd-neighbor-advert", 136 }, { "nd-redirect", 137 },
	{ "router-renumbering", 138 }, { "ind-neighbor-solicit", 141 },
	{ "ind-neighbor-advert", 142 }, { "mld2-listener-report", 143 },
};

static const struct expr_name icmpv6_codes[] = {
	{ "no-route", 0 }, { "admin-prohibited", 1 }, { "addr-unreachable", 3 },
	{ "port-unreachable", 4 }, { "policy-fail", 5 }, { "reject-route", 6 },
};

/* RFC 2474, 2597, 3246, 5865, 8622; nft has them, too */
static const struct expr_name dscp_names[] = {
	{ "cs0", 0 }, { "df", 0 }, { "be", 0 }, { "lephb", 1 }, { "cs1", 8 }, { "af11", 10 },
	{ "af12", 12 }, { "af13", 14 }, { "cs2", 16 }, { "af21", 18 }, { "af22", 20 },
	{ "af23", 22 }, { "cs3", 24 }, { "af31", 26 }, { "af32", 28 }, { "af33", 30 },
	{ "cs4", 32 }, { "af41", 34 }, { "af42", 36 }, { "af43", 38 }, { "cs5", 40 },
	{ "va", 44 }, { "ef", 46 }, { "cs6", 48 }, { "cs7", 56 },
};

static const struct expr_name ether_types[] = {
	{ "ip", EXPR_ETHER_IP }, { "arp", EXPR_ETHER_ARP }, { "ip6", EXPR_ETHER_IP6 },
	{ "vlan", EXPR_ETHER_VLAN },
};

static const struct expr_name frag_names[] = {
	{ "none", SHUNT_FRAG_NONE }, { "first", SHUNT_FRAG_FIRST }, { "later", SHUNT_FRAG_LATER },
};

#define CT_NAME(id, name) { name, SHUNT_CT_##id },
static const struct expr_name ct_states[] = { SHUNT_CT_STATES(CT_NAME) };
static const struct expr_name ct_directions[] = { { "original", 0 }, { "reply", 1 } };

#define FLOW_FIELDS(group, way)						\
	[EXPR_CT_##way##IP_SADDR] = { group " ip saddr", "an IPv4 address", 32 },	\
	[EXPR_CT_##way##IP_DADDR] = { group " ip daddr", "an IPv4 address", 32 },	\
	[EXPR_CT_##way##IP6_SADDR] = { group " ip6 saddr", "an IPv6 address", 128 },	\
	[EXPR_CT_##way##IP6_DADDR] = { group " ip6 daddr", "an IPv6 address", 128 },	\
	[EXPR_CT_##way##SPORT] = { group " proto-src", "a port", 16 },		\
	[EXPR_CT_##way##DPORT] = { group " proto-dst", "a port", 16 }

static const struct {
	const char *name, *noun;
	unsigned int bits;
} fields[EXPR_FIELD_MAX] = {
	[EXPR_IP_SADDR] = { "ip saddr", "an IPv4 address", 32 },
	[EXPR_IP_DADDR] = { "ip daddr", "an IPv4 address", 32 },
	[EXPR_IP6_SADDR] = { "ip6 saddr", "an IPv6 address", 128 },
	[EXPR_IP6_DADDR] = { "ip6 daddr", "an IPv6 address", 128 },
	[EXPR_PROTO] = { "meta l4proto", "a protocol", 8 },
	[EXPR_SPORT] = { "th sport", "a port", 16 },
	[EXPR_DPORT] = { "th dport", "a port", 16 },
	[EXPR_TCP_FLAGS] = { "tcp flags", "a TCP flag", 8 },
	[EXPR_ICMP_TYPE] = { "icmp type", "an ICMP type", 8 },
	[EXPR_ICMP_CODE] = { "icmp code", "an ICMP code", 8 },
	[EXPR_FRAG] = { "frag", "a fragment state", 2 },
	[EXPR_LENGTH] = { "ip length", "a length", 16 },
	[EXPR_DSCP] = { "ip dscp", "a DSCP", 6 },
	[EXPR_TTL] = { "ip ttl", "a TTL", 8 },
	[EXPR_EXTHDR] = { "exthdr", "extension headers", 5 },
	[EXPR_ETHER_SADDR] = { "ether saddr", "a MAC address", 48 },
	[EXPR_ETHER_DADDR] = { "ether daddr", "a MAC address", 48 },
	[EXPR_ETHER_TYPE] = { "ether type", "an Ethernet type", 16 },
	[EXPR_VLAN_ID] = { "vlan id", "a VLAN id", 12 },
	[EXPR_VLAN_PCP] = { "vlan pcp", "a VLAN priority", 3 },
	[EXPR_IIF] = { "iifname", "an interface", 128 },
	[EXPR_MARK] = { "meta mark", "a mark", 32 },
	[EXPR_PAYLOAD] = { "payload", "a number", 64 },
	[EXPR_CT_STATE] = { "ct state", "a flow state", 3 },
	[EXPR_CT_MARK] = { "ct mark", "a mark", 32 },
	[EXPR_CT_ZONE] = { "ct zone", "a zone", 16 },
	[EXPR_CT_DIRECTION] = { "ct direction", "a direction", 1 },
	[EXPR_CT_STATUS] = { "ct status", "a flow's status", 8 },
	FLOW_FIELDS("ct original", ), FLOW_FIELDS("ct reply", REPLY_),
};

const struct expr_name expr_exthdr_names[EXPR_EXTHDRS] = {
	{ "hbh", SHUNT_EXT_HBH }, { "dst", SHUNT_EXT_DST }, { "rt", SHUNT_EXT_RT },
	{ "frag", SHUNT_EXT_FRAG }, { "ah", SHUNT_EXT_AH },
};

#define NAMES(array) (*ret_n = N(array), (array))

const struct expr_name *expr_names(enum expr_field field, unsigned int families,
				   unsigned int *ret_n)
{
	*ret_n = 0;
	switch (field) {
	case EXPR_PROTO:
		return NAMES(proto_names);
	case EXPR_FRAG:
		return NAMES(frag_names);
	case EXPR_CT_STATE:
		return NAMES(ct_states);
	case EXPR_CT_DIRECTION:
		return NAMES(ct_directions);
	case EXPR_DSCP:
		return NAMES(dscp_names);
	case EXPR_ETHER_TYPE:
		return NAMES(ether_types);
	case EXPR_ICMP_TYPE:
		if (families == EXPR_FAMILY_4)
			return NAMES(icmp_types);
		return families == EXPR_FAMILY_6 ? NAMES(icmpv6_types) : NULL;
	case EXPR_ICMP_CODE:
		if (families == EXPR_FAMILY_4)
			return NAMES(icmp_codes);
		return families == EXPR_FAMILY_6 ? NAMES(icmpv6_codes) : NULL;
	default:
		return NULL;
	}
}

const char *expr_name_of(enum expr_field field, unsigned int families, uint64_t value)
{
	const struct expr_name *names;
	unsigned int i, n;

	names = expr_names(field, families, &n);
	for (i = 0; i < n; i++)
		if (names[i].value == value)
			return names[i].name;
	return NULL;
}

#define ONE(number) { { .lo = (number) }, { .lo = (number) } }

const struct expr_interval *expr_key_protos(int proto, unsigned int *ret_n)
{
	static const struct expr_interval tcp[] = { ONE(IPPROTO_TCP) },
		udp[] = { ONE(IPPROTO_UDP) }, sctp[] = { ONE(IPPROTO_SCTP) },
		icmp[] = { ONE(IPPROTO_ICMP) },
		icmpv6[] = { ONE(IPPROTO_ICMPV6) },
		ports[] = { ONE(IPPROTO_TCP), ONE(IPPROTO_UDP), ONE(IPPROTO_SCTP) };

	*ret_n = 0;
	switch (proto) {
	case IPPROTO_TCP:
		return NAMES(tcp);
	case IPPROTO_UDP:
		return NAMES(udp);
	case IPPROTO_SCTP:
		return NAMES(sctp);
	case IPPROTO_ICMP:
		return NAMES(icmp);
	case IPPROTO_ICMPV6:
		return NAMES(icmpv6);
	case EXPR_PROTO_PORTS:
		return NAMES(ports);
	default:
		return NULL;
	}
}

bool expr_field_is_key(enum expr_field field)
{
	switch (field) {
	case EXPR_IP_SADDR:
	case EXPR_IP_DADDR:
	case EXPR_IP6_SADDR:
	case EXPR_IP6_DADDR:
	case EXPR_PROTO:
	case EXPR_SPORT:
	case EXPR_DPORT:
	case EXPR_ETHER_SADDR:
	case EXPR_ETHER_DADDR:
	case EXPR_VLAN_ID:
	case EXPR_IIF:
	case EXPR_MARK:
	case EXPR_CT_STATE:
	case EXPR_CT_MARK:
	case EXPR_CT_ZONE:
	case EXPR_CT_DIRECTION:
		return true;
	default:
		return false;
	}
}

const char *expr_field_name(enum expr_field field)
{
	return fields[field].name;
}

const char *expr_field_noun(enum expr_field field)
{
	return fields[field].noun;
}

unsigned int expr_field_bits(enum expr_field field)
{
	return fields[field].bits;
}

struct expr_value expr_field_last(enum expr_field field)
{
	unsigned int bits = fields[field].bits;

	if (field == EXPR_FRAG)
		return (struct expr_value){ .lo = SHUNT_FRAG_LATER };
	if (field == EXPR_CT_STATE)
		return (struct expr_value){ .lo = SHUNT_CT_MAX - 1 };
	if (bits >= 64)
		return (struct expr_value){ bits > 64 ? UINT64_MAX : 0, UINT64_MAX };
	return (struct expr_value){ .lo = (1ull << bits) - 1 };
}
