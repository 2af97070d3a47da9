// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* classify.c - lib/classify.h in a program of its own, fed with keys; what fails aborts */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "classify.h"

#define CURSOR_BYTES	4096

static void die(const char *what)
{
	fprintf(stderr, "classify: %s: %s\n", what, strerror(errno));
	abort();
}

/* A variable of .rodata, by its place in the section's type */
static void rodata_set(struct bpf_object *object, const char *name, const void *data, size_t size)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");
	const struct btf *btf = bpf_object__btf(object);
	int id = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
	const struct btf_type *section = btf__type_by_id(btf, id), *var;
	const struct btf_var_secinfo *info = btf_var_secinfos(section);
	size_t room;
	int i;

	for (i = 0; i < btf_vlen(section); i++, info++) {
		var = btf__type_by_id(btf, info->type);
		if (strcmp(btf__name_by_offset(btf, var->name_off), name) || info->size != size)
			continue;
		memcpy((uint8_t *)bpf_map__initial_value(map, &room) + info->offset, data, size);
		return;
	}
	errno = ENOENT;
	die(name);
}

static void *map_memory(struct bpf_object *object, const char *name, size_t size)
{
	int fd = bpf_object__find_map_fd_by_name(object, name);
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		die(name);
	return memory;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

uint64_t classify_load(struct classify *classify, const char *path,
		       const struct classifier *classifier, const struct classify_conf *conf)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	uint64_t start;

	if (!object)
		die(path);
	rodata_set(object, "shape", &classifier->shape, sizeof(classifier->shape));
	rodata_set(object, "conf", conf, sizeof(*conf));
	if (bpf_map__set_value_size(bpf_object__find_map_by_name(object, "image_map"),
				    classifier->size) < 0)
		die("image_map");
	start = now_ns();
	if (bpf_object__load(object) < 0)
		die("load");
	start = now_ns() - start;
	classify->object = object;
	classify->prog_fd = bpf_program__fd(bpf_object__next_program(object, NULL));
	classify->image_size = classifier->size;
	classify->image = map_memory(object, "image_map", classifier->size);
	memcpy(classify->image, classifier->image, classifier->size);
	classify->key = map_memory(object, "keys", CLASSIFY_KEYS * sizeof(*classify->key));
	classify->cursor = map_memory(object, "cursor", CURSOR_BYTES);
	classify->cursor[1] = CLASSIFY_KEYS - 1;
	return start;
}

void classify_unload(struct classify *classify)
{
	munmap(classify->image, classify->image_size);
	munmap(classify->key, CLASSIFY_KEYS * sizeof(*classify->key));
	munmap(classify->cursor, CURSOR_BYTES);
	bpf_object__close(classify->object);
}

void classify_run(const struct classify *classify, unsigned int n)
{
	static const uint8_t frame[64];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = n, .data_in = frame,
		    .data_size_in = sizeof(frame));

	classify->cursor[0] = 0;
	if (bpf_prog_test_run_opts(classify->prog_fd, &opts) < 0 || opts.retval)
		die("run");
}

void classify_set_key(const struct classify *classify, unsigned int i, unsigned int family,
		      const uint32_t *key)
{
	unsigned int words = family == 4 ? CLASSIFIER_KEY4 : CLASSIFIER_KEY6, w;

	for (w = 0; w < words; w++)
		classify->key[i].word[w] = (uint64_t)key[2 * w] << 32 | key[2 * w + 1];
}
