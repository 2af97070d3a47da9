/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* filter_cases.h - rules, a packet, and the edge that it must leave by */
#ifndef TESTS_FILTER_CASES_H
#define TESTS_FILTER_CASES_H

#include "../lib/pkt.h"

struct filter_case {
	const char *name;
	const char *rules;	/* a line each */
	const struct pkt_hdr *in;
	const char *edge;
	unsigned int rule;	/* number from 1 of the rule that counts it; 0: none */
	const char *fallback;	/* NULL: not given */
	const char *config;	/* NULL: none */
};

#define A4	"10.1.2.3"
#define B4	"192.0.2.9"
#define A6	"2001:db8::1"
#define B6	"fd00:1::2"
#define T(s, d)		TCP4(A4, B4, s, d, PKT_SYN)
#define TF(flags_)	TCP4(A4, B4, 1000, 80, flags_)
#define U(s, d)		UDP4(A4, B4, s, d)
#define T6(s, d)	TCP6(A6, B6, s, d, PKT_SYN)
#define FROM(s)		UDP4(s, B4, 1000, 53)
#define TO(d)		UDP4(A4, d, 1000, 53)
#define FROM6(s)	UDP6(s, B6, 1000, 53)
#define TO6(d)		UDP6(A6, d, 1000, 53)
#define ICMP4(t, c)	PKT(ETH(), IP4(), ICMP(.type = (t), .code = (c)))
#define ICMPV6(t, c)	PKT(ETH(), IP6(), ICMP6(.type = (t), .code = (c)))
#define FIRST4		PKT(ETH(), IP4(.mf = true), UDP(.sport = 1000, .dport = 53, .len = 90), \
			    FILL(16))
#define LATER4(p)	PKT(ETH(), IP4(.frag_off = 800, .next = (p)), FILL(16))
#define FIRST6		PKT(ETH(), IP6(), FRAG(.more = true), \
			    UDP(.sport = 1000, .dport = 53, .len = 90), FILL(16))
#define LATER6(p)	PKT(ETH(), IP6(), FRAG(.off = 800, .next = (p)), FILL(16))
#define PROTO4(p)	PKT(ETH(), IP4(.next = (p)), FILL(32))
#define PROTO6(p)	PKT(ETH(), IP6(.next = (p)), FILL(32))
#define OTHER		PKT(ETH(.type = 0x88b5), FILL(46))
#define ARP		PKT(ETH(.type = 0x0806), FILL(46))

#define HIT(edge_, rule_)	.edge = (edge_), .rule = (rule_)
#define DROPPED			HIT("drop", 1)
#define MISSED			HIT("accept", 0)

