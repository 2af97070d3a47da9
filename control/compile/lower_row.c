// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * lower_row.c - a conjunction as rows: the product of its prefixes, ports and bits
 *
 * DOC: What is bits of the key's 'meta' word (protocol, fragment state, TCP
 * flags) is split into values under masks; two that differ in one bit are one.
 * Tuples are and-ed one after the other, so that only what is left is multiplied.
 */
#include <string.h>

#include <compile/lower_priv.h>

struct bits {
	uint32_t value, mask;
};

struct pieces {
	struct bits *v;
	unsigned int n;
};

struct prefixes {
	struct expr_value *value;
	uint8_t *len;
	unsigned int n;
};

/* ---- bits of 'meta' ------------------------------------------------------------------------ */

static void pieces_add(struct lower *l, struct pieces *to, uint32_t value, uint32_t mask)
{
	*arena_push(&l->scratch, to->v, to->n) = (struct bits){ value, mask };
}

/* Return: whether @i found another one to become one with */
static bool pieces_join(struct pieces *pieces, unsigned int i)
{
	struct bits *a = &pieces->v[i];
	unsigned int k;

	for (k = i + 1; k < pieces->n; k++) {
		uint32_t differ = a->value ^ pieces->v[k].value;

		if (a->mask != pieces->v[k].mask || !differ || differ & (differ - 1))
			continue;
		a->mask &= ~differ;
		a->value &= ~differ;
		pieces->v[k] = pieces->v[--pieces->n];
		return true;
	}
	return false;
}

static void pieces_merge(struct pieces *pieces)
{
	bool joined;
	unsigned int i;

	do {
		joined = false;
		for (i = 0; i < pieces->n; i++)
			while (pieces_join(pieces, i))
				joined = true;
	} while (joined);
}

/* Aligned powers of two that an interval of 8 bits is made of */
static void pieces_interval(struct lower *l, struct pieces *to, unsigned int first,
			    unsigned int last)
{
	unsigned int size;

	for (; first <= last; first += size) {
		for (size = 1; !(first & size) && first + 2 * size - 1 <= last && size < 256;)
			size *= 2;
		pieces_add(l, to, first, CLASSIFIER_PROTO & ~(size - 1));
	}
}

static struct pieces proto_pieces(struct lower *l, const struct lower_conj *conj)
{
	const struct ranges *proto = &conj->range[EXPR_PROTO];
	struct pieces pieces = {0};
	unsigned int i;

	for (i = 0; i < proto->n; i++)
		pieces_interval(l, &pieces, proto->v[i].first.lo, proto->v[i].last.lo);
	if (pieces.n > 1)
		pieces_merge(&pieces);
	return pieces;
}

/* A state of 3 is no packet's: one bit tells the other two apart, but for first and later */
static struct pieces frag_pieces(struct lower *l, const struct lower_conj *conj)
{
	const uint32_t bit = 1u << CLASSIFIER_FRAG_SHIFT;
	const struct ranges *frag = &conj->range[EXPR_FRAG];
	bool none = ranges_has(frag, SHUNT_FRAG_NONE), first = ranges_has(frag, SHUNT_FRAG_FIRST);
	bool later = ranges_has(frag, SHUNT_FRAG_LATER);
	struct pieces pieces = {0};

	if (none && first && later)
		pieces_add(l, &pieces, 0, 0);
	else if (none && first)
		pieces_add(l, &pieces, 0, SHUNT_FRAG_LATER * bit);
	else if (none && later)
		pieces_add(l, &pieces, 0, SHUNT_FRAG_FIRST * bit);
	else if (none)
		pieces_add(l, &pieces, 0, CLASSIFIER_FRAG);
	if (first && !none)
		pieces_add(l, &pieces, SHUNT_FRAG_FIRST * bit, CLASSIFIER_FRAG);
	if (later && !none)
		pieces_add(l, &pieces, SHUNT_FRAG_LATER * bit, CLASSIFIER_FRAG);
	return pieces;
}

_Static_assert(SHUNT_FRAG_NONE == 0 && SHUNT_FRAG_FIRST == 1 && SHUNT_FRAG_LATER == 2,
	       "a bit each");

static struct pieces ct_pieces(struct lower *l, const struct lower_conj *conj)
{
	const struct ranges *ct = &conj->range[EXPR_CT_STATE];
	struct pieces pieces = {0};
	unsigned int state;

	for (state = 0; state < SHUNT_CT_MAX; state++)
		if (ranges_has(ct, state))
			pieces_add(l, &pieces, state << CLASSIFIER_CT_SHIFT, CLASSIFIER_CT);
	pieces_merge(&pieces);
	return pieces;
}

