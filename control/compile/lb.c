// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* lb.c - services, rings and backends by number. Which destination is whose: lb_find.c */
#include <arpa/inet.h>
#include <string.h>

#include <compile/lb.h>

#define ROOM_MIN	1024
#define NSEC_PER_MSEC	1000000ull

#define TABLE_NAME(id, name, ...) name,
static const char *const tables[] = { LB_TABLES(TABLE_NAME) };

static const char *const forward_names[] = {
	[LB_IPIP] = "ipip", [LB_GUE] = "gue", [LB_L2] = "l2", [LB_NAT] = "nat",
};

bool lb_table_is(const char *name)
{
	unsigned int i;

	for (i = 0; i < LB_TABLE_MAX; i++)
		if (!strcmp(tables[i], name))
			return true;
	return false;
}

bool lb_takes_services(const struct module *module)
{
	unsigned int i;

	for (i = 0; i < module->n_tables; i++)
		if (!strcmp(module->table[i].name, tables[LB_TABLE_SERVICES]))
			return true;
	return false;
}

const struct plan_service *plan_service_find(const struct plan *plan, const char *node,
					     const char *service)
{
	unsigned int i;

	for (i = 0; plan->lb && i < plan->lb->n_services; i++)
		if (!strcmp(plan->lb->service[i].node, node) &&
		    !strcmp(plan->lb->service[i].name, service))
			return &plan->lb->service[i];
	return NULL;
}

/* ---- backends ------------------------------------------------------------------------------ */

static void addr_print(const struct shunt_addr *addr, uint8_t l3, char *text)
{
	inet_ntop(l3 == 4 ? AF_INET : AF_INET6, l3 == 4 ? (const void *)&addr->v4 : addr, text,
		  INET6_ADDRSTRLEN);
}

static uint16_t nat_of(struct compile *c, const struct config_backend *config)
{
	bool six = config->l3 == 6;
	const struct shunt_addr *addr = &config->addr;
	struct expr_value value = { .lo = ntohl(addr->v4) };
	struct expr_nat *nat = arena_new(c->arena, struct expr_nat);
	const struct expr_statement statement = { .kind = EXPR_DNAT, .nat = nat };

	if (six)
		value = (struct expr_value){
			.hi = (uint64_t)ntohl(addr->word[0]) << 32 | ntohl(addr->word[1]),
			.lo = (uint64_t)ntohl(addr->word[2]) << 32 | ntohl(addr->word[3]),
		};
	*nat = (struct expr_nat){
		.families = six ? EXPR_FAMILY_6 : EXPR_FAMILY_4, .ports = config->port,
		.port_first = config->port, .port_last = config->port,
		.first = value, .last = value,
	};
	return nat_number(c, config->tree, &statement);
}

/* Only where there is an outer header: elsewhere it is nothing to a backend */
static const struct shunt_addr *source_of(const struct config_lb *lb,
					  const struct config_service *service,
					  const struct config_backend *config)
{
	static const struct shunt_addr none;

	if (service->forward != LB_IPIP && service->forward != LB_GUE)
		return &none;
	return &lb->source[config->l3 == 6];
}

/*
 * Of one service: a server that is dead for one may live for another, and flows, datagrams and
 * connection IDs are remembered with the number alone
 */
static const char *backend_name(struct compile *c, const struct plan_service *service,
				const struct config_backend *config, const struct shunt_addr *src)
{
	char addr[INET6_ADDRSTRLEN], from[INET6_ADDRSTRLEN] = "-";

	addr_print(&config->addr, config->l3, addr);
	if (src->half[0] || src->half[1])
		addr_print(src, config->l3, from);
	return arena_printf(c->arena, "lbbackend %s/%s %s,%u %s from %s", service->node,
			    service->name, addr, config->port,
			    forward_names[service->config->forward], from);
}

