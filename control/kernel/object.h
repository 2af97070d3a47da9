/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* object.h - object files of modules: read the contract, load with everything set */
#ifndef KERNEL_OBJECT_H
#define KERNEL_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include <base/arena.h>
#include <base/err.h>
#include <model/module.h>

/**
 * object_inspect() - Read a module's contract from its object files. Needs no root, loads nothing.
 * @name:	Of a built-in module (then NAME.xdp.o and NAME.tc.o in @module_dir), or a path
 *		with a '/': a file, of which X.xdp.o and X.tc.o stand for each other, or X
 *		without them
 * Every descriptor is checked against the BTF and section sizes before it is
 * believed: the file may be anybody's.
 * @ret_module:	In @arena
 * Return: 0; -ENOENT; -ENOEXEC: not ELF, not BPF, no BTF, no module in it;
 *	   -EPROTO: another ABI version; -EINVAL: its declarations contradict each other. The text
 *	   names the file and the cause.
 */
int object_inspect(const char *name, const char *module_dir, struct arena *arena,
		   struct module *ret_module, struct err *err);

/* One rodata variable's new bytes */
struct object_value {
	const char *name;
	const void *data;
	uint32_t size;
};

/* A map that exists already, or its size */
struct object_map {
	const char *name;
	int fd;				/* -1: create */
	bool optional;			/* the object need not have it */
	bool larger;			/* its values may be larger than the object says */
	uint32_t entries;		/* fd -1: create so many; 0: as the object says */
};

struct object_loaded {
	int prog_fd;
	/* by order of the object; shared and reused ones too */
	struct {
		char name[16];
		int fd;
	} map[24];
	unsigned int n_maps;
};

/**
 * object_load() - Load one program with its rodata set
 * Values and maps that the object does not have are an error (-ENOENT).
 * @what:	For messages: "node 'guard' of graph 'edge-in' at xdp"
 * @ret_loaded:	Its descriptors belong to the caller: object_loaded_fini()
 * Return: 0 or -errno. When the verifier refuses, the text has the source line (from BTF line info)
 *	   at which it stopped, the last lines of its log, and the file that holds the whole log
 *	   (in @log_dir; NULL: none is written).
 */
int object_load(const char *path, const char *what, const struct object_value *value,
		unsigned int n_values, const struct object_map *map, unsigned int n_maps,
		const char *log_dir, struct object_loaded *ret_loaded, struct err *err);
void object_loaded_fini(struct object_loaded *loaded);
/* Return: fd, borrowed; -1: no such map */
int object_loaded_map(const struct object_loaded *loaded, const char *name);

/* Log libbpf's and libxdp's messages at debug, and keep the last ones for object_load() */
void object_log_init(void);

#endif
