// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * mirror.bench.c - how long the kernel's tables take into the mirror, and one change
 *
 * Here 'ns' is of an entry of a dump, 'floor_ns' that of reading the dump and throwing it away: what the
 * kernel takes to write it. 'mirror.change' is the time from an answer of the kernel's that a route is changed to the
 * mirror's callback, with all those routes there, median and least; its p99 goes to stderr, as do bytes an entry.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/msg.h>

#include <kernel/netlink.h>
#include <kernel/netlink_sock.h>

#include "../lib/bench.h"

#define ROUTES		1000000
#define FDB_ENTRIES	100000
#define NEIGHBOURS	10000
#define CHANGES		2000
#define ROUNDS		3

static struct netlink_sock requests = NETLINK_SOCK_CLOSED;
static struct err err;

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, err.text);
	exit(1);
}

static int nothing(struct nlmsghdr *msg, void *arg)
{
	++*(uint64_t *)arg;
	return 0;
}

/* ---- what the kernel is to have ------------------------------------------------------------ */
static void ask(struct nl_msg *msg)
{
	uint64_t n;

	if (netlink_sock_send(&requests, msg) < 0 ||
	    netlink_sock_answer(&requests, nothing, &n, NULL) < 0)
		die("a change of the kernel's tables");
}

/* Many in one datagram: the last one alone is acknowledged */
static void ask_many(void (*make)(struct nl_msg *msg, unsigned int i), int type, unsigned int head,
		     unsigned int n)
{
	static char batch[1 << 16];
	size_t len = 0;
	unsigned int i;

	for (i = 0; i < n; i++) {
		static const char zero[32];
		bool last = i + 1 == n || len > sizeof(batch) - 512;
		struct nl_msg *msg = netlink_sock_request(type, NLM_F_CREATE | (last ? NLM_F_ACK : 0),
							  zero, head);
		uint64_t count;

		make(msg, i);
		nlmsg_hdr(msg)->nlmsg_seq = ++requests.seq;
		memcpy(batch + len, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len);
		len += NLMSG_ALIGN(nlmsg_hdr(msg)->nlmsg_len);
		nlmsg_free(msg);
		if (!last)
			continue;
		if (send(requests.fd, batch, len, 0) < 0 ||
		    netlink_sock_answer(&requests, nothing, &count, NULL) < 0)
			die("changes of the kernel's tables");
		len = 0;
	}
}

static uint32_t ifindex;		/* of va */

static void make_route(struct nl_msg *msg, unsigned int i)
{
	struct rtmsg *head = nlmsg_data(nlmsg_hdr(msg));
	__be32 dst = htonl(0x10000000 + (i << 8)), via = htonl(0x0a000002 + i % 16);

	*head = (struct rtmsg){ .rtm_family = AF_INET, .rtm_dst_len = 24, .rtm_table = RT_TABLE_MAIN,
				.rtm_protocol = RTPROT_BGP, .rtm_type = RTN_UNICAST };
	nla_put(msg, RTA_DST, 4, &dst);
	nla_put(msg, RTA_GATEWAY, 4, &via);
	nla_put_u32(msg, RTA_OIF, ifindex);
}

static void make_neigh(struct nl_msg *msg, unsigned int i)
{
	struct ndmsg *head = nlmsg_data(nlmsg_hdr(msg));
	__be32 dst = htonl(0x0a010000 + i);

	*head = (struct ndmsg){ .ndm_family = AF_INET, .ndm_ifindex = ifindex,
				.ndm_state = NUD_PERMANENT };
	nla_put(msg, NDA_DST, 4, &dst);
	nla_put(msg, NDA_LLADDR, 6, "\2\0\0\0\0\1");
}

static void make_fdb(struct nl_msg *msg, unsigned int i)
{
	struct ndmsg *head = nlmsg_data(nlmsg_hdr(msg));
	uint8_t mac[6] = { 2, 0, i >> 24, i >> 16, i >> 8, i };

	*head = (struct ndmsg){ .ndm_family = AF_BRIDGE, .ndm_ifindex = ifindex,
				.ndm_state = NUD_NOARP, .ndm_flags = NTF_MASTER };
	nla_put(msg, NDA_LLADDR, 6, mac);
}

/* ---- dumps --------------------------------------------------------------------------------- */
static double read_only(int type, int family, unsigned int head_bytes, uint64_t n)
{
	uint8_t head[32] = { family };
	uint64_t count = 0, start = bench_cpu_ns();

	if (netlink_sock_send(&requests, netlink_sock_request(type, NLM_F_DUMP, head, head_bytes)) < 0 ||
	    netlink_sock_answer(&requests, nothing, &count, NULL) < 0)
		die("dump");
	return (double)(bench_cpu_ns() - start) / n;
}

