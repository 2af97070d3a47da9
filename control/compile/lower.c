// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* lower.c - a node's rules in order of evaluation, chains laid out flat */
#include <stdarg.h>
#include <string.h>

#include <compile/lower_priv.h>

struct diag *lower_fail(struct lower *l, int r, const char *code, const char *fmt, ...)
{
	const char *path = l->rule ? tree_path(l->rule->tree, &l->scratch) : "";
	struct diag *diag;
	va_list args;
	char *text;

	va_start(args, fmt);
	text = arena_vprintf(&l->scratch, fmt, args);
	va_end(args);
	diag = diags_add(l->diags, path, code, "%s", text);
	l->failed = true;
	if (!l->r)
		l->r = r;
	return diag;
}

uint32_t lower_place_next(const struct lower *l)
{
	return l->at.prio + l->out.n_places * l->at.step;
}

uint32_t lower_place(struct lower *l, const struct config_rule *rule)
{
	uint32_t prio = lower_place_next(l);

	if (l->out.n_places == l->at.room)
		l->full = true;
	else
		*arena_push(l->arena, l->out.place, l->out.n_places) =
			(struct lower_place){ .rule = rule, .top = l->top };
	return prio;
}

/* One of the node's own. It has a place, even if it never matches: its neighbours go by it */
static void top_lower(struct lower *l, const struct lower_conj *all, unsigned int index)
{
	const struct lowered before = l->out;
	const uint64_t n_rows = l->n_rows;
	int pass;

	l->top = index;
	l->again = l->lookups = l->inlined = false;
	for (pass = 0; pass < 2; pass++) {
		lower_scratch_trim(l);
		lower_rule(l, all, &l->node->rule[index]);
		if (!l->again)
			break;
		l->out = before;
		l->n_rows = n_rows;
		l->lookups = true;
		l->again = false;
	}
	if (l->out.n_places == before.n_places)
		lower_place(l, &l->node->rule[index]);
}

/* ---- all of it ----------------------------------------------------------------------------- */

static void check_totals(struct lower *l)
{
	const struct lower_place *place = l->out.place, *most = NULL;
	unsigned int i;

	if (l->full) {
		lower_fail(l, -E2BIG, "too_many_rules",
			   "the rules of node '%s' and of the chains that they jump to are more than %u",
			   l->node->name, l->at.room);
		return;
	}
	if (l->n_rows <= LOWER_ROWS_MAX)
		return;
	for (i = 0; i < l->out.n_places; i++)
		if (place[i].rule && (!most || place[i].rows[0] + place[i].rows[1] >
						       most->rows[0] + most->rows[1]))
			most = &place[i];
	l->rule = most->rule;
	lower_fail(l, -E2BIG, "too_many_rows",
		   "the rules of node '%s' expand to %llu rows, %u at most; this one has the most, %u",
		   l->node->name, (unsigned long long)l->n_rows, LOWER_ROWS_MAX,
		   most->rows[0] + most->rows[1])->hint =
		"a rule takes the product of its prefixes, ranges and protocols";
}

static int finish(struct lower *l, struct lowered *ret)
{
	arena_fini(&l->scratch);
	if (l->r < 0)
		return l->r;
	l->out.rounds++;
	*ret = l->out;
	return 0;
}

int lower_rules(const struct config *config, const struct config_node *node,
		const struct lower_names *names, struct arena *arena, struct diags *diags,
		struct lowered *ret)
{
	struct lower l = {
		.config = config, .node = node, .names = names, .arena = arena, .diags = diags,
		.at = { CLASSIFIER_PRIO_GAP, CLASSIFIER_PRIO_GAP, CLASSIFIER_RULES_MAX, 0 },
	};
	struct lower_conj all;
	unsigned int i;

	lower_conj_init(&all);
	for (i = 0; i < node->n_rules && !l.full; i++)
		top_lower(&l, &all, i);
	check_totals(&l);
	return finish(&l, ret);
}

int lower_one(const struct config *config, const struct config_node *node, unsigned int index,
	      const struct lower_names *names, const struct lower_at *at, struct arena *arena,
	      struct diags *diags, struct lowered *ret)
{
	struct lower l = {
		.config = config, .node = node, .names = names, .arena = arena, .diags = diags,
		.at = *at,
	};
	struct lower_conj all;

	lower_conj_init(&all);
	top_lower(&l, &all, index);
	if (l.full && !l.r)
		l.r = -ENOSPC;
	else
		check_totals(&l);
	return finish(&l, ret);
}
