// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* install.c - make the kernel be as a plan says, as one transaction */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>

#include <base/diag.h>
#include <base/file.h>
#include <base/log.h>
#include <kernel/gates.h>
#include <kernel/grace.h>
#include <kernel/install.h>
#include <kernel/jiffies.h>
#include <kernel/pins.h>
#include <kernel/images.h>
#include <kernel/rendering.h>
#include <kernel/shared.h>

struct install {
	char *bpffs, *objects, *logs;
	struct gates gates;
	struct shared shared;
	struct images images;
	struct jiffies jiffies;
	struct attachments attachments;
	int *root_fd;			/* by graph of the plan under way; -1: kept */
	struct grace grace;		/* of the last switch to a view */
	uint64_t grace_us;		/* waited for it */
};

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000ULL + ts.tv_nsec / 1000;
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
	int r;

	if (!install)
		return err_set(err, -ENOMEM, "start");
	install->bpffs = strdup(paths->bpffs);
	install->objects = strdup(paths->objects);
	install->logs = strdup(paths->logs);
	shared_init(&install->shared);
	jiffies_open(&install->jiffies);
	attachments_init(&install->attachments, paths->bpffs);
	r = install_folders(install, err);
	if (r == 0)
		r = gates_open(&install->gates, paths->bpffs, paths->objects, err);
	if (r == 0)
		r = shared_open(&install->shared, paths->bpffs, err);
	if (r == 0)
		r = images_open(&install->images, paths->bpffs, err);
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
	grace_end(&install->grace);
	if (install->gates.bpffs)
		gates_close(&install->gates);
	shared_close(&install->shared);
	images_close(&install->images);
	jiffies_close(&install->jiffies);
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
	bool has_flows = shared_has_flows(&install->shared, plan);
	unsigned int i;
	int r, lost = 0;

	r = attachments_adopt(&install->attachments, &install->gates, links, err);
	if (r < 0)
		return r;
	for (i = 0; i < plan->n_graphs; i++) {
		if (plan->graph[i].kept && has_flows && install_runs(install, &plan->graph[i]))
			continue;
		plan->graph[i].kept = false;
		lost++;
	}
	return lost;
}

static void install_sweep_pins(struct install *install, const struct plan *plan)
{
	rendering_sweep(install->bpffs, plan);
	images_sweep(&install->images, plan);
	shared_sweep_sets(&install->shared, plan);
}

void install_forget(struct install *install, struct plan *plan)
{
	unsigned int i;

	for (i = 0; i < plan->n_filters; i++)
		if (!images_get(&install->images, &plan->filter[i], NULL))
			plan->filter[i].hash = 0;
	for (i = 0; i < plan->n_sets; i++)
		if (!shared_has_set(&install->shared, &plan->set[i]))
			plan->set[i].hash = 0;
}

void install_sweep(struct install *install, const struct plan *plan)
{
	install_clear_slots(install, plan);
	install_sweep_pins(install, plan);
	shared_take_up_flows(&install->shared, plan);
}

/* Indices handed out anew: nobody counts there, and what a former owner counted is not ours */
static void install_zero(struct install *install, struct plan *plan)
{
	struct plan_slot *slot;
	unsigned int i, j;

	for (i = 0; i < plan->n_slots; i++) {
		slot = &plan->slot[i];
		if (!slot->fresh)
			continue;
		slot->fresh = false;
		for (j = 0; j < slot->n; j++) {
			if (!strncmp(slot->name, "counter ", 8))
				counters_zero(&install->shared.counters, slot->index + j);
			else if (!strncmp(slot->name, "hit ", 4))
				hits_zero(&install->shared.hits, slot->index + j);
			else if (!strncmp(slot->name, "state ", 6))
				shared_state_zero(&install->shared, slot->index + j);
		}
	}
}

