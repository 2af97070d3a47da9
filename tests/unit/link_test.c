// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* link_test.c - the table of links, against a plain array */
#include <stdio.h>
#include <string.h>

#include <mirror/link.h>

#include "../lib/unit.h"

#define MAX	500

static struct link make(uint32_t ifindex, uint32_t mtu)
{
	struct link link = { .ifindex = ifindex, .mtu = mtu, .peer_netns = -1 };

	snprintf(link.name, sizeof(link.name), "eth%u", ifindex);
	return link;
}

static void check(const struct link_table *table, const uint32_t *mtu)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < MAX; i++) {
		const struct link *link = link_find(table, i);
		char name[IFNAMSIZ];

		snprintf(name, sizeof(name), "eth%u", i);
		assert_ptr_equal(link, link_find_name(table, name));
		assert_int_equal(link != NULL, mtu[i] != 0);
		if (!link)
			continue;
		assert_int_equal(link->ifindex, i);
		assert_int_equal(link->mtu, mtu[i]);
		n++;
	}
	assert_int_equal(table->n, n);
	for (unsigned int i = 1; i < table->n; i++)
		assert_true(table->link[i - 1].ifindex < table->link[i].ifindex);
}

static void test_random(void **state)
{
	struct link_table table = {};
	uint64_t random = unit_seed();
	uint32_t mtu[MAX] = {};

	for (int i = 0; i < 20000; i++) {
		uint32_t ifindex = unit_random(&random) % MAX;
		struct link link = make(ifindex, 1 + unit_random(&random) % 9000);

		if (unit_random(&random) % 2) {
			assert_int_equal(link_del(&table, ifindex), mtu[ifindex] != 0);
			mtu[ifindex] = 0;
		} else {
			link_set(&table, &link);
			mtu[ifindex] = link.mtu;
		}
		if (i % 500 == 0)
			check(&table, mtu);
	}
	check(&table, mtu);
	link_table_fini(&table);
}

static void test_empty(void **state)
{
	struct link_table table = {};

	assert_null(link_find(&table, 0));
	assert_null(link_find_name(&table, "lo"));
	assert_false(link_del(&table, 1));
	link_table_fini(&table);
	link_table_fini(&table);
}

static void test_replace(void **state)
{
	struct link_table table = {};
	struct link link = make(UINT32_MAX, 1500);

	link_set(&table, &link);
	strcpy(link.name, "renamed");
	link_set(&table, &link);
	assert_int_equal(table.n, 1);
	assert_null(link_find_name(&table, "eth4294967295"));
	assert_non_null(link_find_name(&table, "renamed"));

	/* one of the table's own, while it grows */
	for (uint32_t i = 1; i < 100; i++) {
		link = table.link[0];
		link.ifindex = UINT32_MAX - i;
		link_set(&table, &link);
		link_set(&table, &table.link[table.n - 1]);
	}
	assert_int_equal(table.n, 100);
	assert_true(link_del(&table, UINT32_MAX));
	assert_false(link_del(&table, UINT32_MAX));
	link_table_fini(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random), cmocka_unit_test(test_empty),
		cmocka_unit_test(test_replace),
	};
	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
