// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * expr.c - read a rule
 *
 * DOC: Recursive descent over the text itself, one function a production of
 * the grammar in docs/rules.md; the fields are a table (expr_field.c). The
 * first error ends a rule. What a match implies (protocol, family) is added
 * when its field is read, so that a contradiction is told at the field that
 * brings it in, and not only at the end.
 */
#include <errno.h>
#include <string.h>

#include <model/expr_read.h>

#define WORDS_MAX 48

#define PART "a match, a statement or a verdict"
#define LAST "a rule ends with 'accept', 'drop', 'reject', 'synproxy', 'goto EDGE', 'jump CHAIN' or 'return'"

/* Words that nft has and a rule here has not */
static const struct {
	const char *word, *hint;
} foreign[] = {
	{ "queue", "'goto EDGE' leaves the node by that edge" },
	{ "continue", "a rule with a statement and without a verdict goes on by itself" },
	{ "oif", "a rule sees a packet before it is routed" },
	{ "oifname", "a rule sees a packet before it is routed" },
};

/* ---- findings ------------------------------------------------------------------------------ */

static int unknown_keyword(struct expr_reader *p, struct scan_span word)
{
	static const char *const others[] = {
		"accept", "drop", "goto", "reject", "synproxy", "jump", "return",
		"counter", "log", "limit", "quota", "add", "update", "notrack", "snat", "dnat",
		"masquerade",
	};
	const char *words[WORDS_MAX];
	const struct expr_key *key;
	struct diag *diag;
	unsigned int i, n = 0;

	diag = scan_find(p->s, word, "unknown_keyword", "unknown keyword %s",
			 scan_quote(p->s, word));
	for (i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		if (scan_is(p->s, word, foreign[i].word)) {
			diag->hint = foreign[i].hint;
			return -EINVAL;
		}
	}
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		words[n++] = others[i];
	for (key = expr_keys; key->group; key++) {
		if (key->name && scan_is(p->s, word, key->name)) {
			diag->hint = arena_printf(p->s->arena, "did you mean '%s %s'?", key->group,
						  key->name);
			return -EINVAL;
		}
		if (n < WORDS_MAX && strcmp(words[n - 1], key->group))
			words[n++] = key->group;
	}
	diag_suggest(p->s->diags, diag, scan_dup(p->s, word), words, n);
	return -EINVAL;
}

/* ---- matches ------------------------------------------------------------------------------- */

static int read_set(struct expr_reader *p, const struct expr_key *key, enum expr_op op,
		    struct scan_span span)
{
	struct scan_span name;
	int r;

	if (op > EXPR_OP_NE)
		return scan_expected(p->s, "a value", "'<' and '>' stand before numbers only");
	scan_eat(p->s, "@");
	r = expr_read_set_name(p, &name);
	if (r < 0)
		return r;
	return expr_match_set(p, key->field, scan_dup(p->s, name), op == EXPR_OP_NE,
			      scan_from(p->s, span));
}

/* A tag is no type here: what is behind the tags is, and 'vlan id' says that there is one */
static int check_tag(struct expr_reader *p, const struct expr_match *match, enum expr_op op,
		     struct scan_span span)
{
	static const struct expr_interval any = { { .lo = 0 }, { .lo = 0xfff } };
	struct expr_match vlan = { .field = EXPR_VLAN_ID, .n = 1 };
	unsigned int i;

	for (i = 0; i < match->n; i++)
		if (match->interval[i].first.lo == EXPR_ETHER_VLAN &&
		    match->interval[i].last.lo == EXPR_ETHER_VLAN)
			break;
	if (i == match->n)
		return 0;
	vlan.interval = (struct expr_interval *)&any;
	if (match->n == 1 && op <= EXPR_OP_EQ)
		return expr_match_add(p, &vlan, span) < 0 ? -EINVAL : 1;
	return scan_fail(p->s, span, "bad_value",
			 "'vlan' stands alone: the type is that behind the tags",
			 "'vlan id 0-4095' are the tagged frames");
}

static int read_values(struct expr_reader *p, const struct expr_key *key, struct scan_span span)
{
	struct expr_match match = { .field = key->field, .interval = p->scratch, .n = 1 };
	enum expr_op op;
	int r;

	r = expr_read_order(p, &op);
	if (r < 0)
		return r;
	if (scan_peek(p->s) == '@')
		return read_set(p, key, op, span);
	if (scan_eat(p->s, "{"))
		r = expr_read_list(p, key, &match.interval, &match.n);
	else
		r = expr_read_element(p, key, match.interval);
	if (r < 0)
		return r;
	span = scan_from(p->s, span);
	if (key->field == EXPR_ETHER_TYPE) {
		r = check_tag(p, &match, op, span);
		if (r)
			return r < 0 ? r : 0;
	}
	return expr_match_values(p, &match, op, expr_field_last(key->field), span);
}

