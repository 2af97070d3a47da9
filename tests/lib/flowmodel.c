// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* flowmodel.c - what flow state must do with a packet, said a second time */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flowmodel.h"

enum { ICMP = 1, TCP = 6, UDP = 17, ICMP6 = 58, SCTP = 132 };
enum { INIT = 1, INIT_ACK = 2, ABORT = 6, COOKIE_ACK = 11, SHUTDOWN_COMPLETE = 14 };

/* Seconds. As Linux: Documentation/networking/nf_conntrack-sysctl.rst */
static const struct {
	const char *name;
	int64_t life;
} states[FLOW_STATES] = {
	[FLOW_NONE] = { "none", 0 },
	[FLOW_SYN_SENT] = { "tcp-syn-sent", 120 },
	[FLOW_SYN_SENT2] = { "tcp-syn-sent2", 120 },
	[FLOW_SYN_RECV] = { "tcp-syn-recv", 60 },
	[FLOW_ESTABLISHED] = { "tcp-established", 5 * 86400 },
	[FLOW_UNACKED] = { "tcp-unacked", 300 },
	[FLOW_FIN_WAIT] = { "tcp-fin-wait", 120 },
	[FLOW_CLOSE_WAIT] = { "tcp-close-wait", 60 },
	[FLOW_LAST_ACK] = { "tcp-last-ack", 30 },
	[FLOW_TIME_WAIT] = { "tcp-time-wait", 120 },
	[FLOW_CLOSE] = { "tcp-close", 10 },
	[FLOW_UDP_UNREPLIED] = { "udp-unreplied", 30 },
	[FLOW_UDP_REPLIED] = { "udp-replied", 120 },
	[FLOW_SCTP_OPENING] = { "sctp-opening", 30 },
	[FLOW_SCTP_ESTABLISHED] = { "sctp-established", 5 * 86400 },
	[FLOW_SCTP_CLOSING] = { "sctp-closing", 10 },
	[FLOW_ICMP] = { "icmp", 30 },
	[FLOW_OTHER_UNREPLIED] = { "other-unreplied", 600 },
	[FLOW_OTHER_REPLIED] = { "other-replied", 600 },
};

static unsigned int get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

/* ---- names ---- */
const char *flowmodel_state_name(enum flowmodel_state state)
{
	return states[state].name;
}

const char *flowmodel_seen_name(enum flowmodel_seen seen)
{
	static const char *const name[] = { "none", "new", "established", "related", "invalid",
					    "untracked" };

	return name[seen];
}

const char *flowmodel_key_text(const struct flowmodel_key *key)
{
	static char text[4][160];
	static unsigned int turn;
	char addr[2][64];
	int i;

	for (i = 0; i < 2; i++)
		inet_ntop(key->version == 4 ? AF_INET : AF_INET6, key->end[i].addr, addr[i],
			  sizeof(addr[i]));
	turn = (turn + 1) % 4;
	snprintf(text[turn], sizeof(text[turn]), "zone %u protocol %u kind %u %s@%u > %s@%u",
		 key->zone, key->proto, key->kind, addr[0], key->end[0].port, addr[1],
		 key->end[1].port);
	return text[turn];
}

const char *flowmodel_text(const struct flowmodel_flow *flow)
{
	static char text[4][320];
	static unsigned int turn;

	if (!flow)
		return "no flow";
	turn = (turn + 1) % 4;
	snprintf(text[turn], sizeof(text[turn]), "%s %s%s%s%s%s%s born %lu",
		 flowmodel_key_text(&flow->key), states[flow->state].name,
		 flow->replied ? " replied" : "", flow->assured ? " assured" : "",
		 flow->picked_up ? " picked-up" : "", flow->fin[0] ? " fin-orig" : "",
		 flow->fin[1] ? " fin-reply" : "", flow->born);
	return text[turn];
}

/* ---- the flows ---- */
void flowmodel_init(struct flowmodel *model, int64_t second)
{
	int policy, state;

	memset(model, 0, sizeof(*model));
	for (policy = 0; policy < FLOWMODEL_POLICIES; policy++)
		for (state = 0; state < FLOW_STATES; state++)
			model->timeout[policy][state] = states[state].life * second;
	model->second = second;
	model->datagram_life = 60 * second;
}

