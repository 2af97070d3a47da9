// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* expr_match.c - the matches of a rule that is being read: intersect, refuse what never matches */
#include <errno.h>
#include <string.h>

#include <shunt/packet.h>

#include <model/expr_read.h>
#include <model/expr_value.h>

static struct scan_span span_of(const struct expr_match *match)
{
	return (struct scan_span){ match->offset, match->len };
}

int expr_match_contradiction(struct expr_reader *p, struct scan_span span,
			     struct scan_span earlier)
{
	scan_find(p->s, span, "never_matches",
		  "%s can never match: it contradicts %s (character %d)",
		  scan_quote(p->s, span), scan_quote(p->s, earlier), earlier.offset + 1);
	return -EINVAL;
}

int expr_match_family(struct expr_reader *p, unsigned int families, struct scan_span span)
{
	if (!(p->rule.families & families))
		return expr_match_contradiction(p, span, p->family);
	if (p->rule.families & ~families) {
		p->rule.families &= families;
		p->family = span;
	}
	return 0;
}

/* Return: NULL: diags tell */
static struct expr_match *append(struct expr_reader *p, const struct expr_match *what,
				 struct scan_span span)
{
	struct expr_match *match;

	if (p->rule.n == EXPR_MATCHES_MAX) {
		scan_find(p->s, span, "too_many", "a rule has at most %d matches",
			  EXPR_MATCHES_MAX)->hint = "values of one field go into one list";
		return NULL;
	}
	match = &p->rule.match[p->rule.n++];
	*match = *what;
	match->offset = span.offset;
	match->len = span.len;
	return match;
}

static int append_intervals(struct expr_reader *p, const struct expr_match *what,
			    struct scan_span span)
{
	struct expr_match *match = append(p, what, span);

	if (!match)
		return -EINVAL;
	match->interval = arena_new_n(p->s->arena, struct expr_interval, what->n);
	memcpy(match->interval, what->interval, what->n * sizeof(*what->interval));
	return 0;
}

/* ---- intervals ---------------------------------------------------------------------------- */

/* The same bits of the packet, without a mask */
static bool same_place(const struct expr_match *a, const struct expr_match *b)
{
	return a->field == b->field && a->base == b->base && a->at == b->at && a->bytes == b->bytes;
}

/* Only for what is looked at through a mask, and single values: bits that both see must agree */
static bool bits_disagree(const struct expr_match *a, const struct expr_match *b)
{
	uint64_t common;

	if (a->n != 1 || b->n != 1 || a->negated || b->negated || !interval_one(a->interval) ||
	    !interval_one(b->interval))
		return false;
	common = (a->field_mask ? a->field_mask : UINT64_MAX) &
		 (b->field_mask ? b->field_mask : UINT64_MAX);
	return (a->interval->first.lo ^ b->interval->first.lo) & common;
}

/* Narrow @match to what @what holds, too */
static int narrow(struct expr_reader *p, struct expr_match *match, const struct expr_match *what,
		  struct scan_span span)
{
	struct expr_interval *both;
	unsigned int n_both;

	if (expr_interval_equal(what->interval, what->n, match->interval, match->n))
		return 0;
	n_both = expr_intersect(p->s->arena, match->interval, match->n, what->interval, what->n,
				&both);
	if (!n_both)
		return expr_match_contradiction(p, span, span_of(match));
	if (!expr_interval_equal(both, n_both, match->interval, match->n)) {
		match->offset = span.offset;
		match->len = span.len;
	}
	match->interval = both;
	match->n = n_both;
	return 0;
}

int expr_match_add(struct expr_reader *p, const struct expr_match *what, struct scan_span span)
{
	struct expr_match *match;
	unsigned int i;

	for (i = 0; i < p->rule.n; i++) {
		match = &p->rule.match[i];
		if (match->set || !same_place(match, what))
			continue;
		if (match->field_mask != what->field_mask || what->negated || match->negated) {
			bool same = match->field_mask == what->field_mask &&
				    expr_interval_equal(what->interval, what->n, match->interval,
							match->n);

			if (same && match->negated == what->negated)
				return 0;
			if (same || bits_disagree(match, what))
				return expr_match_contradiction(p, span, span_of(match));
			continue;
		}
		return narrow(p, match, what, span);
	}
	return append_intervals(p, what, span);
}

static int leaves_nothing(struct expr_reader *p, struct scan_span span)
{
	return scan_fail(p->s, span, "never_matches",
			 arena_printf(p->s->arena, "%s can never match: it leaves no value",
				      scan_quote(p->s, span)), NULL);
}

/* @what: a single value */
static int order(struct expr_reader *p, struct expr_match *what, enum expr_op op,
		 struct expr_value max, struct scan_span span)
{
	struct expr_interval *interval = what->interval;
	struct expr_value value = interval->first;

