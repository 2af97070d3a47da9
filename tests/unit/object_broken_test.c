// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* object_broken_test.c - object files cut off, with bits changed, with types that have no end */
#include "../lib/objtest.h"
#include "../lib/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kernel/object.h>
#include <kernel/object_file.h>

#define N_ELEMENTS(a)	(sizeof(a) / sizeof((a)[0]))
#define N_CUTS		50
#define N_FLIPS		2000	/* half of them where the tables are */
#define N_CHUNK		50	/* flips in one child */

static struct arena arena;

/* Refused with this code and these words, nothing written */
static void refused(const char *name, int code, const char *words)
{
	struct module module;
	struct err err = { 0 };
	int r;

	memset(&module, 0x5a, sizeof(module));
	r = object_inspect(name, objtest_built("bpf/modules"), &arena, &module, &err);
	if (r != code || !strstr(err.text, words))
		fail_msg("'%s': %d (%s), wanted %d (%s)", name, r, err.text, code, words);
	assert_int_equal(err.code, code);
	assert_int_equal((unsigned char)*(char *)&module, 0x5a);
}

static void test_cut(void **state)
{
	struct objtest in = objtest_read("bpf/modules/limit.xdp.o");
	unsigned int i;
	size_t len;

	for (i = 0; i < N_CUTS; i++) {
		len = in.len * i / N_CUTS;
		refused(objtest_put("cut.o", in.data, len), -ENOEXEC, "cut.o'");
	}
	refused(objtest_put("cut.o", in.data, in.len - 1), -ENOEXEC, "cut.o'");
	free(in.data);
}

/* A typedef of itself: libbpf would go round for ever */
static void test_endless(void **state)
{
	struct objtest in = objtest_read("tests/lib/fields.xdp.o");
	const Elf64_Shdr *sec = objtest_section(in, ".BTF");
	struct btf *btf = btf__new(in.data + sec->sh_offset, sec->sh_size);
	struct btf_header *h = (void *)(in.data + sec->sh_offset);
	const void *start = btf__type_by_id(btf, 1);
	struct btf_type *type;
	int id = btf__find_by_name_kind(btf, "__u32", BTF_KIND_TYPEDEF);

	assert_true(id > 0);
	type = (void *)((char *)h + h->hdr_len + h->type_off +
			((const char *)btf__type_by_id(btf, id) - (const char *)start));
	type->type = id;
	refused(objtest_put("endless.o", in.data, in.len), -ENOEXEC, "has no end");
	type->type = 1u << 30;
	refused(objtest_put("endless.o", in.data, in.len), -ENOEXEC, "names what is not there");
	btf__free(btf);
	free(in.data);
}

/* One bit in the file; every other time in its tables: BTF, symbols, relocations, sections */
static void flip(struct objtest in, unsigned int i, uint64_t *random)
{
	static const char *const tables[] = {
		".BTF", ".BTF.ext", ".symtab", ".relxdp.frags", ".rodata", ".maps", ".strtab", "",
	};
	const char *name = tables[i / 2 % N_ELEMENTS(tables)];
	size_t off = 0, len = in.len;
	const Elf64_Shdr *sec;

	if (i % 2 && name[0]) {
		sec = objtest_section(in, name);
		off = sec->sh_offset;
		len = sec->sh_size;
	} else if (i % 2) {
		off = ((Elf64_Ehdr *)in.data)->e_shoff;
		len = in.len - off;
	}
	in.data[off + unit_random(random) % len] ^= 1 << unit_random(random) % 8;
}

/* In a child: a crash is a finding, not the end of the test. *at: the flip at work */
static void flip_some(struct objtest in, unsigned int from, uint64_t seed, unsigned int *at)
{
	struct objtest copy = { malloc(in.len), in.len };
	struct module module;
	char name[32];
	uint64_t random;
	struct err err;
	int r;

	snprintf(name, sizeof(name), "flip%u.xdp.o", from);
	alarm(120);
	for (*at = from; *at < from + N_CHUNK; ++*at) {
		random = seed + *at * 0x9e3779b97f4a7c15ull;
		random = random ? random : 1;
		memcpy(copy.data, in.data, in.len);
		flip(copy, *at, &random);
		memset(&err, 0, sizeof(err));
		r = object_inspect(objtest_put(name, copy.data, copy.len), "/nowhere", &arena, &module, &err);
		if (r < 0 && (!err.text[0] || strlen(err.text) > 1024 || !strstr(err.text, "flip")))
			_exit(3);
	}
	free(copy.data);
	arena_fini(&arena);
	_exit(0);
}

static void test_flips(void **state)
{
	struct objtest in = objtest_read("tests/lib/fields.xdp.o");
	unsigned int from, *at;
	uint64_t seed = unit_seed();
	int status;
	pid_t child;

	unit_folder();		/* made here: each child would make its own */
	at = mmap(NULL, sizeof(*at), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(at != MAP_FAILED);
	for (from = 0; from < N_FLIPS; from += N_CHUNK) {
		child = fork();
		if (child == 0)
			flip_some(in, from, seed, at);
		assert_int_equal(waitpid(child, &status, 0), child);
		if (status)
			fail_msg("flip %u: status 0x%x", *at, status);
	}
	munmap(at, sizeof(*at));
	free(in.data);
}

/* libbpf has much to say about a broken file: to the log at debug, not to stderr */
static void test_quiet(void **state)
{
	struct objtest in = objtest_read("bpf/modules/count.xdp.o");
	int saved = dup(STDERR_FILENO), fd;
	struct stat st;

	objtest_rename_field(in, "max_entries", "max_entriez");
	objtest_put("quiet.o", in.data, in.len);
	fd = open(objtest_path("stderr"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	dup2(fd, STDERR_FILENO);
	refused(objtest_path("quiet.o"), -ENOEXEC, "libbpf cannot read it: map '");
	dup2(saved, STDERR_FILENO);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 0);
	close(saved);
	close(fd);
	free(in.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_flips),
		cmocka_unit_test(test_quiet),
	};
	int r = unit_main(tests, N_ELEMENTS(tests));

	arena_fini(&arena);
	return r;
}
