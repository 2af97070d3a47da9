/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* diag.h - what is wrong with somebody's input, and where */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include <base/arena.h>

/* One finding. Who has the text turns the path into line and column; the rest pass it on. */
struct diag {
	const char *path;	/* JSON pointer: /nodes/guard/rules/2; "" is all of it */
	int key;		/* 1: the member's key is meant, 0: its value */
	int offset;		/* characters into that scalar; -1: all of it */
	int len;		/* characters meant from there; 0: unknown */
	/*
	 * From 1; of syntax errors, which have no path, and in a scalar of several lines: there
	 * they count from where its text begins. 0: go by path and offset
	 */
	int line, column;
	const char *code;	/* stable, for programs: "unknown_key", "no_such_edge" */
	const char *message;
	const char *hint;	/* "did you mean 'sport'?"; NULL: none */
};

#define DIAGS_MAX 20		/* later ones are counted, not kept */

struct diags {
	struct arena *arena;	/* all strings are copied into it; borrowed */
	struct diag v[DIAGS_MAX];
	unsigned int n;		/* kept */
	unsigned int total;
};

/* Return: the new one to amend (offset, len, hint), never NULL. path may be NULL: "" */
struct diag *diags_add(struct diags *diags, const char *path, const char *code,
		       const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/**
 * suggest() - The nearest of some words, if one is near
 * Return: one of @words, or NULL: Damerau-Levenshtein distance above max(1, length / 3)
 */
const char *suggest(const char *word, const char *const *words, unsigned int n);

#define SUGGEST_WORD_MAX 63	/* longer words get no suggestion */

struct suggest_text {
	char text[SUGGEST_WORD_MAX + 24];
};

/* What to put behind "no node 'gard'" on one line: "; did you mean 'guard'?", or "" */
struct suggest_text suggest_text(const char *word, const char *const *words, unsigned int n);

/* Sets the hint "did you mean '...'?" if suggest() finds one */
void diag_suggest(struct diags *diags, struct diag *diag, const char *word,
		  const char *const *words, unsigned int n);

#endif
