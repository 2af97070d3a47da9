// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* expr_field.c - the fields that a rule may name, and the names of their values */
#include <netinet/in.h>

#include <shunt/packet.h>

#include <model/expr_field.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

const struct expr_key expr_keys[] = {
	{ "ip", "saddr", EXPR_IP_SADDR, EXPR_FAMILY_4, EXPR_PROTO_ANY },
	{ "ip", "daddr", EXPR_IP_DADDR, EXPR_FAMILY_4, EXPR_PROTO_ANY },
	{ "ip", "protocol", EXPR_PROTO, EXPR_FAMILY_4, EXPR_PROTO_ANY },
	{ "ip6", "saddr", EXPR_IP6_SADDR, EXPR_FAMILY_6, EXPR_PROTO_ANY },
	{ "ip6", "daddr", EXPR_IP6_DADDR, EXPR_FAMILY_6, EXPR_PROTO_ANY },
	{ "ip6", "nexthdr", EXPR_PROTO, EXPR_FAMILY_6, EXPR_PROTO_ANY },
	{ "meta", "l4proto", EXPR_PROTO, EXPR_FAMILY_ANY, EXPR_PROTO_ANY },
	{ "meta", "nfproto", EXPR_FIELD_MAX, EXPR_FAMILY_ANY, EXPR_PROTO_ANY },
	{ "tcp", "sport", EXPR_SPORT, EXPR_FAMILY_ANY, IPPROTO_TCP },
	{ "tcp", "dport", EXPR_DPORT, EXPR_FAMILY_ANY, IPPROTO_TCP },
	{ "tcp", "flags", EXPR_TCP_FLAGS, EXPR_FAMILY_ANY, IPPROTO_TCP },
	{ "udp", "sport", EXPR_SPORT, EXPR_FAMILY_ANY, IPPROTO_UDP },
	{ "udp", "dport", EXPR_DPORT, EXPR_FAMILY_ANY, IPPROTO_UDP },
	{ "sctp", "sport", EXPR_SPORT, EXPR_FAMILY_ANY, IPPROTO_SCTP },
	{ "sctp", "dport", EXPR_DPORT, EXPR_FAMILY_ANY, IPPROTO_SCTP },
	{ "th", "sport", EXPR_SPORT, EXPR_FAMILY_ANY, EXPR_PROTO_PORTS },
	{ "th", "dport", EXPR_DPORT, EXPR_FAMILY_ANY, EXPR_PROTO_PORTS },
	{ "icmp", "type", EXPR_ICMP_TYPE, EXPR_FAMILY_4, IPPROTO_ICMP },
	{ "icmp", "code", EXPR_ICMP_CODE, EXPR_FAMILY_4, IPPROTO_ICMP },
	{ "icmpv6", "type", EXPR_ICMP_TYPE, EXPR_FAMILY_6, IPPROTO_ICMPV6 },
	{ "icmpv6", "code", EXPR_ICMP_CODE, EXPR_FAMILY_6, IPPROTO_ICMPV6 },
	{ "frag", NULL, EXPR_FRAG, EXPR_FAMILY_ANY, EXPR_PROTO_ANY },
	{ NULL, NULL, EXPR_FIELD_MAX, 0, EXPR_PROTO_ANY },
};

const char *const expr_flag_names[8] = { "fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr" };

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

static const struct expr_name frag_names[] = {
	{ "none", SHUNT_FRAG_NONE }, { "first", SHUNT_FRAG_FIRST }, { "later", SHUNT_FRAG_LATER },
};

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

unsigned int expr_key_protos(int proto, struct expr_interval *ret_interval)
{
	static const uint8_t ports[EXPR_PORT_PROTOS] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
	unsigned int i, n = proto == EXPR_PROTO_PORTS ? N(ports) : proto >= 0;

	for (i = 0; i < n; i++) {
		struct expr_value value = { .lo = proto >= 0 ? proto : ports[i] };

		ret_interval[i] = (struct expr_interval){ value, value };
	}
	return n;
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
	if (bits == 128)
		return (struct expr_value){ UINT64_MAX, UINT64_MAX };
	return (struct expr_value){ .lo = (1ull << bits) - 1 };
}
