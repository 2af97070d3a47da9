// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* json_value_test.c - messages read without jansson are what jansson reads, or left to it */
#include "../lib/unit.h"

#include <stdlib.h>
#include <string.h>

#include <base/buf.h>
#include <model/json_value.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* Read, and equal to what jansson reads */
static const char *const plain[] = {
	"{}", "[]", " { \"a\" : [ 1 , -2, 0, true ,false, null, \"x\" ] }\r\n\t",
	"{\"\":\"\"}", "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "[\"\\n\"]", "[\"a\\n\\nb\\n\"]",
	"[\"\xc3\xb6\xf0\x9f\x98\x80\\n\xe2\x82\xac\"]", "[999999999999999999,-999999999999999999]",
	"{\"a\":{\"a\":{\"b\":[[[{}]]]}}}", "{\"a\\nb\":1}", "[\"]}\\\",\"]", "[-0]",
};

/* Right or wrong: jansson's question */
static const char *const left[] = {
	"", " ", "1", "\"a\"", "true", "[", "{", "[1", "{\"a\"", "{\"a\":", "{\"a\":1", "[1,]", "[,1]",
	"{,}", "{\"a\":1,}", "{\"a\" 1}", "{1:2}", "[1 2]", "[1]]", "[1]x", "[01]", "[-]", "[- 1]",
	"[1.0]", "[1e3]", "[1234567890123456789]", "[tru]", "[truex]", "[nul", "[true1]",
	"[\"\\u0041\"]", "[\"\\x\"]", "[\"\\", "[\"a", "[\"a\n\"]", "[\"\\\xc3\xb6\"]", "[\"\xff\"]",
	"[\"\xc3\"]", "[\"\xed\xa0\x80\"]", "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}",
	"[\"\x7f\xc0\x80\"]",
};

static void test_plain(void **state)
{
	json_t *got, *want;
	size_t i;

	for (i = 0; i < N(plain); i++) {
		got = json_value_read(plain[i], strlen(plain[i]));
		want = json_loads(plain[i], JSON_REJECT_DUPLICATES, NULL);
		if (!got || !json_equal(got, want))
			fail_msg("not read: %s", plain[i]);
		json_decref(got);
		json_decref(want);
	}
}

static void test_left(void **state)
{
	size_t i;

	for (i = 0; i < N(left); i++)
		if (json_value_read(left[i], strlen(left[i])))
			fail_msg("read: %s", left[i]);
}

static void test_depth(void **state)
{
	char text[130];
	json_t *value;

	memset(text, '[', 65);
	memset(text + 65, ']', 65);
	assert_null(json_value_read(text, 130));
	value = json_value_read(text + 1, 128);
	assert_non_null(value);
	json_decref(value);
}

/* Parts of messages, joined without sense, and good ones with a byte changed */
static void test_random(void **state)
{
	static const char *const part[] = {
		"{", "}", "[", "]", ",", ":", "\"a\"", "\"b\\n\"", "1", "-7", "true", "null", " ", "\"",
		"\\", "0", "e", ".", "\xc3\xb6", "\"\\u0061\"",
	};
	uint64_t random = unit_seed(), seed = random;
	unsigned int i, k, n, read = 0;
	struct buf text = {};
	json_t *got, *want;

	for (i = 0; i < 200000; i++) {
		buf_clear(&text);
		if (i % 2) {
			buf_str(&text, plain[unit_random(&random) % N(plain)]);
			text.data[unit_random(&random) % text.len] =
				part[unit_random(&random) % N(part)][0];
		} else {
			n = 1 + unit_random(&random) % 9;
			for (k = 0; k < n; k++)
				buf_str(&text, part[unit_random(&random) % N(part)]);
		}
		got = json_value_read(text.data, text.len);
		want = got ? json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL) : NULL;
		if (got && (!want || !json_equal(got, want)))
			fail_msg("seed %llu: read: %s", (unsigned long long)seed, text.data);
		read += got != NULL;
		json_decref(got);
		json_decref(want);
	}
	assert_true(read > 1000);
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain), cmocka_unit_test(test_left),
		cmocka_unit_test(test_depth), cmocka_unit_test(test_random),
	};

	return unit_main(tests, N(tests));
}
