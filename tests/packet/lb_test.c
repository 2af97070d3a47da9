// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * lb_test.c - packets of services, byte by byte, at all hooks
 *
 * Every way of forwarding is tried with every shape of packet, each a case of its own: what goes
 * in and what is to come out are built alike, so that all bytes are compared. Of the flow's hash
 * only test_entropy() knows.
 */
#include "lb_cases.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* ---- every way with every shape ---- */

struct way {
	const char *name;
	uint8_t forward;
	unsigned int backend; /* decides the outer family */
};

static const struct way ways[] = {
	{ "ipip 4", LB_IPIP, B4 }, { "ipip 6", LB_IPIP, B6 }, { "gue 4", LB_GUE, B4 },
	{ "gue 6", LB_GUE, B6 },   { "l2", LB_L2, B4 },
};
#define WAYS N(ways)

static const struct shape {
	const char *name;
	uint8_t tos;
	bool six_only, four_only;
	struct pkt_hdr hdr[4]; /* behind the inner IP header */
} shapes[] = {
	{ "syn", 0, 0, 0, { TCP(.sport = 1000, .dport = 80, .flags = PKT_SYN) } },
	{ "ack", 0, 0, 0, { TCP(.sport = 1000, .dport = 80, .flags = PKT_ACK), FILL(700) } },
	{ "ack with options",
	  0,
	  0,
	  0,
	  { TCP(.sport = 1000, .dport = 80, .flags = PKT_ACK, .opts = "\1\1\10\12abcdefgh",
		.opts_len = 12),
	    FILL(3) } },
	{ "ce, dscp 46",
	  0xbb,
	  0,
	  0,
	  { TCP(.sport = 1000, .dport = 80, .flags = PKT_ACK), FILL(20) } },
	{ "ect 1", 0x01, 0, 0, { UDP(.sport = 1000, .dport = 53), FILL(40) } },
	{ "ect 0", 0x02, 0, 0, { UDP(.sport = 1000, .dport = 53), FILL(40) } },
	{ "udp", 0, 0, 0, { UDP(.sport = 1000, .dport = 53), FILL(1400) } },
	{ "udp without checksum",
	  0,
	  0,
	  1,
	  { UDP(.sport = 1, .dport = 2, .check = PKT_ZERO), FILL(20) } },
	{ "empty udp", 0, 0, 0, { UDP(.sport = 1000, .dport = 53) } },
	{ "sctp", 0, 0, 0, { SCTP(.sport = 1000, .dport = 36412), FILL(64) } },
	{ "ping", 0, 0, 1, { ICMP(.type = 8, .id = 1, .seq = 2), FILL(56) } },
	{ "ping 6", 0, 1, 0, { ICMP6(.type = 128, .id = 1, .seq = 2), FILL(56) } },
	{ "another protocol", 0, 0, 0, { FILL(40) } },
	{ "hop-by-hop", 0, 1, 0, { HBH(.len = 16), UDP(.sport = 1, .dport = 2), FILL(20) } },
	{ "routing",
	  0,
	  1,
	  0,
	  { ROUTING(.type = 4, .addr = { "fd00::1" }), UDP(.sport = 1, .dport = 2) } },
	{ "destination options", 0, 1, 0, { DSTOPT(.len = 24), TCP(.flags = PKT_ACK) } },
};
#define SHAPES N(shapes)

struct row {
	const struct way *way; /* NULL: of no service */
	const struct shape *shape;
	bool six, opts;
	unsigned int tags;
	char name[96];
};

static struct lbrig *rigs[3];
static const uint32_t hooks[3] = { SHUNT_HOOK_XDP, SHUNT_HOOK_TC_INGRESS, SHUNT_HOOK_TC_EGRESS };
#define EACH_RIG(h) for (int h = 0; h < 3; h++)

static void push_l2(struct pkt *p, const struct row *row, bool out_of)
{
	if (out_of)
		pkt_eth(p, .src = OWN_MAC, .dst = GW_MAC);
	else
		pkt_eth(p, .src = NULL);
	if (row->tags > 1)
		pkt_vlan(p, .tpid = 0x88a8, .id = 100, .prio = 3);
	if (row->tags)
		pkt_vlan(p, .id = 7);
}