	if (what->n != 1 || !interval_one(interval))
		return scan_fail(p->s, span, "bad_value",
				 "'<' and '>' stand before one value, not a list or range", NULL);
	if ((op == EXPR_OP_LT && !value.hi && !value.lo) ||
	    (op == EXPR_OP_GT && !value_cmp(value, max)))
		return leaves_nothing(p, span);
	if (op == EXPR_OP_LT || op == EXPR_OP_LE) {
		interval->last = op == EXPR_OP_LT ? value_prev(value) : value;
		interval->first = (struct expr_value){ 0 };
	} else {
		interval->first = op == EXPR_OP_GT ? value_next(value) : value;
		interval->last = max;
	}
	return 0;
}

int expr_match_values(struct expr_reader *p, struct expr_match *what, enum expr_op op,
		      struct expr_value max, struct scan_span span)
{
	struct expr_interval *rest;
	int r;

	if (op > EXPR_OP_NE) {
		r = order(p, what, op, max, span);
		if (r < 0)
			return r;
	} else if (op == EXPR_OP_NE) {
		what->n = expr_complement(p->s->arena, what->field, what->interval, what->n, &rest);
		while (what->n && value_cmp(rest[what->n - 1].first, max) > 0)
			what->n--;
		if (what->n && value_cmp(rest[what->n - 1].last, max) > 0)
			rest[what->n - 1].last = max;
		what->interval = rest;
	}
	if (!what->n)
		return leaves_nothing(p, span);
	return expr_match_add(p, what, span);
}

/* What a field says of a packet before any value is read */
int expr_match_implied(struct expr_reader *p, unsigned int families, int proto,
		       struct scan_span span)
{
	struct expr_match what = { .field = EXPR_PROTO };
	int r = expr_match_family(p, families, span);

	what.interval = (struct expr_interval *)expr_key_protos(proto, &what.n);
	if (r < 0 || !what.n)
		return r;
	return expr_match_add(p, &what, span);
}

/* ---- sets, flags, headers, interfaces ----------------------------------------------------- */

int expr_match_set(struct expr_reader *p, enum expr_field field, const char *name, bool negated,
		   struct scan_span span)
{
	struct expr_match what = { .field = field, .set = name, .negated = negated }, *match;
	unsigned int i;

	for (i = 0; i < p->rule.n; i++) {
		match = &p->rule.match[i];
		if (match->field != field || !match->set || strcmp(match->set, name))
			continue;
		if (match->negated == negated)
			return 0;
		return expr_match_contradiction(p, span, span_of(match));
	}
	return append(p, &what, span) ? 0 : -EINVAL;
}

/* Some value of the flags passes all matches on them */
static bool flags_possible(const struct expr_rule *rule)
{
	unsigned int i, flags;

	for (flags = 0; flags < 256; flags++) {
		for (i = 0; i < rule->n; i++) {
			const struct expr_match *match = &rule->match[i];

			if (match->field == EXPR_TCP_FLAGS &&
			    ((flags & match->mask) == match->value) == match->negated)
				break;
		}
		if (i == rule->n)
			return true;
	}
	return false;
}

int expr_match_flags(struct expr_reader *p, uint8_t mask, uint8_t value, bool negated,
		     struct scan_span span)
{
	struct expr_match what = {
		.field = EXPR_TCP_FLAGS, .mask = mask, .value = value, .negated = negated,
	};
	struct scan_span earlier = { -1, 0 };
	unsigned int i;

	for (i = 0; i < p->rule.n; i++) {
		const struct expr_match *match = &p->rule.match[i];

		if (match->field != EXPR_TCP_FLAGS)
			continue;
		if (match->mask == mask && match->value == value && match->negated == negated)
			return 0;
		earlier = span_of(match);
	}
	if (!append(p, &what, span))
		return -EINVAL;
	if (earlier.offset < 0 || flags_possible(&p->rule))
		return 0;
	return expr_match_contradiction(p, span, earlier);
}

/* All of them make one match */
int expr_match_exthdr(struct expr_reader *p, uint8_t mask, uint8_t value, struct scan_span span)
{
	struct expr_match what = { .field = EXPR_EXTHDR, .mask = mask, .value = value };
	unsigned int i;

	for (i = 0; i < p->rule.n; i++) {
		struct expr_match *match = &p->rule.match[i];

		if (match->field != EXPR_EXTHDR)
			continue;
		if ((match->value ^ value) & match->mask & mask)
			return expr_match_contradiction(p, span, span_of(match));
		match->mask |= mask;
		match->value |= value;
		return 0;
	}
	return append(p, &what, span) ? 0 : -EINVAL;
}

/* Some interface that passes @a passes @b */
static bool iif_possible(const struct expr_match *a, const struct expr_match *b)
{
	unsigned int i, k;

	if (a->negated && b->negated)
		return true;
	if (a->negated)
		return iif_possible(b, a);
	for (i = 0; i < a->n_names; i++) {
		struct expr_interval x = expr_iif_interval(a->name[i]), y;

		for (k = 0; k < b->n_names; k++) {
			y = expr_iif_interval(b->name[k]);
			if (b->negated ? value_cmp(y.first, x.first) <= 0 &&
					 value_cmp(x.last, y.last) <= 0 : interval_meet(&x, &y))
				break;
		}
		if (b->negated == (k == b->n_names))
			return true;
	}
	return false;
}

