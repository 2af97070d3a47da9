/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * fib.h - forwarding tables: what the control plane and programs agree on
 *
 * DOC: A table (a VRF, or one that a rule names) says for an address which hop its longest prefix
 * has: a number, 0: no route. All tables lie in one pool of pages, and are as large as what they
 * hold.
 *
 * IPv4: root[first byte] is a value, or names pages. Where there are many routes they are leaves,
 * one for each /24 (as DIR-24-8: Gupta, Lin, McKeown, INFOCOM 1998). Else it is one page of 2048
 * words, one for each /19. A word has the values of its 32 /24s: bit i of 'bitmap' says that /24
 * number i has another value than the one before it; the values, without repetitions, are leaves
 * that follow each other from 'base' on. Without a bit 'base' is the value of all. A value is a
 * hop, or names a line: eight words, which say the same of the 256 addresses of one /24. One load
 * that may come from afar for prefixes up to /24 (in small tables two), three (four) for longer
 * ones.
 *
 * IPv6: prefixes in hash tables, found by a binary search over their lengths (Waldvogel, Varghese,
 * Turner, Plattner, SIGCOMM 1997). An entry that longer ones lie below says so, and each entry has
 * the hop of the longest prefix that covers it, so that nothing is asked twice. The search tree is
 * fixed and leans towards the lengths of public tables; lengths that a table does not have are not
 * asked for. FIB6_PROBES bounds it: /48 is asked for first, /64 second, /128 third.
 *
 * One writer. What readers may meet meanwhile: words, leaves and entries are changed by one store
 * each, after what they name is written; what is no longer named is not written before a grace
 * period has passed. So a packet has the hop of before or of behind a change, of no other route.
 */
#ifndef SHUNT_LIB_FIB_H
#define SHUNT_LIB_FIB_H

#include <linux/types.h>

#define FIB_PAGE_BYTES	16384
#define FIB_PAGES_MAX	65536			/* 1 GiB */
#define FIB_HOP_MAX	0x7fffffff
#define FIB_REF		0x80000000		/* value: the rest names a page (root) or a line */
#define FIB_FLAT	0x40000000		/* root: that page and those behind it are leaves */
#define FIB_FLAT_PAGES	16			/* a leaf for each /24 of a /8 */

/* Table 'fib_pages', an array of maps: each an array of one page */
struct fib_page {
	union {
		__u64	word[FIB_PAGE_BYTES / 8];
		__u32	leaf[FIB_PAGE_BYTES / 4];
		__u64	line[FIB_PAGE_BYTES / 64][8];
	};
};

/* Leaves and lines of all pages are numbered through */
#define FIB_PAGE_LEAVES		4096
#define FIB_LEAF_PAGE(at)	((at) >> 12)
#define FIB_LEAF_INDEX(at)	((at) & 4095)
#define FIB_LINE_PAGE(at)	((at) >> 8)
#define FIB_LINE_INDEX(at)	((at) & 255)

#define FIB_WORD(bitmap, base)	((__u64)(bitmap) << 32 | (base))
#define FIB_BITMAP(word)	((__u32)((word) >> 32))
#define FIB_BASE(word)		((__u32)(word))
#define FIB_SLOTS		32		/* of a word */

/* Table 'fib_tables' */
struct fib_table {
	__u32	root[256];
	__u32	six;		/* line: struct fib6_head; 0: nothing but any6 */
	__u32	any6;		/* hop of ::/0 */
};

/* A line; it is exchanged as a whole, but for a bit that is set */
struct fib6_head {
	__u64	region[2];	/* FIB6_REGION(); of lengths to 64, and of longer ones */
	__u64	lengths[2];	/* bit l - 1, l - 65: there are entries of this length */
	__u64	seed;
	__u64	pad[3];
};
#define FIB6_REGION(first, lines)	((__u64)((lines) - 1) << 32 | (first))	/* page; 0: none */
#define FIB6_FIRST(region)		((__u32)(region))
#define FIB6_LINE_MASK(region)		((__u32)((region) >> 32))

/*
 * An entry is a key and a word: two to four 64-bit numbers of a line. To 64 bits: { key, word },
 * four to a line; longer: { high, low, word, - }, two.
 */
#define FIB6_ENTRY(hop, len, flags)	((__u64)(hop) << 32 | (flags) | (len))
#define FIB6_HOP(word)			((__u32)((word) >> 32))
#define FIB6_LEN(word)			((__u32)(word) & 0xff)	/* 0: no entry */
#define FIB6_DEEPER	0x100	/* there are longer ones below */
#define FIB6_ROUTE	0x200	/* a prefix of the table; else it only leads to longer ones */
#define FIB6_MORE	0x400	/* of a line's first entry, there or not: go on in the next line */
#define FIB6_CHAIN	8	/* lines at most */

#define FIB6_PROBES	9	/* at most: depth of the tree */
#define FIB6_ROOT	48

/* The tree: what is asked for next if it is not there; if it is, and leads to longer ones */
#define FIB6_SHORTER(next)	((next) & 0xff)
#define FIB6_LONGER(next)	((next) >> 8)

_Static_assert(sizeof(struct fib_page) == FIB_PAGE_BYTES, "ABI");
_Static_assert(sizeof(struct fib_table) == 1032, "ABI");
_Static_assert(sizeof(struct fib6_head) == 64, "a line");

#endif
