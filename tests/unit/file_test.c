// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* file_test.c - control/base: files and the log */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/file.h>
#include <base/log.h>

#include "../lib/unit.h"

/* ---- log ---- */

/* What a message becomes on stderr, with $JOURNAL_STREAM naming it or not */
static char *logged(bool journal, enum log_level max, enum log_level level, const char *text)
{
	static char got[8192];
	int fd[2], status;
	ssize_t n, len = 0;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		struct stat st;
		char stream[64];

		dup2(fd[1], STDERR_FILENO);
		fstat(STDERR_FILENO, &st);
		snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
			 (unsigned long long)st.st_ino + !journal);
		setenv("JOURNAL_STREAM", stream, 1);
		log_init("prog", max);
		errno = ENXIO;
		log_print(level, "%s", text);
		_exit(errno == ENXIO ? 0 : 1);
	}
	close(fd[1]);
	while ((n = read(fd[0], got + len, sizeof(got) - 1 - len)) > 0)
		len += n;
	got[len] = '\0';
	close(fd[0]);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	return got;
}

static void test_log(void **state)
{
	static char text[6000];

	assert_string_equal(logged(false, LOG_LEVEL_INFO, LOG_LEVEL_INFO, "hi"), "prog: hi\n");
	assert_string_equal(logged(false, LOG_LEVEL_INFO, LOG_LEVEL_ERROR, "hi"),
			    "prog: error: hi\n");
	assert_string_equal(logged(true, LOG_LEVEL_INFO, LOG_LEVEL_WARN, "hi"), "<4>hi\n");
	assert_string_equal(logged(true, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG, "hi"), "");
	assert_string_equal(logged(true, LOG_LEVEL_DEBUG, LOG_LEVEL_DEBUG, "a\n<0>b\033"),
			    "<7>a <0>b \n");
	memset(text, 'x', sizeof(text) - 1);
	assert_int_equal(strlen(logged(true, LOG_LEVEL_INFO, LOG_LEVEL_INFO, text)), 4096);
}

/* ---- file ---- */

static const char *in_folder(const char *name)
{
	static char path[4][256];
	static int i;

	i = (i + 1) % 4;
	snprintf(path[i], sizeof(path[i]), "%s/%s", unit_folder(), name);
	return path[i];
}

static void test_file_write_read(void **state)
{
	const char *path = in_folder("file");
	struct err err = { 0 };
	struct stat st;
	size_t len;
	char *data;

	assert_int_equal(file_write(path, "a\0b", 3, 0640, &err), 0);
	assert_int_equal(file_write(path, "xyz\0u", 5, 0626, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0626);
	assert_int_equal(file_read(path, 5, &data, &len, &err), 0);
	assert_int_equal(len, 5);
	assert_memory_equal(data, "xyz\0u", 6);
	free(data);
}

static void test_file_read_limit(void **state)
{
	const char *path = in_folder("limit");
	struct err err = { 0 };
	char *data = (char *)1;
	size_t len = 77;

	assert_int_equal(file_write(path, "12345", 5, 0600, &err), 0);
	assert_int_equal(file_read(path, 4, &data, &len, &err), -EFBIG);
	assert_non_null(strstr(err.text, "is larger than 4 bytes"));
	assert_ptr_equal(data, (char *)1);
	assert_int_equal(len, 77);
}

static void test_file_read_large(void **state)
{
	const char *path = in_folder("large");
	size_t size = 300001, len, i;
	char *data = malloc(size), *back;

	for (i = 0; i < size; i++)
		data[i] = (char)(i * 31);
	assert_int_equal(file_write(path, data, size, 0600, NULL), 0);
	assert_int_equal(file_read(path, size, &back, &len, NULL), 0);
	assert_int_equal(len, size);
	assert_memory_equal(data, back, size);
	free(data);
	free(back);
}

static void test_file_errors(void **state)
{
	struct err err = { 0 };
	size_t len;
	char *data;

	assert_int_equal(file_read(in_folder("none"), 10, &data, &len, &err), -ENOENT);
	assert_int_equal(file_read(unit_folder(), 10, &data, &len, &err), -EISDIR);
	assert_int_equal(file_write(in_folder("no/file"), "", 0, 0600, &err), -ENOENT);
}

/* A folder that is not empty is in the way of the rename: nothing stays beside it */
static void test_file_write_fails(void **state)
{
	const char *folder = in_folder("full");
	struct err err = { 0 };
	char beside[300];

	assert_int_equal(file_mkdirs(in_folder("full/member"), 0700, &err), 0);
	assert_true(file_write(folder, "x", 1, 0600, &err) < 0);
	assert_non_null(strstr(err.text, "write '"));
	snprintf(beside, sizeof(beside), "%s.%d.tmp", folder, (int)getpid());
	assert_int_equal(access(beside, F_OK), -1);
}

/* An endless file ends at the limit */
static void test_file_read_endless(void **state)
{
	char *data;
	size_t len;

	assert_int_equal(file_read("/dev/zero", 100000, &data, &len, NULL), -EFBIG);
}

static void test_file_write_over_stale(void **state)
{
	const char *path = in_folder("stale");
	char beside[300], *data;
	size_t len;

	snprintf(beside, sizeof(beside), "%s.%d.tmp", path, (int)getpid());
	assert_int_equal(file_write(beside, "old", 3, 0400, NULL), 0);
	assert_int_equal(file_write(path, "new", 3, 0600, NULL), 0);
	assert_int_equal(access(beside, F_OK), -1);
	assert_int_equal(file_read(path, 9, &data, &len, NULL), 0);
	assert_string_equal(data, "new");
	free(data);
}

static void test_file_mkdirs(void **state)
{
	struct err err = { 0 };
	struct stat st;

	assert_int_equal(file_mkdirs(in_folder("a/b//c/"), 0700, &err), 0);
	assert_int_equal(file_mkdirs(in_folder("a/b/c"), 0700, &err), 0);
	assert_int_equal(stat(in_folder("a/b/c"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(file_write(in_folder("a/file"), "", 0, 0600, &err), 0);
	assert_int_equal(file_mkdirs(in_folder("a/file"), 0700, &err), -ENOTDIR);
	assert_int_equal(file_mkdirs(in_folder("a/file/x"), 0700, &err), -ENOTDIR);
	assert_int_equal(file_mkdirs("", 0700, &err), -ENOENT);
	assert_int_equal(file_mkdirs("/", 0700, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_file_write_read),
		cmocka_unit_test(test_file_read_limit),
		cmocka_unit_test(test_file_read_large),
		cmocka_unit_test(test_file_read_endless),
		cmocka_unit_test(test_file_errors),
		cmocka_unit_test(test_file_write_fails),
		cmocka_unit_test(test_file_write_over_stale),
		cmocka_unit_test(test_file_mkdirs),
	};

	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
