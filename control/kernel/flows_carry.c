// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * flows_carry.c - bring the flows of one table into another
 *
 * DOC: Called three times for a change of size: when the new table is made, which is most of the
 * work; just before programs change over to it, for what changed meanwhile; and once
 * none uses the old one any more. A flow that programs have changed in the new table stays as
 * they have it. Counters begin at 0 in the new one, and those of the old one are added at last.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <base/log.h>
#include <kernel/flows_table.h>

union entry {
	struct conntrack_flow flow;
	struct conntrack_flow4 flow4;
	struct conntrack_flow6 flow6;
};

struct carrier {
	const struct flows_part *from, *to;
	struct flows_carried *carried;
	uint32_t now;
	uint32_t lost;
	uint32_t uncounted;		/* by limits that had no room */
};

/* What of a life is the same in both tables */
static uint64_t life_bits(uint64_t life)
{
	return life & ~(CONNTRACK_GEN_BITS |
			(uint64_t)CONNTRACK_SPILLED << CONNTRACK_FLAGS_SHIFT);
}

static uint64_t life_like(uint64_t life, uint64_t place)
{
	return life_bits(life) | (place & ~life_bits(~0ULL));
}

/*
 * The second entry of a flow that is in at @slot. It is found before the flow knows of it, as no
 * flow: 'other' of both must agree
 */
static void carry_peer(struct carrier *c, const union entry *main, uint32_t slot)
{
	uint32_t other = main->flow.other, peer_slot;
	union entry peer;
	uint64_t life;

	if (!other || other > flows_part_slots(c->from))
		return;
	life = flows_copy(c->from, other - 1, &peer);
	if (!life || !(conntrack_life_flags(life) & CONNTRACK_PEER))
		return;
	peer.flow.other = slot + 1;
	peer.flow.life = (life & ~0xffffffffULL) | (uint32_t)main->flow.life;
	if (flows_insert(c->to, &peer, NULL, c->now, &peer_slot) == 0)
		__atomic_store_n(&flows_entry(c->to, slot)->other, peer_slot + 1, __ATOMIC_RELEASE);
}

/* One that the new table does not have from us */
static void carry_new(struct carrier *c, uint32_t slot, const union entry *entry)
{
	struct flows_carried *carried = &c->carried[slot];
	struct flows_beside beside = { .seqs = c->from->seqs ? &c->from->seqs[slot] : NULL };
	union entry copy = *entry;
	uint32_t to = 0;
	int r;

	copy.flow.other = 0;
	c->uncounted += flows_carry_limits(c->from, slot, c->to, &beside.limits);
	r = flows_insert(c->to, &copy, &beside, c->now, &to);
	flows_lower(c->to, &beside.limits);	/* of what did not get in */
	if (r == -EEXIST)
		return;			/* programs have it anew */
	if (r < 0) {
		c->lost++;
		return;
	}
	carried->slot = to + 1;
	carried->mark = entry->flow.mark;
	carry_peer(c, entry, to);
}

static uint32_t *ts_delta_of(const struct carrier *c, void *entry)
{
	return c->from->six ? &((struct conntrack_flow6 *)entry)->ts_delta :
			      &((struct conntrack_flow4 *)entry)->ts_delta;
}

/*
 * What module synproxy learns of the server, once. The word that says so comes last; where programs
 * have learnt it from the new table, it stays
 */
static void carry_proxied(const struct carrier *c, const union entry *entry,
			  struct conntrack_flow *to)
{
	uint64_t *word = (uint64_t *)((uint8_t *)to + offsetof(struct conntrack_flow, delta));
	uint64_t was = __atomic_load_n(word, __ATOMIC_ACQUIRE), next;
	struct conntrack_flow seen;
	union entry from = *entry;

