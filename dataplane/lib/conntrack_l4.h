/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* conntrack_l4.h - what tells a packet's flow: ports or ICMP id, and the key of these */
#ifndef SHUNT_LIB_CONNTRACK_L4_H
#define SHUNT_LIB_CONNTRACK_L4_H

#include <shunt/lib/conntrack_table.h>
#include <shunt/lib/parse.h>

enum conntrack_class {
	CONNTRACK_CLASS_FLOW,	/* has a key */
	CONNTRACK_CLASS_ERROR,	/* ICMP error: that of the packet which it quotes */
	CONNTRACK_CLASS_FREE,	/* not to be tracked: neighbour discovery and the like */
	CONNTRACK_CLASS_BAD,
};

struct conntrack_l4 {
	__be16	sport, dport;
	__u8	proto;
	__u8	kind;		/* CONNTRACK_KIND_*; SECOND: an answer */
	__u8	chunk;		/* type of the first one: SCTP */
	__u8	pad;
};

/* The same as one number: what a function of its own takes or gives */
union conntrack_l4_word {
	struct conntrack_l4 l4;		/* 'pad' is the class, where one is given */
	__u64	word;
};

#define ICMP4_UNREACH		3
#define ICMP4_QUENCH		4
#define ICMP4_TIME_EXCEEDED	11
#define ICMP4_PARAMETER		12
#define ICMP6_ERRORS_END	4	/* 1 to 4 are those that there are */

/* ICMP types of a query and its answer. Return: conntrack_l4.kind; 0: neither */
static __always_inline __u8 conntrack_query(__u32 l3, __u8 type)
{
	if (l3 == 6)
		return type == 128 ? CONNTRACK_KIND_ECHO :
		       type == 129 ? CONNTRACK_KIND_ECHO | CONNTRACK_KIND_SECOND : 0;
	switch (type) {
	case 8:
		return CONNTRACK_KIND_ECHO;
	case 0:
		return CONNTRACK_KIND_ECHO | CONNTRACK_KIND_SECOND;
	case 13:
		return CONNTRACK_KIND_TIME;
	case 14:
		return CONNTRACK_KIND_TIME | CONNTRACK_KIND_SECOND;
	case 17:
		return CONNTRACK_KIND_MASK;
	case 18:
		return CONNTRACK_KIND_MASK | CONNTRACK_KIND_SECOND;
	default:
		return 0;
	}
}

