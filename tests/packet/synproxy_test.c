// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* synproxy_test.c - connections that begin by a cookie, byte by byte, at all hooks */
#include "synproxy_conn.h"

/* ---- rows ---- */

static void test_offer(void **state)
{
	const struct offer *o = *state;

	for (int h = 0; h < HOOKS; h++)
		for (int six = 0; six < 2; six++) {
			struct conn c = conn_begin(h, six, o);

			conn_ack(&c, ISN + 1, PKT_ACK, 0);
			conn_check_syn(&c, ISN);
			conn_check_flow(&c, CONNTRACK_TCP_SYN_SENT, CONNTRACK_PROXY_WAITING);
			conn_synack(&c, &as_usual, 64240);
			conn_check_window(&c, &as_usual, 64240);
			conn_check_clone(&c, &as_usual);
			conn_check_flow(&c, CONNTRACK_TCP_ESTABLISHED, CONNTRACK_PROXY_OPEN);
		}
}

/* The SYN may be lost, or the client's first acknowledgement: any of its segments begins the flow */
static void test_again(void **state)
{
	static const struct { uint32_t seq; uint8_t flags; size_t data; } ways[] = {
		{ ISN + 1, PKT_ACK, 0 }, { ISN, PKT_ACK, 0 }, { ISN + 1, PKT_ACK | PKT_PSH, 700 },
		{ ISN + 1, PKT_ACK | PKT_FIN, 0 }, { ISN + 1, PKT_ACK | PKT_PSH, 1 },
	};

	for (int h = 0; h < HOOKS; h++)
		for (unsigned int way = 0; way < N(ways); way++) {
			struct conn c = conn_begin(h, way & 1, &offers[0]);

			conn_ack(&c, ways[way].seq, ways[way].flags, ways[way].data);
			conn_check_syn(&c, ISN);
			for (unsigned int i = 0; i < N(ways); i++) {
				conn_ack(&c, ways[i].seq, ways[i].flags, ways[i].data);
				conn_check_syn(&c, ISN);
				conn_check_flow(&c, CONNTRACK_TCP_SYN_SENT,
						CONNTRACK_PROXY_WAITING);
			}
		}
}

/* A client that begins anew, from the same port, before the server has answered */
static void test_anew(void **state)
{
	for (int h = 0; h < HOOKS; h++) {
		struct conn c = conn_begin(h, h & 1, &offers[0]), old;
		struct segment syn;

		conn_ack(&c, ISN + 1, PKT_ACK, 0);
		conn_check_syn(&c, ISN);
		old = c;
		c.o = &offers[2];		/* the cookie has another segment size */
		syn = conn_segment(&c, false, PKT_SYN);
		syn.tcp.seq = ISN + 5000;
		syn.tcp.opts = c.o->opts;
		syn.tcp.opts_len = c.o->len;
		run_segment(c.rig, &syn);
		check_left("p.reply");
		c.cookie = out_word(4);
		c.stamp = out_word(28);
		assert_true(c.cookie != old.cookie);
		conn_ack(&c, ISN + 5001, PKT_ACK, 0);
		conn_check_syn(&c, ISN + 5000);
		conn_synack(&c, &as_usual, 5000);
		conn_check_window(&c, &as_usual, 5000);
	}
}

static void test_bad_cookie(void **state)
{
	static const struct { int seq, ack; uint8_t flags; } bad[] = {
		{ 1, 3, PKT_ACK }, { -1, 1, PKT_ACK }, { 1, 0x12345678, PKT_ACK },
		{ 1, 1 << 24, PKT_ACK }, { 1, 1, PKT_RST }, { 1, 1, PKT_RST | PKT_ACK },
		{ 1, 1, PKT_SYN | PKT_ACK }, { 1, 1, PKT_FIN },
	};

	for (int h = 0; h < HOOKS; h++)
		for (unsigned int i = 0; i < N(bad); i++) {
			struct conn c = conn_begin(h, i & 1, &offers[0]);
			uint64_t before = flows_stat(c.rig->shared.flows,
						     CONNTRACK_STAT_BAD_COOKIE);
			bool checked = bad[i].flags == PKT_ACK;

			c.cookie += bad[i].ack - 1;
			conn_ack(&c, ISN + bad[i].seq, bad[i].flags, 0);
			check_refused("bad_cookie");
			assert_int_equal(world_forget(c.rig), 0);
			assert_int_equal(flows_stat(c.rig->shared.flows, CONNTRACK_STAT_BAD_COOKIE),
					 before + checked);
		}
}

