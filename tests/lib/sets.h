/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* sets.h - table of sets.bpf.c */
#ifndef TESTS_LIB_SETS_H
#define TESTS_LIB_SETS_H

#include <linux/types.h>

#include <shunt/lib/set.h>

#define SETS_QUESTIONS	8192

enum sets_what { SETS_HAS, SETS_DHAS, SETS_ADD };

struct sets_question {
	struct shunt_set_key key;
	__s64 answer;
};

struct sets_asked {
	__u32 what;
	__u32 slot;
	__u32 n;		/* questions */
	__u32 len;
	__u64 now_ns, timeout_ns;
	__u64 update;
	struct sets_question question[SETS_QUESTIONS];
};

#endif
