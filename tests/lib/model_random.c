// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * model_random.c - random filters for the model
 *
 * Values come from small pools and lie at the pools' edges often: what is drawn from 2^128
 * addresses never matches anything. No rule is drawn that the language refuses
 * because it can never match.
 */
#include <string.h>

#include "model.h"

uint64_t unit_random(uint64_t *state);	/* unit.h needs cmocka */

#define ROWS_OF_RULE	250	/* 16 rules stay below the 4096 rows of a family */

static unsigned int below(uint64_t *random, unsigned int n)
{
	return (unit_random(random) >> 33) % n;
}

/* ---- values ---- */
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
static void set_wide(uint8_t *at, size_t size, uint64_t value)
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

		set_wide(match->range[i].first, 6, first);
		set_wide(match->range[i].last, 6, first + (below(random, 3) ? 0 : below(random, 4)));
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
	set_wide(match->range[0].first, size, value);
	if (!match->wide_mask && value != all && below(random, 3) == 0)
		value += 1 + below(random, 200) % (all - value);
	set_wide(match->range[0].last, size, value);
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
		set_wide(match->range[0].first, 2, match->value / 2);
		set_wide(match->range[0].last, 2, match->value / 2);
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

static void random_match(struct model_match *match, uint64_t *random, enum model_field field)
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

/* ---- rules ---- */
/* Rows that a match multiplies a rule's by, at most */
static unsigned int cost(const struct model_match *match)
{
	bool four = match->field == MODEL_IP_SADDR || match->field == MODEL_IP_DADDR;
	bool six = match->field == MODEL_IP6_SADDR || match->field == MODEL_IP6_DADDR;
	unsigned int i, sum = match->negated;

	for (i = 0; i < match->n; i++) {
		if (four || six)	/* ranges lie in 10 bits; the rest has a prefix a bit */
			sum += (match->range[i].prefix < 0 ? 20 : 1) +
			       (match->negated ? (four ? 32 : 128) + 20 : 0);
		else
			sum++;
	}
	return sum ? sum : 1;
}

/* Fields that go together, so that some packet can match: by protocol, then by family */
struct shape {
	enum model_field field[12];
	unsigned int n;
};

static const struct shape transports[] = {
	{ { MODEL_TCP_SPORT, MODEL_TCP_DPORT, MODEL_TCP_FLAGS, MODEL_TH_DPORT }, 3 },
	{ { MODEL_UDP_SPORT, MODEL_UDP_DPORT }, 2 },
	{ { MODEL_SCTP_SPORT, MODEL_SCTP_DPORT }, 2 },
	{ { MODEL_TH_SPORT, MODEL_TH_DPORT }, 2 },
	{ { MODEL_L4PROTO }, 1 },
	{ { MODEL_FRAG }, 1 },
	{ { MODEL_NFPROTO }, 1 },
};

static const struct shape networks[] = {
	{ { MODEL_IP_SADDR, MODEL_IP_DADDR, MODEL_IP_TTL, MODEL_IP_DSCP }, 4 },
	{ { MODEL_IP6_SADDR, MODEL_IP6_DADDR, MODEL_IP6_HOPLIMIT, MODEL_EXTHDR }, 4 },
	{ { MODEL_IP_SADDR }, 1 },
	{ { MODEL_IP_LENGTH, MODEL_IP_DADDR }, 2 },
	{ { MODEL_IP6_LENGTH, MODEL_IP6_DSCP, MODEL_EXTHDR }, 3 },
	{ { MODEL_CT_IP_SADDR, MODEL_CT_REPLY_IP_SADDR, MODEL_IP_DADDR }, 3 },
	{ { MODEL_CT_IP6_DADDR, MODEL_CT_REPLY_IP6_DADDR }, 2 },
};

static const struct shape alone[] = {	/* what only goes with itself */
	{ { MODEL_ICMP_TYPE, MODEL_ICMP_CODE, MODEL_IP_SADDR }, 3 },
	{ { MODEL_ICMPV6_TYPE, MODEL_ICMPV6_CODE, MODEL_IP6_DADDR }, 3 },
	{ { MODEL_IP_PROTOCOL, MODEL_IP_DADDR, MODEL_FRAG }, 3 },
	{ { MODEL_IP6_NEXTHDR, MODEL_IP6_SADDR, MODEL_FRAG }, 3 },
	{ { MODEL_ETHER_TYPE }, 1 },
};

static const struct shape links = {	/* what goes with all */
	{ MODEL_ETHER_SADDR, MODEL_ETHER_DADDR, MODEL_VLAN_ID, MODEL_VLAN_PCP, MODEL_IIF,
	  MODEL_MARK, MODEL_CT_STATE, MODEL_CT_DIRECTION, MODEL_CT_MARK, MODEL_CT_ZONE,
	  MODEL_CT_SPORT, MODEL_CT_REPLY_SPORT }, 12
};

