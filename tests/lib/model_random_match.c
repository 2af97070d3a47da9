// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * model_random_match.c - random values for the matches of the model's rules
 *
 * They come from small pools and lie at the pools' edges often: what is drawn from 2^128
 * addresses never matches anything.
 */
#include <string.h>

#include "model.h"

uint64_t unit_random(uint64_t *state);	/* unit.h needs cmocka */

static unsigned int below(uint64_t *random, unsigned int n)
{
	return (unit_random(random) >> 33) % n;
}

static void set16(uint8_t *at, unsigned int value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static void random_numbers(struct model_match *match, uint64_t *random, unsigned int max,
			   const uint16_t *pool, unsigned int n_pool)
{
	unsigned int i, first, last, width;

	match->n = 1 + below(random, MODEL_VALUES - 1);
	match->negated = below(random, 4) == 0;
	for (i = 0; i < match->n; i++) {
		first = below(random, 8) ? pool[below(random, n_pool)] : below(random, max);
		width = below(random, 3) ? 0 : below(random, max / 4);
		last = first + width > max ? max : first + width;
		set16(match->range[i].first, first);
		set16(match->range[i].last, last);
		match->range[i].prefix = -1;
	}
}

static void random_ports(struct model_match *match, uint64_t *random)
{
	static const uint16_t pool[] = { 0, 1, 22, 53, 80, 255, 256, 443, 1000, 1024, 65534,
					 65535 };

	random_numbers(match, random, 65535, pool, sizeof(pool) / sizeof(pool[0]));
}

static void random_protos(struct model_match *match, uint64_t *random)
{
	static const uint16_t pool[] = { 0, 1, 6, 17, 43, 44, 47, 50, 51, 58, 59, 60, 132, 253,
					 255 };

	random_numbers(match, random, 255, pool, sizeof(pool) / sizeof(pool[0]));
}

static void random_bytes(struct model_match *match, uint64_t *random)
{
	static const uint16_t pool[] = { 0, 1, 3, 4, 8, 11, 128, 129, 135, 255 };

	random_numbers(match, random, 255, pool, sizeof(pool) / sizeof(pool[0]));
}

/* 10.0.0.0/22 and 2001:db8::/118: the packets' pools */
static void random_address(uint8_t *addr, uint64_t *random, size_t size)
{
	static const uint8_t net4[4] = { 10 }, net6[16] = { 0x20, 0x01, 0x0d, 0xb8 };

	memcpy(addr, size == 4 ? net4 : net6, size);
	addr[size - 2] = below(random, 4);
	addr[size - 1] = below(random, 4) ? below(random, 8) : below(random, 256);
}

/* The addresses of a prefix */
static void prefix_range(struct model_range *range, size_t size, unsigned int len)
{
	unsigned int bit;

	memcpy(range->last, range->first, size);
	for (bit = len; bit < size * 8; bit++) {
		range->first[bit / 8] &= ~(0x80 >> bit % 8);
		range->last[bit / 8] |= 0x80 >> bit % 8;
	}
	range->prefix = len;
}

static void random_addresses(struct model_match *match, uint64_t *random, size_t size)
{
	unsigned int i, kind;
	uint8_t other[16];

	match->n = 1 + below(random, 3);
	match->negated = below(random, 5) == 0;
	for (i = 0; i < match->n; i++) {
		struct model_range *range = &match->range[i];

		random_address(range->first, random, size);
		kind = below(random, 4);
		if (kind == 0) {
			prefix_range(range, size, size * 8);
		} else if (kind == 1) {
			random_address(other, random, size);
			memcpy(range->last, range->first, size);
			memcpy(memcmp(other, range->first, size) < 0 ? range->first : range->last,
			       other, size);
			range->prefix = -1;
		} else {
			bool narrow = match->negated || below(random, 8);

			prefix_range(range, size, narrow ? size * 8 - 1 - below(random, 11) :
				     below(random, size * 8 + 1));
		}
	}
}

static void random_flags(struct model_match *match, uint64_t *random)
{
	match->op = below(random, 6);
	match->value = below(random, 3) ? 1u << below(random, 8) : 1 + below(random, 255);
	match->mask = 0xff;
	if (match->op >= MODEL_MASK_IS) {
		match->mask = 1 + below(random, 255);
		match->value &= match->mask;
	}
}

static void random_frag(struct model_match *match, uint64_t *random)
{
	match->n = 1 + below(random, 2);
	match->negated = below(random, 3) == 0;
	set16(match->range[0].first, below(random, 3));
	set16(match->range[1].first, below(random, 3));
	memcpy(match->range[0].last, match->range[0].first, 2);
	memcpy(match->range[1].last, match->range[1].first, 2);
}

/* Bytes that hold a number at their end */
void model_set_number(uint8_t *at, size_t size, uint64_t value)
{
	size_t i;

	for (i = 0; i < size; i++)
		at[i] = value >> 8 * (size - 1 - i);
}

static void random_ethers(struct model_match *match, uint64_t *random)
{
	unsigned int i;

	match->n = 1 + below(random, 3);
	match->negated = below(random, 3) == 0;
	for (i = 0; i < match->n; i++) {
		uint64_t first = 0x020000000000 + below(random, 6);

		model_set_number(match->range[i].first, 6, first);
		model_set_number(match->range[i].last, 6, first + (below(random, 3) ? 0 : below(random, 4)));
		match->range[i].prefix = -1;
	}
}

/* A number of some bytes: all of it, or what a mask leaves */
static void random_wide(struct model_match *match, uint64_t *random, size_t size, uint64_t value)
{
	uint64_t all = size == 8 ? ~0ull : (1ull << 8 * size) - 1;

	match->n = 1;
	match->negated = below(random, 3) == 0;
	match->range[0].prefix = -1;
	if (below(random, 2)) {
		match->wide_mask = unit_random(random) & unit_random(random) & all;
		match->wide_mask = match->wide_mask ? match->wide_mask : 1;
		value &= match->wide_mask;
	}
	model_set_number(match->range[0].first, size, value);
	if (!match->wide_mask && value != all && below(random, 3) == 0)
		value += 1 + below(random, 200) % (all - value);
	model_set_number(match->range[0].last, size, value);
}

/* Bytes that packets have in the same place: what the other fields look at, mostly */
static void random_payload(struct model_match *match, uint64_t *random)
{
	static const struct {
		enum model_base base;
		unsigned int at, bytes;
		uint64_t value;
	} places[] = {
		{ MODEL_LL, 0, 6, 0x020000000002 }, { MODEL_LL, 12, 2, 0x0800 },
		{ MODEL_LL, 12, 4, 0x08004500 }, { MODEL_LL, 5, 8, 0x0202000000000108 },
		{ MODEL_NH, 0, 1, 0x45 }, { MODEL_NH, 8, 1, 64 }, { MODEL_NH, 9, 1, 6 },
		{ MODEL_NH, 6, 1, 17 }, { MODEL_NH, 12, 4, 0x0a000001 }, { MODEL_NH, 12, 3, 0x0a0000 },
		{ MODEL_NH, 38, 2, 1 }, { MODEL_NH, 60, 4, 0 }, { MODEL_TH, 0, 2, 80 },
		{ MODEL_TH, 2, 2, 53 }, { MODEL_TH, 13, 1, 2 }, { MODEL_TH, 0, 4, 0x00160050 },
		{ MODEL_TH, 8, 8, 0 },
	};
	unsigned int i = below(random, sizeof(places) / sizeof(places[0]));

	match->base = places[i].base;
	match->at = places[i].at;
	match->bytes = places[i].bytes;
	random_wide(match, random, match->bytes, places[i].value);
}

static void random_small(struct model_match *match, uint64_t *random, unsigned int max)
{
	const uint16_t pool[] = { 0, 1, max / 8, max / 4, max / 2, max - 1, max };

	random_numbers(match, random, max, pool, 7);
}

static void random_other(struct model_match *match, uint64_t *random)
{
	static const uint16_t lengths[] = { 8, 20, 28, 40, 44, 48, 60 }, types[] = { 0x0800, 0x86dd,
					    0x88b5, 0x86dc, 0x0801 };
	static const uint16_t hops[] = { 1, 2, 63, 64, 65, 255 };

	switch (match->field) {
	case MODEL_IP_LENGTH:
	case MODEL_IP6_LENGTH:
		random_numbers(match, random, 200, lengths, 7);
		break;
	case MODEL_IP_DSCP:
	case MODEL_IP6_DSCP:
		random_small(match, random, 63);
		break;
	case MODEL_IP_TTL:
	case MODEL_IP6_HOPLIMIT:
		random_numbers(match, random, 255, hops, 6);
		break;
	case MODEL_EXTHDR:
		match->value = 1u << below(random, MODEL_EXTS);
		match->negated = below(random, 2);
		break;
	case MODEL_ETHER_SADDR:
	case MODEL_ETHER_DADDR:
		random_ethers(match, random);
		break;
	case MODEL_ETHER_TYPE:
		random_numbers(match, random, 0xffff, types, 5);
		break;
	case MODEL_VLAN_ID:
		random_small(match, random, 4095);
		break;
	case MODEL_VLAN_PCP:
		random_small(match, random, 7);
		break;
	case MODEL_IIF:
		match->n = 1;
		match->negated = below(random, 3) == 0;
		match->value = below(random, 4);	/* of the names: 0 and 1 hold 'lo' */
		model_set_number(match->range[0].first, 2, match->value / 2);
		model_set_number(match->range[0].last, 2, match->value / 2);
		break;
	case MODEL_MARK:
		random_wide(match, random, 4, below(random, 2) ? below(random, 16) : 0);
		break;
	case MODEL_PAYLOAD:
		random_payload(match, random);
		break;
	default:
		model_random_flow(match, random);
	}
}

void model_random_match(struct model_match *match, uint64_t *random, enum model_field field)
{
	memset(match, 0, sizeof(*match));
	match->field = field;
	match->set = -1;
	if (field > MODEL_FRAG) {
		random_other(match, random);
		return;
	}
	switch (field) {
	case MODEL_IP_SADDR:
	case MODEL_IP_DADDR:
		random_addresses(match, random, 4);
		break;
	case MODEL_IP6_SADDR:
	case MODEL_IP6_DADDR:
		random_addresses(match, random, 16);
		break;
	case MODEL_IP_PROTOCOL:
	case MODEL_IP6_NEXTHDR:
	case MODEL_L4PROTO:
		random_protos(match, random);
		break;
	case MODEL_NFPROTO:
		match->n = 1;
		match->negated = below(random, 2);
		set16(match->range[0].first, below(random, 2) ? 4 : 6);
		memcpy(match->range[0].last, match->range[0].first, 2);
		break;
	case MODEL_TCP_FLAGS:
		random_flags(match, random);
		break;
	case MODEL_FRAG:
		random_frag(match, random);
		break;
	case MODEL_ICMP_TYPE:
	case MODEL_ICMP_CODE:
	case MODEL_ICMPV6_TYPE:
	case MODEL_ICMPV6_CODE:
		random_bytes(match, random);
		break;
	default:
		random_ports(match, random);
	}
}
