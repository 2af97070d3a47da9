// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* object.c - object files of modules: find the two of a module, compare them; load one */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <base/file.h>
#include <kernel/object.h>
#include <kernel/object_file.h>
#include <kernel/verifier.h>

#define N_ELEMENTS(a)	(sizeof(a) / sizeof((a)[0]))

static const char *const suffixes[2] = { ".xdp.o", ".tc.o" };
static const uint32_t suffix_hooks[2] = { SHUNT_HOOK_XDP, SHUNT_HOOK_TC };

/* ---- the two files of a module ---- */

static bool same(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

/* Return: what the two disagree on; NULL: nothing */
static const char *edges_differ(const struct module *a, const struct module *b)
{
	unsigned int i;

	if (a->n_edges != b->n_edges || a->open_edges != b->open_edges)
		return "edges";
	for (i = 0; i < a->n_edges; i++)
		if (!same(a->edge[i].name, b->edge[i].name) ||
		    a->edge[i].fail != b->edge[i].fail ||
		    a->edge[i].target != b->edge[i].target || a->edge[i].arg != b->edge[i].arg)
			return a->edge[i].name;
	return NULL;
}

static const char *configs_differ(const struct module *a, const struct module *b)
{
	const struct module_config *mine, *other;
	unsigned int i;

	if (a->n_configs != b->n_configs)
		return "config values";
	for (i = 0; i < a->n_configs; i++) {
		mine = &a->config[i];
		other = module_config_find(b, mine->name);
		if (!other || !same(mine->type, other->type) || mine->size != other->size ||
		    mine->value != other->value || !same(mine->text, other->text))
			return mine->name;
	}
	return NULL;
}

static const char *tables_differ(const struct module *a, const struct module *b)
{
	unsigned int i, j;

	if (a->n_tables != b->n_tables)
		return "tables";
	for (i = 0; i < a->n_tables; i++) {
		for (j = 0; j < b->n_tables && !same(a->table[i].name, b->table[j].name); j++)
			;
		if (j == b->n_tables || a->table[i].schema != b->table[j].schema ||
		    a->table[i].entries != b->table[j].entries)
			return a->table[i].name;
	}
	return NULL;
}

static int compare(const struct module *a, const struct module *b, struct err *err)
{
	const char *what = NULL;

	if (!same(a->name, b->name))
		what = "name";
	else if (!same(a->help, b->help))
		what = "help";
	else if (a->hooks != b->hooks)
		what = "hooks";
	else if (a->depth != b->depth)
		what = "depth";
	what = what ? what : edges_differ(a, b);
	what = what ? what : configs_differ(a, b);
	what = what ? what : tables_differ(a, b);
	if (!what)
		return 0;
	return err_set(err, -EINVAL, "'%s' and '%s' disagree on '%s': not of the same source.",
		       a->path[0], b->path[1], what);
}

/* Without suffix, for both hooks: built only for one is all right */
static int inspect_pair(const char *stem, struct arena *arena, struct module *ret_module,
			struct err *err)
{
	struct module one[2] = { { 0 }, { 0 } }, *module;
	uint32_t built, found = 0;
	char *path;
	int i, r;

	for (i = 0; i < 2; i++) {
		path = arena_printf(arena, "%s%s", stem, suffixes[i]);
		if (access(path, F_OK) < 0 && errno == ENOENT)
			continue;
		r = object_contract_read(path, suffix_hooks[i], arena, &built, &one[i], err);
		if (r < 0)
			return r;
		one[i].path[i] = path;
		found |= built;
	}
	if (!found)
		return err_set(err, -ENOENT, "no module there: neither '%s%s' nor '%s%s'", stem,
			       suffixes[0], stem, suffixes[1]);
	if (one[0].name && one[1].name) {
		r = compare(&one[0], &one[1], err);
		if (r < 0)
			return r;
	}
	module = one[0].name ? &one[0] : &one[1];
	module->path[1] = one[1].path[1];
	module->hash[1] = one[1].hash[1];
	if (!(module->hooks & found))
		return err_set(err, -EINVAL, "'%s': not built for a hook that it runs at.", stem);
	module->hooks &= found;
	*ret_module = *module;
	return 0;
}

/* A file with a name of its own: its program tells the hook */
static int inspect_file(const char *name, struct arena *arena, struct module *ret_module,
			struct err *err)
{
	const char *path = arena_strdup(arena, name);
	struct module module;
	uint32_t built;
	int r;

	r = object_contract_read(path, 0, arena, &built, &module, err);
	if (r < 0)
		return r;
	if (!(module.hooks & built))
		return err_set(err, -EINVAL, "'%s': not built for a hook that it runs at.", path);
	module.hooks &= built;
	module.path[built == SHUNT_HOOK_XDP ? 0 : 1] = path;
	*ret_module = module;
	return 0;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && !strcmp(text + len - end_len, end);
}

int object_inspect(const char *name, const char *module_dir, struct arena *arena,
		   struct module *ret_module, struct err *err)
{
	const char *stem;
	unsigned int i;

	if (!strchr(name, '/')) {
		stem = arena_printf(arena, "%s/%s", module_dir, name);
		return inspect_pair(stem, arena, ret_module, err);
	}
	for (i = 0; i < N_ELEMENTS(suffixes); i++) {
		if (!ends_with(name, suffixes[i]))
			continue;
		if (access(name, F_OK) < 0)
			return err_set(err, -errno, "'%s'", name);
		stem = arena_strndup(arena, name, strlen(name) - strlen(suffixes[i]));
		return inspect_pair(stem, arena, ret_module, err);
	}
	if (access(name, F_OK) == 0 || errno != ENOENT || ends_with(name, ".o"))
		return inspect_file(name, arena, ret_module, err);
	return inspect_pair(name, arena, ret_module, err);
}

/* ---- load ---- */

/* The one that is being loaded */
struct load {
	struct object_file file;
	const char *what;
	struct err *err;
};

static int set_value(struct load *load, const struct object_value *value)
{
	struct object_part part;
	int r;

	r = object_file_var(&load->file, ".rodata", value->name, &part);
	if (r < 0)
		return err_set(load->err, r, "%s: '%s' has no constant '%s'.", load->what,
			       load->file.path, value->name);
	if (part.n != value->size)
		return err_set(load->err, -EINVAL, "%s: constant '%s' has %zu bytes, not %u.",
			       load->what, value->name, part.n, value->size);
	memcpy((void *)part.data, value->data, part.n);	/* libbpf's copy, ours until it is loaded */
	return 0;
}

/* libbpf takes any map: a wrong one would only show as a refusal by the verifier, or not at all */
static int check_reused(struct load *load, const struct bpf_map *map,
			const struct object_map *want)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(want->fd, &info, &len) < 0)
		return err_set(load->err, -errno, "%s: table '%s'", load->what, bpf_map__name(map));
	if (info.type != bpf_map__type(map) || info.key_size != bpf_map__key_size(map) ||
	    info.value_size < bpf_map__value_size(map) ||
	    (info.value_size > bpf_map__value_size(map) && !want->larger))
		return err_set(load->err, -EINVAL,
			       "%s: table '%s' exists with another type or other sizes.",
			       load->what, bpf_map__name(map));
	return 0;
}

