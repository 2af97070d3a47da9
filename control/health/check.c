// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* check.c - what a backend is asked, and what came of it */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <health/check.h>

static const char *const type_name[CHECK_TYPES] = { "tcp", "http", "https", "udp", "icmp" };

static int read_type(const char *name, struct check *check, struct err *err)
{
	int type;

	for (type = 0; type < CHECK_TYPES; type++) {
		if (strcmp(name, type_name[type]))
			continue;
		check->type = type;
		return 0;
	}
	return err_set(err, -EINVAL, "a check of type '%s' is not known.", name);
}

static int read_address(struct check *check, uint16_t port, struct err *err)
{
	struct sockaddr_in *in = (void *)&check->to;
	struct sockaddr_in6 *in6 = (void *)&check->to;

	if (inet_pton(AF_INET, check->address, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		check->to_len = sizeof(*in);
		return 0;
	}
	if (inet_pton(AF_INET6, check->address, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		check->to_len = sizeof(*in6);
		return 0;
	}
	return err_set(err, -EINVAL, "'%s' is no address.", check->address);
}

static int in_range(const char *what, json_int_t value, json_int_t min, json_int_t max,
		    struct err *err)
{
	if (value >= min && value <= max)
		return 0;
	return err_set(err, -EINVAL, "'%s' is %lld, not %lld to %lld.", what, (long long)value,
		       (long long)min, (long long)max);
}

struct numbers {
	json_int_t backend_port, port, interval, timeout, rise, fall, jitter, first, last;
};

static int check_numbers(const struct check *check, const struct numbers *n, struct err *err)
{
	bool portless = check->type == CHECK_ICMP;

	if (in_range("backend_port", n->backend_port, 0, 65535, err) < 0 ||
	    in_range("port", n->port, portless ? 0 : 1, 65535, err) < 0 ||
	    in_range("interval_ms", n->interval, 10, 86400000, err) < 0 ||
	    in_range("timeout_ms", n->timeout, 1, 86400000, err) < 0 ||
	    in_range("rise", n->rise, 1, 1000, err) < 0 ||
	    in_range("fall", n->fall, 1, 1000, err) < 0 ||
	    in_range("jitter", n->jitter, 0, 50, err) < 0 ||
	    in_range("status_first", n->first, 100, 599, err) < 0 ||
	    in_range("status_last", n->last, n->first, 599, err) < 0)
		return -EINVAL;
	return 0;
}

static int text_fits(const char *what, const char *text, struct err *err)
{
	if (!text || strlen(text) <= CHECK_BYTES_MAX)
		return 0;
	return err_set(err, -EINVAL, "'%s' is longer than %d bytes.", what, CHECK_BYTES_MAX);
}

int check_read(json_t *json, struct check *ret_check, struct err *err)
{
	struct numbers n = { .interval = 2000, .timeout = 1000, .rise = 2, .fall = 3,
			     .first = 200, .last = 299 };
	struct check check = { .path = "/" };
	json_error_t error;
	const char *type;

	if (json_unpack_ex(json, &error, 0,
			   "{s:s, s:s, s:s, s:s, s?I, s?I, s?I, s?I, s?I, s?I, s?I, s?I, s?I, s?s, s?s, s?s, s?s}",
			   "node", &check.node, "service", &check.service,
			   "address", &check.address, "type", &type,
			   "backend_port", &n.backend_port, "port", &n.port,
			   "interval_ms", &n.interval, "timeout_ms", &n.timeout,
			   "rise", &n.rise, "fall", &n.fall, "jitter", &n.jitter,
			   "status_first", &n.first, "status_last", &n.last,
			   "path", &check.path, "host", &check.host,
			   "send", &check.send, "expect", &check.expect) < 0)
		return err_set(err, -EINVAL, "%s.", error.text);
	if (read_type(type, &check, err) < 0 || check_numbers(&check, &n, err) < 0 ||
	    text_fits("send", check.send, err) < 0 || text_fits("expect", check.expect, err) < 0 ||
	    read_address(&check, n.port, err) < 0)
		return -EINVAL;
	check.backend_port = n.backend_port;
	check.interval_ms = n.interval;
	check.timeout_ms = n.timeout;
	check.rise = n.rise;
	check.fall = n.fall;
	check.jitter = n.jitter;
	check.status_first = n.first;
	check.status_last = n.last;
	check.json = json_incref(json);
	*ret_check = check;
	return 0;
}

void check_fini(struct check *check)
{
	json_decref(check->json);
	check->json = NULL;
}

bool check_same(const struct check *a, const struct check *b)
{
	return json_equal(a->json, b->json);
}

bool check_answer(struct check *check, bool good)
{
	if (check->verdict == (good ? CHECK_UP : CHECK_DOWN)) {
		check->run = 0;
		return false;
	}
	check->run = check->last == good ? check->run + 1 : 1;
	check->last = good;
	if (check->run < (good ? check->rise : check->fall))
		return false;
	check->verdict = good ? CHECK_UP : CHECK_DOWN;
	check->run = 0;
	return true;
}

uint32_t check_pause_ms(const struct check *check, uint32_t random)
{
	uint64_t swing = (uint64_t)check->interval_ms * check->jitter / 100;

	return check->interval_ms - swing + random % (2 * swing + 1);
}
