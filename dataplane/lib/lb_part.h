/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * lb_part.h - packets that do not say which flow they are of: ICMP errors, fragments
 *
 * DOC: An error goes where the flow goes that it quotes: what a backend sent has the service as
 * its source and the client as its destination, so ends are exchanged. 8 bytes of L4 are enough
 * (RFC 792). A first fragment notes where it goes, later ones of the same datagram follow it. One
 * that comes before its first, or later than a minute, is not believed to be anybody's.
 */
#ifndef SHUNT_LIB_LB_PART_H
#define SHUNT_LIB_LB_PART_H

#include <shunt/lib/conntrack_chain.h>
#include <shunt/lib/lb_choose.h>

#define LB_QUOTED_L4	8

/* A packet's service, what lb_choose() says, bits of its flow's hash: one word. 0: no service */
#define LB_PICK(found, chose, hash) \
	((__u64)(__u32)(hash) << 40 | (__u64)((found) & 0xffff) << 20 | ((chose) & 0xfffff))
#define LB_PICK_FOUND(pick)	((__u32)((pick) >> 20) & 0xffff)
#define LB_PICK_CHOSE(pick)	((__u32)(pick) & 0xfffff)
#define LB_PICK_HASH(pick)	((__u32)((pick) >> 40))
#define LB_CHOSE_LOST		0x40000	/* a later fragment whose first was not seen */

struct lb_ends {
	struct shunt_addr client, service;
	__be16	cport, sport;
	__u32	proto;
};

/* ---- ICMP errors ---- */

static __always_inline bool lb_is_error(const struct shunt_packet *pkt)
{
	if (pkt->l3 == 4)
		return pkt->proto == IPPROTO_ICMP && (pkt->icmp_type == 3 || pkt->icmp_type == 4 ||
						      pkt->icmp_type == 11 || pkt->icmp_type == 12);
	return pkt->proto == IPPROTO_ICMPV6 && pkt->icmp_type >= 1 && pkt->icmp_type <= 4;
}

/* Ports, from the L4 header at @off */
static __always_inline int lb_quote_l4(shunt_ctx *ctx, __u32 off, __u32 end, struct lb_ends *ends)
{
	__be16 buf[LB_QUOTED_L4 / 2], *l4;

	if (off + LB_QUOTED_L4 > end)
		return -EINVAL;
	l4 = shunt_header(ctx, off, sizeof(buf), buf);
	if (!l4)
		return -EINVAL;
	if (ends->proto == IPPROTO_TCP || ends->proto == IPPROTO_UDP ||
	    ends->proto == IPPROTO_SCTP) {
		ends->sport = l4[0];
		ends->cport = l4[1];
	}
	return 0;
}

static __always_inline int lb_quote4(shunt_ctx *ctx, __u32 off, __u32 end, struct lb_ends *ends)
{
	struct iphdr buf, *ip;

	ip = off + sizeof(*ip) > end ? NULL : shunt_header(ctx, off, sizeof(*ip), &buf);
	if (!ip || ip->version != 4 || ip->ihl < sizeof(*ip) / 4 ||
	    ip->frag_off & bpf_htons(0x1fff))
		return -EINVAL;
	ends->proto = ip->protocol;
	ends->service.v4_prefix[2] = ends->client.v4_prefix[2] = bpf_htonl(0xffff);
	ends->service.v4 = ip->saddr;
	ends->client.v4 = ip->daddr;
	return lb_quote_l4(ctx, off + ip->ihl * 4, end, ends);
}

static __always_inline int lb_quote6(shunt_ctx *ctx, __u32 off, __u32 end, struct lb_ends *ends)
{
	struct ipv6hdr buf, *ip6;
	struct conntrack_chain chain = {};

	ip6 = off + sizeof(*ip6) > end ? NULL : shunt_header(ctx, off, sizeof(*ip6), &buf);
	if (!ip6 || ip6->version != 6)
		return -EINVAL;
	__builtin_memcpy(&ends->service, &ip6->saddr, sizeof(ends->service));
	__builtin_memcpy(&ends->client, &ip6->daddr, sizeof(ends->client));
	chain.off = off + sizeof(*ip6);
	chain.end = end;
	chain.proto = ip6->nexthdr;
	if (conntrack_chain_walk(ctx, &chain) < 0 || chain.frag_off & IP6_FRAG_MASK)
		return -EINVAL;
	ends->proto = chain.proto;
	return lb_quote_l4(ctx, chain.off, end, ends);
}

