// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* lb_run_test.c - one service over time: slow starts, what is noted and when, what a start makes of it */
#include <stdlib.h>
#include <string.h>

#include <daemon/lb.h>

#include "../lib/unit.h"

#define SLOTS	1009
#define SLOW	9000		/* ms: a step a second */
#define DRAIN	5000
#define N	3

/* ---- a service of three backends, and the rest of the daemon ---------------------------------- */

static struct plan_backend backend[N] = {
	{ .number = 11, .entry.addr.word = { 1 } }, { .number = 12, .entry.addr.word = { 2 } },
	{ .number = 13, .entry.addr.word = { 3 } },
};
static struct config_backend config[N];
static struct plan_owner owner[N];
static struct plan_service service;
static uint32_t word[SLOTS];
static bool is_down[N];

static struct lb_note noted;		/* what is there for a start */
static unsigned int writes, written;	/* calls; former owners in the last */
static uint32_t word_then[SLOTS];	/* the ring at that moment */

bool lb_is_down(const struct lb *lb, const struct plan_service *of,
		const struct config_backend *which)
{
	return is_down[which - config];
}

void lb_noted_write(const struct lb *lb, struct lb_run *run, const struct lb_history *next)
{
	writes++;
	written = next->n;
	memcpy(word_then, run->word, sizeof(word_then));
}

bool lb_noted_read(const struct lb *lb, struct lb_run *run, uint64_t now_ms,
		   struct lb_note *ret_note)
{
	*ret_note = noted;
	noted = (struct lb_note){};
	return ret_note->slots;
}

static int set_up(void **state)
{
	unsigned int i;

	service = (struct plan_service){
		.node = "n", .name = "s", .owner = owner, .n_owners = N, .drain_ms = DRAIN,
		.slow_start_ms = SLOW, .entry.slots = SLOTS,
	};
	for (i = 0; i < N; i++) {
		owner[i] = (struct plan_owner){ &backend[i], 10, 0, &config[i] };
		is_down[i] = false;
	}
	memset(word, 0, sizeof(word));
	writes = written = 0;
	return 0;
}

static unsigned int slots_of(uint32_t number)
{
	unsigned int i, n = 0;

	for (i = 0; i < SLOTS; i++)
		n += LB_OWNER(word[i]) == number;
	return n;
}

/* As it begins, at time 1000 */
static void begin(struct lb_run *run)
{
	lb_run_init(NULL, run, &service, NULL, 1000);
	run->word = word;
	lb_run_fill(run);
}

/* The next plan's, in force; @run goes */
static void change(struct lb_run *run, struct lb_run *next, uint64_t now_ms)
{
	lb_run_init(NULL, next, &service, run, now_ms);
	next->word = word;
	next->history = run->history;
	run->history = (struct lb_history){};
	lb_run_update(NULL, next, true, now_ms);
	lb_run_fini(run);
}

/* ---- slow starts ------------------------------------------------------------------------------ */

static void test_first(void **state)
{
	struct lb_run run;

	begin(&run);
	assert_false(lb_run_slows(&run, 0));
	assert_in_range(slots_of(11), 335, 337);
	assert_in_range(slots_of(13), 335, 337);
	assert_true(run.next_ms == UINT64_MAX);
	lb_run_fini(&run);
}

/* It was down, and is up from 2000 on: a tenth, then one more each second */
static void test_slow(void **state)
{
	struct lb_run run, next;
	unsigned int step, slots, before = 0;

	is_down[2] = true;
	begin(&run);
	assert_int_equal(slots_of(13), 0);
	is_down[2] = false;
	change(&run, &next, 2000);
	assert_false(lb_run_slows(&next, 0));
	for (step = 1; step < 10; step++) {
		assert_true(lb_run_slows(&next, 2));
		assert_int_equal(next.health[2].tenths, step);
		slots = slots_of(13);
		assert_in_range(slots, SLOTS * step / (20 + step) - 1, SLOTS * step / (20 + step) + 1);
		assert_true(slots > before);
		before = slots;
		assert_int_equal(next.next_ms, 2000 + step * 1000);
		lb_run_update(NULL, &next, false, next.next_ms - 1);
		assert_int_equal(slots_of(13), slots);	/* not before its time */
		lb_run_update(NULL, &next, false, 2000 + step * 1000);
	}
	assert_false(lb_run_slows(&next, 2));
	assert_in_range(slots_of(13), 335, 337);
	assert_true(next.next_ms < UINT64_MAX);		/* transitions */
	lb_run_update(NULL, &next, false, 11000 + DRAIN);
	assert_true(next.next_ms == UINT64_MAX);
	lb_run_fini(&next);
}

/* Without anybody who carries the rest it has to carry all at once */
static void test_alone(void **state)
{
	struct lb_run run, next;

	is_down[0] = is_down[1] = is_down[2] = true;
	begin(&run);
	assert_int_equal(slots_of(0), SLOTS);
	is_down[2] = false;
	change(&run, &next, 2000);
	assert_false(lb_run_slows(&next, 2));
	assert_int_equal(slots_of(13), SLOTS);
	lb_run_fini(&next);
}

