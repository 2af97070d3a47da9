// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * probe.bpf.c - leaves in every way that a node can, and tells packets by what the root knew
 * reads: L2
 */
#include <shunt/module.h>

SHUNT_MODULE("probe", SHUNT_HOOK_ANY, SHUNT_DEPTH_L2, "for tests");
SHUNT_EDGE(next, SHUNT_FAIL_OPEN);
SHUNT_EDGE(seen, SHUNT_FAIL_CLOSED, SHUNT_TARGET_PASS);

SHUNT_CONFIG(__u32, leave, 0, "what the node returns");
SHUNT_CONFIG(__u32, set_mark, 0, "mark, and user[0]; 0: leave them");
SHUNT_CONFIG(__u32, set_out, 0, "interface for terminal 'forward'");
SHUNT_CONFIG(__u32, want_flags, 0, "leave by 'seen' what has these flags");
SHUNT_CONFIG(__u32, want_mark, 0, "and this mark");
SHUNT_CONFIG(__u32, want_vlans, 0, "and so many tags");

SHUNT_NODE(ctx, pkt)
{
	if (set_mark) {
		pkt->mark = set_mark;
		pkt->user[0] = set_mark;
	}
	pkt->out = set_out;
	if (want_flags && (pkt->flags & want_flags) == want_flags && pkt->mark == want_mark &&
	    pkt->user[0] == want_mark && pkt->vlans == want_vlans)
		return SHUNT_GO(seen);
	return leave;
}
