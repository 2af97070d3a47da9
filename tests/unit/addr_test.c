// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* addr_test.c - the table of addresses: order, replacement, removal */
#include <string.h>

#include <mirror/addr.h>

#include "../lib/unit.h"

static struct addr make(uint32_t ifindex, uint8_t last, uint8_t prefix_len)
{
	struct addr addr;

	memset(&addr, 0, sizeof(addr));
	addr.ifindex = ifindex;
	addr.prefix_len = prefix_len;
	((uint8_t *)&addr.addr)[15] = last;
	return addr;
}

static void must_be(const struct addr_table *table, const struct addr *wanted, unsigned int n)
{
	assert_int_equal(table->n, n);
	for (unsigned int i = 0; i < n; i++)
		assert_memory_equal(&table->addr[i], &wanted[i], sizeof(wanted[i]));
}

static void test_order(void **state)
{
	struct addr_table table = {};
	struct addr sorted[40];

	for (unsigned int i = 0; i < 40; i++)
		sorted[i] = make(1 + i / 8, 1 + i / 2 % 4, 24 + i % 2);
	for (unsigned int i = 0; i < 40; i++)	/* 7 and 40 have no common factor: all, out of order */
		assert_true(addr_set(&table, &sorted[i * 7 % 40]));
	must_be(&table, sorted, 40);
	addr_table_fini(&table);
	assert_int_equal(table.n, 0);
}

static void test_replace(void **state)
{
	struct addr_table table = {};
	struct addr addr = make(1, 1, 24);

	assert_true(addr_set(&table, &addr));
	assert_false(addr_set(&table, &addr));	/* nothing new */
	addr.flags = 0x80;
	assert_true(addr_set(&table, &addr));
	must_be(&table, &addr, 1);
	addr_table_fini(&table);
}

static void test_remove(void **state)
{
	struct addr a[] = { make(1, 1, 24), make(2, 1, 24), make(2, 2, 24), make(3, 1, 24) };
	struct addr_table table = {};
	struct addr other = make(2, 3, 24);

	for (unsigned int i = 0; i < 4; i++)
		addr_set(&table, &a[i]);
	assert_false(addr_del(&table, &other));
	assert_false(addr_del_link(&table, 4));
	assert_true(addr_del_link(&table, 2));
	must_be(&table, (struct addr[]){ a[0], a[3] }, 2);
	assert_true(addr_del(&table, &a[0]));
	must_be(&table, &a[3], 1);
	assert_true(addr_del_link(&table, 3));
	assert_int_equal(table.n, 0);
	addr_table_fini(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_remove),
	};

	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
