// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* flowgen_segment.c - segments whose numbers may be, or lie at the bounds of what may be */
#include <string.h>

#include "flowgen.h"

#define OLD_ACK	66000

static uint32_t random32(struct flowgen *gen)
{
	return flowgen_below(gen, 1u << 16) << 16 | flowgen_below(gen, 1u << 16);
}

/* One below, at, or one above */
static uint32_t around(struct flowgen *gen, uint32_t number)
{
	return number + flowgen_below(gen, 3) - 1;
}

static uint32_t first_number(struct flowgen *gen)
{
	static const uint32_t near[] = { 0, 0x7fffffff, 0xfffffff0, 0xffff8000, 0x80000000 };

	return flowgen_below(gen, 2) ? random32(gen) : near[flowgen_below(gen, 5)];
}

static uint32_t pick_seq(struct flowgen *gen, const struct flowmodel_seqs *seqs, int from,
			 uint32_t len)
{
	unsigned int what = flowgen_below(gen, 100);

	if (what < 62)
		return seqs->sent[from];
	if (what < 75)			/* sent again */
		return seqs->sent[from] - flowgen_below(gen, 3000);
	if (what < 84)
		return around(gen, seqs->room[from]);
	if (what < 93)
		return around(gen, seqs->sent[from] - seqs->window[!from] - len);
	return random32(gen);
}

static uint32_t pick_ack(struct flowgen *gen, const struct flowmodel_seqs *seqs, int from)
{
	uint32_t old = seqs->window[from] > OLD_ACK ? seqs->window[from] : OLD_ACK;
	unsigned int what = flowgen_below(gen, 100);

	if (what < 70)
		return seqs->sent[!from];
	if (what < 80)
		return seqs->sent[!from] - flowgen_below(gen, 3000);
	if (what < 86)
		return seqs->sent[!from] + 1;
	if (what < 93)
		return around(gen, seqs->sent[!from] - old);
	return what < 97 ? 0 : random32(gen);
}

static uint32_t pick_window(struct flowgen *gen)
{
	static const uint16_t usual[] = { 0, 1, 100, 1000, 8192, 65535 };

	return flowgen_below(gen, 3) ? usual[flowgen_below(gen, 6)] : flowgen_below(gen, 65536);
}

/* Of a SYN: a scale behind other options, in front, alone, cut short, or none. Return: their length */
static size_t pick_options(struct flowgen *gen, uint8_t *ret)
{
	static const struct { uint8_t len, scale_at; uint8_t byte[20]; } form[] = {
		{ 0, 0, "" },
		{ 3, 2, { 3, 3, 0 } },
		{ 8, 7, { 2, 4, 5, 180, 1, 3, 3, 0 } },
		{ 16, 14, { 2, 4, 5, 180, 4, 2, 1, 1, 1, 1, 1, 1, 3, 3, 0, 0 } },
		{ 20, 19, { 2, 4, 5, 180, 4, 2, 8, 10, 9, 9, 9, 9, 0, 0, 0, 0, 1, 3, 3, 0 } },
		{ 8, 0, { 2, 4, 5, 180, 1, 1, 1, 3 } },
		{ 8, 0, { 0, 3, 3, 7, 1, 1, 1, 1 } },
		{ 8, 7, { 9, 0, 9, 1, 1, 3, 3, 0 } },
	};
	unsigned int i = flowgen_below(gen, sizeof(form) / sizeof(*form));

	memcpy(ret, form[i].byte, form[i].len);
	if (form[i].scale_at)
		ret[form[i].scale_at] = flowgen_below(gen, 4) ? flowgen_below(gen, 8) :
					flowgen_below(gen, 256);
	return form[i].len;
}

void flowgen_segment(struct flowgen *gen, const struct flowmodel_flow *flow, bool reply,
		     const struct flowmodel_key *key, uint8_t flags, struct pkt *p)
{
	uint32_t seq, ack, len = flowgen_below(gen, 3) ? 0 : flowgen_below(gen, 300);
	uint8_t options[40];
	size_t options_len = 0;
	bool first;

	if (flags & PKT_SYN)
		len = flowgen_below(gen, 20) ? 0 : len;
	first = !flow || (flags & PKT_SYN && !flowgen_below(gen, 3)) ||
		(reply && flow->state == FLOW_SYN_SENT);
	seq = first ? first_number(gen) : pick_seq(gen, &flow->seqs, reply, len);
	ack = flow ? pick_ack(gen, &flow->seqs, reply) : random32(gen);
	if (flags & PKT_SYN || !flowgen_below(gen, 10))
		options_len = pick_options(gen, options);
	pkt_tcp(p, .sport = key->end[0].port, .dport = key->end[1].port, .seq = seq, .ack = ack,
		.flags = flags, .window = pick_window(gen), .opts = options,
		.opts_len = options_len);
	pkt_fill(p, len);
}