void flowmodel_remove(struct flowmodel *model, struct flowmodel_flow *flow)
{
	struct flowmodel_flow **at = &model->flows;

	while (*at != flow)
		at = &(*at)->next;
	*at = flow->next;
	free(flow);
	model->n_flows--;
	model->stat[FLOWSTAT_GONE]++;
}

void flowmodel_fini(struct flowmodel *model)
{
	while (model->flows)
		flowmodel_remove(model, model->flows);
	flowmodel_forget(model);
}

static bool same_end(const struct flowmodel_end *a, const struct flowmodel_end *b)
{
	return a->port == b->port && !memcmp(a->addr, b->addr, sizeof(a->addr));
}

bool flowmodel_same(const struct flowmodel_key *a, const struct flowmodel_key *b, bool turned)
{
	/* Two ends that ask with one id have two flows; who asks itself is not heard to answer */
	if (a->kind && (b->answer != turned || (turned && same_end(&a->end[0], &a->end[1]))))
		return false;
	return a->version == b->version && a->proto == b->proto && a->kind == b->kind &&
	       a->zone == b->zone && same_end(&a->end[0], &b->end[turned]) &&
	       same_end(&a->end[1], &b->end[!turned]);
}

struct flowmodel_flow *flowmodel_find(struct flowmodel *model, const struct flowmodel_key *key,
				      bool *ret_reply)
{
	struct flowmodel_flow *flow, *next;

	for (flow = model->flows; flow; flow = next) {
		next = flow->next;
		if (flow->latest <= model->now) {
			flowmodel_remove(model, flow);
			continue;
		}
		for (*ret_reply = false; ; *ret_reply = true) {
			if (flowmodel_same(&flow->key, key, *ret_reply) ||
			    flowmodel_same(&flow->outside, key, *ret_reply))
				return flow;
			if (*ret_reply)
				break;
		}
	}
	*ret_reply = false;
	return NULL;
}

int64_t flowmodel_step(const struct flowmodel *model, int64_t timeout)
{
	return timeout / 64;
}

/* ---- time and bytes of a packet that belongs to a flow ---- */
static void renew(struct flowmodel *model, struct flowmodel_flow *flow)
{
	int64_t life = model->timeout[flow->policy][flow->state];

	flow->latest = model->now + life;
	if (flow->earliest < flow->latest - flowmodel_step(model, life))
		flow->earliest = flow->latest - flowmodel_step(model, life);
}

static void set_state(struct flowmodel *model, struct flowmodel_flow *flow,
		      enum flowmodel_state state)
{
	if (flow->state != state) {
		flow->state = state;
		flow->earliest = flow->latest = model->now + model->timeout[flow->policy][state];
	}
	renew(model, flow);
}

static void count(struct flowmodel_flow *flow, bool reply, const struct model_packet *packet)
{
	flow->packets[reply]++;
	flow->bytes[reply] += packet->len;
}

/* ---- what a packet does to its flow. Return: whether it may ---- */
static bool step_sctp(struct flowmodel *model, struct flowmodel_flow *flow, bool reply,
		      const struct model_packet *packet, bool *ret_anew, const char **why)
{
	unsigned int chunk = packet->frame[packet->l4_off + 12];

	if (chunk == INIT && flow->state == FLOW_SCTP_CLOSING) {
		*why = "begins anew";
		*ret_anew = true;
		return true;
	}
	if (chunk == ABORT || chunk == SHUTDOWN_COMPLETE)
		set_state(model, flow, FLOW_SCTP_CLOSING);
	else if (chunk == COOKIE_ACK && flow->state == FLOW_SCTP_OPENING &&
		 (reply || flow->replied))
		set_state(model, flow, FLOW_SCTP_ESTABLISHED);
	else
		set_state(model, flow, flow->state);
	flow->assured |= flow->state == FLOW_SCTP_ESTABLISHED;
	flow->tagged |= reply && (chunk == INIT || chunk == INIT_ACK);
	return true;
}

