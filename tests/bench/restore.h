/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* restore.h - what restore.bpf.c restores */
#ifndef TESTS_BENCH_RESTORE_H
#define TESTS_BENCH_RESTORE_H

#define RESTORE_MAX	128		/* bytes of a frame */

struct restore_frame {
	unsigned long long word[RESTORE_MAX / 8];
};

#endif
