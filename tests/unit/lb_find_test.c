// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * lb_find_test.c - whose a destination is: tables of a plan, asked as programs ask them, against the rule
 *
 * The rule: of all services that a packet could be for, the longest prefix, then a protocol before any,
 * then a port before a range before any port. Few addresses and ports, so that all meet.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "../lib/unit.h"
#include "contracts.h"

static uint64_t state;

struct packet {
	struct shunt_addr addr;
	uint8_t proto;
	uint16_t port;
};

static uint32_t pick(uint32_t n)
{
	return unit_random(&state) % n;
}

/* ---- as programs ask ------------------------------------------------------------------------ */

/* Return: number of a service + 1; 0: none */
static uint32_t ask_value(const struct plan_lb *lb, uint32_t value, uint16_t port)
{
	const struct lb_ranges *entry = NULL;
	unsigned int i;

	if (!(value & LB_VIP_RANGES))
		return value;
	for (i = 0; i < lb->n_ranges; i++)
		if (lb->ranges[i].number == (value & ~LB_VIP_RANGES))
			entry = &lb->ranges[i].entry;
	assert_non_null(entry);
	for (i = 0; i < LB_RANGES && entry->range[i].first <= entry->range[i].last; i++)
		if (port >= entry->range[i].first && port <= entry->range[i].last)
			return entry->range[i].service;
	return 0;
}

static uint32_t ask_vip(const struct plan_lb *lb, uint16_t node, const struct packet *packet,
			uint8_t proto, uint16_t port)
{
	const struct lb_vip key = { .addr = packet->addr, .port = htons(port), .proto = proto,
				    .node = node };
	unsigned int i;

	for (i = 0; i < lb->n_vips; i++)
		if (!memcmp(&lb->vip[i].key, &key, sizeof(key)))
			return ask_value(lb, lb->vip[i].value, packet->port);
	return 0;
}

static bool same_bits(const void *a, const void *b, unsigned int bits)
{
	const uint8_t *x = a, *y = b;

	return !memcmp(x, y, bits / 8) &&
	       (!(bits % 8) || !((x[bits / 8] ^ y[bits / 8]) >> (8 - bits % 8)));
}

/* The trie: the longest key of those bits */
static uint32_t ask_net(const struct plan_lb *lb, uint16_t node, const struct packet *packet,
			uint8_t proto)
{
	const struct lb_net key = { .node = node, .proto = proto, .addr = packet->addr };
	const struct plan_net *best = NULL;
	unsigned int i;

	for (i = 0; i < lb->n_nets; i++)
		if (same_bits(&lb->net[i].key.node, &key.node, lb->net[i].key.len) &&
		    (!best || lb->net[i].key.len > best->key.len))
			best = &lb->net[i];
	return best ? ask_value(lb, best->value, packet->port) : 0;
}

static uint32_t ask(const struct plan_lb *lb, const struct packet *packet)
{
	uint32_t kinds = lb->balancer[0].kinds, found = 0;
	uint16_t node = lb->balancer[0].number;

	if (kinds & LB_KIND_EXACT && packet->port)
		found = ask_vip(lb, node, packet, packet->proto, packet->port);
	if (!found && kinds & LB_KIND_RANGES)
		found = ask_vip(lb, node, packet, packet->proto, 0);
	if (!found && kinds & LB_KIND_ANY)
		found = ask_vip(lb, node, packet, 0, 0);
	if (!found && kinds & LB_KIND_NETS)
		found = ask_net(lb, node, packet, packet->proto);
	if (!found && kinds & LB_KIND_NETS)
		found = ask_net(lb, node, packet, 0);
	return found;
}

/* ---- the rule -------------------------------------------------------------------------------- */

