/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* expr_value.h - arithmetic on values of up to 128 bits; for expr*.c only */
#ifndef MODEL_EXPR_VALUE_H
#define MODEL_EXPR_VALUE_H

#include <model/expr_field.h>

static inline int value_cmp(struct expr_value a, struct expr_value b)
{
	if (a.hi != b.hi)
		return a.hi < b.hi ? -1 : 1;
	return a.lo < b.lo ? -1 : a.lo > b.lo;
}

static inline struct expr_value value_next(struct expr_value v)
{
	v.lo++;
	v.hi += !v.lo;
	return v;
}

static inline struct expr_value value_prev(struct expr_value v)
{
	v.hi -= !v.lo;
	v.lo--;
	return v;
}

/* The lowest @bits set */
static inline struct expr_value value_ones(unsigned int bits)
{
	if (bits >= 64)
		return (struct expr_value){ bits > 64 ? UINT64_MAX >> (128 - bits) : 0,
					    UINT64_MAX };
	return (struct expr_value){ 0, (1ull << bits) - 1 };
}

static inline struct expr_value value_or(struct expr_value a, struct expr_value b)
{
	return (struct expr_value){ a.hi | b.hi, a.lo | b.lo };
}

static inline struct expr_value value_clear(struct expr_value a, struct expr_value b)
{
	return (struct expr_value){ a.hi & ~b.hi, a.lo & ~b.lo };
}

/* How many bits at the end are 0, at most @max */
static inline unsigned int value_zeros(struct expr_value v, unsigned int max)
{
	unsigned int n = v.lo ? __builtin_ctzll(v.lo) : v.hi ? 64 + __builtin_ctzll(v.hi) : 128;

	return n < max ? n : max;
}

/* The largest prefix that begins at @first and ends at or before @last. Return: its host bits */
static inline unsigned int prefix_host_bits(struct expr_value first, struct expr_value last,
					    unsigned int bits)
{
	unsigned int host = value_zeros(first, bits);

	while (value_cmp(value_or(first, value_ones(host)), last) > 0)
		host--;
	return host;
}

static inline bool interval_one(const struct expr_interval *interval)
{
	return !value_cmp(interval->first, interval->last);
}

/* Some value is in both */
static inline bool interval_meet(const struct expr_interval *a, const struct expr_interval *b)
{
	return value_cmp(a->first, b->last) <= 0 && value_cmp(b->first, a->last) <= 0;
}

#endif
