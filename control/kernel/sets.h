/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * sets.h - tables of sets (dataplane/lib/set.h), which all programs share
 *
 * DOC: A set is an inner map in a slot of one of two tables. A change of several sets has three
 * steps, so that all that can fail is done before a packet sees any of it:
 *
 *	sets_create(), dset_create()	a new inner map, filled: no packet sees it
 *	sets_exchange()			one write a slot; a packet sees the old or the new one
 *	sets_drop()			behind a grace period: what was there before goes
 *
 * sets_revert() in place of sets_drop() puts back what was there.
 */
#ifndef KERNEL_SETS_H
#define KERNEL_SETS_H

#include <stddef.h>
#include <stdint.h>

#include <base/err.h>
#include <kernel/object.h>

#include "../../dataplane/lib/set.h"

enum sets_table {
	SETS_STATIC,		/* shunt_sets: images */
	SETS_DYNAMIC,		/* shunt_dsets: hash tables */
	SETS_CONF,		/* shunt_dset_conf */
	SETS_FULL,		/* shunt_dset_full */
	SETS_TABLES
};

struct sets {
	int fd[SETS_TABLES];
};

/**
 * sets_open() - Adopt the tables, or make and pin them
 * @bpffs:	Our folder; NULL: nothing is pinned
 */
int sets_open(const char *bpffs, struct sets *ret_sets, struct err *err);
void sets_close(struct sets *sets);

/* The tables as object_load() takes them, for a program that has all four */
void sets_maps(const struct sets *sets, struct object_map ret_map[SETS_TABLES]);

/**
 * sets_create() - An inner map of a static set, filled
 * @name:	Of the set, for bpftool alone
 * @line:	The image: @n_lines of SHUNT_SET_LINE bytes (compile/set.h)
 * Return: fd; -errno
 */
int sets_create(const char *name, const void *line, size_t n_lines, struct err *err);

/* A set's name as a map's: 15 characters, and not all of them. @ret: BPF_OBJ_NAME_LEN */
void sets_map_name(const char *name, char *ret);

/* A slot that is to hold another inner map */
struct sets_change {
	enum sets_table table;	/* SETS_STATIC, SETS_DYNAMIC */
	uint32_t slot;
	int fd;			/* -1: none; belongs to the change */
	int old_fd;		/* set by sets_exchange(); -1: none */
};

/**
 * sets_exchange() - The commit
 * In the order given, slots of one table by one call. Linux before 6.8 does not wait in it until
 * programs are done with the old ones, later versions do; sets_drop() must not rely on it.
 * Return: 0; -errno: every slot holds again what it held
 */
int sets_exchange(const struct sets *sets, struct sets_change *change, unsigned int n,
		  struct err *err);
/* Put back what was there. The new ones belong to the changes still: sets_drop() */
void sets_revert(const struct sets *sets, struct sets_change *change, unsigned int n);
/* Behind a grace period: let go of old and new descriptors; a slot keeps what it holds */
void sets_drop(struct sets_change *change, unsigned int n);

/* Inner map of a slot: new fd; -ENOENT: none. Needs CAP_SYS_ADMIN */
int sets_inner(const struct sets *sets, enum sets_table table, uint32_t slot);

/* Hash of the image in a slot, to tell whether it is to be built anew. Return: 0; -ENOENT */
int sets_hash(const struct sets *sets, uint32_t slot, uint64_t *ret_hash);

/* Elements that did not fit, since the table was made */
uint64_t sets_full(const struct sets *sets, uint32_t slot);

#endif
