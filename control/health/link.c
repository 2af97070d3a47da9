// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* link.c - talk to the daemon from the loop */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <base/buf.h>
#include <base/log.h>
#include <health/link.h>

#define POLL_MS		500
#define RETRY_MS	1000
#define ANSWER_MAX	(256u << 20)

struct link {
	uv_loop_t *loop;
	const char *path;
	const struct link_ops *ops;
	void *data;
	uv_pipe_t *pipe;		/* NULL: not connected */
	uv_timer_t timer;		/* the next question, or attempt to connect */
	uv_idle_t send;			/* reports wait */
	struct buf in;
	size_t searched;		/* bytes of 'in' that have no newline */
	json_t *results;		/* that wait */
	json_t *sent;			/* that the daemon has not answered */
	json_int_t version;		/* of the list that we have; 0: none */
	bool connected;			/* else the pipe is on its way */
	bool asked;			/* an answer is to come */
	bool told;			/* that it cannot be reached */
	int closing;			/* handles that are not closed yet, at the end */
};

static void on_timer(uv_timer_t *timer);

static void pipe_closed(uv_handle_t *handle)
{
	free(handle);
}

/* What was sent and not answered is told again by the next connection, as everything is */
static void disconnect(struct link *link, const char *why)
{
	if (!link->told)
		log_warn("daemon at '%s': %s", link->path, why);
	link->told = true;
	if (link->pipe)
		uv_close((uv_handle_t *)link->pipe, pipe_closed);
	link->pipe = NULL;
	link->connected = false;
	link->asked = false;
	link->version = 0;
	link->searched = 0;
	buf_clear(&link->in);
	json_array_clear(link->results);
	json_decref(link->sent);
	link->sent = NULL;
	uv_timer_start(&link->timer, on_timer, RETRY_MS, 0);
}

/* ---- requests ----------------------------------------------------------------------------- */

struct request {
	uv_write_t write;
	struct link *link;
	uv_pipe_t *pipe;
	char *text;
};

static void written(uv_write_t *write, int status)
{
	struct request *request = write->data;

	if (status < 0 && request->link->pipe == request->pipe)
		disconnect(request->link, uv_strerror(status));
	free(request->text);
	free(request);
}

static void request_send(struct link *link, const char *method, json_t *params)
{
	struct request *request = calloc(1, sizeof(*request));
	json_t *json = json_pack("{s:s, s:i, s:s, s:o}", "jsonrpc", "2.0", "id", 1, "method", method,
				 "params", params);
	struct buf text = {};
	uv_buf_t out;
	char *dump;

	if (!request || !json)
		abort();
	dump = json_dumps(json, JSON_COMPACT);
	buf_str(&text, dump);
	buf_char(&text, '\n');
	free(dump);
	json_decref(json);
	out = uv_buf_init(text.data, text.len);
	request->link = link;
	request->pipe = link->pipe;
	request->text = buf_take(&text);
	request->write.data = request;
	link->asked = true;
	uv_timer_stop(&link->timer);
	if (uv_write(&request->write, (uv_stream_t *)link->pipe, &out, 1, written) < 0)
		abort();	/* a pipe that is open and writable */
}

/* The next request: verdicts at once, the list when it is time */
static void next(struct link *link)
{
	if (!link->connected || link->asked)
		return;
	if (!json_array_size(link->results)) {
		uv_timer_start(&link->timer, on_timer, link->version ? POLL_MS : 0, 0);
		return;
	}
	link->sent = link->results;
	link->results = json_array();
	request_send(link, "lb.health", json_pack("{s:O}", "results", link->sent));
}

static void on_send(uv_idle_t *idle)
{
	uv_idle_stop(idle);
	next(idle->data);
}

void link_report(struct link *link, json_t *result)
{
	json_array_append_new(link->results, result);
	uv_idle_start(&link->send, on_send);
}

/* ---- answers ------------------------------------------------------------------------------ */

static void take_checks(struct link *link, json_t *result)
{
	json_int_t version = json_integer_value(json_object_get(result, "version"));
	json_t *checks = json_object_get(result, "checks");

	if (!json_is_array(checks))
		return;			/* as it was */
	link->version = version;
	link->ops->checks(link->data, checks);
}

