// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* install.c - make the kernel be as a plan says, as one transaction */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/membarrier.h>

#include <bpf/bpf.h>

#include <base/diag.h>
#include <base/file.h>
#include <base/log.h>
#include <kernel/counters.h>
#include <kernel/gates.h>
#include <kernel/install.h>
#include <kernel/pins.h>
#include <kernel/rendering.h>

struct install {
	char *bpffs, *objects, *logs;
	struct gates gates;
	struct counters counters;
	int ports_fd[GATES_KINDS];
	struct attachments attachments;
	int *root_fd;			/* by graph of the plan under way; -1: kept */
};

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000ULL + ts.tv_nsec / 1000;
}

static int install_ports_open(struct install *install, enum gates_kind kind, struct err *err)
{
	char path[PINS_PATH_MAX];
	int fd, r;

	snprintf(path, sizeof(path), "%s/%s", install->bpffs,
		 kind == GATES_XDP ? "ports_xdp" : "ports_tc");
	fd = pins_get(path);
	if (fd != -ENOENT)
		return fd < 0 ? err_set(err, fd, "open pin '%s'", path) : fd;
	fd = bpf_map_create(kind == GATES_XDP ? BPF_MAP_TYPE_DEVMAP : BPF_MAP_TYPE_ARRAY,
			    "shunt_ports", sizeof(uint32_t), sizeof(uint32_t), SHUNT_PORTS_MAX,
			    NULL);
	if (fd < 0)
		return err_set(err, -errno, "create table 'shunt_ports'");
	r = pins_pin(fd, path, err);
	if (r < 0) {
		fd_close(fd);
		return r;
	}
	return fd;
}

static int install_folders(struct install *install, struct err *err)
{
	static const char *const folder[] = { "graph", "table", "link" };
	char path[PINS_PATH_MAX];
	unsigned int i;
	int r;

	r = pins_open(install->bpffs, err);
	for (i = 0; r == 0 && i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", install->bpffs, folder[i]);
		r = pins_mkdir(path, err);
	}
	return r;
}

int install_open(const struct install_paths *paths, struct install **ret_install, struct err *err)
{
	struct install *install = calloc(1, sizeof(*install));
	char path[PINS_PATH_MAX];
	int r, kind;

	if (!install)
		return err_set(err, -ENOMEM, "start");
	install->bpffs = strdup(paths->bpffs);
	install->objects = strdup(paths->objects);
	install->logs = strdup(paths->logs);
	install->ports_fd[GATES_XDP] = install->ports_fd[GATES_TC] = -1;
	install->counters.fd = -1;
	attachments_init(&install->attachments, paths->bpffs);
	r = install_folders(install, err);
	if (r < 0)
		goto out;
	r = gates_open(&install->gates, paths->bpffs, paths->objects, err);
	if (r < 0)
		goto out;
	snprintf(path, sizeof(path), "%s/cpu", paths->bpffs);
	r = counters_open(&install->counters, path, err);
	for (kind = 0; r == 0 && kind < GATES_KINDS; kind++) {
		install->ports_fd[kind] = install_ports_open(install, kind, err);
		r = install->ports_fd[kind] < 0 ? install->ports_fd[kind] : 0;
	}
out:
	if (r < 0) {
		install_close(install);
		return r;
	}
	*ret_install = install;
	return 0;
}

void install_close(struct install *install)
{
	if (!install)
		return;
	if (install->gates.bpffs)
		gates_close(&install->gates);
	counters_close(&install->counters);
	fd_close(install->ports_fd[GATES_XDP]);
	fd_close(install->ports_fd[GATES_TC]);
	attachments_fini(&install->attachments);
	free(install->bpffs);
	free(install->objects);
	free(install->logs);
	free(install);
}

static struct rendering_paths install_render_paths(const struct install *install)
{
	return (struct rendering_paths) { install->bpffs, install->objects, install->logs };
}