static const struct plan_backend *backend_plan(struct compile *c, const struct config_lb *lb,
					       const struct plan_service *in,
					       const struct config_backend *config)
{
	const struct config_service *service = in->config;
	const struct shunt_addr *src = source_of(lb, service, config);
	const char *name = backend_name(c, in, config, src);
	uint32_t number = compile_take(c, config->tree, SLOTS_LB_BACKEND, 1, name);
	struct plan_backend *backend = c->lb_backend[number];

	if (backend || !number)
		return backend ? backend : arena_new(c->arena, struct plan_backend);
	backend = arena_new(c->arena, struct plan_backend);
	*backend = (struct plan_backend){
		.number = number, .port = config->port, .forward = service->forward,
		.entry = { .addr = config->addr, .src = *src, .l3 = config->l3 },
	};
	backend->entry.counter = compile_take(c, config->tree, SLOTS_LB_COUNT, 1,
					      arena_printf(c->arena, "lbcount %s",
							   strchr(name, ' ') + 1));
	if (service->forward == LB_NAT)
		backend->entry.nat = nat_of(c, config);
	c->lb_backend[number] = backend;
	*arena_push(c->arena, c->lb->backend, c->lb->n_backends) = backend;
	return backend;
}

/* ---- services ------------------------------------------------------------------------------ */

static void plan_owners(struct compile *c, const struct config_lb *lb,
			const struct config_service *config, struct plan_service *service)
{
	const struct config_backend *backend;
	unsigned int i;

	service->n_owners = config->n_backends;
	service->owner = arena_new_n(c->arena, struct plan_owner, config->n_backends);
	for (i = 0; i < config->n_backends; i++) {
		backend = &config->backend[i];
		service->owner[i] = (struct plan_owner){
			.backend = backend_plan(c, lb, service, backend),
			.weight = backend->drains ? 0 : backend->weight,
			.id = backend->id, .config = backend,
		};
	}
	if (config->sorry)
		service->sorry = backend_plan(c, lb, service, config->sorry);
}

/* One more than it takes: a tick that has begun is none yet */
static uint32_t drain_ticks(uint64_t drain_ms)
{
	return drain_ms ? (drain_ms * NSEC_PER_MSEC >> LB_TICK_SHIFT) + 1 : 0;
}

static void fill_entry(const struct config_lb *lb, const struct config_service *config,
		       struct plan_service *service)
{
	struct lb_service *entry = &service->entry;

	entry->slots = config->table;
	entry->drain = drain_ticks(config->drain_ms);
	entry->seed = lb->seed;
	entry->forward = config->forward;
	entry->hash = config->hash;
	entry->tracking = config->tracking;
	entry->down = config->down;
	entry->flags = (config->udp_moves ? LB_UDP_MOVE : 0) |
		       (config->per_packet ? LB_PER_PACKET : 0) |
		       (config->quic_len ? LB_QUIC : 0);
	entry->sorry = service->sorry ? service->sorry->number : 0;
	entry->mss = config->mss;
	entry->gue_port = config->forward == LB_GUE ? htons(config->gue_port) : 0;
	entry->quic_off = config->quic_off;
	entry->quic_len = config->quic_len;
}

static uint32_t service_take(struct compile *c, const struct plan_service *service,
			     enum slots_space space, const char *what, uint64_t detail)
{
	return compile_take(c, service->config->tree, space, 1,
			    arena_printf(c->arena, "%s %s/%s=%llx", what, service->node,
					 service->name, (unsigned long long)detail));
}

