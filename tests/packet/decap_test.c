// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * decap_test.c - packets of tunnels, byte by byte, at all hooks
 *
 * Every way to wrap is tried around every shape of packet, each a case of its own. What comes
 * out has to be the packet that was wrapped.
 */
#include "decap_world.h"

/* ---- every way around every shape ---- */

static const struct way {
	const char *name;
	bool six, tags;			/* in the frame, at XDP */
	struct pkt_hdr hdr[4];		/* outer ones */
} ways[] = {
	{ "4", false, false, { IP4(.src = BALANCER4, .dst = OWN4, .df = true) } },
	{ "4, options", false, false,
	  { IP4(.src = BALANCER4, .dst = OWN4, .opts = "\x94\4\0\0", .opts_len = 4) } },
	{ "6", true, false, { IP6(.src = BALANCER6, .dst = OWN6, .flow = 0xabcde) } },
	{ "6, encapsulation limit", true, false,
	  { IP6(.src = BALANCER6, .dst = OWN6), DSTOPT(.data = "\4\1\4", .data_len = 3) } },
	{ "4, gue", false, false,
	  { IP4(.src = BALANCER4, .dst = OWN4),
	    UDP(.sport = 50000, .dport = GUE, .check = PKT_ZERO) } },
	{ "4, gue, checksum", false, false,
	  { IP4(.src = BALANCER4, .dst = OWN4), UDP(.sport = 50000, .dport = GUE) } },
	{ "6, gue", true, false,
	  { IP6(.src = BALANCER6, .dst = OWN6),
	    UDP(.sport = 50000, .dport = GUE, .check = PKT_ZERO) } },
	{ "4, gue 0", false, false,
	  { IP4(.src = BALANCER4, .dst = OWN4), UDP(.sport = 50000, .dport = GUE),
	    RAWN(NULL, 4) } },
	{ "6, gue 0", true, false,
	  { IP6(.src = BALANCER6, .dst = OWN6), UDP(.sport = 50000, .dport = GUE),
	    RAWN(NULL, 4) } },
	{ "4, tagged", false, true, { IP4(.src = BALANCER4, .dst = OWN4) } },
	{ "6, tagged", true, true, { IP6(.src = BALANCER6, .dst = OWN6) } },
};
#define WAYS N(ways)

static const struct shape {
	const char *name;
	struct pkt_hdr hdr[6];
} shapes[] = {
	{ "syn", { IP4(.src = CLIENT4, .dst = VIP4, .df = true),
		   TCP(.sport = 1000, .dport = 80, .flags = PKT_SYN) } },
	{ "ack", { IP4(.src = CLIENT4, .dst = VIP4, .ttl = 1, .id = 77),
		   TCP(.sport = 1000, .dport = 80, .flags = PKT_ACK), FILL(1400) } },
	{ "options", { IP4(.src = CLIENT4, .dst = VIP4, .opts = "\1\1\1\1", .opts_len = 4),
		       TCP(.sport = 1000, .dport = 80, .flags = PKT_ACK), FILL(3) } },
	{ "empty udp", { IP4(.src = CLIENT4, .dst = VIP4), UDP(.sport = 9, .dport = 53) } },
	{ "ping", { IP4(.src = CLIENT4, .dst = VIP4), ICMP(.type = 8, .id = 1), FILL(56) } },
	{ "first fragment", { IP4(.src = CLIENT4, .dst = VIP4, .id = 7, .mf = true),
			      UDP(.sport = 9, .dport = 53, .check = 0x1111, .len = 3000),
			      FILL(800) } },
	{ "later fragment", { IP4(.src = CLIENT4, .dst = VIP4, .id = 7, .frag_off = 808,
				  .next = 17), FILL(100) } },
	{ "another protocol", { IP4(.src = CLIENT4, .dst = VIP4, .next = 47), FILL(40) } },
	{ "a tunnel in it", { IP4(.src = CLIENT4, .dst = OWN4), IP4(.src = CLIENT4, .dst = VIP4),
			      UDP(.sport = 9, .dport = 53), FILL(10) } },
	{ "syn 6", { IP6(.src = CLIENT6, .dst = VIP6, .flow = 0x12345),
		     TCP(.sport = 1000, .dport = 80, .flags = PKT_SYN) } },
	{ "udp 6", { IP6(.src = CLIENT6, .dst = VIP6, .hops = 1, .tc = 0xb8),
		     UDP(.sport = 9, .dport = 53), FILL(1300) } },
	{ "ping 6", { IP6(.src = CLIENT6, .dst = VIP6), ICMP6(.type = 128), FILL(56) } },
	{ "extension headers 6", { IP6(.src = CLIENT6, .dst = VIP6), HBH(.len = 16), DSTOPT(),
				   TCP(.dport = 80, .flags = PKT_ACK), FILL(5) } },
	{ "fragment 6", { IP6(.src = CLIENT6, .dst = VIP6), FRAG(.off = 800, .id = 7, .next = 17),
			  FILL(100) } },
	{ "bare header 6", { IP6(.src = CLIENT6, .dst = VIP6) } },
};
#define SHAPES N(shapes)

