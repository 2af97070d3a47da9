// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* reject_test.c - the answers of module 'reject', byte by byte, and what is not answered */
#include "../lib/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../lib/pkt.h"
#include "../lib/rig.h"

#define N(a)		(sizeof(a) / sizeof((a)[0]))
#define HOOKS		3
#define NO_CODE		(-1)
#define ANSWERS		12		/* SHUNT_REJECT_MAX; more: no such answer */
#define MAC_A		"02:00:00:00:00:01"
#define MAC_B		"02:00:00:00:00:02"
#define S4		"192.0.2.1"
#define D4		"198.51.100.7"
#define S6		"2001:db8::1"
#define D6		"2001:db8:ff::7"

static const uint32_t hooks[HOOKS] = {
	SHUNT_HOOK_XDP, SHUNT_HOOK_TC_INGRESS, SHUNT_HOOK_TC_EGRESS,
};
static struct rig *rigs[HOOKS][ANSWERS + 1];
static struct rig_outcome out;

/* By number of the answer: nft's names for RFC 792, RFC 1812 and RFC 4443's codes */
static const struct {
	const char *name;
	int code4, code6;
} answers[ANSWERS] = {
	{ "port-unreachable", 3, 4 }, { "tcp reset", NO_CODE, NO_CODE },
	{ "net-unreachable", 0, NO_CODE }, { "host-unreachable", 1, 3 },
	{ "prot-unreachable", 2, NO_CODE }, { "net-prohibited", 9, NO_CODE },
	{ "host-prohibited", 10, NO_CODE }, { "admin-prohibited", 13, 1 }, { "no-route", 0, 0 },
	{ "addr-unreachable", NO_CODE, 3 }, { "policy-fail", NO_CODE, 5 },
	{ "reject-route", NO_CODE, 6 },
};

static struct rig *reject_new(uint32_t hook, unsigned int which, const char *config)
{
	char yaml[1024];

	snprintf(yaml, sizeof(yaml), "nodes:\n"
		 "  a: { module: \"%s\", config: { which: %u } }\n"
		 "  r: { module: reject, config: { %s } }\n"
		 "graphs:\n  g: [a, r]\n", rig_built("tests/lib/answer"), which, config);
	return rig_new(yaml, hook);
}

static void run(struct rig *rig, const struct rig_input *in)
{
	int r = rig_run_input(rig, in, &out);

	if (r < 0)
		fail_msg("test run: %s", strerror(-r));
	if (out.fault[0])
		fail_msg("%s", out.fault);
}

static void run_pkt(struct rig *rig, const struct pkt *p)
{
	run(rig, &(const struct rig_input){ .data = p->data, .len = p->len });
}

static void check_silent(const struct pkt *p)
{
	if (strcmp(out.left, "r.silent") || strcmp(out.reason, "policy") || out.verdict != RIG_DROP)
		fail_msg("left by %s, verdict %d, answer %u", out.left, out.verdict,
			 out.pkt.reject);
	assert_int_equal(out.len, p->len);
	assert_memory_equal(out.data, p->data, p->len);
}

static void check_sent(uint32_t hook, struct pkt *want)
{
	char text[256];

	if (want->len < 60)
		pkt_pad(want, 60);
	assert_string_equal(out.left, "r.sent");
	assert_int_equal(out.verdict, hook == SHUNT_HOOK_XDP ? RIG_TX : RIG_REDIRECT);
	if (pkt_diff(want, out.data, out.len, text, sizeof(text)))
		fail_msg("%s", text);
	assert_int_equal(out.pkt.len, want->len);
}

/* ---- what is expected, made by other code than the module's ---- */

