// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * server.c - Unix sockets: clients, lines, limits
 *
 * DOC: A client's requests are served one after the other: while an answer has
 * not been taken, nothing more is read from it. A request that does not arrive
 * whole, or an answer that is not taken, within CLIENT_DEADLINE_MS ends the client.
 */
#include <errno.h>
#include <grp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/buf.h>
#include <base/log.h>
#include <daemon/rpc.h>
#include <daemon/server.h>
#include <daemon/stream.h>

#define CLIENTS_MAX		64
#define CLIENT_DEADLINE_MS	30000
#define REQUEST_MAX		(256u << 20)	/* bytes: a set of 4 million elements, and more */
#define REQUEST_READ_ONLY_MAX	(64u << 10)
#define READ_CHUNK		65536

struct server {
	uv_pipe_t pipe;
	struct daemon *daemon;
	char *path;
	bool read_only;
	unsigned int clients;
};

struct client {
	uv_pipe_t pipe;
	uv_timer_t timer;
	uv_write_t write;
	struct server *server;
	struct rpc_peer peer;
	struct stream stream;
	struct buf in, out;
	size_t scanned;			/* bytes of 'in' known to hold no newline */
	bool writing;
	bool last;			/* close when the answer is out */
	int handles;			/* of libuv's, still open */
	char chunk[READ_CHUNK];
};

static void client_serve(struct client *client);
static void client_stream(struct client *client);

static void client_closed(uv_handle_t *handle)
{
	struct client *client = handle->data;

	if (--client->handles)
		return;
	client->server->clients--;
	buf_fini(&client->in);
	buf_fini(&client->out);
	free(client);
}

static void client_close(struct client *client)
{
	if (uv_is_closing((uv_handle_t *)&client->pipe))
		return;
	stream_end(&client->stream);
	uv_close((uv_handle_t *)&client->pipe, client_closed);
	uv_close((uv_handle_t *)&client->timer, client_closed);
}

static void client_late(uv_timer_t *timer)
{
	struct client *client = timer->data;

	log_warn("client pid %d uid %u: too slow, closing", client->peer.pid, client->peer.uid);
	client_close(client);
}

static void client_written(uv_write_t *write, int status)
{
	struct client *client = write->data;

	client->writing = false;
	if (status < 0 || client->last) {
		client_close(client);
		return;
	}
	uv_timer_stop(&client->timer);
	buf_clear(&client->out);
	if (client->stream.on)
		client_stream(client);
	else
		client_serve(client);
}

static void client_answer(struct client *client)
{
	uv_buf_t out = uv_buf_init(client->out.data, client->out.len);

	client->writing = true;
	client->write.data = client;
	uv_read_stop((uv_stream_t *)&client->pipe);
	uv_timer_start(&client->timer, client_late, CLIENT_DEADLINE_MS, 0);
	if (uv_write(&client->write, (uv_stream_t *)&client->pipe, &out, 1, client_written) < 0)
		client_close(client);
}

static void client_refuse(struct client *client, const char *why)
{
	log_warn("client pid %d uid %u: %s, closing", client->peer.pid, client->peer.uid, why);
	buf_clear(&client->out);
	buf_printf(&client->out, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":%d,"
		   "\"message\":\"%s\"}}\n", RPC_INVALID_REQUEST, why);
	client->last = true;
	client_answer(client);
}

static void client_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
	struct client *client = handle->data;

	*ret_buf = uv_buf_init(client->chunk, sizeof(client->chunk));
}

/* Of a client that is told events, nothing is wanted any more but that it goes */
static void client_gone(uv_stream_t *stream, ssize_t n, const uv_buf_t *data)
{
	struct client *client = stream->data;

	if (n > 0)
		log_warn("client pid %d uid %u: asks in a stream, closing", client->peer.pid,
			 client->peer.uid);
	if (n)
		client_close(client);
}

/* What waits, or wait for it */
static void client_stream(struct client *client)
{
	struct buf out = client->out;

	if (client->writing || uv_is_closing((uv_handle_t *)&client->pipe))
		return;
	if (!client->stream.waiting.len) {
		uv_read_start((uv_stream_t *)&client->pipe, client_alloc, client_gone);
		return;
	}
	client->out = client->stream.waiting;
	client->stream.waiting = out;
	client_answer(client);
}

