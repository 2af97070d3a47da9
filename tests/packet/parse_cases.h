/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* parse_cases.h - packets, and what the root makes of each: a reason, or the context's fields */
#ifndef TESTS_PARSE_CASES_H
#define TESTS_PARSE_CASES_H

#include <shunt/packet.h>

#include "../lib/pkt.h"

struct parse_case {
	const char *name;
	const struct pkt_hdr *in;
	size_t cut, pad;		/* to so many bytes; 0: not */
	const char *drop;		/* reason; else what follows */
	uint16_t l3_off;		/* 0: 14 */
	uint16_t l4_off;
	uint32_t l4_len;
	uint8_t l3, proto, frag, vlans;
	uint16_t tpid[2], tci[2];
	uint16_t flags;
	uint16_t sport, dport;
	uint8_t tcp_flags, type, code;
};

#define SRC4	"10.0.0.1"
#define DST4	"10.0.0.2"
#define SRC6	"fd00::1"
#define DST6	"fd00::2"

#define OPTS(text)	.opts = (text), .opts_len = sizeof(text) - 1

/* What a plain packet gives, behind IPv4 or IPv6 without options */
#define IS4(proto_, len_)	.l3 = 4, .l4_off = 34, .proto = (proto_), .l4_len = (len_)
#define IS6(proto_, len_)	.l3 = 6, .l4_off = 54, .proto = (proto_), .l4_len = (len_)
#define PORTS(s, d)		.flags = SHUNT_PKT_L4, .sport = (s), .dport = (d)
#define T4(fl_, ...)	TCP4(SRC4, DST4, 1000, 80, fl_, ##__VA_ARGS__)
#define U4(...)		UDP4(SRC4, DST4, 1000, 53, ##__VA_ARGS__)
#define U6(...)		UDP6(SRC6, DST6, 1000, 53, ##__VA_ARGS__)
#define UDPX		UDP(.sport = 1000, .dport = 53)
#define TCPX		TCP(.sport = 1000, .dport = 80, .flags = PKT_SYN)
/* Behind extension headers */
#define EXT6(off_, proto_, len_) \
	.l3 = 6, .l4_off = (off_), .proto = (proto_), .l4_len = (len_), \
	.flags = SHUNT_PKT_L4 | SHUNT_PKT_EXT_HEADERS, .sport = 1000, \
	.dport = (proto_) == 6 ? 80 : 53, .tcp_flags = (proto_) == 6 ? PKT_SYN : 0
#define OPT4(off_, fl_)	.l3 = 4, .l4_off = (off_), .l4_len = 8, .proto = 17, \
	.flags = SHUNT_PKT_L4 | (fl_), .sport = 1000, .dport = 53
#define LATER4(proto_, len_) IS4(proto_, len_), .frag = SHUNT_FRAG_LATER
#define H	HBH()
#define D	DSTOPT()

