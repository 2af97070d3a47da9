// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* refused.bpf.c - a module that the verifier refuses: it reads beyond what it has checked */
#include <shunt/module.h>

SHUNT_MODULE("refused", SHUNT_HOOK_ANY, SHUNT_DEPTH_L2, "reads beyond the end of the packet");
SHUNT_EDGE(next);

SHUNT_NODE(ctx, pkt)
{
	__u8 *data = (__u8 *)(long)ctx->data;

	if (data + 1 > (__u8 *)(long)ctx->data_end)
		return SHUNT_DROP(SHUNT_REASON_ETH_SHORT);
	pkt->mark = data[100]; /* refused here */
	return SHUNT_GO(next);
}