/* *ret_anew: it begins another flow in its place */
static bool step_tcp(struct flowmodel *model, struct flowmodel_flow *flow, bool reply,
		     const struct model_packet *packet, bool *ret_anew, const char **why)
{
	enum flowmodel_state state = flow->state;
	bool fin = flow->fin[reply];

	switch (flowmodel_tcp(flow, reply, packet->flags, &state)) {
	case FLOW_BAD:
		*why = "segment out of place";
		return false;
	case FLOW_IGNORE:
		*why = "let by, changes nothing";
		if (reply && !flow->replied)	/* but it is the first answer */
			set_state(model, flow, flow->state);
		return true;
	case FLOW_ANEW:
		*why = "begins anew";
		*ret_anew = true;
		return true;
	case FLOW_GO:
		break;
	}
	if (model->window && !flowmodel_window(flow, reply, packet)) {
		*why = "numbers outside the window";
		flow->fin[reply] = fin;
		model->stat[FLOWSTAT_WINDOW]++;
		return false;
	}
	flow->assured |= state == FLOW_ESTABLISHED ||
			 (flow->state == FLOW_UNACKED && state == FLOW_CLOSE_WAIT);
	set_state(model, flow, state);
	return true;
}

static void step_udp(struct flowmodel *model, struct flowmodel_flow *flow, bool reply)
{
	if (!reply && flow->state == FLOW_UDP_REPLIED)
		flow->assured = true;
	set_state(model, flow, reply ? FLOW_UDP_REPLIED : flow->state);
}

static bool is_query(unsigned int version, unsigned int type)
{
	return version == 4 ? type == 8 || type == 13 || type == 17 : type == 128;
}

static bool step(struct flowmodel *model, struct flowmodel_flow *flow, bool reply,
		 const struct model_packet *packet, bool *ret_anew, const char **why)
{
	if (packet->frag == MODEL_LATER) {
		*why = "goes where its first piece went";
		return true;
	}
	switch (flow->key.proto) {
	case TCP:
		return step_tcp(model, flow, reply, packet, ret_anew, why);
	case UDP:
		step_udp(model, flow, reply);
		return true;
	case SCTP:
		return step_sctp(model, flow, reply, packet, ret_anew, why);
	}
	if (flow->key.kind)
		set_state(model, flow, FLOW_ICMP);
	else
		set_state(model, flow, reply ? FLOW_OTHER_REPLIED : flow->state);
	return true;
}

/* Whether the packet may begin a flow, and in which state it would be */
static bool may_begin(struct flowmodel *model, const struct model_packet *packet,
		      enum flowmodel_state *ret_state)
{
	bool icmp = packet->proto == (packet->version == 4 ? ICMP : ICMP6);

	*ret_state = FLOW_OTHER_UNREPLIED;
	if (packet->frag == MODEL_LATER)	/* its first piece did, or was not let */
		return false;
	switch (packet->proto) {
	case TCP:
		return flowmodel_tcp_first(model->pickup, packet->flags, ret_state);
	case UDP:
		*ret_state = FLOW_UDP_UNREPLIED;
		return true;
	case SCTP:
		*ret_state = FLOW_SCTP_OPENING;
		return packet->frame[packet->l4_off + 12] == INIT;
	}
	if (!icmp)
		return true;
	*ret_state = FLOW_ICMP;
	return is_query(packet->version, packet->icmp_type);
}

/* ---- keys ---- */
static unsigned int query_kind(unsigned int version, unsigned int type)
{
	if (version == 6)
		return type == 128 || type == 129 ? 1 : 0;
	switch (type) {
	case 0: case 8:		return 1;
	case 13: case 14:	return 2;
	case 17: case 18:	return 3;
	}
	return 0;
}

static bool is_error(unsigned int version, unsigned int type)
{
	if (version == 6)
		return type >= 1 && type <= 4;
	return type == 3 || type == 4 || type == 11 || type == 12;
}

/* RFC 4861, RFC 2710, RFC 3810: link-local talk that has no flow */
static bool is_neighbourly(const struct model_packet *packet)
{
	unsigned int type = packet->icmp_type;

	return packet->version == 6 && ((type >= 133 && type <= 137) ||
					(type >= 130 && type <= 132) || type == 143);
}

/* Where the quoted packet's L4 header begins; 0: the quote does not reach it, or there is none */
static size_t quoted_l4(const struct model_packet *packet, const uint8_t *p, size_t have,
			struct flowmodel_key *key)
{
	bool four = packet->version == 4;
	size_t header = four && have ? (p[0] & 15) * 4 : 40, at;

