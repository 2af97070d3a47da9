// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * set.bench.c - what a lookup in a set costs, beside the kernel's own maps of the same elements
 *
 * Every packet looks up another key, in random order, of a list longer than any cache; the floor is
 * an empty program, 'set.list' what reading the list adds. Half of the cases ask for what is in the
 * set, '.miss' for random values. Sizes and build times go to stderr.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>

#include <base/file.h>
#include <compile/set.h>
#include <kernel/dset.h>
#include <kernel/sets.h>

#include "../lib/bench.h"
#include "../lib/rig.h"
#include "set_peer.h"

uint64_t unit_random(uint64_t *state);

#define SLOT		3
#define LPM_MAX		1000000	/* the peer takes too long to fill with more */
#define MISS		".miss"

enum shape { HASH4, PREFIX4, PREFIX6, DENSE6, CONCAT, DYNAMIC, SHAPES };

static const struct {
	const char *name;
	enum expr_field field[3];
	unsigned int n_fields;
	unsigned int words;		/* of a key in the list */
	enum set_peer_what what, peer;
} shapes[SHAPES] = {
	[HASH4] = { "hash4", { EXPR_IP_SADDR }, 1, 1, SET_PEER_SET, SET_PEER_HASH },
	[PREFIX4] = { "prefix4", { EXPR_IP_SADDR }, 1, 1, SET_PEER_SET, SET_PEER_LPM4 },
	[PREFIX6] = { "prefix6", { EXPR_IP6_SADDR }, 1, 4, SET_PEER_SET, SET_PEER_LPM6 },
	[DENSE6] = { "dense6", { EXPR_IP6_SADDR }, 1, 4, SET_PEER_SET, SET_PEER_LPM6 },
	[CONCAT] = { "concat", { EXPR_IP_SADDR, EXPR_DPORT, EXPR_PROTO }, 3, 4, SET_PEER_SET,
		     SET_PEER_HASH },
	[DYNAMIC] = { "dynamic", { EXPR_IP_SADDR }, 1, 1, SET_PEER_DSET, SET_PEER_HASH },
};

static const struct {
	const char *name;
	unsigned int n;
} sizes[] = {
	{ "1k", 1000 }, { "10k", 10000 }, { "100k", 100000 }, { "1M", 1000000 }, { "4M", 4000000 },
};

static uint64_t seed = 88172645463325252ULL;
static struct sets *sets;
static int floor_fd, list_fd;
static struct set_peer_list *list;
static struct err err;

static uint32_t random32(void)
{
	return unit_random(&seed) >> 32;
}

static void need(int r, const char *what)
{
	if (r < 0)
		bench_die(what, err.text[0] ? err.text : strerror(-r));
}

/* ---- elements ---- */

static struct expr_interval prefix4(uint32_t value, unsigned int len)
{
	uint32_t host = len == 32 ? 0 : UINT32_MAX >> len;

	return (struct expr_interval){ { 0, value & ~host }, { 0, value | host } };
}

static struct expr_interval prefix6(uint64_t high, uint64_t low, unsigned int len)
{
	uint64_t host = len < 64 ? UINT64_MAX >> len : 0;
	uint64_t host_low = len > 64 ? 0 : UINT64_MAX;

	return (struct expr_interval){ { high & ~host, low & ~host_low },
				       { high | host, low | host_low } };
}

/* Lengths about as in a routing table with some hosts: most are /24, few are short */
static unsigned int length4(void)
{
	unsigned int dice = random32() % 100;

	return dice < 60 ? 24 : dice < 70 ? 22 : dice < 73 ? 20 : dice < 83 ? 28 : 32;
}

