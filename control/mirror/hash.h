/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* hash.h - a table of entries of one size that begin with their key: what most of the mirror is kept in */
#ifndef MIRROR_HASH_H
#define MIRROR_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Entries lie side by side, in no order; holes in them are zero, for they are compared as bytes. An entry
 * stays where it is until one is added or removed.
 */
struct hash {
	uint8_t *entry;
	uint32_t *slot;			/* entry's number + 1; 0: empty */
	uint8_t *mark;			/* while a dump is compared; or NULL */
	uint32_t n, size, n_slots;	/* n_slots: a power of two, or 0 */
	uint32_t entry_bytes, key_bytes;	/* multiples of 4 */
	/* Told of each entry that is another now, or new; of one that goes just before it does. Or NULL */
	void (*changed)(void *arg, const void *entry, bool gone);
	void *arg;
};

#define HASH(type, key_end) { .entry_bytes = sizeof(type), .key_bytes = offsetof(type, key_end) }

void hash_fini(struct hash *hash);	/* empty again, ready for use; tells nobody */

/* @key: an entry of which the key alone is read. Return: borrowed; NULL: none */
const void *hash_find(const struct hash *hash, const void *key);
static inline const void *hash_at(const struct hash *hash, uint32_t i)
{
	return hash->entry + (size_t)i * hash->entry_bytes;
}

/* Add or replace; marks it. Return: false: nothing is different now */
bool hash_set(struct hash *hash, const void *entry);
bool hash_del(struct hash *hash, const void *key);
/* By number: the last entry takes its place, so that a walk from the end may remove as it goes */
void hash_del_at(struct hash *hash, uint32_t i);

/* All unmarked. What hash_set() does not mark until hash_sweep(), that removes. Return of that: how many */
void hash_mark(struct hash *hash);
bool hash_marked(const struct hash *hash, const void *entry);
void hash_touch(struct hash *hash, const void *entry);	/* one of the table's own: marks it */
uint32_t hash_sweep(struct hash *hash);
void hash_unmark(struct hash *hash);	/* no sweep after all */

size_t hash_bytes(const struct hash *hash);

/* All of @bytes, a multiple of 4 */
uint64_t hash_of(const void *data, size_t bytes);

#endif
