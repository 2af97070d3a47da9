// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* objtest.c - object files for tests: where they are, and changes to a copy */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/file.h>

#include "objtest.h"

const char *unit_folder(void);		/* not unit.h: it needs cmocka */

static void die(const char *what, const char *name)
{
	fprintf(stderr, "objtest: %s: %s\n", what, name);
	abort();
}

static char *text_new(void)
{
	static char text[4][2 * PATH_MAX];
	static unsigned int turn;

	return text[turn++ % 4];
}

const char *objtest_built(const char *path)
{
	char exe[PATH_MAX], *dir = exe, *text = text_new();
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	int i;

	if (n < 0)
		die("/proc/self/exe", strerror(errno));
	exe[n] = '\0';
	for (i = 0; i < 3; i++)
		dir = dirname(dir);
	snprintf(text, 2 * PATH_MAX, "%s/%s", dir, path);
	return text;
}

struct objtest objtest_read(const char *path)
{
	struct err err = { 0 };
	struct objtest file;

	if (file_read(objtest_built(path), 64 << 20, &file.data, &file.len, &err) < 0)
		die(path, err.text);
	return file;
}

const char *objtest_path(const char *name)
{
	char *text = text_new();

	snprintf(text, 2 * PATH_MAX, "%s/%s", unit_folder(), name);
	return text;
}

const char *objtest_put(const char *name, const void *data, size_t len)
{
	const char *path = objtest_path(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		die(path, strerror(errno));
	close(fd);
	return path;
}

char *objtest_find(struct objtest in, const void *what, size_t len)
{
	char *at = memmem(in.data, in.len, what, len);

	if (!at)
		die("not in the object file", len ? what : "");
	return at;
}

Elf64_Shdr *objtest_section(struct objtest in, const char *name)
{
	Elf64_Ehdr *h = (Elf64_Ehdr *)in.data;
	Elf64_Shdr *sec = (Elf64_Shdr *)(in.data + h->e_shoff);
	int i;

	for (i = 0; i < h->e_shnum; i++)
		if (!strcmp(in.data + sec[h->e_shstrndx].sh_offset + sec[i].sh_name, name))
			return &sec[i];
	die("no such section", name);
	return NULL;
}

struct shunt_module *objtest_module(struct objtest in, const char *name)
{
	char pattern[SHUNT_NAME_MAX] = "";

	strncpy(pattern, name, sizeof(pattern) - 1);
	return (struct shunt_module *)(objtest_find(in, pattern, sizeof(pattern)) -
				       offsetof(struct shunt_module, name));
}

void objtest_replace(struct objtest in, const char *from, const char *to)
{
	char *at = in.data;

	while ((at = memmem(at, in.data + in.len - at, from, strlen(from) + 1)))
		memcpy(at, to, strlen(to));
}

void objtest_rename_field(struct objtest in, const char *from, const char *to)
{
	const Elf64_Shdr *sec = objtest_section(in, ".BTF");
	const struct objtest btf = { in.data + sec->sh_offset, sec->sh_size };

	memcpy(objtest_find(btf, from, strlen(from) + 1), to, strlen(to));
}