/* How much a service says of a packet; 0: it is not for it */
static unsigned int says(const struct config_service *service, const struct packet *packet)
{
	unsigned int bits = service->len + (service->l3 == 4 ? 96 : 0), ports;

	if (!same_bits(&service->addr, &packet->addr, bits) ||
	    (service->proto && service->proto != packet->proto) ||
	    packet->port < service->port_first || packet->port > service->port_last)
		return 0;
	ports = !service->port_first ? 0 : service->port_first == service->port_last ? 2 : 1;
	return 1 + 8 * bits + 4 * (service->proto != 0) + ports;
}

static const struct plan_service *wanted(const struct plan_lb *lb, const struct packet *packet)
{
	const struct plan_service *best = NULL;
	unsigned int i, most = 0, n;

	for (i = 0; i < lb->n_services; i++) {
		n = says(lb->service[i].config, packet);
		if (n <= most)
			continue;
		most = n;
		best = &lb->service[i];
	}
	return best;
}

/* ---- random services ------------------------------------------------------------------------- */

static void print_random_service(struct buf *yaml, unsigned int number)
{
	static const char *const protos[] = { "tcp", "udp", "sctp" };
	unsigned int len = pick(2) ? 32 : 26 + pick(6), first;
	uint32_t addr = 0x0a000000 | (pick(16) & ~0u << (32 - len));
	bool six = !pick(3);

	buf_printf(yaml, "      s%u: { address: \"", number);
	if (six)
		buf_printf(yaml, "2001:db8::%x/%u\"", addr & 0xffff, len + 96);
	else
		buf_printf(yaml, "10.0.0.%u/%u\"", addr & 0xff, len);
	if (pick(4)) {
		first = 1 + pick(12);
		buf_printf(yaml, ", proto: %s", protos[pick(3)]);
		if (pick(3))
			buf_printf(yaml, ", port: %u", first);
		else if (pick(2))
			buf_printf(yaml, ", port: %u-%u", first, first + 1 + pick(3));
	}
	buf_str(yaml, " }\n");
}

/* Services that are in each other's way are tried again with other numbers */
static bool compile_random(struct diags *diags, struct plan *ret_plan)
{
	struct buf yaml = {};
	unsigned int i, n = 1 + pick(12);
	int r;

	buf_str(&yaml, "version: 1\nnodes:\n  edge:\n    module: lb\n    services:\n");
	for (i = 0; i < n; i++)
		print_random_service(&yaml, i);
	buf_str(&yaml, "graphs: { g: [edge] }\nattach: [ { dev: eth0, hook: xdp, graph: g } ]\n");
	r = compile_text(yaml.data, yaml.len, NULL, 1, diags, ret_plan);
	if (r < 0)
		assert_string_equal(diags->v[0].code, "duplicate");
	buf_fini(&yaml);
	return r == 0;
}

static void random_packet(struct packet *packet)
{
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP };

	*packet = (struct packet){
		.addr = { .v4_prefix = { 0, 0, htonl(0xffff) }, .v4 = htonl(0x0a000000 | pick(70)) },
		.proto = protos[pick(4)],
	};
	if (!pick(3))
		packet->addr = (struct shunt_addr){
			.word = { htonl(0x20010db8), 0, 0, htonl(pick(70)) },
		};
	packet->port = packet->proto == IPPROTO_ICMP ? 0 : pick(18);
}

static void test_random(void **arg)
{
	const struct plan_service *service;
	unsigned int turn, i, hits = 0, plans = 0;
	struct packet packet;
	struct plan plan;

	for (turn = 0; turn < 1500; turn++) {
		struct arena arena = {};
		struct diags diags = { .arena = &arena };

		if (compile_random(&diags, &plan)) {
			plans++;
			for (i = 0; i < 200; i++) {
				random_packet(&packet);
				service = wanted(plan.lb, &packet);
				assert_int_equal(ask(plan.lb, &packet),
						 service ? service->number + 1 : 0);
				hits += service != NULL;
			}
			plan_fini(&plan);
		}
		arena_fini(&arena);
	}
	assert_true(plans > 500);
	assert_true(hits > 10000);
}

