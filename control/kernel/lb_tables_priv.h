/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* lb_tables_priv.h - what lb_tables.c, lb_content.c and lb_flows.c share */
#ifndef KERNEL_LB_TABLES_PRIV_H
#define KERNEL_LB_TABLES_PRIV_H

#include <kernel/lb_tables.h>

struct lb_map {
	int fd;				/* -1: none */
	uint32_t entries;
	void *map;			/* NULL: not one that can be mapped */
};

struct lb_tables {
	char *bpffs;
	unsigned int cpus;		/* possible ones */
	struct lb_map now[LB_TABLE_MAX];
	struct lb_map next[LB_TABLE_MAX];	/* of another size: none but where entries are the plan's */
};

/* Once nothing writes to @from any more, or as long as it does: again and again */
void lb_tables_carry_flows(const struct lb_map *from, const struct lb_map *to);
/* Once nothing writes to @from any more */
void lb_tables_carry_counts(const struct lb_tables *tables, enum lb_table table);

#endif
