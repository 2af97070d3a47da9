// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* lbrig.c - module 'lb' behind a root, with tables that a test fills by hand */
#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <base/file.h>

#include "lbrig.h"
#include "rig.h"

#define FIRST_REASON	32		/* its counters; edges have those from 1 on */
#define MISSES		20

static const struct {
	const char *name;
	uint32_t type, key, value, entries, flags;
} tables[] = {
#define TABLE(id, name, type, key, value, entries, flags) \
	{ name, BPF_MAP_TYPE_##type, sizeof(key), sizeof(value), entries, flags },
	LB_TABLES(TABLE)
};

static void die(const char *what, const char *text)
{
	fprintf(stderr, "lbrig: %s: %s\n", what, text);
	abort();
}

static unsigned int bind_cpu(void)
{
	static int cpu = -1;
	cpu_set_t set;

	if (cpu < 0) {
		cpu = sched_getcpu();
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		if (sched_setaffinity(0, sizeof(set), &set) < 0)
			die("CPU", strerror(errno));
	}
	return cpu;
}

static void *map_memory(int fd, size_t size, const char *what)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		die(what, strerror(errno));
	return memory;
}

/* ---- tables ---- */

static int ring_create(uint32_t slots)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = LB_RING_FLAGS);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "ring", 4, sizeof(struct lb_pair),
				LB_RING_ENTRIES(slots), &opts);

	if (fd < 0)
		die("ring", strerror(errno));
	return fd;
}

static int table_create(const struct lbrig *rig, enum lb_table table)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = tables[table].flags);
	uint32_t entries = tables[table].entries;
	int inner = -1, fd;

	if (table == LB_TABLE_FLOWS)
		entries = rig->conf.buckets;
	else if (table == LB_TABLE_COUNTS || table == LB_TABLE_DROPS)
		entries = LBRIG_ROOM * libbpf_num_possible_cpus();
	else if (table == LB_TABLE_FOUND)
		entries = LB_FOUND * libbpf_num_possible_cpus();
	if (table == LB_TABLE_RINGS)
		opts.inner_map_fd = inner = ring_create(LB_RING);
	fd = bpf_map_create(tables[table].type, tables[table].name, tables[table].key,
			    tables[table].value, entries, &opts);
	if (fd < 0)
		die(tables[table].name, strerror(errno));
	fd_close(inner);
	return fd;
}

static void tables_map(struct lbrig *rig, unsigned int cpu)
{
	unsigned int cpus = libbpf_num_possible_cpus();

	rig->backend = map_memory(rig->fd[LB_TABLE_BACKENDS],
				  LB_BACKENDS * sizeof(struct lb_backend), "backends");
	rig->bucket = map_memory(rig->fd[LB_TABLE_FLOWS],
				 rig->conf.buckets * sizeof(struct lb_bucket), "flows");
	rig->counts = map_memory(rig->fd[LB_TABLE_COUNTS],
				 cpus * LBRIG_ROOM * sizeof(struct lb_counts), "counts");
	rig->drops = map_memory(rig->fd[LB_TABLE_DROPS],
				cpus * LBRIG_ROOM * sizeof(struct lb_drops), "drops");
	rig->counts += cpu * LBRIG_ROOM;
	rig->drops += cpu * LBRIG_ROOM;
}

void lbrig_put(struct lbrig *rig, enum lb_table table, const void *key, const void *value)
{
	uint32_t zero = 0, epoch;
	int fd = rig->fd[LB_TABLE_EPOCH];

	if (bpf_map_update_elem(rig->fd[table], key, value, BPF_ANY) < 0)
		die(tables[table].name, strerror(errno));
	if (table != LB_TABLE_VIPS && table != LB_TABLE_NETS && table != LB_TABLE_RANGES)
		return;
	if (bpf_map_lookup_elem(fd, &zero, &epoch) < 0)
		die("epoch", strerror(errno));
	epoch++;
	if (bpf_map_update_elem(fd, &zero, &epoch, BPF_ANY) < 0)
		die("epoch", strerror(errno));
}

