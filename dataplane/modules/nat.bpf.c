// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * nat.bpf.c - give packets of translated flows their other addresses and ports
 * reads: what module 'conntrack' found, pkt->snat, pkt->dnat   tables: ct_*, nat_*
 * cost: of a translated packet a lookup and its writes; of a new flow two insertions
 *
 * DOC: It also does what 'commit' does. An entry of the flow table says both pairs of ends: its
 * key is that of the first packet as it came (originator, target), nat_addr and nat_port
 * are the same ends outside. A packet of the originator gets the latter; a reply comes from
 * the ends outside, and gets those of the key. A packet that has them already stays as it is.
 *
 * RFC 5508: an ICMP error is changed in what it quotes, and in its own addresses: it
 * goes to who sent the quoted packet, and who is behind a translation does not show.
 */
#include <shunt/module.h>
#include <shunt/lib/conntrack_quote.h>
#include <shunt/lib/nat_begin.h>

SHUNT_MODULE("nat", SHUNT_HOOK_ANY, SHUNT_DEPTH_L4, "other addresses and ports for packets");
SHUNT_EDGE(next);
SHUNT_EDGE(exhausted, SHUNT_FAIL_CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_EXHAUSTED);
SHUNT_EDGE(refused, SHUNT_FAIL_CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_NO_FLOW);
SHUNT_EDGE(limited, SHUNT_FAIL_CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_CT_LIMIT);

/* An address of IPv4 from the entry's four bytes */
static __always_inline void nat_mapped(struct shunt_addr *addr, __be32 v4)
{
	addr->word[0] = 0;
	addr->word[1] = 0;
	addr->word[2] = bpf_htonl(0xffff);
	addr->word[3] = v4;
}

/*
 * Ends for a packet in the originator's direction. @outside: as they are there, else as in the key
 * Return: 0; -EINVAL: no such entry
 */
static __always_inline int nat_ends_of(const bool six, __u32 slot, bool outside,
				       struct rewrite *to)
{
	struct conntrack_flow4 *flow4;
	struct conntrack_flow6 *flow6;
	bool second;

	if (six) {
		flow6 = conntrack_entry6(slot);
		if (!flow6)
			return -EINVAL;
		second = conntrack_life_flags(conntrack_read(&flow6->flow.life)) & CONNTRACK_SECOND;
		to->saddr = outside ? flow6->nat_addr[0] :
			    second ? flow6->key.addr[1] : flow6->key.addr[0];
		to->daddr = outside ? flow6->nat_addr[1] :
			    second ? flow6->key.addr[0] : flow6->key.addr[1];
		to->sport = outside ? flow6->nat_port[0] :
			    second ? flow6->key.port[1] : flow6->key.port[0];
		to->dport = outside ? flow6->nat_port[1] :
			    second ? flow6->key.port[0] : flow6->key.port[1];
		to->flags = flow6->key.kind & CONNTRACK_KIND_BITS ? REWRITE_ID :
			    nat_has_ports(flow6->key.proto) ? REWRITE_PORTS : 0;
	} else {
		flow4 = conntrack_entry4(slot);
		if (!flow4)
			return -EINVAL;
		second = conntrack_life_flags(conntrack_read(&flow4->flow.life)) & CONNTRACK_SECOND;
		nat_mapped(&to->saddr, outside ? flow4->nat_addr[0] :
			   second ? flow4->key.addr[1] : flow4->key.addr[0]);
		nat_mapped(&to->daddr, outside ? flow4->nat_addr[1] :
			   second ? flow4->key.addr[0] : flow4->key.addr[1]);
		to->sport = outside ? flow4->nat_port[0] :
			    second ? flow4->key.port[1] : flow4->key.port[0];
		to->dport = outside ? flow4->nat_port[1] :
			    second ? flow4->key.port[0] : flow4->key.port[1];
		to->flags = flow4->key.kind & CONNTRACK_KIND_BITS ? REWRITE_ID :
			    nat_has_ports(flow4->key.proto) ? REWRITE_PORTS : 0;
	}
	to->more = 0;
	return 0;
}

static __always_inline void nat_turn(struct rewrite *to)
{
	struct shunt_addr addr = to->saddr;
	__be16 port = to->sport;

	to->saddr = to->daddr;
	to->daddr = addr;
	to->sport = to->dport;
	to->dport = port;
}

