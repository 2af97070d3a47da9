// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* ext.bpf.c - extensions without a classifier: parse a packet, then ask filter_ext.h */
#include <shunt/module.h>
#include <shunt/lib/parse.h>
#include <shunt/lib/classifier.h>

#include "ext.h"
#include "../../dataplane/modules/filter_rule.h"

const volatile struct {
	__u32	ext_off, exts;
} shape = { .ext_off = EXT_OFF, /* all there are count as those of views: filter_ext_at() adds them */
	.exts = EXT_N - 2 * CLASSIFIER_VIEW_EXTS };
const volatile __u8 trial;
const volatile struct filter_given given = {};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct ext_image);
} filter_image SEC(".maps");

#include "../../dataplane/modules/filter_ext.h"

__u32 ext_index;		/* which one; of the rule's hits for ext_hit */
__u32 ext_mark;			/* pkt->mark in front of it */
struct ext_flow ext_flow;

static __always_inline struct shunt_packet *ext_packet(shunt_ctx *ctx)
{
	struct shunt_cpu *cpu = shunt_this_cpu();

	if (!cpu)
		return NULL;
	__builtin_memset(&cpu->pkt, 0, sizeof(cpu->pkt));
	cpu->pkt.ifindex = shunt_ctx_ifindex(ctx);
	cpu->pkt.len = shunt_frame_len(ctx);
	cpu->pkt.mark = ext_mark;
	cpu->pkt.flow = ext_flow.slot;
	cpu->pkt.ct_mark = ext_flow.mark;
	cpu->pkt.ct_zone = ext_flow.zone;
	cpu->pkt.ct_state = ext_flow.state;
	cpu->pkt.ct_flags = ext_flow.flags;
	return shunt_parse(ctx, &cpu->pkt, SHUNT_DEPTH_L4) ? NULL : &cpu->pkt;
}

SEC(SHUNT_SECTION)
int ext_holds(shunt_ctx *ctx)
{
	return ext_packet(ctx) ? filter_ext_holds(ctx, ext_index) : EXT_MALFORMED;
}

SEC(SHUNT_SECTION)
int ext_run(shunt_ctx *ctx)
{
	return ext_packet(ctx) ? filter_ext_run(ctx, ext_index) : EXT_MALFORMED;
}

SEC(SHUNT_SECTION)
int ext_hit(shunt_ctx *ctx)
{
	struct shunt_packet *pkt = ext_packet(ctx);

	if (pkt)
		filter_hit(pkt, ext_index);
	return 0;
}

SEC(SHUNT_SECTION)
int ext_none(shunt_ctx *ctx)
{
	return !ext_packet(ctx);
}

char shunt_license[] SEC("license") = "Dual BSD/GPL";