static const struct filter_case filter_cases[] = {
	/* ---- defaults ---- */
	{ "no rules: accept", "", T(1, 2), MISSED },
	{ "no rules, default drop", "", T(1, 2), HIT("drop", 0), .fallback = "drop" },
	{ "no rules, default drop, IPv6", "", T6(1, 2), HIT("drop", 0), .fallback = "drop" },
	{ "default edge of the graph", "tcp dport 1 drop", T(1, 2), HIT("odd", 0),
	  .fallback = "odd" },
	{ "no IP: the default", "meta l4proto tcp drop", OTHER, HIT("odd", 0), .fallback = "odd" },
	{ "no IP: no rule on a family", "meta nfproto ipv4 drop\nmeta nfproto ipv6 drop", OTHER,
	  MISSED },
	{ "no IP: no rule on fragments", "frag none drop", OTHER, MISSED },
	{ "no IP: a rule without matches", "tcp dport 1 accept\ndrop", OTHER, HIT("drop", 2) },
	{ "ARP passes whatever the rules say", "drop", ARP, MISSED, .fallback = "drop" },
	{ "ARP as any other, if so configured", "drop", ARP, DROPPED, .config = "pass_arp: 0" },
	{ "rule without matches, IPv4", "drop", T(1, 2), DROPPED },
	{ "rule without matches, IPv6", "drop", T6(1, 2), DROPPED },

	/* ---- IPv4 addresses ---- */
	{ "saddr: the one", "ip saddr 10.1.2.3 drop", FROM(A4), DROPPED },
	{ "saddr: one above", "ip saddr 10.1.2.3 drop", FROM("10.1.2.4"), MISSED },
	{ "saddr: one below", "ip saddr 10.1.2.3 drop", FROM("10.1.2.2"), MISSED },
	{ "saddr is not daddr", "ip saddr 192.0.2.9 drop", FROM(A4), MISSED },
	{ "daddr: the one", "ip daddr 192.0.2.9 drop", TO(B4), DROPPED },
	{ "prefix /8: first", "ip saddr 10.0.0.0/8 drop", FROM("10.0.0.0"), DROPPED },
	{ "prefix /8: last", "ip saddr 10.0.0.0/8 drop", FROM("10.255.255.255"), DROPPED },
	{ "prefix /8: below", "ip saddr 10.0.0.0/8 drop", FROM("9.255.255.255"), MISSED },
	{ "prefix /8: above", "ip saddr 10.0.0.0/8 drop", FROM("11.0.0.0"), MISSED },
	{ "prefix /0", "ip saddr 0.0.0.0/0 drop", FROM("255.255.255.255"), DROPPED },
	{ "prefix /0 is IPv4 alone", "ip saddr 0.0.0.0/0 drop", FROM6(A6), MISSED },
	{ "prefix /31", "ip daddr 192.0.2.8/31 drop", TO("192.0.2.9"), DROPPED },
	{ "prefix /31: above", "ip daddr 192.0.2.8/31 drop", TO("192.0.2.10"), MISSED },
	{ "range: first", "ip saddr 10.0.0.3-10.0.1.5 drop", FROM("10.0.0.3"), DROPPED },
	{ "range: last", "ip saddr 10.0.0.3-10.0.1.5 drop", FROM("10.0.1.5"), DROPPED },
	{ "range: inside", "ip saddr 10.0.0.3-10.0.1.5 drop", FROM("10.0.0.255"), DROPPED },
	{ "range: below", "ip saddr 10.0.0.3-10.0.1.5 drop", FROM("10.0.0.2"), MISSED },
	{ "range: above", "ip saddr 10.0.0.3-10.0.1.5 drop", FROM("10.0.1.6"), MISSED },
	{ "range to the end", "ip saddr 255.255.255.254-255.255.255.255 drop",
	  FROM("255.255.255.255"), DROPPED },
	{ "list: second", "ip saddr { 10.0.0.1, 10.1.2.3, 10.2.0.0/16 } drop", FROM(A4), DROPPED },
	{ "list: none", "ip saddr { 10.0.0.1, 10.1.2.4, 10.2.0.0/16 } drop", FROM(A4), MISSED },
	{ "not: another", "ip saddr != 10.1.2.3 drop", FROM("10.1.2.4"), DROPPED },
	{ "not: the one", "ip saddr != 10.1.2.3 drop", FROM(A4), MISSED },
	{ "not: IPv6 is no other IPv4 address", "ip saddr != 10.1.2.3 drop", FROM6(A6), MISSED },
	{ "not a list", "ip saddr != { 10.1.2.3, 10.0.0.0/24 } drop", FROM("10.0.0.7"), MISSED },
	{ "both addresses", "ip saddr 10.1.2.3 ip daddr 192.0.2.9 drop", FROM(A4), DROPPED },
	{ "both addresses, one wrong", "ip saddr 10.1.2.3 ip daddr 192.0.2.8 drop", FROM(A4),
	  MISSED },
	{ "two matches on one address", "ip saddr 10.0.0.0/8 ip saddr != 10.1.0.0/16 drop",
	  FROM("10.2.0.1"), DROPPED },
	{ "two matches on one address, one fails",
	  "ip saddr 10.0.0.0/8 ip saddr != 10.1.0.0/16 drop", FROM(A4), MISSED },

	/* ---- IPv6 addresses ---- */
	{ "v6 saddr: the one", "ip6 saddr 2001:db8::1 drop", FROM6(A6), DROPPED },
	{ "v6 saddr: another", "ip6 saddr 2001:db8::1 drop", FROM6("2001:db8::2"), MISSED },
	{ "v6 daddr: the one", "ip6 daddr fd00:1::2 drop", TO6(B6), DROPPED },
	{ "v6 prefix /32", "ip6 saddr 2001:db8::/32 drop", FROM6("2001:db8:ffff::9"), DROPPED },
	{ "v6 prefix /32: above", "ip6 saddr 2001:db8::/32 drop", FROM6("2001:db9::"), MISSED },
	{ "v6 prefix /64: lower half free", "ip6 saddr 2001:db8::/64 drop",
	  FROM6("2001:db8::ffff:ffff:ffff:ffff"), DROPPED },
	{ "v6 prefix /64: above", "ip6 saddr 2001:db8::/64 drop", FROM6("2001:db8:0:1::"), MISSED },
	{ "v6 prefix /65: inside", "ip6 saddr 2001:db8::/65 drop",
	  FROM6("2001:db8::7fff:ffff:ffff:ffff"), DROPPED },
	{ "v6 prefix /65: outside", "ip6 saddr 2001:db8::/65 drop",
	  FROM6("2001:db8::8000:0:0:0"), MISSED },
	{ "v6 prefix /127", "ip6 daddr fd00:1::2/127 drop", TO6("fd00:1::3"), DROPPED },
	{ "v6 prefix /0 is IPv6 alone", "ip6 saddr ::/0 drop", FROM(A4), MISSED },
	{ "v6 range over the halves",
	  "ip6 saddr 2001:db8::ffff:ffff:ffff:fff0-2001:db8:0:1::f drop", FROM6("2001:db8:0:1::"),
	  DROPPED },
	{ "v6 range: above", "ip6 saddr 2001:db8::ffff:ffff:ffff:fff0-2001:db8:0:1::f drop",
	  FROM6("2001:db8:0:1::10"), MISSED },
	{ "v6 not: another", "ip6 saddr != 2001:db8::/32 drop", FROM6("fe80::1"), DROPPED },
	{ "v6 not: inside", "ip6 saddr != 2001:db8::/32 drop", FROM6(A6), MISSED },
	{ "v4 address of the same bits is no v6", "ip6 saddr a01:203:: drop", FROM(A4), MISSED },
	{ "v6 address of the same bits is no v4", "ip saddr 10.1.2.3 drop", FROM6("a01:203::"),
	  MISSED },

	/* ---- protocols ---- */
	{ "ip protocol", "ip protocol gre drop", PROTO4(47), DROPPED },
	{ "ip protocol: another", "ip protocol gre drop", PROTO4(50), MISSED },
	{ "ip protocol is not IPv6's", "ip protocol gre drop", PROTO6(47), MISSED },
	{ "ip6 nexthdr", "ip6 nexthdr esp drop", PROTO6(50), DROPPED },
	{ "ip6 nexthdr: the last of the chain", "ip6 nexthdr udp drop",
	  PKT(ETH(), IP6(), HBH(), DSTOPT(), UDP(.dport = 1)), DROPPED },
	{ "ip6 nexthdr: not the first", "ip6 nexthdr hopopt drop",
	  PKT(ETH(), IP6(), HBH(), DSTOPT(), UDP(.dport = 1)), MISSED },
	{ "meta l4proto: IPv4", "meta l4proto { tcp, udp } drop", U(1, 2), DROPPED },
	{ "meta l4proto: IPv6", "meta l4proto { tcp, udp } drop", T6(1, 2), DROPPED },
	{ "meta l4proto: 0", "meta l4proto 0 drop", PROTO4(PKT_ZERO), DROPPED },
	{ "meta l4proto: 255", "meta l4proto 255 drop", PROTO4(255), DROPPED },
	{ "protocol not in a list", "ip protocol != { tcp, udp } drop", PROTO4(47), DROPPED },
	{ "protocol in the list", "ip protocol != { tcp, udp } drop", T(1, 2), MISSED },
	{ "nfproto", "meta nfproto ipv6 drop", T6(1, 2), DROPPED },
	{ "nfproto: the other", "meta nfproto ipv6 drop", T(1, 2), MISSED },
	{ "ICMPv6 in IPv4 has no type", "icmpv6 type 128 drop", PROTO4(58), MISSED },

	/* ---- ports ---- */
	{ "tcp dport", "tcp dport 22 drop", T(1000, 22), DROPPED },
	{ "tcp dport: another", "tcp dport 22 drop", T(1000, 23), MISSED },
	{ "tcp dport is not sport", "tcp dport 22 drop", T(22, 1000), MISSED },
	{ "tcp dport is not UDP's", "tcp dport 22 drop", U(1000, 22), MISSED },
	{ "tcp dport in IPv6", "tcp dport 22 drop", T6(1000, 22), DROPPED },
	{ "tcp sport", "tcp sport 22 drop", T(22, 1000), DROPPED },
	{ "udp dport", "udp dport 53 drop", U(1000, 53), DROPPED },
	{ "udp dport is not TCP's", "udp dport 53 drop", T(1000, 53), MISSED },
	{ "sctp dport", "sctp dport 36412 drop", SCTP4(A4, B4, 5, 36412), DROPPED },
	{ "th dport: TCP", "th dport 53 drop", T(1, 53), DROPPED },
	{ "th dport: UDP", "th dport 53 drop", U(1, 53), DROPPED },
	{ "th dport: SCTP", "th dport 53 drop", SCTP6(A6, B6, 1, 53), DROPPED },
	{ "th dport: no other", "th dport 0 drop", PROTO4(33), MISSED },
	{ "port 0", "tcp dport 0 drop", T(1, 0), DROPPED },
	{ "port 65535", "tcp dport 65535 drop", T(1, 65535), DROPPED },
	{ "port range: first", "udp dport 1024-65535 drop", U(1, 1024), DROPPED },
	{ "port range: below", "udp dport 1024-65535 drop", U(1, 1023), MISSED },
	{ "port range: byte order", "udp dport 255-256 drop", U(1, 0xff00), MISSED },
	{ "port list", "tcp dport { 22, 80-90, 443 } drop", T(1, 90), DROPPED },
	{ "port list: between", "tcp dport { 22, 80-90, 443 } drop", T(1, 91), MISSED },
	{ "port not", "tcp dport != 22 drop", T(1, 23), DROPPED },
	{ "port not: the one", "tcp dport != 22 drop", T(1, 22), MISSED },
	{ "port not: of TCP alone", "tcp dport != 22 drop", U(1, 23), MISSED },
	{ "port not a list", "tcp dport != { 22, 80-90 } drop", T(1, 85), MISSED },
	{ "both ports", "tcp sport 1000 tcp dport 80 drop", T(1000, 80), DROPPED },
	{ "both ports, one wrong", "tcp sport 1000 tcp dport 80 drop", T(1001, 80), MISSED },
	{ "two matches on one port", "tcp dport 1-100 tcp dport != 22 drop", T(1, 22), MISSED },
	{ "ports and addresses", "ip saddr 10.0.0.0/8 tcp dport { 22, 80 } drop", T(1, 80),
	  DROPPED },

	/* ---- TCP flags ---- */
	{ "flags: any of a list", "tcp flags syn|ack drop", TF(PKT_ACK), DROPPED },
	{ "flags: none of a list", "tcp flags syn|ack drop", TF(PKT_RST), MISSED },
	{ "flags not", "tcp flags ! syn drop", TF(PKT_ACK), DROPPED },
	{ "flags not: set", "tcp flags ! syn drop", TF(PKT_SYN), MISSED },
	{ "flags are exactly", "tcp flags == syn drop", TF(PKT_SYN), DROPPED },
	{ "flags are exactly: one more", "tcp flags == syn drop", TF(PKT_SYN | PKT_ACK), MISSED },
	{ "flags are not exactly", "tcp flags != syn drop", TF(PKT_SYN | PKT_ACK), DROPPED },
	{ "flags are not exactly: they are", "tcp flags != syn drop", TF(PKT_SYN), MISSED },
	{ "flags masked", "tcp flags & (syn|ack) == syn drop", TF(PKT_SYN | PKT_ECE | PKT_CWR),
	  DROPPED },
	{ "flags masked: not", "tcp flags & (syn|ack) == syn drop", TF(PKT_SYN | PKT_ACK), MISSED },
	{ "flags masked, unequal", "tcp flags & (fin|syn|rst|ack) != syn drop", TF(PKT_ACK),
	  DROPPED },
	{ "flags masked, unequal: equal", "tcp flags & (fin|syn|rst|ack) != syn drop", TF(PKT_SYN),
	  MISSED },
	{ "flags by slash", "tcp flags syn / syn,ack drop", TF(PKT_SYN), DROPPED },
	{ "flags: two matches, both", "tcp flags ack tcp flags ! psh drop", TF(PKT_ACK), DROPPED },
	{ "flags: two matches, one", "tcp flags ack tcp flags ! psh drop", TF(PKT_ACK | PKT_PSH),
	  MISSED },
	{ "flags not: UDP has none", "tcp flags ! syn drop", U(1, 2), MISSED },
	{ "flags not: a later fragment has none", "tcp flags ! syn drop", LATER4(6), MISSED },
	{ "flags and port", "tcp dport 80 tcp flags & (syn|ack) == syn drop", TF(PKT_SYN),
	  DROPPED },

	/* ---- ICMP ---- */
	{ "icmp type", "icmp type echo-request drop", ICMP4(8, 0), DROPPED },
	{ "icmp type: another", "icmp type echo-request drop", ICMP4(0, 0), MISSED },
	{ "icmp type and code", "icmp type 3 icmp code frag-needed drop", ICMP4(3, 4), DROPPED },
	{ "icmp code: another", "icmp type 3 icmp code frag-needed drop", ICMP4(3, 3), MISSED },
	{ "icmp type list", "icmp type { echo-request, 13-14 } drop", ICMP4(14, 0), DROPPED },
	{ "icmp type not", "icmp type != { echo-request, echo-reply } drop", ICMP4(5, 1), DROPPED },
	{ "icmp type is not ICMPv6's", "icmp type 128 drop", ICMPV6(128, 0), MISSED },
	{ "icmp type 0 is not another protocol's", "icmp type 0 drop", U(1, 2), MISSED },
	{ "icmpv6 type", "icmpv6 type nd-neighbor-solicit drop", ICMPV6(135, 0), DROPPED },
	{ "icmpv6 code", "icmpv6 type 1 icmpv6 code 4 drop", ICMPV6(1, 4), DROPPED },
	{ "icmpv6 code: another", "icmpv6 type 1 icmpv6 code 4 drop", ICMPV6(1, 3), MISSED },
	{ "icmp: later fragment has no type", "icmp type 0 drop", LATER4(1), MISSED },

	/* ---- fragments ---- */
	{ "frag none", "frag none drop", U(1, 2), DROPPED },
	{ "frag none: first", "frag none drop", FIRST4, MISSED },
	{ "frag none: later", "frag none drop", LATER4(17), MISSED },
	{ "frag first", "frag first drop", FIRST4, DROPPED },
	{ "frag first: later", "frag first drop", LATER4(17), MISSED },
	{ "frag later", "frag later drop", LATER4(17), DROPPED },
	{ "frag later: first", "frag later drop", FIRST4, MISSED },
	{ "frag not none", "frag != none drop", FIRST4, DROPPED },
	{ "frag list", "frag { first, later } drop", LATER6(17), DROPPED },
	{ "frag first, IPv6", "frag first drop", FIRST6, DROPPED },
	{ "frag later, IPv6", "frag later drop", LATER6(17), DROPPED },
	{ "atomic fragment is whole", "frag none drop",
	  PKT(ETH(), IP6(), FRAG(), UDP(.dport = 1)), DROPPED },
	{ "first fragment has ports", "udp dport 53 drop", FIRST4, DROPPED },
	{ "later fragment has no ports", "udp dport 0-65535 drop", LATER4(17), MISSED },
	{ "later fragment has no ports, not even other ones", "udp dport != 53 drop", LATER4(17),
	  MISSED },
	{ "later fragment has a protocol", "udp dport 53 accept\nmeta l4proto udp drop",
	  LATER4(17), HIT("drop", 2) },
	{ "later fragment has addresses", "ip saddr 10.0.0.1 drop", LATER4(17), DROPPED },
	{ "later fragment, IPv6, has a protocol", "ip6 nexthdr udp drop", LATER6(17), DROPPED },
	{ "frag and port", "frag first udp dport 53 drop", FIRST6, DROPPED },

	/* ---- verdicts and order ---- */
	{ "first match wins", "tcp dport 22 accept\ntcp dport 22 drop", T(1, 22),
	  HIT("accept", 1) },
	{ "first match wins, the other way", "tcp dport 20-30 drop\ntcp dport 22 accept", T(1, 22),
	  DROPPED },
	{ "third rule", "tcp dport 1 drop\nudp dport 22 drop\ntcp dport 22 drop", T(1, 22),
	  HIT("drop", 3) },
	{ "drop(reason)", "tcp dport 22 drop(rate)", T(1, 22), HIT("drop(rate)", 1) },
	{ "two reasons", "tcp dport 22 drop(rate)\ntcp dport 23 drop(meta)", T(1, 23),
	  HIT("drop(meta)", 2) },
	{ "drop(policy) and drop(rate)", "tcp dport 22 drop(rate)\ntcp dport 23 drop", T(1, 23),
	  HIT("drop", 2) },
	{ "goto", "tcp dport 22 goto odd", T(1, 22), HIT("odd", 1) },
	{ "goto: another", "tcp dport 22 goto odd\ntcp dport 23 goto even", T(1, 23),
	  HIT("even", 2) },
	{ "goto accept", "tcp dport 22 goto accept\ndrop", T(1, 22), HIT("accept", 1) },
	{ "comment", "tcp dport 22 drop comment \"no\"", T(1, 22), DROPPED },

	/* ---- sets ---- */
	{ "set of prefixes", "ip saddr @nets drop", FROM("10.2.3.4"), DROPPED },
	{ "set of prefixes: range", "ip saddr @nets drop", FROM("172.16.0.9"), DROPPED },
	{ "set of prefixes: none", "ip saddr @nets drop", FROM("10.3.0.0"), MISSED },
	{ "not a set", "ip saddr != @nets drop", FROM("10.3.0.0"), DROPPED },
	{ "not a set: in it", "ip saddr != @nets drop", FROM("10.2.3.4"), MISSED },
	{ "two sets on one field", "ip saddr @nets ip saddr @wide drop", FROM("10.2.3.4"),
	  DROPPED },
	{ "two sets on one field, one", "ip saddr @nets ip saddr @wide drop", FROM("172.16.0.9"),
	  MISSED },
	{ "set of ports", "udp dport @dns drop", U(1, 853), DROPPED },
	{ "set of IPv6 addresses", "ip6 saddr @six drop", FROM6("2001:db8:1::5"), DROPPED },
	{ "set of protocols", "meta l4proto @tunnels drop", PROTO6(47), DROPPED },
	{ "empty set", "ip saddr @none drop", FROM(A4), MISSED },
	{ "not an empty set", "ip saddr != @none drop", FROM(A4), DROPPED },

	/* ---- rules that go on: the next round begins behind them ---- */
	{ "goes on: the next rule", "udp dport 53 meta mark set 1\ndrop", U(1, 53), HIT("drop", 2) },
	{ "goes on: the next rule, IPv6", "udp dport 53 meta mark set 1\ndrop", UDP6(A6, B6, 1, 53),
	  HIT("drop", 2) },
	{ "goes on: the next rule, no IP", "meta mark set 1\ndrop", OTHER, HIT("drop", 2) },
	{ "goes on: no rule behind it", "udp dport 9 drop\nudp dport 53 meta mark set 1", U(1, 53),
	  HIT("odd", 2), .fallback = "odd" },
	{ "goes on three times", "meta mark set 1\nmeta mark set 2\nmeta mark set 3\ngoto odd",
	  U(1, 53), HIT("odd", 4) },
	{ "goes on, by a plain rule between", "meta mark set 1\nudp dport 9 drop\n"
	  "udp dport 53 meta mark set 2\nudp sport 1 goto odd", U(1, 53), HIT("odd", 4) },
	{ "quota used up: the next rule", "quota until 1 bytes accept\ndrop", U(1, 53),
	  HIT("drop", 2) },

	/* ---- VLAN, options and headers in front change nothing ---- */
	{ "behind two tags", "tcp dport 22 drop",
	  PKT(ETH(), VLAN(.id = 1), VLAN(.id = 2), IP4(), TCP(.dport = 22, .flags = PKT_SYN)),
	  DROPPED },
	{ "behind IPv4 options", "tcp dport 22 drop",
	  PKT(ETH(), IP4(.opts = "\x94\4\0", .opts_len = 4), TCP(.dport = 22, .flags = PKT_SYN)),
	  DROPPED },
	{ "behind AH", "udp dport 53 drop", PKT(ETH(), IP6(), AH(), UDP(.dport = 53)), DROPPED },
};

#undef T
#undef U
#undef TO

#define N_FILTER_CASES	(sizeof(filter_cases) / sizeof(filter_cases[0]))

#endif
