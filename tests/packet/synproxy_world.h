/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * synproxy_world.h - conntrack, synproxy and commit, a client and a server
 *
 * TCP to port 81 goes by synproxy, and begins flows of the usual kind. What a packet becomes twice (at
 * TC) is caught on the loopback interface, where test runs are.
 */
#ifndef TESTS_SYNPROXY_WORLD_H
#define TESTS_SYNPROXY_WORLD_H

#include "../lib/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <kernel/flows.h>


#include "../../dataplane/lib/conntrack_state.h"
#include "../lib/pkt.h"
#include "../lib/rig.h"

#define HOOKS		3
#define LO		1
#define CLIENT_PORT	4000
#define SERVER_PORT	80
#define PLAIN_PORT	81
#define ISN		0x89abcdefu	/* of the client */
#define SERVER_ISN	0xffffff00u
#define CLIENT_TS	0x11223344u
#define SERVER_TS	0xfffffff0u
#define N(a)		(sizeof(a) / sizeof((a)[0]))

static const uint32_t hooks[HOOKS] = {
	SHUNT_HOOK_XDP, SHUNT_HOOK_TC_INGRESS, SHUNT_HOOK_TC_EGRESS,
};
static const char *const ends[2][2] = {
	{ "10.1.2.3", "10.0.0.80" }, { "fd00:1::3", "fd00::80" },
};
static struct rig *rigs[HOOKS];
static struct rig_outcome out;
static int lo_fd = -1;

/* A segment, and where it goes */
struct segment {
	struct pkt_tcp tcp;		/* without ports */
	size_t data;			/* bytes behind it */
	int ttl;
	uint8_t tos;
	uint16_t port;			/* of the server; 0: SERVER_PORT */
	bool six, from_server;
	bool turned;			/* what it answers came the other way: MACs exchanged */
	bool extras;			/* IPv4 options or an IPv6 extension header */
	bool tagged;
	bool more;			/* a first fragment */
};

static void segment_build(struct pkt *p, const struct segment *s)
{
	const char *from = ends[s->six][s->from_server], *to = ends[s->six][!s->from_server];
	struct pkt_hdr tcp = { .kind = PKT_TCP, .tcp = s->tcp };

	pkt_init(p);
	if (s->turned)
		pkt_eth(p, .src = "02:00:00:00:00:02", .dst = "02:00:00:00:00:01");
	else
		pkt_eth(p);
	if (s->tagged)
		pkt_vlan(p, .id = 7, .prio = 3);
	if (s->six) {
		pkt_ip6(p, .src = from, .dst = to, .hops = s->ttl, .tc = s->tos);
		if (s->extras)
			pkt_dstopt(p);
		if (s->more)
			pkt_frag(p, .more = true, .next = 6);
	} else {
		pkt_ip4(p, .src = from, .dst = to, .ttl = s->ttl, .tos = s->tos, .df = !s->more,
			.mf = s->more, .opts = s->extras ? "\x94\4\0\0" : NULL,
			.opts_len = s->extras ? 4 : 0);
	}
	tcp.tcp.sport = s->from_server ? s->port ?: SERVER_PORT : CLIENT_PORT;
	tcp.tcp.dport = s->from_server ? CLIENT_PORT : s->port ?: SERVER_PORT;
	pkt_push(p, &tcp);
	if (s->data)
		pkt_fill(p, s->data);
}

static void run_pkt(struct rig *rig, const struct pkt *p)
{
	int r = rig_run(rig, p->data, p->len, &out);

	if (r < 0)
		fail_msg("test run: %s", strerror(-r));
	if (out.fault[0])
		fail_msg("%s", out.fault);
}

static void run_segment(struct rig *rig, const struct segment *s)
{
	struct pkt p;

	segment_build(&p, s);
	if (p.len < 60)
		pkt_pad(&p, 60);
	run_pkt(rig, &p);
}

static void check_left(const char *left)
{
	if (strcmp(out.left, left))
		fail_msg("left by %s (%s), not by %s: %s", out.left, out.reason ?: "-", left, out.way);
}

