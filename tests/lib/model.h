/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * model.h - what a filter must do with a packet, said a second time
 *
 * DOC: Written from docs/rules.md, docs/configuration.md and the RFCs, byte by byte and as
 * plainly as can be. It shares no header with dataplane/, include/ and control/: two
 * programs that agree by sharing a mistake prove nothing. A rule is a list of matches,
 * statements and a verdict here; model_rule_text() writes it down in the language that the
 * product reads. Limits, quotas and logs are not in it: they depend on more than the packet.
 */
#ifndef TESTS_LIB_MODEL_H
#define TESTS_LIB_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum model_frag { MODEL_WHOLE, MODEL_FIRST, MODEL_LATER };

struct model_packet {
	const uint8_t *frame;
	size_t len;
	const char *malformed;		/* reason; NULL: none */
	unsigned int vlans;
	unsigned int tci;		/* of the outer tag */
	uint16_t type;			/* behind the tags */
	size_t l3_off;
	unsigned int version;		/* 4, 6; 0: no IP */
	uint8_t saddr[16], daddr[16];	/* IPv4: the first 4 bytes */
	unsigned int length, tos, ttl;	/* as the header says */
	unsigned int extensions;	/* MODEL_EXT_* */
	unsigned int proto;
	enum model_frag frag;
	size_t l4_off, l4_len;
	bool l4;			/* what follows is known */
	unsigned int sport, dport, flags, icmp_type, icmp_code;
	/* Not from the frame: by whoever calls model_filter() */
	unsigned int ct_state, ct_zone, ct_reply;
	uint32_t ct_mark;
};

/* In the order of model_states */
enum { MODEL_CT_NONE, MODEL_CT_NEW, MODEL_CT_ESTABLISHED, MODEL_CT_RELATED, MODEL_CT_INVALID,
       MODEL_CT_UNTRACKED, MODEL_CT_STATES };

/* In the order of the names in a rule: hbh, dst, rt, frag, ah */
enum { MODEL_EXT_HBH = 1, MODEL_EXT_DST = 2, MODEL_EXT_RT = 4, MODEL_EXT_FRAG = 8,
       MODEL_EXT_AH = 16 };
#define MODEL_EXTS	5

enum model_field {
	MODEL_IP_SADDR, MODEL_IP_DADDR, MODEL_IP_PROTOCOL,
	MODEL_IP6_SADDR, MODEL_IP6_DADDR, MODEL_IP6_NEXTHDR,
	MODEL_L4PROTO, MODEL_NFPROTO,
	MODEL_TCP_SPORT, MODEL_TCP_DPORT, MODEL_UDP_SPORT, MODEL_UDP_DPORT,
	MODEL_SCTP_SPORT, MODEL_SCTP_DPORT, MODEL_TH_SPORT, MODEL_TH_DPORT,
	MODEL_TCP_FLAGS, MODEL_ICMP_TYPE, MODEL_ICMP_CODE, MODEL_ICMPV6_TYPE, MODEL_ICMPV6_CODE,
	MODEL_FRAG, MODEL_IP_LENGTH, MODEL_IP6_LENGTH, MODEL_IP_DSCP, MODEL_IP6_DSCP, MODEL_IP_TTL,
	MODEL_IP6_HOPLIMIT, MODEL_EXTHDR, MODEL_ETHER_SADDR, MODEL_ETHER_DADDR, MODEL_ETHER_TYPE,
	MODEL_VLAN_ID, MODEL_VLAN_PCP, MODEL_IIF, MODEL_MARK, MODEL_CT_STATE, MODEL_CT_DIRECTION,
	MODEL_CT_MARK, MODEL_CT_ZONE, MODEL_CT_IP_SADDR, MODEL_CT_REPLY_IP_SADDR,
	MODEL_CT_IP6_DADDR, MODEL_CT_REPLY_IP6_DADDR, MODEL_CT_SPORT, MODEL_CT_REPLY_SPORT,
	MODEL_PAYLOAD, MODEL_FIELDS
};

enum model_flags { MODEL_ANY_OF, MODEL_NONE_OF, MODEL_ARE, MODEL_ARE_NOT, MODEL_MASK_IS,
		   MODEL_MASK_IS_NOT };
enum model_base { MODEL_LL, MODEL_NH, MODEL_TH };

