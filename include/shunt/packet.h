/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* packet.h - what the root knows of a packet, and every node may read */
#ifndef SHUNT_PACKET_H
#define SHUNT_PACKET_H

#include <linux/types.h>

/* How deep a module needs the packet parsed; the root parses the deepest of its graph */
#define SHUNT_DEPTH_L2		2
#define SHUNT_DEPTH_L3		3
#define SHUNT_DEPTH_L4		4
#define SHUNT_DEPTH_MASK	0xf

/* Or-ed to the depth: it goes by VLAN tags; 'status' warns where an offload hides them from XDP */
#define SHUNT_NEEDS_VLAN	0x10

/* shunt_packet.frag */
#define SHUNT_FRAG_NONE		0	/* a whole datagram */
#define SHUNT_FRAG_FIRST	1	/* offset 0, more to come: has ports */
#define SHUNT_FRAG_LATER	2	/* offset above 0: has no ports */

/* shunt_packet.flags */
#define SHUNT_PKT_L4		0x0001	/* sport/dport, flags or type/code are set */
#define SHUNT_PKT_IP_OPTIONS	0x0002	/* IPv4 options other than padding */
#define SHUNT_PKT_EXT_HEADERS	0x0004	/* IPv6 extension headers */
#define SHUNT_PKT_VLAN_META	0x0008	/* vlan_tci[0] is in skb metadata, not in the frame */
#define SHUNT_PKT_HANDOFF	0x0010	/* came over a boundary: mark and hash are the XDP side's */
#define SHUNT_PKT_HASHED	0x0020	/* hash is set */

/* shunt_packet.ext_headers; ESP and MH end the walk, they are protocols */
#define SHUNT_EXT_HBH		0x01
#define SHUNT_EXT_DST		0x02
#define SHUNT_EXT_RT		0x04
#define SHUNT_EXT_FRAG		0x08
#define SHUNT_EXT_AH		0x10

/* shunt_packet.ct_state, by module 'conntrack'. X(identifier, name in a rule) */
#define SHUNT_CT_STATES(X)						\
	X(NONE, "none")		/* no such module has seen the packet */ \
	X(NEW, "new")							\
	X(ESTABLISHED, "established")	/* the flow has seen packets both ways */ \
	X(RELATED, "related")	/* an ICMP error about a flow */	\
	X(INVALID, "invalid")	/* belongs to no flow and cannot begin one */ \
	X(UNTRACKED, "untracked")	/* a rule said 'notrack' */
#define SHUNT_CT_ENUM(id, name) SHUNT_CT_##id,
enum shunt_ct_state { SHUNT_CT_STATES(SHUNT_CT_ENUM) SHUNT_CT_MAX };

/* shunt_packet.ct_flags */
#define SHUNT_CT_REPLY		0x01	/* goes against the direction of the flow's first packet */
#define SHUNT_CT_NAT		0x02	/* of a flow whose packets are translated */
#define SHUNT_CT_QUOTED		0x04	/* RELATED: 'flow' is that of the packet that is quoted */
#define SHUNT_CT_ZONED		0x10	/* ct_zone is what a rule said: the next node 'conntrack' keeps it */
#define SHUNT_CT_PROXIED	0x08	/* of a flow that module 'synproxy' opened, or is about to */

#define SHUNT_CT_LIMITS		4	/* that can count one flow */

/*
 * What a rejected packet is answered with. X(identifier, name in a rule, ICMP code, ICMPv6 code);
 * a code of -1: that family has no such answer
 */
#define SHUNT_REJECTS(X)						\
	X(PORT, "port-unreachable", 3, 4)				\
	X(TCP_RESET, "tcp reset", -1, -1)				\
	X(NET, "net-unreachable", 0, -1)				\
	X(HOST, "host-unreachable", 1, 3)				\
	X(PROT, "prot-unreachable", 2, -1)				\
	X(NET_PROHIBITED, "net-prohibited", 9, -1)			\
	X(HOST_PROHIBITED, "host-prohibited", 10, -1)			\
	X(ADMIN_PROHIBITED, "admin-prohibited", 13, 1)			\
	X(NO_ROUTE, "no-route", 0, 0)					\
	X(ADDR, "addr-unreachable", -1, 3)				\
	X(POLICY_FAIL, "policy-fail", -1, 5)				\
	X(REJECT_ROUTE, "reject-route", -1, 6)
#define SHUNT_REJECT_ENUM(id, name, code4, code6) SHUNT_REJECT_##id,
enum shunt_reject { SHUNT_REJECTS(SHUNT_REJECT_ENUM) SHUNT_REJECT_MAX };

