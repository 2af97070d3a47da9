// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * nexthop_test.c - ways to addresses, as routes and neighbours come and go
 *
 * A namespace of this process' own: 'nh0' is a veth whose other end is not answering, so that neighbours
 * are what the tests make of them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <net/if.h>

#include <kernel/nexthop.h>

#include "../lib/unit.h"

#define MAC_A	"02:00:00:00:00:0a"
#define MAC_1	"02:00:00:00:00:01"
#define MAC_2	"02:00:00:00:00:02"

static struct nexthops *nexthops;

static void sh(const char *command)
{
	if (system(command))
		fail_msg("'%s' failed", command);
}

static struct shunt_addr address(const char *text)
{
	struct shunt_addr addr = { .v4_prefix = { 0, 0, htonl(0xffff) } };

	if (strchr(text, ':'))
		assert_int_equal(inet_pton(AF_INET6, text, &addr), 1);
	else
		assert_int_equal(inet_pton(AF_INET, text, &addr.v4), 1);
	return addr;
}

/* All events in, all doubts settled. Return: whether something changed */
static bool settled(void)
{
	bool any = false, changed, more = true;

	assert_int_equal(nexthop_process(nexthops, &changed), 0);
	any |= changed;
	while (more) {
		more = nexthop_work(nexthops, &changed);
		any |= changed;
	}
	assert_int_equal(nexthop_process(nexthops, &changed), 0);
	return any | changed;
}

static void want(const char *const *text)
{
	struct shunt_addr addr[8];
	unsigned int n = 0;

	while (text[n]) {
		addr[n] = address(text[n]);
		n++;
	}
	nexthop_want(nexthops, addr, n);
	settled();
}
#define want(...) want((const char *const []){ __VA_ARGS__, NULL })

static struct nexthop_way way(const char *text)
{
	struct shunt_addr addr = address(text);
	struct nexthop_way found = {};

	assert_true(nexthop_find(nexthops, &addr, &found));
	return found;
}

static void is_state(const char *text, enum nexthop_state state)
{
	assert_string_equal(nexthop_state_name(way(text).state), nexthop_state_name(state));
}

/* READY, by 'nh0' and to that MAC */
static void is_ready(const char *text, const char *mac, uint32_t mtu)
{
	struct nexthop_way found = way(text);
	char dmac[18], smac[18];

	assert_string_equal(nexthop_state_name(found.state), "ready");
	snprintf(dmac, sizeof(dmac), "%02x:%02x:%02x:%02x:%02x:%02x", found.dmac[0], found.dmac[1],
		 found.dmac[2], found.dmac[3], found.dmac[4], found.dmac[5]);
	snprintf(smac, sizeof(smac), "%02x:%02x:%02x:%02x:%02x:%02x", found.smac[0], found.smac[1],
		 found.smac[2], found.smac[3], found.smac[4], found.smac[5]);
	assert_string_equal(dmac, mac);
	assert_string_equal(smac, MAC_A);
	assert_int_equal(found.mtu, mtu);
	assert_int_equal(found.ifindex, if_nametoindex("nh0"));
}

static int world(void **state)
{
	struct err err = {};

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	sh("ip link set lo up");
	sh("ip link add dev nh0 address " MAC_A " type veth peer name nh1");
	sh("for i in nh0 nh1; do echo 1 > /proc/sys/net/ipv6/conf/$i/disable_ipv6; done");
	sh("ip addr add 10.0.0.254/24 dev nh0; ip link set nh0 up; ip link set nh1 up");
	assert_int_equal(nexthop_new(&nexthops, &err), 0);
	return 0;
}

static int end(void **state)
{
	nexthop_free(nexthops);
	nexthops = NULL;
	return 0;
}

static void test_neighbour(void **state)
{
	struct shunt_addr other = address("10.9.9.9");
	struct nexthop_way none;

	sh("ip neigh add 10.0.0.1 lladdr " MAC_1 " dev nh0");
	want("10.0.0.1", "10.0.0.2", "10.0.0.1");
	is_ready("10.0.0.1", MAC_1, 1500);
	is_state("10.0.0.2", NEXTHOP_NO_NEIGH);
	assert_false(nexthop_find(nexthops, &other, &none));
	assert_int_equal(way("10.0.0.1").src.v4, address("10.0.0.254").v4);
	assert_false(settled());

	sh("ip neigh replace 10.0.0.1 lladdr " MAC_2 " dev nh0");
	assert_true(settled());
	is_ready("10.0.0.1", MAC_2, 1500);
	sh("ip neigh add 10.0.0.99 lladdr " MAC_2 " dev nh0");
	assert_false(settled());	/* nobody that we go to */
	sh("ip neigh del 10.0.0.1 dev nh0");
	assert_true(settled());
	is_state("10.0.0.1", NEXTHOP_NO_NEIGH);
}

