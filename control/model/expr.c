// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * expr.c - read a rule
 *
 * DOC: Recursive descent over the text itself, one function a production of
 * the grammar in docs/rules.md; the fields are a table (expr_field.c). The
 * first error ends a rule. What a match implies (protocol, family) is added
 * when its field is read, so that a contradiction is told at the field that
 * brings it in, and not only at the end.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <model/expr_match.h>

#define WORDS_MAX 32

enum op { OP_NONE, OP_EQ, OP_NE };

/* Words that nft has and a rule here has not */
static const struct {
	const char *word, *hint;
} foreign[] = {
	{ "counter", "every rule counts: leave it out" },
	{ "reject", "a rule may say 'drop', 'accept' or 'goto EDGE'" },
	{ "jump", "'goto EDGE' leaves the node by that edge" },
	{ "return", "'goto EDGE' leaves the node by that edge" },
	{ "queue", "'goto EDGE' leaves the node by that edge" },
	{ "limit", "rates are limited by a node of module 'limit'" },
	{ "log", "'shunt rule list -s' and 'shunt drop show' tell what happens to packets" },
	{ "ct", "a rule sees one packet, not the state of its flow" },
	{ "iif", "attach the graph to that interface instead" },
	{ "iifname", "attach the graph to that interface instead" },
};

/* ---- findings ------------------------------------------------------------------------------ */

