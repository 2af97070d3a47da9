/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * classifier.h - a rule set as flat arrays in one map value: the image
 *
 * DOC: compile/classifier.c builds an image, lib/classify.h walks it. A rule is
 * one row or more; a row is a box: a prefix of each address, an interval of each
 * port, and bits of 'meta'. Among the rows that hold the packet the one with the
 * lowest prio decides. What a row cannot say (a set, a length, a limit) is in an
 * extension that its ref names.
 *
 * An image is immutable but for its two views. A view is a small difference to
 * the image: rows that came, and rules that went. One of them is in force; the
 * other is written, then the head's 'view' is stored: a packet reads it once and
 * has the old rules or the new ones.
 *
 *	head | views | extensions | for each family: nodes, rows, residual
 *
 * The rows of a family are in up to eight trees. All rows of a tree know the bits
 * of the tree's masks: a hash of these bits of the key leads to a node. A node is
 * a leaf, or looks at some more bits of the key, which lead to the next node. A
 * leaf is its rows, by prio. Every row is compared whole: bits may be left out on
 * the way. Rows that no tree could take without too many copies are the residual:
 * windows of the key choose bit vectors (a bit a row) whose conjunction is what is
 * left to compare.
 *
 * What is the same for all packets is in struct classifier_shape, rodata of the
 * program that walks.
 */
#ifndef SHUNT_LIB_CLASSIFIER_H
#define SHUNT_LIB_CLASSIFIER_H

#include <linux/types.h>

#define CLASSIFIER_RULES_MAX	250000	/* of an image */
#define CLASSIFIER_BYTES_MAX	(500U << 20)	/* the verifier's offsets end at 1 << 29 */
#define CLASSIFIER_PRIO_GAP	1024	/* rule i has prio (i + 1) * GAP: room between */
#define CLASSIFIER_VIEW_ROWS	64	/* of a family that a view may add */
#define CLASSIFIER_VIEW_EXTS	64	/* extensions that a view may add */
#define CLASSIFIER_TREES_MAX	8	/* of a family */
#define CLASSIFIER_LEAF_MAX	16	/* rows of a leaf */
#define CLASSIFIER_NONE		0xffffffffU

/* Word 'meta' of a key: what else a box has bits of */
#define CLASSIFIER_PROTO	0x000000ffU	/* last protocol of the chain */
#define CLASSIFIER_L4		0x00000100U	/* SHUNT_PKT_L4: ports, flags, type, code count */
#define CLASSIFIER_IP		0x00000200U	/* is IPv4 or IPv6 */
#define CLASSIFIER_FRAG		0x00000c00U	/* SHUNT_FRAG_* << 10 */
#define CLASSIFIER_FRAG_SHIFT	10
#define CLASSIFIER_CT		0x00007000U	/* SHUNT_CT_* << 12: the flow's state */
#define CLASSIFIER_CT_SHIFT	12
#define CLASSIFIER_TCP_FLAGS	0x00ff0000U
#define CLASSIFIER_TCP_SHIFT	16
#define CLASSIFIER_META		0x00ff7fffU

/*
 * Keys, in words of 32 bits, host order. What is no IP goes through family 4 with
 * addresses 0 and without CLASSIFIER_IP. ICMP: type and code are sport and dport.
 */
#define CLASSIFIER_WORDS4	4	/* saddr, daddr, sport << 16 | dport, meta */
#define CLASSIFIER_WORDS6	10	/* saddr 0-3 (0: highest), daddr 4-7, ports, meta */

/* row4.value and row4.mask: CLASSIFIER_META bits; above them the bits that a prefix leaves open */
#define CLASSIFIER_OPEN_SHIFT	24

/* row.found: prio << 32 | ref. Prio: priority << 4 | edge; lower wins */
#define CLASSIFIER_EDGE_BITS	4
/* ref: index of the rule's hits; or, with this bit, of its extension */
#define CLASSIFIER_EXT		0x80000000U

struct classifier_row4 {
	__u64	addrs;				/* saddr << 32 | daddr; host order, masked */
	__u16	sport_first, sport_last;	/* inclusive */
	__u16	dport_first, dport_last;
	__u32	value;				/* meta; | 32 - source prefix length, << 24 */
	__u32	mask;				/* of meta; | 32 - destination's, << 24 */
	__u64	found;
};

struct classifier_row6 {
	__u64	saddr[2], daddr[2];		/* high half first, host order, masked */
	__u16	sport_first, sport_last;
	__u16	dport_first, dport_last;
	__u32	value;				/* meta */
	__u32	mask;
	__u64	found;
	__u8	open[4][2];			/* low bits of each half that count not: the sum */
};

/* Words of 64 bits that trees look at: IPv4: saddr << 32 | daddr; IPv6: saddr, daddr, two each */
#define CLASSIFIER_KEY4		2	/* behind the addresses: ports << 32 | meta */
#define CLASSIFIER_KEY6		5

/*
 * A node, 64 bits. Roots have a filter (Bloom, 1970) of the hashes behind them.
 * Leaf: bit 63, lowest prio >> PRIO_SHIFT, rows and their index. Else: word of the
 * key, shift and mask of the window, index of the first child.
 */
