// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* expr_verdict.c - what becomes of a packet that a rule matches */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <shunt/packet.h>

#include <model/expr_read.h>

#define ANSWERS_MAX 16

enum word { ACCEPT, DROP, GOTO, REJECT, SYNPROXY, JUMP, RETURN, WORD_MAX };

static const char *const words[WORD_MAX] = {
	[ACCEPT] = "accept", [DROP] = "drop", [GOTO] = "goto",
	[REJECT] = "reject", [SYNPROXY] = "synproxy", [JUMP] = "jump", [RETURN] = "return",
};

#define REJECT_ROW(id, text, v4, v6) [SHUNT_REJECT_##id] = { text, v4, v6 },
static const struct {
	const char *name;
	int code4, code6;		/* -1: none */
} rejects[SHUNT_REJECT_MAX] = { SHUNT_REJECTS(REJECT_ROW) };

const char *expr_reject_name(uint8_t reject)
{
	return reject < SHUNT_REJECT_MAX ? rejects[reject].name : "";
}

static int find(const struct expr_reader *p, struct scan_span word)
{
	int i;

	for (i = 0; i < WORD_MAX; i++)
		if (scan_is(p->s, word, words[i]))
			return i;
	return -1;
}

bool expr_verdict_begins(const struct expr_reader *p, struct scan_span word)
{
	return find(p, word) >= 0;
}

/* ---- reject ------------------------------------------------------------------------------- */

/* nft's icmpx has these four: what both families can be told */
static bool is_icmpx(unsigned int reject)
{
	return reject == SHUNT_REJECT_PORT || reject == SHUNT_REJECT_ADMIN_PROHIBITED ||
	       reject == SHUNT_REJECT_NO_ROUTE || reject == SHUNT_REJECT_HOST;
}

/* Whether nft has it for that family; no-route is IPv6's word for net-unreachable */
static bool has_answer(unsigned int reject, unsigned int families)
{
	if (reject == SHUNT_REJECT_TCP_RESET)
		return false;
	if (families == EXPR_FAMILY_4)
		return rejects[reject].code4 >= 0 && reject != SHUNT_REJECT_NO_ROUTE;
	if (families == EXPR_FAMILY_6)
		return rejects[reject].code6 >= 0 && reject != SHUNT_REJECT_HOST;
	return is_icmpx(reject);
}

static int unknown_answer(struct expr_reader *p, unsigned int families, struct scan_span word)
{
	const char *names[ANSWERS_MAX];
	struct buf list = {0};
	struct diag *diag;
	const char *hint;
	unsigned int i, n = 0;

	for (i = 0; i < SHUNT_REJECT_MAX; i++) {
		if (!has_answer(i, families))
			continue;
		buf_printf(&list, "%s%s", n ? ", " : "", rejects[i].name);
		names[n++] = rejects[i].name;
	}
	hint = arena_strdup(p->s->arena, list.data);
	buf_fini(&list);
	if (!word.len)
		return scan_expected(p->s, "an answer", hint);
	diag = scan_find(p->s, word, "bad_value", "%s is not an answer", scan_quote(p->s, word));
	diag_suggest(p->s->diags, diag, scan_dup(p->s, word), names, n);
	if (!diag->hint)
		diag->hint = hint;
	return -EINVAL;
}

static int read_answer(struct expr_reader *p, unsigned int families, uint8_t *ret_reject)
{
	struct scan_span word;
	unsigned int i;

	expr_read_is(p, "type");		/* as older versions of nft write it */
	word = expr_read_word(p);
	for (i = 0; i < SHUNT_REJECT_MAX; i++) {
		if (!has_answer(i, families) || !scan_is(p->s, word, rejects[i].name))
			continue;
		*ret_reject = i;
		return 0;
	}
	return unknown_answer(p, families, word);
}

