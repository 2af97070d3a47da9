/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* ext_world.h - ext.bpf.c loaded at a hook, its image and tables mapped */
#ifndef TESTS_EXT_WORLD_H
#define TESTS_EXT_WORLD_H

#include "../lib/unit.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <shunt/abi.h>
#include <shunt/event.h>

#include "../../dataplane/lib/conntrack.h"
#include "../../dataplane/lib/set.h"
#include "../lib/ext.h"
#include "../lib/objtest.h"
#include "../lib/pkt.h"

#define EXT_HITS	16		/* rodata hits_room */
#define EXT_STATES	16
#define EXT_EVENTS	4096		/* bytes of the ring buffer */
#define EXT_SETS	1		/* dynamic ones */
#define EXT_FLOWS	4		/* of each family; a page at most */

struct ext_bss {			/* as ext.bpf.c has it */
	uint32_t index, mark;
	struct ext_flow flow;
};

struct ext_world {
	struct bpf_object *object;
	int holds_fd, run_fd, hit_fd, none_fd;
	int events_fd, buckets_fd, set_fd[EXT_SETS];
	int cpus;
	bool xdp;
	struct ext_image *image;
	struct ext_bss *bss;
	struct filter_hits *hits;	/* [cpu * EXT_HITS + index] */
	struct filter_state *state;
	struct conntrack_flow4 *flow4;
	struct conntrack_flow6 *flow6;
};

struct ext_frame {
	const void *data;
	size_t len;
	size_t linear;			/* XDP: bytes outside of fragments; 0: all */
};

static int ext_map(struct ext_world *w, const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(w->object, name);

	if (!map)
		fail_msg("no map '%s'", name);
	return bpf_map__fd(map);
}

static int ext_prog(struct ext_world *w, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(w->object, name));
}

static void *ext_mmap(struct ext_world *w, const char *name, size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ext_map(w, name), 0);

	if (at == MAP_FAILED)
		fail_msg("map '%s': %s", name, strerror(errno));
	return at;
}

static void ext_resize(struct ext_world *w, const char *name, uint32_t entries, uint32_t flags)
{
	struct bpf_map *map = bpf_object__find_map_by_name(w->object, name);

	assert_int_equal(bpf_map__set_max_entries(map, entries), 0);
	if (flags)
		assert_int_equal(bpf_map__set_map_flags(map, flags), 0);
}

static void ext_rodata(struct ext_world *w, const char *name, const void *value, size_t n)
{
	struct bpf_map *map;
	struct btf *btf = bpf_object__btf(w->object);
	const struct btf_type *sec;
	struct btf_var_secinfo *var;
	size_t size;
	char *data;
	int i;

	map = bpf_object__find_map_by_name(w->object, ".rodata");
	data = (char *)bpf_map__initial_value(map, &size);
	sec = btf__type_by_id(btf, btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC));
	var = btf_var_secinfos(sec);
	for (i = 0; i < btf_vlen(sec); i++)
		if (!strcmp(btf__name_by_offset(btf, btf__type_by_id(btf, var[i].type)->name_off),
			    name))
			break;
	assert_true(i < btf_vlen(sec));
	assert_int_equal(var[i].size, n);
	memcpy(data + var[i].offset, value, n);
}

static void ext_sets(struct ext_world *w)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	struct shunt_dset_conf conf = { .counts = 1 };
	uint32_t i;

	for (i = 0; i < EXT_SETS; i++) {
		w->set_fd[i] = bpf_map_create(BPF_MAP_TYPE_HASH, "set",
					      sizeof(struct shunt_set_key),
					      sizeof(struct shunt_set_value), 1024, &opts);
		assert_true(w->set_fd[i] >= 0);
		assert_int_equal(bpf_map_update_elem(ext_map(w, "shunt_dsets"), &i, &w->set_fd[i],
						     0), 0);
		assert_int_equal(bpf_map_update_elem(ext_map(w, "shunt_dset_conf"), &i, &conf, 0),
				 0);
	}
}

