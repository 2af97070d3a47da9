// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * maglev.c - who owns which slot of a ring
 *
 * DOC: After Eisenbud and others, "Maglev" (NSDI 2016, 3.4): each member has an order of its own in
 * which it wants the slots (an offset and a step), members take turns, and who has its turn takes the
 * next slot it wants that is free.
 *
 * Weights: turn number k of a member (from 0) is at time (k + phase) / weight, phase in [0, 1) being of the
 * member's hash; turns are taken in order of time. So at any time a member has had weight * time turns, one
 * more or less, and a change of one weight moves nobody else's turns. Members of equal weight have the same
 * order in each round: they are a group, and only groups need be compared.
 *
 * All numbers are 64 bits of mix(), the finaliser of splitmix64 (S. Vigna, after D. Stafford's mix 13).
 */
#include <endian.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <base/arena.h>
#include <compile/maglev.h>

#define PHASE_BITS	16

/* A member with its order */
struct place {
	const struct maglev_member *member;
	uint64_t key;
	uint32_t next;			/* slot that it wants now */
	uint32_t step;
	uint32_t phase;
};

/* Members of one weight */
struct group {
	struct place *place;
	unsigned int n;
	unsigned int turn;		/* whose of them it is */
	uint64_t round;
	uint64_t weight;
};

static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ull;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

static uint64_t member_key(const struct maglev_member *member, uint64_t seed)
{
	uint64_t key = mix(seed + 0x9e3779b97f4a7c15ull);

	key = mix(key ^ be64toh(member->addr.half[0]));
	key = mix(key ^ be64toh(member->addr.half[1]));
	return mix(key ^ member->port);
}

static void place_init(struct place *place, const struct maglev_member *member, uint64_t seed,
		       uint32_t slots)
{
	uint64_t key = member_key(member, seed), more = mix(key);

	*place = (struct place){
		.member = member, .key = key, .next = key % slots,
		.step = more % (slots - 1) + 1, .phase = mix(more) >> (64 - PHASE_BITS),
	};
}

/* Something that no two members have alike comes last: the order is that of the members, not of their list */
static int place_compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	const struct maglev_member *m = x->member, *n = y->member;

	if (m->weight != n->weight)
		return m->weight > n->weight ? -1 : 1;
	if (x->phase != y->phase)
		return x->phase < y->phase ? -1 : 1;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (m->port != n->port)
		return m->port < n->port ? -1 : 1;
	return memcmp(&m->addr, &n->addr, sizeof(m->addr));
}

/* Return: how many members have any weight */
static unsigned int places_sort(const struct maglev_member *member, unsigned int n, uint64_t seed,
				uint32_t slots, struct place *place)
{
	unsigned int i, used = 0;

	for (i = 0; i < n; i++)
		if (member[i].weight)
			place_init(&place[used++], &member[i], seed, slots);
	if (used)
		qsort(place, used, sizeof(*place), place_compare);
	return used;
}

static unsigned int groups_init(struct place *place, unsigned int n, struct group *group)
{
	unsigned int i, groups = 0;

	for (i = 0; i < n; i++) {
		if (!i || place[i].member->weight != place[i - 1].member->weight)
			group[groups++] = (struct group){
				.place = &place[i], .weight = place[i].member->weight,
			};
		group[groups - 1].n++;
	}
	return groups;
}

/* Times are compared without division: 20 bits of round, 16 of phase, 20 of weight */
static bool group_before(const struct group *a, const struct group *b)
{
	const struct place *x = &a->place[a->turn], *y = &b->place[b->turn];
	uint64_t left = (a->round << PHASE_BITS | x->phase) * b->weight;
	uint64_t right = (b->round << PHASE_BITS | y->phase) * a->weight;

	if (left != right)
		return left < right;
	return a->weight > b->weight;
}

/* Of a heap whose first is next: only group @i may stand too far in front */
static void heap_sink(struct group *group, unsigned int n, unsigned int i)
{
	struct group moved = group[i];
	unsigned int child;

	for (; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && group_before(&group[child + 1], &group[child]))
			child++;
		if (!group_before(&group[child], &moved))
			break;
		group[i] = group[child];
	}
	group[i] = moved;
}

/* Whose turn it is */
static struct place *turn_take(struct group *group, unsigned int groups)
{
	struct place *place = &group->place[group->turn];

	if (++group->turn == group->n) {
		group->turn = 0;
		group->round++;
	}
	if (groups > 1)
		heap_sink(group, groups, 0);
	return place;
}

/* @slots is a prime: a member's steps lead it to each slot */
static uint32_t slot_take(struct place *place, uint64_t *taken, uint32_t slots)
{
	uint32_t slot = place->next;

	while (taken[slot / 64] >> slot % 64 & 1) {
		slot += place->step;
		if (slot >= slots)
			slot -= slots;
	}
	taken[slot / 64] |= 1ull << slot % 64;
	place->next = slot;
	return slot;
}

static void *new_n(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		arena_no_memory();
	return p;
}

void maglev_build(const struct maglev_member *member, unsigned int n, uint64_t seed,
		  uint32_t slots, uint16_t *ret_owner)
{
	struct place *place = new_n(n + 1, sizeof(*place)), *next;
	struct group *group = new_n(n + 1, sizeof(*group));
	uint64_t *taken = new_n(slots / 64 + 1, sizeof(*taken));
	unsigned int i, groups;
	uint32_t filled;

	n = places_sort(member, n, seed, slots, place);
	groups = groups_init(place, n, group);
	for (i = groups / 2; i-- > 0; )
		heap_sink(group, groups, i);
	memset(ret_owner, 0, slots * sizeof(*ret_owner));
	for (filled = 0; n && filled < slots; filled++) {
		next = turn_take(group, groups);
		ret_owner[slot_take(next, taken, slots)] = next->member->owner;
	}
	free(taken);
	free(group);
	free(place);
}
