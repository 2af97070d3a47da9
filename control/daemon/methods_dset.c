// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * methods_dset.c - elements of dynamic sets: text to keys of the kernel's table, and back
 *
 * DOC: Elements are state, so no generation comes of a change here. What is to go
 * goes before what is new comes: a full set can be loaded with others, and what is in
 * both is there all the time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <compile/set.h>
#include <daemon/methods.h>
#include <kernel/dset.h>
#include <model/expr_text.h>

#define READ_BATCH	4096

/* Elements by key; v on the heap */
struct elements {
	const struct config_set *set;
	const struct link_table *links;
	struct dset_element *v;
	size_t n, size;
};

static struct dset_element *elements_push(struct elements *elements)
{
	if (elements->n == elements->size) {
		elements->size = elements->size ? 2 * elements->size : 64;
		elements->v = realloc(elements->v, elements->size * sizeof(*elements->v));
		if (!elements->v)
			abort();
	}
	elements->v[elements->n] = (struct dset_element){};
	return &elements->v[elements->n++];
}

static int compare_keys(const void *a, const void *b)
{
	return memcmp(&((const struct dset_element *)a)->key,
		      &((const struct dset_element *)b)->key, sizeof(struct shunt_set_key));
}

/* Sorted by key. Return: 0; -errno */
static int elements_read(int fd, struct elements *elements)
{
	struct dset_element *batch = calloc(READ_BATCH, sizeof(*batch));
	struct dset_cursor cursor = {};
	int i, n = 0;

	if (!batch)
		abort();
	while (!cursor.done) {
		n = dset_read(fd, &cursor, batch, READ_BATCH);
		if (n < 0)
			break;
		for (i = 0; i < n; i++)
			*elements_push(elements) = batch[i];
	}
	free(batch);
	if (elements->n)
		qsort(elements->v, elements->n, sizeof(*elements->v), compare_keys);
	return n < 0 ? n : 0;
}

static bool elements_have(const struct elements *elements, const struct dset_element *element)
{
	return elements->n && bsearch(element, elements->v, elements->n, sizeof(*element),
				      compare_keys);
}

/* An interface is its index: 32 bits, as a mark has */
static enum expr_field key_field(enum expr_field field)
{
	return field == EXPR_IIF ? EXPR_MARK : field;
}

/* ---- from text ----------------------------------------------------------------------------- */

static int no_room(const struct config_set *set, struct rpc_error *error)
{
	return rpc_fail(error, SHUNT_CLIENT_USAGE, "set '%s' has room for %u elements", set->name,
			set->size);
}

/* An interface's name as the model has it, to its index */
static int to_ifindex(const struct elements *to, const struct expr_interval *name,
		      struct expr_value *ret_value, struct rpc_error *error)
{
	const uint64_t half[2] = { name->first.hi, name->first.lo };
	const struct link *link;
	char text[17] = "";
	unsigned int i;

	for (i = 0; i < 16; i++)
		text[i] = half[i / 8] >> (56 - 8 * (i % 8));
	link = link_find_name(to->links, text);
	if (!link)
		return rpc_fail(error, SHUNT_CLIENT_USAGE, "no interface '%s'", text);
	*ret_value = (struct expr_value){ .lo = link->ifindex };
	return 0;
}

static bool is_single(const struct expr_interval *interval)
{
	return !memcmp(&interval->first, &interval->last, sizeof(interval->first));
}

static int add_tuple(struct elements *to, const struct expr_interval *tuple, uint64_t timeout_ns,
		     struct rpc_error *error)
{
	struct dset_element *element;
	struct expr_value value;
	unsigned int i, at = 0;

	if (to->n == to->set->size)
		return no_room(to->set, error);
	element = elements_push(to);
	element->value.timeout_ns = timeout_ns;
	element->value.expires_ns = timeout_ns ? dset_now_ns() + timeout_ns : 0;
	for (i = 0; i < to->set->n_fields; i++) {
		value = tuple[i].first;
		if (!is_single(&tuple[i]))
			return rpc_fail(error, SHUNT_CLIENT_INVALID,
					"set '%s' is dynamic: it holds single values", to->set->name);
		if (to->set->field[i] == EXPR_IIF &&
		    to_ifindex(to, &tuple[i], &value, error) < 0)
			return -1;
		at = set_key_add(&element->key, at, key_field(to->set->field[i]), value);
	}
	return 0;
}

/* Values that lie side by side may have been merged by who read them: each is one element */
static int add_values(struct elements *to, const struct expr_interval *interval,
		      uint64_t timeout_ns, struct rpc_error *error)
{
	struct expr_interval one = { interval->first, interval->first };

	for (;;) {
		if (add_tuple(to, &one, timeout_ns, error) < 0)
			return -1;
		if (!memcmp(&one.first, &interval->last, sizeof(one.first)))
			return 0;
		one.first.hi += !++one.first.lo;
		one.last = one.first;
	}
}

