/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* feed.h - what feed.bpf.c feeds */
#ifndef TESTS_BENCH_FEED_H
#define TESTS_BENCH_FEED_H

#define FEED_FRAMES	16384
#define FEED_BYTES	80		/* of a frame: Ethernet, IPv6, TCP */

struct feed_frame {
	unsigned long long word[FEED_BYTES / 8];
};

#endif
