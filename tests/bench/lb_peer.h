/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* lb_peer.h - tables of lb_peer.bpf.c */
#ifndef TESTS_BENCH_LB_PEER_H
#define TESTS_BENCH_LB_PEER_H

#include <linux/types.h>

#define PEER_RING	65537
#define PEER_BACKENDS	128

struct peer_vip {
	__be32	addr;
	__be16	port;
	__u16	proto;
};

struct peer_flow {
	__be32	saddr, daddr;
	__u32	ports;
	__u32	proto;
};

struct peer_backend {
	__be32	saddr, daddr;
};

struct peer_count {
	__u64	packets, bytes;
};

#endif
