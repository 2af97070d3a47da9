// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* config_type.c - types of sets and maps, and their elements */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <model/config_read.h>
#include <model/expr_field.h>
#include <model/expr_text.h>

#define WORD_MAX	128	/* bytes; no element has that many */

/* In the order in which errors list them */
static const struct {
	const char *name;
	enum expr_field field;
	unsigned int bytes;
} types[] = {
	{ "ip", EXPR_IP_SADDR, 4 }, { "ip6", EXPR_IP6_SADDR, 16 }, { "port", EXPR_DPORT, 4 },
	{ "proto", EXPR_PROTO, 4 }, { "ether", EXPR_ETHER_SADDR, 8 }, { "mark", EXPR_MARK, 4 },
	{ "vlan", EXPR_VLAN_ID, 4 }, { "iif", EXPR_IIF, 4 },
};

#define N_TYPES	(sizeof(types) / sizeof(types[0]))

/* ---- types --------------------------------------------------------------------------------- */

static size_t type_of(enum expr_field field)
{
	size_t i;

	for (i = 0; i < N_TYPES && types[i].field != field; i++)
		;
	return i;
}

enum expr_field config_type_field(enum expr_field field)
{
	switch (field) {
	case EXPR_IP_DADDR:
		return EXPR_IP_SADDR;
	case EXPR_IP6_DADDR:
		return EXPR_IP6_SADDR;
	case EXPR_SPORT:
		return EXPR_DPORT;
	case EXPR_ETHER_DADDR:
		return EXPR_ETHER_SADDR;
	case EXPR_CT_MARK:
		return EXPR_MARK;
	default:
		return type_of(field) < N_TYPES ? field : EXPR_FIELD_MAX;
	}
}

void config_type_print(const enum expr_field *field, unsigned int n_fields, struct buf *out)
{
	unsigned int i;
	size_t type;

	for (i = 0; i < n_fields; i++) {
		type = type_of(field[i]);
		buf_printf(out, "%s%s", i ? " . " : "", type < N_TYPES ? types[type].name : "?");
	}
}

/* The next part of "ip . port": without blanks around it. Return: behind it; NULL: the last */
static const char *next_part(const char *text, const char **ret_part, size_t *ret_len)
{
	const char *dot = strchr(text, '.'), *end = dot ? dot : text + strlen(text);

	while (text < end && *text == ' ')
		text++;
	while (end > text && end[-1] == ' ')
		end--;
	*ret_part = text;
	*ret_len = end - text;
	return dot ? dot + 1 : NULL;
}

/* Return: its index in types, N_TYPES: there is a finding */
static size_t read_part(struct config_reader *r, const struct tree *tree, const char *what,
			const char *part, size_t len)
{
	const char *names[N_TYPES];
	struct buf list = { 0 };
	struct diag *diag;
	size_t i;

	for (i = 0; i < N_TYPES; i++)
		if (strlen(types[i].name) == len && !memcmp(types[i].name, part, len))
			return i;
	for (i = 0; i < N_TYPES; i++) {
		names[i] = types[i].name;
		buf_printf(&list, "%s'%s'", !i ? "" : i + 1 < N_TYPES ? ", " : " or ", names[i]);
	}
	diag = config_read_error(r, tree, "bad_value", "the type of %s is %s, not '%.*s'", what,
				 list.data, len > 60 ? 60 : (int)len, part);
	if (len < tree->len) {
		diag->offset = part - tree->text;
		diag->len = len;
	}
	config_read_suggest(r, diag, arena_strndup(r->arena, part, len), names, N_TYPES,
			    "several with dots between them: 'ip . port . proto'");
	buf_fini(&list);
	return N_TYPES;
}

