// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* probe.c - a packet from its description */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <arpa/inet.h>
#include <endian.h>
#include <netinet/in.h>

#include <linux/if_ether.h>

#include <daemon/probe.h>
#include <model/expr.h>
#include <shunt/packet.h>

#define PROTO_NONE	253		/* RFC 3692: for experiments */
#define TTL_DEFAULT	64
#define FRAG_OFFSET	64		/* units of 8 bytes, of a later fragment */
#define TCP_SYN		0x02

/* What a description says; values in host order */
struct said {
	const struct expr_rule *rule;
	bool ip6;
	bool not_ip;
	uint8_t proto;
	uint64_t frag;
};

static const struct expr_match *said_match(const struct said *said, enum expr_field field)
{
	unsigned int i;

	for (i = 0; i < said->rule->n; i++)
		if (said->rule->match[i].field == field)
			return &said->rule->match[i];
	return NULL;
}

static uint64_t said_value(const struct said *said, enum expr_field field, uint64_t otherwise)
{
	const struct expr_match *match = said_match(said, field);

	if (!match)
		return otherwise;
	return match->n ? match->interval[0].first.lo : match->value;
}

static void put(struct probe *probe, const void *data, size_t len)
{
	if (probe->len + len <= sizeof(probe->frame))
		memcpy(probe->frame + probe->len, data, len);
	probe->len += len;
}

static void put8(struct probe *probe, uint8_t value)
{
	put(probe, &value, 1);
}

static void put16(struct probe *probe, uint16_t value)
{
	put8(probe, value >> 8);
	put8(probe, value);
}

static void put32(struct probe *probe, uint32_t value)
{
	put16(probe, value >> 16);
	put16(probe, value);
}

static void put_zeros(struct probe *probe, size_t len)
{
	while (len--)
		put8(probe, 0);
}

static void put_mac(struct probe *probe, uint64_t mac)
{
	put16(probe, mac >> 32);
	put32(probe, mac);
}

/* ---- headers ------------------------------------------------------------------------------ */

static void put_ether(struct probe *probe, const struct said *said)
{
	bool tagged = said_match(said, EXPR_VLAN_ID) || said_match(said, EXPR_VLAN_PCP);
	uint16_t type = said->ip6 ? ETH_P_IPV6 : ETH_P_IP;

	put_mac(probe, said_value(said, EXPR_ETHER_DADDR, 0x020000000002));
	put_mac(probe, said_value(said, EXPR_ETHER_SADDR, 0x020000000001));
	if (tagged) {
		put16(probe, ETH_P_8021Q);
		put16(probe, said_value(said, EXPR_VLAN_PCP, 0) << 13 |
			     said_value(said, EXPR_VLAN_ID, 1));
	}
	put16(probe, said_value(said, EXPR_ETHER_TYPE, type));
}

static void put_tcp(struct probe *probe, const struct said *said)
{
	const struct expr_match *flags = said_match(said, EXPR_TCP_FLAGS);
	uint8_t value = TCP_SYN;

	if (flags && !flags->negated)
		value = flags->value;
	else if (flags && flags->value == 0)	/* any of them is set */
		value = flags->mask & -flags->mask;
	put32(probe, 1);			/* sequence number */
	put32(probe, 0);
	put8(probe, 5 << 4);
	put8(probe, value);
	put16(probe, 65535);
	put32(probe, 0);			/* checksum, urgent pointer */
}

static void put_l4(struct probe *probe, const struct said *said)
{
	uint16_t sport = said_value(said, EXPR_SPORT, 0), dport = said_value(said, EXPR_DPORT, 0);

	switch (said->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		put16(probe, sport);
		put16(probe, dport);
		if (said->proto == IPPROTO_TCP)
			put_tcp(probe, said);
		else if (said->proto == IPPROTO_UDP)
			put32(probe, 8 << 16);
		else
			put_zeros(probe, 8);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		put8(probe, said_value(said, EXPR_ICMP_TYPE, said->ip6 ? 128 : 8));
		put8(probe, said_value(said, EXPR_ICMP_CODE, 0));
		put_zeros(probe, 6);
		break;
	default:
		put_zeros(probe, 8);
	}
}

