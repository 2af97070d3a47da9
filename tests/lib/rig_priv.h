/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* rig_priv.h - what rig*.c share; nobody else includes it */
#ifndef TESTS_LIB_RIG_PRIV_H
#define TESTS_LIB_RIG_PRIV_H

#include "rig.h"

/* What a counter counts */
enum what { WHAT_NOTHING, WHAT_EDGE, WHAT_MISS, WHAT_REASON };

struct rig_counter {
	enum what what;
	const struct plan_node *node;	/* NULL: the root */
	const struct plan_edge *edge;	/* EDGE; NULL: root's */
	uint32_t n;			/* REASON: which; RULE: number from 1 */
	char name[2 * SHUNT_NAME_MAX + 16];
	bool moved;
};

extern const char *const rig_reason_names[SHUNT_REASON_MAX];

/* Packets that a rule has counted, by its index */
uint64_t rig_hits(const struct rig *rig, uint32_t hit);

#endif
