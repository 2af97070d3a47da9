/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copyright (c) The shunt authors */
/*
 * synproxy_conn.h - a connection through module synproxy, step by step
 *
 * The numbers that are the module's choice (cookie, timestamp) are read off what came out; all else
 * is built anew.
 */
#ifndef TESTS_SYNPROXY_CONN_H
#define TESTS_SYNPROXY_CONN_H

#include "synproxy_world.h"

/* ---- options ---- */

/* What a client offers in its SYN, in the order that it likes */
struct offer {
	const char *name;
	const char *opts;
	size_t len;
	uint16_t mss[2];		/* what becomes of it, by family */
	int scale;			/* -1: none */
	bool sack, ts, ecn, extras, tagged;
	size_t data;
};

#define TSOPT	"\x08\x0a\x11\x22\x33\x44\0\0\0\0"
#define OFFER(s) .opts = (s), .len = sizeof(s) - 1

static const struct offer offers[] = {
	{ "as Linux", OFFER("\2\4\5\xb4\4\2" TSOPT "\1\3\3\7"), { 1460, 1440 }, 7, true, true },
	{ "as Linux, scale above 14", OFFER("\2\4\5\xb4\4\2" TSOPT "\1\3\3\x10"),
	  { 1460, 1440 }, 14, true, true },
	{ "as Linux, but for the end", OFFER("\2\4\5\xb4\4\2" TSOPT "\3\3\6\1"), { 1460, 1440 }, 6,
	  true, true },
	{ "other order", OFFER(TSOPT "\3\3\2\4\2\1\2\4\x22\xec\1"), { 1460, 8940 }, 2, true, true },
	{ "no scale", OFFER("\2\4\5\x14\1\1" TSOPT "\4\2\1\1"), { 1300, 1220 }, -1, true, true },
	{ "no SACK", OFFER("\2\4\5\xa0\1\1" TSOPT "\3\3\0\1"), { 1440, 1440 }, 0, false, true },
	{ "scale above 14", OFFER("\2\4\2\x18\1\1" TSOPT "\3\3\xff\1"), { 536, 1220 }, 14, false,
	  true },
	{ "timestamps alone", OFFER("\1\1" TSOPT), { 536, 1220 }, -1, false, true },
	{ "no timestamps", OFFER("\2\4\5\x8c\1\1\4\2\1\3\3\5"), { 1300, 1420 }, -1 },
	{ "no options", OFFER(""), { 536, 1220 }, -1 },
	{ "small segments", OFFER("\2\4\1\0"), { 536, 1220 }, -1 },
	{ "congestion", OFFER("\2\4\5\xb4\4\2" TSOPT "\1\3\3\7"), { 1460, 1440 }, 7, true, true,
	  .ecn = true },
	{ "congestion, no timestamps", OFFER("\2\4\5\xb4"), { 1460, 1440 }, -1, .ecn = true },
	{ "options ahead", OFFER("\2\4\5\xb4\4\2" TSOPT "\1\3\3\7"), { 1460, 1440 }, 7, true, true,
	  .extras = true },
	{ "tagged", OFFER("\2\4\5\xb4\4\2" TSOPT "\1\3\3\7"), { 1460, 1440 }, 7, true, true,
	  .tagged = true },
	{ "with data", OFFER("\2\4\5\xb4"), { 1460, 1440 }, -1, .data = 999 },
	{ "cut option", OFFER("\2\4\5\xb4\3\3\7\x08"), { 1460, 1440 }, -1 },
	{ "malformed", OFFER("\2\4\5\xb4\4\2" TSOPT "\5\1\3\3"), { 1460, 1440 }, -1, true, true },
};

/* Options that the module writes */
static size_t opts_syn(uint8_t *opt, uint16_t mss, const struct offer *o, bool ts, uint32_t tsval,
		       uint32_t tsecr, int scale)
{
	uint32_t words[5] = {
		htonl(0x02040000 | mss), htonl(o->sack ? 0x0402080a : 0x0101080a), htonl(tsval),
		htonl(tsecr), htonl(0x01030300 | scale),
	};
	size_t len = !ts ? 4 : o->scale < 0 ? 16 : 20;

	memcpy(opt, words, len);
	return len;
}

