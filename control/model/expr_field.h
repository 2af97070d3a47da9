/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* expr_field.h - how fields and their values are spelt; for model/ only */
#ifndef MODEL_EXPR_FIELD_H
#define MODEL_EXPR_FIELD_H

#include <model/expr.h>

#define EXPR_TEXT_MAX		4096	/* bytes of a rule, as written and as printed */
#define EXPR_NAME_MAX		31	/* characters of an edge, reason or set */
#define EXPR_COMMENT_MAX	128	/* bytes, as in nft */
#define EXPR_FAMILY_ANY		(EXPR_FAMILY_4 | EXPR_FAMILY_6)
#define EXPR_FIELD_MORE		(EXPR_FIELD_MAX + 1)	/* expr_key.field: words go on */

#define EXPR_PROTO_ANY		-1	/* expr_key.proto: implies none */
#define EXPR_PROTO_PORTS	-2	/* expr_key.proto: one of those that have ports */
#define EXPR_ETHER_IP		0x0800
#define EXPR_ETHER_ARP		0x0806
#define EXPR_ETHER_VLAN		0x8100
#define EXPR_ETHER_IP6		0x86dd
#define EXPR_EXTHDRS		5

/* A field as it is written: 'tcp dport' */
struct expr_key {
	const char *group;		/* "tcp" */
	const char *name;		/* "dport"; NULL: the group alone */
	uint8_t group_len, name_len;
	enum expr_field field;		/* FIELD_MAX: the family (meta nfproto); FIELD_MORE */
	unsigned int families;		/* implied */
	int proto;			/* implied: IPPROTO_* or EXPR_PROTO_* */
};

struct expr_name {
	const char *name;
	uint16_t value;
};

/* Ends with a NULL group; keys of one group stand together */
extern const struct expr_key expr_keys[];
/* The same behind 'ct original', 'ct reply' */
extern const struct expr_key expr_flow_keys[];

/* Fin to cwr: name i is bit i of the flags */
extern const char *const expr_flag_names[8];
/* By bit of CONNTRACK_STATUS_*; NULL: there is none such */
extern const char *const expr_status_names[8];
/* By bit of shunt_packet.ext_headers, lowest first */
extern const struct expr_name expr_exthdr_names[EXPR_EXTHDRS];

/**
 * expr_names() - Names that a field's values have, the preferred one of a value first
 * @families:	Decides between ICMP and ICMPv6; both: neither's names
 * Return: NULL: the field has none
 */
const struct expr_name *expr_names(enum expr_field field, unsigned int families,
				   unsigned int *ret_n);
const char *expr_name_of(enum expr_field field, unsigned int families, uint64_t value);

/* Protocols that a key implies, sorted; static. NULL, and none: any */
const struct expr_interval *expr_key_protos(int proto, unsigned int *ret_n);

/* The field of the packet itself that has the same values: 'ip saddr' of 'ct reply ip saddr' */
static inline enum expr_field expr_field_plain(enum expr_field field)
{
	static const uint8_t plain[] = {
		EXPR_IP_SADDR, EXPR_IP_DADDR, EXPR_IP6_SADDR, EXPR_IP6_DADDR, EXPR_SPORT, EXPR_DPORT,
	};

	if (field == EXPR_CT_MARK)
		return EXPR_MARK;
	return field < EXPR_CT_IP_SADDR ? field :
					  plain[(field - EXPR_CT_IP_SADDR) % sizeof(plain)];
}

/* Its values are names, never numbers */
static inline bool expr_field_is_named(enum expr_field field)
{
	return field == EXPR_FRAG || field == EXPR_CT_STATE || field == EXPR_CT_DIRECTION;
}

/* May be a part of a concatenation, of an element of a set, of a map's key */
bool expr_field_is_key(enum expr_field field);

const char *expr_field_noun(enum expr_field field);	/* "an IPv4 address", ... */
struct expr_value expr_field_last(enum expr_field field);	/* the greatest value */

/* As expr_element(), @len bytes of @text; @families as for expr_names() */
int expr_element_in(const char *text, int len, enum expr_field field, unsigned int families,
		    const char *path, int offset, struct diags *diags,
		    struct expr_interval *ret_interval);

/* Values that both hold; both sorted and merged. Return: how many intervals, 0: none */
unsigned int expr_intersect(struct arena *arena, const struct expr_interval *a, unsigned int n_a,
			    const struct expr_interval *b, unsigned int n_b,
			    struct expr_interval **ret_interval);
bool expr_interval_equal(const struct expr_interval *a, unsigned int n_a,
			 const struct expr_interval *b, unsigned int n_b);

/* Decimal without leading zeros, or hex with 0x. Return: 0; -EINVAL; -ERANGE: above @max */
int expr_number(const char *text, int len, uint64_t max, uint64_t *ret_number);

/* NULL: an interface may have that name, which may end with '*'; else: why not */
const char *expr_iif_check(const char *text, size_t len);
struct expr_interval expr_iif_interval(const char *name);
/* Sorted, none that another one covers. Return: how many are left */
unsigned int expr_iif_unique(struct expr_interval *interval, unsigned int n);
/* In quotes */
void expr_iif_print(const struct expr_interval *interval, struct buf *out);

struct expr_unit {
	const char *name;
	uint64_t factor;		/* in bytes, in ns */
};

#define EXPR_RATE_INTERVALS	4
#define EXPR_BYTE_UNITS		4
#define EXPR_BURST_PACKETS	5	/* of a limit that says none, as in nft */
#define EXPR_PER_LEN4		32
#define EXPR_PER_LEN6		64

extern const struct expr_unit expr_rate_intervals[EXPR_RATE_INTERVALS];	/* second, ... */
extern const struct expr_unit expr_byte_units[EXPR_BYTE_UNITS];		/* largest first */

const char *expr_reject_name(uint8_t reject);

/* As expr_print(), without the comment: what the id is made of */
void expr_print_bare(const struct expr_rule *rule, struct buf *out);

#endif
