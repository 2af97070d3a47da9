// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* expr_value.c - the values of a match: elements as text, and the algebra of intervals */
#include <arpa/inet.h>
#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <model/expr_field.h>

/* What is wrong with an element; said only when no other reading of it fits either */
struct fault {
	int offset, len;		/* in the element */
	char message[192];
	char hint[96];
	bool unknown;			/* of a name: the names are worth a suggestion */
};

/* ---- values ------------------------------------------------------------------------------- */

static int value_cmp(struct expr_value a, struct expr_value b)
{
	if (a.hi != b.hi)
		return a.hi < b.hi ? -1 : 1;
	return a.lo < b.lo ? -1 : a.lo > b.lo;
}

static struct expr_value value_next(struct expr_value v)
{
	v.lo++;
	v.hi += !v.lo;
	return v;
}

static struct expr_value value_prev(struct expr_value v)
{
	v.hi -= !v.lo;
	v.lo--;
	return v;
}

/* The lowest @bits set */
static struct expr_value value_ones(unsigned int bits)
{
	if (bits >= 64)
		return (struct expr_value){ bits > 64 ? UINT64_MAX >> (128 - bits) : 0,
					    UINT64_MAX };
	return (struct expr_value){ 0, (1ull << bits) - 1 };
}

static struct expr_value value_or(struct expr_value a, struct expr_value b)
{
	return (struct expr_value){ a.hi | b.hi, a.lo | b.lo };
}

static struct expr_value value_clear(struct expr_value a, struct expr_value b)
{
	return (struct expr_value){ a.hi & ~b.hi, a.lo & ~b.lo };
}

/* How many bits at the end are 0, at most @max */
static unsigned int value_zeros(struct expr_value v, unsigned int max)
{
	unsigned int n = v.lo ? __builtin_ctzll(v.lo) : v.hi ? 64 + __builtin_ctzll(v.hi) : 128;

	return n < max ? n : max;
}

/* The largest prefix that begins at @first and ends at or before @last. Return: its host bits */
static unsigned int prefix_host_bits(struct expr_value first, struct expr_value last,
				     unsigned int bits)
{
	unsigned int host = value_zeros(first, bits);

	while (value_cmp(value_or(first, value_ones(host)), last) > 0)
		host--;
	return host;
}

/* ---- elements ----------------------------------------------------------------------------- */

static bool is_address(enum expr_field field)
{
	return field <= EXPR_IP6_DADDR;
}

static bool is_ip6(enum expr_field field)
{
	return field == EXPR_IP6_SADDR || field == EXPR_IP6_DADDR;
}

static int address_read(const char *text, int af, struct expr_value *ret_value)
{
	struct in6_addr ip6;
	struct in_addr ip4;
	uint64_t half[2];

	if (af == AF_INET) {
		if (inet_pton(af, text, &ip4) != 1)
			return -EINVAL;
		*ret_value = (struct expr_value){ .lo = ntohl(ip4.s_addr) };
		return 0;
	}
	if (inet_pton(af, text, &ip6) != 1)
		return -EINVAL;
	memcpy(half, &ip6, sizeof(half));
	*ret_value = (struct expr_value){ be64toh(half[0]), be64toh(half[1]) };
	return 0;
}

static void address_print(struct expr_value value, enum expr_field field, struct buf *out)
{
	uint64_t half[2] = { htobe64(value.hi), htobe64(value.lo) };
	uint32_t ip4 = htonl(value.lo);
	char text[INET6_ADDRSTRLEN];

	if (is_ip6(field))
		inet_ntop(AF_INET6, half, text, sizeof(text));
	else
		inet_ntop(AF_INET, &ip4, text, sizeof(text));
	buf_str(out, text);
}

int expr_number(const char *text, int len, uint64_t max, uint64_t *ret_number)
{
	unsigned int base = 10, digit;
	uint64_t number = 0;
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
		if (isdigit((unsigned char)text[i]))
			digit = text[i] - '0';
		else if (base == 16 && isxdigit((unsigned char)text[i]))
			digit = tolower((unsigned char)text[i]) - 'a' + 10;
		else
			return -EINVAL;
		if (number <= max)	/* else it is enough to know that all are digits */
			number = number * base + digit;
	}
	if (number > max)
		return -ERANGE;
	*ret_number = number;
	return 0;
}

