// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * mirror_test.c - the mirror of all classes against the kernel, in a namespace of the test's own
 *
 * After each step the mirror, which took in events alone, must equal a fresh one that was dumped.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netconf.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>

#include <kernel/netlink.h>
#include <kernel/netlink_apply.h>
#include <kernel/netlink_sock.h>
#include <mirror/compare.h>

#include "../lib/unit.h"

static int sh(const char *command)
{
	int r = system(command);

	return WIFEXITED(r) ? WEXITSTATUS(r) : -1;
}

/* All that was sent so far, and what is to be done for it */
static void take(struct netlink *netlink)
{
	struct pollfd poll_fd = { .fd = netlink_fd(netlink), .events = POLLIN };
	struct err err = {};
	bool changed;
	int wait_ms;

	do {
		if (netlink_process(netlink, &changed, &err) < 0)
			print_message("# %s\n", err.text);	/* tried again */
		wait_ms = netlink_wait_ms(netlink);
		if (wait_ms > 0)
			poll(NULL, 0, wait_ms);
	} while (wait_ms >= 0 || poll(&poll_fd, 1, 0) > 0);
}

static struct netlink *open_all(void)
{
	struct netlink *netlink;
	struct err err = {};

	if (netlink_new(&netlink, &err) < 0 || netlink_want(netlink, MIRROR_ALL, &err) < 0 ||
	    netlink_resync(netlink, &err) < 0)
		fail_msg("%s", err.text);
	return netlink;
}

struct differences {
	const struct mirror *ours, *theirs;
	unsigned int n;
};

static void count(void *arg, enum mirror_item item, const void *ours, const void *theirs)
{
	struct differences *differences = arg;
	char a[512] = "none", b[512] = "none";

	differences->n++;
	if (ours)
		compare_text(differences->ours, item, ours, false, a, sizeof(a));
	if (theirs)
		compare_text(differences->theirs, item, theirs, false, b, sizeof(b));
	print_message("# %s: mirror has %s\n#   kernel has %s\n", mirror_item_name(item), a, b);
}

/* What happens between the last event and the dump is in the events of the next try */
static void must_equal_kernel(struct netlink *netlink, const char *step)
{
	struct differences differences = {};
	struct netlink *fresh;
	int i;

	for (i = 0; i < 10; i++) {
		fresh = open_all();
		differences = (struct differences){ netlink_mirror(netlink), netlink_mirror(fresh), 0 };
		compare_mirrors(differences.ours, differences.theirs, MIRROR_ALL, count,
				&differences);
		netlink_free(fresh);
		if (!differences.n)
			return;
		poll(NULL, 0, 50);
		take(netlink);
	}
	fail_msg("%u differences after: %s", differences.n, step);
}

static uint64_t entries(struct netlink *netlink, enum mirror_class class)
{
	return mirror_entries(netlink_mirror(netlink), class);
}

static int setup(void **state)
{
	if (unshare(CLONE_NEWNET) < 0 || sh("echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad"))
		return -1;
	*state = open_all();
	return 0;
}

static int teardown(void **state)
{
	netlink_free(*state);
	return 0;
}

/* Classes that a step must change, by events alone; or, << MENDED, what the mirror asks for again, as it cannot know */
#define MENDED	16
struct step {
	const char *command;
	uint32_t changes;
};

static void run(struct netlink *netlink, const struct step *steps, unsigned int n)
{
	struct netlink_class_stats before[MIRROR_CLASS_MAX], now;
	enum mirror_class class;
	unsigned int i;

	for (i = 0; i < n; i++) {
		for (class = 0; class < MIRROR_CLASS_MAX; class++)
			netlink_class_stats(netlink, class, &before[class]);
		if (sh(steps[i].command))
			fail_msg("failed: %s", steps[i].command);
		take(netlink);
		must_equal_kernel(netlink, steps[i].command);
		for (class = 0; class < MIRROR_CLASS_MAX; class++) {
			netlink_class_stats(netlink, class, &now);
			if (steps[i].changes >> class & 1 && now.changes == before[class].changes)
				fail_msg("no change of %s by: %s", mirror_class_name(class),
					 steps[i].command);
			if (now.repaired != before[class].repaired && !(steps[i].changes >> MENDED >> class & 1))
				fail_msg("a dump had to mend %s after: %s",
					 mirror_class_name(class), steps[i].command);
		}
	}
}

