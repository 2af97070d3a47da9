// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* jsonw.c - streaming JSON writer (RFC 8259) */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <base/arena.h>
#include <base/jsonw.h>
#include <base/utf8.h>

void jsonw_init(struct jsonw *w, struct buf *out, bool pretty)
{
	*w = (struct jsonw){ .out = out, .pretty = pretty, .first = true };
}

static void put_ascii(struct buf *out, unsigned char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *at = c ? strchr(from, c) : NULL;

	if (at)
		buf_add(out, (char[]){ '\\', to[at - from] }, 2);
	else if (c < 0x20 || c == 0x7f)
		buf_printf(out, "\\u%04x", c);
	else
		buf_char(out, c);
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void put_string(struct buf *out, const char *str, size_t len)
{
	const unsigned char *s = (const unsigned char *)str;
	size_t i = 0, run, n;

	buf_char(out, '"');
	while (i < len) {
		for (run = i; run < len && is_plain(s[run]); run++)
			;
		buf_add(out, s + i, run - i);
		i = run;
		if (i == len)
			break;
		n = utf8_next(str + i, len - i, NULL);
		if (n == 1)
			put_ascii(out, s[i]);
		else if (n)
			buf_add(out, s + i, n);
		else
			buf_str(out, "\xef\xbf\xbd");	/* U+FFFD */
		i += n ? n : 1;
	}
	buf_char(out, '"');
}

static void new_line(struct jsonw *w)
{
	if (w->pretty)
		buf_printf(w->out, "\n%*s", 2 * w->depth, "");
}

static void begin_value(struct jsonw *w, const char *key)
{
	if (!w->first)
		buf_char(w->out, ',');
	if (w->depth)
		new_line(w);
	w->first = false;
	if (!key)
		return;
	put_string(w->out, key, strlen(key));
	buf_str(w->out, w->pretty ? ": " : ":");
}

static void open_level(struct jsonw *w, const char *key, char c)
{
	begin_value(w, key);
	buf_char(w->out, c);
	w->depth++;
	w->first = true;
}

static void close_level(struct jsonw *w, char c)
{
	w->depth--;
	if (!w->first)
		new_line(w);
	buf_char(w->out, c);
	w->first = false;
}

void jsonw_object(struct jsonw *w, const char *key)
{
	open_level(w, key, '{');
}

void jsonw_object_end(struct jsonw *w)
{
	close_level(w, '}');
}

void jsonw_array(struct jsonw *w, const char *key)
{
	open_level(w, key, '[');
}

void jsonw_array_end(struct jsonw *w)
{
	close_level(w, ']');
}

void jsonw_str(struct jsonw *w, const char *key, const char *value)
{
	if (!value) {
		jsonw_null(w, key);
		return;
	}
	jsonw_strn(w, key, value, strlen(value));
}

void jsonw_strn(struct jsonw *w, const char *key, const char *value, size_t len)
{
	begin_value(w, key);
	put_string(w->out, value, len);
}

void jsonw_fmt(struct jsonw *w, const char *key, const char *fmt, ...)
{
	struct arena arena = { 0 };
	char small[256];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(small, sizeof(small), fmt, args);
	va_end(args);
	if (len < (int)sizeof(small)) {
		jsonw_strn(w, key, small, len < 0 ? 0 : len);
		return;
	}
	va_start(args, fmt);
	jsonw_strn(w, key, arena_vprintf(&arena, fmt, args), len);
	va_end(args);
	arena_fini(&arena);
}

void jsonw_u64(struct jsonw *w, const char *key, uint64_t value)
{
	begin_value(w, key);
	buf_u64(w->out, value);
}

void jsonw_i64(struct jsonw *w, const char *key, int64_t value)
{
	begin_value(w, key);
	buf_printf(w->out, "%" PRId64, value);
}

void jsonw_bool(struct jsonw *w, const char *key, bool value)
{
	begin_value(w, key);
	buf_str(w->out, value ? "true" : "false");
}

void jsonw_null(struct jsonw *w, const char *key)
{
	begin_value(w, key);
	buf_str(w->out, "null");
}

void jsonw_raw(struct jsonw *w, const char *key, const char *json)
{
	begin_value(w, key);
	buf_str(w->out, json);
}
