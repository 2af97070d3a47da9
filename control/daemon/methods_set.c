// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * methods_set.c - sets: those of the configuration, whose edits are transactions
 *
 * Those that are state are methods_dset.c's.
 */
#include <stdlib.h>
#include <string.h>

#include <base/file.h>
#include <daemon/methods.h>

#define COUNTED_MAX	262144	/* room of a dynamic set whose elements are counted in a list of sets */

static const struct config_set *find_set(struct daemon *daemon, const char *name,
					 struct rpc_error *error)
{
	const struct config *config = &daemon->running->config;
	const struct config_set *set = config_set_find(config, name);

	if (!set)
		method_unknown(error, "set", name, config->set, config->n_sets,
			       sizeof(*config->set));
	return set;
}

/* The set that a call is about */
static const struct config_set *called_set(struct daemon *daemon, const struct rpc_call *call,
					   struct rpc_error *error)
{
	const char *name;

	if (rpc_text(call, "set", &name, error) < 0)
		return NULL;
	return find_set(daemon, name, error);
}

/* Elements of a dynamic set. Return: fd; -1: it has none, and @error tells */
static int open_elements(struct daemon *daemon, const struct config_set *set,
			 struct rpc_error *error)
{
	const struct plan_set *plan = plan_set_find(&daemon->running->plan, set->name);
	int fd;

	if (!plan)
		return rpc_fail(error, SHUNT_CLIENT_USAGE,
				"set '%s' holds nothing yet: no rule of a graph that is attached names it",
				set->name);
	fd = install_set(daemon->install, plan);
	if (fd < 0)
		return rpc_fail(error, SHUNT_CLIENT_REFUSED, "elements of set '%s': %s", set->name,
				strerror(-fd));
	return fd;
}

static struct tree *set_tree(const struct generation *next, const struct config_set *set)
{
	return tree_get(tree_get(next->tree, "sets"), set->name);
}

/* A text in place of what 'elements' is now. @text: taken */
static void put_text(struct generation *next, struct tree *tree, struct buf *text)
{
	struct tree *elements = tree_new_scalar(&next->arena, "");

	elements->text = arena_strndup(&next->arena, text->data ? text->data : "", text->len);
	elements->len = text->len;
	tree_set(&next->arena, tree, "elements", elements);
	buf_fini(text);
}

/* ---- list ---------------------------------------------------------------------------------- */

static void write_text(struct jsonw *w, const char *key, struct buf *text)
{
	jsonw_strn(w, key, text->data ? text->data : "", text->len);
	buf_fini(text);
}

static void write_static(struct jsonw *w, const struct config_set *set,
			 const struct plan_set *plan, bool elements)
{
	struct buf text = {};
	unsigned int i;

	jsonw_str(w, "kind", plan && plan->image.kind ? plan->image.kind : "static");
	jsonw_u64(w, "elements", set->n);
	if (plan)
		jsonw_u64(w, "memory_bytes", plan->image.n_lines * SHUNT_SET_LINE);
	if (!elements)
		return;
	for (i = 0; i < set->n; i++) {
		config_element_print(&set->tuple[i * set->n_fields], set->field, set->n_fields,
				     &text);
		buf_char(&text, '\n');
	}
	write_text(w, "text", &text);
}

/* One that no graph uses holds nothing */
static void write_dynamic(struct daemon *daemon, struct jsonw *w, const struct config_set *set,
			  const struct plan_set *plan, bool elements)
{
	int fd = plan ? install_set(daemon->install, plan) : -ENOENT;
	struct buf timeout = {};

	jsonw_str(w, "kind", "dynamic");
	jsonw_u64(w, "size", set->size);
	jsonw_bool(w, "counters", set->counters);
	if (set->timeout_ns) {
		expr_time_print(set->timeout_ns, &timeout);
		write_text(w, "timeout", &timeout);
	}
	if (fd >= 0 && (elements || set->size <= COUNTED_MAX))
		dset_write(daemon, fd, set, elements, w);
	fd_close(fd);
}

static void write_set(struct daemon *daemon, struct jsonw *w, const struct config_set *set,
		      bool elements)
{
	const struct plan_set *plan = plan_set_find(&daemon->running->plan, set->name);
	const struct tree *comment = tree_get(set->tree, "comment");
	struct buf type = {};

	config_type_print(set->field, set->n_fields, &type);
	jsonw_object(w, NULL);
	jsonw_str(w, "set", set->name);
	write_text(w, "type", &type);
	jsonw_str(w, "comment", comment ? comment->text : NULL);
	if (set->dynamic)
		write_dynamic(daemon, w, set, plan, elements);
	else
		write_static(w, set, plan, elements);
	jsonw_object_end(w);
}