/* Return: it is one that some packet may have an element of */
static bool check_type(struct config_reader *r, const struct tree *tree, const char *what,
		       const enum expr_field *field, unsigned int n)
{
	unsigned int i, bytes = 0, families = 0;

	for (i = 0; i < n; i++) {
		bytes += types[type_of(field[i])].bytes;
		if (field[i] == EXPR_IP_SADDR)
			families |= EXPR_FAMILY_4;
		if (field[i] == EXPR_IP6_SADDR)
			families |= EXPR_FAMILY_6;
	}
	if (families == (EXPR_FAMILY_4 | EXPR_FAMILY_6)) {
		config_read_error(r, tree, "bad_value",
				  "no packet has both an 'ip' and an 'ip6' address");
		return false;
	}
	if (bytes > CONFIG_KEY_BYTES_MAX) {
		config_read_error(r, tree, "too_long",
				  "an element of %s has at most %d bytes, of this type %u", what,
				  CONFIG_KEY_BYTES_MAX, bytes)->hint =
			"ip6 takes 16, ether 8, all else 4";
		return false;
	}
	return true;
}

unsigned int config_type_read(struct config_reader *r, const struct tree *tree, const char *what,
			      enum expr_field *ret_field)
{
	const char *text = tree->text, *part;
	unsigned int n = 0;
	size_t len, type;

	if (!config_read_line(r, tree, "a type", CONFIG_COMMENT_MAX))
		return 0;
	while (text) {
		text = next_part(text, &part, &len);
		type = read_part(r, tree, what, part, len);
		if (type == N_TYPES)
			return 0;
		if (n == EXPR_CONCAT_MAX) {
			config_read_error(r, tree, "too_many",
					  "the type of %s has at most %d parts", what,
					  EXPR_CONCAT_MAX);
			return 0;
		}
		ret_field[n++] = types[type].field;
	}
	return check_type(r, tree, what, ret_field, n) ? n : 0;
}

/* ---- elements ------------------------------------------------------------------------------ */

static void trim(const char *text, size_t *from, size_t *to)
{
	while (*from < *to && isspace((unsigned char)text[*from]))
		(*from)++;
	while (*to > *from && isspace((unsigned char)text[*to - 1]))
		(*to)--;
}

static int read_value(const char *text, size_t from, size_t to, enum expr_field field,
		      const char *path, int offset, struct diags *diags,
		      struct expr_interval *ret_interval)
{
	struct diag *diag;

	trim(text, &from, &to);
	if (to - from <= WORD_MAX)
		return expr_element_in(text + from, to - from, field, EXPR_FAMILY_ANY, path,
				       offset + from, diags, ret_interval);
	diag = diags_add(diags, path, "bad_value", "'%.40s...' is no value", text + from);
	diag->offset = offset + from;
	diag->len = to - from;
	return -EINVAL;
}

/* " . " between the values of a concatenation: an address has dots too. Return: @to if none */
static size_t find_dot(const char *text, size_t from, size_t to)
{
	for (; from + 2 < to; from++)
		if (text[from + 1] == '.' && isspace((unsigned char)text[from]) &&
		    isspace((unsigned char)text[from + 2]))
			return from + 1;
	return to;
}

static int wrong_count(const enum expr_field *field, unsigned int n_fields, const char *path,
		       int offset, size_t len, struct diags *diags)
{
	struct buf type = { 0 };
	struct diag *diag;

	config_type_print(field, n_fields, &type);
	diag = diags_add(diags, path, "expected", "an element has %u values: %s", n_fields,
			 type.data);
	diag->offset = offset;
	diag->len = len;
	diag->hint = "values have a dot between them, with blanks: '192.0.2.1 . 80'";
	buf_fini(&type);
	return -EINVAL;
}

int config_element(const char *text, size_t len, const enum expr_field *field,
		   unsigned int n_fields, const char *path, int offset, struct diags *diags,
		   struct expr_interval *ret_tuple)
{
	size_t from = 0, dot;
	unsigned int i;
	int r;

