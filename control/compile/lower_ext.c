// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* lower_ext.c - conditions, statements and verdict of a rule as an extension */
#include <stdio.h>
#include <string.h>

#include <base/buf.h>
#include <compile/lower_priv.h>

#define PACKET_BURST	5	/* of a limit that says none, as in nft */

void lower_hit_name(uint32_t id, char *ret_name)
{
	*ret_name = '#';
	*buf_digits(ret_name + 1, id) = '\0';
}

static uint32_t rule_hit(struct lower *l, const struct lower_action *action)
{
	char name[LOWER_HIT_NAME];

	if (!action->counts)
		return LOWER_NO_HIT;
	lower_hit_name(action->rule->expr.id, name);
	return l->names->hit(l->names->arg, name);
}

static uint32_t counter_hit(struct lower *l, const char *counter)
{
	char name[SHUNT_NAME_MAX + 1];

	snprintf(name, sizeof(name), "$%s", counter);
	return l->names->hit(l->names->arg, name);
}

static uint32_t state_of(struct lower *l, const struct lower_action *action, unsigned int i)
{
	char name[32];

	snprintf(name, sizeof(name), "#%u.%u", action->rule->expr.id, i);
	return l->names->state(l->names->arg, name);
}

/* Time between tokens in 1/65536 ns, rounded */
static uint64_t step_of(const struct expr_statement *from)
{
	unsigned __int128 interval = (unsigned __int128)from->interval_ns << 16;

	if (from->amount)	/* the model refuses none */
		interval = (interval + from->amount / 2) / from->amount;
	return !interval ? 1 : interval > UINT64_MAX ? UINT64_MAX : (uint64_t)interval;
}

static void limit(const struct expr_statement *from, struct filter_stmt *to)
{
	uint64_t burst = from->burst;

	if (!burst && !from->bytes)
		burst = PACKET_BURST;
	to->kind = FILTER_STMT_LIMIT;
	to->negated = from->over;
	to->bytes = from->bytes;
	to->per = (uint8_t)from->per;
	to->step = step_of(from);
	to->burst = burst > UINT32_MAX ? UINT32_MAX : burst;
	to->len4 = from->len4;
	to->len6 = from->len6;
}

static void count_flows(struct lower *l, const struct lower_action *action, unsigned int i,
			struct filter_stmt *to)
{
	const struct expr_statement *from = &action->rule->expr.statement[i];

	to->kind = FILTER_STMT_CT_COUNT;
	to->negated = from->over;
	to->per = (uint8_t)from->per;
	to->index = l->names->limit(l->names->arg, action->rule, i);
	to->burst = from->amount;
	if (from->per != EXPR_PER_RULE) {
		to->len4 = from->len4;
		to->len6 = from->len6;
	}
	l->out.uses_flows = true;
}

_Static_assert((int)EXPR_PER_RULE == FILTER_PER_RULE && (int)EXPR_PER_SADDR == FILTER_PER_SADDR &&
	       (int)EXPR_PER_DADDR == FILTER_PER_DADDR, "copied as they are");

static void add_to_set(struct lower *l, const struct expr_statement *from, struct filter_stmt *to)
{
	bool dynamic = false;
	int slot = l->names->set(l->names->arg, from->name, &dynamic);

	if (slot < 0 || !dynamic)
		lower_fail(l, -EINVAL, "not_dynamic",
			   "packets cannot add to set '%s': its elements are the configuration's",
			   from->name);
	if (!lower_key_parts(from->field, from->n_fields, to->part))
		lower_fail(l, -EINVAL, "no_key", "set '%s' cannot hold these fields", from->name);
	to->kind = FILTER_STMT_ADD;
	to->index = slot;
	to->negated = from->update;
	to->timeout_ns = from->timeout_ns;
}

static void set_mark(struct lower *l, const struct expr_statement *from, struct filter_stmt *to)
{
	bool ct = from->kind == EXPR_SET_CT_MARK;

	to->kind = FILTER_STMT_MARK;
	to->value = from->mark;
	to->mask = from->mark_mask;
	to->per = ct ? FILTER_MARK_TO_CT : 0;
	if (from->mark_mask && ct != from->crossed)
		to->per |= FILTER_MARK_FROM_CT;
	l->out.uses_flows |= ct;
}

static uint32_t policy(struct lower *l, const char *name)
{
	uint32_t number = l->names->policy(l->names->arg, name);

	if (!number)		/* the model refuses it */
		lower_fail(l, -EINVAL, "no_such_policy", "no timeout policy '%s'", name);
	return number;
}

static bool asks_for_flow(const struct lower_conj *conj)
{
	unsigned int i;

	for (i = 0; i < conj->n_conds; i++)
		if (conj->cond[i].kind == FILTER_COND_FLOW)
			return true;
	return false;
}

