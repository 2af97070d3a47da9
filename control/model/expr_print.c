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

#include <shunt/packet.h>

#include <model/expr_print.h>
#include <model/expr_value.h>

/* An interval of at most so many values that all have names is printed by their names */
#define NAMED_MAX 8

#define BIT(field) (1ull << (field))

#define ADDRESS_FIELDS	(BIT(EXPR_IP_SADDR) | BIT(EXPR_IP_DADDR) | BIT(EXPR_IP6_SADDR) | \
			 BIT(EXPR_IP6_DADDR))
#define PORT_FIELDS	(BIT(EXPR_SPORT) | BIT(EXPR_DPORT))
#define ICMP_FIELDS	(BIT(EXPR_ICMP_TYPE) | BIT(EXPR_ICMP_CODE))
/* ip saddr, ip daddr, ip6 saddr, ip6 daddr */
#define FLOW_ADDRESSES(first) (15ull << (first))
/* Say the family by their names, or are of one family only */
#define FAMILY_FIELDS	(ADDRESS_FIELDS | ICMP_FIELDS | BIT(EXPR_LENGTH) | BIT(EXPR_DSCP) | \
			 BIT(EXPR_TTL) | BIT(EXPR_EXTHDR) | FLOW_ADDRESSES(EXPR_CT_IP_SADDR) | \
			 FLOW_ADDRESSES(EXPR_CT_REPLY_IP_SADDR))

_Static_assert(EXPR_FIELD_MAX <= 64, "a bit for each field");

/* What the fields of one rule are called, and which are left out */
struct style {
	unsigned int families;
	const char *ports;		/* "tcp", "udp", "sctp", "th" */
	const char *icmp;		/* "icmp", "icmpv6" */
	const char *proto;		/* "ip protocol", "ip6 nexthdr", "meta l4proto" */
	bool proto_hidden;		/* another match implies it */
	const char *family;		/* to be said by 'meta nfproto'; NULL: need not */
};

static uint64_t bits_of(const enum expr_field *field, unsigned int n)
{
	uint64_t bits = 0;
	unsigned int i;

	for (i = 0; i < n; i++)
		bits |= BIT(field[i]);
	return bits;
}

/* Fields that are printed by name; that of the protocol's values, *ret_proto, only perhaps */
static uint64_t mentioned(const struct expr_rule *rule, const struct expr_match **ret_proto)
{
	uint64_t bits = 0;
	unsigned int i;

	*ret_proto = NULL;
	for (i = 0; i < rule->n; i++) {
		if (rule->match[i].field == EXPR_PROTO && !rule->match[i].set)
			*ret_proto = &rule->match[i];
		else
			bits |= BIT(rule->match[i].field);
	}
	for (i = 0; i < rule->n_concats; i++)
		bits |= bits_of(rule->concat[i].field, rule->concat[i].n_fields);
	for (i = 0; i < rule->n_statements; i++)
		bits |= bits_of(rule->statement[i].field, rule->statement[i].n_fields);
	if (rule->vmap)
		bits |= bits_of(rule->vmap->key.field, rule->vmap->key.n_fields);
	return bits;
}

static bool is_proto(const struct expr_match *match, int proto)
{
	return match && match->n == 1 && match->interval->first.lo == (uint64_t)proto &&
	       match->interval->last.lo == (uint64_t)proto;
}

static bool is_port_protos(const struct expr_match *match)
{
	const struct expr_interval *ports;
	unsigned int n;

	ports = expr_key_protos(EXPR_PROTO_PORTS, &n);
	return match && expr_interval_equal(match->interval, match->n, ports, n);
}

static void style_init(struct style *style, const struct expr_rule *rule)
{
	const struct expr_match *proto;
	uint64_t fields = mentioned(rule, &proto);
	bool ip4 = rule->families == EXPR_FAMILY_4, proto_said;

	*style = (struct style){
		.families = rule->families, .ports = "th", .proto = "meta l4proto",
	};
	style->icmp = rule->families == EXPR_FAMILY_6 ? "icmpv6" : "icmp";
	if (is_proto(proto, IPPROTO_TCP))
		style->ports = "tcp";
	else if (is_proto(proto, IPPROTO_UDP))
		style->ports = "udp";
	else if (is_proto(proto, IPPROTO_SCTP))
		style->ports = "sctp";

	style->proto_hidden = fields & (ICMP_FIELDS | BIT(EXPR_TCP_FLAGS)) ||
			      (fields & PORT_FIELDS &&
			       (strcmp(style->ports, "th") || is_port_protos(proto))) ||
			      (is_proto(proto, IPPROTO_TCP) && expr_print_says_tcp(rule));
	if (rule->families == EXPR_FAMILY_ANY)
		return;
	style->proto = ip4 ? "ip protocol" : "ip6 nexthdr";
	proto_said = fields & BIT(EXPR_PROTO) || (proto && !style->proto_hidden);
	if (!proto_said && !(fields & FAMILY_FIELDS) && !expr_print_says_family(rule))
		style->family = ip4 ? "ipv4" : "ipv6";
}