METHOD(set_list)
{
	const struct config *config = &daemon->running->config;
	const char *name = rpc_text_or(call, "set", NULL);
	const struct config_set *set = NULL;
	unsigned int i;

	if (name && !(set = find_set(daemon, name, error)))
		return -1;
	jsonw_array(w, "sets");
	for (i = 0; i < config->n_sets; i++)
		if (!set || set == &config->set[i])
			write_set(daemon, w, &config->set[i], set);
	jsonw_array_end(w);
	return 0;
}

/* ---- add, del ------------------------------------------------------------------------------ */

/* An element is equal to another that stands for the same values, however it is written */
struct wanted {
	struct expr_interval tuple[EXPR_CONCAT_MAX];
	const char *word;
	bool found;
};

struct edit {
	const struct config_set *set;
	struct generation *next;
	struct wanted *wanted;		/* by tuple, bytewise */
	unsigned int n;
	bool add;
};

static int compare_wanted(const void *a, const void *b)
{
	return memcmp(((const struct wanted *)a)->tuple, ((const struct wanted *)b)->tuple,
		      sizeof(((struct wanted *)0)->tuple));
}

/* Return: whether it is one of the elements that are wanted; if so it is found */
static bool find_wanted(struct edit *edit, const char *text, size_t len)
{
	struct diags ignored = { .arena = &edit->next->arena };
	const char *comment = memchr(text, '#', len);
	struct wanted key = {}, *wanted;

	if (comment)
		len = comment - text;
	while (len && strchr(" \t\r", text[len - 1]))
		len--;
	if (!len || config_element(text, len, edit->set->field, edit->set->n_fields, "", 0,
				   &ignored, key.tuple) < 0)
		return false;
	wanted = bsearch(&key, edit->wanted, edit->n, sizeof(key), compare_wanted);
	if (wanted)
		wanted->found = true;
	return wanted;
}

/* The list with what is added, or without what is deleted */
static void edit_list(struct edit *edit, struct tree *list)
{
	struct tree *kept = tree_new_list(&edit->next->arena);
	struct arena *arena = &edit->next->arena;
	unsigned int i;
	size_t k;

	for (k = 0; k < list->n; k++)
		if (!find_wanted(edit, list->child[k]->text, list->child[k]->len) || edit->add)
			tree_append(arena, kept, list->child[k]);
	for (i = 0; edit->add && i < edit->n; i++)
		tree_append(arena, kept, tree_new_scalar(arena, edit->wanted[i].word));
	tree_set(arena, list->parent, "elements", kept);
}

static void edit_text(struct edit *edit, struct tree *elements)
{
	const char *text = elements->text, *end = text + elements->len, *stop;
	struct buf kept = {};
	unsigned int i;

	for (; text < end; text = stop + 1) {
		stop = memchr(text, '\n', end - text);
		stop = stop ? stop : end;
		if (find_wanted(edit, text, stop - text) && !edit->add)
			continue;
		buf_add(&kept, text, stop - text);
		buf_char(&kept, '\n');
	}
	for (i = 0; edit->add && i < edit->n; i++)
		buf_printf(&kept, "%s\n", edit->wanted[i].word);
	put_text(edit->next, elements->parent, &kept);
}

static int edit_words(struct edit *edit, const char **word, unsigned int n, struct rpc_error *error)
{
	struct diags *diags = &edit->next->diags;
	unsigned int i;

	edit->wanted = arena_new_n(&edit->next->arena, struct wanted, n);
	edit->n = n;
	for (i = 0; i < n; i++) {
		edit->wanted[i].word = word[i];
		if (config_element(word[i], strlen(word[i]), edit->set->field,
				   edit->set->n_fields, "", 0, diags, edit->wanted[i].tuple) < 0)
			return rpc_fail(error, SHUNT_CLIENT_INVALID, "'%s': %s", word[i],
					diags->v[0].message);
	}
	qsort(edit->wanted, n, sizeof(*edit->wanted), compare_wanted);
	for (i = 1; i < n; i++)
		if (!compare_wanted(&edit->wanted[i - 1], &edit->wanted[i]))
			return rpc_fail(error, SHUNT_CLIENT_USAGE, "'%s' is named twice",
					edit->wanted[i].word);
	return 0;
}

static int edit_check(const struct edit *edit, struct rpc_error *error)
{
	unsigned int i;

	for (i = 0; i < edit->n; i++) {
		if (edit->add && edit->wanted[i].found)
			return rpc_fail(error, SHUNT_CLIENT_USAGE, "'%s' is in set '%s' already",
					edit->wanted[i].word, edit->set->name);
		if (!edit->add && !edit->wanted[i].found)
			return rpc_fail(error, SHUNT_CLIENT_USAGE,
					"'%s' is no element of set '%s'", edit->wanted[i].word,
					edit->set->name);
	}
	return 0;
}

static int set_edit(struct daemon *daemon, const struct rpc_call *call,
		    const struct config_set *set, bool add, struct jsonw *w,
		    struct rpc_error *error)
{
	struct edit edit = { .set = set, .add = add };
	struct tree *tree, *elements;
	const char **word;
	unsigned int n;
	int r;