#define RUN(netlink, steps) run(netlink, steps, sizeof(steps) / sizeof((steps)[0]))

#define ROUTE	MIRROR_BIT(ROUTE)
#define LINK	MIRROR_BIT(LINK)
#define FDB	MIRROR_BIT(FDB)
#define VLAN	MIRROR_BIT(VLAN)

static const char pairs[] =
	"ip link add va type veth peer name vb; ip link add vc type veth peer name vd; "
	"for i in lo va vb vc vd; do ip link set $i up; done; "
	"ip addr add 192.0.2.1/24 dev va; ip addr add 198.51.100.1/24 dev vc; "
	"ip addr add 2001:db8:1::1/64 dev va nodad; ip addr add 2001:db8:2::1/64 dev vc nodad";

static void test_routes(void **state)
{
	static const struct step steps[] = {
		{ pairs, ROUTE | MIRROR_BIT(ADDR) | LINK },
		{ "ip route add 10.1.0.0/16 via 192.0.2.2 mtu lock 1300 src 192.0.2.1", ROUTE },
		{ "ip route replace 10.1.0.0/16 via 192.0.2.3 dev va", ROUTE },
		{ "ip route append 10.1.0.0/16 via 198.51.100.3", ROUTE },
		{ "ip route prepend 10.1.0.0/16 via 198.51.100.4", ROUTE },
		{ "ip route append 10.1.0.0/16 via 198.51.100.5", ROUTE },
		{ "ip route del 10.1.0.0/16 via 192.0.2.3", ROUTE },
		{ "ip route add 10.1.0.0/16 via 192.0.2.4 metric 7", ROUTE },
		{ "ip route add 10.1.0.0/16 tos 0x10 via 192.0.2.4", ROUTE },
		{ "ip route add 10.2.0.0/16 table 77 nexthop via 192.0.2.2 weight 3 "
		  "nexthop via 198.51.100.2 weight 5", ROUTE },
		{ "ip route add blackhole 10.3.0.0/16; ip route add unreachable 10.4.0.0/16; "
		  "ip route add prohibit 10.5.0.0/16 table 9; ip route add throw 10.6.0.0/16 table 9; "
		  "ip route add local 10.7.0.0/16 dev lo; ip route add default via 192.0.2.9", ROUTE },
		{ "ip route add 10.8.0.0/16 via inet6 2001:db8:1::5 dev va", ROUTE },
		{ "ip route del default; ip route flush table 9", ROUTE },
		{ "ip -6 route add 2001:db8:3::/48 via 2001:db8:1::2 mtu 1400", ROUTE },
		{ "ip -6 route append 2001:db8:3::/48 via 2001:db8:2::2", ROUTE },
		{ "ip -6 route append 2001:db8:3::/48 via 2001:db8:2::3", ROUTE },
		{ "ip -6 route del 2001:db8:3::/48 via 2001:db8:1::2", ROUTE | ROUTE << MENDED },
		{ "ip -6 route replace 2001:db8:3::/48 via 2001:db8:1::4", ROUTE },
		{ "ip -6 route add 2001:db8:4::/48 nexthop via 2001:db8:1::2 weight 2 "
		  "nexthop via 2001:db8:2::2 nexthop via 2001:db8:2::9", ROUTE },
		{ "ip -6 route del 2001:db8:4::/48 via 2001:db8:2::9", ROUTE },
		{ "ip -6 route add blackhole 2001:db8:5::/48; ip -6 route add default via fe80::1 dev va; "
		  "ip -6 route add 2001:db8:6::/48 from 2001:db8:7::/48 via 2001:db8:1::2 || true", ROUTE },
		{ "ip -6 route del default", ROUTE },
		{ "ip route flush proto boot; ip -6 route flush proto boot", ROUTE },
	};

	RUN(*state, steps);
}

