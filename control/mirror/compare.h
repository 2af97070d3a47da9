/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* compare.h - what two mirrors have otherwise, and entries as text that says so */
#ifndef MIRROR_COMPARE_H
#define MIRROR_COMPARE_H

#include <mirror/mirror.h>

/* One of the entries may be NULL: the other mirror alone has it */
typedef void compare_fn(void *arg, enum mirror_item item, const void *ours, const void *theirs);

/* @classes: 1 << enum mirror_class. All but the XDP programs of links, which the kernel does not tell of */
void compare_mirrors(const struct mirror *ours, const struct mirror *theirs, uint32_t classes,
		     compare_fn *fn, void *arg);

/**
 * compare_text() - An entry in a line, as the kernel's own commands would say it, more or less
 * @key_only: what tells it from others
 * @ret_text: with its end cut off if it does not fit
 */
void compare_text(const struct mirror *mirror, enum mirror_item item, const void *entry,
		  bool key_only, char *ret_text, size_t size);

#endif
