// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* rendering.c - one graph at one hook: load its programs, fill its program array, pin */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include <base/file.h>
#include <base/log.h>
#include <kernel/object.h>
#include <kernel/pins.h>
#include <kernel/rendering.h>

#define MAPS_MAX (24 + SHARED_MAPS)

void rendering_path(const char *bpffs, const struct plan_graph *graph, char *ret_path)
{
	snprintf(ret_path, PINS_PATH_MAX, "%s/graph/%s@%s@%u", bpffs, graph->name,
		 module_hook_name(graph->hook), graph->generation);
}

/* A table of another layout is another table */
void rendering_table_path(const char *bpffs, const char *node, const struct plan_table *table,
		       char *ret_path)
{
	snprintf(ret_path, PINS_PATH_MAX, "%s/table/%s:%s:%016llx", bpffs, node,
		 table->table->name, (unsigned long long)table->table->schema);
}

static int render_object_index(uint32_t hook)
{
	return hook == SHUNT_HOOK_XDP ? 0 : 1;
}

/* The rodata that every program has */
static void render_conf(const struct plan_graph *graph, uint32_t miss_counter,
			uint32_t reason_counter, uint64_t tag, struct shunt_node_conf *ret_conf)
{
	*ret_conf = (struct shunt_node_conf) {
		.generation = graph->generation,
		.miss_counter = miss_counter,
		.reason_counter = reason_counter,
		.hook = graph->hook,
		.handoff_tag = tag,
	};
}

/* After load: pin what is to outlive it */
static int render_tables(const struct rendering_paths *paths, const struct plan_node *node,
			 const struct object_loaded *loaded, struct err *err)
{
	char path[PINS_PATH_MAX];
	unsigned int i;
	int fd, r = 0;

	for (i = 0; !r && i < node->n_tables; i++) {
		if (node->table[i].kind != PLAN_STATE)
			continue;
		fd = object_loaded_map(loaded, node->table[i].table->name);
		rendering_table_path(paths->bpffs, node->name, &node->table[i], path);
		r = pins_pin(fd, path, err);
		if (r == -EEXIST)
			r = 0;		/* that is where it came from */
	}
	return r;
}

/* State tables that are there already. Return: how many; their descriptors are the caller's to close */
static unsigned int render_reuse(const struct rendering_paths *paths, const struct plan_node *node,
				 struct object_map *map)
{
	char path[PINS_PATH_MAX];
	unsigned int i, n = 0;
	int fd;

	for (i = 0; i < node->n_tables; i++) {
		if (node->table[i].kind != PLAN_STATE)
			continue;
		rendering_table_path(paths->bpffs, node->name, &node->table[i], path);
		fd = pins_get(path);
		if (fd >= 0)
			map[n++] = (struct object_map) { .name = node->table[i].table->name,
							 .fd = fd };
	}
	return n;
}

static int render_image(const struct rendering_maps *maps, const struct plan_node *node,
			struct object_map *ret_map, struct err *err)
{
	struct image *image;
	unsigned int i;

	for (i = 0; i < node->n_tables && node->table[i].kind != PLAN_IMAGE; i++)
		;
	if (i == node->n_tables)
		return 0;
	image = images_get(maps->images, node->filter, err);
	if (!image)
		return -ENOENT;
	*ret_map = (struct object_map) { .name = node->table[i].table->name, .fd = image->fd,
					.larger = true };
	return 1;
}

/* The flow table's are for those who look into it */
static bool render_wants(const struct plan_node *node, const char *name)
{
	unsigned int i;

	for (i = 0; i < node->n_tables; i++)
		if (!strcmp(node->table[i].table->name, name))
			return true;
	return strncmp(name, "ct_", 3);
}

static int render_node(const struct rendering_paths *paths, const struct rendering_maps *maps,
		       const struct plan_graph *graph, const struct plan_node *node, int next_fd,
		       struct err *err)
{
	struct shunt_edge edges[SHUNT_EDGES_MAX] = {};
	struct object_value value[2 + node->n_values];
	struct object_map map[MAPS_MAX];
	struct object_loaded loaded = { .prog_fd = -1 };
	struct shunt_node_conf conf;
	unsigned int i, n_reused, n_values = 0, n_maps;
	char what[160];
	int r;

