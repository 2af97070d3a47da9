/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * classsets.h - the rule sets that tests go through
 *
 * Generated: each kind, IPv4 and IPv6, of 10 to 10 000 rules, to 100 000 with $ALL. Published: the
 * files of $SHUNT_CLASSBENCH, or ../shared/classbench; none where that is absent.
 */
#ifndef TESTS_LIB_CLASSSETS_H
#define TESTS_LIB_CLASSSETS_H

#include "classgen.h"

#define CLASSSETS_MAX	128

struct classsets_row {
	char name[64];			/* "acl ipv4 1000", "published acl1_1k.xz" */
	char path[256];			/* of a published set; empty: generated */
	enum classgen_kind kind;
	unsigned int family;
	size_t n;
};

/* Return: how many there are, CLASSSETS_MAX at most */
size_t classsets_list(struct classsets_row *row);

/* @ret_set:	classbench_fini() releases it */
void classsets_get(const struct classsets_row *row, uint64_t seed, struct classbench_set *ret_set);

#endif