/* Behind 'reject with' */
static int read_with(struct expr_reader *p, uint8_t *ret_reject, struct scan_span span)
{
	static const struct {
		const char *word;
		unsigned int families;
	} kinds[] = {
		{ "icmp", EXPR_FAMILY_4 }, { "icmpv6", EXPR_FAMILY_6 },
		{ "icmpx", EXPR_FAMILY_ANY },
	};
	unsigned int i;
	int r;

	if (expr_read_is(p, "tcp")) {
		if (!expr_read_is(p, "reset"))
			return scan_expected(p->s, "'reset'", NULL);
		*ret_reject = SHUNT_REJECT_TCP_RESET;
		return expr_match_implied(p, EXPR_FAMILY_ANY, IPPROTO_TCP, scan_from(p->s, span));
	}
	for (i = 0; i < 3; i++) {
		if (!expr_read_is(p, kinds[i].word))
			continue;
		r = read_answer(p, kinds[i].families, ret_reject);
		if (r < 0)
			return r;
		return expr_match_family(p, kinds[i].families, scan_from(p->s, span));
	}
	return scan_expected(p->s, "'tcp reset', 'icmp', 'icmpv6' or 'icmpx'", NULL);
}

static int read_reject(struct expr_reader *p, struct scan_span span, bool in_map,
		       struct expr_verdict *verdict)
{
	if (in_map)
		return scan_fail(p->s, span, "bad_value", "a map's verdict cannot be 'reject'",
				 "'jump' to a chain that rejects");
	verdict->kind = EXPR_REJECT;
	verdict->edge = words[REJECT];
	verdict->reject = SHUNT_REJECT_PORT;
	return expr_read_is(p, "with") ? read_with(p, &verdict->reject, span) : 0;
}

void expr_verdict_finish(struct expr_reader *p)
{
	struct expr_verdict *verdict = &p->rule.verdict;

	if (verdict->kind != EXPR_REJECT)
		return;
	if (p->rule.families == EXPR_FAMILY_4 && verdict->reject == SHUNT_REJECT_NO_ROUTE)
		verdict->reject = SHUNT_REJECT_NET;
	if (p->rule.families == EXPR_FAMILY_6 && verdict->reject == SHUNT_REJECT_HOST)
		verdict->reject = SHUNT_REJECT_ADDR;
}

/* ---- all verdicts ------------------------------------------------------------------------- */

static int read_reason(struct expr_reader *p, struct expr_verdict *verdict)
{
	struct scan_span reason;
	int r;

	r = expr_read_name(p, "the name of a reason", &reason);
	if (r < 0)
		return r;
	if (!scan_eat(p->s, ")"))
		return scan_expected(p->s, "')'", NULL);
	verdict->reason = scan_dup(p->s, reason);
	return 0;
}

/* The edges that every filter has are not copied for each rule */
static const char *edge_name(struct expr_reader *p, struct scan_span span)
{
	if (scan_is(p->s, span, words[ACCEPT]))
		return words[ACCEPT];
	return scan_is(p->s, span, words[DROP]) ? words[DROP] : scan_dup(p->s, span);
}

static int read_body(struct expr_reader *p, int which, bool in_map, struct scan_span *span,
		     struct expr_verdict *verdict)
{
	int r = 0;

	switch (which) {
	case REJECT:
		return read_reject(p, *span, in_map, verdict);
	case JUMP:
		r = expr_read_name(p, "the name of a chain", span);
		verdict->kind = EXPR_JUMP;
		if (r == 0)
			verdict->chain = scan_dup(p->s, *span);
		return r;
	case RETURN:
		verdict->kind = EXPR_RETURN;
		return 0;
	case GOTO:
		r = expr_read_name(p, "the name of an edge", span);
		break;
	case DROP:
		r = scan_eat(p->s, "(") ? read_reason(p, verdict) : 0;
		break;
	case SYNPROXY:			/* connections are TCP's */
		if (!in_map)
			r = expr_match_implied(p, EXPR_FAMILY_ANY, IPPROTO_TCP,
					       scan_from(p->s, *span));
		break;
	}
	verdict->kind = EXPR_LEAVE;
	if (r == 0)
		verdict->edge = edge_name(p, *span);
	return r;
}

int expr_verdict_read(struct expr_reader *p, struct scan_span word, bool in_map,
		      struct expr_verdict *ret_verdict)
{
	struct expr_verdict verdict = { 0 };
	int which = find(p, word), r;

	if (which < 0) {
		struct diag *diag = scan_find(p->s, word, "bad_value", "%s is not a verdict",
					      scan_quote(p->s, word));

		diag_suggest(p->s->diags, diag, scan_dup(p->s, word), words, WORD_MAX);
		return -EINVAL;
	}
	r = read_body(p, which, in_map, &word, &verdict);
	verdict.offset = word.offset;
	verdict.len = word.len;
	if (r == 0)
		*ret_verdict = verdict;
	return r;
}
