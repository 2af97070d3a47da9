/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * lower_random.h - random nodes: rules with all that rules can have, chains, maps and sets
 *
 * Values come from a small stock, so that rules and packets meet, at the edges of
 * intervals above all.
 */
#ifndef TESTS_LOWER_RANDOM_H
#define TESTS_LOWER_RANDOM_H

#include <model/expr_field.h>

#include "lower_judge_rows.h"

#define RULES_MAX	14
#define CHAINS		3
#define CHAIN_RULES_MAX	4

static uint64_t seed;
static struct arena arena;		/* of a round */

static unsigned int below(unsigned int n)
{
	return unit_random(&seed) % n;
}

#define PICK(array) ((array)[below(N(array))])

/* ---- a stock of values --------------------------------------------------------------------- */

static const uint64_t ip4[] = {
	0, 1, 0x0a000000, 0x0a010200, 0x0a010203, 0x0a0103ff, 0x0affffff, 0x7fffffff, 0x80000000,
	0xc0000201, 0xc00002ff, 0xffffffff,
};
static const uint64_t ports[] = { 0, 1, 22, 53, 80, 90, 443, 1023, 1024, 0x7fff, 0x8000, 65535 };
static const uint64_t protos[] = { 0, 1, 6, 7, 17, 47, 58, 132, 255 };
static const uint64_t bytes[] = { 0, 1, 3, 4, 8, 11, 127, 128, 133, 255 };
static const uint64_t small[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
static const uint64_t lengths[] = { 0, 20, 40, 64, 100, 576, 1499, 1500, 65535 };
static const uint64_t types[] = { 0, 0x7ff, 0x800, 0x801, 0x806, 0x86dc, 0x86dd, 0x88cc, 0xffff };
static const uint64_t macs[] = { 0, 1, 0x020000000001, 0x0200000000ff, 0xffffffffffff };
static const uint64_t vlans[] = { 0, 1, 100, 101, 4094, 4095 };
static const uint64_t marks[] = { 0, 1, 2, 0xff, 0x100, 0x1ff, 0xffffffff };

static uint64_t stock(enum expr_field field)
{
	field = expr_field_plain(field);
	switch (field) {
	case EXPR_IP_SADDR:
	case EXPR_IP_DADDR:
		return PICK(ip4);
	case EXPR_SPORT:
	case EXPR_DPORT:
		return PICK(ports);
	case EXPR_PROTO:
		return PICK(protos);
	case EXPR_FRAG:
		return below(3);
	case EXPR_LENGTH:
		return PICK(lengths);
	case EXPR_DSCP:
		return PICK(small) * 9;
	case EXPR_ETHER_SADDR:
	case EXPR_ETHER_DADDR:
		return PICK(macs);
	case EXPR_ETHER_TYPE:
		return PICK(types);
	case EXPR_VLAN_ID:
		return PICK(vlans);
	case EXPR_VLAN_PCP:
		return PICK(small);
	case EXPR_MARK:
		return PICK(marks);
	case EXPR_CT_STATE:
		return below(SHUNT_CT_MAX);
	case EXPR_CT_ZONE:
		return PICK(small);
	case EXPR_CT_DIRECTION:
		return below(2);
	case EXPR_IIF:
		return 1 + below(4);
	default:
		return PICK(bytes);
	}
}

static struct expr_value value_of(enum expr_field field)
{
	static const uint64_t half[] = {
		0, 1, 0x20010db800000000, 0x20010db800000001, 0x7fffffffffffffff, UINT64_MAX,
	};

	field = expr_field_plain(field);
	if (field == EXPR_IP6_SADDR || field == EXPR_IP6_DADDR)
		return (struct expr_value){ PICK(half), PICK(half) };
	return (struct expr_value){ 0, stock(field) };
}

/* As rules have it in tuples */
static struct expr_interval name_interval(void)
{
	static const char *const stock_names[] = { "eth0", "eth1", "eth2", "wan0" };
	struct expr_value value = name_value(PICK(stock_names));

	if (below(3))
		return (struct expr_interval){ value, value };
	value.hi &= 0xffffff0000000000;
	return (struct expr_interval){ value, { value.hi | 0xffffffffff, UINT64_MAX } };
}

/* A few of them, or all but a few: others take too many places */
static struct expr_interval *flow6_intervals(enum expr_field field, unsigned int *ret_n)
{
	static const unsigned int host[] = { 0, 0, 1, 63, 64, 65, 96, 127, 128 };
	struct expr_interval *v = arena_new_n(&arena, struct expr_interval, 2), *rest;
	unsigned int i, n = 1 + below(2), bits;
	uint64_t hi, lo;

	for (i = 0; i < n; i++) {
		bits = PICK(host);
		hi = bits > 64 ? UINT64_MAX >> (128 - bits) : 0;
		lo = bits >= 64 ? UINT64_MAX : (1ull << bits) - 1;
		v[i].first = value_of(field);
		v[i].last = (struct expr_value){ v[i].first.hi | hi, v[i].first.lo | lo };
		v[i].first = (struct expr_value){ v[i].first.hi & ~hi, v[i].first.lo & ~lo };
	}
	*ret_n = expr_merge(v, n);
	if (below(2))
		return v;
	n = expr_complement(&arena, field, v, *ret_n, &rest);
	if (!n)
		return v;
	*ret_n = n;
	return rest;
}

static struct expr_interval interval_of(enum expr_field field)
{
	struct expr_value a = value_of(field), b = below(2) ? a : value_of(field);

	if (field == EXPR_IIF)
		return name_interval();
	if (a.hi > b.hi || (a.hi == b.hi && a.lo > b.lo))
		return (struct expr_interval){ b, a };
	return (struct expr_interval){ a, b };
}

static struct expr_interval *intervals_of(enum expr_field field, unsigned int max,
					  unsigned int *ret_n)
{
	unsigned int i, n = below(3) ? 1 : 1 + below(max);
	struct expr_interval *v = arena_new_n(&arena, struct expr_interval, n);

	for (i = 0; i < n; i++)
		v[i] = interval_of(field);
	*ret_n = expr_merge(v, n);
	return v;
}

/* ---- names --------------------------------------------------------------------------------- */

static const char *const edges[] = { "accept", "drop", "odd", "even", "drop(rate)", "reject" };

static int name_edge(void *arg, const char *edge, const char *reason)
{
	char name[64];
	unsigned int i;

	snprintf(name, sizeof(name), reason ? "%s(%s)" : "%s", edge, reason);
	for (i = 0; i < N(edges); i++)
		if (!strcmp(edges[i], name))
			return i;
	return -1;
}

static uint32_t name_hash(void *arg, const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	return hash & 0xffffff;
}

static const struct config *config_now;

static int name_set(void *arg, const char *set, bool *ret_dynamic)
{
	const struct config_set *found = config_set_find(config_now, set);

	*ret_dynamic = found->dynamic;
	if (found->n_fields > 1 && !strcmp(set, "rangy"))
		return -1;
	return found - config_now->set;
}

static uint32_t name_policy(void *arg, const char *name)
{
	return *name == *policy_names[1] ? 1 : 2;
}

static uint32_t name_limit(void *arg, const struct config_rule *rule, unsigned int statement)
{
	return rule->expr.id + statement;
}

static struct link there[] = {		/* packets come from a fifth one, too */
	{ .ifindex = 1, .name = "eth1" }, { .ifindex = 2, .name = "eth2" },
	{ .ifindex = 3, .name = "wan0" }, { .ifindex = 4, .name = "eth10" },
};
static const struct link_table links = { .link = there, .n = N(there) };

static const struct lower_names names = {
	name_edge, name_hash, name_hash, name_set, name_policy, NULL, name_limit, &links, NULL,
};

/* ---- sets ---------------------------------------------------------------------------------- */

/* Small ones and large ones; the large ones' values are mostly none of the stock */
static void set_init(struct config_set *set, const char *name, unsigned int n, bool ranges,
		     const enum expr_field *field, unsigned int n_fields)
{
	unsigned int i;

	*set = (struct config_set){ .name = name, .n = n, .n_fields = n_fields };
	memcpy(set->field, field, n_fields * sizeof(field[0]));
	set->tuple = arena_new_n(&arena, struct expr_interval, n * n_fields);
	for (i = 0; i < n * n_fields; i++) {
		set->tuple[i] = interval_of(field[i % n_fields]);
		if (i >= 12 && n_fields == 1)
			set->tuple[i].first.lo = set->tuple[i].last.lo = 0x01000000 + 3 * i;
		if (!ranges)
			set->tuple[i].first = set->tuple[i].last;
	}
	if (n_fields == 1)
		set->n = expr_merge(set->tuple, n);
}

#define FIELDS(...) (const enum expr_field[]){ __VA_ARGS__ }, \
	sizeof((enum expr_field[]){ __VA_ARGS__ }) / sizeof(enum expr_field)

/* In order of their names */
enum { FEW4, FEW6, LARGE4, MANY, MARKS, NEW4, PAIRS, RANGY, SETS };

static void sets_init(struct config *config)
{
	config->set = arena_new_n(&arena, struct config_set, SETS);
	config->n_sets = SETS;
	set_init(&config->set[FEW4], "few4", 1 + below(6), true, FIELDS(EXPR_IP_SADDR));
	set_init(&config->set[FEW6], "few6", 1 + below(2), true, FIELDS(EXPR_IP6_SADDR));
	set_init(&config->set[LARGE4], "large4", 200, true, FIELDS(EXPR_IP_SADDR));
	set_init(&config->set[MANY], "many", 5, true, FIELDS(EXPR_DPORT));
	set_init(&config->set[MARKS], "marks", 1 + below(6), true, FIELDS(EXPR_MARK));
	set_init(&config->set[NEW4], "new4", 6, false, FIELDS(EXPR_IP_SADDR));
	config->set[NEW4].dynamic = true;
	set_init(&config->set[PAIRS], "pairs", below(2) ? 5 : 300, false,
		 FIELDS(EXPR_IP_SADDR, EXPR_DPORT));
	set_init(&config->set[RANGY], "rangy", 5, true, FIELDS(EXPR_IP_SADDR, EXPR_DPORT));
}

/* ---- matches ------------------------------------------------------------------------------- */

static void match_set(struct expr_match *match)
{
	static const struct {
		const char *name;
		enum expr_field field;
	} sets[] = {
		{ "few4", EXPR_IP_SADDR }, { "few4", EXPR_IP_DADDR }, { "large4", EXPR_IP_SADDR },
		{ "large4", EXPR_IP_DADDR }, { "many", EXPR_SPORT }, { "many", EXPR_DPORT },
		{ "marks", EXPR_MARK }, { "marks", EXPR_CT_MARK }, { "new4", EXPR_IP_SADDR },
		{ "few6", EXPR_IP6_SADDR }, { "few6", EXPR_IP6_DADDR },
	};
	unsigned int i = below(N(sets));

	*match = (struct expr_match){
		.field = sets[i].field, .set = sets[i].name, .negated = below(2),
	};
}

static void match_names(struct expr_match *match)
{
	static const char *const stock_names[] = {
		"eth0", "eth1", "eth2", "eth10", "eth*", "wan*", "e*", "lan*",
	};
	unsigned int i;

	match->n_names = 1 + below(3);
	match->name = arena_new_n(&arena, const char *, match->n_names);
	for (i = 0; i < match->n_names; i++)
		match->name[i] = PICK(stock_names);
	match->negated = below(2);
}

static void match_payload(struct expr_match *match)
{
	match->base = below(3);
	match->at = below(12);
	match->bytes = 1 + below(8);
	match->interval = intervals_of(EXPR_TTL, 3, &match->n);
	if (below(2))
		match->field_mask = below(2) ? 0xff : 0xf0;
	match->negated = below(2);
}

/* Any other type than this */
static void match_other_type(struct expr_match *match)
{
	uint64_t not = below(2) ? ETHERTYPE_IP : ETHERTYPE_IPV6;

	match->n = 2;
	match->interval = arena_new_n(&arena, struct expr_interval, 2);
	match->interval[0].last.lo = not - 1;
	match->interval[1].first.lo = not + 1;
	match->interval[1].last.lo = UINT16_MAX;
}

static void match_init(struct expr_match *match)
{
	static const enum expr_field often[] = { EXPR_MARK, EXPR_CT_STATE, EXPR_CT_MARK };
	enum expr_field field = below(4) ? below(EXPR_FIELD_MAX) : PICK(often);

	if (!below(6)) {
		match_set(match);
		return;
	}
	*match = (struct expr_match){ .field = field };
	switch (field) {
	case EXPR_TCP_FLAGS:
	case EXPR_EXTHDR:
		match->mask = 1 + below(field == EXPR_EXTHDR ? 31 : 255);
		match->value = unit_random(&seed) & match->mask;
		match->negated = below(2);
		break;
	case EXPR_IIF:
		match_names(match);
		break;
	case EXPR_PAYLOAD:
		match_payload(match);
		break;
	case EXPR_CT_IP6_SADDR:
	case EXPR_CT_IP6_DADDR:
	case EXPR_CT_REPLY_IP6_SADDR:
	case EXPR_CT_REPLY_IP6_DADDR:
		match->interval = flow6_intervals(field, &match->n);
		break;
	case EXPR_CT_STATUS:
		match->field_mask = 1 + below(CONNTRACK_STATUS_KNOWN);
		match->n = 1;
		match->interval = arena_new(&arena, struct expr_interval);
		match->interval->first.lo = match->field_mask & unit_random(&seed);
		match->interval->last = match->interval->first;
		match->negated = below(2);
		break;
	case EXPR_MARK:
	case EXPR_CT_MARK:
		match->interval = intervals_of(field, 3, &match->n);
		if (below(2)) {
			match->field_mask = 0xff;
			match->negated = below(2);
		}
		break;
	default:
		if (field == EXPR_ETHER_TYPE && below(2))
			match_other_type(match);
		else
			match->interval = intervals_of(field, 4, &match->n);
	}
}

static void concat_fields(struct expr_concat *concat, bool mixed)
{
	static const enum expr_field key4[] = {
		EXPR_IP_SADDR, EXPR_IP_DADDR, EXPR_PROTO, EXPR_DPORT, EXPR_SPORT, EXPR_FRAG,
		EXPR_CT_STATE,
	};
	static const enum expr_field key6[] = {
		EXPR_IP6_SADDR, EXPR_PROTO, EXPR_DPORT, EXPR_CT_STATE,
	};
	static const enum expr_field rest[] = {
		EXPR_MARK, EXPR_VLAN_ID, EXPR_ETHER_SADDR, EXPR_IIF, EXPR_CT_MARK, EXPR_CT_ZONE,
		EXPR_CT_DIRECTION,
	};
	bool six = below(3) == 0;
	unsigned int i;

	concat->n_fields = 2;
	for (i = 0; i < 2; i++)
		concat->field[i] = six ? PICK(key6) : PICK(key4);
	if (concat->field[1] == concat->field[0])
		concat->field[1] = six ? EXPR_IP6_DADDR : EXPR_ICMP_TYPE;
	if (mixed)
		concat->field[below(2)] = PICK(rest);
}

/* @disjoint: no packet is in two tuples */
static void concat_init(struct expr_concat *concat, bool mixed, bool disjoint)
{
	struct expr_interval *first;
	unsigned int i, n;

	*concat = (struct expr_concat){0};
	if (!disjoint && !below(3)) {
		concat->n_fields = 2;
		concat->field[0] = below(2) ? EXPR_IP_SADDR : EXPR_IP_DADDR;
		concat->field[1] = below(2) ? EXPR_DPORT : EXPR_SPORT;
		concat->set = below(2) ? "pairs" : "rangy";
		concat->negated = below(2);
		return;
	}
	concat_fields(concat, mixed);
	first = intervals_of(concat->field[0], mixed ? 3 : 6, &n);
	concat->n_tuples = n;
	concat->tuple = arena_new_n(&arena, struct expr_interval, 2 * n);
	for (i = 0; i < n; i++) {
		concat->tuple[2 * i] = disjoint ? first[i] : interval_of(concat->field[0]);
		concat->tuple[2 * i + 1] = interval_of(concat->field[1]);
	}
}

/* ---- rules --------------------------------------------------------------------------------- */

static const char *const chain_names[CHAINS] = { "a", "b", "c" };

/* @level: chains from there may be jumped to; in a chain or a map: returns make sense */
static void verdict_init(struct expr_verdict *verdict, unsigned int level, bool element)
{
	*verdict = (struct expr_verdict){0};
	switch (below(8)) {
	case 0:
		verdict->kind = element ? EXPR_LEAVE : EXPR_CONTINUE;
		verdict->edge = "odd";
		return;
	case 1:
		verdict->kind = EXPR_RETURN;
		return;
	case 2:
		verdict->kind = EXPR_REJECT;
		verdict->edge = "reject";
		verdict->reject = below(SHUNT_REJECT_MAX);
		return;
	case 3:
	case 4:
		if (level < CHAINS) {
			verdict->kind = EXPR_JUMP;
			verdict->chain = chain_names[level + below(CHAINS - level)];
			return;
		}
		/* fall through */
	default:
		verdict->kind = EXPR_LEAVE;
		verdict->edge = edges[below(4)];
		if (!strcmp(verdict->edge, "drop") && below(2))
			verdict->reason = "rate";
	}
}

static void statement_init(struct expr_statement *statement)
{
	static const char *const counters[] = { "one", "two" };

	*statement = (struct expr_statement){
		.kind = below(EXPR_ADD + 2), .over = below(2), .amount = 1 + below(9),
		.interval_ns = 1000000000, .mark = below(16), .mark_mask = 0xf0,
		.crossed = below(2), .name = PICK(counters),
	};
	if (statement->kind == EXPR_ADD + 1)
		statement->kind = EXPR_CT_COUNT;
	if (statement->kind == EXPR_SET_POLICY)
		statement->name = policy_names[1 + below(2)];
	if (statement->kind == EXPR_ADD) {
		statement->name = "new4";
		statement->field[0] = EXPR_IP_SADDR;
		statement->n_fields = 1;
	}
}

static void rule_init(struct config_rule *rule, unsigned int level)
{
	static const struct tree tree = { .kind = TREE_MAP };
	static uint32_t id;
	struct expr_rule *expr = &rule->expr;
	unsigned int i;

	*rule = (struct config_rule){ .expr.id = ++id, .tree = &tree };
	expr->families = below(3) ? EXPR_FAMILY_4 | EXPR_FAMILY_6 : 1 + below(2);
	expr->n = below(4);
	expr->match = arena_new_n(&arena, struct expr_match, expr->n);
	for (i = 0; i < expr->n; i++)
		match_init(&expr->match[i]);
	if (!below(5)) {
		expr->n_concats = 1;
		expr->concat = arena_new(&arena, struct expr_concat);
		concat_init(expr->concat, !below(3), false);
	}
	if (!below(3)) {
		expr->n_statements = 1 + below(3);
		expr->statement = arena_new_n(&arena, struct expr_statement, 3);
		for (i = 0; i < expr->n_statements; i++)
			statement_init(&expr->statement[i]);
	}
	verdict_init(&expr->verdict, level, false);
	if (below(5))
		return;
	expr->vmap = arena_new(&arena, struct expr_vmap);
	concat_init(&expr->vmap->key, !below(3), true);
	expr->vmap->verdict = arena_new_n(&arena, struct expr_verdict, expr->vmap->key.n_tuples);
	for (i = 0; i < expr->vmap->key.n_tuples; i++)
		verdict_init(&expr->vmap->verdict[i], level, true);
}

static void rules_init(struct config_rule **ret_rule, unsigned int *ret_n, unsigned int max,
		       unsigned int level)
{
	unsigned int i;

	*ret_n = below(max + 1);
	*ret_rule = arena_new_n(&arena, struct config_rule, max);
	for (i = 0; i < *ret_n; i++)
		rule_init(&(*ret_rule)[i], level);
}

static void node_init(struct config_node *node)
{
	unsigned int i;

	*node = (struct config_node){ .name = "guard", .n_chains = CHAINS };
	node->chain = arena_new_n(&arena, struct config_chain, CHAINS);
	for (i = 0; i < CHAINS; i++) {
		node->chain[i].name = chain_names[i];
		rules_init(&node->chain[i].rule, &node->chain[i].n_rules, CHAIN_RULES_MAX, i + 1);
	}
	rules_init(&node->rule, &node->n_rules, RULES_MAX, 0);
}

#endif