static void service_plan(struct compile *c, const struct config_node *node,
					 const struct config_service *config)
{
	struct plan_service *service = &c->lb->service[c->lb->n_services++];

	*service = (struct plan_service){
		.node = node->name, .name = config->name, .config = config,
		.ring_seed = node->lb->seed,
		.drain_ms = config->tracking == LB_TRACK_NEVER ? 0 : config->drain_ms,
		.slow_start_ms = config->slow_start_ms,
	};
	plan_owners(c, node->lb, config, service);
	fill_entry(node->lb, config, service);
	service->entry.counter = service_take(c, service, SLOTS_LB_COUNT, "lbcount", 0);
	service->entry.ring = service_take(c, service, SLOTS_LB_RING, "lbring", config->table);
	service->entry.quic_ids = service->entry.ring;
	service->number = service_take(c, service, SLOTS_LB_SERVICE, "lbservice",
				       key_bytes(KEY_START, &service->entry,
						 sizeof(service->entry)));
}

/* ---- nodes --------------------------------------------------------------------------------- */

static struct plan_balancer *balancer_find(const struct plan_lb *lb, const char *node)
{
	unsigned int i;

	for (i = 0; i < lb->n_balancers; i++)
		if (!strcmp(lb->balancer[i].node, node))
			return &lb->balancer[i];
	return NULL;
}

static uint32_t buckets(uint32_t flows)
{
	uint32_t n = 1;

	while (n * LB_WAYS < flows)
		n *= 2;
	return n;
}

/* There are pointers into the arrays of nodes and services: they do not grow */
static void start(struct compile *c)
{
	const struct config *config = c->config;
	unsigned int i, n = 0;

	for (i = 0; i < config->n_nodes; i++)
		n += config->node[i].lb ? config->node[i].lb->n_services : 0;
	c->lb = arena_new(c->arena, struct plan_lb);
	c->lb->balancer = arena_new_n(c->arena, struct plan_balancer, config->n_nodes);
	c->lb->service = arena_new_n(c->arena, struct plan_service, n);
	c->lb->buckets = buckets(config->lb_flows);
	c->lb_backend = arena_new_n(c->arena, struct plan_backend *, LB_BACKENDS);
	c->plan->lb = c->lb;
}

const struct plan_balancer *lb_plan(struct compile *c, const struct node *node)
{
	const struct config_node *config = node->config;
	unsigned int i, n = config->lb ? config->lb->n_services : 0;
	struct plan_service *first;
	struct plan_balancer *balancer;

	if (!c->lb)
		start(c);
	balancer = balancer_find(c->lb, config->name);
	if (balancer)
		return balancer;
	balancer = &c->lb->balancer[c->lb->n_balancers++];
	balancer->node = config->name;
	balancer->number = compile_take(c, config->tree, SLOTS_LB_NODE, 1,
					arena_printf(c->arena, "lbnode %s", config->name));
	first = &c->lb->service[c->lb->n_services];
	for (i = 0; i < n; i++) {
		service_plan(c, config, &config->lb->service[i]);
		if (config->lb->service[i].forward == LB_NAT)
			balancer->translates = true;
	}
	lb_find_plan(c, balancer, first, n);
	return balancer;
}

unsigned int lb_values(struct compile *c, const struct plan_balancer *balancer,
		       struct plan_value *ret_value)
{
	uint16_t *number = arena_new(c->arena, uint16_t);

	*number = balancer->number;
	ret_value[0] = (struct plan_value){ "lb_node", number, sizeof(*number) };
	ret_value[1] = (struct plan_value){ "lb_kinds", &balancer->kinds,
					    sizeof(balancer->kinds) };
	ret_value[2] = (struct plan_value){ "lb_room", &c->lb->room, sizeof(c->lb->room) };
	ret_value[3] = (struct plan_value){ "lb_buckets", &c->lb->buckets,
					    sizeof(c->lb->buckets) };
	return LB_VALUES;
}

void lb_plan_rest(struct compile *c)
{
	const struct plan_lb *running = c->running ? c->running->lb : NULL;
	uint32_t end = slots_end(&c->slots, SLOTS_LB_COUNT);

	if (!c->lb)
		return;
	c->lb->room = running ? running->room : ROOM_MIN;
	while (c->lb->room < end)
		c->lb->room *= 2;
	lb_find_sort(c->lb);
}
