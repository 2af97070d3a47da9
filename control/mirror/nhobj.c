// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* nhobj.c - the kernel's next hop objects as values */
#include <stdlib.h>
#include <string.h>

#include <base/arena.h>
#include <mirror/nhobj.h>

void nhobj_table_fini(struct nhobj_table *table)
{
	for (uint32_t i = 0; i < table->hash.n; i++)
		free(((const struct nhobj *)hash_at(&table->hash, i))->member);
	hash_fini(&table->hash);
	hash_fini(&table->buckets);
}

bool nhobj_equal(const struct nhobj *a, const struct nhobj *b)
{
	return !memcmp(a, b, offsetof(struct nhobj, member)) &&
	       (!a->n_members ||
		!memcmp(a->member, b->member, a->n_members * sizeof(a->member[0])));
}

bool nhobj_set(struct nhobj_table *table, const struct nhobj *nhobj)
{
	const struct nhobj *old = nhobj_find(table, nhobj->id);
	struct nhobj new = *nhobj;
	struct nhobj_member *gone = old ? old->member : NULL;

	if (old && nhobj_equal(old, nhobj)) {
		hash_touch(&table->hash, old);
		return false;
	}
	new.member = NULL;
	if (nhobj->n_members) {
		new.member = calloc(nhobj->n_members, sizeof(*new.member));
		if (!new.member)
			arena_no_memory();
		memcpy(new.member, nhobj->member, nhobj->n_members * sizeof(*new.member));
	}
	hash_set(&table->hash, &new);
	free(gone);
	return true;
}

static bool is_group(const struct nhobj *nhobj)
{
	return nhobj->n_members > 0;
}

static void del_at(struct nhobj_table *table, uint32_t i)
{
	const struct nhobj *nhobj = hash_at(&table->hash, i);
	struct nhobj_member *member = nhobj->member;
	uint32_t id = nhobj->id;

	if (nhobj->kind == NHOBJ_RESILIENT)
		for (uint32_t k = table->buckets.n; k--;)
			if (((const struct nhobj_bucket *)hash_at(&table->buckets, k))->group == id)
				hash_del_at(&table->buckets, k);
	hash_del_at(&table->hash, i);
	free(member);
}

static void leave(struct nhobj_table *table, const struct nhobj *group, uint32_t id)
{
	struct nhobj next = *group;
	uint32_t i, n = 0;

	next.member = calloc(group->n_members, sizeof(*next.member));
	if (!next.member)
		arena_no_memory();
	for (i = 0; i < group->n_members; i++)
		if (group->member[i].id != id)
			next.member[n++] = group->member[i];
	next.n_members = n;
	if (n && n < group->n_members)
		nhobj_set(table, &next);
	free(next.member);
}

/* One group at a time: a group that goes may be walked from its end */
static void leave_groups(struct nhobj_table *table, uint32_t id)
{
	for (uint32_t i = table->hash.n; i--;) {
		const struct nhobj *group = hash_at(&table->hash, i);

		if (!is_group(group))
			continue;
		if (group->n_members == 1 && group->member[0].id == id)
			del_at(table, i);
		else
			leave(table, group, id);
	}
}

bool nhobj_del(struct nhobj_table *table, uint32_t id)
{
	const struct nhobj *nhobj = nhobj_find(table, id);

	if (!nhobj)
		return false;
	del_at(table, ((const uint8_t *)nhobj - table->hash.entry) / sizeof(*nhobj));
	leave_groups(table, id);
	return true;
}

uint32_t nhobj_del_link(struct nhobj_table *table, uint32_t ifindex)
{
	uint32_t n = table->hash.n, i = 0;

	while (i < table->hash.n) {
		const struct nhobj *nhobj = hash_at(&table->hash, i);

		if (nhobj->ifindex == ifindex && nhobj->kind == NHOBJ_HOP) {
			nhobj_del(table, nhobj->id);
			i = 0;		/* groups may have gone with it: entries moved */
		} else {
			i++;
		}
	}
	return n - table->hash.n;
}

uint32_t nhobj_sweep(struct nhobj_table *table)
{
	uint32_t n = table->hash.n;

	for (uint32_t i = table->hash.n; i--;)
		if (!hash_marked(&table->hash, hash_at(&table->hash, i)))
			del_at(table, i);
	hash_unmark(&table->hash);
	return n - table->hash.n + hash_sweep(&table->buckets);
}
