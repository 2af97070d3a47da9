// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * tool_api.c - what bad, slow and many clients do to the daemon
 * For tests/net/api_test.sh: prints "pass NAME" or "fail NAME: WHY", one a line.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include <base/buf.h>

#define ANSWER_MS	20000
#define CLIENTS		100
#define CLIENTS_MAX	64	/* of the daemon */
#define MIB		(1u << 20)

static const char *path, *path_ro;

static void result(bool good, const char *name, const char *fmt, ...)
{
	va_list args;

	printf(good ? "pass %s" : "fail %s: ", name);
	if (!good) {
		va_start(args, fmt);
		vprintf(fmt, args);
		va_end(args);
	}
	putchar('\n');
	fflush(stdout);
}

static int dial(const char *to)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", to);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		perror(to);
		exit(2);
	}
	return fd;
}

/* One line, without its end; NULL: closed, or nothing in time. Freed by the caller */
static char *answer(int fd, int timeout_ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	struct buf line = {};
	char chunk[65536];
	ssize_t n;

	while (poll(&poll_fd, 1, timeout_ms) > 0) {
		n = recv(fd, chunk, sizeof(chunk), 0);
		if (n <= 0)
			break;
		buf_add(&line, chunk, n);
		if (chunk[n - 1] == '\n') {
			line.data[line.len - 1] = 0;
			return line.data;
		}
	}
	buf_fini(&line);
	return NULL;
}