static void element(enum shape shape, struct expr_interval *ret)
{
	uint64_t high = unit_random(&seed) >> 3 | 0x2000000000000000ULL, low = unit_random(&seed);
	bool host = random32() % 20 == 0;

	switch (shape) {
	case PREFIX4:
		*ret = prefix4(0x01000000 + random32() % 0xdf000000, length4());
		break;
	case DENSE6:		/* under 300 of the /32s that registries hand out */
		high = (0x20010000ULL + (high >> 32) % 300 * 0x12345) << 32 | (uint32_t)high;
		/* fall through */
	case PREFIX6:
		*ret = prefix6(high, low, host ? 128 : shape == DENSE6 ? 44 + random32() % 21 :
								 32 + random32() % 33);
		break;
	case CONCAT:
		ret[0] = prefix4(random32(), 32);
		ret[1].first.lo = ret[1].last.lo = random32() & 0xffff;
		ret[2].first.lo = ret[2].last.lo = random32() & 1 ? 6 : 17;
		break;
	default:
		*ret = prefix4(random32(), 32);
	}
}

/* ---- what is asked ---- */

static struct expr_value value_in(const struct expr_interval *in)
{
	struct expr_value value = in->first;

	if (in->last.hi != in->first.hi) {
		value.hi += unit_random(&seed) % (in->last.hi - in->first.hi + 1);
		value.lo = unit_random(&seed);
	} else if (in->last.lo != in->first.lo) {
		value.lo += in->last.lo - in->first.lo == UINT64_MAX ? unit_random(&seed) :
			    unit_random(&seed) % (in->last.lo - in->first.lo + 1);
	}
	return value;
}

static void list_fill(enum shape shape, const struct set_spec *spec, bool miss)
{
	unsigned int words = shapes[shape].words, i, f, at;
	struct expr_interval tuple[3] = { 0 };

	list->next = 0;
	for (i = 0; i < SET_PEER_WORDS; i += words) {
		const struct expr_interval *in =
			&spec->tuple[unit_random(&seed) % spec->n * spec->n_fields];
		struct shunt_set_key key = { 0 };

		if (miss) {
			element(shape, tuple);
			in = tuple;
		}
		for (f = 0, at = 0; f < spec->n_fields; f++)
			at = set_key_add(&key, at, spec->field[f], value_in(&in[f]));
		memcpy(&list->word[i], key.word, words * sizeof(uint32_t));
	}
}

/* ---- programs ---- */

static int load(enum set_peer_what what, unsigned int words, const char *peer, unsigned int entries,
		struct object_loaded *ret_loaded)
{
	uint32_t mask = SET_PEER_WORDS - 1, slot = SLOT;
	struct object_value value[] = {
		{ "bench_what", &what, sizeof(what) },
		{ "bench_words", &words, sizeof(words) },
		{ "bench_mask", &mask, sizeof(mask) },
		{ "bench_slot", &slot, sizeof(slot) },
	};
	struct object_map map[SETS_TABLES + 2];

	sets_maps(sets, map);
	map[SETS_TABLES] = (struct object_map){ .name = "bench_list", .fd = list_fd };
	map[SETS_TABLES + 1] = (struct object_map){
		.name = peer ? peer : "bench_hash", .fd = -1, .entries = entries,
	};
	need(object_load(rig_built("tests/bench/set.xdp.o"), "a lookup", value, 4, map,
			 SETS_TABLES + 2, NULL, ret_loaded, &err), "load");
	return ret_loaded->prog_fd;
}

static void world_init(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	struct object_loaded loaded;

	need(sets_open(NULL, &sets, &err), "tables");
	need(object_load(rig_built("tests/bench/empty.xdp.o"), "the floor", NULL, 0, NULL, 0, NULL,
			 &loaded, &err), "load");
	floor_fd = loaded.prog_fd;
	list_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "bench_list", 4, sizeof(*list), 1, &opts);
	list = mmap(NULL, sizeof(*list), PROT_READ | PROT_WRITE, MAP_SHARED, list_fd, 0);
	if (list == MAP_FAILED)
		bench_die("list", "cannot map it");
}

static void update(int fd, const void *key, const void *value)
{
	if (bpf_map_update_elem(fd, key, value, BPF_ANY) < 0)
		bench_die("fill a peer", strerror(errno));
}

