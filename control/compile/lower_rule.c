// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * lower_rule.c - a rule at its place or places, and the chains that it jumps to
 *
 * DOC: A chain's rules have the jump's matches and-ed to theirs: a packet that they do not
 * let through meets none of the chain's rows. But where rules change what is asked for, the mark or
 * a set, it has to be asked once, ahead of them: 'decide' resumes there with
 * those packets for which it holds, and behind them with all others.
 */
#include <string.h>

#include <compile/lower_priv.h>

/* What a place's rows leave by */
struct exit {
	struct lower_action action;
	uint8_t edge;
	const struct lower_tuples *tuples;	/* of a vmap: in place of these two; or NULL */
	const struct expr_verdict *verdict;	/* by tuple */
};

static void exit_init(struct lower *l, struct exit *exit, const struct expr_verdict *verdict)
{
	int edge = 0;

	*exit = (struct exit){ .action.rule = l->rule, .action.counts = true };
	switch (verdict->kind) {
	case EXPR_LEAVE:
		edge = l->names->edge(l->names->arg, verdict->edge, verdict->reason);
		break;
	case EXPR_REJECT:
		edge = l->names->edge(l->names->arg, "reject", NULL);
		exit->action.rejects = true;
		exit->action.reject = verdict->reject;
		break;
	case EXPR_RETURN:
		exit->action.verdict = FILTER_RESUME;
		exit->action.resume = l->chain;
		break;
	default:
		exit->action.verdict = FILTER_NEXT;
	}
	if (edge < 0 || edge >= 1 << CLASSIFIER_EDGE_BITS)
		lower_fail(l, -EINVAL, "no_such_edge", "the node has no edge '%s'",
			   verdict->kind == EXPR_REJECT ? "reject" : verdict->edge);
	else
		exit->edge = edge;
}

/* Elements of a map that go by different verdicts are rows at one place: no two hold a packet */
static void vmap_rows(struct lower *l, const struct lower_conj *conj, const struct exit *exit,
		      struct lower_out *out)
{
	uint32_t reject_ref[SHUNT_REJECT_MAX], leave_ref = CLASSIFIER_NONE;
	uint32_t return_ref = CLASSIFIER_NONE, *ref;
	struct lower_conj part;
	struct exit element;
	struct arena outer;
	size_t i;

	memset(reject_ref, 0xff, sizeof(reject_ref));
	outer = lower_scratch_begin(l);
	for (i = 0; i < exit->tuples->n && !l->failed; i++) {
		const struct expr_verdict *verdict = &exit->verdict[i];

		if (verdict->kind == EXPR_JUMP || verdict->kind == EXPR_CONTINUE)
			continue;
		lower_scratch_trim(l);
		exit_init(l, &element, verdict);
		ref = verdict->kind == EXPR_LEAVE ? &leave_ref :
		      verdict->kind == EXPR_RETURN ? &return_ref :
		      &reject_ref[verdict->reject % SHUNT_REJECT_MAX];
		if (*ref == CLASSIFIER_NONE)
			*ref = lower_ref(l, conj, &element.action);
		part = *conj;
		lower_conj_tuple(l, &part, exit->tuples, i);
		out->ref = *ref;
		out->edge = element.edge;
		lower_rows(l, &part, out);
	}
	lower_scratch_end(l, outer);
}

static void too_many_rows(struct lower *l, const struct lower_out *out)
{
	uint64_t n = out->rows[0] > out->rows[1] ? out->rows[0] : out->rows[1];

	if (l->inlined && !l->lookups) {
		l->again = l->failed = true;
		return;
	}
	lower_fail(l, -E2BIG, "too_many_rows", "expands to %llu rows, %llu at most",
		   (unsigned long long)n, (unsigned long long)out->limit)->hint =
		"the product of its prefixes, ranges, protocols; a large set is looked up instead";
}

