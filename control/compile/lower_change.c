// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* lower_change.c - what rules change for those behind them: marks, flow state, dynamic sets */
#include <compile/lower_priv.h>

static bool cond_may_change(const struct filter_cond *cond)
{
	unsigned int i;

	if (cond->kind == FILTER_COND_FLOW)
		return true;		/* 'notrack' leaves it without */
	if (cond->kind != FILTER_COND_SET)
		return cond->kind == FILTER_COND_RANGE &&
		       (cond->field == FILTER_MARK || cond->field == FILTER_CT_MARK ||
			cond->field == FILTER_CT_ZONE || cond->field == FILTER_CT_DIRECTION);
	for (i = 0; i < FILTER_KEY_PARTS; i++)
		if (cond->part[i] == FILTER_KEY_MARK || cond->part[i] == FILTER_KEY_CT_MARK)
			return true;
	return cond->dynamic;
}

static bool field_may_change(enum expr_field field)
{
	return field == EXPR_MARK || field == EXPR_CT_STATE || field == EXPR_CT_MARK ||
	       field == EXPR_CT_ZONE || field == EXPR_CT_DIRECTION || field >= EXPR_CT_IP_SADDR;
}

static bool tuples_may_change(const struct lower_tuples *tuples)
{
	unsigned int i;

	for (; tuples; tuples = tuples->next)
		for (i = 0; i < tuples->n_fields; i++)
			if (field_may_change(tuples->field[i]))
				return true;
	return false;
}

static bool asks_for_state(const struct lower_conj *conj)
{
	const struct ranges *state = &conj->range[EXPR_CT_STATE];

	return !ranges_full(state, ranges_all(EXPR_CT_STATE).v[0].last);
}

void lower_forget(struct lower_conj *conj)
{
	conj->range[EXPR_CT_STATE] = ranges_all(EXPR_CT_STATE);
	if (tuples_may_change(conj->tuples))
		conj->tuples = NULL;
}

/* Whether such a change may be one to what @conj, settled, asks for */
bool lower_may_change(const struct lower_conj *conj)
{
	const struct lower_subject *subject;
	unsigned int i;

	for (i = 0; i < conj->n_conds; i++)
		if (cond_may_change(&conj->cond[i]))
			return true;
	for (subject = conj->subject; subject; subject = subject->next)
		if (cond_may_change(&subject->cond))
			return true;
	return asks_for_state(conj) || tuples_may_change(conj->mixed) ||
	       tuples_may_change(conj->tuples);
}

static bool rule_changes(const struct lower *l, const struct expr_rule *rule, unsigned int depth);

static bool chain_changes(const struct lower *l, const char *name, unsigned int depth)
{
	const struct config_chain *chain = config_chain_find(l->node, name);
	unsigned int i;

	for (i = 0; chain && depth < CONFIG_CHAIN_DEPTH_MAX && i < chain->n_rules; i++)
		if (rule_changes(l, &chain->rule[i].expr, depth + 1))
			return true;
	return false;
}

static bool vmap_changes(const struct lower *l, const struct expr_vmap *vmap, unsigned int depth)
{
	const struct config_map *map = vmap->key.set ? config_map_find(l->config, vmap->key.set) :
						       NULL;
	const struct expr_verdict *verdict = map ? map->verdict : vmap->verdict;
	unsigned int n = map ? map->n : vmap->key.n_tuples, i;

	for (i = 0; i < n; i++)
		if (verdict[i].kind == EXPR_JUMP && chain_changes(l, verdict[i].chain, depth))
			return true;
	return false;
}

static bool statement_changes(enum expr_statement_kind kind)
{
	return kind == EXPR_SET_MARK || kind == EXPR_SET_CT_MARK || kind == EXPR_NOTRACK ||
	       kind == EXPR_SET_ZONE || kind == EXPR_ADD;
}

static bool rule_changes(const struct lower *l, const struct expr_rule *rule, unsigned int depth)
{
	unsigned int i;

	for (i = 0; i < rule->n_statements; i++)
		if (statement_changes(rule->statement[i].kind))
			return true;
	if (rule->vmap)
		return vmap_changes(l, rule->vmap, depth);
	return rule->verdict.kind == EXPR_JUMP && chain_changes(l, rule->verdict.chain, depth);
}

bool lower_changes(const struct lower *l, const struct config_rule *rule)
{
	return rule_changes(l, &rule->expr, 0);
}

bool lower_chain_changes(const struct lower *l, const char *name)
{
	return chain_changes(l, name, 0);
}
