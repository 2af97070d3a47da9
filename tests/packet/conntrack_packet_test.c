// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* conntrack_packet_test.c - what it takes more than ports for: errors, fragments, numbers */
#include "conntrack_world.h"

#define A4	"10.0.0.9"		/* ends, such that the originator is the key's second */
#define B4	"10.0.0.2"
#define A6	"fd00::9"
#define B6	"fd00::2"

static struct world worlds[2];		/* xdp, tc */

#define EACH(w, of)	for (w = of; w < of + 2; w++)

static void forget(struct world *w)
{
	memset(w->tags[0], 0, 8 * w->buckets);
	memset(w->tags[1], 0, 8 * w->buckets);
	memset(w->flow4, 0, sizeof(*w->flow4) * w->buckets * CONNTRACK_WAYS);
	memset(w->flow6, 0, sizeof(*w->flow6) * w->buckets * CONNTRACK_WAYS);
	memset(w->stats, 0, sizeof(*w->stats) * (w->cpus + 1));
	w->conf->flags = CONNTRACK_PICKUP;
}

static void sent(struct world *w, const struct pkt_hdr *hdrs, enum shunt_ct_state state)
{
	world_send(w, hdrs);
	assert_int_equal(world_pkt(w)->ct_state, state);
}

#define OUT4(port, ...)	UDP4(A4, B4, port, 53, ##__VA_ARGS__)
#define BACK4(port, ...) UDP4(B4, A4, 53, port, ##__VA_ARGS__)
#define OUT6(port, ...)	UDP6(A6, B6, port, 53, ##__VA_ARGS__)
#define BACK6(port, ...) UDP6(B6, A6, 53, port, ##__VA_ARGS__)

/* ---- ICMP errors ---- */
static void related(struct world *w, bool six, uint8_t type, const struct pkt_hdr *quoted,
		    const char *to, size_t cut, enum shunt_ct_state want, uint8_t flags)
{
	struct pkt p, q;

	pkt_build(&q, quoted);
	pkt_init(&p);
	pkt_eth(&p);
	if (six) {
		pkt_ip6(&p, .src = "fd00::77", .dst = to);
		pkt_icmp6(&p, .type = type);
	} else {
		pkt_ip4(&p, .src = "10.0.0.77", .dst = to);
		pkt_icmp(&p, .type = type);
	}
	pkt_raw(&p, q.data + 14, q.len - 14 < cut ? q.len - 14 : cut);
	world_run(w, p.data, p.len);
	assert_int_equal(world_pkt(w)->ct_state, want);
	assert_int_equal(world_pkt(w)->ct_flags, flags);
	assert_int_equal(!!world_pkt(w)->flow, want == SHUNT_CT_RELATED);
}

#define REPLY	(SHUNT_CT_QUOTED | SHUNT_CT_REPLY)

static void test_error4(void **state)
{
	struct world *w;
	uint64_t life;

	EACH(w, worlds) {
		forget(w);
		sent(w, OUT4(1), SHUNT_CT_NEW);
		life = w->flow4[world_pkt(w)->flow - 1].flow.life -= 1000;
		related(w, false, 3, OUT4(1), A4, 28, SHUNT_CT_RELATED, REPLY);
		related(w, false, 11, OUT4(1), A4, 28, SHUNT_CT_RELATED, REPLY);
		related(w, false, 12, OUT4(1), A4, 100, SHUNT_CT_RELATED, REPLY);
		related(w, false, 4, OUT4(1), A4, 100, SHUNT_CT_RELATED, REPLY);
		assert_true(w->flow4[world_pkt(w)->flow - 1].flow.life == life);
		related(w, false, 3, BACK4(1), B4, 28, SHUNT_CT_RELATED, SHUNT_CT_QUOTED);
		related(w, false, 3, OUT4(1), A4, 27, SHUNT_CT_INVALID, 0);
		related(w, false, 3, OUT4(1), A4, 19, SHUNT_CT_INVALID, 0);
		related(w, false, 3, OUT4(2), A4, 28, SHUNT_CT_INVALID, 0);
		related(w, false, 3, OUT4(1), B4, 28, SHUNT_CT_INVALID, 0);	/* not to who sent it */
		related(w, false, 3, PKT(ETH(), IP4(.src = A4, .dst = B4, .frag_off = 8, .next = 17),
					 FILL(16)), A4, 28, SHUNT_CT_INVALID, 0);
		related(w, false, 3, PKT(ETH(), IP4(.src = A4, .dst = B4, .version = 6),
					 UDP(.sport = 1, .dport = 53)), A4, 28, SHUNT_CT_INVALID, 0);
		related(w, false, 3, PKT(ETH(), IP4(.src = A4, .dst = B4, .ihl = 4),
					 UDP(.sport = 1, .dport = 53)), A4, 28, SHUNT_CT_INVALID, 0);
		related(w, false, 3, PKT(ETH(), IP4(.src = A4, .dst = B4, .opts = "\1\1\1\1", .opts_len = 4),
					 UDP(.sport = 1, .dport = 53)), A4, 32, SHUNT_CT_RELATED, REPLY);
		assert_int_equal(world_stat(w, CONNTRACK_STAT_RELATED), 6);
		assert_int_equal(world_tagged(w, 0), 1);
	}
}

