// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* expr_flow.c - what rules ask of the flow that a packet belongs to: its state, its ends */
#include <errno.h>
#include <string.h>

#include <model/expr_read.h>

#define NAMES_MAX 8

/* ---- ct original ip saddr ------------------------------------------------------------------ */

/* "ip saddr": both words, whatever blanks are between them */
static bool key_is(const struct expr_reader *p, const struct expr_key *key, struct scan_span first,
		   struct scan_span second)
{
	const char *blank = strchr(key->name, ' ');
	int len = blank ? blank - key->name : key->name_len;
	const char *text = p->s->text;

	if (first.len != len || memcmp(text + first.offset, key->name, len))
		return false;
	return blank ? scan_is(p->s, second, blank + 1) : !second.len;
}

static bool key_of(const struct expr_key *key, const struct expr_key *way)
{
	return !strcmp(key->group + sizeof("ct"), way->name);
}

static void unknown_end(struct expr_reader *p, const struct expr_key *way, struct scan_span span)
{
	const char *what = arena_printf(p->s->arena, "a field of 'ct %s'", way->name);
	const struct expr_key *key;
	struct buf list = {0};
	const char *hint;

	for (key = expr_flow_keys; key->group; key++)
		if (key_of(key, way))
			buf_printf(&list, "%s'%s'", list.len ? ", " : "", key->name);
	hint = arena_printf(p->s->arena, "'ct %s' has %s", way->name, list.data);
	buf_fini(&list);
	if (!span.len)
		scan_expected(p->s, what, hint);
	else
		scan_find(p->s, span, "unknown_field", "unknown field 'ct %s %.60s'", way->name,
			  scan_dup(p->s, span))->hint = hint;
}

const struct expr_key *expr_flow_read_key(struct expr_reader *p, const struct expr_key *way)
{
	struct scan_span first = expr_read_word(p), second = { first.offset, 0 };
	const struct expr_key *key;

	if (scan_is(p->s, first, "ip") || scan_is(p->s, first, "ip6"))
		second = expr_read_word(p);
	for (key = expr_flow_keys; key->group; key++)
		if (key_of(key, way) && key_is(p, key, first, second))
			return key;
	unknown_end(p, way, first.len ? scan_from(p->s, first) : first);
	return NULL;
}

/* ---- ct state ------------------------------------------------------------------------------ */

/* new   established,related   { new, untracked } */
static int read_states(struct expr_reader *p, const struct expr_key *key, struct expr_match *match)
{
	unsigned int n = 0;
	int r;

	if (scan_eat(p->s, "{"))
		return expr_read_list(p, key, &match->interval, &match->n);
	if (scan_peek(p->s) == '@')
		return scan_expected(p->s, expr_field_noun(key->field), "no set has flow states");
	do {
		if (n == NAMES_MAX)
			return scan_expected(p->s, "fewer states", "each is named once");
		r = expr_read_element(p, key, &p->scratch[n++]);
		if (r < 0)
			return r;
	} while (scan_eat(p->s, ","));
	match->interval = p->scratch;
	match->n = expr_merge(p->scratch, n);
	return 0;
}

int expr_flow_read_state(struct expr_reader *p, const struct expr_key *key, struct scan_span span)
{
	struct expr_match match = { .field = EXPR_CT_STATE };
	enum expr_op op;
	int r;

	r = expr_read_op(p, &op);
	if (r == 0)
		r = read_states(p, key, &match);
	if (r < 0)
		return r;
	return expr_match_values(p, &match, op, expr_field_last(EXPR_CT_STATE),
				 scan_from(p->s, span));
}

/* ---- ct timeout set ------------------------------------------------------------------------ */

int expr_flow_read_policy(struct expr_reader *p, struct expr_statement *statement)
{
	struct scan_span name;
	int r;

	statement->kind = EXPR_SET_POLICY;
	if (!expr_read_is(p, "set"))
		return scan_expected(p->s, "'set'", "ct timeout set NAME");
	r = expr_read_quoted_name(p, "the name of a timeout policy", &name);
	if (r == 0)
		statement->name = scan_dup(p->s, name);
	return r;
}

/* ---- ct zone set --------------------------------------------------------------------------- */

int expr_flow_read_zone(struct expr_reader *p, struct expr_statement *statement)
{
	statement->kind = EXPR_SET_ZONE;
	return expr_read_number(p, expr_field_noun(EXPR_CT_ZONE), 0, UINT16_MAX,
				&statement->amount);
}
