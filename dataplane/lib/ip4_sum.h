/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* ip4_sum.h - the checksum of an IPv4 header, added up here: a helper would cost more */
#ifndef SHUNT_LIB_IP4_SUM_H
#define SHUNT_LIB_IP4_SUM_H

#include <shunt/lib/checksum.h>
#include <shunt/lib/parse.h>

#define IP4_WORDS_MAX	15		/* with options */

/* @words: of four bytes, a constant. Return: what makes the sum right; 0: it is */
static __always_inline __u16 ip4_sum_words(const void *data, const __u32 words)
{
	return shunt_sum_fold(shunt_sum_words(data, words, 0));
}

/* Of the packet under way, options included. Return: 1: it is right */
__noinline int ip4_sum_options(shunt_ctx *ctx)
{
	struct shunt_cpu *cpu = shunt_this_cpu();
	__u32 word[IP4_WORDS_MAX] = {}, len;

	if (!cpu)
		return 0;
	len = cpu->pkt.l4_off - cpu->pkt.l3_off;
	if (shunt_load_some(ctx, cpu->pkt.l3_off, word, len, sizeof(word)) < 0)
		return 0;
	return !ip4_sum_words(word, IP4_WORDS_MAX);
}

/* Whether the header's checksum is right; IPv6 has none */
static __always_inline bool ip4_sum_holds(shunt_ctx *ctx, const struct shunt_packet *pkt)
{
	struct iphdr buf, *ip;

	if (pkt->l3 == 6)
		return true;
	if (pkt->l4_off - pkt->l3_off != sizeof(*ip))
		return ip4_sum_options(ctx);
	ip = shunt_header(ctx, pkt->l3_off, sizeof(*ip), &buf);
	return ip && !ip4_sum_words(ip, sizeof(*ip) / 4);
}

#endif
