// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* flow_events.c - ring buffer 'ct_events': flows that come, change and go, for who reads it */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <base/arena.h>
#include <base/file.h>
#include <kernel/flow_events.h>
#include <kernel/jiffies.h>

struct flow_events {
	int fd;
	struct ring_buffer *ring;
	struct jiffies jiffies;
	flow_events_fn handle;
	void *arg;
	bool skip;
};

/* What a walk over the table would show of it */
static void flow_of(struct flow_events *events, const struct conntrack_event *event,
		    struct flow *ret_flow)
{
	uint32_t now = jiffies_now(&events->jiffies), hz = jiffies_hz(), since;
	int32_t left, age;

	*ret_flow = (struct flow){ .family = event->l3 == 6, .slot = event->slot };
	if (event->l3 == 6)
		ret_flow->flow6 = event->flow6;
	else
		ret_flow->flow4 = event->flow4;
	ret_flow->counts = event->counts;
	since = event->l3 == 6 ? event->flow6.since : event->flow4.since;
	left = (uint32_t)ret_flow->flow.life - now;
	age = now - since;
	ret_flow->expires_s = left > 0 ? left / hz : 0;
	ret_flow->age_s = age > 0 ? age / hz : 0;
}

static int event_one(void *arg, void *data, size_t size)
{
	const struct conntrack_event *event = data;
	struct flow_events *events = arg;
	struct flow flow;

	if (events->skip || size < sizeof(*event) || event->size != sizeof(*event))
		return 0;
	flow_of(events, event, &flow);
	events->handle(events->arg, event->kind, &flow);
	return 0;
}

int flow_events_open(int fd, flow_events_fn handle, void *arg, struct flow_events **ret_events,
		     struct err *err)
{
	struct flow_events *events = calloc(1, sizeof(*events));
	int r;

	if (!events)
		arena_no_memory();
	events->handle = handle;
	events->arg = arg;
	jiffies_open(&events->jiffies);
	events->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (events->fd >= 0)
		events->ring = ring_buffer__new(events->fd, event_one, events, NULL);
	if (!events->ring) {
		r = err_set(err, -errno, "read events of flows");
		flow_events_close(events);
		return r;
	}
	*ret_events = events;
	return 0;
}

void flow_events_close(struct flow_events *events)
{
	if (!events)
		return;
	ring_buffer__free(events->ring);
	fd_close(events->fd);
	jiffies_close(&events->jiffies);
	free(events);
}

int flow_events_fd(const struct flow_events *events)
{
	return ring_buffer__epoll_fd(events->ring);
}

bool flow_events_are_of(const struct flow_events *events, int fd)
{
	struct bpf_map_info ours = {}, theirs = {};
	uint32_t len = sizeof(ours);

	if (bpf_obj_get_info_by_fd(events->fd, &ours, &len) < 0)
		return false;
	len = sizeof(theirs);
	return bpf_obj_get_info_by_fd(fd, &theirs, &len) == 0 && ours.id == theirs.id;
}

int flow_events_take(struct flow_events *events)
{
	int r = ring_buffer__consume(events->ring);

	return r < 0 ? r : 0;
}

int flow_events_skip(struct flow_events *events)
{
	int r;

	events->skip = true;
	r = flow_events_take(events);
	events->skip = false;
	return r;
}
