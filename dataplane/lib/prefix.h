/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* prefix.h - lists of addresses and prefixes among a node's constants */
#ifndef SHUNT_LIB_PREFIX_H
#define SHUNT_LIB_PREFIX_H

#include <shunt/lib/ctx.h>

static __always_inline bool prefix_is_last(const volatile struct shunt_prefix *prefix)
{
	return !(prefix->addr.half[0] | prefix->addr.half[1] | prefix->open.half[0] |
		 prefix->open.half[1]);
}

/*
 * Whether one of the list has the address. @n: a constant, elements of the array. The verifier knows
 * the list, and leaves nothing of what is behind its last one.
 */
static __always_inline bool prefix_has(const volatile struct shunt_prefix *list, const __u32 n,
				       const struct shunt_addr *addr)
{
	__u32 i;

#pragma clang loop unroll(full)
	for (i = 0; i < n; i++) {
		if (prefix_is_last(&list[i]))
			return false;
		if (!((addr->half[0] ^ list[i].addr.half[0]) & ~list[i].open.half[0]) &&
		    !((addr->half[1] ^ list[i].addr.half[1]) & ~list[i].open.half[1]))
			return true;
	}
	return false;
}

#endif