static void ext_open(struct ext_world *w, bool xdp)
{
	const uint32_t hits_room = EXT_HITS;
	const uint8_t flows = 1;

	memset(w, 0, sizeof(*w));
	w->xdp = xdp;
	w->cpus = libbpf_num_possible_cpus();
	w->object = bpf_object__open_file(objtest_built(xdp ? "tests/lib/ext.xdp.o" :
							      "tests/lib/ext.tc.o"), NULL);
	if (!w->object)
		fail_msg("open: %s", strerror(errno));
	ext_resize(w, "shunt_cpu", w->cpus, 0);
	ext_resize(w, "filter_hits", EXT_HITS * w->cpus, 0);
	ext_resize(w, "filter_state", EXT_STATES, BPF_F_MMAPABLE);
	ext_resize(w, "shunt_events", EXT_EVENTS, 0);
	ext_resize(w, "ct_flows4", EXT_FLOWS, 0);
	ext_resize(w, "ct_flows6", EXT_FLOWS, 0);
	ext_rodata(w, "hits_room", &hits_room, sizeof(hits_room));
	ext_rodata(w, "flows", &flows, sizeof(flows));
	if (bpf_object__load(w->object))
		fail_msg("load: %s", strerror(errno));
	w->holds_fd = ext_prog(w, "ext_holds");
	w->run_fd = ext_prog(w, "ext_run");
	w->hit_fd = ext_prog(w, "ext_hit");
	w->none_fd = ext_prog(w, "ext_none");
	w->events_fd = ext_map(w, "shunt_events");
	w->buckets_fd = ext_map(w, "filter_buckets");
	w->image = ext_mmap(w, "filter_image", sizeof(*w->image));
	w->bss = ext_mmap(w, ".bss", sizeof(*w->bss));
	w->hits = ext_mmap(w, "filter_hits", sizeof(*w->hits) * EXT_HITS * w->cpus);
	w->state = ext_mmap(w, "filter_state", sizeof(*w->state) * EXT_STATES);
	w->flow4 = ext_mmap(w, "ct_flows4", sizeof(*w->flow4) * EXT_FLOWS);
	w->flow6 = ext_mmap(w, "ct_flows6", sizeof(*w->flow6) * EXT_FLOWS);
	ext_sets(w);
}

static void ext_close(struct ext_world *w)
{
	int i;

	munmap(w->image, sizeof(*w->image));
	munmap(w->bss, sizeof(*w->bss));
	munmap(w->hits, sizeof(*w->hits) * EXT_HITS * w->cpus);
	munmap(w->state, sizeof(*w->state) * EXT_STATES);
	munmap(w->flow4, sizeof(*w->flow4) * EXT_FLOWS);
	munmap(w->flow6, sizeof(*w->flow6) * EXT_FLOWS);
	for (i = 0; i < EXT_SETS; i++)
		close(w->set_fd[i]);
	bpf_object__close(w->object);
}

/* A program's answer to a frame, @repeat times over */
static uint32_t ext_ask(struct ext_world *w, int prog_fd, const struct ext_frame *frame, int repeat)
{
	struct xdp_md xdp = { .data_end = frame->linear };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = repeat, .data_in = frame->data,
		    .data_size_in = frame->len);

	if (w->xdp && frame->linear) {
		opts.ctx_in = &xdp;
		opts.ctx_size_in = sizeof(xdp);
	}
	if (bpf_prog_test_run_opts(prog_fd, &opts) < 0)
		fail_msg("test run: %s", strerror(errno));
	return opts.retval;
}

static uint32_t ext_ask_pkt(struct ext_world *w, int prog_fd, const struct pkt *p)
{
	const struct ext_frame frame = { .data = p->data, .len = p->len };
	uint32_t answer = ext_ask(w, prog_fd, &frame, 1);

	if (answer == EXT_MALFORMED)
		fail_msg("the root would drop it");
	return answer;
}

/* Sums over CPUs */
static struct filter_hits ext_hits(const struct ext_world *w, uint32_t index)
{
	struct filter_hits sum = { 0 };
	int cpu;

	for (cpu = 0; cpu < w->cpus; cpu++) {
		const struct filter_hits *hits = &w->hits[cpu * EXT_HITS + index];

		sum.packets += hits->packets;
		sum.bytes += hits->bytes;
		if (hits->last > sum.last)
			sum.last = hits->last;
	}
	return sum;
}

static void ext_clear(struct ext_world *w)
{
	memset(w->image, 0, sizeof(*w->image));
	memset(w->hits, 0, sizeof(*w->hits) * EXT_HITS * w->cpus);
	memset(w->state, 0, sizeof(*w->state) * EXT_STATES);
	memset(w->bss, 0, sizeof(*w->bss));
	memset(w->flow4, 0, sizeof(*w->flow4) * EXT_FLOWS);
	memset(w->flow6, 0, sizeof(*w->flow6) * EXT_FLOWS);
}

#endif
