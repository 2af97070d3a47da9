// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* client.c - JSON-RPC 2.0 to the daemon: one line out, one line in, each before a deadline */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include <base/buf.h>
#include <base/file.h>
#include <shunt/client.h>

#define ANSWER_MAX	(256u << 20)	/* bytes; requests are limited by the daemon, to 64 MiB */
#define CHUNK		65536
#define RETRY_MS	5		/* a full backlog cannot be polled for */

extern char **environ;

struct shunt_client {
	int fd;
	pid_t child;			/* 0: none */
	unsigned int timeout_ms;
	bool broken;			/* request and answer could get out of step: no more calls */
	uint64_t id;			/* of the last request */
};

struct deadline {
	bool none;
	int64_t at_ms;
};

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
		fd_close(fd);
	return r;
}

/* $SHUNT_BPF_DIR, else 'bpf' beside a daemon that was built but not installed */
static char *bpf_dir_of(const char *shuntd)
{
	const char *slash = strrchr(shuntd, '/'), *dir = getenv("SHUNT_BPF_DIR");
	struct buf path = {};
	struct stat info;

	if (dir && *dir) {
		buf_str(&path, dir);
		return buf_take(&path);
	}
	if (!slash)
		return NULL;
	buf_add(&path, shuntd, slash - shuntd);
	buf_str(&path, "/bpf");
	if (stat(path.data, &info) == 0 && S_ISDIR(info.st_mode))
		return buf_take(&path);
	buf_fini(&path);
	return NULL;
}

/* Its standard input and output are @fd; it ends when our end is closed, also when we are killed */
static int spawn_offline(const char *shuntd, int fd, pid_t *ret_child)
{
	char *bpf_dir = bpf_dir_of(shuntd);
	char *argv[] = {
		(char *)shuntd, "--offline", bpf_dir ? "--bpf-dir" : NULL, bpf_dir, NULL
	};
	posix_spawn_file_actions_t actions;
	int r;

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
	fd_close(pair[1]);
	if (r == 0) {
		r = client_new(pair[0], child, timeout_ms, ret_client);
		if (r < 0)
			reap(child);
	}
	if (r < 0)
		fd_close(pair[0]);
	return r;
}

void shunt_client_close(struct shunt_client *client)
{
	if (!client)
		return;
	fd_close(client->fd);
	if (client->child)
		reap(client->child);
	free(client);
}

/* A line break in the text would end the message; in JSON it is white space, never in a string */
static void put_request(struct buf *out, uint64_t id, const char *method, const char *params)
{
	size_t start;
	char *c;

	buf_printf(out, "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"method\":\"%s\"",
		   (unsigned long long)id, method);
	if (params) {
		buf_str(out, ",\"params\":");
		start = out->len;
		buf_str(out, params);
		for (c = out->data + start; *c; c++)
			if (*c == '\n' || *c == '\r')
				*c = ' ';
	}
	buf_str(out, "}\n");
}

/*
 * A daemon that will not take the whole request may have answered why: then
 * there is something to read, and that it is closed is not yet the news.
 */
static int send_request(struct shunt_client *client, const struct buf *request,
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

static int receive_line(struct shunt_client *client, struct buf *answer,
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
			if ((end && end != chunk + n - 1) || answer->len + n > ANSWER_MAX)
				r = -EBADMSG;	/* nobody asked for more than one line */
			buf_add(answer, chunk, end ? end - chunk : n);
		}
	}
	free(chunk);
	return r < 0 ? r : 0;
}

/* ---- the envelope: members of the outermost object as text, so that no number is touched ---- */

struct span {
	const char *start, *end;	/* start is NULL: not there */
};

struct envelope {
	struct span id, result, error;
};

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

static struct span *envelope_member(struct envelope *envelope, const struct span *key)
{
	size_t len = key->end - key->start;

	if (len == 4 && !memcmp(key->start, "\"id\"", len))
		return &envelope->id;
	if (len == 8 && !memcmp(key->start, "\"result\"", len))
		return &envelope->result;
	if (len == 7 && !memcmp(key->start, "\"error\"", len))
		return &envelope->error;
	return NULL;
}

static int read_envelope(const char *text, struct envelope *ret_envelope)
{
	const char *p = skip_space(text);
	struct envelope envelope = {};
	struct span key, value, *member;

	if (*p != '{')
		return -EBADMSG;
	do {
		key.start = skip_space(p + 1);
		if (*key.start != '"' || !(key.end = skip_string(key.start)))
			return -EBADMSG;
		p = skip_space(key.end);
		if (*p != ':')
			return -EBADMSG;
		value.start = skip_space(p + 1);
		value.end = skip_value(value.start);
		if (!value.end || value.end == value.start)
			return -EBADMSG;
		member = envelope_member(&envelope, &key);
		if (member)
			*member = value;
		p = value.end;
	} while (*p == ',');
	if (*skip_space(p + 1))
		return -EBADMSG;
	*ret_envelope = envelope;
	return 0;
}

/* Of a request that the daemon could not read, it does not know the id */
static bool is_answer_to(const struct span *id, uint64_t wanted, bool is_error)
{
	char *end;

	if (!id->start)
		return false;
	if (is_error && !strncmp(id->start, "null", 4))
		return true;
	return strtoull(id->start, &end, 10) == wanted && skip_space(end) >= id->end;
}

static int error_code(const char *text)
{
	json_t *error = json_loads(text, 0, NULL), *code = json_object_get(error, "code");
	json_int_t value = json_integer_value(code);
	bool known = json_is_integer(code) && value && value <= INT32_MAX;

	json_decref(error);
	if (!known)
		return -EBADMSG;
	return value < 0 ? SHUNT_CLIENT_USAGE : value;
}

static int read_answer(const struct shunt_client *client, const char *text, char **ret_answer)
{
	struct envelope envelope;
	struct buf answer = {};
	struct span *body;
	int r;

	r = read_envelope(text, &envelope);
	if (r < 0)
		return r;
	if (!envelope.error.start == !envelope.result.start)
		return -EBADMSG;
	body = envelope.error.start ? &envelope.error : &envelope.result;
	if (*body->start != '{' || !is_answer_to(&envelope.id, client->id, envelope.error.start))
		return -EBADMSG;
	buf_add(&answer, body->start, body->end - body->start);
	r = envelope.error.start ? error_code(answer.data) : 0;
	if (r >= 0)
		*ret_answer = buf_take(&answer);
	buf_fini(&answer);
	return r;
}

int shunt_client_call(struct shunt_client *client, const char *method, const char *params,
		      char **ret_answer)
{
	struct deadline deadline = deadline_in(client->timeout_ms);
	struct buf request = {}, answer = {};
	char *text = NULL;
	int r;

	*ret_answer = NULL;
	if (client->broken)
		return -ENOTCONN;
	put_request(&request, ++client->id, method, params);
	r = send_request(client, &request, &deadline);
	buf_fini(&request);
	if (r == 0)
		r = receive_line(client, &answer, &deadline);
	if (r == 0)
		r = answer.data ? read_answer(client, answer.data, &text) : -EBADMSG;
	buf_fini(&answer);
	client->broken = r < 0;
	*ret_answer = text;
	return r;
}
