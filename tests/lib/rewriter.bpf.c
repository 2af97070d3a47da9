// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* rewriter.bpf.c - gives packets the addresses and ports that a table says, for tests */
#include <shunt/module.h>
#include <shunt/lib/rewrite.h>

#include "rewriter.h"

SHUNT_MODULE("rewriter", SHUNT_HOOK_ANY, SHUNT_DEPTH_L4, "other addresses and ports, for tests");
SHUNT_EDGE(next);

SHUNT_TABLE(rewriter_to, ARRAY, __u32, struct rewriter, 2);

static __always_inline void rewriter_fill(struct rewrite *to, const struct rewriter *from)
{
	to->saddr = from->saddr;
	to->daddr = from->daddr;
	to->sport = from->sport;
	to->dport = from->dport;
	to->flags = (from->flags & REWRITER_PORTS ? REWRITE_PORTS : 0) |
		    (from->flags & REWRITER_ID ? REWRITE_ID : 0);
}

SHUNT_NODE(ctx, pkt)
{
	struct rewrite to = {};
	struct rewriter *from;
	__u32 key = 1;

	from = bpf_map_lookup_elem(&rewriter_to, &key);
	if (from && from->used) {
		rewriter_fill(&to, from);
		if (rewrite_quoted(ctx, &to) < 0)
			return SHUNT_DROP(SHUNT_REASON_INTERNAL);
	}
	key = 0;
	from = bpf_map_lookup_elem(&rewriter_to, &key);
	if (!from)
		return SHUNT_DROP(SHUNT_REASON_INTERNAL);
	rewriter_fill(&to, from);
	return rewrite_packet(ctx, &to) < 0 ? SHUNT_DROP(SHUNT_REASON_INTERNAL) : SHUNT_GO(next);
}
