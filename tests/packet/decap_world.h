/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * decap_world.h - module 'decap' in front of a node that stands for what is inside
 *
 * Beside it a graph without it: what comes out is to be as if the inner packet had come in, in its
 * bytes and in what the packet context says.
 */
#ifndef TESTS_DECAP_WORLD_H
#define TESTS_DECAP_WORLD_H

#include "../lib/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../lib/pkt.h"
#include "../lib/rig.h"

#define N(a)		(sizeof(a) / sizeof((a)[0]))
#define HOOKS		3
#define EACH_HOOK(h)	for (unsigned int h = 0; h < HOOKS; h++)
#define BALANCER4	"192.0.2.10"
#define BALANCER6	"2001:db8::10"
#define OWN4		"10.0.0.2"
#define OWN6		"fd00::2"
#define CLIENT4		"198.51.100.7"
#define CLIENT6		"2001:db8:c::7"
#define VIP4		"203.0.113.1"
#define VIP6		"2001:db8:f::1"
#define GUE		6080

#define DECAP_GRAPH							\
	"  inside: { module: count }\n"					\
	"graphs:\n"							\
	"  g:\n"							\
	"    entry: d\n"						\
	"    edges:\n"							\
	"      d: { next: inside, plain: pass }\n"			\
	"      inside: { next: pass }\n"
#define DECAP_NODE(config)						\
	"nodes:\n"							\
	"  d: { module: decap, config: { " config " } }\n" DECAP_GRAPH
#define OWN	"addresses: [" OWN4 ", \"" OWN6 "\"]"

static const uint32_t hooks[HOOKS] = {
	SHUNT_HOOK_XDP, SHUNT_HOOK_TC_INGRESS, SHUNT_HOOK_TC_EGRESS,
};
static struct rig *rigs[HOOKS], *bare[HOOKS];
static struct rig_outcome out, alone;

/* Return: false: this hook cannot run such a frame */
static inline bool world_run(struct rig *rig, const struct rig_input *in, struct rig_outcome *to)
{
	int r = rig_run_input(rig, in, to);

	if (r == -EOPNOTSUPP)
		return false;
	if (r < 0)
		fail_msg("test run: %s", strerror(-r));
	if (to->fault[0])
		fail_msg("%s", to->fault);
	return true;
}

static inline bool world_send(struct rig *rig, const struct pkt *p, struct rig_outcome *to)
{
	return world_run(rig, &(const struct rig_input){ .data = p->data, .len = p->len }, to);
}

static inline void world_left(const char *left, const char *reason)
{
	if (strcmp(out.left, left) || strcmp(out.reason ?: "", reason ?: ""))
		fail_msg("left by %s (%s), not by %s (%s): %s", out.left, out.reason ?: "-", left,
			 reason ?: "-", out.way);
}

static inline void world_is(const struct pkt *want)
{
	char text[256];

	if (pkt_diff(want, out.data, out.len, text, sizeof(text)))
		fail_msg("%s", text);
}

/* As if @inner had come in by itself */
static inline void world_is_inside(unsigned int h, const struct pkt *inner)
{
	if (!world_send(bare[h], inner, &alone))
		return;
	if (strcmp(out.reason ?: "", alone.reason ?: ""))
		fail_msg("%s, by itself %s", out.reason ?: "passed", alone.reason ?: "passed");
	world_is(inner);
	if (alone.reason)
		return;
	world_left("inside.next", NULL);
	if (memcmp(&out.pkt, &alone.pkt, sizeof(out.pkt)))
		for (size_t i = 0; i < sizeof(out.pkt); i++)
			if (((char *)&out.pkt)[i] != ((char *)&alone.pkt)[i])
				fail_msg("byte %zu of the context differs", i);
}

static inline void world_new(void)
{
	EACH_HOOK (h) {
		rigs[h] = rig_new(DECAP_NODE(OWN), hooks[h]);
		bare[h] = rig_new("nodes:\n  inside: { module: count }\n  n: { module: decap }\n"
				  "graphs:\n  g: [n, inside]\n", hooks[h]);
	}
}

#endif