struct row {
	const struct way *way;
	const struct shape *shape;
	char name[96];
};

static void push_l2(struct pkt *p, bool tags)
{
	pkt_init(p);
	pkt_eth(p, .src = "02:00:00:00:00:0a", .dst = "02:00:00:00:00:0b");
	if (tags) {
		pkt_vlan(p, .tpid = 0x88a8, .id = 100, .prio = 3);
		pkt_vlan(p, .id = 7);
	}
}

static void push_all(struct pkt *p, const struct pkt_hdr *hdr)
{
	for (; hdr->kind != PKT_END; hdr++)
		pkt_push(p, hdr);
}

/* GUE's own header says what follows */
static void push_outer(struct pkt *p, const struct way *way, bool inner_six)
{
	const struct pkt_hdr *hdr;

	for (hdr = way->hdr; hdr->kind != PKT_END; hdr++)
		if (hdr->kind == PKT_RAW)
			pkt_raw(p, inner_six ? "\0\x29\0\0" : "\0\4\0\0", 4);
		else
			pkt_push(p, hdr);
}

static void build(struct pkt *p, const struct way *way, const struct pkt_hdr *inner)
{
	push_l2(p, way->tags);
	push_outer(p, way, inner->kind == PKT_IP6);
	push_all(p, inner);
}

static void test_row(void **state)
{
	const struct row *row = *state;
	struct pkt in, inner;

	build(&in, row->way, row->shape->hdr);
	push_l2(&inner, row->way->tags);
	push_all(&inner, row->shape->hdr);
	EACH_HOOK (h) {
		if (h && row->way->tags)
			continue;	/* the kernel takes no headers off behind a tag */
		if (!world_send(rigs[h], &in, &out))
			continue;
		world_is_inside(h, &inner);
	}
}

/* ---- cut off at every byte ---- */

static void set_len(struct pkt *p, enum pkt_kind kind, unsigned int nth, size_t end)
{
	size_t off = pkt_off(p, kind, nth);

	pkt_set16(p, off + (kind == PKT_IP6 ? 4 : kind == PKT_IP4 ? 2 : 4),
		  end - off - (kind == PKT_IP6 ? 40 : 0));
	if (kind == PKT_IP4) {
		pkt_set16(p, off + 10, 0);
		pkt_set16(p, off + 10,
			  pkt_checksum(p->data + off, (p->data[off] & 15) * 4, 0));
	}
}

/* The outer headers say where the frame ends, the inner ones do not know */
static void check_cut_outside(const struct way *way, const struct shape *shape)
{
	enum pkt_kind kind = way->six ? PKT_IP6 : PKT_IP4;
	struct pkt whole, p;
	size_t inner, len;

	build(&whole, way, shape->hdr);
	push_l2(&p, way->tags);
	push_outer(&p, way, shape->hdr[0].kind == PKT_IP6);
	inner = p.len;
	for (len = inner; len < whole.len; len++) {
		p = whole;
		pkt_cut(&p, len);
		set_len(&p, kind, 0, len);
		if (way->hdr[1].kind == PKT_UDP)
			set_len(&p, PKT_UDP, 0, len);
		EACH_HOOK (h) {
			if ((h && way->tags) || !world_send(rigs[h], &p, &out))
				continue;
			world_left("root.next", "tunnel");
		}
	}
}