/* ---- notes ------------------------------------------------------------------------------------ */

static void test_noted_before(void **state)
{
	uint32_t was[SLOTS];
	struct lb_run run, next;
	unsigned int i, moved = 0;

	begin(&run);
	memcpy(was, word, sizeof(was));
	owner[0].weight = 0;
	change(&run, &next, 2000);
	assert_int_equal(writes, 1);
	assert_memory_equal(word_then, was, sizeof(was));
	for (i = 0; i < SLOTS; i++)
		moved += word[i] != was[i];
	assert_in_range(moved, 336, 500);
	assert_int_equal(written, moved);
	assert_int_equal(next.next_ms, 2000 + DRAIN);

	/* time alone: the note is told once nothing is left to note */
	owner[1].weight = 0;
	change(&next, &run, 3000);
	assert_int_equal(writes, 2);
	lb_run_update(NULL, &run, false, 2000 + DRAIN);
	assert_int_equal(writes, 2);
	assert_true(run.history.n > 0);
	lb_run_update(NULL, &run, false, 3000 + DRAIN);
	assert_int_equal(writes, 3);
	assert_int_equal(written, 0);
	lb_run_fini(&run);
}

/* ---- a start ---------------------------------------------------------------------------------- */

static struct lb_slow *slow_of(uint32_t number, uint64_t since_ms)
{
	struct lb_slow *slow = calloc(2, sizeof(*slow));

	slow[0] = (struct lb_slow){ number, 0, since_ms };
	slow[1] = (struct lb_slow){ 99, 0, since_ms };
	return slow;
}

static void test_adopted(void **state)
{
	struct lb_run run;

	owner[2].weight = 0;
	begin(&run);			/* the ring as it is found: 13 has nothing */
	lb_run_fini(&run);
	owner[2].weight = 10;
	lb_run_init(NULL, &run, &service, NULL, 9000);
	run.word = word;
	noted = (struct lb_note){ .slots = SLOTS, .slow = slow_of(12, 6500), .n_slow = 2 };
	lb_run_adopt(NULL, &run, 9000);
	assert_false(lb_run_slows(&run, 0));
	assert_true(lb_run_slows(&run, 1));
	assert_int_equal(run.up_ms[1], 6500);
	assert_int_equal(run.health[1].tenths, 3);
	assert_int_equal(run.up_ms[2], 9000);	/* it came as the daemon ended */
	assert_int_equal(run.health[2].tenths, 1);
	assert_int_equal(run.history.n, 0);
	lb_run_fini(&run);

	/* what is over is over */
	lb_run_init(NULL, &run, &service, NULL, 90000);
	run.word = word;
	noted = (struct lb_note){ .slots = SLOTS, .slow = slow_of(12, 6500), .n_slow = 2 };
	lb_run_adopt(NULL, &run, 90000);
	assert_false(lb_run_slows(&run, 1));
	assert_int_equal(run.health[1].tenths, 10);
	lb_run_fini(&run);
}

static void test_adopted_history(void **state)
{
	struct lb_run run;
	struct lb_past *past = calloc(1, sizeof(*past));

	begin(&run);
	lb_run_fini(&run);
	word[7] = LB_SLOT(11, 12);
	word[8] = LB_SLOT(11, 13);
	*past = (struct lb_past){ .slot = 7, .owner = 12, .since_ms = 6000 };
	lb_run_init(NULL, &run, &service, NULL, 9000);
	run.word = word;
	noted = (struct lb_note){ .slots = SLOTS, .history = { past, 1 } };
	lb_run_adopt(NULL, &run, 9000);
	assert_int_equal(run.history.n, 2);
	assert_int_equal(run.history.past[0].since_ms, 6000);
	assert_int_equal(run.history.past[1].since_ms, 9000);	/* nobody noted that one */
	assert_int_equal(run.history.past[1].owner, 13);
	lb_run_fini(&run);
}

/* ---- the same? -------------------------------------------------------------------------------- */

static void test_same(void **state)
{
	struct plan_service was;
	struct plan_owner owners[N];
	struct lb_run run, next;
	unsigned int what;

	for (what = 0; what <= 7; what++) {
		set_up(NULL);
		begin(&run);
		was = service;
		memcpy(owners, owner, sizeof(owners));
		was.owner = owners;
		run.service = &was;
		service.drain_ms += what == 1;
		service.ring_seed += what == 2;
		service.n_owners -= what == 3;
		service.entry.down = what == 4 ? LB_DOWN_LAST : LB_DOWN_DROP;
		owner[1].weight += what == 5;
		is_down[1] = what == 6;
		owner[2].backend = what == 7 ? &backend[0] : &backend[2];
		lb_run_init(NULL, &next, &service, &run, 2000);
		assert_int_equal(lb_run_is_same(&next), !what);
		lb_run_fini(&next);
		lb_run_fini(&run);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(test_##name, set_up)
	const struct CMUnitTest tests[] = {
		TEST(first), TEST(slow), TEST(alone), TEST(noted_before), TEST(adopted),
		TEST(adopted_history), TEST(same),
	};

	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
