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

/* ---- flows that module synproxy has opened ---- */
enum { WAITS, OPENED, OPEN_BEFORE, OPEN_THERE, PROXIED };

static uint32_t *ts_delta(const struct flows_part *part, uint32_t slot)
{
	union entry *entry = (void *)flows_entry(part, slot);

	return part->six ? &entry->flow6.ts_delta : &entry->flow4.ts_delta;
}

/* As it is once the server has answered; each number is another one's */
static void open_proxied(const struct flows_part *part, uint32_t slot, uint32_t n)
{
	struct conntrack_flow *flow = flows_entry(part, slot);

	*ts_delta(part, slot) = n + 1;
	flow->delta = n;
	flow->scale = -3;
	flow->up = 5 | CONNTRACK_PROXY_UNSCALE;
	flow->proxy = CONNTRACK_PROXY_OPEN;
	flow->life += (uint64_t)CONNTRACK_REPLIED << CONNTRACK_FLAGS_SHIFT;
}

static uint32_t insert_proxied(const struct flows_part *part, uint32_t i)
{
	union entry entry = entry_of(part->six, i, CONNTRACK_PROXIED, HOUR);

	entry.flow.proxy = CONNTRACK_PROXY_WAITING;
	entry.flow.delta = 77;		/* the cookie */
	entry.flow.scale = 7;
	*(part->six ? &entry.flow6.ts_delta : &entry.flow4.ts_delta) = 78;
	return insert(part, &entry);
}

static void check_proxied(const struct flows_part *part, uint32_t i, uint32_t n)
{
	union entry entry = entry_of(part->six, i, 0, HOUR);
	uint32_t slot = find(part, &entry);
	const struct conntrack_flow *flow;

	assert_int_not_equal(slot, UINT32_MAX);
	flow = flows_entry(part, slot);
	assert_true(conntrack_life_flags(flow->life) & CONNTRACK_PROXIED);
	assert_int_equal(flow->proxy, n == 77 ? CONNTRACK_PROXY_WAITING : CONNTRACK_PROXY_OPEN);
	assert_int_equal(flow->delta, n);
	assert_int_equal(flow->scale, n == 77 ? 7 : -3);
	assert_int_equal(flow->up, n == 77 ? 0 : 5 | CONNTRACK_PROXY_UNSCALE);
	assert_int_equal(*ts_delta(part, slot), n + 1);
}

/* What was learnt of the server by either table is what the flow has in the new one */
static void test_carried_proxied(void **state)
{
	struct plan_conntrack small = plan_of(100, 100, 0), large = plan_of(1000, 1000, 0);
	struct flows_table before, after;
	uint32_t slot[2][PROXIED], i;
	union entry entry;
	int six;

	change(&small);
	before = other("ct");
	for (six = 0; six < 2; six++) {
		for (i = WAITS; i < PROXIED; i++)
			slot[six][i] = insert_proxied(&before.part[six], i);
		open_proxied(&before.part[six], slot[six][OPEN_BEFORE], 1000);
	}
	reserve(&large);
	after = other("ct_new");
	for (six = 0; six < 2; six++) {
		open_proxied(&before.part[six], slot[six][OPENED], 2000);
		open_proxied(&before.part[six], slot[six][OPEN_THERE], 3000);
		entry = entry_of(six, OPEN_THERE, 0, HOUR);
		open_proxied(&after.part[six], find(&after.part[six], &entry), 4000);
	}
	flows_refresh(flows);
	flows_settle(flows);
	for (six = 0; six < 2; six++) {
		check_proxied(&after.part[six], WAITS, 77);
		check_proxied(&after.part[six], OPENED, 2000);
		check_proxied(&after.part[six], OPEN_BEFORE, 1000);
		check_proxied(&after.part[six], OPEN_THERE, 4000);
	}
	flows_table_close(&before);
	flows_table_close(&after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_carried), TEST(test_carried_while_used), TEST(test_carried_into_less),
		TEST(test_carried_proxied),
	};

	return world_main(tests, N(tests));
}
