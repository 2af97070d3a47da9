/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * nat_pick.h - which address and port a new flow gets
 *
 * DOC: Addresses are picked by a hash with the flow table's secret, so that a source (and, without
 * 'persistent', a target) always gets the same one. A port stays as it is where it may and
 * is free; else it is searched for from a place that the hash gives. What is free is
 * the flow table's to say: the key of the replies is inserted before the flow is.
 *
 * A flow is built in a room of this CPU: a call chain's stack is short.
 */
#ifndef SHUNT_LIB_NAT_PICK_H
#define SHUNT_LIB_NAT_PICK_H

#include <shunt/lib/conntrack_begin.h>
#include <shunt/lib/nat.h>
#include <shunt/lib/rewrite.h>

SHUNT_TABLE(nat_rules, ARRAY, __u32, struct nat_rule, NAT_RULES);
SHUNT_TABLE(nat_addrs, HASH, __u32, struct nat_addrs, NAT_LINKS);

struct nat_room {
	union conntrack_key key, peer_key;	/* of the flow, of its replies */
	struct conntrack_spot spot, peer;
	struct rewrite to;			/* the ends outside */
	struct conntrack_l4 l4;			/* of the packet */
	struct conntrack_l4 outside;
	__u32	state;
	__u32	hash;
	__u16	first, last;			/* ports that the source may get, host order */
	__u8	pool;				/* only addresses can be tried: ports stay */
	__u8	ranged;				/* a rule says first and last */
	__u8	pad[2];
};

SHUNT_TABLE(nat_room, PERCPU_ARRAY, __u32, struct nat_room, 1);

static __always_inline struct nat_room *nat_room_here(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&nat_room, &zero);
}

static __always_inline __u64 nat_hash(const struct shunt_addr *addr, __u64 seed0, __u64 seed1)
{
	return conntrack_hash_end(conntrack_hash_pair(addr->word[0], addr->word[1], seed0) +
				  conntrack_hash_pair(addr->word[2], addr->word[3], seed1));
}

/* ---- addresses ---- */

/* The one @at / 2^32 into the range, and @more behind. Return: false: there are not so many */
static __always_inline bool nat_pick_range(const struct nat_rule *rule, __u32 at, __u32 more,
					   struct shunt_addr *addr)
{
	__u64 first = bpf_be64_to_cpu(rule->first.half[1]);
	__u64 n = (__u32)(bpf_be64_to_cpu(rule->last.half[1]) - first) + 1ULL;
	__u64 offset = (at * n >> 32) + more;

	if (more >= n)
		return false;
	addr->half[0] = rule->first.half[0];
	addr->half[1] = bpf_cpu_to_be64(first + (offset >= n ? offset - n : offset));
	return true;
}

/* RFC 6296 3.4, 3.5: the word that makes up for the prefix. Return: false: there is none */
static __always_inline bool nat_neutral(struct shunt_addr *addr, __u32 len, __u32 diff)
{
	__u16 *word = (__u16 *)addr, fix = shunt_sum_fold(diff);
	int i;

	if (len > 48 && !addr->half[1])
		return false;
#pragma unroll
	for (i = 3; i < 8; i++) {
		if ((i == 3) != (len <= 48) || word[i] == 0xffff)
			continue;
		word[i] = ~shunt_sum_fold((__u32)word[i] + fix);
		if (word[i] == 0xffff)
			word[i] = 0;
		return true;
	}
	return false;
}

static __always_inline bool nat_pick_prefix(const bool six, const struct nat_rule *rule,
					    struct shunt_addr *addr)
{
	struct shunt_addr was = *addr;
	__u32 len = rule->len + (six ? 0 : 96), i;
	__u32 diff;

#pragma unroll
	for (i = 0; i < 4; i++) {
		__u32 bits = len <= i * 32 ? 0 : len - i * 32;
		__be32 mask = bits >= 32 ? ~0U : bpf_htonl(~(__u32)(0xffffffffULL >> bits));

		addr->word[i] = (rule->first.word[i] & mask) | (was.word[i] & ~mask);
	}
	if (!six)
		return true;
	diff = bpf_csum_diff((void *)&was, sizeof(was), (void *)addr, sizeof(*addr), 0);
	return nat_neutral(addr, len, diff);
}

/* Return: false: the interface has none */
static __always_inline bool nat_pick_own(const bool six, __u32 ifindex, struct shunt_addr *addr)
{
	struct nat_addrs *addrs = bpf_map_lookup_elem(&nat_addrs, &ifindex);

	if (!addrs)
		return false;
	*addr = six ? addrs->addr6 : addrs->addr4;
	return addr->half[1];
}

/* @addr: as the packet has it; becomes what the rule says. Return: 0; -EADDRNOTAVAIL; -EINVAL */
static __always_inline int nat_pick(const bool six, const struct shunt_packet *pkt,
				    const struct conntrack_conf *conf, const struct nat_rule *rule,
				    struct nat_room *room, struct shunt_addr *addr)
{
	__u64 hash;

	if (rule->l3 && rule->l3 != (six ? 6 : 4))
		return -EINVAL;
	switch (rule->kind) {
	case NAT_RANGE:
		hash = nat_hash(&pkt->saddr, conf->seed[0], conf->seed[1]);
		if (!(rule->flags & NAT_PERSISTENT))
			hash += nat_hash(&pkt->daddr, conf->seed[1], conf->seed[0]);
		room->hash = hash;
		return nat_pick_range(rule, hash, 0, addr) ? 0 : -EINVAL;
	case NAT_PREFIX:
		return nat_pick_prefix(six, rule, addr) ? 0 : -EADDRNOTAVAIL;
	case NAT_MASQUERADE:
		return nat_pick_own(six, pkt->ifindex, addr) ? 0 : -EADDRNOTAVAIL;
	default:
		return -EINVAL;
	}
}