/* Fragments, super-frames, groups */
static void test_refused(void **state)
{
	struct rig_input in = { .gso_size = 500 };
	struct pkt p;

	for (int h = 0; h < HOOKS; h++)
		for (int six = 0; six < 2; six++) {
			struct segment s = { .tcp = { .flags = PKT_SYN, .check = 1 }, .six = six,
					     .more = true, .data = 44 };

			world_forget(rigs[h]);
			if (!six || hooks[h] == SHUNT_HOOK_XDP) {
				segment_build(&p, &s);
				run_pkt(rigs[h], &p);
				check_refused("bad_cookie");
			}
			pkt_build(&p, six ? TCP6(ends[1][0], "ff02::5", 5, 80, PKT_SYN) :
					    TCP4(ends[0][0], "224.0.0.5", 5, 80, PKT_SYN,
						 FILL(6)));
			run_pkt(rigs[h], &p);
			check_refused("bad_cookie");
			if (hooks[h] == SHUNT_HOOK_XDP)
				continue;
			s = (struct segment){ .tcp = { .flags = PKT_ACK }, .six = six,
					      .data = 2000 };
			segment_build(&p, &s);
			in.data = p.data;
			in.len = p.len;
			assert_int_equal(rig_run_input(rigs[h], &in, &out), 0);
			check_refused("bad_cookie");
		}
}

/* No packet of the server but an answer to the SYN is for the client before it is open */
static void test_waiting(void **state)
{
	static const uint8_t flags[] = { PKT_ACK, PKT_ACK | PKT_PSH, PKT_SYN, PKT_FIN | PKT_ACK };

	for (int h = 0; h < HOOKS; h++)
		for (unsigned int i = 0; i < N(flags); i++) {
			struct conn c = conn_begin(h, i & 1, &offers[0]);
			struct segment s = conn_segment(&c, true, flags[i]);

			conn_ack(&c, ISN + 1, PKT_ACK, 0);
			conn_check_syn(&c, ISN);
			s.tcp.seq = SERVER_ISN;
			s.tcp.ack = ISN + 1;
			run_segment(c.rig, &s);
			check_refused("bad_cookie");
			conn_ack(&c, ISN + 1, PKT_RST | PKT_ACK, 0);
			check_refused("bad_cookie");
		}
}

static void test_server_resets(void **state)
{
	for (int h = 0; h < HOOKS; h++)
		for (int six = 0; six < 2; six++) {
			struct conn c = conn_begin(h, six, &offers[0]);
			struct segment s = conn_segment(&c, true, PKT_RST | PKT_ACK);

			conn_ack(&c, ISN + 1, PKT_ACK, 0);
			conn_check_syn(&c, ISN);
			for (int i = 0; i < 2; i++) {	/* the first may be lost */
				s.tcp.seq = i * 77;
				s.tcp.ack = ISN + 1;
				s.tcp.window = 0;
				run_segment(c.rig, &s);
				s.tcp.seq = c.cookie + 1;
				check_out("keep.next", &s);
				conn_ack(&c, ISN + 1, PKT_ACK, 0);
				check_left("keep.next");
				assert_int_equal(out_word(4), ISN);
			}
		}
}

