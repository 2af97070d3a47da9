// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* slots.c - indices by name: counters, entries of graphs, ports, rules' hits, sets */
#include <errno.h>
#include <string.h>

#include <compile/slots.h>

#define TABLE_MIN	64

static const struct {
	uint32_t limit;
	bool from_1;			/* index 0 is none */
	const char *prefix;		/* of its names; NULL: graphs, by their hook */
} spaces[SLOTS_SPACES] = {
	[SLOTS_COUNTER]		= { SHUNT_COUNTERS_MAX, true, "counter " },
	[SLOTS_GRAPH_XDP]	= { SHUNT_GRAPHS_MAX, false, NULL },
	[SLOTS_GRAPH_TC]	= { SHUNT_GRAPHS_MAX, false, NULL },
	[SLOTS_PORT]		= { SHUNT_PORTS_MAX, false, "port " },
	[SLOTS_HIT]		= { 1 << 20, true, "hit " },
	[SLOTS_STATE]		= { 1 << 16, false, "state " },
	[SLOTS_SET]		= { SHUNT_SETS_MAX, false, "set " },
	[SLOTS_DSET]		= { SHUNT_SETS_MAX, false, "dset " },
	[SLOTS_POLICY]		= { CONNTRACK_POLICIES, true, "policy " },
	[SLOTS_NAT]		= { NAT_RULES + 1, true, "nat " },
	[SLOTS_LB_NODE]		= { LB_NODES, false, "lbnode " },
	[SLOTS_LB_SERVICE]	= { LB_SERVICES, false, "lbservice " },
	[SLOTS_LB_RING]		= { LB_SERVICES, false, "lbring " },
	[SLOTS_LB_RANGES]	= { LB_RANGES_MAX, false, "lbranges " },
	[SLOTS_LB_BACKEND]	= { LB_BACKENDS, true, "lbbackend " },
	[SLOTS_LB_COUNT]	= { LB_COUNTS, false, "lbcount " },
};

/* FNV-1a (G. Fowler, L. Noll, K.-P. Vo) */
static uint32_t name_hash(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return h;
}

/* The place of a name, or the free one where it belongs; the table is never full */
static struct slots_entry *table_place(const struct slots_table *table, const char *name,
				       uint32_t hash)
{
	unsigned int i = hash & (table->size - 1);

	while (table->entry[i].slot && (table->entry[i].hash != hash ||
					strcmp(table->entry[i].slot->name, name)))
		i = (i + 1) & (table->size - 1);
	return &table->entry[i];
}

static const struct plan_slot *table_find(const struct slots_table *table, const char *name,
					  uint32_t hash)
{
	return table->size ? table_place(table, name, hash)->slot : NULL;
}

static void table_grow(struct slots_table *table, struct arena *arena)
{
	struct slots_table old = *table;
	unsigned int i, k;

	table->size = old.size ? 2 * old.size : TABLE_MIN;
	table->entry = arena_new_n(arena, struct slots_entry, table->size);
	for (i = 0; i < old.size; i++) {
		if (!old.entry[i].slot)
			continue;
		k = old.entry[i].hash & (table->size - 1);
		while (table->entry[k].slot)
			k = (k + 1) & (table->size - 1);
		table->entry[k] = old.entry[i];
	}
}

/* One of that name takes the place of another */
static void table_add(struct slots_table *table, struct arena *arena, const struct plan_slot *slot,
		      uint32_t hash)
{
	if (2 * (table->n + 1) > table->size)
		table_grow(table, arena);
	*table_place(table, slot->name, hash) = (struct slots_entry){ slot, hash };
	table->n++;
}

static enum slots_space space_of(const char *name)
{
	const char *hook = strrchr(name, '@');
	unsigned int i;

	for (i = 0; i < SLOTS_SPACES; i++)
		if (spaces[i].prefix && !strncmp(name, spaces[i].prefix, strlen(spaces[i].prefix)))
			return i;
	return hook && !strcmp(hook, "@xdp") ? SLOTS_GRAPH_XDP : SLOTS_GRAPH_TC;
}