/* Return: whether all went out; false: the daemon hung up */
static bool put(int fd, const char *data, size_t len)
{
	ssize_t n;

	for (; len; data += n, len -= n) {
		n = send(fd, data, len, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
	}
	return true;
}

/* error.code of the answer; 0: a result; 1: no JSON-RPC answer. *ret_text: heap or NULL */
static int code_of(char *text)
{
	json_t *json = text ? json_loads(text, 0, NULL) : NULL;
	json_t *error = json_object_get(json, "error");
	int code = 1;

	if (json_object_get(json, "result") && !error)
		code = 0;
	else if (json_is_string(json_object_get(error, "message")))
		code = json_integer_value(json_object_get(error, "code"));
	json_decref(json);
	return code;
}

static int ask_at(const char *to, const char *data, size_t len, char **ret_text)
{
	int fd = dial(to), code;
	char *text;

	put(fd, data, len);
	put(fd, "\n", 1);
	text = answer(fd, ANSWER_MS);
	code = code_of(text);
	close(fd);
	if (ret_text)
		*ret_text = text;
	else
		free(text);
	return code;
}

static int call(const char *to, const char *method, const char *params)
{
	struct buf line = {};
	int code;

	buf_printf(&line, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", method, params);
	code = ask_at(to, line.data, line.len, NULL);
	buf_fini(&line);
	return code;
}

/* ---- lines that are no requests ---- */

static const struct {
	const char *name, *line;
	int code;
} lines[] = {
	{ "an empty line", "", -32700 },
	{ "a word", "hello", -32700 },
	{ "half an object", "{\"jsonrpc\":\"2.0\",\"id\":1,", -32700 },
	{ "two objects", "{} {}", -32700 },
	{ "a key twice", "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"version\"}", -32700 },
	{ "bytes that are no UTF-8", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\xfe\"}", -32700 },
	{ "a NUL in a string", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\\u0000b\"}", -32700 },
	{ "a number too large", "{\"jsonrpc\":\"2.0\",\"id\":99999999999999999999,\"method\":\"version\"}", -32700 },
	{ "a string", "\"version\"", -32700 },
	{ "a batch", "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"version\"}]", -32600 },
	{ "an empty batch", "[]", -32600 },
	{ "an empty object", "{}", -32600 },
	{ "no version", "{\"id\":1,\"method\":\"version\"}", -32600 },
	{ "version 1", "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"version\"}", -32600 },
	{ "a notification", "{\"jsonrpc\":\"2.0\",\"method\":\"version\"}", -32600 },
	{ "a method that is a number", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":1}", -32600 },
	{ "a method that is none", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"reboot\"}", -32601 },
	{ "parameters by place", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"version\",\"params\":[1]}", -32602 },
	{ "an unknown parameter", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"version\",\"params\":{\"x\":1}}", -32602 },
};

static void test_lines(void)
{
	unsigned int i;
	int code;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		code = ask_at(path, lines[i].line, strlen(lines[i].line), NULL);
		result(code == lines[i].code, lines[i].name, "code %d", code);
	}
}

static void test_depth(void)
{
	static char deep[200000];
	struct buf config = {};
	int code;

	memset(deep, '[', sizeof(deep));
	code = ask_at(path, deep, sizeof(deep), NULL);
	result(code == -32700, "200 000 brackets", "code %d", code);
	buf_str(&config, "{\"config\":{\"version\":1,\"nodes\":");
	buf_add(&config, deep, 500);
	memset(deep, ']', 500);
	buf_add(&config, deep, 500);
	buf_str(&config, "}}");
	code = call(path, "check", config.data);
	result(code == 3 || code == 0, "a configuration 500 deep", "code %d", code);
	buf_fini(&config);
}

static void test_garbage(void)
{
	char junk[65536], *text;
	unsigned int i, n, lines_of = 0;
	int fd = dial(path);
	bool good = true;

	srand(1);
	for (i = 0; i < sizeof(junk); i++)
		junk[i] = rand();
	for (i = 0; i < sizeof(junk); i++)
		lines_of += junk[i] == '\n';
	put(fd, junk, sizeof(junk));
	put(fd, "\n", 1);
	close(fd);
	for (n = 0; good && n < 200; n++) {
		for (i = 0; i < 300; i++)
			junk[i] = rand() | 0x80;
		good = ask_at(path, junk, 300, &text) == -32700;
		free(text);
	}
	result(good && lines_of, "200 lines of noise", "line %u", n);
}

/* ---- every parameter of every method, of every type ---- */

static const struct {
	const char *name, *params;	/* name:type, s i b o l */
} methods[] = {
	{ "version", "" }, { "check", "config:o" }, { "diff", "config:o" },
	{ "apply", "config:o comment:s confirm_s:i dry_run:b" }, { "confirm", "" },
	{ "rollback", "to:i steps:i comment:s dry_run:b" }, { "history", "" },
	{ "export", "generation:i" }, { "status", "" }, { "graph.show", "graph:s" },
	{ "node.show", "node:s" }, { "rule.list", "node:s" },
	{ "rule.add", "node:s rule:s index:i chain:s comment:s" },
	{ "rule.insert", "node:s rule:s index:i before:s chain:s comment:s" },
	{ "rule.replace", "node:s id:s rule:s comment:s" }, { "rule.del", "node:s id:s comment:s" },
	{ "rule.test", "node:s packet:s" }, { "filter.show", "node:s" },
	{ "set.list", "set:s" }, { "set.add", "set:s elements:l timeout:s comment:s" },
	{ "set.del", "set:s elements:l comment:s" }, { "set.flush", "set:s comment:s" },
	{ "set.load", "set:s text:s add:b comment:s" }, { "module.list", "" },
	{ "module.inspect", "module:s" }, { "table.show", "node:s table:s" },
	{ "table.get", "node:s table:s key:l" }, { "table.set", "node:s table:s key:l value:l" },
	{ "table.del", "node:s table:s key:l" }, { "drop.show", "" },
	{ "detach", "dev:s all:b hook:s" }, { "feature", "dev:s" },
};

static const struct {
	char type;
	const char *text;
} values[] = {
	{ 's', "\"\"" }, { 's', "\"no such thing\"" }, { 's', "\"../../etc\"" }, { 's', "\"%s%n\"" },
	{ 'i', "4294967295" }, { '-', "-1" }, { '-', "4294967296" }, { '-', "9223372036854775807" },
	{ '-', "1.5" }, { 'b', "false" }, { 'o', "{}" }, { 'o', "{\"version\":[]}" },
	{ 'l', "[]" }, { 'l', "[\"\"]" }, { '-', "[1]" }, { '-', "[[]]" }, { '0', "null" },
};

/* A value of another type is refused as such; one of the type may be refused for what it says */
static unsigned int try_values(const char *method, const char *param, char type)
{
	unsigned int i, bad = 0;
	char params[256];
	int code;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		bool inner = type == 'l' && values[i].text[0] == '[';
		bool fits = values[i].type == type || values[i].type == '0' || inner;

		snprintf(params, sizeof(params), "{\"%s\":%s%s}", param, values[i].text,
			 strcmp(method, "rollback") ? "" : ",\"dry_run\":true");
		code = call(path, method, params);
		if (code == 1 || (!fits && code != -32602)) {
			printf("# %s %s: code %d\n", method, params, code);
			bad++;
		}
	}
	return bad;
}

