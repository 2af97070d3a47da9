/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * conntrack_world.h - root, conntrack and commit on a flow table of their own
 *
 * conntrack's 'next' leads to commit, all else passes or drops.
 */
#ifndef TESTS_CONNTRACK_WORLD_H
#define TESTS_CONNTRACK_WORLD_H

#include "../lib/unit.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <base/file.h>
#include <kernel/object.h>
#include <shunt/abi.h>

#include "../../dataplane/lib/conntrack_hash.h"
#include "../../dataplane/lib/conntrack_state.h"
#include "../lib/objtest.h"
#include "../lib/pkt.h"

#define WORLD_MAPS	15
#define WORLD_TIMEOUT	100000	/* jiffies, of every state: no test takes so long */
#define COUNTER_CT	20	/* edges of conntrack: next, established, related, invalid */
#define COUNTER_COMMIT	30	/* next, refused */
#define COUNTER_MISS	40
#define COUNTER_REASON	100

struct world {
	bool xdp;
	unsigned int cpus;
	struct object_map map[WORLD_MAPS];
	unsigned int n_maps;
	uint32_t buckets;
	struct shunt_cpu *cpu;
	struct conntrack_conf *conf;
	struct conntrack_stats *stats;
	uint64_t *tags[2];
	struct conntrack_flow4 *flow4;
	struct conntrack_flow6 *flow6;
	struct conntrack_counts *counts[2];
	struct conntrack_seqs *seqs[2];
	struct object_loaded root, ct, commit;
};

static size_t world_page(size_t size)
{
	return (size + 4095) / 4096 * 4096;
}

static void *world_map(struct world *w, const char *name, enum bpf_map_type type, uint32_t key,
		       uint32_t value, uint32_t entries)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	int fd;
	void *at;

	if (type == BPF_MAP_TYPE_ARRAY)
		opts.map_flags = BPF_F_MMAPABLE;
	fd = bpf_map_create(type, name, key, value, entries, &opts);
	if (fd < 0)
		fail_msg("map '%s': %s", name, strerror(errno));
	w->map[w->n_maps++] = (struct object_map){ .name = name, .fd = fd, .optional = true };
	if (type != BPF_MAP_TYPE_ARRAY)
		return NULL;
	at = mmap(NULL, world_page((size_t)(value + 7) / 8 * 8 * entries), PROT_READ | PROT_WRITE,
		  MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		fail_msg("map '%s': %s", name, strerror(errno));
	return at;
}

static int world_fd(const struct world *w, const char *name)
{
	for (unsigned int i = 0; i < w->n_maps; i++)
		if (!strcmp(w->map[i].name, name))
			return w->map[i].fd;
	fail_msg("no map '%s'", name);
	return -1;
}

static void world_tables(struct world *w)
{
	uint32_t slots = w->buckets * CONNTRACK_WAYS;

	w->cpu = world_map(w, "shunt_cpu", BPF_MAP_TYPE_ARRAY, 4, sizeof(*w->cpu), w->cpus);
	world_map(w, "shunt_next", BPF_MAP_TYPE_PROG_ARRAY, 4, 4, SHUNT_NODES_MAX);
	w->conf = world_map(w, "ct_conf", BPF_MAP_TYPE_ARRAY, 4, sizeof(*w->conf), 1);
	w->stats = world_map(w, "ct_stats", BPF_MAP_TYPE_ARRAY, 4, sizeof(*w->stats), w->cpus + 1);
	w->tags[0] = world_map(w, "ct_tags4", BPF_MAP_TYPE_ARRAY, 4, 8, w->buckets);
	w->tags[1] = world_map(w, "ct_tags6", BPF_MAP_TYPE_ARRAY, 4, 8, w->buckets);
	w->flow4 = world_map(w, "ct_flows4", BPF_MAP_TYPE_ARRAY, 4, sizeof(*w->flow4), slots);
	w->flow6 = world_map(w, "ct_flows6", BPF_MAP_TYPE_ARRAY, 4, sizeof(*w->flow6), slots);
	w->counts[0] = world_map(w, "ct_counts4", BPF_MAP_TYPE_ARRAY, 4, 32, slots);
	w->counts[1] = world_map(w, "ct_counts6", BPF_MAP_TYPE_ARRAY, 4, 32, slots);
	w->seqs[0] = world_map(w, "ct_seqs4", BPF_MAP_TYPE_ARRAY, 4, sizeof(*w->seqs[0]), slots);
	w->seqs[1] = world_map(w, "ct_seqs6", BPF_MAP_TYPE_ARRAY, 4, sizeof(*w->seqs[0]), slots);
	world_map(w, "ct_frags4", BPF_MAP_TYPE_LRU_HASH, sizeof(struct conntrack_frag_key),
		  sizeof(struct conntrack_frags), CONNTRACK_FRAGS);
	world_map(w, "ct_frags6", BPF_MAP_TYPE_LRU_HASH, sizeof(struct conntrack_frag_key),
		  sizeof(struct conntrack_frags), CONNTRACK_FRAGS);
	world_map(w, "ct_events", BPF_MAP_TYPE_RINGBUF, 0, 0, 4096);
}

/* @edges: of the node; @counter: of the first, the others follow */
static void world_load(struct world *w, const char *object, const struct shunt_edge *edges,
		       unsigned int n_edges, uint32_t counter, const struct object_value *more,
		       struct object_loaded *ret_loaded)
{
	struct shunt_edge edge[SHUNT_EDGES_MAX] = { 0 };
	struct shunt_node_conf conf = { .generation = 1, .miss_counter = COUNTER_MISS,
					.reason_counter = COUNTER_REASON };
	struct object_value value[] = {
		{ "shunt_node_conf", &conf, sizeof(conf) }, { "shunt_edge", edge, sizeof(edge) },
		more ? *more : (struct object_value){ 0 },
	};
	struct err err = { 0 };
	char path[128];

