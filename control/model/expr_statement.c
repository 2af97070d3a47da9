// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* expr_statement.c - what a rule does before its verdict: count, log, limit, mark, add to a set */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <model/expr_read.h>

#define PREFIX_MAX	127		/* bytes, as in nft */
#define RATE_MAX	(1ull << 40)	/* a terabyte a second */
#define BURST_MAX	UINT32_MAX
#define QUOTA_MAX	(1ull << 60)
#define SECOND_NS	1000000000ull
#define TIME_MAX_NS	(3650 * 86400 * SECOND_NS)

#define N(array) (sizeof(array) / sizeof((array)[0]))

static const struct expr_unit time_units[] = {
	{ "d", 86400 * SECOND_NS }, { "h", 3600 * SECOND_NS }, { "m", 60 * SECOND_NS },
	{ "s", SECOND_NS }, { "ms", SECOND_NS / 1000 },
};

const struct expr_unit expr_rate_intervals[EXPR_RATE_INTERVALS] = {
	{ "second", SECOND_NS }, { "minute", 60 * SECOND_NS }, { "hour", 3600 * SECOND_NS },
	{ "day", 86400 * SECOND_NS },
};

const struct expr_unit expr_byte_units[EXPR_BYTE_UNITS] = {
	{ "gbytes", 1 << 30 }, { "mbytes", 1 << 20 }, { "kbytes", 1 << 10 }, { "bytes", 1 },
};

/* ---- amounts ------------------------------------------------------------------------------ */

/* Return: false: none of them, the word is not read */
static bool read_byte_unit(struct expr_reader *p, uint64_t *ret_factor)
{
	unsigned int i;

	for (i = 0; i < EXPR_BYTE_UNITS; i++) {
		if (expr_read_is(p, expr_byte_units[i].name)) {
			*ret_factor = expr_byte_units[i].factor;
			return true;
		}
	}
	return false;
}

static int scale(struct expr_reader *p, uint64_t *amount, uint64_t factor, uint64_t max,
		 struct scan_span span)
{
	if (*amount > max / factor)
		return scan_fail(p->s, scan_from(p->s, span), "bad_value",
				 arena_printf(p->s->arena, "%s is too much",
					      scan_quote(p->s, scan_from(p->s, span))), NULL);
	*amount *= factor;
	return 0;
}

/* ---- counter, log, quota ------------------------------------------------------------------ */

static int read_counter(struct expr_reader *p, struct expr_statement *statement,
			struct scan_span span)
{
	struct scan_span name;
	int r;

	if (!expr_read_is(p, "name")) {
		scan_find(p->s, span, "unknown_keyword", "unknown keyword 'counter'")->hint =
			"every rule counts: leave it out, or share one: counter name NAME";
		return -EINVAL;
	}
	statement->kind = EXPR_COUNT;
	r = expr_read_quoted_name(p, "the name of a counter", &name);
	if (r == 0)
		statement->name = scan_dup(p->s, name);
	return r;
}

static int read_log(struct expr_reader *p, struct expr_statement *statement)
{
	struct scan_span prefix;
	int r;

	statement->kind = EXPR_LOG;
	statement->amount = 1;
	if (expr_read_is(p, "prefix")) {
		r = expr_read_string(p, "a prefix", PREFIX_MAX, &prefix);
		if (r < 0)
			return r;
		statement->name = scan_dup(p->s, prefix);
	}
	if (expr_read_is(p, "every"))
		return expr_read_number(p, "a number of packets", 1, UINT32_MAX,
					&statement->amount);
	return 0;
}

static int read_quota(struct expr_reader *p, struct expr_statement *statement)
{
	struct scan_span span;
	uint64_t factor;
	int r;

	statement->kind = EXPR_QUOTA;
	statement->over = expr_read_is(p, "over");
	if (!statement->over)
		expr_read_is(p, "until");
	scan_blanks(p->s);
	span = (struct scan_span){ p->s->pos, 0 };
	r = expr_read_number(p, "a number", 1, QUOTA_MAX, &statement->amount);
	if (r < 0)
		return r;
	if (!read_byte_unit(p, &factor))
		return scan_expected(p->s, "'bytes', 'kbytes', 'mbytes' or 'gbytes'", NULL);
	return scale(p, &statement->amount, factor, QUOTA_MAX, span);
}

/* ---- limit -------------------------------------------------------------------------------- */

