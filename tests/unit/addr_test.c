// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* addr_test.c - the table of addresses: order, replacement, removal */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if_addr.h>

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
		assert_memory_equal(&table->addr[i], &wanted[i], offsetof(struct addr, order));
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

/* The last bytes of an interface's addresses, first to last */
static void order_is(const struct addr_table *table, uint8_t family, const char *wanted)
{
	const struct addr *next;
	char text[32] = "";
	int64_t least = INT64_MIN;

	do {
		next = NULL;
		for (unsigned int i = 0; i < table->n; i++)
			if (table->addr[i].family == family && table->addr[i].order > least &&
			    (!next || table->addr[i].order < next->order))
				next = &table->addr[i];
		if (next) {
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%d",
				 ((const uint8_t *)&next->addr)[15]);
			least = next->order;
		}
	} while (next);
	assert_string_equal(text, wanted);
}

static struct addr make_of(uint8_t family, uint8_t last, uint32_t flags)
{
	struct addr addr = make(1, last, 24);

	addr.family = family;
	addr.flags = flags;
	return addr;
}

/* As the kernel's lists are kept */
static void test_kernel_order(void **state)
{
	static const uint8_t numbers[] = { 5, 2, 9 };
	struct addr_table table = {}, other = { .dumping = true };
	struct addr addr;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		addr = make_of(AF_INET, numbers[i], i == 1 ? IFA_F_SECONDARY : 0);
		addr_set(&table, &addr);
		addr = make_of(AF_INET6, 100 + numbers[i], 0);
		addr_set(&table, &addr);
	}
	order_is(&table, AF_INET, "529");
	order_is(&table, AF_INET6, "109102105");
	addr = make_of(AF_INET, 5, IFA_F_PERMANENT);	/* another flag: it stays where it is */
	assert_true(addr_set(&table, &addr));
	order_is(&table, AF_INET, "529");
	addr = make_of(AF_INET, 2, 0);			/* promoted */
	assert_true(addr_set(&table, &addr));
	order_is(&table, AF_INET, "592");
	for (i = 0; i < 3; i++) {
		static const uint8_t dumped[] = { 5, 9, 2 }, dumped6[] = { 109, 102, 105 };

		addr = make_of(AF_INET6, dumped6[i], 0);
		addr_set(&other, &addr);
		assert_false(addr_table_equal(&table, &other));
		addr = make_of(AF_INET, dumped[i], i ? 0 : IFA_F_PERMANENT);
		addr_set(&other, &addr);
	}
	assert_true(addr_table_equal(&table, &other));
	addr_del(&other, &addr);
	assert_false(addr_table_equal(&table, &other));
	other.dumping = false;
	addr_set(&other, &addr);
	assert_true(addr_table_equal(&table, &other));
	addr = make_of(AF_INET, 5, IFA_F_PERMANENT);
	addr_del(&other, &addr);
	addr_set(&other, &addr);			/* the last one now */
	assert_false(addr_table_equal(&table, &other));
	addr_table_fini(&table);
	addr_table_fini(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_kernel_order),
	};

	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
