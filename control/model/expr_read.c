// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* expr_read.c - the words of a rule: fields, names, numbers, strings, values */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <model/expr_read.h>

#define WORDS_MAX 16		/* fields of a group */

#define NAME_HINT "a name is a letter, then up to 30 of a-z, 0-9, '_' and '-'"

struct scan_span expr_read_word(struct expr_reader *p)
{
	return scan_word(p->s, SCAN_LETTERS | SCAN_NAME);
}

bool expr_read_is(struct expr_reader *p, const char *word)
{
	int pos = p->s->pos;
	struct scan_span span;

	if (scan_peek(p->s) != *word)
		return false;
	span = expr_read_word(p);
	if (scan_is(p->s, span, word))
		return true;
	p->s->pos = pos;
	return false;
}

int expr_read_op(struct expr_reader *p, enum expr_op *ret_op)
{
	char c = scan_peek(p->s);

	*ret_op = EXPR_OP_NONE;
	if (c != '=' && c != '!' && c != '<' && c != '>')
		return 0;
	if (scan_eat(p->s, "=="))
		*ret_op = EXPR_OP_EQ;
	else if (scan_eat(p->s, "!="))
		*ret_op = EXPR_OP_NE;
	else if (c == '=')
		return scan_expected(p->s, "a value", "did you mean '=='?");
	else if (c != '!')
		return scan_expected(p->s, "a value", "'<' and '>' stand before numbers only");
	return 0;
}

int expr_read_order(struct expr_reader *p, enum expr_op *ret_op)
{
	char c = scan_peek(p->s);

	if (c != '<' && c != '>')
		return expr_read_op(p, ret_op);
	p->s->pos++;
	if (p->s->text[p->s->pos] == '=') {
		p->s->pos++;
		*ret_op = c == '<' ? EXPR_OP_LE : EXPR_OP_GE;
	} else {
		*ret_op = c == '<' ? EXPR_OP_LT : EXPR_OP_GT;
	}
	return 0;
}

static int check_name(struct expr_reader *p, const char *what, struct scan_span span)
{
	int i;

	for (i = 0; i < span.len; i++)
		if (isupper((unsigned char)p->s->text[span.offset + i]))
			break;
	if (i == span.len && islower((unsigned char)p->s->text[span.offset]) &&
	    span.len <= EXPR_NAME_MAX)
		return 0;
	return scan_fail(p->s, span, "bad_name",
			 arena_printf(p->s->arena, "%s is not %s", scan_quote(p->s, span), what),
			 NAME_HINT);
}

int expr_read_name(struct expr_reader *p, const char *what, struct scan_span *ret_span)
{
	struct scan_span span = expr_read_word(p);

	if (!span.len)
		return scan_expected(p->s, what, NULL);
	*ret_span = span;
	return check_name(p, what, span);
}

int expr_read_quoted_name(struct expr_reader *p, const char *what, struct scan_span *ret_span)
{
	int r;

	if (!scan_eat(p->s, "\""))
		return expr_read_name(p, what, ret_span);
	*ret_span = (struct scan_span){ p->s->pos, 0 };
	r = expr_read_name(p, what, ret_span);
	if (r == 0 && p->s->text[p->s->pos] != '"')
		r = scan_expected(p->s, "'\"' behind the name", NULL);
	p->s->pos += r == 0;
	return r;
}

int expr_read_set_name(struct expr_reader *p, struct scan_span *ret_span)
{
	if (isspace((unsigned char)p->s->text[p->s->pos]))
		return scan_expected(p->s, "the name of a set right behind '@'", NULL);
	return expr_read_name(p, "the name of a set", ret_span);
}

int expr_read_string(struct expr_reader *p, const char *what, int max, struct scan_span *ret_span)
{
	struct scan_span text;
	int i;

	if (!scan_eat(p->s, "\""))
		return scan_expected(p->s, arena_printf(p->s->arena, "%s in double quotes", what),
				     NULL);
	text = (struct scan_span){ p->s->pos, strcspn(p->s->text + p->s->pos, "\"") };
	for (i = 0; i < text.len; i++)
		if (iscntrl((unsigned char)p->s->text[text.offset + i]))
			return scan_fail(p->s, (struct scan_span){ text.offset + i, 1 },
					 "bad_value",
					 arena_printf(p->s->arena, "%s has no control characters",
						      what), NULL);
	if (text.len > max)
		return scan_fail(p->s, text, "too_long",
				 arena_printf(p->s->arena, "%s has at most %d bytes, not %d", what,
					      max, text.len), NULL);
	p->s->pos += text.len;
	if (!p->s->text[p->s->pos])
		return scan_expected(p->s, arena_printf(p->s->arena, "'\"' at the end of the %s",
							strchr(what, ' ') + 1), NULL);
	p->s->pos++;
	*ret_span = text;
	return 0;
}

