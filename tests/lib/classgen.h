/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * classgen.h - draw rule sets that look like those of routers and firewalls, and packets for them
 *
 * DOC: What real sets have in common is published (D. Taylor, J. Turner: ClassBench, INFOCOM
 * 2005): addresses come as nested prefixes of a few networks, some far more often than others;
 * source and destination lengths go together; a port is any, high (1024-65535), low (0-1023),
 * a range or a number; few protocols; what is special stands in front of what is general.
 * Three kinds: access lists (acl) of many exact destinations, firewalls (fw) of many wildcards,
 * chains of a host (ipc) between both. The tables here are round numbers of our own.
 *
 * Equal kind, family, number and seed give the equal set; no rule is in it twice.
 */
#ifndef TESTS_LIB_CLASSGEN_H
#define TESTS_LIB_CLASSGEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "classbench.h"

enum classgen_kind { CLASSGEN_ACL, CLASSGEN_FW, CLASSGEN_IPC, CLASSGEN_KINDS };

extern const char *const classgen_name[CLASSGEN_KINDS];	/* "acl", "fw", "ipc" */

enum classgen_packets {
	CLASSGEN_IN,		/* within a rule, any of them */
	CLASSGEN_SKEWED,	/* within a rule, some of them far more often (Pareto) */
	CLASSGEN_EDGE,		/* at the edges of a rule, just inside and just outside */
	CLASSGEN_ANY,		/* anywhere */
	CLASSGEN_MIXED,		/* of each of these a quarter */
};

/**
 * classgen_set() - Draw a set
 * @family:	4 or 6
 * @n:		Rules, to 1 000 000
 * @ret_set:	classbench_fini() releases it
 */
void classgen_set(enum classgen_kind kind, unsigned int family, size_t n, uint64_t seed,
		  struct classbench_set *ret_set);

/* Draw a packet for a set; never a malformed one. @random: state of unit_random() */
void classgen_packet(const struct classbench_set *set, enum classgen_packets packets,
		     uint64_t *random, struct classbench_packet *ret_packet);

#endif
