// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * filter.c - rules to rows of the filter
 *
 * DOC: A row holds one prefix or interval of each field, a rule a set of them;
 * so a rule becomes the product of its fields' sets. Where a field is matched
 * several times (a set and another set, say), what all of them let through
 * counts: the complement of everything that one of them excludes.
 */
#include <arpa/inet.h>
#include <endian.h>

#include <shunt/packet.h>

#include <compile/filter.h>

struct intervals {
	struct expr_interval *v;
	unsigned int n;
};

struct prefixes {
	struct expr_value *value;
	uint8_t *len;
	unsigned int n;
};

struct flags {
	uint8_t mask, value;
	bool negated;
};

struct flag_list {
	struct flags *v;
	unsigned int n;
};

/* What a rule's rows are the product of, in one family */
struct product {
	struct prefixes saddr, daddr;
	struct intervals proto, sport, dport, type, code;
	struct flag_list flags;
	uint8_t frags;
	bool l4;
	bool any;			/* what is no IP, too */
};

/* ---- what a rule lets through, field by field --------------------------------------------- */

static void intervals_add(struct intervals *to, struct arena *arena,
			  const struct expr_interval *interval, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		*arena_push(arena, to->v, to->n) = interval[i];
}

static void exclude(struct intervals *excluded, struct arena *arena, const struct config *config,
		    const struct expr_match *match)
{
	const struct config_set *set = match->set ? config_set_find(config, match->set) : NULL;
	const struct expr_interval *interval = set ? set->tuple : match->interval;
	unsigned int n = set ? set->n : match->n;
	struct expr_interval *rest;

	if (set && match->negated) {
		intervals_add(excluded, arena, interval, n);
		return;
	}
	n = expr_complement(arena, match->field, interval, n, &rest);
	intervals_add(excluded, arena, rest, n);
}

static struct intervals let_through(struct arena *arena, const struct config *config,
				    const struct expr_rule *rule, enum expr_field field)
{
	struct intervals excluded = {0}, left;
	unsigned int i;

	for (i = 0; i < rule->n; i++)
		if (rule->match[i].field == field)
			exclude(&excluded, arena, config, &rule->match[i]);
	excluded.n = expr_merge(excluded.v, excluded.n);
	left.n = expr_complement(arena, field, excluded.v, excluded.n, &left.v);
	return left;
}

static struct prefixes addresses(struct arena *arena, const struct config *config,
				 const struct expr_rule *rule, enum expr_field field)
{
	struct intervals intervals = let_through(arena, config, rule, field);
	struct prefixes all = {0};
	struct expr_value *value;
	unsigned int i, k, n, n_len;
	uint8_t *len;

	for (i = 0; i < intervals.n; i++) {
		n = expr_prefixes(arena, field, &intervals.v[i], &value, &len);
		for (k = 0; k < n; k++) {
			n_len = all.n;
			*arena_push(arena, all.value, all.n) = value[k];
			*arena_push(arena, all.len, n_len) = len[k];
		}
	}
	return all;
}

static uint8_t frag_bits(struct arena *arena, const struct config *config,
			 const struct expr_rule *rule)
{
	struct intervals intervals = let_through(arena, config, rule, EXPR_FRAG);
	unsigned int i, state, bits = 0;

	for (i = 0; i < intervals.n; i++)
		for (state = intervals.v[i].first.lo; state <= intervals.v[i].last.lo; state++)
			bits |= 1u << state;
	return bits & FILTER_FRAGS_ANY;
}

/* ---- TCP flags ---------------------------------------------------------------------------- */

static bool flags_pass(const struct expr_rule *rule, unsigned int flags)
{
	unsigned int i;

	for (i = 0; i < rule->n; i++) {
		const struct expr_match *match = &rule->match[i];

		if (match->field == EXPR_TCP_FLAGS &&
		    ((flags & match->mask) == match->value) == match->negated)
			return false;
	}
	return true;
}

/*
 * Split the values that have @value in @mask by the bits that matches ask for,
 * lowest first, until all of a part pass or none does: at most 128 parts
 */
static void flags_split(struct flag_list *list, struct arena *arena, const struct expr_rule *rule,
			uint8_t asked, uint8_t mask, uint8_t value)
{
	unsigned int flags, n_pass = 0, n = 0;
	uint8_t rest = asked & ~mask, bit = rest & -rest;

	for (flags = 0; flags < 256; flags++) {
		if ((flags & mask) != value)
			continue;
		n++;
		n_pass += flags_pass(rule, flags);
	}
	if (!n_pass)
		return;
	if (n_pass == n) {
		*arena_push(arena, list->v, list->n) = (struct flags){ mask, value, false };
		return;
	}
	flags_split(list, arena, rule, asked, mask | bit, value);
	flags_split(list, arena, rule, asked, mask | bit, value | bit);
}