static void test_asked_for(void **state)
{
	want("10.0.0.3");
	sh("ip neigh show 10.0.0.3 dev nh0 | grep -q .");	/* nobody sent a packet there */
}

static void test_route(void **state)
{
	sh("ip neigh add 10.0.0.1 lladdr " MAC_1 " dev nh0; ip neigh add 10.0.0.2 lladdr " MAC_2
	   " dev nh0");
	want("192.0.2.1", "192.0.2.2", "10.0.0.254", "127.0.0.1");
	is_state("192.0.2.1", NEXTHOP_NO_ROUTE);
	is_state("10.0.0.254", NEXTHOP_LOCAL);
	is_state("127.0.0.1", NEXTHOP_LOCAL);

	sh("ip route add 192.0.2.0/24 via 10.0.0.1");
	assert_true(settled());
	is_ready("192.0.2.1", MAC_1, 1500);
	sh("ip route add 192.0.2.2/32 via 10.0.0.2 mtu 1400");
	assert_true(settled());
	is_ready("192.0.2.1", MAC_1, 1500);
	is_ready("192.0.2.2", MAC_2, 1400);
	sh("ip route add 198.51.100.0/24 via 10.0.0.1");
	assert_false(settled());
	sh("ip route add unreachable 192.0.2.1");
	assert_true(settled());
	is_state("192.0.2.1", NEXTHOP_NO_ROUTE);
	sh("ip route del unreachable 192.0.2.1; ip route replace default via 10.0.0.2");
	settled();
	sh("ip route del 192.0.2.0/24");
	assert_true(settled());
	is_ready("192.0.2.1", MAC_2, 1500);
}

/* A next hop object that is changed, and a rule that is added, name no prefix */
static void test_indirect(void **state)
{
	sh("ip neigh add 10.0.0.1 lladdr " MAC_1 " dev nh0; ip neigh add 10.0.0.2 lladdr " MAC_2
	   " dev nh0");
	sh("ip nexthop add id 7 via 10.0.0.1 dev nh0; ip route add 192.0.2.0/24 nhid 7");
	want("192.0.2.1");
	is_ready("192.0.2.1", MAC_1, 1500);
	sh("ip nexthop replace id 7 via 10.0.0.2 dev nh0");
	assert_true(settled());
	is_ready("192.0.2.1", MAC_2, 1500);
	sh("ip route add 192.0.2.0/24 via 10.0.0.1 table 77");
	assert_false(settled());
	sh("ip rule add to 192.0.2.1 lookup 77");
	assert_true(settled());
	is_ready("192.0.2.1", MAC_1, 1500);
}

static void test_link(void **state)
{
	sh("ip neigh add 10.0.0.1 lladdr " MAC_1 " dev nh0");
	want("10.0.0.1");
	sh("ip link set nh0 mtu 1300");
	assert_true(settled());
	is_ready("10.0.0.1", MAC_1, 1300);
	sh("ip link set nh0 down");
	assert_true(settled());
	is_state("10.0.0.1", NEXTHOP_NO_ROUTE);	/* which no event said */
	sh("ip link set nh0 up; ip neigh add 10.0.0.1 lladdr " MAC_1 " dev nh0");
	assert_true(settled());
	is_ready("10.0.0.1", MAC_1, 1300);
	sh("ip link del nh0");
	assert_true(settled());
	is_state("10.0.0.1", NEXTHOP_NO_ROUTE);
}

static void test_other_links(void **state)
{
	sh("ip link add br0 type bridge; ip addr add 10.1.0.254/24 dev br0; ip link set br0 up");
	sh("ip neigh add 10.1.0.1 lladdr " MAC_1 " dev br0");
	sh("ip route add 192.0.2.0/24 encap ip id 5 dst 10.0.0.1 dev nh0");
	want("10.1.0.1", "192.0.2.1");
	is_state("10.1.0.1", NEXTHOP_LINK);
	is_state("192.0.2.1", NEXTHOP_TUNNEL);
}

