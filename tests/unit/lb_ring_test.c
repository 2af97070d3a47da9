// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * lb_ring_test.c - rings over changes: named sequences, and random ones against flows
 *
 * DOC: The model knows nothing of words and histories. It has flows: each began at some moment at the owner
 * of its slot, and is where it is until its backend dies, or until its drain time is over. What a
 * program would do by the word is done for each flow: one that begins in transition is remembered, one
 * that is not remembered goes to 'keep'. No flow may ever come to another backend than its own.
 */
#include <stdio.h>
#include <string.h>

#include <compile/lb_ring.h>

#include "../lib/unit.h"

#define DRAIN	1000		/* ms */
#define BACKENDS 8

static uint64_t state;
static bool lives[BACKENDS + 1];

static void all_live(void)
{
	memset(lives, true, sizeof(lives));
}

/* ---- one slot, named sequences ------------------------------------------------------------- */

/* A step: time, who is to own the slot ('-': as it is), who lives, what owner and keep are then */
struct step {
	uint64_t at_ms;
	char owner;			/* '0': nobody */
	const char *dead;
	const char *wanted;		/* owner, keep */
};

struct sequence {
	const char *name;
	struct step step[8];
};

static const struct sequence sequences[] = {
	{ "the first owner takes over nothing", { { 5, 'A', "", "A0" } } },
	{ "the former owner keeps its flows until the drain time is over", {
		{ 0, 'A', "", "A0" }, { 10, 'B', "", "BA" }, { 1009, '-', "", "BA" },
		{ 1010, '-', "", "B0" } } },
	{ "the earliest of several keeps, each for its own time", {
		{ 0, 'A', "", "A0" }, { 10, 'B', "", "BA" }, { 500, 'C', "", "CA" },
		{ 1009, '-', "", "CA" }, { 1010, '-', "", "CB" }, { 1500, '-', "", "C0" } } },
	{ "one that dies leaves the next to keep", {
		{ 0, 'A', "", "A0" }, { 10, 'B', "", "BA" }, { 20, 'C', "", "CA" },
		{ 30, '-', "A", "CB" }, { 40, '-', "AB", "C0" } } },
	{ "one that died and lives again has no flows", {
		{ 0, 'A', "", "A0" }, { 10, 'B', "", "BA" }, { 20, '-', "A", "B0" },
		{ 30, '-', "", "B0" } } },
	{ "an owner that died keeps nothing", {
		{ 0, 'A', "", "A0" }, { 10, 'B', "A", "B0" }, { 20, 'A', "", "AB" } } },
	{ "there and back: the owner keeps, the other's flows are looked for", {
		{ 0, 'A', "", "A0" }, { 10, 'B', "", "BA" }, { 20, 'A', "", "AA" },
		{ 1010, '-', "", "AB" }, { 1020, '-', "", "A0" } } },
	{ "there and back, and the other dies: stateless", {
		{ 0, 'A', "", "A0" }, { 10, 'B', "", "BA" }, { 20, 'A', "", "AA" },
		{ 30, '-', "B", "A0" }, { 40, '-', "", "A0" } } },
	{ "there, back, on, and the other dies: until the last time", {
		{ 0, 'A', "", "A0" }, { 10, 'B', "", "BA" }, { 20, 'A', "", "AA" },
		{ 500, 'C', "", "CA" }, { 510, '-', "B", "CA" }, { 1499, '-', "B", "CA" },
		{ 1500, '-', "B", "C0" } } },
	{ "nobody owns: who had it keeps its flows", {
		{ 0, 'A', "", "A0" }, { 10, '0', "", "0A" }, { 20, 'B', "", "BA" },
		{ 1010, '-', "", "B0" } } },
	{ "nobody lives", {
		{ 0, 'A', "", "A0" }, { 10, 'B', "", "BA" }, { 20, '0', "AB", "00" },
		{ 30, 'A', "", "A0" } } },
};

static uint16_t number(char name)
{
	return name == '0' ? 0 : name - 'A' + 1;
}

static char letter(uint16_t owner)
{
	return owner ? 'A' + owner - 1 : '0';
}

static void play(const struct sequence *sequence, uint64_t drain_ms, const char *wanted)
{
	struct lb_history history = {};
	const struct step *step;
	char got[3] = "";
	uint32_t word = 0, before;
	unsigned int changed;
	const char *dead;
	uint16_t owner;

	for (step = sequence->step; step->owner; step++) {
		all_live();
		for (dead = step->dead; *dead; dead++)
			lives[number(*dead)] = false;
		owner = step->owner == '-' ? LB_OWNER(word) : number(step->owner);
		before = word;
		changed = lb_ring_change(&word, 1, &history, step->owner == '-' ? NULL : &owner,
					 lives, step->at_ms, drain_ms);
		assert_int_equal(changed, word != before);
		got[0] = letter(LB_OWNER(word));
		got[1] = letter(LB_KEEP(word));
		if (!wanted)
			assert_string_equal(got, step->wanted);
		else
			assert_int_equal(got[1], wanted[0]);
	}
	lb_history_fini(&history);
}

