// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* classscan.c - the first rule that holds a packet, by looking at one rule after the other */
#include <stdlib.h>
#include <string.h>

#include "classscan.h"

#define HAS_SOURCE	1
#define HAS_DEST	2
#define LISTS		4		/* that a packet can be in */

struct entry {
	uint64_t key;			/* first bits of source, of destination; 0: has none */
	unsigned int has;
	size_t index;
	struct classbench_rule rule;
};

struct classscan {
	unsigned int bits;		/* that make a list */
	struct entry *entry;		/* by has, key, index */
	size_t n;
};

static uint64_t key_of(const struct classscan *scan, unsigned int has, const uint32_t *saddr,
		       const uint32_t *daddr)
{
	uint64_t source = has & HAS_SOURCE ? saddr[0] >> (32 - scan->bits) : 0;
	uint64_t dest = has & HAS_DEST ? daddr[0] >> (32 - scan->bits) : 0;

	return source << 32 | dest;
}

static int compare_lists(const struct entry *entry, unsigned int has, uint64_t key)
{
	if (entry->has != has)
		return entry->has < has ? -1 : 1;
	return entry->key < key ? -1 : entry->key > key;
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int r = compare_lists(x, y->has, y->key);

	return r ? r : x->index < y->index ? -1 : 1;
}

struct classscan *classscan_new(const struct classbench_set *set)
{
	struct classscan *scan = calloc(1, sizeof(*scan));
	size_t i;

	if (!scan || !(scan->entry = calloc(set->n, sizeof(*scan->entry))))
		abort();
	scan->bits = set->family == 4 ? 16 : 32;
	scan->n = set->n;
	for (i = 0; i < set->n; i++) {
		const struct classbench_rule *rule = &set->rule[i];
		struct entry *entry = &scan->entry[i];

		entry->rule = *rule;
		entry->index = i;
		entry->has = (rule->slen >= scan->bits ? HAS_SOURCE : 0) |
			     (rule->dlen >= scan->bits ? HAS_DEST : 0);
		entry->key = key_of(scan, entry->has, rule->saddr, rule->daddr);
	}
	qsort(scan->entry, scan->n, sizeof(*scan->entry), compare_entries);
	return scan;
}

void classscan_free(struct classscan *scan)
{
	if (!scan)
		return;
	free(scan->entry);
	free(scan);
}

/* The first entry of a list, or where it would be */
static size_t list_start(const struct classscan *scan, unsigned int has, uint64_t key)
{
	size_t first = 0, last = scan->n;

	while (first < last) {
		size_t middle = (first + last) / 2;

		if (compare_lists(&scan->entry[middle], has, key) < 0)
			first = middle + 1;
		else
			last = middle;
	}
	return first;
}

size_t classscan_find(const struct classscan *scan, const struct classbench_packet *packet)
{
	size_t found = CLASSBENCH_NONE, i;
	unsigned int has;

	for (has = 0; has < LISTS; has++) {
		uint64_t key = key_of(scan, has, packet->saddr, packet->daddr);

		for (i = list_start(scan, has, key); i < scan->n; i++) {
			const struct entry *entry = &scan->entry[i];

			if (entry->has != has || entry->key != key || entry->index > found)
				break;
			if (classbench_holds(&entry->rule, packet)) {
				found = entry->index;
				break;
			}
		}
	}
	return found;
}
