/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * expr.h - a rule: one line in nft's match syntax, as a value
 *
 * DOC: A rule is a conjunction of matches and a verdict:
 *
 *	ip saddr 10.0.0.0/8 tcp dport { 22, 80-90 } tcp flags & (syn|ack) == syn drop comment "why"
 *
 * Each match holds a field and the intervals of values that it lets through;
 * negation is resolved into the complement when the rule is read, a named set
 * stays a name until compile. A match on ports, flags, type or code implies its
 * protocol; one on 'ip' or 'ip6' implies the family.
 */
#ifndef MODEL_EXPR_H
#define MODEL_EXPR_H

#include <stdbool.h>
#include <stdint.h>

#include <base/arena.h>
#include <base/buf.h>
#include <base/diag.h>

enum expr_field {
	EXPR_IP_SADDR,		/* 32 bit */
	EXPR_IP_DADDR,
	EXPR_IP6_SADDR,		/* 128 bit */
	EXPR_IP6_DADDR,
	EXPR_PROTO,		/* 8 bit: ip protocol, ip6 nexthdr (the last), meta l4proto */
	EXPR_SPORT,		/* 16 bit: tcp, udp, sctp or th sport */
	EXPR_DPORT,
	EXPR_TCP_FLAGS,		/* mask and value, no intervals */
	EXPR_ICMP_TYPE,		/* 8 bit; v4 or v6 by the rule's protocol */
	EXPR_ICMP_CODE,
	EXPR_FRAG,		/* SHUNT_FRAG_*: frag { none, first, later } */
	EXPR_FIELD_MAX
};

/* Inclusive; host order; an IPv4 address, port or byte is in lo only */
struct expr_value {
	uint64_t hi, lo;
};

struct expr_interval {
	struct expr_value first, last;
};

struct expr_match {
	enum expr_field field;
	struct expr_interval *interval;	/* sorted, merged, not adjacent; never empty unless set */
	unsigned int n;
	const char *set;		/* name of a set, without the '@'; NULL: intervals */
	bool negated;			/* of a set or flags; intervals are complemented already */
	uint8_t mask, value;		/* EXPR_TCP_FLAGS: (flags & mask) == value */
	int offset, len;		/* in the rule's text, for findings */
};

/* What a rule implies of the packet */
#define EXPR_FAMILY_4	0x1
#define EXPR_FAMILY_6	0x2

struct expr_rule {
	unsigned int families;		/* EXPR_FAMILY_* that can match */
	struct expr_match *match;
	unsigned int n;
	const char *edge;		/* verdict: the node's edge: "accept", "drop", another */
	int edge_offset, edge_len;
	const char *reason;		/* drop(NAME); else NULL */
	const char *comment;		/* or NULL */
	uint32_t id;			/* FNV-1a 32 of the canonical text: stable */
};

/**
 * expr_parse() - Read a rule
 * @text:	One line
 * @path:	Of the scalar in the configuration, for findings
 * @ret_rule:	In diags->arena; untouched on failure
 * Return: 0; -EINVAL: diags tell, with offset and length, and what was expected there
 */
int expr_parse(const char *text, const char *path, struct diags *diags, struct expr_rule *ret_rule);

/* Canonical text of a rule: parses back to an equal rule */
void expr_print(const struct expr_rule *rule, struct buf *out);

/**
 * expr_elements() - Read an element of a set: address, prefix, range; port, range; protocol
 * @field:	Decides the width (EXPR_IP_SADDR, EXPR_IP6_SADDR, EXPR_DPORT, EXPR_PROTO)
 * @offset:	Of @text in the scalar at @path
 * Return: 0 or -EINVAL
 */
int expr_element(const char *text, enum expr_field field, const char *path, int offset,
		 struct diags *diags, struct expr_interval *ret_interval);
void expr_element_print(const struct expr_interval *interval, enum expr_field field,
			struct buf *out);

/* Sort and merge in place (overlapping and adjacent ones too); returns the new count */
unsigned int expr_merge(struct expr_interval *interval, unsigned int n);

/* All values of the field's width that no interval holds; @interval sorted and merged */
unsigned int expr_complement(struct arena *arena, enum expr_field field,
			     const struct expr_interval *interval, unsigned int n,
			     struct expr_interval **ret_interval);

/* The prefixes that make up an interval, at most 2 * width - 2; for addresses */
unsigned int expr_prefixes(struct arena *arena, enum expr_field field,
			   const struct expr_interval *interval,
			   struct expr_value **ret_prefix, uint8_t **ret_len);

const char *expr_field_name(enum expr_field field);	/* "ip saddr", ... */
unsigned int expr_field_bits(enum expr_field field);

#endif