static __always_inline bool nat_flow_has(const bool six, __u32 slot, __u32 flag)
{
	struct conntrack_flow *flow = conntrack_entry(six, slot);

	return flow && conntrack_life_flags(conntrack_read(&flow->life)) & flag;
}

/*
 * An error against the originator's direction quotes what the originator sent, as it is outside; it
 * gets what the originator knows. Else the other way round. 'to' is that of the quoted packet.
 */
static __always_inline int nat_error(const bool six, shunt_ctx *ctx, const struct shunt_packet *pkt,
				     struct nat_room *room)
{
	bool back = pkt->ct_flags & SHUNT_CT_REPLY;
	struct rewrite *to = &room->to;

	if (!back)
		nat_turn(to);
	if (rewrite_quoted(ctx, to) < 0)
		return -1;
	nat_turn(to);			/* the error goes to who sent it */
	to->flags = 0;
	if (!nat_flow_has(six, pkt->flow - 1, back ? CONNTRACK_DNAT : CONNTRACK_SNAT))
		to->saddr = pkt->saddr;
	return rewrite_packet(ctx, to);
}

static __always_inline int nat_translate(const bool six, shunt_ctx *ctx)
{
	struct nat_room *room = nat_room_here();
	struct shunt_cpu *cpu = shunt_this_cpu();
	bool reply;

	if (!room || !cpu)
		return -EINVAL;
	reply = cpu->pkt.ct_flags & SHUNT_CT_REPLY;
	if (nat_ends_of(six, cpu->pkt.flow - 1, !reply, &room->to) < 0)
		return -EINVAL;
	if (cpu->pkt.ct_flags & SHUNT_CT_QUOTED)
		return nat_error(six, ctx, &cpu->pkt, room);
	if (reply)
		nat_turn(&room->to);
	return rewrite_packet(ctx, &room->to);
}

__noinline int nat_translate4(shunt_ctx *ctx)
{
	return nat_translate(false, ctx);
}

__noinline int nat_translate6(shunt_ctx *ctx)
{
	return nat_translate(true, ctx);
}

static __always_inline int nat_commit(const bool six, shunt_ctx *ctx)
{
	struct nat_room *room = nat_room_here();
	struct conntrack_conf *conf = conntrack_conf();
	struct shunt_cpu *cpu = shunt_this_cpu();

	return room && conf && cpu ? nat_begin(six, ctx, &cpu->pkt, conf, room) : -EINVAL;
}

__noinline int nat_commit4(shunt_ctx *ctx)
{
	return nat_commit(false, ctx);
}

__noinline int nat_commit6(shunt_ctx *ctx)
{
	return nat_commit(true, ctx);
}

/* No room for a new flow. What was to be translated or counted never goes on as it is */
static __always_inline int nat_refuse(struct shunt_packet *pkt, int r)
{
	struct conntrack_conf *conf = conntrack_conf();

	if (r == -EINVAL)
		return SHUNT_GO(refused);
	if (r == -EDQUOT) {
		conntrack_stat(CONNTRACK_STAT_LIMITED);
		return SHUNT_GO(limited);
	}
	conntrack_stat(r == -EAGAIN ? CONNTRACK_STAT_BUSY : CONNTRACK_STAT_FULL);
	if (!conf || !(conf->flags & CONNTRACK_STATELESS) || pkt->snat || pkt->dnat ||
	    pkt->ct_limit[0])
		return SHUNT_GO(refused);
	pkt->ct_state = SHUNT_CT_UNTRACKED;
	return SHUNT_GO(next);
}

SHUNT_NODE(ctx, pkt)
{
	int r = 0;

	if (pkt->ct_state == SHUNT_CT_NEW && !pkt->flow && pkt->l3) {
		r = pkt->l3 == 4 ? nat_commit4(ctx) : nat_commit6(ctx);
		if (r == -EADDRNOTAVAIL) {
			conntrack_stat(CONNTRACK_STAT_EXHAUSTED);
			return SHUNT_GO(exhausted);
		}
		if (r)
			return nat_refuse(pkt, r);
	}
	if (!(pkt->ct_flags & SHUNT_CT_NAT) || !pkt->flow)
		return SHUNT_GO(next);
	if (pkt->ext_headers & SHUNT_EXT_RT)	/* its checksum would not hold: lib/rewrite.h */
		return SHUNT_GO(refused);
	r = pkt->l3 == 4 ? nat_translate4(ctx) : nat_translate6(ctx);
	return r < 0 ? SHUNT_DROP(SHUNT_REASON_INTERNAL) : SHUNT_GO(next);
}
