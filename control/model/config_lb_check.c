// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * config_lb_check.c - what of a service does not go together, and services that are in each other's way
 *
 * DOC: Of several services that a packet could be for, the one that says more has it: the longer prefix, then
 * a protocol, then a port, then a range of ports. Only where two say the same is there nothing to decide by.
 */
#include <stdlib.h>
#include <string.h>

#include <model/config_lb_read.h>

/* A finding at a member, or at the whole where it is not there */
static struct diag *find_at(struct config_reader *r, const struct tree *tree, const char *key,
			    const char *code, const char *text)
{
	const struct tree *member = tree_get(tree, key);

	return config_read_error(r, member ? member : tree, code, "%s", text);
}

static bool has_ports(const struct config_service *service)
{
	return service->port_first;
}

/* ---- one service --------------------------------------------------------------------------- */

static void check_proto(struct config_reader *r, const struct config_service *service)
{
	const struct tree *tree = service->tree;
	uint8_t proto = service->proto;

	if (has_ports(service) && !proto)
		find_at(r, tree, "port", "missing_key", "a service with a port needs a 'proto'");
	if (service->quic_len && proto != IPPROTO_UDP)
		find_at(r, tree, "quic", "bad_value", "'quic' is for services with 'proto: udp'");
	if (proto && proto != IPPROTO_UDP && tree_get(tree, "udp"))
		find_at(r, tree, "udp", "bad_value", "'udp' is for services that have UDP");
	if (proto && proto != IPPROTO_UDP && service->per_packet)
		find_at(r, tree, "stable", "bad_value",
			"'stable: packet' is for services that have UDP");
	if (proto && proto != IPPROTO_TCP && service->mss)
		find_at(r, tree, "mss", "bad_value", "'mss' is for services that have TCP");
}

static void check_options(struct config_reader *r, const struct config_service *service)
{
	const struct tree *tree = service->tree;

	if (service->forward != LB_GUE && tree_get(tree, "gue-port"))
		find_at(r, tree, "gue-port", "bad_value", "'gue-port' is for 'forward: gue'");
	if (service->down == LB_DOWN_SORRY && !service->sorry)
		find_at(r, tree, "down", "missing_key", "'down: sorry' needs a backend 'sorry'");
	if (service->down != LB_DOWN_SORRY && service->sorry)
		find_at(r, tree, "sorry", "bad_value", "'sorry' is for 'down: sorry'");
	if (service->n_backends && service->table / 2 < service->n_backends)
		find_at(r, tree, tree_get(tree, "table") ? "table" : "backends", "bad_value",
			arena_printf(r->arena,
				     "a table of %u slots is for %u backends at most, not %u",
				     service->table, service->table / 2, service->n_backends));
}