static struct flag_list tcp_flags(struct arena *arena, const struct expr_rule *rule)
{
	const struct expr_match *match = NULL;
	struct flag_list list = {0};
	unsigned int i, n = 0, asked = 0;

	for (i = 0; i < rule->n; i++) {
		if (rule->match[i].field != EXPR_TCP_FLAGS)
			continue;
		match = &rule->match[i];
		asked |= match->mask;
		n++;
	}
	if (n == 1)		/* a row says that itself */
		*arena_push(arena, list.v, list.n) =
			(struct flags){ match->mask, match->value, match->negated };
	else
		flags_split(&list, arena, rule, asked, 0, 0);
	return list;
}

/* ---- the product -------------------------------------------------------------------------- */

static bool asks_l4(const struct expr_rule *rule)
{
	unsigned int i;

	for (i = 0; i < rule->n; i++) {
		switch (rule->match[i].field) {
		case EXPR_SPORT:
		case EXPR_DPORT:
		case EXPR_TCP_FLAGS:
		case EXPR_ICMP_TYPE:
		case EXPR_ICMP_CODE:
			return true;
		default:
			break;
		}
	}
	return false;
}

static void product_init(struct product *product, struct arena *arena, const struct config *config,
			 const struct expr_rule *rule)
{
	*product = (struct product){
		.proto = let_through(arena, config, rule, EXPR_PROTO),
		.sport = let_through(arena, config, rule, EXPR_SPORT),
		.dport = let_through(arena, config, rule, EXPR_DPORT),
		.type = let_through(arena, config, rule, EXPR_ICMP_TYPE),
		.code = let_through(arena, config, rule, EXPR_ICMP_CODE),
		.flags = tcp_flags(arena, rule),
		.frags = frag_bits(arena, config, rule),
		.l4 = asks_l4(rule),
	};
}

static uint64_t product_count(const struct product *product)
{
	const unsigned int axis[] = {
		product->saddr.n, product->daddr.n, product->proto.n, product->sport.n,
		product->dport.n, product->type.n, product->code.n, product->flags.n,
		product->frags ? 1 : 0,
	};
	uint64_t count = 1;
	unsigned int i;

	for (i = 0; i < sizeof(axis) / sizeof(axis[0]); i++)	/* 0 first: it beats any overflow */
		if (!axis[i])
			return 0;
	for (i = 0; i < sizeof(axis) / sizeof(axis[0]); i++)
		if (__builtin_mul_overflow(count, axis[i], &count))
			return UINT64_MAX;
	return count;
}

/* The next digit of a number whose digits are indices into the product's lists */
static unsigned int digit(uint64_t *number, unsigned int base)
{
	unsigned int value = *number % base;

	*number /= base;
	return value;
}

static void row_l4(const struct product *product, uint64_t *number, uint8_t edge,
		   uint32_t counter, struct filter_l4 *ret_row)
{
	const struct expr_interval *dport = &product->dport.v[digit(number, product->dport.n)];
	const struct expr_interval *sport = &product->sport.v[digit(number, product->sport.n)];
	const struct expr_interval *code = &product->code.v[digit(number, product->code.n)];
	const struct expr_interval *type = &product->type.v[digit(number, product->type.n)];
	const struct flags *flags = &product->flags.v[digit(number, product->flags.n)];
	const struct expr_interval *proto = &product->proto.v[digit(number, product->proto.n)];

	*ret_row = (struct filter_l4){
		.sport_first = sport->first.lo, .sport_last = sport->last.lo,
		.dport_first = dport->first.lo, .dport_last = dport->last.lo,
		.proto_first = proto->first.lo, .proto_last = proto->last.lo,
		.frags = product->frags,
		.flags = (product->l4 ? FILTER_ROW_L4 : 0) |
			 (product->any ? FILTER_ROW_ANY : 0) |
			 (flags->negated ? FILTER_ROW_TCP_NEGATED : 0),
		.tcp_mask = flags->mask, .tcp_value = flags->value,
		.type_first = type->first.lo, .type_last = type->last.lo,
		.code_first = code->first.lo, .code_last = code->last.lo,
		.edge = edge,
		.counter = counter,
	};
}

static void row_prefix4(const struct prefixes *prefixes, unsigned int i,
			__be32 *ret_value, __be32 *ret_mask)
{
	uint8_t len = prefixes->len[i];

	*ret_mask = len ? htonl(UINT32_MAX << (32 - len)) : 0;
	*ret_value = htonl(prefixes->value[i].lo) & *ret_mask;
}

static void row_prefix6(const struct prefixes *prefixes, unsigned int i,
			__u64 *ret_value, __u64 *ret_mask)
{
	unsigned int len = prefixes->len[i];
	uint64_t hi = len >= 64 ? UINT64_MAX : len ? UINT64_MAX << (64 - len) : 0;
	uint64_t lo = len <= 64 ? 0 : UINT64_MAX << (128 - len);

	ret_mask[0] = htobe64(hi);
	ret_mask[1] = htobe64(lo);
	ret_value[0] = htobe64(prefixes->value[i].hi & hi);
	ret_value[1] = htobe64(prefixes->value[i].lo & lo);
}

