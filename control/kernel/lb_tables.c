// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* lb_tables.c - the tables of load balancers: make, pin, adopt, resize */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <base/arena.h>
#include <base/file.h>
#include <base/log.h>
#include <kernel/lb_tables_priv.h>
#include <kernel/pins.h>

/* Pins: the tables in use; those of another size that are about to be */
#define DIR_NOW		"lb"
#define DIR_NEXT	"lb_new"

#define TABLE_SHAPE(id, name_, type_, key_, value_, entries_, flags_)	\
	[LB_TABLE_##id] = { name_, BPF_MAP_TYPE_##type_, sizeof(key_), sizeof(value_), entries_, \
			    flags_ },
static const struct {
	const char *name;
	enum bpf_map_type type;
	uint32_t key_size, value_size, entries, flags;
} shape[LB_TABLE_MAX] = { LB_TABLES(TABLE_SHAPE) };

static void table_path(const struct lb_tables *tables, const char *dir, enum lb_table table,
		       char *ret_path)
{
	snprintf(ret_path, PINS_PATH_MAX, "%s/%s/%s", tables->bpffs, dir, shape[table].name);
}

static void dir_path(const struct lb_tables *tables, const char *dir, char *ret_path)
{
	snprintf(ret_path, PINS_PATH_MAX, "%s/%s", tables->bpffs, dir);
}

static uint32_t wanted_entries(const struct lb_tables *tables, enum lb_table table,
			       const struct plan_lb *plan)
{
	switch (table) {
	case LB_TABLE_FLOWS:
		return plan->buckets;
	case LB_TABLE_FOUND:
		return LB_FOUND * tables->cpus;
	case LB_TABLE_COUNTS:
	case LB_TABLE_DROPS:
		return plan->room * (tables->cpus + 1);	/* the last part: see lb_tables_carry_counts() */
	default:
		return shape[table].entries;
	}
}

/* ---- one table ---------------------------------------------------------------------------- */

static size_t map_bytes(enum lb_table table, const struct lb_map *map)
{
	return (size_t)map->entries * shape[table].value_size;
}

static void map_close(enum lb_table table, struct lb_map *map)
{
	if (map->map)
		munmap(map->map, map_bytes(table, map));
	fd_close(map->fd);
	*map = (struct lb_map){ .fd = -1 };
}

/* @fd: taken */
static int map_take(enum lb_table table, int fd, uint32_t entries, struct lb_map *map,
		    struct err *err)
{
	void *bytes;

	*map = (struct lb_map){ .fd = fd, .entries = entries };
	if (!(shape[table].flags & BPF_F_MMAPABLE))
		return 0;
	bytes = mmap(NULL, map_bytes(table, map), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED) {
		err_set(err, -errno, "map table '%s'", shape[table].name);
		map_close(table, map);
		return err ? err->code : -ENOMEM;
	}
	map->map = bytes;
	return 0;
}

static int map_create(enum lb_table table, uint32_t entries, struct lb_map *map, struct err *err)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = shape[table].flags);
	uint32_t *word = NULL;
	int inner_fd = -1, fd;

	if (shape[table].type == BPF_MAP_TYPE_ARRAY_OF_MAPS) {
		inner_fd = lb_tables_make_ring(1, &word, err);
		if (inner_fd < 0)
			return inner_fd;
		opts.inner_map_fd = inner_fd;
	}
	fd = bpf_map_create(shape[table].type, shape[table].name, shape[table].key_size,
			    shape[table].value_size, entries, &opts);
	if (fd < 0)
		fd = err_set(err, -errno, "create table '%s'", shape[table].name);
	if (word)
		lb_tables_unmap_ring(word, 1);
	fd_close(inner_fd);
	return fd < 0 ? fd : map_take(table, fd, entries, map, err);
}

static bool map_is_alike(enum lb_table table, const struct bpf_map_info *info)
{
	return info->type == shape[table].type && info->key_size == shape[table].key_size &&
	       info->value_size == shape[table].value_size &&
	       info->map_flags == shape[table].flags &&
	       (!shape[table].entries || info->max_entries == shape[table].entries);
}

/* Return: 0, be it that nothing is pinned */
static int map_adopt(const struct lb_tables *tables, const char *dir, enum lb_table table,
		     struct lb_map *map, struct err *err)
{
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);
	char path[PINS_PATH_MAX];
	int fd;

	table_path(tables, dir, table, path);
	fd = pins_get(path);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return err_set(err, fd < 0 ? fd : -errno, "open pin '%s'", path);
	if (map_is_alike(table, &info))
		return map_take(table, fd, info.max_entries, map, err);
	fd_close(fd);
	return err_set(err, -EPROTO, "pin '%s' has another layout: detach with the shuntd that made it, then start again.",
		       path);
}

static int map_make(const struct lb_tables *tables, const char *dir, enum lb_table table,
		    uint32_t entries, struct lb_map *map, struct err *err)
{
	char path[PINS_PATH_MAX];
	int r;

	dir_path(tables, dir, path);
	r = pins_mkdir(path, err);
	if (r == 0)
		r = map_create(table, entries, map, err);
	if (r < 0)
		return r;
	table_path(tables, dir, table, path);
	pins_remove(path);
	r = pins_pin(map->fd, path, err);
	if (r < 0)
		map_close(table, map);
	return r;
}

