// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * flows_test.c - the flow table as user space has it: kernel/flows*.c on maps of the kernel
 *
 * A second mapping of the same pins stands for programs: they keep to the same rules.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <kernel/flows.h>
#include <kernel/flows_table.h>
#include <kernel/jiffies.h>
#include <kernel/pins.h>

#include "../lib/unit.h"

#define N(array)	(sizeof(array) / sizeof((array)[0]))
#define MANY		100000
#define HOUR		3600

union entry {
	struct conntrack_flow flow;
	struct conntrack_flow4 flow4;
	struct conntrack_flow6 flow6;
};

static char bpffs[200];
static struct flows *flows;
static struct jiffies jiffies;
static uint64_t seed;

static void ok(int r, const struct err *err)
{
	if (r < 0)
		fail_msg("%d: %s", r, err->text);
}

static uint32_t now(void)
{
	return jiffies_now(&jiffies);
}

static void path_of(const char *name, char *ret_path)
{
	snprintf(ret_path, PINS_PATH_MAX, "%s/%s", bpffs, name);
}

static void reopen(void)
{
	struct err err = { 0 };

	flows_close(flows);
	flows = NULL;
	ok(flows_open(bpffs, &flows, &err), &err);
}

static struct plan_conntrack plan_of(uint32_t flows4, uint32_t flows6, uint32_t flags)
{
	struct plan_conntrack plan = { .flows = { flows4, flows6 }, .flags = flags };
	unsigned int i, k;

	for (i = 0; i < CONNTRACK_POLICIES; i++)
		for (k = 0; k < CONNTRACK_STATE_MAX; k++)
			plan.timeout_ms[i][k] = 1000 * (i + 1) + k;
	return plan;
}

static void reserve(const struct plan_conntrack *plan)
{
	struct err err = { 0 };

	ok(flows_reserve(flows, plan, &err), &err);
}

/* As a commit does */
static void change(const struct plan_conntrack *plan)
{
	reserve(plan);
	flows_refresh(flows);
	flows_settle(flows);
	flows_configure(flows, plan);
}

/* The table as somebody else has it: what is pinned in @dir */
static struct flows_table other(const char *dir)
{
	struct flows_table table;
	char path[PINS_PATH_MAX];
	struct err err = { 0 };

	path_of(dir, path);
	ok(flows_table_adopt(path, &table, &err), &err);
	return table;
}

static int setup(void **state)
{
	struct err err = { 0 };

	if (flows_open(bpffs, &flows, &err) == 0)
		return 0;
	print_error("%s\n", err.text);
	return -1;
}

static int teardown(void **state)
{
	if (flows)
		flows_drop(flows);
	flows_close(flows);
	flows = NULL;
	return 0;
}

/* Flow number @i; its second entry has another port */
static union entry entry_of(bool six, uint32_t i, uint32_t flags, uint32_t expires_s)
{
	union entry entry = { 0 };

	entry.flow.life = conntrack_life(0, now() + expires_s * jiffies_hz(),
					 CONNTRACK_TCP_ESTABLISHED, flags);
	entry.flow.mark = i * 7;
	entry.flow.policy = i % 16;
	if (six) {
		entry.flow6.key.addr[0].word[0] = htobe32(0x20010db8);
		entry.flow6.key.addr[1].word[0] = htobe32(0x20010db8);
		entry.flow6.key.addr[1].word[3] = htobe32(i);
		entry.flow6.key.proto = 6;
		entry.flow6.since = now();
	} else {
		entry.flow4.key.addr[0] = htobe32(0x0a000000 + i);
		entry.flow4.key.addr[1] = htobe32(0xc0000201);
		entry.flow4.key.port[1] = htobe16(flags & CONNTRACK_PEER ? 81 : 80);
		entry.flow4.key.proto = 6;
		entry.flow4.since = now();
	}
	return entry;
}

static uint32_t insert(const struct flows_part *part, const union entry *entry)
{
	uint32_t slot = UINT32_MAX;

	assert_int_equal(flows_insert(part, entry, NULL, now(), &slot), 0);
	return slot;
}

static uint32_t find(const struct flows_part *part, const union entry *entry)
{
	uint32_t slot;

	return flows_find(part, &(&entry->flow)[1], now(), &slot) ? UINT32_MAX : slot;
}

static uint64_t hash_of(const struct flows_part *part, uint32_t slot)
{
	const void *key = flows_entry(part, slot) + 1;

	return part->six ? conntrack_hash6(key, part->conf->seed[0], part->conf->seed[1]) :
			   conntrack_hash4(key, part->conf->seed[0], part->conf->seed[1]);
}