static void test_error_of_ping(void **state)
{
	const struct pkt_hdr *error = PKT(ETH(), IP4(.src = A4, .dst = B4), ICMP(.type = 3), FILL(28));
	struct world *w;

	EACH(w, worlds) {
		forget(w);
		sent(w, PING4(A4, B4), SHUNT_CT_NEW);
		related(w, false, 11, PING4(A4, B4), A4, 28, SHUNT_CT_RELATED, REPLY);
		related(w, false, 11, error, A4, 100, SHUNT_CT_INVALID, 0);	/* error about an error */
	}
}

static void test_error6(void **state)
{
	struct world *w;

	EACH(w, worlds) {
		forget(w);
		sent(w, OUT6(1), SHUNT_CT_NEW);
		related(w, true, 2, OUT6(1), A6, 48, SHUNT_CT_RELATED, REPLY);
		related(w, true, 1, OUT6(1), A6, 47, SHUNT_CT_INVALID, 0);
		related(w, true, 3, BACK6(1), B6, 48, SHUNT_CT_RELATED, SHUNT_CT_QUOTED);
		related(w, true, 4, PKT(ETH(), IP6(.src = A6, .dst = B6), HBH(), DSTOPT(.len = 24),
					UDP(.sport = 1, .dport = 53)), A6, 200, SHUNT_CT_RELATED, REPLY);
		related(w, true, 4, PKT(ETH(), IP6(.src = A6, .dst = B6), HBH(), DSTOPT(.len = 24),
					UDP(.sport = 1, .dport = 53)), A6, 50, SHUNT_CT_INVALID, 0);
		related(w, true, 4, PKT(ETH(), IP6(.src = A6, .dst = B6), FRAG(.off = 8, .next = 17),
					FILL(16)), A6, 200, SHUNT_CT_INVALID, 0);
	}
}

/* ---- fragments: BPF_PROG_TEST_RUN takes them at XDP on all kernels ---- */
#define FRAG4(off_, mf_, ...)						\
	PKT(ETH(), IP4(.src = A4, .dst = B4, .id = 5, .mf = (mf_), .frag_off = (off_),	\
		       .next = 17), __VA_ARGS__)
#define FIRST4	FRAG4(0, true, UDP(.sport = 1, .dport = 53, .len = 64, .check = 1), FILL(24))

static void test_fragments4(void **state)
{
	struct world *w = &worlds[0];

	forget(w);
	sent(w, FRAG4(32, false, FILL(32)), SHUNT_CT_INVALID);	/* its first was not seen */
	assert_int_equal(world_stat(w, CONNTRACK_STAT_FRAG_UNKNOWN), 1);
	sent(w, FIRST4, SHUNT_CT_NEW);
	sent(w, FRAG4(48, false, FILL(16)), SHUNT_CT_NEW);	/* in any order */
	assert_int_not_equal(world_pkt(w)->flow, 0);
	sent(w, FRAG4(32, true, FILL(16)), SHUNT_CT_NEW);
	sent(w, BACK4(1), SHUNT_CT_ESTABLISHED);
	assert_int_equal(world_stat(w, CONNTRACK_STAT_FRAG_OVERLAP), 0);
	sent(w, FRAG4(40, true, FILL(16)), SHUNT_CT_INVALID);	/* these bytes were there */
	assert_int_equal(world_stat(w, CONNTRACK_STAT_FRAG_OVERLAP), 1);
	sent(w, FRAG4(200, true, FILL(16)), SHUNT_CT_INVALID);	/* and no other one is believed */
	sent(w, FIRST4, SHUNT_CT_INVALID);
}

