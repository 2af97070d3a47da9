/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* btf_layout.h - BTF types: their names in C, how a reader sees them, a hash of their layout */
#ifndef KERNEL_BTF_LAYOUT_H
#define KERNEL_BTF_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/btf.h>

#define BTF_LAYOUT_DEPTH_MAX	32	/* types within types */

/* How a value of a type is read and written */
enum btf_layout_kind {
	BTF_LAYOUT_OTHER,		/* pointer, float, function: not shown */
	BTF_LAYOUT_INT,
	BTF_LAYOUT_BOOL,
	BTF_LAYOUT_ENUM,
	BTF_LAYOUT_BE,			/* __be16, __be32, __be64 */
	BTF_LAYOUT_ADDR,		/* struct shunt_addr */
	BTF_LAYOUT_TEXT,		/* char[] */
	BTF_LAYOUT_BYTES,		/* array of other integers of a byte */
	BTF_LAYOUT_ARRAY,
	BTF_LAYOUT_STRUCT,
	BTF_LAYOUT_UNION,
};

struct btf_layout {
	enum btf_layout_kind kind;
	const struct btf_type *type;	/* without qualifiers and typedefs; NULL: void */
	uint32_t size;			/* bytes */
	bool is_signed;			/* INT, ENUM */
	uint32_t element;		/* TEXT, BYTES, ARRAY: type of the elements, and how many */
	uint32_t n;
};

/* Never fails: what it does not know is OTHER, of size 0 if there is none */
struct btf_layout btf_layout_of(const struct btf *btf, uint32_t id);

/* As in C, qualifiers left out: "__u32", "struct shunt_addr", "char[32]". Cut off at @size */
void btf_layout_name(const struct btf *btf, uint32_t id, char *text, size_t size);

/* FNV-1a; start with BTF_LAYOUT_HASH_INIT */
#define BTF_LAYOUT_HASH_INIT	0xcbf29ce484222325ull
uint64_t btf_layout_hash_bytes(uint64_t hash, const void *data, size_t len);

/**
 * btf_layout_hash() - Add a type's layout: field names, offsets, sizes, kinds; not the names of
 * types, save that an integer in wire order differs from one in host order
 * Return: 0; -E2BIG: nested too deep, or too many fields
 */
int btf_layout_hash(const struct btf *btf, uint32_t id, uint64_t *hash);

#endif
