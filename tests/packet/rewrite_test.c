// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * rewrite_test.c - other addresses and ports, byte by byte
 *
 * What is expected is built anew with the new ends: lib/pkt.c adds up all bytes.
 */
#include "../lib/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "../lib/pkt.h"
#include "../lib/rewriter.h"
#include "../lib/rig.h"

#define N(a)		(sizeof(a) / sizeof((a)[0]))
#define HOOKS		3
#define S4		"192.0.2.1"
#define D4		"198.51.100.7"
#define S4_		"203.0.113.9"
#define D4_		"10.1.2.3"
#define S6		"2001:db8::1"
#define D6		"2001:db8:ff::7"
#define S6_		"fd12:3456:789a:1::5"
#define D6_		"2001:db8:1:2:3:4:5:6"
#define R4		"192.0.2.254"
#define R6		"2001:db8::fe"

static const uint32_t hooks[HOOKS] = {
	SHUNT_HOOK_XDP, SHUNT_HOOK_TC_INGRESS, SHUNT_HOOK_TC_EGRESS,
};
static struct rig *rigs[HOOKS];
static int table_fd[HOOKS];
static struct rig_outcome out;

struct ends {
	const char *src, *dst;
	uint16_t sport, dport;
	uint32_t flags;
};

struct rewrite_case {
	const char *name;
	const struct pkt_hdr *in;
	struct ends to[2];		/* 1: of what is quoted; src NULL: nothing is */
	const struct pkt_hdr *want;
};

static struct shunt_addr addr(const char *text)
{
	struct shunt_addr addr = { .v4_prefix = { 0, 0, htonl(0xffff) } };

	if (inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text,
		      strchr(text, ':') ? (void *)&addr : (void *)&addr.v4) != 1)
		fail_msg("address '%s'", text);
	return addr;
}

static void put(int hook, uint32_t key, const struct ends *ends)
{
	struct rewriter to = { .used = ends->src != NULL };

	if (ends->src) {
		to.saddr = addr(ends->src);
		to.daddr = addr(ends->dst);
		to.sport = htons(ends->sport);
		to.dport = htons(ends->dport);
		to.flags = ends->flags;
	}
	assert_int_equal(bpf_map_update_elem(table_fd[hook], &key, &to, BPF_ANY), 0);
}

static void run(int hook, const struct pkt *in, size_t linear, const struct pkt *want)
{
	struct rig_input input = { .data = in->data, .len = in->len, .linear = linear };
	char text[256];
	int r = rig_run_input(rigs[hook], &input, &out);

	if (r == -EOPNOTSUPP)
		return;
	if (r < 0)
		fail_msg("test run: %s", strerror(-r));
	if (out.fault[0])
		fail_msg("%s", out.fault);
	assert_string_equal(out.left, "w.next");
	if (pkt_diff(want, out.data, out.len, text, sizeof(text)))
		fail_msg("hook %d: %s", hook, text);
}

static void test_case(void **state)
{
	const struct rewrite_case *c = *state;
	struct pkt in, want;
	int h;

	pkt_build(&in, c->in);
	pkt_build(&want, c->want);
	for (h = 0; h < HOOKS; h++) {
		put(h, 0, &c->to[0]);
		put(h, 1, &c->to[1]);
		run(h, &in, 0, &want);
		if (h == 0)
			run(h, &in, 30, &want);	/* most of it lies in a fragment */
	}
}

#define SEG(sp, dp)	TCP(.sport = (sp), .dport = (dp), .flags = PKT_ACK)
#define ECHO4(s, i)	L3(PKT(ETH(), IP4(.src = s, .dst = D4), ICMP(.type = 8, .id = (i), .seq = 3)))
#define ECHO6(s, i)	L3(PKT(ETH(), IP6(.src = s, .dst = D6), \
			       ICMP6(.type = 128, .id = (i), .seq = 3)))
#define BARE4(s, sp)	L3(PKT(ETH(), IP4(.src = s, .dst = D4), \
			       UDP(.sport = (sp), .dport = 53, .check = PKT_ZERO)))
