// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * table_read.c - all elements of a table that may change meanwhile
 *
 * DOC: The kernel walks most types by "the key after this one", and begins
 * anew when that one is gone: in one piece (a batch) or key by key, an element may
 * come twice. A set of the keys seen keeps the first. A walk that only repeats
 * itself is given up.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include <base/arena.h>
#include <kernel/table_priv.h>

#define BATCH_FIRST	4096		/* elements; a hash's fullest bucket has to fit */
#define BATCH_BYTES	(4u << 20)
#define REPEATS_MIN	65536

#ifndef ENOTSUPP
#define ENOTSUPP	524		/* the kernel's own; it gets out */
#endif

struct reader {
	const struct table *table;
	size_t max;			/* 0: all */
	unsigned char *data;		/* elements */
	size_t n, room;
	uint32_t *slot;			/* open addressing: 1 + index of an element, 0: empty */
	size_t n_slots;			/* a power of 2, at least twice n */
	size_t repeats;
	bool more;
};

size_t table_value_size(const struct table *table)
{
	return table->stride * table->n_cpus;
}

bool table_is_array(const struct table *table)
{
	return table->info.type == BPF_MAP_TYPE_ARRAY ||
	       table->info.type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static void *grow(void *old, size_t size)
{
	void *data = realloc(old, size);

	if (!data)
		arena_no_memory();
	return data;
}

static size_t element_size(const struct reader *reader)
{
	return reader->table->info.key_size + table_value_size(reader->table);
}

static unsigned char *element(const struct reader *reader, size_t i)
{
	return reader->data + i * element_size(reader);
}

/* The slot that has the key, or the empty one where it belongs */
static uint32_t *find_slot(const struct reader *reader, const void *key)
{
	size_t key_size = reader->table->info.key_size;
	uint64_t hash = btf_layout_hash_bytes(BTF_LAYOUT_HASH_INIT, key, key_size);
	uint32_t *slot;

	for (hash ^= hash >> 32;; hash++) {
		slot = &reader->slot[hash & (reader->n_slots - 1)];
		if (!*slot || !memcmp(element(reader, *slot - 1), key, key_size))
			return slot;
	}
}

static void grow_slots(struct reader *reader)
{
	size_t i;

	reader->n_slots = reader->n_slots ? 2 * reader->n_slots : 1024;
	free(reader->slot);
	reader->slot = calloc(reader->n_slots, sizeof(*reader->slot));
	if (!reader->slot)
		arena_no_memory();
	for (i = 0; i < reader->n; i++)
		*find_slot(reader, element(reader, i)) = i + 1;
}

bool table_is_zero(const unsigned char *data, size_t len)
{
	return len == 0 || (data[0] == 0 && !memcmp(data, data + 1, len - 1));
}

static bool is_full(const struct reader *reader)
{
	return reader->max && reader->n >= reader->max;
}

/* Return: false: enough */
static bool add(struct reader *reader, const void *key, const void *value)
{
	size_t key_size = reader->table->info.key_size, size = element_size(reader);
	size_t value_size = table_value_size(reader->table);
	uint32_t *slot;

	if (table_is_array(reader->table) && table_is_zero(value, value_size))
		return true;
	if (2 * (reader->n + 1) > reader->n_slots)
		grow_slots(reader);
	slot = find_slot(reader, key);
	if (*slot) {
		reader->repeats++;
		return true;
	}
	if (is_full(reader)) {
		reader->more = true;
		return false;
	}
	if (reader->n == reader->room) {
		reader->room = reader->room ? 2 * reader->room : 64;
		reader->data = grow(reader->data, reader->room * size);
	}
	memcpy(element(reader, reader->n), key, key_size);
	memcpy(element(reader, reader->n) + key_size, value, value_size);
	*slot = ++reader->n;
	return true;
}

static bool goes_round(const struct reader *reader)
{
	return reader->repeats > 4 * (size_t)reader->table->info.max_entries + REPEATS_MIN;
}

static int read_keys(struct reader *reader)
{
	size_t key_size = reader->table->info.key_size;
	unsigned char *key = grow(NULL, 2 * key_size), *next = key + key_size, *swap, *memory = key;
	void *value = grow(NULL, table_value_size(reader->table));
	int fd = reader->table->fd, r;

	r = bpf_map_get_next_key(fd, NULL, key);
	while (r == 0) {
		r = bpf_map_lookup_elem(fd, key, value);
		if (r == 0 && !add(reader, key, value))
			break;
		if (r < 0 && r != -ENOENT)
			break;		/* -ENOENT: gone meanwhile */
		if (goes_round(reader)) {
			r = -EAGAIN;
			break;
		}
		r = bpf_map_get_next_key(fd, key, next);
		swap = key, key = next, next = swap;
	}
	free(memory);
	free(value);
	return r == -ENOENT ? 0 : r;
}

static uint32_t batch_size(const struct reader *reader)
{
	size_t fit = BATCH_BYTES / element_size(reader);

	return fit < 64 ? 64 : fit > BATCH_FIRST ? BATCH_FIRST : fit;
}

/* Return: 0; -EOPNOTSUPP: no batches for this type; -errno */
static int read_batches(struct reader *reader)
{
	size_t key_size = reader->table->info.key_size, mark_size = key_size < 4 ? 4 : key_size;
	size_t value_size = table_value_size(reader->table), n = batch_size(reader);
	unsigned char *keys = grow(NULL, n * key_size), *values = grow(NULL, n * value_size);
	unsigned char *mark = grow(NULL, mark_size), *next = grow(NULL, mark_size);
	bool begun = false, wanted = true;
	uint32_t got, i;
	int r = 0;

	while (r == 0 && wanted) {
		got = n;
		r = bpf_map_lookup_batch(reader->table->fd, begun ? mark : NULL, next, keys, values,
					 &got, NULL);
		if (r == -ENOSPC && got == 0) {		/* a bucket that does not fit */
			n *= 2;
			keys = grow(keys, n * key_size);
			values = grow(values, n * value_size);
			r = 0;
			continue;
		}
		if (r < 0 && r != -ENOENT)
			break;		/* -ENOENT: these were the last */
		for (i = 0; i < got && wanted; i++)
			wanted = add(reader, keys + i * key_size, values + i * value_size);
		memcpy(mark, next, mark_size);
		begun = true;
		if (r == 0 && goes_round(reader))
			r = -EAGAIN;
	}
	free(keys);
	free(values);
	free(mark);
	free(next);
	if (!begun && (r == -ENOTSUPP || r == -EINVAL))
		return -EOPNOTSUPP;
	return r == -ENOENT ? 0 : r;
}

static int finish(struct reader *reader, int r, struct table_elements *ret_elements,
		  struct err *err)
{
	free(reader->slot);
	if (r < 0) {
		free(reader->data);
		return err_set(err, r, "read table '%s'", reader->table->info.name);
	}
	*ret_elements = (struct table_elements){
		.data = reader->data, .n = reader->n, .more = reader->more,
		.element_size = element_size(reader),
	};
	return 0;
}

int table_read_by_key(const struct table *table, size_t max, struct table_elements *ret_elements,
		      struct err *err)
{
	struct reader reader = { .table = table, .max = max };

	return finish(&reader, read_keys(&reader), ret_elements, err);
}

int table_read(const struct table *table, size_t max, struct table_elements *ret_elements,
	       struct err *err)
{
	struct reader reader = { .table = table, .max = max };
	int r;

	r = read_batches(&reader);
	if (r == -EOPNOTSUPP)
		r = read_keys(&reader);
	return finish(&reader, r, ret_elements, err);
}