/* Prefixes, or keys as in the list, into the peer's map */
static void peer_fill(int fd, enum shape shape, const struct set_spec *spec)
{
	static const uint32_t one = 1;
	size_t i;

	for (i = 0; i < spec->n; i++) {
		const struct expr_interval *in = &spec->tuple[i * spec->n_fields];
		struct shunt_set_key key = { 0 };
		struct set_peer_lpm4 lpm4;
		struct set_peer_lpm6 lpm6;
		unsigned int f, at;

		for (f = 0, at = 0; f < spec->n_fields; f++)
			at = set_key_add(&key, at, spec->field[f], in[f].first);
		switch (shapes[shape].peer) {
		case SET_PEER_LPM4:
			lpm4.len = __builtin_clzll(in->first.lo ^ in->last.lo ?: 1) - 32;
			lpm4.len += in->first.lo == in->last.lo;
			lpm4.addr = htobe32(in->first.lo);
			update(fd, &lpm4, &one);
			break;
		case SET_PEER_LPM6:
			lpm6.len = in->first.hi != in->last.hi ?
				   __builtin_clzll(in->first.hi ^ in->last.hi) :
				   in->first.lo != in->last.lo ? 64 : 128;
			for (f = 0; f < 4; f++)
				lpm6.word[f] = htobe32(key.word[f]);
			update(fd, &lpm6, &one);
			break;
		default:
			update(fd, key.word, &one);
		}
	}
}

static const char *peer_map(enum shape shape)
{
	return shapes[shape].peer == SET_PEER_LPM4 ? "bench_lpm4" :
	       shapes[shape].peer == SET_PEER_LPM6 ? "bench_lpm6" :
	       shapes[shape].words == 1 ? "bench_hash4" : "bench_hash";
}

static void exchange(enum sets_table table, int set)
{
	struct sets_change change = { .table = table, .slot = SLOT, .set = set };
	uint64_t start = bench_wall_ns();

	need(set, "create");
	need(sets_exchange(sets, &change, 1, &err), "exchange");
	fprintf(stderr, ", exchange %.2f ms", (bench_wall_ns() - start) / 1e6);
	sets_drop(sets, &change, 1);
}

static void set_install(const char *name, const struct set_spec *spec)
{
	uint64_t start = bench_wall_ns(), built, filled;
	struct set_image image;
	int set;

	need(set_build(spec, &image, &err), "build");
	built = bench_wall_ns();
	set = sets_create(sets, name, image.line, image.n_lines, &err);
	filled = bench_wall_ns();
	fprintf(stderr, "%s: %s, %zu elements, build %.1f ms, fill %.1f ms, %.1f MB, %.1f B each",
		name, image.kind, spec->n, (built - start) / 1e6, (filled - built) / 1e6,
		image.n_lines * 64 / 1e6, image.n_lines * 64.0 / spec->n);
	exchange(SETS_STATIC, set);
	fprintf(stderr, "\n");
	set_image_fini(&image);
}

static void dset_install(const char *name, const struct set_spec *spec)
{
	struct dset_element *element = calloc(spec->n, sizeof(*element));
	int fd = dset_create(name, spec->n, &err);
	uint64_t start;
	size_t i;

	need(fd, "create");
	for (i = 0; element && i < spec->n; i++)
		set_key_add(&element[i].key, 0, spec->field[0], spec->tuple[i].first);
	start = bench_wall_ns();
	need(element ? dset_load(fd, element, spec->n, &err) : -ENOMEM, "load");
	fprintf(stderr, "%s: %zu elements, loaded in %.1f ms", name, spec->n,
		(bench_wall_ns() - start) / 1e6);
	exchange(SETS_DYNAMIC, fd);
	fprintf(stderr, "\n");
	free(element);
}

/* ---- cases ---- */

