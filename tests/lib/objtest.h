/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* objtest.h - object files for tests: where they are, and changes to a copy; what fails aborts */
#ifndef TESTS_LIB_OBJTEST_H
#define TESTS_LIB_OBJTEST_H

#include <elf.h>
#include <stddef.h>

#include <shunt/abi.h>

struct objtest {		/* a file in memory */
	char *data;		/* the caller frees */
	size_t len;
};

/* In the build folder: a test lies in BUILD/tests/KIND/. Good for the next three calls */
const char *objtest_built(const char *path);
struct objtest objtest_read(const char *path);

/* In the test's own folder, see unit_folder(). Good for the next three calls of either */
const char *objtest_path(const char *name);
const char *objtest_put(const char *name, const void *data, size_t len);

char *objtest_find(struct objtest in, const void *what, size_t len);
Elf64_Shdr *objtest_section(struct objtest in, const char *name);

/* What the module of this name says of itself */
struct shunt_module *objtest_module(struct objtest in, const char *name);

/* A name, wherever it stands: sections, symbols, types. Equally long */
void objtest_replace(struct objtest in, const char *from, const char *to);
/* A name in the types alone: DWARF has it too, and does not count */
void objtest_rename_field(struct objtest in, const char *from, const char *to);

#endif
