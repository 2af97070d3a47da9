/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * dset.h - a dynamic set: elements with a time to live, from commands and from the data path
 *
 * A set is its inner map's descriptor: sets_inner(), or dset_create() and then sets_exchange().
 * Times are CLOCK_MONOTONIC, as the data path's.
 */
#ifndef KERNEL_DSET_H
#define KERNEL_DSET_H

#include <stdbool.h>
#include <stdint.h>

#include <base/err.h>
#include <kernel/sets.h>

struct dset_element {
	struct shunt_set_key key;
	struct shunt_set_value value;
};

/**
 * dset_create() - An empty one, in no slot
 * Elements take memory as they come; the table itself 16 bytes for each of @entries.
 * @entries:	At most; SHUNT_SET_ELEMENTS_MAX
 * Return: fd or -errno
 */
int dset_create(const char *name, uint32_t entries, struct err *err);

/* What the data path is to know; before the set is put into its slot */
int dset_configure(const struct sets *sets, uint32_t slot, const struct shunt_dset_conf *conf,
		   struct err *err);

/**
 * dset_copy() - Into a table of another size
 * Resize: create, dset_copy(), sets_exchange(), grace period, dset_copy() again (elements that came
 * in between), sets_drop(). What is there already stays; expired elements are left out.
 * Return: 0; -E2BIG: they do not fit
 */
int dset_copy(int from_fd, int to_fd, struct err *err);

uint64_t dset_now_ns(void);

/**
 * dset_add() - Put in an element
 * @timeout_ns:	0: it stays
 * An element that is there gets the new timeout and keeps its counts.
 * Return: 0; -E2BIG: no room
 */
int dset_add(int fd, const struct shunt_set_key *key, uint64_t timeout_ns, struct err *err);

/**
 * dset_load() - Put in many elements as they are, few system calls
 * One that is there is overwritten, counts and all.
 * Return: 0; -E2BIG: no room, some are in
 */
int dset_load(int fd, const struct dset_element *element, size_t n, struct err *err);

/* Return: 0; -ENOENT: it was not there */
int dset_del(int fd, const struct shunt_set_key *key);

/* One element. Return: 0; -ENOENT: not there, or expired */
int dset_get(int fd, const struct shunt_set_key *key, struct shunt_set_value *ret_value);

/* Where dset_read() goes on; all 0 at the start */
struct dset_cursor {
	uint32_t bucket;
	bool started, done;
};

/**
 * dset_read() - The next elements, expired ones too; in no order, while the data path goes on
 * @ret:	Room for @n; at least 64
 * Return: number; 0 with cursor->done: that was all; -errno
 */
int dset_read(int fd, struct dset_cursor *cursor, struct dset_element *ret, unsigned int n);

/**
 * dset_collect() - Delete expired elements, a batch at a time
 * To be called on a timer: with a new cursor each round, until cursor->done.
 * An element that expired, and that the data path adds again in the microsecond between a last
 * look and the deletion, is lost until the next packet adds it.
 * Return: number deleted; -errno
 */
int dset_collect(int fd, struct dset_cursor *cursor);

#endif
