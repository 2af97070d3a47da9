// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* status.c - facts: what runs, where, how, and why not as wanted */
#include <fnmatch.h>
#include <string.h>

#include <daemon/daemon.h>
#include <daemon/flow.h>
#include <kernel/traps.h>

static uint64_t counter(const struct daemon *daemon, uint32_t index)
{
	return install_counter(daemon->install, index);
}

static uint64_t reasons(const struct daemon *daemon, uint32_t first)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < SHUNT_REASON_MAX; i++)
		sum += counter(daemon, first + i);
	return sum;
}

static uint64_t graph_dropped(const struct daemon *daemon, const struct plan_graph *graph)
{
	uint64_t sum =
		reasons(daemon, graph->reason_counter) + reasons(daemon, graph->drop_counter);
	unsigned int i, j;

	for (i = 0; i < graph->n_nodes; i++)
		for (j = 0; j < graph->node[i].n_edges; j++)
			if (graph->node[i].edge[j].rodata.target == SHUNT_TARGET_DROP)
				sum += counter(daemon, graph->node[i].edge[j].rodata.counter);
	return sum;
}

static void write_depth(struct jsonw *w, const struct plan_graph *graph)
{
	jsonw_fmt(w, "depth", "L%u", graph->depth);
}

/* Packets that came in: those that the root let through and those that it refused */
static uint64_t graph_packets(const struct daemon *daemon, const struct plan_graph *graph)
{
	return counter(daemon, graph->entry_counter) + reasons(daemon, graph->reason_counter);
}

