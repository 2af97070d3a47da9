/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * set.h - sets of values as the data path sees them
 *
 * DOC: Two kinds. A *static* set comes from the configuration: compile/set.c
 * builds it as an image, an array of lines of 64 bytes, which is exchanged whole:
 * a word in table shunt_sets names its first page, a packet reads it once and sees
 * the old or the new set. A *dynamic* set is state: elements come and go by command and from
 * the data path, with a time to live (table shunt_dsets, an array of hash tables).
 *
 * A key is the values in order, each in host order: ip, port, proto, mark, vlan, iif one
 * word; ip6 four (the highest first); ether two (the high 16 bits first).
 *
 * A page is a map of its own (table shunt_set_pages, an array of maps). All are of one size, hence
 * lookups in them are code in line; in inner maps of different sizes each would be a call. With
 * a word to name the first, sets are exchanged without a system call or a wait. 31 KiB is as much
 * as kmalloc() gives a map: no stretch of kernel addresses need be found for a set of 100 MB.
 *
 * Line 0 of an image is a struct shunt_set_head. What follows is one of:
 *
 * HASH, single values and tuples: open addressing by lines. A key lies in the line that its
 * hash names or, where that one is full, in one of the next; all keys of a line are compared
 * at once, without a branch. Tuples of up to 64 bits are packed: their words moved together, so
 * that eight of them are a line, not four.
 *
 * BITS, values that lie close together (ports, protocols): one bit each.
 *
 * RANGES, all else. Intervals are a sorted list of *ends*: the first value of an interval, and
 * the first one behind it. A key is in the set if the number of ends <= key is odd. A node cuts
 * the values between its first and last end into equal parts, as many as suit the number of
 * ends, and has a word for each part: all of it is in or out, or a tree of lines that holds the
 * part's ends, or another node. Ends in a tree are relative to the part and take 16, 32 or 64
 * bits: 32, 16 or 8 in a line, counted at once, without a branch. Values of more than 64 bits are
 * cut by their high half; a part with ends inside a high half has a 'wide' tree, of four ends a
 * line at full length, or a node that cuts by the low half.
 *
 * Where lanes have 64 bits or more, some are to spare, and a prefix needs one lane, not the two of
 * its ends: first value << 6 (wide: << 7) | number of host bits. The last one whose first value is
 * <= key has the key, or none has.
 *
 * Most parts are *leaves*: sorted prefixes, as many as a line holds, and before them a line of
 * *steps*, 16 bits each: the count of those <= key tells the leaf. Word, steps and leaf are three
 * lines, but words and steps of a million elements are 1/16 or less of the image and stay in the
 * caches near the core; the leaf alone is far. A value, relative to the part, is moved up to
 * 26 or 57 bits (wide: bits of the low half come in from below), its lowest bits' number stands
 * below it, in 5 or 6 bits. An interval that is no prefix is its first value with all bits
 * open, and its last one. What is longer than 57 bits has its rest in one of the last lanes:
 * highest bit, rest << 6 | host bits.
 *
 * A tree of n levels is an implicit search tree: children of line q are the lines q * fan + 1
 * to q * fan + fan, the count in it tells which, and the count in the last level is the answer.
 */
#ifndef SHUNT_LIB_SET_H
#define SHUNT_LIB_SET_H

#include <linux/types.h>

#define SHUNT_SETS_MAX		256	/* slots of either table */
#define SHUNT_SET_ELEMENTS_MAX	(4u << 20)
#define SHUNT_SET_KEY_WORDS	10
#define SHUNT_SET_LINE		64	/* bytes */
#define SHUNT_SET_PAGE_LINES	496	/* 31 KiB, and the map's own bytes: kmalloc() */
#define SHUNT_SET_PAGES_MAX	32768	/* of all sets; number 0 is none */

struct shunt_set_key {
	union {
		__u32	word[SHUNT_SET_KEY_WORDS];	/* unused ones 0 */
		__u64	pair[SHUNT_SET_KEY_WORDS / 2];	/* the same, to be compared and hashed */
	};
};

enum shunt_set_kind { SHUNT_SET_NONE, SHUNT_SET_HASH, SHUNT_SET_BITS, SHUNT_SET_RANGES };

#define SHUNT_SET_PACKED_WORDS	5	/* of a key that is packed */

#define SHUNT_SET_PROBES_MAX	32	/* lines that a key may lie in */
#define SHUNT_SET_NODES_MAX	4	/* above each other */
#define SHUNT_SET_LEVELS_MAX	10	/* of a tree */

/* A part's word: form | state << 3 | levels << 4 | line << 8 */
#define SHUNT_SET_PART_FORM	0x7
#define SHUNT_SET_PART_STATE	3	/* shift; 1: values before the part's first end are in */
#define SHUNT_SET_PART_LEVELS	4	/* shift; four bits */
#define SHUNT_SET_PART_LINE	8	/* shift */
#define SHUNT_SET_LINES_MAX	(SHUNT_SET_PAGE_LINES * (SHUNT_SET_PAGES_MAX - 1))

