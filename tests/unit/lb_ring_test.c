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
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <compile/lb_note.h>

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

/* A ring, what the daemon knows of it, and what is noted for the next one */
struct ring {
	uint32_t word[SLOTS];
	struct lb_history history;
	struct buf noted;
};

static void note(struct ring *ring, const struct lb_history *history)
{
	const struct lb_note note = { .slots = SLOTS, .history = *history };

	buf_clear(&ring->noted);
	lb_note_print(&note, &ring->noted);
}

/* As lb_run_update() does; it ends before the note, before the ring, or amid its slots. NULL @end: not at all */
static void change_ring(struct ring *ring, const struct event *event, const unsigned int *end)
{
	uint32_t word[SLOTS];
	struct lb_history next;

	lb_ring_plan(ring->word, SLOTS, &ring->history, event->owner, event->lives, event->at_ms,
		     DRAIN, &next);
	if (!end || *end)
		note(ring, &next);
	memcpy(word, ring->word, sizeof(word));
	lb_ring_store(word, SLOTS, &next, event->owner);
	memcpy(ring->word, word, end ? (*end ? *end - 1 : 0) * sizeof(*word) : sizeof(word));
	lb_history_fini(&ring->history);
	ring->history = next;
}

/* What a start makes of ring and note */
static void start(struct ring *ring, uint64_t now_ms)
{
	struct lb_note note = {};

	lb_history_fini(&ring->history);
	if (ring->noted.len)
		assert_int_equal(lb_note_parse(ring->noted.data, ring->noted.len, now_ms, &note),
				 0);
	ring->history = note.history;
	note.history = (struct lb_history){};
	lb_note_fini(&note);
	lb_history_adopt(&ring->history, ring->word, SLOTS, now_ms);
}

/* Return: how many flows are where they are to be; those that are over, or whose backend is dead, go */
static unsigned int check_flows(struct flow flow[SLOTS][FLOWS], const struct ring *ring,
				const struct event *event)
{
	unsigned int i, checked = 0;

	for (i = 0; i < SLOTS * FLOWS; i++) {
		struct flow *f = &flow[i / FLOWS][i % FLOWS];

		if (f->backend && event->lives[f->backend] && event->at_ms - f->began_ms < DRAIN) {
			assert_int_equal(backend_of(f, ring->word[i / FLOWS]), f->backend);
			checked++;
		} else {
			f->backend = 0;
		}
	}
	return checked;
}

static void begin_flows(struct flow flow[SLOTS][FLOWS], const struct ring *ring,
			const struct event *event)
{
	unsigned int i, k;

	for (k = 0; k < 10; k++) {
		i = unit_random(&state) % SLOTS;
		flow_begin(&flow[i][unit_random(&state) % FLOWS], ring->word[i], event->at_ms);
	}
}

/*
 * Flows that are shorter than the drain time stay where they are as long as their backend lives, whatever
 * happens to the ring, and wherever the daemon ends
 */
static void play_flows(unsigned int turns, bool crashes)
{
	struct event event = { .at_ms = 1 }, before;
	struct flow flow[SLOTS][FLOWS];
	unsigned int turn, i, end, checked = 0;
	struct ring ring = {};

	memset(flow, 0, sizeof(flow));
	memset(event.lives, true, sizeof(event.lives));
	for (turn = 0; turn < turns; turn++) {
		before = event;
		next_event(&event, &before);
		for (i = 0; i < SLOTS; i++)
			if (!event.lives[event.owner[i]])
				event.owner[i] = 0;
		if (crashes && unit_random(&state) % 3 == 0) {
			end = unit_random(&state) % (SLOTS + 2);
			change_ring(&ring, &event, &end);
			checked += check_flows(flow, &ring, &event);
			begin_flows(flow, &ring, &event);
			event.at_ms += unit_random(&state) % 300;
			start(&ring, event.at_ms);
		}
		change_ring(&ring, &event, NULL);
		checked += check_flows(flow, &ring, &event);
		begin_flows(flow, &ring, &event);
	}
	assert_true(checked > 10 * turns);
	buf_fini(&ring.noted);
	lb_history_fini(&ring.history);
}

static void test_flows(void **arg)
{
	play_flows(100000, false);
}

static void test_crashes(void **arg)
{
	play_flows(100000, true);
}

/* ---- notes --------------------------------------------------------------------------------- */

/* One slot: its word, who is noted with their times; who is known then */
struct adoption {
	const char *name, *word, *noted, *wanted;
};

