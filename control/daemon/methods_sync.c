// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* methods_sync.c - the mirror: what is in it, whether it is as the kernel is */
#include <stdlib.h>

#include <uv.h>

#include <daemon/methods.h>
#include <daemon/sync.h>

#define DIFFERENCES_SHOWN	100

/* How long ago a time of CLOCK_MONOTONIC is; null: never */
static void write_ago(struct jsonw *w, const char *key, uint64_t ms)
{
	uint64_t now = uv_hrtime() / 1000000;

	if (ms)
		jsonw_u64(w, key, now > ms ? now - ms : 0);
	else
		jsonw_null(w, key);
}

static void write_class(const struct netlink *netlink, enum mirror_class class, struct jsonw *w)
{
	const struct mirror *mirror = netlink_mirror(netlink);
	struct netlink_class_stats stats;

	netlink_class_stats(netlink, class, &stats);
	jsonw_object(w, NULL);
	jsonw_str(w, "class", mirror_class_name(class));
	jsonw_u64(w, "entries", mirror_entries(mirror, class));
	jsonw_u64(w, "bytes", mirror_bytes(mirror, class));
	jsonw_u64(w, "events", stats.events);
	jsonw_u64(w, "changes", stats.changes);
	jsonw_u64(w, "resyncs", stats.resyncs);
	jsonw_u64(w, "interrupted", stats.interrupted);
	jsonw_u64(w, "repaired", stats.repaired);
	jsonw_u64(w, "resync_ms", stats.sync_ms);
	write_ago(w, "stale_ms", stats.stale_ms);
	write_ago(w, "changed_ms", stats.changed_ms);
	jsonw_object_end(w);
}

METHOD(sync_show)
{
	struct netlink_stats stats;

	netlink_stats(daemon->netlink, &stats);
	jsonw_bool(w, "stale", stats.stale);
	jsonw_u64(w, "events", stats.events);
	jsonw_u64(w, "overruns", stats.overruns);
	jsonw_array(w, "classes");
	for (enum mirror_class class = 0; class < MIRROR_CLASS_MAX; class++)
		if (stats.classes >> class & 1)
			write_class(daemon->netlink, class, w);
	jsonw_array_end(w);
	jsonw_array(w, "not_mirrored");
	for (enum mirror_class class = 0; class < MIRROR_CLASS_MAX; class++)
		if (!(stats.classes >> class & 1))
			jsonw_str(w, NULL, mirror_class_name(class));
	jsonw_array_end(w);
	return 0;
}

METHOD(sync_resync)
{
	struct err err = {};

	if (sync_resync(daemon, &err) < 0)
		return rpc_fail_err(error, SHUNT_CLIENT_REFUSED, &err);
	return method_sync_show(daemon, call, w, error);
}

static void write_difference(const struct sync_difference *difference, struct jsonw *w)
{
	jsonw_object(w, NULL);
	jsonw_str(w, "item", mirror_item_name(difference->item));
	jsonw_str(w, "key", difference->key);
	jsonw_str(w, "mirror", difference->mirror[0] ? difference->mirror : NULL);
	jsonw_str(w, "kernel", difference->kernel[0] ? difference->kernel : NULL);
	jsonw_object_end(w);
}

METHOD(sync_verify)
{
	struct sync_report report;
	struct err err = {};
	unsigned int i;

	if (sync_verify(daemon, &report, &err) < 0)
		return rpc_fail_err(error, SHUNT_CLIENT_REFUSED, &err);
	jsonw_u64(w, "entries", report.entries);
	jsonw_u64(w, "count", report.n);
	jsonw_bool(w, "more", report.n == SYNC_DIFFERENCES);
	jsonw_array(w, "differences");
	for (i = 0; i < report.n && i < DIFFERENCES_SHOWN; i++)
		write_difference(&report.difference[i], w);
	jsonw_array_end(w);
	free(report.difference);
	return 0;
}
