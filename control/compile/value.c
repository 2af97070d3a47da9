// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * value.c - config values: text to the bytes of a rodata variable
 *
 * DOC: An integer is decimal or hex (0x) with a sign where its type has one;
 * k, M and G behind a decimal one stand for thousands, Ki, Mi and Gi for powers of
 * 1024. 'true' and 'false' are 1 and 0 of a one-byte integer. A list of addresses and prefixes
 * goes into an array of struct shunt_prefix.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <compile/compile.h>
#include <model/prefix.h>

static const struct {
	const char *suffix;
	uint64_t factor;
} suffixes[] = {
	{ "", 1 },
	{ "k", 1000 }, { "M", 1000000 }, { "G", 1000000000 },
	{ "Ki", 1ull << 10 }, { "Mi", 1ull << 20 }, { "Gi", 1ull << 30 },
};

static int digits_read(const char **text, unsigned int base, uint64_t *ret_number)
{
	const char *start = *text;
	uint64_t number = 0;
	int c, digit;

	for (; isxdigit((unsigned char)**text); (*text)++) {
		c = tolower((unsigned char)**text);
		digit = c >= 'a' ? c - 'a' + 10 : c - '0';
		if (digit >= (int)base)
			break;
		if (__builtin_mul_overflow(number, base, &number) ||
		    __builtin_add_overflow(number, digit, &number))
			return -ERANGE;
	}
	*ret_number = number;
	return *text == start ? -EINVAL : 0;
}

/* Return: 0; -EINVAL: no number; -ERANGE: above 64 bits */
static int number_read(const char *text, uint64_t *ret_number)
{
	bool hex = text[0] == '0' && (text[1] | 0x20) == 'x';
	unsigned int i;
	int r;

	if (!hex && text[0] == '0' && isdigit((unsigned char)text[1]))	/* octal to some */
		return -EINVAL;
	text += hex ? 2 : 0;
	r = digits_read(&text, hex ? 16 : 10, ret_number);
	if (r < 0)
		return r;
	for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (!strcmp(text, suffixes[i].suffix) && (!hex || !i))
			break;
	if (i == sizeof(suffixes) / sizeof(suffixes[0]))
		return -EINVAL;
	if (__builtin_mul_overflow(*ret_number, suffixes[i].factor, ret_number))
		return -ERANGE;
	return 0;
}

/* What its help ends with: ", 0 to 14". Return: whether it does */
static bool help_range(const struct module_config *contract, uint64_t *ret_first,
		       uint64_t *ret_last)
{
	const char *from = contract->help ? strrchr(contract->help, ',') : NULL;
	int end = 0;

	return from && sscanf(from, ", %" SCNu64 " to %" SCNu64 "%n", ret_first, ret_last,
			      &end) == 2 && end && !from[end];
}

/* @ret_number: two's complement, of 64 bits */
static int integer_read(const char *text, const struct module_config *contract,
			uint64_t *ret_number)
{
	unsigned int bits = 8 * contract->size;
	bool minus = text[0] == '-', is_byte = contract->size == 1;
	uint64_t max, number, first, last;
	int r;

	if (is_byte && (!strcmp(text, "true") || !strcmp(text, "false"))) {
		*ret_number = text[0] == 't';
		return 0;
	}
	r = number_read(text + minus, &number);
	if (r < 0)
		return r;
	if (!strcmp(contract->type, "_Bool") || !strcmp(contract->type, "bool"))
		max = 1;
	else
		max = UINT64_MAX >> (64 - bits + contract->is_signed);
	if (minus && !contract->is_signed)
		return number ? -ERANGE : -EINVAL;
	if (number > max + minus)
		return -ERANGE;
	if (help_range(contract, &first, &last) && (minus || number < first || number > last))
		return -ERANGE;
	*ret_number = minus ? -number : number;
	return 0;
}

