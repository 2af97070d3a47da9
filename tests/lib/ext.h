/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* ext.h - what ext.bpf.c and its test agree on */
#ifndef TESTS_LIB_EXT_H
#define TESTS_LIB_EXT_H

#include "../../dataplane/modules/filter_rule.h"

#define EXT_N		8
#define EXT_OFF		64
#define EXT_MALFORMED	0x7777

/* What the packet's context says of its flow */
struct ext_flow {
	__u32	slot, mark;		/* slot: + 1 */
	__u16	zone;
	__u8	state, flags;
};

struct ext_image {
	__u8	head[EXT_OFF];
	struct filter_ext ext[EXT_N];
};

#endif
