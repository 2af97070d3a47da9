// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* object_btf.c - check a BTF section: what it names is there, no chain of types is endless */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <base/arena.h>
#include <kernel/object_file.h>

#define CHAIN_MAX	32	/* typedefs, qualifiers, arrays of one another; as in libbpf */

struct types {
	const char *path;
	const char *data, *end;		/* of the types */
	const struct btf_type **type;	/* by id; [0] is void: NULL */
	uint32_t n;			/* void included */
	uint32_t strings_len;
	struct err *err;
};

#define broken(types_, fmt_, ...) \
	err_set((types_)->err, -ENOEXEC, "'%s': broken BTF: " fmt_ ".", (types_)->path, \
		##__VA_ARGS__)

/* Bytes behind struct btf_type; -1: no such kind */
static long extra_bytes(const struct btf_type *type)
{
	uint32_t n = btf_vlen(type);

	switch (btf_kind(type)) {
	case BTF_KIND_INT:
		return sizeof(uint32_t);
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return n * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return n * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return n * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return n * sizeof(struct btf_param);
	case BTF_KIND_VAR:
		return sizeof(struct btf_var);
	case BTF_KIND_DATASEC:
		return n * sizeof(struct btf_var_secinfo);
	case BTF_KIND_DECL_TAG:
		return sizeof(struct btf_decl_tag);
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return 0;
	default:
		return -1;
	}
}

/* Fills the index of types. @types->type has room for one in 12 bytes */
static int index_types(struct types *types)
{
	const char *pos = types->data;
	const struct btf_type *type;
	long extra;

	types->n = 1;
	while (pos < types->end) {
		type = (const void *)pos;
		if ((size_t)(types->end - pos) < sizeof(*type))
			return broken(types, "type %u is cut off", types->n);
		extra = extra_bytes(type);
		if (extra < 0)
			return broken(types, "type %u is of unknown kind %u", types->n,
				      btf_kind(type));
		pos += sizeof(*type);
		if (types->end - pos < extra)
			return broken(types, "type %u is cut off", types->n);
		pos += extra;
		types->type[types->n++] = type;
	}
	return 0;
}

static bool has_reference(const struct btf_type *type)
{
	switch (btf_kind(type)) {
	case BTF_KIND_PTR:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FUNC_PROTO:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
	case BTF_KIND_TYPE_TAG:
		return true;
	default:
		return false;
	}
}

static bool is_kind(const struct types *types, uint32_t id, unsigned int kind)
{
	return id && id < types->n && btf_kind(types->type[id]) == kind;
}

static bool name_ok(const struct types *types, uint32_t off)
{
	return off < types->strings_len;
}

static bool members_ok(const struct types *types, const struct btf_type *type)
{
	const struct btf_member *m = btf_members(type);
	unsigned int i;

	for (i = 0; i < btf_vlen(type); i++)
		if (!name_ok(types, m[i].name_off) || !m[i].type || m[i].type >= types->n ||
		    btf_member_bit_offset(type, i) > (uint64_t)type->size * 8)
			return false;
	return true;
}

static bool parts_ok(const struct types *types, const struct btf_type *type)
{
	const struct btf_array *array = btf_array(type);
	const struct btf_param *param = btf_params(type);
	const struct btf_var_secinfo *var = btf_var_secinfos(type);
	unsigned int i, n = btf_vlen(type);

	switch (btf_kind(type)) {
	case BTF_KIND_INT:
		return type->size && type->size <= 16 && btf_int_bits(type) <= type->size * 8;
	case BTF_KIND_ARRAY:
		return array->type && array->type < types->n && array->index_type < types->n;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return members_ok(types, type);
	case BTF_KIND_ENUM:
		for (i = 0; i < n; i++)
			if (!name_ok(types, btf_enum(type)[i].name_off))
				return false;
		return type->size && type->size <= 8;
	case BTF_KIND_ENUM64:
		for (i = 0; i < n; i++)
			if (!name_ok(types, btf_enum64(type)[i].name_off))
				return false;
		return type->size && type->size <= 8;
	case BTF_KIND_FUNC:
		return is_kind(types, type->type, BTF_KIND_FUNC_PROTO);
	case BTF_KIND_FUNC_PROTO:
		for (i = 0; i < n; i++)
			if (!name_ok(types, param[i].name_off) || param[i].type >= types->n)
				return false;
		return true;
	case BTF_KIND_VAR:
		return type->type;
	case BTF_KIND_DATASEC:
		for (i = 0; i < n; i++)
			if (!is_kind(types, var[i].type, BTF_KIND_VAR))
				return false;
		return true;
	case BTF_KIND_DECL_TAG:
		return type->type;
	default:
		return true;
	}
}

/* libbpf follows qualifiers and typedefs without a limit */
static bool chain_ends(const struct types *types, uint32_t id)
{
	const struct btf_type *type;
	int depth;

	for (depth = 0; depth < CHAIN_MAX; depth++) {
		if (!id)
			return true;
		type = types->type[id];
		if (btf_is_mod(type) || btf_is_typedef(type) || btf_is_type_tag(type))
			id = type->type;
		else if (btf_is_array(type))
			id = btf_array(type)->type;
		else
			return true;
	}
	return false;
}

static int check_types(const struct types *types)
{
	const struct btf_type *type;
	uint32_t id;

	for (id = 1; id < types->n; id++) {
		type = types->type[id];
		if (!name_ok(types, type->name_off))
			return broken(types, "type %u has no name", id);
		if ((has_reference(type) && type->type >= types->n) || !parts_ok(types, type))
			return broken(types, "type %u names what is not there", id);
	}
	for (id = 1; id < types->n; id++)
		if (!chain_ends(types, id))
			return broken(types, "type %u has no end", id);
	return 0;
}

int object_btf_check(const char *path, const void *data, size_t len, struct err *err)
{
	struct types types = { .path = path, .err = err };
	const struct btf_header *h = data;
	const char *strings;
	size_t rest;
	int r;

	if ((uintptr_t)data % 4)
		return broken(&types, "not aligned");
	if (len < sizeof(*h) || h->magic != BTF_MAGIC || h->version != BTF_VERSION || h->flags ||
	    h->hdr_len < sizeof(*h) || h->hdr_len > len || h->hdr_len % 4)
		return broken(&types, "unknown header");
	rest = len - h->hdr_len;
	if (h->type_off % 4 || h->type_off > rest || h->type_len > rest - h->type_off ||
	    h->str_off > rest || h->str_len > rest - h->str_off || !h->str_len ||
	    h->type_off + h->type_len > h->str_off)
		return broken(&types, "its parts lie beyond its end");
	strings = (const char *)data + h->hdr_len + h->str_off;
	if (strings[0] || strings[h->str_len - 1])
		return broken(&types, "its strings do not end");
	types.data = (const char *)data + h->hdr_len + h->type_off;
	types.end = types.data + h->type_len;
	types.strings_len = h->str_len;
	types.type = calloc(h->type_len / sizeof(struct btf_type) + 1, sizeof(*types.type));
	if (!types.type)
		arena_no_memory();
	r = index_types(&types);
	if (r == 0)
		r = check_types(&types);
	free(types.type);
	return r;
}
