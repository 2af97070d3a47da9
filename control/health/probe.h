/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * probe.h - ask a backend once
 *
 * DOC: A probe ends by itself, with its check's timeout at the latest, and says so once, from the
 * loop, never from within probe_start(). probe_cancel() ends it without a word. A probe is one file
 * descriptor and one timer (HTTP: a transfer of libcurl, ICMP: a number in a shared socket).
 */
#ifndef HEALTH_PROBE_H
#define HEALTH_PROBE_H

#include <uv.h>

#include <health/check.h>

struct probe;

/* @why: NULL if it is good; else a few words, of use during the call only */
typedef void probe_done_fn(void *data, bool good, const char *why);

struct probe_ops {
	/* Return: 0; -errno: it could not be asked (no descriptors: the caller tries again) */
	int (*start)(uv_loop_t *loop, const struct check *check, probe_done_fn *done, void *data,
		     struct probe **ret_probe);
	void (*cancel)(struct probe *probe);
};

extern const struct probe_ops probe_socket;	/* TCP, UDP */
extern const struct probe_ops probe_http;	/* HTTP, HTTPS */
extern const struct probe_ops probe_icmp;

/* What all probes of a type share (libcurl, sockets) is made by the first, and goes here */
void probe_http_fini(void);
void probe_icmp_fini(void);

const struct probe_ops *probe_ops(enum check_type type);

#endif
