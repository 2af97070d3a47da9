/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* images.h - images of filters in the kernel: tables 'filter_image', pinned, mapped */
#ifndef KERNEL_IMAGES_H
#define KERNEL_IMAGES_H

#include <base/err.h>
#include <compile/plan.h>

struct image {
	char node[SHUNT_NAME_MAX];
	uint32_t generation;		/* in which it was made */
	int fd;
	void *map;			/* the image: what programs read */
	size_t size;
};

struct images {
	char *folder;			/* of their pins */
	struct image **v;
	unsigned int n;
};

int images_open(struct images *images, const char *bpffs, struct err *err);
void images_close(struct images *images);	/* unpins nothing */

/* A filter's image, borrowed: known, or adopted by its pin. NULL: there is none (err tells) */
struct image *images_get(struct images *images, const struct plan_filter *filter, struct err *err);
/* Make one from filter->classifier.image, fill it, pin it. Return: 0 or -errno */
int images_make(struct images *images, const struct plan_filter *filter, struct err *err);
/* Unpin those that no filter of @plan has */
void images_sweep(struct images *images, const struct plan *plan);

#endif