/* ---- values -------------------------------------------------------------------------------- */

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
	for (value = interval->first.lo; value <= interval->last.lo; value++) {
		if ((*ret_n)++)
			buf_str(out, ", ");
		buf_str(out, expr_name_of(field, families, value));
	}
	return true;
}

static void print_intervals(const struct expr_interval *interval, unsigned int n,
			    enum expr_field field, unsigned int families, struct buf *out)
{
	unsigned int i, n_printed = 0, n_names;
	struct buf list = {0};

	expr_names(field, families, &n_names);
	if (n == 1 && !n_names) {
		expr_element_print(interval, field, out);
		return;
	}
	for (i = 0; i < n; i++) {
		if (n_names && print_named(&interval[i], field, families, &list, &n_printed))
			continue;
		if (n_printed++)
			buf_str(&list, ", ");
		expr_element_print(&interval[i], field, &list);
	}
	if (n_printed > 1)
		buf_str(out, "{ ");
	buf_add(out, list.data, list.len);
	if (n_printed > 1)
		buf_str(out, " }");
	buf_fini(&list);
}

static struct expr_value last_of(const struct expr_match *match)
{
	if (match->field == EXPR_PAYLOAD)
		return value_ones(8 * match->bytes);
	return expr_field_last(match->field);
}

/* Of a complement there is one interval less if both the lowest and the highest value are in */
static bool is_shorter_negated(const struct expr_match *match)
{
	struct expr_value zero = { 0 };

	return match->n > 1 && !value_cmp(match->interval[0].first, zero) &&
	       !value_cmp(match->interval[match->n - 1].last, last_of(match));
}

static void print_values(const struct expr_match *match, unsigned int families, struct buf *out)
{
	struct expr_interval *rest;
	struct arena arena = {0};
	unsigned int n_rest;

	if (!is_shorter_negated(match)) {
		print_intervals(match->interval, match->n, match->field, families, out);
		return;
	}
	n_rest = expr_complement(&arena, match->field, match->interval, match->n, &rest);
	buf_str(out, "!= ");
	print_intervals(rest, match->n - 1 < n_rest ? match->n - 1 : n_rest, match->field, families,
			out);
	arena_fini(&arena);
}

static void print_masked(const struct expr_match *match, struct buf *out)
{
	buf_printf(out, "& %#llx %s ", (unsigned long long)match->field_mask,
		   match->negated ? "!=" : "==");
	print_intervals(match->interval, match->n, match->field, EXPR_FAMILY_ANY, out);
}

static void print_flag_list(const char *const *names, uint8_t flags, struct buf *out)
{
	unsigned int i, n = 0;

	for (i = 0; i < 8; i++)
		if (flags & 1 << i)
			buf_printf(out, "%s%s", n++ ? "|" : "", names[i]);
	if (!n)
		buf_char(out, '0');
}

static void print_flags(const char *const *names, uint8_t mask, uint8_t value, bool negated,
			struct buf *out)
{
	bool single = !(mask & (mask - 1));

	if (mask != 0xff && negated && !value) {	/* any of them */
		print_flag_list(names, mask, out);
		return;
	}
	if (mask != 0xff) {
		buf_str(out, single ? "& " : "& (");
		print_flag_list(names, mask, out);
		buf_str(out, single ? " " : ") ");
	}
	buf_str(out, negated ? "!= " : "== ");
	print_flag_list(names, value, out);
}

static void print_names(const struct expr_match *match, struct buf *out)
{
	unsigned int i;

	buf_str(out, match->negated ? "!= " : "");
	buf_str(out, match->n_names > 1 ? "{ " : "");
	for (i = 0; i < match->n_names; i++)
		buf_printf(out, "%s\"%s\"", i ? ", " : "", match->name[i]);
	buf_str(out, match->n_names > 1 ? " }" : "");
}

/* ---- matches ------------------------------------------------------------------------------- */

static void print_field(enum expr_field field, const struct style *style, struct buf *out)
{
	bool ip6 = style->families == EXPR_FAMILY_6;

	switch (field) {
	case EXPR_PROTO:
		buf_str(out, style->proto);
		break;
	case EXPR_SPORT:
	case EXPR_DPORT:
		buf_str(out, style->ports);
		buf_str(out, field == EXPR_SPORT ? " sport" : " dport");
		break;
	case EXPR_ICMP_TYPE:
	case EXPR_ICMP_CODE:
		buf_str(out, style->icmp);
		buf_str(out, field == EXPR_ICMP_TYPE ? " type" : " code");
		break;
	case EXPR_LENGTH:
		buf_str(out, ip6 ? "ip6 length" : "ip length");
		break;
	case EXPR_DSCP:
		buf_str(out, ip6 ? "ip6 dscp" : "ip dscp");
		break;
	case EXPR_TTL:
		buf_str(out, ip6 ? "ip6 hoplimit" : "ip ttl");
		break;
	default:
		buf_str(out, expr_field_name(field));
	}
}

static void print_fields(const enum expr_field *field, unsigned int n, const struct style *style,
			 struct buf *out)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		buf_str(out, i ? " . " : "");
		print_field(field[i], style, out);
	}
}

