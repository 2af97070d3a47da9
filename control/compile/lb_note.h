/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * lb_note.h - what a ring's words do not say, to be kept beside it: former owners, slow starts
 *
 * DOC: A note is of one ring in one boot of one kernel, and is written before the ring changes. So
 * it may be ahead of its ring by one change, never behind: see lb_history_adopt().
 */
#ifndef COMPILE_LB_NOTE_H
#define COMPILE_LB_NOTE_H

#include <base/buf.h>
#include <compile/lb_ring.h>

#define LB_NOTE_BOOT	16		/* bytes of a boot's id */

struct lb_slow {
	uint32_t backend;		/* number */
	uint32_t pad;
	uint64_t since_ms;		/* CLOCK_BOOTTIME */
};

struct lb_note {
	uint8_t boot[LB_NOTE_BOOT];
	uint32_t ring, slots;		/* the kernel's id of the map; its size */
	struct lb_history history;
	struct lb_slow *slow;		/* malloc()ed */
	unsigned int n_slow;
};

void lb_note_fini(struct lb_note *note);
void lb_note_print(const struct lb_note *note, struct buf *buf);
/* @now_ms: nothing is of later. Return: 0; -EINVAL: it is none, or of another version */
int lb_note_parse(const void *data, size_t len, uint64_t now_ms, struct lb_note *ret_note);

#endif