static void measure(const char *name, unsigned int n, int set_fd, int peer_fd, bool miss)
{
	uint8_t packet[64] = { 0 };
	struct bench_side side[] = {
		{ floor_fd, packet, sizeof(packet) }, { set_fd, packet, sizeof(packet) },
		{ peer_fd, packet, sizeof(packet) },
	};
	unsigned int n_sides = peer_fd < 0 ? 2 : 3, i;
	struct bench_times times[3];

	memset(list->by, 0, sizeof(list->by));
	bench_run(side, n_sides, times);
	for (i = 0; i < SET_PEER_WHATS; i++) {
		uint64_t asked = list->by[i].asked, found = list->by[i].found;

		if (asked && miss)
			fprintf(stderr, "%s: %.1f %% of the keys are in the set\n", name,
				100.0 * found / asked);
		else if (asked != found)
			bench_die(name, "a key of the set was not found");
	}
	for (i = 0; i < n_sides; i++)
		bench_sort(&times[i]);
	bench_print(&(struct bench_line){
		.name = name, .n = n, .ns = bench_median(&times[1]), .min_ns = bench_min(&times[1]),
		.floor_ns = bench_median(&times[0]),
		.peer_ns = peer_fd < 0 ? 0 : bench_median(&times[2]),
	});
}

static void run_shape(enum shape shape, unsigned int size)
{
	struct object_loaded set, peer = { .prog_fd = -1 };
	unsigned int n = sizes[size].n, i;
	struct set_spec spec = { .n_fields = shapes[shape].n_fields, .n = n };
	struct expr_interval *tuple;
	char name[2][64];
	bool lpm = shapes[shape].peer == SET_PEER_LPM4 || shapes[shape].peer == SET_PEER_LPM6;

	for (i = 0; i < 2; i++)
		snprintf(name[i], sizeof(name[i]), "set.%s.%s%s", shapes[shape].name,
			 sizes[size].name, i ? MISS : "");
	if (!bench_wanted(name[0]) && !bench_wanted(name[1]))
		return;
	tuple = calloc((size_t)n * spec.n_fields, sizeof(*tuple));
	if (!tuple)
		bench_die(name[0], "no memory");
	memcpy(spec.field, shapes[shape].field, sizeof(shapes[shape].field));
	for (i = 0; i < n; i++)
		element(shape, &tuple[i * spec.n_fields]);
	spec.tuple = tuple;
	spec.name = name[0];
	if (!lpm || n <= LPM_MAX) {
		load(shapes[shape].peer, shapes[shape].words, peer_map(shape), n, &peer);
		peer_fill(object_loaded_map(&peer, peer_map(shape)), shape, &spec);
	}
	if (shape != CONCAT && shape != DYNAMIC)
		spec.n = expr_merge(tuple, n);		/* as the model hands it over */
	if (shape == DYNAMIC)
		dset_install(name[0], &spec);
	else
		set_install(name[0], &spec);
	load(shapes[shape].what, shapes[shape].words, NULL, 1, &set);
	for (i = 0; i < 2; i++) {
		if (!bench_wanted(name[i]))
			continue;
		list_fill(shape, &spec, i);
		measure(name[i], n, set.prog_fd, peer.prog_fd, i);
	}
	object_loaded_fini(&set);
	if (peer.prog_fd >= 0)
		object_loaded_fini(&peer);
	free(tuple);
}

static void run_list(unsigned int words)
{
	struct object_loaded loaded;
	char name[32];

	snprintf(name, sizeof(name), "set.list.%u", words);
	if (!bench_wanted(name))
		return;
	load(SET_PEER_NONE, words, NULL, 1, &loaded);
	measure(name, 0, loaded.prog_fd, -1, true);
	object_loaded_fini(&loaded);
}

int main(void)
{
	unsigned int shape, size;

	bench_init();
	world_init();
	run_list(1);
	run_list(4);
	for (shape = 0; shape < SHAPES; shape++)
		for (size = 0; size < sizeof(sizes) / sizeof(sizes[0]); size++)
			run_shape(shape, size);
	return 0;
}
