// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * flow_watch.c - who is told of flows that come, change and go; programs tell only while somebody is
 *
 * DOC: The table, and its buffer of events, may go and come while somebody watches: a change may take out
 * the last node that tracks flows. So each tick looks for the buffer anew.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <base/log.h>
#include <daemon/flow.h>
#include <daemon/stream.h>
#include <kernel/flow_events.h>

#define TICK_MS		1000		/* how often losses are told */
#define NSEC_PER_SEC	1000000000ull

struct watcher {
	struct watcher *next;
	struct flow_watch *watch;
	struct stream *stream;
	struct arena arena;		/* of the filter */
	struct expr_rule filter;
};

struct flow_watch {
	struct daemon *daemon;
	struct flow_events *events;	/* NULL: nobody watches, or there is no table */
	uv_poll_t *poll;		/* of those; freed by its own end */
	uv_timer_t timer;
	struct watcher *watchers;
	uint64_t lost;			/* of the kernel's, as told */
	struct buf line;
};

static struct flows *flows_of(const struct flow_watch *watch)
{
	return install_flows(watch->daemon->install);
}

/* ---- what is told ---- */
static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

static void write_flow(struct flow_watch *watch, enum conntrack_event_kind kind,
		       const struct flow *flow, const struct conn *conn)
{
	static const char *const name[] = {
		[CONNTRACK_EVENT_NEW] = "new",
		[CONNTRACK_EVENT_UPDATE] = "update",
		[CONNTRACK_EVENT_DESTROY] = "destroy",
	};
	struct jsonw w;

	stream_line_begin(&watch->line, &w, "conn");
	jsonw_u64(&w, "time_ns", clock_ns());
	jsonw_str(&w, "event", kind <= CONNTRACK_EVENT_DESTROY ? name[kind] : "?");
	flow_write(watch->daemon, flow, conn, kind != CONNTRACK_EVENT_DESTROY, false, &w);
	stream_line_end(&w);
}

static void tell(void *arg, enum conntrack_event_kind kind, const struct flow *flow)
{
	struct flow_watch *watch = arg;
	struct watcher *watcher, *next;
	bool written = false;
	struct conn conn;

	flow_to_conn(flow, &conn);
	for (watcher = watch->watchers; watcher; watcher = next) {
		next = watcher->next;
		if (!conn_filter_match(&watcher->filter, &conn))
			continue;
		if (!written)
			write_flow(watch, kind, flow, &conn);
		written = true;
		stream_put(watcher->stream, watch->line.data, watch->line.len);
	}
}

/* The whole table goes: one line, whatever a watcher has asked for */
static void tell_dropped(struct flow_watch *watch)
{
	struct watcher *watcher, *next;
	struct jsonw w;

	stream_line_begin(&watch->line, &w, "dropped");
	jsonw_u64(&w, "time_ns", clock_ns());
	stream_line_end(&w);
	for (watcher = watch->watchers; watcher; watcher = next) {
		next = watcher->next;
		stream_put(watcher->stream, watch->line.data, watch->line.len);
	}
}

/* What the daemon itself takes out, programs do not tell; what they told before comes first */
static void tell_gone(void *arg, const struct flow *flow)
{
	struct flow_watch *watch = arg;

	if (watch->events)
		flow_events_take(watch->events);
	if (flow)
		tell(watch, CONNTRACK_EVENT_DESTROY, flow);
	else
		tell_dropped(watch);
}

/* ---- the buffer ---- */
static void readable(uv_poll_t *poll, int status, int events)
{
	struct flow_watch *watch = poll->data;
	int r = watch->events ? flow_events_take(watch->events) : 0;

	if (r < 0)
		log_warn("read events of flows: %s", strerror(-r));
}

static void poll_closed(uv_handle_t *handle)
{
	free(handle);
}

static void buffer_close(struct flow_watch *watch)
{
	if (!watch->events)
		return;
	uv_poll_stop(watch->poll);
	uv_close((uv_handle_t *)watch->poll, poll_closed);
	flow_events_close(watch->events);
	watch->events = NULL;
	watch->poll = NULL;
}

