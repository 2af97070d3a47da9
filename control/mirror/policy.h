/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* policy.h - the kernel's rules that choose a routing table ('ip rule'), as values */
#ifndef MIRROR_POLICY_H
#define MIRROR_POLICY_H

#include <net/if.h>

#include <shunt/packet.h>

#include <mirror/hash.h>

struct policy_range { uint16_t first, last; };	/* 0, 0: any */

/* Without holes. All but the order is the key: rules that are alike are one */
struct policy {
	struct shunt_addr from, to;	/* IPv4 as ::ffff:a.b.c.d */
	uint32_t priority;		/* the lowest is asked first */
	uint32_t table;
	uint32_t go_to;			/* FR_ACT_GOTO: priority */
	uint32_t fwmark, fwmask;
	uint32_t uid_first, uid_last;	/* UINT32_MAX, UINT32_MAX: any */
	uint32_t suppress_ifgroup;	/* UINT32_MAX: none */
	int32_t suppress_prefix_len;	/* -1: none */
	struct policy_range sport, dport;
	char iif[IFNAMSIZ], oif[IFNAMSIZ];
	uint64_t tunnel;
	uint8_t family;
	uint8_t from_len, to_len;	/* bits, of the family */
	uint8_t tos;
	uint8_t action;			/* FR_ACT_* */
	uint8_t ipproto;		/* 0: any */
	uint8_t l3mdev;			/* the table is that of the interface's VRF */
	uint8_t protocol;		/* RTPROT_* */
	uint32_t flags;			/* FIB_RULE_INVERT */
	uint32_t order;			/* among those of one priority; as the kernel has them */
};

#define POLICY_TABLE HASH(struct policy, order)

#endif
