/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * hits.h - table 'filter_hits': what rules and named counters counted, mapped
 *
 * DOC: An element for each CPU and index, and one part more, which no program
 * writes: what was counted in a table that this one took the place of.
 */
#ifndef KERNEL_HITS_H
#define KERNEL_HITS_H

#include <stddef.h>
#include <stdint.h>

#include <base/err.h>

#include "../../dataplane/modules/filter_rule.h"

struct hits {
	int fd;				/* -1: none */
	uint32_t room;			/* indices */
	unsigned int cpus;		/* possible ones */
	struct filter_hits *part;	/* [cpu * room + index]; cpu 'cpus': carried over */
};

/* Adopt the pin, or create with @room and pin. Return: 0 or -errno */
int hits_open(struct hits *hits, const char *pin, uint32_t room, struct err *err);
/* One with more room, not pinned yet */
int hits_create(struct hits *hits, uint32_t room, struct err *err);
void hits_close(struct hits *hits);

/* Once nothing counts in @from any more: its sums go into @to */
void hits_carry(struct hits *to, const struct hits *from);

/* Sum over CPUs, and the last jiffies; costs no system call */
void hits_get(const struct hits *hits, uint32_t index, struct filter_hits *ret);
/* Only for an index that no loaded program uses */
void hits_zero(struct hits *hits, uint32_t index);

#endif