static int read_mark(struct expr_reader *p, const struct expr_key *key, struct scan_span span)
{
	const struct expr_match subject = { .field = key->field };

	if (scan_eat(p->s, "&") || expr_read_is(p, "and"))
		return expr_special_masked(p, key, &subject, UINT32_MAX, span);
	return read_values(p, key, span);
}

static int read_one(struct expr_reader *p, const struct expr_key *key, struct scan_span span)
{
	switch (key->field) {
	case EXPR_FIELD_MAX:
		return expr_special_family(p, span);
	case EXPR_TCP_FLAGS:
	case EXPR_CT_STATUS:
		return expr_flags_read(p, key->field, span);
	case EXPR_EXTHDR:
		return expr_special_exthdr(p, span);
	case EXPR_IIF:
		return expr_special_iif(p, span);
	case EXPR_MARK:
	case EXPR_CT_MARK:
		return read_mark(p, key, span);
	case EXPR_CT_STATE:
		return expr_flow_read_state(p, key, span);
	default:
		return read_values(p, key, span);
	}
}

/* ---- parts --------------------------------------------------------------------------------- */

enum part { PART_MORE, PART_LAST };	/* or an error */

static int late_match(struct expr_reader *p, struct scan_span span)
{
	return scan_fail(p->s, span, "expected", "expected a statement, a verdict or 'vmap'",
			 "matches stand before statements");
}

static int read_match(struct expr_reader *p, struct scan_span span)
{
	const struct expr_key *key, *keys[EXPR_CONCAT_MAX];
	unsigned int n = 1;
	int r;

	if (scan_is(p->s, span, "ct") && expr_read_is(p, "timeout"))
		return expr_statement_read_policy(p, span);
	if (scan_is(p->s, span, "ct") && expr_read_is(p, "count"))
		return expr_statement_read_count(p, span);
	key = expr_read_key(p, &span);
	if (!key)
		return -EINVAL;
	if (key->field == EXPR_MARK && expr_read_is(p, "set"))
		return expr_statement_read_mark(p, EXPR_SET_MARK, span);
	if (key->field == EXPR_CT_MARK && expr_read_is(p, "set"))
		return expr_statement_read_mark(p, EXPR_SET_CT_MARK, span);
	if (key->field == EXPR_CT_ZONE && expr_read_is(p, "set"))
		return expr_statement_read_zone(p, span);
	r = expr_match_implied(p, key->families, key->proto, span);
	if (r < 0)
		return r;
	keys[0] = key;
	if (scan_peek(p->s) == '.') {
		r = expr_concat_read_fields(p, keys, &n, &span);
		if (r < 0)
			return r;
	}
	if (expr_read_is(p, "vmap")) {
		r = expr_concat_read_vmap(p, keys, n, span);
		return r < 0 ? r : PART_LAST;
	}
	if (p->rule.n_statements)
		return late_match(p, span);
	return n > 1 ? expr_concat_read(p, keys, n, span) : read_one(p, key, span);
}

/* What begins with no word: @th,0,16, or an error */
static int read_odd(struct expr_reader *p)
{
	struct scan_span span = { p->s->pos, 1 };

	if (scan_peek(p->s) == '@') {
		span.offset = p->s->pos;
		if (p->rule.n_statements)
			return late_match(p, span);
		p->s->pos++;
		return expr_special_payload(p, span);
	}
	if (!scan_peek(p->s) && p->rule.n_statements)
		return PART_LAST;
	return scan_expected(p->s, PART, scan_peek(p->s) == ',' ? "lists have braces: { a, b }" :
			     scan_peek(p->s) ? NULL : LAST);
}

static int read_part(struct expr_reader *p)
{
	struct scan_span word = expr_read_word(p);
	int r;

	if (!word.len)
		return read_odd(p);
	if (expr_read_group(p, word))
		return read_match(p, word);
	if (expr_verdict_begins(p, word)) {
		r = expr_verdict_read(p, word, false, &p->rule.verdict);
		return r < 0 ? r : PART_LAST;
	}
	if (expr_statement_begins(p, word))
		return expr_statement_read(p, word);
	if (!scan_is(p->s, word, "comment"))
		return unknown_keyword(p, word);
	p->s->pos = word.offset;
	return p->rule.n_statements ? PART_LAST : scan_expected(p->s, PART, LAST);
}

static int read_comment(struct expr_reader *p)
{
	struct scan_span word, text;
	int r;

	if (!scan_peek(p->s))
		return 0;
	word = expr_read_word(p);
	if (!scan_is(p->s, word, "comment")) {
		p->s->pos = word.offset;
		return scan_expected(p->s, "'comment' or the end of the rule",
				     expr_read_group(p, word) || expr_statement_begins(p, word) ?
				     "the verdict is last" : NULL);
	}
	r = expr_read_string(p, "a comment", EXPR_COMMENT_MAX, &text);
	if (r < 0)
		return r;
	if (scan_peek(p->s))
		return scan_expected(p->s, "the end of the rule", NULL);
	p->rule.comment = scan_dup(p->s, text);
	return 0;
}