	memcpy(&seen.delta, &was, sizeof(was));
	if (from.flow.proxy != CONNTRACK_PROXY_OPEN || seen.proxy != CONNTRACK_PROXY_WAITING)
		return;
	seen.proxy = CONNTRACK_PROXY_LEARNING;
	memcpy(&next, &seen.delta, sizeof(next));
	if (!__atomic_compare_exchange_n(word, &was, next, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		return;
	*ts_delta_of(c, to) = *ts_delta_of(c, &from);
	memcpy(&next, &from.flow.delta, sizeof(next));
	__atomic_store_n(word, next, __ATOMIC_RELEASE);
}

/* One that we brought: as it is now, unless programs have changed it there */
static void carry_change(struct carrier *c, uint32_t slot, const union entry *entry)
{
	struct flows_carried *carried = &c->carried[slot];
	struct conntrack_flow *to = flows_entry(c->to, carried->slot - 1);
	__u64 life = flows_life(to);
	uint32_t mark = carried->mark;

	carry_proxied(c, entry, to);
	if (life_bits(life) == life_bits(carried->life))
		__atomic_compare_exchange_n(&to->life, &life, life_like(entry->flow.life, life),
					    false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
	if (__atomic_compare_exchange_n(&to->mark, &mark, entry->flow.mark, false,
					__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		carried->mark = entry->flow.mark;
}

/* @a is behind @b */
static bool is_behind(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

static void merge_seqs(struct conntrack_seqs *to, const struct conntrack_seqs *from)
{
	int side;

	for (side = 0; side < 2; side++) {
		if (is_behind(from->end[side], to->end[side]))
			to->end[side] = from->end[side];
		if (is_behind(from->max_end[side], to->max_end[side]))
			to->max_end[side] = from->max_end[side];
		if (from->window[side] > to->window[side])
			to->window[side] = from->window[side];
	}
}

static void add_counts(struct conntrack_counts *to, const struct conntrack_counts *from)
{
	int side;

	for (side = 0; side < 2; side++) {
		__atomic_fetch_add(&to->packets[side], from->packets[side], __ATOMIC_RELAXED);
		__atomic_fetch_add(&to->bytes[side], from->bytes[side], __ATOMIC_RELAXED);
	}
}

/* What changes with each packet, without a trace in life */
static void carry_rest(const struct carrier *c)
{
	bool counts = c->from->counts && c->to->counts, seqs = c->from->seqs && c->to->seqs;
	uint32_t slot, to;

	for (slot = 0; (counts || seqs) && slot < flows_part_slots(c->from); slot++) {
		to = c->carried[slot].slot;
		if (to && counts)
			add_counts(&c->to->counts[to - 1], &c->from->counts[slot]);
		if (to && seqs)
			merge_seqs(&c->to->seqs[to - 1], &c->from->seqs[slot]);
	}
}

/* The slot was given to another flow, or to none: what we brought of it is over, too */
static void carry_end(struct carrier *c, uint32_t slot)
{
	struct flows_carried *carried = &c->carried[slot];
	uint32_t to = carried->slot;
	uint64_t life;

	if (to) {
		life = flows_life(flows_entry(c->to, to - 1));
		if (life_bits(life) == life_bits(carried->life))
			flows_take(c->to, to - 1, life);
	}
	*carried = (struct flows_carried){ 0 };
}

static void carry_slot(struct carrier *c, uint32_t slot, bool only_dear)
{
	struct flows_carried *carried = &c->carried[slot];
	uint32_t flags;
	union entry entry;
	uint64_t life;

	life = flows_copy(c->from, slot, &entry);
	if (carried->life && (!life || (life ^ carried->life) & CONNTRACK_GEN_BITS))
		carry_end(c, slot);
	flags = conntrack_life_flags(life);
	if (!flows_is_there(life, c->now) || flags & CONNTRACK_PEER)
		return;
	if (only_dear && !(flags & (CONNTRACK_REPLIED | CONNTRACK_ASSURED)))
		return;
	if (!carried->slot)
		carry_new(c, slot, &entry);
	else if (life != carried->life || entry.flow.mark != carried->mark)
		carry_change(c, slot, &entry);
	carried->life = life;
}

uint32_t flows_carry(const struct flows_part *from, const struct flows_part *to,
		     struct flows_carried *carried, uint32_t now, bool last)
{
	struct carrier c = { .from = from, .to = to, .carried = carried, .now = now };
	uint32_t slots = flows_part_slots(from), slot;

	/* Where not all find room, those that have seen both ways go first */
	for (slot = 0; slot < slots; slot++)
		if (conntrack_word_get(flows_word(from, slot / CONNTRACK_WAYS), slot % CONNTRACK_WAYS))
			carry_slot(&c, slot, true);
	c.lost = 0;			/* they are tried again */
	for (slot = 0; slot < slots; slot++)
		if (carried[slot].life ||
		    conntrack_word_get(flows_word(from, slot / CONNTRACK_WAYS), slot % CONNTRACK_WAYS))
			carry_slot(&c, slot, false);
	if (last)
		carry_rest(&c);
	if (c.uncounted)
		log_warn("%u flows are counted by a limit no more: it found no room in the new table",
			 c.uncounted);
	return c.lost;
}
