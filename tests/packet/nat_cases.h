/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* nat_cases.h - packets of translated flows, as they come and as they go */
#ifndef TESTS_NAT_CASES_H
#define TESTS_NAT_CASES_H

#include "nat_world.h"

#define STEPS		6

struct step {
	const struct pkt_hdr *in, *want;	/* want NULL: dropped */
	const char *left;			/* edge of a drop */
};

struct nat_case {
	const char *name;
	struct step step[STEPS];
};

#define A4	"10.0.0.1"		/* clients */
#define B4	"10.0.0.2"
#define X4	"198.51.100.7"		/* servers */
#define Y4	"198.51.100.8"
#define R4	"192.0.2.254"		/* a router */
#define O4	"203.0.113.1"		/* outside */
#define M4	"203.0.113.77"		/* the interface's */
#define V4	"203.0.113.10"		/* a service's */
#define W4	"10.0.0.80"		/* its server */
#define A6	"fd00::1"
#define X6	"2001:db8:ff::7"
#define R6	"2001:db8::fe"
#define O6	"2001:db8:f::1"
#define M6	"2001:db8:f::77"
#define V6	"2001:db8:f::10"
#define W6	"fd00::80"
#define P4(s, d, ...)	PKT(ETH(), IP4(.src = s, .dst = d), __VA_ARGS__)
#define P6(s, d, ...)	PKT(ETH(), IP6(.src = s, .dst = d), __VA_ARGS__)
#define T4(t, s, d, ...) PKT(ETH(), IP4(.src = s, .dst = d, .tos = t), __VA_ARGS__)
#define T6(t, s, d, ...) PKT(ETH(), IP6(.src = s, .dst = d, .tc = t), __VA_ARGS__)
#define SYN(sp, dp)	TCP(.sport = sp, .dport = dp, .flags = PKT_SYN)
#define SYNACK(sp, dp)	TCP(.sport = sp, .dport = dp, .flags = PKT_SYN | PKT_ACK)
#define ACK(sp, dp)	TCP(.sport = sp, .dport = dp, .flags = PKT_ACK)
#define DGRAM(sp, dp)	UDP(.sport = sp, .dport = dp), RAW("data")
#define BARE(sp, dp)	UDP(.sport = sp, .dport = dp, .check = PKT_ZERO), RAW("data")
#define ECHO(t, i)	ICMP(.type = t, .id = i, .seq = 9), RAW("ping")
#define ECHO6(t, i)	ICMP6(.type = t, .id = i, .seq = 9), RAW("ping")
#define INIT(sp, dp)	SCTP(.sport = sp, .dport = dp), RAW("\1\0\0\4")
#define INITACK(sp, dp)	SCTP(.sport = sp, .dport = dp), RAW("\2\0\0\4")
#define UNREACH(packet)	ICMP(.type = 3, .code = 3), L3(packet)
#define TIMEX(packet)	ICMP(.type = 11), L3(packet)
#define UNREACH6(packet) ICMP6(.type = 1, .code = 4), L3(packet)
#define BIG6(packet)	ICMP6(.type = 2), L3(packet)
#define S(snat)		TAG(0, SNAT_##snat)
#define D(dnat)		TAG(DNAT_##dnat, 0)
#define DS(dnat, snat)	TAG(DNAT_##dnat, SNAT_##snat)
#define S1	S(ONE)
#define S6	S(ONE6)
#define D1	D(ONE)
#define D6	D(ONE6)
#define NPT	"fd01:203:405:1::1234"		/* RFC 6296 2.4: the example */
#define NPT_	"2001:db8:1:d550::1234"
#define NPT56	"fd01:203:405:6701:1:2:3:4"

