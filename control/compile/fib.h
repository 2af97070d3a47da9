/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * fib.h - forwarding tables (dataplane/lib/fib.h): built, and changed under traffic
 *
 * Pure: where pages lie is the store's affair, what a hop is the caller's. One writer at a time.
 * Each change is in force when the call returns.
 *
 *	fib_set(fib, &route, &err);
 *	...
 *	grace();		// no program runs that ran before
 *	fib_reuse(fib);		// else the tables only grow
 */
#ifndef COMPILE_FIB_H
#define COMPILE_FIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/err.h>
#include <shunt/lib/fib.h>

/* Whoever has the memory that programs read fills in one of these */
struct fib_store {
	/* Pages @first to @first + @n - 1, zeroed. Return: 0 or -errno, and then none of them */
	int (*add)(void *data, uint32_t first, uint32_t n, struct fib_page **ret_page);
	void (*remove)(void *data, uint32_t first, uint32_t n, struct fib_page **page);
	void *data;
	struct fib_table *table;	/* zeroed */
	uint32_t n_tables;
};

/* A store of plain memory */
int fib_store_new(uint32_t n_tables, struct fib_store **ret_store);
void fib_store_free(struct fib_store *store);

struct fib_route {
	uint32_t table;		/* below n_tables */
	uint32_t hop;		/* 1 to FIB_HOP_MAX */
	uint64_t high, low;	/* host order; IPv4: the highest 32 bits; behind the prefix: 0 */
	uint8_t family;		/* 4, 6 */
	uint8_t len;
};

struct fib_size {
	size_t routes4, routes6;
	size_t pages;		/* that programs read, bytes: times FIB_PAGE_BYTES */
	size_t used;		/* bytes of those that something lies in */
	size_t retired;		/* bytes that wait for fib_reuse() */
	size_t here_bytes;	/* what user space has besides */
};

struct fib;

/**
 * fib_new() - Empty tables
 * @store:	Borrowed; outlives them. Its tables and pages are the new one's alone
 * @seed:	Random: which IPv6 prefixes meet in a line is nobody else's to say
 * Return: 0; -ENOMEM
 */
int fib_new(struct fib_store *store, uint64_t seed, struct fib **ret_fib);
void fib_free(struct fib *fib);		/* NULL is fine; pages go, tables are left as they are */

/**
 * fib_set() - Insert a route, or give it another hop
 * Return: 0; -EINVAL: no such table, hop, family, length, or bits behind the prefix; -ENOMEM,
 *	   -ENOSPC: no room, or what the store says. Then fib_is_broken(): some addresses of the
 *	   route may have the hop of before
 */
int fib_set(struct fib *fib, const struct fib_route *route, struct err *err);

/* Return: as fib_set(); -ENOENT: there is no such route. @route->hop is not asked for */
int fib_del(struct fib *fib, const struct fib_route *route, struct err *err);

/* Return: the hop of exactly this prefix; 0: there is no such route */
uint32_t fib_get(const struct fib *fib, const struct fib_route *route);

/**
 * fib_load_begin(), fib_load_end() - Many changes at once
 * Between them IPv4 tables stay as they are. Words go over one by one when it ends.
 */
void fib_load_begin(struct fib *fib);
int fib_load_end(struct fib *fib, struct err *err);

/* Some change did not find room; until a load (fib_load_begin(), fib_load_end()) makes all anew */
bool fib_is_broken(const struct fib *fib);

/* A grace period has passed since the last change */
void fib_reuse(struct fib *fib);

/* What programs find. @low: 0 for IPv4 */
uint32_t fib_find(const struct fib *fib, unsigned int family, uint32_t table, uint64_t high,
		  uint64_t low);

/* All routes of a table, in order of address and length, until @each says another thing than 0 */
int fib_walk(const struct fib *fib, unsigned int family, uint32_t table,
	     int (*each)(const struct fib_route *route, void *data), void *data);

/**
 * fib_verify() - Do programs find what the routes say?
 * Asked for is wherever a route begins or ends, and beside that, in all tables.
 * @ret_first:	The first address that has another hop, as a route of full length, with the hop that
 *		it should have
 * Return: how many
 */
size_t fib_verify(const struct fib *fib, struct fib_route *ret_first);

void fib_measure(const struct fib *fib, struct fib_size *ret_size);

#endif