/* @often: of three */
static void add_shape(struct model_rule *rule, uint64_t *random, const struct shape *shape,
		      unsigned int *rows, unsigned int often)
{
	struct model_match match;
	unsigned int i;

	for (i = 0; i < shape->n && rule->n < MODEL_MATCHES; i++) {
		if (below(random, 6) >= often)
			continue;
		random_match(&match, random, shape->field[i]);
		if (*rows * cost(&match) > ROWS_OF_RULE || !model_room_for(rule, &match))
			continue;
		*rows *= cost(&match);
		rule->match[rule->n++] = match;
	}
}

/* ---- sets: a match takes the values of one of its kind ---- */
static bool set_fits(enum model_field kind, enum model_field field)
{
	switch (kind) {
	case MODEL_IP_SADDR:
		return field == MODEL_IP_SADDR || field == MODEL_IP_DADDR;
	case MODEL_IP6_SADDR:
		return field == MODEL_IP6_SADDR || field == MODEL_IP6_DADDR;
	case MODEL_TH_DPORT:
		return field >= MODEL_TCP_SPORT && field <= MODEL_TH_DPORT;
	default:
		return field == MODEL_IP_PROTOCOL || field == MODEL_IP6_NEXTHDR ||
		       field == MODEL_L4PROTO;
	}
}

static void random_sets(struct model_filter *filter, uint64_t *random)
{
	static const enum model_field kinds[MODEL_SETS] = {
		MODEL_IP_SADDR, MODEL_IP6_SADDR, MODEL_TH_DPORT, MODEL_L4PROTO,
	};
	unsigned int i;

	for (i = 0; i < MODEL_SETS; i++) {
		random_match(&filter->set[i], random, kinds[i]);
		filter->set[i].negated = false;
	}
}

static void take_set(const struct model_filter *filter, struct model_match *match)
{
	unsigned int i;

	for (i = 0; i < MODEL_SETS; i++) {
		if (!set_fits(filter->set[i].field, match->field))
			continue;
		match->n = filter->set[i].n;
		memcpy(match->range, filter->set[i].range, sizeof(match->range));
		match->set = i;
	}
}

/* ---- concatenations: fields that some packet has together ---- */
static const struct shape tuples[] = {
	{ { MODEL_IP_SADDR, MODEL_TCP_DPORT }, 2 },
	{ { MODEL_IP_SADDR, MODEL_IP_DADDR, MODEL_L4PROTO }, 3 },
	{ { MODEL_IP6_DADDR, MODEL_UDP_SPORT }, 2 },
	{ { MODEL_L4PROTO, MODEL_TH_DPORT }, 2 },
	{ { MODEL_TCP_SPORT, MODEL_TCP_DPORT, MODEL_IP_DADDR }, 3 },
	/* last: not with matches of those */
	{ { MODEL_ETHER_SADDR, MODEL_VLAN_ID }, 2 },
	{ { MODEL_CT_STATE, MODEL_IP_SADDR }, 2 },
	{ { MODEL_CT_STATE, MODEL_CT_MARK, MODEL_TCP_DPORT }, 3 },
};

static void random_concat(struct model_concat *concat, uint64_t *random,
			  const struct shape *shape)
{
	struct model_match match;
	unsigned int i, part;

	concat->parts = shape->n;
	concat->n = 1 + below(random, MODEL_TUPLES);
	for (part = 0; part < shape->n; part++) {
		concat->field[part] = shape->field[part];
		for (i = 0; i < concat->n; i++) {
			random_match(&match, random, shape->field[part]);
			concat->tuple[i][part] = match.range[0];
		}
	}
	/* 'th' is three protocols: those are the ones that go with it */
	for (i = 0; shape->field[0] == MODEL_L4PROTO && i < concat->n; i++) {
		static const uint8_t protos[] = { 6, 17, 132 };

		set16(concat->tuple[i][0].first, protos[below(random, 3)]);
		memcpy(concat->tuple[i][0].last, concat->tuple[i][0].first, 2);
	}
}

static struct model_verdict random_verdict(uint64_t *random, unsigned int chains)
{
	static const char *const edges[] = { "accept", "drop", "odd", "reject" };
	unsigned int kind = below(random, 10);

	if (kind < 2 && chains)
		return (struct model_verdict){ MODEL_JUMP, NULL, MODEL_CHAINS - 1 -
					       below(random, chains) };
	if (kind == 2)
		return (struct model_verdict){ .kind = MODEL_RETURN };
	return (struct model_verdict){ .kind = MODEL_LEAVE, .edge = edges[below(random, 4)] };
}

static bool asks_for(const struct model_rule *rule, enum model_field field)
{
	unsigned int i;

	for (i = 0; i < rule->n; i++)
		if (rule->match[i].field == field)
			return true;
	return false;
}

