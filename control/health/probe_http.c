// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * probe_http.c - HTTP and HTTPS: is the answer's status one of those that are expected
 *
 * DOC: libcurl's multi interface in libuv's loop: libcurl says which sockets to watch and when to
 * be called again. Certificates are not verified: a check asks whether a server answers, by its
 * address, which no certificate names. Redirects are not followed, bodies are thrown away.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include <health/probe.h>

#define BODY_MAX	(1L << 20)

struct probe {
	CURL *easy;
	struct curl_slist *to;		/* "::ADDRESS:PORT" (CURLOPT_CONNECT_TO) */
	struct curl_slist *headers;
	const struct check *check;
	probe_done_fn *done;
	void *data;
};

struct watch {				/* of one socket of libcurl's */
	uv_poll_t poll;
	curl_socket_t fd;
};

static CURLM *multi;
static uv_timer_t timer;
static bool timer_open;

/* ---- libcurl in the loop ------------------------------------------------------------------ */

static void finished(void)
{
	struct probe *probe;
	char why[CURL_ERROR_SIZE + 32] = "";
	CURLMsg *msg;
	long status;
	int left;

	while ((msg = curl_multi_info_read(multi, &left))) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &probe);
		curl_easy_getinfo(msg->easy_handle, CURLINFO_RESPONSE_CODE, &status);
		if (msg->data.result != CURLE_OK && msg->data.result != CURLE_WRITE_ERROR)
			snprintf(why, sizeof(why), "%s", curl_easy_strerror(msg->data.result));
		else if (status < probe->check->status_first || status > probe->check->status_last)
			snprintf(why, sizeof(why), "status %ld", status);
		else
			why[0] = '\0';
		probe->done(probe->data, !why[0], why[0] ? why : NULL);
		probe_http.cancel(probe);
	}
}

static void on_timer(uv_timer_t *handle)
{
	int running;

	curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
	finished();
}

static int set_timer(CURLM *m, long ms, void *data)
{
	if (ms < 0)
		uv_timer_stop(&timer);
	else
		uv_timer_start(&timer, on_timer, ms, 0);
	return 0;
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
	struct watch *watch = poll->data;
	int flags = 0, running;

	if (status < 0)
		flags = CURL_CSELECT_ERR;
	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	curl_multi_socket_action(multi, watch->fd, flags, &running);
	finished();
}

static void watch_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
	struct watch *watch = socket_data;
	int events = 0;

	if (what == CURL_POLL_REMOVE) {
		curl_multi_assign(multi, fd, NULL);
		if (watch)
			uv_close((uv_handle_t *)&watch->poll, watch_closed);
		return 0;
	}
	if (!watch) {
		watch = calloc(1, sizeof(*watch));
		if (!watch)
			return -1;
		watch->fd = fd;
		watch->poll.data = watch;
		uv_poll_init_socket(timer.loop, &watch->poll, fd);
		curl_multi_assign(multi, fd, watch);
	}
	if (what & CURL_POLL_IN)
		events |= UV_READABLE;
	if (what & CURL_POLL_OUT)
		events |= UV_WRITABLE;
	uv_poll_start(&watch->poll, events, on_socket);
	return 0;
}

static int open_multi(uv_loop_t *loop)
{
	if (multi)
		return 0;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	multi = curl_multi_init();
	if (!multi)
		return -ENOMEM;
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, set_socket);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 0L);
	uv_timer_init(loop, &timer);
	timer_open = true;
	return 0;
}

void probe_http_fini(void)
{
	if (!multi)
		return;
	curl_multi_cleanup(multi);
	multi = NULL;
	curl_global_cleanup();
	if (timer_open)
		uv_close((uv_handle_t *)&timer, NULL);
	timer_open = false;
}

/* ---- one transfer ------------------------------------------------------------------------- */

/* More than is wanted of a body ends the transfer, which is good all the same */
static size_t swallow(char *bytes, size_t size, size_t n, void *data)
{
	curl_off_t got = 0;
	struct probe *probe = data;

	curl_easy_getinfo(probe->easy, CURLINFO_SIZE_DOWNLOAD_T, &got);
	return got > BODY_MAX ? 0 : n;
}

/* The URL names the host that the server is to serve, the connection goes to the backend */
static int set_url(struct probe *probe)
{
	const struct check *check = probe->check;
	const char *scheme = check->type == CHECK_HTTPS ? "https" : "http";
	bool six = check->to.ss_family == AF_INET6;
	char url[2048], to[128];
	uint16_t port;

	port = ntohs(six ? ((const struct sockaddr_in6 *)&check->to)->sin6_port :
			   ((const struct sockaddr_in *)&check->to)->sin_port);
	snprintf(to, sizeof(to), six ? "::[%s]:%u" : "::%s:%u", check->address, port);
	probe->to = curl_slist_append(NULL, to);
	if (!probe->to)
		return -ENOMEM;
	if (check->host)
		snprintf(url, sizeof(url), "%s://%s%s", scheme, check->host, check->path);
	else
		snprintf(url, sizeof(url), six ? "%s://[%s]:%u%s" : "%s://%s:%u%s", scheme,
			 check->address, port, check->path);
	curl_easy_setopt(probe->easy, CURLOPT_CONNECT_TO, probe->to);
	return curl_easy_setopt(probe->easy, CURLOPT_URL, url) == CURLE_OK ? 0 : -ENOMEM;
}

static int set_options(struct probe *probe)
{
	CURL *easy = probe->easy;

	probe->headers = curl_slist_append(NULL, "Connection: close");
	if (!probe->headers)
		return -ENOMEM;
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, probe->headers);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "shunt-health/" SHUNT_VERSION);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)probe->check->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, probe);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, probe);
	return set_url(probe);
}

static void probe_free(struct probe *probe)
{
	curl_easy_cleanup(probe->easy);
	curl_slist_free_all(probe->to);
	curl_slist_free_all(probe->headers);
	free(probe);
}

static int start(uv_loop_t *loop, const struct check *check, probe_done_fn *done, void *data,
		 struct probe **ret_probe)
{
	struct probe *probe;
	int r = open_multi(loop);

	if (r < 0)
		return r;
	probe = calloc(1, sizeof(*probe));
	if (!probe)
		return -ENOMEM;
	probe->check = check;
	probe->done = done;
	probe->data = data;
	probe->easy = curl_easy_init();
	r = probe->easy ? set_options(probe) : -ENOMEM;
	if (r == 0 && curl_multi_add_handle(multi, probe->easy) != CURLM_OK)
		r = -ENOMEM;
	if (r < 0) {
		probe_free(probe);
		return r;
	}
	*ret_probe = probe;
	return 0;
}

static void cancel(struct probe *probe)
{
	curl_multi_remove_handle(multi, probe->easy);
	probe_free(probe);
}

const struct probe_ops probe_http = { .start = start, .cancel = cancel };