/* Internet checksum (RFC 1071) of the header at @off */
static void sum_ip4(struct probe *probe, size_t off)
{
	uint32_t sum = 0;
	unsigned int i;

	for (i = 0; i < 20; i += 2)
		sum += probe->frame[off + i] << 8 | probe->frame[off + i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	probe->frame[off + 10] = ~sum >> 8;
	probe->frame[off + 11] = ~sum;
}

/* The length that is said, or what is there: bytes @off on */
static uint16_t end_length(struct probe *probe, const struct said *said, size_t from)
{
	size_t want = said_value(said, EXPR_LENGTH, 0);

	if (from + want > probe->len)
		put_zeros(probe, from + want - probe->len);
	return want ? want : probe->len - from;
}

static void put_ip4(struct probe *probe, const struct said *said)
{
	size_t off = probe->len;
	uint16_t len, frag = 0;

	if (said->frag == SHUNT_FRAG_FIRST)
		frag = 0x2000;
	else if (said->frag == SHUNT_FRAG_LATER)
		frag = FRAG_OFFSET;
	put8(probe, 0x45);
	put8(probe, said_value(said, EXPR_DSCP, 0) << 2);
	put16(probe, 0);
	put16(probe, 1);
	put16(probe, frag);
	put8(probe, said_value(said, EXPR_TTL, TTL_DEFAULT));
	put8(probe, said->proto);
	put16(probe, 0);
	put32(probe, said_value(said, EXPR_IP_SADDR, 0xc0000201));	/* RFC 5737 */
	put32(probe, said_value(said, EXPR_IP_DADDR, 0xc6336401));
	put_l4(probe, said);
	len = end_length(probe, said, off);
	probe->frame[off + 2] = len >> 8;
	probe->frame[off + 3] = len;
	sum_ip4(probe, off);
}

static void put_addr6(struct probe *probe, const struct said *said, enum expr_field field,
		      uint64_t low)
{
	const struct expr_match *match = said_match(said, field);
	struct expr_value addr = { 0x20010db800000000, low };		/* RFC 3849 */

	if (match && match->n)
		addr = match->interval[0].first;
	put32(probe, addr.hi >> 32);
	put32(probe, addr.hi);
	put32(probe, addr.lo >> 32);
	put32(probe, addr.lo);
}

/* The extension headers that are said, and the one of a fragment, in RFC 8200's order */
static void put_chain6(struct probe *probe, const struct said *said, size_t next_at)
{
	static const struct {
		uint8_t bit, proto;
	} header[] = {
		{ SHUNT_EXT_HBH, IPPROTO_HOPOPTS }, { SHUNT_EXT_DST, IPPROTO_DSTOPTS },
		{ SHUNT_EXT_RT, IPPROTO_ROUTING }, { SHUNT_EXT_FRAG, IPPROTO_FRAGMENT },
		{ SHUNT_EXT_AH, IPPROTO_AH },
	};
	const struct expr_match *match = said_match(said, EXPR_EXTHDR);
	uint8_t wanted = match ? match->mask & match->value : 0;
	uint16_t frag = said->frag == SHUNT_FRAG_LATER ? FRAG_OFFSET << 3 :
			said->frag == SHUNT_FRAG_FIRST;
	unsigned int i;

	if (frag)
		wanted |= SHUNT_EXT_FRAG;
	for (i = 0; i < sizeof(header) / sizeof(header[0]); i++) {
		if (!(wanted & header[i].bit))
			continue;
		probe->frame[next_at] = header[i].proto;
		next_at = probe->len;
		put8(probe, 0);
		put8(probe, 0);			/* 8 bytes; AH: as many */
		if (header[i].proto == IPPROTO_ROUTING)
			put16(probe, 4 << 8);	/* segment routing, none left */
		else
			put16(probe, header[i].bit == SHUNT_EXT_FRAG ? frag :
				     header[i].bit == SHUNT_EXT_AH ? 0 : 0x0104);	/* PadN */
		put32(probe, 0);
	}
	probe->frame[next_at] = said->proto;
}

static void put_ip6(struct probe *probe, const struct said *said)
{
	size_t off = probe->len;
	uint16_t len;

	put32(probe, 6 << 28 | (uint32_t)said_value(said, EXPR_DSCP, 0) << 22);
	put16(probe, 0);
	put8(probe, 0);
	put8(probe, said_value(said, EXPR_TTL, TTL_DEFAULT));
	put_addr6(probe, said, EXPR_IP6_SADDR, 1);
	put_addr6(probe, said, EXPR_IP6_DADDR, 2);
	put_chain6(probe, said, off + 6);
	put_l4(probe, said);
	len = end_length(probe, said, off + 40);
	probe->frame[off + 4] = len >> 8;
	probe->frame[off + 5] = len;
}

/* ---- the whole ---------------------------------------------------------------------------- */

static int probe_check(const struct said *said, struct err *err)
{
	const struct expr_rule *rule = said->rule;
	unsigned int i;

	for (i = 0; i < rule->n; i++) {
		if (rule->match[i].set || rule->n_concats || rule->vmap)
			return err_set(err, -EINVAL, "a packet has values, not sets.");
		if (rule->match[i].field == EXPR_PAYLOAD)
			return err_set(err, -EINVAL, "a packet comes with the bytes of its "
				       "headers: give it in hexadecimal.");
		if (rule->match[i].field >= EXPR_CT_IP_SADDR)
			return err_set(err, -EINVAL, "a packet that is tried is in no flow table: "
				       "its flow's ends are its own.");
		if (rule->match[i].field_mask && rule->match[i].field != EXPR_CT_STATUS)
			return err_set(err, -EINVAL, "a packet has a mark, not bits of one.");
	}
	return 0;
}

/* Of a bare list each bit of it; else those that are to be set */
static uint8_t status_of(const struct expr_match *match)
{
	if (match->negated)
		return match->field_mask & ~match->interval->first.lo;
	return match->interval->first.lo;
}

static void give(const struct said *said, struct filter_given *given)
{
	const struct expr_match *direction = said_match(said, EXPR_CT_DIRECTION);
	const struct expr_match *status = said_match(said, EXPR_CT_STATUS);

	given->mark = said_value(said, EXPR_MARK, 0);
	given->ct_mark = said_value(said, EXPR_CT_MARK, 0);
	given->ct_zone = said_value(said, EXPR_CT_ZONE, 0);
	given->ct_state = said_value(said, EXPR_CT_STATE,
				     direction || status ? SHUNT_CT_ESTABLISHED : SHUNT_CT_NONE);
	given->ct_flags = said_value(said, EXPR_CT_DIRECTION, 0) ? SHUNT_CT_REPLY : 0;
	if (status)
		given->ct_status = status_of(status);
}

int probe_build(const char *text, struct diags *diags, struct probe *ret_probe, struct err *err)
{
	struct said said = {};
	struct expr_rule rule;
	uint64_t type;
	int r;

	r = expr_parse(arena_printf(diags->arena, "%s accept", text), "", diags, &rule);
	if (r < 0)
		return r;
	said.rule = &rule;
	r = probe_check(&said, err);
	if (r < 0)
		return r;
	type = said_value(&said, EXPR_ETHER_TYPE, ETH_P_IP);
	said.ip6 = rule.families == EXPR_FAMILY_6 || type == ETH_P_IPV6;
	said.not_ip = type != ETH_P_IP && type != ETH_P_IPV6;
	said.proto = said_value(&said, EXPR_PROTO, PROTO_NONE);
	said.frag = said_value(&said, EXPR_FRAG, SHUNT_FRAG_NONE);
	*ret_probe = (struct probe){};
	if (said_match(&said, EXPR_IIF) && said_match(&said, EXPR_IIF)->n_names)
		ret_probe->iif = said_match(&said, EXPR_IIF)->name[0];
	give(&said, &ret_probe->given);
	put_ether(ret_probe, &said);
	if (said.not_ip)
		put_zeros(ret_probe, 46);
	else if (said.ip6)
		put_ip6(ret_probe, &said);
	else
		put_ip4(ret_probe, &said);
	if (ret_probe->len < ETH_ZLEN)
		put_zeros(ret_probe, ETH_ZLEN - ret_probe->len);
	return ret_probe->len <= PROBE_BYTES_MAX ? 0 :
	       err_set(err, -EINVAL, "a packet of %zu bytes is too long.", ret_probe->len);
}

static int hex_digit(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	c = tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int probe_hex(const char *text, struct probe *ret_probe, struct err *err)
{
	int high = -1, digit;

	*ret_probe = (struct probe){};
	for (; *text; text++) {
		if (isspace((unsigned char)*text) || *text == ':')
			continue;
		digit = hex_digit(*text);
		if (digit < 0)
			return err_set(err, -EINVAL, "'%c' is no hexadecimal digit.", *text);
		if (high < 0) {
			high = digit;
			continue;
		}
		put8(ret_probe, high << 4 | digit);
		high = -1;
	}
	if (high >= 0 || ret_probe->len < ETH_HLEN || ret_probe->len > PROBE_BYTES_MAX)
		return err_set(err, -EINVAL, "a frame has %d to %d whole bytes, not %zu.", ETH_HLEN,
			       PROBE_BYTES_MAX, ret_probe->len);
	return 0;
}
