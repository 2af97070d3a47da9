// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* expr_print_action.c - statements and verdicts as canonical text */
#include <string.h>

#include <shunt/packet.h>

#include <model/expr_print.h>

/* ---- statements ---------------------------------------------------------------------------- */

/* In the largest unit that leaves a whole number */
static void print_bytes(uint64_t bytes, struct buf *out)
{
	unsigned int i;

	for (i = 0; i + 1 < EXPR_BYTE_UNITS; i++)
		if (bytes >= expr_byte_units[i].factor && !(bytes % expr_byte_units[i].factor))
			break;
	buf_printf(out, "%llu %s", (unsigned long long)(bytes / expr_byte_units[i].factor),
		   expr_byte_units[i].name);
}

static void print_per(const struct expr_statement *statement, struct buf *out)
{
	buf_printf(out, " per %s", statement->per == EXPR_PER_SADDR ? "saddr" : "daddr");
	if (statement->len4 != EXPR_PER_LEN4 || statement->len6 != EXPR_PER_LEN6)
		buf_printf(out, "/%u", statement->len4);
	if (statement->len6 != EXPR_PER_LEN6)
		buf_printf(out, ",/%u", statement->len6);
}

static void print_limit(const struct expr_statement *statement, struct buf *out)
{
	unsigned int i;

	buf_str(out, statement->over ? "limit rate over " : "limit rate ");
	if (statement->bytes)
		print_bytes(statement->amount, out);
	else
		buf_printf(out, "%llu", (unsigned long long)statement->amount);
	for (i = 0; i + 1 < EXPR_RATE_INTERVALS; i++)
		if (expr_rate_intervals[i].factor == statement->interval_ns)
			break;
	buf_printf(out, "/%s", expr_rate_intervals[i].name);
	if (statement->burst && statement->bytes) {
		buf_str(out, " burst ");
		print_bytes(statement->burst, out);
	} else if (statement->burst) {
		buf_printf(out, " burst %llu packets", (unsigned long long)statement->burst);
	}
	if (statement->per != EXPR_PER_RULE)
		print_per(statement, out);
}

static void print_count(const struct expr_statement *statement, struct buf *out)
{
	buf_printf(out, "ct count %s%llu", statement->over ? "over " : "",
		   (unsigned long long)statement->amount);
	if (statement->per != EXPR_PER_RULE)
		print_per(statement, out);
}

static void print_log(const struct expr_statement *statement, struct buf *out)
{
	buf_str(out, "log");
	if (statement->name)
		buf_printf(out, " prefix \"%s\"", statement->name);
	if (statement->amount > 1)
		buf_printf(out, " every %llu", (unsigned long long)statement->amount);
}

static void print_mark(const struct expr_statement *statement, struct buf *out)
{
	bool ct = statement->kind == EXPR_SET_CT_MARK;

	buf_str(out, ct ? "ct mark set " : "meta mark set ");
	if (!statement->mark_mask) {
		buf_printf(out, "0x%x", statement->mark);
		return;
	}
	buf_str(out, ct != statement->crossed ? "ct mark" : "mark");
	if (statement->mark_mask != UINT32_MAX)
		buf_printf(out, " and 0x%x", statement->mark_mask);
	if (statement->mark)
		buf_printf(out, " xor 0x%x", statement->mark);
}

void expr_print_statement(const struct expr_statement *statement, struct buf *out)
{
	switch (statement->kind) {
	case EXPR_COUNT:
		buf_printf(out, "counter name \"%s\"", statement->name);
		break;
	case EXPR_SET_MARK:
	case EXPR_SET_CT_MARK:
		print_mark(statement, out);
		break;
	case EXPR_SET_POLICY:
		buf_printf(out, "ct timeout set \"%s\"", statement->name);
		break;
	case EXPR_SET_ZONE:
		buf_printf(out, "ct zone set %u", (unsigned int)statement->amount);
		break;
	case EXPR_NOTRACK:
		buf_str(out, "notrack");
		break;
	case EXPR_LOG:
		print_log(statement, out);
		break;
	case EXPR_LIMIT:
		print_limit(statement, out);
		break;
	case EXPR_QUOTA:
		buf_str(out, statement->over ? "quota over " : "quota ");
		print_bytes(statement->amount, out);
		break;
	case EXPR_SNAT:
	case EXPR_DNAT:
	case EXPR_MASQUERADE:
		expr_nat_print(statement, out);
		break;
	case EXPR_CT_COUNT:
		print_count(statement, out);
		break;
	case EXPR_ADD:
		break;
	}
}

/* ---- verdicts ------------------------------------------------------------------------------ */

bool expr_print_says_family(const struct expr_rule *rule)
{
	unsigned int i;

	for (i = 0; i < rule->n_statements; i++)
		if (rule->statement[i].nat &&
		    rule->statement[i].nat->families != EXPR_FAMILY_ANY)
			return true;
	return rule->verdict.kind == EXPR_REJECT && rule->families != EXPR_FAMILY_ANY &&
	       rule->verdict.reject != SHUNT_REJECT_PORT &&
	       rule->verdict.reject != SHUNT_REJECT_TCP_RESET;
}

bool expr_print_says_tcp(const struct expr_rule *rule)
{
	const struct expr_verdict *verdict = &rule->verdict;

	if (verdict->kind == EXPR_LEAVE)
		return !strcmp(verdict->edge, "synproxy");
	return verdict->kind == EXPR_REJECT && verdict->reject == SHUNT_REJECT_TCP_RESET;
}

static void print_reject(const struct expr_verdict *verdict, unsigned int families,
			 struct buf *out)
{
	buf_str(out, "reject");
	if (verdict->reject == SHUNT_REJECT_PORT)
		return;
	buf_str(out, " with ");
	if (verdict->reject != SHUNT_REJECT_TCP_RESET)
		buf_str(out, families == EXPR_FAMILY_4 ? "icmp " :
			     families == EXPR_FAMILY_6 ? "icmpv6 " : "icmpx ");
	buf_str(out, expr_reject_name(verdict->reject));
}

static void print_leave(const struct expr_verdict *verdict, struct buf *out)
{
	if (strcmp(verdict->edge, "accept") && strcmp(verdict->edge, "drop") &&
	    strcmp(verdict->edge, "synproxy"))
		buf_str(out, "goto ");
	buf_str(out, verdict->edge);
	if (verdict->reason)
		buf_printf(out, "(%s)", verdict->reason);
}

void expr_print_verdict(const struct expr_verdict *verdict, unsigned int families,
			struct buf *out)
{
	switch (verdict->kind) {
	case EXPR_CONTINUE:
		break;
	case EXPR_LEAVE:
		print_leave(verdict, out);
		break;
	case EXPR_REJECT:
		print_reject(verdict, families, out);
		break;
	case EXPR_JUMP:
		buf_printf(out, "jump %s", verdict->chain);
		break;
	case EXPR_RETURN:
		buf_str(out, "return");
		break;
	}
}
