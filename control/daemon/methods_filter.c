// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* methods_filter.c - what a filter's classifier is like, and what it does with a packet */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <daemon/methods.h>
#include <daemon/probe.h>

static const struct plan_filter *running_filter(struct daemon *daemon, const char *name,
						struct rpc_error *error)
{
	const struct plan *plan = &daemon->running->plan;
	const struct plan_filter *filter;

	if (!method_node(daemon, name, error))
		return NULL;
	filter = plan_filter_find(plan, name);
	if (filter)
		return filter;
	rpc_fail(error, SHUNT_CLIENT_USAGE,
		 "node '%s' has no rules in the kernel: it is no filter, or in no graph that is attached",
		 name);
	return NULL;
}

/* ---- filter.show -------------------------------------------------------------------------- */

static void write_region(const struct classifier_cost *cost, int family, struct jsonw *w)
{
	char saddr[INET6_ADDRSTRLEN], daddr[INET6_ADDRSTRLEN];
	uint8_t addr[2][16];
	int i;

	for (i = 0; i < 16; i++) {
		addr[0][i] = cost->slowest.saddr[i / 8] >> (56 - i % 8 * 8);
		addr[1][i] = cost->slowest.daddr[i / 8] >> (56 - i % 8 * 8);
	}
	inet_ntop(family == 4 ? AF_INET : AF_INET6, addr[0] + (family == 4 ? 12 : 0), saddr,
		  sizeof(saddr));
	inet_ntop(family == 4 ? AF_INET : AF_INET6, addr[1] + (family == 4 ? 12 : 0), daddr,
		  sizeof(daddr));
	jsonw_fmt(w, "slowest", "saddr %s/%u daddr %s/%u", saddr, cost->slowest.slen, daddr,
		  cost->slowest.dlen);
	jsonw_u64(w, "slowest_steps", cost->slowest.steps);
}

static void write_family(const struct plan_filter *filter, int i, struct jsonw *w)
{
	const struct classifier_cost *cost = &filter->classifier.cost[i];
	char mean[32];

	jsonw_object(w, NULL);
	jsonw_u64(w, "family", i ? 6 : 4);
	jsonw_u64(w, "rows", filter->n_rows[i]);
	jsonw_u64(w, "trees", cost->trees);
	jsonw_u64(w, "depth", cost->depth);
	jsonw_u64(w, "residual", cost->residual);
	jsonw_u64(w, "steps", cost->steps);
	snprintf(mean, sizeof(mean), "%.1f", cost->mean_steps);
	jsonw_raw(w, "mean_steps", mean);
	jsonw_u64(w, "bytes", cost->bytes);
	write_region(cost, i ? 6 : 4, w);
	jsonw_object_end(w);
}

static void write_counters(struct daemon *daemon, const struct plan_filter *filter,
			   struct jsonw *w)
{
	struct filter_hits hits;
	unsigned int i;

	jsonw_array(w, "counters");
	for (i = 0; i < filter->n_counters; i++) {
		install_hits(daemon->install, filter->counter[i].hit, &hits);
		jsonw_object(w, NULL);
		jsonw_str(w, "counter", filter->counter[i].name);
		jsonw_u64(w, "packets", hits.packets);
		jsonw_u64(w, "bytes", hits.bytes);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

METHOD(filter_show)
{
	const struct plan_filter *filter;
	const char *name;
	int i;

	if (rpc_text(call, "node", &name, error) < 0)
		return -1;
	filter = running_filter(daemon, name, error);
	if (!filter)
		return -1;
	jsonw_str(w, "node", filter->node);
	jsonw_u64(w, "rules", filter->n_rules);
	jsonw_u64(w, "extensions", filter->n_exts);
	jsonw_u64(w, "image_bytes", filter->classifier.size);
	jsonw_u64(w, "image_generation", filter->generation);
	jsonw_u64(w, "view_rows", filter->n_added);
	jsonw_u64(w, "view_gone", filter->n_gone);
	jsonw_u64(w, "rounds", filter->rounds);
	jsonw_array(w, "families");
	for (i = 0; i < 2; i++)
		write_family(filter, i, w);
	jsonw_array_end(w);
	write_counters(daemon, filter, w);
	return 0;
}

/* ---- rule.test ---------------------------------------------------------------------------- */

static int read_probe(const struct rpc_call *call, struct diags *diags, struct probe *ret_probe,
		      struct rpc_error *error)
{
	struct err err = {};
	const char *text;
	int r;

	if (rpc_text(call, "packet", &text, error) < 0)
		return -1;
	if (!strncmp(text, "hex ", 4))
		r = probe_hex(text + 4, ret_probe, &err);
	else
		r = probe_build(text, diags, ret_probe, &err);
	if (r == 0)
		return 0;
	if (diags->total)
		return rpc_fail(error, SHUNT_CLIENT_INVALID, "packet: %s", diags->v[0].message);
	return rpc_fail(error, SHUNT_CLIENT_INVALID, "packet: %s", err.text);
}

static void write_trial(const struct plan_filter *filter, const struct trial *trial,
			struct jsonw *w)
{
	struct buf text = {};
	unsigned int i, k;

	jsonw_str(w, "verdict", trial->edge ? trial->edge : "drop");
	jsonw_str(w, "edge", trial->edge);
	jsonw_str(w, "reason", trial->reason);
	jsonw_array(w, "path");
	for (i = 0; i < filter->n_rules; i++) {
		for (k = 0; k < trial->n_hits && trial->hit[k] != filter->rule[i].hit; k++)
			;
		if (k == trial->n_hits)
			continue;
		buf_clear(&text);
		expr_print(filter->rule[i].expr, &text);
		jsonw_object(w, NULL);
		if (filter->rule[i].chain)
			jsonw_str(w, "chain", filter->rule[i].chain);
		else
			jsonw_u64(w, "index", i);
		jsonw_fmt(w, "id", "%08x", filter->rule[i].id);
		jsonw_str(w, "rule", text.data);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
	buf_fini(&text);
}

METHOD(rule_test)
{
	const struct plan *plan = &daemon->running->plan;
	struct arena arena = {};
	struct diags diags = { .arena = &arena };
	const struct plan_filter *filter;
	const struct link *link = NULL;
	struct trial trial = {};
	struct probe probe;
	struct err err = {};
	const char *name;
	int r = -1;

	if (rpc_text(call, "node", &name, error) < 0)
		return -1;
	filter = running_filter(daemon, name, error);
	if (!filter || read_probe(call, &diags, &probe, error) < 0)
		goto out;
	if (probe.iif) {
		link = link_find_name(netlink_links(daemon->netlink), probe.iif);
		if (!link) {
			r = rpc_fail(error, SHUNT_CLIENT_USAGE, "no interface '%s'", probe.iif);
			goto out;
		}
	}
	trial.given = probe.given;
	r = install_trial(daemon->install, plan, filter, probe.frame, probe.len,
			  link ? link->ifindex : 0, &trial, &err);
	if (r < 0)
		r = rpc_fail_err(error, SHUNT_CLIENT_REFUSED, &err);
	else
		write_trial(filter, &trial, w);
out:
	free(trial.hit);
	arena_fini(&arena);
	return r < 0 ? -1 : 0;
}
