// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* events.c - ring buffer 'shunt_events': what rules log, for who reads it */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <base/file.h>
#include <kernel/events.h>
#include <kernel/pins.h>

#include "../../dataplane/modules/filter_rule.h"

struct events {
	int fd;
	struct ring_buffer *ring;
	events_handler handle;
	void *arg;
	bool skip;
};

static int events_one(void *arg, void *data, size_t size)
{
	const struct shunt_event *event = data;
	struct events *events = arg;

	if (!events->skip && size >= sizeof(*event) && event->size == sizeof(*event) &&
	    event->captured <= SHUNT_EVENT_BYTES)
		events->handle(events->arg, event);
	return 0;
}

static int events_pin(const char *bpffs, const char *name)
{
	char path[PINS_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", bpffs, name);
	return pins_get(path);
}

int events_open(const char *bpffs, events_handler handle, void *arg, struct events **ret_events,
		struct err *err)
{
	struct events *events = calloc(1, sizeof(*events));
	int r;

	if (!events)
		return err_set(err, -ENOMEM, "read events");
	events->handle = handle;
	events->arg = arg;
	events->fd = events_pin(bpffs, "events");
	if (events->fd < 0) {
		r = err_set(err, events->fd, "open the buffer of events");
		goto out;
	}
	events->ring = ring_buffer__new(events->fd, events_one, events, NULL);
	if (!events->ring) {
		r = err_set(err, -errno, "read events");
		goto out;
	}
	*ret_events = events;
	return 0;
out:
	events_close(events);
	return r;
}

void events_close(struct events *events)
{
	if (!events)
		return;
	ring_buffer__free(events->ring);
	fd_close(events->fd);
	free(events);
}

int events_fd(const struct events *events)
{
	return ring_buffer__epoll_fd(events->ring);
}

int events_take(struct events *events)
{
	int r = ring_buffer__consume(events->ring);

	return r < 0 ? r : 0;
}

int events_skip(struct events *events)
{
	int r;

	events->skip = true;
	r = events_take(events);
	events->skip = false;
	return r;
}

uint64_t events_lost(const char *bpffs)
{
	struct bpf_map_info info = {};
	struct filter_hits hits;
	uint32_t len = sizeof(info), parts, at;
	uint64_t lost = 0;
	int cpus = libbpf_num_possible_cpus(), fd = events_pin(bpffs, "hits");

	if (fd < 0 || cpus < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		goto out;
	parts = cpus + 1;		/* and what a table before it counted */
	for (at = FILTER_HITS_LOST; at < info.max_entries; at += info.max_entries / parts)
		if (bpf_map_lookup_elem(fd, &at, &hits) == 0)
			lost += hits.packets;
out:
	fd_close(fd);
	return lost;
}