static bool flags_pass(const struct lower_flags *flags, unsigned int value)
{
	for (; flags; flags = flags->next)
		if (((value & flags->mask) == flags->value) == flags->negated)
			return false;
	return true;
}

/*
 * Split the values that have @value in @mask by the bits that matches ask for,
 * lowest first, until all of a part pass or none does
 */
static void flags_split(struct lower *l, struct pieces *to, const struct lower_flags *flags,
			unsigned int asked, unsigned int mask, unsigned int value)
{
	unsigned int rest = asked & ~mask, bit = rest & -rest, all = 0, pass = 0, sub = 0;

	do {		/* all subsets of the rest */
		all++;
		pass += flags_pass(flags, value | sub);
		sub = (sub - rest) & rest;
	} while (sub);
	if (pass == all)
		pieces_add(l, to, value << CLASSIFIER_TCP_SHIFT, mask << CLASSIFIER_TCP_SHIFT);
	if (!pass || pass == all)
		return;
	flags_split(l, to, flags, asked, mask | bit, value);
	flags_split(l, to, flags, asked, mask | bit, value | bit);
}

static struct pieces flags_pieces(struct lower *l, const struct lower_conj *conj)
{
	const struct lower_flags *flags;
	struct pieces pieces = {0};
	unsigned int asked = 0;

	for (flags = conj->flags; flags; flags = flags->next)
		asked |= flags->mask;
	flags_split(l, &pieces, conj->flags, asked, 0, 0);
	pieces_merge(&pieces);
	return pieces;
}

unsigned int lower_flags_pieces(struct lower *l, const struct lower_conj *conj)
{
	return flags_pieces(l, conj).n;
}

static struct pieces pieces_times(struct lower *l, struct pieces a, struct pieces b)
{
	struct pieces both = {0};
	unsigned int i, k;

	for (i = 0; i < a.n; i++)
		for (k = 0; k < b.n; k++)
			pieces_add(l, &both, a.v[i].value | b.v[k].value,
				   a.v[i].mask | b.v[k].mask);
	return both;
}

/* All axes of 'meta' but those that are one piece, nearly always all of them: these are in @one */
static struct pieces meta_pieces(struct lower *l, const struct lower_conj *conj, struct bits one)
{
	const struct ranges *proto = &conj->range[EXPR_PROTO];
	const struct lower_flags *flags = conj->flags;
	bool one_flag = flags && !flags->next && !flags->negated;
	struct pieces meta = {0};

	if (proto->n == 1 && proto->v[0].first.lo == proto->v[0].last.lo) {
		one.value |= proto->v[0].first.lo;
		one.mask |= CLASSIFIER_PROTO;
	}
	if (one_flag) {
		one.value |= (uint32_t)flags->value << CLASSIFIER_TCP_SHIFT;
		one.mask |= (uint32_t)flags->mask << CLASSIFIER_TCP_SHIFT;
	}
	pieces_add(l, &meta, one.value, one.mask);
	if (proto->n != 1 || proto->v[0].first.lo != proto->v[0].last.lo)
		meta = pieces_times(l, meta, proto_pieces(l, conj));
	if (!ranges_full(&conj->range[EXPR_FRAG], ranges_all(EXPR_FRAG).v[0].last))
		meta = pieces_times(l, meta, frag_pieces(l, conj));
	if (!ranges_full(&conj->range[EXPR_CT_STATE], ranges_all(EXPR_CT_STATE).v[0].last))
		meta = pieces_times(l, meta, ct_pieces(l, conj));
	if (flags && !one_flag)
		meta = pieces_times(l, meta, flags_pieces(l, conj));
	return meta;
}

/* The bits that tell what the traffic is */
static struct bits kind_bits(const struct lower_conj *conj, bool six)
{
	struct bits bits = { 0, 0 };

	if (conj->l4)
		bits.value = bits.mask = CLASSIFIER_L4;
	if (six || (conj->kinds & LOWER_IP4 && conj->kinds & LOWER_NOT_IP))
		return bits;
	bits.mask |= CLASSIFIER_IP;
	if (conj->kinds & LOWER_IP4)
		bits.value |= CLASSIFIER_IP;
	return bits;
}

/* ---- the product --------------------------------------------------------------------------- */

static struct prefixes prefixes_of(struct lower *l, const struct lower_conj *conj,
				   enum expr_field field)
{
	const struct ranges *ranges = &conj->range[field];
	struct prefixes all = {0};
	struct expr_value *value;
	unsigned int i, k, n, n_len;
	uint8_t *len;