static void test_types(void)
{
	unsigned int i, bad = 0;
	char *copy, *rest, *word;

	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		copy = rest = strdup(methods[i].params);
		while ((word = strsep(&rest, " "))) {
			char *colon = strchr(word, ':');

			if (!colon)
				continue;
			*colon = 0;
			if (strcmp(methods[i].name, "rollback") || strcmp(word, "dry_run"))
				bad += try_values(methods[i].name, word, colon[1]);
		}
		free(copy);
		if (call(path, methods[i].name, "{\"nonsense\":1}") != -32602) {
			printf("# %s takes 'nonsense'\n", methods[i].name);
			bad++;
		}
	}
	result(!bad, "values of every type for every parameter of every method", "%u wrong answers", bad);
}

/* ---- sizes ---- */

static void test_long(const char *to, size_t max, const char *name)
{
	char *chunk = malloc(MIB), *text;
	size_t sent = 0;
	int fd = dial(to);

	memset(chunk, 'x', MIB);
	while (sent <= max + 4 * MIB && put(fd, chunk, MIB))
		sent += MIB;
	text = answer(fd, ANSWER_MS);
	result(text && strstr(text, "too long") && sent <= max + 4 * MIB, name, "after %zu bytes: %s", sent,
	       text ? text : "no answer");
	free(text);
	close(fd);
	free(chunk);
}

static void test_read_only(void)
{
	static const char *const changes[] = { "apply", "confirm", "rollback", "rule.add",
		"rule.insert", "rule.replace", "rule.del", "set.add", "set.del", "set.flush", "set.load",
		"table.set", "table.del", "detach" };
	unsigned int i, bad = 0;

	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		bad += call(path_ro, changes[i], "{}") != -32601;
	result(!bad, "the read-only socket changes nothing", "%u methods are there", bad);
	result(call(path_ro, "status", "{}") == 0, "it answers what only reads", "it does not");
	result(call(path_ro, "module.inspect", "{\"module\":\"/etc/passwd\"}") == 2,
	       "and opens no files for its clients", "it does");
}

/* ---- many ---- */

static void test_many(void)
{
	static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"version\"}\n";
	int fd[CLIENTS], i, served = 0, told = 0;
	char *text;

	for (i = 0; i < CLIENTS; i++)
		fd[i] = dial(path);
	for (i = 0; i < CLIENTS; i++)
		put(fd[i], line, strlen(line));
	for (i = 0; i < CLIENTS; i++) {
		text = answer(fd[i], ANSWER_MS);
		served += code_of(text) == 0;
		told += text && strstr(text, "too many clients");
		free(text);
	}
	for (i = 0; i < CLIENTS; i++)
		close(fd[i]);
	result(served == CLIENTS_MAX && told == CLIENTS - CLIENTS_MAX,
	       "100 clients at once: 64 are served, the others told", "%d served, %d told", served, told);
}