/* Tags, lives and counts of what spilled say the same; no key is there twice. Return: entries */
static uint32_t check(const struct flows_part *part)
{
	uint32_t *spilled = calloc(part->buckets, sizeof(*spilled)), slot, bucket, first, n = 0, at;
	uint64_t life, tag, hash;

	assert_non_null(spilled);
	for (slot = 0; slot < flows_part_slots(part); slot++) {
		bucket = slot / CONNTRACK_WAYS;
		tag = conntrack_word_get(flows_word(part, bucket), slot % CONNTRACK_WAYS);
		life = flows_life(flows_entry(part, slot));
		assert_int_equal(!!tag, !!conntrack_life_state(life));
		assert_false(conntrack_life_claimed(life));
		if (!tag)
			continue;
		n++;
		hash = hash_of(part, slot);
		assert_int_equal(tag, conntrack_tag(hash));
		first = conntrack_first_bucket(hash, part->buckets);
		if (conntrack_life_flags(life) & CONNTRACK_SPILLED) {
			spilled[first]++;
			first = conntrack_second_bucket(hash, first, part->buckets);
		}
		assert_int_equal(bucket, first);
		if (flows_is_there(life, now())) {
			assert_int_equal(flows_find(part, flows_entry(part, slot) + 1, now(), &at), 0);
			assert_int_equal(at, slot);
		}
	}
	for (bucket = 0; bucket < part->buckets; bucket++)
		assert_int_equal(conntrack_word_spilled(flows_word(part, bucket)), spilled[bucket]);
	free(spilled);
	return n;
}

/* ---- made, pinned, adopted ---- */

static void test_made(void **state)
{
	struct plan_conntrack plan = plan_of(1000, 10, CONNTRACK_PICKUP);
	struct object_map map[FLOWS_MAPS];
	uint64_t taken, slots, bytes;
	struct flows_table table;

	reserve(NULL);
	assert_int_equal(flows_maps(flows, map), 0);
	assert_int_equal(flows_events_fd(flows), -1);
	assert_false(flows_fits(flows, &plan));
	change(&plan);
	assert_true(flows_fits(flows, &plan));
	assert_int_equal(flows_maps(flows, map), FLOWS_MAPS);
	assert_string_equal(map[0].name, "ct_tags4");
	assert_true(map[0].optional && map[0].fd >= 0);
	assert_true(flows_events_fd(flows) >= 0);
	flows_size(flows, 0, &taken, &slots, &bytes);
	assert_int_equal(taken, 0);
	assert_int_equal(slots, 239 * 7);		/* 1000 * 5 / 3, whole buckets */
	assert_int_equal(bytes, 239 * 8 + slots * 64 + 32 + sizeof(struct conntrack_seqs) +
			 sizeof(struct conntrack_limits));
	assert_int_equal(flows_slots(flows), 239 * 7 + 3 * 7);
	table = other("ct");
	assert_int_equal(table.conf->buckets[0], 239);
	assert_int_equal(table.conf->buckets[1], 3);
	assert_int_equal(table.conf->flags, CONNTRACK_PICKUP);
	assert_int_equal(table.conf->second, jiffies_hz());
	assert_int_equal(table.conf->timeout[2][3], (3003 * jiffies_hz() + 999) / 1000);
	assert_true(table.conf->seed[0] && table.conf->seed[1]);
	flows_table_close(&table);
}

static void test_settings_alone(void **state)
{
	struct plan_conntrack plan = plan_of(1000, 10, CONNTRACK_PICKUP);
	struct flows_table table;

	change(&plan);
	table = other("ct");
	flows_watch(flows, true);
	plan.flags = CONNTRACK_STATELESS;
	plan.timeout_ms[0][1] = 90000;
	change(&plan);					/* the same maps */
	assert_int_equal(table.conf->flags, CONNTRACK_STATELESS | CONNTRACK_WATCHED);
	assert_int_equal(table.conf->timeout[0][1], 90 * jiffies_hz());
	flows_watch(flows, false);
	assert_int_equal(table.conf->flags, CONNTRACK_STATELESS);
	flows_table_close(&table);
}

static void test_adopted(void **state)
{
	struct plan_conntrack plan = plan_of(1000, 10, CONNTRACK_COUNT | CONNTRACK_WINDOW);
	union entry entry = entry_of(false, 5, 0, HOUR);
	struct flows_table table;
	uint64_t cursor = 0;
	struct flow flow;

	change(&plan);
	table = other("ct");
	insert(&table.part[0], &entry);
	flows_watch(flows, true);
	reopen();
	assert_true(flows_fits(flows, &plan));
	assert_int_equal(table.conf->flags & CONNTRACK_WATCHED, 0);
	assert_int_equal(flows_next(flows, &cursor, UINT32_MAX, &flow), 1);
	assert_int_equal(flow.flow.mark, 35);
	plan.flags = CONNTRACK_COUNT;
	assert_false(flows_fits(flows, &plan));
	plan = plan_of(1100, 10, CONNTRACK_COUNT | CONNTRACK_WINDOW);
	assert_false(flows_fits(flows, &plan));
	flows_table_close(&table);
}

