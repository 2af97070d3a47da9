/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* flowmodel_side.h - the flow table of a rig, mapped, beside the model of its flows */
#ifndef TESTS_FLOWMODEL_SIDE_H
#define TESTS_FLOWMODEL_SIDE_H

#include "../lib/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <kernel/flows.h>

#include "../lib/flowmodel.h"
#include "../lib/flowmodel_nat.h"
#include "../lib/rig.h"

/* The tables of one hook's rig, mapped, beside its model */
struct side {
	struct rig *rig;
	struct flowmodel model;
	struct flownat nat;
	const char *name;
	struct conntrack_flow4 *flow4;
	struct conntrack_flow6 *flow6;
	struct conntrack_counts *counts[FLOWS_FAMILIES];
	struct conntrack_conf *conf;
	struct conntrack_stats *stats;
	unsigned int cpus;
	int frags_fd[FLOWS_FAMILIES];
	int64_t moved;			/* ticks that the test moved the clock */
	uint32_t jiffies_first, checked;	/* checked: at the last look at the table */
	struct flowmodel_outcome wanted;
	struct model_packet packet;
	unsigned int tos;
	const char *left;		/* the edge that a new flow's packet leaves by */
	uint64_t exhausted;
};

/* ---- tables ---- */
static void *map(int fd, size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		fail_msg("map: %s", strerror(errno));
	return at;
}

static int table_fd(const struct object_map *maps, unsigned int n, const char *name)
{
	while (n--)
		if (!strcmp(maps[n].name, name))
			return maps[n].fd;
	fail_msg("no table '%s'", name);
	return -1;
}

static size_t table_size(int fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	return (size_t)info.max_entries * ((info.value_size + 7) & ~7u);
}

static void *open_table(const struct object_map *maps, unsigned int n, const char *name)
{
	int fd = table_fd(maps, n, name);

	return map(fd, table_size(fd));
}

static void open_tables(struct side *side)
{
	struct object_map maps[FLOWS_MAPS];
	unsigned int n = flows_maps(side->rig->shared.flows, maps);

	side->flow4 = open_table(maps, n, "ct_flows4");
	side->flow6 = open_table(maps, n, "ct_flows6");
	side->counts[0] = open_table(maps, n, "ct_counts4");
	side->counts[1] = open_table(maps, n, "ct_counts6");
	side->conf = open_table(maps, n, "ct_conf");
	side->stats = open_table(maps, n, "ct_stats");
	side->cpus = table_size(table_fd(maps, n, "ct_stats")) / sizeof(*side->stats);
	side->frags_fd[0] = table_fd(maps, n, "ct_frags4");
	side->frags_fd[1] = table_fd(maps, n, "ct_frags6");
}

#endif
