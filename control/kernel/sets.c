// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* sets.c - tables of sets, and what their slots hold */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <base/file.h>
#include <kernel/dset.h>
#include <kernel/pins.h>
#include <kernel/sets.h>

#define PAGES_AT_ONCE	512	/* descriptors that are open while pages are filled */

static const struct {
	const char *name, *pin;
	enum bpf_map_type type;
	uint32_t value_size, entries, flags;
} tables[SETS_TABLES] = {
	[SETS_STATIC] = { "shunt_sets", "sets", BPF_MAP_TYPE_ARRAY, sizeof(uint64_t),
			  SHUNT_SETS_MAX, BPF_F_MMAPABLE },
	[SETS_PAGES] = { "shunt_set_pages", "set_pages", BPF_MAP_TYPE_ARRAY_OF_MAPS,
			 sizeof(uint32_t), SHUNT_SET_PAGES_MAX, 0 },
	[SETS_DYNAMIC] = { "shunt_dsets", "dsets", BPF_MAP_TYPE_ARRAY_OF_MAPS, sizeof(uint32_t),
			   SHUNT_SETS_MAX, 0 },
	[SETS_CONF] = { "shunt_dset_conf", "dset_conf", BPF_MAP_TYPE_ARRAY,
			sizeof(struct shunt_dset_conf), SHUNT_SETS_MAX, 0 },
	[SETS_FULL] = { "shunt_dset_full", "dset_full", BPF_MAP_TYPE_PERCPU_ARRAY,
			sizeof(uint64_t), SHUNT_SETS_MAX, 0 },
};

/* ---- pages ---- */

static int page_create(const char *name)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(uint32_t),
				sizeof(struct shunt_set_page), 1, NULL);

	return fd < 0 ? -errno : fd;
}

static bool page_is_used(const struct sets *sets, uint32_t page)
{
	return sets->used[page / 64] >> page % 64 & 1;
}

static void pages_mark(struct sets *sets, uint32_t first, uint32_t n, bool used)
{
	for (; n; n--, first++) {
		sets->used[first / 64] &= ~(1ULL << first % 64);
		sets->used[first / 64] |= (uint64_t)used << first % 64;
	}
}

/* @n free ones in a row. Return: the first, or 0 */
static uint32_t pages_find(const struct sets *sets, uint32_t n)
{
	uint32_t page, run = 0;

	for (page = 1; page < SHUNT_SET_PAGES_MAX && run < n; page++)
		run = page_is_used(sets, page) ? 0 : run + 1;
	return run == n ? page - n : 0;
}

static uint32_t pages_of(size_t n_lines)
{
	return (n_lines + SHUNT_SET_PAGE_LINES - 1) / SHUNT_SET_PAGE_LINES;
}

/* By one call if the kernel can: each single update waits for all CPUs */
static int slots_write(int table_fd, const uint32_t *slot, const int *fd, uint32_t n)
{
	uint32_t count = n, i;

	if (bpf_map_update_batch(table_fd, slot, fd, &count, NULL) == 0)
		return 0;
	for (i = 0; i < n; i++)
		if (bpf_map_update_elem(table_fd, &slot[i], &fd[i], BPF_ANY) < 0)
			return -errno;
	return 0;
}

/* An empty map in place of each: an array of maps deletes only one by one, waiting each time */
static void pages_free(struct sets *sets, uint32_t first, uint32_t n)
{
	uint32_t slot[PAGES_AT_ONCE], i, some;
	int fd[PAGES_AT_ONCE], empty = page_create("empty");

	for (; n && empty >= 0; first += some, n -= some) {
		some = n < PAGES_AT_ONCE ? n : PAGES_AT_ONCE;
		for (i = 0; i < some; i++) {
			slot[i] = first + i;
			fd[i] = empty;
		}
		slots_write(sets->fd[SETS_PAGES], slot, fd, some);
		pages_mark(sets, first, some, false);
	}
	fd_close(empty);
}

