// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* lower_range.c - what is let through of one field: sorted, merged intervals */
#include <compile/lower_priv.h>

#define ALL16	{ { 0, 0 }, { 0, UINT16_MAX } }
#define ALL32	{ { 0, 0 }, { 0, UINT32_MAX } }
#define ALL128	{ { 0, 0 }, { UINT64_MAX, UINT64_MAX } }
#define ALL8	{ { 0, 0 }, { 0, UINT8_MAX } }

static const struct expr_interval all[LOWER_ROW_FIELDS] = {
	[EXPR_IP_SADDR] = ALL32, [EXPR_IP_DADDR] = ALL32,
	[EXPR_IP6_SADDR] = ALL128, [EXPR_IP6_DADDR] = ALL128,
	[EXPR_PROTO] = ALL8, [EXPR_SPORT] = ALL16, [EXPR_DPORT] = ALL16, [EXPR_TCP_FLAGS] = ALL8,
	[EXPR_ICMP_TYPE] = ALL8, [EXPR_ICMP_CODE] = ALL8,
	[EXPR_FRAG] = { { 0, 0 }, { 0, SHUNT_FRAG_LATER } },
	[EXPR_CT_STATE] = { { 0, 0 }, { 0, SHUNT_CT_MAX - 1 } },
};

static bool above(struct expr_value a, struct expr_value b)
{
	return a.hi != b.hi ? a.hi > b.hi : a.lo > b.lo;
}

static struct expr_value greater(struct expr_value a, struct expr_value b)
{
	return above(a, b) ? a : b;
}

static struct expr_value lesser(struct expr_value a, struct expr_value b)
{
	return above(a, b) ? b : a;
}

struct ranges ranges_all(enum expr_field field)
{
	return (struct ranges){ &all[field], 1 };
}

/* The one interval of @one holds all of @ranges */
static bool holds(struct ranges one, struct ranges ranges)
{
	return one.n == 1 && ranges.n && !above(one.v[0].first, ranges.v[0].first) &&
	       !above(ranges.v[ranges.n - 1].last, one.v[0].last);
}

struct ranges ranges_and(struct arena *arena, struct ranges a, struct ranges b)
{
	struct expr_interval *both;
	unsigned int i = 0, j = 0, n = 0;

	if (holds(a, b))
		return b;
	if (holds(b, a))
		return a;
	both = arena_new_n(arena, struct expr_interval, a.n + b.n);
	while (i < a.n && j < b.n) {
		struct expr_value first = greater(a.v[i].first, b.v[j].first);
		struct expr_value last = lesser(a.v[i].last, b.v[j].last);

		if (!above(first, last))
			both[n++] = (struct expr_interval){ first, last };
		if (above(b.v[j].last, a.v[i].last))
			i++;
		else
			j++;
	}
	return (struct ranges){ both, n };
}

struct ranges ranges_not(struct arena *arena, struct ranges ranges, struct expr_value max)
{
	struct expr_interval *gap = arena_new_n(arena, struct expr_interval, ranges.n + 1);
	struct expr_value from = { 0, 0 };
	unsigned int i, n = 0;

	for (i = 0; i < ranges.n; i++) {
		struct expr_value end = ranges.v[i].first;

		end.hi -= !end.lo;
		end.lo--;
		if (above(ranges.v[i].first, from))
			gap[n++] = (struct expr_interval){ from, end };
		if (!above(max, ranges.v[i].last))
			return (struct ranges){ gap, n };
		from = ranges.v[i].last;
		from.lo++;
		from.hi += !from.lo;
	}
	gap[n++] = (struct expr_interval){ from, max };
	return (struct ranges){ gap, n };
}

bool ranges_has(const struct ranges *ranges, uint64_t value)
{
	unsigned int i;

	for (i = 0; i < ranges->n; i++)
		if (ranges->v[i].first.lo <= value && value <= ranges->v[i].last.lo)
			return true;
	return false;
}

bool ranges_full(const struct ranges *ranges, struct expr_value max)
{
	return ranges->n == 1 && !ranges->v[0].first.hi && !ranges->v[0].first.lo &&
	       !above(max, ranges->v[0].last);
}
