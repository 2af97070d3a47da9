// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * hash.c - a table of entries of one size that begin with their key
 *
 * DOC: Open addressing over entries' numbers, at most two thirds full; what is removed is closed up by
 * moving those behind it (Knuth, The Art of Computer Programming 3, 6.4, algorithm R), so that there are no tombstones.
 */
#include <stdlib.h>
#include <string.h>

#include <base/arena.h>
#include <mirror/hash.h>

#define SIZE_FIRST	16

void hash_fini(struct hash *hash)
{
	free(hash->entry);
	free(hash->slot);
	free(hash->mark);
	hash->entry = NULL;
	hash->slot = NULL;
	hash->mark = NULL;
	hash->n = hash->size = hash->n_slots = 0;
}

uint64_t hash_of(const void *data, size_t bytes)
{
	uint64_t hash = bytes, word;
	const uint8_t *at = data;
	uint32_t half;

	for (; bytes >= sizeof(word); at += sizeof(word), bytes -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15;
		hash ^= hash >> 32;
	}
	if (bytes) {
		memcpy(&half, at, sizeof(half));
		hash = (hash ^ half) * 0x9e3779b97f4a7c15;
		hash ^= hash >> 32;
	}
	hash *= 0xff51afd7ed558ccd;
	return hash ^ hash >> 29;
}

static uint32_t home(const struct hash *hash, const void *key)
{
	return hash_of(key, hash->key_bytes) & (hash->n_slots - 1);
}

/* The slot that has @key, or the empty one where it belongs */
static uint32_t place(const struct hash *hash, const void *key)
{
	uint32_t at = home(hash, key);

	while (hash->slot[at] && memcmp(hash_at(hash, hash->slot[at] - 1), key, hash->key_bytes))
		at = (at + 1) & (hash->n_slots - 1);
	return at;
}

const void *hash_find(const struct hash *hash, const void *key)
{
	uint32_t slot;

	if (!hash->n)
		return NULL;
	slot = hash->slot[place(hash, key)];
	return slot ? hash_at(hash, slot - 1) : NULL;
}

static void *resize(void *old, size_t n, size_t bytes)
{
	void *new = reallocarray(old, n, bytes);

	if (!new)
		arena_no_memory();
	return new;
}

static void rehash(struct hash *hash)
{
	hash->n_slots = hash->n_slots ? 2 * hash->n_slots : 2 * SIZE_FIRST;
	free(hash->slot);
	hash->slot = calloc(hash->n_slots, sizeof(*hash->slot));
	if (!hash->slot)
		arena_no_memory();
	for (uint32_t i = 0; i < hash->n; i++)
		hash->slot[place(hash, hash_at(hash, i))] = i + 1;
}

/* Room for one more. By halves rather than doubles: a million entries are to be lean */
static void make_room(struct hash *hash)
{
	if (hash->n == hash->size) {
		hash->size = hash->size ? hash->size + hash->size / 2 : SIZE_FIRST;
		hash->entry = resize(hash->entry, hash->size, hash->entry_bytes);
		if (hash->mark)
			hash->mark = resize(hash->mark, hash->size, 1);
	}
	if (hash->n + 1 > hash->n_slots / 3 * 2)
		rehash(hash);
}

static uint32_t number(const struct hash *hash, const void *entry)
{
	return ((const uint8_t *)entry - hash->entry) / hash->entry_bytes;
}

static void tell(struct hash *hash, const void *entry, bool gone)
{
	if (hash->changed)
		hash->changed(hash->arg, entry, gone);
}

bool hash_set(struct hash *hash, const void *entry)
{
	uint8_t *old = (uint8_t *)hash_find(hash, entry);

	if (old) {
		hash_touch(hash, old);
		if (!memcmp(old, entry, hash->entry_bytes))
			return false;
		memcpy(old, entry, hash->entry_bytes);
		tell(hash, old, false);
		return true;
	}
	make_room(hash);
	old = (uint8_t *)hash_at(hash, hash->n);
	memcpy(old, entry, hash->entry_bytes);
	hash->slot[place(hash, entry)] = ++hash->n;
	if (hash->mark)
		hash->mark[hash->n - 1] = true;
	tell(hash, old, false);
	return true;
}

/* Slots behind an empty one move up where their home is not between */
static void close_gap(struct hash *hash, uint32_t gap)
{
	uint32_t mask = hash->n_slots - 1, at = gap, wanted;

	for (;;) {
		at = (at + 1) & mask;
		if (!hash->slot[at])
			break;
		wanted = home(hash, hash_at(hash, hash->slot[at] - 1));
		if (((at - wanted) & mask) < ((at - gap) & mask))
			continue;
		hash->slot[gap] = hash->slot[at];
		gap = at;
	}
	hash->slot[gap] = 0;
}

void hash_del_at(struct hash *hash, uint32_t i)
{
	uint32_t last = hash->n - 1, slot;

	tell(hash, hash_at(hash, i), true);
	slot = place(hash, hash_at(hash, i));
	if (i != last) {
		hash->slot[place(hash, hash_at(hash, last))] = i + 1;
		memcpy((void *)hash_at(hash, i), hash_at(hash, last), hash->entry_bytes);
		if (hash->mark)
			hash->mark[i] = hash->mark[last];
	}
	close_gap(hash, slot);
	hash->n--;
}

bool hash_del(struct hash *hash, const void *key)
{
	const void *entry = hash_find(hash, key);

	if (!entry)
		return false;
	hash_del_at(hash, number(hash, entry));
	return true;
}

void hash_mark(struct hash *hash)
{
	hash->mark = resize(hash->mark, hash->size ? hash->size : 1, 1);
	memset(hash->mark, 0, hash->size ? hash->size : 1);
}

bool hash_marked(const struct hash *hash, const void *entry)
{
	return hash->mark && hash->mark[number(hash, entry)];
}

void hash_touch(struct hash *hash, const void *entry)
{
	if (hash->mark)
		hash->mark[number(hash, entry)] = true;
}

void hash_unmark(struct hash *hash)
{
	free(hash->mark);
	hash->mark = NULL;
}

uint32_t hash_sweep(struct hash *hash)
{
	uint32_t n = hash->n;

	if (!hash->mark)
		return 0;
	for (uint32_t i = hash->n; i--;)
		if (!hash->mark[i])
			hash_del_at(hash, i);
	hash_unmark(hash);
	return n - hash->n;
}

size_t hash_bytes(const struct hash *hash)
{
	return (size_t)hash->size * (hash->entry_bytes + !!hash->mark) +
	       hash->n_slots * sizeof(*hash->slot);
}
