// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* rig.c - run packets through a configuration's programs, and tell which way they went */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <base/file.h>
#include <kernel/object.h>
#include <kernel/rendering.h>

#include "rig_priv.h"

const char *unit_folder(void);		/* unit.h needs cmocka */

uint64_t rig_tag = 0x5a17c0de12345678;

const char *const rig_reason_names[SHUNT_REASON_MAX] = {
#define REASON_NAME(id, name, help) name,
	SHUNT_REASONS(REASON_NAME)
};

/* ---- the process ---- */
const char *rig_built(const char *path)
{
	static char text[4][PATH_MAX + 256];
	static unsigned int turn;
	char exe[PATH_MAX], *dir = exe;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n < 0)
		abort();
	exe[n] = '\0';
	turn = (turn + 1) % 4;
	do {		/* up to the folder that has the programs */
		dir = dirname(dir);
		snprintf(text[turn], sizeof(text[turn]), "%s/bpf/root.xdp.o", dir);
	} while (access(text[turn], F_OK) < 0 && strcmp(dir, "/"));
	snprintf(text[turn], sizeof(text[turn]), "%s/%s", dir, path);
	return text[turn];
}

static void rig_die(const char *what, const char *text)
{
	fprintf(stderr, "rig: %s: %s\n", what, text);
	abort();
}

/* Once a process: a bpffs that nobody else sees, and one CPU. Return: the CPU */
static unsigned int rig_process(char *ret_bpffs)
{
	static char bpffs[PINS_PATH_MAX - 64];
	static unsigned int cpu, rigs;
	cpu_set_t set;

	if (!bpffs[0]) {
		snprintf(bpffs, sizeof(bpffs), "%s/bpf", unit_folder());
		cpu = sched_getcpu();
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		if (sched_setaffinity(0, sizeof(set), &set) < 0 ||
		    unshare(CLONE_NEWNS) < 0 ||
		    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    mkdir(bpffs, 0700) < 0 || mount("bpf", bpffs, "bpf", 0, "mode=0700") < 0)
			rig_die(bpffs, strerror(errno));
		object_log_init();
	}
	snprintf(ret_bpffs, PINS_PATH_MAX, "%s/%u", bpffs, rigs++);
	return cpu;
}

/* ---- from the text to the plan ---- */
static struct module_set rig_modules(struct rig *rig, const struct config *config, struct err *err)
{
	struct module_set set = { arena_new_n(&rig->arena, struct module_ref, config->n_nodes), 0 };
	struct module *module;
	unsigned int i;

	for (i = 0; i < config->n_nodes; i++) {
		if (module_find(&set, config->node[i].module))
			continue;
		module = arena_new(&rig->arena, struct module);
		if (object_inspect(config->node[i].module, rig_built("bpf/modules"), &rig->arena,
				   module, err) < 0)
			rig_die(config->node[i].module, err->text);
		set.ref[set.n++] = (struct module_ref) { config->node[i].module, module };
	}
	return set;
}

static void rig_findings(const char *text, const struct tree *tree, const struct diags *diags)
{
	struct buf out = { 0 };

	source_print(&out, "rig.yaml", text, strlen(text), tree, diags);
	rig_die("configuration", buf_take(&out));
}

static void rig_compile(struct rig *rig, const char *yaml, struct err *err)
{
	static struct link links[] = { { .ifindex = 1, .name = "lo" } };
	const struct link_table table = { links, 1, 1 };
	struct diags diags = { .arena = &rig->arena };
	const char *text, *hook = module_hook_name(rig->hook);
	struct module_set modules;
	struct config config;
	struct tree *tree = NULL;
	unsigned int i;

	text = arena_printf(&rig->arena, "version: 1\n%s\n", yaml);
	if (!strstr(yaml, "\nattach:"))
		text = arena_printf(&rig->arena, "%sattach:\n  - { dev: lo, hook: %s, graph: "
				    RIG_GRAPH " }\n", text, hook);
	if (tree_from_yaml(text, strlen(text), &diags, &tree) < 0 ||
	    config_from_tree(tree, &diags, &config) < 0)
		rig_findings(text, tree, &diags);
	modules = rig_modules(rig, &config, err);
	if (plan_compile(&config, &modules, &table, NULL, 1, &diags, &rig->plan) < 0)
		rig_findings(text, tree, &diags);
	for (i = 0; i < rig->plan.n_graphs; i++)
		if (rig->plan.graph[i].producer || rig->plan.graph[i].boundary)
			rig->plan.graph[i].handoff_tag = rig_tag;
	rig->graph = plan_graph_find(&rig->plan, RIG_GRAPH, rig->hook);
	if (!rig->graph)
		rig_die("configuration", "no graph '" RIG_GRAPH "'");
}

