/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * config.h - one generation's configuration as a value
 *
 * DOC: Read from a tree, which it keeps: what is exported is that tree, so that
 * what 'export' prints is what was applied. It knows names, not contracts:
 * whether a module has an edge or a config value is compile's question.
 *
 *	version: 1
 *	sets:
 *	  blocked: { type: ip, elements: [203.0.113.0/24, 198.51.100.7] }
 *	nodes:
 *	  guard:
 *	    module: filter
 *	    default: accept
 *	    rules:
 *	      - "ip saddr @blocked drop comment \"spoofed\""
 *	  meter: { module: count }
 *	  slow:  { module: limit, config: { rate_pps: 2000, burst_pkts: 4000 } }
 *	graphs:
 *	  edge-in: [guard, meter]
 *	  edge-full:
 *	    entry: guard
 *	    edges:
 *	      guard: { accept: meter, odd: slow, drop: "drop(spoofed)" }
 *	      slow:  { next: meter, over: drop(rate) }
 *	      meter: { next: pass }
 *	attach:
 *	  - { dev: "veth*", hook: xdp, graph: edge-in, mode: native }
 */
#ifndef MODEL_CONFIG_H
#define MODEL_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include <base/arena.h>
#include <base/diag.h>
#include <model/config_lb.h>
#include <model/expr.h>
#include <model/tree.h>
#include <shunt/abi.h>

#include "../../dataplane/lib/conntrack.h"

#define CONFIG_ELEMENTS_MAX	(4u << 20)	/* of a set */
#define CONFIG_KEY_BYTES_MAX	40	/* of an element: ip6 takes 16, ether 8, all else 4 */
#define CONFIG_RULES_SPARE	256	/* that a list has room for behind its last: changes in place */
/*
 * Edge of rules that answer ('reject'), and the node that it leads to where a graph does not say
 * otherwise: one of module 'reject' that is there without being written down
 */
#define CONFIG_REJECT		"reject"
/* Edge of rules that say 'synproxy': to the graph's node of that module */
#define CONFIG_SYNPROXY		"synproxy"
#define CONFIG_CHAIN_DEPTH_MAX	8	/* chains that a packet is in at once, by 'jump' */

/*
 * The type of a set or map is one field for each value of an element, whatever it is that rules
 * match with it: ip EXPR_IP_SADDR, ip6 EXPR_IP6_SADDR, port EXPR_DPORT, proto EXPR_PROTO, ether
 * EXPR_ETHER_SADDR, mark EXPR_MARK, vlan EXPR_VLAN_ID, iif EXPR_IIF (the index; dynamic only).
 */
struct config_set {
	const char *name;
	enum expr_field field[EXPR_CONCAT_MAX];
	unsigned int n_fields;		/* 1: a plain set; more: a concatenation */
	struct expr_interval *tuple;	/* n times n_fields; sorted, and of one field merged */
	unsigned int n;			/* 0 where dynamic: those elements are state */
	bool dynamic;			/* elements come by command and from the data path */
	bool counters;			/* dynamic: packets and bytes by element */
	uint64_t timeout_ns;		/* dynamic: of elements that say none; 0: they stay */
	uint32_t size;			/* dynamic: most elements at a time */
	const struct tree *tree;
};

/* For 'vmap @name' */
struct config_map {
	const char *name;
	enum expr_field field[EXPR_CONCAT_MAX];
	unsigned int n_fields;
	struct expr_interval *tuple;	/* n times n_fields; sorted; what overlaps has one verdict */
	struct expr_verdict *verdict;	/* by tuple: LEAVE, REJECT, JUMP or RETURN */
	unsigned int n;
	const struct tree *tree;
};

struct config_value {
	const char *name;
	const char *text;
	const struct tree *tree;
};

struct config_rule {
	struct expr_rule expr;
	const struct tree *tree;
};

/* For 'jump NAME' */
struct config_chain {
	const char *name;
	struct config_rule *rule;
	unsigned int n_rules;
	const struct tree *tree;
};

struct config_node {
	const char *name;
	const char *module;		/* name of a built-in one, or a path with a '/' */
	struct config_value *value;	/* 'config:' */
	unsigned int n_values;
	struct config_rule *rule;	/* 'rules:'; filter only */
	unsigned int n_rules;
	struct config_chain *chain;	/* 'chains:', by name; no cycles */
	unsigned int n_chains;
	const char *fallback;		/* 'default:' edge where no rule matches; NULL: accept */
	const struct config_lb *lb;	/* 'services:' and what is beside it; NULL: none of that */
	const struct tree *tree;
};

/* Timeouts that a rule gives a flow: 'ct timeout set NAME' */
struct config_policy {
	const char *name;
	uint64_t timeout_ms[CONNTRACK_STATE_MAX];	/* all of them: the usual ones where it says none */
	const struct tree *tree;
};

/* The flow table; filled with what is usual where the section is not there */
struct config_conntrack {
	uint32_t flows[2];		/* IPv4, IPv6 */
	bool stateless;			/* a new flow that finds no room passes untracked */
	bool pickup;			/* TCP may begin in the middle */
	bool window;			/* sequence numbers are checked */
	bool counters;			/* packets and bytes of each flow */
	uint64_t timeout_ms[CONNTRACK_STATE_MAX];
	struct config_policy *policy;	/* by name */
	unsigned int n_policies;	/* CONNTRACK_POLICIES - 1 at most */
	const struct tree *tree;	/* NULL: no section */
};