/* Nobody knows */
static void check_cut_all(const struct way *way, const struct shape *shape)
{
	struct pkt whole, p;
	size_t len;

	build(&whole, way, shape->hdr);
	for (len = 15; len < whole.len; len++) {
		p = whole;
		pkt_cut(&p, len);
		EACH_HOOK (h) {
			if (!world_send(rigs[h], &p, &out))
				continue;
			assert_int_equal(out.verdict, RIG_DROP);
			assert_string_equal(out.left, "root");
		}
	}
}

/* All know: what is inside is cut, as it would be by itself */
static void check_cut_inside(const struct way *way, const struct shape *shape)
{
	bool six = shape->hdr[0].kind == PKT_IP6, both = way->six == six;
	struct pkt whole, p, inner;
	size_t off, end, start = way->tags ? 22 : 14;

	build(&whole, way, shape->hdr);
	off = pkt_off(&whole, six ? PKT_IP6 : PKT_IP4, both);
	for (end = off + (six ? 40 : (whole.data[off] & 15) * 4); end < whole.len; end++) {
		p = whole;
		pkt_cut(&p, end);
		set_len(&p, way->six ? PKT_IP6 : PKT_IP4, 0, end);
		if (way->hdr[1].kind == PKT_UDP)
			set_len(&p, PKT_UDP, 0, end);
		set_len(&p, six ? PKT_IP6 : PKT_IP4, both, end);
		push_l2(&inner, way->tags);
		push_all(&inner, shape->hdr);
		pkt_cut(&inner, end - off + start);
		memcpy(inner.data + start, p.data + off, end - off);
		EACH_HOOK (h) {
			if ((h && way->tags) || !world_send(rigs[h], &p, &out))
				continue;
			world_is_inside(h, &inner);
		}
	}
}

static void test_cut(void **state)
{
	static const unsigned int cut[] = { 0, 3, 9, 12 };	/* shapes */
	const struct way *way = *state;

	for (unsigned int i = 0; i < N(cut); i++) {
		check_cut_outside(way, &shapes[cut[i]]);
		check_cut_all(way, &shapes[cut[i]]);
		check_cut_inside(way, &shapes[cut[i]]);
	}
}

/* ---- what is refused, and what is not ours ---- */

#define IN4	IP4(.src = CLIENT4, .dst = VIP4), UDP(.sport = 9, .dport = 53), FILL(20)
#define IN6	IP6(.src = CLIENT6, .dst = VIP6), UDP(.sport = 9, .dport = 53), FILL(20)
#define O4(...)	ETH(), IP4(.src = BALANCER4, .dst = OWN4, __VA_ARGS__)
#define O6(...)	ETH(), IP6(.src = BALANCER6, .dst = OWN6, __VA_ARGS__)
#define G4	ETH(), IP4(.src = BALANCER4, .dst = OWN4), UDP(.sport = 5, .dport = GUE)
#define PLAIN	"d.plain", NULL
#define DROPPED(reason) "root.next", reason
#define FRAGMENT "d.fragment", "tunnel_frag"

