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

/* ---- places -------------------------------------------------------------------------------- */

static uint32_t place_new(struct lower *l, const struct config_rule *rule)
{
	uint32_t prio = l->at.prio + l->out.n_places * l->at.step;

	if (l->out.n_places == l->at.room)
		l->full = true;
	else
		*arena_push(l->arena, l->out.place, l->out.n_places) =
			(struct lower_place){ .rule = rule, .top = l->top };
	return prio;
}

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
			   "its conditions are more than %u alternatives", LOWER_ALTERNATIVES)->hint =
			"name the values as a set, or split the rule";
		return;
	}
	out.prio = place_new(l, l->rule);
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

static void block_end(struct lower *l, const struct lower_block *block)
{
	uint32_t prio = place_new(l, NULL);
	unsigned int i;

	for (i = 0; i < block->n; i++)
		l->out.ext[block->ext[i]].resume = prio;
}

/* What must not hold, and cannot be looked up: packets that it holds for skip the block */
static void guards(struct lower *l, struct lower_conj *conj, struct lower_block *block)
{
	const struct lower_tuples *except = conj->except;
	struct exit exit = {
		.action = { .rule = l->rule, .verdict = FILTER_RESUME, .resume = block },
	};

	conj->except = NULL;
	for (; except; except = except->next) {
		struct lower_conj part = *conj;
		struct lower_tuples has = *except;
		const struct lower_tuples **to;

		to = lower_field_in_key(has.field, has.n_fields) ? &part.tuples : &part.mixed;
		has.next = *to;
		*to = &has;
		put_all(l, &part, &exit);
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
		if (rule->statement[i].kind != EXPR_LIMIT && rule->statement[i].kind != EXPR_QUOTA)
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

static void rule_lower(struct lower *l, const struct lower_conj *parent,
		       const struct config_rule *rule);

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
		rule_lower(l, &part, &chain->rule[i]);
	l->depth--;
	l->chain = outer;
	l->rule = rule;
}

static void jump_lower(struct lower *l, struct lower_conj *conj)
{
	struct lower_block block = {0};

	guards(l, conj, &block);
	prelude(l, conj, &block, true);
	chain_lower(l, conj, l->rule->expr.verdict.chain, &block);
	block_end(l, &block);
}

static void plain_lower(struct lower *l, struct lower_conj *conj)
{
	const struct expr_rule *rule = &l->rule->expr;
	bool guarded = conj->except;
	struct lower_block block = {0};
	struct exit exit;

	if (guarded)
		guards(l, conj, &block);
	exit_init(l, &exit, &rule->verdict);
	exit.action.to = rule->n_statements;
	put_all(l, conj, &exit);
	if (guarded)
		block_end(l, &block);
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

static void vmap_jumps(struct lower *l, const struct lower_conj *conj, const struct exit *map)
{
	struct lower_conj part;
	size_t i;

	for (i = 0; i < map->tuples->n && !l->full && !l->again; i++) {
		struct lower_block block = {0};

		if (map->verdict[i].kind != EXPR_JUMP)
			continue;
		part = *conj;
		lower_conj_tuple(l, &part, map->tuples, i);
		if (lower_conj_never(&part))
			continue;
		chain_lower(l, &part, map->verdict[i].chain, &block);
		block_end(l, &block);
	}
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
	guards(l, conj, &block);
	prelude(l, conj, &block, false);
	lower_conj_fields(l, conj, tuples.field, tuples.n_fields);
	if (vmap_has(&map, false)) {
		if (lower_field_in_key(tuples.field, tuples.n_fields))
			put_all(l, conj, &map);
		else
			vmap_mixed(l, conj, &map);
	}
	vmap_jumps(l, conj, &map);
	if (block.n)
		block_end(l, &block);
}

static void rule_lower(struct lower *l, const struct lower_conj *parent,
		       const struct config_rule *rule)
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
		rule_lower(l, all, &l->node->rule[index]);
		if (!l->again)
			break;
		l->out = before;
		l->n_rows = n_rows;
		l->lookups = true;
		l->again = false;
	}
	if (l->out.n_places == before.n_places)
		place_new(l, &l->node->rule[index]);
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
