/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * fib_pool.h - pages of forwarding tables, and what lies in them
 *
 * A page is a root page, lines, leaves of one size, or one of several that follow each other. What
 * is given back may still be read: it is used again only after fib_pool_reuse().
 */
#ifndef COMPILE_FIB_POOL_H
#define COMPILE_FIB_POOL_H

#include <stddef.h>
#include <stdint.h>

#include <compile/fib.h>

#define FIB_POOL_SIZES	5	/* of leaves that follow each other: 2, 4, 8, 16 (a line), 32 */
#define FIB_POOL_LINE	3

struct fib_list {
	uint32_t *at;
	size_t n, room;
};

/* Without memory for it the number is lost: what it names is not used again */
void fib_list_push(struct fib_list *list, uint32_t number);

struct fib_pool {
	struct fib_store *store;
	struct fib_page **page;		/* FIB_PAGES_MAX; NULL: there is no such page */
	uint32_t end;			/* behind the last page that there ever was */
	uint32_t n_pages;
	struct fib_list free[FIB_POOL_SIZES];	/* numbers of leaves */
	struct fib_list free_pages, free_flats;		/* the latter: FIB_FLAT_PAGES in a row */
	struct fib_list retired[FIB_POOL_SIZES];
	struct fib_list retired_pages;	/* pairs: first, how many */
	size_t used[FIB_POOL_SIZES];	/* not free, nor retired */
	size_t used_pages;
};

int fib_pool_init(struct fib_pool *pool, struct fib_store *store);
void fib_pool_fini(struct fib_pool *pool);

/* @size: index of sizes. Lines are zeroed. Return: 0; -ENOMEM; -ENOSPC; or what the store says */
int fib_pool_get(struct fib_pool *pool, unsigned int size, uint32_t *ret_leaf);
void fib_pool_put(struct fib_pool *pool, unsigned int size, uint32_t leaf);

/* @n pages with following numbers, zeroed */
int fib_pool_get_pages(struct fib_pool *pool, uint32_t n, uint32_t *ret_first);
void fib_pool_put_pages(struct fib_pool *pool, uint32_t first, uint32_t n);

/* No program reads any more what was given back */
void fib_pool_reuse(struct fib_pool *pool);

static inline uint32_t *fib_pool_leaf(const struct fib_pool *pool, uint32_t leaf)
{
	return &pool->page[FIB_LEAF_PAGE(leaf)]->leaf[FIB_LEAF_INDEX(leaf)];
}

static inline __u64 *fib_pool_line(const struct fib_pool *pool, uint32_t line)
{
	return pool->page[FIB_LINE_PAGE(line)]->line[FIB_LINE_INDEX(line)];
}

#endif
