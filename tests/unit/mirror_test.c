// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* mirror_test.c - the mirror's tables against plain lists, over random changes */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if_bridge.h>
#include <linux/rtnetlink.h>

#include <mirror/compare.h>

#include "../lib/unit.h"

#define STEPS	200000

static uint32_t next_random(void)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state >> 16;
}

/* ---- hash -------------------------------------------------------------------------------- */
#define KEYS	5000

struct pair {
	uint32_t key, value;
};

static int64_t told[KEYS];	/* by what it was told of: value + 1; 0: none */

static void follow(void *arg, const void *entry, bool gone)
{
	const struct pair *pair = entry;

	told[pair->key] = gone ? 0 : (int64_t)pair->value + 1;
}

static void must_be(const struct hash *hash, const int64_t *list, uint32_t key)
{
	const struct pair *pair = hash_find(hash, &key);

	assert_int_equal(pair ? (int64_t)pair->value + 1 : 0, list[key]);
	assert_int_equal(told[key], list[key]);
}

static void test_hash(void **state)
{
	static int64_t list[KEYS], before[KEYS];
	struct hash hash = HASH(struct pair, value);
	struct pair pair;
	uint32_t i, key, n = 0;
	bool changed;

	hash.changed = follow;
	for (i = 0; i < STEPS; i++) {
		/* keys that are many at times, and few at others */
		pair.key = key = next_random() % (i / 20000 % 2 ? 50 : KEYS);
		pair.value = next_random() % 3;
		if (next_random() % 2) {
			changed = list[key] != pair.value + 1;
			n += !list[key];
			list[key] = pair.value + 1;
			assert_int_equal(hash_set(&hash, &pair), changed);
		} else {
			changed = list[key];
			n -= changed;
			list[key] = 0;
			assert_int_equal(hash_del(&hash, &key), changed);
		}
		assert_int_equal(hash.n, n);
		must_be(&hash, list, key);
		must_be(&hash, list, next_random() % KEYS);
	}
	/* a dump has a third of them, and others */
	memcpy(before, list, sizeof(list));
	memset(list, 0, sizeof(list));
	hash_mark(&hash);
	for (key = 0; key < KEYS; key += 3) {
		pair = (struct pair){ key, 7 };
		list[key] = 8;
		hash_set(&hash, &pair);
	}
	for (key = 0; key < KEYS; key++)
		if (key % 3)
			assert_int_equal(told[key], before[key]);	/* until the sweep */
	n = hash.n;
	assert_int_equal(hash_sweep(&hash), n - (KEYS + 2) / 3);
	for (key = 0; key < KEYS; key++)
		must_be(&hash, list, key);
	assert_int_equal(hash_sweep(&hash), 0);
	hash_fini(&hash);
}

/* ---- routes ------------------------------------------------------------------------------ */
#define PREFIXES	40
#define ALTS		8
#define WAYS		6

/* Alternatives of each prefix, in order; ways are numbers that the way's mtu says */
struct model {
	unsigned int n[PREFIXES];
	unsigned int alt[PREFIXES][ALTS];
};

static struct route route_key(unsigned int prefix)
{
	return (struct route){
		.prefix = { .v4_prefix = { 0, 0, htonl(0xffff) }, .v4 = htonl(10u << 24 | prefix << 8) },
		.table = RT_TABLE_MAIN, .family = AF_INET, .len = 24,
	};
}

static struct way *way_of(unsigned int number)
{
	static union { struct way way; char bytes[sizeof(struct way) + sizeof(struct way_hop)]; } room;

	memset(&room, 0, sizeof(room));
	room.way.type = RTN_UNICAST;
	room.way.mtu = 1000 + number;
	room.way.n_hops = number % 2;		/* lengths differ, too */
	if (room.way.n_hops)
		room.way.hop[0].ifindex = number;
	return &room.way;
}

static void insert(struct model *model, unsigned int prefix, unsigned int at, unsigned int way)
{
	unsigned int *alt = model->alt[prefix];

	memmove(&alt[at + 1], &alt[at], (model->n[prefix] - at) * sizeof(*alt));
	alt[at] = way;
	model->n[prefix]++;
}

static void take_out(struct model *model, unsigned int prefix, unsigned int at)
{
	unsigned int *alt = model->alt[prefix];

	model->n[prefix]--;
	memmove(&alt[at], &alt[at + 1], (model->n[prefix] - at) * sizeof(*alt));
}

static unsigned int find_way(const struct model *model, unsigned int prefix, unsigned int way)
{
	unsigned int i;

	for (i = 0; i < model->n[prefix] && model->alt[prefix][i] != way; i++)
		;
	return i;
}

