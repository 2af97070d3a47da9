// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * model_random.c - random filters for the model, and their text
 *
 * Values come from small pools and lie at the pools' edges often: what is drawn from 2^128
 * addresses never matches anything. No rule is drawn that the language refuses
 * because it can never match.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "model.h"

uint64_t unit_random(uint64_t *state);	/* unit.h needs cmocka */

#define ROWS_OF_RULE	250	/* 16 rules stay below the 4096 rows of a family */

static const char *const field_names[MODEL_FIELDS] = {
	"ip saddr", "ip daddr", "ip protocol", "ip6 saddr", "ip6 daddr", "ip6 nexthdr",
	"meta l4proto", "meta nfproto", "tcp sport", "tcp dport", "udp sport", "udp dport",
	"sctp sport", "sctp dport", "th sport", "th dport", "tcp flags", "icmp type",
	"icmp code", "icmpv6 type", "icmpv6 code", "frag",
};

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

static void random_match(struct model_match *match, uint64_t *random, enum model_field field)
{
	memset(match, 0, sizeof(*match));
	match->field = field;
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
	enum model_field field[6];
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
	{ { MODEL_IP_SADDR, MODEL_IP_DADDR }, 2 },
	{ { MODEL_IP6_SADDR, MODEL_IP6_DADDR }, 2 },
	{ { MODEL_IP_SADDR }, 1 },
};

static const struct shape alone[] = {	/* what only goes with itself */
	{ { MODEL_ICMP_TYPE, MODEL_ICMP_CODE, MODEL_IP_SADDR }, 3 },
	{ { MODEL_ICMPV6_TYPE, MODEL_ICMPV6_CODE, MODEL_IP6_DADDR }, 3 },
	{ { MODEL_IP_PROTOCOL, MODEL_IP_DADDR, MODEL_FRAG }, 3 },
	{ { MODEL_IP6_NEXTHDR, MODEL_IP6_SADDR, MODEL_FRAG }, 3 },
};

static void add_shape(struct model_rule *rule, uint64_t *random, const struct shape *shape,
		      unsigned int *rows)
{
	struct model_match match;
	unsigned int i;

	for (i = 0; i < shape->n && rule->n < MODEL_MATCHES; i++) {
		if (below(random, 3) == 0)
			continue;
		random_match(&match, random, shape->field[i]);
		if (*rows * cost(&match) > ROWS_OF_RULE)
			continue;
		*rows *= cost(&match);
		rule->match[rule->n++] = match;
	}
}

static void random_rule(struct model_rule *rule, uint64_t *random)
{
	static const char *const edges[] = { "accept", "drop", "odd" };
	unsigned int rows = 3;		/* 'th' is three protocols */

	memset(rule, 0, sizeof(*rule));
	rule->edge = edges[below(random, 3)];
	if (below(random, 4) == 0) {
		add_shape(rule, random, &alone[below(random, 4)], &rows);
		return;
	}
	add_shape(rule, random, &transports[below(random, 7)], &rows);
	/* The family that 'meta nfproto' names may be the other one */
	if (below(random, 2) && !(rule->n && rule->match[0].field == MODEL_NFPROTO))
		add_shape(rule, random, &networks[below(random, 3)], &rows);
}

void model_filter_random(struct model_filter *ret_filter, uint64_t *random)
{
	static const char *const fallbacks[] = { "accept", "drop", "odd" };
	unsigned int i;

	ret_filter->n = 1 + below(random, MODEL_RULES);
	ret_filter->fallback = fallbacks[below(random, 3)];
	for (i = 0; i < ret_filter->n; i++) {
		random_rule(&ret_filter->rule[i], random);
		if (!ret_filter->rule[i].n && below(random, 8))
			i--;		/* a rule without matches ends the list: seldom */
	}
}

/* ---- text ---- */
static bool is_address(enum model_field field)
{
	return field == MODEL_IP_SADDR || field == MODEL_IP_DADDR || field == MODEL_IP6_SADDR ||
	       field == MODEL_IP6_DADDR;
}

static void value_text(const struct model_match *match, const uint8_t *value, char *text,
		       size_t size)
{
	static const char *const frags[] = { "none", "first", "later" };

	switch (match->field) {
	case MODEL_IP_SADDR:
	case MODEL_IP_DADDR:
		inet_ntop(AF_INET, value, text, size);
		break;
	case MODEL_IP6_SADDR:
	case MODEL_IP6_DADDR:
		inet_ntop(AF_INET6, value, text, size);
		break;
	case MODEL_FRAG:
		snprintf(text, size, "%s", frags[value[1] % 3]);
		break;
	case MODEL_NFPROTO:
		snprintf(text, size, "ipv%d", value[1]);
		break;
	default:
		snprintf(text, size, "%d", value[0] << 8 | value[1]);
	}
}

static void range_text(const struct model_match *match, const struct model_range *range, char *text,
		       size_t size)
{
	char first[64], last[64];

	value_text(match, range->first, first, sizeof(first));
	value_text(match, range->last, last, sizeof(last));
	if (is_address(match->field) && range->prefix >= 0)
		snprintf(text, size, "%s/%d", first, range->prefix);
	else if (!strcmp(first, last))
		snprintf(text, size, "%s", first);
	else
		snprintf(text, size, "%s-%s", first, last);
}

static void flags_text(const struct model_match *match, char *text, size_t size)
{
	static const char *const how[] = { "", "! ", "== ", "!= " };

	if (match->op < MODEL_MASK_IS)
		snprintf(text, size, "tcp flags %s0x%x ", how[match->op], match->value);
	else
		snprintf(text, size, "tcp flags & 0x%x %s 0x%x ", match->mask,
			 match->op == MODEL_MASK_IS ? "==" : "!=", match->value);
}

static void match_text(const struct model_match *match, char *text, size_t size)
{
	char value[160];
	unsigned int i;
	size_t len;

	if (match->field == MODEL_TCP_FLAGS) {
		flags_text(match, text, size);
		return;
	}
	snprintf(text, size, "%s %s%s", field_names[match->field], match->negated ? "!= " : "",
		 match->n > 1 ? "{ " : "");
	for (i = 0; i < match->n; i++) {
		range_text(match, &match->range[i], value, sizeof(value));
		len = strlen(text);
		snprintf(text + len, size - len, "%s%s", i ? ", " : "", value);
	}
	len = strlen(text);
	snprintf(text + len, size - len, "%s ", match->n > 1 ? " }" : "");
}

void model_rule_text(const struct model_rule *rule, char *text, size_t size)
{
	unsigned int i;
	size_t len = 0;

	text[0] = '\0';
	for (i = 0; i < rule->n; i++) {
		match_text(&rule->match[i], text + len, size - len);
		len = strlen(text);
	}
	snprintf(text + len, size - len, "%s%s", strcmp(rule->edge, "odd") ? "" : "goto ",
		 rule->edge);
}
