// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* config_read.c - keys, kinds, names and words of a configuration */
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include <model/config_read.h>

#define TIME_BYTES_MAX	64

static const char *const kind_nouns[] = {
	[TREE_SCALAR] = "a single value", [TREE_MAP] = "a map", [TREE_LIST] = "a list",
};

#define TARGET_NAME(id, name) name,
static const char *const target_names[] = { SHUNT_TARGETS(TARGET_NAME) };

#define REASON_NAME(id, name, help) name,
static const char *const reason_names[] = { SHUNT_REASONS(REASON_NAME) };

/* Findings beyond those kept are only counted: they need no text */
static bool is_kept(const struct config_reader *r)
{
	return r->diags->total < DIAGS_MAX;
}

struct diag *config_read_error(struct config_reader *r, const struct tree *tree, const char *code,
			       const char *fmt, ...)
{
	const char *text;
	va_list args;

	if (!is_kept(r))
		return diags_add(r->diags, NULL, NULL, "%s", "");
	va_start(args, fmt);
	text = arena_vprintf(r->arena, fmt, args);
	va_end(args);
	return diags_add(r->diags, tree_path(tree, r->arena), code, "%s", text);
}

void config_read_suggest(struct config_reader *r, struct diag *diag, const char *word,
			 const char *const *words, unsigned int n, const char *otherwise)
{
	diag_suggest(r->diags, diag, word, words, n);
	if (!diag->hint)
		diag->hint = otherwise;
}

void config_read_suggest_name(struct config_reader *r, struct diag *diag, const char *word,
			      const void *array, unsigned int n, size_t size)
{
	const char **names;
	unsigned int i;

	if (!n || r->diags->total > DIAGS_MAX)
		return;
	names = arena_new_n(r->arena, const char *, n);
	for (i = 0; i < n; i++)
		names[i] = *(const char *const *)((const char *)array + i * size);
	diag_suggest(r->diags, diag, word, names, n);
}

bool config_read_is_empty(const struct tree *tree)
{
	return tree->kind == TREE_SCALAR && !tree->len;
}

bool config_read_is(struct config_reader *r, const struct tree *tree, enum tree_kind kind,
		    const char *what)
{
	if (tree->kind == kind)
		return true;
	config_read_error(r, tree, "wrong_kind", "%s must be %s, not %s", what,
			  kind_nouns[kind], kind_nouns[tree->kind]);
	return false;
}

/* Return: the key that was probably meant, -1: none is near */
static int unknown_key(struct config_reader *r, const struct tree *member, const char *what,
		       const struct config_key *keys)
{
	const char *words[CONFIG_KEYS_MAX], *near;
	struct buf known = { 0 };
	struct diag *diag;
	int i, n = 0;

	for (; keys[n].name; n++) {
		words[n] = keys[n].name;
		buf_printf(&known, "%s'%s'", n ? ", " : "its keys are ", words[n]);
	}
	diag = config_read_error(r, member, "unknown_key", "unknown key '%.60s' in %s",
				 member->key, what);
	diag->key = 1;
	near = suggest(member->key, words, n);
	config_read_suggest(r, diag, member->key, words, n,
			    n ? arena_strdup(r->arena, known.data) : NULL);
	buf_fini(&known);
	for (i = 0; i < n; i++)
		if (words[i] == near)
			return i;
	return -1;
}

static int find_key(const struct config_key *keys, const char *name)
{
	int i;

	for (i = 0; keys[i].name; i++)
		if (!strcmp(keys[i].name, name))
			return i;
	return -1;
}