static void push_inner(struct pkt *p, const struct row *row, unsigned int ttl)
{
	char vip[40];

	snprintf(vip, sizeof(vip), row->six ? "2001:db8:f::%x" : "203.0.113.%u",
		 row->way ? 1 + (unsigned int)(row->way - ways) : 99);
	if (row->six)
		pkt_ip6(p, .src = CLIENT6, .dst = vip, .hops = ttl, .tc = row->shape->tos,
			.flow = 0xabcde);
	else if (row->opts)
		pkt_ip4(p, .src = CLIENT4, .dst = vip, .ttl = ttl, .tos = row->shape->tos, .id = 77,
			.df = true, .opts = "\x94\4\0\0\7\7\4\1\2\3\4", .opts_len = 11);
	else
		pkt_ip4(p, .src = CLIENT4, .dst = vip, .ttl = ttl, .tos = row->shape->tos, .id = 77,
			.df = true);
	for (const struct pkt_hdr *hdr = row->shape->hdr; hdr->kind != PKT_END; hdr++)
		pkt_push(p, hdr);
}

/* What hangs on the hash is taken from what came out: test_entropy() looks at it */
static void push_outer(struct pkt *p, const struct row *row)
{
	unsigned int at = 14 + 4 * row->tags, udp = at + (row->way->backend == B6 ? 40 : 20);
	const char *addr = world_backend[row->way->backend].addr;

	if (row->way->forward == LB_L2)
		return;
	if (row->way->backend == B6)
		pkt_ip6(p, .src = LB6, .dst = addr, .tc = row->shape->tos,
			.flow = (out.data[at + 1] & 15) << 16 | out.data[at + 2] << 8 |
				out.data[at + 3]);
	else
		pkt_ip4(p, .src = LB4, .dst = addr, .tos = row->shape->tos, .df = true);
	if (row->way->forward == LB_GUE)
		pkt_udp(p, .sport = out.data[udp] << 8 | out.data[udp + 1], .dport = 6080,
			.check = PKT_ZERO);
}

static void run_row(struct lbrig *rig, const struct row *row)
{
	struct pkt in, want;

	pkt_init(&in);
	push_l2(&in, row, false);
	push_inner(&in, row, 64);
	if (!world_send(rig, &in))
		return;
	if (!row->way) {
		world_left(LBRIG_MISS, -1);
		world_is(&in);
		return;
	}
	world_left(LBRIG_HIT, -1);
	assert_int_equal(out.pkt.out, OUT);
	pkt_init(&want);
	push_l2(&want, row, true);
	push_outer(&want, row);
	push_inner(&want, row, 63);
	world_is(&want);
}

static void test_row(void **state)
{
	const struct row *row = *state;

	EACH_RIG (h)
		if (!h || !row->tags ||
		    (row->tags == 1 && (!row->way || row->way->forward == LB_L2)))
			run_row(rigs[h], row);
}

/* ---- cases in words (lb_cases.h) ---- */

static void test_told(void **state)
{
	const struct told *told = *state;
	uint64_t before;
	struct pkt in;

	pkt_build(&in, told->in);
	EACH_RIG (h) {
		before = rigs[h]->counts[told->service].packets;
		if (!world_send(rigs[h], &in))
			continue;
		world_left(told->edge, told->reason);
		if (told->edge == LBRIG_MISS)
			world_is(&in);
		if (told->service)
			assert_int_equal(rigs[h]->counts[told->service].packets, before + 1);
	}
}

static void test_ttl_zero(void **state)
{
	struct pkt p;

	pkt_build(&p, F4(V(5), U(1)));
	pkt_set8(&p, pkt_off(&p, PKT_IP4, 0) + 8, 0);
	EACH_RIG(h)
	{
		world_send(rigs[h], &p);
		world_left(-1, SHUNT_REASON_TTL);
	}
}

/* ---- bytes of what is not forwarded as it is ---- */