static int add_element(struct elements *to, const struct expr_interval *tuple, uint64_t timeout_ns,
		       struct rpc_error *error)
{
	if (to->set->n_fields == 1 && to->set->field[0] != EXPR_IIF)
		return add_values(to, tuple, timeout_ns, error);
	return add_tuple(to, tuple, timeout_ns, error);
}

static int read_words(const struct rpc_call *call, struct elements *to, struct rpc_error *error)
{
	const char *timeout = rpc_text_or(call, "timeout", NULL), **word;
	struct expr_interval tuple[EXPR_CONCAT_MAX];
	uint64_t timeout_ns = to->set->timeout_ns;
	struct arena arena = {};
	struct diags diags = { .arena = &arena };
	unsigned int i, n;
	int r = 0;

	if (timeout && expr_time(timeout, strlen(timeout), &timeout_ns) < 0)
		return rpc_fail(error, SHUNT_CLIENT_USAGE,
				"'%s' is no timeout: write it as 90s, 10m, 1h30m or 1d", timeout);
	if (rpc_words(call, "elements", &word, &n, error) < 0)
		return -1;
	for (i = 0; r == 0 && i < n; i++) {
		if (config_element(word[i], strlen(word[i]), to->set->field, to->set->n_fields, "",
				   0, &diags, tuple) < 0)
			r = rpc_fail(error, SHUNT_CLIENT_INVALID, "'%s': %s", word[i],
				     diags.v[0].message);
		else
			r = add_element(to, tuple, timeout_ns, error);
	}
	free(word);
	arena_fini(&arena);
	return r;
}

static int read_text(const struct rpc_call *call, struct elements *to, struct rpc_error *error)
{
	const json_t *text = json_object_get(call->params, "text");
	const struct config_set *set = to->set;
	struct expr_elements read = {};
	struct arena arena = {};
	struct diags diags = { .arena = &arena };
	unsigned int i;
	size_t k;
	int r;

	for (i = 0; i < set->n_fields; i++)
		if (set->field[i] == EXPR_IIF)
			return rpc_fail(error, SHUNT_CLIENT_USAGE,
					"elements with interfaces come by 'shunt set add'");
	r = expr_elements_text(json_string_value(text), json_string_length(text), set->field,
			       set->n_fields, true, &diags, &read);
	for (i = 0; i < diags.n; i++)
		diags.v[i].path = arena_printf(&arena, "/sets/%s/elements", set->name);
	if (r < 0)
		r = rpc_fail_diags(error, &diags);
	for (k = 0; r == 0 && k < read.n; k++)
		r = add_element(to, &read.interval[k * set->n_fields],
				read.timeout_ns && read.timeout_ns[k] ? read.timeout_ns[k] :
									set->timeout_ns, error);
	arena_fini(&arena);
	return r;
}

/* ---- to text ------------------------------------------------------------------------------- */

static void print_key(const struct elements *of, const struct shunt_set_key *key, struct buf *out)
{
	const struct link *link;
	unsigned int i, k, at = 0;

	for (i = 0; i < of->set->n_fields; i++) {
		unsigned int words = set_field_words(key_field(of->set->field[i]));
		struct expr_value value = {};

		for (k = 0; k < words; k++) {
			value.hi = value.hi << 32 | value.lo >> 32;
			value.lo = value.lo << 32 | key->word[at++];
		}
		buf_str(out, i ? " . " : "");
		if (of->set->field[i] != EXPR_IIF) {
			expr_element_print(&(struct expr_interval){ value, value },
					   of->set->field[i], out);
			continue;
		}
		link = link_find(of->links, value.lo);
		if (link)
			buf_str(out, link->name);
		else
			buf_printf(out, "%u", (uint32_t)value.lo);	/* it is gone */
	}
}

static void write_element(struct jsonw *w, const struct elements *of,
			  const struct dset_element *element, uint64_t now_ns)
{
	const struct shunt_set_value *value = &element->value;
	struct buf text = {};

	if (value->expires_ns && value->expires_ns <= now_ns)
		return;
	print_key(of, &element->key, &text);
	jsonw_object(w, NULL);
	jsonw_str(w, "element", text.data);
	jsonw_u64(w, "timeout_ms", value->timeout_ns / 1000000);
	if (value->expires_ns)
		jsonw_u64(w, "expires_ms", (value->expires_ns - now_ns) / 1000000);
	if (of->set->counters) {
		jsonw_u64(w, "packets", value->packets);
		jsonw_u64(w, "bytes", value->bytes);
	}
	jsonw_object_end(w);
	buf_fini(&text);
}

static size_t count_live(const struct elements *elements, uint64_t now_ns)
{
	size_t i, n = 0;

	for (i = 0; i < elements->n; i++)
		n += !elements->v[i].value.expires_ns || elements->v[i].value.expires_ns > now_ns;
	return n;
}