#define GRE4(s)		L3(PKT(ETH(), IP4(.src = s, .dst = D4, .next = 47), FILL(8)))
#define CHAIN6(s, sp)	L3(PKT(ETH(), IP6(.src = s, .dst = D6), HBH(), SEG(sp, 80)))
#define PORTS	REWRITER_PORTS
#define ID	REWRITER_ID
#define TO4(sp, dp)	{ S4_, D4_, sp, dp, PORTS }
#define TO6(sp, dp)	{ S6_, D6_, sp, dp, PORTS }
#define IN4(...)	PKT(ETH(), IP4(.src = S4, .dst = D4, .id = 7), __VA_ARGS__)
#define OUT4(...)	PKT(ETH(), IP4(.src = S4_, .dst = D4_, .id = 7), __VA_ARGS__)
#define IN6(...)	PKT(ETH(), IP6(.src = S6, .dst = D6), __VA_ARGS__)
#define OUT6(...)	PKT(ETH(), IP6(.src = S6_, .dst = D6_), __VA_ARGS__)

/* Errors of a router about what S sent to D; seen from outside S is S_ */
#define ERROR4(inner)	PKT(ETH(), IP4(.src = R4, .dst = S4_), ICMP(.type = 3, .code = 1), inner)
#define ERROR4_(inner)	PKT(ETH(), IP4(.src = R4, .dst = S4), ICMP(.type = 3, .code = 1), inner)
#define ERROR6(inner)	PKT(ETH(), IP6(.src = R6, .dst = S6_), ICMP6(.type = 1, .code = 3), inner)
#define ERROR6_(inner)	PKT(ETH(), IP6(.src = R6, .dst = S6), ICMP6(.type = 1, .code = 3), inner)
#define BACK4(sp, dp, fl)	{ S4, D4, sp, dp, fl }
#define BACK6(sp, dp, fl)	{ S6, D6, sp, dp, fl }
#define TO_R4		{ R4, S4, 0, 0, 0 }
#define TO_R6		{ R6, S6, 0, 0, 0 }
/* Header and 8 bytes, as RFC 792 has it: of TCP the checksum is not there */
#define SHORT4(s, sp)	PKT(ETH(), IP4(.src = s, .dst = D4, .len = 40, .next = 6), \
			    RAW(sp "\0\x50\x12\x34\x56\x78"))