/* What the kernel does without a message, each */
static void test_silent(void **state)
{
	static const struct step steps[] = {
		{ pairs, ROUTE },
		{ "ip route add 10.1.0.0/16 via 192.0.2.2; "
		  "ip route add 10.2.0.0/16 nexthop via 192.0.2.2 nexthop via 198.51.100.2; "
		  "ip route add 10.3.0.0/16 dev vc src 192.0.2.1; "
		  "ip -6 route add 2001:db8:3::/48 nexthop via 2001:db8:1::2 nexthop via 2001:db8:2::2",
		  ROUTE },
		{ "ip link set va down", ROUTE | LINK },
		{ "ip link set va up; ip addr add 2001:db8:1::1/64 dev va nodad", ROUTE },
		{ "ip route add 10.1.0.0/16 via 192.0.2.2", ROUTE },
		{ "ip addr del 192.0.2.1/24 dev va", ROUTE },	/* its last, and the source of 10.3 */
		{ "ip addr add 192.0.2.1/24 dev va; ip route add 10.1.0.0/16 via 192.0.2.2; "
		  "ip route replace 10.2.0.0/16 nexthop via 192.0.2.2 nexthop via 198.51.100.2", ROUTE },
		{ "ip link set vb down", LINK },		/* va: no carrier */
		{ "ip link set vb up", LINK },
		{ "ip link del va", ROUTE | LINK },		/* with both hops' routes */
		{ "ip link set vc down; ip link set vc up", ROUTE },
	};

	RUN(*state, steps);
}

static void test_nexthops(void **state)
{
	static const struct step steps[] = {
		{ pairs, ROUTE },
		{ "ip nexthop add id 1 via 192.0.2.2 dev va; ip nexthop add id 2 via 198.51.100.2 dev vc; "
		  "ip nexthop add id 3 blackhole; ip nexthop add id 4 via 2001:db8:1::2 dev va; "
		  "ip nexthop add id 9 via 203.0.113.9 fdb", MIRROR_BIT(NEXTHOP) },
		{ "ip nexthop add id 10 group 1,3/2,5", MIRROR_BIT(NEXTHOP) },
		{ "ip route add 10.1.0.0/16 nhid 1; ip route add 10.2.0.0/16 nhid 10; "
		  "ip route add 10.3.0.0/16 nhid 2; ip route add 10.4.0.0/16 nhid 3; "
		  "ip -6 route add 2001:db8:3::/48 nhid 4", ROUTE },
		{ "ip nexthop replace id 1 via 192.0.2.7 dev va", MIRROR_BIT(NEXTHOP) },
		{ "ip nexthop del id 1", MIRROR_BIT(NEXTHOP) | ROUTE },		/* a route, a member */
		{ "ip link set vc down", MIRROR_BIT(NEXTHOP) | ROUTE },		/* 2, group 10, their routes */
		{ "ip link set vc up; ip nexthop add id 2 via 198.51.100.2 dev vc; "
		  "ip route add 10.3.0.0/16 nhid 2", MIRROR_BIT(NEXTHOP) | ROUTE },
		{ "ip link set vd down", MIRROR_BIT(NEXTHOP) | ROUTE },		/* carrier of vc */
		{ "ip nexthop del id 4", MIRROR_BIT(NEXTHOP) | ROUTE },
		{ "ip nexthop flush", MIRROR_BIT(NEXTHOP) },
	};

	RUN(*state, steps);
	assert_int_equal(entries(*state, MIRROR_NEXTHOP), 0);
}

/* Buckets of a new group are asked for: no event says them */
static void test_resilient(void **state)
{
	struct netlink *netlink = *state;

	sh(pairs);
	take(netlink);
	if (sh("ip nexthop add id 1 via 192.0.2.2 dev va; ip nexthop add id 2 via 198.51.100.2 dev vc; "
	       "ip nexthop add id 10 group 1/2 type resilient buckets 32 idle_timer 60"))
		skip();
	take(netlink);
	must_equal_kernel(netlink, "a resilient group");
	assert_int_equal(netlink_mirror(netlink)->nhobjs.buckets.n, 32);
	sh("ip nexthop replace id 10 group 1,3/2 type resilient");
	take(netlink);
	must_equal_kernel(netlink, "other weights");
	sh("ip nexthop del id 10");
	take(netlink);
	must_equal_kernel(netlink, "no group");
	assert_int_equal(netlink_mirror(netlink)->nhobjs.buckets.n, 0);
}

