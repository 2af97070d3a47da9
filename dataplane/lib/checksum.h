/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* checksum.h - the Internet checksum (RFC 1071) of what a program writes itself */
#ifndef SHUNT_LIB_CHECKSUM_H
#define SHUNT_LIB_CHECKSUM_H

#include <shunt/lib/ctx.h>

#define SHUNT_SUM_MAX	512	/* bytes that the kernel adds up at once */

/* What TCP, UDP and ICMPv6 add in front (RFC 9293 3.1, RFC 8200 8.1) */
struct shunt_pseudo4 {
	__be32	saddr, daddr;
	__u8	zero, proto;
	__be16	len;
};

struct shunt_pseudo6 {
	struct shunt_addr saddr, daddr;
	__be32	len;
	__be32	proto;
};

/* @len: a constant, a multiple of 4, at most SHUNT_SUM_MAX; @sum: of what came before, or 0 */
static __always_inline __u32 shunt_sum(void *data, __u32 len, __u32 sum)
{
	return bpf_csum_diff(NULL, 0, data, len, sum);
}

static __always_inline __u16 shunt_sum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

#endif