static bool same_addr(const struct shunt_addr *a, const struct shunt_addr *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static void check_nat(struct config_reader *r, const struct config_service *service,
		      const struct config_backend *backend)
{
	if (service->forward != LB_NAT && backend->port)
		find_at(r, backend->tree, "port", "bad_value",
			"a backend's port is for 'forward: nat': packets reach it as they are");
	if (service->forward != LB_NAT)
		return;
	if (backend->l3 != service->l3)
		find_at(r, backend->tree, "address", "bad_value",
			arena_printf(r->arena,
				     "NAT does not make IPv%u out of IPv%u: service and backend must be of one family",
				     backend->l3, service->l3));
	if (backend->port && !service->proto)
		find_at(r, backend->tree, "port", "bad_value",
			"a backend has no port where the service has no 'proto'");
}

static void check_backend(struct config_reader *r, const struct config_service *service,
			  const struct config_backend *backend)
{
	check_nat(r, service, backend);
	if (same_addr(&backend->addr, &service->addr))
		find_at(r, backend->tree, "address", "bad_value",
			"a backend cannot have the service's own address: packets would come back");
}

/* Once for all backends: who has no port is asked at none */
static void check_health(struct config_reader *r, const struct config_service *service)
{
	const struct config_health *health = service->health;
	unsigned int i;

	for (i = 0; health && health->type != CONFIG_HEALTH_ICMP && i < service->n_backends; i++) {
		if (config_health_port(service, &service->backend[i]))
			continue;
		config_read_error(r, health->tree, "missing_key",
				  "a check of type '%s' needs a 'port': neither the service nor the backend has one",
				  config_health_type_name(health->type));
		return;
	}
}

static void check_id(struct config_reader *r, const struct config_service *service,
		     const struct config_backend *backend)
{
	if (backend->has_id && !service->quic_len)
		find_at(r, backend->tree, "id", "bad_value",
			"a backend's 'id' is for services with 'quic'");
	else if (!backend->has_id && service->quic_len)
		find_at(r, backend->tree, "id", "missing_key",
			"a backend of a service with 'quic' needs an 'id'");
	else if (service->quic_len && service->quic_len < 8 &&
		 backend->id >> (8 * service->quic_len))
		find_at(r, backend->tree, "id", "bad_value",
			arena_printf(r->arena, "an 'id' of this service is below %llu: 'length' is %u",
				     1ull << (8 * service->quic_len), service->quic_len));
}

static int compare_backends(const void *a, const void *b)
{
	const struct config_backend *x = *(const struct config_backend *const *)a;
	const struct config_backend *y = *(const struct config_backend *const *)b;
	int r = memcmp(&x->addr, &y->addr, sizeof(x->addr));

	if (r)
		return r;
	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	return (x > y) - (x < y);
}

static int compare_ids(const void *a, const void *b)
{
	const struct config_backend *x = *(const struct config_backend *const *)a;
	const struct config_backend *y = *(const struct config_backend *const *)b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (x > y) - (x < y);
}

static const struct config_backend **sorted(struct config_reader *r,
					    const struct config_service *service,
					    int (*compare)(const void *, const void *))
{
	const struct config_backend **list = arena_new_n(r->arena, const struct config_backend *,
							 service->n_backends);
	unsigned int i;

	for (i = 0; i < service->n_backends; i++)
		list[i] = &service->backend[i];
	qsort(list, service->n_backends, sizeof(*list), compare);
	return list;
}

static void check_twice(struct config_reader *r, const struct config_service *service)
{
	const struct config_backend **list = sorted(r, service, compare_backends);
	unsigned int i;

	for (i = 1; i < service->n_backends; i++)
		if (same_addr(&list[i]->addr, &list[i - 1]->addr) &&
		    list[i]->port == list[i - 1]->port)
			find_at(r, list[i]->tree, "address", "duplicate",
				"another backend of this service has this address and port");
	if (!service->quic_len)
		return;
	list = sorted(r, service, compare_ids);
	for (i = 1; i < service->n_backends; i++)
		if (list[i]->id == list[i - 1]->id)
			find_at(r, list[i]->tree, "id", "duplicate",
				"another backend of this service has this id");
}

static void check_sorry(struct config_reader *r, const struct config_service *service)
{
	const struct config_backend *sorry = service->sorry;
	unsigned int i;

	if (service->forward == LB_NAT && sorry->l3 != service->l3)
		config_read_error(r, sorry->tree, "bad_value",
				  "NAT does not make IPv%u out of IPv%u: service and backend must be of one family",
				  sorry->l3, service->l3);
	if (same_addr(&sorry->addr, &service->addr))
		config_read_error(r, sorry->tree, "bad_value",
				  "a backend cannot have the service's own address: packets would come back");
	for (i = 0; i < service->n_backends; i++)
		if (same_addr(&service->backend[i].addr, &sorry->addr)) {
			config_read_error(r, sorry->tree, "duplicate",
					  "'sorry' is for when no backend lives: it cannot be one of them");
			return;
		}
}

void config_lb_check_service(struct config_reader *r, const struct config_service *service)
{
	unsigned int i;

	check_proto(r, service);
	check_options(r, service);
	for (i = 0; i < service->n_backends; i++) {
		check_backend(r, service, &service->backend[i]);
		check_id(r, service, &service->backend[i]);
	}
	check_twice(r, service);
	if (service->sorry)
		check_sorry(r, service);
	check_health(r, service);
}

/* ---- services ------------------------------------------------------------------------------ */

enum ports { PORTS_ANY, PORTS_RANGE, PORTS_ONE };

static enum ports ports_of(const struct config_service *service)
{
	return !has_ports(service) ? PORTS_ANY :
	       service->port_first == service->port_last ? PORTS_ONE : PORTS_RANGE;
}

/* Of whatever decides who has a packet, all but the ports' numbers */
static int compare_says(const struct config_service *a, const struct config_service *b)
{
	int r = memcmp(&a->addr, &b->addr, sizeof(a->addr));

	if (!r)
		r = a->l3 - b->l3;
	if (!r)
		r = a->len - b->len;
	if (!r)
		r = a->proto - b->proto;
	return r ? r : (int)ports_of(a) - (int)ports_of(b);
}

static int compare_services(const void *a, const void *b)
{
	const struct config_service *x = *(const struct config_service *const *)a;
	const struct config_service *y = *(const struct config_service *const *)b;
	int r = compare_says(x, y);

	if (r)
		return r;
	if (x->port_first != y->port_first)
		return x->port_first < y->port_first ? -1 : 1;
	return (x > y) - (x < y);
}

void config_lb_check_services(struct config_reader *r, const struct config_lb *lb)
{
	const struct config_service **list = arena_new_n(r->arena, const struct config_service *,
							 lb->n_services), *reach;
	unsigned int i;

	for (i = 0; i < lb->n_services; i++)
		list[i] = &lb->service[i];
	qsort(list, lb->n_services, sizeof(*list), compare_services);
	for (i = 1, reach = list[0]; i < lb->n_services; i++) {
		if (compare_says(reach, list[i]) || reach->port_last < list[i]->port_first) {
			reach = list[i];
			continue;
		}
		config_read_error(r, list[i]->tree, "duplicate",
				  ports_of(list[i]) == PORTS_RANGE ?
				  "service '%s' has ports that service '%s' has, too" :
				  "service '%s' is what service '%s' is already: the same address, protocol and port",
				  list[i]->name, reach->name)->key = 1;
		if (list[i]->port_last > reach->port_last)
			reach = list[i];
	}
}
