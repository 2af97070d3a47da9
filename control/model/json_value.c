// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * json_value.c - messages of the API as jansson's values
 *
 * DOC: A message may hold the elements of a set, 15 MB in one string, or a hundred
 * thousand rules. jansson reads byte by byte, 20 ns each; here strings are stepped
 * over and copied once. Whatever is not plain (\u, fractions, long numbers, depth,
 * any error) is left to jansson, which knows what to say.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <base/arena.h>
#include <base/utf8.h>
#include <model/json_value.h>

#define DEPTH_MAX	64		/* of plain ones */
#define DIGITS_MAX	18		/* surely fit into 63 bits */

struct reader {
	const char *at, *end;
	unsigned int depth;
	char *scratch;			/* a string without its escapes */
	size_t scratch_size;
};

static json_t *read_value(struct reader *r);

static char next(struct reader *r)
{
	while (r->at < r->end &&
	       (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r'))
		r->at++;
	return r->at < r->end ? *r->at : '\0';
}

static bool eat(struct reader *r, char c)
{
	if (next(r) != c)
		return false;
	r->at++;
	return true;
}

/* Step over the string, which has begun. Return: whether it is plain */
static bool skip_string(struct reader *r, bool *ret_escapes)
{
	size_t n;

	*ret_escapes = false;
	while (r->at < r->end && *r->at != '"') {
		unsigned char c = *r->at;

		if (c < 0x20)
			return false;
		if (c == '\\') {
			*ret_escapes = true;
			r->at++;	/* whatever is behind it; unescape() looks at it */
			if (r->at == r->end || *r->at & 0x80)
				return false;
		}
		n = c < 0x80 ? 1 : utf8_next(r->at, r->end - r->at, NULL);
		if (!n)
			return false;
		r->at += n;
	}
	return r->at < r->end;
}

static char *scratch(struct reader *r, size_t size)
{
	if (size <= r->scratch_size)
		return r->scratch;
	free(r->scratch);
	r->scratch = malloc(size);
	if (!r->scratch)
		arena_no_memory();
	r->scratch_size = size;
	return r->scratch;
}

/* Return: false: an escape that is not plain */
static bool unescape(const char *text, size_t len, char *to, size_t *ret_len)
{
	static const char from[] = "\"\\/bfnrt", plain[] = "\"\\/\b\f\n\r\t";
	const char *end = text + len, *slash, *known;
	size_t used = 0;

	while ((slash = memchr(text, '\\', end - text))) {
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
	return true;
}

/* The string's text, NUL-terminated: valid until the next one. Return: NULL: not plain */
static char *read_text(struct reader *r, size_t *ret_len)
{
	const char *begin;
	bool escapes;
	char *text;

	if (!eat(r, '"'))
		return NULL;
	begin = r->at;
	if (!skip_string(r, &escapes))
		return NULL;
	*ret_len = r->at++ - begin;
	text = scratch(r, *ret_len + 1);
	if (!escapes)
		memcpy(text, begin, *ret_len);
	else if (!unescape(begin, *ret_len, text, ret_len))
		return NULL;
	text[*ret_len] = '\0';
	return text;
}

static bool read_members(struct reader *r, json_t *object)
{
	json_t *value;
	char *key;
	size_t len;
	bool good;

	if (eat(r, '}'))
		return true;
	do {
		if (!read_text(r, &len))
			return false;
		key = strndup(r->scratch, len);
		if (!key)
			arena_no_memory();
		good = eat(r, ':') && !json_object_get(object, key);	/* a double is refused */
		value = good ? read_value(r) : NULL;
		good = value && json_object_set_new_nocheck(object, key, value) == 0;
		free(key);
		if (!good)
			return false;
	} while (eat(r, ','));
	return eat(r, '}');
}

static bool read_items(struct reader *r, json_t *array)
{
	json_t *value;

	if (eat(r, ']'))
		return true;
	do {
		value = read_value(r);
		if (!value || json_array_append_new(array, value) < 0)
			return false;
	} while (eat(r, ','));
	return eat(r, ']');
}

static json_t *read_container(struct reader *r, bool map)
{
	json_t *value;
	bool good;

	if (r->depth == DEPTH_MAX)
		return NULL;
	r->at++;
	r->depth++;
	value = map ? json_object() : json_array();
	good = map ? read_members(r, value) : read_items(r, value);
	r->depth--;
	if (good)
		return value;
	json_decref(value);
	return NULL;
}

/* Is there a delimiter behind a number or word? */
static bool ends_here(struct reader *r)
{
	return r->at == r->end || strchr(" \t\r\n,]}", *r->at);
}

static json_t *read_word(struct reader *r)
{
	static const struct {
		const char *text;
		json_type type;
	} words[] = { { "true", JSON_TRUE }, { "false", JSON_FALSE }, { "null", JSON_NULL } };
	size_t i, len;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		len = strlen(words[i].text);
		if ((size_t)(r->end - r->at) < len || memcmp(r->at, words[i].text, len))
			continue;
		r->at += len;
		if (!ends_here(r))
			return NULL;
		return words[i].type == JSON_NULL ? json_null() :
						    json_boolean(words[i].type == JSON_TRUE);
	}
	return NULL;
}

static json_t *read_number(struct reader *r)
{
	bool negative = *r->at == '-';
	json_int_t number = 0;
	const char *begin;

	r->at += negative;
	begin = r->at;
	for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
		if (r->at - begin == DIGITS_MAX)
			return NULL;
		number = 10 * number + (*r->at - '0');
	}
	if (r->at == begin || (*begin == '0' && r->at > begin + 1) || !ends_here(r))
		return NULL;
	return json_integer(negative ? -number : number);
}

/* Return: NULL: not plain */
static json_t *read_value(struct reader *r)
{
	char c = next(r);
	size_t len;
	char *text;

	if (c == '{' || c == '[')
		return read_container(r, c == '{');
	if (c == '"') {
		text = read_text(r, &len);
		return text ? json_stringn_nocheck(text, len) : NULL;
	}
	return c == '-' || (c >= '0' && c <= '9') ? read_number(r) : read_word(r);
}

json_t *json_value_read(const char *text, size_t len)
{
	struct reader r = { .at = text, .end = text + len };
	char first = next(&r);
	json_t *value = first == '{' || first == '[' ? read_value(&r) : NULL;

	free(r.scratch);
	next(&r);
	if (value && r.at == r.end)
		return value;
	json_decref(value);
	return NULL;
}
