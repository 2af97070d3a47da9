// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * fib.bench.c - what a look-up in a forwarding table costs, beside other structures of the same
 * routes
 *
 * Every packet looks up another address, each below a random route of the table; '.hot' has 64 of
 * them over and over. Peers: DIR-24-8 with entries of 32 and of 16 bits, the kernel's LPM trie,
 * and bpf_fib_lookup() over the kernel's own routes in a namespace of this process. '.pages' is
 * the same table in pages that kmalloc() made. The floor is a program that reads the list alone.
 * Sizes and times to build and to change go to stderr.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <base/file.h>
#include <compile/fib.h>
#include <kernel/fib_tables.h>
#include <kernel/object.h>

#include "../lib/bench.h"
#include "../lib/fibroutes.h"
#include "../lib/rig.h"
#include "fib_peer.h"

#define HOT	64
#define TRIED	4096		/* addresses for which all must agree */

static struct err err;
static struct fib_tables *tables;
static struct fib_store store;
static struct fib *fib;
static struct fib_peer_list *list;
static int list_fd;
static struct fib_page *page_of[FIB_PAGES_MAX];
static uint32_t page_end;

enum side { LIST, OWN, PAGES, DIR32, DIR16, LPM, KERNEL, SIDES };
static const char *const side_name[SIDES] = { "list", "", ".pages", ".dir32", ".dir16", ".lpm",
					      ".kernel" };

static void need(int r, const char *what)
{
	if (r < 0)
		bench_die(what, err.text[0] ? err.text : strerror(-r));
}

/* ---- maps ---- */

static int array(const char *name, uint32_t value_size, uint32_t entries, uint32_t flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, 4, value_size, entries, &opts);

	need(fd < 0 ? -errno : fd, name);
	return fd;
}

static void *map_all(int fd, size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		bench_die("map a table", strerror(errno));
	return memory;
}

static int load(enum fib_peer_what what, uint32_t words, const struct object_map *more,
		unsigned int n_more)
{
	static const uint32_t ifindex = FIBROUTES_IFINDEX;
	struct object_map map[8];
	struct object_value value[] = { { "bench_what", &what, sizeof(what) },
					{ "bench_words", &words, sizeof(words) },
					{ "bench_ifindex", &ifindex, sizeof(ifindex) } };
	struct object_loaded loaded;
	int fd;

	fib_tables_maps(tables, map);
	map[2] = (struct object_map){ .name = "bench_list", .fd = list_fd };
	memcpy(map + 3, more, n_more * sizeof(*more));
	need(object_load(rig_built("tests/bench/fib.xdp.o"), "a look-up", value, 3, map, 3 + n_more,
			 NULL, &loaded, &err), "load");
	fd = dup(loaded.prog_fd);
	object_loaded_fini(&loaded);
	return fd;
}

static size_t memlock(int fd)
{
	char path[64], line[128];
	size_t bytes = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "memlock: %zu", &bytes);
	if (file)
		fclose(file);
	return bytes;
}

/* ---- the table under test ---- */

static int remember_add(void *data, uint32_t first, uint32_t n, struct fib_page **ret_page)
{
	int r = fib_tables_add(data, first, n, ret_page);

	if (r == 0) {
		memcpy(&page_of[first], ret_page, n * sizeof(*ret_page));
		page_end = first + n > page_end ? first + n : page_end;
	}
	return r;
}

static void remember_remove(void *data, uint32_t first, uint32_t n, struct fib_page **page)
{
	fib_tables_remove(data, first, n, page);
	memset(&page_of[first], 0, n * sizeof(*page));
}

static void table_new(void)
{
	need(fib_tables_new(2, &tables, &err), "tables");
	page_end = 0;
	memset(page_of, 0, sizeof(page_of));
	store = (struct fib_store){
		.add = remember_add, .remove = remember_remove, .data = tables,
		.table = fib_tables_memory(tables), .n_tables = 2,
	};
	need(fib_new(&store, 88172645463325252ULL, &fib), "tables");
}

