// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * set_plan.c - sets that rules look up: slots, and images of what is new
 *
 * DOC: A static set's content is part of its slot's name: another content gets
 * another slot, so that a generation's rules and sets come in force together. A
 * dynamic set keeps its slot, and its elements, for as long as its type and size
 * are the same.
 */
#include <string.h>

#include <compile/compile.h>

static uint64_t content_hash(const struct config_set *set)
{
	uint64_t hash = key_bytes(KEY_START, set->field, set->n_fields * sizeof(set->field[0]));

	return key_bytes(hash, set->tuple,
			 (size_t)set->n * set->n_fields * sizeof(*set->tuple));
}

static void plan_static(struct compile *c, const struct config_set *config, struct plan_set *set)
{
	const struct plan_set *before = c->running ? plan_set_find(c->running, set->name) : NULL;
	struct set_spec spec = {
		.name = set->name, .n_fields = config->n_fields,
		.tuple = config->tuple, .n = config->n,
	};
	struct err err = {};

	memcpy(spec.field, config->field, sizeof(spec.field));
	set->hash = content_hash(config);
	set->slot = compile_take(c, config->tree, SLOTS_SET, 1,
				 arena_printf(c->arena, "set %s=%016llx", set->name,
					      (unsigned long long)set->hash));
	if (before && !before->dynamic && before->hash == set->hash) {
		set->image = before->image;
		set->image.line = NULL;
	} else if (set_build(&spec, &set->image, &err) < 0) {
		compile_find(c, config->tree, "set_too_large", "set '%s': %s", set->name,
			     arena_strdup(c->arena, err.text));
	}
}

static void plan_dynamic(struct compile *c, const struct config_set *config, struct plan_set *set)
{
	uint64_t hash = key_bytes(KEY_START, config->field,
				  config->n_fields * sizeof(config->field[0]));

	set->hash = key_bytes(hash, &config->size, sizeof(config->size));
	set->size = config->size;
	set->counters = config->counters;
	set->timeout_ns = config->timeout_ns;
	set->slot = compile_take(c, config->tree, SLOTS_DSET, 1,
				 arena_printf(c->arena, "dset %s=%016llx", set->name,
					      (unsigned long long)set->hash));
}

const struct plan_set *set_plan(struct compile *c, const char *name)
{
	const struct config_set *config = config_set_find(c->config, name);
	struct plan_set *set = (struct plan_set *)plan_set_find(c->plan, name);

	if (set || !config)
		return set;
	set = &c->plan->set[c->plan->n_sets++];
	*set = (struct plan_set){ .name = config->name, .dynamic = config->dynamic };
	if (config->dynamic)
		plan_dynamic(c, config, set);
	else
		plan_static(c, config, set);
	return set;
}