static void test_rules(void **state)
{
	static const struct step steps[] = {
		{ "ip rule add from 10.0.0.0/8 to 192.0.2.0/24 iif lo fwmark 0x1/0xff table 77 priority 100; "
		  "ip rule add ipproto tcp dport 80-90 sport 5 table 78 priority 100; "
		  "ip -6 rule add from 2001:db8::/32 table 79; ip rule add uidrange 0-10 blackhole; "
		  "ip rule add table main suppress_prefixlength 0 priority 50; "
		  "ip rule add not oif lo goto 32766 priority 40", MIRROR_BIT(RULE) },
		{ "ip rule add table 5 priority 60; ip rule add table 6 priority 60; "
		  "ip rule del table 5 priority 60", MIRROR_BIT(RULE) },
		{ "ip rule del priority 50; ip -6 rule del table 79", MIRROR_BIT(RULE) },
		{ "echo 1 >/proc/sys/net/ipv4/ip_forward", MIRROR_BIT(NETCONF) },
		{ "echo 2 >/proc/sys/net/ipv4/conf/lo/rp_filter; "
		  "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding; "
		  "echo 1 >/proc/sys/net/ipv4/conf/all/ignore_routes_with_linkdown", MIRROR_BIT(NETCONF) },
	};

	RUN(*state, steps);
}

static void test_neighbours(void **state)
{
	static const struct step steps[] = {
		{ pairs, ROUTE },
		{ "ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev va; "
		  "ip neigh add 2001:db8:1::9 lladdr 02:00:00:00:00:0a dev va router; "
		  "ip neigh add 192.0.2.10 lladdr 02:00:00:00:00:0b dev va nud noarp extern_learn",
		  MIRROR_BIT(NEIGH) },
		{ "ip neigh replace 192.0.2.9 lladdr 02:00:00:00:00:0c dev va nud stale",
		  MIRROR_BIT(NEIGH) },
		{ "ping -c 1 -W 1 192.0.2.77 >/dev/null; true", 0 },	/* incomplete, then failed */
		{ "ip neigh del 192.0.2.9 dev va", MIRROR_BIT(NEIGH) },
		{ "ip link set va down", MIRROR_BIT(NEIGH) },
		{ "ip link del va", LINK },
	};

	RUN(*state, steps);
	assert_int_equal(entries(*state, MIRROR_NEIGH), 0);
}

