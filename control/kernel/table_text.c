// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* table_text.c - words of a command into keys and values, by their types */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <shunt/abi.h>

#include <base/diag.h>
#include <kernel/table_priv.h>

#define FIELDS_MAX	64	/* named in a message */

/* Where a word's value goes */
struct spot {
	uint32_t type;
	unsigned int bit_off, bits;	/* bits: 0 unless a bit field */
};

struct words {
	const struct btf *btf;
	const char *what;		/* "key", "value" */
	const char *word;		/* the one at work */
	struct err *err;
};

#define refuse(words_, fmt_, ...) \
	err_set((words_)->err, -EINVAL, "%s '%s': " fmt_ ".", (words_)->what, (words_)->word, \
		##__VA_ARGS__)

static bool has_fields(const struct btf_layout *layout)
{
	return layout->kind == BTF_LAYOUT_STRUCT || layout->kind == BTF_LAYOUT_UNION;
}

/* ---- names ---- */

/* Names of a struct's fields, those of nameless unions and structs in it too */
static unsigned int field_names(const struct btf *btf, const struct btf_layout *layout,
				const char **name, unsigned int n, int depth)
{
	const struct btf_member *member = btf_members(layout->type);
	struct btf_layout inner;
	unsigned int i;

	for (i = 0; i < btf_vlen(layout->type) && n < FIELDS_MAX; i++) {
		name[n] = btf__name_by_offset(btf, member[i].name_off);
		inner = btf_layout_of(btf, member[i].type);
		if (name[n][0])
			n++;
		else if (has_fields(&inner) && depth < BTF_LAYOUT_DEPTH_MAX)
			n = field_names(btf, &inner, name, n, depth + 1);
	}
	return n;
}

static int no_such_field(const struct words *words, uint32_t type, const char *field)
{
	const struct btf_layout layout = btf_layout_of(words->btf, type);
	const char *name[FIELDS_MAX];
	struct buf list = { 0 };
	unsigned int i, n;
	char text[128];
	int r;

	n = field_names(words->btf, &layout, name, 0, 0);
	for (i = 0; i < n; i++)
		buf_printf(&list, "%s%s", i ? ", " : "", name[i]);
	btf_layout_name(words->btf, type, text, sizeof(text));
	r = refuse(words, "no field '%s' in '%s'%s; it has: %s", field, text,
		   suggest_text(field, name, n).text, list.data ? list.data : "none");
	buf_fini(&list);
	return r;
}

static bool find_field(const struct btf *btf, const char *field, struct spot *spot, int depth)
{
	const struct btf_layout layout = btf_layout_of(btf, spot->type);
	struct btf_layout inner;
	const struct btf_member *member = btf_members(layout.type);
	struct spot part;
	const char *name;
	unsigned int i;

	for (i = 0; i < btf_vlen(layout.type) && depth < BTF_LAYOUT_DEPTH_MAX; i++) {
		name = btf__name_by_offset(btf, member[i].name_off);
		part = (struct spot){
			.type = member[i].type,
			.bit_off = spot->bit_off + btf_member_bit_offset(layout.type, i),
			.bits = btf_member_bitfield_size(layout.type, i),
		};
		inner = btf_layout_of(btf, part.type);
		if (!name[0] && !part.bits && has_fields(&inner)) {
			if (!find_field(btf, field, &part, depth + 1))
				continue;
		} else if (strcmp(name, field)) {
			continue;
		}
		*spot = part;
		return true;
	}
	return false;
}

static int find_index(const struct words *words, const struct btf_layout *layout,
		      const char *text, struct spot *spot)
{
	char *end;
	unsigned long i = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)text[0]) || *end || i >= layout->n)
		return refuse(words, "'%s' is no element of an array of %u", text, layout->n);
	spot->bit_off += i * (layout->size / layout->n) * 8;
	spot->type = layout->element;
	return 0;
}

/* "inner.ticks", "row.0.1" */
static int find_spot(const struct words *words, char *path, struct spot *spot)
{
	struct btf_layout layout;
	char *field, *save = NULL;
	int r = 0;

	for (field = strtok_r(path, ".", &save); r == 0 && field;
	     field = strtok_r(NULL, ".", &save)) {
		layout = btf_layout_of(words->btf, spot->type);
		if (layout.kind == BTF_LAYOUT_ARRAY)
			r = find_index(words, &layout, field, spot);
		else if (!has_fields(&layout))
			r = refuse(words, "there is nothing like '%s' within it", field);
		else if (!find_field(words->btf, field, spot, 0))
			r = no_such_field(words, spot->type, field);
	}
	return r;
}

