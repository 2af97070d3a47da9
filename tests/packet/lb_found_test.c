// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * lb_found_test.c - what is kept of destinations that were looked for: module 'lb', lib/lb_find.h
 *
 * Each service here has a backend that only it has, and forwards by NAT: where a packet went is
 * in its context.
 */
#include "lb_world.h"

#include <bpf/bpf.h>

#define SERVICES	4
#define MANY		(3 * LB_FOUND)	/* destinations that cannot all be kept */

static const uint32_t hooks[] = { SHUNT_HOOK_XDP, SHUNT_HOOK_TC_INGRESS };

/* Service + 1, as in lb_vips; 0: of none */
static uint32_t service_of(struct lbrig *rig, const char *addr, unsigned int port)
{
	struct pkt p;

	if (strchr(addr, ':'))
		pkt_build(&p, TCP6(CLIENT6, addr, 1024, port, PKT_ACK));
	else
		pkt_build(&p, TCP4(CLIENT4, addr, 1024, port, PKT_ACK));
	world_send(rig, &p);
	if (out.edge == LBRIG_MISS)
		return 0;
	world_left(LBRIG_NAT, -1);
	return out.pkt.dnat - 40;
}

static struct lbrig *world(uint32_t hook)
{
	struct lbrig *rig = world_new(hook);
	uint32_t i;

	for (i = 0; i < SERVICES; i++)
		world_service(rig, i, (struct lb_service){ .forward = LB_NAT }, i + 1);
	return rig;
}

/* Past lbrig_put(), which begins another epoch */
static void put_silently(struct lbrig *rig, const char *addr, unsigned int port, uint32_t value)
{
	const struct lb_vip key = { .addr = lbrig_addr(addr), .port = htons(port), .proto = 6,
				    .node = NODE };

	assert_int_equal(bpf_map_update_elem(rig->fd[LB_TABLE_VIPS], &key, &value, BPF_ANY), 0);
}

static void test_epoch(void **state)
{
	static const char *const addr[] = { "203.0.113.1", "2001:db8:f::1" };

	for (unsigned int h = 0; h < 2; h++) {
		struct lbrig *rig = world(hooks[h]);

		for (unsigned int i = 0; i < 2; i++) {
			assert_int_equal(service_of(rig, addr[i], 80), 0);
			put_silently(rig, addr[i], 80, 1);
			assert_int_equal(service_of(rig, addr[i], 80), 0);	/* kept, too */
			world_vip(rig, addr[i], 80, 6, 2);
			assert_int_equal(service_of(rig, addr[i], 80), 2);
			put_silently(rig, addr[i], 80, 3);
			assert_int_equal(service_of(rig, addr[i], 80), 2);
			assert_int_equal(service_of(rig, addr[i], 81), 0);
			world_vip(rig, addr[i], 81, 6, 4);
			assert_int_equal(service_of(rig, addr[i], 80), 3);
			assert_int_equal(service_of(rig, addr[i], 81), 4);
		}
		lbrig_free(rig);
	}
}

/* What a port, a protocol, or any bit of the address tells apart is not taken for one another */
static void test_told_apart(void **state)
{
	struct lbrig *rig = world(SHUNT_HOOK_XDP);
	char addr[INET6_ADDRSTRLEN];
	struct pkt p;

	world_vip(rig, "203.0.113.1", 80, 6, 1);
	world_vip(rig, "203.0.113.1", 80, 17, 2);
	world_vip(rig, "2001:db8:f::1", 80, 6, 3);
	for (unsigned int round = 0; round < 2; round++) {
		assert_int_equal(service_of(rig, "203.0.113.1", 80), 1);
		pkt_build(&p, UDP4(CLIENT4, "203.0.113.1", 1024, 80));
		world_send(rig, &p);
		world_left(LBRIG_NAT, -1);
		assert_int_equal(out.pkt.dnat - 40, 2);
		assert_int_equal(service_of(rig, "2001:db8:f::1", 80), 3);
		for (unsigned int bit = 0; bit < 128; bit++) {
			struct shunt_addr other = lbrig_addr("2001:db8:f::1");

			((uint8_t *)&other)[bit / 8] ^= 1 << bit % 8;
			assert_non_null(inet_ntop(AF_INET6, &other, addr, sizeof(addr)));
			assert_int_equal(service_of(rig, addr, 80), 0);
		}
	}
	lbrig_free(rig);
}

static void test_crowded(void **state)
{
	struct lbrig *rig = world(SHUNT_HOOK_XDP);
	char addr[INET_ADDRSTRLEN];
	unsigned int i, round;

	for (i = 0; i < MANY; i++) {
		snprintf(addr, sizeof(addr), "203.0.%u.%u", i / 256, i % 256);
		if (i % 5)
			put_silently(rig, addr, 80, i % 5);
	}
	for (round = 0; round < 2; round++)
		for (i = 0; i < MANY; i++) {
			snprintf(addr, sizeof(addr), "203.0.%u.%u", i / 256, i % 256);
			assert_int_equal(service_of(rig, addr, 80), i % 5);
		}
	lbrig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_epoch),
		cmocka_unit_test(test_told_apart),
		cmocka_unit_test(test_crowded),
	};

	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
