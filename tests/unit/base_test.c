// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* base_test.c - control/base: memory, errors, findings, JSON */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/arena.h>
#include <base/buf.h>
#include <base/diag.h>
#include <base/err.h>
#include <base/jsonw.h>
#include <base/utf8.h>

#include "../lib/unit.h"

/* ---- arena ---- */

static void test_arena_zeroed_aligned(void **state)
{
	struct arena arena = { 0 };
	size_t size, i, sum = 0;

	for (size = 0; size < 10000; size += 37) {
		unsigned char *data = arena_alloc(&arena, size);

		assert_non_null(data);
		assert_int_equal((uintptr_t)data % 16, 0);
		for (i = 0; i < size; i++)
			sum += data[i];
		memset(data, 0xff, size);
	}
	assert_int_equal(sum, 0);
	arena_fini(&arena);
	assert_null(arena.last);
}

static void test_arena_large_keeps_rest(void **state)
{
	struct arena arena = { 0 };
	char *a = arena_alloc(&arena, 16), *large = arena_alloc(&arena, 1 << 22);
	char *b = arena_alloc(&arena, 16);

	large[(1 << 22) - 1] = 1;
	assert_ptr_equal(a + 16, b);
	assert_int_equal(arena.bytes, 32 + (1 << 22));
	arena_fini(&arena);
}

static void test_arena_push(void **state)
{
	struct arena arena = { 0 };
	int *array = NULL, *old = NULL;
	size_t n = 0, i;

	for (i = 0; i < 1000; i++) {
		if (i == 8)
			old = array;
		*arena_push(&arena, array, n) = (int)i;
	}
	assert_int_equal(n, 1000);
	for (i = 0; i < n; i++)
		assert_int_equal(array[i], i);
	assert_ptr_not_equal(old, array);
	assert_int_equal(old[7], 7);
	n = 8;		/* shrunk: what comes next is in bounds and zeroed */
	assert_int_equal(*arena_push(&arena, array, n), 0);
	arena_fini(&arena);
}

static void test_arena_strings(void **state)
{
	struct arena arena = { 0 };

	assert_string_equal(arena_strdup(&arena, "abc"), "abc");
	assert_string_equal(arena_strndup(&arena, "abc", 2), "ab");
	assert_string_equal(arena_strndup(&arena, NULL, 0), "");
	assert_string_equal(arena_printf(&arena, "%d-%s", 7, "x"), "7-x");
	assert_int_equal(strlen(arena_printf(&arena, "%9999d", 1)), 9999);
	arena_fini(&arena);
}

static void test_arena_no_memory(void **state)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct arena arena = { 0 };

		signal(SIGABRT, SIG_DFL);
		freopen("/dev/null", "w", stderr);
		arena_alloc(&arena, SIZE_MAX - 8);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* ---- buf ---- */

static void test_buf(void **state)
{
	struct buf buf = { 0 };
	char *taken;
	int i;

	for (i = 0; i < 1000; i++)
		buf_printf(&buf, "%d,", i % 10);
	assert_int_equal(buf.len, 2000);
	assert_int_equal(strlen(buf.data), 2000);
	buf_clear(&buf);
	assert_string_equal(buf.data, "");
	buf_str(&buf, "ab");
	buf_char(&buf, 'c');
	buf_add(&buf, "d\0e", 3);
	assert_int_equal(buf.len, 6);
	taken = buf_take(&buf);
	assert_memory_equal(taken, "abcd\0e", 7);
	assert_null(buf.data);
	assert_int_equal(buf.size, 0);
	free(taken);
	taken = buf_take(&buf);
	assert_string_equal(taken, "");
	free(taken);
	buf_fini(&buf);
}

/* ---- err ---- */

static void test_err_set(void **state)
{
	struct err err = { 0 };

	assert_int_equal(err_set(&err, -ENOENT, "open '%s'", "x"), -ENOENT);
	assert_string_equal(err.text, "open 'x': No such file or directory");
	assert_int_equal(err.code, -ENOENT);
	err_set(&err, -EINVAL, "that is %s.", "all");
	assert_string_equal(err.text, "that is all");
	assert_int_equal(err_set(NULL, -EPERM, "nobody listens"), -EPERM);
}

static void test_err_own_text_as_argument(void **state)
{
	struct err err = { 0 };

	err_set(&err, -EIO, "inner.");
	err_set(&err, -EIO, "outer (%s).", err.text);
	assert_string_equal(err.text, "outer (inner)");
}

static void test_err_prefix(void **state)
{
	struct err err = { 0 };

	err_set(&err, -EBUSY, "a");
	assert_int_equal(err_prefix(&err, "node '%s'", "n"), -EBUSY);
	assert_string_equal(err.text, "node 'n': a: Device or resource busy");
	assert_int_equal(err_prefix(NULL, "x"), -EINVAL);
}

