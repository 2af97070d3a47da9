/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * compile.h - what the files of compile/ share; nobody else includes it
 *
 * DOC: A node is read once (node.c), a graph is resolved once (graph.c), and
 * rendered for each hook that it is attached at (render.c). What is found wrong
 * is said where it is read, so that a graph at three hooks says it once.
 */
#ifndef COMPILE_COMPILE_H
#define COMPILE_COMPILE_H

#include <compile/plan.h>
#include <compile/slots.h>

#define COMPILE_HOOKS	3

/* xdp, tc-ingress, tc-egress: the order of everything that goes by hooks */
extern const uint32_t compile_hooks[COMPILE_HOOKS];

/* An edge that a node's rules name and its module does not declare */
struct node_open {
	const char *name;
	const char *reason;		/* of drop(REASON); NULL: the graph binds it */
	const struct config_rule *rule;	/* which names it first; NULL: 'default:' */
};

/* A configured node with its module's contract: the same in every graph */
struct node {
	const struct config_node *config;
	const struct module *module;
	bool is_filter;			/* takes rules */
	bool is_balancer;		/* takes services */
	struct plan_value *value;
	unsigned int n_values;
	struct node_open *open;		/* in order of first use */
	unsigned int n_open;
};

struct shape_edge {
	const char *name;
	struct config_target target;
	uint32_t fail;
	const struct tree *tree;	/* where it is bound; NULL: by default or chain */
};

struct shape_node {
	const struct node *node;
	struct shape_edge *edge;	/* as plan_node.edge */
	unsigned int n_edges;
};

/* A graph with its edges bound, before it has a hook */
struct shape {
	const struct config_graph *config;
	struct shape_node *node;	/* breadth first */
	unsigned int n_nodes;
	const struct shape_edge *boundary;
};

struct compile {
	const struct config *config;
	const struct module_set *modules;
	const struct link_table *links;
	const struct plan *running;	/* or NULL */
	struct arena *arena;
	struct diags *diags;
	struct node *node;		/* by index in the configuration */
	struct shape *shape;		/* by index of the graph */
	struct slots slots;
	bool full[SLOTS_SPACES];	/* has been said */
	uint32_t *hits_room;		/* rodata of filters: known once all graphs are rendered */
	struct plan_lb *lb;		/* plan->lb; NULL: none yet */
	struct plan_backend **lb_backend;	/* by number */
	struct plan *plan;
};

/* node.c: findings go to diags; the node is usable afterwards, if not complete */
void node_read(struct compile *c, const struct config_node *config, struct node *ret_node);
/* Which edge of the node this is, open ones behind the declared ones; -1: none of it */
int node_edge_index(const struct node *node, const char *name);
/* 'drop(REASON)' or the edge's own name */
const char *node_edge_name(struct arena *arena, const char *edge, const char *reason);
/* A module's config value that compile sets itself, hence nobody else */
bool node_value_reserved(const struct module_config *config);

/* value.c: bytes of a config value; NULL: diags tell */
const void *value_read(struct compile *c, const struct config_value *config,
		       const struct module_config *contract, const struct module *module);
const void *value_u32(struct arena *arena, uint32_t value);

/* graph.c */
void graph_resolve(struct compile *c, const struct config_graph *config, struct shape *ret_shape);

/* attach.c: hooks that a graph is attached at; findings about them */
uint32_t attach_hooks(const struct config *config, const char *graph);
void attach_check(struct compile *c, const struct shape *shape);

/* render.c: everything but key, kept and producer */
void render_graph(struct compile *c, const struct shape *shape, uint32_t hook,
		  struct plan_graph *ret_graph);

/* The index of a name; 0 with a finding at @tree where the space is full */
uint32_t compile_take(struct compile *c, const struct tree *tree, enum slots_space space,
		      uint32_t n, const char *name);

/* filter.c: a filter node's rules, once for all graphs; NULL: findings tell */
const struct plan_filter *filter_plan(struct compile *c, const struct node *node);
/* A set that a rule looks up, planned at its first use; NULL: none of that name */
const struct plan_set *set_plan(struct compile *c, const char *name);
#define FILTER_IMAGE	"filter_image"	/* table of the module that takes rules */
#define FILTER_VALUES	5
/* Constants that its programs get. Return: how many, FILTER_VALUES at most */
unsigned int filter_values(struct compile *c, const struct plan_filter *filter,
			   struct plan_value *ret_value);

/* conntrack.c */
bool conntrack_table_is(const char *name);	/* one of the flow table's */
/* Number of a policy, planned at its first use; 0: none of that name, or findings tell */
uint32_t conntrack_policy(struct compile *c, const char *name);
/* The flow table, once all graphs are rendered */
void conntrack_plan(struct compile *c);
/* Where a graph's rules set a zone, a node must look there afterwards */
void conntrack_check_zones(struct compile *c, const struct shape *shape,
			   const struct plan_graph *graph);
/* Where rules count flows, a node must begin them */
void conntrack_check(struct compile *c, const struct shape *shape, const struct plan_graph *graph);
/* @key: the graph's so far */
uint64_t conntrack_key(const struct plan_conntrack *conntrack, const struct plan_graph *graph,
		       uint64_t key);

/* synproxy.c: the node that rules with 'synproxy' lead to; NULL: there is none, or it is not clear which */
const char *synproxy_node(const struct compile *c, const struct config_graph *graph);
/* Who tracks flows in a graph has to send those that are proxied to such a node */
void synproxy_check(struct compile *c, const struct shape *shape);

/* nat.c: number of what a statement gives flows, planned at its first use; 0: findings tell */
uint32_t nat_number(struct compile *c, const struct tree *tree,
		    const struct expr_statement *statement);
/* What a graph's rules and services translate, its nodes must be able to */
void nat_check(struct compile *c, const struct shape *shape, const struct plan_graph *graph);

/* lb.c */
bool lb_table_is(const char *name);
bool lb_takes_services(const struct module *module);
/* A node's services, once for all graphs; findings tell */
const struct plan_balancer *lb_plan(struct compile *c, const struct node *node);
#define LB_VALUES	4
unsigned int lb_values(struct compile *c, const struct plan_balancer *balancer,
		       struct plan_value *ret_value);
/* What is known once all graphs are rendered */
void lb_plan_rest(struct compile *c);

/* print_lb.c */
void lb_print(const struct plan *plan, const struct plan *running, struct buf *out);

/* key.c: hash of what is rendered */
#define KEY_START	14695981039346656037ull
uint64_t key_bytes(uint64_t hash, const void *data, size_t len);
uint64_t key_graph(const struct plan_graph *graph, const struct module *root);

/* A finding at a tree of the configuration (key: its key is meant) */
#define compile_find(c, tree, ...) \
	diags_add((c)->diags, tree_path(tree, (c)->arena), __VA_ARGS__)

#endif
