// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* cookie.bpf.c - the kernel's part of a cookie alone: made for a SYN, or checked */
#include <shunt/lib/ctx.h>

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#define SYN_LEN 40			/* of the TCP header: with options as Linux sends them */

const volatile __u32 cookie_six = 0;
const volatile __u32 cookie_check = 0;

SEC(SHUNT_SECTION)
int bench_cookie(shunt_ctx *ctx)
{
	void *ip = (void *)(long)ctx->data + ETH_HLEN, *end = (void *)(long)ctx->data_end;
	struct tcphdr *tcp = ip + (cookie_six ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));
	__s64 r;

	if ((void *)tcp + (cookie_check ? sizeof(*tcp) : SYN_LEN) > end)
		return SHUNT_VERDICT_DROP;
	if (cookie_check)
		r = cookie_six ? bpf_tcp_raw_check_syncookie_ipv6(ip, tcp) :
				 bpf_tcp_raw_check_syncookie_ipv4(ip, tcp);
	else
		r = cookie_six ? bpf_tcp_raw_gen_syncookie_ipv6(ip, tcp, SYN_LEN) :
				 bpf_tcp_raw_gen_syncookie_ipv4(ip, tcp, SYN_LEN);
	return r < 0 ? SHUNT_VERDICT_DROP : SHUNT_VERDICT_PASS;
}

char shunt_license[] SEC("license") = "Dual BSD/GPL";
