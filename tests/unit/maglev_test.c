// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* maglev_test.c - rings: against a plain implementation, shares by weight, what a change moves */
#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include <compile/maglev.h>

#include "../lib/unit.h"

#define RING		65537
#define MEMBERS_MAX	4000

static uint64_t state;

static struct maglev_member member_of(uint32_t number, uint32_t weight)
{
	return (struct maglev_member){
		.addr = { .v4_prefix = { 0, 0, htonl(0xffff) }, .v4 = htonl(0x0a000000 + number) },
		.owner = number, .weight = weight,
	};
}

static void members_fill(struct maglev_member *member, unsigned int n, uint32_t weight)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		member[i] = member_of(i + 1, weight);
}

static void shuffle(struct maglev_member *member, unsigned int n)
{
	struct maglev_member swapped;
	unsigned int i, k;

	for (i = n; i > 1; i--) {
		k = unit_random(&state) % i;
		swapped = member[k];
		member[k] = member[i - 1];
		member[i - 1] = swapped;
	}
}

/* ---- a plain implementation: all turns are compared with each other, exactly ---------------- */

static uint64_t splitmix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

struct plain {
	uint64_t key, turns, offset, step, phase;
	unsigned int wanted;		/* place in its order of slots */
};

static struct plain plain_of(const struct maglev_member *member, uint64_t seed, uint32_t slots)
{
	uint64_t word[3] = { (uint64_t)ntohl(member->addr.word[0]) << 32 | ntohl(member->addr.word[1]),
			     (uint64_t)ntohl(member->addr.word[2]) << 32 | ntohl(member->addr.word[3]),
			     member->port };
	uint64_t h = splitmix(seed + 0x9e3779b97f4a7c15u);
	unsigned int i;

	for (i = 0; i < 3; i++)
		h = splitmix(h ^ word[i]);
	return (struct plain){ .key = h, .offset = h % slots, .step = 1 + splitmix(h) % (slots - 1),
			       .phase = splitmix(splitmix(h)) >> 48 };
}

/* Of equal times the heavier is first, then the one of the lesser key */
static bool plain_wins(const struct maglev_member *member, const struct plain *plain,
		       unsigned int i, unsigned int than)
{
	if (member[i].weight != member[than].weight)
		return member[i].weight > member[than].weight;
	return plain[i].key < plain[than].key;
}

/* Whose turn is next: (turns + phase / 2^16) / weight is least */
static unsigned int plain_next(const struct maglev_member *member, const struct plain *plain,
			       unsigned int n)
{
	unsigned int i, best = n;
	unsigned __int128 a, b;

	for (i = 0; i < n; i++) {
		if (!member[i].weight)
			continue;
		if (best == n) {
			best = i;
			continue;
		}
		a = (unsigned __int128)(plain[i].turns * 65536 + plain[i].phase) * member[best].weight;
		b = (unsigned __int128)(plain[best].turns * 65536 + plain[best].phase) * member[i].weight;
		if (a < b || (a == b && plain_wins(member, plain, i, best)))
			best = i;
	}
	return best;
}

static void plain_build(const struct maglev_member *member, unsigned int n, uint64_t seed,
			uint32_t slots, uint16_t *owner)
{
	struct plain plain[64];
	unsigned int i, filled;
	uint64_t slot;

	memset(owner, 0, slots * sizeof(*owner));
	for (i = 0; i < n; i++)
		plain[i] = plain_of(&member[i], seed, slots);
	for (filled = 0; filled < slots; filled++) {
		i = plain_next(member, plain, n);
		if (i == n)
			return;
		do
			slot = (plain[i].offset + plain[i].step * plain[i].wanted++) % slots;
		while (owner[slot]);
		owner[slot] = member[i].owner;
		plain[i].turns++;
	}
}

static void test_plain(void **arg)
{
	static const uint32_t rings[] = { 3, 13, 251, 1009, 4093 };
	static uint16_t wanted[4093], got[4093];
	struct maglev_member member[40];
	unsigned int turn, i, n;
	uint64_t seed;
	uint32_t slots;

	for (turn = 0; turn < 300; turn++) {
		slots = rings[turn % 5];
		n = unit_random(&state) % 40;
		seed = unit_random(&state);
		for (i = 0; i < n; i++) {
			member[i] = member_of(1 + i, unit_random(&state) % (turn % 3 ? 4 : 70000));
			member[i].port = unit_random(&state) % 3;
			if (unit_random(&state) % 2)
				member[i].addr.half[0] = unit_random(&state);
		}
		plain_build(member, n, seed, slots, wanted);
		shuffle(member, n);
		maglev_build(member, n, seed, slots, got);
		assert_memory_equal(got, wanted, slots * sizeof(*got));
	}
}

/* ---- what it is for ------------------------------------------------------------------------ */

static uint16_t ring[RING], other[RING];
static struct maglev_member members[MEMBERS_MAX + 1];

static void test_order(void **arg)
{
	members_fill(members, 1000, 3);
	members[17].weight = 200;
	maglev_build(members, 1000, 7, RING, ring);
	shuffle(members, 1000);
	maglev_build(members, 1000, 7, RING, other);
	assert_memory_equal(ring, other, sizeof(ring));
}

