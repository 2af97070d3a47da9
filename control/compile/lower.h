/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * lower.h - rules to what the filter executes: rows of the classifier, and extensions. Pure
 *
 * DOC: Chains are laid out flat. Each rule gets a *place* in the order of
 * evaluation, a prio; a jump's place is followed by those of its chain's rules,
 * with the jump's matches and-ed to theirs, and by an empty one: where 'return'
 * goes on, and what a rule that comes later at the chain's end stays before. A
 * rule takes more than one place where its conditions are alternatives that no
 * single extension can say. All rows at one place are disjoint or say the same.
 *
 * What the classifier's key has is a row: the product of prefixes, port intervals
 * and bits. The rest is conditions of an extension. A rule that needs none and
 * leaves by an edge has no extension: its rows' ref is the index of its hits.
 */
#ifndef COMPILE_LOWER_H
#define COMPILE_LOWER_H

#include <base/arena.h>
#include <base/diag.h>
#include <compile/classifier.h>
#include <mirror/link.h>
#include <model/config.h>

#include "../../dataplane/modules/filter_rule.h"

#define LOWER_SET_INLINE	64	/* elements of a set that become rows; more: a lookup */
#define LOWER_ROWS_RULE		65536	/* of one rule at one place */
#define LOWER_ROWS_MAX		(1u << 20) /* of a node */
#define LOWER_ALTERNATIVES	16	/* places that one rule may take, without its chains */
#define LOWER_PRIO_END		((1u << 28) - 1) /* where 'return' outside of chains resumes */
#define LOWER_NO_HIT		0xffffffffU	/* filter_ext.hit: counts nothing */

/* What the caller knows by name. All are asked again for each use: they are to be quick */
struct lower_names {
	/* Edge of the node; reason: of drop(REASON), or NULL. Negative: it has none of that name */
	int (*edge)(void *arg, const char *edge, const char *reason);
	/* Index in filter_hits; name: "#ID" of a rule (its id in decimal), "$NAME" of a counter */
	uint32_t (*hit)(void *arg, const char *name);
	/* Index of what a statement keeps; name: "#ID.N", the rule's statement N from 0 */
	uint32_t (*state)(void *arg, const char *name);
	/* Slot of a named set, -1: it has none (and becomes rows, or the rule a finding) */
	int (*set)(void *arg, const char *set, bool *ret_dynamic);
	/* Number of a timeout policy; 0: none of that name */
	uint32_t (*policy)(void *arg, const char *policy);
	/* Number of a translation, from 1; @statement: SNAT, DNAT or MASQUERADE */
	uint32_t (*nat)(void *arg, const struct config_rule *rule,
			const struct expr_statement *statement);
	/* Id of the connection limit that the rule's statement is, never 0 */
	uint32_t (*limit)(void *arg, const struct config_rule *rule, unsigned int statement);
	const struct link_table *links;	/* interfaces that are there now */
	void *arg;
};

/* A rule's name for 'hit', with its NUL */
#define LOWER_HIT_NAME		16
void lower_hit_name(uint32_t id, char *ret_name);

/* Where to put what is lowered */
struct lower_at {
	uint32_t prio;			/* of the first place */
	uint32_t step;			/* from a place to the next */
	unsigned int room;		/* places that there are */
	uint32_t first_ext;		/* index of the first extension: added to the rows' refs */
};

/* A place in the order of evaluation */
struct lower_place {
	const struct config_rule *rule;	/* NULL: end of a chain's rules */
	unsigned int top;		/* index of the node's rule that this is, or came from */
	uint32_t rows[2];		/* of family 4 and 6 */
};

struct lowered {
	struct classifier_rows rows;	/* by prio */
	struct filter_ext *ext;
	unsigned int n_ext;
	struct lower_place *place;	/* place i has prio at.prio + i * at.step */
	unsigned int n_places;
	/*
	 * How often the classifier has to answer for one packet, at most: one more than there are
	 * places that go on whatever matched: no verdict, a limit or a quota, 'return'
	 */
	unsigned int rounds;
	unsigned int n_conditional;	/* places with conditions */
	bool uses_links;		/* lower again when an interface comes, goes or is renamed */
	bool uses_flows;		/* looks into the flow table, or writes there */
	const struct config_rule *zones;	/* first rule that sets the zone; or NULL */
};

/**
 * lower_rules() - All rules of a node
 * Place i gets prio (i + 1) * CLASSIFIER_PRIO_GAP, its extensions count from 0.
 * @ret:	In @arena; untouched on failure
 * Return: 0; -EINVAL, -E2BIG: diags tell, at the rule
 */
int lower_rules(const struct config *config, const struct config_node *node,
		const struct lower_names *names, struct arena *arena, struct diags *diags,
		struct lowered *ret);

/**
 * lower_one() - One of a node's rules, with the chains that it jumps to
 * What it gives is what lower_rules() would, but for prios and refs.
 * @index:	Of the rule in node->rule
 * Return: as lower_rules(); -ENOSPC: more places than at->room, no finding
 */
int lower_one(const struct config *config, const struct config_node *node, unsigned int index,
	      const struct lower_names *names, const struct lower_at *at, struct arena *arena,
	      struct diags *diags, struct lowered *ret);

#endif
