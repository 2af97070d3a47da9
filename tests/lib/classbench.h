/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * classbench.h - sets of 5-tuple rules: as values, in ClassBench's format, and as rules of shunt
 *
 *	struct classbench_set set;
 *
 *	classbench_read("acl1_10k.xz", &set);		// or classgen_set()
 *	classbench_text(&set, 0, "accept", text, sizeof(text));
 *	classbench_fini(&set);
 *
 * DOC: A line is "@SRC/LEN DST/LEN LO : HI LO : HI PROTO/MASK [FLAGS/MASK]": addresses, source and
 * destination ports, protocol in hex, flags. The first rule of a file comes first.
 * The high byte of FLAGS is TCP's byte of flags, or the type of ICMP; of other protocols, and its
 * low byte, the format says nothing that a packet has, and it is left out. An IPv6
 * set has IPv6 addresses in the same places.
 *
 * It shares no header with dataplane/ and control/: the truth that the classifier is judged by
 * comes from here. Mistakes in a file end the program with the place.
 */
#ifndef TESTS_LIB_CLASSBENCH_H
#define TESTS_LIB_CLASSBENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CLASSBENCH_FRAME	128	/* bytes that a frame needs at most */
#define CLASSBENCH_TEXT		512	/* bytes that a rule's text needs at most */

struct classbench_rule {
	uint32_t saddr[4], daddr[4];	/* host order, the highest first, masked; IPv4: word 0 */
	uint8_t slen, dlen;
	uint8_t proto, proto_mask;	/* mask 0: any; 0xff */
	uint16_t sport_first, sport_last, dport_first, dport_last;
	uint8_t flags, flags_mask;	/* TCP: its flags; ICMP: its type; mask 0: any */
};

struct classbench_set {
	unsigned int family;		/* 4 or 6 */
	struct classbench_rule *rule;	/* heap, the first one that matches decides */
	size_t n;
};

struct classbench_packet {
	uint32_t saddr[4], daddr[4];
	uint16_t sport, dport;		/* TCP, UDP, SCTP; else 0 */
	uint8_t proto;
	uint8_t flags;			/* TCP: its flags; ICMP: its type; else 0 */
};

#define CLASSBENCH_NONE		((size_t)-1)

/* Does the rule hold the packet? Every rule of the tests is judged by this */
bool classbench_holds(const struct classbench_rule *rule, const struct classbench_packet *packet);

/* Index of the first rule that holds the packet, one after the other; CLASSBENCH_NONE */
size_t classbench_find(const struct classbench_set *set, const struct classbench_packet *packet);

/* Protocols with ports, that with flags, that with a type */
bool classbench_has_ports(uint8_t proto);
bool classbench_is_icmp(unsigned int family, uint8_t proto);

/* A file in ClassBench's format, *.xz too; the first address tells the family */
void classbench_read(const char *path, struct classbench_set *ret_set);
void classbench_write(const struct classbench_set *set, FILE *file);
void classbench_fini(struct classbench_set *set);

/* One rule as shunt reads it, with a verdict behind it, without a newline */
void classbench_text(const struct classbench_set *set, size_t i, const char *verdict,
		     char *text, size_t size);

/* Verdicts of a set: even rules (from 0) accept, odd ones drop */
const char *classbench_verdict(size_t i);

/* Sections 'nodes' and 'graphs': a filter 'guard' with the set's rules in a graph 'g'; heap */
char *classbench_yaml(const struct classbench_set *set);

/* A frame that has the packet's values. Return: its length, 60 or more */
size_t classbench_frame(const struct classbench_packet *packet, unsigned int family,
			uint8_t *frame);

#endif
