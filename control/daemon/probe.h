/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* probe.h - a packet from its description, for 'rule test' */
#ifndef DAEMON_PROBE_H
#define DAEMON_PROBE_H

#include <stdint.h>

#include <base/diag.h>
#include <base/err.h>
#include <kernel/trial.h>

#define PROBE_BYTES_MAX	1514

struct probe {
	uint8_t frame[PROBE_BYTES_MAX];
	size_t len;
	const char *iif;		/* name, or NULL; in the arena of the findings */
	struct filter_given given;	/* marks, flow state, zone, direction */
};

/**
 * probe_build() - The frame that a description is of
 * @text:	Matches as in a rule, the first value of each counts: "ip saddr 192.0.2.1 tcp dport
 *		22". What is not said is as harmless as can be: TTL 64, SYN of a TCP packet, zero ports;
 *		without a protocol it is 253 (RFC 3692: for experiments). A packet with a direction
 *		is 'established'; without direction or state, of no flow.
 * Return: 0; -EINVAL: diags or err tell
 */
int probe_build(const char *text, struct diags *diags, struct probe *ret_probe, struct err *err);

/* A frame given as hexadecimal digits. Return: 0; -EINVAL */
int probe_hex(const char *text, struct probe *ret_probe, struct err *err);

#endif