static int buffer_open(struct flow_watch *watch, struct err *err)
{
	int fd = flows_events_fd(flows_of(watch)), r;

	if (fd < 0)
		return 0;
	r = flow_events_open(fd, tell, watch, &watch->events, err);
	if (r == 0) {
		r = flow_events_skip(watch->events);
		if (r < 0)
			err_set(err, r, "read events of flows");
	}
	if (r < 0) {
		flow_events_close(watch->events);
		watch->events = NULL;
		return r;
	}
	watch->poll = calloc(1, sizeof(*watch->poll));
	if (!watch->poll)
		arena_no_memory();
	uv_poll_init(&watch->daemon->loop, watch->poll, flow_events_fd(watch->events));
	watch->poll->data = watch;
	uv_poll_start(watch->poll, UV_READABLE, readable);
	watch->lost = flows_stat(flows_of(watch), CONNTRACK_STAT_LOST);
	flows_watch(flows_of(watch), true);
	return 0;
}

/* Another table than before, or none */
static void buffer_follow(struct flow_watch *watch)
{
	int fd = flows_events_fd(flows_of(watch));
	struct err err = {};

	if (watch->events && fd >= 0 && flow_events_are_of(watch->events, fd))
		return;
	buffer_close(watch);
	if (buffer_open(watch, &err) < 0)
		log_warn("%s", err.text);
}

static void tick(uv_timer_t *timer)
{
	struct flow_watch *watch = timer->data;
	struct watcher *watcher, *next;
	uint64_t lost, more;

	buffer_follow(watch);
	lost = flows_stat(flows_of(watch), CONNTRACK_STAT_LOST);
	more = lost > watch->lost ? lost - watch->lost : 0;
	watch->lost = lost;
	for (watcher = watch->watchers; watcher; watcher = next) {
		next = watcher->next;
		stream_put_lost(watcher->stream, more, &watch->line);
	}
}

/* ---- watchers ---- */
static int watch_start(struct flow_watch *watch, struct err *err)
{
	int r = buffer_open(watch, err);

	if (r < 0)
		return r;
	flows_on_gone(flows_of(watch), tell_gone, watch);
	uv_timer_start(&watch->timer, tick, TICK_MS, TICK_MS);
	return 0;
}

static void watch_stop(struct flow_watch *watch)
{
	flows_on_gone(flows_of(watch), NULL, NULL);
	flows_watch(flows_of(watch), false);
	uv_timer_stop(&watch->timer);
}

static void watcher_free(struct watcher *watcher)
{
	arena_fini(&watcher->arena);
	free(watcher);
}

/* It may be within flow_events_take(): the buffer stays open until it is next looked for */
static void ended(struct stream *stream)
{
	struct watcher *watcher = stream->user, **at = &watcher->watch->watchers;
	struct flow_watch *watch = watcher->watch;

	while (*at != watcher)
		at = &(*at)->next;
	*at = watcher->next;
	watcher_free(watcher);
	if (watch->watchers)
		return;
	watch_stop(watch);
	if (watch->events)
		uv_poll_stop(watch->poll);
}

static struct flow_watch *watch_of(struct daemon *daemon)
{
	struct flow_watch *watch = daemon->flow_watch;

	if (watch)
		return watch;
	watch = calloc(1, sizeof(*watch));
	if (!watch)
		arena_no_memory();
	watch->daemon = daemon;
	uv_timer_init(&daemon->loop, &watch->timer);
	watch->timer.data = watch;
	daemon->flow_watch = watch;
	return watch;
}

int flow_watch_add(struct daemon *daemon, struct stream *stream, struct arena *arena,
		   const struct expr_rule *filter, struct err *err)
{
	struct flow_watch *watch = watch_of(daemon);
	struct watcher *watcher;
	int r = 0;

	if (!watch->watchers) {
		buffer_close(watch);
		r = watch_start(watch, err);
	}
	if (r < 0) {
		arena_fini(arena);
		return r;
	}
	watcher = calloc(1, sizeof(*watcher));
	if (!watcher)
		arena_no_memory();
	*watcher = (struct watcher){
		.next = watch->watchers, .watch = watch, .stream = stream, .arena = *arena,
		.filter = *filter,
	};
	watch->watchers = watcher;
	stream->user = watcher;
	stream->ended = ended;
	stream->on = true;
	return 0;
}

void flow_watch_free(struct flow_watch *watch)
{
	struct watcher *watcher;

	if (!watch)
		return;
	if (watch->watchers)
		watch_stop(watch);
	while ((watcher = watch->watchers)) {
		watch->watchers = watcher->next;
		watcher->stream->on = false;
		watcher_free(watcher);
	}
	flow_events_close(watch->events);
	free(watch->poll);		/* the loop has ended */
	buf_fini(&watch->line);
	free(watch);
}