static void write_graphs(struct daemon *daemon, struct jsonw *w)
{
	const struct plan *plan = &daemon->running->plan;
	unsigned int i;

	jsonw_array(w, "graphs");
	for (i = 0; i < plan->n_graphs; i++) {
		const struct plan_graph *graph = &plan->graph[i];

		jsonw_object(w, NULL);
		jsonw_str(w, "name", graph->name);
		jsonw_str(w, "hook", module_hook_name(graph->hook));
		jsonw_u64(w, "generation", graph->generation);
		jsonw_u64(w, "nodes", graph->n_nodes);
		write_depth(w, graph);
		jsonw_u64(w, "packets", graph_packets(daemon, graph));
		jsonw_u64(w, "dropped", graph_dropped(daemon, graph));
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

static const char *mode_name(const struct attach *attach)
{
	if (attach->how == ATTACH_TCX)
		return "tcx";
	if (attach->how == ATTACH_CLSACT)
		return "clsact";
	return attach->generic ? "generic" : "native";
}

static const char *how_name(enum attach_how how)
{
	static const char *const name[] = {
		[ATTACH_XDP_LINK] = "link",
		[ATTACH_XDP_DISPATCHER] = "dispatcher",
		[ATTACH_XDP_LIBXDP] = "libxdp",
		[ATTACH_TCX] = "tcx",
		[ATTACH_CLSACT] = "clsact",
	};

	return name[how];
}

static const char *wanted_name(const struct attachment *attachment)
{
	static const char *const name[] = {
		[CONFIG_MODE_NATIVE] = "native",
		[CONFIG_MODE_GENERIC] = "generic",
		[CONFIG_MODE_AUTO] = "auto",
	};

	return attachment->attach.hook == SHUNT_HOOK_XDP ? name[attachment->mode] : NULL;
}

static const struct plan_graph *graph_of(const struct plan *plan,
					 const struct attachment *attachment)
{
	unsigned int i;

	for (i = 0; i < plan->n_graphs; i++)
		if (plan->graph[i].slot == attachment->slot &&
		    gates_kind(plan->graph[i].hook) == gates_kind(attachment->attach.hook))
			return &plan->graph[i];
	return NULL;
}

static void write_attachment(struct daemon *daemon, const struct attachment *attachment,
			     struct jsonw *w)
{
	const struct plan *plan = &daemon->running->plan;
	const struct plan_graph *graph = graph_of(plan, attachment);
	const struct attach *attach = &attachment->attach;
	const struct link *link = link_find(netlink_links(daemon->netlink), attach->ifindex);

	jsonw_object(w, NULL);
	jsonw_str(w, "dev", link ? link->name : attach->ifname);
	jsonw_u64(w, "ifindex", attach->ifindex);
	jsonw_str(w, "hook", module_hook_name(attach->hook));
	jsonw_str(w, "graph", graph ? graph->name : NULL);
	jsonw_str(w, "mode", attachment->error ? NULL : mode_name(attach));
	jsonw_str(w, "wanted", wanted_name(attachment));
	jsonw_str(w, "how", attachment->error ? NULL : how_name(attach->how));
	if (attachment->error)
		jsonw_null(w, "program");
	else
		jsonw_u64(w, "program", attach->prog_id);
	jsonw_str(w, "why", attach->why);
	jsonw_str(w, "error", attachment->error);
	jsonw_array(w, "warnings");
	if (!attachment->error && link)
		traps_write(attach, link, netlink_links(daemon->netlink), graph, w);
	jsonw_array_end(w);
	jsonw_object_end(w);
}

static void write_waiting(struct daemon *daemon, struct jsonw *w)
{
	const struct link_table *links = netlink_links(daemon->netlink);
	const struct config *config = &daemon->running->config;
	unsigned int i, j;

	jsonw_array(w, "waiting");
	for (i = 0; i < config->n_attach; i++) {
		for (j = 0; j < links->n; j++)
			if (!fnmatch(config->attach[i].dev, links->link[j].name, 0))
				break;
		if (j == links->n)
			jsonw_str(w, NULL, config->attach[i].dev);
	}
	jsonw_array_end(w);
}

static void write_ports(struct daemon *daemon, struct jsonw *w)
{
	const struct plan *plan = &daemon->running->plan;
	const struct link *link;
	unsigned int i;

	jsonw_array(w, "ports");
	for (i = 0; i < plan->n_ports; i++) {
		link = link_find_name(netlink_links(daemon->netlink), plan->port[i].name);
		jsonw_object(w, NULL);
		jsonw_str(w, "name", plan->port[i].name);
		if (link)
			jsonw_u64(w, "ifindex", link->ifindex);
		else
			jsonw_null(w, "ifindex");
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

static void write_mirror(struct daemon *daemon, struct jsonw *w)
{
	struct netlink_stats stats;

	netlink_stats(daemon->netlink, &stats);
	jsonw_object(w, "mirror");
	jsonw_u64(w, "links", netlink_links(daemon->netlink)->n);
	jsonw_u64(w, "addresses", netlink_addrs(daemon->netlink)->n);
	jsonw_u64(w, "events", stats.events);
	jsonw_u64(w, "overruns", stats.overruns);
	jsonw_u64(w, "resyncs", stats.resyncs);
	jsonw_bool(w, "stale", stats.stale);
	jsonw_object_end(w);
}

static uint64_t all_misses(const struct daemon *daemon)
{
	const struct plan *plan = &daemon->running->plan;
	uint64_t sum = 0;
	unsigned int i, j;

	for (i = 0; i < plan->n_graphs; i++) {
		sum += install_gate_misses(daemon->install, plan->graph[i].hook,
					   plan->graph[i].slot);
		sum += counter(daemon, plan->graph[i].miss_counter);
		for (j = 0; j < plan->graph[i].n_nodes; j++)
			sum += counter(daemon, plan->graph[i].node[j].miss_counter);
	}
	return sum;
}

unsigned int status_degraded(struct daemon *daemon, struct jsonw *w, const char *key)
{
	const struct attachments *attachments = install_attached(daemon->install);
	unsigned int i, n = 0;

	jsonw_array(w, key);
	if (daemon->stuck) {
		jsonw_fmt(w, NULL, "generation %u could not be taken up: %s",
			  daemon->running->number, daemon->stuck);
		n++;
	}
	for (i = 0; i < attachments->n; i++) {
		const struct attachment *attachment = &attachments->v[i];

		if (attachment->error)
			jsonw_fmt(w, NULL, "%s: not attached at %s: %s", attachment->attach.ifname,
				  module_hook_name(attachment->attach.hook), attachment->error);
		else if (attachment->attach.why)
			jsonw_fmt(w, NULL, "%s: %s: %s", attachment->attach.ifname,
				  mode_name(&attachment->attach), attachment->attach.why);
		else
			continue;
		n++;
	}
	jsonw_array_end(w);
	return n;
}

void status_write(struct daemon *daemon, struct jsonw *w)
{
	const struct attachments *attachments = install_attached(daemon->install);
	const struct generation *running = daemon->running;
	unsigned int i;

	jsonw_str(w, "version", SHUNT_VERSION);
	jsonw_u64(w, "generation", running->number);
	jsonw_i64(w, "time", running->time);
	jsonw_str(w, "comment", running->comment);
	if (daemon->pending.generation)
		jsonw_i64(w, "confirm_by", daemon->pending.deadline);
	else
		jsonw_null(w, "confirm_by");
	jsonw_i64(w, "uptime_s", time(NULL) - daemon->started);
	write_graphs(daemon, w);
	jsonw_array(w, "attachments");
	for (i = 0; i < attachments->n; i++)
		write_attachment(daemon, &attachments->v[i], w);
	jsonw_array_end(w);
	write_waiting(daemon, w);
	write_ports(daemon, w);
	write_mirror(daemon, w);
	flow_write_status(daemon, w);
	jsonw_u64(w, "misses", all_misses(daemon));
	status_degraded(daemon, w, "warnings");
}

static void write_edges(struct daemon *daemon, const struct plan_node *node, struct jsonw *w)
{
	unsigned int i;

	jsonw_array(w, "edges");
	for (i = 0; i < node->n_edges; i++) {
		jsonw_object(w, NULL);
		jsonw_str(w, "name", node->edge[i].name);
		jsonw_str(w, "target", node->edge[i].target);
		jsonw_u64(w, "packets", counter(daemon, node->edge[i].rodata.counter));
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

/* Every packet leaves a node by one edge, or by a drop of its own (not counted here) */
static uint64_t node_packets(const struct daemon *daemon, const struct plan_node *node)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < node->n_edges; i++)
		sum += counter(daemon, node->edge[i].rodata.counter);
	return sum;
}

void status_graphs(struct daemon *daemon, const char *name, struct jsonw *w)
{
	const struct plan *plan = &daemon->running->plan;
	unsigned int i, j;

	jsonw_array(w, "graphs");
	for (i = 0; i < plan->n_graphs; i++) {
		const struct plan_graph *graph = &plan->graph[i];

		if (name && strcmp(name, graph->name))
			continue;
		jsonw_object(w, NULL);
		jsonw_str(w, "name", graph->name);
		jsonw_str(w, "hook", module_hook_name(graph->hook));
		jsonw_u64(w, "generation", graph->generation);
		jsonw_u64(w, "packets", graph_packets(daemon, graph));
		write_depth(w, graph);
		jsonw_str(w, "entry", graph->n_nodes ? graph->node[0].name : NULL);
		jsonw_array(w, "nodes");
		for (j = 0; j < graph->n_nodes; j++) {
			const struct plan_node *node = &graph->node[j];

			jsonw_object(w, NULL);
			jsonw_str(w, "name", node->name);
			jsonw_str(w, "module", node->module->name);
			jsonw_u64(w, "slot", node->slot);
			jsonw_u64(w, "packets", node_packets(daemon, node));
			jsonw_u64(w, "misses", counter(daemon, node->miss_counter));
			write_edges(daemon, node, w);
			jsonw_object_end(w);
		}
		jsonw_array_end(w);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

static const char *config_text(const struct config_node *node, const char *name)
{
	unsigned int i;

	for (i = 0; i < node->n_values; i++)
		if (!strcmp(node->value[i].name, name))
			return node->value[i].text;
	return NULL;
}

static void write_node_config(const struct config_node *node, const struct module *module,
			      struct jsonw *w)
{
	unsigned int i;

	jsonw_array(w, "config");
	for (i = 0; i < module->n_configs; i++) {
		const struct module_config *config = &module->config[i];
		const char *text = config_text(node, config->name);
		char number[32];
		const char *usual = config->text ? config->text : number;

		snprintf(number, sizeof(number), config->is_signed ? "%lld" : "%llu",
			 (unsigned long long)config->value);
		jsonw_object(w, NULL);
		jsonw_str(w, "name", config->name);
		jsonw_str(w, "type", config->type);
		jsonw_str(w, "value", text ? text : usual);
		jsonw_str(w, "default", usual);
		jsonw_str(w, "help", config->help);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
	jsonw_array(w, "tables");
	for (i = 0; i < module->n_tables; i++)
		jsonw_str(w, NULL, module->table[i].name);
	jsonw_array_end(w);
}

static void write_node_use(struct daemon *daemon, const char *name, struct jsonw *w)
{
	const struct plan *plan = &daemon->running->plan;
	unsigned int i, j;

	jsonw_array(w, "in");
	for (i = 0; i < plan->n_graphs; i++)
		for (j = 0; j < plan->graph[i].n_nodes; j++) {
			const struct plan_node *node = &plan->graph[i].node[j];

			if (strcmp(node->name, name))
				continue;
			jsonw_object(w, NULL);
			jsonw_str(w, "graph", plan->graph[i].name);
			jsonw_str(w, "hook", module_hook_name(plan->graph[i].hook));
			jsonw_u64(w, "packets", node_packets(daemon, node));
			write_edges(daemon, node, w);
			jsonw_object_end(w);
		}
	jsonw_array_end(w);
}

void status_nodes(struct daemon *daemon, const char *name, struct jsonw *w)
{
	const struct generation *running = daemon->running;
	unsigned int i, j;

	jsonw_array(w, "nodes");
	for (i = 0; i < running->config.n_nodes; i++) {
		const struct config_node *node = &running->config.node[i];
		const struct module *module = module_find(&running->modules, node->module);

		if ((name && strcmp(name, node->name)) || !module)
			continue;
		jsonw_object(w, NULL);
		jsonw_str(w, "name", node->name);
		jsonw_str(w, "module", module->name);
		jsonw_array(w, "path");
		for (j = 0; j < 2; j++)
			if (module->path[j])
				jsonw_str(w, NULL, module->path[j]);
		jsonw_array_end(w);
		jsonw_str(w, "help", module->help);
		jsonw_u64(w, "rules", node->n_rules);
		write_node_config(node, module, w);
		write_node_use(daemon, node->name, w);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

static const char *const reason_name[] = {
#define REASON_NAME(id, name, help) name,
	SHUNT_REASONS(REASON_NAME)
};

static const char *const reason_help[] = {
#define REASON_HELP(id, name, help) help,
	SHUNT_REASONS(REASON_HELP)
};

static void write_drop(struct jsonw *w, const struct plan_graph *graph,
		       const struct plan_node *node, const struct plan_edge *edge,
		       unsigned int reason, uint64_t packets)
{
	/* A reason of the operator's own explains itself */
	bool own = edge && edge->reason && strcmp(edge->reason, reason_name[reason]);

	if (!packets)
		return;
	jsonw_object(w, NULL);
	jsonw_str(w, "graph", graph->name);
	jsonw_str(w, "hook", module_hook_name(graph->hook));
	jsonw_str(w, "node", node ? node->name : NULL);
	jsonw_str(w, "edge", edge ? edge->name : NULL);
	jsonw_str(w, "reason", own ? edge->reason : reason_name[reason]);
	jsonw_str(w, "help", own ? NULL : reason_help[reason]);
	jsonw_u64(w, "packets", packets);
	jsonw_object_end(w);
}

static void write_graph_drops(struct daemon *daemon, const struct plan_graph *graph,
			      struct jsonw *w)
{
	unsigned int i, j;

	for (i = 0; i < graph->n_nodes; i++)
		for (j = 0; j < graph->node[i].n_edges; j++) {
			const struct plan_edge *edge = &graph->node[i].edge[j];

			if (edge->rodata.target == SHUNT_TARGET_DROP)
				write_drop(w, graph, &graph->node[i], edge, edge->rodata.arg,
					   counter(daemon, edge->rodata.counter));
		}
	for (i = 0; i < SHUNT_REASON_MAX; i++)
		write_drop(w, graph, NULL, NULL, i, counter(daemon, graph->reason_counter + i) +
			   counter(daemon, graph->drop_counter + i));
	write_drop(w, graph, NULL, NULL, SHUNT_REASON_MISS,
		   install_gate_misses(daemon->install, graph->hook, graph->slot));
}

void status_drops(struct daemon *daemon, struct jsonw *w)
{
	const struct plan *plan = &daemon->running->plan;
	unsigned int i;

	jsonw_array(w, "drops");
	for (i = 0; i < plan->n_graphs; i++)
		write_graph_drops(daemon, &plan->graph[i], w);
	jsonw_array_end(w);
}
