/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * trial.h - what a filter node does with a packet, tried apart from traffic
 *
 * DOC: The node's own program, with the image and the sets that run, but with
 * counters, limits and events of its own: nothing of a trial shows elsewhere.
 */
#ifndef KERNEL_TRIAL_H
#define KERNEL_TRIAL_H

#include <base/err.h>
#include <compile/plan.h>
#include <kernel/rendering.h>

struct trial {
	struct filter_given given;	/* by the caller: what the packet comes with */
	const char *edge;		/* the node's, that the packet left by; NULL: the root refused it */
	const char *reason;		/* of what dropped it without an edge; or NULL */
	uint32_t *hit;			/* of the rules that counted it; heap, the caller frees */
	unsigned int n_hits;
};

/**
 * trial_run() - One packet
 * @node:	As it is in its first graph
 * @hook:	One SHUNT_HOOK_*: which of its programs
 * @shared:	Its sets are used, nothing else of it
 * @ifindex:	XDP: where the packet seems to come from; 0: loopback
 * Return: 0 or -errno
 */
int trial_run(const struct rendering_paths *paths, const struct shared *shared,
	      struct images *images, const struct plan_node *node, uint32_t hook,
	      const struct plan *plan, const void *frame, size_t len, uint32_t ifindex,
	      struct trial *ret_trial, struct err *err);

#endif
