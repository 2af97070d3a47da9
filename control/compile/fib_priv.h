/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* fib_priv.h - what the files that build forwarding tables share */
#ifndef COMPILE_FIB_PRIV_H
#define COMPILE_FIB_PRIV_H

#include <compile/fib.h>
#include <compile/fib_pool.h>
#include <compile/fib_trie.h>

/* IPv6 entries of up to 64 bits [0], and of more [1] */
struct fib6_region {
	uint32_t first, pages;		/* 0: there is none */
	uint32_t lines;			/* a power of two */
	uint32_t used;			/* entries, with those that wait for a grace period */
	uint32_t *below;		/* by entry: how many prefixes it leads to */
	struct fib_list retired;	/* entries */
};

struct fib6 {
	uint32_t head;			/* line; 0: there is none */
	struct fib6_region region[2];
};

struct fib_owned {
	struct fib_trie trie[2];	/* IPv4, IPv6 */
	struct fib6 six;
	uint32_t below8[256];		/* IPv4 routes that are longer than /8, by first byte */
	bool stale;			/* IPv4: not rendered since the load began */
};

struct fib {
	struct fib_store *store;
	struct fib_pool pool;
	struct fib_owned *table;	/* store->n_tables */
	uint64_t seed;
	bool loading, broken;
};

/* One store, of what programs read at any time */
#define fib_put(at, value) __atomic_store_n(at, value, __ATOMIC_RELEASE)

static inline struct fib_trie *fib_trie_of(const struct fib *fib, const struct fib_route *route)
{
	return &fib->table[route->table].trie[route->family == 6];
}

/* Bring the words of a prefix up to what the trie says. Return: 0 or -errno */
int fib4_render(struct fib *fib, uint32_t table, uint32_t addr, unsigned int len);

/* The trie has the change already */
int fib6_insert(struct fib *fib, const struct fib_route *route, bool replace);
int fib6_remove(struct fib *fib, const struct fib_route *route);
void fib6_reuse(struct fib *fib, struct fib6 *six);
void fib6_fini(struct fib *fib, struct fib6 *six);
/* All of a table anew, beside what is there */
int fib6_rebuild(struct fib *fib, uint32_t table);

#endif
