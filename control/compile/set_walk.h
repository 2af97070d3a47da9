/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* set_walk.h - the data path's lookup (dataplane/lib/set_walk.h) over an image in memory */
#ifndef COMPILE_SET_WALK_H
#define COMPILE_SET_WALK_H

#include <compile/set.h>

static inline void *set_image_at(const struct set_image *image, uint32_t index)
{
	return index < image->n_lines ? image->line + (size_t)index * SHUNT_SET_LINE : NULL;
}

#define shunt_set_at(set_, index_) set_image_at(set_, index_)

#include "../../dataplane/lib/set_walk.h"

#endif
