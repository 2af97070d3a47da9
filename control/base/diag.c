// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* diag.c - what is wrong with somebody's input, and where */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <base/diag.h>

struct diag *diags_add(struct diags *diags, const char *path, const char *code,
		       const char *fmt, ...)
{
	static _Thread_local struct diag spare;	/* to amend and forget */
	struct diag *diag = &spare;
	va_list args;

	diags->total++;
	if (diags->n < DIAGS_MAX)
		diag = &diags->v[diags->n];
	*diag = (struct diag){ .offset = -1, .path = "", .code = "", .message = "" };
	if (diag == &spare)
		return diag;
	diags->n++;
	if (path)
		diag->path = arena_strdup(diags->arena, path);
	if (code)
		diag->code = arena_strdup(diags->arena, code);
	va_start(args, fmt);
	diag->message = arena_vprintf(diags->arena, fmt, args);
	va_end(args);
	return diag;
}

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	if (b < a)
		a = b;
	return c < a ? c : a;
}

/*
 * Damerau-Levenshtein distance in the restricted form (optimal string
 * alignment; F. Damerau, CACM 7(3), 1964): insert, delete, replace, and swap
 * of two neighbours cost one each. Case does not count.
 */
static unsigned int distance(const char *a, unsigned int a_len, const char *b, unsigned int b_len)
{
	unsigned int row[3][SUGGEST_WORD_MAX + 1], i, j;

	for (j = 0; j <= b_len; j++)
		row[0][j] = j;
	for (i = 1; i <= a_len; i++) {
		unsigned int *cur = row[i % 3], *prev = row[(i + 2) % 3], *prev2 = row[(i + 1) % 3];

		cur[0] = i;
		for (j = 1; j <= b_len; j++) {
			int ca = tolower((unsigned char)a[i - 1]);
			int cb = tolower((unsigned char)b[j - 1]);

			cur[j] = min3(prev[j] + 1, cur[j - 1] + 1, prev[j - 1] + (ca != cb));
			if (i > 1 && j > 1 && ca != cb &&
			    ca == tolower((unsigned char)b[j - 2]) &&
			    cb == tolower((unsigned char)a[i - 2]) && prev2[j - 2] + 1 < cur[j])
				cur[j] = prev2[j - 2] + 1;
		}
	}
	return row[a_len % 3][b_len];
}

const char *suggest(const char *word, const char *const *words, unsigned int n)
{
	size_t len = strnlen(word, SUGGEST_WORD_MAX + 1);
	unsigned int best_distance, d, i;
	const char *best = NULL;

	if (!len || len > SUGGEST_WORD_MAX)
		return NULL;
	best_distance = (len / 3 > 1 ? len / 3 : 1) + 1;
	if (best_distance > len)	/* all letters replaced is no likeness */
		best_distance = len;
	for (i = 0; i < n; i++) {
		size_t word_len = strnlen(words[i], SUGGEST_WORD_MAX + 1);

		if (word_len > SUGGEST_WORD_MAX)
			continue;
		d = distance(word, len, words[i], word_len);
		if (d < best_distance) {
			best_distance = d;
			best = words[i];
		}
	}
	return best;
}

struct suggest_text suggest_text(const char *word, const char *const *words, unsigned int n)
{
	const char *near = suggest(word, words, n);
	struct suggest_text text = {};

	if (near)
		snprintf(text.text, sizeof(text.text), "; did you mean '%s'?", near);
	return text;
}

void diag_suggest(struct diags *diags, struct diag *diag, const char *word,
		  const char *const *words, unsigned int n)
{
	const char *near = suggest(word, words, n);

	if (near)
		diag->hint = arena_printf(diags->arena, "did you mean '%s'?", near);
}
