// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* monitor.c - who reads what rules log; the ring buffer is read only while somebody does */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <base/log.h>
#include <daemon/daemon.h>
#include <daemon/monitor.h>
#include <daemon/stream.h>
#include <kernel/events.h>
#include <model/event.h>

#define LOST_MS		1000	/* how often losses are told */
#define NSEC_PER_SEC	1000000000ull

struct reader {
	struct reader *next;
	struct monitor *monitor;
	struct stream *stream;
	char *node;			/* NULL: all */
};

struct monitor {
	struct daemon *daemon;
	struct events *events;		/* NULL: nobody reads */
	uv_poll_t poll;
	uv_timer_t timer;
	struct reader *readers;
	uint64_t lost;			/* events_lost(), as told */
	struct buf line;
};

/* ---- what an event's numbers mean ---- */
static const struct expr_rule *find_rule(const struct config_rule *rule, unsigned int n,
					 uint32_t id)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (rule[i].expr.id == id)
			return &rule[i].expr;
	return NULL;
}

static const struct expr_rule *rule_of(const struct config *config, const char *name, uint32_t id)
{
	const struct config_node *node = config_node_find(config, name);
	const struct expr_rule *rule;
	unsigned int i;

	if (!node)
		return NULL;
	rule = find_rule(node->rule, node->n_rules, id);
	for (i = 0; !rule && i < node->n_chains; i++)
		rule = find_rule(node->chain[i].rule, node->chain[i].n_rules, id);
	return rule;
}

static void about_node(const struct plan *plan, uint32_t number, struct event_about *about)
{
	unsigned int i, j;

	for (i = 0; i < plan->n_graphs; i++) {
		const struct plan_graph *graph = &plan->graph[i];

		for (j = 0; j < graph->n_nodes; j++) {
			if (graph->node[j].miss_counter != number)
				continue;
			about->graph = graph->name;
			about->hook = module_hook_name(graph->hook);
			about->node = graph->node[j].name;
			return;
		}
	}
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

static void handle(void *arg, const struct shunt_event *event)
{
	struct monitor *monitor = arg;
	const struct generation *running = monitor->daemon->running;
	const struct link *link = link_find(netlink_links(monitor->daemon->netlink),
					    event->pkt.ifindex);
	struct event_about about = {
		.time_ns = event->pkt.now_ns + clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC),
		.dev = link ? link->name : NULL,
	};
	struct reader *reader, *next;
	struct jsonw w;

	about_node(&running->plan, event->node, &about);
	if (about.node)
		about.rule = rule_of(&running->config, about.node, event->rule);
	stream_line_begin(&monitor->line, &w, "event");
	event_write(event, &about, &w);
	stream_line_end(&w);
	for (reader = monitor->readers; reader; reader = next) {
		next = reader->next;
		if (!reader->node || (about.node && !strcmp(reader->node, about.node)))
			stream_put(reader->stream, monitor->line.data, monitor->line.len);
	}
}

/* ---- reading while there are readers ---- */
static void readable(uv_poll_t *poll, int status, int events)
{
	struct monitor *monitor = poll->data;
	int r = events_take(monitor->events);

	if (r < 0)
		log_warn("read events: %s", strerror(-r));
}

static void tick(uv_timer_t *timer)
{
	struct monitor *monitor = timer->data;
	uint64_t lost = events_lost(monitor->daemon->bpffs);
	struct reader *reader, *next;

	for (reader = monitor->readers; reader; reader = next) {
		next = reader->next;
		stream_put_lost(reader->stream, lost - monitor->lost, &monitor->line);
	}
	monitor->lost = lost;
}

/* The buffer has what came while nobody read */
static int monitor_start(struct monitor *monitor, struct err *err)
{
	int r = 0;

	if (!monitor->events) {
		r = events_open(monitor->daemon->bpffs, handle, monitor, &monitor->events, err);
		if (r < 0)
			return r;
		uv_poll_init(&monitor->daemon->loop, &monitor->poll, events_fd(monitor->events));
		uv_timer_init(&monitor->daemon->loop, &monitor->timer);
		monitor->poll.data = monitor->timer.data = monitor;
	}
	r = events_skip(monitor->events);
	if (r < 0)
		return err_set(err, r, "read events");
	monitor->lost = events_lost(monitor->daemon->bpffs);
	uv_poll_start(&monitor->poll, UV_READABLE, readable);
	uv_timer_start(&monitor->timer, tick, LOST_MS, LOST_MS);
	return 0;
}

static void ended(struct stream *stream)
{
	struct reader *reader = stream->user, **at = &reader->monitor->readers;
	struct monitor *monitor = reader->monitor;

	while (*at != reader)
		at = &(*at)->next;
	*at = reader->next;
	free(reader->node);
	free(reader);
	if (monitor->readers)
		return;
	uv_timer_stop(&monitor->timer);
	uv_poll_stop(&monitor->poll);	/* nobody reads: the buffer fills, and programs go on */
}

static struct monitor *monitor_of(struct daemon *daemon)
{
	if (!daemon->monitor) {
		daemon->monitor = calloc(1, sizeof(*daemon->monitor));
		if (!daemon->monitor)
			arena_no_memory();
		daemon->monitor->daemon = daemon;
	}
	return daemon->monitor;
}

int monitor_add(struct daemon *daemon, struct stream *stream, const char *node, struct err *err)
{
	struct monitor *monitor = monitor_of(daemon);
	struct reader *reader;
	int r = 0;

	if (!monitor->readers)
		r = monitor_start(monitor, err);
	if (r < 0)
		return r;
	reader = calloc(1, sizeof(*reader));
	if (!reader)
		arena_no_memory();
	*reader = (struct reader){ .next = monitor->readers, .monitor = monitor, .stream = stream };
	reader->node = node ? strdup(node) : NULL;
	monitor->readers = reader;
	stream->user = reader;
	stream->ended = ended;
	stream->on = true;
	return 0;
}

void monitor_free(struct monitor *monitor)
{
	struct reader *reader;

	if (!monitor)
		return;
	while ((reader = monitor->readers)) {
		monitor->readers = reader->next;
		reader->stream->on = false;
		free(reader->node);
		free(reader);
	}
	events_close(monitor->events);
	buf_fini(&monitor->line);
	free(monitor);
}