static void test_err_at(void **state)
{
	struct err err = { 0 };

	err_set(&err, -EBUSY, "a");
	assert_int_equal(err_at(&err, "/nodes/%s/module", "n"), -EBUSY);
	assert_string_equal(err.path, "/nodes/n/module");
	assert_string_equal(err.text, "a: Device or resource busy");
	err_prefix(&err, "b");
	assert_string_equal(err.path, "/nodes/n/module");
	err_set(&err, -EIO, "c");
	assert_string_equal(err.path, "");
	assert_int_equal(err_at(NULL, "x"), -EINVAL);
}

static void test_err_long(void **state)
{
	static char text[5000];
	struct err err = { 0 };

	memset(text, 'x', sizeof(text) - 1);
	err_set(&err, -EIO, "%s.", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	err_set(&err, -EIO, "%s", text);
	err_prefix(&err, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

/* ---- diag ---- */

static void test_diags_add(void **state)
{
	struct arena arena = { 0 };
	struct diags diags = { .arena = &arena };
	char path[] = "/a", code[] = "code";
	struct diag *diag = diags_add(&diags, path, code, "%d", 5);

	path[0] = code[0] = '!';
	assert_string_equal(diag->path, "/a");
	assert_string_equal(diag->code, "code");
	assert_string_equal(diag->message, "5");
	assert_int_equal(diag->offset, -1);
	assert_null(diag->hint);
	assert_string_equal(diags_add(&diags, NULL, "x", "y")->path, "");
	arena_fini(&arena);
}

static void test_diags_many(void **state)
{
	struct arena arena = { 0 };
	struct diags diags = { .arena = &arena };
	struct diag *diag;
	size_t bytes;
	int i;

	for (i = 0; i < 1000; i++) {
		bytes = arena.bytes;
		diag = diags_add(&diags, "/x", "c", "number %d", i);
		assert_non_null(diag);
		diag->hint = "h";
		if (i >= DIAGS_MAX)
			assert_int_equal(arena.bytes, bytes);
	}
	assert_int_equal(diags.n, DIAGS_MAX);
	assert_int_equal(diags.total, 1000);
	assert_string_equal(diags.v[DIAGS_MAX - 1].message, "number 19");
	arena_fini(&arena);
}

static const char *const words[] = { "sport", "dport", "saddr", "daddr", "accept", "drop",
				     "ip", "ip6", "destination" };

static const struct suggest_case {
	const char *name, *word, *want;
} suggest_cases[] = {
	{ "suggest: two letters swapped", "sprot", "sport" },
	{ "suggest: a letter missing", "dprt", "dport" },
	{ "suggest: a letter too many", "dropp", "drop" },
	{ "suggest: a letter replaced", "saddt", "saddr" },
	{ "suggest: case does not count", "DROP", "drop" },
	{ "suggest: three of eleven", "destntaiom", "destination" },
	{ "suggest: the word itself", "ip", "ip" },
	{ "suggest: the nearest wins", "dportt", "dport" },
	{ "suggest: nothing near", "vlan", NULL },
	{ "suggest: two of five is too far", "dorpp", NULL },
	{ "suggest: two left out", "acpt", NULL },
	{ "suggest: one letter is like nothing", "x", NULL },
	{ "suggest: empty", "", NULL },
	{ "suggest: too long to look at",
	  "ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd", NULL },
};

static void test_suggest(void **state)
{
	const struct suggest_case *c = *state;
	const char *got = suggest(c->word, words, sizeof(words) / sizeof(words[0]));

	if (c->want) {
		assert_non_null(got);
		assert_string_equal(got, c->want);
	} else {
		assert_null(got);
	}
}

static void test_diag_suggest(void **state)
{
	struct arena arena = { 0 };
	struct diags diags = { .arena = &arena };
	struct diag *diag = diags_add(&diags, "", "c", "m");

	diag_suggest(&diags, diag, "zzzz", words, 5);
	assert_null(diag->hint);
	diag_suggest(&diags, diag, "sprot", words, 5);
	assert_string_equal(diag->hint, "did you mean 'sport'?");
	assert_string_equal(suggest_text("sprot", words, 5).text, "; did you mean 'sport'?");
	assert_string_equal(suggest_text("zzzz", words, 5).text, "");
	arena_fini(&arena);
}

/* ---- jsonw ---- */

static void write_sample(struct jsonw *w)
{
	jsonw_object(w, NULL);
	jsonw_u64(w, "max", UINT64_MAX);
	jsonw_i64(w, "min", INT64_MIN);
	jsonw_array(w, "list");
	jsonw_bool(w, NULL, true);
	jsonw_null(w, NULL);
	jsonw_raw(w, NULL, "{}");
	jsonw_array_end(w);
	jsonw_object(w, "none");
	jsonw_object_end(w);
	jsonw_fmt(w, "fmt", "%d.%d", 1, 2);
	jsonw_object_end(w);
}

static void test_jsonw_line(void **state)
{
	struct buf out = { 0 };
	struct jsonw w;

	jsonw_init(&w, &out, false);
	write_sample(&w);
	assert_string_equal(out.data, "{\"max\":18446744073709551615,\"min\":-9223372036854775808,"
			    "\"list\":[true,null,{}],\"none\":{},\"fmt\":\"1.2\"}");
	buf_fini(&out);
}

static void test_jsonw_pretty(void **state)
{
	struct buf out = { 0 };
	struct jsonw w;

	jsonw_init(&w, &out, true);
	write_sample(&w);
	assert_string_equal(out.data, "{\n  \"max\": 18446744073709551615,\n"
			    "  \"min\": -9223372036854775808,\n  \"list\": [\n    true,\n"
			    "    null,\n    {}\n  ],\n  \"none\": {},\n"
			    "  \"fmt\": \"1.2\"\n}");
	buf_fini(&out);
}

static const struct string_case {
	const char *name, *text;
	size_t len;
	const char *want;
} string_cases[] = {
#define S(text) text, sizeof(text) - 1
	{ "jsonw: plain", S("abc"), "\"abc\"" },
	{ "jsonw: empty", S(""), "\"\"" },
	{ "jsonw: escapes", S("\"\\\b\f\n\r\t/"), "\"\\\"\\\\\\b\\f\\n\\r\\t/\"" },
	{ "jsonw: control characters", S("\x01\x1f\x7f"), "\"\\u0001\\u001f\\u007f\"" },
	{ "jsonw: NUL inside", S("a\0b"), "\"a\\u0000b\"" },
	{ "jsonw: 2, 3, 4 bytes", S("é€😀"), "\"é€😀\"" },
	{ "jsonw: lone continuation", S("a\x80z"), "\"a\xef\xbf\xbdz\"" },
	{ "jsonw: overlong", S("\xc0\xaf"), "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "jsonw: surrogate", S("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "jsonw: above U+10FFFF", S("\xf4\x90\x80\x80"),
	  "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "jsonw: cut off", S("a\xe2\x82"), "\"a\xef\xbf\xbd\xef\xbf\xbd\"" },
};

static void test_jsonw_string(void **state)
{
	const struct string_case *c = *state;
	char *exact = malloc(c->len + 1);	/* so that one byte too far is seen */
	struct buf out = { 0 };
	struct jsonw w;

	memcpy(exact, c->text, c->len);
	exact = realloc(exact, c->len ? c->len : 1);
	jsonw_init(&w, &out, false);
	jsonw_strn(&w, NULL, exact, c->len);
	assert_string_equal(out.data, c->want);
	buf_fini(&out);
	free(exact);
}

static void test_jsonw_null_and_long(void **state)
{
	struct buf out = { 0 };
	struct jsonw w;

	jsonw_init(&w, &out, false);
	jsonw_array(&w, NULL);
	jsonw_str(&w, NULL, NULL);
	jsonw_fmt(&w, NULL, "%5000s", "x");
	jsonw_array_end(&w);
	assert_int_equal(out.len, strlen("[null,\"\"]") + 5000);
	buf_fini(&out);
}

/* ---- utf8 ---- */

static void test_utf8(void **state)
{
	uint32_t c = 7;

	assert_int_equal(utf8_next("a", 1, &c), 1);
	assert_int_equal(c, 'a');
	assert_int_equal(utf8_next("€", 3, &c), 3);
	assert_int_equal(c, 0x20ac);
	assert_int_equal(utf8_next("😀", 4, &c), 4);
	assert_int_equal(c, 0x1f600);
	assert_int_equal(utf8_next("\xff", 1, &c), 0);
	assert_int_equal(utf8_next("€", 2, &c), 0);
	assert_int_equal(c, 0x1f600);
	assert_int_equal(utf8_count("aé€😀\xff", 11), 5);
}

int main(void)
{
	struct CMUnitTest tests[64] = {
		cmocka_unit_test(test_arena_zeroed_aligned),
		cmocka_unit_test(test_arena_large_keeps_rest),
		cmocka_unit_test(test_arena_push),
		cmocka_unit_test(test_arena_strings),
		cmocka_unit_test(test_arena_no_memory),
		cmocka_unit_test(test_buf),
		cmocka_unit_test(test_err_set),
		cmocka_unit_test(test_err_own_text_as_argument),
		cmocka_unit_test(test_err_prefix),
		cmocka_unit_test(test_err_at),
		cmocka_unit_test(test_err_long),
		cmocka_unit_test(test_diags_add),
		cmocka_unit_test(test_diags_many),
		cmocka_unit_test(test_diag_suggest),
		cmocka_unit_test(test_jsonw_line),
		cmocka_unit_test(test_jsonw_pretty),
		cmocka_unit_test(test_jsonw_null_and_long),
		cmocka_unit_test(test_utf8),
	};
	size_t n = 0, i;

	while (tests[n].test_func)
		n++;
	for (i = 0; i < sizeof(suggest_cases) / sizeof(suggest_cases[0]); i++)
		tests[n++] = unit_row(suggest_cases[i].name, test_suggest, &suggest_cases[i]);
	for (i = 0; i < sizeof(string_cases) / sizeof(string_cases[0]); i++)
		tests[n++] = unit_row(string_cases[i].name, test_jsonw_string, &string_cases[i]);
	return unit_main(tests, n);
}
