/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* fib.h - table of fib.bpf.c */
#ifndef TESTS_LIB_FIB_H
#define TESTS_LIB_FIB_H

#include <linux/types.h>

#define FIB_QUESTIONS	4096

struct fib_question {
	__u64 high, low;	/* IPv4: the highest 32 bits */
	__u32 table;
	__u32 family;
	__u32 hop;		/* the answer */
	__u32 pad;
};

struct fib_asked {
	__u32 n;
	__u32 pad;
	struct fib_question question[FIB_QUESTIONS];
};

#endif
