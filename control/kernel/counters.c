// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* counters.c - table 'shunt_cpu': packet contexts and counters of all CPUs, mapped */
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <base/file.h>
#include <kernel/counters.h>
#include <kernel/pins.h>
#include <shunt/abi.h>

static struct shunt_cpu *counters_cpu(const struct counters *counters, unsigned int cpu)
{
	return (struct shunt_cpu *)counters->map + cpu;
}

static int counters_create(unsigned int cpus, const char *pin, struct err *err)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int fd, r;

	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "shunt_cpu", sizeof(uint32_t),
			    sizeof(struct shunt_cpu), cpus, &opts);
	if (fd < 0)
		return err_set(err, -errno, "create table 'shunt_cpu' for %u CPUs", cpus);
	r = pins_pin(fd, pin, err);
	if (r < 0) {
		fd_close(fd);
		return r;
	}
	return fd;
}

/* Made by a shuntd of another ABI, or by somebody else? */
static int counters_check(const struct counters *counters, const char *pin, struct err *err)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(counters->fd, &info, &len) < 0)
		return err_set(err, -errno, "look at pin '%s'", pin);
	if (info.type != BPF_MAP_TYPE_ARRAY || info.value_size != sizeof(struct shunt_cpu) ||
	    info.max_entries != counters->cpus)
		return err_set(err, -EPROTO, "pin '%s' has another layout: detach with the "
			       "shuntd that made it, then start again.", pin);
	return 0;
}

int counters_open(struct counters *counters, const char *pin, struct err *err)
{
	int r;

	r = libbpf_num_possible_cpus();
	if (r < 0)
		return err_set(err, r, "count the CPUs");
	counters->cpus = r;
	counters->fd = pins_get(pin);
	if (counters->fd == -ENOENT)
		counters->fd = counters_create(counters->cpus, pin, err);
	else if (counters->fd < 0)
		return err_set(err, counters->fd, "open pin '%s'", pin);
	if (counters->fd < 0)
		return counters->fd;
	r = counters_check(counters, pin, err);
	if (r < 0)
		goto out;
	counters->map = mmap(NULL, sizeof(struct shunt_cpu) * counters->cpus,
			     PROT_READ | PROT_WRITE, MAP_SHARED, counters->fd, 0);
	if (counters->map == MAP_FAILED) {
		counters->map = NULL;
		r = err_set(err, -errno, "map table 'shunt_cpu'");
	}
out:
	if (r < 0)
		counters_close(counters);
	return r;
}

void counters_close(struct counters *counters)
{
	if (counters->map)
		munmap(counters->map, sizeof(struct shunt_cpu) * counters->cpus);
	fd_close(counters->fd);
	counters->map = NULL;
	counters->fd = -1;
}

uint64_t counters_get(const struct counters *counters, uint32_t index)
{
	uint64_t sum = 0;
	unsigned int cpu;

	if (index >= SHUNT_COUNTERS_MAX)
		return 0;
	for (cpu = 0; cpu < counters->cpus; cpu++)
		sum += __atomic_load_n(&counters_cpu(counters, cpu)->counter[index],
				       __ATOMIC_RELAXED);
	return sum;
}

void counters_zero(struct counters *counters, uint32_t index)
{
	unsigned int cpu;

	for (cpu = 0; cpu < counters->cpus && index < SHUNT_COUNTERS_MAX; cpu++)
		counters_cpu(counters, cpu)->counter[index] = 0;
}
