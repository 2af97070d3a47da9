// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* jiffies.c - what programs' last hits are in seconds */
#include <time.h>

#include <bpf/bpf.h>

#include <base/file.h>
#include <kernel/jiffies.h>

#define NSEC_PER_SEC	1000000000ULL
#define LOOK_NS		(NSEC_PER_SEC / 5)	/* between two looks, at least: HZ is told by 100 apart */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* The low half of jiffies64; high ones do not count for an age */
static uint32_t jiffies_now(const struct jiffies *jiffies)
{
	static const char frame[64];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = 1, .data_in = frame,
		    .data_size_in = sizeof(frame));

	return bpf_prog_test_run_opts(jiffies->prog_fd, &opts) < 0 ? jiffies->first : opts.retval;
}

void jiffies_open(struct jiffies *jiffies)
{
	static const struct bpf_insn insn[] = {
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_jiffies64 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	*jiffies = (struct jiffies){};
	jiffies->prog_fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "shunt_jiffies", "Dual BSD/GPL",
					 insn, 2, NULL);
	jiffies->first_ns = now_ns();
	if (jiffies->prog_fd >= 0)
		jiffies->first = jiffies_now(jiffies);
}

void jiffies_close(struct jiffies *jiffies)
{
	fd_close(jiffies->prog_fd);
	jiffies->prog_fd = -1;
}

/* The rates that a kernel is built with */
static uint32_t nearest_hz(uint64_t jiffies, uint64_t ns)
{
	static const uint32_t rates[] = { 100, 250, 300, 1000 };
	uint64_t hz = jiffies * NSEC_PER_SEC / ns, apart, best = UINT64_MAX;
	uint32_t found = rates[0];
	unsigned int i;

	for (i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		apart = hz > rates[i] ? hz - rates[i] : rates[i] - hz;
		if (apart < best) {
			best = apart;
			found = rates[i];
		}
	}
	return found;
}

uint64_t jiffies_age_s(const struct jiffies *jiffies, uint64_t then)
{
	struct timespec rest = {};
	uint64_t since;
	uint32_t now;

	if (jiffies->prog_fd < 0)
		return 0;
	since = now_ns() - jiffies->first_ns;
	if (since < LOOK_NS) {
		rest.tv_nsec = LOOK_NS - since;
		nanosleep(&rest, NULL);
	}
	now = jiffies_now(jiffies);
	since = now_ns() - jiffies->first_ns;
	return (uint32_t)(now - (uint32_t)then) / nearest_hz(now - jiffies->first, since);
}
