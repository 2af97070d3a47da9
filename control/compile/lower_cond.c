// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * lower_cond.c - what is no word of the classifier's key: conditions
 *
 * DOC: Several intervals of a value are one range and, for each gap between
 * them, one that is negated: a conjunction, as an extension wants it. Where that is more
 * conditions than an extension has, the intervals are dealt out to alternatives,
 * each at a place of its own: they exclude each other.
 */
#include <linux/if_ether.h>
#include <string.h>

#include <compile/lower_priv.h>

/* ---- sets: rows, ranges or a lookup -------------------------------------------------------- */

static const uint8_t key_part[EXPR_FIELD_MAX] = {
	[EXPR_IP_SADDR] = FILTER_KEY_SADDR4, [EXPR_IP_DADDR] = FILTER_KEY_DADDR4,
	[EXPR_IP6_SADDR] = FILTER_KEY_SADDR6, [EXPR_IP6_DADDR] = FILTER_KEY_DADDR6,
	[EXPR_PROTO] = FILTER_KEY_PROTO,
	[EXPR_SPORT] = FILTER_KEY_SPORT, [EXPR_DPORT] = FILTER_KEY_DPORT,
	[EXPR_ETHER_SADDR] = FILTER_KEY_ETHER_SADDR, [EXPR_ETHER_DADDR] = FILTER_KEY_ETHER_DADDR,
	[EXPR_MARK] = FILTER_KEY_MARK, [EXPR_VLAN_ID] = FILTER_KEY_VLAN_ID,
	[EXPR_IIF] = FILTER_KEY_IIF, [EXPR_CT_MARK] = FILTER_KEY_CT_MARK,
};

_Static_assert(EXPR_CONCAT_MAX <= FILTER_KEY_PARTS, "a key holds what a rule may ask for");

bool lower_key_parts(const enum expr_field *field, unsigned int n, uint8_t *ret_part)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (key_part[field[i]] == FILTER_KEY_END)
			return false;
		ret_part[i] = key_part[field[i]];
	}
	return true;
}

static bool single_values(const struct lower_tuples *tuples)
{
	size_t i;

	for (i = 0; i < tuples->n * tuples->n_fields; i++)
		if (tuples->tuple[i].first.lo != tuples->tuple[i].last.lo ||
		    tuples->tuple[i].first.hi != tuples->tuple[i].last.hi)
			return false;
	return true;
}

/* More elements than this are looked up if they can be */
static size_t inline_max(const struct lower *l, const struct lower_tuples *tuples)
{
	if (!lower_field_in_key(tuples->field, tuples->n_fields))
		return l->lookups ? 0 : 2;
	if (l->lookups)
		return 0;
	if (tuples->negated)	/* a complement of addresses is a row for each bit of them */
		return tuples->n_fields == 1 && tuples->field[0] > EXPR_IP6_DADDR ?
		       LOWER_SET_INLINE : 2;
	return LOWER_SET_INLINE;
}

/* Return: whether @conj has got a condition for them */
static bool looked_up(struct lower *l, struct lower_conj *conj, const struct lower_tuples *tuples)
{
	struct filter_cond cond = { .kind = FILTER_COND_SET, .negated = tuples->negated };
	bool dynamic = false;
	int slot;

	if (!tuples->set || (!tuples->dynamic && tuples->n <= inline_max(l, tuples)))
		return false;
	if (!lower_key_parts(tuples->field, tuples->n_fields, cond.part) ||
	    (!tuples->dynamic && tuples->n_fields > 1 && !single_values(tuples)))
		return false;
	slot = l->names->set(l->names->arg, tuples->set, &dynamic);
	if (slot < 0)
		return false;
	cond.slot = slot;
	cond.dynamic = dynamic;
	if (conj->n_conds == FILTER_CONDS_MAX) {
		lower_too_many_conds(l, conj);
		return true;
	}
	conj->cond[conj->n_conds++] = cond;
	return true;
}

/* A set of one field */
static void as_ranges(struct lower *l, struct lower_conj *conj, const struct lower_tuples *tuples)
{
	enum expr_field field = tuples->field[0];
	struct ranges ranges = { tuples->tuple, tuples->n };

	if (field >= LOWER_ROW_FIELDS) {
		lower_conj_values(l, conj, field, ranges, tuples->negated);
		return;
	}
	if (tuples->negated)
		ranges = ranges_not(&l->scratch, ranges, ranges_all(field).v[0].last);
	conj->range[field] = ranges_and(&l->scratch, conj->range[field], ranges);
}

