/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* fib_walk.h - the data path's lookup (dataplane/lib/fib_walk.h) over pages in memory */
#ifndef COMPILE_FIB_WALK_H
#define COMPILE_FIB_WALK_H

#include <compile/fib_priv.h>

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

typedef const struct fib *fib_ref;

static inline const struct fib_page *fib_page_at(fib_ref fib, uint32_t number)
{
	return number < FIB_PAGES_MAX ? fib->pool.page[number] : NULL;
}

static inline const struct fib_table *fib_table_at(fib_ref fib, uint32_t number)
{
	return number < fib->store->n_tables ? &fib->store->table[number] : NULL;
}

#define FIB_FUNCTION	static inline
#include <shunt/lib/fib_walk.h>

#endif
