// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* flows_entry.c - entries of the flow table: find, bring in, take out, beside programs */
#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>

#include <kernel/flows_table.h>

#define TRIES	64		/* lost races */

static size_t key_bytes(const struct flows_part *part)
{
	return part->six ? sizeof(struct conntrack_key6) : sizeof(struct conntrack_key4);
}

/* Both families have it behind what they have in common */
static const void *entry_key(const struct conntrack_flow *flow)
{
	return flow + 1;
}

static uint64_t key_hash(const struct flows_part *part, const void *key)
{
	const struct conntrack_conf *conf = part->conf;

	return part->six ? conntrack_hash6(key, conf->seed[0], conf->seed[1]) :
			   conntrack_hash4(key, conf->seed[0], conf->seed[1]);
}

static bool life_swap(struct conntrack_flow *flow, __u64 from, __u64 to)
{
	return __atomic_compare_exchange_n(&flow->life, &from, to, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

/* Return: false: *@word is what it is now */
static bool word_swap(const struct flows_part *part, uint32_t bucket, uint64_t *word, uint64_t to)
{
	return __atomic_compare_exchange_n(&part->word[bucket], word, to, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

static bool is_peer(uint64_t life)
{
	return conntrack_life_flags(life) & CONNTRACK_PEER;
}

uint64_t flows_copy(const struct flows_part *part, uint32_t slot, void *ret_entry)
{
	const struct conntrack_flow *flow = flows_entry(part, slot);
	uint64_t life = flows_life(flow);

	if (!conntrack_life_state(life))
		return 0;
	memcpy(ret_entry, flow, part->entry_bytes);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	((struct conntrack_flow *)ret_entry)->life = life;
	return (flows_life(flow) ^ life) & CONNTRACK_GEN_BITS ? 0 : life;
}

/* ---- find ---- */

static int find_in(const struct flows_part *part, const void *key, uint64_t hash, uint32_t bucket,
		   uint64_t word, uint32_t now, uint32_t *ret_slot)
{
	uint64_t mask = conntrack_word_find(word, conntrack_tag(hash)), life;
	const struct conntrack_flow *flow;
	uint32_t slot;

	for (; mask; mask &= mask - 1) {
		slot = bucket * CONNTRACK_WAYS + conntrack_word_way(mask);
		flow = flows_entry(part, slot);
		life = flows_life(flow);
		if (!flows_is_there(life, now) || memcmp(entry_key(flow), key, key_bytes(part)) ||
		    (flows_life(flow) ^ life) & CONNTRACK_GEN_BITS)
			continue;
		*ret_slot = slot;
		return 0;
	}
	return -ENOENT;
}

int flows_find(const struct flows_part *part, const void *key, uint32_t now, uint32_t *ret_slot)
{
	uint64_t hash = key_hash(part, key);
	uint32_t first = conntrack_first_bucket(hash, part->buckets);
	uint64_t word = flows_word(part, first);
	uint32_t second = conntrack_second_bucket(hash, first, part->buckets);

	if (find_in(part, key, hash, first, word, now, ret_slot) == 0)
		return 0;
	if (!conntrack_word_spilled(word))
		return -ENOENT;
	return find_in(part, key, hash, second, flows_word(part, second), now, ret_slot);
}

/* ---- take out ---- */

/* The byte is ours, and counts must add up: not given up */
static void word_clear(const struct flows_part *part, uint32_t slot)
{
	uint32_t bucket = slot / CONNTRACK_WAYS;
	uint64_t word = flows_word(part, bucket);

	while (!word_swap(part, bucket, &word,
			  conntrack_word_put(word, slot % CONNTRACK_WAYS, 0)))
		;
}

/* One flow less that spilled. Who brought it in may be about to count it */
static void word_unspill(const struct flows_part *part, uint32_t bucket)
{
	uint64_t word = flows_word(part, bucket);
	unsigned int i;

	for (i = 0; !conntrack_word_spilled(word) && i < TRIES; i++) {
		sched_yield();
		word = flows_word(part, bucket);
	}
	while (!word_swap(part, bucket, &word, conntrack_word_spill(word, -1)))
		;
}

/* What is left to do for who has taken the life of an entry */
static void entry_clear(const struct flows_part *part, uint32_t slot, uint64_t life)
{
	uint64_t hash = key_hash(part, entry_key(flows_entry(part, slot)));

	if (conntrack_life_flags(life) & CONNTRACK_SPILLED)
		word_unspill(part, conntrack_first_bucket(hash, part->buckets));
	word_clear(part, slot);
}

/*
 * Not before its tag is there: whoever brings it in is still at it. A slot is claimed without a tag,
 * so one that is seen after the life is that life's
 */
static bool life_take(const struct flows_part *part, uint32_t slot, uint64_t life)
{
	return conntrack_word_get(flows_word(part, slot / CONNTRACK_WAYS), slot % CONNTRACK_WAYS) &&
	       life_swap(flows_entry(part, slot), life, life & CONNTRACK_GEN_BITS);
}

/* If it still is the flow's */
static void peer_take(const struct flows_part *part, uint32_t slot, uint32_t other)
{
	const struct conntrack_flow *peer;
	uint64_t life;

	if (!other || other > flows_part_slots(part))
		return;
	peer = flows_entry(part, other - 1);
	life = flows_life(peer);
	if (is_peer(life) && peer->other == slot + 1 && life_take(part, other - 1, life))
		entry_clear(part, other - 1, life);
}

bool flows_take(const struct flows_part *part, uint32_t slot, uint64_t life)
{
	uint32_t other = flows_entry(part, slot)->other;

	if (!life_take(part, slot, life))
		return false;
	if (!is_peer(life)) {
		flows_uncount(part, slot);
		peer_take(part, slot, other);
	}
	entry_clear(part, slot, life);
	return true;
}

void flows_mend(const struct flows_part *part, uint32_t slot, uint64_t life)
{
	struct conntrack_flow *flow = flows_entry(part, slot);
	/* CLAIMED keeps programs off the slot while the tag is cleared */
	uint64_t ours = conntrack_life(life, 0, CONNTRACK_NONE, CONNTRACK_CLAIMED);

	if (!life_swap(flow, life, ours))
		return;
	flows_uncount(part, slot);	/* what is there yet was not counted out */
	word_clear(part, slot);
	life_swap(flow, ours, life & CONNTRACK_GEN_BITS);
}

/* ---- bring in ---- */

/* What was seen of the two buckets of a key, and the slot that is claimed for it */
struct claim {
	uint64_t hash, life, word, first_word;
	uint32_t first, second, slot;
	bool spilled;
};

static bool claim_in(const struct flows_part *part, struct claim *claim, uint32_t bucket,
		     uint64_t word)
{
	uint64_t mask = conntrack_word_free(word), life;
	uint32_t slot, way;

	while (mask) {
		way = conntrack_word_choose(mask, conntrack_way(claim->hash));
		mask &= ~(0x80ULL << way * CONNTRACK_TAG_BITS);
		slot = bucket * CONNTRACK_WAYS + way;
		life = flows_life(flows_entry(part, slot));
		if (conntrack_life_state(life) || conntrack_life_claimed(life))
			continue;
		claim->life = conntrack_life(life + CONNTRACK_GEN_ONE, 0, CONNTRACK_NONE,
					     CONNTRACK_CLAIMED);
		if (!life_swap(flows_entry(part, slot), life, claim->life))
			continue;
		claim->slot = slot;
		claim->word = word;
		return true;
	}
	return false;
}

/* Return: 0: a slot is ours; -EEXIST: *ret_slot has the key; -ENOSPC; -EAGAIN */
static int claim_once(const struct flows_part *part, struct claim *claim, const void *key,
		      uint32_t now, uint32_t *ret_slot)
{
	uint64_t word = flows_word(part, claim->first), word2 = flows_word(part, claim->second);
	uint32_t free, free2;

	if (find_in(part, key, claim->hash, claim->first, word, now, ret_slot) == 0 ||
	    (conntrack_word_spilled(word) &&
	     find_in(part, key, claim->hash, claim->second, word2, now, ret_slot) == 0))
		return -EEXIST;
	free = conntrack_word_count(conntrack_word_free(word));
	free2 = conntrack_word_count(conntrack_word_free(word2));
	if (!free && !free2)
		return -ENOSPC;
	claim->spilled = free < CONNTRACK_WAYS - CONNTRACK_CROWDED && free < free2;
	claim->first_word = word;
	return claim_in(part, claim, claim->spilled ? claim->second : claim->first,
			claim->spilled ? word2 : word) ? 0 : -EAGAIN;
}

/* Whether another flow of this key came between; the first bucket's word was seen anew */
static bool clashes(const struct flows_part *part, const struct claim *claim, const void *key,
		    uint32_t now, uint32_t *ret_slot)
{
	uint64_t word = flows_word(part, claim->first), word2 = flows_word(part, claim->second);

	if (claim->spilled)		/* ours may be there, and would hide the other one */
		word2 = conntrack_word_put(word2, claim->slot % CONNTRACK_WAYS, 0);
	return find_in(part, key, claim->hash, claim->first, word, now, ret_slot) == 0 ||
	       find_in(part, key, claim->hash, claim->second, word2, now, ret_slot) == 0;
}

/* The tag comes from the word in which the key was not found, so that of two with one key one loses */
static int publish_tag(const struct flows_part *part, struct claim *claim, const void *key,
		       uint32_t now, uint32_t *ret_slot)
{
	uint32_t bucket = claim->spilled ? claim->second : claim->first;
	unsigned int i;

	for (i = 0; i < TRIES; i++) {
		if (word_swap(part, bucket, &claim->word,
			      conntrack_word_put(claim->word, claim->slot % CONNTRACK_WAYS,
						 conntrack_tag(claim->hash))))
			return 0;
		claim->first_word = flows_word(part, claim->first);
		if (clashes(part, claim, key, now, ret_slot))
			return -EEXIST;
	}
	return -EAGAIN;
}

/* The same with the count of those that spilled, in the first bucket's word */
static int publish_spill(const struct flows_part *part, struct claim *claim, const void *key,
			 uint32_t now, uint32_t *ret_slot)
{
	unsigned int i;

	for (i = 0; i < TRIES; i++) {
		if (word_swap(part, claim->first, &claim->first_word,
			      conntrack_word_spill(claim->first_word, 1)))
			return 0;
		if (clashes(part, claim, key, now, ret_slot))
			return -EEXIST;
	}
	return -EAGAIN;
}

/* All of it but its life */
static void fill(const struct flows_part *part, uint32_t slot, const void *entry,
		 struct flows_beside *beside)
{
	const struct conntrack_seqs *seqs = beside ? beside->seqs : NULL;
	const size_t from = offsetof(struct conntrack_flow, mark);

	memcpy(&flows_entry(part, slot)->mark, (const uint8_t *)entry + from,
	       part->entry_bytes - from);
	if (part->counts)
		part->counts[slot] = (struct conntrack_counts){ 0 };
	if (part->seqs)
		part->seqs[slot] = seqs ? *seqs : (struct conntrack_seqs){ 0 };
	if (part->limits && beside) {
		part->limits[slot] = beside->limits;
		beside->limits = (struct conntrack_limits){ 0 };
	}
}

static int publish(const struct flows_part *part, struct claim *claim, const void *entry,
		   uint32_t now, uint32_t *ret_slot)
{
	struct conntrack_flow *flow = flows_entry(part, claim->slot);
	const struct conntrack_flow *from = entry;
	uint64_t life = (from->life & ~CONNTRACK_GEN_BITS) | (claim->life & CONNTRACK_GEN_BITS);
	const void *key = entry_key(from);
	bool tagged;
	int r;

	life &= ~((uint64_t)CONNTRACK_SPILLED << CONNTRACK_FLAGS_SHIFT);
	if (claim->spilled)
		life |= (uint64_t)CONNTRACK_SPILLED << CONNTRACK_FLAGS_SHIFT;
	__atomic_store_n(&flow->life, life, __ATOMIC_RELEASE);
	r = publish_tag(part, claim, key, now, ret_slot);
	tagged = r == 0;
	if (r == 0 && claim->spilled)
		r = publish_spill(part, claim, key, now, ret_slot);
	if (r == 0) {
		*ret_slot = claim->slot;
		return 0;
	}
	/* Ours goes: claimed again, it is neither found nor free */
	if (!life_swap(flow, life, claim->life))
		return r;
	flows_uncount(part, claim->slot);
	if (tagged)
		word_clear(part, claim->slot);
	__atomic_store_n(&flow->life, claim->life & CONNTRACK_GEN_BITS, __ATOMIC_RELEASE);
	return r;
}

int flows_insert(const struct flows_part *part, const void *entry, struct flows_beside *beside,
		 uint32_t now, uint32_t *ret_slot)
{
	const void *key = entry_key(entry);
	struct claim claim = { .hash = key_hash(part, key) };
	unsigned int i;
	int r;

	claim.first = conntrack_first_bucket(claim.hash, part->buckets);
	claim.second = conntrack_second_bucket(claim.hash, claim.first, part->buckets);
	for (i = 0; i < TRIES; i++) {
		r = claim_once(part, &claim, key, now, ret_slot);
		if (r == 0) {
			fill(part, claim.slot, entry, beside);
			return publish(part, &claim, entry, now, ret_slot);
		}
		if (r != -EAGAIN)
			return r;
		sched_yield();
	}
	return -EAGAIN;
}