static void client_wake(struct stream *stream)
{
	client_stream((struct client *)((char *)stream - offsetof(struct client, stream)));
}

static void client_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *data)
{
	struct client *client = stream->data;

	if (n < 0) {
		client_close(client);
		return;
	}
	buf_add(&client->in, data->base, n);
	client_serve(client);
}

/* The first whole line, or wait for one */
static void client_serve(struct client *client)
{
	size_t max = client->peer.read_only ? REQUEST_READ_ONLY_MAX : REQUEST_MAX, len, rest;
	char *end;

	if (client->writing || uv_is_closing((uv_handle_t *)&client->pipe))
		return;
	end = client->in.len > client->scanned ?
	      memchr(client->in.data + client->scanned, '\n',
		     client->in.len - client->scanned) : NULL;
	if (!end) {
		client->scanned = client->in.len;
		if (client->in.len > max) {
			client_refuse(client, "request too long");
			return;
		}
		if (client->in.len && !uv_is_active((uv_handle_t *)&client->timer))
			uv_timer_start(&client->timer, client_late, CLIENT_DEADLINE_MS, 0);
		uv_read_start((uv_stream_t *)&client->pipe, client_alloc, client_read);
		return;
	}
	len = end - client->in.data;
	rpc_serve(client->server->daemon, &client->peer, client->in.data, len, &client->out);
	rest = client->in.len - len - 1;
	memmove(client->in.data, end + 1, rest);
	client->in.len = rest;
	client->scanned = 0;
	client_answer(client);
}

static void client_credentials(struct client *client)
{
	struct ucred cred = { .pid = -1, .uid = -1, .gid = -1 };
	socklen_t len = sizeof(cred);
	uv_os_fd_t fd;

	if (uv_fileno((uv_handle_t *)&client->pipe, &fd) == 0)
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);
	client->peer = (struct rpc_peer) {
		.pid = cred.pid,
		.uid = cred.uid,
		.gid = cred.gid,
		.read_only = client->server->read_only,
		.stream = &client->stream,
	};
	client->stream.wake = client_wake;
}

static void server_connected(uv_stream_t *stream, int status)
{
	struct server *server = stream->data;
	struct client *client;

	if (status < 0)
		return;
	client = calloc(1, sizeof(*client));
	if (!client)
		return;
	client->server = server;
	client->handles = 2;
	uv_pipe_init(stream->loop, &client->pipe, 0);
	uv_timer_init(stream->loop, &client->timer);
	client->pipe.data = client->timer.data = client;
	server->clients++;
	if (uv_accept(stream, (uv_stream_t *)&client->pipe) < 0) {
		client_close(client);
		return;
	}
	client_credentials(client);
	if (server->clients > CLIENTS_MAX)
		client_refuse(client, "too many clients");
	else
		client_serve(client);
}

static void server_own(const char *path, bool read_only)
{
	struct group *group = getgrnam("shunt");

	if (read_only)
		chmod(path, 0666);
	else if (group && chown(path, -1, group->gr_gid) == 0)
		chmod(path, 0660);
}

static void server_closed(uv_handle_t *handle)
{
	struct server *server = handle->data;

	free(server->path);
	free(server);
}

int server_new(struct daemon *daemon, uv_loop_t *loop, const char *path, bool read_only,
	       struct server **ret_server, struct err *err)
{
	struct server *server = calloc(1, sizeof(*server));
	mode_t mask;
	int r;

	if (!server)
		return err_set(err, -ENOMEM, "listen");
	server->daemon = daemon;
	server->read_only = read_only;
	server->path = strdup(path);
	uv_pipe_init(loop, &server->pipe, 0);
	server->pipe.data = server;
	unlink(path);		/* the lock is ours: whoever left it is dead */
	mask = umask(0177);	/* never open wider than it is to be */
	r = uv_pipe_bind(&server->pipe, path);
	umask(mask);
	if (r == 0) {
		server_own(path, read_only);
		r = uv_listen((uv_stream_t *)&server->pipe, 16, server_connected);
	}
	if (r < 0) {
		uv_close((uv_handle_t *)&server->pipe, server_closed);
		return err_set(err, r, "listen on '%s'", path);
	}
	*ret_server = server;
	return 0;
}

void server_close(struct server *server)
{
	if (!server)
		return;
	unlink(server->path);
	uv_close((uv_handle_t *)&server->pipe, server_closed);
}
