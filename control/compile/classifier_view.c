// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * classifier_view.c - a small difference to a running image, and the store that puts it in force
 *
 * The view is not in force while it is written: no packet reads it. A packet that read the old
 * number just before a switch does; hence a grace period between a switch and the next write.
 */
#include <errno.h>
#include <string.h>

#include "classifier_priv.h"

static int view_check(const struct classifier_shape *shape, const struct classifier_rows *add,
		      const struct classifier_ext *ext, const uint32_t *gone, unsigned int n_gone)
{
	unsigned int n[2] = { 0, 0 }, i;

	for (i = 0; i < add->n; i++)
		if (++n[add->row[i].family == 6] > CLASSIFIER_VIEW_ROWS)
			return -ENOSPC;
	if (ext && ext->n && (ext->n > CLASSIFIER_VIEW_EXTS || ext->size != shape->ext_size))
		return -ENOSPC;
	for (i = 0; i < n_gone; i++)
		if (gone[i] >= shape->rules)
			return -EINVAL;
	return 0;
}

int classifier_view(void *image, const struct classifier_shape *shape, unsigned int view,
		    const struct classifier_rows *add, const struct classifier_ext *ext,
		    const uint32_t *gone, unsigned int n_gone)
{
	struct classifier_head *head = image;
	uint8_t *base = (uint8_t *)image + shape->view_off + view * shape->view_size;
	struct classifier_row4 *row4 = (void *)(base + CLASSIFIER_VIEW_ROWS4);
	struct classifier_row6 *row6 = (void *)(base + CLASSIFIER_VIEW_ROWS6);
	uint64_t *bits = (void *)(base + CLASSIFIER_VIEW_GONE);
	struct classifier_view *into = &head->views[view];
	unsigned int i;
	int r;

	r = view_check(shape, add, ext, gone, n_gone);
	if (r < 0)
		return r;
	into->rows[0] = into->rows[1] = 0;
	for (i = 0; i < add->n; i++) {
		if (add->row[i].family == 4)
			classifier_row4_pack(&add->row[i], &row4[into->rows[0]++]);
		else
			classifier_row6_pack(&add->row[i], &row6[into->rows[1]++]);
	}
	if (ext && ext->n)
		memcpy((uint8_t *)image + shape->ext_off +
		       (size_t)classifier_view_ext(shape, view) * shape->ext_size,
		       ext->data, ext->n * ext->size);
	memset(bits, 0, shape->view_size - CLASSIFIER_VIEW_GONE);
	for (i = 0; i < n_gone; i++)
		bits[(gone[i] + 1) / 64] |= 1ULL << (gone[i] + 1) % 64;
	into->gone = n_gone ? shape->gone_mask : 0;
	return 0;
}

uint32_t classifier_view_ext(const struct classifier_shape *shape, unsigned int view)
{
	return shape->exts + view * CLASSIFIER_VIEW_EXTS;
}

void classifier_switch(void *image, unsigned int view)
{
	struct classifier_head *head = image;

	__atomic_store_n(&head->view, view, __ATOMIC_RELEASE);
}

unsigned int classifier_in_force(const void *image)
{
	const struct classifier_head *head = image;

	return __atomic_load_n(&head->view, __ATOMIC_ACQUIRE);
}
