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
#include <compile/classifier.h>
#include <compile/plan_lb.h>
#include <compile/set.h>
#include <mirror/link.h>
#include <model/config.h>
#include <model/module.h>
#include <shunt/abi.h>

#include "../../dataplane/lib/conntrack.h"
#include "../../dataplane/lib/nat.h"
#include "../../dataplane/modules/filter_rule.h"

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

/* Room that arrays have for changes by a view, which are made in the running plan itself */
#define PLAN_SPARE	CONFIG_RULES_SPARE

enum plan_table_kind {
	PLAN_STATE,			/* the node's, kept over generations */
	PLAN_IMAGE,			/* its filter's image */
	PLAN_SHARED,			/* all nodes have the same one */
};

struct plan_table {
	const struct module_table *table;
	enum plan_table_kind kind;
};

struct plan_rule {
	uint32_t id;
	uint32_t hit;			/* index in 'filter_hits' */
	uint32_t prio, last_prio;	/* in the image; 0: came by a view */
	const char *chain;		/* NULL: the node's own rules */
	const struct expr_rule *expr;
};

struct plan_counter {			/* named by rules */
	const char *name;
	uint32_t hit;
};

/* A rule's 'ct count' */
struct plan_limit {
	uint32_t id;			/* conntrack_counted.limit */
	uint32_t rule;			/* id of the rule */
	unsigned int index;		/* of the statement */
	const struct expr_statement *statement;
};

/*
 * The rules of a filter node as programs have them: one image, in whatever graphs the node is.
 * After a change by a view, hash is 0: it is not what a compilation would make of the rules.
 */
struct plan_filter {
	const char *node;
	uint64_t hash;			/* of image and shape */
	uint64_t rows_hash;		/* of what they were built from; 0: not known */
	uint32_t generation;		/* in which the image was made: its pin */
	struct classifier classifier;	/* image: NULL once it is in the kernel */
	struct plan_rule *rule;		/* in order: the node's own, then chain by chain */
	unsigned int n_rules;		/* all; room for PLAN_SPARE more */
	unsigned int n_own;
	unsigned int n_added;		/* that came by a view */
	uint32_t *gone;			/* base rules that a view has taken out, ascending */
	unsigned int n_gone;		/* room for PLAN_SPARE */
	struct plan_counter *counter;
	unsigned int n_counters;
	uint32_t rounds;		/* how often the classifier is asked at most */
	unsigned int n_rows[2];
	unsigned int n_exts;
	bool uses_links;		/* to be made again when an interface comes, goes or is renamed */
	uint8_t uses_flows;		/* 1: its programs need the flow table */
	const struct config_rule *translates;	/* first rule with such a statement; or NULL */
	const struct config_rule *masquerades;
	const struct config_rule *zones;
	uint8_t uses_limits;		/* 1: its programs ask how many flows there are */
	const struct config_rule *counts;
	struct plan_limit *limit;
	unsigned int n_limits;
};

/* What a view of an image says, see compile/filter_view.h */
struct filter_view {
	struct classifier_rows add;	/* by prio */
	struct filter_ext *ext;
	unsigned int n_ext;
	uint32_t *gone;			/* base rules, ascending */
	unsigned int n_gone;
};

/* A set that rules look up */
struct plan_set {
	const char *name;
	bool dynamic;
	uint32_t slot;
	uint64_t hash;			/* static: of the content; dynamic: of what it is */
	struct set_image image;		/* static; lines: NULL: it is in the kernel already */
	uint32_t size;			/* dynamic: elements */
	bool counters;
	uint64_t timeout_ns;
};

/* The flow table (dataplane/lib/conntrack.h) */
struct plan_conntrack {
	uint32_t flows[2];		/* room for so many: IPv4, IPv6 */
	uint32_t flags;			/* CONNTRACK_COUNT, ... but WATCHED */
	uint32_t counted;		/* LIMIT: buckets for what rules count by */
	uint32_t timeout_ms[CONNTRACK_POLICIES][32];	/* by policy and state */
	const char *policy[CONNTRACK_POLICIES];	/* by number; NULL: none has it */
};

/* A translation that rules name; element number - 1 of 'nat_rules' */
struct plan_nat {
	const char *text;		/* the statement */
	uint32_t number;
	struct nat_rule rule;
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
	const struct plan_filter *filter;	/* NULL: takes no rules */
	const struct plan_balancer *balancer;	/* NULL: takes no services */
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
	const char *name;		/* "counter edge-in@xdp/guard.drop", "hit guard#1a2b3c4d" */
	uint32_t index;
	uint32_t n;			/* consecutive ones */
	bool fresh;			/* the running plan does not have it */
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
	unsigned int n_slots;		/* room for PLAN_SPARE more */
	struct plan_filter *filter;	/* of the nodes in graphs that are attached */
	unsigned int n_filters;
	struct plan_set *set;		/* that those look up */
	unsigned int n_sets;
	const struct plan_conntrack *conntrack;	/* NULL: no node tracks flows */
	struct plan_nat *nat;		/* in order of first use */
	unsigned int n_nat;
	const struct plan_lb *lb;	/* NULL: no node takes services */
	uint32_t hits_room, state_room;	/* powers of two; never fewer than before */
	uint32_t hits_end;		/* hits from here on are nobody's */
	unsigned int n_spare_slots;	/* that views took */
	struct arena *arena;		/* that all of this is in */
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

/* Images go: they are in the kernel now, or are not to be. What they are like stays known */
void plan_fini(struct plan *plan);

/* The first place of a node; NULL: it is in no graph that is attached */
const struct plan_node *plan_node_find(const struct plan *plan, const char *node);
const struct plan_filter *plan_filter_find(const struct plan *plan, const char *node);
const struct plan_set *plan_set_find(const struct plan *plan, const char *name);
const struct plan_service *plan_service_find(const struct plan *plan, const char *node,
					     const char *service);
const struct plan_graph *plan_graph_find(const struct plan *plan, const char *name, uint32_t hook);

#endif
