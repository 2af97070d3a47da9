/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * fib_tables.h - forwarding tables as maps (dataplane/lib/fib.h): the memory that compile/fib.h
 * builds in
 *
 *	struct fib_store store = {
 *		.add = fib_tables_add, .remove = fib_tables_remove, .data = tables,
 *		.table = fib_tables_memory(tables), .n_tables = n,
 *	};
 *
 * Nothing is pinned: whoever starts anew builds anew.
 */
#ifndef KERNEL_FIB_TABLES_H
#define KERNEL_FIB_TABLES_H

#include <stdint.h>

#include <base/err.h>
#include <kernel/object.h>
#include <shunt/lib/fib.h>

#define FIB_TABLES_MAPS	2

struct fib_tables;

/* Return: 0 or -errno, and then the text names the map */
int fib_tables_new(uint32_t n_tables, struct fib_tables **ret_tables, struct err *err);
void fib_tables_free(struct fib_tables *tables);	/* NULL is fine */

/* As object_load() takes them, for a program that includes lib/fib_find.h */
void fib_tables_maps(const struct fib_tables *tables, struct object_map ret_map[FIB_TABLES_MAPS]);

/* All tables, mapped; zeroed at first */
struct fib_table *fib_tables_memory(const struct fib_tables *tables);

/**
 * fib_tables_add() - Make pages, and let programs find them
 * @data:	struct fib_tables
 * @ret_page:	Where each is mapped
 * Return: 0 or -errno, and then there is none of them. May wait for a grace period
 */
int fib_tables_add(void *data, uint32_t first, uint32_t n, struct fib_page **ret_page);

/* Programs that run find an empty page there at most */
void fib_tables_remove(void *data, uint32_t first, uint32_t n, struct fib_page **page);

#endif