/* Another map where 'ct_conf' or 'ct_flows4' was */
static void refuse(const char *name, uint32_t value_size, uint32_t entries, const char *text)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	char path[PINS_PATH_MAX], dir[32];
	struct flows *none = NULL;
	struct err err = { 0 };
	int fd;

	snprintf(dir, sizeof(dir), "ct/%s", name);
	path_of(dir, path);
	assert_int_equal(pins_remove(path), 0);
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "other", 4, value_size, entries, &opts);
	assert_true(fd >= 0);
	ok(pins_pin(fd, path, &err), &err);
	close(fd);
	assert_int_equal(flows_open(bpffs, &none, &err), -EPROTO);
	assert_null(none);
	if (!strstr(err.text, path) || !strstr(err.text, text))
		fail_msg("'%s' lacks '%s' or '%s'", err.text, path, text);
}

static void test_not_adopted(void **state)
{
	struct plan_conntrack plan = plan_of(1000, 10, 0);

	change(&plan);
	refuse("ct_flows4", sizeof(struct conntrack_flow4), 70, "does not fit the others");
	refuse("ct_flows4", 32, 239 * 7, "another layout");
	reserve(NULL);
}

/* Killed while the new one is made, before the commit, and between the two renames */
static void test_killed(void **state)
{
	struct plan_conntrack small = plan_of(1000, 10, 0), large = plan_of(5000, 10, 0);
	union entry entry = entry_of(false, 5, 0, HOUR);
	char path[PINS_PATH_MAX], to[PINS_PATH_MAX];
	struct flows_table table;

	change(&small);
	table = other("ct");
	insert(&table.part[0], &entry);
	flows_table_close(&table);
	reserve(&large);
	path_of("ct_new/ct_conf", path);
	assert_int_equal(pins_remove(path), 0);
	reopen();
	assert_true(flows_fits(flows, &small));
	assert_false(flows_fits(flows, &large));

	reserve(&large);
	reopen();
	assert_true(flows_fits(flows, &small));
	assert_true(flows_fits(flows, &large));
	reserve(&small);				/* the commit did not come to be */
	assert_false(flows_fits(flows, &large));

	reserve(&large);
	path_of("ct", path);
	path_of("ct_old", to);
	assert_int_equal(rename(path, to), 0);
	reopen();
	assert_false(flows_fits(flows, &small));
	reserve(&large);
	flows_settle(flows);
	assert_int_equal(access(to, F_OK), -1);
	table = other("ct");
	assert_int_not_equal(find(&table.part[0], &entry), UINT32_MAX);
	flows_table_close(&table);
}

static void test_dropped(void **state)
{
	struct plan_conntrack plan = plan_of(1000, 10, 0);
	char path[PINS_PATH_MAX];

	change(&plan);
	path_of("ct", path);
	assert_int_equal(access(path, F_OK), 0);
	flows_drop(flows);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(flows_slots(flows), 0);
	assert_int_equal(flows_sweep(flows, 100), 0);
	assert_int_equal(flows_stat(flows, CONNTRACK_STAT_GONE), 0);
}

/* ---- in, out, round ---- */

static void test_full_size(void **state)
{
	struct plan_conntrack plan = plan_of(MANY, MANY, 0);
	uint32_t i, slot, full, left;
	struct flows_table table;
	union entry entry;
	unsigned int six;
	int r;

	change(&plan);
	table = other("ct");
	for (six = 0; six < 2; six++) {
		for (i = 0, full = 0; i < MANY; i++) {
			entry = entry_of(six, i, CONNTRACK_REPLIED, HOUR);
			r = flows_insert(&table.part[six], &entry, NULL, now(), &slot);
			full += r == -ENOSPC;
			assert_true(r == 0 || r == -ENOSPC);
			if (r == 0)
				assert_int_equal(flows_insert(&table.part[six], &entry, NULL, now(),
							      &slot), -EEXIST);
		}
		assert_true(full <= 5);		/* one in 200 000 is usual */
		assert_int_equal(check(&table.part[six]), MANY - full);
		for (i = 0, left = MANY - full; i < MANY; i += 2) {
			entry = entry_of(six, i, CONNTRACK_REPLIED, HOUR);
			slot = find(&table.part[six], &entry);
			if (slot == UINT32_MAX)
				continue;
			left--;
			assert_true(flows_take(&table.part[six], slot,
					       flows_life(flows_entry(&table.part[six], slot))));
			assert_int_equal(find(&table.part[six], &entry), UINT32_MAX);
		}
		assert_true(left <= MANY / 2);
		assert_int_equal(check(&table.part[six]), left);
	}
	flows_table_close(&table);
}

