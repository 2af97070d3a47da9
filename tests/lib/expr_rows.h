/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* expr_rows.h - tables of rules: what is read prints so, what is refused is told so */
#ifndef TESTS_EXPR_ROWS_H
#define TESTS_EXPR_ROWS_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <model/expr.h>

#include "unit.h"

struct accept_row {
	const char *text;
	const char *canonical;		/* NULL: the same */
};

struct refuse_row {
	const char *text;
	const char *code;
	int offset, len;
	const char *message;
	const char *hint;		/* NULL: none */
};

/* The canonical text, which reads back to the same rule */
static inline void accept_row_run(void **state)
{
	const struct accept_row *row = *state;
	struct arena arena = {0};
	struct diags diags = { .arena = &arena };
	struct buf once = {0}, twice = {0};
	struct expr_rule rule, again;

	if (expr_parse(row->text, "", &diags, &rule) < 0)
		fail_msg("'%s': %s", row->text, diags.v[0].message);
	expr_print(&rule, &once);
	assert_string_equal(once.data, row->canonical ? row->canonical : row->text);
	if (expr_parse(once.data, "", &diags, &again) < 0)
		fail_msg("'%s': %s", once.data, diags.v[0].message);
	expr_print(&again, &twice);
	assert_string_equal(twice.data, once.data);
	assert_int_equal(again.id, rule.id);
	assert_int_equal(again.families, rule.families);
	assert_int_equal(again.n, rule.n);
	assert_int_equal(diags.total, 0);
	buf_fini(&once);
	buf_fini(&twice);
	arena_fini(&arena);
}

static inline void refuse_row_run(void **state)
{
	const struct refuse_row *row = *state;
	struct arena arena = {0};
	struct diags diags = { .arena = &arena };
	struct expr_rule rule;

	assert_int_equal(expr_parse(row->text, "/rules/1", &diags, &rule), -EINVAL);
	assert_int_equal(diags.n, 1);
	assert_string_equal(diags.v[0].message, row->message);
	assert_string_equal(diags.v[0].code, row->code);
	assert_int_equal(diags.v[0].offset, row->offset);
	assert_int_equal(diags.v[0].len, row->len);
	assert_string_equal(diags.v[0].path, "/rules/1");
	assert_string_equal(diags.v[0].hint ? diags.v[0].hint : "", row->hint ? row->hint : "");
	arena_fini(&arena);
}

/* The tables' rows, then @n other tests. Return: the exit code */
static inline int expr_rows_main(const struct accept_row *accept, size_t n_accept,
				 const struct refuse_row *refuse, size_t n_refuse,
				 const struct CMUnitTest *other, size_t n)
{
	struct CMUnitTest *tests = calloc(n_accept + n_refuse + n, sizeof(*tests));
	char (*names)[128] = calloc(n_accept + n_refuse, sizeof(*names));
	size_t i, used = 0;
	int r;

	for (i = 0; i < n_accept; i++, used++) {
		snprintf(names[used], sizeof(names[used]), "reads: %s", accept[i].text);
		tests[used] = unit_row(names[used], accept_row_run, &accept[i]);
	}
	for (i = 0; i < n_refuse; i++, used++) {
		snprintf(names[used], sizeof(names[used]), "refuses: %s", refuse[i].text);
		tests[used] = unit_row(names[used], refuse_row_run, &refuse[i]);
	}
	memcpy(tests + used, other, n * sizeof(*other));
	r = unit_main(tests, used + n);
	free(names);
	free(tests);
	return r;
}

#endif
