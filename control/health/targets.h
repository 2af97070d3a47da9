/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * targets.h - the backends that are checked, each by its own timer
 *
 * DOC: What is asked for anew begins at a random moment of its first interval, so that thousands
 * do not go out at once. A target whose check is as before keeps its verdict.
 */
#ifndef HEALTH_TARGETS_H
#define HEALTH_TARGETS_H

#include <uv.h>

#include <health/check.h>

struct targets;

/* A verdict is another, or is there for the first time. @why: NULL, or why it is bad */
typedef void targets_report_fn(void *data, const struct check *check, const char *why);

struct targets *targets_new(uv_loop_t *loop, targets_report_fn *report, void *data);
void targets_free(struct targets *targets);	/* timers close in the loop */

/*
 * Make them be as an answer of 'lb.checks' says. One that cannot be read is logged and left out.
 * Return: how many there are
 */
unsigned int targets_set(struct targets *targets, json_t *checks);

/* Report every verdict again: whom we report to is another */
void targets_repeat(struct targets *targets);

#endif
