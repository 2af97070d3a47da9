// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* table_json.c - keys and values as JSON, by their types */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <shunt/abi.h>

#include <kernel/table_priv.h>

static void print(const struct btf *btf, uint32_t type, struct table_data data, struct jsonw *w,
		  const char *key, int depth);

/* An integer of 1 to 8 bytes */
static uint64_t int_get(const void *data, unsigned int size, bool is_signed)
{
	return table_bits_get(data, 0, size * 8, is_signed);
}

/* As the compiler lays bit fields out: from the lowest bit on little endian machines */
static unsigned int bit_at(unsigned int bit_off, unsigned int bits, unsigned int i)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? bit_off + i : bit_off + bits - 1 - i;
}

static unsigned int bit_mask(unsigned int at)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 1u << at % 8 : 0x80u >> at % 8;
}

uint64_t table_bits_get(const void *data, unsigned int bit_off, unsigned int bits, bool is_signed)
{
	const unsigned char *byte = data;
	uint64_t value = 0;
	unsigned int i, at;

	for (i = 0; i < bits; i++) {
		at = bit_at(bit_off, bits, i);
		if (byte[at / 8] & bit_mask(at))
			value |= 1ull << i;
	}
	if (is_signed && bits && bits < 64 && value >> (bits - 1))
		value |= ~0ull << bits;
	return value;
}

void table_bits_put(void *data, unsigned int bit_off, unsigned int bits, uint64_t value)
{
	unsigned char *byte = data;
	unsigned int i, at;

	for (i = 0; i < bits; i++) {
		at = bit_at(bit_off, bits, i);
		if (value >> i & 1)
			byte[at / 8] |= bit_mask(at);
		else
			byte[at / 8] &= ~bit_mask(at);
	}
}

static bool is_zero(const unsigned char *data, size_t len)
{
	return len == 0 || (data[0] == 0 && !memcmp(data, data + 1, len - 1));
}

/* What cannot be added up: of the first CPU that has it */
static const unsigned char *first_set(struct table_data data, size_t size)
{
	unsigned int i;

	for (i = 0; i < data.n; i++)
		if (!is_zero(data.data + i * data.stride, size))
			return data.data + i * data.stride;
	return data.data;
}

static void print_number(struct jsonw *w, const char *key, uint64_t value, bool is_signed)
{
	if (is_signed)
		jsonw_i64(w, key, value);
	else
		jsonw_u64(w, key, value);
}

static void print_int128(struct jsonw *w, const char *key, struct table_data data)
{
	unsigned __int128 sum = 0, one;
	unsigned int i;

	for (i = 0; i < data.n; i++) {
		memcpy(&one, data.data + i * data.stride, sizeof(one));
		sum += one;
	}
	if (sum >> 64)
		jsonw_fmt(w, key, "0x%" PRIx64 "%016" PRIx64, (uint64_t)(sum >> 64), (uint64_t)sum);
	else
		jsonw_fmt(w, key, "0x%" PRIx64, (uint64_t)sum);
}

static void print_int(struct jsonw *w, const char *key, struct table_data data,
		      const struct btf_layout *layout)
{
	uint64_t sum = 0;
	unsigned int i;

	if (layout->size > sizeof(sum)) {
		print_int128(w, key, data);
		return;
	}
	for (i = 0; i < data.n; i++)
		sum += int_get(data.data + i * data.stride, layout->size, layout->is_signed);
	print_number(w, key, sum, layout->is_signed);
}

static const char *enum_name(const struct btf *btf, const struct btf_layout *layout, uint64_t value)
{
	const struct btf_type *type = layout->type;
	uint64_t mask = layout->size < 8 ? (1ull << layout->size * 8) - 1 : ~0ull;
	unsigned int i;

	for (i = 0; i < btf_vlen(type); i++) {
		if (btf_is_enum(type) ?
		    (((uint32_t)btf_enum(type)[i].val ^ value) & mask) == 0 :
		    ((btf_enum64_value(&btf_enum64(type)[i]) ^ value) & mask) == 0)
			return btf__name_by_offset(btf, btf_is_enum(type) ?
						   btf_enum(type)[i].name_off :
						   btf_enum64(type)[i].name_off);
	}
	return NULL;
}

static void print_enum(const struct btf *btf, struct jsonw *w, const char *key, uint64_t value,
		       const struct btf_layout *layout)
{
	const char *name = enum_name(btf, layout, value);

	if (name)
		jsonw_str(w, key, name);
	else
		print_number(w, key, value, layout->is_signed);
}

static uint64_t wire_order(const unsigned char *data, unsigned int size)
{
	uint64_t value = 0;

	while (size--)
		value = value << 8 | *data++;
	return value;
}

static void print_addr(struct jsonw *w, const char *key, const unsigned char *data)
{
	char text[INET6_ADDRSTRLEN];
	struct shunt_addr addr;

	memcpy(&addr, data, sizeof(addr));
	if (!addr.half[0] && addr.word[2] == htonl(0xffff))
		inet_ntop(AF_INET, &addr.v4, text, sizeof(text));
	else
		inet_ntop(AF_INET6, &addr, text, sizeof(text));
	jsonw_str(w, key, text);
}

static void print_bytes(struct jsonw *w, const char *key, const unsigned char *data, uint32_t n)
{
	struct buf text = { 0 };

	while (n--)
		buf_printf(&text, "%02x", *data++);
	jsonw_str(w, key, text.data ? text.data : "");
	buf_fini(&text);
}

static void print_array(const struct btf *btf, const struct btf_layout *layout,
			struct table_data data, struct jsonw *w, const char *key, int depth)
{
	uint32_t i, size = layout->n ? layout->size / layout->n : 0;

