/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * store.h - generations on disk
 *
 *	gen/N.json	one generation: configuration, who, when, indices and renderings
 *	gen/N.edit	one that a few edits made of another: those, instead of the configuration
 *	running		number of the generation that runs
 *	intent		number of one whose commit has begun: a start finishes it
 *	pending		one that waits for 'confirm', with its deadline
 *
 * Each is replaced whole (write beside, fsync, rename).
 */
#ifndef DAEMON_STORE_H
#define DAEMON_STORE_H

#include <time.h>

#include <base/err.h>
#include <daemon/generation.h>

#define STORE_KEEP 21		/* the running one and 20 to go back to */

struct store {
	char *dir;
};

struct store_pending {
	uint32_t generation, back_to;
	time_t deadline;		/* Unix seconds */
};

/* Makes the folder. Return: 0 or -errno */
int store_open(struct store *store, const char *dir, struct err *err);
void store_close(struct store *store);

int store_save(const struct store *store, const struct generation *generation, struct err *err);
/* Header, tree, and the plan without nodes: enough for generation_build()'s @running */
int store_load(const struct store *store, uint32_t number, struct generation *ret_generation,
	       struct err *err);
/* Generation whose record has the tree that this one's is an edit of; 0: its own */
uint32_t store_base(const struct store *store, uint32_t number);
/* Number, time, who, comment; costs the same however large the configuration is */
int store_load_header(const struct store *store, uint32_t number,
		      struct generation *ret_generation, struct err *err);
void store_remove(const struct store *store, uint32_t number);
/* Numbers there are, descending; heap; the caller frees. Return: count */
unsigned int store_list(const struct store *store, uint32_t **ret_number);
void store_prune(const struct store *store, uint32_t running);

int store_set_running(const struct store *store, uint32_t number, struct err *err);
/* The last edit of what is noted, or that itself; 0: none */
uint32_t store_running(const struct store *store);
/* @number: 0: none any more */
int store_set_intent(const struct store *store, uint32_t number, struct err *err);
uint32_t store_intent(const struct store *store);
int store_set_pending(const struct store *store, const struct store_pending *pending,
		      struct err *err);
void store_clear_pending(const struct store *store);
bool store_pending(const struct store *store, struct store_pending *ret_pending);

#endif