/* Both buckets of each key are full at last; all that got in is found */
static void test_overfull(void **state)
{
	struct plan_conntrack plan = plan_of(1, 1, 0);
	struct flows_table table;
	union entry entry;
	uint32_t i, slot, n = 0;
	int r;

	change(&plan);
	table = other("ct");
	for (i = 0; i < 1000; i++) {
		entry = entry_of(false, i, 0, HOUR);
		r = flows_insert(&table.part[0], &entry, NULL, now(), &slot);
		assert_true(r == 0 || r == -ENOSPC);
		n += r == 0;
	}
	assert_int_equal(n, 2 * CONNTRACK_WAYS);
	assert_int_equal(check(&table.part[0]), n);
	flows_table_close(&table);
}

/* A flow with a second entry */
static uint32_t insert_pair(const struct flows_part *part, uint32_t i, uint32_t expires_s,
			    uint32_t *ret_peer)
{
	union entry entry = entry_of(false, i, CONNTRACK_SNAT, expires_s);
	union entry peer = entry_of(false, i, CONNTRACK_PEER, expires_s);
	uint32_t slot = insert(part, &entry);

	peer.flow.other = slot + 1;
	*ret_peer = insert(part, &peer);
	flows_entry(part, slot)->other = *ret_peer + 1;
	return slot;
}

static unsigned int walk(uint32_t step, uint64_t *ret_marks)
{
	uint64_t cursor = 0;
	struct flow flow;
	unsigned int n = 0;
	int r;

	*ret_marks = 0;
	while ((r = flows_next(flows, &cursor, step, &flow)) >= 0) {
		if (!r)
			continue;
		assert_true(flow.expires_s <= HOUR && flow.expires_s >= HOUR - 5);
		assert_true(flow.age_s <= 5);
		*ret_marks += flow.flow.mark;
		n++;
	}
	assert_int_equal(r, -ENOENT);
	return n;
}

static void test_walk(void **state)
{
	struct plan_conntrack plan = plan_of(2000, 100, 0);
	uint64_t marks, want = 0, taken, slots, bytes;
	struct flows_table table;
	union entry entry;
	uint32_t i, peer;

	change(&plan);
	table = other("ct");
	for (i = 0; i < 1000; i++, want += 7 * i) {
		entry = entry_of(false, i, 0, HOUR);
		insert(&table.part[0], &entry);
	}
	want -= 7 * i;
	for (i = 1; i <= 10; i++) {
		entry = entry_of(true, i, 0, HOUR);
		insert(&table.part[1], &entry);
	}
	want += 7 * 55;
	insert_pair(&table.part[0], 5000, HOUR, &peer);		/* shown once */
	want += 7 * 5000;
	entry = entry_of(false, 6000, 0, HOUR);
	entry.flow.life -= (HOUR + 1) * jiffies_hz();		/* over: not shown */
	insert(&table.part[0], &entry);
	assert_int_equal(walk(UINT32_MAX, &marks), 1011);
	assert_int_equal(marks, want);
	assert_int_equal(walk(1, &marks), 1011);
	assert_int_equal(marks, want);
	flows_size(flows, 0, &taken, &slots, &bytes);
	assert_int_equal(taken, 1003);
	flows_table_close(&table);
}

static unsigned int n_gone;
static uint64_t gone_marks;

static void count_gone(void *arg, const struct flow *flow)
{
	assert_ptr_equal(arg, &n_gone);
	gone_marks += flow->flow.mark;
	n_gone++;
}

static void test_remove(void **state)
{
	struct plan_conntrack plan = plan_of(2000, 100, 0);
	struct flows_table table;
	struct conntrack_flow *entry;
	uint64_t cursor = 0, again = 0;
	struct flow flow;
	uint32_t slot, peer;

	change(&plan);
	flows_on_gone(flows, count_gone, &n_gone);
	n_gone = gone_marks = 0;
	table = other("ct");
	slot = insert_pair(&table.part[0], 9, HOUR, &peer);
	assert_int_equal(flows_next(flows, &cursor, UINT32_MAX, &flow), 1);
	entry = flows_entry(&table.part[0], slot);
	entry->life += 12345;					/* packets went on */
	assert_int_equal(flows_remove(flows, &flow), 0);
	assert_int_equal(check(&table.part[0]), 0);		/* its second entry as well */
	assert_int_equal(flows_remove(flows, &flow), -ENOENT);
	assert_int_equal(n_gone, 1);
	assert_int_equal(gone_marks, 63);
	assert_int_equal(flows_stat(flows, CONNTRACK_STAT_GONE), 1);

	slot = insert_pair(&table.part[0], 9, HOUR, &peer);	/* another generation of the slot */
	assert_int_equal(flows_remove(flows, &flow), -ENOENT);
	assert_int_equal(flows_next(flows, &again, UINT32_MAX, &flow), 1);
	assert_int_equal(flow.slot, slot);
	flows_table_close(&table);
}

