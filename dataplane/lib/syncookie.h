/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * syncookie.h - an answer to a SYN that needs no memory, and the check of what comes back
 *
 * DOC: The cookie is the kernel's (RFC 4987 3.6): a keyed hash of the ends, the client's sequence
 * number and the minute, to which the index of one of four segment sizes is added. What else the
 * client has said goes into the low bits of our timestamp, which it sends back. Where there is one, it
 * has the segment size, too, and the cookie always the largest: a number that is one too
 * high would be a smaller one else.
 */
#ifndef SHUNT_LIB_SYNCOOKIE_H
#define SHUNT_LIB_SYNCOOKIE_H

#include <shunt/lib/tcp_opts.h>

#define SYNCOOKIE_SCALE		0x0f	/* the client's; TCP_SCALE_NONE */
#define SYNCOOKIE_SACK		0x10
#define SYNCOOKIE_ECN		0x20
#define SYNCOOKIE_MSS_SHIFT	6	/* index of its segment size, 2 bits */
#define SYNCOOKIE_BITS		0xff
#define SYNCOOKIE_HASH_BITS	0xffffff /* of a cookie, that the segment size is added in */

/* The segment sizes that a cookie can say; tests/kernel/facts_test.c asks the kernel for them */
static __always_inline __u32 syncookie_mss(__u32 l3, __u32 i)
{
	if (l3 == 4)
		return i == 0 ? 536 : i == 1 ? 1300 : i == 2 ? 1440 : 1460;
	return i == 0 ? 1220 : i == 1 ? 1420 : i == 2 ? 1440 : 8940;
}

static __always_inline __u32 syncookie_mss_index(__u32 l3, __u32 mss)
{
	__u32 i = 0;

	while (i < 3 && mss >= syncookie_mss(l3, i + 1))
		i++;
	return i;
}

/* Return: cookie, and above it the segment size that @seg says, or the one below; negative: none */
static __always_inline __s64 syncookie_make(const struct shunt_packet *pkt, struct tcp_segment *seg,
					    __u64 len)
{
	barrier_var(len);
	if (len < sizeof(seg->hdr) || len > sizeof(seg->hdr) + TCP_OPTS_MAX)
		return -1;
	if (pkt->l3 == 4) {
		struct iphdr ip = { .saddr = pkt->saddr.v4, .daddr = pkt->daddr.v4 };

		return bpf_tcp_raw_gen_syncookie_ipv4(&ip, &seg->hdr, len);
	} else {
		struct ipv6hdr ip6 = {};

		__builtin_memcpy(&ip6.saddr, &pkt->saddr, sizeof(ip6.saddr));
		__builtin_memcpy(&ip6.daddr, &pkt->daddr, sizeof(ip6.daddr));
		return bpf_tcp_raw_gen_syncookie_ipv6(&ip6, &seg->hdr, len);
	}
}

/* The cookie of a client that has timestamps */
static __always_inline __s64 syncookie_make_stamped(const struct shunt_packet *pkt,
						    const struct tcp_segment *seg)
{
	struct tcp_segment most = { .hdr = seg->hdr };

	most.hdr.doff = (sizeof(most.hdr) + 4) / 4;
	most.opt_word[0] = bpf_htonl(TCP_OPT_MSS << 24 | 4 << 16 | 0xffff);
	return syncookie_make(pkt, &most, sizeof(most.hdr) + 4);
}

/* Whether the number that @tcp acknowledges is the cookie for the number ahead of its own */
static __always_inline bool syncookie_holds(const struct shunt_packet *pkt, struct tcphdr *tcp)
{
	if (pkt->l3 == 4) {
		struct iphdr ip = { .saddr = pkt->saddr.v4, .daddr = pkt->daddr.v4 };

		return !bpf_tcp_raw_check_syncookie_ipv4(&ip, tcp);
	} else {
		struct ipv6hdr ip6 = {};

		__builtin_memcpy(&ip6.saddr, &pkt->saddr, sizeof(ip6.saddr));
		__builtin_memcpy(&ip6.daddr, &pkt->daddr, sizeof(ip6.daddr));
		return !bpf_tcp_raw_check_syncookie_ipv6(&ip6, tcp);
	}
}

/*
 * Index of the segment size in a cookie that holds: it is added to a hash that is the
 * same for all four, so the difference to the cookie of the first one is it. If the minute has
 * changed since, it cannot be told: the lowest.
 * @tcp: with seq as the client's SYN had it, without options
 */
static __always_inline __u32 syncookie_said_mss(const struct shunt_packet *pkt,
						struct tcp_segment *seg, __u32 cookie)
{
	__s64 first = syncookie_make(pkt, seg, sizeof(seg->hdr));
	__u32 i = (cookie - (__u32)first) & SYNCOOKIE_HASH_BITS;

	return first < 0 || i > 3 ? 0 : i;
}

/*
 * Our timestamp: milliseconds, but for what it carries, which leaves a quarter of a second: so the
 * clock that costs nothing will do. Never 0. @second: in jiffies
 */
static __always_inline __u32 syncookie_stamp(__u64 jiffies, __u32 second, __u32 bits)
{
	__u32 clock = (__u32)(jiffies * 1000 / (second ?: 1)) & ~SYNCOOKIE_BITS;

	return (clock ?: SYNCOOKIE_BITS + 1) | bits;
}

#endif
