// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* methods_lb.c - services and backends as they run, and what they count */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <daemon/methods_lb.h>
#include <model/conn.h>

static const char *const forward_names[] = {
	[LB_IPIP] = "ipip", [LB_GUE] = "gue", [LB_L2] = "l2", [LB_NAT] = "nat",
};
static const char *const hash_names[] = { [LB_HASH_FLOW] = "flow", [LB_HASH_SOURCE] = "source" };
static const char *const tracking_names[] = {
	[LB_TRACK_CHANGES] = "changes", [LB_TRACK_ALWAYS] = "always", [LB_TRACK_NEVER] = "never",
};
static const char *const down_names[] = {
	[LB_DOWN_DROP] = "drop", [LB_DOWN_SORRY] = "sorry", [LB_DOWN_LAST] = "last",
};

#define DROP_NAME(id, name, help) name,
static const char *const drop_names[] = { LB_DROPS(DROP_NAME) };

/* ---- names --------------------------------------------------------------------------------- */

bool lb_end_read(const char *text, struct lb_end *ret_end)
{
	struct shunt_addr addr = { .v4_prefix = { 0, 0, htonl(0xffff) } };
	const char *colon = strrchr(text, ':'), *first = strchr(text, ':');
	char host[INET6_ADDRSTRLEN], *end;
	size_t len = strlen(text);
	unsigned long port = 0;
	uint8_t l3 = first && (first != colon || *text == '[') ? 6 : 4;

	if (*text == '[') {
		len = strcspn(text, "]") + 1;
		if (text[len - 1] != ']' || (text[len] && text[len] != ':'))
			return false;
		colon = text[len] ? text + len : NULL;
		text++;
		len -= 2;
	} else if (l3 == 6) {
		colon = NULL;
	} else if (colon) {
		len = colon - text;
	}
	if (colon) {
		port = strtoul(colon + 1, &end, 10);
		if (!colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1) || !port ||
		    port > UINT16_MAX)
			return false;
	}
	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (l3 == 4 ? inet_pton(AF_INET, host, &addr.v4) != 1 :
		      inet_pton(AF_INET6, host, &addr) != 1)
		return false;
	*ret_end = (struct lb_end){ addr, l3, port };
	return true;
}

void lb_end_print(const struct shunt_addr *addr, uint8_t l3, uint16_t port, char *ret_text)
{
	char host[INET6_ADDRSTRLEN];

	inet_ntop(l3 == 4 ? AF_INET : AF_INET6, l3 == 4 ? (const void *)&addr->v4 : addr, host,
		  sizeof(host));
	if (!port)
		snprintf(ret_text, LB_ADDR_SIZE, "%s", host);
	else
		snprintf(ret_text, LB_ADDR_SIZE, l3 == 4 ? "%s:%u" : "[%s]:%u", host, port);
}

/* @node: NULL: any. Return: how many there are */
static unsigned int find_service(struct lb *lb, const char *node, size_t node_len,
				 const char *name, struct lb_run **ret_run)
{
	unsigned int i, n = 0;

	for (i = 0; i < lb->n_run; i++) {
		const struct plan_service *service = lb->run[i].service;

		if (strcmp(service->name, name) ||
		    (node && (strlen(service->node) != node_len ||
			      memcmp(service->node, node, node_len))))
			continue;
		*ret_run = &lb->run[i];
		n++;
	}
	return n;
}

static void unknown_service(const struct lb *lb, const char *name, struct rpc_error *error)
{
	const char **known = calloc(lb->n_run + 1, sizeof(*known));
	unsigned int i;

	if (!known)
		abort();
	for (i = 0; i < lb->n_run; i++)
		known[i] = lb->run[i].service->name;
	rpc_fail(error, SHUNT_CLIENT_USAGE, "no service '%s' runs%s", name,
		 suggest_text(name, known, lb->n_run).text);
	free(known);
}

struct lb_run *lb_called_service(struct daemon *daemon, const struct rpc_call *call,
				 struct rpc_error *error)
{
	struct lb_run *run = NULL;
	const char *text, *name;
	unsigned int n;