enum shunt_set_form {
	SHUNT_SET_EVEN,		/* no ends: 'state' is all there is to say */
	SHUNT_SET_TREE,		/* ends in lanes of the node's width */
	SHUNT_SET_WIDE,		/* ends at full length, one below: high and low half in turn */
	SHUNT_SET_NODE,
	SHUNT_SET_PREFIXES,	/* in lanes of 64 bits */
	SHUNT_SET_WIDE_PREFIXES,	/* high and low half in turn, relative to the part */
	SHUNT_SET_LEAVES,	/* state 1: lanes of 32 bits; levels 1: a line of steps is before them */
};

#define SHUNT_SET_STEP_BITS	15	/* of a value in a line of steps */
#define SHUNT_SET_STEPS		32	/* in it */
#define SHUNT_SET_NARROW_BITS	26	/* of a value in a lane of 32 bits */
#define SHUNT_SET_NARROW_OPEN	31	/* host bits of an interval's first value */
#define SHUNT_SET_LEAF_BITS	57	/* of 64 */
#define SHUNT_SET_LEAF_OPEN	59
#define SHUNT_SET_LEAF_LONG	60	/* + 0 to 3: lane 4 to 7 has the rest */
#define SHUNT_SET_WIDE_BITS	50	/* largest part whose prefixes may be long */

#define SHUNT_SET_PREFIX_SHIFT	57	/* of parts whose prefixes fit */

struct shunt_set_hash {
	__u64	seed;
	__u32	lines;		/* that hashes name; probes - 1 more follow */
	__u32	probes;
	__u32	unused;		/* word 0 of free places: no element has it */
	__u8	places;		/* of a line: 16, 8, 4, 2, 1; of 16 / places words each */
	__u8	packed;		/* 1: a key is its words, shifted so far, in one of 64 bits */
	__u8	pad[2];
	__u8	shift[SHUNT_SET_PACKED_WORDS];	/* shift[0] is 0 */
	__u8	more[3];
};

struct shunt_set_bits {
	__u32	first;		/* value of bit 0 of line 1 */
	__u32	n;
};

struct shunt_set_node {
	__u64	high;		/* low half: the high half of all ends */
	__u64	base;		/* where the first part starts */
	__u64	span;		/* from there to the last end */
	__u64	ones;		/* 1 in each lane */
	__u32	parts;		/* line of the first part's word */
	__u8	shift;		/* log2 of a part's size */
	__u8	width;		/* bits of a lane, the highest is 0: 16, 32, 64 */
	__u8	low;		/* 1: cuts by the low half */
	__u8	before;		/* 1: values before the first end are in */
	__u8	after;		/* 1: values behind the last end are in */
	__u8	pad[7];
};

/* Line 0; a node that is not the first has a line like it, without the first four */
struct shunt_set_head {
	__u16	kind;
	__u16	words;		/* of a key */
	__u32	lines;
	__u64	hash;		/* of the image */
	union {
		struct shunt_set_hash by_hash;
		struct shunt_set_bits by_bit;
		struct shunt_set_node node;
	};
};

struct shunt_set_line {
	union {
		__u64	wide[8];
		__u32	word[16];
		__u16	half[32];
	};
};

struct shunt_set_page {
	struct shunt_set_line line[SHUNT_SET_PAGE_LINES];
};

/* An element of a dynamic set */
struct shunt_set_value {
	__u64	expires_ns;	/* CLOCK_MONOTONIC; 0: never */
	__u64	timeout_ns;	/* what it was given, for 'list' */
	__u64	packets, bytes;	/* where the set counts */
};

/* What is to be known of a dynamic set, by slot: table shunt_dset_conf */
struct shunt_dset_conf {
	__u64	timeout_ns;	/* of elements that say none; 0: they never expire */
	__u32	counts;		/* 1: packets and bytes by element */
	__u32	pad;
};

_Static_assert(sizeof(struct shunt_set_key) == 40, "ABI");
_Static_assert(sizeof(struct shunt_set_head) == SHUNT_SET_LINE, "ABI");
_Static_assert(sizeof(struct shunt_set_line) == SHUNT_SET_LINE, "ABI");
_Static_assert(sizeof(struct shunt_set_page) == 31744, "ABI");
_Static_assert(SHUNT_SET_LINES_MAX < 1u << (32 - SHUNT_SET_PART_LINE), "a part names any line");
_Static_assert(sizeof(struct shunt_set_value) == 32, "ABI");
_Static_assert(sizeof(struct shunt_dset_conf) == 16, "ABI");

#endif
