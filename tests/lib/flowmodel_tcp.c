// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* flowmodel_tcp.c - TCP as somebody between its ends sees it (RFC 9293 3.3.2, 3.10.7) */
#include "flowmodel.h"

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16, URG = 32 };

/*
 * Of those that the parser lets by: every segment but a SYN or an RST has ACK set (RFC 9293
 * 3.10.7.4, fifth), and an RST carries nothing else
 */
static bool meaningful(unsigned int flags)
{
	switch (flags & (FIN | SYN | RST | ACK | URG)) {
	case SYN:
	case SYN | URG:
	case SYN | ACK:
	case RST:
	case RST | ACK:
	case FIN | ACK:
	case FIN | ACK | URG:
	case ACK:
	case ACK | URG:
		return true;
	}
	return false;
}

bool flowmodel_tcp_first(bool pickup, unsigned int flags, enum flowmodel_state *ret_state)
{
	if (!meaningful(flags) || (flags & RST))
		return false;
	if (flags & SYN) {
		*ret_state = FLOW_SYN_SENT;
		return !(flags & ACK);
	}
	*ret_state = FLOW_UNACKED;
	return pickup;
}

static enum flowmodel_act go(enum flowmodel_state state, enum flowmodel_state *ret_state)
{
	*ret_state = state;
	return FLOW_GO;
}

/*
 * Into a live connection: the end answers it by an acknowledgement (RFC 5961 4). The other way
 * round it would open one inwards behind the back of rules, as far as it is known which way that is
 */
static enum flowmodel_act into_live(const struct flowmodel_flow *flow, bool odd)
{
	return odd && !flow->picked_up ? FLOW_BAD : FLOW_IGNORE;
}

static enum flowmodel_act syn(struct flowmodel_flow *flow, bool reply, enum flowmodel_state *next)
{
	switch (flow->state) {
	case FLOW_SYN_SENT:
		return go(reply ? FLOW_SYN_SENT2 : FLOW_SYN_SENT, next);
	case FLOW_SYN_SENT2:
		return go(FLOW_SYN_SENT2, next);
	case FLOW_TIME_WAIT:
	case FLOW_CLOSE:
		return FLOW_ANEW;	/* RFC 1122 4.2.2.13, RFC 6191 */
	case FLOW_UNACKED:
		return FLOW_ANEW;	/* nobody has confirmed that there is one */
	default:
		return into_live(flow, reply);
	}
}

static enum flowmodel_act syn_ack(struct flowmodel_flow *flow, bool reply,
				  enum flowmodel_state *next)
{
	switch (flow->state) {
	case FLOW_SYN_SENT:
		return reply ? go(FLOW_SYN_RECV, next) : FLOW_BAD;
	case FLOW_SYN_SENT2:
	case FLOW_SYN_RECV:		/* again, or the second one of a simultaneous open */
		return go(FLOW_SYN_RECV, next);
	default:
		return into_live(flow, !reply);
	}
}

static enum flowmodel_act fin(struct flowmodel_flow *flow, bool reply, enum flowmodel_state *next)
{
	switch (flow->state) {
	case FLOW_SYN_SENT:
	case FLOW_SYN_SENT2:
		return FLOW_BAD;
	case FLOW_TIME_WAIT:
	case FLOW_CLOSE:
		return go(flow->state, next);
	default:
		break;
	}
	flow->fin[reply] = true;
	if (flow->fin[!reply])
		return go(FLOW_LAST_ACK, next);
	/* One that is sent again changes nothing */
	return go(flow->state == FLOW_CLOSE_WAIT ? FLOW_CLOSE_WAIT : FLOW_FIN_WAIT, next);
}

static enum flowmodel_act ack(struct flowmodel_flow *flow, bool reply, enum flowmodel_state *next)
{
	switch (flow->state) {
	case FLOW_SYN_SENT:
	case FLOW_SYN_SENT2:
		/* The other end has an old connection, and says so: RFC 9293 3.5.1 */
		return reply ? FLOW_IGNORE : FLOW_BAD;
	case FLOW_SYN_RECV:
		return go(reply ? FLOW_SYN_RECV : FLOW_ESTABLISHED, next);
	case FLOW_UNACKED:
		if (!reply)
			return go(FLOW_UNACKED, next);
		return go(flow->fin[0] ? FLOW_CLOSE_WAIT : FLOW_ESTABLISHED, next);
	case FLOW_FIN_WAIT:
		return go(flow->fin[!reply] ? FLOW_CLOSE_WAIT : FLOW_FIN_WAIT, next);
	case FLOW_LAST_ACK:
		return go(FLOW_TIME_WAIT, next);
	default:
		return go(flow->state, next);
	}
}

enum flowmodel_act flowmodel_tcp(struct flowmodel_flow *flow, bool reply, unsigned int flags,
				 enum flowmodel_state *ret_state)
{
	if (!meaningful(flags))
		return FLOW_BAD;
	if (flags & RST)
		return go(FLOW_CLOSE, ret_state);
	if (flags & SYN)
		return flags & ACK ? syn_ack(flow, reply, ret_state) : syn(flow, reply, ret_state);
	return flags & FIN ? fin(flow, reply, ret_state) : ack(flow, reply, ret_state);
}
