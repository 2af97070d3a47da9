// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* table_test.c - tables by field name, on maps that the kernel made */
#include "../lib/objtest.h"
#include "../lib/unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <kernel/object.h>
#include <kernel/table.h>
#include <kernel/table_priv.h>

#define N_ELEMENTS(a)	(sizeof(a) / sizeof((a)[0]))
#define WORDS(...)	(const char *const[]){ __VA_ARGS__ }, \
			sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)

static struct object_loaded fields;

static int load(const char *path, const char *what, struct object_loaded *ret_loaded,
		struct err *err)
{
	return object_load(objtest_built(path), what, NULL, 0, NULL, 0, unit_folder(), ret_loaded, err);
}

/* Fresh tables for each test */
static int setup(void **state)
{
	struct err err = { 0 };

	if (load("tests/lib/fields.tc.o", "fields", &fields, &err) < 0) {
		print_error("%s\n", err.text);
		return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	object_loaded_fini(&fields);
	return 0;
}

static struct table *open_table(const char *name)
{
	struct table *table = NULL;
	struct err err = { 0 };

	if (table_open(object_loaded_map(&fields, name), &table, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	return table;
}

static void set(struct table *table, const char *const *key, unsigned int n_key,
		const char *const *value, unsigned int n_value)
{
	struct err err = { 0 };

	if (table_set(table, key, n_key, value, n_value, &err) < 0)
		fail_msg("%s", err.text);
}

static void not_set(struct table *table, const char *const *key, unsigned int n_key,
		    const char *const *value, unsigned int n_value, int code, const char *text)
{
	struct err err = { 0 };
	int r = table_set(table, key, n_key, value, n_value, &err);

	assert_int_equal(r, code);
	assert_string_equal(err.text, text);
}

static void gets(struct table *table, const char *const *key, unsigned int n_key,
		 const char *json)
{
	struct buf out = { 0 };
	struct err err = { 0 };
	struct jsonw w;

	jsonw_init(&w, &out, false);
	if (table_get(table, key, n_key, &w, NULL, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(out.data, json);
	buf_fini(&out);
}

static bool dumps(struct table *table, uint32_t max, bool each_cpu, const char *json)
{
	struct buf out = { 0 };
	struct err err = { 0 };
	struct jsonw w;
	bool more;

	jsonw_init(&w, &out, false);
	if (table_dump(table, max, each_cpu, &w, NULL, &more, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(out.data, json);
	buf_fini(&out);
	return more;
}

/* ---- fields ---- */

#define KEY	WORDS("addr=10.0.0.1", "port=443", "proto=6")
#define KEY_JSON "\"key\":{\"addr\":\"10.0.0.1\",\"port\":443,\"proto\":6,\"pad\":0}"

static void test_all_kinds(void **state)
{
	struct table *table = open_table("field_hash");

	set(table, KEY, WORDS("s8=-128", "u8=0xff", "s16=-32768", "u16=65535", "s32=-2147483648",
		"u32=4294967295", "s64=-9223372036854775808", "u64=18446744073709551615",
		"u128=0x0123456789abcdef0123456789abcdef", "state=FIELD_BROKEN", "on=true",
		"mac=02:00:00:00:00:0a", "name=eth\"0", "low=9", "middle=0xabcde", "inner.ticks=3",
		"inner.mask=0xff000000", "many.1.ticks=4", "via=fd00::1", "word=0x01020304",
		"row.1.0=5"));
	gets(table, KEY, "{" KEY_JSON ",\"value\":{\"s8\":-128,\"u8\":255,\"s16\":-32768,"
	     "\"u16\":65535,\"s32\":-2147483648,\"u32\":4294967295,\"s64\":-9223372036854775808,"
	     "\"u64\":18446744073709551615,\"u128\":\"0x123456789abcdef0123456789abcdef\","
	     "\"state\":\"FIELD_BROKEN\",\"on\":true,\"mac\":\"02000000000a\",\"name\":\"eth\\\"0\","
	     "\"low\":9,\"middle\":703710,\"inner\":{\"ticks\":3,\"mask\":4278190080},"
	     "\"many\":[{\"ticks\":0,\"mask\":0},{\"ticks\":4,\"mask\":0}],\"via\":\"fd00::1\","
	     "\"word\":16909060,\"row\":[[0,0],[5,0]]}}");
	table_free(table);
}

/* The kernel's bytes, not only our own reading of what we wrote */
static void test_wire_order(void **state)
{
	struct table *table = open_table("field_hash");
	unsigned char key[24] = { [10] = 0xff, 0xff, 10, 0, 0, 1 }, value[512];

	set(table, KEY, WORDS("u8=7"));
	key[16] = 443 >> 8;
	key[17] = 443 & 255;
	key[18] = 6;
	assert_int_equal(bpf_map_lookup_elem(object_loaded_map(&fields, "field_hash"), key, value), 0);
	assert_int_equal(value[1], 7);
	table_free(table);
}

/* What is not named stays; byte[] is another view of word */
static void test_keeps(void **state)
{
	struct table *table = open_table("field_hash");
	struct err err = { 0 };

	set(table, KEY, WORDS("u8=7", "name=abc", "low=15"));
	set(table, KEY, WORDS("u16=9", "byte=ff000000", "middle=1", "state=5"));
	gets(table, KEY, "{" KEY_JSON ",\"value\":{\"s8\":0,\"u8\":7,\"s16\":0,\"u16\":9,\"s32\":0,"
	     "\"u32\":0,\"s64\":0,\"u64\":0,\"u128\":\"0x0\",\"state\":5,\"on\":false,"
	     "\"mac\":\"000000000000\",\"name\":\"abc\",\"low\":15,\"middle\":1,"
	     "\"inner\":{\"ticks\":0,\"mask\":0},\"many\":[{\"ticks\":0,\"mask\":0},"
	     "{\"ticks\":0,\"mask\":0}],\"via\":\"::\",\"word\":255,\"row\":[[0,0],[0,0]]}}");
	assert_int_equal(table_del(table, KEY, &err), 0);
	assert_int_equal(table_del(table, KEY, &err), -ENOENT);
	assert_string_equal(err.text, "table 'field_hash' has no such element");
	table_free(table);
}

static void test_scalars(void **state)
{
	struct table *array = open_table("field_array"), *addrs = open_table("field_addrs");

	set(array, WORDS("3"), WORDS("18446744073709551615"));
	set(array, WORDS("0x5"), WORDS("0x10"));
	gets(array, WORDS("3"), "{\"key\":3,\"value\":18446744073709551615}");
	assert_false(dumps(array, 0, false, "[{\"key\":3,\"value\":18446744073709551615},"
			   "{\"key\":5,\"value\":16}]"));
	assert_true(dumps(array, 1, false, "[{\"key\":3,\"value\":18446744073709551615}]"));
	assert_false(dumps(array, 2, true, "[{\"key\":3,\"value\":18446744073709551615},"
			   "{\"key\":5,\"value\":16}]"));
	set(addrs, WORDS("fd00::1"), WORDS("true"));
	gets(addrs, WORDS("fd00::1"), "{\"key\":\"fd00::1\",\"value\":true}");
	table_free(array);
	table_free(addrs);
}

static void test_trie(void **state)
{
	struct table *table = open_table("field_routes");

	assert_false(dumps(table, 0, false, "[]"));
	set(table, WORDS("prefixlen=8", "addr=0x0a000000"), WORDS("77"));
	gets(table, WORDS("addr=0x0a010203", "prefixlen=32"),
	     "{\"key\":{\"prefixlen\":32,\"addr\":167838211},\"value\":77}");
	assert_false(dumps(table, 0, false,
			   "[{\"key\":{\"prefixlen\":8,\"addr\":167772160},\"value\":77}]"));
	table_free(table);
}

static void test_pointer(void **state)
{
	struct table *table = open_table("field_ptr");

	set(table, WORDS("1"), WORDS("count=2"));
	gets(table, WORDS("1"), "{\"key\":1,\"value\":{\"count\":2,\"where\":null}}");
	not_set(table, WORDS("1"), WORDS("where=3"), -EINVAL,
		"value 'where=3': 'void *' cannot be written as one word");
	table_free(table);
}

static void test_describe(void **state)
{
	struct table *table = open_table("field_sums");
	struct buf out = { 0 };
	struct jsonw w;

	jsonw_init(&w, &out, false);
	table_describe(table, &w, NULL);
	assert_string_equal(out.data,
			    "{\"name\":\"field_sums\",\"type\":\"percpu_hash\",\"key\":\"__u32\","
			    "\"value\":{\"packets\":\"__u64\",\"delta\":\"__s32\",\"port\":\"__be16\","
			    "\"label\":\"char[6]\"},\"max_entries\":64,\"per_cpu\":true}");
	table_free(table);
	buf_clear(&out);
	jsonw_init(&w, &out, false);
	table = open_table("field_hash");
	table_describe(table, &w, NULL);
	assert_non_null(strstr(out.data, "\"row\":\"__u32[2][2]\""));
	assert_non_null(strstr(out.data, "\"state\":\"enum field_state\""));
	assert_non_null(strstr(out.data, "\"word\":\"__u32\",\"byte\":\"__u8[4]\""));
	table_free(table);
	buf_fini(&out);
}

/* ---- per CPU ---- */

struct sum {			/* struct field_sum of fields.bpf.c */
	uint64_t packets;
	int32_t delta;
	uint16_t port;
	char label[6];
	char pad[4];
};

static void test_per_cpu(void **state)
{
	int i, n = libbpf_num_possible_cpus();
	struct table *table = open_table("field_sums");
	uint32_t key = 9;
	char text[128];
	struct sum *sum = calloc(n, sizeof(*sum));

	_Static_assert(sizeof(struct sum) == 24, "a multiple of 8");
	for (i = 0; i < n; i++) {
		sum[i].packets = 1ull << 62;
		sum[i].delta = -3;
	}
	sum[n - 1].port = 80 << 8;	/* only this one is set */
	strcpy(sum[n - 1].label, "last");
	assert_int_equal(bpf_map_update_elem(object_loaded_map(&fields, "field_sums"), &key, sum, 0), 0);
	snprintf(text, sizeof(text), "{\"key\":9,\"value\":{\"packets\":%llu,\"delta\":%d,"
		 "\"port\":80,\"label\":\"last\"}}", (1ull << 62) * n, -3 * n);
	gets(table, WORDS("9"), text);
	set(table, WORDS("9"), WORDS("delta=5"));
	assert_int_equal(bpf_map_lookup_elem(object_loaded_map(&fields, "field_sums"), &key, sum), 0);
	for (i = 0; i < n; i++) {
		assert_true(sum[i].packets == 1ull << 62);
		assert_int_equal(sum[i].delta, 5);
		assert_int_equal(sum[i].port, i == n - 1 ? 80 << 8 : 0);
	}
	table_free(table);
	free(sum);
}

static void test_each_cpu(void **state)
{
	int i, n = libbpf_num_possible_cpus();
	struct table *table = open_table("field_slots");
	struct buf want = { 0 };

	set(table, WORDS("2"), WORDS("10"));
	buf_printf(&want, "[{\"key\":2,\"value\":%d,\"cpus\":[", 10 * n);
	for (i = 0; i < n; i++)
		buf_printf(&want, "%s10", i ? "," : "");
	buf_str(&want, "]}]");
	dumps(table, 0, true, want.data);
	buf_clear(&want);
	buf_printf(&want, "[{\"key\":2,\"value\":%d}]", 10 * n);
	dumps(table, 0, false, want.data);
	table_free(table);
	buf_fini(&want);
}

/* ---- many elements ---- */

/* Each of them once: by batches and key by key */
static void test_many(void **state)
{
	struct table *table = open_table("field_churn");
	int fd = object_loaded_map(&fields, "field_churn"), pass;
	struct table_elements e;
	struct err err = { 0 };
	uint32_t i, key, value;
	bool seen[1000];

	for (i = 0; i < N_ELEMENTS(seen); i++) {
		value = i + 7;
		assert_int_equal(bpf_map_update_elem(fd, &i, &value, BPF_ANY), 0);
	}
	for (pass = 0; pass < 2; pass++) {
		memset(seen, 0, sizeof(seen));
		assert_int_equal((pass ? table_read : table_read_by_key)(table, 0, &e, &err), 0);
		assert_int_equal(e.n, N_ELEMENTS(seen));
		assert_false(e.more);
		for (i = 0; i < e.n; i++) {
			memcpy(&key, e.data + i * e.element_size, sizeof(key));
			memcpy(&value, e.data + i * e.element_size + sizeof(key), sizeof(value));
			assert_true(key < N_ELEMENTS(seen) && !seen[key]);
			assert_int_equal(value, key + 7);
			seen[key] = true;
		}
		free(e.data);
		assert_int_equal((pass ? table_read : table_read_by_key)(table, 999, &e, &err), 0);
		assert_int_equal(e.n, 999);
		assert_true(e.more);
		free(e.data);
	}
	table_free(table);
}

/* A type that has no batches, and whose elements are ids of programs */
static void test_programs(void **state)
{
	struct table *table = open_table("shunt_next");
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info), slot = 5;
	char text[64];

	assert_int_equal(bpf_obj_get_info_by_fd(fields.prog_fd, &info, &len), 0);
	assert_int_equal(bpf_map_update_elem(object_loaded_map(&fields, "shunt_next"), &slot,
					     &fields.prog_fd, BPF_ANY), 0);
	snprintf(text, sizeof(text), "[{\"key\":5,\"value\":%u}]", info.id);
	assert_false(dumps(table, 0, false, text));
	table_free(table);
}

/* Keys go and come while they are read: none twice, those that stay are there, and it ends */
static void test_churn(void **state)
{
	struct table *table = open_table("field_churn");
	int fd = object_loaded_map(&fields, "field_churn"), round, r;
	pid_t parent = getpid(), child;
	struct table_elements e;
	struct err err = { 0 };
	uint32_t i, key, stayed;
	bool seen[2000];

	for (i = 0; i < 1000; i++)
		assert_int_equal(bpf_map_update_elem(fd, &i, &i, BPF_ANY), 0);
	child = fork();
	if (child == 0) {
		for (i = 0; getppid() == parent; i++) {
			key = 1000 + i * 7919 % 1000;
			if (bpf_map_delete_elem(fd, &key) < 0)
				bpf_map_update_elem(fd, &key, &key, BPF_ANY);
		}
		_exit(0);
	}
	for (round = 0; round < 50; round++) {
		r = (round % 2 ? table_read : table_read_by_key)(table, 0, &e, &err);
		assert_int_equal(r, 0);
		memset(seen, 0, sizeof(seen));
		for (i = stayed = 0; i < e.n; i++) {
			memcpy(&key, e.data + i * e.element_size, sizeof(key));
			assert_true(key < 2000 && !seen[key]);
			seen[key] = true;
			stayed += key < 1000;
		}
		free(e.data);
		assert_int_equal(stayed, 1000);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	table_free(table);
}

/* ---- errors ---- */

static void test_bad_words(void **state)
{
	struct table *table = open_table("field_hash");

#define BAD_KEY(text, ...) not_set(table, WORDS(__VA_ARGS__), WORDS("u8=1"), -EINVAL, text)
#define BAD_VALUE(text, ...) not_set(table, KEY, WORDS(__VA_ARGS__), -EINVAL, text)
	BAD_KEY("key 'prot=6': no field 'prot' in 'struct field_key'; did you mean 'port'?; "
		"it has: addr, port, proto, pad", "prot=6");
	BAD_KEY("key 'addr=10.0.0.256': '10.0.0.256' is no IP address", "addr=10.0.0.256");
	BAD_KEY("key 'port=65536': 65536 does not fit into 16 bits, unsigned", "port=65536");
	BAD_KEY("key '7': wanted FIELD=VALUE", "7");
	BAD_KEY("key 'port=2': 'port' is there twice", "port=1", "port=2");
	not_set(table, NULL, 0, WORDS("u8=1"), -EINVAL, "key: FIELD=VALUE wanted, nothing is there");
	BAD_VALUE("value 'u8=256': 256 does not fit into 8 bits, unsigned", "u8=256");
	BAD_VALUE("value 'u8=-1': -1 does not fit into 8 bits, unsigned", "u8=-1");
	BAD_VALUE("value 's8=-129': -129 does not fit into 8 bits, signed", "s8=-129");
	BAD_VALUE("value 's8=128': 128 does not fit into 8 bits, signed", "s8=128");
	BAD_VALUE("value 'u64=18446744073709551616': 18446744073709551616 does not fit into 64 bits, "
		  "unsigned", "u64=18446744073709551616");
	BAD_VALUE("value 'u8=7x': '7x' is no number", "u8=7x");
	BAD_VALUE("value 'u8=': '' is no number", "u8=");
	BAD_VALUE("value 'u8= 7': ' 7' is no number", "u8= 7");
	BAD_VALUE("value 'low=16': 16 does not fit into 4 bits, unsigned", "low=16");
	BAD_VALUE("value 'state=FIELD_UPP': no such name as 'FIELD_UPP'; did you mean 'FIELD_UP'?",
		  "state=FIELD_UPP");
	BAD_VALUE("value 'on=yes': 'yes' is neither true nor false", "on=yes");
	BAD_VALUE("value 'mac=0200': '0200' is not 6 bytes in hex", "mac=0200");
	BAD_VALUE("value 'mac=02000000000a0b': '02000000000a0b' is not 6 bytes in hex",
		  "mac=02000000000a0b");
	BAD_VALUE("value 'name=0123456789abcdef': longer than 15 bytes", "name=0123456789abcdef");
	BAD_VALUE("value 'inner=3': 'struct field_inner' cannot be written as one word", "inner=3");
	BAD_VALUE("value 'inner.tick=3': no field 'tick' in 'struct field_inner'; did you mean "
		  "'ticks'?; it has: ticks, mask", "inner.tick=3");
	BAD_VALUE("value 'many.2.ticks=3': '2' is no element of an array of 2", "many.2.ticks=3");
	BAD_VALUE("value 'u8.x=3': there is nothing like 'x' within it", "u8.x=3");
	BAD_VALUE("value 'u128=5': '5' is not 0x and up to 32 digits", "u128=5");
	table_free(table);
}

static void test_bad_elements(void **state)
{
	struct table *array = open_table("field_array"), *ptr = open_table("field_ptr");
	struct buf out = { 0 };
	struct err err = { 0 };
	struct jsonw w;
	char key[16];
	int i;

	jsonw_init(&w, &out, false);
	not_set(array, WORDS("8"), WORDS("1"), -E2BIG, "table 'field_array' has elements 0 to 7");
	not_set(array, WORDS("1", "2"), WORDS("1"), -EINVAL, "key: one word wanted, 2 are there");
	assert_int_equal(table_get(array, WORDS("8"), &w, NULL, &err), -ENOENT);
	assert_null(out.data);
	assert_int_equal(table_del(array, WORDS("1"), &err), -EINVAL);
	assert_string_equal(err.text, "elements of table 'field_array', an array, cannot be deleted");
	for (i = 0; i < 4; i++) {
		snprintf(key, sizeof(key), "%d", i);
		set(ptr, WORDS(key), WORDS("count=1"));
	}
	not_set(ptr, WORDS("4"), WORDS("count=1"), -E2BIG, "table 'field_ptr' is full: 4 elements");
	table_free(array);
	table_free(ptr);
}

static void test_no_types(void **state)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "plain", 4, 4, 1, NULL);
	struct table *table = NULL;
	struct err err = { 0 };

	assert_true(fd >= 0);
	assert_int_equal(table_open(fd, &table, &err), -ENODATA);
	assert_string_equal(err.text, "table 'plain' has no types (BTF)");
	assert_true(table_open(-1, &table, &err) < 0);
	assert_null(table);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_kinds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wire_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keeps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_scalars, setup, teardown),
		cmocka_unit_test_setup_teardown(test_trie, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pointer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_describe, setup, teardown),
		cmocka_unit_test_setup_teardown(test_per_cpu, setup, teardown),
		cmocka_unit_test_setup_teardown(test_each_cpu, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_programs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_churn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_words, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_elements, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_types, setup, teardown),
	};

	return unit_main(tests, N_ELEMENTS(tests));
}
