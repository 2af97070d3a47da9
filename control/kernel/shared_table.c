// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* shared_table.c - tables of a node that people may look at */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <kernel/pins.h>
#include <kernel/rendering.h>
#include <kernel/shared.h>

/* Of the tables that all programs share: flows and translations. The others are shunt's own affair */
static bool is_shown(const struct plan_table *table)
{
	const char *name = table->table->name;

	if (table->kind == PLAN_STATE)
		return true;
	return table->kind == PLAN_SHARED && strcmp(name, "ct_events") &&
	       (!strncmp(name, "ct_", 3) || !strncmp(name, "nat_", 4));
}

/* Return: new fd, -errno */
static int shared_fd(const struct shared *shared, const char *name)
{
	struct object_map map[SHARED_MAPS];
	unsigned int i, n = shared_maps(shared, 0, map);
	int fd;

	for (i = 0; i < n; i++) {
		if (strcmp(map[i].name, name))
			continue;
		fd = fcntl(map[i].fd, F_DUPFD_CLOEXEC, 0);
		return fd < 0 ? -errno : fd;
	}
	return -ENOENT;
}

int shared_table_open(const struct shared *shared, const struct plan_node *node, const char *table,
		      bool *ret_shared, struct err *err)
{
	const char *known[node->n_tables + 1];
	char path[PINS_PATH_MAX];
	unsigned int i, n = 0;
	int fd;

	for (i = 0; i < node->n_tables; i++) {
		if (!is_shown(&node->table[i]))
			continue;
		known[n++] = node->table[i].table->name;
		if (strcmp(node->table[i].table->name, table))
			continue;
		*ret_shared = node->table[i].kind == PLAN_SHARED;
		rendering_table_path(shared->bpffs, node->name, &node->table[i], path);
		fd = *ret_shared ? shared_fd(shared, table) : pins_get(path);
		return fd < 0 ? err_set(err, fd, "open table '%s' of node '%s'", table,
					node->name) : fd;
	}
	return err_set(err, -ENOENT, "node '%s' has no table '%s' that outlives a generation%s.",
		       node->name, table, suggest_text(table, known, n).text);
}
