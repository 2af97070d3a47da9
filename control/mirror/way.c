// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* way.c - where a route leads: values that many routes share, each kept once */
#include <stdlib.h>
#include <string.h>

#include <base/arena.h>
#include <mirror/hash.h>
#include <mirror/way.h>

#define SLOTS_FIRST	16

void way_table_fini(struct way_table *table)
{
	for (uint32_t i = 0; i < table->n; i++)
		free(table->slot[i].way);
	free(table->slot);
	free(table->bucket);
	*table = (struct way_table){};
}

static uint32_t *bucket(const struct way_table *table, const struct way *way)
{
	return &table->bucket[hash_of(way, way_bytes(way)) & (table->n_buckets - 1)];
}

static void rehash(struct way_table *table)
{
	table->n_buckets = table->n_buckets ? 2 * table->n_buckets : SLOTS_FIRST;
	free(table->bucket);
	table->bucket = calloc(table->n_buckets, sizeof(*table->bucket));
	if (!table->bucket)
		arena_no_memory();
	for (uint32_t i = 0; i < table->n; i++) {
		uint32_t *head;

		if (!table->slot[i].way)
			continue;
		head = bucket(table, table->slot[i].way);
		table->slot[i].next = *head;
		*head = i + 1;
	}
}

bool way_find(const struct way_table *table, const struct way *way, uint32_t *ret_number)
{
	size_t bytes = way_bytes(way);
	uint32_t at;

	if (!table->n_buckets)
		return false;
	for (at = *bucket(table, way); at; at = table->slot[at - 1].next) {
		const struct way *other = table->slot[at - 1].way;

		if (other->n_hops != way->n_hops || memcmp(other, way, bytes))
			continue;
		*ret_number = at - 1;
		return true;
	}
	return false;
}

/* Return: the number of a slot that is free */
static uint32_t take_slot(struct way_table *table)
{
	uint32_t number = table->free;

	if (number) {
		table->free = table->slot[number - 1].next;
		return number - 1;
	}
	if (table->n == table->size) {
		table->size = table->size ? 2 * table->size : SLOTS_FIRST;
		table->slot = reallocarray(table->slot, table->size, sizeof(*table->slot));
		if (!table->slot)
			arena_no_memory();
	}
	return table->n++;
}

uint32_t way_get(struct way_table *table, const struct way *way)
{
	size_t bytes = way_bytes(way);
	uint32_t number, *head;
	struct way_slot *slot;

	if (way_find(table, way, &number)) {
		table->slot[number].users++;
		return number;
	}
	if (table->used >= table->n_buckets)
		rehash(table);
	number = take_slot(table);
	slot = &table->slot[number];
	slot->way = malloc(bytes);
	if (!slot->way)
		arena_no_memory();
	memcpy(slot->way, way, bytes);
	head = bucket(table, way);
	slot->users = 1;
	slot->next = *head;
	*head = number + 1;
	table->used++;
	table->bytes += bytes;
	return number;
}

void way_hold(struct way_table *table, uint32_t number)
{
	table->slot[number].users++;
}

void way_put(struct way_table *table, uint32_t number)
{
	struct way_slot *slot = &table->slot[number];
	uint32_t *at;

	if (--slot->users)
		return;
	for (at = bucket(table, slot->way); *at != number + 1; at = &table->slot[*at - 1].next)
		;
	*at = slot->next;
	table->used--;
	table->bytes -= way_bytes(slot->way);
	free(slot->way);
	slot->way = NULL;
	slot->next = table->free;
	table->free = number + 1;
}