static void test_fragments_far(void **state)
{
	struct world *w = &worlds[0];

	forget(w);
	sent(w, PKT(ETH(), IP4(.src = A4, .dst = B4, .id = 6, .mf = true, .next = 17),
		    UDP(.sport = 1, .dport = 53, .len = 4000, .check = 1), FILL(2040)), SHUNT_CT_NEW);
	sent(w, PKT(ETH(), IP4(.src = A4, .dst = B4, .id = 6, .frag_off = 65000, .next = 17),
		    FILL(500)), SHUNT_CT_NEW);
	sent(w, PKT(ETH(), IP4(.src = A4, .dst = B4, .id = 6, .mf = true, .frag_off = 2048, .next = 17),
		    FILL(2048)), SHUNT_CT_NEW);
	sent(w, PKT(ETH(), IP4(.src = A4, .dst = B4, .id = 6, .mf = true, .frag_off = 4088, .next = 17),
		    FILL(8)), SHUNT_CT_INVALID);
}

/* The first was refused by a rule: there is no flow, and the rest begins none */
static void test_fragment_without_flow(void **state)
{
	struct world *w = &worlds[0];
	const struct pkt_hdr *first = PKT(ETH(), IP4(.src = A4, .dst = B4, .id = 8, .mf = true,
							 .next = 17),
					  UDP(.sport = 1, .dport = 53, .len = 64, .check = 1), FILL(24));

	forget(w);
	world_slot(w, 1, -1);
	sent(w, first, SHUNT_CT_NEW);
	world_slot(w, 1, w->commit.prog_fd);
	sent(w, PKT(ETH(), IP4(.src = A4, .dst = B4, .id = 8, .frag_off = 32, .next = 17), FILL(32)),
	     SHUNT_CT_INVALID);
}

static void test_fragments6(void **state)
{
	struct world *w = &worlds[0];

	forget(w);
	sent(w, PKT(ETH(), IP6(.src = A6, .dst = B6), FRAG(.id = 9, .off = 32, .next = 60), FILL(32)),
	     SHUNT_CT_INVALID);
	sent(w, PKT(ETH(), IP6(.src = A6, .dst = B6), FRAG(.id = 9, .more = true), DSTOPT(),
		    UDP(.sport = 1, .dport = 53, .len = 64, .check = 1), FILL(16)), SHUNT_CT_NEW);
	sent(w, PKT(ETH(), IP6(.src = A6, .dst = B6), FRAG(.id = 9, .off = 32, .next = 60), FILL(32)),
	     SHUNT_CT_NEW);
	assert_int_not_equal(world_pkt(w)->flow, 0);
	sent(w, PKT(ETH(), IP6(.src = A6, .dst = B6), FRAG(.id = 9, .off = 24, .more = true, .next = 60),
		    FILL(8)), SHUNT_CT_INVALID);
	assert_int_equal(world_stat(w, CONNTRACK_STAT_FRAG_OVERLAP), 1);
	/* An atomic one is a whole packet */
	sent(w, PKT(ETH(), IP6(.src = A6, .dst = B6), FRAG(.id = 9), UDP(.sport = 2, .dport = 53)),
	     SHUNT_CT_NEW);
}

/* ---- sequence numbers ---- */
static void segment(struct world *w, bool reply, uint8_t flags, uint32_t seq, uint32_t ack,
		    uint16_t window, size_t len, enum shunt_ct_state want)
{
	bool scaled = flags & PKT_SYN;
	struct pkt p;

	pkt_init(&p);
	pkt_eth(&p);
	pkt_ip4(&p, .src = reply ? B4 : A4, .dst = reply ? A4 : B4);
	pkt_tcp(&p, .sport = reply ? 80 : 1000, .dport = reply ? 1000 : 80, .flags = flags,
		.seq = seq, .ack = ack, .window = window,
		.opts = "\2\4\5\xb4\1\3\3\2", .opts_len = scaled ? 8 : 0);
	pkt_fill(&p, len);
	world_run(w, p.data, p.len);
	if (world_pkt(w)->ct_state != want)
		fail_msg("seq %u, ack %u, %zu bytes: state %u, wanted %u", seq, ack, len,
			 world_pkt(w)->ct_state, want);
}

