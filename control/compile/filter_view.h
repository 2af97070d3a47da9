/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * filter_view.h - a few rules changed: what a view of the running image has to say
 *
 * DOC: A full compilation builds an image from all rules; that takes a second
 * with a hundred thousand. A view (dataplane/lib/classifier.h) says what came and
 * went since: rows to compare besides, base rules that no longer count. What a
 * view cannot say (another edge, a limit, a chain, more than fits) is compiled
 * in full.
 */
#ifndef COMPILE_FILTER_VIEW_H
#define COMPILE_FILTER_VIEW_H

#include <compile/plan.h>

/* Whether there is room to note one more edit at @index; false: compile in full */
bool filter_may_edit(const struct plan_filter *filter, unsigned int index, bool insert);
/* The plan's side of inserting or deleting a node's own rule at @index, already done in @node */
void filter_insert(struct plan_filter *filter, const struct config_node *node, unsigned int index);
void filter_delete(struct plan_filter *filter, unsigned int index);

/**
 * filter_view() - All that differs from the image, as view number @view
 * New rules get their hits here, from those that plan->hits_room has left.
 * @filter:	Of @plan, its rules as @node now has them
 * Return: 0; -ENOSPC: it is to be compiled in full (nothing changed but hits taken)
 */
int filter_view(const struct config *config, const struct config_node *node, struct plan *plan,
		struct plan_filter *filter, unsigned int view, struct arena *arena,
		struct filter_view *ret_view);

#endif