/* Wire order. An IPv4 address is in v4, behind ::ffff: (RFC 4291 2.5.5.2): no two are alike */
struct shunt_addr {
	union {
		struct {
			__be32	v4_prefix[3];	/* 0, 0, 0xffff */
			__be32	v4;
		};
		__be32	word[4];
		__u64	half[2];
	};
};

_Static_assert(sizeof(struct shunt_addr) == 16, "ABI");

/*
 * A constant that is an array of these takes a list of addresses and prefixes. 'open' has the bits that
 * are behind the prefix; an element that is all zero is behind the last one of the list.
 */
struct shunt_prefix {
	struct shunt_addr addr, open;
};

_Static_assert(sizeof(struct shunt_prefix) == 32, "ABI");

/**
 * struct shunt_packet - Packet context
 * Cleared and filled by the root; lives in a slot of this CPU until the packet
 * leaves the graph. Holds offsets, never pointers: get bytes by shunt_header().
 */
struct shunt_packet {
	__u32	generation;	/* of the graph that this packet is in */
	__u32	ifindex;	/* where it came in (xdp, tc-ingress) or goes out (tc-egress) */
	__u32	len;		/* bytes from the Ethernet header; of all segments before GSO */
	__u32	mark;		/* for modules to agree on; crosses a boundary; not skb->mark */
	__u16	l3_off;		/* bytes from the Ethernet header */
	__u16	l4_off;		/* same; 0: no L4 header in this packet */
	__u32	l4_len;		/* bytes from l4_off to the end of the IP packet, no padding */
	__be16	eth_type;	/* after VLAN tags */
	__u8	vlans;		/* number of tags, 0 to 2 */
	__u8	l3;		/* 4, 6, or 0: not IP */
	__be16	vlan_tpid[2];	/* outer first */
	__u16	vlan_tci[2];	/* host order: pcp 3, dei 1, vid 12 */
	__u8	proto;		/* IPPROTO_*; the last of the IPv6 chain; valid in fragments too */
	__u8	frag;		/* SHUNT_FRAG_* */
	__u8	tcp_flags;	/* byte 13 of the TCP header */
	__u8	ttl;		/* or hop limit */
	__u8	tos;		/* or traffic class */
	__u8	icmp_type;
	__u8	icmp_code;
	__u8	reason;		/* enum shunt_reason, once dropped */
	__be16	sport;		/* TCP, UDP, SCTP; 0 without SHUNT_PKT_L4 */
	__be16	dport;
	__u16	flags;		/* SHUNT_PKT_* */
	__u8	ext_headers;	/* SHUNT_EXT_*: IPv6 extension headers that were walked over */
	__u8	reject;		/* SHUNT_REJECT_*: the answer that module 'reject' sends */
	__u32	hash;		/* by the module that sets SHUNT_PKT_HASHED; crosses a boundary */
	__u64	now_ns;		/* by shunt_now_ns(): CLOCK_MONOTONIC, read at most once a packet */
	struct shunt_addr saddr;
	struct shunt_addr daddr;
	__u32	flow;		/* its slot in the flow table, + 1 (lib/conntrack.h); 0: none */
	__u32	ct_mark;	/* the flow's; of a new one: what it is to have */
	__u16	ct_zone;
	__u16	dnat;		/* translation of the destination that a new flow is to have, + 1; 0: none */
	__u16	snat;		/* of the source */
	__u8	ct_state;	/* SHUNT_CT_* */
	__u8	ct_flags;	/* SHUNT_CT_REPLY, ... */
	__u8	ct_policy;	/* timeouts that a new flow is to have; 0: the usual ones */
	__u8	ct_scale;	/* of a new flow that is PROXIED, as its entry has it (lib/conntrack.h) */
	__u8	ct_up;		/* same */
	__u8	ct_pad;
	__u32	user[3];	/* for modules of one graph to agree on */
	/* ---- 128 bytes: what few packets have ---- */
	__u32	ct_limit[SHUNT_CT_LIMITS];	/* who are to count a new flow (lib/conntrack_limit.h); 0: none */
	__u32	ct_delta;	/* of a new flow that is PROXIED, as its entry has it */
	__u32	ct_ts_delta;	/* same */
	__u32	out;		/* interface that terminal 'forward' sends it out by; 0: none */
	__u32	pad;
};

_Static_assert(sizeof(struct shunt_packet) == 160, "ABI");

#endif