#define MODEL_VALUES	4
#define MODEL_MATCHES	8
#define MODEL_PARTS	3		/* of a concatenation */
#define MODEL_TUPLES	3
#define MODEL_RULES	16
#define MODEL_CHAINS	2
#define MODEL_CHAIN_RULES 4
#define MODEL_SETS	4

/* Wire order. Numbers, but for payload, end at the last of the field's bytes */
struct model_range {
	uint8_t first[16], last[16];
	int prefix;			/* how it is written: length; -1: as a range */
};

struct model_match {
	enum model_field field;
	bool negated;
	unsigned int n;
	struct model_range range[MODEL_VALUES];
	int set;			/* its ranges are those of the filter's set; -1: its own */
	enum model_flags op;		/* TCP_FLAGS */
	uint8_t mask, value;
	uint64_t wide_mask;		/* MARK, PAYLOAD: of the value; 0: all */
	enum model_base base;		/* PAYLOAD */
	unsigned int at, bytes;
};

struct model_concat {
	unsigned int parts;		/* 0: there is none */
	enum model_field field[MODEL_PARTS];
	unsigned int n;
	struct model_range tuple[MODEL_TUPLES][MODEL_PARTS];
};

enum model_verdict_kind { MODEL_GO_ON, MODEL_LEAVE, MODEL_JUMP, MODEL_RETURN };

struct model_verdict {
	enum model_verdict_kind kind;
	const char *edge;		/* LEAVE: "accept", "drop", "odd", "reject" */
	unsigned int chain;		/* JUMP */
};

struct model_rule {
	unsigned int n;
	struct model_match match[MODEL_MATCHES];
	struct model_concat concat;
	bool marks;			/* mark = (mark & and) ^ xor */
	bool from_ct, to_ct;		/* the flow's mark, not the packet's */
	bool notrack;			/* the packet has no flow any more */
	uint32_t mark_and, mark_xor;
	struct model_concat key;	/* of a verdict map, in place of the verdict */
	struct model_verdict element[MODEL_TUPLES];
	struct model_verdict verdict;
};

struct model_filter {
	unsigned int n;
	struct model_rule rule[MODEL_RULES];
	unsigned int chain_n[MODEL_CHAINS];	/* chain 0 may jump to chain 1 */
	struct model_rule chain[MODEL_CHAINS][MODEL_CHAIN_RULES];
	struct model_match set[MODEL_SETS];	/* IP_SADDR, IP6_SADDR, TH_DPORT, L4PROTO: values */
	const char *fallback;
};

/* How a packet leaves a filter */
struct model_outcome {
	const char *edge;
	uint32_t mark, ct_mark;
	unsigned int ct_state;
	unsigned int rule;		/* number from 1 of the filter's rule that decided, also by a
					 * chain; 0: none */
	unsigned int went_on;		/* rules that held it and did not decide */
};

/* Read a frame, which is borrowed */
void model_parse(const uint8_t *frame, size_t len, struct model_packet *ret_packet);

/* What comes of a packet that is not malformed */
void model_filter(const struct model_filter *filter, const struct model_packet *packet,
		  struct model_outcome *ret_outcome);

/* A filter of a few rules that each can match */
void model_filter_random(struct model_filter *ret_filter, uint64_t *random);

/* model_random_match.c: @size bytes in wire order; a match on a field */
void model_set_number(uint8_t *at, size_t size, uint64_t value);
void model_random_match(struct model_match *match, uint64_t *random, enum model_field field);

/* model_random_flow.c: matches on the flow, statements that change it and marks */
void model_random_flow(struct model_match *match, uint64_t *random);
/* An extension has six conditions, with those of the jumps that lead to the rule */
bool model_room_for(const struct model_rule *rule, const struct model_match *match);
void model_random_change(struct model_rule *rule, uint64_t *random);

/* Bytes of a field's value on the wire */
size_t model_size(enum model_field field, const struct model_match *match);
bool model_is_address(enum model_field field);

/* One rule as text, without a newline; @size 2048 is enough */
void model_rule_text(const struct model_rule *rule, char *text, size_t size);
/* A set's elements, with commas; and its type */
void model_set_text(const struct model_match *set, char *text, size_t size);
const char *model_set_type(const struct model_match *set);

#endif