#define CLASSIFIER_BLOOM_BITS	4	/* of the hash, below those of the root's index */
#define CLASSIFIER_BASE_SHIFT	16
#define CLASSIFIER_BASE_MASK	0xffffffU
#define CLASSIFIER_LEAF		(1ULL << 63)
#define CLASSIFIER_COUNT_SHIFT	40
#define CLASSIFIER_COUNT_MASK	0x1fU
#define CLASSIFIER_PRIO_AT	45
#define CLASSIFIER_PRIO_MASK	0x3ffffU
#define CLASSIFIER_PRIO_SHIFT	14	/* edge bits, and a gap */
#define CLASSIFIER_SHIFT_AT	40
#define CLASSIFIER_SHIFT_MASK	0x3fU
#define CLASSIFIER_WINDOW_AT	46
#define CLASSIFIER_WINDOW_MASK	0x3ffU	/* low bits of the shifted word */
#define CLASSIFIER_WORD_AT	56
#define CLASSIFIER_WORD_MASK	0x7U

/* Odd factors of the hash, one a word of the key (of the golden ratio and of square roots) */
#define CLASSIFIER_HASH0	0x9e3779b97f4a7c15ULL
#define CLASSIFIER_HASH1	0xbb67ae8584caa73bULL
#define CLASSIFIER_HASH2	0x3c6ef372fe94f82bULL
#define CLASSIFIER_HASH3	0xa54ff53a5f1d36f1ULL
#define CLASSIFIER_HASH4	0x510e527fade682d1ULL

#define CLASSIFIER_DEPTH_MAX	10	/* nodes on the way to a leaf, root included */
#define CLASSIFIER_LIST_MAX	16	/* rows of a family that need no tree */
#define CLASSIFIER_BITS_MAX	10	/* of a node's window: WINDOW_MASK */

/* The residual: @windows of 8 bits choose vectors of @words x 64 bits */
#define CLASSIFIER_RESIDUAL_MAX	4096	/* rows */
#define CLASSIFIER_WINDOWS_MAX	6

struct classifier_tree {
	__u64	mask[CLASSIFIER_KEY6];	/* bits of the key that all rows know */
	__u32	roots_off;		/* bytes from the image's start */
	__u32	prio;			/* lowest of a row */
	__u8	shift;			/* 64 - bits of the root's index; 63: one root */
	__u8	bloom_shift;
	__u8	depth;			/* nodes on the longest way, root included */
	__u8	leaf;			/* rows of the largest leaf */
	__u8	pad[4];
};

struct classifier_window {
	__u8	word, shift;		/* of the key */
};

struct classifier_family {
	__u32	nodes_off;		/* all _off: bytes from the image's start */
	__u32	nodes;
	__u32	rows_off;
	__u32	rows;			/* LEAF_MAX more are there, unused */
	__u32	trees;
	__u32	list;			/* rows that are all there are: the first ones; 0: trees */
	__u32	residual_off;		/* its rows */
	__u32	residual;		/* rows */
	__u32	residual_prio;		/* lowest */
	__u32	vectors_off;		/* [window][256][words] */
	__u32	prios_off;		/* [words]: the lowest of a word's rows */
	__u32	words;			/* of a vector */
	__u32	windows;
	struct classifier_window window[CLASSIFIER_WINDOWS_MAX];
	struct classifier_tree tree[CLASSIFIER_TREES_MAX];
};

struct classifier_shape {
	__u32	size;			/* bytes of the image */
	__u32	rules;
	__u32	view_off;		/* of the first view: rows, tombstones */
	__u32	view_size;
	__u32	ext_off;
	__u32	ext_size;		/* bytes of one */
	__u32	exts;			/* of the base; behind them VIEW_EXTS for each view */
	__u32	gone_mask;		/* of the tombstones' index: a power of 2 less 1 */
	struct classifier_family family[2];	/* IPv4 and what is no IP; IPv6 */
};

struct classifier_view {
	__u32	rows[2];		/* that came, of each family */
	__u32	gone;			/* gone_mask; 0: no base rule went */
	__u32	pad;
};

/* At the start of the image */
struct classifier_head {
	__u32	view;			/* the one in force */
	__u32	pad[3];
	struct classifier_view views[2];
	__u64	none;			/* all ones, which the verifier does not know */
	__u32	rest[2];
};

#define CLASSIFIER_VIEW_ROWS4	0	/* bytes from a view's start */
#define CLASSIFIER_VIEW_ROWS6	(CLASSIFIER_VIEW_ROWS * sizeof(struct classifier_row4))
/* Tombstones: bit prio >> PRIO_SHIFT, rule i's number i + 1 */
#define CLASSIFIER_VIEW_GONE	(CLASSIFIER_VIEW_ROWS6 +		\
				 CLASSIFIER_VIEW_ROWS * sizeof(struct classifier_row6))

_Static_assert(sizeof(struct classifier_head) == 64, "ABI");
_Static_assert(sizeof(struct classifier_tree) == 56, "ABI");
_Static_assert(sizeof(struct classifier_family) == 64 + 56 * CLASSIFIER_TREES_MAX, "ABI");
_Static_assert(sizeof(struct classifier_row4) == 32, "ABI");
_Static_assert(sizeof(struct classifier_row6) == 64, "ABI");

#endif
