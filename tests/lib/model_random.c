// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * model_random.c - random filters for the model
 *
 * No rule is drawn that the language refuses because it can never match.
 */
#include <string.h>

#include "model.h"

uint64_t unit_random(uint64_t *state);	/* unit.h needs cmocka */

#define ROWS_OF_RULE	250	/* 16 rules stay below the 4096 rows of a family */

static unsigned int below(uint64_t *random, unsigned int n)
{
	return (unit_random(random) >> 33) % n;
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
		model_random_match(&match, random, shape->field[i]);
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
		model_random_match(&filter->set[i], random, kinds[i]);
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
			model_random_match(&match, random, shape->field[part]);
			concat->tuple[i][part] = match.range[0];
		}
	}
	/* 'th' is three protocols: those are the ones that go with it */
	for (i = 0; shape->field[0] == MODEL_L4PROTO && i < concat->n; i++) {
		static const uint8_t protos[] = { 6, 17, 132 };

		model_set_number(concat->tuple[i][0].first, 2, protos[below(random, 3)]);
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
			model_set_number(range->first, 4, 0x0a000000 + at);
		else if (key->field[0] == MODEL_L4PROTO)
			model_set_number(range->first, 2, protos[at]);
		else
			model_set_number(range->first, 2, key->field[0] == MODEL_ICMP_TYPE ||
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
