/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * flowmodel.h - what flow state must do with a packet, said a second time
 *
 * DOC: A list of flows, searched from the front, and a step for each packet as the RFCs have it
 * (9293, 792, 4443, 5722, 5961, 9260), and as Linux does where they say nothing of somebody
 * between the ends. Like model.h it shares no header with the product. A flow has its ends as
 * they were first seen, there are no slots: it is never full and evicts nothing. The caller is the
 * clock.
 *
 * The product may leave a flow's expiry as it is when a packet would move it by little. So
 * there are two bounds: it expires at 'latest' exactly when it was renewed by each packet, and
 * 'earliest' is as much before as the least step that is written.
 */
#ifndef TESTS_LIB_FLOWMODEL_H
#define TESTS_LIB_FLOWMODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "model.h"

/* In the order of their names in flowmodel_state_name() */
enum flowmodel_state {
	FLOW_NONE, FLOW_SYN_SENT, FLOW_SYN_SENT2, FLOW_SYN_RECV, FLOW_ESTABLISHED, FLOW_UNACKED,
	FLOW_FIN_WAIT, FLOW_CLOSE_WAIT, FLOW_LAST_ACK, FLOW_TIME_WAIT, FLOW_CLOSE,
	FLOW_UDP_UNREPLIED, FLOW_UDP_REPLIED, FLOW_SCTP_OPENING, FLOW_SCTP_ESTABLISHED,
	FLOW_SCTP_CLOSING, FLOW_ICMP, FLOW_OTHER_UNREPLIED, FLOW_OTHER_REPLIED, FLOW_STATES
};

/* What a packet is to its flow. In the order of flowmodel_seen_name() */
enum flowmodel_seen { SEEN_NONE, SEEN_NEW, SEEN_ESTABLISHED, SEEN_RELATED, SEEN_INVALID,
		      SEEN_UNTRACKED };

enum flowmodel_stat { FLOWSTAT_NEW, FLOWSTAT_GONE, FLOWSTAT_INVALID, FLOWSTAT_RELATED,
		      FLOWSTAT_FRAG_UNKNOWN, FLOWSTAT_FRAG_OVERLAP, FLOWSTAT_WINDOW, FLOWSTATS };

#define FLOWMODEL_POLICIES	3

struct flowmodel_end {
	uint8_t addr[16];		/* IPv4: the first 4 bytes */
	unsigned int port;		/* ICMP: the id, at both ends */
};

struct flowmodel_key {
	unsigned int version, proto, zone;
	unsigned int kind;		/* ICMP queries: 1 echo, 2 timestamp, 3 address mask */
	bool answer;			/* to one. Of a flow: false, it begins with a query */
	struct flowmodel_end end[2];	/* 0: who sends */
};

/* What is known of TCP's numbers. By end: 0 is the originator */
struct flowmodel_seqs {
	uint32_t sent[2];		/* behind the last byte that it has sent */
	uint32_t room[2];		/* the first one that the other end has no room for */
	uint32_t window[2];		/* the largest that it has announced */
	int scale[2];			/* -1: offered none */
};

struct flowmodel_flow {
	struct flowmodel_flow *next;
	struct flowmodel_key key;	/* of its first packet */
	struct flowmodel_key outside;	/* the same, as it goes on: flowmodel_nat.h */
	struct flowmodel_key elsewhere;	/* the caller's: as somebody else has it */
	bool snat, dnat;		/* the originator's end is another there, the target's */
	enum flowmodel_state state;
	bool replied, assured, picked_up;
	bool tagged;			/* SCTP: the originator has been told its tag */
	bool fin[2];			/* by direction: 0 is the originator's */
	uint32_t mark;
	unsigned int policy;
	int64_t earliest, latest;	/* when it expires, in ticks */
	uint64_t packets[2], bytes[2];
	struct flowmodel_seqs seqs;
	unsigned long born;		/* number of the packet that began it */
};

struct flowmodel_datagram;

