/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * conntrack.h - the flow table: what programs and user space agree on
 *
 * DOC: One table for all graphs, one for each family. A flow is found from either
 * direction by one key: its two ends, the lesser one (as numbers in host order: address, then
 * port) first. A flow whose packets are translated has a second entry, under the
 * key of its replies, which leads to the first.
 *
 * A key's hash chooses two buckets of seven slots and a tag of 8 bits. 'ct_tags' has a word
 * for each bucket: seven tags, 0 where the slot is free, and in the highest byte how many flows that
 * this bucket was the first choice of live in their second one (255: it is not known any
 * more). So a lookup reads one word, mostly one entry of one cache line, and the second bucket's
 * word only where flows have spilled. A new flow takes its first bucket while that
 * has CONNTRACK_CROWDED slots taken at most, else the emptier of the two; and there the slot that
 * its hash names, if it is free: a lookup begins with that one, and does not wait for the word. There
 * are CONNTRACK_ROOM slots for three flows: of a million some five find both buckets full, a tenth spill.
 *
 * No locks. Life is one word, changed by compare-and-swap only: when the flow expires, its state,
 * flags, and a generation that grows with each use of the slot. An entry whose state
 * is NONE, or whose life is over, is not there, whatever its key says.
 * In comes a flow in three steps: a slot whose tag is 0 and whose state is NONE without CLAIMED (or
 * one whose life is over, with its tag) is claimed: life to NONE with CLAIMED. The entry is
 * filled, and its life stored. Then the tag is put into the bucket's word by
 * compare-and-swap from the word in which the key was not found; of a flow that
 * spills, the first bucket's word is then counted up in the same way. So two CPUs with the
 * same new flow see each other: who comes second finds the word changed, and looks again.
 * Out: life from what was seen to state NONE, then the tag is cleared, and of a
 * spilled flow the first bucket's word counted down; who has taken the life does the rest.
 * User space (kernel/flows.c) has the tables mapped and does as programs do.
 *
 * When both buckets are full: a flow whose life is over goes first, then one that has seen no
 * reply; one that has stays, and the new one is refused (config 'full').
 *
 * Time is in jiffies, low 32 bits, compared by the sign of the difference.
 */
#ifndef SHUNT_LIB_CONNTRACK_H
#define SHUNT_LIB_CONNTRACK_H

#include <linux/types.h>

#include <shunt/packet.h>

#define CONNTRACK_FLOWS_MAX	10000000U	/* of a family */
#define CONNTRACK_WAYS		7		/* slots of a bucket */
#define CONNTRACK_CROWDED	4
#define CONNTRACK_ROOM		5		/* slots for 3 flows */
#define CONNTRACK_POLICIES	16		/* sets of timeouts; 0: the usual ones */

/*
 * States of a flow. X(identifier, name: of its timeout, too, default seconds)
 * TCP: RFC 9293 3.3.2 as a middle box sees both ends: the names are those of the end that is furthest.
 * UNACKED: picked up in the middle, and not confirmed by the other end yet.
 */
#define CONNTRACK_STATES(X)						\
	X(NONE, "none", 0)						\
	X(TCP_SYN_SENT, "tcp-syn-sent", 120)				\
	X(TCP_SYN_SENT2, "tcp-syn-sent2", 120)	/* a SYN from either end */ \
	X(TCP_SYN_RECV, "tcp-syn-recv", 60)				\
	X(TCP_ESTABLISHED, "tcp-established", 432000)			\
	X(TCP_UNACKED, "tcp-unacked", 300)				\
	X(TCP_FIN_WAIT, "tcp-fin-wait", 120)	/* one end has sent FIN */ \
	X(TCP_CLOSE_WAIT, "tcp-close-wait", 60)	/* and the other has acknowledged it */ \
	X(TCP_LAST_ACK, "tcp-last-ack", 30)	/* both have sent FIN */ \
	X(TCP_TIME_WAIT, "tcp-time-wait", 120)	/* both are acknowledged */ \
	X(TCP_CLOSE, "tcp-close", 10)		/* reset */		\
	X(UDP_UNREPLIED, "udp-unreplied", 30)				\
	X(UDP_REPLIED, "udp-replied", 120)				\
	X(SCTP_OPENING, "sctp-opening", 30)				\
	X(SCTP_ESTABLISHED, "sctp-established", 432000)			\
	X(SCTP_CLOSING, "sctp-closing", 10)				\
	X(ICMP, "icmp", 30)						\
	X(OTHER_UNREPLIED, "other-unreplied", 600)			\
	X(OTHER_REPLIED, "other-replied", 600)