static void test_bridge(void **state)
{
	static const struct step steps[] = {
		{ "ip link add br0 type bridge; ip link add br1 type bridge stp_state 1 ageing_time 1000; "
		  "ip link add va type veth peer name vb; ip link add vc type veth peer name vd; "
		  "ip link add vx type vxlan id 7 local 192.0.2.1 dstport 4789 nolearning; "
		  "for i in br0 va vb vc vd vx; do ip link set $i up; done", LINK },
		{ "ip link set va master br0; ip link set vc master br0; ip link set vx master br0",
		  LINK | FDB },
		{ "bridge link set dev va isolated on; bridge link set dev va hairpin on; "
		  "bridge link set dev vc learning off flood off mcast_flood off; "
		  "bridge link set dev vx neigh_suppress on; bridge link set dev vc state 3", LINK },
		{ "ip link set br0 type bridge ageing_time 500 group_fwd_mask 8", LINK },
		{ "bridge fdb add 02:00:00:00:01:01 dev va master static; "
		  "bridge fdb add 02:00:00:00:01:02 dev va master sticky static; "
		  "bridge fdb add 02:00:00:00:01:03 dev vc master dynamic extern_learn; "
		  "bridge fdb add 02:00:00:00:01:04 dev va master local", FDB },
		{ "bridge fdb replace 02:00:00:00:01:01 dev vc master static", FDB },
		{ "bridge fdb append 00:00:00:00:00:00 dev vx dst 198.51.100.1 self permanent; "
		  "bridge fdb append 00:00:00:00:00:00 dev vx dst 198.51.100.2 self permanent; "
		  "bridge fdb append 00:00:00:00:00:00 dev vx dst 198.51.100.3 vni 9 port 99 self permanent; "
		  "bridge fdb add 02:00:00:00:02:01 dev vx dst 198.51.100.1 self extern_learn; "
		  "bridge fdb add 02:00:00:00:02:01 dev vx master extern_learn", FDB },
		{ "bridge fdb replace 02:00:00:00:02:01 dev vx dst 198.51.100.2 self extern_learn", FDB },
		{ "bridge fdb del 00:00:00:00:00:00 dev vx dst 198.51.100.2 self", FDB },
		{ "ip nexthop add id 5 via 203.0.113.5 fdb; ip nexthop add id 6 group 5 fdb; "
		  "bridge fdb add 02:00:00:00:02:09 dev vx nhid 6 self", FDB },
		{ "bridge mdb add dev br0 port va grp 239.1.2.3 permanent; "
		  "bridge mdb add dev br0 port vc grp ff05::99 permanent; "
		  "bridge mdb add dev br0 port vc grp 239.1.2.3 temp", MIRROR_BIT(MDB) },
		{ "bridge link set dev va mcast_router 2", 0 },
		{ "bridge mdb del dev br0 port va grp 239.1.2.3", MIRROR_BIT(MDB) },
		{ "bridge fdb del 02:00:00:00:01:02 dev va master; bridge fdb flush dev br0 || true", FDB },
		{ "ip link set vc nomaster", LINK },
		{ "ip link set vc master br1; ip link set vc down", LINK },
		{ "ip link del vx", LINK | FDB },
		{ "ip link add mv link vb type macvlan mode bridge; ip tuntap add tt mode tap; "
		  "ip link set mv up", LINK },
		{ "ip link del br0; ip link del br1", LINK | FDB },
	};
	const struct kind_port *port;
	uint32_t ifindex;

	RUN(*state, steps);
	sh("ip link add br0 type bridge; ip link set va master br0; bridge link set dev va isolated on");
	take(*state);
	ifindex = link_find_name(netlink_links(*state), "va")->ifindex;
	port = hash_find(&netlink_mirror(*state)->ports, &ifindex);
	assert_non_null(port);
	assert_true(port->flags & 1 << KIND_PORT_ISOLATED_BIT);
	assert_false(port->flags & 1 << KIND_PORT_LOCKED_BIT);
}

/* What the test's own kernel may lack: tests/vm/mirror_test.sh has it */
static void test_vlans(void **state)
{
	static const struct step steps[] = {
		{ "ip link set va master br0; ip link set vc master br0", LINK | VLAN },
		{ "bridge vlan add dev va vid 10-20; bridge vlan add dev va vid 30 pvid untagged; "
		  "bridge vlan add dev br0 vid 10 self", VLAN },
		{ "bridge vlan add dev va vid 31 pvid untagged", VLAN },
		{ "bridge vlan set dev va vid 10 state blocking || true", 0 },
		{ "bridge vlan del dev va vid 12-14", VLAN },
		{ "bridge fdb add 02:00:00:00:01:01 dev va master static vlan 10", FDB },
		{ "ip link set br0 type bridge vlan_default_pvid 77", LINK | VLAN },
		{ "ip link set va nomaster", LINK | VLAN },
		{ "ip link del br0", LINK | VLAN },
	};

	sh("ip link add va type veth peer name vb; ip link add vc type veth peer name vd; "
	   "for i in va vb vc vd; do ip link set $i up; done");
	if (sh("ip link add br0 up type bridge vlan_filtering 1 2>/dev/null"))
		skip();
	take(*state);
	RUN(*state, steps);
	assert_int_equal(entries(*state, MIRROR_VLAN), 0);
}

static const struct kind *must_find_kind(struct netlink *netlink, const char *name)
{
	const struct link *link = link_find_name(netlink_links(netlink), name);
	const struct kind *kind;

	assert_non_null(link);
	kind = hash_find(&netlink_mirror(netlink)->kinds, &link->ifindex);
	assert_non_null(kind);
	return kind;
}

