// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * config_fuzz.c - any text as a configuration, for libFuzzer
 *
 * Besides memory errors it looks for: a refusal without a finding or a finding
 * without a refusal, a good configuration that is lost on the way through YAML or
 * JSON, a difference between equal ones.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <model/config.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool good)
{
	if (!good)
		abort();
}

static void again(struct diags *diags, const struct tree *first, const struct buf *text,
		  bool is_json)
{
	struct buf lines = { 0 };
	struct config config;
	struct tree *tree;
	int r;

	r = is_json ? tree_from_json(text->data, text->len, diags, &tree) :
		      tree_from_yaml(text->data, text->len, diags, &tree);
	must(r == 0);
	must(config_from_tree(tree, diags, &config) == 0);
	must(config_diff(first, tree, &lines) == 0);
	buf_fini(&lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf yaml = { 0 }, json = { 0 }, shown = { 0 };
	struct arena arena = { 0 };
	struct diags diags = { .arena = &arena };
	struct tree *tree = NULL, *nothing;
	struct config config;
	int r;

	r = tree_from_yaml((const char *)data, len, &diags, &tree);
	if (r == 0) {
		nothing = tree_new_map(&arena);
		config_diff(nothing, tree, &shown);
		r = config_from_tree(tree, &diags, &config);
	}
	must((r < 0) == (diags.total > 0));
	if (r == 0) {
		tree_to_yaml(tree, &yaml);
		again(&diags, tree, &yaml, false);
		tree_to_json(tree, &json);
		again(&diags, tree, &json, true);
	}
	source_print(&shown, "fuzz", (const char *)data, len, tree, &diags);
	buf_fini(&yaml);
	buf_fini(&json);
	buf_fini(&shown);
	arena_fini(&arena);
	return 0;
}
