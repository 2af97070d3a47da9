// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* object_contract.c - what one object file says of itself, checked before it is believed */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <base/arena.h>
#include <kernel/btf_layout.h>
#include <kernel/object.h>
#include <kernel/object_file.h>

#include "../../dataplane/lib/set.h"

#define EDGE_PREFIX	"shunt_edge_decl_"
#define CONFIG_PREFIX	"shunt.config:"
#define RESERVED_PREFIX	"shunt_"
#define CONFIGS_MAX	64
#define TABLE_NAME_MAX	15	/* characters that the kernel keeps */

/* Maps that every program of a graph shares; the control plane brings them */
static const struct shared {
	const char *name;
	uint32_t type;			/* 0: differs between hooks */
	uint32_t key_size, value_size, flags;
	bool required;
} shareds[] = {
	{ "shunt_cpu", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct shunt_cpu), BPF_F_MMAPABLE, true },
	{ "shunt_next", BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 0, true },
	{ "shunt_ports", 0, 4, 4, 0, false },
	{ "shunt_events", BPF_MAP_TYPE_RINGBUF, 0, 0, 0, false },
	{ "shunt_sets", BPF_MAP_TYPE_ARRAY, 4, 8, BPF_F_MMAPABLE, false },
	{ "shunt_set_pages", BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 0, false },
	{ "shunt_dsets", BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 0, false },
	{ "shunt_dset_conf", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct shunt_dset_conf), 0, false },
	{ "shunt_dset_full", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 0, false },
};

#define N_SHARED	(sizeof(shareds) / sizeof(shareds[0]))

struct contract {
	struct object_file file;
	const struct btf *btf;
	struct arena *arena;
	struct module *module;
	uint32_t built;
	struct err *err;
};

