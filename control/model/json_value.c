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
#include <model/json_scan.h>
#include <model/json_value.h>

#define DEPTH_MAX	64		/* of plain ones */
#define DIGITS_MAX	18		/* surely fit into 63 bits */

struct reader {
	struct json_scan scan;
	unsigned int depth;
	char *scratch;			/* a string without its escapes */
	size_t scratch_size;
};

static json_t *read_value(struct reader *r);

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

/* The string's text: valid until the next one. Return: NULL: not plain */
static char *read_text(struct reader *r, size_t *ret_len)
{
	struct json_string string;
	char *text;

	if (!json_scan_string(&r->scan, &string))
		return NULL;
	text = scratch(r, string.len + 1);
	return json_scan_copy(&string, text, ret_len) ? text : NULL;
}

static bool read_members(struct reader *r, json_t *object)
{
	json_t *value;
	char *key;
	size_t len;
	bool good;

	if (json_scan_eat(&r->scan, '}'))
		return true;
	do {
		if (!read_text(r, &len))
			return false;
		key = strndup(r->scratch, len);
		if (!key)
			arena_no_memory();
		good = json_scan_eat(&r->scan, ':') && !json_object_get(object, key);	/* a double is refused */
		value = good ? read_value(r) : NULL;
		good = value && json_object_set_new_nocheck(object, key, value) == 0;
		free(key);
		if (!good)
			return false;
	} while (json_scan_eat(&r->scan, ','));
	return json_scan_eat(&r->scan, '}');
}

static bool read_items(struct reader *r, json_t *array)
{
	json_t *value;

	if (json_scan_eat(&r->scan, ']'))
		return true;
	do {
		value = read_value(r);
		if (!value || json_array_append_new(array, value) < 0)
			return false;
	} while (json_scan_eat(&r->scan, ','));
	return json_scan_eat(&r->scan, ']');
}

static json_t *read_container(struct reader *r, bool map)
{
	json_t *value;
	bool good;

	if (r->depth == DEPTH_MAX)
		return NULL;
	r->scan.at++;
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
	return r->scan.at == r->scan.end || strchr(" \t\r\n,]}", *r->scan.at);
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
		if ((size_t)(r->scan.end - r->scan.at) < len || memcmp(r->scan.at, words[i].text, len))
			continue;
		r->scan.at += len;
		if (!ends_here(r))
			return NULL;
		return words[i].type == JSON_NULL ? json_null() :
						    json_boolean(words[i].type == JSON_TRUE);
	}
	return NULL;
}

static json_t *read_number(struct reader *r)
{
	bool negative = *r->scan.at == '-';
	json_int_t number = 0;
	const char *begin;

	r->scan.at += negative;
	begin = r->scan.at;
	for (; r->scan.at < r->scan.end && *r->scan.at >= '0' && *r->scan.at <= '9'; r->scan.at++) {
		if (r->scan.at - begin == DIGITS_MAX)
			return NULL;
		number = 10 * number + (*r->scan.at - '0');
	}
	if (r->scan.at == begin || (*begin == '0' && r->scan.at > begin + 1) || !ends_here(r))
		return NULL;
	return json_integer(negative ? -number : number);
}

/* Return: NULL: not plain */
static json_t *read_value(struct reader *r)
{
	char c = json_scan_next(&r->scan);
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
	struct reader r = { .scan = { text, text + len } };
	char first = json_scan_next(&r.scan);
	json_t *value = first == '{' || first == '[' ? read_value(&r) : NULL;

	free(r.scratch);
	json_scan_next(&r.scan);
	if (value && r.scan.at == r.scan.end)
		return value;
	json_decref(value);
	return NULL;
}