/* ---- values ---- */

static int parse_number(const struct words *words, const char *text, unsigned int bits,
			bool is_signed, uint64_t *ret_value)
{
	bool negative = text[0] == '-';
	const char *digits = text + negative;
	uint64_t value, max;
	char *end;

	if (!isdigit((unsigned char)digits[0]))
		return refuse(words, "'%s' is no number", text);
	errno = 0;
	value = strtoull(digits, &end, digits[0] == '0' && tolower(digits[1]) == 'x' ? 16 : 10);
	if (*end)
		return refuse(words, "'%s' is no number", text);
	max = bits < 64 ? (1ull << bits) - 1 : ~0ull;
	if (is_signed)
		max = negative ? (max >> 1) + 1 : max >> 1;
	if (errno == ERANGE || value > max || (negative && !is_signed && value))
		return refuse(words, "%s does not fit into %u bits, %s", text, bits,
			      is_signed ? "signed" : "unsigned");
	*ret_value = negative ? -value : value;
	return 0;
}

static int parse_int128(const struct words *words, const char *text, void *data)
{
	unsigned __int128 value = 0;
	const char *p;

	if (text[0] != '0' || tolower(text[1]) != 'x' || !text[2] || strlen(text) > 34)
		return refuse(words, "'%s' is not 0x and up to 32 digits", text);
	for (p = text + 2; *p; p++) {
		if (!isxdigit((unsigned char)*p))
			return refuse(words, "'%s' is not 0x and up to 32 digits", text);
		value = value << 4 | (isdigit((unsigned char)*p) ? *p - '0' :
				      tolower((unsigned char)*p) - 'a' + 10);
	}
	memcpy(data, &value, sizeof(value));
	return 0;
}

static int parse_bool(const struct words *words, const char *text, uint64_t *ret_value)
{
	if (!strcmp(text, "true") || !strcmp(text, "1"))
		*ret_value = 1;
	else if (!strcmp(text, "false") || !strcmp(text, "0"))
		*ret_value = 0;
	else
		return refuse(words, "'%s' is neither true nor false", text);
	return 0;
}

static int parse_enum(const struct words *words, const char *text, const struct btf_layout *layout,
		      uint64_t *ret_value)
{
	const struct btf_type *type = layout->type;
	const char *name[FIELDS_MAX], *known;
	unsigned int i, n = 0;

	if (isdigit((unsigned char)text[0]) || text[0] == '-')
		return parse_number(words, text, layout->size * 8, layout->is_signed, ret_value);
	for (i = 0; i < btf_vlen(type); i++) {
		known = btf__name_by_offset(words->btf, btf_is_enum(type) ?
					   btf_enum(type)[i].name_off :
					   btf_enum64(type)[i].name_off);
		if (!strcmp(known, text)) {
			*ret_value = btf_is_enum(type) ? (uint64_t)btf_enum(type)[i].val :
				     btf_enum64_value(&btf_enum64(type)[i]);
			return 0;
		}
		if (n < FIELDS_MAX)
			name[n++] = known;
	}
	return refuse(words, "no such name as '%s'%s", text, suggest_text(text, name, n).text);
}

static int parse_addr(const struct words *words, const char *text, void *data)
{
	struct shunt_addr addr = { 0 };

	if (inet_pton(AF_INET, text, &addr.v4) == 1)
		addr.v4_prefix[2] = htonl(0xffff);
	else if (inet_pton(AF_INET6, text, &addr) != 1)
		return refuse(words, "'%s' is no IP address", text);
	memcpy(data, &addr, sizeof(addr));
	return 0;
}

static int parse_text(const struct words *words, const char *text, unsigned char *data, uint32_t n)
{
	size_t len = strlen(text);

	if (len >= n)
		return refuse(words, "longer than %u bytes", n ? n - 1 : 0);
	memset(data, 0, n);
	memcpy(data, text, len);
	return 0;
}

/* Two digits a byte, and a colon between bytes if one likes */
static int parse_bytes(const struct words *words, const char *text, unsigned char *data, uint32_t n)
{
	const char *p = text;
	char digits[3] = "";
	uint32_t i;

	for (i = 0; i < n; i++) {
		if (i && *p == ':')
			p++;
		if (!isxdigit((unsigned char)p[0]) || !isxdigit((unsigned char)p[1]))
			break;
		memcpy(digits, p, 2);
		data[i] = strtoul(digits, NULL, 16);
		p += 2;
	}
	if (i < n || *p)
		return refuse(words, "'%s' is not %u bytes in hex", text, n);
	return 0;
}