static void check_frame(const struct segment *want, const void *data, size_t len)
{
	struct pkt p;
	char text[256];

	segment_build(&p, want);
	if (p.len < 60)
		pkt_pad(&p, 60);
	if (pkt_diff(&p, data, len, text, sizeof(text)))
		fail_msg("%s", text);
}

/* What came out, and what the context says of it */
static void check_out(const char *left, const struct segment *want)
{
	check_left(left);
	check_frame(want, out.data, out.len);
	assert_int_equal(out.pkt.len, out.len);
}

static void check_refused(const char *reason)
{
	check_left("p.refused");
	assert_string_equal(out.reason, reason);
}

/* Of the TCP header that came out */
static uint32_t out_word(unsigned int off)
{
	size_t l4 = out.pkt.l3_off + (out.data[out.pkt.l3_off] >> 4 == 4 ? 20 : 40);
	uint32_t word;

	memcpy(&word, out.data + l4 + off, sizeof(word));
	return ntohl(word);
}

static struct rig *world_rig(uint32_t hook, const char *conntrack, const char *config)
{
	char yaml[1024];

	snprintf(yaml, sizeof(yaml), "conntrack: { %s }\n"
		 "nodes:\n  ct: { module: conntrack }\n"
		 "  sort: { module: filter, rules: [ meta l4proto != 6 accept, tcp dport 81 accept,"
		 " tcp sport 81 accept ], default: drop }\n"
		 "  p: { module: synproxy, config: { %s } }\n  keep: { module: commit }\n"
		 "graphs:\n  g:\n    entry: ct\n    edges:\n"
		 "      ct: { next: sort, established: p, related: p, invalid: p }\n"
		 "      sort: { accept: keep, drop: p }\n      p: { next: keep }\n"
		 "      keep: { next: pass }\n", conntrack, config);
	return rig_new(yaml, hook);
}

static unsigned int world_forget(const struct rig *rig)
{
	uint64_t cursor = 0;
	struct flow flow;
	unsigned int n = 0;
	int r;

	while ((r = flows_next(rig->shared.flows, &cursor, 100000, &flow)) >= 0)
		if (r > 0 && flows_remove(rig->shared.flows, &flow) == 0)
			n++;
	assert_int_equal(r, -ENOENT);
	return n;
}

/* The only flow that there is */
static struct flow world_flow(const struct rig *rig)
{
	struct flow flow, other;
	uint64_t cursor = 0;
	unsigned int n = 0;
	int r;

	while ((r = flows_next(rig->shared.flows, &cursor, 100000, &other)) >= 0)
		if (r > 0) {
			flow = other;
			n++;
		}
	assert_int_equal(n, 1);
	return flow;
}

/* ---- what is sent besides ---- */

static void world_lo(void)
{
	struct sockaddr_ll addr = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
				    .sll_ifindex = LO };
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &ifr), 0);
	close(fd);
	lo_fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL));
	assert_true(lo_fd >= 0);
	assert_int_equal(bind(lo_fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
}

/*
 * The next frame that was sent, or came in by way of the interface, which takes a while. Return: its
 * length; 0: none
 */
static size_t world_caught(uint8_t *data, size_t size, bool inwards)
{
	struct pollfd poll_fd = { .fd = lo_fd, .events = POLLIN };
	struct sockaddr_ll from;
	socklen_t len = sizeof(from);
	ssize_t n;

	while (poll(&poll_fd, 1, 2000) > 0) {
		n = recvfrom(lo_fd, data, size, 0, (struct sockaddr *)&from, &len);
		if (n <= 0)
			return 0;
		if (data[12] != 0x08 && data[12] != 0x86 && data[12] != 0x81)
			continue;
		if (inwards || from.sll_pkttype == PACKET_OUTGOING)
			return n;
	}
	return 0;
}

static void world_uncaught(void)
{
	uint8_t data[2048];

	while (recv(lo_fd, data, sizeof(data), 0) > 0)
		;
}

#endif
