/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* render.h - one graph at one hook: load its programs, fill its program array, pin */
#ifndef KERNEL_RENDER_H
#define KERNEL_RENDER_H

#include <base/err.h>
#include <compile/plan.h>

/* Tables that all programs share */
struct render_maps {
	int cpu_fd;
	int ports_fd;		/* of the hook's program type */
};

struct render_paths {
	const char *bpffs;
	const char *objects;
	const char *logs;
};

/* Folder of a rendering, in a buffer of PINS_PATH_MAX */
void render_path(const char *bpffs, const struct plan_graph *graph, char *ret_path);
/* Pin of a state table */
void render_table_path(const char *bpffs, const char *node, const struct plan_table *table, char *ret_path);

/**
 * render_graph() - Load and pin
 * Whether every slot that an edge names is filled is checked before it counts.
 * @ret_root: fd of the root, to be written into the entry array; the caller closes it
 * Return: 0; -errno: nothing of it is left (new state tables excepted: render_sweep() takes them)
 */
int render_graph(const struct render_paths *paths, const struct render_maps *maps,
		 const struct plan_graph *graph, int *ret_root, struct err *err);

/* Remove renderings and state tables that @plan does not use */
void render_sweep(const char *bpffs, const struct plan *plan);

#endif