static const struct adoption adoptions[] = {
	{ "what is noted goes on", "CA", "A1 B2", "A1 B2" },
	{ "a slot that is not in transition has no past", "C0", "A1 B2", "" },
	{ "nor has one whose note is ahead", "C0", "C5", "" },
	{ "who keeps is the first, others have their time", "CB", "A1 B2", "B9 A1 B2" },
	{ "the owner may be who keeps", "AA", "A1 B2", "A1 B2" },
	{ "who left twice is known by the first time", "CA", "A1 B2 A3", "A1 B2 A3" },
	{ "who keeps and is not noted keeps from now on", "CD", "A1 B2", "D9 A1 B2" },
	{ "nothing is noted", "BA", "", "A9" },
};

static void test_adoption(void **arg)
{
	const struct adoption *adoption = *arg;
	uint32_t word[3] = { 0, LB_SLOT(number(adoption->word[0]), number(adoption->word[1])), 0 };
	struct lb_past *was = calloc(4, sizeof(*was));
	struct lb_history history = { was, 0 };
	char text[32] = "";
	const char *at;
	unsigned int i;

	for (at = adoption->noted; *at; at += 2 + (at[2] == ' '))
		was[history.n++] = (struct lb_past){ .slot = 1, .owner = number(at[0]),
						      .since_ms = at[1] - '0' };
	lb_history_adopt(&history, word, 3, 9);
	for (i = 0; i < history.n; i++) {
		assert_int_equal(history.past[i].slot, 1);
		sprintf(text + strlen(text), "%s%c%d", i ? " " : "",
			letter(history.past[i].owner), (int)history.past[i].since_ms);
	}
	assert_string_equal(text, adoption->wanted);
	lb_history_fini(&history);
}

/* A sound note, with one thing changed */
static int parse_changed(unsigned int what)
{
	struct lb_past was[] = { { 1, 7, 0, 10 }, { 1, 8, 0, 20 }, { 5, 7, 0, 15 } };
	struct lb_slow slow[] = { { 3, 0, 12 } };
	struct lb_note note = { { 1, 2 }, 44, 6, { was, 3 }, slow, 1 }, got = {};
	struct buf text = {};
	int r;

	was[1].slot = what == 1 ? 0 : 1;
	was[1].owner = what == 2 ? 0 : 8;
	was[2].slot = what == 3 ? 6 : 5;
	was[0].owner = what == 4 ? 0 : 7;
	was[2].since_ms = what == 5 ? 31 : 15;
	slow[0].since_ms = what == 6 ? 0 : what == 7 ? 31 : 12;
	lb_note_print(&note, &text);
	text.data[0] ^= what == 8;
	text.len -= what == 9 ? 1 : what == 10 ? text.len : 0;
	r = lb_note_parse(text.data, text.len, 30, &got);
	if (r == 0) {
		assert_int_equal(got.ring, 44);
		assert_int_equal(got.slots, 6);
		assert_memory_equal(got.boot, note.boot, sizeof(got.boot));
		assert_int_equal(got.history.n, 3);
		assert_memory_equal(got.history.past, was, sizeof(was));
		assert_int_equal(got.n_slow, 1);
		assert_memory_equal(got.slow, slow, sizeof(slow));
	}
	lb_note_fini(&got);
	buf_fini(&text);
	return r;
}

static void test_note(void **arg)
{
	unsigned int what;

	assert_int_equal(parse_changed(0), 0);
	for (what = 1; what <= 10; what++)
		assert_int_equal(parse_changed(what), -EINVAL);
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
	unsigned int i, k;

	for (i = 0; i < n; i++)
		tests[i] = unit_row(sequences[i].name, test_sequence, &sequences[i]);
	for (k = 0; k < sizeof(adoptions) / sizeof(adoptions[0]); k++)
		tests[i++] = unit_row(adoptions[k].name, test_adoption, &adoptions[k]);
	tests[i++] = (struct CMUnitTest)cmocka_unit_test(test_no_drain);
	tests[i++] = (struct CMUnitTest)cmocka_unit_test(test_next);
	tests[i++] = (struct CMUnitTest)cmocka_unit_test(test_random);
	tests[i++] = (struct CMUnitTest)cmocka_unit_test(test_flows);
	tests[i++] = (struct CMUnitTest)cmocka_unit_test(test_crashes);
	tests[i++] = (struct CMUnitTest)cmocka_unit_test(test_note);
	tests[i++] = (struct CMUnitTest)cmocka_unit_test(test_owners);
	state = unit_seed();
	return unit_main(tests, i);
}