static void test_ipv6(void **state)
{
	sh("echo 0 > /proc/sys/net/ipv6/conf/nh0/disable_ipv6; ip addr add fd00::fe/64 dev nh0 nodad");
	sh("ip neigh add fd00::1 lladdr " MAC_1 " dev nh0; ip neigh add fe80::2 lladdr " MAC_2
	   " dev nh0");
	sh("ip route add 2001:db8::/32 via fe80::2 dev nh0");
	sh("ip route add 192.0.2.0/24 via inet6 fe80::2 dev nh0");
	want("fd00::1", "2001:db8::5", "192.0.2.1", "fd00::fe");
	is_ready("fd00::1", MAC_1, 1500);
	is_ready("2001:db8::5", MAC_2, 1500);
	is_ready("192.0.2.1", MAC_2, 1500);
	is_state("fd00::fe", NEXTHOP_LOCAL);
	sh("ip -6 route add unreachable 2001:db8::5/128 metric 1");
	assert_true(settled());
	is_state("2001:db8::5", NEXTHOP_NO_ROUTE);
}

/* What stays wanted is known at once; what goes is not */
static void test_want(void **state)
{
	struct shunt_addr addr[] = { address("10.0.0.1"), address("10.0.0.2") };
	struct nexthop_way none;

	sh("ip neigh add 10.0.0.1 lladdr " MAC_1 " dev nh0");
	want("10.0.0.1", "10.0.0.5");
	nexthop_want(nexthops, addr, 2);
	is_ready("10.0.0.1", MAC_1, 1500);
	is_state("10.0.0.2", NEXTHOP_NO_ROUTE);	/* nothing was asked yet */
	addr[1] = address("10.0.0.5");
	assert_false(nexthop_find(nexthops, &addr[1], &none));
	settled();
	is_state("10.0.0.2", NEXTHOP_NO_NEIGH);
	nexthop_want(nexthops, NULL, 0);
	assert_false(nexthop_find(nexthops, &addr[0], &none));
	assert_false(settled());
}

/* More targets than are asked for at a time, by one gateway */
static void test_many(void **state)
{
	struct shunt_addr addr[2000];
	struct nexthop_way found;
	unsigned int i, rounds = 1;
	bool changed;

	sh("ip neigh add 10.0.0.1 lladdr " MAC_1 " dev nh0; ip route add 172.16.0.0/12 via 10.0.0.1");
	for (i = 0; i < 2000; i++) {
		addr[i] = address("172.16.0.0");
		addr[i].v4 = htonl(ntohl(addr[i].v4) + i);
	}
	nexthop_want(nexthops, addr, 2000);
	while (nexthop_work(nexthops, &changed))
		rounds++;
	assert_in_range(rounds, 7, 9);
	for (i = 0; i < 2000; i++) {
		assert_true(nexthop_find(nexthops, &addr[i], &found));
		assert_int_equal(found.state, NEXTHOP_READY);
	}
	sh("ip neigh replace 10.0.0.1 lladdr " MAC_2 " dev nh0");
	assert_true(settled());
	for (i = 0; i < 2000; i++) {
		assert_true(nexthop_find(nexthops, &addr[i], &found));
		assert_int_equal(found.dmac[5], 2);
	}
}

/* A route that came without an event is found by ticks; neighbours are used by them */
static void test_tick(void **state)
{
	unsigned int i;

	sh("ip neigh add 10.0.0.1 lladdr " MAC_1 " dev nh0 nud stale");
	want("10.0.0.1");
	is_ready("10.0.0.1", MAC_1, 1500);
	sh("ip neigh show 10.0.0.1 dev nh0 | grep -q STALE");
	for (i = 0; i < 16; i++)
		nexthop_tick(nexthops);
	settled();
	sh("ip neigh show 10.0.0.1 dev nh0 | grep -Eq 'DELAY|PROBE'");
	for (i = 0; i < 60; i++)
		nexthop_tick(nexthops);
	settled();
	is_ready("10.0.0.1", MAC_1, 1500);
}

/* More events than the socket takes */
static void test_overrun(void **state)
{
	bool changed;
	int r;

	sh("ip neigh add 10.0.0.1 lladdr " MAC_1 " dev nh0");
	want("10.0.0.1");
	sh("seq 1 60000 | awk '{ printf \"neigh replace 10.0.0.77 lladdr 02:00:00:00:%02x:%02x dev nh0\\n\", $1 / 256 % 256, $1 % 256 }' | ip -batch -");
	sh("ip neigh replace 10.0.0.1 lladdr " MAC_2 " dev nh0");
	r = nexthop_process(nexthops, &changed);
	assert_int_equal(r, -ENOBUFS);
	settled();
	is_ready("10.0.0.1", MAC_2, 1500);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, world, end)
	const struct CMUnitTest tests[] = {
		TEST(neighbour), TEST(asked_for), TEST(route), TEST(indirect), TEST(link),
		TEST(other_links), TEST(ipv6), TEST(want), TEST(many), TEST(tick), TEST(overrun),
	};

	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
