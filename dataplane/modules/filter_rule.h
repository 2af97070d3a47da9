/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * filter_rule.h - what a rule has besides its boxes: conditions and statements (an extension)
 *
 * DOC: compile/lower_ext.c makes extensions, they lie in the classifier's image, the filter
 * reads them once a box holds the packet. All conditions must hold. Statements run
 * in order, as in nft: a limit or quota that does not hold ends the rule as if it
 * had not matched; the others always go on. A rule whose verdict is to go on
 * (FILTER_NEXT), and one that a statement ended, is followed by the next rule that
 * matches: the classifier is asked again for a prio above this one's.
 */
#ifndef SHUNT_FILTER_RULE_H
#define SHUNT_FILTER_RULE_H

#include <shunt/packet.h>

#define FILTER_CONDS_MAX	6
#define FILTER_STMTS_MAX	6

/* Verdict of an extension */
#define FILTER_LEAVE		0	/* by the row's edge */
#define FILTER_NEXT		1	/* go on behind the rule */
#define FILTER_RESUME		2	/* go on at prio ext.resume: 'return' */

/*
 * Values that conditions look at, as 64 bits in host order. X(identifier)
 * ETHER: 48 bits. LENGTH: ip length (header included), ip6 length (payload). EXTHDR: bits of
 * shunt_packet.ext_headers. CT_DIRECTION: 1: against that of the flow's first packet. A packet
 * that has no such value (VLAN_ID without a tag, TTL of what is no IP, CT_DIRECTION of what
 * has no flow) fails the condition, negated or not.
 */
#define FILTER_FIELDS(X)						\
	X(LENGTH) X(DSCP) X(TTL) X(EXTHDR) X(ETHER_SADDR) X(ETHER_DADDR) X(ETHER_TYPE) \
	X(VLAN_ID) X(VLAN_PCP) X(IIF) X(MARK) X(PROTO) X(SPORT) X(DPORT) X(TCP_FLAGS) X(CT_MARK) \
	X(CT_ZONE) X(CT_DIRECTION)
#define FILTER_FIELD_ENUM(id) FILTER_##id,
enum filter_field { FILTER_FIELDS(FILTER_FIELD_ENUM) FILTER_FIELD_MAX };

/* Values of a flow's ends. IPv6 addresses are two halves */
enum filter_flow_part {
	FILTER_FLOW_SADDR4, FILTER_FLOW_DADDR4, FILTER_FLOW_SADDR6, FILTER_FLOW_DADDR6,
	FILTER_FLOW_SPORT, FILTER_FLOW_DPORT,
	FILTER_FLOW_SADDR6_LOW, FILTER_FLOW_DADDR6_LOW,
};
#define FILTER_FLOW_REPLY	8	/* or-ed: as the packets of replies have it */
#define FILTER_FLOW_STATUS	16	/* of the flow as a whole: CONNTRACK_STATUS_* */

enum filter_cond_kind {
	FILTER_COND_NONE,
	FILTER_COND_RANGE,	/* first <= (value(field) & mask) <= last */
	FILTER_COND_PAYLOAD,	/* the same of 'len' bytes (1 to 8, big endian) at 'off' behind 'base' */
	FILTER_COND_SET,	/* the key is in set 'slot' */
	FILTER_COND_FLOW,	/* as RANGE; field: enum filter_flow_part, or FILTER_FLOW_STATUS */
};

enum filter_base { FILTER_BASE_LL, FILTER_BASE_NH, FILTER_BASE_TH };

/* What a set is asked for: words of the key in order, see lib/set.h */
enum filter_key_part {
	FILTER_KEY_END, FILTER_KEY_SADDR4, FILTER_KEY_DADDR4, FILTER_KEY_SADDR6, FILTER_KEY_DADDR6,
	FILTER_KEY_PROTO, FILTER_KEY_SPORT, FILTER_KEY_DPORT, FILTER_KEY_ETHER_SADDR,
	FILTER_KEY_ETHER_DADDR, FILTER_KEY_MARK, FILTER_KEY_VLAN_ID, FILTER_KEY_IIF,
	FILTER_KEY_CT_MARK,
};
#define FILTER_KEY_PARTS	5

struct filter_cond {
	__u8	kind;
	__u8	negated;		/* the value is there, and it does not hold */
	__u8	field;			/* RANGE */
	__u8	base;			/* PAYLOAD: enum filter_base */
	__u16	off;			/* PAYLOAD: bytes */
	__u16	len;			/* PAYLOAD: bytes */
	union {
		struct {
			__u64	mask, first, last;
		};
		struct {
			__u32	slot;
			__u8	part[8];	/* enum filter_key_part, FILTER_KEY_END behind the last */
			__u8	dynamic;	/* slot is one of shunt_dsets */
		};
	};
};

