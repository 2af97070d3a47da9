// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* module.c - a module's contract as a value: look up, print */
#include <string.h>

#include <model/module.h>

static const struct {
	uint32_t hook;
	const char *name;
} hooks[] = {
	{ SHUNT_HOOK_XDP, "xdp" },
	{ SHUNT_HOOK_TC_INGRESS, "tc-ingress" },
	{ SHUNT_HOOK_TC_EGRESS, "tc-egress" },
};

#define N_HOOKS (sizeof(hooks) / sizeof(hooks[0]))

#define TARGET_NAME(id, name) name,
static const char *const target_names[] = { SHUNT_TARGETS(TARGET_NAME) };

#define REASON_NAME(id, name, help) name,
static const char *const reason_names[] = { SHUNT_REASONS(REASON_NAME) };

const struct module *module_find(const struct module_set *set, const char *name)
{
	unsigned int i;

	for (i = 0; i < set->n; i++)
		if (!strcmp(set->ref[i].name, name))
			return set->ref[i].module;
	return NULL;
}

const struct module_edge *module_edge_find(const struct module *module, const char *name)
{
	unsigned int i;

	for (i = 0; i < module->n_edges; i++)
		if (!strcmp(module->edge[i].name, name))
			return &module->edge[i];
	return NULL;
}

const struct module_config *module_config_find(const struct module *module, const char *name)
{
	unsigned int i;

	for (i = 0; i < module->n_configs; i++)
		if (!strcmp(module->config[i].name, name))
			return &module->config[i];
	return NULL;
}

static void put_hooks(const struct module *module, struct jsonw *w)
{
	unsigned int i;

	jsonw_array(w, "hooks");
	for (i = 0; i < N_HOOKS; i++)
		if (module->hooks & hooks[i].hook)
			jsonw_str(w, NULL, hooks[i].name);
	jsonw_array_end(w);
}

/* As a configuration would say it; the next node of a chain has no name yet: "next" */
static void put_target(const struct module_edge *edge, struct jsonw *w)
{
	if (edge->target == SHUNT_TARGET_NODE)
		jsonw_str(w, "target", "next");
	else if (edge->target == SHUNT_TARGET_DROP && edge->arg < SHUNT_REASON_MAX)
		jsonw_fmt(w, "target", "drop(%s)", reason_names[edge->arg]);
	else if (edge->target < SHUNT_TARGET_MAX)
		jsonw_str(w, "target", target_names[edge->target]);
	else
		jsonw_null(w, "target");
}

static void put_edges(const struct module *module, struct jsonw *w)
{
	unsigned int i;

	jsonw_array(w, "edges");
	for (i = 0; i < module->n_edges; i++) {
		const struct module_edge *edge = &module->edge[i];

		jsonw_object(w, NULL);
		jsonw_str(w, "name", edge->name);
		jsonw_str(w, "fail", edge->fail == SHUNT_FAIL_OPEN ? "open" : "closed");
		put_target(edge, w);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

static void put_config(const struct module *module, struct jsonw *w)
{
	unsigned int i;

	jsonw_array(w, "config");
	for (i = 0; i < module->n_configs; i++) {
		const struct module_config *config = &module->config[i];

		jsonw_object(w, NULL);
		jsonw_str(w, "name", config->name);
		jsonw_str(w, "type", config->type);
		if (config->is_string || config->is_prefixes)
			jsonw_str(w, "default", config->text);
		else if (config->is_signed)
			jsonw_i64(w, "default", (int64_t)config->value);
		else
			jsonw_u64(w, "default", config->value);
		jsonw_str(w, "help", config->help);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

static void put_tables(const struct module *module, struct jsonw *w)
{
	unsigned int i;

	jsonw_array(w, "tables");
	for (i = 0; i < module->n_tables; i++) {
		const struct module_table *table = &module->table[i];

		jsonw_object(w, NULL);
		jsonw_str(w, "name", table->name);
		jsonw_str(w, "type", table->type);
		jsonw_str(w, "key", table->key);
		jsonw_u64(w, "key_bytes", table->key_size);
		jsonw_str(w, "value", table->value);
		jsonw_u64(w, "value_bytes", table->value_size);
		jsonw_u64(w, "entries", table->entries);
		/* hex text: readers in floating point would lose bits */
		jsonw_fmt(w, "schema", "%016llx", (unsigned long long)table->schema);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

void module_to_json(const struct module *module, struct jsonw *w, const char *key)
{
	jsonw_object(w, key);
	jsonw_str(w, "name", module->name);
	jsonw_str(w, "help", module->help);
	jsonw_object(w, "path");
	jsonw_str(w, "xdp", module->path[0]);
	jsonw_str(w, "tc", module->path[1]);
	jsonw_object_end(w);
	jsonw_u64(w, "abi", module->abi);
	put_hooks(module, w);
	jsonw_fmt(w, "depth", "L%u", module->depth & SHUNT_DEPTH_MASK);
	jsonw_bool(w, "needs_vlan", module->depth & SHUNT_NEEDS_VLAN);
	put_edges(module, w);
	jsonw_u64(w, "open_edges", module->open_edges);
	put_config(module, w);
	put_tables(module, w);
	jsonw_object_end(w);
}

const char *module_hook_name(uint32_t hook)
{
	unsigned int i;

	for (i = 0; i < N_HOOKS; i++)
		if (hooks[i].hook == hook)
			return hooks[i].name;
	return NULL;
}

uint32_t module_hook_from_name(const char *name)
{
	unsigned int i;

	for (i = 0; i < N_HOOKS; i++)
		if (!strcmp(hooks[i].name, name))
			return hooks[i].hook;
	return 0;
}