/* Ethernet header and tags of the answer to @in */
static void want_l2(struct pkt *want, const struct pkt *in)
{
	size_t l3_off = 14, off;

	while (in->data[l3_off - 2] == 0x81 || in->data[l3_off - 2] == 0x88 ||
	       in->data[l3_off - 2] == 0x91)
		l3_off += 4;
	pkt_init(want);
	pkt_eth(want, .src = MAC_B, .dst = MAC_A);
	for (off = 14; off < l3_off; off += 4)
		pkt_vlan(want, .tpid = in->data[off - 2] << 8 | in->data[off - 1],
			 .id = (in->data[off] & 0xf) << 8 | in->data[off + 1],
			 .prio = in->data[off] >> 5, .dei = in->data[off] >> 4 & 1);
}

static void want_icmp4(struct pkt *want, const struct pkt *in, int code)
{
	size_t l3_off, len;

	want_l2(want, in);
	l3_off = want->len;
	len = in->data[l3_off + 2] << 8 | in->data[l3_off + 3];
	pkt_ip4(want, .src = D4, .dst = S4, .tos = 0xc0, .df = true);
	pkt_icmp(want, .type = 3, .code = code);
	pkt_raw(want, in->data + l3_off, len < 548 ? len : 548);
}

static void want_icmp6(struct pkt *want, const struct pkt *in, int code)
{
	size_t l3_off, len;

	want_l2(want, in);
	l3_off = want->len;
	len = 40 + (in->data[l3_off + 4] << 8 | in->data[l3_off + 5]);
	pkt_ip6(want, .src = D6, .dst = S6);
	pkt_icmp6(want, .type = 1, .code = code);
	pkt_raw(want, in->data + l3_off, len < 1232 ? len : 1232);
}

/* ---- TCP ---- */
struct reset_case {
	const char *name;
	const struct pkt_hdr *in;
	struct pkt_tcp want;		/* without ports */
};

#define T4(...)	PKT(ETH(), IP4(.src = S4, .dst = D4), TCP(.sport = 4000, .dport = 80, __VA_ARGS__))
#define T6(...)	PKT(ETH(), IP6(.src = S6, .dst = D6), TCP(.sport = 4000, .dport = 80, __VA_ARGS__))
#define DATA(n)	PKT(ETH(), IP4(.src = S4, .dst = D4), TCP(.sport = 4000, .dport = 80, .seq = 100, \
		    .flags = PKT_PSH, .opts = "\1\1\1\1", .opts_len = 4), FILL(n))
#define RESET(seq_, ack_, flags_) \
	{ .seq = (seq_), .ack = (ack_), .flags = PKT_RST | (flags_) }

static const struct reset_case resets[] = {
	{ "SYN", T4(.seq = 1000, .flags = PKT_SYN), RESET(0, 1001, PKT_ACK) },
	{ "SYN, IPv6", T6(.seq = 1000, .flags = PKT_SYN), RESET(0, 1001, PKT_ACK) },
	{ "SYN, sequence number wraps", T4(.seq = 0xffffffff, .flags = PKT_SYN),
	  RESET(0, 0, PKT_ACK) },
	{ "SYN with options", T4(.seq = 7, .flags = PKT_SYN | PKT_ECE | PKT_CWR,
				 .opts = "\2\4\5\xb4\1\3\3\7", .opts_len = 8),
	  RESET(0, 8, PKT_ACK) },
	{ "SYN and ACK", T4(.seq = 5, .ack = 0x89abcdef, .flags = PKT_SYN | PKT_ACK),
	  RESET(0x89abcdef, 0, 0) },
	{ "ACK", T6(.seq = 5, .ack = 77, .flags = PKT_ACK), RESET(77, 0, 0) },
	{ "FIN and ACK", T4(.seq = 5, .ack = 77, .flags = PKT_FIN | PKT_ACK), RESET(77, 0, 0) },
	{ "FIN", T4(.seq = 5, .flags = PKT_FIN), RESET(0, 6, PKT_ACK) },
	{ "data without ACK", DATA(1000), RESET(0, 1100, PKT_ACK) },
	{ "one byte", DATA(1), RESET(0, 101, PKT_ACK) },
	{ "padded", PKT(ETH(), IP4(.src = S4, .dst = D4, .opts = "\1\1\1\1", .opts_len = 4),
			TCP(.sport = 4000, .dport = 80, .seq = 9, .flags = PKT_SYN)),
	  RESET(0, 10, PKT_ACK) },
	{ "behind extension headers", PKT(ETH(), IP6(.src = S6, .dst = D6), HBH(), DSTOPT(),
					  TCP(.sport = 4000, .dport = 80, .seq = 9,
					      .flags = PKT_SYN), FILL(100)),
	  RESET(0, 110, PKT_ACK) },
	{ "tagged", PKT(ETH(), VLAN(.id = 7, .prio = 5), IP4(.src = S4, .dst = D4),
			TCP(.sport = 4000, .dport = 80, .seq = 9, .flags = PKT_SYN)),
	  RESET(0, 10, PKT_ACK) },
	{ "two tags, IPv6", PKT(ETH(), VLAN(.tpid = 0x88a8, .id = 4094, .dei = true), VLAN(.id = 1),
				IP6(.src = S6, .dst = D6),
				TCP(.sport = 4000, .dport = 80, .seq = 9, .flags = PKT_SYN)),
	  RESET(0, 10, PKT_ACK) },
};

