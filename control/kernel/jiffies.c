// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* jiffies.c - the clock that programs note times by */
#include <time.h>

#include <bpf/bpf.h>

#include <base/file.h>
#include <kernel/jiffies.h>

#define NSEC_PER_SEC	1000000000ULL

static uint64_t coarse_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* The low half of jiffies64; high ones do not count for an age */
static uint32_t jiffies_read(const struct jiffies *jiffies)
{
	static const char frame[64];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = 1, .data_in = frame,
		    .data_size_in = sizeof(frame));

	return bpf_prog_test_run_opts(jiffies->prog_fd, &opts) < 0 ? jiffies->read : opts.retval;
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
	if (jiffies->prog_fd < 0)
		return;
	jiffies->read_ns = coarse_ns();
	jiffies->read = jiffies_read(jiffies);
}

void jiffies_close(struct jiffies *jiffies)
{
	fd_close(jiffies->prog_fd);
	jiffies->prog_fd = -1;
}

uint32_t jiffies_hz(void)
{
	struct timespec tick;

	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	return (NSEC_PER_SEC + tick.tv_nsec / 2) / tick.tv_nsec;
}

uint32_t jiffies_now(struct jiffies *jiffies)
{
	uint64_t ns = coarse_ns();

	if (ns - jiffies->read_ns >= NSEC_PER_SEC) {
		jiffies->read = jiffies_read(jiffies);
		jiffies->read_ns = ns;
	}
	return jiffies->read + (ns - jiffies->read_ns) * jiffies_hz() / NSEC_PER_SEC;
}

uint64_t jiffies_age_s(const struct jiffies *jiffies, uint64_t then)
{
	if (jiffies->prog_fd < 0)
		return 0;
	return (jiffies_read(jiffies) - (uint32_t)then) / jiffies_hz();
}
