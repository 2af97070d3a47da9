// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* flows.c - the flow table: which one is in use, and what is in it */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/arena.h>
#include <base/log.h>
#include <kernel/flows.h>
#include <kernel/flows_table.h>
#include <kernel/jiffies.h>
#include <kernel/pins.h>

#define SUSPECTS	16	/* half-done entries looked at in one round of the sweep */

/* Pins: the table in use; one of another size that is about to be; one that goes */
#define DIR_NOW		"ct"
#define DIR_NEXT	"ct_new"
#define DIR_OLD		"ct_old"

#define TABLE_NAME(id, name) [CONNTRACK_TABLE_##id] = name,
static const char *const names[] = { CONNTRACK_TABLES(TABLE_NAME) };

/* An entry whose tag and life disagree: it is being filled, or whoever did that is dead */
struct suspect {
	unsigned int family;
	uint32_t slot;
	uint64_t life;
	uint32_t seen;			/* jiffies */
};

struct flows {
	char *bpffs;			/* NULL: nothing is pinned */
	struct jiffies *jiffies;
	struct flows_table *now, *next;	/* NULL: none */
	struct flows_carried *carried[FLOWS_FAMILIES];	/* from 'now' to 'next' */
	flows_gone_fn gone;
	void *gone_arg;
	unsigned int sweep_family;
	uint32_t sweep_slot;
	struct suspect suspect[SUSPECTS];
	unsigned int n_suspects;
};

static void flows_dir(const struct flows *flows, const char *dir, char *ret_path)
{
	snprintf(ret_path, PINS_PATH_MAX, "%s/%s", flows->bpffs, dir);
}

static void dir_remove(const struct flows *flows, const char *dir)
{
	char path[PINS_PATH_MAX];

	if (!flows->bpffs)
		return;
	flows_dir(flows, dir, path);
	pins_remove(path);
}

static void dir_rename(const struct flows *flows, const char *from, const char *to)
{
	char from_path[PINS_PATH_MAX], to_path[PINS_PATH_MAX];

	if (!flows->bpffs)
		return;
	flows_dir(flows, from, from_path);
	flows_dir(flows, to, to_path);
	if (rename(from_path, to_path) < 0 && errno != ENOENT)
		log_error("rename '%s' to '%s': %s", from_path, to_path, strerror(errno));
}

static void table_free(struct flows_table *table)
{
	if (table)
		flows_table_close(table);
	free(table);
}

/* ---- open and close ----------------------------------------------------------------------- */

/* @ret_table: NULL where nothing is pinned, or not all of it */
static int dir_adopt(const struct flows *flows, const char *dir, struct flows_table **ret_table,
		     struct err *err)
{
	struct flows_table *table;
	char path[PINS_PATH_MAX];
	int r;

	if (!flows->bpffs)
		return 0;
	table = malloc(sizeof(*table));
	if (!table)
		arena_no_memory();
	flows_dir(flows, dir, path);
	r = flows_table_adopt(path, table, err);
	if (r == 0) {
		*ret_table = table;
		return 0;
	}
	free(table);
	if (r != -ENOENT)
		return r;
	dir_remove(flows, dir);
	return 0;
}

static void carried_new(struct flows *flows)
{
	unsigned int i;

	for (i = 0; flows->now && i < FLOWS_FAMILIES; i++) {
		flows->carried[i] = calloc(flows_part_slots(&flows->now->part[i]),
					   sizeof(*flows->carried[i]));
		if (!flows->carried[i])
			arena_no_memory();
	}
}

static void carried_free(struct flows *flows)
{
	unsigned int i;

	for (i = 0; i < FLOWS_FAMILIES; i++) {
		free(flows->carried[i]);
		flows->carried[i] = NULL;
	}
}