static void test_reset(void **state)
{
	const struct reset_case *c = *state;
	struct pkt_hdr tcp = { .kind = PKT_TCP, .tcp = c->want };
	struct pkt in, want;
	int h;

	pkt_build(&in, c->in);
	if (in.len < 60)
		pkt_pad(&in, 60);
	want_l2(&want, &in);
	if (in.data[want.len] >> 4 == 4)
		pkt_ip4(&want, .src = D4, .dst = S4, .df = true);
	else
		pkt_ip6(&want, .src = D6, .dst = S6);
	tcp.tcp.sport = 80;
	tcp.tcp.dport = 4000;
	pkt_push(&want, &tcp);
	for (h = 0; h < HOOKS; h++) {
		run_pkt(rigs[h][1], &in);
		check_sent(hooks[h], &want);
	}
}

/* ---- ICMP ---- */
static const struct {
	const char *name;
	const struct pkt_hdr *in;
} quoted[] = {
	{ "UDP", UDP4(S4, D4, 5, 53, RAW("question")) },
	{ "UDP, IPv6", UDP6(S6, D6, 5, 53, RAW("question")) },
	{ "odd length", UDP4(S4, D4, 5, 53, FILL(77)) },
	{ "odd length, IPv6", UDP6(S6, D6, 5, 53, FILL(77)) },
	{ "TCP", TCP4(S4, D4, 5, 53, PKT_SYN, FILL(2)) },
	{ "TCP reset, to be answered by ICMP", TCP6(S6, D6, 5, 53, PKT_RST | PKT_ACK) },
	{ "echo request", PING4(S4, D4, FILL(33)) },
	{ "echo request, IPv6", PING6(S6, D6, FILL(33)) },
	{ "echo reply", PKT(ETH(), IP4(.src = S4, .dst = D4), ICMP(.type = 0), FILL(30)) },
	{ "timestamp", PKT(ETH(), IP4(.src = S4, .dst = D4), ICMP(.type = 13), FILL(30)) },
	{ "neighbour solicitation", PKT(ETH(), IP6(.src = S6, .dst = D6), ICMP6(.type = 135),
					FILL(16)) },
	{ "another protocol", PKT(ETH(), IP4(.src = S4, .dst = D4, .next = 47), FILL(60)) },
	{ "another protocol, IPv6", PKT(ETH(), IP6(.src = S6, .dst = D6, .next = 50), FILL(60)) },
	{ "options", PKT(ETH(), IP4(.src = S4, .dst = D4, .opts = "\x94\4\0", .opts_len = 4),
			 UDP(.dport = 9), FILL(50)) },
	{ "extension headers", PKT(ETH(), IP6(.src = S6, .dst = D6), HBH(), DSTOPT(.len = 64),
				   UDP(.dport = 9), FILL(3)) },
	{ "first fragment", PKT(ETH(), IP4(.src = S4, .dst = D4, .mf = true),
				UDP(.dport = 9, .len = 3000, .check = 1), FILL(64)) },
	{ "tagged", PKT(ETH(), VLAN(.id = 7, .prio = 5), IP4(.src = S4, .dst = D4), UDP(),
			FILL(40)) },
	{ "two tags", PKT(ETH(), VLAN(.tpid = 0x9100, .id = 4094, .dei = true), VLAN(.id = 1),
			  IP6(.src = S6, .dst = D6), UDP(), FILL(2000)) },
	{ "just quoted whole", UDP4(S4, D4, 5, 53, FILL(520)) },
	{ "one byte more", UDP4(S4, D4, 5, 53, FILL(521)) },
	{ "a whole frame", UDP4(S4, D4, 5, 53, FILL(1472)) },
	{ "just quoted whole, IPv6", UDP6(S6, D6, 5, 53, FILL(1184)) },
	{ "one byte more, IPv6", UDP6(S6, D6, 5, 53, FILL(1185)) },
	{ "a whole frame, IPv6", UDP6(S6, D6, 5, 53, FILL(1452)) },
	{ "a large frame", UDP4(S4, D4, 5, 53, FILL(3000)) },
};

