/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * expr_read.h - a rule that is being read; for expr*.c only
 *
 * DOC: Each function reads a part of the text, from where the scanner stands,
 * into the rule. Return: 0; -EINVAL: diags tell. What is read grows in arrays
 * of the reader, and goes into the arena once its size is known.
 */
#ifndef MODEL_EXPR_READ_H
#define MODEL_EXPR_READ_H

#include <model/expr_field.h>
#include <model/scan.h>

#define EXPR_MATCHES_MAX	32
#define EXPR_CONCATS_MAX	4
#define EXPR_STATEMENTS_MAX	16
#define EXPR_SCRATCH		64

struct expr_reader {
	struct scan *s;
	struct expr_rule rule;		/* its arrays are those below, until it is finished */
	struct expr_vmap vmap;
	struct scan_span family;	/* of what narrowed rule.families */
	struct expr_match match[EXPR_MATCHES_MAX];
	struct expr_concat concat[EXPR_CONCATS_MAX];
	struct expr_statement statement[EXPR_STATEMENTS_MAX];
	struct expr_interval scratch[EXPR_SCRATCH];	/* the list that is being read */
};

enum expr_op {
	EXPR_OP_NONE, EXPR_OP_EQ, EXPR_OP_NE,
	EXPR_OP_LT, EXPR_OP_LE, EXPR_OP_GT, EXPR_OP_GE,	/* of numbers */
};

/* ---- expr_read.c: words, names, numbers, values ---- */

/* The next word; len 0: none is here */
struct scan_span expr_read_word(struct expr_reader *p);
/* Step over the word, if it is the next one */
bool expr_read_is(struct expr_reader *p, const char *word);
/* == or !=; nothing is OP_NONE */
int expr_read_op(struct expr_reader *p, enum expr_op *ret_op);
/* The same, and < <= > >= */
int expr_read_order(struct expr_reader *p, enum expr_op *ret_op);
/* a-z, then up to 30 of a-z 0-9 _ -; @what: "the name of a set" */
int expr_read_name(struct expr_reader *p, const char *what, struct scan_span *ret_span);
/* The same in quotes or bare */
int expr_read_quoted_name(struct expr_reader *p, const char *what, struct scan_span *ret_span);
/* Right behind '@', which is read */
int expr_read_set_name(struct expr_reader *p, struct scan_span *ret_span);
/* In double quotes, without control characters */
int expr_read_string(struct expr_reader *p, const char *what, int max, struct scan_span *ret_span);
/* A number from @min to @max; @what: "a mark" */
int expr_read_number(struct expr_reader *p, const char *what, uint64_t min, uint64_t max,
		     uint64_t *ret_number);
int expr_read_element(struct expr_reader *p, const struct expr_key *key,
		      struct expr_interval *ret_interval);
/* Behind '{' up to '}'; in scratch, or the arena; sorted and merged */
int expr_read_list(struct expr_reader *p, const struct expr_key *key,
		   struct expr_interval **ret_interval, unsigned int *ret_n);
/* The field whose group is the word at @span, which grows by the field. Return: NULL: diags tell */
const struct expr_key *expr_read_key(struct expr_reader *p, struct scan_span *span);
const struct expr_key *expr_read_group(const struct expr_reader *p, struct scan_span word);

/* ---- expr_special.c: matches that are no plain values ---- */

int expr_special_family(struct expr_reader *p, struct scan_span span);
int expr_special_exthdr(struct expr_reader *p, struct scan_span span);
int expr_special_iif(struct expr_reader *p, struct scan_span span);
int expr_special_payload(struct expr_reader *p, struct scan_span span);
/* Behind 'meta mark &' */
int expr_special_masked(struct expr_reader *p, const struct expr_key *key,
			const struct expr_match *subject, uint64_t max, struct scan_span span);

/* ---- expr_flags.c: bits that have names ---- */

int expr_flags_read(struct expr_reader *p, enum expr_field field, struct scan_span span);

/* ---- expr_flow.c: the flow that a packet belongs to ---- */

