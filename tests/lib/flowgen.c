// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* flowgen.c - random packets of few flows, so that each of their states is met often */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "flowgen.h"
#include "flowtag.h"

/* unit.h needs cmocka */
uint64_t unit_random(uint64_t *state);

enum { TCP = 6, UDP = 17, SCTP = 132 };
enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32 };

unsigned int flowgen_below(struct flowgen *gen, unsigned int n)
{
	return (unit_random(&gen->random) >> 33) % n;
}

static bool chance(struct flowgen *gen, unsigned int percent)
{
	return flowgen_below(gen, 100) < percent;
}

void flowgen_init(struct flowgen *gen, uint64_t seed)
{
	memset(gen, 0, sizeof(*gen));
	gen->random = seed;
}

static unsigned int icmp_proto(unsigned int version)
{
	return version == 4 ? 1 : 58;
}

/* ---- flows ---- */
static void random_end(struct flowgen *gen, unsigned int version, struct flowmodel_end *end)
{
	/* Neither order of bytes nor of numbers is that of all of these */
	static const uint8_t hosts[][2] = { { 1, 2 }, { 2, 1 }, { 0, 255 }, { 255, 0 } };
	static const unsigned int ports[] = { 1, 256, 80, 0xff00, 0x00ff, 65535 };
	const uint8_t *host = hosts[flowgen_below(gen, 4)];

	memset(end, 0, sizeof(*end));
	if (version == 4) {
		memcpy(end->addr, "\x0a\x00", 2);
		memcpy(end->addr + 2, host, 2);
	} else {
		memcpy(end->addr, "\xfd", 1);
		memcpy(end->addr + (host[0] & 1 ? 6 : 14), host, 2);
	}
	end->port = ports[flowgen_below(gen, 6)];
	if (gen->nat)
		flowgen_nat_port(gen, end);
}

static void random_key(struct flowgen *gen, struct flowmodel_key *key)
{
	static const unsigned int protos[] = { TCP, TCP, TCP, TCP, TCP, UDP, UDP, 1, 99, SCTP };
	unsigned int proto = protos[flowgen_below(gen, 10)];

	memset(key, 0, sizeof(*key));
	key->version = chance(gen, 55) ? 4 : 6;
	key->proto = proto == 1 ? icmp_proto(key->version) : proto;
	key->zone = !gen->whole && chance(gen, 20) ? FLOWGEN_ZONE : 0;
	random_end(gen, key->version, &key->end[0]);
	random_end(gen, key->version, &key->end[1]);
	while (gen->whole && !memcmp(key->end[0].addr, key->end[1].addr, 16))
		random_end(gen, key->version, &key->end[1]);
	if (!gen->whole && chance(gen, 2))
		key->end[1] = key->end[0];
	if (proto == 1) {
		key->kind = key->version == 4 ? 1 + flowgen_below(gen, 3) : 1;
		key->end[1].port = key->end[0].port;
	} else if (proto == 99) {
		key->end[0].port = key->end[1].port = 0;
	}
}

static void turn(struct flowmodel_key *key)
{
	struct flowmodel_end end = key->end[0];

	key->end[0] = key->end[1];
	key->end[1] = end;
}

/* @behind: of a translated flow, as it is behind its translation */
static void pick_key(struct flowgen *gen, struct flowmodel *model, bool behind,
		     struct flowmodel_key *ret_key)
{
	struct flowmodel_key *focus = &gen->focus[flowgen_below(gen, FLOWGEN_FOCUS)];
	struct flowmodel_flow *flow = model->flows;
	unsigned int n;

	if (!focus->version || gen->burst || chance(gen, 4)) {
		if (flow && !gen->burst && chance(gen, 50)) {
			for (n = flowgen_below(gen, model->n_flows); n; n--)
				flow = flow->next;
			*focus = flow->key;
		} else {
			random_key(gen, focus);
			if (gen->nat)
				flowgen_nat_burst(gen, focus);
		}
	}
	*ret_key = *focus;
	if (!gen->burst && chance(gen, 50))
		turn(ret_key);
	if (gen->nat)
		flowgen_nat_side(gen, model, behind, ret_key);
	if (!gen->whole && chance(gen, 2))
		ret_key->zone = ret_key->zone ? 0 : FLOWGEN_ZONE;
}

