// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * probe_socket.c - TCP: does it accept; UDP: does it answer, or at least not refuse
 *
 * DOC: A TCP connection is taken down by a reset, so that a thousand checks leave no thousand
 * sockets in TIME_WAIT. UDP that expects nothing is good when nobody has refused it in time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <health/probe.h>

struct probe {
	uv_poll_t poll;
	uv_timer_t timer;
	int fd;
	int closing;			/* handles that are not closed yet */
	int error;			/* it could not be asked */
	const struct check *check;
	probe_done_fn *done;
	void *data;
};

static void closed(uv_handle_t *handle)
{
	struct probe *probe = handle->data;

	if (--probe->closing)
		return;
	close(probe->fd);
	free(probe);
}

static void cancel(struct probe *probe)
{
	const struct linger reset = { .l_onoff = 1 };

	if (probe->check->type == CHECK_TCP)
		setsockopt(probe->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	probe->closing = 2;
	uv_close((uv_handle_t *)&probe->poll, closed);
	uv_close((uv_handle_t *)&probe->timer, closed);
}

static void done(struct probe *probe, const char *why)
{
	cancel(probe);
	probe->done(probe->data, !why, why);
}

static void timed_out(uv_timer_t *timer)
{
	struct probe *probe = timer->data;
	bool silence_is_good = probe->check->type == CHECK_UDP && !probe->check->expect;

	done(probe, silence_is_good ? NULL : "no answer in time");
}

static void tcp_ready(struct probe *probe)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(probe->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	done(probe, error ? strerror(error) : NULL);
}

static void udp_ready(struct probe *probe)
{
	const char *expect = probe->check->expect;
	char answer[65536];
	ssize_t len;

	len = recv(probe->fd, answer, sizeof(answer), MSG_DONTWAIT);
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len < 0)
		done(probe, strerror(errno));
	else if (!expect || memmem(answer, len, expect, strlen(expect)))
		done(probe, NULL);
	else
		done(probe, "the answer is another");
}

static void ready(uv_poll_t *poll, int status, int events)
{
	struct probe *probe = poll->data;

	if (probe->check->type == CHECK_TCP)
		tcp_ready(probe);
	else
		udp_ready(probe);
}

static int ask(struct probe *probe)
{
	const struct check *check = probe->check;
	const char *text = check->send ?: "";

	if (connect(probe->fd, (const void *)&check->to, check->to_len) < 0 && errno != EINPROGRESS)
		return -errno;
	if (check->type == CHECK_UDP && send(probe->fd, text, strlen(text), 0) < 0)
		return -errno;
	return 0;
}

/* That it cannot be asked (no route) is an answer, which comes from the loop like others */
static void refused(uv_timer_t *timer)
{
	struct probe *probe = timer->data;

	done(probe, strerror(-probe->error));
}

static int start(uv_loop_t *loop, const struct check *check, probe_done_fn *done_fn, void *data,
		 struct probe **ret_probe)
{
	int type = check->type == CHECK_TCP ? SOCK_STREAM : SOCK_DGRAM, r;
	struct probe *probe = calloc(1, sizeof(*probe));

	if (!probe)
		return -ENOMEM;
	probe->fd = socket(check->to.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (probe->fd < 0) {
		r = -errno;
		free(probe);
		return r;
	}
	probe->check = check;
	probe->done = done_fn;
	probe->data = data;
	uv_timer_init(loop, &probe->timer);
	uv_poll_init(loop, &probe->poll, probe->fd);
	probe->timer.data = probe->poll.data = probe;
	r = ask(probe);
	if (r < 0) {
		probe->error = r;
		uv_timer_start(&probe->timer, refused, 0, 0);
	} else {
		uv_timer_start(&probe->timer, timed_out, check->timeout_ms, 0);
		uv_poll_start(&probe->poll, check->type == CHECK_TCP ? UV_WRITABLE : UV_READABLE,
			      ready);
	}
	*ret_probe = probe;
	return 0;
}

const struct probe_ops probe_socket = { .start = start, .cancel = cancel };
