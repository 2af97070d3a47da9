/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* set_world.h - tests/lib/sets.bpf.c loaded, its questions mapped */
#ifndef TESTS_SET_WORLD_H
#define TESTS_SET_WORLD_H

#include "../lib/unit.h"

#include <stdint.h>
#include <sys/mman.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <kernel/sets.h>

#include "../lib/objtest.h"
#include "../lib/sets.h"

#define SLOT		7

static struct sets *sets;
static struct object_loaded loaded;
static struct sets_asked *asked;

static void ok(int r, const struct err *err)
{
	if (r < 0)
		fail_msg("%s", err->text);
}

static int setup(void **state)
{
	struct object_map map[SETS_TABLES];
	struct err err = { 0 };

	if (sets_open(NULL, &sets, &err) < 0)
		goto fail;
	sets_maps(sets, map);
	if (object_load(objtest_built("tests/lib/sets.xdp.o"), "sets", NULL, 0, map, SETS_TABLES,
			unit_folder(), &loaded, &err) < 0)
		goto fail;
	asked = mmap(NULL, sizeof(*asked), PROT_READ | PROT_WRITE, MAP_SHARED,
		     object_loaded_map(&loaded, "sets_asked"), 0);
	return asked == MAP_FAILED ? -1 : 0;
fail:
	print_error("%s\n", err.text);
	return -1;
}

static int teardown(void **state)
{
	munmap(asked, sizeof(*asked));
	object_loaded_fini(&loaded);
	sets_close(sets);
	return 0;
}

static void run(enum sets_what what)
{
	uint8_t packet[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet));

	asked->what = what;
	asked->slot = SLOT;
	assert_int_equal(bpf_prog_test_run_opts(loaded.prog_fd, &opts), 0);
}

static void put(enum sets_table table, uint32_t slot, int set)
{
	struct sets_change change = { .table = table, .slot = slot, .set = set };
	struct err err = { 0 };

	ok(sets_exchange(sets, &change, 1, &err), &err);
	sets_drop(sets, &change, 1);
}

#endif
