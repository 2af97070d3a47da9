// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* hookless.bpf.c - a module that runs at TC alone, whatever it is built for */
#include <shunt/module.h>

SHUNT_MODULE("hookless", SHUNT_HOOK_TC, SHUNT_DEPTH_L2, "not at XDP");
SHUNT_EDGE(next);

SHUNT_NODE(ctx, pkt)
{
	return SHUNT_GO(next);
}