/* ---- from the plan to programs ---- */
static int rig_ports(struct rig *rig, struct err *err)
{
	int fd = rig->shared.ports_fd[gates_kind(rig->hook)];
	unsigned int i;

	for (i = 0; i < rig->plan.n_ports; i++) {
		const struct plan_port *port = &rig->plan.port[i];

		if (port->ifindex && bpf_map_update_elem(fd, &port->port, &port->ifindex, 0) < 0)
			return err_set(err, -errno, "port '%s'", port->name);
	}
	return 0;
}

/* Sets and images that the programs read */
static int rig_content(struct rig *rig, struct err *err)
{
	unsigned int i;
	int r;

	r = shared_reserve(&rig->shared, &rig->plan, err);
	for (i = 0; r == 0 && i < rig->plan.n_sets; i++)
		r = shared_set(&rig->shared, &rig->plan.set[i], err);
	for (i = 0; r == 0 && i < rig->plan.n_filters; i++)
		r = images_make(&rig->images, &rig->plan.filter[i], err);
	return r;
}

static int rig_load(struct rig *rig, struct err *err)
{
	struct rendering_maps maps = { .images = &rig->images };
	const struct rendering_paths paths = {
		.bpffs = rig->bpffs,
		.objects = rig_built("bpf"),
		.logs = unit_folder(),
	};
	char path[PINS_PATH_MAX + 16];
	int r;

	mkdir(rig->bpffs, 0700);
	snprintf(path, sizeof(path), "%s/graph", rig->bpffs);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/table", rig->bpffs);
	mkdir(path, 0700);
	r = shared_open(&rig->shared, rig->bpffs, err);
	if (r == 0)
		r = images_open(&rig->images, rig->bpffs, err);
	if (r == 0)
		r = rig_ports(rig, err);
	if (r == 0)
		r = rig_content(rig, err);
	if (r < 0)
		return r;
	shared_settle(&rig->shared, &rig->plan);
	maps.n_shared = shared_maps(&rig->shared, gates_kind(rig->hook), maps.shared);
	return rendering_load(&paths, &maps, rig->graph, &rig->root_fd, err);
}

/* ---- what the counters are ---- */
static struct rig_counter *rig_name(struct rig *rig, uint32_t index, enum what what,
				    const struct plan_node *node, const char *name)
{
	struct rig_counter *counter = &rig->what[index];

	if (index >= SHUNT_COUNTERS_MAX || counter->what != WHAT_NOTHING)
		rig_die(name, "counter shared with another, or none");
	if (index >= rig->n_counters)
		rig->n_counters = index + 1;
	counter->what = what;
	counter->node = node;
	snprintf(counter->name, sizeof(counter->name), "%s.%s", node ? node->name : "root", name);
	return counter;
}

static void rig_name_reasons(struct rig *rig, uint32_t first)
{
	uint32_t i;

	for (i = 0; i < SHUNT_REASON_MAX; i++)
		if (rig->what[first + i].what == WHAT_NOTHING)
			rig_name(rig, first + i, WHAT_REASON, NULL, rig_reason_names[i])->n = i;
}

