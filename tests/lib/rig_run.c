// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* rig_run.c - one packet through a rig, and its way by the counters */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <linux/pkt_cls.h>

#include "rig_priv.h"

static struct shunt_cpu *rig_cpu(const struct rig *rig)
{
	return (struct shunt_cpu *)rig->shared.counters.map + rig->cpu;
}

static enum rig_verdict rig_verdict(const struct rig *rig, uint32_t retval)
{
	if (rig->hook == SHUNT_HOOK_XDP) {
		switch (retval) {
		case XDP_PASS:		return RIG_PASS;
		case XDP_DROP:		return RIG_DROP;
		case XDP_TX:		return RIG_TX;
		case XDP_REDIRECT:	return RIG_REDIRECT;
		}
		return RIG_ODD;
	}
	switch ((int)retval) {
	case TC_ACT_UNSPEC:	return RIG_PASS;
	case TC_ACT_SHOT:	return RIG_DROP;
	case TC_ACT_REDIRECT:	return RIG_REDIRECT;
	}
	return RIG_ODD;
}

static bool rig_moved(struct rig *rig, uint32_t index, struct rig_outcome *out)
{
	struct rig_counter *counter = &rig->what[index];
	uint64_t by = rig_cpu(rig)->counter[index] - rig->before[index];

	if (by > 1)
		snprintf(out->fault, sizeof(out->fault), "%s counted %llu times", counter->name,
			 (unsigned long long)by);
	if (!by)
		return false;
	counter->moved = false;		/* accounted for */
	return true;
}

static void rig_reason(struct rig *rig, uint32_t first, struct rig_outcome *out)
{
	uint32_t i;

	for (i = 0; i < SHUNT_REASON_MAX; i++) {
		if (!rig->what[first + i].moved || !rig_moved(rig, first + i, out))
			continue;
		if (out->reason)
			snprintf(out->fault, sizeof(out->fault), "two reasons: %s, %s",
				 out->reason, rig_reason_names[i]);
		out->reason = rig_reason_names[i];
	}
}

static const struct plan_node *rig_node_at(const struct rig *rig, uint32_t slot)
{
	unsigned int i;

	for (i = 0; i < rig->graph->n_nodes; i++)
		if (rig->graph->node[i].slot == slot)
			return &rig->graph->node[i];
	return NULL;
}

/* A rule that is there twice has one count: the first of them it is, that the other is behind */
static bool rig_is_repeated(const struct plan_filter *filter, unsigned int index)
{
	unsigned int i;

	for (i = 0; i < index && filter->rule[i].hit != filter->rule[index].hit; i++)
		;
	return i < index;
}

/* The last of the node's rules that counted the packet */
static void rig_tell_rule(const struct rig *rig, const struct plan_node *node,
			  struct rig_outcome *out)
{
	const struct plan_filter *filter = node->filter;
	unsigned int i;

	if (!filter || filter->n_rules > RIG_RULES_MAX)
		return;
	for (i = 0; i < filter->n_own; i++)
		if (rig_hits(rig, filter->rule[i].hit) !=
		    rig->hits_before[filter->rule[i].hit] && !rig_is_repeated(filter, i))
			out->rule = i + 1;
}

/* The edge that a node counted, if it did */
static const struct plan_edge *rig_left_by(struct rig *rig, const struct plan_node *node,
					   struct rig_outcome *out)
{
	const struct plan_edge *edge = NULL;
	unsigned int i;

	for (i = 0; i < node->n_edges; i++) {
		if (!rig_moved(rig, node->edge[i].rodata.counter, out))
			continue;
		if (edge)
			snprintf(out->fault, sizeof(out->fault), "two edges of node %s: %s, %s",
				 node->name, edge->name, node->edge[i].name);
		edge = &node->edge[i];
		out->left = rig->what[edge->rodata.counter].name;
		snprintf(out->way + strlen(out->way), sizeof(out->way) - strlen(out->way), " %s",
			 out->left);
	}
	rig_tell_rule(rig, node, out);
	return edge;
}

/* The terminal that an edge leads to must be what came of the packet */
static void rig_check_end(const struct shunt_edge *end, struct rig *rig, struct rig_outcome *out)
{
	static const enum rig_verdict want[SHUNT_TARGET_MAX] = {
		[SHUNT_TARGET_PASS] = RIG_PASS, [SHUNT_TARGET_BOUNDARY] = RIG_PASS,
		[SHUNT_TARGET_DROP] = RIG_DROP, [SHUNT_TARGET_REDIRECT] = RIG_REDIRECT,
		[SHUNT_TARGET_TX] = RIG_TX,
	};
	enum rig_verdict wanted = out->reason ? RIG_DROP : want[end->target];

	if (end->target == SHUNT_TARGET_FORWARD && !out->reason)
		wanted = out->pkt.out != out->pkt.ifindex ? RIG_REDIRECT :
			 rig->hook == SHUNT_HOOK_TC_EGRESS ? RIG_PASS : RIG_TX;
	if (rig->hook != SHUNT_HOOK_XDP && wanted == RIG_TX)
		wanted = RIG_REDIRECT;
	if (end->target == SHUNT_TARGET_DROP) {
		if (out->reason)
			snprintf(out->fault, sizeof(out->fault),
				 "%s is a drop, counted again as %s", out->left, out->reason);
		out->reason = rig_reason_names[end->arg];
	}
	if (out->verdict != wanted)
		snprintf(out->fault, sizeof(out->fault), "verdict %d after %s, wanted %d",
			 out->verdict, out->left, wanted);
}

