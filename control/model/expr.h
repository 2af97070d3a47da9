/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * expr.h - a rule: one line in nft's syntax, as a value
 *
 * DOC: A rule is a conjunction of matches, then statements in order, then a
 * verdict; without one it goes on with the next rule:
 *
 *	ip saddr 10.0.0.0/8 tcp dport { 22, 80-90 } limit rate over 10/second log drop comment "why"
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
	EXPR_CT_STATE,		/* SHUNT_CT_*: ct state { new, established, ... } */
	EXPR_LENGTH,		/* 16 bit: ip length, ip6 length; the family tells which */
	EXPR_DSCP,		/* 6 bit: ip dscp, ip6 dscp */
	EXPR_TTL,		/* 8 bit: ip ttl, ip6 hoplimit */
	EXPR_EXTHDR,		/* mask and value: exthdr hbh|dst|rt|frag|ah exists|missing */
	EXPR_ETHER_SADDR,	/* 48 bit */
	EXPR_ETHER_DADDR,
	EXPR_ETHER_TYPE,	/* 16 bit: behind the tags */
	EXPR_VLAN_ID,		/* 12 bit: of the outer tag */
	EXPR_VLAN_PCP,		/* 3 bit */
	EXPR_IIF,		/* names, no intervals: iif, iifname: the packet's interface */
	EXPR_MARK,		/* 32 bit: meta mark; the packet context's */
	EXPR_PAYLOAD,		/* up to 64 bit: @nh,OFFSET,LENGTH in bits, whole bytes */
	EXPR_CT_MARK,		/* 32 bit: ct mark; the flow's */
	EXPR_CT_ZONE,		/* 16 bit */
	EXPR_CT_DIRECTION,	/* ct direction original|reply */
	EXPR_CT_STATUS,		/* CONNTRACK_STATUS_* through a mask: ct status snat|dnat */
	EXPR_CT_IP_SADDR,	/* ct original ip saddr, ...: the flow's ends */
	EXPR_CT_IP_DADDR,
	EXPR_CT_IP6_SADDR,
	EXPR_CT_IP6_DADDR,
	EXPR_CT_SPORT,		/* ct original proto-src */
	EXPR_CT_DPORT,
	EXPR_CT_REPLY_IP_SADDR,	/* ct reply ...: the same, as replies have them */
	EXPR_CT_REPLY_IP_DADDR,
	EXPR_CT_REPLY_IP6_SADDR,
	EXPR_CT_REPLY_IP6_DADDR,
	EXPR_CT_REPLY_SPORT,
	EXPR_CT_REPLY_DPORT,
	EXPR_FIELD_MAX
};

/* Inclusive; host order; what has 64 bits or less is in lo only */
struct expr_value {
	uint64_t hi, lo;
};

struct expr_interval {
	struct expr_value first, last;
};

enum expr_base { EXPR_BASE_LL, EXPR_BASE_NH, EXPR_BASE_TH };

struct expr_match {
	enum expr_field field;
	unsigned int n;
	struct expr_interval *interval;	/* sorted, merged, not adjacent; never empty unless set */
	const char *set;		/* name of a set, without the '@'; NULL: intervals */
	uint32_t mask, value;		/* TCP_FLAGS, EXTHDR: (x & mask) == value */
	uint64_t field_mask;		/* MARK, CT_MARK, CT_STATUS, PAYLOAD: intervals of (x & field_mask); 0: x */
	const char **name;		/* IIF */
	unsigned int n_names;
	bool negated;			/* set, flags, names, masked; others are complemented */
	uint8_t bytes;			/* PAYLOAD: 1 to 8 */
	uint16_t at;			/* PAYLOAD: offset in bytes */
	enum expr_base base;		/* PAYLOAD */
	int offset, len;		/* in the rule's text, for findings */
};

/*
 * ip saddr . tcp dport . meta l4proto { ... } or @set; fields of one family. Of EXPR_IIF a
 * value is the name's bytes, the first the most significant, zeros behind; "eth*" a range
 */
#define EXPR_CONCAT_MAX 5

struct expr_concat {
	enum expr_field field[EXPR_CONCAT_MAX];
	unsigned int n_fields;
	struct expr_interval *tuple;	/* n_tuples times n_fields, in the order written */
	unsigned int n_tuples;
	const char *set;		/* or NULL */
	bool negated;			/* only of a set */
	int offset, len;
};

enum expr_statement_kind {
	EXPR_COUNT,		/* counter name NAME */
	EXPR_SET_MARK,		/* meta mark set VALUE; also: meta mark set mark and M xor V */
	EXPR_SET_CT_MARK,	/* ct mark set ...: the same of the flow's */
	EXPR_SET_POLICY,	/* ct timeout set NAME */
	EXPR_SET_ZONE,		/* ct zone set NUMBER */
	EXPR_NOTRACK,		/* notrack */
	EXPR_LOG,		/* log [prefix "TEXT"] [every N] */
	EXPR_LIMIT,		/* limit rate [over] N/UNIT [burst N] [per saddr[/L4[,/L6]]] */
	EXPR_QUOTA,		/* quota [over] N bytes|kbytes|mbytes|gbytes */
	EXPR_ADD,		/* add|update @SET { FIELD [. FIELD] [timeout TIME] } */
	EXPR_SNAT,		/* snat to ADDRESS[-ADDRESS][:PORT[-PORT]], snat ip6 prefix to PREFIX */
	EXPR_DNAT,
	EXPR_MASQUERADE,	/* masquerade [to :PORT[-PORT]] */
	EXPR_CT_COUNT,		/* ct count [over] N [per saddr[/L4[,/L6]]] */
};