/* ---- headers ---- */
static unsigned int random_tos(struct flowgen *gen, unsigned int zone)
{
	unsigned int tos = zone ? FLOWTAG_ZONE : 0;

	if (gen->nat)
		return flowgen_nat_tos(gen, zone);
	if (chance(gen, 8))
		tos |= FLOWTAG_REFUSED;
	if (chance(gen, 2))
		tos |= FLOWTAG_NOTRACK;
	if (chance(gen, 30))
		tos |= flowgen_below(gen, FLOWMODEL_POLICIES) << 3;
	if (chance(gen, 40))
		tos |= flowgen_below(gen, 8) << 5;
	return tos;
}

static void push_ip(struct flowgen *gen, struct pkt *p, const struct flowmodel_key *key,
		    unsigned int tos)
{
	char src[64], dst[64];
	int family = key->version == 4 ? AF_INET : AF_INET6;

	inet_ntop(family, key->end[0].addr, src, sizeof(src));
	inet_ntop(family, key->end[1].addr, dst, sizeof(dst));
	if (key->version == 4) {
		pkt_ip4(p, .src = src, .dst = dst, .tos = tos, .next = key->proto);
	} else if (chance(gen, 90)) {
		pkt_ip6(p, .src = src, .dst = dst, .tc = tos, .next = key->proto);
	} else {
		pkt_ip6(p, .src = src, .dst = dst, .tc = tos);
		if (gen->nat && !gen->whole && chance(gen, 15))
			pkt_routing(p, .type = 4, .addr = { src });
		pkt_dstopt(p, .len = 8 + 8 * flowgen_below(gen, 2), .next = key->proto);
	}
}

static uint8_t random_flags(struct flowgen *gen)
{
	static const uint8_t usual[] = { SYN, SYN | ACK, ACK, PSH | ACK, FIN | ACK, RST, RST | ACK,
					 ACK | URG, FIN, PSH, URG, SYN | URG, SYN | PSH,
					 SYN | ACK | URG, FIN | RST, FIN | PSH | ACK };

	return chance(gen, 90) ? usual[flowgen_below(gen, chance(gen, 70) ? 7 : 16)] :
				 flowgen_below(gen, 256);
}

/* What a well-meaning end would send */
static uint8_t likely_flags(struct flowgen *gen, const struct flowmodel_flow *flow, bool reply)
{
	if (!flow)
		return SYN;
	switch (flow->state) {
	case FLOW_SYN_SENT:
		return !reply ? SYN : chance(gen, 85) ? SYN | ACK : SYN;
	case FLOW_SYN_SENT2:
		return SYN | ACK;
	case FLOW_SYN_RECV:
		return reply ? SYN | ACK : ACK;
	case FLOW_TIME_WAIT:
	case FLOW_CLOSE:
		return chance(gen, 40) ? SYN : ACK;
	default:
		return chance(gen, 70) ? ACK : chance(gen, 70) ? FIN | ACK : PSH | ACK;
	}
}

static void push_tcp(struct flowgen *gen, struct flowmodel *model, struct pkt *p,
		     const struct flowmodel_key *key)
{
	bool reply;
	const struct flowmodel_flow *flow = flowmodel_find(model, key, &reply);
	uint8_t flags = chance(gen, 60) ? likely_flags(gen, flow, reply) : random_flags(gen);

	if (gen->window) {
		flowgen_segment(gen, flow, reply, key, flags, p);
		return;
	}
	pkt_tcp(p, .sport = key->end[0].port, .dport = key->end[1].port,
		.seq = gen->whole ? 1000 : flowgen_below(gen, 1u << 31) * 2,
		.ack = gen->whole ? 1000 : flowgen_below(gen, 1u << 31),
		.window = gen->whole ? 65535 : flowgen_below(gen, 65536), .flags = flags);
}

#define SCTP_TAG	0x11223344	/* of both ends, so that nobody need remember it */

