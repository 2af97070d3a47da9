/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* table_priv.h - what the parts of kernel/table*.c share */
#ifndef KERNEL_TABLE_PRIV_H
#define KERNEL_TABLE_PRIV_H

#include <linux/bpf.h>

#include <kernel/btf_layout.h>
#include <kernel/table.h>

struct table {
	int fd;				/* borrowed */
	struct bpf_map_info info;
	struct btf *btf;
	struct object_file *file;	/* that the types are in; NULL: the map's own */
	unsigned int n_cpus;		/* copies of a value: 1 unless it is a per-CPU map */
	size_t stride;			/* bytes from one copy to the next */
};

/* A value's copies, or a key, as the kernel hands them out */
struct table_data {
	const unsigned char *data;
	unsigned int n;			/* copies */
	size_t stride;
};

/* table.c */
void table_print_element(const struct table *table, const unsigned char *key,
			 const unsigned char *value, bool each_cpu, struct jsonw *w,
			 const char *name);

/* table_read.c: elements one after another: key, then the value's copies */
struct table_elements {
	unsigned char *data;
	size_t n;
	size_t element_size;
	bool more;
};

size_t table_value_size(const struct table *table);	/* of all copies */
bool table_is_zero(const unsigned char *data, size_t len);

/* Up to @max elements (0: all). Return: 0; -EAGAIN: changes faster than it can be read; -errno */
int table_read(const struct table *table, size_t max, struct table_elements *ret_elements,
	       struct err *err);
/* The same without the kernel's batches, which not every type has */
int table_read_by_key(const struct table *table, size_t max, struct table_elements *ret_elements,
		      struct err *err);

/* table_json.c: integers of several copies are added up */
void table_json(const struct btf *btf, uint32_t type, struct table_data data, struct jsonw *w,
		const char *key);
void table_json_type(const struct btf *btf, uint32_t type, struct jsonw *w, const char *key);

/**
 * table_words() - Change a key or value as words say
 * @what:	"key" or "value", for messages
 * @data, @size: One copy
 * Return: 0; -EINVAL: the text names the word; @data may be changed in part
 */
int table_words(const struct btf *btf, uint32_t type, const char *what,
		const char *const *words, unsigned int n_words, void *data, size_t size,
		struct err *err);

/* Bits in host order, @bit_off from the begin of @data; sign-extended if @is_signed */
uint64_t table_bits_get(const void *data, unsigned int bit_off, unsigned int bits, bool is_signed);
void table_bits_put(void *data, unsigned int bit_off, unsigned int bits, uint64_t value);

#endif