/* ---- all of them -------------------------------------------------------------------------- */

int lb_tables_open(const char *bpffs, struct lb_tables **ret_tables, struct err *err)
{
	struct lb_tables *tables = calloc(1, sizeof(*tables));
	int cpus = libbpf_num_possible_cpus(), r = 0;
	unsigned int i;

	if (!tables || !(tables->bpffs = strdup(bpffs)))
		arena_no_memory();
	for (i = 0; i < LB_TABLE_MAX; i++)
		tables->now[i].fd = tables->next[i].fd = -1;
	if (cpus < 0)
		r = err_set(err, cpus, "count the CPUs");
	tables->cpus = cpus;
	for (i = 0; r == 0 && i < LB_TABLE_MAX; i++) {
		r = map_adopt(tables, DIR_NOW, i, &tables->now[i], err);
		if (r == 0)
			r = map_adopt(tables, DIR_NEXT, i, &tables->next[i], err);
	}
	if (r < 0) {
		lb_tables_close(tables);
		return r;
	}
	*ret_tables = tables;
	return 0;
}

void lb_tables_close(struct lb_tables *tables)
{
	unsigned int i;

	if (!tables)
		return;
	for (i = 0; i < LB_TABLE_MAX; i++) {
		map_close(i, &tables->now[i]);
		map_close(i, &tables->next[i]);
	}
	free(tables->bpffs);
	free(tables);
}

bool lb_tables_exist(const struct lb_tables *tables)
{
	unsigned int i;

	for (i = 0; i < LB_TABLE_MAX; i++)
		if (tables->now[i].fd < 0 && tables->next[i].fd < 0)
			return false;
	return true;
}

bool lb_tables_fit(const struct lb_tables *tables, const struct plan_lb *plan)
{
	unsigned int i;

	for (i = 0; i < LB_TABLE_MAX; i++) {
		uint32_t entries = wanted_entries(tables, i, plan);

		if (tables->next[i].entries != entries && tables->now[i].entries != entries)
			return false;
	}
	return true;
}

/* Tables that are there for the first time are in use at once: no program knows them */
int lb_tables_reserve(struct lb_tables *tables, const struct plan_lb *plan, struct err *err)
{
	unsigned int i;
	int r = 0;

	for (i = 0; plan && r == 0 && i < LB_TABLE_MAX; i++) {
		uint32_t entries = wanted_entries(tables, i, plan);

		if (tables->next[i].entries == entries || tables->now[i].entries == entries)
			continue;
		map_close(i, &tables->next[i]);
		if (tables->now[i].fd < 0)
			r = map_make(tables, DIR_NOW, i, entries, &tables->now[i], err);
		else
			r = map_make(tables, DIR_NEXT, i, entries, &tables->next[i], err);
	}
	return r;
}

void lb_tables_refresh(struct lb_tables *tables)
{
	if (tables->next[LB_TABLE_FLOWS].fd >= 0)
		lb_tables_carry_flows(&tables->now[LB_TABLE_FLOWS], &tables->next[LB_TABLE_FLOWS]);
}

static void settle_one(struct lb_tables *tables, enum lb_table table)
{
	char from[PINS_PATH_MAX], to[PINS_PATH_MAX];

	table_path(tables, DIR_NEXT, table, from);
	table_path(tables, DIR_NOW, table, to);
	pins_remove(to);
	if (rename(from, to) < 0)
		log_error("rename '%s' to '%s': %s", from, to, strerror(errno));
	map_close(table, &tables->now[table]);
	tables->now[table] = tables->next[table];
	tables->next[table] = (struct lb_map){ .fd = -1 };
}

static void tables_drop(struct lb_tables *tables)
{
	char path[PINS_PATH_MAX];
	unsigned int i;

	lb_tables_abandon(tables);
	for (i = 0; i < LB_TABLE_MAX; i++)
		map_close(i, &tables->now[i]);
	dir_path(tables, DIR_NOW, path);
	pins_remove(path);
}

void lb_tables_settle(struct lb_tables *tables, const struct plan_lb *plan)
{
	unsigned int i;

	if (!plan) {
		tables_drop(tables);
		return;
	}
	for (i = 0; i < LB_TABLE_MAX; i++) {
		if (tables->next[i].fd < 0)
			continue;
		if (i == LB_TABLE_FLOWS)
			lb_tables_carry_flows(&tables->now[i], &tables->next[i]);
		else
			lb_tables_carry_counts(tables, i);
		settle_one(tables, i);
	}
	lb_tables_abandon(tables);	/* the folder */
}

void lb_tables_abandon(struct lb_tables *tables)
{
	char path[PINS_PATH_MAX];
	unsigned int i;

	for (i = 0; i < LB_TABLE_MAX; i++)
		map_close(i, &tables->next[i]);
	dir_path(tables, DIR_NEXT, path);
	pins_remove(path);
}

unsigned int lb_tables_maps(const struct lb_tables *tables, struct object_map ret_map[LB_TABLE_MAX])
{
	unsigned int i, n = 0;

	for (i = 0; i < LB_TABLE_MAX; i++) {
		const struct lb_map *map = tables->next[i].fd >= 0 ? &tables->next[i] :
								    &tables->now[i];

		if (map->fd >= 0)
			ret_map[n++] = (struct object_map){
				.name = shape[i].name, .fd = map->fd, .optional = true,
			};
	}
	return n;
}