static const struct rewrite_case cases[] = {
	{ "IPv4 TCP", IN4(TCP(.sport = 4000, .dport = 80, .flags = PKT_SYN)), { TO4(5000, 8080) },
	  OUT4(TCP(.sport = 5000, .dport = 8080, .flags = PKT_SYN)) },
	{ "IPv4 TCP, odd number of bytes", IN4(SEG(4000, 80), FILL(333)),
	  { TO4(5000, 8080) }, OUT4(SEG(5000, 8080), FILL(333)) },
	{ "IPv4 TCP, addresses alone", IN4(SEG(4000, 80)), { { S4_, D4_, 1, 1, 0 } },
	  OUT4(SEG(4000, 80)) },
	{ "IPv4 TCP, nothing new", IN4(SEG(4000, 80)), { { S4, D4, 4000, 80, PORTS } },
	  IN4(SEG(4000, 80)) },
	{ "IPv4 options", PKT(ETH(), IP4(.src = S4, .dst = D4, .opts = "\1\1\1\1", .opts_len = 4),
			      SEG(1, 2)), { TO4(3, 4) },
	  PKT(ETH(), IP4(.src = S4_, .dst = D4_, .opts = "\1\1\1\1", .opts_len = 4),
	      SEG(3, 4)) },
	{ "IPv4 UDP", IN4(UDP(.sport = 4000, .dport = 53), RAW("query")), { TO4(65535, 1) },
	  OUT4(UDP(.sport = 65535, .dport = 1), RAW("query")) },
	{ "IPv4 UDP without checksum", IN4(UDP(.sport = 4000, .dport = 53, .check = PKT_ZERO)),
	  { TO4(5000, 1) }, OUT4(UDP(.sport = 5000, .dport = 1, .check = PKT_ZERO)) },
	{ "IPv4 ICMP echo", IN4(ICMP(.type = 8, .id = 77, .seq = 5), FILL(56)),
	  { { S4_, D4_, 1234, 1234, ID } }, OUT4(ICMP(.type = 8, .id = 1234, .seq = 5), FILL(56)) },
	{ "IPv4 SCTP: its CRC holds", IN4(SCTP(.sport = 4000, .dport = 80, .tag = 9), FILL(16)),
	  { { S4_, D4_, 1, 1, 0 } }, OUT4(SCTP(.sport = 4000, .dport = 80, .tag = 9), FILL(16)) },
	{ "IPv4 GRE", PKT(ETH(), IP4(.src = S4, .dst = D4, .next = 47), FILL(20)),
	  { { S4_, D4_, 1, 1, 0 } }, PKT(ETH(), IP4(.src = S4_, .dst = D4_, .next = 47), FILL(20)) },
	{ "IPv4 UDP-Lite", PKT(ETH(), IP4(.src = S4, .dst = D4, .next = 136),
			       RAW("\0\1\0\2\0\0\x12\x34")), { { S4_, D4_, 1, 1, 0 } },
	  PKT(ETH(), IP4(.src = S4_, .dst = D4_, .next = 136), RAW("\0\1\0\2\0\0\xb6\x62")) },
	{ "IPv4 first fragment", PKT(ETH(), IP4(.src = S4, .dst = D4, .mf = true),
				     UDP(.sport = 1, .dport = 2, .len = 4000, .check = 0x1234), FILL(1472)),
	  { TO4(3, 4) }, PKT(ETH(), IP4(.src = S4_, .dst = D4_, .mf = true),
			 UDP(.sport = 3, .dport = 4, .len = 4000, .check = 0xb65e), FILL(1472)) },
	{ "IPv4 later fragment", PKT(ETH(), IP4(.src = S4, .dst = D4, .frag_off = 1480, .next = 17),
				     FILL(100)), { TO4(3, 4) },
	  PKT(ETH(), IP4(.src = S4_, .dst = D4_, .frag_off = 1480, .next = 17), FILL(100)) },
	{ "tags", PKT(ETH(), VLAN(.tpid = 0x88a8, .id = 5), VLAN(.id = 7), IP4(.src = S4, .dst = D4),
		      SEG(1, 2)), { TO4(3, 4) },
	  PKT(ETH(), VLAN(.tpid = 0x88a8, .id = 5), VLAN(.id = 7), IP4(.src = S4_, .dst = D4_),
	      SEG(3, 4)) },
	{ "IPv6 TCP", IN6(TCP(.sport = 4000, .dport = 80, .flags = PKT_SYN)), { TO6(5000, 8080) },
	  OUT6(TCP(.sport = 5000, .dport = 8080, .flags = PKT_SYN)) },
	{ "IPv6 UDP", IN6(UDP(.sport = 4000, .dport = 53), FILL(1001)), { TO6(5000, 1) },
	  OUT6(UDP(.sport = 5000, .dport = 1), FILL(1001)) },
	{ "IPv6 UDP without checksum (RFC 6935)",
	  IN6(UDP(.sport = 4000, .dport = 53, .check = PKT_ZERO)), { TO6(5000, 1) },
	  OUT6(UDP(.sport = 5000, .dport = 1, .check = PKT_ZERO)) },
	{ "IPv6 echo", IN6(ICMP6(.type = 128, .id = 77, .seq = 5), FILL(56)),
	  { { S6_, D6_, 1234, 1234, ID } }, OUT6(ICMP6(.type = 128, .id = 1234, .seq = 5), FILL(56)) },
	{ "IPv6 SCTP", IN6(SCTP(.sport = 1, .dport = 2)), { { S6_, D6_, 5, 5, 0 } },
	  OUT6(SCTP(.sport = 1, .dport = 2)) },
	{ "IPv6 behind extension headers", IN6(HBH(), DSTOPT(), SEG(1, 2)),
	  { TO6(3, 4) }, OUT6(HBH(), DSTOPT(), SEG(3, 4)) },
	{ "IPv6 later fragment", IN6(FRAG(.off = 1480, .id = 9, .next = 17), FILL(64)), { TO6(3, 4) },
	  OUT6(FRAG(.off = 1480, .id = 9, .next = 17), FILL(64)) },
	{ "error about TCP", ERROR4(L3(TCP4(S4_, D4, 5000, 80, PKT_SYN))),
	  { TO_R4, BACK4(4000, 80, PORTS) },
	  ERROR4_(L3(TCP4(S4, D4, 4000, 80, PKT_SYN))) },
	{ "error about TCP, header and 8 bytes", ERROR4(L3(SHORT4(S4_, "\x13\x88"))),
	  { TO_R4, BACK4(4000, 80, PORTS) },
	  ERROR4_(L3(SHORT4(S4, "\x0f\xa0"))) },
	{ "error about UDP", ERROR4(L3(UDP4(S4_, D4, 5000, 53, RAW("abc")))),
	  { TO_R4, BACK4(4000, 53, PORTS) },
	  ERROR4_(L3(UDP4(S4, D4, 4000, 53, RAW("abc")))) },
	{ "error about UDP without checksum",
	  ERROR4(BARE4(S4_, 5000)),
	  { TO_R4, BACK4(4000, 53, PORTS) },
	  ERROR4_(BARE4(S4, 4000)) },
	{ "error about a ping",
	  ERROR4(ECHO4(S4_, 9)), { TO_R4, BACK4(1, 1, ID) },
	  ERROR4_(ECHO4(S4, 1)) },
	{ "error about GRE", ERROR4(GRE4(S4_)),
	  { TO_R4, BACK4(0, 0, 0) },
	  ERROR4_(GRE4(S4)) },
	{ "IPv6 error about TCP", ERROR6(L3(TCP6(S6_, D6, 5000, 80, PKT_SYN))),
	  { TO_R6, BACK6(4000, 80, PORTS) },
	  ERROR6_(L3(TCP6(S6, D6, 4000, 80, PKT_SYN))) },
	{ "IPv6 error about UDP", ERROR6(L3(UDP6(S6_, D6, 5000, 53, FILL(99)))),
	  { TO_R6, BACK6(4000, 53, PORTS) },
	  ERROR6_(L3(UDP6(S6, D6, 4000, 53, FILL(99)))) },
	{ "IPv6 error about a ping",
	  ERROR6(ECHO6(S6_, 9)), { TO_R6, BACK6(1, 1, ID) },
	  ERROR6_(ECHO6(S6, 1)) },
	{ "IPv6 error about what has extension headers",
	  ERROR6(CHAIN6(S6_, 5000)), { TO_R6, BACK6(4000, 80, PORTS) },
	  ERROR6_(CHAIN6(S6, 4000)) },
};