/* Up to PAGES_AT_ONCE. Return: 0 or -errno */
static int pages_fill(struct sets *sets, const char *name, uint32_t first, const uint8_t *line,
		      size_t n_lines)
{
	uint32_t slot[PAGES_AT_ONCE], n = pages_of(n_lines), zero = 0, i = 0, k;
	struct shunt_set_page *last = calloc(1, sizeof(*last));
	int fd[PAGES_AT_ONCE], r = last ? 0 : -ENOMEM;

	for (i = 0; i < n && !r; i++) {
		const void *page = line + i * sizeof(*last);
		size_t left = n_lines - (size_t)i * SHUNT_SET_PAGE_LINES;

		if (left < SHUNT_SET_PAGE_LINES)
			page = memcpy(last, page, left * SHUNT_SET_LINE);
		slot[i] = first + i;
		fd[i] = page_create(name);
		if (fd[i] < 0)
			r = fd[i];
		else if (bpf_map_update_elem(fd[i], &zero, page, BPF_ANY) < 0)
			r = -errno;
	}
	if (!r)
		r = slots_write(sets->fd[SETS_PAGES], slot, fd, n);
	for (k = 0; k < i; k++)
		fd_close(fd[k]);
	free(last);
	return r;
}

/* ---- the tables ---- */

/* What all inner maps of a table must be like; -1: it has none. Return: fd or -errno */
static int template_create(enum sets_table table, struct err *err)
{
	int fd;

	if (table == SETS_DYNAMIC)
		return dset_create("template", 1, err);
	fd = page_create("template");
	return fd < 0 ? err_set(err, fd, "create a page of sets") : fd;
}

static int table_create(enum sets_table table, struct err *err)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = tables[table].flags);
	int inner_fd = -1, fd;

	if (tables[table].type == BPF_MAP_TYPE_ARRAY_OF_MAPS) {
		inner_fd = template_create(table, err);
		if (inner_fd < 0)
			return inner_fd;
		opts.inner_map_fd = inner_fd;
	}
	fd = bpf_map_create(tables[table].type, tables[table].name, sizeof(uint32_t),
			    tables[table].value_size, tables[table].entries, &opts);
	if (fd < 0)
		fd = err_set(err, -errno, "create table '%s'", tables[table].name);
	fd_close(inner_fd);
	return fd;
}

static int table_open(const char *bpffs, enum sets_table table, struct err *err)
{
	char path[PINS_PATH_MAX];
	int fd, r;

	if (!bpffs)
		return table_create(table, err);
	snprintf(path, sizeof(path), "%s/%s", bpffs, tables[table].pin);
	fd = pins_get(path);
	if (fd != -ENOENT)
		return fd < 0 ? err_set(err, fd, "open pin '%s'", path) : fd;
	fd = table_create(table, err);
	if (fd < 0)
		return fd;
	r = pins_pin(fd, path, err);
	if (r < 0) {
		fd_close(fd);
		return r;
	}
	return fd;
}

/* Line 0 of the set that begins with a page. Return: 0 or -errno */
static int head_read(const struct sets *sets, uint32_t page, struct shunt_set_head *ret_head)
{
	struct shunt_set_page *lines = malloc(sizeof(*lines));
	uint32_t id, zero = 0;
	int fd = -1, r = 0;

	if (!lines)
		return -ENOMEM;
	if (bpf_map_lookup_elem(sets->fd[SETS_PAGES], &page, &id) < 0 ||
	    (fd = bpf_map_get_fd_by_id(id)) < 0 || bpf_map_lookup_elem(fd, &zero, lines) < 0)
		r = -errno;
	else
		memcpy(ret_head, lines, sizeof(*ret_head));
	fd_close(fd);
	free(lines);
	return r;
}

/* Which pages are in use is what the slots' sets say; the rest is given back */
static int pages_adopt(struct sets *sets, struct err *err)
{
	struct shunt_set_head head;
	uint32_t slot, page, id;
	int r;

	for (slot = 0; slot < SHUNT_SETS_MAX; slot++) {
		if (!sets->slot[slot])
			continue;
		r = head_read(sets, sets->slot[slot], &head);
		if (r < 0)
			return err_set(err, r, "read static set %u", slot);
		sets->n_pages[sets->slot[slot]] = pages_of(head.lines);
		pages_mark(sets, sets->slot[slot], pages_of(head.lines), true);
	}
	/*
	 * A page that has been in use is never without a map again, and the first free ones are taken
	 * first: behind the first that has none there are no more
	 */
	for (page = 1; page < SHUNT_SET_PAGES_MAX; page++) {
		if (bpf_map_lookup_elem(sets->fd[SETS_PAGES], &page, &id) < 0)
			break;
		if (!page_is_used(sets, page))
			pages_free(sets, page, 1);
	}
	return 0;
}

