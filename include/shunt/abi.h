/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* abi.h - what programs and control plane agree on: rodata, counters, hand-off */
#ifndef SHUNT_ABI_H
#define SHUNT_ABI_H

#include <shunt/packet.h>
#include <shunt/verdict.h>

#define SHUNT_ABI_VERSION	3

#define SHUNT_EDGES_MAX		16	/* edges of a module, open ones included */
#define SHUNT_DEPTH_MAX		30	/* nodes in a row; the kernel allows 33 tail calls */
#define SHUNT_NODES_MAX		256	/* slots of a graph's program array */
#define SHUNT_GRAPHS_MAX	256	/* slots of an entry array */
#define SHUNT_PORTS_MAX		1024	/* targets of redirect() */
#define SHUNT_NAME_MAX		32	/* of a module, node, edge, graph; with the NUL */

/* Fail policy of an edge: what happens when its tail call finds no program */
#define SHUNT_FAIL_CLOSED	0	/* drop(miss) */
#define SHUNT_FAIL_OPEN		1	/* pass */

/* Hooks that a module is built for; hooks of a graph */
#define SHUNT_HOOK_XDP		0x1
#define SHUNT_HOOK_TC_INGRESS	0x2
#define SHUNT_HOOK_TC_EGRESS	0x4
#define SHUNT_HOOK_TC		(SHUNT_HOOK_TC_INGRESS | SHUNT_HOOK_TC_EGRESS)
#define SHUNT_HOOK_ANY		(SHUNT_HOOK_XDP | SHUNT_HOOK_TC)

/**
 * struct shunt_module - What a module says of itself, in its rodata as 'shunt_module'
 */
struct shunt_module {
	__u32	abi;		/* SHUNT_ABI_VERSION */
	__u32	hooks;		/* SHUNT_HOOK_* that the source can run at */
	__u32	depth;		/* SHUNT_DEPTH_* that it needs */
	__u32	open_edges;	/* how many edges a configuration may add by name */
	char	name[SHUNT_NAME_MAX];
	char	help[80];
};

_Static_assert(sizeof(struct shunt_module) == 128, "ABI");

/**
 * struct shunt_edge_decl - One named edge of a module, in rodata as 'shunt_edge_decl_NAME'
 */
struct shunt_edge_decl {
	__u32	index;		/* what the node returns */
	__u32	fail;		/* SHUNT_FAIL_* */
	__u32	target;		/* default: SHUNT_TARGET_*; NODE: the next of a short chain */
	__u32	arg;		/* default: reason of a drop */
};

/**
 * struct shunt_edge - Where an edge leads, set before load; rodata 'shunt_edge[index]'
 */
struct shunt_edge {
	__u32	target;		/* SHUNT_TARGET_* */
	__u32	arg;		/* NODE: slot; DROP: reason; REDIRECT: port */
	__u32	counter;	/* index of its packet counter in struct shunt_cpu */
	__u32	fail;		/* SHUNT_FAIL_* */
};

_Static_assert(sizeof(struct shunt_edge) == 16, "ABI");

/**
 * struct shunt_node_conf - Set in each program before load; rodata 'shunt_node_conf'
 */
struct shunt_node_conf {
	__u32	generation;
	__u32	miss_counter;	/* tail calls of this node that found nothing */
	__u32	reason_counter;	/* first of SHUNT_REASON_MAX counters, by reason */
	__u32	hook;		/* one SHUNT_HOOK_*: where the graph is */
	__u64	handoff_tag;	/* XDP: written at a boundary; root at TC: accepted, 0: none */
};

_Static_assert(sizeof(struct shunt_node_conf) == 24, "ABI");

/*
 * What the context leaves of a CPU's 64 KiB: a power of two, so that the index is a shift, and whole
 * pages, so that CPUs share no line
 */
#define SHUNT_COUNTERS_MAX	(8192 - (int)sizeof(struct shunt_packet) / 8)

/**
 * struct shunt_cpu - One element of table 'shunt_cpu' for each possible CPU
 * The counters' indices are handed out by the control plane (0 to nobody); user space maps the
 * table to read them.
 */
struct shunt_cpu {
	struct shunt_packet pkt;	/* first: a node has its address */
	__u64	counter[SHUNT_COUNTERS_MAX];
};

_Static_assert(sizeof(struct shunt_cpu) == 65536, "ABI");

/**
 * struct shunt_handoff - What crosses a boundary from XDP to TC, in front of the frame (data_meta)
 * Never trusted without its tag: metadata survives a redirect to a veth peer.
 */
struct shunt_handoff {
	__u64	tag;		/* random for each rendering of the pair of graphs */
	__u32	len;		/* sizeof(struct shunt_handoff) */
	__u32	mark;
	__u32	hash;		/* 0: not computed */
	__u32	user[3];	/* shunt_packet.user[0..2] */
};

_Static_assert(sizeof(struct shunt_handoff) == 32, "ABI");

#endif