/* ---- checksums that wait for the device, at XDP ---- */

/* Sum of the pseudo header, not complemented: as Linux leaves it in the field */
static uint16_t pseudo(const struct pkt *p, enum pkt_kind l4, uint8_t proto)
{
	bool six = p->data[12] == 0x86;
	size_t off = pkt_off(p, l4, 0);
	uint8_t tail[4] = { (p->len - off) >> 8, p->len - off, 0, proto };
	uint32_t sum = pkt_sum(tail, sizeof(tail), 0);

	return ~pkt_checksum(p->data + (six ? 22 : 26), six ? 32 : 8, sum);
}

static void partial(const struct pkt_hdr *in_hdrs, const struct ends *to,
		    const struct pkt_hdr *want_hdrs, enum pkt_kind l4, uint8_t proto)
{
	size_t check = l4 == PKT_TCP ? 16 : 6;
	struct pkt in, want;

	pkt_build(&in, in_hdrs);
	pkt_build(&want, want_hdrs);
	pkt_set16(&in, pkt_off(&in, l4, 0) + check, pseudo(&in, l4, proto));
	pkt_set16(&want, pkt_off(&want, l4, 0) + check, pseudo(&want, l4, proto));
	put(0, 0, to);
	put(0, 1, &(struct ends){ 0 });
	run(0, &in, 0, &want);
	run(0, &in, 4096, &want);
}

static void test_partial(void **state)
{
	const struct ends to4 = TO4(5000, 8080), to6 = TO6(5000, 8080);

	partial(IN4(SEG(4000, 80), FILL(1000)), &to4,
		OUT4(SEG(5000, 8080), FILL(1000)), PKT_TCP, 6);
	partial(IN4(UDP(.sport = 4000, .dport = 80), FILL(1)), &to4,
		OUT4(UDP(.sport = 5000, .dport = 8080), FILL(1)), PKT_UDP, 17);
	partial(IN6(SEG(4000, 80), FILL(127)), &to6,
		OUT6(SEG(5000, 8080), FILL(127)), PKT_TCP, 6);
	partial(IN6(UDP(.sport = 4000, .dport = 80), FILL(8000)), &to6,
		OUT6(UDP(.sport = 5000, .dport = 8080), FILL(8000)), PKT_UDP, 17);
}

