/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * lower_priv.h - what lower*.c share; nobody else includes it
 *
 * DOC: lower.c gives out places, lower_rule.c fills them, rule by rule. lower_conj.c
 * and-s a rule's matches to those of the jumps that led to it. lower_cond.c makes
 * conditions of what is no row, lower_row.c rows of the rest, lower_ext.c extensions.
 */
#ifndef COMPILE_LOWER_PRIV_H
#define COMPILE_LOWER_PRIV_H

#include <errno.h>

#include <shunt/packet.h>

#include <compile/lower.h>

/* What of the traffic is meant */
#define LOWER_IP4	EXPR_FAMILY_4
#define LOWER_IP6	EXPR_FAMILY_6
#define LOWER_NOT_IP	0x4
#define LOWER_ALL	(LOWER_IP4 | LOWER_IP6 | LOWER_NOT_IP)

/* Fields below this one are words of the classifier's key, all but TCP_FLAGS by intervals */
#define LOWER_ROW_FIELDS	(EXPR_CT_STATE + 1)

struct ranges {
	const struct expr_interval *v;	/* sorted, merged */
	unsigned int n;			/* 0: nothing is let through */
};

struct lower_flags {
	const struct lower_flags *next;
	uint8_t mask, value;
	bool negated;
};

/* Values that a condition looks at, and which of them are let through */
struct lower_subject {
	struct lower_subject *next;
	struct filter_cond cond;	/* kind, field or payload, mask */
	struct ranges ranges;
};

/* Tuples of which one has to hold the packet; negated: none */
struct lower_tuples {
	const struct lower_tuples *next;
	const enum expr_field *field;
	unsigned int n_fields;
	const struct expr_interval *tuple;	/* n times n_fields */
	size_t n;
	const char *set;		/* name, where it may be looked up instead; NULL */
	bool dynamic;			/* can only be looked up */
	bool negated;
};

/*
 * A conjunction of matches. Copied by value: what it points at is never changed, so
 * that the rules of a chain go on from the jump's.
 */
struct lower_conj {
	unsigned int kinds;		/* LOWER_IP4, ... that can match */
	bool l4;			/* asks for ports, flags, type or code */
	bool icmp;			/* ports of the key are type and code */
	struct ranges range[LOWER_ROW_FIELDS];
	const struct lower_flags *flags;
	struct lower_subject *subject;
	const struct lower_tuples *unsettled;	/* what lower_cond_settle() gives their form */
	const struct lower_tuples *tuples;	/* all fields are the key's: rows */
	const struct lower_tuples *mixed;	/* some are not: alternatives */
	const struct lower_tuples *except;	/* must not hold: rows ahead that end it */
	struct filter_cond cond[FILTER_CONDS_MAX];
	unsigned int n_conds;
	const struct config_rule *jump;	/* the innermost that led here, or NULL */
};

/* Places with one place behind them all, where some of their extensions resume */
struct lower_block {
	uint32_t *ext;			/* indices of these */
	unsigned int n;
};

struct lower {
	const struct config *config;
	const struct config_node *node;
	const struct lower_names *names;
	struct lower_at at;
	struct arena *arena;		/* of the result */
	struct arena scratch;
	struct diags *diags;
	struct lowered out;
	uint64_t n_rows;		/* also those that were too many to be kept */
	const struct config_rule *rule;	/* under way */
	unsigned int top;		/* index of the node's rule that it is, or came from */
	unsigned int depth;		/* of chains */
	unsigned int alternatives;	/* of the rule under way */
	struct lower_block *chain;	/* the innermost, or NULL */
	bool lookups;			/* look up whatever can be: rows were too many */
	bool inlined;			/* something was not */
	bool again;			/* rows are too many, and looking up is yet to be tried */
	bool goes_on;			/* packets may go on behind the place under way */
	bool full;			/* no place is left */
	bool failed;			/* the rule under way has a finding */
	int r;				/* the first that went wrong */
};

/* Memory for a part of a rule: whatever it is made of is gone after lower_scratch_end() */
#define LOWER_SCRATCH_MAX	65536	/* bytes before it is given back */

static inline struct arena lower_scratch_begin(struct lower *l)
{
	struct arena outer = l->scratch;

	l->scratch = (struct arena){0};
	return outer;
}

static inline void lower_scratch_trim(struct lower *l)
{
	if (l->scratch.bytes > LOWER_SCRATCH_MAX)
		arena_fini(&l->scratch);
}