enum filter_stmt_kind {
	FILTER_STMT_NONE,
	FILTER_STMT_COUNT,	/* named counter: hits[index] */
	FILTER_STMT_MARK,	/* mark = (mark & mask) ^ value; which marks: 'per' */
	FILTER_STMT_LOG,	/* one of 'every' packets: an event with 'index' */
	FILTER_STMT_LIMIT,	/* token bucket: holds while within the rate; negated: 'over' */
	FILTER_STMT_QUOTA,	/* holds until 'step' bytes went by; negated: 'over' */
	FILTER_STMT_ADD,	/* put the key into dynamic set 'index' */
	FILTER_STMT_REJECT,	/* what answer module 'reject' is to send: pkt->reject = value */
	FILTER_STMT_POLICY,	/* timeouts that a new flow is to have: pkt->ct_policy = index */
	FILTER_STMT_ZONE,	/* zone that it is looked for in: pkt->ct_zone = value */
	FILTER_STMT_NOTRACK,	/* the packet has no flow, and is not to get one */
	FILTER_STMT_SNAT,	/* what a new flow is to get: pkt->snat = value */
	FILTER_STMT_DNAT,	/* pkt->dnat = value */
	FILTER_STMT_CT_COUNT,	/* holds while limit 'index' counts less than 'burst' flows; negated: 'over' */
};

#define FILTER_MARK_FROM_CT	1	/* MARK: take the flow's mark, not the packet's */
#define FILTER_MARK_TO_CT	2	/* set it */

#define FILTER_PER_RULE		0	/* one bucket */
#define FILTER_PER_SADDR	1	/* one for each source prefix */
#define FILTER_PER_DADDR	2

struct filter_stmt {
	__u8	kind;
	__u8	negated;		/* LIMIT, QUOTA, CT_COUNT: over; ADD: an element that is there lives on */
	__u8	bytes;			/* LIMIT: tokens are bytes, else packets; CT_COUNT: holds if it would not */
	__u8	per;			/* LIMIT, CT_COUNT: FILTER_PER_*; MARK: FILTER_MARK_* */
	__u32	index;			/* COUNT: hits; LOG, LIMIT, QUOTA: state; ADD: slot; POLICY; CT_COUNT */
	union {
		struct {		/* MARK, REJECT, ZONE, SNAT, DNAT */
			__u32	value, mask;
			__u64	pad;
		};
		struct {		/* LIMIT: a token each step / 65536 ns; QUOTA: step bytes */
			__u64	step;	/* LOG: one of so many packets */
			__u32	burst;	/* tokens beyond the rate; CT_COUNT: flows at most */
			__u8	len4, len6;	/* prefix lengths of 'per' */
			__u16	pad2;
		};
		struct {		/* ADD */
			__u64	timeout_ns;	/* 0: the set's */
			__u8	part[8];
		};
	};
};

struct filter_ext {
	__u32	hit;			/* index of the rule's hits */
	__u8	verdict;		/* FILTER_LEAVE, ... */
	__u8	n_conds;
	__u8	n_stmts;
	__u8	pad;
	__u32	resume;			/* FILTER_RESUME: first prio (without edge bits) to look at */
	__u32	id;			/* of the rule: events carry it */
	struct filter_cond cond[FILTER_CONDS_MAX];
	struct filter_stmt stmt[FILTER_STMTS_MAX];
};

_Static_assert(sizeof(struct filter_cond) == 32, "ABI");
_Static_assert(sizeof(struct filter_stmt) == 24, "ABI");
_Static_assert(sizeof(struct filter_ext) == 352, "ABI");

/* Rodata 'given' of a trial: what nodes ahead would have left in the packet's context */
struct filter_given {
	__u32	mark, ct_mark;
	__u16	ct_zone;
	__u8	ct_state;		/* SHUNT_CT_* */
	__u8	ct_flags;
	__u8	ct_status;		/* CONNTRACK_STATUS_* */
	__u8	pad[3];
};
_Static_assert(sizeof(struct filter_given) == 16, "ABI");

/*
 * Table 'filter_hits': element CPU * n + index, and one row more that user space carries over.
 * Index 0 is no rule's: events that found no room in 'shunt_events'.
 */
#define FILTER_HITS_LOST	0

struct filter_hits {
	__u64	packets;
	__u64	bytes;
	__u64	last;			/* jiffies */
	__u64	pad;
};
_Static_assert(sizeof(struct filter_hits) == 32, "ABI");

/* Table 'filter_state', by a statement's index; a line each: CPUs that change two do not wait */
struct filter_state {
	__u64	value;			/* LIMIT: lib/bucket.h; QUOTA: bytes; LOG: packets */
	__u64	pad[7];
};
_Static_assert(sizeof(struct filter_state) == 64, "ABI");

/* Table 'filter_buckets': what a LIMIT 'per' address keeps, by statement and prefix */
struct filter_bucket_key {
	struct shunt_addr prefix;
	__u32	state;			/* the statement's index */
	__u32	l3;			/* 4 or 6; 0: not IP */
};
struct filter_bucket {
	__u64	due;			/* lib/bucket.h */
};
_Static_assert(sizeof(struct filter_bucket_key) == 24, "ABI");

#endif
