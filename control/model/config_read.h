/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* config_read.h - what reading a configuration has in common; for config*.c only */
#ifndef MODEL_CONFIG_READ_H
#define MODEL_CONFIG_READ_H

#include <model/config.h>

#define CONFIG_RULES_MAX	250000	/* of a node, with its chains */
#define CONFIG_MAP_MAX		65536	/* elements of a map of one field */
#define CONFIG_MAP_TUPLES_MAX	16384	/* of several: each may have to be compared with each */
#define CONFIG_SET_SIZE		65536	/* of a dynamic set that says none */
#define CONFIG_COMMENT_MAX	128	/* bytes */
#define CONFIG_GLOB_MAX		63	/* bytes */
#define CONFIG_PATH_MAX		4095	/* bytes, of a module's object file */
#define CONFIG_KEYS_MAX		24	/* known keys of a map */

struct config_reader {
	const struct tree *rejects;	/* the first rule that answers; NULL: none does */
	struct diags *diags;
	struct arena *arena;		/* diags->arena */
	struct config *config;
	/* The section is wrong: what it would have defined is not known, so nobody misses it */
	bool sets_unknown, maps_unknown, nodes_unknown, graphs_unknown, policies_unknown;
	bool skims;			/* what rules say is left unread */
};

/* A key that a map may have */
struct config_key {
	const char *name;		/* NULL: the end of the table */
	enum tree_kind kind;
	bool required;
	bool or_scalar;			/* a single value will do, too */
};

/* Return: the finding, to amend; its path is @tree's */
struct diag *config_read_error(struct config_reader *r, const struct tree *tree, const char *code,
			       const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Sets the hint to the nearest of some words; @otherwise, which may be NULL, if none is near */
void config_read_suggest(struct config_reader *r, struct diag *diag, const char *word,
			 const char *const *words, unsigned int n, const char *otherwise);
/* The same with the @n names of an array of @size, each element's first member */
void config_read_suggest_name(struct config_reader *r, struct diag *diag, const char *word,
			      const void *array, unsigned int n, size_t size);

/* "key:" with nothing behind it: an empty map or list. JSON has "" there, so quotes do not count */
bool config_read_is_empty(const struct tree *tree);
/* Return: it is one; else there is a finding, which calls it @what */
bool config_read_is(struct config_reader *r, const struct tree *tree, enum tree_kind kind,
		    const char *what);

/**
 * config_read_keys() - The members of a map by a table of known keys
 * Finds unknown keys, wrong kinds, and required ones that are missing.
 * @what:	For messages: "node 'guard'"
 * @ret_value:	By index of @keys; NULL: not there, empty, or a finding; untouched if it is no map
 * Return: 0; -EINVAL: it is no map
 */
int config_read_keys(struct config_reader *r, const struct tree *tree, const char *what,
		     const struct config_key *keys, struct tree **ret_value);

/* A name: 1 to SHUNT_NAME_MAX - 1 of [A-Za-z0-9_-], the first a letter or digit. @what: "a node" */
bool config_read_name(struct config_reader *r, const struct tree *tree, const char *what);
/* The same of a member's key */
bool config_read_name_key(struct config_reader *r, const struct tree *tree, const char *what);
/* Text of at most @max bytes without control characters. @what: "a comment" */
bool config_read_line(struct config_reader *r, const struct tree *tree, const char *what,
		      size_t max);
/* Decimal, @max at most */
bool config_read_number(struct config_reader *r, const struct tree *tree, const char *what,
			unsigned int max, int *ret_number);
/* "true" or "false" */
bool config_read_bool(struct config_reader *r, const struct tree *tree, const char *what,
		      bool *ret_bool);
/* "1h30m", "500ms": up to 3650 days */
bool config_read_time(struct config_reader *r, const struct tree *tree, const char *what,
		      uint64_t *ret_ns);
/* Finds a list that is longer than @max. @what: "a set"; @items: "elements" */
bool config_read_count(struct config_reader *r, const struct tree *list, size_t max,
		       const char *what, const char *items);
/* Finds a comment that is none; NULL is fine */
void config_read_comment(struct config_reader *r, const struct tree *tree);
/* The index of a word in a list, NULL at its end; -1: there is a finding */
int config_read_word(struct config_reader *r, const struct tree *tree, const char *what,
		     const char *const *words);

/* Finds a reason that is not in the list; @offset: of it in the scalar */
void config_read_reason(struct config_reader *r, const struct tree *tree, const char *reason,
			int offset);

/* Order of things that begin with their name, for qsort(); bsearch() of a name's address */
int config_compare_names(const void *a, const void *b);

/* Is it a word that only a target may be: "pass", "drop", ... */
bool config_is_target(const char *text);
/* What the kernel takes for an interface's name; its characters alone, for globs */
bool config_is_dev(const char *text);
bool config_is_dev_text(const char *text);

/* Path of a list's items: findings copy it, so that good items cost no memory */
struct config_item_path {
	struct buf buf;			/* buf_fini() releases it */
	size_t prefix;
};

void config_item_path_init(struct config_item_path *path, struct config_reader *r,
			   const struct tree *list);
const char *config_item_path(struct config_item_path *path, size_t i);

/* A finding that was told without a path is about @tree, or its key */
void config_read_place(struct config_reader *r, const struct tree *tree, bool key);

/*
 * A name that rules refer to as '@name' (what a rule can spell is less than what a name may be).
 * @what: "a set"
 */
bool config_read_at_name(struct config_reader *r, const struct tree *tree, const char *what);

/* A type: fields, 0 of them if there is a finding. @what: "a set" */
unsigned int config_type_read(struct config_reader *r, const struct tree *tree, const char *what,
			      enum expr_field *ret_field);

/* config_type.c: order of tuples; whether some values are in both */
int config_tuple_compare(const struct expr_interval *a, const struct expr_interval *b,
			 unsigned int n_fields);
bool config_tuple_overlap(const struct expr_interval *a, const struct expr_interval *b,
			  unsigned int n_fields);
/* Whether @a ends behind @b, or where it does */
bool config_tuple_reaches(const struct expr_interval *a, const struct expr_interval *b);

/* config_rule.c: all rules of a node, and its chains; either may be NULL */
void config_rule_read(struct config_reader *r, const struct tree *rules,
		      const struct tree *chains, bool chains_unknown, struct config_node *node);
/* Finds what is wrong with a verdict alone; @tree: the scalar it is in */
void config_rule_check_reason(struct config_reader *r, const struct tree *tree,
			      const struct expr_verdict *verdict);

/* config_lb.c: what a node has for it */
struct config_lb_trees {
	const struct tree *source, *source6, *seed, *services;	/* NULL: not there */
};
/* Return: NULL: nothing of that */
const struct config_lb *config_lb_read(struct config_reader *r, const struct tree *node,
				       const struct config_lb_trees *trees);
void config_lb_read_top(struct config_reader *r, const struct tree *section);

/* What is usual */
void config_conntrack_init(struct config_conntrack *conntrack);

/* The sections; each part's names are known afterwards, whatever was wrong with them */
void config_conntrack_read(struct config_reader *r, const struct tree *section);
void config_set_read_all(struct config_reader *r, const struct tree *section);
void config_map_read_all(struct config_reader *r, const struct tree *section);
void config_node_read_all(struct config_reader *r, const struct tree *section);
void config_graph_read_all(struct config_reader *r, const struct tree *section);
void config_attach_read_all(struct config_reader *r, const struct tree *section);

#endif