struct flowmodel {
	/* set by the caller */
	bool pickup;			/* TCP may begin in the middle */
	bool window;			/* its numbers are checked */
	int64_t now;			/* ticks */
	int64_t timeout[FLOWMODEL_POLICIES][FLOW_STATES];
	int64_t datagram_life, second;
	/* its own */
	struct flowmodel_flow *flows;
	struct flowmodel_datagram *datagrams;
	unsigned int n_flows;
	unsigned long packets;
	uint64_t stat[FLOWSTATS];
};

struct flowmodel_outcome {
	enum flowmodel_seen seen;
	bool reply, quoted;
	uint32_t mark;
	struct flowmodel_flow *flow;	/* NULL: none */
	struct flowmodel_key key;	/* that a new flow would have */
	const char *why;
};

/* The usual timeouts; @second: ticks of one */
void flowmodel_init(struct flowmodel *model, int64_t second);
void flowmodel_fini(struct flowmodel *model);

/* As the packet says it by itself: not of later pieces */
void flowmodel_key(const struct model_packet *packet, unsigned int zone,
		   struct flowmodel_key *ret_key);

/**
 * flowmodel_track() - What the packet is to the flows that there are
 * @packet:	Of model_parse(), not malformed
 */
void flowmodel_track(struct flowmodel *model, unsigned int zone, const struct model_packet *packet,
		     struct flowmodel_outcome *ret_outcome);

/* Behind flowmodel_track(): a new flow is kept. Return: it, or NULL where there is none to keep */
struct flowmodel_flow *flowmodel_commit(struct flowmodel *model, const struct model_packet *packet,
					const struct flowmodel_outcome *outcome, uint32_t mark,
					unsigned int policy);

void flowmodel_remove(struct flowmodel *model, struct flowmodel_flow *flow);

/*
 * The flow that a packet with this key is of, if it lives; *ret_reply: against its first packet. One that is
 * translated is found by either of its keys
 */
struct flowmodel_flow *flowmodel_find(struct flowmodel *model, const struct flowmodel_key *key,
				      bool *ret_reply);

/* What a renewal of a flow that lives so long may be short of */
int64_t flowmodel_step(const struct flowmodel *model, int64_t timeout);

const char *flowmodel_state_name(enum flowmodel_state state);
const char *flowmodel_seen_name(enum flowmodel_seen seen);
/* "tcp 10.0.0.1:1 > 10.0.0.2:80 established replied"; valid until the fourth call after */
const char *flowmodel_text(const struct flowmodel_flow *flow);
const char *flowmodel_key_text(const struct flowmodel_key *key);

/* Whether a packet with key @b is of the flow of @a; @turned: against its first one */
bool flowmodel_same(const struct flowmodel_key *a, const struct flowmodel_key *b, bool turned);

/*
 * Where in the frame the L4 header of the packet lies that an ICMP error quotes. Return: 0: the quote does
 * not reach it, or there is none. @key: its addresses and protocol
 */
size_t flowmodel_quoted(const struct model_packet *packet, struct flowmodel_key *key);

/* ---- parts, in files of their own ---- */
enum flowmodel_act {
	FLOW_BAD,			/* invalid: nothing changes */
	FLOW_IGNORE,			/* let by: nothing changes */
	FLOW_GO,			/* to *ret_state */
	FLOW_ANEW,			/* the flow was over: this begins another */
};

/* A segment of a flow. @reply: against its first one */
enum flowmodel_act flowmodel_tcp(struct flowmodel_flow *flow, bool reply, unsigned int flags,
				 enum flowmodel_state *ret_state);
/* Whether one may begin a flow, in which state */
bool flowmodel_tcp_first(bool pickup, unsigned int flags, enum flowmodel_state *ret_state);

/* Whether a segment's numbers may be; then they are learnt. @reply: against the flow's first one */
bool flowmodel_window(struct flowmodel_flow *flow, bool reply, const struct model_packet *packet);
void flowmodel_window_first(struct flowmodel_flow *flow, const struct model_packet *packet);

/*
 * What is remembered of a fragment's datagram. @may_begin: if it is a first piece, it has a key for
 * the others. Return: whether it is to be believed; then the key is in @key
 */
bool flowmodel_fragment(struct flowmodel *model, const struct model_packet *packet, bool may_begin,
			struct flowmodel_key *key, const char **ret_why);
void flowmodel_forget(struct flowmodel *model);

#endif