static int set_map(struct load *load, const struct object_map *want)
{
	struct bpf_map *map = bpf_object__find_map_by_name(load->file.bpf, want->name);
	int r;

	if (!map && want->optional)
		return 0;
	if (!map || bpf_map__is_internal(map))
		return err_set(load->err, -ENOENT, "%s: '%s' has no table '%s'.", load->what,
			       load->file.path, want->name);
	if (want->fd >= 0) {
		r = check_reused(load, map, want);
		if (r < 0)
			return r;
		r = bpf_map__reuse_fd(map, want->fd);
	} else {
		r = want->entries ? bpf_map__set_max_entries(map, want->entries) : 0;
	}
	if (r < 0)
		return err_set(load->err, r, "%s: table '%s'", load->what, want->name);
	return 0;
}

static int take_fd(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return copy < 0 ? -errno : copy;
}

/* Descriptors of our own: libbpf's go with its object */
static int take_all(struct load *load, struct bpf_program *prog, struct object_loaded *loaded)
{
	struct bpf_map *map;
	int fd;

	loaded->prog_fd = take_fd(bpf_program__fd(prog));
	if (loaded->prog_fd < 0)
		return err_set(load->err, loaded->prog_fd, "%s", load->what);
	bpf_object__for_each_map(map, load->file.bpf) {
		if (bpf_map__is_internal(map))
			continue;
		if (loaded->n_maps == N_ELEMENTS(loaded->map))
			return err_set(load->err, -E2BIG, "%s: more than %zu tables.", load->what,
				       N_ELEMENTS(loaded->map));
		fd = take_fd(bpf_map__fd(map));
		if (fd < 0)
			return err_set(load->err, fd, "%s: table '%s'", load->what,
				       bpf_map__name(map));
		loaded->map[loaded->n_maps].fd = fd;
		strncpy(loaded->map[loaded->n_maps].name, bpf_map__name(map),
			sizeof(loaded->map[0].name) - 1);
		loaded->n_maps++;
	}
	return 0;
}

