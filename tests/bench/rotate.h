/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* rotate.h - what rotate.bpf.c sends */
#ifndef TESTS_BENCH_ROTATE_H
#define TESTS_BENCH_ROTATE_H

#define ROTATE_FRAMES	16384
#define ROTATE_BYTES	64	/* of a frame */

struct rotate_frame {
	unsigned long long word[ROTATE_BYTES / 8];
};

#endif