void slots_init(struct slots *slots, struct arena *arena, const struct plan *running)
{
	unsigned int i, k;

	*slots = (struct slots){ .arena = arena };
	for (i = 0; i < SLOTS_SPACES; i++) {
		slots->used[i] = arena_new_n(arena, bool, spaces[i].limit);
		slots->used[i][0] = spaces[i].from_1;
	}
	for (i = 0; running && i < running->n_slots; i++) {
		const struct plan_slot *slot = &running->slot[i];
		enum slots_space space = space_of(slot->name);

		table_add(&slots->running, arena, slot, name_hash(slot->name));
		for (k = slot->index; k < slot->index + slot->n && k < spaces[space].limit; k++)
			slots->used[space][k] = true;
	}
}

/* Return: false: no @n free ones in a row */
static bool run_find(struct slots *slots, enum slots_space space, uint32_t n, uint32_t *ret_index)
{
	const bool *used = slots->used[space];
	uint32_t i, run = 0;

	while (slots->from[space] < spaces[space].limit && used[slots->from[space]])
		slots->from[space]++;
	for (i = slots->from[space]; i < spaces[space].limit; i++) {
		run = used[i] ? 0 : run + 1;
		if (run == n) {
			*ret_index = i + 1 - n;
			return true;
		}
	}
	return false;
}

static const char *name_unique(struct slots *slots, const char *name)
{
	const char *unique = name;
	unsigned int i;

	for (i = 2; table_find(&slots->taken, unique, name_hash(unique)); i++)
		unique = arena_printf(slots->arena, "%s.%u", name, i);
	return unique;
}

/* @name: kept; not taken */
static int take(struct slots *slots, enum slots_space space, const char *name, uint32_t hash,
		uint32_t n, uint32_t *ret_index)
{
	const struct plan_slot *before = table_find(&slots->running, name, hash);
	struct plan_slot *slot;
	uint32_t index = 0, i;

	if (before && before->n == n)
		index = before->index;
	else if (!run_find(slots, space, n, &index))
		return -ENOSPC;
	slot = arena_new(slots->arena, struct plan_slot);
	*slot = (struct plan_slot){ .name = name, .index = index, .n = n,
				   .fresh = !before || before->n != n };
	for (i = index; i < index + n; i++)
		slots->used[space][i] = true;
	if (index + n > slots->end[space])
		slots->end[space] = index + n;
	table_add(&slots->taken, slots->arena, slot, hash);
	*arena_push(slots->arena, slots->slot, slots->n) = slot;
	*ret_index = index;
	return 0;
}

int slots_take(struct slots *slots, enum slots_space space, const char *name, uint32_t n,
	       uint32_t *ret_index)
{
	*ret_index = 0;
	name = name_unique(slots, name);
	return take(slots, space, name, name_hash(name), n, ret_index);
}

int slots_share(struct slots *slots, enum slots_space space, const char *name, uint32_t *ret_index)
{
	uint32_t hash = name_hash(name);
	const struct plan_slot *taken = table_find(&slots->taken, name, hash);

	*ret_index = taken ? taken->index : 0;
	if (taken)
		return 0;
	return take(slots, space, arena_strdup(slots->arena, name), hash, 1, ret_index);
}

struct plan_slot *slots_list(const struct slots *slots)
{
	struct plan_slot *list = arena_new_n(slots->arena, struct plan_slot,
						  slots->n + PLAN_SPARE);
	unsigned int i;

	for (i = 0; i < slots->n; i++)
		list[i] = *slots->slot[i];
	return list;
}

uint32_t slots_limit(enum slots_space space)
{
	return spaces[space].limit - spaces[space].from_1;
}

uint32_t slots_end(const struct slots *slots, enum slots_space space)
{
	return slots->end[space];
}
