/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* checksum.h - the Internet checksum (RFC 1071) of what a program writes itself */
#ifndef SHUNT_LIB_CHECKSUM_H
#define SHUNT_LIB_CHECKSUM_H

#include <shunt/lib/ctx.h>

#define SHUNT_SUM_MAX	512	/* bytes that the kernel adds up at once */

/* @len: a constant, a multiple of 4, at most SHUNT_SUM_MAX; @sum: of what came before, or 0 */
static __always_inline __u32 shunt_sum(void *data, __u32 len, __u32 sum)
{
	return bpf_csum_diff(NULL, 0, data, len, sum);
}

static __always_inline __u32 shunt_sum_narrow(__u64 sum)
{
	sum = (__u32)sum + (sum >> 32);
	return (__u32)sum + (sum >> 32);
}

/*
 * A few words of a header without a call. @n: constant. They are read as they were written: where a
 * larger read takes more than one write together, the CPU waits until these are in the cache
 */
static __always_inline __u32 shunt_sum_words(const __be32 *word, const __u32 n, __u32 sum)
{
	__u64 all = sum;
	__u32 i;

#pragma clang loop unroll(full)
	for (i = 0; i < n; i++)
		all += word[i];
	return shunt_sum_narrow(all);
}

/*
 * What TCP, UDP and ICMPv6 add in front (RFC 9293 3.1, RFC 8200 8.1), whichever end is the source.
 * IPv4's addresses have ::ffff: in front, which adds 0xffff twice: nothing
 */
static __always_inline __u32 shunt_sum_pseudo(const struct shunt_packet *pkt, __u8 proto, __u32 len)
{
	__u64 sum = (__u64)bpf_htonl(len) + bpf_htonl(proto);
	__u32 i;

#pragma unroll
	for (i = 0; i < 4; i++)
		sum += (__u64)pkt->saddr.word[i] + pkt->daddr.word[i];
	return shunt_sum_narrow(sum);
}

static __always_inline __u16 shunt_sum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

#endif