#define CONNTRACK_STATE_ENUM(id, name, seconds) CONNTRACK_##id,
enum conntrack_state { CONNTRACK_STATES(CONNTRACK_STATE_ENUM) CONNTRACK_STATE_MAX };

/* ---- life: expires 0-31, state 32-39, flags 40-55, generation 56-63 ---- */
#define CONNTRACK_STATE_SHIFT	32
#define CONNTRACK_FLAGS_SHIFT	40
#define CONNTRACK_GEN_SHIFT	56

#define CONNTRACK_SECOND	0x0001	/* the originator is the key's end 1 */
#define CONNTRACK_REPLIED	0x0002	/* packets went both ways */
#define CONNTRACK_ASSURED	0x0004	/* not to be evicted: TCP was established, UDP goes on */
#define CONNTRACK_FIN_ORIG	0x0008	/* the originator has sent FIN */
#define CONNTRACK_FIN_REPLY	0x0010	/* the other end has */
#define CONNTRACK_SNAT		0x0020	/* the originator's address or port is another outside */
#define CONNTRACK_DNAT		0x0040	/* the destination's */
#define CONNTRACK_PEER		0x0080	/* the entry under the replies' key: 'other' is the flow */
#define CONNTRACK_PICKED_UP	0x0100	/* its beginning was not seen */
#define CONNTRACK_SPILLED	0x0200	/* lives in its second bucket */
#define CONNTRACK_CLAIMED	0x0800	/* state NONE: neither there nor free, somebody fills it */
#define CONNTRACK_PROXIED	0x0400	/* opened by module synproxy: its ends have other numbers */

/*
 * What rules ask of a flow's flags: 'ct status'. Bits are Linux's (IPS_*), so that numbers mean the same.
 * X(identifier, name, bit)
 */
#define CONNTRACK_STATUSES(X)						\
	X(SEEN_REPLY, "seen-reply", 1)					\
	X(ASSURED, "assured", 2)					\
	X(CONFIRMED, "confirmed", 3)	/* is in the table */		\
	X(SNAT, "snat", 4)						\
	X(DNAT, "dnat", 5)
#define CONNTRACK_STATUS_ENUM(id, name, bit) CONNTRACK_STATUS_##id = 1 << bit,
enum conntrack_status { CONNTRACK_STATUSES(CONNTRACK_STATUS_ENUM) };

#define CONNTRACK_STATUS_KNOWN	0x3e
/* @flags: of a flow that is in the table */
#define CONNTRACK_STATUS(flags)						\
	(((flags) & (CONNTRACK_REPLIED | CONNTRACK_ASSURED)) | CONNTRACK_STATUS_CONFIRMED | \
	 ((flags) & (CONNTRACK_SNAT | CONNTRACK_DNAT)) >> 1)

_Static_assert((int)CONNTRACK_STATUS_SEEN_REPLY == CONNTRACK_REPLIED &&
	       (int)CONNTRACK_STATUS_ASSURED == CONNTRACK_ASSURED &&
	       CONNTRACK_STATUS_SNAT == CONNTRACK_SNAT >> 1 &&
	       CONNTRACK_STATUS_DNAT == CONNTRACK_DNAT >> 1, "CONNTRACK_STATUS()");

/*
 * ---- entries ----
 * Ports: TCP, UDP, SCTP: theirs; ICMP queries: the id at both ends, and 'kind' tells
 * which; all else 0.
 */
#define CONNTRACK_KIND_ECHO	1	/* of ICMP: 8 and 0, of ICMPv6: 128 and 129 */
#define CONNTRACK_KIND_TIME	2	/* 13, 14 */
#define CONNTRACK_KIND_MASK	3	/* 17, 18 */
#define CONNTRACK_KIND_BITS	0x0f	/* which of them */
#define CONNTRACK_KIND_SECOND	0x80	/* the key's end 1 asks: else two ends that ask with one id were one flow */

struct conntrack_flow {			/* what both families' entries begin with */
	__u64	life;
	__u32	mark;
	__u32	other;			/* slot + 1 of the second entry (PEER: of the first); 0: none */
	/* One aligned word, which module synproxy changes as a whole. PROXIED: */
	__u32	delta;			/* added to sequence numbers of replies; WAITING: the cookie */
	__u8	policy;			/* timeouts */
	__u8	proxy;			/* enum conntrack_proxy */
	__s8	scale;			/* shift for windows of replies; WAITING: what the client was told */
	__u8	up;			/* shift that the originator has announced, and UNSCALE */
};

#define CONNTRACK_PROXY_UNSCALE	0x80	/* up: the server has no scale, so windows are shifted for it */

