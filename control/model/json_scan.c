// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* json_scan.c - strings of plain JSON: UTF-8, escapes of one character */
#include <string.h>

#include <base/utf8.h>
#include <model/json_scan.h>

bool json_scan_string(struct json_scan *s, struct json_string *ret_string)
{
	bool escapes = false;
	const char *begin;
	size_t n;

	if (!json_scan_eat(s, '"'))
		return false;
	begin = s->at;
	while (s->at < s->end && *s->at != '"') {
		unsigned char c = *s->at;

		if (c < 0x20)
			return false;
		if (c == '\\') {
			escapes = true;
			s->at++;	/* whatever is behind it: json_scan_copy() looks at it */
			if (s->at == s->end || *s->at & 0x80)
				return false;
		}
		n = c < 0x80 ? 1 : utf8_next(s->at, s->end - s->at, NULL);
		if (!n)
			return false;
		s->at += n;
	}
	if (s->at == s->end)
		return false;
	*ret_string = (struct json_string){ begin, s->at++ - begin, escapes };
	return true;
}

bool json_scan_copy(const struct json_string *string, char *to, size_t *ret_len)
{
	static const char from[] = "\"\\/bfnrt", plain[] = "\"\\/\b\f\n\r\t";
	const char *text = string->text, *end = text + string->len, *slash, *known;
	size_t used = 0;

	while (string->escapes && (slash = memchr(text, '\\', end - text))) {
		memcpy(to + used, text, slash - text);
		used += slash - text;
		known = strchr(from, slash[1]);
		if (!known || !*known)
			return false;
		to[used++] = plain[known - from];
		text = slash + 2;
	}
	memcpy(to + used, text, end - text);
	*ret_len = used + (end - text);
	to[*ret_len] = '\0';
	return true;
}
