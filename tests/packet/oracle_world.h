/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * oracle_world.h - what the kernel is told of a packet, and where it is not asked
 *
 * Where Linux and the product differ by intention (docs/decisions/conntrack-and-linux.md), packets are left
 * out, by the model's flows, and counted: sent, they would keep the two apart from then on.
 */
#ifndef TESTS_ORACLE_WORLD_H
#define TESTS_ORACLE_WORLD_H

#include "../lib/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/flowgen.h"
#include "../lib/flowmodel.h"
#include "../lib/flowtag.h"

#define TTL_REFUSED	7		/* below 8: not forwarded, so no flow is kept */
#define TTL_NOTRACK	9
#define PROTO_SCTP	132

/* An hour for what else would end during a run. Established flows and the like live longer anyway */
#define ORACLE_TIMEOUTS							\
	"net.netfilter.nf_conntrack_tcp_timeout_close=3600 " \
	"net.netfilter.nf_conntrack_tcp_timeout_last_ack=3600 " \
	"net.netfilter.nf_conntrack_udp_timeout=3600 " \
	"net.netfilter.nf_conntrack_sctp_timeout_closed=3600 " \
	"net.netfilter.nf_conntrack_sctp_timeout_cookie_wait=3600 " \
	"net.netfilter.nf_conntrack_sctp_timeout_cookie_echoed=3600 " \
	"net.netfilter.nf_conntrack_sctp_timeout_shutdown_sent=3600 " \
	"net.netfilter.nf_conntrack_sctp_timeout_shutdown_recd=3600 " \
	"net.netfilter.nf_conntrack_sctp_timeout_shutdown_ack_sent=3600 " \
	"net.netfilter.nf_conntrack_icmp_timeout=3600 " \
	"net.netfilter.nf_conntrack_icmpv6_timeout=3600"

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

/* X(identifier, what is left out) */
#define APARTS(X)							\
	X(MALFORMED, "malformed, not IP")				\
	X(REDIRECT, "ICMP redirects")					\
	X(QUOTE, "errors that quote no whole header and 8 bytes")	\
	X(FIN_FIRST, "a FIN without a flow")				\
	X(FIN_AGAIN, "a FIN of an end that has sent one")		\
	X(ODD_SYN, "SYN, SYN+ACK the other way round into a flow that was picked up") \
	X(OPEN_BOTH, "SYN+ACK of the originator behind one of the other end") \
	X(SYN_LAST_ACK, "SYN while the last ACK is awaited")		\
	X(SYN_RESET, "SYN behind a reset")				\
	X(SYN_UNACKED, "SYN into a flow that was picked up and is not confirmed") \
	X(RST_UNREPLIED, "RST into a flow without a reply")		\
	X(SCTP_FIRST, "SCTP's SHUTDOWN-ACK or heartbeat without a flow") \
	X(SCTP_TAG, "chunks but INIT of who has not been told a tag")	\
	X(SCTP_ANEW, "INIT behind ABORT or SHUTDOWN-COMPLETE")	\
	X(SIDE, "ends as if it had been translated already")		\
	X(PORT, "ends that only one of the two has given to a flow")	\
	X(ANEW, "SYN of the other end into a flow that is over")	\
	X(TURNED, "of a flow whose replies Linux cannot tell from what they answer") \
	X(LOCAL, "to the router's own address, of no flow")		\
	X(QUOTE_CUT, "errors that quote TCP's checksum and no whole header") \
	X(QUOTE_SCTP, "errors that quote SCTP's checksum, which Linux makes anew of what is quoted") \
	X(ONLY_PORT, "errors to the target of a flow whose source has the same address outside, but another port") \
	X(SAME, "both ends the same")					\
	X(NO_PORTS, "a protocol without ports, a second flow to one target")
#define APART_ENUM(id, text) APART_##id,
#define APART_TEXT(id, text) text,
enum apart { APARTS(APART_ENUM) APART_MAX, NOT_APART = APART_MAX };
static const char *const apart_text[] = { APARTS(APART_TEXT) };

static struct flowmodel model;
static unsigned long left_out[APART_MAX];

static void sh(const char *cmd)
{
	if (system(cmd))
		fail_msg("%s", cmd);
}

