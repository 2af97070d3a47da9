// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * filter.bpf.c - a verdict by 5-tuple, TCP flags, ICMP type and fragment state; first match wins
 * reads: L3, L4   tables: filter_rows4, filter_rows6   cost: grows with the rows before the match
 *
 * DOC: A packet without L4 header (a later fragment, another protocol) matches
 * no rule that asks for ports, flags, type or code; it goes on to the next.
 * What is no IP matches rules without matches alone (they have a row of
 * family 4), and ARP leaves by accept before any rule unless the configuration
 * says otherwise: IPv4 cannot do without. Malformed packets do not get here: the
 * root drops them.
 */
#include <linux/if_ether.h>

#include <shunt/module.h>
#include "filter.h"

SHUNT_MODULE_OPEN("filter", SHUNT_HOOK_ANY, SHUNT_DEPTH_L4, 8,
		  "rules by address, protocol, port, TCP flags and fragment state");
SHUNT_EDGE(accept);
SHUNT_EDGE(drop, SHUNT_FAIL_CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_POLICY);

SHUNT_CONFIG(__u8, pass_arp, 1, "1: ARP leaves by accept, whatever the rules say; 0: as other non-IP frames");
SHUNT_CONFIG(__u32, rows4, 0, "number of IPv4 rows (from the rules)");
SHUNT_CONFIG(__u32, rows6, 0, "number of IPv6 rows (from the rules)");
SHUNT_CONFIG(__u32, fallback, 0, "edge where no rule matches (from 'default')");

SHUNT_TABLE(filter_rows4, ARRAY, __u32, struct filter_chunk4, 1);
SHUNT_TABLE(filter_rows6, ARRAY, __u32, struct filter_chunk6, 1);

/* What rows are compared with, and what came of it */
struct scan {
	struct shunt_packet *pkt;
	__u32	sport, dport;		/* host order */
	__u32	proto, type, code;
	__u32	tcp_flags;
	__u32	frag;			/* bit of the packet's fragment state */
	__u32	need;			/* FILTER_ROW_* that a row must have */
	__u32	lacks;			/* FILTER_ROW_* that a row must not have */
	__u32	edge;
	__u32	counter;		/* 0: no row matched */
};

/* Sign bit set if @value is outside; none of the three is above 65535 */
static __always_inline __u32 outside(__u32 value, __u32 first, __u32 last)
{
	return (value - first) | (last - value);
}

/*
 * What tells rows apart, the destination port, by a branch; the rest without: every row has all
 * its intervals (those of fields that its rule does not ask for hold every value), and one
 * unforeseen branch costs more than all of them. It also keeps the verifier's states few, hence
 * a change of the rules quick.
 */
static __always_inline bool filter_l4_match(const struct scan *scan, const struct filter_l4 *row)
{
	__u32 flags_differ = (scan->tcp_flags & row->tcp_mask) ^ row->tcp_value;
	__u32 out;

	if (outside(scan->dport, row->dport_first, row->dport_last) >> 31)
		return false;
	out = outside(scan->sport, row->sport_first, row->sport_last) |
	      outside(scan->proto, row->proto_first, row->proto_last) |
	      outside(scan->type, row->type_first, row->type_last) |
	      outside(scan->code, row->code_first, row->code_last) |
	      ((row->frags & scan->frag) - 1);
	out >>= 31;
	out |= (row->flags & scan->lacks) | (~row->flags & scan->need);
	flags_differ = -flags_differ >> 31;
	out |= flags_differ ^ (row->flags / FILTER_ROW_TCP_NEGATED & 1);
	return !out;
}

static __always_inline void filter_found(struct scan *scan, const struct filter_l4 *row)
{
	scan->edge = row->edge;
	scan->counter = row->counter;
}

static long filter_scan4(__u32 index, void *arg)
{
	struct scan *scan = arg;
	struct filter_chunk4 *chunk = bpf_map_lookup_elem(&filter_rows4, &index);
	int i;

	if (!chunk)
		return 1;
	for (i = 0; i < FILTER_CHUNK; i++) {
		const struct filter_row4 *row = &chunk->row[i];

		if (((scan->pkt->saddr.v4 & row->saddr_mask) ^ row->saddr) |
		    ((scan->pkt->daddr.v4 & row->daddr_mask) ^ row->daddr))
			continue;
		if (!filter_l4_match(scan, &row->l4))
			continue;
		filter_found(scan, &row->l4);
		return 1;
	}
	return 0;
}

/* 0: it is in the prefix */
static __always_inline __u64 filter_prefix6(const struct shunt_addr *addr, const __u64 *value,
					    const __u64 *mask)
{
	return ((addr->half[0] & mask[0]) ^ value[0]) | ((addr->half[1] & mask[1]) ^ value[1]);
}

static long filter_scan6(__u32 index, void *arg)
{
	struct scan *scan = arg;
	struct filter_chunk6 *chunk = bpf_map_lookup_elem(&filter_rows6, &index);
	int i;

	if (!chunk)
		return 1;
	for (i = 0; i < FILTER_CHUNK; i++) {
		const struct filter_row6 *row = &chunk->row[i];

		if (filter_prefix6(&scan->pkt->saddr, row->saddr, row->saddr_mask) |
		    filter_prefix6(&scan->pkt->daddr, row->daddr, row->daddr_mask))
			continue;
		if (!filter_l4_match(scan, &row->l4))
			continue;
		filter_found(scan, &row->l4);
		return 1;
	}
	return 0;
}

/*
 * A call of its own for each family. Merged into one by the compiler, its callback would be
 * variable: no kernel makes such a loop direct, and Linux 6.18 refuses the program ("verifier
 * bug: No program to jit") where the callback of a family without rows is dead code.
 */
#define filter_each_chunk(rows_, scan_rows_, scan_)			\
	do {								\
		bpf_loop(((rows_) + FILTER_CHUNK - 1) / FILTER_CHUNK,	\
			 scan_rows_, scan_, 0);				\
		asm volatile("/* " #scan_rows_ " */" ::: "memory");	\
	} while (0)

SHUNT_NODE(ctx, pkt)
{
	struct scan scan = {
		.pkt = pkt,
		.sport = bpf_ntohs(pkt->sport),
		.dport = bpf_ntohs(pkt->dport),
		.frag = 1 << (pkt->frag & 3),
		.proto = pkt->proto,
		.type = pkt->icmp_type,
		.code = pkt->icmp_code,
		.tcp_flags = pkt->tcp_flags,
		.need = pkt->l3 ? 0 : FILTER_ROW_ANY,
		.lacks = pkt->flags & SHUNT_PKT_L4 ? 0 : FILTER_ROW_L4,
		.edge = fallback,
	};

	if (pass_arp && pkt->eth_type == bpf_htons(ETH_P_ARP))
		return SHUNT_GO(accept);
	if (pkt->l3 == 6 && rows6)
		filter_each_chunk(rows6, filter_scan6, &scan);
	else if (pkt->l3 != 6 && rows4)
		filter_each_chunk(rows4, filter_scan4, &scan);
	if (scan.counter)
		shunt_count_here(pkt, scan.counter);
	return scan.edge;
}
