// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * apply.bench.c - how long a change takes, from the text to the last packet of the old graph
 *
 * Here 'ns' is the time of one change: 'apply.rules.N' from the text of a configuration with N
 * rules, one of them new, to the end of the grace period; 'apply.compile', 'apply.load',
 * 'apply.commit' and 'apply.grace' are its parts. Three nodes, attached to a loopback of its own.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <base/buf.h>
#include <kernel/install.h>
#include <kernel/object.h>
#include <model/tree.h>

#include "../lib/bench.h"
#include "../lib/rig.h"

const char *unit_folder(void);		/* unit.h needs cmocka */

#define CHANGES	60
#define PARTS	5

static const char *const part_name[PARTS] = { "rules", "compile", "load", "commit", "grace" };

/* One generation: the arena holds its plan */
struct generation {
	struct arena arena;
	struct plan plan;
};

struct apply {
	struct install *install;
	struct arena arena;		/* of the contracts */
	struct module_set modules;
	struct generation running;
	uint32_t number;
};

struct samples {
	double ns[PARTS][CHANGES];
};

static void contracts_read(struct apply *apply)
{
	static const char *const names[] = { "filter", "limit", "count" };
	struct err err = { 0 };
	struct module *module;
	unsigned int i;

	apply->modules.ref = arena_new_n(&apply->arena, struct module_ref, 3);
	for (i = 0; i < 3; i++) {
		module = arena_new(&apply->arena, struct module);
		if (object_inspect(names[i], rig_built("bpf/modules"), &apply->arena, module,
				   &err) < 0)
			bench_die(names[i], err.text);
		apply->modules.ref[i] = (struct module_ref){ names[i], module };
	}
	apply->modules.n = 3;
}

static char *text_new(unsigned int rules, unsigned int turn)
{
	struct buf yaml = { 0 };
	unsigned int i;

	buf_printf(&yaml, "version: 1\nnodes:\n  guard:\n    module: filter\n    rules:\n");
	for (i = 1; i < rules; i++)
		buf_printf(&yaml, "      - \"ip saddr 10.%u.%u.0/24 tcp dport %u drop\"\n", i / 256,
			   i % 256, 1024 + i);
	buf_printf(&yaml, "      - \"udp dport %u drop\"\n", 1024 + turn);
	buf_printf(&yaml, "  slow: { module: limit, config: { rate_pps: 1000000 } }\n"
		   "  meter: { module: count }\n"
		   "graphs:\n  g: [guard, slow, meter]\n"
		   "attach:\n  - { dev: lo, hook: xdp, graph: g, mode: generic }\n");
	return buf_take(&yaml);
}

static void compile(struct apply *apply, const char *text, struct generation *ret)
{
	static struct link links[] = { { .ifindex = 1, .name = "lo" } };
	const struct link_table table = { links, 1, 1 };
	struct diags diags = { .arena = &ret->arena };
	struct config config;
	struct tree *tree = NULL;

	if (tree_from_yaml(text, strlen(text), &diags, &tree) < 0 ||
	    config_from_tree(tree, &diags, &config) < 0 ||
	    plan_compile(&config, &apply->modules, &table,
			 apply->number ? &apply->running.plan : NULL, apply->number + 1, &diags,
			 &ret->plan) < 0)
		bench_die("configuration", "has findings");
}

static void change(struct apply *apply, unsigned int rules, unsigned int turn, double *ns[PARTS])
{
	const struct plan *running = apply->number ? &apply->running.plan : NULL;
	struct generation next = { 0 };
	struct install_report report = { 0 };
	struct err err = { 0 };
	char *text = text_new(rules, turn);
	uint64_t start = bench_wall_ns(), compiled;

	compile(apply, text, &next);
	compiled = bench_wall_ns();
	if (install_load(apply->install, &next.plan, running, &report, &err) < 0 ||
	    install_commit(apply->install, &next.plan, running, &report, &err) < 0)
		bench_die("apply", err.text);
	*ns[0] = bench_wall_ns() - start;
	*ns[1] = compiled - start;
	*ns[2] = report.load_us * 1e3;
	*ns[3] = report.commit_us * 1e3;
	*ns[4] = report.grace_us * 1e3;
	arena_fini(&apply->running.arena);
	apply->running = next;
	apply->number++;
	free(text);
}

static int cmp(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void print(const char *name, unsigned int n, double *ns)
{
	if (!bench_wanted(name))
		return;
	qsort(ns, CHANGES, sizeof(*ns), cmp);
	bench_print(&(struct bench_line){ .name = name, .n = n, .ns = ns[CHANGES / 2],
					  .min_ns = ns[0] });
}

static void measure(struct apply *apply, unsigned int rules)
{
	static struct samples samples;
	double first, *skip[PARTS] = { &first, &first, &first, &first, &first }, *ns[PARTS];
	unsigned int i, part;
	char name[64];

	change(apply, rules, CHANGES, skip);	/* to that many rules */
	for (i = 0; i < CHANGES; i++) {
		for (part = 0; part < PARTS; part++)
			ns[part] = &samples.ns[part][i];
		change(apply, rules, i, ns);
	}
	for (part = 0; part < PARTS; part++) {
		snprintf(name, sizeof(name), "apply.%s.%u", part_name[part], rules);
		print(name, rules, samples.ns[part]);
	}
}

static bool any_wanted(unsigned int rules)
{
	char name[64];
	unsigned int part;

	for (part = 0; part < PARTS; part++) {
		snprintf(name, sizeof(name), "apply.%s.%u", part_name[part], rules);
		if (bench_wanted(name))
			return true;
	}
	return false;
}

/* Namespaces of our own: a loopback and a bpffs that go with the process */
static void apply_open(struct apply *apply)
{
	char bpffs[PINS_PATH_MAX - 64];
	struct install_paths paths = { bpffs, rig_built("bpf"), unit_folder() };
	struct err err = { 0 };

	snprintf(bpffs, sizeof(bpffs), "%s/bpf", unit_folder());
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", unit_folder(), "tmpfs", 0, NULL) < 0)
		bench_die("namespaces", strerror(errno));
	if (install_open(&paths, &apply->install, &err) < 0)
		bench_die("start", err.text);
	contracts_read(apply);
}

int main(void)
{
	static const unsigned int rules[] = { 10, 100, 500 };
	struct apply apply = { 0 };
	unsigned int i;

	if (!any_wanted(rules[0]) && !any_wanted(rules[1]) && !any_wanted(rules[2]))
		return 0;
	bench_init();
	apply_open(&apply);
	for (i = 0; i < 3; i++)
		if (any_wanted(rules[i]))
			measure(&apply, rules[i]);
	install_detach(apply.install, 0, SHUNT_HOOK_ANY, NULL);
	install_close(apply.install);
	arena_fini(&apply.running.arena);
	arena_fini(&apply.arena);
	return 0;
}
