// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* flows_carry_test.c - flows come along into a table of another size */
#include "flows_world.h"

static void set_counts(const struct flows_part *part, uint32_t slot, uint64_t n)
{
	part->counts[slot] = (struct conntrack_counts){ { n, n + 1 }, { n + 2, n + 3 } };
}

static void test_carried(void **state)
{
	struct plan_conntrack small = plan_of(MANY * 5 / 4, MANY * 5 / 4, CONNTRACK_COUNT);
	struct plan_conntrack large = plan_of(5 * MANY, 3 * MANY, CONNTRACK_COUNT);
	struct flows_table before, after;
	unsigned int six;
	union entry entry;
	uint32_t i, slot;

	change(&small);
	before = other("ct");
	before.stats[0].n[CONNTRACK_STAT_NEW] = 77;
	for (six = 0; six < 2; six++)
		for (i = 0; i < MANY; i++) {
			entry = entry_of(six, i, i % 2 ? CONNTRACK_REPLIED : 0, HOUR);
			set_counts(&before.part[six], insert(&before.part[six], &entry), i);
		}
	change(&large);
	after = other("ct");
	assert_int_not_equal(after.conf->seed[0], before.conf->seed[0]);
	for (six = 0; six < 2; six++) {
		assert_int_equal(check(&after.part[six]), MANY);
		for (i = 0; i < MANY; i++) {
			entry = entry_of(six, i, 0, HOUR);
			slot = find(&after.part[six], &entry);
			assert_int_not_equal(slot, UINT32_MAX);
			assert_int_equal(flows_entry(&after.part[six], slot)->mark, 7 * i);
			assert_int_equal(flows_entry(&after.part[six], slot)->policy, i % 16);
			assert_int_equal(after.part[six].counts[slot].bytes[1], i + 3);
		}
	}
	assert_int_equal(flows_stat(flows, CONNTRACK_STAT_NEW), 77);	/* goes on */
	assert_int_equal(flows_stat(flows, CONNTRACK_STAT_GONE), 0);
	flows_table_close(&before);
	flows_table_close(&after);
}

/* What programs do to either table while both are there. Numbers of flows */
enum { STAYS, RENEWED, MARKED, REMOVED, REUSED, NEWER, CHANGED_THERE, ANEW_THERE, PAIR, GONE_THERE };

struct carry {
	struct flows_table before, after;
	uint32_t slot[GONE_THERE + 1];	/* in 'before' */
};

static uint32_t insert_number(const struct flows_part *part, uint32_t i, uint32_t flags)
{
	union entry entry = entry_of(false, i, flags, HOUR);

	return insert(part, &entry);
}

/* Where flow @i is now; UINT32_MAX: nowhere */
static uint32_t find_number(const struct flows_part *part, uint32_t i, uint32_t flags)
{
	union entry entry = entry_of(false, i, flags, HOUR);

	return find(part, &entry);
}

static struct conntrack_flow *flow_of(const struct flows_part *part, uint32_t i)
{
	return flows_entry(part, find_number(part, i, 0));
}

static void remove_at(const struct flows_part *part, uint32_t slot)
{
	assert_true(flows_take(part, slot, flows_life(flows_entry(part, slot))));
}

static void carry_begin(struct carry *carry)
{
	struct plan_conntrack small = plan_of(1000, 10, CONNTRACK_COUNT | CONNTRACK_WINDOW);
	struct plan_conntrack large = plan_of(3000, 10, CONNTRACK_COUNT | CONNTRACK_WINDOW);
	const struct flows_part *part;
	uint32_t i, peer;

	change(&small);
	carry->before = other("ct");
	part = &carry->before.part[0];
	for (i = STAYS; i <= GONE_THERE; i++) {
		if (i == PAIR)
			carry->slot[i] = insert_pair(part, i, HOUR, &peer);
		else if (i != NEWER && i != ANEW_THERE)
			carry->slot[i] = insert_number(part, i, 0);
	}
	part->seqs[carry->slot[STAYS]].end[0] = 1000;
	set_counts(part, carry->slot[STAYS], 100);
	reserve(&large);
	carry->after = other("ct_new");
	assert_int_equal(check(&carry->after.part[0]), 9);
}

