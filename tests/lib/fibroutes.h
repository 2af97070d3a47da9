/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* fibroutes.h - made-up routing tables, in proportions of public ones; the same each time */
#ifndef TESTS_LIB_FIBROUTES_H
#define TESTS_LIB_FIBROUTES_H

#include <compile/fib.h>

#define FIBROUTES_IFINDEX	1000	/* that packets come in by, fibroutes_to_kernel() */

struct fibroutes_kind {
	const char *name;		/* NULL: the end of the list */
	unsigned int family;
	size_t n;
	unsigned int hosts;		/* percent of them: containers in dense networks */
};

extern const struct fibroutes_kind fibroutes_kinds[];

struct fibroutes {
	struct fib_route *at;		/* all different */
	size_t n;
};

void fibroutes_make(const struct fibroutes_kind *kind, struct fibroutes *ret_routes);
void fibroutes_fini(struct fibroutes *routes);

/* A random address below a random route */
void fibroutes_below(const struct fibroutes *routes, uint64_t *ret_high, uint64_t *ret_low);

/* Into the kernel's table of a network namespace that the process gets for it */
void fibroutes_to_kernel(const struct fibroutes *routes);
int fibroutes_in_kernel(void);

#endif
