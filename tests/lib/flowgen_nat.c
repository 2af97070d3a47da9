// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* flowgen_nat.c - packets of translated flows, as they are on either side, and many for few ports */
#include <string.h>

#include "flowgen.h"
#include "flowtag.h"

enum { ICMP = 1, TCP = 6, UDP = 17, ICMP6 = 58 };

static bool chance(struct flowgen *gen, unsigned int percent)
{
	return flowgen_below(gen, 100) < percent;
}

/* Numbers whose two low bits are both set have no timeouts of their own: FLOWTAG_POLICY() */
static unsigned int random_number(struct flowgen *gen)
{
	unsigned int number;

	do
		number = flowgen_below(gen, 8) << 2 | flowgen_below(gen, 3);
	while (gen->numbers && !(gen->numbers >> number & 1));
	return number;
}

unsigned int flowgen_nat_tos(struct flowgen *gen, unsigned int zone)
{
	unsigned int tos = zone ? FLOWTAG_ZONE : 0;

	if (chance(gen, 5))
		tos |= FLOWTAG_REFUSED;
	else if (chance(gen, 1))
		tos |= FLOWTAG_NOTRACK;
	if (gen->burst)
		return tos | gen->number << 3;
	return tos | (chance(gen, 85) ? random_number(gen) << 3 : 0);
}

/* Bounds of what ports are kept among, and those around the ranges that tests give */
void flowgen_nat_port(struct flowgen *gen, struct flowmodel_end *end)
{
	static const unsigned int ports[] = { 0, 1, 511, 512, 550, 599, 600, 1023, 1024, 65535 };

	if (chance(gen, 20))
		end->port = ports[flowgen_below(gen, 10)];
	else if (chance(gen, 25))
		end->port = 250 + flowgen_below(gen, 48);
}

/* Many sources to one target, so that what can be given is soon gone */
void flowgen_nat_burst(struct flowgen *gen, struct flowmodel_key *key)
{
	if (!gen->burst && flowgen_below(gen, 12) == 0) {
		gen->burst = 8 + flowgen_below(gen, 90);
		gen->number = random_number(gen);
		gen->target = *key;
	}
	if (!gen->burst)
		return;
	gen->burst--;
	key->version = gen->target.version;
	key->proto = gen->target.proto;
	key->kind = gen->target.kind;
	key->zone = gen->target.zone;
	key->end[1] = gen->target.end[1];
	if (key->version == 4)
		memcpy(key->end[0].addr, (uint8_t[16]){ 10, 0, 1, 2 + flowgen_below(gen, 2) }, 16);
	else
		memcpy(key->end[0].addr, (uint8_t[16]){ 0xfd, [6] = 1 + flowgen_below(gen, 2) }, 16);
	key->end[0].port = chance(gen, 80) ? 250 + flowgen_below(gen, 48) : gen->target.end[0].port;
	if (key->kind)
		key->end[1].port = key->end[0].port;
	else if (key->proto != TCP && key->proto != UDP && key->proto != 132)
		key->end[0].port = 0;
}

static void turn(struct flowmodel_key *key)
{
	struct flowmodel_end end = key->end[0];

	key->end[0] = key->end[1];
	key->end[1] = end;
}

void flowgen_nat_side(struct flowgen *gen, struct flowmodel *model, bool behind,
		      struct flowmodel_key *key)
{
	struct flowmodel_key ask = *key;
	struct flowmodel_flow *flow;
	bool reply;

	flow = flowmodel_find(model, &ask, &reply);
	if (!flow && key->kind) {
		ask.answer = true;
		flow = flowmodel_find(model, &ask, &reply);
	}
	if (!flow || (!flow->snat && !flow->dnat) || chance(gen, 8))
		return;
	*key = reply != behind ? flow->outside : flow->key;
	if (reply)
		turn(key);
}

static uint32_t pseudo(const struct pkt *p, size_t off, unsigned int proto)
{
	bool four = p->data[14] >> 4 == 4;
	uint8_t tail[4] = { 0, proto, (p->len - off) >> 8, p->len - off };

	return pkt_sum(tail, 4, pkt_sum(p->data + (four ? 26 : 22), four ? 8 : 32, 0));
}

void flowgen_nat_check(struct flowgen *gen, const struct flowmodel_key *key, struct pkt *p)
{
	size_t off, at;
	unsigned int what = flowgen_below(gen, 100);

	if ((key->proto != TCP && key->proto != UDP) || what >= 12)
		return;
	off = pkt_off(p, key->proto == TCP ? PKT_TCP : PKT_UDP, 0);
	at = off + (key->proto == TCP ? 16 : 6);
	if (gen->whole) {
		if (key->proto == UDP)
			pkt_set16(p, at, 0);
	} else if (what < 7) {		/* it waits for a device */
		pkt_set16(p, at, ~pkt_checksum(NULL, 0, pseudo(p, off, key->proto)));
	} else if (what < 10 && key->proto == UDP) {
		pkt_set16(p, at, 0);
	} else {
		pkt_set16(p, at, flowgen_below(gen, 3) ? flowgen_below(gen, 65536) : 0xffff);
	}
}