/* By programs that have the old table, while the new one is there */
static void use_old(const struct carry *carry)
{
	const struct flows_part *part = &carry->before.part[0];
	uint32_t i;

	part->seqs[carry->slot[STAYS]].end[0] = 2000;
	set_counts(part, carry->slot[STAYS], 200);
	flows_entry(part, carry->slot[RENEWED])->life += 5;
	flows_entry(part, carry->slot[MARKED])->mark = 99;
	for (i = REMOVED; i <= REUSED; i++)
		remove_at(part, carry->slot[i]);
	insert_number(part, NEWER, 0);
	insert_number(part, ANEW_THERE, 0);
	flows_entry(part, carry->slot[CHANGED_THERE])->life += 7;
}

static void use_new(const struct carry *carry)
{
	const struct flows_part *part = &carry->after.part[0];
	struct conntrack_flow *flow = flow_of(part, CHANGED_THERE);

	flow->life += 50;
	flow->mark = 1234;
	insert_number(part, ANEW_THERE, CONNTRACK_REPLIED);
	set_counts(part, find_number(part, STAYS, 0), 1);
	part->seqs[find_number(part, STAYS, 0)].end[0] = 1500;
	remove_at(part, find_number(part, GONE_THERE, 0));
}

static uint32_t expiry_before(const struct carry *carry, uint32_t i)
{
	return flows_entry(&carry->before.part[0], carry->slot[i])->life;
}

static void check_carried(const struct carry *carry)
{
	const struct flows_part *part = &carry->after.part[0];
	uint32_t at = find_number(part, STAYS, 0);

	assert_int_equal(part->counts[at].packets[0], 201);	/* both tables' */
	assert_int_equal(part->seqs[at].end[0], 2000);
	assert_int_equal((uint32_t)flow_of(part, RENEWED)->life, expiry_before(carry, RENEWED));
	assert_int_equal(flow_of(part, MARKED)->mark, 99);
	assert_int_equal(find_number(part, REMOVED, 0), UINT32_MAX);
	assert_int_equal(find_number(part, REUSED, 0), UINT32_MAX);
	assert_int_not_equal(find_number(part, NEWER, 0), UINT32_MAX);
	assert_int_equal(flow_of(part, CHANGED_THERE)->mark, 1234);
	assert_int_equal((uint32_t)flow_of(part, CHANGED_THERE)->life,
			 expiry_before(carry, CHANGED_THERE) + 43);
	assert_true(conntrack_life_flags(flow_of(part, ANEW_THERE)->life) & CONNTRACK_REPLIED);
	assert_int_equal(find_number(part, GONE_THERE, 0), UINT32_MAX);
}

/* Both entries of a translated flow know each other */
static void check_pair(const struct flows_part *part)
{
	uint32_t peer = find_number(part, PAIR, CONNTRACK_PEER);
	const struct conntrack_flow *flow;

	assert_int_not_equal(peer, UINT32_MAX);
	flow = flows_entry(part, flows_entry(part, peer)->other - 1);
	assert_int_equal(flow->other, peer + 1);
	assert_int_equal(flow->mark, 7 * PAIR);
}

static void test_carried_while_used(void **state)
{
	struct carry carry;

	carry_begin(&carry);
	use_old(&carry);
	use_new(&carry);
	flows_refresh(flows);
	flows_settle(flows);
	check_carried(&carry);
	check_pair(&carry.after.part[0]);
	check(&carry.after.part[0]);
	flows_table_close(&carry.before);
	flows_table_close(&carry.after);
}

/* Those that have seen both ways first; the others are counted */
static void test_carried_into_less(void **state)
{
	struct plan_conntrack large = plan_of(4000, 10, 0), small = plan_of(600, 10, 0);
	struct flows_table table;
	uint32_t i, kept = 0, slots;
	union entry entry;

	change(&large);
	table = other("ct");
	for (i = 0; i < 2000; i++) {
		entry = entry_of(false, i, i < 1500 ? 0 : CONNTRACK_REPLIED, HOUR);
		insert(&table.part[0], &entry);
	}
	flows_table_close(&table);
	change(&small);
	table = other("ct");
	slots = flows_part_slots(&table.part[0]);
	for (i = 0; i < 2000; i++) {
		entry = entry_of(false, i, 0, HOUR);
		if (find(&table.part[0], &entry) == UINT32_MAX)
			assert_true(i < 1500);
		else
			kept++;
	}
	assert_int_equal(check(&table.part[0]), kept);
	assert_true(kept > slots * 97 / 100);
	assert_int_equal(flows_stat(flows, CONNTRACK_STAT_GONE), 2000 - kept);
	assert_int_equal(flows_stat(flows, CONNTRACK_STAT_FULL), 2000 - kept);
	flows_table_close(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_carried), TEST(test_carried_while_used), TEST(test_carried_into_less),
	};

	return world_main(tests, N(tests));
}