/* Balancers number backends as they come to know them: the choice does not hang on that */
static void test_numbers(void **arg)
{
	unsigned int i;

	members_fill(members, 100, 1);
	maglev_build(members, 100, 7, RING, ring);
	for (i = 0; i < 100; i++)
		members[i].owner = 60000 - members[i].owner;
	maglev_build(members, 100, 7, RING, other);
	for (i = 0; i < RING; i++)
		assert_int_equal(other[i], 60000 - ring[i]);
}

/* Balancers of different versions must agree: the ring is a format */
static void test_format(void **arg)
{
	static const uint16_t wanted[23] = {
		1, 3, 4, 5, 5, 5, 2, 2, 3, 5, 5, 1, 5, 4, 5, 5, 4, 3, 1, 5, 2, 5, 1,
	};
	unsigned int i;

	members_fill(members, 5, 1);
	members[4].weight = 3;
	members[3].port = 80;
	maglev_build(members, 5, 0x1234, 23, ring);
	for (i = 0; i < 23; i++)
		assert_int_equal(ring[i], wanted[i]);
}

static void test_seed(void **arg)
{
	unsigned int i, same = 0;

	members_fill(members, 10, 1);
	maglev_build(members, 10, 1, RING, ring);
	maglev_build(members, 10, 2, RING, other);
	for (i = 0; i < RING; i++)
		same += ring[i] == other[i];
	assert_in_range(same, RING / 10 - 600, RING / 10 + 600);	/* 8 sigma */
}

static void test_nobody(void **arg)
{
	unsigned int i;

	members_fill(members, 3, 0);
	memset(ring, 0xff, sizeof(ring));
	maglev_build(members, 3, 7, RING, ring);
	for (i = 0; i < RING; i++)
		assert_int_equal(ring[i], 0);
	memset(ring, 0xff, sizeof(ring));
	maglev_build(NULL, 0, 7, RING, ring);
	for (i = 0; i < RING; i++)
		assert_int_equal(ring[i], 0);
}

static void count_slots(unsigned int *count, unsigned int n)
{
	unsigned int i;

	memset(count, 0, (n + 1) * sizeof(*count));
	for (i = 0; i < RING; i++) {
		assert_in_range(ring[i], 1, n);
		count[ring[i]]++;
	}
}

/* Some T has |slots of a member - weight * T| < 1 for all of them */
static void check_shares(unsigned int n)
{
	static unsigned int count[MEMBERS_MAX + 1];
	double low = 0, high = RING;
	unsigned int i;

	maglev_build(members, n, unit_random(&state), RING, ring);
	count_slots(count, n);
	for (i = 0; i < n; i++) {
		if (!members[i].weight) {
			assert_int_equal(count[members[i].owner], 0);
			continue;
		}
		if ((count[members[i].owner] - 1.0) / members[i].weight > low)
			low = (count[members[i].owner] - 1.0) / members[i].weight;
		if ((count[members[i].owner] + 1.0) / members[i].weight < high)
			high = (count[members[i].owner] + 1.0) / members[i].weight;
	}
	assert_true(low < high);
}

static void test_weights(void **arg)
{
	static const unsigned int n[] = { 1, 2, 10, 1000, MEMBERS_MAX };
	unsigned int i, k, turn;

	for (turn = 0; turn < 20; turn++) {
		k = n[turn % 5];
		members_fill(members, k, 1);
		for (i = 0; i < k; i++)
			members[i].weight = turn < 5 ? 1 : turn < 10 ? 1 + i % 3 :
					    turn < 15 ? unit_random(&state) % 65536 :
					    i ? 1 : MAGLEV_WEIGHT_MAX;
		check_shares(k);
	}
}

/* Share of the slots of members other than @gone (0: none) that are another's now, in 1/10000 */
static unsigned int moved(uint16_t gone)
{
	unsigned int i, kept = 0, others = 0;

	for (i = 0; i < RING; i++) {
		if (ring[i] == gone)
			continue;
		others++;
		kept += ring[i] == other[i];
	}
	return 10000ull * (others - kept) / others;
}

/* The paper's figure for 65537 slots, 1000 members: one of them leaves, 0.55 % of the rest moves */
static void test_disruption(void **arg)
{
	unsigned int turn, gone, sum = 0;

	for (turn = 0; turn < 10; turn++) {
		members_fill(members, 1000, 1);
		gone = unit_random(&state) % 1000;
		maglev_build(members, 1000, turn, RING, ring);
		members[gone].weight = 0;
		maglev_build(members, 1000, turn, RING, other);
		sum += moved(gone + 1);
	}
	assert_in_range(sum / 10, 20, 65);
}

/* One whose weight grows takes its share, and little else moves */
static void test_weight_change(void **arg)
{
	unsigned int i, others = 0;

	members_fill(members, 100, 10);
	members[50].weight = 1;
	maglev_build(members, 100, 3, RING, ring);
	members[50].weight = 10;
	maglev_build(members, 100, 3, RING, other);
	for (i = 0; i < RING; i++) {
		if (ring[i] == 51)
			assert_int_equal(other[i], 51);
		else if (other[i] != 51)
			others += ring[i] != other[i];
	}
	assert_in_range(others, 1, RING / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain), cmocka_unit_test(test_order),
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_format),
		cmocka_unit_test(test_seed), cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_weights), cmocka_unit_test(test_disruption),
		cmocka_unit_test(test_weight_change),
	};

	state = unit_seed();
	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
