// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * flowmodel_rewrite.c - a translated flow's packet as it goes on, byte by byte
 *
 * DOC: First the bytes, then the checksums over them: each one is what it was, by as much further as what
 * it covers now has another sum (RFC 1624), so that one which was wrong stays as wrong.
 */
#include <string.h>

#include "flowmodel_nat.h"

enum { ICMP = 1, TCP = 6, UDP = 17, DCCP = 33, ICMP6 = 58, UDPLITE = 136 };

/* A packet, or one that an error quotes, as it was and as it becomes */
struct body {
	const uint8_t *was;
	uint8_t *now;
	unsigned int version, proto;
	size_t ip, l4, end;		/* l4: 0: there is none */
};

static unsigned int get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static void put16(uint8_t *p, unsigned int value)
{
	p[0] = value >> 8;
	p[1] = value;
}

/* Sum of 16 bit words, by which numbers are compared: modulo 0xffff (RFC 1071) */
static unsigned long sum(const uint8_t *p, size_t len)
{
	unsigned long s = 0;
	size_t i;

	for (i = 0; i < len; i++)
		s += i % 2 ? p[i] : p[i] << 8;
	return s % 0xffff;
}

static size_t addrs_off(const struct body *b)
{
	return b->ip + (b->version == 4 ? 12 : 8);
}

static size_t addrs_len(const struct body *b)
{
	return b->version == 4 ? 8 : 32;
}

/* From the L4 header on; 0: it has none that is kept right */
static size_t check_off(const struct body *b)
{
	switch (b->proto) {
	case TCP:
		return 16;
	case UDP: case UDPLITE: case DCCP:
		return 6;
	case ICMP:
		return b->version == 4 ? 2 : 0;
	case ICMP6:
		return b->version == 6 ? 2 : 0;
	}
	return 0;
}

static unsigned long addrs_sum(const struct body *b, const uint8_t *bytes)
{
	if (b->proto == ICMP && b->version == 4)	/* no pseudo header */
		return 0;
	return sum(bytes + addrs_off(b), addrs_len(b));
}

/* The checksum at @at, where what it covers had sum @was and has @now */
static void move_check(uint8_t *at, unsigned long was, unsigned long now)
{
	unsigned long s = (0xffff - get16(at)) + 0xffff - was % 0xffff + now;

	s %= 0xffff;
	put16(at, s ? 0xffff - s : 0);
}

static void put_addrs(struct body *b, const struct flowmodel_end *src,
		      const struct flowmodel_end *dst)
{
	size_t len = addrs_len(b) / 2;
	uint8_t *at = b->now + addrs_off(b);

	memcpy(at, src->addr, len);
	memcpy(at + len, dst->addr, len);
	if (b->version == 4)
		move_check(b->now + b->ip + 10, sum(b->was + addrs_off(b), addrs_len(b)),
			   sum(at, addrs_len(b)));
}

/* Ports, or a query's id */
static void put_ports(struct body *b, const struct flowmodel_key *key, unsigned int sport,
		      unsigned int dport)
{
	if (key->kind) {
		put16(b->now + b->l4 + 4, sport);
	} else if (key->proto == TCP || key->proto == UDP) {
		put16(b->now + b->l4, sport);
		put16(b->now + b->l4 + 2, dport);
	}
}

/* Only the pseudo header is added up: the device does the rest */
static bool waits(const struct body *b)
{
	uint8_t tail[4] = { 0, b->proto, (b->end - b->l4) >> 8, b->end - b->l4 };
	unsigned long pseudo = addrs_sum(b, b->was) + sum(tail, 4);
	unsigned int check = get16(b->was + b->l4 + check_off(b));

	if ((b->proto != TCP && b->proto != UDP) || check % 0xffff != pseudo % 0xffff)
		return false;
	return (sum(b->was + b->l4, b->end - b->l4) + pseudo) % 0xffff;
}

/* The L4 checksum, behind all else. @devices: it may be one that waits */
static void put_check(struct body *b, bool devices)
{
	size_t off = check_off(b);
	unsigned long pseudo_was = addrs_sum(b, b->was), pseudo_now = addrs_sum(b, b->now);
	uint8_t *at = b->now + b->l4 + off;

	if (!off || b->l4 + off + 2 > b->end)
		return;
	if (b->proto == UDP && !get16(at))
		return;
	if (devices && waits(b)) {
		put16(at, ~get16(at));
		move_check(at, pseudo_was, pseudo_now);
		put16(at, ~get16(at));
	} else {
		move_check(at, pseudo_was + sum(b->was + b->l4, b->end - b->l4),
			   pseudo_now + sum(b->now + b->l4, b->end - b->l4));
	}
	if (b->proto == UDP && !get16(at))
		put16(at, 0xffff);
}

static void body_of(const struct model_packet *packet, uint8_t *bytes, struct body *ret)
{
	*ret = (struct body){
		.was = packet->frame, .now = bytes, .version = packet->version,
		.proto = packet->proto, .ip = packet->l3_off, .l4 = packet->l4_off,
		.end = packet->l4_off + packet->l4_len,
	};
	if (packet->frag == MODEL_LATER)
		ret->l4 = 0;
}

/* What goes to the originator quotes what it sent, as it is outside; the other way round, a reply */
static void rewrite_error(const struct flowmodel_flow *flow, const struct model_packet *packet,
			  bool reply, uint8_t *bytes)
{
	const struct flowmodel_end *src = reply ? &flow->key.end[0] : &flow->outside.end[1];
	const struct flowmodel_end *dst = reply ? &flow->key.end[1] : &flow->outside.end[0];
	struct flowmodel_end from = { 0 };
	struct flowmodel_key quoted = { 0 };
	struct body whole, quote;

	body_of(packet, bytes, &whole);
	quote = whole;
	quote.ip = whole.l4 + 8;
	quote.l4 = flowmodel_quoted(packet, &quoted);
	quote.proto = quoted.proto;
	put_addrs(&quote, src, dst);
	put_ports(&quote, &flow->key, src->port, dst->port);
	put_check(&quote, false);
	/* It goes to who sent that packet. Who is behind a translation does not show */
	memcpy(from.addr, packet->saddr, 16);
	put_addrs(&whole, (reply ? flow->dnat : flow->snat) ? dst : &from, src);
	put_check(&whole, false);
}

void flownat_rewrite(const struct flowmodel_outcome *outcome, const struct model_packet *packet,
		     bool devices, uint8_t *bytes)
{
	const struct flowmodel_flow *flow = outcome->flow;
	const struct flowmodel_end *src, *dst;
	struct body b;

	if (outcome->quoted) {
		rewrite_error(flow, packet, outcome->reply, bytes);
		return;
	}
	src = outcome->reply ? &flow->key.end[1] : &flow->outside.end[0];
	dst = outcome->reply ? &flow->key.end[0] : &flow->outside.end[1];
	body_of(packet, bytes, &b);
	put_addrs(&b, src, dst);
	if (!b.l4)
		return;
	put_ports(&b, &flow->key, src->port, dst->port);
	put_check(&b, devices && packet->frag == MODEL_WHOLE);
}
