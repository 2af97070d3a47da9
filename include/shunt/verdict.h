/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* verdict.h - terminals and drop reasons: one list for BPF, control plane and command */
#ifndef SHUNT_VERDICT_H
#define SHUNT_VERDICT_H

/*
 * Where an edge may lead. X(identifier, name in a configuration)
 * "node" is another node of the graph; the rest are terminals.
 */
#define SHUNT_TARGETS(X)						\
	X(UNBOUND, "unbound")						\
	X(NODE, "node")							\
	X(PASS, "pass")							\
	X(DROP, "drop")							\
	X(TX, "tx")							\
	X(REDIRECT, "redirect")						\
	X(BOUNDARY, "boundary")						\
	X(FORWARD, "forward")

/*
 * Drop reasons. X(identifier, name, help)
 * The first six are about graphs, those to 'icmp_short' are what the root's parser refuses: RFC numbers
 * name the rule. The rest are modules' own.
 * Order is ABI: append only.
 */
#define SHUNT_REASONS(X)						\
	X(POLICY, "policy", "a rule or a default verdict said drop")	\
	X(RATE, "rate", "above a limit")				\
	X(MISS, "miss", "a tail call found no program (fail closed)")	\
	X(NO_PORT, "no_port", "redirect to a port that does not exist, or forward to none")	\
	X(INTERNAL, "internal", "a program left by an edge that it does not have") \
	X(META, "meta", "no room for the hand-off to TC")		\
	X(ETH_SHORT, "eth_short", "Ethernet or VLAN header cut off")	\
	X(VLAN_DEPTH, "vlan_depth", "more than two VLAN tags")		\
	X(IP4_SHORT, "ip4_short", "IPv4 header cut off")		\
	X(IP4_VERSION, "ip4_version", "ethertype IPv4, version not 4")	\
	X(IP4_IHL, "ip4_ihl", "IPv4 header length below 5 words or above total length") \
	X(IP4_LEN, "ip4_len", "IPv4 total length above what the frame holds") \
	X(IP4_OPT, "ip4_opt", "IPv4 option malformed, or source routing (RFC 7126)") \
	X(IP4_FRAG, "ip4_frag", "IPv4 fragment beyond 65535, tiny, or with L4 header cut (RFC 1858, 3128)") \
	X(IP6_SHORT, "ip6_short", "IPv6 header cut off")		\
	X(IP6_VERSION, "ip6_version", "ethertype IPv6, version not 6")	\
	X(IP6_LEN, "ip6_len", "IPv6 payload length above what the frame holds") \
	X(IP6_EXT_SHORT, "ip6_ext_short", "IPv6 extension header cut off")	\
	X(IP6_EXT_MANY, "ip6_ext_many", "more than 8 IPv6 extension headers") \
	X(IP6_EXT_ORDER, "ip6_ext_order", "hop-by-hop header not first (RFC 8200 4.1)") \
	X(IP6_FRAG_TWICE, "ip6_frag_twice", "second IPv6 fragment header")	\
	X(IP6_FRAG, "ip6_frag", "IPv6 fragment beyond 65535, odd length, or header chain not in the first (RFC 7112)") \
	X(IP6_RH0, "ip6_rh0", "routing header type 0 (RFC 5095)")	\
	X(TCP_SHORT, "tcp_short", "TCP header cut off")			\
	X(TCP_DOFF, "tcp_doff", "TCP data offset below 5 words or beyond the packet") \
	X(TCP_FLAGS, "tcp_flags", "TCP flags that no stack sends (none, SYN+FIN, SYN+RST, FIN+URG+PSH)") \
	X(UDP_SHORT, "udp_short", "UDP header cut off")			\
	X(UDP_LEN, "udp_len", "UDP length below 8 or beyond the packet") \
	X(SCTP_SHORT, "sctp_short", "SCTP header cut off")		\
	X(ICMP_SHORT, "icmp_short", "ICMP or ICMPv6 header cut off")	\
	X(CT_INVALID, "invalid", "belongs to no flow and cannot begin one") \
	X(NO_FLOW, "no_flow", "a new flow that found no room in the flow table") \
	X(EXHAUSTED, "exhausted", "a new flow for which no address and port is free") \
	X(BAD_COOKIE, "bad_cookie", "without a flow, and no SYN cookie of ours in what it acknowledges") \
	X(CT_LIMIT, "ct_limit", "a new flow that is one more than a rule's 'ct count' lets be") \
	X(NO_BACKEND, "no_backend", "no backend of the service lives")	\
	X(TTL, "ttl", "TTL or hop limit ends here")			\
	X(IP4_SUM, "ip4_sum", "IPv4 header checksum is wrong")		\
	X(TOO_BIG, "too_big", "does not fit on its way")		\
	X(FRAG_LOST, "frag_lost", "a later fragment whose first was not seen") \
	X(TUNNEL, "tunnel", "lengths, version or header of what is in a tunnel are wrong") \
	X(TUNNEL_FRAG, "tunnel_frag", "a fragment of a tunnel's packet") \
	X(TUNNEL_SOURCE, "tunnel_source", "a tunnel from an address that may not send any") \
	X(TUNNEL_ECN, "tunnel_ecn", "met congestion in a tunnel, and cannot say so (RFC 6040 4.2)")

#define SHUNT_TARGET_ENUM(id, name) SHUNT_TARGET_##id,
enum shunt_target { SHUNT_TARGETS(SHUNT_TARGET_ENUM) SHUNT_TARGET_MAX };

#define SHUNT_REASON_ENUM(id, name, help) SHUNT_REASON_##id,
enum shunt_reason { SHUNT_REASONS(SHUNT_REASON_ENUM) SHUNT_REASON_MAX };

#endif