static uint64_t add_rows4(struct filter_rows *rows, struct arena *arena,
			  const struct product *product, uint8_t edge, uint32_t counter)
{
	uint64_t n = product_count(product), i, number;

	if (n > FILTER_ROWS_MAX - rows->n4)
		return n;
	for (i = 0; i < n; i++) {
		struct filter_row4 *row = arena_push(arena, rows->row4, rows->n4);

		number = i;
		row_l4(product, &number, edge, counter, &row->l4);
		row_prefix4(&product->daddr, digit(&number, product->daddr.n),
			    &row->daddr, &row->daddr_mask);
		row_prefix4(&product->saddr, digit(&number, product->saddr.n),
			    &row->saddr, &row->saddr_mask);
	}
	return n;
}

static uint64_t add_rows6(struct filter_rows *rows, struct arena *arena,
			  const struct product *product, uint8_t edge, uint32_t counter)
{
	uint64_t n = product_count(product), i, number;

	if (n > FILTER_ROWS_MAX - rows->n6)
		return n;
	for (i = 0; i < n; i++) {
		struct filter_row6 *row = arena_push(arena, rows->row6, rows->n6);

		number = i;
		row_l4(product, &number, edge, counter, &row->l4);
		row_prefix6(&product->daddr, digit(&number, product->daddr.n),
			    row->daddr, row->daddr_mask);
		row_prefix6(&product->saddr, digit(&number, product->saddr.n),
			    row->saddr, row->saddr_mask);
	}
	return n;
}

void filter_add_rule(struct filter_rows *rows, struct arena *arena, const struct config *config,
		     const struct expr_rule *rule, uint8_t edge, uint32_t counter,
		     struct filter_cost *ret_cost)
{
	struct arena scratch = {0};
	struct product product;

	*ret_cost = (struct filter_cost){0};
	product_init(&product, &scratch, config, rule);
	product.any = !rule->n && rule->families == (EXPR_FAMILY_4 | EXPR_FAMILY_6);
	if (rule->families & EXPR_FAMILY_4) {
		product.saddr = addresses(&scratch, config, rule, EXPR_IP_SADDR);
		product.daddr = addresses(&scratch, config, rule, EXPR_IP_DADDR);
		ret_cost->n4 = add_rows4(rows, arena, &product, edge, counter);
	}
	if (rule->families & EXPR_FAMILY_6) {
		product.saddr = addresses(&scratch, config, rule, EXPR_IP6_SADDR);
		product.daddr = addresses(&scratch, config, rule, EXPR_IP6_DADDR);
		ret_cost->n6 = add_rows6(rows, arena, &product, edge, counter);
	}
	arena_fini(&scratch);
}

/* ---- chunks ------------------------------------------------------------------------------- */

static void row_never(struct filter_l4 *row)
{
	row->proto_first = 1;		/* above proto_last */
}

static void *content4(const struct filter_rows *rows, const uint32_t *counter,
		      struct arena *arena, unsigned int n_chunks)
{
	struct filter_chunk4 *chunk = arena_new_n(arena, struct filter_chunk4, n_chunks);
	unsigned int i;

	for (i = 0; i < n_chunks * FILTER_CHUNK; i++) {
		struct filter_row4 *row = &chunk[i / FILTER_CHUNK].row[i % FILTER_CHUNK];

		if (i >= rows->n4) {
			row_never(&row->l4);
			continue;
		}
		*row = rows->row4[i];
		row->l4.counter = counter[row->l4.counter];
	}
	return chunk;
}

static void *content6(const struct filter_rows *rows, const uint32_t *counter,
		      struct arena *arena, unsigned int n_chunks)
{
	struct filter_chunk6 *chunk = arena_new_n(arena, struct filter_chunk6, n_chunks);
	unsigned int i;

	for (i = 0; i < n_chunks * FILTER_CHUNK; i++) {
		struct filter_row6 *row = &chunk[i / FILTER_CHUNK].row[i % FILTER_CHUNK];

		if (i >= rows->n6) {
			row_never(&row->l4);
			continue;
		}
		*row = rows->row6[i];
		row->l4.counter = counter[row->l4.counter];
	}
	return chunk;
}

const void *filter_content(const struct filter_rows *rows, int family, const uint32_t *counter,
			   struct arena *arena, unsigned int *ret_n)
{
	size_t n = family == 4 ? rows->n4 : rows->n6;

	*ret_n = n ? (n + FILTER_CHUNK - 1) / FILTER_CHUNK : 1;
	return family == 4 ? content4(rows, counter, arena, *ret_n) :
			     content6(rows, counter, arena, *ret_n);
}
