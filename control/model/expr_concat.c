// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * expr_concat.c - concatenations, and maps from values to verdicts
 *
 * DOC: ip saddr . tcp dport { 10.0.0.1 . 80, 10.0.0.0/8 . 1024-65535 }: a tuple
 * has one interval a field. Elements of a map may not overlap, so their order
 * says nothing.
 */
#include <errno.h>
#include <string.h>

#include <model/expr_read.h>
#include <model/expr_value.h>

static int not_a_key(struct expr_reader *p, const struct expr_key *key, const char *what,
		     struct scan_span span)
{
	return scan_fail(p->s, span, "bad_value",
			 arena_printf(p->s->arena, "'%s%s%s' cannot be part of %s", key->group,
				      key->name ? " " : "", key->name ? key->name : "", what),
			 "addresses, ports, protocol, MACs, VLAN id, interface, marks, flow state, zone and direction can");
}

int expr_concat_read_fields(struct expr_reader *p, const struct expr_key **key,
			    unsigned int *ret_n, struct scan_span *span)
{
	struct scan_span word = *span;
	unsigned int n = 1, i;
	int r;

	if (!expr_field_is_key(key[0]->field))
		return not_a_key(p, key[0], "a concatenation", word);
	while (scan_eat(p->s, ".")) {
		word = expr_read_word(p);
		if (!word.len)
			return scan_expected(p->s, "a field behind '.'", NULL);
		if (!expr_read_group(p, word))
			return scan_fail(p->s, word, "unknown_keyword",
					 arena_printf(p->s->arena, "unknown field %s",
						      scan_quote(p->s, word)),
					 "fields stand first, then the values: a . b { 1 . 2 }");
		if (n == EXPR_CONCAT_MAX)
			return scan_fail(p->s, word, "too_many",
					 "a concatenation has at most 5 fields", NULL);
		key[n] = expr_read_key(p, &word);
		if (!key[n])
			return -EINVAL;
		if (!expr_field_is_key(key[n]->field))
			return not_a_key(p, key[n], "a concatenation", word);
		for (i = 0; i < n; i++)
			if (key[i]->field == key[n]->field)
				return scan_fail(p->s, word, "bad_value",
						 "the field is in the concatenation already", NULL);
		r = expr_match_implied(p, key[n]->families, key[n]->proto, word);
		if (r < 0)
			return r;
		n++;
	}
	*span = scan_from(p->s, *span);
	*ret_n = n;
	return 0;
}

static void init(struct expr_concat *concat, const struct expr_key *const *key, unsigned int n,
		 struct scan_span span)
{
	unsigned int i;

	*concat = (struct expr_concat){ .n_fields = n, .offset = span.offset, .len = span.len };
	for (i = 0; i < n; i++)
		concat->field[i] = key[i]->field;
}

static int read_tuple(struct expr_reader *p, const struct expr_key *const *key, unsigned int n,
		      struct expr_interval *tuple)
{
	unsigned int i;
	int r;

