// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * walk.bpf.c - a node that asks lib/classify.h and leaves by the edge of the row, and nothing else
 * reads: L3, L4   tables: walk_image   cost: that of the walk
 */
#include <shunt/module.h>

SHUNT_MODULE("walk", SHUNT_HOOK_ANY, SHUNT_DEPTH_L4, "a rule set's walk; to measure it");
SHUNT_EDGE(accept, SHUNT_FAIL_CLOSED, SHUNT_TARGET_PASS);
SHUNT_EDGE(drop, SHUNT_FAIL_CLOSED, SHUNT_TARGET_DROP, SHUNT_REASON_POLICY);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 4096);	/* set before load */
	__uint(map_flags, BPF_F_MMAPABLE);
} walk_image SEC(".maps");

static __always_inline const void *walk_image_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&walk_image, &zero);
}

#define CLASSIFY_SHAPE			walk_shape
#define CLASSIFY_IMAGE()		walk_image_get()
#define CLASSIFY_HOLDS(ctx, index)	0	/* no row has an extension */
#include <shunt/lib/classifier.h>
const volatile struct classifier_shape walk_shape = {};
#include <shunt/lib/classify.h>

SHUNT_NODE(ctx, pkt)
{
	const void *image = walk_image_get();
	struct classify_found found;
	struct classify_key key;

	if (!image)
		return SHUNT_GO(drop);
	if (pkt->l3 == 6) {
		classify_key6(pkt, &key);
		found = classify(ctx, image, 1, &key, 0);
	} else {
		classify_key4(pkt, &key);
		found = classify(ctx, image, 0, &key, 0);
	}
	if (found.prio == CLASSIFIER_NONE)
		return SHUNT_GO(drop);
	return found.prio & ((1 << CLASSIFIER_EDGE_BITS) - 1);
}