/* 10/second   5 mbytes/second */
static int read_rate(struct expr_reader *p, struct expr_statement *statement)
{
	struct scan_span span;
	uint64_t factor = 1;
	unsigned int i;
	int r;

	scan_blanks(p->s);
	span = (struct scan_span){ p->s->pos, 0 };
	r = expr_read_number(p, "a number", 1, RATE_MAX, &statement->amount);
	if (r < 0)
		return r;
	statement->bytes = read_byte_unit(p, &factor);
	if (!statement->bytes)
		expr_read_is(p, "packets");
	r = scale(p, &statement->amount, factor, RATE_MAX, span);
	if (r < 0)
		return r;
	if (!scan_eat(p->s, "/"))
		return scan_expected(p->s, "'/' and a unit of time", "limit rate 10/second");
	for (i = 0; i < EXPR_RATE_INTERVALS; i++) {
		if (expr_read_is(p, expr_rate_intervals[i].name)) {
			statement->interval_ns = expr_rate_intervals[i].factor;
			return 0;
		}
	}
	return scan_expected(p->s, "'second', 'minute', 'hour' or 'day'", NULL);
}

static int read_burst(struct expr_reader *p, struct expr_statement *statement)
{
	struct scan_span span;
	uint64_t factor = 1;
	int r;

	scan_blanks(p->s);
	span = (struct scan_span){ p->s->pos, 0 };
	r = expr_read_number(p, "a number", 1, BURST_MAX, &statement->burst);
	if (r < 0)
		return r;
	if (statement->bytes ? !read_byte_unit(p, &factor) : !expr_read_is(p, "packets"))
		return scan_expected(p->s, statement->bytes ?
				     "'bytes', 'kbytes' or 'mbytes'" : "'packets'",
				     "a burst is in the unit of its rate");
	r = scale(p, &statement->burst, factor, BURST_MAX, span);
	if (r == 0 && !statement->bytes && statement->burst == EXPR_BURST_PACKETS)
		statement->burst = 0;		/* what it is without a word */
	return r;
}

static int read_length(struct expr_reader *p, uint64_t max, uint8_t *ret_len)
{
	uint64_t len;
	int r;

	if (!scan_eat(p->s, "/"))
		return scan_expected(p->s, "'/' and a prefix length", "per saddr/24,/48");
	r = expr_read_number(p, "a prefix length", 1, max, &len);
	if (r == 0)
		*ret_len = len;
	return r;
}

/* saddr   daddr/24   saddr/24,/48 */
static int read_per(struct expr_reader *p, struct expr_statement *statement)
{
	int r = 0;

	if (expr_read_is(p, "saddr"))
		statement->per = EXPR_PER_SADDR;
	else if (expr_read_is(p, "daddr"))
		statement->per = EXPR_PER_DADDR;
	else
		return scan_expected(p->s, "'saddr' or 'daddr'", NULL);
	if (scan_peek(p->s) == '/')
		r = read_length(p, 32, &statement->len4);
	if (r == 0 && scan_eat(p->s, ","))
		r = read_length(p, 128, &statement->len6);
	return r;
}

static int read_limit(struct expr_reader *p, struct expr_statement *statement)
{
	int r;

	statement->kind = EXPR_LIMIT;
	statement->len4 = EXPR_PER_LEN4;
	statement->len6 = EXPR_PER_LEN6;
	if (!expr_read_is(p, "rate"))
		return scan_expected(p->s, "'rate'", "limit rate 10/second");
	statement->over = expr_read_is(p, "over");
	r = read_rate(p, statement);
	if (r == 0 && expr_read_is(p, "burst"))
		r = read_burst(p, statement);
	if (r == 0 && expr_read_is(p, "per"))
		r = read_per(p, statement);
	return r;
}

/* ---- ct count ----------------------------------------------------------------------------- */

static int read_count(struct expr_reader *p, struct expr_statement *statement)
{
	int r;

	statement->kind = EXPR_CT_COUNT;
	statement->len4 = EXPR_PER_LEN4;
	statement->len6 = EXPR_PER_LEN6;
	statement->over = expr_read_is(p, "over");
	r = expr_read_number(p, "a number of connections", 0, UINT32_MAX, &statement->amount);
	if (r == 0 && expr_read_is(p, "per"))
		r = read_per(p, statement);
	return r;
}

/* ---- add, update -------------------------------------------------------------------------- */

