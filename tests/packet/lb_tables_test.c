// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* lb_tables_test.c - the tables of load balancers: made, kept, resized, dropped */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <kernel/lb_tables.h>
#include <kernel/pins.h>

#include "../../dataplane/lib/lb_hash.h"
#include "../lib/unit.h"

static char bpffs[128];
static struct err err;

static struct plan_lb plan_of(uint32_t buckets, uint32_t room)
{
	return (struct plan_lb){ .buckets = buckets, .room = room };
}

static struct lb_tables *opened(void)
{
	struct lb_tables *tables = NULL;

	if (lb_tables_open(bpffs, &tables, &err) < 0)
		fail_msg("%s", err.text);
	return tables;
}

static struct lb_tables *made(const struct plan_lb *plan)
{
	struct lb_tables *tables = opened();

	if (lb_tables_reserve(tables, plan, &err) < 0)
		fail_msg("%s", err.text);
	lb_tables_settle(tables, plan);
	return tables;
}

static int fd_of(const struct lb_tables *tables, const char *name)
{
	struct object_map map[LB_TABLE_MAX];
	unsigned int i, n = lb_tables_maps(tables, map);

	for (i = 0; i < n; i++)
		if (!strcmp(map[i].name, name))
			return map[i].fd;
	fail_msg("no table '%s'", name);
	return -1;
}

static uint32_t entries_of(const struct lb_tables *tables, const char *name)
{
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(fd_of(tables, name), &info, &len), 0);
	return info.max_entries;
}

static uint16_t tick(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec * 1000000000ull + ts.tv_nsec) >> LB_TICK_SHIFT;
}

/* As a program remembers it */
static void remember(const struct lb_tables *tables, uint64_t key, uint16_t backend, uint16_t age)
{
	int fd = fd_of(tables, "lb_flows");
	uint32_t at = lb_flow_bucket(key, entries_of(tables, "lb_flows"));
	struct lb_bucket bucket;
	unsigned int i;

	assert_int_equal(bpf_map_lookup_elem(fd, &at, &bucket), 0);
	for (i = 0; i < LB_WAYS && bucket.word[i]; i++)
		;
	assert_true(i < LB_WAYS);
	bucket.word[i] = LB_FLOW(lb_flow_tag(key), backend, tick() - age);
	assert_int_equal(bpf_map_update_elem(fd, &at, &bucket, BPF_ANY), 0);
}

static uint32_t remembered(const struct lb_tables *tables, uint64_t key)
{
	uint32_t age;

	return lb_tables_remembered(tables, key, &age);
}

static void test_kept(void **state)
{
	struct plan_lb plan = plan_of(1024, 1024);
	struct lb_tables *tables = made(&plan);

	assert_true(lb_tables_exist(tables));
	assert_true(lb_tables_fit(tables, &plan));
	lb_tables_backends(tables)[7].mtu = 1400;
	lb_tables_close(tables);

	tables = opened();
	assert_true(lb_tables_exist(tables));
	assert_int_equal(lb_tables_backends(tables)[7].mtu, 1400);
	plan.buckets = 2048;
	assert_false(lb_tables_fit(tables, &plan));
	lb_tables_settle(tables, NULL);
	assert_false(lb_tables_exist(tables));
	lb_tables_close(tables);
	tables = opened();
	assert_false(lb_tables_exist(tables));
	lb_tables_close(tables);
}

/* Flows are found in a table of another size: larger, then smaller */
static void test_resized(void **state)
{
	struct plan_lb plan = plan_of(64, 1024), more = plan_of(512, 1024);
	struct lb_tables *tables = made(&plan);
	uint64_t seed = unit_seed(), key[128];
	uint32_t age = 0;
	unsigned int i;

	for (i = 0; i < 128; i++) {
		key[i] = (unit_random(&seed) & ~0x3full) | i % 64;
		remember(tables, key[i], i + 1, i % 5);
	}
	assert_int_equal(lb_tables_reserve(tables, &more, &err), 0);
	assert_int_equal(entries_of(tables, "lb_flows"), 512);	/* what programs get */
	lb_tables_refresh(tables);
	lb_tables_settle(tables, &more);
	for (i = 0; i < 128; i++)
		assert_int_equal(remembered(tables, key[i]), i + 1);
	assert_int_equal(lb_tables_remembered(tables, key[4], &age), 5);
	assert_in_range(age, 4, 5);
	assert_int_equal(lb_tables_reserve(tables, &plan, &err), 0);
	lb_tables_settle(tables, &plan);
	assert_int_equal(entries_of(tables, "lb_flows"), 64);
	for (i = 0; i < 128; i++)
		assert_int_equal(remembered(tables, key[i]), i + 1);
	lb_tables_settle(tables, NULL);
	lb_tables_close(tables);
}