static inline void lower_scratch_end(struct lower *l, struct arena outer)
{
	arena_fini(&l->scratch);
	l->scratch = outer;
}

/* Rows of one place */
struct lower_out {
	uint32_t prio, ref;
	uint8_t edge;
	uint64_t limit;			/* no more rows than these */
	uint64_t rows[2];		/* of family 4 and 6; counts those above the limit, too */
};

typedef void lower_put(struct lower *l, const struct lower_conj *conj, void *arg);

/* lower.c: a finding at the rule under way; of several the first counts. Amend its hint */
struct diag *lower_fail(struct lower *l, int r, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The next place. Return: its prio; l->full: there is none */
uint32_t lower_place(struct lower *l, const struct config_rule *rule);
/* Prio of the one that lower_place() will give */
uint32_t lower_place_next(const struct lower *l);

/* lower_rule.c: @parent: what the jump lets through, or everything */
void lower_rule(struct lower *l, const struct lower_conj *parent, const struct config_rule *rule);

/* Whether it ends the rule when it does not hold: a limit, a quota, a count of connections */
bool lower_ends_rules(const struct expr_statement *statement);

/* lower_change.c: what rules change while a packet goes through them */
bool lower_may_change(const struct lower_conj *conj);
/* @conj with what it asks of what rules may change left out of its rows */
void lower_forget(struct lower_conj *conj);
bool lower_changes(const struct lower *l, const struct config_rule *rule);
bool lower_chain_changes(const struct lower *l, const char *name);

/* lower_range.c: results are in @arena, or one of the operands */
struct ranges ranges_all(enum expr_field field);
struct ranges ranges_and(struct arena *arena, struct ranges a, struct ranges b);
struct ranges ranges_not(struct arena *arena, struct ranges ranges, struct expr_value max);
bool ranges_has(const struct ranges *ranges, uint64_t value);
bool ranges_full(const struct ranges *ranges, struct expr_value max);

/* lower_conj.c */
void lower_conj_init(struct lower_conj *conj);
void lower_conj_rule(struct lower *l, struct lower_conj *conj, const struct expr_rule *rule);
void lower_conj_tuple(struct lower *l, struct lower_conj *conj, const struct lower_tuples *tuples,
		      size_t index);
/* Values of a field that is no word of the key */
void lower_conj_values(struct lower *l, struct lower_conj *conj, enum expr_field field,
		       struct ranges ranges, bool negated);
void lower_conj_subject(struct lower *l, struct lower_conj *conj, const struct filter_cond *cond,
			struct ranges ranges);
/* What tuples of these fields say by being asked for */
void lower_conj_fields(struct lower *l, struct lower_conj *conj, const enum expr_field *field,
		       unsigned int n);
bool lower_conj_never(const struct lower_conj *conj);
bool lower_field_in_key(const enum expr_field *field, unsigned int n_fields);

/* lower_cond.c */
bool lower_key_parts(const enum expr_field *field, unsigned int n, uint8_t *ret_part);
void lower_too_many_conds(struct lower *l, const struct lower_conj *conj);
/* Give each set its form: intervals, a lookup, or a list of tuples */
void lower_cond_settle(struct lower *l, struct lower_conj *conj);
/*
 * All ways to hold: @put gets a conjunction of conditions and what is rows for each, none where
 * it never holds. @conj is settled.
 */
void lower_cond_each(struct lower *l, const struct lower_conj *conj, lower_put *put, void *arg);

/* What is done where the conditions hold */
struct lower_action {
	const struct config_rule *rule;
	unsigned int from, to;		/* statements of the rule that run */
	bool invert;			/* the last of them is a limit or quota: what is over */
	uint8_t verdict;		/* FILTER_LEAVE, ... */
	uint8_t reject;			/* SHUNT_REJECT_* */
	bool rejects;
	bool counts;			/* the rule's hits */
	struct lower_block *resume;	/* FILTER_RESUME: behind this; NULL: at the end of all */
};

/* lower_ext.c: the rows' ref: of an extension, or of the rule's hits if these say it all */
uint32_t lower_ref(struct lower *l, const struct lower_conj *conj,
		   const struct lower_action *action);

/* lower_row.c */
void lower_rows(struct lower *l, const struct lower_conj *conj, struct lower_out *out);
/* Into how many values and masks the TCP flags are split */
unsigned int lower_flags_pieces(struct lower *l, const struct lower_conj *conj);

#endif
