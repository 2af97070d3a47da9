/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* classbench.h - the programs that classbench measures */
#ifndef TESTS_BENCH_CLASSBENCH_H
#define TESTS_BENCH_CLASSBENCH_H

#include "../lib/classbench.h"

struct classbench_programs {
	int gate_fd;			/* gate, root, filter; PASS: accept, DROP: drop */
	double build_ms;		/* rules to rows to an image */
	double load_ms;			/* all: the text to an image, programs and tables */
	size_t memory_bytes;		/* of the image */
	unsigned int worst_steps;	/* nodes and rows that a packet may read */
	unsigned int verifier_insns;	/* of the program that took the verifier most */
};

void classbench_programs_load(const struct classbench_set *set,
			      struct classbench_programs *ret_programs);

#endif
