// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* expr_fuzz.c - any text is a rule that prints and reads back the same, or one finding inside it */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <model/expr_text.h>

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
	require(rule->n_concats == again.n_concats && rule->n_statements == again.n_statements);
	require(rule->verdict.kind == again.verdict.kind && !rule->vmap == !again.vmap);
	buf_fini(&once);
	buf_fini(&twice);
}

/* The first byte picks the fields; the text is not ended by NUL */
static void elements(const uint8_t *data, size_t size, struct diags *diags)
{
	enum expr_field field[EXPR_CONCAT_MAX];
	unsigned int i, n = 1 + data[0] % EXPR_CONCAT_MAX;
	struct expr_elements elements;

	for (i = 0; i < n; i++)
		field[i] = (data[0] / EXPR_CONCAT_MAX + 7 * i) % EXPR_IIF;
	if (expr_elements_text((const char *)data + 1, size - 1, field, n, data[0] & 1, diags,
			       &elements) == 0)
		require(elements.n <= size);
	else
		require(diags->n && diags->v[diags->n - 1].line > 0);
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
	diags.n = diags.total = 0;
	if (size)
		elements(data, size, &diags);
	arena_fini(&arena);
	free(text);
	return 0;
}