static void check_answer(const struct pkt_hdr *in_hdrs, bool six, unsigned int mtu, size_t quoted)
{
	struct pkt in, want;
	uint8_t rest[4] = { 0, 0, mtu >> 8, mtu };

	pkt_build(&in, in_hdrs);
	EACH_RIG (h) {
		world_send(rigs[h], &in);
		world_left(LBRIG_ANSWER, -1);
		pkt_init(&want);
		pkt_eth(&want, .src = "02:00:00:00:00:02", .dst = "02:00:00:00:00:01");
		if (six) {
			pkt_ip6(&want, .src = "2001:db8:f::25", .dst = CLIENT6);
			pkt_icmp6(&want, .type = 2, .id = rest[0] << 8 | rest[1], .seq = mtu);
		} else {
			pkt_ip4(&want, .src = V(24), .dst = CLIENT4, .tos = 0xc0, .df = true);
			pkt_icmp(&want, .type = 3, .code = 4, .id = rest[0] << 8 | rest[1],
				 .seq = mtu);
		}
		pkt_raw(&want, in.data + 14, quoted);
		world_is(&want);
	}
}

static void test_too_big(void **state)
{
	check_answer(F4(V(24), UDP(.dport = 1), FILL(1400)), false, 1260, 576 - 28);
	check_answer(F6("2001:db8:f::25", UDP(.dport = 1), FILL(1400)), true, 1360, 1280 - 48);
}

/* The kernel is handed it: it is to know its own MAC address */
static void test_fragmentable(void **state)
{
	struct pkt in, want;

	pkt_build(&in, PKT(ETH(), IP4(.src = CLIENT4, .dst = V(24), .id = 0x4711), UDP(.dport = 1),
			   FILL(1400)));
	EACH_RIG (h) {
		world_send(rigs[h], &in);
		pkt_build(&want, PKT(ETH(), IP4(.src = LB4, .dst = "10.0.0.4",
					 .id = out.data[18] << 8 | out.data[19]),
				     IP4(.src = CLIENT4, .dst = V(24), .id = 0x4711, .ttl = 63),
				     UDP(.dport = 1), FILL(1400)));
		world_is(&want);
	}
}

static void test_mss(void **state)
{
	static const struct {
		const char *in, *want;
		size_t len;
		uint8_t flags;
	} mss[] = {
		{ "\2\4\5\xb4", "\2\4\5\x78", 4, PKT_SYN },
		{ "\2\4\5\xb4", "\2\4\5\x78", 4, PKT_SYN | PKT_ACK },
		{ "\2\4\5\x78", "\2\4\5\x78", 4, PKT_SYN },
		{ "\2\4\2\0", "\2\4\2\0", 4, PKT_SYN },
		{ "\1\2\4\5\xb4\0\0\0", "\1\2\4\5\x78\0\0\0", 8, PKT_SYN },
		{ "\3\3\7\1\2\4\xff\xff", "\3\3\7\1\2\4\5\x78", 8, PKT_SYN },
		{ "\0\2\4\5\xb4\0\0\0", "\0\2\4\5\xb4\0\0\0", 8, PKT_SYN },
		{ "\2\4\5\xb4", "\2\4\5\xb4", 4, PKT_ACK },
	};
	struct pkt in, want;

	for (unsigned int i = 0; i < N(mss); i++) {
		pkt_build(&in, F4(V(27),
				  TCP(.sport = 5, .dport = 80, .flags = mss[i].flags,
				      .opts = mss[i].in, .opts_len = mss[i].len),
				  FILL(5)));
		pkt_build(&want, PKT(ETH(.src = OWN_MAC, .dst = GW_MAC),
				     IP4(.src = CLIENT4, .dst = V(27), .df = true, .ttl = 63),
				     TCP(.sport = 5, .dport = 80, .flags = mss[i].flags,
					 .opts = mss[i].want, .opts_len = mss[i].len),
				     FILL(5)));
		EACH_RIG (h) {
			world_send(rigs[h], &in);
			world_left(LBRIG_HIT, -1);
			world_is(&want);
		}
	}
}

static void test_nat(void **state)
{
	struct pkt in;

	pkt_build(&in, F4(V(28), U(1)));
	EACH_RIG (h) {
		world_send(rigs[h], &in);
		world_left(LBRIG_NAT, -1);
		assert_int_equal(out.pkt.dnat, 40 + B4);
		world_is(&in);
	}
}

