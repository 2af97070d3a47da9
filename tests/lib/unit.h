/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * unit.h - what the test programs share
 *
 *	int main(void)
 *	{
 *		const struct CMUnitTest tests[] = { cmocka_unit_test(test_one), ... };
 *		return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
 *	}
 *
 * $TEST_FILTER (a glob) selects tests by name, $TEST_SEED repeats a random run.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* A test as one row of a table: the row comes as *state */
static inline struct CMUnitTest unit_row(const char *name, CMUnitTestFunction run, const void *row)
{
	return (struct CMUnitTest){ .name = name, .test_func = run, .initial_state = (void *)row };
}

/* Run the tests, print TAP. Return: the exit code */
static inline int unit_main(const struct CMUnitTest *tests, size_t n)
{
	const char *filter = getenv("TEST_FILTER");

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (filter)
		cmocka_set_test_filter(filter);
	return _cmocka_run_group_tests("", tests, n, NULL, NULL) ? 1 : 0;
}

/* $TEST_SEED or the clock; printed, so that the run can be repeated */
uint64_t unit_seed(void);

/* The next of a pseudo-random series (xorshift64*: S. Vigna, 2016); *state is not 0 */
uint64_t unit_random(uint64_t *state);

/* A folder of this process, made at the first call, removed when it ends, also when it is killed */
const char *unit_folder(void);

#endif
