/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* maglev.h - who owns which slot of a ring */
#ifndef COMPILE_MAGLEV_H
#define COMPILE_MAGLEV_H

#include <stdint.h>

#include <shunt/packet.h>

#define MAGLEV_WEIGHT_MAX	(1u << 20)

struct maglev_member {
	struct shunt_addr addr;		/* address and port decide its places; no two members have both alike */
	uint16_t port;
	uint16_t owner;			/* what its slots get; not 0 */
	uint32_t weight;		/* up to MAGLEV_WEIGHT_MAX, in any unit; 0: owns nothing */
};

/**
 * maglev_build() - Give each slot of a ring its owner
 * The same whatever the order of @member and their owners' numbers. Some number T, the same for all, has
 * each member with weight * T slots, less than one more or less.
 * @seed:	Another one, another ring
 * @slots:	A prime; LB_RING_MAX at most
 * @ret_owner:	By slot; all 0 if no member has any weight
 */
void maglev_build(const struct maglev_member *member, unsigned int n, uint64_t seed,
		  uint32_t slots, uint16_t *ret_owner);

#endif
