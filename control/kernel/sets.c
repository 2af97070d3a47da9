// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* sets.c - tables of sets, and what their slots hold */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <base/file.h>
#include <kernel/dset.h>
#include <kernel/pins.h>
#include <kernel/sets.h>

static const struct {
	const char *name, *pin;
	enum bpf_map_type type;
	uint32_t value_size;
} tables[SETS_TABLES] = {
	[SETS_STATIC] = { "shunt_sets", "sets", BPF_MAP_TYPE_ARRAY_OF_MAPS, sizeof(uint32_t) },
	[SETS_DYNAMIC] = { "shunt_dsets", "dsets", BPF_MAP_TYPE_ARRAY_OF_MAPS, sizeof(uint32_t) },
	[SETS_CONF] = { "shunt_dset_conf", "dset_conf", BPF_MAP_TYPE_ARRAY,
			sizeof(struct shunt_dset_conf) },
	[SETS_FULL] = { "shunt_dset_full", "dset_full", BPF_MAP_TYPE_PERCPU_ARRAY,
			sizeof(uint64_t) },
};

/* ---- the tables ---- */

/* What all inner maps of a table must be like. Return: fd or -errno */
static int template_create(enum sets_table table, struct err *err)
{
	static const uint8_t none[SHUNT_SET_LINE];

	return table == SETS_STATIC ? sets_create("template", none, 1, err) :
				      dset_create("template", 1, err);
}

static int table_create(enum sets_table table, struct err *err)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	bool outer = tables[table].type == BPF_MAP_TYPE_ARRAY_OF_MAPS;
	int inner_fd = -1, fd;

	if (outer) {
		inner_fd = template_create(table, err);
		if (inner_fd < 0)
			return inner_fd;
		opts.inner_map_fd = inner_fd;
	}
	fd = bpf_map_create(tables[table].type, tables[table].name, sizeof(uint32_t),
			    tables[table].value_size, SHUNT_SETS_MAX, &opts);
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

int sets_open(const char *bpffs, struct sets *ret_sets, struct err *err)
{
	struct sets sets;
	int table;

	memset(&sets, 0xff, sizeof(sets));	/* all descriptors -1 */
	for (table = 0; table < SETS_TABLES; table++) {
		sets.fd[table] = table_open(bpffs, table, err);
		if (sets.fd[table] < 0) {
			int r = sets.fd[table];

			sets_close(&sets);
			return r;
		}
	}
	*ret_sets = sets;
	return 0;
}

void sets_close(struct sets *sets)
{
	int table;

	for (table = 0; table < SETS_TABLES; table++) {
		fd_close(sets->fd[table]);
		sets->fd[table] = -1;
	}
}

void sets_maps(const struct sets *sets, struct object_map ret_map[SETS_TABLES])
{
	int table;

	for (table = 0; table < SETS_TABLES; table++)
		ret_map[table] = (struct object_map){ tables[table].name, sets->fd[table], 0 };
}

/* ---- static sets ---- */

void sets_map_name(const char *name, char *ret)
{
	unsigned int i;

	for (i = 0; i < BPF_OBJ_NAME_LEN - 1 && name[i]; i++)
		ret[i] = isalnum((unsigned char)name[i]) ? name[i] : '_';
	ret[i] = '\0';
}

int sets_create(const char *name, const void *line, size_t n_lines, struct err *err)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	char short_name[BPF_OBJ_NAME_LEN];
	size_t size = n_lines * SHUNT_SET_LINE;
	void *map;
	int fd, r;

	sets_map_name(name, short_name);
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, short_name, sizeof(uint32_t), SHUNT_SET_LINE,
			    n_lines, &opts);
	if (fd < 0)
		return err_set(err, -errno, "create the map of set '%s', %zu bytes", name, size);
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (map == MAP_FAILED) {
		r = err_set(err, -errno, "fill the map of set '%s'", name);
		fd_close(fd);
		return r;
	}
	memcpy(map, line, size);
	munmap(map, size);
	return fd;
}

int sets_hash(const struct sets *sets, uint32_t slot, uint64_t *ret_hash)
{
	struct shunt_set_head head;
	uint32_t zero = 0;
	int fd, r;

	fd = sets_inner(sets, SETS_STATIC, slot);
	if (fd < 0)
		return fd;
	r = bpf_map_lookup_elem(fd, &zero, &head) < 0 ? -errno : 0;
	fd_close(fd);
	if (!r)
		*ret_hash = head.hash;
	return r;
}

/* ---- slots ---- */

int sets_inner(const struct sets *sets, enum sets_table table, uint32_t slot)
{
	uint32_t id;
	int fd;

	if (bpf_map_lookup_elem(sets->fd[table], &slot, &id) < 0)
		return -errno;
	fd = bpf_map_get_fd_by_id(id);
	return fd < 0 ? -errno : fd;
}

static int slot_write(const struct sets *sets, enum sets_table table, uint32_t slot, int fd)
{
	int r;

	if (fd >= 0)
		r = bpf_map_update_elem(sets->fd[table], &slot, &fd, BPF_ANY);
	else
		r = bpf_map_delete_elem(sets->fd[table], &slot);
	return r < 0 && !(fd < 0 && errno == ENOENT) ? -errno : 0;
}

/*
 * As many of the changes as one call can make: new maps of one table. Each single update waits for
 * all CPUs; a batch waits once or, before Linux 6.8, not at all. Return: how many, or -errno
 */
static int exchange_some(const struct sets *sets, const struct sets_change *change, unsigned int n)
{
	uint32_t slot[SHUNT_SETS_MAX];
	int fd[SHUNT_SETS_MAX], r;
	__u32 count = 0;

	while (count < n && count < SHUNT_SETS_MAX && change[count].fd >= 0 &&
	       change[count].table == change->table) {
		slot[count] = change[count].slot;
		fd[count] = change[count].fd;
		count++;
	}
	if (count && bpf_map_update_batch(sets->fd[change->table], slot, fd, &count, NULL) == 0)
		return count;
	/* kernel without it, or with a reason not to: that is told by a single one */
	r = slot_write(sets, change->table, change->slot, change->fd);
	return r < 0 ? r : 1;
}

int sets_exchange(const struct sets *sets, struct sets_change *change, unsigned int n,
		  struct err *err)
{
	unsigned int i, done;
	int r = 0;

	for (i = 0; i < n; i++) {
		r = sets_inner(sets, change[i].table, change[i].slot);
		change[i].old_fd = r < 0 ? -1 : r;
		if (r < 0 && r != -ENOENT) {
			while (i--) {
				fd_close(change[i].old_fd);
				change[i].old_fd = -1;
			}
			return err_set(err, r, "look at what set %u is", change->slot);
		}
	}
	for (done = 0; done < n; done += r) {
		r = exchange_some(sets, &change[done], n - done);
		if (r < 0) {
			sets_revert(sets, change, n);
			return err_set(err, r, "exchange set %u", change[done].slot);
		}
	}
	return 0;
}

void sets_revert(const struct sets *sets, struct sets_change *change, unsigned int n)
{
	unsigned int i;

	for (i = n; i-- > 0;) {
		slot_write(sets, change[i].table, change[i].slot, change[i].old_fd);
		fd_close(change[i].old_fd);
		change[i].old_fd = -1;
	}
}

void sets_drop(struct sets_change *change, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		fd_close(change[i].old_fd);
		fd_close(change[i].fd);
		change[i].fd = change[i].old_fd = -1;
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