/* The most that the elements of @tuples may take beyond other rules: some rows each */
static uint64_t row_limit(const struct lower_tuples *tuples)
{
	uint64_t limit = LOWER_ROWS_RULE;

	for (; tuples; tuples = tuples->next)
		if (4 * tuples->n > limit)
			limit = 4 * tuples->n;
	return limit;
}

static void put(struct lower *l, const struct lower_conj *conj, void *arg)
{
	const struct exit *exit = arg;
	struct lower_out out = {
		.edge = exit->edge,
		.limit = row_limit(exit->tuples ? exit->tuples : conj->tuples),
	};
	unsigned int index = l->out.n_places;

	if (l->full || l->failed)
		return;
	if (++l->alternatives > LOWER_ALTERNATIVES) {
		lower_fail(l, -E2BIG, "too_many_alternatives",
			   "its conditions are more than %u alternatives",
			   LOWER_ALTERNATIVES)->hint =
			"name the values as a set, or split the rule";
		return;
	}
	out.prio = lower_place(l, l->rule);
	if (l->full)
		return;
	l->goes_on = false;
	if (exit->tuples) {
		vmap_rows(l, conj, exit, &out);
	} else {
		out.ref = lower_ref(l, conj, &exit->action);
		lower_rows(l, conj, &out);
	}
	if (out.rows[0] > out.limit || out.rows[1] > out.limit) {
		too_many_rows(l, &out);
		return;
	}
	l->n_rows += out.rows[0] + out.rows[1];
	l->out.place[index].rows[0] = out.rows[0];
	l->out.place[index].rows[1] = out.rows[1];
	l->out.rounds += l->goes_on;
	l->out.n_conditional += conj->n_conds > 0;
}

static void put_all(struct lower *l, const struct lower_conj *conj, struct exit *exit)
{
	l->alternatives = 0;
	lower_cond_each(l, conj, put, exit);
}

/* ---- blocks -------------------------------------------------------------------------------- */

static void block_resume(struct lower *l, const struct lower_block *block, uint32_t prio)
{
	unsigned int i;

	for (i = 0; i < block->n; i++)
		l->out.ext[block->ext[i]].resume = prio;
}

static void block_end(struct lower *l, const struct lower_block *block)
{
	block_resume(l, block, lower_place(l, NULL));
}

/* All that @conj lets through resumes there, whatever comes in between */
static void skip(struct lower *l, const struct lower_conj *conj, struct lower_block *to)
{
	struct exit exit = {
		.action = { .rule = l->rule, .verdict = FILTER_RESUME, .resume = to },
	};

	put_all(l, conj, &exit);
}

/* Ask for @conj's conditions here and no more: those who do not hold skip the block */
static void decide(struct lower *l, struct lower_conj *conj, struct lower_block *block)
{
	struct lower_block body = {0};

	skip(l, conj, &body);
	conj->n_conds = 0;
	conj->subject = NULL;
	conj->mixed = NULL;
	lower_forget(conj);
	skip(l, conj, block);
	block_resume(l, &body, lower_place_next(l));
}

/* What must not hold, and cannot be looked up: packets that it holds for skip the block */
static void guards(struct lower *l, struct lower_conj *conj, struct lower_block *block)
{
	const struct lower_tuples *except = conj->except;

	conj->except = NULL;
	for (; except; except = except->next) {
		struct lower_conj part = *conj;
		struct lower_tuples has = *except;
		const struct lower_tuples **to;

		to = lower_field_in_key(has.field, has.n_fields) ? &part.tuples : &part.mixed;
		has.next = *to;
		*to = &has;
		skip(l, &part, block);
	}
}

/*
 * Statements ahead of a block. A limit that does not hold ends the rule, hence the block: what is
 * over resumes behind it
 */
