// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* health_test.c - shunt-health without a daemon: what is asked, of servers on loopback, and verdicts */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/log.h>
#include <health/probe.h>
#include <health/targets.h>

#include "../lib/unit.h"

#define REST	"\"node\":\"n\",\"service\":\"s\",\"address\":\"127.0.0.1\""

/* ---- what the daemon says ----------------------------------------------------------------- */

static const struct bad_row {
	const char *json, *text;
} bad_rows[] = {
	{ "{\"node\":\"n\",\"service\":\"s\",\"type\":\"tcp\",\"port\":1}",
	  "Object item not found: address" },
	{ "{" REST ",\"type\":\"smtp\",\"port\":1}", "a check of type 'smtp' is not known" },
	{ "{" REST ",\"type\":\"tcp\"}", "'port' is 0, not 1 to 65535" },
	{ "{" REST ",\"type\":\"tcp\",\"port\":65536}", "'port' is 65536, not 1 to 65535" },
	{ "{" REST ",\"type\":\"tcp\",\"port\":1,\"interval_ms\":9}",
	  "'interval_ms' is 9, not 10 to 86400000" },
	{ "{" REST ",\"type\":\"tcp\",\"port\":1,\"timeout_ms\":0}",
	  "'timeout_ms' is 0, not 1 to 86400000" },
	{ "{" REST ",\"type\":\"tcp\",\"port\":1,\"rise\":0}", "'rise' is 0, not 1 to 1000" },
	{ "{" REST ",\"type\":\"tcp\",\"port\":1,\"fall\":1001}", "'fall' is 1001, not 1 to 1000" },
	{ "{" REST ",\"type\":\"tcp\",\"port\":1,\"jitter\":51}", "'jitter' is 51, not 0 to 50" },
	{ "{" REST ",\"type\":\"http\",\"port\":1,\"status_first\":300}",
	  "'status_last' is 299, not 300 to 599" },
	{ "{\"node\":\"n\",\"service\":\"s\",\"address\":\"host\",\"type\":\"tcp\",\"port\":1}",
	  "'host' is no address" },
};

static void test_bad(void **state)
{
	const struct bad_row *row = *state;
	json_t *json = json_loads(row->json, 0, NULL);
	struct check check;
	struct err err;

	assert_non_null(json);
	assert_int_equal(check_read(json, &check, &err), -EINVAL);
	assert_string_equal(err.text, row->text);
	json_decref(json);
}

static void test_read(void **state)
{
	json_t *json = json_loads("{" REST ",\"type\":\"icmp\",\"backend_port\":8080}",
				  0, NULL);
	struct check check, other;
	struct err err;

	assert_int_equal(check_read(json, &check, &err), 0);
	assert_int_equal(check.type, CHECK_ICMP);
	assert_int_equal(check.backend_port, 8080);
	assert_int_equal(check.interval_ms, 2000);
	assert_null(check.host);
	assert_int_equal(check.to.ss_family, AF_INET);
	assert_int_equal(check_read(json, &other, &err), 0);
	assert_true(check_same(&check, &other));
	check_fini(&other);
	json_object_set_new(json, "rise", json_integer(3));
	assert_int_equal(check_read(json_incref(json), &other, &err), 0);
	check_fini(&check);
	check_fini(&other);
	json_decref(json);
	json_decref(json);
}

/* ---- verdicts ----------------------------------------------------------------------------- */

/* Answers, and what is reported at each: '.' nothing, 'U' up, 'D' down. rise 2, fall 3 */
static const struct verdict_row {
	const char *answers, *reports;
} verdict_rows[] = {
	{ "++++", ".U.." },
	{ "----", "..D." },
	{ "+-+-+-", "......" },			/* none in a row: no verdict at all */
	{ "++--+---", ".U.....D" },		/* a good one in between begins anew */
	{ "---+-++", "..D...U" },
	{ "++---++---", ".U..D.U..D" },
};

static void test_verdict(void **state)
{
	const struct verdict_row *row = *state;
	struct check check = { .rise = 2, .fall = 3 };
	unsigned int i;
	char got;

	for (i = 0; row->answers[i]; i++) {
		got = '.';
		if (check_answer(&check, row->answers[i] == '+'))
			got = check.verdict == CHECK_UP ? 'U' : 'D';
		if (got != row->reports[i])
			fail_msg("%s: answer %u: '%c', not '%c'", row->answers, i, got,
				 row->reports[i]);
	}
}