static void table_build(const char *name, const struct fibroutes *routes)
{
	uint64_t start = bench_wall_ns(), cpu = bench_cpu_ns();
	struct fib_size size;
	size_t i;

	fib_load_begin(fib);
	for (i = 0; i < routes->n; i++)
		need(fib_set(fib, &routes->at[i], &err), "insert");
	need(fib_load_end(fib, &err), "load");
	fib_measure(fib, &size);
	fprintf(stderr, "%s: %zu routes, built in %.0f ms (CPU %.0f), %.2f MB in %zu pages, ",
		name, size.routes4 + size.routes6, (bench_wall_ns() - start) / 1e6,
		(bench_cpu_ns() - cpu) / 1e6, size.used / 1e6, size.pages);
	fprintf(stderr, "%.1f MB retired, %.1f MB here\n", size.retired / 1e6,
		size.here_bytes / 1e6);
	fib_reuse(fib);
	if (fib_verify(fib, NULL))
		bench_die(name, "the table does not say what the routes say");
}

/* The same in pages of kmalloc(), which lie behind large pages. Return: fd of fib_pages */
static int pages_copy(void)
{
	static uint32_t number[FIB_PAGES_MAX];
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	uint32_t zero = 0, one = 1, i;
	int outer, fd;

	opts.inner_map_fd = array("template", sizeof(struct fib_page), 1, 0);
	outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "fib_pages", 4, 4, FIB_PAGES_MAX,
			       &opts);
	need(outer < 0 ? -errno : 0, "pages");
	for (i = 0; i < page_end; i++) {
		if (!page_of[i])
			continue;
		fd = array("page", sizeof(struct fib_page), 1, 0);
		need(bpf_map_update_elem(fd, &zero, page_of[i], BPF_ANY), "page");
		number[0] = i;
		one = 1;
		need(bpf_map_update_batch(outer, number, &fd, &one, NULL), "page");
		fd_close(fd);
	}
	fd_close(opts.inner_map_fd);
	return outer;
}

/* ---- peers ---- */

static int dir_load(const struct fibroutes *routes, bool narrow, uint32_t words)
{
	uint32_t each = narrow ? 2 : 4, per = FIB_PEER_CHUNK / each, n_long = 0, slot, i;
	uint32_t most = narrow ? FIB_PEER_LONG16 : 1U << 20;
	struct object_map map[2] = { { .name = "bench_dir" }, { .name = "bench_long" } };
	uint8_t *is_long = calloc(1, 1 << 24);
	struct fib_peer_chunk *dir, *more;
	int fd;

	for (i = 0; i < routes->n; i++)
		if (routes->at[i].len > 24)
			is_long[routes->at[i].high >> 40] = 1;
	for (i = 0; i < 1 << 24; i++)
		n_long += is_long[i];
	if (n_long >= most)
		bench_die("dir", "too many long ones");
	map[0].fd = array("dir", FIB_PEER_CHUNK, (1 << 24) / per, BPF_F_MMAPABLE);
	map[1].fd = array("long", FIB_PEER_CHUNK, n_long * 256 / per + 1, BPF_F_MMAPABLE);
	dir = map_all(map[0].fd, (size_t)each << 24);
	more = map_all(map[1].fd, (size_t)(n_long * 256 / per + 1) * FIB_PEER_CHUNK);
	for (i = 0, n_long = 0; i < 1 << 24; i++) {
		uint32_t value = fib_find(fib, 4, 0, (uint64_t)i << 40, 0);

		for (slot = 0; is_long[i] && slot < 256; slot++) {
			uint32_t at = n_long * 256 + slot;

			value = fib_find(fib, 4, 0, (uint64_t)(i << 8 | slot) << 32, 0);
			if (narrow)
				more[at / per].narrow[at % per] = value;
			else
				more[at / per].wide[at % per] = value;
		}
		if (is_long[i])
			value = (narrow ? FIB_PEER_LONG16 : FIB_PEER_LONG32) | n_long++;
		if (narrow)
			dir[i / per].narrow[i % per] = value;
		else
			dir[i / per].wide[i % per] = value;
	}
	munmap(dir, (size_t)each << 24);
	munmap(more, (size_t)(n_long * 256 / per + 1) * FIB_PEER_CHUNK);
	free(is_long);
	fprintf(stderr, "  dir%u: %.1f MB\n", each * 8,
		((each << 24) + (double)n_long * 256 * each) / 1e6);
	fd = load(narrow ? FIB_PEER_DIR16 : FIB_PEER_DIR32, words, map, 2);
	fd_close(map[0].fd);
	fd_close(map[1].fd);
	return fd;
}