/* A rendering runs if its root is the program behind the slot, and its array is pinned */
static bool install_runs(const struct install *install, const struct plan_graph *graph)
{
	char path[PINS_PATH_MAX], pin[PINS_PATH_MAX + 8];
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);
	int root_fd, next_fd;
	bool runs;

	rendering_path(install->bpffs, graph, path);
	snprintf(pin, sizeof(pin), "%s/root", path);
	root_fd = pins_get(pin);
	snprintf(pin, sizeof(pin), "%s/next", path);
	next_fd = pins_get(pin);
	runs = root_fd >= 0 && next_fd >= 0 &&
	       bpf_obj_get_info_by_fd(root_fd, &info, &len) == 0 &&
	       info.id == gates_root(&install->gates, graph->hook, graph->slot);
	fd_close(root_fd < 0 ? -1 : root_fd);
	fd_close(next_fd < 0 ? -1 : next_fd);
	return runs;
}

/* Slots that no graph of the plan has, left by a commit that did not come to be */
static void install_clear_slots(struct install *install, const struct plan *plan)
{
	bool used[GATES_KINDS][SHUNT_GRAPHS_MAX] = {};
	unsigned int i, slot;

	for (i = 0; i < plan->n_graphs; i++)
		used[gates_kind(plan->graph[i].hook)][plan->graph[i].slot] = true;
	for (slot = 0; slot < SHUNT_GRAPHS_MAX; slot++) {
		if (!used[GATES_XDP][slot])
			gates_clear(&install->gates, SHUNT_HOOK_XDP, slot);
		if (!used[GATES_TC][slot])
			gates_clear(&install->gates, SHUNT_HOOK_TC_INGRESS, slot);
	}
}

int install_recover(struct install *install, struct plan *plan, const struct link_table *links,
		    struct err *err)
{
	unsigned int i;
	int r, lost = 0;

	r = attachments_adopt(&install->attachments, &install->gates, links, err);
	if (r < 0)
		return r;
	for (i = 0; i < plan->n_graphs; i++) {
		if (plan->graph[i].kept && install_runs(install, &plan->graph[i]))
			continue;
		plan->graph[i].kept = false;
		lost++;
	}
	return lost;
}

void install_sweep(struct install *install, const struct plan *plan)
{
	install_clear_slots(install, plan);
	rendering_sweep(install->bpffs, plan);
}

static bool slot_in(const struct plan *plan, const struct plan_slot *slot)
{
	unsigned int i;

	for (i = 0; plan && i < plan->n_slots; i++)
		if (!strcmp(plan->slot[i].name, slot->name))
			return true;
	return false;
}

/* Indices handed out anew: nobody counts there, and what a former owner counted is not ours */
static void install_zero_counters(struct install *install, const struct plan *plan,
				  const struct plan *running)
{
	unsigned int i, j;

	for (i = 0; i < plan->n_slots; i++) {
		const struct plan_slot *slot = &plan->slot[i];

		if (strncmp(slot->name, "counter ", 8) || slot_in(running, slot))
			continue;
		for (j = 0; j < slot->n; j++)
			counters_zero(&install->counters, slot->index + j);
	}
}

static int install_render(struct install *install, const struct plan *plan,
			  const struct plan *running, struct install_report *report,
			  struct err *err)
{
	struct rendering_paths paths = install_render_paths(install);
	const struct plan_graph *graph;
	struct rendering_maps maps;
	unsigned int i;
	int r;

