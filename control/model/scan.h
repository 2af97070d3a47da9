/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* scan.h - a line that is being read: words, places and findings */
#ifndef MODEL_SCAN_H
#define MODEL_SCAN_H

#include <stdbool.h>

#include <base/arena.h>
#include <base/diag.h>

struct scan {
	const char *text;
	int pos;
	const char *path;		/* of the scalar, for findings */
	struct diags *diags;
	struct arena *arena;		/* diags->arena */
};

/* A part of the text */
struct scan_span {
	int offset, len;
};

/* Skip them */
void scan_blanks(struct scan *s);
/* The next character behind blanks, which are skipped; '\0': the end */
char scan_peek(struct scan *s);
/* Step over blanks, and over @what if it comes next. Return: whether it did */
bool scan_eat(struct scan *s, const char *what);

#define SCAN_LETTERS	0x01		/* and digits */
#define SCAN_NAME	0x02		/* _ - */
#define SCAN_DOT	0x04		/* . */
#define SCAN_COLON	0x08		/* : */
#define SCAN_PREFIX	0x10		/* / % */

/* Characters of those classes; len 0: none here */
struct scan_span scan_word(struct scan *s, unsigned int classes);
/*
 * The word of a value: address, prefix, range; blanks around a range's dash belong to it.
 * @colons:	Colons are part of it; else it ends there
 */
struct scan_span scan_value(struct scan *s, bool colons);
/* From a span's beginning up to here, without blanks at the end */
struct scan_span scan_from(const struct scan *s, struct scan_span from);

bool scan_is(const struct scan *s, struct scan_span span, const char *word);
const char *scan_dup(struct scan *s, struct scan_span span);
/* In quotes, for a message; cut where it gets long */
const char *scan_quote(struct scan *s, struct scan_span span);

/* Return: the finding, to amend */
struct diag *scan_find(struct scan *s, struct scan_span span, const char *code,
		       const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* hint may be NULL. Return: -EINVAL */
int scan_fail(struct scan *s, struct scan_span span, const char *code, const char *message,
	      const char *hint);
/* Something else stands here than @what. Return: -EINVAL */
int scan_expected(struct scan *s, const char *what, const char *hint);

#endif
