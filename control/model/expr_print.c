// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * expr_print.c - the canonical text of a rule
 *
 * DOC: Two rules that were written differently but hold the same matches and
 * verdict print alike: matches stand in the order of enum expr_field (the
 * parser sorts them), values as merged intervals or, if those are fewer, as
 * '!=' of the rest. What another match implies is not printed: 'tcp dport
 * 22' says the protocol, 'ip saddr' the family.
 */
#include <netinet/in.h>
#include <string.h>

#include <model/expr_field.h>

/* An interval of at most so many values that all have names is printed by their names */
#define NAMED_MAX 8

/* What the fields of one rule are called, and which are left out */
struct style {
	const char *ports;		/* "tcp", "udp", "sctp", "th" */
	const char *icmp;		/* "icmp", "icmpv6" */
	const char *proto;		/* "ip protocol", "ip6 nexthdr", "meta l4proto" */
	bool proto_hidden;		/* another match implies it */
	const char *family;		/* to be said by 'meta nfproto'; NULL: need not */
};

static const struct expr_match *find(const struct expr_rule *rule, enum expr_field field)
{
	unsigned int i;

	for (i = 0; i < rule->n; i++)
		if (rule->match[i].field == field && !rule->match[i].set)
			return &rule->match[i];
	return NULL;
}

static bool has_field(const struct expr_rule *rule, enum expr_field from, enum expr_field to)
{
	unsigned int i;

	for (i = 0; i < rule->n; i++)
		if (rule->match[i].field >= from && rule->match[i].field <= to)
			return true;
	return false;
}

static bool is_proto(const struct expr_match *match, int proto)
{
	struct expr_interval implied[EXPR_PORT_PROTOS];
	unsigned int n = expr_key_protos(proto, implied);

	return match && expr_interval_equal(match->interval, match->n, implied, n);
}

static void style_init(struct style *style, const struct expr_rule *rule)
{
	const struct expr_match *proto = find(rule, EXPR_PROTO);
	bool ports = has_field(rule, EXPR_SPORT, EXPR_DPORT);
	bool family_said, proto_said = has_field(rule, EXPR_PROTO, EXPR_PROTO);
	unsigned int i, n_sets = 0;

	*style = (struct style){ .ports = "th", .icmp = "icmp", .proto = "meta l4proto" };
	if (is_proto(proto, IPPROTO_TCP))
		style->ports = "tcp";
	else if (is_proto(proto, IPPROTO_UDP))
		style->ports = "udp";
	else if (is_proto(proto, IPPROTO_SCTP))
		style->ports = "sctp";
	if (rule->families == EXPR_FAMILY_6)
		style->icmp = "icmpv6";

	style->proto_hidden = has_field(rule, EXPR_TCP_FLAGS, EXPR_ICMP_CODE) ||
			      (ports && (strcmp(style->ports, "th") ||
					 is_proto(proto, EXPR_PROTO_PORTS)));
	for (i = 0; i < rule->n; i++)
		n_sets += rule->match[i].field == EXPR_PROTO && rule->match[i].set;
	if (style->proto_hidden && !n_sets)
		proto_said = false;

	if (rule->families == EXPR_FAMILY_ANY)
		return;
	style->proto = rule->families == EXPR_FAMILY_4 ? "ip protocol" : "ip6 nexthdr";
	family_said = proto_said || has_field(rule, EXPR_IP_SADDR, EXPR_IP6_DADDR) ||
		      has_field(rule, EXPR_ICMP_TYPE, EXPR_ICMP_CODE);
	if (!family_said)
		style->family = rule->families == EXPR_FAMILY_4 ? "ipv4" : "ipv6";
}

/* Return: false: not all of the interval's values have names */
static bool print_named(const struct expr_interval *interval, enum expr_field field,
			unsigned int families, struct buf *out, unsigned int *ret_n)
{
	uint64_t value;

	if (interval->last.lo - interval->first.lo >= NAMED_MAX)
		return false;
	for (value = interval->first.lo; value <= interval->last.lo; value++)
		if (!expr_name_of(field, families, value))
			return false;
	for (value = interval->first.lo; value <= interval->last.lo; value++)
		buf_printf(out, "%s%s", (*ret_n)++ ? ", " : "",
			   expr_name_of(field, families, value));
	return true;
}

