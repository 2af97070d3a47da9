// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* rows.c - random rows for the classifier, keys to look for, and the truth: a linear scan */
#include <stdlib.h>
#include <string.h>

#include "rows.h"

uint64_t unit_random(uint64_t *state);		/* unit.h needs cmocka */

static uint32_t below(uint64_t *state, uint32_t n)
{
	return (unit_random(state) >> 32) % n;
}

/* ---- rows ---- */
static void mask(uint64_t *addr, unsigned int len, unsigned int bits)
{
	unsigned int open = bits - len, i;

	for (i = 0; i < open; i++)
		addr[i < 64] &= ~(1ULL << i % 64);
}

static void random_addr(uint64_t *state, unsigned int family, uint64_t *ret)
{
	ret[0] = family == 6 ? 0x2001000000000000 | unit_random(state) >> 16 : 0;
	ret[1] = family == 6 ? unit_random(state) : unit_random(state) >> 32;
}

/* Near to one that an earlier row has, at times: prefixes nest and rows overlap */
static uint8_t random_prefix(uint64_t *state, enum rows_kind kind, unsigned int family,
			     const uint64_t *near, uint64_t *ret)
{
	unsigned int bits = family == 4 ? 32 : 128, len;

	random_addr(state, family, ret);
	if (near && below(state, 4)) {
		ret[0] = near[0];
		ret[1] = near[1] ^ below(state, 8);
	}
	len = kind == ROWS_EXACT ? bits - below(state, 8) / 7 * below(state, 12) :
	      kind == ROWS_WIDE ? below(state, 6) * below(state, 2) :
	      below(state, 8) ? bits - below(state, bits * 3 / 4) : below(state, bits + 1);
	mask(ret, len, bits);
	return len;
}

static void random_ports(uint64_t *state, uint16_t *ret_first, uint16_t *ret_last)
{
	static const uint16_t known[] = { 0, 22, 53, 80, 443, 1023, 8080, 65535 };
	uint16_t a = unit_random(state) >> 48, b = unit_random(state) >> 48;

	switch (below(state, 6)) {
	case 0:
		*ret_first = *ret_last = known[below(state, 8)];
		break;
	case 1:
		*ret_first = 1024;
		*ret_last = 65535;
		break;
	case 2:
		*ret_first = a < b ? a : b;
		*ret_last = a < b ? b : a;
		break;
	default:
		*ret_first = 0;
		*ret_last = 65535;
	}
}

static void random_meta(uint64_t *state, struct classifier_row *row)
{
	static const uint8_t protos[] = { 6, 17, 1, 58, 47, 132 };

	if (below(state, 8))
		row->meta_mask |= CLASSIFIER_IP;
	if (below(state, 6))
		row->meta_mask |= CLASSIFIER_PROTO;
	if (row->sport_last - row->sport_first != 65535 ||
	    row->dport_last - row->dport_first != 65535)
		row->meta_mask |= CLASSIFIER_L4;
	row->meta = (protos[below(state, 6)] | CLASSIFIER_IP | CLASSIFIER_L4) & row->meta_mask;
	if (!below(state, 6)) {
		row->meta_mask |= 0x12 << CLASSIFIER_TCP_SHIFT;
		row->meta |= (0x12 & below(state, 256)) << CLASSIFIER_TCP_SHIFT;
	}
	if (!below(state, 10)) {
		row->meta_mask |= CLASSIFIER_FRAG;
		row->meta |= below(state, 3) << CLASSIFIER_FRAG_SHIFT;
	}
}

static void random_row(uint64_t *state, enum rows_kind kind, unsigned int family,
		       const struct classifier_row *earlier, struct classifier_row *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->family = family;
	ret->slen = random_prefix(state, kind, family, earlier ? earlier->saddr : NULL, ret->saddr);
	ret->dlen = random_prefix(state, kind, family, earlier ? earlier->daddr : NULL, ret->daddr);
	random_ports(state, &ret->sport_first, &ret->sport_last);
	random_ports(state, &ret->dport_first, &ret->dport_last);
	random_meta(state, ret);
}

/* A row of the same family that came before, or NULL */
static const struct classifier_row *earlier_row(uint64_t *state, const struct classifier_rows *rows,
						unsigned int family, uint32_t among)
{
	const struct classifier_row *row;

	if (!rows->n)
		return NULL;
	row = &rows->row[below(state, rows->n < among ? rows->n : among)];
	return row->family == family ? row : NULL;
}

void rows_random(uint64_t *state, enum rows_kind kind, unsigned int families, unsigned int rules,
		 struct classifier_rows *ret_rows)
{
	struct classifier_rows rows = { calloc(2 * rules + 1, sizeof(*rows.row)), 0 };
	const struct classifier_row *earlier;
	unsigned int i, family, n;

