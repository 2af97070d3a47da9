/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * table.h - tables by field name, through the map's own BTF
 *
 * DOC: Text form of a key or value: a scalar stands for itself ("7", "0x7"), a
 * struct is written as FIELD=VALUE words ("prefix=10.0.0.1 l3=4"), nested ones with a
 * dot. struct shunt_addr is an IP address (IPv4 ones are ::ffff:…); __be16, __be32 and __be64 are
 * shown in host order; arrays of bytes in hex, a char array as text. JSON has the same fields as
 * an object.
 */
#ifndef KERNEL_TABLE_H
#define KERNEL_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include <base/err.h>
#include <base/jsonw.h>

struct table;

/**
 * table_open() - A map with its types
 * @fd:		Borrowed; must outlive the table
 * Return: 0; -ENODATA: the map has no BTF; -errno
 */
int table_open(int fd, struct table **ret_table, struct err *err);
/**
 * table_open_as() - The same of a map that has no types: those that a program declares for it
 * @object:	Its object file
 * @name:	Of the map there
 * Return: 0; -ENODATA: the program's are other ones; -errno
 */
int table_open_as(int fd, const char *object, const char *name, struct table **ret_table,
		  struct err *err);
void table_free(struct table *table);

/* {"name","type","key":{fields},"value":{fields},"max_entries","per_cpu"} */
void table_describe(const struct table *table, struct jsonw *w, const char *key);

/**
 * table_dump() - All elements, as an array of {"key":…,"value":…}
 * Per-CPU values are the sum of integer fields, and with @each_cpu also "cpus": […].
 * An element that goes while it is read is left out; none is shown twice. ARRAY elements that are
 * all zero are left out.
 * @max:	Elements at most; 0: all. More of them: ret_more is true
 */
int table_dump(const struct table *table, uint32_t max, bool each_cpu, struct jsonw *w,
	       const char *key, bool *ret_more, struct err *err);

/**
 * table_dump_part() - Of an array of any size, as many elements as there is time for
 * @cursor:	Index to begin at; where the next part begins. Beyond the last one: that was the end
 * @max:	Elements, about: those that are read in one piece come together
 * @budget_ns:	Time, about
 */
int table_dump_part(const struct table *table, uint64_t *cursor, uint32_t max, uint64_t budget_ns,
		    struct jsonw *w, const char *key, bool *ret_more, struct err *err);
bool table_is_array(const struct table *table);

/* @key_words: as in DOC. Return: 0; -ENOENT: no such element; -EINVAL: the text names the word */
int table_get(const struct table *table, const char *const *key_words, unsigned int n_key,
	      struct jsonw *w, const char *key, struct err *err);
/* Fields not named keep their value, or are 0 in a new element; of a per-CPU map: on all CPUs */
int table_set(const struct table *table, const char *const *key_words, unsigned int n_key,
	      const char *const *value_words, unsigned int n_value, struct err *err);
int table_del(const struct table *table, const char *const *key_words, unsigned int n_key,
	      struct err *err);

#endif
