/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * rig.h - run packets through a configuration's programs, and tell which way they went
 *
 *	struct rig *rig = rig_new("nodes:\n"
 *				  "  guard: { module: filter, rules: [tcp dport 22 drop] }\n"
 *				  "graphs:\n"
 *				  "  g: [guard]\n", SHUNT_HOOK_XDP);
 *	struct rig_outcome out;
 *
 *	rig_run(rig, p.data, p.len, &out);	// out.left is "guard.drop", out.reason "policy"
 *	rig_free(rig);
 *
 * The shipped programs, loaded by the control plane's own code, are run by
 * BPF_PROG_TEST_RUN on the CPU that the process is bound to. Each packet's way is
 * read off the counters: from the root along the edges that counted it, to
 * one end. What is counted besides, twice or not at all is a fault.
 * Links without cmocka. Mistakes in a configuration abort with its findings.
 */
#ifndef TESTS_LIB_RIG_H
#define TESTS_LIB_RIG_H

#include <stddef.h>
#include <stdint.h>

#include <compile/plan.h>
#include <kernel/images.h>
#include <kernel/pins.h>
#include <kernel/shared.h>
#include <shunt/abi.h>

#define RIG_GRAPH	"g"	/* the graph that packets enter */
#define RIG_RULES_MAX	4096	/* above it, outcomes do not tell the rule */
#define RIG_BYTES_MAX	12288	/* of a packet that comes out */

extern uint64_t rig_tag;	/* of the hand-offs of rigs to come */

enum rig_verdict { RIG_PASS, RIG_DROP, RIG_TX, RIG_REDIRECT, RIG_ODD };

struct rig {
	uint32_t hook;
	struct plan plan;
	const struct plan_graph *graph;	/* RIG_GRAPH at the hook */
	struct shared shared;		/* tables of all programs */
	struct images images;
	int root_fd;
	unsigned int cpu;		/* that packets run on */
	char bpffs[PINS_PATH_MAX];	/* of this rig alone */
	struct arena arena;
	struct rig_counter *what;	/* by index of the counter */
	uint64_t *before;
	unsigned int n_counters;
	uint64_t *hits_before;		/* by index, n_hits of them; 0: too many rules to look */
	uint32_t n_hits;
};

struct rig_input {
	const void *data;
	size_t len;
	size_t linear;			/* XDP: bytes outside of fragments; 0: all */
	const void *meta;		/* XDP: in front of the frame */
	size_t meta_len;		/* multiple of 4 */
	uint32_t gso_size;		/* TC */
};

struct rig_outcome {
	enum rig_verdict verdict;
	const char *left;		/* last edge, "guard.drop"; "root": not let in */
	const char *reason;		/* of a drop; else NULL */
	uint32_t rule;			/* number from 1 of the rule that counted it; 0: none, or
					   the filter has more than RIG_RULES_MAX */
	uint32_t miss;			/* tail calls that found nothing */
	char way[512];			/* "root.next guard.accept meter.next" */
	char fault[704];		/* what does not add up; empty: nothing */
	struct shunt_packet pkt;
	uint8_t data[RIG_BYTES_MAX];
	size_t len;
	uint8_t meta[256];		/* XDP: metadata that is left */
	size_t meta_len;
};

/**
 * rig_new() - From a configuration to a loaded graph
 * @yaml:	Its sections 'sets', 'nodes' and 'graphs'
 * @hook:	One SHUNT_HOOK_*
 * The first one gives the process a mount namespace of its own and binds it to one CPU.
 */
struct rig *rig_new(const char *yaml, uint32_t hook);
void rig_free(struct rig *rig);		/* NULL is fine */

/* The same, but hands back what the loader says: 0 or -errno */
int rig_try(const char *yaml, uint32_t hook, struct rig **ret_rig, struct err *err);

/**
 * rig_run() - One packet
 * Return: 0; -EOPNOTSUPP: TEST_RUN takes no such frame at this hook (at TC: short IP packets;
 *	   fragments before Linux 6.18)
 */
int rig_run(struct rig *rig, const void *data, size_t len, struct rig_outcome *out);
int rig_run_input(struct rig *rig, const struct rig_input *in, struct rig_outcome *out);

/* fd of a node's table that is state; the caller closes it */
int rig_table(const struct rig *rig, const char *node, const char *table);
const struct plan_node *rig_node(const struct rig *rig, const char *name);
/* Sum over CPUs of the packets that left by an edge, "guard.drop" */
uint64_t rig_edge(const struct rig *rig, const char *edge);
/* The same of those that a rule of a node counted; @rule from 0 */
uint64_t rig_rule(const struct rig *rig, const char *node, unsigned int rule);

/* A file in the build folder, in which the program lies. Good for three more calls */
const char *rig_built(const char *path);

#endif
