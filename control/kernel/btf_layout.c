// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* btf_layout.c - BTF types: their names in C, how a reader sees them, a hash of their layout */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <shunt/abi.h>

#include <kernel/btf_layout.h>

#define FIELDS_MAX	65536	/* that one hash looks at: a hostile type can nest without end */

static bool is_qualifier(const struct btf_type *type)
{
	return btf_is_mod(type) || btf_is_type_tag(type);
}

/* Without qualifiers; typedefs stay */
static uint32_t skip_qualifiers(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);
	int depth;

	for (depth = 0; type && is_qualifier(type) && depth < BTF_LAYOUT_DEPTH_MAX; depth++) {
		id = type->type;
		type = btf__type_by_id(btf, id);
	}
	return id;
}

static const char *name_of(const struct btf *btf, const struct btf_type *type)
{
	const char *name = btf__name_by_offset(btf, type->name_off);

	return name ? name : "";
}

static bool is_wire_order(const char *name)
{
	return !strcmp(name, "__be16") || !strcmp(name, "__be32") || !strcmp(name, "__be64");
}

static void set_array(const struct btf *btf, struct btf_layout *layout)
{
	const struct btf_array *array = btf_array(layout->type);
	const struct btf_layout element = btf_layout_of(btf, array->type);
	int64_t size = btf__resolve_size(btf, array->type);

	layout->element = array->type;
	layout->n = array->nelems;
	layout->kind = BTF_LAYOUT_ARRAY;
	if (size > 0 && (uint64_t)size * array->nelems <= UINT32_MAX)
		layout->size = size * array->nelems;
	else
		layout->n = 0;
	if (element.kind == BTF_LAYOUT_INT && element.size == 1)
		layout->kind = !strcmp(name_of(btf, element.type), "char") ? BTF_LAYOUT_TEXT :
									   BTF_LAYOUT_BYTES;
}

static void set_kind(const struct btf *btf, struct btf_layout *layout)
{
	const struct btf_type *type = layout->type;
	int encoding;

	switch (btf_kind(type)) {
	case BTF_KIND_INT:
		encoding = btf_int_encoding(type);
		layout->kind = encoding & BTF_INT_BOOL ? BTF_LAYOUT_BOOL : BTF_LAYOUT_INT;
		layout->is_signed = encoding & BTF_INT_SIGNED;
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		layout->kind = BTF_LAYOUT_ENUM;
		layout->is_signed = btf_kflag(type);
		break;
	case BTF_KIND_STRUCT:
		layout->kind = BTF_LAYOUT_STRUCT;
		if (type->size == sizeof(struct shunt_addr) &&
		    !strcmp(name_of(btf, type), "shunt_addr"))
			layout->kind = BTF_LAYOUT_ADDR;
		break;
	case BTF_KIND_UNION:
		layout->kind = BTF_LAYOUT_UNION;
		break;
	case BTF_KIND_FLOAT:
		break;
	case BTF_KIND_PTR:
		layout->size = sizeof(uint64_t);
		return;
	default:
		return;
	}
	layout->size = type->size;
}

struct btf_layout btf_layout_of(const struct btf *btf, uint32_t id)
{
	struct btf_layout layout = { .kind = BTF_LAYOUT_OTHER };
	const struct btf_type *type;
	bool wire = false;
	int depth;

	for (depth = 0; depth < BTF_LAYOUT_DEPTH_MAX; depth++) {
		id = skip_qualifiers(btf, id);
		type = id ? btf__type_by_id(btf, id) : NULL;
		if (!type)
			return layout;
		if (!btf_is_typedef(type))
			break;
		wire |= is_wire_order(name_of(btf, type));
		id = type->type;
	}
	layout.type = type;
	if (btf_is_array(type))
		set_array(btf, &layout);
	else
		set_kind(btf, &layout);
	if (wire && layout.kind == BTF_LAYOUT_INT)
		layout.kind = BTF_LAYOUT_BE;
	return layout;
}

static void add_text(char *text, size_t size, const char *fmt, const char *name, unsigned int n)
{
	size_t len = strlen(text);

	if (len < size)
		snprintf(text + len, size - len, fmt, name, n);
}

void btf_layout_name(const struct btf *btf, uint32_t id, char *text, size_t size)
{
	const struct btf_type *type;
	uint32_t element = id;
	int depth;

	text[0] = '\0';
	for (depth = 0; depth < BTF_LAYOUT_DEPTH_MAX; depth++) {
		element = skip_qualifiers(btf, element);
		type = element ? btf__type_by_id(btf, element) : NULL;
		if (!type || !btf_is_array(type))
			break;
		element = btf_array(type)->type;
	}
	if (!type)
		add_text(text, size, "%s", "void", 0);
	else if (btf_is_ptr(type))
		add_text(text, size, "%s", "void *", 0);
	else
		add_text(text, size, "%s",
			 btf_is_struct(type) ? "struct " : btf_is_union(type) ? "union " :
			 btf_is_any_enum(type) ? "enum " : "", 0);
	if (type && !btf_is_ptr(type))
		add_text(text, size, "%s", type->name_off ? name_of(btf, type) : "{...}", 0);
	for (id = skip_qualifiers(btf, id); depth > 0 && id != element; depth--) {
		type = btf__type_by_id(btf, id);
		if (!btf_is_array(type))
			break;
		add_text(text, size, "%s[%u]", "", btf_array(type)->nelems);
		id = skip_qualifiers(btf, btf_array(type)->type);
	}
}

uint64_t btf_layout_hash_bytes(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *byte = data;

	while (len--)
		hash = (hash ^ *byte++) * 0x100000001b3ull;
	return hash;
}

struct hasher {
	const struct btf *btf;
	uint64_t hash;
	unsigned int fields;
};

static void add_number(struct hasher *h, uint32_t value)
{
	h->hash = btf_layout_hash_bytes(h->hash, &value, sizeof(value));
}

static int add_type(struct hasher *h, uint32_t id, int depth)
{
	const struct btf_layout layout = btf_layout_of(h->btf, id);
	const struct btf_member *member;
	const char *name;
	unsigned int i;
	int r;

	if (depth > BTF_LAYOUT_DEPTH_MAX || ++h->fields > FIELDS_MAX)
		return -E2BIG;
	add_number(h, layout.kind);
	add_number(h, layout.size);
	add_number(h, layout.is_signed);
	add_number(h, layout.n);
	if (layout.element)
		return add_type(h, layout.element, depth + 1);
	if (layout.kind != BTF_LAYOUT_STRUCT && layout.kind != BTF_LAYOUT_UNION)
		return 0;
	member = btf_members(layout.type);
	for (i = 0; i < btf_vlen(layout.type); i++) {
		name = btf__name_by_offset(h->btf, member[i].name_off);
		h->hash = btf_layout_hash_bytes(h->hash, name, strlen(name) + 1);
		add_number(h, btf_member_bit_offset(layout.type, i));
		add_number(h, btf_member_bitfield_size(layout.type, i));
		r = add_type(h, member[i].type, depth + 1);
		if (r < 0)
			return r;
	}
	return 0;
}

int btf_layout_hash(const struct btf *btf, uint32_t id, uint64_t *hash)
{
	struct hasher h = { .btf = btf, .hash = *hash };
	int r;

	r = add_type(&h, id, 0);
	if (r == 0)
		*hash = h.hash;
	return r;
}
