// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * expr_flags.c - matches on bits that have names: TCP flags, a flow's status
 *
 * DOC: As in nft: a bare list is 'any of them'. With == or != it is all bits, of TCP; a flow's
 * status has other bits in Linux, so there it takes a mask.
 */
#include <errno.h>
#include <string.h>

#include <model/expr_read.h>

#include "../../dataplane/lib/conntrack.h"

struct flags {
	enum expr_field field;
	const char *const *name;	/* by bit */
	const char *hint;		/* which there are */
	const char *list, *masked;	/* how they are written: any of them, through a mask */
	uint8_t known;
};

static const struct flags tcp = {
	EXPR_TCP_FLAGS, expr_flag_names, "fin, syn, rst, psh, ack, urg, ecn, cwr, or a number up to 0xff",
	"syn|ack", "& (syn|ack) == syn", 0xff,
};
static const struct flags status = {
	EXPR_CT_STATUS, expr_status_names, "seen-reply, assured, confirmed, snat or dnat",
	"snat|dnat", "& (snat|dnat) == snat", CONNTRACK_STATUS_KNOWN,
};

static bool is_named(const struct expr_reader *p, const struct flags *flags, struct scan_span word,
		     uint8_t *bits)
{
	unsigned int i;

	for (i = 0; i < 8; i++) {
		if (!flags->name[i] || !scan_is(p->s, word, flags->name[i]))
			continue;
		*bits |= 1 << i;
		return true;
	}
	return false;
}

static void no_flag(struct expr_reader *p, const struct flags *flags, struct scan_span word)
{
	struct diag *diag = scan_find(p->s, word, "bad_value", "%s is not %s",
				      scan_quote(p->s, word), expr_field_noun(flags->field));
	const char *names[8];
	unsigned int i, n = 0;

	for (i = 0; i < 8; i++)
		if (flags->name[i])
			names[n++] = flags->name[i];
	diag_suggest(p->s->diags, diag, scan_dup(p->s, word), names, n);
	if (!diag->hint)
		diag->hint = flags->hint;
}

static int read_flag(struct expr_reader *p, const struct flags *flags, uint8_t *bits)
{
	struct scan_span word = expr_read_word(p);
	const char *hint = NULL;
	uint64_t number;

	if (!word.len) {
		if (scan_peek(p->s) == '{')
			hint = arena_printf(p->s->arena,
					    "write '%s' for any of them, '%s' for a mask",
					    flags->list, flags->masked);
		return scan_expected(p->s, expr_field_noun(flags->field), hint);
	}
	if (is_named(p, flags, word, bits))
		return 0;
	if (expr_number(p->s->text + word.offset, word.len, 0xff, &number) < 0 ||
	    number & ~(uint64_t)flags->known) {
		no_flag(p, flags, word);
		return -EINVAL;
	}
	*bits |= number;
	return 0;
}

/* syn   (syn|ack)   syn,ack   0x12 */
static int read_list(struct expr_reader *p, const struct flags *flags, uint8_t *ret_bits,
		     struct scan_span *ret_span)
{
	struct scan_span start;
	uint8_t bits = 0;
	bool parens;
	int r;

	scan_blanks(p->s);
	start = (struct scan_span){ p->s->pos, 0 };
	parens = scan_eat(p->s, "(");
	do {
		r = read_flag(p, flags, &bits);
		if (r < 0)
			return r;
	} while (scan_eat(p->s, "|") || scan_eat(p->s, ","));
	if (parens && !scan_eat(p->s, ")"))
		return scan_expected(p->s, "'|' or ')'", NULL);
	*ret_bits = bits;
	*ret_span = scan_from(p->s, start);
	return 0;
}

static int read_mask(struct expr_reader *p, const struct flags *flags, uint8_t *ret_mask,
		     struct scan_span *ret_span)
{
	int r = read_list(p, flags, ret_mask, ret_span);

	if (r < 0)
		return r;
	return *ret_mask ? 0 : scan_fail(p->s, *ret_span, "bad_value", "no flag to look at", NULL);
}