/* ---- sweep ---- */

/* An entry, and not its second one */
static void clear(const struct flows_part *part, uint32_t slot)
{
	uint64_t *word = &part->word[conntrack_first_bucket(hash_of(part, slot), part->buckets)];

	if (conntrack_life_flags(flows_entry(part, slot)->life) & CONNTRACK_SPILLED)
		*word = conntrack_word_spill(*word, -1);
	word = &part->word[slot / CONNTRACK_WAYS];
	flows_entry(part, slot)->life &= CONNTRACK_GEN_BITS;
	*word = conntrack_word_put(*word, slot % CONNTRACK_WAYS, 0);
}

static void test_sweep(void **state)
{
	struct plan_conntrack plan = plan_of(20000, 1000, 0);
	unsigned int went = 0, steps = 0, some;
	uint32_t i, peer, dead_peer, left_peer, slot;
	struct flows_table table;
	union entry entry;

	change(&plan);
	flows_on_gone(flows, count_gone, &n_gone);
	n_gone = gone_marks = 0;
	table = other("ct");
	for (i = 0; i < 10000; i++) {
		entry = entry_of(false, i, 0, HOUR);
		if (i % 4 == 0)
			entry.flow.life -= (HOUR + 1) * jiffies_hz();
		insert(&table.part[0], &entry);
	}
	insert_pair(&table.part[0], 20000, HOUR, &peer);
	flows_entry(&table.part[0], peer)->life -= (HOUR + 1) * jiffies_hz();	/* lives by its flow */
	slot = insert_pair(&table.part[0], 20001, HOUR, &dead_peer);
	flows_entry(&table.part[0], slot)->other = 0;				/* it does not know it */
	flows_entry(&table.part[0], dead_peer)->life -= (HOUR + 1) * jiffies_hz();
	slot = insert_pair(&table.part[0], 20002, HOUR, &left_peer);
	flows_entry(&table.part[0], left_peer)->life -= (HOUR + 1) * jiffies_hz();
	clear(&table.part[0], slot);						/* it is gone */
	entry = entry_of(true, 7, 0, HOUR);
	entry.flow.life -= (HOUR + 1) * jiffies_hz();
	insert(&table.part[1], &entry);

	for (i = 0; i < flows_slots(flows); i += 1000) {
		some = flows_sweep(flows, 1000);
		went += some;
		steps += some > 0;
	}
	assert_int_equal(went, 2501);
	assert_true(steps > 20);		/* it goes by pieces */
	assert_int_equal(n_gone, 2501);
	assert_int_equal(flows_stat(flows, CONNTRACK_STAT_GONE), 2501);
	assert_int_equal(check(&table.part[0]), 7500 + 2 + 1);
	assert_int_equal(check(&table.part[1]), 0);
	assert_true(conntrack_life_state(flows_life(flows_entry(&table.part[0], peer))));
	assert_false(conntrack_life_state(flows_life(flows_entry(&table.part[0], dead_peer))));
	assert_false(conntrack_life_state(flows_life(flows_entry(&table.part[0], left_peer))));
	assert_int_equal(flows_sweep(flows, UINT32_MAX), 0);
	flows_table_close(&table);
}

/* Who died over an entry has left a claim, an entry that no tag shows, or a tag without an entry */
static void test_mend(void **state)
{
	struct plan_conntrack plan = plan_of(100, 1, 0);
	struct conntrack_flow *flow[4];
	struct flows_table table;
	union entry entry;
	uint32_t slot[4], i;

	change(&plan);
	table = other("ct");
	for (i = 0; i < 4; i++) {
		entry = entry_of(false, i, 0, HOUR);
		slot[i] = insert(&table.part[0], &entry);
		flow[i] = flows_entry(&table.part[0], slot[i]);
	}
	for (i = 0; i < 2; i++) {
		uint64_t *word = &table.part[0].word[slot[i] / CONNTRACK_WAYS];

		*word = conntrack_word_put(*word, slot[i] % CONNTRACK_WAYS, 0);
	}
	flow[0]->life = conntrack_life(flow[0]->life, 0, CONNTRACK_NONE, CONNTRACK_CLAIMED);
	flow[2]->life = conntrack_life(flow[2]->life, 0, CONNTRACK_NONE, 0);
	flows_sweep(flows, UINT32_MAX);
	flows_sweep(flows, UINT32_MAX);
	assert_true(conntrack_life_claimed(flow[0]->life));	/* somebody may be at it */
	assert_true(conntrack_life_state(flow[1]->life));
	sleep(2);
	flows_sweep(flows, UINT32_MAX);
	assert_int_equal(check(&table.part[0]), 1);
	assert_int_equal(flow[0]->life & ~CONNTRACK_GEN_BITS, 0);
	flows_table_close(&table);
}

/* ---- another size ---- */