static int unknown_keyword(struct expr_reader *p, struct scan_span word)
{
	static const char *const verdicts[] = { "accept", "drop", "goto" };
	const char *words[WORDS_MAX];
	const struct expr_key *key;
	struct diag *diag;
	unsigned int i, n = 0;

	diag = scan_find(p->s, word, "unknown_keyword", "unknown keyword %s",
			 scan_quote(p->s, word));
	for (i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		if (scan_is(p->s, word, foreign[i].word)) {
			diag->hint = foreign[i].hint;
			return -EINVAL;
		}
	}
	for (i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		words[n++] = verdicts[i];
	for (key = expr_keys; key->group; key++) {
		if (key->name && scan_is(p->s, word, key->name)) {
			diag->hint = arena_printf(p->s->arena, "did you mean '%s %s'?", key->group,
						  key->name);
			return -EINVAL;
		}
		if (n < WORDS_MAX && strcmp(words[n - 1], key->group))
			words[n++] = key->group;
	}
	diag_suggest(p->s->diags, diag, scan_dup(p->s, word), words, n);
	return -EINVAL;
}

static int unknown_field(struct expr_reader *p, const struct expr_key *group, struct scan_span word)
{
	const char *words[WORDS_MAX];
	const struct expr_key *key;
	struct buf list = {0};
	struct diag *diag;
	const char *hint;
	unsigned int n = 0;

	for (key = group; key->group && !strcmp(key->group, group->group); key++) {
		buf_printf(&list, "%s'%s'", n ? ", " : "", key->name);
		words[n++] = key->name;
	}
	hint = arena_printf(p->s->arena, "'%s' has %s", group->group, list.data);
	buf_fini(&list);
	if (!word.len)
		return scan_expected(p->s, arena_printf(p->s->arena, "a field of '%s'",
							group->group), hint);
	diag = scan_find(p->s, word, "unknown_field", "unknown field '%s %.60s'", group->group,
			 scan_dup(p->s, word));
	diag_suggest(p->s->diags, diag, scan_dup(p->s, word), words, n);
	if (!diag->hint)
		diag->hint = hint;
	return -EINVAL;
}

/* ---- grammar ------------------------------------------------------------------------------ */

static int parse_op(struct expr_reader *p, enum op *ret_op)
{
	if (scan_eat(p->s, "=="))
		*ret_op = OP_EQ;
	else if (scan_eat(p->s, "!="))
		*ret_op = OP_NE;
	else if (scan_peek(p->s) == '=')
		return scan_expected(p->s, "a value", "did you mean '=='?");
	else if (scan_peek(p->s) == '<' || scan_peek(p->s) == '>')
		return scan_expected(p->s, "a value", "write a range: first-last");
	else
		*ret_op = OP_NONE;
	return 0;
}

static int parse_name(struct expr_reader *p, const char *what, struct scan_span *ret_span)
{
	struct scan_span span = scan_word(p->s, "_-");
	int i;

	if (!span.len)
		return scan_expected(p->s, what, NULL);
	for (i = 0; i < span.len; i++)
		if (isupper((unsigned char)p->s->text[span.offset + i]))
			break;
	if (i < span.len || !islower((unsigned char)p->s->text[span.offset]) ||
	    span.len > EXPR_NAME_MAX) {
		return scan_fail(p->s, span, "bad_name",
				 arena_printf(p->s->arena, "%s is not %s", scan_quote(p->s, span),
					      what),
				 "a name is a letter, then up to 30 of a-z, 0-9, '_' and '-'");
	}
	*ret_span = span;
	return 0;
}

static int parse_element(struct expr_reader *p, const struct expr_key *key,
			 struct expr_interval *ret_interval)
{
	struct scan_span span = scan_value(p->s);

	if (!span.len && scan_peek(p->s) == '@')
		return scan_expected(p->s, expr_field_noun(key->field),
				     "a set stands alone, without braces");
	if (!span.len)
		return scan_expected(p->s, expr_field_noun(key->field), NULL);
	return expr_element_in(p->s->text + span.offset, span.len, key->field, key->families,
			       p->s->path, span.offset, p->s->diags, ret_interval);
}

static int parse_list(struct expr_reader *p, const struct expr_key *key,
		      struct expr_interval **ret_interval, unsigned int *ret_n)
{
	struct expr_interval *interval = NULL, one;
	unsigned int n = 0;
	int r;

	do {
		r = parse_element(p, key, &one);
		if (r < 0)
			return r;
		*arena_push(p->s->arena, interval, n) = one;
	} while (scan_eat(p->s, ","));
	if (!scan_eat(p->s, "}"))
		return scan_expected(p->s, "',' or '}'", NULL);
	*ret_interval = interval;
	*ret_n = n;
	return 0;
}

static int parse_values(struct expr_reader *p, const struct expr_key *key, struct scan_span span)
{
	struct expr_interval *interval;
	struct scan_span name;
	unsigned int n = 1;
	enum op op;
	int r;

	r = parse_op(p, &op);
	if (r < 0)
		return r;
	if (scan_eat(p->s, "@")) {
		if (isspace((unsigned char)p->s->text[p->s->pos]))
			return scan_expected(p->s, "the name of a set right behind '@'", NULL);
		r = parse_name(p, "the name of a set", &name);
		if (r < 0)
			return r;
		return expr_match_set(p, key->field, scan_dup(p->s, name), op == OP_NE,
				      scan_from(p->s, span));
	}
	if (scan_eat(p->s, "{")) {
		r = parse_list(p, key, &interval, &n);
	} else {
		interval = arena_new(p->s->arena, struct expr_interval);
		r = parse_element(p, key, interval);
	}
	if (r < 0)
		return r;
	span = scan_from(p->s, span);
	n = expr_merge(interval, n);
	if (op == OP_NE)
		n = expr_complement(p->s->arena, key->field, interval, n, &interval);
	if (!n)
		return scan_fail(p->s, span, "never_matches",
				 arena_printf(p->s->arena, "%s can never match: it leaves no value",
					      scan_quote(p->s, span)), NULL);
	return expr_match_intervals(p, key->field, interval, n, span);
}

static int parse_family(struct expr_reader *p, struct scan_span span)
{
	static const char *const words[] = { "ipv4", "ipv6" };
	unsigned int families;
	struct diag *diag;
	struct scan_span word;
	enum op op;
	int r;

	r = parse_op(p, &op);
	if (r < 0)
		return r;
	word = scan_word(p->s, "_-");
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
	if (op == OP_NE)
		families ^= EXPR_FAMILY_ANY;
	return expr_match_family(p, families, scan_from(p->s, span));
}

static int parse_flag(struct expr_reader *p, uint8_t *flags)
{
	struct scan_span word = scan_word(p->s, "_-");
	struct diag *diag;
	uint64_t number;
	unsigned int i;

	if (!word.len)
		return scan_expected(p->s, "a TCP flag", scan_peek(p->s) == '{' ?
				"write 'syn|ack' for any of them, '& (syn|ack) == syn' for a mask" :
				NULL);
	for (i = 0; i < 8; i++) {
		if (scan_is(p->s, word, expr_flag_names[i])) {
			*flags |= 1 << i;
			return 0;
		}
	}
	if (!expr_number(p->s->text + word.offset, word.len, 0xff, &number)) {
		*flags |= number;
		return 0;
	}
	diag = scan_find(p->s, word, "bad_value", "%s is not a TCP flag", scan_quote(p->s, word));
	diag_suggest(p->s->diags, diag, scan_dup(p->s, word), expr_flag_names, 8);
	if (!diag->hint)
		diag->hint = "fin, syn, rst, psh, ack, urg, ecn, cwr, or a number up to 0xff";
	return -EINVAL;
}

/* syn   (syn|ack)   syn,ack   0x12 */
static int parse_flag_list(struct expr_reader *p, uint8_t *ret_flags, struct scan_span *ret_span)
{
	struct scan_span start;
	uint8_t flags = 0;
	bool parens;
	int r;

	scan_blanks(p->s);
	start = (struct scan_span){ p->s->pos, 0 };
	parens = scan_eat(p->s, "(");
	do {
		r = parse_flag(p, &flags);
		if (r < 0)
			return r;
	} while (scan_eat(p->s, "|") || scan_eat(p->s, ","));
	if (parens && !scan_eat(p->s, ")"))
		return scan_expected(p->s, "'|' or ')'", NULL);
	*ret_flags = flags;
	*ret_span = scan_from(p->s, start);
	return 0;
}

static int parse_flag_mask(struct expr_reader *p, uint8_t *ret_mask, struct scan_span *ret_span)
{
	int r = parse_flag_list(p, ret_mask, ret_span);

	if (r < 0)
		return r;
	return *ret_mask ? 0 : scan_fail(p->s, *ret_span, "bad_value", "no flag to look at", NULL);
}

/* Behind '&', which binds closer than '|' to nft: (syn|ack) == */
static int parse_flag_and(struct expr_reader *p, uint8_t *ret_mask, struct scan_span *ret_span,
			  enum op *ret_op)
{
	const char *text;
	int r;

	r = parse_flag_mask(p, ret_mask, ret_span);
	if (r < 0)
		return r;
	text = p->s->text + ret_span->offset;
	if (*text != '(' && (memchr(text, '|', ret_span->len) || memchr(text, ',', ret_span->len)))
		return scan_fail(p->s, *ret_span, "expected",
				 "expected parentheses around the flags of a mask",
				 "write & (syn|ack) == syn");
	r = parse_op(p, ret_op);
	if (r == 0 && *ret_op == OP_NONE)
		r = scan_expected(p->s, "'==' or '!='", NULL);
	return r;
}

/* As in nft: a bare list is 'any of them', with == or != it is the whole byte */
static int parse_flags(struct expr_reader *p, struct scan_span span)
{
	uint8_t mask = 0xff, value = 0;
	struct scan_span mask_span, value_span;
	bool masked = false;
	enum op op = OP_NONE;
	int r;

	if (scan_eat(p->s, "&")) {
		r = parse_flag_and(p, &mask, &mask_span, &op);
		masked = true;
	} else if (scan_peek(p->s) == '!' && p->s->text[p->s->pos + 1] != '=') {
		scan_eat(p->s, "!");
		r = parse_flag_mask(p, &mask, &mask_span);
		return r < 0 ? r : expr_match_flags(p, mask, 0, false, scan_from(p->s, span));
	} else {
		r = parse_op(p, &op);
	}
	if (r < 0)
		return r;
	r = parse_flag_list(p, &value, &value_span);
	if (r == 0 && !masked && scan_eat(p->s, "/")) {
		r = parse_flag_mask(p, &mask, &mask_span);
		masked = true;
	}
	if (r < 0)
		return r;
	if (value & ~mask)
		return scan_fail(p->s, value_span, "bad_value",
				 arena_printf(p->s->arena, "%s has flags that the mask %s has not",
					      scan_quote(p->s, value_span),
					      scan_quote(p->s, mask_span)), NULL);
	if (op != OP_NONE || masked)
		return expr_match_flags(p, mask, value, op == OP_NE, scan_from(p->s, span));
	if (!value)
		return scan_fail(p->s, value_span, "bad_value", "no flag to look at",
				 "'tcp flags == 0' has none set");
	return expr_match_flags(p, value, 0, true, scan_from(p->s, span));
}

static const struct expr_key *find_group(const struct expr_reader *p, struct scan_span word)
{
	const struct expr_key *key;

	for (key = expr_keys; key->group; key++)
		if (scan_is(p->s, word, key->group))
			return key;
	return NULL;
}

/* Return: NULL: diags tell */
static const struct expr_key *parse_key(struct expr_reader *p, struct scan_span *span)
{
	const struct expr_key *group = find_group(p, *span), *key;
	struct scan_span word;

	if (!group) {
		unknown_keyword(p, *span);
		return NULL;
	}
	if (!group->name)
		return group;
	word = scan_word(p->s, "_-");
	for (key = group; key->group && !strcmp(key->group, group->group); key++) {
		if (scan_is(p->s, word, key->name)) {
			*span = scan_from(p->s, *span);
			return key;
		}
	}
	unknown_field(p, group, word);
	return NULL;
}

static bool is_verdict(const struct scan *s, struct scan_span word)
{
	return scan_is(s, word, "accept") || scan_is(s, word, "drop") || scan_is(s, word, "goto");
}

/* Return: 1: read one; 0: here is the verdict; or -EINVAL */
static int parse_match(struct expr_reader *p)
{
	struct scan_span span = scan_word(p->s, "_-");
	const struct expr_key *key;
	int r;

	if (!span.len)
		return scan_expected(p->s, "a match, 'accept', 'drop' or 'goto'",
				     scan_peek(p->s) == ',' ? "lists have braces: { a, b }" : NULL);
	if (is_verdict(p->s, span)) {
		p->s->pos = span.offset;
		return 0;
	}
	key = parse_key(p, &span);
	if (!key)
		return -EINVAL;
	r = expr_match_implied(p, key, span);
	if (r < 0)
		return r;
	if (key->field == EXPR_FIELD_MAX)
		r = parse_family(p, span);
	else if (key->field == EXPR_TCP_FLAGS)
		r = parse_flags(p, span);
	else
		r = parse_values(p, key, span);
	return r < 0 ? r : 1;
}

static int parse_verdict(struct expr_reader *p)
{
	struct scan_span span = scan_word(p->s, "_-"), reason;
	int r;

	if (scan_is(p->s, span, "goto")) {
		r = parse_name(p, "the name of an edge", &span);
		if (r < 0)
			return r;
	} else if (scan_is(p->s, span, "drop") && scan_eat(p->s, "(")) {
		r = parse_name(p, "the name of a reason", &reason);
		if (r < 0)
			return r;
		if (!scan_eat(p->s, ")"))
			return scan_expected(p->s, "')'", NULL);
		p->rule.verdict.reason = scan_dup(p->s, reason);
	}
	p->rule.verdict.kind = EXPR_LEAVE;
	p->rule.verdict.edge = scan_dup(p->s, span);
	p->rule.verdict.offset = span.offset;
	p->rule.verdict.len = span.len;
	return 0;
}

static int parse_comment(struct expr_reader *p)
{
	struct scan_span word, text;
	int i;

	if (!scan_peek(p->s))
		return 0;
	word = scan_word(p->s, "_-");
	if (!scan_is(p->s, word, "comment")) {
		p->s->pos = word.offset;
		return scan_expected(p->s, "'comment' or the end of the rule",
				find_group(p, word) ? "the verdict is last" : NULL);
	}
	if (!scan_eat(p->s, "\""))
		return scan_expected(p->s, "a comment in double quotes", NULL);
	text = (struct scan_span){ p->s->pos, strcspn(p->s->text + p->s->pos, "\"") };
	for (i = 0; i < text.len; i++)
		if (iscntrl((unsigned char)p->s->text[text.offset + i]))
			return scan_fail(p->s, (struct scan_span){ text.offset + i, 1 },
					 "bad_value", "a comment has no control characters", NULL);
	if (text.len > EXPR_COMMENT_MAX)
		return scan_fail(p->s, text, "too_long",
				 arena_printf(p->s->arena, "a comment has at most %d bytes, not %d",
					      EXPR_COMMENT_MAX, text.len), NULL);
	p->s->pos += text.len;
	if (!scan_eat(p->s, "\""))
		return scan_expected(p->s, "'\"' at the end of the comment", NULL);
	if (scan_peek(p->s))
		return scan_expected(p->s, "the end of the rule", NULL);
	p->rule.comment = scan_dup(p->s, text);
	return 0;
}

/* ---- the rule as a whole ------------------------------------------------------------------ */

static uint32_t fnv1a(const char *data, size_t len)
{
	uint32_t hash = 2166136261u;
	size_t i;

	for (i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)data[i]) * 16777619u;
	return hash;
}