/* Of too many for a bucket the ones seen last stay */
static void test_crowded(void **state)
{
	struct plan_lb plan = plan_of(16, 1024), less = plan_of(8, 1024);
	struct lb_tables *tables = made(&plan);
	unsigned int i, kept = 0;
	uint64_t key;

	for (i = 0; i < 16; i++) {	/* eight in bucket 3, eight in 11: one bucket of eight then */
		key = (uint64_t)(i + 1) << 32 | 3 | (i & 1) << 3;
		remember(tables, key, i + 1, i);
	}
	assert_int_equal(lb_tables_reserve(tables, &less, &err), 0);
	lb_tables_settle(tables, &less);
	for (i = 0; i < 16; i++) {
		key = (uint64_t)(i + 1) << 32 | 3;
		if (remembered(tables, key))
			kept++;
		assert_int_equal(remembered(tables, key), i < 8 ? i + 1 : 0);
	}
	assert_int_equal(kept, 8);
	lb_tables_settle(tables, NULL);
	lb_tables_close(tables);
}

static void test_abandoned(void **state)
{
	struct plan_lb plan = plan_of(64, 1024), more = plan_of(512, 2048);
	struct lb_tables *tables = made(&plan);
	char path[256];

	assert_int_equal(lb_tables_reserve(tables, &more, &err), 0);
	lb_tables_abandon(tables);
	assert_int_equal(entries_of(tables, "lb_flows"), 64);
	snprintf(path, sizeof(path), "%s/lb_new", bpffs);
	assert_int_equal(access(path, F_OK), -1);

	/* A start that finds the larger ones, pinned by a change that did not get through */
	assert_int_equal(lb_tables_reserve(tables, &more, &err), 0);
	lb_tables_close(tables);
	tables = opened();
	assert_true(lb_tables_fit(tables, &plan));
	assert_true(lb_tables_fit(tables, &more));
	assert_int_equal(lb_tables_reserve(tables, &more, &err), 0);
	lb_tables_settle(tables, &more);
	assert_int_equal(entries_of(tables, "lb_flows"), 512);
	assert_false(lb_tables_fit(tables, &plan));
	lb_tables_settle(tables, NULL);
	lb_tables_close(tables);
}

static void count(const struct lb_tables *tables, uint32_t index, uint32_t room, unsigned int cpu,
		  uint64_t packets)
{
	uint32_t at = cpu * room + index;
	struct lb_counts counts = { .packets = packets, .bytes = 10 * packets, .flows = 1,
				    .kept = 2 };
	struct lb_drops drops = { .packets = { [LB_DROP_TTL] = packets }, .evicted = 3 };

	assert_int_equal(bpf_map_update_elem(fd_of(tables, "lb_counts"), &at, &counts, 0), 0);
	assert_int_equal(bpf_map_update_elem(fd_of(tables, "lb_drops"), &at, &drops, 0), 0);
}

static void test_counted(void **state)
{
	struct plan_lb plan = plan_of(64, 1024), more = plan_of(64, 4096);
	struct lb_tables *tables = made(&plan);
	struct lb_counts counts;
	struct lb_drops drops;

	count(tables, 5, 1024, 0, 100);
	count(tables, 5, 1024, 1, 7);
	count(tables, 6, 1024, 0, 1);
	lb_tables_count(tables, 5, &counts, &drops);
	assert_int_equal(counts.packets, 107);
	assert_int_equal(counts.bytes, 1070);
	assert_int_equal(drops.packets[LB_DROP_TTL], 107);
	assert_int_equal(lb_tables_reserve(tables, &more, &err), 0);
	lb_tables_settle(tables, &more);
	lb_tables_count(tables, 5, &counts, &drops);
	assert_int_equal(counts.packets, 107);
	assert_int_equal(counts.flows, 2);
	assert_int_equal(counts.kept, 4);
	assert_int_equal(drops.evicted, 6);
	lb_tables_zero(tables, 5);
	lb_tables_count(tables, 5, &counts, &drops);
	assert_int_equal(counts.packets, 0);
	assert_int_equal(drops.evicted, 0);
	lb_tables_count(tables, 6, &counts, &drops);
	assert_int_equal(counts.packets, 1);
	lb_tables_settle(tables, NULL);
	lb_tables_close(tables);
}