	for (i = 0; i < n; i++) {
		if (i && !scan_eat(p->s, "."))
			return scan_expected(p->s, arena_printf(p->s->arena, "'.' and %s",
							expr_field_noun(key[i]->field)),
					     "blanks stand around the '.' between values");
		r = expr_read_element(p, key[i], &tuple[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* As many as there are commas; verdicts have none */
static unsigned int count_tuples(const struct expr_reader *p)
{
	const char *c;
	unsigned int n = 1;

	for (c = p->s->text + p->s->pos; *c && *c != '}'; c++)
		n += *c == ',';
	return n;
}

static bool tuples_meet(const struct expr_interval *a, const struct expr_interval *b,
			unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (!interval_meet(&a[i], &b[i]))
			return false;
	return true;
}

static int read_tuples(struct expr_reader *p, const struct expr_key *const *key,
		       struct expr_concat *concat)
{
	unsigned int n = concat->n_fields;
	int r;

	concat->tuple = arena_new_n(p->s->arena, struct expr_interval, count_tuples(p) * n);
	do {
		r = read_tuple(p, key, n, &concat->tuple[concat->n_tuples * n]);
		if (r < 0)
			return r;
		concat->n_tuples++;
	} while (scan_eat(p->s, ","));
	return scan_eat(p->s, "}") ? 0 : scan_expected(p->s, "',' or '}'", NULL);
}

/* The same set of the same fields, as it is or negated. Return: NULL: none yet */
static const struct expr_concat *find_set(const struct expr_reader *p,
					  const struct expr_concat *concat)
{
	unsigned int i;

	for (i = 0; i < p->rule.n_concats; i++) {
		const struct expr_concat *other = &p->concat[i];

		if (other->set && other->n_fields == concat->n_fields &&
		    !strcmp(other->set, concat->set) &&
		    !memcmp(other->field, concat->field,
			    concat->n_fields * sizeof(*concat->field)))
			return other;
	}
	return NULL;
}

static int read_set(struct expr_reader *p, struct expr_concat *concat, enum expr_op op,
		    struct scan_span span)
{
	const struct expr_concat *other;
	struct scan_span name;
	int r;

	r = expr_read_set_name(p, &name);
	if (r < 0)
		return r;
	concat->set = scan_dup(p->s, name);
	concat->negated = op == EXPR_OP_NE;
	other = find_set(p, concat);
	if (!other)
		return 1;
	if (other->negated == concat->negated)
		return 0;
	return expr_match_contradiction(p, scan_from(p->s, span),
					(struct scan_span){ other->offset, other->len });
}

int expr_concat_read(struct expr_reader *p, const struct expr_key *const *key, unsigned int n,
		     struct scan_span span)
{
	struct expr_concat concat;
	enum expr_op op;
	int r;

	init(&concat, key, n, span);
	r = expr_read_op(p, &op);
	if (r < 0)
		return r;
	if (scan_eat(p->s, "@")) {
		r = read_set(p, &concat, op, span);
		if (r <= 0)
			return r;
	} else if (op == EXPR_OP_NE) {
		return scan_expected(p->s, "'@' and the name of a set",
				     "'!=' of concatenations takes a set of the configuration");
	} else if (scan_eat(p->s, "{")) {
		r = read_tuples(p, key, &concat);
	} else {
		concat.n_tuples = 1;
		concat.tuple = arena_new_n(p->s->arena, struct expr_interval, n);
		r = read_tuple(p, key, n, concat.tuple);
	}
	if (r < 0)
		return r;
	span = scan_from(p->s, span);
	if (p->rule.n_concats == EXPR_CONCATS_MAX)
		return scan_fail(p->s, span, "too_many", "a rule has at most 4 concatenations",
				 NULL);
	concat.len = span.len;
	p->concat[p->rule.n_concats++] = concat;
	return 0;
}

/* ---- maps --------------------------------------------------------------------------------- */

static int check_overlap(struct expr_reader *p, const struct expr_concat *key,
			 struct scan_span span)
{
	const struct expr_interval *last = &key->tuple[(key->n_tuples - 1) * key->n_fields];
	unsigned int i;

	for (i = 0; i + 1 < key->n_tuples; i++)
		if (tuples_meet(&key->tuple[i * key->n_fields], last, key->n_fields))
			return scan_fail(p->s, span, "bad_value",
					 arena_printf(p->s->arena, "%s overlaps with element %u",
						      scan_quote(p->s, span), i + 1), NULL);
	return 0;
}

static int read_mapping(struct expr_reader *p, const struct expr_key *const *keys,
			struct expr_vmap *vmap)
{
	struct expr_concat *key = &vmap->key;
	struct scan_span span, word;
	int r;

	scan_blanks(p->s);
	span = (struct scan_span){ p->s->pos, 0 };
	r = read_tuple(p, keys, key->n_fields, &key->tuple[key->n_tuples * key->n_fields]);
	if (r < 0)
		return r;
	key->n_tuples++;
	r = check_overlap(p, key, scan_from(p->s, span));
	if (r < 0)
		return r;
	if (!scan_eat(p->s, ":"))
		return scan_expected(p->s, "':' and a verdict", "blanks stand around the ':'");
	word = expr_read_word(p);
	if (!word.len)
		return scan_expected(p->s, "a verdict", NULL);
	return expr_verdict_read(p, word, true, &vmap->verdict[key->n_tuples - 1]);
}

static int read_mappings(struct expr_reader *p, const struct expr_key *const *keys,
			 struct expr_vmap *vmap)
{
	unsigned int max = count_tuples(p);
	int r;

	vmap->key.tuple = arena_new_n(p->s->arena, struct expr_interval, max * vmap->key.n_fields);
	vmap->verdict = arena_new_n(p->s->arena, struct expr_verdict, max);
	do {
		r = read_mapping(p, keys, vmap);
		if (r < 0)
			return r;
	} while (scan_eat(p->s, ","));
	return scan_eat(p->s, "}") ? 0 : scan_expected(p->s, "',' or '}'", NULL);
}

static int check_mappable(struct expr_reader *p, const struct expr_key *key, bool named,
			  struct scan_span span)
{
	switch (key->field) {
	case EXPR_FIELD_MAX:
	case EXPR_TCP_FLAGS:
	case EXPR_EXTHDR:
	case EXPR_CT_STATUS:
		return scan_fail(p->s, span, "bad_value",
				 arena_printf(p->s->arena, "%s has no values to map",
					      scan_quote(p->s, span)), NULL);
	default:
		if (key->field >= EXPR_CT_IP_SADDR)
			return not_a_key(p, key, "a map's key", span);
		return named && !expr_field_is_key(key->field) ?
		       not_a_key(p, key, "a map's key", span) : 0;
	}
}

int expr_concat_read_vmap(struct expr_reader *p, const struct expr_key *const *key, unsigned int n,
			  struct scan_span span)
{
	struct expr_vmap *vmap = &p->vmap;
	struct scan_span name;
	bool named;
	int r;

	*vmap = (struct expr_vmap){ 0 };
	init(&vmap->key, key, n, span);
	named = scan_peek(p->s) == '@';
	r = check_mappable(p, key[0], named, span);
	if (r < 0)
		return r;
	if (scan_eat(p->s, "@")) {
		r = expr_read_set_name(p, &name);
		if (r == 0)
			vmap->key.set = scan_dup(p->s, name);
	} else if (scan_eat(p->s, "{")) {
		r = read_mappings(p, key, vmap);
	} else {
		r = scan_expected(p->s, "'{' or '@' and the name of a map", NULL);
	}
	vmap->key.len = scan_from(p->s, span).len;
	p->rule.vmap = vmap;
	return r;
}

/* ---- elements that no packet reaches ------------------------------------------------------ */

static bool any_meets(const struct expr_concat *concat, unsigned int field,
		      const struct expr_match *match)
{
	unsigned int i, k;

	for (i = 0; i < concat->n_tuples; i++)
		for (k = 0; k < match->n; k++)
			if (interval_meet(&concat->tuple[i * concat->n_fields + field],
					  &match->interval[k]))
				return true;
	return false;
}

static int check_reachable(struct expr_reader *p, const struct expr_concat *concat)
{
	unsigned int i, k;

	for (i = 0; i < p->rule.n && !concat->set; i++) {
		const struct expr_match *match = &p->rule.match[i];

		if (match->set || match->field_mask || match->field == EXPR_IIF)
			continue;
		for (k = 0; k < concat->n_fields; k++)
			if (concat->field[k] == match->field && !any_meets(concat, k, match))
				return expr_match_contradiction(p,
					(struct scan_span){ concat->offset, concat->len },
					(struct scan_span){ match->offset, match->len });
	}
	return 0;
}

int expr_concat_finish(struct expr_reader *p)
{
	unsigned int i;
	int r = 0;

	for (i = 0; i < p->rule.n_concats && r == 0; i++)
		r = check_reachable(p, &p->concat[i]);
	if (r == 0 && p->rule.vmap)
		r = check_reachable(p, &p->rule.vmap->key);
	return r;
}