static __always_inline bool conntrack_is_icmp(__u32 l3, __u8 proto)
{
	return proto == (l3 == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

/* RFC 4861, RFC 2710, RFC 3810: on the link, to groups: no flow */
static __always_inline bool conntrack_icmp6_is_free(__u8 type)
{
	return (type >= 130 && type <= 137) || type == 143;
}

static __always_inline bool conntrack_icmp_is_error(__u32 l3, __u8 type)
{
	if (l3 == 6)
		return type >= 1 && type <= ICMP6_ERRORS_END;
	return type == ICMP4_UNREACH || type == ICMP4_QUENCH || type == ICMP4_TIME_EXCEEDED ||
	       type == ICMP4_PARAMETER;
}

static __always_inline enum conntrack_class
conntrack_l4_icmp(shunt_ctx *ctx, const struct shunt_packet *pkt, struct conntrack_l4 *l4)
{
	struct shunt_icmp_hdr buf, *icmp;

	if (conntrack_icmp_is_error(pkt->l3, pkt->icmp_type))
		return CONNTRACK_CLASS_ERROR;
	if (pkt->l3 == 6 && conntrack_icmp6_is_free(pkt->icmp_type))
		return CONNTRACK_CLASS_FREE;
	l4->kind = conntrack_query(pkt->l3, pkt->icmp_type);
	icmp = shunt_header(ctx, pkt->l4_off, sizeof(*icmp), &buf);
	if (!l4->kind || !icmp)
		return CONNTRACK_CLASS_BAD;
	l4->sport = l4->dport = icmp->rest;	/* id: its first half */
	return CONNTRACK_CLASS_FLOW;
}

static __always_inline enum conntrack_class
conntrack_l4_sctp(shunt_ctx *ctx, const struct shunt_packet *pkt, struct conntrack_l4 *l4)
{
	__u8 buf, *chunk;

	chunk = pkt->l4_len <= sizeof(struct shunt_sctp_hdr) ? NULL :
		shunt_header(ctx, pkt->l4_off + sizeof(struct shunt_sctp_hdr), 1, &buf);
	if (!chunk)
		return CONNTRACK_CLASS_BAD;
	l4->chunk = *chunk;
	return CONNTRACK_CLASS_FLOW;
}

/**
 * conntrack_l4() - Of a packet with an L4 header, or of a protocol that has none
 * @l4:	Zero
 */
static __always_inline enum conntrack_class
conntrack_l4(shunt_ctx *ctx, const struct shunt_packet *pkt, struct conntrack_l4 *l4)
{
	l4->proto = pkt->proto;
	l4->sport = pkt->sport;
	l4->dport = pkt->dport;
	if (pkt->proto == IPPROTO_TCP || pkt->proto == IPPROTO_UDP)
		return CONNTRACK_CLASS_FLOW;
	if (conntrack_is_icmp(pkt->l3, pkt->proto))
		return conntrack_l4_icmp(ctx, pkt, l4);
	if (pkt->proto == IPPROTO_SCTP)
		return conntrack_l4_sctp(ctx, pkt, l4);
	return CONNTRACK_CLASS_FLOW;
}

/* State of the flow that a packet may begin; NONE: it may not */
static __always_inline __u32 conntrack_begins(const struct shunt_packet *pkt,
					      const struct conntrack_l4 *l4, __u32 conf_flags)
{
	if (pkt->frag == SHUNT_FRAG_LATER)
		return CONNTRACK_NONE;
	if (l4->proto == IPPROTO_TCP)
		return conntrack_tcp_begin(pkt->tcp_flags, conf_flags & CONNTRACK_PICKUP);
	if (l4->proto == IPPROTO_UDP)
		return CONNTRACK_UDP_UNREPLIED;
	if (l4->kind)
		return l4->kind & CONNTRACK_KIND_SECOND ? CONNTRACK_NONE : CONNTRACK_ICMP;
	if (l4->proto == IPPROTO_SCTP)
		return l4->chunk == CONNTRACK_CHUNK_INIT ? CONNTRACK_SCTP_OPENING : CONNTRACK_NONE;
	return CONNTRACK_OTHER_UNREPLIED;
}

/* ---- keys ---- */

/* Kind in a key: who asks is part of it */
static __always_inline __u8 conntrack_key_kind(__u8 kind, bool second)
{
	if (second)
		kind ^= kind ? CONNTRACK_KIND_SECOND : 0;
	return kind;
}

static __always_inline bool conntrack_key4(struct conntrack_key4 *key, __be32 saddr, __be32 daddr,
					   const struct conntrack_l4 *l4, __u16 zone)
{
	bool second = conntrack_is_second4(saddr, l4->sport, daddr, l4->dport);

	key->addr[0] = second ? daddr : saddr;
	key->addr[1] = second ? saddr : daddr;
	key->port[0] = second ? l4->dport : l4->sport;
	key->port[1] = second ? l4->sport : l4->dport;
	key->proto = l4->proto;
	key->kind = conntrack_key_kind(l4->kind, second);
	key->zone = zone;
	return second;
}

static __always_inline bool conntrack_key6(struct conntrack_key6 *key,
					   const struct shunt_addr *saddr,
					   const struct shunt_addr *daddr,
					   const struct conntrack_l4 *l4, __u16 zone)
{
	bool second = conntrack_is_second6(saddr, l4->sport, daddr, l4->dport);

	key->addr[0].half[0] = second ? daddr->half[0] : saddr->half[0];
	key->addr[0].half[1] = second ? daddr->half[1] : saddr->half[1];
	key->addr[1].half[0] = second ? saddr->half[0] : daddr->half[0];
	key->addr[1].half[1] = second ? saddr->half[1] : daddr->half[1];
	key->port[0] = second ? l4->dport : l4->sport;
	key->port[1] = second ? l4->sport : l4->dport;
	key->proto = l4->proto;
	key->kind = conntrack_key_kind(l4->kind, second);
	key->zone = zone;
	return second;
}

union conntrack_key {
	struct conntrack_key4 key4;
	struct conntrack_key6 key6;
	__u64	word[5];
};

/* Return: the sender is the key's end 1 */
static __always_inline bool conntrack_key(const bool six, union conntrack_key *key,
					  const struct shunt_addr *saddr,
					  const struct shunt_addr *daddr,
					  const struct conntrack_l4 *l4, __u16 zone)
{
	return six ? conntrack_key6(&key->key6, saddr, daddr, l4, zone) :
		     conntrack_key4(&key->key4, saddr->v4, daddr->v4, l4, zone);
}

#endif