	if (rpc_text(call, "service", &text, error) < 0)
		return NULL;
	name = strrchr(text, '/');
	n = find_service(daemon->lb, name ? text : NULL, name ? name - text : 0,
			 name ? name + 1 : text, &run);
	if (!n)
		unknown_service(daemon->lb, text, error);
	else if (n > 1)
		rpc_fail(error, SHUNT_CLIENT_USAGE,
			 "%u nodes have a service '%s': say which as NODE/%s", n, text, text);
	return n == 1 ? run : NULL;
}

int lb_called_backend(const struct lb_run *run, const struct rpc_call *call,
		      unsigned int *ret_owner, struct rpc_error *error)
{
	const struct plan_service *service = run->service;
	unsigned int i, n = 0;
	struct lb_end end;
	const char *text;

	if (rpc_text(call, "backend", &text, error) < 0)
		return -1;
	if (!lb_end_read(text, &end))
		return rpc_fail(error, SHUNT_CLIENT_USAGE,
				"'%s' is no backend: an address, or ADDRESS:PORT", text);
	for (i = 0; i < service->n_owners; i++) {
		const struct config_backend *backend = service->owner[i].config;

		if (memcmp(&backend->addr, &end.addr, sizeof(end.addr)) ||
		    (end.port && backend->port != end.port))
			continue;
		*ret_owner = i;
		n++;
	}
	if (n > 1)
		return rpc_fail(error, SHUNT_CLIENT_USAGE,
				"service '%s' has %u backends at %s: say which port", service->name,
				n, text);
	return n ? 0 : rpc_fail(error, SHUNT_CLIENT_USAGE,
				"service '%s' has no backend %s: see 'shunt lb service %s'",
				service->name, text, service->name);
}

/* ---- show ---------------------------------------------------------------------------------- */

static void write_counts(struct jsonw *w, const struct lb_counts *counts)
{
	jsonw_u64(w, "packets", counts->packets);
	jsonw_u64(w, "bytes", counts->bytes);
	jsonw_u64(w, "flows", counts->flows);
	jsonw_u64(w, "kept", counts->kept);
}

static void write_drops(struct jsonw *w, const struct lb_drops *drops)
{
	unsigned int i;

	jsonw_object(w, "drops");
	for (i = 0; i < LB_DROP_MAX; i++)
		jsonw_u64(w, drop_names[i], drops->packets[i]);
	jsonw_object_end(w);
	jsonw_u64(w, "evicted", drops->evicted);
}

static void write_address(struct jsonw *w, const struct config_service *config)
{
	unsigned int bits = config->l3 == 4 ? 32 : 128;
	char text[LB_ADDR_SIZE], proto[8];

	lb_end_print(&config->addr, config->l3, 0, text);
	if (config->len < bits)
		jsonw_fmt(w, "address", "%s/%u", text, config->len);
	else
		jsonw_str(w, "address", text);
	if (config->port_first == config->port_last)
		jsonw_fmt(w, "port", "%u", config->port_first);
	else if (config->port_first || config->port_last != UINT16_MAX)
		jsonw_fmt(w, "port", "%u-%u", config->port_first, config->port_last);
	else
		jsonw_str(w, "port", "any");
	jsonw_str(w, "proto", config->proto ? conn_proto_name(config->proto, proto) : "any");
}

static const char *owner_state(const struct lb_run *run, unsigned int i)
{
	const struct plan_owner *owner = &run->service->owner[i];

	if (!run->health[i].lives)
		return "down";
	if (owner->config->drains || !owner->weight)
		return "drain";
	return lb_run_slows(run, i) ? "slow_start" : "up";
}

/* Slots by owner, in places of @service */
static void count_slots(const struct lb_run *run, uint32_t *ret_slots)
{
	static uint32_t by_number[LB_BACKENDS];
	const struct plan_service *service = run->service;
	unsigned int i;
	uint32_t slot;

	for (slot = 0; slot < service->entry.slots; slot++)
		by_number[LB_OWNER(run->word[slot])]++;
	for (i = 0; i < service->n_owners; i++)
		ret_slots[i] = by_number[service->owner[i].backend->number];
	for (slot = 0; slot < service->entry.slots; slot++)
		by_number[LB_OWNER(run->word[slot])] = 0;
}