/* XDP: the server repeats its SYN+ACK while it has heard nothing; TC: that, too, is two packets */
static void test_repeated(void **state)
{
	for (int h = 0; h < HOOKS; h++)
		for (unsigned int i = 0; i < N(offers); i++) {
			struct conn c = conn_open(h, i & 1, &offers[i], &as_usual);

			conn_synack(&c, &as_usual, 64240);
			if (hooks[h] == SHUNT_HOOK_XDP) {
				check_left("p.reply");
				conn_check_server(&c, &as_usual, out.data, out.len);
			} else {
				conn_check_window(&c, &as_usual, 64240);
				conn_check_clone(&c, &as_usual);
			}
			conn_check_flow(&c, CONNTRACK_TCP_ESTABLISHED, CONNTRACK_PROXY_OPEN);
		}
}

/* ---- packets of an open flow ---- */

/* Options of one, for each number that may change. C, S: client's timestamp, the server's */
struct traffic {
	const char *name;
	uint8_t flags;
	size_t data;
	enum { NONE, TS, TS_LAST, SACK, SACK_ONLY, SACK_ODD, ODD, FULL, STRANGE } opts;
};

static const struct traffic traffics[] = {
	{ "data", PKT_ACK | PKT_PSH, 1000, TS },
	{ "one byte", PKT_ACK, 1, TS },
	{ "acknowledgement", PKT_ACK, 0, TS },
	{ "no options", PKT_ACK, 333, NONE },
	{ "timestamps at the end", PKT_ACK, 10, TS_LAST },
	{ "SACK", PKT_ACK, 0, SACK },
	{ "SACK alone", PKT_ACK, 5, SACK_ONLY },
	{ "SACK at an odd place", PKT_ACK, 5, SACK_ODD },
	{ "timestamps at an odd place", PKT_ACK, 2, ODD },
	{ "three SACKs and timestamps", PKT_ACK, 2, FULL },
	{ "unknown option", PKT_ACK, 9, STRANGE },
	{ "urgent", PKT_ACK | PKT_URG, 9, TS },
	{ "end", PKT_ACK | PKT_FIN, 0, TS },
	{ "reset", PKT_ACK | PKT_RST, 0, NONE },
	{ "reset that acknowledges nothing", PKT_RST, 0, NONE },
};

static size_t put32(uint8_t *opt, size_t at, uint32_t value)
{
	value = htonl(value);
	memcpy(opt + at, &value, sizeof(value));
	return at + 4;
}

static size_t put_ts(uint8_t *opt, size_t at, uint32_t tsval, uint32_t tsecr)
{
	opt[at] = 8;
	opt[at + 1] = 10;
	return put32(opt, put32(opt, at + 2, tsval), tsecr);
}

static size_t put_sack(uint8_t *opt, size_t at, unsigned int n, uint32_t first)
{
	opt[at] = 5;
	opt[at + 1] = 2 + 8 * n;
	at += 2;
	for (unsigned int i = 0; i < 2 * n; i++)
		at = put32(opt, at, first + 1000 * i);
	return at;
}

static size_t traffic_opts(const struct traffic *t, uint8_t *opt, uint32_t tsval, uint32_t tsecr,
			   uint32_t sacked)
{
	memset(opt, 1, 40);
	switch (t->opts) {
	case TS:
		return put_ts(opt, 2, tsval, tsecr);
	case TS_LAST:
		return put_ts(opt, 0, tsval, tsecr) + 2;
	case SACK:
		return put_sack(opt, put_ts(opt, 2, tsval, tsecr) + 2, 1, sacked);
	case SACK_ONLY:
		return put_sack(opt, 2, 4, sacked);
	case SACK_ODD:
		return put_sack(opt, 1, 2, sacked) + 1;
	case ODD:
		return put_ts(opt, 1, tsval, tsecr) + 1;
	case FULL:
		return put_ts(opt, put_sack(opt, 0, 3, sacked), tsval, tsecr) + 2;
	case STRANGE:
		memcpy(opt, "\xfd\6\x12\x34\x56\x78", 6);
		return put_ts(opt, 6, tsval, tsecr);
	default:
		return 0;
	}
}

