// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * expr_iif.c - names of interfaces as values
 *
 * DOC: A name has 15 bytes at most, so it is a number of 128 bits, the first
 * byte the most significant, zeros behind the last. 'eth*' is the interval of
 * those that begin so. What holds for intervals then holds for names.
 */
#include <ctype.h>
#include <string.h>

#include <model/expr_value.h>

#define IIF_MAX 15		/* IFNAMSIZ - 1 */

const char *expr_iif_check(const char *text, size_t len)
{
	size_t i;

	if (!len || len > IIF_MAX)
		return "it has 1 to 15 characters";
	if (len == 1 && *text == '*')
		return "leave the match out: every packet has an interface";
	for (i = 0; i < len; i++) {
		unsigned char c = text[i];

		if (c == '*' && i + 1 < len)
			return "'*' stands at the end only";
		if (isspace(c) || iscntrl(c) || strchr("/:\"", c))
			return "it has no blanks, no '/' and no ':'";
	}
	if (!strcmp(text, ".") || !strcmp(text, ".."))
		return "no interface can be called so";
	return NULL;
}

static struct expr_value bytes_of(const char *text, size_t len, unsigned char rest)
{
	struct expr_value value = { 0 };
	size_t i;

	for (i = 0; i < 16; i++) {
		value.hi = value.hi << 8 | value.lo >> 56;
		value.lo = value.lo << 8 | (i < len ? (unsigned char)text[i] : rest);
	}
	return value;
}

struct expr_interval expr_iif_interval(const char *name)
{
	size_t len = strlen(name);
	bool any = len && name[len - 1] == '*';

	len -= any;
	return (struct expr_interval){
		bytes_of(name, len, 0), bytes_of(name, len, any ? 0xff : 0),
	};
}

/* Ranges of names are nested or apart: the wider one of those that begin alike comes first */
unsigned int expr_iif_unique(struct expr_interval *interval, unsigned int n)
{
	unsigned int i, k, used = 0;

	for (i = 1; i < n; i++) {
		struct expr_interval one = interval[i];

		for (k = i; k && (value_cmp(interval[k - 1].first, one.first) > 0 ||
				  (!value_cmp(interval[k - 1].first, one.first) &&
				   value_cmp(interval[k - 1].last, one.last) < 0)); k--)
			interval[k] = interval[k - 1];
		interval[k] = one;
	}
	for (i = 0; i < n; i++)
		if (!used || value_cmp(interval[i].first, interval[used - 1].last) > 0)
			interval[used++] = interval[i];
	return used;
}

void expr_iif_print(const struct expr_interval *interval, struct buf *out)
{
	unsigned int i;

	buf_char(out, '"');
	for (i = 0; i < 16; i++) {
		uint64_t half = i < 8 ? interval->first.hi : interval->first.lo;
		char c = half >> (56 - 8 * (i & 7)) & 0xff;

		if (!c)
			break;
		buf_char(out, c);
	}
	buf_str(out, interval_one(interval) ? "\"" : "*\"");
}