#define EST	SHUNT_CT_ESTABLISHED
#define INV	SHUNT_CT_INVALID

/* Windows of 1000 << 2, but 8000 in the SYNs */
static void window_open(struct world *w)
{
	forget(w);
	w->conf->flags |= CONNTRACK_WINDOW;
	segment(w, false, PKT_SYN, 5000, 0, 8000, 0, SHUNT_CT_NEW);
	segment(w, true, PKT_SYN | PKT_ACK, 0xffffff00, 5001, 8000, 0, EST);
	segment(w, false, PKT_ACK, 5001, 0xffffff01, 1000, 0, EST);
}

static void test_window_data(void **state)
{
	struct world *w;

	EACH(w, worlds) {
		window_open(w);
		segment(w, false, PKT_ACK, 5001, 0xffffff01, 1000, 1000, EST);
		segment(w, true, PKT_ACK, 0xffffff01, 6001, 1000, 1000, EST);	/* over 2^32 */
		segment(w, false, PKT_ACK, 6001, 0x2e9, 1000, 0, EST);
		segment(w, false, PKT_ACK, 5001, 0x2e9, 1000, 1000, EST);	/* again */
		segment(w, false, PKT_ACK, 50000, 0x2e9, 1000, 10, INV);		/* I */
		segment(w, false, PKT_ACK, 5001 - 20000, 0x2e9, 1000, 10, INV);	/* II */
		segment(w, false, PKT_ACK, 6001, 0x2e9 + 1, 1000, 10, INV);	/* III */
		segment(w, false, PKT_ACK, 6001, 0x2e9 - 70000, 1000, 10, INV);	/* IV */
		assert_int_equal(world_stat(w, CONNTRACK_STAT_WINDOW), 4);
		segment(w, false, PKT_ACK, 6001, 0x2e9, 1000, 10, EST);
	}
}

static void test_window_reset(void **state)
{
	struct world *w;

	EACH(w, worlds) {
		window_open(w);
		segment(w, true, PKT_RST, 0xffffff01 + 100000, 0, 0, 0, INV);
		segment(w, true, PKT_RST, 0xffffff01 - 100000, 0, 0, 0, INV);
		segment(w, true, PKT_RST | PKT_ACK, 0xffffff01, 5001 + 9, 0, 0, INV);
		segment(w, false, PKT_ACK, 5001, 0xffffff01, 1000, 1, EST);
		segment(w, true, PKT_RST, 0xffffff01, 0, 0, 0, EST);
		segment(w, false, PKT_SYN, 99, 0, 100, 0, SHUNT_CT_NEW);	/* it is over */
	}
}

static void test_window_refused(void **state)
{
	struct world *w;

	EACH(w, worlds) {
		forget(w);
		w->conf->flags |= CONNTRACK_WINDOW;
		segment(w, false, PKT_SYN, 5000, 0, 8000, 0, SHUNT_CT_NEW);
		/* Of an old connection: let by, so that it is reset, and nothing is learnt */
		segment(w, true, PKT_ACK, 77, 99, 100, 0, EST);
		segment(w, true, PKT_RST | PKT_ACK, 0, 5000, 0, 0, INV);
		segment(w, true, PKT_RST, 0, 0, 0, 0, INV);
		segment(w, true, PKT_SYN | PKT_ACK, 9, 4999, 8000, 0, INV);
		segment(w, true, PKT_RST | PKT_ACK, 0, 5001, 0, 0, EST);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_error4),
		cmocka_unit_test(test_error_of_ping),
		cmocka_unit_test(test_error6),
		cmocka_unit_test(test_fragments4),
		cmocka_unit_test(test_fragments_far),
		cmocka_unit_test(test_fragment_without_flow),
		cmocka_unit_test(test_fragments6),
		cmocka_unit_test(test_window_data),
		cmocka_unit_test(test_window_reset),
		cmocka_unit_test(test_window_refused),
	};

	world_open(&worlds[0], true, 64);
	world_open(&worlds[1], false, 64);
	return unit_main(tests, sizeof(tests) / sizeof(tests[0]));
}
