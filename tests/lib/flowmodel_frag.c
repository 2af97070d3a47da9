// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* flowmodel_frag.c - datagrams that come in pieces (RFC 791, RFC 8200 4.5, RFC 5722) */
#include <stdlib.h>
#include <string.h>

#include "flowmodel.h"

struct flowmodel_datagram {
	struct flowmodel_datagram *next;
	uint8_t saddr[16], daddr[16];
	unsigned int version, zone;
	unsigned int protocol;		/* IPv4: of its header, tells datagrams apart */
	uint32_t id;
	int64_t over;			/* when it is forgotten */
	bool refused;			/* pieces overlapped */
	struct flowmodel_key key;	/* of the first one */
	bool seen[65536 / 8 + 1];	/* by 8 bytes */
};

struct piece {
	uint32_t id;
	size_t first, end;		/* in units of 8 bytes */
};

static unsigned int get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void piece_units(struct piece *piece, size_t start, size_t len)
{
	piece->first = start / 8;
	piece->end = len ? (start + len + 7) / 8 : piece->first;
}

static void piece_read(const struct model_packet *packet, struct piece *ret_piece)
{
	const uint8_t *ip = packet->frame + packet->l3_off, *p;
	size_t off = 40;
	unsigned int kind;

	if (packet->version == 4) {
		ret_piece->id = get16(ip + 4);
		piece_units(ret_piece, (get16(ip + 6) & 0x1fff) * 8,
			    get16(ip + 2) - (ip[0] & 15) * 4);
		return;
	}
	for (kind = ip[6]; kind != 44; kind = p[0]) {
		p = ip + off;
		off += kind == 51 ? 4 * (p[1] + 2) : 8 * (p[1] + 1);
	}
	p = ip + off;
	ret_piece->id = get32(p + 4);
	piece_units(ret_piece, get16(p + 2) & 0xfff8, 40 + get16(ip + 4) - off - 8);
}

static struct flowmodel_datagram *datagram_find(struct flowmodel *model, uint32_t id,
						const struct flowmodel_key *key)
{
	struct flowmodel_datagram **at = &model->datagrams, *d;

	while ((d = *at)) {
		if (d->over <= model->now) {
			*at = d->next;
			free(d);
			continue;
		}
		if (d->id == id && d->zone == key->zone && d->version == key->version &&
		    (d->version == 6 || d->protocol == key->proto) &&
		    !memcmp(d->saddr, key->end[0].addr, 16) &&
		    !memcmp(d->daddr, key->end[1].addr, 16))
			return d;
		at = &d->next;
	}
	return NULL;
}

static struct flowmodel_datagram *datagram_new(struct flowmodel *model, uint32_t id,
					       const struct flowmodel_key *key)
{
	struct flowmodel_datagram *d = calloc(1, sizeof(*d));

	if (!d)
		abort();
	d->id = id;
	d->zone = key->zone;
	d->version = key->version;
	d->protocol = key->proto;
	memcpy(d->saddr, key->end[0].addr, 16);
	memcpy(d->daddr, key->end[1].addr, 16);
	d->key = *key;
	d->over = model->now + model->datagram_life;
	d->next = model->datagrams;
	model->datagrams = d;
	return d;
}

bool flowmodel_fragment(struct flowmodel *model, const struct model_packet *packet, bool may_begin,
			struct flowmodel_key *key, const char **ret_why)
{
	struct flowmodel_datagram *d;
	struct piece piece;
	size_t i;

	piece_read(packet, &piece);
	d = datagram_find(model, piece.id, key);
	if (!d && packet->frag == MODEL_FIRST && !may_begin)
		return true;
	if (!d && packet->frag == MODEL_FIRST)
		d = datagram_new(model, piece.id, key);
	if (!d) {
		*ret_why = "the first piece was not seen";
		model->stat[FLOWSTAT_FRAG_UNKNOWN]++;
		return false;
	}
	for (i = piece.first; i < piece.end; i++)
		d->refused |= d->seen[i];
	if (d->refused) {
		*ret_why = "pieces overlap";
		model->stat[FLOWSTAT_FRAG_OVERLAP]++;
		return false;
	}
	for (i = piece.first; i < piece.end; i++)
		d->seen[i] = true;
	if (packet->frag == MODEL_LATER)
		*key = d->key;
	return true;
}

void flowmodel_forget(struct flowmodel *model)
{
	struct flowmodel_datagram *d;

	while ((d = model->datagrams)) {
		model->datagrams = d->next;
		free(d);
	}
}
