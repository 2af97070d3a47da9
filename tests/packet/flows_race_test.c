// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* flows_race_test.c - who brings flows in, takes them out and sweeps at the same time */
#include <pthread.h>
#include <stdatomic.h>

#include "flows_world.h"

#define KEYS	32		/* few: the threads meet */
#define TURNS	200000
#define ROUNDS	3000

static struct flows_table raced;
static uint32_t raced_at;	/* jiffies: not asked for between meeting and insertion */
static atomic_uint waiting;
static atomic_int won[KEYS];	/* who brought a key in */
static atomic_bool stop;
static atomic_long balance;	/* entries that went in, less those taken out */

/* Both, to a moment: who sleeps comes late. @step: how many meetings there were before */
static void meet(unsigned int step)
{
	unsigned int i;

	atomic_fetch_add(&waiting, 1);
	for (i = 0; atomic_load(&waiting) < 2 * (step + 1); i++)
		if (i > 10000)
			sched_yield();
}

/* @step: how many meetings there were; one more for each key. Return: false: not as it may be */
static bool insert_all(unsigned int step)
{
	union entry entry;
	uint32_t slot, i;
	bool good = true;
	int r;

	for (i = 0; i < KEYS; i++) {
		entry = entry_of(false, i, 0, HOUR);
		meet(step + i);
		r = flows_insert(&raced.part[0], &entry, NULL, raced_at, &slot);
		if (r == 0)
			atomic_fetch_add(&won[i], 1);
		good = good && (r == 0 || r == -EEXIST);
	}
	return good;
}

static void *inserter(void *arg)
{
	bool good = true;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		good = insert_all(i * (KEYS + 1)) && good;
		meet(i * (KEYS + 1) + KEYS);
	}
	return good ? NULL : (void *)1L;
}

/* Two bring in the same keys at the same moment: of each, one does */
static void test_same_key(void **state)
{
	struct plan_conntrack plan = plan_of(50, 1, 0);
	uint32_t round, i, slot;
	union entry entry;
	pthread_t thread;
	void *answer;

	change(&plan);
	raced = other("ct");
	atomic_store(&waiting, 0);
	raced_at = now();
	assert_int_equal(pthread_create(&thread, NULL, inserter, NULL), 0);
	for (round = 0; round < ROUNDS; round++) {
		assert_true(insert_all(round * (KEYS + 1)));
		meet(round * (KEYS + 1) + KEYS);
		assert_int_equal(check(&raced.part[0]), KEYS);
		for (i = 0; i < KEYS; i++) {
			entry = entry_of(false, i, 0, HOUR);
			slot = find(&raced.part[0], &entry);
			assert_int_equal(atomic_exchange(&won[i], 0), 1);
			assert_true(flows_take(&raced.part[0], slot,
					       flows_life(flows_entry(&raced.part[0], slot))));
		}
	}
	assert_int_equal(pthread_join(thread, &answer), 0);
	assert_null(answer);
	flows_table_close(&raced);
}

static void *racer(void *arg)
{
	uint64_t random = (uintptr_t)arg;
	union entry entry;
	uint32_t slot, i;
	uint64_t life;
	int r;

	for (i = 0; i < TURNS; i++) {
		entry = entry_of(false, unit_random(&random) % KEYS, 0, HOUR);
		r = flows_insert(&raced.part[0], &entry, NULL, now(), &slot);
		if (r == 0) {
			atomic_fetch_add(&balance, 1);
		} else if (r == -EEXIST) {
			life = flows_life(flows_entry(&raced.part[0], slot));
			if (conntrack_life_state(life) && flows_take(&raced.part[0], slot, life))
				atomic_fetch_sub(&balance, 1);
		} else if (r != -ENOSPC && r != -EAGAIN) {
			return (void *)(intptr_t)r;
		}
	}
	return NULL;
}

static void *sweeper(void *arg)
{
	uint64_t cursor = 0;
	struct flow flow;
	int r;

	while (!atomic_load(&stop)) {
		r = flows_next(flows, &cursor, 1000, &flow);
		if (r < 0)
			cursor = 0;
		else if (r == 1 && flow.flow4.key.proto != 6)
			return (void *)1L;
		if (r == 1 && flow.slot % 3 == 0 && flows_remove(flows, &flow) == 0)
			atomic_fetch_sub(&balance, 1);
		flows_sweep(flows, 100);
	}
	return NULL;
}

/* Two that insert and take out the same keys, one that walks, removes and sweeps */
static void test_race(void **state)
{
	struct plan_conntrack plan = plan_of(30, 1, 0);
	pthread_t thread[3];
	unsigned int i;
	void *answer;

	change(&plan);
	raced = other("ct");
	atomic_store(&stop, false);
	atomic_store(&balance, 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, racer,
						(void *)(uintptr_t)(seed + i + 1)), 0);
	assert_int_equal(pthread_create(&thread[2], NULL, sweeper, NULL), 0);
	for (i = 0; i < 3; i++) {
		if (i == 2)
			atomic_store(&stop, true);
		assert_int_equal(pthread_join(thread[i], &answer), 0);
		assert_null(answer);
	}
	assert_int_equal(check(&raced.part[0]), atomic_load(&balance));
	flows_table_close(&raced);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_same_key), TEST(test_race),
	};

	return world_main(tests, N(tests));
}