/* 1d2h3m4s500ms: from the largest unit to the smallest. Return: 0; -EINVAL; -ERANGE */
int expr_time(const char *text, int len, uint64_t *ret_ns)
{
	unsigned int unit = 0;
	uint64_t total = 0;
	int i = 0, from, name;

	while (i < len) {
		uint64_t number;

		for (from = i; i < len && isdigit((unsigned char)text[i]); i++)
			;
		if (expr_number(text + from, i - from, UINT32_MAX, &number) < 0)
			return -EINVAL;
		for (name = i; i < len && isalpha((unsigned char)text[i]); i++)
			;
		while (unit < N(time_units) &&
		       ((int)strlen(time_units[unit].name) != i - name ||
			memcmp(time_units[unit].name, text + name, i - name)))
			unit++;
		if (unit == N(time_units))
			return -EINVAL;
		if (number > (TIME_MAX_NS - total) / time_units[unit].factor)
			return -ERANGE;
		total += number * time_units[unit++].factor;
	}
	if (!total)
		return -EINVAL;
	*ret_ns = total;
	return 0;
}

void expr_time_print(uint64_t ns, struct buf *out)
{
	unsigned int i;

	for (i = 0; i < N(time_units); i++) {
		if (ns >= time_units[i].factor)
			buf_printf(out, "%llu%s", (unsigned long long)(ns / time_units[i].factor),
				   time_units[i].name);
		ns %= time_units[i].factor;
	}
}

static int read_time(struct expr_reader *p, uint64_t *ret_ns)
{
	struct scan_span span = expr_read_word(p);
	int r;

	if (!span.len)
		return scan_expected(p->s, "a time", "days to milliseconds: 1d2h3m4s, 500ms");
	r = expr_time(p->s->text + span.offset, span.len, ret_ns);
	if (r == 0)
		return 0;
	return scan_fail(p->s, span, "bad_value",
			 arena_printf(p->s->arena, r == -ERANGE ? "%s is more than 3650d" :
				      "%s is not a time", scan_quote(p->s, span)),
			 "days to milliseconds: 1d2h3m4s, 500ms");
}

static int read_key(struct expr_reader *p, struct expr_statement *statement)
{
	const struct expr_key *key[EXPR_CONCAT_MAX];
	struct scan_span word = expr_read_word(p);
	unsigned int n = 1, i;
	int r;

	if (!word.len || !expr_read_group(p, word)) {
		p->s->pos = word.offset;
		return scan_expected(p->s, "a field", "add @seen { ip saddr }");
	}
	key[0] = expr_read_key(p, &word);
	if (!key[0])
		return -EINVAL;
	r = expr_match_implied(p, key[0]->families, key[0]->proto, word);
	if (r == 0)
		r = expr_concat_read_fields(p, key, &n, &word);
	if (r < 0)
		return r;
	statement->n_fields = n;
	for (i = 0; i < n; i++)
		statement->field[i] = key[i]->field;
	return 0;
}

static int read_add(struct expr_reader *p, struct expr_statement *statement, bool update)
{
	struct scan_span name;
	int r;

	statement->kind = EXPR_ADD;
	statement->update = update;
	if (!scan_eat(p->s, "@"))
		return scan_expected(p->s, "'@' and the name of a set", "add @seen { ip saddr }");
	r = expr_read_set_name(p, &name);
	if (r < 0)
		return r;
	statement->name = scan_dup(p->s, name);
	if (!scan_eat(p->s, "{"))
		return scan_expected(p->s, "'{'", "add @seen { ip saddr }");
	r = read_key(p, statement);
	if (r == 0 && expr_read_is(p, "timeout"))
		r = read_time(p, &statement->timeout_ns);
	if (r == 0 && !scan_eat(p->s, "}"))
		r = scan_expected(p->s,
				  statement->timeout_ns ? "'}'" : "'.', 'timeout' or '}'", NULL);
	return r;
}

/* ---- meta mark set, ct mark set ----------------------------------------------------------- */

/* mark and M xor V   meta mark & M ^ V   mark or V */
static int read_mark_change(struct expr_reader *p, struct expr_statement *statement)
{
	bool any = false;
	uint64_t value;
	int r;

	if (scan_eat(p->s, "&") || expr_read_is(p, "and")) {
		r = expr_read_number(p, "a mask", 0, UINT32_MAX, &value);
		if (r < 0)
			return r;
		statement->mark_mask = value;
		any = true;
	}
	if (scan_eat(p->s, "^") || expr_read_is(p, "xor")) {
		r = expr_read_number(p, "a mark", 0, UINT32_MAX, &value);
		if (r < 0)
			return r;
		statement->mark ^= value;
		any = true;
	}
	if (scan_eat(p->s, "|") || expr_read_is(p, "or")) {
		r = expr_read_number(p, "a mark", 0, UINT32_MAX, &value);
		if (r < 0)
			return r;
		statement->mark_mask &= ~value;
		statement->mark = (statement->mark & ~value) | value;
		any = true;
	}
	if (!any && !statement->crossed)
		return scan_expected(p->s, "'and', 'xor' or 'or'", "mark and 0xff00 xor 0x1");
	return 0;
}