int dset_write(struct daemon *daemon, int fd, const struct config_set *set, bool list,
	       struct jsonw *w)
{
	struct elements elements = { .set = set, .links = netlink_links(daemon->netlink) };
	uint64_t now_ns = dset_now_ns();
	size_t i;
	int r;

	r = elements_read(fd, &elements);
	if (r == 0)
		jsonw_u64(w, "elements", count_live(&elements, now_ns));
	if (list)
		jsonw_array(w, "list");
	for (i = 0; list && i < elements.n; i++)
		write_element(w, &elements, &elements.v[i], now_ns);
	if (list)
		jsonw_array_end(w);
	free(elements.v);
	return r;
}

/* ---- changes ------------------------------------------------------------------------------- */

static int answer(const struct config_set *set, size_t added, size_t deleted, struct jsonw *w)
{
	jsonw_str(w, "set", set->name);
	jsonw_u64(w, "added", added);
	jsonw_u64(w, "deleted", deleted);
	return 0;
}

static int refused(const struct config_set *set, int r, struct rpc_error *error)
{
	return rpc_fail(error, SHUNT_CLIENT_REFUSED, "elements of set '%s': %s", set->name,
			strerror(-r));
}

int dset_method_add(struct daemon *daemon, const struct rpc_call *call, int fd,
		    const struct config_set *set, struct jsonw *w, struct rpc_error *error)
{
	struct elements add = { .set = set, .links = netlink_links(daemon->netlink) };
	struct err err = {};
	size_t i;
	int r;

	r = read_words(call, &add, error);
	for (i = 0; r == 0 && i < add.n; i++) {
		r = dset_add(fd, &add.v[i].key, add.v[i].value.timeout_ns, &err);
		if (r < 0)
			r = rpc_fail(error, SHUNT_CLIENT_REFUSED, "%s; %zu of %zu were added",
				     err.text, i, add.n);
	}
	free(add.v);
	return r < 0 ? r : answer(set, add.n, 0, w);
}

int dset_method_del(struct daemon *daemon, const struct rpc_call *call, int fd,
		    const struct config_set *set, struct jsonw *w, struct rpc_error *error)
{
	struct elements del = { .set = set, .links = netlink_links(daemon->netlink) };
	struct shunt_set_value value;
	struct buf text = {};
	size_t i;
	int r;

	r = read_words(call, &del, error);
	for (i = 0; r == 0 && i < del.n; i++) {
		if (dset_get(fd, &del.v[i].key, &value) == 0)
			continue;
		print_key(&del, &del.v[i].key, &text);
		r = rpc_fail(error, SHUNT_CLIENT_USAGE, "'%s' is no element of set '%s'", text.data,
			     set->name);
	}
	for (i = 0; r == 0 && i < del.n; i++)	/* one that expires meanwhile is gone as wanted */
		dset_del(fd, &del.v[i].key);
	buf_fini(&text);
	free(del.v);
	return r < 0 ? r : answer(set, 0, del.n, w);
}

/* All but those that are to stay. Return: how many; -errno */
static ssize_t delete_others(int fd, const struct elements *stay)
{
	struct elements old = {};
	ssize_t deleted = 0;
	size_t i;
	int r;

	r = elements_read(fd, &old);
	for (i = 0; r == 0 && i < old.n; i++)
		if (!elements_have(stay, &old.v[i]))
			deleted += dset_del(fd, &old.v[i].key) == 0;
	free(old.v);
	return r < 0 ? r : deleted;
}

int dset_method_flush(struct daemon *daemon, const struct rpc_call *call, int fd,
		      const struct config_set *set, struct jsonw *w, struct rpc_error *error)
{
	static const struct elements none;
	ssize_t deleted = delete_others(fd, &none);

	return deleted < 0 ? refused(set, deleted, error) : answer(set, 0, deleted, w);
}

int dset_method_load(struct daemon *daemon, const struct rpc_call *call, int fd,
		     const struct config_set *set, struct jsonw *w, struct rpc_error *error)
{
	struct elements load = { .set = set, .links = netlink_links(daemon->netlink) };
	struct err err = {};
	ssize_t deleted = 0;
	int r;

	r = read_text(call, &load, error);
	if (r == 0 && load.n)
		qsort(load.v, load.n, sizeof(*load.v), compare_keys);
	if (r == 0 && !rpc_flag(call, "add")) {
		deleted = delete_others(fd, &load);
		r = deleted < 0 ? refused(set, deleted, error) : 0;
	}
	if (r == 0 && load.n && dset_load(fd, load.v, load.n, &err) < 0)
		r = rpc_fail_err(error, SHUNT_CLIENT_REFUSED, &err);
	free(load.v);
	return r < 0 ? r : answer(set, load.n, deleted, w);
}