static void test_forgotten(void **state)
{
	struct plan_lb plan = plan_of(64, 1024);
	struct lb_tables *tables = made(&plan);
	static struct lb_reused reused;
	struct lb_occupancy occupancy;

	remember(tables, 1ull << 32 | 1, 7, 0);
	remember(tables, 2ull << 32 | 1, 8, 0);
	remember(tables, 3ull << 32 | 9, 65535, 100);
	reused.backend[7] = reused.backend[65535] = true;
	lb_tables_occupancy(tables, &occupancy);
	assert_int_equal(occupancy.room, 512);
	assert_int_equal(occupancy.used, 3);
	assert_int_equal(occupancy.fresh, 2);
	assert_int_equal(lb_tables_forget(tables, &reused), 2);
	assert_int_equal(remembered(tables, 1ull << 32 | 1), 0);
	assert_int_equal(remembered(tables, 2ull << 32 | 1), 8);
	lb_tables_settle(tables, NULL);
	lb_tables_close(tables);
}

/* Where datagrams go, by who has the number: of a full table */
static void test_frags_forgotten(void **state)
{
	struct plan_lb plan = plan_of(64, 1024);
	struct lb_tables *tables = made(&plan);
	struct lb_frag frag = {}, found;
	static struct lb_reused reused;
	struct lb_frag_key key = {};
	unsigned int i, wanted = 0;
	bool gone;
	int fd = fd_of(tables, "lb_frags");

	reused.backend[3] = reused.service[5] = true;
	for (i = 0; i < LB_FRAGS / 2; i++) {
		key.id = i;
		frag.backend = 1 + i % 10;
		frag.service = 1 + i % 7;
		wanted += frag.backend == 3 || frag.service == 6;
		assert_int_equal(bpf_map_update_elem(fd, &key, &frag, BPF_ANY), 0);
	}
	assert_int_equal(lb_tables_forget(tables, &reused), wanted);
	for (i = 0; i < LB_FRAGS / 2; i++) {
		key.id = i;
		gone = bpf_map_lookup_elem(fd, &key, &found) < 0;
		assert_int_equal(gone, 1 + i % 10 == 3 || 1 + i % 7 == 6);
	}
	lb_tables_settle(tables, NULL);
	lb_tables_close(tables);
}

/* ---- keys, rings --------------------------------------------------------------------------- */

static uint32_t value_of(const struct lb_tables *tables, const char *table, const void *key)
{
	uint32_t value = 0;

	return bpf_map_lookup_elem(fd_of(tables, table), key, &value) == 0 ? value : 0;
}

