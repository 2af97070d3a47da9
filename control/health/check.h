/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * check.h - what a backend is asked, and what came of it
 *
 * DOC: The daemon says what to check ('lb.checks', docs/api.md). A backend's verdict changes after
 * 'rise' good or 'fall' bad answers in a row; until then it has none, and nothing is reported.
 */
#ifndef HEALTH_CHECK_H
#define HEALTH_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include <jansson.h>

#include <base/err.h>

enum check_type { CHECK_TCP, CHECK_HTTP, CHECK_HTTPS, CHECK_UDP, CHECK_ICMP, CHECK_TYPES };
enum check_verdict { CHECK_UNKNOWN, CHECK_UP, CHECK_DOWN };

#define CHECK_BYTES_MAX	256		/* of what UDP sends and expects */

struct check {
	/* which backend */
	const char *node, *service, *address;
	uint16_t backend_port;		/* host order; 0: the service's */
	/* what it is asked */
	enum check_type type;
	struct sockaddr_storage to;	/* with the port */
	socklen_t to_len;
	uint32_t interval_ms, timeout_ms;
	uint32_t rise, fall;
	uint32_t jitter;		/* per cent of the interval, either way */
	const char *path, *host;	/* HTTP */
	uint32_t status_first, status_last;
	const char *send, *expect;	/* UDP; NULL: an empty datagram; no answer is waited for */
	/* what came of it */
	enum check_verdict verdict;
	uint32_t run;			/* answers in a row that were not as the verdict */
	bool last;			/* those were good */
	/* all text above */
	json_t *json;
};

/**
 * check_read() - From an element of 'checks' in the answer of 'lb.checks'
 * @json:	Kept, with a reference
 * Return: 0; -EINVAL: @err says what is wrong with it
 */
int check_read(json_t *json, struct check *ret_check, struct err *err);
void check_fini(struct check *check);

/* Asks the same of the same backend */
bool check_same(const struct check *a, const struct check *b);

/* One answer. Return: whether the verdict is another now */
bool check_answer(struct check *check, bool good);

/* When to ask next, in ms; @random: any 32 bits */
uint32_t check_pause_ms(const struct check *check, uint32_t random);

#endif