static void fault_address(struct fault *fault, const char *text, enum expr_field field)
{
	const char *noun = expr_field_noun(field);
	struct expr_value other;

	if (!is_ip6(field) && address_read(text, AF_INET6, &other) == 0) {
		snprintf(fault->message, sizeof(fault->message),
			 "'%s' is an IPv6 address, not %s", text, noun);
		snprintf(fault->hint, sizeof(fault->hint), "IPv6 addresses go with 'ip6 %s'",
			 field == EXPR_IP_SADDR ? "saddr" : "daddr");
	} else if (is_ip6(field) && address_read(text, AF_INET, &other) == 0) {
		snprintf(fault->message, sizeof(fault->message),
			 "'%s' is an IPv4 address, not %s", text, noun);
		snprintf(fault->hint, sizeof(fault->hint), "IPv4 addresses go with 'ip %s'",
			 field == EXPR_IP6_SADDR ? "saddr" : "daddr");
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
	r = address_read(text, is_ip6(field) ? AF_INET6 : AF_INET, &value);
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
	if (r < 0 && field != EXPR_FRAG)
		r = expr_number(text, strlen(text), last.lo, &value.lo);
	if (r == -ERANGE) {
		snprintf(fault->message, sizeof(fault->message), "'%s' is not %s: 0 to %llu", text,
			 expr_field_noun(field), (unsigned long long)last.lo);
	} else if (r < 0) {
		snprintf(fault->message, sizeof(fault->message), "'%s' is not %s", text,
			 expr_field_noun(field));
		if (field == EXPR_FRAG)
			snprintf(fault->hint, sizeof(fault->hint), "none, first or later");
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
	if (is_address(field))
		return single_address(word, field, prefix, ret_interval, fault);
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

int expr_element_in(const char *text, int len, enum expr_field field, unsigned int families,
		    const char *path, int offset, struct diags *diags,
		    struct expr_interval *ret_interval)
{
	struct fault fault;
	int r;

	r = single(text, 0, len, field, families, true, ret_interval, &fault);
	if (r < 0 && field != EXPR_FRAG && memchr(text, '-', len))
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

void expr_element_print(const struct expr_interval *interval, enum expr_field field,
			struct buf *out)
{
	struct expr_value first = interval->first, last = interval->last;
	bool one = !value_cmp(first, last);
	const char *name;
	unsigned int host;

	if (!is_address(field)) {
		name = one ? expr_name_of(field, EXPR_FAMILY_ANY, first.lo) : NULL;
		if (name)
			buf_str(out, name);
		else if (one)
			buf_printf(out, "%llu", (unsigned long long)first.lo);
		else
			buf_printf(out, "%llu-%llu", (unsigned long long)first.lo,
				   (unsigned long long)last.lo);
		return;
	}
	address_print(first, field, out);
	if (one)
		return;
	host = prefix_host_bits(first, last, expr_field_bits(field));
	if (!value_cmp(value_or(first, value_ones(host)), last)) {
		buf_printf(out, "/%u", expr_field_bits(field) - host);
		return;
	}
	buf_char(out, '-');
	address_print(last, field, out);
}

/* ---- algebra ------------------------------------------------------------------------------ */

static int interval_cmp(const void *a, const void *b)
{
	return value_cmp(((const struct expr_interval *)a)->first,
			 ((const struct expr_interval *)b)->first);
}

unsigned int expr_merge(struct expr_interval *interval, unsigned int n)
{
	unsigned int i, used = 0;

	if (n > 1)
		qsort(interval, n, sizeof(*interval), interval_cmp);
	for (i = 0; i < n; i++) {
		struct expr_interval *last = used ? &interval[used - 1] : NULL;

		/* compared one below: the value behind the last of all would wrap to 0 */
		if (last && (value_cmp(interval[i].first, last->last) <= 0 ||
			     !value_cmp(value_prev(interval[i].first), last->last))) {
			if (value_cmp(interval[i].last, last->last) > 0)
				last->last = interval[i].last;
			continue;
		}
		interval[used++] = interval[i];
	}
	return used;
}

unsigned int expr_complement(struct arena *arena, enum expr_field field,
			     const struct expr_interval *interval, unsigned int n,
			     struct expr_interval **ret_interval)
{
	struct expr_interval *gap = arena_new_n(arena, struct expr_interval, n + 1);
	struct expr_value from = {0}, end = expr_field_last(field);
	unsigned int i, used = 0;

	*ret_interval = gap;
	for (i = 0; i < n; i++) {
		if (value_cmp(from, interval[i].first) < 0)
			gap[used++] = (struct expr_interval){ from, value_prev(interval[i].first) };
		if (value_cmp(interval[i].last, end) >= 0)
			return used;
		from = value_next(interval[i].last);
	}
	gap[used++] = (struct expr_interval){ from, end };
	return used;
}

unsigned int expr_intersect(struct arena *arena, const struct expr_interval *a, unsigned int n_a,
			    const struct expr_interval *b, unsigned int n_b,
			    struct expr_interval **ret_interval)
{
	struct expr_interval *both = arena_new_n(arena, struct expr_interval, n_a + n_b);
	unsigned int i = 0, j = 0, used = 0;

	while (i < n_a && j < n_b) {
		struct expr_value first = a[i].first, last = a[i].last;

		if (value_cmp(b[j].first, first) > 0)
			first = b[j].first;
		if (value_cmp(b[j].last, last) < 0)
			last = b[j].last;
		if (value_cmp(first, last) <= 0)
			both[used++] = (struct expr_interval){ first, last };
		if (value_cmp(a[i].last, b[j].last) < 0)
			i++;
		else
			j++;
	}
	*ret_interval = both;
	return used;
}

bool expr_interval_equal(const struct expr_interval *a, unsigned int n_a,
			 const struct expr_interval *b, unsigned int n_b)
{
	return n_a == n_b && (!n_a || !memcmp(a, b, n_a * sizeof(*a)));
}

unsigned int expr_prefixes(struct arena *arena, enum expr_field field,
			   const struct expr_interval *interval,
			   struct expr_value **ret_prefix, uint8_t **ret_len)
{
	unsigned int bits = expr_field_bits(field), n = 0, pass, host;
	struct expr_value from, end;

	/* counted first: a rule rarely has many, and the arena does not give back */
	for (pass = 0; pass < 2; pass++) {
		if (pass) {
			*ret_prefix = arena_new_n(arena, struct expr_value, n);
			*ret_len = arena_new_n(arena, uint8_t, n);
		}
		for (from = interval->first, n = 0;; from = value_next(end)) {
			host = prefix_host_bits(from, interval->last, bits);
			if (pass) {
				(*ret_prefix)[n] = from;
				(*ret_len)[n] = bits - host;
			}
			n++;
			end = value_or(from, value_ones(host));
			if (!value_cmp(end, interval->last))
				break;
		}
	}
	return n;
}
