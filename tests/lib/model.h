/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * model.h - what a filter must do with a packet, said a second time
 *
 * DOC: Written from docs/rules.md, docs/configuration.md and the RFCs, byte by byte and as
 * plainly as can be. It shares no header with dataplane/, include/ and control/: two
 * programs that agree by sharing a mistake prove nothing. A rule is a list of matches
 * here; model_rule_text() writes it down in the language that the product reads.
 */
#ifndef TESTS_LIB_MODEL_H
#define TESTS_LIB_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum model_frag { MODEL_WHOLE, MODEL_FIRST, MODEL_LATER };

struct model_packet {
	const char *malformed;		/* reason; NULL: none */
	unsigned int vlans;
	uint16_t type;			/* behind the tags */
	unsigned int version;		/* 4, 6; 0: no IP */
	uint8_t saddr[16], daddr[16];	/* IPv4: the first 4 bytes */
	unsigned int proto;
	enum model_frag frag;
	size_t l4_off, l4_len;
	bool l4;			/* what follows is known */
	unsigned int sport, dport, flags, icmp_type, icmp_code;
};

enum model_field {
	MODEL_IP_SADDR, MODEL_IP_DADDR, MODEL_IP_PROTOCOL,
	MODEL_IP6_SADDR, MODEL_IP6_DADDR, MODEL_IP6_NEXTHDR,
	MODEL_L4PROTO, MODEL_NFPROTO,
	MODEL_TCP_SPORT, MODEL_TCP_DPORT, MODEL_UDP_SPORT, MODEL_UDP_DPORT,
	MODEL_SCTP_SPORT, MODEL_SCTP_DPORT, MODEL_TH_SPORT, MODEL_TH_DPORT,
	MODEL_TCP_FLAGS, MODEL_ICMP_TYPE, MODEL_ICMP_CODE, MODEL_ICMPV6_TYPE, MODEL_ICMPV6_CODE,
	MODEL_FRAG, MODEL_FIELDS
};

enum model_flags { MODEL_ANY_OF, MODEL_NONE_OF, MODEL_ARE, MODEL_ARE_NOT, MODEL_MASK_IS,
		   MODEL_MASK_IS_NOT };

#define MODEL_VALUES	4
#define MODEL_MATCHES	6
#define MODEL_RULES	16

struct model_range {
	uint8_t first[16], last[16];	/* wire order; numbers: two bytes, the high one first */
	int prefix;			/* how it is written: length; -1: as a range */
};

struct model_match {
	enum model_field field;
	bool negated;
	unsigned int n;
	struct model_range range[MODEL_VALUES];
	enum model_flags op;		/* MODEL_TCP_FLAGS */
	uint8_t mask, value;
};

struct model_rule {
	unsigned int n;
	struct model_match match[MODEL_MATCHES];
	const char *edge;		/* "accept", "drop", "odd" */
};

struct model_filter {
	unsigned int n;
	struct model_rule rule[MODEL_RULES];
	const char *fallback;
};

/* Read a frame */
void model_parse(const uint8_t *frame, size_t len, struct model_packet *ret_packet);

/* Edge that a packet, not malformed, leaves by. *ret_rule: number from 1; 0: none matched */
const char *model_filter(const struct model_filter *filter, const struct model_packet *packet,
			 unsigned int *ret_rule);

/* A filter of a few rules that each can match; at most 4096 rows a family */
void model_filter_random(struct model_filter *ret_filter, uint64_t *random);

/* One rule as text, without a newline; @size 1024 is enough */
void model_rule_text(const struct model_rule *rule, char *text, size_t size);

#endif
