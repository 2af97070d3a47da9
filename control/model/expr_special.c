// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * expr_special.c - matches that are no plain values
 *
 * DOC: The family, extension headers, interfaces, and what is looked
 * at through a mask: the mark, and bytes anywhere in the packet.
 */
#include <errno.h>
#include <string.h>

#include <model/expr_read.h>
#include <model/expr_value.h>

#define PAYLOAD_BITS_MAX 65528		/* where bytes may begin */

/* ---- meta nfproto ------------------------------------------------------------------------- */

int expr_special_family(struct expr_reader *p, struct scan_span span)
{
	static const char *const words[] = { "ipv4", "ipv6" };
	unsigned int families;
	struct diag *diag;
	struct scan_span word;
	enum expr_op op;
	int r;

	r = expr_read_op(p, &op);
	if (r < 0)
		return r;
	word = expr_read_word(p);
	if (!word.len)
		return scan_expected(p->s, "'ipv4' or 'ipv6'", NULL);
	if (scan_is(p->s, word, "ipv4")) {
		families = EXPR_FAMILY_4;
	} else if (scan_is(p->s, word, "ipv6")) {
		families = EXPR_FAMILY_6;
	} else {
		diag = scan_find(p->s, word, "bad_value", "%s is not 'ipv4' or 'ipv6'",
				 scan_quote(p->s, word));
		diag_suggest(p->s->diags, diag, scan_dup(p->s, word), words, 2);
		return -EINVAL;
	}
	if (op == EXPR_OP_NE)
		families ^= EXPR_FAMILY_ANY;
	return expr_match_family(p, families, scan_from(p->s, span));
}

/* ---- extension headers -------------------------------------------------------------------- */

static int read_word_of(struct expr_reader *p, const char *const *words, unsigned int n,
			const char *what, unsigned int *ret_i)
{
	struct scan_span word = expr_read_word(p);
	struct diag *diag;
	unsigned int i;

	if (!word.len)
		return scan_expected(p->s, what, NULL);
	for (i = 0; i < n; i++) {
		if (scan_is(p->s, word, words[i])) {
			*ret_i = i;
			return 0;
		}
	}
	diag = scan_find(p->s, word, "bad_value", "%s is not %s", scan_quote(p->s, word), what);
	diag_suggest(p->s->diags, diag, scan_dup(p->s, word), words, n);
	return -EINVAL;
}

/* hbh exists   frag missing */
int expr_special_exthdr(struct expr_reader *p, struct scan_span span)
{
	static const char *const states[] = { "exists", "missing" };
	const char *names[EXPR_EXTHDRS];
	unsigned int header, missing, i;
	enum expr_op op;
	uint8_t bit;
	int r;

	for (i = 0; i < EXPR_EXTHDRS; i++)
		names[i] = expr_exthdr_names[i].name;
	r = read_word_of(p, names, EXPR_EXTHDRS, "'hbh', 'dst', 'rt', 'frag' or 'ah'", &header);
	if (r == 0)
		r = expr_read_op(p, &op);
	if (r == 0)
		r = read_word_of(p, states, 2, "'exists' or 'missing'", &missing);
	if (r < 0)
		return r;
	missing ^= op == EXPR_OP_NE;
	bit = expr_exthdr_names[header].value;
	return expr_match_exthdr(p, bit, missing ? 0 : bit, scan_from(p->s, span));
}

/* ---- interfaces --------------------------------------------------------------------------- */

static unsigned int names_of(struct expr_reader *p, struct expr_interval *interval,
			     unsigned int n, const char ***ret_name)
{
	const char **name = arena_new_n(p->s->arena, const char *, n);
	struct buf text = {0};
	unsigned int i, used = 0;

	for (i = 0; i < n; i++) {
		buf_clear(&text);
		expr_iif_print(&interval[i], &text);
		name[used++] = arena_strndup(p->s->arena, text.data + 1, text.len - 2);
	}
	buf_fini(&text);
	*ret_name = name;
	return used;
}

int expr_special_iif(struct expr_reader *p, struct scan_span span)
{
	static const struct expr_key key = { .field = EXPR_IIF, .families = EXPR_FAMILY_ANY };
	struct expr_match match = { .field = EXPR_IIF };
	struct expr_interval *interval = p->scratch;
	unsigned int n = 1;
	enum expr_op op;
	int r;

	r = expr_read_op(p, &op);
	if (r < 0)
		return r;
	if (scan_peek(p->s) == '@')
		return scan_expected(p->s, "the name of an interface",
				     "interfaces are listed in the rule: { \"eth0\", \"eth1\" }");
	if (scan_eat(p->s, "{"))
		r = expr_read_list(p, &key, &interval, &n);
	else
		r = expr_read_element(p, &key, interval);
	if (r < 0)
		return r;
	match.n_names = names_of(p, interval, n, &match.name);
	match.negated = op == EXPR_OP_NE;
	return expr_match_iif(p, &match, scan_from(p->s, span));
}

/* ---- masks -------------------------------------------------------------------------------- */