static double load(struct netlink *netlink, uint32_t classes)
{
	uint64_t start;

	if (netlink_want(netlink, 0, &err) < 0 || netlink_want(netlink, classes, &err) < 0)
		die("want");
	start = bench_cpu_ns();
	if (netlink_resync(netlink, &err) < 0)
		die("resync");
	return bench_cpu_ns() - start;
}

static void run_dump(struct netlink *netlink, const char *name, enum mirror_class class, int type,
		     int family, unsigned int head_bytes)
{
	struct bench_times mirror = {}, floor = {};
	uint64_t n;

	for (int i = 0; i < ROUNDS; i++) {
		mirror.ns[i] = load(netlink, 1u << class);
		n = mirror_entries(netlink_mirror(netlink), class);
		mirror.ns[i] /= n;
		floor.ns[i] = read_only(type, family, head_bytes, n);
	}
	mirror.n = floor.n = ROUNDS;
	bench_sort(&mirror);
	bench_sort(&floor);
	bench_print(&(struct bench_line){ name, n, bench_median(&mirror), bench_min(&mirror),
					  bench_median(&floor), 0 });
	fprintf(stderr, "%s: %llu entries, %.2f s, %.1f bytes each\n", name, (unsigned long long)n,
		bench_median(&mirror) * n / 1e9,
		(double)mirror_bytes(netlink_mirror(netlink), class) / n);
}

/* ---- one change ---------------------------------------------------------------------------- */
static uint64_t told_ns;

static void told(void *arg, const struct mirror *mirror, enum mirror_item item, const void *entry,
		 bool gone)
{
	if (item == MIRROR_ITEM_ROUTE && !told_ns)
		told_ns = bench_wall_ns();
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void change(unsigned int i)
{
	struct nl_msg *msg = netlink_sock_request(RTM_NEWROUTE, NLM_F_REPLACE | NLM_F_CREATE | NLM_F_ACK,
						  &(struct rtmsg){}, sizeof(struct rtmsg));

	make_route(msg, i);
	nla_put_u32(msg, RTA_PRIORITY, 5);
	ask(msg);
}

/* Spread over all: those that were there first stay, with another metric */
static void run_change(struct netlink *netlink)
{
	static double ns[CHANGES];
	bool changed;

	netlink_watch(netlink, told, NULL, NULL);
	for (int i = 0; i < CHANGES; i++) {
		struct pollfd poll_fd = { .fd = netlink_fd(netlink), .events = POLLIN };
		uint64_t start;

		told_ns = 0;
		change(i * (ROUTES / CHANGES));
		start = bench_wall_ns();
		poll(&poll_fd, 1, 1000);
		netlink_process(netlink, &changed, &err);
		if (!told_ns)
			die("no change was told");
		ns[i] = told_ns - start;
	}
	qsort(ns, CHANGES, sizeof(ns[0]), compare);
	bench_print(&(struct bench_line){ "mirror.change", CHANGES, ns[CHANGES / 2], ns[0], 0, 0 });
	fprintf(stderr, "mirror.change: median %.1f us, p99 %.1f us, most %.1f us\n",
		ns[CHANGES / 2] / 1e3, ns[CHANGES * 99 / 100] / 1e3, ns[CHANGES - 1] / 1e3);
}

int main(void)
{
	struct netlink *netlink;

	if (!bench_wanted("mirror.route") && !bench_wanted("mirror.change"))
		return 0;
	bench_init();
	if (unshare(CLONE_NEWNET) < 0 ||
	    system("ip link add br0 type bridge; ip link add va type veth peer name vb; "
		   "ip link set va up; ip link set vb up; ip addr add 10.0.0.1/8 dev va"))
		die("network namespace");
	if (netlink_new(&netlink, &err) < 0 || netlink_sock_open_requests(&requests, &err) < 0)
		die("netlink");
	ifindex = if_nametoindex("va");
	ask_many(make_neigh, RTM_NEWNEIGH, sizeof(struct ndmsg), NEIGHBOURS);
	run_dump(netlink, "mirror.neigh", MIRROR_NEIGH, RTM_GETNEIGH, AF_INET, sizeof(struct ndmsg));
	ask_many(make_route, RTM_NEWROUTE, sizeof(struct rtmsg), ROUTES);
	run_dump(netlink, "mirror.route", MIRROR_ROUTE, RTM_GETROUTE, AF_INET, sizeof(struct rtmsg));
	run_change(netlink);
	if (system("ip link set va master br0"))
		die("a bridge");
	ask_many(make_fdb, RTM_NEWNEIGH, sizeof(struct ndmsg), FDB_ENTRIES);
	run_dump(netlink, "mirror.fdb", MIRROR_FDB, RTM_GETNEIGH, AF_BRIDGE, sizeof(struct ndmsg));
	netlink_free(netlink);
	netlink_sock_close(&requests);
	return 0;
}