static int too_long(struct expr_reader *p, size_t len, const char *what)
{
	return scan_fail(p->s, (struct scan_span){ -1, 0 }, "too_long",
			 arena_printf(p->s->arena, "a rule has at most %d bytes, not %zu%s",
				      EXPR_TEXT_MAX, len, what),
			 "put the values into a set: '@name'");
}

/*
 * The text that is printed must be one that is read: it can be longer than the
 * one written (blanks after commas), so both are measured.
 */
static int finish(struct expr_reader *p)
{
	struct buf canonical = {0};
	int r;

	r = expr_match_finish(p);
	if (r < 0)
		return r;
	expr_print_bare(&p->rule, &canonical);
	p->rule.id = fnv1a(canonical.data, canonical.len);
	buf_clear(&canonical);
	expr_print(&p->rule, &canonical);
	if (canonical.len > EXPR_TEXT_MAX)
		r = too_long(p, canonical.len, " as 'shunt export' prints it");
	buf_fini(&canonical);
	return r;
}

int expr_parse(const char *text, const char *path, struct diags *diags, struct expr_rule *ret_rule)
{
	struct scan scan = {
		.text = text, .path = path, .diags = diags, .arena = diags->arena,
	};
	struct expr_reader p = { .s = &scan, .rule = { .families = EXPR_FAMILY_ANY } };
	size_t len = strlen(text);
	int r;

	if (len > EXPR_TEXT_MAX)
		return too_long(&p, len, "");
	do {
		r = parse_match(&p);
	} while (r > 0);
	if (r == 0)
		r = parse_verdict(&p);
	if (r == 0)
		r = parse_comment(&p);
	if (r == 0)
		r = finish(&p);
	if (r < 0)
		return r;
	*ret_rule = p.rule;
	return 0;
}