static void set_counts(const struct flows_part *part, uint32_t slot, uint64_t n)
{
	part->counts[slot] = (struct conntrack_counts){ { n, n + 1 }, { n + 2, n + 3 } };
}

static void test_carried(void **state)
{
	struct plan_conntrack small = plan_of(MANY * 5 / 4, MANY * 5 / 4, CONNTRACK_COUNT);
	struct plan_conntrack large = plan_of(5 * MANY, 3 * MANY, CONNTRACK_COUNT);
	struct flows_table before, after;
	unsigned int six;
	union entry entry;
	uint32_t i, slot;

	change(&small);
	before = other("ct");
	before.stats[0].n[CONNTRACK_STAT_NEW] = 77;
	for (six = 0; six < 2; six++)
		for (i = 0; i < MANY; i++) {
			entry = entry_of(six, i, i % 2 ? CONNTRACK_REPLIED : 0, HOUR);
			set_counts(&before.part[six], insert(&before.part[six], &entry), i);
		}
	change(&large);
	after = other("ct");
	assert_int_not_equal(after.conf->seed[0], before.conf->seed[0]);
	for (six = 0; six < 2; six++) {
		assert_int_equal(check(&after.part[six]), MANY);
		for (i = 0; i < MANY; i++) {
			entry = entry_of(six, i, 0, HOUR);
			slot = find(&after.part[six], &entry);
			assert_int_not_equal(slot, UINT32_MAX);
			assert_int_equal(flows_entry(&after.part[six], slot)->mark, 7 * i);
			assert_int_equal(flows_entry(&after.part[six], slot)->policy, i % 16);
			assert_int_equal(after.part[six].counts[slot].bytes[1], i + 3);
		}
	}
	assert_int_equal(flows_stat(flows, CONNTRACK_STAT_NEW), 77);	/* goes on */
	assert_int_equal(flows_stat(flows, CONNTRACK_STAT_GONE), 0);
	flows_table_close(&before);
	flows_table_close(&after);
}

/* What programs do to either table while both are there. Numbers of flows */
enum { STAYS, RENEWED, MARKED, REMOVED, REUSED, NEWER, CHANGED_THERE, ANEW_THERE, PAIR, GONE_THERE };

static void test_carried_while_used(void **state)
{
	struct plan_conntrack small = plan_of(1000, 10, CONNTRACK_COUNT | CONNTRACK_WINDOW);
	struct plan_conntrack large = plan_of(3000, 10, CONNTRACK_COUNT | CONNTRACK_WINDOW);
	struct flows_table before, after;
	struct conntrack_flow *flow;
	uint32_t slot[16], peer, i, at;
	union entry entry;
	uint64_t life;

	change(&small);
	before = other("ct");
	for (i = STAYS; i <= GONE_THERE; i++) {
		entry = entry_of(false, i, 0, HOUR);
		if (i == PAIR)
			slot[i] = insert_pair(&before.part[0], i, HOUR, &peer);
		else if (i != NEWER && i != ANEW_THERE)
			slot[i] = insert(&before.part[0], &entry);
	}
	before.part[0].seqs[slot[STAYS]].end[0] = 1000;
	set_counts(&before.part[0], slot[STAYS], 100);
	reserve(&large);
	after = other("ct_new");
	assert_int_equal(check(&after.part[0]), 9);

	/* with the old one */
	before.part[0].seqs[slot[STAYS]].end[0] = 2000;
	set_counts(&before.part[0], slot[STAYS], 200);
	flows_entry(&before.part[0], slot[RENEWED])->life += 5;
	flows_entry(&before.part[0], slot[MARKED])->mark = 99;
	for (i = REMOVED; i <= REUSED; i++) {
		life = flows_life(flows_entry(&before.part[0], slot[i]));
		assert_true(flows_take(&before.part[0], slot[i], life));
	}
	entry = entry_of(false, NEWER, 0, HOUR);
	insert(&before.part[0], &entry);
	entry = entry_of(false, ANEW_THERE, 0, HOUR);
	insert(&before.part[0], &entry);

	/* with the new one */
	entry = entry_of(false, CHANGED_THERE, 0, HOUR);
	at = find(&after.part[0], &entry);
	flow = flows_entry(&after.part[0], at);
	flow->life += 50;
	flow->mark = 1234;
	flows_entry(&before.part[0], slot[CHANGED_THERE])->life += 7;
	entry = entry_of(false, ANEW_THERE, CONNTRACK_REPLIED, HOUR);
	insert(&after.part[0], &entry);
	entry = entry_of(false, STAYS, 0, HOUR);
	set_counts(&after.part[0], find(&after.part[0], &entry), 1);
	after.part[0].seqs[find(&after.part[0], &entry)].end[0] = 1500;
	entry = entry_of(false, GONE_THERE, 0, HOUR);
	at = find(&after.part[0], &entry);
	assert_true(flows_take(&after.part[0], at, flows_life(flows_entry(&after.part[0], at))));

	flows_refresh(flows);
	flows_settle(flows);
	entry = entry_of(false, STAYS, 0, HOUR);
	at = find(&after.part[0], &entry);
	assert_int_equal(after.part[0].counts[at].packets[0], 201);	/* both tables' */
	assert_int_equal(after.part[0].seqs[at].end[0], 2000);
	entry = entry_of(false, RENEWED, 0, HOUR);
	flow = flows_entry(&after.part[0], find(&after.part[0], &entry));
	assert_int_equal((uint32_t)flow->life,
			 (uint32_t)flows_entry(&before.part[0], slot[RENEWED])->life);
	entry = entry_of(false, MARKED, 0, HOUR);
	assert_int_equal(flows_entry(&after.part[0], find(&after.part[0], &entry))->mark, 99);
	entry = entry_of(false, REMOVED, 0, HOUR);
	assert_int_equal(find(&after.part[0], &entry), UINT32_MAX);
	entry = entry_of(false, REUSED, 0, HOUR);
	assert_int_equal(find(&after.part[0], &entry), UINT32_MAX);
	entry = entry_of(false, NEWER, 0, HOUR);
	assert_int_not_equal(find(&after.part[0], &entry), UINT32_MAX);
	entry = entry_of(false, CHANGED_THERE, 0, HOUR);
	flow = flows_entry(&after.part[0], find(&after.part[0], &entry));
	assert_int_equal(flow->mark, 1234);
	assert_int_equal((uint32_t)flow->life,
			 (uint32_t)flows_entry(&before.part[0], slot[CHANGED_THERE])->life + 43);
	entry = entry_of(false, ANEW_THERE, 0, HOUR);
	flow = flows_entry(&after.part[0], find(&after.part[0], &entry));
	assert_true(conntrack_life_flags(flow->life) & CONNTRACK_REPLIED);
	entry = entry_of(false, GONE_THERE, 0, HOUR);
	assert_int_equal(find(&after.part[0], &entry), UINT32_MAX);
	entry = entry_of(false, PAIR, CONNTRACK_PEER, HOUR);		/* both know each other */
	at = find(&after.part[0], &entry);
	assert_int_not_equal(at, UINT32_MAX);
	flow = flows_entry(&after.part[0], flows_entry(&after.part[0], at)->other - 1);
	assert_int_equal(flow->other, at + 1);
	assert_int_equal(flow->mark, 7 * PAIR);
	check(&after.part[0]);
	flows_table_close(&before);
	flows_table_close(&after);
}

