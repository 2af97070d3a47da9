// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* flowset.bpf.c - gives packets a flow, by their MAC addresses: what conntrack would, for tests */
#include <linux/if_ether.h>

#include <shunt/module.h>

SHUNT_MODULE("flowset", SHUNT_HOOK_ANY, SHUNT_DEPTH_L2, "flow state by MAC address, for tests");
SHUNT_EDGE(next);

SHUNT_NODE(ctx, pkt)
{
	struct ethhdr buf, *eth = shunt_header(ctx, 0, sizeof(*eth), &buf);

	if (!eth)
		return SHUNT_GO(next);
	pkt->ct_state = eth->h_source[5] % SHUNT_CT_MAX;
	pkt->ct_mark = eth->h_dest[5];
	pkt->ct_zone = (eth->h_source[5] ^ eth->h_dest[5]) & 3;
	pkt->ct_flags = (eth->h_source[5] + eth->h_dest[5]) & SHUNT_CT_REPLY;
	return SHUNT_GO(next);
}