static void test_sequence(void **arg)
{
	play(*arg, DRAIN, NULL);
}

static void test_no_drain(void **arg)
{
	unsigned int i;

	for (i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++)
		play(&sequences[i], 0, "0");
}

static void test_next(void **arg)
{
	struct lb_history history = {};
	uint16_t owner[3] = { 1, 1, 1 };
	uint32_t word[3] = { 0 };

	all_live();
	lb_ring_change(word, 3, &history, owner, lives, 5, DRAIN);
	assert_true(lb_history_next(&history, DRAIN) == UINT64_MAX);
	owner[2] = 2;
	assert_int_equal(lb_ring_change(word, 3, &history, owner, lives, 10, DRAIN), 1);
	owner[0] = 2;
	assert_int_equal(lb_ring_change(word, 3, &history, owner, lives, 20, DRAIN), 1);
	assert_int_equal(lb_history_next(&history, DRAIN), 1010);
	assert_int_equal(lb_ring_change(word, 3, &history, NULL, lives, 1010, DRAIN), 1);
	assert_int_equal(lb_history_next(&history, DRAIN), 1020);
	assert_int_equal(lb_ring_change(word, 3, &history, NULL, lives, 1020, DRAIN), 1);
	assert_true(lb_history_next(&history, DRAIN) == UINT64_MAX);
	assert_int_equal(word[0], LB_SLOT(2, 0));
	assert_int_equal(word[1], LB_SLOT(1, 0));
	lb_history_fini(&history);
}

/* ---- the rule again, from the whole past of each slot ---------------------------------------- */

#define SLOTS	37
#define PAST_MAX 4096

/* All that ever happened to a ring, to be asked again at each step */
struct event {
	uint64_t at_ms;
	uint16_t owner[SLOTS];
	bool lives[BACKENDS + 1];
};

static struct event past[PAST_MAX];

/* Has it lived at all events from @first on? */
static bool lived(uint16_t backend, unsigned int first, unsigned int n)
{
	for (; first < n; first++)
		if (!past[first].lives[backend])
			return false;
	return true;
}

/*
 * The first that owned the slot until an event less than the drain time ago, and has lived since.
 * *ret_others: somebody else than the owner is among them
 */
static uint16_t keep_wanted(unsigned int slot, unsigned int n, bool *ret_others)
{
	const struct event *now = &past[n - 1];
	uint16_t keep = 0, owner;
	unsigned int i;

	*ret_others = false;
	for (i = 1; i < n; i++) {
		owner = past[i - 1].owner[slot];
		if (!owner || owner == past[i].owner[slot] ||
		    now->at_ms - past[i].at_ms >= DRAIN || !lived(owner, i, n))
			continue;
		if (!keep)
			keep = owner;
		*ret_others = *ret_others || owner != now->owner[slot];
	}
	return keep;
}

static void next_event(struct event *event, const struct event *before)
{
	unsigned int i, kind = unit_random(&state) % 4;

	*event = *before;
	event->at_ms += unit_random(&state) % 4 ? unit_random(&state) % 100 :
			unit_random(&state) % 1500;
	for (i = 1; i <= BACKENDS && kind == 0; i++)
		if (unit_random(&state) % 4 == 0)
			event->lives[i] = unit_random(&state) % 3;
	for (i = 0; i < SLOTS && kind != 3; i++)
		if (unit_random(&state) % (kind == 1 ? 2 : 12) == 0)
			event->owner[i] = unit_random(&state) % (BACKENDS + 1);
}

static void check_ring(const uint32_t *word, unsigned int n)
{
	uint16_t keep;
	unsigned int i;
	bool others;

	for (i = 0; i < SLOTS; i++) {
		keep = keep_wanted(i, n, &others);
		assert_int_equal(LB_OWNER(word[i]), past[n - 1].owner[i]);
		assert_int_equal(LB_KEEP(word[i]), others ? keep : 0);
	}
}

/* Sequences of 40 changes, so that the drain time is over now and then within one */
static void test_random(void **arg)
{
	struct lb_history history;
	unsigned int turn, i, same;
	uint32_t word[SLOTS];

	for (turn = 0; turn < 2500; turn++) {
		memset(word, 0, sizeof(word));
		memset(&history, 0, sizeof(history));
		past[0] = (struct event){ .at_ms = 1 };
		memset(past[0].lives, true, sizeof(past[0].lives));
		for (i = 1; i <= 40; i++) {
			next_event(&past[i], &past[i - 1]);
			same = !memcmp(past[i].owner, past[i - 1].owner, sizeof(past[i].owner));
			lb_ring_change(word, SLOTS, &history, same ? NULL : past[i].owner,
				       past[i].lives, past[i].at_ms, DRAIN);
			check_ring(word, i + 1);
		}
		lb_history_fini(&history);
	}
}

/* ---- flows --------------------------------------------------------------------------------- */

#define FLOWS	4

