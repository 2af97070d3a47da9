/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * bench.h - measure programs against each other, print one JSON line a case
 *
 * DOC: What is compared runs in turn (A B C A B C ...), so that a slower moment of
 * the machine hits all of them. A pass is one BPF_PROG_TEST_RUN of many packets and
 * counts the thread's CPU time: the kernel's own figure for it is cut to whole
 * nanoseconds, too coarse for a hop. What the call costs besides is measured with few
 * packets, and taken off. A pass for which the two figures disagree is run again.
 */
#ifndef TESTS_LIB_BENCH_H
#define TESTS_LIB_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_SIDES_MAX	8
#define BENCH_PASSES	31

/* A program and the packet it is fed with */
struct bench_side {
	int prog_fd;
	const void *data;
	size_t len;
};

struct bench_times {
	unsigned int n;			/* passes */
	double ns[BENCH_PASSES];	/* a packet; sorted by bench_sort() */
};

struct bench_line {
	const char *name;
	unsigned int n;			/* nodes, rules, flows */
	double ns;			/* median */
	double min_ns;
	double floor_ns;		/* 0: there is none */
	double peer_ns;			/* 0: there is none */
};

/* One CPU, first in line for it. Once, at the start */
void bench_init(void);

/* Does $CASE, a glob, pick this one? */
bool bench_wanted(const char *name);

/* Both hold for the thread: its own time, and what the clock on the wall says */
uint64_t bench_cpu_ns(void);
uint64_t bench_wall_ns(void);

/* All sides in turn, BENCH_PASSES times; one result a side, in the order of the passes */
void bench_run(const struct bench_side *side, unsigned int n_sides, struct bench_times *ret_times);

void bench_sort(struct bench_times *times);
double bench_median(const struct bench_times *times);	/* of sorted ones */
double bench_min(const struct bench_times *times);

void bench_print(const struct bench_line *line);

/* Print why, exit */
void bench_die(const char *what, const char *why) __attribute__((noreturn));

#endif