	if (node->n_tables + 2 + maps->n_shared > MAPS_MAX)
		return err_set(err, -E2BIG, "node '%s' has more than %d tables", node->name,
			       MAPS_MAX - 2 - SHARED_MAPS);
	render_conf(graph, node->miss_counter, graph->drop_counter, graph->handoff_tag, &conf);
	for (i = 0; i < node->n_edges; i++)
		edges[i] = node->edge[i].rodata;
	value[n_values++] = (struct object_value) { "shunt_node_conf", &conf, sizeof(conf) };
	value[n_values++] = (struct object_value) { "shunt_edge", edges, sizeof(edges) };
	for (i = 0; i < node->n_values; i++)
		value[n_values++] = (struct object_value) { node->value[i].name,
				node->value[i].data, node->value[i].size };
	n_maps = n_reused = render_reuse(paths, node, map);
	r = render_image(maps, node, &map[n_maps], err);
	if (r < 0)
		goto out;
	n_maps += r;
	map[n_maps++] = (struct object_map) { .name = "shunt_next", .fd = next_fd };
	for (i = 0; i < maps->n_shared; i++)
		if (render_wants(node, maps->shared[i].name))
			map[n_maps++] = maps->shared[i];
	snprintf(what, sizeof(what), "node '%s' of graph '%s' at %s", node->name, graph->name,
		 module_hook_name(graph->hook));
	r = object_load(node->module->path[render_object_index(graph->hook)], what, value, n_values,
			map, n_maps, paths->logs, &loaded, err);
	if (r < 0)
		goto out;
	r = render_tables(paths, node, &loaded, err);
	if (r < 0)
		goto out;
	if (bpf_map_update_elem(next_fd, &node->slot, &loaded.prog_fd, BPF_ANY) < 0)
		r = err_set(err, -errno, "put %s into its program array", what);
out:
	object_loaded_fini(&loaded);
	for (i = 0; i < n_reused; i++)
		fd_close(map[i].fd);
	return r;
}

static int render_root(const struct rendering_paths *paths, const struct rendering_maps *maps,
		       const struct plan_graph *graph, int next_fd, int *ret_fd, struct err *err)
{
	struct shunt_edge edges[SHUNT_EDGES_MAX] = {
		{ SHUNT_TARGET_NODE, graph->entry_slot, graph->entry_counter, SHUNT_FAIL_CLOSED },
	};
	struct object_loaded loaded = { .prog_fd = -1 };
	struct shunt_node_conf conf;
	struct object_value value[] = {
		{ "shunt_node_conf", &conf, sizeof(conf) },
		{ "shunt_edge", edges, sizeof(edges) },
		{ "depth", &graph->depth, sizeof(graph->depth) },
	};
	struct object_map map[SHARED_MAPS + 1];
	char path[PINS_PATH_MAX], what[160];
	unsigned int i;
	int r;

	for (i = 0; i < maps->n_shared; i++)
		map[i] = maps->shared[i];
	map[i] = (struct object_map) { .name = "shunt_next", .fd = next_fd };

	render_conf(graph, graph->miss_counter, graph->reason_counter,
		    graph->producer ? graph->handoff_tag : 0, &conf);
	snprintf(path, sizeof(path), "%s/root.%s.o", paths->objects,
		 graph->hook == SHUNT_HOOK_XDP ? "xdp" : "tc");
	snprintf(what, sizeof(what), "the root of graph '%s' at %s", graph->name,
		 module_hook_name(graph->hook));
	r = object_load(path, what, value, 3, map, maps->n_shared + 1, paths->logs, &loaded, err);
	if (r < 0)
		return r;
	*ret_fd = loaded.prog_fd;
	loaded.prog_fd = -1;
	object_loaded_fini(&loaded);
	return 0;
}

/* Every slot that an edge names has a program: no packet will miss */
static int render_check(const struct plan_graph *graph, int next_fd, struct err *err)
{
	uint32_t id, slot;
	unsigned int i, j;

	for (i = 0; i < graph->n_nodes; i++) {
		for (j = 0; j < graph->node[i].n_edges; j++) {
			if (graph->node[i].edge[j].rodata.target != SHUNT_TARGET_NODE)
				continue;
			slot = graph->node[i].edge[j].rodata.arg;
			if (bpf_map_lookup_elem(next_fd, &slot, &id) < 0)
				return err_set(err, -errno, "graph '%s': edge '%s' of node '%s' "
					       "leads to an empty slot", graph->name,
					       graph->node[i].edge[j].name, graph->node[i].name);
		}
	}
	return 0;
}

