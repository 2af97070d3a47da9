/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * tree.h - a configuration as a tree of maps, lists and scalars
 *
 * The command reads it from YAML, the daemon from JSON; both give the same
 * tree, so that a path found wrong by one is a place in the other's file.
 */
#ifndef MODEL_TREE_H
#define MODEL_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include <base/arena.h>
#include <base/buf.h>
#include <base/diag.h>

#define TREE_DEPTH_MAX	32
#define TREE_BYTES_MAX	(256u << 20)	/* 4 million IPv6 addresses, one a line, are 160 MiB */
#define TREE_NODES_MAX	(4u << 20)	/* so that a file of "[],[]," does not become gigabytes */

enum tree_kind { TREE_SCALAR, TREE_MAP, TREE_LIST };

struct tree {
	enum tree_kind kind;
	int line, column;		/* from 1; 0: came from JSON */
	int end_line, end_column;	/* behind the last character */
	int key_line, key_column;	/* of the member's key in a map */
	bool quoted;			/* scalar: in quotes (its text starts a column later) */
	bool multiline;			/* scalar: block or folded, or over several lines */
	bool literal;			/* scalar: a block that begins with '|' */
	const char *file;		/* scalar: all its text was read from there; else NULL */
	const char *key;		/* member of a map: its key; else NULL */
	const char *text;		/* scalar; NUL-terminated */
	size_t len;			/* bytes of text */
	struct tree **child;		/* map or list, in order of the file */
	size_t n;
	struct tree *parent;
	size_t index;			/* in parent->child when it came there: see tree_index() */
};

/**
 * tree_from_yaml() - Read the YAML subset (docs/configuration.md)
 * libyaml's event API. Refused, each with its place: anchors, aliases, tags,
 * duplicate keys, several documents, merge keys, depth above TREE_DEPTH_MAX,
 * keys that are no scalars, syntax errors, bad UTF-8, NUL bytes.
 * @ret_tree:	In diags->arena; untouched on failure. Empty input: an empty map.
 * Return: 0; -EINVAL: diags tell
 */
int tree_from_yaml(const char *text, size_t len, struct diags *diags, struct tree **ret_tree);

/*
 * The same from JSON (jansson; duplicates refused). Numbers and booleans become
 * their text, null the empty text; an empty text is no JSON.
 */
int tree_from_json(const char *text, size_t len, struct diags *diags, struct tree **ret_tree);

struct json_t;
/* The same from what jansson has read */
int tree_from_value(const struct json_t *value, struct diags *diags, struct tree **ret_tree);

/* Canonical JSON: every scalar is a string, one line */
void tree_to_json(const struct tree *tree, struct buf *out);

/*
 * YAML that tree_from_yaml() reads back to an equal tree: quoted only where
 * needed, short lists of words in flow style
 */
void tree_to_yaml(const struct tree *tree, struct buf *out);

struct tree *tree_get(const struct tree *map, const char *key);	/* NULL: not there, or not a map */
/* The order of members does not count, that of list items does */
bool tree_equal(const struct tree *a, const struct tree *b);
/* Members (or items) by key, equal keys in their order; n of them, the caller frees */
const struct tree **tree_sorted(const struct tree *map);

/* Where a tree is in its parent; near where it was put, unless the parent was edited a lot */
size_t tree_index(const struct tree *tree);
/* JSON pointer (RFC 6901) of a tree in its document, in @arena */
const char *tree_path(const struct tree *tree, struct arena *arena);
/* The tree at a pointer; else the nearest ancestor, and *ret_exact (may be NULL) is false */
const struct tree *tree_at(const struct tree *root, const char *path, bool *ret_exact);

/* Builders, for changes by command and for tests; in @arena */
struct tree *tree_new_scalar(struct arena *arena, const char *text);
struct tree *tree_new_map(struct arena *arena);
struct tree *tree_new_list(struct arena *arena);
/* Replaces one of that key. Return: value */
struct tree *tree_set(struct arena *arena, struct tree *map, const char *key, struct tree *value);
struct tree *tree_append(struct arena *arena, struct tree *list, struct tree *value);
/* The same in front of the item at @index; list->n: behind the last. Those behind are not touched */
struct tree *tree_insert(struct arena *arena, struct tree *list, struct tree *value, size_t index);
void tree_del(struct tree *parent, const struct tree *child);
struct tree *tree_copy(struct arena *arena, const struct tree *tree);

/**
 * source_print() - Findings as text: file:line:column, the line, a caret
 *	edge.yaml:19:24: error: unknown field 'udp sprot'
 *	        - "udp sprot { 19, 53 } drop"
 *	               ^~~~~
 *	        hint: did you mean 'sport'?
 * @text:	The file; NULL: only the path can be shown
 * The line's own indent is left out, other tabs are kept so that the caret
 * stands right; of a line longer than 160 columns the part around it is shown.
 * Control characters and bad UTF-8 are shown as '?'.
 */
void source_print(struct buf *out, const char *file, const char *text, size_t len,
		  const struct tree *tree, const struct diags *diags);
/**
 * source_locate() - Line and column (from 1) of one finding
 * @ret_line:	0: place not known
 * @ret_end_column: Behind it
 * Return: the scalar with a file of its own that it is in; NULL: it is in @text
 */
const struct tree *source_locate(const char *text, size_t len, const struct tree *tree,
				 const struct diag *diag, int *ret_line, int *ret_column,
				 int *ret_end_column);
/* A line (from 1) without its break, as libyaml counts them; NULL: there are not so many */
const char *source_line(const char *text, size_t len, int line, size_t *ret_len);
/* Line and column of a byte */
void source_place(const char *text, size_t len, size_t offset, int *ret_line, int *ret_column);

#endif
