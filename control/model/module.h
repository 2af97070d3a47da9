/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* module.h - a module's contract as a value: kernel/object reads it from a file for compile */
#ifndef MODEL_MODULE_H
#define MODEL_MODULE_H

#include <stdbool.h>
#include <stdint.h>

#include <base/arena.h>
#include <base/jsonw.h>
#include <shunt/abi.h>

struct module_edge {
	const char *name;
	uint32_t index;
	uint32_t fail;			/* SHUNT_FAIL_* */
	enum shunt_target target;	/* default; NODE: the next of a chain */
	uint32_t arg;			/* default: reason of a drop */
};

struct module_config {
	const char *name;
	const char *type;		/* as in C: "__u64", "char[32]" */
	uint32_t size;			/* bytes: 1, 2, 4, 8, or of an array */
	bool is_signed;
	bool is_string;			/* char array: NUL-terminated text */
	bool is_prefixes;		/* array of struct shunt_prefix: a list */
	uint64_t value;			/* default, of an integer (sign-extended) */
	const char *text;		/* default, of a string; of a list: "" */
	const char *help;
};

struct module_table {
	const char *name;
	const char *type;		/* "lru_hash" */
	uint32_t map_type;		/* BPF_MAP_TYPE_* */
	uint32_t key_size, value_size, entries;
	const char *key, *value;	/* C types: "struct shunt_addr" */
	uint64_t schema;		/* hash of type, flags and both layouts with field names */
};

struct module {
	const char *name;		/* as it says of itself */
	const char *path[2];		/* object files: [0] XDP, [1] TC; NULL: not built for it */
	uint64_t hash[2];		/* of the files: another build is another rendering */
	const char *help;
	uint32_t abi;
	uint32_t hooks;			/* SHUNT_HOOK_* that source and object files allow */
	uint32_t depth;			/* SHUNT_DEPTH_* */
	uint32_t open_edges;
	struct module_edge *edge;	/* by index */
	unsigned int n_edges;
	struct module_config *config;
	unsigned int n_configs;
	struct module_table *table;	/* without the shared ones (shunt_*) */
	unsigned int n_tables;
};

#define MODULE_ROOT "(root)"	/* in a set: the root, which no configuration can name */

/* What a configuration names: its 'module:' text, and the contract */
struct module_ref {
	const char *name;
	const struct module *module;
};

struct module_set {
	struct module_ref *ref;
	unsigned int n;
};

const struct module *module_find(const struct module_set *set, const char *name);
const struct module_edge *module_edge_find(const struct module *module, const char *name);
const struct module_config *module_config_find(const struct module *module, const char *name);

/* For 'module inspect' and the API: name, path, hooks, depth, edges, config, tables */
void module_to_json(const struct module *module, struct jsonw *w, const char *key);
/* One SHUNT_HOOK_* bit: "xdp", "tc-ingress", "tc-egress"; else NULL */
const char *module_hook_name(uint32_t hook);
uint32_t module_hook_from_name(const char *name);	/* 0: no such hook */

#endif