/* A chunk as RFC 9260 3.3 has it, at least its head. Both ends have one tag */
static void push_chunk(struct pkt *p, const struct flowmodel_key *key, uint8_t type)
{
	uint8_t chunk[20] = { type, 0, 0, 4 };
	size_t len = type == 1 || type == 2 ? 20 : type == 0 ? 17 : 4;

	chunk[3] = len;
	if (type == 1 || type == 2)
		memcpy(chunk + 4, (const uint8_t[]){ 0x11, 0x22, 0x33, 0x44 }, 4);
	pkt_sctp(p, .sport = key->end[0].port, .dport = key->end[1].port,
		 .tag = type == 1 ? 0 : SCTP_TAG);
	pkt_raw(p, chunk, (len + 3) & ~3u);
}

static void push_sctp(struct flowgen *gen, struct pkt *p, const struct flowmodel_key *key)
{
	static const uint8_t types[] = { 1, 1, 1, 2, 10, 11, 0, 3, 6, 7, 8, 14 };
	uint8_t type = types[flowgen_below(gen, 12)];

	if (gen->whole || !chance(gen, 3))
		push_chunk(p, key, type);
	else
		pkt_sctp(p, .sport = key->end[0].port, .dport = key->end[1].port);
}

static void push_query(struct flowgen *gen, struct flowmodel *model, struct pkt *p,
		       const struct flowmodel_key *key)
{
	static const uint8_t types[2][4] = { { 0, 8, 13, 17 }, { 0, 0, 14, 18 } };
	struct flowmodel_key asked = *key;
	unsigned int answer;
	bool reply;

	asked.answer = true;		/* whether somebody has */
	answer = !flowmodel_find(model, &asked, &reply) == chance(gen, 15);
	if (key->version == 4)
		pkt_icmp(p, .type = types[answer][key->kind], .id = key->end[0].port, .seq = 1);
	else
		pkt_icmp6(p, .type = 128 + answer, .id = key->end[0].port, .seq = 1);
}

static void push_l4(struct flowgen *gen, struct flowmodel *model, struct pkt *p,
		    const struct flowmodel_key *key)
{
	if (key->proto == TCP)
		push_tcp(gen, model, p, key);
	else if (key->proto == UDP)
		pkt_udp(p, .sport = key->end[0].port, .dport = key->end[1].port);
	else if (key->proto == SCTP)
		push_sctp(gen, p, key);
	else if (key->kind)
		push_query(gen, model, p, key);
	else
		pkt_fill(p, 8);
}

static void build(struct flowgen *gen, struct flowmodel *model, const struct flowmodel_key *key,
		  struct pkt *p)
{
	pkt_init(p);
	pkt_eth(p);
	push_ip(gen, p, key, random_tos(gen, key->zone));
	push_l4(gen, model, p, key);
	if (gen->nat)
		flowgen_nat_check(gen, key, p);
}

/* ---- ICMP errors ---- */
static void build_error(struct flowgen *gen, struct flowmodel *model, struct pkt *p)
{
	static const uint8_t types4[] = { 3, 3, 3, 11, 12, 4, 5 }, types6[] = { 1, 2, 3, 4 };
	struct flowmodel_key key, from;
	struct pkt quote;
	size_t len;

	pick_key(gen, model, true, &key);
	build(gen, model, &key, &quote);
	from = key;
	turn(&from);
	if (chance(gen, 40))		/* a router on the way says it */
		random_end(gen, key.version, &from.end[0]);
	if (chance(gen, 8))		/* to another */
		random_end(gen, key.version, &from.end[1]);
	from.proto = icmp_proto(key.version);
	pkt_init(p);
	pkt_eth(p);
	push_ip(gen, p, &from, random_tos(gen, key.zone));
	if (key.version == 4)
		pkt_icmp(p, .type = types4[flowgen_below(gen, 7)], .code = flowgen_below(gen, 4));
	else
		pkt_icmp6(p, .type = types6[flowgen_below(gen, 4)], .code = flowgen_below(gen, 4));
	len = quote.len - 14;
	if (chance(gen, 25) && quote.len > 14 + 28)
		len = 28;
	if (chance(gen, 15))
		len = flowgen_below(gen, len + 1);
	if (chance(gen, 10))
		quote.data[14 + flowgen_below(gen, 12)] ^= 1 << flowgen_below(gen, 8);
	pkt_raw(p, quote.data + 14, len);
}