static void take_answer(struct link *link, const char *line, size_t len)
{
	json_error_t error;
	json_t *json = json_loadb(line, len, 0, &error), *result, *failed;

	if (!json) {
		disconnect(link, "its answer is no JSON");
		return;
	}
	result = json_object_get(json, "result");
	failed = json_object_get(json, "error");
	if (failed)
		log_error("the daemon refuses: %s",
			  json_string_value(json_object_get(failed, "message")) ?: "?");
	link->asked = false;
	if (link->sent)
		json_decref(link->sent);
	else if (result)
		take_checks(link, result);
	link->sent = NULL;
	json_decref(json);
	if (failed)
		uv_timer_start(&link->timer, on_timer, RETRY_MS, 0);
	else
		next(link);
}

static void alloc(uv_handle_t *handle, size_t size, uv_buf_t *ret_buf)
{
	*ret_buf = uv_buf_init(malloc(size), size);
}

static void lines(struct link *link)
{
	char *end;

	while (link->in.len > link->searched) {
		end = memchr(link->in.data + link->searched, '\n', link->in.len - link->searched);
		if (!end) {
			link->searched = link->in.len;
			return;
		}
		/* One request at a time: nothing is behind its answer */
		link->searched = 0;
		take_answer(link, link->in.data, end - link->in.data);
		buf_clear(&link->in);
	}
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
	struct link *link = stream->data;

	if (n < 0)
		disconnect(link, uv_strerror(n));
	else
		buf_add(&link->in, bytes->base, n);
	free(bytes->base);
	if (n > 0 && link->in.len > ANSWER_MAX)
		disconnect(link, "its answer has no end");
	else if (n > 0)
		lines(link);
}

/* ---- connection --------------------------------------------------------------------------- */

static void on_connect(uv_connect_t *connect, int status)
{
	struct link *link = connect->data;

	free(connect);
	if (status == UV_ECANCELED || !link->pipe)
		return;
	if (status < 0) {
		disconnect(link, uv_strerror(status));
		return;
	}
	log_info("connected to the daemon at '%s'", link->path);
	link->told = false;
	link->connected = true;
	uv_read_start((uv_stream_t *)link->pipe, alloc, on_read);
	json_array_clear(link->results);	/* they are told again */
	link->ops->connected(link->data);
	next(link);
}

static void connect_daemon(struct link *link)
{
	uv_connect_t *connect = calloc(1, sizeof(*connect));

	link->pipe = calloc(1, sizeof(*link->pipe));
	if (!connect || !link->pipe)
		abort();
	uv_pipe_init(link->loop, link->pipe, 0);
	link->pipe->data = link;
	connect->data = link;
	uv_pipe_connect(connect, link->pipe, link->path, on_connect);
}

static void on_timer(uv_timer_t *timer)
{
	struct link *link = timer->data;

	if (!link->pipe)
		connect_daemon(link);
	else if (link->connected && !link->asked)
		request_send(link, "lb.checks", json_pack("{s:I}", "version", link->version));
}

struct link *link_new(uv_loop_t *loop, const char *path, const struct link_ops *ops, void *data)
{
	struct link *link = calloc(1, sizeof(*link));

	if (!link)
		abort();
	*link = (struct link){ .loop = loop, .path = path, .ops = ops, .data = data,
			       .results = json_array() };
	uv_timer_init(loop, &link->timer);
	uv_idle_init(loop, &link->send);
	link->timer.data = link->send.data = link;
	uv_timer_start(&link->timer, on_timer, 0, 0);
	return link;
}

/* Requests under way are called back before their pipe is closed: the last handle frees the link */
static void link_closed(struct link *link)
{
	if (--link->closing)
		return;
	buf_fini(&link->in);
	json_decref(link->results);
	json_decref(link->sent);
	free(link);
}

static void handle_closed(uv_handle_t *handle)
{
	link_closed(handle->data);
}

static void last_pipe_closed(uv_handle_t *handle)
{
	struct link *link = handle->data;

	free(handle);
	link_closed(link);
}

void link_free(struct link *link)
{
	link->closing = link->pipe ? 3 : 2;
	if (link->pipe)
		uv_close((uv_handle_t *)link->pipe, last_pipe_closed);
	link->pipe = NULL;
	uv_close((uv_handle_t *)&link->send, handle_closed);
	uv_close((uv_handle_t *)&link->timer, handle_closed);
}
