// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* scan.c - a line that is being read: words, places and findings */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include <model/scan.h>

void scan_blanks(struct scan *s)
{
	while (s->text[s->pos] && isspace((unsigned char)s->text[s->pos]))
		s->pos++;
}

char scan_peek(struct scan *s)
{
	scan_blanks(s);
	return s->text[s->pos];
}

bool scan_eat(struct scan *s, const char *what)
{
	scan_blanks(s);
	if (strncmp(s->text + s->pos, what, strlen(what)))
		return false;
	s->pos += strlen(what);
	return true;
}

struct scan_span scan_word(struct scan *s, const char *extra)
{
	struct scan_span span;

	scan_blanks(s);
	span.offset = s->pos;
	while (isalnum((unsigned char)s->text[s->pos]) ||
	       (s->text[s->pos] && strchr(extra, s->text[s->pos])))
		s->pos++;
	span.len = s->pos - span.offset;
	return span;
}

struct scan_span scan_value(struct scan *s)
{
	static const char extra[] = "_.:/%-";
	struct scan_span span = scan_word(s, extra);
	int end;

	if (!span.len)
		return span;
	end = s->pos;
	if (scan_peek(s) == '-')
		end = ++s->pos;
	if (s->text[end - 1] == '-') {
		s->pos = end;
		if (scan_word(s, extra).len)
			end = s->pos;
	}
	s->pos = end;
	span.len = end - span.offset;
	return span;
}

struct scan_span scan_from(const struct scan *s, struct scan_span from)
{
	int end = s->pos;

	while (end > from.offset && isspace((unsigned char)s->text[end - 1]))
		end--;
	return (struct scan_span){ from.offset, end - from.offset };
}

bool scan_is(const struct scan *s, struct scan_span span, const char *word)
{
	return span.len == (int)strlen(word) && !strncmp(s->text + span.offset, word, span.len);
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