static void rig_name_all(struct rig *rig)
{
	const struct plan_graph *graph = rig->graph;
	unsigned int i, j;

	rig->what = calloc(SHUNT_COUNTERS_MAX, sizeof(*rig->what));
	rig->before = calloc(SHUNT_COUNTERS_MAX, sizeof(*rig->before));
	rig_name(rig, graph->entry_counter, WHAT_EDGE, NULL, "next");
	rig_name(rig, graph->miss_counter, WHAT_MISS, NULL, "miss");
	rig_name_reasons(rig, graph->reason_counter);
	rig_name_reasons(rig, graph->drop_counter);
	for (i = 0; i < rig->plan.n_slots; i++)
		if (!strncmp(rig->plan.slot[i].name, "hit ", 4) &&
		    rig->plan.slot[i].index >= rig->n_hits)
			rig->n_hits = rig->plan.slot[i].index + 1;
	if (rig->n_hits > RIG_RULES_MAX)
		rig->n_hits = 0;
	for (i = 0; i < graph->n_nodes; i++) {
		const struct plan_node *node = &graph->node[i];

		rig_name(rig, node->miss_counter, WHAT_MISS, node, "miss");
		for (j = 0; j < node->n_edges; j++)
			rig_name(rig, node->edge[j].rodata.counter, WHAT_EDGE, node,
				 node->edge[j].name)->edge = &node->edge[j];
	}
}

int rig_try(const char *yaml, uint32_t hook, struct rig **ret_rig, struct err *err)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	int r;

	if (!rig)
		return -ENOMEM;
	rig->hook = hook;
	rig->root_fd = -1;
	shared_init(&rig->shared);
	rig->cpu = rig_process(rig->bpffs);
	rig_compile(rig, yaml, err);
	r = rig_load(rig, err);
	if (r < 0) {
		rig_free(rig);
		return r;
	}
	rig_name_all(rig);
	*ret_rig = rig;
	return 0;
}

struct rig *rig_new(const char *yaml, uint32_t hook)
{
	struct err err = { 0 };
	struct rig *rig = NULL;

	if (rig_try(yaml, hook, &rig, &err) < 0)
		rig_die("load", err.text);
	return rig;
}

void rig_free(struct rig *rig)
{
	if (!rig)
		return;
	pins_remove(rig->bpffs);
	fd_close(rig->root_fd);
	shared_close(&rig->shared);
	images_close(&rig->images);
	plan_fini(&rig->plan);
	free(rig->hits_before);
	arena_fini(&rig->arena);
	free(rig->what);
	free(rig->before);
	free(rig);
}

/* ---- what is in the kernel ---- */
uint64_t rig_hits(const struct rig *rig, uint32_t hit)
{
	struct filter_hits hits;

	hits_get(&rig->shared.hits, hit, &hits);
	return hits.packets;
}

const struct plan_node *rig_node(const struct rig *rig, const char *name)
{
	unsigned int i;

	for (i = 0; i < rig->graph->n_nodes; i++)
		if (!strcmp(rig->graph->node[i].name, name))
			return &rig->graph->node[i];
	rig_die(name, "no such node");
	return NULL;
}

int rig_table(const struct rig *rig, const char *node, const char *table)
{
	const struct plan_node *found = rig_node(rig, node);
	char path[PINS_PATH_MAX];
	unsigned int i;

	for (i = 0; i < found->n_tables; i++) {
		if (strcmp(found->table[i].table->name, table))
			continue;
		rendering_table_path(rig->bpffs, node, &found->table[i], path);
		return pins_get(path);
	}
	return -ENOENT;
}

uint64_t rig_edge(const struct rig *rig, const char *edge)
{
	uint32_t i;

	for (i = 0; i < rig->n_counters; i++)
		if (rig->what[i].what == WHAT_EDGE && !strcmp(rig->what[i].name, edge))
			return counters_get(&rig->shared.counters, i);
	rig_die(edge, "no such edge");
	return 0;
}

uint64_t rig_rule(const struct rig *rig, const char *node, unsigned int rule)
{
	return rig_hits(rig, rig_node(rig, node)->filter->rule[rule].hit);
}