static void prelude(struct lower *l, const struct lower_conj *conj, struct lower_block *block,
		    bool counts)
{
	const struct expr_rule *rule = &l->rule->expr;
	struct exit exit = { .action.rule = l->rule };
	unsigned int i;

	for (i = 0; i < rule->n_statements; i++) {
		if (!lower_ends_rules(&rule->statement[i]))
			continue;
		exit.action.to = i + 1;
		exit.action.invert = true;
		exit.action.verdict = FILTER_RESUME;
		exit.action.resume = block;
		put_all(l, conj, &exit);
		exit.action.from = i + 1;
	}
	if (exit.action.from == rule->n_statements)
		return;
	exit.action.to = rule->n_statements;
	exit.action.invert = false;
	exit.action.verdict = FILTER_NEXT;
	exit.action.counts = counts;
	put_all(l, conj, &exit);
}

/* ---- rules --------------------------------------------------------------------------------- */

/* The chain's rules, @conj and-ed to each */
static void chain_lower(struct lower *l, const struct lower_conj *conj, const char *name,
			struct lower_block *block)
{
	const struct config_chain *chain = config_chain_find(l->node, name);
	const struct config_rule *rule = l->rule;
	struct lower_block *outer = l->chain;
	struct lower_conj part = *conj;
	unsigned int i;

	if (!chain) {
		lower_fail(l, -EINVAL, "no_such_chain", "no chain '%s'", name);
		return;
	}
	if (l->depth == CONFIG_CHAIN_DEPTH_MAX) {
		lower_fail(l, -E2BIG, "chain_depth", "more than %u chains within each other",
			   CONFIG_CHAIN_DEPTH_MAX);
		return;
	}
	part.jump = rule;
	l->chain = block;
	l->depth++;
	for (i = 0; i < chain->n_rules && !l->full && !l->again; i++)
		lower_rule(l, &part, &chain->rule[i]);
	l->depth--;
	l->chain = outer;
	l->rule = rule;
}

/* Tuples may overlap: a packet that goes on behind one's place may come to another's */
static bool may_overlap(const struct lower_conj *conj)
{
	return conj->mixed;
}

/* Whether what is asked for ahead of a block is to be asked once */
static bool to_decide(const struct lower *l, const struct lower_conj *conj)
{
	return (may_overlap(conj) && l->rule->expr.n_statements) ||
	       (lower_may_change(conj) && lower_changes(l, l->rule));
}

static void jump_lower(struct lower *l, struct lower_conj *conj)
{
	struct lower_block block = {0};

	guards(l, conj, &block);
	if (to_decide(l, conj))
		decide(l, conj, &block);
	prelude(l, conj, &block, true);
	chain_lower(l, conj, l->rule->expr.verdict.chain, &block);
	block_end(l, &block);
}

static void count(struct lower *l, const struct lower_conj *conj, void *arg)
{
	*(unsigned int *)arg += 1;
}

/* Whether a packet could come through the same rule twice */
static bool meets_itself(struct lower *l, const struct lower_conj *conj)
{
	const struct expr_rule *rule = &l->rule->expr;
	bool goes_on = rule->verdict.kind == EXPR_CONTINUE;
	unsigned int i, places = 0;

	for (i = 0; i < rule->n_statements; i++)
		goes_on |= lower_ends_rules(&rule->statement[i]);
	if (!goes_on || (!may_overlap(conj) &&
			 !(lower_may_change(conj) && lower_changes(l, l->rule))))
		return false;
	lower_cond_each(l, conj, count, &places);
	return places > 1;
}

static void plain_lower(struct lower *l, struct lower_conj *conj)
{
	bool twice = meets_itself(l, conj), block = twice || conj->except;
	struct lower_block behind = {0};
	struct exit exit;

	guards(l, conj, &behind);
	if (twice)
		decide(l, conj, &behind);
	exit_init(l, &exit, &l->rule->expr.verdict);
	exit.action.to = l->rule->expr.n_statements;
	put_all(l, conj, &exit);
	if (block)
		block_end(l, &behind);
}

