/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* filter_live.h - packets that the live measurement sends, and the rules that drop them */
#ifndef TESTS_BENCH_FILTER_LIVE_H
#define TESTS_BENCH_FILTER_LIVE_H

#include <stdio.h>

#include <kernel/object.h>

#include "../lib/classgen.h"
#include "rotate.h"

/*
 * Packets for a number of rules: "acl" or "fw", sets of classgen.h, or "acl1_10k", a published one;
 * "simple", rules of one source and one port, all packets held by the last; "any": held by any.
 */
struct live_traffic {
	const char *what;
	unsigned int n;
	struct classbench_set set;	/* n 0: simple rules */
	struct object_loaded rotate;	/* the program that sends */
};

/* The one of that name and number, loaded once; NULL: the published set is not there */
struct live_traffic *live_traffic(const char *what, unsigned int n);

/* Source of simple rule @i; 16 apart */
uint32_t live_source(unsigned int i);

/* Rules in our syntax or nft's, with text around each; of iptables-restore; an nft set */
void live_write_rules(FILE *file, const char *before, const char *after,
		      const struct live_traffic *traffic, bool nft);
void live_write_iptables(FILE *file, const struct live_traffic *traffic);
void live_write_elements(FILE *file, unsigned int n, bool ranges);

#endif