static int read_mark(struct expr_reader *p, struct expr_statement *statement,
		     enum expr_statement_kind kind, struct scan_span span)
{
	bool ct = expr_read_is(p, "ct");
	uint64_t value;
	int r;

	statement->kind = kind;
	if (ct || expr_read_is(p, "meta")) {
		if (!expr_read_is(p, "mark"))
			return scan_expected(p->s, "'mark'", NULL);
	} else if (!expr_read_is(p, "mark")) {
		r = expr_read_number(p, "a mark", 0, UINT32_MAX, &value);
		if (r == 0)
			statement->mark = value;
		return r;
	}
	statement->crossed = ct != (kind == EXPR_SET_CT_MARK);
	statement->mark_mask = UINT32_MAX;
	r = read_mark_change(p, statement);
	if (!statement->mark_mask)
		statement->crossed = false;	/* nothing is left of it */
	if (r == 0 && !statement->crossed && statement->mark_mask == UINT32_MAX && !statement->mark)
		return scan_fail(p->s, scan_from(p->s, span), "bad_value",
				 "the mark stays as it is", NULL);
	return r;
}

/* ---- all statements ----------------------------------------------------------------------- */

bool expr_statement_begins(const struct expr_reader *p, struct scan_span word)
{
	static const char *const words[] = {
		"counter", "log", "limit", "quota", "add", "update", "notrack",
	};
	enum expr_statement_kind kind;
	unsigned int i;

	for (i = 0; i < N(words); i++)
		if (scan_is(p->s, word, words[i]))
			return true;
	return expr_nat_begins(p, word, &kind);
}

/* Return: NULL: diags tell */
static struct expr_statement *statement_new(struct expr_reader *p, struct scan_span span)
{
	struct expr_statement *statement;

	if (p->rule.n_statements == EXPR_STATEMENTS_MAX) {
		scan_find(p->s, span, "too_many", "a rule has at most %d statements",
			  EXPR_STATEMENTS_MAX);
		return NULL;
	}
	statement = &p->statement[p->rule.n_statements++];
	*statement = (struct expr_statement){ .offset = span.offset };
	return statement;
}

int expr_statement_read(struct expr_reader *p, struct scan_span word)
{
	struct expr_statement *statement = statement_new(p, word);
	int r;

	if (!statement)
		return -EINVAL;
	if (expr_nat_begins(p, word, &statement->kind)) {
		r = expr_nat_read(p, statement);
		statement->len = scan_from(p->s, word).len;
		return r;
	}
	switch (p->s->text[word.offset]) {
	case 'c':
		r = read_counter(p, statement, word);
		break;
	case 'q':
		r = read_quota(p, statement);
		break;
	case 'n':
		statement->kind = EXPR_NOTRACK;
		r = 0;
		break;
	case 'l':
		r = scan_is(p->s, word, "log") ? read_log(p, statement) : read_limit(p, statement);
		break;
	default:
		r = read_add(p, statement, scan_is(p->s, word, "update"));
		break;
	}
	statement->len = scan_from(p->s, word).len;
	return r;
}

int expr_statement_read_policy(struct expr_reader *p, struct scan_span span)
{
	struct expr_statement *statement = statement_new(p, span);
	int r;

	if (!statement)
		return -EINVAL;
	r = expr_flow_read_policy(p, statement);
	statement->len = scan_from(p->s, span).len;
	return r;
}

int expr_statement_read_zone(struct expr_reader *p, struct scan_span span)
{
	struct expr_statement *statement = statement_new(p, span);
	int r;

	if (!statement)
		return -EINVAL;
	r = expr_flow_read_zone(p, statement);
	statement->len = scan_from(p->s, span).len;
	return r;
}

int expr_statement_read_mark(struct expr_reader *p, enum expr_statement_kind kind,
			     struct scan_span span)
{
	struct expr_statement *statement = statement_new(p, span);
	int r;

	if (!statement)
		return -EINVAL;
	r = read_mark(p, statement, kind, span);
	statement->len = scan_from(p->s, span).len;
	return r;
}

int expr_statement_read_count(struct expr_reader *p, struct scan_span span)
{
	struct expr_statement *statement = statement_new(p, span);
	int r;

	if (!statement)
		return -EINVAL;
	r = read_count(p, statement);
	statement->len = scan_from(p->s, span).len;
	return r;
}
