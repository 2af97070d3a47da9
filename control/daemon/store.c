// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* store.c - generations on disk */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include <base/file.h>
#include <base/jsonw.h>
#include <daemon/store.h>

#define SMALL_FILE_MAX	4096
#define HEADER_MAX	16384	/* of a record: its comment is the longest there */

static void store_path(const struct store *store, const char *name, char *ret_path, size_t size)
{
	snprintf(ret_path, size, "%s/%s", store->dir, name);
}

static void store_gen_path(const struct store *store, uint32_t number, bool edited,
			   char *ret_path, size_t size)
{
	snprintf(ret_path, size, "%s/gen/%u.%s", store->dir, number, edited ? "edit" : "json");
}

int store_open(struct store *store, const char *dir, struct err *err)
{
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%s/gen", dir);
	r = file_mkdirs(dir, 0700, err);
	if (r == 0)
		r = file_mkdirs(path, 0700, err);
	if (r == 0)
		store->dir = strdup(dir);
	return r;
}

void store_close(struct store *store)
{
	free(store->dir);
	store->dir = NULL;
}

/* @edited: only the slots that the base's record does not have */
static void store_write_plan(struct jsonw *w, const struct plan *plan, bool edited)
{
	unsigned int i;

	jsonw_array(w, "slots");
	for (i = edited ? plan->n_slots - plan->n_spare_slots : 0; i < plan->n_slots; i++) {
		jsonw_object(w, NULL);
		jsonw_str(w, "name", plan->slot[i].name);
		jsonw_u64(w, "index", plan->slot[i].index);
		jsonw_u64(w, "n", plan->slot[i].n);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
	jsonw_array(w, "graphs");
	for (i = 0; i < plan->n_graphs; i++) {
		jsonw_object(w, NULL);
		jsonw_str(w, "name", plan->graph[i].name);
		jsonw_str(w, "hook", module_hook_name(plan->graph[i].hook));
		jsonw_u64(w, "slot", plan->graph[i].slot);
		jsonw_u64(w, "generation", plan->graph[i].generation);
		jsonw_fmt(w, "key", "%016" PRIx64, plan->graph[i].key);
		jsonw_fmt(w, "tag", "%016" PRIx64, plan->graph[i].handoff_tag);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
	jsonw_array(w, "filters");
	for (i = 0; i < plan->n_filters; i++) {
		jsonw_object(w, NULL);
		jsonw_str(w, "node", plan->filter[i].node);
		jsonw_u64(w, "generation", plan->filter[i].generation);
		jsonw_fmt(w, "hash", "%016" PRIx64, plan->filter[i].hash);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
	jsonw_array(w, "sets");
	for (i = 0; i < plan->n_sets; i++) {
		jsonw_object(w, NULL);
		jsonw_str(w, "name", plan->set[i].name);
		jsonw_bool(w, "dynamic", plan->set[i].dynamic);
		jsonw_u64(w, "slot", plan->set[i].slot);
		jsonw_fmt(w, "hash", "%016" PRIx64, plan->set[i].hash);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
	jsonw_u64(w, "hits_room", plan->hits_room);
	jsonw_u64(w, "state_room", plan->state_room);
}

/* Of a generation that a few edits made of another: those, and which */
static void store_write_edits(struct jsonw *w, const struct generation *generation)
{
	const struct rule_edit *edit;
	unsigned int i;

	jsonw_u64(w, "base", generation->base);
	jsonw_array(w, "edits");
	for (i = 0; i < generation->n_edits; i++) {
		edit = &generation->edit[i];
		jsonw_object(w, NULL);
		jsonw_str(w, "node", edit->node);
		jsonw_u64(w, "index", edit->index);
		if (edit->text)
			jsonw_str(w, "insert", edit->text);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

int store_save(const struct store *store, const struct generation *generation, struct err *err)
{
	struct buf out = {};
	char path[PATH_MAX];
	struct jsonw w;
	int r;

	jsonw_init(&w, &out, false);
	jsonw_object(&w, NULL);
	jsonw_u64(&w, "generation", generation->number);
	jsonw_i64(&w, "time", generation->time);
	jsonw_u64(&w, "uid", generation->uid);
	jsonw_u64(&w, "from", generation->from);
	jsonw_str(&w, "comment", generation->comment);
	if (generation->base) {
		store_write_edits(&w, generation);
	} else {
		jsonw_raw(&w, "config", "");	/* and behind its colon: */
		tree_to_json(generation->tree, &out);
	}
	store_write_plan(&w, &generation->plan, generation->base != 0);
	jsonw_object_end(&w);
	store_gen_path(store, generation->number, generation->base != 0, path, sizeof(path));
	r = file_write(path, out.data, out.len, 0600, err);
	buf_fini(&out);
	return r;
}

static uint64_t json_hex(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? strtoull(text, NULL, 16) : 0;
}

static uint32_t json_u32(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *json_text(struct arena *arena, const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return arena_strdup(arena, text ? text : "");
}

static void store_read_plan(struct generation *generation, const json_t *root)
{
	struct arena *arena = &generation->arena;
	struct plan *plan = &generation->plan;
	struct plan_graph *graph;
	size_t i;
	json_t *item;

	json_array_foreach(json_object_get(root, "slots"), i, item)
		*arena_push(arena, plan->slot, plan->n_slots) = (struct plan_slot) {
			.name = json_text(arena, item, "name"),
			.index = json_u32(item, "index"),
			.n = json_u32(item, "n"),
		};
	plan->graph = NULL;		/* slots add up with those of the base, the rest is all here */
	plan->filter = NULL;
	plan->set = NULL;
	plan->n_graphs = plan->n_filters = plan->n_sets = 0;
	json_array_foreach(json_object_get(root, "graphs"), i, item) {
		graph = arena_push(arena, plan->graph, plan->n_graphs);
		graph->name = json_text(arena, item, "name");
		graph->hook = module_hook_from_name(json_text(arena, item, "hook"));
		graph->slot = json_u32(item, "slot");
		graph->generation = json_u32(item, "generation");
		graph->key = json_hex(item, "key");
		graph->handoff_tag = json_hex(item, "tag");
	}
	json_array_foreach(json_object_get(root, "filters"), i, item)
		*arena_push(arena, plan->filter, plan->n_filters) = (struct plan_filter) {
			.node = json_text(arena, item, "node"),
			.generation = json_u32(item, "generation"),
			.hash = json_hex(item, "hash"),
		};
	json_array_foreach(json_object_get(root, "sets"), i, item)
		*arena_push(arena, plan->set, plan->n_sets) = (struct plan_set) {
			.name = json_text(arena, item, "name"),
			.dynamic = json_is_true(json_object_get(item, "dynamic")),
			.slot = json_u32(item, "slot"),
			.hash = json_hex(item, "hash"),
		};
	plan->hits_room = json_u32(root, "hits_room");
	plan->state_room = json_u32(root, "state_room");
	plan->generation = generation->number;
}

static int store_read_tree(struct generation *generation, const json_t *root, const char *path,
			   struct err *err)
{
	const json_t *config = json_object_get(root, "config");
	int r;

	if (!config)
		return err_set(err, -EBADMSG, "'%s' has no configuration in it.", path);
	r = tree_from_value(config, &generation->diags, &generation->tree);
	return r < 0 ? err_set(err, r, "'%s' holds a bad configuration.", path) : 0;
}

/* What was edited since the base, whose tree this is */
static int store_read_edits(struct generation *generation, const json_t *root, const char *path,
			    struct err *err)
{
	struct arena *arena = &generation->arena;
	struct tree *rules;
	const char *text;
	json_t *item;
	size_t i, at;

	json_array_foreach(json_object_get(root, "edits"), i, item) {
		rules = tree_get(tree_get(tree_get(generation->tree, "nodes"),
					  json_text(arena, item, "node")), "rules");
		at = json_u32(item, "index");
		text = json_string_value(json_object_get(item, "insert"));
		if (!rules || at > rules->n || (!text && at == rules->n))
			return err_set(err, -EBADMSG, "'%s': edit %zu has no place.", path, i);
		if (text)
			tree_insert(arena, rules, tree_new_scalar(arena, text), at);
		else
			tree_del(rules, rules->child[at]);
	}
	return 0;
}

static int store_open_record(const struct store *store, uint32_t number, bool edited,
			     json_t **ret_root, char *ret_path, size_t size, struct err *err)
{
	json_error_t why;
	char *data;
	size_t len;
	int r;

	store_gen_path(store, number, edited, ret_path, size);
	r = file_read(ret_path, 2 * (size_t)TREE_BYTES_MAX, &data, &len, err);
	if (r < 0)
		return r;
	*ret_root = json_loadb(data, len, JSON_REJECT_DUPLICATES, &why);
	free(data);
	if (!*ret_root)
		return err_set(err, -EBADMSG, "'%s' line %d: %s.", ret_path, why.line, why.text);
	return 0;
}

static void store_read_header(struct generation *generation, uint32_t number, const json_t *root)
{
	generation->number = number;
	generation->time = json_integer_value(json_object_get(root, "time"));
	generation->uid = json_u32(root, "uid");
	generation->from = json_u32(root, "from");
	generation->comment = json_text(&generation->arena, root, "comment");
}

int store_load(const struct store *store, uint32_t number, struct generation *ret_generation,
	       struct err *err)
{
	uint32_t base = store_base(store, number);
	char path[PATH_MAX];
	json_t *root;
	int r;

	r = store_open_record(store, number, base != 0, &root, path, sizeof(path), err);
	if (r < 0)
		return r;
	if (base && base < number)
		r = store_load(store, base, ret_generation, err);
	else
		r = store_read_tree(ret_generation, root, path, err);
	if (r == 0) {
		store_read_header(ret_generation, number, root);
		store_read_plan(ret_generation, root);
		r = store_read_edits(ret_generation, root, path, err);
	}
	json_decref(root);
	return r;
}

/* The record's first members, without the configuration behind them, which may be megabytes */
int store_load_header(const struct store *store, uint32_t number,
		      struct generation *ret_generation, struct err *err)
{
	char path[PATH_MAX], head[HEADER_MAX], *end;
	json_t *root = NULL;
	ssize_t n;
	int fd;

	store_gen_path(store, number, store_base(store, number) != 0, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "open '%s'", path);
	n = read(fd, head, sizeof(head) - 1);
	close(fd);
	head[n < 0 ? 0 : n] = '\0';
	end = strstr(head, ",\"config\":");
	if (!end)
		end = strstr(head, ",\"base\":");
	if (end) {
		strcpy(end, "}");
		root = json_loads(head, 0, NULL);
	}
	if (!root)
		return err_set(err, -EBADMSG, "'%s' is no record of a generation.", path);
	store_read_header(ret_generation, number, root);
	json_decref(root);
	return 0;
}

uint32_t store_base(const struct store *store, uint32_t number)
{
	char path[PATH_MAX];
	uint32_t base;
	json_t *root;

	store_gen_path(store, number, true, path, sizeof(path));
	if (access(path, F_OK) < 0 ||
	    store_open_record(store, number, true, &root, path, sizeof(path), NULL) < 0)
		return 0;
	base = json_u32(root, "base");
	json_decref(root);
	return base;
}

void store_remove(const struct store *store, uint32_t number)
{
	char path[PATH_MAX];

	store_gen_path(store, number, false, path, sizeof(path));
	unlink(path);
	store_gen_path(store, number, true, path, sizeof(path));
	unlink(path);
}

static int descending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? 1 : x > y ? -1 : 0;
}

unsigned int store_list(const struct store *store, uint32_t **ret_number)
{
	unsigned int n = 0, size = 0;
	uint32_t *number = NULL;
	struct dirent *entry;
	char path[PATH_MAX];
	uint32_t value;
	int end;
	DIR *dir;

	store_path(store, "gen", path, sizeof(path));
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		end = 0;
		if (sscanf(entry->d_name, "%u.%n", &value, &end) != 1 || !end ||
		    (strcmp(entry->d_name + end, "json") && strcmp(entry->d_name + end, "edit")))
			continue;
		if (n == size) {
			size = size ? size * 2 : 32;
			number = reallocarray(number, size, sizeof(*number));
			if (!number)
				abort();
		}
		number[n++] = value;
	}
	if (dir)
		closedir(dir);
	if (n)
		qsort(number, n, sizeof(*number), descending);
	*ret_number = number;
	return n;
}

static bool store_is_edit(const struct store *store, uint32_t number)
{
	char path[PATH_MAX];

	store_gen_path(store, number, true, path, sizeof(path));
	return access(path, F_OK) == 0;
}

/*
 * The newest ones stay, and the record that the oldest of them is an edit of: the next lower one
 * that is whole, for a whole one begins the count of edits anew
 */
void store_prune(const struct store *store, uint32_t running)
{
	unsigned int i, n, kept = 0;
	bool whole = true;		/* the oldest that is kept */
	uint32_t *number;

	n = store_list(store, &number);
	for (i = 0; i < n; i++) {
		if (number[i] > running) {
			store_remove(store, number[i]);
		} else if (kept < STORE_KEEP) {
			if (++kept == STORE_KEEP)
				whole = !store_is_edit(store, number[i]);
		} else if (!whole && !store_is_edit(store, number[i])) {
			whole = true;
		} else {
			store_remove(store, number[i]);
		}
	}
	free(number);
}

static int store_write_number(const struct store *store, const char *name, uint32_t number,
			      struct err *err)
{
	char path[PATH_MAX], text[16];

	store_path(store, name, path, sizeof(path));
	return file_write(path, text, snprintf(text, sizeof(text), "%u\n", number), 0600, err);
}

static uint32_t store_read_number(const struct store *store, const char *name)
{
	char path[PATH_MAX], *data;
	uint32_t number;
	size_t len;

	store_path(store, name, path, sizeof(path));
	if (file_read(path, SMALL_FILE_MAX, &data, &len, NULL) < 0)
		return 0;
	number = strtoul(data, NULL, 10);
	free(data);
	return number;
}

int store_set_running(const struct store *store, uint32_t number, struct err *err)
{
	return store_write_number(store, "running", number, err);
}

/* An edit's record is its note, too */
uint32_t store_running(const struct store *store)
{
	uint32_t running = store_read_number(store, "running"), base = store_base(store, running);
	uint32_t *number;
	unsigned int i, n;

	if (!running)
		return 0;
	n = store_list(store, &number);
	if (!base)
		base = running;
	for (i = 0; i < n && number[i] > running; i++) {
		uint32_t of = store_base(store, number[i]);

		/* One that cannot be read is not passed over: whoever loads it tells */
		if (store_is_edit(store, number[i]) && (!of || of == base)) {
			running = number[i];
			break;
		}
	}
	free(number);
	return running;
}

int store_set_intent(const struct store *store, uint32_t number, struct err *err)
{
	char path[PATH_MAX];

	if (number)
		return store_write_number(store, "intent", number, err);
	store_path(store, "intent", path, sizeof(path));
	if (unlink(path) < 0 && errno != ENOENT)
		return err_set(err, -errno, "remove '%s'", path);
	return 0;
}

uint32_t store_intent(const struct store *store)
{
	return store_read_number(store, "intent");
}

int store_set_pending(const struct store *store, const struct store_pending *pending,
		      struct err *err)
{
	char path[PATH_MAX], text[64];
	int n;

	store_path(store, "pending", path, sizeof(path));
	n = snprintf(text, sizeof(text), "%u %u %lld\n", pending->generation, pending->back_to,
		     (long long)pending->deadline);
	return file_write(path, text, n, 0600, err);
}

void store_clear_pending(const struct store *store)
{
	char path[PATH_MAX];

	store_path(store, "pending", path, sizeof(path));
	unlink(path);
}

bool store_pending(const struct store *store, struct store_pending *ret_pending)
{
	char path[PATH_MAX], *data;
	long long deadline;
	size_t len;
	bool found;

	store_path(store, "pending", path, sizeof(path));
	if (file_read(path, SMALL_FILE_MAX, &data, &len, NULL) < 0)
		return false;
	found = sscanf(data, "%u %u %lld", &ret_pending->generation, &ret_pending->back_to,
		       &deadline) == 3;
	ret_pending->deadline = deadline;
	free(data);
	return found;
}
