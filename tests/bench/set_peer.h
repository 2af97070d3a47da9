/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* set_peer.h - what set.bpf.c and set.bench.c share */
#ifndef TESTS_BENCH_SET_PEER_H
#define TESTS_BENCH_SET_PEER_H

#include <linux/types.h>

#define SET_PEER_WORDS	(4u << 20)

enum set_peer_what {
	SET_PEER_NONE, SET_PEER_SET, SET_PEER_DSET, SET_PEER_HASH, SET_PEER_LPM4, SET_PEER_LPM6,
	SET_PEER_WHATS = 8
};

/* Keys in the order in which they are looked up, as long as no cache knows them by then */
struct set_peer_list {
	__u32 next;
	__u32 pad;
	struct {
		__u64 asked, found;
	} by[SET_PEER_WHATS];
	__u32 word[SET_PEER_WORDS];
};

struct set_peer_key {
	__u32 word[4];
};

struct set_peer_lpm4 {
	__u32 len;
	__be32 addr;
};

struct set_peer_lpm6 {
	__u32 len;
	__be32 word[4];
};

#endif