/* A flow's hash is its source port, its flow label, and what tells its fragments from others' */
static void test_entropy(void **state)
{
	struct pkt in;
	uint64_t hash;

	for (unsigned int i = 0; i < 64; i++) {
		struct lbrig *rig = rigs[i % 3];

		pkt_build(&in, PKT(ETH(), IP4(.src = CLIENT4, .dst = V(3), .id = i),
				   UDP(.sport = 99 * i, .dport = 7), FILL(20)));
		hash = world_hash(in.data, true, SEED);
		world_send(rig, &in);
		assert_int_equal(out.data[34] << 8 | out.data[35], 0xc000 | (hash & 0x3fff));
		assert_int_equal(out.data[18] | out.data[19] << 8,
				 (in.data[18] | in.data[19] << 8) ^ (hash & 0xffff));
		pkt_build(&in, PKT(ETH(), IP6(.src = CLIENT6, .dst = "2001:db8:f::4"),
				   UDP(.sport = 99 * i, .dport = 7), FILL(20)));
		hash = world_hash(in.data, true, SEED);
		world_send(rig, &in);
		assert_int_equal((out.data[15] & 15) << 16 | out.data[16] << 8 | out.data[17],
				 hash & 0xfffff);
		assert_int_equal(out.data[54] << 8 | out.data[55], 0xc000 | (hash & 0x3fff));
	}
}

/* ---- fragments ---- */

static void check_fragments(struct lbrig *rig, const struct pkt_hdr *first,
			    const struct pkt_hdr *later, const struct pkt_hdr *other)
{
	struct pkt p;
	unsigned int service = 4;

	pkt_build(&p, later);
	if (!world_send(rig, &p))
		return;
	world_left(-1, SHUNT_REASON_FRAG_LOST);
	pkt_build(&p, first);
	world_send(rig, &p);
	world_left(LBRIG_HIT, -1);
	uint32_t *ring = lbrig_ring(rig, service, SLOTS, LB_SLOT(B4_BACK, 0));
	pkt_build(&p, later);
	world_send(rig, &p);
	world_left(LBRIG_HIT, -1);
	assert_int_equal(out.pkt.out,
			 OUT); /* where the first one went, not who owns all slots now */
	pkt_build(&p, other);
	world_send(rig, &p);
	world_left(-1, SHUNT_REASON_FRAG_LOST);
	for (int i = 0; i < SLOTS; i++)
		ring[i] = LB_SLOT(B6, 0);
}

static void test_fragments(void **state)
{
	check_fragments(
		rigs[0],
		PKT(ETH(), IP4(.src = CLIENT4, .dst = V(4), .mf = true, .id = 9),
		    UDP(.sport = 3, .dport = 53, .check = 1), FILL(32)),
		PKT(ETH(), IP4(.src = CLIENT4, .dst = V(4), .frag_off = 40, .id = 9, .next = 17),
		    FILL(64)),
		PKT(ETH(), IP4(.src = CLIENT4, .dst = V(4), .frag_off = 40, .id = 10, .next = 17),
		    FILL(64)));
	check_fragments(rigs[0],
			PKT(ETH(), IP6(.src = CLIENT6, .dst = "2001:db8:f::4"),
			    FRAG(.more = true, .id = 9), UDP(.sport = 3, .dport = 53, .check = 1),
			    FILL(32)),
			PKT(ETH(), IP6(.src = CLIENT6, .dst = "2001:db8:f::4"),
			    FRAG(.off = 40, .id = 9, .next = 17), FILL(64)),
			PKT(ETH(), IP6(.src = CLIENT6, .dst = "2001:db8:f::4"),
			    FRAG(.off = 40, .id = 10, .next = 17), FILL(64)));
}

static void test_fragments_of_others(void **state)
{
	struct pkt p;

	pkt_build(&p, PKT(ETH(), IP4(.src = CLIENT4, .dst = V(99), .frag_off = 40, .next = 17),
			  FILL(64)));
	world_send(rigs[0], &p);
	world_left(LBRIG_MISS, -1);
	world_is(&p);
	pkt_build(&p, PKT(ETH(), IP4(.src = CLIENT4, .dst = V(29), .frag_off = 40, .next = 17),
			  FILL(64)));
	world_send(rigs[0], &p);
	world_left(LBRIG_MISS, -1);
	world_is(&p);
}

/* ---- ICMP errors: to who owns the flow that they quote ---- */