static void must_equal(const struct route_table *table, const struct model *model)
{
	unsigned int prefix, alt, n = 0;
	uint64_t users = 0;

	for (prefix = 0; prefix < PREFIXES; prefix++) {
		struct route key = route_key(prefix);

		for (alt = 0; alt <= model->n[prefix]; alt++) {
			const struct route *route;

			key.alt = alt;
			route = route_find(table, &key);
			if (alt == model->n[prefix])
				assert_null(route);
			else
				assert_int_equal(route_way(table, route)->mtu,
						 1000 + model->alt[prefix][alt]);
		}
		n += model->n[prefix];
	}
	assert_int_equal(table->hash.n, n);
	for (uint32_t i = 0; i < table->ways.n; i++)
		if (table->ways.slot[i].way)
			users += table->ways.slot[i].users;
	assert_int_equal(users, n);
	assert_true(table->ways.used <= WAYS);
}

/* What the kernel would do, of which it tells */
static void change(struct route_table *table, struct model *model, unsigned int prefix,
		   unsigned int way)
{
	struct route key = route_key(prefix);
	unsigned int n = model->n[prefix], at = find_way(model, prefix, way);
	bool doubt = false;

	if (at < n) {
		take_out(model, prefix, at);
		assert_true(route_del(table, &key, way_of(way), &doubt));
		assert_false(doubt);
	} else if (!n) {
		insert(model, prefix, 0, way);
		assert_true(route_set(table, &key, way_of(way), ROUTE_NEW));
	} else if (next_random() % 3 == 0) {
		model->alt[prefix][0] = way;
		assert_true(route_set(table, &key, way_of(way), ROUTE_REPLACE));
	} else if (next_random() % 2) {
		insert(model, prefix, n, way);
		assert_true(route_set(table, &key, way_of(way), ROUTE_APPEND));
	} else {
		insert(model, prefix, 0, way);
		assert_true(route_set(table, &key, way_of(way), ROUTE_PREPEND));
	}
}

static bool is_gone(const struct way *way, void *arg)
{
	return way->mtu == 1000 + *(unsigned int *)arg;
}

static void purge(struct route_table *table, struct model *model, unsigned int way)
{
	unsigned int prefix, n = 0;

	for (prefix = 0; prefix < PREFIXES; prefix++)
		if (find_way(model, prefix, way) < model->n[prefix]) {
			take_out(model, prefix, find_way(model, prefix, way));
			n++;
		}
	assert_int_equal(route_purge(table, is_gone, &way, AF_INET6), 0);
	assert_int_equal(route_purge(table, is_gone, &way, AF_INET), n);
}

/* As the kernel has them now, after it changed some without a word */
static void dump(struct route_table *table, struct model *model)
{
	unsigned int prefix, alt;

	for (prefix = 0; prefix < PREFIXES; prefix++)
		if (model->n[prefix] && next_random() % 3 == 0)
			take_out(model, prefix, next_random() % model->n[prefix]);
		else if (next_random() % 3 == 0 && find_way(model, prefix, 0) == model->n[prefix])
			insert(model, prefix, next_random() % (model->n[prefix] + 1), 0);
	hash_mark(&table->hash);
	for (prefix = 0; prefix < PREFIXES; prefix++) {
		struct route key = route_key(prefix);

		for (alt = 0; alt < model->n[prefix]; alt++)
			route_set(table, &key, way_of(model->alt[prefix][alt]), ROUTE_NEW);
	}
	route_sweep(table);
}

static void test_routes(void **state)
{
	struct route_table table = ROUTE_TABLE;
	struct model model = {};
	unsigned int i;

	for (i = 0; i < STEPS / 4; i++) {
		change(&table, &model, next_random() % PREFIXES, next_random() % WAYS);
		if (i % 64 == 0)
			purge(&table, &model, next_random() % WAYS);
		if (i % 97 == 0)
			dump(&table, &model);
		if (i % 16 == 0)
			must_equal(&table, &model);
	}
	route_table_fini(&table);
}

/* One that is new although there are others: those went without a word */
static void test_new_route(void **state)
{
	struct route_table table = ROUTE_TABLE;
	struct model model = {};
	struct route key = route_key(3);
	bool doubt = false;

	route_set(&table, &key, way_of(1), ROUTE_NEW);
	route_set(&table, &key, way_of(2), ROUTE_APPEND);
	assert_false(route_set(&table, &key, way_of(2), ROUTE_APPEND));
	insert(&model, 3, 0, 4);
	assert_true(route_set(&table, &key, way_of(4), ROUTE_NEW));
	must_equal(&table, &model);
	assert_false(route_del(&table, &key, way_of(5), &doubt));
	assert_true(doubt);
	must_equal(&table, &model);
	route_table_fini(&table);
}

