// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* lower_change.c - what rules change while a packet goes through them: its mark, dynamic sets */
#include <compile/lower_priv.h>

static bool cond_may_change(const struct filter_cond *cond)
{
	unsigned int i;

	if (cond->kind != FILTER_COND_SET)
		return cond->kind == FILTER_COND_RANGE && cond->field == FILTER_MARK;
	for (i = 0; i < FILTER_KEY_PARTS; i++)
		if (cond->part[i] == FILTER_KEY_MARK)
			return true;
	return cond->dynamic;
}

static bool has_mark(const struct lower_tuples *tuples)
{
	unsigned int i;

	for (; tuples; tuples = tuples->next)
		for (i = 0; i < tuples->n_fields; i++)
			if (tuples->field[i] == EXPR_MARK)
				return true;
	return false;
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
	return has_mark(conj->mixed);
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

static bool rule_changes(const struct lower *l, const struct expr_rule *rule, unsigned int depth)
{
	unsigned int i;

	for (i = 0; i < rule->n_statements; i++)
		if (rule->statement[i].kind == EXPR_SET_MARK || rule->statement[i].kind == EXPR_ADD)
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
