// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* classbench_prog.c - a rule set to rows, an image, and gate, root and walk.bpf.c in front of it */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <compile/classifier.h>
#include <kernel/object.h>

#include "../lib/bench.h"
#include "../lib/rig.h"
#include "classbench.h"

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

/* ---- rules to rows ---- */
static void row_addr(unsigned int family, const uint32_t *word, uint64_t *ret)
{
	ret[0] = family == 6 ? (uint64_t)word[0] << 32 | word[1] : 0;
	ret[1] = family == 6 ? (uint64_t)word[2] << 32 | word[3] : word[0];
}

static void row_init(struct classifier_row *row, unsigned int family,
		     const struct classbench_rule *rule, size_t i)
{
	*row = (struct classifier_row){
		.family = family, .slen = rule->slen, .dlen = rule->dlen, .edge = i % 2,
		.sport_first = rule->sport_first, .sport_last = rule->sport_last,
		.dport_first = rule->dport_first, .dport_last = rule->dport_last,
		.meta = CLASSIFIER_IP, .meta_mask = CLASSIFIER_IP,
		.prio = (i + 1) * CLASSIFIER_PRIO_GAP, .ref = i,
	};
	row_addr(family, rule->saddr, row->saddr);
	row_addr(family, rule->daddr, row->daddr);
	if (rule->proto_mask) {
		row->meta_mask |= CLASSIFIER_PROTO;
		row->meta |= rule->proto;
	}
	if (!rule->flags_mask)
		return;
	row->meta_mask |= CLASSIFIER_L4;
	row->meta |= CLASSIFIER_L4;
	if (classbench_is_icmp(family, rule->proto)) {
		row->sport_first = row->sport_last = rule->flags;
		return;
	}
	row->meta_mask |= (uint32_t)rule->flags_mask << CLASSIFIER_TCP_SHIFT;
	row->meta |= (uint32_t)rule->flags << CLASSIFIER_TCP_SHIFT;
}

/* A rule of ports without protocol is a row for each protocol that has some */
static struct classifier_rows rows_of(const struct classbench_set *set)
{
	static const uint8_t ported[] = { 6, 17, 132 };
	struct classifier_rows rows = { calloc(set->n * 3 + 1, sizeof(*rows.row)), 0 };
	struct classifier_row row;
	unsigned int i;
	size_t r;

	if (!rows.row)
		bench_die("rows", strerror(errno));
	for (r = 0; r < set->n; r++) {
		const struct classbench_rule *rule = &set->rule[r];

		row_init(&row, set->family, rule, r);
		if ((!rule->sport_first && rule->sport_last == 65535 &&
		     !rule->dport_first && rule->dport_last == 65535)) {
			rows.row[rows.n++] = row;
			continue;
		}
		row.meta_mask |= CLASSIFIER_L4 | CLASSIFIER_PROTO;
		row.meta |= CLASSIFIER_L4;
		for (i = 0; i < sizeof(ported); i++) {
			if (rule->proto_mask && rule->proto != ported[i])
				continue;
			row.meta = (row.meta & ~CLASSIFIER_PROTO) | ported[i];
			rows.row[rows.n++] = row;
		}
	}
	return rows;
}

/* ---- programs ---- */
static void rodata_set(struct bpf_object *object, const char *name, const void *data, size_t size)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");
	const struct btf *btf = bpf_object__btf(object);
	const struct btf_type *section, *var;
	const struct btf_var_secinfo *info;
	size_t room;
	int i;

	section = btf__type_by_id(btf, btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC));
	for (i = 0, info = btf_var_secinfos(section); i < btf_vlen(section); i++, info++) {
		var = btf__type_by_id(btf, info->type);
		if (strcmp(btf__name_by_offset(btf, var->name_off), name) || info->size != size)
			continue;
		memcpy((uint8_t *)bpf_map__initial_value(map, &room) + info->offset, data, size);
		return;
	}
	bench_die("rodata", name);
}

static const struct shunt_node_conf conf = {
	.generation = 1, .miss_counter = 1, .reason_counter = 16,
};

