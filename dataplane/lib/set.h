/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * set.h - sets of values as the data path sees them
 *
 * DOC: Two kinds. A *static* set comes from the configuration: compile/set.c
 * builds it as an image, an array of lines of 64 bytes, which is exchanged whole
 * (table shunt_sets, an array of maps: one write, a packet sees the old or the
 * new set). A *dynamic* set is state: elements come and go by command and from
 * the data path, with a time to live (table shunt_dsets, an array of hash tables).
 *
 * A key is the values in order, each in host order: ip, port, proto, mark, vlan, iif one
 * word; ip6 four (the highest first); ether two (the high 16 bits first).
 */
#ifndef SHUNT_LIB_SET_H
#define SHUNT_LIB_SET_H

#include <linux/types.h>

#define SHUNT_SETS_MAX		256	/* slots of either table */
#define SHUNT_SET_ELEMENTS_MAX	(4u << 20)
#define SHUNT_SET_KEY_WORDS	10
#define SHUNT_SET_LINE		64	/* bytes */

struct shunt_set_key {
	__u32	word[SHUNT_SET_KEY_WORDS];	/* unused ones 0 */
};

/* An element of a dynamic set */
struct shunt_set_value {
	__u64	expires_ns;	/* CLOCK_MONOTONIC; 0: never */
	__u64	timeout_ns;	/* what it was given, for 'list' */
	__u64	packets, bytes;	/* where the set counts */
};

_Static_assert(sizeof(struct shunt_set_key) == 40, "ABI");
_Static_assert(sizeof(struct shunt_set_value) == 32, "ABI");

#endif
