/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* rows.h - random rows for the classifier, keys to look for, and the truth: a linear scan */
#ifndef TESTS_LIB_ROWS_H
#define TESTS_LIB_ROWS_H

#include <compile/classifier.h>

enum rows_kind {
	ROWS_NESTED,	/* prefixes out of a few, ports, protocols, flags */
	ROWS_EXACT,	/* whole addresses, most of them */
	ROWS_WIDE,	/* hardly an address: they overlap */
	ROWS_SAME,	/* few boxes, many times */
	ROWS_KINDS
};

/*
 * Rule i has prio (i + 1) * CLASSIFIER_PRIO_GAP, edge i % 2, ref i, one row or (some) two.
 * @families: 4, 6, or 10 for both
 */
void rows_random(uint64_t *state, enum rows_kind kind, unsigned int families, unsigned int rules,
		 struct classifier_rows *ret_rows);
void rows_fini(struct classifier_rows *rows);

/* A packet that a row holds, or nearly, or any. @key: words of 32 bits. Return: its family */
unsigned int rows_key(uint64_t *state, const struct classifier_rows *rows, uint32_t *ret_key);

bool rows_match(const struct classifier_row *row, unsigned int family, const uint32_t *key);

/* As classifier_find(), of rows by prio; rules with @gone[] (or NULL) do not count */
uint32_t rows_find(const struct classifier_rows *rows, unsigned int family, const uint32_t *key,
		   uint32_t floor, const bool *gone, uint32_t *ret_ref);

#endif