static void check_quote(const struct pkt_hdr *in, int edge, uint32_t service)
{
	struct pkt p;

	pkt_build(&p, in);
	EACH_RIG (h) {
		uint64_t before = rigs[h]->counts[service].packets;

		if (!world_send(rigs[h], &p))
			continue;
		world_left(edge, -1);
		if (edge == LBRIG_MISS)
			world_is(&p);
		else
			assert_int_equal(rigs[h]->counts[service].packets, before + 1);
	}
}

#define ROUTER4 "192.0.2.77"
#define ERROR4(vip, quoted, ...) \
	PKT(ETH(), IP4(.src = ROUTER4, .dst = vip), ICMP(__VA_ARGS__), L3(quoted))
#define SENT4(vip, ...) PKT(IP4(.src = vip, .dst = CLIENT4, .df = true), __VA_ARGS__)

static void test_errors(void **state)
{
	check_quote(ERROR4(V(29), SENT4(V(29), TCP(.sport = 443, .dport = 1000, .flags = PKT_ACK)),
			   .type = 3, .code = 4),
		    LBRIG_HIT, S_EXACT);
	check_quote(ERROR4(V(29), SENT4(V(29), TCP(.sport = 8005, .dport = 1000, .flags = PKT_ACK)),
			   .type = 11),
		    LBRIG_HIT, S_RANGE1);
	check_quote(ERROR4(V(29), SENT4(V(29), TCP(.sport = 444, .dport = 1000, .flags = PKT_ACK)),
			   .type = 3, .code = 4),
		    LBRIG_MISS, 0);
	check_quote(ERROR4(V(29), SENT4(V(30), TCP(.sport = 443, .dport = 1000, .flags = PKT_ACK)),
			   .type = 3, .code = 4),
		    LBRIG_MISS, 0);
	check_quote(ERROR4(V(29),
			   PKT(IP4(.src = V(29), .dst = CLIENT4, .next = 6, .len = 1500),
			       RAW("\1\xbb\3\xe8\0\0\0\1")),
			   .type = 3, .code = 4),
		    LBRIG_HIT, S_EXACT);
	check_quote(ERROR4(V(29),
			   PKT(IP4(.src = V(29), .dst = CLIENT4, .next = 6, .len = 1500),
			       RAW("\1\xbb\3\xe8\0\0\0")),
			   .type = 3, .code = 4),
		    LBRIG_MISS, 0);
	check_quote(PKT(ETH(), IP6(.src = "2001:db8::77", .dst = "2001:db8:f::4"),
			ICMP6(.type = 2, .seq = 1280), IP6(.src = "2001:db8:f::4", .dst = CLIENT6),
			UDP(.sport = 53, .dport = 9), FILL(20)),
		    LBRIG_HIT, 4);
}

/* ---- the world ---- */

static void put_net(struct lbrig *rig, const char *addr, unsigned int len, uint8_t proto,
		    uint32_t value)
{
	const struct lb_net key = {
		.len = 32 + len, .node = NODE, .proto = proto, .addr = lbrig_addr(addr)
	};

	lbrig_put(rig, LB_TABLE_NETS, &key, &value);
}

static void put_ranges(struct lbrig *rig)
{
	struct lb_ranges ranges = { .range = {
					    { 8000, 8099, S_RANGE1 + 1 },
					    { 9000, 9000, S_RANGE2 + 1 },
					    { 1, 0, 0 },
				    } };
	uint32_t number = 5;

	lbrig_put(rig, LB_TABLE_RANGES, &number, &ranges);
	world_vip(rig, V(29), 0, 6, LB_VIP_RANGES | number);
}

