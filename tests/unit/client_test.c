// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* client_test.c - control/client: answers whole, slow, broken and absent */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <base/buf.h>
#include <base/file.h>
#include <shunt/client.h>

#include "../lib/unit.h"

#define SHORT_MS	150		/* for what never comes */
#define LONG_MS		60000		/* for what comes */
#define LARGE		(8u << 20)

/* What a daemon does with one connection */
struct script {
	const char *name;
	const char *answer;	/* to each line; NULL: none, and wait until the client goes */
	bool bytewise;		/* a write a byte */
	bool early;		/* answer the first bytes, read no more */
	bool stay;		/* early: but close only after the client */
	bool hang_up;		/* close behind the answer */
	int want;
	const char *want_text;
};

struct server {
	char path[108];
	int fd;
	const struct script *script;
	struct buf received;
	pthread_t thread;
};

static void say(int fd, const char *text, bool bytewise)
{
	size_t len = strlen(text), step = bytewise ? 1 : len, i;

	for (i = 0; i < len; i += step)
		if (send(fd, text + i, step, MSG_NOSIGNAL) < 0)
			return;
}

static void *serve(void *arg)
{
	struct server *server = arg;
	const struct script *script = server->script;
	int fd = accept(server->fd, NULL, NULL);
	static char chunk[65536];
	ssize_t n;

	while (fd >= 0 && (n = recv(fd, chunk, sizeof(chunk), 0)) > 0) {
		buf_add(&server->received, chunk, n);
		if (!script->early && chunk[n - 1] != '\n')
			continue;
		if (script->answer)
			say(fd, script->answer, script->bytewise);
		if (script->early || script->hang_up)
			break;
	}
	if (script->stay) {
		struct pollfd poller = { .fd = fd };	/* POLLHUP always counts */

		poll(&poller, 1, -1);
	}
	fd_close(fd);
	return NULL;
}

static void server_start(struct server *server, const struct script *script, int backlog)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	static unsigned int number;

	*server = (struct server){ .script = script };
	snprintf(server->path, sizeof(server->path), "%s/%u.sock", unit_folder(), number++);
	strcpy(address.sun_path, server->path);
	server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(server->fd, backlog), 0);
	if (script)
		assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void server_stop(struct server *server)
{
	if (server->script)
		pthread_join(server->thread, NULL);
	fd_close(server->fd);
	unlink(server->path);
	buf_fini(&server->received);
}

#define OK(json) "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":" json "}\n"

static const struct script scripts[] = {
	{ "result: passed on as it is", OK("{\"n\":18446744073709551615, \"a\":[1,{\"b\":\"}\\\""
	  "\"}]}"),
	  .want_text = "{\"n\":18446744073709551615, \"a\":[1,{\"b\":\"}\\\"\"}]}" },
	{ "members in another order, with spaces",
	  "{ \"result\" : {} , \"x\" : [ \"]\" ] , \"id\" : 1 }\n", .want_text = "{}" },
	{ "one byte at a time", OK("{\"schema\":1}"), .bytewise = true,
	  .want_text = "{\"schema\":1}" },
	{ "error of the configuration", "{\"id\":1,\"error\":{\"code\":3,\"message\":\"m\"}}\n",
	  .want = 3,
	  .want_text = "{\"code\":3,\"message\":\"m\"}" },
	{ "error of JSON-RPC is one of usage", "{\"id\":1,\"error\":{\"code\":-32601}}\n",
	  .want = SHUNT_CLIENT_USAGE, .want_text = "{\"code\":-32601}" },
	{ "error without an id: the request was not understood",
	  "{\"id\":null,\"error\":{\"code\":-32700}}\n", .want = SHUNT_CLIENT_USAGE,
	  .want_text = "{\"code\":-32700}" },
	{ "no JSON", "hello\n", .want = -EBADMSG },
	{ "empty line", "\n", .want = -EBADMSG },
	{ "cut JSON", "{\"id\":1,\"result\":{\"a\":1}\n", .want = -EBADMSG },
	{ "string without end", "{\"id\":1,\"result\":{\"a\":\"\\\n", .want = -EBADMSG },
	{ "too many brackets", "{\"id\":1,\"result\":{}]}\n", .want = -EBADMSG },
	{ "text behind it", "{\"id\":1,\"result\":{}}x\n", .want = -EBADMSG },
	{ "result is no object", OK("[]"), .want = -EBADMSG },
	{ "neither result nor error", "{\"id\":1}\n", .want = -EBADMSG },
	{ "both", "{\"id\":1,\"result\":{},\"error\":{\"code\":2}}\n", .want = -EBADMSG },
	{ "answer to another request", "{\"id\":2,\"result\":{}}\n", .want = -EBADMSG },
	{ "id that only begins alike", "{\"id\":1.5,\"result\":{}}\n", .want = -EBADMSG },
	{ "no id", "{\"result\":{}}\n", .want = -EBADMSG },
	{ "result without an id", "{\"id\":null,\"result\":{}}\n", .want = -EBADMSG },
	{ "error without a code", "{\"id\":1,\"error\":{}}\n", .want = -EBADMSG },
	{ "error of code 0", "{\"id\":1,\"error\":{\"code\":0}}\n", .want = -EBADMSG },
	{ "two answers", OK("{}") OK("{}"), .want = -EBADMSG },
	{ "hangs up within the answer", "{\"id\":1,", .hang_up = true, .want = -ECONNRESET },
	{ "hangs up without an answer", "", .hang_up = true, .want = -ECONNRESET },
};

