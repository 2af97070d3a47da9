/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * flows_world.h - a flow table on maps of the kernel, and programs that use it
 *
 * A second mapping of the same pins stands for programs: they keep to the same rules.
 */
#ifndef TESTS_FLOWS_WORLD_H
#define TESTS_FLOWS_WORLD_H

#include <errno.h>
#include <sched.h>
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

static inline void ok(int r, const struct err *err)
{
	if (r < 0)
		fail_msg("%d: %s", r, err->text);
}

static inline uint32_t now(void)
{
	return jiffies_now(&jiffies);
}

static inline void path_of(const char *name, char *ret_path)
{
	snprintf(ret_path, PINS_PATH_MAX, "%s/%s", bpffs, name);
}

static inline void reopen(void)
{
	struct err err = { 0 };

	flows_close(flows);
	flows = NULL;
	ok(flows_open(bpffs, &flows, &err), &err);
}

static inline struct plan_conntrack plan_of(uint32_t flows4, uint32_t flows6, uint32_t flags)
{
	struct plan_conntrack plan = { .flows = { flows4, flows6 }, .flags = flags };
	unsigned int i, k;

	for (i = 0; i < CONNTRACK_POLICIES; i++)
		for (k = 0; k < CONNTRACK_STATE_MAX; k++)
			plan.timeout_ms[i][k] = 1000 * (i + 1) + k;
	return plan;
}

static inline void reserve(const struct plan_conntrack *plan)
{
	struct err err = { 0 };

	ok(flows_reserve(flows, plan, &err), &err);
}

/* As a commit does */
static inline void change(const struct plan_conntrack *plan)
{
	reserve(plan);
	flows_refresh(flows);
	flows_settle(flows);
	flows_configure(flows, plan);
}

/* The table as somebody else has it: what is pinned in @dir */
static inline struct flows_table other(const char *dir)
{
	struct flows_table table;
	char path[PINS_PATH_MAX];
	struct err err = { 0 };

	path_of(dir, path);
	ok(flows_table_adopt(path, &table, &err), &err);
	return table;
}

static inline int setup(void **state)
{
	struct err err = { 0 };

	if (flows_open(bpffs, &flows, &err) == 0)
		return 0;
	print_error("%s\n", err.text);
	return -1;
}

static inline int teardown(void **state)
{
	if (flows)
		flows_drop(flows);
	flows_close(flows);
	flows = NULL;
	return 0;
}

/* Flow number @i; its second entry has another port */
static inline union entry entry_of(bool six, uint32_t i, uint32_t flags, uint32_t expires_s)
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

static inline uint32_t insert(const struct flows_part *part, const union entry *entry)
{
	uint32_t slot = UINT32_MAX;

	assert_int_equal(flows_insert(part, entry, NULL, now(), &slot), 0);
	return slot;
}

static inline uint32_t find(const struct flows_part *part, const union entry *entry)
{
	uint32_t slot;

	return flows_find(part, &(&entry->flow)[1], now(), &slot) ? UINT32_MAX : slot;
}

static inline uint64_t hash_of(const struct flows_part *part, uint32_t slot)
{
	const void *key = flows_entry(part, slot) + 1;

	return part->six ? conntrack_hash6(key, part->conf->seed[0], part->conf->seed[1]) :
			   conntrack_hash4(key, part->conf->seed[0], part->conf->seed[1]);
}

/* Tags, lives and counts of what spilled say the same; no key is there twice. Return: entries */
static inline uint32_t check(const struct flows_part *part)
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

/* A flow with a second entry */
static inline uint32_t insert_pair(const struct flows_part *part, uint32_t i,
				   uint32_t expires_s, uint32_t *ret_peer)
{
	union entry entry = entry_of(false, i, CONNTRACK_SNAT, expires_s);
	union entry peer = entry_of(false, i, CONNTRACK_PEER, expires_s);
	uint32_t slot = insert(part, &entry);

	peer.flow.other = slot + 1;
	*ret_peer = insert(part, &peer);
	flows_entry(part, slot)->other = *ret_peer + 1;
	return slot;
}

static inline unsigned int walk(uint32_t step, uint64_t *ret_marks)
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

static inline int world_main(const struct CMUnitTest *tests, size_t n)
{
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
	return unit_main(tests, n);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