static void test_pause(void **state)
{
	struct check check = { .interval_ms = 1000, .jitter = 10 };

	assert_int_equal(check_pause_ms(&check, 0), 900);
	assert_int_equal(check_pause_ms(&check, 200), 1100);
	assert_int_equal(check_pause_ms(&check, 201), 900);
	check.jitter = 0;
	assert_int_equal(check_pause_ms(&check, 12345), 1000);
}

/* ---- servers ------------------------------------------------------------------------------ */

static int bound(int type, uint16_t *ret_port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (void *)&addr, sizeof(addr)), 0);
	assert_int_equal(getsockname(fd, (void *)&addr, &len), 0);
	*ret_port = ntohs(addr.sin_port);
	return fd;
}

/* Answers '/up' with 200, all else with 503 */
static void serve_http(int fd)
{
	char bytes[4096];
	const char *answer;
	ssize_t len;
	int client;

	for (;;) {
		client = accept(fd, NULL, NULL);
		len = read(client, bytes, sizeof(bytes) - 1);
		bytes[len < 0 ? 0 : len] = '\0';
		answer = !strncmp(bytes, "GET /up ", 8) ? "HTTP/1.0 200 OK\r\n\r\nwell" :
							  "HTTP/1.0 503 No\r\n\r\n";
		if (len > 0 && write(client, answer, strlen(answer)) < 0)
			_exit(1);
		close(client);
	}
}

static void serve_udp(int fd)
{
	struct sockaddr_in from;
	char bytes[512] = "echo ";
	socklen_t from_len;
	ssize_t len;

	for (;;) {
		from_len = sizeof(from);
		len = recvfrom(fd, bytes + 5, sizeof(bytes) - 5, 0, (void *)&from, &from_len);
		if (len >= 0 && sendto(fd, bytes, len + 5, 0, (void *)&from, from_len) < 0)
			_exit(1);
	}
}

static pid_t serve(void (*server)(int fd), int fd)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		server(fd);
	return pid;
}

struct ports {
	uint16_t http, udp, silent, closed;
};

static struct world {
	struct ports ports;
	pid_t pid[2];
	int fd[3];
} world;

static int servers_start(void **state)
{
	int fd;

	world.fd[0] = bound(SOCK_STREAM, &world.ports.http);
	assert_int_equal(listen(world.fd[0], 64), 0);
	world.fd[1] = bound(SOCK_DGRAM, &world.ports.udp);
	world.fd[2] = bound(SOCK_DGRAM, &world.ports.silent);
	fd = bound(SOCK_STREAM, &world.ports.closed);
	close(fd);
	world.pid[0] = serve(serve_http, world.fd[0]);
	world.pid[1] = serve(serve_udp, world.fd[1]);
	return 0;
}

static int servers_stop(void **state)
{
	int i;

	for (i = 0; i < 2; i++) {
		kill(world.pid[i], SIGKILL);
		waitpid(world.pid[i], NULL, 0);
	}
	for (i = 0; i < 3; i++)
		close(world.fd[i]);
	return 0;
}

/* ---- asking them -------------------------------------------------------------------------- */

static const struct ask_row {
	const char *name, *fields;	/* one %u: the port */
	size_t port;			/* offset in struct ports */
	const char *why;		/* NULL: up */
} ask_rows[] = {
	{ "tcp", "\"type\":\"tcp\",\"port\":%u", offsetof(struct ports, http), NULL },
	{ "tcp_closed", "\"type\":\"tcp\",\"port\":%u", offsetof(struct ports, closed),
	  "Connection refused" },
	{ "http", "\"type\":\"http\",\"port\":%u,\"path\":\"/up\"", offsetof(struct ports, http),
	  NULL },
	{ "http_host", "\"type\":\"http\",\"port\":%u,\"path\":\"/up\",\"host\":\"www.example\"",
	  offsetof(struct ports, http), NULL },
	{ "http_503", "\"type\":\"http\",\"port\":%u", offsetof(struct ports, http), "status 503" },
	{ "http_503_wanted",
	  "\"type\":\"http\",\"port\":%u,\"status_first\":500,\"status_last\":503",
	  offsetof(struct ports, http), NULL },
	{ "http_closed", "\"type\":\"http\",\"port\":%u", offsetof(struct ports, closed),
	  "Couldn't connect to server" },
	{ "https_no_tls", "\"type\":\"https\",\"port\":%u", offsetof(struct ports, http),
	  "SSL connect error" },
	{ "udp", "\"type\":\"udp\",\"port\":%u,\"send\":\"hi\",\"expect\":\"echo hi\"",
	  offsetof(struct ports, udp), NULL },
	{ "udp_other", "\"type\":\"udp\",\"port\":%u,\"send\":\"hi\",\"expect\":\"echo ho\"",
	  offsetof(struct ports, udp), "the answer is another" },
	{ "udp_any", "\"type\":\"udp\",\"port\":%u,\"send\":\"hi\"", offsetof(struct ports, udp),
	  NULL },
	{ "udp_silent", "\"type\":\"udp\",\"port\":%u", offsetof(struct ports, silent), NULL },
	{ "udp_silent_expected", "\"type\":\"udp\",\"port\":%u,\"expect\":\"x\"",
	  offsetof(struct ports, silent), "no answer in time" },
	{ "udp_closed", "\"type\":\"udp\",\"port\":%u", offsetof(struct ports, closed),
	  "Connection refused" },
};

