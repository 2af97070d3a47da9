/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * flowgen.h - random packets of few flows, so that each of their states is met often
 *
 * Most belong to a flow out of a handful that changes slowly; TCP's segments are mostly such as
 * the flow's state makes likely, often not. What becomes of a packet in front of and
 * behind conntrack is in its type of service (flowtag.h).
 */
#ifndef TESTS_LIB_FLOWGEN_H
#define TESTS_LIB_FLOWGEN_H

#include <stdint.h>

#include "flowmodel.h"
#include "pkt.h"

#define FLOWGEN_ZONE	7		/* of FLOWTAG_ZONE */
#define FLOWGEN_FOCUS	6
#define FLOWGEN_PIECES	8		/* of a datagram */

struct flowgen_datagram {
	struct pkt whole;
	unsigned int zone, len, id;	/* len: of the IP payload; 0: none under way */
	unsigned int pieces, sent;
	uint8_t order[FLOWGEN_PIECES];
};

struct flowgen {
	uint64_t random;
	struct flowmodel_key focus[FLOWGEN_FOCUS];
	struct flowgen_datagram datagram[3];
	unsigned int ids;
	bool whole;			/* set by the caller: no pieces, no zones, no broken SCTP */
	bool window;			/* set by the caller: numbers of TCP that mean something */
	bool nat;			/* set by the caller: flows are translated (FLOWTAG_NAT) */
	uint32_t numbers;		/* set by the caller: a bit for each rule that is used; 0: all */
	unsigned int burst;		/* so many more new flows to 'target', by rule 'number' */
	unsigned int number;
	struct flowmodel_key target;
};

void flowgen_init(struct flowgen *gen, uint64_t seed);
unsigned int flowgen_below(struct flowgen *gen, unsigned int n);

/* ---- a part, in a file of its own ---- */

/* A segment's header and data: mostly numbers that may be, or lie at the bounds. @reply: of @flow */
void flowgen_segment(struct flowgen *gen, const struct flowmodel_flow *flow, bool reply,
		     const struct flowmodel_key *key, uint8_t flags, struct pkt *p);

/* What 'nat' adds: type of service; other ports; bursts; checksums that are wrong, left out or wait */
unsigned int flowgen_nat_tos(struct flowgen *gen, unsigned int zone);
void flowgen_nat_port(struct flowgen *gen, struct flowmodel_end *end);
void flowgen_nat_burst(struct flowgen *gen, struct flowmodel_key *key);
void flowgen_nat_check(struct flowgen *gen, const struct flowmodel_key *key, struct pkt *p);
/* The ends that a packet of its flow has before it is translated; @behind: as one that was */
void flowgen_nat_side(struct flowgen *gen, struct flowmodel *model, bool behind,
		      struct flowmodel_key *key);

/* The next packet, where the flows are as @model has them */
void flowgen_next(struct flowgen *gen, struct flowmodel *model, struct pkt *ret_packet);

#endif
