/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * filter_flow.h - what rules ask of the flow that a packet belongs to, and change there
 *
 * DOC: State, mark, zone and direction are in the packet's context. The ends of the flow are
 * in the flow table (lib/conntrack.h): a first packet's, which is not there yet, are its own.
 * Without a flow table, or without rules that look there (rodata 'flows'), the tables
 * here are empty ones of this program.
 */
#ifndef SHUNT_FILTER_FLOW_H
#define SHUNT_FILTER_FLOW_H

#include <shunt/lib/conntrack.h>
#include <shunt/module.h>

#include "filter_rule.h"

SHUNT_CONFIG(__u8, flows, 0, "1: rules look into the flow table (from the rules)");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct conntrack_flow4);
} ct_flows4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct conntrack_flow6);
} ct_flows6 SEC(".maps");

/* Has one, or begins one */
static __always_inline bool filter_has_flow(const struct shunt_packet *pkt)
{
	return pkt->ct_state == SHUNT_CT_NEW || pkt->ct_state == SHUNT_CT_ESTABLISHED ||
	       pkt->ct_state == SHUNT_CT_RELATED;
}

static __always_inline bool filter_flow_there(const struct conntrack_flow *flow)
{
	return (__u8)(flow->life >> CONNTRACK_STATE_SHIFT) != CONNTRACK_NONE;
}

static __always_inline __u64 filter_flow_half(const struct shunt_addr *addr, bool low)
{
	return bpf_be64_to_cpu(addr->half[low]);
}

/*
 * ---- which end ----
 * The originator is end 0, its peer end 1. A reply comes from end 1, and is addressed as the
 * flow looks outside where it is translated.
 */
static __always_inline bool filter_flow_end(__u32 part)
{
	bool target = part == FILTER_FLOW_DADDR4 || part == FILTER_FLOW_DADDR6 ||
		      part == FILTER_FLOW_DADDR6_LOW || part == FILTER_FLOW_DPORT;

	return target;
}

static __always_inline bool filter_flow_translated(__u32 flags, bool reply, bool end)
{
	return reply && flags & (end ? CONNTRACK_DNAT : CONNTRACK_SNAT);
}

static __always_inline bool filter_flow4(__u32 slot, __u32 part, bool reply, __u64 *ret_value)
{
	const struct conntrack_flow4 *flow = bpf_map_lookup_elem(&ct_flows4, &slot);
	bool end = filter_flow_end(part) != reply, second, outside;
	__u32 flags, addr;
	__u16 port;

	if (!flow || !filter_flow_there(&flow->flow))
		return false;
	flags = flow->flow.life >> CONNTRACK_FLAGS_SHIFT;
	outside = filter_flow_translated(flags, reply, end);
	second = end != !!(flags & CONNTRACK_SECOND);
	addr = outside ? flow->nat_addr[end] : flow->key.addr[second];
	port = outside ? flow->nat_port[end] : flow->key.port[second];
	if (part == FILTER_FLOW_SPORT || part == FILTER_FLOW_DPORT)
		*ret_value = bpf_ntohs(port);
	else
		*ret_value = bpf_ntohl(addr);
	return part != FILTER_FLOW_SADDR6 && part != FILTER_FLOW_DADDR6 &&
	       part != FILTER_FLOW_SADDR6_LOW && part != FILTER_FLOW_DADDR6_LOW;
}

static __always_inline bool filter_flow6(__u32 slot, __u32 part, bool reply, __u64 *ret_value)
{
	const struct conntrack_flow6 *flow = bpf_map_lookup_elem(&ct_flows6, &slot);
	bool end = filter_flow_end(part) != reply, second, outside;
	const struct shunt_addr *addr;
	__u32 flags;
	__u16 port;

	if (!flow || !filter_flow_there(&flow->flow))
		return false;
	flags = flow->flow.life >> CONNTRACK_FLAGS_SHIFT;
	outside = filter_flow_translated(flags, reply, end);
	second = end != !!(flags & CONNTRACK_SECOND);
	addr = outside ? &flow->nat_addr[end] : &flow->key.addr[second];
	port = outside ? flow->nat_port[end] : flow->key.port[second];
	if (part == FILTER_FLOW_SPORT || part == FILTER_FLOW_DPORT)
		*ret_value = bpf_ntohs(port);
	else
		*ret_value = filter_flow_half(addr, part == FILTER_FLOW_SADDR6_LOW ||
						    part == FILTER_FLOW_DADDR6_LOW);
	return part != FILTER_FLOW_SADDR4 && part != FILTER_FLOW_DADDR4;
}

/* Of the first packet: its flow is not in the table, and not translated */
static __always_inline bool filter_flow_own(const struct shunt_packet *pkt, __u32 part, bool reply,
					    __u64 *ret_value)
{
	bool end = filter_flow_end(part) != reply;
	const struct shunt_addr *addr = end ? &pkt->daddr : &pkt->saddr;

	switch (part) {
	case FILTER_FLOW_SADDR4:
	case FILTER_FLOW_DADDR4:
		*ret_value = bpf_ntohl(addr->v4);
		return pkt->l3 == 4;
	case FILTER_FLOW_SPORT:
	case FILTER_FLOW_DPORT:
		*ret_value = bpf_ntohs(end ? pkt->dport : pkt->sport);
		return pkt->flags & SHUNT_PKT_L4 && pkt->proto != IPPROTO_ICMP &&
		       pkt->proto != IPPROTO_ICMPV6;
	default:
		*ret_value = filter_flow_half(addr, part == FILTER_FLOW_SADDR6_LOW ||
						    part == FILTER_FLOW_DADDR6_LOW);
		return pkt->l3 == 6;
	}
}

