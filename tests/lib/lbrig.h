/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * lbrig.h - module 'lb' behind a root, with tables that a test fills by hand
 *
 * Links without cmocka; what fails aborts. The test is user space alone: no plan, no daemon.
 */
#ifndef TESTS_LIB_LBRIG_H
#define TESTS_LIB_LBRIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kernel/object.h>
#include <shunt/abi.h>

#include "../../dataplane/lib/lb.h"

#define LBRIG_BUCKETS	16
#define LBRIG_ROOM	256		/* counters of a CPU */
#define LBRIG_BYTES	10240

enum lbrig_edge { LBRIG_HIT, LBRIG_NAT, LBRIG_KERNEL, LBRIG_MISS, LBRIG_NO_BACKEND, LBRIG_ANSWER,
		  LBRIG_EDGES };

struct lbrig_conf {
	const char *object;		/* "lb" */
	uint32_t hook;			/* one SHUNT_HOOK_* */
	uint32_t node;
	uint32_t kinds;
	uint32_t buckets;		/* 0: LBRIG_BUCKETS */
};

struct lbrig {
	struct lbrig_conf conf;
	struct object_loaded root, node;
	int next_fd, cpu_fd, fd[LB_TABLE_MAX];
	struct shunt_cpu *cpu;		/* of the CPU that the process is bound to */
	struct lb_backend *backend;	/* mapped, as are the next three */
	struct lb_bucket *bucket;
	struct lb_counts *counts;	/* of this CPU */
	struct lb_drops *drops;
	uint64_t before[96];
};

struct lbrig_out {
	uint32_t retval;
	int edge;			/* enum lbrig_edge; -1: none */
	int reason;			/* of a drop; -1: none */
	struct shunt_packet pkt;
	uint8_t data[LBRIG_BYTES];
	size_t len;
};

struct lbrig *lbrig_new(const struct lbrig_conf *conf);
void lbrig_free(struct lbrig *rig);

/* Return: 0; -EOPNOTSUPP: test runs take no such frame at this hook */
int lbrig_run(struct lbrig *rig, const void *data, size_t len, uint32_t gso_size,
	      struct lbrig_out *out);

struct shunt_addr lbrig_addr(const char *text);

/* A ring of so many slots, all of one word; in place of what is there */
uint32_t *lbrig_ring(struct lbrig *rig, uint32_t number, uint32_t slots, uint32_t word);
void lbrig_put(struct lbrig *rig, enum lb_table table, const void *key, const void *value);

#endif
