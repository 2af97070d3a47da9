// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* classifier_box.c - forms of a row: known bits of the key's words, and the image's */
#include <string.h>

#include "classifier_priv.h"

static uint64_t high_bits(unsigned int n)
{
	return n ? ~0ULL << (64 - n) : 0;
}

/* Bits that all ports of an interval have in common */
static uint64_t interval_mask(uint16_t first, uint16_t last)
{
	if (first == last)
		return 0xffff;
	return 0xffff & ~((1ULL << (32 - __builtin_clz(first ^ last))) - 1);
}

void classifier_box_init(struct classifier_box *box, const struct classifier_row *row,
			 uint32_t index)
{
	unsigned int last = row->family == 4 ? CLASSIFIER_KEY4 - 1 : CLASSIFIER_KEY6 - 1, i;

	memset(box, 0, sizeof(*box));
	box->row = index;
	box->copies = 1;
	box->first[0] = row->sport_first;
	box->last[0] = row->sport_last;
	box->first[1] = row->dport_first;
	box->last[1] = row->dport_last;
	if (row->family == 4) {
		box->value[0] = row->saddr[1] << 32 | row->daddr[1];
		box->mask[0] = high_bits(row->slen) | high_bits(row->dlen) >> 32;
	} else {
		box->value[0] = row->saddr[0];
		box->value[1] = row->saddr[1];
		box->value[2] = row->daddr[0];
		box->value[3] = row->daddr[1];
		box->mask[0] = high_bits(row->slen < 64 ? row->slen : 64);
		box->mask[1] = high_bits(row->slen > 64 ? row->slen - 64 : 0);
		box->mask[2] = high_bits(row->dlen < 64 ? row->dlen : 64);
		box->mask[3] = high_bits(row->dlen > 64 ? row->dlen - 64 : 0);
	}
	box->value[last] = (uint64_t)row->sport_first << 48 | (uint64_t)row->dport_first << 32 |
			   row->meta;
	box->mask[last] = interval_mask(row->sport_first, row->sport_last) << 48 |
			  interval_mask(row->dport_first, row->dport_last) << 32 | row->meta_mask;
	for (i = 0; i <= last; i++)
		box->value[i] &= box->mask[i];
}

static uint64_t packed_found(const struct classifier_row *row)
{
	return (uint64_t)(row->prio << CLASSIFIER_EDGE_BITS | row->edge) << 32 | row->ref;
}

void classifier_row4_pack(const struct classifier_row *row, struct classifier_row4 *ret)
{
	*ret = (struct classifier_row4){
		.addrs = row->saddr[1] << 32 | row->daddr[1],
		.sport_first = row->sport_first, .sport_last = row->sport_last,
		.dport_first = row->dport_first, .dport_last = row->dport_last,
		.value = row->meta | (32u - row->slen) << CLASSIFIER_OPEN_SHIFT,
		.mask = row->meta_mask | (32u - row->dlen) << CLASSIFIER_OPEN_SHIFT,
		.found = packed_found(row),
	};
}

/* Two shifts of at most 32 bits: one by 64 would be none */
static void open_set(uint8_t *open, unsigned int len)
{
	unsigned int n = len < 64 ? 64 - len : 0;

	open[0] = n / 2;
	open[1] = n - n / 2;
}

void classifier_row6_pack(const struct classifier_row *row, struct classifier_row6 *ret)
{
	*ret = (struct classifier_row6){
		.saddr = { row->saddr[0], row->saddr[1] },
		.daddr = { row->daddr[0], row->daddr[1] },
		.sport_first = row->sport_first, .sport_last = row->sport_last,
		.dport_first = row->dport_first, .dport_last = row->dport_last,
		.value = row->meta, .mask = row->meta_mask,
		.found = packed_found(row),
	};
	open_set(ret->open[0], row->slen);
	open_set(ret->open[1], row->slen > 64 ? row->slen - 64 : 0);
	open_set(ret->open[2], row->dlen);
	open_set(ret->open[3], row->dlen > 64 ? row->dlen - 64 : 0);
}