/* Elements whose key is not all in the classifier's: a place each */
static void vmap_mixed(struct lower *l, const struct lower_conj *conj, const struct exit *map)
{
	struct lower_conj part;
	struct exit exit;
	size_t i;

	l->alternatives = 0;
	for (i = 0; i < map->tuples->n && !l->failed; i++) {
		if (map->verdict[i].kind == EXPR_JUMP || map->verdict[i].kind == EXPR_CONTINUE)
			continue;
		part = *conj;
		lower_conj_tuple(l, &part, map->tuples, i);
		exit_init(l, &exit, &map->verdict[i]);
		lower_cond_each(l, &part, put, &exit);
	}
}

/*
 * Where the chain's rules change what the key is made of, a packet that comes through them goes
 * behind all elements: it is not to be taken for another one's
 */
static void vmap_jump(struct lower *l, const struct lower_conj *conj, const struct exit *map,
		      size_t i, struct lower_block *behind)
{
	const char *chain = map->verdict[i].chain;
	struct lower_block block = {0};
	struct lower_conj part = *conj;
	bool once;

	lower_conj_tuple(l, &part, map->tuples, i);
	if (lower_conj_never(&part))
		return;
	once = lower_may_change(&part) && lower_chain_changes(l, chain);
	if (once)
		decide(l, &part, &block);
	chain_lower(l, &part, chain, once ? behind : &block);
	if (once)
		skip(l, &part, behind);
	block_end(l, &block);
}

static void vmap_jumps(struct lower *l, const struct lower_conj *conj, const struct exit *map,
		       struct lower_block *behind)
{
	size_t i;

	for (i = 0; i < map->tuples->n && !l->full && !l->again; i++)
		if (map->verdict[i].kind == EXPR_JUMP)
			vmap_jump(l, conj, map, i, behind);
}

static bool vmap_has(const struct exit *map, bool jumps)
{
	size_t i;

	for (i = 0; i < map->tuples->n; i++)
		if (map->verdict[i].kind != EXPR_CONTINUE &&
		    (map->verdict[i].kind == EXPR_JUMP) == jumps)
			return true;
	return false;
}

static bool map_named(struct lower *l, const char *name, struct exit *map,
		      struct lower_tuples *tuples)
{
	const struct config_map *named = config_map_find(l->config, name);

	if (!named) {		/* the model refuses it */
		lower_fail(l, -EINVAL, "no_such_map", "no map '%s'", name);
		return false;
	}
	tuples->tuple = named->tuple;
	tuples->n = named->n;
	map->verdict = named->verdict;
	return true;
}

static void vmap_lower(struct lower *l, struct lower_conj *conj)
{
	const struct expr_concat *key = &l->rule->expr.vmap->key;
	struct lower_tuples tuples = {
		.field = key->field, .n_fields = key->n_fields,
		.tuple = key->tuple, .n = key->n_tuples,
	};
	struct exit map = { .tuples = &tuples, .verdict = l->rule->expr.vmap->verdict };
	struct lower_block block = {0};

	if (key->set && !map_named(l, key->set, &map, &tuples))
		return;
	lower_conj_fields(l, conj, tuples.field, tuples.n_fields);
	guards(l, conj, &block);
	if (to_decide(l, conj))
		decide(l, conj, &block);
	prelude(l, conj, &block, false);
	if (vmap_has(&map, false)) {
		if (lower_field_in_key(tuples.field, tuples.n_fields))
			put_all(l, conj, &map);
		else
			vmap_mixed(l, conj, &map);
	}
	vmap_jumps(l, conj, &map, &block);
	if (block.n)
		block_end(l, &block);
}

void lower_rule(struct lower *l, const struct lower_conj *parent, const struct config_rule *rule)
{
	struct lower_conj conj = *parent;

	l->rule = rule;
	l->failed = false;
	lower_conj_rule(l, &conj, &rule->expr);
	lower_cond_settle(l, &conj);
	if (l->failed || lower_conj_never(&conj))
		return;
	if (rule->expr.vmap)
		vmap_lower(l, &conj);
	else if (rule->expr.verdict.kind == EXPR_JUMP)
		jump_lower(l, &conj);
	else
		plain_lower(l, &conj);
}