static const struct told {
	const char *name;
	const struct pkt_hdr *in;
	const char *left, *reason;
} tolds[] = {
	{ "to somebody else", PKT(ETH(), IP4(.src = BALANCER4, .dst = "10.0.0.3"), IN4), PLAIN },
	{ "to somebody else, 6", PKT(ETH(), IP6(.src = BALANCER6, .dst = "fd00::3"), IN4), PLAIN },
	{ "to somebody else, malformed",
	  PKT(ETH(), IP4(.src = BALANCER4, .dst = "10.0.0.3", .next = 4), FILL(3)), PLAIN },
	{ "no tunnel", PKT(ETH(), IP4(.src = CLIENT4, .dst = OWN4), TCP(.flags = PKT_SYN)), PLAIN },
	{ "no tunnel, later fragment",
	  PKT(ETH(), IP4(.src = CLIENT4, .dst = OWN4, .frag_off = 80, .next = 17), FILL(20)),
	  PLAIN },
	{ "another port", PKT(ETH(), IP4(.src = BALANCER4, .dst = OWN4),
			      UDP(.sport = GUE, .dport = GUE + 1), IN4), PLAIN },
	{ "gre", PKT(O4(.next = 47), FILL(40)), PLAIN },
	{ "arp", PKT(ETH(.type = 0x0806), FILL(46)), PLAIN },
	{ "authenticated", PKT(O6(.next = 51), AH(.next = 4), IN4), PLAIN },
	{ "routed", PKT(O6(.flow = 0), ROUTING(.type = 4, .addr = { "fd00::7" }), IN6), PLAIN },
	{ "checksum", PKT(O4(.check = 0x1234), IN4), DROPPED("ip4_sum") },
	{ "checksum, options", PKT(O4(.check = 0x1234, .opts = "\1\1\1\1", .opts_len = 4), IN4),
	  DROPPED("ip4_sum") },
	{ "checksum, to somebody else",
	  PKT(ETH(), IP4(.src = BALANCER4, .dst = "10.0.0.3", .check = 0x1234), IN4), PLAIN },
	{ "first fragment", PKT(O4(.mf = true, .id = 1, .next = 4), IN4), FRAGMENT },
	{ "later fragment", PKT(O4(.frag_off = 800, .next = 4), FILL(80)), FRAGMENT },
	{ "later fragment, 6 in 4", PKT(O4(.frag_off = 800, .next = 41), FILL(80)),
	  FRAGMENT },
	{ "first fragment, 6", PKT(O6(.flow = 0), FRAG(.more = true, .next = 41), IN6, FILL(4)),
	  FRAGMENT },
	{ "later fragment, 6", PKT(O6(.flow = 0), FRAG(.off = 80, .next = 4), FILL(80)),
	  FRAGMENT },
	{ "first fragment, gue", PKT(O4(.mf = true), UDP(.dport = GUE, .check = PKT_ZERO), IN4),
	  FRAGMENT },
	{ "4 that says 6", PKT(O4(.next = 41), IN4), DROPPED("tunnel") },
	{ "6 that says 4", PKT(O4(.next = 4), IN6), DROPPED("tunnel") },
	{ "6 in 6 that says 4", PKT(O6(.next = 4), IN6), DROPPED("tunnel") },
	{ "version 5", PKT(O4(.next = 4), IP4(.src = CLIENT4, .dst = VIP4, .version = 5), FILL(20)),
	  DROPPED("tunnel") },
	{ "nothing inside", PKT(O4(.next = 4)), DROPPED("tunnel") },
	{ "nothing inside, gue", PKT(G4), DROPPED("tunnel") },
	{ "header of 16 bytes", PKT(O4(.next = 4), IP4(.src = CLIENT4, .dst = VIP4, .ihl = 4), FILL(20)),
	  DROPPED("tunnel") },
	{ "header longer than it",
	  PKT(O4(.next = 4), IP4(.src = CLIENT4, .dst = VIP4, .ihl = 15), FILL(20)),
	  DROPPED("tunnel") },
	{ "longer than the outer one",
	  PKT(O4(.next = 4), IP4(.src = CLIENT4, .dst = VIP4, .len = 300), FILL(20)),
	  DROPPED("tunnel") },
	{ "longer than the outer one, 6",
	  PKT(O6(.next = 41), IP6(.src = CLIENT6, .dst = VIP6, .len = 300), FILL(20)),
	  DROPPED("tunnel") },
	{ "longer than the udp datagram",
	  PKT(ETH(), IP4(.src = BALANCER4, .dst = OWN4),
	      UDP(.dport = GUE, .len = 40, .check = PKT_ZERO), IN4), DROPPED("tunnel") },
	{ "gue 0, options", PKT(G4, RAW("\1\4\0\0\0\0\0\0"), IN4), DROPPED("tunnel") },
	{ "gue 0, control", PKT(G4, RAW("\x20\4\0\0"), IN4), DROPPED("tunnel") },
	{ "gue 0, flags", PKT(G4, RAW("\0\4\1\0"), IN4), DROPPED("tunnel") },
	{ "gue 0, another protocol", PKT(G4, RAW("\0\x2f\0\0"), IN4), DROPPED("tunnel") },
	{ "gue 0, wrong protocol", PKT(G4, RAW("\0\x29\0\0"), IN4), DROPPED("tunnel") },
	{ "gue 2", PKT(G4, RAW("\x80\4\0\0"), IN4), DROPPED("tunnel") },
	{ "gue 1, version 5", PKT(G4, RAW("\x55\0\0\0"), FILL(40)), DROPPED("tunnel") },
	{ "gue 1, version 7", PKT(G4, RAW("\x75\0\0\0"), FILL(40)), DROPPED("tunnel") },
};

