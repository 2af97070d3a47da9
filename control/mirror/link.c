// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* link.c - the kernel's interfaces as a value: an array, sorted by ifindex */
#include <stdlib.h>
#include <string.h>

#include <base/arena.h>
#include <mirror/link.h>

void link_table_fini(struct link_table *table)
{
	free(table->link);
	*table = (struct link_table){};
}

/* Where @ifindex is, or belongs */
static unsigned int place(const struct link_table *table, uint32_t ifindex)
{
	unsigned int low = 0, high = table->n;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;

		if (table->link[middle].ifindex < ifindex)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct link_table *table, unsigned int i, uint32_t ifindex)
{
	return i < table->n && table->link[i].ifindex == ifindex;
}

const struct link *link_find(const struct link_table *table, uint32_t ifindex)
{
	unsigned int i = place(table, ifindex);

	return is_at(table, i, ifindex) ? &table->link[i] : NULL;
}

const struct link *link_find_name(const struct link_table *table, const char *name)
{
	for (unsigned int i = 0; i < table->n; i++)
		if (!strcmp(table->link[i].name, name))
			return &table->link[i];
	return NULL;
}

static void grow(struct link_table *table)
{
	unsigned int size = table->size ? 2 * table->size : 16;
	struct link *link = realloc(table->link, size * sizeof(*link));

	if (!link)
		arena_no_memory();
	table->link = link;
	table->size = size;
}

/* @link may be one of the table's own */
void link_set(struct link_table *table, const struct link *link)
{
	unsigned int i = place(table, link->ifindex);
	struct link copy = *link;

	if (!is_at(table, i, link->ifindex)) {
		if (table->n == table->size)
			grow(table);
		memmove(&table->link[i + 1], &table->link[i],
			(table->n - i) * sizeof(*table->link));
		table->n++;
	}
	table->link[i] = copy;
}

bool link_del(struct link_table *table, uint32_t ifindex)
{
	unsigned int i = place(table, ifindex);

	if (!is_at(table, i, ifindex))
		return false;
	table->n--;
	memmove(&table->link[i], &table->link[i + 1], (table->n - i) * sizeof(*table->link));
	return true;
}
