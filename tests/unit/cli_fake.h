/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* cli_fake.h - the command in this process, and a daemon that says what it is told to */
#ifndef TESTS_CLI_FAKE_H
#define TESTS_CLI_FAKE_H

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#include <base/buf.h>
#include <base/file.h>
#include <cli/cli.h>

#include "../lib/unit.h"

#define FAKE_NOW	1764000000	/* 2025-11-24 16:00:00 UTC */
#define FAKE_ARGS	16

/* What the daemon answers to a method */
struct fake_answer {
	const char *method;
	const char *result;	/* JSON */
	const char *error;	/* JSON of the error object; both NULL: hang up */
	const char *then;	/* result of a call that has a cursor; NULL: the same */
	int interrupt_at;	/* SIGINT to this process before the n-th answer; 0: never */
	const char *second;	/* result of all requests but the first; NULL: the same */
};

struct fake {
	const struct fake_answer *answers;	/* up to one without a method; NULL: no daemon */
	int terminal_fd;		/* standard output; 0: a file */
	char path[108];
	int fd;
	pthread_t thread;
	struct buf requests;		/* "METHOD PARAMS\n" each, keys in order */
	int n_requests;
	int status;
	char *out, *err;
};

static void fake_request(struct fake *fake, const json_t *request, struct buf *line)
{
	const char *method = json_string_value(json_object_get(request, "method"));
	json_t *params = json_object_get(request, "params");
	const struct fake_answer *answer = fake->answers;
	const char *result;
	char *text = params ? json_dumps(params, JSON_COMPACT | JSON_SORT_KEYS) : strdup("-");

	buf_printf(&fake->requests, "%s %s\n", method, text);
	free(text);
	fake->n_requests++;
	while (answer->method && strcmp(answer->method, method))
		answer++;
	if (answer->interrupt_at && answer->interrupt_at == fake->n_requests)
		kill(getpid(), SIGINT);
	result = answer->then && json_object_get(params, "cursor") ? answer->then : answer->result;
	if (answer->second && fake->n_requests > 1)
		result = answer->second;
	if (result || answer->error)
		buf_printf(line, "{\"id\":%lld,\"%s\":%s}\n",
			   json_integer_value(json_object_get(request, "id")),
			   answer->error ? "error" : "result",
			   answer->error ? answer->error : result);
}

static void fake_client(struct fake *fake, int fd)
{
	FILE *file = fdopen(fd, "r");
	struct buf line = {};
	char *text = NULL;
	size_t size = 0;
	json_t *request;

	while (getline(&text, &size, file) > 0) {
		request = json_loads(text, 0, NULL);
		buf_clear(&line);
		fake_request(fake, request, &line);
		json_decref(request);
		if (!line.len || send(fd, line.data, line.len, MSG_NOSIGNAL) < 0)
			break;
	}
	buf_fini(&line);
	free(text);
	fclose(file);
}

static void *fake_serve(void *arg)
{
	struct fake *fake = arg;
	sigset_t set;
	int fd;

	sigfillset(&set);	/* SIGINT is for the command */
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	while ((fd = accept(fake->fd, NULL, NULL)) >= 0)
		fake_client(fake, fd);
	return NULL;
}

static void fake_start(struct fake *fake)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(fake->path, sizeof(fake->path), "%s/shuntd.sock", unit_folder());
	strcpy(address.sun_path, fake->path);
	unlink(fake->path);
	if (!fake->answers)
		return;
	fake->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fake->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fake->fd, 8), 0);
	assert_int_equal(pthread_create(&fake->thread, NULL, fake_serve, fake), 0);
}

static void fake_stop(struct fake *fake)
{
	if (!fake->answers)
		return;
	shutdown(fake->fd, SHUT_RDWR);
	pthread_join(fake->thread, NULL);
	fd_close(fake->fd);
	unlink(fake->path);
}

static char *fake_output(int fd)
{
	off_t len = lseek(fd, 0, SEEK_END);
	char *text = calloc(1, len + 1);

	assert_int_equal(pread(fd, text, len, 0), len);
	fd_close(fd);
	return text;
}

/* Run a command; a NULL ends its words. The caller frees with fake_fini() */
static void fake_run(struct fake *fake, const char *const *words)
{
	struct cli cli = { .now = FAKE_NOW };
	char *argv[FAKE_ARGS + 1] = {};
	int argc = 0, out = memfd_create("out", MFD_CLOEXEC);

	setenv("TZ", "UTC", 1);
	setenv("TERM", "xterm", 1);
	fake_start(fake);
	setenv("SHUNT_SOCKET", fake->path, 1);
	cli.out_fd = fake->terminal_fd ? fake->terminal_fd : out;
	cli.err_fd = memfd_create("err", MFD_CLOEXEC);
	for (; words[argc]; argc++)
		argv[argc] = strdup(words[argc]);
	fake->status = cli_run(&cli, argc, memcpy((char *[FAKE_ARGS + 1]){}, argv, sizeof(argv)));
	cli_fini(&cli);
	fake_stop(fake);
	while (argc)
		free(argv[--argc]);
	fake->out = fake_output(out);
	fake->err = fake_output(cli.err_fd);
}

static void fake_fini(struct fake *fake)
{
	buf_fini(&fake->requests);
	free(fake->out);
	free(fake->err);
}

/* A file in the test's folder; the text stays valid until the next call */
static inline const char *fake_file(const char *name, const char *text)
{
	static char path[256];
	struct err err;

	snprintf(path, sizeof(path), "%s/%s", unit_folder(), name);
	assert_int_equal(file_write(path, text, strlen(text), 0600, &err), 0);
	return path;
}

#endif