static void test_told(void **state)
{
	const struct told *told = *state;
	struct pkt in;

	pkt_build(&in, told->in);
	EACH_HOOK (h) {
		if (!world_send(rigs[h], &in, &out))
			continue;
		world_left(told->left, told->reason);
		world_is(&in);
	}
}

static void test_padding(void **state)
{
	struct pkt in, inner;

	/* Behind the outer packet, and in it behind the inner one */
	pkt_build(&in, PKT(O4(.next = 4), IP4(.src = CLIENT4, .dst = VIP4, .len = 28), UDP(.len = 8),
				    FILL(9)));
	pkt_pad(&in, in.len + 7);
	pkt_build(&inner, PKT(ETH(), IP4(.src = CLIENT4, .dst = VIP4, .len = 28), UDP(.len = 8),
			      FILL(9)));
	pkt_pad(&inner, inner.len + 7);
	EACH_HOOK (h) {
		world_send(rigs[h], &in, &out);
		world_is_inside(h, &inner);
	}
}

/* ---- ECN: RFC 6040, figure 4 ---- */

static void check_ecn(const struct way *way, bool six, unsigned int outer, unsigned int in_ecn,
		      int want_ecn)
{
	struct pkt_hdr hdr = way->hdr[0], in4 = IP4(.src = CLIENT4, .dst = VIP4, .tos = 0x28 | in_ecn);
	struct pkt_hdr in6 = IP6(.src = CLIENT6, .dst = VIP6, .tc = 0x28 | in_ecn, .flow = 0xfffff);
	struct pkt in, inner;

	if (way->six)
		hdr.ip6.tc = 0xb8 | outer;
	else
		hdr.ip4.tos = 0xb8 | outer;
	push_l2(&in, false);
	pkt_push(&in, &hdr);
	pkt_push(&in, six ? &in6 : &in4);
	pkt_udp(&in, .dport = 53);
	push_l2(&inner, false);
	in4.ip4.tos = in6.ip6.tc = 0x28 | (want_ecn & 3);
	pkt_push(&inner, six ? &in6 : &in4);
	pkt_udp(&inner, .dport = 53);
	EACH_HOOK (h) {
		world_send(rigs[h], &in, &out);
		if (want_ecn < 0)
			world_left("root.next", "tunnel_ecn");
		else
			world_is_inside(h, &inner);
	}
}

static void test_ecn(void **state)
{
	static const int want[4][4] = {		/* by inner, outer: 0 not-ECT, 1 ECT(1), 2 ECT(0), 3 CE */
		{ 0, 0, 0, -1 }, { 1, 1, 1, 3 }, { 2, 1, 2, 3 }, { 3, 3, 3, 3 },
	};

	for (unsigned int w = 0; w < 4; w += 2)
		for (unsigned int i = 0; i < 32; i++)
			check_ecn(&ways[w], i & 16, i & 3, i >> 2 & 3, want[i >> 2 & 3][i & 3]);
}

/* ---- constants ---- */

static void check_other(const char *yaml, const struct pkt_hdr *in_hdrs, const char *left,
			const char *reason)
{
	struct rig *rig = rig_new(yaml, SHUNT_HOOK_XDP);
	struct pkt in;

	pkt_build(&in, in_hdrs);
	world_send(rig, &in, &out);
	world_left(left, reason);
	rig_free(rig);
}