	if (!rows.row)
		abort();
	for (i = 0; i < rules; i++) {
		family = families == 10 ? 4 + 2 * below(state, 2) : families;
		for (n = below(state, 8) ? 1 : 2; n; n--) {
			struct classifier_row *row = &rows.row[rows.n];

			earlier = earlier_row(state, &rows, family, kind == ROWS_SAME ? 5 : ~0u);
			if (kind == ROWS_SAME && rows.n > 5 && earlier)
				*row = *earlier;
			else
				random_row(state, kind, family, earlier, row);
			row->edge = i % 2;
			row->prio = (i + 1) * CLASSIFIER_PRIO_GAP;
			row->ref = i;
			rows.n++;
		}
	}
	*ret_rows = rows;
}

void rows_fini(struct classifier_rows *rows)
{
	free(rows->row);
	memset(rows, 0, sizeof(*rows));
}

/* ---- keys ---- */
static void addr_key(uint64_t *state, const uint64_t *addr, unsigned int len, unsigned int family,
		     uint32_t *ret_key)
{
	unsigned int bits = family == 4 ? 32 : 128, how = below(state, 4), open;
	uint64_t any[2] = { addr[0], addr[1] };

	for (open = 0; how && open < bits - len; open++)	/* how 0: the first address */
		if (how == 1 || unit_random(state) >> 63)
			any[open < 64] |= 1ULL << open % 64;
	if (!below(state, 16))
		any[below(state, 2) || family == 4] ^= 1ULL << below(state, family == 4 ? 32 : 64);
	if (family == 4) {
		ret_key[0] = any[1];
		return;
	}
	ret_key[0] = any[0] >> 32;
	ret_key[1] = any[0];
	ret_key[2] = any[1] >> 32;
	ret_key[3] = any[1];
}

static uint16_t port_key(uint64_t *state, uint16_t first, uint16_t last)
{
	switch (below(state, 8)) {
	case 0:
		return first;
	case 1:
		return last;
	case 2:
		return first - 1;
	case 3:
		return last + 1;
	default:
		return first + below(state, last - first + 1u);
	}
}

unsigned int rows_key(uint64_t *state, const struct classifier_rows *rows, uint32_t *ret_key)
{
	static const struct classifier_row any = { .family = 4, .sport_last = 65535,
						   .dport_last = 65535 };
	const struct classifier_row *row = rows->n ? &rows->row[below(state, rows->n)] : &any;
	unsigned int words = row->family == 4 ? CLASSIFIER_WORDS4 : CLASSIFIER_WORDS6, addr;

	addr = (words - 2) / 2;
	addr_key(state, row->saddr, row->slen, row->family, ret_key);
	addr_key(state, row->daddr, row->dlen, row->family, ret_key + addr);
	ret_key[words - 2] = (uint32_t)port_key(state, row->sport_first, row->sport_last) << 16 |
			     port_key(state, row->dport_first, row->dport_last);
	ret_key[words - 1] = row->meta | (below(state, 256) << CLASSIFIER_TCP_SHIFT &
					  ~row->meta_mask);
	if (below(state, 8))
		ret_key[words - 1] |= (CLASSIFIER_L4 | CLASSIFIER_IP) & ~row->meta_mask;
	if (!below(state, 8))
		ret_key[words - 1] ^= 1u << below(state, 24) & CLASSIFIER_META;
	if (!below(state, 64))
		memset(ret_key, 0, words * sizeof(*ret_key));	/* what is no IP, in family 4 */
	return row->family;
}

/* ---- the truth ---- */
static bool addr_matches(const uint64_t *addr, unsigned int len, const uint32_t *key,
			 unsigned int words)
{
	unsigned int i;

	for (i = 0; i < len; i++) {
		unsigned int bit = words * 32 - 1 - i;	/* of the address, 0: lowest */

		if ((addr[bit < 64] >> bit % 64 & 1) != (key[i / 32] >> (31 - i % 32) & 1))
			return false;
	}
	return true;
}

bool rows_match(const struct classifier_row *row, unsigned int family, const uint32_t *key)
{
	unsigned int words = family == 4 ? 1 : 4;
	uint16_t sport = key[2 * words] >> 16, dport = key[2 * words];

	return row->family == family && sport >= row->sport_first && sport <= row->sport_last &&
	       dport >= row->dport_first && dport <= row->dport_last &&
	       (key[2 * words + 1] & row->meta_mask) == row->meta &&
	       addr_matches(row->saddr, row->slen, key, words) &&
	       addr_matches(row->daddr, row->dlen, key + words, words);
}

uint32_t rows_find(const struct classifier_rows *rows, unsigned int family, const uint32_t *key,
		   uint32_t floor, const bool *gone, uint32_t *ret_ref)
{
	size_t i;

	for (i = 0; i < rows->n; i++) {
		const struct classifier_row *row = &rows->row[i];

		if (row->prio <= floor || (gone && gone[row->prio / CLASSIFIER_PRIO_GAP - 1]) ||
		    !rows_match(row, family, key))
			continue;
		*ret_ref = row->ref;
		return row->prio << CLASSIFIER_EDGE_BITS | row->edge;
	}
	return CLASSIFIER_NONE;
}