/* By each hook, with each answer that the family has */
static void test_quote(void **state)
{
	const struct pkt_hdr *list = *state;
	struct pkt in, want;
	unsigned int which;
	bool v6;
	int h;

	pkt_build(&in, list);
	if (in.len < 60)
		pkt_pad(&in, 60);
	want_l2(&want, &in);
	v6 = in.data[want.len] >> 4 == 6;
	for (which = 0; which < ANSWERS; which++) {
		int code = v6 ? answers[which].code6 : answers[which].code4;

		if (which == 1)
			continue;
		for (h = 0; h < HOOKS; h++) {
			run_pkt(rigs[h][which], &in);
			if (code == NO_CODE) {
				check_silent(&in);
				continue;
			}
			if (v6)
				want_icmp6(&want, &in, code);
			else
				want_icmp4(&want, &in, code);
			check_sent(hooks[h], &want);
		}
	}
}

/* Every length, so that no byte is quoted or added up that is not there */
static void test_lengths(void **state)
{
	struct pkt in, want;
	unsigned int len;
	int h;

	for (len = 0; len < 1300; len += len < 600 ? 1 : 7) {
		for (h = 0; h < HOOKS; h++) {
			pkt_build(&in, PKT(ETH(), IP4(.src = S4, .dst = D4), UDP(.dport = 9),
					   FILL(len)));
			if (in.len < 60)
				pkt_pad(&in, 60);
			want_icmp4(&want, &in, 3);
			run_pkt(rigs[h][0], &in);
			check_sent(hooks[h], &want);
			pkt_build(&in, PKT(ETH(), IP6(.src = S6, .dst = D6), UDP(.dport = 9),
					   FILL(len)));
			want_icmp6(&want, &in, 4);
			run_pkt(rigs[h][0], &in);
			check_sent(hooks[h], &want);
		}
	}
}

/* XDP: the frame in pieces */
static void test_split(void **state)
{
	struct rig_input input = { 0 };
	struct pkt in, want;
	size_t linear;

	pkt_build(&in, UDP6(S6, D6, 5, 53, FILL(3000)));
	want_icmp6(&want, &in, 4);
	input.data = in.data;
	input.len = in.len;
	for (linear = 64; linear < 3000; linear += 97) {
		input.linear = linear;
		run(rigs[0][0], &input);
		check_sent(SHUNT_HOOK_XDP, &want);
	}
}

