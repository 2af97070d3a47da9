/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * nft_rules.h - rules that nft and shunt read alike, for nft_test.c
 *
 * DOC: What differs on purpose, and what stands for it at nft's side:
 * 'th' is TCP, UDP and SCTP here, the bytes behind any transport header there.
 * 'ether type' is the type behind the tags; that is nft's 'meta protocol'.
 * 'frag' is not nft's; it has the fields.
 * 'ip6 nexthdr' is the last protocol of the chain here, the first header there: packets with
 * extension headers are not compared for it (nft_rule.first).
 * 'meta nfproto' is none of the netdev family.
 * Rules on the transport header read the payload of later fragments there (a short way of the
 * kernel's does not look at the offset): later fragments are not compared for them.
 * 'ether daddr' in front of 'ip' asks for the type at its place there, and so for frames without a
 * tag: behind 'ip' it does not.
 * Not compared at all: ARP, which shunt's rules never see, and frames with two tags, of which nft's
 * netdev family knows no IP.
 */
#ifndef TESTS_PACKET_NFT_RULES_H
#define TESTS_PACKET_NFT_RULES_H

#define NFT_OPERANDS	16

/* Each operand is a rule: "FIELD OPERAND", at nft's side "NFT OPERAND" */
struct nft_group {
	const char *field;
	const char *nft;		/* NULL: the same */
	const char *operand[NFT_OPERANDS];
};

#define NFT_PORTS "22", "!= 22", "1024-65535", "!= 0-1023", "{ 22, 80, 443 }", "!= { 22, 80 }", \
		  "{ 53, 1000-1024 }", "65535", "0-255", "@ports", "!= @ports"

static const struct nft_group nft_groups[] = {
	{ "tcp sport", NULL, { NFT_PORTS } },
	{ "tcp dport", NULL, { NFT_PORTS } },
	{ "udp sport", NULL, { NFT_PORTS } },
	{ "udp dport", NULL, { NFT_PORTS } },
	{ "sctp sport", NULL, { "22", "!= 80", "1-1024", "{ 53, 443 }" } },
	{ "sctp dport", NULL, { "22", "!= 80", "1-1024", "{ 53, 443 }" } },
	{ "th sport", "meta l4proto { tcp, udp, sctp } th sport",
	  { "22", "!= 22", "256-1024", "!= 256-1024", "{ 53, 80-443 }", "@ports" } },
	{ "th dport", "meta l4proto { tcp, udp, sctp } th dport",
	  { "22", "!= 22", "256-1024", "!= 256-1024", "{ 53, 80-443 }", "@ports" } },
	{ "ip saddr", NULL,
	  { "10.0.0.1", "!= 10.0.0.1", "10.0.1.0/24", "!= 10.0.0.0/23", "10.0.0.3-10.0.0.6",
	    "!= 10.0.0.1-10.0.2.7", "{ 10.0.0.1, 10.0.1.0/30, 10.0.2.2-10.0.2.5 }",
	    "!= { 10.0.0.0/24, 10.0.3.0/25 }", "@nets", "!= @nets", "10.0.0.0/29" } },
	{ "ip daddr", NULL,
	  { "10.0.0.2", "!= 10.0.0.2", "10.0.2.0/23", "!= 10.0.1.0/24", "10.0.0.7-10.0.1.2",
	    "!= 10.0.0.0-10.0.1.255", "{ 10.0.0.0/31, 10.0.3.7, 10.0.1.1-10.0.1.6 }",
	    "!= { 10.0.0.1, 10.0.0.3, 10.0.0.5 }", "@nets", "!= @nets", "0.0.0.0-10.0.0.255" } },
	{ "ip6 saddr", NULL,
	  { "2001:db8::1", "!= 2001:db8::1", "2001:db8::1:0/120", "!= 2001:db8::/119",
	    "2001:db8::3-2001:db8::6", "!= 2001:db8::1-2001:db8::1:7",
	    "{ 2001:db8::1, 2001:db8::1:0/126, 2001:db8::2:2-2001:db8::2:5 }",
	    "!= { 2001:db8::/120, 2001:db8::3:0/121 }", "@nets6", "!= @nets6", "2001:db8::/32" } },
	{ "ip6 daddr", NULL,
	  { "2001:db8::2", "!= 2001:db8::2", "2001:db8::2:0/111", "!= 2001:db8::1:0/120",
	    "2001:db8::7-2001:db8::1:2", "!= ::-2001:db8::1:ff",
	    "{ 2001:db8::/127, 2001:db8::3:7, 2001:db8::1:1-2001:db8::1:6 }",
	    "!= { 2001:db8::1, 2001:db8::3, 2001:db8::5 }", "@nets6", "!= @nets6", "fd00::/8" } },
	{ "ip protocol", NULL,
	  { "tcp", "!= tcp", "{ tcp, udp }", "!= { tcp, udp, icmp }", "1-16", "gre", "132" } },
	{ "ip6 nexthdr", NULL,
	  { "tcp", "!= tcp", "{ tcp, udp }", "!= { tcp, udp, icmpv6 }", "icmpv6", "1-57" } },
	{ "meta l4proto", NULL,
	  { "tcp", "!= tcp", "{ tcp, udp }", "!= { tcp, udp }", "1-16", "{ icmp, icmpv6 }", "sctp",
	    "47", "!= 0-100" } },
	{ "tcp flags", NULL,
	  { "syn", "== syn", "!= syn", "& (syn|ack) == syn", "& (syn|ack) != syn",
	    "& (fin|syn|rst|psh|ack|urg) == ack", "& ack == ack", "& fin != fin", "fin|rst",
	    "== syn|ack", "& (psh|urg) == 0", "syn / syn,ack", "! ack", "== 0x10", "cwr",
	    "ecn" } },
	{ "icmp type", NULL,
	  { "echo-request", "!= echo-request", "{ echo-request, echo-reply }", "3-5",
	    "!= { destination-unreachable, time-exceeded }", "13" } },
	{ "icmp code", NULL, { "0", "!= 0", "1-3", "{ 2, 4 }" } },
	{ "icmpv6 type", NULL,
	  { "echo-request", "!= echo-request", "{ echo-request, echo-reply }", "133-136",
	    "nd-neighbor-solicit", "!= { nd-router-advert, packet-too-big }" } },
	{ "icmpv6 code", NULL, { "0", "!= 0", "1-3", "{ 2, 4 }" } },
	{ "ip length", NULL,
	  { "28", "!= 28", "28-40", "!= 28-60", "{ 40, 44-50 }", "41-65535", "0-39" } },
	{ "ip6 length", NULL, { "8", "!= 20", "8-24", "!= 0-24", "{ 20, 28-40 }", "25-65535" } },
	{ "ip dscp", NULL, { "cs1", "!= cs1", "af11", "{ cs1, ef, 63 }", "!= { 0, ef }", "1-10",
			     "0" } },
	{ "ip6 dscp", NULL, { "cs1", "!= cs1", "af11", "{ cs1, ef, 63 }", "!= { 0, ef }", "1-10",
			      "0" } },
	{ "ip ttl", NULL, { "64", "!= 64", "1-63", "{ 1, 255 }", "!= { 1, 64 }", "65-255" } },
	{ "ip6 hoplimit", NULL, { "64", "!= 64", "1-63", "{ 1, 255 }", "!= { 1, 64 }",
				  "65-255" } },
	{ "exthdr", NULL, { "hbh exists", "hbh missing", "dst exists", "dst missing", "rt exists",
			    "rt missing", "frag exists", "frag missing" } },
	{ "ether saddr", NULL,
	  { "02:00:00:00:00:10", "!= 02:00:00:00:00:11", "02:00:00:00:01:00-02:00:00:00:01:ff",
	    "{ 02:00:00:00:00:20, 02:00:00:00:02:22 }",
	    "!= 02:00:00:00:00:80-02:00:00:00:02:80" } },
	{ "ether daddr", NULL,
	  { "02:00:00:00:00:02", "!= 02:00:00:00:00:02", "02:00:00:00:00:03-02:00:00:00:01:00",
	    "{ 02:00:00:00:00:02, ff:ff:ff:ff:ff:ff }", "01:00:5e:00:00:00-01:00:5e:7f:ff:ff" } },
	{ "ether type", "meta protocol", { "ip", "ip6", "!= ip", "{ ip, 0x88b5 }", "0x88b5" } },
	{ "vlan id", NULL, { "7", "!= 7", "1-7", "{ 8, 100-200 }", "4095", "0" } },
	{ "vlan pcp", NULL, { "0", "!= 0", "3", "{ 1, 7 }", "4-7" } },
	{ "meta mark", NULL, { "0x15", "!= 0x15", "0", "& 0x10 == 0x10", "1-32", "{ 1-3, 0x15 }" } },
	{ "ip protocol tcp @nh,64,8", NULL, { "64", "!= 64", "1-63" } },
	{ "ip ttl 1-255 @nh,96,32", NULL,
	  { "0x0a000001", "& 0xffffff00 == 0x0a000100", "0x0a000000-0x0a0000ff" } },
	{ "meta l4proto udp @th,16,16", NULL, { "53", "!= 53", "{ 22, 80 }", "1024-65535" } },
	{ "tcp dport 0-65535 @th,104,8", NULL, { "& 0x12 == 0x02", "0x10", "& 0x04 != 0" } },
	{ "@ll,0,48", NULL, { "0x020000000002", "!= 0x020000000002" } },
	{ "ip saddr . tcp dport", NULL,
	  { "{ 10.0.0.1 . 22, 10.0.0.2 . 80, 10.0.1.1 . 443 }",
	    "{ 10.0.0.0/24 . 0-1023, 10.0.1.0/24 . 80, 10.0.2.2-10.0.2.6 . 1024-65535 }" } },
	{ "ip saddr . ip daddr . meta l4proto", NULL,
	  { "{ 10.0.0.1 . 10.0.0.2 . tcp, 10.0.0.0/23 . 10.0.0.0/22 . udp }",
	    "{ 10.0.0.0/22 . 10.0.0.3 . 1-16, 10.0.0.3 . 10.0.0.0/22 . 17 }" } },
	{ "ip6 saddr . udp dport", NULL,
	  { "{ 2001:db8::1 . 53, 2001:db8::2 . 53, 2001:db8::3 . 53, 2001:db8::4 . 53, "
	    "2001:db8::5 . 80, 2001:db8::6 . 80, 2001:db8::7 . 80, 2001:db8:: . 80 }",
	    "{ 2001:db8::/120 . 1-1023, 2001:db8::1:0/120 . 443 }" } },
	{ "meta l4proto . th dport", NULL, { "{ tcp . 22, udp . 53, tcp . 80, sctp . 443 }" } },
	{ "tcp sport . tcp dport", NULL, { "{ 22 . 80, 0-1023 . 1024-65535, 443 . 443 }" } },
	{ "ip daddr . udp sport", NULL, { "@pairs", "!= @pairs" } },
};

/* Several matches, whole as they are; nft's text where it is another */
static const struct {
	const char *ours, *nft;
} nft_whole[] = {
	{ "meta nfproto ipv4 frag none", "meta protocol ip ip frag-off & 0x3fff == 0" },
	{ "meta nfproto ipv4 frag later", "meta protocol ip ip frag-off & 0x1fff != 0" },
	{ "meta nfproto ipv4 frag first", "meta protocol ip ip frag-off & 0x3fff == 0x2000" },
	{ "meta nfproto ipv6 frag later", "frag frag-off != 0" },
	{ "meta nfproto ipv6 frag first", "frag frag-off 0 frag more-fragments 1" },
	{ "ip saddr 10.0.0.0/24 tcp dport 22", 0 },
	{ "ip saddr 10.0.0.0/24 tcp dport { 22, 80 } tcp flags & (syn|ack) == syn", 0 },
	{ "ip saddr 10.0.0.0/23 ip daddr 10.0.0.0/23 udp dport 53", 0 },
	{ "ip saddr != 10.0.0.0/23 ip daddr != 10.0.0.0/23 meta l4proto udp", 0 },
	{ "ip saddr @nets ip daddr @nets", 0 },
	{ "ip saddr @nets tcp dport @ports", 0 },
	{ "ip saddr != @nets tcp dport != @ports", 0 },
	{ "ip6 saddr @nets6 tcp dport @ports", 0 },
	{ "ip6 saddr 2001:db8::/120 udp dport 0-1023", 0 },
	{ "ip6 saddr 2001:db8::/119 ip6 daddr 2001:db8::/110 meta l4proto tcp", 0 },
	{ "ip6 daddr 2001:db8::/119 icmpv6 type echo-request", 0 },
	{ "ip saddr 10.0.0.0/22 icmp type echo-request icmp code 0", 0 },
	{ "ip ttl 64 tcp dport 80", 0 },
	{ "ip ttl != 64 ip dscp != 0", 0 },
	{ "ip length 28-100 udp sport 53", 0 },
	{ "ip length 40-48 tcp flags syn", 0 },
	{ "ip dscp ef udp dport 0-65535", 0 },
	{ "ip6 hoplimit 64 ip6 dscp 0 tcp dport 0-1024", 0 },
	{ "ip6 length 8-60 udp dport 53", 0 },
	{ "exthdr hbh exists tcp dport 0-65535", 0 },
	{ "exthdr dst exists exthdr hbh missing", 0 },
	{ "exthdr frag exists udp dport 0-65535", 0 },
	{ "exthdr frag missing meta l4proto tcp", 0 },
	{ "exthdr rt exists ip6 hoplimit 1-64", 0 },
	{ "vlan id 7 ip saddr 10.0.0.0/22", 0 },
	{ "vlan id 1-100 tcp dport 80", 0 },
	{ "vlan pcp 3 vlan id != 7", 0 },
	{ "vlan id 0-4095 ip6 saddr 2001:db8::/32", 0 },
	{ "ether daddr 02:00:00:00:00:02 tcp dport 22", 0 },
	{ "ether daddr ff:ff:ff:ff:ff:ff udp dport 0-65535", 0 },
	{ "ether daddr 02:00:00:00:00:02 ip saddr 10.0.0.0/23 ip ttl 64",
	  "ip saddr 10.0.0.0/23 ip ttl 64 ether daddr 02:00:00:00:00:02" },
	{ "meta mark 0x15 tcp dport 0-1023", 0 },
	{ "meta mark 0x15 ip saddr 10.0.0.0/24", 0 },
	{ "meta mark != 0x15 udp dport 53", 0 },
	{ "tcp sport 1024-65535 tcp dport { 22, 80, 443 } ip daddr 10.0.0.0/22", 0 },
	{ "tcp flags & (syn|rst|fin) == rst ip saddr 10.0.0.0/22", 0 },
	{ "udp sport 53 udp dport 1024-65535", 0 },
	{ "udp sport != 53 udp dport != { 53, 80 } ip daddr 10.0.0.0/24", 0 },
	{ "sctp sport 0-65535 sctp dport 443 ip saddr 10.0.0.0/22", 0 },
	{ "tcp dport 1-1000 tcp dport != 80 tcp sport 0-1000", 0 },
};

/*
 * Matches and statements on flows, as texts: whether they are some here, and to nft. Apart on purpose:
 * 'per' is ours; a flow has no 'expected' and no 'dying' here; in Linux it has bits that rules do not name, so
 * that without a mask '==' would never hold
 */
static const struct nft_flow {
	const char *rule;
	bool here, there;
} nft_flows[] = {
	{ "ct status dnat", true, true },
	{ "ct status seen-reply,assured", true, true },
	{ "ct status seen-reply | assured", true, true },
	{ "ct status ! confirmed", true, true },
	{ "ct status & (snat | dnat) == snat", true, true },
	{ "ct status & dnat != 0", true, true },
	{ "ct status snat / snat,dnat", true, true },
	{ "ct status != assured / seen-reply,assured", true, true },
	{ "ct status == snat", false, true },
	{ "ct status != snat", false, true },
	{ "ct status expected", false, true },
	{ "ct status nothing", false, false },
	{ "ct status", false, false },
	{ "ct zone 5", true, true },
	{ "ct zone != 5", true, true },
	{ "ct zone { 5, 7 }", true, true },
	{ "ct zone 1-9", true, true },
	{ "ct zone < 10", true, true },
	{ "ct zone 65535", true, true },
	{ "ct zone 65536", false, false },
	{ "ct zone set 5", true, true },
	{ "ct zone set 65535", true, true },
	{ "ct zone set 65536", false, false },
	{ "ct zone set", false, false },
	{ "ct count over 20", true, true },
	{ "ct count 20", true, true },
	{ "tcp dport 22 ct count over 5", true, true },
	{ "ct count over 20 per saddr", true, false },
	{ "ct count 20 per daddr/24,/64", true, false },
	{ "ct count over", false, false },
	{ "ct count over -1", false, false },
	{ "ct count over 20 30", false, false },
	{ "ct count until 20", false, false },
};

#endif