static const struct nat_case cases[] = {
	{ "plain: a flow without translation", {
		{ P4(A4, X4, SYN(4000, 80)), P4(A4, X4, SYN(4000, 80)), 0 },
		{ P4(X4, A4, SYNACK(80, 4000)), P4(X4, A4, SYNACK(80, 4000)), 0 } } },
	{ "plain: IPv6", {
		{ P6(A6, X6, DGRAM(4000, 53)), P6(A6, X6, DGRAM(4000, 53)), 0 },
		{ P6(X6, A6, DGRAM(53, 4000)), P6(X6, A6, DGRAM(53, 4000)), 0 } } },
	{ "snat: TCP", {
		{ T4(S1, A4, X4, SYN(4000, 80)), T4(S1, O4, X4, SYN(4000, 80)), 0 },
		{ P4(X4, O4, SYNACK(80, 4000)), P4(X4, A4, SYNACK(80, 4000)), 0 },
		{ P4(A4, X4, ACK(4000, 80)), P4(O4, X4, ACK(4000, 80)), 0 } } },
	{ "snat: the first packet again", {
		{ T4(S1, A4, X4, SYN(4000, 80)), T4(S1, O4, X4, SYN(4000, 80)), 0 },
		{ T4(S1, A4, X4, SYN(4000, 80)), T4(S1, O4, X4, SYN(4000, 80)), 0 },
		{ P4(A4, X4, SYN(4000, 80)), P4(O4, X4, SYN(4000, 80)), 0 } } },
	{ "snat: UDP", {
		{ T4(S1, A4, X4, DGRAM(4000, 53)), T4(S1, O4, X4, DGRAM(4000, 53)), 0 },
		{ P4(X4, O4, DGRAM(53, 4000)), P4(X4, A4, DGRAM(53, 4000)), 0 } } },
	{ "snat: UDP without checksum", {
		{ T4(S1, A4, X4, BARE(4000, 53)), T4(S1, O4, X4, BARE(4000, 53)), 0 },
		{ P4(X4, O4, BARE(53, 4000)), P4(X4, A4, BARE(53, 4000)), 0 } } },
	{ "snat: ping", {
		{ T4(S1, A4, X4, ECHO(8, 77)), T4(S1, O4, X4, ECHO(8, 77)), 0 },
		{ P4(X4, O4, ECHO(0, 77)), P4(X4, A4, ECHO(0, 77)), 0 } } },
	{ "snat: SCTP", {
		{ T4(S1, A4, X4, INIT(4000, 80)), T4(S1, O4, X4, INIT(4000, 80)), 0 },
		{ P4(X4, O4, INITACK(80, 4000)), P4(X4, A4, INITACK(80, 4000)), 0 } } },
	{ "snat: GRE", {
		{ PKT(ETH(), IP4(.src = A4, .dst = X4, .tos = S1, .next = 47), FILL(20)),
		  PKT(ETH(), IP4(.src = O4, .dst = X4, .tos = S1, .next = 47), FILL(20)), 0 },
		{ PKT(ETH(), IP4(.src = X4, .dst = O4, .next = 47), FILL(20)),
		  PKT(ETH(), IP4(.src = X4, .dst = A4, .next = 47), FILL(20)), 0 } } },
	{ "snat: a second GRE of one source finds nothing free", {
		{ PKT(ETH(), IP4(.src = A4, .dst = X4, .tos = S1, .next = 47), FILL(20)),
		  PKT(ETH(), IP4(.src = O4, .dst = X4, .tos = S1, .next = 47), FILL(20)), 0 },
		{ PKT(ETH(), IP4(.src = B4, .dst = X4, .tos = S1, .next = 47), FILL(20)), NULL,
		  "n.exhausted" } } },
	{ "snat: a second SCTP of one port finds nothing free", {
		{ T4(S1, A4, X4, INIT(4000, 80)), T4(S1, O4, X4, INIT(4000, 80)), 0 },
		{ T4(S1, B4, X4, INIT(4000, 80)), NULL, "n.exhausted" },
		{ T4(S1, B4, X4, INIT(4001, 80)), T4(S1, O4, X4, INIT(4001, 80)), 0 } } },
	{ "snat: ports that are in no class stay, too", {
		{ T4(S1, A4, X4, DGRAM(550, 53)), T4(S1, O4, X4, DGRAM(550, 53)), 0 },
		{ T4(S1, A4, X4, DGRAM(0, 53)), T4(S1, O4, X4, DGRAM(0, 53)), 0 } } },
	{ "dnat: a source port that is in no class stays", {
		{ T4(D1, X4, V4, SYN(550, 80)), T4(D1, X4, W4, SYN(550, 80)), 0 } } },
	{ "snat: a routing header within the flow", {
		{ T6(S6, A6, X6, DGRAM(4000, 53)), T6(S6, O6, X6, DGRAM(4000, 53)), 0 },
		{ PKT(ETH(), IP6(.src = A6, .dst = X6), ROUTING(.type = 4, .addr = { X6 }),
		      DGRAM(4000, 53)), NULL, "n.refused" },
		{ P6(A6, X6, DGRAM(4000, 53)), P6(O6, X6, DGRAM(4000, 53)), 0 } } },
	{ "snat: one port to two targets", {
		{ T4(S1, A4, X4, SYN(4000, 80)), T4(S1, O4, X4, SYN(4000, 80)), 0 },
		{ T4(S1, B4, Y4, SYN(4000, 80)), T4(S1, O4, Y4, SYN(4000, 80)), 0 },
		{ P4(Y4, O4, SYNACK(80, 4000)), P4(Y4, B4, SYNACK(80, 4000)), 0 },
		{ P4(X4, O4, SYNACK(80, 4000)), P4(X4, A4, SYNACK(80, 4000)), 0 } } },
	{ "snat: to the address that it has", {
		{ T4(S1, O4, X4, SYN(4000, 80)), T4(S1, O4, X4, SYN(4000, 80)), 0 },
		{ P4(X4, O4, SYNACK(80, 4000)), P4(X4, O4, SYNACK(80, 4000)), 0 } } },
	{ "snat: options and tags", {
		{ PKT(ETH(), VLAN(.id = 7), IP4(.src = A4, .dst = X4, .tos = S1, .opts = "\1\1\1\1",
		    .opts_len = 4),
		      SYN(4000, 80)),
		  PKT(ETH(), VLAN(.id = 7), IP4(.src = O4, .dst = X4, .tos = S1, .opts = "\1\1\1\1",
		      .opts_len = 4),
		      SYN(4000, 80)), 0 } } },
	{ "snat: a port in the range stays", {
		{ T4(S(PORTS), A4, X4, SYN(2002, 80)),
		  T4(S(PORTS), O4, X4, SYN(2002, 80)), 0 } } },
	{ "snat: nobody asked from outside", {
		{ T4(S1, A4, X4, SYN(4000, 80)), T4(S1, O4, X4, SYN(4000, 80)), 0 },
		{ P4(Y4, O4, SYNACK(80, 4000)), NULL, "ct.invalid" } } },
	{ "masquerade: IPv4", {
		{ T4(S(OWN), A4, X4, SYN(4000, 80)), T4(S(OWN), M4, X4, SYN(4000, 80)), 0 },
		{ P4(X4, M4, SYNACK(80, 4000)), P4(X4, A4, SYNACK(80, 4000)), 0 } } },
	{ "masquerade: IPv6", {
		{ T6(S(OWN), A6, X6, SYN(4000, 80)), T6(S(OWN), M6, X6, SYN(4000, 80)), 0 },
		{ P6(X6, M6, SYNACK(80, 4000)), P6(X6, A6, SYNACK(80, 4000)), 0 } } },
	{ "masquerade: ports", {
		{ T4(S(OWN_PORTS), A4, X4, DGRAM(60001, 53)),
		  T4(S(OWN_PORTS), M4, X4, DGRAM(60001, 53)), 0 },
		{ P4(X4, M4, DGRAM(53, 60001)), P4(X4, A4, DGRAM(53, 60001)), 0 } } },
	{ "prefix: the host part stays", {
		{ T4(S(NET), A4, X4, SYN(4000, 80)),
		  T4(S(NET), "198.18.16.1", X4, SYN(4000, 80)), 0 },
		{ P4(X4, "198.18.16.1", SYNACK(80, 4000)), P4(X4, A4, SYNACK(80, 4000)), 0 } } },
	{ "prefix: /20 takes four bits of the third byte", {
		{ T4(S(NET), "10.7.237.9", X4, DGRAM(4000, 80)),
		  T4(S(NET), "198.18.29.9", X4, DGRAM(4000, 80)), 0 } } },
	{ "prefix: of the target", {
		{ T4(D(NET), X4, "203.0.113.200", SYN(4000, 80)),
		  T4(D(NET), X4, "10.0.7.200", SYN(4000, 80)), 0 },
		{ P4("10.0.7.200", X4, SYNACK(80, 4000)),
		  P4("203.0.113.200", X4, SYNACK(80, 4000)), 0 } } },
	{ "dnat: TCP", {
		{ T4(D1, X4, V4, SYN(4000, 80)), T4(D1, X4, W4, SYN(4000, 80)), 0 },
		{ P4(W4, X4, SYNACK(80, 4000)), P4(V4, X4, SYNACK(80, 4000)), 0 },
		{ P4(X4, V4, ACK(4000, 80)), P4(X4, W4, ACK(4000, 80)), 0 } } },
	{ "dnat: another port", {
		{ T4(D(PORT), X4, V4, SYN(4000, 80)), T4(D(PORT), X4, W4, SYN(4000, 8080)), 0 },
		{ P4(W4, X4, SYNACK(8080, 4000)), P4(V4, X4, SYNACK(80, 4000)), 0 },
		{ P4(X4, V4, ACK(4000, 80)), P4(X4, W4, ACK(4000, 8080)), 0 } } },
	{ "dnat: UDP", {
		{ T4(D(PORT), X4, V4, DGRAM(4000, 80)), T4(D(PORT), X4, W4, DGRAM(4000, 8080)), 0 },
		{ P4(W4, X4, DGRAM(8080, 4000)), P4(V4, X4, DGRAM(80, 4000)), 0 } } },
	{ "dnat: a port of the forwarded range stays", {
		{ T4(D(PORTS), X4, V4, SYN(4000, 8003)), T4(D(PORTS), X4, W4, SYN(4000, 8003)), 0 },
		{ P4(W4, X4, SYNACK(8003, 4000)), P4(V4, X4, SYNACK(8003, 4000)), 0 } } },
	{ "dnat: ping", {
		{ T4(D(PORT), X4, V4, ECHO(8, 5)), T4(D(PORT), X4, W4, ECHO(8, 5)), 0 },
		{ P4(W4, X4, ECHO(0, 5)), P4(V4, X4, ECHO(0, 5)), 0 } } },
	{ "dnat: SCTP keeps its port", {
		{ T4(D(PORT), X4, V4, INIT(4000, 80)), T4(D(PORT), X4, W4, INIT(4000, 80)), 0 },
		{ P4(W4, X4, INITACK(80, 4000)), P4(V4, X4, INITACK(80, 4000)), 0 } } },
	{ "dnat: IPv6", {
		{ T6(D6, X6, V6, SYN(4000, 80)), T6(D6, X6, W6, SYN(4000, 80)), 0 },
		{ P6(W6, X6, SYNACK(80, 4000)), P6(V6, X6, SYNACK(80, 4000)), 0 } } },
	{ "dnat: IPv6, another port", {
		{ T6(D(PORT6), X6, V6, DGRAM(4000, 80)),
		  T6(D(PORT6), X6, W6, DGRAM(4000, 8080)), 0 },
		{ P6(W6, X6, DGRAM(8080, 4000)), P6(V6, X6, DGRAM(80, 4000)), 0 } } },
	{ "dnat: IPv6 behind extension headers", {
		{ T6(D6, X6, V6, HBH(), DSTOPT(), SYN(4000, 80)),
		  T6(D6, X6, W6, HBH(), DSTOPT(), SYN(4000, 80)), 0 },
		{ P6(W6, X6, SYNACK(80, 4000)), P6(V6, X6, SYNACK(80, 4000)), 0 } } },
	{ "dnat: a routing header is not to be translated", {
		{ T6(D6, X6, V6, ROUTING(.type = 4), SYN(4000, 80)), NULL, "n.refused" } } },
	{ "hairpin: inside client, outside address, inside server", {
		{ T4(DS(ONE, ONE), A4, V4, SYN(4000, 80)),
		  T4(DS(ONE, ONE), O4, W4, SYN(4000, 80)), 0 },
		{ P4(W4, O4, SYNACK(80, 4000)), P4(V4, A4, SYNACK(80, 4000)), 0 },
		{ P4(A4, V4, ACK(4000, 80)), P4(O4, W4, ACK(4000, 80)), 0 } } },
	{ "hairpin: with a port, masqueraded", {
		{ T4(DS(PORT, OWN), A4, V4, DGRAM(4000, 80)),
		  T4(DS(PORT, OWN), M4, W4, DGRAM(4000, 8080)), 0 },
		{ P4(W4, M4, DGRAM(8080, 4000)), P4(V4, A4, DGRAM(80, 4000)), 0 } } },
	{ "hairpin: ping", {
		{ T4(DS(ONE, ONE), A4, V4, ECHO(8, 5)), T4(DS(ONE, ONE), O4, W4, ECHO(8, 5)), 0 },
		{ P4(W4, O4, ECHO(0, 5)), P4(V4, A4, ECHO(0, 5)), 0 } } },
	{ "snat: IPv6 TCP", {
		{ T6(S6, A6, X6, SYN(4000, 80)), T6(S6, O6, X6, SYN(4000, 80)), 0 },
		{ P6(X6, O6, SYNACK(80, 4000)), P6(X6, A6, SYNACK(80, 4000)), 0 },
		{ P6(A6, X6, ACK(4000, 80)), P6(O6, X6, ACK(4000, 80)), 0 } } },
	{ "snat: IPv6 UDP", {
		{ T6(S6, A6, X6, DGRAM(4000, 53)), T6(S6, O6, X6, DGRAM(4000, 53)), 0 },
		{ P6(X6, O6, DGRAM(53, 4000)), P6(X6, A6, DGRAM(53, 4000)), 0 } } },
	{ "snat: IPv6 ping", {
		{ T6(S6, A6, X6, ECHO6(128, 77)), T6(S6, O6, X6, ECHO6(128, 77)), 0 },
		{ P6(X6, O6, ECHO6(129, 77)), P6(X6, A6, ECHO6(129, 77)), 0 } } },
	{ "snat: IPv6 SCTP", {
		{ T6(S6, A6, X6, INIT(4000, 80)), T6(S6, O6, X6, INIT(4000, 80)), 0 },
		{ P6(X6, O6, INITACK(80, 4000)), P6(X6, A6, INITACK(80, 4000)), 0 } } },
	{ "nptv6: the example of RFC 6296", {
		{ T6(S(NPT), NPT, X6, SYN(4000, 80)), T6(S(NPT), NPT_, X6, SYN(4000, 80)), 0 },
		{ P6(X6, NPT_, SYNACK(80, 4000)), P6(X6, NPT, SYNACK(80, 4000)), 0 } } },
	{ "nptv6: inwards", {
		{ T6(D(NPT), X6, NPT_, SYN(4000, 80)), T6(D(NPT), X6, NPT, SYN(4000, 80)), 0 },
		{ P6(NPT, X6, SYNACK(80, 4000)), P6(NPT_, X6, SYNACK(80, 4000)), 0 } } },
	{ "nptv6: what is no prefix of ours, ICMP", {
		{ T6(S(NPT), NPT, X6, ECHO6(128, 4)), T6(S(NPT), NPT_, X6, ECHO6(128, 4)), 0 },
		{ P6(X6, NPT_, ECHO6(129, 4)), P6(X6, NPT, ECHO6(129, 4)), 0 } } },
	{ "nptv6: subnet ffff has no counterpart", {
		{ T6(S(NPT), "fd01:203:405:ffff::1", X6, SYN(4000, 80)), NULL, "n.exhausted" } } },
	{ "nptv6: /56 changes the first word of the host", {
		{ T6(S(NPT56), NPT56, X6, SYN(4000, 80)),
		  T6(S(NPT56), "2001:db8:1:ff01:3d50:2:3:4", X6, SYN(4000, 80)), 0 },
		{ P6(X6, "2001:db8:1:ff01:3d50:2:3:4", SYNACK(80, 4000)),
		  P6(X6, NPT56, SYNACK(80, 4000)), 0 } } },
	{ "nptv6: /56, and back by rule", {
		{ T6(D(NPT56), X6, "2001:db8:1:ff01:3d50:2:3:4", SYN(4000, 80)),
		  T6(D(NPT56), X6, NPT56, SYN(4000, 80)), 0 } } },
	{ "nptv6: /56, a word that is ffff stays", {
		{ T6(S(NPT56), "fd01:203:405:6701:ffff:2:3:4", X6, SYN(4000, 80)),
		  T6(S(NPT56), "2001:db8:1:ff01:ffff:3d51:3:4", X6, SYN(4000, 80)), 0 } } },
	{ "nptv6: /56, a host of zeroes is none", {
		{ T6(S(NPT56), "fd01:203:405:6701::", X6, SYN(4000, 80)), NULL, "n.exhausted" } } },
	{ "error: port unreachable by the target, snat", {
		{ T4(S1, A4, X4, DGRAM(4000, 53)), T4(S1, O4, X4, DGRAM(4000, 53)), 0 },
		{ P4(X4, O4, UNREACH(P4(O4, X4, DGRAM(4000, 53)))),
		  P4(X4, A4, UNREACH(P4(A4, X4, DGRAM(4000, 53)))), 0 } } },
	{ "error: time exceeded by a router, snat", {
		{ T4(S1, A4, X4, SYN(4000, 80)), T4(S1, O4, X4, SYN(4000, 80)), 0 },
		{ P4(R4, O4, TIMEX(P4(O4, X4, SYN(4000, 80)))),
		  P4(R4, A4, TIMEX(P4(A4, X4, SYN(4000, 80)))), 0 } } },
	{ "error: about a ping, snat", {
		{ T4(S1, A4, X4, ECHO(8, 77)), T4(S1, O4, X4, ECHO(8, 77)), 0 },
		{ P4(R4, O4, TIMEX(P4(O4, X4, ECHO(8, 77)))),
		  P4(R4, A4, TIMEX(P4(A4, X4, ECHO(8, 77)))), 0 } } },
	{ "error: about UDP without checksum", {
		{ T4(S1, A4, X4, BARE(4000, 53)), T4(S1, O4, X4, BARE(4000, 53)), 0 },
		{ P4(R4, O4, TIMEX(P4(O4, X4, BARE(4000, 53)))),
		  P4(R4, A4, TIMEX(P4(A4, X4, BARE(4000, 53)))), 0 } } },
	{ "error: about SCTP", {
		{ T4(S1, A4, X4, INIT(4000, 80)), T4(S1, O4, X4, INIT(4000, 80)), 0 },
		{ P4(R4, O4, TIMEX(P4(O4, X4, INIT(4000, 80)))),
		  P4(R4, A4, TIMEX(P4(A4, X4, INIT(4000, 80)))), 0 } } },
	{ "error: about a reply, from inside, snat", {
		{ T4(S1, A4, X4, DGRAM(4000, 53)), T4(S1, O4, X4, DGRAM(4000, 53)), 0 },
		{ P4(X4, O4, DGRAM(53, 4000)), P4(X4, A4, DGRAM(53, 4000)), 0 },
		{ P4(A4, X4, UNREACH(P4(X4, A4, DGRAM(53, 4000)))),
		  P4(O4, X4, UNREACH(P4(X4, O4, DGRAM(53, 4000)))), 0 } } },
	{ "error: about a reply, by an inside router, snat", {
		{ T4(S1, A4, X4, DGRAM(4000, 53)), T4(S1, O4, X4, DGRAM(4000, 53)), 0 },
		{ P4("10.0.0.254", X4, UNREACH(P4(X4, A4, DGRAM(53, 4000)))),
		  P4(O4, X4, UNREACH(P4(X4, O4, DGRAM(53, 4000)))), 0 } } },
	{ "error: by the server, dnat", {
		{ T4(D(PORT), X4, V4, DGRAM(4000, 80)), T4(D(PORT), X4, W4, DGRAM(4000, 8080)), 0 },
		{ P4(W4, X4, UNREACH(P4(X4, W4, DGRAM(4000, 8080)))),
		  P4(V4, X4, UNREACH(P4(X4, V4, DGRAM(4000, 80)))), 0 } } },
	{ "error: by a router in front of the server, dnat", {
		{ T4(D1, X4, V4, SYN(4000, 80)), T4(D1, X4, W4, SYN(4000, 80)), 0 },
		{ P4("10.0.0.254", X4, UNREACH(P4(X4, W4, SYN(4000, 80)))),
		  P4(V4, X4, UNREACH(P4(X4, V4, SYN(4000, 80)))), 0 } } },
	{ "error: about what a dnat server sent", {
		{ T4(D1, X4, V4, SYN(4000, 80)), T4(D1, X4, W4, SYN(4000, 80)), 0 },
		{ P4(W4, X4, SYNACK(80, 4000)), P4(V4, X4, SYNACK(80, 4000)), 0 },
		{ P4(R4, V4, TIMEX(P4(V4, X4, SYNACK(80, 4000)))),
		  P4(R4, W4, TIMEX(P4(W4, X4, SYNACK(80, 4000)))), 0 } } },
	{ "error: hairpin", {
		{ T4(DS(ONE, ONE), A4, V4, DGRAM(4000, 80)),
		  T4(DS(ONE, ONE), O4, W4, DGRAM(4000, 80)), 0 },
		{ P4(W4, O4, UNREACH(P4(O4, W4, DGRAM(4000, 80)))),
		  P4(V4, A4, UNREACH(P4(A4, V4, DGRAM(4000, 80)))), 0 } } },
	{ "error: IPv6, by the target, snat", {
		{ T6(S6, A6, X6, DGRAM(4000, 53)), T6(S6, O6, X6, DGRAM(4000, 53)), 0 },
		{ P6(X6, O6, UNREACH6(P6(O6, X6, DGRAM(4000, 53)))),
		  P6(X6, A6, UNREACH6(P6(A6, X6, DGRAM(4000, 53)))), 0 } } },
	{ "error: IPv6, packet too big, snat", {
		{ T6(S6, A6, X6, SYN(4000, 80)), T6(S6, O6, X6, SYN(4000, 80)), 0 },
		{ P6(R6, O6, BIG6(P6(O6, X6, SYN(4000, 80)))),
		  P6(R6, A6, BIG6(P6(A6, X6, SYN(4000, 80)))), 0 } } },
	{ "error: IPv6, about a ping, snat", {
		{ T6(S6, A6, X6, ECHO6(128, 7)), T6(S6, O6, X6, ECHO6(128, 7)), 0 },
		{ P6(R6, O6, BIG6(P6(O6, X6, ECHO6(128, 7)))),
		  P6(R6, A6, BIG6(P6(A6, X6, ECHO6(128, 7)))), 0 } } },
	{ "error: IPv6, by a router in front of the server, dnat", {
		{ T6(D(PORT6), X6, V6, DGRAM(4000, 80)),
		  T6(D(PORT6), X6, W6, DGRAM(4000, 8080)), 0 },
		{ P6("fd00::fe", X6, UNREACH6(P6(X6, W6, DGRAM(4000, 8080)))),
		  P6(V6, X6, UNREACH6(P6(X6, V6, DGRAM(4000, 80)))), 0 } } },
	{ "error: nptv6", {
		{ T6(S(NPT), NPT, X6, SYN(4000, 80)), T6(S(NPT), NPT_, X6, SYN(4000, 80)), 0 },
		{ P6(R6, NPT_, BIG6(P6(NPT_, X6, SYN(4000, 80)))),
		  P6(R6, NPT, BIG6(P6(NPT, X6, SYN(4000, 80)))), 0 } } },
	{ "error: about nothing that we know", {
		{ P4(R4, O4, TIMEX(P4(O4, X4, SYN(4000, 80)))), NULL, "ct.invalid" } } },
	{ "fragments: UDP", {
		{ PKT(ETH(), IP4(.src = A4, .dst = X4, .tos = S(ONE), .id = 5, .mf = true),
		      UDP(.sport = 4000, .dport = 53, .len = 2008, .check = 0x1234), FILL(1472)),
		  PKT(ETH(), IP4(.src = O4, .dst = X4, .tos = S(ONE), .id = 5, .mf = true),
		      UDP(.sport = 4000, .dport = 53, .len = 2008, .check = 0xe032),
		      FILL(1472)), 0 },
		{ PKT(ETH(), IP4(.src = A4, .dst = X4, .id = 5, .frag_off = 1480, .next = 17),
		    FILL(528)),
		  
		  PKT(ETH(), IP4(.src = O4, .dst = X4, .id = 5, .frag_off = 1480, .next = 17),
		      FILL(528)),
		  0 },
		{ PKT(ETH(), IP4(.src = X4, .dst = O4, .id = 6, .mf = true),
		      UDP(.sport = 53, .dport = 4000, .len = 2008, .check = 0xe032), FILL(1472)),
		  PKT(ETH(), IP4(.src = X4, .dst = A4, .id = 6, .mf = true),
		      UDP(.sport = 53, .dport = 4000, .len = 2008, .check = 0x1234),
		      FILL(1472)), 0 },
		{ PKT(ETH(), IP4(.src = X4, .dst = O4, .id = 6, .frag_off = 1480, .next = 17),
		    FILL(528)),
		  
		  PKT(ETH(), IP4(.src = X4, .dst = A4, .id = 6, .frag_off = 1480, .next = 17),
		      FILL(528)),
		  0 } } },
	{ "fragments: IPv6, dnat with a port", {
		{ T6(D(PORT6), X6, V6, FRAG(.id = 9, .more = true),
		     UDP(.sport = 4000, .dport = 80, .len = 2008, .check = 0x1234), FILL(1400)),
		  T6(D(PORT6), X6, W6, FRAG(.id = 9, .more = true),
		     UDP(.sport = 4000, .dport = 8080, .len = 2008, .check = 0x234b),
		     FILL(1400)), 0 },
		{ P6(X6, V6, FRAG(.id = 9, .off = 1408, .next = 17), FILL(600)),
		  P6(X6, W6, FRAG(.id = 9, .off = 1408, .next = 17), FILL(600)), 0 } } },
	{ "no translation of that number", {
		{ T4(S(NONE), A4, X4, SYN(4000, 80)), NULL, "n.refused" },
		{ T4(D(GONE), A4, X4, SYN(4000, 80)), NULL, "n.refused" } } },
	{ "a translation of the other family", {
		{ T4(S(ONE6), A4, X4, SYN(4000, 80)), NULL, "n.refused" },
		{ T6(S(ONE), A6, X6, SYN(4000, 80)), NULL, "n.refused" } } },
	{ "not IP", {
		{ PKT(ETH(.type = 0x88cc), FILL(46)), PKT(ETH(.type = 0x88cc), FILL(46)), 0 } } },
};

#endif