/* Behind '&', which binds closer than '|' to nft: (syn|ack) == */
static int read_and(struct expr_reader *p, const struct flags *flags, uint8_t *ret_mask,
		    struct scan_span *ret_span, enum expr_op *ret_op)
{
	const char *text;
	int r;

	r = read_mask(p, flags, ret_mask, ret_span);
	if (r < 0)
		return r;
	text = p->s->text + ret_span->offset;
	if (*text != '(' && (memchr(text, '|', ret_span->len) || memchr(text, ',', ret_span->len)))
		return scan_fail(p->s, *ret_span, "expected",
				 "expected parentheses around the flags of a mask",
				 arena_printf(p->s->arena, "write %s", flags->masked));
	r = expr_read_op(p, ret_op);
	if (r == 0 && *ret_op == EXPR_OP_NONE)
		r = scan_expected(p->s, "'==' or '!='", NULL);
	return r;
}

static int add(struct expr_reader *p, const struct flags *flags, uint8_t mask, uint8_t value,
	       bool negated, struct scan_span span)
{
	struct expr_interval one = { { .lo = value }, { .lo = value } };
	struct expr_match match = {
		.field = flags->field, .field_mask = mask, .interval = &one, .n = 1,
		.negated = negated,
	};

	if (flags->field == EXPR_TCP_FLAGS)
		return expr_match_flags(p, mask, value, negated, span);
	return expr_match_add(p, &match, span);
}

/* What is written, and where */
struct said {
	struct scan_span mask_at, value_at;
	uint8_t mask, value;
	enum expr_op op;
};

static int add_masked(struct expr_reader *p, const struct flags *flags, const struct said *said,
		      struct scan_span span)
{
	if (said->value & ~said->mask)
		return scan_fail(p->s, said->value_at, "bad_value",
				 arena_printf(p->s->arena, "%s has flags that the mask %s has not",
					      scan_quote(p->s, said->value_at),
					      scan_quote(p->s, said->mask_at)), NULL);
	return add(p, flags, said->mask, said->value, said->op == EXPR_OP_NE,
		   scan_from(p->s, span));
}

static int add_whole(struct expr_reader *p, const struct flags *flags, const struct said *said,
		     struct scan_span span)
{
	bool tcp_flags = flags == &tcp;

	if (said->op != EXPR_OP_NONE && !tcp_flags)
		return scan_fail(p->s, scan_from(p->s, span), "bad_value",
				 "in Linux a flow has other bits besides: take a mask",
				 arena_printf(p->s->arena, "%s %s", expr_field_name(flags->field),
					      flags->masked));
	if (said->op != EXPR_OP_NONE)
		return add(p, flags, flags->known, said->value, said->op == EXPR_OP_NE,
			   scan_from(p->s, span));
	if (!said->value)
		return scan_fail(p->s, said->value_at, "bad_value", "no flag to look at",
				 tcp_flags ? "'tcp flags == 0' has none set" : NULL);
	return add(p, flags, said->value, 0, true, scan_from(p->s, span));
}

int expr_flags_read(struct expr_reader *p, enum expr_field field, struct scan_span span)
{
	const struct flags *flags = field == EXPR_TCP_FLAGS ? &tcp : &status;
	struct said said = { .op = EXPR_OP_NONE };
	bool masked = false;
	int r;

	if (scan_eat(p->s, "&")) {
		r = read_and(p, flags, &said.mask, &said.mask_at, &said.op);
		masked = true;
	} else if (scan_peek(p->s) == '!' && p->s->text[p->s->pos + 1] != '=') {
		scan_eat(p->s, "!");
		r = read_mask(p, flags, &said.mask, &said.mask_at);
		return r < 0 ? r : add(p, flags, said.mask, 0, false, scan_from(p->s, span));
	} else {
		r = expr_read_op(p, &said.op);
	}
	if (r == 0)
		r = read_list(p, flags, &said.value, &said.value_at);
	if (r == 0 && !masked && scan_eat(p->s, "/")) {
		r = read_mask(p, flags, &said.mask, &said.mask_at);
		masked = true;
	}
	if (r < 0)
		return r;
	return masked ? add_masked(p, flags, &said, span) : add_whole(p, flags, &said, span);
}
