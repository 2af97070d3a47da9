// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* lb_flows.c - what load balancers remember of flows, and what they counted */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>

#include <base/arena.h>
#include <kernel/lb_tables_priv.h>

#include "../../dataplane/lib/lb_hash.h"

static uint16_t word_backend(uint64_t word)
{
	return word >> 16;
}

static uint16_t tick_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec * 1000000000ULL + ts.tv_nsec) >> LB_TICK_SHIFT;
}

/* Ticks since a word was last looked at; they wrap, and a CPU may be one ahead */
static uint16_t word_age(uint64_t word, uint16_t now)
{
	uint16_t age = now - (uint16_t)word;

	return age == UINT16_MAX ? 0 : age;
}

/* ---- another size ------------------------------------------------------------------------- */

static bool bucket_has(const struct lb_bucket *bucket, uint64_t word)
{
	unsigned int i;

	for (i = 0; i < LB_WAYS; i++)
		if (bucket->word[i] >> 32 == word >> 32)
			return true;
	return false;
}

/* Into a free place, or that of the oldest that is older; programs may take it meanwhile */
static void bucket_add(struct lb_bucket *bucket, uint64_t word, uint16_t now)
{
	unsigned int i, at = LB_WAYS;
	uint16_t oldest = word_age(word, now);
	uint64_t there = 0;

	if (bucket_has(bucket, word))
		return;
	for (i = 0; i < LB_WAYS; i++) {
		uint64_t other = __atomic_load_n(&bucket->word[i], __ATOMIC_RELAXED);

		if (!other || word_age(other, now) > oldest) {
			at = i;
			there = other;
			oldest = other ? word_age(other, now) : UINT16_MAX;
		}
	}
	if (at < LB_WAYS)
		__atomic_compare_exchange_n(&bucket->word[at], &there, word, false,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* A word does not tell which of a larger table's buckets is its own: it goes to all that may be */
void lb_tables_carry_flows(const struct lb_map *from, const struct lb_map *to)
{
	const struct lb_bucket *old = from->map;
	struct lb_bucket *new = to->map;
	uint16_t now = tick_now();
	uint32_t i, k, b;

	for (i = 0; old && i < from->entries; i++)
		for (k = 0; k < LB_WAYS; k++) {
			uint64_t word = __atomic_load_n(&old[i].word[k], __ATOMIC_RELAXED);

			if (!word)
				continue;
			b = i & (to->entries - 1);
			for (; b < to->entries; b += from->entries)
				bucket_add(&new[b], word, now);
		}
}

/* ---- flows -------------------------------------------------------------------------------- */

static const struct lb_map *in_use(const struct lb_tables *tables, enum lb_table table)
{
	return &tables->now[table];
}

static unsigned int forget_flows(const struct lb_map *flows, const struct lb_reused *reused)
{
	struct lb_bucket *bucket = flows->map;
	unsigned int k, n = 0;
	uint32_t i;

	for (i = 0; bucket && i < flows->entries; i++)
		for (k = 0; k < LB_WAYS; k++) {
			uint64_t word = __atomic_load_n(&bucket[i].word[k], __ATOMIC_RELAXED);

			if (word && reused->backend[word_backend(word)])
				n += __atomic_compare_exchange_n(&bucket[i].word[k], &word, 0,
								 false, __ATOMIC_RELAXED,
								 __ATOMIC_RELAXED);
		}
	return n;
}

static bool frag_is_of(const struct lb_frag *frag, const struct lb_reused *reused)
{
	uint32_t service = frag->service - 1;

	return reused->backend[frag->backend] || (service < LB_SERVICES && reused->service[service]);
}

/* By buckets of the table, so that what comes and goes meanwhile hides nothing */
static unsigned int forget_frags(int fd, const struct lb_reused *reused)
{
	struct lb_frag_key *key = calloc(LB_FRAGS, sizeof(*key));
	struct lb_frag *frag = calloc(LB_FRAGS, sizeof(*frag));
	uint32_t at = 0, count, i;
	unsigned int n = 0;
	bool first = true;
	int r, why;

	if (!key || !frag)
		arena_no_memory();
	do {
		count = LB_FRAGS;
		r = bpf_map_lookup_batch(fd, first ? NULL : &at, &at, key, frag, &count, NULL);
		why = r == 0 ? 0 : errno;
		for (i = 0; (!why || why == ENOENT) && i < count; i++)
			if (frag_is_of(&frag[i], reused))
				n += bpf_map_delete_elem(fd, &key[i]) == 0;
		first = false;
	} while (r == 0);
	free(key);
	free(frag);
	return n;
}

unsigned int lb_tables_forget(const struct lb_tables *tables, const struct lb_reused *reused)
{
	return forget_flows(in_use(tables, LB_TABLE_FLOWS), reused) +
	       forget_frags(in_use(tables, LB_TABLE_FRAGS)->fd, reused);
}

void lb_tables_occupancy(const struct lb_tables *tables, struct lb_occupancy *ret_occupancy)
{
	const struct lb_map *flows = in_use(tables, LB_TABLE_FLOWS);
	const struct lb_bucket *bucket = flows->map;
	uint16_t now = tick_now();
	unsigned int k;
	uint32_t i;

	*ret_occupancy = (struct lb_occupancy){ .room = (uint64_t)flows->entries * LB_WAYS };
	for (i = 0; bucket && i < flows->entries; i++)
		for (k = 0; k < LB_WAYS; k++) {
			uint64_t word = __atomic_load_n(&bucket[i].word[k], __ATOMIC_RELAXED);

			ret_occupancy->used += !!word;
			ret_occupancy->fresh += word && word_age(word, now) <= 60 / LB_TICK_S;
		}
}

uint32_t lb_tables_remembered(const struct lb_tables *tables, uint64_t key, uint32_t *ret_age)
{
	const struct lb_map *flows = in_use(tables, LB_TABLE_FLOWS);
	const struct lb_bucket *bucket = flows->map;
	unsigned int k;
	uint64_t word;

	if (!bucket)
		return 0;
	bucket += lb_flow_bucket(key, flows->entries);
	for (k = 0; k < LB_WAYS; k++) {
		word = __atomic_load_n(&bucket->word[k], __ATOMIC_RELAXED);
		if (!word || word >> 32 != lb_flow_tag(key))
			continue;
		*ret_age = word_age(word, tick_now());
		return word_backend(word);
	}
	return 0;
}

/* ---- counters ----------------------------------------------------------------------------- */

static void add_counts(struct lb_counts *to, const struct lb_counts *from)
{
	to->packets += __atomic_load_n(&from->packets, __ATOMIC_RELAXED);
	to->bytes += __atomic_load_n(&from->bytes, __ATOMIC_RELAXED);
	to->flows += __atomic_load_n(&from->flows, __ATOMIC_RELAXED);
	to->kept += __atomic_load_n(&from->kept, __ATOMIC_RELAXED);
}

static void add_drops(struct lb_drops *to, const struct lb_drops *from)
{
	unsigned int i;

	for (i = 0; i < LB_DROP_MAX; i++)
		to->packets[i] += __atomic_load_n(&from->packets[i], __ATOMIC_RELAXED);
	to->evicted += __atomic_load_n(&from->evicted, __ATOMIC_RELAXED);
}

void lb_tables_carry_counts(const struct lb_tables *tables, enum lb_table table)
{
	const struct lb_map *from = &tables->now[table], *to = &tables->next[table];
	uint32_t room = from->entries / (tables->cpus + 1), more = to->entries / (tables->cpus + 1);
	uint32_t i, last;

	for (i = 0; i < from->entries; i++) {
		if (i % room >= more)
			continue;
		last = tables->cpus * more + i % room;
		if (table == LB_TABLE_COUNTS)
			add_counts((struct lb_counts *)to->map + last,
				   (const struct lb_counts *)from->map + i);
		else
			add_drops((struct lb_drops *)to->map + last,
				  (const struct lb_drops *)from->map + i);
	}
}

void lb_tables_count(const struct lb_tables *tables, uint32_t counter, struct lb_counts *ret_counts,
		     struct lb_drops *ret_drops)
{
	const struct lb_map *counts = in_use(tables, LB_TABLE_COUNTS);
	const struct lb_map *drops = in_use(tables, LB_TABLE_DROPS);
	uint32_t room = counts->entries / (tables->cpus + 1);
	unsigned int cpu;
	size_t at;

	*ret_counts = (struct lb_counts){};
	*ret_drops = (struct lb_drops){};
	for (cpu = 0; counter < room && cpu <= tables->cpus; cpu++) {
		at = (size_t)cpu * room + counter;
		add_counts(ret_counts, (const struct lb_counts *)counts->map + at);
		add_drops(ret_drops, (const struct lb_drops *)drops->map + at);
	}
}

void lb_tables_zero(const struct lb_tables *tables, uint32_t counter)
{
	const struct lb_map *counts = in_use(tables, LB_TABLE_COUNTS);
	const struct lb_map *drops = in_use(tables, LB_TABLE_DROPS);
	uint32_t room = counts->entries / (tables->cpus + 1);
	unsigned int cpu;
	size_t at;

	for (cpu = 0; counter < room && cpu <= tables->cpus; cpu++) {
		at = (size_t)cpu * room + counter;
		memset((struct lb_counts *)counts->map + at, 0, sizeof(struct lb_counts));
		memset((struct lb_drops *)drops->map + at, 0, sizeof(struct lb_drops));
	}
}