	if (n_fields == 1)
		return read_value(text, 0, len, field[0], path, offset, diags, ret_tuple);
	for (i = 0; i < n_fields; i++, from = dot + 1) {
		dot = find_dot(text, from, len);
		if ((dot == len) != (i + 1 == n_fields))
			return wrong_count(field, n_fields, path, offset, len, diags);
		r = read_value(text, from, dot, field[i], path, offset, diags, &ret_tuple[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

void config_element_print(const struct expr_interval *tuple, const enum expr_field *field,
			  unsigned int n_fields, struct buf *out)
{
	unsigned int i;

	for (i = 0; i < n_fields; i++) {
		if (i)
			buf_str(out, " . ");
		expr_element_print(&tuple[i], field[i], out);
	}
}

/* What was found in the text has its line and column there: it lacks the scalar's path */
static void place(struct diags *diags, unsigned int from, const char *path)
{
	for (; from < diags->n; from++)
		diags->v[from].path = path;
}

int config_elements(const char *text, size_t len, const enum expr_field *field,
		    unsigned int n_fields, const char *path, struct diags *diags,
		    struct expr_interval **ret_tuple, unsigned int *ret_n)
{
	struct expr_elements elements;
	unsigned int before = diags->n;
	int r;

	r = expr_elements_text(text, len, field, n_fields, false, diags, &elements);
	if (r < 0) {
		place(diags, before, arena_strdup(diags->arena, path));
		return r;
	}
	*ret_tuple = elements.interval;
	*ret_n = elements.n;
	return 0;
}

void config_elements_tidy(const char *text, size_t len, struct buf *out)
{
	const char *end = text + len, *stop;
	size_t start = out->len, from, to;
	unsigned int empty = 0;

	for (; text < end; text = stop + 1) {
		stop = memchr(text, '\n', end - text);
		stop = stop ? stop : end;
		from = 0;
		to = stop - text;
		trim(text, &from, &to);
		if (from == to) {
			empty += out->len > start;
			continue;
		}
		for (; empty; empty--)
			buf_char(out, '\n');
		buf_add(out, text + from, to - from);
		buf_char(out, '\n');
	}
}

static int compare_values(struct expr_value a, struct expr_value b)
{
	if (a.hi != b.hi)
		return a.hi < b.hi ? -1 : 1;
	return a.lo < b.lo ? -1 : a.lo > b.lo;
}

int config_tuple_compare(const struct expr_interval *a, const struct expr_interval *b,
			 unsigned int n_fields)
{
	unsigned int i;
	int order;

	for (i = 0; i < n_fields; i++) {
		order = compare_values(a[i].first, b[i].first);
		if (!order)
			order = compare_values(a[i].last, b[i].last);
		if (order)
			return order;
	}
	return 0;
}

bool config_tuple_overlap(const struct expr_interval *a, const struct expr_interval *b,
			  unsigned int n_fields)
{
	unsigned int i;

	for (i = 0; i < n_fields; i++)
		if (compare_values(a[i].first, b[i].last) > 0 ||
		    compare_values(b[i].first, a[i].last) > 0)
			return false;
	return true;
}

bool config_tuple_reaches(const struct expr_interval *a, const struct expr_interval *b)
{
	return compare_values(a->last, b->last) >= 0;
}

static int compare_tuples(const void *a, const void *b, void *n_fields)
{
	return config_tuple_compare(a, b, *(unsigned int *)n_fields);
}

unsigned int config_elements_sort(struct expr_interval *tuple, unsigned int n,
				  unsigned int n_fields)
{
	size_t size = n_fields * sizeof(*tuple);
	unsigned int i, used = 0;

	if (n_fields == 1)
		return expr_merge(tuple, n);
	if (n > 1)
		qsort_r(tuple, n, size, compare_tuples, &n_fields);
	for (i = 0; i < n; i++) {
		if (used && !config_tuple_compare(&tuple[(used - 1) * n_fields],
						  &tuple[i * n_fields], n_fields))
			continue;
		memmove(&tuple[used++ * n_fields], &tuple[i * n_fields], size);
	}
	return used;
}