/* Each header is a match of its own in the text */
static void print_exthdrs(const struct expr_match *match, struct buf *out)
{
	unsigned int i, n = 0;

	for (i = 0; i < EXPR_EXTHDRS; i++) {
		unsigned int bit = expr_exthdr_names[i].value;

		if (match->mask & bit)
			buf_printf(out, "%sexthdr %s %s", n++ ? " " : "", expr_exthdr_names[i].name,
				   match->value & bit ? "exists" : "missing");
	}
}

static void print_place(const struct expr_match *match, struct buf *out)
{
	static const char *const bases[] = {
		[EXPR_BASE_LL] = "ll", [EXPR_BASE_NH] = "nh", [EXPR_BASE_TH] = "th",
	};

	buf_printf(out, "@%s,%u,%u", bases[match->base], 8u * match->at, 8u * match->bytes);
}

static void print_match(const struct expr_match *match, const struct style *style,
			struct buf *out)
{
	if (match->field == EXPR_EXTHDR) {
		print_exthdrs(match, out);
		return;
	}
	if (match->field == EXPR_PAYLOAD)
		print_place(match, out);
	else
		print_field(match->field, style, out);
	buf_char(out, ' ');
	if (match->set) {
		buf_str(out, match->negated ? "!= @" : "@");
		buf_str(out, match->set);
	} else if (match->field == EXPR_TCP_FLAGS) {
		print_flags(expr_flag_names, match->mask, match->value, match->negated, out);
	} else if (match->field == EXPR_CT_STATUS) {
		print_flags(expr_status_names, match->field_mask, match->interval->first.lo,
			    match->negated, out);
	} else if (match->field == EXPR_IIF) {
		print_names(match, out);
	} else if (match->field_mask) {
		print_masked(match, out);
	} else {
		print_values(match, style->families, out);
	}
}

/* ---- concatenations and maps --------------------------------------------------------------- */

static void print_tuple(const struct expr_concat *concat, unsigned int i,
			const struct style *style, struct buf *out)
{
	const struct expr_interval *tuple = &concat->tuple[i * concat->n_fields];
	unsigned int k;

	for (k = 0; k < concat->n_fields; k++) {
		const char *name = NULL;

		buf_str(out, k ? " . " : "");
		if (interval_one(&tuple[k]))
			name = expr_name_of(concat->field[k], style->families, tuple[k].first.lo);
		if (name)
			buf_str(out, name);
		else
			expr_element_print(&tuple[k], concat->field[k], out);
	}
}

static void print_concat(const struct expr_concat *concat, const struct style *style,
			 struct buf *out)
{
	unsigned int i;

	print_fields(concat->field, concat->n_fields, style, out);
	if (concat->set) {
		buf_printf(out, " %s@%s", concat->negated ? "!= " : "", concat->set);
		return;
	}
	for (i = 0; i < concat->n_tuples; i++) {
		buf_str(out, i ? ", " : " { ");
		print_tuple(concat, i, style, out);
	}
	buf_str(out, " }");
}

static void print_vmap(const struct expr_vmap *vmap, const struct style *style, struct buf *out)
{
	unsigned int i;

	print_fields(vmap->key.field, vmap->key.n_fields, style, out);
	buf_str(out, " vmap ");
	if (vmap->key.set) {
		buf_printf(out, "@%s", vmap->key.set);
		return;
	}
	for (i = 0; i < vmap->key.n_tuples; i++) {
		buf_str(out, i ? ", " : "{ ");
		print_tuple(&vmap->key, i, style, out);
		buf_str(out, " : ");
		expr_print_verdict(&vmap->verdict[i], style->families, out);
	}
	buf_str(out, " }");
}

static void print_statement(const struct expr_statement *statement, const struct style *style,
			    struct buf *out)
{
	if (statement->kind != EXPR_ADD) {
		expr_print_statement(statement, out);
		return;
	}
	buf_printf(out, "%s @%s { ", statement->update ? "update" : "add", statement->name);
	print_fields(statement->field, statement->n_fields, style, out);
	if (statement->timeout_ns) {
		buf_str(out, " timeout ");
		expr_time_print(statement->timeout_ns, out);
	}
	buf_str(out, " }");
}

/* ---- the rule ------------------------------------------------------------------------------ */

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
		print_match(match, &style, out);
		buf_char(out, ' ');
	}
	for (i = 0; i < rule->n_concats; i++) {
		print_concat(&rule->concat[i], &style, out);
		buf_char(out, ' ');
	}
	for (i = 0; i < rule->n_statements; i++) {
		print_statement(&rule->statement[i], &style, out);
		buf_char(out, ' ');
	}
	if (rule->vmap)
		print_vmap(rule->vmap, &style, out);
	else if (rule->verdict.kind != EXPR_CONTINUE)
		expr_print_verdict(&rule->verdict, rule->families, out);
	else
		out->data[--out->len] = '\0';		/* the blank behind the last statement */
}

void expr_print(const struct expr_rule *rule, struct buf *out)
{
	expr_print_bare(rule, out);
	if (!rule->comment)
		return;
	buf_str(out, " comment \"");
	buf_str(out, rule->comment);
	buf_char(out, '"');
}