struct flow {
	uint16_t backend;		/* 0: none */
	bool remembered;
	uint64_t began_ms;		/* what is left of it is over a drain time later */
};

/* What a program does with a packet of a flow that is under way */
static uint16_t backend_of(const struct flow *flow, uint32_t word)
{
	if (!LB_KEEP(word))
		return LB_OWNER(word);
	return flow->remembered ? flow->backend : LB_KEEP(word);
}

static void flow_begin(struct flow *flow, uint32_t word, uint64_t now_ms)
{
	*flow = (struct flow){ .backend = LB_OWNER(word), .remembered = LB_KEEP(word) != 0,
			       .began_ms = now_ms };
}

/*
 * Flows that are shorter than the drain time stay where they are as long as their backend lives, whatever
 * happens to the ring
 */
static void test_flows(void **arg)
{
	struct flow flow[SLOTS][FLOWS];
	struct lb_history history = {};
	unsigned int turn, i, k, checked = 0;
	uint32_t word[SLOTS] = { 0 };
	struct event event = { .at_ms = 1 }, before;

	memset(flow, 0, sizeof(flow));
	memset(event.lives, true, sizeof(event.lives));
	for (turn = 0; turn < 100000; turn++) {
		before = event;
		next_event(&event, &before);
		for (i = 0; i < SLOTS; i++)
			if (!event.lives[event.owner[i]])
				event.owner[i] = 0;
		lb_ring_change(word, SLOTS, &history, event.owner, event.lives, event.at_ms, DRAIN);
		for (i = 0; i < SLOTS * FLOWS; i++) {
			struct flow *f = &flow[i / FLOWS][i % FLOWS];

			if (f->backend && event.lives[f->backend] &&
			    event.at_ms - f->began_ms < DRAIN) {
				assert_int_equal(backend_of(f, word[i / FLOWS]), f->backend);
				checked++;
			} else {
				f->backend = 0;
			}
		}
		for (k = 0; k < 10; k++) {
			i = unit_random(&state) % SLOTS;
			flow_begin(&flow[i][unit_random(&state) % FLOWS], word[i], event.at_ms);
		}
	}
	assert_true(checked > 1000000);
	lb_history_fini(&history);
}

/* ---- owners -------------------------------------------------------------------------------- */

static void owners_count(enum lb_down down, const struct lb_health *health, unsigned int *count)
{
	struct plan_backend backend[3] = {
		{ .number = 7, .entry.addr.word = { 1 } }, { .number = 5, .entry.addr.word = { 2 } },
		{ .number = 9, .entry.addr.word = { 3 } },
	};
	struct plan_owner owner[3] = {
		{ .backend = &backend[0], .weight = 10 }, { .backend = &backend[1], .weight = 20 },
		{ .backend = &backend[2] },
	};
	const struct plan_service service = {
		.entry = { .slots = 1009, .down = down }, .owner = owner, .n_owners = 3,
	};
	uint16_t ring[1009];
	unsigned int i;

	lb_ring_owners(&service, health, ring);
	memset(count, 0, 10 * sizeof(*count));
	for (i = 0; i < 1009; i++)
		count[ring[i]]++;
}

static void test_owners(void **arg)
{
	struct lb_health health[3] = { { true, 10 }, { true, 10 }, { true, 10 } };
	unsigned int count[10];

	owners_count(LB_DOWN_DROP, health, count);
	assert_in_range(count[7], 334, 338);
	assert_in_range(count[5], 671, 675);
	assert_int_equal(count[9], 0);
	health[1].tenths = 5;
	owners_count(LB_DOWN_DROP, health, count);
	assert_in_range(count[7], 503, 506);
	health[0].lives = false;
	owners_count(LB_DOWN_LAST, health, count);
	assert_int_equal(count[5], 1009);
	health[1].lives = false;		/* one lives, but owns nothing */
	owners_count(LB_DOWN_LAST, health, count);
	assert_int_equal(count[0], 1009);
	health[2].lives = false;
	owners_count(LB_DOWN_DROP, health, count);
	assert_int_equal(count[0], 1009);
	owners_count(LB_DOWN_LAST, health, count);
	assert_in_range(count[7], 334, 338);
}

int main(void)
{
	const unsigned int n = sizeof(sequences) / sizeof(sequences[0]);
	struct CMUnitTest tests[32];
	unsigned int i;

	for (i = 0; i < n; i++)
		tests[i] = unit_row(sequences[i].name, test_sequence, &sequences[i]);
	tests[i++] = (struct CMUnitTest)cmocka_unit_test(test_no_drain);
	tests[i++] = (struct CMUnitTest)cmocka_unit_test(test_next);
	tests[i++] = (struct CMUnitTest)cmocka_unit_test(test_random);
	tests[i++] = (struct CMUnitTest)cmocka_unit_test(test_flows);
	tests[i++] = (struct CMUnitTest)cmocka_unit_test(test_owners);
	state = unit_seed();
	return unit_main(tests, i);
}