/* How far a flow is that is PROXIED. 'delta' and the like are differences once it is OPEN */
enum conntrack_proxy {
	CONNTRACK_PROXY_NONE,
	CONNTRACK_PROXY_WAITING,	/* the server has not answered */
	CONNTRACK_PROXY_LEARNING,	/* its answer is at work */
	CONNTRACK_PROXY_OPEN,
};

struct conntrack_key4 {
	__be32	addr[2];
	__be16	port[2];
	__u8	proto;
	__u8	kind;
	__u16	zone;
};

struct conntrack_key6 {
	struct shunt_addr addr[2];
	__be16	port[2];
	__u8	proto;
	__u8	kind;
	__u16	zone;
};

/* Translated flows: the ends as on the other side, in the key's order of the originator, target */
struct conntrack_flow4 {
	struct conntrack_flow flow;
	struct conntrack_key4 key;
	__be32	nat_addr[2];		/* 0: originator, 1: destination */
	__be16	nat_port[2];
	__u32	since;			/* jiffies of the first packet */
	__u32	pad;
	__u32	ts_delta;		/* PROXIED: added to timestamps of replies; WAITING: our own */
};

struct conntrack_flow6 {
	struct conntrack_flow flow;
	struct conntrack_key6 key;
	struct shunt_addr nat_addr[2];
	__be16	nat_port[2];
	__u32	since;
	__u32	ts_delta;
	__u32	pad[4];
};

_Static_assert(sizeof(struct conntrack_flow) == 24, "ABI");
_Static_assert(__builtin_offsetof(struct conntrack_flow, delta) == 16, "an aligned word");
_Static_assert(sizeof(struct conntrack_key4) == 16, "ABI");
_Static_assert(sizeof(struct conntrack_key6) == 40, "ABI");
_Static_assert(sizeof(struct conntrack_flow4) == 64, "a cache line");
_Static_assert(sizeof(struct conntrack_flow6) == 128, "key and life in the first line");

/* X(identifier, name) */
#define CONNTRACK_TABLES(X)						\
	X(TAGS4, "ct_tags4")						\
	X(TAGS6, "ct_tags6")						\
	X(FLOWS4, "ct_flows4")						\
	X(FLOWS6, "ct_flows6")						\
	X(COUNTS4, "ct_counts4")					\
	X(COUNTS6, "ct_counts6")					\
	X(SEQS4, "ct_seqs4")						\
	X(SEQS6, "ct_seqs6")						\
	X(LIMITS4, "ct_limits4")					\
	X(LIMITS6, "ct_limits6")					\
	X(COUNTED, "ct_counted")					\
	X(CONF, "ct_conf")						\
	X(STATS, "ct_stats")						\
	X(EVENTS, "ct_events")						\
	X(FRAGS4, "ct_frags4")						\
	X(FRAGS6, "ct_frags6")
#define CONNTRACK_TABLE_ENUM(id, name) CONNTRACK_TABLE_##id,
enum conntrack_table { CONNTRACK_TABLES(CONNTRACK_TABLE_ENUM) CONNTRACK_TABLE_MAX };

/*
 * ---- tables, shared by all programs ----
 * ct_tags4, ct_tags6	array of __u64, by bucket
 * ct_flows4, ct_flows6	array of entries, by slot: bucket * WAYS + way
 * ct_counts4, ct_counts6 array of struct conntrack_counts, by slot; one element where they are off
 * ct_seqs4, ct_seqs6	array of struct conntrack_seqs, by slot; one element where 'window' is off
 * ct_limits4, ct_limits6 array of struct conntrack_limits, by slot; one element while no rule counts
 * ct_counted		array of struct conntrack_counted_bucket (conntrack_limit.h); the same
 * ct_conf		array of one struct conntrack_conf
 * ct_stats		array of struct conntrack_stats, by CPU; user space has the element behind the last
 * ct_frags4, ct_frags6	LRU hash of datagrams whose fragments are under way
 */
struct conntrack_counts {		/* by direction: 0 is the originator's */
	__u64	packets[2];
	__u64	bytes[2];
};

/* RFC 9293 3.4 and 3.10.7, as van Rooij, 'Real stateful TCP packet filtering in IP Filter' (2000) */
struct conntrack_seqs {			/* by direction of who sends */
	__u32	end[2];			/* highest sequence number sent, + 1 */
	__u32	max_end[2];		/* highest that the other end has let it send */
	__u32	window[2];		/* largest that it has announced, scaled */
	__u8	scale[2];		/* shift; 15: not negotiated yet */
	__u8	pad[6];
};

struct conntrack_limits {		/* who counts a flow (conntrack_limit.h); 0: none */
	__u32	ref[SHUNT_CT_LIMITS];
};