int flows_open(const char *bpffs, struct flows **ret_flows, struct err *err)
{
	struct flows *flows = calloc(1, sizeof(*flows));
	int r;

	if (!flows || !(flows->jiffies = calloc(1, sizeof(*flows->jiffies))) ||
	    (bpffs && !(flows->bpffs = strdup(bpffs))))
		arena_no_memory();
	jiffies_open(flows->jiffies);
	dir_remove(flows, DIR_OLD);
	r = dir_adopt(flows, DIR_NOW, &flows->now, err);
	if (r == 0)
		r = dir_adopt(flows, DIR_NEXT, &flows->next, err);
	if (r < 0) {
		flows_close(flows);
		return r;
	}
	if (flows->next)
		carried_new(flows);
	flows_watch(flows, false);	/* who watched is gone */
	*ret_flows = flows;
	return 0;
}

void flows_close(struct flows *flows)
{
	if (!flows)
		return;
	table_free(flows->next);
	table_free(flows->now);
	carried_free(flows);
	jiffies_close(flows->jiffies);
	free(flows->jiffies);
	free(flows->bpffs);
	free(flows);
}

/* ---- another size ------------------------------------------------------------------------- */

static void carry(struct flows *flows, bool last)
{
	uint32_t lost, now = jiffies_now(flows->jiffies);
	struct conntrack_stats *stats;
	unsigned int i;

	for (i = 0; flows->now && i < FLOWS_FAMILIES; i++) {
		lost = flows_carry(&flows->now->part[i], &flows->next->part[i], flows->carried[i], now,
				   last);
		if (!last || !lost)
			continue;
		log_warn("%u IPv%u flows found no room in the new table", lost, i ? 6 : 4);
		stats = &flows->next->stats[flows->next->cpus];
		stats->n[CONNTRACK_STAT_GONE] += lost;
		stats->n[CONNTRACK_STAT_FULL] += lost;
	}
}

static int next_make(struct flows *flows, const struct plan_conntrack *want, struct err *err)
{
	struct flows_table *table = malloc(sizeof(*table));
	char path[PINS_PATH_MAX];
	int r;

	if (!table)
		arena_no_memory();
	r = flows_table_create(want, flows->now, table, err);
	if (r < 0) {
		free(table);
		return r;
	}
	flows_table_configure(table, want);
	flows->next = table;
	if (flows->now && flows->now->conf->flags & CONNTRACK_WATCHED)
		table->conf->flags |= CONNTRACK_WATCHED;
	carried_new(flows);
	if (flows->bpffs) {
		flows_dir(flows, DIR_NEXT, path);
		pins_remove(path);
		r = flows_table_pin(table, path, err);
	}
	if (r < 0) {
		flows_abandon(flows);
		return r;
	}
	carry(flows, false);
	return 0;
}

bool flows_fits(const struct flows *flows, const struct plan_conntrack *want)
{
	return (flows->next && flows_table_fits(flows->next, want)) ||
	       (flows->now && flows_table_fits(flows->now, want));
}

int flows_reserve(struct flows *flows, const struct plan_conntrack *want, struct err *err)
{
	if (!want)
		return 0;
	if (flows->next && flows_table_fits(flows->next, want)) {
		flows_table_configure(flows->next, want);
		return 0;
	}
	flows_abandon(flows);
	if (flows->now && flows_table_fits(flows->now, want))
		return 0;
	return next_make(flows, want, err);
}

void flows_refresh(struct flows *flows)
{
	if (flows->next)
		carry(flows, false);
}

void flows_settle(struct flows *flows)
{
	if (!flows->next)
		return;
	carry(flows, true);
	/* What is in between is found by flows_open(): the new one is whole, so the old one may go */
	dir_rename(flows, DIR_NOW, DIR_OLD);
	dir_rename(flows, DIR_NEXT, DIR_NOW);
	dir_remove(flows, DIR_OLD);
	if (flows->now)
		flows->now->borrowed = flows->next->borrowed;	/* what lasts is the new one's now */
	flows->next->borrowed = false;
	table_free(flows->now);
	flows->now = flows->next;
	flows->next = NULL;
	flows->n_suspects = 0;
	flows->sweep_family = flows->sweep_slot = 0;
	carried_free(flows);
}

