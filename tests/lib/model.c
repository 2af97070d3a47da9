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
	k->length = total;
	k->tos = p[1];
	k->ttl = p[8];
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

static unsigned int extension_bit(unsigned int kind)
{
	switch (kind) {
	case 0:		return MODEL_EXT_HBH;
	case 43:	return MODEL_EXT_RT;
	case 44:	return MODEL_EXT_FRAG;
	case 51:	return MODEL_EXT_AH;
	}
	return MODEL_EXT_DST;
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
	k->extensions |= extension_bit(kind);
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
	k->length = get16(p + 4);
	k->tos = (p[0] & 15) << 4 | p[1] >> 4;
	k->ttl = p[7];
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
	k->frame = frame;
	k->len = len;
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
		if (!k->vlans++)
			k->tci = get16(frame + off);
		k->type = get16(frame + off + 2);
		off += 4;
	}
	k->l3_off = off;
	if (k->type == 0x0800)
		parse_ip4(k, frame, off, len - off);
	else if (k->type == 0x86dd)
		parse_ip6(k, frame, off, len - off);
	if (!k->malformed && k->version)
		parse_l4(k, frame);
}