static size_t opts_ts(uint8_t *opt, bool ts, uint32_t tsval, uint32_t tsecr)
{
	uint32_t words[3] = { htonl(0x0101080a), htonl(tsval), htonl(tsecr) };

	memcpy(opt, words, sizeof(words));
	return ts ? sizeof(words) : 0;
}

/* ---- how far a connection is ---- */
struct conn {
	struct rig *rig;
	uint32_t hook;
	bool six;
	const struct offer *o;
	uint32_t cookie, stamp;		/* as the client was told */
	uint8_t opt[40];
	uint8_t caught[2048];		/* TC: what the server's answer was besides */
	size_t caught_len;
};

static struct segment conn_segment(struct conn *c, bool from_server, uint8_t flags)
{
	return (struct segment){
		.tcp = { .flags = flags, .window = 1000, .opts = c->opt }, .six = c->six,
		.from_server = from_server, .ttl = 33, .tagged = c->o->tagged,
	};
}

/* The client's SYN, and the answer */
static void conn_syn(struct conn *c)
{
	struct segment syn = conn_segment(c, false, PKT_SYN), want;
	uint8_t opt[40];

	if (c->o->ecn)
		syn.tcp.flags |= PKT_ECE | PKT_CWR;
	syn.tcp.seq = ISN;
	syn.tcp.opts = c->o->opts;
	syn.tcp.opts_len = c->o->len;
	syn.extras = c->o->extras;
	syn.data = c->o->data;
	run_segment(c->rig, &syn);
	check_left("p.reply");
	assert_int_equal(out.verdict, c->hook == SHUNT_HOOK_XDP ? RIG_TX : RIG_REDIRECT);
	c->cookie = out_word(4);
	c->stamp = c->o->ts ? out_word(28) : 0;
	want = conn_segment(c, true, PKT_SYN | PKT_ACK);
	if (c->o->ecn && c->o->ts)
		want.tcp.flags |= PKT_ECE;
	want.tcp.seq = c->cookie;
	want.tcp.ack = ISN + 1;
	want.tcp.window = 0;
	want.ttl = 64;
	want.turned = true;
	want.tcp.opts = opt;
	want.tcp.opts_len = opts_syn(opt, c->six ? 1440 : 1460, c->o, c->o->ts, c->stamp, CLIENT_TS,
				     7);
	check_frame(&want, out.data, out.len);
	assert_int_equal(out.pkt.len, out.len);
	assert_int_equal(world_forget(c->rig), 0);
}

/* What the client says then. @seq: its number */
static void conn_ack(struct conn *c, uint32_t seq, uint8_t flags, size_t data)
{
	struct segment ack = conn_segment(c, false, flags);

	ack.tcp.seq = seq;
	ack.tcp.ack = c->cookie + 1;
	ack.tcp.opts_len = opts_ts(c->opt, c->o->ts, CLIENT_TS + 1, c->stamp);
	ack.extras = c->o->extras;
	ack.data = data;
	ack.tos = 0xb9;
	run_segment(c->rig, &ack);
}

/* It has become the SYN for the server */
static void conn_check_syn(struct conn *c, uint32_t isn)
{
	struct segment want = conn_segment(c, false, PKT_SYN);
	uint32_t window = 1000u << (c->o->scale > 0 ? c->o->scale : 0);
	uint8_t opt[40];

	if (c->o->ecn && c->o->ts)
		want.tcp.flags |= PKT_ECE | PKT_CWR;
	want.tcp.seq = isn;
	want.tcp.window = window > 65535 ? 65535 : window;
	want.tos = 0xb8;
	want.tcp.opts = opt;
	want.tcp.opts_len = opts_syn(opt, c->o->mss[c->six], c->o, c->o->ts, CLIENT_TS + 1, 0,
				     c->o->scale);
	check_out("keep.next", &want);
	assert_int_equal(out.pkt.tcp_flags, want.tcp.flags);
	assert_int_equal(out.pkt.l4_len, 20 + want.tcp.opts_len);
	assert_int_equal(out.pkt.l4_off, out.pkt.l3_off + (c->six ? 40 : 20));
	assert_int_equal(out.pkt.flags & (SHUNT_PKT_IP_OPTIONS | SHUNT_PKT_EXT_HEADERS), 0);
	assert_int_equal(out.pkt.ext_headers, 0);
	assert_int_equal(out.pkt.ct_state, SHUNT_CT_NEW);
}