uint32_t *lbrig_ring(struct lbrig *rig, uint32_t number, uint32_t slots, uint32_t word)
{
	int fd = ring_create(slots);
	uint32_t *ring = map_memory(fd, slots * sizeof(*ring), "ring"), i;

	for (i = 0; i < slots; i++)
		ring[i] = word;
	lbrig_put(rig, LB_TABLE_RINGS, &number, &fd);
	close(fd);
	return ring;
}

struct shunt_addr lbrig_addr(const char *text)
{
	struct shunt_addr addr = { .v4_prefix = { 0, 0, htonl(0xffff) } };
	bool six = strchr(text, ':');

	if (inet_pton(six ? AF_INET6 : AF_INET, text, six ? (void *)&addr : (void *)&addr.v4) != 1)
		die("address", text);
	return addr;
}

/* ---- programs ---- */

static void root_load(struct lbrig *rig)
{
	struct shunt_node_conf conf = { .generation = 1, .miss_counter = MISSES,
					.reason_counter = FIRST_REASON, .hook = rig->conf.hook };
	struct shunt_edge edge[SHUNT_EDGES_MAX] = { { SHUNT_TARGET_NODE, 0, 0, 0 } };
	uint32_t depth = SHUNT_DEPTH_L4;
	const struct object_value value[] = {
		{ "shunt_node_conf", &conf, sizeof(conf) }, { "shunt_edge", edge, sizeof(edge) },
		{ "depth", &depth, sizeof(depth) },
	};
	const struct object_map map[] = {
		{ .name = "shunt_cpu", .fd = rig->cpu_fd }, { .name = "shunt_next", .fd = rig->next_fd },
	};
	struct err err = { 0 };

	if (object_load(rig_built(rig->conf.hook == SHUNT_HOOK_XDP ? "bpf/root.xdp.o" :
				  "bpf/root.tc.o"), "root", value, 3, map, 2, NULL, &rig->root,
			&err) < 0)
		die("root", err.text);
}

static void node_load(struct lbrig *rig)
{
	struct shunt_node_conf conf = { .generation = 1, .miss_counter = MISSES,
					.reason_counter = FIRST_REASON, .hook = rig->conf.hook };
	struct shunt_edge edge[SHUNT_EDGES_MAX] = {
		[LBRIG_HIT] = { SHUNT_TARGET_FORWARD, 0, 1, 0 },
		[LBRIG_NAT] = { SHUNT_TARGET_PASS, 0, 2, 0 },
		[LBRIG_KERNEL] = { SHUNT_TARGET_PASS, 0, 3, 0 },
		[LBRIG_MISS] = { SHUNT_TARGET_PASS, 0, 4, 0 },
		[LBRIG_NO_BACKEND] = { SHUNT_TARGET_DROP, SHUNT_REASON_NO_BACKEND, 5, 0 },
		[LBRIG_ANSWER] = { SHUNT_TARGET_TX, 0, 6, 0 },
	};
	uint16_t number = rig->conf.node;
	uint32_t room = LBRIG_ROOM, zero = 0;
	const struct object_value value[] = {
		{ "shunt_node_conf", &conf, sizeof(conf) }, { "shunt_edge", edge, sizeof(edge) },
		{ "lb_node", &number, sizeof(number) }, { "lb_room", &room, sizeof(room) },
		{ "lb_kinds", &rig->conf.kinds, sizeof(rig->conf.kinds) },
		{ "lb_buckets", &rig->conf.buckets, sizeof(rig->conf.buckets) },
	};
	struct object_map map[LB_TABLE_MAX + 2] = {
		{ .name = "shunt_cpu", .fd = rig->cpu_fd }, { .name = "shunt_next", .fd = rig->next_fd },
	};
	struct err err = { 0 };
	char path[128];
	int i;

	for (i = 0; i < LB_TABLE_MAX; i++)
		map[2 + i] = (struct object_map){ .name = tables[i].name, .fd = rig->fd[i] };
	snprintf(path, sizeof(path), "bpf/modules/%s.%s.o", rig->conf.object,
		 rig->conf.hook == SHUNT_HOOK_XDP ? "xdp" : "tc");
	if (object_load(rig_built(path), rig->conf.object, value, 6, map, 2 + LB_TABLE_MAX, NULL,
			&rig->node, &err) < 0)
		die(rig->conf.object, err.text);
	if (bpf_map_update_elem(rig->next_fd, &zero, &rig->node.prog_fd, BPF_ANY) < 0)
		die("program array", strerror(errno));
}

