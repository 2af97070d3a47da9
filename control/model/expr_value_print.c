// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * expr_value_print.c - values as text
 *
 * DOC: Digits are put by hand: a hundred thousand rules have a million numbers,
 * and printf() would take longer over them than reading the rules does.
 */
#include <model/expr_value.h>

static bool is_ip6(enum expr_field field)
{
	return field == EXPR_IP6_SADDR || field == EXPR_IP6_DADDR;
}

static char *hex_put(char *at, uint64_t number)
{
	int shift = number ? (63 - __builtin_clzll(number)) & ~3 : 0;

	for (; shift >= 0; shift -= 4)
		*at++ = "0123456789abcdef"[number >> shift & 0xf];
	return at;
}

static char *ip4_put(char *at, uint32_t address)
{
	int shift;

	for (shift = 24; shift >= 0; shift -= 8) {
		at = buf_digits(at, address >> shift & 0xff);
		if (shift)
			*at++ = '.';
	}
	return at;
}

/* RFC 5952, and with the IPv4 addresses within as inet_ntop() has them */
static char *ip6_put(char *at, struct expr_value value)
{
	unsigned int i, n, zeros = 0, from = 8;
	uint16_t word[8];

	for (i = 0; i < 8; i++)
		word[i] = (i < 4 ? value.hi >> (48 - 16 * i) : value.lo >> (112 - 16 * i)) & 0xffff;
	for (i = 0; i < 8; i += n ? n : 1) {	/* the longest run of zeros, of two or more */
		for (n = 0; i + n < 8 && !word[i + n]; n++)
			;
		if (n > 1 && n > zeros) {
			zeros = n;
			from = i;
		}
	}
	for (i = 0; i < 8; i++) {
		if (i == from) {
			*at++ = ':';
			i += zeros - 1;
			if (i == 7)
				*at++ = ':';
			continue;
		}
		if (i)
			*at++ = ':';
		if (i == 6 && !from && (zeros == 6 || (zeros == 5 && word[5] == 0xffff)))
			return ip4_put(at, value.lo);
		at = hex_put(at, word[i]);
	}
	return at;
}

static char *ether_put(char *at, uint64_t address)
{
	int shift;

	for (shift = 40; shift >= 0; shift -= 8) {
		*at++ = "0123456789abcdef"[address >> (shift + 4) & 0xf];
		*at++ = "0123456789abcdef"[address >> shift & 0xf];
		if (shift)
			*at++ = ':';
	}
	return at;
}

/* At most 48 bytes */
static char *value_put(char *at, struct expr_value value, enum expr_field field)
{
	field = expr_field_plain(field);
	if (is_ip6(field))
		return ip6_put(at, value);
	if (field <= EXPR_IP6_DADDR)
		return ip4_put(at, value.lo);
	if (field == EXPR_ETHER_SADDR || field == EXPR_ETHER_DADDR)
		return ether_put(at, value.lo);
	if (field == EXPR_MARK || field == EXPR_ETHER_TYPE || field == EXPR_PAYLOAD) {
		*at++ = '0';
		*at++ = 'x';
		return hex_put(at, value.lo);
	}
	return buf_digits(at, value.lo);
}

void expr_element_print(const struct expr_interval *interval, enum expr_field field,
			struct buf *out)
{
	struct expr_value first = interval->first, last = interval->last;
	bool one = !value_cmp(first, last);
	char text[128], *at;
	const char *name;
	unsigned int host;

	if (field == EXPR_IIF) {
		expr_iif_print(interval, out);
		return;
	}
	name = one ? expr_name_of(field, EXPR_FAMILY_ANY, first.lo) : NULL;
	if (name) {
		buf_str(out, name);
		return;
	}
	at = value_put(text, first, field);
	host = one || expr_field_plain(field) > EXPR_IP6_DADDR ? 0 :
	       prefix_host_bits(first, last, expr_field_bits(field));
	if (host && !value_cmp(value_or(first, value_ones(host)), last)) {
		*at++ = '/';
		at = buf_digits(at, expr_field_bits(field) - host);
	} else if (!one) {
		*at++ = '-';
		at = value_put(at, last, field);
	}
	buf_add(out, text, at - text);
}