/* Return: LB_PICK() of the flow that the error under way quotes; 0: none of a service's */
__noinline __u64 lb_quote(shunt_ctx *ctx)
{
	struct shunt_cpu *cpu = shunt_this_cpu();
	const struct lb_service *service;
	struct lb_ends ends = {};
	__u32 off, end, found, ports;
	__u64 hash, slot_hash;
	__u32 l3;

	if (!cpu)
		return 0;
	l3 = cpu->pkt.l3;
	off = cpu->pkt.l4_off + sizeof(struct shunt_icmp_hdr);
	end = cpu->pkt.l4_off + cpu->pkt.l4_len;
	if ((l3 == 4 ? lb_quote4(ctx, off, end, &ends) : lb_quote6(ctx, off, end, &ends)) < 0)
		return 0;
	if (ends.service.half[0] != cpu->pkt.daddr.half[0] ||
	    ends.service.half[1] != cpu->pkt.daddr.half[1])
		return 0;
	found = lb_find(&ends.service, ends.sport, ends.proto);
	service = found ? lb_service_of(found) : NULL;
	if (!service)
		return 0;
	ports = lb_hash_ports(ends.cport, ends.sport);
	hash = lb_hash(l3, &ends.client, &ends.service, ports, ends.proto, service->seed);
	slot_hash = hash;
	if (service->hash == LB_HASH_SOURCE ||
	    (service->flags & LB_PER_PACKET && ends.proto == IPPROTO_UDP))
		slot_hash = lb_hash(l3, &ends.client, &ends.service, 0, 0, service->seed);
	return LB_PICK(found, lb_choose(service, hash, slot_hash,
					LB_HOW_ASKS | (ends.proto == IPPROTO_UDP ? LB_HOW_UDP : 0)),
		       hash);
}

/* ---- fragments ---- */

static __always_inline int lb_frag_key_of(shunt_ctx *ctx, const struct shunt_packet *pkt,
					  struct lb_frag_key *key)
{
	struct conntrack_chain chain = {};
	struct ipv6hdr buf6, *ip6;
	__be16 buf, *id;

	key->saddr = pkt->saddr;
	key->daddr = pkt->daddr;
	key->node = lb_node;
	key->l3 = pkt->l3;
	if (pkt->l3 == 4) {
		id = shunt_header(ctx, pkt->l3_off + offsetof(struct iphdr, id), sizeof(buf), &buf);
		if (!id)
			return -EINVAL;
		key->id = *id;
		key->proto = pkt->proto;
		return 0;
	}
	ip6 = shunt_header(ctx, pkt->l3_off, sizeof(*ip6), &buf6);
	if (!ip6)
		return -EINVAL;
	chain.off = pkt->l3_off + sizeof(*ip6);
	chain.end = pkt->l4_off + pkt->l4_len;
	chain.proto = ip6->nexthdr;
	if (conntrack_chain_walk(ctx, &chain) < 0 || !chain.frag_at)
		return -EINVAL;
	key->id = chain.frag_id;
	return 0;
}

/* Return: LB_PICK() of the later fragment under way; 0: it may be of no service */
__noinline __u64 lb_frag_find(shunt_ctx *ctx)
{
	struct shunt_cpu *cpu = shunt_this_cpu();
	struct lb_frag_key key = {};
	struct lb_frag *frag = NULL;
	__u32 found;

	if (!cpu)
		return 0;
	if (lb_frag_key_of(ctx, &cpu->pkt, &key) == 0)
		frag = bpf_map_lookup_elem(&lb_frags, &key);
	if (frag && (__u16)(lb_tick() + 1 - frag->tick) <= LB_FRAG_TICKS + 1)
		return LB_PICK(frag->service, frag->backend, key.id);
	found = lb_find(&cpu->pkt.daddr, 0, cpu->pkt.proto);
	return found ? LB_PICK(found, LB_CHOSE_LOST, 0) : 0;
}

/* Where the first fragment under way goes. Return: 0; the compiler keeps it apart then */
__noinline int lb_frag_note(shunt_ctx *ctx, __u32 found, __u32 backend)
{
	struct shunt_cpu *cpu = shunt_this_cpu();
	struct lb_frag frag = { .service = found, .backend = backend, .tick = lb_tick() };
	struct lb_frag_key key = {};

	if (cpu && lb_frag_key_of(ctx, &cpu->pkt, &key) == 0)
		bpf_map_update_elem(&lb_frags, &key, &frag, BPF_ANY);
	return 0;
}

#endif
