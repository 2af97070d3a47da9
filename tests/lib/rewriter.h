/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* rewriter.h - table 'rewriter_to': 0: what packets get; 1: what those that they quote get */
#ifndef TESTS_LIB_REWRITER_H
#define TESTS_LIB_REWRITER_H

#include <shunt/packet.h>

#define REWRITER_PORTS	0x1
#define REWRITER_ID	0x2

struct rewriter {
	struct shunt_addr saddr, daddr;
	__be16	sport, dport;
	__u32	flags;
	__u32	used;
};

#endif
