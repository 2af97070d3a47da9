// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* classbench_prog.c - the shipped gate, root and filter with a rule set */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>

#include <base/file.h>
#include <compile/lower.h>
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

/* ---- rules to an image, by itself: what a change of the rules costs the compile stage ---- */
static int edge_index(void *arg, const char *edge, const char *reason)
{
	return strcmp(edge, "accept") != 0;
}

static uint32_t hit_index(void *arg, const char *name)
{
	uint32_t *next = arg;

	return (*next)++;
}

static int no_set(void *arg, const char *set, bool *ret_dynamic)
{
	return -1;
}

/* Rules, as the file has them, to rows and the rows to an image */
static double build_ms(const char *yaml)
{
	struct arena arena = { 0 };
	struct diags diags = { .arena = &arena };
	uint32_t hits = 1;
	const struct lower_names names = {
		.edge = edge_index, .hit = hit_index, .state = hit_index, .set = no_set,
		.arg = &hits,
	};
	const char *text = arena_printf(&arena, "version: 1\n%s", yaml);
	struct classifier_blame blame = { 0 };
	struct classifier classifier;
	struct lowered lowered;
	struct tree *tree = NULL;
	struct config config;
	double start;

	if (tree_from_yaml(text, strlen(text), &diags, &tree) < 0 ||
	    config_from_tree(tree, &diags, &config) < 0)
		bench_die("rules", "not read");
	start = now_ms();
	if (lower_rules(&config, &config.node[0], &names, &arena, &diags, &lowered) < 0)
		bench_die("rules", "not lowered");
	if (classifier_build(&lowered.rows, lowered.n_places, NULL, NULL, &classifier, &blame) < 0)
		bench_die("rules", blame.text);
	start = now_ms() - start;
	classifier_fini(&classifier);
	arena_fini(&arena);
	return start;
}

/* ---- what was loaded ---- */
/* The most instructions that the verifier went through for one program loaded after @id */
static unsigned int verifier_insns(uint32_t id)
{
	unsigned int most = 0;

	while (bpf_prog_get_next_id(id, &id) == 0) {
		struct bpf_prog_info info = { 0 };
		uint32_t len = sizeof(info);
		int fd = bpf_prog_get_fd_by_id(id);

		if (fd < 0)
			continue;
		if (bpf_obj_get_info_by_fd(fd, &info, &len) == 0 && info.verified_insns > most)
			most = info.verified_insns;
		fd_close(fd);
	}
	return most;
}

static uint32_t last_prog_id(void)
{
	uint32_t id = 0;

	while (bpf_prog_get_next_id(id, &id) == 0)
		;
	return id;
}

/* In front of a root; its entry array lives as long as the process */
static int gate_load(int root_fd)
{
	const uint32_t slot = 0;
	const struct object_value value = { "shunt_gate_slot", &slot, sizeof(slot) };
	struct object_loaded gate;
	struct err err = { 0 };

	if (object_load(rig_built("bpf/gate.xdp.o"), "gate", &value, 1, NULL, 0, NULL, &gate,
			&err) < 0)
		bench_die("gate", err.text);
	if (bpf_map_update_elem(object_loaded_map(&gate, "shunt_entry"), &slot, &root_fd,
				BPF_ANY) < 0)
		bench_die("gate", strerror(errno));
	return gate.prog_fd;
}

void classbench_programs_load(const struct classbench_set *set,
			      struct classbench_programs *ret_programs)
{
	char *yaml = classbench_yaml(set);
	uint32_t before = last_prog_id();
	const struct classifier *classifier;
	struct rig *rig;
	double start;

	ret_programs->build_ms = build_ms(yaml);
	start = now_ms();
	rig = rig_new(yaml, SHUNT_HOOK_XDP);
	ret_programs->load_ms = now_ms() - start;
	classifier = &rig->plan.filter[0].classifier;
	ret_programs->memory_bytes = classifier->size;
	ret_programs->worst_steps = classifier->cost[set->family == 6].steps;
	ret_programs->verifier_insns = verifier_insns(before);
	ret_programs->gate_fd = gate_load(rig->root_fd);
	free(yaml);
}
