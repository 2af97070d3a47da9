/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* filter.h - the filter's rows: compile/filter.c writes them, filter.bpf.c reads them */
#ifndef SHUNT_FILTER_H
#define SHUNT_FILTER_H

#include <linux/types.h>

/*
 * A rule is one row or more: the product of its fields' intervals (of prefixes
 * for addresses). Rows are tried in order; the first that matches decides.
 */
#define FILTER_CHUNK		16	/* rows in an element of the table */
#define FILTER_ROWS_MAX		4096	/* of a family; a few hundred rules */

/* filter_row.frags: bit SHUNT_FRAG_* set: such packets match */
#define FILTER_FRAGS_ANY	0x7

/* filter_row.flags */
#define FILTER_ROW_L4		0x1	/* needs SHUNT_PKT_L4: asks for ports, flags, type, code */
#define FILTER_ROW_TCP_NEGATED	0x2	/* tcp_flags: unequal */
#define FILTER_ROW_ANY		0x4	/* of a rule without matches: matches what is no IP, too */

struct filter_l4 {
	__u16	sport_first, sport_last;	/* host order, inclusive */
	__u16	dport_first, dport_last;
	__u8	proto_first, proto_last;
	__u8	frags;
	__u8	flags;			/* FILTER_ROW_* */
	__u8	tcp_mask, tcp_value;
	__u8	type_first, type_last;	/* ICMP, ICMPv6 */
	__u8	code_first, code_last;
	__u8	edge;			/* index of the edge to leave by */
	__u8	pad;
	__u32	counter;		/* of the rule, in struct shunt_cpu */
};

struct filter_row4 {
	__be32	saddr, saddr_mask;
	__be32	daddr, daddr_mask;
	struct filter_l4 l4;
};

struct filter_row6 {
	__u64	saddr[2], saddr_mask[2];	/* wire order */
	__u64	daddr[2], daddr_mask[2];
	struct filter_l4 l4;
};

struct filter_chunk4 {
	struct filter_row4 row[FILTER_CHUNK];
};

struct filter_chunk6 {
	struct filter_row6 row[FILTER_CHUNK];
};

_Static_assert(sizeof(struct filter_l4) == 24, "ABI");
_Static_assert(sizeof(struct filter_row4) == 40, "ABI");
_Static_assert(sizeof(struct filter_row6) == 88, "ABI");

#endif
