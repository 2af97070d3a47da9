// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* hits.c - table 'filter_hits': what rules and named counters counted, mapped */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <base/file.h>
#include <kernel/hits.h>
#include <kernel/pins.h>

static size_t hits_bytes(const struct hits *hits)
{
	return sizeof(struct filter_hits) * hits->room * (hits->cpus + 1);
}

static int hits_map(struct hits *hits, struct err *err)
{
	void *part = mmap(NULL, hits_bytes(hits), PROT_READ | PROT_WRITE, MAP_SHARED, hits->fd, 0);

	if (part == MAP_FAILED)
		return err_set(err, -errno, "map table 'filter_hits'");
	hits->part = part;
	return 0;
}

static int hits_cpus(struct hits *hits, struct err *err)
{
	int cpus = libbpf_num_possible_cpus();

	*hits = (struct hits){ .fd = -1 };
	if (cpus < 0)
		return err_set(err, cpus, "count the CPUs");
	hits->cpus = cpus;
	return 0;
}

int hits_create(struct hits *hits, uint32_t room, struct err *err)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int r;

	r = hits_cpus(hits, err);
	if (r < 0)
		return r;
	hits->room = room;
	hits->fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "filter_hits", sizeof(uint32_t),
				  sizeof(struct filter_hits), room * (hits->cpus + 1), &opts);
	if (hits->fd < 0)
		return err_set(err, -errno, "create table 'filter_hits' for %u rules", room);
	r = hits_map(hits, err);
	if (r < 0)
		hits_close(hits);
	return r;
}

static int hits_adopt(struct hits *hits, int fd, const char *pin, struct err *err)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	int r;

	r = hits_cpus(hits, err);
	hits->fd = fd;
	if (r == 0 && bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		r = err_set(err, -errno, "look at pin '%s'", pin);
	if (r == 0 && (info.type != BPF_MAP_TYPE_ARRAY ||
		       info.value_size != sizeof(struct filter_hits) ||
		       info.max_entries % (hits->cpus + 1)))
		r = err_set(err, -EPROTO, "pin '%s' has another layout: detach with the shuntd that "
			    "made it, then start again.", pin);
	if (r == 0) {
		hits->room = info.max_entries / (hits->cpus + 1);
		r = hits_map(hits, err);
	}
	if (r < 0)
		hits_close(hits);
	return r;
}

int hits_open(struct hits *hits, const char *pin, uint32_t room, struct err *err)
{
	int fd = pins_get(pin), r;

	if (fd >= 0)
		return hits_adopt(hits, fd, pin, err);
	if (fd != -ENOENT)
		return err_set(err, fd, "open pin '%s'", pin);
	r = hits_create(hits, room, err);
	if (r < 0)
		return r;
	r = pins_pin(hits->fd, pin, err);
	if (r < 0)
		hits_close(hits);
	return r;
}

void hits_close(struct hits *hits)
{
	if (hits->part)
		munmap(hits->part, hits_bytes(hits));
	fd_close(hits->fd);
	hits->part = NULL;
	hits->fd = -1;
}

void hits_get(const struct hits *hits, uint32_t index, struct filter_hits *ret)
{
	const struct filter_hits *part;
	unsigned int cpu;

	*ret = (struct filter_hits){};
	if (!hits->part || index >= hits->room)
		return;
	for (cpu = 0; cpu <= hits->cpus; cpu++) {
		part = &hits->part[(size_t)cpu * hits->room + index];
		ret->packets += __atomic_load_n(&part->packets, __ATOMIC_RELAXED);
		ret->bytes += __atomic_load_n(&part->bytes, __ATOMIC_RELAXED);
		if (part->last > ret->last)
			ret->last = part->last;
	}
}

void hits_carry(struct hits *to, const struct hits *from)
{
	struct filter_hits sum, *part;
	uint32_t i;

	for (i = 0; i < from->room && i < to->room; i++) {
		hits_get(from, i, &sum);
		part = &to->part[(size_t)to->cpus * to->room + i];
		part->packets += sum.packets;
		part->bytes += sum.bytes;
		if (sum.last > part->last)
			part->last = sum.last;
	}
}

void hits_zero(struct hits *hits, uint32_t index)
{
	unsigned int cpu;

	for (cpu = 0; index < hits->room && cpu <= hits->cpus; cpu++)
		memset(&hits->part[(size_t)cpu * hits->room + index], 0, sizeof(*hits->part));
}
