// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* model_random_flow.c - what the model's random rules ask of flows, and change */
#include <string.h>

#include "model.h"

uint64_t unit_random(uint64_t *state);	/* unit.h needs cmocka */

static unsigned int below(uint64_t *random, unsigned int n)
{
	return (unit_random(random) >> 33) % n;
}

static void set_number(struct model_range *range, size_t size, uint32_t first, uint32_t last)
{
	size_t i;

	for (i = 0; i < size; i++) {
		range->first[i] = first >> 8 * (size - 1 - i);
		range->last[i] = last >> 8 * (size - 1 - i);
	}
	range->prefix = -1;
}

/* In 10.0.0.0/22 and 2001:db8::/118, the packets' pools; of different nets: disjoint */
static void random_prefixes(struct model_match *match, uint64_t *random, size_t size)
{
	static const uint8_t net4[4] = { 10 }, net6[16] = { 0x20, 0x01, 0x0d, 0xb8 };
	unsigned int i, first = below(random, 4), open;

	match->n = 1 + below(random, 2);
	for (i = 0; i < match->n; i++) {
		struct model_range *range = &match->range[i];

		open = (1u << below(random, 9)) - 1;
		memcpy(range->first, size == 4 ? net4 : net6, size);
		range->first[size - 2] = (first + i) % 4;
		range->first[size - 1] = below(random, 8) & ~open;
		memcpy(range->last, range->first, size);
		range->last[size - 1] |= open;
		range->prefix = 8 * size - __builtin_popcount(open);
	}
}

static void random_values(struct model_match *match, uint64_t *random, size_t size, uint32_t max)
{
	unsigned int i;

	match->n = 1 + below(random, 2);
	for (i = 0; i < match->n; i++) {
		uint32_t first = below(random, max), width = below(random, 2) * below(random, 3);

		set_number(&match->range[i], size, first,
			   first + width < max ? first + width : max - 1);
	}
}

/* Different names: no numbers, hence no ranges */
static void random_states(struct model_match *match, uint64_t *random)
{
	unsigned int i, first = below(random, MODEL_CT_STATES);

	match->n = 1 + below(random, 3);
	for (i = 0; i < match->n; i++)
		set_number(&match->range[i], 2, (first + i) % MODEL_CT_STATES,
			   (first + i) % MODEL_CT_STATES);
}

void model_random_flow(struct model_match *match, uint64_t *random)
{
	match->negated = below(random, 3) == 0;
	switch (match->field) {
	case MODEL_CT_STATE:
		random_states(match, random);
		break;
	case MODEL_CT_DIRECTION:
		match->n = 1;
		set_number(match->range, 2, match->negated, match->negated);
		break;
	case MODEL_CT_MARK:
		random_values(match, random, 4, 12);
		if (below(random, 3) == 0) {
			match->wide_mask = 15;
			break;
		}
		break;
	case MODEL_CT_ZONE:
		random_values(match, random, 2, 4);
		break;
	case MODEL_CT_SPORT:
	case MODEL_CT_REPLY_SPORT:
		random_values(match, random, 2, 1025);
		break;
	case MODEL_CT_IP_SADDR:
	case MODEL_CT_REPLY_IP_SADDR:
		random_prefixes(match, random, 4);
		break;
	default:
		random_prefixes(match, random, 16);
	}
}

/* What no row says: conditions of an extension, one for each range */
static unsigned int conditions(const struct model_match *match)
{
	if (match->field < MODEL_IP_LENGTH || match->field == MODEL_ETHER_TYPE ||
	    match->field == MODEL_CT_STATE)
		return 0;
	return match->n + match->negated;
}

/* The language bounds them for a rule with those that jump to it: three rules at most, here */
bool model_room_for(const struct model_rule *rule, const struct model_match *match)
{
	unsigned int i, n = 0, product = 1;

	if (!conditions(match))
		return true;
	for (i = 0; i < rule->n; i++) {
		if (!conditions(&rule->match[i]))
			continue;
		product *= conditions(&rule->match[i]);
		n++;
	}
	return n < 2 && product * conditions(match) <= 4;
}

void model_random_change(struct model_rule *rule, uint64_t *random)
{
	if (below(random, 6) == 0)
		rule->notrack = true;
	if (rule->notrack && below(random, 2))
		return;
	rule->marks = true;
	rule->from_ct = below(random, 3) == 0;
	rule->to_ct = below(random, 3) == 0;
	rule->mark_and = below(random, 3) ? ~0u : unit_random(random) >> 32;
	rule->mark_xor = below(random, 2) ? 1u << below(random, 32) : unit_random(random) >> 32;
	if (below(random, 4) == 0) {
		rule->mark_and = 0;
		rule->mark_xor = below(random, 16);
	}
}
