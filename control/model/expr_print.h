/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* expr_print.h - parts of a rule as canonical text; for expr*.c only */
#ifndef MODEL_EXPR_PRINT_H
#define MODEL_EXPR_PRINT_H

#include <model/expr_field.h>

/* Without a blank at the end. All but EXPR_ADD, whose fields go by the rule */
void expr_print_statement(const struct expr_statement *statement, struct buf *out);
void expr_print_verdict(const struct expr_verdict *verdict, unsigned int families,
			struct buf *out);

/* The verdict's text tells the rule's family: reject with icmp host-unreachable */
bool expr_print_says_family(const struct expr_rule *rule);

/* The verdict implies TCP */
bool expr_print_says_tcp(const struct expr_rule *rule);

#endif