static void put_wire_order(unsigned char *data, unsigned int size, uint64_t value)
{
	while (size--) {
		data[size] = value;
		value >>= 8;
	}
}

static int parse_value(const struct words *words, const char *text, const struct spot *spot,
		       unsigned char *all)
{
	const struct btf_layout layout = btf_layout_of(words->btf, spot->type);
	unsigned int bits = spot->bits ? spot->bits : layout.size * 8;
	unsigned char *data = all + spot->bit_off / 8;
	uint64_t value = 0;
	char type[128];
	int r;

	switch (layout.kind) {
	case BTF_LAYOUT_INT:
		if (layout.size > sizeof(value))
			return parse_int128(words, text, data);
		r = parse_number(words, text, bits, layout.is_signed, &value);
		break;
	case BTF_LAYOUT_BOOL:
		r = parse_bool(words, text, &value);
		break;
	case BTF_LAYOUT_ENUM:
		r = parse_enum(words, text, &layout, &value);
		break;
	case BTF_LAYOUT_BE:
		r = parse_number(words, text, bits, false, &value);
		if (r == 0)
			put_wire_order(data, layout.size, value);
		return r;
	case BTF_LAYOUT_ADDR:
		return parse_addr(words, text, data);
	case BTF_LAYOUT_TEXT:
		return parse_text(words, text, data, layout.n);
	case BTF_LAYOUT_BYTES:
		return parse_bytes(words, text, data, layout.n);
	default:
		btf_layout_name(words->btf, spot->type, type, sizeof(type));
		return refuse(words, "'%s' cannot be written as one word", type);
	}
	if (r == 0)
		table_bits_put(all, spot->bit_off, bits, value);
	return r;
}

/* ---- words ---- */

static int apply_word(const struct words *words, uint32_t type, unsigned char *data, size_t size)
{
	const struct btf_layout layout = btf_layout_of(words->btf, type);
	const char *equals = strchr(words->word, '=');
	struct spot spot = { .type = type };
	char *path;
	int r;

	if (!has_fields(&layout) && layout.kind != BTF_LAYOUT_ARRAY)
		return parse_value(words, words->word, &spot, data);
	if (!equals || equals == words->word)
		return refuse(words, "wanted FIELD=VALUE");
	path = strndup(words->word, equals - words->word);
	if (!path)
		return refuse(words, "no memory");
	r = find_spot(words, path, &spot);
	free(path);
	if (r < 0)
		return r;
	if ((spot.bit_off +
	     (spot.bits ? spot.bits : btf_layout_of(words->btf, spot.type).size * 8)) > size * 8)
		return refuse(words, "lies outside of the %s", words->what);
	return parse_value(words, equals + 1, &spot, data);
}

/* The same field named twice is a slip of the hand */
static int check_twice(struct words *words, const char *const *word, unsigned int n)
{
	size_t len;
	unsigned int i;

	len = strcspn(word[n], "=");
	words->word = word[n];
	for (i = 0; i < n; i++)
		if (word[n][len] && !strncmp(word[i], word[n], len + 1))
			return refuse(words, "'%.*s' is there twice", (int)len, word[n]);
	return 0;
}

int table_words(const struct btf *btf, uint32_t type, const char *what,
		const char *const *words, unsigned int n_words, void *data, size_t size,
		struct err *err)
{
	const struct btf_layout layout = btf_layout_of(btf, type);
	struct words at = { .btf = btf, .what = what, .err = err };
	unsigned int i;
	int r;

	if (layout.size != size)
		return err_set(err, -EINVAL, "the table's %s is not of its type's size.", what);
	if (!has_fields(&layout) && layout.kind != BTF_LAYOUT_ARRAY && n_words != 1)
		return err_set(err, -EINVAL, "%s: one word wanted, %u are there.", what, n_words);
	if (!n_words)
		return err_set(err, -EINVAL, "%s: FIELD=VALUE wanted, nothing is there.", what);
	for (i = 0; i < n_words; i++) {
		at.word = words[i];
		r = has_fields(&layout) || layout.kind == BTF_LAYOUT_ARRAY ?
		    check_twice(&at, words, i) : 0;
		if (r < 0)
			return r;
		r = apply_word(&at, type, data, size);
		if (r < 0)
			return r;
	}
	return 0;
}