static int lpm_load(const struct fibroutes *routes, uint32_t words)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	bool six = routes->at[0].family == 6;
	struct object_map map = { .name = six ? "bench_lpm6" : "bench_lpm4" };
	uint64_t start = bench_wall_ns();
	int fd;
	size_t i;

	map.fd = bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "lpm", six ? 20 : 8, 4, routes->n, &opts);
	need(map.fd < 0 ? -errno : 0, "LPM trie");
	for (i = 0; i < routes->n; i++) {
		const struct fib_route *r = &routes->at[i];
		struct fib_peer_lpm4 four = { r->len, htobe32(r->high >> 32) };
		struct fib_peer_lpm6 key6 = { r->len, { htobe32(r->high >> 32), htobe32(r->high),
							htobe32(r->low >> 32), htobe32(r->low) } };

		if (bpf_map_update_elem(map.fd, six ? (void *)&key6 : &four, &r->hop, BPF_ANY) < 0)
			bench_die("LPM trie", strerror(errno));
	}
	fprintf(stderr, "  lpm: %.1f MB, %.0f ms\n", memlock(map.fd) / 1e6,
		(bench_wall_ns() - start) / 1e6);
	fd = load(six ? FIB_PEER_LPM6 : FIB_PEER_LPM4, words, &map, 1);
	fd_close(map.fd);
	return fd;
}

/* ---- cases ---- */

static void list_fill(const struct fibroutes *routes)
{
	unsigned int each = routes->at[0].family == 6 ? 4 : 1, i;
	uint64_t high, low;

	for (i = 0; i < FIB_PEER_WORDS; i += each) {
		fibroutes_below(routes, &high, &low);
		list->word[i] = high >> 32;
		if (each == 4) {
			list->word[i + 1] = high;
			list->word[i + 2] = low >> 32;
			list->word[i + 3] = low;
		}
	}
}

/* The first addresses: all find the same hops, the kernel finds a way for each */
static void agree(const char *name, const int *fd, const enum fib_peer_what *what)
{
	uint8_t packet[64] = { 0 };
	uint64_t sum = 0;
	unsigned int i;

	for (i = OWN; i < SIDES; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = TRIED, .data_in = packet,
			    .data_size_in = sizeof(packet));

		if (fd[i] < 0)
			continue;
		list->next = 0;
		memset(list->found, 0, sizeof(list->found));
		memset(list->sum, 0, sizeof(list->sum));
		need(bpf_prog_test_run_opts(fd[i], &opts), "run");
		if (list->found[what[i]] != TRIED)
			fprintf(stderr, "%s%s: %llu of %u found\n", name, side_name[i],
				(unsigned long long)list->found[what[i]], TRIED);
		if (i == KERNEL)
			continue;
		if (sum && list->sum[what[i]] != sum)
			bench_die(name, "another hop than the peers find");
		sum = list->sum[what[i]];
	}
}

/* Each side has a name of its own for $CASE. Return: whether it is to run */
static bool side_name_of(const char *name, bool hot, enum side side, char ret_line[80])
{
	snprintf(ret_line, 80, "%s%s%s", name, hot ? ".hot" : "", side_name[side]);
	return bench_wanted(ret_line);
}

static int side_load(enum side side, enum fib_peer_what what, const struct fibroutes *routes,
		     uint32_t words)
{
	struct object_map pages = { .name = "fib_pages" };
	bool six = routes->at[0].family == 6;
	int fd;

	switch (side) {
	case PAGES:
		pages.fd = pages_copy();
		fd = load(what, words, &pages, 1);
		fd_close(pages.fd);
		return fd;
	case DIR32:
	case DIR16:
		return six ? -1 : dir_load(routes, side == DIR16, words);
	case LPM:
		return lpm_load(routes, words);
	case KERNEL:
		return fibroutes_in_kernel() ? load(what, words, NULL, 0) : -1;
	default:
		return load(what, words, NULL, 0);
	}
}