static void statement(struct lower *l, const struct lower_action *action, unsigned int i,
		      struct filter_stmt *to)
{
	const struct expr_statement *from = &action->rule->expr.statement[i];

	switch (from->kind) {
	case EXPR_COUNT:
		to->kind = FILTER_STMT_COUNT;
		to->index = counter_hit(l, from->name);
		break;
	case EXPR_SET_MARK:
	case EXPR_SET_CT_MARK:
		set_mark(l, from, to);
		break;
	case EXPR_SET_POLICY:
		to->kind = FILTER_STMT_POLICY;
		to->index = policy(l, from->name);
		break;
	case EXPR_SET_ZONE:
		to->kind = FILTER_STMT_ZONE;
		to->value = from->amount;
		if (!l->out.zones)
			l->out.zones = action->rule;
		break;
	case EXPR_NOTRACK:
		to->kind = FILTER_STMT_NOTRACK;
		break;
	case EXPR_LOG:
		to->kind = FILTER_STMT_LOG;
		to->index = state_of(l, action, i);
		to->step = from->amount ? from->amount : 1;
		break;
	case EXPR_LIMIT:
		limit(from, to);
		to->index = state_of(l, action, i);
		break;
	case EXPR_QUOTA:
		to->kind = FILTER_STMT_QUOTA;
		to->negated = from->over;
		to->index = state_of(l, action, i);
		to->step = from->amount;
		break;
	case EXPR_CT_COUNT:
		count_flows(l, action, i, to);
		break;
	case EXPR_ADD:
		add_to_set(l, from, to);
		break;
	case EXPR_SNAT:
	case EXPR_MASQUERADE:
	case EXPR_DNAT:
		to->kind = from->kind == EXPR_DNAT ? FILTER_STMT_DNAT : FILTER_STMT_SNAT;
		to->value = l->names->nat(l->names->arg, action->rule, from);
		break;
	}
}

/* What holds for no packet without a flow, 'over' or not, holds for all of those then */
static void invert(struct filter_stmt *stmt)
{
	if (stmt->kind == FILTER_STMT_CT_COUNT)
		stmt->bytes = !stmt->bytes;
	else
		stmt->negated = !stmt->negated;
}

bool lower_ends_rules(const struct expr_statement *statement)
{
	return statement->kind == EXPR_LIMIT || statement->kind == EXPR_QUOTA ||
	       statement->kind == EXPR_CT_COUNT;
}

/* Return: whether packets may go on behind the rule */
static bool statements(struct lower *l, const struct lower_action *action, struct filter_ext *ext)
{
	unsigned int n = action->to - action->from + action->rejects, i;
	bool goes_on = ext->verdict != FILTER_LEAVE;

	if (n > FILTER_STMTS_MAX) {
		lower_fail(l, -E2BIG, "too_many_statements", "%u statements, %u at most%s", n,
			   FILTER_STMTS_MAX, action->rejects ? " ('reject' is one)" : "");
		return goes_on;
	}
	for (i = action->from; i < action->to; i++) {
		struct filter_stmt *stmt = &ext->stmt[ext->n_stmts++];

		statement(l, action, i, stmt);
		goes_on |= lower_ends_rules(&action->rule->expr.statement[i]);
		if (action->invert && i == action->to - 1)
			invert(stmt);
	}
	if (action->rejects)
		ext->stmt[ext->n_stmts++] = (struct filter_stmt){
			.kind = FILTER_STMT_REJECT, .value = action->reject,
		};
	return goes_on;
}

uint32_t lower_ref(struct lower *l, const struct lower_conj *conj,
		   const struct lower_action *action)
{
	uint32_t hit = rule_hit(l, action), index = l->out.n_ext;
	struct filter_ext *ext;

	if (!conj->n_conds && action->from == action->to && !action->rejects &&
	    action->verdict == FILTER_LEAVE)
		return hit;
	ext = arena_push(l->arena, l->out.ext, l->out.n_ext);
	*ext = (struct filter_ext){
		.hit = hit, .verdict = action->verdict, .n_conds = conj->n_conds,
		.id = action->rule->expr.id,
	};
	memcpy(ext->cond, conj->cond, conj->n_conds * sizeof(conj->cond[0]));
	l->goes_on |= statements(l, action, ext);
	l->out.uses_flows |= asks_for_flow(conj);
	if (action->verdict == FILTER_RESUME) {
		ext->resume = LOWER_PRIO_END;
		if (action->resume)
			*arena_push(l->arena, action->resume->ext, action->resume->n) = index;
	}
	return CLASSIFIER_EXT | (l->at.first_ext + index);
}