static void test_script(void **state)
{
	const struct script *script = *state;
	struct shunt_client *client;
	struct server server;
	char *answer, *none;

	server_start(&server, script, 1);
	assert_int_equal(shunt_client_open(server.path, LONG_MS, &client), 0);
	assert_int_equal(shunt_client_call(client, "status", NULL, &answer), script->want);
	if (script->want_text)
		assert_string_equal(answer, script->want_text);
	else
		assert_null(answer);
	if (script->want < 0) {
		assert_int_equal(shunt_client_call(client, "status", NULL, &none), -ENOTCONN);
		assert_null(none);
	}
	free(answer);
	shunt_client_close(client);
	server_stop(&server);
}

static void test_request(void **state)
{
	static const struct script script = { .answer = OK("{}") };
	struct shunt_client *client;
	struct server server;
	char *answer;

	server_start(&server, &script, 1);
	assert_int_equal(shunt_client_open(server.path, LONG_MS, &client), 0);
	assert_int_equal(shunt_client_call(client, "diff", "{\n\"a\":\r\n1}", &answer), 0);
	free(answer);
	shunt_client_close(client);
	pthread_join(server.thread, NULL);
	server.script = NULL;
	assert_string_equal(server.received.data, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":"
		"\"diff\","
			    "\"params\":{ \"a\":  1}}\n");
	server_stop(&server);
}

static char *large_object(void)
{
	struct buf text = {};
	size_t i;

	buf_str(&text, "{\"text\":\"");
	for (i = 0; i < LARGE; i += 16)
		buf_str(&text, "0123456789abcdef");
	buf_str(&text, "\"}");
	return buf_take(&text);
}

static void test_large(void **state)
{
	char *params = large_object(), *answer;
	struct buf line = {};
	struct script script = {};
	struct shunt_client *client;
	struct server server;

	buf_printf(&line, "{\"id\":1,\"result\":%s}\n", params);
	script.answer = line.data;
	server_start(&server, &script, 1);
	assert_int_equal(shunt_client_open(server.path, LONG_MS, &client), 0);
	assert_int_equal(shunt_client_call(client, "apply", params, &answer), 0);
	assert_true(!strcmp(answer, params));
	shunt_client_close(client);
	pthread_join(server.thread, NULL);
	server.script = NULL;
	assert_true(server.received.len > strlen(params));
	server_stop(&server);
	buf_fini(&line);
	free(params);
	free(answer);
}

/* A daemon that refuses a request by its size does not read the rest of it */
static void test_refused_early(void **state)
{
	const struct script script = {
		.answer = "{\"id\":null,\"error\":{\"code\":-32600,\"message\":\"too large\"}}\n",
		.early = true,
		.stay = *state,
	};
	char *params = large_object(), *answer;
	struct shunt_client *client;
	struct server server;

	server_start(&server, &script, 1);
	assert_int_equal(shunt_client_open(server.path, LONG_MS, &client), 0);
	assert_int_equal(shunt_client_call(client, "apply", params, &answer), SHUNT_CLIENT_USAGE);
	assert_non_null(strstr(answer, "too large"));
	free(answer);
	free(params);
	shunt_client_close(client);
	server_stop(&server);
}

static void test_silent(void **state)
{
	static const struct script script = {};
	struct shunt_client *client;
	struct server server;
	char *answer;

	server_start(&server, &script, 1);
	assert_int_equal(shunt_client_open(server.path, SHORT_MS, &client), 0);
	assert_int_equal(shunt_client_call(client, "status", NULL, &answer), -ETIMEDOUT);
	assert_null(answer);
	assert_int_equal(shunt_client_call(client, "status", NULL, &answer), -ENOTCONN);
	shunt_client_close(client);
	server_stop(&server);
}