void lower_cond_settle(struct lower *l, struct lower_conj *conj)
{
	const struct lower_tuples *tuples = conj->unsettled, **to;
	struct lower_tuples *copy;

	conj->unsettled = NULL;
	for (; tuples; tuples = tuples->next) {
		if (looked_up(l, conj, tuples))
			continue;
		l->inlined |= tuples->set != NULL;
		if (tuples->dynamic) {
			lower_fail(l, -EINVAL, "no_lookup",
				   "elements of set '%s' come and go, and it cannot be looked up by these fields",
				   tuples->set);
			continue;
		}
		if (tuples->n_fields == 1) {
			as_ranges(l, conj, tuples);
			continue;
		}
		to = tuples->negated ? &conj->except :
		     lower_field_in_key(tuples->field, tuples->n_fields) ? &conj->tuples :
									   &conj->mixed;
		copy = arena_new(&l->scratch, struct lower_tuples);
		*copy = *tuples;
		copy->next = *to;
		*to = copy;
	}
}

/* ---- TCP flags ----------------------------------------------------------------------------- */

/* Rows say flags for nothing; where there are many, or an extension anyway, it says them */
static void settle_flags(struct lower *l, struct lower_conj *conj)
{
	const struct lower_flags *flags;
	unsigned int n = 0;

	if (!conj->flags || (!l->lookups && !conj->n_conds) || lower_flags_pieces(l, conj) < 2)
		return;
	for (flags = conj->flags; flags; flags = flags->next)
		n++;
	if (n > FILTER_CONDS_MAX - conj->n_conds)
		return;
	for (flags = conj->flags; flags; flags = flags->next)
		conj->cond[conj->n_conds++] = (struct filter_cond){
			.kind = FILTER_COND_RANGE, .field = FILTER_TCP_FLAGS,
			.negated = flags->negated, .mask = flags->mask,
			.first = flags->value, .last = flags->value,
		};
	conj->flags = NULL;
	l->inlined = true;
}

/* ---- ranges -------------------------------------------------------------------------------- */

/* Intervals of a subject that an alternative has */
struct deal {
	const struct lower_subject *subject;
	unsigned int per;
};

/* Not every packet has it: any value is a condition, too */
static bool may_lack(const struct filter_cond *cond)
{
	return cond->kind != FILTER_COND_RANGE || cond->field == FILTER_VLAN_ID ||
	       cond->field == FILTER_VLAN_PCP || cond->field == FILTER_EXTHDR ||
	       cond->field == FILTER_CT_DIRECTION;
}

/* Conditions for intervals @from to @from + @n - 1. Return: how many; @ret may be NULL */
static unsigned int say(const struct lower_subject *subject, unsigned int from, unsigned int n,
			struct filter_cond *ret)
{
	const struct expr_interval *v = &subject->ranges.v[from];
	uint64_t first = v[0].first.lo, last = v[n - 1].last.lo;
	unsigned int i, used = 0;

	if (first || last < subject->cond.mask || (n == 1 && may_lack(&subject->cond))) {
		if (ret) {
			ret[0] = subject->cond;
			ret[0].first = first;
			ret[0].last = last;
		}
		used = 1;
	}
	for (i = 1; i < n; i++, used++) {
		if (!ret)
			continue;
		ret[used] = subject->cond;
		ret[used].negated = 1;
		ret[used].first = v[i - 1].last.lo + 1;
		ret[used].last = v[i].first.lo - 1;
	}
	return used;
}

/* An upper bound: of any alternative */
static unsigned int conds_of(const struct deal *deal)
{
	return deal->per < deal->subject->ranges.n ? deal->per :
	       say(deal->subject, 0, deal->per, NULL);
}

/* Shorten the longest lists until an extension can hold all. Return: whether one can */
static bool deal_out(struct deal *deal, unsigned int n, unsigned int room)
{
	unsigned int i, sum, half;
	struct deal *longest;

	for (;;) {
		longest = NULL;
		for (i = 0, sum = 0; i < n; i++) {
			sum += conds_of(&deal[i]);
			if (deal[i].per > 1 && (!longest || deal[i].per > longest->per))
				longest = &deal[i];
		}
		if (sum <= room)
			return true;
		if (!longest)
			return false;
		half = (longest->per + 1) / 2;
		longest->per -= sum - room < longest->per - half ? sum - room : longest->per - half;
	}
}

struct each {
	lower_put *put;
	void *arg;
	unsigned int n;
	struct deal deal[];
};

static void put_settled(struct lower *l, const struct lower_conj *conj, lower_put *put, void *arg)
{
	struct lower_conj settled;

	if (!conj->flags) {
		put(l, conj, arg);
		return;
	}
	settled = *conj;
	settle_flags(l, &settled);
	put(l, &settled, arg);
}

