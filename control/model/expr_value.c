// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * expr_value.c - the values of a match as text
 *
 * DOC: What is written plainly (an address, a prefix, a number, a name, a range
 * of two) is read in one pass by read_plain(), which knows no faults. All else
 * is read a second time, slowly, to say what is wrong with it.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <model/expr_value.h>

/* What is wrong with an element; said only when no other reading of it fits either */
struct fault {
	int offset, len;		/* in the element */
	char message[192];
	char hint[96];
	bool unknown;			/* of a name: the names are worth a suggestion */
};

/* ---- elements ----------------------------------------------------------------------------- */

static bool is_address(enum expr_field field)
{
	return expr_field_plain(field) <= EXPR_IP6_DADDR;
}

static bool is_ether(enum expr_field field)
{
	return field == EXPR_ETHER_SADDR || field == EXPR_ETHER_DADDR;
}

static bool is_ip6(enum expr_field field)
{
	field = expr_field_plain(field);
	return field == EXPR_IP6_SADDR || field == EXPR_IP6_DADDR;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Of what isxdigit() holds for */
static unsigned int hex_digit(char c)
{
	return is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Four numbers without leading zeros. Return: what is behind them; NULL: no address */
static const char *read_ip4(const char *text, const char *end, struct expr_value *ret_value)
{
	uint32_t address = 0;
	unsigned int part, i;

	for (i = 0; i < 4; i++) {
		if (i && (text == end || *text++ != '.'))
			return NULL;
		if (text == end || !is_digit(*text))
			return NULL;
		part = *text++ - '0';
		while (text < end && is_digit(*text)) {
			part = part * 10 + (*text - '0');
			if (part < 10 || part > 255)	/* began with a zero */
				return NULL;
			text++;
		}
		address = address << 8 | part;
	}
	*ret_value = (struct expr_value){ .lo = address };
	return text;
}

static const char *read_ip6(const char *text, const char *end, struct expr_value *ret_value)
{
	char word[INET6_ADDRSTRLEN];
	struct in6_addr ip6;
	uint64_t half[2];
	size_t len = 0;

	while (text + len < end && (isxdigit((unsigned char)text[len]) || text[len] == ':' ||
				    text[len] == '.'))
		len++;
	if (!len || len >= sizeof(word))
		return NULL;
	memcpy(word, text, len);
	word[len] = '\0';
	if (inet_pton(AF_INET6, word, &ip6) != 1)
		return NULL;
	memcpy(half, &ip6, sizeof(half));
	*ret_value = (struct expr_value){ be64toh(half[0]), be64toh(half[1]) };
	return text + len;
}

/* Six groups of one or two digits */
static const char *read_ether(const char *text, const char *end, struct expr_value *ret_value)
{
	uint64_t address = 0;
	unsigned int i, n, part;

	for (i = 0; i < 6; i++) {
		if (i && (text == end || *text++ != ':'))
			return NULL;
		for (n = part = 0; n < 2 && text < end && isxdigit((unsigned char)*text); n++)
			part = part << 4 | hex_digit(*text++);
		if (!n)
			return NULL;
		address = address << 8 | part;
	}
	*ret_value = (struct expr_value){ .lo = address };
	return text;
}

static const char *read_address(const char *text, const char *end, enum expr_field field,
				struct expr_value *ret_value)
{
	if (is_ether(field))
		return read_ether(text, end, ret_value);
	return is_ip6(field) ? read_ip6(text, end, ret_value) : read_ip4(text, end, ret_value);
}

static int address_read(const char *text, enum expr_field field, struct expr_value *ret_value)
{
	const char *end = text + strlen(text);

	return read_address(text, end, field, ret_value) == end ? 0 : -EINVAL;
}

int expr_number(const char *text, int len, uint64_t max, uint64_t *ret_number)
{
	unsigned int base = 10, digit;
	uint64_t number = 0;
	bool over = false;
	int i = 0;

	if (len > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		i = 2;
	} else if (len > 1 && text[0] == '0') {	/* octal to some, decimal to others */
		return -EINVAL;
	}
	if (i == len)
		return -EINVAL;
	for (; i < len; i++) {
		if (is_digit(text[i]))
			digit = text[i] - '0';
		else if (base == 16 && isxdigit((unsigned char)text[i]))
			digit = hex_digit(text[i]);
		else
			return -EINVAL;
		if (digit > max || number > (max - digit) / base)
			over = true;	/* it is enough to know that all are digits */
		else
			number = number * base + digit;
	}
	if (over)
		return -ERANGE;
	*ret_number = number;
	return 0;
}

static void fault_address(struct fault *fault, const char *text, enum expr_field field)
{
	const char *noun = expr_field_noun(field);
	struct expr_value other;

	if (is_ether(field)) {
		snprintf(fault->message, sizeof(fault->message), "'%s' is not %s", text, noun);
		snprintf(fault->hint, sizeof(fault->hint), "six bytes: 02:00:00:00:00:01");
	} else if (!is_ip6(field) && address_read(text, EXPR_IP6_SADDR, &other) == 0) {
		snprintf(fault->message, sizeof(fault->message),
			 "'%s' is an IPv6 address, not %s", text, noun);
		snprintf(fault->hint, sizeof(fault->hint), "IPv6 addresses go with '%s'",
			 expr_field_name(field + 2));	/* of each way: ip, ip, ip6, ip6 */
	} else if (is_ip6(field) && address_read(text, EXPR_IP_SADDR, &other) == 0) {
		snprintf(fault->message, sizeof(fault->message),
			 "'%s' is an IPv4 address, not %s", text, noun);
		snprintf(fault->hint, sizeof(fault->hint), "IPv4 addresses go with '%s'",
			 expr_field_name(field - 2));
	} else {
		snprintf(fault->message, sizeof(fault->message), "'%s' is not %s", text, noun);
	}
}

static void fault_host_bits(struct fault *fault, const char *text, const struct expr_interval *net,
			    enum expr_field field)
{
	struct buf hint = {0};

	expr_element_print(net, field, &hint);
	snprintf(fault->message, sizeof(fault->message),
		 "'%s' has bits set behind the prefix", text);
	snprintf(fault->hint, sizeof(fault->hint), "the network is %s", hint.data);
	buf_fini(&hint);
}

/* @text: address or, if @prefix, also address/length; changed and put right again */
static int single_address(char *text, enum expr_field field, bool prefix,
			  struct expr_interval *ret_interval, struct fault *fault)
{
	unsigned int bits = expr_field_bits(field);
	char *slash = prefix ? strchr(text, '/') : NULL;
	struct expr_interval net;
	struct expr_value value, host;
	uint64_t len = bits;
	int r;

	if (slash)
		*slash = '\0';
	r = address_read(text, field, &value);
	if (r < 0) {
		fault_address(fault, text, field);
		return r;
	}
	if (slash) {
		*slash = '/';
		r = expr_number(slash + 1, strlen(slash + 1), bits, &len);
		if (r < 0) {
			snprintf(fault->message, sizeof(fault->message),
				 "'%s' is not a prefix length: 0 to %u", slash + 1, bits);
			return r;
		}
	}
	host = value_ones(bits - len);
	net.first = value_clear(value, host);
	net.last = value_or(value, host);
	if (value_cmp(net.first, value)) {
		fault_host_bits(fault, text, &net, field);
		return -EINVAL;
	}
	*ret_interval = net;
	return 0;
}

/* a, b or c */
static void fault_names(struct fault *fault, const struct expr_name *names, unsigned int n)
{
	size_t len = 0;
	unsigned int i;

	for (i = 0; i < n && len < sizeof(fault->hint); i++)
		len += snprintf(fault->hint + len, sizeof(fault->hint) - len, "%s%s",
				!i ? "" : i + 1 < n ? ", " : " or ", names[i].name);
}

static int single_number(const char *text, enum expr_field field, unsigned int families,
			 struct expr_interval *ret_interval, struct fault *fault)
{
	struct expr_value last = expr_field_last(field), value = {0};
	const struct expr_name *names;
	unsigned int i, n;
	int r = -EINVAL;

	names = expr_names(field, families, &n);
	for (i = 0; i < n && r < 0; i++) {
		if (strcmp(names[i].name, text))
			continue;
		value.lo = names[i].value;
		r = 0;
	}
	if (r < 0 && !expr_field_is_named(field))
		r = expr_number(text, strlen(text), last.lo, &value.lo);
	if (r == -ERANGE) {
		snprintf(fault->message, sizeof(fault->message), "'%s' is not %s: 0 to %llu", text,
			 expr_field_noun(field), (unsigned long long)last.lo);
	} else if (r < 0) {
		snprintf(fault->message, sizeof(fault->message), "'%s' is not %s", text,
			 expr_field_noun(field));
		if (expr_field_is_named(field))
			fault_names(fault, names, n);
		else
			snprintf(fault->hint, sizeof(fault->hint),
				 "%s is a %snumber from 0 to %llu%s", expr_field_noun(field),
				 n ? "name or a " : "", (unsigned long long)last.lo,
				 text[0] == '0' ? ", without leading zeros" : "");
		fault->unknown = n;
	}
	if (r < 0)
		return r;
	*ret_interval = (struct expr_interval){ value, value };
	return 0;
}

/* The bytes of a name are a number, the first the most significant; 'eth*' is a range of them */
static int single_name(const char *text, struct expr_interval *ret_interval, struct fault *fault)
{
	const char *wrong = expr_iif_check(text, strlen(text));

	if (wrong) {
		snprintf(fault->message, sizeof(fault->message), "'%s' is not an interface's name",
			 text);
		snprintf(fault->hint, sizeof(fault->hint), "%s", wrong);
		return -EINVAL;
	}
	*ret_interval = expr_iif_interval(text);
	return 0;
}

/* One value from text[from] to text[to], blanks around it left out */
static int single(const char *text, int from, int to, enum expr_field field, unsigned int families,
		  bool prefix, struct expr_interval *ret_interval, struct fault *fault)
{
	char word[64];
	int len;

	while (from < to && isspace((unsigned char)text[from]))
		from++;
	while (to > from && isspace((unsigned char)text[to - 1]))
		to--;
	len = to - from;
	*fault = (struct fault){ .offset = from, .len = len };
	if (!len) {
		snprintf(fault->message, sizeof(fault->message), "expected %s",
			 expr_field_noun(field));
		return -EINVAL;
	}
	if (len >= (int)sizeof(word) || memchr(text + from, '\0', len)) {
		snprintf(fault->message, sizeof(fault->message), "'%.40s...' is not %s",
			 text + from, expr_field_noun(field));
		return -EINVAL;
	}
	memcpy(word, text + from, len);
	word[len] = '\0';
	if (field == EXPR_IIF)
		return single_name(word, ret_interval, fault);
	if (is_address(field) || is_ether(field))
		return single_address(word, field, prefix && is_address(field), ret_interval,
				      fault);
	return single_number(word, field, families, ret_interval, fault);
}

/*
 * Names have dashes too, so a range is whatever splits at a dash into two
 * values. If nothing does, the half that is wrong is told if the other one is
 * right, else (it may be a misspelt name) the whole.
 */
static int range(const char *text, int len, enum expr_field field, unsigned int families,
		 struct expr_interval *ret_interval, struct fault *fault)
{
	struct expr_interval first, last;
	struct fault ignored;
	const char *dash;
	unsigned int named;

	expr_names(field, families, &named);
	for (dash = memchr(text, '-', len); dash;
	     dash = memchr(dash + 1, '-', text + len - dash - 1)) {
		int at = dash - text;

		if (single(text, 0, at, field, families, false, &first,
			   named ? &ignored : fault) < 0) {
			if (!named)
				return -EINVAL;
			continue;
		}
		if (single(text, at + 1, len, field, families, false, &last, fault) < 0)
			return -EINVAL;
		if (value_cmp(first.first, last.first) > 0) {
			*fault = (struct fault){ .len = len };
			snprintf(fault->message, sizeof(fault->message),
				 "'%.*s' begins above its end", len, text);
			return -EINVAL;
		}
		*ret_interval = (struct expr_interval){ first.first, last.last };
		return 0;
	}
	return -EINVAL;
}

static void fault_report(const struct fault *fault, const char *text, enum expr_field field,
			 unsigned int families, const char *path, int offset, struct diags *diags)
{
	const char *words[64];
	const struct expr_name *names;
	struct diag *diag;
	unsigned int i, n;

	diag = diags_add(diags, path, fault->len ? "bad_value" : "expected", "%s", fault->message);
	diag->offset = offset + fault->offset;
	diag->len = fault->len;
	if (fault->hint[0])
		diag->hint = arena_strdup(diags->arena, fault->hint);
	if (!fault->unknown)
		return;
	names = expr_names(field, families, &n);
	for (i = 0; i < n && i < sizeof(words) / sizeof(words[0]); i++)
		words[i] = names[i].name;
	diag_suggest(diags, diag, arena_strndup(diags->arena, text + fault->offset, fault->len),
		     words, i);
}

/* ---- what is written plainly -------------------------------------------------------------- */

static bool read_name(const char *text, size_t len, enum expr_field field, unsigned int families,
		      struct expr_value *ret_value)
{
	const struct expr_name *names;
	unsigned int i, n;

	names = expr_names(field, families, &n);
	for (i = 0; i < n; i++) {
		if (*names[i].name != *text || strncmp(names[i].name, text, len) ||
		    names[i].name[len])
			continue;
		*ret_value = (struct expr_value){ .lo = names[i].value };
		return true;
	}
	return false;
}

static const char *read_hex(const char *text, const char *end, struct expr_value *ret_value)
{
	uint64_t number = 0;
	const char *c = text;

	for (; c < end && isxdigit((unsigned char)*c); c++)
		number = number << 4 | hex_digit(*c);
	if (c == text || c - text > 16)
		return NULL;
	*ret_value = (struct expr_value){ .lo = number };
	return c;
}

/* Return: what is behind it; NULL: not that plain */
static const char *read_number(const char *text, const char *end, struct expr_value *ret_value)
{
	uint64_t number = 0;
	const char *c = text;

	if (end - text > 2 && text[0] == '0' && text[1] == 'x')
		return read_hex(text + 2, end, ret_value);
	for (; c < end && is_digit(*c); c++)
		number = number * 10 + (*c - '0');
	if (c == text || c - text > 18 || (*text == '0' && c - text > 1))
		return NULL;
	*ret_value = (struct expr_value){ .lo = number };
	return c;
}

/* Behind the first value: nothing, a prefix's length, or the dash of a range and its end */
static bool read_rest(const char *text, const char *end, enum expr_field field,
		      struct expr_interval *interval)
{
	struct expr_value len, host;

	interval->last = interval->first;
	if (text == end)
		return true;
	if (*text == '/' && is_address(field)) {
		unsigned int bits = expr_field_bits(field);

		if (read_number(text + 1, end, &len) != end || len.lo > bits)
			return false;
		host = value_ones(bits - len.lo);
		interval->last = value_or(interval->first, host);
		return !value_cmp(value_clear(interval->first, host), interval->first);
	}
	if (*text++ != '-')
		return false;
	text = is_address(field) || is_ether(field) ?
		read_address(text, end, field, &interval->last) :
		read_number(text, end, &interval->last);
	return text == end && value_cmp(interval->first, interval->last) <= 0;
}

/* Return: false: it takes a closer look */
static bool read_plain(const char *text, size_t len, enum expr_field field, unsigned int families,
		       struct expr_interval *ret_interval)
{
	const char *end = text + len, *rest;
	struct expr_interval interval;

	if (is_address(field) || is_ether(field)) {
		rest = read_address(text, end, field, &interval.first);
		if (!rest || !read_rest(rest, end, field, &interval))
			return false;
		*ret_interval = interval;
		return true;
	}
	if (field == EXPR_IIF)
		return false;
	rest = expr_field_is_named(field) ? NULL : read_number(text, end, &interval.first);
	if (rest) {
		if (!read_rest(rest, end, field, &interval) ||
		    value_cmp(interval.last, expr_field_last(field)) > 0)
			return false;
	} else {
		if (!read_name(text, len, field, families, &interval.first))
			return false;
		interval.last = interval.first;
	}
	*ret_interval = interval;
	return true;
}

int expr_element_in(const char *text, int len, enum expr_field field, unsigned int families,
		    const char *path, int offset, struct diags *diags,
		    struct expr_interval *ret_interval)
{
	struct fault fault;
	int r;

	if (read_plain(text, len, field, families, ret_interval))
		return 0;
	r = single(text, 0, len, field, families, true, ret_interval, &fault);
	if (r < 0 && !expr_field_is_named(field) && memchr(text, '-', len))
		r = range(text, len, field, families, ret_interval, &fault);
	if (r < 0)
		fault_report(&fault, text, field, families, path, offset, diags);
	return r < 0 ? -EINVAL : 0;
}

int expr_element(const char *text, enum expr_field field, const char *path, int offset,
		 struct diags *diags, struct expr_interval *ret_interval)
{
	return expr_element_in(text, strlen(text), field, EXPR_FAMILY_ANY, path, offset, diags,
			       ret_interval);
}