int sets_open(const char *bpffs, struct sets **ret_sets, struct err *err)
{
	struct sets *sets = calloc(1, sizeof(*sets));
	void *slots;
	int table, r;

	if (!sets)
		return err_set(err, -ENOMEM, "open the tables of sets");
	memset(sets->fd, 0xff, sizeof(sets->fd));	/* all descriptors -1 */
	for (table = 0; table < SETS_TABLES; table++) {
		r = table_open(bpffs, table, err);
		if (r < 0)
			goto fail;
		sets->fd[table] = r;
	}
	slots = mmap(NULL, SHUNT_SETS_MAX * sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED,
		     sets->fd[SETS_STATIC], 0);
	if (slots == MAP_FAILED) {
		r = err_set(err, -errno, "map table 'shunt_sets'");
		goto fail;
	}
	sets->slot = slots;
	pages_mark(sets, 0, 1, true);		/* number 0 is none */
	r = bpffs ? pages_adopt(sets, err) : 0;
	if (r < 0)
		goto fail;
	*ret_sets = sets;
	return 0;
fail:
	sets_close(sets);
	return r;
}

void sets_close(struct sets *sets)
{
	int table;

	if (!sets)
		return;
	if (sets->slot)
		munmap((void *)sets->slot, SHUNT_SETS_MAX * sizeof(uint64_t));
	for (table = 0; table < SETS_TABLES; table++)
		fd_close(sets->fd[table]);
	free(sets);
}

void sets_maps(const struct sets *sets, struct object_map ret_map[SETS_TABLES])
{
	int table;

	for (table = 0; table < SETS_TABLES; table++)
		ret_map[table] = (struct object_map){ .name = tables[table].name,
						     .fd = sets->fd[table] };
}

/* ---- static sets ---- */

void sets_map_name(const char *name, char *ret)
{
	unsigned int i;

	for (i = 0; i < BPF_OBJ_NAME_LEN - 1 && name[i]; i++)
		ret[i] = isalnum((unsigned char)name[i]) ? name[i] : '_';
	ret[i] = '\0';
}

int sets_create(struct sets *sets, const char *name, const void *line, size_t n_lines,
		struct err *err)
{
	uint32_t n = pages_of(n_lines), first = pages_find(sets, n), page, some;
	size_t step = (size_t)PAGES_AT_ONCE * SHUNT_SET_PAGE_LINES, at;
	char short_name[BPF_OBJ_NAME_LEN];
	int r;

	if (!first)
		return err_set(err, -ENOSPC, "set '%s': %u pages", name, n);
	sets_map_name(name, short_name);
	pages_mark(sets, first, n, true);
	sets->n_pages[first] = n;
	for (page = first, at = 0; at < n_lines; page += some, at += step) {
		some = pages_of(n_lines - at < step ? n_lines - at : step);
		r = pages_fill(sets, short_name, page, (const uint8_t *)line + at * SHUNT_SET_LINE,
			       n_lines - at < step ? n_lines - at : step);
		if (r < 0) {
			pages_free(sets, first, n);
			return err_set(err, r, "set '%s': fill %u pages", name, n);
		}
	}
	return first;
}

int sets_hash(const struct sets *sets, uint32_t slot, uint64_t *ret_hash)
{
	uint32_t page = sets->slot[slot];
	struct shunt_set_head head;
	int r;

	if (!page)
		return -ENOENT;
	r = head_read(sets, page, &head);
	if (!r)
		*ret_hash = head.hash;
	return r;
}

/* ---- slots ---- */

int sets_dynamic(const struct sets *sets, uint32_t slot)
{
	uint32_t id;
	int fd;

	if (bpf_map_lookup_elem(sets->fd[SETS_DYNAMIC], &slot, &id) < 0)
		return -errno;
	fd = bpf_map_get_fd_by_id(id);
	return fd < 0 ? -errno : fd;
}