	if (rpc_words(call, "elements", &word, &n, error) < 0)
		return -1;
	if (rpc_text_or(call, "timeout", NULL)) {
		free(word);
		return rpc_fail(error, SHUNT_CLIENT_USAGE,
				"set '%s' is not dynamic: its elements have no timeout", set->name);
	}
	edit.next = method_edit(daemon);
	r = edit_words(&edit, word, n, error);
	if (r == 0) {
		tree = set_tree(edit.next, set);
		elements = tree_get(tree, "elements");
		if (!elements || (elements->kind == TREE_SCALAR && !elements->len))
			elements = tree_set(&edit.next->arena, tree, "elements",
					    tree_new_list(&edit.next->arena));
		if (elements->kind == TREE_LIST)
			edit_list(&edit, elements);
		else
			edit_text(&edit, elements);
		r = edit_check(&edit, error);
	}
	free(word);
	if (r < 0) {
		generation_free(edit.next);
		return r;
	}
	return method_commit(daemon, call, edit.next, w, error);
}

typedef int (*dset_method)(struct daemon *daemon, const struct rpc_call *call, int fd,
			   const struct config_set *set, struct jsonw *w, struct rpc_error *error);

static int call_dynamic(struct daemon *daemon, const struct rpc_call *call,
			const struct config_set *set, dset_method method, struct jsonw *w,
			struct rpc_error *error)
{
	int fd = open_elements(daemon, set, error), r = -1;

	if (fd >= 0)
		r = method(daemon, call, fd, set, w, error);
	fd_close(fd);
	return r;
}

METHOD(set_add)
{
	const struct config_set *set = called_set(daemon, call, error);

	if (!set)
		return -1;
	if (set->dynamic)
		return call_dynamic(daemon, call, set, dset_method_add, w, error);
	return set_edit(daemon, call, set, true, w, error);
}

METHOD(set_del)
{
	const struct config_set *set = called_set(daemon, call, error);

	if (!set)
		return -1;
	if (set->dynamic)
		return call_dynamic(daemon, call, set, dset_method_del, w, error);
	return set_edit(daemon, call, set, false, w, error);
}

/* ---- flush, load --------------------------------------------------------------------------- */

METHOD(set_flush)
{
	const struct config_set *set = called_set(daemon, call, error);
	struct generation *next;
	struct tree *tree;

	if (!set)
		return -1;
	if (set->dynamic)
		return call_dynamic(daemon, call, set, dset_method_flush, w, error);
	next = method_edit(daemon);
	tree = set_tree(next, set);
	if (tree_get(tree, "elements"))
		tree_del(tree, tree_get(tree, "elements"));
	return method_commit(daemon, call, next, w, error);
}

/* What there is, as text in front of what comes */
static void keep_elements(const struct tree *elements, struct buf *text)
{
	size_t i;

	for (i = 0; elements && i < elements->n; i++)
		buf_printf(text, "%s\n", elements->child[i]->text);
	if (elements && elements->kind == TREE_SCALAR && elements->len) {
		buf_add(text, elements->text, elements->len);
		if (elements->text[elements->len - 1] != '\n')
			buf_char(text, '\n');
	}
}

/* Before it is tidied: then lines still are those of the text that was given */
static int check_given(const struct config_set *set, const json_t *given, struct generation *next,
		       struct rpc_error *error)
{
	struct expr_interval *tuple;
	unsigned int n;

	if (config_elements(json_string_value(given), json_string_length(given), set->field,
			    set->n_fields, arena_printf(&next->arena, "/sets/%s/elements", set->name),
			    &next->diags, &tuple, &n) == 0)
		return 0;
	return rpc_fail_diags(error, &next->diags);
}

METHOD(set_load)
{
	const struct config_set *set = called_set(daemon, call, error);
	const json_t *given = json_object_get(call->params, "text");
	struct generation *next;
	struct buf text = {};
	struct tree *tree;

	if (!set)
		return -1;
	if (!json_is_string(given))
		return rpc_fail(error, RPC_BAD_PARAMS, "'%s' wants 'text', a string", call->method);
	if (set->dynamic)
		return call_dynamic(daemon, call, set, dset_method_load, w, error);
	next = method_edit(daemon);
	tree = set_tree(next, set);
	if (rpc_flag(call, "add"))
		keep_elements(tree_get(tree, "elements"), &text);
	config_elements_tidy(json_string_value(given), json_string_length(given), &text);
	/* what stays as it is, the model looks at anyway */
	if (text.len != json_string_length(given) && check_given(set, given, next, error) < 0) {
		buf_fini(&text);
		generation_free(next);
		return -1;
	}
	put_text(next, tree, &text);
	return method_commit(daemon, call, next, w, error);
}