/* SNAT, DNAT, MASQUERADE: what a new flow gets */
struct expr_nat {
	unsigned int families;		/* one; MASQUERADE: both */
	bool prefix;			/* 'first' with 'len' bits of it, the rest stays */
	bool persistent;
	bool ports;
	uint8_t len;
	uint16_t port_first, port_last;
	struct expr_value first, last;
};

enum expr_per { EXPR_PER_RULE, EXPR_PER_SADDR, EXPR_PER_DADDR };

struct expr_statement {
	enum expr_statement_kind kind;
	bool over;			/* LIMIT, QUOTA, CT_COUNT: holds when above */
	bool bytes;			/* LIMIT: counts bytes */
	bool update;			/* ADD: an element that is there lives on */
	uint64_t amount;		/* LIMIT: per interval; QUOTA: bytes; LOG: one of so many; */
					/* SET_ZONE; CT_COUNT */
	uint64_t interval_ns;		/* LIMIT: second to day */
	uint64_t burst;			/* LIMIT: as written; 0: 5 packets as in nft, or 0 bytes */
	enum expr_per per;
	uint8_t len4, len6;		/* LIMIT, CT_COUNT: prefix lengths of 'per', default 32 and 64 */
	uint32_t mark, mark_mask;	/* SET_MARK, SET_CT_MARK: (x & mark_mask) ^ mark */
	bool crossed;			/* of these: x is the other mark, not the one that is set */
	uint64_t timeout_ns;		/* ADD: 0: the set's */
	const struct expr_nat *nat;	/* SNAT, DNAT, MASQUERADE */
	const char *name;		/* COUNT: counter; ADD: set; LOG: prefix or NULL; SET_POLICY */
	enum expr_field field[EXPR_CONCAT_MAX];	/* ADD */
	unsigned int n_fields;
	int offset, len;
};

enum expr_verdict_kind {
	EXPR_CONTINUE,			/* none written: the next rule */
	EXPR_LEAVE,			/* accept, drop, drop(NAME), goto EDGE: by 'edge' */
	EXPR_REJECT,			/* by edge 'reject', with an answer */
	EXPR_JUMP,			/* jump CHAIN */
	EXPR_RETURN,			/* behind the rule that jumped; at the top: the default */
};

/* REJECT: what is sent back; SHUNT_REJECT_* of <shunt/packet.h> */
struct expr_verdict {
	enum expr_verdict_kind kind;
	const char *edge;		/* LEAVE: "accept", "drop", another; REJECT: "reject" */
	const char *reason;		/* drop(NAME); else NULL */
	const char *chain;		/* JUMP */
	uint8_t reject;
	int offset, len;
};

/* FIELD [. FIELD] vmap { value : verdict, ... } or @map; no element matches: the next rule */
struct expr_vmap {
	struct expr_concat key;		/* set: name of the map */
	struct expr_verdict *verdict;	/* by tuple */
};

/* What a rule implies of the packet */
#define EXPR_FAMILY_4	0x1
#define EXPR_FAMILY_6	0x2

struct expr_rule {
	unsigned int families;		/* EXPR_FAMILY_* that can match */
	struct expr_match *match;
	unsigned int n;
	struct expr_concat *concat;
	unsigned int n_concats;
	struct expr_statement *statement;	/* in the order written */
	unsigned int n_statements;
	struct expr_vmap *vmap;		/* in place of a verdict; or NULL */
	struct expr_verdict verdict;
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

/* The same of matches alone, maybe none: no statement, no verdict, no id */
int expr_parse_matches(const char *text, const char *path, struct diags *diags,
		       struct expr_rule *ret_rule);

/* Canonical text of a statement: what it gives flows */
void expr_nat_print(const struct expr_statement *statement, struct buf *out);

/* Canonical text of a rule: parses back to an equal rule */
void expr_print(const struct expr_rule *rule, struct buf *out);

/**
 * expr_element() - Read an element of a set: a value or range of the field; of addresses a prefix
 * @field:	Decides the width and the names
 * @offset:	Of @text in the scalar at @path
 * Return: 0 or -EINVAL
 */
int expr_element(const char *text, enum expr_field field, const char *path, int offset,
		 struct diags *diags, struct expr_interval *ret_interval);
void expr_element_print(const struct expr_interval *interval, enum expr_field field,
			struct buf *out);

/*
 * A time as nft writes it: 1d2h3m4s, 500ms; 1 ms to 3650 days. Return: 0; -EINVAL: no time, or
 * none; -ERANGE
 */
int expr_time(const char *text, int len, uint64_t *ret_ns);
void expr_time_print(uint64_t ns, struct buf *out);

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
