/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* json_scan.h - plain JSON's signs and strings; for json_plain.c and json_value.c only */
#ifndef MODEL_JSON_SCAN_H
#define MODEL_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* Where a reader is; what is not plain it leaves to jansson, which begins anew */
struct json_scan {
	const char *at, *end;
};

/* Part of the text read */
struct json_string {
	const char *text;		/* between the quotes; no NUL behind it */
	size_t len;
	bool escapes;			/* it has some */
};

/* The next sign that is no white space; NUL: none */
static inline char json_scan_next(struct json_scan *s)
{
	while (s->at < s->end &&
	       (*s->at == ' ' || *s->at == '\n' || *s->at == '\t' || *s->at == '\r'))
		s->at++;
	return s->at < s->end ? *s->at : '\0';
}

/* Return: whether it was there; it is stepped over then */
static inline bool json_scan_eat(struct json_scan *s, char c)
{
	if (json_scan_next(s) != c)
		return false;
	s->at++;
	return true;
}

/* Step over a string. Return: false: there is none, or none that is plain */
bool json_scan_string(struct json_scan *s, struct json_string *ret_string);

/*
 * A string without its escapes and with a NUL, in string->len + 1 bytes at @to.
 * Return: false: an escape that is not plain
 */
bool json_scan_copy(const struct json_string *string, char *to, size_t *ret_len);

#endif