static void test_keys(void **state)
{
	struct plan_vip vip[] = {
		{ { .port = 80, .proto = 6, .node = 1 }, 5 }, { { .port = 81, .proto = 6 }, 6 },
	};
	struct plan_net net = { { .len = 40, .proto = 6 }, 9 };
	struct config_backend backend = { .has_id = true };
	struct plan_backend number = { .number = 3 };
	struct plan_owner owner = { .backend = &number, .id = 77, .config = &backend };
	struct plan_service service = { .entry = { .quic_len = 2, .quic_ids = 4 }, .owner = &owner,
					.n_owners = 1 };
	struct lb_quic quic = { .id = 77, .ids = 4 };
	uint32_t zero = 0, epoch;
	struct plan_lb plan = plan_of(64, 1024);
	struct lb_tables *tables = made(&plan);

	plan.vip = vip;
	plan.n_vips = 2;
	plan.net = &net;
	plan.n_nets = 1;
	plan.service = &service;
	plan.n_services = 1;
	assert_int_equal(lb_tables_put_keys(tables, &plan, LB_KEYS_NEW, &err), 0);
	assert_int_equal(value_of(tables, "lb_vips", &vip[0].key), 5);
	assert_int_equal(value_of(tables, "lb_vips", &vip[1].key), 6);
	assert_int_equal(value_of(tables, "lb_nets", &net.key), 9);
	assert_int_equal(value_of(tables, "lb_quic", &quic), 3);

	/* What is there stays until all is written */
	vip[0].value = 15;
	number.number = 8;
	plan.n_vips = 1;
	plan.n_nets = 0;
	assert_int_equal(lb_tables_put_keys(tables, &plan, LB_KEYS_NEW, &err), 0);
	assert_int_equal(value_of(tables, "lb_vips", &vip[0].key), 5);
	assert_int_equal(value_of(tables, "lb_quic", &quic), 3);
	epoch = value_of(tables, "lb_epoch", &zero);
	assert_int_equal(lb_tables_put_keys(tables, &plan, LB_KEYS_ALL, &err), 0);
	assert_int_equal(value_of(tables, "lb_epoch", &zero), epoch + 1);
	assert_int_equal(value_of(tables, "lb_vips", &vip[0].key), 15);
	assert_int_equal(value_of(tables, "lb_vips", &vip[1].key), 0);
	assert_int_equal(value_of(tables, "lb_nets", &net.key), 0);
	assert_int_equal(value_of(tables, "lb_quic", &quic), 8);
	plan.n_services = plan.n_vips = 0;
	assert_int_equal(lb_tables_put_keys(tables, &plan, LB_KEYS_ALL, &err), 0);
	assert_int_equal(value_of(tables, "lb_vips", &vip[0].key), 0);
	assert_int_equal(value_of(tables, "lb_quic", &quic), 0);
	lb_tables_settle(tables, NULL);
	lb_tables_close(tables);
}

/* Of all sizes in one table; gone, one of a size that no ring has is there */
static void test_rings(void **state)
{
	static const uint32_t slots[] = { 65537, 3, 655373 };
	uint32_t number[] = { 0, 17, LB_SERVICES - 1 }, *word[3];
	struct plan_lb plan = plan_of(64, 1024);
	struct lb_tables *tables = made(&plan);
	int fd[3];
	unsigned int i;

	for (i = 0; i < 3; i++) {
		fd[i] = lb_tables_make_ring(slots[i], &word[i], &err);
		assert_true(fd[i] >= 0);
		word[i][slots[i] - 1] = LB_SLOT(i + 1, 9);
		lb_tables_unmap_ring(word[i], slots[i]);
	}
	assert_int_equal(lb_tables_put_rings(tables, number, fd, 3, &err), 0);
	assert_null(lb_tables_ring(tables, number[0], 3));
	assert_null(lb_tables_ring(tables, 5, 3));
	for (i = 0; i < 3; i++) {
		word[i] = lb_tables_ring(tables, number[i], slots[i]);
		assert_non_null(word[i]);
		assert_int_equal(LB_OWNER(word[i][slots[i] - 1]), i + 1);
		lb_tables_unmap_ring(word[i], slots[i]);
	}
	fd[0] = fd[1] = -1;
	assert_int_equal(lb_tables_put_rings(tables, number, fd, 2, &err), 0);
	assert_null(lb_tables_ring(tables, number[0], slots[0]));
	assert_null(lb_tables_ring(tables, number[1], slots[1]));
	word[2] = lb_tables_ring(tables, number[2], slots[2]);
	assert_non_null(word[2]);
	lb_tables_unmap_ring(word[2], slots[2]);
	lb_tables_settle(tables, NULL);
	lb_tables_close(tables);
}

static int world(void **state)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -1;
	snprintf(bpffs, sizeof(bpffs), "%s/lb-bpf", unit_folder());
	return pins_open(bpffs, &err);
}

static int end(void **state)
{
	return umount2(bpffs, MNT_DETACH);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, world, end)
	const struct CMUnitTest tests[] = {
		TEST(kept), TEST(resized), TEST(crowded), TEST(abandoned), TEST(counted),
		TEST(forgotten), TEST(frags_forgotten), TEST(keys), TEST(rings),
	};

	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