/* ---- others ------------------------------------------------------------------------------ */
static void test_groups(void **state)
{
	struct nhobj_member members[] = { { 1, 3 }, { 2, 1 } };
	struct nhobj_table table = NHOBJ_TABLE;
	struct nhobj nhobj = { .kind = NHOBJ_HOP };
	struct nhobj_bucket bucket = { .group = 10 };

	for (nhobj.id = 1; nhobj.id <= 3; nhobj.id++) {
		nhobj.ifindex = nhobj.id;
		assert_true(nhobj_set(&table, &nhobj));
		assert_false(nhobj_set(&table, &nhobj));
	}
	nhobj = (struct nhobj){ .id = 10, .kind = NHOBJ_RESILIENT, .member = members, .n_members = 2 };
	assert_true(nhobj_set(&table, &nhobj));
	assert_false(nhobj_set(&table, &nhobj));
	for (bucket.index = 0; bucket.index < 8; bucket.index++)
		hash_set(&table.buckets, &bucket);
	members[1].weight = 2;
	assert_true(nhobj_set(&table, &nhobj));
	assert_int_equal(nhobj_find(&table, 10)->member[1].weight, 2);

	assert_true(nhobj_del(&table, 1));
	assert_int_equal(nhobj_find(&table, 10)->n_members, 1);
	assert_int_equal(nhobj_find(&table, 10)->member[0].id, 2);
	assert_int_equal(nhobj_del_link(&table, 2), 2);		/* and the group, with its buckets */
	assert_null(nhobj_find(&table, 10));
	assert_int_equal(table.buckets.n, 0);
	assert_non_null(nhobj_find(&table, 3));
	assert_false(nhobj_del(&table, 1));
	nhobj_table_fini(&table);
}

static void test_pvid(void **state)
{
	struct vlan vlan = { .ifindex = 5, .vid = 1, .flags = BRIDGE_VLAN_INFO_PVID };
	struct hash vlans = VLAN_TABLE;
	const struct vlan *one;

	assert_true(vlan_set(&vlans, &vlan));
	assert_false(vlan_set(&vlans, &vlan));
	vlan.vid = 7;
	assert_true(vlan_set(&vlans, &vlan));
	vlan.vid = 1;
	one = hash_find(&vlans, &vlan);
	assert_int_equal(one->flags, 0);		/* there is one PVID a port */
	for (vlan.vid = 100; vlan.vid < 200; vlan.vid++)
		hash_set(&vlans, &(struct vlan){ .ifindex = 6, .vid = vlan.vid });
	assert_int_equal(vlan_del_link(&vlans, 5), 2);
	assert_int_equal(vlans.n, 100);
	hash_fini(&vlans);
}

static void count(void *arg, enum mirror_item item, const void *ours, const void *theirs)
{
	++*(unsigned int *)arg;
}

/* Each table's difference is seen, either way */
static void test_compare(void **state)
{
	static const uint8_t entry[256] = { 1 };
	struct mirror a, b;
	unsigned int n;
	char text[64];

	mirror_init(&a);
	mirror_init(&b);
	for (enum mirror_item item = MIRROR_ITEM_ADDR + 1; item < MIRROR_ITEM_MAX; item++) {
		struct hash *hash = (struct hash *)mirror_table(&a, item);
		struct route key = route_key(1);

		if (item == MIRROR_ITEM_ROUTE)
			route_set(&a.routes, &key, way_of(1), ROUTE_NEW);
		else
			hash_set(hash, entry);
		n = 0;
		compare_mirrors(&a, &b, MIRROR_ALL, count, &n);
		assert_int_equal(n, 1);
		compare_mirrors(&b, &a, MIRROR_ALL, count, &n);
		assert_int_equal(n, 2);
		compare_mirrors(&a, &b, MIRROR_ALL & ~(1u << mirror_item_class(item)), count, &n);
		assert_int_equal(n, 2);
		compare_text(&a, item, hash_at(hash, 0), false, text, sizeof(text));
		assert_true(text[0]);
		compare_text(&a, item, hash_at(hash, 0), false, text, 4);	/* cut */
		assert_true(strlen(text) < 4);
		mirror_begin(&a, mirror_item_class(item));
		assert_int_equal(mirror_end(&a, true), 1);
	}
	mirror_fini(&a);
	mirror_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash), cmocka_unit_test(test_routes),
		cmocka_unit_test(test_new_route), cmocka_unit_test(test_groups),
		cmocka_unit_test(test_pvid), cmocka_unit_test(test_compare),
	};
	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