	jsonw_array(w, key);
	for (i = 0; size && i < layout->n; i++, data.data += size)
		print(btf, layout->element, data, w, NULL, depth + 1);
	jsonw_array_end(w);
}

static void print_bit_field(const struct btf *btf, const struct btf_layout *layout,
			    struct table_data data, unsigned int off, unsigned int bits,
			    struct jsonw *w, const char *key)
{
	uint64_t value, sum = 0;
	unsigned int i;

	for (i = 0; i < data.n; i++) {
		value = table_bits_get(data.data + i * data.stride, off, bits, layout->is_signed);
		sum = layout->kind == BTF_LAYOUT_INT ? sum + value : sum ? sum : value;
	}
	if (layout->kind == BTF_LAYOUT_ENUM)
		print_enum(btf, w, key, sum, layout);
	else if (layout->kind == BTF_LAYOUT_BOOL)
		jsonw_bool(w, key, sum);
	else
		print_number(w, key, sum, layout->is_signed);
}

/* Into an object that is open: fields without a name (a union, a struct) show theirs here */
static void print_fields(const struct btf *btf, const struct btf_layout *layout,
			 struct table_data data, struct jsonw *w, int depth)
{
	unsigned int i, off, bits, n = btf_vlen(layout->type);
	const struct btf_member *member = btf_members(layout->type);
	struct table_data part;
	struct btf_layout inner;
	const char *name;

	if (layout->kind == BTF_LAYOUT_UNION && n > 1)
		n = 1;			/* the others are the same bytes */
	for (i = 0; i < n && depth < BTF_LAYOUT_DEPTH_MAX; i++) {
		name = btf__name_by_offset(btf, member[i].name_off);
		off = btf_member_bit_offset(layout->type, i);
		bits = btf_member_bitfield_size(layout->type, i);
		inner = btf_layout_of(btf, member[i].type);
		part = data;
		part.data += off / 8;
		if (bits)
			print_bit_field(btf, &inner, data, off, bits, w, name);
		else if (name[0])
			print(btf, member[i].type, part, w, name, depth + 1);
		else if (inner.kind == BTF_LAYOUT_STRUCT || inner.kind == BTF_LAYOUT_UNION)
			print_fields(btf, &inner, part, w, depth + 1);
	}
}

static void print(const struct btf *btf, uint32_t type, struct table_data data, struct jsonw *w,
		  const char *key, int depth)
{
	const struct btf_layout layout = btf_layout_of(btf, type);
	const unsigned char *set = first_set(data, layout.size);

	if (depth > BTF_LAYOUT_DEPTH_MAX) {
		jsonw_null(w, key);
		return;
	}
	switch (layout.kind) {
	case BTF_LAYOUT_INT:
		print_int(w, key, data, &layout);
		break;
	case BTF_LAYOUT_BOOL:
		jsonw_bool(w, key, !is_zero(set, layout.size));
		break;
	case BTF_LAYOUT_ENUM:
		print_enum(btf, w, key, int_get(set, layout.size, layout.is_signed), &layout);
		break;
	case BTF_LAYOUT_BE:
		jsonw_u64(w, key, wire_order(set, layout.size));
		break;
	case BTF_LAYOUT_ADDR:
		print_addr(w, key, set);
		break;
	case BTF_LAYOUT_TEXT:
		jsonw_strn(w, key, (const char *)set, strnlen((const char *)set, layout.n));
		break;
	case BTF_LAYOUT_BYTES:
		print_bytes(w, key, set, layout.n);
		break;
	case BTF_LAYOUT_ARRAY:
		print_array(btf, &layout, data, w, key, depth);
		break;
	case BTF_LAYOUT_STRUCT:
	case BTF_LAYOUT_UNION:
		jsonw_object(w, key);
		print_fields(btf, &layout, data, w, depth);
		jsonw_object_end(w);
		break;
	default:
		jsonw_null(w, key);	/* a pointer is nobody's business */
	}
}

void table_json(const struct btf *btf, uint32_t type, struct table_data data, struct jsonw *w,
		const char *key)
{
	print(btf, type, data, w, key, 0);
}

static void describe_fields(const struct btf *btf, const struct btf_layout *layout,
			    struct jsonw *w, int depth);

static void describe(const struct btf *btf, uint32_t type, struct jsonw *w, const char *key,
		     int depth)
{
	const struct btf_layout layout = btf_layout_of(btf, type);
	char text[128];

	if ((layout.kind == BTF_LAYOUT_STRUCT || layout.kind == BTF_LAYOUT_UNION) &&
	    depth < BTF_LAYOUT_DEPTH_MAX) {
		jsonw_object(w, key);
		describe_fields(btf, &layout, w, depth);
		jsonw_object_end(w);
		return;
	}
	btf_layout_name(btf, type, text, sizeof(text));
	jsonw_str(w, key, text);
}

static void describe_fields(const struct btf *btf, const struct btf_layout *layout,
			    struct jsonw *w, int depth)
{
	const struct btf_member *member = btf_members(layout->type);
	unsigned int i, n = btf_vlen(layout->type);
	struct btf_layout inner;
	const char *name;

	for (i = 0; i < n; i++) {
		name = btf__name_by_offset(btf, member[i].name_off);
		inner = btf_layout_of(btf, member[i].type);
		if (name[0])
			describe(btf, member[i].type, w, name, depth + 1);
		else if (inner.kind == BTF_LAYOUT_STRUCT || inner.kind == BTF_LAYOUT_UNION)
			describe_fields(btf, &inner, w, depth + 1);
	}
}

void table_json_type(const struct btf *btf, uint32_t type, struct jsonw *w, const char *key)
{
	describe(btf, type, w, key, 0);
}
