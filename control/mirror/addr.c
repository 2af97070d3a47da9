// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* addr.c - the interfaces' IP addresses as a value */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if_addr.h>

#include <base/arena.h>
#include <mirror/addr.h>

void addr_table_fini(struct addr_table *table)
{
	free(table->addr);
	*table = (struct addr_table){ 0 };
}

static int compare(const struct addr *a, const struct addr *b)
{
	int r;

	if (a->ifindex != b->ifindex)
		return a->ifindex < b->ifindex ? -1 : 1;
	r = memcmp(&a->addr, &b->addr, sizeof(a->addr));
	return r ? r : a->prefix_len - b->prefix_len;
}

/* Where it is, or belongs. Return: whether it is there */
static bool find(const struct addr_table *table, const struct addr *addr, unsigned int *ret_at)
{
	unsigned int low = 0, high = table->n, middle;
	int r = 1;

	while (low < high) {
		middle = low + (high - low) / 2;
		r = compare(&table->addr[middle], addr);
		if (r == 0) {
			*ret_at = middle;
			return true;
		}
		if (r < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_at = low;
	return false;
}

static void make_room(struct addr_table *table)
{
	if (table->n < table->size)
		return;
	table->size = table->size ? table->size * 2 : 16;
	table->addr = reallocarray(table->addr, table->size, sizeof(*table->addr));
	if (!table->addr)
		arena_no_memory();
}

static int32_t next_order(struct addr_table *table, const struct addr *addr)
{
	return table->dumping || addr->family != AF_INET6 ? ++table->last : --table->first;
}

bool addr_set(struct addr_table *table, const struct addr *addr)
{
	struct addr next = *addr, *old;
	unsigned int at;

	if (find(table, addr, &at)) {
		old = &table->addr[at];
		next.order = old->order;
		if (!memcmp(old, &next, sizeof(next)))
			return false;
		if (old->flags & ~next.flags & IFA_F_SECONDARY && next.family == AF_INET)
			next.order = next_order(table, addr);
		*old = next;
		return true;
	}
	make_room(table);
	memmove(&table->addr[at + 1], &table->addr[at], (table->n - at) * sizeof(*addr));
	next.order = next_order(table, addr);
	table->addr[at] = next;
	table->n++;
	return true;
}

static bool same_rank(const struct addr *a, const struct addr *b)
{
	return a->ifindex == b->ifindex && a->family == b->family && a->scope == b->scope &&
	       !((a->flags ^ b->flags) & IFA_F_SECONDARY);
}

bool addr_table_equal(const struct addr_table *a, const struct addr_table *b)
{
	struct addr other;
	unsigned int i, k;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++) {
		other = b->addr[i];
		other.order = a->addr[i].order;
		if (memcmp(&a->addr[i], &other, sizeof(other)))
			return false;
		for (k = i; k-- && a->addr[k].ifindex == a->addr[i].ifindex;)
			if (same_rank(&a->addr[k], &a->addr[i]) &&
			    (a->addr[k].order < a->addr[i].order) !=
			    (b->addr[k].order < b->addr[i].order))
				return false;
	}
	return true;
}

static void remove_at(struct addr_table *table, unsigned int at, unsigned int n)
{
	table->n -= n;
	memmove(&table->addr[at], &table->addr[at + n], (table->n - at) * sizeof(*table->addr));
}

bool addr_del(struct addr_table *table, const struct addr *addr)
{
	unsigned int at;

	if (!find(table, addr, &at))
		return false;
	remove_at(table, at, 1);
	return true;
}

bool addr_del_link(struct addr_table *table, uint32_t ifindex)
{
	unsigned int first = 0, end;

	while (first < table->n && table->addr[first].ifindex < ifindex)
		first++;
	for (end = first; end < table->n && table->addr[end].ifindex == ifindex; end++)
		;
	if (end == first)
		return false;
	remove_at(table, first, end - first);
	return true;
}
