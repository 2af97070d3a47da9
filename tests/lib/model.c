// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* model.c - what a filter must do with a packet, said a second time */
#include <string.h>

#include "model.h"

static unsigned int get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

/* A fault that a first fragment has only because it ends there is the fragment's */
static void cut(struct model_packet *k, const char *reason)
{
	if (k->frag != MODEL_FIRST)
		k->malformed = reason;
	else
		k->malformed = k->version == 4 ? "ip4_frag" : "ip6_frag";
}

/* ---- behind IP ---- */
static void parse_tcp(struct model_packet *k, const uint8_t *p, size_t have)
{
	unsigned int words, f;

	if (have < 20) {
		cut(k, "tcp_short");
		return;
	}
	words = p[12] >> 4;
	f = p[13];
	k->flags = f;
	if (words < 5)
		k->malformed = "tcp_doff";
	else if (4 * words > have)
		cut(k, "tcp_doff");
	else if ((f & 63) == 0)				/* none */
		k->malformed = "tcp_flags";
	else if ((f & 2) && ((f & 1) || (f & 4)))	/* SYN with FIN, with RST */
		k->malformed = "tcp_flags";
	else if ((f & 63) == 1 + 8 + 32)		/* FIN, PSH, URG */
		k->malformed = "tcp_flags";
}

static void parse_udp(struct model_packet *k, const uint8_t *p, size_t have)
{
	unsigned int len;

	if (have < 8) {
		cut(k, "udp_short");
		return;
	}
	len = get16(p + 4);
	if (len < 8)
		k->malformed = "udp_len";
	else if (k->frag == MODEL_WHOLE && len > have)
		k->malformed = "udp_len";
}

static void parse_l4(struct model_packet *k, const uint8_t *frame)
{
	const uint8_t *p = frame + k->l4_off;
	bool icmp = (k->version == 4 && k->proto == 1) || (k->version == 6 && k->proto == 58);

	if (k->frag == MODEL_LATER)
		return;
	if (k->proto == 6)
		parse_tcp(k, p, k->l4_len);
	else if (k->proto == 17)
		parse_udp(k, p, k->l4_len);
	else if (k->proto == 132 && k->l4_len < 12)
		cut(k, "sctp_short");
	else if (icmp && k->l4_len < 8)
		cut(k, "icmp_short");
	if (k->malformed)
		return;
	if (icmp) {
		k->l4 = true;
		k->icmp_type = p[0];
		k->icmp_code = p[1];
	} else if (k->proto == 6 || k->proto == 17 || k->proto == 132) {
		k->l4 = true;
		k->sport = get16(p);
		k->dport = get16(p + 2);
	}
}

/* ---- IPv4: RFC 791 ---- */
static bool options_good(const uint8_t *opt, size_t len)
{
	size_t at = 0;

	while (at < len && opt[at] != 0) {
		if (opt[at] == 1) {
			at++;
			continue;
		}
		if (opt[at] == 131 || opt[at] == 137)	/* loose, strict source route */
			return false;
		if (at + 1 == len || opt[at + 1] < 2 || at + opt[at + 1] > len)
			return false;
		at += opt[at + 1];
	}
	return true;
}

static void parse_ip4(struct model_packet *k, const uint8_t *frame, size_t off, size_t have)
{
	const uint8_t *p = frame + off;
	size_t header, total, start;

	if (have < 20) {
		k->malformed = "ip4_short";
		return;
	}
	header = (p[0] & 15) * 4;
	total = get16(p + 2);
	if (p[0] >> 4 != 4)
		k->malformed = "ip4_version";
	else if (header < 20 || header > total)
		k->malformed = "ip4_ihl";
	else if (total > have)
		k->malformed = "ip4_len";
	else if (!options_good(p + 20, header - 20))
		k->malformed = "ip4_opt";
	if (k->malformed)
		return;
	k->version = 4;
	memcpy(k->saddr, p + 12, 4);
	memcpy(k->daddr, p + 16, 4);
	k->proto = p[9];
	k->l4_off = off + header;
	k->l4_len = total - header;
	start = (get16(p + 6) & 8191) * 8;
	if (start)
		k->frag = MODEL_LATER;
	else if (p[6] & 0x20)
		k->frag = MODEL_FIRST;
	if (k->frag != MODEL_WHOLE && start + total > 65535)
		k->malformed = "ip4_frag";
	else if (k->frag == MODEL_LATER && k->proto == 6 && start < 20)
		k->malformed = "ip4_frag";
}

