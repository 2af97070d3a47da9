// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* expr_nat.c - statements that give a flow another address: snat, dnat, masquerade */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <model/expr_read.h>
#include <model/expr_value.h>

#define EXAMPLE "snat to 192.0.2.1-192.0.2.9:1024-65535, dnat to [2001:db8::1]:80"
#define PREFIX6_MAX 64		/* RFC 6296 3.5 */

static const char *const words[] = {
	[EXPR_SNAT - EXPR_SNAT] = "snat", [EXPR_DNAT - EXPR_SNAT] = "dnat",
	[EXPR_MASQUERADE - EXPR_SNAT] = "masquerade",
};

/* ---- reading ------------------------------------------------------------------------------- */

/* Up to the next blank: addresses and ports in one */
static struct scan_span read_target(struct expr_reader *p)
{
	struct scan_span span;

	scan_blanks(p->s);
	span = (struct scan_span){ p->s->pos, 0 };
	while (p->s->text[p->s->pos] && !isspace((unsigned char)p->s->text[p->s->pos]))
		p->s->pos++;
	span.len = p->s->pos - span.offset;
	return span;
}

static int bad(struct expr_reader *p, struct scan_span span, const char *what)
{
	if (!span.len)
		return scan_expected(p->s, what, EXAMPLE);
	return scan_fail(p->s, span, "bad_value",
			 arena_printf(p->s->arena, "%s is not %s", scan_quote(p->s, span), what),
			 EXAMPLE);
}

static bool read_addr(const char *text, bool six, struct expr_value *ret_value)
{
	struct in6_addr addr6;
	struct in_addr addr4;
	int i;

	*ret_value = (struct expr_value){ 0, 0 };
	if (!six) {
		if (inet_pton(AF_INET, text, &addr4) != 1)
			return false;
		ret_value->lo = ntohl(addr4.s_addr);
		return true;
	}
	if (inet_pton(AF_INET6, text, &addr6) != 1)
		return false;
	for (i = 0; i < 8; i++) {
		ret_value->hi = ret_value->hi << 8 | addr6.s6_addr[i];
		ret_value->lo = ret_value->lo << 8 | addr6.s6_addr[8 + i];
	}
	return true;
}

/* The brackets around an address go. Return: false: only one of them is there */
static char *unbracket(char *text)
{
	size_t len = strlen(text);

	if (*text != '[')
		return strchr(text, ']') ? NULL : text;
	if (text[len - 1] != ']')
		return NULL;
	text[len - 1] = '\0';
	return text + 1;
}

static int read_addrs(struct expr_reader *p, struct scan_span span, char *text,
		      struct expr_nat *nat)
{
	bool six = nat->families == EXPR_FAMILY_6;
	char *dash = strchr(text, '-'), *first, *last;

	if (dash)
		*dash = '\0';
	first = unbracket(text);
	last = dash ? unbracket(dash + 1) : first;
	if (!first || !last || !read_addr(first, six, &nat->first) ||
	    !read_addr(last, six, &nat->last))
		return bad(p, span, "an address or range");
	if (value_cmp(nat->first, nat->last) > 0)
		return scan_fail(p->s, span, "bad_value", "the range is reversed", NULL);
	if (nat->last.hi != nat->first.hi || nat->last.lo - nat->first.lo > UINT32_MAX)
		return scan_fail(p->s, span, "bad_value",
				 "the range has more than 4294967296 addresses", NULL);
	return 0;
}

static bool read_port(const char *text, uint16_t *ret_port)
{
	uint64_t port;

	if (expr_number(text, strlen(text), 65535, &port) < 0 || !port)
		return false;
	*ret_port = port;
	return true;
}

/* Ports mean something in these; SCTP's stay: its checksum covers them (docs/modules/nat.md) */
static bool has_ports(const struct expr_reader *p)
{
	unsigned int i, k;

	for (i = 0; i < p->rule.n; i++) {
		const struct expr_match *match = &p->match[i];

		if (match->field != EXPR_PROTO || match->set || match->negated)
			continue;
		for (k = 0; k < match->n; k++)
			if (value_cmp(match->interval[k].first, match->interval[k].last) ||
			    (match->interval[k].first.lo != IPPROTO_TCP &&
			     match->interval[k].first.lo != IPPROTO_UDP))
				return false;
		return true;
	}
	return false;
}

static int read_ports(struct expr_reader *p, struct scan_span span, char *text,
		      struct expr_nat *nat)
{
	char *dash = strchr(text, '-');

	if (dash)
		*dash = '\0';
	if (!read_port(text, &nat->port_first) ||
	    !read_port(dash ? dash + 1 : text, &nat->port_last))
		return bad(p, span, "a port or range of ports");
	if (nat->port_first > nat->port_last)
		return scan_fail(p->s, span, "bad_value", "the range of ports is reversed", NULL);
	if (!has_ports(p))
		return scan_fail(p->s, span, "no_ports",
				 "ports need a match that leaves TCP and UDP alone",
				 "meta l4proto { tcp, udp } snat to 192.0.2.1:1024-65535");
	nat->ports = true;
	return 0;
}

