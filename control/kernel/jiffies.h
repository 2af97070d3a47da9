/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * jiffies.h - what programs' last hits are in seconds
 *
 * DOC: Programs note jiffies, which cost one load; a clock costs ten times as much. How long a
 * jiffy is depends on how the kernel was built, and nothing tells: so two looks at both clocks do.
 */
#ifndef KERNEL_JIFFIES_H
#define KERNEL_JIFFIES_H

#include <stdint.h>

struct jiffies {
	int prog_fd;			/* -1: not to be had; all ages are 0 */
	uint32_t first;			/* jiffies at the first look */
	uint64_t first_ns;		/* CLOCK_MONOTONIC */
};

void jiffies_open(struct jiffies *jiffies);
void jiffies_close(struct jiffies *jiffies);

/* How old a time in jiffies is. Return: seconds */
uint64_t jiffies_age_s(const struct jiffies *jiffies, uint64_t then);

#endif