/* Nothing is known of a flow that is not in the table: none of its bits is set */
static __always_inline bool filter_flow_status(const struct shunt_packet *pkt, __u64 *ret_value)
{
	const struct conntrack_flow *flow = NULL;
	__u32 slot = pkt->flow - 1;

	*ret_value = trial ? given.ct_status : 0;
	if (trial || !pkt->flow)
		return true;
	if (pkt->l3 == 4)
		flow = bpf_map_lookup_elem(&ct_flows4, &slot);
	else if (pkt->l3 == 6)
		flow = bpf_map_lookup_elem(&ct_flows6, &slot);
	if (!flow || !filter_flow_there(flow))
		return false;
	*ret_value = CONNTRACK_STATUS((__u16)(flow->life >> CONNTRACK_FLAGS_SHIFT));
	return true;
}

/*
 * A function of its own: the verifier looks at it once, not once a condition
 * @part:	enum filter_flow_part, perhaps | FILTER_FLOW_REPLY; or FILTER_FLOW_STATUS
 * Return: 1: within; 0; -1: the packet has no such value
 */
__noinline int filter_flow_within(__u32 part, __u64 mask, __u64 first, __u64 last)
{
	struct shunt_cpu *cpu = shunt_this_cpu();
	bool reply = part & FILTER_FLOW_REPLY, of_flow = part & FILTER_FLOW_STATUS, has = false;
	__u64 value = 0;
	__u32 slot;

	if (!flows || !cpu || !filter_has_flow(&cpu->pkt))
		return -1;
	part &= FILTER_FLOW_REPLY - 1;
	slot = cpu->pkt.flow - 1;
	if (of_flow)
		has = filter_flow_status(&cpu->pkt, &value);
	else if (!cpu->pkt.flow)
		has = filter_flow_own(&cpu->pkt, part, reply, &value);
	else if (cpu->pkt.l3 == 4)
		has = filter_flow4(slot, part, reply, &value);
	else if (cpu->pkt.l3 == 6)
		has = filter_flow6(slot, part, reply, &value);
	if (!has)
		return -1;
	value &= mask;
	return value >= first && value <= last;
}

static __always_inline bool filter_flow_holds(const struct filter_cond *cond)
{
	int within = filter_flow_within(cond->field, cond->mask, cond->first, cond->last);

	return within >= 0 && within != cond->negated;
}

/* ---- marks ---- */

/* Of the flow in the table; a new one gets it from the packet's context. Return: 0 */
__noinline int filter_flow_mark(__u32 mark)
{
	struct shunt_cpu *cpu = shunt_this_cpu();
	struct conntrack_flow *flow = NULL;
	__u32 slot;

	if (!flows || !cpu || !cpu->pkt.flow)
		return 0;
	slot = cpu->pkt.flow - 1;
	if (cpu->pkt.l3 == 4)
		flow = bpf_map_lookup_elem(&ct_flows4, &slot);
	else if (cpu->pkt.l3 == 6)
		flow = bpf_map_lookup_elem(&ct_flows6, &slot);
	if (flow && flow->mark != mark)
		flow->mark = mark;
	return 0;
}

static __always_inline void filter_mark(struct shunt_packet *pkt, const struct filter_stmt *stmt)
{
	__u32 mark = stmt->per & FILTER_MARK_FROM_CT ? pkt->ct_mark : pkt->mark;

	mark = (mark & stmt->mask) ^ stmt->value;
	if (!(stmt->per & FILTER_MARK_TO_CT)) {
		pkt->mark = mark;
		return;
	}
	pkt->ct_mark = mark;
	if (!trial)
		filter_flow_mark(mark);
}

/* As in Linux, a packet that has been looked up stays in its zone */
static __always_inline void filter_flow_zone(struct shunt_packet *pkt, __u16 zone)
{
	if (pkt->ct_state != SHUNT_CT_NONE)
		return;
	pkt->ct_zone = zone;
	pkt->ct_flags |= SHUNT_CT_ZONED;
}

/* Statements that only leave a word for the nodes behind */
static __always_inline void filter_flow_note(struct shunt_packet *pkt,
					     const struct filter_stmt *stmt)
{
	switch (stmt->kind) {
	case FILTER_STMT_REJECT:
		pkt->reject = stmt->value;
		break;
	case FILTER_STMT_POLICY:
		pkt->ct_policy = stmt->index;
		break;
	case FILTER_STMT_ZONE:
		filter_flow_zone(pkt, stmt->value);
		break;
	case FILTER_STMT_SNAT:
		pkt->snat = stmt->value;
		break;
	case FILTER_STMT_DNAT:
		pkt->dnat = stmt->value;
		break;
	case FILTER_STMT_NOTRACK:
		pkt->ct_state = SHUNT_CT_UNTRACKED;
		pkt->ct_flags = 0;
		pkt->flow = 0;
		break;
	}
}

#endif