#define refuse(c_, r_, fmt_, ...) \
	err_set((c_)->err, r_, "'%s': " fmt_ ".", (c_)->file.path, ##__VA_ARGS__)

static bool starts_with(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

static bool is_name(const char *name, const char *more)
{
	size_t i;

	for (i = 0; name[i]; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_' && !strchr(more, name[i]))
			return false;
	return i > 0 && i < SHUNT_NAME_MAX;
}

/* Ends, and has nothing that a terminal would obey */
static bool is_text(const char *text, size_t size)
{
	size_t i;

	for (i = 0; i < size && text[i]; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return i < size;
}

static const char *type_name(struct contract *c, uint32_t id)
{
	char text[128];

	btf_layout_name(c->btf, id, text, sizeof(text));
	return arena_strdup(c->arena, text);
}

static int read_program(struct contract *c, uint32_t hook)
{
	struct bpf_program *prog = bpf_object__next_program(c->file.bpf, NULL);
	const char *section = prog ? bpf_program__section_name(prog) : "";

	if (!prog || bpf_object__next_program(c->file.bpf, prog) ||
	    strcmp(bpf_program__name(prog), "shunt_node"))
		return refuse(c, -EINVAL, "a module has one program, SHUNT_NODE()");
	if (!strcmp(section, "xdp.frags") && bpf_program__type(prog) == BPF_PROG_TYPE_XDP)
		c->built = SHUNT_HOOK_XDP;
	else if (!strcmp(section, "tc") && bpf_program__type(prog) == BPF_PROG_TYPE_SCHED_CLS)
		c->built = SHUNT_HOOK_TC;
	else
		return refuse(c, -EINVAL,
			      "its program is in section '%.32s', not 'xdp.frags' or 'tc'",
			      section);
	if (hook && hook != c->built)
		return refuse(c, -EINVAL, "its program is for %s, its name says %s",
			      c->built == SHUNT_HOOK_XDP ? "XDP" : "TC",
			      hook == SHUNT_HOOK_XDP ? "XDP" : "TC");
	return 0;
}

static int read_module(struct contract *c)
{
	struct shunt_module said;
	struct object_part part;
	int r;

	r = object_file_var(&c->file, ".rodata", "shunt_module", &part);
	if (r < 0 || part.n < sizeof(said.abi))
		return refuse(c, -ENOEXEC, "no shunt module in it: SHUNT_MODULE() is missing");
	memcpy(&said.abi, part.data, sizeof(said.abi));
	if (said.abi != SHUNT_ABI_VERSION)
		return refuse(c, -EPROTO, "built for ABI %u, this shuntd speaks %u", said.abi,
			      SHUNT_ABI_VERSION);
	if (part.n != sizeof(said))
		return refuse(c, -EINVAL, "'shunt_module' has %zu bytes, not %zu", part.n,
			      sizeof(said));
	memcpy(&said, part.data, sizeof(said));
	if (!is_text(said.name, sizeof(said.name)) || !is_name(said.name, "-"))
		return refuse(c, -EINVAL,
			      "the module's name is not made of letters, digits, _ and -");
	if (!is_text(said.help, sizeof(said.help)))
		return refuse(c, -EINVAL, "the module's help is no line of text");
	if (!said.hooks || said.hooks & ~SHUNT_HOOK_ANY)
		return refuse(c, -EINVAL, "hooks 0x%x: there are none, or unknown ones",
			      said.hooks);
	if ((said.depth & SHUNT_DEPTH_MASK) < SHUNT_DEPTH_L2 ||
	    (said.depth & SHUNT_DEPTH_MASK) > SHUNT_DEPTH_L4 ||
	    said.depth & ~(SHUNT_DEPTH_MASK | SHUNT_NEEDS_VLAN))
		return refuse(c, -EINVAL, "depth %u is not one of SHUNT_DEPTH_*", said.depth);
	if (said.open_edges > SHUNT_EDGES_MAX)
		return refuse(c, -EINVAL, "%u open edges: %u is the most", said.open_edges,
			      SHUNT_EDGES_MAX);
	c->module->name = arena_strdup(c->arena, said.name);
	c->module->help = arena_strdup(c->arena, said.help);
	c->module->abi = said.abi;
	c->module->hooks = said.hooks;
	c->module->depth = said.depth;
	c->module->open_edges = said.open_edges;
	return 0;
}

/* What the control plane will write over */
static int check_rodata(struct contract *c)
{
	static const struct {
		const char *name;
		size_t size;
	} wanted[] = {
		{ "shunt_edge", sizeof(struct shunt_edge) * SHUNT_EDGES_MAX },
		{ "shunt_node_conf", sizeof(struct shunt_node_conf) },
	};
	struct object_part part;
	unsigned int i;

	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (object_file_var(&c->file, ".rodata", wanted[i].name, &part) < 0 ||
		    part.n != wanted[i].size)
			return refuse(c, -EINVAL, "'%s' is missing, or not of %zu bytes",
				      wanted[i].name, wanted[i].size);
	return 0;
}

static int read_edge(struct contract *c, const char *var)
{
	const char *name = var + strlen(EDGE_PREFIX);
	struct module *module = c->module;
	struct shunt_edge_decl decl;
	struct module_edge *edge;
	struct object_part part;

	if (object_file_var(&c->file, ".rodata", var, &part) < 0 || part.n != sizeof(decl))
		return refuse(c, -EINVAL, "'%.64s' is not a struct shunt_edge_decl", var);
	memcpy(&decl, part.data, sizeof(decl));
	if (!is_name(name, ""))
		return refuse(c, -EINVAL, "edge name '%.64s' is longer than %d characters", name,
			      SHUNT_NAME_MAX - 1);
	if (decl.index >= SHUNT_EDGES_MAX)
		return refuse(c, -EINVAL, "edge '%s' has number %u: %u is the most", name,
			      decl.index, SHUNT_EDGES_MAX - 1);
	edge = &module->edge[decl.index];
	if (edge->name)
		return refuse(c, -EINVAL, "edges '%s' and '%s' have the same number %u", edge->name,
			      name, decl.index);
	if (decl.fail != SHUNT_FAIL_CLOSED && decl.fail != SHUNT_FAIL_OPEN)
		return refuse(c, -EINVAL, "edge '%s': %u is no fail policy", name, decl.fail);
	if (decl.target >= SHUNT_TARGET_MAX || decl.target == SHUNT_TARGET_REDIRECT)
		return refuse(c, -EINVAL, "edge '%s': %u is no default target", name, decl.target);
	if (decl.target == SHUNT_TARGET_DROP && decl.arg >= SHUNT_REASON_MAX)
		return refuse(c, -EINVAL, "edge '%s': %u is no drop reason", name, decl.arg);
	*edge = (struct module_edge){
		.name = arena_strdup(c->arena, name), .index = decl.index, .fail = decl.fail,
		.target = decl.target, .arg = decl.arg,
	};
	module->n_edges++;
	return 0;
}

static int read_edges(struct contract *c)
{
	int i, r, id = btf__find_by_name_kind(c->btf, ".rodata", BTF_KIND_DATASEC);
	const struct btf_type *sec = btf__type_by_id(c->btf, id);
	struct module *module = c->module;
	const char *name;

	module->edge = arena_new_n(c->arena, struct module_edge, SHUNT_EDGES_MAX);
	for (i = 0; i < btf_vlen(sec); i++) {
		id = btf_var_secinfos(sec)[i].type;
		name = btf__name_by_offset(c->btf, btf__type_by_id(c->btf, id)->name_off);
		if (!starts_with(name, EDGE_PREFIX))
			continue;
		r = read_edge(c, name);
		if (r < 0)
			return r;
	}
	for (i = 0; i < (int)module->n_edges; i++)
		if (!module->edge[i].name)
			return refuse(c, -EINVAL, "no edge has number %d of %u", i,
				      module->n_edges);
	if (module->n_edges + module->open_edges > SHUNT_EDGES_MAX)
		return refuse(c, -EINVAL, "%u edges and %u open ones: %u is the most",
			      module->n_edges, module->open_edges, SHUNT_EDGES_MAX);
	return 0;
}

static bool is_prefixes(const struct contract *c, const struct btf_layout *layout)
{
	struct btf_layout element;

	if (layout->kind != BTF_LAYOUT_ARRAY)
		return false;
	element = btf_layout_of(c->btf, layout->element);
	return element.kind == BTF_LAYOUT_STRUCT && element.size == sizeof(struct shunt_prefix) &&
	       !strcmp(btf__name_by_offset(c->btf, element.type->name_off), "shunt_prefix");
}

static bool is_zero(const char *data, size_t n)
{
	size_t i;

	for (i = 0; i < n && !data[i]; i++)
		;
	return i == n;
}

static int read_config_value(struct contract *c, const struct object_part *part,
			     const struct btf_layout *layout, struct module_config *config)
{
	union { uint64_t u64; uint8_t u8; uint16_t u16; uint32_t u32; } v = { 0 };

	config->size = part->n;
	config->is_string = layout->kind == BTF_LAYOUT_TEXT;
	if (config->is_string) {
		if (!is_text(part->data, part->n))
			return refuse(c, -EINVAL, "config '%s': its default is no text that ends",
				      config->name);
		config->text = arena_strdup(c->arena, part->data);
		return 0;
	}
	config->is_prefixes = is_prefixes(c, layout);
	if (config->is_prefixes) {
		config->text = "";
		return is_zero(part->data, part->n) ? 0 :
		       refuse(c, -EINVAL, "config '%s': a list is empty by default", config->name);
	}
	if (layout->kind != BTF_LAYOUT_INT && layout->kind != BTF_LAYOUT_BOOL)
		return refuse(c, -EINVAL,
			      "config '%s': type '%s' is no integer, char array or list of prefixes",
			      config->name, config->type);
	config->is_signed = layout->is_signed;
	memcpy(&v, part->data, part->n < sizeof(v) ? part->n : sizeof(v));
	switch (part->n) {
	case 1:
		config->value = layout->is_signed ? (uint64_t)(int8_t)v.u8 : v.u8;
		return 0;
	case 2:
		config->value = layout->is_signed ? (uint64_t)(int16_t)v.u16 : v.u16;
		return 0;
	case 4:
		config->value = layout->is_signed ? (uint64_t)(int32_t)v.u32 : v.u32;
		return 0;
	case 8:
		config->value = v.u64;
		return 0;
	default:
		return refuse(c, -EINVAL, "config '%s' has %zu bytes: 8 is the most", config->name,
			      part->n);
	}
}

static int read_config(struct contract *c, const struct btf_type *var, const char *help)
{
	const char *name = btf__name_by_offset(c->btf, var->name_off);
	const struct btf_layout layout = btf_layout_of(c->btf, var->type);
	struct module *module = c->module;
	struct module_config *config;
	struct object_part part;

	if (!is_name(name, "") || starts_with(name, RESERVED_PREFIX))
		return refuse(c, -EINVAL, "config name '%.64s' is reserved, or too long", name);
	if (module_config_find(module, name))
		return refuse(c, -EINVAL, "config '%s' is there twice", name);
	if (object_file_var(&c->file, ".rodata", name, &part) < 0)
		return refuse(c, -EINVAL, "config '%s' is no constant: SHUNT_CONFIG() makes it one",
			      name);
	if (!is_text(help, strlen(help) + 1))
		return refuse(c, -EINVAL, "config '%s': its help is no line of text", name);
	if (part.n != layout.size || !part.n)
		return refuse(c, -EINVAL, "config '%s': its type has %u bytes, its place %zu", name,
			      layout.size, part.n);
	if (module->n_configs == CONFIGS_MAX)
		return refuse(c, -EINVAL, "more than %u config values", CONFIGS_MAX);
	config = arena_push(c->arena, module->config, module->n_configs);
	config->name = arena_strdup(c->arena, name);
	config->type = type_name(c, var->type);
	config->help = arena_strdup(c->arena, help);
	return read_config_value(c, &part, &layout, config);
}

static int read_configs(struct contract *c)
{
	uint32_t id, n = btf__type_cnt(c->btf);
	const struct btf_type *tag, *var;
	const char *text;
	int r;

	for (id = 1; id < n; id++) {
		tag = btf__type_by_id(c->btf, id);
		if (!btf_is_decl_tag(tag) || btf_decl_tag(tag)->component_idx != -1)
			continue;
		var = btf__type_by_id(c->btf, tag->type);
		text = btf__name_by_offset(c->btf, tag->name_off);
		if (!btf_is_var(var) || !starts_with(text, CONFIG_PREFIX))
			continue;
		r = read_config(c, var, text + strlen(CONFIG_PREFIX));
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_shared(struct contract *c, const struct bpf_map *map, unsigned int *seen)
{
	const char *name = bpf_map__name(map);
	const struct shared *shared;
	unsigned int i;

	for (i = 0; i < N_SHARED && strcmp(shareds[i].name, name); i++)
		;
	if (i == N_SHARED)
		return refuse(c, -EINVAL,
			      "table '%.32s': names that begin with shunt_ are reserved", name);
	shared = &shareds[i];
	if ((shared->type && bpf_map__type(map) != shared->type) ||
	    bpf_map__key_size(map) != shared->key_size ||
	    bpf_map__value_size(map) != shared->value_size ||
	    bpf_map__map_flags(map) != shared->flags)
		return refuse(c, -EINVAL,
			      "table '%s' is not as <shunt/module.h> of this ABI has it", name);
	*seen |= 1u << i;
	return 0;
}

static const char *bytes_or_type(struct contract *c, uint32_t id, uint32_t size)
{
	if (id)
		return type_name(c, id);
	return size ? arena_printf(c->arena, "__u8[%u]", size) : "";
}

static int read_table(struct contract *c, const struct bpf_map *map)
{
	uint32_t key = bpf_map__btf_key_type_id(map), value = bpf_map__btf_value_type_id(map);
	struct module *module = c->module;
	struct module_table *table;
	const char *name = bpf_map__name(map), *type;
	uint64_t hash = BTF_LAYOUT_HASH_INIT;
	uint32_t numbers[4] = {
		bpf_map__type(map), bpf_map__map_flags(map), bpf_map__key_size(map),
		bpf_map__value_size(map),
	};

	if (!is_name(name, "") || strlen(name) > TABLE_NAME_MAX)
		return refuse(c, -EINVAL, "table name '%.64s' is longer than %d characters", name,
			      TABLE_NAME_MAX);
	type = libbpf_bpf_map_type_str(bpf_map__type(map));
	if (!type)
		return refuse(c, -EINVAL, "table '%s': unknown type %u", name, bpf_map__type(map));
	if (bpf_map__pin_path(map))
		return refuse(c, -EINVAL, "table '%s' pins itself: shuntd keeps tables", name);
	hash = btf_layout_hash_bytes(hash, numbers, sizeof(numbers));
	if ((key && btf_layout_hash(c->btf, key, &hash) < 0) ||
	    (value && btf_layout_hash(c->btf, value, &hash) < 0))
		return refuse(c, -EINVAL, "table '%s': its types are nested too deep", name);
	table = arena_push(c->arena, module->table, module->n_tables);
	*table = (struct module_table){
		.name = arena_strdup(c->arena, name), .type = type,
		.map_type = bpf_map__type(map), .key_size = bpf_map__key_size(map),
		.value_size = bpf_map__value_size(map), .entries = bpf_map__max_entries(map),
		.key = bytes_or_type(c, key, bpf_map__key_size(map)),
		.value = bytes_or_type(c, value, bpf_map__value_size(map)), .schema = hash,
	};
	return 0;
}

static int read_tables(struct contract *c)
{
	unsigned int i, seen = 0, room = sizeof(((struct object_loaded *)0)->map) /
					 sizeof(((struct object_loaded *)0)->map[0]);
	const struct bpf_map *map;
	int r;

	bpf_object__for_each_map(map, c->file.bpf) {
		if (bpf_map__is_internal(map))
			continue;
		if (!room--)
			return refuse(c, -EINVAL, "too many tables");
		if (starts_with(bpf_map__name(map), RESERVED_PREFIX))
			r = check_shared(c, map, &seen);
		else
			r = read_table(c, map);
		if (r < 0)
			return r;
	}
	for (i = 0; i < N_SHARED; i++)
		if (shareds[i].required && !(seen & 1u << i))
			return refuse(c, -EINVAL, "table '%s' is missing", shareds[i].name);
	return 0;
}

static int read_all(struct contract *c, uint32_t hook)
{
	int r;

	c->btf = bpf_object__btf(c->file.bpf);
	if (!c->btf)
		return refuse(c, -ENOEXEC, "no BTF: compile with -g");
	r = read_module(c);
	if (r < 0)
		return r;
	r = read_program(c, hook);
	if (r < 0)
		return r;
	r = check_rodata(c);
	if (r < 0)
		return r;
	r = read_edges(c);
	if (r < 0)
		return r;
	r = read_configs(c);
	if (r < 0)
		return r;
	return read_tables(c);
}

int object_contract_read(const char *path, uint32_t hook, struct arena *arena,
			 uint32_t *ret_built, struct module *ret_module, struct err *err)
{
	struct module module = { 0 };
	struct contract c = { .arena = arena, .module = &module, .err = err };
	int r;

	r = object_file_open(path, &c.file, err);
	if (r < 0)
		return r;
	r = read_all(&c, hook);
	if (r == 0) {
		*ret_built = c.built;
		module.hash[c.built == SHUNT_HOOK_XDP ? 0 : 1] =
			btf_layout_hash_bytes(BTF_LAYOUT_HASH_INIT, c.file.data, c.file.len);
		*ret_module = module;
	}
	object_file_fini(&c.file);
	return r;
}
