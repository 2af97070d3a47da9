/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * classscan.h - the first rule that holds a packet, by looking at one rule after the other
 *
 * DOC: Not every rule needs a look: rules are sorted into lists by the first bits of their
 * addresses, those that have as many. A packet can only be in four lists: that of its source's and
 * destination's bits, that of either alone, and that of the rules which have neither. Each list is
 * in the order of the set and is read from its start, with classbench_holds().
 */
#ifndef TESTS_LIB_CLASSSCAN_H
#define TESTS_LIB_CLASSSCAN_H

#include "classbench.h"

struct classscan;

/* @set is borrowed */
struct classscan *classscan_new(const struct classbench_set *set);
void classscan_free(struct classscan *scan);

/* What classbench_find() says */
size_t classscan_find(const struct classscan *scan, const struct classbench_packet *packet);

#endif