/* Return: the node's program */
static int walk_load(const struct classifier *classifier, const struct rig *rig,
		     unsigned int *ret_insns)
{
	static const struct shunt_edge edges[SHUNT_EDGES_MAX] = {
		{ .target = SHUNT_TARGET_PASS, .counter = 2 },
		{ .target = SHUNT_TARGET_DROP, .arg = SHUNT_REASON_POLICY, .counter = 3 },
	};
	const char *path = rig_built("tests/bench/walk.xdp.o");
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *prog = object ? bpf_object__next_program(object, NULL) : NULL;
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);
	struct bpf_map *image;
	void *memory;

	if (!prog)
		bench_die("walk", strerror(errno));
	image = bpf_object__find_map_by_name(object, "walk_image");
	rodata_set(object, "walk_shape", &classifier->shape, sizeof(classifier->shape));
	rodata_set(object, "shunt_edge", edges, sizeof(edges));
	rodata_set(object, "shunt_node_conf", &conf, sizeof(conf));
	bpf_program__set_expected_attach_type(prog, 0);
	if (bpf_map__set_value_size(image, classifier->size) < 0 ||
	    bpf_map__reuse_fd(bpf_object__find_map_by_name(object, "shunt_cpu"),
			      rig->counters.fd) < 0 ||
	    bpf_map__reuse_fd(bpf_object__find_map_by_name(object, "shunt_ports"),
			      rig->ports_fd) < 0 || bpf_object__load(object) < 0)
		bench_die("walk", strerror(errno));
	memory = mmap(NULL, classifier->size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      bpf_map__fd(image), 0);
	if (memory == MAP_FAILED)
		bench_die("walk", strerror(errno));
	memcpy(memory, classifier->image, classifier->size);
	munmap(memory, classifier->size);
	if (bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len) == 0)
		*ret_insns = info.verified_insns;
	return bpf_program__fd(prog);
}

static void front_load(const char *path, const struct object_value *value, unsigned int n_values,
		       const struct object_map *map, unsigned int n_maps, const char *array,
		       int to_fd, struct object_loaded *ret_loaded)
{
	struct err err = { 0 };
	uint32_t zero = 0;

	if (object_load(rig_built(path), path, value, n_values, map, n_maps, NULL, ret_loaded,
			&err) < 0)
		bench_die(path, err.text);
	if (bpf_map_update_elem(object_loaded_map(ret_loaded, array), &zero, &to_fd, BPF_ANY) < 0)
		bench_die(path, strerror(errno));
}

/* Root and gate in front of a node. Return: the gate; maps live as long as the process */
static int fronts_load(const struct rig *rig, int node_fd)
{
	static const struct shunt_edge edges[SHUNT_EDGES_MAX] = {
		{ .target = SHUNT_TARGET_NODE, .arg = 0, .counter = 4 },
	};
	const uint32_t depth = SHUNT_DEPTH_L4, slot = 0;
	const struct object_value root_value[] = {
		{ "shunt_node_conf", &conf, sizeof(conf) },
		{ "shunt_edge", edges, sizeof(edges) },
		{ "depth", &depth, sizeof(depth) },
	};
	const struct object_map root_map[] = {
		{ .name = "shunt_cpu", .fd = rig->counters.fd },
		{ .name = "shunt_ports", .fd = rig->ports_fd },
	};
	const struct object_value gate_value = { "shunt_gate_slot", &slot, sizeof(slot) };
	struct object_loaded root, gate;

	front_load("bpf/root.xdp.o", root_value, 3, root_map, 2, "shunt_next", node_fd, &root);
	front_load("bpf/gate.xdp.o", &gate_value, 1, NULL, 0, "shunt_entry", root.prog_fd, &gate);
	return gate.prog_fd;
}

void classbench_programs_load(const struct classbench_set *set,
			      struct classbench_programs *ret_programs)
{
	/* any graph: its tables are the root's and the node's, too */
	struct rig *rig = rig_new("nodes:\n  a: { module: count }\ngraphs:\n  g: [a]\n",
				  SHUNT_HOOK_XDP);
	struct classifier_rows rows = rows_of(set);
	struct classifier_blame blame = { 0 };
	struct classifier classifier;
	double start = now_ms();
	int walk_fd;

	if (classifier_build(&rows, set->n, NULL, NULL, &classifier, &blame) < 0)
		bench_die("build", blame.text);
	ret_programs->build_ms = now_ms() - start;
	ret_programs->memory_bytes = classifier.size;
	ret_programs->worst_steps = classifier.cost[set->family == 6].steps;
	start = now_ms();
	walk_fd = walk_load(&classifier, rig, &ret_programs->verifier_insns);
	ret_programs->load_ms = now_ms() - start;
	ret_programs->gate_fd = fronts_load(rig, walk_fd);
	classifier_fini(&classifier);
	free(rows.row);
}