static void each_deal(struct lower *l, const struct lower_conj *conj, const struct each *each,
		      unsigned int i)
{
	const struct deal *deal = &each->deal[i];
	unsigned int from, n;

	if (i == each->n) {
		put_settled(l, conj, each->put, each->arg);
		return;
	}
	for (from = 0; from < deal->subject->ranges.n && !l->failed; from += n) {
		struct lower_conj next = *conj;

		n = deal->subject->ranges.n - from;
		if (n > deal->per)
			n = deal->per;
		next.n_conds += say(deal->subject, from, n, &next.cond[next.n_conds]);
		each_deal(l, &next, each, i + 1);
	}
}

void lower_too_many_conds(struct lower *l, const struct lower_conj *conj)
{
	struct diag *diag;

	diag = lower_fail(l, -E2BIG, "too_many_conditions",
			  "more than %u conditions besides addresses, ports, protocol and flags%s",
			  FILTER_CONDS_MAX,
			  conj->jump ? ", with those of the rule that jumps here" : "");
	if (conj->jump)
		diag->hint = arena_printf(l->diags->arena, "the rule that jumps here is %s",
					  tree_path(conj->jump->tree, &l->scratch));
}

static void each_range(struct lower *l, const struct lower_conj *conj, lower_put *put, void *arg)
{
	const struct lower_subject *subject;
	struct lower_conj base;
	struct each *each;
	unsigned int n = 0;

	if (!conj->subject) {
		put_settled(l, conj, put, arg);
		return;
	}
	for (subject = conj->subject; subject; subject = subject->next)
		n++;
	each = arena_alloc(&l->scratch, sizeof(*each) + n * sizeof(each->deal[0]));
	each->put = put;
	each->arg = arg;
	for (subject = conj->subject; subject; subject = subject->next)
		each->deal[each->n++] = (struct deal){ subject, subject->ranges.n };
	base = *conj;
	base.subject = NULL;
	if (!deal_out(each->deal, n, FILTER_CONDS_MAX - base.n_conds))
		lower_too_many_conds(l, conj);
	else
		each_deal(l, &base, each, 0);
}

/* ---- the Ethernet type: mostly the family -------------------------------------------------- */

static const struct expr_interval ip_types[] = {
	{ { 0, ETH_P_IP }, { 0, ETH_P_IP } }, { { 0, ETH_P_IPV6 }, { 0, ETH_P_IPV6 } },
};

static const struct lower_subject *ether_type(const struct lower_conj *conj)
{
	const struct lower_subject *subject = conj->subject;

	while (subject && (subject->cond.kind != FILTER_COND_RANGE ||
			   subject->cond.field != FILTER_ETHER_TYPE))
		subject = subject->next;
	return subject;
}

/* The root has checked that what has the type is IP, and dropped what is not */
static void each_type(struct lower *l, const struct lower_conj *conj, lower_put *put, void *arg)
{
	const struct lower_subject *type = ether_type(conj), *subject;
	struct ranges others, rest;
	struct lower_conj part;
	unsigned int ip;

	if (!type) {
		each_range(l, conj, put, arg);
		return;
	}
	part = *conj;
	part.subject = NULL;
	for (subject = conj->subject; subject; subject = subject->next)
		if (subject != type)
			lower_conj_subject(l, &part, &subject->cond, subject->ranges);
	others = ranges_not(&l->scratch, (struct ranges){ ip_types, 2 },
			    (struct expr_value){ 0, UINT16_MAX });
	rest = ranges_and(&l->scratch, others, type->ranges);
	ip = (ranges_has(&type->ranges, ETH_P_IP) ? LOWER_IP4 : 0) |
	     (ranges_has(&type->ranges, ETH_P_IPV6) ? LOWER_IP6 : 0);
	if (rest.n == others.n && !memcmp(rest.v, others.v, rest.n * sizeof(rest.v[0]))) {
		part.kinds = conj->kinds & (ip | LOWER_NOT_IP);
		rest.n = 0;
	} else {
		part.kinds = conj->kinds & ip;
	}
	if (!lower_conj_never(&part))
		each_range(l, &part, put, arg);
	part.kinds = conj->kinds & LOWER_NOT_IP;
	lower_conj_subject(l, &part, &type->cond, rest);
	if (!lower_conj_never(&part))
		each_range(l, &part, put, arg);
}

void lower_cond_each(struct lower *l, const struct lower_conj *conj, lower_put *put, void *arg)
{
	const struct lower_tuples *mixed = conj->mixed;
	struct lower_conj part;
	size_t i;

	if (lower_conj_never(conj))
		return;
	if (!mixed) {
		each_type(l, conj, put, arg);
		return;
	}
	for (i = 0; i < mixed->n && !l->failed; i++) {
		part = *conj;
		part.mixed = mixed->next;
		lower_conj_tuple(l, &part, mixed, i);
		lower_cond_each(l, &part, put, arg);
	}
}
