/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * conntrack_frag.h - ports of the fragments that do not have them
 *
 * DOC: The first fragment of a datagram leaves its ports, and every one marks the bytes that
 * it has. Two that have the same bytes are how a datagram is made that looks
 * otherwise to us than to its receiver (RFC 5722, RFC 1858): from then on none of that
 * datagram is believed. A later fragment that comes before the first is not, either: its sender
 * does it all again.
 */
#ifndef SHUNT_LIB_CONNTRACK_FRAG_H
#define SHUNT_LIB_CONNTRACK_FRAG_H

#include <shunt/lib/conntrack_chain.h>
#include <shunt/lib/conntrack_l4.h>

#define CONNTRACK_FRAG_LIFE_S	60	/* RFC 8200 4.5 */
#define CONNTRACK_FRAG_WORDS	128

#define CONNTRACK_FRAG_TABLE(name_)					\
	struct {							\
		__uint(type, BPF_MAP_TYPE_LRU_HASH);			\
		__uint(max_entries, 1);					\
		__type(key, struct conntrack_frag_key);			\
		__type(value, struct conntrack_frags);			\
	} name_ SEC(".maps")

CONNTRACK_FRAG_TABLE(ct_frags4);
CONNTRACK_FRAG_TABLE(ct_frags6);

static const volatile struct conntrack_frags conntrack_no_frags = {};

struct conntrack_piece {	/* of a datagram, in bytes */
	struct conntrack_frag_key key;
	__u32	off;
	__u32	len;
};

static __always_inline int conntrack_piece4(shunt_ctx *ctx, const struct shunt_packet *pkt,
					    struct conntrack_piece *piece)
{
	struct iphdr buf, *ip = shunt_header(ctx, pkt->l3_off, sizeof(*ip), &buf);

	if (!ip)
		return -EINVAL;
	piece->key.id = ip->id;
	piece->key.proto = pkt->proto;
	piece->off = (bpf_ntohs(ip->frag_off) & 0x1fff) * 8;
	piece->len = pkt->l4_len;
	return 0;
}

static __always_inline int conntrack_piece6(shunt_ctx *ctx, const struct shunt_packet *pkt,
					    struct conntrack_piece *piece)
{
	struct ipv6hdr buf, *ip6 = shunt_header(ctx, pkt->l3_off, sizeof(*ip6), &buf);
	struct conntrack_chain chain = {};

	if (!ip6)
		return -EINVAL;
	chain.off = pkt->l3_off + sizeof(*ip6);
	chain.end = pkt->l4_off + pkt->l4_len;
	chain.proto = ip6->nexthdr;
	if (conntrack_chain_walk(ctx, &chain) < 0 || !chain.frag_at)
		return -EINVAL;
	piece->key.id = chain.frag_id;
	piece->off = chain.frag_off & IP6_FRAG_MASK;
	piece->len = chain.end - chain.frag_at;
	return 0;
}

/* Bits of @word, of those from @first to @last */
static __always_inline __u64 conntrack_frag_bits(__u32 word, __u32 first, __u32 last)
{
	__u64 bits = ~0ULL;

	if (word == first / 64)
		bits &= ~0ULL << first % 64;
	if (word == last / 64)
		bits &= ~0ULL >> (63 - last % 64);
	return bits;
}

/* Of one word. Return: 1: some of these bytes were there before. Global: the loop is long */
__noinline int conntrack_frag_mark(struct conntrack_frags *frags, __u64 word, __u32 first,
				   __u32 last)
{
	__u64 bits;

	if (!frags)
		return 1;
	bits = conntrack_frag_bits(word, first, last);
	barrier_var(word);
	if (word >= CONNTRACK_FRAG_WORDS)
		return 1;
	return !!(__sync_fetch_and_or(&frags->seen[word], bits) & bits);
}

static __always_inline int conntrack_frag_overlaps(struct conntrack_frags *frags, __u32 off,
						   __u32 len)
{
	__u32 first = off / 8, last = (off + len - 1) / 8, i;
	int overlaps = 0;

	if (!len)
		return 0;
#pragma clang loop unroll(disable)
	for (i = 0; i < CONNTRACK_FRAG_WORDS && first / 64 + i <= last / 64; i++)
		overlaps |= conntrack_frag_mark(frags, first / 64 + i, first, last);
	return overlaps;
}