/* Images and sets that programs of @plan will read */
static int install_content(struct install *install, const struct plan *plan, struct err *err)
{
	unsigned int i;
	int r;

	r = shared_reserve(&install->shared, plan, err);
	for (i = 0; r == 0 && i < plan->n_sets; i++)
		r = shared_set(&install->shared, &plan->set[i], err);
	for (i = 0; r == 0 && i < plan->n_filters; i++)
		if (plan->filter[i].classifier.image)
			r = images_make(&install->images, &plan->filter[i], err);
	return r;
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
		maps.images = &install->images;
		maps.n_shared = shared_maps(&install->shared, gates_kind(graph->hook), maps.shared);
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

int install_load(struct install *install, struct plan *plan, const struct plan *running,
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
	install_zero(install, plan);
	r = install_content(install, plan, err);
	if (r == 0)
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
	shared_abandon(&install->shared);
	if (running)
		install_sweep_pins(install, running);	/* tables of its nodes alone */
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
	grace_wait();
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

	shared_refresh(&install->shared);
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
	grace_wait();
	report->grace_us = now_us() - start;
	install_clear_gone(install, plan, running);
	shared_settle(&install->shared, plan);
	install_sweep_pins(install, plan);
	return 0;
}

int install_view(struct install *install, struct plan *plan, const struct plan_filter *filter,
		 const struct filter_view *view, unsigned int number, struct err *err)
{
	struct classifier_ext ext = { view->ext, sizeof(*view->ext), view->n_ext };
	struct image *image = images_get(&install->images, filter, err);
	uint64_t start = now_us();
	int r;

	if (!image)
		return -ENOENT;
	grace_end(&install->grace);	/* this view may have been in force before the last switch */
	install->grace_us = now_us() - start;
	install_zero(install, plan);
	r = classifier_view(image->map, &filter->classifier.shape, number, &view->add, &ext,
			    view->gone, view->n_gone);
	return r < 0 ? err_set(err, r, "write a view of node '%s'", filter->node) : 0;
}

unsigned int install_view_free(struct install *install, const struct plan_filter *filter)
{
	const void *image = install_image(install, filter);

	return image ? !classifier_in_force(image) : 0;
}

void install_view_commit(struct install *install, const struct plan_filter *filter,
			 unsigned int number, struct install_report *report)
{
	struct image *image = images_get(&install->images, filter, NULL);
	uint64_t start = now_us();

	if (image)
		classifier_switch(image->map, number);
	report->commit_us = now_us() - start;
	report->grace_us = install->grace_us;
	grace_begin(&install->grace);
}

int install_trial(struct install *install, const struct plan *plan,
		  const struct plan_filter *filter, const void *frame, size_t len,
		  uint32_t ifindex, struct trial *ret_trial, struct err *err)
{
	struct rendering_paths paths = install_render_paths(install);
	const struct plan_node *node;
	unsigned int i, k;

	for (i = 0; i < plan->n_graphs; i++)
		for (k = 0; k < plan->graph[i].n_nodes; k++) {
			node = &plan->graph[i].node[k];
			if (node->filter == filter)
				return trial_run(&paths, &install->shared, &install->images, node,
						 plan->graph[i].hook, plan, frame, len, ifindex,
						 ret_trial, err);
		}
	return err_set(err, -ENOENT, "node '%s' is in no graph.", filter->node);
}

const void *install_image(struct install *install, const struct plan_filter *filter)
{
	struct image *image = images_get(&install->images, filter, NULL);

	return image ? image->map : NULL;
}

uint64_t install_age_s(const struct install *install, uint64_t last)
{
	return jiffies_age_s(&install->jiffies, last);
}

struct flows *install_flows(struct install *install)
{
	return install->shared.flows;
}

struct lb_tables *install_lb(struct install *install)
{
	return install->shared.lb;
}

void install_hits(const struct install *install, uint32_t hit, struct filter_hits *ret_hits)
{
	hits_get(&install->shared.hits, hit, ret_hits);
}

int install_set(const struct install *install, const struct plan_set *set)
{
	return sets_dynamic(install->shared.sets, set->slot);
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
		bpf_map_update_elem(install->shared.ports_fd[GATES_TC], &plan->port[i].port, &ifindex,
				    BPF_ANY);
		if (link)
			bpf_map_update_elem(install->shared.ports_fd[GATES_XDP], &plan->port[i].port,
					    &ifindex, BPF_ANY);
		else
			bpf_map_delete_elem(install->shared.ports_fd[GATES_XDP], &plan->port[i].port);
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
	return counters_get(&install->shared.counters, index);
}

uint64_t install_gate_misses(const struct install *install, uint32_t hook, uint32_t slot)
{
	return gates_misses(&install->gates, hook, slot);
}

int install_table(const struct install *install, const struct plan_node *node, const char *table,
		  bool *ret_shared, struct err *err)
{
	return shared_table_open(&install->shared, node, table, ret_shared, err);
}