/* What is in the slots now. Return: 0 or -errno, then nothing is open */
static int changes_look(const struct sets *sets, struct sets_change *change, unsigned int n)
{
	unsigned int i;
	int page, r;

	for (i = 0; i < n; i++) {
		if (change[i].table == SETS_STATIC) {
			page = sets->slot[change[i].slot];
			change[i].old = page ? page : -1;
			continue;
		}
		r = sets_dynamic(sets, change[i].slot);
		change[i].old = r < 0 ? -1 : r;
		if (r >= 0 || r == -ENOENT)
			continue;
		while (i--) {
			if (change[i].table == SETS_DYNAMIC)
				fd_close(change[i].old);
			change[i].old = -1;
		}
		return r;
	}
	return 0;
}

/*
 * The dynamic ones among the changes: descriptors by one call, then those that are to hold nothing.
 * @back: to what they held
 */
static int dynamic_write(struct sets *sets, const struct sets_change *change, unsigned int n,
			 bool back)
{
	uint32_t slot[SHUNT_SETS_MAX], count = 0;
	int fd[SHUNT_SETS_MAX], to, r = 0;
	unsigned int i;

	for (i = 0; i < n; i++) {
		to = back ? change[i].old : change[i].set;
		if (change[i].table != SETS_DYNAMIC || to < 0 || count == SHUNT_SETS_MAX)
			continue;
		slot[count] = change[i].slot;
		fd[count++] = to;
	}
	if (count)
		r = slots_write(sets->fd[SETS_DYNAMIC], slot, fd, count);
	for (i = 0; i < n && !r; i++) {
		to = back ? change[i].old : change[i].set;
		if (change[i].table == SETS_DYNAMIC && to < 0 &&
		    bpf_map_delete_elem(sets->fd[SETS_DYNAMIC], &change[i].slot) < 0 &&
		    errno != ENOENT)
			r = -errno;
	}
	return r;
}

int sets_exchange(struct sets *sets, struct sets_change *change, unsigned int n, struct err *err)
{
	unsigned int i;
	int r;

	r = changes_look(sets, change, n);
	if (r < 0)
		return err_set(err, r, "look at the dynamic sets");
	r = dynamic_write(sets, change, n, false);
	if (r < 0) {
		sets_revert(sets, change, n);
		return err_set(err, r, "exchange dynamic sets");
	}
	for (i = 0; i < n; i++)
		if (change[i].table == SETS_STATIC)
			__atomic_store_n(&sets->slot[change[i].slot],
					 change[i].set < 0 ? 0 : change[i].set, __ATOMIC_RELEASE);
	return 0;
}

void sets_revert(struct sets *sets, struct sets_change *change, unsigned int n)
{
	unsigned int i;
	int set;

	dynamic_write(sets, change, n, true);
	for (i = 0; i < n; i++) {
		if (change[i].table == SETS_STATIC)
			__atomic_store_n(&sets->slot[change[i].slot],
					 change[i].old < 0 ? 0 : change[i].old, __ATOMIC_RELEASE);
		set = change[i].set;
		change[i].set = change[i].old;
		change[i].old = set;
	}
}

void sets_drop(struct sets *sets, struct sets_change *change, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (change[i].table == SETS_DYNAMIC) {	/* the slot holds the set by itself */
			fd_close(change[i].old);
			fd_close(change[i].set);
		} else if (change[i].old > 0) {
			pages_free(sets, change[i].old, sets->n_pages[change[i].old]);
		}
		change[i].set = change[i].old = -1;
	}
}

uint64_t sets_full(const struct sets *sets, uint32_t slot)
{
	int cpu, cpus = libbpf_num_possible_cpus();
	uint64_t value[cpus > 0 ? cpus : 1], sum = 0;

	if (cpus < 1 || bpf_map_lookup_elem(sets->fd[SETS_FULL], &slot, value) < 0)
		return 0;
	for (cpu = 0; cpu < cpus; cpu++)
		sum += value[cpu];
	return sum;
}
