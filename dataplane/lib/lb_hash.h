/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * lb_hash.h - the hash of a flow, its slot of a ring, its place in lb_flows: programs and user
 * space alike
 *
 * DOC: All that it takes to do the same elsewhere:
 *
 * Words are 32 bits of the packet, four bytes read with the lowest first. IPv4: source address,
 * destination address, both ports (source port's bytes first), protocol as a number. IPv6: the
 * same with four words for each address. What has no ports has a word of 0. With 'hash: source'
 * ports and protocol are 0.
 *
 * Word i, from 0, gets half of key i / 2 added (32 bits, overflow is lost): the low half if i is
 * even, else the high half. Key k is the service's seed XOR LB_HASH_KEYk. The words of a pair,
 * 2k and 2k + 1, are multiplied to 64 bits, the products are added (64 bits). That is NH
 * (lib/conntrack_hash.h). With m = 0x9e3779b97f4a7c15 the sum h is finished by
 *
 *	h ^= h >> 32; h *= m; h ^= h >> 29; h *= m; h ^= h >> 32
 *
 * Slot: the high 32 bits, times slots, shifted right by 32. Flow key: m times (h XOR number of the
 * ring), where h has ports and protocol, whatever the service's hash is; its low bits are the
 * bucket, its high 32 bits the tag.
 */
#ifndef SHUNT_LIB_LB_HASH_H
#define SHUNT_LIB_LB_HASH_H

#include "conntrack_hash.h"
#include "lb.h"

/* Fractional digits of pi */
#define LB_HASH_KEY0	0x243f6a8885a308d3ULL
#define LB_HASH_KEY1	0x13198a2e03707344ULL
#define LB_HASH_KEY2	0xa4093822299f31d0ULL
#define LB_HASH_KEY3	0x082efa98ec4e6c89ULL
#define LB_HASH_KEY4	0x452821e638d01377ULL

static inline __attribute__((always_inline)) __u32 lb_hash_word(__be32 wire)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return wire;
#else
	return __builtin_bswap32(wire);
#endif
}

static inline __attribute__((always_inline)) __u32 lb_hash_ports(__be16 sport, __be16 dport)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return sport | (__u32)dport << 16;
#else
	return __builtin_bswap16(sport) | (__u32)__builtin_bswap16(dport) << 16;
#endif
}

static inline __attribute__((always_inline)) __u64
lb_hash4(__be32 saddr, __be32 daddr, __u32 ports, __u32 proto, __u64 seed)
{
	return conntrack_hash_end(conntrack_hash_pair(lb_hash_word(saddr), lb_hash_word(daddr),
						      seed ^ LB_HASH_KEY0) +
				  conntrack_hash_pair(ports, proto, seed ^ LB_HASH_KEY1));
}

static inline __attribute__((always_inline)) __u64
lb_hash6(const struct shunt_addr *s, const struct shunt_addr *d, __u32 ports, __u32 proto,
	 __u64 seed)
{
	return conntrack_hash_end(
		conntrack_hash_pair(lb_hash_word(s->word[0]), lb_hash_word(s->word[1]),
				    seed ^ LB_HASH_KEY0) +
		conntrack_hash_pair(lb_hash_word(s->word[2]), lb_hash_word(s->word[3]),
				    seed ^ LB_HASH_KEY1) +
		conntrack_hash_pair(lb_hash_word(d->word[0]), lb_hash_word(d->word[1]),
				    seed ^ LB_HASH_KEY2) +
		conntrack_hash_pair(lb_hash_word(d->word[2]), lb_hash_word(d->word[3]),
				    seed ^ LB_HASH_KEY3) +
		conntrack_hash_pair(ports, proto, seed ^ LB_HASH_KEY4));
}

/**
 * lb_hash() - Of a packet of the client
 * @l3:		4, 6
 * @ports:	lb_hash_ports(); 0: it has none
 */
static inline __attribute__((always_inline)) __u64
lb_hash(__u32 l3, const struct shunt_addr *saddr, const struct shunt_addr *daddr, __u32 ports,
	__u32 proto, __u64 seed)
{
	return l3 == 4 ? lb_hash4(saddr->v4, daddr->v4, ports, proto, seed) :
			 lb_hash6(saddr, daddr, ports, proto, seed);
}

static inline __attribute__((always_inline)) __u32 lb_slot(__u64 hash, __u32 slots)
{
	return (hash >> 32) * slots >> 32;
}

/* Who has two services at one address has one flow at each of them: the ring is in the key */
static inline __attribute__((always_inline)) __u64 lb_flow_key(__u64 hash, __u32 ring)
{
	return (hash ^ ring) * CONNTRACK_HASH_MIX;
}

/* @buckets: a power of two */
static inline __attribute__((always_inline)) __u32 lb_flow_bucket(__u64 key, __u32 buckets)
{
	return key & (buckets - 1);
}

static inline __attribute__((always_inline)) __u32 lb_flow_tag(__u64 key)
{
	return key >> 32;
}

#endif
