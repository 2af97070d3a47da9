/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* traps.h - known traps of a hook on an interface; what a kernel and a device can do */
#ifndef KERNEL_TRAPS_H
#define KERNEL_TRAPS_H

#include <base/jsonw.h>
#include <compile/plan.h>
#include <kernel/attach.h>
#include <mirror/link.h>

/**
 * traps_write() - Warnings of an attachment, as strings into the open array of @w
 * Each names the cause and the command that mends it:
 * - generic mode: slower, and a redirect keeps what native would lose
 * - redirect() or tx to a veth whose peer has neither GRO nor native XDP: frames vanish uncounted
 * - checksum offload (tx) at the sender ahead of a native redirect: broken checksums
 * - VLAN offload ahead of an XDP program: tags are not seen (and lost in a native redirect)
 * - LRO with native XDP
 * @graph:	What runs there; NULL: unknown
 */
void traps_write(const struct attach *attach, const struct link *link,
		 const struct link_table *links, const struct plan_graph *graph, struct jsonw *w);

/**
 * traps_features() - Objects {name, value, why} into the open array of @w
 * Probed, never guessed from versions: XDP, tcx, freplace (libxdp's
 * dispatcher), bpf_loop, XDP fragments, membarrier; of a device: driver, queues, MTU, offloads.
 * @link:	NULL: the kernel alone
 */
void traps_features(const struct link *link, struct jsonw *w);

#endif
