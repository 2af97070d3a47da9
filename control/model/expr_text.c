// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* expr_text.c - elements of a set, a line each: a million of them in a tenth of a second */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <base/utf8.h>
#include <model/expr_field.h>
#include <model/expr_text.h>

struct reader {
	const enum expr_field *field;
	unsigned int n_fields;
	bool timeouts;
	struct diags *diags;
	struct expr_elements elements;
	uint64_t *timeout_ns;		/* room for as many as there are lines; NULL: none yet */
	size_t n_lines;
	int line;			/* from 1 */
	const char *begin;		/* of the line */
};

/* A part of a line, without blanks around it */
struct part {
	const char *text, *end;
};

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct part trim(const char *text, const char *end)
{
	while (text < end && is_blank(*text))
		text++;
	while (end > text && is_blank(end[-1]))
		end--;
	return (struct part){ text, end };
}

/* ---- findings ------------------------------------------------------------------------------ */

/* A finding of the text, not of a scalar: its offset becomes line and column */
static void place(struct reader *reader, struct diag *diag, const char *at)
{
	diag->line = reader->line;
	diag->column = 1 + utf8_count(reader->begin, at - reader->begin);
	diag->offset = -1;
}

static int refuse(struct reader *reader, struct part part, const char *code, const char *message,
		  const char *hint)
{
	struct diag *diag = diags_add(reader->diags, NULL, code, "%s", message);

	diag->len = part.end - part.text;
	diag->hint = hint;
	place(reader, diag, part.text);
	return -EINVAL;
}

/* ---- one line ------------------------------------------------------------------------------ */

static int read_value(struct reader *reader, struct part part, unsigned int field,
		      struct expr_interval *interval)
{
	unsigned int n = reader->diags->n;
	struct diag *diag;
	int len = part.end - part.text, r;

	if (part.end - part.text > EXPR_TEXT_MAX)
		return refuse(reader, part, "bad_value", "an element has at most 4096 bytes", NULL);
	r = expr_element_in(part.text, len, reader->field[field], EXPR_FAMILY_ANY, NULL, 0,
			    reader->diags, interval);
	if (r < 0 && reader->diags->n > n) {
		diag = &reader->diags->v[n];
		place(reader, diag, part.text + (diag->offset > 0 ? diag->offset : 0));
	}
	return r;
}

/* ' . ': a dot with a blank before or behind it, which addresses have not */
static const char *find_dot(struct part part)
{
	const char *c;

	for (c = part.text; c < part.end; c++)
		if (*c == '.' && (c == part.text || is_blank(c[-1]) || c + 1 == part.end ||
				  is_blank(c[1])))
			return c;
	return NULL;
}

static int read_fields(struct reader *reader, struct part part, struct expr_interval *interval)
{
	const char *dot;
	unsigned int i;
	int r;

	for (i = 0; i + 1 < reader->n_fields; i++) {
		dot = find_dot(part);
		if (!dot)
			return refuse(reader, part, "expected",
				      arena_printf(reader->diags->arena,
						   "expected %u values with ' . ' between them",
						   reader->n_fields), NULL);
		r = read_value(reader, trim(part.text, dot), i, &interval[i]);
		if (r < 0)
			return r;
		part = trim(dot + 1, part.end);
	}
	return read_value(reader, part, i, &interval[i]);
}

/* Cuts 'timeout TIME' off the end, if it is there */
static int read_timeout(struct reader *reader, struct part *part, uint64_t *ret_ns)
{
	static const char word[] = "timeout";
	const size_t len = sizeof(word) - 1;
	struct part time;
	const char *c;

	for (c = part->text + 1; c + len <= part->end; c++)
		if (is_blank(c[-1]) && !memcmp(c, word, len) &&
		    (c + len == part->end || is_blank(c[len])))
			break;
	if (c + len > part->end)
		return 0;
	time = trim(c + len, part->end);
	if (!reader->timeouts)
		return refuse(reader, (struct part){ c, part->end }, "bad_value",
			      "elements of this set have no timeouts", NULL);
	if (time.end - time.text > 64 || expr_time(time.text, time.end - time.text, ret_ns) < 0)
		return refuse(reader, time, "bad_value", "not a time",
			      "days to milliseconds: 1d2h3m4s, 500ms; at most 3650d");
	*part = trim(part->text, c);
	return 0;
}

static int read_element(struct reader *reader, struct part part)
{
	struct expr_elements *elements = &reader->elements;
	struct arena *arena = reader->diags->arena;
	uint64_t ns = 0;
	int r;

	/* of most elements a look for its first letter tells that there is none */
	if (memchr(part.text, 't', part.end - part.text)) {
		r = read_timeout(reader, &part, &ns);
		if (r < 0)
			return r;
	}
	r = read_fields(reader, part, &elements->interval[elements->n * reader->n_fields]);
	if (r < 0)
		return r;
	if (ns && !reader->timeout_ns)
		reader->timeout_ns = arena_new_n(arena, uint64_t, reader->n_lines);
	if (ns)
		reader->timeout_ns[elements->n] = ns;
	elements->n++;
	return 0;
}

/* ---- all of them --------------------------------------------------------------------------- */

static size_t count_lines(const char *text, size_t len)
{
	const char *end = text + len;
	size_t n = 1;

	while (text < end && (text = memchr(text, '\n', end - text))) {
		text++;
		n++;
	}
	return n;
}

static int read_lines(struct reader *reader, const char *text, size_t len)
{
	const char *end = text + len, *stop, *hash;
	struct part part;
	int r = 0;

	for (; text < end; text = stop + 1) {
		reader->line++;
		reader->begin = text;
		stop = memchr(text, '\n', end - text);
		if (!stop)
			stop = end;
		hash = memchr(text, '#', stop - text);
		part = trim(text, hash ? hash : stop);
		if (part.text == part.end)
			continue;
		if (read_element(reader, part) == 0)
			continue;
		r = -EINVAL;
		if (reader->diags->n == DIAGS_MAX)
			break;
	}
	return r;
}

int expr_elements_text(const char *text, size_t len, const enum expr_field *field,
		       unsigned int n_fields, bool timeouts, struct diags *diags,
		       struct expr_elements *ret)
{
	struct reader reader = {
		.field = field, .n_fields = n_fields, .timeouts = timeouts, .diags = diags,
	};
	int r;

	reader.n_lines = count_lines(text, len);
	reader.elements.interval = arena_new_n(diags->arena, struct expr_interval,
					       reader.n_lines * n_fields);
	r = read_lines(&reader, text, len);
	if (r < 0)
		return r;
	if (n_fields == 1 && !reader.timeout_ns)
		reader.elements.n = expr_merge(reader.elements.interval, reader.elements.n);
	reader.elements.timeout_ns = reader.timeout_ns;
	*ret = reader.elements;
	return 0;
}
