// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * maglev.bench.c - how long a ring takes to build, what it moves, how even it is
 *
 * Here 'ns' is the time of one ring: 'maglev.build.N' of N backends of one weight, '.weights.N' of weights
 * from 1 to 100, 'maglev.change' of building the ring of 1000 without one and going over from the other.
 * To stderr: of the flows of those who stay, how many go elsewhere when one of N leaves, when one comes,
 * and when one has twice the weight; and the largest distance from a fair share.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <compile/lb_ring.h>
#include <compile/maglev.h>

#include "../lib/bench.h"

#define PASSES	15
#define TURNS	20		/* of what is only counted */

static struct maglev_member member[LB_BACKENDS];
static uint16_t ring[LB_RING_MAX], other[LB_RING_MAX];
static uint32_t word[LB_RING_MAX];
static bool lives[LB_BACKENDS];

static void members_fill(unsigned int n, bool weights)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		member[i] = (struct maglev_member){
			.addr = { .v4_prefix = { 0, 0, htonl(0xffff) }, .v4 = htonl(0x0a000001 + i) },
			.owner = 1 + i, .weight = weights ? 1 + i * 7919 % 100 : 1,
		};
}

/* ---- what a change moves --------------------------------------------------------------------- */

/* Of the slots that are neither @who's before nor @who's after, the share that another owner has, in % */
static double moved(uint32_t slots, uint16_t who)
{
	uint32_t i, n = 0, changed = 0;

	for (i = 0; i < slots; i++) {
		if (ring[i] == who || other[i] == who)
			continue;
		n++;
		changed += ring[i] != other[i];
	}
	return 100.0 * changed / n;
}

/* Mean over some that change, each with another seed. The backend at @who has @before, then @after */
static double disruption(unsigned int n, uint32_t slots, uint32_t before, uint32_t after)
{
	unsigned int turn, who;
	double sum = 0;

	for (turn = 0; turn < TURNS; turn++) {
		who = turn * 7919 % n;
		members_fill(n, false);
		member[who].weight = before;
		maglev_build(member, n, turn, slots, ring);
		member[who].weight = after;
		maglev_build(member, n, turn, slots, other);
		sum += moved(slots, who + 1);
	}
	return sum / TURNS;
}

/* Largest distance from the fair share, in % of it */
static double unevenness(unsigned int n, uint32_t slots)
{
	static unsigned int count[LB_BACKENDS];
	double share = (double)slots / n, most = 0, off;
	uint32_t i;

	members_fill(n, false);
	maglev_build(member, n, 1, slots, ring);
	memset(count, 0, sizeof(count));
	for (i = 0; i < slots; i++)
		count[ring[i]]++;
	for (i = 1; i <= n; i++) {
		off = count[i] > share ? count[i] - share : share - count[i];
		if (off > most)
			most = off;
	}
	return 100 * most / share;
}

static void print_table(uint32_t slots)
{
	static const unsigned int sizes[] = { 10, 100, 1000, 4000 };
	unsigned int i, n;

	fprintf(stderr, "%u slots: of the flows of those who stay, moved (%%)\n", slots);
	fprintf(stderr, "%10s %10s %10s %14s %10s\n", "backends", "one leaves", "one comes",
		"doubles weight", "uneven (%)");
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		n = sizes[i];
		fprintf(stderr, "%10u %10.3f %10.3f %14.3f %10.3f\n", n,
			disruption(n, slots, 1, 0), disruption(n, slots, 0, 1),
			disruption(n, slots, 1, 2), unevenness(n, slots));
	}
}

/* ---- times ----------------------------------------------------------------------------------- */

static void print(const char *name, unsigned int n, struct bench_times *times)
{
	struct bench_line line = { .name = name, .n = n };

	bench_sort(times);
	line.ns = bench_median(times);
	line.min_ns = bench_min(times);
	bench_print(&line);
}

static void time_build(const char *name, unsigned int n, uint32_t slots, bool weights)
{
	struct bench_times times = { .n = PASSES };
	unsigned int i;
	uint64_t start;

	if (!bench_wanted(name))
		return;
	members_fill(n, weights);
	for (i = 0; i < PASSES; i++) {
		start = bench_cpu_ns();
		maglev_build(member, n, i, slots, ring);
		times.ns[i] = bench_cpu_ns() - start;
	}
	print(name, n, &times);
}

static void time_change(const char *name, unsigned int n, uint32_t slots)
{
	struct bench_times times = { .n = PASSES };
	struct lb_history history = {};
	unsigned int i, k;
	uint64_t start;

	if (!bench_wanted(name))
		return;
	memset(lives, true, sizeof(lives));
	for (i = 0; i < PASSES; i++) {
		members_fill(n, false);
		maglev_build(member, n, i, slots, ring);
		for (k = 0; k < slots; k++)
			word[k] = LB_SLOT(ring[k], 0);
		member[i].weight = 0;
		lives[i + 1] = false;
		start = bench_cpu_ns();
		maglev_build(member, n, i, slots, other);
		lb_ring_change(word, slots, &history, other, lives, 1000, 300000);
		times.ns[i] = bench_cpu_ns() - start;
		lives[i + 1] = true;
		lb_history_fini(&history);
	}
	print(name, n, &times);
}

int main(void)
{
	bench_init();
	time_build("maglev.build.10", 10, LB_RING, false);
	time_build("maglev.build.100", 100, LB_RING, false);
	time_build("maglev.build.1k", 1000, LB_RING, false);
	time_build("maglev.build.10k", 10000, LB_RING, false);
	time_build("maglev.build.1k.large", 1000, LB_RING_MAX, false);
	time_build("maglev.weights.1k", 1000, LB_RING, true);
	time_change("maglev.change", 1000, LB_RING);
	if (bench_wanted("maglev.table")) {
		print_table(LB_RING);
		print_table(LB_RING_MAX);
	}
	return 0;
}