static const struct parse_case parse_cases[] = {
	/* ---- Ethernet and VLAN ---- */
	{ "no IP: context says so", PKT(ETH(.type = 0x88b5), FILL(46)), .l3 = 0 },
	{ "ARP", PKT(ETH(.type = 0x0806), FILL(28)), .l3 = 0 },
	{ "LLC frame: the type is a length", PKT(ETH(.type = 46), FILL(46)), .l3 = 0 },
	{ "a header and nothing else", PKT(ETH(.type = 0x88b5)), .l3 = 0 },
	{ "802.1Q", PKT(ETH(), VLAN(.id = 7, .prio = 5, .dei = true), IP4(), UDPX), .l3_off = 18,
	  .l3 = 4, .l4_off = 38, .l4_len = 8, .proto = 17, PORTS(1000, 53), .vlans = 1,
	  .tpid = { 0x8100 }, .tci = { 0xb007 } },
	{ "802.1ad alone", PKT(ETH(), VLAN(.id = 9, .tpid = 0x88a8), IP4(), UDPX), .l3_off = 18,
	  .l3 = 4, .l4_off = 38, .l4_len = 8, .proto = 17, PORTS(1000, 53), .vlans = 1,
	  .tpid = { 0x88a8 }, .tci = { 9 } },
	{ "0x9100 alone", PKT(ETH(), VLAN(.id = 9, .tpid = 0x9100), IP6(), UDPX), .l3_off = 18,
	  .l3 = 6, .l4_off = 58, .l4_len = 8, .proto = 17, PORTS(1000, 53), .vlans = 1,
	  .tpid = { 0x9100 }, .tci = { 9 } },
	{ "priority tag: VLAN 0", PKT(ETH(), VLAN(.id = 0, .prio = 7), IP4(), UDPX), .l3_off = 18,
	  .l3 = 4, .l4_off = 38, .l4_len = 8, .proto = 17, PORTS(1000, 53), .vlans = 1,
	  .tpid = { 0x8100 }, .tci = { 0xe000 } },
	{ "VLAN 4095", PKT(ETH(), VLAN(.id = 4095), IP4(), UDPX), .l3_off = 18, .l3 = 4,
	  .l4_off = 38, .l4_len = 8, .proto = 17, PORTS(1000, 53), .vlans = 1,
	  .tpid = { 0x8100 }, .tci = { 4095 } },
	{ "802.1ad over 802.1Q",
	  PKT(ETH(), VLAN(.id = 100, .tpid = 0x88a8), VLAN(.id = 7), IP4(), UDPX), .l3_off = 22,
	  .l3 = 4, .l4_off = 42, .l4_len = 8, .proto = 17, PORTS(1000, 53), .vlans = 2,
	  .tpid = { 0x88a8, 0x8100 }, .tci = { 100, 7 } },
	{ "802.1Q twice, IPv6", PKT(ETH(), VLAN(.id = 1), VLAN(.id = 2), IP6(), TCPX),
	  .l3_off = 22, .l3 = 6, .l4_off = 62, .l4_len = 20, .proto = 6, PORTS(1000, 80),
	  .tcp_flags = PKT_SYN, .vlans = 2, .tpid = { 0x8100, 0x8100 }, .tci = { 1, 2 } },
	{ "tag around no IP", PKT(ETH(), VLAN(.id = 7, .type = 0x88b5), FILL(46)), .l3_off = 18,
	  .vlans = 1, .tpid = { 0x8100 }, .tci = { 7 } },
	{ "three tags", PKT(ETH(), VLAN(.id = 1), VLAN(.id = 2), VLAN(.id = 3), IP4(), UDPX),
	  .drop = "vlan_depth" },
	{ "three tags, the last 0x9100",
	  PKT(ETH(), VLAN(.id = 1), VLAN(.id = 2), VLAN(.id = 3, .tpid = 0x9100), IP4(), UDPX),
	  .drop = "vlan_depth" },
	{ "first tag cut", PKT(ETH(), VLAN(.id = 1), IP4(), UDPX), .cut = 17,
	  .drop = "eth_short" },
	{ "first tag just there", PKT(ETH(), VLAN(.id = 1, .type = 0x88b5), FILL(8)), .cut = 18,
	  .l3_off = 18, .vlans = 1, .tpid = { 0x8100 }, .tci = { 1 } },
	{ "second tag cut", PKT(ETH(), VLAN(.id = 1), VLAN(.id = 2), IP4(), UDPX), .cut = 21,
	  .drop = "eth_short" },

	/* ---- IPv4 header ---- */
	{ "IPv4 UDP", U4(), IS4(17, 8), PORTS(1000, 53) },
	{ "IPv4 of another protocol", PKT(ETH(), IP4(.next = 47), FILL(4)), IS4(47, 4) },
	{ "IPv4 without payload", PKT(ETH(), IP4(.next = 253)), IS4(253, 0) },
	{ "IPv4 in IPv4: the outer one", IPIP(SRC4, DST4, U4()), IS4(4, 28) },
	{ "DF set", PKT(ETH(), IP4(.df = true), UDPX), IS4(17, 8), PORTS(1000, 53) },
	{ "reserved flag set", PKT(ETH(), IP4(.evil = true), UDPX), IS4(17, 8), PORTS(1000, 53) },
	{ "a byte of header missing", U4(), .cut = 33, .drop = "ip4_short" },
	{ "no header at all", U4(), .cut = 14, .drop = "ip4_short" },
	{ "version 5", PKT(ETH(), IP4(.version = 5), UDPX), .drop = "ip4_version" },
	{ "version 0", PKT(ETH(), IP4(.version = PKT_ZERO), UDPX), .drop = "ip4_version" },
	{ "version 6 under ethertype IPv4", PKT(ETH(), IP4(.version = 6), UDPX),
	  .drop = "ip4_version" },
	{ "header of 4 words", PKT(ETH(), IP4(.ihl = 4), UDPX), .drop = "ip4_ihl" },
	{ "header of 0 words", PKT(ETH(), IP4(.ihl = PKT_ZERO), UDPX), .drop = "ip4_ihl" },
	{ "header above total length", PKT(ETH(), IP4(.ihl = 8), UDPX), .drop = "ip4_ihl" },
	{ "total length 19", PKT(ETH(), IP4(.len = 19), UDPX), .drop = "ip4_ihl" },
	{ "total length 20: no L4", PKT(ETH(), IP4(.len = 20, .next = 253), FILL(8)),
	  IS4(253, 0) },
	{ "total length 0", PKT(ETH(), IP4(.len = PKT_ZERO), UDPX), .drop = "ip4_ihl" },
	{ "total length a byte above the frame", PKT(ETH(), IP4(.len = 29), UDPX),
	  .drop = "ip4_len" },
	{ "total length 65535", PKT(ETH(), IP4(.len = 65535), UDPX), .drop = "ip4_len" },
	{ "padding is no part of the packet", U4(), .pad = 60, IS4(17, 8), PORTS(1000, 53) },
	{ "padding does not complete a UDP header", PKT(ETH(), IP4(.len = 27), UDPX), .pad = 60,
	  .drop = "udp_short" },
	{ "padding does not complete a TCP header", PKT(ETH(), IP4(.len = 39), TCPX), .pad = 60,
	  .drop = "tcp_short" },

	/* ---- IPv4 options ---- */
	{ "options: padding only", PKT(ETH(), IP4(OPTS("\1\1\1\0")), UDPX), OPT4(38, 0) },
	{ "options: 40 NOPs",
	  PKT(ETH(), IP4(OPTS("\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1"
			      "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1")), UDPX),
	  OPT4(74, 0) },
	{ "options: nothing counts behind end-of-list",
	  PKT(ETH(), IP4(OPTS("\0\x83\x03\xff")), UDPX), OPT4(38, 0) },
	{ "options: router alert", PKT(ETH(), IP4(OPTS("\x94\4\0\0")), UDPX),
	  OPT4(38, SHUNT_PKT_IP_OPTIONS) },
	{ "options: record route", PKT(ETH(), IP4(OPTS("\x07\x07\x04\0\0\0\0")), UDPX),
	  OPT4(42, SHUNT_PKT_IP_OPTIONS) },
	{ "options: timestamp behind NOP", PKT(ETH(), IP4(OPTS("\1\x44\x08\x05\0\0\0\0\0")), UDPX),
	  OPT4(46, SHUNT_PKT_IP_OPTIONS) },
	{ "options: unknown one of 2 bytes, twice", PKT(ETH(), IP4(OPTS("\x5e\2\x5e\2")), UDPX),
	  OPT4(38, SHUNT_PKT_IP_OPTIONS) },
	{ "options: one of 40 bytes", PKT(ETH(), IP4(OPTS("\x07\x27\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")), UDPX),
	  OPT4(74, SHUNT_PKT_IP_OPTIONS) },
	{ "options: loose source route", PKT(ETH(), IP4(OPTS("\x83\x07\x04\x0a\0\0\1")), UDPX),
	  .drop = "ip4_opt" },
	{ "options: strict source route", PKT(ETH(), IP4(OPTS("\x89\x07\x04\x0a\0\0\1")), UDPX),
	  .drop = "ip4_opt" },
	{ "options: source route behind others",
	  PKT(ETH(), IP4(OPTS("\1\x94\4\0\0\x83\x03\x04")), UDPX), .drop = "ip4_opt" },
	{ "options: length 0", PKT(ETH(), IP4(OPTS("\x07\0\0\0")), UDPX), .drop = "ip4_opt" },
	{ "options: length 1", PKT(ETH(), IP4(OPTS("\x07\1\0\0")), UDPX), .drop = "ip4_opt" },
	{ "options: length above the header", PKT(ETH(), IP4(OPTS("\x07\5\0\0")), UDPX),
	  .drop = "ip4_opt" },
	{ "options: length just to the end", PKT(ETH(), IP4(OPTS("\x07\4\4\0")), UDPX),
	  OPT4(38, SHUNT_PKT_IP_OPTIONS) },
	{ "options: no room for a length", PKT(ETH(), IP4(OPTS("\1\1\1\x07")), UDPX),
	  .drop = "ip4_opt" },
	{ "options: no room for a length, at byte 40",
	  PKT(ETH(), IP4(OPTS("\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1"
			      "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\x07")), UDPX),
	  .drop = "ip4_opt" },
	{ "options cut", PKT(ETH(), IP4(OPTS("\x94\4\0\0")), UDPX), .cut = 36,
	  .drop = "ip4_len" },

	/* ---- IPv4 fragments ---- */
	{ "first fragment", PKT(ETH(), IP4(.mf = true), UDP(.sport = 1000, .dport = 53, .len = 100),
				FILL(16)), IS4(17, 24), PORTS(1000, 53), .frag = SHUNT_FRAG_FIRST },
	{ "first fragment, TCP", PKT(ETH(), IP4(.mf = true), TCPX, FILL(4)), IS4(6, 24),
	  PORTS(1000, 80), .tcp_flags = PKT_SYN, .frag = SHUNT_FRAG_FIRST },
	{ "first fragment holds 8 bytes of TCP", PKT(ETH(), IP4(.mf = true, .next = 6), FILL(8)),
	  .drop = "ip4_frag" },
	{ "first fragment holds 19 bytes of TCP", PKT(ETH(), IP4(.mf = true, .next = 6), FILL(19)),
	  .drop = "ip4_frag" },
	{ "first fragment cuts TCP options",
	  PKT(ETH(), IP4(.mf = true), TCP(.flags = PKT_SYN, .doff = 7), FILL(4)),
	  .drop = "ip4_frag" },
	{ "first fragment holds 7 bytes of UDP", PKT(ETH(), IP4(.mf = true, .next = 17), FILL(7)),
	  .drop = "ip4_frag" },
	{ "first fragment holds 4 bytes of ICMP", PKT(ETH(), IP4(.mf = true, .next = 1), FILL(4)),
	  .drop = "ip4_frag" },
	{ "first fragment of another protocol", PKT(ETH(), IP4(.mf = true, .next = 47), FILL(8)),
	  IS4(47, 8), .frag = SHUNT_FRAG_FIRST },
	{ "later fragment", PKT(ETH(), IP4(.frag_off = 1480, .next = 17), FILL(16)),
	  LATER4(17, 16) },
	{ "later fragment with more", PKT(ETH(), IP4(.frag_off = 24, .mf = true, .next = 6),
					  FILL(16)), LATER4(6, 16) },
	{ "later fragment of 1 byte", PKT(ETH(), IP4(.frag_off = 80, .next = 17), FILL(1)),
	  LATER4(17, 1) },
	{ "TCP fragment at 8: over the flags", PKT(ETH(), IP4(.frag_off = 8, .next = 6), FILL(24)),
	  .drop = "ip4_frag" },
	{ "TCP fragment at 16: over the checksum",
	  PKT(ETH(), IP4(.frag_off = 16, .next = 6), FILL(24)), .drop = "ip4_frag" },
	{ "TCP fragment at 24", PKT(ETH(), IP4(.frag_off = 24, .next = 6), FILL(24)),
	  LATER4(6, 24) },
	{ "UDP fragment at 8", PKT(ETH(), IP4(.frag_off = 8, .next = 17), FILL(24)),
	  LATER4(17, 24) },
	{ "fragment ends at 65535 with its header",
	  PKT(ETH(), IP4(.frag_off = 65504, .next = 17), FILL(11)), LATER4(17, 11) },
	{ "fragment ends at 65536", PKT(ETH(), IP4(.frag_off = 65504, .next = 17), FILL(12)),
	  .drop = "ip4_frag" },
	{ "fragment at the last offset", PKT(ETH(), IP4(.frag_off = 65528, .next = 17), FILL(64)),
	  .drop = "ip4_frag" },

	/* ---- TCP, UDP, SCTP, ICMP ---- */
	{ "TCP", T4(PKT_ACK), IS4(6, 20), PORTS(1000, 80), .tcp_flags = PKT_ACK },
	{ "TCP with options", PKT(ETH(), IP4(), TCP(.sport = 1000, .dport = 80, .flags = PKT_SYN,
						    OPTS("\2\4\5\xb4")), FILL(3)),
	  IS4(6, 27), PORTS(1000, 80), .tcp_flags = PKT_SYN },
	{ "TCP header of 60 bytes", PKT(ETH(), IP4(), TCP(.sport = 1000, .dport = 80, .doff = 15,
							  .flags = PKT_ACK), FILL(40)),
	  IS4(6, 60), PORTS(1000, 80), .tcp_flags = PKT_ACK },
	{ "TCP of 19 bytes", PKT(ETH(), IP4(.next = 6), FILL(19)), .drop = "tcp_short" },
	{ "TCP without a byte", PKT(ETH(), IP4(.next = 6)), .drop = "tcp_short" },
	{ "TCP offset of 4 words", PKT(ETH(), IP4(), TCP(.flags = PKT_ACK, .doff = 4)),
	  .drop = "tcp_doff" },
	{ "TCP offset of 0 words", PKT(ETH(), IP4(), TCP(.flags = PKT_ACK, .doff = PKT_ZERO)),
	  .drop = "tcp_doff" },
	{ "TCP offset a word beyond", PKT(ETH(), IP4(), TCP(.flags = PKT_ACK, .doff = 6), FILL(3)),
	  .drop = "tcp_doff" },
	{ "TCP offset beyond, into padding", PKT(ETH(), IP4(), TCP(.flags = PKT_ACK, .doff = 6)),
	  .pad = 60, .drop = "tcp_doff" },
	{ "TCP without flags", T4(0), .drop = "tcp_flags" },
	{ "TCP ECE alone", T4(PKT_ECE), .drop = "tcp_flags" },
	{ "TCP SYN+FIN", T4(PKT_SYN | PKT_FIN), .drop = "tcp_flags" },
	{ "TCP SYN+FIN+ACK", T4(PKT_SYN | PKT_FIN | PKT_ACK), .drop = "tcp_flags" },
	{ "TCP SYN+RST", T4(PKT_SYN | PKT_RST), .drop = "tcp_flags" },
	{ "TCP FIN+PSH+URG", T4(PKT_FIN | PKT_PSH | PKT_URG), .drop = "tcp_flags" },
	{ "TCP FIN+PSH+URG+ACK", T4(PKT_FIN | PKT_PSH | PKT_URG | PKT_ACK), IS4(6, 20),
	  PORTS(1000, 80), .tcp_flags = 0x39 },
	{ "TCP all flags", T4(0xff), .drop = "tcp_flags" },
	{ "TCP SYN+ECE+CWR", T4(PKT_SYN | PKT_ECE | PKT_CWR), IS4(6, 20), PORTS(1000, 80),
	  .tcp_flags = 0xc2 },
	{ "TCP RST", T4(PKT_RST), IS4(6, 20), PORTS(1000, 80), .tcp_flags = PKT_RST },
	{ "TCP RST+ACK", T4(PKT_RST | PKT_ACK), IS4(6, 20), PORTS(1000, 80), .tcp_flags = 0x14 },
	{ "TCP FIN+ACK", T4(PKT_FIN | PKT_ACK), IS4(6, 20), PORTS(1000, 80), .tcp_flags = 0x11 },
	{ "TCP FIN+RST", T4(PKT_FIN | PKT_RST), IS4(6, 20), PORTS(1000, 80), .tcp_flags = 0x05 },
	{ "UDP of 7 bytes", PKT(ETH(), IP4(.next = 17), FILL(7)), .drop = "udp_short" },
	{ "UDP length 7", PKT(ETH(), IP4(), UDP(.len = 7)), .drop = "udp_len" },
	{ "UDP length 0", PKT(ETH(), IP4(), UDP(.len = PKT_ZERO)), .drop = "udp_len" },
	{ "UDP length above the packet", PKT(ETH(), IP4(), UDP(.len = 9)), .drop = "udp_len" },
	{ "UDP length above the packet, in padding", PKT(ETH(), IP4(), UDP(.len = 9)), .pad = 60,
	  .drop = "udp_len" },
	{ "UDP length below the packet", PKT(ETH(), IP4(), UDP(.sport = 1, .dport = 2, .len = 8),
					     FILL(4)), IS4(17, 12), PORTS(1, 2) },
	{ "UDP without checksum",
	  PKT(ETH(), IP4(), UDP(.sport = 1, .dport = 2, .check = PKT_ZERO)), IS4(17, 8),
	  PORTS(1, 2) },
	{ "SCTP", SCTP4(SRC4, DST4, 5, 6, FILL(4)), IS4(132, 16), PORTS(5, 6) },
	{ "SCTP of 11 bytes", PKT(ETH(), IP4(.next = 132), FILL(11)), .drop = "sctp_short" },
	{ "SCTP of 12 bytes", SCTP4(SRC4, DST4, 5, 6), IS4(132, 12), PORTS(5, 6) },
	{ "ICMP", PING4(SRC4, DST4), IS4(1, 8), .flags = SHUNT_PKT_L4, .type = 8 },
	{ "ICMP code", PKT(ETH(), IP4(), ICMP(.type = 3, .code = 4), FILL(28)), IS4(1, 36),
	  .flags = SHUNT_PKT_L4, .type = 3, .code = 4 },
	{ "ICMP of 7 bytes", PKT(ETH(), IP4(.next = 1), FILL(7)), .drop = "icmp_short" },
	{ "ICMPv6 in IPv4 is just a protocol", PKT(ETH(), IP4(.next = 58), FILL(3)), IS4(58, 3) },
	{ "ICMP in IPv6 is just a protocol", PKT(ETH(), IP6(.next = 1), FILL(3)), IS6(1, 3) },

	/* ---- IPv6 ---- */
	{ "IPv6 UDP", U6(), IS6(17, 8), PORTS(1000, 53) },
	{ "IPv6 TCP", TCP6(SRC6, DST6, 1000, 80, PKT_SYN), IS6(6, 20), PORTS(1000, 80),
	  .tcp_flags = PKT_SYN },
	{ "IPv6 SCTP", SCTP6(SRC6, DST6, 5, 6), IS6(132, 12), PORTS(5, 6) },
	{ "IPv6 traffic class and flow label", PKT(ETH(), IP6(.tc = 0xb8, .flow = 0xfffff), UDPX),
	  IS6(17, 8), PORTS(1000, 53) },
	{ "ICMPv6", PING6(SRC6, DST6), IS6(58, 8), .flags = SHUNT_PKT_L4, .type = 128 },
	{ "ICMPv6 of 7 bytes", PKT(ETH(), IP6(.next = 58), FILL(7)), .drop = "icmp_short" },
	{ "IPv6 in IPv6: the outer one", IP6IP6(SRC6, DST6, U6()), IS6(41, 48) },
	{ "a byte of IPv6 header missing", U6(), .cut = 53, .drop = "ip6_short" },
	{ "no IPv6 header", U6(), .cut = 14, .drop = "ip6_short" },
	{ "version 4 under ethertype IPv6", PKT(ETH(), IP6(.version = 4), UDPX),
	  .drop = "ip6_version" },
	{ "version 7", PKT(ETH(), IP6(.version = 7), UDPX), .drop = "ip6_version" },
	{ "payload length a byte above the frame", PKT(ETH(), IP6(.len = 9), UDPX),
	  .drop = "ip6_len" },
	{ "payload length just the frame", PKT(ETH(), IP6(.len = 8), UDPX), IS6(17, 8),
	  PORTS(1000, 53) },
	{ "payload length 0", PKT(ETH(), IP6(.len = PKT_ZERO), UDPX), .drop = "udp_short" },
	{ "jumbo payload: length 0 and hop-by-hop", PKT(ETH(), IP6(.len = PKT_ZERO), H, UDPX),
	  .drop = "ip6_ext_short" },
	{ "IPv6 padding is no part of it", PKT(ETH(), IP6(.len = 8), UDPX), .pad = 80,
	  IS6(17, 8), PORTS(1000, 53) },
	{ "IPv6 padding does not complete TCP", PKT(ETH(), IP6(.len = 19), TCPX), .pad = 80,
	  .drop = "tcp_short" },
	{ "no next header", PKT(ETH(), IP6(.next = 59), FILL(4)), IS6(59, 4) },
	{ "no next header, no payload", PKT(ETH(), IP6()), IS6(59, 0) },
	{ "ESP ends the walk", PKT(ETH(), IP6(.next = 50), FILL(16)), IS6(50, 16) },
	{ "mobility header ends the walk", PKT(ETH(), IP6(.next = 135), FILL(16)), IS6(135, 16) },

	/* ---- IPv6 extension headers ---- */
	{ "hop-by-hop", PKT(ETH(), IP6(), H, UDPX), EXT6(62, 17, 8) },
	{ "hop-by-hop of 32 bytes", PKT(ETH(), IP6(), HBH(.len = 32), UDPX), EXT6(86, 17, 8) },
	{ "hop-by-hop of 2048 bytes", PKT(ETH(), IP6(), HBH(.len = 2048), UDPX),
	  EXT6(2102, 17, 8) },
	{ "destination options", PKT(ETH(), IP6(), D, TCPX), EXT6(62, 6, 20) },
	{ "routing header type 2", PKT(ETH(), IP6(), ROUTING(.type = 2, .left = 1,
							     .addr = { "fd00::3" }), UDPX),
	  EXT6(78, 17, 8) },
	{ "routing header type 4",
	  PKT(ETH(), IP6(), ROUTING(.type = 4, .left = 1, .addr = { "fd00::3", "fd00::4" }), UDPX),
	  EXT6(94, 17, 8) },
	{ "routing header type 0", PKT(ETH(), IP6(), ROUTING(.type = 0, .left = 1,
							     .addr = { "fd00::3" }), UDPX),
	  .drop = "ip6_rh0" },
	{ "routing header type 0, no segment left", PKT(ETH(), IP6(), ROUTING(.type = 0), UDPX),
	  .drop = "ip6_rh0" },
	{ "routing header type 0 behind others",
	  PKT(ETH(), IP6(), H, D, ROUTING(.type = 0), UDPX), .drop = "ip6_rh0" },
	{ "AH: units of 4 bytes", PKT(ETH(), IP6(), AH(.icv_len = 12), UDPX), EXT6(78, 17, 8) },
	{ "AH of 28 bytes", PKT(ETH(), IP6(), AH(.icv_len = 16), TCPX), EXT6(82, 6, 20) },
	{ "AH of 44 bytes", PKT(ETH(), IP6(), AH(.icv_len = 32), UDPX), EXT6(98, 17, 8) },
	{ "AH in IPv4 is just a protocol", PKT(ETH(), IP4(), AH(), UDPX), IS4(51, 32) },
	{ "AH cut", PKT(ETH(), IP6(.next = 51), FILL(4)), .drop = "ip6_ext_short" },
	{ "AH length beyond", PKT(ETH(), IP6(), AH(.ext_len = 40), UDPX),
	  .drop = "ip6_ext_short" },
	{ "each header once", PKT(ETH(), IP6(), H, D, ROUTING(.type = 2, .addr = { "fd00::3" }),
				  AH(), D, UDPX), EXT6(54 + 8 + 8 + 24 + 24 + 8, 17, 8) },
	{ "hop-by-hop second", PKT(ETH(), IP6(), D, H, UDPX), .drop = "ip6_ext_order" },
	{ "hop-by-hop twice", PKT(ETH(), IP6(), H, H, UDPX), .drop = "ip6_ext_order" },
	{ "hop-by-hop behind a fragment header", PKT(ETH(), IP6(), FRAG(.more = true), H, UDPX,
						     FILL(8)), .drop = "ip6_ext_order" },
	{ "8 headers", PKT(ETH(), IP6(), D, D, D, D, D, D, D, D, UDPX), EXT6(118, 17, 8) },
	{ "9 headers", PKT(ETH(), IP6(), D, D, D, D, D, D, D, D, D, UDPX),
	  .drop = "ip6_ext_many" },
	{ "8 headers, then no next header", PKT(ETH(), IP6(), D, D, D, D, D, D, D, D),
	  .l3 = 6, .l4_off = 118, .proto = 59, .flags = SHUNT_PKT_EXT_HEADERS },
	{ "extension header cut after 7 bytes", PKT(ETH(), IP6(.next = 60), FILL(7)),
	  .drop = "ip6_ext_short" },
	{ "extension header without a byte", PKT(ETH(), IP6(.next = 43)),
	  .drop = "ip6_ext_short" },
	{ "extension header's length beyond", PKT(ETH(), IP6(), DSTOPT(.ext_len = 3), UDPX),
	  .drop = "ip6_ext_short" },
	{ "extension header's length just to the end",
	  PKT(ETH(), IP6(), DSTOPT(.ext_len = 1, .next = 253), FILL(8)),
	  .l3 = 6, .l4_off = 70, .proto = 253, .flags = SHUNT_PKT_EXT_HEADERS },
	{ "length beyond, into padding", PKT(ETH(), IP6(.len = 16), DSTOPT(.ext_len = 2), UDPX),
	  .pad = 120, .drop = "ip6_ext_short" },
	{ "second header cut", PKT(ETH(), IP6(), H, DSTOPT(.next = 60), FILL(5)),
	  .drop = "ip6_ext_short" },
	{ "UDP cut behind a header", PKT(ETH(), IP6(), HBH(.next = 17), FILL(7)),
	  .drop = "udp_short" },

	/* ---- IPv6 fragments ---- */
	{ "atomic fragment", PKT(ETH(), IP6(), FRAG(), UDPX), EXT6(62, 17, 8) },
	{ "atomic fragment with reserved bits", PKT(ETH(), IP6(), FRAG(.reserved = 3), UDPX),
	  EXT6(62, 17, 8) },
	{ "first IPv6 fragment", PKT(ETH(), IP6(), FRAG(.more = true), UDPX, FILL(16)),
	  EXT6(62, 17, 24), .frag = SHUNT_FRAG_FIRST },
	{ "first IPv6 fragment, header in it",
	  PKT(ETH(), IP6(), FRAG(.more = true), D, TCPX, FILL(4)), EXT6(70, 6, 24),
	  .frag = SHUNT_FRAG_FIRST },
	{ "first IPv6 fragment of odd length",
	  PKT(ETH(), IP6(), FRAG(.more = true), UDPX, FILL(5)), .drop = "ip6_frag" },
	{ "later IPv6 fragment", PKT(ETH(), IP6(), FRAG(.off = 1448, .next = 17), FILL(13)),
	  .l3 = 6, .l4_off = 62, .l4_len = 13, .proto = 17, .frag = SHUNT_FRAG_LATER,
	  .flags = SHUNT_PKT_EXT_HEADERS },
	{ "later IPv6 fragment of 8 bytes at 8",
	  PKT(ETH(), IP6(), FRAG(.off = 8, .next = 6, .more = true), FILL(8)),
	  .l3 = 6, .l4_off = 62, .l4_len = 8, .proto = 6, .frag = SHUNT_FRAG_LATER,
	  .flags = SHUNT_PKT_EXT_HEADERS },
	{ "later IPv6 fragment, odd length with more",
	  PKT(ETH(), IP6(), FRAG(.off = 1448, .more = true, .next = 17), FILL(13)),
	  .drop = "ip6_frag" },
	{ "later IPv6 fragment: what follows is not looked at",
	  PKT(ETH(), IP6(), FRAG(.off = 800, .next = 60), FILL(3)),
	  .l3 = 6, .l4_off = 62, .l4_len = 3, .proto = 60, .frag = SHUNT_FRAG_LATER,
	  .flags = SHUNT_PKT_EXT_HEADERS },
	{ "IPv6 fragment ends at 65535",
	  PKT(ETH(), IP6(), FRAG(.off = 65528, .next = 17), FILL(7)),
	  .l3 = 6, .l4_off = 62, .l4_len = 7, .proto = 17, .frag = SHUNT_FRAG_LATER,
	  .flags = SHUNT_PKT_EXT_HEADERS },
	{ "IPv6 fragment ends at 65536", PKT(ETH(), IP6(), FRAG(.off = 65528, .next = 17),
					     FILL(8)), .drop = "ip6_frag" },
	{ "IPv6 fragment ends at 65535, with a header in front: 65543",
	  PKT(ETH(), IP6(), H, FRAG(.off = 65528, .next = 17), FILL(7)), .drop = "ip6_frag" },
	{ "second fragment header", PKT(ETH(), IP6(), FRAG(.more = true), FRAG(.more = true),
					UDPX, FILL(8)), .drop = "ip6_frag_twice" },
	{ "second fragment header, both atomic", PKT(ETH(), IP6(), FRAG(), FRAG(), UDPX),
	  .drop = "ip6_frag_twice" },
	{ "first IPv6 fragment cuts TCP", PKT(ETH(), IP6(), FRAG(.more = true, .next = 6),
					      FILL(16)), .drop = "ip6_frag" },
	{ "first IPv6 fragment without transport header: header chain cut",
	  PKT(ETH(), IP6(), FRAG(.more = true), DSTOPT(.ext_len = 3), FILL(8)),
	  .drop = "ip6_frag" },
	{ "first IPv6 fragment without a byte of UDP",
	  PKT(ETH(), IP6(), FRAG(.more = true, .next = 17)), .drop = "ip6_frag" },
	{ "fragment header cut", PKT(ETH(), IP6(.next = 44), FILL(7)), .drop = "ip6_ext_short" },
	{ "fragment header under two tags",
	  PKT(ETH(), VLAN(.id = 1), VLAN(.id = 2), IP6(), FRAG(), UDPX), .l3_off = 22,
	  .l3 = 6, .l4_off = 70, .proto = 17, .l4_len = 8, .vlans = 2,
	  .tpid = { 0x8100, 0x8100 }, .tci = { 1, 2 }, .sport = 1000, .dport = 53,
	  .flags = SHUNT_PKT_L4 | SHUNT_PKT_EXT_HEADERS },
};

#undef D
#undef H
#undef LATER4
#undef OPT4
#undef EXT6
#undef TCPX
#undef UDPX

#define N_PARSE_CASES	(sizeof(parse_cases) / sizeof(parse_cases[0]))

static inline void parse_case_build(const struct parse_case *c, struct pkt *p)
{
	pkt_build(p, c->in);
	if (c->cut)
		pkt_cut(p, c->cut);
	if (c->pad)
		pkt_pad(p, c->pad);
}

#endif
