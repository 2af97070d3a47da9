/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * flowtag.h - what a packet's type of service tells tests of flow state to do with it
 *
 * So that a packet says for itself what rules would decide: flowtag.bpf.c
 */
#ifndef TESTS_LIB_FLOWTAG_H
#define TESTS_LIB_FLOWTAG_H

#define FLOWTAG_REFUSED	0x01		/* not let to 'commit' */
#define FLOWTAG_ZONE	0x02		/* to the other 'conntrack' */
#define FLOWTAG_NOTRACK	0x04
#define FLOWTAG_POLICY(tos)	((tos) >> 3 & 3)	/* of a new flow */
#define FLOWTAG_MARK(tos)	(((tos) >> 5) * 0x10203u)

/* What flownat.bpf.c makes of it: a number of 0 to 31, so of the same bits as policy and mark */
#define FLOWTAG_NAT(tos)	((tos) >> 3)
#define FLOWTAG_NATS		32
/* Number of its rule in the table, from 1 */
#define FLOWTAG_RULE(number, six, dnat)	(1 + ((number) * 2 + (six)) * 2 + (dnat))

#endif