/* Two bytes of data make a complete checksum that number */
static void test_complete_alike(void **state)
{
	const struct pkt_hdr *in_hdrs = IN4(SEG(4000, 80), FILL(700));
	const struct pkt_hdr *want_hdrs = OUT4(SEG(5000, 8080), FILL(700));
	const struct ends to = TO4(5000, 8080);
	struct pkt in, want;
	uint16_t check, wanted, fix;
	size_t off;
	int h;

	pkt_build(&in, in_hdrs);
	pkt_build(&want, want_hdrs);
	off = pkt_off(&in, PKT_TCP, 0);
	wanted = pseudo(&in, PKT_TCP, 6);
	pkt_set16(&in, off + 20, 0);
	pkt_set16(&in, off + 16, 0);
	check = pkt_checksum(in.data + off, in.len - off, pkt_sum(&(uint16_t){ htons(wanted) }, 2, 0));
	/* the sum without the word is ~check, with it is ~wanted */
	fix = ~pkt_checksum(&(uint16_t[2]){ htons(check), htons(~wanted) }, 4, 0);
	pkt_set16(&in, off + 20, fix);
	pkt_set16(&in, off + 16, wanted);
	assert_int_equal(pkt_checksum(in.data + off, in.len - off,
				      pkt_sum(&(uint16_t){ htons(wanted) }, 2, 0)), 0);
	pkt_set16(&want, off + 20, fix);
	pkt_set16(&want, off + 16, 0);
	check = pkt_checksum(want.data + off, want.len - off,
			     pkt_sum(&(uint16_t){ htons(pseudo(&want, PKT_TCP, 6)) }, 2, 0));
	pkt_set16(&want, off + 16, check);
	for (h = 0; h < HOOKS; h++) {
		put(h, 0, &to);
		put(h, 1, &(struct ends){ 0 });
		run(h, &in, 0, &want);
	}
}

/* ---- what the context says behind ---- */
static void test_context(void **state)
{
	const struct ends to = TO4(5000, 8080);
	struct shunt_addr s = addr(S4_), d = addr(D4_);
	struct pkt in, want;

	pkt_build(&in, IN4(SEG(4000, 80)));
	pkt_build(&want, OUT4(SEG(5000, 8080)));
	put(0, 0, &to);
	put(0, 1, &(struct ends){ 0 });
	run(0, &in, 0, &want);
	assert_memory_equal(&out.pkt.saddr, &s, sizeof(s));
	assert_memory_equal(&out.pkt.daddr, &d, sizeof(d));
	assert_int_equal(out.pkt.sport, htons(5000));
	assert_int_equal(out.pkt.dport, htons(8080));
}

/* Sums that end as 0 and 0xffff: UDP never sends 0. All values of a port pass them both */
static void test_every_port(void **state)
{
	struct pkt in, want;
	unsigned int port;
	int h;

	pkt_build(&in, IN4(UDP(.sport = 4000, .dport = 53), RAW("x")));
	for (h = 0; h < 2; h++)
		for (port = h; port < 65536; port += 7) {
			const struct ends to = TO4(port, 53);

			pkt_build(&want, OUT4(UDP(.sport = port, .dport = 53), RAW("x")));
			put(h, 0, &to);
			put(h, 1, &(struct ends){ 0 });
			run(h, &in, 0, &want);
		}
}

int main(void)
{
	static struct CMUnitTest tests[N(cases) + 4];
	unsigned int i, n = 0;
	char yaml[512];
	int h;

	snprintf(yaml, sizeof(yaml), "nodes:\n  w: { module: \"%s\" }\ngraphs:\n  g: [w]\n",
		 rig_built("tests/lib/rewriter"));
	for (h = 0; h < HOOKS; h++) {
		rigs[h] = rig_new(yaml, hooks[h]);
		table_fd[h] = rig_table(rigs[h], "w", "rewriter_to");
	}
	for (i = 0; i < N(cases); i++)
		tests[n++] = unit_row(cases[i].name, test_case, &cases[i]);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_partial);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_complete_alike);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_context);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_every_port);
	i = unit_main(tests, n);
	for (h = 0; h < HOOKS; h++) {
		close(table_fd[h]);
		rig_free(rigs[h]);
	}
	return i;
}