/* ---- the rule as a whole ------------------------------------------------------------------ */

static uint32_t fnv1a(const char *data, size_t len)
{
	uint32_t hash = 2166136261u;
	size_t i;

	for (i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)data[i]) * 16777619u;
	return hash;
}

static int too_long(struct expr_reader *p, size_t len, const char *what)
{
	return scan_fail(p->s, (struct scan_span){ -1, 0 }, "too_long",
			 arena_printf(p->s->arena, "a rule has at most %d bytes, not %zu%s",
				      EXPR_TEXT_MAX, len, what),
			 "put the values into a set: '@name'");
}

#define KEEP(arena, array, n) \
	((array) = keep(arena, array, sizeof(*(array)) * (n)))

static void *keep(struct arena *arena, const void *array, size_t size)
{
	return size ? memcpy(arena_alloc(arena, size), array, size) : NULL;
}

/* From the reader into the arena */
static void keep_rule(struct expr_reader *p)
{
	struct expr_rule *rule = &p->rule;

	KEEP(p->s->arena, rule->match, rule->n);
	KEEP(p->s->arena, rule->concat, rule->n_concats);
	KEEP(p->s->arena, rule->statement, rule->n_statements);
	if (rule->vmap)
		KEEP(p->s->arena, rule->vmap, 1);
}

/*
 * The text that is printed must be one that is read: it can be longer than the
 * one written (blanks after commas), so both are measured.
 */
static int finish(struct expr_reader *p)
{
	struct buf canonical = {0};
	size_t len, comment = 0;
	int r;

	r = expr_match_finish(p);
	if (r == 0)
		r = expr_concat_finish(p);
	if (r < 0)
		return r;
	expr_verdict_finish(p);
	expr_print_bare(&p->rule, &canonical);
	p->rule.id = fnv1a(canonical.data, canonical.len);
	if (p->rule.comment)
		comment = strlen(" comment \"\"") + strlen(p->rule.comment);
	len = canonical.len + comment;
	buf_fini(&canonical);
	if (len > EXPR_TEXT_MAX)
		return too_long(p, len, " as 'shunt export' prints it");
	keep_rule(p);
	return 0;
}

/* Large: what is in use is set as it comes */
static int reader_begin(struct expr_reader *p, struct scan *scan)
{
	size_t len = strlen(scan->text);

	p->s = scan;
	p->rule = (struct expr_rule){
		.families = EXPR_FAMILY_ANY, .match = p->match, .concat = p->concat,
		.statement = p->statement,
	};
	p->family = (struct scan_span){ 0, 0 };
	return len > EXPR_TEXT_MAX ? too_long(p, len, "") : 0;
}

int expr_parse(const char *text, const char *path, struct diags *diags, struct expr_rule *ret_rule)
{
	struct scan scan = {
		.text = text, .path = path, .diags = diags, .arena = diags->arena,
	};
	struct expr_reader p;
	int r;

	if (reader_begin(&p, &scan) < 0)
		return -EINVAL;
	do {
		r = read_part(&p);
	} while (r == PART_MORE);
	if (r == PART_LAST)
		r = read_comment(&p);
	if (r == 0)
		r = finish(&p);
	if (r < 0)
		return r;
	*ret_rule = p.rule;
	return 0;
}

/* ---- matches alone ------------------------------------------------------------------------- */

static int no_match(struct expr_reader *p, struct scan_span span)
{
	return scan_fail(p->s, span, "expected", "expected a match",
			 "there are no statements and no verdict here");
}

static int read_match_alone(struct expr_reader *p)
{
	struct scan_span word = expr_read_word(p);
	int r;

	if (!word.len && scan_peek(p->s) != '@')
		return scan_expected(p->s, "a match", scan_peek(p->s) == ',' ?
				     "lists have braces: { a, b }" : NULL);
	if (word.len && !expr_read_group(p, word)) {
		if (expr_verdict_begins(p, word) || expr_statement_begins(p, word) ||
		    scan_is(p->s, word, "comment"))
			return no_match(p, word);
		return unknown_keyword(p, word);
	}
	if (!word.len)
		word.offset = p->s->pos;
	r = word.len ? read_match(p, word) : read_odd(p);
	if (r == PART_LAST || (r == 0 && p->rule.n_statements))
		return no_match(p, scan_from(p->s, word));
	return r;
}

int expr_parse_matches(const char *text, const char *path, struct diags *diags,
		       struct expr_rule *ret_rule)
{
	struct scan scan = {
		.text = text, .path = path, .diags = diags, .arena = diags->arena,
	};
	struct expr_reader p;
	int r = 0;

	if (reader_begin(&p, &scan) < 0)
		return -EINVAL;
	while (r == 0 && scan_peek(&scan))
		r = read_match_alone(&p);
	if (r == 0)
		r = expr_match_finish(&p);
	if (r == 0)
		r = expr_concat_finish(&p);
	if (r < 0)
		return r;
	keep_rule(&p);
	*ret_rule = p.rule;
	return 0;
}
