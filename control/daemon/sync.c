// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* sync.c - the mirror in the loop */
#include <errno.h>
#include <string.h>

#include <base/log.h>
#include <daemon/sync.h>

#define TICK_MS	1000

int sync_classes(const char *text, uint32_t *ret_classes, struct err *err)
{
	uint32_t classes = 0;
	size_t len;

	for (; *text; text += len + (text[len] == ',')) {
		enum mirror_class class = 0;

		len = strcspn(text, ",");
		if (len == 3 && !memcmp(text, "all", 3)) {
			classes |= MIRROR_ALL;
			continue;
		}
		while (class < MIRROR_CLASS_MAX &&
		       (strncmp(text, mirror_class_name(class), len) ||
			mirror_class_name(class)[len]))
			class++;
		if (class == MIRROR_CLASS_MAX)
			return err_set(err, -EINVAL, "'%.*s' is nothing to mirror; there are: all, link, addr, netconf, neigh, fdb, vlan, mdb, rule, nexthop, route.",
				       (int)len, text);
		classes |= 1u << class;
	}
	*ret_classes = classes;
	return 0;
}

static void wake(uv_timer_t *timer);

/* Go on with what is to be done without an event */
static void schedule(struct daemon *daemon)
{
	int wait_ms = netlink_wait_ms(daemon->netlink);

	if (wait_ms >= 0)
		uv_timer_start(&daemon->sync_timer, wake, wait_ms, 0);
	else
		uv_timer_stop(&daemon->sync_timer);
}

static void go_on(struct daemon *daemon)
{
	struct err err = {};
	bool changed = false;

	if (netlink_process(daemon->netlink, &changed, &err) < 0)
		log_warn("netlink: %s", err.text);
	if (changed) {
		nat_sync(daemon);
		change_reconcile(daemon);
	}
	schedule(daemon);
}

static void wake(uv_timer_t *timer)
{
	go_on(timer->data);
}

static void readable(uv_poll_t *poll, int status, int events)
{
	go_on(poll->data);
}

static void tick(uv_timer_t *timer)
{
	struct daemon *daemon = timer->data;

	netlink_tick(daemon->netlink);
	schedule(daemon);
}

void sync_start(struct daemon *daemon)
{
	uv_timer_init(&daemon->loop, &daemon->sync_timer);
	daemon->sync_timer.data = daemon;
	uv_timer_init(&daemon->loop, &daemon->sync_tick);
	daemon->sync_tick.data = daemon;
	uv_timer_start(&daemon->sync_tick, tick, TICK_MS, TICK_MS);
	uv_poll_init(&daemon->loop, &daemon->mirror_poll, netlink_fd(daemon->netlink));
	daemon->mirror_poll.data = daemon;
	uv_poll_start(&daemon->mirror_poll, UV_READABLE, readable);
	schedule(daemon);
	nat_sync(daemon);
}

int sync_resync(struct daemon *daemon, struct err *err)
{
	const struct mirror *mirror = netlink_mirror(daemon->netlink);
	uint64_t links = mirror->changes[MIRROR_ITEM_LINK], addrs = mirror->changes[MIRROR_ITEM_ADDR];
	int r = netlink_resync(daemon->netlink, err);

	if (mirror->changes[MIRROR_ITEM_LINK] != links || mirror->changes[MIRROR_ITEM_ADDR] != addrs) {
		nat_sync(daemon);
		change_reconcile(daemon);
	}
	schedule(daemon);
	return r;
}
