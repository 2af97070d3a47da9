// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* conn_filter.c - which flows: the matches of a rule, asked of a flow instead of a packet */
#include <errno.h>

#include <model/conn.h>
#include <model/expr_value.h>

/* ---- what may be asked --------------------------------------------------------------------- */

/* NULL: a flow has it; else: why not */
static const char *field_lacks(enum expr_field field)
{
	switch (field) {
	case EXPR_IP_SADDR ... EXPR_DPORT:
	case EXPR_CT_STATE:
	case EXPR_CT_MARK:
	case EXPR_CT_ZONE:
	case EXPR_CT_STATUS:
	case EXPR_CT_IP_SADDR ... EXPR_CT_REPLY_DPORT:
		return NULL;
	case EXPR_CT_DIRECTION:
		return "packets have a direction; 'ct original' and 'ct reply' are the flow's ends";
	case EXPR_MARK:
		return "packets have that mark; the flow's is 'ct mark'";
	default:
		return "packets have that, flows do not";
	}
}

static int refuse(struct diags *diags, const char *path, int offset, int len, const char *hint,
		  const char *what)
{
	struct diag *diag = diags_add(diags, path, "no_such_field", "a flow has no '%s'", what);

	diag->offset = offset;
	diag->len = len;
	diag->hint = hint;
	return -EINVAL;
}

static int refuse_set(struct diags *diags, const char *path, int offset, int len,
		      const char *name)
{
	struct diag *diag = diags_add(diags, path, "bad_value",
				      "set '@%s' is not looked into for flows", name);

	diag->offset = offset;
	diag->len = len;
	diag->hint = "write its elements as a list: { a, b }";
	return -EINVAL;
}

static bool has_value(const struct expr_match *match, uint64_t value)
{
	unsigned int i;

	for (i = 0; i < match->n; i++)
		if (value >= match->interval[i].first.lo && value <= match->interval[i].last.lo)
			return true;
	return false;
}

static int check_match(const struct expr_match *match, const char *path, struct diags *diags)
{
	const char *lacks = field_lacks(match->field);
	struct diag *diag;

	if (lacks)
		return refuse(diags, path, match->offset, match->len, lacks,
			      expr_field_name(match->field));
	if (match->set)
		return refuse_set(diags, path, match->offset, match->len, match->set);
	if (match->field != EXPR_CT_STATE || has_value(match, SHUNT_CT_NEW) ||
	    has_value(match, SHUNT_CT_ESTABLISHED))
		return 0;
	diag = diags_add(diags, path, "bad_value", "no flow has that state");
	diag->offset = match->offset;
	diag->len = match->len;
	diag->hint = "a flow is 'new', or 'established' once it is answered";
	return -EINVAL;
}

static int check_concat(const struct expr_concat *concat, const char *path, struct diags *diags)
{
	unsigned int i;

	for (i = 0; i < concat->n_fields; i++)
		if (field_lacks(concat->field[i]))
			return refuse(diags, path, concat->offset, concat->len,
				      field_lacks(concat->field[i]),
				      expr_field_name(concat->field[i]));
	if (concat->set)
		return refuse_set(diags, path, concat->offset, concat->len, concat->set);
	return 0;
}

int conn_filter_parse(const char *text, const char *path, struct diags *diags,
		      struct expr_rule *ret_rule)
{
	struct expr_rule rule;
	unsigned int i;
	int r;

	r = expr_parse_matches(text, path, diags, &rule);
	for (i = 0; r == 0 && i < rule.n; i++)
		r = check_match(&rule.match[i], path, diags);
	for (i = 0; r == 0 && i < rule.n_concats; i++)
		r = check_concat(&rule.concat[i], path, diags);
	if (r < 0)
		return r;
	*ret_rule = rule;
	return 0;
}

/* ---- what a flow answers ------------------------------------------------------------------- */

static struct expr_value number(uint64_t lo)
{
	return (struct expr_value){ .lo = lo };
}

static struct expr_value end_of(const struct conn_way *way, enum expr_field plain)
{
	switch (plain) {
	case EXPR_IP_SADDR:
	case EXPR_IP6_SADDR:
		return way->saddr;
	case EXPR_IP_DADDR:
	case EXPR_IP6_DADDR:
		return way->daddr;
	case EXPR_SPORT:
		return number(way->sport);
	default:
		return number(way->dport);
	}
}

/* Addresses of the other family are never asked for: the rule's families tell */
static struct expr_value value_of(const struct conn *conn, enum expr_field field)
{
	switch (field) {
	case EXPR_PROTO:
		return number(conn->proto);
	case EXPR_CT_STATE:
		return number(conn->flags & CONNTRACK_REPLIED ? SHUNT_CT_ESTABLISHED :
								SHUNT_CT_NEW);
	case EXPR_CT_MARK:
		return number(conn->mark);
	case EXPR_CT_ZONE:
		return number(conn->zone);
	case EXPR_CT_STATUS:
		return number(CONNTRACK_STATUS(conn->flags));
	default:
		return end_of(&conn->way[field >= EXPR_CT_REPLY_IP_SADDR], expr_field_plain(field));
	}
}

static bool in_interval(struct expr_value value, const struct expr_interval *interval)
{
	return value_cmp(value, interval->first) >= 0 && value_cmp(value, interval->last) <= 0;
}

static bool match_holds(const struct expr_match *match, const struct conn *conn)
{
	struct expr_value value = value_of(conn, match->field);
	unsigned int i;

	if (match->field_mask)
		value.lo &= match->field_mask;
	for (i = 0; i < match->n; i++)
		if (in_interval(value, &match->interval[i]))
			return !match->negated;
	return match->negated;
}

static bool tuple_holds(const struct expr_concat *concat, const struct expr_interval *tuple,
			const struct conn *conn)
{
	unsigned int i;

	for (i = 0; i < concat->n_fields; i++)
		if (!in_interval(value_of(conn, concat->field[i]), &tuple[i]))
			return false;
	return true;
}

static bool concat_holds(const struct expr_concat *concat, const struct conn *conn)
{
	unsigned int i;

	for (i = 0; i < concat->n_tuples; i++)
		if (tuple_holds(concat, &concat->tuple[i * concat->n_fields], conn))
			return true;
	return false;
}

bool conn_filter_match(const struct expr_rule *rule, const struct conn *conn)
{
	unsigned int i;

	if (!(rule->families & (conn->l3 == 4 ? EXPR_FAMILY_4 : EXPR_FAMILY_6)))
		return false;
	for (i = 0; i < rule->n; i++)
		if (!match_holds(&rule->match[i], conn))
			return false;
	for (i = 0; i < rule->n_concats; i++)
		if (!concat_holds(&rule->concat[i], conn))
			return false;
	return true;
}