int config_read_keys(struct config_reader *r, const struct tree *tree, const char *what,
		     const struct config_key *keys, struct tree **ret_value)
{
	bool seen[CONFIG_KEYS_MAX] = { false };
	struct tree *member;
	size_t i;
	int k;

	if (!config_read_is_empty(tree) && !config_read_is(r, tree, TREE_MAP, what))
		return -EINVAL;
	for (k = 0; keys[k].name; k++)
		ret_value[k] = NULL;
	for (i = 0; i < tree->n; i++) {
		member = tree->child[i];
		k = find_key(keys, member->key);
		if (k < 0) {
			k = unknown_key(r, member, what, keys);
			if (k >= 0)
				seen[k] = true;		/* one finding is enough */
			continue;
		}
		seen[k] = true;
		if (keys[k].kind != TREE_SCALAR && config_read_is_empty(member))
			continue;
		if ((keys[k].or_scalar && member->kind == TREE_SCALAR) ||
		    config_read_is(r, member, keys[k].kind,
				   arena_printf(r->arena, "'%s'", keys[k].name)))
			ret_value[k] = member;
	}
	for (k = 0; keys[k].name; k++)
		if (keys[k].required && !seen[k])
			config_read_error(r, tree, "missing_key", "%s lacks '%s'", what,
					  keys[k].name);
	return 0;
}

static bool is_name(const char *text, size_t len)
{
	size_t i;

	if (!len || len >= SHUNT_NAME_MAX || !isalnum((unsigned char)text[0]))
		return false;
	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '_' && text[i] != '-')
			return false;
	return true;
}

static struct diag *bad_name(struct config_reader *r, const struct tree *tree, const char *what,
			     const char *text, size_t len)
{
	struct diag *diag;

	if (len >= SHUNT_NAME_MAX)
		diag = config_read_error(r, tree, "bad_name",
					 "the name of %s has at most %d characters, this one %zu",
					 what, SHUNT_NAME_MAX - 1, len);
	else
		diag = config_read_error(r, tree, "bad_name", "'%s' is no name for %s", text,
					 what);
	diag->hint = "a name is a letter or digit, then letters, digits, '_' and '-'";
	return diag;
}

bool config_read_name(struct config_reader *r, const struct tree *tree, const char *what)
{
	if (is_name(tree->text, tree->len))
		return true;
	bad_name(r, tree, what, tree->text, tree->len);
	return false;
}

bool config_read_name_key(struct config_reader *r, const struct tree *tree, const char *what)
{
	size_t len = strlen(tree->key);

	if (is_name(tree->key, len))
		return true;
	bad_name(r, tree, what, tree->key, len)->key = 1;
	return false;
}

bool config_read_line(struct config_reader *r, const struct tree *tree, const char *what,
		      size_t max)
{
	size_t i;

	if (tree->len > max) {
		config_read_error(r, tree, "too_long", "%s has at most %zu bytes, this one %zu",
				  what, max, tree->len);
		return false;
	}
	for (i = 0; i < tree->len; i++) {
		if (iscntrl((unsigned char)tree->text[i])) {
			config_read_error(r, tree, "bad_value",
					  "%s is one line, without control characters", what);
			return false;
		}
	}
	return true;
}

bool config_read_number(struct config_reader *r, const struct tree *tree, const char *what,
			unsigned int max, int *ret_number)
{
	unsigned int number = 0;
	size_t i;

	for (i = 0; i < tree->len && isdigit((unsigned char)tree->text[i]); i++) {
		number = 10 * number + (tree->text[i] - '0');
		if (number > max)
			break;
	}
	if (!tree->len || i < tree->len) {
		config_read_error(r, tree, "bad_value", "%s is a number from 0 to %u, not '%.60s'",
				  what, max, tree->text);
		return false;
	}
	*ret_number = number;
	return true;
}

bool config_read_bool(struct config_reader *r, const struct tree *tree, const char *what,
		      bool *ret_bool)
{
	if (strcmp(tree->text, "true") && strcmp(tree->text, "false")) {
		config_read_error(r, tree, "bad_value", "%s is 'true' or 'false', not '%.60s'",
				  what, tree->text);
		return false;
	}
	*ret_bool = !strcmp(tree->text, "true");
	return true;
}

bool config_read_time(struct config_reader *r, const struct tree *tree, const char *what,
		      uint64_t *ret_ns)
{
	if (tree->len <= TIME_BYTES_MAX && !expr_time(tree->text, tree->len, ret_ns))
		return true;
	config_read_error(r, tree, "bad_value", "%s is a time up to 3650d, not '%.60s'", what,
			  tree->text)->hint = "days to milliseconds: 1d2h3m4s, 500ms";
	return false;
}