void flows_abandon(struct flows *flows)
{
	if (!flows->next)
		return;
	dir_remove(flows, DIR_NEXT);
	table_free(flows->next);
	flows->next = NULL;
	carried_free(flows);
}

void flows_drop(struct flows *flows)
{
	flows_abandon(flows);
	if (!flows->now)
		return;
	if (flows->gone)
		flows->gone(flows->gone_arg, NULL);
	dir_rename(flows, DIR_NOW, DIR_OLD);
	dir_remove(flows, DIR_OLD);
	table_free(flows->now);
	flows->now = NULL;
	flows->n_suspects = 0;
	flows->sweep_family = flows->sweep_slot = 0;
}

/* ---- settings ----------------------------------------------------------------------------- */

void flows_configure(struct flows *flows, const struct plan_conntrack *want)
{
	if (flows->now)
		flows_table_configure(flows->now, want);
}

void flows_watch(struct flows *flows, bool watched)
{
	struct flows_table *const table[] = { flows->now, flows->next };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		if (table[i] && watched)
			__atomic_fetch_or(&table[i]->conf->flags, CONNTRACK_WATCHED, __ATOMIC_RELAXED);
		else if (table[i])
			__atomic_fetch_and(&table[i]->conf->flags, ~CONNTRACK_WATCHED,
					   __ATOMIC_RELAXED);
	}
}

void flows_on_gone(struct flows *flows, flows_gone_fn fn, void *arg)
{
	flows->gone = fn;
	flows->gone_arg = arg;
}

unsigned int flows_maps(const struct flows *flows, struct object_map ret_map[FLOWS_MAPS])
{
	const struct flows_table *table = flows->next ? flows->next : flows->now;
	unsigned int i;

	for (i = 0; table && i < FLOWS_MAPS; i++)
		ret_map[i] = (struct object_map){
			.name = names[i], .fd = table->fd[i], .optional = true,
		};
	return i;
}

int flows_events_fd(const struct flows *flows)
{
	return flows->now ? flows->now->fd[CONNTRACK_TABLE_EVENTS] : -1;
}

/* ---- what is in it ------------------------------------------------------------------------ */

static bool is_tagged(const struct flows_part *part, uint32_t slot)
{
	return conntrack_word_get(flows_word(part, slot / CONNTRACK_WAYS), slot % CONNTRACK_WAYS);
}

static bool is_flow(uint64_t life, uint32_t now)
{
	return flows_is_there(life, now) && !(conntrack_life_flags(life) & CONNTRACK_PEER);
}

/* The first bucket from @slot on in which something is; @end where there is none */
static uint32_t skip_empty(const struct flows_part *part, uint32_t slot, uint32_t end)
{
	while (slot < end && !(flows_word(part, slot / CONNTRACK_WAYS) <<
			       (64 - CONNTRACK_SPILL_SHIFT)))
		slot = (slot / CONNTRACK_WAYS + 1) * CONNTRACK_WAYS;
	return slot < end ? slot : end;
}

/* Return: false: none is there */
static bool flow_show(const struct flows *flows, const struct flows_part *part, uint32_t slot,
		      uint32_t now, struct flow *ret_flow)
{
	uint32_t hz = jiffies_hz(), since, left;
	uint64_t life;

	life = flows_copy(part, slot, &ret_flow->flow);
	if (!is_flow(life, now) || !is_tagged(part, slot))
		return false;
	ret_flow->family = part->six;
	ret_flow->slot = slot;
	ret_flow->counts = part->counts ? part->counts[slot] : (struct conntrack_counts){ 0 };
	since = part->six ? ret_flow->flow6.since : ret_flow->flow4.since;
	left = (uint32_t)life - now;
	ret_flow->expires_s = left / hz;
	ret_flow->age_s = (int32_t)(now - since) < 0 ? 0 : (now - since) / hz;
	return true;
}