/* Over the read-only socket there is room meanwhile, and soon again here */
static void test_room(void)
{
	int i, code = 1;

	for (i = 0; i < 200 && code; i++) {
		code = call(path, "version", "{}");
		if (code)
			usleep(50000);
	}
	result(code == 0, "when they are gone there is room again", "code %d", code);
}

/* Several requests in one write, one request in many */
static void test_pieces(void)
{
	static const char two[] = "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"version\"}\n"
				  "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"nothing\"}\n";
	int fd = dial(path);
	bool good = true;
	unsigned int i;
	char *text;
	size_t j;

	for (i = 0; i < 20; i++)
		for (j = 0; j < strlen(two); j++)
			put(fd, two + j, 1);
	for (i = 0; good && i < 40; i++) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		char c = 0;

		good = poll(&poll_fd, 1, ANSWER_MS) > 0;
		while (good && c != '\n')
			good = recv(fd, &c, 1, 0) == 1;
	}
	result(good, "40 requests, byte by byte: 40 answers", "%u", i);
	close(fd);
	fd = dial(path);
	put(fd, two, strlen(two));
	text = answer(fd, ANSWER_MS);
	result(text && strstr(text, "\"id\":\"a\""), "two in one write: the first first", "%s",
	       text ? text : "no answer");
	free(text);
	close(fd);
}

static void test_churn(void)
{
	unsigned int i, bad = 0;
	int fd;

	for (i = 0; i < 2000; i++) {
		if (i % 4 == 0) {
			fd = dial(path);
			put(fd, "{\"jsonrpc\":", i % 11);
			close(fd);
		} else {
			bad += call(path, i % 4 == 1 ? "status" : "nothing", "{}") == 1;
		}
	}
	result(!bad, "2000 connections, some cut off", "%u without an answer", bad);
}

/* ---- slow ones: 30 s are given ---- */

static bool closed_after(int fd, int s)
{
	struct timespec start, now;
	char chunk[65536];
	ssize_t n;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		n = recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return true;
		usleep(100000);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - start.tv_sec < s);
	return false;
}

static void test_slow(void)
{
	static const char export[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"export\"}\n";
	static const char word[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"versio..............................";
	int slow = dial(path), deaf = dial(path), i, n, bad = 0;
	struct timespec start, now;
	long ms, max_ms = 0;

	n = 4096;
	setsockopt(deaf, SOL_SOCKET, SO_RCVBUF, &n, sizeof(n));
	put(deaf, export, strlen(export));
	for (i = 0; i < 33; i++) {
		put(slow, word + i, 1);
		clock_gettime(CLOCK_MONOTONIC, &start);
		bad += call(path, "status", "{}") != 0;
		clock_gettime(CLOCK_MONOTONIC, &now);
		ms = (now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000;
		max_ms = ms > max_ms ? ms : max_ms;
		usleep(1000000);
	}
	printf("# longest answer beside a slow client: %ld ms\n", max_ms);
	result(!bad, "a client of one byte a second stalls nobody", "%d without an answer", bad);
	result(closed_after(slow, 30), "and is closed", "it is not");
	/* What is on its way to the deaf one may still be read; then it ends before the answer does */
	result(closed_after(deaf, 30), "a client that does not take its answer is closed", "it is not");
	close(slow);
	close(deaf);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fputs("usage: api SOCKET READ-ONLY-SOCKET lines|many|slow\n", stderr);
		return 2;
	}
	path = argv[1];
	path_ro = argv[2];
	if (!strcmp(argv[3], "lines")) {
		test_lines();
		test_depth();
		test_garbage();
		test_types();
		test_long(path, 256 * MIB, "a line without end");
		test_long(path_ro, 64 << 10, "a long line on the read-only socket");
		test_read_only();
		test_pieces();
	} else if (!strcmp(argv[3], "many")) {
		test_many();
		test_room();
		test_churn();
	} else {
		test_slow();
	}
	return 0;
}