static void conn_check_flow(struct conn *c, enum conntrack_state state, enum conntrack_proxy proxy)
{
	struct flow flow = world_flow(c->rig);

	assert_int_equal(flow.family, c->six);
	assert_int_equal(conntrack_life_state(flow.flow.life), state);
	assert_true(conntrack_life_flags(flow.flow.life) & CONNTRACK_PROXIED);
	assert_int_equal(flow.flow.proxy, proxy);
	assert_int_equal(!!(conntrack_life_flags(flow.flow.life) & CONNTRACK_ASSURED),
			 state == CONNTRACK_TCP_ESTABLISHED);
}

/* How the server answers */
struct server {
	int scale;			/* -1: it does not have it */
	bool ts;
};

/* @opt: for 40 bytes. What does not fit the offer is not said */
static void conn_synack(struct conn *c, const struct server *server, uint16_t window)
{
	struct segment s = conn_segment(c, true, PKT_SYN | PKT_ACK);
	uint32_t words[4] = { htonl(0x020405b4), htonl(0x0101080a), htonl(SERVER_TS),
			      htonl(CLIENT_TS + 1) };
	uint32_t scale = htonl(0x01030300 | server->scale);

	s.tcp.seq = SERVER_ISN;
	s.tcp.ack = ISN + 1;
	s.tcp.window = window;
	s.tcp.opts_len = c->o->ts && server->ts ? 16 : 4;
	memcpy(c->opt, words, sizeof(words));
	if (c->o->scale >= 0 && c->o->ts && server->scale >= 0) {
		memcpy(c->opt + s.tcp.opts_len, &scale, sizeof(scale));
		s.tcp.opts_len += sizeof(scale);
	}
	world_uncaught();
	run_segment(c->rig, &s);
	/* A tag that comes in is taken off */
	if (c->hook == SHUNT_HOOK_TC_INGRESS || (c->hook == SHUNT_HOOK_TC_EGRESS && !c->o->tagged))
		c->caught_len = world_caught(c->caught, sizeof(c->caught),
					     c->hook == SHUNT_HOOK_TC_EGRESS);
}

static void conn_check_window(struct conn *c, const struct server *server, uint16_t window)
{
	struct segment want = conn_segment(c, true, PKT_ACK);
	bool scaled = c->o->scale >= 0 && c->o->ts;

	want.tcp.seq = c->cookie + 1;
	want.tcp.ack = ISN + 1;
	want.tcp.window = scaled ? window >> 7 : window;
	want.tcp.opts_len = opts_ts(c->opt, c->o->ts && server->ts, c->stamp, CLIENT_TS + 1);
	check_out("keep.next", &want);
}

static void conn_check_server(struct conn *c, const struct server *server, const void *data,
			      size_t len)
{
	struct segment want = conn_segment(c, false, PKT_ACK);
	int shift = c->o->ts && c->o->scale >= 0 && server->scale >= 0 ? c->o->scale : 0;

	want.tcp.seq = ISN + 1;
	want.tcp.ack = SERVER_ISN + 1;
	want.tcp.window = 4096 >> shift ?: 1;
	want.ttl = 64;
	want.turned = true;
	want.tcp.opts_len = opts_ts(c->opt, c->o->ts && server->ts, CLIENT_TS + 1, SERVER_TS);
	check_frame(&want, data, len);
}

/* At TC one of the two goes out besides */
static void conn_check_clone(struct conn *c, const struct server *server)
{
	if (c->hook == SHUNT_HOOK_XDP || (c->hook == SHUNT_HOOK_TC_EGRESS && c->o->tagged))
		return;
	assert_true(c->caught_len > 0);
	conn_check_server(c, server, c->caught, c->caught_len);
}

static struct conn conn_begin(int h, bool six, const struct offer *o)
{
	struct conn c = { .rig = rigs[h], .hook = hooks[h], .six = six, .o = o };

	world_forget(c.rig);
	conn_syn(&c);
	return c;
}

static const struct server as_usual = { 9, true };

static struct conn conn_open(int h, bool six, const struct offer *o, const struct server *server)
{
	struct conn c = conn_begin(h, six, o);

	conn_ack(&c, ISN + 1, PKT_ACK, 0);
	check_left("keep.next");
	conn_synack(&c, server, 64240);
	check_left("keep.next");
	return c;
}

#endif