	if (have < (four ? 20 : 40) || p[0] >> 4 != packet->version || header < 20 || header > have)
		return 0;
	memcpy(key->end[0].addr, p + (four ? 12 : 8), four ? 4 : 16);
	memcpy(key->end[1].addr, p + (four ? 16 : 24), four ? 4 : 16);
	key->proto = p[four ? 9 : 6];
	if (four)
		return get16(p + 6) & 0x1fff ? 0 : header;
	while (key->proto == 0 || key->proto == 43 || key->proto == 44 || key->proto == 51 ||
	       key->proto == 60) {
		if (header + 8 > have || (key->proto == 44 && get16(p + header + 2) & 0xfff8))
			return 0;
		at = header;
		header += key->proto == 51 ? 4 * (p[at + 1] + 2) :
			  key->proto == 44 ? 8 : 8 * (p[at + 1] + 1);
		key->proto = p[at];
	}
	return header;
}

size_t flowmodel_quoted(const struct model_packet *packet, struct flowmodel_key *key)
{
	size_t quote = packet->l4_off + 8, at;

	at = quoted_l4(packet, packet->frame + quote, packet->l4_len - 8, key);
	return at ? quote + at : 0;
}

/* The tuple of a quoted packet (RFC 792; RFC 4443 2.4 c). Return: NULL, or what is wrong */
static const char *quoted_key(const struct model_packet *packet, struct flowmodel_key *ret_key)
{
	const uint8_t *p = packet->frame + packet->l4_off + 8;
	size_t have = packet->l4_len - 8, header = quoted_l4(packet, p, have, ret_key);
	bool icmp = ret_key->proto == (packet->version == 4 ? ICMP : ICMP6);

	if (!header)
		return "quote without a header";
	if (header + 8 > have)
		return "quote of less than 8 bytes behind IP";
	if (ret_key->proto != TCP && ret_key->proto != UDP && ret_key->proto != SCTP && !icmp)
		return NULL;
	p += header;
	if (!icmp) {
		ret_key->end[0].port = get16(p);
		ret_key->end[1].port = get16(p + 2);
		return NULL;
	}
	ret_key->kind = query_kind(packet->version, p[0]);
	ret_key->answer = !is_query(packet->version, p[0]);
	ret_key->end[0].port = ret_key->end[1].port = get16(p + 4);
	return ret_key->kind ? NULL : "quote of no query";
}

static bool track_error(struct flowmodel *model, const struct model_packet *packet,
			struct flowmodel_outcome *out)
{
	struct flowmodel_key key = { .version = packet->version, .zone = out->key.zone };
	bool reply;

	out->why = quoted_key(packet, &key);
	if (out->why)
		return false;
	if (memcmp(key.end[0].addr, packet->daddr, 16)) {
		out->why = "goes to another than who sent what it quotes";
		return false;
	}
	out->flow = flowmodel_find(model, &key, &reply);
	if (!out->flow) {
		out->why = "quotes no flow";
		return false;
	}
	out->seen = SEEN_RELATED;
	out->quoted = true;
	out->reply = !reply;		/* it goes back to who sent what it quotes */
	out->mark = out->flow->mark;
	model->stat[FLOWSTAT_RELATED]++;
	return true;
}

void flowmodel_key(const struct model_packet *packet, unsigned int zone,
		   struct flowmodel_key *ret_key)
{
	memset(ret_key, 0, sizeof(*ret_key));
	ret_key->version = packet->version;
	ret_key->proto = packet->proto;
	ret_key->zone = zone;
	memcpy(ret_key->end[0].addr, packet->saddr, 16);
	memcpy(ret_key->end[1].addr, packet->daddr, 16);
	if (!packet->l4)
		return;
	ret_key->end[0].port = packet->sport;
	ret_key->end[1].port = packet->dport;
	if (packet->proto != (packet->version == 4 ? ICMP : ICMP6))
		return;
	ret_key->kind = query_kind(packet->version, packet->icmp_type);
	ret_key->answer = ret_key->kind && !is_query(packet->version, packet->icmp_type);
	if (ret_key->kind)
		ret_key->end[0].port = ret_key->end[1].port =
			get16(packet->frame + packet->l4_off + 4);
}

