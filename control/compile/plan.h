/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * plan.h - what is to be in the kernel, as a value: compile makes it, kernel/install does it
 */
#ifndef COMPILE_PLAN_H
#define COMPILE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include <base/arena.h>
#include <base/buf.h>
#include <mirror/link.h>
#include <model/config.h>
#include <model/module.h>
#include <shunt/abi.h>

/* Where an edge leads: the rodata and what to call it */
struct plan_edge {
	const char *name;
	struct shunt_edge rodata;
	const char *target;		/* as config_target_print() */
	const char *reason;		/* DROP: its name */
};

/* Bytes to put over a rodata variable before load */
struct plan_value {
	const char *name;
	const void *data;
	uint32_t size;
};

/* A table of one program. With content it is this rendering's; without, it is state and is kept */
struct plan_table {
	const struct module_table *table;
	uint32_t entries;		/* 0: as the module says */
	const void *content;		/* ARRAY: n values one after another; NULL: state */
	unsigned int n;
};

struct plan_rule {			/* of a filter node, for 'rule list' */
	uint32_t id;
	uint32_t counter;
	const char *text;		/* canonical */
};

struct plan_node {
	const char *name;
	const struct module *module;
	uint32_t slot;			/* in the graph's program array */
	struct plan_edge *edge;		/* by index of the module; open ones behind declared ones */
	unsigned int n_edges;
	struct plan_value *value;
	unsigned int n_values;
	struct plan_table *table;
	unsigned int n_tables;
	uint32_t miss_counter;
	struct plan_rule *rule;
	unsigned int n_rules;
};

/* One graph at one hook: what is rendered, committed and kept as a whole */
struct plan_graph {
	const char *name;
	uint32_t hook;			/* one SHUNT_HOOK_* */
	uint32_t slot;			/* in the entry array of XDP or TC; the graph keeps it */
	uint32_t depth;			/* SHUNT_DEPTH_* for the root */
	uint32_t entry_counter;		/* root's edge 'next': packets that entered */
	uint32_t miss_counter;		/* root's */
	uint32_t reason_counter;	/* first of SHUNT_REASON_MAX: what the root refuses */
	uint32_t drop_counter;		/* the same: what nodes drop by themselves, and misses */
	uint32_t entry_slot;		/* of the entry node in the program array */
	struct plan_node *node;		/* in order from the entry, breadth first */
	unsigned int n_nodes;
	const char *boundary;		/* XDP: TC graph that it hands to; NULL: none */
	const char *producer;		/* TC: XDP graph that hands to it; NULL: none */
	uint64_t key;			/* hash of all above and the object files */
	uint64_t handoff_tag;		/* drawn by the daemon, not part of the key */
	uint32_t generation;		/* in which it was rendered: this one, or one before */
	bool kept;			/* the running rendering goes on */
};

struct plan_attach {
	uint32_t ifindex;
	char ifname[IFNAMSIZ];
	uint32_t hook;
	uint32_t graph;			/* index in the plan */
	enum config_mode mode;
	bool share;
	int priority;
	unsigned int place;		/* in the configuration's list 'attach' */
};

struct plan_port {			/* target of redirect(NAME) */
	const char *name;
	uint32_t port;			/* index in shunt_ports */
	uint32_t ifindex;		/* 0: the interface is not there (now) */
};

/* Index handed out for a name, for as long as the name is in use: counters, entry slots, ports */
struct plan_slot {
	const char *name;		/* "counter edge-in@xdp/guard.drop", "port eth1" */
	uint32_t index;
	uint32_t n;			/* consecutive ones */
};

struct plan {
	uint32_t generation;
	struct plan_graph *graph;
	unsigned int n_graphs;
	struct plan_attach *attach;
	unsigned int n_attach;
	struct plan_port *port;
	unsigned int n_ports;
	struct plan_slot *slot;
	unsigned int n_slots;
};

/**
 * plan_compile() - (model, contracts, mirror, what runs) to plan. Pure.
 * @config:	From config_from_tree()
 * @modules:	Contract of each module that @config names, and of the root as MODULE_ROOT
 * @links:	The mirror
 * @running:	Plan of the running generation or NULL: names keep their indices, graphs
 *		with an equal key are marked kept
 * @generation:	Number of the new one
 * @diags:	Its arena takes the plan
 * Findings here: an edge that the module lacks or that leads nowhere, a hook that the
 * module lacks, a config value that it lacks or that does not fit, a rule's edge, too many
 * edges, rows, counters or graphs, a boundary that is not XDP to TC on the same interfaces.
 * Return: 0; -EINVAL: diags tell
 */
int plan_compile(const struct config *config, const struct module_set *modules,
		 const struct link_table *links, const struct plan *running,
		 uint32_t generation, struct diags *diags, struct plan *ret_plan);

/* Attachments alone, again: interfaces came or went. *ret_attach in @arena */
unsigned int plan_attachments(const struct config *config, const struct plan *plan,
			      const struct link_table *links, struct arena *arena,
			      struct plan_attach **ret_attach);

/* Text for 'apply --dry-run' and golden tests: one line a fact, stable order */
void plan_print(const struct plan *plan, const struct plan *running, struct buf *out);

const struct plan_graph *plan_graph_find(const struct plan *plan, const char *name, uint32_t hook);

#endif
