// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* scan.c - a line that is being read: words, places and findings */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include <model/scan.h>

#define BLANK		0x80
#define RANGE(from, to) [from ... to]

/* Of ASCII; the library's functions ask for the locale at each character */
static const unsigned char class[256] = {
	RANGE('a', 'z') = SCAN_LETTERS, RANGE('A', 'Z') = SCAN_LETTERS,
	RANGE('0', '9') = SCAN_LETTERS, ['_'] = SCAN_NAME, ['-'] = SCAN_NAME,
	['.'] = SCAN_DOT, [':'] = SCAN_COLON, ['/'] = SCAN_PREFIX, ['%'] = SCAN_PREFIX,
	RANGE('\t', '\r') = BLANK, [' '] = BLANK,
};

static unsigned char class_at(const struct scan *s, int pos)
{
	return class[(unsigned char)s->text[pos]];
}

void scan_blanks(struct scan *s)
{
	while (class_at(s, s->pos) == BLANK)
		s->pos++;
}

char scan_peek(struct scan *s)
{
	scan_blanks(s);
	return s->text[s->pos];
}

bool scan_eat(struct scan *s, const char *what)
{
	int i = 0;

	scan_blanks(s);
	while (what[i] && s->text[s->pos + i] == what[i])
		i++;
	if (what[i])
		return false;
	s->pos += i;
	return true;
}

struct scan_span scan_word(struct scan *s, unsigned int classes)
{
	struct scan_span span;
	int pos;

	scan_blanks(s);
	span.offset = pos = s->pos;
	while (class_at(s, pos) & classes)
		pos++;
	s->pos = pos;
	span.len = pos - span.offset;
	return span;
}

struct scan_span scan_value(struct scan *s, bool colons)
{
	unsigned int classes = SCAN_LETTERS | SCAN_NAME | SCAN_DOT | SCAN_PREFIX |
			       (colons ? SCAN_COLON : 0);
	struct scan_span span = scan_word(s, classes);
	int end;

	if (!span.len)
		return span;
	end = s->pos;
	if (scan_peek(s) == '-')
		end = ++s->pos;
	if (s->text[end - 1] == '-') {
		s->pos = end;
		if (scan_word(s, classes).len)
			end = s->pos;
	}
	s->pos = end;
	span.len = end - span.offset;
	return span;
}

struct scan_span scan_from(const struct scan *s, struct scan_span from)
{
	int end = s->pos;

	while (end > from.offset && class_at(s, end - 1) == BLANK)
		end--;
	return (struct scan_span){ from.offset, end - from.offset };
}

bool scan_is(const struct scan *s, struct scan_span span, const char *word)
{
	const char *text = s->text + span.offset;
	int i;

	for (i = 0; i < span.len; i++)
		if (text[i] != word[i])		/* also where the word ends */
			return false;
	return !word[i];
}

const char *scan_dup(struct scan *s, struct scan_span span)
{
	return arena_strndup(s->arena, s->text + span.offset, span.len);
}

const char *scan_quote(struct scan *s, struct scan_span span)
{
	bool cut = span.len > 60;

	return arena_printf(s->arena, "'%.*s%s'", cut ? 57 : span.len, s->text + span.offset,
			    cut ? "..." : "");
}

struct diag *scan_find(struct scan *s, struct scan_span span, const char *code,
		       const char *fmt, ...)
{
	struct diag *diag;
	va_list args;

	va_start(args, fmt);
	diag = diags_add(s->diags, s->path, code, "%s", arena_vprintf(s->arena, fmt, args));
	va_end(args);
	diag->offset = span.offset;
	diag->len = span.len;
	return diag;
}

int scan_fail(struct scan *s, struct scan_span span, const char *code, const char *message,
	      const char *hint)
{
	scan_find(s, span, code, "%s", message)->hint = hint;
	return -EINVAL;
}

int scan_expected(struct scan *s, const char *what, const char *hint)
{
	struct scan_span here;

	scan_blanks(s);
	here = (struct scan_span){ s->pos, s->text[s->pos] != '\0' };
	return scan_fail(s, here, "expected", arena_printf(s->arena, "expected %s", what), hint);
}