/* ---- IPv6: RFC 8200 ---- */
static void parse_fragment(struct model_packet *k, const uint8_t *p, size_t in_front)
{
	size_t start = get16(p + 2) / 8 * 8;
	bool more = p[3] & 1;

	if (start == 0 && !more)
		return;
	if (in_front + start + k->l4_len > 65535)
		k->malformed = "ip6_frag";
	else if (more && k->l4_len % 8 != 0)
		k->malformed = "ip6_frag";
	else
		k->frag = start ? MODEL_LATER : MODEL_FIRST;
}

/* One header of the chain, which begins at l4_off. Return: whether to go on */
static bool parse_extension(struct model_packet *k, const uint8_t *frame, unsigned int nth,
			    size_t chain, unsigned int *fragments)
{
	const uint8_t *p = frame + k->l4_off;
	unsigned int kind = k->proto;
	size_t len;

	if (kind != 0 && kind != 43 && kind != 44 && kind != 51 && kind != 60)
		return false;
	if (nth > 8)
		k->malformed = "ip6_ext_many";
	else if (kind == 0 && nth > 1)
		k->malformed = "ip6_ext_order";
	else if (k->l4_len < 8)
		cut(k, "ip6_ext_short");
	if (k->malformed)
		return false;
	len = kind == 51 ? 4 * (p[1] + 2) : kind == 44 ? 8 : 8 * (p[1] + 1);
	if (len > k->l4_len) {
		cut(k, "ip6_ext_short");
		return false;
	}
	k->proto = p[0];
	k->l4_off += len;
	k->l4_len -= len;
	if (kind == 43 && p[2] == 0)
		k->malformed = "ip6_rh0";
	if (kind == 44 && ++*fragments > 1)
		k->malformed = "ip6_frag_twice";
	else if (kind == 44)
		parse_fragment(k, p, k->l4_off - 8 - chain);
	return !k->malformed && k->frag != MODEL_LATER;
}

static void parse_ip6(struct model_packet *k, const uint8_t *frame, size_t off, size_t have)
{
	const uint8_t *p = frame + off;
	unsigned int nth = 1, fragments = 0;

	if (have < 40)
		k->malformed = "ip6_short";
	else if (p[0] >> 4 != 6)
		k->malformed = "ip6_version";
	else if (get16(p + 4) > have - 40)
		k->malformed = "ip6_len";
	if (k->malformed)
		return;
	k->version = 6;
	memcpy(k->saddr, p + 8, 16);
	memcpy(k->daddr, p + 24, 16);
	k->proto = p[6];
	k->l4_off = off + 40;
	k->l4_len = get16(p + 4);
	while (parse_extension(k, frame, nth, off + 40, &fragments))
		nth++;
}

void model_parse(const uint8_t *frame, size_t len, struct model_packet *ret_packet)
{
	struct model_packet *k = ret_packet;
	size_t off = 14;

	memset(k, 0, sizeof(*k));
	if (len < 14) {
		k->malformed = "eth_short";
		return;
	}
	k->type = get16(frame + 12);
	while (k->type == 0x8100 || k->type == 0x88a8 || k->type == 0x9100) {
		if (k->vlans == 2 || len < off + 4) {
			k->malformed = k->vlans == 2 ? "vlan_depth" : "eth_short";
			return;
		}
		k->vlans++;
		k->type = get16(frame + off + 2);
		off += 4;
	}
	if (k->type == 0x0800)
		parse_ip4(k, frame, off, len - off);
	else if (k->type == 0x86dd)
		parse_ip6(k, frame, off, len - off);
	if (!k->malformed && k->version)
		parse_l4(k, frame);
}

/* ---- rules ---- */
static bool in_ranges(const struct model_match *match, const uint8_t *value, size_t size)
{
	unsigned int i;

	for (i = 0; i < match->n; i++)
		if (memcmp(value, match->range[i].first, size) >= 0 &&
		    memcmp(value, match->range[i].last, size) <= 0)
			return !match->negated;
	return match->negated;
}

