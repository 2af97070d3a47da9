// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * golden_test.c - tests/golden/NAME.yaml compiles to the text in NAME.plan
 *
 * NAME.before.yaml, where there is one, is what runs then. UPDATE_GOLDEN=1 writes
 * the texts anew; what changed is for 'git diff' to show, and for a person to judge.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/unit.h"
#include "contracts.h"

#define FOLDER		"tests/golden/"	/* from the top of the tree, where tests run */
#define CASES_MAX	64
#define CASES_MIN	12		/* fewer: the folder was not found whole */

static bool read_text(const char *name, const char *end, struct buf *out)
{
	char path[256], chunk[4096];
	size_t n;
	FILE *file;

	snprintf(path, sizeof(path), FOLDER "%s%s", name, end);
	file = fopen(path, "r");
	if (!file)
		return false;
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		buf_add(out, chunk, n);
	fclose(file);
	return true;
}

static void write_text(const char *name, const struct buf *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), FOLDER "%s.plan", name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text->data, 1, text->len, file), text->len);
	assert_int_equal(fclose(file), 0);
}

static void compile(const struct buf *text, const struct plan *running, struct diags *diags,
		    uint32_t generation, struct plan *ret_plan)
{
	unsigned int i;

	if (compile_text(text->data, text->len, running, generation, diags, ret_plan) == 0)
		return;
	for (i = 0; i < diags->n; i++)
		print_error("%s: %s: %s\n", diags->v[i].path, diags->v[i].code,
			    diags->v[i].message);
	fail();
}

static void show_difference(const char *expected, const char *got)
{
	unsigned int line = 1;

	while (*expected && *expected == *got) {
		line += *expected == '\n';
		expected++;
		got++;
	}
	while (line > 1 && expected[-1] != '\n') {
		expected--;
		got--;
	}
	print_error("line %u is\n  %.*s\nexpected\n  %.*s\n", line, (int)strcspn(got, "\n"), got,
		    (int)strcspn(expected, "\n"), expected);
}

static void test_golden(void **state)
{
	struct buf before = {0}, text = {0}, expected = {0}, got = {0};
	struct plan running, plan;
	struct arena arena = {0};
	struct diags diags = { .arena = &arena };
	const char *name = *state;
	bool has_before = read_text(name, ".before.yaml", &before);

	assert_true(read_text(name, ".yaml", &text));
	if (has_before)
		compile(&before, NULL, &diags, 1, &running);
	compile(&text, has_before ? &running : NULL, &diags, 2, &plan);
	plan_print(&plan, has_before ? &running : NULL, &got);
	if (getenv("UPDATE_GOLDEN"))
		write_text(name, &got);
	assert_true(read_text(name, ".plan", &expected));
	if (strcmp(expected.data, got.data)) {
		show_difference(expected.data, got.data);
		fail();
	}
	buf_fini(&before);
	buf_fini(&text);
	buf_fini(&expected);
	buf_fini(&got);
	if (has_before)
		plan_fini(&running);
	plan_fini(&plan);
	arena_fini(&arena);
}

int main(void)
{
	static struct CMUnitTest tests[CASES_MAX];
	static char names[CASES_MAX][64];
	size_t i, n = 0;
	glob_t found;

	if (glob(FOLDER "*.yaml", 0, NULL, &found) == 0) {
		for (i = 0; i < found.gl_pathc && n < CASES_MAX; i++) {
			const char *name = found.gl_pathv[i] + strlen(FOLDER);

			if (strstr(name, ".before."))
				continue;
			snprintf(names[n], sizeof(names[n]), "%.*s",
				 (int)(strlen(name) - strlen(".yaml")), name);
			tests[n] = unit_row(names[n], test_golden, names[n]);
			n++;
		}
		globfree(&found);
	}
	if (n < CASES_MIN) {
		printf("1..1\nnot ok 1 - %zu cases in " FOLDER ", at least %d\n", n, CASES_MIN);
		return 1;
	}
	return unit_main(tests, n);
}
