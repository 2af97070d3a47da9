// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* probe.c - who asks what */
#include <health/probe.h>

const struct probe_ops *probe_ops(enum check_type type)
{
	switch (type) {
	case CHECK_HTTP:
	case CHECK_HTTPS:
		return &probe_http;
	case CHECK_ICMP:
		return &probe_icmp;
	default:
		return &probe_socket;
	}
}
