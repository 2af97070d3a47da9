// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* gates.c - the entry arrays, and the gates that jump through them */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <base/file.h>
#include <kernel/gates.h>
#include <kernel/object.h>
#include <kernel/pins.h>

static const char *const kind_name[GATES_KINDS] = { "xdp", "tc" };

static int gates_table(const char *bpffs, const char *pin, enum bpf_map_type type, const char *name,
		       uint32_t value_size, struct err *err)
{
	char path[PINS_PATH_MAX];
	int fd, r;

	snprintf(path, sizeof(path), "%s/%s", bpffs, pin);
	fd = pins_get(path);
	if (fd != -ENOENT)
		return fd < 0 ? err_set(err, fd, "open pin '%s'", path) : fd;
	fd = bpf_map_create(type, name, sizeof(uint32_t), value_size, SHUNT_GRAPHS_MAX, NULL);
	if (fd < 0)
		return err_set(err, -errno, "create table '%s'", name);
	r = pins_pin(fd, path, err);
	if (r < 0) {
		fd_close(fd);
		return r;
	}
	return fd;
}

int gates_open(struct gates *gates, const char *bpffs, const char *objects, struct err *err)
{
	int kind, r = 0;
	char pin[32];

	memset(gates, 0xff, sizeof(*gates));	/* all descriptors -1 */
	gates->bpffs = strdup(bpffs);
	gates->objects = strdup(objects);
	for (kind = 0; kind < GATES_KINDS; kind++) {
		snprintf(pin, sizeof(pin), "entry_%s", kind_name[kind]);
		r = gates_table(bpffs, pin, BPF_MAP_TYPE_PROG_ARRAY, "shunt_entry",
				sizeof(uint32_t), err);
		if (r < 0)
			goto out;
		gates->entry_fd[kind] = r;
		snprintf(pin, sizeof(pin), "miss_%s", kind_name[kind]);
		r = gates_table(bpffs, pin, BPF_MAP_TYPE_PERCPU_ARRAY, "shunt_gate_miss",
				sizeof(uint64_t), err);
		if (r < 0)
			goto out;
		gates->miss_fd[kind] = r;
	}
out:
	if (r < 0)
		gates_close(gates);
	return r < 0 ? r : 0;
}

void gates_close(struct gates *gates)
{
	int kind, slot;

	for (kind = 0; kind < GATES_KINDS; kind++) {
		fd_close(gates->entry_fd[kind]);
		fd_close(gates->miss_fd[kind]);
		for (slot = 0; slot < SHUNT_GRAPHS_MAX; slot++)
			fd_close(gates->prog_fd[kind][slot]);
	}
	free(gates->bpffs);
	free(gates->objects);
	memset(gates, 0xff, sizeof(*gates));
	gates->bpffs = gates->objects = NULL;
}

void gates_object(const struct gates *gates, uint32_t hook, char *ret_path)
{
	snprintf(ret_path, PINS_PATH_MAX, "%s/gate.%s.o", gates->objects,
		 kind_name[gates_kind(hook)]);
}

int gates_program(struct gates *gates, uint32_t hook, uint32_t slot, struct err *err)
{
	enum gates_kind kind = gates_kind(hook);
	struct object_value value = { "shunt_gate_slot", &slot, sizeof(slot) };
	struct object_map map[] = {
		{ .name = "shunt_entry", .fd = gates->entry_fd[kind] },
		{ .name = "shunt_gate_miss", .fd = gates->miss_fd[kind] },
	};
	struct object_loaded loaded = { .prog_fd = -1 };
	char path[PINS_PATH_MAX];
	int r;

	if (gates->prog_fd[kind][slot] >= 0)
		return gates->prog_fd[kind][slot];
	gates_object(gates, hook, path);
	r = object_load(path, "the gate", &value, 1, map, 2, NULL, &loaded, err);
	if (r < 0)
		return r;
	gates->prog_fd[kind][slot] = loaded.prog_fd;
	loaded.prog_fd = -1;
	object_loaded_fini(&loaded);
	return gates->prog_fd[kind][slot];
}

