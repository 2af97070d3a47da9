/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * object_file.h - an object file in memory, checked and opened; for kernel/object*.c alone
 *
 * DOC: libbpf 1.1 trusts an ELF file's tables and a BTF's type numbers in many
 * places, and follows a typedef of itself for ever. What it would stumble over
 * is refused before it sees the file; what it opens is the memory that was checked.
 */
#ifndef KERNEL_OBJECT_FILE_H
#define KERNEL_OBJECT_FILE_H

#include <stddef.h>
#include <stdint.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <base/err.h>

#define OBJECT_FILE_MAX	(8u << 20)	/* bytes */

struct object_file {
	const char *path;		/* borrowed */
	char *data;
	size_t len;
	struct bpf_object *bpf;
};

/* What a section holds; n is in bytes */
struct object_part {
	const void *data;
	size_t n;
};

/**
 * object_file_open() - Read, check, open with libbpf; loads nothing
 * @path:	Borrowed; must outlive the file
 * Return: 0; -ENOENT, -EACCES...: cannot be read; -ENOEXEC: not such a file, or broken
 */
int object_file_open(const char *path, struct object_file *ret_file, struct err *err);
void object_file_fini(struct object_file *file);	/* zeroed: nothing to do */

/**
 * object_file_var() - Where a variable lies in a data section's initial value
 * @section:	".rodata"
 * Return: 0; -ENOENT: no such variable; -EINVAL: it lies outside
 */
int object_file_var(const struct object_file *file, const char *section, const char *name,
		    struct object_part *ret_part);

/* The section's map, and its variables as BTF has them; NULL: none */
struct bpf_map *object_file_section_map(const struct object_file *file, const char *section);

/* object_elf.c: are all tables of the ELF file what they say? -ENOEXEC if not, with text */
int object_elf_check(const char *path, const void *data, size_t len, struct err *err);

/* Of a checked file. Return: 0; -ENOENT */
int object_elf_section(const void *data, const char *name, struct object_part *ret_part);

/* object_btf.c: does every number in it name something that is there? -ENOEXEC if not, with text */
int object_btf_check(const char *path, const void *data, size_t len, struct err *err);

struct arena;
struct module;

/**
 * object_contract_read() - What one object file says of itself (object_contract.c)
 * @hook:	SHUNT_HOOK_XDP or SHUNT_HOOK_TC if the name of the file says so, else 0
 * @ret_built:	SHUNT_HOOK_XDP or SHUNT_HOOK_TC: what it is built for
 * @ret_module:	In @arena; without its path, and hooks are the source's
 * Return: as object_inspect()
 */
int object_contract_read(const char *path, uint32_t hook, struct arena *arena,
			 uint32_t *ret_built, struct module *ret_module, struct err *err);

/* object_log.c: libbpf's last complaints since the last object_log_clear(), or "" */
const char *object_log_last(void);
void object_log_clear(void);

#endif
