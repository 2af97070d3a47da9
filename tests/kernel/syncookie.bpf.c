// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* syncookie.bpf.c - asks for cookies, and checks them; returns 0, or the step that failed */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#include <shunt/lib/ctx.h>

struct segment {
	struct tcphdr tcp;
	__u8	kind, len;
	__be16	mss;
};

static __always_inline __s64 make(int six, struct segment *seg)
{
	struct iphdr ip = { .saddr = bpf_htonl(0x0a000001), .daddr = bpf_htonl(0x0a000002) };
	struct ipv6hdr ip6 = {};

	ip6.saddr.s6_addr[15] = 1;
	ip6.daddr.s6_addr[15] = 2;
	return six ? bpf_tcp_raw_gen_syncookie_ipv6(&ip6, &seg->tcp, sizeof(*seg)) :
		     bpf_tcp_raw_gen_syncookie_ipv4(&ip, &seg->tcp, sizeof(*seg));
}

static __always_inline long check(int six, struct segment *seg)
{
	struct iphdr ip = { .saddr = bpf_htonl(0x0a000001), .daddr = bpf_htonl(0x0a000002) };
	struct ipv6hdr ip6 = {};

	ip6.saddr.s6_addr[15] = 1;
	ip6.daddr.s6_addr[15] = 2;
	return six ? bpf_tcp_raw_check_syncookie_ipv6(&ip6, &seg->tcp) :
		     bpf_tcp_raw_check_syncookie_ipv4(&ip, &seg->tcp);
}

/* Sizes that a cookie can say: each is told by its index, which is added to the same number */
static __always_inline int sizes(int six, __u32 seq)
{
	const __u16 size[2][4] = { { 536, 1300, 1440, 1460 }, { 1220, 1420, 1440, 8940 } };
	struct segment seg = { .kind = 2, .len = 4 };
	__s64 cookie, first = 0;
	int i;

#pragma unroll
	for (i = 0; i < 4; i++) {
		seg.tcp.source = 1;
		seg.tcp.dest = 2;
		seg.tcp.seq = bpf_htonl(seq);
		seg.tcp.doff = sizeof(seg) / 4;
		seg.mss = bpf_htons(size[six][i] + 1);
		cookie = make(six, &seg);
		if (!i)
			first = cookie;
		if (cookie < 0 || cookie >> 32 != size[six][i])
			return 10 + i;
		if ((((__u32)cookie - (__u32)first) & 0xffffff) != (__u32)i)
			return 20 + i;
		seg.tcp.seq = bpf_htonl(seq + 1);
		seg.tcp.ack_seq = bpf_htonl((__u32)cookie + 1);
		if (check(six, &seg))
			return 30 + i;
		seg.tcp.ack_seq = bpf_htonl((__u32)cookie + 5);
		if (!check(six, &seg))
			return 40 + i;
		seg.tcp.ack_seq = bpf_htonl((__u32)cookie + 1);
		seg.tcp.dest = 3;
		if (!check(six, &seg))
			return 50 + i;
	}
	return 0;
}

SEC(SHUNT_SECTION) int syncookie(shunt_ctx *ctx)
{
	int r = sizes(0, 0xfffffffe);

	if (r)
		return r;
	r = sizes(1, 7);
	return r ? 100 + r : 0;
}

char shunt_license[] SEC("license") = "Dual BSD/GPL";