/* The gate's rodata is its slot and nothing else */
static int gates_read_slot(int fd, const struct bpf_map_info *info, uint32_t *ret_slot)
{
	uint32_t zero = 0, value = 0;

	if (!strstr(info->name, ".rodata") || info->value_size != sizeof(value) ||
	    bpf_map_lookup_elem(fd, &zero, &value) < 0)
		return -ENOENT;
	*ret_slot = value;
	return 0;
}

static uint32_t gates_map_id(int fd)
{
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &len) == 0 ? info.id : 0;
}

/* Over the maps of a gate: its slot, and whether it jumps through our entry array */
static int gates_read_maps(const struct gates *gates, uint32_t hook, const uint32_t *map_id,
			   uint32_t n, uint32_t *ret_slot)
{
	uint32_t ours = gates_map_id(gates->entry_fd[gates_kind(hook)]), i;
	bool has_slot = false, has_entry = false;

	for (i = 0; i < n; i++) {
		struct bpf_map_info info = {};
		uint32_t len = sizeof(info);
		int fd = bpf_map_get_fd_by_id(map_id[i]);

		if (fd < 0)
			continue;
		if (bpf_obj_get_info_by_fd(fd, &info, &len) == 0)
			has_slot = gates_read_slot(fd, &info, ret_slot) == 0 || has_slot;
		has_entry = map_id[i] == ours || has_entry;
		fd_close(fd);
	}
	return has_slot && has_entry ? 0 : -ENOENT;
}

int gates_slot_of(const struct gates *gates, uint32_t hook, uint32_t prog_id, uint32_t *ret_slot)
{
	struct bpf_prog_info info = {};
	uint32_t map_id[8], len, n;
	int fd, r = -ENOENT;

	fd = bpf_prog_get_fd_by_id(prog_id);
	if (fd < 0)
		return -ENOENT;
	info.map_ids = (uintptr_t)map_id;
	info.nr_map_ids = sizeof(map_id) / sizeof(map_id[0]);
	len = sizeof(info);
	if (bpf_obj_get_info_by_fd(fd, &info, &len) == 0 && !strcmp(info.name, "shunt_gate")) {
		n = info.nr_map_ids < 8 ? info.nr_map_ids : 8;
		r = gates_read_maps(gates, hook, map_id, n, ret_slot);
	}
	fd_close(fd);
	return r;
}

int gates_set(struct gates *gates, uint32_t hook, uint32_t slot, int root_fd, struct err *err)
{
	if (bpf_map_update_elem(gates->entry_fd[gates_kind(hook)], &slot, &root_fd, BPF_ANY) < 0)
		return err_set(err, -errno, "write slot %u of the entry array", slot);
	return 0;
}

void gates_clear(struct gates *gates, uint32_t hook, uint32_t slot)
{
	int fd = gates->entry_fd[gates_kind(hook)];

	/* Once more if need be: what stays in a slot keeps its programs until the next start */
	if (bpf_map_delete_elem(fd, &slot) < 0 && errno != ENOENT)
		bpf_map_delete_elem(fd, &slot);
}

uint32_t gates_root(const struct gates *gates, uint32_t hook, uint32_t slot)
{
	uint32_t id;

	if (bpf_map_lookup_elem(gates->entry_fd[gates_kind(hook)], &slot, &id) < 0)
		return 0;
	return id;
}

uint64_t gates_misses(const struct gates *gates, uint32_t hook, uint32_t slot)
{
	int cpu, cpus = libbpf_num_possible_cpus();
	uint64_t value[cpus > 0 ? cpus : 1], sum = 0;

	if (cpus < 1 || bpf_map_lookup_elem(gates->miss_fd[gates_kind(hook)], &slot, value) < 0)
		return 0;
	for (cpu = 0; cpu < cpus; cpu++)
		sum += value[cpu];
	return sum;
}
