// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * client.c - JSON-RPC 2.0 to the daemon: one line out, one line in, each before a deadline
 * Also a library of its own: it needs nothing but libc.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <shunt/client.h>

#define ANSWER_MAX	(256u << 20)	/* bytes; requests are limited by the daemon, to as many */
#define CHUNK		65536
#define RETRY_MS	5		/* a full backlog cannot be polled for */

extern char **environ;

struct text {
	char *data;			/* NUL-terminated; NULL: nothing yet */
	size_t len, size;
};

struct shunt_client {
	int fd;
	pid_t child;			/* 0: none */
	unsigned int timeout_ms;
	bool broken;			/* answers could be out of step: no more calls */
	uint64_t id;			/* of the last request */
	bool stream;			/* lines come that are no answers */
	struct text rest;		/* of what came behind the last line */
};

struct span {				/* of a text */
	const char *start, *end;	/* start is NULL: not there */
};

struct deadline {
	bool none;
	int64_t at_ms;
};

static int text_add(struct text *text, const char *data, size_t len)
{
	size_t size = text->size ? text->size : 256;
	char *grown;

	while (size - text->len <= len)
		size *= 2;
	if (size != text->size) {
		grown = realloc(text->data, size);
		if (!grown)
			return -ENOMEM;
		text->data = grown;
		text->size = size;
	}
	memcpy(text->data + text->len, data, len);
	text->len += len;
	text->data[text->len] = '\0';
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

static struct deadline deadline_in(unsigned int timeout_ms)
{
	return (struct deadline){ .none = !timeout_ms, .at_ms = now_ms() + timeout_ms };
}

/* Milliseconds for poll(): -1: no deadline; 0: it has come */
static int deadline_left(const struct deadline *deadline)
{
	int64_t left;

	if (deadline->none)
		return -1;
	left = deadline->at_ms - now_ms();
	if (left < 0)
		return 0;
	return left > INT32_MAX ? INT32_MAX : left;
}

/* Return: events that came, or -ETIMEDOUT or another -errno */
static int wait_for(int fd, int events, const struct deadline *deadline)
{
	struct pollfd poller = { .fd = fd, .events = events };
	int r;

	do
		r = poll(&poller, 1, deadline_left(deadline));
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	return r ? poller.revents : -ETIMEDOUT;
}

static int connect_before(int fd, const struct sockaddr_un *address,
			  const struct deadline *deadline)
{
	while (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		if (!deadline_left(deadline))
			return -ETIMEDOUT;
		poll(NULL, 0, RETRY_MS);
	}
	return 0;
}

static int client_new(int fd, pid_t child, unsigned int timeout_ms,
		      struct shunt_client **ret_client)
{
	struct shunt_client *client = calloc(1, sizeof(*client));

	if (!client)
		return -ENOMEM;
	client->fd = fd;
	client->child = child;
	client->timeout_ms = timeout_ms;
	*ret_client = client;
	return 0;
}

int shunt_client_open(const char *socket_path, unsigned int timeout_ms,
		      struct shunt_client **ret_client)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct deadline deadline = deadline_in(timeout_ms);
	int fd, r;

	if (strlen(socket_path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, socket_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = connect_before(fd, &address, &deadline);
	if (r == 0)
		r = client_new(fd, 0, timeout_ms, ret_client);
	if (r < 0)
		close(fd);
	return r;
}

/* $SHUNT_BPF_DIR, else 'bpf' beside a daemon that was built but not installed */
static int bpf_dir_of(const char *shuntd, char **ret_path)
{
	const char *slash = strrchr(shuntd, '/'), *dir = getenv("SHUNT_BPF_DIR");
	char *path = NULL;
	struct stat info;

	if (dir && *dir)
		path = strdup(dir);
	else if (!slash)
		return 0;
	else if (asprintf(&path, "%.*s/bpf", (int)(slash - shuntd), shuntd) < 0)
		path = NULL;
	if (!path)
		return -ENOMEM;
	if (!(dir && *dir) && (stat(path, &info) < 0 || !S_ISDIR(info.st_mode))) {
		free(path);
		return 0;
	}
	*ret_path = path;
	return 0;
}

/* Its standard input and output are @fd; it ends when our end is closed, also when we are killed */
static int spawn_offline(const char *shuntd, int fd, pid_t *ret_child)
{
	char *argv[] = { (char *)shuntd, "--offline", NULL, NULL, NULL };
	posix_spawn_file_actions_t actions;
	char *bpf_dir = NULL;
	int r;

	r = -bpf_dir_of(shuntd, &bpf_dir);
	if (bpf_dir) {
		argv[2] = "--bpf-dir";
		argv[3] = bpf_dir;
	}
	if (!r)
		r = posix_spawn_file_actions_init(&actions);
	if (r)
		goto out;
	r = posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
	if (!r)
		r = posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
	if (!r)
		r = posix_spawnp(ret_child, shuntd, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
out:
	free(bpf_dir);
	return -r;
}

static void reap(pid_t child)
{
	kill(child, SIGKILL);		/* it changes nothing: no harm done */
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

int shunt_client_open_offline(const char *shuntd, unsigned int timeout_ms,
			      struct shunt_client **ret_client)
{
	int pair[2], r;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	r = spawn_offline(shuntd, pair[1], &child);
	close(pair[1]);
	if (r == 0) {
		r = client_new(pair[0], child, timeout_ms, ret_client);
		if (r < 0)
			reap(child);
	}
	if (r < 0)
		close(pair[0]);
	return r;
}

void shunt_client_close(struct shunt_client *client)
{
	if (!client)
		return;
	close(client->fd);
	free(client->rest.data);
	if (client->child)
		reap(client->child);
	free(client);
}

/* A line break in the text would end the message; in JSON it is white space, never in a string */
static int put_request(struct text *out, uint64_t id, const char *method, const char *params)
{
	char head[256];
	size_t i;
	int n, r;

	n = snprintf(head, sizeof(head), "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"method\":\"%s\"%s",
		     (unsigned long long)id, method, params ? ",\"params\":" : "");
	if (n < 0 || (size_t)n >= sizeof(head))
		return -EINVAL;
	r = text_add(out, head, n);
	if (r == 0 && params)
		r = text_add(out, params, strlen(params));
	for (i = n; r == 0 && i < out->len; i++)
		if (out->data[i] == '\n' || out->data[i] == '\r')
			out->data[i] = ' ';
	return r < 0 ? r : text_add(out, "}\n", 2);
}

/*
 * A daemon that will not take the whole request may have answered why: then
 * there is something to read, and that it is closed is not yet the news.
 */
static int send_request(struct shunt_client *client, const struct text *request,
			const struct deadline *deadline)
{
	size_t sent = 0;
	ssize_t n;
	int r;

	while (sent < request->len) {
		n = send(client->fd, request->data + sent, request->len - sent,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0) {
			sent += n;
		} else if (errno == EPIPE || errno == ECONNRESET) {
			return 0;
		} else if (errno == EAGAIN) {
			r = wait_for(client->fd, POLLOUT | POLLIN, deadline);
			if (r < 0)
				return r;
			if (r & POLLIN)
				return 0;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

static int receive_line(struct shunt_client *client, struct text *answer,
			const struct deadline *deadline)
{
	char *chunk = malloc(CHUNK), *end = NULL;
	ssize_t n;
	int r = 0;

	if (!chunk)
		return -ENOMEM;
	while (r >= 0 && !end) {
		r = wait_for(client->fd, POLLIN, deadline);
		if (r < 0)
			break;
		n = recv(client->fd, chunk, CHUNK, MSG_DONTWAIT);
		if (n < 0) {
			r = errno == EINTR || errno == EAGAIN ? 0 : -errno;
		} else if (!n) {
			r = -ECONNRESET;
		} else {
			end = memchr(chunk, '\n', n);
			r = text_add(answer, chunk, end ? end - chunk : n);
			if (r == 0 && end && client->stream)
				r = text_add(&client->rest, end + 1, chunk + n - end - 1);
			else if ((end && end != chunk + n - 1) || answer->len > ANSWER_MAX)
				r = -EBADMSG;	/* nobody asked for more than one line */
		}
	}
	free(chunk);
	return r < 0 ? r : 0;
}

/* ---- JSON: members of an object as text, so that no number is touched ---- */

static const char *skip_space(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

static const char *skip_string(const char *p)
{
	for (p++; *p && *p != '"'; p++)
		if (*p == '\\' && p[1])
			p++;
	return *p ? p + 1 : NULL;
}

/* Brackets are only counted: who reads the value sees whether they fit */
static const char *skip_value(const char *p)
{
	unsigned int depth = 0;

	for (; *p; p++) {
		if (!depth && strchr(",}", *p))
			return p;
		if (*p == '"') {
			p = skip_string(p);
			if (!p)
				return NULL;
			p--;
		} else if (*p == '{' || *p == '[') {
			depth++;
		} else if (*p == '}' || *p == ']') {
			if (!depth--)
				return NULL;
		}
	}
	return NULL;
}

/*
 * Some members of an object, by name; those that are not there stay as they are
 * Return: 0; -EBADMSG: no object, or more than one
 */
static int read_members(const char *text, const char *const *names, struct span *members,
			unsigned int n)
{
	const char *p = skip_space(text), *key;
	struct span value;
	unsigned int i;
	size_t len;

	if (*p != '{')
		return -EBADMSG;
	do {
		key = skip_space(p + 1);
		if (*key != '"' || !(p = skip_string(key)))
			return -EBADMSG;
		len = p - key - 2;
		p = skip_space(p);
		if (*p != ':')
			return -EBADMSG;
		value.start = skip_space(p + 1);
		value.end = p = skip_value(value.start);
		if (!p || value.end == value.start)
			return -EBADMSG;
		while (strchr(" \t\r\n", value.end[-1]))
			value.end--;
		for (i = 0; i < n; i++)
			if (strlen(names[i]) == len && !memcmp(names[i], key + 1, len))
				members[i] = value;
	} while (*p == ',');
	return *skip_space(p + 1) ? -EBADMSG : 0;
}

static bool read_integer(const struct span *span, long long *ret_value)
{
	long long value;
	char *end;

	if (!span->start)
		return false;
	errno = 0;
	value = strtoll(span->start, &end, 10);
	if (errno || end == span->start || skip_space(end) < span->end)
		return false;
	*ret_value = value;
	return true;
}

/* Of a request that the daemon could not read, it does not know the id */
static bool is_answer_to(const struct span *id, uint64_t wanted, bool is_error)
{
	long long value;

	if (is_error && id->start && !strncmp(id->start, "null", 4))
		return true;
	return read_integer(id, &value) && (uint64_t)value == wanted;
}

static int error_code(const char *error)
{
	static const char *const names[] = { "code" };
	struct span code = {};
	long long value;

	if (read_members(error, names, &code, 1) < 0 || !read_integer(&code, &value) ||
	    !value || value > INT32_MAX)
		return -EBADMSG;
	return value < 0 ? SHUNT_CLIENT_USAGE : value;
}

static int read_answer(const struct shunt_client *client, const char *text, char **ret_answer)
{
	static const char *const names[] = { "id", "result", "error" };
	struct span members[3] = {}, *body;
	bool is_error;
	char *answer;
	int r;

	r = read_members(text, names, members, 3);
	if (r < 0)
		return r;
	is_error = members[2].start;
	body = &members[1 + is_error];
	if (!members[1].start == !members[2].start || *body->start != '{' ||
	    !is_answer_to(&members[0], client->id, is_error))
		return -EBADMSG;
	answer = strndup(body->start, body->end - body->start);
	if (!answer)
		return -ENOMEM;
	r = is_error ? error_code(answer) : 0;
	if (r < 0)
		free(answer);
	else
		*ret_answer = answer;
	return r;
}

int shunt_client_call(struct shunt_client *client, const char *method, const char *params,
		      char **ret_answer)
{
	struct deadline deadline = deadline_in(client->timeout_ms);
	struct text request = {}, answer = {};
	char *text = NULL;
	int r;

	*ret_answer = NULL;
	if (client->broken)
		return -ENOTCONN;
	r = put_request(&request, ++client->id, method, params);
	if (r == 0)
		r = send_request(client, &request, &deadline);
	free(request.data);
	if (r == 0)
		r = receive_line(client, &answer, &deadline);
	if (r == 0)
		r = read_answer(client, answer.data, &text);
	free(answer.data);
	client->broken = r < 0;
	*ret_answer = text;
	return r;
}

int shunt_client_stream(struct shunt_client *client, const char *method, const char *params,
			char **ret_answer)
{
	client->stream = true;
	return shunt_client_call(client, method, params, ret_answer);
}

/* The first whole line of what is there already. Return: whether there is one */
static bool take_line(struct text *rest, char **ret_line, int *ret_r)
{
	char *end = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;

	if (!end)
		return false;
	*ret_line = strndup(rest->data, end - rest->data);
	*ret_r = *ret_line ? 0 : -ENOMEM;
	rest->len -= end + 1 - rest->data;
	memmove(rest->data, end + 1, rest->len + 1);
	return true;
}

int shunt_client_next(struct shunt_client *client, unsigned int timeout_ms, char **ret_line)
{
	struct pollfd poller = { .fd = client->fd, .events = POLLIN };
	char chunk[4096];
	ssize_t n;
	int r;

	while (!take_line(&client->rest, ret_line, &r)) {
		r = poll(&poller, 1, timeout_ms ? (int)timeout_ms : -1);
		if (r <= 0)
			return r < 0 ? -errno : -ETIMEDOUT;
		n = recv(client->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		if (n <= 0 && !(n < 0 && (errno == EAGAIN || errno == EINTR)))
			return n < 0 ? -errno : -ECONNRESET;
		if (n > 0 && (r = text_add(&client->rest, chunk, n)) < 0)
			return r;
		if (client->rest.len > ANSWER_MAX)
			return -EBADMSG;
	}
	return r;
}
