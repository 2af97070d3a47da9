// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* tagged.bpf.c - a module that needs VLAN tags to be in the frame */
#include <shunt/module.h>

SHUNT_MODULE("tagged", SHUNT_HOOK_ANY, SHUNT_DEPTH_L2 | SHUNT_NEEDS_VLAN, "tells tagged frames");
SHUNT_EDGE(next);
SHUNT_EDGE(tagged, SHUNT_FAIL_CLOSED, SHUNT_TARGET_PASS);

SHUNT_NODE(ctx, pkt)
{
	return pkt->vlans ? SHUNT_GO(tagged) : SHUNT_GO(next);
}
