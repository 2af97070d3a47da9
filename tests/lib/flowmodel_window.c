// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * flowmodel_window.c - sequence numbers that a connection can have
 *
 * DOC: From what both ends have said follows what each may say next (van Rooij, 'Real stateful TCP
 * packet filtering in IP Filter', 2000): it sends nothing above what the other one has room for,
 * nothing that lies more than the other's largest window below what it sent, and acknowledges
 * neither what was not sent nor what is older than its own largest window, or 66000 bytes.
 * Numbers are compared as distances: RFC 9293 3.4.
 */
#include <string.h>

#include "flowmodel.h"

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };
enum { OPT_END = 0, OPT_NOP = 1, OPT_SCALE = 3 };

#define OLD_ACK		66000
#define SCALE_MAX	14	/* RFC 7323 2.3 */

struct segment {
	uint32_t seq, len;	/* len: SYN and FIN are one each */
	uint32_t ack;
	uint32_t window;
	int scale;		/* -1: no such option */
	bool syn, has_ack, rst;
};

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/* RFC 9293 3.1, RFC 7323 2.2. What is broken ends the options, as in Linux */
static int read_scale(const uint8_t *p, size_t len)
{
	size_t i = 0;

	while (i < len && p[i] != OPT_END) {
		if (p[i] == OPT_NOP) {
			i++;
			continue;
		}
		if (i + 3 > len || p[i + 1] < 2)	/* no room for a value in any of these */
			return -1;
		if (p[i] == OPT_SCALE && p[i + 1] == 3)
			return p[i + 2] > SCALE_MAX ? SCALE_MAX : p[i + 2];
		i += p[i + 1];
	}
	return -1;
}

static void segment_read(const struct model_packet *packet, struct segment *ret)
{
	const uint8_t *tcp = packet->frame + packet->l4_off;
	size_t header = (tcp[12] >> 4) * 4;

	ret->syn = packet->flags & SYN;
	ret->rst = packet->flags & RST;
	ret->has_ack = packet->flags & ACK;
	ret->seq = get32(tcp + 4);
	ret->ack = get32(tcp + 8);
	ret->window = tcp[14] << 8 | tcp[15];
	ret->len = packet->l4_len - header + ret->syn + !!(packet->flags & FIN);
	ret->scale = ret->syn ? read_scale(tcp + 20, header - 20) : -1;
}

/* How far @a is ahead of @b; less than 0: behind */
static int64_t ahead(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

static uint32_t at_least_1(uint32_t window)
{
	return window ? window : 1;	/* a probe may be sent into a closed window */
}

static void begin(struct flowmodel_seqs *seqs, const struct segment *s)
{
	memset(seqs, 0, sizeof(*seqs));
	seqs->sent[0] = seqs->room[0] = s->seq + s->len;
	seqs->window[0] = at_least_1(s->window);
	seqs->scale[0] = s->scale;
}

void flowmodel_window_first(struct flowmodel_flow *flow, const struct model_packet *packet)
{
	struct segment s;

	if (packet->proto != 6)
		return;
	segment_read(packet, &s);
	begin(&flow->seqs, &s);
}

/* Who was asked says its first number; scales hold if both have offered one (RFC 7323 2.2) */
static void answer(struct flowmodel_seqs *seqs, const struct segment *s)
{
	bool both = seqs->scale[0] >= 0 && s->scale >= 0;

	seqs->scale[0] = both ? seqs->scale[0] : 0;
	seqs->scale[1] = both ? s->scale : 0;
	seqs->sent[1] = s->seq + s->len;
	seqs->room[1] = seqs->sent[1] + seqs->window[0];
	seqs->window[1] = at_least_1(s->window);
	if (s->has_ack)
		seqs->room[0] = s->ack + at_least_1(s->window);
}

/* As long as only one end's numbers are known */
static bool opening(struct flowmodel_seqs *seqs, bool reply, const struct segment *s)
{
	if (!reply) {
		if (s->syn)
			begin(seqs, s);
		return true;
	}
	if (s->has_ack ? s->ack != seqs->sent[0] : s->rst)
		return false;		/* RFC 9293 3.10.7.3: of no use to who sent the SYN */
	if (s->syn)
		answer(seqs, s);
	return true;
}

static bool may_be(const struct flowmodel_seqs *seqs, int from, const struct segment *s,
		   uint32_t ack)
{
	int64_t old = seqs->window[from] > OLD_ACK ? seqs->window[from] : OLD_ACK;

	if (ahead(s->seq, seqs->room[from]) > 0)
		return false;
	if (ahead(s->seq + s->len, seqs->sent[from] - seqs->window[!from]) < 0)
		return false;
	return ahead(ack, seqs->sent[!from]) <= 0 && ahead(ack, seqs->sent[!from]) >= -old;
}

static void learn(struct flowmodel_seqs *seqs, int from, const struct segment *s, uint32_t ack)
{
	uint32_t window = s->window;

	if (!s->syn && seqs->scale[from] > 0)
		window <<= seqs->scale[from];
	if (ahead(s->seq + s->len, seqs->sent[from]) > 0)
		seqs->sent[from] = s->seq + s->len;
	if (s->rst)
		return;
	if (window > seqs->window[from])
		seqs->window[from] = window;
	if (ahead(ack + at_least_1(window), seqs->room[!from]) > 0)
		seqs->room[!from] = ack + at_least_1(window);
}

bool flowmodel_window(struct flowmodel_flow *flow, bool reply, const struct model_packet *packet)
{
	struct flowmodel_seqs *seqs = &flow->seqs;
	struct segment s;
	uint32_t ack;

	if (flow->picked_up)		/* nobody knows the scales */
		return true;
	segment_read(packet, &s);
	if (flow->state == FLOW_SYN_SENT)
		return opening(seqs, reply, &s);
	/* Some resets say that they acknowledge 0 */
	ack = s.has_ack && !(s.rst && !s.ack) ? s.ack : seqs->sent[!reply];
	if (!may_be(seqs, reply, &s, ack))
		return false;
	learn(seqs, reply, &s, ack);
	return true;
}
