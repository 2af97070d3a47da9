/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* lb_cases.h - packets of services and others, and by which edge they leave */
#ifndef TESTS_LB_CASES_H
#define TESTS_LB_CASES_H

#include "lb_world.h"

enum {
	S_NONE = 20,
	S_SORRY,
	S_UNKNOWN,
	S_UNKNOWN_L2,
	S_SMALL,
	S_SMALL6,
	S_BACK,
	S_MSS,
	S_NAT,
	S_EXACT,
	S_RANGE1,
	S_RANGE2,
	S_NET,
	S_NET_TCP,
	S_ANYPORT,
	S_MAX
};

#define V(n) "203.0.113." #n
#define F4(dst_, ...) PKT(ETH(), IP4(.src = CLIENT4, .dst = dst_, .df = true), __VA_ARGS__)
#define F6(dst_, ...) PKT(ETH(), IP6(.src = CLIENT6, .dst = dst_), __VA_ARGS__)
#define U(port) UDP(.sport = 1000, .dport = port), FILL(20)
#define T(port) TCP(.sport = 1000, .dport = port, .flags = PKT_ACK), FILL(20)
#define REASON(r) -1, SHUNT_REASON_##r
#define BY(e) LBRIG_##e, -1

static const struct told {
	const char *name;
	const struct pkt_hdr *in;
	int edge, reason;
	unsigned int service; /* whose counter moved; 0: none's */
} tolds[] = {
	{ "no backend", F4(V(20), U(1)), LBRIG_NO_BACKEND, -1, 0 },
	{ "no backend, sorry", F4(V(21), U(1)), BY(HIT), S_SORRY },
	{ "next hop unknown", F4(V(22), U(1)), BY(KERNEL), S_UNKNOWN },
	{ "next hop unknown, l2", F4(V(23), U(1)), LBRIG_NO_BACKEND, -1, 0 },
	{ "back where it came from", F4(V(26), U(1)), BY(HIT), S_BACK },
	{ "nat", F4(V(28), U(1)), BY(NAT), S_NAT },
	{ "ttl 1", PKT(ETH(), IP4(.src = CLIENT4, .dst = V(1), .ttl = 1), U(1)), REASON(TTL), 1 },
	{ "hop limit 1", PKT(ETH(), IP6(.src = CLIENT6, .dst = "2001:db8:f::1", .hops = 1), U(1)),
	  REASON(TTL), 1 },
	{ "ttl 2", PKT(ETH(), IP4(.src = CLIENT4, .dst = V(1), .ttl = 2), U(1)), BY(HIT), 1 },
	{ "ttl 1, of no service", PKT(ETH(), IP4(.src = CLIENT4, .dst = V(99), .ttl = 1), U(1)),
	  BY(MISS), 0 },
	{ "checksum", PKT(ETH(), IP4(.src = CLIENT4, .dst = V(1), .check = 0x1234), U(1)),
	  REASON(IP4_SUM), 1 },
	{ "checksum, options",
	  PKT(ETH(),
	      IP4(.src = CLIENT4, .dst = V(1), .check = 0x1234, .opts = "\1\1\1\1", .opts_len = 4),
	      U(1)),
	  REASON(IP4_SUM), 1 },
	{ "checksum, of no service",
	  PKT(ETH(), IP4(.src = CLIENT4, .dst = V(99), .check = 1), U(1)), BY(MISS), 0 },
	{ "longer than the frame", PKT(ETH(), IP4(.src = CLIENT4, .dst = V(1), .len = 900), U(1)),
	  REASON(IP4_LEN), 0 },
	{ "udp length lies",
	  PKT(ETH(), IP4(.src = CLIENT4, .dst = V(1)), UDP(.dport = 1, .len = 900), FILL(20)),
	  REASON(UDP_LEN), 0 },
	{ "tcp cut off", PKT(ETH(), IP4(.src = CLIENT4, .dst = V(1), .next = 6), FILL(12)),
	  REASON(TCP_SHORT), 0 },
	{ "exact port", F4(V(29), T(443)), BY(HIT), S_EXACT },
	{ "exact port, another protocol", F4(V(29), U(443)), BY(MISS), 0 },
	{ "exact port, another port", F4(V(29), T(444)), BY(MISS), 0 },
	{ "exact port, ping", F4(V(29), ICMP(.type = 8), FILL(20)), BY(MISS), 0 },
	{ "range, first", F4(V(29), T(8000)), BY(HIT), S_RANGE1 },
	{ "range, last", F4(V(29), T(8099)), BY(HIT), S_RANGE1 },
	{ "range, below", F4(V(29), T(7999)), BY(MISS), 0 },
	{ "range, between", F4(V(29), T(8100)), BY(MISS), 0 },
	{ "second range", F4(V(29), T(9000)), BY(HIT), S_RANGE2 },
	{ "second range, one port", F4(V(29), T(9001)), BY(MISS), 0 },
	{ "any port", F4(V(34), U(7)), BY(HIT), S_ANYPORT },
	{ "any port, another protocol", F4(V(34), T(7)), BY(MISS), 0 },
	{ "prefix", F4("100.64.3.4", U(7)), BY(HIT), S_NET },
	{ "prefix, of a protocol", F4("100.64.3.4", T(7)), BY(HIT), S_NET_TCP },
	{ "prefix, beside", F4("100.65.0.0", T(7)), BY(MISS), 0 },
	{ "prefix 6", F6("2001:db8:ff::9", T(7)), BY(HIT), S_NET },
	{ "prefix 6, beside", F6("2001:db8:fe::9", T(7)), BY(MISS), 0 },
	{ "to a group", F4("224.0.0.1", U(5353)), BY(MISS), 0 },
	{ "no IP", PKT(ETH(.type = 0x0806), FILL(46)), BY(MISS), 0 },
	{ "fits", F4(V(24), UDP(.dport = 1), FILL(1280 - 20 - 20 - 8)), BY(HIT), S_SMALL },
	{ "fits, 6", F6("2001:db8:f::25", UDP(.dport = 1), FILL(1400 - 40 - 40 - 8)), BY(HIT),
	  S_SMALL6 },
	{ "too big", F4(V(24), UDP(.dport = 1), FILL(1280 - 20 - 20 - 7)), BY(ANSWER), S_SMALL },
	{ "too big, 6", F6("2001:db8:f::25", UDP(.dport = 1), FILL(1400 - 40 - 40 - 7)), BY(ANSWER),
	  S_SMALL6 },
	{ "too big, may be fragmented",
	  PKT(ETH(), IP4(.src = CLIENT4, .dst = V(24)), UDP(.dport = 1), FILL(1400)), BY(KERNEL),
	  S_SMALL },
	{ "too big, may be fragmented, around 6",
	  PKT(ETH(), IP4(.src = CLIENT4, .dst = V(25)), UDP(.dport = 1), FILL(1400)), BY(ANSWER),
	  S_SMALL6 },
	{ "too big, from a group",
	  PKT(ETH(), IP4(.src = "224.0.0.9", .dst = V(24), .df = true), UDP(.dport = 1),
	      FILL(1400)),
	  REASON(TOO_BIG), S_SMALL },
	{ "too big, an error", F4(V(24), ICMP(.type = 3, .code = 1), FILL(1400)), REASON(TOO_BIG),
	  S_SMALL },
};

#endif