struct config_target {
	enum shunt_target kind;		/* NODE: node or next; PASS; DROP; TX; REDIRECT; BOUNDARY */
	const char *name;		/* node; reason or NULL; interface; graph */
};

struct config_edge {
	const char *node;
	const char *edge;
	struct config_target target;
	const struct tree *tree;
};

struct config_graph {
	const char *name;
	const char **chain;		/* short form: nodes in order; NULL in the long form */
	unsigned int n_chain;
	const char *entry;		/* both forms */
	struct config_edge *edge;	/* long form */
	unsigned int n_edges;
	const struct tree *tree;
};

enum config_mode { CONFIG_MODE_NATIVE, CONFIG_MODE_GENERIC, CONFIG_MODE_AUTO };

struct config_attach {
	const char *dev;		/* name or glob (fnmatch) */
	uint32_t hook;			/* one SHUNT_HOOK_* */
	const char *graph;
	enum config_mode mode;		/* XDP; AUTO: native, or generic if the driver cannot */
	bool share;			/* XDP: through libxdp's dispatcher */
	int priority;			/* share: run order there, default 50 */
	const struct tree *tree;
};

struct config {
	struct tree *tree;		/* all below but attach are in order of their names */
	struct config_conntrack conntrack;
	uint32_t lb_flows;		/* that balancers remember at most */
	struct config_set *set;
	unsigned int n_sets;
	struct config_map *map;
	unsigned int n_maps;
	struct config_node *node;
	unsigned int n_nodes;
	struct config_graph *graph;
	unsigned int n_graphs;
	struct config_attach *attach;
	unsigned int n_attach;
};

/**
 * config_from_tree() - Validate a tree and read it
 * Refuses unknown keys (with the nearest known one), wrong kinds and values,
 * names over SHUNT_NAME_MAX - 1 characters, outside [A-Za-z0-9_-] (bpffs keeps dots to
 * itself) or with one of "_-" in front (sets: what a rule can spell), references to
 * nodes, graphs, sets or drop reasons that do not exist, a set of the wrong type, cycles,
 * unreachable nodes, graphs deeper than SHUNT_DEPTH_MAX, two attachments of the same dev
 * and hook.
 * Unused nodes, sets and graphs are fine.
 * @tree:	Kept; must live as long as the configuration (both in diags->arena)
 * Return: 0; -EINVAL: diags tell
 */
int config_from_tree(struct tree *tree, struct diags *diags, struct config *ret_config);

/*
 * Whether a tree has none of those faults as far as rules need not be read for that; true says
 * nothing of the rules, false that config_from_tree() has something to tell
 */
bool config_skim(struct tree *tree);

const struct config_node *config_node_find(const struct config *config, const char *name);
const struct config_set *config_set_find(const struct config *config, const char *name);
const struct config_map *config_map_find(const struct config *config, const char *name);
const struct config_chain *config_chain_find(const struct config_node *node, const char *name);
const struct config_graph *config_graph_find(const struct config *config, const char *name);
const struct config_policy *config_policy_find(const struct config *config, const char *name);

/*
 * The field that stands for all that take the same values: of EXPR_IP_DADDR it is EXPR_IP_SADDR;
 * EXPR_FIELD_MAX: no set has any
 */
enum expr_field config_type_field(enum expr_field field);
/* "ip . port" */
void config_type_print(const enum expr_field *field, unsigned int n_fields, struct buf *out);

/**
 * config_element() - Read an element of a set or map: "10.0.0.0/8", "10.0.0.1 . 80-90"
 * @text:	@len bytes, without a NUL
 * @offset:	Of @text in the scalar at @path
 * @ret_tuple:	@n_fields of them
 * Return: 0; -EINVAL: diags tell
 */
int config_element(const char *text, size_t len, const enum expr_field *field,
		   unsigned int n_fields, const char *path, int offset, struct diags *diags,
		   struct expr_interval *ret_tuple);
void config_element_print(const struct expr_interval *tuple, const enum expr_field *field,
			  unsigned int n_fields, struct buf *out);

/**
 * config_elements() - Read the elements of a set as text
 * One a line, see model/expr_text.h.
 * @ret_tuple:	In diags->arena: config_elements_sort() is still to be called
 * Return: 0; -EINVAL: diags tell, at @path with line and column of @text
 */
int config_elements(const char *text, size_t len, const enum expr_field *field,
		    unsigned int n_fields, const char *path, struct diags *diags,
		    struct expr_interval **ret_tuple, unsigned int *ret_n);
/* The text as it is kept: no blanks around lines, no empty lines at its ends. Added to @out */
void config_elements_tidy(const char *text, size_t len, struct buf *out);
/* Sort; of one field: merge; of several: leave out doubles. Return: the new count */
unsigned int config_elements_sort(struct expr_interval *tuple, unsigned int n,
				  unsigned int n_fields);

/* "pass", "drop(rate)", "redirect(eth1)", "boundary(tc-in)", "meter" */
void config_target_print(const struct config_target *target, struct buf *out);

/**
 * config_diff() - What differs, a line for each scalar, in order of @b
 *	+ /nodes/guard/rules/3: ip saddr 10.0.0.1 drop
 *	- /nodes/guard/rules/4: tcp dport 23 drop
 *	~ /nodes/slow/config/rate_pps: 1000 -> 2000
 * Members by key, items of lists by their longest common subsequence. '-' has the path in
 * @a, the others in @b. Empty text, maps and lists read '', {} and []; control characters \xNN.
 * Return: number of lines; 0: equal, as tree_equal()
 */
unsigned int config_diff(const struct tree *a, const struct tree *b, struct buf *out);

#endif
