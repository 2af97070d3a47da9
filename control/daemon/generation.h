/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* generation.h - one configuration with its contracts and its plan, in one arena */
#ifndef DAEMON_GENERATION_H
#define DAEMON_GENERATION_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include <base/arena.h>
#include <base/diag.h>
#include <base/err.h>
#include <compile/plan.h>
#include <model/config.h>
#include <model/module.h>

/* A rule that came or went */
struct rule_edit {
	const char *node;
	unsigned int index;
	const char *text;		/* to be inserted; NULL: the one there is deleted */
};

struct generation {
	struct arena arena;
	struct arena attach_arena;	/* of plan.attach, once the mirror changed */
	struct diags diags;		/* of making it; in the arena */
	uint32_t number;
	time_t time;
	uid_t uid;
	uint32_t from;			/* rolled back to; 0: not */
	const char *comment;
	uint32_t base;			/* generation whose record has the tree before 'edit'; 0: itself */
	struct rule_edit *edit;
	unsigned int n_edits;
	struct tree *tree;
	struct config config;
	struct module_set modules;
	struct plan plan;
};

/* Empty, without a tree. Never NULL */
struct generation *generation_new(void);
void generation_free(struct generation *generation);

/**
 * generation_build() - Tree to plan: validate, read the modules' contracts, compile
 * @generation:	Has tree (in its arena) and number set
 * @module_dir:	Of the built-in modules
 * @running:	Its plan keeps names' indices and renderings; NULL: nothing runs
 * Return: 0; -EINVAL: generation->diags tell
 */
int generation_build(struct generation *generation, const char *module_dir,
		     const struct link_table *links, const struct plan *running);

/* Names of the built-in modules, sorted; in @arena. Return: how many */
unsigned int generation_module_names(const char *module_dir, struct arena *arena,
				     const char ***ret_name);

/* Attachments again, after the mirror changed */
void generation_reattach(struct generation *generation, const struct link_table *links);

#endif