/* Its number where nft sees it; what its type of service says to do, as a TTL */
static void label(struct pkt *p, unsigned int tos, unsigned int number)
{
	unsigned int ttl = tos & FLOWTAG_NOTRACK ? TTL_NOTRACK :
			   tos & FLOWTAG_REFUSED ? TTL_REFUSED : 64;

	if (p->data[14] >> 4 == 4) {
		pkt_set16(p, 18, number);
		pkt_set8(p, 22, ttl);
		pkt_set16(p, 24, 0);
		pkt_set16(p, 24, pkt_checksum(p->data + 14, 20, 0));
	} else {
		pkt_set8(p, 15, p->data[15] & 0xf0);
		pkt_set16(p, 16, number);
		pkt_set8(p, 21, ttl);
	}
}

/* ---- what the two do not agree on ---- */
static enum apart apart_icmp(const struct model_packet *packet, const struct flowmodel_key *key)
{
	struct flowmodel_outcome would;
	struct flowmodel probe = { .now = 0 };
	bool error = packet->version == 4 ? packet->icmp_type == 3 || packet->icmp_type == 4 ||
		     packet->icmp_type == 11 || packet->icmp_type == 12 : packet->icmp_type <= 4;

	if (packet->version == 4 && packet->icmp_type == 5)
		return APART_REDIRECT;
	if (!error)
		return NOT_APART;
	flowmodel_track(&probe, 0, packet, &would);	/* no flows: why is what the quote lacks */
	return strncmp(would.why, "quote of less", 13) && strncmp(would.why, "quote without", 13) ?
	       NOT_APART : APART_QUOTE;
}

static enum apart apart_tcp(const struct model_packet *packet, const struct flowmodel_key *key)
{
	unsigned int flags = packet->flags & (FIN | SYN | RST | ACK);
	const struct flowmodel_flow *flow;
	bool reply;

	flow = flowmodel_find(&model, key, &reply);
	if (!flow)
		return flags & FIN ? APART_FIN_FIRST : NOT_APART;
	if (flags == SYN && flow->state == FLOW_UNACKED)
		return APART_SYN_UNACKED;
	if (flow->picked_up && ((flags == (SYN | ACK) && !reply) || (flags == SYN && reply)))
		return APART_ODD_SYN;
	if (flags == (SYN | ACK) && !reply && flow->state == FLOW_SYN_RECV)
		return APART_OPEN_BOTH;
	if (flags == SYN && flow->state == FLOW_LAST_ACK)
		return APART_SYN_LAST_ACK;
	if (flags == SYN && flow->state == FLOW_CLOSE)
		return APART_SYN_RESET;
	if (flags & FIN && flow->fin[reply])
		return APART_FIN_AGAIN;
	return flags & RST && !flow->replied ? APART_RST_UNREPLIED : NOT_APART;
}

static enum apart apart_sctp(const struct model_packet *packet, const struct flowmodel_key *key)
{
	enum { INIT = 1, HEARTBEAT = 4, SHUTDOWN_ACK = 8 };
	unsigned int chunk = packet->frame[packet->l4_off + 12];
	const struct flowmodel_flow *flow;
	bool reply;

	flow = flowmodel_find(&model, key, &reply);
	if (!flow)
		return chunk == HEARTBEAT || chunk == SHUTDOWN_ACK ? APART_SCTP_FIRST : NOT_APART;
	if (chunk != INIT && !reply && !flow->tagged)
		return APART_SCTP_TAG;
	return chunk == INIT && flow->state == FLOW_SCTP_CLOSING ? APART_SCTP_ANEW : NOT_APART;
}

static enum apart apart(const struct model_packet *packet)
{
	struct flowmodel_key key;

	if (packet->malformed || !packet->version)
		return APART_MALFORMED;
	if (packet->tos & FLOWTAG_NOTRACK)
		return NOT_APART;
	flowmodel_key(packet, 0, &key);
	if (packet->proto == 6)
		return apart_tcp(packet, &key);
	if (packet->proto == PROTO_SCTP)
		return apart_sctp(packet, &key);
	if (packet->proto == (packet->version == 4 ? 1 : 58))
		return apart_icmp(packet, &key);
	return NOT_APART;
}

static void say_left_out(void)
{
	int i;

	for (i = 0; i < APART_MAX; i++)
		if (left_out[i])
			print_message("# left out: %lu, %s\n", left_out[i], apart_text[i]);
}

#endif