static int render_pin(const char *path, int next_fd, int root_fd, struct err *err)
{
	char pin[PINS_PATH_MAX + 8];
	int r;

	snprintf(pin, sizeof(pin), "%s/root", path);
	r = pins_pin(root_fd, pin, err);
	if (r < 0)
		return r;
	/* Before it is used: an array without fd and pin is emptied although programs hold it */
	snprintf(pin, sizeof(pin), "%s/next", path);
	return pins_pin(next_fd, pin, err);
}

int rendering_load(const struct rendering_paths *paths, const struct rendering_maps *maps,
		 const struct plan_graph *graph, int *ret_root, struct err *err)
{
	int next_fd, root_fd = -1, r;
	char path[PINS_PATH_MAX];
	unsigned int i;

	rendering_path(paths->bpffs, graph, path);
	next_fd = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "shunt_next", sizeof(uint32_t),
				 sizeof(uint32_t), SHUNT_NODES_MAX, NULL);
	if (next_fd < 0)
		return err_set(err, -errno, "create a program array for graph '%s'", graph->name);
	r = pins_remove(path);		/* of a commit that did not come to be */
	if (r == 0)
		r = pins_mkdir(path, err);
	for (i = 0; r == 0 && i < graph->n_nodes; i++) {
		r = render_node(paths, maps, graph, &graph->node[i], next_fd, err);
		if (r < 0)
			err_at(err, "/nodes/%s/module", graph->node[i].name);
	}
	if (r == 0)
		r = render_root(paths, maps, graph, next_fd, &root_fd, err);
	if (r == 0)
		r = render_check(graph, next_fd, err);
	if (r == 0)
		r = render_pin(path, next_fd, root_fd, err);
	fd_close(next_fd);
	if (r < 0) {
		fd_close(root_fd);
		pins_remove(path);
		return r;
	}
	*ret_root = root_fd;
	return 0;
}

struct sweep {
	const char *bpffs;
	const struct plan *plan;
};

static int render_sweep_graph(const char *name, void *arg)
{
	const struct sweep *sweep = arg;
	char used[PINS_PATH_MAX], path[PINS_PATH_MAX];
	unsigned int i;

	snprintf(path, sizeof(path), "%s/graph/%s", sweep->bpffs, name);
	for (i = 0; i < sweep->plan->n_graphs; i++) {
		rendering_path(sweep->bpffs, &sweep->plan->graph[i], used);
		if (!strcmp(used, path))
			return 0;
	}
	log_debug("removing rendering '%s'", name);
	pins_remove(path);
	return 0;
}

static bool render_node_uses(const struct sweep *sweep, const struct plan_node *node,
			     const char *path)
{
	char used[PINS_PATH_MAX];
	unsigned int i;

	for (i = 0; i < node->n_tables; i++) {
		rendering_table_path(sweep->bpffs, node->name, &node->table[i], used);
		if (!strcmp(used, path))
			return true;
	}
	return false;
}

static int render_sweep_table(const char *name, void *arg)
{
	const struct sweep *sweep = arg;
	const struct plan *plan = sweep->plan;
	char path[PINS_PATH_MAX];
	unsigned int i, j;

	snprintf(path, sizeof(path), "%s/table/%s", sweep->bpffs, name);
	for (i = 0; i < plan->n_graphs; i++) {
		if (!plan->graph[i].n_nodes)
			return 0;	/* known by name alone: any table may be its own */
		for (j = 0; j < plan->graph[i].n_nodes; j++)
			if (render_node_uses(sweep, &plan->graph[i].node[j], path))
				return 0;
	}
	log_debug("removing table '%s'", name);
	pins_remove(path);
	return 0;
}

void rendering_sweep(const char *bpffs, const struct plan *plan)
{
	struct sweep sweep = { bpffs, plan };
	char path[PINS_PATH_MAX];

	snprintf(path, sizeof(path), "%s/graph", bpffs);
	pins_each(path, render_sweep_graph, &sweep);
	snprintf(path, sizeof(path), "%s/table", bpffs);
	pins_each(path, render_sweep_table, &sweep);
}
