// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* expr_match.c - the matches of a rule that is being read: intersect, refuse what never matches */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <shunt/packet.h>

#include <model/expr_match.h>

/* No packet passes both matches */
static int contradiction(struct expr_reader *p, struct scan_span span, struct scan_span earlier)
{
	scan_find(p->s, span, "never_matches",
		  "%s can never match: it contradicts %s (character %d)",
		  scan_quote(p->s, span), scan_quote(p->s, earlier), earlier.offset + 1);
	return -EINVAL;
}

int expr_match_family(struct expr_reader *p, unsigned int families, struct scan_span span)
{
	if (!(p->rule.families & families))
		return contradiction(p, span, p->family);
	if (p->rule.families & ~families) {
		p->rule.families &= families;
		p->family = span;
	}
	return 0;
}

static struct expr_match *add_match(struct expr_reader *p, enum expr_field field,
				    struct scan_span span)
{
	struct expr_match *match = arena_push(p->s->arena, p->rule.match, p->rule.n);

	*match = (struct expr_match){ .field = field, .offset = span.offset, .len = span.len };
	return match;
}

int expr_match_intervals(struct expr_reader *p, enum expr_field field,
			 struct expr_interval *interval, unsigned int n, struct scan_span span)
{
	struct expr_match *match = NULL;
	struct expr_interval *both;
	unsigned int i, n_both;

	for (i = 0; i < p->rule.n && !match; i++)
		if (p->rule.match[i].field == field && !p->rule.match[i].set)
			match = &p->rule.match[i];
	if (!match) {
		match = add_match(p, field, span);
		match->interval = interval;
		match->n = n;
		return 0;
	}
	n_both = expr_intersect(p->s->arena, match->interval, match->n, interval, n, &both);
	if (!n_both)
		return contradiction(p, span, (struct scan_span){ match->offset, match->len });
	if (!expr_interval_equal(both, n_both, match->interval, match->n)) {
		match->offset = span.offset;
		match->len = span.len;
	}
	match->interval = both;
	match->n = n_both;
	return 0;
}

/* What a field says of a packet before any value is read */
int expr_match_implied(struct expr_reader *p, const struct expr_key *key, struct scan_span span)
{
	struct expr_interval *proto;
	unsigned int n;
	int r;

	proto = arena_new_n(p->s->arena, struct expr_interval, EXPR_PORT_PROTOS);
	n = expr_key_protos(key->proto, proto);
	r = expr_match_family(p, key->families, span);
	if (r < 0 || !n)
		return r;
	return expr_match_intervals(p, EXPR_PROTO, proto, n, span);
}

int expr_match_set(struct expr_reader *p, enum expr_field field, const char *name, bool negated,
		   struct scan_span span)
{
	struct expr_match *match;
	unsigned int i;

	for (i = 0; i < p->rule.n; i++) {
		match = &p->rule.match[i];
		if (match->field != field || !match->set || strcmp(match->set, name))
			continue;
		if (match->negated == negated)
			return 0;
		return contradiction(p, span, (struct scan_span){ match->offset, match->len });
	}
	match = add_match(p, field, span);
	match->set = name;
	match->negated = negated;
	return 0;
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
	struct scan_span earlier = {0};
	struct expr_match *match;
	unsigned int i;

	for (i = 0; i < p->rule.n; i++) {
		match = &p->rule.match[i];
		if (match->field != EXPR_TCP_FLAGS)
			continue;
		if (match->mask == mask && match->value == value && match->negated == negated)
			return 0;
		earlier = (struct scan_span){ match->offset, match->len };
	}
	match = add_match(p, EXPR_TCP_FLAGS, span);
	match->mask = mask;
	match->value = value;
	match->negated = negated;
	return flags_possible(&p->rule) ? 0 : contradiction(p, span, earlier);
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
		else if (match->field > EXPR_PROTO && match->field < EXPR_FRAG)
			other = match;
	}
	if (!frag || !other)
		return 0;
	if (frag->offset < other->offset) {
		const struct expr_match *first = frag;

		frag = other;
		other = first;
	}
	return contradiction(p, (struct scan_span){ frag->offset, frag->len },
			     (struct scan_span){ other->offset, other->len });
}

/* The same set, or flags, once as they are and once negated: add refuses that, so no tie is left */
static int match_cmp(const void *a_, const void *b_)
{
	const struct expr_match *a = a_, *b = b_;

	if (a->field != b->field)
		return a->field < b->field ? -1 : 1;
	if (!a->set != !b->set)
		return a->set ? 1 : -1;
	if (a->set)
		return strcmp(a->set, b->set);
	if (a->mask != b->mask)
		return a->mask < b->mask ? -1 : 1;
	return (a->value > b->value) - (a->value < b->value);
}

int expr_match_finish(struct expr_reader *p)
{
	int r;

	r = check_frag(p);
	if (r < 0)
		return r;
	if (p->rule.n > 1)
		qsort(p->rule.match, p->rule.n, sizeof(*p->rule.match), match_cmp);
	return 0;
}