static bool number_matches(const struct model_match *match, bool has_field, unsigned int value)
{
	const uint8_t wire[2] = { value >> 8, value };

	return has_field && in_ranges(match, wire, 2);
}

static bool flags_match(const struct model_match *match, const struct model_packet *k)
{
	if (k->proto != 6 || !k->l4)
		return false;
	switch (match->op) {
	case MODEL_ANY_OF:	return (k->flags & match->value) != 0;
	case MODEL_NONE_OF:	return (k->flags & match->value) == 0;
	case MODEL_ARE:		return k->flags == match->value;
	case MODEL_ARE_NOT:	return k->flags != match->value;
	case MODEL_MASK_IS:	return (k->flags & match->mask) == match->value;
	case MODEL_MASK_IS_NOT:	return (k->flags & match->mask) != match->value;
	}
	return false;
}

static bool matches(const struct model_match *match, const struct model_packet *k)
{
	bool v4 = k->version == 4, v6 = k->version == 6;
	bool tcp = k->l4 && k->proto == 6, udp = k->l4 && k->proto == 17;
	bool sctp = k->l4 && k->proto == 132;
	bool icmp = v4 && k->l4 && k->proto == 1, icmpv6 = v6 && k->l4 && k->proto == 58;

	switch (match->field) {
	case MODEL_IP_SADDR:	return v4 && in_ranges(match, k->saddr, 4);
	case MODEL_IP_DADDR:	return v4 && in_ranges(match, k->daddr, 4);
	case MODEL_IP6_SADDR:	return v6 && in_ranges(match, k->saddr, 16);
	case MODEL_IP6_DADDR:	return v6 && in_ranges(match, k->daddr, 16);
	case MODEL_IP_PROTOCOL:	return number_matches(match, v4, k->proto);
	case MODEL_IP6_NEXTHDR:	return number_matches(match, v6, k->proto);
	case MODEL_L4PROTO:	return number_matches(match, v4 || v6, k->proto);
	case MODEL_NFPROTO:	return number_matches(match, v4 || v6, k->version);
	case MODEL_TCP_SPORT:	return number_matches(match, tcp, k->sport);
	case MODEL_TCP_DPORT:	return number_matches(match, tcp, k->dport);
	case MODEL_UDP_SPORT:	return number_matches(match, udp, k->sport);
	case MODEL_UDP_DPORT:	return number_matches(match, udp, k->dport);
	case MODEL_SCTP_SPORT:	return number_matches(match, sctp, k->sport);
	case MODEL_SCTP_DPORT:	return number_matches(match, sctp, k->dport);
	case MODEL_TH_SPORT:	return number_matches(match, tcp || udp || sctp, k->sport);
	case MODEL_TH_DPORT:	return number_matches(match, tcp || udp || sctp, k->dport);
	case MODEL_TCP_FLAGS:	return flags_match(match, k);
	case MODEL_ICMP_TYPE:	return number_matches(match, icmp, k->icmp_type);
	case MODEL_ICMP_CODE:	return number_matches(match, icmp, k->icmp_code);
	case MODEL_ICMPV6_TYPE:	return number_matches(match, icmpv6, k->icmp_type);
	case MODEL_ICMPV6_CODE:	return number_matches(match, icmpv6, k->icmp_code);
	case MODEL_FRAG:	return number_matches(match, v4 || v6, k->frag);
	case MODEL_FIELDS:	break;
	}
	return false;
}

const char *model_filter(const struct model_filter *filter, const struct model_packet *packet,
			 unsigned int *ret_rule)
{
	unsigned int i, j;

	*ret_rule = 0;
	if (packet->type == 0x0806)
		return "accept";		/* ARP, whatever the rules say */
	for (i = 0; i < filter->n; i++) {
		const struct model_rule *rule = &filter->rule[i];

		for (j = 0; j < rule->n && matches(&rule->match[j], packet); j++)
			;
		if (j < rule->n)
			continue;
		*ret_rule = i + 1;
		return rule->edge;
	}
	return filter->fallback;
}
