/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * fib_trie.h - the prefixes of one table, in order: what a forwarding table is made from
 *
 * A binary trie without nodes of one child (Morrison, 1968). Keys are 128 bits in host order; an
 * IPv4 address is the highest 32 of them.
 */
#ifndef COMPILE_FIB_TRIE_H
#define COMPILE_FIB_TRIE_H

#include <stdbool.h>
#include <stdint.h>

struct fib_trie_node {
	uint64_t high, low;
	uint32_t child[2];	/* 0: none */
	uint32_t hop;		/* 0: not a prefix, only where two part */
	uint8_t len;
};

struct fib_trie {
	struct fib_trie_node *node;	/* by number; moves when it grows */
	uint32_t n, room;
	uint32_t root, unused;		/* 0: none */
	uint32_t n_routes;
};

void fib_trie_fini(struct fib_trie *trie);	/* of zeroed ones, too */

/**
 * fib_trie_set() - Insert a prefix, or give it another hop
 * @hop:	Not 0
 * @ret_old:	Its hop so far; 0: it is new
 * Return: 0; -ENOMEM
 */
int fib_trie_set(struct fib_trie *trie, uint64_t high, uint64_t low, unsigned int len, uint32_t hop,
		 uint32_t *ret_old);

/* Return: the hop that it had; 0: there is no such prefix */
uint32_t fib_trie_del(struct fib_trie *trie, uint64_t high, uint64_t low, unsigned int len);
uint32_t fib_trie_get(const struct fib_trie *trie, uint64_t high, uint64_t low, unsigned int len);

/* Prefixes that cover this one, itself among them, from the shortest on. Return: how many nodes */
unsigned int fib_trie_above(const struct fib_trie *trie, uint64_t high, uint64_t low,
			    unsigned int len, uint32_t ret_node[129]);

/* The hop of the longest of those; 0: there is none */
uint32_t fib_trie_best(const struct fib_trie *trie, uint64_t high, uint64_t low, unsigned int len);

/* The node below which all that this prefix covers lies, itself among them; 0: nothing does */
uint32_t fib_trie_below(const struct fib_trie *trie, uint64_t high, uint64_t low, unsigned int len);

#endif
