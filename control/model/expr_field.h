/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* expr_field.h - how fields and their values are spelt; for expr*.c only */
#ifndef MODEL_EXPR_FIELD_H
#define MODEL_EXPR_FIELD_H

#include <model/expr.h>

#define EXPR_TEXT_MAX		4096	/* bytes of a rule, as written and as printed */
#define EXPR_NAME_MAX		31	/* characters of an edge, reason or set */
#define EXPR_COMMENT_MAX	128	/* bytes, as in nft */
#define EXPR_FAMILY_ANY		(EXPR_FAMILY_4 | EXPR_FAMILY_6)

#define EXPR_PROTO_ANY		-1	/* expr_key.proto: implies none */
#define EXPR_PROTO_PORTS	-2	/* expr_key.proto: one of those that have ports */
#define EXPR_PORT_PROTOS	3	/* tcp, udp, sctp */

/* A field as it is written: 'tcp dport' */
struct expr_key {
	const char *group;		/* "tcp" */
	const char *name;		/* "dport"; NULL: the group alone */
	enum expr_field field;		/* EXPR_FIELD_MAX: the family itself (meta nfproto) */
	unsigned int families;		/* implied */
	int proto;			/* implied: IPPROTO_* or EXPR_PROTO_* */
};

struct expr_name {
	const char *name;
	uint8_t value;
};

/* Ends with a NULL group; keys of one group stand together */
extern const struct expr_key expr_keys[];

/* Fin to cwr: name i is bit i of the flags */
extern const char *const expr_flag_names[8];

/**
 * expr_names() - Names that a field's values have, the preferred one of a value first
 * @families:	Decides between ICMP and ICMPv6; both: neither's names
 * Return: NULL: the field has none
 */
const struct expr_name *expr_names(enum expr_field field, unsigned int families,
				   unsigned int *ret_n);
const char *expr_name_of(enum expr_field field, unsigned int families, uint64_t value);

/* Protocols that a key implies, sorted; at most EXPR_PORT_PROTOS. Return: how many, 0: any */
unsigned int expr_key_protos(int proto, struct expr_interval *ret_interval);

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

/* As expr_print(), without the comment: what the id is made of */
void expr_print_bare(const struct expr_rule *rule, struct buf *out);

#endif