static void test_constants(void **state)
{
	check_other(DECAP_NODE(""), PKT(O4(.next = 4), IN4), PLAIN);
	check_other(DECAP_NODE("addresses: 10.0.0.0/8"), PKT(O4(.next = 4), IN4), "inside.next", NULL);
	check_other(DECAP_NODE("addresses: 0.0.0.0/0"), PKT(O4(.next = 4), IN4), "inside.next", NULL);
	check_other(DECAP_NODE("addresses: 0.0.0.0/0"), PKT(O6(.next = 4), IN4), PLAIN);
	check_other(DECAP_NODE("addresses: [10.0.0.1, 10.0.0.3]"), PKT(O4(.next = 4), IN4), PLAIN);
	check_other(DECAP_NODE("addresses: \"::/0\""), PKT(O6(.next = 41), IN6), "inside.next", NULL);
	check_other(DECAP_NODE(OWN ", sources: 192.0.2.0/28"), PKT(O4(.next = 4), IN4), "inside.next",
		    NULL);
	check_other(DECAP_NODE(OWN ", sources: 192.0.2.0/29"), PKT(O4(.next = 4), IN4), "root.next",
		    "tunnel_source");
	check_other(DECAP_NODE(OWN ", sources: 192.0.2.0/28"), PKT(O6(.next = 41), IN6), "root.next",
		    "tunnel_source");
	check_other(DECAP_NODE(OWN ", gue_port: 0"), PKT(G4, IN4), PLAIN);
	check_other(DECAP_NODE(OWN ", gue_port: 53"), PKT(G4, IN4), PLAIN);
	check_other(DECAP_NODE(OWN ", ipip: false"), PKT(O4(.next = 4), IN4), PLAIN);
	check_other(DECAP_NODE(OWN ", ipip: false"), PKT(G4, IN4), "inside.next", NULL);
}

/* At TC a tag in the frame is one that the kernel cannot go past */
static void test_tagged_tc(void **state)
{
	struct pkt in;

	build(&in, &ways[9], shapes[0].hdr);
	for (unsigned int h = 1; h < HOOKS; h++) {
		world_send(rigs[h], &in, &out);
		world_left("root.next", "internal");
	}
}

/* XDP: what is not in the linear part */
static void test_fragments_of_frame(void **state)
{
	struct rig_input in_frags;
	struct pkt in, inner;

	push_l2(&in, false);
	push_l2(&inner, false);
	push_outer(&in, &ways[2], false);
	pkt_ip4(&in, .src = CLIENT4, .dst = VIP4);
	pkt_ip4(&inner, .src = CLIENT4, .dst = VIP4);
	pkt_udp(&in, .dport = 53);
	pkt_udp(&inner, .dport = 53);
	pkt_fill(&in, 5000);
	pkt_fill(&inner, 5000);
	for (unsigned int linear = 70; linear < 110; linear++) {
		in_frags = (struct rig_input){ .data = in.data, .len = in.len, .linear = linear };
		if (!world_run(rigs[0], &in_frags, &out))
			fail_msg("cannot run a frame of fragments");
		world_is_inside(0, &inner);
	}
}

int main(void)
{
	static struct row rows[WAYS * SHAPES];
	static struct CMUnitTest tests[WAYS * SHAPES + WAYS + N(tolds) + 8];
	const struct CMUnitTest more[] = {
		cmocka_unit_test(test_padding), cmocka_unit_test(test_ecn),
		cmocka_unit_test(test_constants), cmocka_unit_test(test_tagged_tc),
		cmocka_unit_test(test_fragments_of_frame),
	};
	unsigned int n = 0, w, s;

	world_new();
	for (w = 0; w < WAYS; w++) {
		for (s = 0; s < SHAPES; s++, n++) {
			rows[n].way = &ways[w];
			rows[n].shape = &shapes[s];
			snprintf(rows[n].name, sizeof(rows[n].name), "%s in %s", shapes[s].name,
				 ways[w].name);
			tests[n] = unit_row(rows[n].name, test_row, &rows[n]);
		}
	}
	for (w = 0; w < WAYS; w++)
		tests[n++] = unit_row(ways[w].name, test_cut, (void *)&ways[w]);
	for (s = 0; s < N(tolds); s++)
		tests[n++] = unit_row(tolds[s].name, test_told, (void *)&tolds[s]);
	for (s = 0; s < N(more); s++)
		tests[n++] = more[s];
	return unit_main(tests, n);
}