int flows_next(const struct flows *flows, uint64_t *cursor, uint32_t max_slots,
	       struct flow *ret_flow)
{
	uint32_t slot = *cursor, family = *cursor >> 32, now, end, slots;
	const struct flows_part *part;

	if (!flows->now || family >= FLOWS_FAMILIES)
		return -ENOENT;
	now = jiffies_now(flows->jiffies);
	part = &flows->now->part[family];
	slots = flows_part_slots(part);
	if (slot >= slots) {
		*cursor = (uint64_t)(family + 1) << 32;
		return family + 1 < FLOWS_FAMILIES ? 0 : -ENOENT;
	}
	end = max_slots < slots - slot ? slot + max_slots : slots;
	while ((slot = skip_empty(part, slot, end)) < end) {
		if (flow_show(flows, part, slot++, now, ret_flow)) {
			*cursor = (uint64_t)family << 32 | slot;
			return 1;
		}
	}
	*cursor = (uint64_t)family << 32 | end;
	return 0;
}

static void tell_gone(struct flows *flows, const struct flow *flow)
{
	struct flows_table *table = flows->now;

	table->stats[table->cpus].n[CONNTRACK_STAT_GONE]++;
	if (flows->gone)
		flows->gone(flows->gone_arg, flow);
}

int flows_remove(struct flows *flows, const struct flow *flow)
{
	const struct flows_part *part;
	uint64_t life;

	if (!flows->now || flow->family >= FLOWS_FAMILIES)
		return -ENOENT;
	part = &flows->now->part[flow->family];
	if (flow->slot >= flows_part_slots(part))
		return -ENOENT;
	do {
		life = flows_life(flows_entry(part, flow->slot));
		if (!is_tagged(part, flow->slot) || !conntrack_life_state(life) ||
		    (life ^ flow->flow.life) & CONNTRACK_GEN_BITS)
			return -ENOENT;
	} while (!flows_take(part, flow->slot, life));
	tell_gone(flows, flow);
	return 0;
}

/* ---- sweep -------------------------------------------------------------------------------- */

/* A second entry goes with its flow; one that has none goes when its own life is over */
static bool peer_is_dead(const struct flows_part *part, uint32_t slot, uint64_t life, uint32_t now)
{
	uint32_t other = flows_entry(part, slot)->other;
	const struct conntrack_flow *flow;
	uint64_t flow_life;

	if (!conntrack_life_over(life, now))
		return false;
	if (!other || other > flows_part_slots(part))
		return true;
	flow = flows_entry(part, other - 1);
	flow_life = flows_life(flow);
	return !conntrack_life_state(flow_life) ||
	       conntrack_life_flags(flow_life) & CONNTRACK_PEER || flow->other != slot + 1;
}

/* Left by one who died over it, if it is the same a second later; programs take a microsecond */
static void suspect(struct flows *flows, unsigned int family, uint32_t slot, uint64_t life,
		    uint32_t now)
{
	struct suspect *s;
	unsigned int i;

	for (i = 0; i < flows->n_suspects; i++) {
		s = &flows->suspect[i];
		if (s->family != family || s->slot != slot)
			continue;
		if (s->life == life && now - s->seen < jiffies_hz())
			return;
		if (s->life == life)
			flows_mend(&flows->now->part[family], slot, life);
		*s = flows->suspect[--flows->n_suspects];
		return;
	}
	if (flows->n_suspects < SUSPECTS)
		flows->suspect[flows->n_suspects++] = (struct suspect){ family, slot, life, now };
}

/* Return: whether a flow went */
static bool sweep_slot(struct flows *flows, unsigned int family, uint32_t slot, uint32_t now)
{
	const struct flows_part *part = &flows->now->part[family];
	uint64_t life = flows_life(flows_entry(part, slot));
	bool tagged = is_tagged(part, slot);
	bool is_peer = conntrack_life_flags(life) & CONNTRACK_PEER;
	struct flow flow = { .family = family, .slot = slot };

	if (tagged != !!conntrack_life_state(life) || conntrack_life_claimed(life)) {
		suspect(flows, family, slot, life, now);
		return false;
	}
	if (!tagged || !conntrack_life_over(life, now))
		return false;
	if (is_peer) {
		if (peer_is_dead(part, slot, life, now))
			flows_take(part, slot, life);
		return false;
	}
	memcpy(&flow.flow, flows_entry(part, slot), part->entry_bytes);
	flow.flow.life = life;
	if (part->counts)
		flow.counts = part->counts[slot];
	if (!flows_take(part, slot, life))
		return false;
	tell_gone(flows, &flow);
	return true;
}

