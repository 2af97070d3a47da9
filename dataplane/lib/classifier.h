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
 */
#ifndef SHUNT_LIB_CLASSIFIER_H
#define SHUNT_LIB_CLASSIFIER_H

#include <linux/types.h>

#define CLASSIFIER_RULES_MAX	250000	/* of an image */
#define CLASSIFIER_PRIO_GAP	1024	/* rule i of the image has prio (i + 1) * GAP: room between */
#define CLASSIFIER_VIEW_ROWS	64	/* of a family that a view may add */
#define CLASSIFIER_VIEW_EXTS	64	/* extensions that a view may add */
#define CLASSIFIER_TREES_MAX	8	/* of a family */
#define CLASSIFIER_LEAF_MAX	16	/* rows of a leaf */
#define CLASSIFIER_NONE		0xffffffffU

/* Word 'meta' of a key: what else a box has bits of */
#define CLASSIFIER_PROTO	0x000000ffU	/* last protocol of the chain */
#define CLASSIFIER_L4		0x00000100U	/* has SHUNT_PKT_L4: ports, flags, type and code count */
#define CLASSIFIER_IP		0x00000200U	/* is IPv4 or IPv6 */
#define CLASSIFIER_FRAG		0x00000c00U	/* SHUNT_FRAG_* << 10 */
#define CLASSIFIER_FRAG_SHIFT	10
#define CLASSIFIER_TCP_FLAGS	0x00ff0000U
#define CLASSIFIER_TCP_SHIFT	16
#define CLASSIFIER_META		0x00ff0fffU

/*
 * Keys, in words of 32 bits, host order. What is no IP goes through family 4 with
 * addresses 0 and without CLASSIFIER_IP. ICMP: type and code are sport and dport.
 */
#define CLASSIFIER_WORDS4	4	/* saddr, daddr, sport << 16 | dport, meta */
#define CLASSIFIER_WORDS6	10	/* saddr 0-3 (0: highest), daddr 4-7, ports, meta */

/* row.value and row.mask: CLASSIFIER_META bits; above them the prefix lengths (IPv4) */
#define CLASSIFIER_LEN_SHIFT	24

/* row.prio: priority << 4 | edge; lower wins */
#define CLASSIFIER_EDGE_BITS	4
/* row.ref: index of the rule's hits; or, with this bit, of its extension */
#define CLASSIFIER_EXT		0x80000000U

struct classifier_row4 {
	__u32	saddr, daddr;			/* host order, masked */
	__u16	sport_first, sport_last;	/* inclusive */
	__u16	dport_first, dport_last;
	__u32	value;				/* meta; | source prefix length << 24 */
	__u32	mask;				/* of meta; | destination prefix length << 24 */
	__u32	prio;
	__u32	ref;
};

struct classifier_row6 {
	__u64	saddr[2], daddr[2];		/* high half first, host order, masked */
	__u16	sport_first, sport_last;
	__u16	dport_first, dport_last;
	__u32	value;				/* meta */
	__u32	mask;
	__u32	prio;
	__u32	ref;
	__u8	slen, dlen;			/* prefix lengths */
	__u16	pad[3];
};

_Static_assert(sizeof(struct classifier_row4) == 32, "ABI");
_Static_assert(sizeof(struct classifier_row6) == 64, "ABI");

#endif