	for (unsigned int i = 0; i < n_edges; i++) {
		edge[i] = edges[i];
		edge[i].counter = counter + i;
	}
	snprintf(path, sizeof(path), "bpf/%s.%s.o", object, w->xdp ? "xdp" : "tc");
	if (object_load(objtest_built(path), object, value, more ? 3 : 2, w->map, w->n_maps, NULL,
			ret_loaded, &err) < 0)
		fail_msg("%s", err.text);
}

static void world_slot(struct world *w, uint32_t slot, int prog_fd)
{
	if (prog_fd < 0)
		bpf_map_delete_elem(world_fd(w, "shunt_next"), &slot);
	else
		assert_int_equal(bpf_map_update_elem(world_fd(w, "shunt_next"), &slot, &prog_fd, 0),
				 0);
}

static void world_programs(struct world *w, uint16_t zone)
{
	static const struct shunt_edge root[] = { { .target = SHUNT_TARGET_NODE, .arg = 0 } };
	static const struct shunt_edge ct[] = {
		{ .target = SHUNT_TARGET_NODE, .arg = 1 }, { .target = SHUNT_TARGET_PASS },
		{ .target = SHUNT_TARGET_PASS },
		{ .target = SHUNT_TARGET_DROP, .arg = SHUNT_REASON_CT_INVALID },
	};
	static const struct shunt_edge commit[] = {
		{ .target = SHUNT_TARGET_PASS },
		{ .target = SHUNT_TARGET_DROP, .arg = SHUNT_REASON_NO_FLOW },
	};
	struct object_value value = { "zone", &zone, sizeof(zone) };

	world_load(w, "root", root, 1, 10, NULL, &w->root);
	world_load(w, "modules/conntrack", ct, 4, COUNTER_CT, &value, &w->ct);
	world_load(w, "modules/commit", commit, 2, COUNTER_COMMIT, NULL, &w->commit);
	world_slot(w, 0, w->ct.prog_fd);
	world_slot(w, 1, w->commit.prog_fd);
}

static void world_bind(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	assert_int_equal(sched_setaffinity(0, sizeof(set), &set), 0);
}

static void world_open(struct world *w, bool xdp, uint32_t buckets)
{
	memset(w, 0, sizeof(*w));
	w->xdp = xdp;
	w->buckets = buckets;
	w->cpus = libbpf_num_possible_cpus();
	world_tables(w);
	*w->conf = (struct conntrack_conf){
		.seed = { 0x243f6a8885a308d3, 0x13198a2e03707344 }, .buckets = { buckets, buckets },
		.flags = CONNTRACK_PICKUP, .second = 250,
	};
	for (int p = 0; p < CONNTRACK_POLICIES; p++)
		for (int s = 0; s < 32; s++)
			w->conf->timeout[p][s] = WORLD_TIMEOUT;
	world_programs(w, 0);
	world_bind();
}

static inline void world_close(struct world *w)
{
	uint32_t slots = w->buckets * CONNTRACK_WAYS;

	object_loaded_fini(&w->root);
	object_loaded_fini(&w->ct);
	object_loaded_fini(&w->commit);
	munmap(w->cpu, sizeof(*w->cpu) * w->cpus);
	munmap(w->conf, world_page(sizeof(*w->conf)));
	munmap(w->stats, world_page(sizeof(*w->stats) * (w->cpus + 1)));
	munmap(w->flow4, world_page(sizeof(*w->flow4) * slots));
	munmap(w->flow6, world_page(sizeof(*w->flow6) * slots));
	for (int f = 0; f < 2; f++) {
		munmap(w->tags[f], world_page(8 * w->buckets));
		munmap(w->counts[f], world_page(sizeof(*w->counts[f]) * slots));
		munmap(w->seqs[f], world_page(sizeof(*w->seqs[f]) * slots));
	}
	for (unsigned int i = 0; i < w->n_maps; i++)
		close(w->map[i].fd);
}

/* ---- packets ---- */

/* Return: whether it passed. What the programs found is in world_pkt() */
static bool world_run(struct world *w, const void *data, size_t len)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = 1, .data_in = data, .data_size_in = len);
	int r = bpf_prog_test_run_opts(w->root.prog_fd, &opts);

	if (r < 0)
		fail_msg("run: %s", strerror(-r));
	return opts.retval == (w->xdp ? 2 : (uint32_t)-1);
}

static inline bool world_send(struct world *w, const struct pkt_hdr *hdrs)
{
	struct pkt p;

	pkt_build(&p, hdrs);
	return world_run(w, p.data, p.len);
}

static const struct shunt_packet *world_pkt(const struct world *w)
{
	return &w->cpu[0].pkt;
}

static inline struct conntrack_flow *world_flow(const struct world *w, int family, uint32_t slot)
{
	return family ? &w->flow6[slot].flow : &w->flow4[slot].flow;
}

static uint64_t world_stat(const struct world *w, enum conntrack_stat stat)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i <= w->cpus; i++)
		sum += w->stats[i].n[stat];
	return sum;
}

/* Entries whose tag is set */
static unsigned int world_tagged(const struct world *w, int family)
{
	unsigned int n = 0;

	for (uint32_t b = 0; b < w->buckets; b++)
		n += CONNTRACK_WAYS - conntrack_word_count(conntrack_word_free(w->tags[family][b]));
	return n;
}

#endif