static void test_kinds(void **state)
{
	static const struct step steps[] = {
		{ "ip link set va master v1; ip link set vc down; ip link set vc master b1", LINK },
		{ "ip addr add 192.0.2.1/24 dev va; ip route add 10.1.0.0/16 table 7 via 192.0.2.2", ROUTE },
		{ "ip link set b1 up; ip link set b1 type bond xmit_hash_policy layer3+4", LINK },
		{ "ip link set va nomaster", LINK },
		{ "ip link del v1; ip link del b1; ip link del w1", LINK },
	};

	sh("ip link add va type veth peer name vb; ip link add vc type veth peer name vd; "
	   "for i in va vb vc vd; do ip link set $i up; done");
	if (sh("ip link add v1 up type vrf table 7 2>/dev/null") ||
	    sh("ip link add b1 type bond mode 802.3ad 2>/dev/null") ||
	    sh("ip link add w1 link va type vlan id 5 protocol 802.1ad 2>/dev/null"))
		skip();
	take(*state);
	assert_int_equal(must_find_kind(*state, "v1")->vrf_table, 7);
	assert_int_equal(must_find_kind(*state, "b1")->bond.mode, 4);
	assert_int_equal(must_find_kind(*state, "w1")->vlan.id, 5);
	assert_int_equal(must_find_kind(*state, "w1")->vlan.protocol, 0x88a8);
	RUN(*state, steps);
}

/* $STORM neighbours, by default 60 000, more than any socket holds: some are lost, the mirror is not wrong, and no turn of the loop is long */
static void test_storm(void **state)
{
	struct netlink *netlink = *state;
	struct netlink_stats stats;
	struct timespec a, b;
	int bytes = 65536, ms, worst = 0;
	const char *storm;
	struct err err = {};
	bool changed;

	assert_int_equal(setsockopt(netlink_fd(netlink), SOL_SOCKET, SO_RCVBUF, &bytes,
				    sizeof(bytes)), 0);
	sh("ip link add va type veth peer name vb; ip link set va up; ip link set vb up; "
	   "ip addr add 10.0.0.1/8 dev va");
	take(netlink);
	storm = getenv("STORM") ?: "60000";
	setenv("STORM", storm, 1);
	sh("for i in $(seq $STORM); do echo neigh add 10.1.$((i / 250)).$((i % 250 + 1)) "
	   "lladdr 02:00:00:00:00:01 dev va; done | ip -batch -");
	do {
		clock_gettime(CLOCK_MONOTONIC, &a);
		netlink_process(netlink, &changed, &err);
		clock_gettime(CLOCK_MONOTONIC, &b);
		ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
		worst = ms > worst ? ms : worst;
		if (netlink_wait_ms(netlink) > 0)
			poll(NULL, 0, netlink_wait_ms(netlink));
	} while (netlink_wait_ms(netlink) >= 0);
	take(netlink);
	netlink_stats(netlink, &stats);
	print_message("# %llu overruns, longest turn %d ms\n", (unsigned long long)stats.overruns,
		      worst);
	assert_true(stats.overruns > 0);
	assert_int_equal(entries(netlink, MIRROR_NEIGH), atoi(storm));
	must_equal_kernel(netlink, "a storm of neighbours");
	sh("ip link set va down");
	take(netlink);
	assert_int_equal(entries(netlink, MIRROR_NEIGH), 0);
	must_equal_kernel(netlink, "their interface is down");
}

/* A difference is found, and mended by a resync */
static void test_difference(void **state)
{
	static const int group = RTNLGRP_IPV4_ROUTE;
	struct netlink *netlink = *state, *fresh;
	struct differences differences = {};
	struct netlink_class_stats stats;
	struct err err = {};

	sh(pairs);
	take(netlink);
	/* deaf: as if the kernel had not told */
	assert_int_equal(setsockopt(netlink_fd(netlink), SOL_NETLINK, NETLINK_DROP_MEMBERSHIP,
				    &group, sizeof(group)), 0);
	sh("ip route add 10.1.0.0/16 via 192.0.2.2; ip route del 192.0.2.0/24");
	take(netlink);
	fresh = open_all();
	differences.ours = netlink_mirror(netlink);
	differences.theirs = netlink_mirror(fresh);
	compare_mirrors(differences.ours, differences.theirs, MIRROR_ALL, count, &differences);
	assert_int_equal(differences.n, 2);
	netlink_free(fresh);
	assert_int_equal(netlink_resync(netlink, &err), 0);
	must_equal_kernel(netlink, "a resync");
	netlink_class_stats(netlink, MIRROR_ROUTE, &stats);
	assert_int_equal(stats.repaired, 2);
}