static void write_backends(const struct lb *lb, const struct lb_run *run, struct jsonw *w)
{
	const struct plan_service *service = run->service;
	uint32_t *slots = calloc(service->n_owners + 1, sizeof(*slots));
	char text[LB_ADDR_SIZE];
	struct lb_counts counts;
	struct lb_drops drops;
	unsigned int i;

	if (!slots)
		abort();
	count_slots(run, slots);
	jsonw_array(w, "backends");
	for (i = 0; i < service->n_owners; i++) {
		const struct plan_owner *owner = &service->owner[i];

		jsonw_object(w, NULL);
		lb_end_print(&owner->config->addr, owner->config->l3, owner->config->port, text);
		jsonw_str(w, "backend", text);
		jsonw_u64(w, "weight", owner->config->weight);
		jsonw_str(w, "state", owner_state(run, i));
		jsonw_u64(w, "tenths", run->health[i].tenths);
		jsonw_u64(w, "slots", slots[i]);
		jsonw_str(w, "way", service->entry.forward == LB_NAT ? "graph" :
			  nexthop_state_name(lb_way_state(lb, owner->backend)));
		lb_tables_count(lb->tables, owner->backend->entry.counter, &counts, &drops);
		write_counts(w, &counts);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
	free(slots);
}

static void write_service(const struct lb *lb, const struct lb_run *run, bool whole,
			  struct jsonw *w)
{
	const struct plan_service *service = run->service;
	unsigned int i, living = 0;
	struct lb_counts counts;
	struct lb_drops drops;

	for (i = 0; i < service->n_owners; i++)
		living += run->health[i].lives && service->owner[i].weight;
	jsonw_object(w, NULL);
	jsonw_str(w, "node", service->node);
	jsonw_str(w, "service", service->name);
	write_address(w, service->config);
	jsonw_str(w, "forward", forward_names[service->entry.forward]);
	jsonw_u64(w, "total", service->n_owners);
	jsonw_u64(w, "serving", living);
	jsonw_u64(w, "slots", service->entry.slots);
	jsonw_u64(w, "changing", run->history.n);
	lb_tables_count(lb->tables, service->entry.counter, &counts, &drops);
	write_counts(w, &counts);
	write_drops(w, &drops);
	if (whole) {
		jsonw_str(w, "hash", hash_names[service->entry.hash]);
		jsonw_str(w, "tracking", tracking_names[service->entry.tracking]);
		jsonw_str(w, "down", down_names[service->entry.down]);
		jsonw_u64(w, "drain_ms", service->drain_ms);
		write_backends(lb, run, w);
	}
	jsonw_object_end(w);
}

METHOD(lb_show)
{
	const char *node = rpc_text_or(call, "node", NULL);
	const struct lb *lb = daemon->lb;
	unsigned int i;

	if (node && !method_node(daemon, node, error))
		return -1;
	jsonw_array(w, "services");
	for (i = 0; i < lb->n_run; i++)
		if (!node || !strcmp(lb->run[i].service->node, node))
			write_service(lb, &lb->run[i], false, w);
	jsonw_array_end(w);
	return 0;
}

METHOD(lb_service)
{
	struct lb_run *run = lb_called_service(daemon, call, error);

	if (!run)
		return -1;
	jsonw_array(w, "services");
	write_service(daemon->lb, run, true, w);
	jsonw_array_end(w);
	return 0;
}

METHOD(lb_conn)
{
	const struct lb *lb = daemon->lb;
	struct lb_occupancy occupancy = {};
	uint64_t evicted = 0, changing = 0;
	struct lb_counts counts;
	struct lb_drops drops;
	unsigned int i;

	if (lb->plan)
		lb_tables_occupancy(lb->tables, &occupancy);
	for (i = 0; i < lb->n_run; i++) {
		lb_tables_count(lb->tables, lb->run[i].service->entry.counter, &counts, &drops);
		evicted += drops.evicted;
		changing += lb->run[i].history.n != 0;
	}
	jsonw_u64(w, "room", occupancy.room);
	jsonw_u64(w, "used", occupancy.used);
	jsonw_u64(w, "fresh", occupancy.fresh);
	jsonw_u64(w, "evicted", evicted);
	jsonw_u64(w, "changing", changing);
	return 0;
}