static int prepare(struct load *load, const struct object_value *value, unsigned int n_values,
		   const struct object_map *map, unsigned int n_maps)
{
	struct bpf_map *each;
	unsigned int i;
	int r;

	bpf_object__for_each_map(each, load->file.bpf)
		bpf_map__set_pin_path(each, NULL);	/* pinning is the caller's business */
	for (i = 0; i < n_values; i++) {
		r = set_value(load, &value[i]);
		if (r < 0)
			return r;
	}
	for (i = 0; i < n_maps; i++) {
		r = set_map(load, &map[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int load_program(struct load *load, struct bpf_program *prog, const char *log_dir)
{
	struct object_part btf_ext = { 0 };
	const char *last;
	char *log;
	int r;

	log = malloc(VERIFIER_LOG_MAX);	/* not cleared: touched only when there is a log */
	if (!log)
		arena_no_memory();
	log[0] = 0;
	/* At level 0 libbpf asks for a log only after a refusal, and loads once more for it */
	bpf_program__set_log_buf(prog, log, VERIFIER_LOG_MAX);
	bpf_program__set_log_level(prog, 0);
	object_log_clear();
	r = bpf_object__load(load->file.bpf);
	last = object_log_last();
	if (r < 0 && log[0]) {
		if (r == -ENOSPC)
			r = -EACCES;	/* refused, and the log has no room for all of it */
		object_elf_section(load->file.data, ".BTF.ext", &btf_ext);
		verifier_refused(&(struct verifier_report){
			.code = r, .what = load->what, .log = log,
			.section = bpf_program__section_name(prog),
			.btf = bpf_object__btf(load->file.bpf),
			.btf_ext = btf_ext.data, .btf_ext_len = btf_ext.n,
			.log_dir = log_dir,
		}, load->err);
	} else if (r < 0) {
		err_set(load->err, r, "load %s%s%s%s", load->what, *last ? " (" : "", last,
			*last ? ")" : "");
	}
	free(log);
	return r;
}

int object_load(const char *path, const char *what, const struct object_value *value,
		unsigned int n_values, const struct object_map *map, unsigned int n_maps,
		const char *log_dir, struct object_loaded *ret_loaded, struct err *err)
{
	struct object_loaded loaded = { .prog_fd = -1 };
	struct load load = { .what = what, .err = err };
	struct bpf_program *prog;
	int r;

	r = object_file_open(path, &load.file, err);
	if (r < 0) {
		err_prefix(err, "%s", what);
		return r;
	}
	prog = bpf_object__next_program(load.file.bpf, NULL);
	if (!prog || bpf_object__next_program(load.file.bpf, prog)) {
		r = err_set(err, -EINVAL, "%s: '%s' has not one program.", what, path);
		goto out;
	}
	/*
	 * A program array wants equal attach types, and that of an extension is 0 once it
	 * is verified: a gate in a libxdp dispatcher is one. So all XDP programs have 0.
	 */
	if (bpf_program__type(prog) == BPF_PROG_TYPE_XDP)
		bpf_program__set_expected_attach_type(prog, 0);
	r = prepare(&load, value, n_values, map, n_maps);
	if (r < 0)
		goto out;
	r = load_program(&load, prog, log_dir);
	if (r < 0)
		goto out;
	r = take_all(&load, prog, &loaded);
	if (r < 0)
		goto out;
	*ret_loaded = loaded;
	loaded = (struct object_loaded){ .prog_fd = -1 };
out:
	object_loaded_fini(&loaded);
	object_file_fini(&load.file);
	return r;
}

void object_loaded_fini(struct object_loaded *loaded)
{
	unsigned int i;

	for (i = 0; i < loaded->n_maps; i++)
		fd_close(loaded->map[i].fd);
	fd_close(loaded->prog_fd);
	*loaded = (struct object_loaded){ .prog_fd = -1 };
}

int object_loaded_map(const struct object_loaded *loaded, const char *name)
{
	unsigned int i;

	for (i = 0; i < loaded->n_maps; i++)
		if (!strcmp(loaded->map[i].name, name))
			return loaded->map[i].fd;
	return -1;
}
