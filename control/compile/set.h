/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* set.h - build a static set's image (dataplane/lib/set.h). Pure */
#ifndef COMPILE_SET_H
#define COMPILE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/buf.h>
#include <base/err.h>
#include <model/expr.h>

#include "../../dataplane/lib/set.h"

/* What a set holds, as the model has it: tuples of intervals of its fields */
struct set_spec {
	const char *name;
	enum expr_field field[EXPR_CONCAT_MAX];
	unsigned int n_fields;
	const struct expr_interval *tuple;	/* n times n_fields; one field: sorted, merged */
	size_t n;
};

struct set_image {
	uint8_t *line;			/* heap; SHUNT_SET_LINE bytes each */
	size_t n_lines;
	uint64_t hash;			/* of the content: equal sets, equal hash */
	const char *kind;		/* "none", "hash", "bits", "ranges": for 'set list' */
};

/**
 * set_build() - A set's image
 * One field: values, prefixes and ranges of any width, best sorted and merged. Several: single
 * values only (those with ranges become rows of the classifier, see compile/filter.c).
 * @ret:	set_image_fini() releases it
 * Return: 0; -E2BIG: more than SHUNT_SET_ELEMENTS_MAX; -EINVAL: ranges in a concatenation, or a
 *	   key of more than SHUNT_SET_KEY_WORDS; -ENOMEM
 */
int set_build(const struct set_spec *spec, struct set_image *ret, struct err *err);
void set_image_fini(struct set_image *image);

/* The lookup of lib/set_find.h in C, for tests */
bool set_has(const struct set_image *image, const struct shunt_set_key *key);

/* Words of a key that a field takes; the sum over a set's fields is the key's */
unsigned int set_field_words(enum expr_field field);

/**
 * set_key_add() - The next value of a key
 * @key:	All 0 at the start
 * @at:		Words that it has
 * Return: words that it has now, SHUNT_SET_KEY_WORDS at most: more are left out
 */
unsigned int set_key_add(struct shunt_set_key *key, unsigned int at, enum expr_field field,
			 struct expr_value value);

#endif
