// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* config_set.c - sets */
#include <stdlib.h>
#include <string.h>

#include <model/config_read.h>

enum {
	SET_TYPE, SET_ELEMENTS, SET_FILE, SET_DYNAMIC, SET_SIZE, SET_TIMEOUT, SET_COUNTERS,
	SET_COMMENT, SET_MAX
};
static const struct config_key set_keys[] = {
	[SET_TYPE] = { "type", TREE_SCALAR, true },
	[SET_ELEMENTS] = { "elements", TREE_LIST, false, .or_scalar = true },
	[SET_FILE] = { "file", TREE_SCALAR, false },
	[SET_DYNAMIC] = { "dynamic", TREE_SCALAR, false },
	[SET_SIZE] = { "size", TREE_SCALAR, false },
	[SET_TIMEOUT] = { "timeout", TREE_SCALAR, false },
	[SET_COUNTERS] = { "counters", TREE_SCALAR, false },
	[SET_COMMENT] = { "comment", TREE_SCALAR, false },
	[SET_MAX] = { 0 },
};
_Static_assert(SET_MAX <= CONFIG_KEYS_MAX, "config_read_keys()");

static void read_list(struct config_reader *r, const struct tree *list, struct config_set *set)
{
	struct config_item_path path;
	unsigned int n = set->n_fields;
	size_t i;

	config_item_path_init(&path, r, list);
	set->tuple = arena_new_n(r->arena, struct expr_interval, list->n * n);
	for (i = 0; i < list->n; i++) {
		const struct tree *item = list->child[i];

		if (!config_read_is(r, item, TREE_SCALAR, "an element"))
			continue;
		if (item->multiline)
			config_read_error(r, item, "multiline", "an element is one line");
		else if (!config_element(item->text, item->len, set->field, n,
					 config_item_path(&path, i), 0, r->diags,
					 &set->tuple[set->n * n]))
			set->n++;
	}
	buf_fini(&path.buf);
}

static void read_elements(struct config_reader *r, const struct tree *tree, struct config_set *set)
{
	if (tree->kind == TREE_LIST)
		read_list(r, tree, set);
	else if (config_elements(tree->text, tree->len, set->field, set->n_fields,
				 tree_path(tree, r->arena), r->diags, &set->tuple, &set->n) < 0)
		return;
	set->n = config_elements_sort(set->tuple, set->n, set->n_fields);
	if (set->n > CONFIG_ELEMENTS_MAX)
		config_read_error(r, tree, "too_many", "a set has at most %u elements, this one %u",
				  CONFIG_ELEMENTS_MAX, set->n)->key = 1;
}

static void read_dynamic(struct config_reader *r, struct tree *const *value, struct config_set *set)
{
	bool given = value[SET_DYNAMIC] &&
		     config_read_bool(r, value[SET_DYNAMIC], "'dynamic'", &set->dynamic);
	int size = CONFIG_SET_SIZE;

	if (value[SET_TIMEOUT] && given && !set->dynamic)
		config_read_error(r, value[SET_DYNAMIC], "bad_value",
				  "a set with a 'timeout' is dynamic");
	if (value[SET_TIMEOUT] &&
	    config_read_time(r, value[SET_TIMEOUT], "the timeout of a set", &set->timeout_ns))
		set->dynamic = true;
	if (value[SET_COUNTERS])
		config_read_bool(r, value[SET_COUNTERS], "'counters'", &set->counters);
	if (value[SET_SIZE] && config_read_number(r, value[SET_SIZE], "the size of a set",
						  CONFIG_ELEMENTS_MAX, &size) && !size)
		config_read_error(r, value[SET_SIZE], "bad_value", "a set has room for one at least");
	set->size = size;
}

static void refuse_static(struct config_reader *r, const struct tree *tree)
{
	if (tree)
		config_read_error(r, tree, "not_dynamic", "only a dynamic set has '%s'",
				  tree->key)->hint = "add 'dynamic: true' or a 'timeout'";
}

static void refuse_dynamic(struct config_reader *r, const struct tree *tree)
{
	struct diag *diag;

	if (!tree)
		return;
	diag = config_read_error(r, tree, "dynamic", "a dynamic set has no '%s'", tree->key);
	diag->key = 1;
	diag->hint = "its elements are state: they come by 'shunt set add' and by rules";
}

static bool has_field(const struct config_set *set, enum expr_field field)
{
	unsigned int i;

	for (i = 0; i < set->n_fields; i++)
		if (set->field[i] == field)
			return true;
	return false;
}

static void check_kind(struct config_reader *r, struct tree *const *value,
		       const struct config_set *set)
{
	if (value[SET_TIMEOUT] || set->dynamic) {
		refuse_dynamic(r, value[SET_ELEMENTS]);
		refuse_dynamic(r, value[SET_FILE]);
		return;
	}
	refuse_static(r, value[SET_SIZE]);
	refuse_static(r, value[SET_COUNTERS]);
	if (has_field(set, EXPR_IIF))
		config_read_error(r, value[SET_TYPE], "not_dynamic",
				  "only a dynamic set has 'iif' in its type")->hint =
			"interfaces come and go: name them in the rule";
	if (value[SET_FILE] && value[SET_ELEMENTS])
		config_read_error(r, value[SET_FILE], "twice",
				  "a set has 'elements' or a 'file', not both")->key = 1;
	else if (value[SET_FILE])
		config_read_error(r, value[SET_FILE], "not_read",
				  "'file' is read by the command 'shunt' alone")->hint =
			"give its text as 'elements'";
}

static void read_set(struct config_reader *r, const struct tree *tree, struct config_set *set)
{
	struct tree *value[SET_MAX];

	config_read_at_name(r, tree, "a set");
	set->name = tree->key;
	set->tree = tree;
	if (config_read_keys(r, tree, arena_printf(r->arena, "set '%.32s'", tree->key), set_keys,
			     value) < 0)
		return;
	if (value[SET_TYPE])
		set->n_fields = config_type_read(r, value[SET_TYPE], "a set", set->field);
	read_dynamic(r, value, set);
	check_kind(r, value, set);
	if (set->n_fields && value[SET_ELEMENTS] && !set->dynamic && !has_field(set, EXPR_IIF))
		read_elements(r, value[SET_ELEMENTS], set);
	config_read_comment(r, value[SET_COMMENT]);
}

void config_set_read_all(struct config_reader *r, const struct tree *section)
{
	struct config *config = r->config;
	size_t i;

	config->n_sets = section->n;
	config->set = arena_new_n(r->arena, struct config_set, section->n);
	for (i = 0; i < section->n; i++)
		read_set(r, section->child[i], &config->set[i]);
	qsort(config->set, config->n_sets, sizeof(*config->set), config_compare_names);
}