struct cut {
	struct mirror mirror;
	unsigned int messages, refused;
};

static uint64_t sum_changes(const struct mirror *mirror)
{
	uint64_t sum = 0;

	for (enum mirror_item item = 0; item < MIRROR_ITEM_MAX; item++)
		sum += mirror->changes[item];
	return sum;
}

/* Refused, or what is left of it is whole; if refused, nothing was done */
static void apply_broken(struct cut *cut, struct nlmsghdr *msg)
{
	uint64_t before = sum_changes(&cut->mirror);
	int r = netlink_apply(&cut->mirror, msg);

	assert_true(r == 0 || r == -EBADMSG);
	cut->refused += r < 0;
	if (r < 0)
		assert_int_equal(sum_changes(&cut->mirror), before);
}

/* Each message cut short everywhere, and with each length in it that may be one made longer, and 0 */
static int cut_message(struct nlmsghdr *msg, void *arg)
{
	struct cut *cut = arg;
	uint32_t at, len = msg->nlmsg_len;
	uint8_t *copy;

	cut->messages++;
	for (at = NLMSG_HDRLEN; at < len; at += 2) {
		copy = malloc(at);		/* of its own: so that reading past it is seen */
		assert_non_null(copy);
		memcpy(copy, msg, at);
		((struct nlmsghdr *)copy)->nlmsg_len = at;
		apply_broken(cut, (struct nlmsghdr *)copy);
		free(copy);
	}
	copy = malloc(len);
	assert_non_null(copy);
	for (at = NLMSG_HDRLEN; at + 2 <= len; at += 4) {
		memcpy(copy, msg, len);
		copy[at] += 8;
		apply_broken(cut, (struct nlmsghdr *)copy);
		memset(copy + at, 0, 2);
		apply_broken(cut, (struct nlmsghdr *)copy);
	}
	free(copy);
	return 0;
}

