/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* event.h - a logged packet as JSON: what docs/api.md calls an event */
#ifndef MODEL_EVENT_H
#define MODEL_EVENT_H

#include <base/jsonw.h>
#include <model/expr.h>
#include <shunt/event.h>

/* What the event's numbers mean now; names may be NULL: not known any more */
struct event_about {
	uint64_t time_ns;		/* CLOCK_REALTIME, when the packet came */
	const char *dev, *graph, *hook, *node;
	const struct expr_rule *rule;
};

/* Members of an object that is open in @w */
void event_write(const struct shunt_event *event, const struct event_about *about, struct jsonw *w);

#endif