static void measure(const char *name, const struct fibroutes *routes, bool hot)
{
	bool six = routes->at[0].family == 6;
	enum fib_peer_what what[SIDES] = {
		six ? FIB_PEER_LIST6 : FIB_PEER_LIST4, six ? FIB_PEER_FIB6 : FIB_PEER_FIB4,
		six ? FIB_PEER_FIB6 : FIB_PEER_FIB4, FIB_PEER_DIR32, FIB_PEER_DIR16,
		six ? FIB_PEER_LPM6 : FIB_PEER_LPM4, six ? FIB_PEER_KERNEL6 : FIB_PEER_KERNEL4,
	};
	uint32_t words = hot ? HOT * (six ? 4 : 1) : FIB_PEER_WORDS;
	uint8_t packet[64] = { 0 };
	struct bench_times times[2];
	double own = 0;
	unsigned int i;
	char line[80];
	int fd[SIDES];

	for (i = 0; i < SIDES; i++)
		fd[i] = i == LIST || side_name_of(name, hot, i, line) ?
				side_load(i, what[i], routes, words) : -1;
	agree(name, fd, what);
	/* One after the other, each beside the floor: they would take each other's caches */
	for (i = OWN; i < SIDES; i++) {
		const struct bench_side side[2] = { { fd[LIST], packet, sizeof(packet) },
						    { fd[i], packet, sizeof(packet) } };

		if (fd[i] < 0)
			continue;
		bench_run(side, 2, times);
		bench_sort(&times[0]);
		bench_sort(&times[1]);
		side_name_of(name, hot, i, line);
		bench_print(&(struct bench_line){
			.name = line, .n = routes->n, .ns = bench_median(&times[1]),
			.min_ns = bench_min(&times[1]), .floor_ns = bench_median(&times[0]),
			.peer_ns = own,
		});
		if (i == OWN)
			own = bench_median(&times[1]);
	}
	for (i = 0; i < SIDES; i++)
		fd_close(fd[i]);
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Withdraw a route and announce it again, @n times; each of both is a change */
static void changes(const char *name, const struct fibroutes *routes, unsigned int n)
{
	uint64_t *ns = calloc(2 * n, sizeof(*ns)), start;
	unsigned int i, k;

	for (i = 0; ns && i < n; i++) {
		const struct fib_route *r = &routes->at[(uint64_t)i * 7919 % routes->n];

		for (k = 0; k < 2; k++) {
			start = bench_wall_ns();
			need(k ? fib_set(fib, r, &err) : fib_del(fib, r, &err), "change");
			ns[2 * i + k] = bench_wall_ns() - start;
		}
		if (i % 64 == 0)
			fib_reuse(fib);
	}
	qsort(ns, 2 * n, sizeof(*ns), by_number);
	fprintf(stderr, "%s: %u changes: median %.1f us, p99 %.1f us, longest %.1f us\n", name,
		2 * n, ns[n] / 1e3, ns[2 * n * 99 / 100] / 1e3, ns[2 * n - 1] / 1e3);
	free(ns);
	if (fib_verify(fib, NULL))
		bench_die(name, "the table does not say what the routes say");
}

static void change_one(const char *name, const struct fib_route *route)
{
	uint64_t ns[2], start = bench_cpu_ns();

	need(fib_set(fib, route, &err), "change");
	ns[0] = bench_cpu_ns() - start;
	start = bench_cpu_ns();
	need(fib_del(fib, route, &err), "change");
	ns[1] = bench_cpu_ns() - start;
	fprintf(stderr, "%s: in %.2f ms of CPU, out %.2f\n", name, ns[0] / 1e6, ns[1] / 1e6);
}

static void run(const struct fibroutes_kind *kind)
{
	struct fib_route any = { .family = kind->family, .hop = 1 };
	struct fib_route wide = any;
	bool wanted[2] = { false, false };
	struct fibroutes routes;
	char name[32], line[80];
	unsigned int i;

	wide.len = kind->family == 4 ? 8 : 20;
	wide.high = kind->family == 4 ? 45ULL << 56 : 0x20010000ULL << 32;
	snprintf(name, sizeof(name), "fib.%u.%s", kind->family, kind->name);
	for (i = 0; i < 2 * SIDES; i++)
		wanted[i & 1] |= side_name_of(name, i & 1, i / 2, line);
	if (!wanted[0] && !wanted[1])
		return;
	fibroutes_make(kind, &routes);
	table_new();
	table_build(name, &routes);
	if (side_name_of(name, false, KERNEL, line) || side_name_of(name, true, KERNEL, line))
		fibroutes_to_kernel(&routes);
	list_fill(&routes);
	for (i = 0; i < 2; i++)
		if (wanted[i])
			measure(name, &routes, i);
	if (routes.n > 1)
		changes(name, &routes, 10000);
	change_one("  a short prefix over them", &wide);
	change_one("  the default route", &any);
	fib_free(fib);
	fib_tables_free(tables);
	fibroutes_fini(&routes);
}

int main(void)
{
	unsigned int i;

	bench_init();
	list_fd = array("bench_list", sizeof(*list), 1, BPF_F_MMAPABLE);
	list = map_all(list_fd, sizeof(*list));
	for (i = 0; fibroutes_kinds[i].name; i++)
		run(&fibroutes_kinds[i]);
	return 0;
}