static void put_special(struct lbrig *rig)
{
	static const struct {
		unsigned int number;
		struct lb_service service;
		unsigned int backend;
	} special[] = {
		{ S_NONE, { .forward = LB_IPIP }, B_NONE },
		{ S_SORRY, { .forward = LB_IPIP, .down = LB_DOWN_SORRY, .sorry = B4 }, B_NONE },
		{ S_UNKNOWN, { .forward = LB_IPIP }, B4_UNKNOWN },
		{ S_UNKNOWN_L2, { .forward = LB_L2 }, B4_UNKNOWN },
		{ S_SMALL, { .forward = LB_IPIP }, B4_SMALL },
		{ S_SMALL6, { .forward = LB_IPIP }, B6_SMALL },
		{ S_BACK, { .forward = LB_IPIP }, B4_BACK },
		{ S_MSS, { .forward = LB_L2, .mss = 0x578 }, B4 },
		{ S_NAT, { .forward = LB_NAT }, B4 },
		{ S_EXACT, { .forward = LB_IPIP }, B4 },
		{ S_RANGE1, { .forward = LB_IPIP }, B4 },
		{ S_RANGE2, { .forward = LB_IPIP }, B4 },
		{ S_NET, { .forward = LB_IPIP }, B4 },
		{ S_NET_TCP, { .forward = LB_IPIP }, B4 },
		{ S_ANYPORT, { .forward = LB_IPIP }, B4 },
	};
	char vip[40];

	for (unsigned int i = 0; i < N(special); i++) {
		unsigned int number = special[i].number;

		world_service(rig, number, special[i].service, LB_SLOT(special[i].backend, 0));
		snprintf(vip, sizeof(vip), "203.0.113.%u", number);
		if (number < S_EXACT)
			world_vip(rig, vip, 0, 0, number + 1);
	}
	world_vip(rig, "2001:db8:f::25", 0, 0, S_SMALL6 + 1);
	world_vip(rig, V(29), 443, 6, S_EXACT + 1);
	world_vip(rig, V(34), 0, 17, S_ANYPORT + 1);
	put_ranges(rig);
	put_net(rig, "100.64.0.0", 96 + 16, 0, S_NET + 1);
	put_net(rig, "100.64.0.0", 96 + 10, 6, S_NET_TCP + 1);
	put_net(rig, "100.65.0.0", 96 + 16, 6, 0);
	put_net(rig, "2001:db8:ff::", 48, 0, S_NET + 1);
}

static void world_fill(struct lbrig *rig)
{
	char vip[40];

	for (unsigned int i = 0; i < WAYS; i++) {
		world_service(rig, i + 1, (struct lb_service) { .forward = ways[i].forward },
			      LB_SLOT(ways[i].backend, 0));
		snprintf(vip, sizeof(vip), "203.0.113.%u", i + 1);
		world_vip(rig, vip, 0, 0, i + 2);
		snprintf(vip, sizeof(vip), "2001:db8:f::%x", i + 1);
		world_vip(rig, vip, 0, 0, i + 2);
	}
	put_special(rig);
}

/* ---- the list ---- */

static unsigned int rows_make(struct row *rows, struct CMUnitTest *tests)
{
	unsigned int n = 0, w, s, v;

	for (w = 0; w <= WAYS; w++)
		for (s = 0; s < SHAPES; s++)
			for (v = 0; v < 4; v++) { /* IPv4, with options, IPv6; and tags */
				struct row row = {
					w < WAYS ? &ways[w] : NULL, &shapes[s], v == 2, v == 1,
					v == 3 ? 1 + s % 2 : 0,	    ""
				};

				if (v == 3)
					row.six = w % 2;
				if (row.six ? shapes[s].four_only : shapes[s].six_only)
					continue;
				snprintf(row.name, sizeof(row.name), "%s, %s%s%s, %u tags",
					 w < WAYS ? ways[w].name : "miss", shapes[s].name,
					 row.six ? ", v6" : ", v4", row.opts ? ", options" : "",
					 row.tags);
				rows[n] = row;
				tests[n] = unit_row(rows[n].name, test_row, &rows[n]);
				n++;
			}
	return n;
}

int main(void)
{
	static struct row rows[(WAYS + 1) * SHAPES * 4];
	static struct CMUnitTest tests[(WAYS + 1) * SHAPES * 4 + N(tolds) + 16];
	const struct CMUnitTest more[] = {
		cmocka_unit_test(test_ttl_zero), cmocka_unit_test(test_too_big),
		cmocka_unit_test(test_fragmentable),
		cmocka_unit_test(test_mss),
		cmocka_unit_test(test_nat),
		cmocka_unit_test(test_entropy),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_fragments_of_others),
		cmocka_unit_test(test_errors),
	};
	unsigned int n, i;

	for (i = 0; i < 3; i++) {
		rigs[i] = world_new(hooks[i]);
		world_fill(rigs[i]);
	}
	n = rows_make(rows, tests);
	for (i = 0; i < N(tolds); i++)
		tests[n++] = unit_row(tolds[i].name, test_told, &tolds[i]);
	for (i = 0; i < N(more); i++)
		tests[n++] = more[i];
	return unit_main(tests, n);
}