/* Those that have seen both ways first; the others are counted */
static void test_carried_into_less(void **state)
{
	struct plan_conntrack large = plan_of(4000, 10, 0), small = plan_of(600, 10, 0);
	struct flows_table table;
	uint32_t i, kept = 0, slots;
	union entry entry;

	change(&large);
	table = other("ct");
	for (i = 0; i < 2000; i++) {
		entry = entry_of(false, i, i < 1500 ? 0 : CONNTRACK_REPLIED, HOUR);
		insert(&table.part[0], &entry);
	}
	flows_table_close(&table);
	change(&small);
	table = other("ct");
	slots = flows_part_slots(&table.part[0]);
	for (i = 0; i < 2000; i++) {
		entry = entry_of(false, i, 0, HOUR);
		if (find(&table.part[0], &entry) == UINT32_MAX)
			assert_true(i < 1500);
		else
			kept++;
	}
	assert_int_equal(check(&table.part[0]), kept);
	assert_true(kept > slots * 97 / 100);
	assert_int_equal(flows_stat(flows, CONNTRACK_STAT_GONE), 2000 - kept);
	assert_int_equal(flows_stat(flows, CONNTRACK_STAT_FULL), 2000 - kept);
	flows_table_close(&table);
}

/* ---- at the same time ---- */

#define KEYS	32		/* few: the threads meet */
#define TURNS	200000
#define ROUNDS	3000

static struct flows_table raced;
static uint32_t raced_at;	/* jiffies: not asked for between meeting and insertion */
static atomic_uint waiting;
static atomic_int won[KEYS];	/* who brought a key in */
static atomic_bool stop;
static atomic_long balance;	/* entries that went in, less those taken out */

/* Both, to a moment: who sleeps comes late. @step: how many meetings there were before */
static void meet(unsigned int step)
{
	unsigned int i;

	atomic_fetch_add(&waiting, 1);
	for (i = 0; atomic_load(&waiting) < 2 * (step + 1); i++)
		if (i > 10000)
			sched_yield();
}