/* ---- pieces of datagrams ---- */
static void shuffle(struct flowgen *gen, struct flowgen_datagram *d)
{
	unsigned int i, j;
	uint8_t at;

	for (i = 0; i < d->pieces; i++)
		d->order[i] = i;
	if (chance(gen, 60))
		return;
	for (i = d->pieces - 1; i > 0; i--) {
		j = flowgen_below(gen, i + 1);
		at = d->order[i];
		d->order[i] = d->order[j];
		d->order[j] = at;
	}
}

static void begin_datagram(struct flowgen *gen, struct flowmodel *model,
			   struct flowgen_datagram *d)
{
	struct flowmodel_key key;

	pick_key(gen, model, false, &key);
	build(gen, model, &key, &d->whole);
	pkt_fill(&d->whole, 40 + flowgen_below(gen, 160));
	d->zone = key.zone;
	d->len = d->whole.len - (key.version == 4 ? 34 : 54);
	d->pieces = 2 + flowgen_below(gen, 3);
	d->sent = 0;
	d->id = gen->ids++ % 4093;
	shuffle(gen, d);
}

static void build_piece(struct flowgen *gen, struct flowmodel *model, struct pkt *p)
{
	struct flowgen_datagram *d = &gen->datagram[flowgen_below(gen, 3)];
	unsigned int nth, size, off, len;
	const uint8_t *ip;
	bool four;

	if (!d->len || d->sent == d->pieces)
		begin_datagram(gen, model, d);
	ip = d->whole.data + 14;
	four = ip[0] >> 4 == 4;
	nth = d->order[d->sent++];
	size = (d->len / d->pieces + 7) & ~7u;
	off = nth * size;
	if (chance(gen, 4) && d->sent > 1)
		d->sent--;		/* it comes twice */
	if (chance(gen, 4) && nth)
		off -= 8;
	if (off >= d->len)
		off = nth = 0;
	len = nth + 1 == d->pieces || off + size > d->len ? d->len - off : size;
	pkt_init(p);
	pkt_raw(p, d->whole.data, 14);
	if (four) {
		pkt_raw(p, ip, 20);
		pkt_set16(p, 16, 20 + len);
		pkt_set16(p, 18, d->id);
		pkt_set16(p, 20, off / 8 | (off + len < d->len ? 0x2000 : 0));
		pkt_raw(p, ip + 20 + off, len);
	} else {
		pkt_raw(p, ip, 40);
		pkt_set16(p, 18, 8 + len);
		pkt_set8(p, 20, 44);
		pkt_fill(p, 8);
		pkt_set16(p, 54, ip[6] << 8);
		pkt_set16(p, 56, off | (off + len < d->len));
		pkt_set32(p, 58, d->id * 0x10001);
		pkt_raw(p, ip + 40 + off, len);
	}
}

/* ---- whatever else ---- */
static void build_odd(struct flowgen *gen, struct flowmodel *model, struct pkt *p)
{
	struct flowmodel_key key;

	pick_key(gen, model, false, &key);
	pkt_init(p);
	switch (flowgen_below(gen, 3)) {
	case 0:
		pkt_eth(p, .type = 0x0806);
		pkt_fill(p, 46);
		return;
	case 1:
		key.proto = icmp_proto(key.version);
		pkt_eth(p);
		push_ip(gen, p, &key, random_tos(gen, key.zone));
		if (key.version == 4)
			pkt_icmp(p, .type = flowgen_below(gen, 20));
		else
			pkt_icmp6(p, .type = flowgen_below(gen, 20) + 125);
		return;
	case 2:
		key.proto = flowgen_below(gen, 256);
		pkt_eth(p);
		push_ip(gen, p, &key, random_tos(gen, key.zone));
		pkt_fill(p, 24);
	}
}

void flowgen_next(struct flowgen *gen, struct flowmodel *model, struct pkt *ret_packet)
{
	unsigned int what = flowgen_below(gen, 100);
	struct flowmodel_key key;

	if (gen->whole && what >= 86)
		what = 0;
	if (what < 76) {
		pick_key(gen, model, false, &key);
		build(gen, model, &key, ret_packet);
	} else if (what < 86) {
		build_error(gen, model, ret_packet);
	} else if (what < 97) {
		build_piece(gen, model, ret_packet);
	} else {
		build_odd(gen, model, ret_packet);
	}
}