static void cut_dump(struct cut *cut, int type, uint8_t family, size_t len)
{
	struct netlink_sock sock = NETLINK_SOCK_CLOSED;
	uint8_t head[32] = { family };
	struct err err = {};

	if (netlink_sock_open_requests(&sock, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(netlink_sock_send(&sock, netlink_sock_request(type, NLM_F_DUMP, head, len)), 0);
	assert_int_equal(netlink_sock_answer(&sock, cut_message, cut, NULL), 0);
	netlink_sock_close(&sock);
}

static void test_malformed(void **state)
{
	struct cut cut = {};

	sh(pairs);
	sh("ip link add br0 type bridge; ip link set br0 up; ip link set vb master br0; "
	   "bridge mdb add dev br0 port vb grp 239.1.2.3 permanent; "
	   "ip link add vx type vxlan id 7 dstport 4789; "
	   "bridge fdb append 00:00:00:00:00:00 dev vx dst 198.51.100.1 self permanent; "
	   "ip route add 10.2.0.0/16 mtu 1300 nexthop via 192.0.2.2 nexthop via 198.51.100.2; "
	   "ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev va; "
	   "ip nexthop add id 1 via 192.0.2.2 dev va; ip nexthop add id 2 via 198.51.100.2 dev vc; "
	   "ip nexthop add id 10 group 1/2; "
	   "ip nexthop add id 11 group 1/2 type resilient buckets 4 2>/dev/null; "
	   "ip rule add from 10.0.0.0/8 sport 5 iif lo table 77");
	mirror_init(&cut.mirror);
	cut_dump(&cut, RTM_GETLINK, AF_UNSPEC, sizeof(struct ifinfomsg));
	cut_dump(&cut, RTM_GETADDR, AF_UNSPEC, sizeof(struct ifaddrmsg));
	cut_dump(&cut, RTM_GETNETCONF, AF_INET, sizeof(struct netconfmsg));
	cut_dump(&cut, RTM_GETNEIGH, AF_INET, sizeof(struct ndmsg));
	cut_dump(&cut, RTM_GETNEIGH, AF_BRIDGE, sizeof(struct ndmsg));
	cut_dump(&cut, RTM_GETMDB, AF_BRIDGE, sizeof(struct br_port_msg));
	cut_dump(&cut, RTM_GETRULE, AF_INET, sizeof(struct fib_rule_hdr));
	cut_dump(&cut, RTM_GETNEXTHOP, AF_UNSPEC, sizeof(struct nhmsg));
	cut_dump(&cut, RTM_GETNEXTHOPBUCKET, AF_UNSPEC, sizeof(struct nhmsg));
	cut_dump(&cut, RTM_GETROUTE, AF_INET, sizeof(struct rtmsg));
	cut_dump(&cut, RTM_GETROUTE, AF_INET6, sizeof(struct rtmsg));
	print_message("# %u messages, %u of their wrecks refused\n", cut.messages, cut.refused);
	assert_true(cut.messages > 40);
	assert_true(cut.refused > cut.messages);
	mirror_fini(&cut.mirror);
}

static void note(void *arg, const struct mirror *mirror, enum mirror_item item, const void *entry,
		 bool gone)
{
	unsigned int *n = arg;

	n[item] += gone ? -1 : 1;
}

/* A class that nobody wants any more is emptied, and everybody told; wanted again it is whole */
static void test_classes(void **state)
{
	static unsigned int n[MIRROR_ITEM_MAX];
	struct netlink *netlink = *state;
	struct err err = {};

	sh(pairs);
	sh("ip link set lo down");
	take(netlink);
	assert_true(entries(netlink, MIRROR_ROUTE) > 0);
	assert_int_equal(netlink_want(netlink, 0, &err), 0);
	assert_int_equal(entries(netlink, MIRROR_ROUTE), 0);
	assert_true(entries(netlink, MIRROR_ADDR) > 0);
	sh("ip route add 10.1.0.0/16 via 192.0.2.2");
	take(netlink);
	assert_int_equal(entries(netlink, MIRROR_ROUTE), 0);
	netlink_watch(netlink, note, NULL, n);
	assert_int_equal(netlink_want(netlink, MIRROR_ALL, &err), 0);
	take(netlink);
	must_equal_kernel(netlink, "all classes again");
	assert_int_equal(n[MIRROR_ITEM_ROUTE], entries(netlink, MIRROR_ROUTE));
	assert_int_equal(netlink_want(netlink, 0, &err), 0);
	assert_int_equal(n[MIRROR_ITEM_ROUTE], 0);
}

/* An address that the kernel is not sure of is none */
static void test_tentative(void **state)
{
	struct netlink *netlink = *state;
	const struct addr_table *addrs;
	unsigned int i;

	sh("ip link add va type veth peer name vb; "
	   "echo 1 >/proc/sys/net/ipv6/conf/va/accept_dad; "
	   "echo 1000 >/proc/sys/net/ipv6/conf/va/dad_transmits; "
	   "ip link set va up; ip link set vb up; ip addr add 2001:db8::1/64 dev va; "
	   "ip addr add 2001:db8::2/64 dev va nodad");
	for (i = 0; i < 100 && netlink_addrs(netlink)->n < 2; i++) {
		poll(NULL, 0, 50);
		take(netlink);
	}
	netlink_doubt(netlink, MIRROR_BIT(ADDR));
	take(netlink);
	addrs = netlink_addrs(netlink);		/* vb's own, and the one without a doubt */
	assert_int_equal(addrs->n, 2);
	for (i = 0; i < addrs->n; i++)
		assert_int_not_equal(addrs->addr[i].addr.half[1] >> 56, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_routes), TEST(test_silent), TEST(test_nexthops), TEST(test_resilient),
		TEST(test_rules), TEST(test_neighbours), TEST(test_bridge), TEST(test_vlans),
		TEST(test_kinds), TEST(test_storm),
		TEST(test_difference), TEST(test_classes), TEST(test_tentative), TEST(test_malformed),
	};
	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