/* 192.0.2.1   192.0.2.1-192.0.2.9:80   [2001:db8::1]:80-90   2001:db8::1-2001:db8::9 */
static int read_range(struct expr_reader *p, struct scan_span span, struct expr_nat *nat)
{
	char *text = (char *)scan_dup(p->s, span), *ports = strchr(text, ':');
	bool six = ports && (*text == '[' || strchr(ports + 1, ':'));
	int r;

	if (nat->families == EXPR_FAMILY_ANY)
		nat->families = six ? EXPR_FAMILY_6 : EXPR_FAMILY_4;
	if (nat->families == EXPR_FAMILY_6) {
		ports = *text == '[' ? strrchr(text, ']') : NULL;
		if (ports && *++ports != ':' && *ports)
			return bad(p, span, "an address or range");
		ports = ports && *ports ? ports : NULL;
	}
	if (ports)
		*ports++ = '\0';
	r = read_addrs(p, span, text, nat);
	return r < 0 || !ports ? r : read_ports(p, span, ports, nat);
}

static int read_prefix(struct expr_reader *p, struct scan_span span, struct expr_nat *nat)
{
	char *text = (char *)scan_dup(p->s, span), *slash = strchr(text, '/');
	bool six = strchr(text, ':');
	unsigned int bits = six ? 128 : 32;
	uint64_t len;

	if (nat->families == EXPR_FAMILY_ANY)
		nat->families = six ? EXPR_FAMILY_6 : EXPR_FAMILY_4;
	if (slash)
		*slash = '\0';
	if (!slash || six != (nat->families == EXPR_FAMILY_6) ||
	    !read_addr(text, six, &nat->first) ||
	    expr_number(slash + 1, strlen(slash + 1), six ? PREFIX6_MAX : 32, &len) < 0 || !len)
		return bad(p, span, six ? "an IPv6 prefix of up to 64 bits" : "a prefix");
	nat->len = len;
	if (value_zeros(nat->first, bits) < bits - len)
		return scan_fail(p->s, span, "bad_value",
				 arena_printf(p->s->arena, "%s has bits behind its prefix",
					      scan_quote(p->s, span)), NULL);
	return 0;
}

static int read_to(struct expr_reader *p, struct expr_nat *nat)
{
	struct scan_span span;
	int r;

	if (expr_read_is(p, "ip"))
		nat->families = EXPR_FAMILY_4;
	else if (expr_read_is(p, "ip6"))
		nat->families = EXPR_FAMILY_6;
	nat->prefix = expr_read_is(p, "prefix");
	if (!expr_read_is(p, "to"))
		return scan_expected(p->s, nat->prefix ? "'to'" : "'to' or 'prefix to'", EXAMPLE);
	span = read_target(p);
	if (!span.len)
		return bad(p, span, "an address");
	r = nat->prefix ? read_prefix(p, span, nat) : read_range(p, span, nat);
	if (r < 0)
		return r;
	nat->persistent = !nat->prefix && expr_read_is(p, "persistent");
	return expr_match_family(p, nat->families, span);
}

static int read_masquerade(struct expr_reader *p, struct expr_nat *nat)
{
	struct scan_span span;

	if (!expr_read_is(p, "to"))
		return 0;
	span = read_target(p);
	if (!span.len || p->s->text[span.offset] != ':')
		return bad(p, span, "':' and a port or range of ports");
	return read_ports(p, span, (char *)scan_dup(p->s, span) + 1, nat);
}

bool expr_nat_begins(const struct expr_reader *p, struct scan_span word,
		     enum expr_statement_kind *ret_kind)
{
	unsigned int i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!scan_is(p->s, word, words[i]))
			continue;
		*ret_kind = EXPR_SNAT + i;
		return true;
	}
	return false;
}

int expr_nat_read(struct expr_reader *p, struct expr_statement *statement)
{
	struct expr_nat *nat = arena_new(p->s->arena, struct expr_nat);

	*nat = (struct expr_nat){ .families = EXPR_FAMILY_ANY };
	statement->nat = nat;
	return statement->kind == EXPR_MASQUERADE ? read_masquerade(p, nat) : read_to(p, nat);
}

/* ---- printing ------------------------------------------------------------------------------ */

static void print_addr(struct expr_value value, bool six, const char *brackets, struct buf *out)
{
	struct in_addr addr4 = { htonl(value.lo) };
	struct in6_addr addr6;
	char text[INET6_ADDRSTRLEN];
	int i;

	for (i = 0; i < 8; i++) {
		addr6.s6_addr[i] = value.hi >> (56 - 8 * i);
		addr6.s6_addr[8 + i] = value.lo >> (56 - 8 * i);
	}
	inet_ntop(six ? AF_INET6 : AF_INET, six ? (void *)&addr6 : (void *)&addr4, text,
		  sizeof(text));
	buf_printf(out, "%.1s%s%s", brackets, text, *brackets ? brackets + 1 : "");
}

void expr_nat_print(const struct expr_statement *statement, struct buf *out)
{
	const struct expr_nat *nat = statement->nat;
	bool six = nat->families == EXPR_FAMILY_6;
	const char *brackets = six && nat->ports ? "[]" : "";

	buf_str(out, words[statement->kind - EXPR_SNAT]);
	if (statement->kind != EXPR_MASQUERADE) {
		buf_str(out, nat->prefix ? six ? " ip6 prefix to " : " ip prefix to " : " to ");
		print_addr(nat->first, six, brackets, out);
		if (nat->prefix)
			buf_printf(out, "/%u", nat->len);
		else if (value_cmp(nat->first, nat->last)) {
			buf_char(out, '-');
			print_addr(nat->last, six, brackets, out);
		}
	} else if (nat->ports) {
		buf_str(out, " to ");
	}
	if (nat->ports)
		buf_printf(out, ":%u", nat->port_first);
	if (nat->port_last != nat->port_first)
		buf_printf(out, "-%u", nat->port_last);
	if (nat->persistent)
		buf_str(out, " persistent");
}
