/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* expr_match.h - the matches of a rule that is being read; for expr*.c only */
#ifndef MODEL_EXPR_MATCH_H
#define MODEL_EXPR_MATCH_H

#include <model/expr_field.h>
#include <model/scan.h>

struct expr_reader {
	struct scan *s;
	struct expr_rule rule;
	struct scan_span family;	/* of what narrowed rule.families */
};

/*
 * Each adds what @span says to the conjunction. Return: 0; -EINVAL: no packet
 * can match any more, diags name both places
 */
int expr_match_family(struct expr_reader *p, unsigned int families, struct scan_span span);
int expr_match_intervals(struct expr_reader *p, enum expr_field field,
			 struct expr_interval *interval, unsigned int n, struct scan_span span);
int expr_match_implied(struct expr_reader *p, const struct expr_key *key, struct scan_span span);
int expr_match_set(struct expr_reader *p, enum expr_field field, const char *name, bool negated,
		   struct scan_span span);
int expr_match_flags(struct expr_reader *p, uint8_t mask, uint8_t value, bool negated,
		     struct scan_span span);

/* Checks that need all matches; sorts them. Return: 0 or -EINVAL */
int expr_match_finish(struct expr_reader *p);

#endif