	for (i = 0; i < plan->n_graphs; i++) {
		graph = &plan->graph[i];
		if (graph->kept)
			continue;
		maps.cpu_fd = install->counters.fd;
		maps.ports_fd = install->ports_fd[gates_kind(graph->hook)];
		r = rendering_load(&paths, &maps, graph, &install->root_fd[i], err);
		if (r < 0)
			return r;
		report->rendered++;
		if (running && plan_graph_find(running, graph->name, graph->hook))
			continue;
		/* A new graph: no packet comes here yet */
		r = gates_set(&install->gates, graph->hook, graph->slot, install->root_fd[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

int install_load(struct install *install, const struct plan *plan, const struct plan *running,
		 struct install_report *report, struct err *err)
{
	uint64_t start = now_us();
	unsigned int i;
	int r;

	install->root_fd = malloc(sizeof(int) * (plan->n_graphs + 1));
	if (!install->root_fd)
		return err_set(err, -ENOMEM, "load");
	for (i = 0; i < plan->n_graphs; i++)
		install->root_fd[i] = -1;
	install_zero_counters(install, plan, running);
	r = install_render(install, plan, running, report, err);
	if (r == 0)
		r = attachments_add(&install->attachments, &install->gates, plan, plan->attach,
				    plan->n_attach, true, err);
	if (r < 0) {
		install_abort(install, plan, running);
		return r;
	}
	report->attached = r;
	report->load_us = now_us() - start;
	return 0;
}

static void install_done(struct install *install, const struct plan *plan)
{
	unsigned int i;

	for (i = 0; i < plan->n_graphs; i++)
		fd_close(install->root_fd[i]);
	free(install->root_fd);
	install->root_fd = NULL;
}

void install_abort(struct install *install, const struct plan *plan, const struct plan *running)
{
	char path[PINS_PATH_MAX];
	unsigned int i;

	attachments_undo(&install->attachments);
	for (i = 0; i < plan->n_graphs; i++) {
		const struct plan_graph *graph = &plan->graph[i];

		if (graph->kept)
			continue;
		if (!running || !plan_graph_find(running, graph->name, graph->hook))
			gates_clear(&install->gates, graph->hook, graph->slot);
		rendering_path(install->bpffs, graph, path);
		pins_remove(path);
	}
	if (running)
		rendering_sweep(install->bpffs, running);	/* tables of its nodes alone */
	install_done(install, plan);
}

/* Consumers of a hand-off first: TC, then XDP */
static int install_flip(struct install *install, const struct plan *plan, enum gates_kind kind,
			struct err *err)
{
	unsigned int i;
	int r;

	for (i = 0; i < plan->n_graphs; i++) {
		const struct plan_graph *graph = &plan->graph[i];

		if (graph->kept || gates_kind(graph->hook) != kind)
			continue;
		r = gates_set(&install->gates, graph->hook, graph->slot, install->root_fd[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Back to what ran, after a write failed */
static void install_flip_back(struct install *install, const struct plan *running)
{
	char path[PINS_PATH_MAX], pin[PINS_PATH_MAX + 8];
	unsigned int i;
	int fd;

	for (i = 0; running && i < running->n_graphs; i++) {
		const struct plan_graph *graph = &running->graph[i];

		rendering_path(install->bpffs, graph, path);
		snprintf(pin, sizeof(pin), "%s/root", path);
		fd = pins_get(pin);
		if (fd < 0)
			continue;
		gates_set(&install->gates, graph->hook, graph->slot, fd, NULL);
		fd_close(fd);
	}
}

/* Returns when every CPU has left the programs that it ran when this was called */
static void install_grace(void)
{
	if (syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0)
		usleep(100000);	/* not in this kernel: longer than any packet takes */
}

/* Slots of graphs that are no more; nothing is attached to them */
static void install_clear_gone(struct install *install, const struct plan *plan,
			       const struct plan *running)
{
	unsigned int i;

	for (i = 0; running && i < running->n_graphs; i++) {
		const struct plan_graph *graph = &running->graph[i];

		if (!plan_graph_find(plan, graph->name, graph->hook))
			gates_clear(&install->gates, graph->hook, graph->slot);
	}
}

/* Undo a commit that failed half way: slots, gates, and what was detached already */
static void install_back(struct install *install, const struct plan *plan,
			 const struct plan *running)
{
	install_flip_back(install, running);
	if (running)
		attachments_replace(&install->attachments, &install->gates, running,
				    running->attach, running->n_attach, NULL);
	install_grace();
	install_abort(install, plan, running);
	if (running)
		attachments_add(&install->attachments, &install->gates, running,
				running->attach, running->n_attach, false, NULL);
	attachments_settle(&install->attachments);
}

int install_commit(struct install *install, const struct plan *plan, const struct plan *running,
		   struct install_report *report, struct err *err)
{
	uint64_t start = now_us();
	int r;

	r = install_flip(install, plan, GATES_TC, err);
	if (r == 0)
		r = install_flip(install, plan, GATES_XDP, err);
	report->commit_us = now_us() - start;
	if (r == 0)
		r = attachments_replace(&install->attachments, &install->gates, plan,
					plan->attach, plan->n_attach, err);
	if (r >= 0) {
		report->replaced = r;
		r = attachments_trim(&install->attachments, plan->attach, plan->n_attach, err);
	}
	if (r < 0) {
		install_back(install, plan, running);
		return r;
	}
	report->detached = r;
	attachments_settle(&install->attachments);
	report->attached += attachments_add(&install->attachments, &install->gates, plan,
					    plan->attach, plan->n_attach, false, NULL);
	install_done(install, plan);
	start = now_us();
	install_grace();
	report->grace_us = now_us() - start;
	install_clear_gone(install, plan, running);
	rendering_sweep(install->bpffs, plan);
	return 0;
}

unsigned int install_attachments(struct install *install, const struct plan *plan,
				 const struct plan_attach *want, unsigned int n)
{
	struct err err = {};
	unsigned int changes = 0;
	int r;

	r = attachments_trim(&install->attachments, want, n, &err);
	if (r < 0)
		log_warn("%s", err.text);
	else
		changes = r;
	r = attachments_replace(&install->attachments, &install->gates, plan, want, n, &err);
	if (r < 0)
		log_warn("%s", err.text);
	else
		changes += r;
	changes += attachments_add(&install->attachments, &install->gates, plan, want, n, false,
				   NULL);
	attachments_settle(&install->attachments);
	return changes;
}

void install_ports(struct install *install, const struct plan *plan, const struct link_table *links)
{
	uint32_t ifindex;
	const struct link *link;
	unsigned int i;

	for (i = 0; i < plan->n_ports; i++) {
		link = link_find_name(links, plan->port[i].name);
		ifindex = link ? link->ifindex : 0;
		bpf_map_update_elem(install->ports_fd[GATES_TC], &plan->port[i].port, &ifindex,
				    BPF_ANY);
		if (link)
			bpf_map_update_elem(install->ports_fd[GATES_XDP], &plan->port[i].port,
					    &ifindex, BPF_ANY);
		else
			bpf_map_delete_elem(install->ports_fd[GATES_XDP], &plan->port[i].port);
	}
}

const struct attachments *install_attached(const struct install *install)
{
	return &install->attachments;
}

int install_detach(struct install *install, uint32_t ifindex, uint32_t hooks, struct err *err)
{
	return attachments_detach(&install->attachments, ifindex, hooks, err);
}

void install_release(struct install *install)
{
	attachments_release(&install->attachments);
}

uint64_t install_counter(const struct install *install, uint32_t index)
{
	return counters_get(&install->counters, index);
}

uint64_t install_gate_misses(const struct install *install, uint32_t hook, uint32_t slot)
{
	return gates_misses(&install->gates, hook, slot);
}

int install_table(const struct install *install, const struct plan_node *node, const char *table,
		  struct err *err)
{
	const char *known[node->n_tables + 1];
	char path[PINS_PATH_MAX];
	unsigned int i, n = 0;
	int fd;

	for (i = 0; i < node->n_tables; i++) {
		if (node->table[i].content)
			continue;
		known[n++] = node->table[i].table->name;
		if (strcmp(node->table[i].table->name, table))
			continue;
		rendering_table_path(install->bpffs, node->name, &node->table[i], path);
		fd = pins_get(path);
		if (fd < 0)
			return err_set(err, fd, "open table '%s' of node '%s'", table, node->name);
		return fd;
	}
	return err_set(err, -ENOENT, "node '%s' has no table '%s' that outlives a generation%s.",
		       node->name, table, suggest_text(table, known, n).text);
}