static void print_intervals(const struct expr_interval *interval, unsigned int n,
			    enum expr_field field, unsigned int families, struct buf *out)
{
	struct buf list = {0};
	unsigned int i, n_printed = 0, n_names;

	expr_names(field, families, &n_names);
	for (i = 0; i < n; i++) {
		if (n_names && print_named(&interval[i], field, families, &list, &n_printed))
			continue;
		if (n_printed++)
			buf_str(&list, ", ");
		expr_element_print(&interval[i], field, &list);
	}
	buf_printf(out, n_printed > 1 ? "{ %s }" : "%s", list.data);
	buf_fini(&list);
}

static void print_values(const struct expr_match *match, unsigned int families, struct buf *out)
{
	struct expr_interval *rest;
	struct arena arena = {0};
	unsigned int n_rest;

	n_rest = expr_complement(&arena, match->field, match->interval, match->n, &rest);
	if (n_rest && n_rest < match->n) {
		buf_str(out, "!= ");
		print_intervals(rest, n_rest, match->field, families, out);
	} else {
		print_intervals(match->interval, match->n, match->field, families, out);
	}
	arena_fini(&arena);
}

static void print_flag_list(uint8_t flags, struct buf *out)
{
	unsigned int i, n = 0;

	for (i = 0; i < 8; i++)
		if (flags & 1 << i)
			buf_printf(out, "%s%s", n++ ? "|" : "", expr_flag_names[i]);
	if (!n)
		buf_char(out, '0');
}

static void print_flags(const struct expr_match *match, struct buf *out)
{
	bool single = !(match->mask & (match->mask - 1));

	if (match->mask != 0xff && match->negated && !match->value) {	/* any of them */
		print_flag_list(match->mask, out);
		return;
	}
	if (match->mask != 0xff) {
		buf_str(out, single ? "& " : "& (");
		print_flag_list(match->mask, out);
		buf_str(out, single ? " " : ") ");
	}
	buf_str(out, match->negated ? "!= " : "== ");
	print_flag_list(match->value, out);
}

static void print_field(const struct expr_match *match, const struct style *style, struct buf *out)
{
	switch (match->field) {
	case EXPR_PROTO:
		buf_str(out, style->proto);
		break;
	case EXPR_SPORT:
	case EXPR_DPORT:
		buf_printf(out, "%s %s", style->ports,
			   match->field == EXPR_SPORT ? "sport" : "dport");
		break;
	case EXPR_ICMP_TYPE:
	case EXPR_ICMP_CODE:
		buf_printf(out, "%s %s", style->icmp,
			   match->field == EXPR_ICMP_TYPE ? "type" : "code");
		break;
	default:
		buf_str(out, expr_field_name(match->field));
	}
	buf_char(out, ' ');
}

static void print_verdict(const struct expr_rule *rule, struct buf *out)
{
	if (strcmp(rule->verdict.edge, "accept") && strcmp(rule->verdict.edge, "drop"))
		buf_str(out, "goto ");
	buf_str(out, rule->verdict.edge);
	if (rule->verdict.reason)
		buf_printf(out, "(%s)", rule->verdict.reason);
}

void expr_print_bare(const struct expr_rule *rule, struct buf *out)
{
	struct style style;
	unsigned int i;

	style_init(&style, rule);
	if (style.family)
		buf_printf(out, "meta nfproto %s ", style.family);
	for (i = 0; i < rule->n; i++) {
		const struct expr_match *match = &rule->match[i];

		if (match->field == EXPR_PROTO && !match->set && style.proto_hidden)
			continue;
		print_field(match, &style, out);
		if (match->set)
			buf_printf(out, "%s@%s", match->negated ? "!= " : "", match->set);
		else if (match->field == EXPR_TCP_FLAGS)
			print_flags(match, out);
		else
			print_values(match, rule->families, out);
		buf_char(out, ' ');
	}
	print_verdict(rule, out);
}

void expr_print(const struct expr_rule *rule, struct buf *out)
{
	expr_print_bare(rule, out);
	if (rule->comment)
		buf_printf(out, " comment \"%s\"", rule->comment);
}