struct heard {
	struct targets *targets;
	int reports;
	enum check_verdict verdict;
	char why[160];
};

static void on_report(void *data, const struct check *check, const char *why)
{
	struct heard *heard = data;

	heard->reports++;
	heard->verdict = check->verdict;
	snprintf(heard->why, sizeof(heard->why), "%s", why ?: "");
}

static void on_end(uv_timer_t *timer)
{
	struct heard *heard = timer->data;

	if (!heard->reports)
		return;
	targets_free(heard->targets);
	probe_http_fini();
	uv_close((uv_handle_t *)timer, NULL);
}

static json_t *one_check(const char *fields, uint16_t port)
{
	char format[512], text[512];
	json_t *json;

	snprintf(format, sizeof(format), "[{%s,\"interval_ms\":20,\"timeout_ms\":500,\"rise\":2,"
		 "\"fall\":2,%s}]", REST, fields);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), format, port);
#pragma GCC diagnostic pop
	json = json_loads(text, 0, NULL);
	assert_non_null(json);
	return json;
}

/* As often as the verdict needs, and for some time more: told once */
static void test_ask(void **state)
{
	const struct ask_row *row = *state;
	uint16_t port = *(const uint16_t *)((const char *)&world.ports + row->port);
	json_t *checks = one_check(row->fields, port);
	struct heard heard = {};
	uv_timer_t end;
	uv_loop_t loop;

	uv_loop_init(&loop);
	uv_timer_init(&loop, &end);
	end.data = &heard;
	uv_timer_start(&end, on_end, 200, 100);
	heard.targets = targets_new(&loop, on_report, &heard);
	assert_int_equal(targets_set(heard.targets, checks), 1);
	/* The same list again changes nothing, and costs no verdict */
	assert_int_equal(targets_set(heard.targets, checks), 1);
	json_decref(checks);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_int_equal(heard.reports, 1);
	assert_string_equal(heard.why, row->why ?: "");
	assert_int_equal(heard.verdict, row->why ? CHECK_DOWN : CHECK_UP);
}

/* What is on the list no more is asked no more, and what was asked says nothing */
static void test_gone(void **state)
{
	json_t *checks = one_check("\"type\":\"tcp\",\"port\":%u", world.ports.http);
	json_t *none = json_array();
	struct heard heard = {};
	uv_loop_t loop;

	uv_loop_init(&loop);
	heard.targets = targets_new(&loop, on_report, &heard);
	assert_int_equal(targets_set(heard.targets, checks), 1);
	assert_int_equal(targets_set(heard.targets, none), 0);
	targets_free(heard.targets);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_int_equal(heard.reports, 0);
	json_decref(checks);
	json_decref(none);
}

#define ROWS(rows)	(sizeof(rows) / sizeof((rows)[0]))

int main(void)
{
	struct CMUnitTest tests[ROWS(bad_rows) + ROWS(verdict_rows) + ROWS(ask_rows) + 3];
	const char *filter = getenv("TEST_FILTER");
	size_t n = 0, i;

	signal(SIGPIPE, SIG_IGN);
	log_init("health_test", LOG_LEVEL_ERROR);
	for (i = 0; i < ROWS(bad_rows); i++)
		tests[n++] = unit_row(bad_rows[i].text, test_bad, &bad_rows[i]);
	for (i = 0; i < ROWS(verdict_rows); i++)
		tests[n++] = unit_row(verdict_rows[i].answers, test_verdict, &verdict_rows[i]);
	for (i = 0; i < ROWS(ask_rows); i++)
		tests[n++] = unit_row(ask_rows[i].name, test_ask, &ask_rows[i]);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_read);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_pause);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_gone);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (filter)
		cmocka_set_test_filter(filter);
	return _cmocka_run_group_tests("", tests, n, servers_start, servers_stop) ? 1 : 0;
}
