/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* rendering.h - one graph at one hook: load its programs, fill its program array, pin */
#ifndef KERNEL_RENDERING_H
#define KERNEL_RENDERING_H

#include <base/err.h>
#include <compile/plan.h>
#include <kernel/images.h>
#include <kernel/shared.h>

/* What programs are given besides their own tables */
struct rendering_maps {
	struct object_map shared[SHARED_MAPS];
	unsigned int n_shared;
	struct images *images;
};

struct rendering_paths {
	const char *bpffs;
	const char *objects;
	const char *logs;
};

/* Folder of a rendering, in a buffer of PINS_PATH_MAX */
void rendering_path(const char *bpffs, const struct plan_graph *graph, char *ret_path);
/* Pin of a state table */
void rendering_table_path(const char *bpffs, const char *node, const struct plan_table *table,
			  char *ret_path);

/**
 * rendering_load() - Load and pin
 * Whether every slot that an edge names is filled is checked before it counts.
 * @ret_root: fd of the root, to be written into the entry array; the caller closes it
 * Return: 0; -errno: nothing of it is left but new state tables: rendering_sweep() takes them
 */
int rendering_load(const struct rendering_paths *paths, const struct rendering_maps *maps,
		 const struct plan_graph *graph, int *ret_root, struct err *err);

/* Remove renderings and state tables that @plan does not use */
void rendering_sweep(const char *bpffs, const struct plan *plan);

#endif