/* From the root along the edges that counted */
static void rig_walk(struct rig *rig, struct rig_outcome *out)
{
	struct shunt_edge at = { SHUNT_TARGET_NODE, rig->graph->entry_slot, 0, 0 };
	const struct plan_node *node = NULL;
	const struct plan_edge *edge;

	out->left = "root";
	rig_reason(rig, rig->graph->reason_counter, out);
	rig_reason(rig, rig->graph->drop_counter, out);
	out->miss += rig_moved(rig, rig->graph->miss_counter, out);
	if (rig_moved(rig, rig->graph->entry_counter, out)) {
		out->left = "root.next";
		snprintf(out->way, sizeof(out->way), "root.next");
	} else {
		at.target = SHUNT_TARGET_UNBOUND;
	}
	while (at.target == SHUNT_TARGET_NODE && !out->miss) {
		node = rig_node_at(rig, at.arg);
		edge = node ? rig_left_by(rig, node, out) : NULL;
		if (!edge)
			break;		/* it dropped by itself */
		at = edge->rodata;
		out->miss += rig_moved(rig, node->miss_counter, out);
	}
	if (at.target != SHUNT_TARGET_NODE && at.target != SHUNT_TARGET_UNBOUND)
		rig_check_end(&at, rig, out);
	else if (!out->reason && !out->miss)
		snprintf(out->fault, sizeof(out->fault), "no end is counted after %s", out->left);
	else if ((out->verdict == RIG_DROP) != (out->reason != NULL))
		snprintf(out->fault, sizeof(out->fault), "verdict %d, reason %s", out->verdict,
			 out->reason ? out->reason : "none");
}

static void rig_account(struct rig *rig, struct rig_outcome *out)
{
	const struct shunt_cpu *cpu = rig_cpu(rig);
	uint32_t i;

	for (i = 0; i < rig->n_counters; i++)
		rig->what[i].moved = cpu->counter[i] != rig->before[i];
	rig_walk(rig, out);
	for (i = 0; i < rig->n_counters; i++)
		if (rig->what[i].moved)
			snprintf(out->fault, sizeof(out->fault), "%s counted, not on the way '%s'",
				 rig->what[i].name, out->way);
	if (out->reason && strcmp(rig_reason_names[cpu->pkt.reason], out->reason))
		snprintf(out->fault, sizeof(out->fault), "reason %s counted, %s in the context",
			 out->reason, rig_reason_names[cpu->pkt.reason]);
}

/* Frames that TEST_RUN makes no skb of, though a device would */
static bool rig_refused(const struct rig *rig, const struct rig_input *in)
{
	if (rig->hook == SHUNT_HOOK_XDP)
		return in->linear;
	return in->len < 14 + 40;
}

static int rig_test_run(struct rig *rig, const struct rig_input *in, struct rig_outcome *out)
{
	uint8_t frame[RIG_BYTES_MAX];
	struct xdp_md xdp = { .data = in->meta_len, .data_end = in->meta_len +
			      (in->linear ? in->linear : in->len) }, xdp_out = {};
	struct __sk_buff skb = { .gso_size = in->gso_size };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = 1, .data_in = in->data,
		    .data_size_in = in->len, .data_out = out->data,
		    .data_size_out = sizeof(out->data));

	if (in->meta_len) {
		memcpy(frame, in->meta, in->meta_len);
		memcpy(frame + in->meta_len, in->data, in->len);
		opts.data_in = frame;
		opts.data_size_in += in->meta_len;
	}
	if (rig->hook == SHUNT_HOOK_XDP) {
		opts.ctx_in = &xdp;	/* without, Linux 6.18 has all of the frame in fragments */
		opts.ctx_size_in = sizeof(xdp);
		opts.ctx_out = &xdp_out;
		opts.ctx_size_out = sizeof(xdp_out);
	} else if (in->gso_size) {
		opts.ctx_in = &skb;
		opts.ctx_size_in = sizeof(skb);
	}
	if (bpf_prog_test_run_opts(rig->root_fd, &opts) < 0)
		return errno == EINVAL && rig_refused(rig, in) ? -EOPNOTSUPP : -errno;
	out->verdict = rig_verdict(rig, opts.retval);
	out->meta_len = xdp_out.data - xdp_out.data_meta;
	out->len = opts.data_size_out - out->meta_len;
	if (out->meta_len <= sizeof(out->meta))
		memcpy(out->meta, out->data, out->meta_len);
	memmove(out->data, out->data + out->meta_len, out->len);
	return 0;
}

static void rig_note_hits(struct rig *rig)
{
	uint32_t i;

	if (!rig->hits_before)
		rig->hits_before = calloc(rig->plan.hits_room, sizeof(*rig->hits_before));
	for (i = 0; i < rig->n_hits; i++)
		rig->hits_before[i] = rig_hits(rig, i);
}

int rig_run_input(struct rig *rig, const struct rig_input *in, struct rig_outcome *out)
{
	struct shunt_cpu *cpu = rig_cpu(rig);
	int r;

	out->left = NULL;
	out->reason = NULL;
	out->rule = out->miss = 0;
	out->way[0] = out->fault[0] = '\0';
	memcpy(rig->before, cpu->counter, rig->n_counters * sizeof(*rig->before));
	rig_note_hits(rig);
	memset(&cpu->pkt, 0xa5, sizeof(cpu->pkt));	/* the root must clear it */
	r = rig_test_run(rig, in, out);
	if (r < 0)
		return r;
	out->pkt = cpu->pkt;
	rig_account(rig, out);
	return 0;
}

int rig_run(struct rig *rig, const void *data, size_t len, struct rig_outcome *out)
{
	const struct rig_input in = { .data = data, .len = len };

	return rig_run_input(rig, &in, out);
}