/* ---- what is not answered ---- */
struct silent_case {
	const char *name;
	const struct pkt_hdr *in;
};

#define FROM4(s, d)	PKT(ETH(), IP4(.src = (s), .dst = (d)), UDP(.dport = 9), FILL(30))
#define FROM6(s, d)	PKT(ETH(), IP6(.src = (s), .dst = (d)), UDP(.dport = 9), FILL(30))
#define ICMP4(t)	PKT(ETH(), IP4(.src = S4, .dst = D4), ICMP(.type = (t)), FILL(36))
#define ICMP66(t)	PKT(ETH(), IP6(.src = S6, .dst = D6), ICMP6(.type = (t)), FILL(36))

static const struct silent_case silents[] = {
	{ "not IP", PKT(ETH(.type = 0x0806), FILL(46)) },
	{ "Ethernet broadcast", PKT(ETH(.dst = "ff:ff:ff:ff:ff:ff"), IP4(.src = S4, .dst = D4),
				    UDP(), FILL(30)) },
	{ "Ethernet multicast", PKT(ETH(.dst = "33:33:00:00:00:01"), IP6(.src = S6, .dst = D6),
				    UDP()) },
	{ "Ethernet multicast source", PKT(ETH(.src = "01:00:5e:00:00:01"),
					   IP4(.src = S4, .dst = D4), UDP(), FILL(30)) },
	{ "later fragment", PKT(ETH(), IP4(.src = S4, .dst = D4, .frag_off = 64), FILL(60)) },
	{ "later fragment, IPv6", PKT(ETH(), IP6(.src = S6, .dst = D6), FRAG(.off = 64, .next = 17),
				      FILL(60)) },
	{ "from 0.0.0.0", FROM4("0.0.0.0", D4) },
	{ "from 0.1.2.3", FROM4("0.1.2.3", D4) },
	{ "from 127.0.0.1", FROM4("127.0.0.1", D4) },
	{ "from 224.0.0.1", FROM4("224.0.0.1", D4) },
	{ "from 240.0.0.1", FROM4("240.0.0.1", D4) },
	{ "from 255.255.255.255", FROM4("255.255.255.255", D4) },
	{ "to 224.0.0.1", FROM4(S4, "224.0.0.1") },
	{ "to 239.255.255.255", FROM4(S4, "239.255.255.255") },
	{ "to 255.255.255.255", FROM4(S4, "255.255.255.255") },
	{ "from ::", FROM6("::", D6) },
	{ "from ::1", FROM6("::1", D6) },
	{ "from ff02::1", FROM6("ff02::1", D6) },
	{ "to ff02::1", FROM6(S6, "ff02::1") },
	{ "to ff0e::1", FROM6(S6, "ff0e::1") },
	{ "ICMP 3", ICMP4(3) }, { "ICMP 4", ICMP4(4) }, { "ICMP 5", ICMP4(5) },
	{ "ICMP 11", ICMP4(11) }, { "ICMP 12", ICMP4(12) }, { "ICMP 19", ICMP4(19) },
	{ "ICMP 32", ICMP4(32) }, { "ICMP 255", ICMP4(255) },
	{ "ICMPv6 1", ICMP66(1) }, { "ICMPv6 2", ICMP66(2) }, { "ICMPv6 3", ICMP66(3) },
	{ "ICMPv6 4", ICMP66(4) }, { "ICMPv6 127", ICMP66(127) },
	{ "ICMPv6 redirect", ICMP66(137) },
};

static void test_silent(void **state)
{
	const struct silent_case *c = *state;
	struct pkt in;
	unsigned int which;
	int h;

	pkt_build(&in, c->in);
	for (h = 0; h < HOOKS; h++) {
		for (which = 0; which <= ANSWERS; which++) {
			run_pkt(rigs[h][which], &in);
			check_silent(&in);
		}
	}
}

