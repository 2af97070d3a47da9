/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* counters.h - table 'shunt_cpu': packet contexts and counters of all CPUs, mapped */
#ifndef KERNEL_COUNTERS_H
#define KERNEL_COUNTERS_H

#include <stdint.h>

#include <base/err.h>

struct counters {
	int fd;				/* -1: not open */
	unsigned int cpus;		/* possible ones */
	void *map;
};

/* Adopt the pin, or create and pin. Return: 0 or -errno */
int counters_open(struct counters *counters, const char *pin, struct err *err);
void counters_close(struct counters *counters);

/* Sum over CPUs; costs no system call */
uint64_t counters_get(const struct counters *counters, uint32_t index);
/* Only for an index that no loaded program uses */
void counters_zero(struct counters *counters, uint32_t index);

#endif