static uint16_t shifted(uint16_t window, int scale)
{
	uint32_t wide = window;

	wide = scale < 0 ? wide >> -scale : wide << scale;
	return wide > 65535 ? 65535 : wide;
}

/* A segment either way: what it is, and what it has to be on the other side */
static void check_traffic(struct conn *c, const struct traffic *t, const struct server *server,
			  bool from_server)
{
	bool ts = server->ts, acks = t->flags & PKT_ACK;
	uint32_t delta = c->cookie - SERVER_ISN, ts_delta = ts ? c->stamp - SERVER_TS : 0;
	struct segment s = conn_segment(c, from_server, t->flags), want = s;
	int scale = from_server ? (server->scale < 0 ? 0 : server->scale) - 7 :
				  server->scale < 0 ? c->o->scale : 0;
	uint8_t opt[40];

	s.data = want.data = t->data;
	s.tcp.urgent = want.tcp.urgent = t->flags & PKT_URG ? 5 : 0;
	want.tcp.window = shifted(s.tcp.window, scale);
	want.tcp.opts = opt;
	if (from_server) {
		s.tcp.seq = SERVER_ISN + 1;
		want.tcp.seq = s.tcp.seq + delta;
		s.tcp.ack = want.tcp.ack = ISN + 1;
		s.tcp.opts_len = traffic_opts(t, c->opt, SERVER_TS + 5, CLIENT_TS + 5, ISN + 9);
		want.tcp.opts_len = traffic_opts(t, opt, SERVER_TS + 5 + ts_delta, CLIENT_TS + 5,
						 ISN + 9);
	} else {
		s.tcp.seq = want.tcp.seq = ISN + 1;
		s.tcp.ack = c->cookie + 1;
		want.tcp.ack = acks ? SERVER_ISN + 1 : s.tcp.ack;
		s.tcp.opts_len = traffic_opts(t, c->opt, CLIENT_TS + 7, c->stamp + 7,
					      c->cookie + 100);
		want.tcp.opts_len = traffic_opts(t, opt, CLIENT_TS + 7, c->stamp + 7 - ts_delta,
						 SERVER_ISN + 100);
	}
	run_segment(c->rig, &s);
	check_out("keep.next", &want);
}

static void test_traffic(void **state)
{
	static const struct server servers[] = {
		{ 9, true }, { 7, true }, { 2, true }, { -1, true }, { 0, false }, { 14, true },
	};

	for (int h = 0; h < HOOKS; h++)
		for (unsigned int i = 0; i < N(servers) * 2; i++) {
			const struct server *server = &servers[i / 2];
			struct conn c = conn_open(h, i & 1, &offers[0], server);

			check_traffic(&c, *state, server, false);
			c = conn_open(h, i & 1, &offers[0], server);
			check_traffic(&c, *state, server, true);
		}
}

/* A checksum that was left to the device: the pseudo header's, of the length that there is */
static void partial(struct pkt *p, bool six)
{
	size_t l4 = six ? 54 : 34, addrs = six ? 22 : 26;
	uint32_t len = p->len - l4, sum;
	uint8_t pseudo[4] = { 0, 6, len >> 8, len };

	sum = pkt_sum(p->data + addrs, six ? 32 : 8, 0);
	pkt_set16(p, l4 + 16, ~pkt_checksum(pseudo, 4, sum));
}

