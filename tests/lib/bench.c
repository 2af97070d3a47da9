// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* bench.c - measure programs against each other, print one JSON line a case */
#include <errno.h>
#include <fnmatch.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <bpf/bpf.h>

#include "bench.h"

#define PASS_NS		2000000	/* of a pass, about: long against the call, not against a time slice */
#define BENCH_TRIES	40	/* passes that may be thrown away */
#define SLACK_NS	0.3	/* what the overhead may be off */
#define FEW		2	/* XDP: one packet alone would go round the kernel's dispatcher */
#define FEW_PASSES	9

void bench_die(const char *what, const char *why)
{
	fprintf(stderr, "bench: %s: %s\n", what, why);
	exit(1);
}

void bench_init(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		bench_die("bind to one CPU", strerror(errno));
	setpriority(PRIO_PROCESS, 0, -20);	/* fewer cold caches; without it the same, slower */
}

bool bench_wanted(const char *name)
{
	const char *glob = getenv("CASE");

	return !glob || !*glob || !fnmatch(glob, name, 0);
}

static uint64_t bench_clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

uint64_t bench_cpu_ns(void)
{
	return bench_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t bench_wall_ns(void)
{
	return bench_clock_ns(CLOCK_MONOTONIC_RAW);
}

/* One pass. Return: ns of CPU time; *ret_ns: the kernel's figure for a packet, cut to whole ns */
static double bench_once(const struct bench_side *side, unsigned int repeat, double *ret_ns)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = repeat, .data_in = side->data,
		    .data_size_in = side->len);
	uint64_t start = bench_cpu_ns(), end;

	if (bpf_prog_test_run_opts(side->prog_fd, &opts) < 0)
		bench_die("run a program", strerror(errno));
	end = bench_cpu_ns();
	*ret_ns = opts.duration;
	return end - start;
}

static double bench_overhead(const struct bench_side *side)
{
	struct bench_times times = { .n = FEW_PASSES };
	unsigned int i;
	double ns;

	for (i = 0; i < times.n; i++)
		times.ns[i] = bench_once(side, FEW, &ns);
	bench_sort(&times);
	return bench_median(&times);
}

/*
 * Where the two clocks disagree, the host or somebody else had the CPU in between: no measurement.
 * The kernel's is cut to whole ns.
 */
static bool bench_disturbed(double ns, double kernel_ns)
{
	return ns < kernel_ns - SLACK_NS || ns > (kernel_ns + 1) * 1.05 + SLACK_NS;
}

/* Each side once, a packet's time into @ret_ns. Return: whether nobody disturbed */
static bool bench_round(const struct bench_side *side, unsigned int n_sides,
			const unsigned int *repeat, const double *overhead, double *ret_ns)
{
	bool good = true;
	double kernel_ns;
	unsigned int i;

	for (i = 0; i < n_sides; i++) {
		ret_ns[i] = bench_once(&side[i], repeat[i], &kernel_ns) - overhead[i];
		ret_ns[i] /= repeat[i] - FEW;
		good &= !bench_disturbed(ret_ns[i], kernel_ns);
	}
	return good;
}

void bench_run(const struct bench_side *side, unsigned int n_sides, struct bench_times *ret_times)
{
	double overhead[BENCH_SIDES_MAX], ns[BENCH_SIDES_MAX], each;
	unsigned int repeat[BENCH_SIDES_MAX], i, pass = 0, tries = 0;

	for (i = 0; i < n_sides; i++) {
		overhead[i] = bench_overhead(&side[i]);
		bench_once(&side[i], 20000, &each);
		repeat[i] = PASS_NS / (each + 0.5) + 10 * FEW;
		ret_times[i].n = BENCH_PASSES;
	}
	while (pass < BENCH_PASSES) {
		if (!bench_round(side, n_sides, repeat, overhead, ns) &&
		    ++tries < BENCH_TRIES)
			continue;	/* a machine that is never quiet gets its figures, too */
		for (i = 0; i < n_sides; i++)
			ret_times[i].ns[pass] = ns[i];
		pass++;
	}
}

static int bench_cmp(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

void bench_sort(struct bench_times *times)
{
	qsort(times->ns, times->n, sizeof(times->ns[0]), bench_cmp);
}

double bench_median(const struct bench_times *times)
{
	return times->ns[times->n / 2];
}

double bench_min(const struct bench_times *times)
{
	return times->ns[0];
}

void bench_print(const struct bench_line *line)
{
	printf("{\"name\":\"%s\",\"n\":%u,\"ns\":%.2f,\"min_ns\":%.2f", line->name, line->n,
	       line->ns, line->min_ns);
	if (line->floor_ns > 0)
		printf(",\"floor_ns\":%.2f,\"ratio\":%.2f", line->floor_ns,
		       line->ns / line->floor_ns);
	if (line->peer_ns > 0)
		printf(",\"peer_ns\":%.2f,\"ratio_peer\":%.2f", line->peer_ns,
		       line->ns / line->peer_ns);
	printf("}\n");
	fflush(stdout);
}
