/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* fib_peer.h - what fib.bpf.c and fib.bench.c share */
#ifndef TESTS_BENCH_FIB_PEER_H
#define TESTS_BENCH_FIB_PEER_H

#include <linux/types.h>

#define FIB_PEER_WORDS	(2u << 20)	/* of the list: as many IPv4 addresses, or a quarter */
#define FIB_PEER_CHUNK	4096		/* bytes: an array of small values has 8 bytes for each */

enum fib_peer_what {
	FIB_PEER_LIST4, FIB_PEER_LIST6,	/* reads the list alone */
	FIB_PEER_FIB4, FIB_PEER_FIB6,
	FIB_PEER_DIR32, FIB_PEER_DIR16,	/* DIR-24-8 (Gupta, Lin, McKeown, INFOCOM 1998) */
	FIB_PEER_LPM4, FIB_PEER_LPM6,
	FIB_PEER_KERNEL4, FIB_PEER_KERNEL6,
	FIB_PEER_WHATS = 16
};

/* Addresses in the order in which they are looked up, host order */
struct fib_peer_list {
	__u32 next, pad;
	__u64 found[FIB_PEER_WHATS], sum[FIB_PEER_WHATS];
	__u32 word[FIB_PEER_WORDS];
};

struct fib_peer_chunk {
	union {
		__u32	wide[FIB_PEER_CHUNK / 4];
		__u16	narrow[FIB_PEER_CHUNK / 2];
	};
};
#define FIB_PEER_LONG32	0x80000000	/* the rest is a block of 256 */
#define FIB_PEER_LONG16	0x8000

struct fib_peer_lpm4 {
	__u32 len;
	__be32 addr;
};

struct fib_peer_lpm6 {
	__u32 len;
	__be32 word[4];
};

#endif
