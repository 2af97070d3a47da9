/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/* event.h - what a rule's 'log' tells user space of a packet, in ring buffer 'shunt_events' */
#ifndef SHUNT_EVENT_H
#define SHUNT_EVENT_H

#include <shunt/packet.h>

#define SHUNT_EVENT_BYTES	128	/* of the frame, from the Ethernet header, at most */

struct shunt_event {
	__u32	size;		/* sizeof(struct shunt_event): of the version that wrote it */
	__u32	node;		/* shunt_node_conf.miss_counter: no other node at a hook has it */
	__u32	rule;		/* id */
	__u32	state;		/* index in 'filter_state' of the statement */
	__u16	statement;	/* its number in the rule, from 0 */
	__u16	captured;	/* bytes of 'data' */
	__u32	pad;
	struct shunt_packet pkt;	/* as it is at the rule; now_ns is set */
	__u8	data[SHUNT_EVENT_BYTES]; /* behind 'captured' bytes: undefined */
};

_Static_assert(sizeof(struct shunt_event) == 24 + 160 + SHUNT_EVENT_BYTES, "ABI");

#endif