static const struct silent_case no_resets[] = {
	{ "RST", T4(.flags = PKT_RST) },
	{ "RST and ACK", T6(.flags = PKT_RST | PKT_ACK) },
	{ "UDP", UDP4(S4, D4, 5, 53, FILL(30)) },
	{ "echo request", PING6(S6, D6) },
	{ "first fragment", PKT(ETH(), IP4(.src = S4, .dst = D4, .mf = true),
				TCP(.flags = PKT_SYN, .check = 1), FILL(28)) },
	{ "to multicast", PKT(ETH(), IP4(.src = S4, .dst = "224.1.1.1"), TCP(.flags = PKT_SYN)) },
	{ "from multicast", PKT(ETH(), IP6(.src = "ff02::9", .dst = D6), TCP(.flags = PKT_SYN)) },
};

static void test_no_reset(void **state)
{
	const struct silent_case *c = *state;
	struct pkt in;
	int h;

	pkt_build(&in, c->in);
	if (in.len < 60)
		pkt_pad(&in, 60);
	for (h = 0; h < HOOKS; h++) {
		run_pkt(rigs[h][1], &in);
		check_silent(&in);
		run_pkt(rigs[h][ANSWERS], &in);		/* no such answer */
		check_silent(&in);
	}
}

static void test_gso(void **state)
{
	struct rig_input input = { .gso_size = 1000 };
	struct pkt in;
	int h;

	pkt_build(&in, TCP4(S4, D4, 5, 80, PKT_ACK, FILL(3000)));
	input.data = in.data;
	input.len = in.len;
	for (h = 1; h < HOOKS; h++) {
		run(rigs[h][1], &input);
		check_silent(&in);
		input.gso_size = 0;
		run(rigs[h][1], &input);
		assert_string_equal(out.left, "r.sent");
		input.gso_size = 1000;
	}
}

/* ---- how many ---- */
static void test_over(void **state)
{
	unsigned int i, sent;
	struct pkt in;
	struct rig *rig;
	int h;

	pkt_build(&in, UDP4(S4, D4, 5, 53, FILL(30)));
	for (h = 0; h < HOOKS; h++) {
		rig = reject_new(hooks[h], 0, "rate_pps: 1, burst_pkts: 5");
		for (i = sent = 0; i < 20; i++) {
			run_pkt(rig, &in);
			if (!strcmp(out.left, "r.sent")) {
				sent++;
				continue;
			}
			assert_string_equal(out.left, "r.over");
			assert_string_equal(out.reason, "rate");
			assert_int_equal(out.verdict, RIG_DROP);
			assert_memory_equal(out.data, in.data, in.len);
		}
		assert_in_range(sent, 6, 7);
		assert_int_equal(rig_edge(rig, "r.sent"), sent);
		assert_int_equal(rig_edge(rig, "r.over"), 20 - sent);
		rig_free(rig);
	}
}

static void open_rigs(void)
{
	unsigned int which;
	int h;

	for (h = 0; h < HOOKS; h++)
		for (which = 0; which <= ANSWERS; which++)
			rigs[h][which] = reject_new(hooks[h], which, "rate_pps: 1000000000, "
						    "burst_pkts: 1000000");
}

int main(void)
{
	struct CMUnitTest tests[N(resets) + N(quoted) + N(silents) + N(no_resets) + 4];
	size_t n = 0, i;

	for (i = 0; i < N(resets); i++)
		tests[n++] = unit_row(resets[i].name, test_reset, &resets[i]);
	for (i = 0; i < N(quoted); i++)
		tests[n++] = unit_row(quoted[i].name, test_quote, quoted[i].in);
	for (i = 0; i < N(silents); i++)
		tests[n++] = unit_row(silents[i].name, test_silent, &silents[i]);
	for (i = 0; i < N(no_resets); i++)
		tests[n++] = unit_row(no_resets[i].name, test_no_reset, &no_resets[i]);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_lengths);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_split);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_gso);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_over);
	open_rigs();
	return unit_main(tests, n);
}