static void test_partial(void **state)
{
	struct conn c;

	for (int six = 0; six < 2; six++) {
		struct segment s, want;
		struct pkt in, p;
		char text[256];
		uint8_t opt[40];

		c = conn_begin(0, six, &offers[0]);
		s = conn_segment(&c, false, PKT_SYN);
		s.tcp.seq = ISN;
		s.tcp.opts = offers[0].opts;
		s.tcp.opts_len = offers[0].len;
		segment_build(&in, &s);
		partial(&in, six);
		run_pkt(c.rig, &in);		/* straight out: no device completes it */
		c.stamp = out_word(28);
		want = (struct segment){
			.tcp = { .seq = c.cookie, .ack = ISN + 1, .flags = PKT_SYN | PKT_ACK,
				 .opts = opt }, .six = six, .from_server = true, .turned = true,
		};
		want.tcp.opts_len = opts_syn(opt, six ? 1440 : 1460, &offers[0], true, c.stamp,
					     CLIENT_TS, 7);
		check_out("p.reply", &want);

		s = conn_segment(&c, false, PKT_ACK);
		s.tcp.seq = ISN + 1;
		s.tcp.ack = c.cookie + 1;
		s.tcp.opts_len = opts_ts(c.opt, true, CLIENT_TS + 1, c.stamp);
		segment_build(&in, &s);
		partial(&in, six);
		run_pkt(c.rig, &in);
		want = conn_segment(&c, false, PKT_SYN);
		want.tcp.seq = ISN;
		want.tcp.window = 65535;
		want.tcp.opts = opt;
		want.tcp.opts_len = opts_syn(opt, offers[0].mss[six], &offers[0], true,
					     CLIENT_TS + 1, 0, 7);
		segment_build(&p, &want);
		partial(&p, six);
		check_left("keep.next");
		if (pkt_diff(&p, out.data, out.len, text, sizeof(text)))
			fail_msg("%s", text);
	}
}

/* ---- ICMP errors ---- */

/* What the server sent is quoted as the client has seen it */
static void test_quoted(void **state)
{
	for (int h = 0; h < HOOKS; h++)
		for (int i = 0; i < 8; i++) {
			struct conn c = conn_open(h, i & 1, &offers[0], &as_usual);
			bool to_server = i & 2, cut = i & 4;
			struct segment s = conn_segment(&c, to_server, PKT_ACK);
			struct pkt quoted, in, want, *p;
			char text[256];

			s.data = 100;
			for (int known = 0; known < 2; known++) {
				s.tcp.seq = !to_server ? ISN + 1 : known ? SERVER_ISN + 1 :
					    c.cookie + 1;
				segment_build(&quoted, &s);
				if (cut)
					pkt_cut(&quoted, c.six ? 62 : 42);
				p = known ? &want : &in;
				pkt_init(p);
				pkt_eth(p);
				if (c.six) {
					pkt_ip6(p, .src = "fd00:9::9", .dst = ends[1][to_server]);
					pkt_icmp6(p, .type = 1, .code = 3);
				} else {
					pkt_ip4(p, .src = "192.0.2.9", .dst = ends[0][to_server]);
					pkt_icmp(p, .type = 3, .code = 1);
				}
				pkt_raw(p, quoted.data + 14, quoted.len - 14);
			}
			run_pkt(c.rig, &in);
			check_left("keep.next");
			if (pkt_diff(&want, out.data, out.len, text, sizeof(text)))
				fail_msg("%s", text);
		}
}

/* ---- what is not the proxy's ---- */

static void test_others(void **state)
{
	struct pkt p;

	for (int h = 0; h < HOOKS; h++)
		for (int six = 0; six < 2; six++) {
			struct segment s = { .tcp = { .flags = PKT_SYN, .seq = 5 }, .six = six,
					     .port = PLAIN_PORT, .ttl = 9 };

			world_forget(rigs[h]);
			run_segment(rigs[h], &s);
			check_out("keep.next", &s);
			s.from_server = true;
			s.tcp.flags = PKT_SYN | PKT_ACK;
			s.tcp.ack = 6;
			run_segment(rigs[h], &s);
			check_out("keep.next", &s);
			pkt_build(&p, six ? UDP6(ends[1][0], ends[1][1], 5, 53, FILL(30)) :
					    UDP4(ends[0][0], ends[0][1], 5, 53, FILL(30)));
			run_pkt(rigs[h], &p);
			check_left("keep.next");
		}
}