/* One value each, all of them different: elements of a map may not overlap */
static void random_map(struct model_rule *rule, uint64_t *random, unsigned int chains)
{
	static const enum model_field keys[] = { MODEL_TCP_DPORT, MODEL_UDP_DPORT, MODEL_IP_SADDR,
						 MODEL_L4PROTO, MODEL_ICMP_TYPE, MODEL_CT_STATE };
	static const uint16_t ports[] = { 22, 53, 80, 443, 1024 }, protos[] = { 6, 17, 132, 1, 58 };
	unsigned int i, first = below(random, 5);
	struct model_concat *key = &rule->key;

	key->parts = 1;
	do {			/* two lists of states may have none in common, which is refused */
		key->field[0] = keys[below(random, 6)];
	} while (key->field[0] == MODEL_CT_STATE && asks_for(rule, MODEL_CT_STATE));
	key->n = 1 + below(random, MODEL_TUPLES);
	for (i = 0; i < key->n; i++) {
		struct model_range *range = &key->tuple[i][0];
		unsigned int at = (first + i) % 5;

		memset(range, 0, sizeof(*range));
		range->prefix = -1;
		if (key->field[0] == MODEL_IP_SADDR)
			set_wide(range->first, 4, 0x0a000000 + at);
		else if (key->field[0] == MODEL_L4PROTO)
			set16(range->first, protos[at]);
		else
			set16(range->first, key->field[0] == MODEL_ICMP_TYPE ||
				     key->field[0] == MODEL_CT_STATE ? at : ports[at]);
		memcpy(range->last, range->first, 16);
		do {			/* 'reject' is no verdict of a map */
			rule->element[i] = random_verdict(random, chains);
		} while (rule->element[i].edge && !strcmp(rule->element[i].edge, "reject"));
	}
}

/* Later fragments have no transport header: a rule for both is refused */
static void drop_transport_bytes(struct model_rule *rule)
{
	bool frag = false;
	unsigned int i;

	for (i = 0; i < rule->n; i++)
		frag |= rule->match[i].field == MODEL_FRAG;
	for (i = 0; frag && i < rule->n; i++)
		if (rule->match[i].field == MODEL_PAYLOAD && rule->match[i].base == MODEL_TH)
			rule->match[i] = rule->match[--rule->n];
}

/* @chains: that it may jump to, the last ones */
static void random_rule(struct model_rule *rule, uint64_t *random, unsigned int chains)
{
	unsigned int rows = 3;		/* 'th' is three protocols */
	bool family;

	memset(rule, 0, sizeof(*rule));
	rule->verdict = random_verdict(random, chains);
	if (below(random, 3) == 0)
		model_random_change(rule, random);
	if ((rule->marks || rule->notrack) && below(random, 2))
		rule->verdict = (struct model_verdict){ .kind = MODEL_GO_ON };
	if (below(random, 4) == 0)
		add_shape(rule, random, &links, &rows, 1);
	if (below(random, 8) == 0)
		add_shape(rule, random, &(const struct shape){ { MODEL_PAYLOAD }, 1 }, &rows, 6);
	if (below(random, 8) == 0) {
		random_map(rule, random, chains);
		return;
	}
	if (below(random, 8) == 0) {
		random_concat(&rule->concat, random, &tuples[below(random, rule->n ? 5 : 8)]);
		return;
	}
	if (below(random, 4) == 0) {
		add_shape(rule, random, &alone[below(random, 5)], &rows, 4);
		return;
	}
	add_shape(rule, random, &transports[below(random, 7)], &rows, 4);
	/* The family that 'meta nfproto' names may be the other one */
	family = rule->n && rule->match[rule->n - 1].field == MODEL_NFPROTO;
	if (below(random, 2) && !family)
		add_shape(rule, random, &networks[below(random, 7)], &rows, 4);
}

static void random_rules(const struct model_filter *filter, struct model_rule *rule,
			 unsigned int n, uint64_t *random, unsigned int chains)
{
	unsigned int i, j;

	for (i = 0; i < n; i++) {
		random_rule(&rule[i], random, chains);
		drop_transport_bytes(&rule[i]);
		/* A rule without matches ends the list: seldom */
		if (!rule[i].n && !rule[i].key.parts && !rule[i].concat.parts && below(random, 8))
			i--;
		else
			for (j = 0; j < rule[i].n; j++)
				if (below(random, 12) == 0)
					take_set(filter, &rule[i].match[j]);
	}
}

void model_filter_random(struct model_filter *ret_filter, uint64_t *random)
{
	static const char *const fallbacks[] = { "accept", "drop", "odd" };
	unsigned int i;

	memset(ret_filter, 0, sizeof(*ret_filter));
	random_sets(ret_filter, random);
	ret_filter->n = 1 + below(random, MODEL_RULES);
	ret_filter->fallback = fallbacks[below(random, 3)];
	random_rules(ret_filter, ret_filter->rule, ret_filter->n, random, MODEL_CHAINS);
	for (i = 0; i < MODEL_CHAINS; i++) {
		ret_filter->chain_n[i] = 1 + below(random, MODEL_CHAIN_RULES);
		random_rules(ret_filter, ret_filter->chain[i], ret_filter->chain_n[i], random,
			     MODEL_CHAINS - 1 - i);
	}
}