static const void *integer_bytes(struct arena *arena, uint64_t number, uint32_t size)
{
	void *data = arena_alloc(arena, size);

	switch (size) {
	case 1:
		*(uint8_t *)data = number;
		break;
	case 2:
		*(uint16_t *)data = number;
		break;
	case 4:
		*(uint32_t *)data = number;
		break;
	case 8:
		*(uint64_t *)data = number;
		break;
	}
	return data;
}

const void *value_u32(struct arena *arena, uint32_t value)
{
	return integer_bytes(arena, value, sizeof(value));
}

static const void *string_read(struct compile *c, const struct config_value *config,
			       const struct module_config *contract)
{
	size_t len = strlen(config->text);
	char *data;

	if (len >= contract->size) {
		compile_find(c, config->tree, "bad_value",
			     "the text for '%s' has %zu bytes, %u at most", config->name, len,
			     contract->size - 1);
		return NULL;
	}
	data = arena_alloc(c->arena, contract->size);
	memcpy(data, config->text, len);
	return data;
}

static void prefix_element(struct compile *c, const struct config_value *config,
			   const struct tree *tree, struct shunt_prefix *ret_prefix)
{
	const char *why = "is no address or prefix";
	struct shunt_prefix prefix = { 0 };
	uint8_t l3, len;
	int r;

	r = prefix_read(tree->text, &prefix.addr, &l3, &len);
	if (r == 0) {
		prefix.open = prefix_open(l3, len);
		if (prefix.addr.half[0] || prefix.addr.half[1] || prefix.open.half[1]) {
			*ret_prefix = prefix;
			return;
		}
		why = "is nobody's address";
	} else if (r == -EDOM) {
		why = "has bits behind its prefix";
	}
	compile_find(c, tree, "bad_value", "'%s': '%.60s' %s", config->name, tree->text, why);
}

static const void *prefixes_read(struct compile *c, const struct config_value *config,
				 const struct module_config *contract)
{
	const struct tree *tree = config->tree;
	size_t i, max = contract->size / sizeof(struct shunt_prefix);
	struct shunt_prefix *prefix = arena_new_n(c->arena, struct shunt_prefix, max);

	if (tree->kind != TREE_LIST) {
		if (tree->len)
			prefix_element(c, config, tree, prefix);
		return prefix;
	}
	if (tree->n > max) {
		compile_find(c, tree, "out_of_range", "'%s' has %zu elements, %zu at most",
			     config->name, tree->n, max);
		return NULL;
	}
	for (i = 0; i < tree->n; i++)
		prefix_element(c, config, tree->child[i], &prefix[i]);
	return prefix;
}

const void *value_read(struct compile *c, const struct config_value *config,
		       const struct module_config *contract, const struct module *module)
{
	uint64_t number, first, last;
	struct diag *diag;
	int r;

	if (contract->is_prefixes)
		return prefixes_read(c, config, contract);
	if (config->tree->kind == TREE_LIST) {
		compile_find(c, config->tree, "bad_value",
			     "'%s' of module '%s' is one value (%s), not a list", config->name,
			     module->name, contract->type);
		return NULL;
	}
	if (contract->is_string)
		return string_read(c, config, contract);
	r = integer_read(config->text, contract, &number);
	if (r == 0)
		return integer_bytes(c->arena, number, contract->size);
	if (r == -ERANGE) {
		diag = compile_find(c, config->tree, "out_of_range",
				    "'%s' does not fit '%s' of module '%s' (%s)", config->text,
				    config->name, module->name, contract->type);
		if (help_range(contract, &first, &last))
			diag->hint = arena_printf(c->arena, "%" PRIu64 " to %" PRIu64, first, last);
		return NULL;
	}
	compile_find(c, config->tree, "bad_value",
		     "'%s' of module '%s' is a number (%s), not '%s'", config->name,
		     module->name, contract->type, config->text)->hint =
		"decimal or 0x hex; k, M, G or Ki, Mi, Gi may follow";
	return NULL;
}
