// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* object_file.c - an object file in memory, checked and opened */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <base/file.h>
#include <kernel/object.h>
#include <kernel/object_file.h>

static int read_file(struct object_file *file, struct err *err)
{
	struct stat st;

	if (stat(file->path, &st) < 0)
		return err_set(err, -errno, "'%s'", file->path);
	if (!S_ISREG(st.st_mode))	/* opening a FIFO would wait for its writer */
		return err_set(err, -ENOEXEC, "'%s': not a regular file.", file->path);
	return file_read(file->path, OBJECT_FILE_MAX, &file->data, &file->len, err);
}

static int check(const struct object_file *file, struct err *err)
{
	struct object_part btf;
	int r;

	r = object_elf_check(file->path, file->data, file->len, err);
	if (r < 0)
		return r;
	r = object_elf_section(file->data, ".BTF", &btf);
	if (r < 0)
		return err_set(err, -ENOEXEC, "'%s': no BTF: compile with -g.", file->path);
	return object_btf_check(file->path, btf.data, btf.n, err);
}

int object_file_open(const char *path, struct object_file *ret_file, struct err *err)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "shunt");
	struct object_file file = { .path = path };
	const char *why;
	int r;

	object_log_init();
	object_log_clear();
	r = read_file(&file, err);
	if (r < 0)
		goto out;
	r = check(&file, err);
	if (r < 0)
		goto out;
	file.bpf = bpf_object__open_mem(file.data, file.len, &opts);
	if (!file.bpf) {
		why = object_log_last();
		r = err_set(err, -ENOEXEC, "'%s': libbpf cannot read it: %s.", path,
			    *why ? why : strerror(errno));
		goto out;
	}
	*ret_file = file;
	return 0;
out:
	object_file_fini(&file);
	return r;
}

void object_file_fini(struct object_file *file)
{
	bpf_object__close(file->bpf);
	free(file->data);
	*file = (struct object_file){ 0 };
}

struct bpf_map *object_file_section_map(const struct object_file *file, const char *section)
{
	struct bpf_map *map;

	/* libbpf finds the map of a data section by the section's name */
	map = bpf_object__find_map_by_name(file->bpf, section);
	return map && bpf_map__is_internal(map) ? map : NULL;
}

int object_file_var(const struct object_file *file, const char *section, const char *name,
		    struct object_part *ret_part)
{
	struct bpf_map *map = object_file_section_map(file, section);
	const struct btf *btf = bpf_object__btf(file->bpf);
	const struct btf_var_secinfo *var;
	const struct btf_type *sec;
	const char *data;
	unsigned int i;
	size_t size;
	int id;

	id = btf ? btf__find_by_name_kind(btf, section, BTF_KIND_DATASEC) : -ENOENT;
	data = map ? bpf_map__initial_value(map, &size) : NULL;
	if (id < 0 || !data)
		return -ENOENT;
	sec = btf__type_by_id(btf, id);
	var = btf_var_secinfos(sec);
	for (i = 0; i < btf_vlen(sec); i++, var++) {
		if (strcmp(btf__name_by_offset(btf, btf__type_by_id(btf, var->type)->name_off),
			   name))
			continue;
		if (var->offset > size || var->size > size - var->offset)
			return -EINVAL;
		*ret_part = (struct object_part){ .data = data + var->offset, .n = var->size };
		return 0;
	}
	return -ENOENT;
}
