/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * flowmodel_nat.h - which other ends a new flow gets, and what becomes of its packets
 *
 * DOC: Written from docs/modules/nat.md and RFCs 1624, 3022, 5508, 6296. Where the product may choose,
 * the model does not guess: it is shown the choice, says whether it may be, and from then on predicts
 * every byte. What a hash gave once, it has to give again: that is remembered.
 */
#ifndef TESTS_LIB_FLOWMODEL_NAT_H
#define TESTS_LIB_FLOWMODEL_NAT_H

#include "flowmodel.h"

#define FLOWNAT_TRIES	32		/* ports that are tried besides the packet's own */

enum flownat_kind { FLOWNAT_NONE, FLOWNAT_RANGE, FLOWNAT_PREFIX, FLOWNAT_OWN };

struct flownat_rule {
	enum flownat_kind kind;		/* NONE: a rule that is gone */
	unsigned int version;		/* of first and last. OWN: either */
	uint8_t first[16], last[16];
	unsigned int len;		/* PREFIX */
	bool persistent;		/* by the source alone */
	bool ports;
	unsigned int port_first, port_last;
};

struct flownat_habit;

struct flownat {
	bool has_own[2];		/* the interface's address: IPv4, IPv6 */
	uint8_t own[2][16];
	struct flownat_habit *habits;	/* what hashes gave */
};

enum flownat_end { FLOWNAT_PLAIN, FLOWNAT_TRANSLATED, FLOWNAT_EXHAUSTED, FLOWNAT_REFUSED };

/**
 * flownat_begin() - The ends outside of a flow that a packet begins
 * @key:	As the packet has it
 * @dnat, @snat: NULL: none
 * @got:	What the product made of it; NULL: it let nothing through
 * @ret_outside: TRANSLATED: @got, if it may be, else one that may
 * @ret_why:	What is wrong with @got; else untouched
 */
enum flownat_end flownat_begin(struct flownat *nat, struct flowmodel *model,
			       const struct model_packet *packet, const struct flowmodel_key *key,
			       const struct flownat_rule *dnat, const struct flownat_rule *snat,
			       const struct flowmodel_key *got, struct flowmodel_key *ret_outside,
			       const char **ret_why);

/* The flow that flowmodel_commit() gave for that packet */
void flownat_keep(struct flowmodel_flow *flow, const struct flowmodel_key *outside);

/**
 * flownat_rewrite() - A packet of a translated flow as it goes on
 * @outcome:	Of flowmodel_track(); of a new flow, with it
 * @devices:	A checksum may wait for the device (XDP, where nobody tells)
 * @bytes:	The packet's; changed
 */
void flownat_rewrite(const struct flowmodel_outcome *outcome, const struct model_packet *packet,
		     bool devices, uint8_t *bytes);

void flownat_fini(struct flownat *nat);

#endif