/* Nobody accepts, and the queue is full */
static void test_full(void **state)
{
	struct shunt_client *client[8] = {};
	struct server server;
	int i, r = 0;

	server_start(&server, NULL, 0);
	for (i = 0; i < 8 && r == 0; i++)
		r = shunt_client_open(server.path, SHORT_MS, &client[i]);
	assert_int_equal(r, -ETIMEDOUT);
	for (i = 0; i < 8; i++)
		shunt_client_close(client[i]);
	server_stop(&server);
}

static void test_nobody(void **state)
{
	struct shunt_client *client = NULL;
	struct server server;
	char path[200];

	server_start(&server, NULL, 1);
	fd_close(server.fd);
	server.fd = -1;
	assert_int_equal(shunt_client_open(server.path, LONG_MS, &client), -ECONNREFUSED);
	unlink(server.path);
	assert_int_equal(shunt_client_open(server.path, LONG_MS, &client), -ENOENT);
	memset(path, 'a', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(shunt_client_open(path, LONG_MS, &client), -ENAMETOOLONG);
	assert_null(client);
	shunt_client_close(NULL);
	server_stop(&server);
}

/* A program that answers with its own arguments */
static const char *offline_program(const char *folder)
{
	static const char text[] =
		"#!/bin/sh\n"
		"while read -r line; do echo \"{\\\"id\\\":1,\\\"result\\\":{\\\"args\\\":\\\"$*"
		"\\\"}}\"; done\n";
	static char path[256];
	struct err err;

	snprintf(path, sizeof(path), "%s/%s", unit_folder(), folder);
	mkdir(path, 0700);
	strcat(path, "/shuntd");
	assert_int_equal(file_write(path, text, strlen(text), 0700, &err), 0);
	return path;
}

/* Pids of this process's children */
static const char *children(void)
{
	static char text[256];
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	file = fopen(path, "r");
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

static void check_offline(const char *program, const char *want)
{
	struct shunt_client *client;
	char before[256], *answer;

	strcpy(before, children());
	assert_int_equal(shunt_client_open_offline(program, LONG_MS, &client), 0);
	assert_string_not_equal(children(), before);
	assert_int_equal(shunt_client_call(client, "version", NULL, &answer), 0);
	assert_string_equal(answer, want);
	free(answer);
	shunt_client_close(client);
	assert_string_equal(children(), before);	/* it is gone and reaped */
}

static void test_offline(void **state)
{
	const char *program = offline_program("plain");
	struct shunt_client *client = NULL;
	char path[300], want[400];

	unsetenv("SHUNT_BPF_DIR");
	check_offline(program, "{\"args\":\"--offline\"}");
	setenv("SHUNT_BPF_DIR", "/some/where", 1);
	check_offline(program, "{\"args\":\"--offline --bpf-dir /some/where\"}");
	unsetenv("SHUNT_BPF_DIR");
	program = offline_program("built");
	snprintf(path, sizeof(path), "%s/built/bpf", unit_folder());
	mkdir(path, 0700);
	snprintf(want, sizeof(want), "{\"args\":\"--offline --bpf-dir %s\"}", path);
	check_offline(program, want);
	snprintf(path, sizeof(path), "%s/nothing", unit_folder());
	assert_int_equal(shunt_client_open_offline(path, LONG_MS, &client), -ENOENT);
	assert_null(client);
}

/* What ends at once, or says nothing, is as a daemon that does */
static void test_offline_dies(void **state)
{
	struct shunt_client *client;
	char *answer;

	unsetenv("SHUNT_BPF_DIR");
	assert_int_equal(shunt_client_open_offline("/bin/true", LONG_MS, &client), 0);
	assert_int_equal(shunt_client_call(client, "version", NULL, &answer), -ECONNRESET);
	shunt_client_close(client);
}

int main(void)
{
	struct CMUnitTest tests[sizeof(scripts) / sizeof(scripts[0]) + 9];
	size_t n = 0, i;

	for (i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
		tests[n++] = unit_row(scripts[i].name, test_script, &scripts[i]);
	tests[n++] = unit_row("request: one line", test_request, NULL);
	tests[n++] = unit_row("8 MiB each way", test_large, NULL);
	tests[n++] = unit_row("refused before it was sent whole, closed", test_refused_early, NULL);
	tests[n++] = unit_row("refused before it was sent whole, open", test_refused_early, "stay");
	tests[n++] = unit_row("no answer: timeout", test_silent, NULL);
	tests[n++] = unit_row("no connection: timeout", test_full, NULL);
	tests[n++] = unit_row("nobody there", test_nobody, NULL);
	tests[n++] = unit_row("offline: arguments, and no child left", test_offline, NULL);
	tests[n++] = unit_row("offline: the child dies", test_offline_dies, NULL);
	return unit_main(tests, n);
}
