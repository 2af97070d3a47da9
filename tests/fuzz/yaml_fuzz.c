// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* yaml_fuzz.c - any bytes as YAML: refused with a place, or read back equal from what is printed */
#include <stdint.h>
#include <stdlib.h>

#include <model/tree.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	struct diags diags = { .arena = &arena };
	struct tree *tree, *again;
	struct buf out = { 0 };

	if (tree_from_yaml((const char *)data, size, &diags, &tree) < 0) {
		if (!diags.n || !diags.v[0].line)
			abort();
		source_print(&out, "fuzz", (const char *)data, size, NULL, &diags);
	} else {
		tree_to_yaml(tree, &out);
		if (tree_from_yaml(out.data, out.len, &diags, &again) < 0 ||
		    !tree_equal(tree, again))
			abort();
		diags_add(&diags, tree_path(tree, &arena), "fuzz", "x");
		source_print(&out, "fuzz", (const char *)data, size, tree, &diags);
	}
	buf_fini(&out);
	arena_fini(&arena);
	return 0;
}