/* ---- numbers over generations ---------------------------------------------------------------- */

#define EDGE(services)	"version: 1\nnodes: { edge: { module: lb, services: {" services "} } }\n" \
	"graphs: { g: [edge] }\nattach: [ { dev: eth0, hook: xdp, graph: g } ]\n"
#define WWW(address, rest) " www: { address: 203.0.113.1, backends: [{ address: " address " }]" rest " },"
#define DNS " dns: { address: 203.0.113.2, backends: [{ address: 10.0.0.1 }, { address: 10.0.0.2 }] } "

static void compile(struct diags *diags, const char *text, const struct plan *running,
		    uint32_t generation, struct plan *ret_plan)
{
	assert_int_equal(compile_text(text, strlen(text), running, generation, diags, ret_plan), 0);
}

/* A backend comes: no program is rendered, nothing else has another number */
static void test_backend(void **arg)
{
	struct arena arena = {};
	struct diags diags = { .arena = &arena };
	const struct plan_service *service;
	struct plan a, b, c;

	compile(&diags, EDGE(WWW("10.0.0.1", "") DNS), NULL, 1, &a);
	compile(&diags, EDGE(WWW("10.0.0.3", "") DNS), &a, 2, &b);
	assert_true(b.graph[0].kept);
	service = plan_service_find(&b, "edge", "www");
	assert_int_equal(service->number, plan_service_find(&a, "edge", "www")->number);
	assert_int_equal(service->entry.ring, plan_service_find(&a, "edge", "www")->entry.ring);
	assert_int_equal(plan_service_find(&b, "edge", "dns")->owner[0].backend->number, 1);
	/* 1 and 2 are those of dns, 3 that of www which goes: its flows may be remembered */
	assert_int_equal(plan_service_find(&a, "edge", "www")->owner[0].backend->number, 3);
	assert_int_equal(service->owner[0].backend->number, 4);
	assert_null(plan_service_find(&b, "edge", "ftp"));

	/* the same ring, but another element of lb_services: its content is another */
	compile(&diags, EDGE(WWW("10.0.0.3", ", down: last") DNS), &b, 3, &c);
	assert_true(c.graph[0].kept);
	assert_int_equal(plan_service_find(&c, "edge", "www")->entry.ring, service->entry.ring);
	assert_int_not_equal(plan_service_find(&c, "edge", "www")->number, service->number);
	assert_int_equal(plan_service_find(&c, "edge", "www")->entry.counter,
			 service->entry.counter);
	arena_fini(&arena);
}

/* Room for counters grows, and does not shrink; then programs are rendered again */
static void test_room(void **arg)
{
	struct arena arena = {};
	struct diags diags = { .arena = &arena };
	struct buf yaml = {};
	struct plan a, b, c;
	unsigned int i;

	buf_str(&yaml, "version: 1\nnodes: { edge: { module: lb, services: { www: { address: 203.0.113.1, backends: [\n");
	for (i = 0; i < 1500; i++)
		buf_printf(&yaml, "{ address: 10.0.%u.%u },\n", i / 250, 1 + i % 250);
	buf_str(&yaml, "] } } } }\ngraphs: { g: [edge] }\nattach: [ { dev: eth0, hook: xdp, graph: g } ]\n");
	compile(&diags, EDGE(WWW("10.0.0.1", "") DNS), NULL, 1, &a);
	compile(&diags, yaml.data, &a, 2, &b);
	compile(&diags, EDGE(WWW("10.0.0.1", "") DNS), &b, 3, &c);
	assert_int_equal(a.lb->room, 1024);
	assert_int_equal(b.lb->room, 2048);
	assert_int_equal(c.lb->room, 2048);
	assert_false(b.graph[0].kept);
	assert_true(c.graph[0].kept);
	buf_fini(&yaml);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random), cmocka_unit_test(test_backend),
		cmocka_unit_test(test_room),
	};

	state = unit_seed();
	return unit_main(tests, N(tests));
}
