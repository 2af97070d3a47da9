/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* set_walk.h - the data path's lookup (dataplane/lib/set_walk.h) over an image in memory */
#ifndef COMPILE_SET_WALK_H
#define COMPILE_SET_WALK_H

#include <compile/set.h>

typedef const struct set_image *shunt_set_ref;

static inline const void *shunt_set_at(shunt_set_ref image, uint32_t index)
{
	return index < image->n_lines ? image->line + (size_t)index * SHUNT_SET_LINE : NULL;
}

#include "../../dataplane/lib/set_walk.h"

#endif