/* ---- ports ---- */

static __always_inline bool nat_has_ports(__u8 proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP;
}

/* Privileged ports stay privileged: their meaning to the other end is that */
static __always_inline void nat_port_class(struct nat_room *room, const struct nat_rule *rule)
{
	__u32 port = bpf_ntohs(room->l4.sport);

	room->ranged = rule && rule->flags & NAT_PORTS;
	if (room->ranged) {
		room->first = rule->port_first;
		room->last = rule->port_last;
	} else if (room->l4.kind) {		/* ids have no classes */
		room->first = 0;
		room->last = 65535;
	} else if (port < 1024) {
		room->first = port < 512 ? 1 : 600;
		room->last = port < 512 ? 511 : 1023;
	} else {
		room->first = 1024;
		room->last = 65535;
	}
}

/* Nobody asks for another one, but where it is taken */
static __always_inline bool nat_port_may_stay(const struct nat_room *room)
{
	__u32 port = bpf_ntohs(room->l4.sport);

	return !room->ranged || (port >= room->first && port <= room->last);
}

/* The port of try @i */
static __always_inline __be16 nat_port(const struct nat_room *room, __u32 i)
{
	__u32 port = bpf_ntohs(room->l4.sport), n = (__u16)(room->last - room->first) + 1;

	if (!i && nat_port_may_stay(room))
		return room->l4.sport;
	return bpf_htons(room->first + ((room->hash >> 8) + port + i) % n);
}

/* A target's port: as it is if it may, else by hash */
static __always_inline __be16 nat_target_port(const struct nat_room *room,
					      const struct nat_rule *rule)
{
	__u32 port = bpf_ntohs(room->l4.dport);
	__u32 n = (__u16)(rule->port_last - rule->port_first) + 1;

	if (!(rule->flags & NAT_PORTS) || (port >= rule->port_first && port <= rule->port_last))
		return room->l4.dport;
	return bpf_htons(rule->port_first + (room->hash >> 8) % n);
}

/* ---- the key of the replies ---- */

static __always_inline void nat_peer_fill(const bool six, const struct nat_room *room)
{
	struct conntrack_flow4 *flow4;
	struct conntrack_flow6 *flow6;

	if (six) {
		flow6 = conntrack_entry6(room->peer.slot);
		if (!flow6)
			return;
		__builtin_memset(&flow6->flow.mark, 0, sizeof(*flow6) - sizeof(__u64));
		flow6->key = room->peer_key.key6;
	} else {
		flow4 = conntrack_entry4(room->peer.slot);
		if (!flow4)
			return;
		__builtin_memset(&flow4->flow.mark, 0, sizeof(*flow4) - sizeof(__u64));
		flow4->key = room->peer_key.key4;
	}
}

static __always_inline bool nat_same_key(const bool six, const struct nat_room *room)
{
	const __u64 *a = room->key.word, *b = room->peer_key.word;

	return a[0] == b[0] && a[1] == b[1] &&
	       (!six || (a[2] == b[2] && a[3] == b[3] && a[4] == b[4]));
}

#define NAT_PEER_LIFE_S	5	/* of a replies' key whose flow is not there yet */

/* Try @i. Return: 0: room->peer is ours; -EEXIST: it is somebody's; else as conntrack_claim4() */
static __always_inline int nat_try_as(const bool six, struct nat_room *room, __u32 zone,
				      const struct nat_rule *rule, __u32 i)
{
	struct conntrack_conf *conf = conntrack_conf();
	__u32 flags;
	__u64 life;
	int r;

	if (!conf)
		return -ENOSPC;
	if (room->pool && i) {
		if (!rule || rule->kind != NAT_RANGE ||
		    !nat_pick_range(rule, room->hash, i, &room->to.saddr))
			return -EADDRNOTAVAIL;
	} else if (!room->pool) {
		room->to.sport = nat_port(room, i);
		if (room->l4.kind)
			room->to.dport = room->to.sport;
	}
	room->outside.sport = room->to.sport;
	room->outside.dport = room->to.dport;
	flags = CONNTRACK_PEER;
	if (conntrack_key(six, &room->peer_key, &room->to.saddr, &room->to.daddr, &room->outside,
			  zone))
		flags |= CONNTRACK_SECOND;
	if (nat_same_key(six, room))
		return -EEXIST;
	room->peer.hash = conntrack_hash(six, &room->peer_key, conf);
	r = six ? conntrack_claim6(&room->peer_key.key6, &room->peer) :
		  conntrack_claim4(&room->peer_key.key4, &room->peer);
	if (r)
		return r;
	nat_peer_fill(six, room);
	life = conntrack_life(0, conntrack_now() + NAT_PEER_LIFE_S * conf->second, room->state,
			      flags);
	return six ? conntrack_publish6(&room->peer_key.key6, &room->peer, life) :
		     conntrack_publish4(&room->peer_key.key4, &room->peer, life);
}

static __always_inline const struct nat_rule *nat_rule_at(__u32 number)
{
	__u32 key = number - 1;

	return number ? bpf_map_lookup_elem(&nat_rules, &key) : NULL;
}

static __always_inline int nat_try_here(const bool six, __u32 i)
{
	struct shunt_cpu *cpu = shunt_this_cpu();
	struct nat_room *room = nat_room_here();

	if (!cpu || !room)
		return -EINVAL;
	return nat_try_as(six, room, cpu->pkt.ct_zone, nat_rule_at(cpu->pkt.snat), i);
}

__noinline int nat_try4(__u32 i)
{
	return nat_try_here(false, i);
}

__noinline int nat_try6(__u32 i)
{
	return nat_try_here(true, i);
}

#endif