bool config_read_count(struct config_reader *r, const struct tree *list, size_t max,
		       const char *what, const char *items)
{
	if (list->n <= max)
		return true;
	config_read_error(r, list, "too_many", "%s has at most %zu %s, this one %zu", what, max,
			  items, list->n)->key = 1;
	return false;
}

void config_read_comment(struct config_reader *r, const struct tree *tree)
{
	if (tree)
		config_read_line(r, tree, "a comment", CONFIG_COMMENT_MAX);
}

void config_item_path_init(struct config_item_path *path, struct config_reader *r,
			   const struct tree *list)
{
	*path = (struct config_item_path){ 0 };
	buf_printf(&path->buf, "%s/", tree_path(list, r->arena));
	path->prefix = path->buf.len;
}

const char *config_item_path(struct config_item_path *path, size_t i)
{
	path->buf.len = path->prefix;
	buf_printf(&path->buf, "%zu", i);
	return path->buf.data;
}

void config_read_place(struct config_reader *r, const struct tree *tree, bool key)
{
	struct diag *diag;

	if (!r->diags->n || r->diags->total > DIAGS_MAX)
		return;
	diag = &r->diags->v[r->diags->n - 1];
	diag->path = tree_path(tree, r->arena);
	diag->key = key;
}

bool config_read_at_name(struct config_reader *r, const struct tree *tree, const char *what)
{
	static const char other[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	struct diag *diag;

	if (!config_read_name_key(r, tree, what))
		return false;
	if (islower((unsigned char)tree->key[0]) && !strpbrk(tree->key, other))
		return true;
	diag = config_read_error(r, tree, "bad_name", "'%s' is no name for %s", tree->key, what);
	diag->key = 1;
	diag->hint = "rules must be able to spell it: a lower-case letter, then a-z, 0-9, '_' and '-'";
	return false;
}

int config_read_word(struct config_reader *r, const struct tree *tree, const char *what,
		     const char *const *words)
{
	struct buf list = { 0 };
	struct diag *diag;
	int n;

	for (n = 0; words[n]; n++) {
		if (!strcmp(tree->text, words[n])) {
			buf_fini(&list);
			return n;
		}
		buf_printf(&list, "%s'%s'", !n ? "" : words[n + 1] ? ", " : " or ", words[n]);
	}
	diag = config_read_error(r, tree, "bad_value", "%s is %s, not '%.60s'", what, list.data,
				 tree->text);
	diag_suggest(r->diags, diag, tree->text, words, n);
	buf_fini(&list);
	return -1;
}

bool config_is_target(const char *text)
{
	unsigned int i;

	for (i = 0; i < SHUNT_TARGET_MAX; i++)
		if (!strcmp(target_names[i], text))
			return true;
	return false;
}

bool config_is_dev_text(const char *text)
{
	const char *c;

	for (c = text; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f || *c == '/' || *c == ':')
			return false;
	return c > text;
}

bool config_is_dev(const char *text)
{
	return config_is_dev_text(text) && strlen(text) < IFNAMSIZ && strcmp(text, ".") &&
	       strcmp(text, "..");
}

static bool is_reason(const char *name)
{
	unsigned int i;

	for (i = 0; i < SHUNT_REASON_MAX; i++)
		if (!strcmp(reason_names[i], name))
			return true;
	return false;
}

/* As rules spell it */
static bool is_own_reason(const char *name)
{
	return name[0] >= 'a' && name[0] <= 'z' && strlen(name) < SHUNT_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(name);
}

/* One of the list, or a name of the operator's own that is no slip of one of the list */
void config_read_reason(struct config_reader *r, const struct tree *tree, const char *reason,
			int offset)
{
	const char *near = suggest(reason, reason_names, SHUNT_REASON_MAX);
	struct diag *diag;

	if (is_reason(reason) || (!near && is_own_reason(reason)))
		return;
	diag = config_read_error(r, tree, "no_such_reason", "no drop reason '%.60s'", reason);
	diag->offset = offset;
	diag->len = strlen(reason);
	config_read_suggest(r, diag, reason, reason_names, SHUNT_REASON_MAX,
			    "a letter first, then letters, digits, '-' and '_'; "
			    "'drop' alone is drop(policy)");
}

int config_compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}