struct lbrig *lbrig_new(const struct lbrig_conf *conf)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	unsigned int cpu = bind_cpu(), cpus = libbpf_num_possible_cpus();
	struct lbrig *rig = calloc(1, sizeof(*rig));
	int i;

	if (!rig)
		die("rig", "no memory");
	rig->conf = *conf;
	if (!rig->conf.buckets)
		rig->conf.buckets = LBRIG_BUCKETS;
	object_log_init();
	rig->cpu_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "shunt_cpu", 4, sizeof(struct shunt_cpu),
				     cpus, &opts);
	rig->next_fd = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "shunt_next", 4, 4, SHUNT_NODES_MAX,
				      NULL);
	if (rig->cpu_fd < 0 || rig->next_fd < 0)
		die("tables", strerror(errno));
	rig->cpu = (struct shunt_cpu *)map_memory(rig->cpu_fd, cpus * sizeof(struct shunt_cpu),
						  "context") + cpu;
	for (i = 0; i < LB_TABLE_MAX; i++)
		rig->fd[i] = table_create(rig, i);
	tables_map(rig, cpu);
	root_load(rig);
	node_load(rig);
	return rig;
}

void lbrig_free(struct lbrig *rig)
{
	int i;

	object_loaded_fini(&rig->root);
	object_loaded_fini(&rig->node);
	for (i = 0; i < LB_TABLE_MAX; i++)
		fd_close(rig->fd[i]);
	fd_close(rig->cpu_fd);
	fd_close(rig->next_fd);
	free(rig);			/* what is mapped stays until the process ends */
}

/* ---- one packet ---- */

/* Which of @n counters moved; -1: none. One that moved twice, or another one, too, is a fault */
static int moved(const struct lbrig *rig, unsigned int first, unsigned int n)
{
	unsigned int i;
	int which = -1;

	for (i = 0; i < n; i++) {
		uint64_t by = rig->cpu->counter[first + i] - rig->before[first + i];

		if (by > 1 || (by && which >= 0))
			die("counters", "more than one moved");
		if (by)
			which = i;
	}
	return which;
}

int lbrig_run(struct lbrig *rig, const void *data, size_t len, uint32_t gso_size,
	      struct lbrig_out *out)
{
	struct xdp_md xdp = { .data_end = len };
	struct __sk_buff skb = { .gso_size = gso_size };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = 1, .data_in = data, .data_size_in = len,
		    .data_out = out->data, .data_size_out = sizeof(out->data));

	memcpy(rig->before, rig->cpu->counter, sizeof(rig->before));
	memset(&rig->cpu->pkt, 0xa5, sizeof(rig->cpu->pkt));
	if (rig->conf.hook == SHUNT_HOOK_XDP) {
		opts.ctx_in = &xdp;
		opts.ctx_size_in = sizeof(xdp);
	} else if (gso_size) {
		opts.ctx_in = &skb;
		opts.ctx_size_in = sizeof(skb);
	}
	if (bpf_prog_test_run_opts(rig->root.prog_fd, &opts) < 0) {
		if (rig->conf.hook != SHUNT_HOOK_XDP && errno == EINVAL && len < 14 + 40)
			return -EOPNOTSUPP;
		die("test run", strerror(errno));
	}
	out->retval = opts.retval;
	out->len = opts.data_size_out;
	out->pkt = rig->cpu->pkt;
	out->edge = moved(rig, 1, LBRIG_EDGES);
	out->reason = -1;
	for (int i = 0; i < SHUNT_REASON_MAX && FIRST_REASON + i < 96; i++)
		if (rig->cpu->counter[FIRST_REASON + i] != rig->before[FIRST_REASON + i])
			out->reason = i;
	if (rig->cpu->counter[MISSES] != rig->before[MISSES])
		die("tail call", "it found nothing");
	return 0;
}
