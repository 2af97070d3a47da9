/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* mark.h - what the sender writes into each frame and the receiver counts by
 *
 * The mark is the last bytes of the frame: found whatever a graph puts in front, tags or tunnels.
 * One machine reads what it wrote: host byte order.
 */
#ifndef TESTS_LIB_MARK_H
#define TESTS_LIB_MARK_H

#include <stdint.h>

#define MARK_MAGIC	0x746e756873217170ull
#define MARK_MAX_SEQ	(1ull << 32)	/* frames of a run: the receiver keeps a bit for each */
#define MARK_MAX_FLOWS	65536

struct mark {
	uint64_t seq;		/* from 0, without holes, over all flows of a run */
	uint64_t time_ns;	/* CLOCK_MONOTONIC */
	uint32_t run;		/* one sender's start */
	uint32_t flow;
	uint64_t magic;
};

_Static_assert(sizeof(struct mark) == 32, "mark");

#endif
