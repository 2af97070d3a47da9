// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* flows_limit.c - connections that rules count: beside programs (lib/conntrack_limit.h) */
#include <errno.h>
#include <sched.h>

#include <kernel/flows_table.h>

#define TRIES	64		/* lost races */

static struct conntrack_counted *counted_at(const struct flows_part *part, uint32_t ref)
{
	uint32_t bucket = conntrack_ref_bucket(ref);

	return bucket < part->conf->counted ? &part->counted[bucket].way[conntrack_ref_way(ref)] :
					      NULL;
}

static void count_down(const struct flows_part *part, uint32_t ref)
{
	struct conntrack_counted *counted = counted_at(part, ref);

	if (counted)
		conntrack_counted_lower(counted);
}

void flows_lower(const struct flows_part *part, const struct conntrack_limits *limits)
{
	unsigned int i;

	for (i = 0; i < SHUNT_CT_LIMITS; i++)
		if (limits->ref[i])
			count_down(part, limits->ref[i]);
}

void flows_uncount(const struct flows_part *part, uint32_t slot)
{
	unsigned int i;
	uint32_t ref;

	for (i = 0; part->limits && i < SHUNT_CT_LIMITS; i++) {
		ref = __atomic_exchange_n(&part->limits[slot].ref[i], 0, __ATOMIC_ACQ_REL);
		if (ref)
			count_down(part, ref);
	}
}

/* Return: a reference that is raised; 0: no room */
static uint32_t count_up(const struct flows_part *part, const struct conntrack_counted *like)
{
	struct conntrack_counting counting = { .most = like->most };
	unsigned int i;
	uint32_t ref;
	int r;

	counting.key.addr[0] = like->addr;
	counting.key.addr[1].word[0] = like->limit;
	conntrack_counting_place(&counting, part->conf->seed, part->conf->counted);
	for (i = 0; i < TRIES; i++) {
		r = conntrack_counted_get(&part->counted[counting.bucket[0]],
					  &part->counted[counting.bucket[1]], true, &counting);
		if (r == -ENOSPC)
			break;
		if (r < 0) {
			sched_yield();
			continue;
		}
		ref = conntrack_ref(counting.bucket[counting.second], counting.way, counting.word);
		while ((r = conntrack_counted_raise(counted_at(part, ref), ref, true)) == -EAGAIN)
			;
		if (r == 0)
			return ref;
	}
	return 0;
}

unsigned int flows_carry_limits(const struct flows_part *from, uint32_t slot,
				const struct flows_part *to, struct conntrack_limits *ret_limits)
{
	unsigned int i, n = 0, lost = 0;
	const struct conntrack_counted *counted;
	uint32_t ref;

	*ret_limits = (struct conntrack_limits){ 0 };
	for (i = 0; from->limits && to->limits && i < SHUNT_CT_LIMITS; i++) {
		ref = __atomic_load_n(&from->limits[slot].ref[i], __ATOMIC_RELAXED);
		counted = ref ? counted_at(from, ref) : NULL;
		if (!counted || !counted->limit)
			continue;
		ref = count_up(to, counted);
		if (ref)
			ret_limits->ref[n++] = ref;
		else
			lost++;
	}
	return lost;
}