/* Both ends may have no bit that the mask has not */
static int check_mask(struct expr_reader *p, const struct expr_interval *interval, uint64_t mask,
		      struct scan_span span)
{
	if (!((interval->first.lo | interval->last.lo) & ~mask))
		return 0;
	return scan_fail(p->s, span, "bad_value",
			 arena_printf(p->s->arena, "%s has bits that the mask %#llx has not",
				      scan_quote(p->s, span), (unsigned long long)mask), NULL);
}

static int read_masked_list(struct expr_reader *p, const struct expr_key *key, uint64_t mask,
			    struct expr_interval **ret_interval, unsigned int *ret_n)
{
	struct scan_span span = { p->s->pos, 0 };
	unsigned int i;
	int r;

	if (scan_peek(p->s) == '@')
		return scan_expected(p->s, expr_field_noun(key->field),
				     "a set is asked for whole fields only");
	span.offset = p->s->pos;
	*ret_n = 1;
	*ret_interval = p->scratch;
	if (scan_eat(p->s, "{"))
		r = expr_read_list(p, key, ret_interval, ret_n);
	else
		r = expr_read_element(p, key, p->scratch);
	span = scan_from(p->s, span);
	for (i = 0; r == 0 && i < *ret_n; i++)
		r = check_mask(p, &(*ret_interval)[i], mask, span);
	return r;
}

int expr_special_masked(struct expr_reader *p, const struct expr_key *key,
			const struct expr_match *subject, uint64_t max, struct scan_span span)
{
	struct expr_match match = *subject;
	uint64_t mask;
	enum expr_op op;
	int r;

	r = expr_read_number(p, "a mask", 1, max, &mask);
	if (r == 0)
		r = expr_read_op(p, &op);
	if (r == 0 && op == EXPR_OP_NONE)
		r = scan_expected(p->s, "'==' or '!='", NULL);
	if (r == 0)
		r = read_masked_list(p, key, mask, &match.interval, &match.n);
	if (r < 0)
		return r;
	match.field_mask = mask == max ? 0 : mask;
	match.negated = op == EXPR_OP_NE;
	return expr_match_add(p, &match, scan_from(p->s, span));
}

/* ---- @nh,64,8 ----------------------------------------------------------------------------- */

/* A whole number of bytes, in bits */
static int read_bytes(struct expr_reader *p, const char *what, uint64_t min, uint64_t max,
		      unsigned int *ret_bytes)
{
	struct scan_span span = { p->s->pos, 0 };
	uint64_t bits;
	int r;

	if (!scan_eat(p->s, ","))
		return scan_expected(p->s, "','",
				     "'@nh,64,8' are 8 bits, 64 bits into the IP header");
	scan_blanks(p->s);
	span.offset = p->s->pos;
	r = expr_read_number(p, what, min, max, &bits);
	if (r < 0)
		return r;
	if (bits % 8)
		return scan_fail(p->s, scan_from(p->s, span), "bad_value",
				 arena_printf(p->s->arena, "%s is in bits, and whole bytes", what),
				 "take the bytes around it, and a mask: @nh,0,8 & 0xf0 == 0x40");
	*ret_bytes = bits / 8;
	return 0;
}

static int read_place(struct expr_reader *p, struct expr_match *match)
{
	static const char *const bases[] = {
		[EXPR_BASE_LL] = "ll", [EXPR_BASE_NH] = "nh", [EXPR_BASE_TH] = "th",
	};
	unsigned int base, at, bytes;
	int r;

	r = read_word_of(p, bases, 3, "'ll', 'nh' or 'th'", &base);
	if (r == 0)
		r = read_bytes(p, "an offset", 0, PAYLOAD_BITS_MAX, &at);
	if (r == 0)
		r = read_bytes(p, "a length", 8, 64, &bytes);
	if (r < 0)
		return r;
	match->base = base;
	match->at = at;
	match->bytes = bytes;
	return 0;
}

static int check_width(struct expr_reader *p, struct expr_match *match, uint64_t max,
		       struct scan_span span)
{
	if (match->interval[match->n - 1].last.lo <= max)
		return 0;
	return scan_fail(p->s, span, "bad_value",
			 arena_printf(p->s->arena, "%s has more than %d bits",
				      scan_quote(p->s, span), 8 * match->bytes), NULL);
}

int expr_special_payload(struct expr_reader *p, struct scan_span span)
{
	static const struct expr_key key = { .field = EXPR_PAYLOAD, .families = EXPR_FAMILY_ANY };
	struct expr_match match = { .field = EXPR_PAYLOAD };
	struct scan_span values;
	enum expr_op op;
	uint64_t max;
	int r;

	r = read_place(p, &match);
	if (r < 0)
		return r;
	max = UINT64_MAX >> (64 - 8 * match.bytes);
	if (scan_eat(p->s, "&") || expr_read_is(p, "and"))
		return expr_special_masked(p, &key, &match, max, span);
	r = expr_read_order(p, &op);
	if (r < 0)
		return r;
	scan_blanks(p->s);
	values = (struct scan_span){ p->s->pos, 0 };
	r = read_masked_list(p, &key, UINT64_MAX, &match.interval, &match.n);
	values = scan_from(p->s, values);
	if (r == 0)
		r = check_width(p, &match, max, values);
	if (r < 0)
		return r;
	return expr_match_values(p, &match, op, (struct expr_value){ .lo = max },
				 scan_from(p->s, span));
}