unsigned int flows_sweep(struct flows *flows, uint32_t slots)
{
	unsigned int went = 0;
	uint32_t now, end;

	if (!flows->now)
		return 0;
	now = jiffies_now(flows->jiffies);
	while (slots) {
		end = flows_part_slots(&flows->now->part[flows->sweep_family]);
		for (; slots && flows->sweep_slot < end; slots--, flows->sweep_slot++)
			went += sweep_slot(flows, flows->sweep_family, flows->sweep_slot, now);
		if (flows->sweep_slot < end)
			break;
		flows->sweep_slot = 0;
		flows->sweep_family = (flows->sweep_family + 1) % FLOWS_FAMILIES;
		if (!flows->sweep_family)
			break;		/* all of it was seen */
	}
	return went;
}

/* ---- figures ------------------------------------------------------------------------------ */

uint64_t flows_slots(const struct flows *flows)
{
	return flows->now ? (uint64_t)flows_part_slots(&flows->now->part[0]) +
			    flows_part_slots(&flows->now->part[1]) : 0;
}

int flows_counted_next(const struct flows *flows, uint32_t *cursor, uint32_t max_entries,
		       struct flows_counted *ret_counted)
{
	const struct flows_part *part = flows->now ? &flows->now->part[0] : NULL;
	uint32_t entries = part ? part->conf->counted * CONNTRACK_COUNTED_WAYS : 0;
	const struct conntrack_counted *counted;
	uint64_t word;

	for (; *cursor < entries; ++*cursor) {
		if (!max_entries--)
			return 0;
		counted = &part->counted[*cursor / CONNTRACK_COUNTED_WAYS].way[*cursor %
									       CONNTRACK_COUNTED_WAYS];
		word = __atomic_load_n(&counted->word, __ATOMIC_ACQUIRE);
		if (!(*cursor % CONNTRACK_COUNTED_WAYS) || !(uint32_t)word)
			continue;
		*ret_counted = (struct flows_counted){
			.limit = counted->limit, .most = counted->most, .addr = counted->addr,
			.flows = word,
		};
		if ((__atomic_load_n(&counted->word, __ATOMIC_ACQUIRE) ^ word) >> 32)
			continue;
		++*cursor;
		return 1;
	}
	return -ENOENT;
}

uint64_t flows_stat(const struct flows *flows, enum conntrack_stat stat)
{
	const struct flows_table *table = flows->now;
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; table && i <= table->cpus; i++)
		sum += __atomic_load_n(&table->stats[i].n[stat], __ATOMIC_RELAXED);
	return sum;
}

void flows_size(const struct flows *flows, unsigned int family, uint64_t *ret_taken,
		uint64_t *ret_slots, uint64_t *ret_bytes)
{
	const struct flows_table *table = flows->now;
	uint32_t bucket;
	unsigned int i;

	*ret_taken = *ret_slots = *ret_bytes = 0;
	if (!table || family >= FLOWS_FAMILIES)
		return;
	for (bucket = 0; bucket < table->part[family].buckets; bucket++)
		*ret_taken += CONNTRACK_WAYS - conntrack_word_count(conntrack_word_free(
				flows_word(&table->part[family], bucket)));
	*ret_slots = flows_part_slots(&table->part[family]);
	for (i = CONNTRACK_TABLE_TAGS4 + family; i <= CONNTRACK_TABLE_LIMITS6; i += FLOWS_FAMILIES)
		*ret_bytes += table->bytes[i];
}
