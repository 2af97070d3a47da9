// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * images.c - images of filters in the kernel
 *
 * DOC: An image is the one value of an array map, as large as it has to be. It
 * has no BTF: its layout is that of lib/classifier.h and its filter's shape.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>

#include <base/arena.h>
#include <base/file.h>
#include <kernel/images.h>
#include <kernel/pins.h>

static void image_free(struct image *image)
{
	if (!image)
		return;
	if (image->map)
		munmap(image->map, image->size);
	fd_close(image->fd);
	free(image);
}

static void image_path(const struct images *images, const char *node, uint32_t generation,
		       char *ret_path)
{
	snprintf(ret_path, PINS_PATH_MAX, "%s/%s@%u", images->folder, node, generation);
}

/* Takes @fd. NULL: err tells */
static struct image *image_new(const struct plan_filter *filter, int fd, struct err *err)
{
	struct image *image = calloc(1, sizeof(*image));
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);

	if (!image)
		arena_no_memory();
	snprintf(image->node, sizeof(image->node), "%s", filter->node);
	image->generation = filter->generation;
	image->fd = fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0) {
		err_set(err, -errno, "look at the image of node '%s'", filter->node);
		goto out;
	}
	image->size = info.value_size;
	image->map = mmap(NULL, image->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (image->map != MAP_FAILED)
		return image;
	image->map = NULL;
	err_set(err, -errno, "map the image of node '%s'", filter->node);
out:
	image_free(image);
	return NULL;
}

static void images_add(struct images *images, struct image *image)
{
	images->v = realloc(images->v, (images->n + 1) * sizeof(*images->v));
	if (!images->v)
		arena_no_memory();
	images->v[images->n++] = image;
}

int images_open(struct images *images, const char *bpffs, struct err *err)
{
	*images = (struct images){};
	if (asprintf(&images->folder, "%s/image", bpffs) < 0)
		arena_no_memory();
	return pins_mkdir(images->folder, err);
}

void images_close(struct images *images)
{
	unsigned int i;

	for (i = 0; i < images->n; i++)
		image_free(images->v[i]);
	free(images->v);
	free(images->folder);
	*images = (struct images){};
}

struct image *images_get(struct images *images, const struct plan_filter *filter, struct err *err)
{
	char path[PINS_PATH_MAX];
	struct image *image;
	unsigned int i;
	int fd;

	for (i = 0; i < images->n; i++)
		if (images->v[i]->generation == filter->generation &&
		    !strcmp(images->v[i]->node, filter->node))
			return images->v[i];
	image_path(images, filter->node, filter->generation, path);
	fd = pins_get(path);
	if (fd < 0) {
		err_set(err, fd, "open pin '%s'", path);
		return NULL;
	}
	image = image_new(filter, fd, err);
	if (image)
		images_add(images, image);
	return image;
}

int images_make(struct images *images, const struct plan_filter *filter, struct err *err)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	const struct classifier *classifier = &filter->classifier;
	char path[PINS_PATH_MAX];
	struct image *image;
	int fd, r;

	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "filter_image", sizeof(uint32_t), classifier->size,
			    1, &opts);
	if (fd < 0)
		return err_set(err, -errno, "create an image of %zu bytes for node '%s'",
			       classifier->size, filter->node);
	image = image_new(filter, fd, err);
	if (!image)
		return -ENOMEM;
	memcpy(image->map, classifier->image, classifier->size);
	image_path(images, filter->node, filter->generation, path);
	pins_remove(path);		/* of a commit that did not come to be */
	r = pins_pin(fd, path, err);
	if (r < 0) {
		image_free(image);
		return r;
	}
	images_add(images, image);
	return 0;
}

static bool images_used(const struct plan *plan, const char *node, uint32_t generation)
{
	const struct plan_filter *filter = plan_filter_find(plan, node);

	return filter && filter->generation == generation;
}

struct images_sweeper {
	struct images *images;
	const struct plan *plan;
};

static int images_sweep_pin(const char *name, void *arg)
{
	const struct images_sweeper *sweeper = arg;
	const char *at = strrchr(name, '@');
	char path[PINS_PATH_MAX], node[SHUNT_NAME_MAX];

	if (at && (size_t)(at - name) < sizeof(node)) {
		snprintf(node, sizeof(node), "%.*s", (int)(at - name), name);
		if (images_used(sweeper->plan, node, strtoul(at + 1, NULL, 10)))
			return 0;
	}
	snprintf(path, sizeof(path), "%s/%s", sweeper->images->folder, name);
	pins_remove(path);
	return 0;
}

void images_sweep(struct images *images, const struct plan *plan)
{
	struct images_sweeper sweeper = { images, plan };
	unsigned int i, n = 0;

	for (i = 0; i < images->n; i++) {
		if (images_used(plan, images->v[i]->node, images->v[i]->generation))
			images->v[n++] = images->v[i];
		else
			image_free(images->v[i]);
	}
	images->n = n;
	pins_each(images->folder, images_sweep_pin, &sweeper);
}