/* @step: how many meetings there were; one more for each key. Return: false: not as it may be */
static bool insert_all(unsigned int step)
{
	union entry entry;
	uint32_t slot, i;
	bool good = true;
	int r;

	for (i = 0; i < KEYS; i++) {
		entry = entry_of(false, i, 0, HOUR);
		meet(step + i);
		r = flows_insert(&raced.part[0], &entry, NULL, raced_at, &slot);
		if (r == 0)
			atomic_fetch_add(&won[i], 1);
		good = good && (r == 0 || r == -EEXIST);
	}
	return good;
}

static void *inserter(void *arg)
{
	bool good = true;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		good = insert_all(i * (KEYS + 1)) && good;
		meet(i * (KEYS + 1) + KEYS);
	}
	return good ? NULL : (void *)1L;
}

/* Two bring in the same keys at the same moment: of each, one does */
static void test_same_key(void **state)
{
	struct plan_conntrack plan = plan_of(50, 1, 0);
	uint32_t round, i, slot;
	union entry entry;
	pthread_t thread;
	void *answer;

	change(&plan);
	raced = other("ct");
	atomic_store(&waiting, 0);
	raced_at = now();
	assert_int_equal(pthread_create(&thread, NULL, inserter, NULL), 0);
	for (round = 0; round < ROUNDS; round++) {
		assert_true(insert_all(round * (KEYS + 1)));
		meet(round * (KEYS + 1) + KEYS);
		assert_int_equal(check(&raced.part[0]), KEYS);
		for (i = 0; i < KEYS; i++) {
			entry = entry_of(false, i, 0, HOUR);
			slot = find(&raced.part[0], &entry);
			assert_int_equal(atomic_exchange(&won[i], 0), 1);
			assert_true(flows_take(&raced.part[0], slot,
					       flows_life(flows_entry(&raced.part[0], slot))));
		}
	}
	assert_int_equal(pthread_join(thread, &answer), 0);
	assert_null(answer);
	flows_table_close(&raced);
}

static void *racer(void *arg)
{
	uint64_t random = (uintptr_t)arg;
	union entry entry;
	uint32_t slot, i;
	uint64_t life;
	int r;

	for (i = 0; i < TURNS; i++) {
		entry = entry_of(false, unit_random(&random) % KEYS, 0, HOUR);
		r = flows_insert(&raced.part[0], &entry, NULL, now(), &slot);
		if (r == 0) {
			atomic_fetch_add(&balance, 1);
		} else if (r == -EEXIST) {
			life = flows_life(flows_entry(&raced.part[0], slot));
			if (conntrack_life_state(life) && flows_take(&raced.part[0], slot, life))
				atomic_fetch_sub(&balance, 1);
		} else if (r != -ENOSPC && r != -EAGAIN) {
			return (void *)(intptr_t)r;
		}
	}
	return NULL;
}

static void *sweeper(void *arg)
{
	uint64_t cursor = 0;
	struct flow flow;
	int r;

	while (!atomic_load(&stop)) {
		r = flows_next(flows, &cursor, 1000, &flow);
		if (r < 0)
			cursor = 0;
		else if (r == 1 && flow.flow4.key.proto != 6)
			return (void *)1L;
		if (r == 1 && flow.slot % 3 == 0 && flows_remove(flows, &flow) == 0)
			atomic_fetch_sub(&balance, 1);
		flows_sweep(flows, 100);
	}
	return NULL;
}

/* Two that insert and take out the same keys, one that walks, removes and sweeps */
static void test_race(void **state)
{
	struct plan_conntrack plan = plan_of(30, 1, 0);
	pthread_t thread[3];
	unsigned int i;
	void *answer;

	change(&plan);
	raced = other("ct");
	atomic_store(&stop, false);
	atomic_store(&balance, 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, racer,
						(void *)(uintptr_t)(seed + i + 1)), 0);
	assert_int_equal(pthread_create(&thread[2], NULL, sweeper, NULL), 0);
	for (i = 0; i < 3; i++) {
		if (i == 2)
			atomic_store(&stop, true);
		assert_int_equal(pthread_join(thread[i], &answer), 0);
		assert_null(answer);
	}
	assert_int_equal(check(&raced.part[0]), atomic_load(&balance));
	flows_table_close(&raced);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_made), TEST(test_settings_alone), TEST(test_adopted), TEST(test_not_adopted),
		TEST(test_killed), TEST(test_dropped), TEST(test_full_size), TEST(test_overfull),
		TEST(test_walk), TEST(test_remove), TEST(test_sweep), TEST(test_mend),
		TEST(test_carried), TEST(test_carried_while_used), TEST(test_carried_into_less),
		TEST(test_same_key), TEST(test_race),
	};
	struct err err = { 0 };

	/* What is mounted here goes with this process */
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		perror("a mount namespace of our own");
		return 1;
	}
	seed = unit_seed();
	jiffies_open(&jiffies);
	snprintf(bpffs, sizeof(bpffs), "%s/bpf", unit_folder());
	if (pins_open(bpffs, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	return unit_main(tests, N(tests));
}