static bool same_names(const struct expr_match *a, const struct expr_match *b)
{
	unsigned int i;

	if (a->n_names != b->n_names || a->negated != b->negated)
		return false;
	for (i = 0; i < a->n_names; i++)
		if (strcmp(a->name[i], b->name[i]))
			return false;
	return true;
}

int expr_match_iif(struct expr_reader *p, const struct expr_match *what, struct scan_span span)
{
	unsigned int i;

	for (i = 0; i < p->rule.n; i++) {
		const struct expr_match *match = &p->rule.match[i];

		if (match->field != EXPR_IIF)
			continue;
		if (same_names(match, what))
			return 0;
		if (!iif_possible(match, what))
			return expr_match_contradiction(p, span, span_of(match));
	}
	return append(p, what, span) ? 0 : -EINVAL;
}

/* ---- the conjunction as a whole ----------------------------------------------------------- */

/* The later one contradicts the earlier one */
static int contradict(struct expr_reader *p, const struct expr_match *a, const struct expr_match *b)
{
	if (a->offset < b->offset)
		return expr_match_contradiction(p, span_of(b), span_of(a));
	return expr_match_contradiction(p, span_of(a), span_of(b));
}

/* A later fragment has no header with ports, flags or a type (packet.h) */
static int check_frag(struct expr_reader *p)
{
	const struct expr_match *frag = NULL, *other = NULL;
	unsigned int i;

	for (i = 0; i < p->rule.n; i++) {
		const struct expr_match *match = &p->rule.match[i];

		if (match->field == EXPR_FRAG && match->n &&
		    match->interval[0].first.lo == SHUNT_FRAG_LATER)
			frag = match;
		else if ((match->field > EXPR_PROTO && match->field < EXPR_FRAG) ||
			 (match->field == EXPR_PAYLOAD && match->base == EXPR_BASE_TH))
			other = match;
	}
	return frag && other ? contradict(p, frag, other) : 0;
}

static bool holds(const struct expr_match *match, uint64_t value)
{
	struct expr_interval one = { { .lo = value }, { .lo = value } };
	unsigned int i;

	for (i = 0; i < match->n; i++)
		if (interval_meet(&match->interval[i], &one))
			return true;
	return false;
}

static bool is_ip_field(enum expr_field field)
{
	return field <= EXPR_EXTHDR && field != EXPR_CT_STATE;
}

/* What looks into an IP header, and a type that is not IP's, or the other family's */
static int check_ether_type(struct expr_reader *p)
{
	const struct expr_match *type = NULL, *ip = NULL;
	unsigned int i, families;

	for (i = 0; i < p->rule.n; i++) {
		if (p->rule.match[i].field == EXPR_ETHER_TYPE && !p->rule.match[i].set)
			type = &p->rule.match[i];
		else if (is_ip_field(p->rule.match[i].field) && !ip)
			ip = &p->rule.match[i];
	}
	if (!type)
		return 0;
	families = (holds(type, EXPR_ETHER_IP) ? EXPR_FAMILY_4 : 0) |
		   (holds(type, EXPR_ETHER_IP6) ? EXPR_FAMILY_6 : 0);
	if (p->rule.families & families)
		return 0;
	if (p->rule.families != EXPR_FAMILY_ANY)
		return p->family.offset < type->offset ?
		       expr_match_contradiction(p, span_of(type), p->family) :
		       expr_match_contradiction(p, p->family, span_of(type));
	return ip ? contradict(p, type, ip) : 0;
}

#define COMPARE(a, b) if ((a) != (b)) return (a) < (b) ? -1 : 1

/* Where matches are printed; what is equal in all of this stays as it is written */
static int match_cmp(const struct expr_match *a, const struct expr_match *b)
{
	COMPARE(a->field, b->field);
	if (!a->set != !b->set)
		return a->set ? 1 : -1;
	if (a->set)
		return strcmp(a->set, b->set);
	COMPARE(a->base, b->base);
	COMPARE(a->at, b->at);
	COMPARE(a->bytes, b->bytes);
	COMPARE(a->field_mask, b->field_mask);
	COMPARE(a->mask, b->mask);
	COMPARE(a->value, b->value);
	return 0;
}

/* Few, and mostly in order */
static void sort(struct expr_match *match, unsigned int n)
{
	unsigned int i, k;

	for (i = 1; i < n; i++) {
		struct expr_match one;

		if (match_cmp(&match[i - 1], &match[i]) <= 0)
			continue;
		one = match[i];
		for (k = i; k && match_cmp(&match[k - 1], &one) > 0; k--)
			match[k] = match[k - 1];
		match[k] = one;
	}
}

int expr_match_finish(struct expr_reader *p)
{
	int r;

	r = check_frag(p);
	if (r == 0)
		r = check_ether_type(p);
	if (r == 0)
		sort(p->rule.match, p->rule.n);
	return r;
}