/* ---- a packet ---- */
static bool track_flow(struct flowmodel *model, const struct model_packet *packet,
		       struct flowmodel_outcome *out)
{
	enum flowmodel_state state;
	bool anew = false;

	out->flow = flowmodel_find(model, &out->key, &out->reply);
	if (out->flow) {
		if (!step(model, out->flow, out->reply, packet, &anew, &out->why))
			return false;
		if (anew) {
			flowmodel_remove(model, out->flow);
			out->flow = NULL;
			out->reply = false;
		}
	}
	if (!out->flow) {
		out->seen = SEEN_NEW;
		if (!out->why)
			out->why = "belongs to no flow";
		return may_begin(model, packet, &state);
	}
	out->flow->replied |= out->reply && packet->frag != MODEL_LATER;
	count(out->flow, out->reply, packet);
	out->mark = out->flow->mark;
	out->seen = out->reply || out->flow->replied ? SEEN_ESTABLISHED : SEEN_NEW;
	return true;
}

/* What a packet with an L4 header is by itself */
enum class { CLASS_FLOW, CLASS_ERROR, CLASS_FREE, CLASS_BAD };

static enum class classify(const struct model_packet *packet, const struct flowmodel_key *key,
			   const char **why)
{
	if (packet->proto == SCTP && packet->l4_len < 16) {
		*why = "SCTP without a chunk";
		return CLASS_BAD;
	}
	if (packet->proto != (packet->version == 4 ? ICMP : ICMP6))
		return CLASS_FLOW;
	if (is_error(packet->version, packet->icmp_type))
		return CLASS_ERROR;
	if (is_neighbourly(packet))
		return CLASS_FREE;
	if (!key->kind)
		*why = "ICMP that is neither query nor error";
	return key->kind ? CLASS_FLOW : CLASS_BAD;
}

static bool track(struct flowmodel *model, const struct model_packet *packet,
		  struct flowmodel_outcome *out)
{
	enum class class = CLASS_FLOW;

	if (packet->frag != MODEL_LATER)
		class = classify(packet, &out->key, &out->why);
	if (packet->frag != MODEL_WHOLE &&
	    !flowmodel_fragment(model, packet, class == CLASS_FLOW, &out->key, &out->why))
		return false;
	switch (class) {
	case CLASS_FLOW:
		return track_flow(model, packet, out);
	case CLASS_ERROR:
		return track_error(model, packet, out);
	case CLASS_FREE:
		out->seen = SEEN_UNTRACKED;
		return true;
	default:
		return false;
	}
}

void flowmodel_track(struct flowmodel *model, unsigned int zone, const struct model_packet *packet,
		     struct flowmodel_outcome *ret_outcome)
{
	struct flowmodel_outcome *out = ret_outcome;

	model->packets++;
	memset(out, 0, sizeof(*out));
	if (!packet->version)
		return;
	flowmodel_key(packet, zone, &out->key);
	if (track(model, packet, out))
		return;
	out->seen = SEEN_INVALID;
	out->flow = NULL;
	out->reply = out->quoted = false;
	out->mark = 0;
	model->stat[FLOWSTAT_INVALID]++;
}

struct flowmodel_flow *flowmodel_commit(struct flowmodel *model, const struct model_packet *packet,
					const struct flowmodel_outcome *outcome, uint32_t mark,
					unsigned int policy)
{
	struct flowmodel_flow *flow;
	enum flowmodel_state state;

	if (outcome->seen != SEEN_NEW || outcome->flow || !may_begin(model, packet, &state))
		return NULL;
	flow = calloc(1, sizeof(*flow));
	if (!flow)
		abort();
	flow->key = flow->outside = outcome->key;
	flow->picked_up = state == FLOW_UNACKED;
	flow->fin[0] = flow->picked_up && (packet->flags & 1);
	flow->mark = mark;
	flow->policy = policy;
	flow->born = model->packets;
	flowmodel_window_first(flow, packet);
	set_state(model, flow, state);
	count(flow, false, packet);
	flow->next = model->flows;
	model->flows = flow;
	model->n_flows++;
	model->stat[FLOWSTAT_NEW]++;
	return flow;
}