int expr_read_number(struct expr_reader *p, const char *what, uint64_t min, uint64_t max,
		     uint64_t *ret_number)
{
	struct scan_span span = expr_read_word(p);
	uint64_t number;
	int r;

	if (!span.len)
		return scan_expected(p->s, what, NULL);
	r = expr_number(p->s->text + span.offset, span.len, max, &number);
	if (r < 0 || number < min)
		return scan_fail(p->s, span, "bad_value",
				 arena_printf(p->s->arena, "%s is not %s: %llu to %llu",
					      scan_quote(p->s, span), what,
					      (unsigned long long)min, (unsigned long long)max),
				 NULL);
	*ret_number = number;
	return 0;
}

/* ---- values ------------------------------------------------------------------------------- */

/* Elsewhere a colon ends a value: { 22: accept } */
static bool has_colons(enum expr_field field)
{
	return expr_field_plain(field) <= EXPR_IP6_DADDR || field == EXPR_ETHER_SADDR ||
	       field == EXPR_ETHER_DADDR;
}

/* A name of an interface may stand in quotes, and end with '*' */
static int read_iif(struct expr_reader *p, struct scan_span *ret_span)
{
	struct scan_span span;
	int r;

	if (scan_peek(p->s) == '"') {
		r = expr_read_string(p, "a name", EXPR_TEXT_MAX, &span);
		if (r < 0)
			return r;
	} else {
		span = scan_word(p->s, SCAN_LETTERS | SCAN_NAME | SCAN_DOT);
		if (p->s->text[p->s->pos] == '*') {
			p->s->pos++;
			span.len++;
		}
	}
	*ret_span = span;
	return 0;
}

int expr_read_element(struct expr_reader *p, const struct expr_key *key,
		      struct expr_interval *ret_interval)
{
	struct scan_span span;
	int r;

	if (key->field == EXPR_IIF) {
		r = read_iif(p, &span);
		if (r < 0)
			return r;
	} else {
		span = scan_value(p->s, has_colons(key->field));
	}
	if (!span.len && scan_peek(p->s) == '@')
		return scan_expected(p->s, expr_field_noun(key->field),
				     "a set stands alone, without braces");
	if (!span.len)
		return scan_expected(p->s, expr_field_noun(key->field), NULL);
	return expr_element_in(p->s->text + span.offset, span.len, key->field, key->families,
			       p->s->path, span.offset, p->s->diags, ret_interval);
}

/* Room for as many elements as there are commas */
static struct expr_interval *list_room(struct expr_reader *p)
{
	const char *c;
	unsigned int n = 1;

	for (c = p->s->text + p->s->pos; *c && *c != '}'; c++)
		n += *c == ',';
	return n <= EXPR_SCRATCH ? p->scratch : arena_new_n(p->s->arena, struct expr_interval, n);
}

int expr_read_list(struct expr_reader *p, const struct expr_key *key,
		   struct expr_interval **ret_interval, unsigned int *ret_n)
{
	struct expr_interval *interval = list_room(p);
	unsigned int n = 0;
	int r;

	do {
		r = expr_read_element(p, key, &interval[n++]);
		if (r < 0)
			return r;
	} while (scan_eat(p->s, ","));
	if (!scan_eat(p->s, "}"))
		return scan_expected(p->s, "',' or '}'", NULL);
	*ret_interval = interval;
	*ret_n = key->field == EXPR_IIF ? expr_iif_unique(interval, n) : expr_merge(interval, n);
	return 0;
}

/* ---- fields ------------------------------------------------------------------------------- */

static bool word_is(const struct expr_reader *p, struct scan_span word, const char *name,
		    uint8_t len)
{
	const char *text = p->s->text + word.offset;

	return word.len == len && *text == *name && !memcmp(text, name, len);
}

const struct expr_key *expr_read_group(const struct expr_reader *p, struct scan_span word)
{
	const struct expr_key *key;

	for (key = expr_keys; key->group; key++)
		if (word_is(p, word, key->group, key->group_len))
			return key;
	return NULL;
}

static int unknown_field(struct expr_reader *p, const struct expr_key *group, struct scan_span word)
{
	const char *words[WORDS_MAX];
	const struct expr_key *key;
	struct buf list = {0};
	struct diag *diag;
	const char *hint;
	unsigned int n = 0;

	for (key = group; key->group && !strcmp(key->group, group->group) && n < WORDS_MAX; key++) {
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

const struct expr_key *expr_read_key(struct expr_reader *p, struct scan_span *span)
{
	const struct expr_key *group = expr_read_group(p, *span), *key;
	struct scan_span word;

	if (!group)
		return NULL;
	if (!group->name)
		return group;
	word = expr_read_word(p);
	for (key = group; key->group && !strcmp(key->group, group->group); key++) {
		if (word_is(p, word, key->name, key->name_len)) {
			if (key->field == EXPR_FIELD_MORE)
				key = expr_flow_read_key(p, key);
			*span = scan_from(p->s, *span);
			return key;
		}
	}
	unknown_field(p, group, word);
	return NULL;
}