/* ---- configuration ---- */

static void test_config(void **state)
{
	static const struct offer plain = { .opts = offers[0].opts, .len = 20, .scale = -1 };
	static const struct offer narrow = { .scale = 7 };
	struct segment want = { .tcp = { .flags = PKT_SYN | PKT_ACK, .ack = ISN + 1 },
				.from_server = true, .turned = true };
	uint8_t opt[40];

	for (int h = 0; h < HOOKS; h++)
		for (int ts = 0; ts < 2; ts++) {
			struct rig *rig = world_rig(hooks[h], "flows: 1000", ts ?
				"mss: 1200, wscale: 3, sack: false" :
				"mss6: 1222, timestamps: false");
			struct conn c = { .rig = rig, .hook = hooks[h], .six = !ts, .o = &plain };
			struct segment syn = conn_segment(&c, false, PKT_SYN);

			syn.tcp.seq = ISN;
			syn.tcp.opts = offers[0].opts;
			syn.tcp.opts_len = offers[0].len;
			run_segment(rig, &syn);
			check_left("p.reply");
			want.six = !ts;
			want.tcp.seq = c.cookie = out_word(4);
			want.tcp.opts = opt;
			want.tcp.opts_len = opts_syn(opt, ts ? 1200 : 1222, ts ? &narrow : &plain,
						     ts, ts ? out_word(28) : 0, CLIENT_TS, 3);
			check_frame(&want, out.data, out.len);
			if (!ts) {		/* what the client says of them later is not asked */
				syn = conn_segment(&c, false, PKT_ACK);
				syn.tcp.seq = ISN + 1;
				syn.tcp.ack = c.cookie + 1;
				syn.tcp.opts_len = opts_ts(c.opt, true, CLIENT_TS, 0x12345678);
				run_segment(rig, &syn);
				syn.tcp = (struct pkt_tcp){ .flags = PKT_SYN, .seq = ISN,
							    .window = 1000, .opts = "\2\4\5\xa0",
							    .opts_len = 4 };
				check_out("keep.next", &syn);
			}
			rig_free(rig);
		}
}

/* Sequence numbers are checked, in those that the sender knows */
static void test_window(void **state)
{
	for (int h = 0; h < HOOKS; h++)
		for (int six = 0; six < 2; six++) {
			struct rig *was = rigs[h];
			struct segment s;
			struct conn c;

			rigs[h] = world_rig(hooks[h], "flows: 1000, window: true", "");
			c = conn_open(h, six, &offers[0], &as_usual);
			check_traffic(&c, &traffics[0], &as_usual, false);
			check_traffic(&c, &traffics[0], &as_usual, true);
			s = conn_segment(&c, false, PKT_ACK);
			s.tcp.seq = ISN + 1001;
			s.tcp.ack = c.cookie + 100000;	/* nobody has sent so much */
			run_segment(c.rig, &s);
			check_refused("bad_cookie");
			rig_free(rigs[h]);
			rigs[h] = was;
		}
}

int main(void)
{
	struct CMUnitTest tests[N(offers) + N(traffics) + 12];
	size_t n = 0, i;

	for (i = 0; i < N(offers); i++)
		tests[n++] = unit_row(offers[i].name, test_offer, &offers[i]);
	for (i = 0; i < N(traffics); i++)
		tests[n++] = unit_row(traffics[i].name, test_traffic, &traffics[i]);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_again);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_anew);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_bad_cookie);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_refused);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_waiting);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_server_resets);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_repeated);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_partial);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_quoted);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_others);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_config);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_window);
	if (unshare(CLONE_NEWNET) < 0) {
		perror("unshare");
		return 1;
	}
	world_lo();
	for (i = 0; i < HOOKS; i++)
		rigs[i] = world_rig(hooks[i], "flows: 1000", "");
	return unit_main(tests, n);
}
