/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * sets.h - tables of sets (dataplane/lib/set.h), which all programs share
 *
 * DOC: A change of several sets has three steps, so that all that can fail is done before a packet
 * sees any of it:
 *
 *	sets_create(), dset_create()	a new set, filled: no packet sees it
 *	sets_exchange()			one write a slot; a packet sees the old set or the new one
 *	sets_drop()			behind a grace period: what was there before goes
 *
 * sets_revert() before sets_drop() puts back what was there; then it is the new sets that go.
 */
#ifndef KERNEL_SETS_H
#define KERNEL_SETS_H

#include <stddef.h>
#include <stdint.h>

#include <base/err.h>
#include <kernel/object.h>

#include "../../dataplane/lib/set.h"

enum sets_table {
	SETS_STATIC,		/* shunt_sets: first page of a static set */
	SETS_PAGES,		/* shunt_set_pages */
	SETS_DYNAMIC,		/* shunt_dsets: hash tables */
	SETS_CONF,		/* shunt_dset_conf */
	SETS_FULL,		/* shunt_dset_full */
	SETS_TABLES
};

struct sets {
	int fd[SETS_TABLES];
	volatile uint64_t *slot;			/* shunt_sets, mapped */
	uint64_t used[SHUNT_SET_PAGES_MAX / 64];	/* pages, a bit each */
	uint32_t n_pages[SHUNT_SET_PAGES_MAX];		/* of the set that begins there */
};

/**
 * sets_open() - Adopt the tables, or make and pin them
 * Pages that no slot names are given back: left by a change that did not come to be.
 * @bpffs:	Our folder; NULL: nothing is pinned
 */
int sets_open(const char *bpffs, struct sets **ret_sets, struct err *err);
void sets_close(struct sets *sets);	/* NULL is fine; unpins nothing */

/* The tables as object_load() takes them, for a program that includes lib/set_find.h */
void sets_maps(const struct sets *sets, struct object_map ret_map[SETS_TABLES]);

/**
 * sets_create() - A static set, in no slot
 * @name:	Of the set, for bpftool alone
 * @line:	The image: @n_lines of SHUNT_SET_LINE bytes (compile/set.h)
 * Return: number of its first page; -ENOSPC: no pages are left; -errno
 */
int sets_create(struct sets *sets, const char *name, const void *line, size_t n_lines,
		struct err *err);

/* A slot that is to hold another set */
struct sets_change {
	enum sets_table table;	/* SETS_STATIC, SETS_DYNAMIC */
	uint32_t slot;
	int set;		/* from sets_create() or dset_create(), the change's; -1: none */
	int old;		/* set by sets_exchange(): what was there; -1: none */
};

/**
 * sets_exchange() - The commit
 * Static sets cannot fail: a store each. Dynamic ones go first, by one call for those that follow
 * each other; Linux 6.8 and later wait in it until programs are done with the old ones, earlier
 * ones do not: sets_drop() must not rely on it.
 * Return: 0; -errno: every slot holds again what it held
 */
int sets_exchange(struct sets *sets, struct sets_change *change, unsigned int n, struct err *err);
/* Put back what was there; 'old' is then what sets_drop() is to let go: the new sets */
void sets_revert(struct sets *sets, struct sets_change *change, unsigned int n);
/* Behind a grace period: let go of what is in no slot any more */
void sets_drop(struct sets *sets, struct sets_change *change, unsigned int n);

/* Dynamic set of a slot: new fd; -ENOENT: none. Needs CAP_SYS_ADMIN */
int sets_dynamic(const struct sets *sets, uint32_t slot);

/* Hash of the image in a slot, to tell whether it is to be built anew. Return: 0; -ENOENT */
int sets_hash(const struct sets *sets, uint32_t slot, uint64_t *ret_hash);

/* Elements that did not fit, since the table was made */
uint64_t sets_full(const struct sets *sets, uint32_t slot);

/* A set's name as a map's: 15 characters, and not all of them. @ret: BPF_OBJ_NAME_LEN */
void sets_map_name(const char *name, char *ret);

#endif