static __always_inline struct conntrack_frags *
conntrack_frag_find(const bool six, const struct conntrack_frag_key *key, __u32 now)
{
	struct conntrack_frags *frags;

	frags = six ? bpf_map_lookup_elem(&ct_frags6, key) : bpf_map_lookup_elem(&ct_frags4, key);
	return frags && (__s32)(frags->expires - now) >= 0 ? frags : NULL;
}

/* A datagram's first fragment. Return: NULL: no room */
static __always_inline struct conntrack_frags *
conntrack_frag_new(const bool six, const struct conntrack_frag_key *key,
		   const struct conntrack_l4 *l4, const struct conntrack_conf *conf, __u32 now)
{
	const void *none = (const void *)&conntrack_no_frags;
	struct conntrack_frags *frags;

	if (six) {
		bpf_map_update_elem(&ct_frags6, key, none, BPF_ANY);
		frags = bpf_map_lookup_elem(&ct_frags6, key);
	} else {
		bpf_map_update_elem(&ct_frags4, key, none, BPF_ANY);
		frags = bpf_map_lookup_elem(&ct_frags4, key);
	}
	if (!frags)
		return NULL;
	frags->sport = l4->sport;
	frags->dport = l4->dport;
	frags->proto = l4->proto;
	frags->kind = l4->kind;
	frags->expires = now + CONNTRACK_FRAG_LIFE_S * conf->second;
	return frags;
}

/**
 * conntrack_frag() - As conntrack_l4(), of a fragment
 */
static __always_inline enum conntrack_class
conntrack_frag(const bool six, shunt_ctx *ctx, const struct shunt_packet *pkt, __u16 zone,
	       struct conntrack_l4 *l4)
{
	bool first = pkt->frag == SHUNT_FRAG_FIRST;
	struct conntrack_piece piece = {};
	struct conntrack_conf *conf = conntrack_conf();
	enum conntrack_class class = CONNTRACK_CLASS_FLOW;
	struct conntrack_frags *frags;
	__u32 now = conntrack_now();

	if (!conf || (six ? conntrack_piece6(ctx, pkt, &piece) :
			    conntrack_piece4(ctx, pkt, &piece)) < 0)
		return CONNTRACK_CLASS_BAD;
	piece.key.saddr = pkt->saddr;
	piece.key.daddr = pkt->daddr;
	piece.key.zone = zone;
	piece.key.l3 = six ? 6 : 4;
	if (first)
		class = conntrack_l4(ctx, pkt, l4);
	frags = conntrack_frag_find(six, &piece.key, now);
	if (!frags && first && class == CONNTRACK_CLASS_FLOW)
		frags = conntrack_frag_new(six, &piece.key, l4, conf, now);
	if (!frags) {
		if (!first)
			conntrack_stat(CONNTRACK_STAT_FRAG_UNKNOWN);
		return first ? class : CONNTRACK_CLASS_BAD;
	}
	if (conntrack_frag_overlaps(frags, piece.off, piece.len))
		frags->overlap = 1;
	if (frags->overlap) {
		conntrack_stat(CONNTRACK_STAT_FRAG_OVERLAP);
		return CONNTRACK_CLASS_BAD;
	}
	if (first)
		return class;
	l4->sport = frags->sport;
	l4->dport = frags->dport;
	l4->proto = frags->proto;
	l4->kind = frags->kind;
	return CONNTRACK_CLASS_FLOW;
}

static __always_inline __u64 conntrack_frag_word(const bool six, shunt_ctx *ctx, __u32 zone)
{
	union conntrack_l4_word ret = {};
	struct shunt_cpu *cpu = shunt_this_cpu();
	enum conntrack_class class = CONNTRACK_CLASS_BAD;

	if (cpu)
		class = conntrack_frag(six, ctx, &cpu->pkt, zone, &ret.l4);
	ret.l4.pad = class;
	return ret.word;
}

/* Return: union conntrack_l4_word */
__noinline __u64 conntrack_frag4(shunt_ctx *ctx, __u32 zone)
{
	return conntrack_frag_word(false, ctx, zone);
}

__noinline __u64 conntrack_frag6(shunt_ctx *ctx, __u32 zone)
{
	return conntrack_frag_word(true, ctx, zone);
}

#endif