#define CONNTRACK_COUNT		0x1	/* conf.flags: packets and bytes of each flow */
#define CONNTRACK_WINDOW	0x2	/* sequence numbers are checked */
#define CONNTRACK_PICKUP	0x4	/* TCP may begin in the middle */
#define CONNTRACK_STATELESS	0x8	/* a new flow that finds no room passes untracked, else it is dropped */
#define CONNTRACK_WATCHED	0x10	/* somebody wants events */
#define CONNTRACK_LIMIT		0x20	/* rules count flows */
/* Other tables, not only conf */
#define CONNTRACK_SHAPE		(CONNTRACK_COUNT | CONNTRACK_WINDOW | CONNTRACK_LIMIT)

struct conntrack_conf {
	__u64	seed[2];		/* random, for as long as the tables are */
	__u32	buckets[2];		/* of IPv4, of IPv6 */
	__u32	flags;
	__u32	second;			/* in jiffies */
	__u32	counted;		/* buckets of ct_counted */
	__u32	pad;
	__u32	timeout[CONNTRACK_POLICIES][32];	/* jiffies, by enum conntrack_state */
};

_Static_assert(CONNTRACK_STATE_MAX <= 32, "row of conf.timeout");

/* X(identifier, name, help) */
#define CONNTRACK_STATS(X)						\
	X(NEW, "new", "flows that came into the table")			\
	X(GONE, "gone", "flows that left it")				\
	X(REUSED, "reused", "of those: expired, and a new one took the place") \
	X(EVICTED, "evicted", "of those: unreplied, when both buckets were full") \
	X(FULL, "full", "new flows that found no room")			\
	X(CLASH, "clash", "new flows whose key, or whose replies' key, was taken meanwhile") \
	X(BUSY, "busy", "races lost too often")				\
	X(INVALID, "invalid", "packets that belong to no flow and cannot begin one") \
	X(WINDOW, "window", "of those: sequence number or acknowledgement outside the window") \
	X(RELATED, "related", "ICMP errors about a flow")		\
	X(FRAG_UNKNOWN, "frag-unknown", "later fragments whose first was not seen") \
	X(FRAG_OVERLAP, "frag-overlap", "fragments that overlap another (RFC 5722)") \
	X(EXHAUSTED, "exhausted", "new flows for which no port was free") \
	X(LOST, "lost", "events that found no room")			\
	X(BAD_COOKIE, "bad-cookie", "acknowledgements without a flow and without a SYN cookie of ours") \
	X(LIMITED, "limited", "new flows that were one more than a limit lets be") \
	X(LIMIT_FULL, "limit-full", "packets that a limit had no room to count")
#define CONNTRACK_STAT_ENUM(id, name, help) CONNTRACK_STAT_##id,
enum conntrack_stat { CONNTRACK_STATS(CONNTRACK_STAT_ENUM) CONNTRACK_STAT_MAX };

struct conntrack_stats {
	__u64	n[32];
};
_Static_assert(CONNTRACK_STAT_MAX <= 32, "struct conntrack_stats");

/* ---- events, in ring buffer ct_events while somebody watches ---- */
enum conntrack_event_kind { CONNTRACK_EVENT_NEW, CONNTRACK_EVENT_UPDATE, CONNTRACK_EVENT_DESTROY };

struct conntrack_event {
	__u32	size;			/* sizeof(struct conntrack_event) */
	__u8	kind;			/* enum conntrack_event_kind */
	__u8	l3;			/* 4: flow4, 6: flow6 */
	__u16	pad;
	__u32	slot;
	__u32	pad2;
	struct conntrack_counts counts;
	union {
		struct conntrack_flow4 flow4;
		struct conntrack_flow6 flow6;
	};
};

/* ---- fragments ---- */
struct conntrack_frag_key {
	struct shunt_addr saddr, daddr;	/* IPv4's in v4, as in the packet context */
	__be32	id;
	__u16	zone;
	__u8	proto;			/* IPv4; IPv6 has none in it (RFC 8200 4.5) */
	__u8	l3;
};

struct conntrack_frags {
	__be16	sport, dport;
	__u32	expires;		/* jiffies; RFC 8200 4.5: 60 s */
	__u64	seen[128];		/* a bit for each 8 bytes of the datagram */
	__u32	overlap;		/* two had the same bytes: none is believed any more */
	__u8	proto;			/* behind extension headers */
	__u8	kind;			/* of an ICMP query; CONNTRACK_KIND_SECOND: it is an answer */
	__u16	pad;
};

#define CONNTRACK_FRAGS		1024	/* datagrams under way at a time */

#endif