/* Behind 'ct original' or 'ct reply', which is @way. Return: NULL: diags tell */
const struct expr_key *expr_flow_read_key(struct expr_reader *p, const struct expr_key *way);
/* ct state, which is @key: established,related   { new, invalid } */
int expr_flow_read_state(struct expr_reader *p, const struct expr_key *key, struct scan_span span);
/* Behind 'ct timeout' */
int expr_flow_read_policy(struct expr_reader *p, struct expr_statement *statement);
/* Behind 'ct zone set' */
int expr_flow_read_zone(struct expr_reader *p, struct expr_statement *statement);

/* ---- expr_nat.c: snat, dnat, masquerade ---- */

bool expr_nat_begins(const struct expr_reader *p, struct scan_span word,
		     enum expr_statement_kind *ret_kind);
/* Behind the word; the matches are all known */
int expr_nat_read(struct expr_reader *p, struct expr_statement *statement);

/* ---- expr_concat.c: concatenations and verdict maps ---- */

/* Behind the first field key[0] at @span, whose next is '.'; @span grows */
int expr_concat_read_fields(struct expr_reader *p, const struct expr_key **key,
			    unsigned int *ret_n, struct scan_span *span);
int expr_concat_read(struct expr_reader *p, const struct expr_key *const *key, unsigned int n,
		     struct scan_span span);
/* Behind 'vmap' */
int expr_concat_read_vmap(struct expr_reader *p, const struct expr_key *const *key, unsigned int n,
			  struct scan_span span);
/* Elements that no packet can reach: all matches are known */
int expr_concat_finish(struct expr_reader *p);

/* ---- expr_statement.c, expr_verdict.c ---- */

bool expr_statement_begins(const struct expr_reader *p, struct scan_span word);
int expr_statement_read(struct expr_reader *p, struct scan_span word);
/* Behind 'meta mark set', 'ct mark set': @kind */
int expr_statement_read_mark(struct expr_reader *p, enum expr_statement_kind kind,
			     struct scan_span span);
/* Behind 'ct timeout' */
int expr_statement_read_policy(struct expr_reader *p, struct scan_span span);
/* Behind 'ct zone set' */
int expr_statement_read_zone(struct expr_reader *p, struct scan_span span);
/* "ct count", which is read */
int expr_statement_read_count(struct expr_reader *p, struct scan_span span);

bool expr_verdict_begins(const struct expr_reader *p, struct scan_span word);
/* @in_map: an element's; no answer can be sent from there */
int expr_verdict_read(struct expr_reader *p, struct scan_span word, bool in_map,
		      struct expr_verdict *ret_verdict);
/* An answer that only one family can get goes by that family's name */
void expr_verdict_finish(struct expr_reader *p);

/* ---- expr_match.c: the conjunction; -EINVAL: no packet can match any more ---- */

int expr_match_family(struct expr_reader *p, unsigned int families, struct scan_span span);
/* @what: field, intervals (borrowed), mask and place in the packet */
int expr_match_add(struct expr_reader *p, const struct expr_match *what, struct scan_span span);
/* The same of what @op says of the intervals; values go up to @max */
int expr_match_values(struct expr_reader *p, struct expr_match *what, enum expr_op op,
		      struct expr_value max, struct scan_span span);
int expr_match_implied(struct expr_reader *p, unsigned int families, int proto,
		       struct scan_span span);
int expr_match_set(struct expr_reader *p, enum expr_field field, const char *name, bool negated,
		   struct scan_span span);
int expr_match_flags(struct expr_reader *p, uint8_t mask, uint8_t value, bool negated,
		     struct scan_span span);
int expr_match_exthdr(struct expr_reader *p, uint8_t mask, uint8_t value, struct scan_span span);
int expr_match_iif(struct expr_reader *p, const struct expr_match *what, struct scan_span span);
/* Tell both places. Return: -EINVAL */
int expr_match_contradiction(struct expr_reader *p, struct scan_span span,
			     struct scan_span earlier);

/* Checks that need all matches; sorts them. Return: 0 or -EINVAL */
int expr_match_finish(struct expr_reader *p);

#endif
