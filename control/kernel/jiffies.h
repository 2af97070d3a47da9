/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * jiffies.h - the clock that programs note times by
 *
 * DOC: Programs note jiffies, which cost one load; a clock costs ten times as much. How long a
 * jiffy is depends on how the kernel was built; CLOCK_MONOTONIC_COARSE goes by them, and tells its
 * resolution. A program of ours reads them. What goes on from one reading to the next is taken from
 * that clock, for at most a second, so that drift does not add up.
 */
#ifndef KERNEL_JIFFIES_H
#define KERNEL_JIFFIES_H

#include <stdint.h>

struct jiffies {
	int prog_fd;			/* -1: not to be had; all ages are 0 */
	uint32_t read;			/* jiffies at the last reading */
	uint64_t read_ns;		/* CLOCK_MONOTONIC_COARSE */
};

void jiffies_open(struct jiffies *jiffies);
void jiffies_close(struct jiffies *jiffies);

/* How many a second has */
uint32_t jiffies_hz(void);
/* The low half of jiffies now; one too few or too many may be */
uint32_t jiffies_now(struct jiffies *jiffies);
/* How old a time in jiffies is. Return: seconds */
uint64_t jiffies_age_s(const struct jiffies *jiffies, uint64_t then);

#endif