	if (ranges->n == 1) {
		all.n = expr_prefixes(&l->scratch, field, ranges->v, &all.value, &all.len);
		return all;
	}
	for (i = 0; i < ranges->n; i++) {
		n = expr_prefixes(&l->scratch, field, &ranges->v[i], &value, &len);
		for (k = 0; k < n; k++) {
			n_len = all.n;
			*arena_push(&l->scratch, all.value, all.n) = value[k];
			*arena_push(&l->scratch, all.len, n_len) = len[k];
		}
	}
	return all;
}

/* What the rows of one family are the product of */
struct product {
	struct prefixes saddr, daddr;
	struct ranges sport, dport;
	struct pieces meta;
};

static uint64_t product_count(const struct product *product)
{
	const unsigned int axis[] = {
		product->saddr.n, product->daddr.n, product->sport.n, product->dport.n,
		product->meta.n,
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
	unsigned int value = base > 1 ? *number % base : 0;

	if (base > 1)
		*number /= base;
	return value;
}

static void add_row(struct lower *l, const struct product *product, uint64_t number, bool six,
		    const struct lower_out *out)
{
	struct classifier_row *row = arena_push(l->arena, l->out.rows.row, l->out.rows.n);
	const struct bits *meta = &product->meta.v[digit(&number, product->meta.n)];
	const struct expr_interval *dport = &product->dport.v[digit(&number, product->dport.n)];
	const struct expr_interval *sport = &product->sport.v[digit(&number, product->sport.n)];
	unsigned int daddr = digit(&number, product->daddr.n);
	unsigned int saddr = digit(&number, product->saddr.n);

	*row = (struct classifier_row){
		.saddr = { product->saddr.value[saddr].hi, product->saddr.value[saddr].lo },
		.daddr = { product->daddr.value[daddr].hi, product->daddr.value[daddr].lo },
		.family = six ? 6 : 4,
		.slen = product->saddr.len[saddr], .dlen = product->daddr.len[daddr],
		.edge = out->edge,
		.sport_first = sport->first.lo, .sport_last = sport->last.lo,
		.dport_first = dport->first.lo, .dport_last = dport->last.lo,
		.meta = meta->value, .meta_mask = meta->mask,
		.prio = out->prio, .ref = out->ref,
	};
}

/* Ports, or type and code in their place: all of these are all of the key's 16 bits */
static struct ranges port_ranges(const struct lower_conj *conj, enum expr_field port,
				 enum expr_field icmp)
{
	if (!conj->icmp)
		return conj->range[port];
	if (ranges_full(&conj->range[icmp], ranges_all(icmp).v[0].last))
		return ranges_all(port);
	return conj->range[icmp];
}

static void add_family(struct lower *l, const struct lower_conj *conj, bool six,
		       struct lower_out *out)
{
	struct product product = {
		.saddr = prefixes_of(l, conj, six ? EXPR_IP6_SADDR : EXPR_IP_SADDR),
		.daddr = prefixes_of(l, conj, six ? EXPR_IP6_DADDR : EXPR_IP_DADDR),
		.sport = port_ranges(conj, EXPR_SPORT, EXPR_ICMP_TYPE),
		.dport = port_ranges(conj, EXPR_DPORT, EXPR_ICMP_CODE),
		.meta = meta_pieces(l, conj, kind_bits(conj, six)),
	};
	uint64_t count = product_count(&product), i;

	if (__builtin_add_overflow(out->rows[six], count, &out->rows[six]))
		out->rows[six] = UINT64_MAX;
	if (out->rows[six] > out->limit || l->out.rows.n + count > LOWER_ROWS_MAX)
		return;
	for (i = 0; i < count; i++)
		add_row(l, &product, i, six, out);
}

/* @conj without tuples */
static void add_rows(struct lower *l, const struct lower_conj *conj, struct lower_out *out)
{
	if (lower_conj_never(conj))
		return;
	if (conj->kinds & (LOWER_IP4 | LOWER_NOT_IP))
		add_family(l, conj, false, out);
	if (conj->kinds & LOWER_IP6)
		add_family(l, conj, true, out);
}

void lower_rows(struct lower *l, const struct lower_conj *conj, struct lower_out *out)
{
	const struct lower_tuples *tuples = conj->tuples;
	struct lower_conj part;
	struct arena outer;
	size_t i;

	if (!tuples) {
		add_rows(l, conj, out);
		return;
	}
	outer = lower_scratch_begin(l);
	for (i = 0; i < tuples->n; i++) {
		lower_scratch_trim(l);
		part = *conj;
		part.tuples = tuples->next;
		lower_conj_tuple(l, &part, tuples, i);
		if (!lower_conj_never(&part))
			lower_rows(l, &part, out);
	}
	lower_scratch_end(l, outer);
}
