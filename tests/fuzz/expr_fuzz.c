// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* expr_fuzz.c - any text is a rule that prints and reads back the same, or one finding inside it */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <model/expr.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void there_and_back(const struct expr_rule *rule, struct diags *diags)
{
	struct buf once = {0}, twice = {0};
	struct expr_rule again;

	expr_print(rule, &once);
	require(expr_parse(once.data, "", diags, &again) == 0);
	expr_print(&again, &twice);
	require(!strcmp(once.data, twice.data));
	require(rule->id == again.id && rule->families == again.families && rule->n == again.n);
	buf_fini(&once);
	buf_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = {0};
	struct diags diags = { .arena = &arena };
	struct expr_interval interval;
	struct expr_rule rule;
	char *text = malloc(size + 1);
	int len;

	memcpy(text, data, size);
	text[size] = '\0';
	len = strlen(text);
	if (expr_parse(text, "/rules/0", &diags, &rule) == 0) {
		there_and_back(&rule, &diags);
		require(rule.verdict.offset >= 0 && rule.verdict.offset + rule.verdict.len <= len);
	} else {
		require(diags.n == 1 && diags.v[0].offset <= len);
		require(diags.v[0].offset == -1 || diags.v[0].offset + diags.v[0].len <= len);
	}
	if (size)
		expr_element(text + (len > 0), data[0] % EXPR_FIELD_MAX, "", 1, &diags, &interval);
	arena_fini(&arena);
	free(text);
	return 0;
}
