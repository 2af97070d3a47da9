// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* trial.c - what a filter node does with a packet, tried apart from traffic */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bpf.h>
#include <bpf/bpf.h>

#include <base/arena.h>
#include <base/file.h>
#include <kernel/pins.h>
#include <kernel/trial.h>

/* Counters of the one graph there is */
enum {
	TRIAL_ENTRY = 1, TRIAL_MISS, TRIAL_EDGES,
	TRIAL_REASONS = TRIAL_EDGES + SHUNT_EDGES_MAX,
	TRIAL_DROPS = TRIAL_REASONS + SHUNT_REASON_MAX,
};

#define REASON_NAME(id, name, help) name,
static const char *const reason_names[] = { SHUNT_REASONS(REASON_NAME) };

static const uint8_t trial_flag = 1;

/* The node alone: each edge ends, and is counted */
static void trial_graph(const struct plan_node *node, uint32_t hook, struct plan_edge *edge,
			struct plan_value *value, const struct filter_given *given,
			struct plan_node *ret_node,
			struct plan_graph *ret_graph)
{
	unsigned int i;

	*ret_node = *node;
	for (i = 0; i < node->n_edges; i++) {
		edge[i] = node->edge[i];
		edge[i].rodata = (struct shunt_edge) { SHUNT_TARGET_PASS, 0, TRIAL_EDGES + i,
						       SHUNT_FAIL_CLOSED };
	}
	memcpy(value, node->value, node->n_values * sizeof(*value));
	value[node->n_values] = (struct plan_value) { "trial", &trial_flag, sizeof(trial_flag) };
	value[node->n_values + 1] = (struct plan_value) { "given", given, sizeof(*given) };
	ret_node->slot = 0;
	ret_node->edge = edge;
	ret_node->value = value;
	ret_node->n_values += 2;
	ret_node->miss_counter = TRIAL_MISS;
	*ret_graph = (struct plan_graph) {
		.name = "trial", .hook = hook, .depth = SHUNT_DEPTH_L4, .generation = 1,
		.entry_counter = TRIAL_ENTRY, .miss_counter = TRIAL_MISS,
		.reason_counter = TRIAL_REASONS, .drop_counter = TRIAL_DROPS,
		.node = ret_node, .n_nodes = 1,
	};
}

static int trial_folders(const char *bpffs, struct err *err)
{
	static const char *const folder[] = { "", "/graph", "/table" };
	char path[PINS_PATH_MAX];
	unsigned int i;
	int r = 0;

	pins_remove(bpffs);
	for (i = 0; r == 0 && i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s", bpffs, folder[i]);
		r = pins_mkdir(path, err);
	}
	return r;
}

static int trial_test_run(int root_fd, uint32_t hook, const void *frame, size_t len,
			  uint32_t ifindex, struct err *err)
{
	struct xdp_md xdp = { .data_end = len, .ingress_ifindex = ifindex };
	struct __sk_buff skb = { .ifindex = ifindex };
	char out[2048];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = 1, .data_in = frame, .data_size_in = len,
		    .data_out = out, .data_size_out = sizeof(out));

	if (ifindex) {
		opts.ctx_in = hook == SHUNT_HOOK_XDP ? (void *)&xdp : (void *)&skb;
		opts.ctx_size_in = hook == SHUNT_HOOK_XDP ? sizeof(xdp) : sizeof(skb);
	}
	if (bpf_prog_test_run_opts(root_fd, &opts) < 0)
		return err_set(err, -errno, "run the packet");
	return 0;
}

static void trial_read(const struct shared *own, const struct plan_node *node, uint32_t room,
		       struct trial *trial)
{
	struct filter_hits hits;
	uint32_t i;

	for (i = 0; i < node->n_edges; i++)
		if (counters_get(&own->counters, TRIAL_EDGES + i))
			trial->edge = node->edge[i].name;
	for (i = 0; i < SHUNT_REASON_MAX; i++)
		if (counters_get(&own->counters, TRIAL_REASONS + i) ||
		    counters_get(&own->counters, TRIAL_DROPS + i))
			trial->reason = reason_names[i];
	for (i = 1; i < room; i++) {
		hits_get(&own->hits, i, &hits);
		if (!hits.packets)
			continue;
		trial->hit = reallocarray(trial->hit, trial->n_hits + 1, sizeof(*trial->hit));
		if (!trial->hit)
			arena_no_memory();
		trial->hit[trial->n_hits++] = i;
	}
}

/* Tables of its own, but for sets and counts of flows: those that run, and that a trial only reads */
static unsigned int trial_maps(const struct shared *own, const struct shared *shared, uint32_t hook,
			       struct object_map ret_map[SHARED_MAPS])
{
	struct object_map running[SHARED_MAPS];
	unsigned int i, n = shared_maps(own, gates_kind(hook), ret_map);
	unsigned int n_running = shared_maps(shared, gates_kind(hook), running);

	for (i = 0; i < n; i++)
		if (!strcmp(ret_map[i].name, "shunt_sets") ||
		    !strncmp(ret_map[i].name, "shunt_set_", 10) ||
		    !strncmp(ret_map[i].name, "shunt_dset", 10))
			ret_map[i] = running[i];
	for (i = 0; i < n_running; i++)
		if (!strcmp(running[i].name, "ct_conf") || !strcmp(running[i].name, "ct_counted"))
			ret_map[n++] = running[i];
	return n;
}

int trial_run(const struct rendering_paths *paths, const struct shared *shared,
	      struct images *images, const struct plan_node *node, uint32_t hook,
	      const struct plan *plan, const void *frame, size_t len, uint32_t ifindex,
	      struct trial *ret_trial, struct err *err)
{
	struct plan_edge edge[SHUNT_EDGES_MAX];
	/* No flow table: a packet that is tried is of no flow */
	const struct plan room = { .hits_room = plan->hits_room, .state_room = plan->state_room };
	const struct filter_given given = ret_trial->given;
	struct plan_value value[node->n_values + 2];
	struct rendering_paths own_paths = *paths;
	struct rendering_maps maps = { .images = images };
	char bpffs[PINS_PATH_MAX];
	struct plan_graph graph;
	struct plan_node alone;
	struct shared own;
	int root_fd = -1, r;

	snprintf(bpffs, sizeof(bpffs), "%s/trial", paths->bpffs);
	own_paths.bpffs = bpffs;
	*ret_trial = (struct trial) { .given = given };
	shared_init(&own);
	trial_graph(node, hook, edge, value, &given, &alone, &graph);
	r = trial_folders(bpffs, err);
	if (r == 0)
		r = shared_open(&own, bpffs, err);
	if (r == 0)
		r = shared_reserve(&own, &room, err);
	if (r == 0) {
		shared_settle(&own, &room);
		maps.n_shared = trial_maps(&own, shared, hook, maps.shared);
		r = rendering_load(&own_paths, &maps, &graph, &root_fd, err);
	}
	if (r == 0)
		r = trial_test_run(root_fd, hook, frame, len, ifindex, err);
	if (r == 0)
		trial_read(&own, node, plan->hits_room, ret_trial);
	fd_close(root_fd);
	shared_close(&own);
	pins_remove(bpffs);
	return r;
}
