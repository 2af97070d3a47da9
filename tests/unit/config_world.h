/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* config_world.h - a configuration, and its findings as config_cases.h writes them */
#ifndef CONFIG_WORLD_H
#define CONFIG_WORLD_H

#include "../lib/unit.h"

#include <errno.h>
#include <string.h>

#include <model/config.h>

#include "config_cases.h"

struct world {
	struct arena arena;
	struct diags diags;
	struct tree *tree;
	struct config config;
	int r;
};

static inline void world_read(struct world *w, const char *yaml)
{
	*w = (struct world){ .diags.arena = &w->arena };
	w->r = tree_from_yaml(yaml, strlen(yaml), &w->diags, &w->tree);
	if (w->r == 0)
		w->r = config_from_tree(w->tree, &w->diags, &w->config);
}

static inline void world_fini(struct world *w)
{
	arena_fini(&w->arena);
}

static inline char *findings(const struct diags *diags)
{
	struct buf out = { 0 };
	unsigned int i;

	for (i = 0; i < diags->n; i++) {
		const struct diag *diag = &diags->v[i];

		buf_printf(&out, "%s%s", diag->path, diag->key ? "!" : "");
		if (diag->offset >= 0)
			buf_printf(&out, "@%d+%d", diag->offset, diag->len);
		if (diag->line)
			buf_printf(&out, ":%d:%d+%d", diag->line, diag->column, diag->len);
		buf_printf(&out, " %s: %s", diag->code, diag->message);
		if (diag->hint)
			buf_printf(&out, " [%s]", diag->hint);
		buf_char(&out, '\n');
	}
	return buf_take(&out);
}

/* Where a line of @expected ends in "...", the rest of that line is not compared */
static inline bool lines_match(const char *expected, const char *got)
{
	size_t len;

	while (*expected && *got) {
		len = strcspn(expected, "\n");
		if (len >= 3 && !memcmp(expected + len - 3, "...", 3)) {
			if (strncmp(expected, got, len - 3))
				return false;
		} else if (strncmp(expected, got, len + 1)) {
			return false;
		}
		expected += len + 1;
		got += strcspn(got, "\n");
		got += *got ? 1 : 0;
	}
	return !*expected && !*got;
}

static inline void test_refused(void **state)
{
	const struct config_case *row = *state;
	struct world w;
	char *got;

	world_read(&w, row->yaml);
	got = findings(&w.diags);
	if (!lines_match(row->findings, got))
		fail_msg("findings are\n%sexpected\n%s", got, row->findings);
	assert_int_equal(w.r, -EINVAL);
	assert_null(w.config.tree);
	free(got);
	world_fini(&w);
}

#endif
